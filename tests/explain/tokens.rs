//! Mistakes in tokens, on every format that is one.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE, URL_SAFE_NO_PAD};
use campaign_signer::explain::{Side, Verdict};
use campaign_signer::format::Alg;

use crate::signer::{
    assert_causes, encoded, es256, explain, explain_under, get, hs256, line, mac_or_raw, parts,
    set, token, token_samples,
};
use crate::testkit;

type Parts = [String; 2];

/// Compact JSON with other white space.
fn spaced(json: &str) -> String {
    let (mut out, mut in_string, mut escaped) = (String::new(), false, false);
    for c in json.chars() {
        out.push(c);
        if in_string {
            in_string = escaped || c != '"';
            escaped = !escaped && c == '\\';
        } else if c == '"' {
            in_string = true;
        } else if c == ':' || c == ',' {
            out.push(' ');
        }
    }
    out
}

fn sorted(json: &str) -> String {
    let value: serde_json::Value = serde_json::from_str(json).unwrap();
    value.to_string()
}

/// Another token for one claim.
fn claim(payload: &str, name: &str, change: impl Fn(&str) -> String) -> Option<String> {
    let members = campaign_signer::json::object(payload).unwrap();
    let (_, token) = members.iter().find(|(own, _)| own == name)?;
    let changed = change(token);
    let from = format!("\"{name}\":{token}");
    assert!(payload.contains(&from), "{payload}");
    (changed != *token).then(|| payload.replace(&from, &format!("\"{name}\":{changed}")))
}

/// The input that was signed, while the parts were sent as they are.
type Input = fn(&Parts) -> Option<Vec<u8>>;

fn of(parts: [String; 2]) -> Option<Vec<u8>> {
    Some(encoded(&parts).into_bytes())
}

const SIGNED: &[(&str, &str, Input)] = &[
    ("reencoded", "payload", |p| {
        of([p[0].clone(), spaced(&p[1])])
    }),
    ("reencoded", "payload", |p| {
        let value: serde_json::Value = serde_json::from_str(&p[1]).unwrap();
        // Sorted already: only the lines differ.
        let pretty = serde_json::to_string_pretty(&value).unwrap();
        (sorted(&p[1]) == p[1]).then(|| of([p[0].clone(), pretty]))?
    }),
    ("reencoded", "payload", |p| {
        // Who writes a payload anew loses the escapes that were in it.
        let is_plain = !p[1].contains("\\u");
        let slashed = p[1].replace('/', "\\/");
        (slashed != p[1] && is_plain).then(|| of([p[0].clone(), slashed]))?
    }),
    ("reencoded", "header", |p| of([spaced(&p[0]), p[1].clone()])),
    ("member_order", "payload", |p| {
        let other = sorted(&p[1]);
        (other != p[1] && !p[1].contains("\\u")).then(|| of([p[0].clone(), other]))?
    }),
    ("member_order", "header", |p| {
        let inner = p[0].strip_prefix('{')?.strip_suffix('}')?;
        let mut members: Vec<&str> = inner.split(',').collect();
        members.rotate_left(1);
        (members.len() > 1).then(|| of([format!("{{{}}}", members.join(",")), p[1].clone()]))?
    }),
    ("typ", "", |p| {
        let other = match p[0].contains(",\"typ\":\"JWT\"") {
            true => p[0].replace(",\"typ\":\"JWT\"", ""),
            false => p[0].replace('}', ",\"typ\":\"JWT\"}"),
        };
        of([other, p[1].clone()])
    }),
    ("signing_input", "", |p| {
        let input = p.each_ref().map(|part| URL_SAFE.encode(part)).join(".");
        input.contains('=').then(|| input.into_bytes())
    }),
    ("signing_input", "", |p| {
        Some(URL_SAFE_NO_PAD.encode(&p[1]).into_bytes())
    }),
    ("signing_input", "", |p| Some(p[1].clone().into_bytes())),
    ("signing_input", "", |p| Some(p.join(".").into_bytes())),
    ("letter_case", "nonce", |p| {
        of([p[0].clone(), claim(&p[1], "nonce", str::to_uppercase)?])
    }),
    ("letter_case", "impression-identifier", |p| {
        of([
            p[0].clone(),
            claim(&p[1], "impression-identifier", str::to_uppercase)?,
        ])
    }),
    ("time_unit", "iat", |p| {
        of([p[0].clone(), claim(&p[1], "iat", |t| format!("{t}000"))?])
    }),
    ("time_unit", "timestamp", |p| {
        of([
            p[0].clone(),
            claim(&p[1], "timestamp", |t| t[..10].to_owned())?,
        ])
    }),
    ("json_type", "publisher-item-identifier", |p| {
        of([
            p[0].clone(),
            claim(&p[1], "publisher-item-identifier", |t| format!("{t:?}"))?,
        ])
    }),
    ("json_type", "iat", |p| {
        of([p[0].clone(), claim(&p[1], "iat", |t| format!("{t:?}"))?])
    }),
    ("decimal", "advertised-item-identifier", |p| {
        of([
            p[0].clone(),
            claim(&p[1], "advertised-item-identifier", |t| format!("{t}.0"))?,
        ])
    }),
    ("decimal", "exp", |p| {
        of([p[0].clone(), claim(&p[1], "exp", |t| format!("{t}.0"))?])
    }),
    ("zero", "publisher-item-identifier", |p| {
        of([
            p[0].clone(),
            claim(&p[1], "publisher-item-identifier", |_| "0".into())?,
        ])
    }),
    ("null_claim", "transactionId", |p| {
        if p[1].contains("\"transactionId\"") || !p[1].contains("\"offerIdentifier\"") {
            return None;
        }
        of([p[0].clone(), p[1].replace('}', ",\"transactionId\":null}")])
    }),
    ("null_claim", "eligible-for-re-engagement", |p| {
        if p[1].contains("re-engagement") || !p[1].contains("impression-type") {
            return None;
        }
        of([
            p[0].clone(),
            p[1].replace('}', ",\"eligible-for-re-engagement\":false}"),
        ])
    }),
    ("digest", "", |p| {
        use sha2::{Digest, Sha256};
        Some(Sha256::digest(encoded(p)).to_vec())
    }),
];

#[test]
fn what_was_signed_otherwise_than_it_was_sent_is_named_exactly() {
    let samples = token_samples(8, 71);
    for (code, field, make) in SIGNED {
        let mut cases = 0;
        for sample in &samples {
            for record in &sample.records {
                let (alg, sent) = (sample.format.alg(), parts(record));
                let Some(input) = make(&sent) else { continue };
                let token = token(alg, &sent, &input);
                let about = format!("{code} {field} {} {}", sample.format.id, sent[1]);
                assert_causes(&explain(&token, alg), &[(code, field)], &about);
                // The same token in the record that a run writes.
                let mut record = record.clone();
                set(&mut record, "jws", &token);
                assert_causes(&explain(&line(&record), alg), &[(code, field)], &about);
                cases += 1;
            }
        }
        assert!(
            cases >= 3 || (*code, *field) == ("reencoded", "payload"),
            "{code} {field}: {cases}"
        );
    }
}

/// What was signed and sent, against the format's rules.
type Sent = fn(&Parts) -> Option<Parts>;

/// Code, field, and the parts.
const SENT: &[(&str, &str, Sent)] = &[
    ("time_unit", "iat", |p| {
        Some([p[0].clone(), claim(&p[1], "iat", |t| format!("{t}000"))?])
    }),
    ("time_unit", "timestamp", |p| {
        Some([
            p[0].clone(),
            claim(&p[1], "timestamp", |t| t[..10].to_owned())?,
        ])
    }),
    ("time_unit", "exp", |p| {
        Some([p[0].clone(), claim(&p[1], "exp", |t| format!("{t}000"))?])
    }),
    ("json_type", "source-identifier", |p| {
        Some([
            p[0].clone(),
            claim(&p[1], "source-identifier", |t| format!("{t:?}"))?,
        ])
    }),
    ("json_type", "iat", |p| {
        Some([p[0].clone(), claim(&p[1], "iat", |t| format!("{t:?}"))?])
    }),
    ("decimal", "advertised-item-identifier", |p| {
        Some([
            p[0].clone(),
            claim(&p[1], "advertised-item-identifier", |t| format!("{t}.0"))?,
        ])
    }),
    ("letter_case", "ad-network-identifier", |p| {
        Some([
            p[0].clone(),
            claim(&p[1], "ad-network-identifier", str::to_uppercase)?,
        ])
    }),
];

#[test]
fn a_token_that_breaks_its_formats_rules_is_told_though_its_signature_is_right() {
    let samples = token_samples(8, 72);
    for (code, field, make) in SENT {
        let mut cases = 0;
        for sample in &samples {
            for record in &sample.records {
                let alg = sample.format.alg();
                let Some(sent) = make(&parts(record)) else {
                    continue;
                };
                let input = encoded(&sent).into_bytes();
                let found = explain(&token(alg, &sent, &input), alg);
                assert_causes(
                    &found,
                    &[(code, field)],
                    &format!("{code} {field} {}", sent[1]),
                );
                assert_eq!(found[0].causes[0].side, Side::Both);
                cases += 1;
            }
        }
        assert!(cases >= 3, "{code} {field}: {cases} cases");
    }
}

#[test]
fn a_token_or_its_signature_that_is_written_otherwise_is_named() {
    let mut counts = std::collections::BTreeMap::new();
    for sample in token_samples(8, 73) {
        for record in &sample.records {
            let (alg, sent) = (sample.format.alg(), parts(record));
            let input = encoded(&sent);
            let signature = mac_or_raw(alg, input.as_bytes());
            let text = URL_SAFE_NO_PAD.encode(&signature);
            let sound = format!("{input}.{text}");
            assert_eq!(explain(&sound, alg)[0].verdict, Verdict::Valid);
            let mut all = vec![
                (
                    "padding",
                    format!("{input}.{}", URL_SAFE.encode(&signature)),
                ),
                (
                    "base64_twice",
                    format!("{input}.{}", URL_SAFE_NO_PAD.encode(&text)),
                ),
                ("base64_twice", STANDARD.encode(&sound)),
                ("around", format!("Bearer {sound}")),
                ("around", format!("\"{sound}\"")),
                ("line_breaks", format!("{input}.\n{text}")),
                ("hex", {
                    let hex: String = signature.iter().map(|byte| format!("{byte:02x}")).collect();
                    format!("{input}.{hex}")
                }),
            ];
            if STANDARD.encode(&signature).contains(['+', '/']) {
                all.push((
                    "base64_standard",
                    format!("{input}.{}", STANDARD.encode(&signature)),
                ));
            }
            if alg == Alg::Es256 {
                let der = es256(input.as_bytes()).to_der();
                let der = URL_SAFE_NO_PAD.encode(der.as_bytes());
                all.push(("der_for_raw", format!("{input}.{der}")));
                let swapped = [&signature[32..], &signature[..32]].concat();
                all.push((
                    "halves",
                    format!("{input}.{}", URL_SAFE_NO_PAD.encode(swapped)),
                ));
            }
            for (code, text) in all {
                let found = explain(&text, alg);
                let says = found[0].sentence();
                let codes: Vec<&str> = found[0].causes.iter().map(|own| own.kind.code).collect();
                assert_eq!(codes, [code], "{says}: {text}");
                *counts.entry(code).or_insert(0) += 1;
            }
        }
    }
    assert!(
        counts.len() >= 8 && counts.values().all(|count| *count >= 3),
        "{counts:?}"
    );
}

#[test]
fn a_secret_that_was_taken_for_something_else_is_named() {
    let text = "c2VjcmV0LW9mLXRoaXJ0eS10d28tYnl0ZXMtMDEyMzQ=";
    let hex = "5345435245542d6f662d74686972747974776f2d62797465732d303132333435";
    let samples = token_samples(3, 74);
    let mut cases = 0;
    for sample in samples
        .iter()
        .filter(|sample| sample.format.alg() == Alg::Hs256)
    {
        for record in &sample.records {
            let input = encoded(&parts(record));
            let hex_bytes: Vec<u8> = (0..hex.len() / 2)
                .map(|at| u8::from_str_radix(&hex[2 * at..2 * at + 2], 16).unwrap())
                .collect();
            for (secret, used) in [
                (text, STANDARD.decode(text).unwrap()),
                (hex, hex_bytes),
                (text, format!("{text}\n").into_bytes()),
                (text, format!("\"{text}\"").into_bytes()),
            ] {
                let signature = hs256(&used, input.as_bytes());
                let token = format!("{input}.{}", URL_SAFE_NO_PAD.encode(signature));
                let found =
                    explain_under(&token, Alg::Hs256, &testkit::key(), secret.as_bytes(), &[]);
                assert_causes(&found, &[("secret", "")], secret);
                let says = format!("{:?}{}", found[0], found[0].sentence());
                assert!(
                    !says.contains(text) && !says.contains(hex),
                    "the secret is told"
                );
                cases += 1;
            }
        }
    }
    assert!(cases >= 12);
}

#[test]
fn a_record_that_differs_from_its_token_is_told_by_its_field() {
    for sample in token_samples(3, 75) {
        for record in &sample.records {
            let alg = sample.format.alg();
            for (name, _) in record
                .iter()
                .filter(|(name, _)| name == "nonce" || name == "bid")
            {
                let mut damaged = record.clone();
                let other = get(record, name)
                    .unwrap()
                    .replace(['a', 'e', 'o', '4'], "7");
                if Some(&other) == get(record, name).as_ref() {
                    continue;
                }
                set(&mut damaged, name, &other);
                let found = explain(&line(&damaged), alg);
                assert_causes(&found, &[("record_differs", name)], name);
                assert_eq!(found[0].causes[0].side, Side::Shown);
            }
        }
    }
}

#[test]
fn two_mistakes_of_a_token_at_once_are_both_named() {
    let mut cases = 0;
    for sample in token_samples(6, 76) {
        for record in &sample.records {
            let (alg, sent) = (sample.format.alg(), parts(record));
            let Some(payload) = claim(&sent[1], "nonce", str::to_uppercase) else {
                continue;
            };
            // Written with spaces and with another nonce when it was signed.
            let input = encoded(&[sent[0].clone(), spaced(&payload)]);
            let found = explain(&token(alg, &sent, input.as_bytes()), alg);
            let mut codes: Vec<&str> = found[0].causes.iter().map(|own| own.kind.code).collect();
            codes.sort_unstable();
            assert_eq!(
                codes,
                ["letter_case", "reencoded"],
                "{}",
                found[0].sentence()
            );
            // And the signature in standard base64 beside a nonce in capitals.
            let input = encoded(&[sent[0].clone(), payload]);
            let signature = STANDARD.encode(mac_or_raw(alg, input.as_bytes()));
            if signature.contains(['+', '/']) {
                let found = explain(&format!("{}.{signature}", encoded(&sent)), alg);
                let mut codes: Vec<&str> =
                    found[0].causes.iter().map(|own| own.kind.code).collect();
                codes.sort_unstable();
                assert_eq!(
                    codes,
                    ["base64_standard", "letter_case"],
                    "{}",
                    found[0].sentence()
                );
                cases += 1;
            }
        }
    }
    assert!(cases >= 3, "{cases}");
}

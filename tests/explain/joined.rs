//! Mistakes in joined messages, each on every format and version where it can
//! be made.

use campaign_signer::explain::{Side, Verdict};
use campaign_signer::format::Alg;

use crate::signer::{
    Record, SEPARATOR, assert_causes, es256, explain, get, join, joined_samples, line, set,
    signed_over, values,
};

type Values = Vec<(&'static str, String)>;

/// What a signer did: gives the message; `None` where it cannot be done.
type Made = fn(Values) -> Option<Vec<u8>>;

/// Another value for one field.
fn with(mut values: Values, name: &str, change: impl Fn(&str) -> String) -> Option<Vec<u8>> {
    let value = values.iter_mut().find(|(own, _)| *own == name)?;
    let changed = change(&value.1);
    if changed == value.1 {
        return None;
    }
    value.1 = changed;
    Some(join(&values, SEPARATOR))
}

fn without(mut values: Values, name: &str) -> Option<Vec<u8>> {
    let at = values.iter().position(|(own, _)| *own == name)?;
    // Of two equal values beside each other nobody knows which one is gone.
    let neighbours = [at.checked_sub(1), Some(at + 1)].into_iter().flatten();
    let mut neighbours = neighbours.filter_map(|other| values.get(other));
    if neighbours.any(|(_, text)| *text == values[at].1) {
        return None;
    }
    values.remove(at);
    Some(join(&values, SEPARATOR))
}

/// Code, field, and how it is made.
const MISTAKES: &[(&str, &str, Made)] = &[
    ("letter_case", "nonce", |v| {
        with(v, "nonce", str::to_uppercase)
    }),
    ("letter_case", "ad-network-id", |v| {
        with(v, "ad-network-id", str::to_uppercase)
    }),
    ("letter_case", "ad_network_id", |v| {
        with(v, "ad_network_id", str::to_uppercase)
    }),
    ("letter_case", "appAccountToken", |v| {
        with(v, "appAccountToken", str::to_uppercase)
    }),
    ("letter_case", "source_domain", |v| {
        with(v, "source_domain", str::to_uppercase)
    }),
    ("time_unit", "timestamp", |v| {
        with(v, "timestamp", |t| t[..10].to_owned())
    }),
    ("time_unit", "timestamp", |v| {
        with(v, "timestamp", |t| format!("{t}000"))
    }),
    ("decimal", "timestamp", |v| {
        with(v, "timestamp", |t| format!("{t}.0"))
    }),
    ("decimal", "itunes-item-id", |v| {
        with(v, "itunes-item-id", |t| format!("{t}.0"))
    }),
    ("decimal", "source-app-id", |v| {
        with(v, "source-app-id", |t| format!("{t}.0"))
    }),
    ("decimal", "itunes_item_id", |v| {
        with(v, "itunes_item_id", |t| format!("{t}.0"))
    }),
    ("leading_zero", "itunes-item-id", |v| {
        with(v, "itunes-item-id", |t| format!("0{t}"))
    }),
    ("leading_zero", "source-identifier", |v| {
        with(v, "source-identifier", |t| format!("0{t}"))
    }),
    ("quoted", "itunes-item-id", |v| {
        with(v, "itunes-item-id", |t| format!("\"{t}\""))
    }),
    ("quoted", "nonce", |v| {
        with(v, "nonce", |t| format!("\"{t}\""))
    }),
    ("thousands", "itunes-item-id", |v| {
        with(v, "itunes-item-id", |t| {
            let digits: Vec<char> = t.chars().rev().collect();
            let groups = digits
                .chunks(3)
                .map(|three| three.iter().rev().collect::<String>());
            groups
                .collect::<Vec<_>>()
                .into_iter()
                .rev()
                .collect::<Vec<_>>()
                .join(",")
        })
    }),
    ("wrapped", "source-app-id", |v| {
        with(v, "source-app-id", |t| format!("Optional({t})"))
    }),
    ("zero", "source-app-id", |v| {
        with(v, "source-app-id", |_| "0".to_owned())
    }),
    ("field_missing", "source-app-id", |v| {
        without(v, "source-app-id")
    }),
    ("field_missing", "fidelity-type", |v| {
        without(v, "fidelity-type")
    }),
    ("field_missing", "version", |v| without(v, "version")),
    ("field_missing", "appAccountToken", |v| {
        without(v, "appAccountToken")
    }),
    ("field_empty", "source-app-id", |v| {
        with(v, "source-app-id", |_| String::new())
    }),
    ("field_empty", "nonce", |v| {
        with(v, "nonce", |_| String::new())
    }),
    ("null_word", "source-app-id", |v| {
        with(v, "source-app-id", |_| "null".to_owned())
    }),
    ("null_word", "appAccountToken", |v| {
        with(v, "appAccountToken", |_| "None".to_owned())
    }),
    ("null_word", "appBundleId", |v| {
        with(v, "appBundleId", |_| "undefined".to_owned())
    }),
    ("null_word", "itunes-item-id", |v| {
        with(v, "itunes-item-id", |_| "(null)".to_owned())
    }),
    ("spaces", "ad-network-id", |v| {
        with(v, "ad-network-id", |t| format!("{t} "))
    }),
    ("spaces", "nonce", |v| {
        with(v, "nonce", |t| format!("{t}\n"))
    }),
    ("spaces", "productIdentifier", |v| {
        with(v, "productIdentifier", |t| format!(" {t}"))
    }),
    ("uuid_form", "nonce", |v| {
        with(v, "nonce", |t| t.replace('-', ""))
    }),
    ("constant", "fidelity-type", |v| {
        with(v, "fidelity-type", |t| {
            if t == "0" {
                "1".to_owned()
            } else {
                "0".to_owned()
            }
        })
    }),
    ("version_text", "version", |v| {
        with(v, "version", |t| t.trim_end_matches(".0").to_owned())
    }),
    ("bits", "timestamp", |v| {
        with(v, "timestamp", |t| {
            (t.parse::<u64>().unwrap() as u32 as i32).to_string()
        })
    }),
    ("exponent", "timestamp", |v| {
        with(v, "timestamp", |t| {
            let (first, rest) = t.split_at(1);
            format!("{first}.{}E{}", rest.trim_end_matches('0'), t.len() - 1)
        })
    }),
    ("separator", "", |v| Some(join(&v, ""))),
    ("separator", "", |v| Some(join(&v, "\\u2063"))),
    ("separator", "", |v| Some(join(&v, "\u{2062}"))),
    ("separator", "", |v| Some(join(&v, "|"))),
    ("separator", "", |v| Some(join(&v, "\u{200b}"))),
    ("separator_outside", "", |v| {
        Some([join(&v, SEPARATOR), SEPARATOR.as_bytes().to_vec()].concat())
    }),
    ("message_end", "", |v| {
        Some([join(&v, SEPARATOR), b"\n".to_vec()].concat())
    }),
    ("message_end", "", |v| {
        Some([join(&v, SEPARATOR), b" ".to_vec()].concat())
    }),
    ("message_form", "", |v| {
        Some([b"\"".to_vec(), join(&v, SEPARATOR), b"\"".to_vec()].concat())
    }),
    ("message_end", "", |v| {
        Some([&[0xef, 0xbb, 0xbf], &join(&v, SEPARATOR)[..]].concat())
    }),
    ("message_form", "", |v| {
        let text = String::from_utf8(join(&v, SEPARATOR)).unwrap();
        Some(text.encode_utf16().flat_map(u16::to_le_bytes).collect())
    }),
    ("digest", "", |v| {
        use sha2::{Digest, Sha256};
        Some(Sha256::digest(join(&v, SEPARATOR)).to_vec())
    }),
    ("swapped", "", |mut v| {
        let at = v.iter().position(|(name, _)| *name == "nonce")?;
        v.swap(at, at + 1);
        Some(join(&v, SEPARATOR))
    }),
];

#[test]
fn each_mistake_of_a_signer_is_named_exactly() {
    let samples = joined_samples(40, 61);
    for (code, field, make) in MISTAKES {
        let mut cases = 0;
        for sample in &samples {
            let of = |record: &Record| make(values(record, sample.order()));
            let all = sample.records.iter();
            let all = all.filter_map(|record| Some((record, of(record)?)));
            for (record, message) in all.take(4) {
                let about = format!(
                    "{code} {field} {} {:?}",
                    sample.format.id, sample.layout.version
                );
                let found = explain(&line(&signed_over(record, &message)), Alg::Es256);
                if *code == "swapped" {
                    assert_eq!(found[0].causes[0].kind.code, "swapped", "{about}");
                } else {
                    assert_causes(&found, &[(code, field)], &about);
                }
                assert_eq!(found[0].causes[0].side, Side::Signed, "{about}");
                // What was signed is shown as it was.
                let shown = found[0].signed.as_deref().unwrap().as_bytes();
                let is_text = std::str::from_utf8(&message).is_ok() && *code != "message_form";
                assert!(!is_text || shown == message, "{about}");
                cases += 1;
            }
        }
        assert!(cases >= 3, "{code} {field}: {cases} cases");
    }
}

#[test]
fn the_order_and_the_fields_of_other_versions_are_known() {
    let samples = joined_samples(3, 62);
    let mut added = 0;
    let mut other = 0;
    for sample in &samples {
        for layout in sample.format.layouts {
            let (Some(own), Some(version)) = (sample.layout.version, layout.version) else {
                continue;
            };
            if own == version {
                continue;
            }
            let campaign_signer::format::Signing::Joined { order } = &layout.signing else {
                continue;
            };
            for record in &sample.records {
                // As the other version joins them; what it has in another's
                // place is the same number.
                let value = |name: &&'static str| {
                    let own = get(record, name);
                    let counterpart = || match *name {
                        "campaign-id" => get(record, "source-identifier"),
                        "source-identifier" => get(record, "campaign-id"),
                        "fidelity-type" if sample.format.id.contains("view") => Some("0".into()),
                        "fidelity-type" => Some("1".into()),
                        _ => None,
                    };
                    own.or_else(counterpart).map(|text| (*name, text))
                };
                let all: Option<Vec<_>> = order.iter().map(value).collect();
                let Some(mut all) = all else { continue };
                let as_it_is = signed_over(record, &join(&all, SEPARATOR));
                let found = explain(&line(&as_it_is), Alg::Es256).remove(0);
                let about = format!("{} {own} in the order of {version}", sample.format.id);
                match found.verdict {
                    // Two versions may join the same.
                    Verdict::Valid => {}
                    Verdict::Explained => {
                        assert_eq!(found.causes.len(), 1, "{about}: {}", found.sentence());
                        let code = found.causes[0].kind.code;
                        let known = ["field_added", "field_missing", "field_order"];
                        assert!(known.contains(&code), "{about}: {}", found.sentence());
                        added += usize::from(code == "field_added");
                    }
                    _ => panic!("{about}: {}", found.sentence()),
                }
                // With the version's own text, too.
                if let Some(text) = all.iter_mut().find(|(name, _)| *name == "version") {
                    text.1 = version.to_owned();
                    let as_other = signed_over(record, &join(&all, SEPARATOR));
                    let found = explain(&line(&as_other), Alg::Es256).remove(0);
                    assert_eq!(found.causes.len(), 1, "{about}: {}", found.sentence());
                    let code = found.causes[0].kind.code;
                    assert!(
                        ["as_version", "version_text"].contains(&code),
                        "{about}: {code}"
                    );
                    other += 1;
                }
            }
        }
    }
    assert!(added >= 3 && other >= 3, "{added} {other}");
}

#[test]
fn the_campaign_id_in_the_place_of_the_source_identifier_is_named() {
    let mut cases = 0;
    for sample in joined_samples(3, 63) {
        if !sample.order().contains(&"source-identifier") {
            continue;
        }
        for record in &sample.records {
            let mut record = record.clone();
            record.push(("campaign-id".to_owned(), "7".to_owned()));
            let message = with(values(&record, sample.order()), "source-identifier", |_| {
                "7".into()
            });
            let found = explain(&line(&signed_over(&record, &message.unwrap())), Alg::Es256);
            assert_causes(
                &found,
                &[("counterpart", "source-identifier")],
                sample.format.id,
            );
            cases += 1;
        }
    }
    assert!(cases >= 3);
}

/// What stands in the record otherwise than it was signed.
type Change = fn(&str) -> String;

/// Code, field, and what became of the text.
const SHOWN: &[(&str, &str, Change)] = &[
    ("letter_case", "nonce", str::to_uppercase),
    ("letter_case", "ad-network-id", str::to_uppercase),
    ("time_unit", "timestamp", |t| t[..t.len() - 3].to_owned()),
    ("time_unit", "timestamp", |t| format!("{t}000")),
    ("decimal", "itunes-item-id", |t| format!("{t}.0")),
    ("leading_zero", "itunes-item-id", |t| format!("\"00{t}\"")),
    ("json_type", "itunes-item-id", |t| format!("\"{t}\"")),
    ("json_type", "source-app-id", |t| format!("\"{t}\"")),
    ("spaces", "ad-network-id", |t| format!("{t} ")),
    ("spaces", "nonce", |t| format!(" {t}")),
    ("version_text", "version", |t| {
        t.trim_end_matches(".0").to_owned()
    }),
];

#[test]
fn what_the_record_shows_otherwise_than_it_was_signed_is_told_from_what_was_signed_wrong() {
    let samples = joined_samples(3, 64);
    for (code, field, change) in SHOWN {
        let mut cases = 0;
        for sample in &samples {
            if !sample.order().contains(field) {
                continue;
            }
            for record in &sample.records {
                let sound = get(record, field).unwrap();
                let shown = change(&sound);
                if shown == sound {
                    continue;
                }
                let mut damaged = record.clone();
                set(&mut damaged, field, &shown);
                let found = explain(&line(&damaged), Alg::Es256);
                assert_causes(&found, &[(code, field)], &format!("{code} {field}"));
                assert_eq!(found[0].causes[0].side, Side::Shown, "{code}");
                // The same, signed as it stands there.
                let plain = shown.trim_matches('"');
                let message = with(values(record, sample.order()), field, |_| plain.to_owned());
                if let Some(message) = message {
                    let found = explain(&line(&signed_over(&damaged, &message)), Alg::Es256);
                    assert_eq!(
                        found[0].causes[0].kind.code,
                        *code,
                        "{}",
                        found[0].sentence()
                    );
                    assert_eq!(found[0].causes[0].side, Side::Both, "{code}");
                    assert_eq!(found[0].causes.len(), 1, "{}", found[0].sentence());
                }
                cases += 1;
            }
        }
        assert!(cases >= 3, "{code} {field}: {cases} cases");
    }
}

#[test]
fn two_mistakes_at_once_are_both_named() {
    let samples = joined_samples(1, 65);
    let pairs: &[(&[(&str, &str)], Made)] = &[
        (
            &[("letter_case", "nonce"), ("time_unit", "timestamp")],
            |v| {
                let message = with(v, "nonce", str::to_uppercase)?;
                let text = String::from_utf8(message).unwrap();
                let (head, last) = text.rsplit_once(SEPARATOR).unwrap();
                Some(format!("{head}{SEPARATOR}{}", &last[..10]).into_bytes())
            },
        ),
        (&[("letter_case", "nonce"), ("separator", "")], |v| {
            let text = String::from_utf8(with(v, "nonce", str::to_uppercase)?).unwrap();
            Some(text.replace(SEPARATOR, "\\u2063").into_bytes())
        }),
        (
            &[("field_missing", "source-app-id"), ("message_end", "")],
            |v| Some([without(v, "source-app-id")?, b"\n".to_vec()].concat()),
        ),
    ];
    for (wanted, make) in pairs {
        let mut cases = 0;
        for sample in &samples {
            for record in &sample.records {
                let values = values(record, sample.order());
                if values.last().is_none_or(|(name, _)| *name != "timestamp") {
                    continue;
                }
                if let Some(message) = make(values) {
                    let found = explain(&line(&signed_over(record, &message)), Alg::Es256);
                    let mut wanted = wanted.to_vec();
                    let mut causes: Vec<(&str, &str)> = found[0]
                        .causes
                        .iter()
                        .map(|own| (own.kind.code, own.field.as_str()))
                        .collect();
                    causes.sort_unstable();
                    wanted.sort_unstable();
                    assert_eq!(causes, wanted, "{}", found[0].sentence());
                    cases += 1;
                }
            }
        }
        assert!(cases >= 3, "{wanted:?}");
    }
}

/// How the signature is written, and what is named.
fn written(message: &[u8]) -> Vec<(&'static [&'static str], String)> {
    use base64::Engine as _;
    use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD, URL_SAFE, URL_SAFE_NO_PAD};
    let signature = es256(message);
    let der = signature.to_der().as_bytes().to_vec();
    let raw = signature.to_bytes().to_vec();
    let swapped = [&raw[32..], &raw[..32]].concat();
    let hex = |bytes: &[u8]| {
        bytes
            .iter()
            .map(|byte| format!("{byte:02x}"))
            .collect::<String>()
    };
    let plain = STANDARD.encode(&der);
    let has_url = plain.contains(['+', '/']);
    let folded: String = plain
        .as_bytes()
        .chunks(64)
        .map(|part| format!("{}\n", std::str::from_utf8(part).unwrap()))
        .collect();
    let mut all: Vec<(&'static [&'static str], String)> = vec![
        (&["raw_for_der"], STANDARD.encode(&raw)),
        (&["base64_twice"], STANDARD.encode(&plain)),
        (&["base64_twice"], URL_SAFE_NO_PAD.encode(&plain)),
        (&["line_breaks"], folded.trim_end().replace('\n', "\\n")),
        (&["hex"], hex(&der)),
        (&["raw_for_der", "hex"], hex(&raw)),
        (&["halves", "raw_for_der"], STANDARD.encode(&swapped)),
        (&["around"], format!(" {plain}")),
    ];
    if has_url {
        all.push((&["base64url"], URL_SAFE.encode(&der)));
        all.push((&["base64url"], URL_SAFE_NO_PAD.encode(&der)));
    }
    if plain.ends_with('=') {
        all.push((&["padding_missing"], STANDARD_NO_PAD.encode(&der)));
    }
    if plain.contains('+') {
        all.push((&["around"], plain.replace('+', " ")));
    }
    if plain.contains('/') {
        all.push((&["around"], plain.replace('/', "\\\\/")));
    }
    // A zero byte too many before r.
    let mut long = vec![0x30, der[1] + 1, 2, der[3] + 1, 0];
    long.extend_from_slice(&der[4..]);
    all.push((&["loose_der"], STANDARD.encode(&long)));
    all
}

#[test]
fn a_signature_that_is_written_otherwise_is_named() {
    let samples = joined_samples(4, 66);
    let mut counts = std::collections::BTreeMap::new();
    for sample in &samples {
        for record in &sample.records {
            let message = join(&values(record, sample.order()), SEPARATOR);
            for (codes, text) in written(&message) {
                let mut record: Record = record.clone();
                let member = record
                    .iter_mut()
                    .find(|(name, _)| name == "signature")
                    .unwrap();
                member.1 = format!("\"{text}\"");
                let found = explain(&line(&record), Alg::Es256).remove(0);
                let mut causes: Vec<&str> = found.causes.iter().map(|own| own.kind.code).collect();
                let mut wanted = codes.to_vec();
                causes.sort_unstable();
                wanted.sort_unstable();
                assert_eq!(causes, wanted, "{text}: {}", found.sentence());
                *counts.entry(codes).or_insert(0) += 1;
            }
        }
    }
    assert!(
        counts.len() >= 10 && counts.values().all(|count| *count >= 3),
        "{counts:?}"
    );
}

#[test]
fn another_digest_is_named() {
    use base64::Engine as _;
    use p256::ecdsa::signature::hazmat::PrehashSigner;
    use sha2::{Digest, Sha384, Sha512};
    let mut cases = 0;
    for sample in joined_samples(1, 67) {
        for record in &sample.records {
            let message = join(&values(record, sample.order()), SEPARATOR);
            for digest in [
                Sha384::digest(&message).to_vec(),
                Sha512::digest(&message).to_vec(),
                message.clone(),
            ] {
                let key = crate::testkit::key();
                let signature: p256::ecdsa::Signature =
                    key.ecdsa().sign_prehash(&digest[..32]).unwrap();
                let mut record = record.clone();
                let text =
                    base64::engine::general_purpose::STANDARD.encode(signature.to_der().as_bytes());
                set(&mut record, "signature", &text);
                let found = explain(&line(&record), Alg::Es256);
                assert_causes(&found, &[("digest", "")], sample.format.id);
                cases += 1;
            }
        }
    }
    assert!(cases >= 9);
}

//! Postbacks: Apple's own examples and all that can happen to them, generated
//! ones of every version, and what the program says of them.

#![allow(clippy::unwrap_used)]

mod workdir;

use std::collections::BTreeMap;
use std::fs;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use campaign_signer::engine::ENGINES;
use campaign_signer::format::postback::{APPLE_KEYS, KeyChoice, POSTBACKS, PostbackSigning};
use campaign_signer::format::shape::RECORD;
use campaign_signer::format::{Environment, FORMATS, Format, Reason};
use campaign_signer::json::Shape;
use campaign_signer::key::{PublicKey, SigningKey};
use campaign_signer::pipeline::Signer;
use campaign_signer::postback::{self, Check, Keys, Signed, Summary};
use campaign_signer::record::{Rules, Settings};
use campaign_signer::row::{Dialect, Input, Origin};
use campaign_signer::schema;
use p256::ecdsa::Signature;
use p256::ecdsa::signature::Signer as _;
use serde_json::{Map, Value, json};

use workdir::{Workdir, csv_line, example_row, key_data, token as json_token};

type Body = Map<String, Value>;

fn vectors(name: &str) -> Value {
    let path = format!("{}/tests/vectors/{name}.json", env!("CARGO_MANIFEST_DIR"));
    serde_json::from_str(&fs::read_to_string(path).unwrap()).unwrap()
}

fn list(value: &Value) -> &[Value] {
    let all = value.as_array().unwrap();
    assert!(!all.is_empty());
    all
}

/// Apple's examples that verify, as bodies.
fn skan_examples() -> Vec<Body> {
    let all = vectors("skan_postbacks_apple");
    let bodies = list(&all["vectors"]).iter();
    bodies
        .map(|vector| vector["postback"].as_object().unwrap().clone())
        .collect()
}

fn aak_example() -> Body {
    let all = vectors("aak_postbacks_apple");
    let vector = &list(&all["vectors"])[0];
    let mut body = vector["outer_json"].as_object().unwrap().clone();
    body.insert("jws-string".into(), vector["jws"].clone());
    body
}

fn line(body: &Body) -> String {
    Value::Object(body.clone()).to_string()
}

fn test_key() -> SigningKey {
    SigningKey::from_bytes(&key_data("p256.pkcs8.pem")).unwrap()
}

fn test_public() -> Vec<PublicKey> {
    vec![test_key().public_key()]
}

/// What some tests ask for beyond the rest.
#[derive(Default)]
struct Asked<'a> {
    signed: Option<&'a Signed>,
    max_line_bytes: Option<usize>,
    threads: Option<usize>,
}

fn with(signed: &Signed) -> Asked<'_> {
    Asked {
        signed: Some(signed),
        ..Asked::default()
    }
}

/// Judges files of lines; every verdict must fit its schema.
fn judge_files(files: &[Vec<u8>], given: &[PublicKey], asked: Asked<'_>) -> (Vec<Value>, Summary) {
    let folder = tempfile::tempdir().unwrap();
    let inputs: Vec<Input> = files
        .iter()
        .enumerate()
        .map(|(at, bytes)| {
            let path = folder.path().join(format!("{at}.ndjson"));
            fs::write(&path, bytes).unwrap();
            Input::new(Origin::File(path), Dialect::Ndjson)
        })
        .collect();
    let keys = Keys::new(given).unwrap();
    let check = Check {
        inputs: &inputs,
        keys: &keys,
        signed: asked.signed,
        production_only: false,
        signed_bytes: true,
        max_line_bytes: asked.max_line_bytes.unwrap_or(1 << 20),
        threads: asked.threads.unwrap_or(2),
    };
    let mut out = Vec::new();
    let summary = postback::run(&check, |verdict| {
        verdict.write(&mut out);
        Ok(())
    });
    let schema = jsonschema::draft202012::new(&schema::postback()).unwrap();
    let text = String::from_utf8(out).unwrap();
    let verdicts: Vec<Value> = text
        .lines()
        .map(|line| {
            let verdict = serde_json::from_str(line).unwrap();
            let errors: Vec<String> = schema
                .iter_errors(&verdict)
                .map(|error| error.to_string())
                .collect();
            assert!(errors.is_empty(), "{errors:?}\n{line}");
            verdict
        })
        .collect();
    (verdicts, summary.unwrap())
}

fn judge_with(lines: &[String], given: &[PublicKey]) -> Vec<Value> {
    let text = lines.join("\n");
    let (verdicts, summary) = judge_files(&[text.into_bytes()], given, Asked::default());
    assert_eq!(verdicts.len(), lines.len());
    assert_eq!(summary.lines, lines.len() as u64);
    verdicts
}

fn judge(lines: &[String]) -> Vec<Value> {
    judge_with(lines, &[])
}

fn judge_one(line: &str) -> Value {
    judge(&[line.to_owned()]).remove(0)
}

fn codes(verdict: &Value) -> Vec<&str> {
    let reasons = verdict["reasons"].as_array();
    let reasons = reasons.into_iter().flatten();
    reasons.map(|own| own["code"].as_str().unwrap()).collect()
}

const MENDED: &str = "but for what is named here its signature is right";

fn says_it_would_verify(verdict: &Value) -> bool {
    let reasons = list(&verdict["reasons"]);
    let hint = |own: &Value| own["hint"].as_str().unwrap().ends_with(MENDED);
    reasons.iter().any(hint)
}

/// Another value of the same type.
fn flipped(value: &Value) -> Value {
    match value {
        Value::Bool(own) => json!(!own),
        Value::Number(own) => json!(own.as_u64().unwrap() ^ 1),
        Value::String(text) => {
            let mut text = text.clone();
            let other = match text.pop().unwrap() {
                '0' => '1',
                '1' => '2',
                c if c.is_ascii_digit() => '0',
                'a' => 'b',
                _ => 'a',
            };
            text.push(other);
            json!(text)
        }
        other => panic!("{other}"),
    }
}

/// What is signed of Apple's examples, by their version, as the vectors say.
fn signed_names(version: &str) -> Vec<Vec<String>> {
    let all = vectors("skan_postbacks_apple");
    let slots = list(&all["order_by_version"][version]).to_vec();
    let names = |slot: &Value| {
        slot.as_str()
            .unwrap()
            .split('|')
            .map(str::to_owned)
            .collect()
    };
    slots.iter().map(names).collect()
}

fn is_signed(body: &Body, name: &str) -> bool {
    let version = body["version"].as_str().unwrap();
    signed_names(version)
        .iter()
        .flatten()
        .any(|own| own == name)
}

const SIGNATURE: &str = "attribution-signature";

#[test]
fn apples_examples_are_valid_and_say_what_they_are() {
    let all = vectors("skan_postbacks_apple");
    let bodies = skan_examples();
    let verdicts = judge(&bodies.iter().map(line).collect::<Vec<_>>());
    for (verdict, vector) in verdicts.iter().zip(list(&all["vectors"])) {
        assert_eq!(verdict["verdict"], "valid", "{verdict}");
        assert_eq!(verdict["environment"], "production");
        assert_eq!(verdict["version"], vector["postback"]["version"]);
        assert_eq!(verdict["id"], vector["postback"]["transaction-id"]);
        let message = STANDARD.decode(verdict["signed_bytes"].as_str().unwrap());
        let message: String = message
            .unwrap()
            .iter()
            .map(|b| format!("{b:02x}"))
            .collect();
        assert_eq!(message, vector["message_hex"]);
    }
    let verdict = judge_one(&line(&aak_example()));
    assert_eq!(verdict["verdict"], "valid", "{verdict}");
    assert_eq!(verdict["environment"], "development");
    assert_eq!(verdict["app"], 10_738_027_756_u64);
    assert_eq!(
        verdict["unsigned"],
        json!(["ad-interaction-type", "conversion-value", "country-code"])
    );
    // The token alone is a line, too.
    let bare = judge_one(aak_example()["jws-string"].as_str().unwrap());
    assert_eq!(
        (&bare["verdict"], &bare["id"]),
        (&json!("valid"), &verdict["id"])
    );
    assert_eq!(bare["unsigned"], Value::Null);
}

#[test]
fn what_apple_printed_and_never_signed_is_not_valid() {
    let all = vectors("aak_postbacks_apple");
    let negative = list(&all["negative"])[0]["jws"].as_str().unwrap();
    let verdict = judge_one(negative);
    assert_eq!(verdict["verdict"], "invalid");
    assert_eq!(codes(&verdict), ["wrong_signature"]);
    // An impression is no postback, and is signed by nobody known.
    let impression = list(&all["structure_only"])[0]["jws"].as_str().unwrap();
    let verdict = judge_one(impression);
    assert_ne!(verdict["verdict"], "valid");
    assert!(codes(&verdict).contains(&"unknown_key"), "{verdict}");
    // The broken example of 2.0, under each version.
    let all = vectors("skan_postbacks_apple");
    let signature = &list(&all["not_verified"])[0]["signature"];
    for version in POSTBACKS[0].version_names() {
        for mut body in skan_examples() {
            body.insert("version".into(), json!(version));
            body.insert(SIGNATURE.into(), signature.clone());
            assert_ne!(judge_one(&line(&body))["verdict"], "valid", "{version}");
        }
    }
}

#[test]
fn any_signed_value_that_is_changed_or_gone_makes_a_postback_invalid_and_no_other() {
    let (mut lines, mut wanted) = (Vec::new(), Vec::new());
    let mut add = |body: &Body, name: &str, is_valid: bool| {
        lines.push(line(body));
        wanted.push((name.to_owned(), is_valid));
    };
    for body in skan_examples() {
        for (name, value) in &body {
            let is_valid = !is_signed(&body, name) && name != SIGNATURE;
            let mut changed = body.clone();
            changed.insert(name.clone(), flipped(value));
            add(&changed, name, is_valid);
            changed.remove(name);
            add(&changed, name, is_valid);
        }
        // What the version signs and this postback lacks.
        for name in signed_names(body["version"].as_str().unwrap())
            .iter()
            .flatten()
        {
            for value in [
                json!(0),
                json!(1),
                json!(true),
                json!("example.com"),
                json!("12"),
            ] {
                let mut changed = body.clone();
                if changed.insert(name.clone(), value.clone()).as_ref() != Some(&value) {
                    add(&changed, name, false);
                }
            }
        }
        // What no version signs, and what only others do.
        for name in [
            "coarse-conversion-value",
            "country-code",
            "anything at all",
            "campaign-id",
            "source-identifier",
            "source-domain",
            "fidelity-type",
            "did-win",
            "postback-sequence-index",
        ] {
            let mut more = body.clone();
            more.insert(name.into(), json!("high"));
            if !is_signed(&body, name) {
                add(&more, name, true);
            }
        }
    }
    let verdicts = judge(&lines);
    assert!(verdicts.len() > 250, "{}", verdicts.len());
    for ((verdict, (name, is_valid)), line) in verdicts.iter().zip(wanted).zip(&lines) {
        let found = verdict["verdict"] == "valid";
        assert_eq!(found, is_valid, "{name}: {verdict}\n{line}");
        let unsigned = verdict["unsigned"].as_array();
        let listed = unsigned.is_some_and(|all| all.contains(&json!(name)));
        let body: Body = serde_json::from_str(line).unwrap();
        let is_there = body.contains_key(&name);
        assert_eq!(listed, is_valid && is_there, "{name}: {verdict}");
    }
}

#[test]
fn any_claim_or_header_of_a_token_that_is_changed_makes_it_not_valid() {
    let body = aak_example();
    let jws = body["jws-string"].as_str().unwrap();
    let parts: Vec<&str> = jws.split('.').collect();
    let decode = |part: &str| -> Body {
        serde_json::from_slice(&URL_SAFE_NO_PAD.decode(part).unwrap()).unwrap()
    };
    let encode = |body: &Body| URL_SAFE_NO_PAD.encode(line(body));
    let mut lines = Vec::new();
    for (at, part) in [(0, parts[0]), (1, parts[1])] {
        let own = decode(part);
        let mut changes: Vec<Body> = Vec::new();
        for (name, value) in &own {
            let mut changed = own.clone();
            changed.insert(name.clone(), flipped(value));
            changes.push(changed.clone());
            changed.remove(name);
            changes.push(changed);
        }
        // The same, written anew: other bytes were signed.
        changes.push(own);
        for change in changes {
            let mut parts = parts.clone();
            let text = encode(&change);
            parts[at] = &text;
            let mut body = body.clone();
            body.insert("jws-string".into(), json!(parts.join(".")));
            lines.push(line(&body));
        }
    }
    assert!(lines.len() > 22);
    for verdict in judge(&lines) {
        assert!(
            verdict["verdict"] == "invalid" || codes(&verdict) == ["unknown_key"],
            "{verdict}"
        );
    }
    // Beside the token nothing is signed.
    for name in ["conversion-value", "ad-interaction-type", "country-code"] {
        let mut changed = body.clone();
        changed.insert(name.into(), json!("changed"));
        assert_eq!(judge_one(&line(&changed))["verdict"], "valid", "{name}");
        changed.remove(name);
        assert_eq!(judge_one(&line(&changed))["verdict"], "valid", "{name}");
    }
}

#[test]
fn a_value_of_another_type_is_named_and_never_taken_for_the_right_one() {
    let (mut lines, mut names) = (Vec::new(), Vec::new());
    for body in skan_examples() {
        for (name, value) in body.iter().filter(|(name, _)| is_signed(&body, name)) {
            let others = match value {
                Value::String(text) => match text.parse::<u64>() {
                    Ok(number) => vec![json!(number)],
                    Err(_) => vec![],
                },
                other => vec![json!(other.to_string())],
            };
            for other in others {
                let mut changed = body.clone();
                changed.insert(name.clone(), other);
                lines.push(line(&changed));
                names.push(name.clone());
            }
        }
    }
    assert!(lines.len() > 30);
    for (verdict, name) in judge(&lines).iter().zip(names) {
        assert_eq!(verdict["verdict"], "invalid");
        assert_eq!(codes(verdict), ["wrong_type"]);
        assert_eq!(verdict["reasons"][0]["field"], json!(name));
        assert!(says_it_would_verify(verdict), "{verdict}");
        assert_eq!(verdict["signed_bytes"], Value::Null);
    }
    // Floats, and members that are null where Apple has none.
    let whole = line(&skan_examples()[3]);
    let float = whole.replace("\"app-id\":525463029", "\"app-id\":525463029.0");
    let verdict = judge_one(&float);
    assert_eq!(codes(&verdict), ["bad_value"]);
    assert!(says_it_would_verify(&verdict), "{verdict}");
    let null = whole.replace("{", "{\"source-app-id\":null,");
    let verdict = judge_one(&null);
    assert_eq!(codes(&verdict), ["wrong_type"]);
    assert!(says_it_would_verify(&verdict), "{verdict}");
}

/// The app's id and the site share one place in what is signed.
#[test]
fn an_app_id_under_the_name_of_a_site_is_no_other_way_to_say_the_same() {
    let key = test_key();
    let mut body = generated("4.0", Some(("source-app-id", json!(1_234_567_891))));
    sign_joined(&mut body, &key);
    assert_eq!(
        judge_with(&[line(&body)], &test_public())[0]["verdict"],
        "valid"
    );
    body.remove("source-app-id");
    for site in ["1234567891", "1234567891.", "1.2"] {
        body.insert("source-domain".into(), json!(site));
        let verdict = &judge_with(&[line(&body)], &test_public())[0];
        assert_eq!(verdict["verdict"], "invalid", "{site}");
        assert!(codes(verdict).contains(&"bad_value"));
    }
}

/// A postback of this version, not signed.
fn generated(version: &str, source: Option<(&str, Value)>) -> Body {
    let all = json!({
        "version": version,
        "ad-network-id": "example123.skadnetwork",
        "campaign-id": 42,
        "source-identifier": "5239",
        "app-id": 18_446_744_073_709_551_615_u64,
        "transaction-id": "6AAFB7A5-0170-41b5-bbe4-fe71dedf1e30",
        "redownload": false,
        "fidelity-type": 0,
        "did-win": true,
        "postback-sequence-index": 0,
    });
    let names: Vec<String> = signed_names(version).concat();
    let mut body = all.as_object().unwrap().clone();
    body.retain(|name, _| names.contains(name));
    if let Some((name, value)) = source {
        assert!(names.iter().any(|own| own == name));
        body.insert(name.into(), value);
    }
    body
}

/// The signed text, made as the vectors' own notation says.
fn joined(body: &Body) -> String {
    let mut texts = Vec::new();
    for slot in signed_names(body["version"].as_str().unwrap()) {
        let value = slot.iter().find_map(|name| body.get(name));
        texts.extend(value.map(|value| match value {
            Value::String(text) => text.clone(),
            other => other.to_string(),
        }));
    }
    texts.join("\u{2063}")
}

fn sign_joined(body: &mut Body, key: &SigningKey) {
    let signature: Signature = key.ecdsa().sign(joined(body).as_bytes());
    let text = STANDARD.encode(signature.to_der());
    body.insert(SIGNATURE.into(), json!(text));
}

fn token(header: &Value, claims: &Value, key: &SigningKey) -> String {
    let encode = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
    let input = format!("{}.{}", encode(header), encode(claims));
    let signature: Signature = key.ecdsa().sign(input.as_bytes());
    let signature = URL_SAFE_NO_PAD.encode(signature.to_bytes());
    format!("{input}.{signature}")
}

fn claims() -> Value {
    json!({
        "advertised-item-identifier": 525_463_029,
        "conversion-type": "download",
        "marketplace-identifier": "com.apple.AppStore",
        "ad-network-identifier": "example123.adattributionkit",
        "impression-type": "app-impression",
        "postback-sequence-index": 0,
        "source-identifier": "5239",
        "did-win": true,
        "postback-identifier": "3f50fe57-29ae-4861-8c0b-ac6addff72cc",
        "publisher-item-identifier": 1_234_567_891,
    })
}

const P256_VERSIONS: [&str; 4] = ["2.1", "2.2", "3.0", "4.0"];

#[test]
fn every_version_is_valid_in_every_combination_of_what_may_be_absent() {
    let key = test_key();
    let mut lines = Vec::new();
    for version in P256_VERSIONS {
        let mut sources = vec![
            None,
            Some(("source-app-id", json!(0))),
            Some(("source-app-id", json!(1_234_567_891))),
        ];
        if version == "4.0" {
            sources.push(Some(("source-domain", json!("example.com"))));
        }
        for source in sources {
            let base = generated(version, source);
            let mut all = vec![base.clone()];
            let choices: [(&str, Vec<Value>); 5] = [
                ("redownload", vec![json!(true)]),
                ("did-win", vec![json!(false)]),
                ("fidelity-type", vec![json!(1)]),
                ("postback-sequence-index", vec![json!(1), json!(2)]),
                (
                    "source-identifier",
                    vec![json!("39"), json!("239"), json!("09")],
                ),
            ];
            for (name, values) in choices {
                if !base.contains_key(name) {
                    continue;
                }
                for body in all.clone() {
                    all.extend(values.iter().map(|value| {
                        let mut body = body.clone();
                        body.insert(name.into(), value.clone());
                        body
                    }));
                }
            }
            for (at, body) in all.iter_mut().enumerate() {
                if at % 2 == 1 {
                    body.insert("conversion-value".into(), json!(at % 64));
                }
                if at % 3 == 1 {
                    body.insert("coarse-conversion-value".into(), json!("low"));
                }
                sign_joined(body, &key);
            }
            lines.extend(all.iter().map(line));
        }
    }
    assert!(lines.len() > 400, "{}", lines.len());
    for (verdict, line) in judge_with(&lines, &test_public()).iter().zip(&lines) {
        assert_eq!(verdict["verdict"], "valid", "{verdict}\n{line}");
        assert_eq!(verdict["environment"], "test");
    }
    // They are not Apple's.
    for verdict in judge(&lines) {
        assert_eq!(codes(&verdict), ["wrong_signature"]);
    }
}

#[test]
fn every_signed_value_of_a_generated_postback_is_bound_by_its_signature() {
    let key = test_key();
    let mut lines = Vec::new();
    for version in P256_VERSIONS {
        for source in [None, Some(("source-app-id", json!(7)))] {
            let mut body = generated(version, source);
            sign_joined(&mut body, &key);
            for (name, value) in body.clone() {
                if name == "version" {
                    continue;
                }
                let mut changed = body.clone();
                changed.insert(name.clone(), flipped(&value));
                lines.push(line(&changed));
                changed.remove(&name);
                lines.push(line(&changed));
            }
        }
    }
    for (verdict, line) in judge_with(&lines, &test_public()).iter().zip(&lines) {
        assert_eq!(verdict["verdict"], "invalid", "{verdict}\n{line}");
    }
}

#[test]
fn tokens_are_valid_with_and_without_what_may_be_absent_and_invalid_without_the_rest() {
    let key = test_key();
    let header = json!({ "alg": "ES256", "kid": "test/0" });
    let may_be_absent = ["marketplace-identifier", "publisher-item-identifier"];
    for (name, _) in claims().as_object().unwrap() {
        let mut fewer = claims();
        fewer.as_object_mut().unwrap().remove(name);
        let verdict = &judge_with(&[token(&header, &fewer, &key)], &test_public())[0];
        match may_be_absent.contains(&name.as_str()) {
            true => assert_eq!(verdict["verdict"], "valid", "{name}"),
            false => {
                assert_eq!(verdict["verdict"], "invalid", "{name}");
                assert_eq!(codes(verdict), ["unknown_key", "missing"], "{name}");
            }
        }
    }
    let mut none = claims();
    for name in may_be_absent {
        none.as_object_mut().unwrap().remove(name);
    }
    none["more-of-apples"] = json!([1, { "a": null }]);
    let verdict = &judge_with(&[token(&header, &none, &key)], &test_public())[0];
    assert_eq!(verdict["verdict"], "valid", "{verdict}");
    for (name, wrong) in [
        ("source-identifier", json!(5239)),
        ("source-identifier", json!("52a9")),
        ("source-identifier", json!("5")),
        ("did-win", json!("true")),
        ("advertised-item-identifier", json!("525463029")),
        ("postback-sequence-index", json!(0.5)),
        ("ad-network-identifier", json!("")),
        ("ad-network-identifier", json!("a\u{2063}b")),
    ] {
        let mut claims = claims();
        claims[name] = wrong.clone();
        let verdict = &judge_with(&[token(&header, &claims, &key)], &test_public())[0];
        assert_eq!(verdict["verdict"], "invalid", "{name} {wrong}");
    }
}

#[test]
fn a_key_id_says_which_key_it_must_be_and_no_other_stands_in_for_it() {
    let key = test_key();
    for apple in APPLE_KEYS {
        let jws = token(
            &json!({ "alg": "ES256", "kid": apple.kid }),
            &claims(),
            &key,
        );
        assert_eq!(codes(&judge_one(&jws)), ["wrong_signature"]);
        let verdict = &judge_with(&[jws], &test_public())[0];
        assert_eq!(verdict["verdict"], "invalid");
        assert_eq!(codes(verdict), ["wrong_key"]);
        assert_eq!(verdict["reasons"][0]["found"], "the given key 1");
        assert!(
            verdict["reasons"][0]["wanted"]
                .as_str()
                .unwrap()
                .ends_with(apple.kid)
        );
    }
    let jws = token(
        &json!({ "alg": "ES256", "kid": "apple-cas-identifier/1" }),
        &claims(),
        &key,
    );
    let verdict = judge_one(&jws);
    assert_eq!(verdict["verdict"], "unverified");
    assert_eq!(codes(&verdict), ["unknown_key"]);
    for apple in APPLE_KEYS {
        let wanted = verdict["reasons"][0]["wanted"].as_str().unwrap();
        assert!(wanted.contains(apple.kid), "{wanted}");
    }
    assert_eq!(judge_with(&[jws], &test_public())[0]["environment"], "test");
    for (header, wanted) in [
        (json!({ "alg": "none", "kid": "a" }), "bad_header"),
        (
            json!({ "alg": "HS256", "kid": "apple-cas-identifier/0" }),
            "bad_header",
        ),
        (json!({ "alg": "ES256" }), "bad_header"),
        (json!({ "alg": "ES256", "kid": 1 }), "bad_header"),
        (
            json!({ "alg": "ES256", "kid": "a", "crit": ["b64"], "b64": false }),
            "bad_header",
        ),
        (json!([1]), "bad_header"),
    ] {
        let verdict = &judge_with(&[token(&header, &claims(), &key)], &test_public())[0];
        assert_eq!(verdict["verdict"], "invalid", "{header}");
        assert!(codes(verdict).contains(&wanted), "{header}: {verdict}");
    }
}

#[test]
fn what_cannot_be_verified_is_unverified_and_never_valid() {
    let body = &skan_examples()[5];
    let unverified = |body: &Body, reason: &str| {
        let verdict = judge_one(&line(body));
        assert_eq!(verdict["verdict"], "unverified", "{verdict}");
        assert_eq!(codes(&verdict), [reason]);
        assert_eq!(verdict["environment"], Value::Null);
        verdict
    };
    let mut other = body.clone();
    other.insert("version".into(), json!("2.0"));
    let verdict = unverified(&other, "unsupported_version");
    let hint = verdict["reasons"][0]["hint"].as_str().unwrap();
    assert!(hint.contains("P-192"), "{hint}");
    for version in ["5.0", "4.1", "4", "2.10", ""] {
        other.insert("version".into(), json!(version));
        let verdict = unverified(&other, "unknown_version");
        let wanted = verdict["reasons"][0]["wanted"].as_str().unwrap();
        assert_eq!(wanted, "one of 1.0, 2.0, 2.1, 2.2, 3.0, 4.0");
    }
    // 1.0 has no version, and none of what came later.
    let mut first = body.clone();
    first.retain(|name, _| !["version", "redownload", "source-app-id"].contains(&name.as_str()));
    let verdict = unverified(&first, "unsupported_version");
    assert_eq!(verdict["version"], "1.0");
    first.insert("version".into(), json!("1.0"));
    unverified(&first, "unsupported_version");
    // One that has lost its version is not of 1.0.
    for mut body in skan_examples() {
        body.remove("version");
        let verdict = judge_one(&line(&body));
        assert_eq!(
            (&verdict["verdict"], &codes(&verdict)[..]),
            (&json!("invalid"), &["missing"][..])
        );
    }
    // A version that is no string is none.
    other.insert("version".into(), json!(2.1));
    assert_eq!(codes(&judge_one(&line(&other))), ["wrong_type"]);
}

#[test]
fn damage_on_the_way_is_named_and_not_accepted() {
    let body = &skan_examples()[0];
    let text = body[SIGNATURE].as_str().unwrap();
    let der = STANDARD.decode(text).unwrap();
    let raw = Signature::from_der(&der).unwrap().to_bytes();
    assert!(text.contains('+') && text.contains('='));
    let signatures = [
        (
            text.replace('+', "-").replace('/', "_"),
            "signature_encoding",
            true,
        ),
        (
            text.trim_end_matches('=').to_owned(),
            "signature_encoding",
            true,
        ),
        (text.replace('+', " "), "signature_encoding", true),
        (
            text.replace('+', "%2B").replace('=', "%3D"),
            "signature_encoding",
            true,
        ),
        (
            format!("{}\n{}", &text[..40], &text[40..]),
            "signature_encoding",
            true,
        ),
        (STANDARD.encode(text), "signature_encoding", true),
        (STANDARD.encode(raw), "signature_form", true),
        (URL_SAFE_NO_PAD.encode(raw), "signature_encoding", true),
        (STANDARD.encode(&der[1..]), "signature_form", false),
        (
            STANDARD.encode([&der[..], &[0]].concat()),
            "signature_form",
            false,
        ),
        (String::new(), "signature_form", false),
        ("no base64".to_owned(), "signature_encoding", false),
    ];
    for (damaged, code, would_verify) in signatures {
        let mut body = body.clone();
        body.insert(SIGNATURE.into(), json!(damaged));
        let verdict = judge_one(&line(&body));
        assert_eq!(verdict["verdict"], "invalid", "{damaged}");
        assert_eq!(codes(&verdict), [code], "{damaged}");
        assert_eq!(says_it_would_verify(&verdict), would_verify, "{verdict}");
    }
    let whole = line(body);
    let quoted = Value::from(whole.as_str()).to_string();
    let jws = aak_example()["jws-string"].as_str().unwrap().to_owned();
    let form: Vec<String> = body.iter().map(|(n, v)| format!("{n}={v}")).collect();
    let unreadable = [
        (format!("{{\"body\":{whole}}}"), "enveloped"),
        (format!("{{\"id\":7,\"body\":{quoted}}}"), "enveloped"),
        (
            format!("{{\"body\":\"{}\"}}", STANDARD.encode(&whole)),
            "enveloped",
        ),
        (format!("{{\"body\":\"{jws}\"}}"), "enveloped"),
        (form.join("&"), "form_encoded"),
        ("%7B%22version%22%3A%224.0%22%7D".to_owned(), "form_encoded"),
        (format!("[{whole}]"), "not_an_object"),
        (quoted, "not_an_object"),
        ("{}".to_owned(), "not_a_postback"),
        ("null".to_owned(), "not_an_object"),
        (whole[..whole.len() - 1].to_owned(), "bad_json"),
        (format!("{whole} {whole}"), "bad_json"),
        // White space to others, and none in JSON.
        (format!("{whole}\u{c}"), "bad_json"),
        (
            whole.replace('{', "{\"version\":\"4.0\","),
            "duplicate_member",
        ),
        (
            format!("{}{}", "[".repeat(100), "]".repeat(100)),
            "too_deep",
        ),
        (
            whole.replace('{', &format!("{{\"jws-string\":\"{jws}\",")),
            "two_postbacks",
        ),
    ];
    for (damaged, code) in unreadable {
        let verdict = judge_one(&damaged);
        assert_eq!(verdict["verdict"], "unreadable", "{damaged}");
        assert_eq!(codes(&verdict), [code], "{damaged}");
    }
    let parts: Vec<&str> = jws.split('.').collect();
    let raw = URL_SAFE_NO_PAD.decode(parts[2]).unwrap();
    let der = Signature::from_slice(&raw).unwrap().to_der();
    let tokens = [
        (format!("{jws}=="), "not_a_token", true),
        (jws.replace('-', "+").replace('_', "/"), "not_a_token", true),
        (format!("{}.{}", parts[0], parts[1]), "not_a_token", false),
        (format!("{jws}.AAAA"), "not_a_token", false),
        (
            format!("{}.{}.{}", parts[0], parts[1], URL_SAFE_NO_PAD.encode(der)),
            "signature_form",
            true,
        ),
        (
            format!("{}.{}.AAAA", parts[0], parts[1]),
            "signature_form",
            false,
        ),
        (
            format!("{}.{}.", parts[0], parts[1]),
            "signature_form",
            false,
        ),
    ];
    for (damaged, code, would_verify) in tokens {
        let verdict = judge_one(&line(&Body::from_iter([(
            "jws-string".into(),
            json!(damaged),
        )])));
        assert_eq!(verdict["verdict"], "invalid", "{damaged}");
        assert_eq!(codes(&verdict), [code], "{damaged}");
        assert_eq!(says_it_would_verify(&verdict), would_verify, "{verdict}");
    }
}

#[test]
fn bytes_that_are_no_text_and_lines_that_are_too_long_are_unreadable_where_they_stand() {
    let good = line(&skan_examples()[0]);
    let long = format!("{{\"a\":\"{}\"}}", "x".repeat(5000));
    let text = [
        b"\xef\xbb\xbf".as_slice(),
        good.as_bytes(),
        b"\r\n\n  \n\xff{}\n",
        long.as_bytes(),
        b"\n",
        good.as_bytes(),
    ]
    .concat();
    let (verdicts, summary) = judge_files(
        &[text],
        &[],
        Asked {
            max_line_bytes: Some(4096),
            ..Asked::default()
        },
    );
    let found: Vec<(u64, &str)> = verdicts
        .iter()
        .map(|own| {
            (
                own["line"].as_u64().unwrap(),
                own["verdict"].as_str().unwrap(),
            )
        })
        .collect();
    assert_eq!(
        found,
        [
            (1, "valid"),
            (4, "unreadable"),
            (5, "unreadable"),
            (6, "valid")
        ]
    );
    assert_eq!(codes(&verdicts[1]), ["invalid_utf8"]);
    assert_eq!(codes(&verdicts[2]), ["row_too_long"]);
    assert_eq!(verdicts[3]["duplicate_of_line"], 1);
    assert_eq!(summary.duplicates, 1);
}

/// An invalid postback with the id of a genuine one came first: a forger could
/// have had the genuine one passed over.
#[test]
fn a_forgery_takes_no_genuine_postbacks_place_and_a_copy_counts_once() {
    let good = skan_examples()[0].clone();
    let mut forged = good.clone();
    forged.insert("did-win".into(), json!(false));
    let mut old = good.clone();
    old.insert("version".into(), json!("9.0"));
    let mut unsigned = good.clone();
    unsigned.insert("conversion-value".into(), json!(1));
    let first = [&forged, &old, &old, &good].map(line).join("\n");
    let second = [&unsigned, &forged].map(line).join("\n");
    let files = [first.into_bytes(), second.into_bytes()];
    let (verdicts, summary) = judge_files(&files, &[], Asked::default());
    let of = |at: usize| verdicts[at]["duplicate_of_line"].clone();
    let found: Vec<Value> = (0..6).map(of).collect();
    assert_eq!(Value::from(found), json!([null, null, 2, null, 4, null]));
    assert!(
        verdicts[4]["duplicate_of_file"]
            .as_str()
            .unwrap()
            .ends_with("0.ndjson")
    );
    assert_eq!(
        (summary.duplicates, summary.networks["com.example"]),
        (1, 1)
    );
    assert_eq!(
        summary.environments,
        BTreeMap::from([(Environment::Production, 1)])
    );
    assert_eq!(summary.reasons[&Reason::WrongSignature], 2);
    // Unverified ones are compared with each other.
    let mut p192 = skan_examples()[5].clone();
    p192.insert("version".into(), json!("2.0"));
    let lines = [line(&p192), line(&skan_examples()[5]), line(&p192)];
    let verdicts = judge(&lines);
    assert_eq!(verdicts[1]["duplicate_of_line"], Value::Null);
    assert_eq!(verdicts[2]["duplicate_of_line"], 1);
}

#[test]
fn verdicts_come_in_the_order_of_the_lines_whatever_the_number_of_threads() {
    let all = skan_examples();
    let lines: Vec<String> = (0..5000_usize)
        .map(|at| {
            let mut body = all[at % all.len()].clone();
            if at % 7 == 0 {
                body.insert("app-id".into(), json!(at));
            }
            line(&body)
        })
        .collect();
    let text = lines.join("\n").into_bytes();
    let run = |threads| {
        let files = [text.clone()];
        let (verdicts, _) = judge_files(
            &files,
            &[],
            Asked {
                threads: Some(threads),
                ..Asked::default()
            },
        );
        let of = |own: &Value| {
            let id = own["duplicate_of_line"].clone();
            (own["line"].clone(), own["verdict"].clone(), id)
        };
        verdicts.iter().map(of).collect::<Vec<_>>()
    };
    let one = run(1);
    assert_eq!(one.len(), 5000);
    assert!(
        one.iter()
            .enumerate()
            .all(|(at, own)| own.0 == json!(at + 1))
    );
    let forged = one.iter().filter(|own| own.1 == "invalid").count();
    assert_eq!(forged, 5000_usize.div_ceil(7));
    assert_eq!(run(7), one);
}

#[test]
fn the_table_is_sound() {
    let keys = Keys::new(&[]);
    assert!(keys.is_ok());
    let mut codes: Vec<&str> = Reason::ALL.iter().map(|own| own.as_str()).collect();
    codes.sort_unstable();
    codes.dedup();
    assert_eq!(codes.len(), Reason::ALL.len());
    let apple = vectors("aak_postbacks_apple");
    for key in APPLE_KEYS {
        assert_eq!(apple["public_keys_by_kid"][key.kid], key.spki);
        let is_development = key.kid.contains("development");
        let wanted = match is_development {
            true => Environment::Development,
            false => Environment::Production,
        };
        assert_eq!(key.environment, wanted);
    }
    let skan = vectors("skan_postbacks_apple");
    for kind in POSTBACKS {
        for (name, _) in kind.unsigned {
            assert!(kind.versions.iter().all(|own| !own.signs(name)), "{name}");
        }
        for version in kind.versions {
            for name in version.slots().iter().flat_map(|slot| slot.names) {
                assert!(kind.field(name).is_some(), "{name}");
            }
            if let KeyChoice::Fixed(kid) = version.key {
                assert!(APPLE_KEYS.iter().any(|key| key.kid == kid), "{kid}");
            }
            let order = version.name.map(|name| &skan["order_by_version"][name]);
            if let (PostbackSigning::Joined(slots), Some(Value::Array(order))) =
                (&version.signing, order)
            {
                let own: Vec<Value> = slots.iter().map(|s| json!(s.names.join("|"))).collect();
                assert_eq!(&own, order);
            }
        }
        for field in kind.fields {
            let mut versions = kind.versions.iter();
            assert!(versions.any(|own| own.signs(field.name)), "{}", field.name);
        }
    }
    let never: Vec<&str> = list(&skan["never_signed"])
        .iter()
        .filter_map(Value::as_str)
        .collect();
    let own: Vec<&str> = POSTBACKS[0]
        .unsigned
        .iter()
        .map(|(name, _)| *name)
        .collect();
    assert_eq!(own, never);
}

const NOW: u64 = 1_790_000_000_000;

/// Signed lines of a format, version and shape, one for each of these codes.
fn signed_lines(
    format: &'static Format,
    version: Option<&str>,
    shape: &str,
    codes: &[u64],
) -> String {
    let mut settings = Settings::new(format, NOW);
    settings.shape = shape.into();
    settings.ignore_unknown = true;
    let rules = Rules::new(settings).unwrap();
    let signer = Signer::es256(&test_key(), &ENGINES[0], "postbacks");
    let sign = |(at, code): (usize, &u64)| {
        let mut members: Vec<String> = example_row(format, version)
            .into_iter()
            .map(|(name, text)| {
                let text = match name {
                    "campaign-id" | "source-identifier" | "source_identifier" => code.to_string(),
                    _ => text,
                };
                format!("\"{name}\":{}", json_token(format, name, &text))
            })
            .collect();
        let unsigned = format.unsigned.iter();
        members.extend(unsigned.map(|own| {
            let token = match own.kind.shape() {
                Shape::String => json!(own.example).to_string(),
                _ => own.example.to_owned(),
            };
            format!("\"{}\":{token}", own.name)
        }));
        let row = format!("{{{}}}", members.join(","));
        let line = signer.sign_row(&rules, &row, at as u64 + 1);
        String::from_utf8(line.unwrap_or_else(|e| panic!("{} {shape}: {e:?}", format.id))).unwrap()
    };
    codes.iter().enumerate().map(sign).collect()
}

fn read_signed(text: &str, dialect: Dialect) -> Signed {
    let file = tempfile::NamedTempFile::new().unwrap();
    fs::write(file.path(), text).unwrap();
    let origin = Origin::File(file.path().to_owned());
    Signed::read(&[Input::new(origin, dialect)], 2).unwrap()
}

/// Postbacks of one campaign code, as Apple would tell them, of the version
/// that such an impression gets.
fn postback_of(format: &Format, version: Option<&str>, digits: &str, id: u64) -> String {
    let example = example_row(format, version);
    let text = |names: &[&str]| {
        let own = example.iter().find(|(name, _)| names.contains(name));
        own.unwrap().1.clone()
    };
    let network = text(&["ad-network-id", "ad-network-identifier", "ad_network_id"]);
    let app = text(&[
        "itunes-item-id",
        "advertised-item-identifier",
        "itunes_item_id",
    ]);
    let app: u64 = app.parse().unwrap();
    let id = format!("00000000-0000-4000-8000-{id:012}");
    if format.id == "aak-impression" {
        let mut claims = claims();
        claims["ad-network-identifier"] = json!(network);
        claims["advertised-item-identifier"] = json!(app);
        claims["source-identifier"] = json!(digits);
        claims["postback-identifier"] = json!(id);
        let header = json!({ "alg": "ES256", "kid": "test/0" });
        return json!({ "jws-string": token(&header, &claims, &test_key()) }).to_string();
    }
    let is_source = example
        .iter()
        .any(|(name, _)| name.starts_with("source") && name.ends_with("identifier"));
    let mut body = generated(if is_source { "4.0" } else { "3.0" }, None);
    body.insert("ad-network-id".into(), json!(network));
    body.insert("app-id".into(), json!(app));
    body.insert("transaction-id".into(), json!(id));
    match is_source {
        true => body.insert("source-identifier".into(), json!(digits)),
        false => body.insert("campaign-id".into(), json!(digits.parse::<u64>().unwrap())),
    };
    sign_joined(&mut body, &test_key());
    line(&body)
}

#[test]
fn postbacks_are_joined_with_the_signed_records_of_every_ad_format_version_and_shape() {
    let (mut joined, mut shapes) = (0, 0);
    for format in FORMATS
        .iter()
        .filter(|format| format.key.family() == "ad-network")
    {
        for layout in format.layouts {
            let version = layout.version;
            let has_source = layout.has("source-identifier") || layout.has("source_identifier");
            let (codes, asked): (&[u64], &[&str]) = match has_source {
                true => (
                    &[5239, 1239, 7777, 39, 5239],
                    &["7777", "777", "77", "5239", "239", "39", "40"],
                ),
                false => (&[42, 7, 7], &["42", "7", "100"]),
            };
            let names = format.shapes.iter().filter(|shape| shape.is_of(layout));
            for shape in names.map(|shape| shape.name).chain([RECORD]) {
                shapes += 1;
                let text = signed_lines(format, version, shape, codes);
                let signed = read_signed(&text, Dialect::Ndjson);
                let here = format!("{} {version:?} {shape}\n{text}", format.id);
                assert_eq!(signed.survey.lines, codes.len() as u64);
                assert_eq!(
                    (signed.survey.unread, signed.records),
                    (0, codes.len() as u64),
                    "{here}"
                );
                let lines: Vec<String> = asked
                    .iter()
                    .enumerate()
                    .map(|(at, digits)| postback_of(format, version, digits, at as u64))
                    .collect();
                let file = [lines.join("\n").into_bytes()];
                let (verdicts, summary) = judge_files(&file, &test_public(), with(&signed));
                let origins: Vec<Value> =
                    verdicts.iter().map(|own| own["signed"].clone()).collect();
                let wanted = match has_source {
                    true => json!([
                        { "match": "one", "code": 7777, "records": 1 },
                        { "match": "one", "code": 7777, "records": 1 },
                        { "match": "one", "code": 7777, "records": 1 },
                        { "match": "one", "code": 5239, "records": 2 },
                        { "match": "several", "codes": [1239, 5239], "of": 2 },
                        { "match": "several", "codes": [39, 1239, 5239], "of": 3 },
                        { "match": "none" },
                    ]),
                    false => json!([
                        { "match": "one", "code": 42, "records": 1 },
                        { "match": "one", "code": 7, "records": 2 },
                        { "match": "none" },
                    ]),
                };
                assert_eq!(json!(origins), wanted, "{here}");
                let followed = summary.followed.unwrap();
                joined += followed.matched;
                let counts = (followed.matched, followed.ambiguous, followed.unmatched);
                assert_eq!(counts, if has_source { (4, 2, 1) } else { (2, 0, 1) });
                let mut campaigns = followed.campaigns.iter();
                let own = campaigns.find(|(own, _)| own.code == "7777" || own.code == "7");
                let (_, own) = own.unwrap();
                let wanted = if has_source { (1, 3) } else { (2, 1) };
                assert_eq!((own.signed, own.winning), wanted, "{here}");
            }
        }
    }
    assert!(joined > 60 && shapes > 20, "{joined} {shapes}");
}

#[test]
fn what_is_no_signed_record_is_counted_and_forgeries_and_copies_are_not_followed() {
    let format = Format::find("skan-view").unwrap();
    let mut text = signed_lines(format, Some("4.0"), RECORD, &[5239]);
    text.push_str("{\"format\":\"unknown\"}\nno json\n{}\n");
    let signed = read_signed(&text, Dialect::Ndjson);
    assert_eq!(
        (signed.survey.lines, signed.survey.unread, signed.records),
        (4, 3, 1)
    );
    let good = postback_of(format, Some("4.0"), "5239", 1);
    let forged = good.replace("\"did-win\":true", "\"did-win\":false");
    let lines = [forged.clone(), good.clone(), good, forged].join("\n");
    let (verdicts, summary) = judge_files(&[lines.into_bytes()], &test_public(), with(&signed));
    assert_eq!(verdicts[0]["signed"], Value::Null);
    assert_eq!(verdicts[2]["signed"]["match"], "one");
    let followed = summary.followed.unwrap();
    assert_eq!(followed.matched, 1);
    let outcome = followed.campaigns.values().next().unwrap();
    assert_eq!(
        (outcome.signed, outcome.winning, outcome.not_winning),
        (1, 1, 0)
    );
}

/// The public half of the test key is `pub.pem` there.
fn workdir() -> Workdir {
    let workdir = Workdir::new();
    let all: Vec<String> = skan_examples().iter().map(line).collect();
    workdir.write("apple.ndjson", all.join("\n"));
    workdir.write("aak.ndjson", line(&aak_example()));
    let mut old = skan_examples()[5].clone();
    old.insert("version".into(), json!("2.0"));
    workdir.write("old.ndjson", line(&old));
    let mut forged = skan_examples()[0].clone();
    forged.insert("app-id".into(), json!(1));
    workdir.write("forged.ndjson", line(&forged));
    workdir
}

#[test]
fn the_exit_code_says_whether_all_are_valid() {
    let workdir = workdir();
    let table = [
        ("apple.ndjson", 0),
        ("apple.ndjson aak.ndjson apple.ndjson", 0),
        ("forged.ndjson", 7),
        ("forged.ndjson --allow-unverified", 7),
        ("apple.ndjson forged.ndjson", 7),
        ("old.ndjson", 7),
        ("old.ndjson --allow-unverified", 0),
        ("old.ndjson forged.ndjson --allow-unverified", 7),
        ("aak.ndjson --production-only", 7),
        ("apple.ndjson --production-only", 0),
        ("missing.ndjson", 6),
        ("apple.csv", 2),
        ("- -", 2),
        ("apple.ndjson --public-key key.pem", 3),
        ("apple.ndjson --public-key pub.pem --production-only", 2),
        ("apple.ndjson -o apple.ndjson --force", 2),
        ("apple.ndjson -o aak.ndjson", 2),
    ];
    for (arguments, code) in table {
        let before = workdir.text("aak.ndjson");
        workdir
            .run(&format!("verify-postback {arguments}"))
            .exit(code);
        assert_eq!(workdir.text("aak.ndjson"), before);
    }
    workdir
        .run("verify-postback aak.ndjson")
        .exit(0)
        .warns("1 valid postback from devices under development");
    workdir.write("empty", "");
    workdir
        .run("verify-postback empty")
        .exit(0)
        .warns("no postback");
}

#[test]
fn verdicts_go_to_a_file_that_appears_complete_and_inputs_may_be_compressed_or_piped() {
    let workdir = workdir();
    let plain = workdir.run("verify-postback apple.ndjson -o plain.ndjson");
    plain
        .exit(0)
        .expect(plain.stdout.is_empty(), "nothing on standard output");
    let verdicts = workdir.json("plain.ndjson");
    assert_eq!(verdicts.len(), 6);
    workdir
        .run("verify-postback apple.ndjson -o plain.ndjson")
        .exit(2)
        .says("exists already");
    workdir
        .run("verify-postback aak.ndjson -o plain.ndjson --force")
        .exit(0);
    assert_eq!(workdir.json("plain.ndjson").len(), 1);
    let text = workdir.bytes("apple.ndjson");
    workdir.write("apple.ndjson.zst", zstd::encode_all(&text[..], 0).unwrap());
    let piped = workdir.run_with(&["verify-postback"], &text);
    let zstd = workdir.run("verify-postback apple.ndjson.zst -o out.ndjson.gz");
    piped.exit(0);
    zstd.exit(0);
    let mut read = String::new();
    let packed = workdir.bytes("out.ndjson.gz");
    let mut reader = flate2::read::MultiGzDecoder::new(&packed[..]);
    std::io::Read::read_to_string(&mut reader, &mut read).unwrap();
    assert_eq!(read, piped.stdout.replace("\"-\"", "\"apple.ndjson.zst\""));
    // One that breaks off leaves nothing behind.
    let zst = workdir.bytes("apple.ndjson.zst");
    workdir.write("short.ndjson.zst", &zst[..zst.len() - 8]);
    workdir
        .run("verify-postback short.ndjson.zst -o broken.ndjson")
        .exit(6);
    assert!(!workdir.exists("broken.ndjson") && !workdir.exists("broken.ndjson.partial"));
}

#[test]
fn a_night_is_followed_from_the_signed_file_to_its_postbacks() {
    let workdir = workdir();
    let format = Format::find("skan-view").unwrap();
    let header = "ad_network_id,source_identifier,advertised_app_id,source_app_id\n";
    let rows: String = [5239, 1239, 7777]
        .iter()
        .map(|code| {
            csv_line([
                "example123.skadnetwork",
                &code.to_string(),
                "525463029",
                "1",
            ]) + "\n"
        })
        .collect();
    workdir.write("rows.csv", format!("{header}{rows}"));
    let sign = "sign -f skan-view -k key.pem --count 5 rows.csv";
    workdir.run(&format!("{sign} -o signed.csv")).exit(0);
    workdir
        .run(&format!("{sign} -o native.ndjson.gz --shape native"))
        .exit(0);
    workdir
        .run(&format!(
            "{sign} --out-dir night --partition-by source_identifier --keep source_identifier"
        ))
        .exit(0);
    let mut lines = Vec::new();
    for (at, (digits, won, sequence)) in [
        ("7777", true, 0),
        ("77", true, 1),
        ("7777", false, 0),
        ("39", true, 0),
        ("8888", true, 0),
    ]
    .into_iter()
    .enumerate()
    {
        let mut body: Body =
            serde_json::from_str(&postback_of(format, Some("4.0"), digits, at as u64)).unwrap();
        body.insert("ad-network-id".into(), json!("example123.skadnetwork"));
        body.insert("app-id".into(), json!(525_463_029));
        body.insert("did-win".into(), json!(won));
        body.insert("postback-sequence-index".into(), json!(sequence));
        sign_joined(&mut body, &test_key());
        lines.push(line(&body));
    }
    workdir.write("back.ndjson", lines.join("\n"));
    let check = "verify-postback back.ndjson --public-key pub.pem";
    for signed in ["signed.csv", "native.ndjson.gz", "night"] {
        let run = workdir.run(&format!("{check} --signed {signed} --json"));
        run.exit(0);
        let last = run.stderr.lines().next_back().unwrap();
        let summary: Value = serde_json::from_str(last).unwrap();
        let signed = &summary["signed"];
        assert_eq!(
            [
                &signed["records"],
                &signed["matched"],
                &signed["ambiguous"],
                &signed["unmatched"]
            ],
            [&json!(15), &json!(3), &json!(1), &json!(1)],
            "{run}"
        );
        let campaigns = list(&signed["campaigns"]);
        let own = campaigns
            .iter()
            .find(|own| own["source_identifier"] == "7777")
            .unwrap();
        let wanted = json!({
            "network": "example123.skadnetwork", "app": 525_463_029, "source_identifier": "7777",
            "match": "one", "signed": 5, "winning": 1, "later": 1, "not_winning": 1,
        });
        assert_eq!(own, &wanted);
        // What nobody reports back is there, too.
        let silent = campaigns
            .iter()
            .find(|own| own["source_identifier"] == "1239")
            .unwrap();
        assert_eq!(
            (&silent["signed"], &silent["winning"]),
            (&json!(5), &json!(0))
        );
    }
    workdir
        .run(&format!("{check} --signed signed.csv"))
        .exit(0)
        .says("3 with one campaign, 1 with one of several, 1 with nothing signed")
        .says("source_identifier 7777: 5 signed, 1 won, 1 later, 1 not won");
}

#[test]
fn the_example_holds_apples_postbacks_and_all_of_them_are_valid() {
    let path = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/examples/postbacks/apple.ndjson"
    );
    let text = fs::read_to_string(path).unwrap();
    let own: Vec<Body> = text
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    let mut wanted = skan_examples();
    wanted.push(aak_example());
    assert_eq!(own, wanted);
    let workdir = Workdir::new();
    let run = workdir.run(&format!("verify-postback {path}"));
    run.exit(0)
        .says("valid  7 of 7 postbacks, 2 duplicates of them");
    assert_eq!(run.stdout.matches("\"verdict\":\"valid\"").count(), 7);
}

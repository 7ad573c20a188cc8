//! What others signed, and what the standards print: `tests/vectors/` says
//! where each file comes from.
#![allow(clippy::unwrap_used)] // A failed unwrap is a failed test.

use std::path::Path;

use aws_lc_rs::signature::{ECDSA_P256_SHA256_ASN1, UnparsedPublicKey};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use campaign_signer::engine::{
    ENGINES, Engine, Hs256, Messages, P256Verifier, Signatures, Verifier,
};
use campaign_signer::envelope;
use campaign_signer::format::{Alg, Claim, Format, Signing};
use campaign_signer::jws::Compact;
use campaign_signer::key::{PublicKey, SigningKey};
use campaign_signer::output::hex;
use campaign_signer::pipeline::Signer;
use campaign_signer::record::{Outcome, Plan, Records, Rules, Settings, Tally};
use campaign_signer::signing_input::{Derived, Recipes, Scratch};
use campaign_signer::verify::inspect;
use p256::ecdsa::VerifyingKey;
use serde_json::{Value, json};

/// Before every vector that has a time of its own.
const NOW: u64 = 1_795_000_000_000;

fn vectors(file: &str) -> Value {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/vectors")
        .join(file);
    serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap()
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap()
}

fn all(value: &Value) -> &[Value] {
    value.as_array().unwrap()
}

fn rules(id: &str, key_id: Option<&str>) -> Rules {
    let mut settings = Settings::new(Format::find(id).unwrap(), NOW);
    settings.allow_stale = true;
    settings.key_id = key_id.map(str::to_owned);
    Rules::new(settings).unwrap()
}

/// The exact bytes we would sign for a row.
fn message(rules: &Rules, row: &Value) -> Vec<u8> {
    let mut records = Records::for_rules(rules);
    let (mut problems, mut notices) = (Vec::new(), Tally::default());
    let row = row.to_string();
    let plan = Plan::for_members(rules);
    let outcome = plan.check_json(row.as_bytes(), 1, &mut records, &mut problems, &mut notices);
    assert_eq!(outcome, Outcome::Record, "{problems:?}");
    let recipes = Recipes::new(rules.format());
    let (record, derived) = (records.get(0), Derived::default());
    let mut members = Vec::new();
    recipes.write_members(&record, &derived, &mut members);
    let mut out = Vec::new();
    recipes.write_signing_input(
        &record,
        &derived,
        &members,
        &mut Scratch::default(),
        &mut out,
    );
    out
}

/// A vector's fields as a row: digits are integers, as a network's file has
/// them.
fn row(fields: &Value) -> Value {
    let members = all(fields).iter().map(|field| {
        let (name, value) = (text(&field[0]), text(&field[1]));
        let is_number = value.bytes().all(|b| b.is_ascii_digit());
        let value = if is_number {
            json!(value.parse::<u64>().unwrap())
        } else {
            json!(value)
        };
        (name.to_owned(), value)
    });
    Value::Object(members.collect())
}

fn jwk(key: &Value) -> P256Verifier {
    let coordinate = |name: &str| URL_SAFE_NO_PAD.decode(text(&key[name])).unwrap();
    let point = [vec![4], coordinate("x"), coordinate("y")].concat();
    P256Verifier::new(VerifyingKey::from_sec1_bytes(&point).unwrap())
}

fn spki(base64: &Value) -> P256Verifier {
    let key = PublicKey::from_bytes(text(base64).as_bytes()).unwrap();
    P256Verifier::new(*key.verifying_key())
}

#[test]
fn apples_impression_signatures_verify_through_our_bytes_and_fail_with_a_capital_nonce() {
    let file = vectors("skan_impressions_apple.json");
    let key = PublicKey::from_bytes(text(&file["public_key_spki_der_base64"]).as_bytes()).unwrap();
    let ours = P256Verifier::new(*key.verifying_key());
    let point = key.verifying_key().to_sec1_point(false).to_bytes();
    let theirs = UnparsedPublicKey::new(&ECDSA_P256_SHA256_ASN1, point);
    assert_eq!(all(&file["vectors"]).len(), 3);
    for vector in all(&file["vectors"]) {
        let id = text(&vector["name"]).rsplit_once('-').unwrap().0;
        let row = row(&vector["fields"]);
        let message = message(&rules(id, None), &row);
        assert_eq!(hex(&message), text(&vector["message_hex"]), "{id}");
        let signature = text(&vector["signature"]);
        let rs = envelope::read_signature(signature).unwrap();
        let der = STANDARD.decode(signature).unwrap();
        assert!(
            ours.verify(&message, &rs) && theirs.verify(&message, &der).is_ok(),
            "{id}"
        );

        let nonce = text(&row["nonce"]);
        let capital = String::from_utf8(message.clone())
            .unwrap()
            .replace(nonce, &nonce.to_uppercase());
        assert_ne!(capital.as_bytes(), message);
        assert!(!ours.verify(capital.as_bytes(), &rs), "{id}");
        assert!(theirs.verify(capital.as_bytes(), &der).is_err(), "{id}");
        // A row may bring the nonce in capitals: what is signed is the same.
        let mut loud = row.clone();
        loud["nonce"] = json!(nonce.to_uppercase());
        assert_eq!(self::message(&rules(id, None), &loud), message, "{id}");
    }
}

#[test]
fn the_web_response_of_apples_page_is_our_record() {
    let file = vectors("skan_impressions_apple.json");
    let vector = &all(&file["vectors"])[2];
    let key = SigningKey::generate().unwrap();
    let signer = Signer::es256(&key, &ENGINES[0], "job");
    let row = row(&vector["fields"]).to_string();
    let lines = signer.sign_row(&rules("skan-web", None), &row, 1).unwrap();
    let record: Value = serde_json::from_slice(&lines).unwrap();
    assert_eq!(
        record["attributionSourceNonce"],
        vector["attribution_source_nonce"]
    );
    for (name, value) in vector["ad_impression_response"].as_object().unwrap() {
        if name != "signature" {
            assert_eq!(&record[name], value, "{name}");
        }
    }
}

#[test]
fn rfc_6979_a_2_5_is_reproduced_to_the_byte_by_every_engine() {
    let file = &vectors("rfc.json")["rfc6979_p256_sha256"];
    let scalar: Vec<u8> = (0..32)
        .map(|at| {
            u8::from_str_radix(&text(&file["private_key_hex"])[2 * at..2 * at + 2], 16).unwrap()
        })
        .collect();
    let key = p256::ecdsa::SigningKey::from_slice(&scalar).unwrap();
    let mut messages = Messages::default();
    for vector in all(&file["vectors"]) {
        messages.push(text(&vector["message"]).as_bytes());
    }
    for info in ENGINES {
        let engine = (info.load)(&key);
        let mut signatures = Signatures::default();
        engine.sign_batch(&messages, &mut signatures).unwrap();
        for (at, vector) in all(&file["vectors"]).iter().enumerate() {
            let expected = format!("{}{}", text(&vector["r"]), text(&vector["s"])).to_lowercase();
            assert_eq!(hex(signatures.get(at)), expected, "{}", info.name);
            assert_eq!(
                envelope::read_signature(text(&vector["der_base64"])).unwrap(),
                signatures.get(at)
            );
            let raw = URL_SAFE_NO_PAD.encode(signatures.get(at));
            assert_eq!(raw, text(&vector["raw_base64url"]));
        }
    }
}

#[test]
fn rfc_7515_a_1_is_reproduced_and_a_3_verifies() {
    let file = vectors("rfc.json");
    let hs = &file["rfc7515_a1_hs256"];
    let token = text(&hs["jws"]);
    let compact = Compact::parse(token).unwrap();
    assert_eq!(compact.payload, text(&hs["payload_utf8"]).as_bytes());
    let engine = Hs256::new(&URL_SAFE_NO_PAD.decode(text(&hs["k_base64url"])).unwrap());
    let (mut messages, mut signatures) = (Messages::default(), Signatures::default());
    messages.push(compact.signing_input.as_bytes());
    engine.sign_batch(&messages, &mut signatures).unwrap();
    assert_eq!(signatures.get(0), compact.signature);
    assert!(engine.verify(compact.signing_input.as_bytes(), &compact.signature));

    let es = &file["rfc7515_a3_es256"];
    let compact = Compact::parse(text(&es["jws"])).unwrap();
    assert_eq!(compact.payload, text(&es["payload_utf8"]).as_bytes());
    let key = jwk(&es["jwk"]);
    assert!(key.verify(compact.signing_input.as_bytes(), &compact.signature));
    assert!(!key.verify(b"another message", &compact.signature));
}

#[test]
fn apples_library_agrees_on_the_original_offer() {
    let file = vectors("apple_library.json");
    let given = &file["promotional_offer_v1_test_inputs"];
    let row = json!({
        "appBundleId": given["bundleId"],
        "keyIdentifier": given["keyId"],
        "productIdentifier": given["productId"],
        "offerIdentifier": given["offerId"],
        "appAccountToken": given["appAccountToken_given"],
        "nonce": given["nonce"],
        "timestamp": given["timestamp"],
    });
    let rules = rules("appstore-promo-v1", None);
    assert_eq!(hex(&message(&rules, &row)), text(&given["message_hex"]));
    let key = SigningKey::from_bytes(text(&file["test_signing_key_pkcs8_pem"]).as_bytes()).unwrap();
    assert_eq!(
        key.public_key().spki_base64(),
        text(&file["test_signing_key_spki_der_base64"])
    );
    let lines = Signer::es256(&key, &ENGINES[0], "job").sign_row(&rules, &row.to_string(), 1);
    let record: Value = serde_json::from_slice(&lines.unwrap()).unwrap();
    assert_eq!(record["signature"], given["rfc6979_signature_base64"]);
    assert_eq!(record["appAccountToken"], given["appAccountToken_signed"]);
}

#[test]
fn apples_library_agrees_on_header_and_claims_of_its_tokens() {
    let file = vectors("apple_library.json");
    let expected = &file["jws_creator_test_expectations"];
    let key = SigningKey::from_bytes(text(&file["test_signing_key_pkcs8_pem"]).as_bytes()).unwrap();
    let signer = Signer::es256(&key, &ENGINES[0], "job");
    let request = campaign_signer::format::Format::find("appstore-advanced-commerce")
        .and_then(|format| format.field("request"))
        .map(|(_, field)| serde_json::from_str::<Value>(field.example).unwrap());
    for (id, aud) in [
        ("appstore-promo-v2", "promotional-offer"),
        ("appstore-intro", "introductory-offer-eligibility"),
        ("appstore-advanced-commerce", "advanced-commerce-api"),
    ] {
        let own = expected["aud"][aud].as_object().unwrap();
        let mut row = json!({"iss": "issuerId", "bid": "bundleId"});
        for (name, value) in own {
            row[name] = match (name.as_str(), value.as_str()) {
                ("request", _) => request.clone().unwrap(),
                (_, Some("transactionId or absent")) => json!("transactionId"),
                _ => value.clone(),
            };
        }
        let rules = rules(id, Some("keyId"));
        let lines = signer.sign_row(&rules, &row.to_string(), 1).unwrap();
        let record: Value = serde_json::from_slice(&lines).unwrap();
        let compact = Compact::parse(text(&record["jws"])).unwrap();
        let header: Value = serde_json::from_str(&compact.header).unwrap();
        assert_eq!(header, expected["header"], "{id}");
        let claims: Value = serde_json::from_slice(&compact.payload).unwrap();
        for name in all(&expected["must_not_have"]) {
            assert!(claims.get(text(name)).is_none(), "{id}");
        }
        assert_eq!(claims["aud"], aud);
        assert_eq!(
            (&claims["iss"], &claims["bid"]),
            (&json!("issuerId"), &json!("bundleId"))
        );
        assert_eq!(claims["iat"], NOW / 1000);
        assert!(uuid::Uuid::try_parse(text(&claims["nonce"])).is_ok());
        let common = ["iss", "iat", "aud", "bid", "nonce"];
        let mut names: Vec<&str> = own.keys().map(String::as_str).chain(common).collect();
        names.sort_unstable();
        let found: Vec<&String> = claims.as_object().unwrap().keys().collect();
        assert_eq!(found, names, "{id}");
        for (name, value) in own.iter().filter(|(name, _)| *name != "request") {
            let plain = value != "transactionId or absent";
            assert_eq!(
                claims[name],
                if plain {
                    value.clone()
                } else {
                    json!("transactionId")
                }
            );
        }
    }
    // Without a transaction the claim is left out, not empty.
    let row = json!({"iss": "i", "bid": "b", "productId": "p", "offerIdentifier": "o"});
    let rules = rules("appstore-promo-v2", Some("keyId"));
    let lines = signer.sign_row(&rules, &row.to_string(), 1).unwrap();
    assert!(!String::from_utf8(lines).unwrap().contains("transactionId"));
}

#[test]
fn tokens_signed_by_apples_test_certificates_verify() {
    let file = vectors("apple_library.json");
    for vector in all(&file["x5c_mock_jws_signed_by_test_certs"]) {
        let compact = Compact::parse(text(&vector["jws"])).unwrap();
        let key = spki(&vector["leaf_public_key_spki_der_base64"]);
        assert!(key.verify(compact.signing_input.as_bytes(), &compact.signature));
    }
}

#[test]
fn the_predecessors_documented_tokens_are_read_and_the_known_secret_verifies_one() {
    let file = vectors("saasquatch_hs256.json");
    for vector in all(&file["vectors"]) {
        let compact = Compact::parse(text(&vector["jwt"])).unwrap();
        let secret = Hs256::new(text(&vector["secret_utf8"]).as_bytes());
        assert!(secret.verify(compact.signing_input.as_bytes(), &compact.signature));
    }
    for vector in all(&file["vectors"])
        .iter()
        .chain(all(&file["structure_only"]))
    {
        let compact = Compact::parse(text(&vector["jwt"])).unwrap();
        let header: Value = serde_json::from_str(&compact.header).unwrap();
        let payload: Value = serde_json::from_slice(&compact.payload).unwrap();
        assert_eq!((&header, &payload), (&vector["header"], &vector["payload"]));
    }
}

/// A JWS under a JWK, as a verifier reads it: three parts, the key's own
/// algorithm and no other, a key that is for signing, the signature.
fn accepts(key: &Value, token: &str) -> bool {
    let Ok(compact) = Compact::parse(token) else {
        return false;
    };
    let Ok(header) = serde_json::from_str::<Value>(&compact.header) else {
        return false;
    };
    let for_signing = key["use"] == "sig" && key.get("key_ops").is_none();
    if !for_signing || header["alg"] != key["alg"] || header.get("crit").is_some() {
        return false;
    }
    let message = compact.signing_input.as_bytes();
    match text(&key["alg"]) {
        "ES256" => jwk(key).verify(message, &compact.signature),
        "HS256" => {
            let secret = URL_SAFE_NO_PAD.decode(text(&key["k"])).unwrap();
            Hs256::new(&secret).verify(message, &compact.signature)
        }
        other => panic!("{other}"),
    }
}

#[test]
fn wycheproofs_tokens_get_their_documented_verdicts() {
    let file = vectors("wycheproof_jws_es256_hs256.json");
    // In the file, 367 and 370 are the same token as 357, which is valid: the
    // padding they are about is no longer in them. 372 and 373 carry a `?`,
    // which a lenient decoder skips; RFC 7515 §2 has no such character.
    let exceptions = [
        (367, "valid"),
        (370, "valid"),
        (372, "invalid"),
        (373, "invalid"),
    ];
    let mut judged = 0;
    for group in all(&file["testGroups"]) {
        let key = group.get("public").unwrap_or(&group["private"]);
        for test in all(&group["tests"]) {
            let token = test["jws"]
                .as_str()
                .map_or_else(|| test["jws"].to_string(), str::to_owned);
            let verdict = if accepts(key, &token) {
                "valid"
            } else {
                "invalid"
            };
            let exception = exceptions.iter().find(|(id, _)| test["tcId"] == *id);
            let expected = exception.map_or(text(&test["result"]), |(_, verdict)| verdict);
            assert_eq!(
                verdict, expected,
                "{} {}: {}",
                group["comment"], test["tcId"], test["comment"]
            );
            judged += 1;
        }
    }
    assert_eq!(judged, file["numberOfTests"].as_u64().unwrap());
}

#[test]
fn apples_postbacks_verify_and_the_broken_one_under_no_key() {
    let file = vectors("aak_postbacks_apple.json");
    let keys = file["public_keys_by_kid"].as_object().unwrap();
    for vector in all(&file["vectors"]) {
        let compact = Compact::parse(text(&vector["jws"])).unwrap();
        assert_eq!(compact.header, text(&vector["header_bytes"]));
        let key = spki(&keys[text(&vector["kid"])]);
        assert!(key.verify(compact.signing_input.as_bytes(), &compact.signature));
    }
    for vector in all(&file["negative"]) {
        let compact = Compact::parse(text(&vector["jws"])).unwrap();
        for key in keys.values() {
            assert!(!spki(key).verify(compact.signing_input.as_bytes(), &compact.signature));
        }
    }
}

#[test]
fn inspect_shows_the_sample_impression_with_its_documented_claims_and_types() {
    let file = vectors("aak_postbacks_apple.json");
    let vector = &all(&file["structure_only"])[0];
    let shown = inspect(text(&vector["jws"])).unwrap();
    assert!(shown.contains(text(&vector["header_bytes"])), "{shown}");
    assert!(shown.contains(text(&vector["payload_bytes"])), "{shown}");
    let line = |name: &str| {
        let found = shown
            .lines()
            .find(|line| line.trim_start().starts_with(name));
        found
            .unwrap()
            .split_whitespace()
            .collect::<Vec<_>>()
            .join(" ")
    };
    for (name, rest) in [
        ("advertised-item-identifier", "integer 1108187390"),
        (
            "ad-network-identifier",
            "string \"example.adattributionkit\"",
        ),
        ("impression-type", "string \"app-impression\""),
        ("eligible-for-re-engagement", "boolean true"),
        (
            "timestamp",
            "integer 1719599957239 (2024-06-28T18:39:17.239Z)",
        ),
        ("publisher-item-identifier", "integer 5838492"),
        (
            "impression-identifier",
            "string \"544B8FAD-0AD5-4434-98B2-327113AF84DB\"",
        ),
        ("source-identifier", "integer 5239"),
    ] {
        assert_eq!(line(name), format!("{name} {rest}"));
    }
    assert!(shown.contains("64 bytes, r || s"));
    // Our own format has exactly these claims.
    let format = Format::find("aak-impression").unwrap();
    assert_eq!(format.alg(), Alg::Es256);
    let Signing::Jws { claims, .. } = &format.newest().signing else {
        panic!()
    };
    for claim in *claims {
        let Claim::Field(name) = claim else { panic!() };
        assert!(
            text(&vector["payload_bytes"]).contains(&format!("\"{name}\":")),
            "{name}"
        );
    }
}

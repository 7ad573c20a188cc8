//! Published vectors: Apple's, the RFCs', Wycheproof's and SaaSquatch's.
#![allow(clippy::unwrap_used)] // A failed unwrap is a failed test.

use std::collections::BTreeMap;

use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_ASN1, ECDSA_P256_SHA256_FIXED, UnparsedPublicKey, VerificationAlgorithm,
};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use campaign_signer::engine::{
    Check, ENGINES, Engine, Hs256, Messages, P256, P256Verifier, Signatures, Verifier,
};
use campaign_signer::envelope::read_signature;
use campaign_signer::format::{Claim, Format, Signing};
use campaign_signer::inspect::inspect;
use campaign_signer::jws::{Compact, read_base64url, write_base64url};
use campaign_signer::key::{PublicKey, SigningKey};
use campaign_signer::pipeline::Signer;
use campaign_signer::record::{Outcome, Plan, Records, Rules, Settings, Tally};
use campaign_signer::signing_input::{Derived, Recipes, Scratch};
use p256::ecdsa::VerifyingKey;
use serde_json::{Map, Value, json};

fn vectors(file: &str) -> Value {
    let path = format!("{}/tests/vectors/{file}.json", env!("CARGO_MANIFEST_DIR"));
    serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap()
}

fn list(value: &Value) -> &[Value] {
    let all = value.as_array().unwrap();
    assert!(!all.is_empty());
    all
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap()
}

fn unhex(text: &str) -> Vec<u8> {
    let byte = |at| u8::from_str_radix(&text[at..at + 2], 16).unwrap();
    (0..text.len()).step_by(2).map(byte).collect()
}

/// A P-256 key, judged by the program's engine and by another library.
struct Judges {
    own: P256Verifier,
    point: Vec<u8>,
}

impl Judges {
    fn of_point(point: &[u8]) -> Self {
        Self {
            own: P256Verifier::new(VerifyingKey::from_sec1_bytes(point).unwrap()),
            point: point.to_vec(),
        }
    }

    /// The key in a SubjectPublicKeyInfo, base64; the point is at its end.
    fn of_spki(spki: &Value) -> Self {
        let der = STANDARD.decode(text(spki)).unwrap();
        let judges = Self::of_point(&der[der.len() - 65..]);
        let pem = format!(
            "-----BEGIN PUBLIC KEY-----\n{}\n-----END PUBLIC KEY-----\n",
            text(spki)
        );
        let read = PublicKey::from_bytes(pem.as_bytes()).unwrap();
        assert_eq!(read.spki_base64(), text(spki));
        judges
    }

    fn of_jwk(jwk: &Value) -> Self {
        let coordinate = |name: &str| read_base64url(text(&jwk[name])).unwrap();
        Self::of_point(&[vec![4], coordinate("x"), coordinate("y")].concat())
    }

    fn other(&self, how: &'static dyn VerificationAlgorithm, message: &[u8], sig: &[u8]) -> bool {
        UnparsedPublicKey::new(how, &self.point)
            .verify(message, sig)
            .is_ok()
    }

    /// Both judges' verdict on `r ‖ s`.
    fn fixed(&self, message: &[u8], signature: &[u8]) -> bool {
        let own = self.own.verify(message, signature);
        let other = self.other(&ECDSA_P256_SHA256_FIXED, message, signature);
        assert_eq!(own, other, "the judges disagree");
        own
    }

    /// Both judges' verdict on DER in base64.
    fn der(&self, message: &[u8], signature: &str) -> bool {
        let fixed = read_signature(signature).unwrap();
        let der = STANDARD.decode(signature).unwrap();
        let other = self.other(&ECDSA_P256_SHA256_ASN1, message, &der);
        assert_eq!(self.fixed(message, &fixed), other, "the judges disagree");
        other
    }

    fn token(&self, token: &str) -> bool {
        let compact = Compact::parse(token).unwrap();
        self.fixed(compact.signing_input.as_bytes(), &compact.signature)
    }
}

/// The bytes signed for a row that brings its own nonce.
fn signing_input(rules: &Rules, row: &str) -> Vec<u8> {
    let mut records = Records::for_rules(rules);
    let mut problems = Vec::new();
    let plan = Plan::for_members(rules);
    let outcome = plan.check_json(
        row.as_bytes(),
        1,
        &mut records,
        &mut problems,
        &mut Tally::default(),
    );
    assert!(matches!(outcome, Outcome::Record), "{row}: {problems:?}");
    let recipes = Recipes::new(rules.format());
    let (mut members, mut message) = (Vec::new(), Vec::new());
    let (record, derived) = (records.get(0), Derived::default());
    recipes.write_members(&record, &derived, &mut members);
    let mut scratch = Scratch::default();
    recipes.write_signing_input(&record, &derived, &members, &mut scratch, &mut message);
    message
}

fn rules(format: &str, now: u64) -> Rules {
    let mut settings = Settings::new(Format::find(format).unwrap(), now);
    settings.allow_stale = true;
    settings.allow_future = true;
    Rules::new(settings).unwrap()
}

fn signed_row(signer: &Signer, rules: &Rules, row: &Value) -> Value {
    let line = signer.sign_row(rules, &row.to_string(), 1).unwrap();
    serde_json::from_slice(&line).unwrap()
}

/// A vector's fields as a row: text that is a whole number as a number.
fn row_of(fields: &Value) -> Value {
    let member = |pair: &Value| {
        let (name, value) = (text(&pair[0]), text(&pair[1]));
        let number = value.parse::<u64>().map(Value::from);
        (name.to_owned(), number.unwrap_or_else(|_| value.into()))
    };
    list(fields)
        .iter()
        .map(member)
        .collect::<Map<_, _>>()
        .into()
}

#[test]
fn apples_impression_signatures_are_right_for_the_bytes_made_of_their_fields() {
    let file = vectors("skan_impressions_apple");
    let judges = Judges::of_spki(&file["public_key_spki_der_base64"]);
    let all = list(&file["vectors"]);
    assert_eq!(all.len(), 3);
    for vector in all {
        let name = text(&vector["name"]);
        let row = row_of(&vector["fields"]);
        let rules = rules(name.rsplit_once('-').unwrap().0, 1_760_000_000_000);
        let message = signing_input(&rules, &row.to_string());
        assert_eq!(message, unhex(text(&vector["message_hex"])), "{name}");
        let signature = text(&vector["signature"]);
        assert!(judges.der(&message, signature), "{name}");

        let nonce = text(&row["nonce"]);
        let message = String::from_utf8(message).unwrap();
        let shouted = message.replace(nonce, &nonce.to_uppercase());
        assert_ne!(shouted, message, "{name}");
        assert!(!judges.der(shouted.as_bytes(), signature), "{name}");
        let mut other = row.clone();
        other["nonce"] = nonce.to_uppercase().into();
        let lowered = signing_input(&rules, &other.to_string());
        assert_eq!(lowered, message.as_bytes(), "{name}");
    }
}

#[test]
fn a_signed_web_ad_carries_the_link_form_of_its_nonce_that_apple_documents() {
    let file = vectors("skan_impressions_apple");
    let key = SigningKey::generate().unwrap();
    let signer = Signer::es256(&key, &ENGINES[0], "job");
    let mut seen = 0;
    for vector in list(&file["vectors"]) {
        let Some(link) = vector.get("attribution_source_nonce") else {
            continue;
        };
        seen += 1;
        assert_eq!(link, "t8naKxXHTzuTJhNfljADPQ");
        let rules = rules("skan-web", 1_760_000_000_000);
        let record = signed_row(&signer, &rules, &row_of(&vector["fields"]));
        assert_eq!(record["attributionSourceNonce"], *link);
        let response = vector["ad_impression_response"].as_object().unwrap();
        for (name, value) in response {
            if name != "signature" {
                assert_eq!(record[name], *value, "{name}");
            }
        }
    }
    assert_eq!(seen, 1);
}

#[test]
fn the_signatures_of_rfc_6979_come_out_to_the_byte() {
    let file = vectors("rfc");
    let file = &file["rfc6979_p256_sha256"];
    let scalar = unhex(text(&file["private_key_hex"]));
    let key = p256::ecdsa::SigningKey::from_slice(&scalar).unwrap();
    let point = ["public_x", "public_y"].map(|name| unhex(text(&file[name])));
    let judges = Judges::of_point(&[vec![4], point.concat()].concat());
    let all = list(&file["vectors"]);
    let mut messages = Messages::default();
    for vector in all {
        messages.push(text(&vector["message"]).as_bytes());
    }
    for info in ENGINES {
        // So often that they are worth a batch.
        let mut many = Messages::default();
        for _ in 0..20 {
            messages.iter().for_each(|message| many.push(message));
        }
        let mut signatures = Signatures::default();
        (info.load)(&[&key])
            .sign_batch(&many, Check::All, &mut signatures)
            .unwrap();
        for at in 0..many.len() {
            let vector = &all[at % all.len()];
            let rs = [text(&vector["r"]), text(&vector["s"])].concat();
            assert_eq!(signatures.get(at), unhex(&rs), "{} {vector}", info.name);
        }
    }
    let mut signatures = Signatures::default();
    P256::new(&[&key])
        .sign_batch(&messages, Check::Off, &mut signatures)
        .unwrap();
    for (at, vector) in all.iter().enumerate() {
        let signature = signatures.get(at);
        let rs = [text(&vector["r"]), text(&vector["s"])].concat();
        assert_eq!(signature, unhex(&rs), "{vector}");
        let der = text(&vector["der_base64"]);
        assert_eq!(read_signature(der).unwrap(), signature, "{vector}");
        let made = p256::ecdsa::Signature::from_slice(signature).unwrap();
        assert_eq!(STANDARD.encode(made.to_der().as_bytes()), der, "{vector}");
        let mut raw = Vec::new();
        write_base64url(signature, &mut raw);
        assert_eq!(raw, text(&vector["raw_base64url"]).as_bytes(), "{vector}");
        assert!(judges.der(messages.get(at), der), "{vector}");
        assert!(!judges.der(messages.get(1 - at), der), "{vector}");
    }
}

/// A token's HMAC as the engine makes it.
fn hmac_of(engine: &Hs256, message: &str) -> Vec<u8> {
    let mut messages = Messages::default();
    messages.push(message.as_bytes());
    let mut signatures = Signatures::default();
    engine
        .sign_batch(&messages, Check::Off, &mut signatures)
        .unwrap();
    signatures.get(0).to_vec()
}

#[test]
fn the_tokens_of_rfc_7515_verify_and_its_hmac_comes_out_to_the_byte() {
    let file = vectors("rfc");
    let es256 = &file["rfc7515_a3_es256"];
    assert!(Judges::of_jwk(&es256["jwk"]).token(text(&es256["jws"])));
    let hs256 = &file["rfc7515_a1_hs256"];
    let secret = read_base64url(text(&hs256["k_base64url"])).unwrap();
    let engine = Hs256::new(&[&secret]);
    let token = text(&hs256["jws"]);
    let compact = Compact::parse(token).unwrap();
    let input = compact.signing_input;
    let mut made = format!("{input}.").into_bytes();
    write_base64url(&hmac_of(&engine, input), &mut made);
    assert_eq!(made, token.as_bytes());
    assert!(engine.verify(input.as_bytes(), &compact.signature));
    for vector in [es256, hs256] {
        let compact = Compact::parse(text(&vector["jws"])).unwrap();
        assert_eq!(compact.payload, text(&vector["payload_utf8"]).as_bytes());
    }
}

#[test]
fn saasquatchs_tokens_come_apart_as_documented_and_the_one_with_a_known_secret_verifies() {
    let file = vectors("saasquatch_hs256");
    let signed = list(&file["vectors"]);
    for vector in signed {
        let compact = Compact::parse(text(&vector["jwt"])).unwrap();
        let input = compact.signing_input.as_bytes();
        let engine = Hs256::new(&[text(&vector["secret_utf8"]).as_bytes()]);
        assert!(engine.verify(input, &compact.signature), "{vector}");
        assert!(!Hs256::new(&[b"Secret"]).verify(input, &compact.signature));
    }
    for vector in signed.iter().chain(list(&file["structure_only"])) {
        let compact = Compact::parse(text(&vector["jwt"])).unwrap();
        let header: Value = serde_json::from_str(&compact.header).unwrap();
        let payload: Value = serde_json::from_slice(&compact.payload).unwrap();
        assert_eq!(header, vector["header"]);
        assert_eq!(payload, vector["payload"]);
    }
}

fn apples_test_signer(file: &Value) -> (Signer, Judges) {
    let pem = text(&file["test_signing_key_pkcs8_pem"]);
    let key = SigningKey::from_bytes(pem.as_bytes()).unwrap();
    let spki = &file["test_signing_key_spki_der_base64"];
    assert_eq!(key.public_key().spki_base64(), text(spki));
    let signer = Signer::es256(&key, &ENGINES[0], "job");
    (signer, Judges::of_spki(spki))
}

#[test]
fn a_promotional_offer_of_apples_library_test_is_signed_as_computed_elsewhere() {
    let file = vectors("apple_library");
    let (signer, judges) = apples_test_signer(&file);
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
    let rules = rules("appstore-promo-v1", given["timestamp"].as_u64().unwrap());
    let message = signing_input(&rules, &row.to_string());
    assert_eq!(message, unhex(text(&given["message_hex"])));
    let record = signed_row(&signer, &rules, &row);
    assert_eq!(record["signature"], given["rfc6979_signature_base64"]);
    assert_eq!(record["appAccountToken"], given["appAccountToken_signed"]);
    assert!(judges.der(&message, text(&record["signature"])));
}

#[test]
fn app_store_tokens_hold_exactly_what_apples_library_tests_expect() {
    let file = vectors("apple_library");
    let (signer, judges) = apples_test_signer(&file);
    let expected = &file["jws_creator_test_expectations"];
    let request = json!({
        "operation": "REACTIVATE_SUBSCRIPTION",
        "version": "1",
        "transactionId": "transactionId",
        "requestInfo": {"requestReferenceId": "8f1c4b5e-7a1d-4a2f-9d3b-0f6c2e1a9b7d"},
    });
    let without = |claims: &Value, name: &str| {
        let mut claims = claims.clone();
        claims.as_object_mut().unwrap().remove(name);
        claims
    };
    let offer = "promotional-offer";
    let mut full = expected["aud"][offer].clone();
    full["transactionId"] = "transactionId".into();
    let intro = "introductory-offer-eligibility";
    let commerce = "advanced-commerce-api";
    let table = [
        ("appstore-promo-v2", offer, full.clone()),
        ("appstore-promo-v2", offer, without(&full, "transactionId")),
        ("appstore-intro", intro, expected["aud"][intro].clone()),
        (
            "appstore-advanced-commerce",
            commerce,
            json!({"request": request}),
        ),
    ];
    for (format, aud, own) in table {
        let mut row = own.clone();
        row["kid"] = expected["header"]["kid"].clone();
        for name in ["iss", "bid"] {
            row[name] = expected["common_claims"][name].clone();
        }
        let rules = rules(format, 1_698_148_900_999);
        let token = signed_row(&signer, &rules, &row)["jws"].clone();
        assert!(judges.token(text(&token)), "{format}");
        let compact = Compact::parse(text(&token)).unwrap();
        let header: Value = serde_json::from_str(&compact.header).unwrap();
        assert_eq!(header, expected["header"], "{format}");
        let mut claims: Value = serde_json::from_slice(&compact.payload).unwrap();
        for absent in list(&expected["must_not_have"]) {
            assert!(claims.get(text(absent)).is_none(), "{format}: {absent}");
        }
        let nonce = text(&claims["nonce"]);
        assert_eq!(uuid::Uuid::try_parse(nonce).unwrap().to_string(), nonce);
        if let Some(wrapped) = claims.get("request") {
            let inner = STANDARD.decode(text(wrapped)).unwrap();
            claims["request"] = serde_json::from_slice(&inner).unwrap();
        }
        let mut wanted = without(&row, "kid");
        wanted["aud"] = aud.into();
        wanted["iat"] = 1_698_148_900.into();
        assert_eq!(without(&claims, "nonce"), wanted, "{format}");
    }
}

#[test]
fn tokens_of_apples_test_certificates_verify_with_their_leaf_keys() {
    let file = vectors("apple_library");
    for vector in list(&file["x5c_mock_jws_signed_by_test_certs"]) {
        let judges = Judges::of_spki(&vector["leaf_public_key_spki_der_base64"]);
        assert!(judges.token(text(&vector["jws"])), "{}", vector["file"]);
    }
}

/// Wycheproof's verdicts that are not ours, and why.
const EXCEPTIONS: &[(u64, &str)] = &[
    (367, SAME_AS_VALID),
    (370, SAME_AS_VALID),
    (
        372,
        "a `?` in the header: RFC 7515 §2 allows no such character",
    ),
    (
        373,
        "a `?` in the payload: RFC 7515 §2 allows no such character",
    ),
];

/// The file lost the padding these tests are about.
const SAME_AS_VALID: &str = "byte for byte the token of test 357, which is valid";

#[test]
fn wycheproofs_verdicts_on_tokens_are_ours_but_for_the_exceptions_listed() {
    let file = vectors("wycheproof_jws_es256_hs256");
    let (mut seen, mut differing) = (0, Vec::new());
    let mut tokens = BTreeMap::new();
    for group in list(&file["testGroups"]) {
        let key = group.get("public").unwrap_or(&group["private"]);
        let (es256, hs256);
        let verify: &dyn Fn(&[u8], &[u8]) -> bool = match text(&key["kty"]) {
            "EC" => {
                let judges = Judges::of_jwk(key);
                es256 = move |message: &[u8], sig: &[u8]| judges.fixed(message, sig);
                &es256
            }
            "oct" => {
                let engine = Hs256::new(&[&read_base64url(text(&key["k"])).unwrap()]);
                hs256 = move |message: &[u8], sig: &[u8]| engine.verify(message, sig);
                &hs256
            }
            other => panic!("a key of type {other}"),
        };
        for test in list(&group["tests"]) {
            seen += 1;
            tokens.insert(test["tcId"].as_u64().unwrap(), text(&test["jws"]));
            let verdict = Compact::parse(text(&test["jws"])).is_ok_and(|compact| {
                let header: Value = serde_json::from_str(&compact.header).unwrap_or_default();
                // A key without an algorithm is not one for signatures here.
                let named = header["alg"].is_string() && header["alg"] == key["alg"];
                named && verify(compact.signing_input.as_bytes(), &compact.signature)
            });
            let agrees = match text(&test["result"]) {
                "valid" => verdict,
                "invalid" => !verdict,
                "acceptable" => true,
                other => panic!("a result of {other}"),
            };
            if !agrees {
                differing.push((test["tcId"].as_u64().unwrap(), test["comment"].clone()));
            }
        }
    }
    assert_eq!(seen, file["numberOfTests"].as_u64().unwrap());
    let ids: Vec<u64> = differing.iter().map(|(id, _)| *id).collect();
    let known: Vec<u64> = EXCEPTIONS.iter().map(|(id, _)| *id).collect();
    assert_eq!(ids, known, "{differing:?}");
    for (id, why) in EXCEPTIONS {
        let same = tokens[id] == tokens[&357];
        assert_eq!(same, *why == SAME_AS_VALID, "{id}: {why}");
    }
}

#[test]
fn apples_postbacks_verify_with_the_key_they_name_and_a_broken_one_with_none() {
    let file = vectors("aak_postbacks_apple");
    let keys = file["public_keys_by_kid"].as_object().unwrap();
    for vector in list(&file["vectors"]) {
        let token = text(&vector["jws"]);
        let compact = Compact::parse(token).unwrap();
        assert_eq!(compact.header, text(&vector["header_bytes"]));
        let header: Value = serde_json::from_str(&compact.header).unwrap();
        let payload: Value = serde_json::from_slice(&compact.payload).unwrap();
        assert_eq!(header, vector["header"]);
        assert_eq!(payload, vector["payload"]);
        for (kid, spki) in keys {
            let named = *kid == text(&header["kid"]);
            assert_eq!(Judges::of_spki(spki).token(token), named, "{kid}");
        }
    }
    for vector in list(&file["negative"]) {
        for (kid, spki) in keys {
            assert!(!Judges::of_spki(spki).token(text(&vector["jws"])), "{kid}");
        }
    }
}

#[test]
fn apples_sample_impression_is_shown_with_every_claim_and_its_type_and_ours_has_the_same() {
    let file = vectors("aak_postbacks_apple");
    let [sample] = list(&file["structure_only"]) else {
        panic!("one sample impression");
    };
    let shown = inspect(text(&sample["jws"]), 0).unwrap()[0].to_text();
    assert!(shown.contains(text(&sample["header_bytes"])), "{shown}");
    assert!(shown.contains(text(&sample["payload_bytes"])), "{shown}");
    let rows: Vec<Vec<&str>> = shown
        .lines()
        .map(|line| line.split_whitespace().take(3).collect())
        .collect();
    let mut documented: Vec<String> = Vec::new();
    for part in ["header_bytes", "payload_bytes"] {
        let members: Map<String, Value> = serde_json::from_str(text(&sample[part])).unwrap();
        for (name, value) in &members {
            let kind = match value {
                Value::Bool(_) => "boolean",
                Value::Number(_) => "integer",
                _ => "string",
            };
            let row = format!("{name} {kind} {value}");
            assert!(rows.iter().any(|r| r.join(" ") == row), "{row}\n{shown}");
        }
        documented = members.keys().cloned().collect();
    }
    assert!(shown.contains("2024-06-28T"), "{shown}");

    let format = Format::find("aak-impression").unwrap();
    let Signing::Jws { claims, .. } = &format.newest().signing else {
        panic!("{} is a JWS", format.id);
    };
    let mut ours: Vec<&str> = claims
        .iter()
        .map(|claim| match claim {
            Claim::Field(name) | Claim::Object(name, _) => *name,
        })
        .collect();
    ours.sort_unstable();
    documented.sort_unstable();
    assert_eq!(ours, documented);
}

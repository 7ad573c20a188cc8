//! Apple's own signatures: valid as they are, in every object that carries
//! them, and explained when they are damaged.

use campaign_signer::engine::batch;
use campaign_signer::explain::{Explainer, Explanation, Verdict};
use campaign_signer::format::Alg;
use campaign_signer::key::PublicKey;
use campaign_signer::verify::Keys;
use serde_json::{Value, json};

fn vectors() -> Value {
    serde_json::from_str(include_str!("../vectors/skan_impressions_apple.json")).unwrap()
}

fn explain(document: &Value) -> Vec<Explanation> {
    let all = vectors();
    let key = all["public_key_spki_der_base64"].as_str().unwrap();
    let key = PublicKey::from_bytes(key.as_bytes()).unwrap();
    let verifier = batch::load_verifier(&[*key.verifying_key()]);
    let keys = Keys::one(Alg::Es256, verifier.as_ref());
    Explainer::new(&keys, vec![key], &[]).explain(&document.to_string())
}

fn field(vector: &Value, name: &str) -> String {
    let fields = vector["fields"].as_array().unwrap();
    let found = fields.iter().find(|field| field[0] == name).unwrap();
    found[1].as_str().unwrap().to_owned()
}

/// An OpenRTB answer with both fidelities, as a bidder sends it.
fn bid() -> Value {
    let all = vectors();
    let (view, sheet) = (&all["vectors"][0], &all["vectors"][1]);
    let fidelity = |vector: &Value| {
        json!({
            "fidelity": field(vector, "fidelity-type").parse::<u64>().unwrap(),
            "nonce": field(vector, "nonce"),
            "timestamp": field(vector, "timestamp"),
            "signature": vector["signature"],
        })
    };
    let skadn = |vector: &Value| {
        json!({
            "version": "4.0",
            "network": field(vector, "ad-network-id"),
            "sourceidentifier": field(vector, "source-identifier"),
            "itunesitem": field(vector, "itunes-item-id"),
            "sourceapp": field(vector, "source-app-id"),
            "fidelities": [fidelity(vector)],
        })
    };
    json!({
        "id": "1",
        "cur": "USD",
        "seatbid": [{"bid": [
            {"id": "a", "price": 1.25, "ext": {"skadn": skadn(view)}},
            {"id": "b", "price": 2.5, "ext": {"other": [1, 2], "skadn": skadn(sheet)}},
        ]}],
    })
}

#[test]
fn apples_signatures_are_valid_wherever_they_stand() {
    let all = vectors();
    let found = explain(&bid());
    let places: Vec<(&str, Verdict)> = found
        .iter()
        .map(|own| (own.place.as_str(), own.verdict))
        .collect();
    let wanted = |at: usize| format!("seatbid[0].bid[{at}].ext.skadn.fidelities[0].signature");
    let (first, second) = (wanted(0), wanted(1));
    assert_eq!(
        places,
        [
            (first.as_str(), Verdict::Valid),
            (second.as_str(), Verdict::Valid)
        ]
    );
    let response = &all["vectors"][2]["ad_impression_response"];
    let found = explain(response);
    assert_eq!(found[0].verdict, Verdict::Valid, "{:?}", found[0]);
}

#[test]
fn apples_signatures_with_a_nonce_in_capitals_are_valid_if_it_were_in_lower_case() {
    let all = vectors();
    let mut response = all["vectors"][2]["ad_impression_response"].clone();
    response["nonce"] = response["nonce"].as_str().unwrap().to_uppercase().into();
    let found = explain(&response);
    let says = found[0].sentence();
    assert_eq!(says, "invalid; valid if nonce were in lower case", "{says}");
    let mut bid = bid();
    let nonce = &mut bid["seatbid"][0]["bid"][1]["ext"]["skadn"]["fidelities"][0]["nonce"];
    *nonce = nonce.as_str().unwrap().to_uppercase().into();
    let found = explain(&bid);
    assert_eq!(found[0].verdict, Verdict::Valid);
    assert_eq!(
        found[1].sentence(),
        "invalid; valid if nonce were in lower case"
    );
}

#[test]
fn what_bidders_do_to_the_objects_is_told() {
    let at = |value: &mut Value, name: &str, new: Value| {
        value["seatbid"][0]["bid"][0]["ext"]["skadn"][name] = new;
    };
    // Seconds, as an example in the standard has them; numbers for strings.
    let mut seconds = bid();
    let skadn = &mut seconds["seatbid"][0]["bid"][0]["ext"]["skadn"];
    skadn["fidelities"][0]["timestamp"] = "1676057605".into();
    let says = explain(&seconds)[0].sentence();
    // The thousandths that were lost are found again.
    assert_eq!(says, "invalid; valid if timestamp were in milliseconds");
    let mut number = bid();
    at(&mut number, "itunesitem", 525_463_029.into());
    let found = &explain(&number)[0];
    assert_eq!(
        found.causes[0].kind.code,
        "json_type",
        "{}",
        found.sentence()
    );
    let mut source = bid();
    at(&mut source, "sourceapp", "1234567".into());
    let found = &explain(&source)[0];
    assert_eq!(found.causes[0].kind.code, "zero", "{}", found.sentence());
    // The two fidelities' places changed.
    let mut fidelity = bid();
    let skadn = &mut fidelity["seatbid"][0]["bid"][0]["ext"]["skadn"];
    skadn["fidelities"][0]["fidelity"] = 1.into();
    let found = &explain(&fidelity)[0];
    assert_eq!(
        found.causes[0].kind.code,
        "constant",
        "{}",
        found.sentence()
    );
}

#[test]
fn a_key_of_the_wrong_side_is_named() {
    let postbacks: Value =
        serde_json::from_str(include_str!("../vectors/skan_postbacks_apple.json")).unwrap();
    let apples = PublicKey::from_bytes(
        campaign_signer::format::postback::APPLE_KEYS[0]
            .spki
            .as_bytes(),
    )
    .unwrap();
    let verifier = batch::load_verifier(&[*apples.verifying_key()]);
    let keys = Keys::one(Alg::Es256, verifier.as_ref());
    let explainer = Explainer::new(&keys, vec![apples], &[]);
    // Apple's key for what a network signs.
    let all = vectors();
    let mut documents = vec![bid(), all["vectors"][2]["ad_impression_response"].clone()];
    documents.push(documents[0]["seatbid"][0]["bid"][0]["ext"].clone());
    for document in documents {
        for found in explainer.explain(&document.to_string()) {
            let codes: Vec<&str> = found.causes.iter().map(|own| own.kind.code).collect();
            assert_eq!(codes, ["wrong_side"], "{}", found.sentence());
        }
    }
    // And a postback, whatever the key.
    let postback = &postbacks["vectors"][0]["postback"];
    assert!(postback.is_object(), "{postbacks}");
    let found = explain(postback);
    assert!(found[0].sentence().contains("verify-postback"), "{found:?}");
}

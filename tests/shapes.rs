//! The objects that apps, bidders and ad servers take, held against what the
//! vendors' pages say, and every signature in them against what stands in the
//! object alone.
//!
//! The expectations are written by hand from the documents, not made of the
//! format table; signed strings are rebuilt here and verified with `p256`.
#![allow(clippy::unwrap_used)] // A failed unwrap is a failed test.

mod workdir;

use std::collections::HashSet;
use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use campaign_signer::engine::{ENGINES, Hs256, P256Verifier, Verifier};
use campaign_signer::envelope::{Envelope, Signed};
use campaign_signer::format::shape::check_joined;
use campaign_signer::format::{Alg, FORMATS, Format, Shape};
use campaign_signer::key::{Secret, SigningKey};
use campaign_signer::pipeline::Signer;
use campaign_signer::record::{Outcome, Plan, Records, Rules, Settings, Tally};
use campaign_signer::row::{Dialect, Input, Origin};
use campaign_signer::schema;
use campaign_signer::signing_input::{Recipes, Scratch};
use campaign_signer::stamp::Stamps;
use campaign_signer::verify::{self, Check, Keys};
use p256::ecdsa::Signature;
use p256::ecdsa::signature::{Signer as _, Verifier as _};
use serde_json::{Value, json};

use workdir::{SECRET, Workdir, key_data};

const NOW: u64 = 1_790_000_000_000;
const MESSAGE: &str = "a1b2c3d4-5678-4abc-8def-0123456789ab";
const TOKEN: &str = "8f1c4b5e-7a1d-4a2f-9d3b-0f6c2e1a9b7d";

fn key() -> SigningKey {
    SigningKey::from_bytes(&key_data("p256.pkcs8.pem")).unwrap()
}

fn format(id: &str) -> &'static Format {
    Format::find(id).unwrap()
}

fn rules(id: &str, shape: &str) -> Rules {
    rules_keeping(id, shape, &[])
}

fn rules_keeping(id: &str, shape: &str, keep: &[&str]) -> Rules {
    let mut settings = Settings::new(format(id), NOW);
    settings.shape = shape.into();
    settings.key_id = format(id).key_id().map(|_| "2X9R4HXF34".to_owned());
    settings.keep = keep.iter().map(|name| (*name).to_owned()).collect();
    Rules::new(settings).unwrap()
}

fn sign_by(rules: &Rules, row: &Value) -> String {
    let signer = match rules.format().alg() {
        Alg::Es256 => Signer::es256(&key(), &ENGINES[0], "shapes"),
        Alg::Hs256 => Signer::hs256(&Secret::from_bytes(SECRET.as_bytes()).unwrap()),
    };
    let lines = signer.sign_row(rules, &row.to_string(), 1).unwrap();
    String::from_utf8(lines).unwrap()
}

fn sign(id: &str, shape: &str, row: &Value) -> Value {
    serde_json::from_str(&sign_by(&rules(id, shape), row)).unwrap()
}

/// A row for a format, version and shape, by hand.
fn row(id: &str, version: &str) -> Value {
    let campaign = match version {
        "4.0" => "source-identifier",
        _ => "campaign-id",
    };
    match id {
        "aak-impression" => json!({
            "publisher-item-identifier": 5838492,
            "ad-network-identifier": "example123.adattributionkit",
            "source-identifier": 5239,
            "advertised-item-identifier": 18446744073709551615_u64,
        }),
        "skan-storekit" | "skan-view" => {
            let mut row = json!({
                "version": version,
                "ad-network-id": "example123.skadnetwork",
                "itunes-item-id": 10738027756_u64,
            });
            row[campaign] = json!(42);
            if version != "1.0" {
                row["source-app-id"] = json!(0);
            }
            row
        }
        "skan-web" => json!({
            "ad_network_id": "example123.skadnetwork",
            "source_identifier": 3120,
            "itunes_item_id": 525463029,
            "source_domain": "example.com",
        }),
        "appstore-promo-v2" | "appstore-intro" => {
            let mut row = json!({
                "iss": "57246542-96fe-1a63-e053-0824d011072a",
                "bid": "com.example.App",
                "productId": "com.example.Pro",
                "transactionId": "2000000912345678",
            });
            match id {
                "appstore-intro" => row["allowIntroductoryOffer"] = json!(false),
                _ => row["offerIdentifier"] = json!("Winback \"50\""),
            }
            row
        }
        "appstore-advanced-commerce" => json!({
            "iss": "57246542-96fe-1a63-e053-0824d011072a",
            "bid": "com.example.App",
            "request": {"operation": "REACTIVATE_SUBSCRIPTION", "version": "1", "transactionId": "7"},
        }),
        "appstore-promo-v1" => json!({
            "appBundleId": "com.example.App",
            "productIdentifier": "com.example.Pro",
            "offerIdentifier": "Winback50",
            "appAccountToken": TOKEN,
        }),
        "impact-user-jwt" => json!({"id": "jane@example.com", "firstName": "Zoë"}),
        other => panic!("no row for {other}"),
    }
}

/// What a shape needs beside what is signed.
fn row_for(id: &str, version: &str, shape: &str) -> Value {
    let mut row = row(id, version);
    match shape {
        "web-bundle" => row["attributionDestination"] = json!("https://adnetwork.example"),
        "retention" => row["messageIdentifier"] = json!(MESSAGE),
        _ => {}
    }
    row
}

/// Every shape of every format and version.
fn each_shape(mut work: impl FnMut(&'static Format, &'static Shape, &str)) {
    for format in FORMATS {
        for shape in format.shapes {
            for layout in format.layouts.iter().filter(|layout| shape.is_of(layout)) {
                work(format, shape, layout.version.unwrap_or_default());
            }
        }
    }
}

fn type_of(value: &Value) -> &'static str {
    match value {
        Value::String(_) => "string",
        Value::Number(number) if number.is_u64() => "integer",
        Value::Object(_) => "object",
        Value::Array(_) => "array",
        _ => "other",
    }
}

/// The members and their types, sorted.
fn types(object: &Value) -> Vec<(String, &'static str)> {
    let members = object.as_object().unwrap().iter();
    let mut types: Vec<_> = members.map(|(n, v)| (n.clone(), type_of(v))).collect();
    types.sort();
    types
}

fn documented(members: &[(&str, &'static str)]) -> Vec<(String, &'static str)> {
    let mut types: Vec<_> = members.iter().map(|(n, t)| ((*n).to_owned(), *t)).collect();
    types.sort();
    types
}

/// Text as it is signed: a number's digits, a string's characters.
fn text(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

#[track_caller]
fn assert_signed(values: &[String], signature: &Value) {
    let message = values.join("\u{2063}");
    let der = STANDARD.decode(signature.as_str().unwrap()).unwrap();
    let signature = Signature::from_der(&der).unwrap();
    let public = key().public_key();
    let verdict = public
        .verifying_key()
        .verify(message.as_bytes(), &signature);
    assert!(verdict.is_ok(), "{message}");
}

/// The claims of a token whose signature is good.
#[track_caller]
fn claims(token: &Value) -> Value {
    let token = token.as_str().unwrap();
    let (input, signature) = token.rsplit_once('.').unwrap();
    let signature = URL_SAFE_NO_PAD.decode(signature).unwrap();
    if signature.len() == 64 {
        let signature = Signature::from_slice(&signature).unwrap();
        let public = key().public_key();
        let verdict = public.verifying_key().verify(input.as_bytes(), &signature);
        assert!(verdict.is_ok(), "{token}");
    } else {
        assert!(Hs256::new(&[SECRET.as_bytes()]).verify(input.as_bytes(), &signature));
    }
    let payload = URL_SAFE_NO_PAD
        .decode(input.split_once('.').unwrap().1)
        .unwrap();
    serde_json::from_slice(&payload).unwrap()
}

/// Apple, StoreKit: the constants with their types and versions.
const PRODUCT_PARAMETERS: &[(&str, &str, &[&str])] = &[
    (
        "SKStoreProductParameterITunesItemIdentifier",
        "integer",
        ALL,
    ),
    ("SKStoreProductParameterAdNetworkIdentifier", "string", ALL),
    ("SKStoreProductParameterAdNetworkVersion", "string", FROM_2),
    (
        "SKStoreProductParameterAdNetworkCampaignIdentifier",
        "integer",
        &["1.0", "2.0", "2.1", "2.2", "3.0"],
    ),
    (
        "SKStoreProductParameterAdNetworkSourceIdentifier",
        "integer",
        &["4.0"],
    ),
    ("SKStoreProductParameterAdNetworkNonce", "string", ALL),
    (
        "SKStoreProductParameterAdNetworkSourceAppStoreIdentifier",
        "integer",
        FROM_2,
    ),
    ("SKStoreProductParameterAdNetworkTimestamp", "integer", ALL),
    (
        "SKStoreProductParameterAdNetworkAttributionSignature",
        "string",
        ALL,
    ),
];
const ALL: &[&str] = &["1.0", "2.0", "2.1", "2.2", "3.0", "4.0"];
const FROM_2: &[&str] = &["2.0", "2.1", "2.2", "3.0", "4.0"];

#[test]
fn the_product_sheet_gets_its_documented_parameters_in_every_version() {
    for version in ALL {
        let object = sign("skan-storekit", "native", &row("skan-storekit", version));
        let of = PRODUCT_PARAMETERS
            .iter()
            .filter(|(_, _, of)| of.contains(version));
        let members: Vec<_> = of.map(|(name, kind, _)| (*name, *kind)).collect();
        assert_eq!(types(&object), documented(&members), "{version}");

        let get = |name: &str| text(&object[format!("SKStoreProductParameter{name}")]);
        let campaign = match *version {
            "4.0" => get("AdNetworkSourceIdentifier"),
            _ => get("AdNetworkCampaignIdentifier"),
        };
        let network = get("AdNetworkIdentifier");
        let (item, nonce) = (get("ITunesItemIdentifier"), get("AdNetworkNonce"));
        let (time, source) = (
            get("AdNetworkTimestamp"),
            get("AdNetworkSourceAppStoreIdentifier"),
        );
        let version_is = || get("AdNetworkVersion");
        let values = match *version {
            "1.0" => vec![network, campaign, item, nonce, time],
            "2.0" | "2.1" => vec![version_is(), network, campaign, item, nonce, source, time],
            _ => {
                let fidelity = "1".to_owned();
                vec![
                    version_is(),
                    network,
                    campaign,
                    item,
                    nonce,
                    source,
                    fidelity,
                    time,
                ]
            }
        };
        let signature = &object["SKStoreProductParameterAdNetworkAttributionSignature"];
        assert_signed(&values, signature);
    }
}

#[test]
fn an_ad_impression_has_its_documented_properties_in_every_version() {
    for version in ["2.2", "3.0", "4.0"] {
        let mut row = row("skan-view", version);
        let campaign = match version {
            "4.0" => "sourceIdentifier",
            _ => "adCampaignIdentifier",
        };
        let mut members = vec![
            ("version", "string"),
            ("adNetworkIdentifier", "string"),
            (campaign, "integer"),
            ("advertisedAppStoreItemIdentifier", "integer"),
            ("adImpressionIdentifier", "string"),
            ("sourceAppStoreItemIdentifier", "integer"),
            ("timestamp", "integer"),
            ("signature", "string"),
        ];
        let object = sign("skan-view", "native", &row);
        assert_eq!(types(&object), documented(&members), "{version}");
        let order = [
            "version",
            "adNetworkIdentifier",
            campaign,
            "advertisedAppStoreItemIdentifier",
            "adImpressionIdentifier",
            "sourceAppStoreItemIdentifier",
        ];
        let mut values: Vec<String> = order.iter().map(|name| text(&object[name])).collect();
        values.extend(["0".into(), text(&object["timestamp"])]);
        assert_signed(&values, &object["signature"]);

        for name in ["adType", "adDescription", "adPurchaserName"] {
            row[name] = json!("Zoë \"& Co\"");
            members.push((name, "string"));
        }
        let with = sign("skan-view", "native", &row);
        assert_eq!(types(&with), documented(&members), "{version}");
        assert_eq!(with["adType"], "Zoë \"& Co\"");
        assert_eq!(with["signature"], object["signature"]);
    }
}

#[track_caller]
fn assert_web_response(response: &Value) {
    let members = [
        ("version", "string"),
        ("ad_network_id", "string"),
        ("source_identifier", "integer"),
        ("itunes_item_id", "integer"),
        ("nonce", "string"),
        ("source_domain", "string"),
        ("timestamp", "integer"),
        ("signature", "string"),
    ];
    assert_eq!(types(response), documented(&members));
    let mut values: Vec<String> = members[..6]
        .iter()
        .map(|(name, _)| text(&response[name]))
        .collect();
    values.extend(["1".into(), text(&response["timestamp"])]);
    assert_signed(&values, &response["signature"]);
}

#[test]
fn a_web_ad_gets_its_response_and_its_bundle() {
    assert_web_response(&sign("skan-web", "native", &row("skan-web", "")));
    let bundle = sign(
        "skan-web",
        "web-bundle",
        &row_for("skan-web", "", "web-bundle"),
    );
    let response = &bundle["response"];
    assert_web_response(response);
    let nonce = bundle["source_nonce"].as_str().unwrap();
    let bytes = URL_SAFE_NO_PAD.decode(nonce).unwrap();
    let uuid = uuid::Uuid::from_slice(&bytes).unwrap().to_string();
    assert_eq!(response["nonce"], uuid.as_str());
    assert_eq!(bundle["source_domain"], response["source_domain"]);
    let link = format!(
        "<a href=\"https://apps.apple.com/app/id525463029\" \
         attributionDestination=\"https://adnetwork.example\" attributionSourceNonce=\"{nonce}\"></a>"
    );
    assert_eq!(bundle["link"], link.as_str());
    assert_eq!(nonce.len(), 22);
}

#[test]
fn an_adattributionkit_impression_is_its_token_and_what_it_is_found_by() {
    let mut given = row("aak-impression", "");
    given["reengagement_url"] = json!("https://example.com/back?a=1&b=2");
    given["eligible-for-re-engagement"] = json!(true);
    let object = sign("aak-impression", "native", &given);
    let members = [
        ("jws", "string"),
        ("impression_identifier", "string"),
        ("advertised_item_identifier", "integer"),
        ("publisher_item_identifier", "integer"),
        ("source_identifier", "integer"),
        ("timestamp", "integer"),
        ("reengagement_url", "string"),
    ];
    assert_eq!(types(&object), documented(&members));
    let token = claims(&object["jws"]);
    for (own, claim) in [
        ("impression_identifier", "impression-identifier"),
        ("advertised_item_identifier", "advertised-item-identifier"),
        ("publisher_item_identifier", "publisher-item-identifier"),
        ("source_identifier", "source-identifier"),
        ("timestamp", "timestamp"),
    ] {
        assert_eq!(object[own], token[claim], "{own}");
    }
    assert!(token.get("reengagement_url").is_none());

    for (shape, name) in [
        ("openrtb-draft", "adattributionkit"),
        ("openrtb-draft-aakn", "aakn"),
    ] {
        given["cpp"] = json!("page");
        let object = sign("aak-impression", shape, &given);
        assert_eq!(types(&object), documented(&[(name, "object")]));
        let members = [
            ("jwt", "string"),
            ("version", "string"),
            ("itunesitem", "string"),
            ("cpp", "string"),
            ("reengagementurl", "string"),
        ];
        assert_eq!(types(&object[name]), documented(&members));
        assert_eq!(object[name]["itunesitem"], "18446744073709551615");
        assert_eq!(object[name]["version"], "1.0");
        claims(&object[name]["jwt"]);
    }
}

#[test]
fn app_store_tokens_stand_where_the_app_takes_them() {
    let offer = sign("appstore-promo-v2", "native", &row("appstore-promo-v2", ""));
    let members = [("offerID", "string"), ("compactJWS", "string")];
    assert_eq!(types(&offer), documented(&members));
    assert_eq!(
        claims(&offer["compactJWS"])["offerIdentifier"],
        offer["offerID"]
    );

    let intro = sign("appstore-intro", "native", &row("appstore-intro", ""));
    assert_eq!(types(&intro), documented(&[("compactJWS", "string")]));
    claims(&intro["compactJWS"]);

    let id = "appstore-advanced-commerce";
    let commerce = sign(id, "native", &row(id, ""));
    assert_eq!(types(&commerce), documented(&[("signatureInfo", "object")]));
    let info = &commerce["signatureInfo"];
    assert_eq!(types(info), documented(&[("token", "string")]));
    claims(&info["token"]);

    let token = sign("impact-user-jwt", "native", &row("impact-user-jwt", ""));
    let user = claims(&token["impactToken"]);
    assert_eq!(user["user"]["id"], token["id"]);
    assert_eq!(user["user"]["accountId"], token["accountId"]);
    assert_eq!(user["exp"], token["exp"]);
}

#[test]
fn an_original_offer_names_a_token_exactly_where_one_was_signed() {
    let base = [
        ("keyIdentifier", "string"),
        ("nonce", "string"),
        ("timestamp", "integer"),
        ("signature", "string"),
        ("offerIdentifier", "string"),
        ("productIdentifier", "string"),
    ];
    for (given, name) in [
        (json!(TOKEN.to_uppercase()), Some("appAccountToken")),
        (json!("Jane Doe"), Some("applicationUsername")),
        (json!(null), None),
    ] {
        let mut row = row("appstore-promo-v1", "");
        row["appAccountToken"] = given.clone();
        let object = sign("appstore-promo-v1", "native", &row);
        let mut members = base.to_vec();
        members.extend(name.map(|name| (name, "string")));
        assert_eq!(types(&object), documented(&members));
        let token = name.map_or(String::new(), |name| text(&object[name]));
        assert_eq!(token, given.as_str().unwrap_or_default().to_lowercase());
        let values = [
            "com.example.App".to_owned(),
            text(&object["keyIdentifier"]),
            text(&object["productIdentifier"]),
            text(&object["offerIdentifier"]),
            token,
            text(&object["nonce"]),
            text(&object["timestamp"]),
        ];
        assert_signed(&values, &object["signature"]);
    }
}

#[test]
fn retention_messages_are_answered_for_both_kinds_of_offer() {
    let answer = |id: &str, row: &Value| {
        let object = sign(id, "retention", row);
        assert_eq!(
            types(&object),
            documented(&[("promotionalOffer", "object")])
        );
        assert_eq!(object["promotionalOffer"]["messageIdentifier"], MESSAGE);
        object["promotionalOffer"].clone()
    };
    let offer = answer(
        "appstore-promo-v2",
        &row_for("appstore-promo-v2", "", "retention"),
    );
    assert_eq!(
        types(&offer),
        documented(&[
            ("messageIdentifier", "string"),
            ("promotionalOfferSignatureV2", "string")
        ])
    );
    assert!(claims(&offer["promotionalOfferSignatureV2"])["transactionId"].is_string());

    for token in [json!(TOKEN), json!("")] {
        let mut row = row_for("appstore-promo-v1", "", "retention");
        row["appAccountToken"] = token.clone();
        let offer = answer("appstore-promo-v1", &row);
        let own = &offer["promotionalOfferSignatureV1"];
        let mut members = vec![
            ("encodedSignature", "string"),
            ("productId", "string"),
            ("nonce", "string"),
            ("timestamp", "integer"),
            ("keyId", "string"),
            ("offerIdentifier", "string"),
        ];
        members.extend((token != "").then_some(("appAccountToken", "string")));
        assert_eq!(types(own), documented(&members));
        let mut values = vec!["com.example.App".to_owned()];
        values.extend(["keyId", "productId", "offerIdentifier"].map(|name| text(&own[name])));
        values.push(token.as_str().unwrap().to_owned());
        values.extend(["nonce", "timestamp"].map(|name| text(&own[name])));
        assert_signed(&values, &own["encodedSignature"]);
    }
}

fn skadn_schema() -> jsonschema::Validator {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/shapes/skadn.schema.json");
    let schema = serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap();
    jsonschema::draft202012::new(&schema).unwrap()
}

/// Verifies every signature of a skadn object from its own strings.
fn assert_skadn(skadn: &Value) {
    let get = |name: &str| text(&skadn[name]);
    let campaign = match skadn["version"].as_str().unwrap() {
        "4.0" => get("sourceidentifier"),
        _ => get("campaign"),
    };
    let head = [get("version"), get("network"), campaign, get("itunesitem")];
    let Some(fidelities) = skadn.get("fidelities") else {
        let mut values = head.to_vec();
        values.extend([get("nonce"), get("sourceapp"), get("timestamp")]);
        return assert_signed(&values, &skadn["signature"]);
    };
    for own in fidelities.as_array().unwrap() {
        let mut values = head.to_vec();
        values.extend([
            text(&own["nonce"]),
            get("sourceapp"),
            text(&own["fidelity"]),
        ]);
        values.push(text(&own["timestamp"]));
        assert_signed(&values, &own["signature"]);
    }
}

#[test]
fn openrtb_objects_pass_a_schema_written_from_the_iab_text() {
    let schema = skadn_schema();
    let mut seen = 0;
    each_shape(|format, shape, version| {
        if shape.name != "openrtb" {
            return;
        }
        let mut row = row(format.id, version);
        for overlay in [
            json!(null),
            json!({"delay": 5, "endcarddelay": 1, "dismissible": 1, "pos": 0}),
        ] {
            row["skoverlay"] = overlay.clone();
            row["productpageid"] = json!("page \"1\"");
            let object = sign(format.id, "openrtb", &row);
            let errors: Vec<_> = schema.iter_errors(&object).map(|e| e.to_string()).collect();
            assert!(errors.is_empty(), "{object}\n{errors:?}");
            assert_skadn(&object["skadn"]);
            let had = object["skadn"]
                .get("skoverlay")
                .cloned()
                .unwrap_or(Value::Null);
            assert_eq!(had, overlay);
            seen += 1;
        }
    });
    assert_eq!(seen, 2 * (5 + 3));
}

/// One row signed for several formats into one line, as a run would.
fn join(formats: &[(&str, &str)], row: &Value, keep: &[&str], copy: u64) -> String {
    let all: Vec<Rules> = formats
        .iter()
        .map(|(id, shape)| {
            let mut settings = rules_keeping(id, shape, keep).settings().clone();
            settings.ignore_unknown = true;
            if let Some((field, _)) = settings
                .format
                .field("advertised-item-identifier")
                .map(|f| (f.1.name, 0))
            {
                settings.maps = vec![
                    (field.into(), "itunes-item-id".into()),
                    ("publisher-item-identifier".into(), "source-app-id".into()),
                    ("ad-network-identifier".into(), "ad-network-id".into()),
                ];
            }
            Rules::new(settings).unwrap()
        })
        .collect();
    let parts: Vec<_> = all
        .iter()
        .map(|rules| {
            (
                rules.format(),
                rules.shape().unwrap(),
                rules.format().newest(),
            )
        })
        .collect();
    check_joined(&parts).unwrap();
    let stamps = Stamps::new(&key().scalar(), "shapes");
    let recipes: Vec<Recipes> = all
        .iter()
        .map(|rules| Recipes::new(rules.format()))
        .collect();
    let mut records = Vec::new();
    for rules in &all {
        let mut own = Records::for_rules(rules);
        let mut problems = Vec::new();
        let text = row.to_string();
        let plan = Plan::for_members(rules);
        let read = plan.check_json(
            text.as_bytes(),
            1,
            &mut own,
            &mut problems,
            &mut Tally::default(),
        );
        assert_eq!(read, Outcome::Record, "{problems:?}");
        records.push(own);
    }
    let mut made = Vec::new();
    for (recipes, records) in recipes.iter().zip(&records) {
        let record = records.get(0);
        let derived = recipes.derive(&stamps, &record, copy);
        let (mut members, mut message) = (Vec::new(), Vec::new());
        recipes.write_members(&record, &derived, &mut members);
        let mut scratch = Scratch::default();
        recipes.write_signing_input(&record, &derived, &members, &mut scratch, &mut message);
        let signature: Signature = key().ecdsa().sign(&message);
        made.push((derived, members, message, signature.to_bytes()));
    }
    let group: Vec<(&Recipes, Signed<'_>)> = recipes
        .iter()
        .zip(&records)
        .zip(&made)
        .map(
            |((recipes, records), (derived, members, message, signature))| {
                let signed = Signed {
                    record: records.get(0),
                    derived,
                    members,
                    message,
                    signature,
                };
                (recipes, signed)
            },
        )
        .collect();
    let all: Vec<&Rules> = all.iter().collect();
    let mut out = Vec::new();
    Envelope::joined(&all)
        .unwrap()
        .write_group(&group, &mut out);
    String::from_utf8(out).unwrap()
}

const BOTH: &[(&str, &str)] = &[("skan-view", "openrtb"), ("skan-storekit", "openrtb")];

#[test]
fn both_fidelities_of_a_row_stand_in_one_object_each_with_a_nonce_of_its_own() {
    let row = row("skan-view", "4.0");
    for formats in [BOTH, &[BOTH[1], BOTH[0]][..]] {
        let line = join(formats, &row, &[], 0);
        let object: Value = serde_json::from_str(&line).unwrap();
        assert!(skadn_schema().is_valid(&object), "{object}");
        assert_skadn(&object["skadn"]);
        let own = object["skadn"]["fidelities"].as_array().unwrap();
        let fidelities: Vec<_> = own
            .iter()
            .map(|own| own["fidelity"].as_u64().unwrap())
            .collect();
        let wanted: Vec<u64> = formats
            .iter()
            .map(|(id, _)| u64::from(*id == "skan-storekit"))
            .collect();
        assert_eq!(fidelities, wanted, "in the order of the formats");
        assert_ne!(own[0]["nonce"], own[1]["nonce"]);
        for (id, shape) in formats {
            let schema = schema::shape(format(id), format(id).shape(shape).unwrap());
            let validator = jsonschema::draft202012::new(&schema).unwrap();
            assert!(validator.is_valid(&object), "{id}");
        }
        assert_eq!(findings(&line, Alg::Es256, &[]), (1, 2, vec![]));
    }
}

#[test]
fn the_draft_joins_the_fidelities_and_the_token() {
    let mut row = row("skan-view", "4.0");
    row["bid"] = json!("b-1");
    let formats = [
        ("skan-view", "openrtb-draft"),
        ("aak-impression", "openrtb-draft"),
        ("skan-storekit", "openrtb-draft"),
    ];
    let line = join(&formats, &row, &["bid"], 0);
    let object: Value = serde_json::from_str(&line).unwrap();
    assert!(
        line.starts_with("{\"bid\":\"b-1\",\"object\":{\"skadn\":"),
        "{line}"
    );
    let ext = &object["object"];
    assert_skadn(&ext["skadn"]);
    assert_eq!(ext["skadn"]["fidelities"].as_array().unwrap().len(), 2);
    claims(&ext["adattributionkit"]["jwt"]);
    assert_eq!(findings(&line, Alg::Es256, &[]), (1, 3, vec![]));
}

#[test]
fn what_cannot_stand_in_one_object_is_refused() {
    let part = |id: &str, shape: &str, version: &str| {
        let format = format(id);
        let layout = format.layout(version).unwrap_or(format.newest());
        (format, format.shape(shape).unwrap(), layout)
    };
    let view = part("skan-view", "openrtb", "3.0");
    let table = [
        (part("skan-storekit", "openrtb", "2.0"), "versions"),
        (part("skan-storekit", "openrtb", "4.0"), "versions"),
        (part("skan-view", "openrtb", "3.0"), "twice"),
        (part("skan-storekit", "native", "3.0"), "one record"),
    ];
    for (other, why) in table {
        let refused = check_joined(&[view, other]).unwrap_err();
        assert!(refused.contains(why), "{refused}");
    }
    assert_eq!(
        check_joined(&[view, part("skan-storekit", "openrtb", "3.0")]),
        Ok(())
    );
    assert_eq!(
        check_joined(&[part("skan-storekit", "native", "3.0")]),
        Ok(())
    );
}

/// Lines and signatures read, and everything found.
fn findings(text: &str, alg: Alg, known: &[(String, String)]) -> (u64, u64, Vec<String>) {
    let folder = tempfile::tempdir().unwrap();
    let path: PathBuf = folder.path().join("signed.ndjson");
    std::fs::write(&path, text).unwrap();
    let verifier: Box<dyn Verifier> = match alg {
        Alg::Es256 => Box::new(P256Verifier::new(*key().public_key().verifying_key())),
        Alg::Hs256 => Box::new(Hs256::new(&[SECRET.as_bytes()])),
    };
    let check = Check {
        inputs: &[Input {
            origin: Origin::File(path),
            dialect: Dialect::Ndjson,
        }],
        keys: &Keys::one(alg, verifier.as_ref()),
        format: None,
        shape: None,
        known,
        threads: 1,
        nonces_in_memory: 1000,
    };
    let mut all = Vec::new();
    let verdict = verify::run(&check, |bad| {
        let found = bad.findings.iter();
        all.extend(found.map(|finding| format!("{} {}", finding.field, finding.says)));
    })
    .unwrap();
    assert_eq!(verdict.bad > 0, !all.is_empty());
    (verdict.records, verdict.signatures, all)
}

fn bundle_id() -> Vec<(String, String)> {
    vec![("appBundleId".into(), "com.example.App".into())]
}

#[test]
fn every_object_is_known_by_itself_and_verifies() {
    let mut lines = String::new();
    let mut count = 0;
    each_shape(|format, shape, version| {
        let row = row_for(format.id, version, shape.name);
        let line = sign_by(&rules(format.id, shape.name), &row);
        assert_eq!(
            findings(&line, format.alg(), &bundle_id()),
            (1, 1, vec![]),
            "{line}"
        );
        // The shapes of one format have the same nonce: what is signed is the same.
        if format.alg() == Alg::Es256 && version != "1.0" {
            let line = line.replace("{\"", " { \"");
            if shape.name == "native" {
                lines.push_str(&line);
                count += 1;
            }
        }
    });
    assert_eq!(
        findings(&lines, Alg::Es256, &bundle_id()),
        (count, count, vec![])
    );
}

/// Every value in an object: a pointer to it.
fn leaves(value: &Value, path: String, all: &mut Vec<String>) {
    match value {
        Value::Object(members) => {
            for (name, value) in members {
                leaves(value, format!("{path}/{name}"), all);
            }
        }
        Value::Array(elements) => {
            for (at, value) in elements.iter().enumerate() {
                leaves(value, format!("{path}/{at}"), all);
            }
        }
        _ => all.push(path),
    }
}

#[test]
fn no_member_can_change_its_type_its_value_or_its_place_unseen() {
    each_shape(|format, shape, version| {
        let (id, alg) = (format.id, format.alg());
        let object = sign(id, shape.name, &row_for(id, version, shape.name));
        let schema = jsonschema::draft202012::new(&schema::shape(format, shape)).unwrap();
        assert!(schema.is_valid(&object), "{object}");
        let mut all = Vec::new();
        leaves(&object, String::new(), &mut all);
        let seen = |changed: &Value, what: &str| {
            let line = format!("{changed}\n");
            let (_, _, found) = findings(&line, alg, &bundle_id());
            assert!(
                !found.is_empty(),
                "{id} {} {version}: {what} {changed}",
                shape.name
            );
        };
        for path in all {
            let old = object.pointer(&path).unwrap().clone();
            let (holder, name) = path.rsplit_once('/').unwrap();
            let mut other = object.clone();
            *other.pointer_mut(&path).unwrap() = match &old {
                Value::String(text) => text.parse::<u64>().map_or(json!(7), |n| json!(n)),
                value => json!(value.to_string()),
            };
            seen(&other, "another type");
            assert!(!schema.is_valid(&other), "{other}");

            let mut gone = object.clone();
            gone.pointer_mut(holder)
                .unwrap()
                .as_object_mut()
                .unwrap()
                .remove(name);
            seen(&gone, "nothing");

            // What is not signed may be anything that is sound.
            let unsigned = format.unsigned.iter().any(|field| field.name == name);
            if unsigned || name == "itunesitem" && shape.name.contains("draft") {
                continue;
            }
            let mut other = object.clone();
            *other.pointer_mut(&path).unwrap() = match &old {
                Value::String(text) => json!(swapped(text)),
                Value::Number(number) => json!(number.as_u64().unwrap() ^ 1),
                other => panic!("{other}"),
            };
            seen(&other, "another value");
        }
        let mut more = object.clone();
        more["more"] = json!(1);
        assert!(!schema.is_valid(&more));
        seen(&more, "one member more");
    });
}

/// The same text with its last letter or digit exchanged.
fn swapped(text: &str) -> String {
    let at = text.rfind(|c: char| c.is_ascii_alphanumeric()).unwrap();
    let new = if &text[at..=at] == "1" { "2" } else { "1" };
    // The last character of base64 may carry bits that mean nothing.
    let at = if text.len() > 60 { text.len() / 2 } else { at };
    let new = if &text[at..=at] == new { "3" } else { new };
    format!("{}{new}{}", &text[..at], &text[at + 1..])
}

#[test]
fn a_nonce_that_two_fidelities_share_is_found() {
    let mut row = row("skan-view", "4.0");
    row["nonce"] = json!("69ef8a07-7ab1-4ba9-a07e-9b1c8ad8b1f0");
    let line = join(BOTH, &row, &[], 0);
    let (records, signatures, found) = findings(&line, Alg::Es256, &[]);
    assert_eq!((records, signatures), (1, 2));
    assert!(
        matches!(&found[..], [one] if one.starts_with("nonce stands already")),
        "{found:?}"
    );
}

#[test]
fn copies_of_a_joined_object_share_no_nonce() {
    let row = row("skan-view", "4.0");
    let lines: Vec<String> = (0..20).map(|copy| join(BOTH, &row, &[], copy)).collect();
    let mut nonces = HashSet::new();
    for line in &lines {
        let object: Value = serde_json::from_str(line).unwrap();
        for own in object["skadn"]["fidelities"].as_array().unwrap() {
            assert!(nonces.insert(text(&own["nonce"])));
        }
    }
    assert_eq!(findings(&lines.concat(), Alg::Es256, &[]), (20, 40, vec![]));
}

#[test]
fn a_shape_changes_no_signature_and_unsigned_fields_change_no_nonce() {
    each_shape(|format, shape, version| {
        let result = format.newest().result();
        let record = sign(format.id, "record", &row(format.id, version));
        let line = sign_by(
            &rules(format.id, shape.name),
            &row_for(format.id, version, shape.name),
        );
        assert!(line.contains(record[result].as_str().unwrap()), "{line}");
    });
}

#[test]
fn an_offer_verifies_where_the_bundle_id_is_known() {
    let row = row("appstore-promo-v1", "");
    let line = sign_by(&rules("appstore-promo-v1", "native"), &row);
    let (_, _, found) = findings(&line, Alg::Es256, &[]);
    assert!(
        found[0].starts_with("appBundleId is signed, and not in the object"),
        "{found:?}"
    );
    let kept = rules_keeping("appstore-promo-v1", "native", &["appBundleId"]);
    let line = sign_by(&kept, &row);
    assert!(line.starts_with(r#"{"appBundleId":"com.example.App","object":{"keyIdentifier""#));
    assert_eq!(findings(&line, Alg::Es256, &[]), (1, 1, vec![]));
    let other = line.replace("com.example.App", "com.example.app");
    let (_, _, found) = findings(&other, Alg::Es256, &[]);
    assert_eq!(found, ["signature does not verify under this key"]);
}

#[test]
fn an_object_with_a_hundred_thousand_elements_is_refused_at_once() {
    let line = join(BOTH, &row("skan-view", "4.0"), &[], 0);
    let mut object: Value = serde_json::from_str(&line).unwrap();
    let own = object["skadn"]["fidelities"].as_array_mut().unwrap();
    own.resize(100_000, json!({}));
    let started = std::time::Instant::now();
    let (_, signatures, found) = findings(&object.to_string(), Alg::Es256, &[]);
    assert!(started.elapsed().as_secs() < 10);
    assert_eq!(signatures, 2);
    assert_eq!(found, ["skadn has 100000 signatures, 2 at most"]);
}

#[test]
fn a_finding_names_the_path_to_what_is_wrong() {
    let line = join(BOTH, &row("skan-view", "4.0"), &[], 0);
    let mut object: Value = serde_json::from_str(&line).unwrap();
    object["skadn"]["itunesitem"] = json!(10738027756_u64);
    object["skadn"]["campaign"] = json!("42");
    object["skadn"]["fidelities"][1]["timestamp"] = json!(NOW);
    let (_, _, found) = findings(&object.to_string(), Alg::Es256, &[]);
    let wanted = [
        "skadn.campaign is no member of version 4.0",
        "skadn.itunesitem is a number, not a string",
        "skadn.fidelities[1].timestamp is a number, not a string",
    ];
    for wanted in wanted {
        let times = found.iter().filter(|found| *found == wanted).count();
        assert_eq!(times, 1, "{wanted}: {found:?}");
    }
}

fn example(id: &str) -> String {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let path = root.join("examples/data").join(format!("{id}.ndjson"));
    std::fs::read_to_string(path).unwrap()
}

/// The arguments that sign a format's example rows in a shape.
fn arguments(format: &Format, shape: &Shape) -> String {
    let key = match format.alg() {
        Alg::Es256 => "-k key.pem",
        Alg::Hs256 => "--secret-file secret.txt",
    };
    let mut line = format!(
        "sign -f {} {key} rows.ndjson --shape {}",
        format.id, shape.name
    );
    if format.key_id().is_some() {
        line.push_str(" --key-id 2X9R4HXF34");
    }
    match shape.name {
        "web-bundle" => line.push_str(" --set attributionDestination=https://adnetwork.example"),
        "retention" => line.push_str(&format!(" --set messageIdentifier={MESSAGE}")),
        _ => {}
    }
    if format.id == "appstore-promo-v1" {
        line.push_str(" --keep appBundleId");
    }
    line
}

#[test]
fn whole_runs_verify_with_their_manifest_in_every_shape() {
    for format in FORMATS {
        for shape in format.shapes {
            let workdir = Workdir::new();
            workdir.write("rows.ndjson", example(format.id));
            let sign = format!("{} -o out.ndjson --max-rejects 3", arguments(format, shape));
            workdir.run(&sign).exit(0);
            let key = match format.alg() {
                Alg::Es256 => "--public-key pub.pem",
                Alg::Hs256 => "--secret-file secret.txt",
            };
            let verify = format!("verify --manifest out.ndjson.manifest.json {key}");
            workdir.run(&verify).exit(0).says("in order, nothing twice");
            let manifest: Value =
                serde_json::from_str(&workdir.text("out.ndjson.manifest.json")).unwrap();
            assert_eq!(manifest["settings"]["shape"], shape.name);
            workdir
                .run("inspect out.ndjson")
                .exit(0)
                .prints(&format!(" of {}", format.id));

            // A line that is exchanged for another of the same row is no loss;
            // one whose value is another row's is.
            let lines = workdir.lines("out.ndjson");
            if lines.len() > 2 {
                let last = lines.len() - 1;
                let mut damaged = lines.clone();
                damaged.swap(0, last);
                workdir.write("out.ndjson", damaged.join("\n") + "\n");
                workdir.run(&verify).exit(7);
            }
        }
    }
}

#[test]
fn what_a_shape_cannot_be_is_refused_before_any_row() {
    let workdir = Workdir::new();
    workdir.write("rows.ndjson", example("skan-storekit"));
    let sign = |rest: &str| format!("sign -k key.pem rows.ndjson -f skan-storekit {rest}");
    let table = [
        (
            "--shape openrtb -o out.csv",
            "do not fit into the columns of a table",
            ".ndjson",
        ),
        (
            "--shape retention -o out.ndjson",
            "has no shape \"retention\"",
            "--shape",
        ),
        (
            "--shape openrtb -o out.ndjson --keep object",
            "\"object\"",
            "rename",
        ),
        (
            "--shape openrtb -o out.ndjson --set adType=banner",
            "adType",
            "formats",
        ),
        (
            "--shape openrtb -o out.ndjson --set skoverlay={\"pos\":2}",
            "skoverlay",
            "",
        ),
    ];
    for (rest, says, hint) in table {
        let run = workdir.run_args(&sign(rest).split(' ').collect::<Vec<_>>());
        run.exit(2).says(says);
        if !hint.is_empty() {
            run.expect(run.hint().contains(hint), hint);
        }
    }
    let old = "sign -k key.pem rows.ndjson -f skan-storekit@1.0 --shape openrtb -o out.ndjson";
    workdir
        .run(old)
        .exit(2)
        .says("version 1.0 of skan-storekit has no shape \"openrtb\"");
    assert!(!workdir.exists("out.ndjson"));
    workdir
        .run("schema skan-view --shape web-bundle")
        .exit(2)
        .says("has no shape");
    workdir
        .run("schema skan-view --shape native")
        .exit(0)
        .prints("adImpressionIdentifier");
    workdir
        .run("formats skan-view")
        .exit(0)
        .prints("SHAPES")
        .prints("adPurchaserName");
    workdir
        .run("verify x --shape nothing --public-key pub.pem")
        .exit(2)
        .says("no shape");
}

#[test]
fn rows_bring_what_their_shape_needs_or_are_rejected() {
    let workdir = Workdir::new();
    let good = row_for("skan-web", "", "web-bundle");
    let with = |name: &str, value: Value| {
        let mut row = good.clone();
        row[name] = value;
        format!("{row}\n")
    };
    let rows = [
        with("attributionDestination", json!(null)),
        with("attributionDestination", json!("adnetwork.example")),
        with(
            "attributionDestination",
            json!("https://adnetwork.example/\"><script>"),
        ),
        with("attributionDestination", json!(7)),
        format!("{good}\n"),
    ];
    workdir.write("rows.ndjson", rows.concat());
    let run = "sign -f skan-web -k key.pem rows.ndjson --shape web-bundle -o out.ndjson";
    workdir.run(run).exit(1);
    assert_eq!(workdir.lines("out.ndjson").len(), 1);
    let codes: Vec<Value> = workdir
        .json("out.rejects.ndjson")
        .iter()
        .map(|reject| reject["problems"][0]["code"].clone())
        .collect();
    assert_eq!(codes, ["missing", "bad_text", "bad_text", "wrong_type"]);
    // Without the shape nothing has that name.
    let run = "sign -f skan-web -k key.pem rows.ndjson -o flat.ndjson";
    workdir.run(run).exit(1);
    let rejects = workdir.json("flat.rejects.ndjson");
    assert!(
        rejects
            .iter()
            .all(|reject| reject["problems"][0]["code"] == "unknown_field")
    );

    // A version without the shape is the row's own problem.
    workdir.write("old.ndjson", format!("{}\n", row("skan-storekit", "1.0")));
    let run = "sign -f skan-storekit -k key.pem old.ndjson --shape openrtb -o old-out.ndjson";
    workdir.run(run).exit(1);
    let rejects = workdir.json("old-out.rejects.ndjson");
    assert_eq!(rejects[0]["problems"][0]["code"], "unknown_version");
}

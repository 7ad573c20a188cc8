//! `inspect`: everything the program writes is known for what it is, with the
//! exact bytes that were signed; what is suspicious is said, and nothing of
//! what is not.

#![allow(clippy::unwrap_used)]

mod workdir;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use campaign_signer::engine::ENGINES;
use campaign_signer::format::{Alg, FORMATS, Format, Layout, Shape, Signing, Source};
use campaign_signer::inspect::{Entry, Item, inspect, read};
use campaign_signer::key::{Secret, SigningKey};
use campaign_signer::pipeline::Signer;
use campaign_signer::record::{Rules, Settings};
use hmac::{Hmac, KeyInit, Mac};
use p256::ecdsa::Signature;
use p256::ecdsa::signature::{Signer as _, Verifier as _};
use serde_json::{Map, Value, json};

use workdir::{SECRET, Workdir, example_row, key_data, token};

const NOW: u64 = 1_790_000_000_000;

fn key() -> SigningKey {
    SigningKey::from_bytes(&key_data("p256.pkcs8.pem")).unwrap()
}

/// A clean record of a format: flat, or of a shape.
fn signed(format: &'static Format, layout: &'static Layout, shape: Option<&Shape>) -> String {
    let mut members = example_row(format, layout.version);
    if let Some(shape) = shape {
        let own = format.unsigned.iter().filter(|field| {
            field.source == Source::Required && shape.uses(format, layout, field.name)
        });
        members.extend(own.map(|field| (field.name, field.example.to_owned())));
        for name in shape.demands {
            let (_, field) = format.any_field(name).unwrap();
            members.push((name, field.example.to_owned()));
        }
    }
    let mut row = Map::new();
    for (name, text) in members {
        let token = match format.field(name) {
            Some(_) => token(format, name, &text),
            None => Value::from(text).to_string(),
        };
        row.insert(name.to_owned(), serde_json::from_str(&token).unwrap());
    }
    let mut settings = Settings::new(format, NOW);
    settings.key_id = format.key_id().map(|_| "2X9R4HXF34".to_owned());
    settings.version = layout.version.map(str::to_owned);
    if let Some(shape) = shape {
        settings.shape = shape.name.to_owned();
    }
    let rules = Rules::new(settings).unwrap();
    let signer = match format.alg() {
        Alg::Es256 => Signer::es256(&key(), &ENGINES[0], "inspect"),
        Alg::Hs256 => Signer::hs256(&Secret::from_bytes(SECRET.as_bytes()).unwrap()),
    };
    let line = signer
        .sign_row(&rules, &Value::from(row).to_string(), 1)
        .unwrap();
    String::from_utf8(line).unwrap().trim_end().to_owned()
}

/// Every way in which a clean record can stand, with its format, version and
/// shape.
fn each(mut check: impl FnMut(&'static Format, &'static Layout, Option<&'static Shape>, &str)) {
    for format in FORMATS {
        for layout in format.layouts {
            check(format, layout, None, &signed(format, layout, None));
            for shape in format.shapes.iter().filter(|shape| shape.is_of(layout)) {
                check(
                    format,
                    layout,
                    Some(shape),
                    &signed(format, layout, Some(shape)),
                );
            }
        }
    }
}

fn one(text: &str) -> Item {
    let items = inspect(text, NOW).unwrap_or_else(|why| panic!("{text}: {why}"));
    assert_eq!(items.len(), 1, "{text}");
    items.into_iter().next().unwrap()
}

/// An item as the JSON it is printed as.
fn value(item: &Item) -> Value {
    serde_json::from_str(&item.to_json(None)).unwrap()
}

fn text(value: &Value) -> &str {
    value
        .as_str()
        .unwrap_or_else(|| panic!("{value} is no string"))
}

fn bytes(hex: &str) -> Vec<u8> {
    let pair = |at: usize| u8::from_str_radix(&hex[at..at + 2], 16).unwrap();
    (0..hex.len()).step_by(2).map(pair).collect()
}

fn codes(item: &Item) -> Vec<&'static str> {
    item.warnings.iter().map(|warning| warning.code).collect()
}

// What the program writes.

#[test]
fn every_record_in_every_shape_is_known_and_the_bytes_shown_are_those_that_were_signed() {
    let mut seen = 0;
    each(|format, layout, shape, line| {
        let what = format!(
            "{} {:?} {:?}",
            format.id,
            layout.version,
            shape.map(|s| s.name)
        );
        let item = one(line);
        let shown = value(&item);
        assert_eq!(item.kind, "record", "{what}");
        assert_eq!(item.format, Some(format.id), "{what}");
        assert_eq!(item.version, layout.version, "{what}");
        // Shapes of one form under two names are told apart by nobody.
        let own = shape.map(|shape| format!("{:?}", shape.members));
        let told = item
            .shape
            .map(|name| format!("{:?}", format.shape(name).unwrap().members));
        assert_eq!(told, own, "{what}");

        let signature = &shown["signature"]["members"];
        match &layout.signing {
            Signing::Joined { order } => {
                let hex = text(&shown["signed_string"]["members"]["hexadecimal"]);
                let mut message = String::from_utf8(bytes(hex)).unwrap();
                // What only the device knows.
                if let Some(names) = shown["signed_string"]["members"].get("not_here") {
                    for name in text(names).split(", ") {
                        let (_, field) = format.field(name).unwrap();
                        message = message.replace(&format!("<{name}>"), field.example);
                    }
                }
                assert_eq!(message.split('\u{2063}').count(), order.len(), "{what}");
                let rs = [text(&signature["r"]), text(&signature["s"])].concat();
                let signature = Signature::from_slice(&bytes(&rs)).unwrap();
                let public = key().public_key();
                public
                    .verifying_key()
                    .verify(message.as_bytes(), &signature)
                    .expect(&what);
            }
            Signing::Jws { claims, .. } => {
                let message = text(&shown["signing_input"]["text"]);
                let token = line
                    .split('"')
                    .find(|part| part.matches('.').count() == 2 && part.starts_with("eyJ"))
                    .unwrap();
                let (own, signature) = token.rsplit_once('.').unwrap();
                assert_eq!(message, own, "{what}");
                let raw = URL_SAFE_NO_PAD.decode(signature).unwrap();
                if format.alg() == Alg::Hs256 {
                    let mut mac = Hmac::<sha2::Sha256>::new_from_slice(SECRET.as_bytes()).unwrap();
                    mac.update(message.as_bytes());
                    mac.verify_slice(&raw).expect(&what);
                } else {
                    let members = &shown["signature"]["members"];
                    let rs = [text(&members["r"]), text(&members["s"])].concat();
                    assert_eq!(bytes(&rs), raw, "{what}");
                }
                let payload = shown["payload"]["members"].as_object().unwrap();
                assert!(payload.len() >= claims.len() / 2, "{what}");
            }
        }
        let fields = shown["fields"]["members"].as_object().unwrap();
        for name in layout.field_names() {
            let is_token = matches!(layout.signing, Signing::Jws { .. });
            let stands = is_token || shape.is_none_or(|shape| shape.uses(format, layout, name));
            let (_, field) = format.field(name).unwrap();
            if stands && field.source == Source::Required {
                assert!(fields.contains_key(name), "{what}: {name}");
            }
        }
        seen += 1;
    });
    assert!(seen > 40, "{seen}");
}

#[test]
fn nothing_is_suspicious_about_a_clean_record_in_any_shape() {
    each(|_, _, _, line| {
        let item = one(line);
        assert!(item.warnings.is_empty(), "{line}\n{}", item.to_text());
    });
}

#[test]
fn a_bare_token_is_known_by_its_claims_with_what_stands_before_it_when_it_is_copied() {
    for format in FORMATS {
        let Signing::Jws { .. } = format.newest().signing else {
            continue;
        };
        let record: Value = serde_json::from_str(&signed(format, format.newest(), None)).unwrap();
        let token = text(&record["jws"]);
        for copied in [
            token.to_owned(),
            format!("Bearer {token}"),
            format!("authorization: bearer {token}\r\n"),
            format!("\"{token}\""),
            format!("\u{feff}{token}\n"),
        ] {
            let item = one(&copied);
            assert_eq!(
                (item.kind, item.format),
                ("token", Some(format.id)),
                "{copied}"
            );
            assert!(item.warnings.is_empty(), "{}", item.to_text());
        }
    }
}

#[test]
fn a_record_in_a_csv_file_is_shown_as_the_same_record_in_ndjson() {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden");
    for format in FORMATS {
        let [csv, ndjson] = ["csv", "ndjson"].map(|end| {
            let name = format!("{}.from-ndjson.signed.{end}", format.id);
            let mut items = Vec::new();
            let bytes = std::fs::read(folder.join(name)).unwrap();
            read(bytes.as_slice(), NOW, true, &mut |entry| {
                let found = entry
                    .found
                    .unwrap_or_else(|why| panic!("{}: {why}", format.id));
                items.extend(found.iter().map(|item| item.to_text()));
                true
            })
            .unwrap();
            items
        });
        assert!(!csv.is_empty());
        assert_eq!(csv, ndjson, "{}", format.id);
    }
}

#[test]
fn a_bid_is_searched_for_the_records_in_it_with_the_path_to_each() {
    let format = FORMATS
        .iter()
        .find(|format| format.shapes.iter().any(|shape| shape.joins));
    let format = format.unwrap();
    let shape = format.shapes.iter().find(|shape| shape.joins).unwrap();
    let object: Value =
        serde_json::from_str(&signed(format, format.newest(), Some(shape))).unwrap();
    let mut ext = object.as_object().unwrap().clone();
    ext.insert("other".into(), json!({"a": [1, 2]}));
    let response = json!({
        "id": "1",
        "seatbid": [{"bid": [{"id": "a", "price": 1.25, "ext": ext}, {"id": "b", "ext": {}}]}],
    });
    for text in [response.to_string(), format!("{response:#}")] {
        let item = one(&text);
        assert_eq!(item.path, "seatbid[0].bid[0].ext");
        assert_eq!(item.format, Some(format.id));
        assert!(item.warnings.is_empty(), "{}", item.to_text());
    }
}

// What is suspicious.

fn clean(id: &str) -> Value {
    let format = Format::find(id).unwrap();
    serde_json::from_str(&signed(format, format.newest(), None)).unwrap()
}

/// A token with other claims or another header; its signature is not looked at.
fn forged(id: &str, change: impl Fn(&mut Value, &mut Value)) -> String {
    let record = clean(id);
    let parts: Vec<&str> = text(&record["jws"]).split('.').collect();
    let json = |part: &str| -> Value {
        serde_json::from_slice(&URL_SAFE_NO_PAD.decode(part).unwrap()).unwrap()
    };
    let (mut header, mut payload) = (json(parts[0]), json(parts[1]));
    change(&mut header, &mut payload);
    let [header, payload] = [header, payload].map(|part| URL_SAFE_NO_PAD.encode(part.to_string()));
    format!("{header}.{payload}.{}", parts[2])
}

fn with(id: &str, name: &str, value: Value) -> String {
    let mut record = clean(id);
    record[name] = value;
    record.to_string()
}

#[test]
fn each_suspicious_thing_is_said_under_its_code_and_place() {
    let aak = |name: &'static str, value: Value| {
        forged("aak-impression", move |_, payload| {
            payload[name] = value.clone()
        })
    };
    let signature = clean("skan-view")["signature"].clone();
    let der = STANDARD.decode(text(&signature)).unwrap();
    let table: Vec<(&str, String, &str, &str)> = vec![
        (
            "a development impression",
            with("skan-view", "source-app-id", json!(0)),
            "development_impression",
            "source-app-id",
        ),
        (
            "the same in a token",
            aak("publisher-item-identifier", json!(0)),
            "development_impression",
            "publisher-item-identifier",
        ),
        (
            "the same in an object with nothing but the token",
            json!({"adattributionkit": {
                "jwt": aak("publisher-item-identifier", json!(0)),
                "version": "1.0",
                "itunesitem": "1108187390",
            }})
            .to_string(),
            "development_impression",
            "publisher-item-identifier",
        ),
        (
            "seconds for milliseconds",
            with("skan-view", "timestamp", json!(NOW / 1000)),
            "wrong_unit",
            "timestamp",
        ),
        (
            "milliseconds for seconds",
            forged("appstore-promo-v2", |_, payload| {
                payload["iat"] = json!(NOW)
            }),
            "wrong_unit",
            "iat",
        ),
        (
            "capitals in a UUID",
            with(
                "skan-view",
                "nonce",
                json!("46D79711-BBB6-4E30-A626-179F287CB5A6"),
            ),
            "uppercase",
            "nonce",
        ),
        (
            "capitals in a network id",
            with("skan-view", "ad-network-id", json!("Example.skadnetwork")),
            "uppercase",
            "ad-network-id",
        ),
        (
            "an unusual network id",
            with("skan-view", "ad-network-id", json!("com.apple.test-1")),
            "network_suffix",
            "ad-network-id",
        ),
        (
            "kid is another network",
            forged("aak-impression", |header, _| {
                header["kid"] = json!("other.skadnetwork")
            }),
            "verify",
            "jws header kid",
        ),
        (
            "exp in an App Store token",
            forged("appstore-intro", |_, payload| {
                payload["exp"] = json!(NOW / 1000 + 60)
            }),
            "own_expiry",
            "exp",
        ),
        (
            "no algorithm",
            forged("aak-impression", |header, _| header["alg"] = json!("none")),
            "alg_none",
            "",
        ),
        (
            "another algorithm",
            forged("aak-impression", |header, _| header["alg"] = json!("HS256")),
            "alg",
            "",
        ),
        (
            "a P-256 key for a shared secret's token",
            forged("impact-user-jwt", |header, _| {
                header["alg"] = json!("ES256")
            }),
            "alg",
            "",
        ),
        (
            "a claim too many",
            aak("extra", json!(1)),
            "verify",
            "extra",
        ),
        (
            "a long life",
            forged("impact-user-jwt", |_, payload| {
                payload["exp"] = json!(NOW / 1000 + 400 * 86_400);
            }),
            "long_life",
            "exp",
        ),
        (
            "an ended token",
            forged("impact-user-jwt", |_, payload| {
                payload["exp"] = json!(NOW / 1000 - 60)
            }),
            "expired",
            "exp",
        ),
        (
            "a stale offer",
            with(
                "appstore-promo-v1",
                "timestamp",
                json!(NOW - 25 * 3_600_000),
            ),
            "stale",
            "timestamp",
        ),
        (
            "a time in the future",
            aak("timestamp", json!(NOW + 3_600_000)),
            "future",
            "timestamp",
        ),
        (
            "padding in a token",
            format!("{}=", text(&clean("aak-impression")["jws"])),
            "padding",
            "",
        ),
        (
            "DER in a token",
            {
                let token = clean("aak-impression")["jws"].clone();
                let (input, _) = text(&token).rsplit_once('.').unwrap();
                format!("{input}.{}", URL_SAFE_NO_PAD.encode(&der))
            },
            "der",
            "",
        ),
        (
            "base64url in a record",
            with(
                "skan-view",
                "signature",
                json!(URL_SAFE_NO_PAD.encode([&der[..], &[0]].concat())),
            ),
            "not_der",
            "signature",
        ),
        (
            "raw bytes in a record",
            with("skan-view", "signature", json!(STANDARD.encode([7; 64]))),
            "encoding",
            "signature",
        ),
        (
            "another nonce in the link",
            with(
                "skan-web",
                "attributionSourceNonce",
                json!("t8naKxXHTzuTJhNfljADPQ"),
            ),
            "verify",
            "attributionSourceNonce",
        ),
        (
            "a short secret in a JWK",
            r#"{"kty":"oct","k":"c2hvcnQ"}"#.to_owned(),
            "short_secret",
            "",
        ),
    ];
    for (what, text, code, at) in table {
        let item = one(&text);
        let found = item
            .warnings
            .iter()
            .any(|warning| warning.code == code && warning.at == at);
        assert!(found, "{what}: wanted {code} at {at:?}\n{}", item.to_text());
        assert!(item.warnings.len() <= 4, "{what}: {}", item.to_text());
    }
}

#[test]
fn a_key_file_named_as_another_vendors_key_is_suspicious() {
    let workdir = Workdir::new();
    workdir.write("AuthKey_2X9R4HXF34.p8", key_data("p256.pkcs8.pem"));
    let run = workdir.run("inspect AuthKey_2X9R4HXF34.p8");
    run.exit(0)
        .prints("(other_key)")
        .prints("SubscriptionKey_<ID>.p8");
    workdir.write("SubscriptionKey_2X9R4HXF34.p8", key_data("p256.pkcs8.pem"));
    let run = workdir.run("inspect SubscriptionKey_2X9R4HXF34.p8");
    run.exit(0).prints("key id").prints("2X9R4HXF34");
    assert!(!run.stdout.contains("warnings"), "{run}");
}

// Signatures and nonces.

#[test]
fn a_signature_is_read_in_every_way_to_write_it() {
    let signature: Signature = key().ecdsa().sign(b"a message");
    let der = signature.to_der().as_bytes().to_vec();
    let raw = signature.to_bytes().to_vec();
    let hex = |bytes: &[u8]| bytes.iter().map(|b| format!("{b:02x}")).collect::<String>();
    let mut lines = STANDARD.encode(&der);
    lines.insert(64, '\n');
    let table = [
        (STANDARD.encode(&der), "bytes of DER", None),
        (
            URL_SAFE_NO_PAD.encode(&der),
            "bytes of DER",
            Some("encoding"),
        ),
        (hex(&der), "bytes of DER", Some("encoding")),
        (hex(&raw).to_uppercase(), "64 bytes, r || s", None),
        (STANDARD.encode(&raw), "64 bytes, r || s", None),
        (URL_SAFE_NO_PAD.encode(&raw), "64 bytes, r || s", None),
    ];
    for (written, said, warned) in table {
        let item = one(&written);
        let shown = value(&item);
        assert_eq!(item.kind, "signature");
        assert!(
            text(&shown["signature"]["text"]).contains(said),
            "{}",
            item.to_text()
        );
        let rs = [
            &shown["signature"]["members"]["r"],
            &shown["signature"]["members"]["s"],
        ];
        assert_eq!(rs.map(text).concat(), hex(&raw));
        // That base64url differs shows in some signatures only.
        let is_told = written.contains(['-', '_']) || !written.contains(['+', '/']);
        if warned.is_none() || is_told {
            assert!(
                codes(&item).iter().eq(warned.iter()),
                "{written}: {}",
                item.to_text()
            );
        }
    }
    for bytes in [der.clone(), lines.into_bytes()] {
        let mut found = Vec::new();
        read(bytes.as_slice(), NOW, false, &mut |entry| {
            found.push(entry.found.unwrap()[0].kind);
            true
        })
        .unwrap();
        assert_eq!(found, ["signature"]);
    }
}

#[test]
fn r_and_s_that_no_signature_has_are_said() {
    let order = "ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551";
    for (r, s) in [
        ("00".repeat(32), "11".repeat(32)),
        ("11".repeat(32), order.to_owned()),
    ] {
        assert_eq!(codes(&one(&format!("{r}{s}"))), ["out_of_range"]);
    }
    let high = one(&format!("{}{}", "11".repeat(32), "99".repeat(32)));
    assert!(high.to_text().contains("high"));
    assert!(high.warnings.is_empty(), "a high s is no fault");
}

#[test]
fn a_nonce_is_shown_in_both_forms_whichever_is_given() {
    // From the vendor's page on attributable links.
    let (encoded, uuid) = (
        "t8naKxXHTzuTJhNfljADPQ",
        "b7c9da2b-15c7-4f3b-9326-135f9630033d",
    );
    for given in [encoded, uuid, &uuid.to_uppercase()] {
        let item = one(given);
        let members = &value(&item)["nonce"]["members"];
        assert_eq!(members["uuid"], uuid);
        assert_eq!(members["attributionSourceNonce"], encoded);
        let is_upper = given.starts_with('B');
        assert_eq!(
            codes(&item).as_slice(),
            if is_upper { &["uppercase"][..] } else { &[] }
        );
    }
}

// Keys.

#[test]
fn every_key_file_is_known_and_nothing_private_is_shown() {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/keys");
    let scalar = key().scalar();
    let hex: String = scalar.iter().map(|byte| format!("{byte:02x}")).collect();
    let mut count = 0;
    for folder in [
        folder.clone(),
        folder.join("accepted"),
        folder.join("damaged"),
    ] {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            let name = path.file_name().unwrap().to_str().unwrap();
            if path.is_dir() || [".gitattributes", "README.md", "answer.json"].contains(&name) {
                continue;
            }
            let bytes = std::fs::read(&path).unwrap();
            let mut shown = String::new();
            read(bytes.as_slice(), NOW, false, &mut |entry: Entry| {
                for item in entry.found.unwrap_or_else(|why| panic!("{name}: {why}")) {
                    assert_eq!(item.kind, "key", "{name}");
                    shown.push_str(&item.to_text());
                    shown.push_str(&item.to_json(None));
                }
                true
            })
            .unwrap();
            let lower = shown.to_lowercase();
            assert!(!lower.contains(&hex), "{name}");
            for skipped in 0..3 {
                let piece = &scalar[skipped..skipped + 15];
                assert!(!shown.contains(&STANDARD.encode(piece)), "{name}");
                assert!(!shown.contains(&URL_SAFE_NO_PAD.encode(piece)), "{name}");
            }
            count += 1;
        }
    }
    assert!(count > 60, "{count}");
}

// Files and the command line.

#[test]
fn what_is_printed_as_json_is_what_is_printed_as_text() {
    // Strings where numbers should be, one of them empty, as a fuzzer found.
    for text in ["", "1,2", "x"] {
        let item = one(&with("skan-view", "timestamp", json!(text)));
        assert_eq!(value(&item)["fields"]["members"]["timestamp"], text);
    }
    each(|_, _, _, line| {
        let item = one(line);
        let shown = value(&item);
        let as_text = item.to_text();
        assert_eq!(shown["title"], item.title);
        for section in &item.sections {
            let own = &shown[section.name.replace(' ', "_")];
            assert_eq!(own["text"].as_str().unwrap_or_default(), section.text);
            let members = own["members"].as_object().map_or(0, Map::len);
            assert_eq!(members, section.facts.len(), "{}", section.name);
            assert!(as_text.contains(section.name));
        }
    });
}

#[test]
fn every_line_of_a_file_is_shown_or_the_one_that_is_asked_for() {
    let workdir = Workdir::new();
    let lines: Vec<String> = ["skan-view", "aak-impression", "impact-user-jwt"]
        .map(|id| clean(id).to_string())
        .to_vec();
    workdir.write("mixed.ndjson", lines.join("\n") + "\n\n");
    let run = workdir.run("inspect mixed.ndjson");
    run.exit(0)
        .prints("line 1: ")
        .prints("line 2: ")
        .prints("line 3: ");
    let run = workdir.run("inspect mixed.ndjson --line 2 --json");
    let shown: Value = serde_json::from_str(&run.exit(0).stdout).unwrap();
    assert_eq!(shown["items"].as_array().unwrap().len(), 1);
    assert_eq!(shown["items"][0]["line"], 2);
    assert_eq!(shown["items"][0]["format"], "aak-impression");
    workdir
        .run("inspect mixed.ndjson --line 9")
        .exit(2)
        .says("has no line 9");

    workdir.write(
        "half.ndjson",
        format!("{}\nnothing\n{}\n", lines[0], lines[1]),
    );
    let run = workdir.run("inspect half.ndjson --json");
    run.exit(2).says("half.ndjson, line 2: this is neither");
    let shown: Value = serde_json::from_str(&run.stdout).unwrap();
    assert_eq!(shown["items"].as_array().unwrap().len(), 2);

    // All of it is one thing that is not known, not a line.
    workdir.write("pretty.json", "{\n  \"a\": 1\n}\n");
    let run = workdir.run("inspect pretty.json");
    run.exit(2).says("pretty.json: this is neither");

    let empty = workdir.run_with(&["inspect", "--json"], b"");
    empty.exit(2).says("is empty");
    assert_eq!(
        serde_json::from_str::<Value>(&empty.stdout).unwrap(),
        json!({"items": []})
    );
}

#[test]
fn an_argument_may_be_the_thing_itself_and_a_token_in_one_is_warned_of() {
    let workdir = Workdir::new();
    let run = workdir.run("inspect t8naKxXHTzuTJhNfljADPQ");
    run.exit(0).prints("b7c9da2b-15c7-4f3b-9326-135f9630033d");
    assert_eq!(run.stderr, "");
    let token = clean("impact-user-jwt")["jws"].clone();
    let run = workdir.run_args(&["inspect", text(&token)]);
    run.exit(0).warns("give it on standard input");
    let run = workdir.run_with(&["inspect"], text(&token).as_bytes());
    run.exit(0);
    assert_eq!(run.stderr, "");
}

#[test]
fn a_compressed_file_is_read_as_it_was_signed() {
    use std::io::Write as _;
    let workdir = Workdir::new();
    let mut gz = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    writeln!(gz, "{}", clean("skan-view")).unwrap();
    workdir.write("signed.ndjson.gz", gz.finish().unwrap());
    workdir
        .run("inspect signed.ndjson.gz")
        .exit(0)
        .prints("of skan-view");
}

#[test]
fn what_a_terminal_would_obey_is_escaped() {
    let evil = "\u{1b}]0;evil\u{7}\u{202e}";
    let header = URL_SAFE_NO_PAD.encode(format!(
        "{{\"alg\":\"ES256\",\"kid\":\"\u{9b}31m{}\"}}",
        "\u{202e}"
    ));
    let token = format!("{header}.{}.AA", URL_SAFE_NO_PAD.encode(evil));
    let shown = one(&token).to_text();
    assert!(
        !shown.contains(['\u{1b}', '\u{7}', '\u{9b}', '\u{202e}']),
        "{shown:?}"
    );
    assert!(shown.contains("\\u{001b}]0;evil"), "{shown}");
}

#[test]
fn what_is_nothing_says_why_and_quotes_nothing() {
    for text in [
        "",
        "password",
        "{}",
        "{\"a\":1}",
        "[]",
        "[[1]]",
        "a.b.c",
        "AAAA",
        "\"",
        "kQ9-test-secret-of-forty-two-characters-xyz",
    ] {
        let why = inspect(text, NOW).unwrap_err().to_string();
        assert!(!why.is_empty());
        assert!(text.len() < 8 || !why.contains(text), "{why}");
    }
}

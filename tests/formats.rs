//! Every format and version, from random rows to signatures that an
//! implementation which is not ours accepts.
//!
//! Records are judged from the outside: parsed with serde_json, their signed
//! bytes rebuilt from the table's join order or split off the token, verified
//! with aws-lc-rs. Nothing of the signing or verifying code is used for that.
#![allow(clippy::unwrap_used)] // A failed unwrap is a failed test.

mod testkit;

use std::collections::HashSet;
use std::fmt;
use std::sync::LazyLock;

use aws_lc_rs::hmac;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_ASN1, ECDSA_P256_SHA256_FIXED, UnparsedPublicKey};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use campaign_signer::engine::{Hs256, P256Verifier, Verifier};
use campaign_signer::envelope::Style;
use campaign_signer::format::{
    Alg, Claim, FORMATS, Field, Format, HeaderValue, Kind, Layout, Signing, Source,
};
use campaign_signer::json::Shape;
use campaign_signer::row::{Dialect, Input, Origin};
use campaign_signer::verify::{self, Check, Keys, Verdict};
use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde_json::Value;

use testkit::{Rng, Row, Run, key, now, random_row};

const ROWS: usize = 10_000;

/// A JSON object whose members keep their order.
struct Ordered(Vec<(String, Value)>);

impl<'de> Deserialize<'de> for Ordered {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Members;
        impl<'de> Visitor<'de> for Members {
            type Value = Ordered;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Ordered, A::Error> {
                let mut members = Vec::new();
                while let Some(member) = map.next_entry()? {
                    members.push(member);
                }
                Ok(Ordered(members))
            }
        }
        deserializer.deserialize_map(Members)
    }
}

impl Ordered {
    fn get(&self, name: &str) -> Option<&Value> {
        self.0
            .iter()
            .find(|(own, _)| own == name)
            .map(|(_, value)| value)
    }

    fn text(&self, name: &str) -> &str {
        self.get(name).and_then(Value::as_str).unwrap()
    }

    fn names(&self) -> Vec<&str> {
        self.0.iter().map(|(name, _)| name.as_str()).collect()
    }
}

/// What a field of a signed record must be, where the row decides it.
fn expected(field: &Field, row: &Row, format: &Format) -> Option<Value> {
    let given = row.iter().find(|(own, _)| own.name == field.name);
    let text = match (given, field.source) {
        (Some((_, text)), _) => text.clone(),
        (None, Source::Constant(text) | Source::Default(text)) => text.to_owned(),
        (None, Source::SameAs(other)) => {
            return expected(format.field(other).unwrap().1, row, format);
        }
        (None, _) => return None,
    };
    if field.omit == Some(&text) {
        return None;
    }
    Some(match field.kind.shape() {
        Shape::String if field.lowered || matches!(field.kind, Kind::Uuid) => {
            Value::String(text.to_lowercase())
        }
        Shape::String => Value::String(text),
        _ => serde_json::from_str(&text).unwrap(),
    })
}

/// Checks one field of a record or a token against its row.
fn check_field(field: &Field, found: Option<&Value>, row: &Row, format: &Format, timestamp: u64) {
    let name = field.name;
    let wanted = expected(field, row, format);
    if field.wrapped.is_some() {
        // The request, with its own or a derived reference inside.
        let bytes = STANDARD.decode(found.unwrap().as_str().unwrap()).unwrap();
        let mut inner: Value = serde_json::from_slice(&bytes).unwrap();
        let mut wanted = wanted.unwrap();
        let reference = inner["requestInfo"]["requestReferenceId"].take();
        assert_eq!(
            uuid::Uuid::try_parse(reference.as_str().unwrap())
                .unwrap()
                .get_version_num(),
            4
        );
        let own = wanted["requestInfo"]["requestReferenceId"].take();
        assert!(own.is_null() || own == reference);
        wanted["requestInfo"]["requestReferenceId"] = Value::Null;
        assert_eq!(inner, wanted);
        return;
    }
    match (found, wanted, field.source) {
        (found, Some(wanted), _) => assert_eq!(found, Some(&wanted), "{name}"),
        (Some(found), None, Source::Nonce) => {
            let id = found.as_str().unwrap();
            assert_eq!(id, id.to_lowercase());
            assert_eq!(uuid::Uuid::try_parse(id).unwrap().get_version_num(), 4);
        }
        (Some(found), None, Source::Clock) => {
            let Kind::Time(unit) = field.kind else {
                panic!("{name}")
            };
            assert_eq!(found.as_u64().unwrap(), timestamp / unit.in_millis());
        }
        (Some(found), None, Source::Expiry) => {
            assert_eq!(found.as_u64().unwrap(), timestamp / 1000 + 7 * 86_400);
        }
        (None, None, Source::Optional) => {}
        (found, None, source) => panic!("{name}: {found:?} from {source:?}"),
    }
}

/// The text of a joined value as it is signed.
fn signed_text(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

fn check_record(
    format: &'static Format,
    layout: &Layout,
    row: &Row,
    line: &str,
    timestamp: u64,
) -> Ordered {
    let record: Ordered = serde_json::from_str(line).unwrap();
    assert_eq!(record.text("format"), format.id);
    let mut names = vec!["format"];
    for claim in layout.members() {
        let (Claim::Field(name) | Claim::Object(name, _)) = claim;
        if record.get(name).is_some() {
            names.push(name);
        }
    }
    names.extend(format.derived.iter().map(|derived| derived.name));
    names.push(layout.result());
    assert_eq!(record.names(), names, "the order of members");
    match &layout.signing {
        Signing::Joined { order } => {
            for claim in layout.members() {
                let Claim::Field(name) = claim else { panic!() };
                let field = format.field(name).unwrap().1;
                if field.source != Source::Version {
                    check_field(field, record.get(name), row, format, timestamp);
                }
            }
            assert_eq!(
                record.get("version").and_then(Value::as_str),
                layout.version
            );
            let values: Vec<String> = order
                .iter()
                .map(|n| signed_text(record.get(n).unwrap()))
                .collect();
            let message = values.join("\u{2063}");
            let der = STANDARD.decode(record.text("signature")).unwrap();
            judge(Alg::Es256, true, message.as_bytes(), &der);
        }
        Signing::Jws { header, claims } => {
            let parts: Vec<&str> = record.text("jws").split('.').collect();
            assert_eq!(parts.len(), 3);
            let decode = |part: &str| URL_SAFE_NO_PAD.decode(part).unwrap();
            let signature = decode(parts[2]);
            let message = format!("{}.{}", parts[0], parts[1]);
            judge(format.alg(), false, message.as_bytes(), &signature);
            let head: Ordered = serde_json::from_slice(&decode(parts[0])).unwrap();
            check_header(format, header, &head, row);
            let payload: Ordered = serde_json::from_slice(&decode(parts[1])).unwrap();
            // The record carries the payload's members as they stand.
            let own: Vec<_> = record.0[1..record.0.len() - 1].to_vec();
            assert_eq!(payload.0, own);
            for claim in *claims {
                match claim {
                    Claim::Field(name) => {
                        let field = format.field(name).unwrap().1;
                        check_field(field, payload.get(name), row, format, timestamp);
                    }
                    Claim::Object(name, members) => {
                        let object = payload.get(name).unwrap().as_object().unwrap();
                        for member in *members {
                            let field = format.field(member).unwrap().1;
                            check_field(field, object.get(*member), row, format, timestamp);
                        }
                    }
                }
            }
            let may_expire = format.fields.iter().any(|f| f.source == Source::Expiry);
            assert_eq!(payload.get("exp").is_some(), may_expire);
        }
    }
    record
}

fn check_header(format: &Format, header: &[(&str, HeaderValue)], head: &Ordered, row: &Row) {
    let wanted: Vec<(String, Value)> = header
        .iter()
        .filter_map(|(name, value)| {
            let text = match value {
                HeaderValue::Constant(text) => (*text).to_owned(),
                HeaderValue::Field(field) => {
                    let field = format.field(field).unwrap().1;
                    expected(field, row, format)?.as_str().unwrap().to_owned()
                }
            };
            Some(((*name).to_owned(), Value::String(text)))
        })
        .collect();
    assert_eq!(head.0, wanted);
}

/// The independent judge.
fn judge(alg: Alg, der: bool, message: &[u8], signature: &[u8]) {
    match alg {
        Alg::Es256 => {
            static POINT: LazyLock<Vec<u8>> = LazyLock::new(|| {
                let public = key().public_key();
                public
                    .verifying_key()
                    .to_sec1_point(false)
                    .to_bytes()
                    .to_vec()
            });
            let how = if der {
                &ECDSA_P256_SHA256_ASN1
            } else {
                &ECDSA_P256_SHA256_FIXED
            };
            UnparsedPublicKey::new(how, POINT.as_slice())
                .verify(message, signature)
                .unwrap();
        }
        Alg::Hs256 => {
            let key = hmac::Key::new(hmac::HMAC_SHA256, testkit::SECRET);
            hmac::verify(&key, message, signature).unwrap();
        }
    }
}

/// What `verify` says of a file, each bad line with the fields it names.
fn verdict(
    format: &'static Format,
    path: &std::path::Path,
    dialect: Dialect,
) -> (Verdict, Vec<(u64, String)>) {
    let inputs = [Input::new(Origin::File(path.to_owned()), dialect)];
    let verifier: Box<dyn Verifier> = match format.alg() {
        Alg::Es256 => Box::new(P256Verifier::new(*key().public_key().verifying_key())),
        Alg::Hs256 => Box::new(Hs256::new(&[testkit::SECRET])),
    };
    let check = Check {
        inputs: &inputs,
        keys: &Keys::one(format.alg(), verifier.as_ref()),
        format: None,
        shape: None,
        known: &[],
        threads: 2,
        nonces_in_memory: verify::NONCES_IN_MEMORY,
    };
    let mut bad = Vec::new();
    let verdict = verify::run(&check, |line| {
        let fields = line
            .findings
            .iter()
            .map(|f| format!("{} {}", f.field, f.says));
        bad.push((line.line, fields.collect::<Vec<_>>().join("; ")));
    })
    .unwrap();
    (verdict, bad)
}

fn rows(
    format: &'static Format,
    layout: &Layout,
    timestamp: u64,
    count: usize,
    seed: u64,
) -> Vec<Row> {
    let mut rng = Rng(seed);
    (0..count)
        .map(|_| random_row(format, layout, timestamp, &mut rng))
        .collect()
}

fn check_all(format: &'static Format, layout: &Layout, csv: bool) {
    let timestamp = now();
    let rows = rows(format, layout, timestamp, ROWS, 7);
    let run = Run::new(format, timestamp);
    let written = if csv {
        run.csv().sign(&testkit::csv(format, &rows))
    } else {
        run.sign(&testkit::ndjson(format, &rows, &mut Rng(11)))
    };
    assert_eq!(written.rejects, "");
    let counts = written.summary.counts;
    assert_eq!(
        (counts.rows, counts.signed, counts.records),
        (ROWS as u64, ROWS as u64, ROWS as u64)
    );
    assert_eq!(written.signed.lines().count(), ROWS);
    let mut nonces = HashSet::new();
    for (row, line) in rows.iter().zip(written.signed.lines()) {
        let record = check_record(format, layout, row, line, timestamp);
        if let Some((_, nonce)) = format.field_from(Source::Nonce) {
            let text = record.text(nonce.name);
            assert!(nonces.insert(text.to_owned()), "{text} stands twice");
            for derived in format.derived {
                let bytes = URL_SAFE_NO_PAD.decode(record.text(derived.name)).unwrap();
                assert_eq!(uuid::Uuid::from_slice(&bytes).unwrap().to_string(), text);
            }
        }
    }
}

#[test]
fn every_signature_from_csv_verifies_with_an_implementation_that_is_not_ours() {
    for format in FORMATS {
        for layout in format.layouts {
            check_all(format, layout, true);
        }
    }
}

#[test]
fn every_signature_from_ndjson_verifies_with_an_implementation_that_is_not_ours() {
    for format in FORMATS {
        for layout in format.layouts {
            check_all(format, layout, false);
        }
    }
}

#[test]
fn csv_output_holds_the_same_values_and_verifies() {
    for format in FORMATS {
        let timestamp = now();
        let rows: Vec<Row> = format
            .layouts
            .iter()
            .zip(3..)
            .flat_map(|(layout, seed)| rows(format, layout, timestamp, 60, seed))
            .collect();
        let input = testkit::ndjson(format, &rows, &mut Rng(5));
        let json = Run::new(format, timestamp).sign(&input);
        let mut run = Run::new(format, timestamp);
        run.style = Style::Csv(b';');
        let cells = run.sign(&input);
        let mut reader = csv::ReaderBuilder::new()
            .delimiter(b';')
            .from_reader(cells.signed.as_bytes());
        let header = reader.headers().unwrap().clone();
        for (line, row) in json.signed.lines().zip(reader.records()) {
            let record: Ordered = serde_json::from_str(line).unwrap();
            let row = row.unwrap();
            for (name, cell) in header.iter().zip(&row) {
                match record.get(name) {
                    None => assert_eq!(cell, "", "{name}"),
                    Some(Value::Object(object)) => {
                        assert_eq!(
                            serde_json::from_str::<Value>(cell).unwrap(),
                            Value::Object(object.clone())
                        );
                    }
                    Some(value) => assert_eq!(cell, signed_text(value), "{name}"),
                }
            }
            assert!(
                record
                    .names()
                    .iter()
                    .all(|name| header.iter().any(|h| h == *name))
            );
        }
        let (verdict, bad) = verdict(format, &cells.signed_path, Dialect::Csv { delimiter: b';' });
        assert_eq!((verdict.records as usize, bad), (rows.len(), Vec::new()));
    }
}

#[test]
fn verify_accepts_what_was_signed_and_names_every_line_that_was_touched() {
    for format in FORMATS {
        for layout in format.layouts {
            let timestamp = now();
            let rows = rows(format, layout, timestamp, 40, 9);
            let written =
                Run::new(format, timestamp).sign(&testkit::ndjson(format, &rows, &mut Rng(1)));
            let (good, bad) = verdict(format, &written.signed_path, Dialect::Ndjson);
            assert_eq!((good.records, bad), (40, Vec::new()), "{}", format.id);

            let lines: Vec<&str> = written.signed.lines().collect();
            let touched = |at: usize| -> String {
                let line = lines[at];
                let result = format!("\"{}\":\"", layout.result());
                // Line 3 has another signature, line 5 loses a digit of its
                // signature, line 8 stands twice, line 11 is cut.
                match at {
                    2 => {
                        let (head, _) = line.split_once(&result).unwrap();
                        let (_, tail) = lines[20].split_once(&result).unwrap();
                        format!("{head}{result}{tail}")
                    }
                    4 => format!("{}\"}}", &line[..line.len() - 6]),
                    10 => line[..line.len() / 2].to_owned(),
                    _ => line.to_owned(),
                }
            };
            let mut text: Vec<String> = (0..lines.len()).map(touched).collect();
            text.push(lines[7].to_owned());
            std::fs::write(&written.signed_path, text.join("\n")).unwrap();
            let (_, bad) = verdict(format, &written.signed_path, Dialect::Ndjson);
            let named: Vec<u64> = bad.iter().map(|(line, _)| *line).collect();
            let repeats = format.field_from(Source::Nonce).is_some();
            let expected: &[u64] = if repeats {
                &[3, 5, 11, 41]
            } else {
                &[3, 5, 11]
            };
            assert_eq!(named, expected, "{}: {bad:?}", format.id);
        }
    }
}

#[test]
fn changing_any_field_of_a_record_makes_it_bad() {
    for format in FORMATS {
        for layout in format.layouts {
            let timestamp = now();
            let rows = rows(format, layout, timestamp, 1, 21);
            let written =
                Run::new(format, timestamp).sign(&testkit::ndjson(format, &rows, &mut Rng(1)));
            let record: Value = serde_json::from_str(&written.signed).unwrap();
            let names: Vec<String> = record.as_object().unwrap().keys().cloned().collect();
            for name in names {
                let mut changed = record.clone();
                let value = &mut changed[&name];
                *value = match &*value {
                    Value::Bool(is) => Value::Bool(!is),
                    Value::Number(n) => Value::from(n.as_u64().unwrap() ^ 1),
                    Value::String(text) => Value::String(format!("{text}0")),
                    Value::Object(_) => {
                        serde_json::json!({"id": "another", "accountId": "another"})
                    }
                    other => panic!("{other}"),
                };
                std::fs::write(&written.signed_path, changed.to_string()).unwrap();
                let (_, bad) = verdict(format, &written.signed_path, Dialect::Ndjson);
                assert_eq!(bad.len(), 1, "{} {name}", format.id);
                let mut without = record.clone();
                without.as_object_mut().unwrap().remove(&name);
                std::fs::write(&written.signed_path, without.to_string()).unwrap();
                let (_, bad) = verdict(format, &written.signed_path, Dialect::Ndjson);
                assert_eq!(bad.len(), 1, "{} without {name}", format.id);
            }
        }
    }
}

#[test]
fn a_bad_signature_is_told_of_its_own_line_wherever_it_stands_in_a_batch() {
    let format = Format::find("impact-user-jwt").unwrap();
    let mut users = String::from("id,firstName\n");
    for at in 0..3000 {
        users.push_str(&format!("user{at},Jane\n"));
    }
    let run = Run::new(format, now());
    let written = run.csv().sign(&users);
    let mut lines: Vec<String> = written.signed.lines().map(str::to_owned).collect();
    // The first and the last of batches, and neighbours.
    let wrong = [1, 2, 63, 64, 65, 1023, 1024, 1025, 2047, 2048, 2049, 3000];
    for at in wrong {
        let line = &mut lines[at - 1];
        let dot = line.rfind('.').unwrap();
        let other = if line[dot + 1..].starts_with('A') {
            "B"
        } else {
            "A"
        };
        line.replace_range(dot + 1..dot + 2, other);
    }
    let says = "jws does not verify under this key";
    let mut expected: Vec<(u64, String)> = wrong.map(|at| (at as u64, says.to_owned())).into();
    // Not even a signature's length; and findings before and after it.
    let dot = lines[699].rfind('.').unwrap();
    lines[699].replace_range(dot + 1.., "AAAA\"}");
    expected.push((700, says.to_owned()));
    lines[1023] = lines[1023].replace("\"id\":\"user1023\"", "\"id\":1023");
    expected[6].1 =
        format!("id is a number, not a string; {says}; jws.user differs from the record's field");
    expected.sort();
    let path = written.signed_path;
    std::fs::write(&path, lines.join("\n")).unwrap();
    let (verdict, bad) = verdict(format, &path, Dialect::Ndjson);
    assert_eq!(bad, expected);
    assert_eq!((verdict.records, verdict.bad), (3000, 13));
}

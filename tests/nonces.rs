//! Nonces are what an independent implementation says: `tests/golden/nonces.py`
//! made the vectors, and the outputs below are derived a second time here.
#![allow(clippy::unwrap_used)] // A failed unwrap is a failed test.

mod testkit;

use aws_lc_rs::hmac;
use campaign_signer::engine::ENGINES;
use campaign_signer::format::{FORMATS, Source};
use campaign_signer::pipeline::Signer;
use campaign_signer::record::{Rules, Settings};
use campaign_signer::stamp::{Identity, Stamps};
use serde_json::Value;

use testkit::{Rng, key, random_row};

fn cases() -> Vec<Value> {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/golden/nonces.json");
    serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap()
}

fn unhex(text: &str) -> Vec<u8> {
    (0..text.len() / 2)
        .map(|at| u8::from_str_radix(&text[2 * at..2 * at + 2], 16).unwrap())
        .collect()
}

#[test]
fn every_vector_is_reproduced() {
    let cases = cases();
    assert_eq!(cases.len(), 15);
    for case in &cases {
        let text = |name: &str| case[name].as_str().unwrap();
        let scalar: [u8; 32] = unhex(text("scalar_hex")).try_into().unwrap();
        let value = &case["identity"][1];
        let identity = match case["identity"][0].as_str().unwrap() {
            "place" => Identity::Place(value.as_u64().unwrap()),
            _ => Identity::RowId(value.as_str().unwrap().as_bytes()),
        };
        let copy = case["copy"].as_u64().unwrap();
        let mut stamp = Stamps::new(&scalar, text("job_id")).start(text("label"), identity, copy);
        for value in case["values"].as_array().unwrap() {
            stamp.value(value.as_str().map(str::as_bytes));
        }
        assert_eq!(stamp.finish().to_string(), text("uuid"));
    }
}

/// The derivation once more, with another library's HMAC.
fn derive(scalar: &[u8], job: &str, place: u64, copy: u64, values: &[Option<String>]) -> String {
    let mac = |key: &[u8], text: &[u8]| {
        let key = hmac::Key::new(hmac::HMAC_SHA256, key);
        hmac::sign(&key, text).as_ref().to_vec()
    };
    let extracted = mac(b"campaign-signer nonce v1", scalar);
    let nonce_key = mac(&extracted, &[job.as_bytes(), &[1]].concat());
    let mut items: Vec<Option<Vec<u8>>> = vec![
        Some(b"nonce".to_vec()),
        Some(b"place".to_vec()),
        Some(place.to_be_bytes().to_vec()),
        Some(copy.to_be_bytes().to_vec()),
    ];
    items.extend(
        values
            .iter()
            .map(|value| value.as_ref().map(|v| v.as_bytes().to_vec())),
    );
    let mut text = Vec::new();
    for item in items {
        let length = item.as_ref().map_or(u32::MAX, |item| item.len() as u32);
        text.extend_from_slice(&length.to_be_bytes());
        text.extend_from_slice(&item.unwrap_or_default());
    }
    let bytes: [u8; 16] = mac(&nonce_key, &text)[..16].try_into().unwrap();
    uuid::Builder::from_random_bytes(bytes)
        .into_uuid()
        .to_string()
}

#[test]
fn a_records_nonce_is_made_of_exactly_what_is_documented() {
    const TIMESTAMP: u64 = 1_795_140_000_000;
    let key = key();
    let signer = Signer::es256(&key, &ENGINES[0], "the job");
    for format in FORMATS {
        let Some((nonce_at, nonce)) = format.field_from(Source::Nonce) else {
            continue;
        };
        for (seed, layout) in format.layouts.iter().enumerate() {
            let names = layout.field_names();
            let mut row = random_row(format, layout, TIMESTAMP, &mut Rng(seed as u64));
            // The time is the run's, the nonce is derived, JSON has no spaces.
            row.retain(|(field, _)| !matches!(field.source, Source::Nonce | Source::Clock));
            if let Some(json) = row.iter_mut().find(|(field, _)| field.wrapped.is_some()) {
                json.1 = json.0.example.to_owned();
            }
            let values = format.fields.iter().enumerate().filter(|(at, field)| {
                let is_value = !matches!(
                    field.source,
                    Source::Clock | Source::Constant(_) | Source::Nonce | Source::Version
                );
                *at != nonce_at && is_value && names.contains(&field.name)
            });
            let values = values.map(|(_, field)| {
                let given = row.iter().find(|(own, _)| own.name == field.name);
                let text = given.map(|(_, text)| text.clone());
                let text = text.or(match field.source {
                    Source::Default(text) => Some(text.to_owned()),
                    _ => None,
                });
                text.filter(|text| field.omit != Some(text)).map(|text| {
                    if field.lowered {
                        text.to_lowercase()
                    } else {
                        text
                    }
                })
            });
            let clock = format.field_from(Source::Clock).unwrap().1;
            let campaign_signer::format::Kind::Time(unit) = clock.kind else {
                panic!()
            };
            let mut items = vec![
                Some(format.id.to_owned()),
                Some(layout.version.unwrap_or_default().to_owned()),
                Some((TIMESTAMP / unit.in_millis()).to_string()),
            ];
            items.extend(values);

            let mut settings = Settings::new(format, TIMESTAMP);
            settings.count = 3;
            let rules = Rules::new(settings).unwrap();
            let line = testkit::ndjson(format, &[row], &mut Rng(0));
            let lines = signer.sign_row(&rules, line.trim(), 42).unwrap();
            let lines = String::from_utf8(lines).unwrap();
            assert_eq!(lines.lines().count(), 3);
            for (copy, line) in (0..).zip(lines.lines()) {
                let record: Value = serde_json::from_str(line).unwrap();
                let expected = derive(key.scalar().as_slice(), "the job", 42, copy, &items);
                assert_eq!(record[nonce.name], expected, "{} {copy}", format.id);
            }
        }
    }
}

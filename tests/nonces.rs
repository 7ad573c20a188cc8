//! Nonces against golden ones made by another program, and against a second
//! implementation inside whole signed rows.
#![allow(clippy::unwrap_used)] // A failed unwrap is a failed test.

use std::collections::BTreeMap;
use std::path::PathBuf;

use aws_lc_rs::{hkdf, hmac};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use campaign_signer::engine::ENGINES;
use campaign_signer::format::{FORMATS, Format, Kind, Source};
use campaign_signer::jws::Compact;
use campaign_signer::key::SigningKey;
use campaign_signer::pipeline::Signer;
use campaign_signer::record::{Rules, Settings};
use campaign_signer::stamp::{Identity, Stamps};
use serde_json::Value;
use serde_json::value::RawValue;
use uuid::Uuid;

const JOB: &str = "nonces-of-a-test";
const NOW: u64 = 1_760_000_000_000; // milliseconds
const PLACE: u64 = (1 << 33) + 7;
const ROW_ID: &str = "order-é-7";

fn path(of: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join(of)
}

fn golden() -> Vec<Value> {
    let text = std::fs::read_to_string(path("tests/golden/nonces.json")).unwrap();
    let document: Value = serde_json::from_str(&text).unwrap();
    document["cases"].as_array().unwrap().clone()
}

fn scalar_of(case: &Value) -> [u8; 32] {
    let hex = case["scalar_hex"].as_str().unwrap();
    let byte = |at: usize| u8::from_str_radix(&hex[2 * at..2 * at + 2], 16).unwrap();
    std::array::from_fn(byte)
}

fn identity_of(case: &Value) -> Identity<'_> {
    let identity = &case["identity"];
    match (identity["row_id"].as_str(), identity["publisher"].as_u64()) {
        (Some(id), Some(publisher)) => Identity::RowIdAt(id.as_bytes(), publisher),
        (Some(id), None) => Identity::RowId(id.as_bytes()),
        (None, _) => Identity::Place(identity["place"].as_u64().unwrap()),
    }
}

/// The documented derivation once more, with another library.
fn second_opinion(
    (scalar, job): (&[u8], &str),
    label: &str,
    identity: Identity<'_>,
    copy: u64,
    values: &[Option<Vec<u8>>],
) -> Uuid {
    let (tag, known_by) = match identity {
        Identity::Place(at) => ("place", at.to_be_bytes().to_vec()),
        Identity::RowId(id) | Identity::RowIdAt(id, _) => ("row-id", id.to_vec()),
    };
    let mut head: Vec<Vec<u8>> = vec![label.into(), tag.into(), known_by];
    if let Identity::RowIdAt(_, publisher) = identity {
        head.extend([b"publisher".to_vec(), publisher.to_be_bytes().into()]);
    }
    head.push(copy.to_be_bytes().into());
    let mut message = Vec::new();
    for item in head.into_iter().map(Some).chain(values.iter().cloned()) {
        match item {
            None => message.extend([0xff; 4]),
            Some(bytes) => {
                message.extend(u32::try_from(bytes.len()).unwrap().to_be_bytes());
                message.extend(bytes);
            }
        }
    }
    let extracted = hkdf::Salt::new(hkdf::HKDF_SHA256, b"campaign-signer nonce v1").extract(scalar);
    let info = [job.as_bytes()];
    let expanded = extracted.expand(&info, hmac::HMAC_SHA256).unwrap();
    let tag = hmac::sign(&hmac::Key::from(expanded), &message);
    let mut bytes: [u8; 16] = tag.as_ref()[..16].try_into().unwrap();
    bytes[6] = bytes[6] & 0x0f | 0x40;
    bytes[8] = bytes[8] & 0x3f | 0x80;
    Uuid::from_bytes(bytes)
}

#[test]
fn every_golden_nonce_is_derived_again() {
    let cases = golden();
    assert!(cases.len() >= 20, "{} cases", cases.len());
    for case in &cases {
        let scalar = scalar_of(case);
        let job = case["job_id"].as_str().unwrap();
        let label = case["label"].as_str().unwrap();
        let copy = case["copy"].as_u64().unwrap();
        let values: Vec<Option<Vec<u8>>> = case["values"]
            .as_array()
            .unwrap()
            .iter()
            .map(|value| value.as_str().map(|text| text.as_bytes().to_vec()))
            .collect();
        let mut stamp = Stamps::new(&scalar, job).start(label, identity_of(case), copy);
        values
            .iter()
            .for_each(|value| stamp.value(value.as_deref()));
        let derived = stamp.finish();
        assert_eq!(
            derived.to_string(),
            case["uuid"].as_str().unwrap(),
            "{case}"
        );
        let second = second_opinion((&scalar, job), label, identity_of(case), copy, &values);
        assert_eq!(derived, second, "{case}");
    }
}

/// The values a nonce is made of, from the row as it was given.
fn values_of(format: &Format, row: &str) -> Vec<Option<Vec<u8>>> {
    let members: BTreeMap<String, Box<RawValue>> = serde_json::from_str(row).unwrap();
    let layout = format.newest();
    let (_, clock) = format.field_from(Source::Clock).unwrap();
    let Kind::Time(unit) = clock.kind else {
        panic!("the clock of {} is no time", format.id);
    };
    let mut values = vec![
        Some(format.id.into()),
        Some(layout.version.unwrap_or_default().into()),
        Some((NOW / unit.in_millis()).to_string().into()),
    ];
    let signed = layout.field_names();
    for field in format.fields {
        let given = members.get(field.name).map(|value| {
            let text = value.get();
            serde_json::from_str(text).unwrap_or_else(|_| text.to_owned())
        });
        match field.source {
            Source::Clock | Source::Constant(_) | Source::Nonce | Source::Version => {}
            _ if !signed.contains(&field.name) => {}
            Source::Default(text) => values.push(Some(given.unwrap_or_else(|| text.into()).into())),
            _ => values.push(given.map(String::into_bytes)),
        }
    }
    values
}

/// The first example row of a format, and the same without what may be absent.
fn rows_of(format: &Format) -> [String; 2] {
    let file = path("examples/data").join(format!("{}.ndjson", format.id));
    let text = std::fs::read_to_string(file).unwrap();
    let full = text.lines().next().unwrap();
    let mut members: BTreeMap<String, Box<RawValue>> = serde_json::from_str(full).unwrap();
    for field in format.fields {
        if matches!(field.source, Source::Optional | Source::Default(_)) {
            members.remove(field.name);
        }
    }
    [full.to_owned(), serde_json::to_string(&members).unwrap()]
}

/// What a signed line holds: the record, or the payload of its token.
fn signed_members(line: &str) -> Value {
    let record: Value = serde_json::from_str(line).unwrap();
    match record["jws"].as_str() {
        Some(jws) => serde_json::from_slice(&Compact::parse(jws).unwrap().payload).unwrap(),
        None => record,
    }
}

#[test]
fn a_signed_row_carries_the_nonce_that_its_own_values_give() {
    let (key, _) = SigningKey::from_file(&path("examples/keys/demo.p8")).unwrap();
    let signer = Signer::es256(&key, &ENGINES[0], JOB);
    let scalar = key.scalar();
    let (mut formats, mut inner_ids, mut copies) = (0, 0, 0);
    for format in FORMATS {
        let Some((_, nonce)) = format.field_from(Source::Nonce) else {
            continue;
        };
        formats += 1;
        for row in rows_of(format) {
            let values = values_of(format, &row);
            let with_id = row.replacen('{', &format!("{{\"order\":\"{ROW_ID}\","), 1);
            let ways = [
                (row, None, Identity::Place(PLACE)),
                (with_id, Some("order"), Identity::RowId(ROW_ID.as_bytes())),
            ];
            for (row, row_id, identity) in ways {
                let mut settings = Settings::new(format, NOW);
                settings.row_id = row_id.map(str::to_owned);
                let rules = Rules::new(settings).unwrap();
                let lines = signer.sign_row(&rules, &row, PLACE).unwrap();
                let lines = String::from_utf8(lines).unwrap();
                for (line, copy) in lines.lines().zip(0..) {
                    let expected = |label| {
                        let key = (&scalar[..], JOB);
                        second_opinion(key, label, identity, copy, &values).to_string()
                    };
                    let signed = signed_members(line);
                    assert_eq!(signed[nonce.name], expected("nonce"), "{line}");
                    for field in format.fields {
                        let Some(wrapping) = field.wrapped else {
                            continue;
                        };
                        let wrapped = signed[field.name].as_str().unwrap();
                        let inner: Value =
                            serde_json::from_slice(&STANDARD.decode(wrapped).unwrap()).unwrap();
                        let id = &inner["requestInfo"][wrapping.label];
                        assert_eq!(*id, expected(wrapping.label), "{line}");
                        inner_ids += 1;
                    }
                    copies += u64::from(copy > 0);
                }
            }
        }
    }
    assert!(formats >= 3 && inner_ids > 0 && copies > 0);
}

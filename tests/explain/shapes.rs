//! Every object that a run writes is read, wherever it stands.

use campaign_signer::engine::ENGINES;
use campaign_signer::explain::{Explanation, Verdict};
use campaign_signer::format::shape::Shape;
use campaign_signer::format::{Alg, FORMATS, Format, Layout, Signing, Source};
use campaign_signer::key::Secret;
use campaign_signer::pipeline::Signer;
use campaign_signer::record::{Rules, Settings};
use serde_json::{Map, Value};

use crate::signer::{explain_under, mac_or_raw};
use crate::testkit::{self, SECRET};
use crate::workdir::{example_row, token};

/// A sound object of a shape, or a flat record; and the values in it.
fn object(
    format: &'static Format,
    layout: &'static Layout,
    shape: Option<&Shape>,
) -> (String, Vec<(String, String)>) {
    let mut members = example_row(format, layout.version);
    if let Some(shape) = shape {
        let is_own = |name: &str| shape.uses(format, layout, name);
        let own = format.unsigned.iter();
        let own = own.filter(|f| f.source == Source::Required && is_own(f.name));
        members.extend(own.map(|field| (field.name, field.example.to_owned())));
        for name in shape.demands {
            let (_, field) = format.any_field(name).unwrap();
            members.push((name, field.example.to_owned()));
        }
    }
    let known = members
        .iter()
        .map(|(name, text)| ((*name).to_owned(), text.clone()));
    let known = known.collect();
    let mut row = Map::new();
    for (name, text) in members {
        let token = match format.field(name) {
            Some(_) => token(format, name, &text),
            None => Value::from(text).to_string(),
        };
        row.insert(name.to_owned(), serde_json::from_str(&token).unwrap());
    }
    let mut settings = Settings::new(format, testkit::now());
    settings.key_id = format.key_id().map(|_| "2X9R4HXF34".to_owned());
    settings.version = layout.version.map(str::to_owned);
    if let Some(shape) = shape {
        settings.shape = shape.name.to_owned();
    }
    let signer = match format.alg() {
        Alg::Es256 => Signer::es256(&testkit::key(), &ENGINES[0], "explain"),
        Alg::Hs256 => Signer::hs256(&Secret::from_bytes(SECRET).unwrap()),
    };
    let rules = Rules::new(settings).unwrap();
    let line = signer.sign_row(&rules, &Value::from(row).to_string(), 1);
    let line = String::from_utf8(line.unwrap()).unwrap();
    (line.trim_end().to_owned(), known)
}

/// Every object there is, explained: as it is, deep in another document, and
/// damaged.
#[test]
fn every_object_of_every_format_is_read_wherever_it_stands() {
    let mut objects = 0;
    for format in FORMATS {
        for layout in format.layouts {
            let shapes = format.shapes.iter().filter(|shape| shape.is_of(layout));
            for shape in shapes.map(Some).chain([None]) {
                let (line, known) = object(format, layout, shape);
                let explain = |text: &str| -> Vec<Explanation> {
                    explain_under(text, format.alg(), &testkit::key(), SECRET, &known)
                };
                let name = shape.map_or("record", |shape| shape.name);
                let about = format!("{} {:?} {name}", format.id, layout.version);
                let found = explain(&line);
                assert_eq!(found.len(), 1, "{about}: {line}");
                assert_eq!(
                    found[0].verdict,
                    Verdict::Valid,
                    "{about}: {:?} {line}",
                    found[0]
                );
                assert_eq!(found[0].version, layout.version, "{about}");

                let deep = format!("[{{\"id\":1,\"seats\":[{{\"bids\":[null,{line}]}}]}}]");
                let found = explain(&deep);
                assert_eq!(found.len(), 1, "{about}: {deep}");
                assert_eq!(found[0].verdict, Verdict::Valid, "{about}: {:?}", found[0]);
                assert!(
                    found[0].place.starts_with("[0].seats[0].bids[1]"),
                    "{about}"
                );

                let (damaged, code) = damage(format, layout, &line);
                let found = explain(&damaged);
                let codes: Vec<&str> = found[0].causes.iter().map(|own| own.kind.code).collect();
                assert_eq!(codes, [code], "{about}: {} {damaged}", found[0].sentence());
                objects += 1;
            }
        }
    }
    assert!(objects > 30, "{objects}");
}

/// The object with its nonce in capitals, or its token padded.
fn damage(format: &Format, layout: &Layout, line: &str) -> (String, &'static str) {
    match layout.signing {
        Signing::Joined { .. } => {
            let (_, nonce) = format.field_from(Source::Nonce).unwrap();
            let value: Value = serde_json::from_str(line).unwrap();
            let is_uuid = |text: &str| text.len() == 36 && text.matches('-').count() == 4;
            let mut texts = Vec::new();
            strings(&value, &mut texts);
            // Not the message that it is shown with, which is a UUID as well.
            let other = format.unsigned.iter().map(|field| field.example);
            let others: Vec<&str> = other.collect();
            let mut own = texts
                .iter()
                .filter(|text| is_uuid(text) && !others.contains(&text.as_str()));
            let token = format.fields.iter().find(|field| field.lowered);
            let text = own
                .find(|text| token.is_none_or(|token| token.example != text.as_str()))
                .unwrap_or_else(|| panic!("no {} in {line}", nonce.name));
            (line.replace(text, &text.to_uppercase()), "letter_case")
        }
        Signing::Jws { .. } => {
            let mut texts = Vec::new();
            strings(&serde_json::from_str(line).unwrap(), &mut texts);
            let is_token =
                |text: &&String| text.starts_with("ey") && text.matches('.').count() == 2;
            let token = texts.iter().find(is_token).unwrap();
            let padding = match mac_or_raw(format.alg(), b"").len() % 3 {
                1 => "==",
                _ => "=",
            };
            (line.replace(token, &format!("{token}{padding}")), "padding")
        }
    }
}

fn strings(value: &Value, all: &mut Vec<String>) {
    match value {
        Value::String(text) => all.push(text.clone()),
        Value::Array(elements) => elements.iter().for_each(|own| strings(own, all)),
        Value::Object(members) => members.values().for_each(|own| strings(own, all)),
        _ => {}
    }
}

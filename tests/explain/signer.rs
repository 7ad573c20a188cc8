//! A signer that makes mistakes: records as a run writes them, taken apart,
//! and signed again otherwise.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use campaign_signer::engine::{Hs256, batch};
use campaign_signer::explain::{Explainer, Explanation, Verdict};
use campaign_signer::format::{Alg, FORMATS, Format, Layout, Signing};
use campaign_signer::json::{self, Shape};
use campaign_signer::key::SigningKey;
use campaign_signer::verify::Keys;
use hmac::{Hmac, KeyInit, Mac};
use p256::ecdsa::Signature;
use p256::ecdsa::signature::Signer as _;

use crate::testkit::{self, Rng, Run, SECRET};

/// A flat record: name and JSON text of each member.
pub(crate) type Record = Vec<(String, String)>;

/// One format in one version, and records of it.
pub(crate) struct Sample {
    pub(crate) format: &'static Format,
    pub(crate) layout: &'static Layout,
    pub(crate) records: Vec<Record>,
}

/// Sound records of every format and version, as many of each.
pub(crate) fn samples(count: usize, seed: u64) -> Vec<Sample> {
    let mut all = Vec::new();
    for format in FORMATS {
        for layout in format.layouts {
            let now = testkit::now();
            // Not the same nonces for all of them.
            let mut rng = Rng(seed * 100 + all.len() as u64);
            let rows: Vec<_> = (0..count)
                .map(|_| testkit::random_row(format, layout, now, &mut rng))
                .collect();
            let input = testkit::ndjson(format, &rows, &mut rng);
            let written = Run::new(format, now).sign(&input);
            let records = written.signed.lines().map(members);
            all.push(Sample {
                format,
                layout,
                records: records.collect(),
            });
        }
    }
    all
}

/// The samples of formats whose values are joined.
pub(crate) fn joined_samples(count: usize, seed: u64) -> Vec<Sample> {
    let mut all = samples(count, seed);
    all.retain(|sample| matches!(sample.layout.signing, Signing::Joined { .. }));
    all
}

/// The samples of tokens.
pub(crate) fn token_samples(count: usize, seed: u64) -> Vec<Sample> {
    let mut all = samples(count, seed);
    all.retain(|sample| matches!(sample.layout.signing, Signing::Jws { .. }));
    all
}

impl Sample {
    /// The names of the joined fields in their order.
    pub(crate) fn order(&self) -> &'static [&'static str] {
        match self.layout.signing {
            Signing::Joined { order } => order,
            Signing::Jws { .. } => &[],
        }
    }
}

fn members(line: &str) -> Record {
    let own = json::object(line).unwrap().into_iter();
    own.map(|(name, token)| (name.into_owned(), token.to_owned()))
        .collect()
}

/// A record as one line.
pub(crate) fn line(record: &Record) -> String {
    let all: Vec<String> = record
        .iter()
        .map(|(name, token)| format!("{name:?}:{token}"))
        .collect();
    format!("{{{}}}", all.join(","))
}

pub(crate) fn get(record: &Record, name: &str) -> Option<String> {
    let (_, token) = record.iter().find(|(own, _)| own == name)?;
    Some(match json::string(token) {
        Ok(text) => text.into_owned(),
        Err(_) => token.clone(),
    })
}

fn quoted(text: &str) -> String {
    let mut out = Vec::new();
    json::write_string(text, &mut out);
    String::from_utf8(out).unwrap()
}

/// Another value, of the JSON type that it had.
pub(crate) fn set(record: &mut Record, name: &str, text: &str) {
    let member = record.iter_mut().find(|(own, _)| own == name).unwrap();
    member.1 = match Shape::of(&member.1) {
        Shape::String => quoted(text),
        _ => text.to_owned(),
    };
}

/// The values of a joined message with their names.
pub(crate) fn values(record: &Record, order: &[&'static str]) -> Vec<(&'static str, String)> {
    let value = |name: &&'static str| (*name, get(record, name).unwrap_or_default());
    order.iter().map(value).collect()
}

/// Values with a separator between each two.
pub(crate) fn join(values: &[(&'static str, String)], separator: &str) -> Vec<u8> {
    let texts: Vec<&str> = values.iter().map(|(_, text)| text.as_str()).collect();
    texts.join(separator).into_bytes()
}

/// The bytes of U+2063, written here once more.
pub(crate) const SEPARATOR: &str = "\u{2063}";

pub(crate) fn es256(message: &[u8]) -> Signature {
    testkit::key().ecdsa().sign(message)
}

/// DER in base64.
pub(crate) fn der(message: &[u8]) -> String {
    STANDARD.encode(es256(message).to_der().as_bytes())
}

/// The record with the signature of another message.
pub(crate) fn signed_over(record: &Record, message: &[u8]) -> Record {
    let mut record = record.clone();
    set(&mut record, "signature", &der(message));
    record
}

/// The signature of a token's input.
pub(crate) fn mac_or_raw(alg: Alg, input: &[u8]) -> Vec<u8> {
    match alg {
        Alg::Es256 => es256(input).to_bytes().to_vec(),
        Alg::Hs256 => hs256(SECRET, input),
    }
}

pub(crate) fn hs256(secret: &[u8], input: &[u8]) -> Vec<u8> {
    let mut mac = Hmac::<sha2::Sha256>::new_from_slice(secret).unwrap();
    mac.update(input);
    mac.finalize().into_bytes().to_vec()
}

/// A token's header and payload as text.
pub(crate) fn parts(record: &Record) -> [String; 2] {
    let token = get(record, "jws").unwrap();
    let mut parts = token.split('.');
    [(); 2].map(|()| {
        let bytes = URL_SAFE_NO_PAD.decode(parts.next().unwrap()).unwrap();
        String::from_utf8(bytes).unwrap()
    })
}

pub(crate) fn encoded(parts: &[String; 2]) -> String {
    parts
        .each_ref()
        .map(|part| URL_SAFE_NO_PAD.encode(part))
        .join(".")
}

/// A token of these parts, signed over others.
pub(crate) fn token(alg: Alg, sent: &[String; 2], signed: &[u8]) -> String {
    let signature = URL_SAFE_NO_PAD.encode(mac_or_raw(alg, signed));
    format!("{}.{signature}", encoded(sent))
}

/// Explains under the test keys.
pub(crate) fn explain(text: &str, alg: Alg) -> Vec<Explanation> {
    explain_under(text, alg, &testkit::key(), SECRET, &[])
}

pub(crate) fn explain_under(
    text: &str,
    alg: Alg,
    key: &SigningKey,
    secret: &[u8],
    known: &[(String, String)],
) -> Vec<Explanation> {
    let public = key.public_key();
    match alg {
        Alg::Es256 => {
            let verifier = batch::load_verifier(&[*public.verifying_key()]);
            let keys = Keys::one(alg, verifier.as_ref());
            let explainer = Explainer::new(&keys, vec![public], &[]);
            explainer.knowing(known.to_vec()).explain(text)
        }
        Alg::Hs256 => {
            let verifier = Hs256::new(&[secret]);
            let keys = Keys::one(alg, &verifier);
            let explainer = Explainer::new(&keys, Vec::new(), &[secret]);
            explainer.knowing(known.to_vec()).explain(text)
        }
    }
}

/// That exactly these mistakes are named: code and field.
#[track_caller]
pub(crate) fn assert_causes(found: &[Explanation], wanted: &[(&str, &str)], about: &str) {
    assert_eq!(found.len(), 1, "{about}");
    let found = &found[0];
    let causes: Vec<(&str, &str)> = found
        .causes
        .iter()
        .map(|own| (own.kind.code, own.field.as_str()))
        .collect();
    let says = found.sentence();
    assert_eq!(
        found.verdict,
        Verdict::Explained,
        "{about}: {says} {:?}",
        found.notes
    );
    assert_eq!(causes, wanted, "{about}: {says}");
    for own in &found.causes {
        let words = format!("{own} {} {}", own.fix(), own.source(found.format));
        assert!(
            !words.contains('{') || words.contains("SEQUENCE {"),
            "{words}"
        );
    }
}

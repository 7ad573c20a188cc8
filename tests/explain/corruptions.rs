//! What no listed mistake explains is not explained, and what is right is
//! not called wrong.

use campaign_signer::engine::{Hs256, batch};
use campaign_signer::explain::{Explainer, Sought, Verdict};
use campaign_signer::format::{Alg, Signing};
use campaign_signer::key::SigningKey;
use campaign_signer::row::{Dialect, Input, Origin};
use campaign_signer::verify::Keys;

use crate::signer::{
    Record, Sample, explain, explain_under, get, line, parts, samples, set, token,
};
use crate::testkit::{self, Rng, SECRET};

/// Changes one character to another of its kind.
fn other_character(text: &str, rng: &mut Rng, only: impl Fn(char) -> bool) -> Option<String> {
    let places: Vec<usize> = text
        .char_indices()
        .filter(|(_, c)| only(*c))
        .map(|(at, _)| at)
        .collect();
    let at = *places.get(rng.below(places.len().max(1) as u64) as usize)?;
    let old = text.as_bytes()[at];
    let new = match old {
        b'9' => b'4',
        b'0'..=b'8' => old + 1,
        b'f' | b'z' => old - 2,
        other => other + 1,
    };
    let mut bytes = text.as_bytes().to_vec();
    bytes[at] = new;
    String::from_utf8(bytes).ok()
}

/// Damage that nobody would make by a listed mistake.
fn corrupted(sample: &Sample, record: &Record, rng: &mut Rng) -> Option<String> {
    let mut record = record.clone();
    if let Signing::Jws { .. } = sample.layout.signing {
        // Another digit or letter somewhere in a claim's value.
        let sound = parts(&record);
        let at = sound[1].find(':')?;
        let (head, tail) = sound[1].split_at(at);
        let changed = other_character(tail, rng, |c| matches!(c, '1'..='8'))?;
        let input = format!("{head}{tail}");
        let signed = crate::signer::encoded(&[sound[0].clone(), input]);
        let sent = [sound[0].clone(), format!("{head}{changed}")];
        return Some(token(sample.format.alg(), &sent, signed.as_bytes()));
    }
    let fields = [
        "itunes-item-id",
        "itunes_item_id",
        "nonce",
        "signature",
        "offerIdentifier",
    ];
    let name = fields[rng.below(fields.len() as u64) as usize];
    let text = get(&record, name)?;
    let changed = match name {
        "signature" => {
            // Deep inside r or s, where the DER stays what it is.
            let (head, tail) = text.split_at(20);
            let (tail, end) = tail.split_at(tail.len() - 6);
            let tail = other_character(tail, rng, |c| c.is_ascii_digit())?;
            format!("{head}{tail}{end}")
        }
        "nonce" => other_character(&text, rng, |c| c.is_ascii_hexdigit())?,
        "offerIdentifier" => other_character(&text, rng, |c| c.is_ascii_lowercase())?,
        _ => {
            // One digit more or less would be a mistake of its own.
            let (first, rest) = text.split_at(1);
            format!(
                "{first}{}",
                other_character(rest, rng, |c| matches!(c, '1'..='8'))?
            )
        }
    };
    set(&mut record, name, &changed);
    Some(line(&record))
}

#[test]
fn a_thousand_corruptions_that_are_no_listed_mistake_find_nothing() {
    let samples = samples(90, 81);
    let mut rng = Rng(82);
    let (mut cases, mut at) = (0, 0);
    while cases < 1000 {
        let sample = &samples[at % samples.len()];
        let record = &sample.records[at / samples.len() % sample.records.len()];
        at += 1;
        let Some(text) = corrupted(sample, record, &mut rng) else {
            continue;
        };
        let found = explain(&text, sample.format.alg());
        assert_eq!(found.len(), 1, "{text}");
        assert_eq!(
            found[0].verdict,
            Verdict::Unexplained,
            "{}: {text}",
            found[0].sentence()
        );
        assert!(found[0].causes.is_empty());
        assert!(
            found[0].tried > 100 && found[0].ruled_out.len() > 10,
            "{text}"
        );
        cases += 1;
    }
}

#[test]
fn under_another_key_nothing_is_found() {
    let other = SigningKey::generate().unwrap();
    for sample in samples(1, 83) {
        let alg = sample.format.alg();
        let secret = b"another test secret of at least 32 bytes";
        let text = line(&sample.records[0]);
        let found = explain_under(&text, alg, &other, secret, &[]);
        assert_eq!(
            found[0].verdict,
            Verdict::Unexplained,
            "{}",
            found[0].sentence()
        );
        // The same under the right one.
        assert_eq!(explain(&text, alg)[0].verdict, Verdict::Valid);
    }
}

#[test]
fn a_hundred_thousand_valid_records_give_no_false_alarm() {
    let samples = samples(100_000 / 16 + 1, 84);
    let folder = tempfile::tempdir().unwrap();
    let mut total = 0;
    for alg in [Alg::Es256, Alg::Hs256] {
        let path = folder.path().join("all.ndjson");
        let own = samples.iter().filter(|sample| sample.format.alg() == alg);
        let records = own.flat_map(|sample| &sample.records);
        let text: String = records.map(|record| line(record) + "\n").collect();
        std::fs::write(&path, text).unwrap();
        let inputs = [Input::new(Origin::File(path), Dialect::Ndjson)];
        let (public, hs256) = (testkit::key().public_key(), Hs256::new(&[SECRET]));
        let es256 = batch::load_verifier(&[*public.verifying_key()]);
        let keys = match alg {
            Alg::Es256 => Keys::one(alg, es256.as_ref()),
            Alg::Hs256 => Keys::one(alg, &hs256),
        };
        let explainer = Explainer::new(&keys, vec![public], &[]);
        let sought = Sought {
            inputs: &inputs,
            threads: 0,
            thorough: false,
        };
        let report = explainer
            .explain_files(&sought, |line| panic!("{}", line.explanation.sentence()))
            .unwrap();
        // Random rows may give the same nonce to two formats; none does here.
        assert_eq!(report.repeats, 0);
        assert_eq!(report.good, report.records);
        total += report.records;
    }
    assert!(total >= 100_000, "{total}");
    // One by one, too, as a document is read.
    for sample in &samples {
        for record in sample.records.iter().take(50) {
            let found = explain(&line(record), sample.format.alg());
            assert_eq!(found[0].verdict, Verdict::Valid, "{:?}", found[0].notes);
        }
    }
}

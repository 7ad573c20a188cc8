//! Engines: the good ones agree, and nothing a bad one makes is published.
#![allow(clippy::unwrap_used)] // A failed unwrap is a failed test.

mod testkit;

use std::path::Path;

use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED, UnparsedPublicKey};
use campaign_signer::engine::{
    Check, ENGINES, Engine, Messages, P256, SignError, Signatures, Verifier,
};
use campaign_signer::envelope::Style;
use campaign_signer::error::{Error, Kind};
use campaign_signer::format::FORMATS;
use campaign_signer::pipeline::{self, Job, Outputs, Signer};
use campaign_signer::record::Settings;
use campaign_signer::row::{Dialect, Input, Origin};
use campaign_signer::template;

use testkit::{Rng, key, now};

#[test]
fn every_engine_gives_the_bytes_of_the_reference_for_every_length_of_batch() {
    let key = key();
    let reference = P256::new(key.ecdsa().clone());
    let point = key
        .public_key()
        .verifying_key()
        .to_sec1_point(false)
        .to_bytes();
    let judge = UnparsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, point);
    let mut rng = Rng(5);
    for info in ENGINES {
        let engine = (info.load)(key.ecdsa());
        assert_eq!((engine.name(), engine.width()), (info.name, 64));
        for count in (0..=20).chain([63, 64, 65]) {
            let mut messages = Messages::default();
            for at in 0..count {
                let length = if at % 5 == 0 { 0 } else { rng.below(300) };
                messages.push_with(|out| out.extend((0..length).map(|_| rng.next() as u8)));
            }
            let (mut ours, mut expected) = (Signatures::default(), Signatures::default());
            engine.sign_batch(&messages, Check::Off, &mut ours).unwrap();
            reference
                .sign_batch(&messages, Check::Off, &mut expected)
                .unwrap();
            for (at, message) in messages.iter().enumerate() {
                assert_eq!(ours.get(at), expected.get(at), "{} {count} {at}", info.name);
                assert!(judge.verify(message, ours.get(at)).is_ok());
                assert!(engine.verify(message, ours.get(at)));
                assert!(!engine.verify(b"another message", ours.get(at)));
            }
        }
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
    signer.engine = Box::new(Faulty(P256::new(key.ecdsa().clone()), fault));
    let inputs = vec![Input {
        origin: Origin::File(input),
        dialect: Dialect::Ndjson,
    }];
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

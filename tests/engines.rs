//! Engines: the good ones agree, and nothing a bad one makes is published.
#![allow(clippy::unwrap_used)] // A failed unwrap is a failed test.

mod testkit;

use std::path::Path;

use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED, UnparsedPublicKey};
use campaign_signer::engine::{ENGINES, Engine, Messages, P256, SignError, Signatures, Verifier};
use campaign_signer::envelope::Style;
use campaign_signer::error::{Error, Kind};
use campaign_signer::format::FORMATS;
use campaign_signer::pipeline::{self, Job, Outputs, SelfCheck, Signer};
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
            engine.sign_batch(&messages, &mut ours).unwrap();
            reference.sign_batch(&messages, &mut expected).unwrap();
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
#[derive(Clone, Copy, PartialEq)]
enum Fault {
    /// The first signature has one bit flipped.
    FirstBit,
    /// The last signature has one bit flipped.
    LastBit,
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

    fn width(&self) -> usize {
        64
    }

    fn sign_batch(&self, messages: &Messages, out: &mut Signatures) -> Result<(), SignError> {
        let mut good = Signatures::default();
        self.0.sign_batch(messages, &mut good)?;
        let hit = match self.1 {
            Fault::FirstBit => 0,
            Fault::LastBit => messages.len() - 1,
            Fault::Panic => panic!("the engine broke"),
            Fault::Refuse => {
                return Err(SignError {
                    engine: "faulty",
                    at: 0,
                });
            }
        };
        for (at, slot) in out.reset(messages.len(), 64).enumerate() {
            slot.copy_from_slice(good.get(at));
            slot[40] ^= u8::from(at == hit);
        }
        Ok(())
    }
}

fn run(folder: &Path, fault: Fault, self_check: SelfCheck) -> Result<(), Error> {
    let format = FORMATS[0];
    let input = folder.join("rows.ndjson");
    std::fs::write(&input, template::ndjson(format).repeat(5)).unwrap();
    let key = key();
    let mut signer = Signer::es256(&key, &ENGINES[0], "job");
    signer.engine = Box::new(Faulty(P256::new(key.ecdsa().clone()), fault));
    let inputs = vec![Input {
        origin: Origin::File(input),
        dialect: Dialect::Ndjson,
    }];
    let outputs = Outputs::beside(&folder.join("signed"), Style::Ndjson);
    let mut job = Job::new(Settings::new(format, now()), inputs, outputs).signed_by(signer, "job");
    job.self_check = self_check;
    pipeline::run(job, |_| {}).map(drop)
}

#[test]
fn nothing_a_faulty_engine_makes_is_published() {
    for (fault, self_check) in [
        (Fault::FirstBit, SelfCheck::Batch),
        (Fault::FirstBit, SelfCheck::All),
        (Fault::LastBit, SelfCheck::All),
        (Fault::Panic, SelfCheck::Off),
        (Fault::Refuse, SelfCheck::Off),
    ] {
        let folder = tempfile::tempdir().unwrap();
        let error = run(folder.path(), fault, self_check).unwrap_err();
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
            (Fault::FirstBit, Error::SelfCheck { record: 1 })
            | (Fault::LastBit, Error::SelfCheck { record: 5 })
            | (Fault::Refuse, Error::Sign(_)) => {}
            (Fault::Panic, Error::Panicked { words, records }) => {
                assert_eq!(words, "the engine broke");
                assert_eq!(*records, Some((1, 5)));
            }
            _ => panic!("{error:?}"),
        }
    }
}

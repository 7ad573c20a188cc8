//! What several targets need: the public demo keys, a file to read from, and
//! the choice of inputs that get the slow checks.

use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use campaign_signer::engine::{
    ENGINES, Engine, Hs256, Messages, P256Verifier, Signatures, Verifier,
};
use campaign_signer::error::Error;
use campaign_signer::format::{Alg, Format};
use campaign_signer::key::{Secret, SigningKey};
use campaign_signer::pipeline::Signer;
use campaign_signer::record::Records;
use campaign_signer::row::{Dialect, Input, Origin};
use campaign_signer::signing_input::{Derived, Recipes, Scratch};
use campaign_signer::verify::{self, Check, Finding, Keys, Verdict};

/// The timestamp of every record that is signed here, in milliseconds.
pub const TIMESTAMP: u64 = 1_760_000_000_000;

/// Whether every input gets the slow checks, as in the replay of a corpus.
pub static THOROUGH: AtomicBool = AtomicBool::new(false);

/// Whether this input gets a check that is too slow for all: chosen by its
/// bytes, so that a find can be repeated.
pub fn one_in(count: u64, data: &[u8]) -> bool {
    let fnv = |hash: u64, byte: &u8| (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3);
    let hash = data.iter().fold(0xcbf2_9ce4_8422_2325, fnv);
    THOROUGH.load(Ordering::Relaxed) || (hash >> 32) % count == 0
}

/// The public demo key.
pub fn key() -> &'static SigningKey {
    static KEY: OnceLock<SigningKey> = OnceLock::new();
    KEY.get_or_init(|| {
        SigningKey::from_bytes(include_bytes!("../../examples/keys/demo.p8")).unwrap()
    })
}

/// The public demo secret.
pub fn secret() -> &'static Secret {
    static SECRET: OnceLock<Secret> = OnceLock::new();
    SECRET.get_or_init(|| {
        let text = include_bytes!("../../examples/keys/demo.secret.txt");
        Secret::from_bytes(text.trim_ascii_end()).unwrap()
    })
}

/// The demo key or the demo secret at work.
pub fn signer(alg: Alg) -> Signer {
    match alg {
        Alg::Es256 => Signer::es256(key(), &ENGINES[0], "fuzz"),
        Alg::Hs256 => Signer::hs256(secret()),
    }
}

/// What judges the demo keys' signatures.
pub fn verifier(alg: Alg) -> Box<dyn Verifier> {
    match alg {
        Alg::Es256 => Box::new(P256Verifier::new(*key().public_key().verifying_key())),
        Alg::Hs256 => Box::new(Hs256::new(&[secret().bytes()])),
    }
}

/// One signed record: what was derived for it, its members as JSON, the
/// message, and the signature.
pub struct SignedParts {
    pub at: usize,
    pub derived: Derived,
    pub members: Vec<u8>,
    pub message: Vec<u8>,
    pub signature: Vec<u8>,
}

/// Signs records step by step, as a run does.
pub fn sign(recipes: &Recipes, signer: &Signer, records: &Records) -> Vec<SignedParts> {
    let mut parts = Vec::new();
    let mut messages = Messages::default();
    for (at, record) in records.iter().enumerate() {
        for copy in 0..record.count() {
            let derived = match signer.stamps.first() {
                Some(stamps) => recipes.derive(stamps, &record, copy),
                None => Derived::default(),
            };
            let mut members = Vec::new();
            recipes.write_members(&record, &derived, &mut members);
            let mut message = Vec::new();
            let mut scratch = Scratch::default();
            recipes.write_signing_input(&record, &derived, &members, &mut scratch, &mut message);
            messages.push(&message);
            parts.push(SignedParts {
                at,
                derived,
                members,
                message,
                signature: Vec::new(),
            });
        }
    }
    let mut signatures = Signatures::default();
    let engine: &dyn Engine = signer.engine.as_ref();
    engine
        .sign_batch(
            &messages,
            campaign_signer::engine::Check::Off,
            &mut signatures,
        )
        .unwrap();
    for (at, part) in parts.iter_mut().enumerate() {
        part.signature = signatures.get(at).to_vec();
    }
    parts
}

/// A file with this content for as long as the value lives; in memory where
/// the system has such a place.
pub struct Scrap(PathBuf);

impl Scrap {
    pub fn new(content: &[u8]) -> Self {
        static COUNT: AtomicU64 = AtomicU64::new(0);
        thread_local! {
            static NUMBER: u64 = COUNT.fetch_add(1, Ordering::Relaxed);
        }
        let memory = Path::new("/dev/shm");
        let folder = match memory.is_dir() {
            true => memory.to_owned(),
            false => std::env::temp_dir(),
        };
        // One name for each thread, written again for each input.
        let number = NUMBER.with(|number| *number);
        let name = format!("campaign-signer-fuzz-{}-{number}", std::process::id());
        let path = folder.join(name);
        std::fs::write(&path, content).unwrap();
        Self(path)
    }

    pub fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for Scrap {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.0);
    }
}

/// A bad line: its number and what is wrong with it.
pub type Bad = (u64, Vec<Finding>);

/// Verifies these bytes as a signed file.
pub fn judge(
    content: &[u8],
    dialect: Dialect,
    verifier: &dyn Verifier,
    alg: Alg,
    format: Option<&'static Format>,
) -> Result<(Verdict, Vec<Bad>), Error> {
    let scrap = Scrap::new(content);
    let inputs = [Input::new(Origin::File(scrap.0.clone()), dialect)];
    let check = Check {
        inputs: &inputs,
        keys: &Keys::one(alg, verifier),
        format,
        shape: None,
        known: &[],
        threads: 1,
        nonces_in_memory: 1000,
    };
    let mut all = Vec::new();
    let verdict = verify::run(&check, |bad| all.push((bad.line, bad.findings.clone())))?;
    // A line that is bad and repeats a nonce is told twice, and is one line.
    let lines: std::collections::BTreeSet<u64> = all.iter().map(|(line, _)| *line).collect();
    assert_eq!(verdict.bad, lines.len() as u64);
    assert!(all.iter().all(|(_, findings)| !findings.is_empty()));
    assert_eq!(verdict.files.len(), 1);
    assert_eq!(verdict.files[0].bytes, content.len() as u64);
    Ok((verdict, all))
}

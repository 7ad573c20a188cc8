//! A key at work: its engine, its nonces, and what is public of it.

use std::sync::Arc;

use crate::choosing::{Chosen, fingerprint, ring_key};
use crate::engine::{Check, Engine, EngineInfo, Hs256};
use crate::error::Error;
use crate::format::Alg;
use crate::key::{Secret, SigningKey};
use crate::output::{KeyEntry, RingKeyEntry};
use crate::record::{Choices, Problem, Rules, Settings};
use crate::ring::{KeyRing, RingKey};
use crate::stamp::Stamps;

use super::rows::RowSigner;

/// A key at work.
pub struct Signer {
    /// Signs.
    pub engine: Box<dyn Engine>,
    /// Derive each key's nonces; a shared secret derives none, because no
    /// format that is signed with one has a nonce.
    pub stamps: Vec<Stamps>,
    /// How rows choose among several keys; with one there is no choice.
    pub choices: Option<Arc<Choices>>,
    /// The key, by what is public of it.
    pub key: KeyEntry,
    /// Every key of a ring; empty where there is one key.
    pub ring: Vec<RingKeyEntry>,
}

/// Why one row gave no signed record.
#[derive(Debug)]
pub enum RowError {
    /// The signing failed; other rows will fail, too.
    Failed(Error),
    /// The row has these problems.
    Rejected(Vec<Problem>),
}

impl Signer {
    /// A P-256 key at work in a job.
    pub fn es256(key: &SigningKey, engine: &EngineInfo, job_id: &str) -> Self {
        let public = key.public_key();
        Self {
            engine: (engine.load)(&[key.ecdsa()]),
            stamps: vec![Stamps::new(&key.scalar(), job_id)],
            choices: None,
            key: KeyEntry {
                alg: Alg::Es256.as_str().into(),
                fingerprint: public.fingerprint(),
                public_key: Some(public.spki_base64()),
            },
            ring: Vec::new(),
        }
    }

    /// A shared secret at work.
    pub fn hs256(secret: &Secret) -> Self {
        Self {
            engine: Box::new(Hs256::new(&[secret.bytes()])),
            stamps: Vec::new(),
            choices: None,
            key: KeyEntry {
                alg: Alg::Hs256.as_str().into(),
                fingerprint: secret.fingerprint(),
                public_key: None,
            },
            ring: Vec::new(),
        }
    }

    /// Those keys of a ring at work in a job that are for formats with this
    /// algorithm; each row chooses its own.
    ///
    /// # Errors
    /// When the ring has none, or too many columns select its keys.
    pub fn ring(
        ring: &KeyRing,
        alg: Alg,
        engine: &EngineInfo,
        job_id: &str,
    ) -> Result<Self, Error> {
        let Chosen { entries, choices } = Chosen::of(ring, alg)?;
        let keys = entries.iter().filter_map(|entry| match &entry.key {
            RingKey::Es256(key) => Some(key),
            RingKey::Hs256(_) => None,
        });
        let keys: Vec<&SigningKey> = keys.collect();
        let secrets = entries.iter().filter_map(|entry| match &entry.key {
            RingKey::Hs256(secret) => Some(secret.bytes()),
            RingKey::Es256(_) => None,
        });
        let secrets: Vec<&[u8]> = secrets.collect();
        let all = entries.iter().map(|entry| ring_key(entry)).collect();
        Ok(Self {
            engine: match alg {
                Alg::Es256 => {
                    let keys: Vec<_> = keys.iter().map(|key| key.ecdsa()).collect();
                    (engine.load)(&keys)
                }
                Alg::Hs256 => Box::new(Hs256::new(&secrets)),
            },
            stamps: keys
                .iter()
                .map(|key| Stamps::new(&key.scalar(), job_id))
                .collect(),
            key: KeyEntry {
                alg: alg.as_str().into(),
                fingerprint: fingerprint(&entries),
                public_key: None,
            },
            choices: Some(Arc::new(choices)),
            ring: all,
        })
    }

    /// The rules of these settings, which know how rows choose among the keys.
    ///
    /// # Errors
    /// When the settings name what the format does not have, or give a value
    /// its field refuses.
    pub fn rules(&self, settings: Settings) -> Result<Rules, Error> {
        let no_file = |error| Error::Plan { file: None, error };
        let mut rules = Rules::new(settings).map_err(no_file)?;
        if let Some(choices) = &self.choices {
            rules.choose(choices);
        }
        Ok(rules)
    }

    /// What derives each key's nonces, where nonces are derived.
    pub(super) fn stamps(&self) -> Option<&[Stamps]> {
        (!self.stamps.is_empty()).then_some(&self.stamps[..])
    }

    /// Signs one row, the text of a JSON object: as many lines of NDJSON as
    /// its count says. `number` is the row's record number, which its nonces
    /// are derived from.
    ///
    /// # Errors
    /// The row's problems, or why nothing can be signed.
    pub fn sign_row(&self, rules: &Rules, row: &str, number: u64) -> Result<Vec<u8>, RowError> {
        let rows = std::iter::once((row.as_bytes(), number));
        let signed = RowSigner::new(self, rules, Check::All).sign(rows, |_, _| None);
        let mut signed = signed.map_err(RowError::Failed)?;
        match signed.rejected.pop() {
            Some((_, problems)) => Err(RowError::Rejected(problems)),
            None => Ok(signed.lines),
        }
    }
}

//! A key at work: its engine, its nonces, and what is public of it.

use std::sync::Arc;

use crate::engine::{Check, Engine, EngineInfo, Hs256};
use crate::envelope::{Envelope, Style};
use crate::error::Error;
use crate::format::Alg;
use crate::key::{Secret, SigningKey};
use crate::output::{Compression, KeyEntry};
use crate::record::{Outcome, Plan, Problem, Records, Rules, Tally};
use crate::signing_input::Recipes;
use crate::stamp::Stamps;

use super::supply::Supply;
use super::task::{Press, sign_all};

/// A key at work.
pub struct Signer {
    /// Signs.
    pub engine: Box<dyn Engine>,
    /// Derives nonces; a shared secret derives none, because no format that
    /// is signed with one has a nonce.
    pub stamps: Option<Stamps>,
    /// The key, by what is public of it.
    pub key: KeyEntry,
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
            engine: (engine.load)(key.ecdsa()),
            stamps: Some(Stamps::new(&key.scalar(), job_id)),
            key: KeyEntry {
                alg: Alg::Es256.as_str().into(),
                fingerprint: public.fingerprint(),
                public_key: Some(public.spki_base64()),
            },
        }
    }

    /// A shared secret at work.
    pub fn hs256(secret: &Secret) -> Self {
        Self {
            engine: Box::new(Hs256::new(secret.bytes())),
            stamps: None,
            key: KeyEntry {
                alg: Alg::Hs256.as_str().into(),
                fingerprint: secret.fingerprint(),
                public_key: None,
            },
        }
    }

    /// Signs one row, the text of a JSON object: as many lines of NDJSON as
    /// its count says. `number` is the row's record number, which its nonces
    /// are derived from.
    ///
    /// # Errors
    /// The row's problems, or why nothing can be signed.
    pub fn sign_row(&self, rules: &Rules, row: &str, number: u64) -> Result<Vec<u8>, RowError> {
        let format = rules.format();
        let plan = Plan::for_members(rules);
        let mut records = Arc::<Supply<Records>>::default().take();
        records.prepare(rules);
        let mut problems = Vec::new();
        let mut notices = Tally::default();
        let row = row.as_bytes();
        match plan.check_json(row, number, &mut records, &mut problems, &mut notices) {
            Outcome::Reject => Err(RowError::Rejected(problems)),
            Outcome::Record => {
                let envelope = Envelope::of(rules, Style::Ndjson, &[], true);
                let recipes = Recipes::new(format);
                let press = Press {
                    recipes: &recipes,
                    signer: self,
                    envelope: &envelope,
                    self_check: Check::All,
                    compression: Compression::None,
                    benches: Arc::default(),
                    lines: Arc::default(),
                };
                sign_all(records, &press).map_err(RowError::Failed)
            }
        }
    }
}

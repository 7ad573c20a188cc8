//! What is wrong with a signed record, in words. This file must not know how
//! it was found.

use std::borrow::Cow;

use super::fields::NonceKey;
use super::judge::Pending;

/// One thing wrong with a signed record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// The member; empty for the whole line.
    pub field: String,
    /// What is wrong with it.
    pub says: String,
}

/// Everything found in one record.
#[derive(Clone, Debug, Default)]
pub struct Findings {
    /// What is wrong.
    pub all: Vec<Finding>,
    /// What must not repeat: of every nonce in it.
    pub nonces: Vec<NonceKey>,
    /// How many signatures it has, or should have.
    pub(super) signatures: usize,
    /// Its signatures, while nobody has judged them.
    pub(super) pending: Vec<Pending>,
}

impl Findings {
    /// Adds a finding.
    pub fn add<'s>(&mut self, field: &str, says: impl Into<Cow<'s, str>>) {
        self.insert(self.all.len(), field, says);
    }

    /// Adds a finding in front of others.
    pub(super) fn insert<'s>(&mut self, at: usize, field: &str, says: impl Into<Cow<'s, str>>) {
        let finding = Finding {
            field: field.to_owned(),
            says: says.into().into_owned(),
        };
        self.all.insert(at, finding);
    }
}

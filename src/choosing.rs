//! The keys of a ring as rows see them: what selects each, and what is public
//! of it. It must not know rows, engines or files of records.

use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::error::Error;
use crate::format::{Alg, Selector};
use crate::hex::hex;
use crate::output::{KeyEntry, RingKeyEntry};
use crate::record::{Choice, Choices};
use crate::ring::{KeyRing, Match, RingEntry};

/// Those keys of a ring that are for one algorithm.
#[derive(Debug)]
pub struct Chosen<'r> {
    /// The keys in the order of the ring; at least one.
    pub entries: Vec<&'r RingEntry>,
    /// How rows choose among them, each by its place.
    pub choices: Choices,
}

impl<'r> Chosen<'r> {
    /// Those keys of a ring that are for formats with this algorithm.
    ///
    /// # Errors
    /// When the ring has none, or too many columns select its keys.
    pub fn of(ring: &'r KeyRing, alg: Alg) -> Result<Self, Error> {
        let entries = ring.entries.iter().filter(|entry| entry.key.alg() == alg);
        let entries: Vec<&RingEntry> = entries.collect();
        if entries.is_empty() {
            return Err(Error::settings(
                format!("{} has no key for {alg}", ring.path.display()),
                "add a [[key]] of the format's family",
            ));
        }
        let choices = entries.iter().map(|entry| choice(entry)).collect();
        let choices = Choices::new(choices).map_err(|columns| {
            Error::settings(
                format!("{columns} columns select keys of {}", ring.path.display()),
                "give fewer of its entries a column",
            )
        })?;
        Ok(Self { entries, choices })
    }
}

/// What of a key selects it, as rows see it.
fn choice(entry: &RingEntry) -> Choice {
    let mut choice = Choice {
        id: entry.id.clone(),
        uses: entry.uses.clone(),
        key_id: entry.key_id.clone(),
        not_before: entry.not_before,
        not_after: entry.not_after,
        ..Choice::default()
    };
    for selects in &entry.matches {
        let (selector, values) = match selects {
            Match::AdNetwork(values) => (Selector::AdNetwork, values),
            Match::Bundle(values) => (Selector::Bundle, values),
            Match::KeyId(values) => (Selector::KeyId, values),
            Match::Account(values) => (Selector::Account, values),
            Match::Column { name, values } => {
                choice.column = Some((name.clone(), values.clone()));
                continue;
            }
        };
        choice.fields.push((selector, values.clone()));
    }
    choice
}

/// A key of a ring, by what is public of it.
pub fn ring_key(entry: &RingEntry) -> RingKeyEntry {
    RingKeyEntry {
        id: entry.id.clone(),
        key: KeyEntry {
            alg: entry.key.alg().as_str().into(),
            fingerprint: entry.key.fingerprint(),
            public_key: entry.key.public_key(),
        },
    }
}

/// Stands for a whole ring: the SHA-256 of everything in it that decides which
/// key signs what, and of every key's fingerprint.
pub fn fingerprint(entries: &[&RingEntry]) -> String {
    let entry = |entry: &&RingEntry| {
        let uses: Vec<&str> = entry.uses.iter().map(|kind| kind.family()).collect();
        let matches = entry.matches.iter().map(|selects| match selects {
            Match::Column { name, values } => json!([selects.name(), name, values]),
            selects => json!([selects.name(), selects.values()]),
        });
        json!({
            "id": entry.id,
            "families": uses,
            "selects": matches.collect::<Vec<Value>>(),
            "key-id": entry.key_id,
            "not-before": entry.not_before,
            "not-after": entry.not_after,
            "fingerprint": entry.key.fingerprint(),
        })
    };
    let entries: Vec<Value> = entries.iter().map(entry).collect();
    hex(&Sha256::digest(Value::from(entries).to_string()))
}

//! The keys that postbacks are held against: Apple's, and any given for tests.
//! This file must not know postbacks.

use crate::engine::{Verifier, batch};
use crate::format::Environment;
use crate::format::postback::APPLE_KEYS;
use crate::key::{KeyError, PublicKey};

/// Apple's keys, and any given beside them.
pub struct Keys {
    verifier: Box<dyn Verifier>,
    count: u16,
}

impl Keys {
    /// Apple's keys, and these: what is right under one of them is a test.
    ///
    /// # Errors
    /// When one of Apple's keys in the table is no key, which a test excludes.
    pub fn new(given: &[PublicKey]) -> Result<Self, KeyError> {
        let mut keys = Vec::with_capacity(APPLE_KEYS.len() + given.len());
        for key in APPLE_KEYS {
            keys.push(*PublicKey::from_bytes(key.spki.as_bytes())?.verifying_key());
        }
        keys.extend(given.iter().map(|key| *key.verifying_key()));
        Ok(Self {
            verifier: batch::load_verifier(&keys),
            // Nobody gives 65,000 keys; those behind them would not be tried.
            count: u16::try_from(keys.len()).unwrap_or(u16::MAX),
        })
    }

    /// How many there are.
    pub(super) fn count(&self) -> u16 {
        self.count
    }

    pub(super) fn verifier(&self) -> &dyn Verifier {
        self.verifier.as_ref()
    }
}

/// The number of Apple's key with this id.
pub(super) fn of_kid(kid: &str) -> Option<u16> {
    let at = APPLE_KEYS.iter().position(|key| key.kid == kid)?;
    u16::try_from(at).ok()
}

/// Whether the key of this number was given, and is not Apple's.
pub(super) fn is_given(key: u16) -> bool {
    usize::from(key) >= APPLE_KEYS.len()
}

/// What the key of this number signs.
pub(super) fn environment(key: u16) -> Environment {
    let apple = APPLE_KEYS.get(usize::from(key));
    apple.map_or(Environment::Test, |key| key.environment)
}

/// The key of this number, in words.
pub(super) fn name(key: u16) -> String {
    match APPLE_KEYS.get(usize::from(key)) {
        Some(key) => format!("Apple's {} key {}", key.environment.as_str(), key.kid),
        None => format!("the given key {}", usize::from(key) - APPLE_KEYS.len() + 1),
    }
}

/// The ids of Apple's keys, for a message.
pub(super) fn known() -> String {
    let all: Vec<&str> = APPLE_KEYS.iter().map(|key| key.kid).collect();
    all.join(", ")
}

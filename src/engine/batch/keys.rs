//! Private keys, ready for batches, and which of them signs which message.
//!
//! Who signs what is public: a lane's key is found by its number, and that is
//! an address nobody learns a secret from. What lies there is secret. This file
//! must not know how k is derived, points or how a batch is checked.

use p256::ecdsa::SigningKey;
use zeroize::Zeroize;

use super::digest::Part;
use super::lanes::{Lanes, Limbs, Modular, from_bytes};
use super::probe::Probe;
use super::rfc6979::NonceKey;

/// An element modulo n in every lane.
pub type Scalar<L> = <<L as Lanes>::N as Modular<L>>::Element;

/// A private key, ready for its batches. Secret.
struct Key {
    nonce: NonceKey,
    d: Limbs,
}

impl Drop for Key {
    fn drop(&mut self) {
        self.d.zeroize();
    }
}

impl Key {
    /// The key, shown to the probe before anything is made of it.
    fn new(key: &SigningKey, probe: &impl Probe) -> Self {
        let mut bytes: [u8; 32] = key.to_bytes().into();
        probe.secret(&mut bytes);
        let ready = Self {
            nonce: NonceKey::new(&bytes),
            d: from_bytes(&bytes),
        };
        bytes.zeroize();
        ready
    }
}

/// An engine's private keys in the order of their numbers. Secret but for how
/// many there are.
pub struct Keys(Vec<Key>);

impl Keys {
    /// All of them, shown to the probe.
    pub fn new(keys: &[&SigningKey], probe: &impl Probe) -> Self {
        // As many as there is room for from the start: a vector that grows
        // leaves copies behind.
        Self(keys.iter().map(|key| Key::new(key, probe)).collect())
    }
}

/// Some messages, and the key that signs each of them. The keys have been
/// looked for before: every number is that of a key.
#[derive(Clone, Copy)]
pub struct Signers<'a> {
    keys: &'a [Key],
    /// The messages.
    pub messages: Part<'a>,
    /// Whether they are signed by several keys.
    pub is_mixed: bool,
}

impl<'a> Signers<'a> {
    /// These messages and their keys.
    pub fn new(keys: &'a Keys, messages: Part<'a>) -> Self {
        Self {
            keys: &keys.0,
            messages,
            is_mixed: messages.only_key().is_none(),
        }
    }

    /// The key of this message; behind the last one, where a lane signs for
    /// nobody, the first one's.
    #[inline(always)]
    fn of(&self, at: usize) -> &'a Key {
        let at = if at < self.messages.len() { at } else { 0 };
        &self.keys[usize::from(self.messages.key(at))]
    }

    /// What nonces are derived from, of this message's key.
    #[inline(always)]
    pub fn nonce(&self, at: usize) -> &'a NonceKey {
        &self.of(at).nonce
    }

    /// d of a vector's messages.
    #[inline(always)]
    pub fn d<L: Lanes>(&self, lanes: L, vector: usize) -> Scalar<L> {
        let first = vector * L::WIDTH;
        let words = std::array::from_fn(|word| lanes.load(|lane| self.of(first + lane).d[word]));
        lanes.n().enter(&words)
    }
}

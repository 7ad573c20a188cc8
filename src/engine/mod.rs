//! Bytes in, signatures out, many at a time.
//!
//! An engine holds one key or several and signs whole batches of messages with
//! them; each message says by its number which key signs it, and the
//! signatures come out in the order of the messages, however the keys are
//! mixed. It hashes the messages itself, so that one which works in lanes can
//! hash in lanes, too. It must not know formats, JSON, encodings, files or
//! threads, nor what a key is chosen by: a batch goes in, as many fixed-width
//! signatures come out, and equal messages give equal signatures under the same
//! key in every engine.

pub mod batch;
mod hs256;
mod p256;

pub use hs256::Hs256;
pub use p256::{P256, P256Verifier};

/// A signer with its keys.
pub trait Engine: Verifier {
    /// The name for `--engine` and the manifest.
    fn name(&self) -> &'static str;

    /// What it computes with, for the manifest: the arithmetic that this
    /// processor lets it use.
    fn lanes(&self) -> &'static str;

    /// The width of one signature in bytes: 64 for ES256 (`r ‖ s`, RFC 7518
    /// §3.4), 32 for HS256 (§3.2).
    fn width(&self) -> usize;

    /// Signs every message under its own key; `out` is cleared and then holds
    /// one signature per message, in the same order. Gives how many signatures
    /// `check` found wrong and had computed anew: 0, unless the machine
    /// miscalculates.
    ///
    /// # Errors
    /// When a message asks for a key that the engine does not hold, or a
    /// signature could not be made, or came out wrong once more. Nothing in
    /// `out` may be used then.
    fn sign_batch(
        &self,
        messages: &Messages,
        check: Check,
        out: &mut Signatures,
    ) -> Result<u64, SignError>;
}

/// How much of its own work an engine checks before it hands it out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Check {
    /// Every signature is verified, beside what `Batch` does.
    All,
    /// What an engine can check of a whole batch for a share of the work. The
    /// engines that sign one message after another verify the batch's first
    /// signature: that finds a broken build or processor, not a flipped bit.
    Batch,
    /// Nothing.
    Off,
}

impl Check {
    /// The name for `--self-check` and the manifest.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::All => "all",
            Self::Batch => "batch",
            Self::Off => "off",
        }
    }

    /// How many of a batch's signatures are verified one after another.
    fn singles(self, count: usize) -> usize {
        match self {
            Self::All => count,
            Self::Batch => count.min(1),
            Self::Off => 0,
        }
    }
}

/// Judges signatures under one key or several; for ES256 the public halves are
/// enough.
pub trait Verifier: Send + Sync {
    /// Whether this signature, `r ‖ s` or an HMAC, is right for this message
    /// under key 0: the only one, where there is one.
    fn verify(&self, message: &[u8], signature: &[u8]) -> bool;

    /// The same under the key of this number; nothing is right under a key
    /// that the verifier does not hold.
    fn verify_keyed(&self, key: u16, message: &[u8], signature: &[u8]) -> bool {
        key == 0 && self.verify(message, signature)
    }

    /// Judges many at once, each under its message's key: `verdicts` is cleared
    /// and then holds one verdict per message, in the same order.
    ///
    /// # Panics
    /// When there are not as many signatures as messages.
    fn verify_batch(&self, messages: &Messages, signatures: &Signatures, verdicts: &mut Vec<bool>) {
        assert_eq!(messages.len(), signatures.len(), "a signature each");
        verdicts.clear();
        verdicts.extend((0..messages.len()).map(|at| {
            let (message, signature) = (messages.get(at), signatures.get(at));
            self.verify_keyed(messages.key(at), message, signature)
        }));
    }
}

/// An ES256 engine that can be asked for by name.
#[derive(Debug)]
pub struct EngineInfo {
    /// The name for `--engine`.
    pub name: &'static str,
    /// What it is, in a few words.
    pub doc: &'static str,
    /// Puts keys to work. A key's place here is the number that messages ask
    /// for it by.
    pub load: fn(&[&::p256::ecdsa::SigningKey]) -> Box<dyn Engine>,
}

/// The ES256 engines, the preferred one first. All give the same bytes.
pub static ENGINES: &[EngineInfo] = &[
    EngineInfo {
        name: "batch",
        doc: "a thousand messages share their work, in the widest lanes of this processor",
        load: batch::load,
    },
    EngineInfo {
        name: "batch-portable",
        doc: "the same without the processor's special instructions",
        load: batch::load_portable,
    },
    EngineInfo {
        name: "p256",
        doc: "RustCrypto's p256, one message after another",
        load: |keys| Box::new(P256::new(keys)),
    },
];

/// Signing failed; with valid keys, known numbers and a sound machine this does
/// not happen.
#[derive(Debug, thiserror::Error)]
pub enum SignError {
    /// A message asks for a key that was not loaded.
    #[error("message {at} of a batch asks for key {key}, and the {engine} engine holds {}", held(*.keys))]
    UnknownKey {
        /// The engine's name.
        engine: &'static str,
        /// The message's place in its batch, from 0.
        at: usize,
        /// The number that it asks for.
        key: u16,
        /// How many keys the engine holds.
        keys: usize,
    },
    /// No signature came out.
    #[error("the {engine} engine could not sign message {at} of a batch")]
    Failed {
        /// The engine's name.
        engine: &'static str,
        /// The message's place in its batch, from 0.
        at: usize,
    },
    /// A signature came out wrong, was computed anew, and is wrong again.
    #[error("the {engine} engine signed message {at} of a batch wrongly, and so did the reference")]
    Wrong {
        /// The engine's name.
        engine: &'static str,
        /// The message's place in its batch, from 0.
        at: usize,
    },
}

/// How many keys an engine holds, in words.
fn held(keys: usize) -> String {
    match keys {
        0 => "none".to_owned(),
        1 => "key 0 only".to_owned(),
        _ => format!("keys 0 to {}", keys - 1),
    }
}

/// That an engine of so many keys holds every one that is asked for.
fn hold(engine: &'static str, keys: usize, messages: &Messages) -> Result<(), SignError> {
    match messages.first_beyond(keys) {
        None => Ok(()),
        Some(at) => Err(SignError::UnknownKey {
            engine,
            at,
            key: messages.key(at),
            keys,
        }),
    }
}

/// Messages back to back in one buffer, and the number of the key of each.
#[derive(Clone, Debug, Default)]
pub struct Messages {
    bytes: Vec<u8>,
    ends: Vec<usize>,
    /// The numbers of the messages' keys, as far as the last one that is not 0:
    /// where there is one key, nothing is kept.
    keys: Vec<u16>,
}

impl Messages {
    /// Removes all messages and keeps the memory.
    pub fn clear(&mut self) {
        self.bytes.clear();
        self.ends.clear();
        self.keys.clear();
    }

    /// Adds the message that `write` appends, for key 0.
    pub fn push_with<T>(&mut self, write: impl FnOnce(&mut Vec<u8>) -> T) -> T {
        let result = write(&mut self.bytes);
        self.ends.push(self.bytes.len());
        result
    }

    /// Adds the message that `write` appends, for the key of this number.
    pub fn push_keyed<T>(&mut self, key: u16, write: impl FnOnce(&mut Vec<u8>) -> T) -> T {
        let result = self.push_with(write);
        if key != 0 {
            self.keys.resize(self.ends.len(), 0);
            self.keys[self.ends.len() - 1] = key;
        }
        result
    }

    /// Adds a message for key 0.
    pub fn push(&mut self, message: &[u8]) {
        self.push_with(|bytes| bytes.extend_from_slice(message));
    }

    /// How many messages there are.
    pub fn len(&self) -> usize {
        self.ends.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.ends.is_empty()
    }

    /// How many bytes all messages have together.
    pub fn total_bytes(&self) -> usize {
        self.bytes.len()
    }

    /// The message at this place.
    ///
    /// # Panics
    /// When there is none.
    pub fn get(&self, at: usize) -> &[u8] {
        let start = if at == 0 { 0 } else { self.ends[at - 1] };
        &self.bytes[start..self.ends[at]]
    }

    /// The number of the key of the message at this place; 0 where there is no
    /// message.
    pub fn key(&self, at: usize) -> u16 {
        self.keys.get(at).copied().unwrap_or(0)
    }

    /// Whether any key but key 0 is asked for.
    fn is_keyed(&self) -> bool {
        !self.keys.is_empty()
    }

    /// The first message whose key is none of the first so many.
    fn first_beyond(&self, keys: usize) -> Option<usize> {
        match keys {
            0 => (!self.is_empty()).then_some(0),
            _ => self.keys.iter().position(|key| usize::from(*key) >= keys),
        }
    }

    /// All messages in their order.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = &[u8]> {
        (0..self.len()).map(|at| self.get(at))
    }
}

/// Signatures of one width, back to back.
#[derive(Clone, Debug, Default)]
pub struct Signatures {
    bytes: Vec<u8>,
    width: usize,
}

impl Signatures {
    /// Makes room for `count` signatures of `width` bytes, all zero, and
    /// gives them to be filled in.
    pub fn reset(&mut self, count: usize, width: usize) -> std::slice::ChunksExactMut<'_, u8> {
        self.width = width;
        self.bytes.clear();
        self.bytes.resize(count * width, 0);
        self.bytes.chunks_exact_mut(width)
    }

    /// Makes room for `count` signatures of 64 bytes, all zero.
    fn reset_64(&mut self, count: usize) -> &mut [[u8; 64]] {
        self.clear(64);
        self.bytes.resize(count * 64, 0);
        self.bytes.as_chunks_mut().0
    }

    /// All signatures, where they have 64 bytes each.
    fn of_64(&self) -> Option<&[[u8; 64]]> {
        (self.width == 64).then(|| self.bytes.as_chunks().0)
    }

    /// Removes all signatures and takes ones of this width from now on.
    pub fn clear(&mut self, width: usize) {
        self.width = width;
        self.bytes.clear();
    }

    /// Adds a signature.
    ///
    /// # Panics
    /// When it does not have the width.
    pub fn push(&mut self, signature: &[u8]) {
        assert_eq!(signature.len(), self.width, "signatures of one width");
        self.bytes.extend_from_slice(signature);
    }

    /// How many signatures there are.
    pub fn len(&self) -> usize {
        self.bytes.len().checked_div(self.width).unwrap_or(0)
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.bytes.is_empty()
    }

    /// The signature at this place.
    ///
    /// # Panics
    /// When there is none.
    pub fn get(&self, at: usize) -> &[u8] {
        &self.bytes[at * self.width..(at + 1) * self.width]
    }
}

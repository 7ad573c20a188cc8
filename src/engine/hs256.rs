//! HS256: HMAC with SHA-256 (RFC 2104, RFC 7518 §3.2).

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

use super::{Check, Engine, Messages, SignError, Signatures, Verifier, hold};

/// A secret's two padded blocks are hashed once; every message starts from
/// its key's state.
pub struct Hs256 {
    keyed: Vec<Hmac<Sha256>>,
}

impl Hs256 {
    /// An engine with these secrets, in the order of their numbers; their bytes
    /// are taken as they are.
    pub fn new(secrets: &[&[u8]]) -> Self {
        let keyed = |secret: &&[u8]| match Hmac::<Sha256>::new_from_slice(secret) {
            Ok(keyed) => keyed,
            Err(_) => unreachable!("HMAC takes a key of any length"),
        };
        Self {
            keyed: secrets.iter().map(keyed).collect(),
        }
    }

    /// The HMAC that this message's bytes have gone into; `None` where there is
    /// no such key.
    fn mac(&self, key: u16, message: &[u8]) -> Option<Hmac<Sha256>> {
        let mut mac = self.keyed.get(usize::from(key))?.clone();
        mac.update(message);
        Some(mac)
    }
}

impl Engine for Hs256 {
    fn name(&self) -> &'static str {
        "hmac"
    }

    fn lanes(&self) -> &'static str {
        "one"
    }

    fn width(&self) -> usize {
        32
    }

    fn sign_batch(
        &self,
        messages: &Messages,
        check: Check,
        out: &mut Signatures,
    ) -> Result<u64, SignError> {
        let engine = self.name();
        hold(engine, self.keyed.len(), messages)?;
        let slots = out.reset(messages.len(), self.width());
        let mut recomputed = 0;
        for (at, (message, slot)) in messages.iter().zip(slots).enumerate() {
            let key = messages.key(at);
            let sign = |slot: &mut [u8]| {
                let mac = self.mac(key, message);
                let mac = mac.ok_or(SignError::Failed { engine, at })?;
                slot.copy_from_slice(&mac.finalize().into_bytes());
                Ok(())
            };
            sign(slot)?;
            let is_checked = at < check.singles(messages.len());
            if is_checked && !self.verify_keyed(key, message, slot) {
                sign(slot)?;
                recomputed += 1;
                if !self.verify_keyed(key, message, slot) {
                    return Err(SignError::Wrong { engine, at });
                }
            }
        }
        Ok(recomputed)
    }
}

impl Verifier for Hs256 {
    fn verify(&self, message: &[u8], signature: &[u8]) -> bool {
        self.verify_keyed(0, message, signature)
    }

    fn verify_keyed(&self, key: u16, message: &[u8], signature: &[u8]) -> bool {
        let mac = self.mac(key, message);
        // Compares in constant time.
        mac.is_some_and(|mac| mac.verify_slice(signature).is_ok())
    }
}

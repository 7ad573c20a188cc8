//! HS256: HMAC with SHA-256 (RFC 2104, RFC 7518 §3.2).

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

use super::{Check, Engine, Messages, SignError, Signatures, Verifier};

/// The secret's two padded blocks are hashed once; every message starts from
/// that state.
pub struct Hs256 {
    keyed: Hmac<Sha256>,
}

impl Hs256 {
    /// An engine with this secret, its bytes taken as they are.
    pub fn new(secret: &[u8]) -> Self {
        let keyed = match Hmac::<Sha256>::new_from_slice(secret) {
            Ok(keyed) => keyed,
            Err(_) => unreachable!("HMAC takes a key of any length"),
        };
        Self { keyed }
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
        let slots = out.reset(messages.len(), self.width());
        let mut recomputed = 0;
        for (at, (message, slot)) in messages.iter().zip(slots).enumerate() {
            let sign = |slot: &mut [u8]| {
                let mut mac = self.keyed.clone();
                mac.update(message);
                slot.copy_from_slice(&mac.finalize().into_bytes());
            };
            sign(slot);
            if at < check.singles(messages.len()) && !self.verify(message, slot) {
                sign(slot);
                recomputed += 1;
                if !self.verify(message, slot) {
                    let engine = self.name();
                    return Err(SignError::Wrong { engine, at });
                }
            }
        }
        Ok(recomputed)
    }
}

impl Verifier for Hs256 {
    fn verify(&self, message: &[u8], signature: &[u8]) -> bool {
        let mut mac = self.keyed.clone();
        mac.update(message);
        // Compares in constant time.
        mac.verify_slice(signature).is_ok()
    }
}

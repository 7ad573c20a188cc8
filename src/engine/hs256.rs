//! HS256: HMAC with SHA-256 (RFC 2104, RFC 7518 §3.2).

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

use super::{Engine, Messages, SignError, Signatures, Verifier};

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

    fn width(&self) -> usize {
        32
    }

    fn sign_batch(&self, messages: &Messages, out: &mut Signatures) -> Result<(), SignError> {
        let slots = out.reset(messages.len(), self.width());
        for (message, slot) in messages.iter().zip(slots) {
            let mut mac = self.keyed.clone();
            mac.update(message);
            slot.copy_from_slice(&mac.finalize().into_bytes());
        }
        Ok(())
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

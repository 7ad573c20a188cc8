//! ES256 through RustCrypto's `p256`: the reference every other engine must
//! equal byte for byte.

use ::p256::ecdsa::signature::{Signer, Verifier as _};
use ::p256::ecdsa::{Signature, SigningKey, VerifyingKey};

use super::{Check, Engine, Messages, SignError, Signatures, Verifier, hold};

/// One message after another: SHA-256, k of RFC 6979 §3.2, `r ‖ s`. `s` stays
/// as it comes out: nothing asks for its lower form, and RFC 6979's own
/// vectors have a high one.
pub struct P256 {
    keys: Vec<SigningKey>,
}

impl P256 {
    /// An engine with these keys, in the order of their numbers.
    pub fn new(keys: &[&SigningKey]) -> Self {
        Self {
            keys: keys.iter().copied().cloned().collect(),
        }
    }

    /// How many keys it holds.
    pub(super) fn keys(&self) -> usize {
        self.keys.len()
    }

    /// One signature of 64 bytes; `None` where none came out.
    pub(super) fn sign(&self, key: u16, message: &[u8], slot: &mut [u8]) -> Option<()> {
        let key = self.keys.get(usize::from(key))?;
        let signature: Signature = key.try_sign(message).ok()?;
        slot.copy_from_slice(&signature.to_bytes());
        Some(())
    }
}

impl Engine for P256 {
    fn name(&self) -> &'static str {
        "p256"
    }

    fn lanes(&self) -> &'static str {
        "one"
    }

    fn width(&self) -> usize {
        64
    }

    fn sign_batch(
        &self,
        messages: &Messages,
        check: Check,
        out: &mut Signatures,
    ) -> Result<u64, SignError> {
        let engine = self.name();
        hold(engine, self.keys(), messages)?;
        let slots = out.reset(messages.len(), self.width());
        let mut recomputed = 0;
        for (at, (message, slot)) in messages.iter().zip(slots).enumerate() {
            let key = messages.key(at);
            self.sign(key, message, slot)
                .ok_or(SignError::Failed { engine, at })?;
            let is_checked = at < check.singles(messages.len());
            if is_checked && !self.verify_keyed(key, message, slot) {
                self.sign(key, message, slot)
                    .filter(|()| self.verify_keyed(key, message, slot))
                    .ok_or(SignError::Wrong { engine, at })?;
                recomputed += 1;
            }
        }
        Ok(recomputed)
    }
}

impl Verifier for P256 {
    fn verify(&self, message: &[u8], signature: &[u8]) -> bool {
        self.verify_keyed(0, message, signature)
    }

    fn verify_keyed(&self, key: u16, message: &[u8], signature: &[u8]) -> bool {
        let key = self.keys.get(usize::from(key));
        key.is_some_and(|key| verifies(key.verifying_key(), message, signature))
    }
}

/// The public half of one key: FIPS 186-5 §6.4.2.
pub struct P256Verifier(VerifyingKey);

impl P256Verifier {
    /// A verifier with this key.
    pub fn new(key: VerifyingKey) -> Self {
        Self(key)
    }
}

impl Verifier for P256Verifier {
    fn verify(&self, message: &[u8], signature: &[u8]) -> bool {
        verifies(&self.0, message, signature)
    }
}

fn verifies(key: &VerifyingKey, message: &[u8], signature: &[u8]) -> bool {
    Signature::from_slice(signature).is_ok_and(|signature| key.verify(message, &signature).is_ok())
}

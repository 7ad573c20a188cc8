//! The batch engine: ES256 for many messages under one key or several, to the
//! same bytes as `p256`.
//!
//! One signature after another cannot share work; a thousand at a time can:
//!
//! * the nonces of RFC 6979, sixteen lanes of SHA-256 side by side
//!   ([`rfc6979`], `digest`);
//! * k·G by a comb whose additions run in lockstep and share their inversions
//!   ([`comb`], [`lockstep`]): 31 affine additions of five products and a square, where a
//!   library that signs one message needs twice as many multiplications;
//! * 1/k for all k with one inversion ([`inversion`]);
//! * eight lanes of 52-bit limbs where the processor multiplies them
//!   ([`radix52`], over [`crate::vector`]), formally verified portable arithmetic
//!   elsewhere ([`portable`]).
//!
//! It reads from below: [`lanes`] are what is computed with, then arithmetic, then the comb, then [`sign`] and
//! [`verify`], which follow FIPS 186-5 step by step, and [`check`], which lets
//! nothing faulty out. What the batch way cannot do (an unfit k, an exception
//! of the comb; neither ever happens by chance) is left to `p256`, one message
//! at a time.
//!
//! **Several keys.** Nearly all of the work knows no key: the comb, its table,
//! the additions and the shared inversions are those of G. So a batch is not
//! sorted or split by its keys; every lane has its own ([`keys`]), in three
//! places: the state that RFC 6979's HMACs start from, d in s = k⁻¹·(z + r·d),
//! and d again in the check's equation. Each message's number picks them from a
//! table of 96 bytes a key, which is wiped with the engine. That adds two
//! products modulo n for eight signatures, and nothing where all messages of a
//! batch have the same key. Fifty keys in turn, or a thousand, sign at 94 to
//! 100 % of one key's rate, the spread being the measurement's. What only messages of one key share (a
//! JOSE header with its key's id) is no longer the beginning of all of them, and
//! is hashed for each.
//!
//! Verifying ([`verify`], and `Check::All`) does depend on the key, by the comb
//! of Q: each vector has its own, for 21 MB at the most. Fifty keys in turn
//! verify at half to two thirds of one key's rate; keys of very few signatures, and all
//! but the first 64 that have more, at `p256`'s.
//!
//! **Costs** of one signature: 15 compressions for k, and one for every 64
//! bytes of message; 31 · (5 products + 1 square) modulo p, 10 products modulo
//! n, and its share of ten inversions.
//!
//! **Constant time.** No branch and no address depends on the key, k or its
//! digits, but for the flags that [`probe::Probe::declassify`] lists.
//! `ct/` holds that with Valgrind; CONTRIBUTING.md says how.
//!
//! The engine must not know formats, files or threads.

pub mod check;
pub mod comb;
pub mod digest;
mod engine;
pub mod inversion;
pub mod keys;
pub mod lanes;
pub mod lockstep;
pub mod modulus;
pub mod nonces;
pub mod portable;
pub mod probe;
pub mod radix52;
pub mod rfc6979;
pub mod sign;
pub mod sum;
pub mod verify;
pub mod wide;

pub use engine::Batch;
pub use verify::BatchVerifier;

use ::p256::ecdsa::{SigningKey, VerifyingKey};

use super::{Engine, Verifier};
use portable::Portable;
use wide::Wide;

/// How many messages are worked on at once.
pub const BATCH: usize = 1024;

/// Puts keys to work with the widest lanes that this processor has.
pub fn load(keys: &[&SigningKey]) -> Box<dyn Engine> {
    #[cfg(target_arch = "x86_64")]
    if let Some(v) = crate::vector::Avx512::detect() {
        return Box::new(Batch::new(Wide(v), keys));
    }
    load_portable(keys)
}

/// Puts keys to work with the portable lanes.
pub fn load_portable(keys: &[&SigningKey]) -> Box<dyn Engine> {
    Box::new(Batch::new(Portable, keys).named("batch-portable"))
}

/// Puts public keys to work with the widest lanes that this processor has.
pub fn load_verifier(keys: &[VerifyingKey]) -> Box<dyn Verifier> {
    #[cfg(target_arch = "x86_64")]
    if let Some(v) = crate::vector::Avx512::detect() {
        return Box::new(BatchVerifier::new(Wide(v), keys));
    }
    Box::new(BatchVerifier::new(Portable, keys))
}

#[cfg(test)]
mod tests;

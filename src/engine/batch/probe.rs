//! Where a test can look into a batch: flip a bit, or tell a tool which memory
//! is secret. In production nothing is there and nothing is called.

use super::lanes::{Lanes, Limbs, Mask, lane};

/// A place in the computation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    /// The digest, as a number below n.
    Z,
    /// The nonce k, as a number below n.
    K,
    /// The digits of k, which is what the comb multiplies by.
    Digits,
    /// The x of R = k·G.
    X,
    /// The y of R.
    Y,
    /// The signature's r.
    R,
    /// The signature's s.
    S,
}

/// Something that looks on. Called for every signature of a batch, in the
/// order of the stages.
pub trait Probe: Send + Sync {
    /// Whether anything looks on at all.
    const LOOKS: bool = true;

    /// A value of the message at this place of its batch.
    fn at(&self, stage: Stage, message: usize, value: &mut Limbs) {
        let _ = (stage, message, value);
    }

    /// Key material, right after it was made.
    fn secret(&self, bytes: &mut [u8]) {
        let _ = bytes;
    }

    /// A mask that code is going to branch on, though secrets decide it: k not
    /// below n, r or s zero, a difference of zero, a check that failed. All of
    /// them are either public afterwards or never happen on a sound machine.
    fn declassify(&self, masks: &mut [Mask]) {
        let _ = masks;
    }
}

/// Nothing looks on.
#[derive(Clone, Copy, Debug)]
pub struct Unwatched;

impl Probe for Unwatched {
    const LOOKS: bool = false;
}

/// Shows every lane's value.
#[inline(always)]
pub fn show<L: Lanes>(probe: &impl Probe, stage: Stage, lanes: L, vectors: &mut [[L::Word; 4]]) {
    for (vector, words) in vectors.iter_mut().enumerate() {
        let mut values = [[0; 4]; 8];
        for (at, value) in values.iter_mut().enumerate().take(L::WIDTH) {
            *value = lane(lanes, words, at);
            probe.at(stage, vector * L::WIDTH + at, value);
        }
        *words = std::array::from_fn(|word| lanes.load(|lane| values[lane][word]));
    }
}

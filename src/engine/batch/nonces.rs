//! Digests and nonces of a batch: what a signature takes from its message and
//! its key, before any point is computed. This file must not know points.

use super::comb::Digits;
use super::digest::{Beginning, digests};
use super::keys::Signers;
use super::lanes::{Lanes, Mask, N, is_zero, select, splat, subtract};
use super::probe::{Probe, Stage, show};
use super::rfc6979::NonceKeys;
use crate::vector::Work;

/// A number in every lane.
pub type Number<L> = [<L as Lanes>::Word; 4];

/// What follows from the messages and their keys. Secret.
pub struct Nonces<L: Lanes> {
    /// bits2int(h1) mod n.
    pub z: Vec<Number<L>>,
    /// k; 1 where the lane is flagged.
    pub k: Vec<Number<L>>,
    /// Its digits.
    pub digits: Vec<Digits<L>>,
    /// Lanes whose k is not between 1 and n − 1.
    pub flags: Vec<Mask>,
}

impl<L: Lanes> Default for Nonces<L> {
    fn default() -> Self {
        Self {
            z: Vec::new(),
            k: Vec::new(),
            digits: Vec::new(),
            flags: Vec::new(),
        }
    }
}

impl<L: Lanes> Nonces<L> {
    /// Computes them for all messages.
    pub fn derive<Pr: Probe>(&mut self, lanes: L, signers: Signers<'_>, probe: &Pr) {
        self.z.clear();
        self.k.clear();
        self.digits.clear();
        self.flags.clear();
        lanes.enter(Derive {
            lanes,
            signers,
            beginning: Beginning::of(signers.messages),
            nonces: self,
        });
        // Hashes are wider than vectors: the last vector may have no message.
        let vectors = signers.messages.len().div_ceil(L::WIDTH);
        self.z.truncate(vectors);
        self.k.truncate(vectors);
        self.flags.truncate(vectors);
        if Pr::LOOKS {
            show(probe, Stage::Z, lanes, &mut self.z);
            show(probe, Stage::K, lanes, &mut self.k);
        }
        lanes.enter(Recode {
            lanes,
            nonces: self,
        });
        if Pr::LOOKS {
            let mut shown: Vec<_> = self.digits.iter().map(Digits::number).collect();
            show(probe, Stage::Digits, lanes, &mut shown);
            for (digits, number) in self.digits.iter_mut().zip(shown) {
                *digits.number_mut() = number;
            }
        }
    }

    /// Overwrites what is secret.
    pub fn forget(&mut self, lanes: L) {
        let zero = [lanes.splat(0); 4];
        self.k.fill(zero);
        self.digits.fill(Digits::zero(lanes));
    }
}

/// Digests and nonces.
struct Derive<'a, L: Lanes> {
    lanes: L,
    signers: Signers<'a>,
    beginning: Beginning,
    nonces: &'a mut Nonces<L>,
}

impl<L: Lanes> Work<()> for Derive<'_, L> {
    #[inline(always)]
    fn run(self) {
        let Self {
            lanes,
            signers,
            beginning,
            nonces,
        } = self;
        let messages = signers.messages;
        let mut keys = NonceKeys::nobodys(lanes);
        let n = splat(lanes, &N);
        let one = splat(lanes, &[1, 0, 0, 0]);
        for first in (0..messages.len()).step_by(L::WIDTH * L::HASHED) {
            let h1 = digests(lanes, messages, first, &beginning);
            // bits2octets: the digest less n, where that is not negative.
            let mut z = [[lanes.splat(0); 4]; 2];
            for (vector, z) in z.iter_mut().enumerate().take(L::HASHED) {
                let digest = lanes.join(&h1, vector);
                let (less, negative) = subtract(lanes, &digest, &n);
                *z = select(lanes, negative, &digest, &less);
            }
            if first == 0 || signers.is_mixed {
                keys.load(lanes, |lane| signers.nonce(first + lane));
            }
            let k = keys.derive(lanes, &lanes.split(&z[..L::HASHED]));
            for (vector, z) in z.iter().enumerate().take(L::HASHED) {
                let k = lanes.join(&k, vector);
                let (_, below) = subtract(lanes, &k, &n);
                let unfit = !below | is_zero(lanes, &k);
                nonces.z.push(*z);
                nonces.k.push(select(lanes, unfit, &one, &k));
                nonces.flags.push(unfit);
            }
        }
    }
}

/// The digits of all k.
struct Recode<'a, L: Lanes> {
    lanes: L,
    nonces: &'a mut Nonces<L>,
}

impl<L: Lanes> Work<()> for Recode<'_, L> {
    #[inline(always)]
    fn run(self) {
        let Self { lanes, nonces } = self;
        for k in &nonces.k {
            nonces.digits.push(Digits::new(lanes, k));
        }
    }
}

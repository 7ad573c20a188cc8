//! Verification of a batch under one public key: FIPS 186-5 §6.4.2, every
//! step for all signatures before the next one.
//!
//! All signatures of a file have the same Q, so u₁·G + u₂·Q is a sum over two
//! combs. Nothing here is secret. This file must not know files or formats.

use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use p256::ProjectivePoint;
use p256::ecdsa::VerifyingKey;

use super::BATCH;
use super::check::read;
use super::comb::{Comb, Digits};
use super::digest::{Beginning, Part, digests};
use super::engine::base;
use super::inversion::invert_all;
use super::lanes::{Lanes, Mask, Modular, N, is_zero, select, splat, subtract};
use super::lockstep::{Factor, Space, multiply};
use super::nonces::{Number, Scalar};
use crate::engine::{Messages, P256Verifier, Signatures, Verifier};
use crate::vector::Work;

/// From how many signatures on the comb of Q is worth making.
const WORTH: usize = 64;

/// The public half of a key, ready for its batches.
pub struct BatchVerifier<L: Lanes> {
    lanes: L,
    point: ProjectivePoint,
    /// The combs of G and Q, from the first large batch on.
    combs: OnceLock<(Arc<Comb<L>>, Comb<L>)>,
    reference: P256Verifier,
    spaces: Mutex<Vec<Verifying<L>>>,
}

impl<L: Lanes> BatchVerifier<L> {
    /// A verifier with this key.
    pub fn new(lanes: L, key: VerifyingKey) -> Self {
        Self {
            lanes,
            point: ProjectivePoint::from(*key.as_affine()),
            combs: OnceLock::new(),
            reference: P256Verifier::new(key),
            spaces: Mutex::default(),
        }
    }

    /// Judges some messages' signatures.
    pub(super) fn judge(
        &self,
        messages: Part<'_>,
        signatures: &[[u8; 64]],
        verdicts: &mut Vec<bool>,
    ) {
        let combs = match self.combs.get() {
            None if messages.len() < WORTH => {
                verdicts.extend((0..messages.len()).map(|at| {
                    let message = messages.get(at);
                    self.reference.verify(message, &signatures[at])
                }));
                return;
            }
            _ => self
                .combs
                .get_or_init(|| (base(self.lanes), Comb::new(self.lanes, &self.point))),
        };
        let (base, own) = combs;
        let spaces = || self.spaces.lock().unwrap_or_else(PoisonError::into_inner);
        let mut space = spaces().pop().unwrap_or_default();
        space.run(self.lanes, base, own, messages, signatures);
        for (at, signature) in signatures.iter().enumerate() {
            let (vector, lane) = (at / L::WIDTH, at % L::WIDTH);
            let bit = |masks: &[Mask]| masks[vector] >> lane & 1 == 1;
            verdicts.push(match bit(&space.flags) {
                true => self.reference.verify(messages.get(at), signature),
                false => bit(&space.valid),
            });
        }
        spaces().push(space);
    }
}

impl<L: Lanes> Verifier for BatchVerifier<L> {
    fn verify(&self, message: &[u8], signature: &[u8]) -> bool {
        self.reference.verify(message, signature)
    }

    fn verify_batch(&self, messages: &Messages, signatures: &Signatures, verdicts: &mut Vec<bool>) {
        assert_eq!(messages.len(), signatures.len(), "a signature each");
        verdicts.clear();
        let Some(signatures) = signatures.of_64() else {
            verdicts.resize(messages.len(), false);
            return;
        };
        for (at, signatures) in signatures.chunks(BATCH).enumerate() {
            let first = at * BATCH;
            let part = Part::new(messages, first..first + signatures.len());
            self.judge(part, signatures, verdicts);
        }
    }
}

/// Memory to be used again.
struct Verifying<L: Lanes> {
    space: Space<L>,
    /// Lanes whose signature is right, where no flag is set.
    valid: Vec<Mask>,
    /// Lanes that an exception of the comb hit, or whose u₁ is zero.
    flags: Vec<Mask>,
    /// Lanes whose r or s is not between 1 and n − 1.
    unfit: Vec<Mask>,
    z: Vec<Number<L>>,
    r: Vec<Number<L>>,
    inverses: Vec<Scalar<L>>,
    before: Vec<Scalar<L>>,
    u1: Vec<Digits<L>>,
    u2: Vec<Digits<L>>,
}

impl<L: Lanes> Default for Verifying<L> {
    fn default() -> Self {
        Self {
            space: Space::default(),
            valid: Vec::new(),
            flags: Vec::new(),
            unfit: Vec::new(),
            z: Vec::new(),
            r: Vec::new(),
            inverses: Vec::new(),
            before: Vec::new(),
            u1: Vec::new(),
            u2: Vec::new(),
        }
    }
}

impl<L: Lanes> Verifying<L> {
    fn run(
        &mut self,
        lanes: L,
        base: &Comb<L>,
        own: &Comb<L>,
        messages: Part<'_>,
        signatures: &[[u8; 64]],
    ) {
        lanes.enter(Scalars {
            lanes,
            messages,
            beginning: Beginning::of(messages),
            signatures,
            verifying: self,
        });
        // Step 5: R = u₁·G + u₂·Q.
        let factors = [
            Factor {
                comb: base,
                digits: &self.u1,
                is_secret: false,
            },
            Factor {
                comb: own,
                digits: &self.u2,
                is_secret: false,
            },
        ];
        multiply(lanes, &factors, &mut self.space, &mut self.flags);
        lanes.enter(Compare {
            lanes,
            verifying: self,
        });
    }
}

/// Steps 1 to 4: the ranges, z, 1/s, u₁ = z/s and u₂ = r/s.
struct Scalars<'a, L: Lanes> {
    lanes: L,
    messages: Part<'a>,
    beginning: Beginning,
    signatures: &'a [[u8; 64]],
    verifying: &'a mut Verifying<L>,
}

impl<L: Lanes> Work<()> for Scalars<'_, L> {
    #[inline(always)]
    fn run(self) {
        let Self {
            lanes,
            messages,
            beginning,
            signatures,
            verifying,
        } = self;
        let n = lanes.n();
        let order = splat(lanes, &N);
        let one = splat(lanes, &[1, 0, 0, 0]);
        let vectors = messages.len().div_ceil(L::WIDTH);
        verifying.z.clear();
        for first in (0..messages.len()).step_by(L::WIDTH * L::HASHED) {
            let h = digests(lanes, messages, first, &beginning);
            for vector in 0..L::HASHED {
                verifying.z.push(lanes.join(&h, vector));
            }
        }
        verifying.r.clear();
        verifying.unfit.clear();
        verifying.inverses.clear();
        for vector in 0..vectors {
            let (r, s) = read(lanes, signatures, vector);
            let fits = |number: &Number<L>| {
                let (_, below) = subtract(lanes, number, &order);
                below & !is_zero(lanes, number)
            };
            let unfit = !(fits(&r) & fits(&s));
            verifying.unfit.push(unfit);
            verifying.r.push(select(lanes, unfit, &one, &r));
            let s = select(lanes, unfit, &one, &s);
            verifying.inverses.push(n.enter(&s));
        }
        invert_all(n, &mut verifying.inverses, &mut verifying.before);
        verifying.u1.clear();
        verifying.u2.clear();
        verifying.flags.clear();
        for (vector, inverse) in verifying.inverses.iter().enumerate() {
            let u1 = n.leave(&n.mul(inverse, &n.enter(&verifying.z[vector])));
            let u2 = n.leave(&n.mul(inverse, &n.enter(&verifying.r[vector])));
            // u₂ is a product of two numbers that are not zero.
            verifying.flags.push(is_zero(lanes, &u1));
            verifying.u1.push(Digits::new(lanes, &u1));
            verifying.u2.push(Digits::new(lanes, &u2));
        }
    }
}

/// Steps 6 to 8: whether x ≡ r mod n.
struct Compare<'a, L: Lanes> {
    lanes: L,
    verifying: &'a mut Verifying<L>,
}

impl<L: Lanes> Work<()> for Compare<'_, L> {
    #[inline(always)]
    fn run(self) {
        let Self { lanes, verifying } = self;
        let (p, n) = (lanes.p(), lanes.n());
        verifying.valid.clear();
        for (vector, unfit) in verifying.unfit.iter().enumerate() {
            let x = n.leave(&n.enter(&p.leave(&verifying.space.x[vector])));
            let r = &verifying.r[vector];
            let difference = std::array::from_fn(|at| lanes.xor(x[at], r[at]));
            verifying.valid.push(is_zero(lanes, &difference) & !unfit);
        }
    }
}

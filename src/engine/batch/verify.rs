//! Verification of a batch under one public key or several: FIPS 186-5 §6.4.2,
//! every step for all signatures before the next one.
//!
//! u₁·G + u₂·Q is a sum over two combs. Signatures of one key have the same Q.
//! Those of several keys are put in the order of their keys, so that every
//! vector of lanes has one Q; the last vector of each key is filled up. They
//! still share all inversions.
//!
//! A comb takes a third of a megabyte and as long to make as some fifty
//! verifications by `p256`. So a key gets its own once it has had `WORTH`
//! signatures to be judged, and only the first `MOST` keys that get so far do: 21
//! MB at the most.
//! All other signatures are judged by `p256`, one after another. Nothing here is
//! secret. This file must not know files or formats.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use p256::ProjectivePoint;
use p256::ecdsa::VerifyingKey;

use super::BATCH;
use super::check::read;
use super::comb::{Comb, Digits};
use super::digest::{Beginning, Part, digests};
use super::engine::base;
use super::inversion::invert_all;
use super::keys::Scalar;
use super::lanes::{Lanes, Mask, Modular, N, is_zero, select, splat, subtract};
use super::lockstep::{Factor, Space, multiply};
use super::nonces::Number;
use crate::engine::{Messages, P256Verifier, Signatures, Verifier};
use crate::vector::Work;

/// From how many signatures on the comb of a key's Q is worth making.
const WORTH: usize = 64;

/// How many keys get a comb.
const MOST: usize = 64;

/// The public halves of keys, ready for their batches.
pub struct BatchVerifier<L: Lanes> {
    lanes: L,
    /// In the order of their numbers.
    keys: Vec<Public<L>>,
    /// How many of them asked for a comb.
    asked: AtomicUsize,
    /// The comb of G, from the first large batch on.
    base: OnceLock<Arc<Comb<L>>>,
    spaces: Mutex<Vec<Memory<L>>>,
}

/// One public key.
struct Public<L: Lanes> {
    point: ProjectivePoint,
    /// How many signatures it has had, until it asked for its comb.
    judged: AtomicUsize,
    /// The comb of Q; `None` for a key that came too late to get one.
    comb: OnceLock<Option<Comb<L>>>,
    reference: P256Verifier,
}

/// What a batch is judged in, to be used again.
struct Memory<L: Lanes> {
    verifying: Verifying<L>,
    /// Places in a batch of several keys, key by key; then those of its lanes.
    sorted: Vec<u16>,
    order: Vec<u16>,
    /// The lanes' signatures.
    signatures: Vec<[u8; 64]>,
}

impl<L: Lanes> Default for Memory<L> {
    fn default() -> Self {
        Self {
            verifying: Verifying::default(),
            sorted: Vec::new(),
            order: Vec::new(),
            signatures: Vec::new(),
        }
    }
}

impl<L: Lanes> BatchVerifier<L> {
    /// A verifier with these keys, in the order of their numbers.
    pub fn new(lanes: L, keys: &[VerifyingKey]) -> Self {
        let public = |key: &VerifyingKey| Public {
            point: ProjectivePoint::from(*key.as_affine()),
            judged: AtomicUsize::new(0),
            comb: OnceLock::new(),
            reference: P256Verifier::new(*key),
        };
        Self {
            lanes,
            keys: keys.iter().map(public).collect(),
            asked: AtomicUsize::new(0),
            base: OnceLock::new(),
            spaces: Mutex::default(),
        }
    }

    /// The comb of a key that has so many more signatures to be judged, where
    /// it has one.
    fn comb(&self, key: u16, more: usize) -> Option<&Comb<L>> {
        let key = self.keys.get(usize::from(key))?;
        let make = || {
            let is_early = self.asked.fetch_add(1, Ordering::Relaxed) < MOST;
            is_early.then(|| Comb::new(self.lanes, &key.point))
        };
        let comb = match key.comb.get() {
            Some(comb) => comb,
            None if key.judged.fetch_add(more, Ordering::Relaxed) + more < WORTH => return None,
            None => key.comb.get_or_init(make),
        };
        comb.as_ref()
    }

    /// One signature by the reference, under its message's key.
    fn judge_alone(&self, messages: Part<'_>, at: usize, signature: &[u8; 64]) -> bool {
        self.verify_keyed(messages.key(at), messages.get(at), signature)
    }

    /// Judges some messages' signatures; `verdicts` takes one for each.
    pub(super) fn judge(&self, messages: Part<'_>, signatures: &[[u8; 64]], verdicts: &mut [bool]) {
        let spaces = || self.spaces.lock().unwrap_or_else(PoisonError::into_inner);
        let mut memory = spaces().pop().unwrap_or_default();
        match messages.only_key() {
            Some(key) => self.judge_one(key, messages, signatures, &mut memory, verdicts),
            None => self.judge_mixed(messages, signatures, &mut memory, verdicts),
        }
        spaces().push(memory);
    }

    /// Messages of one key.
    fn judge_one(
        &self,
        key: u16,
        messages: Part<'_>,
        signatures: &[[u8; 64]],
        memory: &mut Memory<L>,
        verdicts: &mut [bool],
    ) {
        let verifying = &mut memory.verifying;
        let Some(comb) = self.comb(key, messages.len()) else {
            for (at, (signature, verdict)) in signatures.iter().zip(verdicts).enumerate() {
                *verdict = self.judge_alone(messages, at, signature);
            }
            return;
        };
        let base = self.base.get_or_init(|| base(self.lanes));
        verifying.run(self.lanes, base, &[comb], messages, signatures);
        for (at, (signature, verdict)) in signatures.iter().zip(verdicts).enumerate() {
            let judged = verifying.verdict(at);
            *verdict = judged.unwrap_or_else(|| self.judge_alone(messages, at, signature));
        }
    }

    /// Messages of several keys.
    fn judge_mixed(
        &self,
        messages: Part<'_>,
        signatures: &[[u8; 64]],
        memory: &mut Memory<L>,
        verdicts: &mut [bool],
    ) {
        let Memory {
            verifying,
            sorted,
            order,
            signatures: own,
        } = memory;
        let key = |at: &u16| messages.key(usize::from(*at));
        sorted.clear();
        // A batch has no more than 2^16 messages.
        sorted.extend((0..=u16::MAX).take(messages.len()));
        sorted.sort_unstable_by_key(|at| (key(at), *at));
        let mut combs = Vec::new();
        order.clear();
        for same in sorted.chunk_by(|a, b| key(a) == key(b)) {
            let Some(comb) = self.comb(key(&same[0]), same.len()) else {
                for at in same.iter().map(|at| usize::from(*at)) {
                    verdicts[at] = self.judge_alone(messages, at, &signatures[at]);
                }
                continue;
            };
            let vectors = same.len().div_ceil(L::WIDTH);
            let filled = same.iter().chain(std::iter::repeat(&same[0]));
            order.extend(filled.take(vectors * L::WIDTH));
            combs.extend(std::iter::repeat_n(comb, vectors));
        }
        if order.is_empty() {
            return;
        }
        own.clear();
        own.extend(order.iter().map(|at| signatures[usize::from(*at)]));
        let base = self.base.get_or_init(|| base(self.lanes));
        let lanes = messages.reordered(order);
        verifying.run(self.lanes, base, &combs, lanes, own);
        for (lane, at) in order.iter().map(|at| usize::from(*at)).enumerate() {
            let judged = verifying.verdict(lane);
            verdicts[at] = judged.unwrap_or_else(|| self.judge_alone(messages, at, &own[lane]));
        }
    }
}

impl<L: Lanes> Verifier for BatchVerifier<L> {
    fn verify(&self, message: &[u8], signature: &[u8]) -> bool {
        self.verify_keyed(0, message, signature)
    }

    fn verify_keyed(&self, key: u16, message: &[u8], signature: &[u8]) -> bool {
        let key = self.keys.get(usize::from(key));
        key.is_some_and(|key| key.reference.verify(message, signature))
    }

    fn verify_batch(&self, messages: &Messages, signatures: &Signatures, verdicts: &mut Vec<bool>) {
        assert_eq!(messages.len(), signatures.len(), "a signature each");
        verdicts.clear();
        verdicts.resize(messages.len(), false);
        let Some(signatures) = signatures.of_64() else {
            return;
        };
        let parts = signatures.chunks(BATCH).zip(verdicts.chunks_mut(BATCH));
        for (at, (signatures, verdicts)) in parts.enumerate() {
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
        own: &[&Comb<L>],
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
                combs: &[base],
                digits: &self.u1,
                is_secret: false,
            },
            Factor {
                combs: own,
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

    /// Whether a lane's signature is right; `None` where the batch way does not
    /// say.
    fn verdict(&self, at: usize) -> Option<bool> {
        let (vector, lane) = (at / L::WIDTH, at % L::WIDTH);
        let bit = |masks: &[Mask]| masks[vector] >> lane & 1 == 1;
        (!bit(&self.flags)).then(|| bit(&self.valid))
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

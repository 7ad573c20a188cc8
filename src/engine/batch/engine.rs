//! Keys at work in batches: what goes the batch way, what goes to `p256`, and
//! what is checked. This file must not know arithmetic.

use std::any::Any;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use ::p256::ProjectivePoint;
use ::p256::ecdsa::SigningKey;
use ::p256::elliptic_curve::Group;

use super::BATCH;
use super::check::Checking;
use super::comb::Comb;
use super::digest::Part;
use super::keys::{Keys, Signers};
use super::lanes::{Lanes, Mask};
use super::probe::{Probe, Unwatched};
use super::sign::Signing;
use super::verify::BatchVerifier;
use crate::engine::{Check, Engine, Messages, P256, SignError, Signatures, Verifier, hold};

/// So few messages are signed faster one after another: the inversions that a
/// batch shares cost more than they do.
const ALONE: usize = 2;

/// ES256 for many messages under one key or several.
pub struct Batch<L: Lanes, Pr: Probe = Unwatched> {
    name: &'static str,
    lanes: L,
    keys: Keys,
    /// The comb of G, from the first batch on.
    comb: OnceLock<Arc<Comb<L>>>,
    /// Signs what the batch way cannot.
    reference: P256,
    verifier: BatchVerifier<L>,
    probe: Pr,
    spaces: Mutex<Vec<Memory<L>>>,
}

/// What a batch is computed in, to be used again.
struct Memory<L: Lanes> {
    signing: Signing<L>,
    checking: Checking<L>,
    verdicts: Vec<bool>,
}

impl<L: Lanes> Default for Memory<L> {
    fn default() -> Self {
        Self {
            signing: Signing::default(),
            checking: Checking::default(),
            verdicts: Vec::new(),
        }
    }
}

/// The comb of G; made once per process for each kind of lanes.
pub(super) fn base<L: Lanes>(lanes: L) -> Arc<Comb<L>> {
    static COMBS: Mutex<Vec<Arc<dyn Any + Send + Sync>>> = Mutex::new(Vec::new());
    let mut combs = COMBS.lock().unwrap_or_else(PoisonError::into_inner);
    let found = combs.iter().find_map(|any| Arc::clone(any).downcast().ok());
    found.unwrap_or_else(|| {
        let comb = Arc::new(Comb::new(lanes, &ProjectivePoint::generator()));
        combs.push(Arc::clone(&comb) as Arc<dyn Any + Send + Sync>);
        comb
    })
}

impl<L: Lanes> Batch<L> {
    /// An engine with these keys, in the order of their numbers.
    pub fn new(lanes: L, keys: &[&SigningKey]) -> Self {
        Self::with(lanes, keys, OnceLock::new(), Unwatched)
    }
}

impl<L: Lanes, Pr: Probe> Batch<L, Pr> {
    /// An engine that a probe looks into, with a comb of G.
    pub fn watched(lanes: L, keys: &[&SigningKey], comb: Arc<Comb<L>>, probe: Pr) -> Self {
        Self::with(lanes, keys, OnceLock::from(comb), probe)
    }

    fn with(lanes: L, keys: &[&SigningKey], comb: OnceLock<Arc<Comb<L>>>, probe: Pr) -> Self {
        let public: Vec<_> = keys.iter().map(|key| *key.verifying_key()).collect();
        Self {
            name: "batch",
            lanes,
            keys: Keys::new(keys, &probe),
            comb,
            reference: P256::new(keys),
            verifier: BatchVerifier::new(lanes, &public),
            probe,
            spaces: Mutex::default(),
        }
    }

    /// The same engine by another name.
    #[must_use]
    pub fn named(mut self, name: &'static str) -> Self {
        self.name = name;
        self
    }

    /// One message of a batch by the reference, under its own key.
    fn sign_alone(
        &self,
        part: Part<'_>,
        at: usize,
        first: usize,
        signature: &mut [u8; 64],
    ) -> Result<(), SignError> {
        let (engine, in_all) = (self.name, first + at);
        let signed = self.reference.sign(part.key(at), part.get(at), signature);
        signed.ok_or(SignError::Failed { engine, at: in_all })
    }

    /// Signs one batch; gives how many signatures were computed anew.
    fn sign_part(
        &self,
        part: Part<'_>,
        first: usize,
        check: Check,
        memory: &mut Memory<L>,
        signatures: &mut [[u8; 64]],
    ) -> Result<u64, SignError> {
        let comb = self.comb.get_or_init(|| base(self.lanes));
        let signers = Signers::new(&self.keys, part);
        let signing = &mut memory.signing;
        signing.run(self.lanes, signers, comb, &self.probe);
        self.probe.declassify(&mut signing.flags);
        signing.write(self.lanes, signatures);
        for (at, signature) in signatures.iter_mut().enumerate() {
            if is_set(&signing.flags, L::WIDTH, at) {
                self.sign_alone(part, at, first, signature)?;
            }
        }
        if check == Check::Off {
            return Ok(0);
        }
        let checking = &mut memory.checking;
        checking.run(self.lanes, signers, signing, signatures);
        self.probe.declassify(&mut checking.wrong);
        self.probe
            .declassify(std::slice::from_mut(&mut checking.wrong_sum));
        memory.verdicts.clear();
        memory.verdicts.resize(part.len(), true);
        if check == Check::All {
            self.verifier.judge(part, signatures, &mut memory.verdicts);
        }
        self.mend(part, first, memory, signatures)
    }

    /// Computes anew what the check found wrong; where the sum is wrong, it
    /// can be any, so all.
    fn mend(
        &self,
        part: Part<'_>,
        first: usize,
        memory: &Memory<L>,
        signatures: &mut [[u8; 64]],
    ) -> Result<u64, SignError> {
        let checking = &memory.checking;
        let wrong_sum = checking.wrong_sum != 0;
        let mut recomputed = 0;
        for (at, signature) in signatures.iter_mut().enumerate() {
            let is_wrong = is_set(&checking.wrong, L::WIDTH, at) || !memory.verdicts[at];
            if !is_wrong && !wrong_sum {
                continue;
            }
            let before = *signature;
            self.sign_alone(part, at, first, signature)?;
            let (key, message) = (part.key(at), part.get(at));
            if !self.reference.verify_keyed(key, message, signature) {
                let (engine, at) = (self.name, first + at);
                return Err(SignError::Wrong { engine, at });
            }
            recomputed += u64::from(is_wrong || before != *signature);
        }
        // The fault may have hit a value that no signature shows.
        Ok(recomputed.max(u64::from(wrong_sum)))
    }
}

/// What a batch leaves behind is overwritten by the next one, and in the end.
impl<L: Lanes, Pr: Probe> Drop for Batch<L, Pr> {
    fn drop(&mut self) {
        let spaces = self.spaces.get_mut();
        for memory in spaces.unwrap_or_else(PoisonError::into_inner) {
            memory.signing.space.forget(self.lanes);
        }
    }
}

fn is_set(masks: &[Mask], width: usize, at: usize) -> bool {
    masks[at / width] >> (at % width) & 1 == 1
}

impl<L: Lanes, Pr: Probe> Engine for Batch<L, Pr> {
    fn name(&self) -> &'static str {
        self.name
    }

    fn lanes(&self) -> &'static str {
        L::NAME
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
        hold(self.name, self.reference.keys(), messages)?;
        if messages.len() <= ALONE && !Pr::LOOKS {
            return self.reference.sign_batch(messages, check, out);
        }
        let spaces = || self.spaces.lock().unwrap_or_else(PoisonError::into_inner);
        let mut memory = spaces().pop().unwrap_or_default();
        let mut recomputed = 0;
        let signatures = out.reset_64(messages.len());
        for (at, signatures) in signatures.chunks_mut(BATCH).enumerate() {
            let first = at * BATCH;
            let part = Part::new(messages, first..first + signatures.len());
            let signed = self.sign_part(part, first, check, &mut memory, signatures);
            memory.signing.forget(self.lanes);
            memory.checking.forget(self.lanes);
            recomputed += signed?;
        }
        spaces().push(memory);
        Ok(recomputed)
    }
}

impl<L: Lanes, Pr: Probe> Verifier for Batch<L, Pr> {
    fn verify(&self, message: &[u8], signature: &[u8]) -> bool {
        self.verifier.verify(message, signature)
    }

    fn verify_keyed(&self, key: u16, message: &[u8], signature: &[u8]) -> bool {
        self.verifier.verify_keyed(key, message, signature)
    }

    fn verify_batch(&self, messages: &Messages, signatures: &Signatures, verdicts: &mut Vec<bool>) {
        self.verifier.verify_batch(messages, signatures, verdicts);
    }
}

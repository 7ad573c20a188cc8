//! The search itself: which choices, alone and in pairs, make a signature
//! right. It must not know what a choice means.

use std::collections::HashSet;
use std::hash::{BuildHasher, RandomState};

use crate::engine::{Messages, Signatures, Verifier};

use super::mistake::Mistake;

/// How many variants are judged together.
const BATCH: usize = 1024;

/// How many bytes they have then at the most, unless one has more.
const BATCH_BYTES: usize = 1 << 20;

/// What a choice is about. Of two choices about the same thing only one can
/// be made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Slot {
    /// A value, by the place of its field.
    Field(usize),
    /// What stands around the whole message.
    Frame,
    /// A token's header.
    Header,
    /// Which values there are, and in which order.
    Order,
    /// What stands between values; how a payload is written.
    Style,
}

/// One way in which a message may have been another.
#[derive(Debug)]
pub(super) struct Choice {
    pub(super) slot: Slot,
    pub(super) mistake: Mistake,
    pub(super) rarity: Rarity,
}

/// How seldom something is seen, and so with what it is sought together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Rarity {
    /// Often: with everything but what is sought alone.
    Common,
    /// Seldom: with what is seen often.
    Rare,
    /// Very seldom, or a matter of chance: alone.
    Alone,
}

impl Rarity {
    fn goes_with(self, other: Self) -> bool {
        matches!(
            (self, other),
            (Self::Common, Self::Common | Self::Rare) | (Self::Rare, Self::Common)
        )
    }
}

/// A message that can be written in other ways.
pub(super) trait Message {
    /// Every other way.
    fn choices(&self) -> &[Choice];

    /// Appends the message under the choices of these places.
    fn write(&self, picked: &[usize], out: &mut Vec<u8>);

    /// The same as a person reads it.
    fn show(&self, picked: &[usize]) -> String;
}

/// One way to read a signature.
#[derive(Clone, Debug)]
pub(super) struct Reading {
    /// `r ‖ s`, or an HMAC.
    pub(super) bytes: Vec<u8>,
    /// What is wrong with how it is written, where something is.
    pub(super) mistakes: Vec<Mistake>,
}

/// Keys that a signature may be of.
pub(super) struct Bench<'v> {
    pub(super) verifier: &'v dyn Verifier,
    /// The numbers of the keys to try.
    pub(super) keys: Vec<u16>,
    /// The width of a signature in bytes.
    pub(super) width: usize,
}

/// What makes the signature right.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Hit {
    /// The reading.
    pub(super) reading: usize,
    /// The key's number.
    pub(super) key: u16,
    /// The choices.
    pub(super) picked: Vec<usize>,
}

/// A search through the variants of one message.
pub(super) struct Search<'a> {
    message: &'a dyn Message,
    readings: &'a [Reading],
    seen: HashSet<(u64, u16, usize)>,
    hasher: RandomState,
    /// How many variants were judged.
    pub(super) tried: usize,
}

impl<'a> Search<'a> {
    pub(super) fn new(message: &'a dyn Message, readings: &'a [Reading]) -> Self {
        Self {
            message,
            readings,
            seen: HashSet::new(),
            hasher: RandomState::new(),
            tried: 0,
        }
    }

    /// The message as it should be.
    pub(super) fn as_it_is(&mut self, bench: &Bench<'_>) -> Option<Hit> {
        self.all(bench, std::iter::once(vec![]))
    }

    /// Each choice alone.
    pub(super) fn singly(&mut self, bench: &Bench<'_>) -> Option<Hit> {
        let count = self.message.choices().len();
        self.all(bench, (0..count).map(|at| vec![at]))
    }

    /// These combinations of choices.
    pub(super) fn these(&mut self, bench: &Bench<'_>, all: Vec<Vec<usize>>) -> Option<Hit> {
        self.all(bench, all.into_iter())
    }

    /// Two choices at a time.
    pub(super) fn in_pairs(&mut self, bench: &Bench<'_>) -> Option<Hit> {
        let choices = self.message.choices();
        let pairs = (0..choices.len()).flat_map(|first| {
            let others = first + 1..choices.len();
            others.filter_map(move |second| {
                let (a, b) = (&choices[first], &choices[second]);
                let is_sought = a.slot != b.slot && a.rarity.goes_with(b.rarity);
                is_sought.then(|| vec![first, second])
            })
        });
        self.all(bench, pairs)
    }

    fn all(
        &mut self,
        bench: &Bench<'_>,
        variants: impl Iterator<Item = Vec<usize>>,
    ) -> Option<Hit> {
        let mut batch = Batch::new(bench.width);
        let mut bytes = Vec::new();
        for picked in variants {
            bytes.clear();
            self.message.write(&picked, &mut bytes);
            let digest = self.hasher.hash_one(&bytes);
            for (reading, signature) in self.readings.iter().enumerate() {
                if signature.bytes.len() != bench.width {
                    continue;
                }
                for key in &bench.keys {
                    // Two choices may write the same; the first one is named.
                    if self.seen.insert((digest, *key, reading)) {
                        batch.add(&bytes, &signature.bytes, *key, reading, &picked);
                    }
                }
            }
            if (batch.of.len() >= BATCH || batch.messages.total_bytes() >= BATCH_BYTES)
                && let Some(hit) = self.judge(bench, &mut batch)
            {
                return Some(hit);
            }
        }
        self.judge(bench, &mut batch)
    }

    fn judge(&mut self, bench: &Bench<'_>, batch: &mut Batch) -> Option<Hit> {
        self.tried += batch.of.len();
        let mut verdicts = Vec::new();
        if !batch.of.is_empty() {
            let verifier = bench.verifier;
            verifier.verify_batch(&batch.messages, &batch.signatures, &mut verdicts);
        }
        let first = verdicts.iter().position(|is_right| *is_right);
        let hit = first.map(|at| batch.of.swap_remove(at));
        *batch = Batch::new(bench.width);
        hit
    }
}

/// Variants that wait to be judged.
struct Batch {
    messages: Messages,
    signatures: Signatures,
    of: Vec<Hit>,
}

impl Batch {
    fn new(width: usize) -> Self {
        let mut signatures = Signatures::default();
        signatures.clear(width);
        Self {
            messages: Messages::default(),
            signatures,
            of: Vec::new(),
        }
    }

    fn add(
        &mut self,
        message: &[u8],
        signature: &[u8],
        key: u16,
        reading: usize,
        picked: &[usize],
    ) {
        self.messages
            .push_keyed(key, |out| out.extend_from_slice(message));
        self.signatures.push(signature);
        self.of.push(Hit {
            reading,
            key,
            picked: picked.to_vec(),
        });
    }
}

//! Sixteen nonces at once, where the processor has lanes that are faster than
//! its own instructions for SHA-256: those wait for each other, lanes do not.
//! This file must not know what the items are.

use sha2::block_api::compress256;
use zeroize::Zeroizing;

use super::items::BLOCK;
use super::outer_words;
#[cfg(target_arch = "x86_64")]
use crate::vector::Avx512;
#[cfg(test)]
use crate::vector::Model;
use crate::vector::{Vector, Work, sha256};

/// How many nonces are made side by side.
pub(super) const LANES: usize = 16;

/// The blocks of one nonce's items for each lane.
pub(super) type Group<'b> = [&'b [[u8; BLOCK]]; LANES];

/// The states after each lane's key's blocks, word by word.
#[derive(Default)]
pub(super) struct Keys {
    inner: Zeroizing<[[u32; LANES]; 8]>,
    outer: Zeroizing<[[u32; LANES]; 8]>,
}

impl Keys {
    /// Gives a lane its key's states.
    pub(super) fn set(&mut self, lane: usize, inner: &[u32; 8], outer: &[u32; 8]) {
        for (words, word) in self.inner.iter_mut().zip(inner) {
            words[lane] = *word;
        }
        for (words, word) in self.outer.iter_mut().zip(outer) {
            words[lane] = *word;
        }
    }
}

/// Lanes that this processor has.
#[derive(Clone, Copy)]
pub(super) enum Wide {
    #[cfg(target_arch = "x86_64")]
    Avx512(Avx512),
    /// The same lanes on any processor, only slower.
    #[cfg(test)]
    Model,
}

impl Wide {
    /// Asks the processor.
    pub(super) fn find() -> Option<Self> {
        #[cfg(target_arch = "x86_64")]
        return Avx512::detect().map(Self::Avx512);
        #[cfg(not(target_arch = "x86_64"))]
        return None;
    }

    /// The first four words of every lane's tag, word by word.
    pub(super) fn tags(self, keys: &Keys, group: &Group<'_>) -> [[u32; LANES]; 4] {
        match self {
            #[cfg(target_arch = "x86_64")]
            Self::Avx512(v) => v.enter(Tags { v, keys, group }),
            #[cfg(test)]
            Self::Model => Model.enter(Tags {
                v: Model,
                keys,
                group,
            }),
        }
    }
}

struct Tags<'a, 'b, V> {
    v: V,
    keys: &'a Keys,
    group: &'a Group<'b>,
}

impl<V: Vector> Work<[[u32; LANES]; 4]> for Tags<'_, '_, V> {
    #[inline(always)]
    fn run(self) -> [[u32; LANES]; 4] {
        let Self { v, keys, group } = self;
        let least = group.iter().map(|blocks| blocks.len()).min().unwrap_or(0);
        let mut states = keys.inner.map(|words| v.load32(words));
        for at in 0..least {
            let blocks = v.blocks(&group.map(|blocks| &blocks[at]));
            sha256::compress(v, &mut states, &blocks);
        }
        if group.iter().any(|blocks| blocks.len() > least) {
            states = finish_long(states.map(|word| v.store32(word)), least, group)
                .map(|word| v.load32(word));
        }
        let mut words = outer_words().map(|word| v.splat32(word));
        words[..8].copy_from_slice(&states);
        let mut states = keys.outer.map(|words| v.load32(words));
        sha256::compress(v, &mut states, &words);
        [states[0], states[1], states[2], states[3]].map(|word| v.store32(word))
    }
}

/// What some lanes have beyond the others is taken in lane by lane: it is rare,
/// and one long row must not cost sixteen times its length.
fn finish_long(
    mut states: [[u32; LANES]; 8],
    least: usize,
    group: &Group<'_>,
) -> [[u32; LANES]; 8] {
    for (lane, blocks) in group.iter().enumerate() {
        if blocks.len() > least {
            let mut state = states.map(|word| word[lane]);
            compress256(&mut state, &blocks[least..]);
            for (word, new) in states.iter_mut().zip(state) {
                word[lane] = new;
            }
        }
    }
    states
}

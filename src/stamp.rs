//! Nonces, derived so that a run is a pure function.
//!
//! A nonce is made of what it is for: the job, the row, the copy, and every
//! value that is signed with it. The same job gives the same nonces after a
//! crash, on another machine and with other threads; another job id gives
//! others. This module must not know formats or rows: it gets labelled bytes.
//!
//! ```text
//! nonce key = HKDF-SHA256(salt "campaign-signer nonce v1", IKM private scalar, info job id)
//! nonce     = UUID v4 made of the first 16 bytes of
//!             HMAC-SHA256(nonce key, item ‖ item ‖ …), each item a 32-bit
//!             big-endian length and its bytes; an absent value is the
//!             length ff ff ff ff alone
//! items     = label, identity tag, identity, copy (64-bit big-endian, from 0),
//!             format, version, timestamp, every other signed value
//! identity  = "place" and the record's place (64-bit big-endian, from 1), or
//!             "row-id" and the id's bytes, and behind them, where the row meets
//!             a publisher, "publisher" and its number (64-bit big-endian, from 1)
//! ```
//!
//! A record's place is its row's number over all inputs. Where rows meet `P`
//! publishers, that of row `n` and publisher `p` is `(n - 1) P + p`, whichever
//! publishers the row meets.
//!
//! The version is empty where a format has none, the timestamp is the record's
//! own time as it is signed. The other values are those of the fields that the
//! record's version has, a header's `kid` included, in the order in which the
//! format lists its fields, each in its canonical text; constants, the version,
//! the time and the nonce itself are left out. A field without a value is
//! absent, an empty value is not.
//!
//! HKDF is RFC 5869, HMAC RFC 2104, the UUID's layout RFC 9562 §5.4. The
//! derivation is pinned by golden vectors and does not change between
//! releases.

mod items;
mod wide;

use hkdf::Hkdf;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use sha2::block_api::compress256;
use uuid::{Builder, Uuid};
use zeroize::Zeroizing;

use crate::vector::sha256::INITIAL;

use items::BLOCK;
pub use items::Items;
use wide::{Group, Keys, LANES, Wide};

/// What a row is known by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Identity<'a> {
    /// The record's place over all inputs, and over all publishers where rows
    /// meet any, from 1.
    Place(u64),
    /// The value of a column of its own.
    RowId(&'a [u8]),
    /// The same, and the number of the publisher that the row meets, from 1.
    RowIdAt(&'a [u8], u64),
}

/// Derives the nonces of one job.
pub struct Stamps {
    keyed: Hmac<Sha256>,
    /// SHA-256's states after the key's two padded blocks: every nonce starts
    /// from these.
    inner: Zeroizing<[u32; 8]>,
    outer: Zeroizing<[u32; 8]>,
    wide: Option<Wide>,
}

impl Stamps {
    /// The nonces of the job `job_id` under a key, given by its 32-byte
    /// private scalar.
    pub fn new(scalar: &[u8; 32], job_id: &str) -> Self {
        let mut nonce_key = Zeroizing::new([0_u8; 32]);
        let expanded = Hkdf::<Sha256>::new(Some(b"campaign-signer nonce v1"), scalar)
            .expand(job_id.as_bytes(), nonce_key.as_mut());
        let keyed = Hmac::<Sha256>::new_from_slice(nonce_key.as_ref());
        match (expanded, keyed) {
            (Ok(()), Ok(keyed)) => Self {
                keyed,
                inner: padded(&nonce_key, 0x36),
                outer: padded(&nonce_key, 0x5c),
                wide: Wide::find(),
            },
            _ => unreachable!("HKDF gives 32 bytes, and HMAC takes a key of any length"),
        }
    }

    /// Starts the nonce of one label, row and copy (copies count from 0).
    pub fn start(&self, label: &str, identity: Identity<'_>, copy: u64) -> Stamp {
        let mut items = Items::default();
        items.start(label, identity, copy);
        Stamp {
            keyed: self.keyed.clone(),
            items,
        }
    }

    /// The nonces of all these items, each of which was closed; `out` is
    /// cleared.
    pub fn finish_all(&self, items: &Items, out: &mut Vec<Uuid>) {
        Self::finish_each(|_| self, items, out);
    }

    /// The same, each nonce under the key that `of` gives for its place, from
    /// 0. Lanes do not mind whose keys they work with.
    pub fn finish_each<'s>(of: impl Fn(usize) -> &'s Self, items: &Items, out: &mut Vec<Uuid>) {
        out.clear();
        if items.is_empty() {
            return;
        }
        out.reserve(items.len());
        let mut blocks = items.blocks();
        let mut keys = Keys::default();
        // Mostly all lanes keep the one key there is.
        let mut held: [Option<&Self>; LANES] = [None; LANES];
        let mut group: Group<'_> = [&[]; LANES];
        loop {
            let mut filled = 0;
            for (slot, blocks) in group.iter_mut().zip(&mut blocks) {
                *slot = blocks;
                filled += 1;
            }
            if filled == 0 {
                return;
            }
            let start = out.len();
            match of(start).wide {
                Some(wide) if filled > LANES / 2 => {
                    // A lane without a nonce repeats another's.
                    let (last, first) = (group[filled..].len(), group[0]);
                    group[LANES - last..].fill(first);
                    for lane in 0..LANES {
                        let stamps = of(start + lane.min(filled - 1));
                        if !held[lane].is_some_and(|held| std::ptr::eq(held, stamps)) {
                            keys.set(lane, &stamps.inner, &stamps.outer);
                            held[lane] = Some(stamps);
                        }
                    }
                    let tags = wide.tags(&keys, &group);
                    let tag = |lane: usize| uuid(tags.map(|word| word[lane]));
                    out.extend((0..filled).map(tag));
                }
                _ => {
                    let nonces = group[..filled].iter().enumerate();
                    out.extend(nonces.map(|(at, blocks)| of(start + at).finish(blocks)));
                }
            }
            if filled < LANES {
                return;
            }
        }
    }

    /// One nonce after another.
    fn finish(&self, blocks: &[[u8; BLOCK]]) -> Uuid {
        let mut state = *self.inner;
        compress256(&mut state, blocks);
        let mut words = outer_words();
        words[..8].copy_from_slice(&state);
        let mut block = [0; BLOCK];
        for (bytes, word) in block.as_chunks_mut().0.iter_mut().zip(words) {
            *bytes = word.to_be_bytes();
        }
        let mut state = *self.outer;
        compress256(&mut state, &[block]);
        uuid([state[0], state[1], state[2], state[3]])
    }
}

/// SHA-256's state after a key's padded block: RFC 2104, section 2.
fn padded(key: &[u8; 32], pad: u8) -> Zeroizing<[u32; 8]> {
    let mut block = Zeroizing::new([[pad; BLOCK]]);
    for (byte, key) in block[0].iter_mut().zip(key) {
        *byte ^= key;
    }
    let mut state = Zeroizing::new(INITIAL);
    compress256(&mut state, block.as_ref());
    state
}

/// The block behind the key's outer one: eight words of digest, and the
/// padding of a message of 96 bytes.
fn outer_words() -> [u32; 16] {
    let mut words = [0; 16];
    words[8] = 0x8000_0000;
    words[15] = 8 * (BLOCK as u32 + 32);
    words
}

/// A UUID of the first words of a tag.
fn uuid(words: [u32; 4]) -> Uuid {
    let mut bytes = [0; 16];
    for (bytes, word) in bytes.as_chunks_mut().0.iter_mut().zip(words) {
        *bytes = word.to_be_bytes();
    }
    Builder::from_random_bytes(bytes).into_uuid()
}

/// One nonce in the making, for those who need no more.
pub struct Stamp {
    keyed: Hmac<Sha256>,
    items: Items,
}

impl Stamp {
    /// Takes in the next value, or its absence.
    pub fn value(&mut self, value: Option<&[u8]>) {
        self.items.value(value);
    }

    /// The nonce.
    pub fn finish(self) -> Uuid {
        let mut mac = self.keyed;
        mac.update(self.items.open());
        let tag = mac.finalize().into_bytes();
        let mut bytes = [0_u8; 16];
        bytes.copy_from_slice(&tag[..16]);
        Builder::from_random_bytes(bytes).into_uuid()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn nonce(job: &str, identity: Identity<'_>, copy: u64, values: &[Option<&[u8]>]) -> Uuid {
        let mut stamp = Stamps::new(&[7; 32], job).start("nonce", identity, copy);
        values.iter().for_each(|value| stamp.value(*value));
        stamp.finish()
    }

    #[test]
    fn many_nonces_at_once_are_the_nonces_one_after_another() {
        let mut stamps = Stamps::new(&[7; 32], "job");
        let value = vec![b'v'; 1000];
        // As many as fill the lanes or do not; lengths around a block's end,
        // alike and all different.
        for count in [0, 1, 8, 9, 15, 16, 17, 31, 33, 100] {
            for spread in [0, 1, 7, 29] {
                let mut items = Items::default();
                let mut wanted = Vec::new();
                for at in 0..count {
                    let value = &value[..(at as usize * spread) % 1000];
                    let mut stamp = stamps.start("nonce", Identity::Place(at), at / 3);
                    items.start("nonce", Identity::Place(at), at / 3);
                    for value in [Some(value), None, Some(b"")] {
                        stamp.value(value);
                        items.value(value);
                    }
                    items.close();
                    wanted.push(stamp.finish());
                }
                let mut found = vec![Uuid::nil()];
                stamps.wide = None;
                stamps.finish_all(&items, &mut found);
                assert_eq!(found, wanted);
                stamps.wide = Some(Wide::Model);
                stamps.finish_all(&items, &mut found);
                assert_eq!(found, wanted);
            }
        }
    }

    #[test]
    fn every_part_of_the_identity_changes_the_nonce_and_nothing_else_does() {
        let base = nonce("job", Identity::Place(1), 0, &[Some(b"a")]);
        assert_eq!(base, nonce("job", Identity::Place(1), 0, &[Some(b"a")]));
        assert_eq!(base.get_version_num(), 4);
        let others = [
            nonce("job2", Identity::Place(1), 0, &[Some(b"a")]),
            nonce("job", Identity::Place(2), 0, &[Some(b"a")]),
            nonce("job", Identity::RowId(b"1"), 0, &[Some(b"a")]),
            nonce(
                "job",
                Identity::RowId(&1_u64.to_be_bytes()),
                0,
                &[Some(b"a")],
            ),
            nonce("job", Identity::Place(1), 1, &[Some(b"a")]),
            nonce("job", Identity::Place(1), 0, &[Some(b"b")]),
            nonce("job", Identity::Place(1), 0, &[Some(b"a"), None]),
            nonce("job", Identity::Place(1), 0, &[Some(b"a"), Some(b"")]),
            nonce("job", Identity::Place(1), 0, &[Some(b""), Some(b"a")]),
        ];
        for (at, other) in others.iter().enumerate() {
            assert_ne!(*other, base, "{at}");
            assert!(!others[..at].contains(other), "{at}");
        }
    }
}

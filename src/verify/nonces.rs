//! Finds every nonce that stands twice, over any number of records and files,
//! exactly and in bounded memory.
//!
//! Up to a limit nonces stay in memory; beyond it they go to an anonymous
//! temporary file, 32 bytes each, and are sorted there. Repeats are known only
//! when all records were read, and come in the order of file and line. This
//! file must not know what a nonce is made of.

use std::io;

use crate::error::Error;
use crate::output::OutputError;
use crate::sort::{ITEM, Item, Sorted, Sorter};

use super::fields::NonceKey;

/// How many nonces are held in memory by default. They, and as many repeats,
/// take 32 bytes each: 64 MB at most.
pub const NONCES_IN_MEMORY: usize = 1_000_000;

/// Where a record stands; earlier places compare as less.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct Place {
    /// Its file, by its place among the files.
    pub(super) input: u32,
    /// Its line, from 1.
    pub(super) line: u64,
}

/// A record whose nonce stands already in an earlier one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Repeat {
    /// Where it stands.
    pub(super) place: Place,
    /// The first record with this nonce.
    pub(super) first: Place,
    /// Whether something else is wrong with the line, too.
    pub(super) bad: bool,
}

/// All nonces seen so far.
pub(super) struct Nonces {
    limit: usize,
    /// The nonce, its place, and whether the line is bad.
    seen: Sorter,
}

/// All repeats, in the order of their places.
pub(super) struct Repeats(Sorted);

impl Nonces {
    /// Room for `limit` nonces in memory.
    pub(super) fn new(limit: usize) -> Self {
        Self {
            limit,
            seen: Sorter::new(limit),
        }
    }

    /// Takes in one record's nonce.
    ///
    /// # Errors
    /// When the temporary file cannot be written.
    pub(super) fn add(&mut self, key: &NonceKey, place: Place, bad: bool) -> Result<(), Error> {
        let mut item = [0; ITEM];
        item[..16].copy_from_slice(key);
        write_place(place, &mut item[16..28]);
        item[28] = u8::from(bad);
        self.seen.push(item).map_err(failed)
    }

    /// Sorts and compares.
    ///
    /// # Errors
    /// When the temporary file cannot be written or read.
    pub(super) fn repeats(self) -> Result<Repeats, Error> {
        let limit = self.limit;
        let find = || {
            let mut sorted = self.seen.finish()?;
            // Repeats come by their nonce here; whoever reads wants them by
            // their place, and there may be as many of them as records.
            let mut found = Sorter::new(limit);
            let mut first: Option<Item> = None;
            while let Some(item) = sorted.next()? {
                match first {
                    Some(first) if first[..16] == item[..16] => {
                        let mut repeat = [0; ITEM];
                        repeat[..12].copy_from_slice(&item[16..28]);
                        repeat[12..24].copy_from_slice(&first[16..28]);
                        repeat[24] = item[28];
                        found.push(repeat)?;
                    }
                    _ => first = Some(item),
                }
            }
            drop(sorted);
            found.finish()
        };
        find().map(Repeats).map_err(failed)
    }
}

impl Repeats {
    /// The next repeat.
    ///
    /// # Errors
    /// When the temporary file cannot be read.
    pub(super) fn next(&mut self) -> Result<Option<Repeat>, Error> {
        let item = self.0.next().map_err(failed)?;
        Ok(item.map(|item| Repeat {
            place: read_place(&item[..12]),
            first: read_place(&item[12..24]),
            bad: item[24] != 0,
        }))
    }
}

/// Big-endian, so that bytes compare as places do.
fn write_place(place: Place, out: &mut [u8]) {
    out[..4].copy_from_slice(&place.input.to_be_bytes());
    out[4..].copy_from_slice(&place.line.to_be_bytes());
}

fn read_place(bytes: &[u8]) -> Place {
    let number = |bytes: &[u8]| {
        bytes
            .iter()
            .fold(0, |all, byte| all << 8 | u64::from(*byte))
    };
    Place {
        input: u32::try_from(number(&bytes[..4])).unwrap_or(u32::MAX),
        line: number(&bytes[4..]),
    }
}

fn failed(source: io::Error) -> Error {
    Error::Output(OutputError::Io {
        action: "keep nonces in a temporary file in",
        path: std::env::temp_dir(),
        source,
    })
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;
    use std::collections::hash_map::Entry;

    use super::*;

    /// SplitMix64: small, and the same everywhere.
    fn next(seed: &mut u64) -> u64 {
        *seed = seed.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = *seed;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    fn found(all: &[(NonceKey, Place, bool)], limit: usize) -> Vec<Repeat> {
        let mut nonces = Nonces::new(limit);
        for (key, place, bad) in all {
            nonces.add(key, *place, *bad).unwrap();
        }
        let mut repeats = nonces.repeats().unwrap();
        std::iter::from_fn(|| repeats.next().unwrap()).collect()
    }

    /// What a map that remembers everything finds.
    fn expected(all: &[(NonceKey, Place, bool)]) -> Vec<Repeat> {
        let mut first: HashMap<NonceKey, Place> = HashMap::new();
        let mut repeats = Vec::new();
        for &(key, place, bad) in all {
            match first.entry(key) {
                Entry::Vacant(entry) => {
                    entry.insert(place);
                }
                Entry::Occupied(entry) => repeats.push(Repeat {
                    place,
                    first: *entry.get(),
                    bad,
                }),
            }
        }
        repeats
    }

    #[test]
    fn spilled_or_not_the_repeats_are_those_of_a_map_that_remembers_everything() {
        let mut seed = 7;
        let mut repeats = 0;
        for round in 0..200_u64 {
            let count = next(&mut seed) % 300;
            // From nearly every key twice to nearly none.
            let kinds = 1 + next(&mut seed) % (1 << (round % 20));
            let mut place = Place { input: 0, line: 0 };
            let mut all = Vec::new();
            for _ in 0..count {
                if next(&mut seed).is_multiple_of(50) {
                    place = Place {
                        input: place.input + 1,
                        line: 0,
                    };
                }
                // Lines beyond 32 bits, too.
                place.line += 1 + (next(&mut seed) & 0x1_0000_0000) * (round & 1);
                let kind = next(&mut seed) % kinds;
                let mut key = [0; 16];
                // Keys that differ in their last bytes only, or in their first.
                let at = if round % 2 == 0 { 8 } else { 0 };
                key[at..at + 8].copy_from_slice(&kind.to_be_bytes());
                all.push((key, place, next(&mut seed).is_multiple_of(3)));
            }
            let wanted = expected(&all);
            repeats += wanted.len();
            for limit in [0, 1, 2, 4, 7, 64, 299, NONCES_IN_MEMORY] {
                assert_eq!(found(&all, limit), wanted, "{count} of {kinds}, {limit}");
            }
        }
        assert!(repeats > 1000);
    }

    #[test]
    fn a_nonce_in_two_files_is_found_alike_in_memory_and_in_runs() {
        let place = |input, line| Place { input, line };
        let mut all: Vec<_> = (0..10_u8)
            .map(|n| ([n; 16], place(0, u64::from(n) + 1), false))
            .collect();
        all.push(([3; 16], place(1, 1), false));
        all.push(([9; 16], place(1, 2), true));
        all.push(([3; 16], place(2, 1), false));
        let repeat = |at, first, bad| Repeat {
            place: at,
            first,
            bad,
        };
        let wanted = [
            repeat(place(1, 1), place(0, 4), false),
            repeat(place(1, 2), place(0, 10), true),
            repeat(place(2, 1), place(0, 4), false),
        ];
        assert_eq!(found(&all, 4), wanted);
        assert_eq!(found(&all, NONCES_IN_MEMORY), wanted);
    }
}

//! Which ids have come before. A verdict says at once whether it is of a
//! duplicate, so ids stay in memory: 25 bytes in a table that is between
//! seven-sixteenths and seven-eighths full, 57 bytes at most for each
//! different id, and half as much again while the table grows. This file must
//! not know what an id is of.

use std::collections::HashMap;
use std::collections::hash_map::Entry;

use sha2::{Digest, Sha256};

/// Places are packed into 64 bits: the input's number, then the line.
const LINE_BITS: u32 = 40;

/// The ids seen so far, each with the place that had it first.
#[derive(Default)]
pub(super) struct Seen {
    first: HashMap<[u8; 16], u64>,
}

impl Seen {
    /// Takes in an id; the place that had it before, as the number of the
    /// input and the line.
    pub(super) fn add(&mut self, id: &str, input: u32, line: u64) -> Option<(u32, u64)> {
        // Beyond a million million lines only what is named is wrong, not
        // whether it is a duplicate.
        let line = line.min((1 << LINE_BITS) - 1);
        match self.first.entry(key(id)) {
            Entry::Vacant(entry) => {
                entry.insert(u64::from(input) << LINE_BITS | line);
                None
            }
            Entry::Occupied(entry) => {
                let first = *entry.get();
                // What is left after the shift has 24 bits.
                Some(((first >> LINE_BITS) as u32, first & ((1 << LINE_BITS) - 1)))
            }
        }
    }
}

/// A UUID's own bytes; of any other text, the first half of its SHA-256.
fn key(id: &str) -> [u8; 16] {
    match uuid::Uuid::try_parse(id) {
        Ok(uuid) if id.len() == 36 => uuid.into_bytes(),
        _ => {
            let mut key = [0; 16];
            key.copy_from_slice(&Sha256::digest(id)[..16]);
            key
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_seen_again_whatever_it_is_and_the_first_place_is_told() {
        let mut seen = Seen::default();
        let uuid = "6aafb7a5-0170-41b5-bbe4-fe71dedf1e30";
        let ids = [uuid, "", "no uuid", "6aafb7a5-0170-41b5-bbe4-fe71dedf1e31"];
        for (at, id) in ids.iter().enumerate() {
            assert_eq!(seen.add(id, 3, at as u64 + 1), None, "{id}");
        }
        for (at, id) in ids.iter().enumerate() {
            assert_eq!(seen.add(id, 9, 70), Some((3, at as u64 + 1)), "{id}");
        }
        // A UUID is the same one in capitals.
        let upper = uuid.to_uppercase();
        assert_eq!(seen.add(&upper, 0, 1), Some((3, 1)));
    }

    #[test]
    fn the_last_of_very_many_lines_and_inputs_is_told_too() {
        let mut seen = Seen::default();
        let (input, line) = ((1 << 24) - 1, (1 << LINE_BITS) - 1);
        assert_eq!(seen.add("id", input, line), None);
        assert_eq!(seen.add("id", 0, 1), Some((input, line)));
    }
}

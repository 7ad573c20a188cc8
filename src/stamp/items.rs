//! The items that nonces are made of, of many nonces back to back, each padded
//! as SHA-256 wants its message (FIPS 180-4 §5.1.1). It must not know keys.

use super::Identity;

/// SHA-256's block.
pub(super) const BLOCK: usize = 64;

/// The items of many nonces. Meant to be reused.
#[derive(Clone, Debug, Default)]
pub struct Items {
    /// Every nonce begins a block of its own.
    bytes: Vec<u8>,
    /// Where each nonce's blocks end.
    ends: Vec<usize>,
    /// Where the open nonce's items begin.
    start: usize,
}

impl Items {
    /// Removes everything and keeps the memory.
    pub fn clear(&mut self) {
        self.bytes.clear();
        self.ends.clear();
        self.start = 0;
    }

    /// How many nonces there are.
    pub fn len(&self) -> usize {
        self.ends.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.ends.is_empty()
    }

    /// Starts the items of one label, row and copy (copies count from 0).
    pub fn start(&mut self, label: &str, identity: Identity<'_>, copy: u64) {
        self.start = self.bytes.len();
        self.value(Some(label.as_bytes()));
        match identity {
            Identity::Place(record) => {
                // Three items in one copy of known size.
                let mut items = *b"\0\0\0\x05place\0\0\0\x08recordno\0\0\0\x08the copy";
                items[13..21].copy_from_slice(&record.to_be_bytes());
                items[25..].copy_from_slice(&copy.to_be_bytes());
                self.bytes.extend_from_slice(&items);
            }
            Identity::RowId(id) => {
                self.value(Some(b"row-id"));
                self.value(Some(id));
                self.value(Some(&copy.to_be_bytes()));
            }
            Identity::RowIdAt(id, publisher) => {
                self.value(Some(b"row-id"));
                self.value(Some(id));
                self.value(Some(b"publisher"));
                self.value(Some(&publisher.to_be_bytes()));
                self.value(Some(&copy.to_be_bytes()));
            }
        }
    }

    /// Takes in the next value, or its absence.
    #[inline]
    pub fn value(&mut self, value: Option<&[u8]>) {
        self.value_with(value.map(<[u8]>::len), |bytes| {
            bytes.extend_from_slice(value.unwrap_or_default());
        });
    }

    /// Takes in a value of so many bytes, which `write` appends, or its
    /// absence.
    #[inline(always)]
    pub fn value_with(&mut self, length: Option<usize>, write: impl FnOnce(&mut Vec<u8>)) {
        // A row is at most a few mebibytes, so its values' lengths fit; the
        // greatest length is the mark of absence.
        let length = length.map_or(u32::MAX, |v| u32::try_from(v).unwrap_or(u32::MAX - 1));
        self.bytes.extend_from_slice(&length.to_be_bytes());
        write(&mut self.bytes);
    }

    /// Constant values as items, for [`Items::values`].
    pub fn of(values: &[&[u8]]) -> Vec<u8> {
        let mut items = Self::default();
        values.iter().for_each(|value| items.value(Some(value)));
        items.bytes
    }

    /// Takes in values that were written as items before.
    #[inline]
    pub fn values(&mut self, items: &[u8]) {
        self.bytes.extend_from_slice(items);
    }

    /// Closes the items of one of many nonces: the key's block goes before
    /// them.
    pub fn close(&mut self) {
        self.end(BLOCK);
    }

    /// Ends the items of one nonce, which are hashed behind `before` bytes.
    pub(super) fn end(&mut self, before: usize) {
        let bits = 8 * (before + self.open().len()) as u64;
        self.bytes.push(0x80);
        let blocks = (self.open().len() + size_of::<u64>()).div_ceil(BLOCK);
        let end = self.start + blocks * BLOCK;
        // Fewer than a block, so no call is needed for them.
        self.bytes.extend_from_slice(&[0; BLOCK]);
        self.bytes.truncate(end - size_of::<u64>());
        self.bytes.extend_from_slice(&bits.to_be_bytes());
        self.ends.push(end);
        self.start = end;
    }

    /// The items of the open nonce.
    pub(super) fn open(&self) -> &[u8] {
        &self.bytes[self.start..]
    }

    /// The blocks of every nonce.
    pub(super) fn blocks(&self) -> impl Iterator<Item = &[[u8; BLOCK]]> {
        let mut start = 0;
        self.ends.iter().map(move |&end| {
            let (blocks, _) = self.bytes[start..end].as_chunks();
            start = end;
            blocks
        })
    }
}

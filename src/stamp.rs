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
//! identity  = "place" and the record number (64-bit big-endian, from 1), or
//!             "row-id" and the id's bytes
//! ```
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

use hkdf::Hkdf;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use uuid::{Builder, Uuid};

/// What a row is known by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Identity<'a> {
    /// Its record number over all inputs, from 1.
    Place(u64),
    /// The value of a column of its own.
    RowId(&'a [u8]),
}

/// Derives the nonces of one job.
pub struct Stamps {
    keyed: Hmac<Sha256>,
}

impl Stamps {
    /// The nonces of the job `job_id` under a key, given by its 32-byte
    /// private scalar.
    pub fn new(scalar: &[u8; 32], job_id: &str) -> Self {
        let mut nonce_key = zeroize::Zeroizing::new([0_u8; 32]);
        let expanded = Hkdf::<Sha256>::new(Some(b"campaign-signer nonce v1"), scalar)
            .expand(job_id.as_bytes(), nonce_key.as_mut());
        let keyed = Hmac::<Sha256>::new_from_slice(nonce_key.as_ref());
        match (expanded, keyed) {
            (Ok(()), Ok(keyed)) => Self { keyed },
            _ => unreachable!("HKDF gives 32 bytes, and HMAC takes a key of any length"),
        }
    }

    /// Starts the nonce of one label, row and copy (copies count from 0).
    pub fn start(&self, label: &str, identity: Identity<'_>, copy: u64) -> Stamp {
        let mut stamp = Stamp {
            mac: self.keyed.clone(),
        };
        stamp.value(Some(label.as_bytes()));
        match identity {
            Identity::Place(record) => {
                stamp.value(Some(b"place"));
                stamp.value(Some(&record.to_be_bytes()));
            }
            Identity::RowId(id) => {
                stamp.value(Some(b"row-id"));
                stamp.value(Some(id));
            }
        }
        stamp.value(Some(&copy.to_be_bytes()));
        stamp
    }
}

/// A nonce in the making.
pub struct Stamp {
    mac: Hmac<Sha256>,
}

impl Stamp {
    /// Takes in the next value, or its absence.
    pub fn value(&mut self, value: Option<&[u8]>) {
        // A row is at most a few mebibytes, so its values' lengths fit; the
        // greatest length is the mark of absence.
        let length = value.map_or(u32::MAX, |v| u32::try_from(v.len()).unwrap_or(u32::MAX - 1));
        self.mac.update(&length.to_be_bytes());
        self.mac.update(value.unwrap_or_default());
    }

    /// The nonce.
    pub fn finish(self) -> Uuid {
        let tag = self.mac.finalize().into_bytes();
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

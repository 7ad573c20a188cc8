//! What is derived for records, many at once: nonces, ids, and times that are
//! spread. It must not know what the values mean that they are derived from.

use uuid::Uuid;
use uuid::fmt::Hyphenated;

use crate::stamp::{Items, Stamps};

/// What is derived for one signed record: its nonce, and the id inside a
/// wrapped claim; each only where the row brought none.
#[derive(Clone, Copy, Debug, Default)]
pub struct Derived {
    pub(super) nonce: Option<[u8; Hyphenated::LENGTH]>,
    pub(super) inner_id: Option<[u8; Hyphenated::LENGTH]>,
    pub(super) time: Option<Digits>,
}

/// A number's decimal digits.
#[derive(Clone, Copy, Debug)]
pub(super) struct Digits {
    bytes: [u8; 20],
    start: u8,
}

impl Digits {
    pub(super) fn of(mut number: u64) -> Self {
        let (mut bytes, mut start) = ([b'0'; 20], 20);
        loop {
            start -= 1;
            bytes[start] += (number % 10) as u8;
            number /= 10;
            if number == 0 {
                return Self {
                    bytes,
                    // At most 20.
                    start: start as u8,
                };
            }
        }
    }

    pub(super) fn as_bytes(&self) -> &[u8] {
        &self.bytes[usize::from(self.start)..]
    }
}

/// Which of the signed records that a row becomes is meant, and when it is
/// stamped where its row does not say.
#[derive(Clone, Copy, Debug, Default)]
pub struct Copy {
    /// Its number among those that are otherwise alike, from 0.
    pub number: u64,
    /// A time of its own in milliseconds, where times are spread.
    pub time: Option<u64>,
}

impl Derived {
    /// The derived nonce's text, 36 characters in lower case.
    pub fn nonce(&self) -> Option<&str> {
        text(self.nonce.as_ref())
    }

    /// The derived inner id's text.
    pub fn inner_id(&self) -> Option<&str> {
        text(self.inner_id.as_ref())
    }
}

fn text(bytes: Option<&[u8; Hyphenated::LENGTH]>) -> Option<&str> {
    bytes.and_then(|bytes| std::str::from_utf8(bytes).ok())
}

fn lower(uuid: Uuid) -> [u8; Hyphenated::LENGTH] {
    let mut out = [0; Hyphenated::LENGTH];
    uuid.hyphenated().encode_lower(&mut out);
    out
}

/// What records lack, derived together: memory that is reused from batch to
/// batch.
#[derive(Debug, Default)]
pub struct Deriving {
    pub(super) items: Items,
    uuids: Vec<Uuid>,
    /// The key of each nonce's record.
    pub(super) keys: Vec<u16>,
    pub(super) lacks: Vec<Lacks>,
}

/// What a record lacks: its nonce, and its inner id; and the time that it got.
#[derive(Clone, Copy, Debug)]
pub(super) struct Lacks {
    pub(super) nonce: bool,
    pub(super) inner_id: bool,
    pub(super) time: Option<Digits>,
}

impl Deriving {
    /// Forgets everything and keeps the memory.
    pub fn clear(&mut self) {
        self.items.clear();
        self.keys.clear();
        self.lacks.clear();
    }

    /// What each record lacks, appended to `derived` in the order in which
    /// they were taken up. `stamps` gives each key's nonces; without them no
    /// record may lack one.
    pub fn finish<'s>(
        &mut self,
        stamps: Option<impl Fn(u16) -> &'s Stamps>,
        derived: &mut Vec<Derived>,
    ) {
        match stamps {
            Some(stamps) => {
                let of = |at: usize| stamps(self.keys[at]);
                Stamps::finish_each(of, &self.items, &mut self.uuids);
            }
            None => self.uuids.clear(),
        }
        let mut uuids = self.uuids.iter();
        derived.extend(self.lacks.iter().map(|lacks| {
            let mut next = |lacks: bool| lacks.then(|| uuids.next().copied().map(lower)).flatten();
            Derived {
                nonce: next(lacks.nonce),
                inner_id: next(lacks.inner_id),
                time: lacks.time,
            }
        }));
    }
}

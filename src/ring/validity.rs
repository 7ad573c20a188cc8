//! Whether a key is valid at a time that is given.
//!
//! It must not know the present.

use super::clash::takes_rows_of;
use super::{RingEntry, Survey};

/// Where a time stands to a key's validity. Times are milliseconds since 1970.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Validity {
    /// Within it.
    Valid,
    /// Before it.
    NotYet {
        /// When it begins.
        from: u64,
    },
    /// After it.
    Expired {
        /// When it ended.
        since: u64,
    },
}

impl Validity {
    fn of(not_before: Option<u64>, not_after: Option<u64>, at: u64) -> Self {
        match (not_before, not_after) {
            (Some(from), _) if at < from => Self::NotYet { from },
            (_, Some(since)) if at >= since => Self::Expired { since },
            _ => Self::Valid,
        }
    }
}

impl RingEntry {
    /// Whether the key is valid at this time, in milliseconds since 1970.
    #[must_use]
    pub fn validity(&self, at: u64) -> Validity {
        Validity::of(self.not_before, self.not_after, at)
    }
}

impl Survey {
    /// Whether the key of an entry is valid at this time, in milliseconds
    /// since 1970; `None` if there is no such entry.
    #[must_use]
    pub fn validity(&self, entry: usize, at: u64) -> Option<Validity> {
        let listed = self.listed.get(entry)?;
        Some(Validity::of(listed.not_before, listed.not_after, at))
    }

    /// Whether every row of an entry finds another key at this time, with
    /// selectors of the same kinds, that was loaded and is valid. An entry that
    /// takes every row of a family replaces none that selects its own.
    #[must_use]
    pub fn is_replaced(&self, entry: usize, at: u64) -> bool {
        let Some(listed) = self.listed.get(entry) else {
            return false;
        };
        listed.uses.iter().all(|used| {
            self.listed.iter().enumerate().any(|(number, other)| {
                number != entry
                    && other.uses.contains(used)
                    && other.key.is_some()
                    && takes_rows_of(&other.matches, &listed.matches)
                    && self.validity(number, at) == Some(Validity::Valid)
            })
        })
    }
}

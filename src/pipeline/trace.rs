//! Which records a worker is at, so that a panic can be named with its row.

use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind};

use crate::error::Error;
use crate::parallel;

/// The records a worker is at: from the first to the last.
#[derive(Default)]
pub(super) struct Trace(Cell<Option<(u64, u64)>>);

impl Trace {
    /// Is at one record.
    pub(super) fn at(&self, record: u64) {
        self.0.set(Some((record, record)));
    }

    /// Is at several, and cannot tell them apart.
    pub(super) fn between(&self, first: u64, last: u64) {
        self.0.set(Some((first, last)));
    }
}

/// Does some work; a panic in it becomes an error that names its records.
pub(super) fn traced<T>(work: impl FnOnce(&Trace) -> Result<T, Error>) -> Result<T, Error> {
    let trace = Trace::default();
    match catch_unwind(AssertUnwindSafe(|| work(&trace))) {
        Ok(result) => result,
        Err(panic) => Err(Error::Panicked {
            words: parallel::message(&*panic),
            records: trace.0.get(),
        }),
    }
}

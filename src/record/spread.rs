//! Times that lie evenly over a period: which one a copy of a record gets. It
//! must not know clocks or how a time is written.

use super::records::Record;

/// Times that rows do not give lie evenly over a period, in milliseconds.
#[derive(Clone, Copy, Debug)]
pub struct Spread {
    /// When it begins, in milliseconds since 1970.
    pub from: u64,
    /// How long it is.
    pub over: u64,
}

impl Spread {
    /// When a copy of a record, from 0, is stamped, in milliseconds since 1970. The copies of one
    /// record divide the period evenly among them. Where they begin differs
    /// from record to record as the bits of its place do, read backwards (van
    /// der Corput's sequence): however many records there are, and wherever
    /// the run is cut, their times lie evenly.
    pub fn time(self, record: &Record<'_>, copy: u64) -> u64 {
        let over = u128::from(self.over);
        let start = (over * u128::from(record.place().reverse_bits())) >> 64;
        let copies = u128::from(record.count().max(1));
        let offset = (over * u128::from(copy) + start) / copies;
        // Less than the period.
        self.from.saturating_add(offset as u64)
    }
}

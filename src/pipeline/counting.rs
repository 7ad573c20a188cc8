//! How much there is of each format under each key.

use std::sync::Arc;

use crate::output::{Cuts, MadeEntry};

use super::check::Checked;
use super::supply::Supply;
use super::task::Done;

/// What the formats of a run and its keys are called.
pub(super) struct Names {
    pub(super) formats: Vec<String>,
    /// Empty where there is one key without a name.
    pub(super) keys: Vec<String>,
}

impl Names {
    pub(super) fn made(&self, format: usize, key: u16, records: u64) -> MadeEntry {
        MadeEntry {
            format: self.formats[format].clone(),
            key: self.keys.get(usize::from(key)).cloned(),
            records,
        }
    }

    /// Whether a count of everything does not say how much there is of each.
    pub(super) fn are_several(&self) -> bool {
        self.formats.len() > 1 || !self.keys.is_empty()
    }
}

/// Checks only: every record counts, no line is made. However many there are,
/// they are counted row by row.
pub(super) fn count_only(checked: Checked, joined: usize, names: &Names) -> Done {
    let Checked {
        records,
        report,
        bounds,
        ..
    } = checked;
    let rows = records.first().map_or(0, |records| records.len());
    let mut made: Vec<((usize, u16), u64)> = Vec::new();
    for (format, records) in records.iter().enumerate() {
        for record in records.iter() {
            let of_row = record.meets().saturating_mul(record.count());
            count(&mut made, (format, record.key()), of_row);
        }
    }
    let all = made.iter().map(|(_, records)| *records);
    let entry = |((format, key), records)| names.made(format, key, records);
    Done {
        report: Some(report),
        lines: Arc::<Supply<Vec<u8>>>::default().take(),
        rows: rows as u64,
        records: all.fold(0, u64::saturating_add) / joined as u64,
        made: made.into_iter().map(entry).collect(),
        recomputed: 0,
        cuts: Cuts::default(),
        next: (!bounds.is_torn).then(|| (bounds.to.clone(), 0)),
    }
}

/// Adds to the count of a format and a key; neighbours are mostly alike.
pub(super) fn count(made: &mut Vec<((usize, u16), u64)>, of: (usize, u16), records: u64) {
    match made.iter_mut().rev().find(|(known, _)| *known == of) {
        Some((_, count)) => *count = count.saturating_add(records),
        None => made.push((of, records)),
    }
}

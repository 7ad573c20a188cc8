//! Notices, counted.

use crate::format::Notice;

/// How often each notice was due, with the field it is about.
#[derive(Clone, Debug, Default)]
pub struct Tally(Vec<(&'static Notice, &'static str, u64)>);

impl Tally {
    /// Counts a notice of a field.
    pub fn add(&mut self, notice: &'static Notice, field: &'static str, count: u64) {
        let same = |entry: &&mut (&'static Notice, &'static str, u64)| {
            entry.0.code == notice.code && entry.1 == field
        };
        match self.0.iter_mut().find(same) {
            Some(entry) => entry.2 += count,
            None => self.0.push((notice, field, count)),
        }
    }

    /// Adds another tally.
    pub fn merge(&mut self, other: &Self) {
        for (notice, field, count) in &other.0 {
            self.add(notice, field, *count);
        }
    }

    /// Every notice with its field and count, in order of first appearance.
    pub fn iter(&self) -> impl Iterator<Item = &(&'static Notice, &'static str, u64)> {
        self.0.iter()
    }
}

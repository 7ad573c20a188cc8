//! Notices, counted.

use std::borrow::Cow;

use crate::format::Notice;

/// How often each notice was due, with the field it is about.
#[derive(Clone, Debug, Default)]
pub struct Tally(Vec<Counted>);

/// A notice and how often it was due.
#[derive(Clone, Debug)]
pub struct Counted {
    /// Its stable code.
    pub code: Cow<'static, str>,
    /// The field.
    pub field: Cow<'static, str>,
    /// What it says of the field's values.
    pub says: Cow<'static, str>,
    /// How often.
    pub count: u64,
}

impl Tally {
    /// Counts a notice of a field.
    pub fn add(&mut self, notice: &'static Notice, field: &'static str, count: u64) {
        self.enter(Counted {
            code: notice.code.into(),
            field: field.into(),
            says: notice.says.into(),
            count,
        });
    }

    /// Adds a notice that is counted already.
    pub fn enter(&mut self, counted: Counted) {
        let same =
            |entry: &&mut Counted| entry.code == counted.code && entry.field == counted.field;
        match self.0.iter_mut().find(same) {
            Some(entry) => entry.count += counted.count,
            None => self.0.push(counted),
        }
    }

    /// Adds another tally.
    pub fn merge(&mut self, other: &Self) {
        for counted in &other.0 {
            self.enter(counted.clone());
        }
    }

    /// Every notice with its field and count, in order of first appearance.
    pub fn iter(&self) -> impl Iterator<Item = &Counted> {
        self.0.iter()
    }
}

//! Damage by field and kind, counted: what befell a whole column is told once.
//! It must not know where it is told.

use crate::damage::Damage;

use super::reject::Problem;

/// Damage of one kind in one field.
#[derive(Clone, Debug)]
pub struct Damaged {
    /// The kind.
    pub damage: &'static Damage,
    /// The field; empty for the whole row.
    pub field: String,
    /// How many rows have it.
    pub rows: u64,
    /// The input of the first of them.
    pub file: String,
    /// Its line there.
    pub line: u64,
    /// What stood there, cut after 200 characters.
    pub found: String,
    /// The likely cause and what to do about it.
    pub hint: String,
}

/// How many rows have which damage in which field, in order of first
/// appearance. There are no more entries than fields times kinds.
#[derive(Clone, Debug, Default)]
pub struct Damages(Vec<Damaged>);

impl Damages {
    /// Counts a problem, where it is damage.
    pub fn add(&mut self, problem: &Problem, file: &str, line: u64) {
        let Some(damage) = problem.damage else {
            return;
        };
        // What a hint says of this value alone stands before the cause.
        let general = problem.hint.find(damage.cause).unwrap_or_default();
        self.enter(Damaged {
            damage,
            field: problem.field.clone(),
            rows: 1,
            file: file.to_owned(),
            line,
            found: problem.found.clone(),
            hint: problem.hint[general..].to_owned(),
        });
    }

    /// Adds what is counted already.
    pub fn enter(&mut self, damaged: Damaged) {
        let same =
            |known: &&mut Damaged| (known.damage, &known.field) == (damaged.damage, &damaged.field);
        match self.0.iter_mut().find(same) {
            Some(known) => known.rows += damaged.rows,
            None => self.0.push(damaged),
        }
    }

    /// Adds others that come behind these.
    pub fn merge(&mut self, others: &Self) {
        others.0.iter().cloned().for_each(|other| self.enter(other));
    }

    /// All in order of first appearance.
    pub fn iter(&self) -> impl Iterator<Item = &Damaged> {
        self.0.iter()
    }
}

impl std::fmt::Display for Damaged {
    /// What it is, without how many rows there are in all.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "hold {}", self.damage.holds)?;
        // Of a whole row the line is enough.
        if !self.field.is_empty() && !self.found.is_empty() {
            // A string of JSON is shown without its quotes, where they are not the damage.
            let inner = self
                .found
                .strip_prefix('"')
                .and_then(|rest| rest.strip_suffix('"'));
            let is_plain = |inner: &&str| !inner.contains(['"', '\\']);
            let found = match inner.filter(is_plain) {
                Some(inner) if self.damage.name != "quotes" => inner,
                _ => &self.found,
            };
            let short: String = found.chars().take(40).collect();
            let more = if short.len() < found.len() { "…" } else { "" };
            write!(f, " such as {short:?}{more}")?;
        }
        Ok(())
    }
}

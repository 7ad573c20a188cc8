//! TOML with places: values taken by name and type, every misfit noted.
//!
//! It must not know what a key of a ring means. Types are checked here instead
//! of by `serde`, whose messages quote values and end at the first.

use std::ops::Range;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::fault::{Fault, Problem};

/// The problems of one file, each put to its line.
pub(super) struct Notes<'t> {
    text: &'t str,
    pub(super) problems: Vec<Problem>,
}

impl<'t> Notes<'t> {
    pub(super) fn of(text: &'t str) -> Self {
        let problems = Vec::new();
        Self { text, problems }
    }

    /// Line and column, from 1, of a byte.
    pub(super) fn place(&self, at: usize) -> (u64, u64) {
        let before = &self.text.as_bytes()[..at.min(self.text.len())];
        let start = memchr::memrchr(b'\n', before).map_or(0, |end| end + 1);
        let line = memchr::memchr_iter(b'\n', before).count() + 1;
        // Bytes that continue a character are no column of their own.
        let is_first = |byte: &&u8| **byte & 0xc0 != 0x80;
        let column = before[start..].iter().filter(is_first).count() + 1;
        (line as u64, column as u64)
    }

    pub(super) fn add(&mut self, at: usize, entry: Option<usize>, fault: Fault) {
        let (line, column) = self.place(at);
        self.problems.push(Problem {
            line,
            column,
            entry,
            id: None,
            fault,
        });
    }
}

/// The keys of one table.
pub(super) struct Fields<'f, 't> {
    notes: &'f mut Notes<'t>,
    table: &'f DeTable<'t>,
    /// Where the table begins.
    at: usize,
    entry: Option<usize>,
}

impl<'f, 't> Fields<'f, 't> {
    /// Notes every key that is not among `known`.
    pub(super) fn of(
        notes: &'f mut Notes<'t>,
        table: &'f DeTable<'t>,
        at: usize,
        entry: Option<usize>,
        known: &'static [&'static str],
    ) -> Self {
        for (name, _) in table {
            let key = name.get_ref().as_ref();
            if !known.contains(&key) {
                notes.add(name.span().start, entry, unknown(key, known));
            }
        }
        Self {
            notes,
            table,
            at,
            entry,
        }
    }

    /// Notes a fault of the table as a whole.
    pub(super) fn fault(&mut self, fault: Fault) {
        self.notes.add(self.at, self.entry, fault);
    }

    /// Notes a fault of one key's value, or of the table where it has none.
    pub(super) fn fault_of(&mut self, key: &str, fault: Fault) {
        let at = self.get(key).map_or(self.at, |value| value.span().start);
        self.notes.add(at, self.entry, fault);
    }

    /// The place of a key's value in the file, or of the table.
    pub(super) fn at(&self, key: &str) -> usize {
        self.get(key).map_or(self.at, |value| value.span().start)
    }

    pub(super) fn has(&self, key: &str) -> bool {
        self.get(key).is_some()
    }

    fn get(&self, key: &str) -> Option<&'f Spanned<DeValue<'t>>> {
        let mut all = self.table.iter();
        all.find(|(name, _)| name.get_ref().as_ref() == key)
            .map(|(_, value)| value)
    }

    fn misfit(&mut self, key: &str, at: Range<usize>, found: &DeValue<'_>, wanted: &'static str) {
        let fault = Fault::Type {
            key: key.to_owned(),
            found: type_of(found),
            wanted,
        };
        self.notes.add(at.start, self.entry, fault);
    }

    /// A text that is not empty, in one line.
    pub(super) fn text(&mut self, key: &str) -> Option<String> {
        let value = self.get(key)?;
        self.one_text(key, value)
    }

    /// A text that is not empty, in any number of lines.
    pub(super) fn lines(&mut self, key: &str) -> Option<String> {
        match self.get(key)?.get_ref() {
            DeValue::String(text) if !text.is_empty() => Some(text.to_string()),
            _ => self.text(key),
        }
    }

    fn one_text(&mut self, key: &str, value: &Spanned<DeValue<'t>>) -> Option<String> {
        let at = value.span();
        match value.get_ref() {
            DeValue::String(text) if text.is_empty() => self.empty(key, at),
            DeValue::String(text) if text.chars().any(char::is_control) => {
                let key = key.to_owned();
                let fault = Fault::Control { key };
                self.notes.add(at.start, self.entry, fault);
            }
            DeValue::String(text) => return Some(text.to_string()),
            other => self.misfit(key, at, other, "a text in quotes"),
        }
        None
    }

    /// A list of texts, none of them empty; at least one.
    pub(super) fn texts(&mut self, key: &str) -> Option<Vec<String>> {
        let value = self.get(key)?;
        let DeValue::Array(list) = value.get_ref() else {
            self.misfit(
                key,
                value.span(),
                value.get_ref(),
                "a list like [\"a\", \"b\"]",
            );
            return None;
        };
        let mut texts = Vec::new();
        for element in list {
            texts.extend(self.one_text(&format!("a value of {key}"), element));
        }
        if list.is_empty() {
            self.empty(key, value.span());
        }
        (!texts.is_empty()).then_some(texts)
    }

    /// A whole number that is not negative.
    pub(super) fn number(&mut self, key: &str) -> Option<i32> {
        let value = self.get(key)?;
        let number = match value.get_ref() {
            DeValue::Integer(digits) => i32::from_str_radix(digits.as_str(), digits.radix())
                .ok()
                .filter(|number| *number >= 0),
            _ => None,
        };
        if number.is_none() {
            self.misfit(
                key,
                value.span(),
                value.get_ref(),
                "a whole number from 0 on",
            );
        }
        number
    }

    /// A time as TOML has it, or the text it is written in.
    pub(super) fn moment(&mut self, key: &str) -> Option<Written> {
        let value = self.get(key)?;
        match value.get_ref() {
            DeValue::Datetime(time) => Some(Written {
                text: time.to_string(),
                has_date: time.date.is_some(),
            }),
            DeValue::String(text) => Some(Written {
                text: text.to_string(),
                has_date: true,
            }),
            other => {
                self.misfit(key, value.span(), other, "a date or a time");
                None
            }
        }
    }

    /// A table inside this one.
    pub(super) fn table(
        &mut self,
        key: &str,
        wanted: &'static str,
        known: &'static [&'static str],
    ) -> Option<Fields<'_, 't>> {
        let value = self.get(key)?;
        let DeValue::Table(table) = value.get_ref() else {
            self.misfit(key, value.span(), value.get_ref(), wanted);
            return None;
        };
        let at = value.span().start;
        Some(Fields::of(self.notes, table, at, self.entry, known))
    }

    fn empty(&mut self, key: &str, at: Range<usize>) {
        let key = key.to_owned();
        self.notes.add(at.start, self.entry, Fault::Empty { key });
    }
}

/// A time as it is written.
pub(super) struct Written {
    pub(super) text: String,
    /// TOML also has times of no day.
    pub(super) has_date: bool,
}

fn unknown(key: &str, known: &'static [&'static str]) -> Fault {
    if matches!(key, "passphrase" | "password" | "secret") {
        let key = key.to_owned();
        return Fault::SecretInRing { key };
    }
    Fault::UnknownKey {
        key: key.to_owned(),
        nearest: nearest(key, known.iter().copied()),
    }
}

/// The most similar name, if one is similar at all.
pub(super) fn nearest(name: &str, all: impl Iterator<Item = &'static str>) -> Option<&'static str> {
    let plain = |name: &str| name.to_lowercase().replace(['_', '.', ' '], "-");
    let name = plain(name);
    all.map(|other| (strsim::jaro_winkler(&name, &plain(other)), other))
        .filter(|(similarity, _)| *similarity > 0.8)
        .max_by(|a, b| a.0.total_cmp(&b.0))
        .map(|(_, other)| other)
}

/// A value's type in words.
pub(super) fn type_of(value: &DeValue<'_>) -> &'static str {
    match value {
        DeValue::String(_) => "a text",
        DeValue::Integer(_) => "a number",
        DeValue::Float(_) => "a number with a point",
        DeValue::Boolean(_) => "true or false",
        DeValue::Datetime(_) => "a time",
        DeValue::Array(_) => "a list",
        DeValue::Table(_) => "a table",
    }
}

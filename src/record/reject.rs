//! Rejects: rows that cannot be signed, with everything a person needs to
//! mend them.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use crate::damage::Damage;
use crate::format::{Code, Fault};
use crate::row::Position;

/// One thing wrong with a row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// The stable code.
    pub code: Code,
    /// The field, with a path inside JSON values; empty for the whole row.
    pub field: String,
    /// What stood there, cut after 200 characters.
    pub found: String,
    /// What is wanted.
    pub wanted: Cow<'static, str>,
    /// What to do; may be empty.
    pub hint: Cow<'static, str>,
    /// What another program has done to the value, where it looks so.
    pub damage: Option<&'static Damage>,
}

/// How many characters of a refused value a problem shows.
const FOUND_LIMIT: usize = 200;

impl Problem {
    /// A problem of one field.
    pub fn new(field: &str, found: &str, fault: Fault) -> Self {
        Self {
            code: fault.code,
            field: format!("{field}{}", fault.path),
            found: shorten(found),
            wanted: fault.wanted,
            hint: fault.hint,
            damage: fault.damage,
        }
    }

    /// A problem of the row as a whole.
    pub fn row(code: Code, found: &str, wanted: impl Into<Cow<'static, str>>) -> Self {
        Self::new("", found, Fault::new(code, wanted))
    }

    /// Whether it tells of the same thing, found for another format.
    pub fn is_like(&self, other: &Self) -> bool {
        self.code == other.code
            && self.found == other.found
            && super::same_name(&self.field, &other.field)
    }

    /// The same with what to do about it.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<Cow<'static, str>>) -> Self {
        self.hint = hint.into();
        self
    }
}

impl std::fmt::Display for Problem {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if !self.field.is_empty() {
            // The name of an unknown member is the input's own text.
            write!(f, "{}: ", self.field.escape_debug())?;
        }
        write!(f, "{} (wanted {}", self.code, self.wanted)?;
        if !self.found.is_empty() {
            write!(f, ", found {:?}", self.found)?;
        }
        f.write_str(")")
    }
}

fn shorten(found: &str) -> String {
    match found.char_indices().nth(FOUND_LIMIT) {
        Some((at, _)) => format!("{}…", &found[..at]),
        None => found.to_owned(),
    }
}

/// A row that was not signed.
#[derive(Clone, Debug)]
pub struct Reject<'a> {
    /// Where it stands.
    pub position: Position,
    /// Everything found wrong, never empty.
    pub problems: &'a [Problem],
    /// The row as it was, or its beginning.
    pub raw: &'a [u8],
    /// The whole row's length in bytes, where `raw` is only its beginning.
    pub length: Option<u64>,
    /// The row's cells, where there are as many as the header has.
    pub cells: Option<&'a [&'a [u8]]>,
    /// The row as the text of a JSON object, where it is one or could be.
    pub object: Option<&'a str>,
}

/// A reject as a line of the rejects file.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RejectLine<'a> {
    /// The input's name.
    #[serde(borrow)]
    pub file: Cow<'a, str>,
    /// The row's first line in its input, from 1.
    pub line: u64,
    /// Its last line.
    pub last_line: u64,
    /// The offset of its first byte in its input.
    pub byte: u64,
    /// Its number over all inputs, from 1.
    pub record: u64,
    /// The row as an object, where it could be read as one. Mended, the reject
    /// is a row again: this is what is read of it.
    #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
    pub row: Option<&'a RawValue>,
    /// Everything found wrong.
    #[serde(borrow)]
    pub problems: Vec<ProblemLine<'a>>,
    /// The row, where it is UTF-8.
    #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
    pub raw: Option<Cow<'a, str>>,
    /// The row in standard base64, where it is not.
    #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
    pub raw_base64: Option<Cow<'a, str>>,
    /// The whole row's length in bytes, where only its beginning is kept.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub raw_length: Option<u64>,
}

/// A problem as a member of a reject's line.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ProblemLine<'a> {
    /// The stable code.
    #[serde(borrow)]
    pub code: Cow<'a, str>,
    /// The field; empty for the whole row.
    #[serde(borrow)]
    pub field: Cow<'a, str>,
    /// What stood there.
    #[serde(borrow)]
    pub found: Cow<'a, str>,
    /// What is wanted.
    #[serde(borrow)]
    pub wanted: Cow<'a, str>,
    /// What to do; may be empty.
    #[serde(borrow)]
    pub hint: Cow<'a, str>,
}

impl Reject<'_> {
    /// Appends the reject as one line of JSON.
    pub fn write(&self, file: &str, out: &mut Vec<u8>) {
        use base64::Engine as _;
        let text = std::str::from_utf8(self.raw);
        let encode = || base64::engine::general_purpose::STANDARD.encode(self.raw);
        let line = RejectLine {
            file: file.into(),
            line: self.position.line,
            last_line: self.position.last_line,
            byte: self.position.byte,
            record: self.position.record,
            row: self.object.and_then(|text| serde_json::from_str(text).ok()),
            problems: self.problems.iter().map(ProblemLine::from).collect(),
            raw: text.ok().map(Cow::Borrowed),
            raw_base64: text.is_err().then(|| Cow::Owned(encode())),
            raw_length: self.length,
        };
        match serde_json::to_writer(&mut *out, &line) {
            Ok(()) => out.push(b'\n'),
            Err(_) => unreachable!("strings and integers always serialize into memory"),
        }
    }
}

impl<'a> From<&'a Problem> for ProblemLine<'a> {
    fn from(problem: &'a Problem) -> Self {
        Self {
            code: problem.code.as_str().into(),
            field: problem.field.as_str().into(),
            found: problem.found.as_str().into(),
            wanted: problem.wanted.as_ref().into(),
            hint: problem.hint.as_ref().into(),
        }
    }
}

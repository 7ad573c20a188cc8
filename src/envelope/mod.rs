//! From a signature to one line of output.
//!
//! The flat record: `format` first, then every signed field in the order of
//! its layout, what follows from them, kept columns, and last the `signature`
//! (DER in standard base64) or the `jws`. Or an object of a shape, alone on
//! its line, or behind kept columns under the name `object`. This module must not know how
//! signatures are made or where lines go.

mod der;
mod shape;
mod window;

use crate::format::{Claim, Format, Signing, USE_WINDOW};
use crate::json::{self, Shape};
use crate::jws;
use crate::record::{Record, Rules};
use crate::signing_input::{Derived, Recipes};

pub use der::read_signature;
use shape::Shaped;
use window::Window;

/// How records are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Style {
    /// Separated values, one header line; the delimiter.
    Csv(u8),
    /// One JSON object a line.
    Ndjson,
    /// On its way into a Parquet file: one JSON object a line, behind its row's
    /// number and a space.
    Parquet,
}

/// Everything one output line is made of.
#[derive(Clone, Copy, Debug)]
pub struct Signed<'a> {
    /// The record.
    pub record: Record<'a>,
    /// Its derived nonces.
    pub derived: &'a Derived,
    /// Its members as JSON, without braces.
    pub members: &'a [u8],
    /// The signed bytes.
    pub message: &'a [u8],
    /// The signature: `r ‖ s` or an HMAC.
    pub signature: &'a [u8],
}

/// Writes the lines of one output.
#[derive(Debug)]
pub struct Envelope {
    style: Style,
    format: &'static Format,
    /// `{"format":"…",`
    start: Vec<u8>,
    /// Kept columns: their name, and `"name":`.
    keep: Vec<(String, Vec<u8>)>,
    /// Columns of CSV output between `format` and the kept ones.
    columns: Vec<&'static str>,
    escape_formulas: bool,
    /// Objects are written, not records.
    shaped: Option<Shaped>,
    window: Option<Window>,
}

impl Envelope {
    /// An envelope for records of `format`. CSV needs all its columns before
    /// the first record: `layouts` are the versions that may come.
    pub fn new(
        style: Style,
        format: &'static Format,
        layouts: &[usize],
        keep: &[String],
        escape_formulas: bool,
    ) -> Self {
        let mut start = b"{\"format\":".to_vec();
        json::write_string(format.id, &mut start);
        start.push(b',');
        let keep = keep.iter().map(|name| {
            let mut member = Vec::new();
            json::write_string(name, &mut member);
            member.push(b':');
            (name.clone(), member)
        });
        let mut columns: Vec<&'static str> = Vec::new();
        for &layout in layouts {
            let mut after = 0;
            for claim in format.layouts[layout].members() {
                let (Claim::Field(name) | Claim::Object(name, _)) = claim;
                // A field that only some versions have stands behind the one
                // it follows there.
                match columns.iter().position(|column| *column == name) {
                    Some(at) => after = at + 1,
                    None => {
                        columns.insert(after, name);
                        after += 1;
                    }
                }
            }
        }
        Self {
            style,
            format,
            start,
            keep: keep.collect(),
            columns,
            escape_formulas,
            shaped: None,
            window: None,
        }
    }

    /// An envelope for what these rules make of rows: records, or objects of
    /// their shape, which are always NDJSON.
    pub fn of(rules: &Rules, style: Style, layouts: &[usize], escape_formulas: bool) -> Self {
        let (format, keep) = (rules.format(), &rules.settings().keep);
        let mut envelope = Self::new(style, format, layouts, keep, escape_formulas);
        envelope.window = Window::of(rules);
        if rules.shape().is_some() {
            envelope.style = Style::Ndjson;
            envelope.shaped = Some(Shaped::new(&[rules], keep));
        }
        envelope
    }

    /// An envelope for objects that several formats, signed for one row, stand
    /// in together: see [`Envelope::write_group`]. All of the rules have a
    /// shape, and the same kept columns. `None` where there are no rules.
    pub fn joined(rules: &[&Rules]) -> Option<Self> {
        let first = rules.first()?;
        let keep = &first.settings().keep;
        let mut envelope = Self::new(Style::Ndjson, first.format(), &[], keep, true);
        envelope.shaped = Some(Shaped::new(rules, keep));
        Some(envelope)
    }

    /// The line before all records, where the style has one.
    pub fn header(&self) -> Vec<u8> {
        let mut out = Vec::new();
        if let Style::Csv(delimiter) = self.style {
            for (nth, name) in self.names().enumerate() {
                if nth > 0 {
                    out.push(delimiter);
                }
                write_csv(name, delimiter, &mut out);
            }
            out.push(b'\n');
        }
        out
    }

    /// The names of the columns that records have as a table, in their order.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        let derived = self.format.derived.iter().map(|derived| derived.name);
        std::iter::once("format")
            .chain(self.columns.iter().copied())
            .chain(derived)
            .chain(self.keep.iter().map(|(name, _)| name.as_str()))
            .chain(self.window.iter().flat_map(|_| USE_WINDOW))
            .chain(std::iter::once(self.format.newest().result()))
    }

    /// Appends one record as a line.
    pub fn write(&self, recipes: &Recipes, signed: &Signed<'_>, out: &mut Vec<u8>) {
        if let Some(shaped) = &self.shaped {
            shaped.write(&[(recipes, *signed)], out);
            return;
        }
        match self.style {
            Style::Ndjson => self.write_json(recipes, signed, out),
            Style::Parquet => {
                out.extend_from_slice(signed.record.number().to_string().as_bytes());
                out.push(b' ');
                self.write_json(recipes, signed, out);
            }
            Style::Csv(delimiter) => self.write_cells(recipes, signed, delimiter, out),
        }
    }

    /// Appends the object of one row as a line: a signed record of each of the
    /// envelope's formats, in their order, with the recipes of its format.
    /// [`check_joined`](crate::format::shape::check_joined) says which can
    /// stand together. Without a shape, the records are lines of their own.
    pub fn write_group(&self, group: &[(&Recipes, Signed<'_>)], out: &mut Vec<u8>) {
        match &self.shaped {
            Some(shaped) => shaped.write(group, out),
            None => group
                .iter()
                .for_each(|(recipes, signed)| self.write(recipes, signed, out)),
        }
    }

    fn write_json(&self, recipes: &Recipes, signed: &Signed<'_>, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.start);
        out.extend_from_slice(signed.members);
        for derived in self.format.derived {
            out.push(b',');
            json::write_string(derived.name, out);
            out.push(b':');
            json::write_string(&self.derived(recipes, signed, derived), out);
        }
        for (at, (_, member)) in self.keep.iter().enumerate() {
            if let Some(value) = signed.record.kept(at) {
                out.push(b',');
                out.extend_from_slice(member);
                out.extend_from_slice(value);
            }
        }
        if let Some(window) = &self.window {
            out.push(b',');
            window::write(window.times(recipes, signed), out);
            out.pop();
        }
        out.extend_from_slice(match self.format.newest().signing {
            Signing::Joined { .. } => b",\"signature\":\"",
            Signing::Jws { .. } => b",\"jws\":\"",
        });
        write_result(self.format, signed, out);
        out.extend_from_slice(b"\"}\n");
    }

    fn write_cells(
        &self,
        recipes: &Recipes,
        signed: &Signed<'_>,
        delimiter: u8,
        out: &mut Vec<u8>,
    ) {
        write_csv(self.format.id, delimiter, out);
        let mut value = Vec::new();
        for column in &self.columns {
            out.push(delimiter);
            value.clear();
            recipes.write_claim(column, &signed.record, signed.derived, &mut value);
            let text = std::str::from_utf8(&value).unwrap_or_default();
            write_csv(&plain(text), delimiter, out);
        }
        for derived in self.format.derived {
            out.push(delimiter);
            write_csv(&self.derived(recipes, signed, derived), delimiter, out);
        }
        for at in 0..self.keep.len() {
            out.push(delimiter);
            let value = signed.record.kept(at).unwrap_or_default();
            let text = plain(std::str::from_utf8(value).unwrap_or_default());
            if self.escape_formulas && is_formula(&text) {
                write_csv(&format!("'{text}"), delimiter, out);
            } else {
                write_csv(&text, delimiter, out);
            }
        }
        if let Some(window) = &self.window {
            let (from, until) = window.times(recipes, signed);
            out.push(delimiter);
            out.extend_from_slice(from.to_string().as_bytes());
            out.push(delimiter);
            let until = until.map(|until| until.to_string()).unwrap_or_default();
            out.extend_from_slice(until.as_bytes());
        }
        out.push(delimiter);
        write_result(self.format, signed, out);
        out.push(b'\n');
    }

    fn derived(
        &self,
        recipes: &Recipes,
        signed: &Signed<'_>,
        derived: &crate::format::Derived,
    ) -> String {
        let value = self
            .format
            .field(derived.from)
            .and_then(|(at, _)| recipes.value(&signed.record, signed.derived, at));
        let text = value.and_then(|bytes| std::str::from_utf8(bytes).ok());
        (derived.make)(text.unwrap_or_default())
    }
}

/// The signature as the format's consumer takes it.
fn write_result(format: &Format, signed: &Signed<'_>, out: &mut Vec<u8>) {
    match format.newest().signing {
        Signing::Joined { .. } => der::write_signature(signed.signature, out),
        Signing::Jws { .. } => {
            out.extend_from_slice(signed.message);
            out.push(b'.');
            jws::write_base64url(signed.signature, out);
        }
    }
}

/// The JSON text of a value as a cell: a string's own characters, anything
/// else as it stands.
fn plain(token: &str) -> std::borrow::Cow<'_, str> {
    match token.as_bytes().first() {
        Some(b'"') => json::string(token).unwrap_or_default(),
        Some(b'n') if Shape::of(token) == Shape::Null => "".into(),
        _ => token.into(),
    }
}

/// A spreadsheet runs cells that start so; a plain number is harmless.
fn is_formula(text: &str) -> bool {
    text.starts_with(['=', '+', '-', '@', '\t', '\r']) && text.parse::<f64>().is_err()
}

/// Appends one CSV cell, quoted where it must be (RFC 4180 §2).
fn write_csv(text: &str, delimiter: u8, out: &mut Vec<u8>) {
    let must_quote = |b: u8| b == delimiter || matches!(b, b'"' | b'\n' | b'\r');
    if !text.bytes().any(must_quote) {
        out.extend_from_slice(text.as_bytes());
        return;
    }
    out.push(b'"');
    for byte in text.bytes() {
        if byte == b'"' {
            out.push(b'"');
        }
        out.push(byte);
    }
    out.push(b'"');
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn formulas_are_told_from_numbers() {
        for text in ["=1+1", "+cmd", "-x", "@a", "\tb"] {
            assert!(is_formula(text), "{text}");
        }
        for text in ["-12.5", "+3", "a=b", ""] {
            assert!(!is_formula(text), "{text}");
        }
    }
}

//! Rejects as a table: the columns of the input with their cells as they were,
//! and behind them what is wrong. Mended, it is an input again: the columns
//! behind are passed over.
//!
//! What is behind never runs as a formula in a spreadsheet. The cells before are
//! not touched, whatever they hold: changed ones would not go back in. A row that
//! has no cells for the columns (of another width, with a stray quote, too long)
//! stands in `_raw`, which must be empty before the row is signed. This file must
//! not know where rejects are written.

use super::reject::{Problem, Reject};
use super::reject_band::SIGN_ERROR;

/// The names of what is behind, in their order. `_file` is there where a run
/// has several inputs.
pub(super) const COLUMNS: [&str; 7] = [LINE, CODE, FIELD, REASON, HINT, FILE, RAW];
pub(super) const LINE: &str = "_line";
pub(super) const CODE: &str = "_code";
pub(super) const FIELD: &str = "_field";
pub(super) const REASON: &str = "_reason";
pub(super) const HINT: &str = "_hint";
pub(super) const FILE: &str = "_file";
pub(super) const RAW: &str = "_raw";

/// What stands between several problems of one row, in each of their columns.
pub(super) const BETWEEN: &str = " | ";

/// How rejects become rows of a table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RejectTable {
    delimiter: u8,
    /// The columns of the input, by their names.
    names: Vec<String>,
    /// Their places: those of an earlier table are left out.
    own: Vec<usize>,
    /// Where an earlier table has a row that was not divided.
    raw: Option<usize>,
    width: usize,
    names_files: bool,
}

impl RejectTable {
    /// A table for rows under this header, of which `is_told` are the columns
    /// that an earlier table had behind.
    pub(super) fn new(
        names: &[String],
        is_told: impl Fn(usize) -> bool,
        delimiter: u8,
        names_files: bool,
    ) -> Self {
        let own: Vec<usize> = (0..names.len()).filter(|at| !is_told(*at)).collect();
        Self {
            delimiter,
            names: own.iter().map(|at| names[*at].clone()).collect(),
            own,
            raw: names
                .iter()
                .rposition(|name| name == RAW)
                .filter(|at| is_told(*at)),
            width: names.len(),
            names_files,
        }
    }

    /// The column of the input that has the name of one behind, if there is one.
    pub fn clash(&self) -> Option<&str> {
        let mut names = self.names.iter().map(String::as_str);
        names.find(|name| COLUMNS.contains(name))
    }

    /// The first line.
    pub fn header(&self) -> Vec<u8> {
        let mut out = Vec::new();
        for name in &self.names {
            self.cell(name.as_bytes(), &mut out);
        }
        for name in COLUMNS {
            if name != FILE || self.names_files {
                self.cell(name.as_bytes(), &mut out);
            }
        }
        end(&mut out);
        out
    }

    /// Appends a reject as a row.
    pub fn write<'r>(&self, reject: &Reject<'r>, file: &str, out: &mut Vec<u8>) {
        let cells = reject.cells.filter(|cells| cells.len() == self.width);
        for at in &self.own {
            let cell = cells.map_or(&[][..], |cells| cells[*at]);
            self.cell(cell, out);
        }
        let joined = |of: &dyn Fn(&Problem) -> String| {
            let all: Vec<String> = reject.problems.iter().map(of).collect();
            match all.iter().all(String::is_empty) {
                true => String::new(),
                false => defused(all.join(BETWEEN)),
            }
        };
        self.cell(reject.position.line.to_string().as_bytes(), out);
        self.cell(joined(&|own| own.code.to_string()).as_bytes(), out);
        self.cell(joined(&|own| own.field.clone()).as_bytes(), out);
        self.cell(joined(&reason).as_bytes(), out);
        self.cell(joined(&|own| own.hint.to_string()).as_bytes(), out);
        if self.names_files {
            self.cell(defused(file.to_owned()).as_bytes(), out);
        }
        // What an earlier reject kept, and nobody mended, is kept further.
        let earlier = |cells: &[&'r [u8]]| self.raw.map_or(&[][..], |at| cells[at]);
        self.cell(cells.map_or(reject.raw, earlier), out);
        end(out);
    }

    /// Appends a cell and a delimiter, quoted where it must be (RFC 4180 §2).
    fn cell(&self, cell: &[u8], out: &mut Vec<u8>) {
        let must_quote = |b: &u8| *b == self.delimiter || matches!(*b, b'"' | b'\n' | b'\r');
        if cell.iter().any(must_quote) {
            out.push(b'"');
            for byte in cell {
                if *byte == b'"' {
                    out.push(b'"');
                }
                out.push(*byte);
            }
            out.push(b'"');
        } else {
            out.extend_from_slice(cell);
        }
        out.push(self.delimiter);
    }
}

/// The last delimiter becomes a line end.
fn end(out: &mut [u8]) {
    if let Some(last) = out.last_mut() {
        *last = b'\n';
    }
}

/// What is wanted and what was found, in words that begin with a letter.
pub(super) fn reason(problem: &Problem) -> String {
    words(&problem.wanted, &problem.found)
}

pub(super) fn words(wanted: &str, found: &str) -> String {
    match found {
        "" => format!("wanted {wanted}"),
        _ => format!("wanted {wanted}, found {found:?}"),
    }
}

/// Text that no spreadsheet takes for a formula.
fn defused(text: String) -> String {
    match text.starts_with(FORMULA) {
        true => format!("'{text}"),
        false => text,
    }
}

/// The same as it was.
pub(super) fn fused(text: &str) -> &str {
    match text.strip_prefix('\'') {
        Some(rest) if rest.starts_with(FORMULA) => rest,
        _ => text,
    }
}

/// What a formula begins with.
const FORMULA: [char; 6] = ['=', '+', '-', '@', '\t', '\r'];

/// Whether a column of this name is one of those behind.
pub(super) fn is_behind(name: &str) -> bool {
    name.starts_with('_') && (COLUMNS.contains(&name) || name == SIGN_ERROR)
}

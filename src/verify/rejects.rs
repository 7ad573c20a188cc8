//! The rejects file of a finished run: every line well formed, in order, and
//! counted as the manifest says. It must not know why a row is refused.

use std::collections::BTreeMap;

use csv::ByteRecord;

use crate::error::Error;
use crate::output::Manifest;
use crate::record::{Told, ToldTable};
use crate::row::{Dialect, Input};

use super::VerifiedFile;
use super::differences::Differences;
use super::files::{LONGEST_REJECT, Line, Lines};

/// The rejects of a file, one by one.
pub(super) struct Rejects {
    pub(super) lines: Lines,
    /// Where a table has what, or why it is none; `None` for lines of JSON.
    table: Option<(Result<ToldTable, String>, u8)>,
    row: ByteRecord,
}

impl Rejects {
    pub(super) fn open(input: &Input) -> Result<Self, Error> {
        let lines = Lines::new(input, LONGEST_REJECT)?;
        let table = match input.dialect {
            Dialect::Ndjson | Dialect::Parquet => None,
            Dialect::Csv { delimiter } => {
                let header = lines.open.header.as_deref().map_or(&[][..], Vec::as_slice);
                Some((ToldTable::new(header), delimiter))
            }
        };
        Ok(Self {
            lines,
            table,
            row: ByteRecord::new(),
        })
    }

    /// A line read as `schemas/reject.json` describes it, or a row of a table;
    /// what is wrong with it otherwise.
    pub(super) fn read<'a>(&'a mut self, line: &'a Line) -> Result<Told<'a>, String> {
        let text = line.text.as_ref().map_err(Clone::clone)?;
        match &self.table {
            None => Told::of_json(text),
            Some((table, delimiter)) => {
                let table = table.as_ref().map_err(Clone::clone)?;
                self.row = cells(text, *delimiter).ok_or("cannot be divided into cells")?;
                table.read(&self.row)
            }
        }
    }
}

/// The cells of one row.
pub(super) fn cells(row: &[u8], delimiter: u8) -> Option<ByteRecord> {
    let mut reader = csv::ReaderBuilder::new()
        .delimiter(delimiter)
        .has_headers(false)
        .flexible(true)
        .from_reader(row);
    let mut record = ByteRecord::new();
    let read = reader.read_byte_record(&mut record);
    read.is_ok_and(|read| read).then_some(record)
}

/// Where a reject says that its row stands, among those of all inputs. A table
/// knows lines instead of numbers.
pub(super) fn place(told: &Told<'_>, manifest: &Manifest) -> (usize, u64) {
    match told.place {
        Some(place) => (0, place.record),
        None => (input_of(told, manifest).unwrap_or(0), told.line),
    }
}

/// The place of its input among all; a table of one input does not name it.
fn input_of(told: &Told<'_>, manifest: &Manifest) -> Option<usize> {
    match &told.file {
        Some(file) => manifest.inputs.iter().position(|own| own.path == *file),
        None => Some(0),
    }
}

/// Reads the whole file and compares it with its manifest.
pub(super) fn check(
    input: &Input,
    manifest: &Manifest,
    differences: &mut Differences,
) -> Result<VerifiedFile, Error> {
    let mut rejects = Rejects::open(input)?;
    let file = input.name();
    let mut by_code: BTreeMap<String, u64> = BTreeMap::new();
    let mut last = (0, 0);
    let mut bad = false;
    let mut stretch = differences.stretch("its rejects");
    while let Some(line) = rejects.lines.next()? {
        let reject = match rejects.read(&line) {
            Ok(reject) => reject,
            Err(says) => {
                bad = true;
                stretch.add(format!("{file} line {} {says}", line.number));
                continue;
            }
        };
        if let Some(first) = reject.problems.first() {
            match by_code.get_mut(first.code.as_ref()) {
                Some(count) => *count += 1,
                None => {
                    by_code.insert(first.code.clone().into_owned(), 1);
                }
            }
        }
        let mut say = |says: String| stretch.add(format!("{file} line {} {says}", line.number));
        let own = place(&reject, manifest);
        let rows = manifest.counts.rows;
        let (what, number) = match reject.place {
            Some(_) => ("record", own.1),
            None => ("line", own.1),
        };
        if reject
            .place
            .is_some_and(|place| !(1..=rows).contains(&place.record))
        {
            say(format!("is of record {number}, the run had 1 to {rows}"));
        } else if own <= last {
            say(format!("is of {what} {number}, after {what} {}", last.1));
        }
        last = last.max(own);
        if input_of(&reject, manifest).is_none() {
            let file = reject.file.as_deref().unwrap_or_default();
            say(format!("names {file:?}, which is no input"));
        }
    }
    // A line that cannot be read has no code to be counted under.
    let mut codes: Vec<&String> = by_code
        .keys()
        .chain(manifest.rejected_by_code.keys())
        .collect();
    codes.sort();
    codes.dedup();
    for code in codes.into_iter().filter(|_| !bad) {
        let count = |counts: &BTreeMap<String, u64>| counts.get(code).copied().unwrap_or(0);
        let (said, found) = (count(&manifest.rejected_by_code), count(&by_code));
        if said != found {
            differences.add(format!(
                "the manifest has {said} rejects by {code}, {file} has {found}"
            ));
        }
    }
    Ok(rejects.lines.summary())
}

//! A rejects file, summed up: which problems there are in which fields, how
//! many of each, and one of them to look at. It takes as much memory as there
//! are different ones, and must not know how rows are refused.

use std::borrow::Cow;
use std::collections::HashMap;
use std::sync::Arc;

use serde::Serialize;

use crate::error::Error;
use crate::hex::hex;
use crate::record::{Told, ToldProblem, ToldTable};
use crate::row::{Batch, Cells, Dialect, Input, Limits, Reader};
use crate::stop::Stop;

/// The longest row that is read: a row in JSON and all its problems.
const LONGEST: usize = 1 << 30;

/// How many different problems are told apart. The names of members that fit
/// no field are the rows' own, and there may be as many as rows.
const MOST_KINDS: usize = 10_000;

/// How many rows of each kind are shown as they were, and how much of each, in
/// characters.
const SHOWN_ROWS: usize = 3;
const SHOWN: usize = 600;

/// What a rejects file holds.
#[derive(Debug, Serialize)]
pub struct RejectSummary {
    /// The file's name.
    pub file: String,
    /// Its size in bytes as it is stored, which may be compressed.
    #[serde(skip)]
    pub bytes: u64,
    /// The SHA-256 of these bytes in hexadecimal.
    #[serde(skip)]
    pub sha256: String,
    /// `ndjson` or `csv`.
    pub form: &'static str,
    /// Rejected rows.
    pub rows: u64,
    /// Everything found wrong with them.
    pub problems: u64,
    /// What is wrong, most frequent first.
    pub kinds: Vec<RejectKind>,
    /// Problems of more kinds than are told apart.
    pub others: u64,
}

/// One code in one field.
#[derive(Debug, Serialize)]
pub struct RejectKind {
    /// The stable code.
    pub code: String,
    /// The field; empty for the whole row.
    pub field: String,
    /// How many rows have it.
    pub rows: u64,
    /// The first of them.
    pub example: Example,
    /// The first few of them as they were.
    #[serde(skip)]
    pub shown: Vec<ShownRow>,
}

/// A rejected row as it was.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ShownRow {
    /// The input's name; `None` in a table of one input.
    pub file: Option<String>,
    /// The row's line in it, from 1.
    pub line: u64,
    /// What was wanted, and what stood there.
    pub reason: String,
    /// Its text, of which the beginning where it is long; of a table that keeps
    /// cells, these with commas between.
    pub text: String,
    /// How many bytes it has in all, where this is not all of it.
    pub bytes: Option<u64>,
}

/// One row's problem.
#[derive(Debug, Serialize)]
pub struct Example {
    /// The input's name; absent in a table of one input.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub file: Option<String>,
    /// The row's line in it, from 1.
    pub line: u64,
    /// What was wanted, and what stood there.
    pub reason: String,
    /// What to do; may be empty.
    pub hint: String,
}

impl RejectSummary {
    /// Reads a rejects file, lines of JSON or a table, compressed or not.
    ///
    /// # Errors
    /// When it is no rejects file, or cannot be read; where it is not, with the
    /// line.
    pub fn read(input: &Input, stop: &Stop) -> Result<Self, Error> {
        let name = input.name();
        let source = input.open_until(stop).map_err(|source| Error::Open {
            file: name.clone(),
            source,
        })?;
        let limits = Limits {
            row_bytes: LONGEST,
            ..Limits::default()
        };
        let failed = |error| match stop.is_requested() {
            true => Error::Interrupted { rows: 0 },
            false => Error::Read {
                file: name.clone(),
                error,
            },
        };
        let mut reader = Reader::new(source, input.dialect, limits, 1);
        let mut sums = Sums::default();
        let form = match input.dialect {
            Dialect::Ndjson | Dialect::Parquet => Form::Lines,
            Dialect::Csv { delimiter } => {
                let header = reader.header().map_err(failed)?.unwrap_or_default();
                let names = header.iter().map(|name| String::from_utf8_lossy(name));
                let table = ToldTable::new(&names.collect::<Vec<_>>());
                Form::Table(table.map_err(|why| unfit(&name, 1, &why))?, delimiter)
            }
        };
        let mut batch = Batch::default();
        while reader.next_batch(&mut batch).map_err(failed)? {
            sums.batch(&batch, &form)
                .map_err(|(line, why)| unfit(&name, line, &why))?;
        }
        let (bytes, sha256) = reader.stored();
        let mut kinds: Vec<RejectKind> = sums.kinds;
        // The sort is stable: of as many, the one that came first.
        kinds.sort_by_key(|kind| std::cmp::Reverse(kind.rows));
        Ok(Self {
            file: name,
            bytes,
            sha256: hex(&sha256),
            form: match form {
                Form::Lines => "ndjson",
                Form::Table(..) => "csv",
            },
            rows: sums.rows,
            problems: sums.problems,
            kinds,
            others: sums.others,
        })
    }
}

enum Form {
    Lines,
    Table(ToldTable, u8),
}

/// What was counted so far.
#[derive(Default)]
struct Sums {
    rows: u64,
    problems: u64,
    others: u64,
    kinds: Vec<RejectKind>,
    place_of: HashMap<(Arc<str>, Arc<str>), usize>,
}

impl Sums {
    /// Counts a batch; otherwise gives the line that is no reject, and why.
    fn batch(&mut self, batch: &Batch, form: &Form) -> Result<(), (u64, String)> {
        if let Some(fault) = batch.faults.first() {
            return Err((
                fault.position.line,
                format!("cannot be read: {}", fault.fault),
            ));
        }
        match form {
            Form::Lines => batch.rows.iter().try_for_each(|span| {
                let told = Told::of_json(batch.text(span).unwrap_or_default());
                told.map(|told| self.add(&told))
                    .map_err(|why| (span.position.line, why))
            }),
            Form::Table(table, delimiter) => {
                let mut cells = Cells::new(batch, *delimiter);
                while let Some((span, row)) = cells.next() {
                    let told = match row {
                        Ok(row) => table.read(row),
                        Err(error) => Err(format!("cannot be read: {error}")),
                    };
                    self.add(&told.map_err(|why| (span.position.line, why))?);
                }
                Ok(())
            }
        }
    }

    fn add(&mut self, told: &Told<'_>) {
        self.rows += 1;
        for problem in &told.problems {
            self.problems += 1;
            self.count(told, problem);
        }
    }

    fn count(&mut self, told: &Told<'_>, problem: &ToldProblem<'_>) {
        let key = (Arc::from(&*problem.code), Arc::from(&*problem.field));
        if let Some(at) = self.place_of.get(&key) {
            let kind = &mut self.kinds[*at];
            kind.rows += 1;
            if kind.shown.len() < SHOWN_ROWS {
                kind.shown.push(ShownRow::of(told, problem));
            }
            return;
        }
        if self.kinds.len() == MOST_KINDS {
            self.others += 1;
            return;
        }
        self.place_of.insert(key, self.kinds.len());
        self.kinds.push(RejectKind {
            code: problem.code.to_string(),
            field: problem.field.to_string(),
            rows: 1,
            example: Example {
                file: told.file.as_ref().map(ToString::to_string),
                line: told.line,
                reason: problem.reason.to_string(),
                hint: problem.hint.to_string(),
            },
            shown: vec![ShownRow::of(told, problem)],
        });
    }
}

impl ShownRow {
    fn of(told: &Told<'_>, problem: &ToldProblem<'_>) -> Self {
        let whole = match (&told.raw, &told.cells) {
            (Some(raw), _) => Cow::Borrowed(raw.as_ref()),
            (None, cells) => Cow::Owned(cells.as_deref().unwrap_or_default().join(&b',')),
        };
        // More bytes than so many characters can have are not looked at.
        let beginning = &whole[..whole.len().min(4 * SHOWN)];
        let text = String::from_utf8_lossy(beginning);
        let cut: String = text.chars().take(SHOWN).collect();
        let is_whole = beginning.len() == whole.len() && cut.len() == text.len();
        let own = told.place.and_then(|place| place.raw_length);
        let short = |text: &str| text.chars().take(SHOWN).collect();
        Self {
            file: told.file.as_ref().map(ToString::to_string),
            line: told.line,
            reason: short(&problem.reason),
            bytes: own.or((!is_whole).then_some(whole.len() as u64)),
            text: cut,
        }
    }
}

fn unfit(file: &str, line: u64, why: &str) -> Error {
    Error::settings(
        format!("{file} is no rejects file: line {line} {why}"),
        "give a file that sign or check wrote with --rejects, as it was before it was mended",
    )
}

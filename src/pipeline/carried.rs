//! The inputs' own columns on their way into a Parquet output: read a second
//! time, batch by batch, each in its own type. It must not know what records
//! are.

use std::collections::HashSet;
use std::sync::Arc;

use arrow_array::RecordBatch;
use arrow_schema::{FieldRef, SchemaRef};

use crate::error::Error;
use crate::hex::hex;
use crate::output::InputEntry;
use crate::record::same_name;
use crate::row::{Dialect, Input, Origin, ReadError, Table, TableRows};

use super::job::Job;

/// How many rows are decoded at a time.
const CARRIED_ROWS: usize = 1024;

/// Whether the inputs' columns are carried over, which all inputs must be
/// Parquet for.
///
/// # Errors
/// When some are and some are not, or one can be read only once.
pub(super) fn carries(inputs: &[Input]) -> Result<bool, Error> {
    let is_table = |input: &Input| input.dialect == Dialect::Parquet;
    if !inputs.iter().any(is_table) {
        return Ok(false);
    }
    if let Some(other) = inputs.iter().find(|input| !is_table(input)) {
        return Err(Error::settings(
            format!(
                "the inputs' columns go into the Parquet output, and {} is no Parquet",
                other.name()
            ),
            "sign inputs of each kind in a run of their own",
        ));
    }
    match inputs.iter().find(|input| input.is_read_once()) {
        Some(input) => Err(Error::settings(
            format!(
                "{} can be read only once, and its columns go into the Parquet output in the end",
                input.name()
            ),
            "put the rows into a file, or write NDJSON",
        )),
        None => Ok(true),
    }
}

/// Looks, before anything is signed, whether the inputs' columns go together.
///
/// # Errors
/// When they do not, or an input cannot be opened.
pub(super) fn check_tables(job: &Job) -> Result<(), Error> {
    match job.outputs.table.is_some() && carries(&job.inputs)? {
        true => Carried::open(job, &[]).map(drop),
        false => Ok(()),
    }
}

/// The inputs' own columns, read again from their first row on.
pub(super) struct Carried<'a> {
    job: &'a Job,
    entries: &'a [InputEntry],
    schema: SchemaRef,
    /// Which columns are carried over.
    columns: Vec<usize>,
    /// The next input to open.
    next: usize,
    rows: Option<TableRows>,
    pub(super) batch: Option<RecordBatch>,
    /// The number of the batch's first row.
    first: u64,
}

impl<'a> Carried<'a> {
    /// Looks at what columns there are: the same in all inputs.
    pub(super) fn open(job: &'a Job, entries: &'a [InputEntry]) -> Result<Self, Error> {
        let mut first: Option<(String, SchemaRef)> = None;
        for input in &job.inputs {
            let schema = Arc::clone(table(input)?.schema());
            match &first {
                None => first = Some((input.name(), schema)),
                Some((name, first)) if first.fields() != schema.fields() => {
                    return Err(Error::settings(
                        format!("{name} and {} have other columns", input.name()),
                        "sign them in runs of their own, or write NDJSON",
                    ));
                }
                Some(_) => {}
            }
        }
        let schema = first.map(|(_, schema)| schema);
        let schema = schema.unwrap_or_else(|| Arc::new(arrow_schema::Schema::empty()));
        let keep = &job.settings.keep;
        let kept = |name: &str| keep.is_empty() || keep.iter().any(|own| same_name(own, name));
        let fields = schema.fields().iter().enumerate();
        let kept = fields.filter(|(_, field)| kept(field.name()));
        let mut names = HashSet::new();
        for (_, field) in kept.clone() {
            if !names.insert(field.name()) {
                return Err(Error::settings(
                    format!("two columns of the input are called {:?}", field.name()),
                    "name them apart where they are written, or write NDJSON",
                ));
            }
        }
        Ok(Self {
            job,
            entries,
            columns: kept.map(|(at, _)| at).collect(),
            schema,
            next: 0,
            rows: None,
            batch: None,
            first: 1,
        })
    }

    pub(super) fn fields(&self) -> Vec<FieldRef> {
        let fields = self.columns.iter();
        fields
            .map(|at| Arc::clone(&self.schema.fields()[*at]))
            .collect()
    }

    /// Whether this row stands behind the batch at hand.
    pub(super) fn is_behind(&self, number: u64) -> bool {
        let rows = self.batch.as_ref().map_or(0, RecordBatch::num_rows);
        number >= self.first + rows as u64
    }

    /// Goes on to the batch that has this row, and gives its place there.
    pub(super) fn find(&mut self, number: u64) -> Result<u32, Error> {
        while self.is_behind(number) {
            self.first += self.batch.take().map_or(0, |batch| batch.num_rows()) as u64;
            let Some(rows) = &mut self.rows else {
                self.open_next()?;
                continue;
            };
            let name = || self.job.inputs[self.next - 1].name();
            match rows
                .next_batch()
                .map_err(|error| unreadable(name(), error))?
            {
                Some(batch) => self.batch = Some(batch),
                None => {
                    let before: u64 = self.entries.iter().take(self.next).map(|e| e.rows).sum();
                    if self.first != before + 1 {
                        return Err(Error::InputChanged { file: name() });
                    }
                    self.rows = None;
                }
            }
        }
        // A batch has far fewer rows.
        Ok(u32::try_from(number.saturating_sub(self.first)).unwrap_or(u32::MAX))
    }

    fn open_next(&mut self) -> Result<(), Error> {
        let Some(input) = self.job.inputs.get(self.next) else {
            let file = self.job.inputs.last().map(Input::name).unwrap_or_default();
            return Err(Error::InputChanged { file });
        };
        self.next += 1;
        let rows = table(input)?.read(&self.columns, CARRIED_ROWS);
        self.rows = Some(rows.map_err(|error| unreadable(input.name(), error))?);
        Ok(())
    }

    /// What was carried over is what was signed.
    pub(super) fn check(&self) -> Result<(), Error> {
        for (input, entry) in self.job.inputs.iter().zip(self.entries) {
            let (file, table) = (input.name(), table(input)?);
            let (bytes, sha256) = match table.stored() {
                Ok(stored) => stored,
                Err(error) => return Err(unreadable(file, error)),
            };
            if (bytes, hex(&sha256)) != (entry.bytes, entry.sha256.clone()) {
                return Err(Error::InputChanged { file });
            }
        }
        Ok(())
    }
}

fn table(input: &Input) -> Result<Table, Error> {
    let opened = match &input.origin {
        Origin::File(path) => std::fs::File::open(path).and_then(Table::open),
        Origin::Stdin => Err(std::io::ErrorKind::Unsupported.into()),
    };
    opened.map_err(|source| Error::Open {
        file: input.name(),
        source,
    })
}

fn unreadable(file: String, error: std::io::Error) -> Error {
    Error::Read {
        file,
        error: ReadError::Io(error),
    }
}

//! The end of a run whose records become a Parquet file: all of them are there
//! as lines, each behind its row's number, and are made into a table. Where the
//! rows came from Parquet, their own columns are read a second time and carried
//! over as they are. It must not know how a table is stored.

use std::path::Path;

use arrow_array::RecordBatch;
use arrow_schema::FieldRef;

use crate::error::Error;
use crate::format::{Format, Kind, USE_WINDOW};
use crate::json::Shape;
use crate::output::{ColumnKind, Columns, Extent, Gathered, InputEntry, TableWriter, Target};
use crate::parallel::{self, Pool};
use crate::record::same_name;

use super::carried::{Carried, carries};
use super::job::Job;

/// How many rows are made at a time, and how many bytes of lines they have
/// unless a single one has more.
const ROWS: usize = 4096;
const BYTES: usize = 1 << 20;

/// Makes the table of the records that are staged, complete and synced, beside
/// its name. `names` are the columns that records have. Where it ends in its
/// middle, it is done again from the start; `None` where it was asked to stop.
pub(super) fn tabulate(
    pool: &Pool,
    job: &Job,
    names: &[String],
    inputs: &[InputEntry],
    records: &Extent,
    path: &Path,
) -> Result<Option<Extent>, Error> {
    let disk = job.disk.as_ref();
    let (carried, fields) = match carries(&job.inputs)? {
        true => {
            let carried = Carried::open(job, inputs)?;
            let fields = carried.fields();
            (Some(carried), fields)
        }
        false => (None, Vec::new()),
    };
    let keep = &job.settings.keep;
    let format = job.settings.format;
    // What an input has is carried over, not read from the lines.
    let is_carried = |name: &String| {
        let has = |field: &FieldRef| same_name(field.name(), name);
        keep.contains(name) && fields.iter().any(has)
    };
    let own = names.iter().filter(|name| !is_carried(name));
    let own: Vec<_> = own.map(|name| (name.clone(), kind(format, name))).collect();
    let columns = Columns::new(&fields, &own);
    let gathered = job.outputs.signed.as_ref().and_then(Target::file);
    let mut feed = Feed {
        records: Gathered::open(disk, gathered.unwrap_or(Path::new("")), records.bytes)?,
        carried,
        waiting: None,
    };
    let mut writer = TableWriter::create(disk, path, &columns)?;
    let stop = &job.stop;
    parallel::flow(
        pool,
        || match stop.is_requested() {
            true => Ok(None),
            false => feed.next(),
        },
        |chunk: Chunk| {
            let other = chunk.batch.as_ref().map(|batch| (batch, chunk.rows));
            columns.rows(&chunk.lines, other)
        },
        |rows, spawn| {
            spawn(rows);
        },
        |rows| rows,
        |rows| {
            let rows = rows.map_err(|words| Error::Panicked {
                words,
                records: None,
            })?;
            Ok(writer.write(&rows)?)
        },
    )?;
    if stop.is_requested() {
        return Ok(None);
    }
    if let Some(carried) = &feed.carried {
        carried.check()?;
    }
    Ok(Some(writer.finish()?))
}

/// What the values of a column of records are.
fn kind(format: &'static Format, name: &str) -> ColumnKind {
    let is_object = |name: &str| {
        let mut fields = format.fields.iter();
        fields.any(|field| format.parent(field.name) == Some(name))
    };
    match format.field(name) {
        Some((_, field)) if field.wrapped.is_some() => ColumnKind::Text,
        Some((_, field)) => match field.kind {
            Kind::Boolean => ColumnKind::Boolean,
            Kind::Integer { max, .. } if i64::try_from(max).is_err() => ColumnKind::Unsigned,
            Kind::Integer { .. } | Kind::Time(_) => ColumnKind::Integer,
            kind => match kind.shape() {
                Shape::String => ColumnKind::Text,
                _ => ColumnKind::Json,
            },
        },
        None if is_object(name) => ColumnKind::Json,
        None if USE_WINDOW.contains(&name) => ColumnKind::Integer,
        None => ColumnKind::Text,
    }
}

/// Some rows of the table to be.
struct Chunk {
    lines: Vec<u8>,
    /// Which rows of the batch they are of.
    rows: Vec<u32>,
    batch: Option<RecordBatch>,
}

/// The records in their order, each with its row.
struct Feed<'a> {
    records: Gathered,
    carried: Option<Carried<'a>>,
    /// A line that belongs to the next batch.
    waiting: Option<(u64, Vec<u8>)>,
}

impl Feed<'_> {
    fn next(&mut self) -> Result<Option<Chunk>, Error> {
        let mut chunk = Chunk {
            lines: Vec::new(),
            rows: Vec::new(),
            batch: None,
        };
        while chunk.rows.len() < ROWS && chunk.lines.len() < BYTES {
            let line = match self.waiting.take() {
                Some(waiting) => Some(waiting),
                None => self.records.next_line()?,
            };
            let Some((number, line)) = line else { break };
            let mut row = 0;
            if let Some(carried) = &mut self.carried {
                if !chunk.rows.is_empty() && carried.is_behind(number) {
                    self.waiting = Some((number, line));
                    break;
                }
                row = carried.find(number)?;
                chunk.batch.clone_from(&carried.batch);
            }
            chunk.rows.push(row);
            chunk.lines.extend_from_slice(&line);
        }
        Ok((!chunk.rows.is_empty()).then_some(chunk))
    }
}

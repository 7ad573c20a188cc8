//! Parquet as lines: each row becomes one JSON object on a line of its own, in
//! the order of the file, so that everything that reads lines reads Parquet,
//! and a row's line is its number. Only the columns that are wanted are
//! decoded, two row groups at a time. It must not know what a column is for.
//!
//! Integers and strings come out as they went in: no value passes through a
//! float. What is null is no member. A float keeps its point, as text of a
//! spreadsheet does: whether `5239.0` may stand for an integer is for those to
//! say who know what it is for.

mod footer;
mod lines;
mod place;
mod value;

use std::collections::VecDeque;
use std::fs::File;
use std::io::{self, Read};
use std::sync::Arc;

use arrow_array::RecordBatch;
use arrow_schema::{DataType, Field, Schema, SchemaRef};
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::{
    ArrowReaderMetadata, ArrowReaderOptions, ParquetRecordBatchReader,
    ParquetRecordBatchReaderBuilder,
};
use parquet::basic::{ConvertedType, LogicalType};
use parquet::errors::ParquetError;

use super::{ReadError, Taken};
use crate::parallel::{Ahead, message};
use lines::{Column, Lines};
use place::Place;

/// How many row groups are decoded at a time. More would only wait: two
/// threads decode far faster than many sign.
const GROUPS: usize = 2;
/// How many pieces of text each of them may be ahead.
const PIECES: usize = 4;
/// How many bytes a piece of text has, and the last row of it more.
const PIECE_BYTES: usize = 128 * 1024;
/// How many rows are decoded at a time. Strings among them stand in the pages
/// they came in.
const BATCH_ROWS: usize = 1024;

/// A Parquet file that is read as lines.
pub(super) struct Parquet {
    file: Arc<File>,
    metadata: ArrowReaderMetadata,
    /// Of each column, what is read.
    columns: Vec<Column>,
    /// The next row group to begin with.
    next_group: usize,
    groups: VecDeque<Ahead<io::Result<Vec<u8>>>>,
    piece: Vec<u8>,
    at: usize,
    /// The file's size and digest; known at its end.
    stored: Option<(u64, [u8; 32])>,
}

impl Parquet {
    /// Opens a file and reads what it says of itself, at its end.
    pub(super) fn open(file: Arc<File>) -> io::Result<Self> {
        let place = Place::new(Arc::clone(&file))?;
        place.check_footer()?;
        let metadata = sound(|| {
            let options = ArrowReaderOptions::new().with_skip_arrow_metadata(true);
            let metadata = ArrowReaderMetadata::load(&place, options.clone())?;
            let schema = viewed(metadata.schema());
            let metadata = Arc::clone(metadata.metadata());
            ArrowReaderMetadata::try_new(metadata, options.with_schema(schema))
        })?;
        let parquet = metadata.parquet_schema().root_schema();
        let own = metadata.schema().fields().iter().zip(parquet.get_fields());
        let columns = own.map(|(field, parquet)| {
            let info = parquet.get_basic_info();
            let is_json = matches!(info.logical_type_ref(), Some(LogicalType::Json))
                || info.converted_type() == ConvertedType::JSON;
            let is_uuid = matches!(info.logical_type_ref(), Some(LogicalType::Uuid));
            Column::new(field, is_json, is_uuid)
        });
        Ok(Self {
            columns: columns.collect(),
            file,
            metadata,
            next_group: 0,
            groups: VecDeque::new(),
            piece: Vec::new(),
            at: 0,
            stored: None,
        })
    }

    /// The names of its columns.
    pub(super) fn names(&self) -> Vec<String> {
        let names = self.columns.iter();
        names.map(|column| column.name.clone()).collect()
    }

    /// What is to be read of each column; everything as it is, until this is
    /// said.
    pub(super) fn select(&mut self, all: &[Taken]) -> Result<(), ReadError> {
        for (column, taken) in self.columns.iter_mut().zip(all) {
            column.take(*taken)?;
        }
        Ok(())
    }

    /// The file's size and SHA-256, once all of it was read.
    pub(super) fn stored(&self) -> Option<(u64, [u8; 32])> {
        self.stored
    }

    /// Lets the next row group be decoded, on a thread of its own.
    fn begin_group(&mut self) -> io::Result<()> {
        let group = self.next_group;
        self.next_group += 1;
        let (file, metadata) = (Arc::clone(&self.file), self.metadata.clone());
        let columns: Vec<Column> = self.columns.clone();
        let ahead = Ahead::start(PIECES, move |give| {
            let lines = rows(file, metadata, group, &columns);
            let mut lines = match lines {
                Ok(rows) => Lines::new(rows, &columns),
                Err(error) => {
                    give(Err(error));
                    return;
                }
            };
            loop {
                let mut piece = Vec::with_capacity(PIECE_BYTES + PIECE_BYTES / 4);
                let more = lines.fill(&mut piece, PIECE_BYTES);
                let is_last = !matches!(more, Ok(true));
                let piece = more.map(|_| piece).map_err(damaged);
                if !give(piece) || is_last {
                    return;
                }
            }
        })?;
        self.groups.push_back(ahead);
        Ok(())
    }

    /// The next piece of text; empty at the end.
    fn next_piece(&mut self) -> io::Result<Vec<u8>> {
        loop {
            let all = self.metadata.metadata().num_row_groups();
            while self.groups.len() < GROUPS && self.next_group < all {
                self.begin_group()?;
            }
            let Some(group) = self.groups.front() else {
                return Ok(Vec::new());
            };
            match group.next() {
                Some(Ok(piece)) => match piece? {
                    piece if piece.is_empty() => {}
                    piece => return Ok(piece),
                },
                Some(Err(panic)) => return Err(broken(&panic)),
                None => drop(self.groups.pop_front()),
            }
        }
    }
}

impl Read for Parquet {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.at == self.piece.len() && self.stored.is_none() {
            self.piece = self.next_piece()?;
            self.at = 0;
            if self.piece.is_empty() {
                self.stored = Some(Place::new(Arc::clone(&self.file))?.digest()?);
            }
        }
        let read = (&self.piece[self.at..]).read(buffer)?;
        self.at += read;
        Ok(read)
    }
}

/// The rows of one group, with the columns that are wanted.
fn rows(
    file: Arc<File>,
    metadata: ArrowReaderMetadata,
    group: usize,
    columns: &[Column],
) -> io::Result<ParquetRecordBatchReader> {
    let place = Place::new(file)?;
    let roots = (0..columns.len()).filter(|at| columns[*at].taken != Taken::Passed);
    let mask = ProjectionMask::roots(metadata.parquet_schema(), roots);
    ParquetRecordBatchReaderBuilder::new_with_metadata(place, metadata)
        .with_row_groups(vec![group])
        .with_projection(mask)
        .with_batch_size(BATCH_ROWS)
        .build()
        .map_err(|error| damaged(&error))
}

/// Strings that stand where they came from: one that a dictionary repeats a
/// million times takes its room once.
fn viewed(schema: &SchemaRef) -> SchemaRef {
    let fields = schema.fields().iter().map(|field| {
        let view = match field.data_type() {
            DataType::Utf8 => DataType::Utf8View,
            DataType::Binary => DataType::BinaryView,
            other => other.clone(),
        };
        Field::clone(field).with_data_type(view)
    });
    Arc::new(Schema::new(fields.collect::<Vec<_>>()))
}

/// A table that is read as it is: every column in its own type.
pub struct Table {
    place: Place,
    metadata: ArrowReaderMetadata,
}

impl Table {
    /// Opens a file.
    ///
    /// # Errors
    /// When it cannot be read, or is no Parquet.
    pub fn open(file: File) -> io::Result<Self> {
        let place = Place::new(Arc::new(file))?;
        place.check_footer()?;
        let metadata = sound(|| ArrowReaderMetadata::load(&place, ArrowReaderOptions::new()))?;
        Ok(Self { place, metadata })
    }

    /// Its columns.
    pub fn schema(&self) -> &SchemaRef {
        self.metadata.schema()
    }

    /// The columns that stand at these places, in batches of so many rows, in
    /// their order.
    ///
    /// # Errors
    /// When it is damaged.
    pub fn read(&self, columns: &[usize], rows: usize) -> io::Result<TableRows> {
        let mask = ProjectionMask::roots(self.metadata.parquet_schema(), columns.iter().copied());
        sound(|| {
            ParquetRecordBatchReaderBuilder::new_with_metadata(
                self.place.clone(),
                self.metadata.clone(),
            )
            .with_projection(mask)
            .with_batch_size(rows)
            .build()
            .map(TableRows)
        })
    }

    /// The file's size and SHA-256.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn stored(&self) -> io::Result<(u64, [u8; 32])> {
        self.place.digest()
    }
}

/// The rows of a table.
pub struct TableRows(ParquetRecordBatchReader);

impl TableRows {
    /// The next batch of them; `None` at the end.
    ///
    /// # Errors
    /// When they are damaged.
    pub fn next_batch(&mut self) -> io::Result<Option<RecordBatch>> {
        sound(|| self.0.next().transpose().map_err(ParquetError::from))
    }
}

/// Does what may fail or, in a file that somebody has made with care, panic.
fn sound<T>(work: impl FnOnce() -> Result<T, ParquetError>) -> io::Result<T> {
    match std::panic::catch_unwind(std::panic::AssertUnwindSafe(work)) {
        Ok(result) => result.map_err(|error| damaged(&error)),
        Err(panic) => Err(broken(&message(&*panic))),
    }
}

/// What a decoder says, as an error of the input.
fn damaged(error: impl std::fmt::Display) -> io::Error {
    let error = error.to_string();
    let words = error.trim_start_matches("Parquet error: ");
    io::Error::new(
        io::ErrorKind::InvalidData,
        format!("the Parquet file is damaged, cut short, or none: {words}"),
    )
}

fn broken(panic: &str) -> io::Error {
    damaged(format!("its decoder gave up: {panic}"))
}

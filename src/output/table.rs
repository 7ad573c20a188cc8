//! Lines of JSON as a Parquet file: the columns of a table, of which some come
//! from the lines and some are carried over from another table as they are.
//! The same lines give the same bytes, whoever writes them when. It must not
//! know what a column means.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow_array::builder::{BooleanBuilder, Int64Builder, StringBuilder, UInt64Builder};
use arrow_array::{ArrayRef, RecordBatch, UInt32Array};
use arrow_schema::extension::Json;
use arrow_schema::{ArrowError, DataType, Field, FieldRef, Schema, SchemaRef};
use arrow_select::take::take;
use parquet::arrow::ArrowWriter;
use parquet::basic::{Compression, ZstdLevel};
use parquet::errors::ParquetError;
use parquet::file::properties::{EnabledStatistics, WriterProperties};

use super::disk::Disk;
use super::error::OutputError;
use super::staged::{Extent, Staged, Target};
use crate::json::{self, Shape};

/// When a row group is full: it is held in memory until then.
const GROUP_BYTES: usize = 16 << 20;
const GROUP_ROWS: usize = 1 << 20;
/// Zstandard's own default.
const ZSTD_LEVEL: i32 = 3;

/// What the values of a column are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ColumnKind {
    /// `true` or `false`.
    Boolean,
    /// Integers that fit 64 bits with a sign.
    Integer,
    /// Integers that fit 64 bits without one.
    Unsigned,
    /// Text.
    Text,
    /// JSON, as text.
    Json,
}

impl ColumnKind {
    fn field(self, name: &str) -> Field {
        let kind = match self {
            Self::Boolean => DataType::Boolean,
            Self::Integer => DataType::Int64,
            Self::Unsigned => DataType::UInt64,
            Self::Text | Self::Json => DataType::Utf8,
        };
        let field = Field::new(name, kind, true);
        match self {
            Self::Json => field.with_extension_type(Json::default()),
            _ => field,
        }
    }
}

/// Where a column's values come from.
enum Place {
    /// The member of the lines of the column's name.
    Line(ColumnKind),
    /// This column of the other table.
    Carried(usize),
}

/// The columns of a table.
pub struct Columns {
    places: Vec<Place>,
    schema: SchemaRef,
}

impl Columns {
    /// The columns carried over in their order, and behind them those of the
    /// lines; one of the same name takes the other's place.
    pub fn new(carried: &[FieldRef], own: &[(String, ColumnKind)]) -> Self {
        let mut places = Vec::new();
        let mut fields: Vec<FieldRef> = Vec::new();
        for (at, field) in carried.iter().enumerate() {
            match own.iter().find(|(name, _)| name == field.name()) {
                Some((name, kind)) => {
                    places.push(Place::Line(*kind));
                    fields.push(Arc::new(kind.field(name)));
                }
                None => {
                    places.push(Place::Carried(at));
                    fields.push(Arc::clone(field));
                }
            }
        }
        for (name, kind) in own {
            if !carried.iter().any(|field| field.name() == name) {
                places.push(Place::Line(*kind));
                fields.push(Arc::new(kind.field(name)));
            }
        }
        Self {
            places,
            schema: Arc::new(Schema::new(fields)),
        }
    }

    /// Makes rows of lines: for each, the row of the other table that it is
    /// of, by its place in a batch.
    ///
    /// # Errors
    /// When a line is none, or a value not of its column's kind; in words.
    pub fn rows(
        &self,
        lines: &[u8],
        other: Option<(&RecordBatch, Vec<u32>)>,
    ) -> Result<RecordBatch, String> {
        let mut builders: Vec<Option<Builder>> = (self.places.iter())
            .map(|place| match place {
                Place::Line(kind) => Some(Builder::new(*kind)),
                Place::Carried(_) => None,
            })
            .collect();
        let text = std::str::from_utf8(lines).map_err(|error| error.to_string())?;
        for line in text.lines() {
            let members = json::object(line).map_err(|fault| fault.to_string())?;
            // Members mostly come in the order of the columns.
            let mut next = 0;
            for (field, builder) in self.schema.fields().iter().zip(&mut builders) {
                let Some(builder) = builder else { continue };
                let has_name = |(name, _): &json::Member<'_>| name == field.name();
                let at = match members.get(next).filter(|member| has_name(member)) {
                    Some(_) => Some(next),
                    None => members.iter().position(has_name),
                };
                next = at.map_or(next, |at| at + 1);
                let token = at.map(|at| members[at].1);
                builder
                    .push(token)
                    .map_err(|()| format!("{} is of another kind", field.name()))?;
            }
        }
        let failed = |error: ArrowError| error.to_string();
        let (other, rows) = match other {
            Some((batch, rows)) => (Some(batch), UInt32Array::from(rows)),
            None => (None, UInt32Array::from(Vec::<u32>::new())),
        };
        let mut arrays: Vec<ArrayRef> = Vec::with_capacity(self.places.len());
        for (place, builder) in self.places.iter().zip(builders) {
            arrays.push(match (place, builder, other) {
                (Place::Carried(at), _, Some(batch)) => {
                    take(batch.column(*at), &rows, None).map_err(failed)?
                }
                (Place::Line(_), Some(builder), _) => builder.finish(),
                _ => return Err("a column is carried over from nowhere".into()),
            });
        }
        RecordBatch::try_new(Arc::clone(&self.schema), arrays).map_err(failed)
    }
}

/// A column in the making.
enum Builder {
    Boolean(BooleanBuilder),
    Integer(Int64Builder),
    Unsigned(UInt64Builder),
    Text(StringBuilder),
    Json(StringBuilder),
}

impl Builder {
    fn new(kind: ColumnKind) -> Self {
        match kind {
            ColumnKind::Boolean => Self::Boolean(BooleanBuilder::new()),
            ColumnKind::Integer => Self::Integer(Int64Builder::new()),
            ColumnKind::Unsigned => Self::Unsigned(UInt64Builder::new()),
            ColumnKind::Text => Self::Text(StringBuilder::new()),
            ColumnKind::Json => Self::Json(StringBuilder::new()),
        }
    }

    /// Appends a token; what is not of this kind is an error, never another
    /// value.
    fn push(&mut self, token: Option<&str>) -> Result<(), ()> {
        let token = token.filter(|token| Shape::of(token) != Shape::Null);
        let Some(token) = token else {
            match self {
                Self::Boolean(builder) => builder.append_null(),
                Self::Integer(builder) => builder.append_null(),
                Self::Unsigned(builder) => builder.append_null(),
                Self::Text(builder) | Self::Json(builder) => builder.append_null(),
            }
            return Ok(());
        };
        match self {
            Self::Boolean(builder) => builder.append_value(token.parse().map_err(drop)?),
            Self::Integer(builder) => builder.append_value(token.parse().map_err(drop)?),
            Self::Unsigned(builder) => builder.append_value(token.parse().map_err(drop)?),
            Self::Json(builder) => builder.append_value(token),
            Self::Text(builder) => match Shape::of(token) {
                Shape::String => builder.append_value(json::string(token).map_err(drop)?),
                _ => builder.append_value(token),
            },
        }
        Ok(())
    }

    fn finish(self) -> ArrayRef {
        match self {
            Self::Boolean(mut builder) => Arc::new(builder.finish()),
            Self::Integer(mut builder) => Arc::new(builder.finish()),
            Self::Unsigned(mut builder) => Arc::new(builder.finish()),
            Self::Text(mut builder) | Self::Json(mut builder) => Arc::new(builder.finish()),
        }
    }
}

/// Writes one Parquet file, row group after row group.
pub struct TableWriter {
    path: PathBuf,
    writer: ArrowWriter<Vec<u8>>,
    staged: Staged,
}

impl TableWriter {
    /// Starts a file beside its name, in place of an older attempt.
    ///
    /// # Errors
    /// When it cannot be made.
    pub fn create(disk: &dyn Disk, path: &Path, columns: &Columns) -> Result<Self, OutputError> {
        let staged = Staged::create(disk, &Target::File(path.to_owned()))?;
        let writer = writer(columns).map_err(|error| failed(path, error))?;
        Ok(Self {
            path: path.to_owned(),
            writer,
            staged,
        })
    }

    /// Appends rows.
    ///
    /// # Errors
    /// When they cannot be written.
    pub fn write(&mut self, rows: &RecordBatch) -> Result<(), OutputError> {
        let written = self.writer.write(rows);
        written.map_err(|error| failed(&self.path, error))?;
        self.pass_on()
    }

    /// Ends the file and makes it durable under the name it has; how much there
    /// is of it.
    ///
    /// # Errors
    /// When it cannot be written or synced.
    pub fn finish(mut self) -> Result<Extent, OutputError> {
        let finished = self.writer.finish();
        finished.map_err(|error| failed(&self.path, error))?;
        self.pass_on()?;
        self.staged.sync()?;
        Ok(self.staged.extent())
    }

    fn pass_on(&mut self) -> Result<(), OutputError> {
        let bytes = std::mem::take(self.writer.inner_mut());
        match bytes.is_empty() {
            true => Ok(()),
            false => self.staged.write(&bytes),
        }
    }
}

fn writer(columns: &Columns) -> Result<ArrowWriter<Vec<u8>>, ParquetError> {
    let properties = WriterProperties::builder()
        .set_compression(Compression::ZSTD(ZstdLevel::try_new(ZSTD_LEVEL)?))
        .set_created_by(
            concat!(
                env!("CARGO_PKG_NAME"),
                " version ",
                env!("CARGO_PKG_VERSION")
            )
            .into(),
        )
        .set_max_row_group_bytes(Some(GROUP_BYTES))
        .set_max_row_group_row_count(Some(GROUP_ROWS))
        .set_statistics_enabled(EnabledStatistics::Chunk)
        .build();
    ArrowWriter::try_new(Vec::new(), Arc::clone(&columns.schema), Some(properties))
}

fn failed(path: &Path, error: ParquetError) -> OutputError {
    OutputError::io("write", path, io::Error::other(error))
}

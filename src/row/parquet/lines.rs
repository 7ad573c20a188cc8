//! The rows of a table as lines of JSON. It must not know where the rows come
//! from.

use arrow_array::{Array, ArrayRef, RecordBatch};
use arrow_schema::{ArrowError, DataType, Field};
use parquet::arrow::arrow_reader::ParquetRecordBatchReader;

use super::value::{self, is_readable};
use crate::json;
use crate::row::{ReadError, Taken};

/// A column, and what is made of it.
#[derive(Clone)]
pub(super) struct Column {
    pub(super) name: String,
    /// `"name":`
    member: Vec<u8>,
    kind: DataType,
    is_uuid: bool,
    pub(super) taken: Taken,
}

impl Column {
    /// A column that is read as it is; not at all where JSON has nothing like
    /// it.
    pub(super) fn new(field: &Field, is_json: bool, is_uuid: bool) -> Self {
        let mut member = Vec::new();
        json::write_string(field.name(), &mut member);
        member.push(b':');
        let taken = match (is_readable(field.data_type()), is_json) {
            (false, _) => Taken::Passed,
            (true, true) => Taken::Json,
            (true, false) => Taken::Value,
        };
        Self {
            name: field.name().clone(),
            member,
            kind: field.data_type().clone(),
            is_uuid,
            taken,
        }
    }

    /// Decides what is made of it.
    pub(super) fn take(&mut self, taken: Taken) -> Result<(), ReadError> {
        let refused = |why| ReadError::Column {
            column: self.name.clone(),
            kind: self.kind.to_string(),
            why,
        };
        self.taken = match (taken, self.taken) {
            (Taken::Passed, _) => Taken::Passed,
            (_, Taken::Passed) => return Err(refused("is nothing that a row can hold")),
            (Taken::Moment(_), _) if matches!(self.kind, DataType::Timestamp(_, None)) => {
                return Err(refused("does not say in which time zone it is"));
            }
            // What says of itself that it is JSON is, whatever it is for.
            (Taken::Value, Taken::Json) => Taken::Json,
            (taken, _) => taken,
        };
        Ok(())
    }
}

/// Rows on their way into lines.
pub(super) struct Lines<'c> {
    rows: ParquetRecordBatchReader,
    columns: Vec<&'c Column>,
    batch: Option<RecordBatch>,
    at: usize,
}

impl<'c> Lines<'c> {
    /// Of these rows, which have the columns that are taken.
    pub(super) fn new(rows: ParquetRecordBatchReader, columns: &'c [Column]) -> Self {
        let taken = columns
            .iter()
            .filter(|column| column.taken != Taken::Passed);
        Self {
            rows,
            columns: taken.collect(),
            batch: None,
            at: 0,
        }
    }

    /// Appends lines until there are so many bytes; `false` where the rows have
    /// come to their end.
    pub(super) fn fill(&mut self, out: &mut Vec<u8>, bytes: usize) -> Result<bool, ArrowError> {
        while out.len() < bytes {
            let batch = match &self.batch {
                Some(batch) if self.at < batch.num_rows() => batch,
                _ => match self.rows.next().transpose()? {
                    Some(batch) => {
                        self.at = 0;
                        self.batch.insert(batch)
                    }
                    None => return Ok(false),
                },
            };
            while self.at < batch.num_rows() && out.len() < bytes {
                line(batch.columns(), &self.columns, self.at, out);
                self.at += 1;
            }
        }
        Ok(true)
    }
}

/// Appends one row as a line.
fn line(arrays: &[ArrayRef], columns: &[&Column], at: usize, out: &mut Vec<u8>) {
    out.push(b'{');
    let mut is_first = true;
    for (array, column) in arrays.iter().zip(columns) {
        if array.is_null(at) {
            continue;
        }
        if !std::mem::take(&mut is_first) {
            out.push(b',');
        }
        out.extend_from_slice(&column.member);
        value::write(array.as_ref(), at, column.taken, column.is_uuid, out);
    }
    out.extend_from_slice(b"}\n");
}

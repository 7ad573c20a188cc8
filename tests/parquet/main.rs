//! Parquet in and out: every format signs the same from a table as from text,
//! a table keeps its own columns, and what is damaged is refused and never
//! believed.
#![allow(clippy::unwrap_used)] // A failed unwrap is a failed test.

#[path = "../workdir/mod.rs"]
mod workdir;

mod damage;
mod files;
mod memory;
mod pyarrow;
mod tables;
mod types;

use std::fs::File;
use std::path::Path;
use std::sync::Arc;

use arrow_array::{
    Array, ArrayRef, BooleanArray, Int64Array, RecordBatch, StringArray, UInt64Array,
};
use campaign_signer::format::{Alg, Format};
use campaign_signer::json::Shape;
use parquet::arrow::ArrowWriter;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use parquet::file::properties::WriterProperties;

use workdir::{Workdir, example_row, now};

/// A column by its name.
type Column = (String, ArrayRef);

fn column(name: &str, array: impl Array + 'static) -> Column {
    (name.to_owned(), Arc::new(array))
}

fn texts(name: &str, values: &[&str]) -> Column {
    column(name, StringArray::from(values.to_vec()))
}

/// Writes a table in row groups of so many rows.
fn write(path: &Path, columns: &[Column], group: usize) {
    let batch = RecordBatch::try_from_iter(columns.iter().cloned()).unwrap();
    let properties = WriterProperties::builder().set_max_row_group_row_count(Some(group));
    let file = File::create(path).unwrap();
    let mut writer = ArrowWriter::try_new(file, batch.schema(), Some(properties.build())).unwrap();
    writer.write(&batch).unwrap();
    writer.close().unwrap();
}

/// All rows of a table.
fn read(path: &Path) -> RecordBatch {
    let file = File::open(path).unwrap();
    let reader = ParquetRecordBatchReaderBuilder::try_new(file).unwrap();
    let schema = Arc::clone(reader.schema());
    let batches: Vec<_> = reader.build().unwrap().map(Result::unwrap).collect();
    arrow_select::concat::concat_batches(&schema, &batches).unwrap()
}

fn names(table: &RecordBatch) -> Vec<String> {
    let fields = table.schema_ref().fields().iter();
    fields.map(|field| field.name().clone()).collect()
}

/// The example of a format as the columns of a table, so many rows of it, in
/// the types that a database has for them.
fn example(format: &Format, rows: usize) -> Vec<Column> {
    let row = example_row(format, None);
    let columns = row.into_iter().map(|(name, text)| {
        let array: ArrayRef = match format.field(name).unwrap().1.kind.shape() {
            Shape::Number => match text.parse::<i64>() {
                Ok(number) => Arc::new(Int64Array::from(vec![number; rows])),
                Err(_) => Arc::new(UInt64Array::from(vec![text.parse::<u64>().unwrap(); rows])),
            },
            Shape::Boolean => Arc::new(BooleanArray::from(vec![text == "true"; rows])),
            _ => Arc::new(StringArray::from(vec![text; rows])),
        };
        (name.to_owned(), array)
    });
    columns.collect()
}

/// What signs and what verifies a format.
fn keys(format: &Format) -> (String, &'static str) {
    let id = match format.key_id() {
        Some(_) => " --key-id 2X9R4HXF34",
        None => "",
    };
    let id_of = |key: &str| format!("-f {} {key}{id}", format.id);
    match format.alg() {
        Alg::Es256 => (id_of("-k key.pem"), "--public-key pub.pem"),
        Alg::Hs256 => (
            id_of("--secret-file secret.txt"),
            "--secret-file secret.txt",
        ),
    }
}

/// `sign` with everything that its bytes depend on.
fn sign(format: &Format, rest: &str) -> String {
    let (key, _) = keys(format);
    format!(
        "sign {key} --job-id job --timestamp {} --force --max-rejects 1000 {rest}",
        now() / 100_000 * 100_000
    )
}

fn aak() -> &'static Format {
    Format::find("aak-impression").unwrap()
}

/// The rows of the AAK example with a column of their own.
fn aak_table(workdir: &Workdir, name: &str, rows: usize) -> Vec<Column> {
    let mut columns = example(aak(), rows);
    let own: Vec<String> = (0..rows).map(|row| format!("order-{row}")).collect();
    columns.insert(1, column("order_ref", StringArray::from(own)));
    write(&workdir.path(name), &columns, 100);
    columns
}

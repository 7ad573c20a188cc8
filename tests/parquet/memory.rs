//! Memory does not grow with a table. `CAMPAIGN_SIGNER_MEMORY=full cargo test
//! --release --features parquet --test parquet memory` signs ten million rows.
#![cfg(target_os = "linux")]

use std::fs::File;
use std::path::Path;
use std::sync::Arc;

use arrow_array::{RecordBatch, StringArray};
use parquet::arrow::ArrowWriter;
use parquet::file::properties::WriterProperties;

use super::workdir::{Workdir, peak};

/// What a run may hold at its highest, on two threads: what a run over text
/// may, and beside it two row groups that are read, or one that is written.
const LIMIT_KIB: u64 = 128 * 1024;

/// Writes so many users, in the row groups that pyarrow makes.
fn write_users(path: &Path, rows: usize) {
    let mut writer = None;
    for first in (0..rows).step_by(10_000) {
        let all = first..rows.min(first + 10_000);
        let ids: StringArray = all
            .clone()
            .map(|at| Some(format!("user{at}@example.com")))
            .collect();
        let names: StringArray = all.map(|at| Some(format!("Jane {}", at % 1000))).collect();
        let columns = [
            ("id", Arc::new(ids) as _),
            ("firstName", Arc::new(names) as _),
        ];
        let batch = RecordBatch::try_from_iter(columns).unwrap();
        let writer = writer.get_or_insert_with(|| {
            let properties = WriterProperties::builder();
            let properties = properties
                .set_max_row_group_row_count(Some(1 << 20))
                .build();
            let file = File::create(path).unwrap();
            ArrowWriter::try_new(file, batch.schema(), Some(properties)).unwrap()
        });
        writer.write(&batch).unwrap();
    }
    writer.unwrap().close().unwrap();
}

/// Signs a table into a table, and gives the highest resident memory in KiB.
fn sign(workdir: &Workdir, rows: usize) -> u64 {
    write_users(&workdir.path("users.parquet"), rows);
    let arguments = "sign -f impact-user-jwt --secret-file secret.txt --force --progress none \
                     -j 2 -o out.parquet users.parquet";
    let arguments: Vec<&str> = arguments.split_whitespace().collect();
    let mut command = workdir.command(&arguments);
    let told = File::create(workdir.path("told")).unwrap();
    let started = std::time::Instant::now();
    let (code, peak) = peak::run(command.stderr(told));
    assert_eq!(code, 0, "{}", workdir.text("told"));
    let seconds = started.elapsed().as_secs_f64();
    eprintln!("{rows} rows: {peak} KiB, {seconds:.1} s");
    peak
}

#[test]
fn memory_does_not_grow_with_a_table() {
    let is_full = std::env::var("CAMPAIGN_SIGNER_MEMORY").is_ok_and(|value| value == "full");
    let (few, many) = if is_full {
        (1_000_000, 10_000_000)
    } else {
        (30_000, 120_000)
    };
    let workdir = Workdir::new();
    let (few, many) = (sign(&workdir, few), sign(&workdir, many));
    assert!(many < LIMIT_KIB, "{many} KiB");
    // Up to a full row group it does.
    if is_full {
        assert!(many < few + few / 4, "{few} KiB, then {many} KiB");
    }
}

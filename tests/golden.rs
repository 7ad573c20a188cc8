//! Whole outputs, byte for byte: they pin what every later release must give.
//!
//! `tests/golden/` holds for each format an input, and what became of it in
//! every kind of output. `UPDATE_GOLDEN=1` writes the files of a new format;
//! those of a released one never change.
#![allow(clippy::unwrap_used)] // A failed unwrap is a failed test.

mod testkit;

use std::fs;
use std::path::{Path, PathBuf};

use campaign_signer::envelope::Style;
use campaign_signer::format::{FORMATS, Format};
use campaign_signer::row::Dialect;

use testkit::{Rng, Row, Run, random_row};

/// 2026-11-20T02:00:00Z
const TIMESTAMP: u64 = 1_795_140_000_000;

fn golden(format: &Format, ending: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden");
    folder.join(format!("{}.{ending}", format.id))
}

fn is_update() -> bool {
    std::env::var_os("UPDATE_GOLDEN").is_some()
}

/// The format's input: rows of every version, and two that are rejected.
fn input(format: &'static Format, dialect: Dialect) -> String {
    let is_csv = dialect != Dialect::Ndjson;
    let path = golden(format, if is_csv { "input.csv" } else { "input.ndjson" });
    if is_update() && !path.exists() {
        let mut rng = Rng(format.id.len() as u64);
        let rows: Vec<Row> = format
            .layouts
            .iter()
            .flat_map(|layout| [layout; 4])
            .map(|layout| random_row(format, layout, TIMESTAMP, &mut rng))
            .collect();
        let mut text = if is_csv {
            testkit::csv(format, &rows)
        } else {
            testkit::ndjson(format, &rows, &mut rng)
        };
        text.push_str(if is_csv {
            "one,cell,too,few\n"
        } else {
            "{\"truncated\n"
        });
        text.push_str(if is_csv { "\"a\"b\n" } else { "[]\n" });
        fs::write(&path, text).unwrap();
    }
    fs::read_to_string(path).unwrap()
}

fn compare(format: &Format, ending: &str, text: &str) {
    let path = golden(format, ending);
    if is_update() && !path.exists() {
        fs::write(&path, text).unwrap();
    }
    let pinned = fs::read_to_string(&path).unwrap_or_default();
    assert!(
        pinned == text,
        "{} differs from what this build gives",
        path.display()
    );
}

fn run(format: &'static Format, dialect: Dialect, style: Style) -> testkit::Written {
    let mut run = Run::new(format, TIMESTAMP);
    run.job_id = "golden".into();
    run.dialect = dialect;
    run.style = style;
    run.sign(&input(format, dialect))
}

const CSV: Dialect = Dialect::Csv { delimiter: b',' };

#[test]
fn ndjson_from_csv_is_what_it_always_was() {
    for format in FORMATS {
        let written = run(format, CSV, Style::Ndjson);
        compare(format, "from-csv.signed.ndjson", &written.signed);
        compare(format, "from-csv.rejects.ndjson", &without_folder(&written));
    }
}

#[test]
fn ndjson_from_ndjson_is_what_it_always_was() {
    for format in FORMATS {
        let written = run(format, Dialect::Ndjson, Style::Ndjson);
        compare(format, "from-ndjson.signed.ndjson", &written.signed);
        compare(
            format,
            "from-ndjson.rejects.ndjson",
            &without_folder(&written),
        );
    }
}

#[test]
fn csv_from_ndjson_is_what_it_always_was() {
    for format in FORMATS {
        let written = run(format, Dialect::Ndjson, Style::Csv(b','));
        compare(format, "from-ndjson.signed.csv", &written.signed);
    }
}

/// Rejects name their input; the golden ones name it without its folder.
fn without_folder(written: &testkit::Written) -> String {
    let folder = written.signed_path.parent().unwrap().to_str().unwrap();
    written.rejects.replace(&format!("{folder}/"), "")
}

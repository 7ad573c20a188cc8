//! Files that pyarrow and DuckDB have written, and what is made of them:
//! `tests/data/parquet/make.py` made them.

use std::path::Path;

use serde_json::Value;

use super::workdir::Workdir;
use super::{aak, read, sign};

fn fixture(name: &str) -> Vec<u8> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/parquet");
    std::fs::read(folder.join(name)).unwrap()
}

#[test]
fn what_others_have_written_is_read_whatever_it_is_compressed_and_encoded_with() {
    let mut first: Option<String> = None;
    for name in [
        "none", "snappy", "gzip", "lz4", "zstd", "plain", "delta", "v2", "int96", "duckdb",
    ] {
        let workdir = Workdir::new();
        let file = format!("{name}.parquet");
        workdir.write(&file, fixture(&file));
        workdir
            .run(&sign(aak(), &format!("-o out.ndjson --keep note {file}")))
            .exit(0);
        let rows = workdir.json("out.ndjson");
        assert_eq!(rows.len(), 50, "{name}");
        let own = |row: &Value| {
            (
                row["advertised-item-identifier"].clone(),
                row["note"].clone(),
            )
        };
        let told = format!("{:?}", rows.iter().map(own).collect::<Vec<_>>());
        assert_eq!(first.get_or_insert_with(|| told.clone()), &told, "{name}");
        workdir
            .run(&sign(aak(), &format!("-o out.parquet {file}")))
            .exit(0);
        assert_eq!(read(&workdir.path("out.parquet")).num_rows(), 50, "{name}");
        let verify = "verify --public-key pub.pem --manifest out.parquet.manifest.json";
        workdir.run(verify).exit(0).says("50 of 50 records");
    }
}

#[test]
fn a_codec_that_is_not_built_in_is_named() {
    let workdir = Workdir::new();
    workdir.write("brotli.parquet", fixture("brotli.parquet"));
    let run = workdir.run(&sign(aak(), "-o out.ndjson brotli.parquet"));
    run.exit(6).says("brotli");
}

//! pyarrow writes what is signed, and reads what was. Where there is no
//! pyarrow this says so and is passed over, unless `CAMPAIGN_SIGNER_NEEDS=all`
//! is set.

use std::process::Command;

use super::aak;
use super::sign;
use super::workdir::Workdir;

const WRITE: &str = r#"
import datetime, decimal, pyarrow as pa, pyarrow.parquet as pq
n = 5000
zone = datetime.timezone.utc
pq.write_table(pa.table({
    "order": pa.array([f"o{i % 7}" for i in range(n)]).dictionary_encode(),
    "ad-network-identifier": ["example123.adattributionkit"] * n,
    "publisher-item-identifier": pa.array([5838492] * n, pa.uint32()),
    "advertised-item-identifier": pa.array([decimal.Decimal(2**53 + 1)] * n, pa.decimal128(20, 0)),
    "source-identifier": pa.array([5239 if i % 10 else None for i in range(n)], pa.int16()),
    "tags": [["a", "b"]] * n,
    "seen": pa.array([datetime.datetime(2026, 1, 1, tzinfo=zone)] * n, pa.timestamp("us", "UTC")),
}), "rows.parquet", row_group_size=900)
"#;

const READ: &str = r#"
import pyarrow.parquet as pq, pyarrow.compute as pc
rows, out = pq.read_table("rows.parquet"), pq.read_table("out.parquet")
good = rows.filter(pc.is_valid(rows["source-identifier"]))
assert out.num_rows == good.num_rows == 4500
for name in ["order", "tags", "seen"]:
    assert out.schema.field(name).type == good.schema.field(name).type, name
    assert out[name].to_pylist() == good[name].to_pylist(), name
assert set(out["advertised-item-identifier"].to_pylist()) == {2**53 + 1}
assert len(set(out["jws"].to_pylist())) == 4500
assert pq.ParquetFile("out.parquet").metadata.row_group(0).column(0).compression == "ZSTD"
assert pq.ParquetFile("out.parquet").metadata.created_by.startswith("campaign-signer version ")
"#;

fn python() -> Option<String> {
    let own = std::env::var("CAMPAIGN_SIGNER_PYTHON").ok();
    let names = own.into_iter().chain(["python3".to_owned()]);
    let has = |name: &String| {
        let run = Command::new(name)
            .args(["-c", "import pyarrow.parquet"])
            .output();
        run.is_ok_and(|output| output.status.success())
    };
    let mut names = names;
    names.find(has)
}

#[test]
fn pyarrow_reads_what_was_signed_of_what_it_wrote() {
    let Some(python) = python() else {
        let is_needed = std::env::var("CAMPAIGN_SIGNER_NEEDS").is_ok_and(|needs| needs == "all");
        assert!(
            !is_needed,
            "no python3 with pyarrow, and everything is needed"
        );
        eprintln!("SKIPPED: no python3 with pyarrow; CAMPAIGN_SIGNER_PYTHON may name one");
        return;
    };
    let workdir = Workdir::new();
    let script = |text: &str| {
        let mut command = Command::new(&python);
        let output = command
            .args(["-c", text])
            .current_dir(workdir.path(""))
            .output();
        let output = output.unwrap();
        assert!(
            output.status.success(),
            "{}",
            String::from_utf8_lossy(&output.stderr)
        );
    };
    script(WRITE);
    workdir
        .run(&sign(aak(), "-o out.parquet rows.parquet"))
        .exit(0)
        .says("500 missing");
    workdir
        .run("verify --public-key pub.pem --manifest out.parquet.manifest.json")
        .exit(0);
    script(READ);
}

//! Signs a file: `cargo run --example sign_file`.

use std::error::Error;
use std::path::Path;

use campaign_signer::engine::ENGINES;
use campaign_signer::envelope::Style;
use campaign_signer::format::Format;
use campaign_signer::key::SigningKey;
use campaign_signer::output::Target;
use campaign_signer::pipeline::{self, Job, Outputs, SelfCheck, Signer};
use campaign_signer::record::Settings;
use campaign_signer::row::{Dialect, Input, Limits, Origin};

fn main() -> Result<(), Box<dyn Error>> {
    let folder = std::env::temp_dir().join("campaign-signer-example");
    std::fs::create_dir_all(&folder)?;
    println!("{}", run(&folder)?);
    Ok(())
}

/// Signs the example campaigns into a folder and tells what became of them.
pub(crate) fn run(folder: &Path) -> Result<String, Box<dyn Error>> {
    let examples = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples");
    let (key, _) = SigningKey::from_file(&examples.join("keys/demo.p8"))?;
    let format = Format::find("aak-impression").ok_or("no such format")?;
    let job_id = "example-job";
    let job = Job {
        settings: Settings::new(format, 1_760_000_000_000),
        inputs: vec![Input {
            origin: Origin::File(examples.join("data/aak-impression.csv")),
            dialect: Dialect::Csv { delimiter: b',' },
        }],
        limits: Limits::default(),
        signer: Some(Signer::es256(&key, &ENGINES[0], job_id)),
        outputs: Outputs {
            signed: Some(Target::File(folder.join("signed.ndjson"))),
            rejects: Some(Target::File(folder.join("signed.rejects.ndjson"))),
            manifest: Some(folder.join("signed.ndjson.manifest.json")),
            style: Style::Ndjson,
            escape_formulas: true,
            force: true,
        },
        job_id: job_id.into(),
        threads: 0, // as many as the machine has
        self_check: SelfCheck::Batch,
        max_rejects: None,
    };
    let summary = pipeline::run(job, |_progress| {})?;
    let counts = summary.counts;
    Ok(format!(
        "{} rows: {} signed, {} rejected; {} records",
        counts.rows, counts.signed, counts.rejected, counts.records
    ))
}

//! Signs a file: `cargo run --example sign_file`.

use std::error::Error;
use std::path::Path;

use campaign_signer::engine::ENGINES;
use campaign_signer::envelope::Style;
use campaign_signer::format::Format;
use campaign_signer::key::SigningKey;
use campaign_signer::pipeline::{self, Job, Outputs, Signer};
use campaign_signer::record::Settings;
use campaign_signer::row::{Dialect, Input, Origin};

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
    let settings = Settings::new(format, 1_760_000_000_000); // milliseconds
    let inputs = vec![Input::new(
        Origin::File(examples.join("data/aak-impression.csv")),
        Dialect::Csv { delimiter: b',' },
    )];
    let mut outputs = Outputs::beside(&folder.join("signed.ndjson"), Style::Ndjson);
    outputs.force = true;
    // The same job id, input, settings and timestamp give the same bytes.
    let signer = Signer::es256(&key, &ENGINES[0], "example-job");
    let job = Job::new(settings, inputs, outputs).signed_by(signer, "example-job");
    let summary = pipeline::run(job, |_progress| {})?;
    let counts = summary.counts;
    Ok(format!(
        "{} rows: {} signed, {} rejected; {} records",
        counts.rows, counts.signed, counts.rejected, counts.records
    ))
}

//! Signs one row: `cargo run --example sign_one`.

use std::error::Error;
use std::path::Path;

use campaign_signer::engine::ENGINES;
use campaign_signer::format::Format;
use campaign_signer::key::SigningKey;
use campaign_signer::pipeline::{RowError, Signer};
use campaign_signer::record::{Rules, Settings};

fn main() -> Result<(), Box<dyn Error>> {
    print!("{}", run()?);
    Ok(())
}

/// A signed view-through impression, and what a bad row gives.
pub(crate) fn run() -> Result<String, Box<dyn Error>> {
    let keys = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/keys");
    let (key, _) = SigningKey::from_file(&keys.join("demo.p8"))?;
    // The same job id, row and timestamp always give the same bytes.
    let signer = Signer::es256(&key, &ENGINES[0], "example-job");

    let format = Format::find("skan-view").ok_or("no such format")?;
    let timestamp = 1_760_000_000_000; // milliseconds
    let rules = Rules::new(Settings::new(format, timestamp))?;

    let row = r#"{"ad-network-id": "example123.skadnetwork", "source-identifier": 5239,
                  "itunes-item-id": 525463029, "source-app-id": 1234567891}"#;
    let mut shown = match signer.sign_row(&rules, row, 1) {
        Ok(lines) => String::from_utf8(lines)?,
        Err(error) => return Err(format!("{error:?}").into()),
    };

    // A row that cannot be signed names every problem it has.
    let bad = r#"{"ad-network-id": "Example123.skadnetwork", "source-identifier": 7,
                  "itunes-item-id": "1.1E+09", "source-app-id": 0}"#;
    if let Err(RowError::Rejected(problems)) = signer.sign_row(&rules, bad, 2) {
        for problem in problems {
            shown.push_str(&format!(
                "{}: {} (found {}, wanted {})\n",
                problem.field, problem.code, problem.found, problem.wanted
            ));
        }
    }
    Ok(shown)
}

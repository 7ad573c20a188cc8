//! Verifies a signed file with nothing but the public key:
//! `cargo run --example verify_file -- signed.ndjson`.

use std::error::Error;
use std::path::Path;

use campaign_signer::engine::P256Verifier;
use campaign_signer::format::Alg;
use campaign_signer::key::PublicKey;
use campaign_signer::row::{Dialect, Input, Origin};
use campaign_signer::verify::{self, Check, Keys};

fn main() -> Result<(), Box<dyn Error>> {
    let file = std::env::args().nth(1).unwrap_or("signed.ndjson".into());
    print!("{}", run(Path::new(&file))?);
    Ok(())
}

/// Judges every record of the file; each bad line is named.
pub(crate) fn run(file: &Path) -> Result<String, Box<dyn Error>> {
    let keys = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/keys");
    let key = PublicKey::from_file(&keys.join("demo.pub.pem"))?;
    let inputs = [Input::new(Origin::File(file.to_owned()), Dialect::Ndjson)];
    let verifier = P256Verifier::new(*key.verifying_key());
    let check = Check {
        inputs: &inputs,
        keys: &Keys::one(Alg::Es256, &verifier),
        format: None, // each record says its own
        shape: None,  // and each object what it is
        known: &[],
        threads: 0,
        nonces_in_memory: verify::NONCES_IN_MEMORY,
    };
    let mut shown = String::new();
    let verdict = verify::run(&check, |bad| {
        for finding in &bad.findings {
            shown.push_str(&format!(
                "{} line {}: {} {}\n",
                bad.file, bad.line, finding.field, finding.says
            ));
        }
    })?;
    let good = verdict.records - verdict.bad;
    shown.push_str(&format!("{good} of {} records are good\n", verdict.records));
    Ok(shown)
}

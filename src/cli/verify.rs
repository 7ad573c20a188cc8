//! `verify`: the other side's view of a signed file.

use std::path::{Path, PathBuf};

use campaign_signer::engine::{Hs256, P256Verifier, Verifier};
use campaign_signer::error::Error;
use campaign_signer::format::Alg;
use campaign_signer::key::{PublicKey, Secret, SigningKey};
use campaign_signer::row::{Dialect, Input, Origin};
use campaign_signer::verify::{self, Check};
use clap::Args;

use super::args::{FileFormat, find_format, refuse_compressed};
use super::exit::Exit;
use super::{print, say, warn};

/// Verify signed files.
#[derive(Args)]
#[command(group = clap::ArgGroup::new("with").required(true))]
pub(crate) struct VerifyArgs {
    /// Signed files; `-` is standard input
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,

    /// The public key: PEM, DER, or the line registered with Apple
    #[arg(long, value_name = "FILE", group = "with")]
    public_key: Option<PathBuf>,

    /// The private key; only its public half is used
    #[arg(short, long, value_name = "FILE", group = "with")]
    key: Option<PathBuf>,

    /// The shared secret, for HS256
    #[arg(long, value_name = "FILE", group = "with")]
    secret_file: Option<PathBuf>,

    /// Accept this format only
    #[arg(short, long, value_name = "ID")]
    format: Option<String>,

    /// Compare with the manifest of the run that wrote the file
    #[arg(long, value_name = "FILE")]
    manifest: Option<PathBuf>,

    /// How files are read, where no file name says it
    #[arg(long, value_name = "FORMAT")]
    input_format: Option<FileFormat>,

    /// The delimiter of CSV files
    #[arg(long, value_name = "C")]
    delimiter: Option<char>,

    /// How many threads work [default: all cores]
    #[arg(short, long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1024))]
    jobs: Option<u16>,
}

/// Verifies files: each bad line goes to standard output.
pub(crate) fn run(args: &VerifyArgs) -> Result<Exit, Error> {
    let (verifier, alg, fingerprint) = verifier(args)?;
    let format = match &args.format {
        Some(id) => Some(find_format(id)?),
        None => None,
    };
    let inputs = args
        .files
        .iter()
        .map(|path| input(args, path))
        .collect::<Result<Vec<_>, _>>()?;
    let manifest = match &args.manifest {
        Some(path) => Some(verify::read_manifest(path)?),
        None => None,
    };
    let check = Check {
        inputs: &inputs,
        verifier: verifier.as_ref(),
        alg,
        format,
        threads: args.jobs.map_or(0, usize::from),
        nonces_in_memory: verify::NONCES_IN_MEMORY,
    };
    let mut printed = Ok(Exit::Success);
    let verdict = verify::run(&check, |bad| {
        let mut text = String::new();
        for finding in &bad.findings {
            // Names of members are the file's own text.
            let field = match finding.field.as_str() {
                "" => "the line".to_owned(),
                field => field.escape_debug().to_string(),
            };
            let says = &finding.says;
            text.push_str(&format!("{} line {}: {field} {says}\n", bad.file, bad.line));
        }
        if printed.is_ok() {
            printed = print(&text);
        }
    })?;
    printed?;
    let mut differences = Vec::new();
    if let Some(manifest) = &manifest {
        differences = verify::compare_manifest(manifest, &verdict, &fingerprint);
        for difference in &differences {
            print(&format!("{difference}\n"))?;
        }
    }
    let good = verdict.records - verdict.bad;
    say!(
        " verified  {good} of {} records under {alg} {fingerprint}",
        verdict.records
    );
    if verdict.records == 0 {
        warn("there was no record to verify");
    }
    if verdict.bad > 0 || !differences.is_empty() {
        if verdict.bad > 0 {
            say!("      bad  {} of {} records", verdict.bad, verdict.records);
        }
        return Ok(Exit::Verification);
    }
    Ok(Exit::Success)
}

fn verifier(args: &VerifyArgs) -> Result<(Box<dyn Verifier>, Alg, String), Error> {
    if let Some(path) = &args.secret_file {
        let (secret, warnings) = Secret::from_file(path)?;
        warnings.iter().for_each(warn);
        let fingerprint = secret.fingerprint();
        return Ok((
            Box::new(Hs256::new(secret.bytes())),
            Alg::Hs256,
            fingerprint,
        ));
    }
    let public = match (&args.public_key, &args.key) {
        (Some(path), _) => PublicKey::from_file(path)?,
        (None, Some(path)) => SigningKey::from_file(path)?.0.public_key(),
        (None, None) => return Err(Error::settings("no key is given", "give --public-key FILE")),
    };
    let verifier = P256Verifier::new(*public.verifying_key());
    Ok((Box::new(verifier), Alg::Es256, public.fingerprint()))
}

fn input(args: &VerifyArgs, path: &Path) -> Result<Input, Error> {
    refuse_compressed(path)?;
    let origin = if path.as_os_str() == "-" {
        Origin::Stdin
    } else {
        Origin::File(path.to_owned())
    };
    // Signed records are NDJSON unless a name or an option says otherwise.
    let format = args.input_format.or_else(|| FileFormat::of(path));
    let delimiter = match args.delimiter {
        Some(c) => Some(
            u8::try_from(c)
                .map_err(|_| Error::settings("the delimiter is not one ASCII character", ""))?,
        ),
        None => None,
    };
    let dialect = match format.unwrap_or(FileFormat::Ndjson).delimiter(delimiter) {
        Some(delimiter) => Dialect::Csv { delimiter },
        None => Dialect::Ndjson,
    };
    Ok(Input { origin, dialect })
}

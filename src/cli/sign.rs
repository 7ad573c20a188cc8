//! `sign`: the main job.

use std::path::{Path, PathBuf};

use campaign_signer::engine::{ENGINES, EngineInfo};
use campaign_signer::envelope::Style;
use campaign_signer::error::Error;
use campaign_signer::format::{Alg, Format};
use campaign_signer::key::{Secret, SigningKey};
use campaign_signer::output::{Target, check_targets};
use campaign_signer::pipeline::{self, Job, Outputs, SelfCheck, Signer};
use clap::{Args, ValueEnum};

use super::args::{FileFormat, RowArgs, refuse_compressed};
use super::exit::Exit;
use super::progress::Meter;
use super::{report, warn};

/// Sign rows.
#[derive(Args)]
pub(crate) struct SignArgs {
    #[command(flatten)]
    rows: RowArgs,

    /// The private key: PKCS#8 or SEC1, PEM or DER
    #[arg(short, long, value_name = "FILE")]
    key: Option<PathBuf>,

    /// The shared secret, for HS256
    #[arg(long, value_name = "FILE", conflicts_with = "key")]
    secret_file: Option<PathBuf>,

    /// Where signed records go: .ndjson, .jsonl, .csv or .tsv; `-` is
    /// standard output
    #[arg(short, long, value_name = "FILE", required_unless_present = "dry_run")]
    output: Option<PathBuf>,

    /// How records are written, where no file name says it
    #[arg(long, value_name = "FORMAT")]
    output_format: Option<FileFormat>,

    /// Where rejects go [default: OUTPUT without its extension, and
    /// .rejects.ndjson]
    #[arg(long, value_name = "FILE")]
    rejects: Option<PathBuf>,

    /// Where the manifest goes [default: OUTPUT and .manifest.json]
    #[arg(long, value_name = "FILE")]
    manifest: Option<PathBuf>,

    /// Replace existing outputs
    #[arg(long)]
    force: bool,

    /// Check everything, the key included; sign and write nothing
    #[arg(long)]
    dry_run: bool,

    /// In CSV output, write kept text that a spreadsheet would run as it is
    #[arg(long)]
    keep_formulas: bool,

    /// What signs ES256: auto (the fastest there is) or p256
    #[arg(long, value_name = "ENGINE", default_value = "auto")]
    engine: String,

    /// How much is verified before it is written: the first signature of each
    /// batch, all, or none
    #[arg(long, value_name = "MODE", default_value = "batch")]
    self_check: SelfCheckName,
}

#[derive(Clone, Copy, ValueEnum)]
enum SelfCheckName {
    /// Every signature; costs several times the signing
    All,
    /// The first of each batch: finds a broken build or processor, not a
    /// single flipped bit
    Batch,
    /// None
    Off,
}

/// Signs rows.
pub(crate) fn run(mut args: SignArgs) -> Result<Exit, Error> {
    let (format, _) = args.rows.format()?;
    let job_id = match &args.rows.job_id {
        Some(id) => id.clone(),
        None => random_id()?,
    };
    let inputs = args.rows.inputs()?;
    let outputs = outputs(&args)?;
    spare_keys(&args, &outputs)?;
    let signer = signer(&mut args, format, &job_id)?;
    let settings = args.rows.settings()?;
    let key = signer.key.clone();
    let mut job = Job::new(settings, inputs, outputs);
    job.limits = args.rows.limits();
    job.threads = args.rows.threads();
    job.max_rejects = args.rows.max_rejects;
    job.self_check = match args.self_check {
        SelfCheckName::All => SelfCheck::All,
        SelfCheckName::Batch => SelfCheck::Batch,
        SelfCheckName::Off => SelfCheck::Off,
    };
    job.job_id.clone_from(&job_id);
    job.signer = (!args.dry_run).then_some(signer);
    let report = report::Report::of(&job, key);
    report.announce();
    let mut meter = Meter::new(args.rows.progress);
    let summary = pipeline::run(job, |progress| meter.show(progress));
    meter.finish();
    Ok(report.print(&summary?))
}

/// Where everything goes.
fn outputs(args: &SignArgs) -> Result<Outputs, Error> {
    let Some(output) = args.output.as_ref().filter(|_| !args.dry_run) else {
        return Ok(Outputs::none());
    };
    refuse_compressed(output)?;
    let format = args.output_format.or_else(|| FileFormat::of(output));
    let to_stdout = output.as_os_str() == "-";
    let format = match format {
        Some(format) => format,
        None if to_stdout => FileFormat::Ndjson,
        None => {
            let name = output.display();
            let message = format!("nothing says whether {name} is CSV or NDJSON");
            return Err(Error::settings(
                message,
                "give --output-format csv, tsv or ndjson",
            ));
        }
    };
    let style = match format.delimiter(args.rows.delimiter) {
        Some(delimiter) => Style::Csv(delimiter),
        None => Style::Ndjson,
    };
    let mut outputs = if to_stdout {
        Outputs {
            signed: Some(Target::Stdout),
            style,
            ..Outputs::none()
        }
    } else {
        Outputs::beside(output, style)
    };
    if let Some(path) = &args.rejects {
        outputs.rejects = Some(Target::File(path.clone()));
    }
    if let Some(path) = &args.manifest {
        outputs.manifest = Some(path.clone());
    }
    outputs.escape_formulas = !args.keep_formulas;
    outputs.force = args.force;
    Ok(outputs)
}

/// No output replaces the key, whatever is forced.
fn spare_keys(args: &SignArgs, outputs: &Outputs) -> Result<(), Error> {
    let keys = [&args.key, &args.secret_file];
    let keys: Vec<(&'static str, PathBuf)> = keys
        .into_iter()
        .flatten()
        .map(|path| ("the key", path.clone()))
        .collect();
    let file = |target: &Option<Target>| match target {
        Some(Target::File(path)) => Some(path.clone()),
        _ => None,
    };
    let targets = [
        ("the signed records", file(&outputs.signed)),
        ("the rejects", file(&outputs.rejects)),
        ("the manifest", outputs.manifest.clone()),
    ];
    for (name, path) in &targets {
        if let Some(path) = path {
            check_targets(&keys, &[(*name, path.as_path())], true)?;
        }
    }
    Ok(())
}

/// Loads the key, probes it, and puts it to work.
fn signer(args: &mut SignArgs, format: &'static Format, job_id: &str) -> Result<Signer, Error> {
    let wants = format.key.describe();
    match (format.alg(), &args.key, &args.secret_file) {
        (Alg::Es256, Some(path), _) => {
            let (key, warnings) = SigningKey::from_file(path)?;
            warnings.iter().for_each(warn);
            key.probe()?;
            check_file_name(&mut args.rows.key_id, format, path);
            Ok(Signer::es256(&key, engine(&args.engine)?, job_id))
        }
        (Alg::Hs256, _, Some(path)) => {
            let (secret, warnings) = Secret::from_file(path)?;
            warnings.iter().for_each(warn);
            Ok(Signer::hs256(&secret))
        }
        (Alg::Es256, None, _) => Err(Error::settings(
            format!("{} is signed with {wants}", format.id),
            "give --key FILE",
        )),
        (Alg::Hs256, _, None) => Err(Error::settings(
            format!("{} is signed with {wants}", format.id),
            "give --secret-file FILE",
        )),
    }
}

/// The engine of this name; `auto` is the preferred one.
fn engine(name: &str) -> Result<&'static EngineInfo, Error> {
    let wanted = |engine: &&EngineInfo| name == "auto" || engine.name == name;
    ENGINES.iter().find(wanted).ok_or_else(|| {
        let all: Vec<&str> = ENGINES.iter().map(|engine| engine.name).collect();
        let message = format!("there is no engine {name:?}");
        Error::settings(message, format!("give auto or one of {}", all.join(", ")))
    })
}

/// Where the vendor names its key files, the name holds the key's id, and is
/// the only thing that tells the right kind of key from the wrong one.
fn check_file_name(key_id: &mut Option<String>, format: &Format, path: &Path) {
    let Some((right, wrong)) = format.key.file_names() else {
        return;
    };
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let shown = path.display();
    if name.starts_with(wrong) {
        warn(format!(
            "{shown} is named like an App Store Connect API key ({wrong}…); {} is signed with {}, \
             which downloads as {right}<ID>.p8",
            format.id,
            format.key.describe()
        ));
        return;
    }
    let id = name
        .strip_prefix(right)
        .and_then(|rest| rest.strip_suffix(".p8"))
        .filter(|id| !id.is_empty());
    match (id, &key_id) {
        (Some(id), Some(given)) if id != given => warn(format!(
            "--key-id {given} is not the id in the name of {shown}"
        )),
        (Some(id), None) => *key_id = Some(id.to_owned()),
        _ => {}
    }
}

/// A job id nobody gave: a random UUID.
fn random_id() -> Result<String, Error> {
    let mut bytes = [0; 16];
    getrandom::fill(&mut bytes).map_err(|error| {
        Error::settings(
            format!("the system gives no random job id: {error}"),
            "give --job-id ID",
        )
    })?;
    let id = uuid::Builder::from_random_bytes(bytes).into_uuid();
    Ok(id.hyphenated().to_string())
}

//! `sign`: the main job.

use std::path::{Path, PathBuf};

use campaign_signer::engine::Check;
use campaign_signer::envelope::Style;
use campaign_signer::error::Error;
use campaign_signer::output::{Compression, Target};
use campaign_signer::pipeline::{self, Interval, Job, Outputs};
use campaign_signer::row::Input;
use campaign_signer::stop::Stop;
use clap::{Args, ValueEnum};

use super::args::{FileFormat, RowArgs};
use super::attempt::{Placed, Planned, Stopped};
use super::compression::{CompressionName, of_output};
use super::exit::Exit;
use super::observe::{ObserveArgs, Observer};
use super::sign_key::{KeyArgs, Loaded};
use super::values::interval;
use super::{again, log, signals};

/// Sign rows.
#[derive(Args)]
pub(crate) struct SignArgs {
    #[command(flatten)]
    pub(super) rows: RowArgs,

    #[command(flatten)]
    key: KeyArgs,

    /// Where signed records go: .ndjson, .jsonl, .csv or .tsv, and .gz or .zst
    /// after it to compress them, or .parquet; `-` is standard output
    #[arg(short, long, value_name = "FILE",
          required_unless_present_any = ["dry_run", "out_dir", "plan", "sample"])]
    output: Option<PathBuf>,

    /// Instead of -o, the folder whose parts signed records become; it is made
    /// where there is none. Rejects, manifest and the empty _SUCCESS, which
    /// comes last, are in it, too
    #[arg(long, value_name = "DIR", conflicts_with = "output")]
    out_dir: Option<PathBuf>,

    /// The columns that records are partitioned by, as Hive does it:
    /// DIR/COLUMN=VALUE/part-00000.ndjson. Fields of the format, kept columns,
    /// or `format`
    #[arg(long, value_name = "COLUMN,...", value_delimiter = ',')]
    partition_by: Vec<String>,

    /// How many records a part has at most [default: no limit]
    #[arg(long, value_name = "N",
          value_parser = clap::value_parser!(u64).range(1..))]
    rows_per_file: Option<u64>,

    /// How signed records are compressed, where no file name says it [default:
    /// none]
    #[arg(long, value_name = "HOW")]
    compression: Option<CompressionName>,

    /// How records are written, where no file name says it
    #[arg(long, value_name = "FORMAT")]
    output_format: Option<FileFormat>,

    /// Where rejects go: .csv or .tsv for a table under the input's own header,
    /// .ndjson, and .gz or .zst after it. Mended, it is an input again [default:
    /// OUTPUT without .gz or .zst and without its extension, and .rejects.ndjson]
    #[arg(long, value_name = "FILE")]
    rejects: Option<PathBuf>,

    /// Where the manifest goes [default: OUTPUT and .manifest.json]
    #[arg(long, value_name = "FILE")]
    manifest: Option<PathBuf>,

    /// Replace existing outputs, and what an unfinished run left
    #[arg(long)]
    pub(super) force: bool,

    /// Go on with an unfinished run of the same job; start at row one where
    /// there is none
    #[arg(long)]
    pub(super) resume: bool,

    /// Resume although an input's time of change is another; what was read of
    /// it is compared all the same
    #[arg(long, requires = "resume")]
    accept_touched: bool,

    /// How much work a crash may cost: a time, a number of rows, or both
    /// [default: 10s,1000000]
    #[arg(long, value_name = "T|N", value_parser = interval)]
    checkpoint_every: Option<Interval>,

    /// How many rows there are; with more or fewer nothing is published (a
    /// pipe whose writer died looks like one that is complete)
    #[arg(long, value_name = "N")]
    expect_rows: Option<u64>,

    /// Check everything, the key included; sign and write nothing
    #[arg(long)]
    pub(super) dry_run: bool,

    /// Read everything and sign nothing: how much would be signed of each
    /// format and with each key, what would be rejected, how large it would
    /// be and how long it would take
    #[arg(long, conflicts_with_all = ["dry_run", "sample"])]
    pub(super) plan: bool,

    /// Sign N rows spread over the input, verify them and show them with the
    /// exact strings that were signed; write nothing
    #[arg(long, value_name = "N", conflicts_with = "dry_run",
          value_parser = clap::value_parser!(u64).range(1..=10_000))]
    pub(super) sample: Option<u64>,

    /// In CSV output, write kept text that a spreadsheet would run as it is
    #[arg(long)]
    keep_formulas: bool,

    /// What signs ES256: auto (the fastest there is), batch, batch-portable
    /// (without the processor's special instructions) or p256
    #[arg(long, value_name = "ENGINE", default_value = "auto")]
    engine: String,

    /// How much is checked before it is written: each batch as a whole, every
    /// signature verified as well, or nothing
    #[arg(long, value_name = "MODE", default_value = "batch")]
    self_check: SelfCheckName,

    #[command(flatten)]
    pub(super) observe: ObserveArgs,
}

#[derive(Clone, Copy, ValueEnum)]
pub(super) enum SelfCheckName {
    /// What batch does, and every signature is verified: more than twice the
    /// work
    All,
    /// Nonces are computed twice, and the signatures of a batch held against
    /// equations that a flipped bit breaks; two fifths more work. With --engine
    /// p256, or a shared secret, the first signature of each batch is verified
    Batch,
    /// Nothing; for measurements
    Off,
}

impl From<SelfCheckName> for Check {
    fn from(name: SelfCheckName) -> Self {
        match name {
            SelfCheckName::All => Self::All,
            SelfCheckName::Batch => Self::Batch,
            SelfCheckName::Off => Self::Off,
        }
    }
}

/// Says what would be signed.
pub(crate) fn plan(mut args: SignArgs) -> Exit {
    args.plan = true;
    observed("plan", args)
}

/// Signs rows.
pub(crate) fn run(args: SignArgs) -> Exit {
    observed("sign", args)
}

fn observed(command: &str, args: SignArgs) -> Exit {
    log::speak(args.rows.log);
    let mut observer = Observer::begin(command);
    observer.watch(&args.observe, !args.only_looks(), args.rows.progress);
    let result = observer
        .check(args.uses_stdout())
        .and_then(|()| attempt(args, &mut observer));
    observer.end(result)
}

fn attempt(args: SignArgs, observer: &mut Observer) -> Result<Exit, Error> {
    let stop = signals::stop()?;
    observer.plan(1);
    let can_resume = args.can_resume();
    let planned = place(args, &stop).map_err(|error| Stopped::early(error, can_resume));
    let done = planned.and_then(|planned| {
        planned.announce();
        planned.execute(None, observer)
    });
    match done {
        Ok((exit, _)) => Ok(exit),
        Err(stopped) => {
            let resume = stopped.left.map(|left| {
                let command = again::resume_command();
                format!("{command}   # {left}")
            });
            let failure = log::error(&stopped.error, resume.as_deref());
            observer.fail(&stopped.error, failure);
            Ok(Exit::from(&stopped.error))
        }
    }
}

/// A run whose key works, and whose outputs are held for it.
fn place(args: SignArgs, stop: &Stop) -> Result<Planned, Error> {
    let mut placed = Placed::find(args, stop)?;
    let earlier = placed.earlier(stop)?;
    placed.plan(earlier.as_ref(), stop)
}

impl SignArgs {
    /// The inputs.
    pub(crate) fn inputs(&self) -> Result<Vec<Input>, Error> {
        self.rows.inputs()
    }

    /// Whether a run of these arguments leaves what another can go on with.
    pub(crate) fn can_resume(&self) -> bool {
        !self.only_looks() && !self.is_to_stdout()
    }

    /// Whether nothing that is signed stays.
    pub(super) fn only_looks(&self) -> bool {
        self.plan || self.dry_run || self.sample.is_some()
    }

    fn is_to_stdout(&self) -> bool {
        let output = self.output.as_ref();
        output.is_some_and(|output| output.as_os_str() == "-")
    }

    /// What these arguments print on standard output.
    pub(super) fn uses_stdout(&self) -> Option<&'static str> {
        match self.sample {
            Some(_) => Some("the samples"),
            None if self.plan || self.dry_run => None,
            None => self.is_to_stdout().then_some("the signed records"),
        }
    }

    /// The key, loaded and probed; where it tells its own id, that is taken.
    pub(super) fn load_key(&mut self) -> Result<Loaded, Error> {
        let settings = self.rows.settings(None)?;
        let format = settings.format;
        let now = settings.timestamp;
        self.key
            .load(&self.engine, &mut self.rows.key_id, format, now)
    }
}

/// The job these arguments ask for; one that goes on with another has its id
/// and its timestamp.
pub(super) fn job(
    args: &SignArgs,
    key: &Loaded,
    outputs: &Outputs,
    earlier: Option<&(String, u64)>,
    stop: &Stop,
) -> Result<Job, Error> {
    let job_id = match (&args.rows.job_id, earlier) {
        (Some(id), _) => id.clone(),
        (None, Some((id, _))) => id.clone(),
        (None, None) => random_id()?,
    };
    let settings = args
        .rows
        .settings(earlier.map(|(_, timestamp)| *timestamp))?;
    let signer = key.signer(&job_id)?;
    let inputs = args.rows.inputs()?;
    let mut job = Job::new(settings, inputs, outputs.clone()).signed_by(signer, job_id);
    job.limits = args.rows.limits();
    job.threads = args.rows.threads();
    job.max_rejects = args.rows.max_rejects;
    job.self_check = args.self_check.into();
    job.resume = args.resume;
    job.accept_touched = args.accept_touched;
    job.expect_rows = args.expect_rows;
    job.checkpoint_every = args.checkpoint_every.unwrap_or_default();
    job.stop = stop.clone();
    Ok(job)
}

/// Records can be partitioned by the columns that are named.
pub(super) fn check_partition(args: &SignArgs) -> Result<(), Error> {
    pipeline::check_partition(&args.partition_by, &args.rows.settings(None)?)
}

/// The files that no output replaces, whatever is forced.
pub(crate) fn sources(args: &SignArgs) -> Result<Vec<(&'static str, PathBuf)>, Error> {
    let mut sources = args.key.sources();
    args.key.refuse_stdin(args.rows.reads_stdin())?;
    let inputs = args.rows.sources().into_iter();
    sources.extend(inputs.map(|path| ("an input", path)));
    sources.extend(args.observe.sources());
    Ok(sources)
}

/// Where everything goes.
pub(super) fn outputs(args: &SignArgs) -> Result<Outputs, Error> {
    let of_parts = [
        ("--partition-by", !args.partition_by.is_empty()),
        ("--rows-per-file", args.rows_per_file.is_some()),
    ];
    if let (None, Some((option, _))) = (&args.out_dir, of_parts.iter().find(|(_, given)| *given)) {
        return Err(Error::settings(
            format!("{option} is of parts, and there is no --out-dir"),
            "give --out-dir DIR instead of -o",
        ));
    }
    match args.dry_run || args.plan || args.sample.is_some() {
        true => Ok(Outputs::none()),
        false => written(args),
    }
}

/// Where everything would go, were it no dry run.
pub(crate) fn written(args: &SignArgs) -> Result<Outputs, Error> {
    let mut outputs = match (&args.out_dir, &args.output) {
        (Some(folder), _) => in_folder(args, folder)?,
        (None, Some(output)) => in_files(args, output)?,
        (None, None) => return Ok(Outputs::none()),
    };
    if let Some(path) = &args.rejects {
        if FileFormat::of(path) == Some(FileFormat::Parquet) {
            return Err(Error::settings(
                "rejects are not written as Parquet: a row that is refused may have any type",
                "give --rejects FILE.ndjson",
            ));
        }
        outputs.rejects = Some(Target::File(path.clone()));
        outputs.rejects_style = args.rows.rejects_style(path);
    }
    if let Some(path) = &args.manifest {
        outputs.manifest = Some(path.clone());
    }
    outputs.escape_formulas = !args.keep_formulas;
    outputs.force = args.force;
    Ok(outputs)
}

/// Parts of a folder and what is beside them.
fn in_folder(args: &SignArgs, folder: &Path) -> Result<Outputs, Error> {
    let compression = args.compression.map_or(Compression::None, Into::into);
    let (by, rows) = (args.partition_by.clone(), args.rows_per_file);
    let style = style(args, args.output_format.unwrap_or(FileFormat::Ndjson))?;
    Ok(Outputs::in_folder(folder, by, rows, style, compression))
}

fn style(args: &SignArgs, format: FileFormat) -> Result<Style, Error> {
    format.check()?;
    Ok(match (format, format.delimiter(args.rows.delimiter)) {
        (_, Some(delimiter)) => Style::Csv(delimiter),
        (FileFormat::Parquet, None) => Style::Parquet,
        (_, None) => Style::Ndjson,
    })
}

/// A file, or standard output, and what is beside it.
fn in_files(args: &SignArgs, output: &Path) -> Result<Outputs, Error> {
    let format = args.output_format.or_else(|| FileFormat::of(output));
    let to_stdout = output.as_os_str() == "-";
    if to_stdout && args.resume {
        return Err(Error::settings(
            "what was written to standard output cannot be gone on with",
            "write to a file with -o, or leave --resume out",
        ));
    }
    let format = match format {
        Some(format) => format,
        None if to_stdout => FileFormat::Ndjson,
        None => {
            let name = output.display();
            let message = format!("nothing says whether {name} is CSV, NDJSON or Parquet");
            return Err(Error::settings(
                message,
                "give --output-format csv, tsv, ndjson or parquet",
            ));
        }
    };
    let style = style(args, format)?;
    if to_stdout && style == Style::Parquet {
        return Err(Error::settings(
            "a Parquet file cannot be written to standard output",
            "give -o FILE.parquet",
        ));
    }
    if let (Style::Parquet, Some(_)) = (style, args.compression) {
        return Err(Error::settings(
            "--compression is of lines, and a Parquet file is compressed inside",
            "leave --compression out",
        ));
    }
    let mut outputs = match to_stdout {
        true => Outputs {
            signed: Some(Target::Stdout),
            style,
            ..Outputs::none()
        },
        false => Outputs::beside(output, style),
    };
    outputs.compression = of_output(args.compression, output)?;
    Ok(outputs)
}

/// A job id nobody gave: a random UUID.
pub(crate) fn random_id() -> Result<String, Error> {
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

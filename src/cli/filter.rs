//! `filter`: rows of a stream, signed in their places. For engines that run a
//! program over their own rows, and run it again when it fails.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::io::{self, IsTerminal, Read};
use std::time::Instant;

use campaign_signer::engine::Check;
use campaign_signer::error::Error;
use campaign_signer::filter::{Filter, OnError};
use campaign_signer::format::shape::RECORD;
use campaign_signer::pipeline::{MaxRejects, Summary};
use campaign_signer::record::{FormatChoice, Settings};
use campaign_signer::row::{self, Dialect, Input, Origin};
use clap::{Args, ValueEnum};
use serde_json::json;

use super::args::find_format;
use super::exit::Exit;
use super::log;
use super::sign::{SelfCheckName, random_id};
use super::sign_key::KeyArgs;
use super::values::{expires, job_id, max_rejects, pair, timestamp};

/// How long a stream may be silent before what is there goes out, in
/// milliseconds.
const PAUSE: u16 = 5;

/// Sign the rows of a stream.
#[derive(Args)]
pub(crate) struct FilterArgs {
    /// The format; `ID@VERSION` fixes a version (see `campaign-signer formats`)
    #[arg(short, long, value_name = "ID")]
    format: String,

    #[command(flatten)]
    key: KeyArgs,

    /// The key's id (`kid`, `keyIdentifier`)
    #[arg(long, value_name = "KID")]
    key_id: Option<String>,

    /// Names the job: the same id, rows, settings and timestamp give the same
    /// bytes
    #[arg(long, value_name = "ID", value_parser = job_id)]
    job_id: Option<String>,

    /// The timestamp of all rows that give none: RFC 3339, or milliseconds
    /// since 1970
    #[arg(long, value_name = "T")]
    timestamp: Option<String>,

    /// The member that identifies a row by its content: its place in a stream
    /// is another one when a task is run again
    #[arg(long, value_name = "MEMBER")]
    row_id: Option<String>,

    /// Do without a job id, a timestamp or a row id: a task that is run again
    /// then puts second nonces for the same rows into the world
    #[arg(long)]
    allow_nondeterministic: bool,

    /// A value for rows that have none
    #[arg(short, long = "set", value_name = "FIELD=VALUE", value_parser = pair)]
    sets: Vec<(String, String)>,

    /// A member under another name
    #[arg(short, long = "map", value_name = "FIELD=MEMBER", value_parser = pair)]
    maps: Vec<(String, String)>,

    /// The members that are no fields; a row with any other is rejected.
    /// Without it all are passed through, but for those whose name is one
    /// letter from that of a field
    #[arg(long, value_name = "MEMBER,...", value_delimiter = ',')]
    keep: Vec<String>,

    /// What a signed record is written as: `record` adds the signed members to
    /// the row, any other shape adds its object as the member `object`
    #[arg(long, value_name = "SHAPE", default_value = RECORD)]
    shape: String,

    /// What becomes of a row that cannot be signed
    #[arg(long, value_name = "HOW", default_value = "annotate")]
    on_error: OnErrorName,

    /// How many rows that cannot be signed are tolerated; beyond it the stream
    /// ends with 4 [default: all]
    #[arg(long, value_name = "N|P%", value_parser = max_rejects)]
    max_rejects: Option<MaxRejects>,

    /// After an error, do not read standard input to its end
    #[arg(long)]
    no_drain: bool,

    /// Remove white space around values instead of rejecting them
    #[arg(long)]
    trim: bool,

    /// Take 5239.0 for the integer 5239: only zeros may stand behind the point
    #[arg(long)]
    accept_decimal_zero: bool,

    /// When tokens expire: `+7d`, `+36h`, `+90m`, or RFC 3339
    #[arg(long, value_name = "T", default_value = "+7d")]
    expires: String,

    /// Write into each record from when and until when it may be used
    #[arg(long)]
    use_window: bool,

    /// Sign times before the format's documented window
    #[arg(long)]
    allow_stale: bool,

    /// Sign times in the future
    #[arg(long)]
    allow_future: bool,

    /// The longest row that is accepted, in bytes
    #[arg(long, value_name = "N", default_value_t = 1 << 20,
          value_parser = clap::value_parser!(u64).range(1..=1 << 30))]
    max_row_bytes: u64,

    /// How many threads sign
    #[arg(short, long, value_name = "N", default_value_t = 1,
          value_parser = clap::value_parser!(u16).range(1..=1024))]
    jobs: u16,

    /// What signs ES256: auto (the fastest there is), batch, batch-portable
    /// (without the processor's special instructions) or p256
    #[arg(long, value_name = "ENGINE", default_value = "auto")]
    engine: String,

    /// How much is checked before it is written: each batch as a whole, every
    /// signature verified as well, or nothing
    #[arg(long, value_name = "MODE", default_value = "batch")]
    self_check: SelfCheckName,
}

#[derive(Clone, Copy, ValueEnum)]
enum OnErrorName {
    /// It comes back as it was, with a member `_sign_error`: code, field,
    /// message
    Annotate,
    /// It ends the stream, with exit code 4
    Fail,
}

/// Signs a stream.
pub(crate) fn run(args: FilterArgs) -> Exit {
    let drains = !args.no_drain;
    let result = sign(args);
    match result {
        Ok(exit) => exit,
        Err(error) => {
            // Nobody reads what is written: whoever feeds it may wait for ever.
            if drains && !is_unread(&error) {
                drain();
            }
            log::error(&error, None);
            Exit::from(&error)
        }
    }
}

/// Whether these arguments ask for the filter, and for draining: a mistake in
/// them is told like any other fatal error.
pub(crate) fn drains(mut args: impl Iterator<Item = OsString>) -> bool {
    args.nth(1).is_some_and(|verb| verb == "filter") && args.all(|arg| arg != "--no-drain")
}

/// Reads standard input to its end. A writer whose pipe breaks tells of that,
/// and not of what the program said when it ended.
pub(crate) fn drain() {
    let mut stdin = io::stdin();
    if stdin.is_terminal() {
        return;
    }
    let mut buffer = vec![0; 64 * 1024];
    loop {
        match stdin.read(&mut buffer) {
            Ok(0) => return,
            Ok(_) => {}
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            // What cannot be read has no writer that waits.
            Err(_) => return,
        }
    }
}

/// Whether it is that nobody reads what is written.
fn is_unread(error: &Error) -> bool {
    use std::error::Error as _;
    let source = error.source().and_then(|s| s.downcast_ref::<io::Error>());
    source.is_some_and(|source| source.kind() == io::ErrorKind::BrokenPipe)
}

fn sign(args: FilterArgs) -> Result<Exit, Error> {
    let started = Instant::now();
    if io::stdin().is_terminal() {
        return Err(Error::settings(
            "the filter reads rows from standard input, which is a terminal",
            "campaign-signer filter --help",
        ));
    }
    let job_id = args.deterministic()?;
    let filter = args.filter(&job_id)?;
    let input = Input::new(Origin::Stdin, Dialect::Ndjson);
    let source = input.open().map_err(|source| Error::Open {
        file: input.name(),
        source,
    })?;
    let is_pausing = || !row::stdin_is_ready(PAUSE);
    let summary = filter.run(source, is_pausing, io::stdout().lock())?;
    let seconds = started.elapsed().as_secs_f64();
    let timestamp = filter.settings.timestamp;
    tell(&args.format, (&job_id, timestamp), &summary, seconds);
    Ok(Exit::Success)
}

/// The last line on standard error.
fn tell(format: &str, (job_id, timestamp): (&str, u64), summary: &Summary, seconds: f64) {
    let codes: BTreeMap<&str, u64> = summary
        .rejected_by_code
        .iter()
        .map(|(code, rows)| (code.as_str(), *rows))
        .collect();
    let notices: BTreeMap<&str, u64> = summary
        .notices
        .iter()
        .map(|notice| (&*notice.code, notice.count))
        .collect();
    let counts = summary.counts;
    let fields = json!({
        "format": format,
        "job_id": job_id,
        "timestamp": timestamp,
        "rows": counts.rows,
        "signed": counts.signed,
        "rejected": counts.rejected,
        "codes": codes,
        "notices": notices,
        "recomputed": summary.recomputed,
        "seconds": (seconds * 1e6).round() / 1e6,
        "exit_code": Exit::Success as u8,
    });
    log::event("summary", &fields);
}

impl FilterArgs {
    fn filter(&self, job_id: &str) -> Result<Filter, Error> {
        self.key.refuse_stdin(true)?;
        let mut settings = self.settings()?;
        let format = settings.format;
        let now = settings.timestamp;
        let key = self
            .key
            .load(&self.engine, &mut settings.key_id, format, now)?;
        Ok(Filter {
            signer: key.signer(job_id)?,
            settings,
            self_check: Check::from(self.self_check),
            threads: self.jobs.into(),
            on_error: match self.on_error {
                OnErrorName::Annotate => OnError::Annotate,
                OnErrorName::Fail => OnError::Fail,
            },
            max_rejects: self.max_rejects,
            row_bytes: usize::try_from(self.max_row_bytes).unwrap_or(usize::MAX),
        })
    }

    /// The job id, where a second run of the same task gives the same bytes;
    /// or a random one, where that is not wanted.
    fn deterministic(&self) -> Result<String, Error> {
        let given = [
            ("--job-id ID", self.job_id.is_some()),
            (
                "--timestamp T",
                self.timestamp.as_ref().is_some_and(|time| time != "now"),
            ),
            ("--row-id MEMBER", self.row_id.is_some()),
        ];
        let missing: Vec<&str> = given
            .iter()
            .filter_map(|(option, given)| (!given).then_some(*option))
            .collect();
        match (
            &self.job_id,
            missing.is_empty() || self.allow_nondeterministic,
        ) {
            (_, false) => Err(Error::settings(
                format!(
                    "without {} a task that is run again signs the same rows with other nonces",
                    missing.join(", ")
                ),
                format!(
                    "give {}, or --allow-nondeterministic if nothing runs it again",
                    missing.join(" ")
                ),
            )),
            (Some(id), true) => Ok(id.clone()),
            (None, true) => random_id(),
        }
    }

    fn settings(&self) -> Result<Settings, Error> {
        let (format, version) = match FormatChoice::find(&self.format) {
            Some(choice) => (choice.format, choice.version),
            None => (find_format(&self.format)?, None),
        };
        let timestamp = timestamp(self.timestamp.as_deref().unwrap_or("now"))?;
        let mut settings = Settings::new(format, timestamp);
        settings.version = version;
        settings.sets.clone_from(&self.sets);
        settings.maps.clone_from(&self.maps);
        settings.keep.clone_from(&self.keep);
        settings.ignore_unknown = self.keep.is_empty();
        settings.shape.clone_from(&self.shape);
        settings.trim = self.trim;
        settings.accept_decimal_zero = self.accept_decimal_zero;
        settings.key_id.clone_from(&self.key_id);
        settings.expires = expires(&self.expires, timestamp)?;
        settings.use_window = self.use_window;
        settings.row_id.clone_from(&self.row_id);
        settings.allow_stale = self.allow_stale;
        settings.allow_future = self.allow_future;
        Ok(settings)
    }
}

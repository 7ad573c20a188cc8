//! The arguments that `sign` and `check` share, and what their words mean.

use std::io::IsTerminal;
use std::path::{Path, PathBuf};

use campaign_signer::envelope::Style;
use campaign_signer::error::Error;
use campaign_signer::format::shape::RECORD;
use campaign_signer::format::{FORMATS, Format};
use campaign_signer::output::Compression;
use campaign_signer::pipeline::MaxRejects;
use campaign_signer::publishers::PublisherFile;
use campaign_signer::record::{FormatChoice, Meeting, Settings};
use campaign_signer::row::{Dialect, Input, Limits, Origin};
use campaign_signer::stop::Stop;
use clap::{Args, ValueEnum};

use super::log::LogMode;
use super::progress::ProgressMode;
use super::values::{delimiter, expires, job_id, max_rejects, pair, period, timestamp};

/// What rows are and how they are read.
#[derive(Args)]
pub(crate) struct RowArgs {
    /// Input files, plain, gzip or zstd; `-` or none reads standard input
    #[arg(value_name = "INPUT")]
    pub(crate) inputs: Vec<PathBuf>,

    /// The format; `ID@VERSION` fixes a version (see `campaign-signer formats`).
    /// With several each row becomes a record of each
    #[arg(
        short,
        long,
        value_name = "ID,...",
        value_delimiter = ',',
        required = true
    )]
    pub(crate) format: Vec<String>,

    /// A file of publishers: each row meets each of them, and becomes records
    /// for all it meets
    #[arg(long, value_name = "FILE")]
    publishers: Option<PathBuf>,

    /// The publishers' column that names them, for rows that name publishers in
    /// columns `allow_publishers` and `deny_publishers` [default: publisher]
    #[arg(long, value_name = "COLUMN", requires = "publishers")]
    publisher_id: Option<String>,

    /// A column that rows and publishers have in common: they meet where its
    /// values are the same
    #[arg(long, value_name = "COLUMN", requires = "publishers")]
    join: Option<String>,

    /// How inputs are read, where no file name says it
    #[arg(long, value_name = "FORMAT")]
    input_format: Option<FileFormat>,

    /// The delimiter of CSV input and output (one ASCII character, or `\t`)
    #[arg(long, value_name = "C", value_parser = delimiter)]
    pub(crate) delimiter: Option<u8>,

    /// A value for rows that have none
    #[arg(short, long = "set", value_name = "FIELD=VALUE", value_parser = pair)]
    sets: Vec<(String, String)>,

    /// A column under another name
    #[arg(short, long = "map", value_name = "FIELD=COLUMN", value_parser = pair)]
    maps: Vec<(String, String)>,

    /// Input columns to copy into the output
    #[arg(long, value_name = "COLUMN,...", value_delimiter = ',')]
    keep: Vec<String>,

    /// What a signed record is written as: `record` is flat, `native` what the
    /// consumer takes; others (see `campaign-signer formats ID`)
    #[arg(long, value_name = "SHAPE", default_value = RECORD)]
    shape: String,

    /// Pass over columns that fit no field
    #[arg(long)]
    ignore_unknown: bool,

    /// Remove white space around values instead of rejecting them
    #[arg(long)]
    trim: bool,

    /// Take 5239.0 for the integer 5239: only zeros may stand behind the point
    #[arg(long)]
    accept_decimal_zero: bool,

    /// What you tolerate: within it the exit code is 0, beyond it the run
    /// stops with 4
    #[arg(long, value_name = "N|P%", value_parser = max_rejects)]
    pub(crate) max_rejects: Option<MaxRejects>,

    /// The run's timestamp: now, RFC 3339, or milliseconds since 1970
    #[arg(long, value_name = "T", default_value = "now")]
    pub(crate) timestamp: String,

    /// Spread the times that rows do not give evenly over this period from the
    /// timestamp on: `16h`, `90m`, `2d`
    #[arg(long, value_name = "PERIOD", value_parser = period)]
    spread: Option<u64>,

    /// Write into each record from when and until when it may be used
    #[arg(long)]
    use_window: bool,

    /// When tokens expire: `+7d`, `+36h`, `+90m`, or RFC 3339
    #[arg(long, value_name = "T", default_value = "+7d")]
    expires: String,

    /// Signed records per row, each with its own nonce; a `count` column wins
    #[arg(long, value_name = "N", default_value_t = 1,
          value_parser = clap::value_parser!(u64).range(1..=1_000_000_000))]
    count: u64,

    /// Names the job: the same id, input, settings and timestamp give the
    /// same bytes [default: random, printed]
    #[arg(long, value_name = "ID", value_parser = job_id)]
    pub(crate) job_id: Option<String>,

    /// The column that identifies a row by its content instead of its place
    #[arg(long, value_name = "COLUMN")]
    row_id: Option<String>,

    /// Sign times before the format's documented window
    #[arg(long)]
    pub(crate) allow_stale: bool,

    /// Sign times in the future
    #[arg(long)]
    pub(crate) allow_future: bool,

    /// The longest row that is accepted, in bytes
    #[arg(long, value_name = "N", default_value_t = 1 << 20,
          value_parser = clap::value_parser!(u64).range(1..=1 << 30))]
    max_row_bytes: u64,

    /// The key's id (`kid`, `keyIdentifier`)
    #[arg(long, value_name = "KID")]
    pub(crate) key_id: Option<String>,

    /// How many threads work [default: all cores]
    #[arg(short, long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1024))]
    pub(crate) jobs: Option<u16>,

    /// How progress is shown on standard error
    #[arg(long, value_name = "MODE", default_value = "auto")]
    pub(crate) progress: ProgressMode,

    /// How events are told on standard error
    #[arg(long, value_name = "MODE", default_value = "text")]
    pub(crate) log: LogMode,
}

/// How rows are written in a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum FileFormat {
    /// Comma-separated values with a header
    Csv,
    /// Tab-separated values with a header
    Tsv,
    /// One JSON object a line
    Ndjson,
    /// A Parquet file; only in builds with the feature `parquet`
    Parquet,
}

impl FileFormat {
    /// What a file's name says; how it is compressed is another matter.
    pub(crate) fn of(path: &Path) -> Option<Self> {
        let path = match Compression::of(path) {
            Compression::None => path,
            Compression::Gzip | Compression::Zstd => Path::new(path.file_stem()?),
        };
        let extension = path.extension()?.to_str()?.to_ascii_lowercase();
        match extension.as_str() {
            "csv" => Some(Self::Csv),
            "tsv" => Some(Self::Tsv),
            "ndjson" | "jsonl" => Some(Self::Ndjson),
            "parquet" => Some(Self::Parquet),
            _ => None,
        }
    }

    /// The delimiter of separated values.
    pub(crate) fn delimiter(self, given: Option<u8>) -> Option<u8> {
        match self {
            Self::Csv => Some(given.unwrap_or(b',')),
            Self::Tsv => Some(given.unwrap_or(b'\t')),
            Self::Ndjson | Self::Parquet => None,
        }
    }

    /// How rows of a file are told apart; `None` where this build cannot.
    pub(crate) fn dialect(self, given: Option<u8>) -> Result<Dialect, Error> {
        match (self, self.delimiter(given)) {
            (_, Some(delimiter)) => Ok(Dialect::Csv { delimiter }),
            (Self::Parquet, None) => self.check().map(|()| Dialect::Parquet),
            (_, None) => Ok(Dialect::Ndjson),
        }
    }

    /// Whether this build knows it.
    pub(crate) fn check(self) -> Result<(), Error> {
        match self {
            Self::Parquet if !cfg!(feature = "parquet") => Err(Error::settings(
                "this build neither reads nor writes Parquet",
                "cargo install campaign-signer --features parquet",
            )),
            _ => Ok(()),
        }
    }
}

impl RowArgs {
    /// The formats, each with the version it is fixed to.
    pub(crate) fn formats(&self) -> Result<Vec<FormatChoice>, Error> {
        let choice = |name: &String| {
            let (id, version) = match name.split_once('@') {
                Some((id, version)) => (id, Some(version.to_owned())),
                None => (name.as_str(), None),
            };
            find_format(id).map(|format| FormatChoice { format, version })
        };
        self.format.iter().map(choice).collect()
    }

    /// The file of publishers, read whole.
    pub(crate) fn publishers(&self, stop: &Stop) -> Result<Option<PublisherFile>, Error> {
        let Some(path) = &self.publishers else {
            return Ok(None);
        };
        if path.as_os_str() == "-" && self.inputs.iter().any(|input| input.as_os_str() == "-") {
            return Err(Error::settings("standard input is named twice", ""));
        }
        PublisherFile::read(&self.input(path)?, stop).map(Some)
    }

    /// Whether standard input is read.
    pub(crate) fn reads_stdin(&self) -> bool {
        let mut files = self.inputs.iter().chain(&self.publishers);
        self.inputs.is_empty() || files.any(|path| path.as_os_str() == "-")
    }

    /// Every file that is read.
    pub(crate) fn sources(&self) -> Vec<PathBuf> {
        let files = self.inputs.iter().chain(&self.publishers);
        files
            .filter(|path| path.as_os_str() != "-")
            .cloned()
            .collect()
    }

    /// The settings that decide what a row becomes. A run that goes on with
    /// another has its timestamp, unless one is given.
    pub(crate) fn settings(&self, earlier: Option<u64>) -> Result<Settings, Error> {
        let mut formats = self.formats()?.into_iter();
        let Some(FormatChoice { format, version }) = formats.next() else {
            return Err(Error::settings("no format is given", "give --format ID"));
        };
        let timestamp = match (earlier, self.timestamp.as_str()) {
            (Some(earlier), "now") => earlier,
            (_, given) => timestamp(given)?,
        };
        let mut settings = Settings::new(format, timestamp);
        settings.version = version;
        settings.more = formats.collect();
        settings.meeting = self.publishers.as_ref().map(|_| Meeting {
            id: self.publisher_id.clone(),
            join: self.join.clone(),
        });
        settings.spread = self.spread;
        settings.use_window = self.use_window;
        settings.sets.clone_from(&self.sets);
        settings.maps.clone_from(&self.maps);
        settings.keep.clone_from(&self.keep);
        settings.shape.clone_from(&self.shape);
        settings.ignore_unknown = self.ignore_unknown;
        settings.trim = self.trim;
        settings.accept_decimal_zero = self.accept_decimal_zero;
        settings.key_id.clone_from(&self.key_id);
        settings.expires = expires(&self.expires, timestamp)?;
        settings.count = self.count;
        settings.row_id.clone_from(&self.row_id);
        settings.allow_stale = self.allow_stale;
        settings.allow_future = self.allow_future;
        Ok(settings)
    }

    /// The inputs, each with how its rows are told apart.
    pub(crate) fn inputs(&self) -> Result<Vec<Input>, Error> {
        let stdin = [PathBuf::from("-")];
        let paths = match &self.inputs[..] {
            [] => &stdin[..],
            paths => paths,
        };
        let from_stdin = paths.iter().filter(|path| path.as_os_str() == "-").count();
        if from_stdin > 1 {
            return Err(Error::settings("standard input is named twice", ""));
        }
        if from_stdin == 1 && self.inputs.is_empty() && std::io::stdin().is_terminal() {
            return Err(Error::settings(
                "no input: give a file, or pipe rows into standard input",
                "campaign-signer sign --help",
            ));
        }
        paths.iter().map(|path| self.input(path)).collect()
    }

    fn input(&self, path: &Path) -> Result<Input, Error> {
        let format = self.input_format.or_else(|| FileFormat::of(path));
        let Some(format) = format else {
            let name = path.display();
            let message = format!("nothing says whether {name} is CSV, NDJSON or Parquet");
            return Err(Error::settings(
                message,
                "give --input-format csv, tsv, ndjson or parquet",
            ));
        };
        let dialect = format.dialect(self.delimiter)?;
        let origin = if path.as_os_str() == "-" {
            Origin::Stdin
        } else {
            Origin::File(path.to_owned())
        };
        Ok(Input { origin, dialect })
    }

    /// How rejects are written into a file of this name.
    pub(crate) fn rejects_style(&self, path: &Path) -> Style {
        let format = FileFormat::of(path).unwrap_or(FileFormat::Ndjson);
        match format.delimiter(self.delimiter) {
            Some(delimiter) => Style::Csv(delimiter),
            None => Style::Ndjson,
        }
    }

    /// How long rows may be.
    pub(crate) fn limits(&self) -> Limits {
        Limits {
            row_bytes: usize::try_from(self.max_row_bytes).unwrap_or(usize::MAX),
            ..Limits::default()
        }
    }

    /// How many threads work; 0 means all cores.
    pub(crate) fn threads(&self) -> usize {
        self.jobs.map_or(0, usize::from)
    }
}

/// The format of this id.
pub(crate) fn find_format(id: &str) -> Result<&'static Format, Error> {
    Format::find(id).ok_or_else(|| {
        let all: Vec<&str> = FORMATS.iter().map(|format| format.id).collect();
        let hint = format!("one of {}", all.join(", "));
        Error::settings(format!("there is no format {id:?}"), hint)
    })
}

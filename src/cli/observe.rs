//! What others watch a run by: the metrics file, the summary, and silence. It
//! must not know what is run, or how any of it is written.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::time::Instant;

use campaign_signer::ending::{self, Ending, Failure, Part};
use campaign_signer::error::Error;
use campaign_signer::output::OutputError;
use clap::{Args, Command, ValueEnum};

use super::exit::Exit;
use super::progress::ProgressMode;
use super::values::now;
use super::{log, say, try_print};

/// What the metrics file is to messages about files.
const METRICS: &str = "the metrics";

/// How a run is watched.
#[derive(Args, Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct ObserveArgs {
    /// Metrics of the run for Prometheus' textfile collector (a name in .prom),
    /// written whatever becomes of the run. That they cannot be written is a
    /// warning. --dry-run, --plan and --sample leave them alone
    #[arg(long, value_name = "FILE")]
    pub(crate) metrics_file: Option<PathBuf>,

    /// Print one line of JSON in the end, whatever becomes of the run: counts,
    /// files, exit code, what went wrong (see `campaign-signer schema summary`)
    #[arg(long, value_name = "WHERE", default_value = "none")]
    pub(crate) summary: SummaryMode,

    /// Say nothing at all where the exit code is 0; where it is another, say
    /// everything in the end. No progress is shown
    #[arg(short, long)]
    pub(crate) quiet: bool,
}

impl ObserveArgs {
    /// The files that no output replaces.
    pub(crate) fn sources(&self) -> Option<(&'static str, PathBuf)> {
        self.metrics_file.clone().map(|file| (METRICS, file))
    }
}

/// Where the summary goes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum SummaryMode {
    /// Nowhere
    #[default]
    None,
    /// Its last line, and the only one where records go to a file
    Stdout,
}

/// What watches one call of the program from its beginning to its end.
pub(crate) struct Observer {
    command: String,
    args: ObserveArgs,
    /// Whether what is signed stays: of anything else there are no metrics.
    is_run: bool,
    /// Whether standard error ends with the summary, too.
    tells: bool,
    started: Instant,
    planned: usize,
    parts: Vec<Part>,
    failure: Option<Failure>,
}

impl Observer {
    /// Watches from now on. Nothing is said until [`watch`](Self::watch) tells
    /// how.
    pub(crate) fn begin(command: &str) -> Self {
        log::hold();
        Self {
            command: command.to_owned(),
            args: ObserveArgs::default(),
            is_run: true,
            tells: false,
            started: Instant::now(),
            planned: 0,
            parts: Vec::new(),
            failure: None,
        }
    }

    /// Watches in this way.
    pub(crate) fn watch(&mut self, args: &ObserveArgs, is_run: bool, progress: ProgressMode) {
        self.args = args.clone();
        self.is_run = is_run;
        self.tells = progress == ProgressMode::Json;
        match args.quiet {
            true => log::hold(),
            false => log::release(true),
        }
    }

    /// Refuses what cannot be: standard output has one use.
    pub(crate) fn check(&mut self, stdout: Option<&str>) -> Result<(), Error> {
        let metrics = &self.args.metrics_file;
        if metrics.as_ref().is_some_and(|file| file.as_os_str() == "-") {
            self.args.metrics_file = None;
            return Err(Error::settings(
                "metrics are a file of their own, not standard output",
                "give --metrics-file FILE.prom",
            ));
        }
        match (self.args.summary, stdout) {
            (SummaryMode::Stdout, Some(other)) => {
                self.args.summary = SummaryMode::None;
                Err(Error::settings(
                    format!("--summary stdout: standard output has {other} already"),
                    "write them to a file",
                ))
            }
            _ => Ok(()),
        }
    }

    /// How many outputs there are to be.
    pub(crate) fn plan(&mut self, outputs: usize) {
        self.planned = outputs;
    }

    /// An output that was begun has ended.
    pub(crate) fn enter(&mut self, part: Part) {
        self.parts.push(part);
    }

    /// The run was stopped by an error that was told in these words.
    pub(crate) fn fail(&mut self, error: &Error, failure: Failure) {
        // Metrics must not come to be where something else is wanted.
        if let Error::Output(OutputError::Same { first, second, .. }) = error
            && [first, second].contains(&&METRICS)
        {
            self.args.metrics_file = None;
        }
        self.failure = Some(failure);
    }

    /// The end: tells an error that nobody has told yet, and everybody who
    /// watches.
    pub(crate) fn end(mut self, result: Result<Exit, Error>) -> Exit {
        let mut exit = match result {
            Ok(exit) => exit,
            Err(error) => {
                let failure = log::error(&error, None);
                self.fail(&error, failure);
                Exit::from(&error)
            }
        };
        let ending = Ending {
            command: self.command,
            exit_code: exit as u8,
            time: now(),
            seconds: self.started.elapsed().as_secs_f64(),
            parts: self.parts,
            planned: self.planned,
            failure: self.failure,
        };
        if let (Some(file), true) = (&self.args.metrics_file, self.is_run)
            && let Err(error) = ending::write_metrics(file, &ending)
        {
            log::warn(error);
        }
        let line = ending.to_line();
        if self.args.summary == SummaryMode::Stdout
            && let Err(error) = try_print(&line)
        {
            // Somebody waits for this line, and does not get it.
            log::error(&error, None);
            if exit == Exit::Success {
                exit = Exit::Io;
            }
        }
        if self.tells || log::is_json() {
            say!("{}", line.trim_end());
        }
        log::release(exit != Exit::Success);
        exit
    }
}

/// Arguments that make no sense are an ending, too: those who watch are told
/// as far as the words say who they are.
pub(crate) fn misused(program: &Command, error: &clap::Error) {
    let words: Vec<OsString> = std::env::args_os().skip(1).collect();
    let Some((command, args)) = said(program, &words) else {
        return;
    };
    let mut observer = Observer::begin(&command);
    observer.watch(&args, true, ProgressMode::None);
    let text = error.to_string();
    let first = text.lines().next().unwrap_or_default();
    observer.failure = Some(Failure {
        message: first.trim_start_matches("error: ").to_owned(),
        hint: None,
        resume: None,
    });
    observer.end(Ok(Exit::Settings));
}

/// Which command these words call, and by what it is to be watched.
fn said(program: &Command, words: &[OsString]) -> Option<(String, ObserveArgs)> {
    let command = program.find_subcommand(words.first()?)?;
    let long = |id: &str| {
        let mut all = command.get_arguments();
        let arg = all.find(|arg| arg.get_id().as_str() == id)?;
        Some(format!("--{}", arg.get_long()?))
    };
    let options = words.split(|word| word == "--").next().unwrap_or_default();
    let value = |id: &str| {
        let option = long(id)?;
        let mut words = options.iter();
        words.find_map(|word| match word.to_str()?.strip_prefix(&option)? {
            "" => options
                .iter()
                .skip_while(|word| **word != *option)
                .nth(1)
                .cloned(),
            rest => rest.strip_prefix('=').map(OsString::from),
        })
    };
    let is_given = |id: &str| {
        let option = long(id);
        let is = |word: &OsString| option.as_ref().is_some_and(|option| *word == **option);
        options.iter().any(is)
    };
    let only_looks = ["dry_run", "plan"].into_iter().any(is_given)
        || value("sample").is_some()
        || command.get_name() == "plan";
    let summary = value("summary").is_some_and(|to| to == "stdout")
        && !options
            .iter()
            .any(|word| word == "-" || word == "--output=-");
    let args = ObserveArgs {
        metrics_file: value("metrics_file")
            .filter(|_| !only_looks)
            .map(PathBuf::from)
            .filter(|file| file != Path::new("-")),
        summary: match summary {
            true => SummaryMode::Stdout,
            false => SummaryMode::None,
        },
        quiet: false,
    };
    Some((command.get_name().to_owned(), args))
}

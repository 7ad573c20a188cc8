//! `run`: signs what a job file says.
//!
//! A job file is translated to the arguments of `sign`, and what it asks for
//! is done as `sign` does it. Several outputs are prepared before the first
//! one begins.

mod document;
mod environment;
mod file;
mod given;
mod keys;
mod outputs;
mod schema;
mod table;
mod template;
mod translate;
mod values;

use std::path::PathBuf;

use campaign_signer::error::Error;
use clap::{Arg, ArgMatches, Args, Command, FromArgMatches, ValueHint};

use super::exit::Exit;
use super::log::{self, LogMode};
use super::observe::{ObserveArgs, Observer, SummaryMode};
use super::progress::ProgressMode;
use file::JobFile;
use given::{Given, Words};

pub(crate) use schema::{SCHEMA_FILE, schema};
pub(crate) use template::template;

/// What to run, and what the command line says beside the job file.
pub(crate) struct RunArgs {
    file: PathBuf,
    only: Option<String>,
    given: Given,
}

impl Args for RunArgs {
    fn augment_args(command: Command) -> Command {
        let file = Arg::new("job_file")
            .value_name("JOB")
            .help("The job file: TOML (see `campaign-signer template --job`)")
            .value_parser(clap::value_parser!(PathBuf))
            .value_hint(ValueHint::FilePath)
            .required(true);
        let only = Arg::new("only")
            .long("only")
            .value_name("NAME")
            .help("Run this output alone");
        command
            .arg(file)
            .arg(only)
            .next_help_heading("Options that override the job file's keys")
            .args(keys::loose_arguments())
            .after_help(
                "Every long option is a key of the job file, and `input` names its inputs. \
                 Relative names in the file count from the file, on the command line from the \
                 working folder.",
            )
    }

    fn augment_args_for_update(command: Command) -> Command {
        Self::augment_args(command)
    }
}

impl FromArgMatches for RunArgs {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, clap::Error> {
        let file: Option<&PathBuf> = matches.get_one("job_file");
        Ok(Self {
            file: file.cloned().unwrap_or_default(),
            only: matches.get_one("only").cloned(),
            given: Given::by(matches, &keys::keys()),
        })
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), clap::Error> {
        *self = Self::from_arg_matches(matches)?;
        Ok(())
    }
}

/// Runs a job.
pub(crate) fn run(args: &RunArgs) -> Exit {
    let mut observer = Observer::begin("run");
    let result = attempt(args, &mut observer);
    observer.end(result)
}

fn attempt(args: &RunArgs, observer: &mut Observer) -> Result<Exit, Error> {
    let keys = keys::keys();
    speak(&args.given, &keys);
    watch(&args.given, &keys, observer);
    let file = JobFile::read(&args.file)?;
    let document = document::read(&file, &keys, &environment::of_process)?;
    let top = args.given.over(&document.top, &keys);
    speak(&top, &keys);
    let observed = watch(&top, &keys, observer);
    let job = translate::Job {
        file: &file,
        keys: &keys,
        document: &document,
        command_line: &args.given,
    };
    let parts = job.parts(args.only.as_deref())?;
    observer.check(parts.iter().find_map(|part| part.args.uses_stdout()))?;
    if let Some(part) = parts.iter().find(|part| part.args.observe != observed) {
        let place = translate::place(&file, part.about.name.as_deref());
        return Err(Error::settings(
            format!("{place}: metrics-file, summary and quiet are of the whole job"),
            "write them above the first [[output]]",
        ));
    }
    outputs::run(&file, &document.hidden, parts, observer)
}

/// From now on the job is watched in this way.
fn watch(given: &Given, keys: &[keys::Key], observer: &mut Observer) -> ObserveArgs {
    use clap::ValueEnum as _;
    let is_set = |name| {
        let entry = given.entry(keys, name);
        entry.is_some_and(|entry| !matches!(entry.words, Words::Flag(false)))
    };
    let word = |name| given.text(keys, name).unwrap_or_default();
    let args = ObserveArgs {
        metrics_file: given.text(keys, "metrics-file").map(PathBuf::from),
        summary: SummaryMode::from_str(word("summary"), false).unwrap_or_default(),
        quiet: is_set("quiet"),
    };
    let only_looks = ["dry-run", "plan", "sample"].into_iter().any(is_set);
    let progress = ProgressMode::from_str(word("progress"), false);
    observer.watch(&args, !only_looks, progress.unwrap_or(ProgressMode::Auto));
    args
}

/// From now on events are told in this way, if one is given.
fn speak(given: &Given, keys: &[keys::Key]) {
    use clap::ValueEnum as _;
    let mode = given.text(keys, "log");
    if let Some(Ok(mode)) = mode.map(|mode| LogMode::from_str(mode, false)) {
        log::speak(mode);
    }
}

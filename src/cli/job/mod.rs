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
use file::JobFile;
use given::Given;

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
pub(crate) fn run(args: &RunArgs) -> Result<Exit, Error> {
    let keys = keys::keys();
    speak(&args.given, &keys);
    let file = JobFile::read(&args.file)?;
    let document = document::read(&file, &keys, &environment::of_process)?;
    speak(&args.given.over(&document.top, &keys), &keys);
    let job = translate::Job {
        file: &file,
        keys: &keys,
        document: &document,
        command_line: &args.given,
    };
    let parts = job.parts(args.only.as_deref())?;
    outputs::run(&file, &document.hidden, parts)
}

/// From now on events are told in this way, if one is given.
fn speak(given: &Given, keys: &[keys::Key]) {
    use clap::ValueEnum as _;
    let mode = given.text(keys, "log");
    if let Some(Ok(mode)) = mode.map(|mode| LogMode::from_str(mode, false)) {
        log::speak(mode);
    }
}

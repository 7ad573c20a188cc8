//! Arguments in, exit code out. Data goes to files or standard output,
//! everything else to standard error. Only the library's public API is used;
//! nothing here knows how anything is done.

mod again;
mod args;
mod attempt;
mod bench;
mod check;
mod completions;
mod ended;
mod exit;
mod explain;
mod explain_words;
mod filter;
mod formats;
mod inspect;
mod job;
mod key;
mod key_check;
mod log;
mod man;
mod observe;
mod passphrase;
mod plan;
mod postback_report;
mod progress;
mod rejects;
mod report;
mod report_page;
mod sign;
mod sign_key;
mod signals;
mod template;
mod values;
mod verify;
mod verify_postback;
mod with;

use std::io::{self, Write};
use std::process::ExitCode;

use campaign_signer::error::Error;
use campaign_signer::output::OutputError;
use clap::builder::Resettable;
use clap::{Arg, CommandFactory, FromArgMatches, Parser, Subcommand};

use exit::Exit;
use log::warn;

/// Says a line on standard error.
macro_rules! say {
    ($($words:tt)*) => {
        $crate::cli::log::line(format_args!($($words)*))
    };
}
pub(crate) use say;

/// Signs campaign and offer rows in bulk: CSV or NDJSON in, signed
/// impressions, offers and tokens out.
#[derive(Parser)]
#[command(name = "campaign-signer", version, max_term_width = 100)]
#[command(
    after_help = "Exit codes: 0 all signed, 1 some rows rejected, 2 usage or settings, \
    3 key, 4 stopped by the data, 5 interrupted, 6 reading or writing failed, \
    7 verification failed, 8 another run holds the output, 70 internal error"
)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Sign rows: CSV or NDJSON in, signed records out
    Sign(Box<sign::SignArgs>),
    /// Sign what a job file says: one input, one output or several
    Run(job::RunArgs),
    /// Say what `sign` would do with the same arguments: how much, how long
    Plan(Box<sign::SignArgs>),
    /// Sign the rows of a stream: NDJSON in, one line out for each line in
    Filter(Box<filter::FilterArgs>),
    /// Check rows without a key: the same rejects, nothing signed
    Check(Box<check::CheckArgs>),
    /// Sum up a rejects file: what is wrong, how often, an example of each
    Rejects(rejects::RejectsArgs),
    /// Make a page of finished runs, to be read in the morning
    Report(report_page::ReportArgs),
    /// Verify signed files with the public key or the secret
    Verify(verify::VerifyArgs),
    /// Verify postbacks from devices with Apple's public keys
    VerifyPostback(verify_postback::PostbackArgs),
    /// Say why a signature is invalid, and what makes it valid
    Explain(explain::ExplainArgs),
    /// Show a token, a signed record, a signature, a nonce or a key decoded,
    /// with the exact bytes signed
    Inspect(inspect::InspectArgs),
    /// Make a P-256 key pair
    Keygen(key::KeygenArgs),
    /// Show a key's public half, fingerprint and problems, or check a key ring
    Key(key::KeyArgs),
    /// List the formats, or describe one
    Formats(formats::FormatsArgs),
    /// Print a JSON Schema
    Schema(formats::SchemaArgs),
    /// Print a starter CSV or NDJSON that `sign` accepts as it is
    Template(template::TemplateArgs),
    /// Measure this machine, and estimate how long a job takes on it
    Bench(bench::BenchArgs),
    /// Print a manual page, or write all of them into a folder
    Man(man::ManArgs),
    /// Print what a shell needs to complete a command line
    Completions(completions::CompletionsArgs),
}

/// Parses the command line and runs it.
pub(crate) fn main() -> ExitCode {
    // A plan writes nothing, so it needs to be told no output.
    let free = |arg: Arg| arg.required_unless_present(Resettable::Reset);
    let command = Cli::command().mut_subcommand("plan", |plan| plan.mut_arg("output", free));
    let matches = command.clone().try_get_matches();
    let cli = match matches.and_then(|matches| Cli::from_arg_matches(&matches)) {
        Ok(cli) => cli,
        Err(error) => {
            if error.use_stderr() {
                if filter::drains(std::env::args_os()) {
                    filter::drain();
                }
                let _ = error.print();
                observe::misused(&command, &error);
                return Exit::Settings.into();
            }
            error.exit()
        }
    };
    let result = match cli.command {
        Command::Sign(args) => Ok(sign::run(*args)),
        Command::Plan(args) => Ok(sign::plan(*args)),
        Command::Run(args) => Ok(job::run(&args)),
        Command::Filter(args) => Ok(filter::run(*args)),
        Command::Check(args) => Ok(check::run(*args)),
        Command::Rejects(args) => rejects::run(&args),
        Command::Report(args) => report_page::run(&args),
        Command::Verify(args) => verify::run(&args),
        Command::Explain(args) => explain::run(&args),
        Command::VerifyPostback(args) => verify_postback::run(&args),
        Command::Inspect(args) => inspect::run(&args),
        Command::Keygen(args) => key::keygen(&args),
        Command::Key(args) => key::show(&args),
        Command::Formats(args) => formats::run(&args),
        Command::Schema(args) => formats::schema(&args),
        Command::Template(args) => template::run(&args),
        Command::Bench(args) => bench::run(&args),
        Command::Man(args) => man::run(&args, command),
        Command::Completions(args) => completions::run(&args, command),
    };
    match result {
        Ok(exit) => exit.into(),
        Err(error) => {
            log::error(&error, None);
            Exit::from(&error).into()
        }
    }
}

/// Prints a text that somebody may read through a pager or `head`: a reader
/// that has seen enough is no error.
fn print(text: &str) -> Result<Exit, Error> {
    try_print(text).map(|_| Exit::Success)
}

/// The same; `false` where nobody reads any more.
fn try_print(text: &str) -> Result<bool, Error> {
    match io::stdout().write_all(text.as_bytes()) {
        Err(source) if source.kind() != io::ErrorKind::BrokenPipe => {
            Err(Error::Output(OutputError::Io {
                action: "write to",
                path: "standard output".into(),
                source,
            }))
        }
        written => Ok(written.is_ok()),
    }
}

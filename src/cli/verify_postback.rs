//! `verify-postback`: what devices report, held against Apple's keys.

use std::io::IsTerminal;
use std::path::{Path, PathBuf};

use campaign_signer::error::Error;
use campaign_signer::format::{Environment, Judgement};
use campaign_signer::key::PublicKey;
use campaign_signer::output::Target;
use campaign_signer::postback::{self, Check, Keys, Lines, Signed, Summary};
use campaign_signer::row::{Dialect, Input, Origin};
use campaign_signer::verify;
use clap::Args;

use super::args::FileFormat;
use super::exit::Exit;
use super::log::{self, LogMode};
use super::report::count;
use super::{postback_report, warn};

/// Verify postbacks; verdicts go to standard output, one line each.
#[derive(Args)]
#[command(
    after_help = "Verdicts: `valid`, signed with the key that it must be of, every signed value \
    as it was; `invalid`; `unverified`, of a version or a key that is not known or not supported; \
    `unreadable`, no postback, or one in an envelope. Each names the members that no signature \
    covers, and the line that had the same id before: such a duplicate is valid, and is counted \
    once. campaign-signer schema postback describes a line.\n\n\
    Exit codes: 0 all valid, duplicates included; 7 a postback is invalid or unreadable, or is \
    unverified without --allow-unverified"
)]
pub(crate) struct PostbackArgs {
    /// Postbacks as received, one a line, plain, gzip or zstd; `-` or none
    /// reads standard input
    #[arg(value_name = "INPUT")]
    inputs: Vec<PathBuf>,

    /// Where verdicts go; `-` is standard output
    #[arg(short, long, value_name = "FILE", default_value = "-")]
    output: PathBuf,

    /// Replace an output that exists
    #[arg(long)]
    force: bool,

    /// A signed file, or a folder that --out-dir made, once for each: say which
    /// campaign each postback comes from, and what became of each campaign.
    /// They are not verified here
    #[arg(long, value_name = "FILE")]
    signed: Vec<PathBuf>,

    /// A public key beside Apple's, for tests: what is right under it is valid
    /// in the environment `test`
    #[arg(long, value_name = "FILE")]
    public_key: Vec<PathBuf>,

    /// Only Apple's production key makes a postback valid
    #[arg(long, conflicts_with = "public_key")]
    production_only: bool,

    /// Exit with 0 where postbacks that cannot be verified are the only ones
    /// that are not valid
    #[arg(long)]
    allow_unverified: bool,

    /// Write the signed bytes into each verdict, in base64
    #[arg(long)]
    signed_bytes: bool,

    /// The longest line that is read, in bytes
    #[arg(long, value_name = "N", default_value_t = 1 << 20,
          value_parser = clap::value_parser!(u64).range(1..=1 << 30))]
    max_row_bytes: u64,

    /// The summary as one line of JSON
    #[arg(long)]
    json: bool,

    /// How many threads work [default: all cores]
    #[arg(short, long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1024))]
    jobs: Option<u16>,
}

/// Verifies postbacks.
pub(crate) fn run(args: &PostbackArgs) -> Result<Exit, Error> {
    if args.json {
        log::speak(LogMode::Json);
    }
    let (inputs, signed_inputs) = (inputs(args)?, signed_inputs(&args.signed)?);
    let all: Vec<&Input> = inputs.iter().chain(&signed_inputs).collect();
    let read_stdin = |input: &&&Input| matches!(input.origin, Origin::Stdin);
    if all.iter().filter(read_stdin).count() > 1 {
        return Err(Error::settings("standard input is named twice", ""));
    }
    let given: Result<Vec<PublicKey>, _> = args
        .public_key
        .iter()
        .map(|path| PublicKey::from_file(path))
        .collect();
    let keys = Keys::new(&given?)?;
    let target = match args.output.as_os_str() == "-" {
        true => Target::Stdout,
        false => Target::File(args.output.clone()),
    };
    let mut lines = Lines::create(target, &all, args.force)?;
    let result = verify_all(args, &inputs, &signed_inputs, &keys, &mut lines);
    let summary = match result {
        Ok(summary) => summary,
        Err(error) => {
            lines.abandon();
            return Err(error);
        }
    };
    lines.finish()?;
    match args.json {
        true => log::event("summary", &postback_report::as_json(&summary)),
        false => postback_report::print(&summary),
    }
    if let Some(made_up) = summary.environments.get(&Environment::Development) {
        let postbacks = count(*made_up, "valid postback");
        warn(format!(
            "{postbacks} from devices under development, which anybody can make; \
             --production-only refuses them"
        ));
    }
    if summary.lines == 0 {
        warn("there was no postback to verify");
    }
    let unverified = summary.count(Judgement::Unverified);
    let bad = summary.lines - summary.count(Judgement::Valid) - unverified;
    match bad > 0 || (unverified > 0 && !args.allow_unverified) {
        true => Ok(Exit::Verification),
        false => Ok(Exit::Success),
    }
}

fn verify_all(
    args: &PostbackArgs,
    inputs: &[Input],
    signed_inputs: &[Input],
    keys: &Keys,
    lines: &mut Lines,
) -> Result<Summary, Error> {
    let threads = args.jobs.map_or(0, usize::from);
    let signed = match args.signed.is_empty() {
        true => None,
        false => Some(Signed::read(signed_inputs, threads)?),
    };
    let check = Check {
        inputs,
        keys,
        signed: signed.as_ref(),
        production_only: args.production_only,
        signed_bytes: args.signed_bytes,
        max_line_bytes: usize::try_from(args.max_row_bytes).unwrap_or(usize::MAX),
        threads,
    };
    postback::run(&check, |verdict| lines.write(verdict))
}

fn inputs(args: &PostbackArgs) -> Result<Vec<Input>, Error> {
    if args.inputs.is_empty() {
        if std::io::stdin().is_terminal() {
            return Err(Error::settings(
                "no input: give a file, or pipe postbacks into standard input",
                "campaign-signer verify-postback --help",
            ));
        }
        return Ok(vec![input(Path::new("-"), Dialect::Ndjson)]);
    }
    let own = |path: &PathBuf| match FileFormat::of(path).and_then(|of| of.delimiter(None)) {
        None => Ok(input(path, Dialect::Ndjson)),
        Some(_) => Err(Error::settings(
            format!("{} is a table, and postbacks are JSON", path.display()),
            "write each postback as received to a line of its own",
        )),
    };
    args.inputs.iter().map(own).collect()
}

fn signed_inputs(paths: &[PathBuf]) -> Result<Vec<Input>, Error> {
    let mut all = Vec::new();
    for path in paths {
        if path.is_dir() {
            let path = path.join("_manifest.json");
            all.extend(verify::signed_files(&verify::read_manifest(&path)?, &path)?);
            continue;
        }
        let dialect = FileFormat::of(path).map_or(Ok(Dialect::Ndjson), |of| of.dialect(None))?;
        all.push(input(path, dialect));
    }
    Ok(all)
}

fn input(path: &Path, dialect: Dialect) -> Input {
    let origin = match path.as_os_str() == "-" {
        true => Origin::Stdin,
        false => Origin::File(path.to_owned()),
    };
    Input { origin, dialect }
}

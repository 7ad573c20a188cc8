//! `template`: a file to start from.

use campaign_signer::error::Error;
use campaign_signer::format::FORMATS;
use campaign_signer::template;
use clap::Args;

use super::args::find_format;
use super::exit::Exit;
use super::{job, print};

/// Print a starter file.
#[derive(Args)]
pub(crate) struct TemplateArgs {
    /// The format
    #[arg(value_name = "ID", required_unless_present = "job")]
    format: Option<String>,

    /// NDJSON instead of CSV
    #[arg(long)]
    ndjson: bool,

    /// A job file for `run` instead, with every key explained
    #[arg(long, conflicts_with = "ndjson")]
    job: bool,
}

/// Prints a starter file.
pub(crate) fn run(args: &TemplateArgs) -> Result<Exit, Error> {
    let format = match &args.format {
        Some(id) => find_format(id)?,
        None => FORMATS[0],
    };
    print(&if args.job {
        job::template(format)
    } else if args.ndjson {
        template::ndjson(format)
    } else {
        template::csv(format)
    })
}

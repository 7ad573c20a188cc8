//! `template`: a file to start from.

use campaign_signer::error::Error;
use campaign_signer::template;
use clap::Args;

use super::args::find_format;
use super::exit::Exit;
use super::print;

/// Print a starter file.
#[derive(Args)]
pub(crate) struct TemplateArgs {
    /// The format
    #[arg(value_name = "ID")]
    format: String,

    /// NDJSON instead of CSV
    #[arg(long)]
    ndjson: bool,
}

/// Prints a starter file.
pub(crate) fn run(args: &TemplateArgs) -> Result<Exit, Error> {
    let format = find_format(&args.format)?;
    print(&if args.ndjson {
        template::ndjson(format)
    } else {
        template::csv(format)
    })
}

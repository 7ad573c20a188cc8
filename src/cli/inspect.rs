//! `inspect`: what a token or a signed record holds.

use std::io::Read;

use campaign_signer::error::Error;
use campaign_signer::verify::inspect;
use clap::Args;

use super::exit::Exit;
use super::print;

/// Show a token or a signed record.
#[derive(Args)]
pub(crate) struct InspectArgs {
    /// A file, `-` for standard input, or the token itself
    #[arg(default_value = "-", value_name = "FILE|TOKEN")]
    what: String,

    /// Which line of a file to show
    #[arg(long, value_name = "N", default_value_t = 1,
          value_parser = clap::value_parser!(u64).range(1..))]
    line: u64,
}

/// Shows one token or record.
pub(crate) fn run(args: &InspectArgs) -> Result<Exit, Error> {
    let is_token = args.what.matches('.').count() == 2 && args.what.starts_with("ey");
    let text = if is_token {
        args.what.clone()
    } else {
        read_line(&args.what, args.line)?
    };
    match inspect(&text) {
        Ok(shown) => print(&shown),
        Err(why) => Err(Error::settings(
            format!("this is neither a compact JWS nor a signed record: {why}"),
            "",
        )),
    }
}

fn read_line(name: &str, line: u64) -> Result<String, Error> {
    let failed = |source| Error::Open {
        file: name.to_owned(),
        source,
    };
    let mut bytes = Vec::new();
    if name == "-" {
        std::io::stdin().read_to_end(&mut bytes)
    } else {
        std::fs::File::open(name).and_then(|mut file| file.read_to_end(&mut bytes))
    }
    .map_err(failed)?;
    let wanted = usize::try_from(line - 1).unwrap_or(usize::MAX);
    match bytes.split(|b| *b == b'\n').nth(wanted) {
        Some(line) => Ok(String::from_utf8_lossy(line).into_owned()),
        None => Err(Error::settings(format!("{name} has no line {line}"), "")),
    }
}

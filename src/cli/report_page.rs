//! `report`: a page of finished runs. How a run is told on standard error while
//! it is at work is another file's business.

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

use campaign_signer::error::Error;
use campaign_signer::output::{Staged, SystemDisk, Target, publish};
use campaign_signer::report::{Run, is_page, page};
use clap::Args;

use super::exit::Exit;
use super::print;
use super::values::moment;

/// Make a page of finished runs.
#[derive(Args)]
pub(crate) struct ReportArgs {
    /// Manifests of finished runs, or folders that --out-dir made
    #[arg(required = true, value_name = "MANIFEST")]
    manifests: Vec<PathBuf>,

    /// The page, one HTML file that needs no other; `-` is standard output. An
    /// older page is replaced
    #[arg(short, long, value_name = "FILE")]
    output: PathBuf,

    /// Say also what is left of the time to serve at this moment: now, RFC
    /// 3339, or milliseconds since 1970
    #[arg(long, value_name = "T")]
    at: Option<String>,

    /// Replace a file that is no such page
    #[arg(long)]
    force: bool,

    /// How many threads work [default: all cores]
    #[arg(short, long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1024))]
    jobs: Option<u16>,
}

/// How much of a file tells whether it is a page.
const BEGINNING: u64 = 512;

/// Writes the page.
pub(crate) fn run(args: &ReportArgs) -> Result<Exit, Error> {
    let at = match &args.at {
        Some(at) => Some(moment("--at", at)?),
        None => None,
    };
    let to_stdout = args.output.as_os_str() == "-";
    if !to_stdout && !args.force {
        refuse_other(&args.output)?;
    }
    let threads = args.jobs.map_or(0, usize::from);
    let runs = args.manifests.iter();
    let runs = runs
        .map(|path| Run::read(path, threads))
        .collect::<Result<Vec<Run>, Error>>()?;
    let page = page(&runs, at);
    if to_stdout {
        return print(&page);
    }
    let disk = SystemDisk;
    let mut staged = Staged::create(&disk, &Target::File(args.output.clone()))?;
    staged.write(page.as_bytes())?;
    staged.sync()?;
    publish(&disk, &args.output)?;
    Ok(Exit::Success)
}

/// A mistyped name must not cost anybody a night's work.
fn refuse_other(path: &Path) -> Result<(), Error> {
    let Ok(file) = File::open(path) else {
        // What cannot be replaced says so when it is written.
        return Ok(());
    };
    let mut beginning = Vec::new();
    let read = file.take(BEGINNING).read_to_end(&mut beginning);
    if read.is_ok() && is_page(&beginning) {
        return Ok(());
    }
    Err(Error::settings(
        format!(
            "{} is there, and is no page of this program",
            path.display()
        ),
        "give another -o, or --force to replace it",
    ))
}

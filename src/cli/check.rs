//! `check`: validates rows without a key.

use std::path::PathBuf;

use campaign_signer::error::Error;
use campaign_signer::output::Target;
use campaign_signer::pipeline::{self, Job, Outputs};
use clap::Args;

use super::args::RowArgs;
use super::exit::Exit;
use super::observe::{ObserveArgs, Observer};
use super::progress::Meter;
use super::{ended, log, report, signals};

/// Check rows; rejects go to standard output, or to a file.
#[derive(Args)]
pub(crate) struct CheckArgs {
    #[command(flatten)]
    rows: RowArgs,

    /// A file for the rejects instead: .csv or .tsv for a table under the
    /// input's own header, .ndjson, and .gz or .zst after it. Mended, it is an
    /// input again
    #[arg(long, value_name = "FILE")]
    rejects: Option<PathBuf>,

    /// Replace an existing rejects file
    #[arg(long, requires = "rejects")]
    force: bool,

    #[command(flatten)]
    observe: ObserveArgs,
}

/// Checks rows.
pub(crate) fn run(args: CheckArgs) -> Exit {
    log::speak(args.rows.log);
    let mut observer = Observer::begin("check");
    observer.watch(&args.observe, true, args.rows.progress);
    let stdout = args.rejects.is_none().then_some("the rejects");
    let result = observer
        .check(stdout)
        .and_then(|()| check(args, &mut observer));
    observer.end(result)
}

fn check(args: CheckArgs, observer: &mut Observer) -> Result<Exit, Error> {
    observer.plan(1);
    let stop = signals::stop()?;
    let mut settings = args.rows.settings(None)?;
    // No key is at hand to give its id, and none is needed to check rows.
    if settings.key_id.is_none() && settings.format.key.file_names().is_some() {
        settings.key_id = Some("unknown".into());
    }
    let mut outputs = Outputs {
        rejects: Some(Target::Stdout),
        force: args.force,
        ..Outputs::none()
    };
    if let Some(path) = &args.rejects {
        outputs.rejects = Some(Target::File(path.clone()));
        outputs.rejects_style = args.rows.rejects_style(path);
        let sources = args.rows.sources().into_iter();
        let mut sources: Vec<_> = sources.map(|path| ("an input", path)).collect();
        sources.extend(args.observe.sources());
        outputs.check(&sources)?;
    }
    let mut job = Job::new(settings, args.rows.inputs()?, outputs);
    job.stop = stop;
    job.publishers = args.rows.publishers(&job.stop)?;
    job.limits = args.rows.limits();
    job.threads = args.rows.threads();
    job.max_rejects = args.rows.max_rejects;
    let mut meter = Meter::new(args.rows.progress);
    let mut part = ended::checked(&job);
    let summary = pipeline::run(job, |event| meter.hear(event));
    meter.finish();
    let file = args.rejects.map(|path| path.display().to_string());
    part.files = file.iter().map(|file| ("rejects", file.clone())).collect();
    let result = match summary {
        Ok(summary) => {
            let exit = report::print_checked(&summary, file.as_deref());
            ended::finish(&mut part, &summary, exit);
            Ok(exit)
        }
        Err(error) => {
            ended::give_up(&mut part, &meter, &error);
            Err(error)
        }
    };
    observer.enter(part);
    result
}

//! `check`: validates rows without a key.

use campaign_signer::error::Error;
use campaign_signer::output::Target;
use campaign_signer::pipeline::{self, Job, Outputs};
use clap::Args;

use super::args::RowArgs;
use super::exit::Exit;
use super::progress::Meter;
use super::{log, report};

/// Check rows; rejects go to standard output.
#[derive(Args)]
pub(crate) struct CheckArgs {
    #[command(flatten)]
    rows: RowArgs,
}

/// Checks rows.
pub(crate) fn run(args: CheckArgs) -> Result<Exit, Error> {
    log::speak(args.rows.log);
    let mut settings = args.rows.settings(None)?;
    // No key is at hand to give its id, and none is needed to check rows.
    if settings.key_id.is_none() && settings.format.key.file_names().is_some() {
        settings.key_id = Some("unknown".into());
    }
    let outputs = Outputs {
        rejects: Some(Target::Stdout),
        ..Outputs::none()
    };
    let mut job = Job::new(settings, args.rows.inputs()?, outputs);
    job.publishers = args.rows.publishers(&job.stop)?;
    job.limits = args.rows.limits();
    job.threads = args.rows.threads();
    job.max_rejects = args.rows.max_rejects;
    let mut meter = Meter::new(args.rows.progress);
    let summary = pipeline::run(job, |event| meter.hear(event));
    meter.finish();
    Ok(report::print_checked(&summary?))
}

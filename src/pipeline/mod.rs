//! A run: rows in, signed records and rejects out, the manifest last.
//!
//! Batches are read in order, checked and signed by the workers, and written
//! in order. The run counts what went in and what came out, and publishes
//! nothing unless they agree. It must not know arguments or the terminal.

mod check;
mod inputs;
mod job;
mod ledger;
mod signer;
mod task;

use std::path::{Path, PathBuf};
use std::time::Instant;

use jiff::Timestamp;

use crate::envelope::Envelope;
use crate::error::Error;
use crate::format::Freshness;
use crate::output::{Target, check_targets};
use crate::parallel;
use crate::record::{Rules, Settings, UNPUBLISHED_TOLERANCE};
use crate::row::Origin;
use crate::signing_input::Recipes;
use crate::time::rfc3339;

use ledger::Ledger;

pub use job::{Job, MaxRejects, Outputs, Progress, SelfCheck, Summary};
pub use signer::{RowError, Signer};

/// Runs a job; `progress` is called after every few batches of work.
///
/// # Errors
/// When the run cannot go on; nothing is published then, and what stood under
/// the outputs' names still stands there.
pub fn run(job: Job, mut progress: impl FnMut(&Progress)) -> Result<Summary, Error> {
    let started = Timestamp::now();
    let clock = Instant::now();
    let rules =
        Rules::new(job.settings.clone()).map_err(|error| Error::Plan { file: None, error })?;
    check_clock(&job.settings, started)?;
    check_outputs(&job)?;
    let (mut inputs, reads_version) = inputs::Inputs::prepare(&job.inputs, &rules, job.limits)?;
    let format = rules.format();
    let layouts = rules.layouts(reads_version);
    let envelope = Envelope::new(
        job.outputs.style,
        format,
        &layouts,
        &rules.settings().keep,
        job.outputs.escape_formulas,
    );
    let recipes = Recipes::new(format);
    let pool = parallel::pool(job.threads).map_err(Error::Threads)?;
    let threads = pool.current_num_threads();

    let mut ledger = Ledger::open(&job, &envelope)?;
    let self_check = job.self_check;
    let signer = job.signer.as_ref();
    parallel::flow(
        &pool,
        || inputs.next(),
        |work| check::check(&work),
        task::cut,
        |task| {
            let task = task?;
            match signer {
                Some(signer) => task.sign(&recipes, signer, &envelope, self_check),
                None => Ok(task.skip()),
            }
        },
        |done| {
            ledger.enter(done?)?;
            progress(&ledger.progress);
            Ok(())
        },
    )?;
    let entries = inputs.entries;
    let mut summary = ledger.close(&entries)?;
    summary.elapsed = clock.elapsed();
    summary.threads = threads;
    summary.inputs = entries;
    ledger.publish(&job, &summary, started)?;
    Ok(summary)
}

/// The run's own timestamp must be one that may be signed now; the rows' own
/// times are compared with it, never with the clock, so that a repeated run
/// gives the same bytes.
fn check_clock(settings: &Settings, now: Timestamp) -> Result<(), Error> {
    let now = u64::try_from(now.as_millisecond()).unwrap_or(0);
    let stamped = settings.timestamp;
    let limit = match settings.format.freshness {
        Freshness::Documented { millis } => Some((millis, "its documented life is over")),
        Freshness::Unpublished => Some((
            UNPUBLISHED_TOLERANCE,
            "how long such a signature lives is not published",
        )),
        Freshness::Expiry | Freshness::Silent => None,
    };
    if stamped > now && !settings.allow_future {
        return Err(Error::settings(
            format!("the timestamp {} lies in the future", rfc3339(stamped)),
            "no vendor documents a tolerance; --allow-future signs it all the same",
        ));
    }
    if let Some((life, why)) = limit
        && stamped.saturating_add(life) < now
        && !settings.allow_stale
    {
        let id = settings.format.id;
        return Err(Error::settings(
            format!(
                "the timestamp {} is too old for {id}: {why}",
                rfc3339(stamped)
            ),
            "--allow-stale signs it all the same",
        ));
    }
    Ok(())
}

fn check_outputs(job: &Job) -> Result<(), Error> {
    let files: Vec<(&'static str, PathBuf)> = job
        .inputs
        .iter()
        .filter_map(|input| match &input.origin {
            Origin::File(path) => Some(("an input", path.clone())),
            Origin::Stdin => None,
        })
        .collect();
    let file = |target: &Option<Target>| match target {
        Some(Target::File(path)) => Some(path.clone()),
        _ => None,
    };
    let outputs = [
        ("the signed records", file(&job.outputs.signed)),
        ("the rejects", file(&job.outputs.rejects)),
        ("the manifest", job.outputs.manifest.clone()),
    ];
    let outputs: Vec<(&'static str, &Path)> = outputs
        .iter()
        .filter_map(|(name, path)| Some((*name, path.as_deref()?)))
        .collect();
    Ok(check_targets(&files, &outputs, job.outputs.force)?)
}

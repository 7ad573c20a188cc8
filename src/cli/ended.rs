//! What became of one output, as those who watch a run are told. It must not
//! know how they are told.

use std::collections::BTreeMap;

use campaign_signer::ending::Part;
use campaign_signer::error::Error;
use campaign_signer::output::Counts;
use campaign_signer::pipeline::{Job, Progress, Summary};

use super::exit::Exit;
use super::progress::Meter;

/// What becomes of a job that signs nothing, as far as that is known before it
/// runs.
pub(super) fn checked(job: &Job) -> Part {
    let ids: Vec<&str> = job.settings.formats().map(|all| all.format.id).collect();
    Part {
        format: ids.join(","),
        timestamp: job.settings.timestamp,
        ..Part::default()
    }
}

/// A part as a finished run leaves it.
pub(super) fn finish(part: &mut Part, summary: &Summary, exit: Exit) {
    part.exit_code = exit as u8;
    part.counts = summary.counts;
    part.rejected_by_code = Some(summary.rejected_by_code.clone());
    let mut notices = BTreeMap::new();
    for notice in summary.notices.iter() {
        *notices.entry(notice.code.clone().into_owned()).or_default() += notice.count;
    }
    part.notices = Some(notices);
    part.recomputed = summary.recomputed;
    part.was_finished = summary.was_finished;
    part.seconds = summary.elapsed.as_secs_f64();
}

/// A part as a run leaves it that could not go on.
pub(super) fn give_up(part: &mut Part, meter: &Meter, error: &Error) {
    let Progress {
        rows,
        rejected,
        records,
        ..
    } = meter.left.unwrap_or(meter.last);
    part.exit_code = Exit::from(error) as u8;
    part.counts = Counts {
        rows,
        signed: rows.saturating_sub(rejected),
        rejected,
        records,
    };
    part.seconds = meter.elapsed().as_secs_f64();
}

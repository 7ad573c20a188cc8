//! A few rows of a job, spread over its inputs and signed for a person to look
//! at. Every signature is verified right after it is made.

use std::sync::Arc;

use crate::engine::Check;
use crate::error::Error;
use crate::output::Compression;

use super::check::{Checked, check};
use super::inputs::Inputs;
use super::job::Job;
use super::partition::Partitioner;
use super::reject_form::RejectForm;
use super::task::Task;
use super::trace::Trace;
use super::{names, press, printers, together};

/// A row and what it becomes.
#[derive(Clone, Debug)]
pub struct Sample {
    /// The input's name.
    pub file: String,
    /// The row's first line in it, from 1.
    pub line: u64,
    /// The row as it stands there.
    pub row: Vec<u8>,
    /// Of how many records these are the row's.
    pub of: u64,
    /// One record of each format, or one object of all: the lines as the run
    /// would write them.
    pub lines: Vec<u8>,
}

/// Signs `count` of the job's `good` rows, evenly spread; each once for every
/// format, for one of the publishers that it meets.
///
/// # Errors
/// As [`run`](super::run); and when a signature does not verify.
pub fn sample(mut job: Job, good: u64, count: u64) -> Result<Vec<Sample>, Error> {
    let Some(signer) = job.signer.take() else {
        return Ok(Vec::new());
    };
    (job.self_check, job.outputs.folder) = (Check::All, None);
    let rules = job.rules()?;
    let (mut inputs, reads_version) = Inputs::prepare(&job.inputs, &rules, job.limits, &job.stop)?;
    let formats = printers(&rules, &reads_version, &job.outputs);
    let (together, names) = (together(&rules), names(&job));
    let partitioner = Partitioner::new(&[], &job.settings)?;
    let mut press = press(
        &job,
        &signer,
        (&formats, together.as_ref()),
        &names,
        partitioner.as_ref(),
    );
    press.compression = Compression::None;
    let joined = together.as_ref().map_or(1, |_| formats.len());
    let count = count.min(good);
    // The middle of each of as many stretches of equal length.
    let mut wanted = (0..count).map(|nth| (nth, (2 * nth + 1) * good / (2 * count)));
    let mut next = wanted.next();
    let (memory, mut seen) = (Arc::default(), 0);
    let mut samples = Vec::new();
    while let (Some(_), Some(work)) = (next, inputs.next()?) {
        let Checked { records, .. } =
            check(&work, &RejectForm::lines(), &memory, &Trace::default())?;
        let rows = records.first().map_or(0, |records| records.len());
        let records = Arc::new(records);
        while let Some((nth, ordinal)) = next
            && ordinal < seen + rows as u64
        {
            let row = (ordinal - seen) as usize;
            let number = records[0].get(row).number();
            let mut lines = Vec::new();
            let (tasks, of) = Task::some(&records, joined, row, (nth, count));
            for task in tasks {
                lines.extend_from_slice(&task.sign(&press, &Trace::default())?.lines);
            }
            let mut spans = work.batch.rows.iter();
            let span = spans.find(|span| span.position.record == number);
            let raw = span.and_then(|span| work.batch.text(span));
            samples.push(Sample {
                file: work.input.name.clone(),
                line: span.map_or(0, |span| span.position.line),
                row: raw.unwrap_or_default().to_vec(),
                of,
                lines,
            });
            next = wanted.next();
        }
        seen += rows as u64;
    }
    Ok(samples)
}

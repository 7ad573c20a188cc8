//! A short measured burst: how fast a job would go, and how much it would
//! write. Nothing of it is kept.

use std::time::{Duration, Instant};

use crate::error::Error;

use super::job::{Event, Job, Outputs, Progress};
use super::run;

/// What a burst has done.
#[derive(Clone, Copy, Debug, Default)]
pub struct Burst {
    /// Rows finished.
    pub rows: u64,
    /// Records signed.
    pub records: u64,
    /// Bytes of their lines, before any compression.
    pub bytes: u64,
    /// From the first row on.
    pub elapsed: Duration,
    /// How many workers there were.
    pub threads: usize,
}

/// Signs rows of a job from the first one on, for so long or to their end,
/// and writes nothing.
///
/// # Errors
/// As [`run`]; a burst that is told to stop ends as a run does.
pub fn burst(mut job: Job, time: Duration) -> Result<Burst, Error> {
    job.outputs = Outputs {
        style: job.outputs.style,
        ..Outputs::none()
    };
    (job.resume, job.expect_rows, job.max_rejects) = (false, None, None);
    let asked = std::mem::take(&mut job.stop);
    let stop = job.stop.clone();
    let mut done = Burst::default();
    let mut started = Instant::now();
    let result = run(job, |event| match event {
        Event::Begun(begun) => {
            done.threads = begun.threads;
            started = Instant::now();
        }
        Event::Progress(&Progress {
            rows,
            records,
            written,
            ..
        }) => {
            (done.rows, done.records, done.bytes) = (rows, records, written);
            done.elapsed = started.elapsed();
            if done.elapsed >= time || asked.is_requested() {
                stop.request();
            }
        }
        _ => {}
    });
    match result {
        Err(Error::Interrupted { .. }) if !asked.is_requested() => Ok(done),
        Err(error) => Err(error),
        Ok(_) => Ok(done),
    }
}

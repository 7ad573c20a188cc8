//! How a run ended, for machines: one line of JSON, or metrics for Prometheus.
//!
//! What is told here is small, stable and holds no secret. It must not know
//! arguments, the terminal, the clock, or how a run comes to its end.

mod metrics;
mod summary;

use std::collections::BTreeMap;

use crate::format::Code;
use crate::output::Counts;

pub use metrics::{MetricsError, write_metrics};
pub use summary::MOST_BYTES;

/// What became of one call of the program.
#[derive(Clone, Debug)]
pub struct Ending {
    /// What was called: `sign`, `run`, `check` and so on.
    pub command: String,
    /// The exit code.
    pub exit_code: u8,
    /// When it was over, in milliseconds since 1970.
    pub time: u64,
    /// How long it took, in seconds, everything before row one included.
    pub seconds: f64,
    /// The outputs that were begun, in their order; of a job of several, those
    /// after a failed one are not there.
    pub parts: Vec<Part>,
    /// How many outputs there are to be; 0 where it was over before that was
    /// known.
    pub planned: usize,
    /// What stopped it.
    pub failure: Option<Failure>,
}

/// What became of one output, or of one input that was only checked.
#[derive(Clone, Debug, Default)]
pub struct Part {
    /// Its name in the job.
    pub name: Option<String>,
    /// Its own exit code.
    pub exit_code: u8,
    /// The formats' ids, with commas between.
    pub format: String,
    /// The job's id; empty where nothing is signed.
    pub job_id: String,
    /// The run's timestamp in milliseconds since 1970.
    pub timestamp: u64,
    /// What became of the rows. Where nothing was signed, but could be, these
    /// are the rows that would be signed.
    pub counts: Counts,
    /// Whether these were signed.
    pub signs: bool,
    /// Rejected rows by the code of their first problem; not known of a run
    /// that failed.
    pub rejected_by_code: Option<BTreeMap<Code, u64>>,
    /// Legal values a person should know of: code to count; not known of a run
    /// that failed.
    pub notices: Option<BTreeMap<String, u64>>,
    /// How many signatures came out wrong and were computed anew.
    pub recomputed: u64,
    /// Whether it went on with an earlier attempt.
    pub resumed: bool,
    /// Whether it was finished before: nothing was signed now.
    pub was_finished: bool,
    /// How long it took, in seconds; of a resumed run the last attempt alone.
    pub seconds: f64,
    /// What was written (`output`, `rejects`, `manifest`), and the file's name.
    pub files: Vec<(&'static str, String)>,
}

/// What stopped a run, in the words that a person was told.
#[derive(Clone, Debug)]
pub struct Failure {
    /// What is wrong, and where.
    pub message: String,
    /// What to type to mend it.
    pub hint: Option<String>,
    /// The command that goes on with the run.
    pub resume: Option<String>,
}

impl Part {
    /// Rows and records as a manifest counts them: nothing that would be signed
    /// is among them.
    fn counts(&self) -> Counts {
        match self.signs {
            true => self.counts,
            false => Counts {
                signed: 0,
                records: 0,
                ..self.counts
            },
        }
    }
}

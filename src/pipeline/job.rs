//! What a run is given, and what it gives back.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use crate::envelope::Style;
use crate::format::Code;
use crate::output::{Counts, InputEntry, Target};
use crate::record::{Settings, Tally};
use crate::row::{Input, Limits};

use super::signer::Signer;

/// Everything a run is given.
pub struct Job {
    /// What a row becomes.
    pub settings: Settings,
    /// The inputs in their order.
    pub inputs: Vec<Input>,
    /// How long rows may be.
    pub limits: Limits,
    /// The key at work; without one, rows are only checked.
    pub signer: Option<Signer>,
    /// Where everything goes.
    pub outputs: Outputs,
    /// The job's id.
    pub job_id: String,
    /// How many workers; 0 means as many as the machine has.
    pub threads: usize,
    /// How much of each batch is verified before it is written.
    pub self_check: SelfCheck,
    /// How many rejects are tolerated.
    pub max_rejects: Option<MaxRejects>,
}

/// Where a run's outputs go.
#[derive(Clone, Debug)]
pub struct Outputs {
    /// The signed records; nowhere where rows are only checked.
    pub signed: Option<Target>,
    /// The rejects.
    pub rejects: Option<Target>,
    /// The manifest.
    pub manifest: Option<PathBuf>,
    /// How signed records are written.
    pub style: Style,
    /// Kept text that a spreadsheet would run is written with a `'` before it.
    pub escape_formulas: bool,
    /// Existing files are replaced.
    pub force: bool,
}

/// How much of each batch is verified before it is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SelfCheck {
    /// Every signature.
    All,
    /// The first signature of each batch: finds a broken build or processor,
    /// not a single flipped bit.
    Batch,
    /// None.
    Off,
}

/// How many rejected rows are tolerated.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum MaxRejects {
    /// This share of all rows, in percent; counts from the thousandth row on,
    /// and at the end.
    Percent(f64),
    /// This many.
    Rows(u64),
}

/// How far a run is.
#[derive(Clone, Copy, Debug, Default)]
pub struct Progress {
    /// Rows finished: signed or rejected.
    pub rows: u64,
    /// Rows rejected.
    pub rejected: u64,
    /// Records signed.
    pub records: u64,
    /// Bytes of rows finished.
    pub bytes: u64,
    /// Bytes of all inputs, where they are files.
    pub total_bytes: Option<u64>,
}

/// A finished run.
#[derive(Debug)]
pub struct Summary {
    /// What became of the rows.
    pub counts: Counts,
    /// Rejected rows by the code of their first problem.
    pub rejected_by_code: BTreeMap<Code, u64>,
    /// The first reject in words.
    pub first_reject: Option<String>,
    /// Legal values a person should know of.
    pub notices: Tally,
    /// The inputs.
    pub inputs: Vec<InputEntry>,
    /// How long it took.
    pub elapsed: Duration,
    /// How many workers there were.
    pub threads: usize,
    /// Whether the rejects are within what was tolerated.
    pub within_limit: bool,
}

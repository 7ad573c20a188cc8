//! What a run is given, and what it gives back.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::envelope::Style;
use crate::format::Code;
use crate::output::{Counts, InputEntry, Target};
use crate::record::{Settings, Tally};
use crate::row::{Input, Limits};
use crate::terms::Terms;

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

impl Job {
    /// A job that checks its rows on all cores; with a signer it signs them.
    pub fn new(settings: Settings, inputs: Vec<Input>, outputs: Outputs) -> Self {
        Self {
            settings,
            inputs,
            limits: Limits::default(),
            signer: None,
            outputs,
            job_id: String::new(),
            threads: 0,
            self_check: SelfCheck::Batch,
            max_rejects: None,
        }
    }

    /// The same job with a key at work under this id.
    #[must_use]
    pub fn signed_by(mut self, signer: Signer, job_id: impl Into<String>) -> Self {
        self.signer = Some(signer);
        self.job_id = job_id.into();
        self
    }

    /// Everything that decides the job's bytes beside its inputs, its key,
    /// its id and its timestamp.
    pub fn terms(&self) -> Terms {
        Terms::new(
            &self.settings,
            self.limits.row_bytes,
            self.inputs.iter().map(|input| input.dialect),
            self.outputs.style,
            self.outputs.escape_formulas,
        )
    }
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

impl Outputs {
    /// The signed records in this file; the rejects beside it under its name
    /// without its extension and `.rejects.ndjson`, the manifest under its
    /// name and `.manifest.json`.
    pub fn beside(signed: &Path, style: Style) -> Self {
        let ending = |path: &Path, ending: &str| {
            let mut name = path.as_os_str().to_owned();
            name.push(ending);
            PathBuf::from(name)
        };
        let rejects = ending(&signed.with_extension(""), ".rejects.ndjson");
        Self {
            signed: Some(Target::File(signed.to_owned())),
            rejects: Some(Target::File(rejects)),
            manifest: Some(ending(signed, ".manifest.json")),
            style,
            ..Self::none()
        }
    }

    /// Nothing is written.
    pub fn none() -> Self {
        Self {
            signed: None,
            rejects: None,
            manifest: None,
            style: Style::Ndjson,
            escape_formulas: true,
            force: false,
        }
    }
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

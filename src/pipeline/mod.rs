//! A run: rows in, signed records and rejects out, the manifest last.
//!
//! Batches are read in order, checked and signed by the workers, and written
//! in order. The run counts what went in and what came out, and publishes
//! nothing unless they agree. It must not know arguments or the terminal.

mod batch;
mod inputs;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use jiff::Timestamp;

use crate::engine::Engine;
use crate::envelope::{Envelope, Style};
use crate::error::Error;
use crate::format::{Code, Freshness};
use crate::output::{
    Counts, FileEntry, InputEntry, KeyEntry, Manifest, RunEntry, Staged, Target, ToolEntry,
    check_targets,
};
use crate::parallel;
use crate::record::{Rules, Settings, Tally};
use crate::row::{Input, Limits, Origin};
use crate::signing_input::Recipes;
use crate::stamp::Stamps;
use crate::time::rfc3339;

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

/// A key at work.
pub struct Signer {
    /// Signs.
    pub engine: Box<dyn Engine>,
    /// Derives nonces; none where the format has none.
    pub stamps: Option<Stamps>,
    /// The key, by what is public of it.
    pub key: KeyEntry,
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

/// The rows a percentage waits for before it stops a run.
const PERCENT_SAMPLE: u64 = 1000;

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
        |work| batch::check(&work),
        batch::cut,
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
            crate::record::UNPUBLISHED_TOLERANCE,
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
    let files: Vec<PathBuf> = job
        .inputs
        .iter()
        .filter_map(|input| match &input.origin {
            Origin::File(path) => Some(path.clone()),
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

/// The books of a run: what was written and counted so far.
struct Ledger {
    signed: Staged,
    rejects: Option<Staged>,
    counts: Counts,
    by_code: BTreeMap<Code, u64>,
    notices: Tally,
    first_reject: Option<String>,
    max_rejects: Option<MaxRejects>,
    progress: Progress,
}

impl Ledger {
    fn open(job: &Job, envelope: &Envelope) -> Result<Self, Error> {
        let create = |target: &Option<Target>| match target {
            Some(target) => Staged::create(target).map(Some),
            None => Ok(None),
        };
        let mut signed = create(&job.outputs.signed)?.unwrap_or_else(Staged::nowhere);
        signed.write(&envelope.header())?;
        let rejects = create(&job.outputs.rejects)?;
        let checks_only = job.signer.is_none();
        Ok(Self {
            signed,
            rejects: if checks_only && rejects.is_none() {
                Some(Staged::nowhere())
            } else {
                rejects
            },
            counts: Counts::default(),
            by_code: BTreeMap::new(),
            notices: Tally::default(),
            first_reject: None,
            max_rejects: job.max_rejects,
            progress: Progress {
                total_bytes: job.inputs.iter().map(Input::size).sum(),
                ..Progress::default()
            },
        })
    }

    /// Enters finished work: rejects first, then records.
    fn enter(&mut self, done: batch::Done) -> Result<(), Error> {
        if let Some(batch) = &done.batch {
            self.notices.merge(&batch.notices);
            for (code, count) in &batch.by_code {
                *self.by_code.entry(*code).or_default() += count;
            }
            self.counts.rejected += batch.rejected;
            if self.first_reject.is_none() {
                self.first_reject.clone_from(&batch.first_reject);
            }
            if batch.rejected > 0 {
                match &mut self.rejects {
                    Some(rejects) => rejects.write(&batch.rejects)?,
                    None => {
                        let first = self.first_reject.clone().unwrap_or_default();
                        return Err(Error::RejectWithoutFile { first });
                    }
                }
            }
            self.progress.bytes += batch.input_bytes;
        }
        self.signed.write(&done.lines)?;
        self.counts.signed += done.rows;
        self.counts.records += done.records;
        self.counts.rows = self.counts.signed + self.counts.rejected;
        self.progress.rows = self.counts.rows;
        self.progress.rejected = self.counts.rejected;
        self.progress.records = self.counts.records;
        self.check_limit(false)
    }

    fn within_limit(&self, at_end: bool) -> bool {
        let Counts { rows, rejected, .. } = self.counts;
        match self.max_rejects {
            None => rejected == 0 || !at_end,
            Some(MaxRejects::Rows(limit)) => rejected <= limit,
            Some(MaxRejects::Percent(limit)) => {
                (rows < PERCENT_SAMPLE && !at_end) || rejected as f64 * 100.0 <= limit * rows as f64
            }
        }
    }

    fn check_limit(&self, at_end: bool) -> Result<(), Error> {
        let limit = match self.max_rejects {
            None => return Ok(()),
            Some(MaxRejects::Rows(limit)) => limit.to_string(),
            Some(MaxRejects::Percent(limit)) => format!("{limit} %"),
        };
        if self.within_limit(at_end) {
            return Ok(());
        }
        Err(Error::TooManyRejects {
            rejected: self.counts.rejected,
            rows: self.counts.rows,
            limit,
            first: self.first_reject.clone().unwrap_or_default(),
        })
    }

    /// Compares what the readers counted with what was entered.
    fn close(&mut self, entries: &[InputEntry]) -> Result<Summary, Error> {
        self.check_limit(true)?;
        let read = entries.iter().map(|entry| entry.rows).sum();
        let Counts {
            signed, rejected, ..
        } = self.counts;
        let by_code: u64 = self.by_code.values().sum();
        if read != signed + rejected || by_code != rejected {
            return Err(Error::Accounting {
                read,
                signed,
                rejected,
            });
        }
        Ok(Summary {
            counts: self.counts,
            rejected_by_code: self.by_code.clone(),
            first_reject: self.first_reject.clone(),
            notices: self.notices.clone(),
            inputs: Vec::new(),
            elapsed: Duration::ZERO,
            threads: 0,
            within_limit: self.within_limit(true),
        })
    }

    /// Makes everything durable, then visible, the manifest last.
    fn publish(mut self, job: &Job, summary: &Summary, started: Timestamp) -> Result<(), Error> {
        self.signed.sync()?;
        if let Some(rejects) = &mut self.rejects {
            rejects.sync()?;
        }
        let manifest = match (&job.outputs.manifest, &job.signer) {
            (Some(path), Some(signer)) => {
                let manifest = self.manifest(job, signer, summary, started);
                let mut staged = Staged::create(&Target::File(path.clone()))?;
                staged.write(&manifest.to_json())?;
                staged.sync()?;
                Some(staged)
            }
            _ => None,
        };
        self.signed.publish()?;
        if let Some(rejects) = self.rejects {
            rejects.publish()?;
        }
        if let Some(manifest) = manifest {
            manifest.publish()?;
        }
        Ok(())
    }

    fn manifest(
        &self,
        job: &Job,
        signer: &Signer,
        summary: &Summary,
        started: Timestamp,
    ) -> Manifest {
        let settings = &job.settings;
        let entry = |target: &Option<Target>, staged: Option<&Staged>, records: u64| {
            let (bytes, sha256) = staged.map(Staged::summary).unwrap_or_default();
            FileEntry {
                path: target.as_ref().map(Target::name).unwrap_or_default(),
                bytes,
                sha256,
                records,
            }
        };
        let seconds = summary.elapsed.as_secs_f64();
        let mut notices = BTreeMap::new();
        for (notice, _, count) in summary.notices.iter() {
            *notices.entry(notice.code.to_owned()).or_default() += count;
        }
        Manifest {
            manifest_version: 1,
            tool: ToolEntry {
                name: env!("CARGO_PKG_NAME").into(),
                version: env!("CARGO_PKG_VERSION").into(),
            },
            format: settings.format.id.into(),
            key: signer.key.clone(),
            job_id: job.job_id.clone(),
            timestamp: settings.timestamp,
            timestamp_rfc3339: rfc3339(settings.timestamp),
            inputs: summary.inputs.clone(),
            signed: entry(
                &job.outputs.signed,
                Some(&self.signed),
                summary.counts.records,
            ),
            rejects: entry(
                &job.outputs.rejects,
                self.rejects.as_ref(),
                summary.counts.rejected,
            ),
            counts: summary.counts,
            rejected_by_code: summary
                .rejected_by_code
                .iter()
                .map(|(code, count)| (code.as_str().to_owned(), *count))
                .collect(),
            notices,
            run: RunEntry {
                engine: signer.engine.name().into(),
                threads: summary.threads,
                started: started.to_string(),
                seconds,
                rows_per_second: summary.counts.rows as f64 / seconds.max(1e-9),
            },
        }
    }
}

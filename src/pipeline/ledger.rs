//! The books of a run: what was written and counted, and whether it agrees.

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::Timestamp;

use crate::envelope::Envelope;
use crate::error::Error;
use crate::format::Code;
use crate::output::{Counts, FileEntry, InputEntry, Manifest, RunEntry, Staged, Target, ToolEntry};
use crate::record::Tally;
use crate::row::Input;
use crate::time::rfc3339;

use super::job::{Job, MaxRejects, Progress, Summary};
use super::signer::Signer;
use super::task::Done;

/// The rows a percentage waits for before it stops a run.
const PERCENT_SAMPLE: u64 = 1000;

/// The books of a run: what was written and counted so far.
pub(super) struct Ledger {
    signed: Staged,
    rejects: Option<Staged>,
    manifest: Option<Staged>,
    counts: Counts,
    by_code: BTreeMap<Code, u64>,
    notices: Tally,
    first_reject: Option<String>,
    max_rejects: Option<MaxRejects>,
    pub(super) progress: Progress,
}

impl Ledger {
    pub(super) fn open(job: &Job, envelope: &Envelope) -> Result<Self, Error> {
        let create = |target: &Option<Target>| match target {
            Some(target) => Staged::create(target).map(Some),
            None => Ok(None),
        };
        let mut signed = create(&job.outputs.signed)?.unwrap_or_else(Staged::nowhere);
        signed.write(&envelope.header())?;
        let rejects = create(&job.outputs.rejects)?;
        // Written last, but made now: a folder that takes no file is better
        // known before the night's work than after it.
        let manifest = create(&job.outputs.manifest.clone().map(Target::File))?;
        let checks_only = job.signer.is_none();
        Ok(Self {
            signed,
            rejects: if checks_only && rejects.is_none() {
                Some(Staged::nowhere())
            } else {
                rejects
            },
            manifest,
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
    pub(super) fn enter(&mut self, done: Done) -> Result<(), Error> {
        if let Some(batch) = &done.report {
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
    pub(super) fn close(&mut self, entries: &[InputEntry]) -> Result<Summary, Error> {
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
    pub(super) fn publish(
        mut self,
        job: &Job,
        summary: &Summary,
        started: Timestamp,
    ) -> Result<(), Error> {
        self.signed.sync()?;
        if let Some(rejects) = &mut self.rejects {
            rejects.sync()?;
        }
        let mut manifest = self.manifest.take();
        if let (Some(staged), Some(signer)) = (&mut manifest, &job.signer) {
            staged.write(&self.describe(job, signer, summary, started).to_json())?;
            staged.sync()?;
        }
        self.signed.publish()?;
        if let Some(rejects) = self.rejects {
            rejects.publish()?;
        }
        if let Some(manifest) = manifest {
            manifest.publish()?;
        }
        Ok(())
    }

    fn describe(
        &self,
        job: &Job,
        signer: &Signer,
        summary: &Summary,
        started: Timestamp,
    ) -> Manifest {
        let settings = &job.settings;
        let terms = job.terms();
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
            settings_sha256: terms.sha256(),
            settings: terms,
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

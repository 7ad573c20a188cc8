//! The books of a run: what was counted, and whether it agrees.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::damage::Damage;
use crate::error::Error;
use crate::format::Code;
use crate::output::{Checkpoint, Counts, DamageEntry, InputEntry, MadeEntry, NoticeEntry};
use crate::record::{Counted, Damaged, Damages, Tally};

use super::check::Report;
use super::job::{MaxRejects, Summary};
use super::pace::Pace;
use super::rows::SignedRows;

/// The rows a percentage waits for before it stops a run.
const PERCENT_SAMPLE: u64 = 1000;

/// How many batches with wrong signatures a run goes on after. A bit may flip
/// anywhere once; a machine that does it again is not to be signed on.
const WRONG_BATCHES: u64 = 2;

/// What was counted so far.
#[derive(Clone, Default)]
pub(crate) struct Books {
    pub(super) counts: Counts,
    pub(super) by_code: BTreeMap<Code, u64>,
    pub(super) notices: Tally,
    pub(super) damages: Damages,
    /// What was signed of each format under each key, where there are several.
    pub(super) made: Vec<MadeEntry>,
    pub(super) first_reject: Option<String>,
    pub(super) max_rejects: Option<MaxRejects>,
    /// How many signatures came out wrong and were computed anew.
    pub(super) recomputed: u64,
    /// How far the run was when.
    pub(super) pace: Pace,
    /// In how many batches, of this attempt.
    wrong_batches: u64,
}

impl Books {
    /// Books for rows of which so many may be rejected.
    pub(crate) fn tolerating(max_rejects: Option<MaxRejects>) -> Self {
        Self {
            max_rejects,
            ..Self::default()
        }
    }

    /// Enters rows that were signed together.
    ///
    /// # Errors
    /// When more are rejected than is tolerated, or the machine miscalculates.
    pub(crate) fn enter_rows(&mut self, rows: u64, signed: &SignedRows) -> Result<(), Error> {
        let report = &signed.report;
        let good = rows.saturating_sub(report.rejected);
        self.enter(Some(report), good, signed.records)?;
        self.enter_recomputed(signed.recomputed)
    }

    /// Compares what was read with what was entered, at the end of a stream of
    /// `rows` rows, and gives what there is to say of it.
    ///
    /// # Errors
    /// When it does not agree, or too many rows were rejected.
    pub(crate) fn close_rows(&self, rows: u64) -> Result<Summary, Error> {
        let read = InputEntry {
            path: "-".into(),
            bytes: 0,
            sha256: String::new(),
            rows,
        };
        self.close(std::slice::from_ref(&read), None)?;
        Ok(self.summary(&[]))
    }

    /// The books as a checkpoint has them; `None` where it counts rejects by a
    /// code, or a kind of damage, that this build does not know.
    pub(super) fn of(checkpoint: &Checkpoint) -> Option<Self> {
        let mut books = Self {
            counts: checkpoint.counts,
            first_reject: checkpoint.first_reject.clone(),
            recomputed: checkpoint.recomputed,
            made: checkpoint.made.clone(),
            pace: Pace::of(&checkpoint.pace),
            ..Self::default()
        };
        for (code, count) in &checkpoint.rejected_by_code {
            books.by_code.insert(Code::find(code)?, *count);
        }
        for entry in &checkpoint.damage {
            books.damages.enter(damaged(entry)?);
        }
        for notice in &checkpoint.notices {
            books.notices.enter(Counted {
                code: notice.code.clone().into(),
                field: notice.field.clone().into(),
                says: notice.says.clone().into(),
                count: notice.count,
            });
        }
        Some(books)
    }

    /// Writes the books into a checkpoint.
    pub(super) fn write(&self, checkpoint: &mut Checkpoint) {
        checkpoint.counts = self.counts;
        checkpoint.rejected_by_code = self.rejected_by_code();
        checkpoint.notices = self
            .notices
            .iter()
            .map(|notice| NoticeEntry {
                code: notice.code.clone().into_owned(),
                field: notice.field.clone().into_owned(),
                says: notice.says.clone().into_owned(),
                count: notice.count,
            })
            .collect();
        checkpoint.damage = damage_entries(&self.damages);
        checkpoint.first_reject.clone_from(&self.first_reject);
        checkpoint.recomputed = self.recomputed;
        checkpoint.made.clone_from(&self.made);
        checkpoint.pace = self.pace.points().to_vec();
    }

    /// Rejected rows by the name of their code.
    pub(super) fn rejected_by_code(&self) -> BTreeMap<String, u64> {
        let entry = |(code, count): (&Code, &u64)| (code.as_str().to_owned(), *count);
        self.by_code.iter().map(entry).collect()
    }

    /// Enters how many records of a format a key has signed, or would.
    pub(super) fn enter_made(&mut self, made: Vec<MadeEntry>) {
        for entry in made {
            let same =
                |known: &&mut MadeEntry| (&known.format, &known.key) == (&entry.format, &entry.key);
            match self.made.iter_mut().find(same) {
                Some(known) => known.records += entry.records,
                None => self.made.push(entry),
            }
        }
    }

    /// Enters signatures that came out wrong and were computed anew.
    pub(super) fn enter_recomputed(&mut self, recomputed: u64) -> Result<(), Error> {
        self.recomputed += recomputed;
        self.wrong_batches += u64::from(recomputed > 0);
        if self.wrong_batches > WRONG_BATCHES {
            let (signatures, batches) = (self.recomputed, self.wrong_batches);
            return Err(Error::Miscalculates {
                signatures,
                batches,
            });
        }
        Ok(())
    }

    /// Enters finished work; nothing is entered where it would pass the limit,
    /// so that a resume with a larger one finds the books as they were.
    pub(super) fn enter(
        &mut self,
        report: Option<&Report>,
        rows: u64,
        records: u64,
    ) -> Result<(), Error> {
        let mut counts = self.counts;
        counts.signed += rows;
        counts.records += records;
        counts.rejected += report.map_or(0, |report| report.rejected);
        counts.rows = counts.signed + counts.rejected;
        let first = || report.and_then(|report| report.first_reject.clone());
        self.check_limit(counts, false, first)?;
        self.counts = counts;
        if let Some(report) = report {
            self.notices.merge(&report.notices);
            self.damages.merge(&report.damages);
            for (code, count) in &report.by_code {
                *self.by_code.entry(*code).or_default() += count;
            }
            if self.first_reject.is_none() {
                self.first_reject = first();
            }
        }
        Ok(())
    }

    /// Whether the rejects are within what is tolerated.
    fn is_within(&self, counts: Counts, at_end: bool) -> bool {
        let Counts { rows, rejected, .. } = counts;
        match self.max_rejects {
            None => rejected == 0 || !at_end,
            Some(MaxRejects::Rows(limit)) => rejected <= limit,
            Some(MaxRejects::Percent(limit)) => {
                (rows < PERCENT_SAMPLE && !at_end) || rejected as f64 * 100.0 <= limit * rows as f64
            }
        }
    }

    fn check_limit(
        &self,
        counts: Counts,
        at_end: bool,
        first: impl FnOnce() -> Option<String>,
    ) -> Result<(), Error> {
        let limit = match self.max_rejects {
            None => return Ok(()),
            Some(MaxRejects::Rows(limit)) => limit.to_string(),
            Some(MaxRejects::Percent(limit)) => format!("{limit} %"),
        };
        if self.is_within(counts, at_end) {
            return Ok(());
        }
        Err(Error::TooManyRejects {
            rejected: counts.rejected,
            rows: counts.rows,
            limit,
            first: self.first_reject.clone().or_else(first).unwrap_or_default(),
        })
    }

    /// What these books say of a run over these inputs, all of it done by one
    /// attempt; how long it took, they do not know.
    pub(super) fn summary(&self, inputs: &[InputEntry]) -> Summary {
        Summary {
            counts: self.counts,
            rejected_by_code: self.by_code.clone(),
            first_reject: self.first_reject.clone(),
            notices: self.notices.clone(),
            damages: self.damages.clone(),
            inputs: inputs.to_vec(),
            rows_now: self.counts.rows,
            recomputed: self.recomputed,
            made: self.made(),
            elapsed: Duration::ZERO,
            threads: 0,
            within_limit: self.is_within(self.counts, true),
            was_finished: false,
        }
    }

    /// What was signed, in an order of its own.
    pub(super) fn made(&self) -> Vec<MadeEntry> {
        let mut made = self.made.clone();
        made.sort_by(|a, b| (&a.format, &a.key).cmp(&(&b.format, &b.key)));
        made
    }

    /// Compares what the readers counted with what was entered.
    pub(super) fn close(&self, inputs: &[InputEntry], expected: Option<u64>) -> Result<(), Error> {
        self.check_limit(self.counts, true, || None)?;
        let read = inputs.iter().map(|entry| entry.rows).sum();
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
        match expected {
            Some(expected) if expected != read => Err(Error::RowCount {
                rows: read,
                expected,
            }),
            _ => Ok(()),
        }
    }
}

/// Damage as checkpoints and manifests have it.
pub(super) fn damage_entries(damages: &Damages) -> Vec<DamageEntry> {
    let entry = |damaged: &Damaged| DamageEntry {
        kind: damaged.damage.name.into(),
        field: damaged.field.clone(),
        rows: damaged.rows,
        file: damaged.file.clone(),
        line: damaged.line,
        found: damaged.found.clone(),
        hint: damaged.hint.clone(),
    };
    damages.iter().map(entry).collect()
}

/// The same read back; `None` for a kind that this build does not know.
pub(super) fn damaged(entry: &DamageEntry) -> Option<Damaged> {
    Some(Damaged {
        damage: Damage::named(&entry.kind)?,
        field: entry.field.clone(),
        rows: entry.rows,
        file: entry.file.clone(),
        line: entry.line,
        found: entry.found.clone(),
        hint: entry.hint.clone(),
    })
}

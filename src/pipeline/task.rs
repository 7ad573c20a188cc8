//! Second stage of the workers: checked records are cut into tasks of about
//! one size, whatever their copies, and each task is stamped, signed and
//! written into lines.

use std::sync::Arc;

use crate::engine::{Check, Engine, Messages, SignError, Signatures};
use crate::envelope::{Envelope, Signed};
use crate::error::Error;
use crate::output::{Compression, Cuts};
use crate::record::{Record, Records};
use crate::signing_input::{Derived, Deriving, Recipes, Scratch};

use super::check::{Checked, Report};
use super::inputs::{Bounds, Spot};
use super::partition::{Cutter, Partitioner};
use super::signer::Signer;
use super::supply::{Lent, Reuse, Supply};
use super::trace::Trace;

/// How many records one task signs at most. Large enough for an engine that
/// shares work across a batch, small enough to keep many workers busy.
const TASK_RECORDS: usize = 1024;
/// How many bytes of values one task takes, unless a single record has more.
const TASK_BYTES: usize = 256 * 1024;

/// Roughly what a line has beside its members and its message: the format, the
/// result's name, the signature.
const LINE_ENDS: usize = 160;

/// What turns records into lines.
pub(super) struct Press<'a> {
    pub(super) recipes: &'a Recipes,
    pub(super) signer: &'a Signer,
    pub(super) envelope: &'a Envelope,
    pub(super) self_check: Check,
    pub(super) compression: Compression,
    /// The columns that records are partitioned by.
    pub(super) partitioner: Option<&'a Partitioner>,
    /// Lines go into parts.
    pub(super) parted: bool,
    pub(super) benches: Arc<Supply<Bench>>,
    pub(super) lines: Arc<Supply<Vec<u8>>>,
}

/// What a task is worked on with.
#[derive(Default)]
pub(super) struct Bench {
    deriving: Deriving,
    derived: Vec<Derived>,
    /// Every record's members between braces.
    payloads: Messages,
    messages: Messages,
    scratch: Scratch,
    signatures: Signatures,
}

impl Reuse for Bench {
    fn clear(&mut self) {
        self.derived.clear();
        self.payloads.clear();
        self.messages.clear();
    }

    fn held(&self) -> usize {
        self.payloads.total_bytes() + self.messages.total_bytes()
    }
}

/// Some of a checked batch's records: from one copy of one record on.
pub(super) struct Task {
    records: Arc<Lent<Records>>,
    /// The batch's report, on its first task only.
    report: Option<Report>,
    record: usize,
    copy: u64,
    count: usize,
    /// Its number within the batch, from 0.
    number: u64,
    is_last: bool,
    bounds: Option<Arc<Bounds>>,
}

/// A task's result.
pub(super) struct Done {
    /// The batch's report, on its first task only.
    pub(super) report: Option<Report>,
    /// The signed records as lines.
    pub(super) lines: Lent<Vec<u8>>,
    /// Where each line belongs, when they go into parts.
    pub(super) cuts: Cuts,
    /// How many rows were finished.
    pub(super) rows: u64,
    /// How many records were signed.
    pub(super) records: u64,
    /// How many signatures the engine found wrong and computed anew.
    pub(super) recomputed: u64,
    /// Where a resume goes on after it: a place between two batches, and how
    /// many tasks of the one behind it are done; `None` where it cannot.
    pub(super) next: Option<(Spot, u64)>,
}

/// Cuts a checked batch into tasks; at least one, so that its rejects are
/// written even where nothing is signed. How a batch is cut depends on its
/// records alone, so that a resume can tell the tasks by their numbers.
pub(super) fn cut(
    checked: Result<Checked, Error>,
    spawn: &mut dyn FnMut(Result<Task, Error>) -> bool,
) {
    match checked {
        Ok(checked) => {
            let Checked {
                records,
                report,
                bounds,
                skip,
            } = checked;
            let mut keep = |task: Task| task.number < skip || spawn(Ok(task));
            cut_records(records, report, Some(bounds), &mut keep);
        }
        Err(error) => {
            spawn(Err(error));
        }
    }
}

fn cut_records(
    records: Lent<Records>,
    report: Report,
    bounds: Option<Arc<Bounds>>,
    spawn: &mut dyn FnMut(Task) -> bool,
) {
    let records = Arc::new(records);
    let mut task = Task {
        records: Arc::clone(&records),
        report: Some(report),
        record: 0,
        copy: 0,
        count: 0,
        number: 0,
        is_last: false,
        bounds,
    };
    let mut bytes = 0;
    for (at, record) in records.iter().enumerate() {
        let size = record.size().max(1);
        let mut copy = 0;
        while copy < record.count() {
            if task.count == TASK_RECORDS || (bytes >= TASK_BYTES && task.count > 0) {
                let next = Task {
                    records: Arc::clone(&records),
                    report: None,
                    record: at,
                    copy,
                    count: 0,
                    number: task.number + 1,
                    is_last: false,
                    bounds: task.bounds.clone(),
                };
                if !spawn(std::mem::replace(&mut task, next)) {
                    return;
                }
                bytes = 0;
            }
            let room = TASK_RECORDS - task.count;
            let fits = (TASK_BYTES - bytes.min(TASK_BYTES)) / size + 1;
            let left = usize::try_from(record.count() - copy).unwrap_or(usize::MAX);
            let take = room.min(fits).min(left);
            task.count += take;
            bytes += take * size;
            copy += take as u64;
        }
    }
    task.is_last = true;
    spawn(task);
}

/// Signs all of these records at once and gives their lines.
pub(super) fn sign_all(records: Lent<Records>, press: &Press<'_>) -> Result<Vec<u8>, Error> {
    let mut lines = Vec::new();
    let mut failed = None;
    cut_records(records, Report::default(), None, &mut |task| {
        match task.sign(press, &Trace::default()) {
            Ok(done) => lines.extend_from_slice(&done.lines),
            Err(error) => failed = Some(error),
        }
        failed.is_none()
    });
    match failed {
        Some(error) => Err(error),
        None => Ok(lines),
    }
}

impl Task {
    /// The records of the task, with the number of each copy.
    fn items(&self) -> impl Iterator<Item = (Record<'_>, u64)> {
        let (mut at, mut copy) = (self.record, self.copy);
        (0..self.count).map(move |_| {
            let mut record = self.records.get(at);
            if copy == record.count() {
                at += 1;
                copy = 0;
                record = self.records.get(at);
            }
            copy += 1;
            (record, copy - 1)
        })
    }

    /// Checks only: every record counts, no line is made.
    pub(super) fn skip(self) -> Done {
        self.done(Arc::<Supply<Vec<u8>>>::default().take(), Cuts::default(), 0)
    }

    /// Stamps, signs and writes the task's records.
    pub(super) fn sign(self, press: &Press<'_>, trace: &Trace) -> Result<Done, Error> {
        let mut lines = press.lines.take();
        let mut cutter = (press.parted).then(|| Cutter::new(press.partitioner, press.recipes));
        let recomputed = self.sign_into(press, trace, &mut lines, cutter.as_mut())?;
        if !lines.is_empty() {
            let plain = std::mem::take(&mut *lines);
            *lines = press.compression.pack(plain).map_err(Error::Compress)?;
        }
        let cuts = cutter.map(Cutter::finish).unwrap_or_default();
        Ok(self.done(lines, cuts, recomputed))
    }

    fn done(self, lines: Lent<Vec<u8>>, cuts: Cuts, recomputed: u64) -> Done {
        let finished = |(record, copy): &(Record<'_>, u64)| copy + 1 == record.count();
        let bounds = self.bounds.as_ref().filter(|bounds| !bounds.is_torn);
        let next = bounds.map(|bounds| match self.is_last {
            true => (bounds.to.clone(), 0),
            false => (bounds.from.clone(), self.number + 1),
        });
        Done {
            rows: self.items().filter(finished).count() as u64,
            records: self.count as u64,
            recomputed,
            lines,
            cuts,
            report: self.report,
            next,
        }
    }

    fn sign_into(
        &self,
        press: &Press<'_>,
        trace: &Trace,
        lines: &mut Vec<u8>,
        mut cutter: Option<&mut Cutter<'_>>,
    ) -> Result<u64, Error> {
        let Press {
            recipes,
            signer,
            envelope,
            self_check,
            ..
        } = *press;
        let stamps = signer.stamps.as_ref();
        let mut bench = press.benches.take();
        let Bench {
            deriving,
            derived,
            payloads,
            messages,
            scratch,
            signatures,
        } = &mut *bench;
        let (mut first, mut last) = (None, 0);
        let items = self.items().inspect(|(record, _)| {
            trace.at(record.number());
            last = record.number();
            first.get_or_insert(last);
        });
        match stamps {
            Some(stamps) => {
                recipes.derive_all(stamps, items, deriving, derived);
            }
            None => derived.extend(items.map(|_| Derived::default())),
        }
        for ((record, _), nonces) in self.items().zip(&*derived) {
            trace.at(record.number());
            payloads.push_with(|out| {
                out.push(b'{');
                recipes.write_members(&record, nonces, out);
                out.push(b'}');
            });
            let payload = payloads.get(payloads.len() - 1);
            messages.push_with(|out| {
                recipes.write_signing_input_of(&record, nonces, payload, scratch, out);
            });
        }
        let engine: &dyn Engine = signer.engine.as_ref();
        trace.between(first.unwrap_or(last), last);
        let recomputed = engine
            .sign_batch(messages, self_check, signatures)
            .map_err(|error| match error {
                SignError::Wrong { at, .. } => Error::SelfCheck {
                    record: self
                        .items()
                        .nth(at)
                        .map_or(last, |(record, _)| record.number()),
                },
                error => error.into(),
            })?;
        // One allocation for all lines: doubling would hold twice as much.
        let ends = self.count * LINE_ENDS;
        lines.reserve(payloads.total_bytes() + messages.total_bytes() + ends);
        for (at, (record, _)) in self.items().enumerate() {
            let (message, signature) = (messages.get(at), signatures.get(at));
            let payload = payloads.get(at);
            trace.at(record.number());
            let signed = Signed {
                record,
                derived: &derived[at],
                // Without the braces.
                members: &payload[1..payload.len() - 1],
                message,
                signature,
            };
            envelope.write(recipes, &signed, lines);
            if let Some(cutter) = &mut cutter {
                cutter.line(&record, signed.derived, lines.len());
            }
        }
        Ok(recomputed)
    }
}

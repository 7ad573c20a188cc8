//! Second stage of the workers: checked records are cut into tasks of about
//! one size, whatever their copies, and each task is stamped, signed and
//! written into lines.

use std::sync::Arc;

use crate::engine::{Engine, Messages, Signatures};
use crate::envelope::{Envelope, Signed};
use crate::error::Error;
use crate::record::{Record, Records};
use crate::signing_input::{Recipes, Scratch};

use super::check::{Checked, Report};
use super::job::SelfCheck;
use super::signer::Signer;

/// How many records one task signs at most. Large enough for an engine that
/// shares work across a batch, small enough to keep many workers busy.
const TASK_RECORDS: usize = 1024;
/// How many bytes of values one task takes, unless a single record has more.
const TASK_BYTES: usize = 256 * 1024;

/// Roughly what a line has beside its members and its message: the format, the
/// result's name, the signature.
const LINE_ENDS: usize = 160;

/// Some of a checked batch's records: from one copy of one record on. The
/// first task of a batch carries its report.
pub(super) struct Task {
    records: Arc<Records>,
    report: Option<Report>,
    record: usize,
    copy: u64,
    count: usize,
}

/// A task's result.
pub(super) struct Done {
    /// The batch's report, on its first task only.
    pub(super) report: Option<Report>,
    /// The signed records as lines.
    pub(super) lines: Vec<u8>,
    /// How many rows were finished.
    pub(super) rows: u64,
    /// How many records were signed.
    pub(super) records: u64,
}

/// Cuts a checked batch into tasks; at least one, so that its rejects are
/// written even where nothing is signed.
pub(super) fn cut(
    checked: Result<Checked, Error>,
    spawn: &mut dyn FnMut(Result<Task, Error>) -> bool,
) {
    let (records, report) = match checked {
        Ok((records, report)) => (Arc::new(records), report),
        Err(error) => {
            spawn(Err(error));
            return;
        }
    };
    let mut task = Task {
        records: Arc::clone(&records),
        report: Some(report),
        record: 0,
        copy: 0,
        count: 0,
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
                };
                if !spawn(Ok(std::mem::replace(&mut task, next))) {
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
    spawn(Ok(task));
}

/// Signs all of these records at once and gives their lines.
pub(super) fn sign_all(
    records: Records,
    recipes: &Recipes,
    signer: &Signer,
    envelope: &Envelope,
    self_check: SelfCheck,
) -> Result<Vec<u8>, Error> {
    let mut lines = Vec::new();
    let mut failed = None;
    cut(Ok((records, Report::default())), &mut |task| {
        match task.and_then(|task| task.sign(recipes, signer, envelope, self_check)) {
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
        self.done(Vec::new())
    }

    /// Stamps, signs and writes the task's records.
    pub(super) fn sign(
        self,
        recipes: &Recipes,
        signer: &Signer,
        envelope: &Envelope,
        self_check: SelfCheck,
    ) -> Result<Done, Error> {
        let mut lines = Vec::new();
        self.sign_into(recipes, signer, envelope, self_check, &mut lines)?;
        Ok(self.done(lines))
    }

    fn done(self, lines: Vec<u8>) -> Done {
        let finished = |(record, copy): &(Record<'_>, u64)| copy + 1 == record.count();
        Done {
            rows: self.items().filter(finished).count() as u64,
            records: self.count as u64,
            lines,
            report: self.report,
        }
    }

    fn sign_into(
        &self,
        recipes: &Recipes,
        signer: &Signer,
        envelope: &Envelope,
        self_check: SelfCheck,
        lines: &mut Vec<u8>,
    ) -> Result<(), Error> {
        let stamps = signer.stamps.as_ref();
        let mut derived = Vec::with_capacity(self.count);
        let mut members = Messages::default();
        let mut messages = Messages::default();
        let mut scratch = Scratch::default();
        for (record, copy) in self.items() {
            let nonces = match stamps {
                Some(stamps) => recipes.derive(stamps, &record, copy),
                None => Default::default(),
            };
            members.push_with(|out| recipes.write_members(&record, &nonces, out));
            let own = members.get(members.len() - 1);
            messages.push_with(|out| {
                recipes.write_signing_input(&record, &nonces, own, &mut scratch, out);
            });
            derived.push(nonces);
        }
        let engine: &dyn Engine = signer.engine.as_ref();
        let mut signatures = Signatures::default();
        engine.sign_batch(&messages, &mut signatures)?;
        // One allocation for all lines: doubling would hold twice as much.
        let ends = self.count * LINE_ENDS;
        lines.reserve(members.total_bytes() + messages.total_bytes() + ends);
        for (at, (record, _)) in self.items().enumerate() {
            let (message, signature) = (messages.get(at), signatures.get(at));
            let checked = match self_check {
                SelfCheck::All => true,
                SelfCheck::Batch => at == 0,
                SelfCheck::Off => false,
            };
            if checked && !engine.verify(message, signature) {
                let record = record.number();
                return Err(Error::SelfCheck { record });
            }
            let signed = Signed {
                record,
                derived: &derived[at],
                members: members.get(at),
                message,
                signature,
            };
            envelope.write(recipes, &signed, lines);
        }
        Ok(())
    }
}

//! Second stage of the workers: checked records are cut into tasks of about
//! one size, whatever their copies, and each task is stamped, signed and
//! written into lines.

use std::sync::Arc;

use crate::engine::{Engine, SignError};
use crate::envelope::Signed;
use crate::error::Error;
use crate::output::{Cuts, MadeEntry};
use crate::record::Records;
use crate::signing_input::{Copy, Recipes};

use super::check::{Checked, Report};
use super::counting::{Names, count};
use super::inputs::{Bounds, Spot};
use super::partition::Cutter;
use super::press::{Bench, Press};
use super::supply::Lent;
use super::trace::Trace;

/// How many records one task signs at most. Large enough for an engine that
/// shares work across a batch, small enough to keep many workers busy.
const TASK_RECORDS: usize = 1024;
/// How many bytes of values one task takes, unless a single record has more.
const TASK_BYTES: usize = 256 * 1024;

/// Roughly what a line has beside its members and its message: the format, the
/// result's name, the signature.
const LINE_ENDS: usize = 160;

/// Some of what a checked batch becomes: from one signed record on.
pub(super) struct Task {
    /// For each of the run's formats, a record for each good row.
    records: Arc<Vec<Lent<Records>>>,
    /// The batch's report, on its first task only.
    report: Option<Report>,
    /// How many formats stand in one line together.
    joined: usize,
    row: usize,
    /// Which of all that the row becomes.
    nth: u64,
    count: usize,
    /// Its number within the batch, from 0.
    number: u64,
    is_last: bool,
    bounds: Option<Arc<Bounds>>,
}

/// One of the signed records that a row becomes.
#[derive(Clone, Copy)]
pub(super) struct Item {
    row: usize,
    /// Which of the publishers that the row meets.
    met: u64,
    format: usize,
    copy: u64,
    is_last_of_row: bool,
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
    /// How many of each format under each key, where there are several.
    pub(super) made: Vec<MadeEntry>,
    /// How many signatures the engine found wrong and computed anew.
    pub(super) recomputed: u64,
    /// Where a resume goes on after it: a place between two batches, and how
    /// many tasks of the one behind it are done; `None` where it cannot.
    pub(super) next: Option<(Spot, u64)>,
}

/// Cuts a checked batch into tasks; at least one, so that its rejects are
/// written even where nothing is signed. How a batch is cut depends on its
/// records alone, so that a resume can tell the tasks by their numbers.
pub(super) fn cut(checked: Checked, joined: usize, spawn: &mut dyn FnMut(Task) -> bool) {
    let Checked {
        records,
        report,
        bounds,
        skip,
    } = checked;
    let mut keep = |task: Task| task.number < skip || spawn(task);
    cut_records((records, joined), report, Some(bounds), &mut keep);
}

fn cut_records(
    (records, joined): (Vec<Lent<Records>>, usize),
    report: Report,
    bounds: Option<Arc<Bounds>>,
    spawn: &mut dyn FnMut(Task) -> bool,
) {
    let records = Arc::new(records);
    let mut task = Task {
        records: Arc::clone(&records),
        report: Some(report),
        joined,
        row: 0,
        nth: 0,
        count: 0,
        number: 0,
        is_last: false,
        bounds,
    };
    let mut bytes = 0;
    let rows = records.first().map_or(0, |records| records.len());
    for row in 0..rows {
        let size = records.iter().map(|records| records.get(row).size()).max();
        let size = size.unwrap_or(0).max(1);
        let all = becomes(&records, row);
        let mut nth = 0;
        while nth < all {
            if task.count + joined > TASK_RECORDS || (bytes >= TASK_BYTES && task.count > 0) {
                let next = Task {
                    records: Arc::clone(&records),
                    report: None,
                    joined,
                    row,
                    nth,
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
            let left = usize::try_from(all - nth).unwrap_or(usize::MAX);
            // A line is never divided: all that a row becomes is whole lines.
            let take = room.min(fits.next_multiple_of(joined)).min(left);
            let take = take - take % joined;
            task.count += take;
            bytes += take * size;
            nth += take as u64;
        }
    }
    task.is_last = true;
    spawn(task);
}

/// How many signed records a row becomes: for each publisher it meets, for
/// each format, so many copies.
fn becomes(records: &[Lent<Records>], row: usize) -> u64 {
    let Some(first) = records.first() else {
        return 0;
    };
    let record = first.get(row);
    // Each is at most some thousand millions, and formats are few; a row that
    // becomes more than can be counted is never finished anyway.
    let of_each = record.count().saturating_mul(records.len() as u64);
    record.meets().saturating_mul(of_each)
}

/// Signs all of these records at once and gives their lines, and how many
/// signatures had to be computed anew.
pub(super) fn sign_all(records: Lent<Records>, press: &Press<'_>) -> Result<(Vec<u8>, u64), Error> {
    let (mut lines, mut recomputed) = (Vec::new(), 0);
    let mut failed = None;
    cut_records((vec![records], 1), Report::default(), None, &mut |task| {
        match task.sign(press, &Trace::default()) {
            Ok(done) => {
                lines.extend_from_slice(&done.lines);
                recomputed += done.recomputed;
            }
            Err(error) => failed = Some(error),
        }
        failed.is_none()
    });
    match failed {
        Some(error) => Err(error),
        None => Ok((lines, recomputed)),
    }
}

impl Task {
    /// Some of what a row becomes, so much that every format is seen: the
    /// first copy for one of the publishers that it meets, the `nth` of `count`
    /// times that this is asked for. Beside the tasks, how many records the
    /// row becomes in all.
    pub(super) fn some(
        records: &Arc<Vec<Lent<Records>>>,
        joined: usize,
        row: usize,
        (nth, count): (u64, u64),
    ) -> (Vec<Self>, u64) {
        let all = becomes(records, row);
        let record = records[0].get(row);
        let of_publisher = record.count() * records.len() as u64;
        let met = nth * record.meets() / count.max(1);
        let task = |format: u64| Self {
            records: Arc::clone(records),
            report: None,
            joined,
            row,
            nth: met * of_publisher + format * record.count(),
            count: joined,
            number: 0,
            is_last: true,
            bounds: None,
        };
        let tasks = match joined {
            1 => (0..records.len() as u64).map(task).collect(),
            _ => vec![task(0)],
        };
        (tasks, all / joined as u64)
    }

    /// The signed records of the task, in order: publisher after publisher,
    /// for each format after format, for each copy after copy; where formats
    /// stand in one line, copy after copy, for each format after format.
    fn items(&self) -> impl Iterator<Item = Item> {
        let formats = self.records.len() as u64;
        let (mut row, mut nth) = (self.row, self.nth);
        let counts = move |row: usize| {
            let count = self.records.first().map_or(1, |r| r.get(row).count());
            (count, becomes(&self.records, row))
        };
        let mut of_row = (self.count > 0).then(|| counts(row));
        (0..self.count).map(move |_| {
            let (mut count, mut all) = of_row.unwrap_or((1, 1));
            if nth == all {
                row += 1;
                nth = 0;
                (count, all) = counts(row);
                of_row = Some((count, all));
            }
            let of_publisher = count * formats;
            let of_format = nth % of_publisher;
            let item = Item {
                row,
                met: nth / of_publisher,
                // Fewer than there are formats.
                format: match self.joined {
                    1 => of_format / count,
                    _ => of_format % formats,
                } as usize,
                copy: match self.joined {
                    1 => of_format % count,
                    _ => of_format / formats,
                },
                is_last_of_row: nth + 1 == all,
            };
            nth += 1;
            item
        })
    }

    /// Stamps, signs and writes the task's records.
    pub(super) fn sign(self, press: &Press<'_>, trace: &Trace) -> Result<Done, Error> {
        let mut lines = press.lines.take();
        let mut cutter = (press.parted).then(|| Cutter::new(press.partitioner));
        let recomputed = self.sign_into(press, trace, &mut lines, cutter.as_mut())?;
        let made = self.made(press.names);
        if !lines.is_empty() {
            let plain = std::mem::take(&mut *lines);
            *lines = press.compression.pack(plain).map_err(Error::Compress)?;
        }
        let cuts = cutter.map(Cutter::finish).unwrap_or_default();
        Ok(self.done(lines, cuts, recomputed, made))
    }

    /// How much there is of each format under each key.
    fn made(&self, names: &Names) -> Vec<MadeEntry> {
        if !names.are_several() {
            return Vec::new();
        }
        let mut made: Vec<((usize, u16), u64)> = Vec::new();
        for item in self.items() {
            let key = self.records[item.format].get(item.row).key();
            count(&mut made, (item.format, key), 1);
        }
        let entry = |((format, key), records)| names.made(format, key, records);
        made.into_iter().map(entry).collect()
    }

    fn done(self, lines: Lent<Vec<u8>>, cuts: Cuts, recomputed: u64, made: Vec<MadeEntry>) -> Done {
        let bounds = self.bounds.as_ref().filter(|bounds| !bounds.is_torn);
        let next = bounds.map(|bounds| match self.is_last {
            true => (bounds.to.clone(), 0),
            false => (bounds.from.clone(), self.number + 1),
        });
        Done {
            rows: self.items().filter(|item| item.is_last_of_row).count() as u64,
            records: (self.count / self.joined) as u64,
            recomputed,
            made,
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
            formats,
            signer,
            spread,
            self_check,
            ..
        } = *press;
        let mut bench = press.benches.take();
        let Bench {
            items,
            deriving,
            derived,
            payloads,
            messages,
            scratch,
            signatures,
        } = &mut *bench;
        let record_of = |item: &Item| {
            let record = self.records[item.format].get(item.row);
            record.with_publisher(item.met, formats[item.format].publishers)
        };
        items.extend(self.items());
        for item in &*items {
            let record = record_of(item);
            trace.at(record.number());
            let copy = Copy {
                number: item.copy,
                time: spread.map(|spread| spread.time(&record, item.copy)),
            };
            formats[item.format]
                .recipes
                .take_up(&record, copy, deriving);
        }
        let stamps = signer.stamps();
        deriving.finish(
            stamps.map(|stamps| |key| &stamps[usize::from(key)]),
            derived,
        );
        for (item, nonces) in items.iter().zip(&*derived) {
            let record = record_of(item);
            trace.at(record.number());
            let recipes = &formats[item.format].recipes;
            payloads.push_with(|out| {
                out.push(b'{');
                recipes.write_members(&record, nonces, out);
                out.push(b'}');
            });
            let payload = payloads.get(payloads.len() - 1);
            messages.push_keyed(record.key(), |out| {
                recipes.write_signing_input_of(&record, nonces, payload, scratch, out);
            });
        }
        let engine: &dyn Engine = signer.engine.as_ref();
        let number_of = |item: Option<&Item>| item.map_or(0, |item| record_of(item).number());
        let last = number_of(items.last());
        trace.between(number_of(items.first()), last);
        let recomputed = engine
            .sign_batch(messages, self_check, signatures)
            .map_err(|error| match error {
                SignError::Wrong { at, .. } => Error::SelfCheck {
                    record: number_of(items.get(at)),
                },
                error => error.into(),
            })?;
        // One allocation for all lines: doubling would hold twice as much.
        let ends = self.count * LINE_ENDS;
        lines.reserve(payloads.total_bytes() + messages.total_bytes() + ends);
        let signed = |at: usize, item: &Item| {
            let payload = payloads.get(at);
            Signed {
                record: record_of(item),
                derived: &derived[at],
                // Without the braces.
                members: &payload[1..payload.len() - 1],
                message: messages.get(at),
                signature: signatures.get(at),
            }
        };
        let of = |item: &Item| (item.format, &formats[item.format].recipes);
        for (at, line) in (0..).step_by(self.joined).zip(items.chunks(self.joined)) {
            let (first, item) = (signed(at, &line[0]), &line[0]);
            trace.at(first.record.number());
            match press.together {
                None => formats[item.format]
                    .envelope
                    .write(of(item).1, &first, lines),
                Some(envelope) => {
                    let all = (at..).zip(line);
                    let group: Vec<(&Recipes, Signed<'_>)> = all
                        .map(|(at, item)| (of(item).1, signed(at, item)))
                        .collect();
                    envelope.write_group(&group, lines);
                }
            }
            if let Some(cutter) = &mut cutter {
                cutter.line(of(item), &first.record, first.derived, lines.len());
            }
        }
        Ok(recomputed)
    }
}

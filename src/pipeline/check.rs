//! First stage of the workers: the rows of a batch become records and rejects.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::Arc;

use crate::error::Error;
use crate::format::shape::check_joined;
use crate::format::{Code, Fault, Format, Layout, Shape};
use crate::record::{
    Damages, Outcome, Plan, Problem, Records, Reject, Tally, object_of_cells, object_of_line,
};
use crate::row::{self, Cells, Dialect, PlainRows, Position};

use super::inputs::{Bounds, Work};
use super::reject_form::RejectForm;
use super::supply::{Lent, Supply};
use super::trace::Trace;

/// A batch whose rows are checked: the good ones, and a report of the rest.
pub(super) struct Checked {
    /// For each of the run's formats, the records of the good rows.
    pub(super) records: Vec<Lent<Records>>,
    pub(super) report: Report,
    pub(super) bounds: Arc<Bounds>,
    /// How many of its tasks are done already.
    pub(super) skip: u64,
}

/// What there is to say of a checked batch.
#[derive(Default)]
pub(super) struct Report {
    /// The rejects as lines.
    pub(super) rejects: Vec<u8>,
    pub(super) rejected: u64,
    pub(super) by_code: BTreeMap<Code, u64>,
    pub(super) notices: Tally,
    /// What befell whole columns.
    pub(super) damages: Damages,
    /// The first reject in words, for a message.
    pub(super) first_reject: Option<String>,
    /// How many bytes of input the batch had.
    pub(super) input_bytes: u64,
}

impl Report {
    /// Counts a row that has these problems.
    pub(super) fn reject(&mut self, file: &str, position: Position, problems: &[Problem]) {
        self.rejected += 1;
        for problem in problems {
            self.damages.add(problem, file, position.line);
        }
        if let Some(first) = problems.first() {
            *self.by_code.entry(first.code).or_default() += 1;
            if self.first_reject.is_none() {
                self.first_reject = Some(describe(file, position, first));
            }
        }
    }
}

/// Checks every row of a batch.
pub(super) fn check(
    work: &Work<'_>,
    rejects: &RejectForm,
    memory: &Arc<Supply<Records>>,
    trace: &Trace,
) -> Result<Checked, Error> {
    let input = &work.input;
    let records = input.plans.iter().map(|plan| {
        let mut records = memory.take();
        records.prepare(plan.rules());
        records
    });
    let mut checker = Checker {
        plans: &input.plans,
        file: &input.name,
        form: rejects,
        problems: Vec::new(),
        own: Vec::new(),
        records: records.collect(),
        report: Report {
            input_bytes: work.batch.bytes.len() as u64,
            ..Report::default()
        },
    };
    let mut faults = work.batch.faults.iter().peekable();
    let mut before = |checker: &mut Checker<'_, '_>, record: u64| {
        while let Some(fault) = faults.next_if(|fault| fault.position.record < record) {
            checker.fault(fault);
        }
    };
    match input.dialect {
        Dialect::Csv { delimiter } => match PlainRows::new(&work.batch, delimiter) {
            Some(mut rows) => {
                while let Some((span, row)) = rows.next() {
                    before(&mut checker, span.position.record);
                    trace.at(span.position.record);
                    checker.texts(span, row, &work.batch);
                }
            }
            None => {
                let mut cells = Cells::new(&work.batch, delimiter);
                while let Some((span, row)) = cells.next() {
                    before(&mut checker, span.position.record);
                    trace.at(span.position.record);
                    match row {
                        Ok(row) => checker.cells(span, row, &work.batch, delimiter),
                        Err(source) => {
                            let file = input.name.clone();
                            return Err(Error::Cells { file, source });
                        }
                    }
                }
            }
        },
        Dialect::Ndjson | Dialect::Parquet => {
            for span in &work.batch.rows {
                before(&mut checker, span.position.record);
                trace.at(span.position.record);
                let raw = &work.batch.bytes[span.start as usize..span.end as usize];
                checker.json(span.position, raw);
            }
        }
    }
    before(&mut checker, u64::MAX);
    let Checker {
        records,
        mut report,
        ..
    } = checker;
    if !report.rejects.is_empty() {
        report.rejects = rejects.pack(report.rejects)?;
    }
    Ok(Checked {
        records,
        report,
        bounds: Arc::clone(&work.bounds),
        skip: work.skip,
    })
}

struct Checker<'c, 'r> {
    plans: &'c [Plan<'r>],
    file: &'c str,
    form: &'c RejectForm,
    problems: Vec<Problem>,
    /// What one format finds wrong.
    own: Vec<Problem>,
    records: Vec<Lent<Records>>,
    report: Report,
}

impl<'r> Checker<'_, 'r> {
    /// What of a row stands in one object must go together there.
    fn check_joined(&mut self) {
        let parts = self.plans.iter().zip(&self.records).map(|(plan, records)| {
            let rules = plan.rules();
            let layout = records.get(records.len() - 1).layout();
            let shape = rules.shape().filter(|shape| shape.joins)?;
            Some((rules.format(), shape, &rules.format().layouts[layout]))
        });
        let parts: Option<Vec<(&Format, &Shape, &Layout)>> = parts.collect();
        if let Some(Err(why)) = parts.map(|parts| check_joined(&parts)) {
            let problem = Problem::row(Code::Conflict, "", "formats that go into one object");
            self.problems.push(problem.hint(why));
        }
    }

    /// Checks a row for every format: it becomes records of all of them, or is
    /// rejected with the problems of all.
    fn each(
        &mut self,
        check: impl Fn(&Plan<'r>, &mut Records, &mut Vec<Problem>, &mut Tally) -> Outcome,
    ) -> Outcome {
        let notices = &mut self.report.notices;
        if let ([plan], [records]) = (self.plans, &mut self.records[..]) {
            return check(plan, records, &mut self.problems, notices);
        }
        let before = self.records.first().map_or(0, |records| records.len());
        let mut due = Tally::default();
        for (plan, records) in self.plans.iter().zip(&mut self.records) {
            check(plan, records, &mut self.own, &mut due);
            // What is wrong for one format is mostly wrong for all.
            for problem in self.own.drain(..) {
                if !self.problems.iter().any(|known| known.is_like(&problem)) {
                    self.problems.push(problem);
                }
            }
        }
        if self.problems.is_empty() {
            self.check_joined();
        }
        if self.problems.is_empty() {
            self.report.notices.merge(&due);
            return Outcome::Record;
        }
        for records in &mut self.records {
            if records.len() > before {
                records.take_back();
            }
        }
        Outcome::Reject
    }

    fn cells(
        &mut self,
        span: &row::RowSpan,
        cells: &csv::ByteRecord,
        batch: &row::Batch,
        delimiter: u8,
    ) {
        let raw = &batch.bytes[span.start as usize..span.end as usize];
        let stray = memchr::memchr(b'"', raw).and_then(|_| row::stray_quote(raw, delimiter));
        let outcome = match stray {
            Some(at) => {
                let found = format!("text after the quote at byte {at} of the row");
                self.problems.push(
                    Problem::row(
                        Code::StrayQuote,
                        &found,
                        "a delimiter after a closing quote",
                    )
                    .hint("write a quote inside a quoted value twice"),
                );
                Outcome::Reject
            }
            None => self.each(|plan, records, problems, notices| {
                plan.check_cells(cells, span.position.record, records, problems, notices)
            }),
        };
        if outcome == Outcome::Reject {
            let fits = stray.is_none() && cells.len() == self.width();
            let cells: Option<Vec<&[u8]>> = fits.then(|| cells.iter().collect());
            self.reject(span.position, (raw, None), cells.as_deref());
        }
    }

    fn texts(&mut self, span: &row::RowSpan, texts: &[&str], batch: &row::Batch) {
        let outcome = self.each(|plan, records, problems, notices| {
            plan.check_texts(texts, span.position.record, records, problems, notices)
        });
        if outcome == Outcome::Reject {
            let raw = batch.text(span).unwrap_or_default();
            let fits = texts.len() == self.width();
            let cells = texts.iter().map(|text| text.as_bytes());
            let cells: Option<Vec<&[u8]>> = fits.then(|| cells.collect());
            self.reject(span.position, (raw, None), cells.as_deref());
        }
    }

    fn json(&mut self, position: Position, raw: &[u8]) {
        let outcome = self.each(|plan, records, problems, notices| {
            plan.check_json(raw, position.record, records, problems, notices)
        });
        if outcome == Outcome::Reject {
            self.reject(position, (raw, None), None);
        }
    }

    /// How many cells the header has; none for rows that bring their own names.
    fn width(&self) -> usize {
        self.plans.first().map_or(0, |plan| plan.header().len())
    }

    fn fault(&mut self, row: &row::FaultyRow) {
        let row::Fault::TooLong { limit } = row.fault;
        let found = format!("{} bytes", row.length);
        let fault = Fault::new(Code::RowTooLong, format!("at most {limit} bytes"))
            .hint("look for a missing line end, or give --max-row-bytes");
        self.problems.push(Problem::new("", &found, fault));
        let cut = (row.length != row.raw.len() as u64).then_some(row.length);
        self.reject(row.position, (&row.raw, cut), None);
    }

    /// Writes down a row with its length, where that is more than there is of
    /// it, and its cells, where it was divided into as many as
    /// the header has.
    fn reject(
        &mut self,
        position: Position,
        (raw, length): (&[u8], Option<u64>),
        cells: Option<&[&[u8]]>,
    ) {
        let object = match (&self.form.table, cells) {
            (Some(_), _) => None,
            (None, Some(cells)) => object_of_cells(self.plans, cells).map(Cow::Owned),
            // What is left is a line of JSON, unless it is no whole row.
            (None, None) if length.is_some() || self.width() > 0 => None,
            (None, None) => object_of_line(raw).map(Cow::Borrowed),
        };
        let reject = Reject {
            position,
            problems: &self.problems,
            raw,
            length,
            cells,
            object: object.as_deref(),
        };
        match &self.form.table {
            Some(table) => table.write(&reject, self.file, &mut self.report.rejects),
            None => reject.write(self.file, &mut self.report.rejects),
        }
        self.report.reject(self.file, position, &self.problems);
        self.problems.clear();
    }
}

fn describe(file: &str, position: Position, problem: &Problem) -> String {
    format!("{file} line {}: {problem}", position.line)
}

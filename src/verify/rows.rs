//! Reads the inputs of a finished run once more: every row with its place,
//! and what the run's settings make of it. It must not know what became of
//! the rows.

use std::borrow::Cow;

use crate::error::Error;
use crate::format::shape::check_joined;
use crate::format::{Code, Fault, Format, Layout, Shape};
use crate::record::{
    Outcome, Plan, Problem, Record, Records, Rules, Tally, object_of_cells, object_of_line, taken,
};
use crate::row::{self, Batch, Cells, Dialect, Input, Limits, Position, ReadError, Reader};

/// One row of one input.
pub(super) struct Row<'a> {
    /// Which input, by its place among them.
    pub(super) input: usize,
    /// Where it stands.
    pub(super) position: Position,
    /// Its bytes, or their beginning.
    pub(super) raw: &'a [u8],
    /// The whole length, where `raw` is only the beginning.
    pub(super) length: Option<u64>,
    /// The row as a JSON object, where it is refused and is one or could be.
    pub(super) object: Option<&'a str>,
    /// The record it becomes of each format; or every problem it has.
    pub(super) outcome: Result<&'a [Record<'a>], &'a [Problem]>,
}

/// Why reading stopped before the end.
pub(super) enum Stop {
    /// Whoever took the rows had enough.
    Enough,
    /// An input cannot be read.
    Failed(Error),
    /// The settings do not fit an input; how, in words.
    Unfit(String),
}

/// What takes the rows: `false` where it has had enough.
pub(super) type Take<'t> = dyn FnMut(&Row<'_>) -> Result<bool, Error> + 't;

/// What checks a row under one plan.
type CheckRow<'c, 'r> =
    dyn Fn(&Plan<'r>, &mut Records, &mut Vec<Problem>, &mut Tally) -> Outcome + 'c;

/// The inputs of a run.
pub(super) struct Rows<'r> {
    pub(super) inputs: &'r [Input],
    /// Those of each format.
    pub(super) rules: &'r [Rules],
    pub(super) limits: Limits,
}

struct Opened<'r> {
    reader: Reader<row::Source>,
    plans: Vec<Plan<'r>>,
}

impl<'r> Rows<'r> {
    /// For each format, whether any row may name its version itself.
    pub(super) fn read_versions(&self) -> Result<Vec<bool>, Stop> {
        let mut any = vec![false; self.rules.len()];
        for input in self.inputs {
            for (any, plan) in any.iter_mut().zip(self.open(input, 1)?.plans) {
                *any |= plan.reads_version();
            }
        }
        Ok(any)
    }

    /// Gives every row of every input in its order.
    pub(super) fn each(&self, notices: &mut Tally, take: &mut Take<'_>) -> Result<(), Stop> {
        let mut next = 1;
        for (at, input) in self.inputs.iter().enumerate() {
            let Opened { mut reader, plans } = self.open(input, next)?;
            let mut batch = Batch::default();
            while reader
                .next_batch(&mut batch)
                .map_err(|error| stop(input, error))?
            {
                let mut rows = BatchRows {
                    input: at,
                    rules: self.rules,
                    plans: &plans,
                    notices,
                    take,
                };
                rows.each(&batch, input)?;
            }
            next = reader.next_record();
        }
        Ok(())
    }

    fn open(&self, input: &Input, first: u64) -> Result<Opened<'r>, Stop> {
        let name = input.name();
        let mut source = input.open().map_err(|source| {
            let file = name.clone();
            Stop::Failed(Error::Open { file, source })
        })?;
        if let Some(columns) = source.columns() {
            let unfit = |error: &dyn std::fmt::Display| Stop::Unfit(format!("{name}: {error}"));
            let taken = taken(self.rules, &columns).map_err(|error| unfit(&error))?;
            source.select(&taken).map_err(|error| unfit(&error))?;
        }
        let mut reader = Reader::new(source, input.dialect, self.limits, first);
        let plans = match input.dialect {
            Dialect::Ndjson | Dialect::Parquet => {
                self.rules.iter().map(Plan::for_members).collect()
            }
            Dialect::Csv { .. } => {
                let header = reader.header().map_err(|error| stop(input, error))?;
                let header = header.unwrap_or_default();
                let plans = self.rules.iter().map(|rules| {
                    let plan = Plan::for_header(rules, &header);
                    plan.map_err(|error| Stop::Unfit(format!("{name}: {error}")))
                });
                plans.collect::<Result<_, _>>()?
            }
        };
        Ok(Opened { reader, plans })
    }
}

fn stop(input: &Input, error: ReadError) -> Stop {
    let file = input.name();
    match error {
        ReadError::Io(_) => Stop::Failed(Error::Read { file, error }),
        error => Stop::Unfit(format!("{file}: {error}")),
    }
}

/// The rows of one batch, good and faulty ones in their order.
struct BatchRows<'b, 'r, 't> {
    input: usize,
    rules: &'r [Rules],
    plans: &'b [Plan<'r>],
    notices: &'b mut Tally,
    take: &'b mut Take<'t>,
}

impl<'r> BatchRows<'_, 'r, '_> {
    fn each(&mut self, batch: &Batch, input: &Input) -> Result<(), Stop> {
        let mut faults = batch.faults.iter().peekable();
        let mut cells = match input.dialect {
            Dialect::Csv { delimiter } => Some((Cells::new(batch, delimiter), delimiter)),
            Dialect::Ndjson | Dialect::Parquet => None,
        };
        for span in &batch.rows {
            let position = span.position;
            while let Some(fault) = faults.next_if(|f| f.position.record < position.record) {
                self.faulty(fault)?;
            }
            let raw = batch.text(span).unwrap_or_default();
            let row = match &mut cells {
                None => None,
                Some((cells, delimiter)) => match cells.next() {
                    Some((_, Ok(row))) => Some((row, *delimiter)),
                    Some((_, Err(source))) => {
                        let file = input.name();
                        return Err(Stop::Failed(Error::Cells { file, source }));
                    }
                    None => return Err(Stop::Unfit(format!("{}: no cells", input.name()))),
                },
            };
            self.good(position, raw, row)?;
        }
        faults.try_for_each(|fault| self.faulty(fault))
    }

    fn good(
        &mut self,
        position: Position,
        raw: &[u8],
        row: Option<(&csv::ByteRecord, u8)>,
    ) -> Result<(), Stop> {
        let mut records: Vec<Records> = self.rules.iter().map(Records::for_rules).collect();
        let mut problems = Vec::new();
        let number = position.record;
        match row {
            Some((_, delimiter)) if row::stray_quote(raw, delimiter).is_some() => {
                problems.push(Problem::row(Code::StrayQuote, "", ""));
            }
            Some((cells, _)) => {
                self.check(
                    &mut records,
                    &mut problems,
                    &|plan, records, own, notices| {
                        plan.check_cells(cells, number, records, own, notices)
                    },
                );
            }
            None => self.check(
                &mut records,
                &mut problems,
                &|plan, records, own, notices| plan.check_json(raw, number, records, own, notices),
            ),
        }
        let all: Vec<Record<'_>> = match problems.is_empty() {
            true => records.iter().map(|records| records.get(0)).collect(),
            false => Vec::new(),
        };
        let outcome = match problems.is_empty() {
            true => Ok(&all[..]),
            false => Err(&problems[..]),
        };
        let object = match (row, problems.first()) {
            (_, None) => None,
            (Some(_), Some(first)) if first.code == Code::StrayQuote => None,
            (Some((cells, _)), _) if cells.len() != self.width() => None,
            (Some((cells, _)), _) => {
                let cells: Vec<&[u8]> = cells.iter().collect();
                object_of_cells(self.plans, &cells).map(Cow::Owned)
            }
            (None, _) => object_of_line(raw).map(Cow::Borrowed),
        };
        self.give(position, (raw, None, object.as_deref()), outcome)
    }

    /// Checks a row for every format, as the run did: it has the problems of
    /// all, each once.
    fn check(
        &mut self,
        records: &mut [Records],
        problems: &mut Vec<Problem>,
        check: &CheckRow<'_, 'r>,
    ) {
        let mut due = Tally::default();
        let is_one = self.plans.len() == 1;
        for (plan, records) in self.plans.iter().zip(&mut *records) {
            let mut own = Vec::new();
            check(plan, records, &mut own, &mut due);
            let is_known = |own: &Problem, all: &[Problem]| all.iter().any(|p| p.is_like(own));
            for problem in own {
                if is_one || !is_known(&problem, problems) {
                    problems.push(problem);
                }
            }
        }
        if !is_one && problems.is_empty() {
            problems.extend(self.check_joined(records));
        }
        // Of one format, what is rejected is noticed, too.
        if is_one || problems.is_empty() {
            self.notices.merge(&due);
        }
    }

    /// What of a row stands in one object must go together there.
    fn check_joined(&self, records: &[Records]) -> Option<Problem> {
        let parts = self.rules.iter().zip(records).map(|(rules, records)| {
            let layout = &rules.format().layouts[records.get(0).layout()];
            let shape = rules.shape().filter(|shape| shape.joins)?;
            Some((rules.format(), shape, layout))
        });
        let parts: Vec<(&Format, &Shape, &Layout)> = parts.collect::<Option<_>>()?;
        let why = check_joined(&parts).err()?;
        let problem = Problem::row(Code::Conflict, "", "formats that go into one object");
        Some(problem.hint(why))
    }

    /// How many cells the header has.
    fn width(&self) -> usize {
        self.plans.first().map_or(0, |plan| plan.header().len())
    }

    fn faulty(&mut self, row: &row::FaultyRow) -> Result<(), Stop> {
        let row::Fault::TooLong { .. } = row.fault;
        let problem = Problem::new("", "", Fault::new(Code::RowTooLong, ""));
        let cut = (row.length != row.raw.len() as u64).then_some(row.length);
        self.give(row.position, (&row.raw, cut, None), Err(&[problem]))
    }

    fn give(
        &mut self,
        position: Position,
        (raw, length, object): (&[u8], Option<u64>, Option<&str>),
        outcome: Result<&[Record<'_>], &[Problem]>,
    ) -> Result<(), Stop> {
        let row = Row {
            input: self.input,
            position,
            raw,
            length,
            object,
            outcome,
        };
        match (self.take)(&row) {
            Ok(true) => Ok(()),
            Ok(false) => Err(Stop::Enough),
            Err(error) => Err(Stop::Failed(error)),
        }
    }
}

//! Reads the inputs of a finished run once more: every row with its place,
//! and what the run's settings make of it. It must not know what became of
//! the rows.

use crate::error::Error;
use crate::format::{Code, Fault};
use crate::record::{Outcome, Plan, Problem, Record, Records, Rules, Tally};
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
    /// The record it becomes; or every problem it has.
    pub(super) outcome: Result<Record<'a>, &'a [Problem]>,
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

/// The inputs of a run.
pub(super) struct Rows<'r> {
    pub(super) inputs: &'r [Input],
    pub(super) rules: &'r Rules,
    pub(super) limits: Limits,
}

struct Opened<'r> {
    reader: Reader<row::Source>,
    plan: Plan<'r>,
}

impl<'r> Rows<'r> {
    /// Whether any row may name its version itself.
    pub(super) fn read_version(&self) -> Result<bool, Stop> {
        let mut any = false;
        for input in self.inputs {
            any |= self.open(input, 1)?.plan.reads_version();
        }
        Ok(any)
    }

    /// Gives every row of every input in its order.
    pub(super) fn each(&self, notices: &mut Tally, take: &mut Take<'_>) -> Result<(), Stop> {
        let mut next = 1;
        for (at, input) in self.inputs.iter().enumerate() {
            let Opened { mut reader, plan } = self.open(input, next)?;
            let mut batch = Batch::default();
            while reader
                .next_batch(&mut batch)
                .map_err(|error| stop(input, error))?
            {
                let mut rows = BatchRows {
                    input: at,
                    rules: self.rules,
                    plan: &plan,
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
        let source = input.open().map_err(|source| {
            let file = name.clone();
            Stop::Failed(Error::Open { file, source })
        })?;
        let mut reader = Reader::new(source, input.dialect, self.limits, first);
        let plan = match input.dialect {
            Dialect::Ndjson => Plan::for_members(self.rules),
            Dialect::Csv { .. } => {
                let header = reader.header().map_err(|error| stop(input, error))?;
                let header = header.unwrap_or_default();
                Plan::for_header(self.rules, &header)
                    .map_err(|error| Stop::Unfit(format!("{name}: {error}")))?
            }
        };
        Ok(Opened { reader, plan })
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
    rules: &'r Rules,
    plan: &'b Plan<'r>,
    notices: &'b mut Tally,
    take: &'b mut Take<'t>,
}

impl BatchRows<'_, '_, '_> {
    fn each(&mut self, batch: &Batch, input: &Input) -> Result<(), Stop> {
        let mut faults = batch.faults.iter().peekable();
        let mut cells = match input.dialect {
            Dialect::Csv { delimiter } => Some((Cells::new(batch, delimiter), delimiter)),
            Dialect::Ndjson => None,
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
        let mut records = Records::for_rules(self.rules);
        let mut problems = Vec::new();
        let number = position.record;
        let outcome = match row {
            None => self
                .plan
                .check_json(raw, number, &mut records, &mut problems, self.notices),
            Some((_, delimiter)) if row::stray_quote(raw, delimiter).is_some() => {
                problems.push(Problem::row(Code::StrayQuote, "", ""));
                Outcome::Reject
            }
            Some((cells, _)) => {
                self.plan
                    .check_cells(cells, number, &mut records, &mut problems, self.notices)
            }
        };
        let outcome = match outcome {
            Outcome::Record => Ok(records.get(0)),
            Outcome::Reject => Err(&problems[..]),
        };
        self.give(position, raw, None, outcome)
    }

    fn faulty(&mut self, row: &row::FaultyRow) -> Result<(), Stop> {
        let row::Fault::TooLong { .. } = row.fault;
        let problem = Problem::new("", "", Fault::new(Code::RowTooLong, ""));
        let cut = (row.length != row.raw.len() as u64).then_some(row.length);
        self.give(row.position, &row.raw, cut, Err(&[problem]))
    }

    fn give(
        &mut self,
        position: Position,
        raw: &[u8],
        length: Option<u64>,
        outcome: Result<Record<'_>, &[Problem]>,
    ) -> Result<(), Stop> {
        let row = Row {
            input: self.input,
            position,
            raw,
            length,
            outcome,
        };
        match (self.take)(&row) {
            Ok(true) => Ok(()),
            Ok(false) => Err(Stop::Enough),
            Err(error) => Err(Stop::Failed(error)),
        }
    }
}

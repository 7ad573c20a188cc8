//! Signs rows that come together, from wherever they come: one, or some
//! hundreds of a stream. It must not know where they come from, or what
//! becomes of their lines.

use std::sync::Arc;

use crate::engine::Check;
use crate::envelope::{Envelope, Style};
use crate::error::Error;
use crate::output::Compression;
use crate::record::{Outcome, Plan, Problem, Record, Records, Rules, Spread};
use crate::row::Position;
use crate::signing_input::Recipes;

use super::check::Report;
use super::counting::Names;
use super::press::{Bench, Press, Printer};
use super::signer::Signer;
use super::supply::Supply;
use super::task::sign_all;

/// Signs rows under one plan, on any number of threads at once.
pub struct RowSigner<'a> {
    signer: &'a Signer,
    plan: Plan<'a>,
    printer: [Printer<'a>; 1],
    names: Names,
    self_check: Check,
    records: Arc<Supply<Records>>,
    benches: Arc<Supply<Bench>>,
    lines: Arc<Supply<Vec<u8>>>,
}

/// What some rows have become.
pub struct SignedRows {
    /// The signed records as lines of NDJSON, in the order of their rows.
    pub lines: Vec<u8>,
    /// Which of the rows were rejected, counted from 0 and in their order, each
    /// with everything wrong with it.
    pub rejected: Vec<(usize, Vec<Problem>)>,
    /// How many signed records there are.
    pub(super) records: u64,
    pub(super) report: Report,
    /// How many signatures the engine found wrong and computed anew.
    pub(super) recomputed: u64,
}

impl<'a> RowSigner<'a> {
    /// What signs rows under these rules, which know how rows choose among the
    /// signer's keys ([`Signer::rules`]).
    pub fn new(signer: &'a Signer, rules: &'a Rules, self_check: Check) -> Self {
        let format = rules.format();
        Self {
            signer,
            plan: Plan::for_members(rules),
            printer: [Printer {
                recipes: Recipes::new(format),
                envelope: Envelope::of(rules, Style::Ndjson, &[], true),
                publishers: None,
            }],
            names: Names {
                formats: vec![format.id.to_owned()],
                keys: Vec::new(),
            },
            self_check,
            records: Arc::default(),
            benches: Arc::default(),
            lines: Arc::default(),
        }
    }

    /// How rows are read.
    pub fn plan(&self) -> &Plan<'a> {
        &self.plan
    }

    /// Signs rows, each the text of a JSON object with its record number, which
    /// nonces are derived from where the rules name no row id. `fits` is asked
    /// of each good row, by its place among these, whether anything else is
    /// wrong with it; such a row is not signed.
    ///
    /// # Errors
    /// When nothing can be signed.
    pub fn sign<'r>(
        &self,
        rows: impl Iterator<Item = (&'r [u8], u64)>,
        fits: impl Fn(usize, &Record<'_>) -> Option<Problem>,
    ) -> Result<SignedRows, Error> {
        let mut records = self.records.take();
        records.prepare(self.plan.rules());
        let mut report = Report::default();
        let mut rejected: Vec<(usize, Vec<Problem>)> = Vec::new();
        let mut problems = Vec::new();
        for (at, (row, number)) in rows.enumerate() {
            report.input_bytes += row.len() as u64;
            let notices = &mut report.notices;
            let check = &self.plan;
            let outcome = check.check_json(row, number, &mut records, &mut problems, notices);
            if outcome == Outcome::Record
                && let Some(problem) = fits(at, &records.get(records.len() - 1))
            {
                records.take_back();
                problems.push(problem);
            }
            if !problems.is_empty() {
                // A stream has one row on a line, and no other place.
                let position = Position {
                    record: number,
                    line: number,
                    last_line: number,
                    byte: 0,
                };
                report.reject("-", position, &problems);
                rejected.push((at, std::mem::take(&mut problems)));
            }
        }
        let counts = (0..records.len()).map(|at| records.get(at).count());
        let count = counts.sum();
        let (lines, recomputed) = match records.len() {
            0 => (Vec::new(), 0),
            _ => sign_all(records, &self.press())?,
        };
        Ok(SignedRows {
            lines,
            rejected,
            records: count,
            report,
            recomputed,
        })
    }

    fn press(&self) -> Press<'_> {
        let settings = self.plan.rules().settings();
        Press {
            formats: &self.printer,
            together: None,
            names: &self.names,
            signer: self.signer,
            spread: settings.spread.map(|over| Spread {
                from: settings.timestamp,
                over,
            }),
            self_check: self.self_check,
            compression: Compression::None,
            partitioner: None,
            parted: false,
            benches: Arc::clone(&self.benches),
            lines: Arc::clone(&self.lines),
        }
    }
}

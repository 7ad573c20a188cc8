//! Walks the signed file beside the rows: each row must find its records
//! next. Where one is lost, changed or too many, the walk finds its way again
//! within one line, so that one damage gives one sentence and not a sentence
//! for every line after it. This file must not know why rows are refused.

use std::collections::VecDeque;

use crate::error::Error;
use crate::row::{Dialect, Input, Position};

use super::differences::Stretch;
use super::expected::{Expected, values};
use super::files::{LONGEST_RECORD, Lines};

/// Where a row stands, in words.
pub(super) fn place(file: &str, position: Position) -> String {
    format!("{file} line {} (record {})", position.line, position.record)
}

/// A signed file on the walk.
pub(super) struct SignedLines {
    lines: Lines,
    dialect: Dialect,
    header: Vec<String>,
    ahead: VecDeque<SignedLine>,
    /// A record that did not stand where it should: whether it is lost or
    /// changed, the next one tells.
    pending: Option<Pending>,
    /// The last line that belongs to a row.
    last: u64,
}

struct SignedLine {
    number: u64,
    /// Its bytes; none where it was passed over.
    text: Option<Vec<u8>>,
}

struct Pending {
    place: String,
    differs: String,
}

/// A line's number, and how it compares.
type Compared = (u64, Result<(), String>);

impl SignedLines {
    pub(super) fn new(input: &Input) -> Result<Self, Error> {
        let lines = Lines::new(input, LONGEST_RECORD)?;
        let header = lines.open.header.as_deref().cloned();
        Ok(Self {
            lines,
            dialect: input.dialect,
            header: header.unwrap_or_default(),
            ahead: VecDeque::new(),
            pending: None,
            last: 0,
        })
    }

    /// Its name.
    pub(super) fn name(&self) -> &str {
        &self.lines.open.name
    }

    /// The names of its columns.
    pub(super) fn header(&self) -> &[String] {
        &self.header
    }

    /// The line that comes next, or after that.
    fn peek(&mut self, ahead: usize) -> Result<Option<&SignedLine>, Error> {
        while self.ahead.len() <= ahead {
            let Some(line) = self.lines.next()? else {
                return Ok(None);
            };
            self.ahead.push_back(SignedLine {
                number: line.number,
                text: line.text.ok(),
            });
        }
        Ok(self.ahead.get(ahead))
    }

    fn compare(&mut self, ahead: usize, wanted: &Expected<'_>) -> Result<Option<Compared>, Error> {
        self.peek(ahead)?;
        let (dialect, header) = (self.dialect, &self.header);
        Ok(self.ahead.get(ahead).map(|line| {
            let text = line.text.as_deref();
            let values = text.and_then(|text| values(text, dialect, header));
            (line.number, wanted.compare(values.as_ref()))
        }))
    }

    fn take(&mut self) {
        if let Some(line) = self.ahead.pop_front() {
            self.last = line.number;
        }
    }

    /// The next record must be this one, of the row at `place`.
    pub(super) fn expect(
        &mut self,
        wanted: &Expected<'_>,
        place: &dyn Fn() -> String,
        out: &mut Stretch<'_>,
    ) -> Result<(), Error> {
        loop {
            let Some((number, first)) = self.compare(0, wanted)? else {
                let (file, last) = (self.name(), self.last);
                let place = place();
                out.add(format!(
                    "{place} has no record: {file} ends after line {last}"
                ));
                return Ok(());
            };
            let file = self.name().to_owned();
            let Err(differs) = first else {
                self.take();
                if let Some(lost) = self.pending.take() {
                    let (lost, place) = (lost.place, place());
                    out.add(format!(
                        "{lost} has no record: {file} line {number} is of {place}"
                    ));
                }
                return Ok(());
            };
            let second = self.compare(1, wanted)?;
            let second = second.and_then(|(number, fits)| fits.is_ok().then_some(number));
            if let Some(changed) = self.pending.take() {
                self.settle(changed, number, out);
                self.take();
                if second.is_some() {
                    self.take();
                    return Ok(());
                }
                continue;
            }
            let place = place();
            if let Some(next) = second {
                out.add(format!(
                    "{file} line {number} is of no row here: line {next} is of {place}"
                ));
                self.take();
                self.take();
                return Ok(());
            }
            self.pending = Some(Pending { place, differs });
            return Ok(());
        }
    }

    fn settle(&self, changed: Pending, number: u64, out: &mut Stretch<'_>) {
        let Pending { place, differs } = changed;
        let file = self.name();
        out.add(format!(
            "{file} line {number} is not what {place} gives: {differs}"
        ));
    }

    /// After the last row nothing may be left.
    pub(super) fn finish(&mut self, out: &mut Stretch<'_>) -> Result<(), Error> {
        let number = self.peek(0)?.map(|line| line.number);
        if let (Some(changed), Some(number)) = (self.pending.take(), number) {
            self.settle(changed, number, out);
            self.take();
        }
        let Some(first) = self.peek(0)?.map(|line| line.number) else {
            return Ok(());
        };
        let mut left = 0_u64;
        while self.peek(0)?.is_some() {
            left += 1;
            self.take();
        }
        let file = self.name();
        out.add(match left {
            1 => format!("{file} line {first} is of no row: it stands after the last one's"),
            _ => format!(
                "{file} line {first} and {} after it are of no row: they stand after the last one's",
                left - 1
            ),
        });
        Ok(())
    }
}

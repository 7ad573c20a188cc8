//! The framer: finds where each row begins and ends, fed piece by piece. What
//! the two dialects share is here, their machines in `csv` and `lines`. It must
//! not know where the bytes come from, when a batch is full, or what is in a
//! cell.

mod csv;
mod lines;

use super::{Batch, Dialect, Fault, FaultyRow, KEPT_BYTES, Place, Position, ReadError, RowSpan};

/// Where the machine stands after the bytes it has seen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    /// No row is open.
    Between,
    /// A row is open and a quote here would open a quoted cell.
    CellStart,
    /// In text where a quote is an ordinary character.
    Plain,
    /// Between quotes.
    Quoted,
    /// After a quote between quotes: the cell's end, or half of a doubled one.
    QuoteInQuoted,
}

/// The row that is open; its text so far is the tail of the batch's bytes.
#[derive(Debug, Clone, Copy, Default)]
struct OpenRow {
    start: usize,
    byte: u64,
    line: u64,
    length: u64,
    /// Past the limit: the row ends as a fault, and only its head is kept.
    skipping: bool,
    /// Nothing but blanks so far (lines only).
    blank: bool,
}

/// What one call consumed.
pub(super) struct Step {
    /// Bytes of the piece that are done with.
    pub(super) used: usize,
    /// Whether the last of them ended a row; otherwise the piece is used up.
    pub(super) row_ended: bool,
}

/// Frames the rows of one input.
#[derive(Debug)]
pub(super) struct Framer {
    dialect: Dialect,
    limit: usize,
    state: State,
    row: OpenRow,
    /// Line and offset of the last opening quote.
    quote: (u64, u64),
    /// Whether the last byte was a `\r`.
    after_cr: bool,
    line: u64,
    offset: u64,
    pub(super) next_record: u64,
    pub(super) blank_lines: u64,
}

impl Framer {
    pub(super) fn new(dialect: Dialect, limit: usize, first_record: u64) -> Self {
        Self {
            dialect,
            limit,
            state: State::Between,
            row: OpenRow::default(),
            quote: (1, 0),
            after_cr: false,
            line: 1,
            offset: 0,
            next_record: first_record,
            blank_lines: 0,
        }
    }

    /// Counts bytes that belong to no row or line, as a byte order mark does.
    pub(super) fn pass_over(&mut self, bytes: usize) {
        self.offset += bytes as u64;
    }

    /// How many bytes lie behind.
    pub(super) fn offset(&self) -> u64 {
        self.offset
    }

    /// The line that comes next.
    pub(super) fn line(&self) -> u64 {
        self.line
    }

    /// Goes on at a place between two rows; `last` is the byte before it,
    /// where any was passed over.
    pub(super) fn take_up(&mut self, place: &Place, last: Option<u8>) {
        self.offset = place.byte;
        self.line = place.line;
        self.next_record = place.record;
        if let (Some(last), Dialect::Csv { .. }) = (last, self.dialect) {
            self.after_cr = last == b'\r';
        }
    }

    /// Consumes the piece up to the end of one row, or all of it.
    ///
    /// The batch must be the same one until the row has ended.
    pub(super) fn advance(&mut self, piece: &[u8], batch: &mut Batch) -> Result<Step, ReadError> {
        let step = match self.dialect {
            Dialect::Csv { delimiter } => self.advance_csv(piece, delimiter, batch)?,
            Dialect::Ndjson | Dialect::Parquet => self.advance_lines(piece, batch),
        };
        self.offset += step.used as u64;
        Ok(step)
    }

    /// Ends the input: a last row needs no line end.
    pub(super) fn end(&mut self, batch: &mut Batch) -> Result<(), ReadError> {
        match (self.state, self.dialect) {
            (State::Between, _) => {}
            (State::Quoted, _) => return Err(self.open_quote(true)),
            (_, Dialect::Csv { .. }) => {
                // A quote that waited for its successor closed the cell.
                self.state = State::Plain;
                self.mind_limit(self.row.length)?;
                self.close_row(batch);
            }
            (_, Dialect::Ndjson | Dialect::Parquet) => self.close_line(batch),
        }
        Ok(())
    }

    fn open_row(&mut self, at: usize, batch: &Batch) {
        self.state = State::CellStart;
        self.after_cr = false;
        self.row = OpenRow {
            start: batch.bytes.len(),
            byte: self.offset + at as u64,
            line: self.line,
            length: 0,
            skipping: false,
            blank: true,
        };
    }

    /// Adds text to the open row, or to as much of it as is kept.
    fn keep(&mut self, text: &[u8], batch: &mut Batch) {
        self.row.length += text.len() as u64;
        let room = if self.row.skipping {
            KEPT_BYTES.saturating_sub(batch.bytes.len() - self.row.start)
        } else {
            text.len()
        };
        batch.bytes.extend_from_slice(&text[..text.len().min(room)]);
    }

    /// Acts on a row that has come to `length`: past the limit between quotes
    /// is an error, elsewhere the row is skipped. A quote that may yet turn out
    /// to be half of a doubled one is not judged until the next byte is seen.
    #[inline]
    fn mind_limit(&mut self, length: u64) -> Result<(), ReadError> {
        if length <= self.limit as u64 || self.row.skipping {
            return Ok(());
        }
        match self.state {
            State::Quoted => return Err(self.open_quote(false)),
            State::QuoteInQuoted => {}
            _ => self.skip_if_longer(length),
        }
        Ok(())
    }

    fn skip_if_longer(&mut self, length: u64) {
        self.row.skipping |= length > self.limit as u64;
    }

    /// Gives the open row its number and hands it to the batch.
    fn close_row(&mut self, batch: &mut Batch) {
        let row = self.row;
        let position = Position {
            record: self.next_record,
            line: row.line,
            last_line: self.line,
            byte: row.byte,
        };
        self.next_record = self.next_record.saturating_add(1);
        self.state = State::Between;
        if row.skipping {
            batch.bytes.truncate(row.start + KEPT_BYTES);
            let raw = batch.bytes[row.start..].to_vec();
            batch.bytes.truncate(row.start);
            batch.faults.push(FaultyRow {
                position,
                fault: Fault::TooLong { limit: self.limit },
                raw,
                length: row.length,
            });
        } else {
            // Both fit: a batch holds less than two of the largest limit, 1 GiB.
            batch.rows.push(RowSpan {
                start: row.start as u32,
                end: batch.bytes.len() as u32,
                position,
            });
            batch.bytes.push(b'\n');
        }
    }

    fn open_quote(&self, at_end: bool) -> ReadError {
        ReadError::OpenQuote {
            line: self.quote.0,
            byte: self.quote.1,
            at_end,
            limit: self.limit,
        }
    }
}

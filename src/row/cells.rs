//! The cells of the rows in one CSV batch. It must not know what a column
//! means or where the batch came from; it only makes sure that the parser and
//! the framer agree on where every row begins and ends.

use std::io::{Chain, Read};

use memchr::memchr;

use super::{Batch, RowSpan};

const QUOTE: u8 = b'"';

/// Put before the rows. The parser would take a byte order mark at the start of
/// a batch for the start of a file and drop it, though it is text there; it
/// skips an empty line without a trace.
const LEAD: &[u8] = b"\n";

/// Why a row has no cells. Each of them means that the parser and the framer
/// disagree; later rows fail as well, until the two meet again.
#[derive(Debug, thiserror::Error)]
pub enum CellsError {
    /// The record does not stand where the row does.
    #[error("the row at bytes {start} to {end} of the batch was parsed as bytes {from} to {to}")]
    Misaligned {
        /// Where the row begins in the batch.
        start: u32,
        /// Where it ends.
        end: u32,
        /// Where the parser began.
        from: u64,
        /// Where it stopped.
        to: u64,
    },
    /// The parser found no further record.
    #[error("the parser found no record for the row at byte {start} of the batch")]
    Missing {
        /// Where the row begins in the batch.
        start: u32,
    },
    /// The parser failed.
    #[error("the row cannot be parsed")]
    Parser(#[source] csv::Error),
}

impl CellsError {
    /// What to do about it.
    pub fn hint(&self) -> &'static str {
        "this is a defect of the program, not of the input: report it with the row"
    }
}

/// Splits the rows of a CSV batch into cells, reusing one record.
///
/// Gives exactly one answer for each of [`Batch::rows`], in their order.
pub struct Cells<'a> {
    rows: std::slice::Iter<'a, RowSpan>,
    parser: csv::Reader<Chain<&'static [u8], &'a [u8]>>,
    record: csv::ByteRecord,
}

impl<'a> Cells<'a> {
    /// Starts at the first row of the batch; the delimiter must be the one it
    /// was framed with.
    pub fn new(batch: &'a Batch, delimiter: u8) -> Self {
        Self {
            rows: batch.rows.iter(),
            parser: csv::ReaderBuilder::new()
                .delimiter(delimiter)
                .has_headers(false)
                .flexible(true)
                .from_reader(LEAD.chain(batch.bytes.as_slice())),
            record: csv::ByteRecord::new(),
        }
    }

    /// The next row and its cells; `None` after the last row.
    #[allow(clippy::should_implement_trait)] // The record is lent, not given.
    pub fn next(&mut self) -> Option<(&'a RowSpan, Result<&csv::ByteRecord, CellsError>)> {
        let row = self.rows.next()?;
        let parsed = self.parse(row);
        Some((row, parsed.map(|()| &self.record)))
    }

    /// Parses one record and checks that it is this row, all of it and no more.
    fn parse(&mut self, row: &RowSpan) -> Result<(), CellsError> {
        let lead = LEAD.len() as u64;
        // Before the first record the empty line is still to come.
        let from = self.parser.position().byte().saturating_sub(lead);
        let found = self
            .parser
            .read_byte_record(&mut self.record)
            .map_err(CellsError::Parser)?;
        if !found {
            return Err(CellsError::Missing { start: row.start });
        }
        let to = self.parser.position().byte().saturating_sub(lead);
        // The parser has also taken the line end.
        if from != u64::from(row.start) || to != u64::from(row.end) + 1 {
            return Err(CellsError::Misaligned {
                start: row.start,
                end: row.end,
                from,
                to,
            });
        }
        Ok(())
    }
}

/// The rows of a CSV batch in which no quote stands, as is usual: their cells
/// are what stands between the delimiters, and no parser is needed.
pub struct PlainRows<'a> {
    text: &'a str,
    rows: std::slice::Iter<'a, RowSpan>,
    delimiter: u8,
    cells: Vec<&'a str>,
}

impl<'a> PlainRows<'a> {
    /// Starts at the first row of the batch; `None` where a quote stands in
    /// it, or something that is not UTF-8.
    pub fn new(batch: &'a Batch, delimiter: u8) -> Option<Self> {
        if !delimiter.is_ascii() || memchr(QUOTE, &batch.bytes).is_some() {
            return None;
        }
        let text = std::str::from_utf8(&batch.bytes).ok()?;
        Some(Self {
            text,
            rows: batch.rows.iter(),
            delimiter,
            cells: Vec::new(),
        })
    }

    /// The next row and its cells; `None` after the last row.
    #[allow(clippy::should_implement_trait)] // The cells are lent, not given.
    pub fn next(&mut self) -> Option<(&'a RowSpan, &[&'a str])> {
        let row = self.rows.next()?;
        let text = self
            .text
            .get(row.start as usize..row.end as usize)
            .unwrap_or_default();
        self.cells.clear();
        let mut start = 0;
        each(self.delimiter, text.as_bytes(), |end| {
            self.cells.push(&text[start..end]);
            start = end + 1;
        });
        self.cells.push(&text[start..]);
        Some((row, &self.cells))
    }
}

/// Where a byte stands in a row, eight bytes at a time: cells are so short
/// that looking for the next one by a call would take twice as long.
#[inline]
fn each(byte: u8, row: &[u8], mut found: impl FnMut(usize)) {
    const EACH: u64 = u64::from_le_bytes([1; 8]);
    const LOW: u64 = 0x7f * EACH;
    let wanted = u64::from(byte) * EACH;
    let (words, rest) = row.as_chunks();
    for (nth, word) in words.iter().enumerate() {
        let other = u64::from_le_bytes(*word) ^ wanted;
        // The first bit of every byte that is zero in `other`, and no more.
        let mut hits = !(((other & LOW) + LOW) | other | LOW);
        while hits != 0 {
            found(8 * nth + hits.trailing_zeros() as usize / 8);
            hits &= hits - 1;
        }
    }
    for (at, other) in rest.iter().enumerate() {
        if *other == byte {
            found(8 * words.len() + at);
        }
    }
}

/// The offset of text that follows a closing quote in one row, as in
/// `"abc"def`, if there is any.
///
/// The parser would join the two without a word, so a caller should reject such
/// a row. A quote inside a cell that did not begin with one (`5" screen`) is
/// plain text.
pub fn stray_quote(raw: &[u8], delimiter: u8) -> Option<usize> {
    let mut at = 0;
    loop {
        let quote = at + memchr(QUOTE, raw.get(at..)?)?;
        at = quote + 1;
        if quote > 0 && raw[quote - 1] != delimiter {
            continue;
        }
        // A quoted cell: find the quote that is not one of a pair.
        loop {
            at += memchr(QUOTE, raw.get(at..)?)? + 1;
            match raw.get(at) {
                Some(&QUOTE) => at += 1,
                Some(&byte) if byte == delimiter => break,
                Some(_) => return Some(at),
                None => return None,
            }
        }
    }
}

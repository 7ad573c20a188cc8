//! Rows: turns the bytes of one input into batches of framed rows.
//!
//! One [`Reader`] finds where each row begins and ends, and nothing more, so
//! that a single thread can feed many workers; [`Cells`] or [`PlainRows`]
//! then split the rows of a batch into cells on whichever worker got it. Nothing in here knows what
//! a column means, what JSON is, which formats exist or how the program is
//! called.
//!
//! Two promises hold for every input: no row disappears (each one is returned,
//! reported as a [`FaultyRow`], or named by the [`ReadError`] that ends the
//! run), and memory never grows with the input. A general CSV parser gives
//! neither: after one unclosed quote it takes the rest of the file for a single
//! record.

mod cells;
mod frame;
mod input;
#[cfg(feature = "parquet")]
mod parquet;
mod reader;
mod source;
mod taken;

pub use cells::{Cells, CellsError, PlainRows, stray_quote};
pub use input::{Input, Origin, stdin_is_ready};
#[cfg(feature = "parquet")]
pub use parquet::{Table, TableRows};
pub use reader::Reader;
pub use source::{Compressed, Source};
pub use taken::Taken;

/// How many bytes of a skipped row are kept in [`FaultyRow::raw`].
pub const KEPT_BYTES: usize = 64 * 1024;

/// How the rows of an input are told apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Dialect {
    /// Separated values with `"` as the quote; `\n`, `\r\n` or a lone `\r` ends
    /// a record, except between quotes.
    Csv {
        /// The byte between two cells: not a quote, `\n` or `\r`.
        delimiter: u8,
    },
    /// One value a line: only `\n` ends a line, and a `\r` before it is dropped.
    Ndjson,
    /// A Parquet file, each row of which is read as a line of its own.
    Parquet,
}

/// How large rows and batches may grow.
///
/// A zero counts as one, and anything above 1 GiB as 1 GiB.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// The longest row that is accepted, in bytes without its line end.
    pub row_bytes: usize,
    /// A batch closes when it holds this many rows, faulty ones included.
    pub batch_rows: usize,
    /// A batch closes with the row that brings it to this many bytes, so it
    /// may hold up to `row_bytes` more.
    pub batch_bytes: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            row_bytes: 1024 * 1024,
            batch_rows: 1024,
            batch_bytes: 256 * 1024,
        }
    }
}

/// Where a row stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Position {
    /// Its number over all inputs, from 1: faulty rows count, blank lines and
    /// the header do not.
    pub record: u64,
    /// The line of this input it begins on, from 1.
    pub line: u64,
    /// The line it ends on; later than `line` when quotes hold line ends.
    pub last_line: u64,
    /// The offset of its first byte in this input, a byte order mark included.
    pub byte: u64,
}

/// A place between two rows of an input, where reading can be taken up again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Place {
    /// How many bytes of the input lie before it, a byte order mark included.
    pub byte: u64,
    /// The line it is on, from 1.
    pub line: u64,
    /// The number the next row gets.
    pub record: u64,
    /// The SHA-256 of the bytes before it.
    pub sha256: [u8; 32],
}

/// A good row: a stretch of [`Batch::bytes`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RowSpan {
    /// Index of its first byte.
    pub start: u32,
    /// Index after its last byte; the line end stands there.
    pub end: u32,
    /// Where it stands in the input.
    pub position: Position,
}

/// Why a row was skipped.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    /// It is longer than [`Limits::row_bytes`].
    #[error("the row is longer than {limit} bytes")]
    TooLong {
        /// The limit it passed.
        limit: usize,
    },
}

impl Fault {
    /// What to do about it.
    pub fn hint(&self) -> &'static str {
        match self {
            Self::TooLong { .. } => "check the row for a missing line end, or raise the row limit",
        }
    }
}

/// A row that was skipped to its end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FaultyRow {
    /// Where it stands in the input.
    pub position: Position,
    /// What is wrong with it.
    pub fault: Fault,
    /// Its first bytes, [`KEPT_BYTES`] at most.
    pub raw: Vec<u8>,
    /// Its whole length in bytes, without the line end.
    pub length: u64,
}

/// A handful of rows, framed but not parsed. Meant to be reused.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Batch {
    /// The good rows back to back, each followed by exactly one `\n` whatever
    /// its line end was.
    pub bytes: Vec<u8>,
    /// The good rows in input order.
    pub rows: Vec<RowSpan>,
    /// The skipped rows in input order.
    pub faults: Vec<FaultyRow>,
}

impl Batch {
    /// Empties the batch and keeps its memory.
    pub fn clear(&mut self) {
        self.bytes.clear();
        self.rows.clear();
        self.faults.clear();
    }

    /// How many rows it holds, good and faulty.
    pub fn len(&self) -> usize {
        self.rows.len() + self.faults.len()
    }

    /// Whether it holds no row at all.
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty() && self.faults.is_empty()
    }

    /// The text of a row without its line end; `None` for a span that does not
    /// lie within this batch.
    pub fn text(&self, row: &RowSpan) -> Option<&[u8]> {
        self.bytes.get(row.start as usize..row.end as usize)
    }
}

/// Why reading an input stopped. After any of these the reader gives no more
/// rows.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// A quoted cell does not end, so no later row can be told apart.
    #[error("the quote opened on line {line} (byte {byte}) {}", open_quote(*at_end, *limit))]
    OpenQuote {
        /// The line the quoted cell opens on.
        line: u64,
        /// The offset of its opening quote.
        byte: u64,
        /// Whether the input ended inside the quotes; if not, the row passed
        /// the limit there.
        at_end: bool,
        /// The limit in force, [`Limits::row_bytes`].
        limit: usize,
    },
    /// The input is UTF-16, by its byte order mark or by the zeros beside its
    /// first letters.
    #[error("the input is UTF-16 ({}-endian), not UTF-8", if *little_endian { "little" } else { "big" })]
    Utf16 {
        /// Whether the lower byte comes first.
        little_endian: bool,
    },
    /// The header row is longer than [`Limits::row_bytes`].
    #[error("the header on line {line} is {length} bytes long, more than {limit}")]
    HeaderTooLong {
        /// The line it begins on.
        line: u64,
        /// Its whole length.
        length: u64,
        /// The limit it passed.
        limit: usize,
    },
    /// The header has text between a closing quote and the next delimiter.
    #[error("the header on line {line} has text after a closing quote (byte {byte})")]
    HeaderStrayQuote {
        /// The line the header begins on.
        line: u64,
        /// The offset of the text in the input.
        byte: u64,
    },
    /// The header could not be split into cells.
    #[error("the header cannot be split into cells")]
    Header(#[source] CellsError),
    /// The input is Parquet, and was to be read as text.
    #[error("the input is Parquet, not text")]
    Parquet,
    /// A column that is needed has a type that nothing can be made of.
    #[error("the column {column:?}, of the type {kind}, {why}")]
    Column {
        /// The column.
        column: String,
        /// Its type.
        kind: String,
        /// What is wrong with that.
        why: &'static str,
    },
    /// The delimiter is a byte that CSV needs for something else.
    #[error("the delimiter cannot be {:?}", char::from(*delimiter))]
    Delimiter {
        /// The byte that was asked for.
        delimiter: u8,
    },
    /// The reader was called when it had nothing sound to answer.
    #[error("the reader cannot go on: {why}")]
    OutOfTurn {
        /// What came before.
        why: &'static str,
    },
    /// The bytes before a place where reading should be taken up again are not
    /// the ones that were read then.
    #[error("the first {wanted} bytes are not the ones that were read before{}", short(*found, *wanted))]
    Changed {
        /// How many bytes were to come.
        wanted: u64,
        /// How many there were.
        found: u64,
    },
    /// The source could not be read.
    #[error("the input cannot be read")]
    Io(#[source] std::io::Error),
}

impl ReadError {
    /// What to do about it.
    pub fn hint(&self) -> &'static str {
        match self {
            Self::OpenQuote { at_end: true, .. } => {
                "close the quote on that line, or double it (\"\") if it is text"
            }
            Self::OpenQuote { at_end: false, .. } => {
                "close the quote on that line, double it (\"\") if it is text, or raise the row limit if the cell is really that long"
            }
            Self::Utf16 {
                little_endian: true,
            } => {
                "Excel's \"Unicode Text\" and PowerShell's > write so: iconv -f UTF-16LE -t UTF-8 FILE > OUT"
            }
            Self::Parquet if cfg!(feature = "parquet") => {
                "give --input-format parquet, or a name that ends in .parquet"
            }
            Self::Parquet => WITHOUT_PARQUET,
            Self::Column { .. } => {
                "make an integer or text of it where it is written: in DuckDB, epoch_ms(COLUMN) for a time and CAST(COLUMN AS VARCHAR) for the rest"
            }
            Self::Utf16 { .. } => "iconv -f UTF-16BE -t UTF-8 FILE > OUT",
            Self::HeaderTooLong { .. } => "check that the first line names the columns and ends",
            Self::HeaderStrayQuote { .. } => "put the whole column name between the quotes",
            Self::Header(source) => source.hint(),
            Self::Delimiter { .. } => "use a comma, a tab, a semicolon or another plain character",
            Self::OutOfTurn { .. } => "open the input again",
            Self::Changed { .. } => {
                "give the input as it was, or give --force without --resume to start anew"
            }
            Self::Io(_) => "check that the file is there, can be read and is complete",
        }
    }
}

/// What to type where Parquet is needed and this build has none.
pub const WITHOUT_PARQUET: &str =
    "this build has no Parquet: cargo install campaign-signer --features parquet";

/// The end of the message of [`ReadError::Changed`].
fn short(found: u64, wanted: u64) -> String {
    if found < wanted {
        format!(": there are only {found}")
    } else {
        String::new()
    }
}

/// The second half of the message of [`ReadError::OpenQuote`].
fn open_quote(at_end: bool, limit: usize) -> String {
    if at_end {
        "is still open at the end of the input".to_owned()
    } else {
        format!("is still open where its row passes {limit} bytes")
    }
}

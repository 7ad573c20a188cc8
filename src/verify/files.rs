//! Opens signed files and reads their lines: in batches for many workers, or
//! one by one. It must not know what a record is.

use std::collections::VecDeque;
use std::sync::Arc;

use crate::error::Error;
use crate::hex::hex;
use crate::row::{self, Batch, Dialect, Input, Limits, Reader};

use super::VerifiedFile;

/// The longest line of a signed file that is read. A token is at most a few
/// times as long as the row it was made of.
pub(super) const LONGEST_RECORD: usize = 64 << 20;

/// The longest line of a rejects file: a row in JSON and all its problems.
pub(super) const LONGEST_REJECT: usize = 1 << 30;

/// How many records are judged together, and how many bytes they have, unless
/// a single one has more: an engine that works in lanes wants about a thousand
/// signatures at a time, and a record with a token is half a KiB or more.
const BATCH_RECORDS: usize = 1024;
const BATCH_BYTES: usize = 512 * 1024;

/// An open file, its header read.
pub(super) struct Open {
    reader: Reader<row::Source>,
    pub(super) header: Option<Arc<Vec<String>>>,
    dialect: Dialect,
    pub(super) name: String,
    input: u32,
    records: u64,
}

impl Open {
    /// What was read, after the last line.
    fn verified(&self) -> VerifiedFile {
        let (bytes, sha256) = self.reader.stored();
        VerifiedFile {
            name: self.name.clone(),
            records: self.records,
            bytes,
            sha256: hex(&sha256),
        }
    }

    /// Opens a file, the `at`th of all.
    pub(super) fn new(at: usize, input: &Input, longest: usize) -> Result<Self, Error> {
        let name = input.name();
        let source = input.open().map_err(|source| Error::Open {
            file: name.clone(),
            source,
        })?;
        let limits = Limits {
            row_bytes: longest,
            batch_rows: BATCH_RECORDS,
            batch_bytes: BATCH_BYTES,
        };
        let mut reader = Reader::new(source, input.dialect, limits, 1);
        let header = match input.dialect {
            Dialect::Ndjson | Dialect::Parquet => None,
            Dialect::Csv { .. } => {
                let cells = reader.header().map_err(|error| Error::Read {
                    file: name.clone(),
                    error,
                })?;
                let cells = cells.unwrap_or_default();
                let names = cells
                    .into_iter()
                    .map(|cell| String::from_utf8_lossy(&cell).into_owned());
                Some(Arc::new(names.collect()))
            }
        };
        Ok(Self {
            reader,
            header,
            dialect: input.dialect,
            name,
            input: u32::try_from(at).unwrap_or(u32::MAX),
            records: 0,
        })
    }

    fn next_batch(&mut self, batch: &mut Batch) -> Result<bool, Error> {
        let more = self.reader.next_batch(batch);
        let more = more.map_err(|error| Error::Read {
            file: self.name.clone(),
            error,
        })?;
        self.records += batch.len() as u64;
        Ok(more)
    }
}

/// All files, one after another, in batches.
pub(super) struct Source<'a> {
    inputs: std::iter::Enumerate<std::slice::Iter<'a, Input>>,
    current: Option<Open>,
    /// Every file that was read to its end.
    pub(super) files: Vec<VerifiedFile>,
}

/// A batch with what is needed to read it.
pub(super) struct Work {
    pub(super) batch: Batch,
    pub(super) header: Option<Arc<Vec<String>>>,
    pub(super) dialect: Dialect,
    pub(super) name: String,
    pub(super) input: u32,
}

impl<'a> Source<'a> {
    pub(super) fn new(inputs: &'a [Input]) -> Self {
        Self {
            inputs: inputs.iter().enumerate(),
            current: None,
            files: Vec::new(),
        }
    }

    /// The next batch, or `None` after the last file.
    pub(super) fn next(&mut self) -> Result<Option<Work>, Error> {
        loop {
            let current = match &mut self.current {
                Some(current) => current,
                None => match self.inputs.next() {
                    Some((at, input)) => {
                        let open = Open::new(at, input, LONGEST_RECORD)?;
                        self.current.insert(open)
                    }
                    None => return Ok(None),
                },
            };
            let mut batch = Batch::default();
            if current.next_batch(&mut batch)? {
                return Ok(Some(Work {
                    batch,
                    header: current.header.clone(),
                    dialect: current.dialect,
                    name: current.name.clone(),
                    input: current.input,
                }));
            }
            self.files.push(current.verified());
            self.current = None;
        }
    }
}

/// One line of a file.
pub(super) struct Line {
    /// Its number, from 1.
    pub(super) number: u64,
    /// Its bytes; or why it was passed over.
    pub(super) text: Result<Vec<u8>, String>,
}

/// The lines of one file, one by one.
pub(super) struct Lines {
    pub(super) open: Open,
    batch: Batch,
    waiting: VecDeque<Line>,
}

impl Lines {
    pub(super) fn new(input: &Input, longest: usize) -> Result<Self, Error> {
        Ok(Self {
            open: Open::new(0, input, longest)?,
            batch: Batch::default(),
            waiting: VecDeque::new(),
        })
    }

    /// The next line, or `None` at the end.
    pub(super) fn next(&mut self) -> Result<Option<Line>, Error> {
        if self.waiting.is_empty() && self.open.next_batch(&mut self.batch)? {
            let batch = &self.batch;
            let mut lines: Vec<Line> = Vec::with_capacity(batch.len());
            lines.extend(batch.rows.iter().map(|span| Line {
                number: span.position.line,
                text: Ok(batch.text(span).unwrap_or_default().to_vec()),
            }));
            lines.extend(batch.faults.iter().map(|fault| Line {
                number: fault.position.line,
                text: Err(fault.fault.to_string()),
            }));
            if !batch.faults.is_empty() {
                lines.sort_by_key(|line| line.number);
            }
            self.waiting = lines.into();
        }
        Ok(self.waiting.pop_front())
    }

    /// What was read, after the last line.
    pub(super) fn summary(&self) -> VerifiedFile {
        self.open.verified()
    }
}

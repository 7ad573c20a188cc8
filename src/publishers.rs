//! The publishers of a run: a file that is read whole before the first row,
//! and checked.
//!
//! Publishers are held for the whole run, so there is a limit to them; what
//! they give is for `record` to know. This module must not know keys, outputs
//! or threads.

use std::io::Read;
use std::sync::Arc;

use sha2::{Digest, Sha256};

use crate::error::Error;
use crate::format::{Code, Fault};
use crate::hex::hex;
use crate::record::{PlanError, Problem, PublisherReader, Publishers, Rules, Settings};
use crate::row::{self, Batch, Cells, Dialect, Input, Limits, Reader};
use crate::stop::Stop;
use crate::terms::PublishersTerm;

/// The largest file of publishers, in bytes after decompression.
const MOST_BYTES: u64 = 64 << 20;

/// A file of publishers, as it was read.
#[derive(Clone, Debug)]
pub struct PublisherFile {
    name: String,
    dialect: Dialect,
    bytes: Arc<Vec<u8>>,
    sha256: String,
}

impl PublisherFile {
    /// Reads it whole; it may be compressed.
    ///
    /// # Errors
    /// When it cannot be read, is too large to be held, or somebody asked to
    /// stop while it was read.
    pub fn read(input: &Input, stop: &Stop) -> Result<Self, Error> {
        let file = input.name();
        let mut bytes = Vec::new();
        let read = input.open_until(stop).and_then(|source| {
            let mut source = source.take(MOST_BYTES + 1);
            source.read_to_end(&mut bytes)
        });
        match read {
            Ok(_) if bytes.len() as u64 <= MOST_BYTES => Ok(Self {
                name: file,
                dialect: input.dialect,
                sha256: hex(&Sha256::digest(&bytes)),
                bytes: Arc::new(bytes),
            }),
            Ok(_) => Err(Error::settings(
                format!(
                    "{file} has more than {MOST_BYTES} bytes, and publishers are held in memory"
                ),
                "give the larger file as the input, and the smaller one as --publishers",
            )),
            Err(_) if stop.is_requested() => Err(Error::Interrupted { rows: 0 }),
            Err(source) => Err(Error::Open { file, source }),
        }
    }

    /// What there is to write down of it and of how rows meet it.
    pub fn term(&self, settings: &Settings) -> PublishersTerm {
        let meeting = settings.meeting.clone().unwrap_or_default();
        PublishersTerm {
            path: self.name.clone(),
            sha256: self.sha256.clone(),
            form: self.dialect.into(),
            id: meeting.id,
            join: meeting.join,
        }
    }

    /// Its rows, checked under the rules of every format; each of the rules
    /// meets them from then on.
    ///
    /// # Errors
    /// The first publisher that is broken, with every problem it has; and when
    /// there is none.
    pub fn introduce(&self, rules: &mut [Rules]) -> Result<(), Error> {
        let publishers = Arc::new(self.check(rules)?);
        if publishers.is_empty() {
            return Err(Error::settings(
                format!("{} has no publisher", self.name),
                "each row of the input meets each publisher: without one nothing is signed",
            ));
        }
        rules.iter_mut().for_each(|rules| rules.meet(&publishers));
        Ok(())
    }

    fn check(&self, rules: &[Rules]) -> Result<Publishers, Error> {
        let read_error = |error| Error::Read {
            file: self.name.clone(),
            error,
        };
        let unfit = |error| Error::Plan {
            file: Some(self.name.clone()),
            error,
        };
        let mut reader = Reader::new(&self.bytes[..], self.dialect, Limits::default(), 1);
        let header = match self.dialect {
            Dialect::Ndjson | Dialect::Parquet => None,
            Dialect::Csv { .. } => match reader.header().map_err(read_error)? {
                Some(header) => Some(header),
                None => return Err(unfit(PlanError::NoHeader)),
            },
        };
        let mut publishers = PublisherReader::new(rules, header.as_deref()).map_err(unfit)?;
        let mut batch = Batch::default();
        while reader.next_batch(&mut batch).map_err(read_error)? {
            self.batch(&batch, &mut publishers)?;
        }
        Ok(publishers.finish())
    }

    fn batch(&self, batch: &Batch, publishers: &mut PublisherReader<'_>) -> Result<(), Error> {
        if let Some(fault) = batch.faults.first() {
            let row::Fault::TooLong { limit } = fault.fault;
            let wanted = format!("at most {limit} bytes");
            let found = format!("{} bytes", fault.length);
            let problem = Problem::row(Code::RowTooLong, &found, wanted);
            return Err(self.broken(fault.position.line, vec![problem]));
        }
        match self.dialect {
            Dialect::Ndjson | Dialect::Parquet => batch.rows.iter().try_for_each(|span| {
                let raw = batch.text(span).unwrap_or_default();
                let taken = publishers.json(raw);
                taken.map_err(|problems| self.broken(span.position.line, problems))
            }),
            Dialect::Csv { delimiter } => {
                let mut cells = Cells::new(batch, delimiter);
                while let Some((span, row)) = cells.next() {
                    let line = span.position.line;
                    let row = row.map_err(|source| Error::Cells {
                        file: self.name.clone(),
                        source,
                    })?;
                    let raw = batch.text(span).unwrap_or_default();
                    if row::stray_quote(raw, delimiter).is_some() {
                        let fault =
                            Fault::new(Code::StrayQuote, "a delimiter after a closing quote")
                                .hint("write a quote inside a quoted value twice");
                        return Err(self.broken(line, vec![Problem::new("", "", fault)]));
                    }
                    let taken = publishers.cells(row);
                    taken.map_err(|problems| self.broken(line, problems))?;
                }
                Ok(())
            }
        }
    }

    fn broken(&self, line: u64, problems: Vec<Problem>) -> Error {
        Error::Publisher {
            file: self.name.clone(),
            line,
            problems,
        }
    }
}

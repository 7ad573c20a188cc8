//! The files of postbacks, one after another, in batches for many workers. It
//! must not know what a line holds.

use std::sync::Arc;

use crate::error::Error;
use crate::row::{self, Batch, Input, Limits, Reader};

/// How many postbacks are judged together, and how many bytes they have: an
/// engine that works in lanes wants about a thousand signatures at a time.
const BATCH_LINES: usize = 1024;
const BATCH_BYTES: usize = 1024 * 1024;

/// All inputs.
pub(super) struct Source<'a> {
    inputs: std::iter::Enumerate<std::slice::Iter<'a, Input>>,
    current: Option<(u32, Arc<str>, Reader<row::Source>)>,
    longest: usize,
}

/// A batch, and the input that it is of.
pub(super) struct Work {
    pub(super) batch: Batch,
    pub(super) file: Arc<str>,
    pub(super) input: u32,
}

impl<'a> Source<'a> {
    /// Lines of more than `longest` bytes are passed over, and said to be.
    pub(super) fn new(inputs: &'a [Input], longest: usize) -> Self {
        Self {
            inputs: inputs.iter().enumerate(),
            current: None,
            longest,
        }
    }

    /// The next batch, or `None` after the last input.
    pub(super) fn next(&mut self) -> Result<Option<Work>, Error> {
        loop {
            let (input, file, reader) = match &mut self.current {
                Some(current) => current,
                None => match self.inputs.next() {
                    Some((at, input)) => {
                        let open = self.open(at, input)?;
                        self.current.insert(open)
                    }
                    None => return Ok(None),
                },
            };
            let mut batch = Batch::default();
            let more = reader.next_batch(&mut batch).map_err(|error| Error::Read {
                file: file.to_string(),
                error,
            })?;
            if more {
                return Ok(Some(Work {
                    batch,
                    file: Arc::clone(file),
                    input: *input,
                }));
            }
            self.current = None;
        }
    }

    fn open(
        &self,
        at: usize,
        input: &Input,
    ) -> Result<(u32, Arc<str>, Reader<row::Source>), Error> {
        let file = input.name();
        let source = input.open().map_err(|source| Error::Open {
            file: file.clone(),
            source,
        })?;
        let limits = Limits {
            row_bytes: self.longest,
            batch_rows: BATCH_LINES,
            batch_bytes: BATCH_BYTES,
        };
        let reader = Reader::new(source, input.dialect, limits, 1);
        Ok((u32::try_from(at).unwrap_or(u32::MAX), file.into(), reader))
    }
}

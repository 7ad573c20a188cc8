//! The inputs of a run: opened in their order, framed into batches.

use std::sync::Arc;

use crate::error::Error;
use crate::hex::hex;
use crate::output::InputEntry;
use crate::record::{Plan, PlanError, Rules};
use crate::row::{Batch, Dialect, Input, Limits, Reader, Source};

/// A batch with what is needed to read it.
pub(super) struct Work<'r> {
    pub(super) batch: Batch,
    pub(super) input: Arc<Open<'r>>,
}

/// What the rows of one input have in common.
pub(super) struct Open<'r> {
    pub(super) name: String,
    pub(super) dialect: Dialect,
    pub(super) plan: Plan<'r>,
}

struct Current<'r> {
    reader: Reader<Source>,
    open: Arc<Open<'r>>,
    first: u64,
}

/// All inputs, one after another.
pub(super) struct Inputs<'r> {
    rules: &'r Rules,
    limits: Limits,
    waiting: std::vec::IntoIter<Waiting<'r>>,
    current: Option<Current<'r>>,
    next_record: u64,
    /// Every input that was read to its end.
    pub(super) entries: Vec<InputEntry>,
}

/// An input whose header fits. A regular file was closed again, so that any
/// number of files may be given; anything else cannot be opened twice.
struct Waiting<'r> {
    input: Input,
    opened: Option<Current<'r>>,
}

impl<'r> Inputs<'r> {
    /// Opens every input and checks its header, before any work is done.
    /// Beside the inputs it tells whether any row may name its own version.
    pub(super) fn prepare(
        inputs: &[Input],
        rules: &'r Rules,
        limits: Limits,
    ) -> Result<(Self, bool), Error> {
        let mut waiting = Vec::with_capacity(inputs.len());
        let mut reads_version = false;
        for input in inputs {
            let current = open(input, rules, limits, 1)?;
            reads_version |= current.open.plan.reads_version();
            let is_file = input.size().is_some();
            waiting.push(Waiting {
                input: input.clone(),
                opened: (!is_file).then_some(current),
            });
        }
        let inputs = Self {
            rules,
            limits,
            waiting: waiting.into_iter(),
            current: None,
            next_record: 1,
            entries: Vec::new(),
        };
        Ok((inputs, reads_version))
    }

    /// The next batch, or `None` after the last input.
    pub(super) fn next(&mut self) -> Result<Option<Work<'r>>, Error> {
        loop {
            let current = match &mut self.current {
                Some(current) => current,
                None => match self.waiting.next() {
                    None => return Ok(None),
                    Some(waiting) => {
                        let mut current = match waiting.opened {
                            Some(current) => current,
                            None => {
                                open(&waiting.input, self.rules, self.limits, self.next_record)?
                            }
                        };
                        current.reader.set_next_record(self.next_record);
                        current.first = self.next_record;
                        self.current.insert(current)
                    }
                },
            };
            let mut batch = Batch::default();
            let more = current.reader.next_batch(&mut batch);
            let more = more.map_err(|error| Error::Read {
                file: current.open.name.clone(),
                error,
            })?;
            if more {
                let input = Arc::clone(&current.open);
                return Ok(Some(Work { batch, input }));
            }
            self.next_record = current.reader.next_record();
            self.entries.push(InputEntry {
                path: current.open.name.clone(),
                bytes: current.reader.bytes_read(),
                sha256: hex(&current.reader.sha256()),
                rows: self.next_record - current.first,
            });
            self.current = None;
        }
    }
}

fn open<'r>(
    input: &Input,
    rules: &'r Rules,
    limits: Limits,
    first: u64,
) -> Result<Current<'r>, Error> {
    let name = input.name();
    let source = input.open().map_err(|source| Error::Open {
        file: name.clone(),
        source,
    })?;
    let mut reader = Reader::new(source, input.dialect, limits, first);
    let read_error = |error| Error::Read {
        file: name.clone(),
        error,
    };
    let plan_error = |error| Error::Plan {
        file: Some(name.clone()),
        error,
    };
    let plan = match input.dialect {
        Dialect::Ndjson => Plan::for_members(rules),
        Dialect::Csv { .. } => match reader.header().map_err(read_error)? {
            Some(header) => Plan::for_header(rules, &header).map_err(plan_error)?,
            None => return Err(plan_error(PlanError::NoHeader)),
        },
    };
    let open = Arc::new(Open {
        name: name.clone(),
        dialect: input.dialect,
        plan,
    });
    Ok(Current {
        reader,
        open,
        first,
    })
}

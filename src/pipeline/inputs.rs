//! The inputs of a run: opened in their order, framed into batches, and passed
//! over where an earlier attempt has done them.

use std::sync::Arc;

use crate::error::Error;
use crate::hex::hex;
use crate::output::{Checkpoint, InputEntry};
use crate::record::{Plan, PlanError, Rules, taken};
use crate::row::{Batch, Dialect, Input, Limits, Place, ReadError, Reader, Source};
use crate::stop::Stop;

use super::supply::{Lent, Supply};

/// A batch with what is needed to read it.
pub(super) struct Work<'r> {
    pub(super) batch: Lent<Batch>,
    pub(super) input: Arc<Open<'r>>,
    pub(super) bounds: Arc<Bounds>,
    /// How many of its tasks an earlier attempt has done.
    pub(super) skip: u64,
}

/// What the rows of one input have in common.
pub(super) struct Open<'r> {
    pub(super) name: String,
    pub(super) dialect: Dialect,
    /// How rows are read for each of the run's formats.
    pub(super) plans: Vec<Plan<'r>>,
}

/// Where a batch begins and ends.
pub(super) struct Bounds {
    pub(super) from: Spot,
    pub(super) to: Spot,
    /// It was cut short by the end of an input that may be longer when it is
    /// fed again: its last row may be half of one, and its tasks may be others
    /// then. No place in it can be gone on from.
    pub(super) is_torn: bool,
}

/// A place over all inputs.
#[derive(Clone)]
pub(super) struct Spot {
    /// The inputs before the one the place is in.
    pub(super) finished: Arc<Vec<InputEntry>>,
    pub(super) place: Place,
}

struct Current<'r> {
    reader: Reader<Source>,
    open: Arc<Open<'r>>,
    first: u64,
    /// It is a regular file, which is what it is.
    is_file: bool,
}

/// All inputs, one after another.
pub(super) struct Inputs<'r> {
    rules: &'r [Rules],
    limits: Limits,
    stop: Stop,
    waiting: std::vec::IntoIter<Waiting<'r>>,
    current: Option<Current<'r>>,
    batches: Arc<Supply<Batch>>,
    next_record: u64,
    /// Of the next batch.
    skip: u64,
    /// The first input that was opened, and the names of it and of one that has
    /// another header, where there is such a one.
    pub(super) first: Option<Arc<Open<'r>>>,
    pub(super) unlike: Option<(String, String)>,
    /// Every input that was read to its end.
    pub(super) finished: Arc<Vec<InputEntry>>,
}

/// An input whose header fits. A regular file was closed again, so that any
/// number of files may be given; anything else cannot be opened twice.
struct Waiting<'r> {
    input: Input,
    opened: Option<Current<'r>>,
}

impl<'r> Inputs<'r> {
    /// Opens every input and checks its header, before any work is done.
    /// Beside the inputs it tells of each format whether any row may name its
    /// own version.
    pub(super) fn prepare(
        inputs: &[Input],
        rules: &'r [Rules],
        limits: Limits,
        stop: &Stop,
    ) -> Result<(Self, Vec<bool>), Error> {
        let mut this = Self {
            rules,
            limits,
            stop: stop.clone(),
            waiting: Vec::new().into_iter(),
            current: None,
            batches: Arc::default(),
            next_record: 1,
            skip: 0,
            first: None,
            unlike: None,
            finished: Arc::default(),
        };
        let mut waiting = Vec::with_capacity(inputs.len());
        let mut reads_version = vec![false; rules.len()];
        for input in inputs {
            let current = this.open(input)?;
            for (reads, plan) in reads_version.iter_mut().zip(&current.open.plans) {
                *reads |= plan.reads_version();
            }
            let open = &current.open;
            match &this.first {
                None => this.first = Some(Arc::clone(open)),
                Some(first) if this.unlike.is_none() && !first.has_header_of(open) => {
                    this.unlike = Some((first.name.clone(), open.name.clone()));
                }
                Some(_) => {}
            }
            let is_file = input.size().is_some();
            waiting.push(Waiting {
                input: input.clone(),
                opened: (!is_file).then_some(current),
            });
        }
        this.waiting = waiting.into_iter();
        Ok((this, reads_version))
    }

    /// Passes over what an earlier attempt has done: reads it again, and goes
    /// on only if it is the same.
    pub(super) fn take_up(&mut self, checkpoint: &Checkpoint) -> Result<(), Error> {
        for done in &checkpoint.finished {
            let Some(mut current) = self.next_input()? else {
                break;
            };
            let entry = current.drain()?;
            if (entry.bytes, &entry.sha256) != (done.bytes, &done.sha256) {
                return Err(Error::Read {
                    file: entry.path,
                    error: ReadError::Changed {
                        wanted: done.bytes,
                        found: entry.bytes,
                    },
                });
            }
            self.next_record += done.rows;
        }
        self.finished = Arc::new(checkpoint.finished.clone());
        let entry = &checkpoint.place;
        let place = Place {
            byte: entry.byte,
            line: entry.line,
            record: entry.record,
            sha256: digest(&entry.sha256),
        };
        if let Some(mut current) = self.next_input()? {
            current
                .reader
                .take_up(&place)
                .map_err(|error| Error::Read {
                    file: current.open.name.clone(),
                    error,
                })?;
            self.current = Some(current);
        }
        self.skip = entry.tasks;
        Ok(())
    }

    /// The next batch, or `None` after the last input, or once a stop is asked
    /// for.
    pub(super) fn next(&mut self) -> Result<Option<Work<'r>>, Error> {
        loop {
            if self.stop.is_requested() {
                return Ok(None);
            }
            if self.current.is_none() {
                self.current = self.next_input()?;
            }
            let Some(current) = &mut self.current else {
                return Ok(None);
            };
            let spot = |reader: &mut Reader<Source>| Spot {
                finished: Arc::clone(&self.finished),
                place: reader.place(),
            };
            let from = spot(&mut current.reader);
            let mut batch = self.batches.take();
            let more = current.reader.next_batch(&mut batch);
            let more = more.map_err(|error| Error::Read {
                file: current.open.name.clone(),
                error,
            })?;
            if more {
                let to = spot(&mut current.reader);
                let is_torn = current.reader.is_at_end() && !current.is_file;
                return Ok(Some(Work {
                    batch,
                    input: Arc::clone(&current.open),
                    bounds: Arc::new(Bounds { from, to, is_torn }),
                    skip: std::mem::take(&mut self.skip),
                }));
            }
            if current.reader.source().has_changed() {
                let file = current.open.name.clone();
                return Err(Error::InputChanged { file });
            }
            self.next_record = current.reader.next_record();
            let entry = current.entry();
            Arc::make_mut(&mut self.finished).push(entry);
            self.current = None;
        }
    }

    /// The next input at its first row.
    fn next_input(&mut self) -> Result<Option<Current<'r>>, Error> {
        let Some(waiting) = self.waiting.next() else {
            return Ok(None);
        };
        let mut current = match waiting.opened {
            Some(current) => current,
            None => self.open(&waiting.input)?,
        };
        current.reader.set_next_record(self.next_record);
        current.first = self.next_record;
        Ok(Some(current))
    }

    fn open(&self, input: &Input) -> Result<Current<'r>, Error> {
        let name = input.name();
        let mut source = input.open_until(&self.stop).map_err(|source| Error::Open {
            file: name.clone(),
            source,
        })?;
        let first = self.next_record;
        if let Some(columns) = source.columns() {
            let taken = taken(self.rules, &columns).map_err(|error| Error::Plan {
                file: Some(name.clone()),
                error,
            })?;
            source.select(&taken).map_err(|error| Error::Read {
                file: name.clone(),
                error,
            })?;
        }
        let mut reader = Reader::new(source, input.dialect, self.limits, first);
        let read_error = |error| Error::Read {
            file: name.clone(),
            error,
        };
        let plan_error = |error| Error::Plan {
            file: Some(name.clone()),
            error,
        };
        let rules = self.rules.iter();
        let plans = match input.dialect {
            Dialect::Ndjson | Dialect::Parquet => rules.map(Plan::for_members).collect(),
            Dialect::Csv { .. } => match reader.header().map_err(read_error)? {
                Some(header) => {
                    let plans = rules.map(|rules| Plan::for_header(rules, &header));
                    plans.collect::<Result<_, _>>().map_err(plan_error)?
                }
                None => return Err(plan_error(PlanError::NoHeader)),
            },
        };
        let open = Arc::new(Open {
            name: name.clone(),
            dialect: input.dialect,
            plans,
        });
        Ok(Current {
            reader,
            open,
            first,
            is_file: input.size().is_some(),
        })
    }
}

impl Open<'_> {
    /// Whether rows of both stand under the same columns.
    fn has_header_of(&self, other: &Self) -> bool {
        let names = |open: &Self| open.plans.first().map(|plan| plan.header().to_vec());
        let is_csv = |open: &Self| matches!(open.dialect, Dialect::Csv { .. });
        is_csv(self) == is_csv(other) && names(self) == names(other)
    }
}

impl Current<'_> {
    /// The input after its last batch.
    fn entry(&self) -> InputEntry {
        let (bytes, sha256) = self.reader.stored();
        InputEntry {
            path: self.open.name.clone(),
            bytes,
            sha256: hex(&sha256),
            rows: self.reader.next_record() - self.first,
        }
    }

    /// Reads to the end without counting rows.
    fn drain(&mut self) -> Result<InputEntry, Error> {
        self.reader.drain().map_err(|error| Error::Read {
            file: self.open.name.clone(),
            error,
        })?;
        Ok(self.entry())
    }
}

/// A digest from its hexadecimal form. What is none of that form equals no
/// digest that is computed, as far as anybody knows.
fn digest(hex: &str) -> [u8; 32] {
    let mut bytes = [0; 32];
    for (at, byte) in bytes.iter_mut().enumerate() {
        let digits = hex.get(2 * at..2 * at + 2);
        *byte = digits
            .and_then(|digits| u8::from_str_radix(digits, 16).ok())
            .unwrap_or(0);
    }
    bytes
}

/// What inputs hold, read to their ends without looking at rows.
pub(super) fn contents(inputs: &[Input], stop: &Stop) -> Result<Vec<(u64, String)>, Error> {
    let content = |input: &Input| {
        let file = input.name();
        let source = match input.open_until(stop) {
            Ok(source) => source,
            Err(source) => return Err(Error::Open { file, source }),
        };
        let mut reader = Reader::new(source, input.dialect, Limits::default(), 1);
        match reader.drain() {
            Ok(()) => {
                let (bytes, sha256) = reader.stored();
                Ok((bytes, hex(&sha256)))
            }
            Err(ReadError::Io(_)) if stop.is_requested() => Err(Error::Interrupted { rows: 0 }),
            Err(error) => Err(Error::Read { file, error }),
        }
    };
    inputs.iter().map(content).collect()
}

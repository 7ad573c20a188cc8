//! A run: rows in, signed records and rejects out, the manifest last.
//!
//! Batches are read in order, checked and signed by the workers, and written
//! in order. The run counts what went in and what came out, and publishes
//! nothing unless they agree. It must not know arguments or the terminal.

mod books;
mod burst;
#[cfg(feature = "parquet")]
mod carried;
mod check;
mod counting;
mod describe;
mod inputs;
mod job;
mod keeper;
mod ledger;
mod litter;
mod pace;
mod partition;
mod press;
mod reject_form;
mod rows;
mod sample;
mod signer;
mod spread;
mod standing;
mod start;
mod supply;
#[cfg(feature = "parquet")]
mod table;
mod task;
mod trace;

use std::sync::Arc;
use std::time::Instant;

use jiff::Timestamp;

use crate::envelope::Envelope;
use crate::error::{Error, Kind};
use crate::output::{Checkpoint, Holder, Lock, PlaceEntry};
use crate::parallel;
use crate::record::{Rules, Spread};
use crate::row::Input;
use crate::signing_input::Recipes;

#[cfg(feature = "parquet")]
use carried::{carries, check_tables};
use check::Checked;
use counting::{Names, count_only};
use inputs::Inputs;
use ledger::Ledger;
use partition::Partitioner;
use press::{Press, Printer};
use reject_form::RejectForm;
use start::Choice;
#[cfg(feature = "parquet")]
use table::tabulate;
#[cfg(not(feature = "parquet"))]
use table::{carries, check_tables, tabulate};
use task::Task;
use trace::traced;

pub(crate) use books::Books;
pub use burst::{Burst, burst};
pub use job::{Begun, Event, Interval, Job, MaxRejects, Outputs, Progress, Summary};
pub use partition::check_partition;
pub use rows::{RowSigner, SignedRows};
pub use sample::{Sample, sample};
pub use signer::{RowError, Signer};
pub use standing::Standing;

/// Runs a job, from row one or, where [`Job::resume`] says so, from where an
/// unfinished run of the same job has come; `on` is told what happens.
///
/// # Errors
/// When the run cannot go on; nothing is published then, and what stood under
/// the outputs' names still stands there. Where the signed records go to a
/// file, what is done is kept for a resume ([`Event::Left`]).
pub fn run(job: Job, on: impl FnMut(Event<'_>)) -> Result<Summary, Error> {
    start::check_outputs(&job)?;
    let standing = Standing::find(&job.outputs, job.disk.as_ref())?;
    run_at(job, standing, on)
}

/// Runs a job at outputs whose lock is held already.
///
/// # Errors
/// As [`run`].
pub fn run_at(job: Job, standing: Standing, on: impl FnMut(Event<'_>)) -> Result<Summary, Error> {
    prepare(job, standing)?.run(on)
}

/// Decides what a job does at outputs whose lock is held already, so that a
/// mistake is told before the work of other jobs begins. Where only names are
/// missing from a complete run, it gets them now.
///
/// # Errors
/// As [`run`], as far as it can be told without reading the inputs.
pub fn prepare(mut job: Job, standing: Standing) -> Result<Prepared, Error> {
    start::check_outputs(&job)?;
    start::check_formats(&job)?;
    let Standing { lock, left } = standing;
    let choice = start::choose(&mut job, left, Timestamp::now())?;
    Ok(Prepared { job, lock, choice })
}

/// A job whose outputs are held for it, and of which is known where it begins.
pub struct Prepared {
    job: Job,
    lock: Option<Lock>,
    choice: Choice,
}

impl Prepared {
    /// Checks the settings, and the header of every input that can be read a
    /// second time; a finished run needs its inputs no more.
    ///
    /// # Errors
    /// When settings and headers do not fit, or an input cannot be opened.
    pub fn check_inputs(&self) -> Result<(), Error> {
        if matches!(self.choice, Choice::Done(_)) {
            return Ok(());
        }
        check_tables(&self.job)?;
        let rules = self.job.rules()?;
        let inputs = self.job.inputs.iter().filter(|input| !input.is_read_once());
        let inputs: Vec<Input> = inputs.cloned().collect();
        let is_all = inputs.len() == self.job.inputs.len();
        let prepared = Inputs::prepare(&inputs, &rules, self.job.limits, &self.job.stop);
        let (inputs, _) = prepared.map_err(|error| self.job.heeded(error, None))?;
        if is_all {
            RejectForm::of(&self.job, &inputs)?;
        }
        Ok(())
    }

    /// Runs it.
    ///
    /// # Errors
    /// As [`run`].
    pub fn run(self, mut on: impl FnMut(Event<'_>)) -> Result<Summary, Error> {
        let started = Timestamp::now();
        let Self { job, lock, choice } = self;
        let unfinished = match choice {
            Choice::Begin => None,
            Choice::GoOn(checkpoint) => Some(*checkpoint),
            Choice::Done(summary) => return Ok(*summary),
        };
        let took_over = lock.as_ref().and_then(|lock| lock.abandoned.clone());
        // How far a resume would come: what it was, until the work says more.
        let mut left = unfinished.as_ref().map(Progress::of);
        let rules = job.rules()?;
        check_tables(&job)?;
        let result =
            Inputs::prepare(&job.inputs, &rules, job.limits, &job.stop).and_then(|inputs| {
                let mut work = Work {
                    job: &job,
                    started,
                    left: &mut left,
                    on: &mut on,
                };
                work.run(inputs, &rules, unfinished, took_over)
            });
        let result = result.map_err(|error| job.heeded(error, left.as_ref()));
        if matches!(result, Err(Error::Interrupted { .. })) && lock.is_some() {
            // Stopped before there was a checkpoint: a resume starts at row one.
            left.get_or_insert_default();
        }
        if let Err(error) = &result
            && !matches!(error.kind(), Kind::Settings | Kind::Key)
            && let Some(left) = &left
        {
            on(Event::Left(left));
        }
        result
    }
}

/// Without Parquet nothing becomes a table: settings that ask for it are
/// refused.
#[cfg(not(feature = "parquet"))]
mod table {
    use super::{Error, Input, Job, parallel};
    use crate::output::{Extent, InputEntry};
    use crate::row::WITHOUT_PARQUET;

    pub(super) fn carries(_: &[Input]) -> Result<bool, Error> {
        Err(Error::settings(
            "nothing can be written as Parquet",
            WITHOUT_PARQUET,
        ))
    }

    pub(super) fn check_tables(_: &Job) -> Result<(), Error> {
        Ok(())
    }

    pub(super) fn tabulate(
        _: &parallel::Pool,
        job: &Job,
        _: &[String],
        _: &[InputEntry],
        _: &Extent,
        _: &std::path::Path,
    ) -> Result<Option<Extent>, Error> {
        carries(&job.inputs).map(|_| None)
    }
}

/// What makes lines of each format's records.
fn printers<'r>(rules: &'r [Rules], reads_version: &[bool], outputs: &Outputs) -> Vec<Printer<'r>> {
    let both = rules.iter().zip(reads_version);
    let printer = |(rules, reads_version): (&'r Rules, &bool)| {
        let layouts = rules.layouts(*reads_version);
        Printer {
            recipes: Recipes::new(rules.format()),
            envelope: Envelope::of(rules, outputs.style, &layouts, outputs.escape_formulas),
            publishers: rules.publishers(),
        }
    };
    both.map(printer).collect()
}

/// What the formats of a job and its keys are called.
fn names(job: &Job) -> Names {
    Names {
        formats: job.settings.formats().map(|choice| choice.name()).collect(),
        keys: match &job.choices {
            Some(choices) => choices.iter().map(|choice| choice.id.clone()).collect(),
            None => Vec::new(),
        },
    }
}

/// What signs a job's records.
fn press<'a>(
    job: &Job,
    signer: &'a Signer,
    (formats, together): (&'a [Printer<'a>], Option<&'a Envelope>),
    names: &'a Names,
    partitioner: Option<&'a Partitioner>,
) -> Press<'a> {
    let settings = &job.settings;
    Press {
        formats,
        together,
        names,
        signer,
        spread: settings.spread.map(|over| Spread {
            from: settings.timestamp,
            over,
        }),
        self_check: job.self_check,
        compression: press::of_signed(&job.outputs),
        partitioner,
        parted: job.outputs.folder.is_some(),
        benches: Arc::default(),
        lines: Arc::default(),
    }
}

/// What writes the objects in which all formats of a run stand together, where
/// they have such a shape.
fn together(rules: &[Rules]) -> Option<Envelope> {
    let joins = |rules: &Rules| rules.shape().is_some_and(|shape| shape.joins);
    let rules: Vec<&Rules> = rules.iter().collect();
    match rules.len() > 1 && rules.iter().all(|rules| joins(rules)) {
        true => Envelope::joined(&rules),
        false => None,
    }
}

/// What is done with checked records.
enum Todo {
    Sign(Task),
    Count(Checked),
}

/// A run at work.
struct Work<'w, F> {
    job: &'w Job,
    started: Timestamp,
    left: &'w mut Option<Progress>,
    on: &'w mut F,
}

impl<F: FnMut(Event<'_>)> Work<'_, F> {
    /// Reads, signs and writes, from where the checkpoint says.
    fn run(
        &mut self,
        (mut inputs, reads_version): (Inputs<'_>, Vec<bool>),
        rules: &[Rules],
        unfinished: Option<Checkpoint>,
        took_over: Option<Holder>,
    ) -> Result<Summary, Error> {
        let clock = Instant::now();
        let job = self.job;
        let formats = printers(rules, &reads_version, &job.outputs);
        let together = together(rules);
        let rejects = RejectForm::of(job, &inputs)?;
        let resumed = unfinished.is_some();
        if let Some(checkpoint) = &unfinished
            && (checkpoint.counts.rows > 0 || checkpoint.place != PlaceEntry::default())
        {
            inputs.take_up(checkpoint)?;
        }
        let pool = parallel::pool(job.threads).map_err(Error::Threads)?;
        let header = rejects.header()?;
        let opening = (&formats[0].envelope, header);
        let mut ledger = Ledger::open(job, opening, unfinished, self.started)?;
        let begun = Begun {
            rows: ledger.progress.rows,
            resumed,
            took_over,
            threads: pool.current_num_threads(),
            publishers: rules[0].publishers().map_or(0, |all| all.len() as u64),
        };
        (self.on)(Event::Begun(&begun));
        let finished = self
            .flow(
                &pool,
                (&mut inputs, &rejects),
                (&formats, together.as_ref()),
                &mut ledger,
            )
            .and_then(|()| {
                ledger.close(&inputs.finished, job.expect_rows)?;
                let mut summary = ledger.books.summary(&inputs.finished);
                summary.rows_now -= begun.rows;
                summary.elapsed = clock.elapsed();
                summary.threads = begun.threads;
                ledger.publish(&pool, job, &summary, self.started)?;
                summary.elapsed = clock.elapsed();
                Ok(summary)
            });
        if let Err(error) = &finished {
            *self.left = ledger.leave(error);
        }
        finished
    }

    /// Sends every row through the workers and into the ledger.
    fn flow(
        &mut self,
        pool: &parallel::Pool,
        (inputs, rejects): (&mut Inputs<'_>, &RejectForm),
        (formats, together): (&[Printer<'_>], Option<&Envelope>),
        ledger: &mut Ledger,
    ) -> Result<(), Error> {
        let job = self.job;
        let names = names(job);
        let partitioner = Partitioner::new(&job.outputs.partition_by, &job.settings)?;
        let press = job.signer.as_ref().map(|signer| {
            let formats = (formats, together);
            press(job, signer, formats, &names, partitioner.as_ref())
        });
        let joined = together.map_or(1, |_| formats.len());
        let records = Arc::default();
        parallel::flow(
            pool,
            || inputs.next(),
            |work| traced(|trace| check::check(&work, rejects, &records, trace)),
            // After a stop no further task begins; those at work are finished.
            |checked, spawn| {
                let mut spawn = |work| !job.stop.is_requested() && spawn(work);
                match (checked, &press) {
                    (Ok(checked), Some(_)) => {
                        task::cut(checked, joined, &mut |task| spawn(Ok(Todo::Sign(task))));
                    }
                    (Ok(checked), None) => {
                        spawn(Ok(Todo::Count(checked)));
                    }
                    (Err(error), _) => {
                        spawn(Err(error));
                    }
                }
            },
            |todo| match (todo?, &press) {
                (Todo::Sign(task), Some(press)) => traced(|trace| task.sign(press, trace)),
                (Todo::Sign(_), None) => unreachable!("tasks are cut where there is a press"),
                (Todo::Count(checked), _) => Ok(count_only(checked, joined, &names)),
            },
            |done| {
                if let (true, Some(durable)) = (ledger.enter(done?)?, ledger.durable()) {
                    (self.on)(Event::Checkpoint(&durable));
                }
                (self.on)(Event::Progress(&ledger.progress));
                Ok(())
            },
        )?;
        // A run may be over before its first checkpoint is durable.
        if let (true, Some(durable)) = (ledger.settle()?, ledger.durable()) {
            (self.on)(Event::Checkpoint(&durable));
        }
        match job.stop.is_requested() {
            false => Ok(()),
            true => Err(Error::Interrupted {
                rows: ledger.progress.rows,
            }),
        }
    }
}

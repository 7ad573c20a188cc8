//! A run: rows in, signed records and rejects out, the manifest last.
//!
//! Batches are read in order, checked and signed by the workers, and written
//! in order. The run counts what went in and what came out, and publishes
//! nothing unless they agree. It must not know arguments or the terminal.

mod books;
mod check;
mod describe;
mod inputs;
mod job;
mod keeper;
mod ledger;
mod signer;
mod standing;
mod start;
mod supply;
mod task;
mod trace;

use std::sync::Arc;
use std::time::Instant;

use jiff::Timestamp;

use crate::envelope::Envelope;
use crate::error::{Error, Kind};
use crate::output::{Checkpoint, Holder, PlaceEntry};
use crate::parallel;
use crate::record::Rules;
use crate::row::ReadError;
use crate::signing_input::Recipes;

use inputs::Inputs;
use ledger::Ledger;
use start::Choice;
use task::Press;
use trace::traced;

pub use job::{Begun, Event, Interval, Job, MaxRejects, Outputs, Progress, Summary};
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
pub fn run_at(
    mut job: Job,
    standing: Standing,
    mut on: impl FnMut(Event<'_>),
) -> Result<Summary, Error> {
    let started = Timestamp::now();
    start::check_outputs(&job)?;
    let Standing { lock, left } = standing;
    let unfinished = match start::choose(&mut job, left, started)? {
        Choice::Begin => None,
        Choice::GoOn(checkpoint) => Some(*checkpoint),
        Choice::Done(summary) => return Ok(*summary),
    };
    let took_over = lock.as_ref().and_then(|lock| lock.abandoned.clone());
    // How far a resume would come: what it was, until the work says more.
    let mut left = unfinished.as_ref().map(Progress::of);
    let rules =
        Rules::new(job.settings.clone()).map_err(|error| Error::Plan { file: None, error })?;
    let result = Inputs::prepare(&job.inputs, &rules, job.limits, &job.stop).and_then(|inputs| {
        let mut work = Work {
            job: &job,
            started,
            left: &mut left,
            on: &mut on,
        };
        work.run(inputs, &rules, unfinished, took_over)
    });
    // A reader that was told to stop says so in its own words.
    let result = result.map_err(|error| match error {
        Error::Read {
            error: ReadError::Io(_),
            ..
        } if job.stop.is_requested() => Error::Interrupted {
            rows: left.map_or(0, |left| left.rows),
        },
        error => error,
    });
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
        (mut inputs, reads_version): (Inputs<'_>, bool),
        rules: &Rules,
        unfinished: Option<Checkpoint>,
        took_over: Option<Holder>,
    ) -> Result<Summary, Error> {
        let clock = Instant::now();
        let job = self.job;
        let layouts = rules.layouts(reads_version);
        let outputs = &job.outputs;
        let envelope = Envelope::of(rules, outputs.style, &layouts, outputs.escape_formulas);
        let resumed = unfinished.is_some();
        if let Some(checkpoint) = &unfinished
            && (checkpoint.counts.rows > 0 || checkpoint.place != PlaceEntry::default())
        {
            inputs.take_up(checkpoint)?;
        }
        let pool = parallel::pool(job.threads).map_err(Error::Threads)?;
        let mut ledger = Ledger::open(job, &envelope, unfinished, self.started)?;
        let begun = Begun {
            rows: ledger.progress.rows,
            resumed,
            took_over,
            threads: pool.current_num_threads(),
        };
        (self.on)(Event::Begun(&begun));
        let finished = self
            .flow(&pool, &mut inputs, rules, &envelope, &mut ledger)
            .and_then(|()| {
                ledger.close(&inputs.finished, job.expect_rows)?;
                let mut summary = ledger.books.summary(&inputs.finished);
                summary.rows_now -= begun.rows;
                summary.elapsed = clock.elapsed();
                summary.threads = begun.threads;
                ledger.publish(job, &summary, self.started)?;
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
        inputs: &mut Inputs<'_>,
        rules: &Rules,
        envelope: &Envelope,
        ledger: &mut Ledger,
    ) -> Result<(), Error> {
        let job = self.job;
        let recipes = Recipes::new(rules.format());
        let press = job.signer.as_ref().map(|signer| Press {
            recipes: &recipes,
            signer,
            envelope,
            self_check: job.self_check,
            compression: ledger::compression(&job.outputs.signed),
            benches: Arc::default(),
            lines: Arc::default(),
        });
        let records = Arc::default();
        let rejects = ledger::compression(&job.outputs.rejects);
        parallel::flow(
            pool,
            || inputs.next(),
            |work| traced(|trace| check::check(&work, rejects, &records, trace)),
            // After a stop no further task begins; those at work are finished.
            |checked, spawn| {
                task::cut(checked, &mut |task| !job.stop.is_requested() && spawn(task))
            },
            |task| {
                let task = task?;
                match &press {
                    Some(press) => traced(|trace| task.sign(press, trace)),
                    None => Ok(task.skip()),
                }
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

//! A run: rows in, signed records and rejects out, the manifest last.
//!
//! Batches are read in order, checked and signed by the workers, and written
//! in order. The run counts what went in and what came out, and publishes
//! nothing unless they agree. It must not know arguments or the terminal.

mod books;
mod check;
mod inputs;
mod job;
mod keeper;
mod ledger;
mod signer;
mod standing;
mod task;
mod trace;

use std::path::PathBuf;
use std::time::Instant;

use jiff::Timestamp;

use crate::envelope::Envelope;
use crate::error::Error;
use crate::format::Freshness;
use crate::output::{Checkpoint, Holder, OutputError, PlaceEntry, check_targets};
use crate::parallel;
use crate::record::{Rules, Settings, UNPUBLISHED_TOLERANCE};
use crate::row::{Origin, ReadError};
use crate::signing_input::Recipes;
use crate::stop::Stop;
use crate::time::rfc3339;

use books::Books;
use inputs::Inputs;
use ledger::Ledger;
use standing::Left;
use task::Press;
use trace::traced;

pub use job::{Begun, Event, Interval, Job, MaxRejects, Outputs, Progress, SelfCheck, Summary};
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
    check_outputs(&job)?;
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
    check_outputs(&job)?;
    let Standing { lock, left } = standing;
    let stop = job.stop.clone();
    let chosen = choose(&mut job, left, started).map_err(|error| heeded(error, &stop, 0))?;
    let unfinished = match chosen {
        Choice::Begin => {
            check_clock(&job.settings, started)?;
            None
        }
        Choice::GoOn(checkpoint) => Some(*checkpoint),
        Choice::Done(summary) => return Ok(*summary),
    };
    let rules =
        Rules::new(job.settings.clone()).map_err(|error| Error::Plan { file: None, error })?;
    let rows = unfinished.as_ref().map_or(0, |c| c.counts.rows);
    let inputs = Inputs::prepare(&job.inputs, &rules, job.limits, &job.stop)
        .map_err(|error| heeded(error, &stop, rows))?;
    if let Some(checkpoint) = unfinished.as_ref().filter(|c| c.publishing.is_some()) {
        return conclude(&job, checkpoint);
    }
    let took_over = lock.as_ref().and_then(|lock| lock.abandoned.clone());
    work(
        &job, &rules, inputs, unfinished, started, took_over, &mut on,
    )
}

/// Reads, signs and writes, from where the checkpoint says.
fn work(
    job: &Job,
    rules: &Rules,
    (mut inputs, reads_version): (Inputs<'_>, bool),
    unfinished: Option<Checkpoint>,
    started: Timestamp,
    took_over: Option<Holder>,
    on: &mut impl FnMut(Event<'_>),
) -> Result<Summary, Error> {
    let clock = Instant::now();
    let format = rules.format();
    let layouts = rules.layouts(reads_version);
    let envelope = Envelope::new(
        job.outputs.style,
        format,
        &layouts,
        &rules.settings().keep,
        job.outputs.escape_formulas,
    );
    let recipes = Recipes::new(format);
    let pool = parallel::pool(job.threads).map_err(Error::Threads)?;
    let threads = pool.current_num_threads();
    let resumed = unfinished.is_some();
    if let Some(checkpoint) = &unfinished
        && (checkpoint.counts.rows > 0 || checkpoint.place != PlaceEntry::default())
    {
        inputs
            .take_up(checkpoint)
            .map_err(|error| heeded(error, &job.stop, checkpoint.counts.rows))?;
    }
    let mut ledger = Ledger::open(job, &envelope, unfinished, started)?;
    let rows_before = ledger.progress.rows;
    on(Event::Begun(&Begun {
        rows: rows_before,
        resumed,
        took_over,
        threads,
    }));
    let press = job.signer.as_ref().map(|signer| Press {
        recipes: &recipes,
        signer,
        envelope: &envelope,
        self_check: job.self_check,
        compression: ledger::compression(&job.outputs.signed),
    });
    let rejects = ledger::compression(&job.outputs.rejects);
    let flowed = parallel::flow(
        &pool,
        || inputs.next(),
        |work| traced(|trace| check::check(&work, rejects, trace)),
        |checked, spawn| task::cut(checked, &mut |task| !job.stop.is_requested() && spawn(task)),
        |task| {
            let task = task?;
            match &press {
                Some(press) => traced(|trace| task.sign(press, trace)),
                None => Ok(task.skip()),
            }
        },
        |done| {
            let kept = ledger.enter(done?)?;
            if kept {
                on(Event::Checkpoint(&ledger.progress));
            }
            on(Event::Progress(&ledger.progress));
            Ok(())
        },
    );
    let rows = ledger.progress.rows;
    let flowed = match flowed.map_err(Error::from) {
        Ok(()) if job.stop.is_requested() => Err(Error::Interrupted { rows }),
        Ok(()) => Ok(()),
        Err(error) => Err(heeded(error, &job.stop, rows)),
    };
    let finished = flowed.and_then(|()| {
        ledger.close(&inputs.finished, job.expect_rows)?;
        let books = &ledger.books;
        let summary = Summary {
            counts: books.counts,
            rejected_by_code: books.by_code.clone(),
            first_reject: books.first_reject.clone(),
            notices: books.notices.clone(),
            inputs: inputs.finished.to_vec(),
            rows_now: books.counts.rows - rows_before,
            elapsed: clock.elapsed(),
            threads,
            within_limit: books.within_limit(),
            was_finished: false,
        };
        ledger.publish(job, &summary, started)?;
        Ok(summary)
    });
    if let Err(error) = &finished
        && let Some(progress) = ledger.leave(error)
    {
        on(Event::Left(&progress));
    }
    finished
}

/// A reader that was told to stop may say so in its own words.
fn heeded(error: Error, stop: &Stop, rows: u64) -> Error {
    match error {
        Error::Read {
            error: ReadError::Io(_),
            ..
        } if stop.is_requested() => Error::Interrupted { rows },
        error => error,
    }
}

/// What is to be done at outputs where something may stand.
enum Choice {
    Begin,
    GoOn(Box<Checkpoint>),
    Done(Box<Summary>),
}

fn choose(job: &mut Job, left: Left, now: Timestamp) -> Result<Choice, Error> {
    let path = standing::checkpoint_of(job).unwrap_or_default();
    let force = job.outputs.force;
    match left {
        Left::Unfinished(checkpoint) if job.resume => {
            // Asked for now, an old job may be gone on with; its rows are
            // judged as they were.
            let may_be_old = job.settings.allow_stale;
            job.settings.allow_stale &= checkpoint.settings.allow_stale;
            let differences = standing::differences(&checkpoint, job);
            if !differences.is_empty() {
                return Err(Error::Resume { path, differences });
            }
            if !may_be_old {
                check_age(&job.settings, now)?;
            }
            Ok(Choice::GoOn(checkpoint))
        }
        Left::Damaged(error) if job.resume => Err(error.into()),
        Left::Finished(manifest) if job.resume => {
            let differences = standing::differences_finished(&manifest, job)?;
            if differences.is_empty() {
                Ok(Choice::Done(Box::new(Summary::of_finished(*manifest))))
            } else if force {
                Ok(Choice::Begin)
            } else {
                let path = job.outputs.manifest.clone().unwrap_or_default();
                Err(Error::Resume { path, differences })
            }
        }
        Left::Unfinished(_) | Left::Damaged(_) if !force => {
            let resumable = matches!(left, Left::Unfinished(_));
            Err(OutputError::Unfinished { path, resumable }.into())
        }
        _ => {
            if !force {
                standing::check_free(job)?;
            }
            Ok(Choice::Begin)
        }
    }
}

/// Gives the files of a complete run their names, where an attempt died while
/// it did.
fn conclude(job: &Job, checkpoint: &Checkpoint) -> Result<Summary, Error> {
    keeper::finish(job.disk.as_ref(), checkpoint, true)?;
    let within_limit = checkpoint
        .publishing
        .as_ref()
        .is_some_and(|p| p.within_limit);
    let books = Books::of(checkpoint)
        .ok_or_else(|| keeper::unusable(checkpoint, "it has a code this build does not know"))?;
    Ok(Summary {
        counts: books.counts,
        rejected_by_code: books.by_code,
        first_reject: books.first_reject,
        notices: books.notices,
        inputs: checkpoint.finished.clone(),
        rows_now: 0,
        elapsed: std::time::Duration::ZERO,
        threads: 0,
        within_limit,
        was_finished: true,
    })
}

/// The run's own timestamp must be one that may be signed now; the rows' own
/// times are compared with it, never with the clock, so that a repeated run
/// gives the same bytes.
fn check_clock(settings: &Settings, now: Timestamp) -> Result<(), Error> {
    let now = u64::try_from(now.as_millisecond()).unwrap_or(0);
    let stamped = settings.timestamp;
    let limit = match settings.format.freshness {
        Freshness::Documented { millis } => Some((millis, "its documented life is over")),
        Freshness::Unpublished => Some((
            UNPUBLISHED_TOLERANCE,
            "how long such a signature lives is not published",
        )),
        Freshness::Expiry | Freshness::Silent => None,
    };
    if stamped > now && !settings.allow_future {
        return Err(Error::settings(
            format!("the timestamp {} lies in the future", rfc3339(stamped)),
            "no vendor documents a tolerance; --allow-future signs it all the same",
        ));
    }
    if let Some((life, why)) = limit
        && stamped.saturating_add(life) < now
        && !settings.allow_stale
    {
        let id = settings.format.id;
        return Err(Error::settings(
            format!(
                "the timestamp {} is too old for {id}: {why}",
                rfc3339(stamped)
            ),
            "--allow-stale signs it all the same",
        ));
    }
    Ok(())
}

/// A job whose documented life is over is not gone on with unless somebody
/// asks for it.
fn check_age(settings: &Settings, now: Timestamp) -> Result<(), Error> {
    match settings.format.freshness {
        Freshness::Documented { .. } => check_clock(
            &Settings {
                allow_future: true,
                ..settings.clone()
            },
            now,
        ),
        // The clock may have been set back since; no life is documented.
        Freshness::Unpublished | Freshness::Expiry | Freshness::Silent => Ok(()),
    }
}

fn check_outputs(job: &Job) -> Result<(), Error> {
    let files: Vec<(&'static str, PathBuf)> = job
        .inputs
        .iter()
        .filter_map(|input| match &input.origin {
            Origin::File(path) => Some(("an input", path.clone())),
            Origin::Stdin => None,
        })
        .collect();
    Ok(check_targets(&files, &job.outputs.files())?)
}

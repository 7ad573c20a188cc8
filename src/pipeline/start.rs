//! How a run begins: what it finds at its outputs decides whether it starts at
//! row one, goes on, or is done already; and whether its time is one that may
//! be signed.

use std::path::PathBuf;

use jiff::Timestamp;

use crate::envelope::Style;
use crate::error::Error;
use crate::format::shape::RECORD;
use crate::format::{Format, Freshness};
use crate::output::{Checkpoint, OutputError};
use crate::record::{FormatChoice, Settings, UNPUBLISHED_TOLERANCE};
use crate::row::Origin;
use crate::time::rfc3339;

use super::books::Books;
use super::carries;
use super::job::{Job, Summary};
use super::keeper;
use super::partition::check_partition;
use super::standing::{self, Left};

/// What is to be done at outputs where something may stand.
pub(super) enum Choice {
    /// Start at row one.
    Begin,
    /// Go on from here.
    GoOn(Box<Checkpoint>),
    /// Nothing: the run is finished.
    Done(Box<Summary>),
}

/// Decides it.
pub(super) fn choose(job: &mut Job, left: Left, now: Timestamp) -> Result<Choice, Error> {
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
                return Err(Error::Resume {
                    path,
                    finished: false,
                    differences,
                });
            }
            if !may_be_old {
                check_age(&job.settings, now)?;
            }
            if checkpoint.publishing.is_some() {
                return conclude(job, &checkpoint);
            }
            Ok(Choice::GoOn(checkpoint))
        }
        Left::Damaged(error) if job.resume => Err(error.into()),
        Left::Finished(manifest, judged) if job.resume => {
            let differences = match judged {
                Some(differences) => differences,
                None => standing::judge(&manifest, job)?,
            };
            if differences.is_empty() {
                Ok(Choice::Done(Box::new(Summary::of_finished(*manifest))))
            } else if force {
                begin(job, now)
            } else {
                let path = job.outputs.manifest.clone().unwrap_or_default();
                Err(Error::Resume {
                    path,
                    finished: true,
                    differences,
                })
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
            begin(job, now)
        }
    }
}

fn begin(job: &Job, now: Timestamp) -> Result<Choice, Error> {
    check_spread(&job.settings)?;
    check_clock(&job.settings, now)?;
    Ok(Choice::Begin)
}

/// Gives the files of a complete run their names, where an attempt died while
/// it did.
fn conclude(job: &Job, checkpoint: &Checkpoint) -> Result<Choice, Error> {
    keeper::finish(job.disk.as_ref(), checkpoint, true)?;
    let books = Books::of(checkpoint).ok_or_else(|| keeper::unusable(checkpoint))?;
    let mut summary = books.summary(&checkpoint.finished);
    summary.within_limit = checkpoint
        .publishing
        .as_ref()
        .is_some_and(|publishing| publishing.within_limit);
    summary.rows_now = 0;
    summary.was_finished = true;
    Ok(Choice::Done(Box::new(summary)))
}

/// Times that are spread lie in the future, and the records say so: each may be
/// used from its time on. Where even the present is not safe for long, that is
/// no excuse.
fn check_spread(settings: &Settings) -> Result<(), Error> {
    let mut formats = settings.formats();
    let unsafe_one = formats.find(|choice| choice.format.freshness == Freshness::Unpublished);
    match (settings.spread, unsafe_one) {
        (Some(_), Some(choice)) if !settings.allow_future => Err(Error::settings(
            format!(
                "--spread dates records of {} into the future, where no tolerance is published",
                choice.format.id
            ),
            "sign them when they are needed; --allow-future signs them all the same",
        )),
        _ => Ok(()),
    }
}

/// The run's own timestamp must be one that may be signed now; the rows' own
/// times are compared with it, never with the clock, so that a repeated run
/// gives the same bytes.
fn check_clock(settings: &Settings, now: Timestamp) -> Result<(), Error> {
    let mut formats = settings.formats();
    formats.try_for_each(|choice| check_clock_of(choice.format, settings, now))
}

fn check_clock_of(format: &Format, settings: &Settings, now: Timestamp) -> Result<(), Error> {
    let now = u64::try_from(now.as_millisecond()).unwrap_or(0);
    let stamped = settings.timestamp;
    let limit = match format.freshness {
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
        let id = format.id;
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
    let settings = Settings {
        allow_future: true,
        ..settings.clone()
    };
    settings
        .formats()
        .try_for_each(|choice| match choice.format.freshness {
            Freshness::Documented { .. } => check_clock_of(choice.format, &settings, now),
            // The clock may have been set back since; no life is documented.
            Freshness::Unpublished | Freshness::Expiry | Freshness::Silent => Ok(()),
        })
}

/// What records of several formats can be written into one file.
pub(super) fn check_formats(job: &Job) -> Result<(), Error> {
    let first = job.settings.format;
    for choice in &job.settings.more {
        let FormatChoice { format, .. } = choice;
        if format.alg() != first.alg() {
            return Err(Error::settings(
                format!(
                    "{} is signed with {}, {} with {}",
                    first.id,
                    first.key.describe(),
                    format.id,
                    format.key.describe()
                ),
                "sign them in runs of their own; a job file may have an output for each",
            ));
        }
        let again = |other: &FormatChoice| {
            std::ptr::eq(other.format, *format) && other.version == choice.version
        };
        if job.settings.formats().filter(again).count() > 1 {
            return Err(Error::settings(
                format!("{} is named twice", choice.name()),
                "give --count for more records of a format",
            ));
        }
    }
    if !job.settings.more.is_empty()
        && job.outputs.signed.is_some()
        && job.outputs.style != Style::Ndjson
    {
        return Err(Error::settings(
            "records of several formats have different columns, and one table has the same for all",
            "give --output-format ndjson",
        ));
    }
    Ok(())
}

/// No output is an input or another output, and there are the columns that
/// records are partitioned by.
pub(super) fn check_outputs(job: &Job) -> Result<(), Error> {
    let shape = &job.settings.shape;
    if shape != RECORD && job.outputs.style != Style::Ndjson && job.outputs.signed.is_some() {
        return Err(Error::settings(
            format!("objects of the shape {shape} do not fit into the columns of a table"),
            "write to a file whose name ends in .ndjson, or give --output-format ndjson",
        ));
    }
    let files: Vec<(&'static str, PathBuf)> = job
        .inputs
        .iter()
        .filter_map(|input| match &input.origin {
            Origin::File(path) => Some(("an input", path.clone())),
            Origin::Stdin => None,
        })
        .collect();
    check_partition(&job.outputs.partition_by, &job.settings)?;
    if job.outputs.style == Style::Parquet {
        carries(&job.inputs)?;
        if job.outputs.folder.is_some() {
            return Err(Error::settings(
                "parts of a folder are not written as Parquet",
                "give -o FILE.parquet, or --output-format ndjson",
            ));
        }
    }
    Ok(job.outputs.check(&files)?)
}

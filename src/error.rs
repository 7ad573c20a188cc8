//! Why a run cannot go on.
//!
//! A row that cannot be signed is never one of these: it is a
//! [`Reject`](crate::record::Reject), and there is no way from one to the
//! other. A full disk can so never be counted as a bad row.

use std::io;
use std::path::PathBuf;

use crate::engine::SignError;
use crate::key::KeyError;
use crate::output::OutputError;
use crate::parallel::FlowError;
use crate::record::{PlanError, Problem};
use crate::ring::RingError;
use crate::row::{CellsError, ReadError};
use crate::terms::Difference;

/// What a run ended on.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The counts do not agree; nothing was published.
    #[error("{read} rows were read, but {signed} signed and {rejected} rejected")]
    Accounting {
        /// Rows read.
        read: u64,
        /// Rows signed.
        signed: u64,
        /// Rows rejected.
        rejected: u64,
    },
    /// A batch of rows and its cells fell out of step.
    #[error("{file}: the cells of a batch do not fit its rows")]
    Cells {
        /// The input's name.
        file: String,
        /// How they differ.
        #[source]
        source: CellsError,
    },
    /// Lines could not be compressed.
    #[error("failed to compress lines")]
    Compress(#[source] io::Error),
    /// An input was written to while it was read.
    #[error("{file} was changed while it was read")]
    InputChanged {
        /// The input's name.
        file: String,
    },
    /// Somebody asked the run to stop.
    #[error("interrupted after {rows} rows")]
    Interrupted {
        /// How many rows are done.
        rows: u64,
    },
    /// The key.
    #[error(transparent)]
    Key(#[from] KeyError),
    /// An input cannot be opened.
    #[error("failed to open {file}")]
    Open {
        /// The input's name.
        file: String,
        /// The system's words.
        #[source]
        source: io::Error,
    },
    /// An output cannot be written.
    #[error(transparent)]
    Output(#[from] OutputError),
    /// Work panicked.
    #[error("internal error{}: {words}", at_records(*records))]
    Panicked {
        /// The panic's message.
        words: String,
        /// The records that were worked on: from the first to the last.
        records: Option<(u64, u64)>,
    },
    /// Settings and header do not fit.
    #[error("{}{error}", file.as_ref().map(|f| format!("{f}: ")).unwrap_or_default())]
    Plan {
        /// The input's name, where it is about one.
        file: Option<String>,
        /// What does not fit.
        error: PlanError,
    },
    /// A publisher that rows are to meet is broken.
    #[error("{file} line {line}: {}", .problems.iter().map(ToString::to_string).collect::<Vec<_>>().join("; "))]
    Publisher {
        /// The file of publishers.
        file: String,
        /// The line, from 1.
        line: u64,
        /// Every problem it has.
        problems: Vec<Problem>,
    },
    /// An input cannot be read to its end.
    #[error("{file}: {error}")]
    Read {
        /// The input's name.
        file: String,
        /// What stopped it.
        error: ReadError,
    },
    /// A row was rejected, and there is no file to put it into.
    #[error("a row was rejected, and standard output has no place for it: {first}")]
    RejectWithoutFile {
        /// The row and its problem.
        first: String,
    },
    /// What an earlier run left is of another job.
    #[error(
        "{} was left by another job: {}", .path.display(),
        .differences.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ")
    )]
    Resume {
        /// What it left: its checkpoint, or its manifest.
        path: PathBuf,
        /// Whether that job is finished.
        finished: bool,
        /// Everything that differs.
        differences: Vec<Difference>,
    },
    /// A key ring, or the keys in it.
    #[error(transparent)]
    Ring(#[from] RingError),
    /// There are more or fewer rows than there should be.
    #[error("{rows} rows were read, {expected} were expected")]
    RowCount {
        /// Rows read.
        rows: u64,
        /// Rows expected.
        expected: u64,
    },
    /// A signature did not verify right after it was made.
    #[error("a signature of record {record} did not verify; this machine miscalculates")]
    SelfCheck {
        /// The record's number.
        record: u64,
    },
    /// Settings that do not go together.
    #[error("{message}")]
    Settings {
        /// What is wrong.
        message: String,
        /// What to type.
        hint: Option<String>,
    },
    /// Signatures came out wrong again and again.
    #[error(
        "{signatures} signatures in {batches} batches came out wrong and were computed anew: this \
         machine miscalculates"
    )]
    Miscalculates {
        /// How many signatures.
        signatures: u64,
        /// In how many batches.
        batches: u64,
    },
    /// The engine failed.
    #[error(transparent)]
    Sign(#[from] SignError),
    /// The system gives no threads.
    #[error("failed to start worker threads: {0}")]
    Threads(String),
    /// More rows were rejected than tolerated.
    #[error(
        "{rejected} of {rows} rows were rejected, more than the {limit} tolerated; the first: {first}"
    )]
    TooManyRejects {
        /// Rows rejected.
        rejected: u64,
        /// Rows read so far.
        rows: u64,
        /// The limit.
        limit: String,
        /// The first reject.
        first: String,
    },
}

/// The kinds of errors that a caller tells apart: one exit code each.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// The data stopped the run.
    Data,
    /// Another run is at work.
    Held,
    /// A defect of the program or the machine.
    Internal,
    /// Somebody asked the run to stop.
    Interrupted,
    /// Reading or writing failed.
    Io,
    /// The key.
    Key,
    /// Usage, settings, or a header that does not fit.
    Settings,
}

impl Error {
    /// A settings error in words of its own.
    pub fn settings(message: impl Into<String>, hint: impl Into<String>) -> Self {
        let hint = hint.into();
        Self::Settings {
            message: message.into(),
            hint: (!hint.is_empty()).then_some(hint),
        }
    }

    /// Which kind of error it is.
    pub fn kind(&self) -> Kind {
        match self {
            Self::RejectWithoutFile { .. }
            | Self::RowCount { .. }
            | Self::TooManyRejects { .. } => Kind::Data,
            Self::Interrupted { .. } => Kind::Interrupted,
            Self::Read { error, .. } => match error {
                ReadError::Io(_) => Kind::Io,
                ReadError::OpenQuote { .. } => Kind::Data,
                // What the input as a whole is, told before its first row.
                ReadError::Delimiter { .. }
                | ReadError::HeaderStrayQuote { .. }
                | ReadError::HeaderTooLong { .. }
                | ReadError::Utf16 { .. }
                | ReadError::Parquet
                | ReadError::Column { .. }
                | ReadError::Changed { .. } => Kind::Settings,
                ReadError::Header(_) | ReadError::OutOfTurn { .. } => Kind::Internal,
            },
            Self::Key(_) | Self::Ring(_) => Kind::Key,
            Self::Output(OutputError::Held { .. }) => Kind::Held,
            Self::Output(error) if error.is_settings() => Kind::Settings,
            Self::InputChanged { .. } | Self::Open { .. } | Self::Output(_) => Kind::Io,
            Self::Plan { .. }
            | Self::Publisher { .. }
            | Self::Resume { .. }
            | Self::Settings { .. } => Kind::Settings,
            Self::Accounting { .. }
            | Self::Cells { .. }
            | Self::Compress(_)
            | Self::Panicked { .. }
            | Self::Miscalculates { .. }
            | Self::SelfCheck { .. }
            | Self::Sign(_)
            | Self::Threads(_) => Kind::Internal,
        }
    }

    /// What to type to mend it.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::InputChanged { .. } => Some(
                "nothing was published; wait until it is complete, and give --force to start anew"
                    .into(),
            ),
            Self::Key(error) => error.hint(),
            Self::Ring(error) => error.hint(),
            Self::Open { source, .. } => match source.kind() {
                io::ErrorKind::NotFound => Some("check the name; `-` is standard input".into()),
                _ => None,
            },
            Self::Output(error) => error.hint(),
            Self::Plan { error, .. } => error.hint(),
            Self::Publisher { problems, .. } => {
                let hints = problems.iter().map(|problem| problem.hint.as_ref());
                let hint = hints.into_iter().find(|hint| !hint.is_empty());
                Some(hint.map_or("mend the publisher, or remove it".into(), str::to_owned))
            }
            Self::Read { error, .. } => Some(error.hint().to_string()),
            Self::RejectWithoutFile { .. } => Some("give --rejects FILE to go on".into()),
            Self::Settings { hint, .. } => hint.clone(),
            Self::TooManyRejects { .. } => {
                Some("mend the rows, or give a larger --max-rejects".into())
            }
            Self::SelfCheck { .. } | Self::Miscalculates { .. } => {
                Some("nothing was published; test the memory and run on another machine".into())
            }
            Self::Accounting { .. } | Self::Cells { .. } | Self::Panicked { .. } => {
                Some("nothing was published; please report this".into())
            }
            Self::Resume { finished: true, .. } => {
                Some("nothing was changed; give --force to replace it, or another -o".into())
            }
            Self::Resume { .. } => Some(
                "nothing was changed; give what that run was given, or --force without --resume to \
                 start anew"
                    .into(),
            ),
            Self::RowCount { .. } => {
                Some("nothing was published; look whether the input is complete".into())
            }
            Self::Compress(_) | Self::Interrupted { .. } | Self::Sign(_) | Self::Threads(_) => None,
        }
    }
}

impl From<FlowError<Self>> for Error {
    fn from(error: FlowError<Self>) -> Self {
        match error {
            FlowError::Stopped(error) => error,
            FlowError::Panicked(words) => Self::Panicked {
                words,
                records: None,
            },
        }
    }
}

fn at_records(records: Option<(u64, u64)>) -> String {
    match records {
        Some((first, last)) if first == last => format!(" at record {first}"),
        Some((first, last)) => format!(" in records {first} to {last}"),
        None => String::new(),
    }
}

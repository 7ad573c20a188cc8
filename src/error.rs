//! Why a run cannot go on.
//!
//! A row that cannot be signed is never one of these: it is a
//! [`Reject`](crate::record::Reject), and there is no way from one to the
//! other. A full disk can so never be counted as a bad row.

use std::io;

use crate::engine::SignError;
use crate::key::KeyError;
use crate::output::OutputError;
use crate::parallel::FlowError;
use crate::record::PlanError;
use crate::row::{CellsError, ReadError};

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
    #[error("internal error: {0}")]
    Panicked(String),
    /// Settings and header do not fit.
    #[error("{}{error}", file.as_ref().map(|f| format!("{f}: ")).unwrap_or_default())]
    Plan {
        /// The input's name, where it is about one.
        file: Option<String>,
        /// What does not fit.
        error: PlanError,
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
    /// A defect of the program or the machine.
    Internal,
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
            Self::RejectWithoutFile { .. } | Self::TooManyRejects { .. } => Kind::Data,
            Self::Read { error, .. } => match error {
                ReadError::Io(_) => Kind::Io,
                ReadError::OpenQuote { .. } => Kind::Data,
                // What the input as a whole is, told before its first row.
                ReadError::Delimiter { .. }
                | ReadError::HeaderStrayQuote { .. }
                | ReadError::HeaderTooLong { .. }
                | ReadError::Utf16 { .. }
                | ReadError::Changed { .. } => Kind::Settings,
                ReadError::Header(_) | ReadError::OutOfTurn { .. } => Kind::Internal,
            },
            Self::Key(_) => Kind::Key,
            Self::Output(error) if error.is_settings() => Kind::Settings,
            Self::Open { .. } | Self::Output(_) => Kind::Io,
            Self::Plan { .. } | Self::Settings { .. } => Kind::Settings,
            Self::Accounting { .. }
            | Self::Cells { .. }
            | Self::Panicked(_)
            | Self::SelfCheck { .. }
            | Self::Sign(_)
            | Self::Threads(_) => Kind::Internal,
        }
    }

    /// What to type to mend it.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Key(error) => error.hint(),
            Self::Open { source, .. } => match source.kind() {
                io::ErrorKind::NotFound => Some("check the name; `-` is standard input".into()),
                _ => None,
            },
            Self::Output(error) => error.hint(),
            Self::Plan { error, .. } => error.hint(),
            Self::Read { error, .. } => Some(error.hint().to_string()),
            Self::RejectWithoutFile { .. } => Some("give --rejects FILE to go on".into()),
            Self::Settings { hint, .. } => hint.clone(),
            Self::TooManyRejects { .. } => {
                Some("mend the rows, or give a larger --max-rejects".into())
            }
            Self::SelfCheck { .. } => {
                Some("nothing was published; test the memory and run on another machine".into())
            }
            Self::Accounting { .. } | Self::Cells { .. } | Self::Panicked(_) => {
                Some("nothing was published; please report this".into())
            }
            Self::Sign(_) | Self::Threads(_) => None,
        }
    }
}

impl From<FlowError<Self>> for Error {
    fn from(error: FlowError<Self>) -> Self {
        match error {
            FlowError::Stopped(error) => error,
            FlowError::Panicked(words) => Self::Panicked(words),
        }
    }
}

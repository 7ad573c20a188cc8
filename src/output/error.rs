//! Why an output cannot be written.

use std::io;
use std::path::{Path, PathBuf};

/// An output cannot be written.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OutputError {
    /// It is there already.
    #[error("{} exists already", .path.display())]
    Exists {
        /// The file.
        path: PathBuf,
    },
    /// An earlier run left an unfinished file.
    #[error("{} is there: an earlier run did not finish", .path.display())]
    Unfinished {
        /// The file.
        path: PathBuf,
    },
    /// Two outputs, or an input and an output, are one file.
    #[error("{} would be both {first} and {second}", .path.display())]
    Same {
        /// The file.
        path: PathBuf,
        /// Its one use.
        first: &'static str,
        /// Its other use.
        second: &'static str,
    },
    /// The operating system refused.
    #[error("failed to {action} {}", .path.display())]
    Io {
        /// What was tried.
        action: &'static str,
        /// The file.
        path: PathBuf,
        /// Its words.
        #[source]
        source: io::Error,
    },
}

impl OutputError {
    /// What to type to mend it.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Exists { .. } => {
                Some("give --force to replace it, or another name with -o".into())
            }
            Self::Unfinished { .. } => Some("give --force to start anew".into()),
            Self::Same { .. } => Some("give each its own name".into()),
            Self::Io { source, .. } => match source.kind() {
                io::ErrorKind::StorageFull => Some("free space on the disk, and run again".into()),
                io::ErrorKind::NotFound => Some("make the folder first".into()),
                io::ErrorKind::PermissionDenied => {
                    Some("choose a folder this user may write to".into())
                }
                _ => None,
            },
        }
    }

    /// Whether it is about settings: nothing was tried yet.
    pub fn is_settings(&self) -> bool {
        !matches!(self, Self::Io { .. })
    }

    pub(super) fn io(action: &'static str, path: &Path, source: io::Error) -> Self {
        Self::Io {
            action,
            path: path.to_owned(),
            source,
        }
    }
}

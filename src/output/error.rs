//! Why an output cannot be written.

use std::io;
use std::path::{Path, PathBuf};

use super::lock::Holder;

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
        /// Whether it can be gone on with.
        resumable: bool,
    },
    /// An unfinished file is not what its checkpoint says.
    #[error(
        "{} {}", .path.display(),
        if found < wanted {
            format!("has {found} bytes, the checkpoint says {wanted}")
        } else {
            format!("has other bytes in its first {wanted} than the checkpoint says")
        }
    )]
    Changed {
        /// The file.
        path: PathBuf,
        /// How many bytes there should be.
        wanted: u64,
        /// How many there are, at least.
        found: u64,
    },
    /// The checkpoint cannot be used.
    #[error("{} cannot be used: {why}", .path.display())]
    Damaged {
        /// The checkpoint.
        path: PathBuf,
        /// What is wrong with it.
        why: String,
    },
    /// Another run writes this output.
    #[error(
        "another run holds {}{}", .path.display(),
        .holder.as_ref().map(|holder| format!(": {holder}")).unwrap_or_default()
    )]
    Held {
        /// The lock.
        path: PathBuf,
        /// Who holds it, if that could be read.
        holder: Option<Holder>,
    },
    /// The name is taken by something that is no file.
    #[error("{} is {is}, not a file", .path.display())]
    NoFile {
        /// The name.
        path: PathBuf,
        /// What it is.
        is: &'static str,
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
    /// A file that no run of ours is known to have made stands where a part
    /// would.
    #[error("{} is there, and no manifest or checkpoint here names it", .path.display())]
    Foreign {
        /// The file.
        path: PathBuf,
    },
    /// An input or the key stands where parts and their like are written.
    #[error("{} is {what}, and stands under a name that is written in {}", .path.display(), .folder.display())]
    Inside {
        /// The file.
        path: PathBuf,
        /// What it is.
        what: &'static str,
        /// The folder.
        folder: PathBuf,
    },
    /// Two partitions that the file system does not tell apart.
    #[error("{} takes the names {first:?} and {second:?} for one", .folder.display())]
    OneName {
        /// The folder.
        folder: PathBuf,
        /// The one.
        first: String,
        /// The other.
        second: String,
    },
    /// There would be more files than anybody wants.
    #[error("{} would get more than {most} files", .folder.display())]
    TooMany {
        /// The folder.
        folder: PathBuf,
        /// How many there may be.
        most: u64,
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
            Self::Unfinished {
                resumable: true, ..
            } => Some("give --resume to go on with it, or --force to start anew".into()),
            Self::Unfinished { .. } | Self::Changed { .. } | Self::Damaged { .. } => {
                Some("nothing was changed; give --force without --resume to start anew".into())
            }
            Self::Held { .. } => Some("wait until it has ended, or give another -o".into()),
            Self::NoFile { is, .. } => Some(
                match *is {
                    "a folder" => "give the name of a file in it",
                    "a symbolic link, not a folder" => "give --out-dir a folder of its own",
                    "a symbolic link" => "give the name of the file it leads to",
                    _ => "give the name of a file; `-o -` writes to standard output",
                }
                .into(),
            ),
            Self::Same { .. } => Some("give each its own name".into()),
            Self::Foreign { .. } => Some(
                "move it away, then give --resume; or give another --out-dir".into(),
            ),
            Self::Inside { .. } => Some("give --out-dir a folder of its own".into()),
            Self::OneName { .. } => Some(
                "write to a file system that tells upper from lower case, or mend the rows".into(),
            ),
            Self::TooMany { .. } => Some(
                "partition by a column of fewer values, or give a larger --rows-per-file;                  --force starts anew"
                    .into(),
            ),
            Self::Io { source, .. } => match source.kind() {
                io::ErrorKind::StorageFull => Some("free space on the disk".into()),
                io::ErrorKind::QuotaExceeded => Some("free space within the quota".into()),
                io::ErrorKind::FileTooLarge => {
                    Some("raise the limit of file sizes (ulimit -f), or split the input".into())
                }
                io::ErrorKind::BrokenPipe => {
                    Some("the reader went away; write to a file with -o".into())
                }
                io::ErrorKind::ResourceBusy => Some(
                    "another run writes it; give each run its own --rejects and --manifest".into(),
                ),
                io::ErrorKind::ReadOnlyFilesystem => {
                    Some("choose a folder this user may write to".into())
                }
                io::ErrorKind::AlreadyExists => {
                    Some("its name was taken while the run was at work; move that away".into())
                }
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
        !matches!(self, Self::Io { .. } | Self::Held { .. })
    }

    pub(super) fn io(action: &'static str, path: &Path, source: io::Error) -> Self {
        Self::Io {
            action,
            path: path.to_owned(),
            source,
        }
    }
}

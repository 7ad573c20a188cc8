//! One input by name: where it comes from and how its rows are told apart.

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};

use super::{Compressed, Dialect, Expected, Source, Unpacking};
use crate::stop::Stop;

/// One input.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Input {
    /// Where it comes from.
    pub origin: Origin,
    /// How its rows are told apart.
    pub dialect: Dialect,
    /// How it is expected to be compressed.
    pub unpacking: Unpacking,
}

/// Where an input comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Origin {
    /// A file of this name.
    File(PathBuf),
    /// Standard input.
    Stdin,
}

impl Input {
    /// An input that may be compressed, as its first bytes say.
    pub fn new(origin: Origin, dialect: Dialect) -> Self {
        Self {
            origin,
            dialect,
            unpacking: Unpacking::default(),
        }
    }

    /// The name for messages, rejects and manifests; `-` is standard input.
    pub fn name(&self) -> String {
        match &self.origin {
            Origin::File(path) => path.display().to_string(),
            Origin::Stdin => "-".into(),
        }
    }

    /// Opens it. Gzip and zstd are recognized by their first bytes and
    /// decompressed, unless something else is expected.
    ///
    /// # Errors
    /// The system's own.
    pub fn open(&self) -> io::Result<Source> {
        self.open_until(&Stop::default())
    }

    /// Opens it for a reader that must not wait for bytes once it is asked to
    /// stop; reading then fails.
    ///
    /// # Errors
    /// The system's own.
    pub fn open_until(&self, stop: &Stop) -> io::Result<Source> {
        let file = match &self.origin {
            Origin::Stdin => stdin()?,
            Origin::File(path) => open(path)?,
        };
        // A folder opens like a file, and only fails to be read.
        if file.metadata()?.is_dir() {
            return Err(io::ErrorKind::IsADirectory.into());
        }
        if self.dialect == Dialect::Parquet {
            return parquet(file, stop.clone());
        }
        let mut unpacking = self.unpacking;
        if let (Expected::Any, Origin::File(path)) = (unpacking.expected, &self.origin)
            && let Some(kind) = Compressed::of(path)
        {
            unpacking.expected = Expected::Named(kind);
        }
        Source::patient(file, stop.clone(), unpacking)
    }

    /// Its size, where it is a regular file: only such a one can be opened
    /// twice.
    pub fn size(&self) -> Option<u64> {
        match &self.origin {
            Origin::File(path) => {
                let metadata = path.metadata().ok()?;
                metadata.is_file().then_some(metadata.len())
            }
            Origin::Stdin => None,
        }
    }

    /// Whether it is compressed by its name, by what is expected of it or by its
    /// kind: its size then says little about its rows.
    pub fn is_said_to_be_compressed(&self) -> bool {
        match (&self.origin, self.unpacking.expected) {
            _ if self.dialect == Dialect::Parquet => true,
            (_, Expected::Only(_) | Expected::Named(_)) => true,
            (_, Expected::Plain) | (Origin::Stdin, Expected::Any) => false,
            (Origin::File(path), Expected::Any) => Compressed::of(path).is_some(),
        }
    }

    /// Whether its bytes are gone once they are read: standard input, a pipe.
    pub fn is_read_once(&self) -> bool {
        match &self.origin {
            // What is missing, or a folder, says so when it is opened.
            Origin::File(path) => path
                .metadata()
                .is_ok_and(|metadata| !metadata.is_file() && !metadata.is_dir()),
            Origin::Stdin => true,
        }
    }
}

#[cfg(feature = "parquet")]
fn parquet(file: File, stop: Stop) -> io::Result<Source> {
    Source::parquet(file, stop)
}

#[cfg(not(feature = "parquet"))]
fn parquet(_: File, _: Stop) -> io::Result<Source> {
    Err(io::Error::new(
        io::ErrorKind::Unsupported,
        super::WITHOUT_PARQUET,
    ))
}

/// Opens a file. A FIFO that nobody has opened for writing yet would make its
/// reader wait right there, where no stop is heeded.
#[cfg(target_os = "linux")]
fn open(path: &Path) -> io::Result<File> {
    use std::os::unix::fs::{FileTypeExt, OpenOptionsExt};
    let mut options = File::options();
    options.read(true);
    if path.metadata()?.file_type().is_fifo() {
        let flags = rustix::fs::OFlags::NONBLOCK.bits();
        options.custom_flags(flags.cast_signed());
    }
    options.open(path)
}

/// Elsewhere a FIFO without a writer may look like one at its end.
#[cfg(not(target_os = "linux"))]
fn open(path: &Path) -> io::Result<File> {
    File::open(path)
}

/// Standard input without the buffer of `std::io::Stdin`: what has been taken
/// from the pipe must be known.
#[cfg(unix)]
fn stdin() -> io::Result<File> {
    use std::os::fd::AsFd;
    Ok(File::from(io::stdin().as_fd().try_clone_to_owned()?))
}

#[cfg(windows)]
fn stdin() -> io::Result<File> {
    use std::os::windows::io::AsHandle;
    Ok(File::from(io::stdin().as_handle().try_clone_to_owned()?))
}

/// Whether reading standard input would give something, its end included,
/// within so many milliseconds. Where it cannot be told, it would.
#[cfg(unix)]
pub fn stdin_is_ready(millis: u16) -> bool {
    use rustix::event::{PollFd, PollFlags, Timespec, poll};
    let stdin = io::stdin();
    let wait = Timespec {
        tv_sec: i64::from(millis / 1000),
        tv_nsec: i64::from(millis % 1000) * 1_000_000,
    };
    let mut waits = [PollFd::new(&stdin, PollFlags::IN)];
    !matches!(poll(&mut waits, Some(&wait)), Ok(0))
}

/// Elsewhere lines wait for others.
#[cfg(not(unix))]
pub fn stdin_is_ready(_millis: u16) -> bool {
    true
}

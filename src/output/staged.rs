//! Files that are written beside their place and renamed into it.

use std::ffi::OsString;
use std::fs::{self, File, OpenOptions};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

use super::error::OutputError;
use crate::hex::hex;

/// Where an output goes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Target {
    /// A file of this name.
    File(PathBuf),
    /// Standard output.
    Stdout,
}

impl Target {
    /// The name for messages and manifests; `-` for standard output.
    pub fn name(&self) -> String {
        match self {
            Self::File(path) => path.display().to_string(),
            Self::Stdout => "-".into(),
        }
    }
}

/// Checks, before any work, that no output would replace another file unless
/// that was asked for, and that outputs and their sources (inputs, keys) are
/// different files.
///
/// # Errors
/// The first output that cannot be.
pub fn check_targets(
    sources: &[(&'static str, PathBuf)],
    outputs: &[(&'static str, &Path)],
    force: bool,
) -> Result<(), OutputError> {
    for (at, (name, path)) in outputs.iter().enumerate() {
        if let Some((other, _)) = outputs[..at].iter().find(|(_, p)| same_file(p, path)) {
            return Err(OutputError::Same {
                path: (*path).to_owned(),
                first: other,
                second: name,
            });
        }
        // The unfinished output would replace an input just as well.
        for path in [(*path).to_owned(), partial(path)] {
            let same = sources.iter().find(|(_, source)| same_file(source, &path));
            if let Some((source, _)) = same {
                return Err(OutputError::Same {
                    path,
                    first: source,
                    second: name,
                });
            }
        }
        if path.is_dir() {
            let error = io::Error::from(io::ErrorKind::IsADirectory);
            return Err(OutputError::io("write", path, error));
        }
        if !force {
            if path.symlink_metadata().is_ok() {
                let path = (*path).to_owned();
                return Err(OutputError::Exists { path });
            }
            let path = partial(path);
            if path.symlink_metadata().is_ok() {
                return Err(OutputError::Unfinished { path });
            }
        }
    }
    Ok(())
}

/// Whether two names are one file: the same place, or the same inode.
fn same_file(a: &Path, b: &Path) -> bool {
    if a == b {
        return true;
    }
    #[cfg(unix)]
    {
        use std::os::unix::fs::MetadataExt;
        if let (Ok(a), Ok(b)) = (fs::metadata(a), fs::metadata(b)) {
            return a.dev() == b.dev() && a.ino() == b.ino();
        }
    }
    match (place(a), place(b)) {
        (Some(a), Some(b)) => a == b,
        _ => false,
    }
}

/// Where a file is, or would be: its folder in one spelling, and its name.
fn place(path: &Path) -> Option<PathBuf> {
    match fs::canonicalize(path) {
        Ok(place) => Some(place),
        Err(_) => Some(fs::canonicalize(folder(path)).ok()?.join(path.file_name()?)),
    }
}

fn folder(path: &Path) -> &Path {
    match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    }
}

fn partial(path: &Path) -> PathBuf {
    let mut name = OsString::from(path);
    name.push(".partial");
    PathBuf::from(name)
}

/// An output in the making: its bytes, their number and their digest. A
/// staged file that is dropped before it is published is removed.
pub struct Staged {
    sink: Sink,
    digest: Sha256,
    bytes: u64,
}

enum Sink {
    File {
        file: BufWriter<File>,
        path: PathBuf,
        published: bool,
    },
    Stdout(io::StdoutLock<'static>),
    /// Counted only, for runs that write nothing.
    None,
}

impl Staged {
    /// Starts an output; a file is made as `NAME.partial` with mode 0600,
    /// because signed records are bearer tokens.
    ///
    /// # Errors
    /// When the file cannot be made.
    pub fn create(target: &Target) -> Result<Self, OutputError> {
        let sink = match target {
            Target::Stdout => Sink::Stdout(io::stdout().lock()),
            Target::File(path) => {
                let partial = partial(path);
                let file = create_private(&partial)
                    .map_err(|error| OutputError::io("create", &partial, error))?;
                Sink::File {
                    file: BufWriter::with_capacity(1 << 18, file),
                    path: path.clone(),
                    published: false,
                }
            }
        };
        Ok(Self::over(sink))
    }

    /// An output that goes nowhere.
    pub fn nowhere() -> Self {
        Self::over(Sink::None)
    }

    fn over(sink: Sink) -> Self {
        Self {
            sink,
            digest: Sha256::new(),
            bytes: 0,
        }
    }

    /// Appends whole lines.
    ///
    /// # Errors
    /// When they cannot be written.
    pub fn write(&mut self, lines: &[u8]) -> Result<(), OutputError> {
        match &mut self.sink {
            Sink::File { file, path, .. } => file
                .write_all(lines)
                .map_err(|error| OutputError::io("write", &partial(path), error))?,
            Sink::Stdout(out) => out.write_all(lines).map_err(|error| {
                OutputError::io("write to", Path::new("standard output"), error)
            })?,
            Sink::None => {}
        }
        self.digest.update(lines);
        self.bytes += lines.len() as u64;
        Ok(())
    }

    /// The number of bytes so far and their SHA-256 in hexadecimal.
    pub fn summary(&self) -> (u64, String) {
        (self.bytes, hex(&self.digest.clone().finalize()))
    }

    /// Makes everything written durable; nothing may be written after it.
    ///
    /// # Errors
    /// When the system could not promise it.
    pub fn sync(&mut self) -> Result<(), OutputError> {
        match &mut self.sink {
            Sink::File { file, path, .. } => {
                let result = file.flush().and_then(|()| file.get_ref().sync_all());
                result.map_err(|error| OutputError::io("sync", &partial(path), error))
            }
            Sink::Stdout(out) => out
                .flush()
                .map_err(|error| OutputError::io("write to", Path::new("standard output"), error)),
            Sink::None => Ok(()),
        }
    }

    /// Gives a synced file its name, and makes the name durable.
    ///
    /// # Errors
    /// When it cannot be renamed.
    pub fn publish(mut self) -> Result<(), OutputError> {
        if let Sink::File {
            path, published, ..
        } = &mut self.sink
        {
            let from = partial(path);
            fs::rename(&from, &*path).map_err(|error| OutputError::io("rename", &from, error))?;
            *published = true;
            sync_folder(path)
                .map_err(|error| OutputError::io("sync the folder of", path, error))?;
        }
        Ok(())
    }
}

impl Drop for Staged {
    fn drop(&mut self) {
        if let Sink::File {
            path,
            published: false,
            ..
        } = &self.sink
        {
            // The run has failed already; what is left would only block the
            // next one.
            let _ = fs::remove_file(partial(path));
        }
    }
}

/// A new file that only its owner can read; an old unfinished one is replaced.
fn create_private(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt;
        options.mode(0o600);
    }
    match options.open(path) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
            fs::remove_file(path)?;
            options.open(path)
        }
        result => result,
    }
}

/// A name is durable when its folder is.
#[cfg(unix)]
fn sync_folder(path: &Path) -> io::Result<()> {
    File::open(folder(path))?.sync_all()
}

/// Elsewhere a rename is as durable as the system makes it.
#[cfg(not(unix))]
fn sync_folder(_: &Path) -> io::Result<()> {
    Ok(())
}

//! Files that are written beside their place and renamed into it.

use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::disk::{Disk, DiskFile};
use super::error::OutputError;
use super::names::{claimed, create_anew};
use super::place::partial;
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

    /// The file, where it is one.
    pub fn file(&self) -> Option<&Path> {
        match self {
            Self::File(path) => Some(path),
            Self::Stdout => None,
        }
    }
}

/// How much of an output there is.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Extent {
    /// Its size in bytes.
    pub bytes: u64,
    /// The SHA-256 of these bytes in hexadecimal.
    pub sha256: String,
}

/// How many bytes are gathered before they are written.
pub(super) const BUFFER_BYTES: usize = 256 * 1024;

/// An output in the making: its bytes, their number and their digest. What is
/// not published stays as `NAME.partial`, for a later run to go on with.
pub struct Staged {
    sink: Sink,
    buffer: Vec<u8>,
    digest: Sha256,
    bytes: u64,
}

enum Sink {
    File {
        file: Box<dyn DiskFile>,
        path: PathBuf,
        /// Where it is still to be cut, so that a file is left as it is until
        /// all that belongs to it was found sound.
        cut: Option<u64>,
    },
    Stdout(io::StdoutLock<'static>),
    /// Counted only, for runs that write nothing.
    None,
}

impl Staged {
    /// Starts an output; a file is made as `NAME.partial`, in place of an
    /// older one.
    ///
    /// # Errors
    /// When the file cannot be made.
    pub fn create(disk: &dyn Disk, target: &Target) -> Result<Self, OutputError> {
        let sink = match target {
            Target::Stdout => Sink::Stdout(io::stdout().lock()),
            Target::File(path) => {
                let partial = partial(path);
                let file = create_anew(disk, &partial)
                    .and_then(claimed)
                    .map_err(|error| OutputError::io("create", &partial, error))?;
                Sink::File {
                    file,
                    path: path.clone(),
                    cut: None,
                }
            }
        };
        Ok(Self::over(sink))
    }

    /// Goes on with an unfinished file after this much of it: reads it again,
    /// and cuts off what came later before anything is written or synced.
    ///
    /// # Errors
    /// When it is shorter, or has other bytes; it is left as it is then.
    pub fn take_up(disk: &dyn Disk, path: &Path, extent: &Extent) -> Result<Self, OutputError> {
        let partial = partial(path);
        let failed = |action, error| OutputError::io(action, &partial, error);
        let changed = |found| OutputError::Changed {
            path: partial.clone(),
            wanted: extent.bytes,
            found,
        };
        let mut file = match disk.open(&partial).and_then(claimed) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Err(changed(0)),
            Err(error) => return Err(failed("open", error)),
        };
        let mut digest = Sha256::new();
        let mut buffer = vec![0; BUFFER_BYTES];
        let mut bytes = 0;
        while bytes < extent.bytes {
            let most = usize::try_from(extent.bytes - bytes).unwrap_or(usize::MAX);
            let room = most.min(buffer.len());
            let read = match file.read(&mut buffer[..room]) {
                Ok(0) => return Err(changed(bytes)),
                Ok(read) => read,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => return Err(failed("read", error)),
            };
            digest.update(&buffer[..read]);
            bytes += read as u64;
        }
        if hex(&digest.clone().finalize()) != extent.sha256 {
            return Err(changed(bytes));
        }
        let sink = Sink::File {
            file,
            path: path.to_owned(),
            cut: Some(bytes),
        };
        Ok(Self {
            digest,
            bytes,
            ..Self::over(sink)
        })
    }

    /// An output that goes nowhere.
    pub fn nowhere() -> Self {
        Self::over(Sink::None)
    }

    fn over(sink: Sink) -> Self {
        Self {
            sink,
            buffer: Vec::new(),
            digest: Sha256::new(),
            bytes: 0,
        }
    }

    /// Appends whole lines.
    ///
    /// # Errors
    /// When they cannot be written.
    pub fn write(&mut self, lines: &[u8]) -> Result<(), OutputError> {
        self.digest.update(lines);
        self.bytes += lines.len() as u64;
        match &mut self.sink {
            Sink::File { .. } => {
                if self.buffer.len() + lines.len() >= BUFFER_BYTES {
                    self.flush()?;
                }
                if lines.len() < BUFFER_BYTES {
                    self.buffer.extend_from_slice(lines);
                    return Ok(());
                }
                self.put(lines)
            }
            Sink::Stdout(out) => out
                .write_all(lines)
                .map_err(|error| OutputError::io("write to", Path::new("standard output"), error)),
            Sink::None => Ok(()),
        }
    }

    fn flush(&mut self) -> Result<(), OutputError> {
        if let Sink::Stdout(out) = &mut self.sink {
            return out
                .flush()
                .map_err(|error| OutputError::io("write to", Path::new("standard output"), error));
        }
        if self.buffer.is_empty() {
            return Ok(());
        }
        let buffer = std::mem::take(&mut self.buffer);
        self.put(&buffer)?;
        self.buffer = buffer;
        self.buffer.clear();
        Ok(())
    }

    fn put(&mut self, bytes: &[u8]) -> Result<(), OutputError> {
        self.cut()?;
        match &mut self.sink {
            Sink::File { file, path, .. } => file
                .write_all(bytes)
                .map_err(|error| OutputError::io("write", &partial(path), error)),
            Sink::Stdout(_) | Sink::None => Ok(()),
        }
    }

    fn cut(&mut self) -> Result<(), OutputError> {
        let Sink::File { file, path, cut } = &mut self.sink else {
            return Ok(());
        };
        match cut.take() {
            Some(bytes) => file
                .set_len(bytes)
                .map_err(|error| OutputError::io("cut", &partial(path), error)),
            None => Ok(()),
        }
    }

    /// How much there is so far.
    pub fn extent(&self) -> Extent {
        Extent {
            bytes: self.bytes,
            sha256: hex(&self.digest.clone().finalize()),
        }
    }

    /// Makes everything written so far durable, and the file's name, too.
    ///
    /// # Errors
    /// When the system could not promise it.
    pub fn sync(&mut self) -> Result<(), OutputError> {
        self.flush()?;
        self.cut()?;
        if let Sink::File { file, path, .. } = &mut self.sink {
            file.sync()
                .map_err(|error| OutputError::io("sync", &partial(path), error))?;
        }
        Ok(())
    }
}

/// What makes the bytes of an output durable that were written before it was
/// made, whoever calls it, while more is written.
pub type Later = Box<dyn FnOnce() -> Result<(), OutputError> + Send>;

impl Staged {
    /// Hands what was written so far to the system, and gives what makes it
    /// durable; `None` where the disk can do that only at once.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn sync_later(&mut self) -> Result<Option<Later>, OutputError> {
        self.flush()?;
        self.cut()?;
        let Sink::File { file, path, .. } = &mut self.sink else {
            return Ok(Some(Box::new(|| Ok(()))));
        };
        let path = partial(path);
        let sync = file
            .sync_later()
            .map_err(|error| OutputError::io("sync", &path, error))?;
        Ok(sync.map(|sync| -> Later {
            Box::new(move || sync().map_err(|error| OutputError::io("sync", &path, error)))
        }))
    }
}

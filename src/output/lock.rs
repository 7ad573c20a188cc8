//! One run at a time for one output: a lock that the system gives up with the
//! process that holds it, so that it can never be left behind. It must not
//! know what is written under it.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{Read, Seek, Write};
use std::path::PathBuf;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::error::OutputError;

/// Who holds a lock, as the lock file says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Holder {
    /// The process.
    pub pid: u32,
    /// Since when, RFC 3339.
    pub since: String,
}

impl std::fmt::Display for Holder {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "process {} since {}", self.pid, self.since)
    }
}

/// A held lock. The file stays when it is released: removing it would let two
/// runs hold two files of one name.
#[derive(Debug)]
pub struct Lock {
    file: File,
    /// Who held it before and died holding it.
    pub abandoned: Option<Holder>,
}

impl Lock {
    /// Takes the lock, or tells who holds it.
    ///
    /// # Errors
    /// [`OutputError::Held`], or the system's own words.
    pub fn take(path: PathBuf) -> Result<Self, OutputError> {
        let failed = |source| OutputError::io("lock", &path, source);
        let mut options = OpenOptions::new();
        options.read(true).write(true).create(true).truncate(false);
        #[cfg(unix)]
        {
            use std::os::unix::fs::OpenOptionsExt;
            options.mode(0o600);
        }
        let mut file = options.open(&path).map_err(failed)?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                let holder = read(&mut file);
                return Err(OutputError::Held { path, holder });
            }
            Err(TryLockError::Error(source)) => return Err(failed(source)),
        }
        let abandoned = read(&mut file);
        let holder = Holder {
            pid: std::process::id(),
            since: Timestamp::now()
                .round(jiff::Unit::Second)
                .unwrap_or_default()
                .to_string(),
        };
        let mut lock = Self { file, abandoned };
        lock.write(&holder)
            .map_err(|source| OutputError::io("lock", &path, source))?;
        Ok(lock)
    }

    fn write(&mut self, holder: &Holder) -> std::io::Result<()> {
        let line = serde_json::to_string(holder)? + "\n";
        self.file.rewind()?;
        self.file.set_len(0)?;
        self.file.write_all(line.as_bytes())
    }
}

impl Drop for Lock {
    fn drop(&mut self) {
        // An empty file says that its owner ended in order; the lock itself
        // goes with the file. Whatever fails here, the next run takes over.
        let _ = self.file.set_len(0);
    }
}

/// The holder the file names; `None` for an empty one, or one that is just
/// being written.
fn read(file: &mut File) -> Option<Holder> {
    let mut text = String::new();
    // A lock file is one short line; whatever is longer is none.
    file.rewind().ok()?;
    file.take(4096).read_to_string(&mut text).ok()?;
    serde_json::from_str(&text).ok()
}

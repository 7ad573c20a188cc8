//! A disk that fails at one operation, or from it on; and one whose reads and
//! writes are short and interrupted. What is synced is not written out: these
//! runs end by errors, never by power.

use std::collections::BTreeSet;
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use campaign_signer::output::{Disk, DiskFile, SystemDisk};

/// When the disk fails, and how.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Plan {
    /// The operation that fails, from 1.
    pub(crate) at: u64,
    /// And every one after it.
    pub(crate) persists: bool,
    /// The system's number of the error.
    pub(crate) errno: i32,
}

#[derive(Clone)]
pub(crate) struct FaultyDisk(Arc<Inner>);

struct Inner {
    plan: Option<Plan>,
    /// Writes take at most this many bytes, and every second call is
    /// interrupted; 0 for neither.
    shortest: usize,
    operations: AtomicU64,
    faults: AtomicU64,
    /// Files and folders whose sync failed.
    unsynced: Mutex<BTreeSet<PathBuf>>,
    retried: AtomicU64,
}

impl FaultyDisk {
    pub(crate) fn good() -> Self {
        Self::over(None, 0)
    }

    pub(crate) fn new(plan: Plan) -> Self {
        Self::over(Some(plan), 0)
    }

    /// At most so many bytes at a time, and interrupted.
    pub(crate) fn halting(shortest: usize) -> Self {
        Self::over(None, shortest)
    }

    fn over(plan: Option<Plan>, shortest: usize) -> Self {
        Self(Arc::new(Inner {
            plan,
            shortest,
            operations: AtomicU64::new(0),
            faults: AtomicU64::new(0),
            unsynced: Mutex::default(),
            retried: AtomicU64::new(0),
        }))
    }

    pub(crate) fn operations(&self) -> u64 {
        self.0.operations.load(Ordering::SeqCst)
    }

    pub(crate) fn faults(&self) -> u64 {
        self.0.faults.load(Ordering::SeqCst)
    }

    /// How many times something was synced again whose sync had failed.
    pub(crate) fn retried(&self) -> u64 {
        self.0.retried.load(Ordering::SeqCst)
    }

    fn step(&self) -> io::Result<()> {
        let now = self.0.operations.fetch_add(1, Ordering::SeqCst) + 1;
        match self.0.plan {
            Some(plan) if now == plan.at || (plan.persists && now > plan.at) => {
                self.0.faults.fetch_add(1, Ordering::SeqCst);
                Err(io::Error::from_raw_os_error(plan.errno))
            }
            _ => Ok(()),
        }
    }

    fn sync(&self, path: &Path) -> io::Result<()> {
        let mut unsynced = self.0.unsynced.lock().unwrap();
        if unsynced.contains(path) {
            self.0.retried.fetch_add(1, Ordering::SeqCst);
        }
        let synced = self.step();
        if synced.is_err() {
            unsynced.insert(path.to_owned());
        }
        synced
    }

    fn file(&self, path: &Path, file: Box<dyn DiskFile>) -> Box<dyn DiskFile> {
        Box::new(FaultyFile {
            disk: self.clone(),
            path: path.to_owned(),
            file,
            calls: 0,
        })
    }
}

impl Disk for FaultyDisk {
    fn create(&self, path: &Path) -> io::Result<Box<dyn DiskFile>> {
        self.step()?;
        Ok(self.file(path, SystemDisk.create(path)?))
    }

    fn open(&self, path: &Path) -> io::Result<Box<dyn DiskFile>> {
        self.step()?;
        Ok(self.file(path, SystemDisk.open(path)?))
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        self.step()?;
        SystemDisk.rename(from, to)
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        self.step()?;
        SystemDisk.remove(path)
    }

    fn create_folder(&self, folder: &Path) -> io::Result<()> {
        self.step()?;
        SystemDisk.create_folder(folder)
    }

    fn remove_folder(&self, folder: &Path) -> io::Result<()> {
        self.step()?;
        SystemDisk.remove_folder(folder)
    }

    fn sync_folder(&self, folder: &Path) -> io::Result<()> {
        self.sync(folder)
    }
}

struct FaultyFile {
    disk: FaultyDisk,
    path: PathBuf,
    file: Box<dyn DiskFile>,
    calls: u64,
}

impl FaultyFile {
    /// How many of these bytes this call takes.
    fn room(&mut self, wanted: usize) -> io::Result<usize> {
        let shortest = self.disk.0.shortest;
        if shortest == 0 {
            return Ok(wanted);
        }
        self.calls += 1;
        match self.calls % 2 {
            1 => Err(io::ErrorKind::Interrupted.into()),
            _ => Ok(wanted.min(1 + self.calls as usize % shortest)),
        }
    }
}

impl Read for FaultyFile {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let room = self.room(buffer.len())?;
        self.file.read(&mut buffer[..room])
    }
}

impl Write for FaultyFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        // A full disk takes some of the bytes before it takes none.
        if let Err(error) = self.disk.step() {
            self.file.write_all(&bytes[..bytes.len() / 2])?;
            return Err(error);
        }
        let room = self.room(bytes.len())?;
        self.file.write(&bytes[..room])
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

impl DiskFile for FaultyFile {
    fn set_len(&mut self, bytes: u64) -> io::Result<()> {
        self.disk.step()?;
        self.file.set_len(bytes)
    }

    fn seek(&mut self, to: u64) -> io::Result<()> {
        self.file.seek(to)
    }

    fn sync(&mut self) -> io::Result<()> {
        self.disk.sync(&self.path)
    }
}

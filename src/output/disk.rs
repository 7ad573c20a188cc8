//! The few things a run asks of a file system, so that a test can put a disk
//! under it that fails, fills up, or forgets what was not synced. It must not
//! know what is in the files.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, Read, Write};
use std::path::Path;

/// A file system.
pub trait Disk: Send + Sync {
    /// Makes a file that only its owner can read; it must not be there.
    ///
    /// # Errors
    /// The system's own, as for every method here.
    fn create(&self, path: &Path) -> io::Result<Box<dyn DiskFile>>;

    /// Opens a file for reading and writing, at its start.
    ///
    /// # Errors
    /// The system's own.
    fn open(&self, path: &Path) -> io::Result<Box<dyn DiskFile>>;

    /// Gives a file another name, in place of what has it.
    ///
    /// # Errors
    /// The system's own.
    fn rename(&self, from: &Path, to: &Path) -> io::Result<()>;

    /// Removes a file.
    ///
    /// # Errors
    /// The system's own.
    fn remove(&self, path: &Path) -> io::Result<()>;

    /// Makes a folder; it must not be there.
    ///
    /// # Errors
    /// The system's own.
    fn create_folder(&self, folder: &Path) -> io::Result<()>;

    /// Removes a folder; it must be empty.
    ///
    /// # Errors
    /// The system's own.
    fn remove_folder(&self, folder: &Path) -> io::Result<()>;

    /// Makes the names in a folder durable: those that came, changed and went.
    ///
    /// # Errors
    /// The system's own.
    fn sync_folder(&self, folder: &Path) -> io::Result<()>;
}

/// A file of a [`Disk`].
pub trait DiskFile: Read + Write + Send {
    /// Cuts the file to this many bytes.
    ///
    /// # Errors
    /// The system's own, as for every method here.
    fn set_len(&mut self, bytes: u64) -> io::Result<()>;

    /// Goes to this byte, for what is read or written next.
    ///
    /// # Errors
    /// The system's own.
    fn seek(&mut self, to: u64) -> io::Result<()>;

    /// Makes the content durable, and of the rest what is needed to read it.
    ///
    /// # Errors
    /// The system's own. It must not be tried again: the system may have
    /// dropped what it could not write.
    fn sync(&mut self) -> io::Result<()>;

    /// Takes the file for one run alone, until it is closed: two runs with
    /// outputs of their own may still have been given one file for their
    /// rejects.
    ///
    /// # Errors
    /// `ResourceBusy` where another run has taken it.
    fn claim(&mut self) -> io::Result<()> {
        Ok(())
    }

    /// What does the same as [`DiskFile::sync`] for everything written before this call, from
    /// another thread, while more is written; `None` where there is no such
    /// thing.
    ///
    /// # Errors
    /// The system's own.
    fn sync_later(&mut self) -> io::Result<Option<SyncLater>> {
        Ok(None)
    }
}

/// A sync that is still to be done.
pub type SyncLater = Box<dyn FnOnce() -> io::Result<()> + Send>;

/// The file system there is.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemDisk;

impl Disk for SystemDisk {
    fn create(&self, path: &Path) -> io::Result<Box<dyn DiskFile>> {
        let mut options = OpenOptions::new();
        options.read(true).write(true).create_new(true);
        // Signed records are bearer tokens.
        #[cfg(unix)]
        {
            use std::os::unix::fs::OpenOptionsExt;
            options.mode(0o600);
        }
        Ok(Box::new(options.open(path)?))
    }

    fn open(&self, path: &Path) -> io::Result<Box<dyn DiskFile>> {
        let file = OpenOptions::new().read(true).write(true).open(path)?;
        Ok(Box::new(file))
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        fs::rename(from, to)
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        fs::remove_file(path)
    }

    fn create_folder(&self, folder: &Path) -> io::Result<()> {
        fs::create_dir(folder)
    }

    fn remove_folder(&self, folder: &Path) -> io::Result<()> {
        fs::remove_dir(folder)
    }

    #[cfg(unix)]
    fn sync_folder(&self, folder: &Path) -> io::Result<()> {
        File::open(folder)?.sync_all()
    }

    /// Elsewhere a name is as durable as the system makes it.
    #[cfg(not(unix))]
    fn sync_folder(&self, _: &Path) -> io::Result<()> {
        Ok(())
    }
}

impl DiskFile for File {
    fn set_len(&mut self, bytes: u64) -> io::Result<()> {
        Self::set_len(self, bytes)
    }

    fn seek(&mut self, to: u64) -> io::Result<()> {
        io::Seek::seek(self, io::SeekFrom::Start(to)).map(drop)
    }

    fn sync(&mut self) -> io::Result<()> {
        self.sync_data()
    }

    fn claim(&mut self) -> io::Result<()> {
        match self.try_lock() {
            Err(TryLockError::WouldBlock) => Err(io::ErrorKind::ResourceBusy.into()),
            // Where files cannot be locked, the lock of the output has said so.
            Ok(()) | Err(TryLockError::Error(_)) => Ok(()),
        }
    }

    fn sync_later(&mut self) -> io::Result<Option<SyncLater>> {
        let same = self.try_clone()?;
        Ok(Some(Box::new(move || same.sync_data())))
    }
}

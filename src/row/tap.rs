//! The raw bytes of an input, counted where they are compressed, and the file
//! they come from: read without waiting for it longer than allowed, and
//! watched for changes. It must not know what the bytes mean.

use std::fs::File;
use std::io::{self, Read};
use std::time::SystemTime;

use sha2::{Digest, Sha256};

use crate::stop::Stop;

/// A regular file as it was when it was opened.
pub(super) struct Watched {
    file: File,
    bytes: u64,
    modified: Option<SystemTime>,
}

impl Watched {
    /// `None` for a pipe or a device, which have no state to compare.
    pub(super) fn new(file: &File) -> io::Result<Option<Self>> {
        let metadata = file.metadata()?;
        if !metadata.is_file() {
            return Ok(None);
        }
        Ok(Some(Self {
            file: file.try_clone()?,
            bytes: metadata.len(),
            modified: metadata.modified().ok(),
        }))
    }

    pub(super) fn has_changed(&self) -> bool {
        let now = self.file.metadata();
        !now.is_ok_and(|now| now.len() == self.bytes && now.modified().ok() == self.modified)
    }
}

/// The raw bytes, with those that were only looked at put before the rest.
pub(super) struct Tap {
    inner: Box<dyn Read + Send>,
    pub(super) head: Vec<u8>,
    /// Only compressed bytes are counted here; the reader counts the others.
    pub(super) counts: bool,
    pub(super) bytes: u64,
    digest: Sha256,
}

impl Tap {
    pub(super) fn new(inner: Box<dyn Read + Send>) -> Self {
        Self {
            inner,
            head: Vec::new(),
            counts: false,
            bytes: 0,
            digest: Sha256::new(),
        }
    }

    /// Nothing at all.
    pub(super) fn empty() -> Self {
        Self::new(Box::new(io::empty()))
    }

    /// Looks at the first bytes, however slowly they arrive: at so many at
    /// most, and while there are some and `wants` more.
    pub(super) fn look<const BYTES: usize>(
        &mut self,
        wants: impl Fn(&[u8]) -> bool,
    ) -> io::Result<()> {
        while self.head.len() < BYTES && wants(&self.head) {
            let mut next = [0; BYTES];
            let room = BYTES - self.head.len();
            match self.inner.read(&mut next[..room]) {
                Ok(0) => break,
                Ok(read) => self.head.extend_from_slice(&next[..read.min(room)]),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    /// The SHA-256 of the bytes that were counted.
    pub(super) fn sha256(&self) -> [u8; 32] {
        self.digest.clone().finalize().into()
    }
}

impl Read for Tap {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = if self.head.is_empty() {
            // No decoder is trusted to be called again after a signal.
            loop {
                match self.inner.read(buffer) {
                    Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                    read => break read?,
                }
            }
        } else {
            let read = self.head.as_slice().read(buffer)?;
            self.head.drain(..read);
            read
        };
        if self.counts {
            self.bytes += read as u64;
            self.digest.update(&buffer[..read]);
        }
        Ok(read)
    }
}

/// A file that may keep its reader waiting, as a pipe does.
pub(super) struct Patient {
    pub(super) file: File,
    pub(super) stop: Stop,
}

impl Read for Patient {
    #[cfg(unix)]
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        use rustix::event::{PollFd, PollFlags, Timespec, poll};
        // How long a stop may go unheeded.
        let beat = Timespec {
            tv_sec: 0,
            tv_nsec: 50_000_000,
        };
        loop {
            if self.stop.is_requested() {
                return Err(io::Error::other(Stopped));
            }
            let mut waits = [PollFd::new(&self.file, PollFlags::IN)];
            match poll(&mut waits, Some(&beat)) {
                Ok(0) | Err(rustix::io::Errno::INTR) => {}
                Ok(_) => match self.file.read(buffer) {
                    // Another reader was faster.
                    Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                    read => return read,
                },
                Err(error) => return Err(error.into()),
            }
        }
    }

    #[cfg(not(unix))]
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.stop.is_requested() {
            return Err(io::Error::other(Stopped));
        }
        self.file.read(buffer)
    }
}

/// Reading ended because somebody asked for it.
#[derive(Debug)]
pub(super) struct Stopped;

impl std::fmt::Display for Stopped {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("reading was stopped")
    }
}

impl std::error::Error for Stopped {}

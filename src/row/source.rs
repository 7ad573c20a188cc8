//! Where an input's bytes come from: a file or standard input, as they stand
//! decompressed, or as the lines of a table. What an input is, its first bytes say, not its name. It
//! must not know what the bytes mean.

use std::fs::File;
use std::io::{self, BufReader, Read};
use std::time::SystemTime;

use flate2::bufread::MultiGzDecoder;
use sha2::{Digest, Sha256};

#[cfg(feature = "parquet")]
use super::parquet::Parquet;
use super::{ReadError, Taken};
use crate::stop::Stop;

/// The largest window a zstd frame may ask for, as a power of two: 8 MiB is
/// what RFC 8878 recommends every decoder to take, and what all levels of
/// `zstd` up to 19 stay within; a hostile frame cannot take more.
const ZSTD_WINDOW_LOG: u32 = 23;

/// How many bytes tell what an input is.
const MAGIC: usize = 4;

/// The bytes of one input: decompressed where they are gzip (of any number of
/// members) or zstd (of any number of frames).
///
/// A stream that is cut short, or followed by bytes of another kind, is an
/// error when that place is reached; never a short input.
pub struct Source {
    kind: Kind,
    watched: Option<Watched>,
}

enum Kind {
    Unread(Tap),
    Plain(Tap),
    Gzip(Box<MultiGzDecoder<BufReader<Tap>>>),
    Zstd(Box<zstd::Decoder<'static, BufReader<Tap>>>),
    /// A table, as lines.
    #[cfg(feature = "parquet")]
    Parquet(Box<Parquet>, Stop),
    /// Making a decoder has failed.
    Broken,
}

/// How an input was compressed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Compressed {
    /// gzip, RFC 1952.
    Gzip,
    /// Zstandard, RFC 8878.
    Zstd,
}

impl Source {
    /// Reads from this.
    pub fn new(bytes: impl Read + Send + 'static) -> Self {
        Self {
            kind: Kind::Unread(Tap::new(Box::new(bytes))),
            watched: None,
        }
    }

    /// Reads from a file or pipe, without waiting for it any longer than
    /// until somebody asks to stop.
    pub(super) fn patient(file: File, stop: Stop) -> io::Result<Self> {
        let watched = Watched::new(&file)?;
        Ok(Self {
            watched,
            ..Self::new(Patient { file, stop })
        })
    }

    /// Reads a Parquet file. It says at its end what is in it, so what comes
    /// through a pipe goes into a temporary file first.
    #[cfg(feature = "parquet")]
    pub(super) fn parquet(file: File, stop: Stop) -> io::Result<Self> {
        let watched = Watched::new(&file)?;
        let file = match &watched {
            Some(_) => file,
            None => {
                let mut copy = tempfile::tempfile()?;
                let mut patient = Patient {
                    file,
                    stop: stop.clone(),
                };
                io::copy(&mut patient, &mut copy)?;
                copy
            }
        };
        let parquet = Parquet::open(std::sync::Arc::new(file))?;
        Ok(Self {
            kind: Kind::Parquet(Box::new(parquet), stop),
            watched,
        })
    }

    /// The names of the columns, where the input says itself which it has.
    pub fn columns(&self) -> Option<Vec<String>> {
        match &self.kind {
            #[cfg(feature = "parquet")]
            Kind::Parquet(parquet, _) => Some(parquet.names()),
            _ => None,
        }
    }

    /// What is to be read of each of its columns; to be said before the first
    /// byte is read.
    ///
    /// # Errors
    /// When nothing of that kind can be made of one.
    pub fn select(&mut self, columns: &[Taken]) -> Result<(), ReadError> {
        match &mut self.kind {
            #[cfg(feature = "parquet")]
            Kind::Parquet(parquet, _) => parquet.select(columns),
            _ => {
                let _ = columns;
                Ok(())
            }
        }
    }

    /// Whether a file was written to since it was opened: what was read of it
    /// may then be no state it ever had. What takes its place under its name
    /// does not count.
    pub fn has_changed(&self) -> bool {
        self.watched.as_ref().is_some_and(Watched::has_changed)
    }

    /// Whether the bytes were compressed; known once the first was read.
    pub fn compressed(&self) -> Option<Compressed> {
        match &self.kind {
            Kind::Gzip(_) => Some(Compressed::Gzip),
            Kind::Zstd(_) => Some(Compressed::Zstd),
            _ => None,
        }
    }

    /// The number of stored bytes taken so far and their SHA-256, where they
    /// are not the bytes that are read: those of a compressed input, or of a
    /// table at its end.
    pub fn stored(&self) -> Option<(u64, [u8; 32])> {
        let tap = match &self.kind {
            Kind::Gzip(decoder) => decoder.get_ref().get_ref(),
            Kind::Zstd(decoder) => decoder.get_ref().get_ref(),
            #[cfg(feature = "parquet")]
            Kind::Parquet(parquet, _) => return parquet.stored(),
            Kind::Unread(_) | Kind::Plain(_) | Kind::Broken => return None,
        };
        Some((tap.bytes, tap.digest.clone().finalize().into()))
    }

    /// Looks at the first bytes, however slowly they arrive.
    fn recognize(&mut self) -> io::Result<()> {
        let Kind::Unread(tap) = &mut self.kind else {
            return Ok(());
        };
        tap.look(MAGIC)?;
        let Kind::Unread(mut tap) = std::mem::replace(&mut self.kind, Kind::Broken) else {
            return Ok(());
        };
        let head = &tap.head[..];
        self.kind = if head.starts_with(b"\x1f\x8b") {
            tap.counts = true;
            Kind::Gzip(Box::new(MultiGzDecoder::new(BufReader::new(tap))))
        } else if head.starts_with(b"\x28\xb5\x2f\xfd") || is_skippable_frame(head) {
            tap.counts = true;
            let mut decoder = zstd::Decoder::with_buffer(BufReader::new(tap))?;
            decoder.window_log_max(ZSTD_WINDOW_LOG)?;
            Kind::Zstd(Box::new(decoder))
        } else {
            Kind::Plain(tap)
        };
        Ok(())
    }
}

/// A zstd stream may begin with a frame that holds no data, as `pzstd` writes
/// it: RFC 8878, section 3.1.2.
fn is_skippable_frame(head: &[u8]) -> bool {
    matches!(head, [first, 0x2a, 0x4d, 0x18] if first & 0xf0 == 0x50)
}

impl Read for Source {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.recognize()?;
        match &mut self.kind {
            Kind::Unread(tap) | Kind::Plain(tap) => tap.read(buffer),
            Kind::Gzip(decoder) => decoder
                .read(buffer)
                .map_err(|error| damaged("gzip", &error)),
            Kind::Zstd(decoder) => decoder
                .read(buffer)
                .map_err(|error| damaged("zstd", &error)),
            #[cfg(feature = "parquet")]
            Kind::Parquet(_, stop) if stop.is_requested() => Err(io::Error::other(Stopped)),
            #[cfg(feature = "parquet")]
            Kind::Parquet(parquet, _) => parquet.read(buffer),
            Kind::Broken => Err(io::Error::other("the decoder could not be made")),
        }
    }
}

/// A decoder's own words, with what they mean: its kinds of errors would pass
/// for those of a file.
fn damaged(kind: &str, error: &io::Error) -> io::Error {
    if error.raw_os_error().is_some() || Stopped::is(error) {
        return io::Error::new(error.kind(), error.to_string());
    }
    let words = match error.kind() {
        io::ErrorKind::UnexpectedEof => "ends early".to_owned(),
        _ if error.to_string().contains("too much memory") => {
            "needs a window of more than 8 MiB; compress it without --ultra and --long".to_owned()
        }
        _ => format!("is damaged, or followed by something else: {error}"),
    };
    io::Error::new(
        io::ErrorKind::InvalidData,
        format!("the {kind} stream {words}"),
    )
}

/// A regular file as it was when it was opened.
struct Watched {
    file: File,
    bytes: u64,
    modified: Option<SystemTime>,
}

impl Watched {
    /// `None` for a pipe or a device, which have no state to compare.
    fn new(file: &File) -> io::Result<Option<Self>> {
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

    fn has_changed(&self) -> bool {
        let now = self.file.metadata();
        !now.is_ok_and(|now| now.len() == self.bytes && now.modified().ok() == self.modified)
    }
}

/// The raw bytes, with those that were only looked at put before the rest.
struct Tap {
    inner: Box<dyn Read + Send>,
    head: Vec<u8>,
    /// Only compressed bytes are counted here; the reader counts the others.
    counts: bool,
    bytes: u64,
    digest: Sha256,
}

impl Tap {
    fn new(inner: Box<dyn Read + Send>) -> Self {
        Self {
            inner,
            head: Vec::new(),
            counts: false,
            bytes: 0,
            digest: Sha256::new(),
        }
    }

    fn look(&mut self, bytes: usize) -> io::Result<()> {
        while self.head.len() < bytes {
            let mut next = [0; MAGIC];
            let room = bytes - self.head.len();
            match self.inner.read(&mut next[..room]) {
                Ok(0) => break,
                Ok(read) => self.head.extend_from_slice(&next[..read.min(room)]),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }
}

impl Read for Tap {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = if self.head.is_empty() {
            self.inner.read(buffer)?
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
struct Patient {
    file: File,
    stop: Stop,
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
struct Stopped;

impl Stopped {
    fn is(error: &io::Error) -> bool {
        error.get_ref().is_some_and(|inner| inner.is::<Self>())
    }
}

impl std::fmt::Display for Stopped {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("reading was stopped")
    }
}

impl std::error::Error for Stopped {}

//! Where an input's bytes come from: a file or standard input, as they stand
//! decompressed, or as the lines of a table. What an input is, its first bytes say, not its name. It
//! must not know what the bytes mean.

use std::fs::File;
use std::io::{self, Read};

use super::compressed::{Compressed, Damage, MAGIC, Unpacking, is_undecided};
#[cfg(feature = "parquet")]
use super::parquet::Parquet;
#[cfg(feature = "parquet")]
use super::tap::Stopped;
use super::tap::{Patient, Tap, Watched};
use super::unpack::{Gzip, Zstd};
use super::{ReadError, Taken};
use crate::stop::Stop;

/// The bytes of one input: decompressed where they are gzip (of any number of
/// members) or zstd (of any number of frames).
///
/// A stream that is cut short, or followed by bytes of another kind, is an
/// error when that place is reached; never a short input.
pub struct Source {
    kind: Kind,
    unpacking: Unpacking,
    /// How many decompressed bytes were given.
    given: u64,
    watched: Option<Watched>,
}

enum Kind {
    Unread(Tap),
    Plain(Tap),
    Gzip(Box<Gzip>),
    Zstd(Box<Zstd>),
    /// A table, as lines.
    #[cfg(feature = "parquet")]
    Parquet(Box<Parquet>, Stop),
    /// What it is could not be told, or no decoder made.
    Broken,
}

impl Source {
    /// Reads from this.
    pub fn new(bytes: impl Read + Send + 'static) -> Self {
        Self::unpacked(bytes, Unpacking::default())
    }

    /// Reads from this, which is expected to be compressed so.
    pub fn unpacked(bytes: impl Read + Send + 'static, unpacking: Unpacking) -> Self {
        Self {
            kind: Kind::Unread(Tap::new(Box::new(bytes))),
            unpacking,
            given: 0,
            watched: None,
        }
    }

    /// Reads from a file or pipe, without waiting for it any longer than
    /// until somebody asks to stop.
    pub(super) fn patient(file: File, stop: Stop, unpacking: Unpacking) -> io::Result<Self> {
        let watched = Watched::new(&file)?;
        Ok(Self {
            watched,
            ..Self::unpacked(Patient { file, stop }, unpacking)
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
            unpacking: Unpacking::default(),
            given: 0,
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
            Kind::Gzip(decoder) => decoder.tap(),
            Kind::Zstd(decoder) => decoder.tap(),
            #[cfg(feature = "parquet")]
            Kind::Parquet(parquet, _) => return parquet.stored(),
            Kind::Unread(_) | Kind::Plain(_) | Kind::Broken => return None,
        };
        Some((tap.bytes, tap.sha256()))
    }

    /// Looks at the first bytes, however slowly they arrive.
    fn recognize(&mut self) -> io::Result<()> {
        let Kind::Unread(tap) = &mut self.kind else {
            return Ok(());
        };
        tap.look::<MAGIC>(is_undecided)?;
        let Kind::Unread(mut tap) = std::mem::replace(&mut self.kind, Kind::Broken) else {
            return Ok(());
        };
        let found = self.unpacking.expected.recognize(&tap.head)?;
        tap.counts = found.is_some();
        self.kind = match found {
            Some(Compressed::Gzip) => Kind::Gzip(Box::new(Gzip::new(tap))),
            Some(Compressed::Zstd) => {
                let window_log = self.unpacking.zstd_window_log;
                Kind::Zstd(Box::new(Zstd::new(tap, window_log)?))
            }
            None => Kind::Plain(tap),
        };
        Ok(())
    }
}

impl Read for Source {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.recognize()?;
        let (kind, read) = match &mut self.kind {
            Kind::Unread(tap) | Kind::Plain(tap) => return tap.read(buffer),
            Kind::Gzip(decoder) => (Compressed::Gzip, decoder.read(buffer)?),
            Kind::Zstd(decoder) => (Compressed::Zstd, decoder.read(buffer)?),
            #[cfg(feature = "parquet")]
            Kind::Parquet(_, stop) if stop.is_requested() => {
                return Err(io::Error::other(Stopped));
            }
            #[cfg(feature = "parquet")]
            Kind::Parquet(parquet, _) => return parquet.read(buffer),
            Kind::Broken => return Err(io::Error::other("the input could not be begun")),
        };
        self.given += read as u64;
        let most = self.unpacking.most_bytes;
        if self.given > most {
            return Err(Damage::TooLarge { kind, most }.into());
        }
        Ok(read)
    }
}

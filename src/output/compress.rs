//! Lines, compressed as a member or frame of its own. Files of many members
//! are what every reader of gzip and zstd reads, a resume can cut them after
//! any member, and any worker can make one. It must not know what the lines
//! are.

use std::io::{self, Write};
use std::path::Path;

use crate::row::Compressed;

/// How an output is compressed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Compression {
    /// gzip, RFC 1952: `.gz`.
    Gzip,
    /// Zstandard, RFC 8878: `.zst`.
    Zstd,
    /// Not at all.
    None,
}

/// Zstandard's own default.
const ZSTD_LEVEL: i32 = 3;

impl Compression {
    /// What a file's name says.
    pub fn of(path: &Path) -> Self {
        match Compressed::of(path) {
            Some(Compressed::Gzip) => Self::Gzip,
            Some(Compressed::Zstd) => Self::Zstd,
            None => Self::None,
        }
    }

    /// What the name of such a file ends in.
    pub fn ending(self) -> &'static str {
        match self {
            Self::Gzip => ".gz",
            Self::Zstd => ".zst",
            Self::None => "",
        }
    }

    /// Its name; `None` where there is no compression.
    pub fn name(self) -> Option<&'static str> {
        match self {
            Self::Gzip => Some("gzip"),
            Self::Zstd => Some("zstd"),
            Self::None => None,
        }
    }

    /// The bytes as one complete member or frame; the same bytes always give
    /// the same.
    ///
    /// # Errors
    /// When the compressor fails, which it does for want of memory alone.
    pub fn pack(self, bytes: Vec<u8>) -> io::Result<Vec<u8>> {
        match self {
            Self::None => Ok(bytes),
            Self::Gzip => {
                let out = Vec::with_capacity(bytes.len() / 2);
                // Without a name or a time in its header.
                let level = flate2::Compression::default();
                let mut encoder = flate2::write::GzEncoder::new(out, level);
                encoder.write_all(&bytes)?;
                encoder.finish()
            }
            Self::Zstd => {
                let out = Vec::with_capacity(bytes.len() / 2);
                let mut encoder = zstd::Encoder::new(out, ZSTD_LEVEL)?;
                encoder.include_checksum(true)?;
                encoder.set_pledged_src_size(Some(bytes.len() as u64))?;
                encoder.write_all(&bytes)?;
                encoder.finish()
            }
        }
    }
}

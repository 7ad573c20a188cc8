//! Where the bytes of a Parquet file are read: by their place, so that several
//! threads share one file. A page that would take more memory than any honest
//! one is refused before it is unpacked. It must not know what the bytes mean
//! beyond that.

use std::fs::File;
use std::io::{self, BufReader, Read};
use std::sync::Arc;

use bytes::Bytes;
use parquet::errors::{ParquetError, Result};
use parquet::file::reader::{ChunkReader, Length};
use sha2::{Digest, Sha256};

use super::damaged;
use super::footer::is_too_deep;

/// The largest page that is unpacked, in bytes. Pages have a MiB as a rule;
/// DuckDB makes some of up to 100 MB.
const LARGEST_PAGE: u64 = 256 << 20;
/// How much of a page's header tells its size: three members of six bytes.
const HEADER_BYTES: usize = 18;
/// How much is read at a time for a header.
const BUFFER_BYTES: usize = 1024;
/// What a file ends with: the length of its description, and its name.
const TAIL: u64 = 8;
/// How much of a description is looked at.
const LARGEST_SCHEMA: u64 = 16 << 20;
/// How much is read at a time for the digest.
const DIGEST_BYTES: usize = 256 * 1024;

/// A file that is read by place.
#[derive(Clone)]
pub(super) struct Place {
    file: Arc<File>,
    bytes: u64,
}

impl Place {
    pub(super) fn new(file: Arc<File>) -> io::Result<Self> {
        let bytes = file.metadata()?.len();
        Ok(Self { file, bytes })
    }

    /// Looks at what the file says of itself, as far as it must be looked at
    /// before it is read.
    pub(super) fn check_footer(&self) -> io::Result<()> {
        let start = |bytes: u64| self.bytes.checked_sub(bytes);
        let footer = start(TAIL).and_then(|at| {
            let tail = self.get_bytes(at, TAIL as usize).ok()?;
            let length = tail
                .first_chunk()
                .map(|length| u32::from_le_bytes(*length))?;
            let at = start(TAIL + u64::from(length))?;
            // Columns come first, whatever there is of the rest.
            let length = u64::from(length).min(LARGEST_SCHEMA);
            self.get_bytes(at, usize::try_from(length).ok()?).ok()
        });
        match footer.and_then(|footer| is_too_deep(&footer)) {
            Some(false) => Ok(()),
            Some(true) => Err(damaged("its columns are nested too deep")),
            None => Err(damaged("it has no description of its columns at its end")),
        }
    }

    /// The size and the SHA-256 of the file as it is now.
    pub(super) fn digest(&self) -> io::Result<(u64, [u8; 32])> {
        let mut digest = Sha256::new();
        let mut buffer = vec![0; DIGEST_BYTES];
        let mut bytes = 0;
        loop {
            match read_at(&self.file, bytes, &mut buffer)? {
                0 => return Ok((bytes, digest.finalize().into())),
                read => {
                    digest.update(&buffer[..read]);
                    bytes += read as u64;
                }
            }
        }
    }
}

impl Length for Place {
    fn len(&self) -> u64 {
        self.bytes
    }
}

impl ChunkReader for Place {
    type T = BufReader<From>;

    fn get_read(&self, start: u64) -> Result<Self::T> {
        let mut head = [0; HEADER_BYTES];
        let read = read_at(&self.file, start, &mut head)?;
        check(unpacked(&head[..read]).unwrap_or(0))?;
        let from = From {
            file: Arc::clone(&self.file),
            at: start,
        };
        Ok(BufReader::with_capacity(BUFFER_BYTES, from))
    }

    fn get_bytes(&self, start: u64, length: usize) -> Result<Bytes> {
        check(length as u64)?;
        let ends = start.checked_add(length as u64);
        if ends.is_none_or(|end| end > self.bytes) {
            return Err(ParquetError::EOF(format!(
                "{length} bytes should stand at {start}, and it has {}",
                self.bytes
            )));
        }
        let mut buffer = vec![0; length];
        let mut filled = 0;
        while filled < length {
            match read_at(&self.file, start + filled as u64, &mut buffer[filled..])? {
                0 => return Err(ParquetError::EOF("it has become shorter".into())),
                read => filled += read,
            }
        }
        Ok(buffer.into())
    }
}

fn check(bytes: u64) -> Result<()> {
    if bytes > LARGEST_PAGE {
        return Err(ParquetError::General(format!(
            "a page of {bytes} bytes; at most {LARGEST_PAGE} are read"
        )));
    }
    Ok(())
}

/// How large a page says it is when it is unpacked, where this is the header of
/// one: its second member, behind its kind.
fn unpacked(header: &[u8]) -> Option<u64> {
    let mut bytes = header.iter();
    let mut number = || {
        // A member with the next number, of the type of 32 bits.
        let member = *bytes.next()?;
        let mut value: u64 = 0;
        for shift in (0..35).step_by(7) {
            let byte = *bytes.next()?;
            value |= u64::from(byte & 0x7f) << shift;
            if byte & 0x80 == 0 {
                // Signs stand in the last bit.
                return (member == 0x15).then_some(value >> 1);
            }
        }
        None
    };
    number()?;
    number()
}

/// What stands in a file from some place on.
pub(super) struct From {
    file: Arc<File>,
    at: u64,
}

impl Read for From {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = read_at(&self.file, self.at, buffer)?;
        self.at += read as u64;
        Ok(read)
    }
}

/// Reads once at some place; 0 at the end.
#[cfg(unix)]
pub(super) fn read_at(file: &File, at: u64, buffer: &mut [u8]) -> io::Result<usize> {
    use std::os::unix::fs::FileExt;
    loop {
        match file.read_at(buffer, at) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            read => return read,
        }
    }
}

/// Reads once at some place; 0 at the end.
#[cfg(windows)]
pub(super) fn read_at(file: &File, at: u64, buffer: &mut [u8]) -> io::Result<usize> {
    use std::os::windows::fs::FileExt;
    file.seek_read(buffer, at)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_says_its_size_in_its_second_member() {
        // A data page of 300 bytes, then one of 2 GiB less one.
        assert_eq!(
            unpacked(&[0x15, 0x00, 0x15, 0xd8, 0x04, 0x15, 0x02]),
            Some(300)
        );
        let largest = [0x15, 0x04, 0x15, 0xfe, 0xff, 0xff, 0xff, 0x0f];
        assert_eq!(unpacked(&largest), Some((1 << 31) - 1));
        assert_eq!(unpacked(&[0x15, 0x04, 0x19, 0xfc]), None);
        assert_eq!(unpacked(b"PAR1"), None);
        assert_eq!(unpacked(&[0x15]), None);
    }
}

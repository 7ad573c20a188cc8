//! The lines of a stream, some hundreds together: every line counts, a blank
//! one and one without an end, too. It must not know what a line holds.

use std::io::{ErrorKind, Read};
use std::ops::Range;

use memchr::memchr_iter;

use crate::error::Error;
use crate::row::{KEPT_BYTES, ReadError};

/// How many lines, and how many bytes of them, go together at most; larger
/// ones would only wait longer.
const CHUNK_LINES: usize = 1024;
const CHUNK_BYTES: usize = 256 * 1024;

/// How much is read at once: what a pipe holds.
const READ_BYTES: usize = 64 * 1024;

/// Lines that came together.
pub(super) struct Chunk {
    bytes: Vec<u8>,
    lines: Vec<Line>,
    /// The number of the first line, from 1.
    first: u64,
}

struct Line {
    at: Range<usize>,
    /// The whole length of a line that is too long, of which only the
    /// beginning is there.
    too_long: Option<u64>,
}

impl Chunk {
    /// How many lines there are.
    pub(super) fn len(&self) -> usize {
        self.lines.len()
    }

    /// Each line without its end, with its number.
    pub(super) fn rows(&self) -> impl Iterator<Item = (&[u8], u64)> {
        let texts = self.lines.iter().map(|line| &self.bytes[line.at.clone()]);
        texts.zip(self.first..)
    }

    /// The length of the line at this place, if it is too long.
    pub(super) fn too_long(&self, at: usize) -> Option<u64> {
        self.lines.get(at)?.too_long
    }
}

/// Reads lines.
pub(super) struct Lines<R, P> {
    source: R,
    is_pausing: P,
    limit: usize,
    buffer: Vec<u8>,
    /// The line that has not ended yet; of one that is too long, its beginning.
    open: Vec<u8>,
    /// How long it is so far.
    length: u64,
    next: u64,
    is_at_end: bool,
}

impl<R: Read, P: Fn() -> bool> Lines<R, P> {
    /// The lines of a source, of which none may be longer than `limit` bytes.
    pub(super) fn new(source: R, is_pausing: P, limit: usize) -> Self {
        Self {
            source,
            is_pausing,
            limit,
            buffer: vec![0; READ_BYTES],
            open: Vec::new(),
            length: 0,
            next: 1,
            is_at_end: false,
        }
    }

    /// The lines that come next; `None` at the end.
    pub(super) fn next(&mut self) -> Result<Option<Chunk>, Error> {
        let mut chunk = Chunk {
            bytes: Vec::new(),
            lines: Vec::new(),
            first: self.next,
        };
        while !self.is_at_end {
            let read = self.read()?;
            if read == 0 {
                self.is_at_end = true;
                if self.length > 0 {
                    self.end_line(&mut chunk);
                }
                break;
            }
            let mut start = 0;
            let buffer = std::mem::take(&mut self.buffer);
            for end in memchr_iter(b'\n', &buffer[..read]) {
                self.extend(&buffer[start..end]);
                self.end_line(&mut chunk);
                start = end + 1;
            }
            self.extend(&buffer[start..read]);
            self.buffer = buffer;
            let is_full = chunk.len() >= CHUNK_LINES || chunk.bytes.len() >= CHUNK_BYTES;
            if is_full || (chunk.len() > 0 && (self.is_pausing)()) {
                break;
            }
        }
        self.next += chunk.len() as u64;
        Ok((chunk.len() > 0).then_some(chunk))
    }

    fn read(&mut self) -> Result<usize, Error> {
        loop {
            match self.source.read(&mut self.buffer) {
                Ok(read) => return Ok(read.min(READ_BYTES)),
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => {
                    return Err(Error::Read {
                        file: "-".into(),
                        error: ReadError::Io(error),
                    });
                }
            }
        }
    }

    /// Adds to the line that has not ended.
    fn extend(&mut self, bytes: &[u8]) {
        self.length += bytes.len() as u64;
        // One more than the limit, for the carriage return before the end.
        let room = (self.limit + 1).saturating_sub(self.open.len());
        self.open.extend_from_slice(&bytes[..bytes.len().min(room)]);
    }

    fn end_line(&mut self, chunk: &mut Chunk) {
        let mut line = &self.open[..];
        let mut length = self.length;
        if self.next == 1 && chunk.lines.is_empty() {
            let without_mark = line.strip_prefix(b"\xef\xbb\xbf");
            length -= if without_mark.is_some() { 3 } else { 0 };
            line = without_mark.unwrap_or(line);
        }
        if length == line.len() as u64
            && let Some(before) = line.strip_suffix(b"\r")
        {
            line = before;
            length -= 1;
        }
        let too_long = (length > self.limit as u64).then_some(length);
        if too_long.is_some() {
            line = &line[..line.len().min(KEPT_BYTES)];
        }
        let start = chunk.bytes.len();
        chunk.bytes.extend_from_slice(line);
        let at = start..chunk.bytes.len();
        chunk.lines.push(Line { at, too_long });
        self.open.clear();
        // One long line must not cost its memory for the rest of the stream.
        self.open.shrink_to(READ_BYTES);
        self.length = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A source that gives its bytes in pieces of one size.
    struct Pieces<'a>(&'a [u8], usize);

    impl Read for Pieces<'_> {
        fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
            let step = self.1.min(buffer.len());
            (&mut self.0).take(step as u64).read(buffer)
        }
    }

    fn lines(text: &[u8], pieces: usize, pauses: bool, limit: usize) -> Vec<(Vec<u8>, u64)> {
        let mut lines = Lines::new(Pieces(text, pieces), || pauses, limit);
        let mut all = Vec::new();
        while let Some(chunk) = lines.next().unwrap() {
            for (at, (row, number)) in chunk.rows().enumerate() {
                all.push((row.to_vec(), number));
                assert_eq!(number, all.len() as u64);
                let is_long = chunk.too_long(at).is_some();
                assert_eq!(
                    is_long,
                    row.len() > limit || chunk.too_long(at) > Some(limit as u64)
                );
            }
        }
        all
    }

    #[test]
    fn every_line_counts_however_the_bytes_come() {
        let text = b"\xef\xbb\xbf{\"a\":1}\r\n\n  \n{\"b\":2}\n\xef\xbb\xbfx\nno end";
        let expected: [&[u8]; 6] = [
            b"{\"a\":1}",
            b"",
            b"  ",
            b"{\"b\":2}",
            b"\xef\xbb\xbfx",
            b"no end",
        ];
        for pieces in [1, 2, 3, 7, 100] {
            for pauses in [false, true] {
                let found = lines(text, pieces, pauses, 100);
                let found: Vec<&[u8]> = found.iter().map(|(row, _)| &row[..]).collect();
                assert_eq!(found, expected, "{pieces} {pauses}");
            }
        }
        assert!(lines(b"", 10, false, 10).is_empty());
    }

    #[test]
    fn a_line_is_as_long_as_the_limit_and_no_longer() {
        let text = b"1234567890\r\n12345678901\n1234567890";
        for pieces in [1, 5, 100] {
            let mut lines = Lines::new(Pieces(text, pieces), || false, 10);
            let chunk = lines.next().unwrap().unwrap();
            let long: Vec<_> = (0..3).map(|at| chunk.too_long(at)).collect();
            assert_eq!(long, [None, Some(11), None], "{pieces}");
        }
    }

    #[test]
    fn what_is_too_long_keeps_only_its_beginning() {
        let text = vec![b'x'; 3 * KEPT_BYTES];
        let mut lines = Lines::new(Pieces(&text, READ_BYTES), || false, KEPT_BYTES + 5);
        let chunk = lines.next().unwrap().unwrap();
        assert_eq!(chunk.too_long(0), Some(text.len() as u64));
        assert_eq!(chunk.rows().next().unwrap().0.len(), KEPT_BYTES);
    }
}

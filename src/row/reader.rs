//! The reader: pulls bytes from one source, keeps their digest, and cuts the
//! framed rows into batches. It must not know what is in a row; only the
//! header is split into cells here, because it decides nothing else.

use std::io::{ErrorKind, Read};

use sha2::{Digest, Sha256};

use super::frame::Framer;
use super::source::Source;
use super::{Batch, Cells, Dialect, Fault, Limits, Place, ReadError, stray_quote};

const BUFFER_BYTES: usize = 128 * 1024;
const LARGEST_LIMIT: usize = 1024 * 1024 * 1024;
/// How many bytes tell the encoding.
const HEAD_BYTES: usize = 12;
/// What a Parquet file begins with: its name, and a number in binary.
const PARQUET_MARK: &[u8] = b"PAR1\x15";
const UTF8_MARK: &[u8] = b"\xef\xbb\xbf";

/// Reads one input as batches of rows, holding one buffer of it at a time.
pub struct Reader<R: Read> {
    source: R,
    dialect: Dialect,
    limits: Limits,
    framer: Framer,
    buffer: Box<[u8]>,
    /// The unread part of the buffer.
    at: usize,
    filled: usize,
    /// Of the bytes before `hashed`, which is in the buffer, too.
    digest: Sha256,
    hashed: usize,
    bytes_read: u64,
    first_record: u64,
    /// The start of the input has been looked at.
    begun: bool,
    /// The header has been asked for.
    header_done: bool,
    at_end: bool,
    failed: bool,
}

impl<R: Read> Reader<R> {
    /// A reader at the start of `source`, whose first row gets the number
    /// `first_record`.
    pub fn new(source: R, dialect: Dialect, limits: Limits, first_record: u64) -> Self {
        let limits = Limits {
            row_bytes: limits.row_bytes.clamp(1, LARGEST_LIMIT),
            batch_rows: limits.batch_rows.max(1),
            batch_bytes: limits.batch_bytes.clamp(1, LARGEST_LIMIT),
        };
        Self {
            source,
            dialect,
            limits,
            framer: Framer::new(dialect, limits.row_bytes, first_record),
            buffer: vec![0; BUFFER_BYTES].into_boxed_slice(),
            at: 0,
            filled: 0,
            digest: Sha256::new(),
            hashed: 0,
            bytes_read: 0,
            first_record,
            begun: false,
            header_done: false,
            at_end: false,
            failed: false,
        }
    }

    /// The cells of the first record, which then is no row; `None` when the
    /// input has no record at all, or is not CSV.
    ///
    /// To be called once, before the first batch; not at all for an input
    /// without a header. The cells may not be UTF-8.
    pub fn header(&mut self) -> Result<Option<Vec<Vec<u8>>>, ReadError> {
        self.in_turn()?;
        let Dialect::Csv { delimiter } = self.dialect else {
            return Ok(None);
        };
        if self.header_done || self.framer.next_record != self.first_record {
            return Err(ReadError::OutOfTurn {
                why: "the header comes once, before the rows",
            });
        }
        self.header_done = true;
        let cells = self.read_header(delimiter);
        self.failed = cells.is_err();
        cells
    }

    /// Fills the batch, which is emptied first, with the rows that come next.
    ///
    /// `false` means that the input has ended and the batch is empty; after
    /// `true` it holds at least one row, good or faulty. After an error it is
    /// empty.
    pub fn next_batch(&mut self, batch: &mut Batch) -> Result<bool, ReadError> {
        batch.clear();
        self.in_turn()?;
        let more = self.frame(batch, self.limits.batch_rows);
        self.hash();
        if more.is_err() {
            self.failed = true;
            batch.clear();
        }
        more
    }

    /// Whether the last batch is as short as it is because the input has
    /// ended.
    pub fn is_at_end(&self) -> bool {
        self.at_end
    }

    /// The number the next row will get.
    pub fn next_record(&self) -> u64 {
        self.framer.next_record
    }

    /// Gives the next row this number. For an input that had to be opened,
    /// and its header read, before the inputs ahead of it were counted.
    pub fn set_next_record(&mut self, record: u64) {
        self.framer.next_record = record;
        self.first_record = record;
    }

    /// Where the next row begins, or what lies before it. Only between
    /// batches, or after the header.
    pub fn place(&mut self) -> Place {
        self.hash();
        Place {
            byte: self.framer.offset(),
            line: self.framer.line(),
            record: self.framer.next_record,
            sha256: self.sha256(),
        }
    }

    /// Passes over everything before a place of the same input, as
    /// [`Reader::place`] gave it, and goes on there. To be called before the
    /// first batch, after the header where there is one.
    ///
    /// # Errors
    /// When the bytes before it are other ones, or cannot be read.
    pub fn take_up(&mut self, place: &Place) -> Result<(), ReadError> {
        self.in_turn()?;
        let passed = self.pass_to(place);
        self.failed = passed.is_err();
        passed
    }

    fn pass_to(&mut self, place: &Place) -> Result<(), ReadError> {
        if place.byte == 0 && !self.begun {
            // Before everything, a byte order mark included.
            self.framer.next_record = place.record;
            return Ok(());
        }
        self.begin()?;
        let changed = |found| ReadError::Changed {
            wanted: place.byte,
            found,
        };
        let mut left = match place.byte.checked_sub(self.framer.offset()) {
            Some(left) => left,
            None => return Err(changed(place.byte)),
        };
        let mut last = None;
        while left > 0 {
            if self.at == self.filled && !self.fill(0)? {
                return Err(changed(place.byte - left));
            }
            let ready = (self.filled - self.at) as u64;
            // No more than what is in the buffer, so it fits.
            let step = ready.min(left) as usize;
            self.at += step;
            last = Some(self.buffer[self.at - 1]);
            left -= step as u64;
        }
        self.hash();
        if self.sha256() != place.sha256 {
            return Err(changed(place.byte));
        }
        self.framer.take_up(place, last);
        Ok(())
    }

    /// Passes over everything up to the end, for its digest alone.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn drain(&mut self) -> Result<(), ReadError> {
        self.in_turn()?;
        self.at = self.filled;
        let drained = loop {
            match self.fill(0) {
                Ok(true) => self.at = self.filled,
                Ok(false) => break Ok(()),
                Err(error) => break Err(error),
            }
        };
        self.hash();
        self.failed = drained.is_err();
        drained
    }

    /// How many bytes were read from the source.
    pub fn bytes_read(&self) -> u64 {
        self.bytes_read
    }

    /// How many blank lines were skipped.
    pub fn blank_lines(&self) -> u64 {
        self.framer.blank_lines
    }

    /// The source.
    pub fn source(&self) -> &R {
        &self.source
    }

    /// The SHA-256 digest of the bytes up to the end of the last batch; after
    /// the last batch, of the whole input.
    pub fn sha256(&self) -> [u8; 32] {
        self.digest.clone().finalize().into()
    }

    fn read_header(&mut self, delimiter: u8) -> Result<Option<Vec<Vec<u8>>>, ReadError> {
        let mut batch = Batch::default();
        self.frame(&mut batch, 1)?;
        self.framer.next_record = self.first_record;
        if let Some(row) = batch.faults.first() {
            let Fault::TooLong { limit } = row.fault;
            return Err(ReadError::HeaderTooLong {
                line: row.position.line,
                length: row.length,
                limit,
            });
        }
        let mut cells = Cells::new(&batch, delimiter);
        let Some((row, record)) = cells.next() else {
            return Ok(None);
        };
        let text = batch.text(row).unwrap_or_default();
        if let Some(offset) = stray_quote(text, delimiter) {
            return Err(ReadError::HeaderStrayQuote {
                line: row.position.line,
                byte: row.position.byte + offset as u64,
            });
        }
        let record = record.map_err(ReadError::Header)?;
        Ok(Some(record.iter().map(<[u8]>::to_vec).collect()))
    }

    /// Frames rows until there are `rows` of them, the batch is heavy enough,
    /// or the input ends; whether there are any.
    fn frame(&mut self, batch: &mut Batch, rows: usize) -> Result<bool, ReadError> {
        self.begin()?;
        let mut fault_bytes = 0;
        let mut faults = 0;
        loop {
            if self.at == self.filled && !self.fill(0)? {
                self.framer.end(batch)?;
                return Ok(!batch.is_empty());
            }
            let step = self
                .framer
                .advance(&self.buffer[self.at..self.filled], batch)?;
            self.at += step.used;
            if !step.row_ended {
                continue;
            }
            if batch.faults.len() > faults {
                faults = batch.faults.len();
                fault_bytes += batch.faults[faults - 1].raw.len();
            }
            if batch.len() >= rows || batch.bytes.len() + fault_bytes >= self.limits.batch_bytes {
                return Ok(true);
            }
        }
    }

    /// Looks at the first bytes of the input, however slowly they arrive.
    fn begin(&mut self) -> Result<(), ReadError> {
        if self.begun {
            return Ok(());
        }
        if let Dialect::Csv { delimiter } = self.dialect
            && matches!(delimiter, b'"' | b'\n' | b'\r')
        {
            return Err(ReadError::Delimiter { delimiter });
        }
        while self.filled < HEAD_BYTES && self.fill(self.filled)? {}
        let head = &self.buffer[..self.filled];
        if let Some(little_endian) = utf16(&head[..head.len().min(HEAD_BYTES)]) {
            return Err(ReadError::Utf16 { little_endian });
        }
        if head.starts_with(PARQUET_MARK) {
            return Err(ReadError::Parquet);
        }
        if head.starts_with(UTF8_MARK) {
            self.at = UTF8_MARK.len();
            self.framer.pass_over(UTF8_MARK.len());
        }
        self.begun = true;
        Ok(())
    }

    /// Reads once into the buffer after its first `kept` bytes; `false` at the
    /// end of the source, which is not asked again.
    fn fill(&mut self, kept: usize) -> Result<bool, ReadError> {
        if self.at_end {
            return Ok(false);
        }
        if kept == 0 {
            self.hash();
            self.hashed = 0;
        }
        let read = loop {
            match self.source.read(&mut self.buffer[kept..]) {
                Ok(read) => break read,
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(ReadError::Io(error)),
            }
        };
        // A source that claims more than it was offered is cut to the buffer.
        let end = kept.saturating_add(read).min(self.buffer.len());
        self.bytes_read += (end - kept) as u64;
        self.at = 0;
        self.filled = end;
        self.at_end = read == 0;
        Ok(!self.at_end)
    }

    /// Hashes what has been taken from the buffer since the last time.
    fn hash(&mut self) {
        if self.hashed < self.at {
            self.digest.update(&self.buffer[self.hashed..self.at]);
            self.hashed = self.at;
        }
    }

    /// Refuses to go on after an error: the row it broke off is lost.
    fn in_turn(&self) -> Result<(), ReadError> {
        if self.failed {
            return Err(ReadError::OutOfTurn {
                why: "an earlier error ended this input",
            });
        }
        Ok(())
    }
}

/// Whether these first bytes are UTF-16, and its lower bytes come first; where
/// no mark says it, letters of ASCII have zeros beside them.
fn utf16(head: &[u8]) -> Option<bool> {
    let letters = |letter: usize| {
        let pairs = head.chunks_exact(2);
        let is_letter = |pair: &[u8]| pair[letter].is_ascii_graphic() && pair[1 - letter] == 0;
        head.len() == HEAD_BYTES && pairs.into_iter().all(is_letter)
    };
    match head {
        [0xff, 0xfe, ..] => Some(true),
        [0xfe, 0xff, ..] => Some(false),
        _ if letters(0) => Some(true),
        _ if letters(1) => Some(false),
        _ => None,
    }
}

impl Reader<Source> {
    /// After the last batch, the size of the input as it is stored, maybe
    /// compressed, and the SHA-256 of that.
    pub fn stored(&self) -> (u64, [u8; 32]) {
        let plain = || (self.bytes_read(), self.sha256());
        self.source.stored().unwrap_or_else(plain)
    }
}

//! `csv_reader`, `ndjson_reader`: framing. Whatever the reads are cut into, the
//! batches are the same; no byte of the input gets lost; nothing grows beyond
//! the limits.
//!
//! The first eight bytes are settings, one digit each (the low four bits
//! count): row limit, rows of a batch, bytes of a batch, delimiter, and four
//! sizes of reads, where 0 is an interrupted one. The rest is the input.

use std::io::{Error, ErrorKind, Read};

use campaign_signer::row::{
    Batch, Cells, Dialect, Fault, KEPT_BYTES, Limits, Position, ReadError, Reader, stray_quote,
};

const MARK: &[u8] = b"\xef\xbb\xbf";
const ROW_BYTES: [usize; 8] = [1 << 20, 1, 2, 8, 32, 64, 1024, 16 * 1024];
const BATCH_ROWS: [usize; 4] = [1024, 1, 2, 3];
const BATCH_BYTES: [usize; 4] = [256 * 1024, 1, 16, 256];
const DELIMITERS: [u8; 16] = *b",;\t|, \0a\xff\"\n\r,,,,";
const READS: [usize; 16] = [
    0,
    1,
    2,
    3,
    4,
    5,
    7,
    8,
    13,
    16,
    31,
    64,
    255,
    1024,
    4096,
    1 << 20,
];

pub fn csv_reader(data: &[u8]) {
    let Some((settings, input)) = Settings::of(data) else {
        return;
    };
    let dialect = Dialect::Csv {
        delimiter: settings.delimiter,
    };
    let framed = framed(dialect, &settings, input, false);
    if let [b'"' | b'\n' | b'\r'] = [settings.delimiter] {
        assert!(framed.rows.is_empty());
        assert!(matches!(framed.error, Some(ReadError::Delimiter { .. })));
        return;
    }
    // `\n`, `\r` and `\r\n` end a line.
    let lines = lines(input, |before, byte| {
        byte == b'\r' || (byte == b'\n' && before != b'\r')
    });
    check_places(&framed, input, &lines, b"\r\n");
    check_header(dialect, &settings, input, &framed);
}

pub fn ndjson_reader(data: &[u8]) {
    let Some((settings, input)) = Settings::of(data) else {
        return;
    };
    let framed = framed(Dialect::Ndjson, &settings, input, false);
    let lines = lines(input, |_, byte| byte == b'\n');
    check_places(&framed, input, &lines, b" \t\r\n");
    if framed.error.is_some() {
        return;
    }
    // Lines are simple enough for a second framer, a naive one.
    let text = input.strip_prefix(MARK).unwrap_or(input);
    let mut lines: Vec<&[u8]> = text.split(|byte| *byte == b'\n').collect();
    if lines.last().is_some_and(|last| last.is_empty()) {
        lines.pop();
    }
    let is_blank = |line: &&&[u8]| line.iter().all(|byte| b" \t\r".contains(byte));
    assert_eq!(
        framed.blank_lines,
        lines.iter().filter(is_blank).count() as u64
    );
    let mut rows = framed.rows.iter();
    for line in lines.iter().filter(|line| !is_blank(line)) {
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        let row = rows.next().expect("a line got lost");
        assert_eq!(row.length, line.len() as u64);
        assert_eq!(row.fault.is_some(), line.len() > settings.limits.row_bytes);
        assert!(line.starts_with(&row.text));
    }
    assert!(rows.next().is_none(), "a row that is no line");
}

struct Settings {
    limits: Limits,
    delimiter: u8,
    reads: [usize; 4],
}

impl Settings {
    fn of(data: &[u8]) -> Option<(Self, &[u8])> {
        let (head, input) = data.split_first_chunk::<8>()?;
        let digits = head.map(|byte| usize::from(byte & 0x0f));
        let [row_bytes, batch_rows, batch_bytes, delimiter, reads @ ..] = digits;
        let limits = Limits {
            row_bytes: ROW_BYTES[row_bytes % ROW_BYTES.len()],
            batch_rows: BATCH_ROWS[batch_rows % BATCH_ROWS.len()],
            batch_bytes: BATCH_BYTES[batch_bytes % BATCH_BYTES.len()],
        };
        let settings = Self {
            limits,
            delimiter: DELIMITERS[delimiter],
            reads: reads.map(|at| READS[at]),
        };
        Some((settings, input))
    }
}

/// A source that gives its bytes in pieces of these sizes, again and again.
struct Pieces<'a> {
    input: &'a [u8],
    sizes: [usize; 4],
    nth: usize,
}

impl Read for Pieces<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let size = self.sizes[self.nth % 4];
        self.nth += 1;
        if size == 0 && self.sizes != [0; 4] {
            return Err(Error::from(ErrorKind::Interrupted));
        }
        let size = size.max(1).min(buffer.len()).min(self.input.len());
        let (piece, rest) = self.input.split_at(size);
        buffer[..size].copy_from_slice(piece);
        self.input = rest;
        Ok(size)
    }
}

/// One row out of any batch, good or faulty.
#[derive(Debug, PartialEq)]
struct Row {
    position: Position,
    fault: Option<Fault>,
    /// The row, or what is kept of it.
    text: Vec<u8>,
    length: u64,
}

/// An input, framed to its end or to its error.
struct Framed {
    header: Option<Vec<Vec<u8>>>,
    rows: Vec<Row>,
    error: Option<ReadError>,
    blank_lines: u64,
}

/// Frames the input in three ways of reading, which must not differ.
fn framed(dialect: Dialect, settings: &Settings, input: &[u8], header: bool) -> Framed {
    let reader = |sizes: [usize; 4]| {
        let source = Pieces {
            input,
            sizes,
            nth: 0,
        };
        Reader::new(source, dialect, settings.limits, 1)
    };
    // Byte by byte, where that does not take too long.
    let slow = match input.len() {
        0..=4096 => [1; 4],
        _ => [1, 2, 4096, 1],
    };
    let mut readers = [
        reader([usize::MAX; 4]),
        reader(slow),
        reader(settings.reads),
    ];
    let mut all = Framed {
        header: None,
        rows: Vec::new(),
        error: None,
        blank_lines: 0,
    };
    if header {
        let [whole, others @ ..] = &mut readers;
        let first = whole.header();
        for other in others {
            assert_eq!(format!("{first:?}"), format!("{:?}", other.header()));
        }
        match first {
            Ok(header) => all.header = header,
            Err(error) => all.error = Some(error),
        }
    }
    let mut batch = Batch::default();
    let mut again = Batch::default();
    while all.error.is_none() {
        let [whole, others @ ..] = &mut readers;
        let more = whole.next_batch(&mut batch);
        for other in others {
            assert_eq!(
                format!("{more:?}"),
                format!("{:?}", other.next_batch(&mut again))
            );
            assert_eq!(batch, again, "the batch depends on how it was read");
        }
        check_limits(&batch, settings.limits);
        match more {
            Ok(true) => {
                assert!(!batch.is_empty());
                if let Dialect::Csv { delimiter } = dialect {
                    check_cells(&batch, delimiter);
                }
                take_rows(&batch, &mut all.rows);
            }
            Ok(false) => {
                assert!(batch.is_empty());
                break;
            }
            Err(error) => {
                assert!(batch.is_empty());
                all.error = Some(error);
            }
        }
    }
    if let Some(error) = &all.error {
        assert!(!error.to_string().is_empty() && !error.hint().is_empty());
        for reader in &mut readers {
            let after = reader.next_batch(&mut batch);
            let delimiter = matches!(error, ReadError::Delimiter { .. });
            assert!(after.is_err(), "rows after an error");
            assert!(delimiter || matches!(after, Err(ReadError::OutOfTurn { .. })));
        }
    } else {
        let digest = readers[0].sha256();
        for reader in &readers {
            assert_eq!(reader.bytes_read(), input.len() as u64);
            assert_eq!(reader.sha256(), digest);
            assert_eq!(reader.blank_lines(), readers[0].blank_lines());
            assert_eq!(reader.next_record(), all.rows.len() as u64 + 1);
        }
    }
    all.blank_lines = readers[0].blank_lines();
    all
}

fn check_limits(batch: &Batch, limits: Limits) {
    assert!(batch.len() <= limits.batch_rows);
    // The row that fills a batch may be as long as rows can be.
    let most = limits.batch_bytes + limits.row_bytes + 1;
    assert!(batch.bytes.len() <= most);
    assert!(batch.bytes.capacity() <= 4 * (most + KEPT_BYTES));
    let mut kept = 0;
    for fault in &batch.faults {
        assert!(kept <= limits.batch_bytes, "the batch did not close");
        kept += fault.raw.len();
        assert!(fault.raw.len() <= KEPT_BYTES);
        assert!(fault.length > limits.row_bytes as u64);
    }
    for row in &batch.rows {
        let text = batch.text(row).expect("a span outside of its batch");
        assert!(!text.is_empty() && text.len() <= limits.row_bytes);
        assert_eq!(batch.bytes[row.end as usize], b'\n');
    }
}

/// The parser gives one answer for each row, which is that of a naive reading
/// of RFC 4180.
fn check_cells(batch: &Batch, delimiter: u8) {
    let mut cells = Cells::new(batch, delimiter);
    let mut rows = batch.rows.iter();
    while let Some((span, row)) = cells.next() {
        assert_eq!(Some(span), rows.next());
        let row = row.unwrap_or_else(|error| panic!("{error}"));
        let text = batch.text(span).unwrap();
        if stray_quote(text, delimiter).is_none() {
            let naive = naive_cells(text, delimiter);
            assert_eq!(row.len(), naive.len());
            assert!(row.iter().eq(naive.iter().map(Vec::as_slice)));
        }
    }
    assert!(rows.next().is_none());
}

/// Good and faulty rows in the order of their numbers.
fn take_rows(batch: &Batch, rows: &mut Vec<Row>) {
    let from = rows.len();
    rows.extend(batch.rows.iter().map(|row| {
        let text = batch.text(row).unwrap().to_vec();
        Row {
            position: row.position,
            fault: None,
            length: text.len() as u64,
            text,
        }
    }));
    rows.extend(batch.faults.iter().map(|row| Row {
        position: row.position,
        fault: Some(row.fault),
        text: row.raw.clone(),
        length: row.length,
    }));
    rows[from..].sort_by_key(|row| row.position.record);
}

/// The line of every offset, the end included; `ends` is asked for each byte
/// and the one before it.
fn lines(input: &[u8], ends: impl Fn(u8, u8) -> bool) -> Vec<u64> {
    let mut lines = vec![1];
    let mut before = 0;
    for &byte in input {
        lines.push(lines[lines.len() - 1] + u64::from(ends(before, byte)));
        before = byte;
    }
    lines
}

/// Every byte of the input is in a row, or is one of those that may stand
/// between rows.
fn check_places(framed: &Framed, input: &[u8], lines: &[u64], between: &[u8]) {
    let is_gap = |gap: &[u8]| gap.iter().all(|byte| between.contains(byte));
    let mut done = match input.starts_with(MARK) {
        true => MARK.len(),
        false => 0,
    };
    for (nth, row) in framed.rows.iter().enumerate() {
        let Position {
            record,
            line,
            last_line,
            byte,
        } = row.position;
        let start = byte as usize;
        let end = start + row.length as usize;
        assert_eq!(record, nth as u64 + 1, "numbers are consecutive");
        assert!(done <= start && end <= input.len());
        assert!(is_gap(&input[done..start]), "bytes got lost");
        let ended = nth == 0 || input[done..start].iter().any(|byte| b"\r\n".contains(byte));
        assert!(ended, "two rows on one line");
        assert!(input[start..end].starts_with(&row.text));
        if row.fault.is_none() {
            assert_eq!(row.text.len() as u64, row.length);
        } else {
            assert_eq!(row.text.len(), (end - start).min(KEPT_BYTES));
        }
        assert_eq!(line, lines[start]);
        assert_eq!(last_line, lines[end]);
        done = end;
    }
    match framed.error {
        None => assert!(is_gap(&input[done..]), "bytes got lost at the end"),
        Some(ReadError::OpenQuote {
            line,
            byte,
            at_end,
            limit,
        }) => {
            let quote = byte as usize;
            assert!(done <= quote && input[quote] == b'"');
            assert_eq!(line, lines[quote]);
            // Some row that was not given is longer than the limit.
            assert!(at_end || input.len() - done > limit);
        }
        Some(ReadError::Utf16 { .. }) => {
            assert!(framed.rows.is_empty());
            assert!(input.starts_with(b"\xff\xfe") || input.starts_with(b"\xfe\xff"));
        }
        Some(ref error) => panic!("{error}"),
    }
}

/// The cells of a row without a stray quote.
fn naive_cells(text: &[u8], delimiter: u8) -> Vec<Vec<u8>> {
    let mut cells = vec![Vec::new()];
    let mut bytes = text.iter().copied().peekable();
    let mut at_start = true;
    while let Some(byte) = bytes.next() {
        let cell = cells.last_mut().unwrap();
        if at_start && byte == b'"' {
            at_start = false;
            while let Some(byte) = bytes.next() {
                match byte {
                    b'"' if bytes.peek() == Some(&b'"') => cell.extend(bytes.next()),
                    b'"' => break,
                    byte => cell.push(byte),
                }
            }
        } else if byte == delimiter {
            cells.push(Vec::new());
            at_start = true;
        } else {
            cell.push(byte);
            at_start = false;
        }
    }
    cells
}

/// With its header taken first, an input has the same rows but for the first.
fn check_header(dialect: Dialect, settings: &Settings, input: &[u8], plain: &Framed) {
    let headed = framed(dialect, settings, input, true);
    match (&headed.header, &headed.error) {
        (Some(header), _) => {
            let Some((first, rest)) = plain.rows.split_first() else {
                // The error took the whole first batch with it.
                assert!(plain.error.is_some(), "a header is a row");
                return;
            };
            assert!(first.fault.is_none());
            assert_eq!(*header, naive_cells(&first.text, settings.delimiter));
            for (with, without) in headed.rows.iter().zip(rest) {
                assert_eq!(with.text, without.text);
                assert_eq!(with.position.byte, without.position.byte);
                assert_eq!(with.position.record + 1, without.position.record);
            }
            if plain.error.is_none() {
                assert!(headed.error.is_none());
                assert_eq!(headed.rows.len(), rest.len());
            } else {
                assert_eq!(format!("{:?}", headed.error), format!("{:?}", plain.error));
            }
        }
        (None, None) => assert!(plain.rows.is_empty() && plain.error.is_none()),
        // An error in the first row, or in the rows of its batch.
        (None, Some(ReadError::HeaderTooLong { length, .. })) => {
            if let Some(first) = plain.rows.first() {
                assert!(first.fault.is_some());
                assert_eq!(first.length, *length);
            }
        }
        (None, Some(ReadError::HeaderStrayQuote { byte, .. })) => {
            assert!(input[*byte as usize] != settings.delimiter);
        }
        (None, Some(ReadError::OpenQuote { .. } | ReadError::Utf16 { .. })) => {
            assert_eq!(format!("{:?}", headed.error), format!("{:?}", plain.error));
        }
        (None, Some(error)) => panic!("{error}"),
    }
}

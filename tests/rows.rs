//! Framing against two witnesses: the `csv` crate, and a slow reference written
//! here that looks at one byte at a time.

#![allow(clippy::unwrap_used)] // A test fails by panicking.

use std::io::{self, Read};

use campaign_signer::row::{
    Batch, Cells, CellsError, Compressed, Dialect, Fault, Input, KEPT_BYTES, Limits, Origin,
    Position, ReadError, Reader, RowSpan, Source, stray_quote,
};
use proptest::prelude::*;
use sha2::{Digest, Sha256};

const CSV: Dialect = Dialect::Csv { delimiter: b',' };
const BOM: &[u8] = b"\xef\xbb\xbf";
/// The last stands for all at once.
const READ_SIZES: [usize; 5] = [1, 2, 3, 7, usize::MAX];
const BATCH_ROWS: [usize; 3] = [1, 3, 1024];

/// Gives so many bytes at a time, and is interrupted before each piece.
struct Trickle<'a> {
    rest: &'a [u8],
    size: usize,
    interrupted: bool,
}

impl<'a> Trickle<'a> {
    fn new(rest: &'a [u8], size: usize) -> Self {
        Self {
            rest,
            size,
            interrupted: false,
        }
    }
}

impl Read for Trickle<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.interrupted = !self.interrupted;
        if self.interrupted {
            return Err(io::ErrorKind::Interrupted.into());
        }
        let size = self.size.min(self.rest.len()).min(buffer.len());
        let (piece, rest) = self.rest.split_at(size);
        buffer[..size].copy_from_slice(piece);
        self.rest = rest;
        Ok(size)
    }
}

/// A row as framed, good or not.
#[derive(Debug, Clone, PartialEq)]
struct Framed {
    position: Position,
    /// The text, or of a skipped row its head.
    raw: Vec<u8>,
    length: u64,
    skipped: bool,
    /// What the parser makes of it; empty for skipped rows and NDJSON.
    cells: Vec<Vec<u8>>,
}

/// Where an unclosed quote opens.
#[derive(Debug, Clone, Copy, PartialEq)]
struct OpenQuote {
    line: u64,
    byte: u64,
    at_end: bool,
}

#[derive(Debug, PartialEq)]
struct Outcome {
    rows: Vec<Framed>,
    blank_lines: u64,
    open_quote: Option<OpenQuote>,
}

fn limits(row_bytes: usize, batch_rows: usize) -> Limits {
    Limits {
        row_bytes,
        batch_rows,
        ..Limits::default()
    }
}

fn cells_of(record: &csv::ByteRecord) -> Vec<Vec<u8>> {
    record.iter().map(<[u8]>::to_vec).collect()
}

/// Everything the reader gives for an input. After an open quote, the rows of
/// the batches before it.
fn frame(input: &[u8], dialect: Dialect, limits: Limits, read_size: usize) -> Outcome {
    let mut reader = Reader::new(Trickle::new(input, read_size), dialect, limits, 1);
    let mut batch = Batch::default();
    let mut rows = Vec::new();
    let open_quote = loop {
        match reader.next_batch(&mut batch) {
            Ok(true) => {}
            Ok(false) => {
                assert!(batch.is_empty());
                assert!(!reader.next_batch(&mut batch).unwrap(), "the end stays");
                break None;
            }
            Err(ReadError::OpenQuote {
                line,
                byte,
                at_end,
                limit,
            }) => {
                assert_eq!(limit, limits.row_bytes);
                assert!(batch.is_empty());
                assert!(matches!(
                    reader.next_batch(&mut batch),
                    Err(ReadError::OutOfTurn { .. })
                ));
                break Some(OpenQuote { line, byte, at_end });
            }
            Err(error) => panic!("{error}"),
        }
        assert!((1..=limits.batch_rows).contains(&batch.len()));
        rows.extend(rows_of(&batch, dialect));
    };
    if open_quote.is_none() {
        assert_eq!(reader.sha256(), <[u8; 32]>::from(Sha256::digest(input)));
        assert_eq!(reader.bytes_read(), input.len() as u64);
        assert_eq!(reader.next_record(), rows.len() as u64 + 1);
    }
    Outcome {
        rows,
        blank_lines: reader.blank_lines(),
        open_quote,
    }
}

/// The rows of one batch in order of their numbers.
fn rows_of(batch: &Batch, dialect: Dialect) -> Vec<Framed> {
    let mut rows = Vec::new();
    let mut end = 0;
    for row in &batch.rows {
        assert_eq!(row.start, end, "rows stand back to back");
        end = row.end + 1;
        assert_eq!(batch.bytes[row.end as usize], b'\n');
        let raw = batch.text(row).unwrap().to_vec();
        rows.push(Framed {
            position: row.position,
            length: raw.len() as u64,
            raw,
            skipped: false,
            cells: Vec::new(),
        });
    }
    assert_eq!(batch.bytes.len(), end as usize);
    if let Dialect::Csv { delimiter } = dialect {
        let mut cells = Cells::new(batch, delimiter);
        for row in &mut rows {
            let (span, record) = cells.next().unwrap();
            assert_eq!(span.position, row.position);
            row.cells = cells_of(record.unwrap());
        }
        assert!(cells.next().is_none());
    }
    rows.extend(batch.faults.iter().map(|row| Framed {
        position: row.position,
        raw: row.raw.clone(),
        length: row.length,
        skipped: true,
        cells: Vec::new(),
    }));
    rows.sort_by_key(|row| row.position.record);
    rows
}

/// The slow reference for CSV: no pieces, no jumps, no shared state.
fn reference_csv(input: &[u8], limit: usize) -> Outcome {
    let is_end = |at: usize| matches!(input.get(at), Some(b'\n' | b'\r'));
    let end_width = |at: usize| 1 + usize::from(input[at..].starts_with(b"\r\n"));
    let mut outcome = Outcome {
        rows: Vec::new(),
        blank_lines: 0,
        open_quote: None,
    };
    let mut at = if input.starts_with(BOM) { 3 } else { 0 };
    let mut line = 1;
    loop {
        while is_end(at) {
            at += end_width(at);
            line += 1;
            outcome.blank_lines += 1;
        }
        if at == input.len() {
            return outcome;
        }
        let (start, first_line) = (at, line);
        let mut long = false;
        let mut cell_start = true;
        while at < input.len() && !is_end(at) {
            if !cell_start || input[at] != b'"' {
                cell_start = input[at] == b',';
                at += 1;
                long |= at - start > limit;
                continue;
            }
            cell_start = false;
            let (opened_at, opened_on) = (at, line);
            at += 1;
            loop {
                let at_end = at == input.len();
                if at_end || (at - start > limit && !long) {
                    outcome.open_quote = Some(OpenQuote {
                        line: opened_on,
                        byte: opened_at as u64,
                        at_end: at - start <= limit || long,
                    });
                    return outcome;
                }
                if input[at..].starts_with(b"\"\"") {
                    at += 2;
                } else if input[at] == b'"' {
                    at += 1;
                    long |= at - start > limit;
                    break;
                } else {
                    let second_half = input[at] == b'\n' && input[at - 1] == b'\r';
                    line += u64::from(is_end(at) && !second_half);
                    at += 1;
                }
            }
        }
        outcome.rows.push(Framed {
            position: Position {
                record: outcome.rows.len() as u64 + 1,
                line: first_line,
                last_line: line,
                byte: start as u64,
            },
            raw: input[start..at].to_vec(),
            length: (at - start) as u64,
            skipped: long,
            cells: Vec::new(),
        });
        if at < input.len() {
            at += end_width(at);
            line += 1;
        }
    }
}

/// The slow reference for NDJSON.
fn reference_lines(input: &[u8], limit: usize) -> Outcome {
    let mut at = if input.starts_with(BOM) { 3 } else { 0 };
    let mut outcome = Outcome {
        rows: Vec::new(),
        blank_lines: 0,
        open_quote: None,
    };
    let lines = input[at..].split_inclusive(|&byte| byte == b'\n');
    for (text, line) in lines.zip(1..) {
        let raw = text.strip_suffix(b"\n").unwrap_or(text);
        let raw = raw.strip_suffix(b"\r").unwrap_or(raw);
        if raw.iter().all(|byte| b" \t\r".contains(byte)) {
            outcome.blank_lines += 1;
        } else {
            outcome.rows.push(Framed {
                position: Position {
                    record: outcome.rows.len() as u64 + 1,
                    line,
                    last_line: line,
                    byte: at as u64,
                },
                raw: raw.to_vec(),
                length: raw.len() as u64,
                skipped: raw.len() > limit,
                cells: Vec::new(),
            });
        }
        at += text.len();
    }
    outcome
}

/// Frames the input in every way there is and compares with the reference;
/// gives the outcome, with cells, of one of them.
fn agrees(input: &[u8], dialect: Dialect, row_bytes: usize) -> Outcome {
    let expected = match dialect {
        Dialect::Csv { .. } => reference_csv(input, row_bytes),
        Dialect::Ndjson | Dialect::Parquet => reference_lines(input, row_bytes),
    };
    let mut last = None;
    for read_size in READ_SIZES {
        for batch_rows in BATCH_ROWS {
            let outcome = frame(input, dialect, limits(row_bytes, batch_rows), read_size);
            let way = format!("{input:?} by {read_size} in batches of {batch_rows}");
            assert_eq!(outcome.open_quote, expected.open_quote, "{way}");
            assert_eq!(outcome.blank_lines, expected.blank_lines, "{way}");
            for (row, wanted) in outcome.rows.iter().zip(&expected.rows) {
                assert!(input[row.position.byte as usize..].starts_with(&row.raw));
                let plain = Framed {
                    cells: Vec::new(),
                    ..row.clone()
                };
                assert_eq!(plain, *wanted, "{way}");
            }
            // An open quote takes with it the rows of the batch it is in.
            let (got, wanted) = (outcome.rows.len(), expected.rows.len());
            if outcome.open_quote.is_some() {
                assert_eq!(got, wanted - wanted % batch_rows, "{way}");
            } else {
                assert_eq!(got, wanted, "{way}");
            }
            last = Some(outcome);
        }
    }
    last.unwrap()
}

fn csv_crate(input: &[u8]) -> Vec<Vec<Vec<u8>>> {
    csv::ReaderBuilder::new()
        .has_headers(false)
        .flexible(true)
        .from_reader(input)
        .byte_records()
        .map(|record| cells_of(&record.unwrap()))
        .collect()
}

fn text(tokens: &'static [&'static [u8]], most: usize) -> impl Strategy<Value = Vec<u8>> {
    (
        any::<bool>(),
        prop::collection::vec(prop::sample::select(tokens), 0..most),
    )
        .prop_map(|(marked, tokens)| {
            let mut text = tokens.concat();
            if marked {
                text.splice(0..0, BOM.iter().copied());
            }
            text
        })
}

const CSV_TOKENS: &[&[u8]] = &[
    b"a",
    b",",
    b"\"",
    b"\"",
    b"\n",
    b"\r",
    b"\r\n",
    b"\0",
    b"\xff",
    BOM,
    b"\"\"",
    b"\"a,\n\"",
];
const LINE_TOKENS: &[&[u8]] = &[b"{", b"\"", b"\n", b"\r", b"\r\n", b" ", b"\t", b"\0", BOM];

proptest! {
    #![proptest_config(ProptestConfig::with_cases(3000))]

    #[test]
    fn rows_are_those_of_the_csv_crate_unless_a_quote_stays_open(input in text(CSV_TOKENS, 40)) {
        let outcome = agrees(&input, CSV, 1000);
        if outcome.open_quote.is_none() {
            let cells: Vec<_> = outcome.rows.into_iter().map(|row| row.cells).collect();
            prop_assert_eq!(cells, csv_crate(&input));
        }
    }

    #[test]
    fn long_rows_take_no_other_row_with_them(input in text(CSV_TOKENS, 60), limit in 1_usize..21) {
        agrees(&input, CSV, limit);
    }

    #[test]
    fn lines_are_those_of_the_reference(input in text(LINE_TOKENS, 40), limit in 1_usize..21) {
        agrees(&input, Dialect::Ndjson, limit);
    }

    #[test]
    fn a_header_is_the_first_record_and_no_row(input in text(CSV_TOKENS, 30), size in 1_usize..9) {
        let reference = reference_csv(&input, 1000);
        let mut reader = Reader::new(Trickle::new(&input, size), CSV, Limits::default(), 41);
        let header = reader.header();
        let Some(first) = reference.rows.first() else {
            match reference.open_quote {
                None => prop_assert!(header.unwrap().is_none()),
                Some(_) => assert!(matches!(header, Err(ReadError::OpenQuote { .. }))),
            }
            return Ok(());
        };
        if let Some(offset) = stray_quote(&first.raw, b',') {
            let expected = first.position.byte + offset as u64;
            assert!(matches!(header, Err(ReadError::HeaderStrayQuote { byte, .. }) if byte == expected));
            return Ok(());
        }
        prop_assert_eq!(&header.unwrap().unwrap(), &csv_crate(&input)[0]);
        prop_assert_eq!(reader.next_record(), 41);
        let mut batch = Batch::default();
        if reference.open_quote.is_none() {
            prop_assert_eq!(reader.next_batch(&mut batch).unwrap(), reference.rows.len() > 1);
            for (row, wanted) in rows_of(&batch, CSV).iter().zip(&reference.rows[1..]) {
                prop_assert_eq!(&row.raw, &wanted.raw);
                prop_assert_eq!(row.position, Position { record: wanted.position.record + 39, ..wanted.position });
            }
            prop_assert_eq!(batch.len(), reference.rows.len() - 1);
        }
    }

    #[test]
    fn a_stray_quote_is_text_right_after_a_quoted_cell(input in text(CSV_TOKENS, 12)) {
        let reference = reference_csv(&input, 1000);
        for row in &reference.rows {
            let raw = &row.raw;
            let (mut at, mut expected) = (0, None);
            'row: while at < raw.len() {
                if raw[at] == b'"' {
                    at += 1;
                    while raw[at] != b'"' || raw.get(at + 1) == Some(&b'"') {
                        at += if raw[at] == b'"' { 2 } else { 1 };
                    }
                    at += 1;
                    if at < raw.len() && raw[at] != b',' {
                        expected = Some(at);
                        break 'row;
                    }
                }
                while at < raw.len() && raw[at] != b',' {
                    at += 1;
                }
                at += 1;
            }
            prop_assert_eq!(stray_quote(raw, b','), expected, "{:?}", raw);
        }
    }

    #[test]
    fn no_bytes_at_all_make_it_panic(
        input in prop::collection::vec(any::<u8>(), 0..200),
        delimiter in any::<u8>(),
        row_bytes in 0_usize..50,
        batch_bytes in 0_usize..50,
    ) {
        let limits = Limits { row_bytes, batch_rows: 0, batch_bytes };
        for dialect in [Dialect::Csv { delimiter }, Dialect::Ndjson] {
            let mut reader = Reader::new(Trickle::new(&input, 5), dialect, limits, u64::MAX);
            let mut batch = Batch::default();
            while let Ok(true) = reader.next_batch(&mut batch) {
                for row in &batch.rows {
                    stray_quote(batch.text(row).unwrap(), delimiter);
                }
            }
        }
        stray_quote(&input, delimiter);
    }
}

#[test]
fn every_line_end_and_every_edge_of_an_input_gives_the_right_rows() {
    // The input, then line, last line and text of each row, then blank lines.
    type Row<'a> = (u64, u64, &'a [u8]);
    let table: &[(Dialect, &[u8], &[Row], u64)] = &[
        (CSV, b"", &[], 0),
        (CSV, BOM, &[], 0),
        (CSV, b"\xef\xbb", &[(1, 1, b"\xef\xbb")], 0),
        (CSV, b"\n\r\n\r", &[], 3),
        (CSV, b"\xef\xbb\xbf\r\n", &[], 1),
        (CSV, b"a,b", &[(1, 1, b"a,b")], 0),
        (CSV, b"a\nb\n", &[(1, 1, b"a"), (2, 2, b"b")], 0),
        (CSV, b"a\r\nb\r\n", &[(1, 1, b"a"), (2, 2, b"b")], 0),
        (CSV, b"a\rb\r", &[(1, 1, b"a"), (2, 2, b"b")], 0),
        (
            CSV,
            b"a\r\r\nb\n\rc",
            &[(1, 1, b"a"), (3, 3, b"b"), (5, 5, b"c")],
            2,
        ),
        (
            CSV,
            b"\xef\xbb\xbf\"a\"\nb",
            &[(1, 1, b"\"a\""), (2, 2, b"b")],
            0,
        ),
        (
            CSV,
            b"a\n\xef\xbb\xbfb",
            &[(1, 1, b"a"), (2, 2, b"\xef\xbb\xbfb")],
            0,
        ),
        (CSV, b"\"\"\n\"\"", &[(1, 1, b"\"\""), (2, 2, b"\"\"")], 0),
        (
            CSV,
            b"\"a\r\nb\rc\n\"\nd",
            &[(1, 4, b"\"a\r\nb\rc\n\""), (5, 5, b"d")],
            0,
        ),
        (CSV, b"\"\r\"\nd", &[(1, 2, b"\"\r\""), (3, 3, b"d")], 0),
        (
            CSV,
            b"5\" screen,x\ny",
            &[(1, 1, b"5\" screen,x"), (2, 2, b"y")],
            0,
        ),
        (CSV, b"\"a\"b\"\nc", &[(1, 1, b"\"a\"b\""), (2, 2, b"c")], 0),
        (CSV, b",\n,", &[(1, 1, b","), (2, 2, b",")], 0),
        (Dialect::Ndjson, b"", &[], 0),
        (Dialect::Ndjson, BOM, &[], 0),
        (Dialect::Ndjson, b"\xef\xbb\xbf{}", &[(1, 1, b"{}")], 0),
        (
            Dialect::Ndjson,
            b"{}\n{}\r\n",
            &[(1, 1, b"{}"), (2, 2, b"{}")],
            0,
        ),
        (Dialect::Ndjson, b" \t\r\n\n{}\r", &[(3, 3, b"{}")], 2),
        (
            Dialect::Ndjson,
            b"{}\r{}\n\"\n1",
            &[(1, 1, b"{}\r{}"), (2, 2, b"\""), (3, 3, b"1")],
            0,
        ),
        (Dialect::Ndjson, b"{}\n  ", &[(1, 1, b"{}")], 1),
    ];
    for &(dialect, input, rows, blank_lines) in table {
        let outcome = agrees(input, dialect, 1000);
        let got: Vec<Row> = outcome
            .rows
            .iter()
            .map(|row| (row.position.line, row.position.last_line, &row.raw[..]))
            .collect();
        assert_eq!(got, rows, "{input:?}");
        assert_eq!(outcome.blank_lines, blank_lines, "{input:?}");
    }
}

#[test]
fn an_open_quote_names_the_line_it_opens_on() {
    // The input, the row limit, then line, byte and whether at the end.
    let table: &[(&[u8], usize, u64, u64, bool)] = &[
        (b"\"", 100, 1, 0, true),
        (b"\xef\xbb\xbf\"", 100, 1, 3, true),
        (b"a\nb,\"c\nd\ne", 100, 2, 4, true),
        (b"a\n\"b\r\nc\",\"d\n", 100, 3, 9, true),
        (b"a\n\"b\"\"", 100, 2, 2, true),
        (b"a,\"bcdefg\nh\"", 6, 1, 2, false),
        (b"a\n\n\"b\nc\",\"def", 6, 4, 9, false),
        (b"abcd,\"e\nf\n", 4, 1, 5, true),
        (b"abc,\"", 4, 1, 4, false),
        (b"\"bc\"\"", 4, 1, 0, false),
    ];
    for &(input, limit, line, byte, at_end) in table {
        let expected = OpenQuote { line, byte, at_end };
        assert_eq!(
            agrees(input, CSV, limit).open_quote,
            Some(expected),
            "{input:?}"
        );
    }
}

#[test]
fn a_stray_quote_stops_a_large_file_within_bounded_memory() {
    let mut input = b"id,name\n1,\"oops\n".to_vec();
    while input.len() < 20_000_000 {
        input.extend_from_slice(b"2,an ordinary row of an ordinary file\n");
    }
    let limits = Limits::default();
    let mut reader = Reader::new(&input[..], CSV, limits, 1);
    reader.header().unwrap();
    let mut batch = Batch::default();
    let error = reader.next_batch(&mut batch).unwrap_err();
    assert!(matches!(
        error,
        ReadError::OpenQuote { line: 2, byte: 10, at_end: false, limit } if limit == limits.row_bytes
    ));
    assert_eq!(
        error.to_string(),
        "the quote opened on line 2 (byte 10) is still open where its row passes 1048576 bytes"
    );
    assert!(batch.is_empty());
    assert!(batch.bytes.capacity() <= 4 * limits.row_bytes);
    assert!(reader.bytes_read() < 2 * limits.row_bytes as u64);
}

#[test]
fn a_huge_line_is_one_fault_and_its_neighbours_survive() {
    let long = b"x".repeat(10_000_000);
    for (dialect, end) in [
        (CSV, &b"\r\n"[..]),
        (CSV, b"\r"),
        (Dialect::Ndjson, b"\n"),
        (Dialect::Ndjson, b"\r\n"),
    ] {
        let input = [b"before", &long[..], b"after"].join(end);
        let mut reader = Reader::new(&input[..], dialect, Limits::default(), 7);
        let mut batch = Batch::default();
        let mut rows = Vec::new();
        while reader.next_batch(&mut batch).unwrap() {
            assert!(batch.faults.iter().all(|row| row.fault
                == Fault::TooLong {
                    limit: Limits::default().row_bytes
                }));
            rows.extend(rows_of(&batch, dialect));
        }
        assert!(batch.bytes.capacity() <= 4 * Limits::default().row_bytes);
        assert_eq!(rows.len(), 3);
        assert_eq!(rows[0].raw, b"before");
        assert_eq!(rows[1].raw, &long[..KEPT_BYTES]);
        assert_eq!((rows[1].length, rows[1].skipped), (10_000_000, true));
        assert_eq!(rows[2].raw, b"after");
        for (row, number) in rows.iter().zip(7..) {
            assert_eq!(row.position.record, number);
            assert_eq!(row.position.line, number - 6);
            assert_eq!(row.position.last_line, number - 6);
            assert!(input[row.position.byte as usize..].starts_with(&row.raw));
        }
    }
}

#[test]
fn a_row_may_be_exactly_as_long_as_the_limit() {
    for (dialect, input) in [
        (CSV, &b"abcd\r\nabcde\r\nabcd"[..]),
        (CSV, b"\"bc\"\r\"bcd\"\rabcd"), // The closing quote passes it.
        (Dialect::Ndjson, b"abcd\r\nabcde\nabcd\r"),
    ] {
        let outcome = frame(input, dialect, limits(4, 10), 1);
        assert_eq!(
            outcome
                .rows
                .iter()
                .map(|row| row.skipped)
                .collect::<Vec<_>>(),
            [false, true, false],
            "{input:?}"
        );
    }
}

#[test]
fn a_skipped_row_ends_where_its_quotes_say_and_counts_their_lines() {
    let outcome = agrees(b"abcdef,\"g\nh\"\nok\n", CSV, 4);
    assert_eq!(outcome.rows[0].position.last_line, 2);
    assert_eq!(outcome.rows[0].length, 12);
    assert_eq!(outcome.rows[1].raw, b"ok");
    assert_eq!(outcome.rows[1].position.line, 3);
}

#[test]
fn a_batch_closes_when_it_is_heavy_enough() {
    let input = b"abc\n".repeat(100);
    let limits = Limits {
        batch_bytes: 10,
        ..Limits::default()
    };
    let mut reader = Reader::new(&input[..], CSV, limits, 1);
    let mut batch = Batch::default();
    while reader.next_batch(&mut batch).unwrap() {
        assert!(batch.rows.len() <= 3);
    }
    assert_eq!(reader.next_record(), 101);

    // Skipped rows weigh as much as is kept of them.
    let input = [b"x".repeat(100_000), b"\n".to_vec()].concat().repeat(20);
    let mut reader = Reader::new(&input[..], CSV, self::limits(10, 1024), 1);
    while reader.next_batch(&mut batch).unwrap() {
        assert!(batch.faults.len() <= 4);
    }
    assert_eq!(reader.next_record(), 21);
}

#[test]
fn a_header_that_cannot_be_trusted_is_an_error() {
    let header = |input: &[u8]| Reader::new(input, CSV, limits(8, 10), 1).header();
    assert!(matches!(
        header(b"\nabcdefghi\n1"),
        Err(ReadError::HeaderTooLong {
            line: 2,
            length: 9,
            limit: 8
        })
    ));
    assert!(matches!(
        header(b"a,\"b\"c\n1"),
        Err(ReadError::HeaderStrayQuote { line: 1, byte: 5 })
    ));
    assert!(matches!(
        header(b"a,\"b"),
        Err(ReadError::OpenQuote {
            line: 1,
            at_end: true,
            ..
        })
    ));
    assert!(matches!(header(b"a,\xff"), Ok(Some(cells)) if cells[1] == b"\xff"));
    assert!(matches!(header(b"\n\r\n"), Ok(None)));

    let mut reader = Reader::new(&b"a\n1\n"[..], CSV, Limits::default(), 1);
    assert_eq!(reader.header().unwrap().unwrap(), [b"a"]);
    assert!(matches!(reader.header(), Err(ReadError::OutOfTurn { .. })));
    let mut batch = Batch::default();
    assert!(reader.next_batch(&mut batch).unwrap());
    assert_eq!(batch.bytes, b"1\n");
    assert!(!reader.next_batch(&mut batch).unwrap());
    assert!(matches!(reader.header(), Err(ReadError::OutOfTurn { .. })));

    let mut lines = Reader::new(&b"{}\n"[..], Dialect::Ndjson, Limits::default(), 1);
    assert!(lines.header().unwrap().is_none());
    assert!(lines.next_batch(&mut batch).unwrap());
}

#[test]
fn utf16_and_impossible_delimiters_are_refused() {
    for size in READ_SIZES {
        for (mark, little) in [(&b"\xff\xfea\0"[..], true), (b"\xfe\xff\0a", false)] {
            let source = Trickle::new(mark, size);
            let mut reader = Reader::new(source, Dialect::Ndjson, Limits::default(), 1);
            let error = reader.next_batch(&mut Batch::default()).unwrap_err();
            assert!(matches!(error, ReadError::Utf16 { little_endian } if little_endian == little));
        }
    }
    for delimiter in [b'"', b'\n', b'\r'] {
        let dialect = Dialect::Csv { delimiter };
        let mut reader = Reader::new(&b"a"[..], dialect, Limits::default(), 1);
        assert!(matches!(
            reader.header(),
            Err(ReadError::Delimiter { delimiter: named }) if named == delimiter
        ));
    }
}

#[test]
fn a_failing_source_ends_the_input_for_good() {
    struct Fails(u8);
    impl Read for Fails {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            self.0 += 1;
            if self.0 == 3 {
                return Err(io::Error::other("the disk is gone"));
            }
            buffer[..4].copy_from_slice(b"a\nbc");
            Ok(4)
        }
    }
    let mut reader = Reader::new(Fails(0), CSV, Limits::default(), 1);
    let mut batch = Batch::default();
    let error = reader.next_batch(&mut batch).unwrap_err();
    assert!(matches!(error, ReadError::Io(_)));
    assert!(!error.hint().is_empty());
    assert!(batch.is_empty());
    for _ in 0..2 {
        let again = reader.next_batch(&mut batch);
        assert!(matches!(again, Err(ReadError::OutOfTurn { .. })));
    }
}

#[test]
fn a_parser_that_disagrees_with_the_framer_is_an_error_for_each_row() {
    let span = |start, end| RowSpan {
        start,
        end,
        position: Position {
            record: 1,
            line: 1,
            last_line: 1,
            byte: 0,
        },
    };
    // Two lines in one span, a span that skips a row, one too many, an open
    // quote, a blank row, and spans that are wrong only at one end.
    let table: &[(&[u8], &[RowSpan])] = &[
        (b"a\nb\nc\n", &[span(0, 3), span(4, 5)]),
        (b"a\nb\nc\n", &[span(2, 3), span(4, 5)]),
        (b"", &[span(0, 1)]),
        (b"\"a\nb\n", &[span(0, 2), span(3, 4)]),
        (b"\na\n", &[span(0, 0), span(1, 2)]),
        (b"abc\n", &[span(1, 3)]),
        (b"abc\n", &[span(0, 2)]),
    ];
    for (bytes, rows) in table {
        let batch = Batch {
            bytes: bytes.to_vec(),
            rows: rows.to_vec(),
            faults: Vec::new(),
        };
        let mut cells = Cells::new(&batch, b',');
        for row in *rows {
            let (given, record) = cells.next().unwrap();
            assert_eq!(given, row);
            let error = record.unwrap_err();
            assert!(matches!(
                error,
                CellsError::Misaligned { .. } | CellsError::Missing { .. }
            ));
            assert!(!error.hint().is_empty());
        }
        assert!(cells.next().is_none());
    }
}

#[test]
fn stray_quotes_are_found_where_they_stand() {
    let table: &[(&[u8], Option<usize>)] = &[
        (b"", None),
        (b"abc", None),
        (b"5\" screen", None),
        (b"a,5\" \"x\",\"b\"", None),
        (b"\"abc\"def", Some(5)),
        (b"\"abc\",def", None),
        (b"\"abc\" ,def", Some(5)),
        (b"a,\"b\"\"c\"d", Some(8)),
        (b"\"\"", None),
        (b"\"\"\"\"", None),
        (b"\"\"x", Some(2)),
        (b"\"open", None),
        (b"\"a,\"b", Some(4)),
    ];
    for &(raw, expected) in table {
        assert_eq!(stray_quote(raw, b','), expected, "{raw:?}");
    }
    assert_eq!(stray_quote(b"x\t\"a\"b,\"c\"", b'\t'), Some(5));
    assert_eq!(stray_quote(b"x;\"a\",b", b';'), Some(5));
}

#[test]
fn tabs_separate_cells_when_they_are_the_delimiter() {
    let dialect = Dialect::Csv { delimiter: b'\t' };
    let outcome = frame(b"a,\"\tb\n\"c\t\n\"\td\n", dialect, Limits::default(), 1);
    let cells: Vec<_> = outcome.rows.into_iter().map(|row| row.cells).collect();
    assert_eq!(cells, [[&b"a,\""[..], b"b"], [b"c\t\n", b"d"]]);
}

/// Everything a reader gives from here on: the batches, and its digest.
fn rest(reader: &mut Reader<Pieces<'_>>) -> (Vec<Batch>, [u8; 32]) {
    let mut batches = Vec::new();
    let mut batch = Batch::default();
    while reader.next_batch(&mut batch).unwrap() {
        batches.push(batch.clone());
    }
    (batches, reader.sha256())
}

/// Gives its bytes a few at a time.
struct Pieces<'a>(&'a [u8], usize);

impl Read for Pieces<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let take = self.1.min(buffer.len()).min(self.0.len());
        buffer[..take].copy_from_slice(&self.0[..take]);
        self.0 = &self.0[take..];
        Ok(take)
    }
}

/// Inputs whose rows end in every way there is.
const TAKEN_UP: &[(&str, Dialect)] = &[
    (
        "a,b\n1,2\n3,4\n\n5,6\n7,8",
        Dialect::Csv { delimiter: b',' },
    ),
    (
        "a,b\r\n1,2\r\n\r\n3,4\r\n5,6\r\n",
        Dialect::Csv { delimiter: b',' },
    ),
    ("a,b\r1,2\r3,4\r\r5,6\r", Dialect::Csv { delimiter: b',' }),
    (
        "\u{feff}a,b\n\"1\r\n1\",2\n\"3\n\",4\r\n5,6",
        Dialect::Csv { delimiter: b',' },
    ),
    ("{}\n\n[]\r\n1\n \t\n2", Dialect::Ndjson),
    ("\u{feff}{}\n[]\n", Dialect::Ndjson),
];

#[test]
fn reading_is_taken_up_at_any_place_as_if_it_had_never_stopped() {
    let limits = Limits {
        batch_rows: 1,
        ..Limits::default()
    };
    for (text, dialect) in TAKEN_UP {
        let start = |piece| {
            let mut reader = Reader::new(Pieces(text.as_bytes(), piece), *dialect, limits, 1);
            reader.header().unwrap();
            reader
        };
        let (whole, digest) = rest(&mut start(1000));
        let mut reader = start(1000);
        for done in 0..=whole.len() {
            let place = reader.place();
            for piece in [1, 2, 3, 1000] {
                let mut again = start(piece);
                again.take_up(&place).unwrap();
                assert_eq!(again.place(), place);
                assert_eq!(
                    rest(&mut again),
                    (whole[done..].to_vec(), digest),
                    "{text:?} after {done} rows, {piece} bytes at a time"
                );
            }
            reader.next_batch(&mut Batch::default()).unwrap();
        }
    }
}

#[test]
fn reading_is_not_taken_up_behind_other_bytes_or_fewer() {
    for (text, dialect) in TAKEN_UP {
        let open = |text: &[u8]| {
            let mut reader = Reader::new(
                std::io::Cursor::new(text.to_vec()),
                *dialect,
                Limits::default(),
                1,
            );
            reader.header().unwrap();
            reader
        };
        let mut reader = open(text.as_bytes());
        reader.next_batch(&mut Batch::default()).unwrap();
        let place = reader.place();
        assert_eq!(place.byte, text.len() as u64);
        let last = text.len() - 1;
        let mut other = text.as_bytes().to_vec();
        other[last - 1] ^= 1;
        for bytes in [&text.as_bytes()[..last], &other] {
            let error = open(bytes).take_up(&place).unwrap_err();
            assert!(matches!(error, ReadError::Changed { .. }), "{error}");
        }
    }
}

/// The same text as several members or frames, as tools concatenate them.
fn compressed(text: &[u8], kind: Compressed) -> Vec<u8> {
    let (head, tail) = text.split_at(text.len() / 3);
    let mut all = Vec::new();
    for part in [head, tail] {
        match kind {
            Compressed::Gzip => {
                let mut encoder =
                    flate2::write::GzEncoder::new(&mut all, flate2::Compression::default());
                std::io::Write::write_all(&mut encoder, part).unwrap();
                encoder.finish().unwrap();
            }
            Compressed::Zstd => all.extend(zstd::encode_all(part, 3).unwrap()),
        }
    }
    all
}

#[test]
fn compressed_inputs_are_read_through_all_their_members() {
    let text: Vec<u8> = (0..50_000)
        .flat_map(|n| format!("{{\"n\":{n}}}\n").into_bytes())
        .collect();
    for kind in [Compressed::Gzip, Compressed::Zstd] {
        let stored = compressed(&text, kind);
        let mut source = Source::new(std::io::Cursor::new(stored.clone()));
        let mut read = Vec::new();
        source.read_to_end(&mut read).unwrap();
        assert!(read == text);
        assert_eq!(source.compressed(), Some(kind));
        let digest = <[u8; 32]>::from(Sha256::digest(&stored));
        assert_eq!(source.stored(), Some((stored.len() as u64, digest)));
    }
}

#[test]
fn a_compressed_input_that_is_cut_short_or_has_junk_behind_it_is_an_error() {
    let text = b"{\"a\":1}\n".repeat(100);
    for kind in [Compressed::Gzip, Compressed::Zstd] {
        let stored = compressed(&text, kind);
        for cut in 5..stored.len() {
            let mut read = Vec::new();
            let result =
                Source::new(std::io::Cursor::new(stored[..cut].to_vec())).read_to_end(&mut read);
            // Between two members nothing is missing that could be missed.
            assert!(
                result.is_err() || read == text[..text.len() / 3],
                "{kind:?} cut at {cut}"
            );
        }
        for junk in [&b"junk"[..], b"\0", b"{\"a\":1}\n"] {
            let longer = [&stored, junk].concat();
            let result = Source::new(std::io::Cursor::new(longer)).read_to_end(&mut Vec::new());
            assert!(result.is_err(), "{kind:?} with {junk:?} behind it");
        }
    }
}

#[test]
fn a_file_that_is_written_to_while_it_is_read_is_told_from_one_that_was_replaced() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("rows.ndjson");
    let input = Input::new(Origin::File(path.clone()), Dialect::Ndjson);
    std::fs::write(&path, "{}\n{}\n").unwrap();
    let mut source = input.open().unwrap();
    source.read_exact(&mut [0; 3]).unwrap();
    assert!(!source.has_changed());
    // Another file under its name is not this one.
    let other = folder.path().join("other");
    std::fs::write(&other, "{}\n").unwrap();
    std::fs::rename(&other, &path).unwrap();
    assert!(!source.has_changed());
    let source = input.open().unwrap();
    let mut writer = std::fs::OpenOptions::new()
        .append(true)
        .open(&path)
        .unwrap();
    std::io::Write::write_all(&mut writer, b"{}\n").unwrap();
    assert!(source.has_changed());
}

#[test]
fn a_zstd_input_that_wants_more_than_its_share_of_memory_is_told_how_to_be_made() {
    let mut encoder = zstd::Encoder::new(Vec::new(), 3).unwrap();
    encoder.window_log(24).unwrap();
    encoder.long_distance_matching(true).unwrap();
    std::io::Write::write_all(&mut encoder, &b"{}\n".repeat(10)).unwrap();
    let stored = encoder.finish().unwrap();
    let error = Source::new(std::io::Cursor::new(stored))
        .read_to_end(&mut Vec::new())
        .unwrap_err();
    assert!(
        error.to_string().contains("a window of more than 8192 KiB"),
        "{error}"
    );
}

//! Files: one thing in all of it, or one on every line. It must not know what
//! the things are.

use std::io::Read;

use zeroize::Zeroizing;

use crate::json;
use crate::key::MAX_FILE_BYTES;
use crate::row::{Batch, Cells, Dialect, Limits, ReadError, Reader};
use crate::verify::open_cells;

use super::item::Item;
use super::{NotKnown, bare, inspect, key, record, signature};

/// The largest file, in bytes, that may be one thing over several lines. A
/// larger one is read line by line, in constant memory.
pub const MAX_DOCUMENT: usize = 8 << 20;

/// The longest line that is read, in bytes.
const LONGEST_LINE: usize = 64 << 20;

/// What stands in one place of a file.
#[derive(Debug)]
pub struct Entry {
    /// The line, from 1; `None` where it is all of the file.
    pub line: Option<u64>,
    /// What it is.
    pub found: Result<Vec<Item>, NotKnown>,
}

/// Reads a file and hands out what stands in it, in its order, until `each`
/// says that it is enough by `false`. With `lines`, it is never one thing over
/// several lines. `now` is in milliseconds since 1970.
///
/// # Errors
/// When reading fails.
pub fn read(
    mut source: impl Read,
    now: u64,
    lines: bool,
    each: &mut dyn FnMut(Entry) -> bool,
) -> Result<(), ReadError> {
    // A key may be in it: one buffer, of its full size from the start, wiped.
    let mut head = Zeroizing::new(vec![0; MAX_FILE_BYTES + 1]);
    let filled = fill(&mut source, &mut head).map_err(ReadError::Io)?;
    head.truncate(filled);
    if filled > MAX_FILE_BYTES {
        let mut all = std::mem::take(&mut *head);
        let room = (MAX_DOCUMENT + 1 - all.len()) as u64;
        let mut rest = source.by_ref().take(room);
        rest.read_to_end(&mut all).map_err(ReadError::Io)?;
        *head = all;
    }
    if !lines
        && head.len() <= MAX_DOCUMENT
        && let Some(found) = whole(&head, now)
    {
        each(Entry { line: None, found });
        return Ok(());
    }
    let dialect = dialect(&head);
    each_line(head.chain(source), dialect, now, each)
}

/// Fills the buffer as far as there are bytes.
fn fill(source: &mut impl Read, buffer: &mut [u8]) -> std::io::Result<usize> {
    let mut filled = 0;
    while filled < buffer.len() {
        match source.read(&mut buffer[filled..]) {
            Ok(0) => break,
            Ok(count) => filled += count,
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(filled)
}

/// What all of a file is, where it is one thing.
fn whole(bytes: &[u8], now: u64) -> Option<Result<Vec<Item>, NotKnown>> {
    if let Some(item) = key::item(bytes) {
        return Some(Ok(vec![item]));
    }
    let Ok(text) = std::str::from_utf8(bytes) else {
        return signature::bytes(bytes).map(|item| Ok(vec![item]));
    };
    let text = bare(text);
    let is_json = json::object(text).is_ok() || json::array(text).is_ok();
    if is_json || text.lines().count() == 1 {
        return Some(inspect(text, now));
    }
    // A signature may be broken into lines of one length; several signatures
    // in several lines leave flaws when they are put together.
    let mut lines = text.lines();
    let first = lines.next()?.len();
    let is_broken = lines.next().is_some_and(|second| second.len() <= first) && first >= 40;
    let is_short = text.lines().count() <= 8;
    let item = signature::text(text)
        .ok()
        .filter(|_| is_broken && is_short)?;
    item.warnings
        .iter()
        .all(|warning| warning.code == "encoding")
        .then(|| Ok(vec![item]))
}

/// Separated values, where the first cell is named as flat records name it.
fn dialect(head: &[u8]) -> Dialect {
    let text = head.strip_prefix(b"\xef\xbb\xbf").unwrap_or(head);
    match text.strip_prefix(b"format") {
        Some([delimiter @ (b',' | b';' | b'\t' | b'|'), ..]) => Dialect::Csv {
            delimiter: *delimiter,
        },
        _ => Dialect::Ndjson,
    }
}

fn each_line(
    source: impl Read,
    dialect: Dialect,
    now: u64,
    each: &mut dyn FnMut(Entry) -> bool,
) -> Result<(), ReadError> {
    let limits = Limits {
        row_bytes: LONGEST_LINE,
        batch_rows: 256,
        ..Limits::default()
    };
    let mut reader = Reader::new(source, dialect, limits, 1);
    let mut header = Vec::new();
    if let Dialect::Csv { .. } = dialect {
        let cells = reader.header()?.unwrap_or_default();
        let text = |cell: Vec<u8>| String::from_utf8_lossy(&cell).into_owned();
        header = cells.into_iter().map(text).collect();
    }
    let mut batch = Batch::default();
    while reader.next_batch(&mut batch)? {
        let mut entries = Vec::with_capacity(batch.len());
        for fault in &batch.faults {
            let found = Err(NotKnown::new(fault.fault.to_string()));
            entries.push((fault.position.line, found));
        }
        if let Dialect::Csv { delimiter } = dialect {
            let mut cells = Cells::new(&batch, delimiter);
            while let Some((span, row)) = cells.next() {
                let opened = row.ok().and_then(|row| open_cells(&header, row));
                let found = opened.map(|opened| vec![record::item(&opened, "", now)]);
                let found = found.ok_or_else(|| NotKnown::new("no row of a signed record"));
                entries.push((span.position.line, found));
            }
        } else {
            for span in &batch.rows {
                let text = batch
                    .text(span)
                    .and_then(|row| std::str::from_utf8(row).ok());
                let found = match text {
                    Some(text) => inspect(text, now),
                    None => Err(NotKnown::new("not UTF-8")),
                };
                entries.push((span.position.line, found));
            }
        }
        entries.sort_by_key(|(line, _)| *line);
        for (line, found) in entries {
            let line = Some(line);
            if !each(Entry { line, found }) {
                return Ok(());
            }
        }
    }
    Ok(())
}

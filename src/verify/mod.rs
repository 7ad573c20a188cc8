//! Verifies signed files with what the other side has: the public key, or the
//! shared secret, and the file itself.
//!
//! Every record is rebuilt from its own fields, as the device does, and every
//! token's claims are compared with the fields beside it. Nothing is trusted
//! because we wrote it. With its manifest a run is checked as a whole
//! ([`check_run`]): files, counts, rejects, and every input row beside what
//! became of it. This module must not know arguments or the terminal.

mod audit;
mod differences;
mod expected;
mod fields;
mod files;
mod findings;
mod flat;
mod form;
mod ground;
mod judge;
mod keys;
mod manifest;
mod nonces;
mod object;
mod opened;
mod parts;
mod record;
mod records;
mod rejects;
mod rows;
mod said;
mod shape;
mod token;
mod whole;

use std::borrow::Cow;

use csv::ByteRecord;

use crate::error::Error;
use crate::format::Format;
use crate::parallel;
use crate::row::{Cells, Dialect, Input};

use files::{Source, Work};
use judge::Judge;
use nonces::{Nonces, Place};

pub(crate) use form::{Form, best_of, forms};

pub use fields::NonceKey;
pub use findings::{Finding, Findings};
pub use keys::{Keys, UsedKey};
pub use manifest::{at_hand, doubts, read_manifest, signed_file, signed_files};
pub use nonces::NONCES_IN_MEMORY;
pub use opened::{Opened, open, open_cells, open_token};
pub use parts::part_files;
pub use said::{Said, Survey, survey};
pub use whole::{AtHand, FinishedRun, WholeRun, check_run};

/// What to verify, and with what.
pub struct Check<'a> {
    /// The signed files in their order.
    pub inputs: &'a [Input],
    /// The key, or those of a ring.
    pub keys: &'a Keys<'a>,
    /// The only format accepted; any, where it is `None`.
    pub format: Option<&'static Format>,
    /// The only shape accepted, by its name; any, where it is `None`.
    pub shape: Option<&'a str>,
    /// Signed values that an object does not hold and the device knows by
    /// itself, where they do not stand beside it: field and value.
    pub known: &'a [(String, String)],
    /// How many workers; 0 means as many as the machine has.
    pub threads: usize,
    /// How many nonces are held in memory, by default [`NONCES_IN_MEMORY`];
    /// they and their repeats take 32 bytes each.
    pub nonces_in_memory: usize,
}

/// A line with something wrong.
#[derive(Debug)]
pub struct BadLine<'a> {
    /// The file's name.
    pub file: &'a str,
    /// The line, from 1.
    pub line: u64,
    /// What is wrong with it, never empty.
    pub findings: Vec<Finding>,
    /// The record in JSON, where it was read; `None` where all that is wrong
    /// with it is a nonce that stands elsewhere, too.
    pub text: Option<&'a str>,
}

/// What verification found.
#[derive(Debug, Default)]
pub struct Verdict {
    /// Lines read: a record or an object each.
    pub records: u64,
    /// Signatures read; an object may have several.
    pub signatures: u64,
    /// Lines with something wrong, each counted once.
    pub bad: u64,
    /// What each key of a ring verified; empty where there is one key.
    pub keys: Vec<UsedKey>,
    /// Every file with its records, size and digest.
    pub files: Vec<VerifiedFile>,
}

/// A file that was read to its end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VerifiedFile {
    /// Its name.
    pub name: String,
    /// Its records.
    pub records: u64,
    /// Its size in bytes.
    pub bytes: u64,
    /// Its SHA-256 in hexadecimal.
    pub sha256: String,
}

/// Verifies every record of every file; `report` gets each bad line in order,
/// and after them each line whose nonce stands already in an earlier one, in
/// order, too. A line that is bad and repeats a nonce comes twice, and counts
/// once.
///
/// Repeated nonces are found exactly, over all files. Memory does not grow
/// with their number: beyond [`Check::nonces_in_memory`] they go to an
/// anonymous temporary file, 32 bytes each.
///
/// # Errors
/// When a file cannot be read, or the temporary file cannot be written. Bad
/// records are no error.
pub fn run(check: &Check<'_>, mut report: impl FnMut(&BadLine<'_>)) -> Result<Verdict, Error> {
    let pool = parallel::pool(check.threads).map_err(Error::Threads)?;
    let mut verdict = Verdict::default();
    let mut used = check.keys.unused();
    let mut nonces = Nonces::new(check.nonces_in_memory);
    let forms = form::forms(check.format, check.shape);
    let mut source = Source::new(check.inputs);
    parallel::flow(
        &pool,
        || source.next(),
        |work| verify_batch(check, &forms, &work),
        |lines, spawn| {
            spawn(lines);
        },
        |lines| lines,
        |lines: Result<Lines, Error>| {
            let lines = lines?;
            verdict.records += lines.records.len() as u64;
            for (all, own) in used.iter_mut().flatten().zip(lines.used.iter().flatten()) {
                *all += own;
            }
            for record in lines.records {
                let bad = !record.findings.all.is_empty();
                verdict.signatures += record.findings.signatures as u64;
                for key in &record.findings.nonces {
                    let place = Place {
                        input: lines.input,
                        line: record.line,
                    };
                    nonces.add(key, place, bad)?;
                }
                if bad {
                    verdict.bad += 1;
                    report(&BadLine {
                        file: &lines.file,
                        line: record.line,
                        findings: record.findings.all,
                        text: Some(record.text.as_deref().unwrap_or_default()),
                    });
                }
            }
            Ok(())
        },
    )?;
    verdict.files = source.files;
    verdict.keys = check.keys.used(&used);
    let mut repeats = nonces.repeats()?;
    let mut last = None;
    while let Some(repeat) = repeats.next()? {
        // A line with several repeats is one bad line.
        let is_new = last.replace(repeat.place) != Some(repeat.place);
        verdict.bad += u64::from(is_new && !repeat.bad);
        let file = |place: Place| verdict.files[place.input as usize].name.as_str();
        let mut findings = Findings::default();
        let (first, line) = (file(repeat.first), repeat.first.line);
        findings.add("nonce", format!("stands already in {first} line {line}"));
        report(&BadLine {
            file: file(repeat.place),
            line: repeat.place.line,
            findings: findings.all,
            text: None,
        });
    }
    Ok(verdict)
}

/// What the workers made of a batch.
struct Lines {
    file: String,
    input: u32,
    records: Vec<Judged>,
    /// How many signatures are right under each key.
    used: Vec<Vec<u64>>,
}

struct Judged {
    line: u64,
    findings: Findings,
    /// The record in JSON, of a bad one.
    text: Option<String>,
}

impl Judged {
    fn new(line: u64, findings: Findings) -> Self {
        Self {
            line,
            findings,
            text: None,
        }
    }
}

/// Verifies lines of NDJSON, each by itself: what is wrong with each.
pub(crate) fn judge_lines(check: &Check<'_>, lines: &[&str]) -> Vec<Vec<Finding>> {
    let forms = form::forms(check.format, check.shape);
    let mut judge = Judge::new(check.keys);
    let mut all: Vec<Findings> = lines
        .iter()
        .map(|line| record::verify_json(check, &forms, line, &mut judge))
        .collect();
    let verdicts = judge.verdicts();
    all.iter_mut().for_each(|own| verdicts.settle(own));
    all.into_iter().map(|own| own.all).collect()
}

/// Verifies a batch: every record by itself, then all signatures together.
fn verify_batch(check: &Check<'_>, forms: &[Form], work: &Work) -> Result<Lines, Error> {
    let mut judge = Judge::new(check.keys);
    let mut records = Vec::with_capacity(work.batch.len());
    for fault in &work.batch.faults {
        let mut findings = Findings::default();
        findings.add("", fault.fault.to_string());
        records.push(Judged::new(fault.position.line, findings));
    }
    each_row(work, |line, row| {
        let findings = match row {
            Row::Cells(header, cells) => record::verify_cells(check, header, cells, &mut judge),
            Row::Text(raw) => match std::str::from_utf8(raw) {
                Ok(text) => record::verify_json(check, forms, text, &mut judge),
                Err(_) => {
                    let mut findings = Findings::default();
                    findings.add("", Cow::Borrowed("is not UTF-8"));
                    findings
                }
            },
        };
        records.push(Judged::new(line, findings));
    })?;
    let verdicts = judge.verdicts();
    for record in &mut records {
        verdicts.settle(&mut record.findings);
    }
    records.sort_by_key(|record| record.line);
    let is_bad = |record: &Judged| !record.findings.all.is_empty();
    if records.iter().any(is_bad) {
        each_row(work, |line, row| {
            let place = records.binary_search_by_key(&line, |record| record.line);
            if let Some(record) = place
                .ok()
                .map(|at| &mut records[at])
                .filter(|own| is_bad(own))
            {
                record.text = match row {
                    Row::Cells(header, cells) => record::cells_as_json(check, header, cells),
                    Row::Text(raw) => Some(String::from_utf8_lossy(raw).into_owned()),
                };
            }
        })?;
    }
    Ok(Lines {
        file: work.name.clone(),
        input: work.input,
        used: verdicts.used(),
        records,
    })
}

/// One row of a batch as it stands there.
enum Row<'a> {
    /// The cells of CSV under their header.
    Cells(&'a [String], &'a ByteRecord),
    /// A line of NDJSON.
    Text(&'a [u8]),
}

/// Hands over every row of a batch with its line.
fn each_row(work: &Work, mut each: impl FnMut(u64, Row<'_>)) -> Result<(), Error> {
    let (Dialect::Csv { delimiter }, Some(header)) = (work.dialect, &work.header) else {
        for span in &work.batch.rows {
            let raw = work.batch.text(span).unwrap_or_default();
            each(span.position.line, Row::Text(raw));
        }
        return Ok(());
    };
    let mut cells = Cells::new(&work.batch, delimiter);
    while let Some((span, row)) = cells.next() {
        let row = row.map_err(|source| Error::Cells {
            file: work.name.clone(),
            source,
        })?;
        each(span.position.line, Row::Cells(header, row));
    }
    Ok(())
}

//! Verifies signed files with what the other side has: the public key, or the
//! shared secret, and the file itself.
//!
//! Every record is rebuilt from its own fields, as the device does, and every
//! token's claims are compared with the fields beside it. Nothing is trusted
//! because we wrote it. This module must not know arguments or the terminal.

mod inspect;
mod record;
mod token;

use std::borrow::Cow;
use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::path::Path;
use std::sync::Arc;

use crate::engine::Verifier;
use crate::error::Error;
use crate::format::{Alg, Format};
use crate::hex::hex;
use crate::output::Manifest;
use crate::parallel;
use crate::row::{Batch, Cells, Dialect, Input, Limits, Reader};

pub use inspect::inspect;
pub use record::{Finding, Findings, NonceKey};

/// What to verify, and with what.
pub struct Check<'a> {
    /// The signed files in their order.
    pub inputs: &'a [Input],
    /// The key.
    pub verifier: &'a dyn Verifier,
    /// What the key is for.
    pub alg: Alg,
    /// The only format accepted; any, where it is `None`.
    pub format: Option<&'static Format>,
    /// How many workers; 0 means as many as the machine has.
    pub threads: usize,
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
}

/// What verification found.
#[derive(Debug, Default)]
pub struct Verdict {
    /// Records read.
    pub records: u64,
    /// Lines with something wrong.
    pub bad: u64,
    /// Every file with its records, size and digest.
    pub files: Vec<VerifiedFile>,
}

/// A file that was read to its end.
#[derive(Debug)]
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

/// The longest line that is read. A token is at most a few times as long as
/// the row it was made of.
const MAX_LINE: usize = 64 << 20;

/// Verifies every record of every file; `report` gets each bad line in order.
///
/// Repeated nonces are found exactly, over all files; that takes about 50
/// bytes of memory for each record.
///
/// # Errors
/// When a file cannot be read. Bad records are no error.
pub fn run(check: &Check<'_>, mut report: impl FnMut(&BadLine<'_>)) -> Result<Verdict, Error> {
    let pool = parallel::pool(check.threads).map_err(Error::Threads)?;
    let mut verdict = Verdict::default();
    let mut nonces: HashMap<NonceKey, (usize, u64)> = HashMap::new();
    let mut files = Vec::new();
    let mut source = Source {
        inputs: check.inputs.iter().enumerate(),
        current: None,
        files: &mut files,
    };
    parallel::flow(
        &pool,
        || source.next(),
        |work| verify_batch(check, &work),
        |lines, spawn| {
            spawn(lines);
        },
        |lines| lines,
        |lines: Result<Lines, Error>| {
            let lines = lines?;
            verdict.records += lines.records.len() as u64;
            for mut record in lines.records {
                if let Some(key) = record.findings.nonce {
                    match nonces.entry(key) {
                        Entry::Vacant(entry) => {
                            entry.insert((lines.input, record.line));
                        }
                        Entry::Occupied(entry) => {
                            let (input, line) = entry.get();
                            let file = check.inputs[*input].name();
                            record
                                .findings
                                .add("nonce", format!("stands already in {file} line {line}"));
                        }
                    }
                }
                if !record.findings.all.is_empty() {
                    verdict.bad += 1;
                    report(&BadLine {
                        file: &lines.file,
                        line: record.line,
                        findings: record.findings.all,
                    });
                }
            }
            Ok(())
        },
    )?;
    verdict.files = files;
    Ok(verdict)
}

/// Compares verified files with the manifest of the run that wrote them;
/// gives a sentence for everything that differs.
pub fn compare_manifest(manifest: &Manifest, verdict: &Verdict, fingerprint: &str) -> Vec<String> {
    let mut differences = Vec::new();
    if manifest.key.fingerprint != fingerprint {
        differences.push(format!(
            "the manifest's key is {}, this one is {fingerprint}",
            manifest.key.fingerprint
        ));
    }
    let counts = manifest.counts;
    if counts.rows != counts.signed + counts.rejected {
        differences.push(format!(
            "the manifest has {} rows, but {} signed and {} rejected",
            counts.rows, counts.signed, counts.rejected
        ));
    }
    if counts.records != verdict.records {
        differences.push(format!(
            "the manifest has {} records, the file {}",
            counts.records, verdict.records
        ));
    }
    match &verdict.files[..] {
        [file] => {
            let expected = (manifest.signed.bytes, manifest.signed.sha256.as_str());
            if (file.bytes, file.sha256.as_str()) != expected {
                differences.push(format!(
                    "{} has {} bytes with SHA-256 {}, the manifest {} with {}",
                    file.name, file.bytes, file.sha256, expected.0, expected.1
                ));
            }
        }
        files => differences.push(format!("the manifest is of one file, not {}", files.len())),
    }
    differences
}

/// A manifest from its file.
///
/// # Errors
/// When it cannot be read or is no manifest.
pub fn read_manifest(path: &Path) -> Result<Manifest, Error> {
    let bytes = std::fs::read(path).map_err(|source| Error::Open {
        file: path.display().to_string(),
        source,
    })?;
    serde_json::from_slice(&bytes).map_err(|error| {
        let message = format!("{} is no manifest: {error}", path.display());
        Error::settings(message, "give the .manifest.json that `sign` wrote")
    })
}

struct Current {
    reader: Reader<crate::row::Source>,
    header: Option<Arc<Vec<String>>>,
    dialect: Dialect,
    name: String,
    input: usize,
    records: u64,
}

/// All files, one after another.
struct Source<'a, 'f> {
    inputs: std::iter::Enumerate<std::slice::Iter<'a, Input>>,
    current: Option<Current>,
    files: &'f mut Vec<VerifiedFile>,
}

struct Work {
    batch: Batch,
    header: Option<Arc<Vec<String>>>,
    dialect: Dialect,
    name: String,
    input: usize,
}

struct Lines {
    file: String,
    input: usize,
    records: Vec<Judged>,
}

struct Judged {
    line: u64,
    findings: Findings,
}

impl Source<'_, '_> {
    fn next(&mut self) -> Result<Option<Work>, Error> {
        loop {
            let current = match &mut self.current {
                Some(current) => current,
                None => match self.inputs.next() {
                    Some((at, input)) => self.current.insert(open(at, input)?),
                    None => return Ok(None),
                },
            };
            let mut batch = Batch::default();
            let more = current.reader.next_batch(&mut batch);
            let more = more.map_err(|error| Error::Read {
                file: current.name.clone(),
                error,
            })?;
            if more {
                current.records += batch.len() as u64;
                return Ok(Some(Work {
                    batch,
                    header: current.header.clone(),
                    dialect: current.dialect,
                    name: current.name.clone(),
                    input: current.input,
                }));
            }
            self.files.push(VerifiedFile {
                name: current.name.clone(),
                records: current.records,
                bytes: current.reader.bytes_read(),
                sha256: hex(&current.reader.sha256()),
            });
            self.current = None;
        }
    }
}

fn open(at: usize, input: &Input) -> Result<Current, Error> {
    let name = input.name();
    let source = input.open().map_err(|source| Error::Open {
        file: name.clone(),
        source,
    })?;
    let limits = Limits {
        row_bytes: MAX_LINE,
        // Verifying is slow beside reading: small batches spread better.
        batch_rows: 64,
        ..Limits::default()
    };
    let mut reader = Reader::new(source, input.dialect, limits, 1);
    let header = match input.dialect {
        Dialect::Ndjson => None,
        Dialect::Csv { .. } => {
            let cells = reader.header().map_err(|error| Error::Read {
                file: name.clone(),
                error,
            })?;
            let cells = cells.unwrap_or_default();
            let names = cells
                .into_iter()
                .map(|cell| String::from_utf8_lossy(&cell).into_owned());
            Some(Arc::new(names.collect()))
        }
    };
    Ok(Current {
        reader,
        header,
        dialect: input.dialect,
        name,
        input: at,
        records: 0,
    })
}

fn verify_batch(check: &Check<'_>, work: &Work) -> Result<Lines, Error> {
    let mut records = Vec::with_capacity(work.batch.len());
    for fault in &work.batch.faults {
        let mut findings = Findings::default();
        findings.add("", fault.fault.to_string());
        records.push(Judged {
            line: fault.position.line,
            findings,
        });
    }
    match (work.dialect, &work.header) {
        (Dialect::Csv { delimiter }, Some(header)) => {
            let mut cells = Cells::new(&work.batch, delimiter);
            while let Some((span, row)) = cells.next() {
                let row = row.map_err(|source| Error::Cells {
                    file: work.name.clone(),
                    source,
                })?;
                records.push(Judged {
                    line: span.position.line,
                    findings: record::verify_cells(check, header, row),
                });
            }
        }
        _ => {
            for span in &work.batch.rows {
                let raw = &work.batch.bytes[span.start as usize..span.end as usize];
                let findings = match std::str::from_utf8(raw) {
                    Ok(text) => record::verify_json(check, text),
                    Err(_) => {
                        let mut findings = Findings::default();
                        findings.add("", Cow::Borrowed("is not UTF-8"));
                        findings
                    }
                };
                records.push(Judged {
                    line: span.position.line,
                    findings,
                });
            }
        }
    }
    records.sort_by_key(|record| record.line);
    Ok(Lines {
        file: work.name.clone(),
        input: work.input,
        records,
    })
}

//! Reads a key ring to its end, whatever is wrong on the way: every entry, its
//! key, and all problems together.

use std::fs::File;
use std::io::Read as _;
use std::path::{Path, PathBuf};

use toml::de::{DeTable, DeValue};

use crate::key::Passphrases;

use super::clash::{self, Meeting};
use super::entry::{self, Written};
use super::fault::{Fault, Problem, RingError};
use super::listed::{Listed, RingWarning};
use super::load::load;
use super::reading::{Fields, Notes, type_of};
use super::{KeyRing, MAX_RING_BYTES, RingEntry};

/// A key ring with everything that is wrong with it.
#[derive(Debug)]
pub struct Survey {
    /// The file.
    pub path: PathBuf,
    /// Every entry of the file, in its order.
    pub listed: Vec<Listed>,
    /// Every problem, in the order of the file. Empty: the ring is good.
    pub problems: Vec<Problem>,
}

/// Reads a key ring, loads every key in it, compares and probes it.
///
/// # Errors
/// [`RingError::Io`] and [`RingError::TooLarge`]; everything else that is
/// wrong stands in [`Survey::problems`].
pub fn survey(path: &Path) -> Result<Survey, RingError> {
    let bytes = content(path)?;
    let mut survey = Survey {
        path: path.to_owned(),
        listed: Vec::new(),
        problems: Vec::new(),
    };
    let text = match std::str::from_utf8(&bytes) {
        Ok(text) => text,
        Err(error) => {
            let before = String::from_utf8_lossy(&bytes[..error.valid_up_to()]);
            let mut notes = Notes::of(&before);
            notes.add(before.len(), None, Fault::Utf8);
            survey.problems = notes.problems;
            return Ok(survey);
        }
    };
    let mut notes = Notes::of(text);
    match DeTable::parse(text) {
        Ok(document) => {
            let folder = path.parent().unwrap_or(Path::new(""));
            entries(&mut notes, document.get_ref(), folder, &mut survey.listed);
        }
        Err(error) => {
            let at = error.span().map_or(0, |span| span.start);
            notes.add(at, None, Fault::Toml(error.message().to_owned()));
        }
    }
    survey.problems = notes.problems;
    for problem in &mut survey.problems {
        let listed = problem.entry.and_then(|entry| survey.listed.get(entry));
        problem.id = listed.and_then(|listed| listed.id.clone());
    }
    survey
        .problems
        .sort_by_key(|problem| (problem.line, problem.column));
    Ok(survey)
}

fn content(path: &Path) -> Result<Vec<u8>, RingError> {
    let failed = |error| RingError::Io {
        path: path.to_owned(),
        error,
    };
    let mut bytes = Vec::new();
    let file = File::open(path).map_err(failed)?;
    file.take(MAX_RING_BYTES as u64 + 1)
        .read_to_end(&mut bytes)
        .map_err(failed)?;
    if bytes.len() > MAX_RING_BYTES {
        let path = path.to_owned();
        return Err(RingError::TooLarge { path });
    }
    Ok(bytes)
}

fn entries<'t>(
    notes: &mut Notes<'t>,
    document: &DeTable<'t>,
    folder: &Path,
    listed: &mut Vec<Listed>,
) {
    Fields::of(notes, document, 0, None, &["key"]);
    let found = document.iter().find(|(name, _)| name.get_ref() == "key");
    let Some((_, value)) = found else {
        return notes.add(0, None, Fault::NoEntries);
    };
    let wrong = |value: &DeValue<'_>| Fault::Type {
        key: "key".into(),
        found: type_of(value),
        wanted: "entries that each begin with [[key]]",
    };
    let DeValue::Array(tables) = value.get_ref() else {
        return notes.add(value.span().start, None, wrong(value.get_ref()));
    };
    let mut passphrases = Passphrases::default();
    let mut written = Vec::new();
    for table in tables {
        let at = table.span().start;
        let DeValue::Table(fields) = table.get_ref() else {
            notes.add(at, None, wrong(table.get_ref()));
            continue;
        };
        let entry = entry::read(notes, fields, at, written.len(), folder);
        listed.push(load(notes, &entry, written.len(), &mut passphrases));
        written.push(entry);
    }
    if tables.is_empty() {
        notes.add(value.span().start, None, Fault::NoEntries);
    }
    compare(notes, &written, listed);
}

/// Compares every entry with those before it.
fn compare(notes: &mut Notes<'_>, written: &[Written], listed: &mut [Listed]) {
    for number in 1..listed.len() {
        let at = written[number].at;
        for before in 0..number {
            let (one, other) = (&listed[before], &listed[number]);
            let line = one.line;
            if one.id.is_some() && one.id == other.id {
                let id = one.id.clone().unwrap_or_default();
                notes.add(at, Some(number), Fault::SameId { id, line });
            }
            // A selector that was mistyped is no reason to speak of all rows.
            if !written[before].is_sound || !written[number].is_sound {
                continue;
            }
            let name = match &one.id {
                Some(id) => format!("{id:?}"),
                None => "without an id".to_owned(),
            };
            match clash::meeting(one, other) {
                Some(Meeting::Always(used)) => {
                    let fault = Fault::AlwaysBoth {
                        other: name,
                        line,
                        family: used.family(),
                    };
                    notes.add(at, Some(number), fault);
                }
                Some(Meeting::Sometimes(values)) => {
                    let warning = RingWarning::Shared {
                        other: name,
                        values,
                    };
                    listed[number].warnings.push(warning);
                }
                None => {}
            }
        }
    }
}

impl Survey {
    /// The ring, if nothing is wrong with it.
    ///
    /// # Errors
    /// [`RingError::Faulty`] with every problem.
    pub fn into_ring(self) -> Result<KeyRing, RingError> {
        let Self {
            path,
            listed,
            problems,
        } = self;
        let entries: Option<Vec<RingEntry>> = listed.into_iter().map(Listed::complete).collect();
        match entries {
            Some(entries) if problems.is_empty() => Ok(KeyRing { path, entries }),
            // Whatever is missing from an entry was noted as a problem.
            _ => Err(RingError::Faulty { path, problems }),
        }
    }
}

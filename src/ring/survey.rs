//! Reads a key ring to its end, whatever is wrong on the way: every entry, its
//! key, and all problems together.

use std::fmt;
use std::fs::File;
use std::io::Read as _;
use std::path::{Path, PathBuf};

use toml::de::{DeTable, DeValue};

use crate::format::KeyUse;
use crate::key::{Passphrases, PublicKey, Secret, SigningKey, Warning};

use super::clash::{self, Meeting};
use super::entry::{self, Place, Written};
use super::fault::{Fault, Problem, RingError};
use super::reading::{Fields, Notes, type_of};
use super::{KeyRing, MAX_RING_BYTES, Match, RingEntry, RingKey};

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

/// An entry as far as it could be read; the members are those of
/// [`RingEntry`].
#[derive(Debug)]
pub struct Listed {
    /// Its name.
    pub id: Option<String>,
    /// The line where it begins.
    pub line: u64,
    /// What it signs.
    pub uses: Vec<KeyUse>,
    /// What selects it.
    pub matches: Vec<Match>,
    /// The key's id for rows that give none.
    pub key_id: Option<String>,
    /// Valid from, in milliseconds since 1970, inclusive.
    pub not_before: Option<u64>,
    /// Valid until, in milliseconds since 1970, exclusive.
    pub not_after: Option<u64>,
    /// The file of its key.
    pub file: Option<PathBuf>,
    /// The key, if it could be loaded and works.
    pub key: Option<RingKey>,
    /// What is worth saying about it.
    pub warnings: Vec<RingWarning>,
}

/// Something about an entry that its owner should know.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum RingWarning {
    /// About the key or its file.
    Key(Warning),
    /// The file is named like a key of another kind.
    OtherFileName {
        /// How such a name begins.
        wrong: &'static str,
        /// How the right one begins.
        right: &'static str,
    },
    /// The id given is not the one in the file's name.
    OtherKeyId {
        /// The one given.
        given: String,
        /// The one in the name.
        named: String,
    },
    /// Rows with these values fit another entry as well.
    Shared {
        /// That entry's id, quoted, or what stands for it.
        other: String,
        /// The values.
        values: Vec<String>,
    },
}

impl fmt::Display for RingWarning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Key(warning) => warning.fmt(f),
            Self::OtherFileName { wrong, right } => write!(
                f,
                "the file is named like a key of another kind ({wrong}…); wanted {right}<ID>.p8"
            ),
            Self::OtherKeyId { given, named } => write!(
                f,
                "key-id {given:?} is not the id in the name of the file, {named:?}"
            ),
            Self::Shared { other, values } => write!(
                f,
                "rows with {} fit the entry {other} as well; nothing tells which key signs them",
                values.join(", ")
            ),
        }
    }
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

/// Loads the key of an entry, compares and probes it.
fn load(
    notes: &mut Notes<'_>,
    written: &Written,
    number: usize,
    passphrases: &mut Passphrases,
) -> Listed {
    let mut listed = Listed {
        id: written.id.clone(),
        line: notes.place(written.at).0,
        uses: written.uses.clone(),
        matches: written.matches.clone(),
        key_id: written.key_id.clone(),
        not_before: written.not_before,
        not_after: written.not_after,
        file: None,
        key: None,
        warnings: Vec::new(),
    };
    let registered = written.public_key.as_ref().and_then(|(text, at)| {
        PublicKey::from_bytes(text.as_bytes())
            .map_err(|error| notes.add(*at, Some(number), Fault::PublicKey(error)))
            .ok()
    });
    let (path, loaded) = match &written.place {
        None => return listed,
        Some(Place::Key(path, source)) => {
            let loaded = SigningKey::from_file_among(path, source.as_ref(), passphrases);
            let probed = loaded.and_then(|(key, warnings)| {
                key.probe()?;
                Ok((RingKey::Es256(key), warnings))
            });
            (path, probed)
        }
        Some(Place::Secret(path)) => {
            let loaded = Secret::from_file(path);
            let wrapped = loaded.map(|(secret, warnings)| (RingKey::Hs256(secret), warnings));
            (path, wrapped)
        }
    };
    listed.file = Some(path.clone());
    file_name(&mut listed, path);
    match loaded {
        Err(error) => notes.add(written.file_at, Some(number), Fault::Key(error)),
        Ok((key, warnings)) => {
            let found = key.fingerprint();
            match registered.map(|registered| registered.fingerprint()) {
                Some(registered) if registered != found => {
                    let at = written
                        .public_key
                        .as_ref()
                        .map_or(written.at, |(_, at)| *at);
                    let fault = Fault::NotRegistered {
                        registered,
                        found,
                        file: path.clone(),
                    };
                    notes.add(at, Some(number), fault);
                }
                _ => {}
            }
            listed.key = Some(key);
            listed
                .warnings
                .extend(warnings.into_iter().map(RingWarning::Key));
        }
    }
    listed
}

/// Where the vendor names its key files, the name tells the key's id, and the
/// right kind of key from a wrong one.
fn file_name(listed: &mut Listed, path: &Path) {
    let names = listed.uses.iter().find_map(|used| used.file_names());
    let Some((right, wrong)) = names else {
        return;
    };
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    if name.starts_with(wrong) {
        let warning = RingWarning::OtherFileName { wrong, right };
        listed.warnings.push(warning);
    }
    let named = name
        .strip_prefix(right)
        .and_then(|rest| rest.strip_suffix(".p8"))
        .filter(|id| !id.is_empty());
    match (named, &listed.key_id) {
        (Some(named), Some(given)) if given != named => {
            listed.warnings.push(RingWarning::OtherKeyId {
                given: given.clone(),
                named: named.to_owned(),
            });
        }
        (Some(named), None) => listed.key_id = Some(named.to_owned()),
        _ => {}
    }
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

impl Listed {
    fn complete(self) -> Option<RingEntry> {
        Some(RingEntry {
            id: self.id?,
            line: self.line,
            uses: self.uses,
            matches: self.matches,
            key_id: self.key_id,
            not_before: self.not_before,
            not_after: self.not_after,
            file: self.file?,
            key: self.key?,
            warnings: self.warnings,
        })
    }
}

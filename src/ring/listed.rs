//! An entry of a key ring as far as it could be read, and what is worth saying
//! about it.

use std::fmt;
use std::path::PathBuf;

use crate::format::KeyUse;
use crate::key::Warning;

use super::{Match, RingEntry, RingKey};

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

impl Listed {
    /// The entry, if nothing is missing from it.
    pub(super) fn complete(self) -> Option<RingEntry> {
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

//! What can be wrong with a key ring, each with its place in the file.
//!
//! It must not know how a ring is read. No message quotes a value, but for
//! names that an entry gives itself: what stands in a wrong place may be a
//! secret.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

use crate::format::{Alg, KeyUse};
use crate::key::KeyError;

use super::MAX_RING_BYTES;

/// Why there is no key ring. `Display` gives everything; there is no `source`.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RingError {
    /// The file cannot be read.
    #[error("cannot read the key ring {}: {error}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// What the operating system says.
        error: io::Error,
    },
    /// The file is larger than [`MAX_RING_BYTES`].
    #[error("{} has more than {MAX_RING_BYTES} bytes, which no key ring has", path.display())]
    TooLarge {
        /// The file.
        path: PathBuf,
    },
    /// The file or its keys are no good.
    #[error("{}", listed(path, problems))]
    Faulty {
        /// The file.
        path: PathBuf,
        /// Every problem, in the order of the file.
        problems: Vec<Problem>,
    },
}

/// One problem and where it is.
#[derive(Debug)]
pub struct Problem {
    /// The line, from 1.
    pub line: u64,
    /// The column in characters, from 1.
    pub column: u64,
    /// The place of the entry it is about, among the entries of the file.
    pub entry: Option<usize>,
    /// The id of that entry.
    pub id: Option<String>,
    /// What is wrong.
    pub fault: Fault,
}

/// What is wrong with a key ring.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Fault {
    /// The file is no TOML.
    #[error("this is no TOML: {0}")]
    Toml(String),
    /// The file is not UTF-8.
    #[error("this is not UTF-8, as TOML is")]
    Utf8,
    /// There is no entry.
    #[error("there is no [[key]] in this key ring")]
    NoEntries,
    /// A key that means nothing here.
    #[error("unknown key {key:?}{}", did_you_mean(nearest.as_deref()))]
    UnknownKey {
        /// Its name.
        key: String,
        /// The most similar one there is.
        nearest: Option<&'static str>,
    },
    /// A secret in the clear.
    #[error("{key:?} has no place in a key ring: it holds no secrets, only where they are")]
    SecretInRing {
        /// The key's name.
        key: String,
    },
    /// A key that every entry has.
    #[error("{key} is missing")]
    Missing {
        /// Its name.
        key: &'static str,
    },
    /// A value of another type.
    #[error("{key} is {found}; wanted {wanted}")]
    Type {
        /// The key's name.
        key: String,
        /// The type found.
        found: &'static str,
        /// What is wanted.
        wanted: &'static str,
    },
    /// A text or a list with nothing in it.
    #[error("{key} is empty; leave it out, or say something")]
    Empty {
        /// The key's name.
        key: String,
    },
    /// A text with a line end or another control character in it.
    #[error("{key} has a control character in it")]
    Control {
        /// The key's name.
        key: String,
    },
    /// Two keys of which one is wanted.
    #[error("both {first} and {second} are given; wanted one of them")]
    Both {
        /// The first.
        first: &'static str,
        /// The second.
        second: &'static str,
    },
    /// A key beside a shared secret, where it means nothing.
    #[error("{key} has no meaning beside secret-file")]
    BesideSecret {
        /// Its name.
        key: &'static str,
    },
    /// A family that does not exist.
    #[error("there is no family {found:?}{}; there are {}", did_you_mean(*nearest), families())]
    UnknownFamily {
        /// Its name.
        found: String,
        /// The most similar one.
        nearest: Option<&'static str>,
    },
    /// Families that no one key can sign.
    #[error("{one} is signed with {}, but {other} with {}", one_alg.1, other_alg.1)]
    MixedFamilies {
        /// A family.
        one: &'static str,
        /// What signs it.
        one_alg: (Alg, &'static str),
        /// Another family.
        other: &'static str,
        /// What signs that.
        other_alg: (Alg, &'static str),
    },
    /// A key of a kind that its families are not signed with.
    #[error("{family} is signed with {}; wanted {wanted}, not {given}", .used.describe())]
    KeyKind {
        /// The family.
        family: &'static str,
        /// Its key.
        used: KeyUse,
        /// What gives such a key.
        wanted: &'static str,
        /// What is given.
        given: &'static str,
    },
    /// A time that is none.
    #[error("{key} is no time; wanted a date, or RFC 3339 like 2026-11-21T02:00:00Z")]
    Time {
        /// The key's name.
        key: &'static str,
    },
    /// A time that says not where on earth.
    #[error("{key} has no offset from UTC; wanted one, for example a Z at its end")]
    NoOffset {
        /// The key's name.
        key: &'static str,
    },
    /// Valid at no time.
    #[error("not-after is not later than not-before: this key is never valid")]
    NeverValid,
    /// An id for the second time.
    #[error("the id {id:?} is taken by the entry in line {line}")]
    SameId {
        /// The id.
        id: String,
        /// The line of the first.
        line: u64,
    },
    /// Two entries for the same rows.
    #[error(
        "the entry {other} (line {line}) takes the same rows of {family} at the same time; nothing \
         would tell which key signs them"
    )]
    AlwaysBoth {
        /// The id of the other one, quoted, or what stands for it.
        other: String,
        /// Its line.
        line: u64,
        /// A family they share.
        family: &'static str,
    },
    /// The key or the secret is refused.
    #[error(transparent)]
    Key(KeyError),
    /// The registered public key is refused.
    #[error("public-key: {0}")]
    PublicKey(KeyError),
    /// The registered public key belongs to another key.
    #[error(
        "public-key, which is registered, has the fingerprint {registered}, but the key in {} has \
         {found}", file.display()
    )]
    NotRegistered {
        /// The fingerprint of what is registered.
        registered: String,
        /// The fingerprint of what was loaded.
        found: String,
        /// The file.
        file: PathBuf,
    },
}

impl Problem {
    /// The problem as one line, with the name of the file.
    #[must_use]
    pub fn line_in(&self, path: &Path) -> String {
        format!("{}:{}:{}: {self}", path.display(), self.line, self.column)
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.id {
            Some(id) => write!(f, "key {id:?}: {}", self.fault),
            None => self.fault.fmt(f),
        }
    }
}

impl Fault {
    /// What to do about it, where something can be said.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::NoEntries => {
                Some("an entry begins with a line [[key]] and has id, file and families".into())
            }
            Self::SecretInRing { .. } => Some(
                "give passphrase-file, passphrase-env, passphrase-fd or secret-file, and make a \
                 secret that stood here invalid"
                    .into(),
            ),
            Self::Missing { key: "families" } => Some(format!("one or more of {}", families())),
            Self::Key(error) => key_hint(error),
            Self::NotRegistered { .. } => Some(
                "register the key with the vendor, or give the file of the registered one".into(),
            ),
            Self::AlwaysBoth { .. } => Some(
                "give them other selectors, or let not-after of one be not-before of the other"
                    .into(),
            ),
            _ => None,
        }
    }
}

/// In a ring a passphrase is given otherwise than on a command line.
fn key_hint(error: &KeyError) -> Option<String> {
    match error {
        KeyError::InFile { error: inner, .. } => match &**inner {
            KeyError::Encrypted { .. } if inner.to_string().contains("no passphrase") => {
                Some("add passphrase-file, passphrase-env or passphrase-fd to the entry".into())
            }
            _ => error.hint(),
        },
        _ => error.hint(),
    }
}

impl RingError {
    /// What to do about the first problem that something can be said about.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Faulty { problems, .. } => {
                problems.iter().find_map(|problem| problem.fault.hint())
            }
            Self::Io { .. } | Self::TooLarge { .. } => None,
        }
    }
}

fn listed(path: &Path, problems: &[Problem]) -> String {
    match problems {
        [problem] => problem.line_in(path),
        several => {
            let lines: Vec<String> = several
                .iter()
                .map(|problem| format!("\n  {}", problem.line_in(path)))
                .collect();
            let count = several.len();
            format!("{} has {count} problems{}", path.display(), lines.concat())
        }
    }
}

fn did_you_mean(nearest: Option<&str>) -> String {
    nearest.map_or_else(String::new, |nearest| format!("; did you mean {nearest}?"))
}

/// The names of all families.
fn families() -> String {
    let names: Vec<&str> = KeyUse::ALL.iter().map(|of| of.family()).collect();
    names.join(", ")
}

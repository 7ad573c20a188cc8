//! The key ring: `keys.toml`, which says what each of several keys signs and
//! which rows it is for; read, and every key in it loaded, compared and probed.
//!
//! It must not know rows or clocks: it says what an entry fits and when it is
//! valid, in plain data; which entry a row gets is decided elsewhere.
//!
//! ```toml
//! [[key]]
//! id = "net-a"                          # unique; appears in messages and manifests
//! file = "keys/net-a.pem"               # relative paths count from keys.toml
//! passphrase-env = "NET_A_PASSPHRASE"   # or passphrase-file, passphrase-fd
//! families = ["ad-network"]             # what it signs (KeyUse::family)
//! ad-network-ids = ["example123.skadnetwork", "example123.adattributionkit"]
//! public-key = "MFkw…"                  # what is registered; compared
//! not-before = 2026-01-01
//! not-after = 2026-12-31                # the whole of that day
//!
//! [[key]]
//! id = "tokens"
//! secret-file = "keys/tokens.txt"       # instead of `file`, where HS256 signs
//! families = ["impact"]
//! account-sids = ["IRexample"]
//! ```
//!
//! `ad-network-ids`, `bundle-ids`, `key-ids`, `account-sids` and
//! `column = { name = "network", values = ["a"] }` select rows: any of the
//! values of each kind that is given, and all kinds that are given. An entry
//! without any fits every row of its families. `key-id` is the key's id for
//! rows that give none; where a vendor's file name tells it, it may be left
//! out.
//!
//! Times are a date, or RFC 3339, as TOML writes it or in a string. A key is
//! valid from `not-before`, inclusive, to `not-after`, exclusive; a date means
//! the whole day in UTC, so that a key with `not-after = 2026-12-31` signs
//! until the year ends.

mod clash;
mod entry;
mod fault;
mod listed;
mod load;
mod moment;
mod reading;
mod survey;
mod validity;

pub use fault::{Fault, Problem, RingError};
pub use listed::{Listed, RingWarning};
pub use survey::{Survey, survey};
pub use validity::Validity;

use std::path::{Path, PathBuf};

use crate::format::{Alg, KeyUse};
use crate::key::{Secret, SigningKey};

/// The largest `keys.toml` that is read, in bytes.
pub const MAX_RING_BYTES: usize = 4 * 1024 * 1024;

/// Keys that were all loaded, compared with what is registered, and probed.
#[derive(Debug)]
pub struct KeyRing {
    /// The file it was read from.
    pub path: PathBuf,
    /// The entries in the order of the file; at least one.
    pub entries: Vec<RingEntry>,
}

/// One key and what it is for. `Debug` shows a fingerprint and nothing of the
/// key.
#[derive(Debug)]
pub struct RingEntry {
    /// Its unique name.
    pub id: String,
    /// The line of `keys.toml` where it begins, from 1.
    pub line: u64,
    /// What it signs; at least one use, all of one algorithm.
    pub uses: Vec<KeyUse>,
    /// What selects it; all of them must fit. Empty: every row of its uses.
    pub matches: Vec<Match>,
    /// The key's id for rows that give none.
    pub key_id: Option<String>,
    /// Valid from this time on, in milliseconds since 1970, inclusive.
    pub not_before: Option<u64>,
    /// Valid until this time, in milliseconds since 1970, exclusive.
    pub not_after: Option<u64>,
    /// The file the key was read from.
    pub file: PathBuf,
    /// The key.
    pub key: RingKey,
    /// What is worth saying about it all the same.
    pub warnings: Vec<RingWarning>,
}

/// One kind of selector: any of its values fits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Match {
    /// The ad network's id.
    AdNetwork(Vec<String>),
    /// The app's bundle id.
    Bundle(Vec<String>),
    /// The key's id that the row asks for.
    KeyId(Vec<String>),
    /// The account's SID.
    Account(Vec<String>),
    /// A column of the input.
    Column {
        /// The column's name.
        name: String,
        /// The values that fit.
        values: Vec<String>,
    },
}

/// A key of either algorithm.
#[derive(Debug)]
pub enum RingKey {
    /// A P-256 key that signed and verified a probe.
    Es256(SigningKey),
    /// A shared secret.
    Hs256(Secret),
}

impl KeyRing {
    /// Reads a ring and loads every key in it.
    ///
    /// # Errors
    /// [`RingError`] with *every* problem of the ring and of its keys, each
    /// with its line.
    pub fn load(path: &Path) -> Result<Self, RingError> {
        survey(path)?.into_ring()
    }
}

impl Match {
    /// The key in `keys.toml` that gives it.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self::AdNetwork(_) => "ad-network-ids",
            Self::Bundle(_) => "bundle-ids",
            Self::KeyId(_) => "key-ids",
            Self::Account(_) => "account-sids",
            Self::Column { .. } => "column",
        }
    }

    /// The values of which any fits; at least one.
    #[must_use]
    pub fn values(&self) -> &[String] {
        match self {
            Self::AdNetwork(values)
            | Self::Bundle(values)
            | Self::KeyId(values)
            | Self::Account(values)
            | Self::Column { values, .. } => values,
        }
    }
}

impl RingKey {
    /// What it signs with.
    #[must_use]
    pub fn alg(&self) -> Alg {
        match self {
            Self::Es256(_) => Alg::Es256,
            Self::Hs256(_) => Alg::Hs256,
        }
    }

    /// A name for the key that is safe to print.
    #[must_use]
    pub fn fingerprint(&self) -> String {
        match self {
            Self::Es256(key) => key.public_key().fingerprint(),
            Self::Hs256(secret) => secret.fingerprint(),
        }
    }

    /// What is registered with the vendor: one line of base64 of the
    /// SubjectPublicKeyInfo.
    #[must_use]
    pub fn public_key(&self) -> Option<String> {
        match self {
            Self::Es256(key) => Some(key.public_key().spki_base64()),
            Self::Hs256(_) => None,
        }
    }
}

//! Passphrases: where one comes from, and the one that was read.
//!
//! It must not know what a passphrase opens. Nothing here prints one.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use zeroize::Zeroizing;

use super::{KeyError, Warning, file};

/// The longest passphrase that is taken, in bytes.
pub const MAX_PASSPHRASE_BYTES: usize = 1024;

/// A passphrase: bytes as they are, never decoded.
///
/// It is wiped when it is dropped and can be shown in no way: there is neither
/// `Debug` nor `Display`.
pub struct Passphrase {
    bytes: Zeroizing<Vec<u8>>,
}

/// Where a passphrase comes from. One line end at the end, `\n` or `\r\n`, is
/// no part of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PassphraseSource {
    /// The content of a file.
    File(PathBuf),
    /// An environment variable, by its name. It stays in the environment of
    /// the process and, where the system shows that, is visible there.
    Env(String),
    /// What an open file descriptor of the process gives until its end, by its
    /// number. A pipe gives it once.
    Fd(i32),
}

/// Why there is no passphrase. No variant holds a byte of one.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PassphraseError {
    /// There is nothing, or nothing but one line end.
    #[error("{source_name} gives an empty passphrase")]
    Empty {
        /// The source in words.
        source_name: String,
    },
    /// It has more than [`MAX_PASSPHRASE_BYTES`].
    #[error("{source_name} gives more than {MAX_PASSPHRASE_BYTES} bytes, which is no passphrase")]
    TooLong {
        /// The source in words.
        source_name: String,
    },
    /// The environment has no such variable.
    #[error("the environment variable {name}, which should hold the passphrase, is not set")]
    NotSet {
        /// Its name.
        name: String,
    },
    /// The name is none that a shell could set. What stands in its place may
    /// be the passphrase itself, so it is not shown.
    #[error(
        "the name given for the passphrase's environment variable is none (letters, digits and _)"
    )]
    BadName,
    /// The file cannot be read.
    #[error("cannot read the passphrase from {source_name}: {error}")]
    Io {
        /// The source in words.
        source_name: String,
        /// What the operating system says.
        error: std::io::Error,
    },
}

impl Passphrase {
    /// Takes the bytes as they are; nothing is trimmed.
    ///
    /// # Errors
    /// [`PassphraseError::Empty`] if there are none, and
    /// [`PassphraseError::TooLong`] above [`MAX_PASSPHRASE_BYTES`].
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, KeyError> {
        Self::checked(bytes, || "the caller".to_owned()).map_err(KeyError::Passphrase)
    }

    fn checked(bytes: &[u8], source_name: impl Fn() -> String) -> Result<Self, PassphraseError> {
        if bytes.is_empty() {
            return Err(PassphraseError::Empty {
                source_name: source_name(),
            });
        }
        if bytes.len() > MAX_PASSPHRASE_BYTES {
            return Err(PassphraseError::TooLong {
                source_name: source_name(),
            });
        }
        Ok(Self {
            bytes: Zeroizing::new(bytes.to_vec()),
        })
    }

    /// The bytes that open the key.
    pub(super) fn bytes(&self) -> &[u8] {
        &self.bytes
    }
}

impl PassphraseSource {
    /// Reads the passphrase, and tells if others may use its file.
    ///
    /// # Errors
    /// [`KeyError::Passphrase`] with what is wrong with the source.
    pub fn read(&self) -> Result<(Passphrase, Vec<Warning>), KeyError> {
        let (bytes, warnings) = self.content().map_err(KeyError::Passphrase)?;
        let passphrase = Passphrase::checked(file::line(&bytes), || self.name());
        Ok((passphrase.map_err(KeyError::Passphrase)?, warnings))
    }

    /// The source in words.
    #[must_use]
    pub fn name(&self) -> String {
        match self {
            Self::File(path) => format!("the passphrase file {}", path.display()),
            Self::Env(name) => format!("the environment variable {name}"),
            Self::Fd(number) => format!("the file descriptor {number}"),
        }
    }

    fn content(&self) -> Result<(Zeroizing<Vec<u8>>, Vec<Warning>), PassphraseError> {
        match self {
            Self::File(path) => {
                let (bytes, mode) = self.file(path)?;
                let exposed = mode.map(|mode| Warning::PassphraseExposed {
                    path: path.clone(),
                    mode,
                });
                Ok((bytes, exposed.into_iter().collect()))
            }
            // The way to open a descriptor by its number without `unsafe`.
            Self::Fd(number) => {
                let (bytes, _) = self.file(Path::new(&format!("/dev/fd/{number}")))?;
                Ok((bytes, Vec::new()))
            }
            Self::Env(name) => {
                if !is_variable(name) {
                    return Err(PassphraseError::BadName);
                }
                let value = std::env::var_os(name).map(OsString::into_encoded_bytes);
                let bytes = value.ok_or_else(|| PassphraseError::NotSet { name: name.clone() })?;
                Ok((Zeroizing::new(bytes), Vec::new()))
            }
        }
    }

    /// The content, and the mode if it lets others at the file.
    fn file(&self, path: &Path) -> Result<(Zeroizing<Vec<u8>>, Option<u32>), PassphraseError> {
        file::read_at_most(path, MAX_PASSPHRASE_BYTES + 2)
            .map_err(|error| PassphraseError::Io {
                source_name: self.name(),
                error,
            })?
            .ok_or_else(|| PassphraseError::TooLong {
                source_name: self.name(),
            })
    }
}

/// Whether a shell could set a variable of this name.
fn is_variable(name: &str) -> bool {
    let mut bytes = name.bytes();
    bytes
        .next()
        .is_some_and(|first| first.is_ascii_alphabetic() || first == b'_')
        && bytes.all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
}

/// Passphrases by their sources: each source is read once, so that one pipe
/// can open several keys.
#[derive(Default)]
pub struct Passphrases {
    read: Vec<(PassphraseSource, Passphrase)>,
}

impl Passphrases {
    /// The passphrase of this source. Warnings come with the first reading.
    ///
    /// # Errors
    /// As [`PassphraseSource::read`].
    pub fn get(
        &mut self,
        source: &PassphraseSource,
    ) -> Result<(&Passphrase, Vec<Warning>), KeyError> {
        let known = self.read.iter().position(|(read, _)| read == source);
        let (at, warnings) = match known {
            Some(at) => (at, Vec::new()),
            None => {
                let (passphrase, warnings) = source.read()?;
                self.read.push((source.clone(), passphrase));
                (self.read.len() - 1, warnings)
            }
        };
        Ok((&self.read[at].1, warnings))
    }
}

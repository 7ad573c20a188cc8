//! What is worth saying about a key that is used all the same.
//!
//! It must not know where warnings go.

use std::fmt;
use std::path::{Path, PathBuf};

use super::hint::shell;
use super::secret::MIN_SECRET_BYTES;

/// Something about a key file that its owner should know. `Display` gives one
/// sentence; it never shows a secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Warning {
    /// Others can read the file, or the group can change it.
    Exposed {
        /// The file.
        path: PathBuf,
        /// Its permission bits.
        mode: u32,
    },
    /// Others can read the passphrase's file, or the group can change it.
    PassphraseExposed {
        /// The file.
        path: PathBuf,
        /// Its permission bits.
        mode: u32,
    },
    /// The key is not encrypted, so the passphrase was not read.
    PassphraseUnused {
        /// The key's file.
        path: PathBuf,
    },
    /// One line end at the end of the secret's file was not taken as part of
    /// the secret.
    SecretTrimmed,
    /// The secret has fewer bytes than RFC 7518 asks for.
    SecretShort {
        /// How many bytes it has.
        bytes: usize,
    },
    /// The secret's text looks like something that is usually decoded or taken
    /// apart, and was taken as it stands.
    SecretForm {
        /// What it looks like.
        form: SecretForm,
    },
    /// The secret begins or ends with white space or with a byte order mark,
    /// and that was kept.
    SecretEdges,
}

/// What the text of a secret may look like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SecretForm {
    /// Base64.
    Base64,
    /// Hexadecimal digits.
    Hex,
    /// A JSON object.
    Json,
    /// Text between quotation marks.
    Quoted,
    /// A token that was signed with a secret.
    Token,
}

impl fmt::Display for SecretForm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Base64 => {
                "the secret looks like base64; its characters were taken as they are, not decoded"
            }
            Self::Hex => {
                "the secret looks like hexadecimal; its characters were taken as they are, not \
                 decoded"
            }
            Self::Json => "the secret looks like a JSON object, and was taken as it is",
            Self::Quoted => {
                "the secret stands between quotation marks, which were taken as part of it"
            }
            Self::Token => {
                "the secret looks like a token (a JWT) that was signed with one, and was taken as \
                 it is"
            }
        })
    }
}

impl fmt::Display for Warning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Exposed { path, mode } => exposed(f, "key", path, *mode),
            Self::PassphraseExposed { path, mode } => exposed(f, "passphrase", path, *mode),
            Self::PassphraseUnused { path } => write!(
                f,
                "the key file {} is not encrypted; the passphrase was not needed",
                path.display(),
            ),
            Self::SecretTrimmed => f.write_str(
                "the secret's file ends with a line end, which was not taken as part of the secret",
            ),
            Self::SecretShort { bytes } => write!(
                f,
                "the secret has {bytes} bytes; RFC 7518, section 3.2, asks for at least \
                 {MIN_SECRET_BYTES} with HS256",
            ),
            Self::SecretForm { form } => form.fmt(f),
            Self::SecretEdges => f.write_str(
                "the secret begins or ends with white space or a byte order mark, which was kept \
                 as part of the secret",
            ),
        }
    }
}

fn exposed(f: &mut fmt::Formatter<'_>, what: &str, path: &Path, mode: u32) -> fmt::Result {
    write!(
        f,
        "the {what} file {} can be {} (mode {mode:04o}); `chmod o-rwx,g-w {}` puts that right",
        path.display(),
        if mode & 0o007 != 0 {
            "used by every user of this machine"
        } else {
            "changed by its group"
        },
        shell(path),
    )
}

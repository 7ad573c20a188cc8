//! The shared secret of HS256.
//!
//! It must not know base64 or hex as ways to write a secret: the bytes of the
//! text are the secret, as they are.

use std::fmt;
use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use zeroize::Zeroizing;

use super::{KeyError, SecretForm, Wanted, Warning, file, pem};

/// The length below which [`Warning::SecretShort`] is given: RFC 7518,
/// section 3.2, wants a key as long as the digest.
pub const MIN_SECRET_BYTES: usize = 32;

/// The message whose MAC is the fingerprint.
const FINGERPRINT: &[u8] = b"campaign-signer secret fingerprint v1";

/// An HS256 secret: the UTF-8 bytes of its text, never decoded.
///
/// It is wiped when it is dropped, has no `Display`, and its `Debug` shows
/// nothing but the fingerprint.
pub struct Secret {
    bytes: Zeroizing<Vec<u8>>,
}

impl Secret {
    /// Takes the bytes as they are; nothing is trimmed or decoded.
    ///
    /// # Errors
    /// [`KeyError::Empty`] if there are none, [`KeyError::PemAsSecret`] if
    /// they are a PEM file: a key of the wrong kind, not a secret.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, KeyError> {
        if bytes.is_empty() {
            return Err(KeyError::Empty {
                wanted: Wanted::Secret,
            });
        }
        if pem::begins_like_pem(bytes) {
            return Err(KeyError::PemAsSecret);
        }
        Ok(Self {
            bytes: Zeroizing::new(bytes.to_vec()),
        })
    }

    /// Reads the secret from a file of at most
    /// [`MAX_FILE_BYTES`](super::MAX_FILE_BYTES). One line end at the end of
    /// the file is left out and reported; everything else is the secret.
    ///
    /// # Errors
    /// As [`from_bytes`](Self::from_bytes), with the path; and
    /// [`KeyError::Io`] or [`KeyError::TooLarge`].
    pub fn from_file(path: &Path) -> Result<(Self, Vec<Warning>), KeyError> {
        let (content, mut warnings) = file::read_guarded(path)?;
        let text = file::line(&content);
        let secret = Self::from_bytes(text).map_err(|error| error.in_file(path))?;
        if text.len() < content.len() {
            warnings.push(Warning::SecretTrimmed);
        }
        warnings.extend(secret.warnings());
        Ok((secret, warnings))
    }

    /// What is worth saying about the secret itself, wherever it came from.
    #[must_use]
    pub fn warnings(&self) -> Vec<Warning> {
        let mut warnings = Vec::new();
        if self.bytes.len() < MIN_SECRET_BYTES {
            warnings.push(Warning::SecretShort {
                bytes: self.bytes.len(),
            });
        }
        if self.bytes.trim_ascii().len() < self.bytes.len()
            || self.bytes.starts_with(pem::BYTE_ORDER_MARK)
        {
            warnings.push(Warning::SecretEdges);
        }
        warnings.extend(self.written().map(|form| Warning::SecretForm { form }));
        warnings
    }

    /// What the text looks like, if it may not be meant as it stands. Only what
    /// is distinctive counts: many a secret is letters and digits alone.
    fn written(&self) -> Option<SecretForm> {
        let text = self.bytes.trim_ascii();
        let is_within = |quote: u8| {
            text.len() > 1 && text.first() == Some(&quote) && text.last() == Some(&quote)
        };
        if is_within(b'"') || is_within(b'\'') {
            return Some(SecretForm::Quoted);
        }
        let parts = text.split(|byte| *byte == b'.').count();
        if parts == 3 && text.starts_with(b"eyJ") {
            return Some(SecretForm::Token);
        }
        if text.starts_with(b"{") && text.ends_with(b"}") {
            return Some(SecretForm::Json);
        }
        let is_whole =
            |digits: usize| text.len() >= MIN_SECRET_BYTES && text.len().is_multiple_of(digits);
        if is_whole(2) && text.iter().all(u8::is_ascii_hexdigit) {
            return Some(SecretForm::Hex);
        }
        let is_telling = text.ends_with(b"=") || text.contains(&b'+') || text.contains(&b'/');
        let digits = text.trim_ascii_end().strip_suffix(b"=").unwrap_or(text);
        let digits = digits.strip_suffix(b"=").unwrap_or(digits);
        let is_digit = |byte: &u8| byte.is_ascii_alphanumeric() || b"+/".contains(byte);
        (is_telling
            && text.len().is_multiple_of(4)
            && text.len() >= 16
            && digits.iter().all(is_digit))
        .then_some(SecretForm::Base64)
    }

    /// The bytes that key the MAC.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// A name for the secret that is safe to print: base64url of the first 16
    /// bytes of HMAC-SHA256 over a fixed text, keyed with the secret. It is
    /// not a hash of the secret, which could be looked up in a table.
    #[must_use]
    pub fn fingerprint(&self) -> String {
        let mut mac =
            Hmac::<Sha256>::new_from_slice(&self.bytes).expect("HMAC takes a key of any length");
        mac.update(FINGERPRINT);
        let tag = mac.finalize().into_bytes();
        URL_SAFE_NO_PAD.encode(&tag[..16])
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Secret")
            .field("fingerprint", &self.fingerprint())
            .finish_non_exhaustive()
    }
}

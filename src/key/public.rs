//! The public half of a P-256 key: read, written, named.
//!
//! It must not know private keys.

use std::fmt;
use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use p256::ecdsa::VerifyingKey;
use sha2::{Digest, Sha256};

use super::{KeyError, file, pem, read};

/// Everything of a P-256 SubjectPublicKeyInfo that stands before the point.
const SPKI_HEAD: &[u8] = &[
    0x30, 0x59, 0x30, 0x13, 0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01, 0x06, 0x08, 0x2a,
    0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07, 0x03, 0x42, 0x00,
];

/// A P-256 public key.
#[derive(Clone, PartialEq, Eq)]
pub struct PublicKey {
    inner: VerifyingKey,
}

impl PublicKey {
    /// Reads a public key: SubjectPublicKeyInfo as PEM, as DER, or as base64
    /// of the DER without any armour, which is what Apple's pages print; or a
    /// JWK (RFC 7517), also as the one key of a JWK set.
    ///
    /// # Errors
    /// Everything else is refused by name; see [`KeyError`]. A private key is
    /// [`KeyError::PrivateNotPublic`].
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, KeyError> {
        read::public_key(bytes).map(Self::from_verifying_key)
    }

    /// Reads a public key from a file of at most
    /// [`MAX_FILE_BYTES`](super::MAX_FILE_BYTES).
    ///
    /// # Errors
    /// As [`from_bytes`](Self::from_bytes), with the path; and
    /// [`KeyError::Io`] or [`KeyError::TooLarge`].
    pub fn from_file(path: &Path) -> Result<Self, KeyError> {
        let bytes = file::read(path)?;
        Self::from_bytes(&bytes).map_err(|error| error.in_file(path))
    }

    /// Takes a key that is known to be good.
    #[must_use]
    pub fn from_verifying_key(inner: VerifyingKey) -> Self {
        Self { inner }
    }

    /// SubjectPublicKeyInfo as DER, 91 bytes with the uncompressed point.
    #[must_use]
    pub fn spki_der(&self) -> Vec<u8> {
        [SPKI_HEAD, &self.point()].concat()
    }

    /// One line of standard base64 of [`spki_der`](Self::spki_der): what one
    /// registers with Apple.
    #[must_use]
    pub fn spki_base64(&self) -> String {
        STANDARD.encode(self.spki_der())
    }

    /// PEM, byte for byte what `openssl ec -pubout` prints.
    #[must_use]
    pub fn to_pem(&self) -> String {
        pem::armour("PUBLIC KEY", &self.spki_der()).to_string()
    }

    /// The JWK thumbprint of RFC 7638 with SHA-256, base64url without padding.
    #[must_use]
    pub fn fingerprint(&self) -> String {
        let point = self.point();
        let jwk = format!(
            r#"{{"crv":"P-256","kty":"EC","x":"{}","y":"{}"}}"#,
            URL_SAFE_NO_PAD.encode(&point[1..33]),
            URL_SAFE_NO_PAD.encode(&point[33..]),
        );
        URL_SAFE_NO_PAD.encode(Sha256::digest(jwk))
    }

    /// The key as the `p256` crate knows it.
    #[must_use]
    pub fn verifying_key(&self) -> &VerifyingKey {
        &self.inner
    }

    /// The uncompressed point: 4, x, y.
    pub(super) fn point(&self) -> [u8; 65] {
        let encoded = self.inner.to_sec1_point(false);
        let mut point = [0; 65];
        for (to, from) in point.iter_mut().zip(encoded.as_bytes()) {
            *to = *from;
        }
        point
    }
}

impl fmt::Debug for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PublicKey")
            .field("fingerprint", &self.fingerprint())
            .finish_non_exhaustive()
    }
}

//! Keys: reads, checks, makes and writes P-256 keys, and reads HS256 secrets.
//!
//! This is the only place that reads PEM or DER. It must not know formats,
//! engines or output: it hands out a [`SigningKey`], a [`PublicKey`] or a
//! [`Secret`] that is known to be good, or a [`KeyError`] that says what was
//! found instead, what is wanted, and (by [`KeyError::hint`]) which command
//! gets there.
//!
//! Nothing here prints a key: `Debug` shows fingerprints, no error quotes the
//! content of a file, and every buffer that held a secret is wiped.

mod der;
mod error;
mod file;
mod hint;
mod pem;
mod public;
mod read;
mod secret;
mod warning;

pub use error::{Curve, Encryption, KeyError, Wanted};
pub use file::MAX_FILE_BYTES;
pub use public::PublicKey;
pub use secret::{MIN_SECRET_BYTES, Secret};
pub use warning::Warning;

use std::fmt;
use std::path::Path;

use p256::ecdsa::Signature;
use p256::ecdsa::signature::{Signer, Verifier};
use zeroize::Zeroizing;

/// What [`SigningKey::probe`] signs.
const PROBE: &[u8] = b"campaign-signer key probe v1";

/// Everything of a P-256 PKCS#8 document that stands before the scalar.
const PKCS8_HEAD: &[u8] = &[
    0x30, 0x81, 0x87, 0x02, 0x01, 0x00, 0x30, 0x13, 0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02,
    0x01, 0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07, 0x04, 0x6d, 0x30, 0x6b, 0x02,
    0x01, 0x01, 0x04, 0x20,
];

/// What stands between the scalar and the 65 bytes of the public point.
const PKCS8_MIDDLE: &[u8] = &[0xa1, 0x44, 0x03, 0x42, 0x00];

/// A P-256 private key.
///
/// It is wiped when it is dropped, has no `Display`, and its `Debug` shows
/// nothing but the fingerprint of the public half.
pub struct SigningKey {
    inner: p256::ecdsa::SigningKey,
}

impl SigningKey {
    /// Reads a private key from the bytes of a file or of a variable.
    ///
    /// PKCS#8 and SEC1 are taken, as PEM or as DER. PEM may have any line
    /// width, CRLF line ends, a byte order mark, white space and text around
    /// it, an `EC PARAMETERS` block before it, and the two characters `\n`
    /// where the line ends were.
    ///
    /// # Errors
    /// Everything else is refused by name; see [`KeyError`]. A public key that
    /// the document carries beside the private one must belong to it.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, KeyError> {
        read::private_key(bytes).map(|inner| Self { inner })
    }

    /// Reads a private key from a file of at most [`MAX_FILE_BYTES`].
    ///
    /// # Errors
    /// As [`from_bytes`](Self::from_bytes), with the path; and
    /// [`KeyError::Io`] or [`KeyError::TooLarge`].
    pub fn from_file(path: &Path) -> Result<(Self, Vec<Warning>), KeyError> {
        let (bytes, warnings) = file::read_guarded(path)?;
        let key = Self::from_bytes(&bytes).map_err(|error| error.in_file(path))?;
        Ok((key, warnings))
    }

    /// Makes a new key from the randomness of the operating system.
    ///
    /// # Errors
    /// [`KeyError::Random`] if the operating system gives none.
    pub fn generate() -> Result<Self, KeyError> {
        let mut scalar = Zeroizing::new([0_u8; 32]);
        loop {
            getrandom::fill(scalar.as_mut_slice()).map_err(|error| KeyError::Random {
                reason: error.to_string(),
            })?;
            // Zero and n or more are drawn again: about once in 2^32 draws.
            if let Ok(inner) = p256::ecdsa::SigningKey::from_slice(scalar.as_slice()) {
                return Ok(Self { inner });
            }
        }
    }

    /// The public half.
    #[must_use]
    pub fn public_key(&self) -> PublicKey {
        PublicKey::from_verifying_key(*self.inner.verifying_key())
    }

    /// The private scalar, big-endian.
    #[must_use]
    pub fn scalar(&self) -> Zeroizing<[u8; 32]> {
        let repr = Zeroizing::new(self.inner.to_bytes());
        let mut scalar = Zeroizing::new([0_u8; 32]);
        scalar.copy_from_slice(&repr);
        scalar
    }

    /// The key as the `p256` crate knows it.
    #[must_use]
    pub fn ecdsa(&self) -> &p256::ecdsa::SigningKey {
        &self.inner
    }

    /// The key as PKCS#8 PEM, byte for byte what `openssl pkcs8 -topk8
    /// -nocrypt` prints.
    #[must_use]
    pub fn to_pkcs8_pem(&self) -> Zeroizing<String> {
        let point = self.public_key().point();
        let length = PKCS8_HEAD.len() + 32 + PKCS8_MIDDLE.len() + point.len();
        let mut document = Zeroizing::new(Vec::with_capacity(length));
        document.extend_from_slice(PKCS8_HEAD);
        document.extend_from_slice(self.scalar().as_slice());
        document.extend_from_slice(PKCS8_MIDDLE);
        document.extend_from_slice(&point);
        pem::armour("PRIVATE KEY", &document)
    }

    /// Signs a fixed message and verifies the signature with the derived
    /// public key.
    ///
    /// # Errors
    /// [`KeyError::Probe`] if the pair does not hold together.
    pub fn probe(&self) -> Result<(), KeyError> {
        let signature: Signature = self.inner.try_sign(PROBE).map_err(|_| KeyError::Probe)?;
        self.inner
            .verifying_key()
            .verify(PROBE, &signature)
            .map_err(|_| KeyError::Probe)
    }
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SigningKey")
            .field("fingerprint", &self.public_key().fingerprint())
            .finish_non_exhaustive()
    }
}

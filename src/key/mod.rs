//! Keys: reads, checks, makes and writes P-256 keys, encrypted ones too, and
//! reads HS256 secrets and passphrases.
//!
//! This is the only place that reads PEM, the DER of keys, or JWK. It must not know formats,
//! engines or output: it hands out a [`SigningKey`], a [`PublicKey`] or a
//! [`Secret`] that is known to be good, or a [`KeyError`] that says what was
//! found instead, what is wanted, and (by [`KeyError::hint`]) which command
//! gets there.
//!
//! Nothing here prints a key: `Debug` shows fingerprints, no error quotes the
//! content of a file, and every buffer that held a secret is wiped.

mod content;
mod der;
mod encrypted;
mod error;
mod file;
mod hint;
mod identity;
mod jwk;
mod other;
mod passphrase;
mod pem;
mod public;
mod read;
mod secret;
mod warning;

pub use encrypted::{
    Cipher, DecryptError, MAX_PBKDF2_ITERATIONS, MAX_SCRYPT_MEMORY, MAX_SCRYPT_WORK,
};
pub use error::{Curve, Encryption, KeyError, Wanted};
pub use file::MAX_FILE_BYTES;
pub use identity::{Identity, Sort, identify};
pub use passphrase::{
    MAX_PASSPHRASE_BYTES, Passphrase, PassphraseError, PassphraseSource, Passphrases,
};
pub use public::PublicKey;
pub use secret::{MIN_SECRET_BYTES, Secret};
pub use warning::{SecretForm, Warning};

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
    /// PKCS#8 and SEC1 are taken, as PEM or as DER, and a JWK (RFC 7517), also
    /// as the one key of a JWK set. PEM may have any line width, CRLF line ends, a byte order mark, white space and text around
    /// it, an `EC PARAMETERS` block before it, and the two characters `\n`
    /// where the line ends were.
    ///
    /// # Errors
    /// Everything else is refused by name; see [`KeyError`]. A public key that
    /// the document carries beside the private one must belong to it. An
    /// encrypted key is [`KeyError::Encrypted`]; [`from_encrypted`] opens it.
    ///
    /// [`from_encrypted`]: Self::from_encrypted
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, KeyError> {
        read::private_key(bytes, None).map(|read| Self { inner: read.key })
    }

    /// Reads a private key that may be encrypted: PKCS#8 under PBES2, that is
    /// PBKDF2 (HMAC with SHA-1 or SHA-2) or scrypt, and AES-CBC, as PEM or DER.
    /// A key that is not encrypted is read as [`from_bytes`](Self::from_bytes)
    /// reads it.
    ///
    /// # Errors
    /// As there; and [`KeyError::Decrypt`] for a wrong passphrase, for another
    /// cipher, and for more work than [`MAX_PBKDF2_ITERATIONS`],
    /// [`MAX_SCRYPT_MEMORY`] and [`MAX_SCRYPT_WORK`] allow.
    pub fn from_encrypted(bytes: &[u8], passphrase: &Passphrase) -> Result<Self, KeyError> {
        let mut open = |algorithm: &[u8], data: &[u8]| {
            encrypted::decrypt(algorithm, data, passphrase).map_err(KeyError::Decrypt)
        };
        read::private_key(bytes, Some(&mut open)).map(|read| Self { inner: read.key })
    }

    /// Reads a private key from a file of at most [`MAX_FILE_BYTES`].
    ///
    /// # Errors
    /// As [`from_bytes`](Self::from_bytes), with the path; and
    /// [`KeyError::Io`] or [`KeyError::TooLarge`].
    pub fn from_file(path: &Path) -> Result<(Self, Vec<Warning>), KeyError> {
        Self::from_file_with(path, None)
    }

    /// The same with where the passphrase of an encrypted key comes from. It
    /// is read only where it is needed.
    ///
    /// # Errors
    /// As [`from_encrypted`](Self::from_encrypted), with the path; and
    /// [`KeyError::Passphrase`].
    pub fn from_file_with(
        path: &Path,
        source: Option<&PassphraseSource>,
    ) -> Result<(Self, Vec<Warning>), KeyError> {
        Self::from_file_among(path, source, &mut Passphrases::default())
    }

    /// The same for one of several keys, which may share a passphrase: a
    /// source that was read before is not read again.
    ///
    /// # Errors
    /// As [`from_file_with`](Self::from_file_with).
    pub fn from_file_among(
        path: &Path,
        source: Option<&PassphraseSource>,
        passphrases: &mut Passphrases,
    ) -> Result<(Self, Vec<Warning>), KeyError> {
        let (bytes, mut warnings) = file::read_guarded(path)?;
        let Some(source) = source else {
            let key = Self::from_bytes(&bytes).map_err(|error| error.in_file(path))?;
            return Ok((key, warnings));
        };
        let mut open = |algorithm: &[u8], data: &[u8]| {
            let (passphrase, more) = passphrases.get(source)?;
            warnings.extend(more);
            encrypted::decrypt(algorithm, data, passphrase).map_err(KeyError::Decrypt)
        };
        let read = read::private_key(&bytes, Some(&mut open));
        let read = read.map_err(|error| error.in_file(path))?;
        if !read.encrypted {
            warnings.push(Warning::PassphraseUnused {
                path: path.to_owned(),
            });
        }
        Ok((Self { inner: read.key }, warnings))
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
        pem::armour("PRIVATE KEY", &self.to_pkcs8_der())
    }

    /// The key as encrypted PKCS#8 PEM: PBES2 with scrypt (N = 2^14, r = 8,
    /// p = 5), a random salt, and AES-256-CBC. `openssl pkey` opens it.
    ///
    /// # Errors
    /// [`KeyError::Random`] if the operating system gives no salt, and
    /// [`KeyError::Encrypt`] if the key cannot be encrypted.
    pub fn to_encrypted_pem(&self, passphrase: &Passphrase) -> Result<String, KeyError> {
        let der = encrypted::encrypt(&self.to_pkcs8_der(), passphrase)?;
        Ok(pem::armour("ENCRYPTED PRIVATE KEY", &der).to_string())
    }

    fn to_pkcs8_der(&self) -> Zeroizing<Vec<u8>> {
        let point = self.public_key().point();
        let length = PKCS8_HEAD.len() + 32 + PKCS8_MIDDLE.len() + point.len();
        let mut document = Zeroizing::new(Vec::with_capacity(length));
        document.extend_from_slice(PKCS8_HEAD);
        document.extend_from_slice(self.scalar().as_slice());
        document.extend_from_slice(PKCS8_MIDDLE);
        document.extend_from_slice(&point);
        document
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

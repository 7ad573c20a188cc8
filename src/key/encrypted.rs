//! Encrypted PKCS#8 (RFC 5958 §3): PBES2 of RFC 8018 with PBKDF2 or scrypt
//! (RFC 7914), and AES-CBC.
//!
//! Says what else a file is encrypted with, and refuses work that only an
//! attacker's file asks for, before any of it is done. It must not know where
//! passphrases come from, nor what the plain text says.
//!
//! The passphrase and the plain text are wiped; what `pkcs5` derives from the
//! passphrase on its way, on the stack, is not.

use pkcs5::der::asn1::AnyRef;
use pkcs5::der::{Encode, Tag};
use pkcs5::pbes2::Parameters;
use pkcs5::scrypt::Params as ScryptCost;
use zeroize::Zeroizing;

use super::der::{self, Elements};
use super::{KeyError, Passphrase};

/// The most iterations of PBKDF2 that are done: what RFC 8018 §4.2 calls
/// appropriate for especially critical keys.
pub const MAX_PBKDF2_ITERATIONS: u64 = 10_000_000;

/// The most memory, in bytes, that scrypt may fill (128·N·r).
pub const MAX_SCRYPT_MEMORY: u64 = 256 * 1024 * 1024;

/// The most work of scrypt: so many bytes may be filled in all (128·N·r·p).
pub const MAX_SCRYPT_WORK: u64 = 1024 * 1024 * 1024;

/// The longest salt, in bytes.
const MAX_SALT: usize = 32;

const PBES2: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x05, 0x0d];
const PBKDF2: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x05, 0x0c];
const SCRYPT: &[u8] = &[0x2b, 0x06, 0x01, 0x04, 0x01, 0xda, 0x47, 0x04, 0x0b];
/// PBES1 of RFC 8018 §A.3, and the schemes of PKCS#12: one more arc each.
const PBES1: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x05];
const PKCS12_PBE: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x0c, 0x01];
/// HMAC with SHA-1, SHA-224, SHA-256, SHA-384 and SHA-512: 7 to 11.
const HMAC: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x02];

const DES: &[u8] = &[0x2b, 0x0e, 0x03, 0x02, 0x07];
const RC2: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x03, 0x02];
const TRIPLE_DES: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x03, 0x07];
/// AES of NIST, before the last arc: 2, 22, 42 are CBC, 6, 26, 46 are GCM.
const AES: &[u8] = &[0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x01];

/// Why an encrypted key is not opened.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum DecryptError {
    /// The passphrase is another one, or the key was damaged.
    #[error("the passphrase does not open the encrypted private key (or its content is damaged)")]
    WrongPassphrase,
    /// Encrypted with something else than AES-CBC.
    #[error("found a private key encrypted with {0}; wanted AES-CBC")]
    Cipher(Cipher),
    /// PBES1, or a scheme of PKCS#12, by its object identifier.
    #[error(
        "found a private key encrypted the way of PKCS#5 version 1.5 or PKCS#12 ({0}), which is \
         outdated; wanted PBES2 with AES-CBC"
    )]
    OldScheme(String),
    /// Another scheme than PBES2, by its object identifier.
    #[error("found a private key under the encryption scheme {0}; wanted PBES2 with AES-CBC")]
    OtherScheme(String),
    /// The key is derived by something else than PBKDF2 or scrypt.
    #[error(
        "found a private key whose encryption key is derived with {0}; wanted PBKDF2 or scrypt"
    )]
    Derivation(String),
    /// PBKDF2 over something else than HMAC with SHA-1 or SHA-2.
    #[error(
        "found a private key under PBKDF2 with the function {0}; wanted HMAC with SHA-1, SHA-224, \
         SHA-256, SHA-384 or SHA-512"
    )]
    Function(String),
    /// So many iterations that the program would seem to hang.
    #[error(
        "found a private key under PBKDF2 with more than {MAX_PBKDF2_ITERATIONS} iterations, which \
         is too much work"
    )]
    Iterations,
    /// So much memory or work that the machine would suffer.
    #[error(
        "found a private key under scrypt with N, r and p so large that it is too much work; \
         wanted at most 256 MiB (128·N·r), and 1 GiB in all (128·N·r·p)"
    )]
    ScryptCost,
    /// The parameters are no good.
    #[error("found an encrypted private key with damaged parameters")]
    Damaged,
}

/// A cipher that keys are not opened with.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Cipher {
    /// Single DES.
    Des,
    /// Triple DES.
    TripleDes,
    /// RC2.
    Rc2,
    /// AES in Galois/Counter Mode.
    AesGcm,
    /// Any other, by its object identifier.
    Other(String),
}

impl std::fmt::Display for Cipher {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Des => f.write_str("DES, which is broken"),
            Self::TripleDes => f.write_str("3DES, which is outdated"),
            Self::Rc2 => f.write_str("RC2, which is outdated"),
            Self::AesGcm => f.write_str("AES-GCM, which PKCS#8 tools do not write"),
            Self::Other(oid) => write!(f, "the cipher {oid}"),
        }
    }
}

/// Opens the data of an EncryptedPrivateKeyInfo: `algorithm` is the content of
/// its AlgorithmIdentifier.
pub(super) fn decrypt(
    algorithm: &[u8],
    data: &[u8],
    passphrase: &Passphrase,
) -> Result<Zeroizing<Vec<u8>>, DecryptError> {
    let parameters = parameters(algorithm)?;
    if data.is_empty() || !data.len().is_multiple_of(16) {
        return Err(DecryptError::Damaged);
    }
    let mut buffer = Zeroizing::new(data.to_vec());
    let length = match parameters.decrypt_in_place(passphrase.bytes(), &mut buffer) {
        Ok(plain) => plain.len(),
        Err(pkcs5::Error::DecryptFailed) => return Err(DecryptError::WrongPassphrase),
        Err(_) => return Err(DecryptError::Damaged),
    };
    buffer.truncate(length);
    Ok(buffer)
}

/// The parameters of PBES2, once every one of them is known to be harmless:
/// the crate that reads them trusts them.
fn parameters(algorithm: &[u8]) -> Result<Parameters, DecryptError> {
    let mut scheme = Elements::of(algorithm);
    let oid = scheme.take(der::OID).ok_or(DecryptError::Damaged)?;
    if oid != PBES2 {
        let shown = der::dotted(oid);
        let is_below = |root: &[u8]| oid.len() == root.len() + 1 && oid.starts_with(root);
        return Err(match is_below(PBES1) || is_below(PKCS12_PBE) {
            true => DecryptError::OldScheme(shown),
            false => DecryptError::OtherScheme(shown),
        });
    }
    let content = scheme.take(der::SEQUENCE).ok_or(DecryptError::Damaged)?;
    let mut parts = Elements::of(content);
    let derivation = parts.take(der::SEQUENCE).ok_or(DecryptError::Damaged)?;
    let cipher = parts.take(der::SEQUENCE).ok_or(DecryptError::Damaged)?;
    check_cipher(cipher)?;
    check_derivation(derivation).ok_or(DecryptError::Damaged)??;
    AnyRef::new(Tag::Sequence, content)
        .and_then(Parameters::try_from)
        .map_err(|_| DecryptError::Damaged)
}

fn check_cipher(cipher: &[u8]) -> Result<(), DecryptError> {
    let oid = Elements::of(cipher)
        .take(der::OID)
        .ok_or(DecryptError::Damaged)?;
    Err(DecryptError::Cipher(match (oid, oid.strip_prefix(AES)) {
        (_, Some([2 | 22 | 42])) => return Ok(()),
        (_, Some([6 | 26 | 46])) => Cipher::AesGcm,
        (DES, _) => Cipher::Des,
        (TRIPLE_DES, _) => Cipher::TripleDes,
        (RC2, _) => Cipher::Rc2,
        _ => Cipher::Other(der::dotted(oid)),
    }))
}

/// Nothing where the parameters are damaged.
fn check_derivation(derivation: &[u8]) -> Option<Result<(), DecryptError>> {
    let mut elements = Elements::of(derivation);
    let oid = elements.take(der::OID)?;
    if oid != PBKDF2 && oid != SCRYPT {
        return Some(Err(DecryptError::Derivation(der::dotted(oid))));
    }
    let mut of = Elements::of(elements.take(der::SEQUENCE)?);
    if of.take(der::OCTET_STRING)?.len() > MAX_SALT {
        return None;
    }
    let first = number(of.take(der::INTEGER)?)?;
    if oid == SCRYPT {
        let (r, p) = (
            number(of.take(der::INTEGER)?)?,
            number(of.take(der::INTEGER)?)?,
        );
        if first < 2 || !first.is_power_of_two() {
            return None;
        }
        let memory = first.saturating_mul(r).saturating_mul(128);
        let work = memory.saturating_mul(p);
        let is_much = memory > MAX_SCRYPT_MEMORY || work > MAX_SCRYPT_WORK;
        return Some(
            is_much
                .then_some(DecryptError::ScryptCost)
                .map_or(Ok(()), Err),
        );
    }
    if first > MAX_PBKDF2_ITERATIONS {
        return Some(Err(DecryptError::Iterations));
    }
    of.take(der::INTEGER); // the length of the key
    if let Some(function) = of.take(der::SEQUENCE) {
        let oid = Elements::of(function).take(der::OID)?;
        if !matches!(oid.strip_prefix(HMAC), Some([7..=11])) {
            return Some(Err(DecryptError::Function(der::dotted(oid))));
        }
    }
    Some(Ok(()))
}

/// A positive INTEGER; one that is longer than eight bytes is the largest.
fn number(integer: &[u8]) -> Option<u64> {
    let digits = match integer {
        [0, digits @ ..] => digits,
        digits => digits,
    };
    let is_negative = integer.first().is_some_and(|first| first & 0x80 != 0);
    if is_negative || digits.is_empty() {
        return None;
    }
    if digits.len() > 8 {
        return Some(u64::MAX);
    }
    let fold = |sum: u64, &digit: &u8| sum << 8 | u64::from(digit);
    Some(digits.iter().fold(0, fold)).filter(|&number| number > 0)
}

/// Encrypts a private key document: an EncryptedPrivateKeyInfo, as DER. scrypt
/// with N = 2^14, r = 8, p = 5, as strong as OWASP asks for, within what
/// `openssl` opens without being asked twice; AES-256-CBC.
pub(super) fn encrypt(document: &[u8], passphrase: &Passphrase) -> Result<Vec<u8>, KeyError> {
    let mut random = [0_u8; 32];
    getrandom::fill(&mut random).map_err(|error| KeyError::Random {
        reason: error.to_string(),
    })?;
    let (salt, rest) = random.split_at(16);
    let mut iv = [0_u8; 16];
    iv.copy_from_slice(rest);
    written(document, passphrase, salt, iv).ok_or(KeyError::Encrypt)
}

fn written(document: &[u8], passphrase: &Passphrase, salt: &[u8], iv: [u8; 16]) -> Option<Vec<u8>> {
    let cost = ScryptCost::new(14, 8, 5).ok()?;
    let parameters = Parameters::generate_scrypt_aes256cbc(cost, salt, iv).ok()?;
    // In place, so that the plain text stands in no buffer that is not wiped.
    let mut buffer = Zeroizing::new(vec![0; document.len() + 16]);
    buffer[..document.len()].copy_from_slice(document);
    let data = parameters
        .encrypt_in_place(passphrase.bytes(), &mut buffer, document.len())
        .ok()?
        .to_vec();
    let algorithm = pkcs5::EncryptionScheme::from(parameters).to_der().ok()?;
    let data = pkcs5::der::asn1::OctetStringRef::new(&data)
        .and_then(|data| data.to_der())
        .ok()?;
    AnyRef::new(Tag::Sequence, &[algorithm, data].concat())
        .and_then(|any| any.to_der())
        .ok()
}

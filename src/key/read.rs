//! Takes the P-256 key out of the documents that hold one, and names the others.
//!
//! It must not know PEM or how a key is encrypted: `pem` hands it the bytes
//! inside, `content` says what they are, and its caller opens what is encrypted.

use p256::ecdsa::{SigningKey, VerifyingKey};
use zeroize::Zeroizing;

use super::content::{Content, Parameters, RSA, content, parameters};
use super::der::{self, Elements};
use super::pem::{self, Form};
use super::{Curve, DecryptError, Encryption, KeyError, Wanted, jwk};

const RSA_PSS: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x0a];
const ED25519: &[u8] = &[0x2b, 0x65, 0x70];

const P256: &[u8] = &[0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07];
const P192: &[u8] = &[0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x01];
const SECP256K1: &[u8] = &[0x2b, 0x81, 0x04, 0x00, 0x0a];
const P384: &[u8] = &[0x2b, 0x81, 0x04, 0x00, 0x22];
const P521: &[u8] = &[0x2b, 0x81, 0x04, 0x00, 0x23];

/// What opens an encrypted document, if there is a passphrase.
pub(super) type Open<'a> =
    Option<&'a mut dyn FnMut(&[u8], &[u8]) -> Result<Zeroizing<Vec<u8>>, KeyError>>;

/// What was read, and whether it was encrypted.
pub(super) struct Read {
    pub(super) key: SigningKey,
    pub(super) encrypted: bool,
}

/// Reads a P-256 private key. `open` makes the plain text of what is encrypted,
/// from the content of the algorithm's identifier and the data.
pub(super) fn private_key(bytes: &[u8], open: Open<'_>) -> Result<Read, KeyError> {
    let wanted = Wanted::PrivateKey;
    if let Some(text) = jwk::json(bytes) {
        return jwk::private_key(text).map(|key| Read {
            key,
            encrypted: false,
        });
    }
    let opened = pem::open(bytes, wanted)?;
    let found = content(&opened.der);
    let is_private = matches!(
        found,
        None | Some(Content::EcPrivate { .. } | Content::Encrypted { .. })
    );
    if opened.form == Form::Base64 && is_private {
        return Err(KeyError::NoBeginLine { wanted });
    }
    let beside = match &opened.parameters {
        Some(der) => parameters(&mut Elements::of(der)),
        None => Parameters::Absent,
    };
    let (Some(open), Some(Content::Encrypted { algorithm, data })) = (open, &found) else {
        let key = of_content(found, beside, opened.form)?;
        return Ok(Read {
            key,
            encrypted: false,
        });
    };
    let plain = open(algorithm, data)?;
    // Padding fits one wrong passphrase in 256; what comes out is noise.
    let inside = content(&plain).filter(|inside| !matches!(inside, Content::Encrypted { .. }));
    if inside.is_none() {
        return Err(KeyError::Decrypt(DecryptError::WrongPassphrase));
    }
    let key = of_content(inside, beside, opened.form)?;
    Ok(Read {
        key,
        encrypted: true,
    })
}

/// The private key that a document is, or what it is instead.
fn of_content(
    content: Option<Content<'_>>,
    beside: Parameters<'_>,
    form: Form,
) -> Result<SigningKey, KeyError> {
    let wanted = Wanted::PrivateKey;
    match content {
        Some(Content::EcPrivate {
            curves: [outer, inner],
            scalar,
            publics,
        }) => {
            let mut named = false;
            for curve in [outer, inner, beside] {
                named |= is_p256(curve, wanted)?;
            }
            if !named && publics.iter().all(Option::is_none) {
                return Err(KeyError::NoCurve);
            }
            if scalar.len() != 32 {
                return Err(KeyError::ScalarLength {
                    bytes: scalar.len(),
                });
            }
            let key = SigningKey::from_slice(scalar).map_err(|_| KeyError::ScalarRange)?;
            for public in publics.into_iter().flatten() {
                match VerifyingKey::from_sec1_bytes(public) {
                    Ok(point) if point == *key.verifying_key() => {}
                    _ => return Err(KeyError::PublicMismatch),
                }
            }
            Ok(key)
        }
        Some(Content::EcPublic { .. } | Content::Other { private: false, .. }) => {
            Err(KeyError::PublicNotPrivate)
        }
        other => Err(refusal(other, form, wanted)),
    }
}

/// Reads a P-256 public key.
pub(super) fn public_key(bytes: &[u8]) -> Result<VerifyingKey, KeyError> {
    let wanted = Wanted::PublicKey;
    if let Some(text) = jwk::json(bytes) {
        return jwk::public_key(text);
    }
    let opened = pem::open(bytes, wanted)?;
    match content(&opened.der) {
        Some(Content::EcPublic { curve, point }) => {
            if !is_p256(curve, wanted)? {
                return Err(KeyError::NoCurve);
            }
            VerifyingKey::from_sec1_bytes(point).map_err(|_| KeyError::BadPoint)
        }
        Some(Content::EcPrivate { .. } | Content::Other { private: true, .. })
            if opened.form == Form::Base64 =>
        {
            Err(KeyError::BarePrivate)
        }
        Some(Content::EcPrivate { .. } | Content::Other { private: true, .. })
        | Some(Content::Encrypted { .. }) => Err(KeyError::PrivateNotPublic),
        other => Err(refusal(other, opened.form, wanted)),
    }
}

/// Names what is neither of the two.
fn refusal(content: Option<Content<'_>>, form: Form, wanted: Wanted) -> KeyError {
    match content {
        Some(Content::Other { algorithm, .. }) => match algorithm {
            RSA | RSA_PSS => KeyError::RsaKey { wanted },
            ED25519 => KeyError::Ed25519Key { wanted },
            oid => KeyError::OtherAlgorithm {
                oid: der::dotted(oid),
                wanted,
            },
        },
        Some(Content::Encrypted { .. }) => KeyError::Encrypted {
            form: match form {
                Form::Pem => Encryption::Pkcs8,
                Form::Der | Form::Base64 => Encryption::Pkcs8Der,
            },
        },
        Some(Content::Certificate { .. }) => KeyError::Certificate { wanted },
        Some(Content::CertificateRequest { .. }) => KeyError::CertificateRequest { wanted },
        Some(Content::Pkcs12) => KeyError::Pkcs12 { wanted },
        _ if form == Form::Pem => KeyError::Malformed { wanted },
        _ => KeyError::Unrecognised { wanted },
    }
}

/// Whether the place names P-256; `false` if it names nothing.
pub(super) fn is_p256(parameters: Parameters<'_>, wanted: Wanted) -> Result<bool, KeyError> {
    let curve = match parameters {
        Parameters::Named(P256) => return Ok(true),
        Parameters::Absent => return Ok(false),
        Parameters::Explicit => return Err(KeyError::ExplicitCurve { wanted }),
        Parameters::Named(P192) => Curve::P192,
        Parameters::Named(P384) => Curve::P384,
        Parameters::Named(P521) => Curve::P521,
        Parameters::Named(SECP256K1) => Curve::Secp256k1,
        Parameters::Named(oid) => Curve::Other(der::dotted(oid)),
    };
    Err(KeyError::OtherCurve { curve, wanted })
}

//! Recognition: tells from the DER which kind of document it is, and takes the
//! P-256 key out of the kinds that hold one.
//!
//! It must not know PEM; `pem` hands it the bytes inside.

use p256::ecdsa::{SigningKey, VerifyingKey};
use zeroize::Zeroizing;

use super::der::{self, Elements};
use super::pem::{self, Form};
use super::{Curve, DecryptError, Encryption, KeyError, Wanted};

const EC: &[u8] = &[0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01];
const RSA: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x01];
const RSA_PSS: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x0a];
const ED25519: &[u8] = &[0x2b, 0x65, 0x70];

const P256: &[u8] = &[0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07];
const P192: &[u8] = &[0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x01];
const SECP256K1: &[u8] = &[0x2b, 0x81, 0x04, 0x00, 0x0a];
const P384: &[u8] = &[0x2b, 0x81, 0x04, 0x00, 0x22];
const P521: &[u8] = &[0x2b, 0x81, 0x04, 0x00, 0x23];

/// Which curve a place in a document names.
#[derive(Clone, Copy)]
enum Parameters<'a> {
    Named(&'a [u8]),
    /// The curve is written out in numbers.
    Explicit,
    Absent,
}

/// What a document is.
enum Content<'a> {
    EcPrivate {
        /// Every place that may name the curve.
        curves: [Parameters<'a>; 2],
        scalar: &'a [u8],
        /// Every place that may carry the public key.
        publics: [Option<&'a [u8]>; 2],
    },
    EcPublic {
        curve: Parameters<'a>,
        point: &'a [u8],
    },
    /// A key of another algorithm.
    Other {
        private: bool,
        algorithm: &'a [u8],
    },
    Encrypted {
        /// The content of the AlgorithmIdentifier.
        algorithm: &'a [u8],
        data: &'a [u8],
    },
    Certificate,
    CertificateRequest,
    Pkcs12,
}

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
    let opened = pem::open(bytes, wanted)?;
    match content(&opened.der) {
        Some(Content::EcPublic { curve, point }) => {
            if !is_p256(curve, wanted)? {
                return Err(KeyError::NoCurve);
            }
            VerifyingKey::from_sec1_bytes(point).map_err(|_| KeyError::BadPoint)
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
        Some(Content::Certificate) => KeyError::Certificate { wanted },
        Some(Content::CertificateRequest) => KeyError::CertificateRequest { wanted },
        Some(Content::Pkcs12) => KeyError::Pkcs12 { wanted },
        _ if form == Form::Pem => KeyError::Malformed { wanted },
        _ => KeyError::Unrecognised { wanted },
    }
}

/// Whether the place names P-256; `false` if it names nothing.
fn is_p256(parameters: Parameters<'_>, wanted: Wanted) -> Result<bool, KeyError> {
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

fn parameters<'a>(elements: &mut Elements<'a>) -> Parameters<'a> {
    match elements.next() {
        Some((der::OID, oid)) => Parameters::Named(oid),
        Some((der::SEQUENCE, _)) => Parameters::Explicit,
        _ => Parameters::Absent,
    }
}

/// Which kind of document the bytes are, or nothing if they are none of those
/// that are known.
fn content(der: &[u8]) -> Option<Content<'_>> {
    let whole = Elements::of(der::sequence(der)?);
    let mut elements = whole;
    if let Some(version) = elements.take(der::INTEGER) {
        return match (version, elements.next()?) {
            ([1], (der::OCTET_STRING, scalar)) => sec1(scalar, elements),
            ([0 | 1], (der::SEQUENCE, algorithm)) => pkcs8(algorithm, elements),
            ([3], (der::SEQUENCE, _)) => Some(Content::Pkcs12),
            // PKCS#1: the private key has nine numbers, the public key two.
            (_, (der::INTEGER, _)) => Some(Content::Other {
                private: !elements.is_empty(),
                algorithm: RSA,
            }),
            _ => None,
        };
    }
    let first = elements.take(der::SEQUENCE)?;
    match elements.next()? {
        (der::BIT_STRING, point) if elements.is_empty() => {
            let mut algorithm = Elements::of(first);
            Some(match algorithm.take(der::OID)? {
                EC => Content::EcPublic {
                    curve: parameters(&mut algorithm),
                    point: der::whole_bytes(point)?,
                },
                other => Content::Other {
                    private: false,
                    algorithm: other,
                },
            })
        }
        (der::OCTET_STRING, data) if elements.is_empty() => {
            Elements::of(first).take(der::OID)?;
            Some(Content::Encrypted {
                algorithm: first,
                data,
            })
        }
        (der::SEQUENCE, _) => {
            elements.take(der::BIT_STRING)?;
            signed(first)
        }
        _ => None,
    }
}

/// ECPrivateKey of RFC 5915, after the scalar.
fn sec1<'a>(scalar: &'a [u8], mut rest: Elements<'a>) -> Option<Content<'a>> {
    let curve = match rest.take(der::CONTEXT_0) {
        Some(inside) => parameters(&mut Elements::of(inside)),
        None => Parameters::Absent,
    };
    let public = match rest.take(der::CONTEXT_1) {
        Some(inside) => Some(der::whole_bytes(
            Elements::of(inside).take(der::BIT_STRING)?,
        )?),
        None => None,
    };
    rest.is_empty().then_some(Content::EcPrivate {
        curves: [curve, Parameters::Absent],
        scalar,
        publics: [public, None],
    })
}

/// PrivateKeyInfo of RFC 5958, after the version.
fn pkcs8<'a>(algorithm: &'a [u8], mut rest: Elements<'a>) -> Option<Content<'a>> {
    let mut algorithm = Elements::of(algorithm);
    let oid = algorithm.take(der::OID)?;
    let key = rest.take(der::OCTET_STRING)?;
    if oid != EC {
        return Some(Content::Other {
            private: true,
            algorithm: oid,
        });
    }
    rest.take(der::CONTEXT_0); // attributes
    let outer_public = match rest.take(der::CONTEXT_1_PRIMITIVE) {
        Some(bits) => Some(der::whole_bytes(bits)?),
        None => None,
    };
    if !rest.is_empty() {
        return None;
    }
    let mut inside = Elements::of(der::sequence(key)?);
    if inside.take(der::INTEGER)? != [1] {
        return None;
    }
    let scalar = inside.take(der::OCTET_STRING)?;
    match sec1(scalar, inside)? {
        Content::EcPrivate {
            curves: [inner, _],
            publics: [inner_public, _],
            ..
        } => Some(Content::EcPrivate {
            curves: [parameters(&mut algorithm), inner],
            scalar,
            publics: [outer_public, inner_public],
        }),
        _ => None,
    }
}

/// What a signed document is, by what was signed: a request has a version, a
/// name, a key and attributes; a certificate has a tagged version, or a serial
/// number and then more sequences.
fn signed(body: &[u8]) -> Option<Content<'_>> {
    let tags = Elements::of(body).tags()?;
    match tags.as_slice() {
        [der::CONTEXT_0, der::INTEGER, der::SEQUENCE, ..]
        | [
            der::INTEGER,
            der::SEQUENCE,
            der::SEQUENCE,
            der::SEQUENCE,
            ..,
        ] => Some(Content::Certificate),
        [der::INTEGER, der::SEQUENCE, der::SEQUENCE, ..] => Some(Content::CertificateRequest),
        _ => None,
    }
}

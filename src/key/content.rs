//! Recognition: tells from the DER which kind of document it is.
//!
//! It must not know PEM, nor which kind is wanted.

use super::der::{self, Elements};

const EC: &[u8] = &[0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01];
/// rsaEncryption of PKCS#1.
pub(super) const RSA: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x01];

/// Which curve a place in a document names.
#[derive(Clone, Copy)]
pub(super) enum Parameters<'a> {
    Named(&'a [u8]),
    /// The curve is written out in numbers.
    Explicit,
    Absent,
}

/// What a document is.
pub(super) enum Content<'a> {
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
    Certificate {
        /// The document that the key inside is, without its own head.
        key: Option<&'a [u8]>,
    },
    CertificateRequest {
        /// The same.
        key: Option<&'a [u8]>,
    },
    Pkcs12,
}

/// The curve that stands next.
pub(super) fn parameters<'a>(elements: &mut Elements<'a>) -> Parameters<'a> {
    match elements.next() {
        Some((der::OID, oid)) => Parameters::Named(oid),
        Some((der::SEQUENCE, _)) => Parameters::Explicit,
        _ => Parameters::Absent,
    }
}

/// Which kind of document the bytes are, or nothing if they are none of those
/// that are known.
pub(super) fn content(der: &[u8]) -> Option<Content<'_>> {
    let whole = Elements::of(der::sequence(der)?);
    let mut elements = whole;
    if let Some(version) = elements.take(der::INTEGER) {
        return match (version, elements.next()?) {
            ([1], (der::OCTET_STRING, scalar)) => sec1(scalar, elements),
            ([0 | 1], (der::SEQUENCE, algorithm)) => pkcs8(algorithm, elements),
            ([3], (der::SEQUENCE, _)) => Some(Content::Pkcs12),
            // PKCS#1: the private key has nine numbers, the public key two. So has
            // an ECDSA signature, whose numbers are shorter.
            (first, (der::INTEGER, _)) if !elements.is_empty() || first.len() >= 64 => {
                Some(Content::Other {
                    private: !elements.is_empty(),
                    algorithm: RSA,
                })
            }
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
    let key = |place: usize| {
        let mut elements = Elements::of(body);
        (0..place).try_for_each(|_| elements.next().map(drop))?;
        elements.take(der::SEQUENCE)
    };
    match tags.as_slice() {
        [der::CONTEXT_0, der::INTEGER, der::SEQUENCE, ..] => {
            Some(Content::Certificate { key: key(6) })
        }
        [
            der::INTEGER,
            der::SEQUENCE,
            der::SEQUENCE,
            der::SEQUENCE,
            ..,
        ] => Some(Content::Certificate { key: key(5) }),
        [der::INTEGER, der::SEQUENCE, der::SEQUENCE, ..] => {
            Some(Content::CertificateRequest { key: key(2) })
        }
        _ => None,
    }
}

/// The curve and the point of a SubjectPublicKeyInfo without its own head.
pub(super) fn ec_public(info: &[u8]) -> Option<(Parameters<'_>, &[u8])> {
    let mut elements = Elements::of(info);
    let mut algorithm = Elements::of(elements.take(der::SEQUENCE)?);
    let point = elements.take(der::BIT_STRING)?;
    match algorithm.take(der::OID)? {
        EC => Some((parameters(&mut algorithm), der::whole_bytes(point)?)),
        _ => None,
    }
}

//! What a key file is, for somebody who asks: also where it cannot be used.
//!
//! It must not know who asks. Nothing of a private key or secret leaves it.

use p256::ecdsa::VerifyingKey;

use super::content::{Content, content, ec_public};
use super::read::is_p256;
use super::{Encryption, KeyError, PublicKey, SigningKey, Wanted, jwk, pem};

/// A key file, looked at.
#[derive(Debug)]
pub struct Identity {
    /// What it is.
    pub sort: Sort,
    /// The P-256 public key in it, or the public half of the private key.
    pub public: Option<PublicKey>,
    /// Why it is used as neither a private nor a public key, and by
    /// [`KeyError::hint`] what to type.
    pub refused: Option<KeyError>,
    /// The `kid` of a JWK.
    pub key_id: Option<String>,
    /// How many bytes the secret of a JWK has.
    pub secret_bytes: Option<usize>,
}

/// What a key file can be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sort {
    /// A P-256 private key.
    Private,
    /// A P-256 public key.
    Public,
    /// A private key under a passphrase.
    Encrypted,
    /// A certificate.
    Certificate,
    /// A certificate request.
    CertificateRequest,
    /// A JWK with a shared secret.
    Secret,
    /// Anything else that is a key or was meant to be one.
    Other,
}

impl Identity {
    fn new(sort: Sort) -> Self {
        Self {
            sort,
            public: None,
            refused: None,
            key_id: None,
            secret_bytes: None,
        }
    }

    /// What it is, in words.
    #[must_use]
    pub fn what(&self) -> &'static str {
        match self.sort {
            Sort::Private => "private key, P-256, ES256 (the private half is not shown)",
            Sort::Public => "public key, P-256, ES256",
            Sort::Encrypted => "private key under a passphrase",
            Sort::Certificate => "certificate",
            Sort::CertificateRequest => "certificate request",
            Sort::Secret => "shared secret as a JWK (it is not shown)",
            Sort::Other => "a key file that cannot be used as it is",
        }
    }
}

/// Says what a key file is; `None` where it is nothing that has to do with keys.
#[must_use]
pub fn identify(bytes: &[u8]) -> Option<Identity> {
    let key_id = jwk::json(bytes).and_then(jwk::key_id);
    let error = match SigningKey::from_bytes(bytes) {
        Ok(key) => {
            return Some(Identity {
                public: Some(key.public_key()),
                key_id,
                ..Identity::new(Sort::Private)
            });
        }
        Err(error) => error,
    };
    let refused = match PublicKey::from_bytes(bytes) {
        Ok(key) => {
            return Some(Identity {
                public: Some(key),
                key_id,
                ..Identity::new(Sort::Public)
            });
        }
        Err(other) if says_less(&error) => other,
        Err(_) => error,
    };
    let sort = match &refused {
        KeyError::Unrecognised { .. } | KeyError::Empty { .. } | KeyError::Json { .. } => {
            return None;
        }
        // Other documents in base64 begin as keys do: signatures, for one.
        KeyError::NoBeginLine { .. } if !is_document(bytes) => return None,
        // A page is no key, and JSON with an error may be anybody's.
        KeyError::WebPage { .. } if jwk::json(bytes).is_some() => return None,
        KeyError::Encrypted {
            form: Encryption::Pkcs8 | Encryption::Pkcs8Der | Encryption::Legacy,
        } => Sort::Encrypted,
        KeyError::Certificate { .. } => Sort::Certificate,
        KeyError::CertificateRequest { .. } => Sort::CertificateRequest,
        KeyError::JwkSecret { .. } => Sort::Secret,
        _ => Sort::Other,
    };
    Some(Identity {
        public: certified(bytes),
        refused: Some(refused),
        key_id,
        secret_bytes: jwk::json(bytes)
            .filter(|_| sort == Sort::Secret)
            .and_then(jwk::secret_bytes),
        ..Identity::new(sort)
    })
}

/// Whether what is wrong with a document as a public key says more than what is
/// wrong with it as a private one.
fn says_less(error: &KeyError) -> bool {
    matches!(
        error,
        KeyError::PublicNotPrivate
            | KeyError::Certificate { .. }
            | KeyError::CertificateRequest { .. }
    )
}

/// Whether base64 without armour holds a document that is known.
fn is_document(bytes: &[u8]) -> bool {
    match pem::open(bytes, Wanted::PrivateKey) {
        Ok(opened) => content(&opened.der).is_some(),
        // An END line was there.
        Err(_) => true,
    }
}

/// The P-256 key in a certificate or in a request.
fn certified(bytes: &[u8]) -> Option<PublicKey> {
    let der = pem::unarmoured(bytes)?;
    let (Content::Certificate { key } | Content::CertificateRequest { key }) = content(&der)?
    else {
        return None;
    };
    let (curve, point) = ec_public(key?)?;
    is_p256(curve, Wanted::PublicKey)
        .ok()
        .filter(|named| *named)?;
    let key = VerifyingKey::from_sec1_bytes(point).ok()?;
    Some(PublicKey::from_verifying_key(key))
}

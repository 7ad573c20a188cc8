//! What can be wrong with a key.
//!
//! It must not know how keys are read, and it never holds bytes of a key. The
//! commands that put things right stand in `hint`.

use std::io;
use std::path::{Path, PathBuf};

use super::file::MAX_FILE_BYTES;
use super::{DecryptError, PassphraseError};

/// What the caller asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wanted {
    /// A P-256 private key.
    PrivateKey,
    /// A P-256 public key.
    PublicKey,
    /// An HS256 secret.
    Secret,
}

impl std::fmt::Display for Wanted {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::PrivateKey => "a P-256 private key (PKCS#8 or SEC1, PEM or DER; or JWK)",
            Self::PublicKey => "a P-256 public key (PEM, DER, one line of base64, or JWK)",
            Self::Secret => "a shared secret",
        })
    }
}

/// A curve that is not P-256.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Curve {
    /// P-192, also called prime192v1 and secp192r1.
    P192,
    /// P-384, also called secp384r1.
    P384,
    /// P-521, also called secp521r1.
    P521,
    /// The curve of Bitcoin.
    Secp256k1,
    /// Any other, by its object identifier.
    Other(String),
}

impl std::fmt::Display for Curve {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::P192 => f.write_str("P-192"),
            Self::P384 => f.write_str("P-384"),
            Self::P521 => f.write_str("P-521"),
            Self::Secp256k1 => f.write_str("secp256k1"),
            Self::Other(oid) => match brainpool(oid) {
                Some(name) => f.write_str(name),
                None => write!(f, "with the identifier {oid}"),
            },
        }
    }
}

/// The curves of RFC 5639 that keys are made on, by their identifiers.
fn brainpool(oid: &str) -> Option<&'static str> {
    match oid.strip_prefix("1.3.36.3.3.2.8.1.1.")? {
        "7" => Some("brainpoolP256r1"),
        "8" => Some("brainpoolP256t1"),
        "11" => Some("brainpoolP384r1"),
        "12" => Some("brainpoolP384t1"),
        "13" => Some("brainpoolP512r1"),
        "14" => Some("brainpoolP512t1"),
        _ => None,
    }
}

/// An algorithm by its name where it has one that people know.
fn algorithm(oid: &str) -> String {
    let name = match oid {
        "1.2.840.10040.4.1" => "DSA",
        "1.2.840.113549.1.3.1" | "1.2.840.10046.2.1" => "DH",
        "1.3.101.110" => "X25519",
        "1.3.101.111" => "X448",
        "1.3.101.113" => "Ed448",
        other => return other.to_owned(),
    };
    format!("{name} ({oid})")
}

/// How a private key is encrypted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Encryption {
    /// PKCS#8 in PEM.
    Pkcs8,
    /// PKCS#8 in DER.
    Pkcs8Der,
    /// The old way, with a `Proc-Type` line inside the PEM block.
    Legacy,
}

/// Why a key or a secret is refused.
///
/// `Display` gives the whole sentence, the path included; there is no need to
/// walk `source`.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum KeyError {
    /// The file cannot be read.
    #[error("cannot read the key file {}: {error}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// What the operating system says.
        error: io::Error,
    },
    /// The file was read, and what is inside is refused.
    #[error("{}: {error}", path.display())]
    InFile {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        error: Box<KeyError>,
    },
    /// The file has more than [`MAX_FILE_BYTES`].
    #[error("the file has more than {MAX_FILE_BYTES} bytes, which no key has")]
    TooLarge,
    /// There is nothing, or nothing but white space.
    #[error("found nothing; wanted {wanted}")]
    Empty {
        /// What was asked for.
        wanted: Wanted,
    },
    /// A key on another curve.
    #[error(
        "found a key on the curve {curve}; wanted {wanted}{}",
        curve_note(curve)
    )]
    OtherCurve {
        /// The curve.
        curve: Curve,
        /// What was asked for.
        wanted: Wanted,
    },
    /// The curve is written out in numbers instead of being named.
    #[error(
        "found a key whose curve is written out in numbers; wanted {wanted}, with the curve named"
    )]
    ExplicitCurve {
        /// What was asked for.
        wanted: Wanted,
    },
    /// Neither a curve nor a public key is there to tell the curve.
    #[error("found an elliptic curve key that does not say on which curve it is; wanted P-256")]
    NoCurve,
    /// An RSA key.
    #[error("found an RSA key; wanted {wanted}")]
    RsaKey {
        /// What was asked for.
        wanted: Wanted,
    },
    /// An Ed25519 key.
    #[error("found an Ed25519 key; wanted {wanted}")]
    Ed25519Key {
        /// What was asked for.
        wanted: Wanted,
    },
    /// A key of yet another algorithm.
    #[error("found a key of the algorithm {}; wanted {wanted}", algorithm(oid))]
    OtherAlgorithm {
        /// The object identifier of the algorithm.
        oid: String,
        /// What was asked for.
        wanted: Wanted,
    },
    /// A public key, where the private one is wanted.
    #[error("found a public key; wanted {}", Wanted::PrivateKey)]
    PublicNotPrivate,
    /// A private key, where the public one is wanted.
    #[error("found a private key; wanted {}", Wanted::PublicKey)]
    PrivateNotPublic,
    /// The base64 of a private key without its BEGIN line, where the public one
    /// is wanted.
    #[error("found the base64 of a private key; wanted {}", Wanted::PublicKey)]
    BarePrivate,
    /// A certificate.
    #[error("found a certificate; wanted {wanted}")]
    Certificate {
        /// What was asked for.
        wanted: Wanted,
    },
    /// A certificate request.
    #[error("found a certificate request; wanted {wanted}")]
    CertificateRequest {
        /// What was asked for.
        wanted: Wanted,
    },
    /// A private key under a passphrase, and none is given; or one encrypted
    /// the old way, which no passphrase opens.
    #[error("{}", encrypted(*form))]
    Encrypted {
        /// How it is encrypted.
        form: Encryption,
    },
    /// A private key that is encrypted, and is not opened.
    #[error(transparent)]
    Decrypt(DecryptError),
    /// The passphrase cannot be had.
    #[error(transparent)]
    Passphrase(PassphraseError),
    /// A key cannot be encrypted.
    #[error("the key cannot be encrypted")]
    Encrypt,
    /// A key in the format of OpenSSH.
    #[error("found a key in the format of OpenSSH; wanted {wanted}")]
    OpenSshKey {
        /// What was asked for.
        wanted: Wanted,
    },
    /// JSON that is no JWK.
    #[error("found JSON that is no JWK (it has no kty); wanted {wanted}")]
    Json {
        /// What was asked for.
        wanted: Wanted,
    },
    /// The file of a service account, with an RSA key in it.
    #[error("found a service account file of Google, whose key is RSA; wanted {wanted}")]
    ServiceAccount {
        /// What was asked for.
        wanted: Wanted,
    },
    /// A member of a JWK is not as RFC 7518, section 6.2, wants it.
    #[error("found a JWK whose member {member} {says}; wanted one of RFC 7518, section 6.2")]
    JwkMember {
        /// Its name.
        member: &'static str,
        /// What is wrong with it.
        says: &'static str,
    },
    /// A JWK with a shared secret.
    #[error("found a JWK with a shared secret (kty oct); wanted {wanted}")]
    JwkSecret {
        /// What was asked for.
        wanted: Wanted,
    },
    /// A JWK with the private half, where the public one is wanted.
    #[error("found a JWK with the private key; wanted {}", Wanted::PublicKey)]
    PrivateJwk,
    /// A JWK set of none or several keys.
    #[error("found a JWK set of {count} keys ({kids}); wanted {wanted}, alone")]
    SeveralJwks {
        /// How many there are.
        count: usize,
        /// The `kid`s of the first of them.
        kids: String,
        /// What was asked for.
        wanted: Wanted,
    },
    /// A page that a server answered with, in the place of a key.
    #[error("found {what}, saved in the place of a key; wanted {wanted}")]
    WebPage {
        /// What it is.
        what: &'static str,
        /// What was asked for.
        wanted: Wanted,
    },
    /// A key in the format of PuTTY.
    #[error("found a key in the format of PuTTY; wanted {wanted}")]
    PuttyKey {
        /// What was asked for.
        wanted: Wanted,
    },
    /// A PKCS#12 store.
    #[error("found a PKCS#12 store (.p12, .pfx); wanted {wanted}")]
    Pkcs12 {
        /// What was asked for.
        wanted: Wanted,
    },
    /// The base64 of a key without its BEGIN line.
    #[error("found the base64 of a key without its BEGIN line; wanted {wanted}")]
    NoBeginLine {
        /// What was asked for.
        wanted: Wanted,
    },
    /// A PEM file that was encoded in base64 once more.
    #[error("found a PEM file in base64, encoded once too often; wanted {wanted}")]
    DoubleBase64 {
        /// What was asked for.
        wanted: Wanted,
    },
    /// BEGIN and END lines without five hyphens on either side.
    #[error(
        "found BEGIN and END lines with other dashes than five hyphens (a word processor?); \
         wanted {wanted}, as it was written"
    )]
    Dashes {
        /// What was asked for.
        wanted: Wanted,
    },
    /// A whole key that lacks nothing but its END line.
    #[error("found a whole key without its END line; wanted -----END {label}----- behind it")]
    NoEndLine {
        /// The name on the BEGIN line.
        label: String,
    },
    /// Bytes behind a document in DER.
    #[error("found {bytes} bytes behind a document of {document} bytes; wanted {wanted}, alone")]
    BytesBehind {
        /// How long the document is, in bytes.
        document: usize,
        /// How many bytes follow.
        bytes: usize,
        /// What was asked for.
        wanted: Wanted,
    },
    /// A BEGIN line without the END line that belongs to it.
    #[error("found a PEM block that is cut short; wanted one with its END line")]
    Truncated,
    /// Something between the BEGIN line and the END line is not base64.
    #[error("found a PEM block with bad base64 inside; wanted it whole and unchanged")]
    BadBase64,
    /// More than one document in one file.
    #[error("found {count} PEM blocks ({labels}); wanted {wanted}, alone")]
    SeveralBlocks {
        /// How many there are.
        count: usize,
        /// The names of the first of them.
        labels: String,
        /// What was asked for.
        wanted: Wanted,
    },
    /// A PEM block of a kind that holds no such key.
    #[error("found a PEM block named {label}; wanted {wanted}")]
    OtherPem {
        /// Its name.
        label: String,
        /// What was asked for.
        wanted: Wanted,
    },
    /// A PEM block whose content is no key.
    #[error(
        "found a PEM block whose content is damaged or not what its name says; wanted {wanted}"
    )]
    Malformed {
        /// What was asked for.
        wanted: Wanted,
    },
    /// Text in UTF-16.
    #[error("found text in UTF-16; wanted {wanted}, in ASCII or UTF-8")]
    Utf16 {
        /// Its name for `iconv`: with a byte order mark, or one of both orders.
        from: &'static str,
        /// What was asked for.
        wanted: Wanted,
    },
    /// None of the above.
    #[error("found bytes of no kind that is known; wanted {wanted}")]
    Unrecognised {
        /// What was asked for.
        wanted: Wanted,
    },
    /// The scalar does not have 32 bytes.
    #[error("found a private scalar of {bytes} bytes; a P-256 key has 32")]
    ScalarLength {
        /// How many it has.
        bytes: usize,
    },
    /// The scalar is zero, or not below the order of the curve.
    #[error("found a private scalar that is zero or too large; wanted one from 1 to n - 1")]
    ScalarRange,
    /// The public key in the file is not that of the private key.
    #[error("found a public key beside the private key that does not belong to it; wanted a pair")]
    PublicMismatch,
    /// The public key is not a point of the curve.
    #[error("found a public key that is not a point of P-256; wanted one that is")]
    BadPoint,
    /// The key could not verify what it signed.
    #[error("the key does not verify its own signature")]
    Probe,
    /// The operating system gives no randomness.
    #[error("the operating system gives no random bytes: {reason}")]
    Random {
        /// What it says.
        reason: String,
    },
    /// A PEM file where a shared secret is wanted.
    #[error("found a PEM file; wanted {}, which is plain text", Wanted::Secret)]
    PemAsSecret,
}

impl KeyError {
    /// The same error, with the file it is about.
    #[must_use]
    pub(super) fn in_file(self, path: &Path) -> Self {
        Self::InFile {
            path: path.to_owned(),
            error: Box::new(self),
        }
    }
}

fn encrypted(form: Encryption) -> &'static str {
    match form {
        Encryption::Pkcs8 | Encryption::Pkcs8Der => {
            "found an encrypted private key, but no passphrase is given"
        }
        Encryption::Legacy => {
            "found a private key encrypted the old way (Proc-Type); wanted encrypted PKCS#8, or \
             one that is not encrypted"
        }
    }
}

fn curve_note(curve: &Curve) -> &'static str {
    match curve {
        Curve::P192 => " (Apple once asked for P-192; today's page asks for P-256 only)",
        _ => "",
    }
}

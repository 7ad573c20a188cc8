//! Armour: takes PEM, bare base64 and DER to the DER inside, and DER to PEM.
//!
//! It must not know what the DER says; it knows the names on PEM blocks.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use zeroize::Zeroizing;

use super::{Encryption, KeyError, Wanted, der, other};

/// The UTF-8 byte order mark.
pub(super) const BYTE_ORDER_MARK: &[u8] = &[0xef, 0xbb, 0xbf];

const BEGIN: &[u8] = b"-----BEGIN ";
const END: &[u8] = b"-----END ";
const DASHES: &[u8] = b"-----";
const PARAMETERS: &str = "EC PARAMETERS";

/// No base64 of one key is longer than this, in bytes.
const MOST_OF_A_KEY: usize = 16 * 1024;

/// How the DER was wrapped.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    /// Not at all.
    Der,
    /// As one PEM block.
    Pem,
    /// As base64 without `BEGIN` and `END`.
    Base64,
}

/// A document taken out of its wrapping.
pub(super) struct Opened {
    pub(super) form: Form,
    pub(super) der: Zeroizing<Vec<u8>>,
    /// The content of an `EC PARAMETERS` block beside it.
    pub(super) parameters: Option<Zeroizing<Vec<u8>>>,
}

/// Finds the one document in the bytes.
pub(super) fn open(bytes: &[u8], wanted: Wanted) -> Result<Opened, KeyError> {
    if der::sequence(bytes).is_some() {
        return Ok(Opened {
            form: Form::Der,
            der: Zeroizing::new(bytes.to_vec()),
            parameters: None,
        });
    }
    if let Some(error) = other::bytes(bytes, wanted) {
        return Err(error);
    }
    let text = unfolded(bytes);
    let text = text.trim_ascii();
    if text.is_empty() {
        return Err(KeyError::Empty { wanted });
    }
    if let Some(error) = other::text(text, wanted) {
        return Err(error);
    }
    if find(text, BEGIN).is_some() {
        return open_blocks(text, wanted);
    }
    if find(text, END).is_some() {
        return Err(KeyError::NoBeginLine { wanted });
    }
    if text.starts_with(b"ssh-") || text.starts_with(b"ecdsa-sha2-") {
        return Err(match wanted {
            Wanted::PrivateKey => KeyError::PublicNotPrivate,
            _ => KeyError::OpenSshKey { wanted },
        });
    }
    match decode(text) {
        Some(der) if begins_like_pem(&der) => Err(KeyError::DoubleBase64 { wanted }),
        Some(der) if der.first() == Some(&der::SEQUENCE) => Ok(Opened {
            form: Form::Base64,
            der,
            parameters: None,
        }),
        _ => Err(KeyError::Unrecognised { wanted }),
    }
}

/// What stands in the one block of a PEM file, whatever its name, or the bytes
/// where they are DER.
pub(super) fn unarmoured(bytes: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
    if der::sequence(bytes).is_some() {
        return Some(Zeroizing::new(bytes.to_vec()));
    }
    let text = unfolded(bytes);
    let start = find(&text, BEGIN)?;
    let (block, _) = first_block(&text[start..], Wanted::PublicKey).ok()?;
    decode(block.body)
}

/// Whether the bytes begin as a PEM file does.
pub(super) fn begins_like_pem(bytes: &[u8]) -> bool {
    bytes
        .strip_prefix(BYTE_ORDER_MARK)
        .unwrap_or(bytes)
        .trim_ascii_start()
        .starts_with(BEGIN)
}

/// DER in PEM armour, 64 characters to the line.
pub(super) fn armour(label: &str, der: &[u8]) -> Zeroizing<String> {
    // Enough from the start: a string that grows leaves copies behind.
    let lines = der.len().div_ceil(48);
    let mut text = Zeroizing::new(String::with_capacity(lines * 65 + 2 * label.len() + 40));
    text.extend(["-----BEGIN ", label, "-----\n"]);
    let mut digits = Zeroizing::new([0_u8; 64]);
    for line in der.chunks(48) {
        let length = STANDARD
            .encode_slice(line, digits.as_mut_slice())
            .expect("48 bytes are 64 digits");
        text.extend(digits[..length].iter().copied().map(char::from));
        text.push('\n');
    }
    text.extend(["-----END ", label, "-----\n"]);
    text
}

/// The bytes without a byte order mark, with real line ends where the two
/// characters `\n` or `\r` stand, and with `/` where `\/` does.
fn unfolded(bytes: &[u8]) -> Zeroizing<Vec<u8>> {
    let mut rest = bytes.strip_prefix(BYTE_ORDER_MARK).unwrap_or(bytes);
    let mut text = Zeroizing::new(Vec::with_capacity(rest.len()));
    while let Some((&byte, after)) = rest.split_first() {
        if byte == b'\\' && matches!(after.first(), Some(b'n' | b'r')) {
            text.push(b'\n');
            rest = &after[1..];
        } else if byte == b'\\' && after.first() == Some(&b'/') {
            // Some writers of JSON escape it.
            rest = after;
        } else {
            text.push(byte);
            rest = after;
        }
    }
    text
}

/// One PEM block: its label, and what stands between the two lines.
struct Block<'a> {
    label: &'a str,
    body: &'a [u8],
}

fn open_blocks(text: &[u8], wanted: Wanted) -> Result<Opened, KeyError> {
    let mut parameters = None;
    let mut documents = Vec::new();
    let mut rest = text;
    while let Some(start) = find(rest, BEGIN) {
        let (block, after) = first_block(&rest[start..], wanted)?;
        rest = after;
        if block.label == PARAMETERS {
            parameters = Some(decode(block.body).ok_or(KeyError::BadBase64)?);
        } else {
            documents.push(block);
        }
    }
    let other = |label: &str| KeyError::OtherPem {
        label: label.to_owned(),
        wanted,
    };
    match documents.as_slice() {
        [] => Err(other(PARAMETERS)),
        [block] => {
            admit(block, wanted, other)?;
            Ok(Opened {
                form: Form::Pem,
                der: decode(without_headers(block.body).as_slice()).ok_or(KeyError::BadBase64)?,
                parameters,
            })
        }
        several => Err(KeyError::SeveralBlocks {
            count: several.len(),
            labels: several
                .iter()
                .take(4)
                .map(|block| block.label)
                .collect::<Vec<_>>()
                .join(", "),
            wanted,
        }),
    }
}

/// The block that the text begins with, and what follows it.
fn first_block(text: &[u8], wanted: Wanted) -> Result<(Block<'_>, &[u8]), KeyError> {
    let text = &text[BEGIN.len()..];
    let length = find(text, DASHES).ok_or(KeyError::Truncated)?;
    let label = label(&text[..length]).ok_or(KeyError::Unrecognised { wanted })?;
    let text = &text[length + DASHES.len()..];

    let end = find(text, END).ok_or_else(|| unended(label, text))?;
    let after = text[end + END.len()..]
        .strip_prefix(label.as_bytes())
        .and_then(|rest| rest.strip_prefix(DASHES))
        .ok_or(KeyError::Truncated)?;
    let body = &text[..end];
    if find(body, BEGIN).is_some() {
        return Err(KeyError::Truncated);
    }
    Ok((Block { label, body }, after))
}

/// What a block is that no END line ends: a whole document, or a part of one.
fn unended(label: &str, body: &[u8]) -> KeyError {
    // A line that was meant to be the END line is no base64.
    let body = match find(body, b"\n--") {
        Some(end) => &body[..end],
        None => body,
    };
    let is_whole = decode(body).is_some_and(|der| der::sequence(&der).is_some());
    match is_whole && body.len() < MOST_OF_A_KEY && find(body, b"--").is_none() {
        true => KeyError::NoEndLine {
            label: label.to_owned(),
        },
        false => KeyError::Truncated,
    }
}

/// A label that may be shown: it could be anything in a file of any kind.
fn label(bytes: &[u8]) -> Option<&str> {
    let text = std::str::from_utf8(bytes).ok()?;
    let plain = |c: char| c.is_ascii_uppercase() || c.is_ascii_digit() || " .".contains(c);
    ((1..=40).contains(&text.len()) && text.chars().all(plain)).then_some(text)
}

/// Lets pass what may hold the wanted key and names what cannot.
fn admit(
    block: &Block<'_>,
    wanted: Wanted,
    other: impl Fn(&str) -> KeyError,
) -> Result<(), KeyError> {
    let private = block.label.ends_with("PRIVATE KEY");
    if block.label == "OPENSSH PRIVATE KEY" {
        return Err(KeyError::OpenSshKey { wanted });
    }
    if private && wanted == Wanted::PublicKey {
        return Err(KeyError::PrivateNotPublic);
    }
    if block.label.ends_with("PUBLIC KEY") && wanted == Wanted::PrivateKey {
        return Err(KeyError::PublicNotPrivate);
    }
    let algorithm = |oid: &str| KeyError::OtherAlgorithm {
        oid: oid.to_owned(),
        wanted,
    };
    match block.label {
        "RSA PRIVATE KEY" | "RSA PUBLIC KEY" => Err(KeyError::RsaKey { wanted }),
        "DSA PRIVATE KEY" | "DSA PARAMETERS" => Err(algorithm("1.2.840.10040.4.1")),
        "DH PARAMETERS" | "X9.42 DH PARAMETERS" => Err(algorithm("1.2.840.113549.1.3.1")),
        "CERTIFICATE" | "X509 CERTIFICATE" | "TRUSTED CERTIFICATE" => {
            Err(KeyError::Certificate { wanted })
        }
        "CERTIFICATE REQUEST" | "NEW CERTIFICATE REQUEST" => {
            Err(KeyError::CertificateRequest { wanted })
        }
        "PRIVATE KEY" | "EC PRIVATE KEY" | "ENCRYPTED PRIVATE KEY" | "PUBLIC KEY" => {
            if private && find(block.body, b"Proc-Type: 4,ENCRYPTED").is_some() {
                return Err(KeyError::Encrypted {
                    form: Encryption::Legacy,
                });
            }
            Ok(())
        }
        label => Err(other(label)),
    }
}

/// The body without the `Name: value` lines that may stand before the base64.
fn without_headers(body: &[u8]) -> Zeroizing<Vec<u8>> {
    let mut kept = Zeroizing::new(Vec::with_capacity(body.len() + 1));
    for line in body.split(|&byte| byte == b'\n') {
        if !line.contains(&b':') {
            kept.extend_from_slice(line);
            kept.push(b'\n');
        }
    }
    kept
}

/// Standard base64 with white space anywhere in it.
fn decode(text: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
    let mut digits = Zeroizing::new(Vec::with_capacity(text.len()));
    digits.extend(text.iter().filter(|byte| !byte.is_ascii_whitespace()));
    let mut decoded = Zeroizing::new(vec![0; digits.len().div_ceil(4) * 3]);
    let length = STANDARD.decode_slice(&*digits, &mut decoded).ok()?;
    decoded.truncate(length);
    Some(decoded)
}

fn find(text: &[u8], wanted: &[u8]) -> Option<usize> {
    memchr::memmem::find(text, wanted)
}

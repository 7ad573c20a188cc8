//! What stood between the values of a message, and around it.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use sha2::{Digest, Sha256};

use crate::explain::mistake as m;
use crate::format::SEPARATOR;
use crate::hex::hex;

/// What was put between values instead: the text, in words, and whether it is
/// rare.
pub(super) const SEPARATORS: &[(&str, &str, bool)] = &[
    ("", "nothing between them", false),
    ("\\u2063", r"the six characters \u2063", false),
    ("\\\\u2063", r"the seven characters \\u2063", true),
    (
        "\u{e2}\u{81}\u{a3}",
        "the bytes of U+2063 read as Latin-1",
        true,
    ),
    (
        "\u{e2}\u{20ac}\u{a3}",
        "the bytes of U+2063 read as Windows-1252",
        true,
    ),
    ("%E2%81%A3", "%E2%81%A3", true),
    ("&#x2063;", "&#x2063;", true),
    ("&#8291;", "&#8291;", true),
    ("\\xe2\\x81\\xa3", r"\xe2\x81\xa3", true),
    ("U+2063", "the text U+2063", true),
    ("u2063", "the text u2063", true),
    ("\u{2062}", "U+2062", true),
    ("\u{2064}", "U+2064", true),
    ("\u{2061}", "U+2061", true),
    ("\u{200b}", "U+200B, a zero-width space", true),
    ("\u{200c}", "U+200C", true),
    ("\u{200d}", "U+200D", true),
    ("\u{2060}", "U+2060, a word joiner", true),
    ("\u{feff}", "U+FEFF", true),
    ("\u{2603}", "U+2603", true),
    ("\u{fffd}", "U+FFFD, what a wrong decoder writes", true),
    ("?", "question marks, what a wrong encoder writes", true),
    ("\u{1f}", "U+001F", true),
    ("\0", "zero bytes", true),
    (" ", "spaces", false),
    ("\u{a0}", "no-break spaces", true),
    ("\n", "line feeds", false),
    ("\r\n", "line breaks", true),
    ("\t", "tabs", true),
    (",", "commas", false),
    (", ", "commas and spaces", true),
    (";", "semicolons", true),
    (":", "colons", true),
    (".", "full stops", true),
    ("|", "vertical bars", false),
    ("-", "hyphens", true),
    ("_", "underscores", true),
    ("&", "ampersands", true),
    ("/", "slashes", true),
    ("\u{2063} ", "U+2063 and a space", true),
    (" \u{2063} ", "U+2063 between spaces", true),
    ("\u{2063}\u{2063}", "U+2063 twice", true),
];

/// A kind of mistake, its words, whether it is rare, and what it signs.
type Frame = (&'static m::Kind, &'static str, bool, Framing);

/// Makes what was signed of the message.
pub(super) type Framing = fn(&[u8]) -> Vec<u8>;

/// What was done to the whole message.
pub(super) static FRAMES: &[Frame] = &[
    (
        &m::MESSAGE_END,
        "the message ended in a line feed",
        false,
        |all| [all, b"\n"].concat(),
    ),
    (
        &m::MESSAGE_END,
        "the message ended in a line break (CR LF)",
        true,
        |all| [all, b"\r\n"].concat(),
    ),
    (
        &m::MESSAGE_END,
        "the message ended in a zero byte",
        true,
        |all| [all, b"\0"].concat(),
    ),
    (
        &m::MESSAGE_END,
        "the message ended in a space",
        true,
        |all| [all, b" "].concat(),
    ),
    (
        &m::MESSAGE_END,
        "the message began with a byte order mark",
        false,
        |all| ["\u{feff}".as_bytes(), all].concat(),
    ),
    (
        &m::MESSAGE_END,
        "the message began with a space",
        true,
        |all| [b" ", all].concat(),
    ),
    (
        &m::SEPARATOR_OUTSIDE,
        "behind the last value, too",
        false,
        |all| [all, SEPARATOR.as_bytes()].concat(),
    ),
    (
        &m::SEPARATOR_OUTSIDE,
        "before the first value, too",
        true,
        |all| [SEPARATOR.as_bytes(), all].concat(),
    ),
    (
        &m::MESSAGE_FORM,
        "the message stood in quotation marks",
        false,
        |all| [b"\"", all, b"\""].concat(),
    ),
    (
        &m::MESSAGE_FORM,
        "the message were in UTF-16, little-endian",
        true,
        |all| utf16(all, u16::to_le_bytes),
    ),
    (
        &m::MESSAGE_FORM,
        "the message were in UTF-16, big-endian",
        true,
        |all| utf16(all, u16::to_be_bytes),
    ),
    (
        &m::MESSAGE_FORM,
        "the message were in base64",
        true,
        |all| STANDARD.encode(all).into_bytes(),
    ),
    (
        &m::MESSAGE_FORM,
        "the message were in base64url",
        true,
        |all| URL_SAFE_NO_PAD.encode(all).into_bytes(),
    ),
    (
        &m::MESSAGE_FORM,
        "the message were in hexadecimal",
        true,
        |all| hex(all).into_bytes(),
    ),
    (
        &m::MESSAGE_FORM,
        "the message were in upper case",
        true,
        |all| String::from_utf8_lossy(all).to_uppercase().into_bytes(),
    ),
    (
        &m::MESSAGE_FORM,
        "the message were in lower case",
        true,
        |all| String::from_utf8_lossy(all).to_lowercase().into_bytes(),
    ),
    (
        &m::DIGEST,
        "the message were hashed with SHA-256 twice",
        false,
        |all| Sha256::digest(all).to_vec(),
    ),
    (
        &m::DIGEST,
        "the hexadecimal text of the message's SHA-256 were signed",
        true,
        |all| hex(&Sha256::digest(all)).into_bytes(),
    ),
    (
        &m::DIGEST,
        "the base64 text of the message's SHA-256 were signed",
        true,
        |all| STANDARD.encode(Sha256::digest(all)).into_bytes(),
    ),
];

fn utf16(text: &[u8], bytes: fn(u16) -> [u8; 2]) -> Vec<u8> {
    let text = String::from_utf8_lossy(text);
    text.encode_utf16().flat_map(bytes).collect()
}

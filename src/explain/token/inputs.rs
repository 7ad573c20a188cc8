//! What was signed instead of a token's two parts with the dot between them.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD, URL_SAFE, URL_SAFE_NO_PAD};
use sha2::{Digest, Sha256};

use super::Token;
use crate::explain::mistake as m;
use crate::hex::hex;

/// A kind of mistake, its words, whether it is rare, and what it signs.
type Frame = (&'static m::Kind, &'static str, bool, fn(&Token) -> Vec<u8>);

/// What was signed instead of the two parts with a dot.
pub(super) static FRAMES: &[Frame] = &[
    (
        &m::SIGNING_INPUT,
        "the parts of the signing input had their padding",
        false,
        |own| own.parts(|text| URL_SAFE.encode(text)),
    ),
    (
        &m::SIGNING_INPUT,
        "the parts of the signing input were in standard base64",
        false,
        |own| own.parts(|text| STANDARD.encode(text)),
    ),
    (
        &m::SIGNING_INPUT,
        "the parts were in standard base64 without padding",
        true,
        |own| own.parts(|text| STANDARD_NO_PAD.encode(text)),
    ),
    (
        &m::SIGNING_INPUT,
        "the payload alone were signed, encoded",
        false,
        |own| URL_SAFE_NO_PAD.encode(&own.texts[1]).into_bytes(),
    ),
    (
        &m::SIGNING_INPUT,
        "the payload's JSON alone were signed",
        false,
        |own| own.texts[1].clone().into_bytes(),
    ),
    (
        &m::SIGNING_INPUT,
        "header and payload were signed as JSON, not encoded",
        false,
        |own| own.texts.join(".").into_bytes(),
    ),
    (
        &m::SIGNING_INPUT,
        "header and payload were signed without the dot",
        false,
        |own| {
            let dot = |byte: &u8| *byte != b'.';
            own.input().into_iter().filter(dot).collect()
        },
    ),
    (
        &m::SIGNING_INPUT,
        "a dot behind the payload were signed, too",
        true,
        |own| [own.input(), b".".to_vec()].concat(),
    ),
    (
        &m::SIGNING_INPUT,
        "a line feed behind the payload were signed, too",
        true,
        |own| [own.input(), b"\n".to_vec()].concat(),
    ),
    (
        &m::DIGEST,
        "the signing input were hashed with SHA-256 twice",
        false,
        |own| Sha256::digest(own.input()).to_vec(),
    ),
    (
        &m::DIGEST,
        "the hexadecimal text of the input's SHA-256 were signed",
        true,
        |own| hex(&Sha256::digest(own.input())).into_bytes(),
    ),
];

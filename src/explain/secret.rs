//! What a shared secret may have been taken for. It must not know messages.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use zeroize::Zeroizing;

use crate::engine::Hs256;
use crate::hex::hex;
use crate::signature::{Alphabet, decode};

use super::mistake::{self as m, Mistake};

/// What secrets may have been taken for by who signed.
pub(super) fn taken_for(secrets: &[&[u8]]) -> Option<(Hs256, Vec<Mistake>)> {
    let mut all: Vec<Zeroizing<Vec<u8>>> = Vec::new();
    let mut mistakes = Vec::new();
    let mut add = |bytes: Vec<u8>, words: &str| {
        all.push(Zeroizing::new(bytes));
        mistakes.push(Mistake::new(&m::SECRET, "", words));
    };
    for secret in secrets {
        let Ok(text) = std::str::from_utf8(secret) else {
            continue;
        };
        if let Ok(decoded) = decode(text) {
            let words = match decoded.alphabet {
                Alphabet::Hex => "decoded from hexadecimal first",
                _ => "decoded from base64 first",
            };
            add(decoded.bytes, words);
        }
        // Digits of hexadecimal may be meant as base64 all the same.
        if let Ok(bytes) = STANDARD.decode(text) {
            add(bytes, "decoded from base64 first");
        }
        add(
            [secret, &b"\n"[..]].concat(),
            "read with a line feed behind it",
        );
        add(
            [secret, &b"\r\n"[..]].concat(),
            "read with a line break behind it",
        );
        let quoted = [&b"\""[..], secret, b"\""].concat();
        add(quoted, "read with quotation marks around it");
        add(text.trim().as_bytes().to_vec(), "trimmed first");
        let encoded = STANDARD.encode(secret);
        add(encoded.into_bytes(), "encoded in base64 first");
        add(hex(secret).into_bytes(), "written in hexadecimal first");
    }
    let bytes: Vec<&[u8]> = all.iter().map(|own| own.as_slice()).collect();
    (!bytes.is_empty()).then(|| (Hs256::new(&bytes), mistakes))
}

//! A signature's text and what is wrong with how it is written: the wrong
//! base64, twice over, cut by line breaks, DER or `r ‖ s` in each other's
//! place. It must not know messages.

use crate::signature::{Alphabet, Decoded, Form, Signature, decode};

use super::mistake::{self as m, Mistake};
use super::search::Reading;

/// How a signature should be written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Wanted {
    /// DER in standard base64 with padding.
    Der,
    /// `r ‖ s` in base64url without padding.
    Raw,
    /// An HMAC in base64url without padding.
    Mac,
}

/// How often text in base64 is unwrapped.
const MOST_LAYERS: usize = 3;

/// Every way to read the text, the plainest first.
pub(super) fn readings(text: &str, wanted: Wanted) -> Vec<Reading> {
    let mut all = Vec::new();
    let (bare, around) = strip(text, "signature");
    let mut plus = None;
    let mut texts = vec![(bare.to_owned(), Vec::new())];
    if bare.contains("\\/") {
        let mistake = Mistake::new(&m::AROUND, "signature", "the escape \\/ of JSON");
        texts.push((bare.replace("\\/", "/"), vec![mistake]));
    }
    if bare.contains('%') {
        let mistake = Mistake::new(&m::AROUND, "signature", "the escaping of a URL");
        texts.push((unescape(bare), vec![mistake]));
    }
    if text.contains(' ') {
        let words = "spaces where + was, as forms decode it";
        let mistake = Mistake::new(&m::AROUND, "signature", words);
        plus = Some((text.replace(' ', "+"), vec![mistake]));
    }
    for own in &mut texts {
        own.1.extend(around.clone());
    }
    texts.extend(plus);
    for (text, mistakes) in texts {
        if let Ok(decoded) = decode(&text) {
            unwrap(decoded, wanted, mistakes, 0, &mut all);
        }
    }
    all.sort_by_key(|reading| reading.mistakes.len());
    all
}

/// Text without what stands around it.
pub(super) fn strip<'a>(text: &'a str, name: &str) -> (&'a str, Vec<Mistake>) {
    let mut mistakes = Vec::new();
    let mut found = |words: &str| mistakes.push(Mistake::new(&m::AROUND, name, words));
    let mut bare = text.trim();
    if bare.len() < text.len() {
        found("white space");
    }
    let unquoted = bare.trim_matches(['"', '\'', '\u{201c}', '\u{201d}']);
    if unquoted.len() < bare.len() {
        found("quotation marks");
        bare = unquoted;
    }
    for word in ["Bearer ", "bearer ", "JWT ", "jws:", "data:"] {
        if let Some(rest) = bare.strip_prefix(word) {
            found(word.trim());
            bare = rest.trim();
        }
    }
    (bare, mistakes)
}

/// Reads bytes, or text in them that is encoded once more.
fn unwrap(
    decoded: Decoded,
    wanted: Wanted,
    before: Vec<Mistake>,
    layer: usize,
    all: &mut Vec<Reading>,
) {
    let add = |kind: &'static m::Kind, detail: &str| Mistake::new(kind, "signature", detail);
    let mut mistakes = before;
    if decoded.spaced {
        mistakes.push(add(&m::LINE_BREAKS, "white space"));
    }
    if !decoded.canonical {
        mistakes.push(add(&m::TRAILING_BITS, ""));
    }
    mistakes.extend(alphabet(&decoded, wanted != Wanted::Der, "signature"));
    if layer < MOST_LAYERS
        && decoded.bytes.len() > 40
        && let Ok(text) = std::str::from_utf8(&decoded.bytes)
        && let Ok(inner) = decode(text)
    {
        let mut deeper: Vec<Mistake> = mistakes.clone();
        deeper.retain(|own| own.kind.code != m::TWICE.code);
        let times = match layer {
            0 => "twice",
            _ => "three times",
        };
        deeper.push(add(&m::TWICE, times));
        // How the outer layer is written follows from its being one.
        let outer = [m::BASE64URL.code, m::BASE64_STANDARD.code, m::PADDING.code];
        deeper.retain(|own| !outer.contains(&own.kind.code));
        unwrap(inner, wanted, deeper, layer + 1, all);
    }
    let mut push = |bytes: &[u8], more: Vec<Mistake>| {
        all.push(Reading {
            bytes: bytes.to_vec(),
            mistakes: [mistakes.clone(), more].concat(),
        });
    };
    let bytes = &decoded.bytes;
    if wanted == Wanted::Mac {
        push(bytes, Vec::new());
        return;
    }
    if let Ok(signature) = Signature::read(bytes)
        && let Some(raw) = signature.to_raw()
    {
        let mut own: Vec<Mistake> = Vec::new();
        match (signature.form, wanted) {
            (Form::Der, Wanted::Der) => {
                let words: Vec<String> = signature.flaws.iter().map(ToString::to_string).collect();
                if !words.is_empty() {
                    own.push(add(&m::LOOSE_DER, &words.join("; ")));
                }
            }
            (Form::Raw, Wanted::Der) => own.push(add(&m::RAW_FOR_DER, "")),
            (Form::Der, _) => own.push(add(&m::DER_FOR_RAW, "")),
            (Form::Raw, _) => {}
        }
        push(&raw, own.clone());
        let (r, s) = raw.split_at(32);
        let turned = |half: &[u8]| half.iter().rev().copied().collect::<Vec<u8>>();
        let with = |words: &str| [own.clone(), vec![add(&m::HALVES, words)]].concat();
        push(
            &[s, r].concat(),
            with("r stood before s: they changed places"),
        );
        let little = [turned(r), turned(s)].concat();
        let words = "r and s had their most significant byte first";
        push(&little, with(words));
    }
    if let ([0x30, ..], 64) = (&bytes[..], bytes.len()) {
        // Raw bytes that look like DER.
        let own = match wanted {
            Wanted::Der => vec![add(&m::RAW_FOR_DER, "")],
            _ => Vec::new(),
        };
        push(bytes, own);
    }
}

/// What is wrong with the alphabet and the padding.
pub(super) fn alphabet(decoded: &Decoded, is_url: bool, name: &str) -> Option<Mistake> {
    let needs_padding = !decoded.bytes.len().is_multiple_of(3);
    let kind = match (decoded.alphabet, is_url) {
        (Alphabet::Hex, _) => &m::HEX,
        (Alphabet::Base64Url, false) => &m::BASE64URL,
        (Alphabet::Base64, false) if needs_padding && !decoded.padded => &m::NO_PADDING,
        (Alphabet::Base64, true) if decoded.is_plain() => match decoded.padded {
            true => &m::PADDING,
            false => return None,
        },
        (Alphabet::Base64, true) => &m::BASE64_STANDARD,
        (Alphabet::Base64Url, true) if decoded.padded => &m::PADDING,
        _ => return None,
    };
    Some(Mistake::new(kind, name, ""))
}

/// Text without the escaping of URLs.
fn unescape(text: &str) -> String {
    let mut out = Vec::new();
    let mut rest = text.as_bytes();
    while let Some((first, behind)) = rest.split_first() {
        rest = behind;
        let digits = behind
            .get(..2)
            .and_then(|two| std::str::from_utf8(two).ok());
        let byte = digits.and_then(|two| u8::from_str_radix(two, 16).ok());
        match (first, byte) {
            (b'%', Some(byte)) => {
                out.push(byte);
                rest = &behind[2..];
            }
            _ => out.push(*first),
        }
    }
    String::from_utf8_lossy(&out).into_owned()
}

//! A compact JWS: its header, its claims, the bytes that were signed. It must
//! not know records or files.

use crate::format::{Alg, Format};
use crate::json::{self, Shape};
use crate::jws::Compact;
use crate::signature::{Form, Signature};
use crate::verify::open_token;

use super::item::{Item, Section};
use super::{NotKnown, doubts, signature, time};

/// A token by itself.
///
/// # Errors
/// When it is no compact JWS; what is wrong with it.
pub(super) fn token(text: &str, now: u64) -> Result<Item, NotKnown> {
    let unpadded: String;
    let mut padded = false;
    let text = match text.contains('=') && text.matches('.').count() == 2 {
        true => {
            padded = true;
            unpadded = text.replace('=', "");
            &unpadded
        }
        false => text,
    };
    let compact = Compact::parse(text).map_err(|error| NotKnown::new(error.to_string()))?;
    let opened = open_token(text, &compact);
    let title = match &opened {
        Some(opened) => format!(
            "JWS, compact serialization, {} characters: {}",
            text.len(),
            opened.format.title
        ),
        None => format!(
            "JWS, compact serialization, {} characters, of no format that is known here",
            text.len()
        ),
    };
    let mut item = Item::new("token", title);
    if let Some(opened) = &opened {
        item = item.of(opened.format, None, opened.layout);
    }
    parts(&compact, now, &mut item);
    doubt(
        &compact,
        opened.as_ref().map(|opened| opened.format),
        "",
        &mut item,
    );
    if padded {
        item.warn(
            "padding",
            "",
            "has = in it; a JWS has base64url without padding",
        );
    }
    if let Some(opened) = &opened {
        doubts::of_record(opened, now, &mut item);
    }
    Ok(item)
}

/// The sections of a token.
pub(super) fn parts(compact: &Compact<'_>, now: u64, item: &mut Item) {
    let payload = String::from_utf8_lossy(&compact.payload);
    for (name, text) in [("header", compact.header.as_str()), ("payload", &payload)] {
        let mut section = Section::new(name, text);
        members(text, now, &mut section);
        item.sections.push(section);
    }
    item.sections
        .push(Section::new("signing input", compact.signing_input));
    let bytes = compact.signature.len();
    let own = match (Signature::read(&compact.signature), bytes) {
        (Ok(read), _) => signature::section(&read, bytes),
        (_, 0) => Section::new("signature", "none"),
        (_, 32) => Section::new("signature", "32 bytes, an HMAC, as HS256 has it"),
        _ => Section::new(
            "signature",
            format!("{bytes} bytes, of no length that ES256 or HS256 has"),
        ),
    };
    item.sections.push(own);
}

/// Every member with its JSON type, and times in words.
pub(super) fn members(text: &str, now: u64, section: &mut Section) {
    for (name, token) in json::object(text).unwrap_or_default() {
        let note = match Shape::of(token) {
            Shape::Number => time::words(token, now),
            _ => None,
        };
        section.member(&name, token, note.unwrap_or_default());
        if Shape::of(token) == Shape::Object {
            for (inner, token) in json::object(token).unwrap_or_default() {
                if let Some(note) = time::words(token, now) {
                    section.member(&format!("{name}.{inner}"), token, note);
                }
            }
        }
    }
}

/// What is suspicious about the header and the signature.
pub(super) fn doubt(compact: &Compact<'_>, format: Option<&Format>, at: &str, item: &mut Item) {
    let Ok(header) = json::object(&compact.header) else {
        item.warn("header", at, "the header is no JSON object");
        return;
    };
    let payload = std::str::from_utf8(&compact.payload);
    if !payload.is_ok_and(|payload| json::object(payload).is_ok()) {
        item.warn("payload", at, "the payload is no JSON object");
    }
    let alg = header.iter().find(|(name, _)| name == "alg");
    let alg = alg
        .and_then(|(_, token)| json::string(token).ok())
        .unwrap_or_default();
    if alg.eq_ignore_ascii_case("none") {
        let says = "alg none: nothing is signed, and anybody can make such a token";
        item.warn("alg_none", at, says);
    } else if let Some(format) = format.filter(|format| format.alg().as_str() != alg) {
        let says = format!(
            "alg is {alg:?}, but {} is signed with {} and {}",
            format.id,
            format.alg(),
            format.key.describe()
        );
        item.warn("alg", at, says);
    }
    let read = Signature::read(&compact.signature);
    let bytes = compact.signature.len();
    let is_es256 = alg == Alg::Es256.as_str();
    match (&read, bytes) {
        (Ok(read), _) if is_es256 && read.form == Form::Der => item.warn(
            "der",
            at,
            format!("{bytes} bytes of DER, where ES256 has r || s in 64 bytes"),
        ),
        (Ok(read), 64) if is_es256 => signature::doubt(read, at, item),
        (_, 32) if alg == Alg::Hs256.as_str() => {}
        _ if is_es256 || alg == Alg::Hs256.as_str() => item.warn(
            "signature_length",
            at,
            format!("the signature has {bytes} bytes, which {alg} has not"),
        ),
        _ => {}
    }
}

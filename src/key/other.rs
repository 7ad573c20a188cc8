//! Names what is often found in the place of a key and is no document of any
//! kind: pages, other programs' formats, text that was damaged on its way.
//!
//! It must not know what the documents are.

use super::{KeyError, Wanted};

/// What bytes are that are no ASCII text: UTF-16 with a byte order mark or
/// without one, and a document with something behind it.
pub(super) fn bytes(bytes: &[u8], wanted: Wanted) -> Option<KeyError> {
    if bytes.starts_with(&[0xff, 0xfe]) || bytes.starts_with(&[0xfe, 0xff]) {
        let from = "UTF-16";
        return Some(KeyError::Utf16 { from, wanted });
    }
    // ASCII in UTF-16 has a zero in every pair.
    let pairs = bytes.get(..16)?.as_chunks::<2>().0;
    let is_text = |byte: u8| (0x20..0x7f).contains(&byte) || b"\r\n\t".contains(&byte);
    if pairs.iter().all(|pair| is_text(pair[0]) && pair[1] == 0) {
        let from = "UTF-16LE";
        return Some(KeyError::Utf16 { from, wanted });
    }
    if pairs.iter().all(|pair| pair[0] == 0 && is_text(pair[1])) {
        let from = "UTF-16BE";
        return Some(KeyError::Utf16 { from, wanted });
    }
    let mut elements = super::der::Elements::of(bytes);
    let (tag, content) = elements.next()?;
    let document = bytes.len() - elements.rest().len();
    // A signature is a sequence, too; no key is as short.
    let is_document = tag == super::der::SEQUENCE && content.len() > 32;
    (is_document && super::content::content(&bytes[..document]).is_some()).then(|| {
        KeyError::BytesBehind {
            document,
            bytes: bytes.len() - document,
            wanted,
        }
    })
}

/// What text is that is neither PEM nor base64. White space around it has been
/// removed.
pub(super) fn text(text: &[u8], wanted: Wanted) -> Option<KeyError> {
    let starts = |start: &[u8]| {
        let own = text.get(..start.len());
        own.is_some_and(|own| own.eq_ignore_ascii_case(start))
    };
    if starts(b"<!doctype") || starts(b"<html") || starts(b"<?xml") || starts(b"<head") {
        let what = match starts(b"<?xml") {
            true => "an XML document",
            false => "an HTML page (a sign-in or an error?)",
        };
        return Some(KeyError::WebPage { what, wanted });
    }
    if starts(b"PuTTY-User-Key-File-") {
        return Some(KeyError::PuttyKey { wanted });
    }
    if starts(b"---- BEGIN SSH2 ") {
        return Some(match wanted {
            Wanted::PrivateKey => KeyError::PublicNotPrivate,
            _ => KeyError::OpenSshKey { wanted },
        });
    }
    let has = |word: &[u8]| memchr::memmem::find(text, word).is_some();
    let is_named = [&b"KEY"[..], b"CERTIFICATE"].into_iter().any(has);
    (has(b"BEGIN ") && !has(b"-----BEGIN ") && is_named).then_some(KeyError::Dashes { wanted })
}

//! What ways of handing a body on do to it, told by the result: forms,
//! envelopes, other alphabets. Damage is named, never undone: what is found
//! behind it serves the explanation alone. This file must not know keys.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};

use crate::envelope::read_signature;
use crate::format::Reason;
use crate::format::postback::POSTBACKS;
use crate::json::{self, Member, Shape};
use crate::jws::Compact;

use super::verdict::Flaw;

/// How many members are looked into for a postback.
const SEARCHED: usize = 32;

const ALPHABET: &str = "DER in standard base64 with padding";

/// A signature that is not DER in standard base64: what is wrong, and the
/// signature as it may have been.
pub(super) fn signature(member: &str, text: &str) -> (Flaw, Option<[u8; 64]>) {
    let flaw = |reason, hint: &'static str| Flaw::new(reason, member, text, ALPHABET).hint(hint);
    let encoding = |hint| flaw(Reason::SignatureEncoding, hint);
    if let Ok(bytes) = STANDARD.decode(text) {
        if let Ok(raw) = bytes.as_slice().try_into() {
            let hint = "these are r and s without the DER around them; keep Apple's own text";
            return (flaw(Reason::SignatureForm, hint), Some(raw));
        }
        let inner = std::str::from_utf8(&bytes).ok().and_then(any_form);
        if inner.is_some() {
            return (encoding("it is encoded twice; decode it once"), inner);
        }
        return (flaw(Reason::SignatureForm, ""), None);
    }
    let spaces: String = text.replace(' ', "+");
    let percent = text.replace("%2B", "+").replace("%2F", "/");
    let percent = percent.replace("%3D", "=");
    let bare: String = text.split_ascii_whitespace().collect();
    let tries = [
        (
            spaces,
            "a form decoder made each + a space; read the body before it is decoded as a form",
        ),
        (
            percent,
            "it is percent-encoded; read the body as JSON, not as a URL",
        ),
        (bare, "remove the white space"),
    ];
    for (mended, hint) in tries {
        if let Some(found) = read_signature(&mended) {
            return (encoding(hint), Some(found));
        }
    }
    if let Some(found) = any_form(text) {
        let hint = "this is base64url, or base64 without its padding; keep Apple's own text";
        return (encoding(hint), Some(found));
    }
    (encoding(""), None)
}

/// A signature in base64 of either alphabet, DER or raw.
fn any_form(text: &str) -> Option<[u8; 64]> {
    let bare = text.trim_end_matches('=');
    let bytes = URL_SAFE_NO_PAD
        .decode(bare.replace('+', "-").replace('/', "_"))
        .ok()?;
    match bytes.as_slice().try_into() {
        Ok(raw) => Some(raw),
        Err(_) => read_signature(&STANDARD.encode(&bytes)),
    }
}

/// The 64 bytes of a token's signature that is DER, where it should be raw.
pub(super) fn raw_of_der(bytes: &[u8]) -> Option<[u8; 64]> {
    read_signature(&STANDARD.encode(bytes))
}

/// A text that is no compact JWS: what to do, and the token it may have been.
pub(super) fn token(text: &str) -> (&'static str, Option<String>) {
    let is_token = |text: &str| Compact::parse(text).is_ok();
    let bare: String = text.split_whitespace().collect();
    if is_token(&bare) {
        return ("remove the white space", Some(bare));
    }
    let alphabet = bare.replace('+', "-").replace('/', "_").replace('=', "");
    if is_token(&alphabet) {
        let hint =
            "this is base64 where base64url without padding is signed; keep Apple's own text";
        return (hint, Some(alphabet));
    }
    (
        "three parts of base64url with dots between them, as Apple sends it",
        None,
    )
}

/// Whether a text looks like a token, whatever is in it.
pub(super) fn is_bare_token(text: &str) -> bool {
    let dots = text.bytes().filter(|byte| *byte == b'.').count();
    (text.starts_with("ey") && dots > 0) || Compact::parse(text).is_ok()
}

/// A line that does not begin as JSON: what it may be.
pub(super) fn foreign(text: &str) -> Option<Flaw> {
    let wanted = "the JSON that Apple sent, one postback a line";
    let names = POSTBACKS.iter().map(|kind| kind.result);
    let mut roots = names.filter(|name| text.contains(&format!("{name}=")));
    if text.starts_with("%7B") || text.starts_with("%7b") || roots.next().is_some() {
        let hint = "read the body as it is, before it is decoded as a form or a URL";
        return Some(Flaw::new(Reason::FormEncoded, "", text, wanted).hint(hint));
    }
    None
}

/// An object that is no postback: the member that holds one.
pub(super) fn enveloped(members: &[Member<'_>]) -> Option<Flaw> {
    let (name, _) = members
        .iter()
        .take(SEARCHED)
        .find(|(_, token)| holds_postback(token))?;
    let wanted = "the postback itself, one a line";
    let flaw = Flaw::new(Reason::Enveloped, name.as_ref(), "", wanted);
    Some(flaw.hint(format!(
        "the postback is inside the member {name:?}: write its content to a line of its own, \
         without changing it"
    )))
}

fn holds_postback(token: &str) -> bool {
    match Shape::of(token) {
        Shape::Object => is_postback(token),
        Shape::String => {
            let Ok(text) = json::string(token) else {
                return false;
            };
            let decoded = STANDARD.decode(text.as_bytes()).ok();
            let decoded = decoded.and_then(|bytes| String::from_utf8(bytes).ok());
            is_postback(&text)
                || Compact::parse(&text).is_ok()
                || decoded.is_some_and(|inner| is_postback(&inner))
        }
        _ => false,
    }
}

fn is_postback(text: &str) -> bool {
    let members = json::object(text).unwrap_or_default();
    let names = || members.iter().map(|(name, _)| name.as_ref());
    POSTBACKS.iter().any(|kind| kind.is_like(names()))
}

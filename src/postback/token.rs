//! A postback that is a compact JWS: its header, which names the key, and its
//! claims. The signature covers the bytes as they were received; nothing is
//! written anew. This file must not know how signatures are verified.

use crate::format::postback::{KeyChoice, Postback, PostbackSigning};
use crate::format::{Alg, Reason};
use crate::json;
use crate::jws::{Compact, CompactError};

use super::damage;
use super::fields::{find, read_fields};
use super::keys;
use super::read::Proof;
use super::verdict::{Flaw, Verdict};

/// Reads the token of a postback of this kind.
pub(super) fn read(kind: &'static Postback, text: &str, verdict: &mut Verdict) -> Option<Proof> {
    let name = kind.result;
    let (mended, compact);
    compact = match Compact::parse(text) {
        Ok(compact) => compact,
        Err(error) => {
            let (hint, other) = damage::token(text);
            let flaw = Flaw::new(Reason::NotAToken, name, text, wanted(error));
            verdict.flaws.push(flaw.hint(hint));
            mended = other?;
            Compact::parse(&mended).ok()?
        }
    };
    let mut versions = kind.versions.iter();
    let version = versions.find(|own| matches!(own.signing, PostbackSigning::Token(_)))?;
    let key = match version.key {
        KeyChoice::Fixed(kid) => keys::of_kid(kid),
        KeyChoice::Header(member) => read_header(name, member, &compact.header, verdict),
        KeyChoice::Unsupported(..) => None,
    };
    match std::str::from_utf8(&compact.payload).map(json::object) {
        Ok(Ok(claims)) => {
            read_fields(kind, version, &claims, verdict);
        }
        Ok(Err(fault)) => {
            let flaw = Flaw::new(Reason::BadClaims, name, "", "a JSON object as its payload");
            verdict.flaws.push(flaw.hint(fault.to_string()));
        }
        Err(_) => {
            let flaw = Flaw::new(Reason::BadClaims, name, "", "a payload in UTF-8");
            verdict.flaws.push(flaw);
        }
    }
    let signature = match compact.signature.as_slice().try_into() {
        Ok(raw) => raw,
        Err(_) => {
            let found = damage::raw_of_der(&compact.signature);
            let shown = format!("{} bytes", compact.signature.len());
            let flaw = Flaw::new(Reason::SignatureForm, name, &shown, "r and s, 64 bytes");
            verdict.flaws.push(match found {
                Some(_) => flaw.hint("this is DER; a token has r and s without it"),
                None => flaw,
            });
            found?
        }
    };
    Some(Proof {
        message: compact.signing_input.as_bytes().to_vec(),
        signature,
        key,
        // A key id that is Apple's means Apple's key and no other.
        takes_given: key.is_none(),
    })
}

fn wanted(error: CompactError) -> String {
    format!("a compact JWS: {error}")
}

/// The key that the header names; what is wrong with the header is said.
fn read_header(name: &str, member: &str, header: &str, verdict: &mut Verdict) -> Option<u16> {
    let mut bad = |field: &str, found: &str, wanted: String| {
        let field = match field {
            "" => name.to_owned(),
            field => format!("{name} header {field}"),
        };
        let flaw = Flaw::new(Reason::BadHeader, field, found, wanted);
        verdict.flaws.push(flaw);
    };
    let members = match json::object(header) {
        Ok(members) => members,
        Err(fault) => {
            bad(
                "",
                header,
                format!("a header that is a JSON object: {fault}"),
            );
            return None;
        }
    };
    let alg = find(&members, "alg").unwrap_or_default();
    if json::string(alg).ok().as_deref() != Some(Alg::Es256.as_str()) {
        bad("alg", alg, Alg::Es256.to_string());
    }
    // RFC 7515 §4.1.11: who does not know what is critical must refuse it.
    if let Some(critical) = find(&members, "crit") {
        bad("crit", critical, "no critical extension".into());
    }
    let kid = find(&members, member).map(json::string);
    let Some(Ok(kid)) = kid else {
        let found = find(&members, member).unwrap_or_default();
        bad(member, found, "the id of the key".into());
        return None;
    };
    let key = keys::of_kid(&kid);
    if key.is_none() {
        let field = format!("{name} header {member}");
        let wanted = format!("one of {}", keys::known());
        let flaw = Flaw::new(Reason::UnknownKey, field, &kid, wanted);
        let hint = "look whether Apple has published a new key; for one's own test key: \
                    --public-key FILE";
        verdict.flaws.push(flaw.hint(hint));
    }
    key
}

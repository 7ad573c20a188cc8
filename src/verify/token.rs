//! A token beside the record that carries it: its claims and its header. The
//! signature over the bytes received is for the judge. This file must not know
//! keys.

use crate::format::{Claim, Format, HeaderValue, Source};
use crate::json::{self, Member};
use crate::jws::Compact;

use super::fields::{Values, find, value};
use super::findings::Findings;

/// Whether a claim of this name is one of the format's.
pub(super) fn is_claim(claims: &[Claim], name: &str) -> bool {
    claims.iter().any(|claim| {
        let (Claim::Field(own) | Claim::Object(own, _)) = claim;
        *own == name
    })
}

/// The token's claims beside the record's members.
pub(super) fn verify_claims(
    format: &Format,
    token: &Compact<'_>,
    members: &[Member<'_>],
    claims: &[Claim],
    findings: &mut Findings,
) {
    let payload = match std::str::from_utf8(&token.payload).map(json::object) {
        Ok(Ok(payload)) => payload,
        _ => {
            findings.add("jws", "has a payload that is no JSON object");
            return;
        }
    };
    for (name, value) in &payload {
        // Only a claim is looked up: a token may be as wide as its record.
        if !is_claim(claims, name) {
            findings.add(
                &format!("jws.{name}"),
                "is a claim the format does not have",
            );
            continue;
        }
        match find(members, name) {
            Some(own) if json::same(own, value) => {}
            Some(_) => findings.add(&format!("jws.{name}"), "differs from the record's field"),
            None => findings.add(&format!("jws.{name}"), "is missing from the record"),
        }
    }
    for claim in claims {
        let (Claim::Field(name) | Claim::Object(name, _)) = claim;
        let is_said = |token: &str| {
            let omit = format.field(name).and_then(|(_, field)| field.omit);
            omit != Some(json::string(token).as_deref().unwrap_or(token))
        };
        if find(members, name).is_some_and(is_said) && !payload.iter().any(|(own, _)| own == name) {
            findings.add(&format!("jws.{name}"), "is missing from the token");
        }
    }
}

/// The token's JOSE header: what the format says, and nothing else.
pub(super) fn verify_header(
    format: &Format,
    token: &Compact<'_>,
    header: &[(&str, HeaderValue)],
    values: &Values<'_>,
    findings: &mut Findings,
) {
    let Ok(members) = json::object(&token.header) else {
        findings.add("jws", "has a header that is no JSON object");
        return;
    };
    let path = |name: &str| format!("jws header {name}");
    for (name, _) in &members {
        if !header.iter().any(|(own, _)| own == name) {
            findings.add(&path(name), "is a member the format does not have");
        }
    }
    for (name, wanted) in header {
        let found = find(&members, name).map(|token| json::string(token).unwrap_or_default());
        let expected = match wanted {
            HeaderValue::Constant(text) => Some(*text),
            HeaderValue::Field(field) => value(format, field, values),
        };
        match (found, expected) {
            (Some(found), Some(expected)) if found != expected => {
                findings.add(&path(name), format!("is {found:?}, not {expected:?}"));
            }
            (None, _) if !may_lack(format, wanted) => findings.add(&path(name), "is missing"),
            _ => {}
        }
    }
}

/// The key's id in a token's header.
pub(super) fn key_id(format: &Format, token: &Compact<'_>) -> Option<String> {
    let (_, field) = format.key_id()?;
    let members = json::object(&token.header).ok()?;
    let text = json::string(find(&members, field.name)?).ok()?;
    Some(text.into_owned())
}

/// Whether a header may lack this member.
fn may_lack(format: &Format, value: &HeaderValue) -> bool {
    match value {
        HeaderValue::Constant(_) => false,
        HeaderValue::Field(name) => format
            .field(name)
            .is_some_and(|(_, field)| field.source == Source::KeyId { required: false }),
    }
}

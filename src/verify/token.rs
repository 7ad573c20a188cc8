//! A token beside the record that carries it: signature, claims, header.

use crate::format::{Claim, Format, HeaderValue, Source};
use crate::json;
use crate::jws::Compact;

use super::Check;
use super::record::{Findings, Members, find};

/// The token's signature over the bytes received, and its claims beside the
/// record's members.
pub(super) fn verify_jws(
    check: &Check<'_>,
    token: &str,
    members: &Members<'_>,
    claims: &[Claim],
    findings: &mut Findings,
) {
    let compact = match Compact::parse(token) {
        Ok(compact) => compact,
        Err(error) => {
            findings.add("jws", error.to_string());
            return;
        }
    };
    if !check
        .verifier
        .verify(compact.signing_input.as_bytes(), &compact.signature)
    {
        findings.add("jws", "does not verify under this key");
    }
    let payload = match std::str::from_utf8(&compact.payload).map(json::object) {
        Ok(Ok(payload)) => payload,
        _ => {
            findings.add("jws", "has a payload that is no JSON object");
            return;
        }
    };
    for (name, value) in &payload {
        let is_claim = claims.iter().any(|claim| {
            let (Claim::Field(own) | Claim::Object(own, _)) = claim;
            own == name
        });
        // Only a claim is looked up: a token may be as wide as its record.
        if !is_claim {
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
        if find(members, name).is_some() && !payload.iter().any(|(own, _)| own == name) {
            findings.add(&format!("jws.{name}"), "is missing from the token");
        }
    }
}

pub(super) fn verify_header(
    format: &Format,
    token: &str,
    header: &[(&str, HeaderValue)],
    values: &[Option<String>],
    findings: &mut Findings,
) {
    let Ok(compact) = Compact::parse(token) else {
        return;
    };
    let Ok(members) = json::object(&compact.header) else {
        findings.add("jws", "has a header that is no JSON object");
        return;
    };
    for (name, _) in &members {
        if !header.iter().any(|(own, _)| own == name) {
            let path = format!("jws header {name}");
            findings.add(&path, "is a member the format does not have");
        }
    }
    for (name, value) in header {
        let found = members.iter().find(|(own, _)| own == name);
        let found = found.map(|(_, token)| json::string(token).unwrap_or_default());
        let expected = match value {
            HeaderValue::Constant(text) => Some(*text),
            HeaderValue::Field(field) => match format.field(field) {
                Some((at, _)) => values[at].as_deref(),
                None => None,
            },
        };
        let optional = matches!(value, HeaderValue::Field(field)
            if format.field(field).is_some_and(|(_, f)| f.source == Source::KeyId { required: false }));
        let path = format!("jws header {name}");
        match (found, expected) {
            (Some(found), Some(expected)) if found != expected => {
                findings.add(&path, format!("is {found:?}, not {expected:?}"));
            }
            (None, _) if !optional => findings.add(&path, "is missing"),
            _ => {}
        }
    }
}

//! One signed record: its fields, its signature, and whether they agree. The
//! signature itself is for the judge; this file must not know keys.

use std::borrow::Cow;

use csv::ByteRecord;

use crate::envelope;
use crate::format::shape::RECORD;
use crate::format::{Field, Format, Layout, Signing, VERSION};
use crate::json::{self, Member, Shape};
use crate::jws::Compact;

use super::Check;
use super::fields::{
    Values, find, is_key_id, nonce_key, read_fields, selecting, value, write_joined,
};
use super::findings::Findings;
use super::form::Form;
use super::judge::Judge;
use super::object::verify_object;
use super::token;

/// Verifies a line of NDJSON, a flat record or an object of one of the forms,
/// all but its signatures.
pub(super) fn verify_json(
    check: &Check<'_>,
    forms: &[Form],
    line: &str,
    judge: &mut Judge,
) -> Findings {
    let mut findings = Findings {
        signatures: 1,
        ..Findings::default()
    };
    match json::object(line) {
        // A record says which format it is of; an object never has that name.
        Ok(members)
            if check.shape != Some(RECORD)
                && find(&members, "format").is_none()
                && verify_object(check, forms, members.clone(), judge, &mut findings) => {}
        Ok(members) => match format_of(check, find(&members, "format")) {
            Ok(format) => verify_members(format, &members, judge, &mut findings),
            Err(says) => findings.add("format", says),
        },
        Err(fault) => findings.add("", fault.to_string()),
    }
    findings
}

/// Verifies a CSV row under its header, all but its signature.
pub(super) fn verify_cells(
    check: &Check<'_>,
    header: &[String],
    row: &ByteRecord,
    judge: &mut Judge,
) -> Findings {
    let mut findings = Findings {
        signatures: 1,
        ..Findings::default()
    };
    if row.len() != header.len() {
        let says = format!("has {} cells, the header {}", row.len(), header.len());
        findings.add("", says);
        return findings;
    }
    let mut cells = Vec::with_capacity(row.len());
    for (name, cell) in header.iter().zip(row) {
        match std::str::from_utf8(cell) {
            Ok(text) => cells.push((name.as_str(), text)),
            Err(_) => findings.add(name, "is not UTF-8"),
        }
    }
    let format = cells.iter().find(|(name, _)| *name == "format");
    let token = format.map(|(_, text)| quoted(text));
    match format_of(check, token.as_deref()) {
        Ok(format) => {
            let tokens: Vec<_> = cells
                .iter()
                .filter_map(|(name, text)| Some((*name, token_of(format, name, text)?)))
                .collect();
            let members: Vec<Member<'_>> = tokens
                .iter()
                .map(|(name, token)| (Cow::Borrowed(*name), token.as_ref()))
                .collect();
            verify_members(format, &members, judge, &mut findings);
        }
        Err(says) => findings.add("format", says),
    }
    findings
}

/// A CSV row as the record that it is in JSON; `None` where it has another
/// number of cells than its header.
pub(super) fn cells_as_json(
    check: &Check<'_>,
    header: &[String],
    row: &ByteRecord,
) -> Option<String> {
    if row.len() != header.len() {
        return None;
    }
    let cells = || header.iter().zip(row);
    let id = cells().find(|(name, _)| *name == "format");
    let id = id.and_then(|(_, cell)| std::str::from_utf8(cell).ok());
    let format = id.and_then(|id| {
        let own = check.format.filter(|only| only.id == id);
        own.or_else(|| Format::find(id))
    });
    let mut out = Vec::new();
    for (name, cell) in cells() {
        let text = String::from_utf8_lossy(cell);
        let token = match format {
            Some(format) => token_of(format, name, &text),
            None => Some(Cow::Owned(quoted(&text))),
        };
        // What is no JSON of its type stays a text.
        let token = token.map(|token| match json::is_value(&token) {
            true => token,
            false => Cow::Owned(quoted(&text)),
        });
        if let Some(token) = token {
            out.push(if out.is_empty() { b'{' } else { b',' });
            json::write_string(name, &mut out);
            out.push(b':');
            out.extend_from_slice(token.as_bytes());
        }
    }
    out.push(b'}');
    String::from_utf8(out).ok()
}

/// A cell as the JSON text its field has; `None` where an empty cell means
/// that there is none.
pub(super) fn token_of<'a>(format: &Format, name: &str, text: &'a str) -> Option<Cow<'a, str>> {
    let field = format.field(name).map(|(_, field)| field);
    if text.is_empty() && !field.is_some_and(Field::may_be_empty) {
        return None;
    }
    let is_text = match field {
        Some(field) => field.wrapped.is_some() || field.kind.shape() == Shape::String,
        // Objects of fields are JSON text; every other member is a string.
        None => !is_object(format, name),
    };
    Some(if is_text {
        Cow::Owned(quoted(text))
    } else {
        Cow::Borrowed(text)
    })
}

fn is_object(format: &Format, name: &str) -> bool {
    format
        .fields
        .iter()
        .any(|field| format.parent(field.name) == Some(name))
}

fn quoted(text: &str) -> String {
    let mut out = Vec::new();
    json::write_string(text, &mut out);
    String::from_utf8(out).unwrap_or_default()
}

fn format_of(check: &Check<'_>, token: Option<&str>) -> Result<&'static Format, String> {
    let id = match token.map(json::string) {
        Some(Ok(id)) => id,
        Some(Err(_)) => return Err("is no string".into()),
        None => return Err("is missing: this is no signed record".into()),
    };
    // A format of the caller's own stands in no table.
    let format = match check.format {
        Some(only) if only.id == id => only,
        Some(only) => return Err(format!("is {id}, not {}", only.id)),
        None => Format::find(&id).ok_or_else(|| format!("{id:?} is no format"))?,
    };
    if check.shape.is_some_and(|shape| shape != RECORD) {
        let shape = check.shape.unwrap_or_default();
        return Err(format!(
            "is {id}: this is a flat record, not the shape {shape}"
        ));
    }
    if check.keys.place(format.alg()).is_none() {
        let (id, alg, keys) = (format.id, format.alg(), check.keys.are_for());
        return Err(format!("{id} is signed with {alg}, {keys}"));
    }
    Ok(format)
}

fn verify_members(
    format: &'static Format,
    members: &[Member<'_>],
    judge: &mut Judge,
    findings: &mut Findings,
) {
    let Some(layout) = layout_of(format, members, findings) else {
        return;
    };
    let values = read_fields(format, layout, members, findings);
    findings.nonces.extend(nonce_key(format, &values));
    verify_derived(format, members, &values, findings);
    let result = layout.result();
    match find(members, result).map(json::string) {
        Some(Ok(text)) => match &layout.signing {
            Signing::Joined { order } => match envelope::read_signature(&text) {
                None => findings.add(result, "is not DER in standard base64"),
                Some(rs) => {
                    let write = |out: &mut Vec<u8>| write_joined(format, order, &values, out);
                    let field = |selector| selecting(format, &values, selector);
                    judge.hand_in(format, field, result, &rs, write, findings);
                }
            },
            Signing::Jws { header, claims } => match Compact::parse(&text) {
                Err(error) => findings.add(result, error.to_string()),
                Ok(token) => {
                    let write =
                        |out: &mut Vec<u8>| out.extend_from_slice(token.signing_input.as_bytes());
                    let key_id = judge.chooses().then(|| token::key_id(format, &token));
                    let key_id = key_id.flatten();
                    let field = |selector| {
                        let own = selecting(format, &values, selector);
                        own.or_else(|| key_id.as_deref().filter(|_| is_key_id(format, selector)))
                    };
                    judge.hand_in(format, field, result, &token.signature, write, findings);
                    token::verify_claims(format, &token, members, claims, findings);
                    token::verify_header(format, &token, header, &values, findings);
                }
            },
        },
        Some(Err(_)) => findings.add(result, "is no string"),
        None => findings.add(result, "is missing"),
    }
}

/// What follows from the signed fields is what they say.
pub(super) fn verify_derived(
    format: &Format,
    members: &[Member<'_>],
    values: &Values<'_>,
    findings: &mut Findings,
) {
    for derived in format.derived {
        let expected = value(format, derived.from, values).map(derived.make);
        let token = find(members, derived.name).map(json::string);
        match (expected, token) {
            (Some(expected), Some(Ok(found))) if found == expected => {}
            (Some(expected), _) => findings.add(derived.name, format!("is not {expected}")),
            (None, _) => {}
        }
    }
}

pub(super) fn layout_of(
    format: &'static Format,
    members: &[Member<'_>],
    findings: &mut Findings,
) -> Option<&'static Layout> {
    if format.newest().version.is_none() {
        return Some(format.newest());
    }
    let version = find(members, VERSION).map(json::string);
    let layout = match &version {
        Some(Ok(version)) => format.layout(version),
        _ => None,
    };
    if layout.is_none() {
        let all: Vec<&str> = format.versions().collect();
        findings.add(VERSION, format!("is none of {}", all.join(", ")));
    }
    layout
}

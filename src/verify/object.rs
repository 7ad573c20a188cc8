//! One line that is an object of a shape: every signature in it verified over
//! what is rebuilt from the object, as the device does. This file must not
//! know keys.

use std::borrow::Cow;

use crate::envelope;
use crate::format::{Field, Format, Layout, Signing, Source, VERSION};
use crate::json::{self, Member as Own, Shape as JsonShape};
use crate::jws::Compact;

use super::fields::{Values, find, is_key_id, nonce_key, read_fields, selecting, write_joined};
use super::findings::Findings;
use super::form::Form;
use super::judge::Judge;
use super::shape::{self, Part};
use super::{Check, token};

/// Verifies a line that is no flat record, all but its signatures; `false`
/// where it looks like no shape.
pub(super) fn verify_object<'a>(
    check: &Check<'_>,
    forms: &[Form],
    line: Vec<Own<'a>>,
    judge: &mut Judge,
    findings: &mut Findings,
) -> bool {
    let (object, beside) = match shape::unwrap(line) {
        Ok(both) => both,
        Err(fault) => {
            findings.add("object", fault.to_string());
            return true;
        }
    };
    let Some(parts) = shape::read(&object, forms, findings) else {
        return false;
    };
    findings.signatures = parts.len().max(1);
    for part in parts {
        verify_part(check, part, &beside, judge, findings);
    }
    true
}

fn verify_part<'a>(
    check: &Check<'_>,
    mut part: Part<'a>,
    beside: &[Own<'a>],
    judge: &mut Judge,
    findings: &mut Findings,
) {
    let Form { format, layout, .. } = part.form;
    if check.keys.place(format.alg()).is_none() {
        let (id, alg, keys) = (format.id, format.alg(), check.keys.are_for());
        let says = format!("is of {id}, signed with {alg}; {keys}");
        findings.add("", says);
        return;
    }
    let Some((path, text)) = part.result.take() else {
        // That it is missing has been said.
        return;
    };
    match &layout.signing {
        Signing::Joined { order } => {
            complete(check, &mut part, beside, findings);
            match envelope::read_signature(&text) {
                None => findings.add(&path, "is not DER in standard base64"),
                Some(rs) => {
                    let write = |out: &mut Vec<u8>| write_joined(format, order, &part.values, out);
                    let field = |selector| selecting(format, &part.values, selector);
                    judge.hand_in(format, field, path, &rs, write, findings);
                }
            }
        }
        Signing::Jws { .. } => match Compact::parse(&text) {
            Err(error) => findings.add(&path, error.to_string()),
            Ok(compact) => {
                let write =
                    |out: &mut Vec<u8>| out.extend_from_slice(compact.signing_input.as_bytes());
                // The claims are the fields that select a key, but what is
                // found in them stands behind the signature.
                let mut inner = Findings::default();
                verify_token(&mut part, &compact, &path, &mut inner);
                let key_id = judge.chooses().then(|| token::key_id(format, &compact));
                let key_id = key_id.flatten();
                let field = |selector| {
                    let own = selecting(format, &part.values, selector);
                    own.or_else(|| key_id.as_deref().filter(|_| is_key_id(format, selector)))
                };
                judge.hand_in(format, field, path, &compact.signature, write, findings);
                findings.all.append(&mut inner.all);
            }
        },
    }
    part.verify_follows(findings);
    findings.nonces.extend(nonce_key(format, &part.values));
}

/// Adds the signed values that the object does not hold: what is always the
/// same, and what the device knows by itself.
fn complete<'a>(
    check: &Check<'_>,
    part: &mut Part<'a>,
    beside: &[Own<'a>],
    findings: &mut Findings,
) {
    let Form {
        format,
        shape,
        layout,
    } = part.form;
    for name in layout.field_names() {
        let Some((at, field)) = format.field(name) else {
            continue;
        };
        if part.values[at].is_some() || shape.uses(format, layout, name) {
            continue;
        }
        part.values[at] = implied(field, layout)
            .map(Cow::Borrowed)
            .or_else(|| known(check.known, beside, format, name));
        if part.values[at].is_none() && !field.may_be_absent() {
            let says = "is signed, and not in the object: the device knows it; give --set, or \
                        keep the column";
            findings.add(name, says);
        }
    }
}

/// What a signed value always is, where an object need not hold it.
pub(super) fn implied(field: &Field, layout: &Layout) -> Option<&'static str> {
    match field.source {
        Source::Constant(text) => Some(text),
        _ if field.name == VERSION => layout.version,
        _ => None,
    }
}

/// A value from beside the object, or from whoever asks.
pub(super) fn known<'a>(
    given: &[(String, String)],
    beside: &[Own<'a>],
    format: &Format,
    name: &str,
) -> Option<Cow<'a, str>> {
    let kept = beside
        .iter()
        .find(|(own, _)| crate::record::same_name(own, name));
    let kept = kept.and_then(|(_, token)| match JsonShape::of(token) {
        JsonShape::String => json::string(token).ok(),
        _ => Some(Cow::Borrowed(*token)),
    });
    let from_given = || {
        let mut all = given.iter();
        let own = all.find(|(own, _)| crate::record::same_name(own, name));
        own.map(|(_, text)| Cow::Owned(text.clone()))
    };
    let text = kept.or_else(from_given)?;
    let (_, field) = format.field(name)?;
    let mut canonical = Vec::new();
    field.read(&text, &mut canonical).ok()?;
    String::from_utf8(canonical).ok().map(Cow::Owned)
}

/// The token's claims are the fields; what stands beside it must say the same.
pub(super) fn verify_token<'a>(
    part: &mut Part<'a>,
    compact: &Compact<'_>,
    path: &str,
    findings: &mut Findings,
) {
    let Form {
        format,
        shape,
        layout,
    } = part.form;
    let Signing::Jws { header, claims } = &layout.signing else {
        return;
    };
    let payload = std::str::from_utf8(&compact.payload).map(json::object);
    let Ok(Ok(payload)) = payload else {
        findings.add(path, "has a payload that is no JSON object");
        return;
    };
    let mut own = Findings::default();
    for (name, _) in &payload {
        if !token::is_claim(claims, name) {
            own.add(name, "is a claim the format does not have");
        }
    }
    let read = read_fields(format, layout, &payload, &mut own);
    for finding in own.all {
        findings.add(&format!("{path}.{}", finding.field), finding.says);
    }
    token::verify_header(format, compact, header, &read, findings);
    for (at, field) in format.fields.iter().enumerate() {
        if !shape.uses(format, layout, field.name) {
            continue;
        }
        match (&part.values[at], &read[at]) {
            (own, signed) if own == signed => {}
            (_, Some(signed)) => {
                findings.add(field.name, format!("is not {signed}, as the token says"));
            }
            (_, None) => findings.add(field.name, "is not in the token"),
        }
    }
    for name in shape.demands {
        if find(&payload, name).is_none() {
            findings.add(
                &format!("{path}.{name}"),
                "is missing, and this shape needs it",
            );
        }
    }
    let signed: Values<'a> = read
        .into_iter()
        .map(|value| value.map(|text| Cow::Owned(text.into_owned())))
        .collect();
    for (at, value) in signed.into_iter().enumerate() {
        part.values[at] = value;
    }
}

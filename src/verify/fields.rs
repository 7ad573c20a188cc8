//! The fields of a signed record, read as strictly as they were written, and
//! what is made of them: the message of a joined format, the key of a nonce.
//! This file must not know signatures.

use std::borrow::Cow;

use sha2::{Digest, Sha256};

use crate::format::{Claim, Field, Format, Layout, SEPARATOR, Selector, Source};
use crate::json::{self, Member, Shape};

use super::findings::Findings;

/// What a nonce must not repeat within: the first 16 bytes of a SHA-256 over
/// the key's kind, the nonce, and the fields that widen its scope.
pub type NonceKey = [u8; 16];

/// The values of a format's fields as they were signed, each in its place.
pub(super) type Values<'a> = Vec<Option<Cow<'a, str>>>;

/// The JSON text of a record's member; `null` is as good as none.
pub(super) fn find<'a>(members: &[Member<'a>], name: &str) -> Option<&'a str> {
    let found = members.iter().find(|(member, _)| member == name);
    let token = found.map(|(_, token)| *token);
    token.filter(|token| Shape::of(token) != Shape::Null)
}

/// Reads every field of a record.
pub(super) fn read_fields<'a>(
    format: &'static Format,
    layout: &Layout,
    members: &[Member<'a>],
    findings: &mut Findings,
) -> Values<'a> {
    let mut values: Values<'a> = vec![None; format.fields.len()];
    let mut scratch = Vec::new();
    let mut read = |name: &str, token: Option<&'a str>, findings: &mut Findings| {
        let Some((at, field)) = format.field(name) else {
            return;
        };
        match token.map(|token| canonical(field, token, &mut scratch)) {
            Some(Ok(text)) => values[at] = Some(text),
            Some(Err(says)) => findings.add(name, says),
            None if is_optional(field) => {}
            None => findings.add(name, "is missing"),
        }
    };
    for claim in layout.members() {
        match claim {
            Claim::Field(name) => read(name, find(members, name), findings),
            Claim::Object(name, inner) => match find(members, name).map(json::object) {
                Some(Ok(own)) => {
                    for (member, _) in &own {
                        if !inner.contains(&member.as_ref()) {
                            findings.add(&format!("{name}.{member}"), "is no member of it");
                        }
                    }
                    for field in inner {
                        read(field, find(&own, field), findings);
                    }
                }
                Some(Err(fault)) => findings.add(name, fault.to_string()),
                None => findings.add(name, "is missing"),
            },
        }
    }
    values
}

fn is_optional(field: &Field) -> bool {
    match field.source {
        Source::Optional | Source::KeyId { required: false } => true,
        // An expiry may be left out by other signers; ours always has one.
        source => source == Source::Expiry,
    }
}

/// Reads one field as strictly as it was written: its own JSON type, its
/// canonical text. `scratch` is memory to work in.
pub(super) fn canonical<'a>(
    field: &Field,
    token: &'a str,
    scratch: &mut Vec<u8>,
) -> Result<Cow<'a, str>, String> {
    let shape = match field.wrapped {
        Some(_) => Shape::String,
        None => field.kind.shape(),
    };
    if Shape::of(token) != shape {
        return Err(format!(
            "is {}, not {}",
            Shape::of(token).name(),
            shape.name()
        ));
    }
    let text = match shape {
        Shape::String => json::string(token).map_err(|fault| fault.to_string())?,
        _ => Cow::Borrowed(token),
    };
    scratch.clear();
    if let Some(wrapping) = field.wrapped {
        let value = (wrapping.unwrap)(&text).ok_or("is not its encoding")?;
        if (wrapping.lacks_id)(&value) {
            return Err(format!("has no {} inside", wrapping.label));
        }
        return match field.read(&value, scratch) {
            Ok(()) => Ok(text),
            Err(fault) => Err(format!(
                "{}: {} (wanted {})",
                fault.path, fault.code, fault.wanted
            )),
        };
    }
    field
        .read(&text, scratch)
        .map_err(|fault| format!("{} (wanted {})", fault.code, fault.wanted))?;
    let same = match shape {
        Shape::Array | Shape::Object => true,
        _ => scratch == text.as_bytes(),
    };
    if !same {
        return Err("is not in the form that is signed (lower case?)".into());
    }
    Ok(text)
}

/// Reads one field whose text stands in a string, whatever its own type is.
pub(super) fn canonical_text<'a>(
    field: &Field,
    token: &'a str,
    scratch: &mut Vec<u8>,
) -> Result<Cow<'a, str>, String> {
    if Shape::of(token) != Shape::String {
        return Err(format!("is {}, not a string", Shape::of(token).name()));
    }
    let text = json::string(token).map_err(|fault| fault.to_string())?;
    scratch.clear();
    field
        .read(&text, scratch)
        .map_err(|fault| format!("{} (wanted {})", fault.code, fault.wanted))?;
    if scratch != text.as_bytes() {
        return Err("is not in the form that is signed (lower case?)".into());
    }
    Ok(text)
}

/// The value of a field.
pub(super) fn value<'v, T: AsRef<str>>(
    format: &Format,
    name: &str,
    values: &'v [Option<T>],
) -> Option<&'v str> {
    let (at, _) = format.field(name)?;
    values[at].as_ref().map(T::as_ref)
}

/// Appends the message, rebuilt from the record alone.
pub(super) fn write_joined<T: AsRef<str>>(
    format: &Format,
    order: &[&str],
    values: &[Option<T>],
    out: &mut Vec<u8>,
) {
    for (nth, name) in order.iter().enumerate() {
        if nth > 0 {
            out.extend_from_slice(SEPARATOR.as_bytes());
        }
        let text = value(format, name, values).unwrap_or_default();
        out.extend_from_slice(text.as_bytes());
    }
}

/// What a record says that selects a key.
pub(super) fn selecting<'v>(
    format: &Format,
    values: &'v Values<'_>,
    selector: Selector,
) -> Option<&'v str> {
    let (at, _) = format.selector(selector)?;
    values.get(at)?.as_deref()
}

/// Whether a key is selected by the format's key id.
pub(super) fn is_key_id(format: &Format, selector: Selector) -> bool {
    let id = format.key_id();
    id.is_some_and(|(_, field)| field.selects == Some(selector))
}

/// What the record's nonce must not repeat, where it has one.
pub(super) fn nonce_key(format: &Format, values: &Values<'_>) -> Option<NonceKey> {
    let (at, _) = format.field_from(Source::Nonce)?;
    let mut digest = Sha256::new();
    // One network's nonces are told apart over all its formats: two fidelities
    // of one ad must not share one.
    digest.update([format.key as u8]);
    digest.update(values[at].as_deref()?);
    for name in format.nonce_scope {
        digest.update([0]);
        digest.update(value(format, name, values).unwrap_or_default());
    }
    let mut key = NonceKey::default();
    key.copy_from_slice(&digest.finalize()[..16]);
    Some(key)
}

//! One signed record: its fields, its signature, and whether they agree.

use std::borrow::Cow;

use csv::ByteRecord;
use sha2::{Digest, Sha256};

use crate::envelope;
use crate::format::{Claim, Field, Format, Layout, SEPARATOR, Signing, Source, VERSION};
use crate::json::{self, Shape};

use super::Check;
use super::token::{verify_header, verify_jws};

/// One thing wrong with a signed record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// The member; empty for the whole line.
    pub field: String,
    /// What is wrong with it.
    pub says: String,
}

/// What a nonce must not repeat within: the first 16 bytes of a SHA-256 over
/// the format, the nonce, and the fields that widen its scope.
pub type NonceKey = [u8; 16];

/// Everything found in one record.
#[derive(Clone, Debug, Default)]
pub struct Findings {
    /// What is wrong.
    pub all: Vec<Finding>,
    /// What must not repeat, where the record has a nonce.
    pub nonce: Option<NonceKey>,
}

impl Findings {
    /// Adds a finding.
    pub fn add<'s>(&mut self, field: &str, says: impl Into<Cow<'s, str>>) {
        self.all.push(Finding {
            field: field.to_owned(),
            says: says.into().into_owned(),
        });
    }
}

/// A record's members: name and JSON text.
pub(super) type Members<'a> = Vec<(Cow<'a, str>, Cow<'a, str>)>;

/// Verifies a line of NDJSON.
pub(super) fn verify_json(check: &Check<'_>, line: &str) -> Findings {
    let mut findings = Findings::default();
    match json::object(line) {
        Ok(members) => {
            let members: Members<'_> = members
                .into_iter()
                .map(|(name, token)| (name, Cow::Borrowed(token)))
                .collect();
            match format_of(check, find(&members, "format")) {
                Ok(format) => verify_members(check, format, &members, &mut findings),
                Err(says) => findings.add("format", says),
            }
        }
        Err(fault) => findings.add("", fault.to_string()),
    }
    findings
}

/// Verifies a CSV row under its header.
pub(super) fn verify_cells(check: &Check<'_>, header: &[String], row: &ByteRecord) -> Findings {
    let mut findings = Findings::default();
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
            let members = cells
                .iter()
                .filter_map(|(name, text)| {
                    Some((Cow::Borrowed(*name), token_of(format, name, text)?))
                })
                .collect();
            verify_members(check, format, &members, &mut findings);
        }
        Err(says) => findings.add("format", says),
    }
    findings
}

/// A cell as the JSON text its field has; `None` where an empty cell means
/// that there is none.
fn token_of<'a>(format: &Format, name: &str, text: &'a str) -> Option<Cow<'a, str>> {
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

pub(super) fn find<'m>(members: &'m Members<'_>, name: &str) -> Option<&'m str> {
    members
        .iter()
        .find(|(member, _)| member == name)
        .map(|(_, token)| token.as_ref())
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
    if format.alg() != check.alg {
        return Err(format!(
            "{id} is signed with {}, the key is for {}",
            format.alg(),
            check.alg
        ));
    }
    Ok(format)
}

fn verify_members(
    check: &Check<'_>,
    format: &'static Format,
    members: &Members<'_>,
    findings: &mut Findings,
) {
    let Some(layout) = layout_of(format, members, findings) else {
        return;
    };
    let mut values: Vec<Option<String>> = vec![None; format.fields.len()];
    for claim in layout.members() {
        match claim {
            Claim::Field(name) => {
                read_field(format, name, find(members, name), &mut values, findings);
            }
            Claim::Object(name, inner) => match find(members, name).map(json::object) {
                Some(Ok(own)) => {
                    for (member, _) in &own {
                        if !inner.contains(&member.as_ref()) {
                            findings.add(&format!("{name}.{member}"), "is no member of it");
                        }
                    }
                    for field in inner {
                        let token = own.iter().find(|(m, _)| m == field).map(|(_, t)| *t);
                        read_field(format, field, token, &mut values, findings);
                    }
                }
                Some(Err(fault)) => findings.add(name, fault.to_string()),
                None => findings.add(name, "is missing"),
            },
        }
    }
    findings.nonce = nonce_key(format, &values);
    for derived in format.derived {
        let expected = format
            .field(derived.from)
            .and_then(|(at, _)| values[at].as_deref())
            .map(derived.make);
        let token = find(members, derived.name).map(json::string);
        match (expected, token) {
            (Some(expected), Some(Ok(found))) if found == expected => {}
            (Some(expected), _) => findings.add(derived.name, format!("is not {expected}")),
            (None, _) => {}
        }
    }
    let result = layout.result();
    match find(members, result).map(json::string) {
        Some(Ok(text)) => match &layout.signing {
            Signing::Joined { order } => {
                let message = joined(format, order, &values);
                match envelope::read_signature(&text) {
                    None => findings.add(result, "is not DER in standard base64"),
                    Some(rs) if !check.verifier.verify(message.as_bytes(), &rs) => {
                        findings.add(result, "does not verify under this key");
                    }
                    Some(_) => {}
                }
            }
            Signing::Jws { header, claims } => {
                verify_jws(check, &text, members, claims, findings);
                verify_header(format, &text, header, &values, findings);
            }
        },
        Some(Err(_)) => findings.add(result, "is no string"),
        None => findings.add(result, "is missing"),
    }
}

fn layout_of(
    format: &'static Format,
    members: &Members<'_>,
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

/// Reads one field as strictly as it was written: its own JSON type, its
/// canonical text.
fn read_field(
    format: &'static Format,
    name: &str,
    token: Option<&str>,
    values: &mut [Option<String>],
    findings: &mut Findings,
) {
    let Some((at, field)) = format.field(name) else {
        return;
    };
    let Some(token) = token else {
        let optional = matches!(
            field.source,
            Source::Optional | Source::KeyId { required: false }
        );
        // An expiry may be left out by other signers; ours always has one.
        if !optional && field.source != Source::Expiry {
            findings.add(name, "is missing");
        }
        return;
    };
    match canonical(field, token) {
        Ok(text) => values[at] = Some(text),
        Err(says) => findings.add(name, says),
    }
}

fn canonical(field: &Field, token: &str) -> Result<String, String> {
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
    if let Some(wrapping) = field.wrapped {
        let value = (wrapping.unwrap)(&text).ok_or("is not its encoding")?;
        if (wrapping.lacks_id)(&value) {
            return Err(format!("has no {} inside", wrapping.label));
        }
        let mut out = Vec::new();
        return match field.read(&value, &mut out) {
            Ok(()) => Ok(text.into_owned()),
            Err(fault) => Err(format!(
                "{}: {} (wanted {})",
                fault.path, fault.code, fault.wanted
            )),
        };
    }
    let mut out = Vec::new();
    field
        .read(&text, &mut out)
        .map_err(|fault| format!("{} (wanted {})", fault.code, fault.wanted))?;
    let same = match shape {
        Shape::Array | Shape::Object => true,
        _ => out == text.as_bytes(),
    };
    if !same {
        return Err("is not in the form that is signed (lower case?)".into());
    }
    Ok(text.into_owned())
}

/// The message, rebuilt from the record alone.
pub(super) fn joined(format: &Format, order: &[&str], values: &[Option<String>]) -> String {
    let text = |name: &&str| {
        let value = format.field(name).and_then(|(at, _)| values[at].as_deref());
        value.unwrap_or_default()
    };
    order.iter().map(text).collect::<Vec<_>>().join(SEPARATOR)
}

fn nonce_key(format: &Format, values: &[Option<String>]) -> Option<NonceKey> {
    let (at, _) = format.field_from(Source::Nonce)?;
    let mut digest = Sha256::new();
    digest.update(format.id);
    digest.update(values[at].as_deref()?);
    for name in format.nonce_scope {
        let scope = format.field(name).and_then(|(at, _)| values[at].as_deref());
        digest.update([0]);
        digest.update(scope.unwrap_or_default());
    }
    let mut key = NonceKey::default();
    key.copy_from_slice(&digest.finalize()[..16]);
    Some(key)
}

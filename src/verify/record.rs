//! One signed record: its fields, its signature, and whether they agree.

use std::borrow::Cow;

use csv::ByteRecord;
use sha2::{Digest, Sha256};

use crate::envelope;
use crate::format::{Claim, Field, Format, Layout, SEPARATOR, Signing, Source, VERSION};
use crate::json::{self, Member, Shape};
use crate::jws::Compact;

use super::Check;
use super::judge::{Judge, Pending};
use super::token;

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
    /// Its signature, while nobody has judged it.
    pub(super) pending: Option<Pending>,
}

impl Findings {
    /// Adds a finding.
    pub fn add<'s>(&mut self, field: &str, says: impl Into<Cow<'s, str>>) {
        self.insert(self.all.len(), field, says);
    }

    /// Adds a finding in front of others.
    pub(super) fn insert<'s>(&mut self, at: usize, field: &str, says: impl Into<Cow<'s, str>>) {
        let finding = Finding {
            field: field.to_owned(),
            says: says.into().into_owned(),
        };
        self.all.insert(at, finding);
    }
}

/// The values of a format's fields as they were signed, each in its place.
pub(super) type Values<'a> = Vec<Option<Cow<'a, str>>>;

/// Verifies a line of NDJSON, all but its signature.
pub(super) fn verify_json(check: &Check<'_>, line: &str, judge: &mut Judge) -> Findings {
    let mut findings = Findings::default();
    match json::object(line) {
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

/// The JSON text of a record's member.
pub(super) fn find<'a>(members: &[Member<'a>], name: &str) -> Option<&'a str> {
    let found = members.iter().find(|(member, _)| member == name);
    found.map(|(_, token)| *token)
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
    format: &'static Format,
    members: &[Member<'_>],
    judge: &mut Judge,
    findings: &mut Findings,
) {
    let Some(layout) = layout_of(format, members, findings) else {
        return;
    };
    let values = read_fields(format, layout, members, findings);
    findings.nonce = nonce_key(format, &values);
    for derived in format.derived {
        let expected = value(format, derived.from, &values).map(derived.make);
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
            Signing::Joined { order } => match envelope::read_signature(&text) {
                None => findings.add(result, "is not DER in standard base64"),
                Some(rs) => {
                    let write = |out: &mut Vec<u8>| write_joined(format, order, &values, out);
                    judge.hand_in(result, &rs, write, findings);
                }
            },
            Signing::Jws { header, claims } => match Compact::parse(&text) {
                Err(error) => findings.add(result, error.to_string()),
                Ok(token) => {
                    let write =
                        |out: &mut Vec<u8>| out.extend_from_slice(token.signing_input.as_bytes());
                    judge.hand_in(result, &token.signature, write, findings);
                    token::verify_claims(&token, members, claims, findings);
                    token::verify_header(format, &token, header, &values, findings);
                }
            },
        },
        Some(Err(_)) => findings.add(result, "is no string"),
        None => findings.add(result, "is missing"),
    }
}

fn layout_of(
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

/// Reads every field of a record.
fn read_fields<'a>(
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
fn canonical<'a>(
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

fn nonce_key(format: &Format, values: &Values<'_>) -> Option<NonceKey> {
    let (at, _) = format.field_from(Source::Nonce)?;
    let mut digest = Sha256::new();
    digest.update(format.id);
    digest.update(values[at].as_deref()?);
    for name in format.nonce_scope {
        digest.update([0]);
        digest.update(value(format, name, values).unwrap_or_default());
    }
    let mut key = NonceKey::default();
    key.copy_from_slice(&digest.finalize()[..16]);
    Some(key)
}

//! From a record and its nonces to the exact bytes that are signed.
//!
//! Joined formats sign their values' text with U+2063 between; JWS formats
//! sign `BASE64URL(header) . BASE64URL(payload)` (RFC 7515 §5.1), the JSON
//! compact and in a fixed order so that the same record always gives the same
//! bytes. This module must not know keys, engines or files.

mod recipe;

use uuid::Uuid;
use uuid::fmt::Hyphenated;

use crate::format::{Format, SEPARATOR, Signing, Source};
use crate::json;
use crate::jws;
use crate::record::Record;
use crate::stamp::{Identity, Stamps};

use recipe::{Member, Recipe, Value};

/// What is derived for one signed record: its nonce, and the id inside a
/// wrapped claim; each only where the row brought none.
#[derive(Clone, Copy, Debug, Default)]
pub struct Derived {
    nonce: Option<[u8; Hyphenated::LENGTH]>,
    inner_id: Option<[u8; Hyphenated::LENGTH]>,
}

impl Derived {
    /// The derived nonce's text, 36 characters in lower case.
    pub fn nonce(&self) -> Option<&str> {
        text(self.nonce.as_ref())
    }

    /// The derived inner id's text.
    pub fn inner_id(&self) -> Option<&str> {
        text(self.inner_id.as_ref())
    }
}

fn text(bytes: Option<&[u8; Hyphenated::LENGTH]>) -> Option<&str> {
    bytes.and_then(|bytes| std::str::from_utf8(bytes).ok())
}

fn lower(uuid: Uuid) -> [u8; Hyphenated::LENGTH] {
    let mut out = [0; Hyphenated::LENGTH];
    uuid.hyphenated().encode_lower(&mut out);
    out
}

/// How the records of one format become bytes: every constant part made once.
#[derive(Debug)]
pub struct Recipes {
    format: &'static Format,
    layouts: Vec<Recipe>,
}

impl Recipes {
    /// The recipes of a format.
    pub fn new(format: &'static Format) -> Self {
        let layouts = format
            .layouts
            .iter()
            .map(|layout| Recipe::new(format, layout))
            .collect();
        Self { format, layouts }
    }

    /// The format.
    pub fn format(&self) -> &'static Format {
        self.format
    }

    /// Derives what the record lacks. `copy` counts from 0.
    pub fn derive(&self, stamps: &Stamps, record: &Record<'_>, copy: u64) -> Derived {
        let recipe = &self.layouts[record.layout()];
        let version = self.format.layouts[record.layout()]
            .version
            .unwrap_or_default();
        let identity = match record.row_id() {
            Some(id) => Identity::RowId(id),
            None => Identity::Place(record.number()),
        };
        let derive = |label: &str| {
            let mut stamp = stamps.start(label, identity, copy);
            stamp.value(Some(self.format.id.as_bytes()));
            stamp.value(Some(version.as_bytes()));
            stamp.value(recipe.time.and_then(|at| record.value(at)));
            for &at in &recipe.nonce_values {
                stamp.value(record.value(at));
            }
            lower(stamp.finish())
        };
        let lacks_nonce = |at: usize| record.value(at).is_none();
        let inner = recipe.wrapped.and_then(|at| {
            let wrapping = self.format.fields[at].wrapped?;
            record
                .text(at)
                .is_some_and(wrapping.lacks_id)
                .then_some(wrapping.label)
        });
        Derived {
            nonce: recipe
                .nonce
                .is_some_and(lacks_nonce)
                .then(|| derive("nonce")),
            inner_id: inner.map(derive),
        }
    }

    /// The canonical text of a field as it is signed, the derived nonce
    /// included; a wrapped field gives the value inside its claim.
    pub fn value<'a>(
        &self,
        record: &Record<'a>,
        derived: &'a Derived,
        at: usize,
    ) -> Option<&'a [u8]> {
        match record.value(at) {
            None if self.format.fields[at].source == Source::Nonce => {
                derived.nonce().map(str::as_bytes)
            }
            value => value,
        }
    }

    /// Appends the record's members as JSON, in their order and without the
    /// braces: `"version":"4.0","ad-network-id":…`.
    pub fn write_members(&self, record: &Record<'_>, derived: &Derived, out: &mut Vec<u8>) {
        let recipe = &self.layouts[record.layout()];
        self.write_some(&recipe.members, record, derived, out);
    }

    /// Appends the JSON text of one member's value: a field's, or a whole
    /// object's; nothing where it is absent.
    pub fn write_claim(
        &self,
        claim: &str,
        record: &Record<'_>,
        derived: &Derived,
        out: &mut Vec<u8>,
    ) {
        let recipe = &self.layouts[record.layout()];
        let name = |member: &&Member| member.name[1..member.name.len() - 2] == *claim.as_bytes();
        if let Some(member) = recipe.members.iter().find(name) {
            self.write_value(&member.value, record, derived, out);
        }
    }

    /// Appends the signed bytes. For a JWS, `members` are the payload's, as
    /// [`Recipes::write_members`] gives them.
    pub fn write_signing_input(
        &self,
        record: &Record<'_>,
        derived: &Derived,
        members: &[u8],
        scratch: &mut Scratch,
        out: &mut Vec<u8>,
    ) {
        let recipe = &self.layouts[record.layout()];
        match &self.format.layouts[record.layout()].signing {
            Signing::Joined { .. } => {
                for (nth, &at) in recipe.order.iter().enumerate() {
                    if nth > 0 {
                        out.extend_from_slice(SEPARATOR.as_bytes());
                    }
                    out.extend_from_slice(self.value(record, derived, at).unwrap_or_default());
                }
            }
            Signing::Jws { .. } => {
                scratch.encode_header(recipe, record);
                out.extend_from_slice(&scratch.encoded_header);
                out.push(b'.');
                scratch.payload.clear();
                scratch.payload.push(b'{');
                scratch.payload.extend_from_slice(members);
                scratch.payload.push(b'}');
                jws::write_base64url(&scratch.payload, out);
            }
        }
    }

    fn write_some(
        &self,
        members: &[Member],
        record: &Record<'_>,
        derived: &Derived,
        out: &mut Vec<u8>,
    ) {
        let start = out.len();
        for member in members {
            let before = out.len();
            if before > start {
                out.push(b',');
            }
            out.extend_from_slice(&member.name);
            let value = out.len();
            self.write_value(&member.value, record, derived, out);
            if out.len() == value {
                out.truncate(before);
            }
        }
    }

    fn write_value(
        &self,
        value: &Value,
        record: &Record<'_>,
        derived: &Derived,
        out: &mut Vec<u8>,
    ) {
        match value {
            Value::Object(members) => {
                out.push(b'{');
                self.write_some(members, record, derived, out);
                out.push(b'}');
            }
            Value::Field { at, quoted } => {
                let Some(bytes) = self.value(record, derived, *at) else {
                    return;
                };
                let field = &self.format.fields[*at];
                if let Some(wrapping) = field.wrapped {
                    out.push(b'"');
                    let value = record.text(*at).unwrap_or_default();
                    (wrapping.wrap)(value, derived.inner_id(), out);
                    out.push(b'"');
                } else if *quoted {
                    // Records hold checked UTF-8 only.
                    json::write_string(std::str::from_utf8(bytes).unwrap_or_default(), out);
                } else {
                    out.extend_from_slice(bytes);
                }
            }
        }
    }
}

/// Memory that signing inputs are made in, reused from record to record.
#[derive(Debug, Default)]
pub struct Scratch {
    payload: Vec<u8>,
    header: Vec<u8>,
    last_header: Vec<u8>,
    encoded_header: Vec<u8>,
}

impl Scratch {
    /// Encodes the JOSE header, or keeps the last one where it is the same,
    /// as it is on nearly every row of a run.
    fn encode_header(&mut self, recipe: &Recipe, record: &Record<'_>) {
        self.header.clear();
        self.header.push(b'{');
        for (piece, field) in &recipe.header {
            let value = match field {
                None => "",
                Some(at) => match record.text(*at) {
                    Some(text) => text,
                    None => continue,
                },
            };
            if self.header.len() > 1 {
                self.header.push(b',');
            }
            self.header.extend_from_slice(piece);
            if field.is_some() {
                json::write_string(value, &mut self.header);
            }
        }
        self.header.push(b'}');
        if self.header != self.last_header {
            self.encoded_header.clear();
            jws::write_base64url(&self.header, &mut self.encoded_header);
            std::mem::swap(&mut self.header, &mut self.last_header);
        }
    }
}

//! From a record and its nonces to the exact bytes that are signed.
//!
//! Joined formats sign their values' text with U+2063 between; JWS formats
//! sign `BASE64URL(header) . BASE64URL(payload)` (RFC 7515 §5.1), the JSON
//! compact and in a fixed order so that the same record always gives the same
//! bytes. This module must not know keys, engines or files.

mod recipe;

use uuid::Uuid;
use uuid::fmt::Hyphenated;

use crate::format::{Format, Layout, SEPARATOR, Signing, Source};
use crate::json;
use crate::jws;
use crate::record::Record;
use crate::stamp::{Identity, Items, Stamps};

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

/// Takes a field's value, or its absence, as an item of a nonce.
#[inline]
fn take(items: &mut Items, record: &Record<'_>, at: usize) {
    let length = record.value(at).map(<[u8]>::len);
    items.value_with(length, |out| record.append(at, out));
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
        let mut derived = Vec::with_capacity(1);
        let one = std::iter::once((*record, copy));
        self.derive_all(stamps, one, &mut Deriving::default(), &mut derived);
        derived.pop().unwrap_or_default()
    }

    /// Derives what each of many records lacks, with the number of its copy:
    /// appended to `derived` in their order.
    pub fn derive_all<'a>(
        &self,
        stamps: &Stamps,
        records: impl Iterator<Item = (Record<'a>, u64)>,
        deriving: &mut Deriving,
        derived: &mut Vec<Derived>,
    ) {
        let Deriving {
            items,
            uuids,
            lacks,
        } = deriving;
        items.clear();
        lacks.clear();
        for (record, copy) in records {
            let recipe = &self.layouts[record.layout()];
            let mut write = |label: &str| {
                let identity = match record.row_id() {
                    Some(id) => Identity::RowId(id),
                    None => Identity::Place(record.number()),
                };
                items.start(label, identity, copy);
                items.values(&recipe.nonce_constants);
                match recipe.time {
                    Some(time) => take(items, &record, time),
                    None => items.value(None),
                }
                for &at in &recipe.nonce_values {
                    take(items, &record, at);
                }
                stamps.end(items);
            };
            let lacks_nonce = recipe.nonce.is_some_and(|at| record.value(at).is_none());
            if lacks_nonce {
                write("nonce");
            }
            let inner = recipe.wrapped.and_then(|at| {
                let wrapping = self.format.fields[at].wrapped?;
                let lacks_id = record.text(at).is_some_and(wrapping.lacks_id);
                lacks_id.then_some(wrapping.label)
            });
            if let Some(label) = inner {
                write(label);
            }
            lacks.push((lacks_nonce, inner.is_some()));
        }
        stamps.finish_all(items, uuids);
        let mut uuids = uuids.iter();
        derived.extend(lacks.iter().map(|&(nonce, inner_id)| {
            let mut next = |lacks: bool| lacks.then(|| uuids.next().copied().map(lower)).flatten();
            Derived {
                nonce: next(nonce),
                inner_id: next(inner_id),
            }
        }));
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
                derived.nonce.as_ref().map(|nonce| &nonce[..])
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
        if let Some(member) = recipe.members.iter().find(|member| member.name == claim)
            && let Some(value) = self.present(&member.value, record, derived)
        {
            out.extend_from_slice(member.value.opening());
            self.write_value(&member.value, value, record, derived, out);
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
        let payload = [b"{", members, b"}"].concat();
        self.write_signing_input_of(record, derived, &payload, scratch, out);
    }

    /// The same where the members stand between braces already.
    pub fn write_signing_input_of(
        &self,
        record: &Record<'_>,
        derived: &Derived,
        payload: &[u8],
        scratch: &mut Scratch,
        out: &mut Vec<u8>,
    ) {
        let recipe = &self.layouts[record.layout()];
        let layout = &self.format.layouts[record.layout()];
        match &layout.signing {
            Signing::Joined { .. } => {
                for (nth, &at) in recipe.order.iter().enumerate() {
                    if nth > 0 {
                        out.extend_from_slice(SEPARATOR.as_bytes());
                    }
                    out.extend_from_slice(self.value(record, derived, at).unwrap_or_default());
                }
            }
            Signing::Jws { .. } => {
                scratch.encode_header(layout, recipe, record);
                out.extend_from_slice(&scratch.encoded_header);
                out.push(b'.');
                jws::write_base64url(payload, out);
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
        // The first one has no comma before it.
        let mut is_first = true;
        for member in members {
            if let Some(value) = self.present(&member.value, record, derived) {
                match std::mem::take(&mut is_first) {
                    true => member.lead.write_first(out),
                    false => member.lead.write(out),
                }
                self.write_value(&member.value, value, record, derived, out);
            }
        }
    }

    /// The bytes a value is made of; `None` where it is absent.
    #[inline(always)]
    fn present<'a>(
        &self,
        value: &Value,
        record: &Record<'a>,
        derived: &'a Derived,
    ) -> Option<&'a [u8]> {
        match value {
            Value::Object(_) => Some(b""),
            Value::Bare(at) => self
                .value(record, derived, *at)
                .filter(|bytes| !bytes.is_empty()),
            Value::Text(at) | Value::Uuid(at) | Value::Wrapped(at, _) => {
                self.value(record, derived, *at)
            }
        }
    }

    /// Appends a value that is there, behind its opening.
    #[inline(always)]
    fn write_value(
        &self,
        value: &Value,
        bytes: &[u8],
        record: &Record<'_>,
        derived: &Derived,
        out: &mut Vec<u8>,
    ) {
        match value {
            Value::Bare(at) => {
                record.append(*at, out);
                return;
            }
            // A copy of known size needs no call.
            Value::Uuid(_) => match <&[u8; Hyphenated::LENGTH]>::try_from(bytes) {
                Ok(uuid) => out.extend_from_slice(uuid),
                Err(_) => out.extend_from_slice(bytes),
            },
            // What was derived does not stand in the record.
            Value::Text(at) => match json::is_plain(bytes) && record.value(*at).is_some() {
                true => record.append(*at, out),
                false => json::write_escaped(bytes, out),
            },
            Value::Wrapped(at, wrapping) => {
                let text = record.text(*at).unwrap_or_default();
                (wrapping.wrap)(text, derived.inner_id(), out);
            }
            Value::Object(members) => {
                self.write_some(members, record, derived, out);
                out.push(b'}');
                return;
            }
        }
        out.push(b'"');
    }
}

/// Memory that nonces are derived in, reused from batch to batch.
#[derive(Debug, Default)]
pub struct Deriving {
    items: Items,
    uuids: Vec<Uuid>,
    /// Whether each record lacks its nonce, and its inner id.
    lacks: Vec<(bool, bool)>,
}

/// Memory that signing inputs are made in, reused from record to record.
#[derive(Debug, Default)]
pub struct Scratch {
    /// What the encoded header was made of: the layout, and the values of its
    /// fields, in their order.
    layout: Option<&'static Layout>,
    values: Vec<Option<Vec<u8>>>,
    encoded_header: Vec<u8>,
}

impl Scratch {
    /// Encodes the JOSE header, or keeps the last one where it is the same,
    /// as it is on nearly every row of a run.
    fn encode_header(&mut self, layout: &'static Layout, recipe: &Recipe, record: &Record<'_>) {
        let fields = recipe.header.iter().filter_map(|(_, field)| *field);
        let values = || fields.clone().map(|at| record.value(at));
        let is_last = self.layout.is_some_and(|last| std::ptr::eq(last, layout));
        // The same layout has as many fields in its header.
        let mut pairs = values().zip(&self.values);
        if is_last && pairs.all(|(value, last)| value == last.as_deref()) {
            return;
        }
        self.layout = Some(layout);
        self.values.clear();
        self.values
            .extend(values().map(|value| value.map(<[u8]>::to_vec)));
        let mut header = b"{".to_vec();
        for (piece, field) in &recipe.header {
            let value = match field {
                None => None,
                Some(at) => match record.text(*at) {
                    Some(text) => Some(text),
                    None => continue,
                },
            };
            if header.len() > 1 {
                header.push(b',');
            }
            header.extend_from_slice(piece);
            if let Some(value) = value {
                json::write_string(value, &mut header);
            }
        }
        header.push(b'}');
        self.encoded_header.clear();
        jws::write_base64url(&header, &mut self.encoded_header);
    }
}

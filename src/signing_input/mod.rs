//! From a record and its nonces to the exact bytes that are signed.
//!
//! Joined formats sign their values' text with U+2063 between; JWS formats
//! sign `BASE64URL(header) . BASE64URL(payload)` (RFC 7515 §5.1), the JSON
//! compact and in a fixed order so that the same record always gives the same
//! bytes. This module must not know keys, engines or files.

mod deriving;
mod recipe;

use uuid::fmt::Hyphenated;

use crate::format::{Format, Kind, Layout, SEPARATOR, Signing, Source, Unit};
use crate::json;
use crate::jws;
use crate::record::Record;
use crate::stamp::{Identity, Items, Stamps};

pub use deriving::{Copy, Derived, Deriving};
use deriving::{Digits, Lacks};
use recipe::{Member, Recipe, Value};

/// Takes a field's value, or its absence, as an item of a nonce.
#[inline]
fn take(items: &mut Items, record: &Record<'_>, at: usize) {
    let length = record.value(at).map(<[u8]>::len);
    items.value_with(length, |out| record.append(at, out));
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
        let mut deriving = Deriving::default();
        let copy = Copy {
            number: copy,
            time: None,
        };
        self.take_up(record, copy, &mut deriving);
        deriving.finish(Some(|_| stamps), &mut derived);
        derived.pop().unwrap_or_default()
    }

    /// Takes up what a record lacks, to be derived together with what others
    /// do, of this and other formats.
    pub fn take_up(&self, record: &Record<'_>, copy: Copy, deriving: &mut Deriving) {
        let Deriving {
            items, lacks, keys, ..
        } = deriving;
        let recipe = &self.layouts[record.layout()];
        let time = recipe.time.filter(|at| record.value(*at).is_none());
        let time = time.zip(copy.time).map(|(at, millis)| {
            let unit = match self.format.fields[at].kind {
                Kind::Time(unit) => unit,
                _ => Unit::Milliseconds,
            };
            Digits::of(millis / unit.in_millis())
        });
        let mut write = |label: &str| {
            let identity = match (record.row_id(), record.publisher()) {
                (Some(id), Some(publisher)) => Identity::RowIdAt(id, publisher),
                (Some(id), None) => Identity::RowId(id),
                (None, _) => Identity::Place(record.place()),
            };
            items.start(label, identity, copy.number);
            items.values(&recipe.nonce_constants);
            match (recipe.time, &time) {
                (Some(_), Some(time)) => items.value(Some(time.as_bytes())),
                (Some(at), None) => take(items, record, at),
                (None, _) => items.value(None),
            }
            for &at in &recipe.nonce_values {
                take(items, record, at);
            }
            items.close();
            keys.push(record.key());
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
        lacks.push(Lacks {
            nonce: lacks_nonce,
            inner_id: inner.is_some(),
            time,
        });
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
            None => match self.format.fields[at].source {
                Source::Nonce => derived.nonce.as_ref().map(|nonce| &nonce[..]),
                Source::Clock => derived.time.as_ref().map(Digits::as_bytes),
                _ => None,
            },
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
                match derived.time {
                    None => record.append(*at, out),
                    // It may be the very value that was derived.
                    Some(_) => out.extend_from_slice(bytes),
                }
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

//! How one version's records become bytes, worked out once per run: names
//! quoted, fields found, the header in pieces.

use crate::format::{Claim, Field, Format, HeaderValue, Kind, Layout, Signing, Source, Wrapping};
use crate::json::{self, Shape};
use crate::stamp::Items;

#[derive(Debug)]
pub(super) struct Recipe {
    /// The record's members in their order, for JSON.
    pub(super) members: Vec<Member>,
    /// The fields joined, where the format joins.
    pub(super) order: Vec<usize>,
    /// The JOSE header's members: constant text, then a field's value.
    pub(super) header: Vec<(Vec<u8>, Option<usize>)>,
    /// The signed values that a nonce is derived from, beside the timestamp.
    pub(super) nonce_values: Vec<usize>,
    /// The format and the version, as items of a nonce.
    pub(super) nonce_constants: Vec<u8>,
    pub(super) time: Option<usize>,
    pub(super) nonce: Option<usize>,
    pub(super) wrapped: Option<usize>,
}

#[derive(Debug)]
pub(super) struct Member {
    /// The claim.
    pub(super) name: &'static str,
    /// `,"name":`, with the quote that opens a string behind it.
    pub(super) lead: Vec<u8>,
    pub(super) value: Value,
}

#[derive(Debug)]
pub(super) enum Value {
    /// A field's text as it stands.
    Bare(usize),
    /// A field's text as a string, without what must be escaped.
    Plain(usize),
    /// A field's text as a string.
    Text(usize),
    /// A string that is made of a field.
    Wrapped(usize, Wrapping),
    Object(Vec<Member>),
}

impl Member {
    /// The text between the name and the value.
    pub(super) fn opening(&self) -> &'static [u8] {
        match self.value {
            Value::Bare(_) => b"",
            Value::Object(_) => b"{",
            Value::Plain(_) | Value::Text(_) | Value::Wrapped(..) => b"\"",
        }
    }
}

impl Recipe {
    pub(super) fn new(format: &'static Format, layout: &'static Layout) -> Self {
        // A test over the table holds that every name is a field's.
        let place = |name: &str| format.field(name).map_or(0, |(at, _)| at);
        let names = layout.field_names();
        let has = |(at, _): &(usize, _)| names.contains(&format.fields[*at].name);
        let is_value = |source: Source| {
            !matches!(
                source,
                Source::Clock | Source::Constant(_) | Source::Nonce | Source::Version
            )
        };
        Self {
            members: layout.members().iter().map(|c| member(format, c)).collect(),
            order: match &layout.signing {
                Signing::Joined { order } => order.iter().map(|name| place(name)).collect(),
                Signing::Jws { .. } => Vec::new(),
            },
            header: header(layout, place),
            nonce_values: (0..format.fields.len())
                .filter(|at| {
                    let field = &format.fields[*at];
                    names.contains(&field.name) && is_value(field.source)
                })
                .collect(),
            nonce_constants: {
                let version = layout.version.unwrap_or_default();
                Items::of(&[format.id.as_bytes(), version.as_bytes()])
            },
            time: format
                .field_from(Source::Clock)
                .filter(has)
                .map(|(at, _)| at),
            nonce: format
                .field_from(Source::Nonce)
                .filter(has)
                .map(|(at, _)| at),
            wrapped: format
                .fields
                .iter()
                .position(|f| f.wrapped.is_some() && names.contains(&f.name)),
        }
    }
}

fn member(format: &'static Format, claim: &Claim) -> Member {
    let (name, value) = match claim {
        Claim::Field(name) => match format.field(name) {
            Some((at, field)) => (*name, value(at, field)),
            None => unreachable!("a test over the table holds that {name} is a field"),
        },
        Claim::Object(name, members) => {
            let members = members.iter().map(|name| Claim::Field(name));
            let members = members.map(|claim| member(format, &claim)).collect();
            (*name, Value::Object(members))
        }
    };
    let mut lead = b",".to_vec();
    json::write_string(name, &mut lead);
    lead.push(b':');
    let mut member = Member { name, lead, value };
    let opening = member.opening();
    member.lead.extend_from_slice(opening);
    member
}

fn value(at: usize, field: &Field) -> Value {
    match (field.wrapped, field.kind) {
        (Some(wrapping), _) => Value::Wrapped(at, wrapping),
        (None, Kind::Uuid) => Value::Plain(at),
        (None, kind) if kind.shape() == Shape::String => Value::Text(at),
        (None, _) => Value::Bare(at),
    }
}

/// The header in pieces: text up to a field's value, and the field. Where the
/// field is absent its member is left out, so the comma belongs to the piece.
fn header(layout: &Layout, place: impl Fn(&str) -> usize) -> Vec<(Vec<u8>, Option<usize>)> {
    let Signing::Jws { header, .. } = &layout.signing else {
        return Vec::new();
    };
    header
        .iter()
        .map(|(name, value)| {
            let mut piece = Vec::new();
            json::write_string(name, &mut piece);
            piece.push(b':');
            match value {
                HeaderValue::Constant(text) => {
                    json::write_string(text, &mut piece);
                    (piece, None)
                }
                HeaderValue::Field(name) => (piece, Some(place(name))),
            }
        })
        .collect()
}

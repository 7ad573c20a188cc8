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
    pub(super) lead: Lead,
    pub(super) value: Value,
}

#[derive(Debug)]
pub(super) enum Value {
    /// A field's text as it stands.
    Bare(usize),
    /// A UUID, given or derived, as a string: nothing in it is escaped.
    Uuid(usize),
    /// A field's text as a string.
    Text(usize),
    /// A string that is made of a field.
    Wrapped(usize, Wrapping),
    Object(Vec<Member>),
}

/// Constant bytes, padded: a copy of known size needs no call.
#[derive(Debug)]
pub(super) struct Lead {
    padded: [u8; Self::SIZE],
    text: Vec<u8>,
}

impl Lead {
    const SIZE: usize = 32;

    fn new(text: Vec<u8>) -> Self {
        let mut padded = [0; Self::SIZE];
        for (byte, text) in padded.iter_mut().zip(&text) {
            *byte = *text;
        }
        Self { padded, text }
    }

    /// Appends it.
    #[inline]
    pub(super) fn write(&self, out: &mut Vec<u8>) {
        if self.text.len() > Self::SIZE {
            out.extend_from_slice(&self.text);
        } else {
            let end = out.len() + self.text.len();
            out.extend_from_slice(&self.padded);
            out.truncate(end);
        }
    }

    /// The same without its first byte.
    pub(super) fn write_first(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.text[1..]);
    }
}

impl Value {
    /// The text between the name and the value.
    pub(super) fn opening(&self) -> &'static [u8] {
        match self {
            Self::Bare(_) => b"",
            Self::Object(_) => b"{",
            Self::Uuid(_) | Self::Text(_) | Self::Wrapped(..) => b"\"",
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
    lead.extend_from_slice(value.opening());
    let lead = Lead::new(lead);
    Member { name, lead, value }
}

fn value(at: usize, field: &Field) -> Value {
    match (field.wrapped, field.kind) {
        (Some(wrapping), _) => Value::Wrapped(at, wrapping),
        (None, Kind::Uuid) => Value::Uuid(at),
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

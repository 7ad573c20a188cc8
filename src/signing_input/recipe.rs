//! How one version's records become bytes, worked out once per run: names
//! quoted, fields found, the header in pieces.

use crate::format::{Claim, Format, HeaderValue, Layout, Signing, Source};
use crate::json::{self, Shape};

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
    pub(super) time: Option<usize>,
    pub(super) nonce: Option<usize>,
    pub(super) wrapped: Option<usize>,
}

#[derive(Debug)]
pub(super) struct Member {
    /// `"name":`
    pub(super) name: Vec<u8>,
    pub(super) value: Value,
}

#[derive(Debug)]
pub(super) enum Value {
    Field { at: usize, quoted: bool },
    Object(Vec<Member>),
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
    let named = |name: &str| {
        let mut text = Vec::new();
        json::write_string(name, &mut text);
        text.push(b':');
        text
    };
    match claim {
        Claim::Field(name) => {
            let (at, field) = match format.field(name) {
                Some((at, field)) => (at, field),
                None => unreachable!("a test over the table holds that {name} is a field"),
            };
            Member {
                name: named(name),
                value: Value::Field {
                    at,
                    quoted: field.kind.shape() == Shape::String,
                },
            }
        }
        Claim::Object(name, members) => Member {
            name: named(name),
            value: Value::Object(
                members
                    .iter()
                    .map(|name| member(format, &Claim::Field(name)))
                    .collect(),
            ),
        },
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

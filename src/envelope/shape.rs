//! Signed records as objects of a shape.
//!
//! The tree of a shape becomes a list of pieces for each version, worked out
//! once: constant text, and values between. This file must not know what a
//! member means.

use crate::format::shape::{Markup, Member, Node, escape_markup};
use crate::format::{Derived, Format, Layout, Shape};
use crate::json::{self, Shape as JsonShape};
use crate::record::Rules;
use crate::signing_input::Recipes;

use super::window::{self, Window};
use super::{Signed, write_result};

/// What stands between kept columns and an object.
const OBJECT: &[u8] = b"\"object\":";

/// Writes the objects of one shape, for one format or for several that are
/// signed for one row.
#[derive(Debug)]
pub(super) struct Shaped {
    /// Kept columns: `"name":`.
    keep: Vec<Vec<u8>>,
    /// When each format's records may be used, where that is told.
    windows: Vec<Window>,
    forms: Vec<Form>,
    /// The places of those formats whose records share an object, in their
    /// order.
    families: Vec<Vec<usize>>,
}

/// The shape of one format: the inside of its object for each version that
/// has it.
#[derive(Debug)]
struct Form {
    format: &'static Format,
    layouts: Vec<Vec<Piece>>,
}

#[derive(Debug)]
enum Piece {
    /// JSON as it stands.
    Constant(Vec<u8>),
    /// A value as it stands.
    Bare(usize),
    /// A value inside a string.
    Text(usize),
    /// A value inside a string of markup.
    Markup(usize),
    /// A derived member inside a string.
    Derived(&'static Derived, usize),
    /// A member of a field that may be absent, with its comma.
    Maybe(Maybe),
    /// The signature or the token, inside a string.
    Result,
    /// The elements of an array, one for each record of the family.
    Each(Vec<Piece>),
}

#[derive(Debug)]
struct Maybe {
    at: usize,
    /// `,"name":`, with the quote that opens a string behind it.
    lead: Vec<u8>,
    is_text: bool,
    only: Option<fn(&str) -> bool>,
}

/// A signed record with the recipes of its format.
type Element<'g, 'a> = (&'g Recipes, Signed<'a>);

impl Shaped {
    /// For the formats of one row, in the order in which they are signed.
    pub(super) fn new(all: &[&Rules], keep: &[String]) -> Self {
        let mut forms = Vec::new();
        let mut families: Vec<(&str, Vec<usize>)> = Vec::new();
        for rules in all {
            let Some(shape) = rules.shape() else { continue };
            let root = shape.root();
            match families.iter_mut().find(|(name, _)| *name == root) {
                Some((_, members)) => members.push(forms.len()),
                None => families.push((root, vec![forms.len()])),
            }
            forms.push(Form::new(rules.format(), shape));
        }
        let keep = keep.iter().map(|name| {
            let mut member = Vec::new();
            json::write_string(name, &mut member);
            member.push(b':');
            member
        });
        Self {
            keep: keep.collect(),
            windows: all.iter().filter_map(|rules| Window::of(rules)).collect(),
            forms,
            families: families.into_iter().map(|(_, members)| members).collect(),
        }
    }

    /// Appends one line. `group` has a record of every format, in their order.
    pub(super) fn write(&self, group: &[Element<'_, '_>], out: &mut Vec<u8>) {
        out.push(b'{');
        if self.is_wrapped() {
            self.write_kept(group, out);
            let windows = self.windows.iter().zip(group);
            let times = windows.map(|(window, (recipes, signed))| window.times(recipes, signed));
            if let Some(times) = window::common(times) {
                window::write(times, out);
            }
            out.extend_from_slice(OBJECT);
            out.push(b'{');
        }
        let mut is_first = true;
        for family in &self.families {
            let Some(&first) = family.first() else {
                continue;
            };
            let Some(element) = group.get(first) else {
                continue;
            };
            if !std::mem::take(&mut is_first) {
                out.push(b',');
            }
            for piece in self.pieces(first, element) {
                match piece {
                    Piece::Each(_) => self.write_each(family, group, out),
                    piece => self.forms[first].write(piece, element, out),
                }
            }
        }
        if self.is_wrapped() {
            out.push(b'}');
        }
        out.extend_from_slice(b"}\n");
    }

    /// Whether something stands beside the object.
    fn is_wrapped(&self) -> bool {
        !self.keep.is_empty() || !self.windows.is_empty()
    }

    fn write_kept(&self, group: &[Element<'_, '_>], out: &mut Vec<u8>) {
        let Some((_, signed)) = group.first() else {
            return;
        };
        for (at, member) in self.keep.iter().enumerate() {
            if let Some(value) = signed.record.kept(at) {
                out.extend_from_slice(member);
                out.extend_from_slice(value);
                out.push(b',');
            }
        }
    }

    fn write_each(&self, family: &[usize], group: &[Element<'_, '_>], out: &mut Vec<u8>) {
        out.push(b'[');
        let mut is_first = true;
        for &at in family {
            let Some(element) = group.get(at) else {
                continue;
            };
            let own = self
                .pieces(at, element)
                .iter()
                .find_map(|piece| match piece {
                    Piece::Each(own) => Some(own),
                    _ => None,
                });
            if let Some(own) = own {
                out.extend_from_slice(match std::mem::take(&mut is_first) {
                    true => b"{",
                    false => b",{",
                });
                for piece in own {
                    self.forms[at].write(piece, element, out);
                }
                out.push(b'}');
            }
        }
        out.push(b']');
    }

    fn pieces(&self, at: usize, (_, signed): &Element<'_, '_>) -> &[Piece] {
        &self.forms[at].layouts[signed.record.layout()]
    }
}

impl Form {
    fn new(format: &'static Format, shape: &'static Shape) -> Self {
        let layouts = format.layouts.iter().map(|layout| {
            let mut pieces = Vec::new();
            if shape.is_of(layout) {
                let maker = Maker {
                    format,
                    shape,
                    layout,
                };
                maker.members(shape.members, &mut pieces);
            }
            pieces
        });
        Self {
            format,
            layouts: layouts.collect(),
        }
    }

    fn write(&self, piece: &Piece, (recipes, signed): &Element<'_, '_>, out: &mut Vec<u8>) {
        let value = |at: usize| self.value(at, recipes, signed);
        let text = |at: usize| {
            let bytes = value(at).unwrap_or_default();
            // Only checked text gets into a record.
            std::str::from_utf8(bytes).unwrap_or_default()
        };
        match piece {
            Piece::Constant(text) => out.extend_from_slice(text),
            Piece::Bare(at) => out.extend_from_slice(value(*at).unwrap_or_default()),
            Piece::Text(at) => json::write_escaped(value(*at).unwrap_or_default(), out),
            Piece::Markup(at) => {
                // What is left to escape in JSON, a value of markup never has:
                // control characters are refused, and quotes are gone.
                let from = out.len();
                escape_markup(text(*at), out);
                if !json::is_plain(&out[from..]) {
                    let markup = out.split_off(from);
                    json::write_escaped(&markup, out);
                }
            }
            Piece::Derived(derived, at) => {
                json::write_escaped((derived.make)(text(*at)).as_bytes(), out);
            }
            Piece::Maybe(maybe) => {
                let is_there = value(maybe.at).is_some_and(|bytes| {
                    (!bytes.is_empty() || maybe.is_text)
                        && maybe.only.is_none_or(|only| only(text(maybe.at)))
                });
                if is_there {
                    out.extend_from_slice(&maybe.lead);
                    let bytes = value(maybe.at).unwrap_or_default();
                    if maybe.is_text {
                        json::write_escaped(bytes, out);
                        out.push(b'"');
                    } else {
                        out.extend_from_slice(bytes);
                    }
                }
            }
            Piece::Result => write_result(self.format, signed, out),
            // An array in an element of an array: no shape has one.
            Piece::Each(_) => {}
        }
    }

    /// A field's value, signed or not.
    fn value<'a>(&self, at: usize, recipes: &Recipes, signed: &'a Signed<'_>) -> Option<&'a [u8]> {
        if at < self.format.fields.len() {
            recipes.value(&signed.record, signed.derived, at)
        } else {
            signed.record.value(at)
        }
    }
}

/// Makes the pieces of one version.
struct Maker {
    format: &'static Format,
    shape: &'static Shape,
    layout: &'static Layout,
}

impl Maker {
    fn members(&self, members: &'static [Member], pieces: &mut Vec<Piece>) {
        let own = members
            .iter()
            .filter(|member| member.is_of(self.format, self.layout));
        for (nth, member) in own.enumerate() {
            let mut lead = Vec::new();
            if nth > 0 {
                lead.push(b',');
            }
            json::write_string(member.name, &mut lead);
            lead.push(b':');
            if let Some((at, field)) = member.field(self.format)
                && member.may_lack(self.format, self.shape)
            {
                let is_text = is_text(member, field.kind.shape());
                if is_text {
                    lead.push(b'"');
                }
                let only = member.only;
                let maybe = Maybe {
                    at,
                    lead,
                    is_text,
                    only,
                };
                pieces.push(Piece::Maybe(maybe));
                continue;
            }
            constant(pieces, &lead);
            self.node(member, pieces);
        }
    }

    fn node(&self, member: &Member, pieces: &mut Vec<Piece>) {
        match member.node {
            Node::Constant(text) => {
                let mut token = Vec::new();
                json::write_string(text, &mut token);
                constant(pieces, &token);
            }
            Node::Derived(name) => self.quoted(self.derived(name), pieces),
            Node::Each(members) => {
                let mut own = Vec::new();
                self.members(members, &mut own);
                pieces.push(Piece::Each(own));
            }
            Node::Field(_) | Node::Text(_) => {
                let Some((at, field)) = member.field(self.format) else {
                    unreachable!("a test over the table holds that every name is a field's");
                };
                match is_text(member, field.kind.shape()) {
                    true => self.quoted(Piece::Text(at), pieces),
                    false => pieces.push(Piece::Bare(at)),
                }
            }
            Node::Markup(parts) => {
                constant(pieces, b"\"");
                for part in parts {
                    match part {
                        Markup::Text(text) => {
                            let mut escaped = Vec::new();
                            json::write_escaped(text.as_bytes(), &mut escaped);
                            constant(pieces, &escaped);
                        }
                        Markup::Field(name) => {
                            let at = self.format.any_field(name).map_or(0, |(at, _)| at);
                            pieces.push(Piece::Markup(at));
                        }
                        // What is derived is base64url, which needs no escape.
                        Markup::Derived(name) => pieces.push(self.derived(name)),
                    }
                }
                constant(pieces, b"\"");
            }
            Node::Object(members) => {
                constant(pieces, b"{");
                self.members(members, pieces);
                constant(pieces, b"}");
            }
            Node::Result => self.quoted(Piece::Result, pieces),
        }
    }

    fn quoted(&self, piece: Piece, pieces: &mut Vec<Piece>) {
        constant(pieces, b"\"");
        pieces.push(piece);
        constant(pieces, b"\"");
    }

    fn derived(&self, name: &str) -> Piece {
        let derived = self.format.derived.iter().find(|own| own.name == name);
        let from = derived.and_then(|own| Some((own, self.format.field(own.from)?.0)));
        match from {
            Some((derived, at)) => Piece::Derived(derived, at),
            None => unreachable!("a test over the table holds that every name is derived"),
        }
    }
}

/// Whether a member's value stands between quotes.
fn is_text(member: &Member, shape: JsonShape) -> bool {
    matches!(member.node, Node::Text(_)) || shape == JsonShape::String
}

/// Appends constant text, to the last piece where that is constant, too.
fn constant(pieces: &mut Vec<Piece>, text: &[u8]) {
    match pieces.last_mut() {
        Some(Piece::Constant(last)) => last.extend_from_slice(text),
        _ => pieces.push(Piece::Constant(text.to_vec())),
    }
}

//! Shapes: the objects that those who use a signature take, as trees of named
//! members.
//!
//! A shape is data. The envelope writes it, `verify` reads it back, the
//! schemas describe it. Which members a version has follows from the fields it
//! has: a member of a field that a record lacks is left out. This file must
//! not know how JSON is written.

use super::{Field, Format, Layout};

/// The name of the flat record, which is no shape of a format's own.
pub const RECORD: &str = "record";

/// One object that holds a signature and what belongs to it.
#[derive(Debug)]
pub struct Shape {
    /// The name used on the command line.
    pub name: &'static str,
    /// What it is and who takes it, in a sentence.
    pub doc: &'static str,
    /// The page that defines it, by its title.
    pub source: &'static str,
    /// The members. The first of every object is always there.
    pub members: &'static [Member],
    /// The versions that have this shape; all, where it is `None`.
    pub versions: Option<&'static [&'static str]>,
    /// Fields that a row may lack elsewhere, and must have for this shape.
    pub demands: &'static [&'static str],
    /// Several formats signed for one row stand in one object: what they
    /// share once, and an element of [`Node::Each`] for each of them.
    pub joins: bool,
}

/// A named member of an object.
#[derive(Clone, Copy, Debug)]
pub struct Member {
    /// The name, as the consumer spells it.
    pub name: &'static str,
    /// What it holds.
    pub node: Node,
    /// A sentence for schemas.
    pub doc: &'static str,
    /// The versions that have it; all, where it is `None`.
    pub versions: Option<&'static [&'static str]>,
    /// It is there for such values of its field only.
    pub only: Option<fn(&str) -> bool>,
}

/// What a member holds.
#[derive(Clone, Copy, Debug)]
pub enum Node {
    /// Always this string.
    Constant(&'static str),
    /// A derived member of the format, a string.
    Derived(&'static str),
    /// An array with one object for each signed record that stands here.
    Each(&'static [Member]),
    /// A field in its own JSON type.
    Field(&'static str),
    /// A string of markup, made of fields.
    Markup(&'static [Markup]),
    /// An object.
    Object(&'static [Member]),
    /// The signature in DER and base64, or the compact JWS.
    Result,
    /// A field's text as a string, whatever its own type is.
    Text(&'static str),
}

/// A piece of markup.
#[derive(Clone, Copy, Debug)]
pub enum Markup {
    /// A derived member, escaped for markup.
    Derived(&'static str),
    /// A field's text, escaped for markup.
    Field(&'static str),
    /// Text as it stands.
    Text(&'static str),
}

impl Member {
    /// A member of all versions that have its field.
    pub const fn new(name: &'static str, node: Node, doc: &'static str) -> Self {
        Self {
            name,
            node,
            doc,
            versions: None,
            only: None,
        }
    }

    /// The same in these versions only.
    pub const fn of(mut self, versions: &'static [&'static str]) -> Self {
        self.versions = Some(versions);
        self
    }

    /// The same for such values of its field only.
    pub const fn only(mut self, is_meant: fn(&str) -> bool) -> Self {
        self.only = Some(is_meant);
        self
    }

    /// The field it holds, with its place, where it holds one.
    pub fn field(&self, format: &Format) -> Option<(usize, &'static Field)> {
        match self.node {
            Node::Field(name) | Node::Text(name) => format.any_field(name),
            _ => None,
        }
    }

    /// Whether records of this version may have it.
    pub fn is_of(&self, format: &Format, layout: &Layout) -> bool {
        if !is_among(self.versions, layout) {
            return false;
        }
        match self.node {
            Node::Field(name) | Node::Text(name) => layout.has(name) || format.is_unsigned(name),
            _ => true,
        }
    }

    /// Whether a record of a version that has it may still lack it.
    pub fn may_lack(&self, format: &Format, shape: &Shape) -> bool {
        self.only.is_some()
            || self.field(format).is_some_and(|(_, field)| {
                field.may_be_absent() && !shape.demands.contains(&field.name)
            })
    }
}

impl Shape {
    /// Whether records of this version have this shape.
    pub fn is_of(&self, layout: &Layout) -> bool {
        is_among(self.versions, layout)
    }

    /// Whether it uses this field for records of this version, at any depth.
    pub fn uses(&self, format: &Format, layout: &Layout, name: &str) -> bool {
        self.is_of(layout) && uses(self.members, format, layout, name)
    }

    /// Whether several records of this version can stand in one object.
    pub fn has_each(&self, format: &Format, layout: &Layout) -> bool {
        has_each(self.members, format, layout)
    }

    /// The name of the first member. Formats whose shapes agree in it share
    /// one object where they are joined.
    pub fn root(&self) -> &'static str {
        self.members.first().map_or("", |member| member.name)
    }
}

/// Whether the records of one row can stand in one object: each with its
/// format, its shape and its version.
///
/// # Errors
/// Why they cannot, in words.
pub fn check_joined(parts: &[(&Format, &Shape, &Layout)]) -> Result<(), String> {
    if parts.len() < 2 {
        return Ok(());
    }
    for (at, (format, shape, layout)) in parts.iter().enumerate() {
        let id = format.id;
        if !shape.joins {
            let name = shape.name;
            return Err(format!("the shape {name} of {id} holds one record"));
        }
        let others = || {
            parts[..at]
                .iter()
                .filter(|other| other.1.root() == shape.root())
        };
        if others().any(|other| other.0.id == id) {
            return Err(format!("{id} would stand twice in one object"));
        }
        if let Some(other) = others().next() {
            if other.2.version != layout.version {
                return Err(format!(
                    "{} and {id} have other versions, and one object has one",
                    other.0.id
                ));
            }
            if !shape.has_each(format, layout) {
                return Err(format!(
                    "version {} has room for one signature, not for {} and {id}",
                    layout.version.unwrap_or_default(),
                    other.0.id
                ));
            }
        }
    }
    Ok(())
}

fn is_among(versions: Option<&[&str]>, layout: &Layout) -> bool {
    match (versions, layout.version) {
        (Some(versions), Some(version)) => versions.contains(&version),
        _ => true,
    }
}

fn uses(members: &[Member], format: &Format, layout: &Layout, name: &str) -> bool {
    let own = members.iter().filter(|member| member.is_of(format, layout));
    own.into_iter().any(|member| match member.node {
        Node::Field(field) | Node::Text(field) => field == name,
        Node::Object(inner) | Node::Each(inner) => uses(inner, format, layout, name),
        Node::Markup(pieces) => pieces
            .iter()
            .any(|piece| matches!(piece, Markup::Field(field) if *field == name)),
        Node::Constant(_) | Node::Derived(_) | Node::Result => false,
    })
}

fn has_each(members: &[Member], format: &Format, layout: &Layout) -> bool {
    let own = members.iter().filter(|member| member.is_of(format, layout));
    own.into_iter().any(|member| match member.node {
        Node::Each(_) => true,
        Node::Object(inner) => has_each(inner, format, layout),
        _ => false,
    })
}

/// Appends text with the characters escaped that markup gives a meaning, in
/// attributes, too (HTML, "Escaping a string"). No quotation mark is left.
pub fn escape_markup(text: &str, out: &mut Vec<u8>) {
    for byte in text.bytes() {
        match byte {
            b'&' => out.extend_from_slice(b"&amp;"),
            b'<' => out.extend_from_slice(b"&lt;"),
            b'>' => out.extend_from_slice(b"&gt;"),
            b'"' => out.extend_from_slice(b"&quot;"),
            other => out.push(other),
        }
    }
}

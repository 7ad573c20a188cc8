//! Objects of a shape, read back: which format, version and fields they hold,
//! and the signature beside them, from the object alone. The writer's table is
//! inverted here; what is made of the values is for others. This file must not
//! know signatures.

use std::borrow::Cow;

use crate::format::shape::{Markup, Member, Node, escape_markup};
use crate::format::{Derived, Source};
use crate::json::{self, Member as Own};

use super::fields::{Values, canonical, canonical_text, find, value};
use super::findings::Findings;
use super::form::{Form, best_of, plain};

/// What an object holds of one signed record.
pub(super) struct Part<'a> {
    pub(super) form: Form,
    /// The fields in the object, signed or not, each in its place among all.
    pub(super) values: Values<'a>,
    /// The signature or the token, and the path to it.
    pub(super) result: Option<(String, Cow<'a, str>)>,
    /// Members that follow from the fields: their path, what they are, and
    /// their text.
    follows: Vec<(String, Follows, Cow<'a, str>)>,
    /// Fields that are not what they must be, by their places, as they stand.
    pub(super) refused: Vec<(usize, Cow<'a, str>)>,
}

#[derive(Clone, Copy)]
enum Follows {
    Derived(&'static str),
    Markup(&'static [Markup]),
}

/// The object of a line, and what stands beside it: a line is the object, or
/// has it behind kept columns.
pub(super) fn unwrap<'a>(line: Vec<Own<'a>>) -> Result<(Vec<Own<'a>>, Vec<Own<'a>>), json::Fault> {
    match find(&line, "object") {
        Some(token) => Ok((json::object(token)?, line)),
        None => Ok((line, Vec::new())),
    }
}

/// Reads the object: a part for each signed record in it. `None` where it
/// looks like no shape.
pub(super) fn read<'a>(
    object: &[Own<'a>],
    forms: &[Form],
    findings: &mut Findings,
) -> Option<Vec<Part<'a>>> {
    let roots = |form: &&Form| find(object, form.shape.root()).is_some();
    let mut likely: Vec<Form> = forms.iter().filter(roots).copied().collect();
    let is_joined = !likely.is_empty() && likely.iter().all(|form| form.shape.joins);
    if likely.is_empty() {
        likely = forms.to_vec();
    }
    let (found, form) = match is_joined {
        // Each root is looked at by itself.
        true => (1, likely[0]),
        false => best_of(&likely, object)?,
    };
    if found <= 0 {
        return None;
    }
    if !form.shape.joins {
        return Some(vec![read_part(&form, object, 0, findings, true)]);
    }
    // Each root belongs to formats of its own.
    let mut parts = Vec::new();
    for (name, token) in object {
        let own: Vec<Form> = likely
            .iter()
            .filter(|form| form.shape.joins && form.shape.root() == name)
            .copied()
            .collect();
        let alone = [(name.clone(), *token)];
        match best_of(&own, &alone) {
            Some((_, form)) => read_joined(&form, &own, &alone, &mut parts, findings),
            None => findings.add(name, "is no member of it"),
        }
    }
    Some(parts)
}

/// Reads the part of each element of the array that records are joined in.
fn read_joined<'a>(
    form: &Form,
    family: &[Form],
    object: &[Own<'a>],
    parts: &mut Vec<Part<'a>>,
    findings: &mut Findings,
) {
    let from = parts.len();
    let elements = elements(form.shape.members, form, object);
    let count = elements.as_ref().map_or(1, |(_, elements)| elements.len());
    // Each element costs a look at all of them; a sound object has few.
    let mut ids: Vec<&str> = family.iter().map(|form| form.format.id).collect();
    ids.dedup();
    if count > ids.len() {
        let says = format!("has {count} signatures, {} at most", ids.len());
        findings.add(form.shape.root(), says);
    }
    for at in 0..count.clamp(1, ids.len().max(1)) {
        let element = elements
            .as_ref()
            .and_then(|(members, elements)| Some((*members, *elements.get(at)?)));
        let own = element.and_then(|(members, token)| {
            let same = |other: &&Form| other.layout.version == form.layout.version;
            let mut same = family.iter().filter(same);
            same.find(|other| has_constants(other, members, token))
        });
        let own = own.unwrap_or(form);
        if parts[from..]
            .iter()
            .any(|part| part.form.format.id == own.format.id)
        {
            let says = format!("has two of {}", own.format.id);
            findings.add(form.shape.root(), says);
        }
        parts.push(read_part(own, object, at, findings, at == 0));
    }
}

/// The array that records are joined in: its members and its elements.
fn elements<'a>(
    members: &'static [Member],
    form: &Form,
    object: &[Own<'a>],
) -> Option<(&'static [Member], Vec<&'a str>)> {
    let own = members
        .iter()
        .filter(|member| member.is_of(form.format, form.layout));
    own.into_iter().find_map(|member| {
        let token = find(object, member.name)?;
        match member.node {
            Node::Each(inner) => Some((inner, json::array(token).ok()?)),
            Node::Object(inner) => elements(inner, form, &json::object(token).ok()?),
            _ => None,
        }
    })
}

/// Whether the constant fields of an element are this format's.
fn has_constants(form: &Form, members: &[Member], token: &str) -> bool {
    let own = json::object(token).unwrap_or_default();
    members
        .iter()
        .all(|member| match member.field(form.format) {
            Some((_, field)) => match (field.source, find(&own, member.name)) {
                (Source::Constant(text), Some(token)) => plain(token) == text,
                _ => true,
            },
            None => true,
        })
}

/// Reads one record's part; `loud` where what is wrong outside of its own
/// element has not been said yet.
fn read_part<'a>(
    form: &Form,
    object: &[Own<'a>],
    element: usize,
    findings: &mut Findings,
    loud: bool,
) -> Part<'a> {
    let mut reading = Reading {
        part: Part {
            form: *form,
            values: vec![None; form.format.all_fields().count()],
            result: None,
            follows: Vec::new(),
            refused: Vec::new(),
        },
        element,
        loud,
        findings,
        scratch: Vec::new(),
    };
    reading.members(form.shape.members, object, "");
    let mut part = reading.part;
    // What stands for nothing may be left out.
    for (at, field) in form.format.fields.iter().enumerate() {
        let is_of = form.shape.uses(form.format, form.layout, field.name);
        if part.values[at].is_none() && is_of && field.may_be_empty() {
            part.values[at] = Some(Cow::Borrowed(""));
        }
    }
    part
}

struct Reading<'a, 'f> {
    part: Part<'a>,
    element: usize,
    loud: bool,
    findings: &'f mut Findings,
    scratch: Vec<u8>,
}

impl<'a> Reading<'a, '_> {
    fn say(&mut self, path: &str, says: impl Into<Cow<'static, str>>) {
        if self.loud {
            self.findings.add(path, says);
        }
    }

    fn members(&mut self, members: &'static [Member], own: &[Own<'a>], path: &str) {
        let Form {
            format,
            shape,
            layout,
        } = self.part.form;
        let join = |name: &str| match path {
            "" => name.to_owned(),
            path => format!("{path}.{name}"),
        };
        for (name, _) in own {
            let mut same = members.iter().filter(|member| member.name == name);
            if !same.any(|member| member.is_of(format, layout)) {
                let says = match (members.iter().any(|m| m.name == name), layout.version) {
                    (true, Some(version)) => format!("is no member of version {version}"),
                    _ => "is no member of it".to_owned(),
                };
                self.say(&join(name), says);
            }
        }
        for member in members.iter().filter(|m| m.is_of(format, layout)) {
            let path = join(member.name);
            match find(own, member.name) {
                Some(token) => self.node(member, token, path),
                None if member.may_lack(format, shape) => {}
                None => self.say(&path, "is missing"),
            }
        }
    }

    fn node(&mut self, member: &'static Member, token: &'a str, path: String) {
        match member.node {
            Node::Object(inner) => match json::object(token) {
                Ok(own) => self.members(inner, &own, &path),
                Err(fault) => self.say(&path, fault.to_string()),
            },
            Node::Each(inner) => match json::array(token) {
                Ok(elements) => match elements.get(self.element) {
                    Some(token) => {
                        let path = format!("{path}[{}]", self.element);
                        let loud = std::mem::replace(&mut self.loud, true);
                        match json::object(token) {
                            Ok(own) => self.members(inner, &own, &path),
                            Err(fault) => self.say(&path, fault.to_string()),
                        }
                        self.loud = loud;
                    }
                    None => self.say(&path, "is empty"),
                },
                Err(fault) => self.say(&path, fault.to_string()),
            },
            Node::Field(_) | Node::Text(_) => self.field(member, token, &path),
            Node::Constant(_) | Node::Derived(_) | Node::Markup(_) | Node::Result => {
                self.string(member.node, token, path);
            }
        }
    }

    fn field(&mut self, member: &Member, token: &'a str, path: &str) {
        let Some((at, field)) = member.field(self.part.form.format) else {
            return;
        };
        let read = match member.node {
            Node::Text(_) => canonical_text(field, token, &mut self.scratch),
            _ => canonical(field, token, &mut self.scratch),
        };
        match read {
            Err(says) => {
                self.say(path, says);
                self.part.refused.push((at, plain(token)));
            }
            Ok(text) => {
                if member.only.is_some_and(|only| !only(&text)) {
                    self.say(path, "is no place for such a value");
                }
                match &self.part.values[at] {
                    Some(other) if *other != text => {
                        self.say(
                            path,
                            "is not what the same field is elsewhere in the object",
                        );
                    }
                    _ => self.part.values[at] = Some(text),
                }
            }
        }
    }

    fn string(&mut self, node: Node, token: &'a str, path: String) {
        if json::Shape::of(token) != json::Shape::String {
            let shape = json::Shape::of(token).name();
            self.say(&path, format!("is {shape}, not a string"));
            return;
        }
        let text = match json::string(token) {
            Ok(text) => text,
            Err(fault) => {
                self.say(&path, fault.to_string());
                return;
            }
        };
        match node {
            Node::Constant(wanted) if text != wanted => {
                self.say(&path, format!("is not {wanted:?}"));
            }
            Node::Result => self.part.result = Some((path, text)),
            Node::Derived(name) => {
                let follows = Follows::Derived(name);
                self.part.follows.push((path, follows, text));
            }
            Node::Markup(pieces) => {
                let follows = Follows::Markup(pieces);
                self.part.follows.push((path, follows, text));
            }
            _ => {}
        }
    }
}

impl Part<'_> {
    /// Compares what follows from the fields with what it must be.
    pub(super) fn verify_follows(&self, findings: &mut Findings) {
        for (path, follows, text) in &self.follows {
            let wanted = match follows {
                Follows::Derived(name) => self.derived(name),
                Follows::Markup(pieces) => self.markup(pieces),
            };
            if wanted.as_deref().is_some_and(|wanted| wanted != text) {
                findings.add(path, format!("is not {}", wanted.unwrap_or_default()));
            }
        }
    }

    fn derived(&self, name: &str) -> Option<String> {
        let format = self.form.format;
        let own = |derived: &&Derived| derived.name == name;
        let derived = format.derived.iter().find(own)?;
        value(format, derived.from, &self.values).map(derived.make)
    }

    fn markup(&self, pieces: &[Markup]) -> Option<String> {
        let mut out = Vec::new();
        for piece in pieces {
            match piece {
                Markup::Text(text) => out.extend_from_slice(text.as_bytes()),
                Markup::Field(name) => {
                    let (at, _) = self.form.format.any_field(name)?;
                    escape_markup(self.values[at].as_deref()?, &mut out);
                }
                Markup::Derived(name) => escape_markup(&self.derived(name)?, &mut out),
            }
        }
        String::from_utf8(out).ok()
    }
}

//! An object of a shape as a flat list of values, each under the path to it,
//! so that two lines are compared value by value; a token's claims stand
//! behind it, as if they were its members. This file must not know what a
//! value should be.

use std::borrow::Cow;

use crate::format::shape::{Member, Node, Shape};
use crate::format::{Format, Layout, Signing};
use crate::json::{self, Member as Own};
use crate::jws::Compact;

use super::expected::Values;
use super::fields::find;

/// What stands under a path.
#[derive(Clone, Copy, Debug)]
pub(super) enum Leaf {
    /// A kept column, or what belongs nowhere.
    Other,
    /// A member of the shape.
    Member(Node),
    /// A claim of the token in the object.
    Claim,
}

/// What one record in an object is.
#[derive(Clone, Copy)]
pub(super) struct Formed {
    pub(super) format: &'static Format,
    pub(super) shape: &'static Shape,
    pub(super) layout: &'static Layout,
}

/// The values of one line.
///
/// `forms` are those of all records in the object, in the order in which they
/// stand there; with each leaf comes the place of the record it is of.
pub(super) fn flatten<'a>(
    forms: &[Formed],
    line: Vec<Own<'a>>,
) -> (Values<'a>, Vec<(Leaf, usize)>) {
    let mut flat = Flat {
        forms,
        own: Vec::new(),
        at: 0,
        values: Vec::new(),
        leaves: Vec::new(),
    };
    match find(&line, "object").map(json::object) {
        Some(Ok(object)) => {
            for (name, token) in line.into_iter().filter(|(name, _)| name != "object") {
                flat.add(name, Cow::Borrowed(token), Leaf::Other);
            }
            flat.objects(&object, "object.");
        }
        _ => flat.objects(&line, ""),
    }
    (flat.values, flat.leaves)
}

struct Flat<'f, 'a> {
    forms: &'f [Formed],
    /// The places of those that share what is read.
    own: Vec<usize>,
    /// The place of the one that is read.
    at: usize,
    values: Values<'a>,
    leaves: Vec<(Leaf, usize)>,
}

impl<'a> Flat<'_, 'a> {
    fn add(&mut self, path: impl Into<Cow<'a, str>>, token: Cow<'a, str>, leaf: Leaf) {
        self.values.push((path.into(), token));
        self.leaves.push((leaf, self.at));
    }

    /// Reads an object, in which every root may be of other records.
    fn objects(&mut self, own: &[Own<'a>], path: &str) {
        let forms = self.forms;
        let Some(first) = forms.first() else { return };
        if forms.len() == 1 {
            (self.own, self.at) = (vec![0], 0);
            return self.members(first.shape.members, own, path);
        }
        for member in own {
            let places = 0..forms.len();
            self.own = places
                .filter(|at| forms[*at].shape.root() == member.0)
                .collect();
            self.at = self.own.first().copied().unwrap_or(0);
            let members = match self.own.is_empty() {
                true => &[],
                false => forms[self.at].shape.members,
            };
            self.members(members, std::slice::from_ref(member), path);
        }
    }

    fn members(&mut self, members: &'static [Member], own: &[Own<'a>], path: &str) {
        for (name, token) in own {
            let path = format!("{path}{name}");
            let Formed { format, layout, .. } = self.forms[self.at];
            let is_of = |member: &&Member| member.is_of(format, layout);
            let mut all = members.iter().filter(is_of);
            let node = all.find(|member| member.name == name).map(|m| m.node);
            let inner = match node {
                Some(Node::Object(inner)) => json::object(token).ok().map(|own| (inner, own)),
                _ => None,
            };
            match (node, inner) {
                (_, Some((inner, own))) => self.members(inner, &own, &format!("{path}.")),
                (Some(Node::Each(inner)), None) => self.each(inner, token, &path),
                (Some(node), None) => {
                    self.add(path.clone(), Cow::Borrowed(token), Leaf::Member(node));
                    if matches!(node, Node::Result) {
                        self.claims(token, &path);
                    }
                }
                (None, None) => self.add(path, Cow::Borrowed(token), Leaf::Other),
            }
        }
    }

    fn each(&mut self, inner: &'static [Member], token: &'a str, path: &str) {
        for (at, element) in json::array(token).unwrap_or_default().iter().enumerate() {
            let path = format!("{path}[{at}]");
            self.at = self.own.get(at).or(self.own.last()).copied().unwrap_or(0);
            match json::object(element) {
                Ok(own) => self.members(inner, &own, &format!("{path}.")),
                Err(_) => self.add(path, Cow::Borrowed(*element), Leaf::Other),
            }
        }
        self.at = self.own.first().copied().unwrap_or(0);
    }

    fn claims(&mut self, token: &str, path: &str) {
        if let Signing::Joined { .. } = self.forms[self.at].layout.signing {
            return;
        }
        let text = json::string(token).unwrap_or_default();
        let Ok(compact) = Compact::parse(&text) else {
            return;
        };
        let payload = std::str::from_utf8(&compact.payload).unwrap_or_default();
        for (name, token) in json::object(payload).unwrap_or_default() {
            let token = Cow::Owned(token.to_owned());
            self.add(format!("{path}.{name}"), token, Leaf::Claim);
        }
    }
}

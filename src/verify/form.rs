//! Which form an object has, told by its members: sound objects at once,
//! damaged ones by what they resemble most. It must not know what the members
//! hold.

use std::borrow::Cow;

use crate::format::shape::{Member, Node, Shape};
use crate::format::{FORMATS, Format, Layout, VERSION};
use crate::json::{self, Member as Own};

use super::fields::find;

/// One way in which an object may be made.
#[derive(Clone, Copy)]
pub(crate) struct Form {
    pub(crate) format: &'static Format,
    pub(crate) shape: &'static Shape,
    pub(crate) layout: &'static Layout,
}

/// Every way to make an object that fits what is asked for.
pub(crate) fn forms(format: Option<&'static Format>, shape: Option<&str>) -> Vec<Form> {
    let formats: Vec<&'static Format> = match format {
        Some(only) => vec![only],
        None => FORMATS.to_vec(),
    };
    let mut forms = Vec::new();
    for format in formats {
        let shapes = format.shapes.iter();
        for own in shapes.filter(|own| shape.is_none_or(|name| own.name == name)) {
            let layouts = format.layouts.iter().filter(|layout| own.is_of(layout));
            forms.extend(layouts.map(|layout| Form {
                format,
                shape: own,
                layout,
            }));
        }
    }
    forms
}

/// The form that fits an object best, and how well. Sound objects are told at
/// once; only damaged ones are weighed.
pub(crate) fn best_of(forms: &[Form], object: &[Own<'_>]) -> Option<(i32, Form)> {
    let mut all = forms.iter();
    if let Some(form) = all.find(|form| fits(form, form.shape.members, object)) {
        return Some((i32::MAX, *form));
    }
    let scored = forms.iter().map(|form| (score(form, object), *form));
    // The first of the best.
    scored.rev().max_by_key(|(score, _)| *score)
}

/// Whether an object has just the members of this form, and its version.
fn fits(form: &Form, members: &[Member], object: &[Own<'_>]) -> bool {
    let mut known = 0;
    for member in members {
        if !member.is_of(form.format, form.layout) {
            continue;
        }
        let Some(token) = find(object, member.name) else {
            if member.may_lack(form.format, form.shape) {
                continue;
            }
            return false;
        };
        known += 1;
        let is_own = match member.node {
            Node::Field(VERSION) | Node::Text(VERSION) => form
                .layout
                .version
                .is_some_and(|version| plain(token) == version),
            Node::Object(inner) => json::object(token).is_ok_and(|own| fits(form, inner, &own)),
            _ => true,
        };
        if !is_own {
            return false;
        }
    }
    known == object.len()
}

/// A string's text, or the token.
pub(super) fn plain(token: &str) -> Cow<'_, str> {
    match json::string(token) {
        Ok(text) => text,
        Err(_) => Cow::Borrowed(token),
    }
}

/// How well an object fits: what is there, less what is not.
fn score(form: &Form, object: &[Own<'_>]) -> i32 {
    members_score(form, form.shape.members, object)
}

fn members_score(form: &Form, members: &[Member], object: &[Own<'_>]) -> i32 {
    let is_own = |member: &&Member| member.is_of(form.format, form.layout);
    let mut score = 0;
    for member in members.iter().filter(is_own) {
        score += match (find(object, member.name), member.node) {
            (None, _) if member.may_lack(form.format, form.shape) => 0,
            (None, _) => -2,
            (Some(token), Node::Field(VERSION) | Node::Text(VERSION)) => {
                match form.layout.version {
                    Some(version) if plain(token) == version => 8,
                    _ => 1,
                }
            }
            (Some(token), Node::Object(inner)) => match json::object(token) {
                Ok(own) => 2 + members_score(form, inner, &own),
                Err(_) => 1,
            },
            (Some(_), _) => 2,
        };
    }
    let known = |own: &&Own<'_>| {
        let mut members = members.iter().filter(is_own);
        members.any(|member| member.name == own.0)
    };
    let unknown = object.iter().filter(|own| !known(own)).count();
    score.saturating_sub(i32::try_from(unknown).unwrap_or(i32::MAX))
}

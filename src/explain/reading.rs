//! What a text says that may hold signatures, read without judging it: flat
//! records, objects of every shape however deep they stand in others, and bare
//! tokens. Values are kept as they stand, also where no format takes them.
//! This file must not know what is a mistake.

use std::borrow::Cow;

use crate::format::postback::POSTBACKS;
use crate::format::shape::{Member, Node};
use crate::format::{Claim, FORMATS, Format, HeaderValue, Layout, Signing, Source, VERSION};
use crate::json::{self, Member as Own, Shape};
use crate::verify::{Form, best_of, forms};

/// How many objects of one document are looked at, and how deep.
const MOST_OBJECTS: usize = 10_000;
const DEEPEST: usize = 12;

/// One signature, and everything said about it.
#[derive(Debug, Default)]
pub(super) struct Subject {
    /// Where it stands in the text; empty for the whole of it.
    pub(super) place: String,
    /// Its format and version; a token may be of none that is known.
    pub(super) of: Option<(&'static Format, &'static Layout)>,
    /// What stands there for each field of the format, signed or not.
    pub(super) shown: Vec<Option<Shown>>,
    /// Everything else beside it: name and text.
    pub(super) beside: Vec<(String, String)>,
    /// The signature or the token.
    pub(super) result: String,
    /// The object that holds it, as one line; empty for a bare token.
    pub(super) line: String,
}

/// A value as it stands there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Shown {
    /// Its text, without the quotation marks of JSON.
    pub(super) text: String,
    /// Its JSON type.
    pub(super) shape: Shape,
    /// The type that it should have there.
    pub(super) wanted: Shape,
}

/// Every signature in a text; empty where there is none to be found.
pub(super) fn subjects(text: &str, only: Option<&'static Format>) -> Vec<Subject> {
    let text = text.trim().trim_start_matches('\u{feff}');
    let mut finder = Finder {
        forms: forms(only, None),
        only,
        left: MOST_OBJECTS,
        found: Vec::new(),
    };
    match Shape::of(text) {
        Shape::Object | Shape::Array => finder.descend(text, "", 0),
        _ => {}
    }
    if finder.found.is_empty() {
        match json::object(text) {
            Ok(members) => finder.damaged(&members),
            Err(_) => finder.token("", text, &[]),
        }
    }
    finder.found
}

/// Whether a text is a postback, which a device sends and Apple signs.
pub(super) fn is_postback(text: &str) -> bool {
    json::object(text.trim()).is_ok_and(|members| {
        let names = || members.iter().map(|(name, _)| name.as_ref());
        POSTBACKS.iter().any(|postback| postback.is_like(names()))
    })
}

struct Finder {
    forms: Vec<Form>,
    only: Option<&'static Format>,
    left: usize,
    found: Vec<Subject>,
}

impl Finder {
    fn descend(&mut self, text: &str, path: &str, depth: usize) {
        self.left = self.left.saturating_sub(1);
        if self.left == 0 || depth > DEEPEST {
            return;
        }
        if let Ok(elements) = json::array(text) {
            for (at, element) in elements.into_iter().enumerate() {
                self.descend(element, &format!("{path}[{at}]"), depth + 1);
            }
            return;
        }
        let Ok(members) = json::object(text) else {
            return;
        };
        if self.record(path, &members) || self.object(path, &members) {
            return;
        }
        for (name, token) in &members {
            let path = match path {
                "" => name.to_string(),
                path => format!("{path}.{name}"),
            };
            match Shape::of(token) {
                Shape::Object | Shape::Array => self.descend(token, &path, depth + 1),
                Shape::String => {
                    // Whatever the member is called that holds a token.
                    let text = json::string(token).unwrap_or_default();
                    if text.starts_with("ey") && text.matches('.').count() == 2 {
                        self.token(&path, &text, &members);
                    }
                }
                _ => {}
            }
        }
    }

    /// A flat record: it names its format.
    fn record(&mut self, path: &str, members: &[Own<'_>]) -> bool {
        let id = find(members, "format").and_then(|token| json::string(token).ok());
        let Some(format) = id.and_then(|id| {
            let known = self.only.filter(|only| only.id == id);
            known.or_else(|| Format::find(&id))
        }) else {
            return false;
        };
        let version = find(members, VERSION).map(plain_text);
        let layout = layout_of(format, version.as_deref());
        let mut shown = Reader::new(format, layout);
        for claim in layout.members() {
            match claim {
                Claim::Field(name) => shown.field(name, find(members, name), false),
                Claim::Object(name, inner) => {
                    let own = find(members, name).and_then(|token| json::object(token).ok());
                    for field in inner {
                        let own = own.as_deref().unwrap_or_default();
                        shown.field(field, find(own, field), false);
                    }
                }
            }
        }
        let result = find(members, layout.result()).map(plain_text);
        self.found.push(Subject {
            place: path.to_owned(),
            of: Some((format, layout)),
            shown: shown.shown,
            beside: beside(members),
            result: result.unwrap_or_default(),
            line: line_of(members),
        });
        true
    }

    /// An object of a shape, or one that holds such an object.
    fn object(&mut self, path: &str, members: &[Own<'_>]) -> bool {
        let has_root = |form: &&Form| find(members, form.shape.root()).is_some();
        let likely: Vec<Form> = self.forms.iter().filter(has_root).copied().collect();
        let mut is_any = false;
        let mut roots: Vec<&str> = Vec::new();
        for form in &likely {
            let root = form.shape.root();
            if form.shape.joins && !roots.contains(&root) {
                roots.push(root);
                let alone: Vec<Own<'_>> = members
                    .iter()
                    .filter(|(name, _)| name == root)
                    .cloned()
                    .collect();
                let own = |other: &&Form| other.shape.joins && other.shape.root() == root;
                let own: Vec<Form> = likely.iter().filter(own).copied().collect();
                is_any |= self.joined(path, &own, &alone, members);
            }
        }
        let single = |form: &&Form| !form.shape.joins;
        let single: Vec<Form> = likely.iter().filter(single).copied().collect();
        if !is_any
            && let Some((score, form)) = best_of(&single, members)
            && score > 0
        {
            is_any = self.part(path, &form, members, 0, members);
        }
        is_any
    }

    /// An object that has the root of no shape, as damaged ones have.
    fn damaged(&mut self, members: &[Own<'_>]) {
        if let Some((score, form)) = best_of(&self.forms, members)
            && score > 0
        {
            self.part("", &form, members, 0, members);
        }
    }

    /// Records that stand in one object, an element each.
    fn joined(&mut self, path: &str, forms: &[Form], alone: &[Own<'_>], all: &[Own<'_>]) -> bool {
        let Some((_, best)) = best_of(forms, alone) else {
            return false;
        };
        let count = elements(best.shape.members, &best, alone).map_or(1, |all| all.len());
        let mut is_any = false;
        for at in 0..count.clamp(1, 16) {
            let same = |form: &&Form| form.layout.version == best.layout.version;
            let fitting = |form: &Form| {
                let mut reader = Reader::new(form.format, form.layout);
                reader.members(form.shape.members, alone, at);
                let fields = form.format.all_fields().zip(&reader.shown);
                let agrees = fields.filter(|(field, shown)| match (field.source, shown) {
                    (Source::Constant(text), Some(shown)) => shown.text == text,
                    _ => false,
                });
                agrees.count()
            };
            // The first of the best.
            let form = forms
                .iter()
                .filter(same)
                .rev()
                .max_by_key(|form| fitting(form));
            let form = form.copied().unwrap_or(best);
            is_any |= self.part(path, &form, alone, at, all);
        }
        is_any
    }

    fn part(
        &mut self,
        path: &str,
        form: &Form,
        members: &[Own<'_>],
        element: usize,
        all: &[Own<'_>],
    ) -> bool {
        let mut reader = Reader::new(form.format, form.layout);
        reader.path = path.to_owned();
        reader.members(form.shape.members, members, element);
        let Some((place, result)) = reader.result else {
            return false;
        };
        let mut around = beside(all);
        // What several versions call otherwise, in the object itself.
        if let Some((_, inner)) = members.first().filter(|_| members.len() == 1)
            && let Ok(inner) = json::object(inner)
        {
            around.extend(beside(&inner));
        }
        self.found.push(Subject {
            place,
            of: Some((form.format, form.layout)),
            shown: reader.shown,
            beside: around,
            result,
            line: line_of(members),
        });
        true
    }

    fn token(&mut self, path: &str, text: &str, around: &[Own<'_>]) {
        self.found.push(Subject {
            place: path.to_owned(),
            of: None,
            shown: Vec::new(),
            beside: beside(around),
            result: text.to_owned(),
            line: String::new(),
        });
    }
}

/// The version that is meant: that of its exact text, one whose text begins
/// so, or the newest.
fn layout_of(format: &'static Format, version: Option<&str>) -> &'static Layout {
    let Some(text) = version else {
        return format.newest();
    };
    let text = text.trim().trim_start_matches('v');
    let begins = |layout: &&Layout| {
        let own = layout.version.unwrap_or_default();
        !text.is_empty() && (own.starts_with(text) || text.starts_with(own))
    };
    let exact = format.layout(text);
    let near = || format.layouts.iter().find(begins);
    exact.or_else(near).unwrap_or_else(|| format.newest())
}

fn find<'a>(members: &[Own<'a>], name: &str) -> Option<&'a str> {
    let found = members.iter().find(|(own, _)| own == name);
    found.map(|(_, token)| *token)
}

fn plain_text(token: &str) -> String {
    match json::string(token) {
        Ok(text) => text.into_owned(),
        Err(_) => token.to_owned(),
    }
}

/// The object of these members as one line.
fn line_of(members: &[Own<'_>]) -> String {
    let mut out = b"{".to_vec();
    for (at, (name, token)) in members.iter().enumerate() {
        if at > 0 {
            out.push(b',');
        }
        json::write_string(name, &mut out);
        out.push(b':');
        json::write_compact(token, &mut out);
    }
    out.push(b'}');
    String::from_utf8(out).unwrap_or_default()
}

fn beside(members: &[Own<'_>]) -> Vec<(String, String)> {
    let plain = |(name, token): &(Cow<'_, str>, &str)| (name.to_string(), plain_text(token));
    members.iter().map(plain).collect()
}

/// The elements of the array in which joined records stand.
fn elements<'a>(members: &[Member], form: &Form, object: &[Own<'a>]) -> Option<Vec<&'a str>> {
    let own = members.iter().filter(|m| m.is_of(form.format, form.layout));
    own.into_iter().find_map(|member| {
        let token = find(object, member.name)?;
        match member.node {
            Node::Each(_) => json::array(token).ok(),
            Node::Object(inner) => elements(inner, form, &json::object(token).ok()?),
            _ => None,
        }
    })
}

/// Reads values into their places.
struct Reader {
    format: &'static Format,
    layout: &'static Layout,
    path: String,
    shown: Vec<Option<Shown>>,
    result: Option<(String, String)>,
}

impl Reader {
    fn new(format: &'static Format, layout: &'static Layout) -> Self {
        Self {
            format,
            layout,
            path: String::new(),
            shown: vec![None; format.all_fields().count()],
            result: None,
        }
    }

    fn field(&mut self, name: &str, token: Option<&str>, as_text: bool) {
        let (Some((at, field)), Some(token)) = (self.format.any_field(name), token) else {
            return;
        };
        let is_text = as_text || field.wrapped.is_some();
        self.shown[at] = Some(Shown {
            text: plain_text(token),
            shape: Shape::of(token),
            wanted: match is_text {
                true => Shape::String,
                false => field.kind.shape(),
            },
        });
    }

    fn members(&mut self, members: &'static [Member], own: &[Own<'_>], element: usize) {
        let (format, layout) = (self.format, self.layout);
        for member in members.iter().filter(|m| m.is_of(format, layout)) {
            let Some(token) = find(own, member.name) else {
                continue;
            };
            let before = self.path.len();
            if before > 0 {
                self.path.push('.');
            }
            self.path.push_str(member.name);
            match member.node {
                Node::Field(name) => self.field(name, Some(token), false),
                Node::Text(name) => self.field(name, Some(token), true),
                Node::Object(inner) => {
                    if let Ok(own) = json::object(token) {
                        self.members(inner, &own, element);
                    }
                }
                Node::Each(inner) => {
                    let elements = json::array(token).unwrap_or_default();
                    let own = elements.get(element).and_then(|own| json::object(own).ok());
                    if let Some(own) = own {
                        self.path.push_str(&format!("[{element}]"));
                        self.members(inner, &own, element);
                    }
                }
                Node::Result => self.result = Some((self.path.clone(), plain_text(token))),
                Node::Constant(_) | Node::Derived(_) | Node::Markup(_) => {}
            }
            self.path.truncate(before);
        }
    }
}

/// The format of a token, by its header and claims; `None` where they are of
/// none.
pub(super) fn format_of_token(
    header: &[Own<'_>],
    payload: &[Own<'_>],
    only: Option<&'static Format>,
) -> Option<(&'static Format, &'static Layout)> {
    let all: Vec<&'static Format> = only.map_or_else(|| FORMATS.to_vec(), |only| vec![only]);
    let scored = all.into_iter().filter_map(|format| {
        let layout = format.newest();
        let Signing::Jws {
            header: wanted,
            claims,
        } = &layout.signing
        else {
            return None;
        };
        let mut score = 0_i32;
        for (name, value) in *wanted {
            let found = find(header, name).map(plain_text);
            score += match (value, found) {
                (HeaderValue::Constant(text), Some(found)) if found == *text => 1,
                (HeaderValue::Field(_), Some(_)) => 1,
                _ => 0,
            };
        }
        for claim in *claims {
            let (Claim::Field(name) | Claim::Object(name, _)) = claim;
            let field = format.field(name).map(|(_, field)| field);
            let constant = match field.map(|field| field.source) {
                Some(Source::Constant(text)) => Some(text),
                _ => None,
            };
            score += match (find(payload, name), constant) {
                (Some(token), Some(text)) if plain_text(token) == text => 6,
                (Some(_), Some(_)) => -2,
                (Some(_), None) => 2,
                (None, _) if field.is_some_and(crate::format::Field::may_be_absent) => 0,
                (None, _) => -2,
            };
        }
        Some((score, format, layout))
    });
    let best = scored.max_by_key(|(score, ..)| *score)?;
    (best.0 > 0).then_some((best.1, best.2))
}

//! JSON taken apart into tokens, and written again in the ways in which
//! libraries write it. It must not know what the members mean.

use crate::json::{self, Shape};

/// A JSON text: its tokens as they stand, its white space gone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Tree {
    Token(String),
    Array(Vec<Tree>),
    Object(Vec<(String, Tree)>),
}

/// How JSON is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Style {
    pub(super) layout: Layout,
    pub(super) escapes: Escapes,
    pub(super) is_sorted: bool,
}

/// White space.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Layout {
    /// None.
    Compact,
    /// One space behind each colon and comma.
    Spaced,
    /// A line each, so many spaces deep.
    Lines(usize),
}

/// What of strings is escaped beside what must be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Escapes {
    /// What is in the text as it stands.
    AsTheyStand,
    /// Nothing.
    None,
    /// `/`.
    Slashes,
    /// Everything that is not ASCII.
    Unicode,
    /// `/`, and everything that is not ASCII.
    Both,
    /// `<`, `>` and `&`.
    Markup,
}

impl Tree {
    /// Takes a text apart; `None` where it is no JSON.
    pub(super) fn read(text: &str) -> Option<Self> {
        let text = text.trim();
        match Shape::of(text) {
            Shape::Object => {
                let members = json::object(text).ok()?.into_iter();
                let read =
                    |(name, token): json::Member<'_>| Some((name.into_owned(), Self::read(token)?));
                members.map(read).collect::<Option<_>>().map(Self::Object)
            }
            Shape::Array => {
                let elements = json::array(text).ok()?.into_iter();
                let all = elements.map(Self::read).collect::<Option<_>>();
                all.map(Self::Array)
            }
            _ => Some(Self::Token(text.to_owned())),
        }
    }

    /// The members of an object.
    pub(super) fn members(&self) -> &[(String, Self)] {
        match self {
            Self::Object(members) => members,
            _ => &[],
        }
    }

    /// The text of the member on this path.
    pub(super) fn at(&self, path: &[&str]) -> Option<&Self> {
        match path {
            [] => Some(self),
            [first, rest @ ..] => {
                let mut members = self.members().iter();
                members.find(|(name, _)| name == first)?.1.at(rest)
            }
        }
    }

    /// The same with another value on this path, or without it.
    pub(super) fn set(&mut self, path: &[&str], value: Option<&str>, behind: Option<&str>) {
        let (Self::Object(members), [first, rest @ ..]) = (self, path) else {
            return;
        };
        let place = members.iter().position(|(name, _)| name == first);
        match (place, value) {
            (Some(at), _) if !rest.is_empty() => members[at].1.set(rest, value, behind),
            (Some(at), Some(value)) => members[at].1 = Self::Token(value.to_owned()),
            (Some(at), None) => drop(members.remove(at)),
            (None, Some(value)) if rest.is_empty() => {
                let own = |(name, _): &(String, Self)| Some(name.as_str()) == behind;
                let at = members
                    .iter()
                    .position(own)
                    .map_or(members.len(), |at| at + 1);
                members.insert(at, ((*first).to_owned(), Self::Token(value.to_owned())));
            }
            _ => {}
        }
    }

    /// The same with its members in the order of these names, others behind.
    pub(super) fn order(&mut self, names: &[&str]) {
        if let Self::Object(members) = self {
            let place = |name: &str| names.iter().position(|own| *own == name);
            members.sort_by_key(|(name, _)| place(name).unwrap_or(names.len()));
        }
    }

    /// Writes it.
    pub(super) fn write(&self, style: Style) -> String {
        let mut out = String::new();
        self.put(style, 0, &mut out);
        out
    }

    fn put(&self, style: Style, depth: usize, out: &mut String) {
        match self {
            Self::Token(token) => put_token(token, style.escapes, out),
            Self::Array(elements) => {
                out.push('[');
                for (at, element) in elements.iter().enumerate() {
                    put_gap(style, depth + 1, at > 0, out);
                    element.put(style, depth + 1, out);
                }
                put_end(style, depth, elements.is_empty(), out);
                out.push(']');
            }
            Self::Object(members) => {
                let mut all: Vec<&(String, Self)> = members.iter().collect();
                if style.is_sorted {
                    all.sort_by(|a, b| a.0.cmp(&b.0));
                }
                out.push('{');
                for (at, (name, value)) in all.into_iter().enumerate() {
                    put_gap(style, depth + 1, at > 0, out);
                    put_string(name, style.escapes, out);
                    out.push_str(match style.layout {
                        Layout::Compact => ":",
                        Layout::Spaced | Layout::Lines(_) => ": ",
                    });
                    value.put(style, depth + 1, out);
                }
                put_end(style, depth, members.is_empty(), out);
                out.push('}');
            }
        }
    }
}

fn put_gap(style: Style, depth: usize, is_behind: bool, out: &mut String) {
    if is_behind {
        out.push(',');
    }
    match style.layout {
        Layout::Compact => {}
        Layout::Spaced if is_behind => out.push(' '),
        Layout::Spaced => {}
        Layout::Lines(width) => {
            out.push('\n');
            out.push_str(&" ".repeat(width * depth));
        }
    }
}

fn put_end(style: Style, depth: usize, is_empty: bool, out: &mut String) {
    if let (Layout::Lines(width), false) = (style.layout, is_empty) {
        out.push('\n');
        out.push_str(&" ".repeat(width * depth));
    }
}

fn put_token(token: &str, escapes: Escapes, out: &mut String) {
    match (escapes, json::string(token)) {
        (Escapes::AsTheyStand, _) | (_, Err(_)) => out.push_str(token),
        (_, Ok(text)) => put_string(&text, escapes, out),
    }
}

fn put_string(text: &str, escapes: Escapes, out: &mut String) {
    let mut quoted = Vec::new();
    json::write_string(text, &mut quoted);
    let quoted = String::from_utf8_lossy(&quoted);
    let (slashes, unicode, markup) = match escapes {
        Escapes::AsTheyStand | Escapes::None => (false, false, false),
        Escapes::Slashes => (true, false, false),
        Escapes::Unicode => (false, true, false),
        Escapes::Both => (true, true, false),
        Escapes::Markup => (false, false, true),
    };
    for c in quoted.chars() {
        match c {
            '/' if slashes => out.push_str("\\/"),
            '<' | '>' | '&' if markup => out.push_str(&format!("\\u{:04x}", u32::from(c))),
            c if unicode && !c.is_ascii() => {
                let mut units = [0; 2];
                for unit in c.encode_utf16(&mut units) {
                    out.push_str(&format!("\\u{unit:04x}"));
                }
            }
            c => out.push(c),
        }
    }
}

impl Style {
    /// No white space, strings as they stand.
    pub(super) const COMPACT: Self = Self {
        layout: Layout::Compact,
        escapes: Escapes::AsTheyStand,
        is_sorted: false,
    };

    /// The style in which a text is written, as far as it is one of these.
    pub(super) fn of(tree: &Tree, text: &str) -> Self {
        let layouts = [
            Layout::Compact,
            Layout::Spaced,
            Layout::Lines(2),
            Layout::Lines(4),
        ];
        let style = |layout| Self {
            layout,
            ..Self::COMPACT
        };
        let mut all = layouts.into_iter().map(style);
        all.find(|style| tree.write(*style) == text.trim())
            .unwrap_or(Self::COMPACT)
    }
}

//! What a token's header and claims may have been. This file must not know how
//! a choice is written.

use crate::format::{Claim, Field, Format, HeaderValue, Kind as Type, Layout as Version, Signing};
use crate::json::{self, Shape};

use super::inputs::FRAMES;
use super::{Edit, Path, Token, plain};
use crate::explain::mistake::{self as m, Mistake, Side};
use crate::explain::reading::Subject;
use crate::explain::search::{Rarity, Slot};
use crate::explain::text;
use crate::explain::tree::{Escapes, Layout, Style, Tree};

impl Token {
    /// Where a flat record says something else than this token in it.
    pub(in crate::explain) fn differences(&self, subject: &Subject) -> Vec<Mistake> {
        let mut all = Vec::new();
        let Some((format, layout)) = self.of.filter(|_| subject.of.is_some()) else {
            return all;
        };
        let Signing::Jws { .. } = layout.signing else {
            return all;
        };
        for (field, shown) in format.fields.iter().zip(&subject.shown) {
            let path: Vec<&str> = format
                .parent(field.name)
                .into_iter()
                .chain([field.name])
                .collect();
            let (Some(shown), Some(claim)) = (shown, self.claim(&path)) else {
                continue;
            };
            if shown.text == claim {
                continue;
            }
            let own = |other: &text::Other| other.text.as_deref() == Some(shown.text.as_str());
            let known = text::others(field, &claim).into_iter().find(own);
            let mistake = match (known, text::mend(field, &shown.text)) {
                (_, Some((mended, mistake))) if mended == claim => mistake,
                _ => {
                    let detail = format!("{claim}, as in the token");
                    Mistake::new(&m::NOT_IN_TOKEN, field.name, detail)
                }
            };
            all.push(mistake.on(Side::Shown));
        }
        all
    }

    pub(super) fn claims(&mut self, format: &'static Format, layout: &'static Version) {
        let Signing::Jws { header, claims } = &layout.signing else {
            return;
        };
        for (name, value) in *header {
            if let HeaderValue::Field(field) = value
                && let Some((_, field)) = format.field(field)
                && let Some(text) = self.trees[0].at(&[name]).and_then(plain)
            {
                self.header_flaw(field, &text);
            }
        }
        let mut before = None;
        let mut order = Vec::new();
        for claim in *claims {
            match claim {
                Claim::Field(name) => {
                    self.claim_choices(format, name, vec![name], before);
                    before = Some(*name);
                    order.push(*name);
                }
                Claim::Object(parent, inner) => {
                    let mut before = None;
                    for name in *inner {
                        self.claim_choices(format, name, vec![parent, name], before);
                        before = Some(*name);
                    }
                    order.push(*parent);
                }
            }
        }
        let mistake = Mistake::new(&m::MEMBER_ORDER, "payload", "in the documented order");
        self.add(
            Slot::Order,
            mistake,
            Rarity::Common,
            Edit::ClaimOrder(order),
        );
    }

    fn header_flaw(&mut self, field: &'static Field, text: &str) {
        let mut canonical = Vec::new();
        let is_sound = field.read(text, &mut canonical).is_ok() && canonical == text.as_bytes();
        if !is_sound && let Some((_, mistake)) = text::mend(field, text) {
            self.flaws.push(mistake.on(Side::Both));
        }
    }

    /// What one claim may have been.
    fn claim_choices(
        &mut self,
        format: &'static Format,
        name: &'static str,
        path: Path,
        before: Option<&'static str>,
    ) {
        let Some((at, field)) = format.field(name) else {
            return;
        };
        let slot = Slot::Field(at);
        let Some(Tree::Token(token)) = self.trees[1].at(&path).cloned() else {
            if self.trees[1].at(&path).is_none() && field.may_be_absent() {
                // What is left out when a payload is written anew.
                let omit = field.omit.map(|text| (text.to_owned(), text));
                let empties = [
                    Some(("null".to_owned(), "null")),
                    Some(("\"\"".to_owned(), "empty")),
                    omit,
                ];
                for (value, words) in empties.into_iter().flatten() {
                    let mistake = Mistake::new(&m::NULL_CLAIM, name, words);
                    let edit = Edit::Claim(path.clone(), Some(value), before);
                    self.add(slot, mistake, Rarity::Common, edit);
                }
            }
            return;
        };
        let shape = Shape::of(&token);
        let text = match json::string(&token) {
            Ok(text) => text.into_owned(),
            Err(_) => token.clone(),
        };
        self.claim_flaw(field, &text, shape);
        for other in text::lost(field, &text) {
            let mistake = Mistake::new(&m::TIME_UNIT, name, "milliseconds").on(Side::Shown);
            let edit = Edit::Claim(path.clone(), Some(other), None);
            self.add(slot, mistake, Rarity::Alone, edit);
        }
        if shape == Shape::Null {
            let mistake = Mistake::new(&m::NULL_CLAIM, name, "absent");
            self.add(slot, mistake, Rarity::Common, Edit::Claim(path, None, None));
            return;
        }
        for other in text::others(field, &text) {
            // A number in quotation marks is of another type, and told so below.
            if shape != Shape::String && other.mistake.kind.code == m::QUOTED.code {
                continue;
            }
            let value = match (&other.text, shape) {
                (None, _) => None,
                // White space and quotation marks in a string are no mistake of JSON.
                (Some(text), Shape::String) => Some(quoted(text)),
                (Some(text), _) if Tree::read(text).is_some() => Some(text.clone()),
                _ => continue,
            };
            if shape != Shape::String && value.as_deref() == Some("") {
                continue;
            }
            let edit = Edit::Claim(path.clone(), value, None);
            self.add(slot, other.mistake, other.rarity, edit);
        }
        let other = match shape {
            Shape::String if Tree::read(&text).is_some_and(|_| is_number(&text)) => {
                Some((text.clone(), "a number"))
            }
            Shape::Number | Shape::Boolean => Some((quoted(&text), "a string")),
            _ => None,
        };
        if let Some((value, words)) = other {
            let mistake = Mistake::new(&m::JSON_TYPE, name, words);
            self.add(
                slot,
                mistake,
                Rarity::Common,
                Edit::Claim(path.clone(), Some(value), None),
            );
        }
        if let (Shape::Boolean, Some(number)) = (shape, boolean(&text)) {
            let mistake = Mistake::new(&m::JSON_TYPE, name, number);
            let edit = Edit::Claim(path.clone(), Some(number.to_owned()), None);
            self.add(slot, mistake, Rarity::Alone, edit);
        }
        if shape == Shape::String {
            let mistake = Mistake::new(&m::JSON_TYPE, name, "an array of one string");
            let edit = Edit::Claim(path, Some(format!("[{}]", quoted(&text))), None);
            self.add(slot, mistake, Rarity::Alone, edit);
        }
    }

    /// What is wrong with a claim as it stands.
    fn claim_flaw(&mut self, field: &'static Field, text: &str, shape: Shape) {
        if field.wrapped.is_some() {
            return;
        }
        let wanted = field.kind.shape();
        let mut canonical = Vec::new();
        let is_json = matches!(field.kind, Type::Json { .. });
        let is_sound =
            field.read(text, &mut canonical).is_ok() && (is_json || canonical == text.as_bytes());
        if shape != wanted {
            let mistake = Mistake::new(&m::JSON_TYPE, field.name, wanted.name());
            self.flaws.push(mistake.on(Side::Both));
        }
        if is_sound {
            return;
        }
        let mistake = text::mend(field, text).map_or_else(
            || Mistake::new(&m::UNREADABLE, field.name, field.kind.wanted()),
            |(_, mistake)| mistake,
        );
        // A token may have a UUID in either case: both are seen from the vendor.
        let is_case = mistake.kind.code == m::LETTER_CASE.code;
        if !(is_case && matches!(field.kind, Type::Uuid)) {
            self.flaws.push(mistake.on(Side::Both));
        }
    }

    pub(super) fn headers(&mut self) {
        let names: Vec<String> = self.trees[0]
            .members()
            .iter()
            .map(|(n, _)| n.clone())
            .collect();
        for order in orders(&names) {
            let words = format!("in the order {}", order.join(", "));
            let mistake = Mistake::new(&m::MEMBER_ORDER, "header", words);
            self.add(
                Slot::Header,
                mistake,
                Rarity::Common,
                Edit::HeaderOrder(order),
            );
        }
        let has = |name: &str| names.iter().any(|own| own == name);
        let typ = match has("typ") {
            true => (None, "had no typ"),
            false => (Some("\"JWT\"".to_owned()), "had the typ JWT"),
        };
        let mistake = Mistake::new(&m::TYP, "", typ.1);
        self.add(
            Slot::Header,
            mistake,
            Rarity::Common,
            Edit::Header("typ", typ.0),
        );
        if has("typ") {
            for other in ["jwt", "JWS", "JOSE"] {
                let mistake = Mistake::new(&m::TYP, "", format!("had the typ {other}"));
                let edit = Edit::Header("typ", Some(quoted(other)));
                self.add(Slot::Header, mistake, Rarity::Alone, edit);
            }
        }
        if let Some(kid) = self.trees[0].at(&["kid"]).and_then(plain) {
            for (text, words) in [(kid.to_uppercase(), "upper"), (kid.to_lowercase(), "lower")] {
                if text != kid {
                    let words = format!("{words} case");
                    let mistake = Mistake::new(&m::LETTER_CASE, "kid", words);
                    let edit = Edit::Header("kid", Some(quoted(&text)));
                    self.add(Slot::Header, mistake, Rarity::Common, edit);
                }
            }
            let mistake = Mistake::new(&m::TYP, "", "had no kid");
            self.add(
                Slot::Header,
                mistake,
                Rarity::Common,
                Edit::Header("kid", None),
            );
        }
        for (layout, words) in LAYOUTS {
            let mistake = Mistake::new(&m::REENCODED, "header", *words);
            let style = Style {
                layout: *layout,
                ..self.styles[0]
            };
            self.add(
                Slot::Header,
                mistake,
                Rarity::Rare,
                Edit::HeaderStyle(style),
            );
        }
    }

    pub(super) fn payloads(&mut self) {
        let base = self.styles[1];
        let add = |this: &mut Self, style, end, words: &str, rarity| {
            let mistake = Mistake::new(&m::REENCODED, "payload", words);
            this.add(Slot::Style, mistake, rarity, Edit::PayloadStyle(style, end));
        };
        for (layout, words) in LAYOUTS {
            let style = Style {
                layout: *layout,
                ..base
            };
            add(self, style, "", words, Rarity::Common);
            for (escapes, more) in ESCAPES {
                let style = Style {
                    escapes: *escapes,
                    ..style
                };
                add(
                    self,
                    style,
                    "",
                    &format!("{words}, and {more}"),
                    Rarity::Rare,
                );
            }
        }
        for (escapes, words) in ESCAPES {
            let style = Style {
                escapes: *escapes,
                ..base
            };
            add(self, style, "", words, Rarity::Common);
        }
        add(self, base, "\n", "a line feed behind it", Rarity::Rare);
        let mistake = Mistake::new(&m::MEMBER_ORDER, "payload", "sorted by name");
        let style = Style {
            is_sorted: true,
            ..base
        };
        self.add(
            Slot::Order,
            mistake,
            Rarity::Common,
            Edit::PayloadStyle(style, ""),
        );
        for (layout, words) in LAYOUTS {
            let style = Style {
                layout: *layout,
                is_sorted: true,
                ..base
            };
            add(
                self,
                style,
                "",
                &format!("{words}, and its members sorted"),
                Rarity::Rare,
            );
        }
    }

    pub(super) fn frames(&mut self) {
        for (kind, words, is_rare, frame) in FRAMES {
            let mistake = Mistake::new(kind, "", *words);
            let rarity = match is_rare {
                true => Rarity::Rare,
                false => Rarity::Common,
            };
            self.add(Slot::Frame, mistake, rarity, Edit::Frame(*frame));
        }
    }
}

const LAYOUTS: &[(Layout, &str)] = &[
    (Layout::Compact, "no white space between its tokens"),
    (Layout::Spaced, "a space behind each colon and comma"),
    (Layout::Lines(2), "a line for each member, indented by two"),
    (Layout::Lines(4), "a line for each member, indented by four"),
];

const ESCAPES: &[(Escapes, &str)] = &[
    (Escapes::None, "no escapes in its strings"),
    (Escapes::Slashes, "each / escaped as \\/"),
    (Escapes::Unicode, "all but ASCII escaped as \\u…"),
    (Escapes::Both, "each / and all but ASCII escaped"),
    (Escapes::Markup, "<, > and & escaped as \\u…"),
];

fn quoted(text: &str) -> String {
    let mut out = Vec::new();
    json::write_string(text, &mut out);
    String::from_utf8(out).unwrap_or_default()
}

fn is_number(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

fn boolean(text: &str) -> Option<&'static str> {
    match text {
        "true" => Some("1"),
        "false" => Some("0"),
        _ => None,
    }
}

/// Every other order of a few names.
fn orders(names: &[String]) -> Vec<Vec<String>> {
    fn arrange(left: &[String], so_far: &mut Vec<String>, all: &mut Vec<Vec<String>>) {
        if left.is_empty() {
            all.push(so_far.clone());
        }
        for (at, name) in left.iter().enumerate() {
            let mut rest = left.to_vec();
            rest.remove(at);
            so_far.push(name.clone());
            arrange(&rest, so_far, all);
            so_far.pop();
        }
    }
    let mut all = Vec::new();
    if names.len() <= 4 {
        arrange(names, &mut Vec::new(), &mut all);
        all.retain(|order| order != names);
    }
    all
}

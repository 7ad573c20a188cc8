//! A token and every plausible other signing input of it: written anew by
//! another library, with other values, another header. It must not know
//! signatures or keys.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD, URL_SAFE, URL_SAFE_NO_PAD};
use sha2::{Digest, Sha256};

use crate::format::{Claim, Field, Format, HeaderValue, Kind as Type, Layout as Version, Signing};
use crate::hex::hex;
use crate::json::{self, Shape};
use crate::signature::decode;

use super::mistake::{self as m, Mistake, Side};
use super::reading::format_of_token;
use super::search::{Choice, Message, Rarity, Slot};
use super::text;
use super::tree::{Escapes, Layout, Style, Tree};
use super::written::{alphabet, strip};

/// A token taken apart, and all others that it may have been.
pub(super) struct Token {
    /// The parts as they stand.
    parts: [String; 2],
    /// What they hold.
    texts: [String; 2],
    trees: [Tree; 2],
    styles: [Style; 2],
    /// The part that is the signature.
    pub(super) signature: String,
    /// Its format, where it is one that is known.
    pub(super) of: Option<(&'static Format, &'static Version)>,
    choices: Vec<Choice>,
    edits: Vec<Edit>,
    /// What is wrong with the token whatever was signed.
    pub(super) flaws: Vec<Mistake>,
}

/// A path in a token's JSON.
type Path = Vec<&'static str>;

enum Edit {
    /// Both parts just as they stand, where that is not as they should.
    AsItStands,
    Claim(Path, Option<String>, Option<&'static str>),
    Header(&'static str, Option<String>),
    HeaderOrder(Vec<String>),
    HeaderStyle(Style),
    ClaimOrder(Vec<&'static str>),
    PayloadStyle(Style, &'static str),
    Frame(fn(&Token) -> Vec<u8>),
}

const NAMES: [&str; 2] = ["header", "payload"];

impl Token {
    /// Takes a token apart, however it is wrapped; `None` where it is none.
    pub(super) fn read(
        text: &str,
        of: Option<(&'static Format, &'static Version)>,
        only: Option<&'static Format>,
    ) -> Option<Self> {
        let (bare, mut flaws) = strip(text, "token");
        let mut bare = bare.to_owned();
        if !bare.contains('.') {
            let inner = decode(&bare).ok()?;
            bare = String::from_utf8(inner.bytes).ok()?;
            flaws.push(Mistake::new(&m::TWICE, "token", "once more"));
        }
        let joined: String = bare.chars().filter(|c| !c.is_whitespace()).collect();
        if joined.len() < bare.len() {
            flaws.push(Mistake::new(&m::LINE_BREAKS, "token", "white space"));
            bare = joined;
        }
        let mut parts = bare.split('.');
        let (header, payload) = (parts.next()?, parts.next()?);
        let signature = parts.next().unwrap_or_default();
        if parts.next().is_some() {
            return None;
        }
        let mut texts = [String::new(), String::new()];
        let mut strict = true;
        for (at, part) in [header, payload].into_iter().enumerate() {
            let decoded = decode(part).ok()?;
            if let Some(mistake) = alphabet(&decoded, true, NAMES[at]) {
                strict = false;
                flaws.push(mistake.on(Side::Both));
            }
            texts[at] = String::from_utf8(decoded.bytes).ok()?;
        }
        let trees = [Tree::read(&texts[0])?, Tree::read(&texts[1])?];
        let styles = [
            Style::of(&trees[0], &texts[0]),
            Style::of(&trees[1], &texts[1]),
        ];
        let of = of.or_else(|| {
            let header = json::object(&texts[0]).ok()?;
            let payload = json::object(&texts[1]).ok()?;
            format_of_token(&header, &payload, only)
        });
        let mut this = Self {
            parts: [header.to_owned(), payload.to_owned()],
            texts,
            trees,
            styles,
            signature: signature.to_owned(),
            of,
            choices: Vec::new(),
            edits: Vec::new(),
            flaws,
        };
        if !strict {
            let mistake =
                Mistake::new(&m::SIGNING_INPUT, "", "its parts were signed as they stand");
            this.add(
                Slot::Frame,
                mistake.on(Side::Both),
                Rarity::Common,
                Edit::AsItStands,
            );
        }
        if let Some((format, layout)) = this.of {
            this.claims(format, layout);
        }
        this.headers();
        this.payloads();
        this.frames();
        Some(this)
    }

    /// The algorithm that its header names.
    pub(super) fn alg(&self) -> Option<String> {
        self.trees[0].at(&["alg"]).and_then(plain)
    }

    /// The value of a claim, as text.
    pub(super) fn claim(&self, path: &[&str]) -> Option<String> {
        self.trees[1].at(path).and_then(plain)
    }

    /// Header and payload as they stand.
    pub(super) fn texts(&self) -> &[String; 2] {
        &self.texts
    }

    fn add(&mut self, slot: Slot, mistake: Mistake, rarity: Rarity, edit: Edit) {
        self.choices.push(Choice {
            slot,
            mistake,
            rarity,
        });
        self.edits.push(edit);
    }

    fn claims(&mut self, format: &'static Format, layout: &'static Version) {
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

    fn headers(&mut self) {
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

    fn payloads(&mut self) {
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

    fn frames(&mut self) {
        for (kind, words, is_rare, frame) in FRAMES {
            let mistake = Mistake::new(kind, "", *words);
            let rarity = match is_rare {
                true => Rarity::Rare,
                false => Rarity::Common,
            };
            self.add(Slot::Frame, mistake, rarity, Edit::Frame(*frame));
        }
    }

    /// Header and payload under some choices.
    fn written(&self, picked: &[usize]) -> [String; 2] {
        let edits = || picked.iter().map(|at| &self.edits[*at]);
        let mut trees: [Option<Tree>; 2] = [None, None];
        let mut styles = self.styles;
        let mut end = "";
        for edit in edits() {
            let tree = |trees: &mut [Option<Tree>; 2], at: usize| -> usize {
                trees[at].get_or_insert_with(|| self.trees[at].clone());
                at
            };
            match edit {
                Edit::AsItStands | Edit::Frame(_) => {}
                Edit::Claim(path, value, behind) => {
                    let at = tree(&mut trees, 1);
                    if let Some(tree) = &mut trees[at] {
                        tree.set(path, value.as_deref(), *behind);
                    }
                }
                Edit::Header(name, value) => {
                    let at = tree(&mut trees, 0);
                    if let Some(tree) = &mut trees[at] {
                        tree.set(&[name], value.as_deref(), None);
                    }
                }
                Edit::HeaderOrder(order) => {
                    let at = tree(&mut trees, 0);
                    let order: Vec<&str> = order.iter().map(String::as_str).collect();
                    if let Some(tree) = &mut trees[at] {
                        tree.order(&order);
                    }
                }
                Edit::HeaderStyle(style) => {
                    tree(&mut trees, 0);
                    styles[0] = *style;
                }
                Edit::ClaimOrder(order) => {
                    let at = tree(&mut trees, 1);
                    if let Some(tree) = &mut trees[at] {
                        tree.order(order);
                    }
                }
                Edit::PayloadStyle(style, behind) => {
                    tree(&mut trees, 1);
                    let is_sorted = styles[1].is_sorted;
                    styles[1] = *style;
                    styles[1].is_sorted |= is_sorted;
                    end = behind;
                }
            }
        }
        let text = |at: usize| match &trees[at] {
            Some(tree) => tree.write(styles[at]),
            None => self.texts[at].clone(),
        };
        [text(0), text(1) + end]
    }
}

impl Message for Token {
    fn choices(&self) -> &[Choice] {
        &self.choices
    }

    fn write(&self, picked: &[usize], out: &mut Vec<u8>) {
        for at in picked {
            match &self.edits[*at] {
                Edit::AsItStands => {
                    out.extend_from_slice(self.parts.join(".").as_bytes());
                    return;
                }
                Edit::Frame(frame) if picked.len() == 1 => {
                    out.extend_from_slice(&frame(self));
                    return;
                }
                Edit::Frame(frame) => {
                    let mut other = self.with(self.written(picked));
                    other.choices = Vec::new();
                    out.extend_from_slice(&frame(&other));
                    return;
                }
                _ => {}
            }
        }
        let [header, payload] = self.written(picked);
        out.extend_from_slice(URL_SAFE_NO_PAD.encode(header).as_bytes());
        out.push(b'.');
        out.extend_from_slice(URL_SAFE_NO_PAD.encode(payload).as_bytes());
    }

    fn show(&self, picked: &[usize]) -> String {
        self.written(picked).join(" . ")
    }
}

impl Token {
    /// The same token with other texts, for what is done to all of it.
    fn with(&self, texts: [String; 2]) -> Self {
        Self {
            parts: texts.clone().map(|text| URL_SAFE_NO_PAD.encode(text)),
            texts,
            trees: self.trees.clone(),
            styles: self.styles,
            signature: String::new(),
            of: self.of,
            choices: Vec::new(),
            edits: Vec::new(),
            flaws: Vec::new(),
        }
    }

    /// The signing input, each part encoded so.
    fn parts(&self, encode: impl Fn(&str) -> String) -> Vec<u8> {
        let [header, payload] = &self.texts;
        format!("{}.{}", encode(header), encode(payload)).into_bytes()
    }

    fn input(&self) -> Vec<u8> {
        self.parts(|text| URL_SAFE_NO_PAD.encode(text))
    }
}

type Frame = (&'static m::Kind, &'static str, bool, fn(&Token) -> Vec<u8>);

/// What was signed instead of the two parts with a dot.
static FRAMES: &[Frame] = &[
    (
        &m::SIGNING_INPUT,
        "the parts of the signing input had their padding",
        false,
        |own| own.parts(|text| URL_SAFE.encode(text)),
    ),
    (
        &m::SIGNING_INPUT,
        "the parts of the signing input were in standard base64",
        false,
        |own| own.parts(|text| STANDARD.encode(text)),
    ),
    (
        &m::SIGNING_INPUT,
        "the parts were in standard base64 without padding",
        true,
        |own| own.parts(|text| STANDARD_NO_PAD.encode(text)),
    ),
    (
        &m::SIGNING_INPUT,
        "the payload alone were signed, encoded",
        false,
        |own| URL_SAFE_NO_PAD.encode(&own.texts[1]).into_bytes(),
    ),
    (
        &m::SIGNING_INPUT,
        "the payload's JSON alone were signed",
        false,
        |own| own.texts[1].clone().into_bytes(),
    ),
    (
        &m::SIGNING_INPUT,
        "header and payload were signed as JSON, not encoded",
        false,
        |own| own.texts.join(".").into_bytes(),
    ),
    (
        &m::SIGNING_INPUT,
        "header and payload were signed without the dot",
        false,
        |own| {
            let dot = |byte: &u8| *byte != b'.';
            own.input().into_iter().filter(dot).collect()
        },
    ),
    (
        &m::SIGNING_INPUT,
        "a dot behind the payload were signed, too",
        true,
        |own| [own.input(), b".".to_vec()].concat(),
    ),
    (
        &m::SIGNING_INPUT,
        "a line feed behind the payload were signed, too",
        true,
        |own| [own.input(), b"\n".to_vec()].concat(),
    ),
    (
        &m::DIGEST,
        "the signing input were hashed with SHA-256 twice",
        false,
        |own| Sha256::digest(own.input()).to_vec(),
    ),
    (
        &m::DIGEST,
        "the hexadecimal text of the input's SHA-256 were signed",
        true,
        |own| hex(&Sha256::digest(own.input())).into_bytes(),
    ),
];

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

fn plain(tree: &Tree) -> Option<String> {
    match tree {
        Tree::Token(token) => match json::string(token) {
            Ok(text) => Some(text.into_owned()),
            Err(_) => Some(token.clone()),
        },
        _ => None,
    }
}

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

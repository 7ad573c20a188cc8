//! A token and every plausible other signing input of it: written anew by
//! another library, with other values, another header. It must not know
//! signatures or keys.

mod choices;
mod inputs;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use crate::format::{Format, Layout as Version};
use crate::json;
use crate::signature::decode;

use super::mistake::{self as m, Mistake, Side};
use super::reading::format_of_token;
use super::search::{Choice, Message, Rarity, Slot};
use super::tree::{Style, Tree};
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

    /// The copy of a part that is changed.
    fn copy<'t>(&self, trees: &'t mut [Option<Tree>; 2], part: usize) -> &'t mut Tree {
        trees[part].get_or_insert_with(|| self.trees[part].clone())
    }

    /// Header and payload under some choices.
    fn written(&self, picked: &[usize]) -> [String; 2] {
        let mut trees: [Option<Tree>; 2] = [None, None];
        let mut styles = self.styles;
        let mut end = "";
        for at in picked {
            match &self.edits[*at] {
                Edit::AsItStands | Edit::Frame(_) => {}
                Edit::Claim(path, value, behind) => {
                    self.copy(&mut trees, 1)
                        .set(path, value.as_deref(), *behind)
                }
                Edit::Header(name, value) => {
                    self.copy(&mut trees, 0)
                        .set(&[name], value.as_deref(), None)
                }
                Edit::HeaderOrder(order) => {
                    let order: Vec<&str> = order.iter().map(String::as_str).collect();
                    self.copy(&mut trees, 0).order(&order);
                }
                Edit::HeaderStyle(style) => {
                    self.copy(&mut trees, 0);
                    styles[0] = *style;
                }
                Edit::ClaimOrder(order) => self.copy(&mut trees, 1).order(order),
                Edit::PayloadStyle(style, behind) => {
                    self.copy(&mut trees, 1);
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
                Edit::Frame(frame) => {
                    out.extend_from_slice(&frame(&self.with(self.written(picked))));
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

fn plain(tree: &Tree) -> Option<String> {
    match tree {
        Tree::Token(token) => match json::string(token) {
            Ok(text) => Some(text.into_owned()),
            Err(_) => Some(token.clone()),
        },
        _ => None,
    }
}

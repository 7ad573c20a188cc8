//! A joined message and every plausible other one: other values, another
//! order, other separators, something around it. It must not know signatures
//! or keys.

mod around;

use crate::format::{Field, Format, Layout, SEPARATOR, Signing, Source, VERSION};

use super::mistake::{self as m, Mistake, Side};
use super::reading::{Shown, Subject};
use super::search::{Choice, Message, Rarity, Slot};
use super::text;
use around::{FRAMES, Framing, SEPARATORS};

/// A message as the documents want it, and all others.
pub(super) struct Joined {
    /// The fields in their order, by their places.
    order: Vec<usize>,
    /// The documented text of every field; `None` where nobody knows it.
    texts: Vec<Option<String>>,
    choices: Vec<Choice>,
    edits: Vec<Edit>,
    /// The choices under which it is what the record says as it stands.
    pub(super) literal: Vec<usize>,
    /// What stands in the record otherwise than it should.
    pub(super) flaws: Vec<Mistake>,
    /// Signed fields whose value nobody told.
    pub(super) unknown: Vec<&'static str>,
}

/// What a choice changes.
enum Edit {
    Text(usize, Option<String>),
    Order(Vec<usize>),
    /// Another version: its order, its text, what it has in place of others.
    Version(Vec<usize>, Vec<(usize, String)>),
    Swap(usize, usize),
    Separator(&'static str),
    Frame(Framing),
}

impl Joined {
    /// The message of a record; `known` are values that the device knows by
    /// itself.
    pub(super) fn new(
        format: &'static Format,
        layout: &'static Layout,
        subject: &Subject,
        known: &[(String, String)],
    ) -> Option<Self> {
        let Signing::Joined { order } = &layout.signing else {
            return None;
        };
        let places = |order: &[&str]| -> Vec<usize> {
            let place = |name: &&str| format.field(name).map(|(at, _)| at);
            order.iter().filter_map(place).collect()
        };
        let mut this = Self {
            order: places(order),
            texts: vec![None; format.fields.len()],
            choices: Vec::new(),
            edits: Vec::new(),
            literal: Vec::new(),
            flaws: Vec::new(),
            unknown: Vec::new(),
        };
        for (at, field) in format.fields.iter().enumerate() {
            let shown = subject.shown.get(at).and_then(Option::as_ref);
            let is_signed = this.order.contains(&at);
            let kept = || beside(subject, field.name, field.aliases);
            let given = || {
                let own =
                    |(name, _): &&(String, String)| crate::record::same_name(name, field.name);
                known.iter().find(own).map(|(_, text)| text.clone())
            };
            let implied = || match field.source {
                Source::Constant(text) | Source::Default(text) => Some(text.to_owned()),
                _ if field.name == VERSION => layout.version.map(str::to_owned),
                _ => None,
            };
            match shown {
                Some(shown) => this.value(field, layout, at, shown, is_signed),
                None => this.texts[at] = implied().or_else(given).or_else(kept),
            }
            if is_signed && this.texts[at].is_none() {
                this.unknown.push(field.name);
            }
        }
        // What is done to the whole message is named before what is done to
        // its first or last value, where both give the same bytes.
        this.frames();
        this.separators();
        for at in this.order.clone() {
            let field = &format.fields[at];
            let Some(text) = this.texts[at].clone() else {
                this.add(
                    Slot::Field(at),
                    Mistake::new(&m::FIELD_EMPTY, field.name, ""),
                    Rarity::Common,
                    Edit::Text(at, Some(String::new())),
                );
                continue;
            };
            for other in text::others(field, &text) {
                this.add(
                    Slot::Field(at),
                    other.mistake,
                    other.rarity,
                    Edit::Text(at, other.text),
                );
            }
        }
        this.counterparts(format);
        this.orders(format, layout, &places);
        Some(this)
    }

    fn add(&mut self, slot: Slot, mistake: Mistake, rarity: Rarity, edit: Edit) {
        self.choices.push(Choice {
            slot,
            mistake,
            rarity,
        });
        self.edits.push(edit);
    }

    /// A value that stands in the record: as it should, or otherwise.
    fn value(
        &mut self,
        field: &'static Field,
        layout: &Layout,
        at: usize,
        shown: &Shown,
        is_signed: bool,
    ) {
        let mut canonical = Vec::new();
        let is_sound =
            field.read(&shown.text, &mut canonical).is_ok() && canonical == shown.text.as_bytes();
        if is_sound {
            if shown.shape != shown.wanted {
                let wanted = shown.wanted.name();
                let mistake = Mistake::new(&m::JSON_TYPE, field.name, wanted);
                self.flaws.push(mistake.on(Side::Shown));
            }
            self.texts[at] = Some(shown.text.clone());
            return;
        }
        let version = layout.version.filter(|_| field.name == VERSION);
        let version = version.map(|text| {
            let mistake = Mistake::new(&m::VERSION_TEXT, field.name, text);
            (text.to_owned(), mistake)
        });
        let mended = version.or_else(|| text::mend(field, &shown.text));
        let (text, mistake) = mended.unwrap_or_else(|| {
            let wanted = field.kind.wanted();
            let mistake = Mistake::new(&m::UNREADABLE, field.name, wanted);
            (shown.text.clone(), mistake)
        });
        if is_signed && text != shown.text {
            self.literal.push(self.choices.len());
            self.add(
                Slot::Field(at),
                mistake.clone().on(Side::Both),
                Rarity::Common,
                Edit::Text(at, Some(shown.text.clone())),
            );
        }
        for other in text::lost(field, &shown.text) {
            let mistake = mistake.clone().on(Side::Shown);
            self.add(
                Slot::Field(at),
                mistake,
                Rarity::Alone,
                Edit::Text(at, Some(other)),
            );
        }
        self.flaws.push(mistake.on(Side::Shown));
        self.texts[at] = Some(text);
    }

    /// What another version has in a field's place.
    fn counterparts(&mut self, format: &'static Format) {
        for at in self.order.clone() {
            let field = &format.fields[at];
            let others = format.fields.iter().enumerate().filter(|(_, other)| {
                other.replaces == Some(field.name) || field.replaces == Some(other.name)
            });
            for (other, own) in others {
                if let Some(text) = self.texts[other].clone() {
                    let detail = format!("{} {text}", own.name);
                    let mistake = Mistake::new(&m::COUNTERPART, field.name, detail);
                    let edit = Edit::Text(at, Some(text));
                    self.add(Slot::Field(at), mistake, Rarity::Common, edit);
                }
                // Of a longer number the last two digits, as older versions see it.
                let text = self.texts[at].clone().unwrap_or_default();
                if text.len() > 2 && text.is_ascii() {
                    let short = text[text.len() - 2..].to_owned();
                    let detail = format!("{} {short}", own.name);
                    let mistake = Mistake::new(&m::COUNTERPART, field.name, detail);
                    let edit = Edit::Text(at, Some(short));
                    self.add(Slot::Field(at), mistake, Rarity::Common, edit);
                }
            }
        }
    }

    /// Other orders: those of other versions, and two values that changed
    /// places.
    fn orders(
        &mut self,
        format: &'static Format,
        own: &Layout,
        places: &dyn Fn(&[&str]) -> Vec<usize>,
    ) {
        for layout in format.layouts {
            let (Signing::Joined { order }, Some(version)) = (&layout.signing, layout.version)
            else {
                continue;
            };
            let order = places(order);
            let added: Vec<usize> = {
                let new = |at: &&usize| !self.order.contains(at);
                order.iter().filter(new).copied().collect()
            };
            let is_longer = order.len() == self.order.len() + 1 && added.len() == 1;
            let mistake = match (is_longer, &added[..]) {
                (true, [at]) => {
                    let text = self.texts[*at].clone().unwrap_or_default();
                    Mistake::new(&m::FIELD_ADDED, format.fields[*at].name, text)
                }
                _ => Mistake::new(&m::FIELD_ORDER, "", version),
            };
            if layout.version == own.version {
                continue;
            }
            // A value that this version alone has comes from its counterpart.
            let mut texts = Vec::new();
            for at in &added {
                let field = &format.fields[*at];
                let counterpart = format.fields.iter().enumerate().find(|(_, other)| {
                    field.replaces == Some(other.name) || other.replaces == Some(field.name)
                });
                if let (None, Some((other, _))) = (&self.texts[*at], counterpart)
                    && let Some(text) = self.texts[other].clone()
                {
                    texts.push((*at, text));
                }
            }
            if texts.is_empty() {
                self.add(
                    Slot::Order,
                    mistake,
                    Rarity::Common,
                    Edit::Order(order.clone()),
                );
            } else {
                let edit = Edit::Version(order.clone(), texts.clone());
                self.add(Slot::Order, mistake, Rarity::Common, edit);
            }
            if let Some((at, _)) = format.field(VERSION) {
                texts.push((at, version.to_owned()));
            }
            let mistake = Mistake::new(&m::AS_VERSION, "", version);
            self.add(
                Slot::Order,
                mistake,
                Rarity::Common,
                Edit::Version(order, texts),
            );
        }
        for first in 0..self.order.len() {
            for second in first + 1..self.order.len() {
                let name = |at: usize| format.fields[self.order[at]].name;
                let mistake = Mistake::new(&m::SWAPPED, name(first), name(second));
                let rarity = match second == first + 1 {
                    true => Rarity::Rare,
                    false => Rarity::Alone,
                };
                self.add(Slot::Order, mistake, rarity, Edit::Swap(first, second));
            }
        }
    }

    fn separators(&mut self) {
        for (text, words, is_rare) in SEPARATORS {
            let mistake = Mistake::new(&m::SEPARATOR, "", *words);
            self.add(
                Slot::Style,
                mistake,
                rarity(*is_rare),
                Edit::Separator(text),
            );
        }
    }

    fn frames(&mut self) {
        for (kind, words, is_rare, frame) in FRAMES {
            let mistake = Mistake::new(kind, "", *words);
            self.add(Slot::Frame, mistake, rarity(*is_rare), Edit::Frame(*frame));
        }
    }
}

impl Message for Joined {
    fn choices(&self) -> &[Choice] {
        &self.choices
    }

    fn write(&self, picked: &[usize], out: &mut Vec<u8>) {
        let edits = || picked.iter().map(|at| &self.edits[*at]);
        let mut order = self.order.clone();
        let mut separator = SEPARATOR;
        let mut frame: Option<Framing> = None;
        let mut texts: Vec<(usize, Option<&str>)> = Vec::new();
        for edit in edits() {
            match edit {
                Edit::Text(at, text) => texts.push((*at, text.as_deref())),
                Edit::Order(other) => order.clone_from(other),
                Edit::Version(other, own) => {
                    order.clone_from(other);
                    texts.extend(own.iter().map(|(at, text)| (*at, Some(text.as_str()))));
                }
                Edit::Swap(first, second) => order.swap(*first, *second),
                Edit::Separator(other) => separator = other,
                Edit::Frame(own) => frame = Some(*own),
            }
        }
        let start = out.len();
        let mut is_first = true;
        for at in order {
            let edited = texts.iter().find(|(own, _)| *own == at);
            let text = match edited {
                Some((_, text)) => *text,
                None => self.texts[at].as_deref(),
            };
            let Some(text) = text else { continue };
            if !is_first {
                out.extend_from_slice(separator.as_bytes());
            }
            is_first = false;
            out.extend_from_slice(text.as_bytes());
        }
        if let Some(frame) = frame {
            let framed = frame(&out[start..]);
            out.truncate(start);
            out.extend_from_slice(&framed);
        }
    }

    fn show(&self, picked: &[usize]) -> String {
        let mut out = Vec::new();
        self.write(picked, &mut out);
        String::from_utf8_lossy(&out).into_owned()
    }
}

/// A value that stands beside what is signed, under one of the field's names.
fn beside(subject: &Subject, name: &str, aliases: &[&str]) -> Option<String> {
    let is_own = |own: &str| {
        crate::record::same_name(own, name)
            || aliases
                .iter()
                .any(|alias| crate::record::same_name(own, alias))
    };
    let found = subject.beside.iter().find(|(own, _)| is_own(own));
    found.map(|(_, text)| text.clone())
}

fn rarity(is_rare: bool) -> Rarity {
    match is_rare {
        true => Rarity::Rare,
        false => Rarity::Common,
    }
}

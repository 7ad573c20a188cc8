//! A field: its name, its type, where its value comes from.

use super::kind::Kind;
use super::problem::{Code, Fault, Notice};

/// One field: a value that is signed, or names the key that signs.
#[derive(Clone, Copy, Debug)]
pub struct Field {
    /// The vendor's name, never re-spelled.
    pub name: &'static str,
    /// Other names that a column of it may have: what several formats call
    /// differently stands in one file under one name.
    pub aliases: &'static [&'static str],
    /// The field that other versions have in its place.
    pub replaces: Option<&'static str>,
    /// Whether its value can select the key that signs, and as what.
    pub selects: Option<Selector>,
    /// The type and the range.
    pub kind: Kind,
    /// Where the value comes from.
    pub source: Source,
    /// A sentence for schemas and `formats`.
    pub doc: &'static str,
    /// A value for templates; empty where the value is generated.
    pub example: &'static str,
    /// The value is lower-cased before it is signed.
    pub lowered: bool,
    /// The value that means the same as none, and is left out.
    pub omit: Option<&'static str>,
    /// How the claim is made of the value, where it is not the value itself.
    pub wrapped: Option<Wrapping>,
    /// Looks at the value as given and may have something to say.
    pub notice: Option<fn(&str) -> Option<&'static Notice>>,
}

/// Where a field's value comes from. A filled cell of the row always wins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Source {
    /// The run's timestamp, in the field's unit.
    Clock,
    /// Always this text; a row may state it, but not change it.
    Constant(&'static str),
    /// This text where the row has none.
    Default(&'static str),
    /// The run's expiry, in the field's unit.
    Expiry,
    /// The key's id, from the command line or the key file's name.
    KeyId {
        /// Whether a row without one is refused.
        required: bool,
    },
    /// A nonce derived for the row.
    Nonce,
    /// The row; may be absent.
    Optional,
    /// The row, and it must be there.
    Required,
    /// Another field's value where the row has none.
    SameAs(&'static str),
    /// The row's version, which picks the layout; the newest by default.
    Version,
}

/// What of a row can select the key that signs it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Selector {
    /// The account.
    Account,
    /// The ad network's id.
    AdNetwork,
    /// The app's bundle id.
    Bundle,
    /// The key's id.
    KeyId,
}

impl Selector {
    /// Every one.
    pub const ALL: &'static [Self] = &[Self::Account, Self::AdNetwork, Self::Bundle, Self::KeyId];
}

/// A claim that is an encoding of its field, with an id derived for the
/// record inserted where the field has none.
#[derive(Clone, Copy, Debug)]
pub struct Wrapping {
    /// The label under which the id is derived.
    pub label: &'static str,
    /// Whether the value lacks the id.
    pub lacks_id: fn(&str) -> bool,
    /// Appends the claim's text, made of the value and the id.
    pub wrap: fn(&str, Option<&str>, &mut Vec<u8>),
    /// The value back from the claim's text, for verification.
    pub unwrap: fn(&str) -> Option<String>,
}

impl Field {
    /// A field with a type, a source and a sentence.
    pub const fn new(name: &'static str, kind: Kind, source: Source, doc: &'static str) -> Self {
        Self {
            name,
            aliases: &[],
            replaces: None,
            selects: None,
            kind,
            source,
            doc,
            example: "",
            lowered: false,
            omit: None,
            wrapped: None,
            notice: None,
        }
    }

    /// The same with an example.
    pub const fn example(mut self, example: &'static str) -> Self {
        self.example = example;
        self
    }

    /// The same under other names, too.
    pub const fn aliases(mut self, aliases: &'static [&'static str]) -> Self {
        self.aliases = aliases;
        self
    }

    /// The same, where other versions have that field in its place.
    pub const fn replaces(mut self, name: &'static str) -> Self {
        self.replaces = Some(name);
        self
    }

    /// The same, able to select the key that signs.
    pub const fn selects(mut self, selector: Selector) -> Self {
        self.selects = Some(selector);
        self
    }

    /// The same, lower-cased before it is signed.
    pub const fn lowered(mut self) -> Self {
        self.lowered = true;
        self
    }

    /// The same, left out where it has this value.
    pub const fn omit(mut self, value: &'static str) -> Self {
        self.omit = Some(value);
        self
    }

    /// The same, encoded into its claim.
    pub const fn wrapped(mut self, wrapping: Wrapping) -> Self {
        self.wrapped = Some(wrapping);
        self
    }

    /// The same, with something to say about some values.
    pub const fn notice(mut self, notice: fn(&str) -> Option<&'static Notice>) -> Self {
        self.notice = Some(notice);
        self
    }

    /// Whether a sound record may have no value, or an empty one, for it.
    pub fn may_be_absent(&self) -> bool {
        self.omit.is_some()
            || self.may_be_empty()
            || matches!(
                self.source,
                Source::Optional | Source::KeyId { required: false }
            )
    }

    /// Whether an empty value is a value.
    pub fn may_be_empty(&self) -> bool {
        self.source == Source::Default("")
    }

    /// Checks one value and appends its canonical text, as it is signed.
    ///
    /// # Errors
    /// The first thing found wrong with it.
    pub fn read(&self, text: &str, out: &mut Vec<u8>) -> Result<(), Fault> {
        if text.is_empty() && self.may_be_empty() {
            return Ok(());
        }
        if let Source::Constant(only) = self.source
            && text != only
        {
            return Err(Fault::new(Code::NotOneOf, format!("{only}, always")));
        }
        if self.lowered {
            self.kind.read(&text.to_lowercase(), out)
        } else {
            self.kind.read(text, out)
        }
    }
}

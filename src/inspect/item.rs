//! What is shown of one thing, before anybody decides how: sections of facts,
//! and what is worth a second look. It must not know what the thing is.

use crate::format::{Format, Layout, shape::Shape};
use crate::json;

/// One thing that was recognised, taken apart.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Item {
    /// What it is, as one word: `token`, `record`, `signature`, `nonce`, `key`.
    pub kind: &'static str,
    /// The same in a few words.
    pub title: String,
    /// Where it stands inside of a larger document; empty for all of it.
    pub path: String,
    /// The id of the format it is of, where it is of one.
    pub format: Option<&'static str>,
    /// The shape it stands in; none for flat records and bare tokens.
    pub shape: Option<&'static str>,
    /// The version, where the format has versions.
    pub version: Option<&'static str>,
    /// Its parts.
    pub sections: Vec<Section>,
    /// What is wrong with it, or legal but suspicious.
    pub warnings: Vec<Warning>,
}

/// A part of an item: a text, named facts, or both.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Section {
    /// Its name; words with spaces between them.
    pub name: &'static str,
    /// Its text, where it has one of its own.
    pub text: String,
    /// What it consists of.
    pub facts: Vec<Fact>,
}

/// One named value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fact {
    /// Its name.
    pub name: String,
    /// The value as JSON text.
    pub json: String,
    /// Whether its JSON type is worth a word.
    pub is_typed: bool,
    /// The value in other words, for example a time; may be empty.
    pub note: String,
}

/// Something wrong, or legal but suspicious.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Warning {
    /// A stable code.
    pub code: &'static str,
    /// The member it is about; empty for the whole.
    pub at: String,
    /// A sentence.
    pub says: String,
}

impl Item {
    pub(super) fn new(kind: &'static str, title: impl Into<String>) -> Self {
        Self {
            kind,
            title: title.into(),
            path: String::new(),
            format: None,
            shape: None,
            version: None,
            sections: Vec::new(),
            warnings: Vec::new(),
        }
    }

    /// The same, of a format.
    pub(super) fn of(
        mut self,
        format: &'static Format,
        shape: Option<&'static Shape>,
        layout: &'static Layout,
    ) -> Self {
        self.format = Some(format.id);
        self.shape = shape.map(|shape| shape.name);
        self.version = layout.version;
        self
    }

    pub(super) fn warn(&mut self, code: &'static str, at: &str, says: impl Into<String>) {
        let warning = Warning {
            code,
            at: at.to_owned(),
            says: says.into(),
        };
        // A record and the token in it may say the same.
        if !self.warnings.contains(&warning) {
            self.warnings.push(warning);
        }
    }
}

impl Section {
    pub(super) fn new(name: &'static str, text: impl Into<String>) -> Self {
        Self {
            name,
            text: text.into(),
            facts: Vec::new(),
        }
    }

    /// Adds a fact that is a text.
    pub(super) fn say(&mut self, name: &str, text: &str, note: impl Into<String>) {
        let mut token = Vec::new();
        json::write_string(text, &mut token);
        self.facts.push(Fact {
            name: name.to_owned(),
            json: String::from_utf8(token).unwrap_or_default(),
            is_typed: false,
            note: note.into(),
        });
    }

    /// Adds a fact that is a number.
    pub(super) fn count(&mut self, name: &str, number: usize) {
        self.facts.push(Fact {
            name: name.to_owned(),
            json: number.to_string(),
            is_typed: false,
            note: String::new(),
        });
    }

    /// Adds a member of a JSON object as it stands.
    pub(super) fn member(&mut self, name: &str, token: &str, note: String) {
        let mut json = Vec::new();
        json::write_compact(token, &mut json);
        self.facts.push(Fact {
            name: name.to_owned(),
            json: String::from_utf8(json).unwrap_or_default(),
            is_typed: true,
            note,
        });
    }
}

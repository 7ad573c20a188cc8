//! What is said of one postback, and the line that says it. This file must not
//! know how it was found.

use std::borrow::Cow;
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::format::postback::{Postback, Role};
use crate::format::{Environment, Judgement, Reason};
use crate::json;

use super::signed::Origin;

/// How many characters of a value are shown.
const SHOWN: usize = 200;

/// One thing that keeps a postback from being valid.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Flaw {
    /// The stable code.
    pub reason: Reason,
    /// The member or the claim; empty for the whole line.
    pub field: String,
    /// What stands there, cut after 200 characters; empty where that is plain.
    pub found: String,
    /// What is wanted.
    pub wanted: Cow<'static, str>,
    /// What to do; may be empty.
    pub hint: Cow<'static, str>,
}

impl Flaw {
    pub(super) fn new(
        reason: Reason,
        field: impl Into<String>,
        found: &str,
        wanted: impl Into<Cow<'static, str>>,
    ) -> Self {
        let cut = found.char_indices().nth(SHOWN);
        Self {
            reason,
            field: field.into(),
            found: found[..cut.map_or(found.len(), |(at, _)| at)].to_owned(),
            wanted: wanted.into(),
            hint: Cow::Borrowed(""),
        }
    }

    #[must_use]
    pub(super) fn hint(mut self, hint: impl Into<Cow<'static, str>>) -> Self {
        self.hint = hint.into();
        self
    }
}

/// Where a postback stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// The file's name; `-` for standard input.
    pub file: Arc<str>,
    /// The line, from 1.
    pub line: u64,
}

/// What is said of one postback.
#[derive(Clone, Debug)]
pub struct Verdict {
    /// Where it stands.
    pub place: Place,
    /// What it is.
    pub judgement: Judgement,
    /// Why it is not valid; empty where it is.
    pub flaws: Vec<Flaw>,
    /// Whose installs the key speaks of that it is right under; only of a
    /// valid one.
    pub environment: Option<Environment>,
    /// Its kind, where that is known.
    pub kind: Option<&'static Postback>,
    /// Its version, or what it states as such.
    pub version: Option<String>,
    /// What it says of itself, as JSON; of an invalid one nothing is to be
    /// believed.
    pub said: Vec<(Role, String)>,
    /// Its members that no signature covers.
    pub unsigned: Vec<String>,
    /// The signed bytes, where they were asked for and could be made.
    pub signed_bytes: Option<Vec<u8>>,
    /// The first valid postback with the same id, where that is another one.
    pub duplicate_of: Option<Place>,
    /// What of the signed files it may come from.
    pub origin: Option<Origin>,
}

impl Verdict {
    pub(super) fn new(place: Place) -> Self {
        Self {
            place,
            judgement: Judgement::Valid,
            flaws: Vec::new(),
            environment: None,
            kind: None,
            version: None,
            said: Vec::new(),
            unsigned: Vec::new(),
            signed_bytes: None,
            duplicate_of: None,
            origin: None,
        }
    }

    /// Judges it by its flaws: the worst of them counts.
    pub(super) fn judge(&mut self) {
        let worst = self.flaws.iter().map(|flaw| flaw.reason.judgement()).max();
        self.judgement = worst.unwrap_or(Judgement::Valid);
    }

    /// What it says of itself in this role, as JSON.
    pub fn role(&self, role: Role) -> Option<&str> {
        let own = self.said.iter().find(|(own, _)| *own == role);
        own.map(|(_, token)| token.as_str())
    }

    /// The same as text, where it is a string.
    pub fn text(&self, role: Role) -> Option<Cow<'_, str>> {
        json::string(self.role(role)?).ok()
    }

    /// Appends it as a line of JSON, line end included.
    pub fn write(&self, out: &mut Vec<u8>) {
        out.push(b'{');
        text_member("file", &self.place.file, out);
        member("line", &self.place.line.to_string(), out);
        text_member("verdict", self.judgement.as_str(), out);
        if let Some(environment) = self.environment {
            text_member("environment", environment.as_str(), out);
        }
        if let Some(kind) = self.kind {
            text_member("kind", kind.id, out);
        }
        if let Some(version) = &self.version {
            text_member(Role::Version.as_str(), version, out);
        }
        for role in Role::ALL.iter().filter(|role| **role != Role::Version) {
            if let Some(token) = self.role(*role) {
                member(role.as_str(), token, out);
            }
        }
        if let Some(first) = &self.duplicate_of {
            text_member("duplicate_of_file", &first.file, out);
            member("duplicate_of_line", &first.line.to_string(), out);
        }
        if !self.flaws.is_empty() {
            name("reasons", out);
            list(&self.flaws, out, write_flaw);
        }
        if !self.unsigned.is_empty() {
            name("unsigned", out);
            list(&self.unsigned, out, |text, out| {
                json::write_string(text, out)
            });
        }
        if let Some(origin) = &self.origin {
            name("signed", out);
            origin.write(out);
        }
        if let Some(bytes) = &self.signed_bytes {
            text_member("signed_bytes", &STANDARD.encode(bytes), out);
        }
        out.extend_from_slice(b"}\n");
    }
}

fn write_flaw(flaw: &Flaw, out: &mut Vec<u8>) {
    out.push(b'{');
    text_member("code", flaw.reason.as_str(), out);
    text_member("field", &flaw.field, out);
    text_member("found", &flaw.found, out);
    text_member("wanted", &flaw.wanted, out);
    text_member("hint", &flaw.hint, out);
    out.push(b'}');
}

/// Appends an array.
pub(super) fn list<T>(all: &[T], out: &mut Vec<u8>, write: impl Fn(&T, &mut Vec<u8>)) {
    out.push(b'[');
    for (at, one) in all.iter().enumerate() {
        if at > 0 {
            out.push(b',');
        }
        write(one, out);
    }
    out.push(b']');
}

/// Appends a member's name, after a comma unless it is the object's first.
pub(super) fn name(name: &str, out: &mut Vec<u8>) {
    if out.last() != Some(&b'{') {
        out.push(b',');
    }
    json::write_string(name, out);
    out.push(b':');
}

/// Appends a member with this JSON text.
pub(super) fn member(own: &str, token: &str, out: &mut Vec<u8>) {
    name(own, out);
    out.extend_from_slice(token.as_bytes());
}

/// Appends a member with this string.
pub(super) fn text_member(own: &str, text: &str, out: &mut Vec<u8>) {
    name(own, out);
    json::write_string(text, out);
}

//! The signed values of a postback, each of the JSON type and in the form that
//! Apple sends. This file must not know signatures.

use std::borrow::Cow;

use crate::format::postback::{Postback, PostbackField, PostbackVersion, Role};
use crate::format::{Reason, SEPARATOR};
use crate::json::{self, Member, Shape};

use super::verdict::{Flaw, Verdict};

/// The values in their order. Of a value that is not as it should be, the text
/// that it may have been made of.
pub(super) struct Fields<'a> {
    texts: Vec<Cow<'a, str>>,
}

impl Fields<'_> {
    /// The values, joined.
    pub(super) fn joined(&self) -> Vec<u8> {
        self.texts.join(SEPARATOR).into_bytes()
    }
}

/// The JSON text of a member.
pub(super) fn find<'a>(members: &[Member<'a>], name: &str) -> Option<&'a str> {
    let found = members.iter().find(|(member, _)| member == name);
    found.map(|(_, token)| *token)
}

/// Reads all values that a version signs.
pub(super) fn read_fields<'a>(
    kind: &'static Postback,
    version: &'static PostbackVersion,
    members: &[Member<'a>],
    verdict: &mut Verdict,
) -> Fields<'a> {
    let mut texts = Vec::with_capacity(version.slots().len());
    for slot in version.slots() {
        let mut there = slot.names.iter().filter_map(|name| {
            let field = kind.field(name)?;
            Some((field, find(members, name)?))
        });
        let Some((field, token)) = there.next() else {
            if slot.required {
                let name = slot.names.first().copied().unwrap_or_default();
                let wanted = kind.field(name).map_or("it", |field| field.doc);
                let flaw = Flaw::new(Reason::Missing, name, "", wanted);
                verdict.flaws.push(flaw);
            }
            continue;
        };
        if let Some((other, token)) = there.next() {
            let flaw = Flaw::new(Reason::Conflict, other.name, token, "one of the two");
            let hint = format!("{} is there, too; Apple sends one at most", field.name);
            verdict.flaws.push(flaw.hint(hint));
        }
        match read_value(field, token) {
            Ok(text) => {
                if let Some(role) = field.role.filter(|role| *role != Role::Version) {
                    verdict.said.push((role, token.to_owned()));
                }
                texts.push(text);
            }
            Err((flaw, text)) => {
                verdict.flaws.push(*flaw);
                texts.extend(text);
            }
        }
    }
    Fields { texts }
}

/// Reads what a postback of an unknown version says of itself, as far as it
/// says it as the known ones do.
pub(super) fn read_roles(kind: &'static Postback, members: &[Member<'_>], verdict: &mut Verdict) {
    for field in kind.fields {
        let role = field.role.filter(|role| *role != Role::Version);
        let token = find(members, field.name);
        if let (Some(role), Some(token)) = (role, token)
            && read_value(field, token).is_ok()
        {
            verdict.said.push((role, token.to_owned()));
        }
    }
}

/// A flaw, and the text that may have been signed. Boxed, because nearly every
/// value has none.
type Flawed<'a> = (Box<Flaw>, Option<Cow<'a, str>>);

/// Reads one value as strictly as it was signed: its own JSON type, plain
/// digits, no control character. Beside a flaw comes the text that may have
/// been signed; none where the member was most likely absent.
fn read_value<'a>(field: &PostbackField, token: &'a str) -> Result<Cow<'a, str>, Flawed<'a>> {
    let (wanted, found) = (field.kind.shape(), Shape::of(token));
    let text = match found {
        Shape::String => json::string(token).unwrap_or_default(),
        _ => Cow::Borrowed(token),
    };
    let mut canonical = Vec::new();
    let read = field.kind.read(&text, &mut canonical);
    if found != wanted {
        let flaw = Flaw::new(Reason::WrongType, field.name, token, field.kind.wanted());
        let hint = match (found, wanted) {
            (Shape::Null, _) => "Apple leaves out what it keeps back, and sends no null",
            (Shape::String, _) => "Apple sends it without quotes",
            (_, Shape::String) => "Apple sends a string, in quotes",
            _ => "",
        };
        let may_be = read.is_ok().then_some(text);
        return Err((Box::new(flaw.hint(hint)), may_be));
    }
    if read.is_ok() && !text.is_empty() && canonical == text.as_bytes() {
        return Ok(text);
    }
    let flaw = Flaw::new(Reason::BadValue, field.name, token, field.kind.wanted());
    let whole = token.strip_suffix(".0").filter(|_| wanted == Shape::Number);
    Err(match (read, whole) {
        (_, Some(whole)) => {
            let hint = "a reader that makes numbers floats wrote it; keep the body as received";
            (Box::new(flaw.hint(hint)), Some(Cow::Borrowed(whole)))
        }
        (Err(fault), None) => (Box::new(flaw.hint(fault.hint)), None),
        (Ok(()), None) => (Box::new(flaw), None),
    })
}

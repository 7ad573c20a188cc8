//! From a line to what it says, what is wrong with it, and what its signature
//! is to be held against. Nothing is mended: where a value was changed on its
//! way, the signature is tried over what it may have been, for the
//! explanation alone. This file must not know how signatures are verified.

use std::borrow::Cow;

use crate::envelope::read_signature;
use crate::format::Reason;
use crate::format::postback::{
    KeyChoice, POSTBACKS, Postback, PostbackSigning, PostbackVersion, Role,
};
use crate::json::{self, Member, Shape};

use super::damage;
use super::fields::{find, read_fields, read_roles};
use super::keys;
use super::token;
use super::verdict::{Flaw, Verdict};

/// What a signature is to be held against.
pub(super) struct Proof {
    /// The bytes that it should cover.
    pub(super) message: Vec<u8>,
    /// `r ‖ s`.
    pub(super) signature: [u8; 64],
    /// The key that it should be of, where it is known.
    pub(super) key: Option<u16>,
    /// A given key may stand in for it.
    pub(super) takes_given: bool,
}

/// Reads one line into its verdict, all but what only its signature tells.
pub(super) fn read_line(line: &[u8], verdict: &mut Verdict) -> Option<Proof> {
    let Ok(text) = std::str::from_utf8(line) else {
        let flaw = Flaw::new(Reason::InvalidUtf8, "", "", "UTF-8");
        verdict.flaws.push(flaw.hint("keep the body as received"));
        return None;
    };
    // White space as JSON has it: a form feed is none.
    let text = text.trim_matches([' ', '\t', '\r', '\n']);
    if !text.starts_with('{') && damage::is_bare_token(text) {
        let kind = POSTBACKS.iter().find(|kind| is_token(kind))?;
        verdict.kind = Some(kind);
        return token::read(kind, text, verdict);
    }
    match json::object(text) {
        Ok(members) => read_body(&members, verdict),
        Err(fault) => {
            verdict.flaws.push(unreadable(text, &fault));
            None
        }
    }
}

fn is_token(kind: &Postback) -> bool {
    let mut versions = kind.versions.iter();
    versions.any(|own| matches!(own.signing, PostbackSigning::Token(_)))
}

fn unreadable(text: &str, fault: &json::Fault) -> Flaw {
    if let Some(flaw) = damage::foreign(text) {
        return flaw;
    }
    let flaw = |reason, wanted: &'static str| Flaw::new(reason, "", text, wanted);
    let object = "a JSON object";
    match fault {
        json::Fault::Duplicate(name) => {
            let wanted = "each name once";
            Flaw::new(Reason::DuplicateMember, name, "", wanted)
        }
        json::Fault::Invalid(words) => flaw(Reason::BadJson, object).hint(words.clone()),
        json::Fault::Shape(shape) => flaw(Reason::NotAnObject, object).hint(match shape {
            Shape::Array => "write one postback a line, without the array around them",
            Shape::String => "write the text inside the quotes to a line of its own",
            _ => "",
        }),
        json::Fault::TooDeep => flaw(Reason::TooDeep, object).hint(fault.to_string()),
    }
}

fn read_body(members: &[Member<'_>], verdict: &mut Verdict) -> Option<Proof> {
    let has = |kind: &&&Postback| find(members, kind.result).is_some();
    let names = || members.iter().map(|(name, _)| name.as_ref());
    let roots: Vec<&str> = POSTBACKS.iter().filter(has).map(|k| k.result).collect();
    if roots.len() > 1 {
        let found = roots.join(" and ");
        let flaw = Flaw::new(Reason::TwoPostbacks, "", &found, "one of them");
        verdict.flaws.push(flaw);
        return None;
    }
    let mut kinds = POSTBACKS.iter();
    let like = || POSTBACKS.iter().find(|kind| kind.is_like(names()));
    let Some(kind) = kinds.find(has).or_else(like) else {
        let results: Vec<&str> = POSTBACKS.iter().map(|kind| kind.result).collect();
        verdict
            .flaws
            .push(damage::enveloped(members).unwrap_or_else(|| {
                let wanted = format!("a postback, with {}", results.join(" or "));
                Flaw::new(Reason::NotAPostback, "", "", wanted)
            }));
        return None;
    };
    verdict.kind = Some(kind);
    let version = read_version(kind, members, verdict);
    let is_signed = |name: &str| match version {
        Some(version) => name == kind.result || version.signs(name),
        // Which are signed is not known; which never are, is.
        None => !kind.unsigned.iter().any(|(own, _)| *own == name),
    };
    let in_token = matches!(
        version.map(|version| &version.signing),
        Some(PostbackSigning::Token(_))
    );
    let unsigned = names().filter(|name| (in_token && *name != kind.result) || !is_signed(name));
    verdict.unsigned = unsigned.map(str::to_owned).collect();
    let Some(version) = version else {
        read_roles(kind, members, verdict);
        return None;
    };
    match version.signing {
        PostbackSigning::Joined(_) => read_joined(kind, version, members, verdict),
        PostbackSigning::Token(_) => {
            let text = read_result(kind, members, verdict)?;
            token::read(kind, &text, verdict)
        }
    }
}

/// The version, where it is known; else that it is not has been said.
fn read_version(
    kind: &'static Postback,
    members: &[Member<'_>],
    verdict: &mut Verdict,
) -> Option<&'static PostbackVersion> {
    let known = || {
        let all: Vec<&str> = kind.version_names().collect();
        format!("one of {}", all.join(", "))
    };
    let member = kind.role(Role::Version).map(|field| field.name);
    let stated = member.and_then(|name| Some((name, find(members, name)?)));
    let Some((name, token)) = stated else {
        let names = members.iter().map(|(name, _)| name.as_ref());
        let version = kind.unstated(names);
        verdict.version = version.and_then(|own| own.name).map(str::to_owned);
        if version.is_none() {
            let flaw = Flaw::new(Reason::Missing, member.unwrap_or_default(), "", known());
            let hint = "it has fields of a version that states itself";
            verdict.flaws.push(flaw.hint(hint));
        }
        return version;
    };
    let text = match Shape::of(token) {
        Shape::String => json::string(token).ok(),
        _ => Some(Cow::Borrowed(token)),
    };
    let version = text.as_deref().and_then(|text| kind.version(text));
    if Shape::of(token) != Shape::String {
        // Where it is signed it is read once more, with the other fields.
        if version.is_none_or(|version| !version.signs(name)) {
            let flaw = Flaw::new(Reason::WrongType, name, token, "a string");
            let hint = "Apple sends a string, in quotes";
            verdict.flaws.push(flaw.hint(hint));
        }
    } else if version.is_none() {
        let found = text.as_deref().unwrap_or(token);
        let flaw = Flaw::new(Reason::UnknownVersion, name, found, known());
        let hint = "this program does not know how it is signed; look for a newer one";
        verdict.flaws.push(flaw.hint(hint));
    }
    // What is not known may be anything, as long as it likes.
    let shown = text.map(|text| text.chars().take(16).collect());
    verdict.version = match version {
        Some(version) => version.name.map(str::to_owned),
        None => shown,
    };
    version
}

/// The text of the member that holds the signature or the token.
fn read_result<'a>(
    kind: &Postback,
    members: &[Member<'a>],
    verdict: &mut Verdict,
) -> Option<Cow<'a, str>> {
    let name = kind.result;
    let flaw = match find(members, name) {
        None => Flaw::new(Reason::Missing, name, "", "the signature"),
        Some(token) => match json::string(token) {
            Ok(text) if Shape::of(token) == Shape::String => return Some(text),
            _ => Flaw::new(Reason::WrongType, name, token, "a string"),
        },
    };
    verdict.flaws.push(flaw);
    None
}

fn read_joined(
    kind: &'static Postback,
    version: &'static PostbackVersion,
    members: &[Member<'_>],
    verdict: &mut Verdict,
) -> Option<Proof> {
    let fields = read_fields(kind, version, members, verdict);
    let key = match version.key {
        KeyChoice::Fixed(kid) => keys::of_kid(kid),
        KeyChoice::Header(_) => None,
        KeyChoice::Unsupported(why, hint) => {
            if verdict.flaws.is_empty() {
                let found = version.name.unwrap_or_default();
                let field = kind.role(Role::Version).map_or("", |field| field.name);
                let flaw = Flaw::new(Reason::UnsupportedVersion, field, found, "a later one");
                verdict
                    .flaws
                    .push(flaw.hint(format!("{found} {why}; {hint}")));
            }
            return None;
        }
    };
    let text = read_result(kind, members, verdict)?;
    let signature = match read_signature(&text) {
        Some(signature) => signature,
        None => {
            let (flaw, mended) = damage::signature(kind.result, &text);
            verdict.flaws.push(flaw);
            mended?
        }
    };
    Some(Proof {
        message: fields.joined(),
        signature,
        key,
        takes_given: true,
    })
}

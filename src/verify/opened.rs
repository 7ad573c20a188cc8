//! Signed records taken apart for a person: what each field says, what was
//! signed and where the signature stands, without a key and without a verdict.
//! What verification would say of the content alone stands beside it. This
//! file must not know how any of it is shown.

use std::borrow::Cow;

use csv::ByteRecord;

use crate::format::shape::Shape;
use crate::format::{Claim, FORMATS, Field, Format, HeaderValue, Layout, Signing, Source};
use crate::json::{self, Member, Shape as JsonShape};
use crate::jws::Compact;

use super::fields::{find, read_fields, write_joined};
use super::findings::{Finding, Findings};
use super::form::{self, plain};
use super::{object, record, shape, token};

/// One signed record, taken apart.
#[derive(Debug)]
pub struct Opened {
    /// Its format.
    pub format: &'static Format,
    /// The shape it stands in; `None` for the flat record and for a bare token.
    pub shape: Option<&'static Shape>,
    /// Its version.
    pub layout: &'static Layout,
    /// What each field says, as it stands there, in its place among
    /// [`Format::all_fields`].
    pub values: Vec<Option<String>>,
    /// The path to the signature or token, and its text.
    pub result: Option<(String, String)>,
    /// The bytes that a joined format signs, made of the fields; `None` for a
    /// token, which carries its own.
    pub message: Option<String>,
    /// Signed fields that stand nowhere: the message has `<name>` in their place.
    pub unknown: Vec<&'static str>,
    /// What is wrong with the content, the signature aside.
    pub findings: Vec<Finding>,
}

/// Takes the records in one JSON object apart: a flat record, or one of a
/// shape, alone or behind kept columns. Empty where it is neither.
///
/// # Errors
/// When the text is no JSON object.
pub fn open(text: &str) -> Result<Vec<Opened>, json::Fault> {
    let members = json::object(text)?;
    if let Some(id) = find(&members, "format") {
        let format = Format::find(&plain(id));
        return Ok(format
            .map(|format| flat(format, &members))
            .into_iter()
            .collect());
    }
    let (object, beside) = shape::unwrap(members)?;
    let mut findings = Findings::default();
    let forms = form::forms(None, None);
    let parts = shape::read(&object, &forms, &mut findings).unwrap_or_default();
    let mut opened: Vec<Opened> = Vec::with_capacity(parts.len());
    for part in parts {
        let mut own = Findings::default();
        opened.push(of_part(part, &beside, &mut own));
        findings.all.append(&mut own.all);
    }
    // What was found belongs to the object; it is said once.
    if let Some(first) = opened.first_mut() {
        first.findings = findings.all;
    }
    Ok(opened)
}

/// Takes a CSV row of flat records apart, under its header; `None` where it is
/// no such row.
pub fn open_cells(header: &[String], row: &ByteRecord) -> Option<Opened> {
    let cells: Vec<(&str, &str)> = header
        .iter()
        .zip(row)
        .filter_map(|(name, cell)| Some((name.as_str(), std::str::from_utf8(cell).ok()?)))
        .collect();
    let (_, id) = cells.iter().find(|(name, _)| *name == "format")?;
    let format = Format::find(id)?;
    let tokens: Vec<(&str, Cow<'_, str>)> = cells
        .iter()
        .filter_map(|(name, text)| Some((*name, record::token_of(format, name, text)?)))
        .collect();
    let members: Vec<Member<'_>> = tokens
        .iter()
        .map(|(name, token)| (Cow::Borrowed(*name), token.as_ref()))
        .collect();
    Some(flat(format, &members))
}

/// Tells which format a bare token is of, by its claims and its header, and
/// takes it apart; `None` where it resembles none.
pub fn open_token(text: &str, compact: &Compact<'_>) -> Option<Opened> {
    let payload = std::str::from_utf8(&compact.payload).ok()?;
    let payload = json::object(payload).ok()?;
    let header = json::object(&compact.header).ok()?;
    let layouts = FORMATS
        .iter()
        .flat_map(|format| format.layouts.iter().map(|layout| (*format, layout)));
    let scored = layouts
        .map(|(format, layout)| (likeness(format, layout, &header, &payload), format, layout));
    // The first of the best.
    let (score, format, layout) = scored.rev().max_by_key(|(score, ..)| *score)?;
    if score <= 0 {
        return None;
    }
    let mut findings = Findings::default();
    if let Signing::Jws { header, claims } = &layout.signing {
        for (name, _) in &payload {
            if !token::is_claim(claims, name) {
                findings.add(name, "is a claim the format does not have");
            }
        }
        let read = read_fields(format, layout, &payload, &mut findings);
        token::verify_header(format, compact, header, &read, &mut findings);
    }
    Some(Opened {
        format,
        shape: None,
        layout,
        values: raw(format, layout, &payload),
        result: Some((String::new(), text.to_owned())),
        message: None,
        unknown: Vec::new(),
        findings: findings.all,
    })
}

/// How much a token resembles one of a format: its claims and its constants,
/// less what is missing.
fn likeness(
    format: &Format,
    layout: &Layout,
    header: &[Member<'_>],
    payload: &[Member<'_>],
) -> i32 {
    let Signing::Jws {
        header: own_header,
        claims,
    } = &layout.signing
    else {
        return i32::MIN;
    };
    let mut score = 0;
    for claim in *claims {
        let (Claim::Field(name) | Claim::Object(name, _)) = claim;
        let field = format.field(name).map(|(_, field)| field);
        score += match (find(payload, name), field.map(|field| field.source)) {
            (Some(token), Some(Source::Constant(text))) if plain(token) == text => 8,
            (Some(_), Some(Source::Constant(_))) => -8,
            (Some(_), _) => 2,
            (None, _) if field.is_some_and(Field::may_be_absent) => 0,
            (None, Some(Source::Expiry)) => 0,
            (None, _) => -2,
        };
    }
    for (name, wanted) in *own_header {
        score += match (find(header, name), wanted) {
            (Some(token), HeaderValue::Constant(text)) if plain(token) != *text => -1,
            _ => 0,
        };
    }
    score
}

fn flat(format: &'static Format, members: &[Member<'_>]) -> Opened {
    let mut findings = Findings::default();
    let layout = record::layout_of(format, members, &mut findings);
    let layout = layout.unwrap_or_else(|| format.newest());
    let values = raw(format, layout, members);
    let read = read_fields(format, layout, members, &mut findings);
    record::verify_derived(format, members, &read, &mut findings);
    let result = layout.result();
    let text = find(members, result).and_then(|token| json::string(token).ok());
    if text.is_none() {
        findings.add(result, "is missing");
    }
    let mut opened = Opened {
        format,
        shape: None,
        layout,
        values,
        result: text.map(|text| (result.to_owned(), text.into_owned())),
        message: None,
        unknown: Vec::new(),
        findings: Vec::new(),
    };
    match (&layout.signing, &opened.result) {
        (Signing::Jws { header, claims }, Some((_, text))) => match Compact::parse(text) {
            Ok(compact) => {
                token::verify_claims(format, &compact, members, claims, &mut findings);
                token::verify_header(format, &compact, header, &read, &mut findings);
            }
            Err(error) => findings.add(result, error.to_string()),
        },
        (Signing::Joined { .. }, _) => opened.join(&[]),
        _ => {}
    }
    opened.findings = findings.all;
    opened
}

fn of_part(mut part: shape::Part<'_>, beside: &[Member<'_>], findings: &mut Findings) -> Opened {
    let form::Form {
        format,
        shape,
        layout,
    } = part.form;
    let mut values: Vec<Option<String>> = part
        .values
        .iter()
        .map(|value| value.as_ref().map(|text| text.clone().into_owned()))
        .collect();
    for (at, text) in std::mem::take(&mut part.refused) {
        values[at] = Some(text.into_owned());
    }
    part.verify_follows(findings);
    let result = part.result.take();
    if let (Some((path, text)), Signing::Jws { .. }) = (&result, &layout.signing) {
        match Compact::parse(text) {
            Ok(compact) => {
                object::verify_token(&mut part, &compact, path, findings);
                let payload = std::str::from_utf8(&compact.payload).unwrap_or_default();
                let claims = json::object(payload).unwrap_or_default();
                // What stands beside the token is shown as it stands there.
                for (value, claim) in values.iter_mut().zip(raw(format, layout, &claims)) {
                    *value = value.take().or(claim);
                }
            }
            Err(error) => findings.add(path, error.to_string()),
        }
    }
    let mut opened = Opened {
        format,
        shape: Some(shape),
        layout,
        values,
        result: result.map(|(path, text)| (path, text.into_owned())),
        message: None,
        unknown: Vec::new(),
        findings: Vec::new(),
    };
    opened.join(beside);
    opened
}

impl Opened {
    /// Makes the message of a joined format: each value in its canonical text
    /// where it has one.
    fn join(&mut self, beside: &[Member<'_>]) {
        let Signing::Joined { order } = &self.layout.signing else {
            return;
        };
        let (format, layout) = (self.format, self.layout);
        let mut signed = vec![None; format.fields.len()];
        for name in *order {
            let Some((at, field)) = format.field(name) else {
                continue;
            };
            let own = self.values.get(at).and_then(Option::as_deref);
            let own = own.map(|text| canonical(field, text));
            let implied = || object::implied(field, layout).map(str::to_owned);
            let known = || object::known(&[], beside, format, name).map(Cow::into_owned);
            let empty = || field.may_be_empty().then(String::new);
            signed[at] = own
                .or_else(implied)
                .or_else(known)
                .or_else(empty)
                .or_else(|| {
                    self.unknown.push(name);
                    Some(format!("<{name}>"))
                });
        }
        let mut message = Vec::new();
        write_joined(format, order, &signed, &mut message);
        self.message = String::from_utf8(message).ok();
    }

    /// What a field says, signed or not.
    pub fn value(&self, name: &str) -> Option<&str> {
        let (at, _) = self.format.any_field(name)?;
        self.values.get(at)?.as_deref()
    }
}

fn canonical(field: &Field, text: &str) -> String {
    let mut out = Vec::new();
    match field.read(text, &mut out) {
        Ok(()) => String::from_utf8(out).unwrap_or_default(),
        Err(_) => text.to_owned(),
    }
}

/// What each field of a version says, as it stands in the members.
fn raw(format: &Format, layout: &Layout, members: &[Member<'_>]) -> Vec<Option<String>> {
    let mut values = vec![None; format.all_fields().count()];
    let mut take = |own: &[Member<'_>], name: &str| {
        if let (Some((at, _)), Some(token)) = (format.field(name), find(own, name)) {
            values[at] = Some(match JsonShape::of(token) {
                JsonShape::String => plain(token).into_owned(),
                _ => token.to_owned(),
            });
        }
    };
    for claim in layout.members() {
        match claim {
            Claim::Field(name) => take(members, name),
            Claim::Object(name, inner) => {
                let own = find(members, name).map(json::object);
                if let Some(Ok(own)) = own {
                    inner.iter().for_each(|name| take(&own, name));
                }
            }
        }
    }
    values
}

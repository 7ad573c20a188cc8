//! Signed records: flat, or objects of a shape, alone or inside of a larger
//! document. It must not know how they are read back.

use crate::format::shape::{RECORD, Shape};
use crate::format::{FORMATS, SEPARATOR, Signing};
use crate::json::{self, Shape as JsonShape};
use crate::jws::Compact;
use crate::signature::{self as sig, Signature};
use crate::verify::{Opened, open};

use super::item::{Item, Section};
use super::{NotKnown, doubts, signature, time, token};

/// The mark that stands for the separator where a signed string is shown.
pub(super) const VISIBLE: &str = "\u{2423}";

/// The signed records in a JSON object, or in what stands inside of it.
///
/// # Errors
/// When there is none.
pub(super) fn object(text: &str, now: u64) -> Result<Vec<Item>, NotKnown> {
    let opened = open(text).map_err(|fault| NotKnown::json(&fault))?;
    let resembles = opened.first().map(|first| first.format.id);
    if opened.iter().any(|opened| opened.result.is_some()) {
        return Ok(opened.iter().map(|opened| item(opened, "", now)).collect());
    }
    let mut items = Vec::new();
    inside(text, "", now, &mut items);
    if items.is_empty() {
        return Err(NotKnown::new(match resembles {
            Some(id) => format!("a JSON object that resembles {id}, but has no signature"),
            None => "a JSON object without a signed record in it".to_owned(),
        }));
    }
    Ok(items)
}

/// The records and tokens inside of a document, such as a bid's extension.
/// Nesting is bounded by the reader of JSON.
fn inside(text: &str, path: &str, now: u64, items: &mut Vec<Item>) {
    let (names, tokens): (Vec<String>, Vec<&str>) = match JsonShape::of(text.trim_start()) {
        JsonShape::Object => json::object(text)
            .unwrap_or_default()
            .into_iter()
            .map(|(name, token)| (name.into_owned(), token))
            .unzip(),
        JsonShape::Array => json::array(text)
            .unwrap_or_default()
            .into_iter()
            .enumerate()
            .map(|(at, token)| (format!("[{at}]"), token))
            .unzip(),
        JsonShape::String => {
            let text = json::string(text).unwrap_or_default();
            if text.starts_with("ey") && text.matches('.').count() == 2 {
                items.extend(token::token(&text, now).ok().map(|item| at(item, path)));
            }
            return;
        }
        _ => return,
    };
    // What formats share stands under a name of their own.
    let is_root = |name: &String| joined().any(|shape| shape.root() == name);
    let roots: Vec<String> = names
        .iter()
        .zip(&tokens)
        .filter(|(name, _)| is_root(name))
        .map(|(name, token)| format!("\"{name}\":{token}"))
        .collect();
    let own = open(&format!("{{{}}}", roots.join(","))).unwrap_or_default();
    let is_found = own.iter().any(|opened| opened.result.is_some());
    if is_found {
        items.extend(own.iter().map(|opened| at(item(opened, "", now), path)));
    }
    for (name, token) in names.iter().zip(tokens) {
        if is_found && is_root(name) {
            continue;
        }
        let dot = match path.is_empty() || name.starts_with('[') {
            true => "",
            false => ".",
        };
        inside(token, &format!("{path}{dot}{name}"), now, items);
    }
}

fn at(mut item: Item, path: &str) -> Item {
    item.path = path.to_owned();
    item
}

fn joined() -> impl Iterator<Item = &'static Shape> {
    let shapes = FORMATS.iter().flat_map(|format| format.shapes);
    shapes.filter(|shape| shape.joins)
}

/// One record, taken apart.
pub(super) fn item(opened: &Opened, path: &str, now: u64) -> Item {
    let Opened {
        format,
        shape,
        layout,
        ..
    } = *opened;
    let version = layout.version.map_or(String::new(), |v| format!(" {v}"));
    let name = shape.map_or(RECORD, |shape| shape.name);
    let title = format!("{name} of {}{version}: {}", format.id, format.title);
    let mut item = at(Item::new("record", title), path).of(format, shape, layout);
    let mut section = Section::new("fields", "");
    for (field, value) in format.all_fields().zip(&opened.values) {
        let Some(value) = value else { continue };
        let note = time::words(value, now).filter(|_| field.kind.shape() == JsonShape::Number);
        let is_text = field.wrapped.is_some() || field.kind.shape() == JsonShape::String;
        // What is no JSON by itself is shown as text.
        let is_json = json::array(&format!("[{value}]")).is_ok_and(|all| all.len() == 1);
        if is_text || !is_json {
            let mut token = Vec::new();
            json::write_string(value, &mut token);
            let token = String::from_utf8(token).unwrap_or_default();
            section.member(field.name, &token, note.unwrap_or_default());
        } else {
            section.member(field.name, value, note.unwrap_or_default());
        }
    }
    item.sections.push(section);
    for derived in format.derived {
        if let Some(value) = opened.value(derived.from) {
            let mut section = Section::new("follows", "");
            section.say(
                derived.name,
                &(derived.make)(value),
                format!("of {}", derived.from),
            );
            item.sections.push(section);
        }
    }
    result(opened, now, &mut item);
    doubts::of_record(opened, now, &mut item);
    item
}

/// The signed bytes and the signature over them.
fn result(opened: &Opened, now: u64, item: &mut Item) {
    if let Some(message) = &opened.message {
        let mut section = Section::new("signed string", message.replace(SEPARATOR, VISIBLE));
        section.count("bytes", message.len());
        if !opened.unknown.is_empty() {
            let names = opened.unknown.join(", ");
            section.say("not here", &names, "signed, and known to the device alone");
        }
        section.say("hexadecimal", &crate::hex::hex(message.as_bytes()), "");
        item.sections.push(section);
    }
    let Some((path, text)) = &opened.result else {
        return;
    };
    match &opened.layout.signing {
        Signing::Joined { .. } => match sig::decode(text) {
            Ok(decoded) => match Signature::read(&decoded.bytes) {
                Ok(read) => {
                    let mut section = signature::section(&read, decoded.bytes.len());
                    section.say("encoding", &decoded.describe(), "");
                    item.sections.push(section);
                    signature::doubt(&read, path, item);
                    if read.form == sig::Form::Raw || !decoded.is_standard() {
                        item.warn("encoding", path, signature::NOT_STANDARD);
                    }
                }
                Err(why) => item.warn("no_signature", path, why.to_string()),
            },
            Err(why) => item.warn("no_signature", path, why.to_string()),
        },
        Signing::Jws { .. } => {
            // That it is none has been found.
            if let Ok(compact) = Compact::parse(text) {
                token::parts(&compact, now, item);
                token::doubt(&compact, Some(opened.format), path, item);
            }
        }
    }
}

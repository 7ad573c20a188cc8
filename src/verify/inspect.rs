//! Shows a token, a signed record or an object of a shape to a person: decoded, with the exact
//! bytes that were signed, and times in words. Nothing is verified here.

use std::fmt::Write;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::format::{Format, SEPARATOR, Signing, VERSION};
use crate::hex::hex;
use crate::json::{self, Shape};
use crate::jws::{Compact, CompactError};
use crate::time::rfc3339;

use super::findings::Findings;
use super::form::{self, Form};
use super::object::signed_text;
use super::shape;

/// What one line of text holds, in words: a compact JWS, or a signed record
/// as one JSON object.
///
/// # Errors
/// When it is neither; what is wrong with it.
pub fn inspect(text: &str) -> Result<String, String> {
    let text = text.trim();
    let mut out = String::new();
    if text.starts_with('{') {
        record(text, &mut out)?;
    } else {
        token(text, &mut out).map_err(|error| error.to_string())?;
    }
    Ok(out)
}

fn token(text: &str, out: &mut String) -> Result<(), CompactError> {
    let compact = Compact::parse(text)?;
    let _ = writeln!(out, "JWS, compact serialization, {} characters", text.len());
    let _ = writeln!(out, "\nheader         {}", compact.header);
    members(&compact.header, out);
    let payload = String::from_utf8_lossy(&compact.payload);
    let _ = writeln!(out, "\npayload        {payload}");
    members(&payload, out);
    let _ = writeln!(out, "\nsigning input  {}", compact.signing_input);
    let kind = match compact.signature.len() {
        64 => "r || s, as ES256 has it",
        32 => "an HMAC, as HS256 has it",
        _ => "of no length that ES256 or HS256 has",
    };
    let _ = writeln!(
        out,
        "signature      {} bytes, {kind}",
        compact.signature.len()
    );
    Ok(())
}

fn record(text: &str, out: &mut String) -> Result<(), String> {
    let own = json::object(text).map_err(|fault| fault.to_string())?;
    let find = |name: &str| {
        let member = own.iter().find(|(member, _)| member == name);
        member.map(|(_, token)| *token)
    };
    let string = |name: &str| find(name).and_then(|token| json::string(token).ok());
    if find("format").is_none() && object(&own, out)? {
        return Ok(());
    }
    let _ = writeln!(out, "record");
    members(text, out);
    if let Some(jws) = string("jws") {
        let _ = writeln!(out);
        return token(&jws, out).map_err(|error| format!("jws: {error}"));
    }
    let format = string("format").and_then(|id| Format::find(&id));
    if let Some(format) = format {
        let version = string(VERSION);
        let layout = match &version {
            Some(version) => format.layout(version),
            None => Some(format.newest()),
        };
        if let Some(Signing::Joined { order }) = layout.map(|layout| &layout.signing) {
            let mut values = vec![None; format.fields.len()];
            for (at, field) in format.fields.iter().enumerate() {
                values[at] = find(field.name).map(|token| match Shape::of(token) {
                    Shape::String => json::string(token).unwrap_or_default().into_owned(),
                    _ => token.to_owned(),
                });
            }
            let mut message = Vec::new();
            super::fields::write_joined(format, order, &values, &mut message);
            signed_string(&String::from_utf8_lossy(&message), out);
        }
    }
    if let Some(text) = string("signature") {
        signature(&text, out);
    }
    Ok(())
}

/// An object of a shape, every signature in it with what was signed; `false`
/// where it looks like none.
fn object(line: &[json::Member<'_>], out: &mut String) -> Result<bool, String> {
    let (object, beside) = shape::unwrap(line.to_vec()).map_err(|fault| fault.to_string())?;
    let forms = form::forms(None, None);
    let Some(parts) = shape::read(&object, &forms, &mut Findings::default()) else {
        return Ok(false);
    };
    for mut part in parts {
        let Form {
            format,
            shape,
            layout,
        } = part.form;
        let version = layout.version.map_or(String::new(), |v| format!(" {v}"));
        let _ = writeln!(out, "{} of {}{version}", shape.name, format.id);
        for (field, value) in format.all_fields().zip(&part.values) {
            if let Some(value) = value {
                let note = time_note(value).map_or(String::new(), |time| format!("  ({time})"));
                let _ = writeln!(out, "  {:<28}  {value}{note}", field.name);
            }
        }
        let Some((path, text)) = part.result.take() else {
            continue;
        };
        let _ = writeln!(out, "\nin {path}:");
        match signed_text(&mut part, &beside) {
            Some(message) => {
                signed_string(&message, out);
                signature(&text, out);
            }
            None => token(&text, out).map_err(|error| format!("{path}: {error}"))?,
        }
        let _ = writeln!(out);
    }
    Ok(true)
}

fn signed_string(message: &str, out: &mut String) {
    let _ = writeln!(
        out,
        "\nsigned string  {}\n               ({} bytes; \u{2423} stands for U+2063)",
        message.replace(SEPARATOR, "\u{2423}"),
        message.len()
    );
}

fn signature(signature: &str, out: &mut String) {
    let der = STANDARD.decode(signature);
    let rs = crate::envelope::read_signature(signature);
    let _ = match (der, rs) {
        (Ok(der), Some(rs)) => writeln!(
            out,
            "signature      {} bytes of DER\n  r            {}\n  s            {}",
            der.len(),
            hex(&rs[..32]),
            hex(&rs[32..])
        ),
        (Ok(der), None) => writeln!(
            out,
            "signature      {} bytes that are no DER signature",
            der.len()
        ),
        (Err(_), _) => writeln!(out, "signature      not standard base64"),
    };
}

/// Every member with its JSON type, and times in words.
fn members(text: &str, out: &mut String) {
    let Ok(members) = json::object(text) else {
        let _ = writeln!(out, "  (no JSON object)");
        return;
    };
    let width = members
        .iter()
        .map(|(name, _)| name.len())
        .max()
        .unwrap_or(0);
    for (name, value) in members {
        let shape = match Shape::of(value) {
            Shape::Array => "array",
            Shape::Boolean => "boolean",
            Shape::Null => "null",
            Shape::Number => "integer",
            Shape::Object => "object",
            Shape::String => "string",
        };
        let note = time_note(value).map_or(String::new(), |time| format!("  ({time})"));
        let _ = writeln!(out, "  {name:<width$}  {shape:<7}  {value}{note}");
    }
}

/// An integer of a time's size is a time: seconds have ten digits from 2001
/// to 2286, milliseconds thirteen.
fn time_note(value: &str) -> Option<String> {
    let digits = value.bytes().all(|b| b.is_ascii_digit());
    let number: u64 = value.parse().ok().filter(|_| digits)?;
    match value.len() {
        13 => Some(rfc3339(number)),
        10 if (1_300_000_000..4_000_000_000).contains(&number) => Some(rfc3339(number * 1000)),
        _ => None,
    }
}

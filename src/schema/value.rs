//! One field's values as a schema: as rows give them, and as records hold
//! them. It must not know which fields a format has.

use serde_json::{Value, json};

use crate::format::{Field, Kind, Source};
use crate::json::Shape;

/// A UUID in either case.
const ANY_UUID: &str =
    "^[0-9A-Fa-f]{8}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{12}$";
/// A UUID as it is signed.
const LOWER_UUID: &str = "^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$";
/// Standard base64 with padding.
pub(super) const BASE64: &str = "^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$";
/// Text that is not empty, without control characters, without the separator
/// U+2063, and without white space (or marks like it) at either end.
const TEXT: &str = concat!(
    r"^[^\s\u200b\ufeff\u0000-\u001f\u007f-\u009f\u2063]",
    r"(?:[^\u0000-\u001f\u007f-\u009f\u2063]*",
    r"[^\s\u200b\ufeff\u0000-\u001f\u007f-\u009f\u2063])?$"
);
/// Where a schema keeps [`TEXT`], so that it stands there once.
pub(super) const TEXT_REF: &str = "#/$defs/text";

/// The definitions that the schemas of these fields refer to.
pub(super) fn definitions(fields: &[Field]) -> Value {
    if fields.iter().any(|field| matches!(field.kind, Kind::Text)) {
        json!({ "text": { "pattern": TEXT } })
    } else {
        json!({})
    }
}

/// What a row may give; `null`, where it is allowed, is the same as nothing.
pub(super) fn given(field: &Field, null_allowed: bool) -> Value {
    let integer = |min: u64, max: u64| {
        json!({
            "type": ["integer", "string"],
            "minimum": min,
            "maximum": max,
            "pattern": digits(min, max),
        })
    };
    let value = match (field.source, field.kind) {
        (Source::Constant(text), kind) => match number(text, &kind) {
            Some(number) => json!({ "enum": [number, text] }),
            None => json!({ "const": text }),
        },
        (_, Kind::Integer { min, max }) => integer(min, max),
        (_, Kind::Time(unit)) => integer(unit.range().0, unit.range().1),
        (_, Kind::Uuid) => json!({ "type": "string", "pattern": ANY_UUID }),
        (_, kind) => plain(&kind),
    };
    let value = if field.may_be_empty() {
        or(json!({ "const": "" }), value)
    } else {
        value
    };
    if null_allowed { or_null(value) } else { value }
}

/// What a record holds.
pub(super) fn signed(field: &Field) -> Value {
    if field.wrapped.is_some() {
        return json!({ "type": "string", "contentEncoding": "base64", "pattern": BASE64 });
    }
    let value = match (field.source, field.kind) {
        (Source::Constant(text), kind) => match number(text, &kind) {
            Some(number) => json!({ "const": number }),
            None => json!({ "const": text }),
        },
        (_, Kind::Boolean) => match field.omit {
            Some(omitted) => json!({ "const": omitted != "true" }),
            None => plain(&Kind::Boolean),
        },
        (_, Kind::Integer { min, max }) => {
            json!({ "type": "integer", "minimum": min, "maximum": max })
        }
        (_, Kind::Time(unit)) => {
            let (min, max) = unit.range();
            json!({ "type": "integer", "minimum": min, "maximum": max })
        }
        (_, Kind::Uuid) => json!({ "type": "string", "pattern": LOWER_UUID }),
        (_, kind) => plain(&kind),
    };
    if field.may_be_empty() {
        or(json!({ "const": "" }), value)
    } else {
        value
    }
}

/// A field's example as the JSON value a row would have.
pub(super) fn example(field: &Field) -> Value {
    match field.kind.shape() {
        Shape::String => json!(field.example),
        // A test over the table holds that every example passes its field.
        _ => serde_json::from_str(field.example).unwrap_or(Value::Null),
    }
}

/// Adds the sentence, and the example where there is one.
pub(super) fn explained(mut value: Value, field: &Field, sentence: String) -> Value {
    value["description"] = json!(sentence);
    if !field.example.is_empty() {
        value["examples"] = json!([example(field)]);
    }
    value
}

/// The kinds that rows and records spell alike.
fn plain(kind: &Kind) -> Value {
    match kind {
        Kind::Boolean => json!({ "type": "boolean" }),
        Kind::Json { shape, .. } if *shape == Shape::Array => json!({ "type": "array" }),
        Kind::Json { .. } => json!({ "type": "object" }),
        Kind::OneOf(all) => json!({ "enum": all }),
        Kind::Pattern { regex, .. } => json!({ "type": "string", "pattern": regex }),
        Kind::Text => json!({ "type": "string", "$ref": TEXT_REF }),
        Kind::Integer { .. } | Kind::Time(_) => json!({ "type": "integer" }),
        Kind::Uuid => json!({ "type": "string", "pattern": LOWER_UUID }),
    }
}

/// The number that a constant of a numeric field is.
fn number(text: &str, kind: &Kind) -> Option<u64> {
    (kind.shape() == Shape::Number)
        .then(|| text.parse().ok())
        .flatten()
}

/// Plain digits without a leading zero, as many as the range's ends have. An
/// expression for the exact range would be right, but nobody could read it.
pub(super) fn digits(min: u64, max: u64) -> String {
    let length = |value: u64| value.max(1).ilog10();
    let (least, most) = (length(min), length(max));
    let more = match (least, most) {
        (0, 0) => String::new(),
        (least, most) if least == most => format!("[0-9]{{{least}}}"),
        (least, most) => format!("[0-9]{{{least},{most}}}"),
    };
    if min == 0 {
        format!("^(?:0|[1-9]{more})$")
    } else {
        format!("^[1-9]{more}$")
    }
}

fn or(first: Value, second: Value) -> Value {
    json!({ "anyOf": [first, second] })
}

/// Allows `null` beside what is allowed already.
fn or_null(mut value: Value) -> Value {
    if value.get("anyOf").is_some() {
        return or(value, json!({ "type": "null" }));
    }
    if let Some(only) = value.get("const").cloned() {
        return json!({ "enum": [only, null] });
    }
    if let Some(all) = value.get_mut("enum").and_then(Value::as_array_mut) {
        all.push(Value::Null);
    }
    if let Some(types) = value.get_mut("type") {
        *types = match types.take() {
            Value::Array(mut types) => {
                types.push(json!("null"));
                Value::Array(types)
            }
            one => json!([one, "null"]),
        };
    }
    value
}

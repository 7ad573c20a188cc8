//! The schema of an object of a shape: exactly its members, version by
//! version. It must not know how objects are written.

use serde_json::{Value, json};

use crate::format::shape::{Member, Node};
use crate::format::{FORMATS, Field, Format, Kind, Layout, Shape, Source, VERSION};

use super::{document, record, value, words};

/// The schema of the objects of one shape of a format.
pub fn shape(format: &Format, shape: &Shape) -> Value {
    let title = format!("{}: {}", format.id, shape.name);
    let description = format!(
        "{}: {}. One object a line; with --keep, the kept columns and then the object under the \
         name object. Source: {}.",
        format.title, shape.doc, shape.source
    );
    let file = format!("{}.{}.json", format.id, shape.name);
    let mut schema = document(&file, &title, &description);
    let layouts: Vec<&Layout> = format.layouts.iter().filter(|l| shape.is_of(l)).collect();
    if let [only] = layouts[..] {
        let object = object(format, shape, only, shape.members);
        for name in ["properties", "required", "additionalProperties"] {
            schema[name] = object[name].clone();
        }
    } else {
        let versions = layouts.iter().map(|layout| {
            let mut object = object(format, shape, layout, shape.members);
            object["title"] = json!(words::of_versions(&[*layout]));
            object
        });
        schema["oneOf"] = versions.collect();
    }
    let fields: Vec<Field> = format.all_fields().copied().collect();
    let definitions = value::definitions(&fields);
    if schema.to_string().contains(value::TEXT_REF) {
        schema["$defs"] = definitions;
    }
    schema
}

/// An object with the members of one version and no others.
fn object(format: &Format, shape: &Shape, layout: &Layout, members: &[Member]) -> Value {
    let mut properties = json!({});
    let mut required = Vec::new();
    for member in members.iter().filter(|member| member.is_of(format, layout)) {
        let mut value = node(format, shape, layout, member);
        value["description"] = json!(sentence(format, member));
        properties[member.name] = value;
        if !member.may_lack(format, shape) {
            required.push(member.name);
        }
    }
    json!({
        "type": "object",
        "properties": properties,
        "required": required,
        "additionalProperties": false,
    })
}

fn sentence(format: &Format, member: &Member) -> String {
    match member.field(format) {
        Some((_, field)) if field.name != member.name => {
            format!("{} The field {}.", member.doc, field.name)
        }
        _ => member.doc.to_owned(),
    }
}

fn node(format: &Format, shape: &Shape, layout: &Layout, member: &Member) -> Value {
    match member.node {
        Node::Constant(text) => json!({ "const": text }),
        Node::Derived(_) | Node::Markup(_) => json!({ "type": "string", "minLength": 1 }),
        Node::Each(_) => each(format, shape, layout, member.name),
        Node::Field(VERSION) | Node::Text(VERSION) => json!({ "const": layout.version }),
        Node::Field(_) => match member.field(format) {
            Some((_, field)) => value::signed(&given(field)),
            None => unreachable!(
                "a test over the table holds that {} is a field",
                member.name
            ),
        },
        Node::Text(_) => match member.field(format) {
            Some((_, field)) => text(field),
            None => unreachable!(
                "a test over the table holds that {} is a field",
                member.name
            ),
        },
        Node::Object(members) => object(format, shape, layout, members),
        Node::Result => record::result_schema(format),
    }
}

/// A member that is there has a value.
fn given(field: &Field) -> Field {
    match field.may_be_empty() {
        true => Field {
            source: Source::Optional,
            ..*field
        },
        false => *field,
    }
}

/// A field's text as a string.
fn text(field: &Field) -> Value {
    let digits = |min, max| json!({ "type": "string", "pattern": value::digits(min, max) });
    match (field.source, field.kind) {
        (Source::Constant(text), _) => json!({ "const": text }),
        (_, Kind::Integer { min, max }) => digits(min, max),
        (_, Kind::Time(unit)) => digits(unit.range().0, unit.range().1),
        (_, Kind::Boolean) => json!({ "enum": ["true", "false"] }),
        _ => value::signed(field),
    }
}

/// The array that several formats may stand in: an element of this one, and
/// at most one of each other.
fn each(format: &Format, shape: &Shape, layout: &Layout, name: &str) -> Value {
    let mut items = Vec::new();
    let mut own = Value::Null;
    for other in FORMATS.iter().copied() {
        let Some(same) = other.shape(shape.name).filter(|s| s.root() == shape.root()) else {
            continue;
        };
        let layouts = other.layouts.iter();
        for layout in layouts.filter(|l| l.version == layout.version && same.is_of(l)) {
            if let Some(members) = find_each(same.members, other, layout, name) {
                let item = object(other, same, layout, members);
                if other.id == format.id {
                    own = item.clone();
                }
                items.push(item);
            }
        }
    }
    let count = items.len();
    let mut value = json!({ "type": "array", "minItems": 1, "maxItems": count });
    if count == 1 {
        value["items"] = own;
    } else {
        value["items"] = json!({ "oneOf": items });
        value["contains"] = own;
    }
    value
}

fn find_each(
    members: &'static [Member],
    format: &Format,
    layout: &Layout,
    name: &str,
) -> Option<&'static [Member]> {
    let own = members.iter().filter(|member| member.is_of(format, layout));
    own.into_iter().find_map(|member| match member.node {
        Node::Each(inner) if member.name == name => Some(inner),
        Node::Object(inner) => find_each(inner, format, layout, name),
        _ => None,
    })
}

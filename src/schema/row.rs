//! The schema of an input row, as a line of NDJSON. It must not know what
//! becomes of a row.

use serde_json::{Value, json};

use crate::format::{Claim, Field, Format, Layout, Signing, Source, VERSION};

use super::{document, value, words};

/// The column that says how many records a row becomes.
const COUNT: &str = "count";

/// What the schema cannot say, or does not.
const NOT_DESCRIBED: &str = "Only the fields' own names are described. Not described: columns \
     that are copied with --keep, other spellings of the names (case, '-', '_', '.' and spaces \
     do not matter), the names that other formats have for a field, columns of publishers and of \
     key rings, --map, and the unsigned fields that only a --shape has. Required here is what a row \
     must bring where no --set gives it. \
     A row that fits may still be refused for what a schema cannot tell: a time outside the \
     window the vendor documents, an integer written as 1.0 or 1e3 or out of range in a string, \
     a name that stands twice, or what is wrong inside a JSON value.";

/// The schema of one input row of a format.
pub fn row(format: &Format) -> Value {
    let title = format!("{}: input row", format.id);
    let description = format!("{}: one row to be signed. {NOT_DESCRIBED}", format.title);
    let mut schema = document(&format!("{}.row.json", format.id), &title, &description);
    let mut definitions = value::definitions(format.fields);
    let mut properties = json!({});
    let mut rules = Vec::new();

    for field in format.fields {
        properties[field.name] = match format.parent(field.name) {
            None => property(format, field),
            Some(parent) => {
                definitions[parent]["properties"][field.name] = property(format, field);
                json!({ "$ref": format!("#/$defs/{parent}/properties/{}", field.name) })
            }
        };
    }
    for (parent, members) in objects(format) {
        let required = required(format, members);
        let definition = &mut definitions[parent];
        definition["type"] = json!("object");
        definition["additionalProperties"] = json!(false);
        definition["required"] = json!(required);
        properties[parent] = json!({
            "description": format!("The members of {parent}, where they do not stand bare."),
            "anyOf": [{ "$ref": format!("#/$defs/{parent}") }, { "type": "null" }],
        });
        rules.push(forms(parent, members, &required));
    }
    if format.field(COUNT).is_none() {
        properties[COUNT] = count(format);
        rules.extend(one_copy(format));
    }
    if format.layouts.len() > 1 {
        rules.extend(format.layouts.iter().map(|layout| version(format, layout)));
    }

    let bare: Vec<&str> = format.fields.iter().map(|field| field.name).collect();
    let bare: Vec<&str> = required(format, &bare)
        .into_iter()
        .filter(|name| format.parent(name).is_none())
        .collect();
    schema["properties"] = properties;
    schema["required"] = json!(bare);
    schema["additionalProperties"] = json!(false);
    if !rules.is_empty() {
        schema["allOf"] = Value::Array(rules);
    }
    if definitions.as_object().is_some_and(|all| !all.is_empty()) {
        schema["$defs"] = definitions;
    }
    schema
}

fn property(format: &Format, field: &Field) -> Value {
    let null_allowed = !is_always_required(format, field);
    let sentence = format!("{} {}.", field.doc, words::origin(format, field));
    value::explained(value::given(field, null_allowed), field, sentence)
}

/// Whether every version has the field and takes it from the row alone.
fn is_always_required(format: &Format, field: &Field) -> bool {
    field.source == Source::Required && words::is_in_all(format, field)
}

/// Those of the names that every row must have. A key's id is none of them:
/// it may come with the key.
fn required<'n>(format: &Format, names: &[&'n str]) -> Vec<&'n str> {
    let is_required = |name: &&&str| {
        let field = format.field(name).map(|(_, field)| field);
        field.is_some_and(|field| is_always_required(format, field))
    };
    names.iter().filter(is_required).copied().collect()
}

/// What one version adds: its own fields are there, those of others are not.
fn version(format: &Format, layout: &Layout) -> Value {
    let has = layout.field_names();
    let mut required = Vec::new();
    let mut properties = json!({});
    for field in format.fields {
        if !has.contains(&field.name) {
            properties[field.name] = json!({ "type": "null" });
        } else if field.source == Source::Required && !is_always_required(format, field) {
            required.push(field.name);
            properties[field.name] = json!({ "not": { "type": "null" } });
        }
    }
    // A row that names no version has the newest.
    let condition = if layout.version == format.newest().version {
        json!({ "properties": { VERSION: { "enum": [layout.version, null] } } })
    } else {
        json!({
            "properties": { VERSION: { "const": layout.version } },
            "required": [VERSION],
        })
    };
    json!({
        "if": condition,
        "then": { "properties": properties, "required": required },
    })
}

/// The object claims of a format: their names and members.
fn objects(format: &Format) -> Vec<(&'static str, &'static [&'static str])> {
    let claims = |layout: &'static Layout| match &layout.signing {
        Signing::Joined { .. } => &[][..],
        Signing::Jws { claims, .. } => *claims,
    };
    let mut objects = Vec::new();
    for claim in format.layouts.iter().flat_map(claims) {
        if let Claim::Object(name, members) = claim {
            objects.push((*name, *members));
        }
    }
    objects
}

/// The two ways to write an object claim's members. A mixture is read, too,
/// but not described.
fn forms(parent: &str, members: &[&str], required: &[&str]) -> Value {
    json!({
        "oneOf": [
            {
                "title": format!("the members of {parent} stand bare"),
                "properties": { parent: { "type": "null" } },
                "required": required,
            },
            {
                "title": format!("the members stand inside {parent}"),
                "properties": { parent: { "type": "object" } },
                "propertyNames": { "not": { "enum": members } },
                "required": [parent],
            },
        ],
    })
}

fn count(format: &Format) -> Value {
    if format.field_from(Source::Nonce).is_none() {
        return json!({
            "description": "How many records the row becomes: one, because nothing would tell \
                            more of them apart.",
            "enum": [1, "1", "", null],
        });
    }
    json!({
        "description": "How many records the row becomes, each with a nonce of its own; one \
                        where it is absent.",
        "type": ["integer", "string", "null"],
        "minimum": 1,
        "maximum": 1_000_000_000,
        "pattern": "^(?:[1-9][0-9]{0,9})?$",
    })
}

/// A row with its own nonce becomes one record.
fn one_copy(format: &Format) -> Option<Value> {
    let (_, nonce) = format.field_from(Source::Nonce)?;
    Some(json!({
        "if": {
            "properties": { nonce.name: { "type": "string" } },
            "required": [nonce.name],
        },
        "then": { "properties": { COUNT: { "enum": [1, "1", "", null] } } },
    }))
}

//! The schema of a signed record, as a line of NDJSON: what is written about
//! a row once it is signed. It must not know how rows are read.

use serde_json::{Value, json};

use crate::format::{Alg, Claim, Field, Format, Layout, Source, VERSION};

use super::{document, value, words};

/// The schema of one signed record of a format.
pub fn record(format: &Format) -> Value {
    let title = format!("{}: signed record", format.id);
    let description = format!(
        "{}: one signed record. The members stand in the order in which they are signed. Columns that were \
         copied with --keep are further members.",
        format.title
    );
    let mut schema = document(&format!("{}.record.json", format.id), &title, &description);
    let result = format.newest().result();
    let mut properties = json!({
        "format": { "const": format.id, "description": "The format's id." },
        result: result_schema(format),
    });
    for derived in format.derived {
        properties[derived.name] = json!({ "type": "string", "description": derived.doc });
    }
    for claim in all_members(format) {
        let (Claim::Field(name) | Claim::Object(name, _)) = claim;
        properties[name] = member(format, &claim);
    }

    let mut required = vec!["format", result];
    required.extend(format.derived.iter().map(|derived| derived.name));
    schema["properties"] = properties;
    let definitions = value::definitions(format.fields);
    if definitions.as_object().is_some_and(|all| !all.is_empty()) {
        schema["$defs"] = definitions;
    }
    if let [only] = format.layouts {
        required.extend(present(format, only));
    } else {
        let versions = format.layouts.iter().map(|layout| version(format, layout));
        schema["oneOf"] = versions.collect();
    }
    schema["required"] = json!(required);
    schema
}

/// The members of all versions, each once.
fn all_members(format: &Format) -> Vec<Claim> {
    let mut all: Vec<Claim> = Vec::new();
    for claim in format.layouts.iter().flat_map(Layout::members) {
        if !all.iter().any(|known| name(known) == name(&claim)) {
            all.push(claim);
        }
    }
    all
}

fn name(claim: &Claim) -> &'static str {
    let (Claim::Field(name) | Claim::Object(name, _)) = claim;
    name
}

fn member(format: &Format, claim: &Claim) -> Value {
    match claim {
        Claim::Field(name) => match format.field(name) {
            Some((_, field)) => {
                let mut value = value::signed(field);
                value["description"] = json!(sentence(field));
                value
            }
            None => unreachable!("a test over the table holds that {name} is a field"),
        },
        Claim::Object(name, members) => {
            let mut properties = json!({});
            for member_name in *members {
                properties[member_name] = member(format, &Claim::Field(member_name));
            }
            let fields = members.iter().filter_map(|name| format.field(name));
            let required: Vec<&str> = fields
                .filter(|(_, field)| is_always_there(field))
                .map(|(_, field)| field.name)
                .collect();
            json!({
                "description": format!("The claim {name}."),
                "type": "object",
                "properties": properties,
                "required": required,
                "additionalProperties": false,
            })
        }
    }
}

fn sentence(field: &Field) -> String {
    match (field.omit, field.lowered) {
        (Some(omitted), _) => format!("{} Absent means {omitted}.", field.doc),
        (None, true) => format!("{} Lower-cased.", field.doc),
        (None, false) => field.doc.to_owned(),
    }
}

/// Whether a record cannot be without the field.
fn is_always_there(field: &Field) -> bool {
    let may_lack = matches!(
        field.source,
        Source::Optional | Source::KeyId { required: false }
    );
    !may_lack && field.omit.is_none()
}

/// The members that records of a version always have.
fn present(format: &Format, layout: &Layout) -> Vec<&'static str> {
    let is_present = |claim: &Claim| match claim {
        Claim::Field(name) => format
            .field(name)
            .is_some_and(|(_, field)| is_always_there(field)),
        // An object is written even where it is empty.
        Claim::Object(..) => true,
    };
    let members = layout.members().into_iter();
    members
        .filter(is_present)
        .map(|claim| name(&claim))
        .collect()
}

/// Exactly the members of one version.
fn version(format: &Format, layout: &Layout) -> Value {
    let own = layout.members();
    let mut properties = json!({ VERSION: { "const": layout.version } });
    for claim in all_members(format) {
        if !own.iter().any(|other| name(other) == name(&claim)) {
            properties[name(&claim)] = json!(false);
        }
    }
    json!({
        "title": words::of_versions(&[layout]),
        "properties": properties,
        "required": present(format, layout),
    })
}

/// What the signature looks like in the record.
pub(super) fn result_schema(format: &Format) -> Value {
    let description = words::signature(format);
    match format.newest().result() {
        // A DER signature of P-256 has 8 to 72 bytes and starts with 0x30.
        "signature" => json!({
            "description": description,
            "type": "string",
            "contentEncoding": "base64",
            "pattern": value::BASE64,
            "minLength": 12,
            "maxLength": 96,
        }),
        _ => {
            // Base64url of 64 bytes, or of 32.
            let length = match format.alg() {
                Alg::Es256 => 86,
                Alg::Hs256 => 43,
            };
            let part = "[A-Za-z0-9_-]";
            json!({
                "description": description,
                "type": "string",
                "pattern": format!("^{part}+\\.{part}+\\.{part}{{{length}}}$"),
            })
        }
    }
}

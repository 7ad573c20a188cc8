//! The schema of one verdict about a postback. It must not know the versions
//! of postbacks.

use serde_json::{Value, json};

use crate::format::postback::{POSTBACKS, Role};
use crate::format::{Environment, Judgement, Reason};

use super::document;

/// The schema of one line that `verify-postback` writes.
pub fn postback() -> Value {
    let text = |description: &str| json!({ "description": description, "type": "string" });
    let integer = |min: u64, description: &str| json!({ "description": description, "type": "integer", "minimum": min });
    let boolean = |description: &str| json!({ "description": description, "type": "boolean" });
    let judgements: Vec<&str> = Judgement::ALL.iter().map(|own| own.as_str()).collect();
    let environments: Vec<&str> = Environment::ALL.iter().map(|own| own.as_str()).collect();
    let kinds: Vec<&str> = POSTBACKS.iter().map(|kind| kind.id).collect();
    let reasons: Vec<&str> = Reason::ALL.iter().map(|reason| reason.as_str()).collect();
    let mut schema = document(
        "postback.json",
        "Verdict about a postback",
        "One line that verify-postback writes: what a postback is, and why. What an invalid or \
         unverified one says of itself is not to be believed.",
    );
    let mut properties = json!({
        "file": text("The input's name; - for standard input."),
        "line": integer(1, "Its line there, from 1."),
        "verdict": { "description": "What it is.", "enum": judgements },
        "environment": {
            "description": "Whose installs the key speaks of; of a valid one only.",
            "enum": environments,
        },
        "kind": { "description": "Its kind.", "enum": kinds },
        "duplicate_of_file": text("The input that had its id first."),
        "duplicate_of_line": integer(1, "The line there."),
        "reasons": {
            "description": "Why it is not valid.",
            "type": "array",
            "minItems": 1,
            "items": {
                "type": "object",
                "properties": {
                    "code": { "description": "The stable code.", "enum": reasons },
                    "field": text("The member or the claim; empty for the whole line."),
                    "found": text("What stands there, cut after 200 characters; may be empty."),
                    "wanted": text("What is wanted."),
                    "hint": text("What to do; may be empty."),
                },
                "required": ["code", "field", "found", "wanted", "hint"],
                "additionalProperties": false,
            },
        },
        "unsigned": {
            "description": "Its members that no signature covers: anybody could have changed them.",
            "type": "array",
            "minItems": 1,
            "items": { "type": "string" },
        },
        "signed": {
            "description": "What of the signed files it may come from; of a valid one only.",
            "type": "object",
            "properties": {
                "match": { "enum": ["one", "several", "none"] },
                "code": integer(0, "The signed campaign code."),
                "records": integer(1, "How many records with it were signed."),
                "codes": {
                    "description": "The first eight of the codes that fit.",
                    "type": "array",
                    "minItems": 2,
                    "maxItems": 8,
                    "items": { "type": "integer", "minimum": 0 },
                },
                "of": integer(2, "How many codes fit."),
            },
            "required": ["match"],
            "additionalProperties": false,
        },
        "signed_bytes": {
            "description": "The bytes that its signature covers.",
            "type": "string",
            "contentEncoding": "base64",
            "pattern": super::value::BASE64,
        },
    });
    for role in Role::ALL {
        properties[role.as_str()] = match role {
            Role::App => integer(0, "The advertised app's App Store item id, as it says."),
            Role::Campaign => integer(0, "The campaign, as it says."),
            Role::Id => text("Its id, which duplicates have in common, as it says."),
            Role::Network => text("The ad network, as it says."),
            Role::Sequence => integer(0, "Which of an install's postbacks it is, as it says."),
            Role::Source => text("The campaign code, or its last digits, as it says."),
            Role::Version => text("Its version, or the beginning of what it states as such."),
            Role::Won => boolean("Whether this network won, as it says."),
        };
    }
    schema["properties"] = properties;
    schema["required"] = json!(["file", "line", "verdict"]);
    schema["additionalProperties"] = json!(false);
    let valid = json!({ "properties": { "verdict": { "const": Judgement::Valid.as_str() } } });
    schema["if"] = valid;
    schema["then"] = json!({
        "required": ["environment", "kind"],
        "not": { "required": ["reasons"] },
    });
    schema["else"] = json!({
        "required": ["reasons"],
        "not": { "anyOf": [{ "required": ["environment"] }, { "required": ["signed"] }] },
    });
    schema["dependentRequired"] = json!({
        "duplicate_of_line": ["duplicate_of_file"],
        "duplicate_of_file": ["duplicate_of_line"],
    });
    schema
}

//! The JSON Schema of a job file. It must not know an option by its name: all
//! of it follows from the keys.

use serde_json::{Map, Value, json};

use super::document::{NAME, OUTPUT};
use super::keys::{Key, Kind, keys};

/// The name of the schema's file.
pub(crate) const SCHEMA_FILE: &str = "job.schema.json";

/// The schema.
pub(crate) fn schema() -> Value {
    let keys = keys();
    let definition = |key: &Key| (key.name.clone(), definition(key));
    let mut definitions: Map<String, Value> = keys.iter().map(definition).collect();
    let mut top = references(&keys);
    let mut output = references(&keys);
    output.insert(
        NAME.into(),
        json!({
            "description": "The output's name: it goes into its job id, and `--only` calls it",
            "type": "string",
            "pattern": "^[A-Za-z0-9_-]{1,64}$",
        }),
    );
    let outputs = json!({
        "description": "Several outputs of one input, each a run of its own; keys here override those \
            above",
        "type": "array",
        "maxItems": 100,
        "items": { "$ref": "#/$defs/an_output" },
    });
    if let Some(file) = top.remove(OUTPUT) {
        top.insert(OUTPUT.into(), json!({ "anyOf": [file, outputs] }));
    }
    definitions.insert(
        "an_output".into(),
        json!({
            "type": "object",
            "properties": output,
            "additionalProperties": false,
        }),
    );
    json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": SCHEMA_FILE,
        "title": "A job of campaign-signer",
        "description": "A job file (TOML) for `campaign-signer run`. Its keys are the long options of \
            `campaign-signer sign`, and `input`. Nothing is required here: the command line may \
            give the rest. In every text ${NAME} is an environment variable and $$ a dollar.",
        "type": "object",
        "properties": top,
        "additionalProperties": false,
        "$defs": definitions,
    })
}

fn references(keys: &[Key]) -> Map<String, Value> {
    let reference = |key: &Key| {
        let target = format!("#/$defs/{}", key.name);
        (key.name.clone(), json!({ "$ref": target }))
    };
    keys.iter().map(reference).collect()
}

/// What one key takes.
fn definition(key: &Key) -> Value {
    let mut schema = match key.kind {
        Kind::Flag => json!({ "type": "boolean" }),
        Kind::Pairs => json!({ "type": "object", "additionalProperties": pair(PAIR_DEPTH) }),
        _ => one(key),
    };
    if key.takes_several && key.kind != Kind::Pairs {
        let array = json!({ "type": "array", "items": schema });
        schema = json!({ "anyOf": [schema, array] });
    }
    schema["description"] = json!(description(key));
    schema
}

/// Tables in tables are names with dots; no field has more.
const PAIR_DEPTH: usize = 2;

fn pair(depth: usize) -> Value {
    let mut all = vec![json!({ "type": ["string", "number", "boolean"] })];
    if depth > 1 {
        all.push(json!({ "type": "object", "additionalProperties": pair(depth - 1) }));
    }
    json!({ "anyOf": all })
}

fn one(key: &Key) -> Value {
    match key.kind {
        Kind::Integer => json!({
            "anyOf": [
                { "type": "integer", "minimum": 0 },
                { "type": "string", "pattern": r"^[0-9]+$|\$\{" },
            ],
        }),
        Kind::Choice => {
            let names: Vec<String> = key.choices().into_iter().map(|(name, _)| name).collect();
            json!({
                "anyOf": [
                    { "enum": names },
                    { "type": "string", "pattern": r"\$\{" },
                ],
            })
        }
        Kind::Path => json!({ "type": "string", "minLength": 1 }),
        Kind::Text => json!({ "type": ["string", "number"] }),
        // Neither has one value.
        Kind::Flag | Kind::Pairs => json!({}),
    }
}

/// What a key is for, what its words mean, and what holds without it.
pub(super) fn description(key: &Key) -> String {
    let mut text = key.help();
    for (name, help) in key.choices() {
        if !help.is_empty() {
            text.push_str(&format!("; {name}: {help}"));
        }
    }
    if let Some(default) = key.default() {
        text.push_str(&format!(" [default: {default}]"));
    }
    if key.kind == Kind::Path {
        text.push_str(" (counted from the job file)");
    }
    text
}

//! The schemas of what a run leaves beside the records: rejects and the
//! manifest. It must not know the formats' fields.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use crate::format::{Code, FORMATS};

use super::document;

/// The schema of one line of the rejects file.
pub fn reject() -> Value {
    let mut schema = document(
        "reject.json",
        "Rejected row",
        "One line of the rejects file: a row that was not signed, and everything that is wrong \
         with it.",
    );
    schema["properties"] = json!({
        "file": text("The input's name; - for standard input."),
        "line": integer(1, "The row's first line in its input, from 1."),
        "last_line": integer(1, "Its last line."),
        "byte": integer(0, "The offset of its first byte in its input."),
        "record": integer(1, "Its number over all inputs, from 1."),
        "row": {
            "description": "The row as an object, where it could be read as one: mended, the reject is a row again.",
            "type": "object",
        },
        "problems": {
            "description": "Everything found wrong.",
            "type": "array",
            "minItems": 1,
            "items": closed(json!({
                "code": { "description": "The stable code.", "enum": codes() },
                "field": text(
                    "The field, with a path inside a JSON value; empty for the whole row."
                ),
                "found": text("What stood there, cut after 200 characters."),
                "wanted": text("What is wanted."),
                "hint": text("What to do; may be empty."),
            }), &[]),
        },
        "raw": text("The row, or its beginning, where it is UTF-8."),
        "raw_base64": {
            "description": "The row, or its beginning, in standard base64, where it is not.",
            "type": "string",
            "contentEncoding": "base64",
            "pattern": super::value::BASE64,
        },
        "raw_length": integer(0, "The whole row's length in bytes, where only its beginning is kept."),
    });
    schema["required"] = json!(["file", "line", "last_line", "byte", "record", "problems"]);
    schema["oneOf"] = json!([{ "required": ["raw"] }, { "required": ["raw_base64"] }]);
    schema["additionalProperties"] = json!(false);
    schema
}

/// The schema of a run's manifest.
pub fn manifest() -> Value {
    let ids: Vec<&str> = FORMATS.iter().map(|format| format.id).collect();
    let counts = json!({
        "description": "A number for each code.",
        "type": "object",
        "additionalProperties": { "type": "integer", "minimum": 1 },
    });
    let mut by_code = counts.clone();
    by_code["description"] =
        json!("Rejected rows by the code of their first problem; adds up to counts.rejected.");
    by_code["propertyNames"] = json!({ "enum": codes() });
    let mut notices = counts;
    notices["description"] = json!("Legal values a person should know of: code to count.");
    let key = closed(
        json!({
            "alg": { "enum": ["ES256", "HS256"] },
            "fingerprint": text(
                "ES256: the RFC 7638 thumbprint. HS256: an HMAC of a fixed label."
            ),
            "public_key": text("ES256: the public key as SPKI in base64, as it is registered."),
        }),
        &["public_key"],
    );
    let contents = json!({
        "manifest_version": { "description": "The version of this layout.", "const": 1 },
        "tool": closed(json!({
            "name": { "const": "campaign-signer" },
            "version": text("The program's version."),
        }), &[]),
        "format": {
            "description": "The format's id; of several, their ids with commas between.",
            "type": "string",
            "pattern": format!("^({0})(,({0}))*$", ids.join("|")),
        },
        "key": key,
        "keys": {
            "description": "The keys of a key ring; key is a digest of all that it says then.",
            "type": "array",
            "items": closed(json!({ "id": text("Its name."), "key": key }), &[]),
        },
        "made": {
            "description": "What was signed of each format under each key, where there are several.",
            "type": "array",
            "items": closed(json!({
                "format": text("The format, ID or ID@VERSION."),
                "key": text("The key's name; absent where there is only one."),
                "records": integer(1, "How many records."),
            }), &["key"]),
        },
        "job_id": text("With it, the same inputs and settings give the same bytes."),
        "timestamp": integer(0, "The run's timestamp in milliseconds since 1970."),
        "timestamp_rfc3339": text("The same as RFC 3339."),
        "settings": settings(),
        "settings_sha256": sha256("^[0-9a-f]{64}$"),
        "inputs": {
            "description": "Every input in its order.",
            "type": "array",
            "items": closed(json!({
                "path": text("Its name as given; - for standard input."),
                "bytes": integer(0, "Its size in bytes."),
                "sha256": sha256("^[0-9a-f]{64}$"),
                "rows": integer(0, "Its rows, rejected ones included."),
            }), &[]),
        },
        "signed": file(
            "The signed records; where they are parts, their folder and sums, without a digest.",
            "Its records.",
        ),
        "parts": {
            "description": "Every part in the order of its path, where there are parts.",
            "type": "array",
            "items": closed(json!({
                "path": {
                    "description": "Its name in the folder.",
                    "type": "string",
                    "pattern": "^(?:[^/._][^/]*=[^/]*/)*part-[0-9]{5,}[.][a-z.]+$",
                },
                "bytes": integer(0, "Its size in bytes."),
                "sha256": sha256("^[0-9a-f]{64}$"),
                "records": integer(1, "Its records."),
            }), &[]),
        },
        "rejects": file("The rejects.", "Rejected rows."),
        "counts": closed(json!({
            "rows": integer(0, "Rows read, blank lines not counted: signed and rejected ones."),
            "signed": integer(0, "Rows signed."),
            "rejected": integer(0, "Rows rejected."),
            "records": integer(0, "Signed records: the sum of the copies."),
        }), &[]),
        "rejected_by_code": by_code,
        "damage": {
            "description": "What other programs have done to the values of rejected rows, by field and kind.",
            "type": "array",
            "items": closed(json!({
                "kind": text("The kind."),
                "field": text("The field; empty for the whole row."),
                "rows": integer(1, "How many rows have it."),
                "file": text("The input of the first of them."),
                "line": integer(1, "Its line there."),
                "found": text("What stood there, cut after 200 characters."),
                "hint": text("The likely cause and what to do about it."),
            }), &[]),
        },
        "notices": notices,
        "run": run(),
    });
    let mut schema = document(
        "manifest.json",
        "Manifest",
        "What a finished run did. Only what stands under run varies between equal runs.",
    );
    let closed = closed(contents, &["damage", "keys", "made", "parts"]);
    for name in ["properties", "required", "additionalProperties"] {
        schema[name] = closed[name].clone();
    }
    schema
}

fn settings() -> Value {
    let flag = |description: &str| json!({ "description": description, "type": "boolean" });
    let maybe =
        |description: &str| json!({ "description": description, "type": ["string", "null"] });
    let list = |description: &str, items: Value| json!({ "description": description, "type": "array", "items": items });
    let pair = json!({
        "type": "array",
        "prefixItems": [{ "type": "string" }, { "type": "string" }],
        "minItems": 2,
        "maxItems": 2,
    });
    let ids: Vec<&str> = FORMATS.iter().map(|format| format.id).collect();
    let form = json!({
        "description": "How a file is written: ndjson, parquet, or csv with its delimiter.",
        "oneOf": [
            { "const": "ndjson" },
            { "const": "parquet" },
            closed(json!({ "csv": { "type": "string", "minLength": 1, "maxLength": 1 } }), &[]),
        ],
    });
    let mut publishers = closed(
        json!({
            "path": { "description": "The file's name as given.", "type": "string" },
            "sha256": sha256("^[0-9a-f]{64}$"),
            "form": form.clone(),
            "id": maybe("The column that names a publisher."),
            "join": maybe("The column that rows and publishers have in common."),
        }),
        &[],
    );
    publishers["description"] = json!("The publishers that each row meets.");
    let mut settings = closed(
        json!({
            "format": { "description": "The format's id, the first one's of several.", "enum": ids },
            "version": maybe("The one version accepted, where it is fixed."),
            "more-formats": list("The other formats that each row becomes records of, ID or ID@VERSION.", json!({ "type": "string" })),
            "publishers": publishers,
            "spread": integer(1, "Times lie evenly over so many milliseconds from the timestamp on."),
            "use-window": flag("Records say from when and until when they may be used."),
            "set": list("Values for rows that have none: field and value.", pair.clone()),
            "map": list("Columns under another name: field and column.", pair),
            "shape": shapes(),
            "keep": list("Columns that are copied.", json!({ "type": "string" })),
            "ignore-unknown": flag("Columns that fit nothing are passed over."),
            "trim": flag("White space around values is removed."),
            "accept-decimal-zero": flag("Integers may have a point and zeros behind it."),
            "key-id": maybe("The key's id, for rows that have none."),
            "expires": integer(0, "When tokens expire, in milliseconds since 1970."),
            "count": integer(1, "Records per row."),
            "row-id": maybe("The column that identifies a row by its content."),
            "allow-stale": flag("Times before the documented window are signed."),
            "allow-future": flag("Times in the future are signed."),
            "max-row-bytes": integer(1, "The longest row, in bytes."),
            "input-formats": list("How each input is read.", form.clone()),
            "output-format": form.clone(),
            "rejects-format": form,
            "keep-formulas": flag("Kept text that a spreadsheet would run is written as it is."),
            "partition-by": list(
                "The columns that records are partitioned by.",
                json!({ "type": "string" }),
            ),
            "rows-per-file": integer(1, "How many records a part has at most."),
            "compression": {
                "description": "How parts are compressed.",
                "enum": ["gzip", "zstd"],
            },
        }),
        &[
            "more-formats",
            "publishers",
            "spread",
            "use-window",
            "accept-decimal-zero",
            "rejects-format",
            "partition-by",
            "rows-per-file",
            "compression",
            "shape",
        ],
    );
    settings["description"] = json!(
        "Every setting that decides the bytes beside inputs, key, job id and timestamp, named \
         as its option is."
    );
    settings
}

/// A run that wrote flat records does not say so.
fn shapes() -> Value {
    let shapes = FORMATS.iter().flat_map(|format| format.shapes);
    let names: BTreeSet<&str> = shapes.map(|shape| shape.name).collect();
    json!({
        "description": "The shape of the signed objects; absent where they are flat records.",
        "enum": names,
    })
}

fn run() -> Value {
    let mut run = closed(
        json!({
            "engine": text("The engine that signed."),
            "lanes": text("What it computed with: the arithmetic this processor let it use."),
            "self_check": {
                "description": "How much of each batch was checked before it was written.",
                "enum": ["all", "batch", "off"],
            },
            "recomputed": integer(
                0,
                "How many signatures came out wrong and were computed anew.",
            ),
            "threads": integer(1, "How many worker threads."),
            "attempts": integer(1, "How many attempts it took: one more than it was resumed."),
            "exit_code": {
                "description": "0, or 1 where rows were rejected that nobody tolerated.",
                "enum": [0, 1],
            },
            "started": text("When the first attempt started, RFC 3339."),
            "seconds": { "description": "How long it took.", "type": "number", "minimum": 0 },
            "rows_per_second": {
                "description": "Rows per second.",
                "type": "number",
                "minimum": 0,
            },
            "pace": {
                "description": "How far it was when: seconds, rows and records at some moments.",
                "type": "array",
                "maxItems": 240,
                "items": {
                    "type": "array",
                    "prefixItems": [
                        { "type": "number", "minimum": 0 },
                        integer(0, "Rows read by then."),
                        integer(0, "Records signed by then."),
                    ],
                    "minItems": 3,
                    "maxItems": 3,
                },
            },
        }),
        &["pace"],
    );
    run["description"] = json!("What varies between equal runs.");
    run
}

fn file(description: &str, records: &str) -> Value {
    let mut file = closed(
        json!({
            "path": text("Its name; - for standard output, empty where it was not written."),
            "bytes": integer(0, "Its size in bytes."),
            "sha256": sha256("^(?:[0-9a-f]{64})?$"),
            "records": integer(0, records),
        }),
        &[],
    );
    file["description"] = json!(description);
    file
}

/// An object with these members and no others; all must be there but those
/// named optional.
pub(super) fn closed(properties: Value, optional: &[&str]) -> Value {
    let names = properties
        .as_object()
        .into_iter()
        .flat_map(|all| all.keys());
    let required: Vec<&String> = names
        .filter(|name| !optional.contains(&name.as_str()))
        .collect();
    json!({
        "type": "object",
        "required": required,
        "properties": properties,
        "additionalProperties": false,
    })
}

pub(super) fn codes() -> Vec<&'static str> {
    Code::ALL.iter().map(|code| code.as_str()).collect()
}

pub(super) fn text(description: &str) -> Value {
    json!({ "description": description, "type": "string" })
}

pub(super) fn integer(min: u64, description: &str) -> Value {
    json!({ "description": description, "type": "integer", "minimum": min })
}

fn sha256(pattern: &str) -> Value {
    json!({ "description": "Its SHA-256.", "type": "string", "pattern": pattern })
}

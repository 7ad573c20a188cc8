//! The schema of a summary: one line about a run that has ended. It must not
//! know how one is made.

use serde_json::{Value, json};

use super::document;
use super::run::{closed, codes, integer, text};

/// The schema of the line that `--summary stdout` prints, and that ends the
/// events on standard error.
pub fn summary() -> Value {
    let mut schema = document(
        "summary.json",
        "Summary",
        "One line about a run that has ended, well or badly: at most 40,000 bytes. rows, signed, \
         rejected, records and codes are what the manifest counts; of a run that failed, what it \
         had counted until then.",
    );
    let code = json!({
        "description": "How the program ended (see `campaign-signer --help`).",
        "type": "integer",
        "minimum": 0,
        "maximum": 255,
    });
    let flag = |description: &str| json!({ "description": description, "type": "boolean" });
    let about = json!({
        "exit_code": code,
        "name": text("The output's name in the job file."),
        "format": text("The format's id; of several, their ids with commas between."),
        "job_id": text("With it, the same inputs and settings give the same bytes."),
        "timestamp": integer(0, "The run's timestamp in milliseconds since 1970."),
        "output": text("The file, or the folder, of the signed records."),
        "rejects": text("The file of the rejects."),
        "manifest": text("The manifest."),
        "rows": integer(0, "Rows read: signed and rejected ones."),
        "signed": integer(0, "Rows signed."),
        "rejected": integer(0, "Rows rejected."),
        "records": integer(0, "Signed records: the sum of the copies."),
        "codes": {
            "description": "Rejected rows by the code of their first problem; absent where a run failed before it knew.",
            "type": "object",
            "propertyNames": { "enum": codes() },
            "additionalProperties": { "type": "integer", "minimum": 1 },
        },
        "notices": {
            "description": "Legal values a person should know of: code to count; absent where codes are.",
            "type": "object",
            "additionalProperties": { "type": "integer", "minimum": 1 },
        },
        "would_sign": closed(json!({
            "rows": integer(0, "Rows."),
            "records": integer(0, "Records."),
        }), &[]),
        "recomputed": integer(0, "How many signatures came out wrong and were computed anew."),
        "resumed": flag("Whether it went on with an earlier attempt."),
        "was_finished": flag("Whether it was finished before: nothing was signed now."),
        "seconds": { "description": "How long it took.", "type": "number", "minimum": 0 },
    });
    let optional = [
        "name",
        "format",
        "job_id",
        "timestamp",
        "output",
        "rejects",
        "manifest",
        "records",
        "codes",
        "notices",
        "would_sign",
        "recomputed",
        "resumed",
        "was_finished",
    ];
    let mut properties = about.clone();
    properties["would_sign"]["description"] =
        json!("What could be signed, where the call signs nothing: check, plan, --dry-run.");
    properties["event"] = json!({ "const": "summary" });
    properties["time"] = text("When it was over, RFC 3339.");
    properties["version"] = text("The program's version.");
    properties["command"] = text("What was called: sign, run, check, plan or filter.");
    properties["outputs"] = json!({
        "description": "Of a job of several outputs, each that was begun; the counts above are of all.",
        "type": "array",
        "items": closed(about, &optional),
    });
    properties["outputs_planned"] = integer(0, "How many outputs the job has.");
    properties["outputs_left_out"] = integer(
        1,
        "How many of those begun are not shown, for want of room.",
    );
    properties["error"] = closed(
        json!({
            "message": text("What is wrong, and where."),
            "hint": text("What to type to mend it."),
            "resume": text("The command that goes on with the run."),
        }),
        &["hint", "resume"],
    );
    properties["error"]["description"] = json!("What stopped it.");
    let more = [
        "time",
        "version",
        "command",
        "outputs",
        "outputs_planned",
        "outputs_left_out",
        "error",
    ];
    let closed = closed(properties, &[&optional[..], &more].concat());
    for name in ["properties", "required", "additionalProperties"] {
        schema[name] = closed[name].clone();
    }
    schema
}

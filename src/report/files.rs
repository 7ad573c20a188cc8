//! Keys, files and the machine: what a run was made with and what it left. It
//! must not know what is in a file.

use serde_json::Value;

use crate::output::{FileEntry, KeyEntry, Manifest, PartEntry};

use super::found::{Found, Run};
use super::html::{Html, cut};
use super::table::{Column, cell, digest_cell, fact, number_cell, row, table};
use super::words::{count, duration, number, size, spoken};

/// How many keys, inputs or parts a table shows.
const SHOWN: usize = 200;

/// The keys that signed.
pub(super) fn keys(html: &mut Html, id: &str, manifest: &Manifest) {
    let mut keys: Vec<(&str, &KeyEntry)> = Vec::new();
    match manifest.keys.is_empty() {
        true => keys.push(("the only key", &manifest.key)),
        false => keys.extend(manifest.keys.iter().map(|own| (own.id.as_str(), &own.key))),
    }
    let columns = [
        Column::Words("Key"),
        Column::Words("Algorithm"),
        Column::Words("Fingerprint"),
        Column::Words("Public key"),
    ];
    let caption = "Keys, by what is public of them";
    let all = keys.len();
    table(html, &format!("{id}-key"), caption, &columns, |html| {
        for (name, key) in keys.into_iter().take(SHOWN) {
            row(
                html,
                |html| html.value(name),
                |html| {
                    cell(html, |html| html.value(&key.alg));
                    digest_cell(html, &key.fingerprint);
                    digest_cell(html, key.public_key.as_deref().unwrap_or_default());
                },
            );
        }
    });
    more(html, all, "key");
}

/// The inputs and the outputs.
pub(super) fn files(html: &mut Html, id: &str, run: &Run) {
    let manifest = &run.manifest;
    let columns = [
        Column::Words("Input"),
        Column::Number("Rows"),
        Column::Number("Size"),
        Column::Words("SHA-256"),
    ];
    let caption = "What was read, in its order";
    table(html, &format!("{id}-inputs"), caption, &columns, |html| {
        for input in manifest.inputs.iter().take(SHOWN) {
            row(
                html,
                |html| file_name(html, &input.path, "standard input"),
                |html| {
                    number_cell(html, input.rows);
                    size_cell(html, input.bytes);
                    digest_cell(html, &input.sha256);
                },
            );
        }
    });
    more(html, manifest.inputs.len(), "input");
    let columns = [
        Column::Words("Output"),
        Column::Words("What"),
        Column::Number("Lines"),
        Column::Number("Size"),
        Column::Words("SHA-256"),
        Column::Words("Looked at"),
    ];
    let caption = "What was written";
    table(html, &format!("{id}-outputs"), caption, &columns, |html| {
        output(html, "Signed records", &manifest.signed, state(&run.signed));
        output(html, "Rejects", &manifest.rejects, state(&run.rejects));
    });
    if let Some(all) = &manifest.parts {
        parts(html, id, all);
    }
}

fn output(html: &mut Html, what: &str, entry: &FileEntry, state: &str) {
    row(
        html,
        |html| file_name(html, &entry.path, "standard output"),
        |html| {
            cell(html, |html| html.text(what));
            number_cell(html, entry.records);
            size_cell(html, entry.bytes);
            digest_cell(html, &entry.sha256);
            cell(html, |html| html.text(state));
        },
    );
}

/// What was found in a file's place.
fn state<T>(found: &Found<T>) -> &'static str {
    match found {
        Found::Sound(_) => "yes: size and digest are these",
        Found::Changed(_) => "yes: it is another file",
        Found::Missing => "no: not at hand",
        Found::Unreadable(_) => "no: cannot be read",
        Found::Stdout => "no: it went to standard output",
        Found::Unwritten => "no: it was not written",
    }
}

fn parts(html: &mut Html, id: &str, parts: &[PartEntry]) {
    html.element("details", &[("class", "long")], |html| {
        let many = count(parts.len() as u64, "part");
        html.line("summary", &[], &format!("The records are in {many}"));
        let columns = [
            Column::Words("Part"),
            Column::Number("Records"),
            Column::Number("Size"),
            Column::Words("SHA-256"),
        ];
        let caption = "Parts of the signed records";
        table(html, &format!("{id}-parts"), caption, &columns, |html| {
            for part in parts.iter().take(SHOWN) {
                row(
                    html,
                    |html| html.value(&part.path),
                    |html| {
                        number_cell(html, part.records);
                        size_cell(html, part.bytes);
                        digest_cell(html, &part.sha256);
                    },
                );
            }
        });
        more(html, parts.len(), "part");
    });
}

fn more(html: &mut Html, all: usize, noun: &str) {
    let more = all.saturating_sub(SHOWN) as u64;
    if more > 0 {
        let says = format!("{} not shown; the manifest has them.", count(more, noun));
        html.line("p", &[], &says);
    }
}

fn file_name(html: &mut Html, name: &str, stream: &str) {
    match name {
        "" => html.line("span", &[("class", "none")], "not written"),
        "-" => html.text(stream),
        name => html.value(name),
    }
}

/// A size as it is read, and exactly.
fn size_cell(html: &mut Html, bytes: u64) {
    html.element("td", &[("class", "number")], |html| {
        html.text(&size(bytes));
        if bytes >= 1000 {
            html.line("span", &[("class", "under")], &count(bytes, "byte"));
        }
    });
}

/// The run itself: when, how long, on what, with which settings.
pub(super) fn run(html: &mut Html, run: &Run) {
    let manifest = &run.manifest;
    let own = &manifest.run;
    let words = |html: &mut Html, name: &str, text: &str| {
        fact(html, name, |html| html.value(text));
    };
    html.element("dl", &[("class", "facts")], |html| {
        words(html, "Manifest", &run.path.display().to_string());
        words(html, "Job", &manifest.job_id);
        words(html, "Timestamp", &spoken(&manifest.timestamp_rfc3339));
        words(html, "Started", &spoken(&own.started));
        words(html, "Took", &duration(own.seconds));
        let rate = format!("{} rows per second", number(own.rows_per_second as u64));
        words(html, "Speed", &rate);
        let attempts = match own.attempts {
            1 => "one".to_owned(),
            many => format!("{many}: it was interrupted and resumed"),
        };
        words(html, "Attempts", &attempts);
        let machine = format!(
            "{} on {}, engine {}",
            own.lanes,
            count(own.threads as u64, "thread"),
            own.engine
        );
        words(html, "Machine", &machine);
        let check = match own.recomputed {
            0 => format!("{}; no signature came out wrong", own.self_check),
            wrong => format!("{}; {} came out wrong", own.self_check, number(wrong)),
        };
        words(html, "Self-check", &check);
        let ended = match own.exit_code {
            0 => "0: as it should",
            1 => "1: rows were rejected that nobody tolerated",
            _ => "unknown",
        };
        words(html, "Exit code", ended);
        let (name, version) = (&manifest.tool.name, &manifest.tool.version);
        words(html, "Program", &format!("{name} {version}"));
        words(html, "Settings, SHA-256", &manifest.settings_sha256);
    });
    settings(html, manifest);
}

/// Every setting that decides the bytes, named as its option is.
fn settings(html: &mut Html, manifest: &Manifest) {
    // Strings, numbers and lists always become JSON.
    let Ok(Value::Object(all)) = serde_json::to_value(&manifest.settings) else {
        return;
    };
    html.element("details", &[], |html| {
        html.line("summary", &[], "Settings that decide the bytes");
        html.element("dl", &[("class", "facts")], |html| {
            for (name, value) in &all {
                let text = match value {
                    Value::Null => continue,
                    Value::String(text) => text.clone(),
                    other => other.to_string(),
                };
                fact(html, name, |html| html.line("bdi", &[], &cut(&text, 500)));
            }
        });
    });
}

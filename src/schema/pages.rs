//! Pages for people: Markdown tables for the repository, and one format's
//! page in plain text. It must not know the terminal: lines are wrapped for
//! eighty columns whatever shows them.

use std::fmt::Write as _;

use crate::format::{Code, FORMATS, Format, Layout, Reason, Source};

use super::words;

const WIDTH: usize = 80;

/// The Markdown table of all formats.
pub fn formats_table() -> String {
    let mut out = table_head(&[
        "Format",
        "Versions",
        "What it is",
        "Signature",
        "Key",
        "Time unit",
        "Documented life",
    ]);
    for format in FORMATS {
        table_row(
            &mut out,
            &[
                &format!("`{}`", format.id),
                &words::versions(format),
                format.title,
                &words::signature_form(format),
                format.key.describe(),
                words::time_unit(format),
                &words::life(format),
            ],
        );
    }
    out
}

/// The page about the schemas: every format's fields, and the reject codes.
pub(super) fn readme() -> String {
    let mut out = String::from(
        "# Schemas\n\n\
         JSON Schemas (draft 2020-12), made by `campaign-signer schema --write schemas` from \
         the same table that checks and signs rows.\n\n\
         - `FORMAT.row.json`: one input row, as a line of NDJSON.\n\
         - `FORMAT.record.json`: one signed record, as a line of NDJSON.\n\
         - `FORMAT.SHAPE.json`: one object of a shape (`--shape`), as a line of NDJSON.\n\
         - `reject.json`: one line of the rejects file.\n\
         - `manifest.json`: the manifest of a run.\n\
         - `summary.json`: the line that `--summary stdout` prints.\n\
         - `postback.json`: one verdict of `verify-postback`.\n\
         - `job.schema.json`: a job file for `campaign-signer run`.\n\n\
         ## Formats\n\n",
    );
    out.push_str(&formats_table());
    out.push_str(
        "\nEvery row may also have a `count`: how many records it becomes, each with a nonce of \
         its own.\n",
    );
    for format in FORMATS {
        let _ = write!(
            out,
            "\n## {}\n\n{}: {}.\n\n",
            format.id, format.title, format.purpose
        );
        out.push_str(&table_head(&["Field", "Type and range", "From", "Meaning"]));
        for field in format.fields {
            let cells = [
                &full_name(format, field.name),
                &words::wanted(field),
                &words::origin(format, field),
                field.doc,
            ];
            table_row(&mut out, &cells);
        }
        for derived in format.derived {
            let from = format!("Made of {}; in records only", derived.from);
            let name = format!("`{}`", derived.name);
            table_row(&mut out, &[&name, "a string", &from, derived.doc]);
        }
        for field in format.unsigned {
            let cells = [
                &format!("`{}`", field.name),
                &words::wanted(field),
                &words::unsigned_origin(format, field),
                field.doc,
            ];
            table_row(&mut out, &cells);
        }
        if !format.shapes.is_empty() {
            out.push('\n');
            out.push_str(&table_head(&["Shape", "What it is", "Versions", "Source"]));
        }
        for shape in format.shapes {
            let cells = [
                &format!("`{}`", shape.name),
                shape.doc,
                &words::shape_versions(format, shape),
                shape.source,
            ];
            table_row(&mut out, &cells);
        }
    }
    out.push_str("\n## Reject codes\n\n");
    out.push_str(&table_head(&["Code", "Meaning"]));
    for code in Code::ALL {
        table_row(&mut out, &[&format!("`{code}`"), code.meaning()]);
    }
    out.push_str("\n## Why a postback is not valid\n\n");
    out.push_str(&table_head(&["Code", "Verdict", "Meaning"]));
    for reason in Reason::ALL {
        let (code, verdict) = (reason.as_str(), reason.judgement().as_str());
        table_row(&mut out, &[&format!("`{code}`"), verdict, reason.meaning()]);
    }
    out
}

/// A field's name in code, after the object it stands in.
fn full_name(format: &Format, name: &str) -> String {
    match format.parent(name) {
        Some(parent) => format!("`{parent}.{name}`"),
        None => format!("`{name}`"),
    }
}

fn table_head(names: &[&str]) -> String {
    let mut out = String::new();
    table_row(&mut out, names);
    out.push_str(&"| --- ".repeat(names.len()));
    out.push_str("|\n");
    out
}

fn table_row(out: &mut String, cells: &[&str]) {
    for cell in cells {
        let _ = write!(out, "| {} ", cell.replace('|', "\\|"));
    }
    out.push_str("|\n");
}

/// Everything about one format, as plain text.
pub fn format_text(format: &Format) -> String {
    let mut out = format!("{}: {}\n\n", format.id, format.title);
    wrap(&mut out, 0, &capital(&format!("{}.", format.purpose)));

    out.push_str("\nSIGNATURE\n");
    wrap(&mut out, 2, &words::signature(format));
    let key = format!("{}, for {}.", capital(format.key.describe()), format.alg());
    wrap(&mut out, 2, &key);
    if let Some((right, wrong)) = format.key.file_names() {
        let text = format!("Its file is {right}ID.p8; {wrong}ID.p8 is another, wrong key.");
        wrap(&mut out, 2, &text);
    }
    signed(&mut out, format);

    out.push_str("\nFIELDS\n");
    let derived = format.derived.iter().map(|derived| derived.name);
    let shapes = format.shapes.iter().map(|shape| shape.name);
    let names = format.all_fields().map(|field| field.name);
    let names = names.chain(derived).chain(shapes);
    // Two spaces stand before the names, and two behind the longest.
    let column = names.map(str::len).max().unwrap_or_default() + 4;
    let mut entry = |name: &str, lines: [&str; 2]| {
        let mut text = String::new();
        for line in lines {
            wrap(&mut text, column, line);
        }
        // The name stands where the first line is indented.
        let _ = writeln!(out, "  {name:0$}{1}", column - 2, text.trim());
    };
    for field in format.fields {
        let meaning = match field.source {
            Source::Constant(_) => field.doc.to_owned(),
            _ => format!("{}. {}", capital(&words::wanted(field)), field.doc),
        };
        entry(field.name, [&words::origin(format, field), &meaning]);
    }
    for derived in format.derived {
        let from = format!("Made of {}; in records only", derived.from);
        entry(derived.name, [&from, derived.doc]);
    }
    for field in format.unsigned {
        let meaning = format!("{}. {}", capital(&words::wanted(field)), field.doc);
        entry(
            field.name,
            [&words::unsigned_origin(format, field), &meaning],
        );
    }

    if !format.shapes.is_empty() {
        out.push_str("\nSHAPES\n");
    }
    for shape in format.shapes {
        let mut text = String::new();
        let versions = words::shape_versions(format, shape);
        let lines = [
            format!("{}.", capital(shape.doc)),
            format!("{}. {}.", capital(&versions), shape.source),
        ];
        for line in lines {
            wrap(&mut text, column, &line);
        }
        let name = shape.name;
        let _ = writeln!(out, "  {name:0$}{1}", column - 2, text.trim());
    }

    out.push_str("\nFRESHNESS\n");
    wrap(&mut out, 2, &words::freshness(format));

    out.push_str("\nSOURCES\n");
    for source in format.sources {
        wrap(&mut out, 2, source);
    }
    out
}

/// What is signed; versions that sign the same stand together.
fn signed(out: &mut String, format: &Format) {
    let layouts: Vec<&Layout> = format.layouts.iter().collect();
    for same in layouts.chunk_by(|a, b| words::signed(a) == words::signed(b)) {
        let title = match same[0].version {
            Some(_) => capital(&words::of_versions(same)),
            None => "Signed".to_owned(),
        };
        let _ = writeln!(out, "\n  {title}:");
        for part in words::signed(same[0]) {
            wrap(out, 4, &part);
        }
    }
}

/// Appends words on lines that end before [`WIDTH`], a longer word excepted.
fn wrap(out: &mut String, indent: usize, text: &str) {
    let mut column = 0;
    for word in text.split_whitespace() {
        let length = word.chars().count();
        if column > 0 && column + 1 + length > WIDTH {
            out.push('\n');
            column = 0;
        }
        if column == 0 {
            out.push_str(&" ".repeat(indent));
            column = indent;
        } else {
            out.push(' ');
            column += 1;
        }
        out.push_str(word);
        column += length;
    }
    out.push('\n');
}

fn capital(text: &str) -> String {
    let mut chars = text.chars();
    match chars.next() {
        Some(first) => first.to_uppercase().chain(chars).collect(),
        None => String::new(),
    }
}

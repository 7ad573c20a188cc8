//! A first input for every format: its columns, and one row of examples that
//! can be signed as it is.
//!
//! What the program fills in by itself (nonces, times, constants) has no
//! column. This module must not know the terminal, arguments or files.

use crate::format::{Field, Format, Source};
use crate::json::{self, Shape};

/// A CSV header and one row, each with its line end.
pub fn csv(format: &Format) -> String {
    let fields = columns(format);
    let line = |cell: fn(&Field) -> &'static str| {
        let cells: Vec<String> = fields.iter().map(|field| quoted(cell(field))).collect();
        cells.join(",")
    };
    format!(
        "{}\n{}\n",
        line(|field| field.name),
        line(|field| field.example)
    )
}

/// The same row as one line of JSON.
pub fn ndjson(format: &Format) -> String {
    let mut out = Vec::new();
    for field in columns(format) {
        out.push(if out.is_empty() { b'{' } else { b',' });
        json::write_string(field.name, &mut out);
        out.push(b':');
        match field.kind.shape() {
            Shape::String => json::write_string(field.example, &mut out),
            // Integers, booleans and JSON are their own text.
            _ => out.extend_from_slice(field.example.as_bytes()),
        }
    }
    out.extend_from_slice(b"}\n");
    // Only whole strings went in.
    String::from_utf8(out).unwrap_or_default()
}

/// The fields of the newest version that a person may want to give.
fn columns(format: &Format) -> Vec<&'static Field> {
    let names = format.newest().field_names();
    let fields = format.fields.iter();
    fields
        .filter(|field| names.contains(&field.name) && is_shown(field))
        .collect()
}

fn is_shown(field: &Field) -> bool {
    match field.source {
        Source::Required | Source::KeyId { .. } | Source::Version => true,
        Source::Optional | Source::Default(_) | Source::SameAs(_) => !field.example.is_empty(),
        Source::Clock | Source::Constant(_) | Source::Expiry | Source::Nonce => false,
    }
}

/// A CSV cell, quoted where it must be (RFC 4180 §2).
fn quoted(text: &str) -> String {
    if text.contains([',', '"', '\n', '\r']) {
        format!("\"{}\"", text.replace('"', "\"\""))
    } else {
        text.to_owned()
    }
}

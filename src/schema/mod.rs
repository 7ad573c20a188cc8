//! JSON Schemas and reference pages, made from the format table.
//!
//! For every format the schema of an input row, of a signed record and of each
//! shape; the
//! schemas of rejects, manifests and summaries; the tables of the README and the page
//! `formats` shows. All of it follows from the table, so nothing here has to
//! be changed for a new format. This module must not know the terminal,
//! arguments, keys or files: it gives names and texts, others write them.

mod pages;
mod postback;
mod record;
mod row;
mod run;
mod shape;
mod summary;
mod value;
mod words;

use serde_json::{Value, json};

use crate::format::FORMATS;

pub use pages::{format_text, formats_table};
pub use postback::postback;
pub use record::record;
pub use row::row;
pub use run::{manifest, reject};
pub use shape::shape;
pub use summary::summary;

/// Every file of the `schemas` directory: its name and its text, which ends
/// with a line end.
pub fn files() -> Vec<(String, String)> {
    let mut files = Vec::new();
    let mut add = |schema: &Value| {
        // Every schema here has its file's name as its `$id`.
        let name = schema["$id"].as_str().unwrap_or_default();
        files.push((name.to_owned(), format!("{schema:#}\n")));
    };
    for format in FORMATS {
        add(&row(format));
        add(&record(format));
        for own in format.shapes {
            add(&shape(format, own));
        }
    }
    add(&reject());
    add(&manifest());
    add(&summary());
    add(&postback());
    files.push(("README.md".to_owned(), pages::readme()));
    files
}

/// What every schema starts with. Its id is relative, so that it stands for
/// wherever the files are put.
fn document(file: &str, title: &str, description: &str) -> Value {
    json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": file,
        "title": title,
        "description": description,
        "type": "object",
    })
}

//! `formats` and `schema`: the table, for people and for machines.

use std::path::PathBuf;

use campaign_signer::error::Error;
use campaign_signer::format::shape::RECORD;
use campaign_signer::format::{FORMATS, Format, Shape};
use campaign_signer::output::OutputError;
use campaign_signer::schema;
use clap::Args;

use super::args::find_format;
use super::exit::Exit;
use super::{job, print};

/// List the formats, or describe one.
#[derive(Args)]
pub(crate) struct FormatsArgs {
    /// A format to describe
    #[arg(value_name = "ID")]
    format: Option<String>,
}

/// Lists or describes formats.
pub(crate) fn run(args: &FormatsArgs) -> Result<Exit, Error> {
    match &args.format {
        Some(id) => print(&schema::format_text(find_format(id)?)),
        None => {
            let mut text = String::new();
            for format in FORMATS {
                let versions: Vec<&str> = format.versions().collect();
                let id = format.id;
                text.push_str(&format!("{id:<28} {}", format.title));
                if versions.len() > 1 {
                    text.push_str(&format!(" ({})", versions.join(", ")));
                }
                text.push('\n');
            }
            print(&text)
        }
    }
}

/// The format's shape of this name.
fn find_shape(format: &'static Format, name: &str) -> Result<&'static Shape, Error> {
    format.shape(name).ok_or_else(|| {
        let shapes = format.shapes.iter().map(|shape| shape.name);
        let all: Vec<&str> = std::iter::once(RECORD).chain(shapes).collect();
        Error::settings(
            format!("{} has no shape {name:?}", format.id),
            format!("one of {}", all.join(", ")),
        )
    })
}

/// Print a JSON Schema (2020-12).
#[derive(Args)]
pub(crate) struct SchemaArgs {
    /// A format, or `job`, `reject`, `manifest`, `summary` or `postback`
    #[arg(value_name = "ID", required_unless_present = "write")]
    name: Option<String>,

    /// The signed record instead of the input row
    #[arg(long, conflicts_with = "write")]
    record: bool,

    /// An object of this shape instead of the input row
    #[arg(long, value_name = "SHAPE", conflicts_with_all = ["write", "record"])]
    shape: Option<String>,

    /// Write all schemas into this folder
    #[arg(long, value_name = "FOLDER", conflicts_with = "name")]
    write: Option<PathBuf>,
}

/// Prints one schema, or writes all.
pub(crate) fn schema(args: &SchemaArgs) -> Result<Exit, Error> {
    if let Some(folder) = &args.write {
        let job = (
            job::SCHEMA_FILE.to_owned(),
            format!("{:#}\n", job::schema()),
        );
        for (name, text) in schema::files().into_iter().chain([job]) {
            let path = folder.join(name);
            std::fs::write(&path, text).map_err(|source| {
                Error::Output(OutputError::Io {
                    action: "write",
                    path,
                    source,
                })
            })?;
        }
        return Ok(Exit::Success);
    }
    let name = args.name.as_deref().unwrap_or_default();
    let schema = match name {
        "job" => job::schema(),
        id if args.shape.as_deref().is_some_and(|shape| shape != RECORD) => {
            let format = find_format(id)?;
            let shape = args.shape.as_deref().unwrap_or_default();
            schema::shape(format, find_shape(format, shape)?)
        }
        id if args.shape.is_some() => schema::record(find_format(id)?),
        "reject" => schema::reject(),
        "manifest" => schema::manifest(),
        "postback" => schema::postback(),
        "summary" => schema::summary(),
        id if args.record => schema::record(find_format(id)?),
        id => schema::row(find_format(id)?),
    };
    print(&format!("{schema:#}\n"))
}

//! `rejects`: what is wrong in a rejects file.

use std::path::PathBuf;

use campaign_signer::error::Error;
use campaign_signer::rejects::{Example, RejectKind, RejectSummary};
use campaign_signer::row::{Input, Origin};
use clap::Args;
use indicatif::HumanCount;

use super::args::FileFormat;
use super::exit::Exit;
use super::values::delimiter;
use super::{print, signals};

/// Sum up a rejects file.
#[derive(Args)]
pub(crate) struct RejectsArgs {
    /// The rejects file: .ndjson, .csv or .tsv, plain, gzip or zstd; `-` is
    /// standard input
    #[arg(value_name = "FILE")]
    file: PathBuf,

    /// One JSON object instead of text
    #[arg(long)]
    json: bool,

    /// How the file is read, where no name says it [default: ndjson]
    #[arg(long, value_name = "FORMAT")]
    input_format: Option<FileFormat>,

    /// The delimiter of a CSV file (one ASCII character, or `\t`)
    #[arg(long, value_name = "C", value_parser = delimiter)]
    delimiter: Option<u8>,
}

/// Prints what is wrong, most frequent first.
pub(crate) fn run(args: &RejectsArgs) -> Result<Exit, Error> {
    let format = args.input_format.or_else(|| FileFormat::of(&args.file));
    let format = format.unwrap_or(FileFormat::Ndjson);
    let input = Input {
        origin: match args.file.as_os_str() == "-" {
            true => Origin::Stdin,
            false => Origin::File(args.file.clone()),
        },
        dialect: format.dialect(args.delimiter)?,
    };
    let summary = RejectSummary::read(&input, &signals::stop()?)?;
    if args.json {
        return match serde_json::to_string_pretty(&summary) {
            Ok(text) => print(&format!("{text}\n")),
            Err(_) => unreachable!("strings and numbers always serialize"),
        };
    }
    print(&text(&summary))
}

fn text(summary: &RejectSummary) -> String {
    let plural = |number: u64| if number == 1 { "" } else { "s" };
    let (rows, problems) = (summary.rows, summary.problems);
    let mut out = format!(
        "{} rejected row{}, {} problem{}\n",
        HumanCount(rows),
        plural(rows),
        HumanCount(problems),
        plural(problems)
    );
    for kind in &summary.kinds {
        let RejectKind {
            code,
            field,
            rows,
            example,
            ..
        } = kind;
        let Example {
            file,
            line,
            reason,
            hint,
        } = example;
        let field = match &field[..] {
            "" => "the whole row".to_owned(),
            // The name of an unknown member is the input's own text.
            field => field.escape_debug().to_string(),
        };
        let file = file.as_ref().map(|file| format!("{file} "));
        let file = file.unwrap_or_default();
        let rows = HumanCount(*rows).to_string();
        out.push_str(&format!("\n{rows:>9}  {code}  {field}\n"));
        let escaped = |text: &str| text.replace(char::is_control, "\u{2423}");
        out.push_str(&format!(
            "           {file}line {line}: {}\n",
            escaped(reason)
        ));
        if !hint.is_empty() {
            out.push_str(&format!("           hint: {}\n", escaped(hint)));
        }
    }
    if summary.others > 0 {
        out.push_str(&format!(
            "\n{:>9}  of more kinds\n",
            HumanCount(summary.others)
        ));
    }
    out
}

//! `explain`: why a signature is invalid.

use std::io::Read;
use std::path::{Path, PathBuf};

use campaign_signer::error::Error;
use campaign_signer::explain::{Explainer, Explanation, Sought, Verdict};
use campaign_signer::format::{Field, Format, Source};
use campaign_signer::json;
use campaign_signer::record::same_name;
use campaign_signer::row::Input;
use clap::Args;

use super::args::{FileFormat, find_format};
use super::exit::Exit;
use super::values::pair;
use super::with::WithArgs;
use super::{explain_words as words, print, verify};

/// The largest document that is read whole, in bytes.
const MOST_BYTES: u64 = 1 << 20;

/// Say why a signature is invalid.
#[derive(Args)]
pub(crate) struct ExplainArgs {
    /// Signed files, a document with signatures somewhere in it (an OpenRTB
    /// bid, what an app was given), or a token; `-` is standard input
    #[arg(value_name = "FILE", default_value = "-", conflicts_with = "signature")]
    files: Vec<PathBuf>,

    #[command(flatten)]
    with: WithArgs,

    /// The format, where nothing says it
    #[arg(short, long, value_name = "ID")]
    format: Option<String>,

    /// A signed value: one that the device knows by itself, or, with
    /// --signature, each of them
    #[arg(short = 's', long = "set", value_name = "FIELD=VALUE", value_parser = pair)]
    known: Vec<(String, String)>,

    /// The signature of the values that --set gives
    #[arg(long, value_name = "TEXT", requires = "format")]
    signature: Option<String>,

    /// Print JSON: an object for each signature that is not valid, and for a
    /// file one more at the end
    #[arg(long)]
    json: bool,

    /// Print every bad line of a file, not the causes alone
    #[arg(long)]
    each: bool,

    /// Search every line of a file for pairs of mistakes, however long it takes
    #[arg(long)]
    thorough: bool,

    /// How files are read, where no file name says it
    #[arg(long, value_name = "FORMAT")]
    input_format: Option<FileFormat>,

    /// The delimiter of CSV files
    #[arg(long, value_name = "C")]
    delimiter: Option<char>,

    /// How many threads work [default: all cores]
    #[arg(short, long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1024))]
    jobs: Option<u16>,
}

/// Explains what is there; whatever is not valid makes the exit code 7.
pub(crate) fn run(args: &ExplainArgs) -> Result<Exit, Error> {
    let reads_stdin = args.signature.is_none() && args.files.iter().any(|path| is_stdin(path));
    let with = args.with.load(reads_stdin)?;
    let keys = with.keys()?;
    let format = match &args.format {
        Some(id) => Some(find_format(id)?),
        None => None,
    };
    let explainer = Explainer::new(&keys, with.public(), &with.secrets())
        .only(format)
        .knowing(args.known.clone());
    if let (Some(signature), Some(format)) = (&args.signature, format) {
        let record = record_of(format, &args.known, signature);
        return document(args, &explainer, &[record]);
    }
    if let [path] = &args.files[..]
        && let Some(texts) = read_document(args, path)?
    {
        return document(args, &explainer, &texts);
    }
    let inputs: Vec<Input> = args
        .files
        .iter()
        .map(|path| verify::input(path, args.input_format, args.delimiter))
        .collect::<Result<_, _>>()?;
    let sought = Sought {
        inputs: &inputs,
        threads: args.jobs.map_or(0, usize::from),
        thorough: args.thorough,
    };
    let mut printed = Ok(Exit::Success);
    let report = explainer.explain_files(&sought, |line| {
        let is_told = args.each || args.json;
        if printed.is_ok() && is_told {
            printed = print(&match args.json {
                true => words::json_line(line),
                false => words::line(line),
            });
        }
    })?;
    printed?;
    print(&match args.json {
        true => words::json_report(&report),
        false => words::report(&report, &with.name()),
    })?;
    Ok(match report.causes.is_empty() && report.repeats == 0 {
        true => Exit::Success,
        false => Exit::Verification,
    })
}

fn is_stdin(path: &Path) -> bool {
    path.as_os_str() == "-"
}

/// Explains texts that were read whole.
fn document(
    args: &ExplainArgs,
    explainer: &Explainer<'_>,
    texts: &[String],
) -> Result<Exit, Error> {
    let mut all: Vec<Explanation> = Vec::new();
    for text in texts {
        all.extend(explainer.explain(text));
    }
    if all.is_empty() {
        return Err(Error::settings(
            "there is no signature in it",
            "give a signed record, a token, or --format, --set and --signature",
        ));
    }
    for explanation in &all {
        print(&match args.json {
            true => words::json(explanation, None) + "\n",
            false => words::text(explanation),
        })?;
    }
    let is_valid = |own: &Explanation| own.verdict == Verdict::Valid;
    Ok(match all.iter().all(is_valid) {
        true => Exit::Success,
        false => Exit::Verification,
    })
}

/// The texts of a small input that is no table: one document, or, from
/// standard input, one on each line. `None` where it is to be read as a file
/// of records.
fn read_document(args: &ExplainArgs, path: &Path) -> Result<Option<Vec<String>>, Error> {
    if args.input_format.is_some() || (!is_stdin(path) && is_table(path)) {
        return Ok(None);
    }
    let input = verify::input(path, None, None)?;
    let mut bytes = Vec::new();
    let read = input
        .open()
        .and_then(|source| source.take(MOST_BYTES + 1).read_to_end(&mut bytes));
    read.map_err(|source| Error::Open {
        file: input.name(),
        source,
    })?;
    let is_whole = bytes.len() as u64 <= MOST_BYTES;
    if !is_whole && is_stdin(path) {
        return Err(Error::settings(
            "this is more than a document",
            "give --input-format ndjson or csv to read it line by line",
        ));
    }
    let text = String::from_utf8_lossy(&bytes);
    let text = text.trim().trim_start_matches('\u{feff}');
    let is_one = json::is_value(text) || !text.contains('\n') || !text.contains('{');
    Ok(match (is_whole, is_one) {
        (true, true) => Some(vec![text.to_owned()]),
        (true, false) if is_stdin(path) => {
            let lines = text.lines().filter(|line| !line.trim().is_empty());
            Some(lines.map(str::to_owned).collect())
        }
        _ => None,
    })
}

/// Whether a name says that rows stand in the file.
fn is_table(path: &Path) -> bool {
    FileFormat::of(path).is_some_and(|format| format != FileFormat::Ndjson)
}

fn add(out: &mut Vec<u8>, name: &str, is_text: bool, value: &str) {
    out.push(b',');
    json::write_string(name, out);
    out.push(b':');
    match !is_text && json::is_value(value) {
        true => out.extend_from_slice(value.as_bytes()),
        false => json::write_string(value, out),
    }
}

/// The record that values and a signature make.
fn record_of(format: &Format, values: &[(String, String)], signature: &str) -> String {
    let mut out = b"{\"format\":".to_vec();
    json::write_string(format.id, &mut out);
    for (name, value) in values {
        let own = |field: &&Field| same_name(field.name, name);
        let field = format.fields.iter().find(own);
        let is_text = field.is_none_or(|field| field.kind.shape() == json::Shape::String);
        add(
            &mut out,
            field.map_or(name.as_str(), |field| field.name),
            is_text,
            value,
        );
    }
    // What is always the same needs not be told.
    for field in format.fields {
        let is_given = |(name, _): &(String, String)| same_name(field.name, name);
        let implied = match field.source {
            Source::Constant(text) => Some(text),
            Source::Version => format.newest().version,
            _ => None,
        };
        if let Some(text) = implied.filter(|_| !values.iter().any(is_given)) {
            add(
                &mut out,
                field.name,
                field.kind.shape() == json::Shape::String,
                text,
            );
        }
    }
    out.push(b',');
    json::write_string(format.newest().result(), &mut out);
    out.push(b':');
    json::write_string(signature, &mut out);
    out.push(b'}');
    String::from_utf8(out).unwrap_or_default()
}

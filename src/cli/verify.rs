//! `verify`: the other side's view of a signed file.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use campaign_signer::error::Error;
use campaign_signer::format::shape::RECORD;
use campaign_signer::format::{FORMATS, Format};
use campaign_signer::output::{Counts, Manifest};
use campaign_signer::row::{Input, Origin};
use campaign_signer::verify::{self, BadLine, Check, FinishedRun, UsedKey, WholeRun};
use clap::Args;

use super::args::{FileFormat, find_format};
use super::exit::Exit;
use super::values::pair;
use super::with::WithArgs;
use super::{print, say, warn};

/// Verify signed files.
#[derive(Args)]
pub(crate) struct VerifyArgs {
    /// Signed files, or a folder that --out-dir made; `-` is standard input
    /// [default: what --manifest names]
    #[arg(required_unless_present = "manifest", value_name = "FILE")]
    files: Vec<PathBuf>,

    #[command(flatten)]
    with: WithArgs,

    /// Accept this format only
    #[arg(short, long, value_name = "ID")]
    format: Option<String>,

    /// Accept this shape only (`record` is flat) [default: whatever each line
    /// looks like]
    #[arg(long, value_name = "SHAPE")]
    shape: Option<String>,

    /// A signed value that the device knows by itself, so that an object does
    /// not hold it, where it was not kept beside the object
    #[arg(long = "set", value_name = "FIELD=VALUE", value_parser = pair)]
    known: Vec<(String, String)>,

    /// Check a finished run as a whole by its manifest
    ///
    /// Compares the manifest's sums, settings and key, sizes and SHA-256 of
    /// all files, and reads every reject. Where all inputs are at hand, every
    /// row must stand in the signed records or in the rejects, in order, with
    /// nothing left over. Files are sought where the manifest says, then
    /// beside it.
    #[arg(long, value_name = "FILE")]
    manifest: Option<PathBuf>,

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

/// Verifies files: each bad line, and each difference from the manifest, goes
/// to standard output.
pub(crate) fn run(args: &VerifyArgs) -> Result<Exit, Error> {
    let reads_stdin = args.files.iter().any(|path| path.as_os_str() == "-");
    let with = args.with.load(reads_stdin)?;
    let keys = with.keys()?;
    let mut format = match &args.format {
        Some(id) => Some(find_format(id)?),
        None => None,
    };
    // A folder stands for the manifest in it.
    let (files, manifest) = match (&args.manifest, &args.files[..]) {
        (None, [folder]) if folder.is_dir() => (&[][..], Some(folder.join("_manifest.json"))),
        (manifest, files) => (files, manifest.clone()),
    };
    let manifest = match &manifest {
        Some(path) => Some((verify::read_manifest(path)?, path)),
        None => None,
    };
    let mut inputs = files
        .iter()
        .map(|path| input(path, args.input_format, args.delimiter))
        .collect::<Result<Vec<_>, _>>()?;
    if let Some((manifest, path)) = &manifest {
        if inputs.is_empty() {
            inputs = verify::signed_files(manifest, path)?;
        }
        // In a run of one format a record of another has no place; of several,
        // which one it must be follows from the rows.
        format = format.or(Format::find(&manifest.format));
    }
    let mut known = args.known.clone();
    let mut shape = args.shape.clone();
    if let Some((manifest, _)) = &manifest {
        known.extend(manifest.settings.set.iter().cloned());
        shape.get_or_insert_with(|| manifest.settings.shape.clone());
    }
    check_shape(shape.as_deref(), format)?;
    let check = Check {
        inputs: &inputs,
        keys: &keys,
        format,
        shape: shape.as_deref(),
        known: &known,
        threads: args.jobs.map_or(0, usize::from),
        nonces_in_memory: verify::NONCES_IN_MEMORY,
    };
    let mut printed = Ok(Exit::Success);
    let verdict = verify::run(&check, |bad| {
        if printed.is_ok() {
            printed = print(&describe(bad));
        }
    })?;
    printed?;
    let whole = match &manifest {
        Some((manifest, path)) => Some(verify::check_run(&FinishedRun {
            manifest,
            path,
            key: with.at_hand(),
            signed: &inputs,
            verdict: &verdict,
            by_manifest: files.is_empty(),
        })?),
        None => None,
    };
    for difference in whole.iter().flat_map(|whole| &whole.differences) {
        print(&format!("{difference}\n"))?;
    }
    let good = verdict.records - verdict.bad;
    say!(
        " verified  {good} of {} records under {}",
        verdict.records,
        with.name()
    );
    for key in &verdict.keys {
        let UsedKey {
            id,
            alg,
            signatures,
        } = key;
        match signatures {
            1 => say!("           {id}: {alg}, 1 signature"),
            many => say!("           {id}: {alg}, {many} signatures"),
        }
    }
    if verdict.records == 0 {
        warn("there was no record to verify");
    }
    if verdict.bad > 0 {
        say!("      bad  {} of {} records", verdict.bad, verdict.records);
    }
    let differs = match (&manifest, &whole) {
        (Some((manifest, _)), Some(whole)) => {
            whole.notes.iter().for_each(warn);
            say!("      run  {}", summary(manifest, whole, verdict.bad));
            !whole.differences.is_empty()
        }
        _ => false,
    };
    if verdict.bad > 0 || differs {
        return Ok(Exit::Verification);
    }
    Ok(Exit::Success)
}

/// A shape that no format has would accept nothing.
fn check_shape(shape: Option<&str>, format: Option<&'static Format>) -> Result<(), Error> {
    let Some(name) = shape.filter(|name| *name != RECORD) else {
        return Ok(());
    };
    let all = FORMATS.iter().copied();
    let formats: Vec<&'static Format> = format.map_or_else(|| all.collect(), |only| vec![only]);
    if formats.iter().any(|format| format.shape(name).is_some()) {
        return Ok(());
    }
    let shapes = formats.iter().flat_map(|format| format.shapes);
    let known: BTreeSet<&str> = shapes.map(|shape| shape.name).chain([RECORD]).collect();
    let known: Vec<&str> = known.into_iter().collect();
    Err(Error::settings(
        format!("there is no shape {name:?}"),
        format!("one of {}", known.join(", ")),
    ))
}

fn describe(bad: &BadLine<'_>) -> String {
    let mut text = String::new();
    for finding in &bad.findings {
        // Names of members are the file's own text.
        let field = match finding.field.as_str() {
            "" => "the line".to_owned(),
            field => field.escape_debug().to_string(),
        };
        let says = &finding.says;
        text.push_str(&format!("{} line {}: {field} {says}\n", bad.file, bad.line));
    }
    text
}

/// What was found of a run as a whole, and no more than was checked.
fn summary(manifest: &Manifest, whole: &WholeRun, bad: u64) -> String {
    let Counts {
        rows,
        signed,
        rejected,
        records,
    } = manifest.counts;
    match whole.differences.len() {
        0 if whole.audited => {
            format!("{rows} rows = {signed} signed + {rejected} rejected, in order, nothing twice")
        }
        0 if bad > 0 => "its files are those of the manifest, but not all records are good".into(),
        0 if whole.rejects_checked => format!(
            "{records} records and {rejected} rejects, as the manifest says; \
             not compared with the rows"
        ),
        0 => format!("{records} records, as the manifest says; not compared with the rows"),
        _ => "is not what its manifest says".into(),
    }
}

/// A signed file.
pub(super) fn input(
    path: &Path,
    format: Option<FileFormat>,
    delimiter: Option<char>,
) -> Result<Input, Error> {
    let origin = if path.as_os_str() == "-" {
        Origin::Stdin
    } else {
        Origin::File(path.to_owned())
    };
    // Signed records are NDJSON unless a name or an option says otherwise.
    let format = format.or_else(|| FileFormat::of(path));
    let delimiter = match delimiter {
        Some(c) => Some(
            u8::try_from(c)
                .map_err(|_| Error::settings("the delimiter is not one ASCII character", ""))?,
        ),
        None => None,
    };
    let format = format.unwrap_or(FileFormat::Ndjson);
    let dialect = format.dialect(delimiter)?;
    Ok(Input { origin, dialect })
}

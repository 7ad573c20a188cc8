//! `verify`: the other side's view of a signed file.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use campaign_signer::engine::{Hs256, Verifier, batch};
use campaign_signer::error::Error;
use campaign_signer::format::shape::RECORD;
use campaign_signer::format::{Alg, FORMATS, Format};
use campaign_signer::key::{PublicKey, Secret, SigningKey};
use campaign_signer::output::{Counts, KeyEntry, Manifest};
use campaign_signer::ring::KeyRing;
use campaign_signer::row::{Dialect, Input, Origin};
use campaign_signer::verify::{self, AtHand, BadLine, Check, FinishedRun, Keys, UsedKey, WholeRun};
use clap::Args;

use super::args::{FileFormat, find_format};
use super::exit::Exit;
use super::passphrase::PassphraseArgs;
use super::values::pair;
use super::{print, say, warn};

/// Verify signed files.
#[derive(Args)]
#[command(group = clap::ArgGroup::new("with").required(true))]
pub(crate) struct VerifyArgs {
    /// Signed files, or a folder that --out-dir made; `-` is standard input
    /// [default: what --manifest names]
    #[arg(required_unless_present = "manifest", value_name = "FILE")]
    files: Vec<PathBuf>,

    /// The public key: PEM, DER, or the line registered with Apple
    #[arg(long, value_name = "FILE", group = "with")]
    public_key: Option<PathBuf>,

    /// The private key; only its public half is used
    #[arg(short, long, value_name = "FILE", group = "with")]
    key: Option<PathBuf>,

    /// The shared secret, for HS256
    #[arg(long, value_name = "FILE", group = "with")]
    secret_file: Option<PathBuf>,

    #[command(flatten)]
    passphrase: PassphraseArgs,

    /// A key ring, keys.toml: each record is held against the keys in it that
    /// may have signed it, whenever they were valid
    #[arg(long, value_name = "FILE", group = "with")]
    keys: Option<PathBuf>,

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
    if args.key.is_none() {
        args.passphrase.refuse()?;
    }
    let reads_stdin = args.files.iter().any(|path| path.as_os_str() == "-");
    args.passphrase.refuse_stdin(reads_stdin)?;
    let with = With::load(args)?;
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
        .map(|path| input(args, path))
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

/// What to verify with.
enum With {
    /// One key, what it is for, and what is public of it.
    Key(Box<dyn Verifier>, Alg, KeyEntry),
    Ring(KeyRing),
}

impl With {
    fn load(args: &VerifyArgs) -> Result<Self, Error> {
        if let Some(path) = &args.keys {
            let ring = KeyRing::load(path)?;
            for entry in &ring.entries {
                let warnings = entry.warnings.iter();
                warnings.for_each(|warning| warn(format!("key {}: {warning}", entry.id)));
            }
            return Ok(Self::Ring(ring));
        }
        if let Some(path) = &args.secret_file {
            let (secret, warnings) = Secret::from_file(path)?;
            warnings.iter().for_each(warn);
            let alg = Alg::Hs256;
            let key = KeyEntry {
                alg: alg.to_string(),
                fingerprint: secret.fingerprint(),
                public_key: None,
            };
            let verifier = Box::new(Hs256::new(&[secret.bytes()]));
            return Ok(Self::Key(verifier, alg, key));
        }
        let public = match (&args.public_key, &args.key) {
            (Some(path), _) => PublicKey::from_file(path)?,
            (None, Some(path)) => {
                let source = args.passphrase.source();
                let (key, _) = SigningKey::from_file_with(path, source.as_ref())?;
                key.public_key()
            }
            (None, None) => {
                return Err(Error::settings("no key is given", "give --public-key FILE"));
            }
        };
        let alg = Alg::Es256;
        let key = KeyEntry {
            alg: alg.to_string(),
            fingerprint: public.fingerprint(),
            public_key: Some(public.spki_base64()),
        };
        // Made once, however many threads and files there are.
        let verifier = batch::load_verifier(&[*public.verifying_key()]);
        Ok(Self::Key(verifier, alg, key))
    }

    fn keys(&self) -> Result<Keys<'_>, Error> {
        match self {
            Self::Key(verifier, alg, _) => Ok(Keys::one(*alg, verifier.as_ref())),
            Self::Ring(ring) => Keys::ring(ring),
        }
    }

    fn at_hand(&self) -> AtHand<'_> {
        match self {
            Self::Key(_, _, key) => AtHand::Key(key),
            Self::Ring(ring) => AtHand::Ring(ring),
        }
    }

    fn name(&self) -> String {
        match self {
            Self::Key(_, alg, key) => format!("{alg} {}", key.fingerprint),
            Self::Ring(ring) => format!("the keys of {}", ring.path.display()),
        }
    }
}

fn input(args: &VerifyArgs, path: &Path) -> Result<Input, Error> {
    let origin = if path.as_os_str() == "-" {
        Origin::Stdin
    } else {
        Origin::File(path.to_owned())
    };
    // Signed records are NDJSON unless a name or an option says otherwise.
    let format = args.input_format.or_else(|| FileFormat::of(path));
    let delimiter = match args.delimiter {
        Some(c) => Some(
            u8::try_from(c)
                .map_err(|_| Error::settings("the delimiter is not one ASCII character", ""))?,
        ),
        None => None,
    };
    let dialect = match format.unwrap_or(FileFormat::Ndjson).delimiter(delimiter) {
        Some(delimiter) => Dialect::Csv { delimiter },
        None => Dialect::Ndjson,
    };
    Ok(Input { origin, dialect })
}

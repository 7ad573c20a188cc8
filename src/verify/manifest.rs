//! The manifest of a finished run: read, found consistent, and its files
//! found again. It must not know what stands in those files.

use std::path::{Path, PathBuf};

use serde::Deserialize;

use crate::choosing::ring_key;
use crate::error::Error;
use crate::output::{KeyEntry, Manifest, RingKeyEntry};
use crate::row::{Input, Origin};
use crate::terms::FileForm;
use crate::time::rfc3339;

use super::differences::Differences;
use super::parts;
use super::whole::AtHand;

/// The only layout of manifests there is.
const VERSION: u64 = 1;

/// What every version of a manifest has.
#[derive(Deserialize)]
struct Head {
    manifest_version: u64,
    tool: Option<serde_json::Value>,
}

/// A manifest from its file.
///
/// # Errors
/// When it cannot be read, is no manifest, or is of a version this program
/// does not know.
pub fn read_manifest(path: &Path) -> Result<Manifest, Error> {
    let bytes = std::fs::read(path).map_err(|source| Error::Open {
        file: path.display().to_string(),
        source,
    })?;
    // A later version may have other members: its number comes first.
    if let Ok(head) = serde_json::from_slice::<Head>(&bytes)
        && head.manifest_version != VERSION
    {
        let (file, version) = (path.display(), head.manifest_version);
        let message =
            format!("{file} is a manifest of version {version}, this program knows {VERSION}");
        let tool = head.tool.unwrap_or_default();
        let hint = match (tool["name"].as_str(), tool["version"].as_str()) {
            (Some(name), Some(version)) => format!("verify it with {name} {version}, or later"),
            _ => String::new(),
        };
        return Err(Error::settings(message, hint));
    }
    serde_json::from_slice(&bytes).map_err(|error| {
        let message = format!("{} is no manifest: {error}", path.display());
        Error::settings(
            message,
            "give the .manifest.json, or the _manifest.json, that `sign` wrote",
        )
    })
}

/// A file that a manifest names: as it stands, else beside the manifest under
/// the same name; `None` where there is no such file.
pub fn at_hand(name: &str, manifest: &Path) -> Option<PathBuf> {
    if name.is_empty() || name == "-" {
        return None;
    }
    let as_given = Path::new(name);
    let beside = manifest.parent()?.join(as_given.file_name()?);
    [as_given.to_owned(), beside]
        .into_iter()
        .find(|path| path.is_file())
}

/// The signed file that a manifest names.
///
/// # Errors
/// When the records went to standard output, or there is no such file.
pub fn signed_file(manifest: &Manifest, path: &Path) -> Result<Input, Error> {
    let name = &manifest.signed.path;
    let shown = path.display();
    if name.is_empty() || name == "-" {
        return Err(Error::settings(
            format!("{shown}: the signed records went to standard output"),
            format!("campaign-signer verify --manifest {shown} FILE"),
        ));
    }
    let file = at_hand(name, path).ok_or_else(|| not_at_hand(name, "signed records", path))?;
    file_input(file, manifest.settings.output_format)
        .ok_or_else(|| Error::settings(format!("{shown}: the delimiter is no byte"), ""))
}

/// The signed files that a manifest names: one, or every part of a folder that
/// is there. A part that is missing is for [`check_run`](super::check_run) to
/// tell.
///
/// # Errors
/// As [`signed_file`].
pub fn signed_files(manifest: &Manifest, path: &Path) -> Result<Vec<Input>, Error> {
    match &manifest.parts {
        Some(parts) => {
            let files = parts::part_files(manifest, parts, path)?;
            Ok(files.into_iter().flatten().collect())
        }
        None => Ok(vec![signed_file(manifest, path)?]),
    }
}

/// A file that must be there is not.
pub(super) fn not_at_hand(name: &str, what: &str, manifest: &Path) -> Error {
    Error::Open {
        file: format!(
            "{name}, the {what} of {}, which is neither there nor beside it",
            manifest.display()
        ),
        source: std::io::ErrorKind::NotFound.into(),
    }
}

/// A file that is read as the manifest says.
pub(super) fn file_input(path: PathBuf, form: FileForm) -> Option<Input> {
    Some(Input::new(Origin::File(path), form.dialect()?))
}

/// Compares the manifest's keys with those at hand: each of a ring by itself,
/// because a ring may have got others since.
fn check_keys(manifest: &Manifest, at_hand: AtHand<'_>, differences: &mut Differences) {
    let entries: Vec<RingKeyEntry> = match at_hand {
        AtHand::Key(key) if manifest.keys.is_empty() => {
            return check_key(("", &manifest.key), key, differences);
        }
        AtHand::Key(key) => {
            // One key of several is enough for what it has signed.
            let mut own = manifest.keys.iter();
            match own.find(|own| own.key.fingerprint == key.fingerprint) {
                Some(own) => check_key((&own.id, &own.key), key, differences),
                None => differences.add(format!(
                    "the manifest is of a key ring, and this key, {} {}, is none of it",
                    key.alg, key.fingerprint
                )),
            }
            return;
        }
        AtHand::Ring(ring) => ring.entries.iter().map(ring_key).collect(),
    };
    if manifest.keys.is_empty() {
        let own = &manifest.key;
        match entries
            .iter()
            .find(|at_hand| at_hand.key.fingerprint == own.fingerprint)
        {
            Some(at_hand) => check_key(("", own), &at_hand.key, differences),
            None => differences.add(format!(
                "the manifest's key is {} {}, which is none of this ring",
                own.alg, own.fingerprint
            )),
        }
    }
    for own in &manifest.keys {
        match entries.iter().find(|at_hand| at_hand.id == own.id) {
            Some(at_hand) => check_key((&own.id, &own.key), &at_hand.key, differences),
            None => differences.add(format!(
                "the manifest's key {} is none of this ring",
                own.id.escape_debug()
            )),
        }
    }
}

fn check_key((id, own): (&str, &KeyEntry), key: &KeyEntry, differences: &mut Differences) {
    let name = match id {
        "" => "key".to_owned(),
        id => format!("key {}", id.escape_debug()),
    };
    if (&own.alg, &own.fingerprint) != (&key.alg, &key.fingerprint) {
        differences.add(format!(
            "the manifest's {name} is {} {}, this one is {} {}",
            own.alg, own.fingerprint, key.alg, key.fingerprint
        ));
    } else if own.public_key != key.public_key {
        differences.add(format!(
            "the manifest's public {name} is not the one of its fingerprint"
        ));
    }
}

/// Where a manifest does not agree with itself, in sentences; its files and
/// keys are not looked at.
pub fn doubts(manifest: &Manifest) -> Vec<String> {
    let mut differences = Differences::default();
    check_itself(manifest, &mut differences);
    if let Some(parts) = &manifest.parts {
        parts::sums(manifest, parts, &mut differences);
    }
    differences.into_all()
}

/// Compares the manifest with itself and with the key.
pub(super) fn check(manifest: &Manifest, key: AtHand<'_>, differences: &mut Differences) {
    check_keys(manifest, key, differences);
    check_itself(manifest, differences);
}

fn check_itself(manifest: &Manifest, differences: &mut Differences) {
    let mut equal = |what: &str, says: &str, is: &str| {
        if says != is {
            differences.add(format!(
                "the manifest's {what} is {says}, but should be {is}"
            ));
        }
    };
    let terms = &manifest.settings;
    equal(
        "settings_sha256",
        &manifest.settings_sha256,
        &terms.sha256(),
    );
    let others = terms.more_formats.iter();
    let others = others.map(|name| name.split('@').next().unwrap_or(name));
    let ids: Vec<&str> = std::iter::once(terms.format.as_str())
        .chain(others)
        .collect();
    equal("format", &manifest.format, &ids.join(","));
    let time = rfc3339(manifest.timestamp);
    equal("timestamp_rfc3339", &manifest.timestamp_rfc3339, &time);
    // Sums of what anybody may have written do not fit everywhere.
    let sum = |numbers: &mut dyn Iterator<Item = u64>| numbers.map(u128::from).sum::<u128>();
    let counts = manifest.counts;
    let (rows, rejected) = (u128::from(counts.rows), u128::from(counts.rejected));
    if rows != sum(&mut [counts.signed, counts.rejected].into_iter()) {
        differences.add(format!(
            "the manifest has {rows} rows, but {} signed and {rejected} rejected",
            counts.signed
        ));
    }
    let read = sum(&mut manifest.inputs.iter().map(|input| input.rows));
    if rows != read {
        differences.add(format!(
            "the manifest has {rows} rows, but its inputs have {read}"
        ));
    }
    let coded = sum(&mut manifest.rejected_by_code.values().copied());
    if rejected != coded {
        differences.add(format!(
            "the manifest has {rejected} rejected rows, but {coded} by their codes"
        ));
    }
    for (what, count, entry) in [
        ("records", counts.records, &manifest.signed),
        ("rejected rows", counts.rejected, &manifest.rejects),
    ] {
        if count != entry.records {
            let own = entry.records;
            differences.add(format!(
                "the manifest has {count} {what}, but {own} in their file"
            ));
        }
    }
    let (inputs, forms) = (manifest.inputs.len(), terms.input_formats.len());
    if inputs != forms {
        differences.add(format!(
            "the manifest has {inputs} inputs, but says of {forms} how they are read"
        ));
    }
}

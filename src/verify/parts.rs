//! The parts of a finished run: found again where the manifest stands, and
//! held against what it says of them. It must not know what is in a part.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use crate::error::Error;
use crate::output::{Manifest, PartEntry, SUCCESS, is_part, place_of};
use crate::row::Input;

use super::VerifiedFile;
use super::differences::Differences;
use super::manifest::file_input;

/// The folder of the parts: the manifest's own under its usual name, else the
/// one it names.
pub(super) fn folder(manifest: &Manifest, path: &Path) -> PathBuf {
    let own = path.parent().map(Path::to_owned).unwrap_or_default();
    let named = PathBuf::from(&manifest.signed.path);
    match path
        .file_name()
        .is_some_and(|name| name == "_manifest.json")
        || !named.is_dir()
    {
        true => own,
        false => named,
    }
}

/// The file of each part, in their order; `None` for one that is not at hand.
///
/// # Errors
/// When the manifest's delimiter is no byte.
pub fn part_files(
    manifest: &Manifest,
    parts: &[PartEntry],
    path: &Path,
) -> Result<Vec<Option<Input>>, Error> {
    let folder = folder(manifest, path);
    let form = manifest.settings.output_format;
    let file = |part: &PartEntry| {
        // A name that leads elsewhere is none of a part.
        let place = is_part(&part.path).then(|| place_of(&folder, &part.path));
        let place = place.filter(|place| place.is_file());
        place.map(|place| {
            file_input(place, form).ok_or_else(|| {
                let shown = path.display();
                Error::settings(format!("{shown}: the delimiter is no byte"), "")
            })
        })
    };
    parts.iter().map(|part| file(part).transpose()).collect()
}

/// Compares the parts with what they are said to be. Where the manifest gave
/// the files, all that stands in their folder must be named by it.
pub(super) fn check(
    manifest: &Manifest,
    parts: &[PartEntry],
    path: &Path,
    files: &[VerifiedFile],
    by_manifest: bool,
    differences: &mut Differences,
    notes: &mut Vec<String>,
) {
    sums(manifest, parts, differences);
    let folder = folder(manifest, path);
    let by_name: BTreeMap<&str, &VerifiedFile> = files
        .iter()
        .map(|file| (file.name.as_str(), file))
        .collect();
    let mut named = BTreeSet::new();
    let mut out = differences.stretch("its parts");
    for part in parts {
        let place = place_of(&folder, &part.path);
        let name = place.display().to_string();
        if !is_part(&part.path) {
            out.add(format!(
                "the manifest names {:?}, which is no part",
                part.path
            ));
            continue;
        }
        match by_name.get(name.as_str()) {
            None if place.is_file() => out.add(format!("{name} was not verified")),
            None => out.add(format!("{name} is missing")),
            Some(file) => {
                if (file.bytes, &file.sha256) != (part.bytes, &part.sha256) {
                    out.add(format!(
                        "{name} has {} bytes with SHA-256 {}, the manifest {} with {}",
                        file.bytes, file.sha256, part.bytes, part.sha256
                    ));
                }
                if file.records != part.records {
                    let (found, said) = (file.records, part.records);
                    out.add(format!("{name} has {found} records, the manifest {said}"));
                }
            }
        }
        named.insert(place);
    }
    for file in files {
        if !named.contains(Path::new(&file.name)) {
            out.add(format!("{} is no part that the manifest names", file.name));
        }
    }
    if by_manifest {
        for other in others(&folder, &named) {
            let name = other.display();
            out.add(format!(
                "{name} stands among the parts, and the manifest does not name it"
            ));
        }
        if !folder.join(SUCCESS).exists() {
            notes.push(format!("there is no {}", folder.join(SUCCESS).display()));
        }
    }
}

/// Compares the manifest's parts with its own sums and settings.
pub(super) fn sums(manifest: &Manifest, parts: &[PartEntry], differences: &mut Differences) {
    let sum = |numbers: &mut dyn Iterator<Item = u64>| numbers.map(u128::from).sum::<u128>();
    for (what, own, said) in [
        (
            "bytes",
            sum(&mut parts.iter().map(|part| part.bytes)),
            manifest.signed.bytes,
        ),
        (
            "records",
            sum(&mut parts.iter().map(|part| part.records)),
            manifest.signed.records,
        ),
    ] {
        if own != u128::from(said) {
            differences.add(format!(
                "the manifest has {said} {what}, but {own} in its parts"
            ));
        }
    }
    let most = manifest.settings.rows_per_file.unwrap_or(u64::MAX);
    if let Some(part) = parts.iter().find(|part| part.records > most) {
        let (name, records) = (&part.path, part.records);
        differences.add(format!(
            "the manifest has {records} records in {name}, more than the {most} it allows a file"
        ));
    }
}

/// Files in the folder that nobody named. Readers of such folders pass over
/// names that begin with `_` or `.`, and so does this.
fn others(folder: &Path, named: &BTreeSet<PathBuf>) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        let entries = fs::read_dir(folder).into_iter().flatten().flatten();
        for entry in entries {
            let path = entry.path();
            let hidden = entry.file_name().to_string_lossy().starts_with(['_', '.']);
            match entry.file_type() {
                _ if hidden => {}
                Ok(kind) if kind.is_dir() => folders.push(path),
                _ if !named.contains(&path) => found.push(path),
                _ => {}
            }
        }
    }
    found.sort();
    found
}

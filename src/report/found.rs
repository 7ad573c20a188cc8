//! A finished run and what is at hand of it: its manifest, what its signed
//! records add up to, what is wrong with its rejects. Each file is held
//! against the size and the digest that the manifest gives; what is not the
//! run's own file is not told as if it were. It must not know pages.

use std::path::{Path, PathBuf};

use crate::error::Error;
use crate::output::{Manifest, PartEntry};
use crate::rejects::{LONGEST, RejectSummary};
use crate::row::{Dialect, Input, Origin};
use crate::stop::Stop;
use crate::verify;

use super::sums::Sums;

/// A finished run and what is at hand of it.
#[derive(Debug)]
pub struct Run {
    /// The manifest's file.
    pub path: PathBuf,
    /// What it says.
    pub manifest: Manifest,
    /// Where it does not agree with itself.
    pub doubts: Vec<String>,
    /// The signed records.
    pub signed: Found<Signed>,
    /// The rejects.
    pub rejects: Found<RejectSummary>,
}

/// What signed records say.
#[derive(Debug, Default)]
pub struct Signed {
    /// Counts of them.
    pub sums: Sums,
    /// How many there are.
    pub records: u64,
    /// Lines that hold no record.
    pub unread: u64,
    /// How many parts are not at hand, so that they were not counted.
    pub missing_parts: u64,
}

/// What became of the search for a file.
#[derive(Debug)]
pub enum Found<T> {
    /// It is there, and has the size and the digest of the manifest.
    Sound(T),
    /// It is there, and is another file; how it differs.
    Changed(String),
    /// It is neither where the manifest says nor beside it.
    Missing,
    /// It is there and cannot be read; why.
    Unreadable(String),
    /// It went to standard output.
    Stdout,
    /// It was not written.
    Unwritten,
}

impl<T> Found<T> {
    /// What was found, where it is the run's own.
    pub fn sound(&self) -> Option<&T> {
        match self {
            Self::Sound(found) => Some(found),
            _ => None,
        }
    }
}

impl Run {
    /// Reads a manifest, and the files it names as far as they are at hand; a
    /// folder stands for the manifest in it.
    ///
    /// # Errors
    /// When there is no such manifest. Whatever is wrong with the files that it
    /// names is told by [`Run::signed`] and [`Run::rejects`].
    pub fn read(path: &Path, threads: usize) -> Result<Self, Error> {
        let path = match path.is_dir() {
            true => path.join("_manifest.json"),
            false => path.to_owned(),
        };
        let manifest = verify::read_manifest(&path)?;
        Ok(Self {
            doubts: verify::doubts(&manifest),
            signed: match &manifest.parts {
                Some(parts) => of_parts(&manifest, parts, &path, threads),
                None => of_file(&manifest, &path, threads),
            },
            rejects: rejects(&manifest, &path),
            path,
            manifest,
        })
    }
}

/// What stands in a file's place before it is opened.
fn look<T>(name: &str, manifest: &Path) -> Result<PathBuf, Found<T>> {
    match name {
        "" => Err(Found::Unwritten),
        "-" => Err(Found::Stdout),
        name => verify::at_hand(name, manifest).ok_or(Found::Missing),
    }
}

fn of_file(manifest: &Manifest, path: &Path, threads: usize) -> Found<Signed> {
    let entry = &manifest.signed;
    let file = match look(&entry.path, path) {
        Ok(file) => file,
        Err(found) => return found,
    };
    let Some(dialect) = manifest.settings.output_format.dialect() else {
        return Found::Unreadable("the manifest's delimiter is no byte".into());
    };
    let origin = Origin::File(file);
    let wanted = [(entry.bytes, entry.sha256.as_str())];
    count(manifest, &[Input::new(origin, dialect)], &wanted, threads)
}

fn of_parts(
    manifest: &Manifest,
    parts: &[PartEntry],
    path: &Path,
    threads: usize,
) -> Found<Signed> {
    let files = match verify::part_files(manifest, parts, path) {
        Ok(files) => files,
        Err(error) => return Found::Unreadable(in_full(&error)),
    };
    let (mut inputs, mut wanted) = (Vec::new(), Vec::new());
    for (part, file) in parts.iter().zip(files) {
        if let Some(input) = file {
            inputs.push(input);
            wanted.push((part.bytes, part.sha256.as_str()));
        }
    }
    if inputs.is_empty() && !parts.is_empty() {
        return Found::Missing;
    }
    match count(manifest, &inputs, &wanted, threads) {
        Found::Sound(mut signed) => {
            signed.missing_parts = (parts.len() - inputs.len()) as u64;
            Found::Sound(signed)
        }
        found => found,
    }
}

/// Reads signed files, and holds them against what they should be.
fn count(
    manifest: &Manifest,
    inputs: &[Input],
    wanted: &[(u64, &str)],
    threads: usize,
) -> Found<Signed> {
    let known = &manifest.settings.set;
    let mut sums = Sums::default();
    let survey = verify::survey(
        inputs,
        threads,
        |sums: &mut Sums, said| sums.take(said, known),
        |batch| sums.merge(batch),
    );
    let survey = match survey {
        Ok(survey) => survey,
        Err(error) => return Found::Unreadable(in_full(&error)),
    };
    for (file, wanted) in survey.files.iter().zip(wanted) {
        if let Some(differs) = differs(&file.name, (file.bytes, &file.sha256), *wanted) {
            return Found::Changed(differs);
        }
    }
    Found::Sound(Signed {
        sums,
        records: survey.records,
        unread: survey.unread,
        missing_parts: 0,
    })
}

fn rejects(manifest: &Manifest, path: &Path) -> Found<RejectSummary> {
    let entry = &manifest.rejects;
    let file = match look(&entry.path, path) {
        Ok(file) => file,
        Err(found) => return found,
    };
    let dialect = match manifest.settings.rejects_format {
        None => Some(Dialect::Ndjson),
        Some(form) => form.dialect(),
    };
    let Some(dialect) = dialect else {
        return Found::Unreadable("the manifest's delimiter is no byte".into());
    };
    let origin = Origin::File(file);
    match RejectSummary::read(&Input::new(origin, dialect), LONGEST, &Stop::default()) {
        Err(error) => Found::Unreadable(in_full(&error)),
        Ok(summary) => {
            let own = (summary.bytes, summary.sha256.as_str());
            match differs(&summary.file, own, (entry.bytes, &entry.sha256)) {
                Some(differs) => Found::Changed(differs),
                None => Found::Sound(summary),
            }
        }
    }
}

/// How a file differs from what it should be.
fn differs(name: &str, own: (u64, &str), wanted: (u64, &str)) -> Option<String> {
    let (bytes, sha256) = own;
    (own != wanted).then(|| {
        format!(
            "{name} has {bytes} bytes with SHA-256 {sha256}, the manifest {} with {}",
            wanted.0, wanted.1
        )
    })
}

/// An error with what it was caused by.
fn in_full(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(own) = cause {
        text.push_str(&format!(": {own}"));
        cause = own.source();
    }
    text
}

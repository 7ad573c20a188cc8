//! A finished run as a whole: its manifest, its files, and its inputs where
//! they are at hand. It must not know arguments or the terminal.

use std::path::Path;

use crate::error::Error;
use crate::hex::hex;
use crate::output::{KeyEntry, Manifest};
use crate::ring::KeyRing;
use crate::row::{Dialect, Input, Limits, Origin, Reader};
use crate::terms::FileForm;

use super::audit::{Audit, audit};
use super::differences::Differences;
use super::manifest::{at_hand, check as check_manifest, file_input, not_at_hand};
use super::{Verdict, VerifiedFile, ground, parts, rejects};

/// What is at hand to compare a run's keys with.
#[derive(Clone, Copy)]
pub enum AtHand<'a> {
    /// A key, by what is public of it.
    Key(&'a KeyEntry),
    /// A key ring.
    Ring(&'a KeyRing),
}

/// A finished run and what was verified of it.
pub struct FinishedRun<'a> {
    /// Its manifest.
    pub manifest: &'a Manifest,
    /// Where the manifest stands: its files may stand beside it.
    pub path: &'a Path,
    /// The key at hand.
    pub key: AtHand<'a>,
    /// The signed files that were verified.
    pub signed: &'a [Input],
    /// What verification found.
    pub verdict: &'a Verdict,
    /// The signed file was named by the manifest, so the rejects file must be
    /// there, too; otherwise one that is not is only noted.
    pub by_manifest: bool,
}

/// What was found of a run.
#[derive(Debug, Default)]
pub struct WholeRun {
    /// A sentence for everything that differs.
    pub differences: Vec<String>,
    /// A sentence for everything that could not be checked.
    pub notes: Vec<String>,
    /// Whether the rejects were read, or there were none to read.
    pub rejects_checked: bool,
    /// Whether every input row was found in the signed records or in the
    /// rejects, in order, with nothing left over.
    pub audited: bool,
}

/// Checks a finished run as a whole: the manifest's own sums, the key, size
/// and digest of every file, every reject, and, where all inputs are at hand
/// and unchanged, every row beside what became of it.
///
/// The records' signatures and nonces are for [`run`](super::run) to verify.
///
/// # Errors
/// When a file cannot be read, or the rejects are missing.
pub fn check_run(run: &FinishedRun<'_>) -> Result<WholeRun, Error> {
    let mut whole = WholeRun::default();
    let mut differences = Differences::default();
    let manifest = run.manifest;
    check_manifest(manifest, run.key, &mut differences);
    check_signed(run, &mut differences, &mut whole.notes);
    let rejects = find_rejects(run, &mut whole.notes)?;
    if let Some(Some(rejects)) = &rejects {
        let file = rejects::check(rejects, manifest, &mut differences)?;
        let (bytes, sha256) = (manifest.rejects.bytes, &manifest.rejects.sha256);
        compare_file(&file, bytes, sha256, &mut differences);
        let (said, found) = (manifest.counts.rejected, file.records);
        if said != found {
            let name = &file.name;
            differences.add(format!(
                "the manifest has {said} rejected rows, {name} has {found}"
            ));
        }
    }
    whole.rejects_checked = rejects.is_some();
    let inputs = find_inputs(run, &mut whole.notes, &mut differences)?;
    let parts = manifest.parts.as_ref().map_or(1, Vec::len);
    if parts > 1 {
        let note = "the records are in parts; the rows were not compared with them one by one";
        whole.notes.push(note.into());
    } else if let (Some(inputs), [signed], Some(rejects)) = (inputs, run.signed, &rejects) {
        if signed.origin == Origin::Stdin {
            let note = "the signed records came through standard input; \
                        the rows were not compared with them";
            whole.notes.push(note.into());
        } else {
            let rules = ground::rules(run, &mut differences, &mut whole.notes)?;
            if let Some(rules) = rules {
                let audited = Audit {
                    manifest,
                    rules: &rules,
                    inputs: &inputs,
                    signed,
                    rejects: rejects.as_ref(),
                };
                whole.audited = audit(&audited, &mut differences)?;
            }
            let carries = |input: &Input| input.dialect == Dialect::Parquet;
            if carries(signed) && inputs.iter().any(carries) {
                let note = "columns that are not of the records were not compared with the inputs'";
                whole.notes.push(note.into());
            }
            let (theirs, own) = (manifest.tool.version.as_str(), env!("CARGO_PKG_VERSION"));
            if theirs != own {
                whole.notes.push(format!(
                    "the run was made by version {theirs}; its rows were judged by {own}"
                ));
            }
        }
    }
    whole.audited &= differences.is_empty() && run.verdict.bad == 0;
    whole.differences = differences.into_all();
    Ok(whole)
}

fn check_signed(run: &FinishedRun<'_>, differences: &mut Differences, notes: &mut Vec<String>) {
    let (manifest, verdict) = (run.manifest, run.verdict);
    let (said, found) = (manifest.counts.records, verdict.records);
    if said != found {
        differences.add(format!("the manifest has {said} records, the file {found}"));
    }
    if let Some(parts) = &manifest.parts {
        let (files, by_manifest) = (&verdict.files, run.by_manifest);
        parts::check(
            manifest,
            parts,
            run.path,
            files,
            by_manifest,
            differences,
            notes,
        );
        return;
    }
    match &verdict.files[..] {
        [file] => {
            let (bytes, sha256) = (manifest.signed.bytes, &manifest.signed.sha256);
            compare_file(file, bytes, sha256, differences);
        }
        files => {
            let count = files.len();
            differences.add(format!("the manifest is of one file, not {count}"));
        }
    }
}

fn compare_file(file: &VerifiedFile, bytes: u64, sha256: &str, differences: &mut Differences) {
    if (file.bytes, file.sha256.as_str()) != (bytes, sha256) {
        differences.add(format!(
            "{} has {} bytes with SHA-256 {}, the manifest {bytes} with {sha256}",
            file.name, file.bytes, file.sha256
        ));
    }
}

/// The rejects file; `Some(None)` where the run wrote none and rejected none,
/// `None` where it is not at hand.
fn find_rejects(
    run: &FinishedRun<'_>,
    notes: &mut Vec<String>,
) -> Result<Option<Option<Input>>, Error> {
    let manifest = run.manifest;
    let name = manifest.rejects.path.as_str();
    if let Some(path) = at_hand(name, run.path) {
        let origin = Origin::File(path);
        let form = manifest.settings.rejects_format.unwrap_or(FileForm::Ndjson);
        let dialect = form.dialect().unwrap_or(Dialect::Ndjson);
        return Ok(Some(Some(Input { origin, dialect })));
    }
    let is_file = !matches!(name, "" | "-");
    if !is_file && manifest.counts.rejected == 0 && manifest.rejects.records == 0 {
        return Ok(Some(None));
    }
    if is_file && run.by_manifest {
        return Err(not_at_hand(name, "rejects", run.path));
    }
    notes.push(format!(
        "the rejects {name:?} are not at hand; the rows were not compared with what became of them"
    ));
    Ok(None)
}

/// All inputs, where all of them are at hand and unchanged.
fn find_inputs(
    run: &FinishedRun<'_>,
    notes: &mut Vec<String>,
    differences: &mut Differences,
) -> Result<Option<Vec<Input>>, Error> {
    let manifest = run.manifest;
    let mut found = Vec::new();
    for (at, entry) in manifest.inputs.iter().enumerate() {
        let form = manifest.settings.input_formats.get(at).copied();
        let path = at_hand(&entry.path, run.path);
        let Some(input) = path
            .zip(form)
            .and_then(|(path, form)| file_input(path, form))
        else {
            notes.push(format!(
                "input {} is not at hand; its rows were not compared with the records",
                entry.path
            ));
            continue;
        };
        let file = digest(&input)?;
        compare_file(&file, entry.bytes, &entry.sha256, differences);
        if (file.bytes, &file.sha256) == (entry.bytes, &entry.sha256) {
            found.push(input);
        } else {
            notes.push(format!(
                "input {} is not what it was; the rows were not compared with the records",
                entry.path
            ));
        }
    }
    Ok((found.len() == manifest.inputs.len()).then_some(found))
}

/// The size and digest of an input as it is stored.
fn digest(input: &Input) -> Result<VerifiedFile, Error> {
    let name = input.name();
    let source = match input.open() {
        Ok(source) => source,
        Err(source) => return Err(Error::Open { file: name, source }),
    };
    let mut reader = Reader::new(source, input.dialect, Limits::default(), 1);
    if let Err(error) = reader.drain() {
        return Err(Error::Read { file: name, error });
    }
    let (bytes, sha256) = reader.stored();
    Ok(VerifiedFile {
        name,
        records: 0,
        bytes,
        sha256: hex(&sha256),
    })
}

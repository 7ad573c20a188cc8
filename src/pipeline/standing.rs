//! What stands at a run's outputs before it begins: nothing, what an
//! unfinished run left, or a finished run; and the lock that keeps it so.

use std::path::Path;

use crate::error::Error;
use crate::output::{
    Checkpoint, Disk, InputIdentity, Lock, Manifest, OutputError, PartEntry, Target, checkpoint,
    is_part, lock, measure, partial, place_of,
};
use crate::row::{Input, Origin};
use crate::terms::{Difference, Terms};
use crate::time::rfc3339;

use super::inputs;
use super::job::{Job, Outputs};

/// What stands at a run's outputs, held by a lock until it is dropped.
pub struct Standing {
    pub(super) lock: Option<Lock>,
    pub(super) left: Left,
}

/// What an earlier run left.
pub(super) enum Left {
    Nothing,
    Unfinished(Box<Checkpoint>),
    /// A checkpoint that cannot be used, and why.
    Damaged(OutputError),
    /// With the differences, once they were looked for.
    Finished(Box<Manifest>, Option<Vec<Difference>>),
}

impl Standing {
    /// Takes the lock of the signed file and looks at what is there. Runs that
    /// write no file have neither.
    ///
    /// # Errors
    /// When another run holds the lock, or an output cannot be a file.
    pub fn find(outputs: &Outputs, disk: &dyn Disk) -> Result<Self, Error> {
        outputs.check(&[])?;
        if let Some(folder) = &outputs.folder {
            folder.make(disk)?;
        }
        let Some(signed) = outputs.signed.as_ref().and_then(Target::file) else {
            return Ok(Self {
                lock: None,
                left: Left::Nothing,
            });
        };
        let lock = Lock::take(lock(signed))?;
        let left = match Checkpoint::load(disk, signed) {
            Ok(Some(checkpoint)) => Left::Unfinished(Box::new(checkpoint)),
            Ok(None) => match finished(outputs) {
                Some(manifest) => Left::Finished(manifest, None),
                None => Left::Nothing,
            },
            Err(error @ OutputError::Damaged { .. }) => Left::Damaged(error),
            Err(error) => return Err(error.into()),
        };
        Ok(Self {
            lock: Some(lock),
            left,
        })
    }

    /// The job id and the timestamp of the run that was here, for a run that
    /// is to go on with it.
    pub fn identity(&self) -> Option<(&str, u64)> {
        match &self.left {
            Left::Unfinished(checkpoint) => Some((&checkpoint.job_id, checkpoint.timestamp)),
            Left::Finished(manifest, _) => Some((&manifest.job_id, manifest.timestamp)),
            Left::Nothing | Left::Damaged(_) => None,
        }
    }

    /// Whether a finished run stands here, of another job than this one. It is
    /// looked for once: a pipe can be read only once.
    ///
    /// # Errors
    /// When an input cannot be read; and when one that can be read only once
    /// is another one, because then nothing is left of it to sign.
    pub fn is_finished_by_another(&mut self, job: &Job) -> Result<bool, Error> {
        let Left::Finished(manifest, judged) = &mut self.left else {
            return Ok(false);
        };
        let differences = judge(manifest, job)?;
        let differs = !differences.is_empty();
        *judged = Some(differences);
        Ok(differs)
    }

    /// Forgets what stands here, for a run that replaces it.
    pub fn forget(&mut self) {
        self.left = Left::Nothing;
    }
}

/// Everything in which a job differs from a finished one.
pub(super) fn judge(manifest: &Manifest, job: &Job) -> Result<Vec<Difference>, Error> {
    let differences = differences_of_settings(manifest, job);
    if !differences.is_empty() {
        return Ok(differences);
    }
    let differences = differences_of_files(manifest, job)?;
    let read_once = job.inputs.iter().find(|input| input.size().is_none());
    match read_once {
        Some(input) if job.outputs.force && !differences.is_empty() => Err(Error::settings(
            format!(
                "a run with another input is finished here, and {} can be read only once: it was \
                 read to be compared",
                input.name()
            ),
            "give --force without --resume to replace that run",
        )),
        _ => Ok(differences),
    }
}

/// The manifest of a finished run, where there is a whole one.
fn finished(outputs: &Outputs) -> Option<Box<Manifest>> {
    let bytes = std::fs::read(outputs.manifest.as_ref()?).ok()?;
    serde_json::from_slice(&bytes).ok().map(Box::new)
}

/// The parts that older runs have made in a folder, finished or not: what a run
/// that replaces them may replace and take away.
pub(super) fn earlier(job: &Job) -> Result<Vec<PartEntry>, OutputError> {
    let Outputs { folder, force, .. } = &job.outputs;
    let Some(folder) = folder.as_ref().filter(|_| *force) else {
        return Ok(Vec::new());
    };
    let mut parts = Vec::new();
    if let Some(manifest) = finished(&job.outputs) {
        parts.extend(manifest.parts.unwrap_or_default());
    }
    // One that was publishing has given some of them their names, perhaps.
    match Checkpoint::load(job.disk.as_ref(), &folder.records()) {
        Ok(Some(unfinished)) => {
            parts.extend(unfinished.earlier);
            parts.extend(unfinished.publishing.into_iter().flat_map(|it| it.parts));
        }
        // What it would have said, nobody knows: its parts stay.
        Ok(None) | Err(OutputError::Damaged { .. }) => {}
        Err(error) => return Err(error),
    }
    let stands = |part: &PartEntry| {
        let there = place_of(&folder.path, &part.path).symlink_metadata();
        is_part(&part.path) && there.is_ok_and(|there| there.is_file() && there.len() == part.bytes)
    };
    parts.retain(stands);
    Ok(parts)
}

/// Whether outputs, finished or not, are in the way of a run that starts at
/// row one.
pub(super) fn check_free(job: &Job) -> Result<(), OutputError> {
    for (_, path) in job.outputs.files() {
        if path.symlink_metadata().is_ok() {
            return Err(OutputError::Exists { path });
        }
        let path = partial(&path);
        if path.symlink_metadata().is_ok() && !job.resume {
            return Err(OutputError::Unfinished {
                path,
                resumable: false,
            });
        }
    }
    Ok(())
}

/// Everything in which a job differs from the one that left a checkpoint. The
/// inputs' content is compared when they are read again.
pub(super) fn differences(checkpoint: &Checkpoint, job: &Job) -> Vec<Difference> {
    let mut all = Differences::default();
    let version = env!("CARGO_PKG_VERSION");
    all.add(
        "the program's version",
        checkpoint.tool.version.as_str(),
        version,
    );
    let Job { limits, .. } = job;
    let batch = [limits.batch_rows, limits.batch_bytes];
    all.add(
        "batches",
        &format!("{:?}", checkpoint.batch),
        &format!("{batch:?}"),
    );
    all.identity((&checkpoint.job_id, checkpoint.timestamp), job);
    all.key(&checkpoint.key.fingerprint, job);
    all.terms(&checkpoint.settings, job);
    let mut now: Vec<InputIdentity> = job.inputs.iter().map(identify).collect();
    if checkpoint.publishing.is_some() {
        // What is complete needs its inputs no more: their names will do.
        for (is, was) in now.iter_mut().zip(&checkpoint.inputs) {
            (is.bytes, is.modified) = (was.bytes, was.modified.clone());
        }
    }
    all.add("the number of inputs", &checkpoint.inputs.len(), &now.len());
    for (was, is) in checkpoint.inputs.iter().zip(&now) {
        all.add("an input", &was.path, &is.path);
        if was.bytes.is_some() && is.bytes.is_none() {
            // Gone: opening it says so in better words.
            continue;
        }
        let what = |what| format!("{what} of {}", was.path);
        all.add(&what("the size"), &shown(&was.bytes), &shown(&is.bytes));
        if !job.accept_touched {
            let (was, is) = (shown(&was.modified), shown(&is.modified));
            all.add(&what("the time of the last change"), &was, &is);
        }
    }
    let name =
        |path: Option<&Path>| path.map_or("nothing".into(), |path| path.display().to_string());
    let signed = job.outputs.signed.as_ref().and_then(Target::file);
    let was = Some(checkpoint.signed.path.as_path());
    all.add("the output", &name(was), &name(signed));
    let rejects = job.outputs.rejects.as_ref().and_then(Target::file);
    let was = checkpoint
        .rejects
        .as_ref()
        .map(|entry| entry.path.as_path());
    all.add("the rejects file", &name(was), &name(rejects));
    let (was, is) = (
        checkpoint.manifest.as_deref(),
        job.outputs.manifest.as_deref(),
    );
    all.add("the manifest", &name(was), &name(is));
    all.0
}

fn differences_of_settings(manifest: &Manifest, job: &Job) -> Vec<Difference> {
    let mut all = Differences::default();
    all.identity((&manifest.job_id, manifest.timestamp), job);
    all.key(&manifest.key.fingerprint, job);
    all.terms(&manifest.settings, job);
    let (was, is) = (manifest.inputs.len(), job.inputs.len());
    all.add("the number of inputs", &was, &is);
    for (was, is) in manifest.inputs.iter().zip(&job.inputs) {
        all.add("an input", &was.path, &is.name());
    }
    all.0
}

/// Reads inputs and outputs to their ends.
fn differences_of_files(manifest: &Manifest, job: &Job) -> Result<Vec<Difference>, Error> {
    let mut all = Differences::default();
    let contents = inputs::contents(&job.inputs, &job.stop)?;
    for (was, (bytes, sha256)) in manifest.inputs.iter().zip(contents) {
        let shown = |bytes: u64, sha256: &str| format!("{bytes} bytes with SHA-256 {sha256}");
        let was_content = shown(was.bytes, &was.sha256);
        all.add(&was.path, &was_content, &shown(bytes, &sha256));
    }
    let signed = job.outputs.published();
    let signed = signed.as_ref().and_then(Target::file);
    let rejects = job.outputs.rejects.as_ref().and_then(Target::file);
    let mut files = Vec::new();
    match (&job.outputs.folder, &manifest.parts) {
        (Some(folder), Some(parts)) => files.extend(parts.iter().map(|part| {
            let path = place_of(&folder.path, &part.path);
            (Some(path), &part.sha256)
        })),
        _ => files.push((signed.map(Path::to_owned), &manifest.signed.sha256)),
    }
    files.push((rejects.map(Path::to_owned), &manifest.rejects.sha256));
    for (path, sha256) in files {
        let Some(path) = path else { continue };
        let is = measure(job.disk.as_ref(), &path)?;
        let is = is.map_or("missing".into(), |extent| extent.sha256);
        all.add(&path.display().to_string(), sha256, &is);
    }
    Ok(all.0)
}

fn shown<T: ToString>(value: &Option<T>) -> String {
    value.as_ref().map_or("unknown".into(), ToString::to_string)
}

#[derive(Default)]
struct Differences(Vec<Difference>);

impl Differences {
    fn add<T: PartialEq + ToString + ?Sized>(&mut self, what: &str, was: &T, is: &T) {
        if was != is {
            self.0.push(Difference {
                what: what.into(),
                was: was.to_string(),
                is: is.to_string(),
            });
        }
    }

    fn identity(&mut self, was: (&str, u64), job: &Job) {
        self.add("the job id", was.0, job.job_id.as_str());
        let is = rfc3339(job.settings.timestamp);
        self.add("the timestamp", &rfc3339(was.1), &is);
    }

    fn key(&mut self, was: &str, job: &Job) {
        let signer = job.signer.as_ref();
        let what = match signer.is_some_and(|signer| !signer.ring.is_empty()) {
            true => "the key ring",
            false => "the key",
        };
        let is = signer.map(|signer| signer.key.fingerprint.as_str());
        self.add(what, was, is.unwrap_or("none"));
    }

    fn terms(&mut self, was: &Terms, job: &Job) {
        self.0.extend(was.differences(&job.terms()));
    }
}

/// An input, by what can be told without reading it.
pub(super) fn identify(input: &Input) -> InputIdentity {
    let metadata = match &input.origin {
        Origin::File(path) => path.metadata().ok().filter(std::fs::Metadata::is_file),
        Origin::Stdin => None,
    };
    let modified = metadata
        .as_ref()
        .and_then(|metadata| metadata.modified().ok());
    InputIdentity {
        path: input.name(),
        bytes: metadata.as_ref().map(std::fs::Metadata::len),
        modified: modified
            .and_then(|time| jiff::Timestamp::try_from(time).ok())
            .map(|time| time.to_string()),
    }
}

/// Where the checkpoint of a job is.
pub(super) fn checkpoint_of(job: &Job) -> Option<std::path::PathBuf> {
    let signed = job.outputs.signed.as_ref().and_then(Target::file)?;
    Some(checkpoint(signed))
}

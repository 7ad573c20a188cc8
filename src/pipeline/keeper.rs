//! The keeper of a run's checkpoint: when one is due, and the order in which
//! things become durable.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Instant;

use jiff::Timestamp;

use crate::error::Error;
use crate::hex::hex;
use crate::output::{
    Checkpoint, Disk, OutputEntry, OutputError, PlaceEntry, Publishing, Staged, Target, ToolEntry,
    checkpoint, measure, publish, remove, sync_folder,
};

use super::books::Books;
use super::inputs::Spot;
use super::job::{Interval, Job};
use super::standing;

/// Keeps the checkpoint of one run.
pub(super) struct Keeper {
    disk: Arc<dyn Disk>,
    output: PathBuf,
    interval: Interval,
    /// As it was last written, or will be first.
    pub(super) checkpoint: Checkpoint,
    /// The seconds of earlier attempts.
    seconds_before: f64,
    started: Instant,
    last: Instant,
}

impl Keeper {
    /// The keeper of a run from row one; `None` for one that writes no file.
    pub(super) fn new(job: &Job, started: Timestamp) -> Option<Self> {
        let output = job.outputs.signed.as_ref().and_then(Target::file)?;
        let signer = job.signer.as_ref()?;
        let start = |target: Option<&std::path::Path>| {
            target.map(|path| OutputEntry {
                path: path.to_owned(),
                extent: Staged::nowhere().extent(),
            })
        };
        let rejects = job.outputs.rejects.as_ref().and_then(Target::file);
        let checkpoint = Checkpoint {
            checkpoint_version: 1,
            tool: tool(),
            job_id: job.job_id.clone(),
            timestamp: job.settings.timestamp,
            key: signer.key.clone(),
            settings: job.terms(),
            batch: [job.limits.batch_rows, job.limits.batch_bytes],
            inputs: job.inputs.iter().map(standing::identify).collect(),
            replaces: job.outputs.force,
            started: started.to_string(),
            attempts: 1,
            seconds: 0.0,
            finished: Vec::new(),
            place: PlaceEntry::default(),
            signed: start(Some(output))?,
            rejects: start(rejects),
            manifest: job.outputs.manifest.clone(),
            counts: Default::default(),
            rejected_by_code: Default::default(),
            notices: Vec::new(),
            first_reject: None,
            publishing: None,
        };
        Some(Self::over(job, output, checkpoint))
    }

    /// The keeper of a run that goes on from a checkpoint.
    pub(super) fn take_up(job: &Job, mut checkpoint: Checkpoint) -> Option<Self> {
        let output = job.outputs.signed.as_ref().and_then(Target::file)?;
        checkpoint.attempts += 1;
        checkpoint.replaces |= job.outputs.force;
        Some(Self::over(job, output, checkpoint))
    }

    fn over(job: &Job, output: &std::path::Path, checkpoint: Checkpoint) -> Self {
        let now = Instant::now();
        Self {
            disk: Arc::clone(&job.disk),
            output: output.to_owned(),
            interval: job.checkpoint_every,
            seconds_before: checkpoint.seconds,
            checkpoint,
            started: now,
            last: now,
        }
    }

    /// Whether the run has done nothing that its checkpoint covers.
    pub(super) fn is_at_start(&self) -> bool {
        self.checkpoint.place == PlaceEntry::default() && self.checkpoint.finished.is_empty()
    }

    /// How long all attempts took, as far as their work counts.
    pub(super) fn seconds(&self) -> f64 {
        self.seconds_before + self.started.elapsed().as_secs_f64()
    }

    /// Whether a checkpoint is due after this many rows in all.
    pub(super) fn is_due(&self, rows: u64) -> bool {
        rows - self.checkpoint.counts.rows >= self.interval.rows
            || self.last.elapsed() >= self.interval.time
    }

    /// Writes the checkpoint as it stands.
    pub(super) fn save(&mut self) -> Result<(), OutputError> {
        self.replace(self.checkpoint.clone())
    }

    /// Writes another checkpoint; where that fails, the one before stands.
    fn replace(&mut self, mut checkpoint: Checkpoint) -> Result<(), OutputError> {
        checkpoint.seconds = self.seconds();
        checkpoint.save(self.disk.as_ref(), &self.output)?;
        self.checkpoint = checkpoint;
        self.last = Instant::now();
        Ok(())
    }

    /// Makes everything up to this place durable: first the data, then the
    /// checkpoint that claims it.
    pub(super) fn keep(
        &mut self,
        books: &Books,
        next: Option<&(Spot, u64)>,
        signed: &mut Staged,
        rejects: Option<&mut Staged>,
    ) -> Result<(), OutputError> {
        let mut checkpoint = self.checkpoint.clone();
        books.write(&mut checkpoint);
        if let Some((spot, tasks)) = next {
            checkpoint.finished = spot.finished.to_vec();
            checkpoint.place = PlaceEntry {
                byte: spot.place.byte,
                line: spot.place.line,
                record: spot.place.record,
                sha256: hex(&spot.place.sha256),
                tasks: *tasks,
            };
        }
        signed.sync()?;
        checkpoint.signed.extent = signed.extent();
        if let (Some(entry), Some(rejects)) = (&mut checkpoint.rejects, rejects) {
            rejects.sync()?;
            entry.extent = rejects.extent();
        }
        self.replace(checkpoint)
    }

    /// Notes durably that everything is complete, then gives the files their
    /// names.
    pub(super) fn publish(&mut self, publishing: Publishing) -> Result<(), OutputError> {
        let mut checkpoint = self.checkpoint.clone();
        checkpoint.publishing = Some(publishing);
        self.replace(checkpoint)?;
        finish(self.disk.as_ref(), &self.checkpoint, false)
    }
}

/// The program.
pub(super) fn tool() -> ToolEntry {
    ToolEntry {
        name: env!("CARGO_PKG_NAME").into(),
        version: env!("CARGO_PKG_VERSION").into(),
    }
}

/// Renames complete files, the manifest last, and removes the checkpoint. An
/// attempt that died on the way is finished by doing what it has not done;
/// `again` reads the files first.
pub(super) fn finish(
    disk: &dyn Disk,
    checkpoint: &Checkpoint,
    again: bool,
) -> Result<(), OutputError> {
    let Some(publishing) = &checkpoint.publishing else {
        return Ok(());
    };
    // Names that an attempt has changed which was killed before it could sync
    // them must be durable before others change that rely on them.
    if again {
        for entry in &publishing.files {
            sync_folder(disk, &entry.path)?;
        }
    }
    let mut waiting = Vec::new();
    for entry in &publishing.files {
        let partial = crate::output::partial(&entry.path);
        if !again || measure(disk, &partial)?.as_ref() == Some(&entry.extent) {
            waiting.push(entry);
            continue;
        }
        let found = measure(disk, &entry.path)?;
        if found.as_ref() != Some(&entry.extent) {
            return Err(OutputError::Changed {
                path: entry.path.clone(),
                wanted: entry.extent.bytes,
                found: found.map_or(0, |extent| extent.bytes),
            });
        }
    }
    // The manifest of an older run must at no moment stand beside new files.
    if let (Some(manifest), true) = (&checkpoint.manifest, checkpoint.replaces)
        && waiting.iter().any(|entry| entry.path == *manifest)
    {
        remove(disk, manifest)?;
    }
    for entry in waiting {
        publish(disk, &entry.path)?;
    }
    remove(disk, &self::checkpoint(&checkpoint.signed.path))
}

/// A checkpoint that cannot be gone on with, though it is whole.
pub(super) fn unusable(checkpoint: &Checkpoint, why: &str) -> Error {
    Error::Output(OutputError::Damaged {
        path: self::checkpoint(&checkpoint.signed.path),
        why: why.into(),
    })
}

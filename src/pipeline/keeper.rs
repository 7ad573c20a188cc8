//! The keeper of a run's checkpoint: when one is due, and the order in which
//! things become durable.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Instant;

use jiff::Timestamp;

use crate::error::Error;
use crate::hex::hex;
use crate::output::{
    Checkpoint, Disk, Folder, InputEntry, Later, OutputEntry, OutputError, PlaceEntry, Publication,
    Publishing, SUCCESS, Staged, Target, ToolEntry, checkpoint, measure, partial, publish, remove,
    remove_staged, sync_folder,
};

use crate::parallel::Background;

use super::books::Books;
use super::inputs::Spot;
use super::job::{Interval, Job, Progress};
use super::standing;

/// Keeps the checkpoint of one run.
pub(super) struct Keeper {
    disk: Arc<dyn Disk>,
    output: PathBuf,
    interval: Interval,
    /// As it was last written, or is being written.
    pub(super) checkpoint: Checkpoint,
    /// The checkpoint that is becoming durable while the run goes on.
    underway: Option<Background<Result<(), OutputError>>>,
    /// How far it had come when it was last written.
    pub(super) durable: Progress,
    /// The seconds of earlier attempts.
    seconds_before: f64,
    started: Instant,
    last: Instant,
}

impl Keeper {
    /// The keeper of a run from row one; `None` for one that writes no file.
    pub(super) fn new(job: &Job, started: Timestamp) -> Result<Option<Self>, OutputError> {
        let output = job.outputs.signed.as_ref().and_then(Target::file);
        let (Some(output), Some(signer)) = (output, &job.signer) else {
            return Ok(None);
        };
        let entry = |path: &std::path::Path| OutputEntry {
            path: path.to_owned(),
            extent: Staged::nowhere().extent(),
        };
        let start = |target: Option<&std::path::Path>| target.map(entry);
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
            pace: Vec::new(),
            finished: Vec::new(),
            place: PlaceEntry::default(),
            signed: entry(output),
            index: start(job.outputs.folder.as_ref().map(Folder::index).as_deref()),
            earlier: standing::earlier(job)?,
            rejects: start(rejects),
            manifest: job.outputs.manifest.clone(),
            counts: Default::default(),
            made: Vec::new(),
            rejected_by_code: Default::default(),
            damage: Vec::new(),
            notices: Vec::new(),
            first_reject: None,
            recomputed: 0,
            publishing: None,
        };
        Ok(Some(Self::over(job, output, checkpoint)))
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
            durable: Progress::of(&checkpoint),
            checkpoint,
            underway: None,
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

    /// Whether a checkpoint is due after this many rows in all, and none is
    /// underway.
    pub(super) fn is_due(&self, rows: u64) -> bool {
        if self.underway.is_some() {
            return false;
        }
        rows - self.durable.rows >= self.interval.rows || self.last.elapsed() >= self.interval.time
    }

    /// Writes the checkpoint as it stands.
    pub(super) fn save(&mut self) -> Result<(), OutputError> {
        self.checkpoint.seconds = self.seconds();
        self.checkpoint.save(self.disk.as_ref(), &self.output)?;
        self.kept();
        Ok(())
    }

    fn kept(&mut self) {
        self.last = Instant::now();
        self.durable = Progress::of(&self.checkpoint);
    }

    /// Makes everything up to this place durable: first the data, then the
    /// checkpoint that claims it. Where the disk can, it is done while the run
    /// goes on; `true` where it is done already.
    pub(super) fn keep(
        &mut self,
        books: &Books,
        (spot, tasks): &(Spot, u64),
        signed: &mut Staged,
        mut index: Option<&mut Staged>,
        mut rejects: Option<&mut Staged>,
    ) -> Result<bool, OutputError> {
        let checkpoint = &mut self.checkpoint;
        books.write(checkpoint);
        checkpoint.finished = spot.finished.to_vec();
        checkpoint.place = PlaceEntry {
            byte: spot.place.byte,
            line: spot.place.line,
            record: spot.place.record,
            sha256: hex(&spot.place.sha256),
            tasks: *tasks,
        };
        let mut syncs = vec![signed.sync_later()?];
        checkpoint.signed.extent = signed.extent();
        if let (Some(entry), Some(index)) = (&mut checkpoint.index, index.as_deref_mut()) {
            syncs.push(index.sync_later()?);
            entry.extent = index.extent();
        }
        if let (Some(entry), Some(rejects)) = (&mut checkpoint.rejects, rejects.as_deref_mut()) {
            syncs.push(rejects.sync_later()?);
            entry.extent = rejects.extent();
        }
        let later: Option<Vec<Later>> = syncs.into_iter().collect();
        let Some(later) = later else {
            // Not all of it can wait, so none does.
            signed.sync()?;
            index.map_or(Ok(()), Staged::sync)?;
            rejects.map_or(Ok(()), Staged::sync)?;
            self.save()?;
            return Ok(true);
        };
        self.checkpoint.seconds = self.seconds();
        let (disk, output) = (Arc::clone(&self.disk), self.output.clone());
        let checkpoint = self.checkpoint.clone();
        self.underway = Some(Background::start(move || {
            later.into_iter().try_for_each(|sync| sync())?;
            checkpoint.save(disk.as_ref(), &output)
        }));
        Ok(false)
    }

    /// Looks whether the checkpoint that was underway is durable now.
    pub(super) fn poll(&mut self) -> Result<bool, OutputError> {
        match self.underway.take().map(Background::poll) {
            None => Ok(false),
            Some(Err(underway)) => {
                self.underway = Some(underway);
                Ok(false)
            }
            Some(Ok(result)) => self.conclude(result).map(|()| true),
        }
    }

    /// Whether a checkpoint is being made durable.
    pub(super) fn is_underway(&self) -> bool {
        self.underway.is_some()
    }

    /// Waits until it is.
    pub(super) fn wait(&mut self) -> Result<(), OutputError> {
        match self.underway.take() {
            Some(underway) => self.conclude(underway.wait()),
            None => Ok(()),
        }
    }

    fn conclude(&mut self, result: Option<Result<(), OutputError>>) -> Result<(), OutputError> {
        match result {
            Some(Ok(())) => {
                self.kept();
                Ok(())
            }
            Some(Err(error)) => Err(error),
            // A panic where nothing is computed; whatever it was, the
            // checkpoint before still stands.
            None => Err(OutputError::Io {
                action: "write",
                path: checkpoint(&self.output),
                source: std::io::Error::other("the keeper's thread was lost"),
            }),
        }
    }

    /// Notes durably that everything is complete, then gives the files their
    /// names.
    pub(super) fn publish(
        &mut self,
        books: &Books,
        inputs: &[InputEntry],
        publishing: Publishing,
    ) -> Result<(), OutputError> {
        self.wait()?;
        books.write(&mut self.checkpoint);
        self.checkpoint.finished = inputs.to_vec();
        self.checkpoint.publishing = Some(publishing);
        self.save()?;
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
    if again {
        // Names that a killed attempt has changed must be durable before
        // others change that rely on them.
        for entry in &publishing.files {
            sync_folder(disk, &entry.path)?;
        }
    }
    let parts = publication(checkpoint, publishing);
    let waiting_parts = match &parts {
        Some(parts) => parts.waiting(disk, again)?,
        None => Vec::new(),
    };
    let mut waiting = Vec::new();
    for entry in &publishing.files {
        let partial = partial(&entry.path);
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
    for entry in &waiting {
        // Somebody else's file that came meanwhile is not ours to replace.
        if !checkpoint.replaces && entry.path.symlink_metadata().is_ok() {
            return Err(OutputError::Io {
                action: "rename",
                path: partial(&entry.path),
                source: std::io::ErrorKind::AlreadyExists.into(),
            });
        }
    }
    // The manifest of an older run must at no moment stand beside new files,
    // nor what says that it is complete.
    let success = checkpoint.folder().map(|folder| folder.join(SUCCESS));
    for last in [success.as_ref(), checkpoint.manifest.as_ref()] {
        if let (Some(last), true) = (last, checkpoint.replaces)
            && waiting.iter().any(|entry| entry.path == *last)
        {
            remove(disk, last)?;
        }
    }
    if let Some(parts) = &parts {
        parts.publish(disk, &waiting_parts)?;
    }
    for entry in waiting {
        publish(disk, &entry.path)?;
    }
    if let (Some(folder), Some(index)) = (checkpoint.folder(), &checkpoint.index) {
        // Their records stand in the parts now.
        remove_staged(disk, folder)?;
        remove(disk, &partial(&index.path))?;
        remove(disk, &partial(&checkpoint.signed.path))?;
    } else if publishing
        .files
        .iter()
        .all(|entry| entry.path != checkpoint.signed.path)
    {
        // They stand in a table.
        remove(disk, &partial(&checkpoint.signed.path))?;
    }
    remove(disk, &self::checkpoint(&checkpoint.signed.path))
}

/// What becomes of the parts, where there are any.
fn publication<'c>(
    checkpoint: &'c Checkpoint,
    publishing: &'c Publishing,
) -> Option<Publication<'c>> {
    Some(Publication {
        folder: checkpoint.folder()?,
        parts: &publishing.parts,
        earlier: &checkpoint.earlier,
    })
}

/// A checkpoint that cannot be gone on with, though it is whole.
pub(super) fn unusable(checkpoint: &Checkpoint) -> Error {
    Error::Output(OutputError::Damaged {
        path: self::checkpoint(&checkpoint.signed.path),
        why: "it counts rejects by a code that this build does not know".into(),
    })
}

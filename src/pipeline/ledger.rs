//! Takes finished work in order: counts it, writes it, keeps the checkpoint,
//! and publishes when everything agrees.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Instant;

use jiff::Timestamp;

use crate::envelope::Envelope;
use crate::error::{Error, Kind};
use crate::output::{
    Checkpoint, Compression, Disk, InputEntry, OutputEntry, PartEntry, Publishing, Spool, Staged,
    Target, publish, remove, sync_folder,
};
use crate::parallel::Pool;
use crate::row::Input;

use super::books::Books;
use super::inputs::Spot;
use super::job::{Job, Progress, Summary};
use super::keeper::{self, Keeper};
use super::litter::{clear, litter};
use super::press::{compression, of_signed};
use super::spread::spread;
use super::tabulate;
use super::task::Done;

/// Takes finished work.
pub(super) struct Ledger {
    disk: Arc<dyn Disk>,
    /// The signed records; of those that become parts, all as they come.
    pub(super) signed: Staged,
    /// Where they belong, when they become parts.
    spool: Option<Spool>,
    /// What every part begins with.
    header: Vec<u8>,
    /// The columns of the table that the records become, where they do.
    columns: Vec<String>,
    pub(super) rejects: Option<Staged>,
    pub(super) books: Books,
    pub(super) keeper: Option<Keeper>,
    /// Where a resume would go on; `None` where nothing new was done, or what
    /// was done last is no place to go on from.
    next: Option<(Spot, u64)>,
    /// What a failed run takes away where nothing can be resumed.
    litter: Vec<PathBuf>,
    pub(super) progress: Progress,
    clock: Instant,
}

impl Ledger {
    /// Starts the outputs, or goes on with those of a checkpoint. Where they
    /// cannot be started, nothing stays of them.
    pub(super) fn open(
        job: &Job,
        opening: (&Envelope, Vec<u8>),
        unfinished: Option<Checkpoint>,
        started: Timestamp,
    ) -> Result<Self, Error> {
        let is_new = unfinished.is_none();
        let opened = Self::open_outputs(job, opening, unfinished, started);
        if is_new && opened.is_err() {
            clear(job.disk.as_ref(), &litter(job));
        }
        opened
    }

    /// The checkpoint is durable before any other file is made.
    fn open_outputs(
        job: &Job,
        (envelope, of_rejects): (&Envelope, Vec<u8>),
        unfinished: Option<Checkpoint>,
        started: Timestamp,
    ) -> Result<Self, Error> {
        let disk = Arc::clone(&job.disk);
        let mut books = Books::default();
        let mut keeper = match unfinished {
            Some(checkpoint) => {
                books = Books::of(&checkpoint).ok_or_else(|| keeper::unusable(&checkpoint))?;
                Keeper::take_up(job, checkpoint)
            }
            None => Keeper::new(job, started)?,
        };
        books.max_rejects = job.max_rejects;
        let at_start = keeper.as_ref().is_none_or(Keeper::is_at_start);
        if let (Some(keeper), true) = (&mut keeper, at_start) {
            keeper.save()?;
        }
        let goes_on = (!at_start).then_some(keeper.as_ref()).flatten();
        let open = |target: &Target, entry: Option<&OutputEntry>| match (target, entry) {
            (Target::File(path), Some(entry)) if entry.extent.bytes > 0 => {
                Staged::take_up(disk.as_ref(), path, &entry.extent)
            }
            _ => Staged::create(disk.as_ref(), target),
        };
        let outputs = &job.outputs;
        let mut signed = match &outputs.signed {
            Some(target) => open(target, goes_on.map(|keeper| &keeper.checkpoint.signed))?,
            None => Staged::nowhere(),
        };
        let spool = match &outputs.folder {
            Some(folder) => {
                let checkpoint = goes_on.map(|keeper| &keeper.checkpoint);
                let index = checkpoint.and_then(|checkpoint| checkpoint.index.as_ref());
                let earlier = keeper.as_ref().map(|keeper| &keeper.checkpoint.earlier[..]);
                let extent = index.map(|index| &index.extent);
                let extent = extent.filter(|extent| extent.bytes > 0);
                let earlier = earlier.unwrap_or_default();
                Some(Spool::open(disk.as_ref(), folder, earlier, extent)?)
            }
            None => None,
        };
        let mut rejects = match &outputs.rejects {
            Some(target) => {
                let entry = goes_on.and_then(|keeper| keeper.checkpoint.rejects.as_ref());
                Some(open(target, entry)?)
            }
            // Where nothing is signed, or nothing of it kept.
            None if job.signer.is_none() || outputs.signed.is_none() => Some(Staged::nowhere()),
            None => None,
        };
        // Written last, but made now: a folder that takes no file is better
        // known before the night's work than after it.
        if let Some(manifest) = outputs.manifest.clone() {
            Staged::create(disk.as_ref(), &Target::File(manifest))?;
        }
        for (_, path) in outputs.files() {
            sync_folder(disk.as_ref(), &path)?;
        }
        let header = envelope.header();
        if goes_on.is_none() && spool.is_none() && !header.is_empty() {
            signed.write(&pack(of_signed(outputs), header.clone())?)?;
        }
        if let (None, Some(rejects)) = (goes_on, &mut rejects) {
            rejects.write(&of_rejects)?;
        }
        let progress = progress(job, &books, goes_on.map(|keeper| &keeper.checkpoint));
        let mut ledger = Self {
            litter: litter(job),
            disk,
            signed,
            spool,
            header,
            columns: envelope.names().map(str::to_owned).collect(),
            rejects,
            books,
            keeper,
            next: None,
            progress,
            clock: Instant::now(),
        };
        let seconds = ledger.seconds();
        ledger.books.pace.note(seconds, ledger.books.counts);
        Ok(ledger)
    }

    /// How long all attempts took, as far as their work counts.
    pub(super) fn seconds(&self) -> f64 {
        let keeper = self.keeper.as_ref();
        keeper.map_or_else(|| self.clock.elapsed().as_secs_f64(), Keeper::seconds)
    }

    /// Enters finished work: rejects first, then records. `true` when a
    /// checkpoint was written.
    pub(super) fn enter(&mut self, mut done: Done) -> Result<bool, Error> {
        self.books.enter_recomputed(done.recomputed)?;
        let made = std::mem::take(&mut done.made);
        let report = done.report.as_ref();
        if let Err(error) = self.books.enter(report, done.rows, done.records) {
            // Where nothing can be resumed, what was found is shown at least.
            if let (None, Some(rejects), Some(batch)) = (&self.keeper, &mut self.rejects, report) {
                rejects.write(&batch.rejects)?;
            }
            return Err(error);
        }
        self.books.enter_made(made);
        let seconds = self.seconds();
        self.books.pace.note(seconds, self.books.counts);
        if let Some(batch) = report {
            match &mut self.rejects {
                _ if batch.rejects.is_empty() => {}
                Some(rejects) => rejects.write(&batch.rejects)?,
                None => {
                    let first = self.books.first_reject.clone().unwrap_or_default();
                    return Err(Error::RejectWithoutFile { first });
                }
            }
            self.progress.bytes += batch.input_bytes;
        }
        self.progress.written += done.lines.len() as u64;
        match &mut self.spool {
            Some(spool) => spool.add(&done.cuts, &done.lines, &mut self.signed)?,
            None => self.signed.write(&done.lines)?,
        }
        self.next = done.next;
        self.progress.rows = self.books.counts.rows;
        self.progress.rejected = self.books.counts.rejected;
        self.progress.records = self.books.counts.records;
        let Some(keeper) = &mut self.keeper else {
            return Ok(false);
        };
        let kept = keeper.poll()?;
        match keeper.is_due(self.progress.rows) {
            true => Ok(kept | self.keep()?),
            false => Ok(kept),
        }
    }

    /// Lets everything done so far become durable, if it is a place to go on
    /// from; `true` where it is durable already.
    fn keep(&mut self) -> Result<bool, Error> {
        let (Some(keeper), Some(next)) = (&mut self.keeper, &self.next) else {
            return Ok(false);
        };
        let index = match &mut self.spool {
            Some(spool) => {
                spool.flush(&mut self.signed)?;
                Some(&mut spool.index)
            }
            None => None,
        };
        let rejects = self.rejects.as_mut();
        Ok(keeper.keep(&self.books, next, &mut self.signed, index, rejects)?)
    }

    /// Keeps everything done so far, and waits until it is durable.
    fn keep_all(&mut self) -> Result<(), Error> {
        self.settle()?;
        self.keep()?;
        self.settle()?;
        Ok(())
    }

    /// Waits for the checkpoint that is underway; `true` where there was one.
    pub(super) fn settle(&mut self) -> Result<bool, Error> {
        match &mut self.keeper {
            Some(keeper) if keeper.is_underway() => keeper.wait().map(|()| true),
            _ => Ok(false),
        }
        .map_err(Error::from)
    }

    /// How far the last durable checkpoint has come.
    pub(super) fn durable(&self) -> Option<Progress> {
        self.keeper.as_ref().map(|keeper| keeper.durable)
    }

    /// Ends a run that cannot go on: what is done is kept for a resume, as far
    /// as the disk takes it. Gives how far a resume has come then; `None`
    /// where there is nothing to resume.
    pub(super) fn leave(mut self, why: &Error) -> Option<Progress> {
        // Stopped by its input before anything was done, a run leaves nothing.
        let is_hopeless = matches!(why.kind(), Kind::Data | Kind::Settings);
        let in_vain = is_hopeless && self.progress.rows == 0;
        if self.keeper.is_none() || in_vain {
            let (disk, litter) = (Arc::clone(&self.disk), std::mem::take(&mut self.litter));
            // Its files are closed first: what is open belongs to somebody.
            drop(self);
            clear(disk.as_ref(), &litter);
            return None;
        }
        // A disk that has failed once is not asked again: the system may have
        // dropped what it could not write. The last checkpoint stands, here as
        // well as where keeping fails now.
        let _ = match (why, &mut self.keeper) {
            (Error::Output(_), Some(keeper)) => keeper.wait().map_err(Error::from),
            _ => self.keep_all(),
        };
        Some(self.keeper?.durable)
    }

    /// Compares what was read with what was written.
    pub(super) fn close(&self, inputs: &[InputEntry], expected: Option<u64>) -> Result<(), Error> {
        self.books.close(inputs, expected)
    }

    /// Writes the parts of records that become parts. Everything is kept
    /// before, so that a run that ends in the middle of it has only this to do
    /// again.
    fn spread(&mut self, pool: &Pool, job: &Job) -> Result<Option<Vec<PartEntry>>, Error> {
        if self.spool.is_some() {
            self.keep_all()?;
        }
        let (Some(folder), Some(spool)) = (&job.outputs.folder, &mut self.spool) else {
            return Ok(None);
        };
        // Where a pipe's last batch is no place to go on from, nothing was kept.
        spool.flush(&mut self.signed)?;
        self.signed.sync()?;
        spool.index.sync()?;
        let header = self.header.clone();
        let parts = spread(pool, &self.disk, folder, spool, header, &job.stop)?;
        match parts {
            Some(parts) => Ok(Some(parts)),
            None => Err(Error::Interrupted {
                rows: self.progress.rows,
            }),
        }
    }

    /// Makes the table of records that become one. Everything is kept before.
    fn tabulate(
        &mut self,
        pool: &Pool,
        job: &Job,
        summary: &Summary,
    ) -> Result<Option<OutputEntry>, Error> {
        let Some(path) = job.outputs.table.clone() else {
            return Ok(None);
        };
        self.keep_all()?;
        self.signed.sync()?;
        let (names, records) = (&self.columns, self.signed.extent());
        match tabulate(pool, job, names, &summary.inputs, &records, &path)? {
            Some(extent) => {
                sync_folder(self.disk.as_ref(), &path)?;
                Ok(Some(OutputEntry { path, extent }))
            }
            None => Err(Error::Interrupted {
                rows: self.progress.rows,
            }),
        }
    }

    /// Makes everything durable, then visible, the manifest last.
    pub(super) fn publish(
        &mut self,
        pool: &Pool,
        job: &Job,
        summary: &Summary,
        started: Timestamp,
    ) -> Result<(), Error> {
        let mut parts = self.spread(pool, job)?;
        let table = self.tabulate(pool, job, summary)?;
        let mut files: Vec<OutputEntry> = table.iter().cloned().collect();
        let signed = match (&parts, &table) {
            (None, None) => Some(&mut self.signed),
            _ => None,
        };
        // A compressed file without a single member is none.
        let outputs = &job.outputs;
        let packed = [of_signed(outputs), compression(&outputs.rejects)];
        let targets = [&outputs.signed, &outputs.rejects];
        let staged = [signed, self.rejects.as_mut()];
        for ((staged, target), compression) in staged.into_iter().zip(targets).zip(packed) {
            let Some(staged) = staged else { continue };
            if staged.extent().bytes == 0 {
                staged.write(&pack(compression, Vec::new())?)?;
            }
            staged.sync()?;
            if let Some(path) = target.as_ref().and_then(Target::file) {
                files.push(OutputEntry {
                    path: path.to_owned(),
                    extent: staged.extent(),
                });
            }
        }
        if let (Some(path), Some(signer)) = (&job.outputs.manifest, &job.signer) {
            // They are lent: there may be very many.
            let mut manifest = self.describe(
                job,
                signer,
                summary,
                (parts.take(), table.as_ref()),
                started,
            );
            let mut staged = Staged::create(self.disk.as_ref(), &Target::File(path.clone()))?;
            staged.write(&manifest.to_json())?;
            parts = manifest.parts.take();
            staged.sync()?;
            sync_folder(self.disk.as_ref(), path)?;
            files.push(OutputEntry {
                path: path.clone(),
                extent: staged.extent(),
            });
        }
        if let Some(folder) = &job.outputs.folder {
            let path = folder.success();
            let mut staged = Staged::create(self.disk.as_ref(), &Target::File(path.clone()))?;
            staged.sync()?;
            sync_folder(self.disk.as_ref(), &path)?;
            files.push(OutputEntry {
                path,
                extent: staged.extent(),
            });
        }
        match &mut self.keeper {
            Some(keeper) => {
                let publishing = Publishing {
                    files,
                    parts: parts.unwrap_or_default(),
                    within_limit: summary.within_limit,
                };
                keeper.publish(&self.books, &summary.inputs, publishing)?;
            }
            None => {
                if let (Some(manifest), true) = (&job.outputs.manifest, job.outputs.force) {
                    remove(self.disk.as_ref(), manifest)?;
                }
                for entry in files {
                    publish(self.disk.as_ref(), &entry.path)?;
                }
            }
        }
        Ok(())
    }
}

fn pack(compression: Compression, bytes: Vec<u8>) -> Result<Vec<u8>, Error> {
    if bytes.is_empty() && compression == Compression::None {
        return Ok(bytes);
    }
    compression.pack(bytes).map_err(Error::Compress)
}

fn progress(job: &Job, books: &Books, checkpoint: Option<&Checkpoint>) -> Progress {
    // How much there is of a compressed input is not known before its end.
    let known = !job.inputs.iter().any(Input::is_said_to_be_compressed);
    Progress {
        rows: books.counts.rows,
        total_bytes: match known {
            true => job.inputs.iter().map(Input::size).sum(),
            false => None,
        },
        ..checkpoint.map(Progress::of).unwrap_or_default()
    }
}

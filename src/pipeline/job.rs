//! What a run is given, and what it gives back.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use crate::engine::Check;
use crate::envelope::Style;
use crate::error::Error;
use crate::format::Code;
use crate::output::{
    Checkpoint, Compression, Counts, Disk, Folder, Holder, InputEntry, MadeEntry, Manifest,
    OutputError, SystemDisk, Target, check_targets,
};
use crate::publishers::PublisherFile;
use crate::record::{Choices, Damages, Rules, Settings, Tally};
use crate::row::{Input, Limits, ReadError};
use crate::stop::Stop;
use crate::terms::Terms;

use super::books::damaged;
use super::signer::Signer;

/// Everything a run is given.
pub struct Job {
    /// What a row becomes.
    pub settings: Settings,
    /// The inputs in their order.
    pub inputs: Vec<Input>,
    /// The publishers that each row meets, if it meets any.
    pub publishers: Option<PublisherFile>,
    /// How long rows may be.
    pub limits: Limits,
    /// The key at work; without one, rows are only checked.
    pub signer: Option<Signer>,
    /// How rows choose among several keys; with one there is no choice.
    pub choices: Option<Arc<Choices>>,
    /// Where everything goes.
    pub outputs: Outputs,
    /// The job's id.
    pub job_id: String,
    /// How many workers; 0 means as many as the machine has.
    pub threads: usize,
    /// How much of each batch is checked before it is written.
    pub self_check: Check,
    /// How many rejects are tolerated.
    pub max_rejects: Option<MaxRejects>,
    /// An unfinished run of the same job is gone on with.
    pub resume: bool,
    /// A resume takes inputs whose time of change is another: what it has not
    /// read yet may be, too.
    pub accept_touched: bool,
    /// How much work a crash may cost.
    pub checkpoint_every: Interval,
    /// How many rows there must be, where that is known: a pipe whose writer
    /// has died looks like one that is complete.
    pub expect_rows: Option<u64>,
    /// Asked to stop, the run finishes what is in flight and leaves a
    /// checkpoint.
    pub stop: Stop,
    /// Where outputs are.
    pub disk: Arc<dyn Disk>,
}

/// When a checkpoint is due: after so much time or so many rows, whichever
/// comes first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Interval {
    /// Time.
    pub time: Duration,
    /// Rows, signed or rejected.
    pub rows: u64,
}

impl Default for Interval {
    fn default() -> Self {
        Self {
            time: Duration::from_secs(10),
            rows: 1_000_000,
        }
    }
}

impl Job {
    /// A job that checks its rows on all cores; with a signer it signs them.
    pub fn new(settings: Settings, inputs: Vec<Input>, outputs: Outputs) -> Self {
        Self {
            settings,
            inputs,
            publishers: None,
            limits: Limits::default(),
            signer: None,
            choices: None,
            outputs,
            job_id: String::new(),
            threads: 0,
            self_check: Check::Batch,
            max_rejects: None,
            resume: false,
            accept_touched: false,
            checkpoint_every: Interval::default(),
            expect_rows: None,
            stop: Stop::default(),
            disk: Arc::new(SystemDisk),
        }
    }

    /// What an error is about: a reader that was told to stop fails in its own
    /// words, and what it was told is the reason.
    pub(super) fn heeded(&self, error: Error, left: Option<&Progress>) -> Error {
        match error {
            Error::Read {
                error: ReadError::Io(_),
                ..
            } if self.stop.is_requested() => Error::Interrupted {
                rows: left.map_or(0, |left| left.rows),
            },
            error => error,
        }
    }

    /// The same job with a key at work under this id.
    #[must_use]
    pub fn signed_by(mut self, signer: Signer, job_id: impl Into<String>) -> Self {
        self.choices.clone_from(&signer.choices);
        self.signer = Some(signer);
        self.job_id = job_id.into();
        self
    }

    /// Everything that decides the job's bytes beside its inputs, its key,
    /// its id and its timestamp.
    pub fn terms(&self) -> Terms {
        let folder = self.outputs.folder.as_ref();
        let own = self.outputs.compression.unwrap_or(Compression::None);
        let compression = folder.map_or(own, |folder| folder.compression);
        let mut terms = Terms::new(
            &self.settings,
            self.limits.row_bytes,
            self.inputs.iter().map(|input| input.dialect),
            self.outputs.style,
            self.outputs.escape_formulas,
            self.publishers
                .as_ref()
                .map(|file| file.term(&self.settings)),
        );
        terms.partition_by.clone_from(&self.outputs.partition_by);
        terms.rows_per_file = folder.and_then(|folder| folder.rows_per_file);
        terms.rejects_format = match self.outputs.rejects_style {
            Style::Ndjson => None,
            style => Some(style.into()),
        };
        terms.compression = compression.name().map(str::to_owned);
        terms
    }

    /// What the settings say of each format, the publishers introduced and the
    /// keys at hand.
    pub(super) fn rules(&self) -> Result<Vec<Rules>, Error> {
        let no_file = |error| Error::Plan { file: None, error };
        let mut rules = Rules::all(&self.settings).map_err(no_file)?;
        if let Some(choices) = &self.choices {
            rules.iter_mut().for_each(|rules| rules.choose(choices));
        }
        if let Some(publishers) = &self.publishers {
            publishers.introduce(&mut rules)?;
        }
        Ok(rules)
    }
}

/// Where a run's outputs go.
#[derive(Clone, Debug)]
pub struct Outputs {
    /// The signed records; nowhere where rows are only checked.
    pub signed: Option<Target>,
    /// The rejects.
    pub rejects: Option<Target>,
    /// The manifest.
    pub manifest: Option<PathBuf>,
    /// How the signed records are compressed, where their file's name does not
    /// say it.
    pub compression: Option<Compression>,
    /// The Parquet file that the signed records become, where they do.
    pub table: Option<PathBuf>,
    /// The folder whose parts the signed records become, where they do.
    pub folder: Option<Folder>,
    /// The columns that its records are partitioned by.
    pub partition_by: Vec<String>,
    /// How signed records are written.
    pub style: Style,
    /// How rejects are written: as lines of JSON, or as a table under the
    /// header of the inputs.
    pub rejects_style: Style,
    /// Kept text that a spreadsheet would run is written with a `'` before it.
    pub escape_formulas: bool,
    /// Existing files are replaced, and so is what an unfinished run left.
    pub force: bool,
}

impl Outputs {
    /// The signed records in this file; the rejects beside it under its name
    /// without its extension and `.rejects.ndjson`, the manifest under its
    /// name and `.manifest.json`. Names that end in `.gz` or `.zst` are
    /// compressed. Records that become a Parquet file are gathered beside it.
    pub fn beside(signed: &Path, style: Style) -> Self {
        let ending = |path: &Path, ending: &str| {
            let mut name = path.as_os_str().to_owned();
            name.push(ending);
            PathBuf::from(name)
        };
        let plain = match Compression::of(signed) {
            Compression::None => signed.to_owned(),
            Compression::Gzip | Compression::Zstd => signed.with_extension(""),
        };
        let rejects = ending(&plain.with_extension(""), ".rejects.ndjson");
        let table = (style == Style::Parquet).then(|| signed.to_owned());
        let records = match &table {
            Some(table) => ending(table, ".records"),
            None => signed.to_owned(),
        };
        Self {
            signed: Some(Target::File(records)),
            table,
            rejects: Some(Target::File(rejects)),
            manifest: Some(ending(signed, ".manifest.json")),
            style,
            ..Self::none()
        }
    }

    /// The signed records in parts of a folder: at most so many records each,
    /// and in a folder `COLUMN=VALUE` for each value of these columns. Rejects,
    /// manifest and all else stand in it under names that begin with `_`.
    pub fn in_folder(
        path: &Path,
        partition_by: Vec<String>,
        rows_per_file: Option<u64>,
        style: Style,
        compression: Compression,
    ) -> Self {
        let ending = match style {
            Style::Ndjson => ".ndjson",
            Style::Parquet => ".parquet",
            Style::Csv(b'\t') => ".tsv",
            Style::Csv(_) => ".csv",
        };
        let folder = Folder {
            path: path.to_owned(),
            rows_per_file,
            ending: format!("{ending}{}", compression.ending()),
            compression,
        };
        Self {
            signed: Some(Target::File(folder.records())),
            rejects: Some(Target::File(folder.rejects())),
            manifest: Some(folder.manifest()),
            folder: Some(folder),
            partition_by,
            style,
            ..Self::none()
        }
    }

    /// Every output that is a file: what it is, and its name.
    pub fn files(&self) -> Vec<(&'static str, PathBuf)> {
        let file = |target: &Option<Target>| target.as_ref()?.file().map(Path::to_owned);
        let folder = self.folder.as_ref();
        [
            ("the signed records", self.table.clone()),
            ("the signed records", file(&self.signed)),
            ("the index of the records", folder.map(Folder::index)),
            ("the rejects", file(&self.rejects)),
            ("the manifest", self.manifest.clone()),
            ("the mark of success", folder.map(Folder::success)),
        ]
        .into_iter()
        .filter_map(|(what, path)| Some((what, path?)))
        .collect()
    }

    /// The signed records in the end, where they are one file.
    pub fn published(&self) -> Option<Target> {
        let table = self.table.clone().map(Target::File);
        table.or_else(|| self.signed.clone())
    }

    /// Checks, before any work, that no output is a source (an input, a key)
    /// or another output, and that each is a regular file or none yet.
    ///
    /// # Errors
    /// The first output that cannot be.
    pub fn check(&self, sources: &[(&'static str, PathBuf)]) -> Result<(), OutputError> {
        if let Some(folder) = &self.folder {
            folder.check_sources(sources)?;
        }
        check_targets(sources, &self.files())
    }

    /// Nothing is written.
    pub fn none() -> Self {
        Self {
            signed: None,
            rejects: None,
            manifest: None,
            compression: None,
            table: None,
            folder: None,
            partition_by: Vec::new(),
            style: Style::Ndjson,
            rejects_style: Style::Ndjson,
            escape_formulas: true,
            force: false,
        }
    }
}

/// How many rejected rows are tolerated.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum MaxRejects {
    /// This share of all rows, in percent; counts from the thousandth row on,
    /// and at the end.
    Percent(f64),
    /// This many.
    Rows(u64),
}

/// How far a run is.
#[derive(Clone, Copy, Debug, Default)]
pub struct Progress {
    /// Rows finished: signed or rejected.
    pub rows: u64,
    /// Rows rejected.
    pub rejected: u64,
    /// Records signed.
    pub records: u64,
    /// Bytes of rows finished.
    pub bytes: u64,
    /// Bytes of the signed records' lines that this attempt has written.
    pub written: u64,
    /// Bytes of all inputs, where they are files.
    pub total_bytes: Option<u64>,
}

/// What happens while a run goes on.
#[derive(Clone, Copy, Debug)]
pub enum Event<'a> {
    /// Work begins.
    Begun(&'a Begun),
    /// Some more work is done.
    Progress(&'a Progress),
    /// What is done so far is safe: a resume goes on behind it.
    Checkpoint(&'a Progress),
    /// The run ends unfinished. What is done up to here can be resumed.
    Left(&'a Progress),
}

/// What a run begins with.
#[derive(Clone, Debug)]
pub struct Begun {
    /// The rows that earlier attempts have done.
    pub rows: u64,
    /// Whether there was something to go on with.
    pub resumed: bool,
    /// The run that held this output before and died without a word.
    pub took_over: Option<Holder>,
    /// How many workers there are.
    pub threads: usize,
    /// How many publishers rows may meet; 0 where they meet none.
    pub publishers: u64,
}

impl Progress {
    /// How far a checkpoint has come.
    pub(super) fn of(checkpoint: &Checkpoint) -> Self {
        let finished: u64 = checkpoint.finished.iter().map(|entry| entry.bytes).sum();
        Self {
            rows: checkpoint.counts.rows,
            rejected: checkpoint.counts.rejected,
            records: checkpoint.counts.records,
            bytes: finished + checkpoint.place.byte,
            written: 0,
            total_bytes: None,
        }
    }
}

/// A finished run.
#[derive(Debug)]
pub struct Summary {
    /// What became of the rows.
    pub counts: Counts,
    /// Rejected rows by the code of their first problem.
    pub rejected_by_code: BTreeMap<Code, u64>,
    /// The first reject in words.
    pub first_reject: Option<String>,
    /// What befell whole columns.
    pub damages: Damages,
    /// Legal values a person should know of.
    pub notices: Tally,
    /// The inputs.
    pub inputs: Vec<InputEntry>,
    /// How many rows this attempt has done.
    pub rows_now: u64,
    /// How many signatures came out wrong and were computed anew.
    pub recomputed: u64,
    /// How many records were signed of each format under each key, where there
    /// are several; or would be, where rows are only checked.
    pub made: Vec<MadeEntry>,
    /// How long this attempt took.
    pub elapsed: Duration,
    /// How many workers there were.
    pub threads: usize,
    /// Whether the rejects are within what was tolerated.
    pub within_limit: bool,
    /// The run was finished before: nothing was done now.
    pub was_finished: bool,
}

impl Summary {
    /// What a finished run's manifest says of it.
    pub(super) fn of_finished(manifest: Manifest) -> Self {
        Self {
            counts: manifest.counts,
            rejected_by_code: manifest
                .rejected_by_code
                .iter()
                .filter_map(|(code, count)| Some((Code::find(code)?, *count)))
                .collect(),
            first_reject: None,
            damages: {
                let mut damages = Damages::default();
                let known = manifest.damage.iter().filter_map(damaged);
                known.for_each(|damaged| damages.enter(damaged));
                damages
            },
            notices: Tally::default(),
            inputs: manifest.inputs,
            rows_now: 0,
            recomputed: manifest.run.recomputed,
            made: manifest.made,
            elapsed: Duration::ZERO,
            threads: 0,
            within_limit: manifest.run.exit_code == 0,
            was_finished: true,
        }
    }
}

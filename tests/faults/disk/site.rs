//! The jobs that are disturbed, and the folders they write to.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use campaign_signer::engine::ENGINES;
use campaign_signer::envelope::Style;
use campaign_signer::error::Error;
use campaign_signer::format::{Alg, FORMATS, Format};
use campaign_signer::key::Secret;
use campaign_signer::output::{Compression, Disk, Target, lock};
use campaign_signer::pipeline::{self, Event, Interval, Job, Outputs, Signer, Summary};
use campaign_signer::record::Settings;
use campaign_signer::row::{Dialect, Input, Limits, Origin};
use campaign_signer::stop::Stop;

use crate::faulty_disk::FaultyDisk;
use crate::testkit::{self, Rng, SECRET, now, random_row};

/// Everything, not some of it.
pub(crate) fn is_full() -> bool {
    std::env::var("CAMPAIGN_SIGNER_FAULTS").is_ok_and(|value| value == "full")
}

pub(crate) fn format(alg: Alg) -> &'static Format {
    FORMATS.iter().find(|format| format.alg() == alg).unwrap()
}

/// What stands at the outputs before the run.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Before {
    Nothing,
    /// A finished run of another job, to be replaced.
    Finished,
    /// An unfinished run of another job, to be replaced.
    Unfinished,
}

/// A job, open to change.
pub(crate) struct Case {
    pub(crate) format: &'static Format,
    /// The signed file's name; its ending says how it is compressed.
    pub(crate) name: &'static str,
    pub(crate) style: Style,
    pub(crate) before: Before,
    /// Each output in a folder of its own.
    pub(crate) spread: bool,
    /// The records become parts of a folder; how these are compressed.
    pub(crate) parted: Option<Compression>,
    pub(crate) limits: Limits,
    pub(crate) count: u64,
    pub(crate) threads: usize,
    pub(crate) every: Interval,
    pub(crate) job_id: &'static str,
    timestamp: u64,
    inputs: Vec<Input>,
    older: Input,
    _folder: tempfile::TempDir,
}

/// After every task.
pub(crate) const ALWAYS: Interval = Interval {
    time: Duration::ZERO,
    rows: 1,
};
/// Only where the run begins and ends.
pub(crate) const NEVER: Interval = Interval {
    time: Duration::MAX,
    rows: u64::MAX,
};

impl Case {
    /// Three rows a batch, a checkpoint after every task.
    pub(crate) fn new(format: &'static Format, inputs: &[String]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let place = |name: String, text: &str| {
            let path = folder.path().join(name);
            fs::write(&path, text).unwrap();
            Input {
                origin: Origin::File(path),
                dialect: Dialect::Csv { delimiter: b',' },
            }
        };
        let numbered = inputs.iter().enumerate();
        Self {
            format,
            name: "signed.ndjson",
            style: Style::Ndjson,
            before: Before::Nothing,
            spread: false,
            parted: None,
            limits: Limits {
                batch_rows: 3,
                ..Limits::default()
            },
            count: 1,
            threads: 2,
            every: ALWAYS,
            job_id: "job",
            timestamp: now(),
            // What it gives can be told from what the job gives.
            older: place("older.csv".into(), &(inputs[0].clone() + "other,row\n")),
            inputs: numbered
                .map(|(at, text)| place(format!("rows-{at}.csv"), text))
                .collect(),
            _folder: folder,
        }
    }

    /// Some rows, two of them rejected, as HS256 tokens.
    pub(crate) fn tokens(rows: u64) -> Self {
        Self::new(format(Alg::Hs256), &[token_rows(rows, 1)])
    }

    /// Two inputs of tokens, their outputs named so.
    pub(crate) fn two_inputs(name: &'static str) -> Self {
        let inputs = [token_rows(7, 2), token_rows(5, 3)];
        Self {
            name,
            ..Self::new(format(Alg::Hs256), &inputs)
        }
    }

    /// Random rows as ES256 signatures.
    pub(crate) fn es256(rows: usize) -> Self {
        let format = format(Alg::Es256);
        let mut rng = Rng(4);
        let layout = format.layouts.last().unwrap();
        let rows: Vec<_> = (0..rows)
            .map(|_| random_row(format, layout, now(), &mut rng))
            .collect();
        let text = testkit::csv(format, &rows) + "too,few\n";
        Self::new(format, &[text])
    }

    /// Separated values, which begin with a header before the first row.
    pub(crate) fn separated(mut self) -> Self {
        self.style = Style::Csv(b',');
        self
    }

    pub(crate) fn over(mut self, before: Before) -> Self {
        self.before = before;
        self
    }

    pub(crate) fn spread(mut self) -> Self {
        self.spread = true;
        self
    }

    /// Parts of two records, by a column of many values.
    pub(crate) fn parted(mut self, compression: Compression) -> Self {
        self.parted = Some(compression);
        self.name = "parts/_records";
        self
    }

    /// A Parquet file.
    #[cfg(feature = "parquet")]
    pub(crate) fn tabulated(mut self) -> Self {
        self.style = Style::Parquet;
        self.name = "signed.parquet.records";
        self
    }

    fn signer(&self, job_id: &str) -> Signer {
        match self.format.alg() {
            Alg::Es256 => Signer::es256(&testkit::key(), &ENGINES[0], job_id),
            Alg::Hs256 => Signer::hs256(&Secret::from_bytes(SECRET).unwrap()),
        }
    }

    pub(crate) fn outputs(&self, folder: &Path) -> Outputs {
        let mut outputs = match self.parted {
            None => {
                // A table is made of records that are gathered beside it.
                let name = self.name.trim_end_matches(".records");
                Outputs::beside(&folder.join(name), self.style)
            }
            Some(compression) => {
                let by = vec!["firstName".to_owned()];
                let folder = folder.join("parts");
                Outputs::in_folder(&folder, by, Some(2), self.style, compression)
            }
        };
        if self.spread {
            outputs.rejects = Some(Target::File(folder.join("rejects/rejects.ndjson")));
            outputs.manifest = Some(folder.join("manifests/manifest.json"));
        }
        outputs.force = self.before != Before::Nothing;
        outputs
    }

    pub(crate) fn job(&self, folder: &Path, disk: Arc<dyn Disk>, resume: bool) -> Job {
        let mut settings = Settings::new(self.format, self.timestamp);
        settings.count = self.count;
        settings.allow_stale = true;
        let mut job = Job::new(settings, self.inputs.clone(), self.outputs(folder))
            .signed_by(self.signer(self.job_id), self.job_id);
        (job.limits, job.threads) = (self.limits, self.threads);
        (job.checkpoint_every, job.disk, job.resume) = (self.every, disk, resume);
        job
    }

    /// A folder as it is before the run.
    pub(crate) fn site(&self) -> Site {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path();
        if self.parted.is_some() {
            fs::create_dir(path.join("parts")).unwrap();
        }
        if self.spread {
            fs::create_dir(path.join("rejects")).unwrap();
            fs::create_dir(path.join("manifests")).unwrap();
        }
        let older = |stop: Option<usize>| {
            let mut job = self.job(path, Arc::new(FaultyDisk::good()), false);
            job.outputs.force = false;
            // Some of its parts have no other in their place.
            if self.parted.is_some() {
                job.outputs.partition_by = vec!["referable".into(), "firstName".into()];
            }
            job.job_id = "older".into();
            job.signer = Some(self.signer("older"));
            job.inputs = vec![self.older.clone()];
            job.settings.expires -= 1000;
            let (result, _) = attempt(job, stop);
            assert_eq!(result.is_ok(), stop.is_none());
        };
        match self.before {
            Before::Nothing => {}
            Before::Finished => older(None),
            Before::Unfinished => older(Some(2)),
        }
        let files = snapshot(path);
        Site { folder, files }
    }
}

/// A folder for outputs, and what was in it.
pub(crate) struct Site {
    folder: tempfile::TempDir,
    files: Files,
}

impl Site {
    pub(crate) fn path(&self) -> &Path {
        self.folder.path()
    }

    /// What was there before the run.
    pub(crate) fn before(&self) -> &Files {
        &self.files
    }
}

/// What a run said while it ran.
#[derive(Debug, Default)]
pub(crate) struct Seen {
    /// How many times it said how far it is.
    pub(crate) steps: usize,
    /// The rows of the last checkpoint it spoke of.
    pub(crate) checkpoint: Option<u64>,
    /// The rows it said a resume would go on from.
    pub(crate) left: Option<u64>,
    /// The rows it began with.
    pub(crate) begun: Option<u64>,
}

/// Runs a job; it is asked to stop after so many steps.
pub(crate) fn attempt(job: Job, stop_after: Option<usize>) -> (Result<Summary, Error>, Seen) {
    let mut seen = Seen::default();
    let stop = Stop::clone(&job.stop);
    let result = pipeline::run(job, |event| match event {
        Event::Begun(begun) => seen.begun = Some(begun.rows),
        Event::Checkpoint(progress) => seen.checkpoint = Some(progress.rows),
        Event::Left(progress) => seen.left = Some(progress.rows),
        Event::Progress(_) => {
            seen.steps += 1;
            if Some(seen.steps) == stop_after {
                stop.request();
            }
        }
    });
    (result, seen)
}

/// Files and their content.
pub(crate) type Files = BTreeMap<PathBuf, Vec<u8>>;

/// Every file below a folder; not its locks, which say when they were taken.
pub(crate) fn snapshot(folder: &Path) -> Files {
    let mut files = Files::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_none_or(|end| end != "lock") {
                files.insert(path.clone(), fs::read(path).unwrap());
            }
        }
    }
    files
}

fn remove_empty(folder: &Path) {
    for entry in fs::read_dir(folder).into_iter().flatten() {
        remove_empty(&entry.unwrap().path());
    }
    // It stays where a file is in it.
    drop(fs::remove_dir(folder));
}

/// These files and no others.
pub(crate) fn restore(folder: &Path, files: &Files) {
    for path in snapshot(folder).keys().filter(|p| !files.contains_key(*p)) {
        fs::remove_file(path).unwrap();
    }
    // Folders of partitions are made when they are needed.
    let parts = folder.join("parts");
    for entry in fs::read_dir(parts).into_iter().flatten() {
        remove_empty(&entry.unwrap().path());
    }
    for (path, content) in files {
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, content).unwrap();
    }
}

/// Rows of tokens as CSV: some are rejected, some lines are blank.
pub(crate) fn token_rows(rows: u64, seed: u64) -> String {
    let mut rng = Rng(seed);
    let mut text = String::from("id,email,firstName,referable\n");
    for row in 0..rows {
        let referable = if row % 9 == 4 { "perhaps" } else { "true" };
        let name = "x".repeat(rng.below(40) as usize);
        text += &format!("user-{seed}-{row},{row}@example.com,{name},{referable}\n");
        if rng.one_in(6) {
            text.push('\n');
        }
    }
    text
}

/// The lock of a case's outputs.
pub(crate) fn lock_of(case: &Case, folder: &Path) -> PathBuf {
    lock(&folder.join(case.name))
}

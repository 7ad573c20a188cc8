//! The manifest of a finished run.

use std::collections::BTreeMap;

use jiff::Timestamp;

use crate::output::{FileEntry, Manifest, OutputEntry, PartEntry, RunEntry, Staged, Target};
use crate::time::rfc3339;

use super::books::damage_entries;
use super::job::{Job, Summary};
use super::keeper::{self, Keeper};
use super::ledger::Ledger;
use super::signer::Signer;

impl Ledger {
    /// Describes the run.
    pub(super) fn describe(
        &self,
        job: &Job,
        signer: &Signer,
        summary: &Summary,
        (parts, table): (Option<Vec<PartEntry>>, Option<&OutputEntry>),
        started: Timestamp,
    ) -> Manifest {
        let settings = &job.settings;
        let terms = job.terms();
        let entry = |target: &Option<Target>, staged: Option<&Staged>, records: u64| {
            let extent = staged.map(Staged::extent).unwrap_or_default();
            FileEntry {
                path: target.as_ref().map(Target::name).unwrap_or_default(),
                bytes: extent.bytes,
                sha256: extent.sha256,
                records,
            }
        };
        let keeper = self.keeper.as_ref();
        let seconds = keeper.map_or(summary.elapsed.as_secs_f64(), Keeper::seconds);
        let mut notices = BTreeMap::new();
        for notice in summary.notices.iter() {
            *notices.entry(notice.code.clone().into_owned()).or_default() += notice.count;
        }
        let counts = summary.counts;
        let exit_code = u8::from(counts.rejected > 0 && !summary.within_limit);
        let signed = match (&job.outputs.folder, &parts) {
            (Some(folder), Some(parts)) => FileEntry {
                path: folder.path.display().to_string(),
                bytes: parts.iter().map(|part| part.bytes).sum(),
                sha256: String::new(),
                records: counts.records,
            },
            _ if table.is_some() => FileEntry {
                path: job
                    .outputs
                    .published()
                    .as_ref()
                    .map(Target::name)
                    .unwrap_or_default(),
                bytes: table.map_or(0, |table| table.extent.bytes),
                sha256: table
                    .map(|table| table.extent.sha256.clone())
                    .unwrap_or_default(),
                records: counts.records,
            },
            _ => entry(&job.outputs.signed, Some(&self.signed), counts.records),
        };
        Manifest {
            manifest_version: 1,
            tool: keeper::tool(),
            format: {
                let ids: Vec<&str> = settings.formats().map(|choice| choice.format.id).collect();
                ids.join(",")
            },
            key: signer.key.clone(),
            keys: signer.ring.clone(),
            made: summary.made.clone(),
            job_id: job.job_id.clone(),
            timestamp: settings.timestamp,
            timestamp_rfc3339: rfc3339(settings.timestamp),
            settings_sha256: terms.sha256(),
            settings: terms,
            inputs: summary.inputs.clone(),
            signed,
            parts,
            rejects: entry(&job.outputs.rejects, self.rejects.as_ref(), counts.rejected),
            counts,
            rejected_by_code: self.books.rejected_by_code(),
            damage: damage_entries(&self.books.damages),
            notices,
            run: RunEntry {
                engine: signer.engine.name().into(),
                lanes: signer.engine.lanes().into(),
                self_check: job.self_check.as_str().into(),
                recomputed: summary.recomputed,
                threads: summary.threads,
                attempts: keeper.map_or(1, |keeper| keeper.checkpoint.attempts),
                exit_code,
                started: keeper.map_or(started.to_string(), |keeper| {
                    keeper.checkpoint.started.clone()
                }),
                seconds,
                rows_per_second: counts.rows as f64 / seconds.max(1e-9),
                pace: self.books.pace.end(seconds, counts),
            },
        }
    }
}

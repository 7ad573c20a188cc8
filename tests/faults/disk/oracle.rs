//! What must hold after a disturbance, and after the resume that follows it.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use campaign_signer::error::Error;
use campaign_signer::output::{
    Checkpoint, Extent, OutputEntry, SystemDisk, checkpoint, partial, place_of, staged,
};
use campaign_signer::pipeline::Job;
use serde_json::Value;
use sha2::{Digest, Sha256};

use crate::faulty_disk::FaultyDisk;
use crate::site::{Before, Case, Files, Seen, Site, attempt, lock_of, snapshot};

/// What the undisturbed run of a case gives.
pub(crate) struct Oracle {
    /// Every file in the end but the manifest, by its name in the folder.
    data: Files,
    /// Without what varies between equal runs.
    manifest: Value,
    /// How many mutating operations it takes.
    pub(crate) operations: u64,
    /// How many times it says how far it is.
    pub(crate) steps: usize,
    pub(crate) rows: u64,
    pub(crate) records: u64,
}

/// What stands under a name.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Content {
    Nothing,
    Old,
    New,
}

pub(crate) type Verdict = Result<(), String>;

impl Oracle {
    pub(crate) fn of(case: &Case) -> Self {
        let site = case.site();
        let disk = FaultyDisk::good();
        let (result, seen) = attempt(case.job(site.path(), Arc::new(disk.clone()), false), None);
        let summary = result.unwrap();
        let manifest = manifest_of(case, site.path());
        let mut files = snapshot(site.path());
        let described = files.remove(&manifest).unwrap();
        let inside = |(path, content): (PathBuf, Vec<u8>)| {
            let name = path.strip_prefix(site.path()).unwrap().to_owned();
            is_published(&name).then_some((name, content))
        };
        let this = Self {
            data: files.into_iter().filter_map(inside).collect(),
            manifest: comparable(&described, site.path()).unwrap(),
            operations: disk.operations(),
            steps: seen.steps,
            rows: summary.counts.rows,
            records: summary.counts.records,
        };
        this.final_state(case, &site).unwrap();
        this
    }

    /// The names that stand, and the checkpoint, before a resume.
    pub(crate) fn unfinished(&self, case: &Case, site: &Site, seen: &Seen) -> Verdict {
        let files = snapshot(site.path());
        let published = self.names_are_whole(case, site, &files)?;
        let kept = self.claims_are_true(case, site, &files)?;
        let announced = seen.checkpoint.max(seen.left);
        match (announced, kept) {
            (Some(rows), Some(kept)) if kept < rows => {
                Err(format!("{rows} rows were announced as safe, {kept} are"))
            }
            // Nothing is safe without a checkpoint, but to start at row one.
            (Some(rows), None) if !published && rows > 0 => {
                Err(format!("{rows} rows were announced as safe, none are"))
            }
            _ => Ok(()),
        }
    }

    /// Whether the new manifest stands. Each name must hold all of the old or
    /// all of the new, and a manifest must describe what stands beside it.
    fn names_are_whole(&self, case: &Case, site: &Site, files: &Files) -> Result<bool, String> {
        let manifest = manifest_of(case, site.path());
        let is_new =
            |content: &Vec<u8>| comparable(content, site.path()).as_ref() == Some(&self.manifest);
        let described = match (files.get(&manifest), site.before().get(&manifest)) {
            (None, _) => Content::Nothing,
            (Some(content), _) if is_new(content) => Content::New,
            (content, old) if content == old => Content::Old,
            (Some(content), _) => {
                let bytes = content.len();
                return Err(format!(
                    "the manifest has {bytes} bytes that are neither run's"
                ));
            }
        };
        let inside = |path: &PathBuf| path.strip_prefix(site.path()).unwrap().to_owned();
        let old = site.before().keys().filter(|path| **path != manifest);
        let mut names: BTreeSet<PathBuf> =
            old.map(inside).filter(|name| is_published(name)).collect();
        names.extend(self.data.keys().cloned());
        // Nothing else stands under a name that anybody reads.
        for name in files.keys().filter(|path| **path != manifest).map(inside) {
            if is_published(&name) && !names.contains(&name) {
                return Err(format!("{} is of neither run", name.display()));
            }
        }
        for name in names {
            let path = site.path().join(&name);
            let (old, new) = (site.before().get(&path), self.data.get(&name));
            let found = files.get(&path);
            if found.is_some() && found != old && found != new {
                let bytes = found.map_or(0, Vec::len);
                let name = name.display();
                return Err(format!("{name} holds {bytes} bytes that are neither run's"));
            }
            // Data is replaced, and removed only where there is none in its
            // place; the mark of success comes after all and goes before all.
            let is_mark = name.ends_with("_SUCCESS");
            if old.is_some() && new.is_some() && found.is_none() && !is_mark {
                return Err(format!("{} is gone", path.display()));
            }
            let fits = match described {
                Content::Nothing => !is_mark || found.is_none(),
                Content::Old => is_mark && found.is_none() || found == old,
                Content::New => is_mark && found.is_none() || found == new,
            };
            if !fits {
                return Err(format!(
                    "the manifest is {described:?} beside {}",
                    path.display()
                ));
            }
        }
        Ok(described == Content::New)
    }

    /// The rows of the checkpoint that stands, once all it claims is found
    /// there. Another job's checkpoint claims nothing of ours.
    fn claims_are_true(
        &self,
        case: &Case,
        site: &Site,
        files: &Files,
    ) -> Result<Option<u64>, String> {
        let signed = site.path().join(case.name);
        let loaded = Checkpoint::load(&SystemDisk, &signed).map_err(|error| error.to_string())?;
        let Some(checkpoint) = loaded else {
            return Ok(None);
        };
        let holds = |content: Option<&Vec<u8>>, extent: &Extent, whole: bool| {
            let length = extent.bytes as usize;
            let content = content.filter(|content| !whole || content.len() == length);
            let start = content.and_then(|content| content.get(..length));
            start.is_some_and(|start| sha256(start) == extent.sha256)
        };
        let claims = [
            Some(&checkpoint.signed),
            checkpoint.index.as_ref(),
            checkpoint.rejects.as_ref(),
        ];
        for OutputEntry { path, extent } in claims.into_iter().flatten() {
            let is_there = holds(files.get(&partial(path)), extent, false);
            if checkpoint.publishing.is_none() && extent.bytes > 0 && !is_there {
                let (name, bytes) = (path.display(), extent.bytes);
                return Err(format!("the checkpoint claims {bytes} bytes of {name}"));
            }
        }
        for OutputEntry { path, extent } in checkpoint.publishing.iter().flat_map(|p| &p.files) {
            let waits = holds(files.get(&partial(path)), extent, true);
            if !waits && !holds(files.get(path), extent, true) {
                return Err(format!("{} is to be published and gone", path.display()));
            }
        }
        let parts = checkpoint.publishing.iter().flat_map(|p| &p.parts);
        for (at, part) in parts.enumerate() {
            let folder = signed.parent().unwrap();
            let extent = Extent {
                bytes: part.bytes,
                sha256: part.sha256.clone(),
            };
            let waits = holds(files.get(&partial(&staged(folder, at))), &extent, true);
            if !waits && !holds(files.get(&place_of(folder, &part.path)), &extent, true) {
                return Err(format!("{} is to be published and gone", part.path));
            }
        }
        let is_ours = checkpoint.job_id == case.job_id;
        Ok(is_ours.then_some(checkpoint.counts.rows))
    }

    /// Resumes on a good disk, and compares what is there then.
    pub(crate) fn resumed(&self, case: &Case, site: &Site) -> Verdict {
        let job = |resume| case.job(site.path(), Arc::new(FaultyDisk::good()), resume);
        self.resumed_by(case, site, job)
    }

    pub(crate) fn resumed_by(
        &self,
        case: &Case,
        site: &Site,
        job: impl Fn(bool) -> Job,
    ) -> Verdict {
        let before = snapshot(site.path());
        let (result, _) = attempt(job(true), None);
        let result = match result {
            // The one refusal there is: a run that was to replace another
            // job's unfinished one died before its own first checkpoint. The
            // other's is still whole then; it takes --force without --resume.
            Err(Error::Resume { .. }) if case.before == Before::Unfinished => {
                if snapshot(site.path()) != before {
                    return Err("a resume was refused and something changed".into());
                }
                attempt(job(false), None).0
            }
            result => result,
        };
        match result {
            Ok(_) => self.final_state(case, site),
            Err(error) => Err(format!("the resume failed: {error}")),
        }
    }

    /// All outputs are the undisturbed run's, and nothing else is there.
    pub(crate) fn final_state(&self, case: &Case, site: &Site) -> Verdict {
        let manifest = manifest_of(case, site.path());
        let mut files = snapshot(site.path());
        let described = files.remove(&manifest);
        let described = described.and_then(|m| comparable(&m, site.path()));
        if described.as_ref() != Some(&self.manifest) {
            return Err(format!("the manifest is another in the end: {described:?}"));
        }
        for (name, wanted) in &self.data {
            if files.remove(&site.path().join(name)).as_ref() != Some(wanted) {
                return Err(format!("{} has other bytes in the end", name.display()));
            }
        }
        let lock = lock_of(case, site.path());
        match files.keys().next() {
            Some(path) => Err(format!("{} is left over", path.display())),
            None if !lock.exists() => Err("the lock is gone".into()),
            None => Ok(()),
        }
    }

    /// Both.
    pub(crate) fn after(&self, case: &Case, site: &Site, seen: &Seen) -> Verdict {
        self.unfinished(case, site, seen)?;
        self.resumed(case, site)
    }
}

/// Signed records, rejects, manifest.
pub(crate) fn names(case: &Case, folder: &Path) -> [std::path::PathBuf; 3] {
    let outputs = case.outputs(folder);
    let files: Vec<_> = outputs.files().into_iter().map(|(_, path)| path).collect();
    files.try_into().unwrap()
}

fn manifest_of(case: &Case, folder: &Path) -> PathBuf {
    case.outputs(folder).manifest.unwrap()
}

/// Whether a name is one that people read, and not one that a run needs while
/// it is at work.
fn is_published(name: &Path) -> bool {
    let name = name.to_str().unwrap();
    !name.ends_with(".partial") && !name.ends_with(".checkpoint")
}

/// A manifest without what varies between equal runs in different folders.
fn comparable(manifest: &[u8], folder: &Path) -> Option<Value> {
    let text = std::str::from_utf8(manifest).ok()?;
    let text = text.replace(folder.to_str()?, "FOLDER");
    let mut value: Value = serde_json::from_str(&text).ok()?;
    value.as_object_mut()?.remove("run")?;
    Some(value)
}

fn sha256(bytes: &[u8]) -> String {
    campaign_signer::hex::hex(&Sha256::digest(bytes))
}

/// The rows of the checkpoint of a case, where there is one.
pub(crate) fn checkpoint_rows(case: &Case, folder: &Path) -> Option<u64> {
    let signed = folder.join(case.name);
    assert_eq!(checkpoint(&signed).exists(), {
        let loaded = Checkpoint::load(&SystemDisk, &signed).unwrap();
        loaded.is_some()
    });
    let loaded = Checkpoint::load(&SystemDisk, &signed).unwrap();
    loaded.map(|checkpoint| checkpoint.counts.rows)
}

/// Panics with the first violations, if there are any.
pub(crate) fn none(violations: &[String]) {
    let first = violations[..violations.len().min(8)].join("\n  ");
    assert!(violations.is_empty(), "{}:\n  {first}", violations.len());
}

//! What a run's rows were judged by: its settings, its publishers and its key
//! ring, as far as they are at hand and what they were. This file must not
//! know what became of the rows.

use std::sync::Arc;

use crate::choosing::{Chosen, fingerprint};
use crate::error::Error;
use crate::publishers::PublisherFile;
use crate::record::{PlanError, Rules};
use crate::stop::Stop;

use super::differences::Differences;
use super::manifest::{at_hand, file_input};
use super::whole::{AtHand, FinishedRun};

/// What the settings say of each format; `None` where the rows cannot be
/// judged, which is noted then.
pub(super) fn rules(
    run: &FinishedRun<'_>,
    differences: &mut Differences,
    notes: &mut Vec<String>,
) -> Result<Option<Vec<Rules>>, Error> {
    let manifest = run.manifest;
    let Some(settings) = manifest.settings.settings(manifest.timestamp) else {
        let id = &manifest.format;
        differences.add(format!("the manifest's format is {id:?}, which is none"));
        return Ok(None);
    };
    let unfit = |error: PlanError| format!("the manifest's settings are none: {error}");
    let mut rules = match Rules::all(&settings) {
        Ok(rules) => rules,
        Err(error) => {
            differences.add(unfit(error));
            return Ok(None);
        }
    };
    if !choose(run, &mut rules, notes)? {
        return Ok(None);
    }
    let Some(term) = &manifest.settings.publishers else {
        return Ok(Some(rules));
    };
    let path = &term.path;
    let input = at_hand(path, run.path).and_then(|path| file_input(path, term.form));
    let Some(mut input) = input else {
        notes.push(format!(
            "the publishers {path} are not at hand; the rows were not compared with the records"
        ));
        return Ok(None);
    };
    input.unpacking = run.unpacking;
    let file = PublisherFile::read(&input, &Stop::default())?;
    let found = file.term(&settings).sha256;
    if found != term.sha256 {
        let said = &term.sha256;
        differences.add(format!(
            "the publishers {path} have SHA-256 {found}, the manifest {said}"
        ));
        notes.push(format!(
            "the publishers {path} are not what they were; the rows were not compared with the \
             records"
        ));
        return Ok(None);
    }
    if let Err(error) = file.introduce(&mut rules) {
        differences.add(format!("the manifest's settings do not fit: {error}"));
        return Ok(None);
    }
    Ok(Some(rules))
}

/// Lets rows choose among the keys of the ring that the run had; whether they
/// can.
fn choose(
    run: &FinishedRun<'_>,
    rules: &mut [Rules],
    notes: &mut Vec<String>,
) -> Result<bool, Error> {
    let manifest = run.manifest;
    if manifest.keys.is_empty() {
        return Ok(true);
    }
    let AtHand::Ring(ring) = run.key else {
        notes.push(
            "the run chose among the keys of a ring, and that is not at hand; the rows were not \
             compared with the records"
                .into(),
        );
        return Ok(false);
    };
    let alg = rules.first().map(|rules| rules.format().alg());
    let is_own = |entry: &&crate::ring::RingEntry| Some(entry.key.alg()) == alg;
    if let (Some(alg), true) = (alg, ring.entries.iter().any(|entry| is_own(&entry))) {
        let Chosen { entries, choices } = Chosen::of(ring, alg)?;
        if fingerprint(&entries) == manifest.key.fingerprint {
            let choices = Arc::new(choices);
            rules.iter_mut().for_each(|rules| rules.choose(&choices));
            return Ok(true);
        }
    }
    notes.push(format!(
        "{} is not what it was; the rows were not compared with the records",
        ring.path.display()
    ));
    Ok(false)
}

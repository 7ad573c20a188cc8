//! The power goes at every operation of a run, and of a resume; and a process
//! is killed at one and the power goes at another.

use std::sync::Arc;

use campaign_signer::error::Error;
use campaign_signer::output::Compression;

use crate::crash_disk::{CrashDisk, Lie, outages};
use crate::oracle::{Oracle, none};
use crate::site::{Before, Case, Seen, Site, attempt, is_full, restore};
use crate::testkit::Rng;

/// Runs until the power goes after so many operations. Gives the disk, and
/// what the run had said; `None` where it was finished before.
fn run_until(case: &Case, site: &Site, until: u64, resume: bool, lie: Lie) -> Option<Crash> {
    let disk = CrashDisk::new(site.path(), until, lie);
    let job = case.job(site.path(), Arc::new(disk.clone()), resume);
    let (result, seen) = attempt(job, None);
    match result {
        Ok(_) => assert!(!disk.is_dead(), "a run without a disk ended well"),
        Err(Error::Resume { .. }) if resume => {}
        Err(error) => assert!(disk.is_dead(), "{error}"),
    }
    disk.is_dead().then_some(Crash { disk, seen })
}

struct Crash {
    disk: CrashDisk,
    seen: Seen,
}

/// The power is back: tries everything that may be there then.
fn judge(
    case: &Case,
    oracle: &Oracle,
    site: &Site,
    crash: &Crash,
    (at, all): (&str, bool),
    violations: &mut Vec<String>,
) {
    let seed = crash.disk.seed();
    let outages = outages(seed);
    // Two disturbances make many pairs: some of what may follow is enough.
    let (first, step) = match all || is_full() {
        true => (0, 1),
        false => (seed as usize % 3, 3),
    };
    for (nth, (names, content)) in outages.iter().enumerate().skip(first).step_by(step) {
        crash.disk.lose(*names, *content);
        if let Err(what) = oracle.after(case, site, &crash.seen) {
            violations.push(format!("{at}, {nth} {names:?} {content:?}: {what}"));
        }
    }
}

/// About so many of all operations, or more where everything is tried.
fn places(last: u64, about: u64) -> Vec<u64> {
    let about = if is_full() { about * 4 } else { about };
    let step = (last / about).max(1);
    let (start, end) = (last % step, last);
    (start..=end).step_by(step as usize).collect()
}

fn crash_everywhere(case: &Case, lie: Lie, about: u64) -> Vec<String> {
    let oracle = Oracle::of(case);
    let site = case.site();
    let mut violations = Vec::new();
    for until in places(oracle.operations - 1, about) {
        restore(site.path(), site.before());
        let crash = run_until(case, &site, until, false, lie).expect("a run with work to do");
        let at = format!("operation {until}");
        judge(case, &oracle, &site, &crash, (&at, true), &mut violations);
    }
    violations
}

fn cases() -> Vec<Case> {
    vec![
        Case::tokens(if is_full() { 20 } else { 8 }),
        Case::two_inputs("signed.csv.zst").separated(),
        Case::tokens(6).over(Before::Finished),
        Case::tokens(6).over(Before::Unfinished),
        Case::tokens(5).spread().over(Before::Finished),
        Case::es256(if is_full() { 5 } else { 3 }),
        Case::tokens(if is_full() { 12 } else { 6 }).parted(Compression::None),
        Case::tokens(5)
            .parted(Compression::Zstd)
            .over(Before::Finished),
        Case::tokens(5)
            .parted(Compression::None)
            .over(Before::Unfinished),
        #[cfg(feature = "parquet")]
        Case::tokens(6).tabulated(),
        #[cfg(feature = "parquet")]
        Case::two_inputs("").tabulated().over(Before::Finished),
        #[cfg(feature = "parquet")]
        Case::tokens(5).tabulated().over(Before::Unfinished),
    ]
}

#[test]
fn whenever_the_power_goes_a_resume_gives_the_same_bytes() {
    for case in cases() {
        none(&crash_everywhere(&case, Lie::Nothing, 1000));
    }
}

#[test]
fn whenever_the_power_goes_twice_a_resume_gives_the_same_bytes() {
    for case in cases() {
        let oracle = Oracle::of(&case);
        let site = case.site();
        let mut violations = Vec::new();
        let mut rng = Rng(8);
        for until in places(oracle.operations - 1, 8) {
            restore(site.path(), site.before());
            let crash = run_until(&case, &site, until, false, Lie::Nothing).unwrap();
            let outages = outages(until);
            let (names, content) = outages[rng.below(outages.len() as u64) as usize];
            let files = crash.disk.after(names, content);
            for again in places(oracle.operations, 8) {
                restore(site.path(), &files);
                let Some(crash) = run_until(&case, &site, again, true, Lie::Nothing) else {
                    break;
                };
                let at = format!("operation {until} {names:?} {content:?}, then {again}");
                judge(&case, &oracle, &site, &crash, (&at, false), &mut violations);
            }
        }
        none(&violations);
    }
}

#[test]
fn a_power_failure_after_a_kill_loses_nothing_either() {
    for case in cases() {
        let oracle = Oracle::of(&case);
        let site = case.site();
        let mut violations = Vec::new();
        let last = oracle.operations - 1;
        // Most of what is special happens at the end, where names change.
        let mut kills = places(last, 3);
        kills.extend(last - 12..last);
        let step = if is_full() { 3 } else { 5 };
        for until in kills {
            for again in (1 + until % step..).step_by(step as usize) {
                restore(site.path(), site.before());
                let Crash { disk, .. } =
                    run_until(&case, &site, until, false, Lie::Nothing).unwrap();
                disk.go_on(again);
                let job = case.job(site.path(), Arc::new(disk.clone()), true);
                let (_, seen) = attempt(job, None);
                let at = format!("killed at {until}, powerless at {again}");
                let crash = Crash { disk, seen };
                judge(&case, &oracle, &site, &crash, (&at, false), &mut violations);
                if !crash.disk.is_dead() {
                    break;
                }
            }
        }
        none(&violations);
    }
}

#[test]
fn a_disk_that_does_not_sync_is_found_out() {
    for (lie, case) in [
        (Lie::Sync, Case::tokens(8)),
        (Lie::SyncFolder, Case::tokens(8)),
        (Lie::Sync, Case::tokens(5).over(Before::Finished)),
        (Lie::SyncFolder, Case::tokens(5).over(Before::Finished)),
    ] {
        let violations = crash_everywhere(&case, lie, 1000);
        assert!(!violations.is_empty(), "{lie:?}");
    }
}

//! Every operation of a run fails once, or from then on.

use std::sync::Arc;

use campaign_signer::error::{Error, Kind};
use campaign_signer::output::Compression;

use crate::faulty_disk::{FaultyDisk, Plan};
use crate::oracle::{Oracle, Verdict, none};
use crate::site::{Before, Case, Files, Site, attempt, is_full, restore, snapshot};

const EIO: i32 = 5;
const ENOSPC: i32 = 28;
const EROFS: i32 = 30;
const EDQUOT: i32 = 122;

/// The error says where, of what kind, and what to do where that is known.
fn is_clear(error: &Error, site: &Site, errno: i32) -> Verdict {
    let words = error.to_string();
    if error.kind() != Kind::Io {
        return Err(format!("{words} is {:?}", error.kind()));
    }
    if !words.contains(site.path().to_str().unwrap()) {
        return Err(format!("{words:?} names no file"));
    }
    match (errno, error.hint()) {
        (ENOSPC | EROFS | EDQUOT, None) => Err(format!("{words:?} gives no hint")),
        _ => Ok(()),
    }
}

/// Lets every operation fail in turn: of a run, or of a resume from these files.
fn sweep(case: &Case, oracle: &Oracle, site: &Site, start: Option<&Files>, plans: &[(i32, bool)]) {
    let mut violations = Vec::new();
    for &(errno, persists) in plans {
        for at in 1.. {
            restore(site.path(), start.unwrap_or(site.before()));
            let plan = Plan {
                at,
                persists,
                errno,
            };
            let disk = FaultyDisk::new(plan);
            let job = case.job(site.path(), Arc::new(disk.clone()), start.is_some());
            let (result, seen) = attempt(job, None);
            let verdict = match &result {
                _ if disk.retried() > 0 => Err("a failed sync was tried again".into()),
                Ok(_) if disk.faults() > 0 => Err("an error was passed over".into()),
                Ok(_) => oracle.final_state(case, site),
                Err(error) => {
                    is_clear(error, site, errno).and_then(|()| oracle.after(case, site, &seen))
                }
            };
            if let Err(what) = verdict {
                let said = result.err().map(|error| error.to_string());
                violations.push(format!("{plan:?}: {what} (after {said:?})"));
            }
            if disk.faults() == 0 {
                break;
            }
        }
    }
    none(&violations);
}

/// Every error once and for good, or two of the four pairs in turn.
fn plans(nth: usize) -> Vec<(i32, bool)> {
    let all = [EIO, ENOSPC, EROFS, EDQUOT].map(|errno| [(errno, false), (errno, true)]);
    let all = all.concat();
    match is_full() {
        true => all,
        false => vec![all[nth % 8], all[(nth + 3) % 8]],
    }
}

#[test]
fn whatever_operation_fails_the_run_says_so_and_can_be_resumed() {
    let cases = [
        Case::tokens(20),
        Case::two_inputs("signed.ndjson.gz"),
        Case::two_inputs("signed.ndjson.zst"),
        Case::tokens(11).over(Before::Finished),
        Case::tokens(11).over(Before::Unfinished),
        Case::tokens(8).spread().over(Before::Finished),
        Case::two_inputs("signed.csv.gz").separated(),
        Case::es256(7),
        Case::tokens(11).parted(Compression::None),
        Case::two_inputs("").separated().parted(Compression::Gzip),
        Case::tokens(8)
            .parted(Compression::Zstd)
            .over(Before::Finished),
        Case::tokens(8)
            .parted(Compression::None)
            .over(Before::Unfinished),
        #[cfg(feature = "parquet")]
        Case::tokens(8).tabulated().over(Before::Finished),
    ];
    for (nth, case) in cases.iter().enumerate() {
        let oracle = Oracle::of(case);
        sweep(case, &oracle, &case.site(), None, &plans(nth));
    }
}

#[test]
fn whatever_operation_of_a_resume_fails_it_can_be_resumed_again() {
    let cases = [
        Case::tokens(14),
        Case::two_inputs("signed.ndjson.gz").over(Before::Finished),
        Case::es256(5).spread(),
        Case::tokens(8)
            .parted(Compression::None)
            .over(Before::Finished),
    ];
    for (nth, case) in cases.iter().enumerate() {
        let oracle = Oracle::of(case);
        // Early, in the middle, and while the files get their names.
        let last = oracle.operations;
        for at in [
            last / 4,
            last / 2,
            last - 9,
            last - 6,
            last - 4,
            last - 2,
            last,
        ] {
            let site = case.site();
            let disk = FaultyDisk::new(Plan {
                at,
                persists: true,
                errno: EIO,
            });
            let job = case.job(site.path(), Arc::new(disk), false);
            attempt(job, None).0.unwrap_err();
            let files = snapshot(site.path());
            let plans = plans(nth + at as usize);
            sweep(case, &oracle, &site, Some(&files), &plans);
        }
    }
}

#[test]
fn short_and_interrupted_reads_and_writes_change_nothing() {
    let cases = [
        Case::tokens(20),
        Case::two_inputs("signed.ndjson.zst"),
        Case::tokens(12).parted(Compression::Zstd),
    ];
    for case in &cases {
        let oracle = Oracle::of(case);
        for shortest in [1, 2, 7, 300] {
            let site = case.site();
            let job = |resume| {
                let disk = Arc::new(FaultyDisk::halting(shortest));
                case.job(site.path(), disk, resume)
            };
            attempt(job(false), Some(3)).0.unwrap_err();
            oracle.resumed_by(case, &site, job).unwrap();
        }
    }
}

#[test]
fn a_run_that_cannot_begin_leaves_nothing() {
    for case in [
        Case::tokens(8),
        Case::tokens(8).over(Before::Finished),
        Case::tokens(8).parted(Compression::None),
    ] {
        for at in 1.. {
            let site = case.site();
            let disk = FaultyDisk::new(Plan {
                at,
                persists: false,
                errno: ENOSPC,
            });
            let (result, seen) = attempt(case.job(site.path(), Arc::new(disk), false), None);
            if seen.begun.is_some() {
                assert!(at > 8, "a run begins with more than {at} operations");
                break;
            }
            let error = result.unwrap_err();
            assert_eq!(&snapshot(site.path()), site.before(), "{at}: {error}");
        }
    }
}

//! Runs that are asked to stop, once or after every step, and what adds up in
//! the end.

use std::io::Read;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use campaign_signer::engine::{Check, Engine, Messages, SignError, Signatures, Verifier};
use campaign_signer::error::{Error, Kind};
use campaign_signer::output::Compression;
use campaign_signer::pipeline::Job;

use crate::faulty_disk::FaultyDisk;
use crate::oracle::{Oracle, checkpoint_rows, names};
use crate::site::{ALWAYS, Before, Case, NEVER, Site, attempt, format, is_full};
use crate::testkit::Rng;

fn job(case: &Case, site: &Site, resume: bool) -> Job {
    case.job(site.path(), Arc::new(FaultyDisk::good()), resume)
}

/// How often the finished run was begun, as its manifest says.
fn attempts(case: &Case, site: &Site) -> u64 {
    let manifest = case.outputs(site.path()).manifest.unwrap();
    let manifest: serde_json::Value =
        serde_json::from_slice(&std::fs::read(manifest).unwrap()).unwrap();
    manifest["run"]["attempts"].as_u64().unwrap()
}

#[test]
fn a_run_that_is_stopped_after_any_step_can_be_resumed() {
    for mut case in [
        Case::tokens(20),
        Case::two_inputs("signed.ndjson.gz"),
        Case::tokens(7).separated(),
        Case::tokens(8).over(Before::Finished).spread(),
        Case::tokens(9).parted(Compression::Gzip),
    ] {
        for every in [ALWAYS, NEVER] {
            case.every = every;
            let oracle = Oracle::of(&case);
            for step in 1..=oracle.steps {
                let site = case.site();
                let (result, seen) = attempt(job(&case, &site, false), Some(step));
                let error = result.unwrap_err();
                assert_eq!(error.kind(), Kind::Interrupted, "{error}");
                let Error::Interrupted { rows } = error else {
                    panic!("{error:?}");
                };
                assert_eq!(seen.left, Some(rows));
                assert_eq!(checkpoint_rows(&case, site.path()), Some(rows));
                oracle.after(&case, &site, &seen).unwrap();
                assert_eq!(attempts(&case, &site), 2);
            }
        }
    }
}

/// An engine, and how many messages it has signed.
struct Counting(Box<dyn Engine>, Arc<AtomicU64>);

impl Verifier for Counting {
    fn verify(&self, message: &[u8], signature: &[u8]) -> bool {
        self.0.verify(message, signature)
    }
}

impl Engine for Counting {
    fn name(&self) -> &'static str {
        self.0.name()
    }

    fn lanes(&self) -> &'static str {
        self.0.lanes()
    }

    fn width(&self) -> usize {
        self.0.width()
    }

    fn sign_batch(
        &self,
        messages: &Messages,
        check: Check,
        out: &mut Signatures,
    ) -> Result<u64, SignError> {
        self.1.fetch_add(messages.len() as u64, Ordering::SeqCst);
        self.0.sign_batch(messages, check, out)
    }
}

/// Stops after every step until the run is done. Gives how many attempts it
/// took and how many messages were signed in all of them.
fn creep(case: &Case, site: &Site) -> (u64, u64) {
    let signed = Arc::new(AtomicU64::new(0));
    let mut rows = 0;
    for nth in 1..1000 {
        let mut job = job(case, site, nth > 1);
        let mut signer = job.signer.take().unwrap();
        signer.engine = Box::new(Counting(signer.engine, Arc::clone(&signed)));
        job.signer = Some(signer);
        let (result, seen) = attempt(job, Some(1));
        if nth > 1 {
            assert_eq!(
                seen.begun,
                Some(rows),
                "a resume begins where the stop left"
            );
        }
        match result {
            Ok(_) => return (nth, signed.load(Ordering::SeqCst)),
            Err(Error::Interrupted { rows: now }) => rows = now,
            Err(error) => panic!("{error}"),
        }
    }
    panic!("the run never ends")
}

#[test]
fn a_run_that_is_stopped_after_every_step_gets_done() {
    for mut case in [
        Case::tokens(20),
        Case::two_inputs("signed.ndjson.zst").over(Before::Finished),
    ] {
        // A single worker with one task in flight would be stopped after
        // each; whatever is in flight is finished, so there are fewer.
        case.threads = 1;
        let oracle = Oracle::of(&case);
        let site = case.site();
        let (nth, _) = creep(&case, &site);
        oracle.final_state(&case, &site).unwrap();
        assert_eq!(attempts(&case, &site), nth);
        assert!(nth > 1);
    }
}

#[test]
fn a_stop_within_a_batch_signs_nothing_twice() {
    // A batch of two rows is three tasks then.
    let mut case = Case::es256(4);
    (case.count, case.limits.batch_rows) = (1100, 2);
    for (threads, every) in [(1, ALWAYS), (2, NEVER)] {
        (case.threads, case.every) = (threads, every);
        let oracle = Oracle::of(&case);
        let site = case.site();
        let (nth, signed) = creep(&case, &site);
        oracle.final_state(&case, &site).unwrap();
        assert!(nth > 1, "stopped before its end");
        assert_eq!(signed, oracle.records);
        assert!(signed > 2 * case.count);
    }
}

/// How many lines a file holds, decompressed.
fn lines(path: &Path) -> u64 {
    let bytes = std::fs::read(path).unwrap();
    let mut text = String::new();
    let read = match Compression::of(path) {
        Compression::None => bytes.as_slice().read_to_string(&mut text),
        Compression::Gzip => {
            flate2::read::MultiGzDecoder::new(bytes.as_slice()).read_to_string(&mut text)
        }
        Compression::Zstd => zstd::Decoder::new(bytes.as_slice())
            .unwrap()
            .read_to_string(&mut text),
    };
    read.unwrap();
    text.lines().count() as u64
}

/// Random rows of every kind, and how many they are.
fn random_rows(rng: &mut Rng) -> (String, u64) {
    let mut text = String::from("id,email,firstName,referable\n");
    let rows = rng.below(40);
    let mut row = 0;
    while row < rows {
        row += 1;
        match rng.below(8) {
            0 => {
                text.push('\n');
                row -= 1;
            }
            1 => text += "too,few\n",
            2 => text += &format!("user-{row},,,perhaps\n"),
            3 => text += &format!("user-{row},\"a\n\nb\",,true\n"),
            4 => text += &format!("\"user\"-{row},,,\n"),
            _ => text += &format!("user-{row},{row}@example.com,\"Zoë, the {row}th\",true\n"),
        }
    }
    (text, rows)
}

#[test]
fn whatever_the_rows_and_the_stops_every_row_is_signed_or_rejected_once() {
    let tokens = format(campaign_signer::format::Alg::Hs256);
    for seed in 0..if is_full() { 600 } else { 60 } {
        let mut rng = Rng(seed);
        let inputs: Vec<(String, u64)> =
            (0..=rng.below(3)).map(|_| random_rows(&mut rng)).collect();
        let texts: Vec<String> = inputs.iter().map(|(text, _)| text.clone()).collect();
        let rows: u64 = inputs.iter().map(|(_, rows)| rows).sum();
        let mut case = Case::new(tokens, &texts);
        case.name = rng.pick(&["signed.ndjson", "signed.ndjson.gz", "signed.ndjson.zst"]);
        case.limits.batch_rows = 1 + rng.below(9) as usize;
        case.limits.batch_bytes = 1 + rng.below(600) as usize;
        case.threads = 1 + rng.below(4) as usize;
        case.every = if rng.one_in(2) { ALWAYS } else { NEVER };
        let oracle = Oracle::of(&case);
        assert_eq!(oracle.rows, rows, "seed {seed}");

        let site = case.site();
        let mut resume = false;
        loop {
            let step = 1 + rng.below(oracle.steps.max(1) as u64) as usize;
            // Any number of threads may go on.
            case.threads = 1 + rng.below(4) as usize;
            let (result, seen) = attempt(job(&case, &site, resume), Some(step));
            match result {
                Ok(_) => break,
                Err(Error::Interrupted { rows }) => assert_eq!(seen.left, Some(rows)),
                Err(error) => panic!("seed {seed}: {error}"),
            }
            oracle.unfinished(&case, &site, &seen).unwrap();
            resume = true;
        }
        oracle.resumed(&case, &site).unwrap();
        let [signed, rejects, _] = names(&case, site.path());
        assert_eq!(lines(&signed) + lines(&rejects), rows, "seed {seed}");
    }
}

#[test]
fn a_stop_before_the_first_row_is_no_error_of_the_input() {
    let case = Case::tokens(20);
    let oracle = Oracle::of(&case);
    // Before a first attempt, and while a resume passes over what is done.
    for resume in [false, true] {
        let site = case.site();
        let mut done = 0;
        if resume {
            let (_, seen) = attempt(job(&case, &site, false), Some(2));
            done = seen.left.unwrap();
        }
        let next = job(&case, &site, resume);
        next.stop.request();
        let (result, seen) = attempt(next, None);
        match result {
            Err(Error::Interrupted { rows }) => assert_eq!(rows, done),
            other => panic!("{other:?}"),
        }
        oracle.after(&case, &site, &seen).unwrap();
    }
}

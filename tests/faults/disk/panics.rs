//! Code that panics in a run: an engine at some record, a format's own rule at
//! some row. The run names the place, publishes nothing, keeps what came
//! before it, and ends.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc;
use std::time::Duration;

use campaign_signer::engine::{Check, Engine, Hs256, Messages, SignError, Signatures, Verifier};
use campaign_signer::error::{Error, Kind};
use campaign_signer::format::{
    Alg, Claim, Fault, Field, Format, Freshness, HeaderValue, KeyUse, Kind as FieldKind, Layout,
    Signing, Source,
};
use campaign_signer::jws::read_base64url;
use campaign_signer::key::Secret;
use campaign_signer::pipeline::Signer;

use crate::faulty_disk::FaultyDisk;
use crate::oracle::{Oracle, checkpoint_rows};
use crate::site::{Case, NEVER, attempt, snapshot};
use crate::testkit::SECRET;

/// Gives what the work gives, unless it hangs.
fn in_time<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> T {
    let (done, wait) = mpsc::channel();
    let worker = std::thread::spawn(move || done.send(work()));
    match wait.recv_timeout(Duration::from_secs(60)) {
        Ok(result) => result,
        Err(mpsc::RecvTimeoutError::Timeout) => panic!("the run hangs"),
        // It has panicked: in its own words.
        Err(mpsc::RecvTimeoutError::Disconnected) => match worker.join() {
            Err(panic) => std::panic::resume_unwind(panic),
            Ok(_) => unreachable!("a thread that ends well sends first"),
        },
    }
}

/// Signs as the good engine does, but for the messages of one user.
struct Panicking(Hs256, String);

impl Verifier for Panicking {
    fn verify(&self, message: &[u8], signature: &[u8]) -> bool {
        self.0.verify(message, signature)
    }
}

impl Engine for Panicking {
    fn name(&self) -> &'static str {
        "panicking"
    }

    fn lanes(&self) -> &'static str {
        self.0.lanes()
    }

    fn width(&self) -> usize {
        32
    }

    fn sign_batch(
        &self,
        messages: &Messages,
        check: Check,
        out: &mut Signatures,
    ) -> Result<u64, SignError> {
        for message in messages.iter() {
            let claims = message.rsplit(|byte| *byte == b'.').next().unwrap();
            let claims = read_base64url(std::str::from_utf8(claims).unwrap()).unwrap();
            let claims = String::from_utf8(claims).unwrap();
            assert!(!claims.contains(&self.1), "the engine broke");
        }
        self.0.sign_batch(messages, check, out)
    }
}

#[test]
fn an_engine_that_panics_costs_its_own_task_and_no_other() {
    for threads in [1, 2, 4] {
        for (user, first, last) in [(0, 1, 3), (7, 7, 9), (19, 19, 20)] {
            for every in [crate::site::ALWAYS, NEVER] {
                in_time(move || {
                    let mut case = Case::tokens(20);
                    (case.threads, case.every) = (threads, every);
                    let oracle = Oracle::of(&case);
                    let site = case.site();
                    let mut job = case.job(site.path(), Arc::new(FaultyDisk::good()), false);
                    let mut signer = Signer::hs256(&Secret::from_bytes(SECRET).unwrap());
                    let user = format!("user-1-{user}\"");
                    signer.engine = Box::new(Panicking(Hs256::new(&[SECRET]), user));
                    job.signer = Some(signer);
                    let (result, seen) = attempt(job, None);
                    let error = result.unwrap_err();
                    assert_eq!(error.kind(), Kind::Internal);
                    match &error {
                        Error::Panicked { words, records } => {
                            assert_eq!(words, "the engine broke");
                            assert_eq!(*records, Some((first, last)));
                        }
                        _ => panic!("{error:?}"),
                    }
                    // Every earlier task is safe.
                    assert_eq!(checkpoint_rows(&case, site.path()), Some(first - 1));
                    assert_eq!(seen.left, Some(first - 1));
                    oracle.after(&case, &site, &seen).unwrap();
                });
            }
        }
    }
}

/// The rows that the rule below has seen: it panics at the one whose turn
/// `ARMED` says, and at none for 0.
static ARMED: AtomicU64 = AtomicU64::new(0);

fn rule(text: &str) -> Result<(), Fault> {
    let armed = ARMED.load(Ordering::SeqCst);
    assert!(armed == 0 || text != armed.to_string(), "the rule broke");
    Ok(())
}

/// A format whose rule panics.
static FRAGILE: Format = Format {
    id: "fragile",
    title: "Fragile",
    purpose: "breaks at a row",
    sources: &[],
    key: KeyUse::AuthToken,
    fields: &[Field::new(
        "number",
        FieldKind::Pattern {
            regex: "^.*$",
            wanted: "anything",
            check: rule,
        },
        Source::Required,
        "The row's number.",
    )],
    layouts: &[Layout {
        version: None,
        signing: Signing::Jws {
            header: &[("alg", HeaderValue::Constant("HS256"))],
            claims: &[Claim::Field("number")],
        },
    }],
    freshness: Freshness::Silent,
    nonce_scope: &[],
    derived: &[],
    unsigned: &[],
    shapes: &[],
};

#[test]
fn a_rule_that_panics_names_its_row_and_costs_no_earlier_batch() {
    assert_eq!(FRAGILE.alg(), Alg::Hs256);
    let rows: Vec<String> = (1..=11).map(|row| format!("{row}\n")).collect();
    let text = format!("number\n{}", rows.concat());
    for row in [1, 3, 4, 8, 11] {
        let text = text.clone();
        in_time(move || {
            let case = Case::new(&FRAGILE, &[text]);
            let oracle = Oracle::of(&case);
            let site = case.site();
            ARMED.store(row, Ordering::SeqCst);
            let job = case.job(site.path(), Arc::new(FaultyDisk::good()), false);
            let (result, seen) = attempt(job, None);
            ARMED.store(0, Ordering::SeqCst);
            match result {
                Err(Error::Panicked { words, records }) => {
                    assert_eq!(words, "the rule broke");
                    assert_eq!(records, Some((row, row)));
                }
                other => panic!("{other:?}"),
            }
            // Batches are of three rows.
            let safe = (row - 1) / 3 * 3;
            assert_eq!(checkpoint_rows(&case, site.path()), Some(safe));
            assert_eq!(seen.left, Some(safe));
            let published = snapshot(site.path());
            assert!(!published.contains_key(&site.path().join(case.name)));
            oracle.after(&case, &site, &seen).unwrap();
        });
    }
}

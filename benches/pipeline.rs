//! Whole runs beside the engine alone: `cargo bench --bench pipeline`, or
//! `-- threads`, `-- verify`, `-- rows`, `-- products`, `-- keys`, `-- shapes`,
//! `-- parts` for one section. A number among the words (`-- rows 10000000`) is
//! the most rows of one run; the default is a million, and ten
//! million take 5 GB in the temporary folder.
//!
//! Whole runs (CSV in; signed records, rejects and manifest out, all of them
//! synced) take turns with the same engine, signing as many messages of the
//! same length on as many threads with no pipeline around it, and with a bare
//! loop over the `p256` crate: see `common`. Each round gives a ratio, and
//! their median is what counts, because a shared machine changes its speed
//! from minute to minute.

mod common;
mod inventory;

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use campaign_signer::engine::{Check, ENGINES, Engine, Messages, SignError, Signatures, Verifier};
use campaign_signer::format::{Alg, Format};
use campaign_signer::measure::{self, BATCH, Runner};
use campaign_signer::record::{Rules, Settings};
use campaign_signer::row::{Dialect, Input, Origin};
use campaign_signer::{template, verify};

use common::{Turns, is_wanted, p256_alone, pool, threads, words};

const FORMATS: [&str; 4] = [
    "aak-impression",
    "skan-view",
    "appstore-promo-v2",
    "impact-user-jwt",
];

const ROUNDS: usize = 5;
const TURN: Duration = Duration::from_millis(250);
const RUN: Duration = Duration::from_millis(500);
/// Records of the file that is read with a verifier that takes no time.
const FREE_ROWS: u64 = 40_000;
const MOST_ROWS: u64 = 1_000_000;

fn main() {
    let Some(words) = words() else { return };
    if is_wanted(&words, "threads") {
        whole_runs();
    }
    if is_wanted(&words, "verify") {
        whole_files();
    }
    if is_wanted(&words, "rows") {
        let given = words.iter().find_map(|word| word.parse().ok());
        lengths(given.unwrap_or(MOST_ROWS));
    }
    let sections: [(&str, fn()); 4] = [
        ("products", inventory::products),
        ("keys", inventory::keys),
        ("shapes", inventory::shapes),
        ("parts", inventory::parts),
    ];
    for (name, run) in sections {
        if is_wanted(&words, name) {
            run();
        }
    }
}

fn format(id: &str) -> &'static Format {
    Format::find(id).expect("a format")
}

/// The runner of the preferred engine.
fn runner(threads: usize) -> Runner {
    Runner::new(&ENGINES[0], threads).expect("a key")
}

/// Whole runs beside the engine alone, for every number of threads.
fn whole_runs() {
    println!(
        "\nthreads: whole runs beside the engine alone ({}, or hmac); batches of {BATCH}, check batch\n",
        ENGINES[0].name
    );
    println!(
        "{:<18} {:>7} {:>12} {:>12} {:>12} {:>8} {:>10} {:>8}",
        "format", "threads", "p256 alone/s", "engine/s", "rows/s", "MB/s", "of engine", "x p256"
    );
    for id in FORMATS {
        for threads in threads() {
            let (format, runner, pool) = (format(id), runner(threads), pool(threads));
            let messages = measure::messages(BATCH, message_length(&runner, format));
            let signer = runner.signer(format).expect("a signer");
            let engine = signer.engine.as_ref();
            let about = runner.run_for(format, RUN).expect("a run");
            let mut turns = Turns::default();
            let bare = turns.add(|| match format.alg() {
                Alg::Es256 => p256_alone(&pool, runner.key(), &messages, TURN),
                Alg::Hs256 => f64::NAN,
            });
            let alone =
                turns.add(|| measure::signing(&pool, engine, Check::Batch, &messages, TURN));
            let whole = turns.add(|| {
                let speed = runner.run(format, about.rows).expect("a run");
                speed.rows_per_second()
            });
            let rates = turns.take(ROUNDS);
            let row_bytes = about.bytes as f64 / about.rows as f64;
            println!(
                "{id:<18} {threads:>7} {:>12} {:>12.0} {:>12.0} {:>8.1} {:>9.1}% {:>8}",
                cell(rates.of(bare), 0),
                rates.of(alone),
                rates.of(whole),
                rates.of(whole) * row_bytes / 1e6,
                rates.ratio(whole, alone) * 100.0,
                cell(rates.ratio(whole, bare), 2)
            );
        }
    }
}

/// A figure, where there is one.
fn cell(figure: f64, digits: usize) -> String {
    match figure.is_nan() {
        true => "-".to_owned(),
        false => format!("{figure:.digits$}"),
    }
}

/// Takes every signature for right: what is left is reading and comparing.
struct Free;

impl Verifier for Free {
    fn verify(&self, _: &[u8], _: &[u8]) -> bool {
        true
    }
}

/// Whole signed files verified, beside the verifier alone.
fn whole_files() {
    println!(
        "\nverify: signed files beside the verifier of {} alone",
        ENGINES[0].name
    );
    println!("free: files with a verifier that takes no time\n");
    println!(
        "{:<18} {:>7} {:>12} {:>12} {:>12} {:>12} {:>10} {:>8}",
        "format",
        "threads",
        "p256 alone/s",
        "engine/s",
        "records/s",
        "free/s",
        "of engine",
        "x p256"
    );
    let reference = ENGINES.iter().find(|info| info.name == "p256");
    let reference = reference.expect("the reference");
    for id in &FORMATS[..3] {
        let all = *threads().end();
        // Reading is so fast that a file for it must be long.
        let long = tempfile::tempdir().expect("a folder");
        let (_, long_file) = runner(0)
            .run_in(long.path(), format(id), FREE_ROWS)
            .expect("a signed file");
        for threads in [1, all].into_iter().take(all) {
            let (format, runner, pool) = (format(id), runner(threads), pool(threads));
            let messages = measure::messages(BATCH, message_length(&runner, format));
            let (p256, engine) = (
                (reference.load)(&[runner.key().ecdsa()]),
                (ENGINES[0].load)(&[runner.key().ecdsa()]),
            );
            let mut signed = Signatures::default();
            engine
                .sign_batch(&messages, Check::Off, &mut signed)
                .expect("signatures");
            let alone = |verifier: &dyn Verifier| {
                measure::verifying(&pool, verifier, &messages, &signed, TURN)
            };
            let rows = (alone(engine.as_ref()) * RUN.as_secs_f64()) as u64;
            let folder = tempfile::tempdir().expect("a folder");
            let (_, path) = runner
                .run_in(folder.path(), format, rows.clamp(2048, 200_000))
                .expect("a signed file");
            let file = |path: &Path, verifier: &dyn Verifier| {
                let inputs = [Input::new(Origin::File(path.to_owned()), Dialect::Ndjson)];
                let check = verify::Check {
                    inputs: &inputs,
                    keys: &verify::Keys::one(Alg::Es256, verifier),
                    format: Some(format),
                    shape: None,
                    known: &[],
                    threads,
                    nonces_in_memory: verify::NONCES_IN_MEMORY,
                };
                let started = std::time::Instant::now();
                let verdict = verify::run(&check, |_| {}).expect("a verdict");
                assert_eq!(verdict.bad, 0);
                verdict.records as f64 / started.elapsed().as_secs_f64()
            };
            let mut turns = Turns::default();
            let bare = turns.add(|| alone(p256.as_ref()));
            let own = turns.add(|| alone(engine.as_ref()));
            let whole = turns.add(|| file(&path, engine.as_ref()));
            let free = turns.add(|| file(&long_file, &Free));
            let rates = turns.take(ROUNDS);
            println!(
                "{id:<18} {threads:>7} {:>12.0} {:>12.0} {:>12.0} {:>12.0} {:>9.1}% {:>8.2}",
                rates.of(bare),
                rates.of(own),
                rates.of(whole),
                rates.of(free),
                rates.ratio(whole, own) * 100.0,
                rates.ratio(whole, bare)
            );
        }
    }
}

/// Whole runs from a thousand rows on, on all threads.
fn lengths(most: u64) {
    let (id, runner) = (FORMATS[1], runner(0));
    println!(
        "\nrows: whole runs of {id} on all threads, {}\n",
        ENGINES[0].name
    );
    println!(
        "{:>12} {:>10} {:>12} {:>10}",
        "rows", "seconds", "rows/s", "us a row"
    );
    let mut rows = 1000;
    while rows <= most {
        let mut turns = Turns::default();
        let run = turns.add(|| {
            let speed = runner.run(format(id), rows).expect("a run");
            speed.rows_per_second()
        });
        let rounds = match rows {
            0..100_000 => 5,
            100_000..1_000_000 => 3,
            _ => 1,
        };
        let rate = turns.take(rounds).of(run);
        let seconds = rows as f64 / rate;
        println!(
            "{rows:>12} {seconds:>10.3} {rate:>12.0} {:>10.2}",
            1e6 / rate
        );
        rows *= 10;
    }
}

/// How long one signed message of this format is.
fn message_length(runner: &Runner, format: &'static Format) -> usize {
    let mut signer = runner.signer(format).expect("a signer");
    let length = Arc::new(AtomicUsize::new(0));
    signer.engine = Box::new(Listener(signer.engine, Arc::clone(&length)));
    let rules = Rules::new(Settings::new(format, 1_800_000_000_000)).expect("rules");
    let signed = signer.sign_row(&rules, &template::ndjson(format), 1);
    assert!(signed.is_ok(), "{signed:?}");
    length.load(Ordering::Relaxed)
}

/// An engine that remembers how long the last message was.
struct Listener(Box<dyn Engine>, Arc<AtomicUsize>);

impl Verifier for Listener {
    fn verify(&self, message: &[u8], signature: &[u8]) -> bool {
        self.0.verify(message, signature)
    }
}

impl Engine for Listener {
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
        self.1.store(messages.get(0).len(), Ordering::Relaxed);
        self.0.sign_batch(messages, check, out)
    }
}

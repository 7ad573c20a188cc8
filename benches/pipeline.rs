//! What the pipeline costs beside the signing: `cargo bench`.
//!
//! Whole runs (CSV in; signed records, rejects and manifest out) take turns
//! with a bare loop that signs as many messages of the same length with the
//! `p256` crate alone, on as many threads. Each pair gives a ratio; the median
//! of the ratios is what counts, because a shared machine changes its speed
//! from minute to minute.

use std::io::Write as _;
use std::path::Path;
use std::time::Instant;

use campaign_signer::engine::ENGINES;
use campaign_signer::envelope::Style;
use campaign_signer::format::Format;
use campaign_signer::key::{Secret, SigningKey};
use campaign_signer::pipeline::{self, Job, Outputs, Signer};
use campaign_signer::record::Settings;
use campaign_signer::row::{Dialect, Input, Origin};
use p256::ecdsa::Signature;
use p256::ecdsa::signature::Signer as _;
use rayon::prelude::*;

/// Rows of one ES256 run: a second or two of signing.
const ROWS: usize = 40_000;
/// Rows of one HS256 run, where a signature is nearly free.
const HMAC_ROWS: usize = 1_000_000;
const PAIRS: usize = 7;

fn main() {
    // `cargo test` runs benches with --test: there is nothing to test here.
    if std::env::args().any(|arg| arg == "--test") {
        return;
    }
    let folder = tempfile::tempdir().expect("a folder for the bench's files");
    let key = SigningKey::generate().expect("a key");
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    println!("{threads} threads, {ROWS} rows a run, {PAIRS} pairs; medians\n");
    println!(
        "{:<18} {:>12} {:>12} {:>7}",
        "format", "p256 alone/s", "pipeline/s", "ratio"
    );
    for (id, header, row) in [
        (
            "aak-impression",
            "publisher-item-identifier,ad-network-identifier,source-identifier,advertised-item-identifier",
            "5838492,example123.adattributionkit,5239,1108187390",
        ),
        (
            "skan-view",
            "ad-network-id,source-identifier,itunes-item-id,source-app-id",
            "example123.skadnetwork,5239,525463029,1234567891",
        ),
        (
            "appstore-promo-v2",
            "kid,iss,bid,productId,offerIdentifier,transactionId",
            "2X9R4HXF34,57246542-96fe-1a63-e053-0824d011072a,com.example.app,com.example.app.pro,winback50,2000000912345678",
        ),
    ] {
        let input = folder.path().join(format!("{id}.csv"));
        write_rows(&input, header, ROWS, |_| row.to_owned());
        let message = vec![b'a'; message_length(id, header, row, &key)];
        let mut pairs: Vec<(f64, f64)> = (0..PAIRS)
            .map(|_| {
                (
                    bare_loop(&key, &message, threads),
                    whole_run(id, &input, &key, ROWS),
                )
            })
            .collect();
        report(id, &mut pairs);
    }
    let input = folder.path().join("users.csv");
    write_rows(&input, "id,firstName,email", HMAC_ROWS, |at| {
        format!("user{at}@example.com,Jane,user{at}@example.com")
    });
    let rate = whole_run("impact-user-jwt", &input, &key, HMAC_ROWS);
    println!(
        "{:<18} {:>12} {rate:>12.0} {:>7}",
        "impact-user-jwt", "", ""
    );
}

fn write_rows(path: &Path, header: &str, rows: usize, row: impl Fn(usize) -> String) {
    let mut text = format!("{header}\n");
    for at in 0..rows {
        text.push_str(&row(at));
        text.push('\n');
    }
    std::fs::File::create(path)
        .and_then(|mut file| file.write_all(text.as_bytes()))
        .expect("the bench's input");
}

/// How long one signed message of this format is.
fn message_length(id: &str, header: &str, row: &str, key: &SigningKey) -> usize {
    let folder = tempfile::tempdir().expect("a folder");
    let input = folder.path().join("one.csv");
    write_rows(&input, header, 1, |_| row.to_owned());
    whole_run(id, &input, key, 1);
    let signed = std::fs::read_to_string(input.with_extension("signed.ndjson")).expect("a record");
    let record: serde_json::Value = serde_json::from_str(&signed).expect("JSON");
    match record["jws"].as_str() {
        Some(jws) => jws.rfind('.').unwrap_or(jws.len()),
        None => 130,
    }
}

/// Messages per second that `p256` alone signs on this many threads.
fn bare_loop(key: &SigningKey, message: &[u8], threads: usize) -> f64 {
    let pool = rayon::ThreadPoolBuilder::new()
        .num_threads(threads)
        .build()
        .expect("threads");
    let started = Instant::now();
    pool.install(|| {
        (0..ROWS).into_par_iter().for_each(|at| {
            let mut message = message.to_vec();
            message[..8].copy_from_slice(&at.to_be_bytes());
            let signature: Signature = key.ecdsa().sign(&message);
            std::hint::black_box(signature);
        });
    });
    ROWS as f64 / started.elapsed().as_secs_f64()
}

/// Rows per second of a whole run.
fn whole_run(id: &str, input: &Path, key: &SigningKey, rows: usize) -> f64 {
    let format = Format::find(id).expect("a format");
    let now = std::time::UNIX_EPOCH
        .elapsed()
        .expect("a clock")
        .as_millis() as u64;
    let signer = match format.alg() {
        campaign_signer::format::Alg::Es256 => Signer::es256(key, &ENGINES[0], "bench"),
        campaign_signer::format::Alg::Hs256 => {
            let secret = b"a secret of more than thirty-two bytes, for a bench";
            Signer::hs256(&Secret::from_bytes(secret).expect("a secret"))
        }
    };
    let inputs = vec![Input {
        origin: Origin::File(input.to_owned()),
        dialect: Dialect::Csv { delimiter: b',' },
    }];
    let mut outputs = Outputs::beside(&input.with_extension("signed.ndjson"), Style::Ndjson);
    outputs.force = true;
    let job = Job::new(Settings::new(format, now), inputs, outputs).signed_by(signer, "bench");
    let started = Instant::now();
    let summary = pipeline::run(job, |_| {}).expect("a run");
    assert_eq!(summary.counts.signed, rows as u64);
    rows as f64 / started.elapsed().as_secs_f64()
}

fn report(id: &str, pairs: &mut [(f64, f64)]) {
    let median = |values: &mut Vec<f64>| {
        values.sort_by(f64::total_cmp);
        values[values.len() / 2]
    };
    let alone = median(&mut pairs.iter().map(|(alone, _)| *alone).collect());
    let whole = median(&mut pairs.iter().map(|(_, whole)| *whole).collect());
    let ratio = median(&mut pairs.iter().map(|(alone, whole)| whole / alone).collect());
    println!(
        "{id:<18} {alone:>12.0} {whole:>12.0} {:>6.1}%",
        ratio * 100.0
    );
}

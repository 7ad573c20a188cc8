//! The engines on one core, beside other libraries: `cargo bench --bench
//! engines`, or `-- signing`, `-- verifying`, `-- batches`, `-- keys` for one
//! section.
//!
//! All of them sign and verify the same messages under the same key, but in the
//! last section, and take turns of a fraction of a second: see `common`.
//! Absolute figures are this machine's at this moment, ratios are what counts.

mod common;

use std::time::Duration;

use aws_lc_rs::signature as aws;
use campaign_signer::engine::{Check, ENGINES, Engine, Messages, P256Verifier, Signatures};
use campaign_signer::key::SigningKey;
use campaign_signer::measure::{self, BATCH};
use campaign_signer::parallel::Pool;
use ring::signature as ring;

use common::{Rates, Turns, is_wanted, p256_alone, pool, words};

const MESSAGE_BYTES: usize = 300;
const ROUNDS: usize = 7;
const TURN: Duration = Duration::from_millis(60);

/// Turns of the third section are many.
const SIZES: [usize; 12] = [1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024, 2048];
const SHORT_ROUNDS: usize = 5;
const SHORT_TURN: Duration = Duration::from_millis(20);

/// How many keys take turns from message to message; the first is what the
/// others are told beside.
const KEYS: [usize; 5] = [1, 2, 8, 50, 1000];
const KEY_ROUNDS: usize = 15;

/// Everything that the sections share.
struct Bench {
    pool: Pool,
    key: SigningKey,
    /// The public key as an uncompressed point.
    point: Vec<u8>,
    messages: Messages,
}

fn main() {
    let Some(words) = words() else { return };
    let key = SigningKey::generate().expect("a key");
    let public = key.public_key();
    let bench = Bench {
        pool: pool(1),
        point: public
            .verifying_key()
            .to_sec1_point(false)
            .to_bytes()
            .into(),
        key,
        messages: measure::messages(BATCH, MESSAGE_BYTES),
    };
    for (name, section) in [
        ("signing", signing as fn(&Bench)),
        ("verifying", verifying),
        ("batches", batches),
        ("keys", keys),
    ] {
        if is_wanted(&words, name) {
            println!("\n{name}: one core, messages of {MESSAGE_BYTES} bytes");
            section(&bench);
        }
    }
}

impl Bench {
    /// Every engine of the table, with the key.
    fn engines(&self) -> Vec<Box<dyn Engine>> {
        let load = |info: &campaign_signer::engine::EngineInfo| (info.load)(&[self.key.ecdsa()]);
        ENGINES.iter().map(load).collect()
    }

    /// The signatures of so many of the messages.
    fn signed(&self, messages: &Messages) -> Signatures {
        let mut signatures = Signatures::default();
        self.engines()[0]
            .sign_batch(messages, Check::Off, &mut signatures)
            .expect("signatures");
        signatures
    }

    /// Repeats something for each message.
    fn each(&self, one: impl Fn(usize, &[u8]) + Sync) -> f64 {
        let one = &one;
        measure::repeat(&self.pool, TURN, || {
            move || {
                let all = self.messages.iter().enumerate();
                all.for_each(|(at, message)| one(at, message));
                self.messages.len() as u64
            }
        })
    }
}

fn signing(bench: &Bench) {
    let scalar = bench.key.scalar();
    let (random, aws_random) = (
        ::ring::rand::SystemRandom::new(),
        aws_lc_rs::rand::SystemRandom::new(),
    );
    let ring = ring::EcdsaKeyPair::from_private_key_and_public_key(
        &ring::ECDSA_P256_SHA256_FIXED_SIGNING,
        scalar.as_slice(),
        &bench.point,
        &random,
    );
    let ring = ring.expect("a key for ring");
    let aws = aws::EcdsaKeyPair::from_private_key_and_public_key(
        &aws::ECDSA_P256_SHA256_FIXED_SIGNING,
        scalar.as_slice(),
        &bench.point,
    );
    let aws = aws.expect("a key for aws-lc-rs");
    let engines = bench.engines();
    let mut turns = Turns::default();
    let mut names = vec!["p256 (crate)".into(), "aws-lc-rs".into(), "ring".into()];
    turns.add(|| p256_alone(&bench.pool, &bench.key, &bench.messages, TURN));
    turns.add(|| {
        bench.each(|_, message| {
            std::hint::black_box(aws.sign(&aws_random, message).expect("a signature"));
        })
    });
    turns.add(|| {
        bench.each(|_, message| {
            std::hint::black_box(ring.sign(&random, message).expect("a signature"));
        })
    });
    for engine in &engines {
        for check in [Check::Off, Check::Batch] {
            let (pool, messages) = (&bench.pool, &bench.messages);
            names.push(format!("{}, check {}", engine.name(), check.as_str()));
            turns.add(move || measure::signing(pool, engine.as_ref(), check, messages, TURN));
        }
    }
    report("signatures/s", &names, &turns.take(ROUNDS));
}

fn verifying(bench: &Bench) {
    let signed = bench.signed(&bench.messages);
    let reference = P256Verifier::new(*bench.key.public_key().verifying_key());
    let ring = ring::UnparsedPublicKey::new(&ring::ECDSA_P256_SHA256_FIXED, &bench.point);
    let aws = aws::ParsedPublicKey::new(&aws::ECDSA_P256_SHA256_FIXED, &bench.point);
    let aws = aws.expect("a key for aws-lc-rs");
    let engines = bench.engines();
    let mut turns = Turns::default();
    let mut names = vec!["p256 (crate)".into(), "aws-lc-rs".into(), "ring".into()];
    let (pool, messages, signed) = (&bench.pool, &bench.messages, &signed);
    turns.add(|| measure::verifying(pool, &reference, messages, signed, TURN));
    turns.add(|| {
        bench.each(|at, message| {
            aws.verify_sig(message, signed.get(at)).expect("verifies");
        })
    });
    turns.add(|| {
        bench.each(|at, message| {
            ring.verify(message, signed.get(at)).expect("verifies");
        })
    });
    for engine in &engines {
        names.push(engine.name().to_owned());
        turns.add(move || measure::verifying(pool, engine.as_ref(), messages, signed, TURN));
    }
    report("verified/s", &names, &turns.take(ROUNDS));
}

/// One line for each contender; the first two are what others are told beside.
fn report(what: &str, names: &[String], rates: &Rates) {
    println!(
        "\n{:<22} {what:>14} {:>10} {:>8} {:>12}",
        "", "us each", "x p256", "x aws-lc-rs"
    );
    for (at, name) in names.iter().enumerate() {
        let rate = rates.of(at);
        println!(
            "{name:<22} {rate:>14.0} {:>10.2} {:>8.2} {:>12.2}",
            1e6 / rate,
            rates.ratio(at, 0),
            rates.ratio(at, 1)
        );
    }
}

/// What a signature costs in batches of every size.
fn batches(bench: &Bench) {
    let engines = bench.engines();
    let sized = SIZES.map(|size| {
        let messages = measure::messages(size, MESSAGE_BYTES);
        let signed = bench.signed(&messages);
        (size, messages, signed)
    });
    let mut turns = Turns::default();
    for (_, messages, signed) in &sized {
        for engine in &engines {
            let (pool, engine) = (&bench.pool, engine.as_ref());
            for check in [Check::Off, Check::Batch] {
                turns.add(move || measure::signing(pool, engine, check, messages, SHORT_TURN));
            }
            turns.add(move || measure::verifying(pool, engine, messages, signed, SHORT_TURN));
        }
    }
    let rates = turns.take(SHORT_ROUNDS);
    println!("\nmicroseconds a signature");
    print!("{:>14}", "");
    engines
        .iter()
        .for_each(|engine| print!(" {:>32}", engine.name()));
    print!("\n{:>14}", "batch of");
    for _ in &engines {
        print!(" {:>10} {:>10} {:>10}", "signing", "+ check", "verifying");
    }
    println!();
    for (at, (size, ..)) in sized.iter().enumerate() {
        print!("{size:>14}");
        for contender in (at * engines.len() * 3..).take(engines.len() * 3) {
            print!(" {:>10.2}", 1e6 / rates.of(contender));
        }
        println!();
    }
}

/// The same messages under one key and under several, from message to message
/// another one.
fn keys(bench: &Bench) {
    let most = KEYS.iter().copied().max().unwrap_or_default();
    let owned: Vec<_> = (0..most)
        .map(|_| SigningKey::generate().expect("a key"))
        .collect();
    let all: Vec<_> = owned.iter().map(SigningKey::ecdsa).collect();
    let mixed = KEYS.map(|count| {
        let mut messages = Messages::default();
        for (at, message) in bench.messages.iter().enumerate() {
            let key = u16::try_from(at % count).expect("few keys");
            messages.push_keyed(key, |out| out.extend_from_slice(message));
        }
        messages
    });
    let mut turns = Turns::default();
    for (info, (count, messages)) in ENGINES
        .iter()
        .flat_map(|info| KEYS.iter().zip(&mixed).map(move |case| (info, case)))
    {
        let engine = (info.load)(&all[..*count]);
        let mut signed = Signatures::default();
        engine
            .sign_batch(messages, Check::Off, &mut signed)
            .expect("signatures");
        let engine = std::sync::Arc::new(engine);
        for check in [Check::Off, Check::Batch, Check::All] {
            let (pool, engine) = (&bench.pool, std::sync::Arc::clone(&engine));
            turns.add(move || {
                measure::signing(pool, engine.as_ref().as_ref(), check, messages, SHORT_TURN)
            });
        }
        let pool = &bench.pool;
        turns.add(move || {
            measure::verifying(
                pool,
                engine.as_ref().as_ref(),
                messages,
                &signed,
                SHORT_TURN,
            )
        });
    }
    let rates = turns.take(KEY_ROUNDS);
    println!("\nmicroseconds a signature, and how fast beside one key");
    print!("{:<22} {:>6}", "", "keys");
    let columns = ["unchecked", "check batch", "check all", "verifying"];
    columns.iter().for_each(|what| print!(" {what:>18}"));
    println!();
    for (row, (info, count)) in ENGINES
        .iter()
        .flat_map(|info| KEYS.map(|count| (info, count)))
        .enumerate()
    {
        print!("{:<22} {count:>6}", info.name);
        let one = row - row % KEYS.len();
        for column in 0..columns.len() {
            let (own, one) = (row * columns.len() + column, one * columns.len() + column);
            let (rate, ratio) = (rates.of(own), rates.ratio(own, one));
            print!(" {:>10.2} {:>6.1}%", 1e6 / rate, 100.0 * ratio);
        }
        println!();
    }
}

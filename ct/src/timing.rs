//! Times whole batches of two classes, interleaved at random: a fixed, unusual
//! secret, and a random one. It sees what Valgrind does not, the instructions
//! as the processor executes them; and it sees only what it can measure. This
//! file must not know how times are compared.

use std::hint::black_box;
use std::process::exit;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use campaign_signer::engine::batch::Batch;
use campaign_signer::engine::batch::comb::Comb;
use campaign_signer::engine::batch::lanes::{Lanes, Limbs, Modular, from_bytes};
use campaign_signer::engine::batch::portable::{Portable, Scalars};
use campaign_signer::engine::batch::probe::{Probe, Stage};
use campaign_signer::engine::batch::wide::Wide;
use campaign_signer::engine::{Check, Engine, Messages, Signatures};
use campaign_signer::vector::Avx512;
use p256::ProjectivePoint;
use p256::ecdsa::SigningKey;
use p256::elliptic_curve::Group;

use crate::sample::Numbers;
use crate::welch::{largest_t, median};

/// How many messages a batch has.
const BATCH: usize = 128;

/// How many signatures warm an engine's memory before one batch is timed.
const WARM: usize = 16;

/// Of how many bytes a message is.
const LENGTH: usize = 100;

/// From this |t| on, the classes differ; below [`NOTHING`] nothing was found.
const DIFFERENT: f64 = 10.0;
const NOTHING: f64 = 5.0;

/// So many measurements of each kind, with each kind of lanes.
pub fn run(measurements: usize) {
    println!("{measurements} measurements each, batches of {BATCH} messages");
    let mut is_good = over(Portable, measurements);
    match Avx512::detect() {
        Some(v) => is_good &= over(Wide(v), measurements),
        None => println!("no AVX-512 IFMA here: only the portable lanes were timed"),
    }
    exit(i32::from(!is_good));
}

fn over<L: Lanes>(lanes: L, measurements: usize) -> bool {
    let judge = |what, times: Vec<_>| {
        let t = largest_t(&times);
        let says = match t {
            t if t >= DIFFERENT => "different",
            t if t < NOTHING => "no difference found",
            _ => "unclear: measure again, more often, on a quieter machine",
        };
        let (name, median) = (L::NAME, median(&times) / 1e3);
        println!("{name:12} {what}: |t| = {t:.1} ({says}), {median:.0} µs a batch");
        t >= DIFFERENT
    };
    let leaked = judge("a deliberate leak", keys_leaked(lanes, measurements));
    let keys = judge("keys and messages", keys(lanes, measurements, |_| {}));
    let nonces = judge("nonces", nonces(lanes, measurements));
    leaked && !keys && !nonces
}

/// A key with few ones, always the same, against random keys; the same for
/// the messages. `beside` is timed, too.
fn keys<L: Lanes>(lanes: L, measurements: usize, beside: impl Fn(&[u8; 32])) -> Vec<(bool, f64)> {
    let mut numbers = Numbers(3);
    // Random as well: equal beginnings, which are no secret, are hashed once.
    let fixed = ([1; 32], numbers.bytes(BATCH * LENGTH));
    let warm = numbers.bytes(WARM * LENGTH);
    let (mut key, mut bytes) = fixed.clone();
    let mut messages = Messages::default();
    let mut signatures = Signatures::default();
    interleaved(measurements, |is_random, numbers| {
        // Both classes are prepared alike, and then lie in the same memory.
        let mut random: [u8; 32] = std::array::from_fn(|_| numbers.next() as u8);
        random[0] &= 0x7f;
        let random = (random, numbers.bytes(BATCH * LENGTH));
        let class = if is_random { &random } else { &fixed };
        key.copy_from_slice(&class.0);
        bytes.copy_from_slice(&class.1);
        let signing_key = SigningKey::from_slice(&key).expect("a key below n");
        let engine = Batch::new(lanes, &[&signing_key]);
        fill(&mut messages, &warm);
        sign(&engine, &messages, Check::Batch, &mut signatures);
        fill(&mut messages, &bytes);
        time(|| {
            sign(&engine, &messages, Check::Batch, &mut signatures);
            beside(&key);
        })
    })
}

/// The same, and beside it sixteen powers with the key as their exponent that
/// skip the product where a bit is 0: some 1500 products modulo n between the
/// classes, about a thirtieth of a batch of the portable lanes.
fn keys_leaked<L: Lanes>(lanes: L, measurements: usize) -> Vec<(bool, f64)> {
    keys(lanes, measurements, |key| {
        let n = Scalars;
        let exponent = from_bytes(key);
        for base in 2..18 {
            let base = n.enter(&[base, 0, 0, 0]);
            let mut power = n.one();
            for bit in (0..256).rev() {
                power = n.square(&power);
                if exponent[bit / 64] >> (bit % 64) & 1 == 1 {
                    power = n.mul(&power, &base);
                }
            }
            black_box(power);
        }
    })
}

/// Puts nonces in the place of those that were derived.
struct Planted(Mutex<Vec<Limbs>>);

impl Probe for &Planted {
    fn at(&self, stage: Stage, message: usize, value: &mut Limbs) {
        if stage == Stage::K {
            let planted = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            if let Some(k) = planted.get(message) {
                *value = *k;
            }
        }
    }
}

/// Nonces whose digits are nearly all the same, so that every window picks
/// the same place, against random ones. Unchecked: a check would find that
/// they are not those of the messages.
fn nonces<L: Lanes>(lanes: L, measurements: usize) -> Vec<(bool, f64)> {
    let mut numbers = Numbers(4);
    let key = SigningKey::from_slice(&[7; 32]).expect("a key below n");
    let mut messages = Messages::default();
    for _ in 0..BATCH {
        messages.push(&numbers.bytes(LENGTH));
    }
    let planted = Planted(Mutex::default());
    let comb = Arc::new(Comb::new(lanes, &ProjectivePoint::generator()));
    let engine = Batch::watched(lanes, &[&key], comb, &planted);
    let mut signatures = Signatures::default();
    let fixed = vec![[0x0101_0101_0101_0101; 4]; BATCH];
    interleaved(measurements, |is_random, numbers| {
        let mut random = Vec::with_capacity(BATCH);
        for _ in 0..BATCH {
            let mut k: Limbs = std::array::from_fn(|_| numbers.next());
            k[3] >>= 1;
            random.push(k);
        }
        let class = if is_random { &random } else { &fixed };
        let mut now = planted.0.lock().unwrap_or_else(PoisonError::into_inner);
        now.clone_from(class);
        drop(now);
        time(|| sign(&engine, &messages, Check::Off, &mut signatures))
    })
}

/// Times of both classes, in an order that is random but the same in every run.
fn interleaved(
    measurements: usize,
    mut one: impl FnMut(bool, &mut Numbers) -> f64,
) -> Vec<(bool, f64)> {
    let (mut order, mut numbers) = (Numbers(5), Numbers(6));
    let mut next = || {
        let class = order.next() & 1 == 1;
        (class, one(class, &mut numbers))
    };
    // The first ones find everything cold.
    let cold = measurements / 50;
    (0..cold + measurements)
        .map(|_| next())
        .skip(cold)
        .collect()
}

fn fill(messages: &mut Messages, bytes: &[u8]) {
    messages.clear();
    for message in bytes.chunks(LENGTH) {
        messages.push(message);
    }
}

fn sign(engine: &dyn Engine, messages: &Messages, check: Check, signatures: &mut Signatures) {
    let signed = engine.sign_batch(messages, check, signatures);
    assert_eq!(signed.expect("a valid key signs"), 0);
}

/// How many nanoseconds something takes.
fn time(work: impl FnOnce()) -> f64 {
    let start = Instant::now();
    work();
    start.elapsed().as_nanos() as f64
}

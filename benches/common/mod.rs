//! What the benches share: contenders that take turns, and medians.
//!
//! On a shared machine the speed changes from minute to minute, by more than
//! what is to be measured. So nothing is timed for long on its own: in every
//! round each contender has a short turn, a ratio is that of two turns of one
//! round, and what is told is the median over the rounds.
#![allow(dead_code, unreachable_pub)] // Neither bench uses everything.

use std::time::Duration;

use campaign_signer::engine::Messages;
use campaign_signer::key::SigningKey;
use campaign_signer::measure;
use campaign_signer::parallel::{self, Pool};
use p256::ecdsa::Signature;
use p256::ecdsa::signature::Signer as _;

/// The words after `--`: which sections are wanted, and how many rows. `None`
/// where there is nothing to do: `cargo test` runs benches with `--test`.
pub fn words() -> Option<Vec<String>> {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let is_word = |word: &String| !word.starts_with("--");
    (!words.iter().any(|word| word == "--test"))
        .then(|| words.into_iter().filter(is_word).collect())
}

/// Whether this section was asked for; without any word all are.
pub fn is_wanted(words: &[String], section: &str) -> bool {
    let mut names = words.iter().filter(|word| word.parse::<u64>().is_err());
    names.clone().next().is_none() || names.any(|word| section.contains(word.as_str()))
}

/// Those who take turns; each turn gives a rate.
#[derive(Default)]
pub struct Turns<'a>(Vec<Box<dyn FnMut() -> f64 + 'a>>);

impl<'a> Turns<'a> {
    /// One more contender; its number.
    pub fn add(&mut self, turn: impl FnMut() -> f64 + 'a) -> usize {
        self.0.push(Box::new(turn));
        self.0.len() - 1
    }

    /// So many rounds of turns.
    pub fn take(mut self, rounds: usize) -> Rates {
        let round = |_| self.0.iter_mut().map(|turn| turn()).collect();
        Rates((0..rounds).map(round).collect())
    }
}

/// What each turn of each round gave.
pub struct Rates(Vec<Vec<f64>>);

impl Rates {
    /// A contender's median rate.
    pub fn of(&self, contender: usize) -> f64 {
        median(self.0.iter().map(|round| round[contender]))
    }

    /// How many times as fast as another one a contender is: the median of
    /// the rounds' ratios.
    pub fn ratio(&self, contender: usize, other: usize) -> f64 {
        median(self.0.iter().map(|round| round[contender] / round[other]))
    }
}

fn median(values: impl Iterator<Item = f64>) -> f64 {
    let mut values: Vec<f64> = values.collect();
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

/// So many workers.
pub fn pool(threads: usize) -> Pool {
    parallel::pool(threads).expect("threads")
}

/// How many threads are worth a line of their own.
pub fn threads() -> std::ops::RangeInclusive<usize> {
    1..=std::thread::available_parallelism().map_or(1, |cores| cores.get().min(4))
}

/// A bare loop over the `p256` crate, with nothing of ours in it.
pub fn p256_alone(pool: &Pool, key: &SigningKey, messages: &Messages, time: Duration) -> f64 {
    measure::repeat(pool, time, || {
        move || {
            for message in messages.iter() {
                let signature: Signature = key.ecdsa().sign(message);
                std::hint::black_box(signature);
            }
            messages.len() as u64
        }
    })
}

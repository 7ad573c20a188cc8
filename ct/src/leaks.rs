//! Deliberate leaks: what is not reported here would not be reported anywhere.
//! This file must not know what the engine does with a secret.

use std::hint::black_box;
use std::sync::Arc;

use campaign_signer::engine::batch::Batch;
use campaign_signer::engine::batch::comb::Comb;
use campaign_signer::engine::batch::lanes::{Lanes, Limbs, Mask};
use campaign_signer::engine::batch::portable::Portable;
use campaign_signer::engine::batch::probe::{Probe, Stage};
use campaign_signer::engine::batch::wide::Wide;
use campaign_signer::engine::{Check, Engine, Signatures};
use campaign_signer::vector::Model;
use p256::ProjectivePoint;
use p256::elliptic_curve::Group;

use crate::sample::{Numbers, keys, messages};
use crate::valgrind;

/// A way to give a secret away.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Leak {
    /// A branch on one bit.
    Branch,
    /// An address made of eight bits.
    Address,
    /// The flags, which nobody called public.
    Flags,
}

/// Leaks a value of every message at one place of the computation.
struct Leaking {
    stage: Stage,
    leak: Leak,
}

impl Probe for Leaking {
    fn at(&self, stage: Stage, _: usize, value: &mut Limbs) {
        if stage != self.stage {
            return;
        }
        match self.leak {
            Leak::Branch => branch(value[3]),
            Leak::Address => address(value[3]),
            Leak::Flags => {}
        }
    }

    fn secret(&self, bytes: &mut [u8]) {
        valgrind::undefine(bytes);
    }

    fn declassify(&self, masks: &mut [Mask]) {
        if self.leak != Leak::Flags {
            valgrind::define(masks);
        }
    }
}

#[inline(never)]
fn branch(secret: u64) {
    if secret >> 63 == 1 {
        // Something to do, so that the branch stays one.
        black_box(());
    }
}

#[inline(never)]
fn address(secret: u64) {
    static TABLE: [u8; 256] = [7; 256];
    black_box(black_box(&TABLE)[secret as usize & 255]);
}

/// Leaks in every way, and dies where one of them is not reported.
pub fn run() {
    let mut secret = [black_box(5_u64)];
    valgrind::undefine(&mut secret);
    expect("a branch on a secret", || branch(secret[0]));
    expect("an address made of a secret", || address(secret[0]));
    over(Portable);
    over(Wide(Model));
}

fn over<L: Lanes>(lanes: L) {
    let comb = Arc::new(Comb::new(lanes, &ProjectivePoint::generator()));
    for (what, stage, leak) in [
        ("a branch on k", Stage::K, Leak::Branch),
        ("an address made of k", Stage::K, Leak::Address),
        ("a branch on a digit", Stage::Digits, Leak::Branch),
        ("an address made of a digit", Stage::Digits, Leak::Address),
        ("a branch on x of R", Stage::X, Leak::Branch),
        ("flags that are not declassified", Stage::K, Leak::Flags),
    ] {
        for held in [1, 2] {
            let mut numbers = Numbers(2);
            let keys = keys(&mut numbers, held);
            let keys: Vec<_> = keys.iter().collect();
            let messages = messages(&mut numbers, 9, held);
            let probe = Leaking { stage, leak };
            let engine = Batch::watched(lanes, &keys, Arc::clone(&comb), probe);
            expect(&format!("{what}, {} lanes, {held} keys", L::NAME), || {
                engine
                    .sign_batch(&messages, Check::Off, &mut Signatures::default())
                    .expect("a valid key signs");
            });
        }
    }
}

fn expect(what: &str, leak: impl FnOnce()) {
    let before = valgrind::errors();
    leak();
    let reports = valgrind::errors() - before;
    println!("{what}: {reports} reports");
    if reports == 0 {
        println!("that was a leak, and nothing was reported: the method does not work");
        // Not an exit: Valgrind would put its own status in the place of ours.
        std::process::abort();
    }
}

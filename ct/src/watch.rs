//! Signs with keys that memcheck calls undefined. Whatever is computed from
//! them is undefined, too, and memcheck reports every jump and every address
//! that depends on it. This file must not know what a leak looks like.

use std::sync::Arc;

use campaign_signer::engine::batch::Batch;
use campaign_signer::engine::batch::comb::Comb;
use campaign_signer::engine::batch::lanes::{Lanes, Mask};
use campaign_signer::engine::batch::portable::Portable;
use campaign_signer::engine::batch::probe::Probe;
use campaign_signer::engine::batch::wide::Wide;
use campaign_signer::engine::{Check, Engine, P256, Signatures};
use campaign_signer::vector::Model;
use p256::ProjectivePoint;
use p256::elliptic_curve::Group;

use crate::sample::{Numbers, keys, messages};
use crate::valgrind;

/// How many messages and for how many keys. Every way a batch can end: one
/// vector and several, full and not, of eight lanes and of sixteen; and of
/// several keys, fewer than there are lanes and more.
const BATCHES: [(usize, usize); 11] = [
    (1, 1),
    (2, 1),
    (9, 1),
    (16, 1),
    (17, 1),
    (40, 1),
    (130, 1),
    (2, 2),
    (17, 3),
    (40, 20),
    (130, 2),
];

/// Calls the keys undefined, and the flags that may be branched on defined.
/// It does not look on, so the engine runs the code that it always runs.
struct Watch;

impl Probe for Watch {
    const LOOKS: bool = false;

    fn secret(&self, bytes: &mut [u8]) {
        valgrind::undefine(bytes);
    }

    fn declassify(&self, masks: &mut [Mask]) {
        valgrind::define(masks);
    }
}

/// Signs batches with both kinds of lanes that Valgrind can run.
pub fn run() {
    over(Portable);
    over(Wide(Model));
}

fn over<L: Lanes>(lanes: L) {
    let comb = Arc::new(Comb::new(lanes, &ProjectivePoint::generator()));
    let mut numbers = Numbers(1);
    for (count, held) in BATCHES {
        let keys = keys(&mut numbers, held);
        let keys: Vec<_> = keys.iter().collect();
        let messages = messages(&mut numbers, count, held);
        let engine = Batch::watched(lanes, &keys, Arc::clone(&comb), Watch);
        let (mut ours, mut expected) = (Signatures::default(), Signatures::default());
        P256::new(&keys)
            .sign_batch(&messages, Check::Off, &mut expected)
            .expect("a valid key signs");
        for check in [Check::Off, Check::Batch] {
            let before = valgrind::errors();
            let recomputed = engine
                .sign_batch(&messages, check, &mut ours)
                .expect("a valid key signs");
            // Found wrong, it would have been signed by the reference, unwatched.
            assert_eq!(recomputed, 0, "{} {count} {held} {check:?}", L::NAME);
            for at in 0..count {
                // A signature is public.
                let mut signature = ours.get(at).to_vec();
                valgrind::define(&mut signature);
                assert_eq!(signature, expected.get(at), "{} {count} {at}", L::NAME);
            }
            let reports = valgrind::errors() - before;
            println!(
                "{:8} {count:3} messages, {held:2} keys, check {:5}: {reports} reports",
                L::NAME,
                check.as_str(),
            );
        }
    }
}

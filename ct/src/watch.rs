//! Signs with a key that memcheck calls undefined. Whatever is computed from
//! it is undefined, too, and memcheck reports every jump and every address
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

use crate::sample::{Numbers, key, messages};
use crate::valgrind;

/// Every way a batch can end: one vector and several, full and not, of eight
/// lanes and of sixteen.
const COUNTS: [usize; 7] = [1, 2, 9, 16, 17, 40, 130];

/// Calls the key undefined, and the flags that may be branched on defined.
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
    for count in COUNTS {
        let key = key(&mut numbers);
        let messages = messages(&mut numbers, count);
        let engine = Batch::watched(lanes, &[&key], Arc::clone(&comb), Watch);
        let (mut ours, mut expected) = (Signatures::default(), Signatures::default());
        P256::new(&[&key])
            .sign_batch(&messages, Check::Off, &mut expected)
            .expect("a valid key signs");
        for check in [Check::Off, Check::Batch] {
            let before = valgrind::errors();
            let recomputed = engine
                .sign_batch(&messages, check, &mut ours)
                .expect("a valid key signs");
            // Found wrong, it would have been signed by the reference, unwatched.
            assert_eq!(recomputed, 0, "{} {count} {check:?}", L::NAME);
            for at in 0..count {
                // A signature is public.
                let mut signature = ours.get(at).to_vec();
                valgrind::define(&mut signature);
                assert_eq!(signature, expected.get(at), "{} {count} {at}", L::NAME);
            }
            let reports = valgrind::errors() - before;
            println!(
                "{:8} {count:3} messages, check {:5}: {reports} reports",
                L::NAME,
                check.as_str(),
            );
        }
    }
}

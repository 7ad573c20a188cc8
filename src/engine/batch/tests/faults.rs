//! Faults: a bit flips somewhere, and nothing wrong comes out.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use p256::ecdsa::SigningKey;
use p256::elliptic_curve::Group;
use p256::elliptic_curve::ops::Reduce;
use p256::{FieldBytes, NonZeroScalar, ProjectivePoint, Scalar};
use sha2::{Digest, Sha256};

use ecdsa::hazmat::sign_prehashed;

use super::super::Batch;
use super::super::comb::{Comb, points};
use super::super::lanes::{Lanes, Limbs, N, to_bytes};
use super::super::probe::{Probe, Stage};
use super::{Holds, over_all_lanes, plus};
use crate::engine::{Check, Engine, Messages, P256, Signatures};

/// What the probe does to one value of one message.
#[derive(Clone, Copy, Debug)]
enum Change {
    Flip(usize),
    Set(Limbs),
}

/// Changes one value, and counts what it saw.
struct Fault {
    stage: Stage,
    message: usize,
    change: Change,
    hits: AtomicUsize,
}

impl Probe for &Fault {
    fn at(&self, stage: Stage, message: usize, value: &mut Limbs) {
        if stage == self.stage && message == self.message {
            self.hits.fetch_add(1, Ordering::Relaxed);
            match self.change {
                Change::Flip(bit) => value[bit / 64] ^= 1 << (bit % 64),
                Change::Set(other) => *value = other,
            }
        }
    }
}

/// The keys of every engine here.
fn keys() -> [SigningKey; 3] {
    [7, 8, 9].map(|byte| SigningKey::from_slice(&[byte; 32]).unwrap())
}

/// Messages for so many keys in turn.
fn messages(count: u64, keys: u64) -> Messages {
    let mut messages = Messages::default();
    for at in 0..count {
        // Some messages twice: their points are equal.
        let text = format!("message {}", at - at % 5);
        let key = u16::try_from(at % keys).unwrap();
        messages.push_keyed(key, |out| out.extend_from_slice(text.as_bytes()));
    }
    messages
}

fn reference(messages: &Messages) -> Signatures {
    let mut signatures = Signatures::default();
    let reference = P256::new(&keys().each_ref());
    reference
        .sign_batch(messages, Check::Off, &mut signatures)
        .unwrap();
    signatures
}

fn differing(ours: &Signatures, reference: &Signatures) -> Vec<usize> {
    assert_eq!(ours.len(), reference.len());
    (0..ours.len())
        .filter(|at| ours.get(*at) != reference.get(*at))
        .collect()
}

struct FlippedBits;

impl Holds for FlippedBits {
    fn over<L: Lanes>(&self, lanes: L) {
        let comb = Arc::new(Comb::new(lanes, &ProjectivePoint::generator()));
        for (count, keys_used) in [(1, 1), (19, 1), (40, 1), (21, 3), (34, 2)] {
            let messages = messages(count, keys_used);
            let reference = reference(&messages);
            let hit = count as usize * 2 / 3;
            for stage in [
                Stage::Z,
                Stage::K,
                Stage::Digits,
                Stage::X,
                Stage::Y,
                Stage::R,
                Stage::S,
            ] {
                for bit in [0, 1, 100, 255] {
                    let fault = Fault {
                        stage,
                        message: hit,
                        change: Change::Flip(bit),
                        hits: AtomicUsize::new(0),
                    };
                    let engine =
                        Batch::watched(lanes, &keys().each_ref(), Arc::clone(&comb), &fault);
                    let mut ours = Signatures::default();
                    let sign = |check, ours: &mut Signatures| {
                        engine.sign_batch(&messages, check, ours).unwrap()
                    };
                    assert_eq!(sign(Check::Off, &mut ours), 0);
                    // Without a check the fault is there to see, where it
                    // changes what is handed out at all.
                    let shows = stage != Stage::Y;
                    let expected: &[usize] = if shows { &[hit] } else { &[] };
                    assert_eq!(differing(&ours, &reference), expected, "{stage:?} {bit}");
                    for check in [Check::Batch, Check::All] {
                        let recomputed = sign(check, &mut ours);
                        let says =
                            format!("{} {stage:?} {bit} {check:?} {count} {keys_used}", L::NAME);
                        assert!(differing(&ours, &reference).is_empty(), "{says}");
                        assert_eq!(recomputed, 1, "{says}");
                    }
                    assert_eq!(fault.hits.load(Ordering::Relaxed), 3);
                }
            }
        }
    }
}

#[test]
fn a_bit_that_flips_anywhere_is_caught_and_mended() {
    over_all_lanes(&FlippedBits);
}

struct Unfit;

impl Holds for Unfit {
    fn over<L: Lanes>(&self, lanes: L) {
        let comb = Arc::new(Comb::new(lanes, &ProjectivePoint::generator()));
        let messages = messages(40, 3);
        let reference = reference(&messages);
        // What Derive itself would never let through, but a fault might.
        for change in [
            Change::Set([0; 4]),
            Change::Set(N),
            Change::Set([u64::MAX; 4]),
        ] {
            let fault = Fault {
                stage: Stage::K,
                message: 21,
                change,
                hits: AtomicUsize::new(0),
            };
            let engine = Batch::watched(lanes, &keys().each_ref(), Arc::clone(&comb), &fault);
            let mut ours = Signatures::default();
            engine
                .sign_batch(&messages, Check::Batch, &mut ours)
                .unwrap();
            assert!(
                differing(&ours, &reference).is_empty(),
                "{} {change:?}",
                L::NAME
            );
        }
    }
}

#[test]
fn a_nonce_that_is_none_ruins_no_other_signature_for_good() {
    over_all_lanes(&Unfit);
}

struct CraftedNonces;

impl Holds for CraftedNonces {
    fn over<L: Lanes>(&self, lanes: L) {
        let comb = Arc::new(Comb::new(lanes, &ProjectivePoint::generator()));
        let messages = messages(40, 1);
        let reference = reference(&messages);
        let hit = 33;
        let digest = Sha256::digest(messages.get(hit));
        let crafted = super::comb::crafted();
        let half = std::array::from_fn(|at| N[at] >> 1 | N.get(at + 1).map_or(0, |n| n << 63));
        let nonces = [
            [1, 0, 0, 0],
            [2, 0, 0, 0],
            [3, 0, 0, 0],
            plus(&N, -1),
            plus(&N, -2),
            half,
            // All digits as large as they get, but the topmost.
            [u64::MAX, u64::MAX, u64::MAX, u64::MAX >> 8],
            crafted[0],
            crafted[1],
        ];
        for k in nonces {
            let fault = Fault {
                stage: Stage::K,
                message: hit,
                change: Change::Set(k),
                hits: AtomicUsize::new(0),
            };
            let engine = Batch::watched(lanes, &keys().each_ref(), Arc::clone(&comb), &fault);
            let mut ours = Signatures::default();
            engine.sign_batch(&messages, Check::Off, &mut ours).unwrap();
            let differs = differing(&ours, &reference);
            if crafted.contains(&k) {
                // The lane is flagged, and the reference signs with its own k.
                assert!(differs.is_empty(), "{} {k:x?}", L::NAME);
                continue;
            }
            assert_eq!(differs, [hit], "{} {k:x?}", L::NAME);
            let k = Scalar::reduce(&FieldBytes::from(to_bytes(&k)));
            let k = NonZeroScalar::new(k).unwrap();
            let [key, ..] = keys();
            let signed = sign_prehashed(key.as_nonzero_scalar(), &k, &digest).unwrap();
            assert_eq!(ours.get(hit), signed.0.to_bytes().as_slice(), "{}", L::NAME);
        }
    }
}

#[test]
fn crafted_nonces_give_the_signatures_of_the_reference_or_are_left_to_it() {
    over_all_lanes(&CraftedNonces);
}

struct FlippedEntry;

impl Holds for FlippedEntry {
    fn over<L: Lanes>(&self, lanes: L) {
        struct Silent;
        impl Probe for Silent {
            const LOOKS: bool = false;
        }
        let messages = messages(64, 3);
        let reference = reference(&messages);
        let good = points(&ProjectivePoint::generator());
        // An entry that some of the messages need, found by trying.
        let mut caught = 0;
        for entry in (0..good.len()).step_by(61) {
            let mut points = good.clone();
            points[entry][entry % 2][1] ^= 1 << 20;
            let comb = Arc::new(Comb::of_points(lanes, &points));
            let engine = Batch::watched(lanes, &keys().each_ref(), comb, Silent);
            let mut ours = Signatures::default();
            engine.sign_batch(&messages, Check::Off, &mut ours).unwrap();
            let wrong = !differing(&ours, &reference).is_empty();
            let recomputed = engine
                .sign_batch(&messages, Check::Batch, &mut ours)
                .unwrap();
            assert!(
                differing(&ours, &reference).is_empty(),
                "{} {entry}",
                L::NAME
            );
            assert_eq!(wrong, recomputed > 0, "{} {entry}", L::NAME);
            caught += usize::from(wrong);
        }
        assert!(caught > 3, "only {caught} entries were needed");
    }
}

#[test]
fn a_bit_that_flips_in_a_table_is_caught_and_mended() {
    over_all_lanes(&FlippedEntry);
}

/// Damages one key where the engine keeps it, and nowhere else.
struct DamagedKey {
    number: usize,
    seen: AtomicUsize,
}

impl Probe for DamagedKey {
    const LOOKS: bool = false;

    fn secret(&self, bytes: &mut [u8]) {
        if self.seen.fetch_add(1, Ordering::Relaxed) == self.number {
            bytes[17] ^= 8;
        }
    }
}

struct DamagedKeys;

impl Holds for DamagedKeys {
    fn over<L: Lanes>(&self, lanes: L) {
        let comb = Arc::new(Comb::new(lanes, &ProjectivePoint::generator()));
        // Few for each key, and enough for a comb of its public half.
        for count in [40, 200] {
            let messages = messages(count, 3);
            let reference = reference(&messages);
            for number in 0..3 {
                let seen = AtomicUsize::new(0);
                let probe = DamagedKey { number, seen };
                let comb = Arc::clone(&comb);
                let engine = Batch::watched(lanes, &keys().each_ref(), comb, probe);
                let mut ours = Signatures::default();
                engine.sign_batch(&messages, Check::Off, &mut ours).unwrap();
                let own: Vec<_> = (0..messages.len())
                    .filter(|at| usize::from(messages.key(*at)) == number)
                    .collect();
                let says = format!("{} key {number} of {count}", L::NAME);
                assert_eq!(differing(&ours, &reference), own, "{says}");
                let recomputed = engine.sign_batch(&messages, Check::All, &mut ours);
                assert_eq!(recomputed.unwrap(), own.len() as u64, "{says}");
                assert!(differing(&ours, &reference).is_empty(), "{says}");
            }
        }
    }
}

#[test]
fn a_key_that_was_damaged_in_memory_is_found_by_verifying_and_spoils_no_other_keys_signatures() {
    over_all_lanes(&DamagedKeys);
}

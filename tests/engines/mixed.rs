//! Batches of several keys: every message is signed and judged under its own.

use campaign_signer::engine::batch::load_verifier;
use campaign_signer::engine::{
    Check, ENGINES, Engine, Hs256, Messages, P256, P256Verifier, SignError, Signatures, Verifier,
};
use p256::ecdsa::{SigningKey, VerifyingKey};

use crate::testkit::{Rng, key};
use crate::{ORDER, engines, key_of, random_messages, verifiers};

/// More keys than a vector or a hash has lanes; the first ones stand at the
/// edges.
const MANY: usize = 20;

fn keys(rng: &mut Rng, count: usize) -> Vec<SigningKey> {
    let edges = [1, 2].map(|end| key_of(&format!("{end:064}")));
    let last = key_of(&ORDER.replace("2551", "2550"));
    let random = std::iter::repeat_with(|| {
        let scalar: String = (0..4)
            .map(|_| format!("{:016x}", rng.next() >> 1))
            .collect();
        key_of(&scalar)
    });
    let edges = edges.into_iter().chain([last]);
    edges.chain(random).take(count).collect()
}

/// The same messages for other keys.
fn keyed(messages: &Messages, key: impl Fn(usize) -> usize) -> Messages {
    let mut out = Messages::default();
    for (at, message) in messages.iter().enumerate() {
        let key = u16::try_from(key(at)).unwrap();
        out.push_keyed(key, |bytes| bytes.extend_from_slice(message));
    }
    out
}

/// `p256`'s own signatures, each under its message's key.
fn expected(keys: &[SigningKey], messages: &Messages) -> Signatures {
    let mut out = Signatures::default();
    out.clear(64);
    for (at, message) in messages.iter().enumerate() {
        use p256::ecdsa::signature::Signer;
        let key = &keys[usize::from(messages.key(at))];
        let signature: p256::ecdsa::Signature = key.sign(message);
        out.push(&signature.to_bytes());
    }
    out
}

fn assert_equal(ours: &Signatures, theirs: &Signatures, says: &str) {
    assert_eq!(ours.len(), theirs.len(), "{says}");
    for at in 0..ours.len() {
        assert_eq!(ours.get(at), theirs.get(at), "{says}, message {at}");
    }
}

#[test]
fn every_message_of_a_mixed_batch_has_the_bytes_of_the_reference_under_its_own_key() {
    let mut rng = Rng(11);
    let keys = keys(&mut rng, MANY);
    let engines = engines(&keys.iter().collect::<Vec<_>>());
    let lengths = (0..=18).chain([31, 32, 33, 63, 64, 65, 1023, 1024, 1025]);
    for (round, count) in lengths.enumerate() {
        let messages = random_messages(&mut rng, count);
        let odd = rng.below(count.max(1) as u64) as usize;
        let drawn: Vec<_> = (0..count)
            .map(|_| rng.below(MANY as u64) as usize)
            .collect();
        type Pattern<'a> = (&'a str, Box<dyn Fn(usize) -> usize + 'a>);
        let patterns: [Pattern<'_>; 6] = [
            ("two in turn", Box::new(|at| at % 2)),
            ("all in turn", Box::new(|at| at % MANY)),
            ("one after another", Box::new(|at| at * MANY / count)),
            ("all the last one", Box::new(|_| MANY - 1)),
            ("one odd one out", Box::new(|at| 3 * usize::from(at == odd))),
            ("drawn", Box::new(|at| drawn[at])),
        ];
        for (turn, (pattern, key)) in patterns.iter().enumerate() {
            let messages = keyed(&messages, key);
            let expected = expected(&keys, &messages);
            for engine in &engines {
                let name = engine.name();
                // These take their time.
                if count > 1000 && (name == "batch-model" || turn % 2 != round % 2) {
                    continue;
                }
                let check = [Check::Off, Check::Batch, Check::All][(round + turn) % 3];
                let mut ours = Signatures::default();
                let recomputed = engine.sign_batch(&messages, check, &mut ours).unwrap();
                let says = format!("{name}, {count} messages, {pattern}, {check:?}");
                assert_eq!(recomputed, 0, "{says}");
                assert_equal(&ours, &expected, &says);
            }
        }
    }
}

#[test]
fn a_message_for_a_key_that_was_not_loaded_is_refused_by_every_engine() {
    let mut rng = Rng(12);
    let keys = keys(&mut rng, 3);
    let secrets: Vec<_> = keys.iter().map(|key| key.to_bytes().to_vec()).collect();
    for held in [0, 1, 3] {
        let mut all = engines(&keys.iter().take(held).collect::<Vec<_>>());
        let secrets: Vec<_> = secrets.iter().map(Vec::as_slice).take(held).collect();
        all.push(Box::new(Hs256::new(&secrets)));
        for engine in all {
            let mut out = Signatures::default();
            let nothing = engine.sign_batch(&Messages::default(), Check::All, &mut out);
            assert_eq!(nothing.unwrap(), 0, "no message asks for no key");
            for count in [1, 2, 3, 40, 2000] {
                for wrong in [held, 700, usize::from(u16::MAX)] {
                    let messages = random_messages(&mut rng, count);
                    let messages = keyed(&messages, |at| match at + 1 == count {
                        true => wrong,
                        false => at % held.max(1),
                    });
                    let first = if held == 0 { 0 } else { count - 1 };
                    let error = engine.sign_batch(&messages, Check::Batch, &mut out);
                    let error = error.unwrap_err();
                    let says = error.to_string();
                    let SignError::UnknownKey { at, key, keys, .. } = error else {
                        panic!("{says}");
                    };
                    assert_eq!((at, key, keys), (first, messages.key(first), held));
                    let holds = ["holds none", "holds key 0 only", "", "holds keys 0 to 2"][held];
                    let asks = format!("message {at} of a batch asks for key {key}, ");
                    assert!(says.starts_with(&asks) && says.ends_with(holds), "{says}");
                    assert!(says.contains(engine.name()), "{says}");
                }
            }
        }
    }
}

#[test]
fn a_verifier_of_several_keys_judges_every_signature_under_its_own_key() {
    let mut rng = Rng(13);
    let keys = keys(&mut rng, 5);
    let public: Vec<_> = keys.iter().map(|key| *key.verifying_key()).collect();
    // As few as are judged one after another, and enough for lanes.
    for count in [7, 90, 420] {
        let messages = random_messages(&mut rng, count);
        let right = keyed(&messages, |at| (at * 7 + at / 3) % keys.len());
        let mut signatures = expected(&keys, &right);
        let mut verdicts: Vec<_> = vec![true; count];
        // Some are judged under another key than they were signed with, or
        // under one that nobody knows; others were changed.
        let asked = keyed(&messages, |at| {
            let key = usize::from(right.key(at));
            match at % 11 {
                3 => (key + 1) % keys.len(),
                7 => keys.len() + at,
                _ => key,
            }
        });
        let mut changed = Signatures::default();
        changed.clear(64);
        for (at, verdict) in verdicts.iter_mut().enumerate() {
            let mut signature = signatures.get(at).to_vec();
            if at % 11 == 5 {
                signature[rng.below(64) as usize] ^= 1 << rng.below(8);
            }
            *verdict = !matches!(at % 11, 3 | 5 | 7);
            changed.push(&signature);
        }
        std::mem::swap(&mut signatures, &mut changed);
        let holders: Vec<_> = keys.iter().collect();
        let mut all = verifiers(&public);
        all.push(("p256", Box::new(P256::new(&holders))));
        for (name, verifier) in all {
            let mut ours = Vec::new();
            // The second time every key has its comb.
            for _ in 0..2 {
                verifier.verify_batch(&asked, &signatures, &mut ours);
                assert_eq!(ours, verdicts, "{name}, {count} signatures");
            }
            for (at, verdict) in verdicts.iter().enumerate().take(30) {
                let (message, signature) = (asked.get(at), signatures.get(at));
                let ours = verifier.verify_keyed(asked.key(at), message, signature);
                assert_eq!(ours, *verdict, "{name}, {at}");
            }
        }
    }
}

#[test]
fn keys_that_come_too_late_for_a_comb_are_judged_all_the_same() {
    const KEYS: usize = 67;
    let mut rng = Rng(14);
    let keys = keys(&mut rng, KEYS);
    let public: Vec<VerifyingKey> = keys.iter().map(|key| *key.verifying_key()).collect();
    let messages = random_messages(&mut rng, 66 * KEYS);
    let messages = keyed(&messages, |at| at % KEYS);
    let signatures = expected(&keys, &messages);
    let mut changed = Signatures::default();
    changed.clear(64);
    let is_wrong = |at: usize| at % 101 == 17;
    for at in 0..messages.len() {
        let mut signature = signatures.get(at).to_vec();
        signature[40] ^= u8::from(is_wrong(at));
        changed.push(&signature);
    }
    let verifier = load_verifier(&public);
    for _ in 0..2 {
        let mut verdicts = Vec::new();
        verifier.verify_batch(&messages, &changed, &mut verdicts);
        for (at, verdict) in verdicts.into_iter().enumerate() {
            assert_eq!(verdict, !is_wrong(at), "key {}, {at}", messages.key(at));
        }
    }
}

#[test]
fn a_verifier_of_one_key_knows_no_other_number() {
    let key = key();
    let messages = keyed(&random_messages(&mut Rng(15), 90), |at| at % 2);
    let one = keyed(&messages, |_| 0);
    let signatures = expected(&[key.ecdsa().clone()], &one);
    let public = *key.public_key().verifying_key();
    let mut all = verifiers(&[public]);
    all.push(("one by one", Box::new(P256Verifier::new(public))));
    for (name, verifier) in all {
        let mut verdicts = Vec::new();
        verifier.verify_batch(&messages, &signatures, &mut verdicts);
        let expected: Vec<_> = (0..90).map(|at| at % 2 == 0).collect();
        assert_eq!(verdicts, expected, "{name}");
    }
}

#[test]
fn shared_secrets_sign_in_turn_as_each_of_them_does_alone() {
    let secrets: [&[u8]; 3] = [b"one", b"another one, which is longer", &[7; 100]];
    let messages = keyed(&random_messages(&mut Rng(16), 50), |at| at * 5 % 3);
    let together = Hs256::new(&secrets);
    for check in [Check::Off, Check::Batch, Check::All] {
        let mut ours = Signatures::default();
        assert_eq!(together.sign_batch(&messages, check, &mut ours).unwrap(), 0);
        for (at, message) in messages.iter().enumerate() {
            let alone = Hs256::new(&[secrets[at * 5 % 3]]);
            let mut single = Messages::default();
            single.push(message);
            let mut expected = Signatures::default();
            alone.sign_batch(&single, check, &mut expected).unwrap();
            assert_eq!(ours.get(at), expected.get(0), "{at}");
        }
        let mut verdicts = Vec::new();
        together.verify_batch(&messages, &ours, &mut verdicts);
        assert_eq!(verdicts, [true; 50]);
        together.verify_batch(&keyed(&messages, |_| 1), &ours, &mut verdicts);
        let expected: Vec<_> = (0..50).map(|at| at * 5 % 3 == 1).collect();
        assert_eq!(verdicts, expected);
    }
}

#[test]
fn messages_keep_their_keys_and_forget_them_with_themselves() {
    let mut messages = Messages::default();
    for _ in 0..2 {
        for key in [0, 0, 9, 0, 65535, 0] {
            messages.push_keyed(key, |out| out.push(b'm'));
        }
        messages.push(b"n");
        let keys: Vec<_> = (0..messages.len()).map(|at| messages.key(at)).collect();
        assert_eq!(keys, [0, 0, 9, 0, 65535, 0, 0]);
        assert_eq!(messages.iter().last(), Some(&b"n"[..]));
        messages.clear();
        messages.push(b"n");
        assert_eq!(messages.key(0), 0);
        messages.clear();
    }
}

#[test]
fn a_thousand_keys_sign_a_batch_as_one_does() {
    let mut rng = Rng(17);
    let keys = keys(&mut rng, 1000);
    let messages = keyed(&random_messages(&mut rng, 1500), |at| at * 7 % 1000);
    let expected = expected(&keys, &messages);
    let holders: Vec<_> = keys.iter().collect();
    for info in ENGINES.iter().filter(|info| info.name != "p256") {
        let mut ours = Signatures::default();
        let engine: Box<dyn Engine> = (info.load)(&holders);
        let recomputed = engine.sign_batch(&messages, Check::Batch, &mut ours);
        assert_eq!(recomputed.unwrap(), 0, "{}", info.name);
        assert_equal(&ours, &expected, info.name);
    }
}

//! Digests and nonces against `sha2` and `rfc6979`.

use hmac::digest::KeyInit;
use hmac::{Hmac, Mac};
use sha2::{Digest, Sha256};

use super::super::digest::{Beginning, Part, digests};
use super::super::lanes::{Lanes, N, from_bytes, lane, to_bytes};
use super::super::rfc6979::{NonceKey, NonceKeys};
use super::{Holds, Numbers, over_all_lanes};
use crate::engine::Messages;

struct Digests(Messages);

impl Holds for Digests {
    fn over<L: Lanes>(&self, lanes: L) {
        let width = L::WIDTH * L::HASHED;
        for start in [0, 3] {
            let part = Part::new(&self.0, start..self.0.len());
            let beginning = Beginning::of(part);
            for first in (0..part.len()).step_by(width) {
                let halves = digests(lanes, part, first, &beginning);
                for at in 0..width.min(part.len() - first) {
                    let number = lanes.join(&halves, at / L::WIDTH);
                    let ours = to_bytes(&lane(lanes, &number, at % L::WIDTH));
                    let message = part.get(first + at);
                    let expected: [u8; 32] = Sha256::digest(message).into();
                    assert_eq!(ours, expected, "{} {} bytes", L::NAME, message.len());
                }
            }
        }
    }
}

#[test]
fn digests_are_right_for_every_length_beside_every_other_and_for_shared_beginnings() {
    let mut numbers = Numbers(5);
    // Lengths around every border of blocks and padding.
    let mut ragged = Messages::default();
    for length in (0..200).chain([255, 256, 300, 1000, 1]) {
        ragged.push_with(|out| out.extend((0..length).map(|_| numbers.next() as u8)));
    }
    over_all_lanes(&Digests(ragged));
    for shared in [0, 1, 63, 64, 65, 127, 128, 200] {
        let mut messages = Messages::default();
        for at in 0..40_u64 {
            messages.push_with(|out| {
                out.extend((0..shared).map(|byte| byte as u8));
                out.extend((0..at * 5 % 90).map(|byte| (byte + at) as u8));
            });
        }
        over_all_lanes(&Digests(messages));
    }
    let mut same = Messages::default();
    for _ in 0..20 {
        same.push(&[7; 128]);
    }
    over_all_lanes(&Digests(same));
}

/// RFC 6979 §3.2, step by step, for a k that is in range at once.
fn by_the_book(key: &[u8; 32], h1: &[u8; 32]) -> [u8; 32] {
    let hmac = |k: &[u8; 32], parts: &[&[u8]]| -> [u8; 32] {
        let mut mac = Hmac::<Sha256>::new_from_slice(k).unwrap();
        parts.iter().for_each(|part| mac.update(part));
        mac.finalize().into_bytes().into()
    };
    let (mut v, mut k) = ([1; 32], [0; 32]);
    k = hmac(&k, &[&v, &[0], key, h1]);
    v = hmac(&k, &[&v]);
    k = hmac(&k, &[&v, &[1], key, h1]);
    v = hmac(&k, &[&v]);
    hmac(&k, &[&v])
}

/// Keys that take turns, and the digests that they do it over.
type Case = (Vec<[u8; 32]>, Vec<[u8; 32]>);

struct Nonces(Vec<Case>);

impl Holds for Nonces {
    fn over<L: Lanes>(&self, lanes: L) {
        for (keys, digests) in &self.0 {
            let nonce_keys: Vec<_> = keys.iter().map(NonceKey::new).collect();
            let mut in_lanes = NonceKeys::nobodys(lanes);
            for (group, some) in digests.chunks(L::WIDTH * L::HASHED).enumerate() {
                let key = |at: usize| (group * L::WIDTH * L::HASHED + at) % keys.len();
                in_lanes.load(lanes, |at| &nonce_keys[key(at)]);
                let vectors: Vec<_> = (0..L::HASHED)
                    .map(|vector| {
                        std::array::from_fn(|word| {
                            lanes.load(|lane| {
                                let at = (vector * L::WIDTH + lane) % some.len();
                                from_bytes(&some[at])[word]
                            })
                        })
                    })
                    .collect();
                let k = in_lanes.derive(lanes, &lanes.split(&vectors));
                for (at, digest) in some.iter().enumerate() {
                    let number = lanes.join(&k, at / L::WIDTH);
                    let ours = to_bytes(&lane(lanes, &number, at % L::WIDTH));
                    assert_eq!(ours, by_the_book(&keys[key(at)], digest), "{}", L::NAME);
                }
            }
        }
    }
}

#[test]
fn nonces_are_those_of_rfc_6979_for_edge_keys_and_random_ones() {
    let mut numbers = Numbers(6);
    let mut keys = vec![to_bytes(&[1, 0, 0, 0]), to_bytes(&super::plus(&N, -1))];
    keys.extend((0..20).map(|_| to_bytes(&numbers.limbs())));
    // Each alone, some together, and more together than there are lanes.
    let mut cases = Vec::new();
    let alone = keys.chunks(1);
    for keys in alone.chain([&keys[..2], &keys[..7], &keys]) {
        let mut digests = vec![[0; 32], [0xff; 32]];
        digests.extend((0..35).map(|_| to_bytes(&numbers.limbs())));
        cases.push((keys.to_vec(), digests));
    }
    over_all_lanes(&Nonces(cases));
}

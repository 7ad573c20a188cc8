//! The nonce k of a signature, as RFC 6979 §3.2 derives it from key and
//! message, in lanes.
//!
//! All inputs have the same lengths in every lane, so every HMAC (RFC 2104)
//! takes the same blocks, and whatever depends on the key alone is hashed once
//! per key. That leaves 15 compressions for a nonce. Every lane has a key of
//! its own, and so it takes as long for many keys as for one. The case that k is
//! not between 1 and n − 1 (it comes up once in 2^32) is left to the caller.
//! This file must not know points or messages.

use zeroize::Zeroize;

use super::lanes::Lanes;
use super::portable::Portable;
use crate::vector::sha256::INITIAL;

const IPAD: u32 = 0x3636_3636;
const OPAD: u32 = 0x5c5c_5c5c;

/// V = 0x01 0x01 … (step b).
const V0: u32 = 0x0101_0101;

/// What of the derivation depends on the key alone. Secret.
///
/// Two halves of 32 bytes, each of big-endian words, so that lanes take it in
/// as they take in a block of their messages: the inner hash of step d after its
/// first block, which holds V, 0x00 and all of x but its last byte; and
/// int2octets(x), the private key.
pub struct NonceKey([u8; 64]);

impl Drop for NonceKey {
    fn drop(&mut self) {
        self.0.zeroize();
    }
}

/// A hash of an HMAC whose key is zero (step c), after its pad.
fn zero_key(pad: u32) -> [u32; 8] {
    let mut state = INITIAL;
    Portable.compress(&mut state, &[pad; 16]);
    state
}

impl NonceKey {
    /// Of a private key's 32 bytes, big-endian.
    pub fn new(key: &[u8; 32]) -> Self {
        let mut x = std::array::from_fn(|word| {
            u32::from_be_bytes(std::array::from_fn(|at| key[4 * word + at]))
        });
        let mut block = [V0; 16];
        block[8..].copy_from_slice(&behind(Portable, 0x00, &x));
        let mut step_d = zero_key(IPAD);
        Portable.compress(&mut step_d, &block);
        let mut bytes = [0; 64];
        for (word, bytes) in step_d.iter().chain(&x).zip(bytes.as_chunks_mut().0) {
            *bytes = word.to_be_bytes();
        }
        let nonce_key = Self(bytes);
        bytes.zeroize();
        block.zeroize();
        step_d.zeroize();
        x.zeroize();
        nonce_key
    }
}

/// Words of a byte and the first 31 bytes of x.
#[inline(always)]
fn behind<L: Lanes>(lanes: L, byte: u32, x: &[L::Half; 8]) -> [L::Half; 8] {
    std::array::from_fn(|at| match at {
        0 => lanes.shift_in::<8, 24>(x[0], lanes.half(byte)),
        _ => lanes.shift_in::<8, 24>(x[at], x[at - 1]),
    })
}

/// The keys of all lanes, each lane's its own. Secret.
pub struct NonceKeys<L: Lanes> {
    /// The private keys.
    x: [L::Half; 8],
    /// The inner hashes of step d.
    step_d: [L::Half; 8],
    /// The outer hash of step d after its pad; nothing secret.
    outer_d: [L::Half; 8],
}

impl<L: Lanes> NonceKeys<L> {
    /// Nobody's keys.
    #[inline(always)]
    pub fn nobodys(lanes: L) -> Self {
        Self {
            x: [lanes.half(0); 8],
            step_d: [lanes.half(0); 8],
            outer_d: zero_key(OPAD).map(|word| lanes.half(word)),
        }
    }

    /// Takes in every lane's key.
    #[inline(always)]
    pub fn load<'k>(&mut self, lanes: L, key: impl Fn(usize) -> &'k NonceKey) {
        let words = lanes.blocks(|lane| &key(lane).0);
        self.step_d = std::array::from_fn(|at| words[at]);
        self.x = std::array::from_fn(|at| words[8 + at]);
    }

    /// k for bits2octets(h1) in every lane (§2.3.4), as words.
    #[inline(always)]
    pub fn derive(&self, lanes: L, h1: &[L::Half; 8]) -> [L::Half; 8] {
        // Step d: K = HMAC_K(V ‖ 0x00 ‖ int2octets(x) ‖ bits2octets(h1)).
        let end = self.end(lanes, h1);
        let mut inner = self.step_d;
        lanes.compress(&mut inner, &end);
        let mut k = self.outer_d;
        lanes.compress(&mut k, &digest_block(lanes, &inner));
        // Step e: V = HMAC_K(V).
        let hmac = Hmac::new(lanes, &k);
        let v = hmac.of(lanes, &[lanes.half(V0); 8]);
        // Step f: K = HMAC_K(V ‖ 0x01 ‖ int2octets(x) ‖ bits2octets(h1)).
        let behind = behind(lanes, 0x01, &self.x);
        let block = std::array::from_fn(|at| match at {
            0..8 => v[at],
            _ => behind[at - 8],
        });
        let mut inner = hmac.inner;
        lanes.compress(&mut inner, &block);
        lanes.compress(&mut inner, &end);
        let mut k = hmac.outer;
        lanes.compress(&mut k, &digest_block(lanes, &inner));
        // Step g: V = HMAC_K(V).
        let hmac = Hmac::new(lanes, &k);
        let v = hmac.of(lanes, &v);
        // Step h: T = V = HMAC_K(V), and k = bits2int(T): n has as many bits
        // as a digest.
        hmac.of(lanes, &v)
    }

    /// The last block of steps d and f: the last byte of x, h1, and the
    /// padding of 64 bytes of pad and 97 of message.
    #[inline(always)]
    fn end(&self, lanes: L, h1: &[L::Half; 8]) -> [L::Half; 16] {
        std::array::from_fn(|at| match at {
            0 => lanes.shift_in::<8, 24>(h1[0], self.x[7]),
            1..8 => lanes.shift_in::<8, 24>(h1[at], h1[at - 1]),
            8 => lanes.shift_in::<8, 24>(lanes.half(0x8000_0000), h1[7]),
            15 => lanes.half((64 + 97) * 8),
            _ => lanes.half(0),
        })
    }
}

/// The last block of a hash over 64 bytes of pad and a digest.
#[inline(always)]
fn digest_block<L: Lanes>(lanes: L, digest: &[L::Half; 8]) -> [L::Half; 16] {
    std::array::from_fn(|at| match at {
        0..8 => digest[at],
        8 => lanes.half(0x8000_0000),
        15 => lanes.half((64 + 32) * 8),
        _ => lanes.half(0),
    })
}

/// HMAC with a key of 32 bytes, its pads hashed.
struct Hmac<L: Lanes> {
    inner: [L::Half; 8],
    outer: [L::Half; 8],
}

impl<L: Lanes> Hmac<L> {
    #[inline(always)]
    fn new(lanes: L, key: &[L::Half; 8]) -> Self {
        Self {
            inner: Self::padded(lanes, key, IPAD),
            outer: Self::padded(lanes, key, OPAD),
        }
    }

    #[inline(always)]
    fn padded(lanes: L, key: &[L::Half; 8], pad: u32) -> [L::Half; 8] {
        let pad = lanes.half(pad);
        let mut block = [pad; 16];
        for (word, key) in block.iter_mut().zip(key) {
            *word = lanes.xor_half(*key, pad);
        }
        let mut state = INITIAL.map(|word| lanes.half(word));
        lanes.compress(&mut state, &block);
        state
    }

    /// Of a message of 32 bytes.
    #[inline(always)]
    fn of(&self, lanes: L, message: &[L::Half; 8]) -> [L::Half; 8] {
        let mut inner = self.inner;
        lanes.compress(&mut inner, &digest_block(lanes, message));
        let mut outer = self.outer;
        lanes.compress(&mut outer, &digest_block(lanes, &inner));
        outer
    }
}

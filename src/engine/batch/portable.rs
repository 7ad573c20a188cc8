//! Lanes one element wide, for any processor: the formally verified field
//! arithmetic of `fiat-crypto`, and SHA-256 of `sha2`, which uses the
//! processor's own instructions where it has them.
//!
//! This file must not know points, keys or messages.

use std::hint::black_box;

use fiat_crypto::p256_64 as p;
use fiat_crypto::p256_scalar_64 as n;
use sha2::block_api::compress256;

use super::lanes::{Coordinates, Lanes, Limbs, Mask, Modular, N, P, select, splat, subtract};
use crate::vector::Work;

/// The portable lanes.
#[derive(Clone, Copy, Debug)]
pub struct Portable;

/// Arithmetic modulo p. Elements are below p.
#[derive(Clone, Copy, Debug)]
pub struct Field;

/// Arithmetic modulo n. Elements are below n.
#[derive(Clone, Copy, Debug)]
pub struct Scalars;

/// All ones where the mask's bit is set.
///
/// A compiler that knows that this is all ones or zero may branch on it, and
/// did so in [`pick`](Lanes::pick): therefore it is not let know.
fn ones(mask: Mask) -> u64 {
    black_box(u64::from(mask & 1).wrapping_neg())
}

impl Lanes for Portable {
    const NAME: &'static str = "portable";
    const WIDTH: usize = 1;
    const HASHED: usize = 1;
    type Word = u64;
    type Half = u32;
    type P = Field;
    type N = Scalars;
    type Window = Vec<[Limbs; 2]>;

    fn p(self) -> Field {
        Field
    }
    fn n(self) -> Scalars {
        Scalars
    }
    fn enter<R>(self, work: impl Work<R>) -> R {
        work.run()
    }

    fn splat(self, value: u64) -> u64 {
        value
    }
    fn load(self, lane: impl Fn(usize) -> u64) -> u64 {
        lane(0)
    }
    fn lane(self, a: u64, _: usize) -> u64 {
        a
    }
    fn numbers(self, a: &Limbs) -> [Limbs; 8] {
        let mut all = [[0; 4]; 8];
        all[0] = *a;
        all
    }
    fn and(self, a: u64, b: u64) -> u64 {
        a & b
    }
    fn or(self, a: u64, b: u64) -> u64 {
        a | b
    }
    fn xor(self, a: u64, b: u64) -> u64 {
        a ^ b
    }
    fn add(self, a: u64, b: u64) -> u64 {
        a.wrapping_add(b)
    }
    fn sub(self, a: u64, b: u64) -> u64 {
        a.wrapping_sub(b)
    }
    fn shl<const N: u32>(self, a: u64) -> u64 {
        a << N
    }
    fn shr<const N: u32>(self, a: u64) -> u64 {
        a >> N
    }
    fn shr_by(self, a: u64, bits: usize) -> u64 {
        a >> bits
    }
    fn eq(self, a: u64, b: u64) -> Mask {
        Mask::from(a == b)
    }
    fn lt(self, a: u64, b: u64) -> Mask {
        Mask::from(a < b)
    }
    fn select(self, mask: Mask, a: u64, b: u64) -> u64 {
        b ^ (ones(mask) & (a ^ b))
    }

    fn window(self, points: &[[Limbs; 2]]) -> Vec<[Limbs; 2]> {
        let enter = |coordinates: &[Limbs; 2]| coordinates.map(|limbs| Field.enter(&limbs));
        points.iter().map(enter).collect()
    }

    fn pick(self, window: &Vec<[Limbs; 2]>, index: u64) -> (Limbs, Limbs) {
        let (mut x, mut y) = ([0; 4], [0; 4]);
        for (at, [own_x, own_y]) in window.iter().enumerate() {
            let all = ones(self.eq(at as u64, index));
            for limb in 0..4 {
                x[limb] |= own_x[limb] & all;
                y[limb] |= own_y[limb] & all;
            }
        }
        (x, y)
    }

    fn pick_public(self, window: &Vec<[Limbs; 2]>, index: u64) -> (Limbs, Limbs) {
        // An index is below 128, which is how many points there are.
        let [x, y] = window[index as usize];
        (x, y)
    }

    fn half(self, value: u32) -> u32 {
        value
    }
    fn shift_in<const N: u32, const M: u32>(self, a: u32, b: u32) -> u32 {
        (a >> N) | (b << M)
    }
    fn xor_half(self, a: u32, b: u32) -> u32 {
        a ^ b
    }
    fn select_half(self, mask: u16, a: u32, b: u32) -> u32 {
        let all = u32::from(mask & 1).wrapping_neg();
        b ^ (all & (a ^ b))
    }
    fn blocks<'b>(self, block: impl Fn(usize) -> &'b [u8; 64]) -> [u32; 16] {
        let block = block(0);
        std::array::from_fn(|word| {
            u32::from_be_bytes(std::array::from_fn(|at| block[4 * word + at]))
        })
    }
    fn compress(self, state: &mut [u32; 8], block: &[u32; 16]) {
        let mut bytes = [0; 64];
        for (word, bytes) in block.iter().zip(bytes.chunks_exact_mut(4)) {
            bytes.copy_from_slice(&word.to_be_bytes());
        }
        compress256(state, &[bytes]);
    }
    fn join(self, halves: &[u32; 8], _: usize) -> Limbs {
        std::array::from_fn(|limb| {
            let at = 6 - 2 * limb;
            u64::from(halves[at]) << 32 | u64::from(halves[at + 1])
        })
    }
    fn split(self, vectors: &[Limbs]) -> [u32; 8] {
        let limbs = vectors[0];
        std::array::from_fn(|at| {
            let limb = limbs[3 - at / 2];
            match at % 2 {
                0 => (limb >> 32) as u32,
                _ => limb as u32,
            }
        })
    }
}

/// The same for both moduli, but for the names.
macro_rules! modular {
    ($name:ty, $modulus:ident, $element:path, $plain:path, $one:path, $enter:path, $leave:path,
     $mul:path, $square:path, $add:path) => {
        impl Modular<Portable> for $name {
            type Element = Limbs;

            fn one(self) -> Limbs {
                let mut out = $element([0; 4]);
                $one(&mut out);
                out.0
            }
            fn enter(self, words: &Limbs) -> Limbs {
                // 2^256 < 2m: one subtraction is enough.
                let (less, negative) = subtract(Portable, words, &splat(Portable, &$modulus));
                let reduced = select(Portable, negative, words, &less);
                let mut out = $element([0; 4]);
                $enter(&mut out, &$plain(reduced));
                out.0
            }
            fn leave(self, a: &Limbs) -> Limbs {
                let mut out = $plain([0; 4]);
                $leave(&mut out, &$element(*a));
                out.0
            }
            fn mul(self, a: &Limbs, b: &Limbs) -> Limbs {
                let mut out = $element([0; 4]);
                $mul(&mut out, &$element(*a), &$element(*b));
                out.0
            }
            fn square(self, a: &Limbs) -> Limbs {
                let mut out = $element([0; 4]);
                $square(&mut out, &$element(*a));
                out.0
            }
            fn sum_as_factor(self, a: &Limbs, b: &Limbs) -> Limbs {
                let mut out = $element([0; 4]);
                $add(&mut out, &$element(*a), &$element(*b));
                out.0
            }
            fn select(self, mask: Mask, a: &Limbs, b: &Limbs) -> Limbs {
                select(Portable, mask, a, b)
            }
            fn invert(self, a: &Limbs) -> Limbs {
                self.to_m_less_two(a)
            }
        }
    };
}

/// a^(2^count)
fn square_often<M: Modular<Portable, Element = Limbs>>(m: M, a: &Limbs, count: usize) -> Limbs {
    (0..count).fold(*a, |a, _| m.square(&a))
}

impl Field {
    /// a^(p − 2) = 1/a (Fermat), with 255 squares and 13 products. p − 2 =
    /// 2^256 − 2^224 + 2^192 + 2^96 − 3 is put together of ones: x32 is a to
    /// the power of 32 of them.
    fn to_m_less_two(self, a: &Limbs) -> Limbs {
        let append =
            |high: &Limbs, bits: usize, low: &Limbs| self.mul(&square_often(self, high, bits), low);
        let x2 = append(a, 1, a);
        let x3 = append(&x2, 1, a);
        let x6 = append(&x3, 3, &x3);
        let x12 = append(&x6, 6, &x6);
        let x15 = append(&x12, 3, &x3);
        let x30 = append(&x15, 15, &x15);
        let x32 = append(&x30, 2, &x2);
        let out = append(&x32, 32, a);
        let out = append(&out, 128, &x32);
        let out = append(&out, 32, &x32);
        let out = append(&out, 30, &x30);
        append(&out, 2, a)
    }
}

impl Scalars {
    /// a^(n − 2) = 1/a, four bits of the exponent at a time. The exponent is a
    /// constant: how long it takes does not depend on a.
    fn to_m_less_two(self, a: &Limbs) -> Limbs {
        let mut powers = [self.one(); 16];
        for at in 1..16 {
            powers[at] = self.mul(&powers[at - 1], a);
        }
        let exponent = [N[0] - 2, N[1], N[2], N[3]];
        (0..64).rev().fold(self.one(), |out, nibble| {
            let out = square_often(self, &out, 4);
            let digit = exponent[nibble / 16] >> (4 * (nibble % 16)) & 15;
            self.mul(&out, &powers[digit as usize])
        })
    }
}

modular!(
    Field,
    P,
    p::fiat_p256_montgomery_domain_field_element,
    p::fiat_p256_non_montgomery_domain_field_element,
    p::fiat_p256_set_one,
    p::fiat_p256_to_montgomery,
    p::fiat_p256_from_montgomery,
    p::fiat_p256_mul,
    p::fiat_p256_square,
    p::fiat_p256_add
);

modular!(
    Scalars,
    N,
    n::fiat_p256_scalar_montgomery_domain_field_element,
    n::fiat_p256_scalar_non_montgomery_domain_field_element,
    n::fiat_p256_scalar_set_one,
    n::fiat_p256_scalar_to_montgomery,
    n::fiat_p256_scalar_from_montgomery,
    n::fiat_p256_scalar_mul,
    n::fiat_p256_scalar_square,
    n::fiat_p256_scalar_add
);

impl Coordinates<Portable> for Field {
    fn add(self, a: &Limbs, b: &Limbs) -> Limbs {
        self.sum_as_factor(a, b)
    }
    fn sub(self, a: &Limbs, b: &Limbs) -> Limbs {
        let mut out = p::fiat_p256_montgomery_domain_field_element([0; 4]);
        p::fiat_p256_sub(
            &mut out,
            &p::fiat_p256_montgomery_domain_field_element(*a),
            &p::fiat_p256_montgomery_domain_field_element(*b),
        );
        out.0
    }
    fn signed_sub(self, negative: Mask, a: &Limbs, b: &Limbs) -> Limbs {
        let minus = self.sub(&[0; 4], a);
        self.sub(&self.select(negative, &minus, a), b)
    }
    fn mul_sub(self, a: &Limbs, b: &Limbs, c: &Limbs) -> Limbs {
        self.sub(&self.mul(a, b), c)
    }
    fn square_sub(self, a: &Limbs, b: &Limbs, c: &Limbs) -> Limbs {
        let less = self.sub(&self.square(a), c);
        self.sub(&less, &self.add(b, b))
    }
    fn is_zero(self, a: &Limbs) -> Mask {
        super::lanes::is_zero(Portable, a)
    }
}

//! The batch engine from the inside: what its public face cannot reach.

mod comb;
mod faults;
mod field;
mod hash;

use super::lanes::{Lanes, Limbs};
use super::portable::Portable;
use super::wide::Wide;
use crate::vector::Avx512;
use crate::vector::Model;

/// Something to hold over every kind of lanes that this processor has.
trait Holds {
    fn over<L: Lanes>(&self, lanes: L);
}

/// The portable lanes, the model of the wide ones, and the wide ones where
/// the processor has them.
fn over_all_lanes(property: &impl Holds) {
    property.over(Portable);
    property.over(Wide(Model));
    #[cfg(target_arch = "x86_64")]
    match Avx512::detect() {
        Some(v) => property.over(Wide(v)),
        None => eprintln!("no AVX-512 IFMA here: only its model was tested"),
    }
}

/// Numbers for tests, always the same ones (SplitMix64).
struct Numbers(u64);

impl Numbers {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    fn limbs(&mut self) -> Limbs {
        std::array::from_fn(|_| self.next())
    }
}

/// a + b mod 2^256, b signed.
fn plus(a: &Limbs, b: i64) -> Limbs {
    let mut out = *a;
    let mut carry = i128::from(b);
    for limb in &mut out {
        let sum = i128::from(*limb) + carry;
        *limb = sum as u64;
        carry = sum >> 64;
    }
    out
}

/// Numbers at the bounds of every representation: of words, of limbs of 52
/// bits, of the modulus, and some in between.
fn edges(m: &Limbs) -> Vec<Limbs> {
    let mut all = vec![[0; 4], [u64::MAX; 4], *m];
    for by in [-2, -1, 1, 2] {
        all.push(plus(m, by));
        all.push(plus(&[0; 4], by));
    }
    for bit in [
        1, 31, 32, 51, 52, 53, 63, 64, 96, 103, 104, 128, 155, 156, 191, 192, 207, 208, 224, 255,
    ] {
        let mut power = [0; 4];
        power[bit / 64] = 1 << (bit % 64);
        all.extend([power, plus(&power, -1), plus(&power, 1)]);
    }
    // All limbs of 52 bits full but one.
    for hole in 0..5 {
        let mut number = [u64::MAX; 4];
        for bit in (hole * 52)..(hole * 52 + 52).min(256) {
            number[bit / 64] &= !(1 << (bit % 64));
        }
        all.push(number);
    }
    let half = |limb: usize| m[limb] >> 1 | m.get(limb + 1).map_or(0, |next| next << 63);
    all.push(std::array::from_fn(half));
    all
}

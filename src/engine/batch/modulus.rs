//! The two moduli in limbs of 52 bits, and the constants that follow from them,
//! worked out by the compiler. This file must not know how they are used.

use super::lanes::{Limbs, Modular, N, P};
use super::portable::{Field, Portable, Scalars};

/// The low 52 bits.
pub const LOW: u64 = (1 << 52) - 1;

/// Five limbs of 52 bits.
pub type Five = [u64; 5];

/// An odd modulus between 2^255 and 2^256, and what follows from it.
pub trait Modulus: Copy + Send + Sync + 'static {
    /// It.
    const M: Limbs;
    /// The same modulus, one element at a time.
    type Single: Modular<Portable, Element = Limbs>;
    /// The same modulus, one element at a time.
    const SINGLE: Self::Single;

    /// In limbs of 52 bits.
    const M52: Five = limbs52(&Self::M);
    /// −1/m mod 2^52.
    const M_NEG_INVERSE: u64 = negative_inverse(Self::M[0]);
    /// R mod m: one.
    const ONE: Five = limbs52(&power_of_two(260, &Self::M));
    /// R² mod m: what a number is multiplied by to enter.
    const R2: Five = limbs52(&power_of_two(520, &Self::M));
}

/// The field's prime.
#[derive(Clone, Copy, Debug)]
pub struct ModP;

/// The group's order.
#[derive(Clone, Copy, Debug)]
pub struct ModN;

impl Modulus for ModP {
    const M: Limbs = P;
    type Single = Field;
    const SINGLE: Field = Field;
}

impl Modulus for ModN {
    const M: Limbs = N;
    type Single = Scalars;
    const SINGLE: Scalars = Scalars;
}

const fn limbs52(a: &Limbs) -> Five {
    [
        a[0] & LOW,
        (a[0] >> 52 | a[1] << 12) & LOW,
        (a[1] >> 40 | a[2] << 24) & LOW,
        (a[2] >> 28 | a[3] << 36) & LOW,
        a[3] >> 16,
    ]
}

/// Newton's iteration: every step doubles the number of right bits, and an
/// odd number is its own inverse to three bits.
const fn negative_inverse(m: u64) -> u64 {
    let mut inverse = m;
    let mut step = 0;
    while step < 5 {
        inverse = inverse.wrapping_mul(2u64.wrapping_sub(m.wrapping_mul(inverse)));
        step += 1;
    }
    inverse.wrapping_neg() & LOW
}

/// 2^exponent mod m, doubling by doubling; for constants.
const fn power_of_two(exponent: u32, m: &Limbs) -> Limbs {
    let mut out = [1, 0, 0, 0];
    let mut step = 0;
    while step < exponent {
        let carry = out[3] >> 63;
        let mut twice = [0; 4];
        let mut at = 0;
        while at < 4 {
            twice[at] = out[at] << 1 | if at == 0 { 0 } else { out[at - 1] >> 63 };
            at += 1;
        }
        let mut less = [0; 4];
        let mut borrow = 0;
        at = 0;
        while at < 4 {
            let wide = twice[at] as i128 - m[at] as i128 - borrow as i128;
            less[at] = wide as u64;
            borrow = (wide < 0) as u64;
            at += 1;
        }
        out = if carry == 1 || borrow == 0 {
            less
        } else {
            twice
        };
        step += 1;
    }
    out
}

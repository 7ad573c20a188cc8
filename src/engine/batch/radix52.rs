//! Montgomery arithmetic on eight lanes of five limbs of 52 bits.
//!
//! An element stands for a·R mod m with R = 2^260. Its limbs are below 2^52,
//! but for the topmost one, and its value is below 2^257: four bits of R are
//! free, so a product of two elements needs no final subtraction. The file
//! must not know points, keys or messages.
//!
//! **Bounds.** `reduce` gives (a·b + q·m) / R < a·b / R + m
//! for a q below R. With a, b < 2^257 that is below 2^254 + m < 2^257, so
//! elements are closed under products; with elements as they come out of
//! products and differences (below 2^256 + 2^230 + m) it is closed, too.
//! Every accumulator takes at most 20 products of 52 bits and a carry: below
//! 2^57, far from 2^64.

use std::marker::PhantomData;

use super::lanes::{Coordinates, Lanes, Limbs, Mask, Modular};
use super::modulus::{Five, LOW, ModP, Modulus};
use super::wide::Wide;
use crate::vector::Vector;

/// Arithmetic modulo one of the two, in eight lanes.
#[derive(Clone, Copy, Debug)]
pub struct Radix52<V, M> {
    v: V,
    modulus: PhantomData<M>,
}

impl<V: Vector, M: Modulus> Radix52<V, M> {
    /// Arithmetic with these instructions.
    #[inline(always)]
    pub fn new(v: V) -> Self {
        Self {
            v,
            modulus: PhantomData,
        }
    }

    #[inline(always)]
    fn splat(self, limbs: &Five) -> [V::U64; 5] {
        std::array::from_fn(|at| self.v.splat(limbs[at]))
    }

    /// a·b in ten columns, unreduced.
    #[inline(always)]
    fn product(self, a: &[V::U64; 5], b: &[V::U64; 5]) -> [V::U64; 10] {
        let v = self.v;
        let mut t = [v.splat(0); 10];
        for i in 0..5 {
            for j in 0..5 {
                t[i + j] = v.madd_lo(t[i + j], a[j], b[i]);
                t[i + j + 1] = v.madd_hi(t[i + j + 1], a[j], b[i]);
            }
        }
        t
    }

    /// a² in ten columns, unreduced: the products of two different limbs once,
    /// doubled, then the squares.
    #[inline(always)]
    fn square_product(self, a: &[V::U64; 5]) -> [V::U64; 10] {
        let v = self.v;
        let mut t = [v.splat(0); 10];
        for i in 0..5 {
            for j in i + 1..5 {
                t[i + j] = v.madd_lo(t[i + j], a[j], a[i]);
                t[i + j + 1] = v.madd_hi(t[i + j + 1], a[j], a[i]);
            }
        }
        for column in &mut t[1..9] {
            *column = v.add(*column, *column);
        }
        for i in 0..5 {
            t[2 * i] = v.madd_lo(t[2 * i], a[i], a[i]);
            t[2 * i + 1] = v.madd_hi(t[2 * i + 1], a[i], a[i]);
        }
        t
    }

    /// Montgomery's reduction, a limb at a time: adds the multiple q·m that
    /// clears the lowest column, then drops it. The columns come out
    /// unnormalised, below 2^57.
    ///
    /// p ≡ −1 mod 2^52, so its q is the column itself, and its lowest limb
    /// needs no product: t + q·p = t − q + q·(p + 1), where t − q just loses
    /// the column's low bits.
    #[inline(always)]
    fn reduce(self, mut t: [V::U64; 10]) -> [V::U64; 5] {
        let v = self.v;
        let m = M::M52;
        for i in 0..5 {
            let mut q = t[i];
            let mut multiple = m;
            if M::M_NEG_INVERSE == 1 {
                multiple[0] = 0;
                multiple[1] += 1;
            } else {
                q = v.madd_lo(v.splat(0), t[i], v.splat(M::M_NEG_INVERSE));
                t[i] = v.madd_lo(t[i], q, v.splat(multiple[0]));
                t[i + 1] = v.madd_hi(t[i + 1], q, v.splat(multiple[0]));
            }
            t[i + 1] = v.add(t[i + 1], v.shr::<52>(t[i]));
            for j in 1..5 {
                if multiple[j] != 0 {
                    t[i + j] = v.madd_lo(t[i + j], q, v.splat(multiple[j]));
                    t[i + j + 1] = v.madd_hi(t[i + j + 1], q, v.splat(multiple[j]));
                }
            }
        }
        [t[5], t[6], t[7], t[8], t[9]]
    }

    /// Carries signed columns upwards.
    #[inline(always)]
    fn carry(self, mut l: [V::U64; 5]) -> [V::U64; 5] {
        let v = self.v;
        let low = v.splat(LOW);
        for at in 0..4 {
            l[at + 1] = v.add(l[at + 1], v.sar::<52>(l[at]));
            l[at] = v.and(l[at], low);
        }
        l
    }

    /// a − m where that is not negative, else a. For an a below 2m this is
    /// its full reduction.
    #[inline(always)]
    fn reduce_once(self, a: [V::U64; 5]) -> [V::U64; 5] {
        let v = self.v;
        let m = self.splat(&M::M52);
        let less = self.carry(std::array::from_fn(|at| v.sub(a[at], m[at])));
        let negative = v.lt(v.splat(i64::MAX.cast_unsigned()), less[4]);
        std::array::from_fn(|at| v.select(negative, a[at], less[at]))
    }
}

impl<V: Vector> Radix52<V, ModP> {
    /// Signed columns of a value within ±2^260 become an element: what stands
    /// above bit 256 of the top column, c, is taken away as c·2^256 and added
    /// as c·(2^256 − p) = c·(2^224 − 2^192 − 2^96 + 1).
    ///
    /// **Bounds.** The columns below the top one move its value by less than
    /// 2^6, that is 2^214; |c| ≤ 2^5. So what is left is within
    /// [−2^230, 2^256 + 2^230], and adding p makes it positive.
    #[inline(always)]
    fn fold(self, l: [V::U64; 5]) -> [V::U64; 5] {
        let v = self.v;
        let p = ModP::M52;
        let c = v.sar::<48>(l[4]);
        let top = v.and(l[4], v.splat((1 << 48) - 1));
        self.carry([
            v.add(v.add(l[0], v.splat(p[0])), c),
            v.sub(v.add(l[1], v.splat(p[1])), v.shl::<44>(c)),
            l[2],
            v.sub(v.add(l[3], v.splat(p[3])), v.shl::<36>(c)),
            v.add(v.add(top, v.splat(p[4])), v.shl::<16>(c)),
        ])
    }
}

impl<V: Vector, M: Modulus> Modular<Wide<V>> for Radix52<V, M>
where
    Wide<V>: Lanes<Word = V::U64>,
{
    type Element = [V::U64; 5];

    #[inline(always)]
    fn one(self) -> Self::Element {
        self.splat(&M::ONE)
    }

    #[inline(always)]
    fn enter(self, w: &[V::U64; 4]) -> Self::Element {
        let v = self.v;
        let low = v.splat(LOW);
        let limbs = [
            v.and(w[0], low),
            v.and(v.or(v.shr::<52>(w[0]), v.shl::<12>(w[1])), low),
            v.and(v.or(v.shr::<40>(w[1]), v.shl::<24>(w[2])), low),
            v.and(v.or(v.shr::<28>(w[2]), v.shl::<36>(w[3])), low),
            v.shr::<16>(w[3]),
        ];
        self.mul(&limbs, &self.splat(&M::R2))
    }

    /// A product with 1 is below 2^-3 + m, so at most m.
    #[inline(always)]
    fn leave(self, a: &Self::Element) -> [V::U64; 4] {
        let v = self.v;
        let mut one = [v.splat(0); 5];
        one[0] = v.splat(1);
        let l = self.reduce_once(self.mul(a, &one));
        [
            v.or(l[0], v.shl::<52>(l[1])),
            v.or(v.shr::<12>(l[1]), v.shl::<40>(l[2])),
            v.or(v.shr::<24>(l[2]), v.shl::<28>(l[3])),
            v.or(v.shr::<36>(l[3]), v.shl::<16>(l[4])),
        ]
    }

    #[inline(always)]
    fn mul(self, a: &Self::Element, b: &Self::Element) -> Self::Element {
        self.carry(self.reduce(self.product(a, b)))
    }

    #[inline(always)]
    fn square(self, a: &Self::Element) -> Self::Element {
        self.carry(self.reduce(self.square_product(a)))
    }

    /// Below 2^258; its product with an element is still reduced to below
    /// 2^255 + m.
    #[inline(always)]
    fn sum_as_factor(self, a: &Self::Element, b: &Self::Element) -> Self::Element {
        self.carry(std::array::from_fn(|at| self.v.add(a[at], b[at])))
    }

    #[inline(always)]
    fn select(self, mask: Mask, a: &Self::Element, b: &Self::Element) -> Self::Element {
        std::array::from_fn(|at| self.v.select(mask, a[at], b[at]))
    }

    /// Montgomery's trick once more, over the eight lanes: one inversion of a
    /// single element, and three products for every lane.
    #[inline(always)]
    fn invert(self, a: &Self::Element) -> Self::Element {
        let words = self.leave(a).map(|word| self.v.store(word));
        let inverses = invert_lanes::<M>(&words);
        self.enter(&inverses.map(|word| self.v.load(word)))
    }
}

#[inline(never)]
fn invert_lanes<M: Modulus>(words: &[[u64; 8]; 4]) -> [[u64; 8]; 4] {
    let single = M::SINGLE;
    let lanes: [Limbs; 8] =
        std::array::from_fn(|lane| single.enter(&std::array::from_fn(|word| words[word][lane])));
    let mut before = [single.one(); 8];
    let mut product = single.one();
    for (lane, before) in lanes.iter().zip(&mut before) {
        *before = product;
        product = single.mul(&product, lane);
    }
    let mut inverse = single.invert(&product);
    let mut out = [[0; 8]; 4];
    for lane in (0..8).rev() {
        let own = single.leave(&single.mul(&inverse, &before[lane]));
        inverse = single.mul(&inverse, &lanes[lane]);
        for word in 0..4 {
            out[word][lane] = own[word];
        }
    }
    out
}

impl<V: Vector> Coordinates<Wide<V>> for Radix52<V, ModP>
where
    Wide<V>: Lanes<Word = V::U64>,
{
    #[inline(always)]
    fn add(self, a: &Self::Element, b: &Self::Element) -> Self::Element {
        self.fold(std::array::from_fn(|at| self.v.add(a[at], b[at])))
    }

    #[inline(always)]
    fn sub(self, a: &Self::Element, b: &Self::Element) -> Self::Element {
        self.fold(std::array::from_fn(|at| self.v.sub(a[at], b[at])))
    }

    #[inline(always)]
    fn signed_sub(self, negative: Mask, a: &Self::Element, b: &Self::Element) -> Self::Element {
        let v = self.v;
        let zero = v.splat(0);
        self.fold(std::array::from_fn(|at| {
            let minus = v.sub(zero, a[at]);
            v.sub(v.select(negative, minus, a[at]), b[at])
        }))
    }

    #[inline(always)]
    fn mul_sub(self, a: &Self::Element, b: &Self::Element, c: &Self::Element) -> Self::Element {
        let product = self.reduce(self.product(a, b));
        self.fold(std::array::from_fn(|at| self.v.sub(product[at], c[at])))
    }

    #[inline(always)]
    fn square_sub(self, a: &Self::Element, b: &Self::Element, c: &Self::Element) -> Self::Element {
        let v = self.v;
        let square = self.reduce(self.square_product(a));
        self.fold(std::array::from_fn(|at| {
            let twice = v.add(b[at], b[at]);
            v.sub(v.sub(square[at], twice), c[at])
        }))
    }

    /// An element is below 2^257 + 2^231 < 3p, so zero is 0, p or 2p.
    #[inline(always)]
    fn is_zero(self, a: &Self::Element) -> Mask {
        let v = self.v;
        let twice = const {
            let p = ModP::M52;
            // 2p in limbs of 52 bits: only the lowest three carry.
            let mut out = [0; 5];
            let mut carry = 0;
            let mut at = 0;
            while at < 5 {
                let column = 2 * p[at] + carry;
                out[at] = if at < 4 { column & LOW } else { column };
                carry = column >> 52;
                at += 1;
            }
            out
        };
        let is = |multiple: &Five| {
            (0..5).fold(Mask::MAX, |mask, at| {
                mask & v.eq(a[at], v.splat(multiple[at]))
            })
        };
        is(&[0; 5]) | is(&ModP::M52) | is(&twice)
    }
}

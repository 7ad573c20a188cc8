//! Lanes eight elements wide, sixteen for hashing, over any [`Vector`].
//!
//! This file must not know points, keys or messages.

use super::lanes::{Lanes, Limbs, Mask, Modular};
use super::modulus::{ModN, ModP};
use super::radix52::Radix52;
use crate::vector::sha256;
use crate::vector::{Vector, Work};

/// Eight lanes of these instructions.
#[derive(Clone, Copy, Debug)]
pub struct Wide<V>(pub V);

/// Points of one window, eight to a vector: limb by limb of x, then of y.
pub struct Window<W>(Vec<[W; 10]>);

impl<V: Vector> Lanes for Wide<V> {
    const NAME: &'static str = V::NAME;
    const WIDTH: usize = 8;
    const HASHED: usize = 2;
    type Word = V::U64;
    type Half = V::U32;
    type P = Radix52<V, ModP>;
    type N = Radix52<V, ModN>;
    type Window = Window<V::U64>;

    #[inline(always)]
    fn p(self) -> Self::P {
        Radix52::new(self.0)
    }
    #[inline(always)]
    fn n(self) -> Self::N {
        Radix52::new(self.0)
    }
    #[inline(always)]
    fn enter<R>(self, work: impl Work<R>) -> R {
        self.0.enter(work)
    }

    #[inline(always)]
    fn splat(self, value: u64) -> V::U64 {
        self.0.splat(value)
    }
    #[inline(always)]
    fn load(self, lane: impl Fn(usize) -> u64) -> V::U64 {
        self.0.load(std::array::from_fn(lane))
    }
    #[inline(always)]
    fn lane(self, a: V::U64, lane: usize) -> u64 {
        self.0.store(a)[lane]
    }
    #[inline(always)]
    fn numbers(self, a: &[V::U64; 4]) -> [Limbs; 8] {
        let mut all = [[0; 4]; 8];
        for (word, lanes) in a.iter().enumerate() {
            for (number, lane) in all.iter_mut().zip(self.0.store(*lanes)) {
                number[word] = lane;
            }
        }
        all
    }
    #[inline(always)]
    fn and(self, a: V::U64, b: V::U64) -> V::U64 {
        self.0.and(a, b)
    }
    #[inline(always)]
    fn or(self, a: V::U64, b: V::U64) -> V::U64 {
        self.0.or(a, b)
    }
    #[inline(always)]
    fn xor(self, a: V::U64, b: V::U64) -> V::U64 {
        self.0.xor(a, b)
    }
    #[inline(always)]
    fn add(self, a: V::U64, b: V::U64) -> V::U64 {
        self.0.add(a, b)
    }
    #[inline(always)]
    fn sub(self, a: V::U64, b: V::U64) -> V::U64 {
        self.0.sub(a, b)
    }
    #[inline(always)]
    fn shl<const N: u32>(self, a: V::U64) -> V::U64 {
        self.0.shl::<N>(a)
    }
    #[inline(always)]
    fn shr<const N: u32>(self, a: V::U64) -> V::U64 {
        self.0.shr::<N>(a)
    }
    #[inline(always)]
    fn eq(self, a: V::U64, b: V::U64) -> Mask {
        self.0.eq(a, b)
    }
    #[inline(always)]
    fn lt(self, a: V::U64, b: V::U64) -> Mask {
        self.0.lt(a, b)
    }
    #[inline(always)]
    fn select(self, mask: Mask, a: V::U64, b: V::U64) -> V::U64 {
        self.0.select(mask, a, b)
    }

    #[inline(always)]
    fn shr_by(self, a: V::U64, bits: usize) -> V::U64 {
        self.0.shr_by(a, bits)
    }

    fn window(self, points: &[[Limbs; 2]]) -> Window<V::U64> {
        let v = self.0;
        let p = self.p();
        let element = |eight: &[[Limbs; 2]], which: usize| {
            let words: [V::U64; 4] = std::array::from_fn(|word| {
                v.load(std::array::from_fn(|at| eight[at][which][word]))
            });
            p.enter(&words)
        };
        Window(
            points
                .chunks_exact(8)
                .map(|eight| {
                    let (x, y) = (element(eight, 0), element(eight, 1));
                    std::array::from_fn(|at| if at < 5 { x[at] } else { y[at - 5] })
                })
                .collect(),
        )
    }

    /// Sixteen points to an instruction; the index's higher bits choose
    /// between what the instructions picked.
    #[inline(always)]
    fn pick(self, window: &Window<V::U64>, index: V::U64) -> ([V::U64; 5], [V::U64; 5]) {
        let v = self.0;
        let pairs = window.0.len() / 2;
        let mut out = [v.splat(0); 10];
        for (pair, vectors) in window.0.chunks_exact(2).enumerate().take(pairs) {
            let mine = v.eq(v.shr::<4>(index), v.splat(pair as u64));
            for at in 0..10 {
                let picked = v.pick(index, vectors[0][at], vectors[1][at]);
                out[at] = v.select(mine, picked, out[at]);
            }
        }
        (
            std::array::from_fn(|at| out[at]),
            std::array::from_fn(|at| out[5 + at]),
        )
    }

    #[inline(always)]
    fn half(self, value: u32) -> V::U32 {
        self.0.splat32(value)
    }
    #[inline(always)]
    fn shift_in<const N: u32, const M: u32>(self, a: V::U32, b: V::U32) -> V::U32 {
        self.0.or32(self.0.shr32::<N>(a), self.0.shl32::<M>(b))
    }
    #[inline(always)]
    fn xor_half(self, a: V::U32, b: V::U32) -> V::U32 {
        self.0.xor32(a, b)
    }
    #[inline(always)]
    fn select_half(self, mask: u16, a: V::U32, b: V::U32) -> V::U32 {
        self.0.select32(mask, a, b)
    }
    #[inline(always)]
    fn blocks<'b>(self, block: impl Fn(usize) -> &'b [u8; 64]) -> [V::U32; 16] {
        self.0.blocks(&std::array::from_fn(block))
    }
    #[inline(always)]
    fn compress(self, state: &mut [V::U32; 8], block: &[V::U32; 16]) {
        sha256::compress(self.0, state, block);
    }
    #[inline(always)]
    fn join(self, halves: &[V::U32; 8], vector: usize) -> [V::U64; 4] {
        let v = self.0;
        let mut limbs = [v.splat(0); 4];
        for (limb, out) in limbs.iter_mut().enumerate() {
            let high = v.widen(halves[6 - 2 * limb])[vector];
            let low = v.widen(halves[7 - 2 * limb])[vector];
            *out = v.or(v.shl::<32>(high), low);
        }
        limbs
    }
    #[inline(always)]
    fn split(self, vectors: &[[V::U64; 4]]) -> [V::U32; 8] {
        let v = self.0;
        let mut halves = [v.splat32(0); 8];
        for (limb, (&a, &b)) in vectors[0].iter().zip(&vectors[1]).enumerate() {
            let at = 6 - 2 * limb;
            halves[at] = v.narrow(v.shr::<32>(a), v.shr::<32>(b));
            halves[at + 1] = v.narrow(a, b);
        }
        halves
    }
}

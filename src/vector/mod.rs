//! The instructions that wide arithmetic is made of: eight lanes of 64 bits
//! and sixteen of 32, and a model of them in plain Rust.
//!
//! Everything above is written once over [`Vector`]. The model computes the
//! same lane by lane on any processor: tests hold the real instructions
//! against it, and tools that do not know these instructions can still watch
//! the arithmetic. This module must not know fields, curves, messages or
//! keys.

use std::hint::black_box;

#[cfg(target_arch = "x86_64")]
mod avx512;
pub mod sha256;

#[cfg(target_arch = "x86_64")]
pub use avx512::Avx512;

/// One bit to a lane; lane 0 is the lowest. Masks are data, not conditions:
/// code selects by them and does not branch on them.
pub type Mask = u8;

/// Vector instructions. A value of an implementing type is the proof that
/// this processor has them.
///
/// 64-bit operations wrap; a multiply-add takes the low 52 bits of both its
/// factors, and adds the low or high 52 bits of their product of 104 bits.
pub trait Vector: Copy + Send + Sync + 'static {
    /// What the manifest calls it.
    const NAME: &'static str;
    /// Eight lanes of 64 bits.
    type U64: Copy + Send + Sync;
    /// Sixteen lanes of 32 bits.
    type U32: Copy + Send + Sync;

    /// Runs work with the instructions switched on.
    fn enter<R>(self, work: impl Work<R>) -> R;

    /// The same as a function of its own, for work that is called from so many
    /// places that copies of it would not fit the processor's caches.
    fn call<R>(self, work: impl Work<R>) -> R;

    /// The same value in every lane.
    fn splat(self, value: u64) -> Self::U64;
    /// Lanes from memory.
    fn load(self, lanes: [u64; 8]) -> Self::U64;
    /// Lanes to memory.
    fn store(self, a: Self::U64) -> [u64; 8];
    /// a + b
    fn add(self, a: Self::U64, b: Self::U64) -> Self::U64;
    /// a − b
    fn sub(self, a: Self::U64, b: Self::U64) -> Self::U64;
    /// a & b
    fn and(self, a: Self::U64, b: Self::U64) -> Self::U64;
    /// a | b
    fn or(self, a: Self::U64, b: Self::U64) -> Self::U64;
    /// a ^ b
    fn xor(self, a: Self::U64, b: Self::U64) -> Self::U64;
    /// a · 2^N
    fn shl<const N: u32>(self, a: Self::U64) -> Self::U64;
    /// ⌊a / 2^N⌋, a unsigned
    fn shr<const N: u32>(self, a: Self::U64) -> Self::U64;
    /// ⌊a / 2^N⌋, a signed
    fn sar<const N: u32>(self, a: Self::U64) -> Self::U64;
    /// ⌊a / 2^bits⌋, a unsigned; for fewer than 64 bits
    fn shr_by(self, a: Self::U64, bits: usize) -> Self::U64;
    /// acc + (a·b mod 2^52), of the low 52 bits of a and b
    fn madd_lo(self, acc: Self::U64, a: Self::U64, b: Self::U64) -> Self::U64;
    /// acc + ⌊a·b / 2^52⌋, of the low 52 bits of a and b
    fn madd_hi(self, acc: Self::U64, a: Self::U64, b: Self::U64) -> Self::U64;
    /// a = b
    fn eq(self, a: Self::U64, b: Self::U64) -> Mask;
    /// a < b, unsigned
    fn lt(self, a: Self::U64, b: Self::U64) -> Mask;
    /// `mask ? a : b`
    fn select(self, mask: Mask, a: Self::U64, b: Self::U64) -> Self::U64;
    /// Entry `index mod 16` of the sixteen in `low` and `high`; all sixteen
    /// are read.
    fn pick(self, index: Self::U64, low: Self::U64, high: Self::U64) -> Self::U64;

    /// The same value in every lane.
    fn splat32(self, value: u32) -> Self::U32;
    /// Lanes from memory.
    fn load32(self, lanes: [u32; 16]) -> Self::U32;
    /// Lanes to memory.
    fn store32(self, a: Self::U32) -> [u32; 16];
    /// a + b
    fn add32(self, a: Self::U32, b: Self::U32) -> Self::U32;
    /// a ⊕ b
    fn xor32(self, a: Self::U32, b: Self::U32) -> Self::U32;
    /// a | b
    fn or32(self, a: Self::U32, b: Self::U32) -> Self::U32;
    /// a ⊕ b ⊕ c
    fn parity32(self, a: Self::U32, b: Self::U32, c: Self::U32) -> Self::U32;
    /// Ch of FIPS 180-4 §4.1.2: `a ? b : c`, bit by bit.
    fn choose32(self, a: Self::U32, b: Self::U32, c: Self::U32) -> Self::U32;
    /// Maj of FIPS 180-4 §4.1.2: what at least two of three bits say.
    fn majority32(self, a: Self::U32, b: Self::U32, c: Self::U32) -> Self::U32;
    /// a rotated right by N
    fn rotr32<const N: i32>(self, a: Self::U32) -> Self::U32;
    /// ⌊a / 2^N⌋
    fn shr32<const N: u32>(self, a: Self::U32) -> Self::U32;
    /// a · 2^N
    fn shl32<const N: u32>(self, a: Self::U32) -> Self::U32;
    /// `mask ? a : b`
    fn select32(self, mask: u16, a: Self::U32, b: Self::U32) -> Self::U32;
    /// Sixteen blocks of 64 bytes, a block to a lane: word w of every block,
    /// big-endian, stands in vector w.
    fn blocks(self, blocks: &[&[u8; 64]; 16]) -> [Self::U32; 16];
    /// Lanes 0 to 7 and 8 to 15, widened to 64 bits.
    fn widen(self, a: Self::U32) -> [Self::U64; 2];
    /// The low halves of sixteen lanes of 64 bits.
    fn narrow(self, low: Self::U64, high: Self::U64) -> Self::U32;
}

/// Something to compute with the instructions switched on. A type and no
/// closure, because only a method can be told to be inlined always, and code
/// that is not inlined there would call every instruction as a function.
pub trait Work<R> {
    /// Computes it.
    fn run(self) -> R;
}

/// The instructions in plain Rust.
#[derive(Clone, Copy, Debug)]
pub struct Model;

fn each<const N: usize, T: Copy, R: Copy>(a: [T; N], f: impl Fn(T) -> R) -> [R; N] {
    a.map(f)
}

fn both<const N: usize, T: Copy>(a: [T; N], b: [T; N], f: impl Fn(T, T) -> T) -> [T; N] {
    std::array::from_fn(|at| f(a[at], b[at]))
}

fn three(a: [u32; 16], b: [u32; 16], c: [u32; 16], f: impl Fn(u32, u32, u32) -> u32) -> [u32; 16] {
    std::array::from_fn(|at| f(a[at], b[at], c[at]))
}

fn mask(lanes: [bool; 8]) -> Mask {
    let bits = lanes.iter().enumerate();
    bits.fold(0, |mask, (at, lane)| mask | Mask::from(*lane) << at)
}

/// All ones or zero. Hidden from a compiler that would branch on it, as the
/// instructions do not: tools watch this model.
fn all_if(condition: bool) -> u64 {
    black_box(u64::from(condition).wrapping_neg())
}

/// The low 52 bits.
const LOW: u64 = (1 << 52) - 1;

fn product(a: u64, b: u64) -> u128 {
    u128::from(a & LOW) * u128::from(b & LOW)
}

impl Vector for Model {
    const NAME: &'static str = "model";
    type U64 = [u64; 8];
    type U32 = [u32; 16];

    fn enter<R>(self, work: impl Work<R>) -> R {
        work.run()
    }

    #[inline(never)]
    fn call<R>(self, work: impl Work<R>) -> R {
        work.run()
    }

    fn splat(self, value: u64) -> [u64; 8] {
        [value; 8]
    }
    fn load(self, lanes: [u64; 8]) -> [u64; 8] {
        lanes
    }
    fn store(self, a: [u64; 8]) -> [u64; 8] {
        a
    }
    fn add(self, a: [u64; 8], b: [u64; 8]) -> [u64; 8] {
        both(a, b, u64::wrapping_add)
    }
    fn sub(self, a: [u64; 8], b: [u64; 8]) -> [u64; 8] {
        both(a, b, u64::wrapping_sub)
    }
    fn and(self, a: [u64; 8], b: [u64; 8]) -> [u64; 8] {
        both(a, b, |a, b| a & b)
    }
    fn or(self, a: [u64; 8], b: [u64; 8]) -> [u64; 8] {
        both(a, b, |a, b| a | b)
    }
    fn xor(self, a: [u64; 8], b: [u64; 8]) -> [u64; 8] {
        both(a, b, |a, b| a ^ b)
    }
    fn shl<const N: u32>(self, a: [u64; 8]) -> [u64; 8] {
        each(a, |a| a << N)
    }
    fn shr<const N: u32>(self, a: [u64; 8]) -> [u64; 8] {
        each(a, |a| a >> N)
    }
    fn sar<const N: u32>(self, a: [u64; 8]) -> [u64; 8] {
        each(a, |a| (a.cast_signed() >> N).cast_unsigned())
    }
    fn shr_by(self, a: [u64; 8], bits: usize) -> [u64; 8] {
        each(a, |a| a >> bits)
    }
    fn madd_lo(self, acc: [u64; 8], a: [u64; 8], b: [u64; 8]) -> [u64; 8] {
        both(
            acc,
            both(a, b, |a, b| product(a, b) as u64 & LOW),
            u64::wrapping_add,
        )
    }
    fn madd_hi(self, acc: [u64; 8], a: [u64; 8], b: [u64; 8]) -> [u64; 8] {
        both(
            acc,
            both(a, b, |a, b| (product(a, b) >> 52) as u64),
            u64::wrapping_add,
        )
    }
    fn eq(self, a: [u64; 8], b: [u64; 8]) -> Mask {
        mask(std::array::from_fn(|at| a[at] == b[at]))
    }
    fn lt(self, a: [u64; 8], b: [u64; 8]) -> Mask {
        mask(std::array::from_fn(|at| a[at] < b[at]))
    }
    fn select(self, mask: Mask, a: [u64; 8], b: [u64; 8]) -> [u64; 8] {
        std::array::from_fn(|at| {
            let all = all_if(mask >> at & 1 == 1);
            (a[at] & all) | (b[at] & !all)
        })
    }
    fn pick(self, index: [u64; 8], low: [u64; 8], high: [u64; 8]) -> [u64; 8] {
        each(index, |index| {
            let entries = low.iter().chain(&high).enumerate();
            entries.fold(0, |picked, (at, entry)| {
                picked | (entry & all_if(at as u64 == index & 15))
            })
        })
    }

    fn splat32(self, value: u32) -> [u32; 16] {
        [value; 16]
    }
    fn load32(self, lanes: [u32; 16]) -> [u32; 16] {
        lanes
    }
    fn store32(self, a: [u32; 16]) -> [u32; 16] {
        a
    }
    fn add32(self, a: [u32; 16], b: [u32; 16]) -> [u32; 16] {
        both(a, b, u32::wrapping_add)
    }
    fn xor32(self, a: [u32; 16], b: [u32; 16]) -> [u32; 16] {
        both(a, b, |a, b| a ^ b)
    }
    fn or32(self, a: [u32; 16], b: [u32; 16]) -> [u32; 16] {
        both(a, b, |a, b| a | b)
    }
    fn parity32(self, a: [u32; 16], b: [u32; 16], c: [u32; 16]) -> [u32; 16] {
        three(a, b, c, |a, b, c| a ^ b ^ c)
    }
    fn choose32(self, a: [u32; 16], b: [u32; 16], c: [u32; 16]) -> [u32; 16] {
        three(a, b, c, |a, b, c| (a & b) | (!a & c))
    }
    fn majority32(self, a: [u32; 16], b: [u32; 16], c: [u32; 16]) -> [u32; 16] {
        three(a, b, c, |a, b, c| (a & b) | (a & c) | (b & c))
    }
    fn rotr32<const N: i32>(self, a: [u32; 16]) -> [u32; 16] {
        each(a, |a| a.rotate_right(N.unsigned_abs()))
    }
    fn shr32<const N: u32>(self, a: [u32; 16]) -> [u32; 16] {
        each(a, |a| a >> N)
    }
    fn shl32<const N: u32>(self, a: [u32; 16]) -> [u32; 16] {
        each(a, |a| a << N)
    }
    fn select32(self, mask: u16, a: [u32; 16], b: [u32; 16]) -> [u32; 16] {
        std::array::from_fn(|at| {
            let all = all_if(mask >> at & 1 == 1) as u32;
            (a[at] & all) | (b[at] & !all)
        })
    }
    fn blocks(self, blocks: &[&[u8; 64]; 16]) -> [[u32; 16]; 16] {
        std::array::from_fn(|word| {
            each(*blocks, |block| {
                let bytes = std::array::from_fn(|at| block[4 * word + at]);
                u32::from_be_bytes(bytes)
            })
        })
    }
    fn widen(self, a: [u32; 16]) -> [[u64; 8]; 2] {
        [0, 8].map(|half| std::array::from_fn(|at| u64::from(a[half + at])))
    }
    fn narrow(self, low: [u64; 8], high: [u64; 8]) -> [u32; 16] {
        std::array::from_fn(|at| match at {
            0..8 => low[at] as u32,
            _ => high[at - 8] as u32,
        })
    }
}

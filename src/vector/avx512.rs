//! The instructions of AVX-512 with IFMA, each in one line.
//!
//! This is the only file with `unsafe`: nothing in it computes, every function
//! is one instruction (or, for transposing, a fixed row of them). It must not
//! know fields, curves or hashes.
#![allow(unsafe_code)] // The instructions of one processor family, nothing else.

use std::arch::x86_64::{
    __m512i, _mm512_add_epi32, _mm512_add_epi64, _mm512_and_si512, _mm512_castsi256_si512,
    _mm512_castsi512_si256, _mm512_cmpeq_epi64_mask, _mm512_cmplt_epu64_mask,
    _mm512_cvtepi64_epi32, _mm512_cvtepu32_epi64, _mm512_extracti64x4_epi64, _mm512_inserti64x4,
    _mm512_loadu_si512, _mm512_madd52hi_epu64, _mm512_madd52lo_epu64, _mm512_mask_blend_epi32,
    _mm512_mask_blend_epi64, _mm512_or_si512, _mm512_permutex2var_epi64, _mm512_ror_epi32,
    _mm512_set_epi8, _mm512_set1_epi32, _mm512_set1_epi64, _mm512_shuffle_epi8,
    _mm512_shuffle_i32x4, _mm512_slli_epi32, _mm512_slli_epi64, _mm512_srai_epi64,
    _mm512_srli_epi32, _mm512_srli_epi64, _mm512_srlv_epi64, _mm512_storeu_si512, _mm512_sub_epi64,
    _mm512_ternarylogic_epi32, _mm512_unpackhi_epi32, _mm512_unpackhi_epi64, _mm512_unpacklo_epi32,
    _mm512_unpacklo_epi64, _mm512_xor_si512,
};

use super::{Mask, Vector, Work};

/// The proof that this processor has AVX-512 F, BW, DQ, VL and IFMA: only
/// [`Avx512::detect`] makes one.
#[derive(Clone, Copy, Debug)]
pub struct Avx512(());

impl Avx512 {
    /// Asks the processor.
    pub fn detect() -> Option<Self> {
        let has = is_x86_feature_detected!("avx512f")
            && is_x86_feature_detected!("avx512bw")
            && is_x86_feature_detected!("avx512dq")
            && is_x86_feature_detected!("avx512vl")
            && is_x86_feature_detected!("avx512ifma");
        has.then_some(Self(()))
    }
}

#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx512ifma")]
fn switched_on<R>(work: impl Work<R>) -> R {
    work.run()
}

#[inline(never)]
#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx512ifma")]
fn called<R>(work: impl Work<R>) -> R {
    work.run()
}

/// One instruction to a function.
macro_rules! instructions {
    ($(fn $name:ident $(<const $n:ident: $kind:ty>)? ($($arg:ident: $type:ty),*) -> $result:ty { $body:expr })*) => {$(
        #[inline(always)]
        fn $name $(<const $n: $kind>)? (self, $($arg: $type),*) -> $result {
            // SAFETY: `self` proves that the processor has the instruction;
            // loads and stores go through references to whole arrays of 64
            // bytes and ask for no alignment.
            unsafe { $body }
        }
    )*};
}

impl Vector for Avx512 {
    const NAME: &'static str = "avx512-ifma";
    type U64 = __m512i;
    type U32 = __m512i;

    #[inline(always)]
    fn enter<R>(self, work: impl Work<R>) -> R {
        // SAFETY: `self` proves that the processor has these features.
        unsafe { switched_on(work) }
    }

    #[inline(always)]
    fn call<R>(self, work: impl Work<R>) -> R {
        // SAFETY: `self` proves that the processor has these features.
        unsafe { called(work) }
    }

    instructions! {
        fn splat(value: u64) -> __m512i { _mm512_set1_epi64(value.cast_signed()) }
        fn load(lanes: [u64; 8]) -> __m512i { _mm512_loadu_si512((&raw const lanes).cast()) }
        fn store(a: __m512i) -> [u64; 8] {{
            let mut lanes = [0; 8];
            _mm512_storeu_si512((&raw mut lanes).cast(), a);
            lanes
        }}
        fn add(a: __m512i, b: __m512i) -> __m512i { _mm512_add_epi64(a, b) }
        fn sub(a: __m512i, b: __m512i) -> __m512i { _mm512_sub_epi64(a, b) }
        fn and(a: __m512i, b: __m512i) -> __m512i { _mm512_and_si512(a, b) }
        fn or(a: __m512i, b: __m512i) -> __m512i { _mm512_or_si512(a, b) }
        fn xor(a: __m512i, b: __m512i) -> __m512i { _mm512_xor_si512(a, b) }
        fn shl<const N: u32>(a: __m512i) -> __m512i { _mm512_slli_epi64::<N>(a) }
        fn shr<const N: u32>(a: __m512i) -> __m512i { _mm512_srli_epi64::<N>(a) }
        fn sar<const N: u32>(a: __m512i) -> __m512i { _mm512_srai_epi64::<N>(a) }
        fn shr_by(a: __m512i, bits: usize) -> __m512i {
            _mm512_srlv_epi64(a, _mm512_set1_epi64(bits as i64))
        }
        fn madd_lo(acc: __m512i, a: __m512i, b: __m512i) -> __m512i {
            _mm512_madd52lo_epu64(acc, a, b)
        }
        fn madd_hi(acc: __m512i, a: __m512i, b: __m512i) -> __m512i {
            _mm512_madd52hi_epu64(acc, a, b)
        }
        fn eq(a: __m512i, b: __m512i) -> Mask { _mm512_cmpeq_epi64_mask(a, b) }
        fn lt(a: __m512i, b: __m512i) -> Mask { _mm512_cmplt_epu64_mask(a, b) }
        fn select(mask: Mask, a: __m512i, b: __m512i) -> __m512i {
            _mm512_mask_blend_epi64(mask, b, a)
        }
        fn pick(index: __m512i, low: __m512i, high: __m512i) -> __m512i {
            _mm512_permutex2var_epi64(low, index, high)
        }

        fn splat32(value: u32) -> __m512i { _mm512_set1_epi32(value.cast_signed()) }
        fn load32(lanes: [u32; 16]) -> __m512i { _mm512_loadu_si512((&raw const lanes).cast()) }
        fn store32(a: __m512i) -> [u32; 16] {{
            let mut lanes = [0; 16];
            _mm512_storeu_si512((&raw mut lanes).cast(), a);
            lanes
        }}
        fn add32(a: __m512i, b: __m512i) -> __m512i { _mm512_add_epi32(a, b) }
        fn xor32(a: __m512i, b: __m512i) -> __m512i { _mm512_xor_si512(a, b) }
        fn or32(a: __m512i, b: __m512i) -> __m512i { _mm512_or_si512(a, b) }
        fn parity32(a: __m512i, b: __m512i, c: __m512i) -> __m512i {
            _mm512_ternarylogic_epi32::<0x96>(a, b, c)
        }
        fn choose32(a: __m512i, b: __m512i, c: __m512i) -> __m512i {
            _mm512_ternarylogic_epi32::<0xCA>(a, b, c)
        }
        fn majority32(a: __m512i, b: __m512i, c: __m512i) -> __m512i {
            _mm512_ternarylogic_epi32::<0xE8>(a, b, c)
        }
        fn rotr32<const N: i32>(a: __m512i) -> __m512i { _mm512_ror_epi32::<N>(a) }
        fn shr32<const N: u32>(a: __m512i) -> __m512i { _mm512_srli_epi32::<N>(a) }
        fn shl32<const N: u32>(a: __m512i) -> __m512i { _mm512_slli_epi32::<N>(a) }
        fn select32(mask: u16, a: __m512i, b: __m512i) -> __m512i {
            _mm512_mask_blend_epi32(mask, b, a)
        }
        fn blocks(blocks: &[&[u8; 64]; 16]) -> [__m512i; 16] { transpose(blocks) }
        fn widen(a: __m512i) -> [__m512i; 2] {[
            _mm512_cvtepu32_epi64(_mm512_castsi512_si256(a)),
            _mm512_cvtepu32_epi64(_mm512_extracti64x4_epi64::<1>(a)),
        ]}
        fn narrow(low: __m512i, high: __m512i) -> __m512i {
            _mm512_inserti64x4::<1>(
                _mm512_castsi256_si512(_mm512_cvtepi64_epi32(low)),
                _mm512_cvtepi64_epi32(high),
            )
        }
    }
}

/// Sixteen rows of sixteen words become sixteen columns, in four rounds: pairs
/// of words, pairs of pairs, then quarters of a vector, twice.
#[inline]
#[target_feature(enable = "avx512f,avx512bw")]
fn transpose(blocks: &[&[u8; 64]; 16]) -> [__m512i; 16] {
    // Big-endian words: the bytes of every four turn round.
    let swap = _mm512_set_epi8(
        12, 13, 14, 15, 8, 9, 10, 11, 4, 5, 6, 7, 0, 1, 2, 3, 12, 13, 14, 15, 8, 9, 10, 11, 4, 5,
        6, 7, 0, 1, 2, 3, 12, 13, 14, 15, 8, 9, 10, 11, 4, 5, 6, 7, 0, 1, 2, 3, 12, 13, 14, 15, 8,
        9, 10, 11, 4, 5, 6, 7, 0, 1, 2, 3,
    );
    let rows: [__m512i; 16] = std::array::from_fn(|at| {
        // SAFETY: the block is 64 bytes, and the load asks for no alignment.
        let row = unsafe { _mm512_loadu_si512(blocks[at].as_ptr().cast()) };
        _mm512_shuffle_epi8(row, swap)
    });
    let words: [__m512i; 16] = std::array::from_fn(|at| {
        let (a, b) = (rows[at & !1], rows[at | 1]);
        match at & 1 {
            0 => _mm512_unpacklo_epi32(a, b),
            _ => _mm512_unpackhi_epi32(a, b),
        }
    });
    // After this round, vector 4g + c has word c of every quarter, of rows
    // 4g to 4g + 3.
    let pairs: [__m512i; 16] = std::array::from_fn(|at| {
        let group = at & !3;
        let half = (at & 2) >> 1;
        let (a, b) = (words[group + half], words[group + 2 + half]);
        match at & 1 {
            0 => _mm512_unpacklo_epi64(a, b),
            _ => _mm512_unpackhi_epi64(a, b),
        }
    });
    let quarters: [__m512i; 16] = std::array::from_fn(|at| {
        let (column, pair) = (at & 3, (at >> 2) & 1);
        let first = pair * 8;
        let (a, b) = (pairs[first + column], pairs[first + 4 + column]);
        match at >> 3 {
            0 => _mm512_shuffle_i32x4::<0x88>(a, b),
            _ => _mm512_shuffle_i32x4::<0xDD>(a, b),
        }
    });
    std::array::from_fn(|word| {
        let (column, quarter) = (word & 3, word >> 2);
        let from = (quarter & 1) * 8 + column;
        let (a, b) = (quarters[from], quarters[from + 4]);
        match quarter >> 1 {
            0 => _mm512_shuffle_i32x4::<0x88>(a, b),
            _ => _mm512_shuffle_i32x4::<0xDD>(a, b),
        }
    })
}

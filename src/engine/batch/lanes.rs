//! What a batch is computed with: so many elements beside each other, integer
//! words, two moduli and a hash.
//!
//! Everything above is written once over [`Lanes`]; below stand the portable
//! lanes, one element wide, and the wide ones. This file must not know keys or
//! messages.

pub use crate::vector::Mask;
use crate::vector::Work;

/// A number of 256 bits, its lowest word first.
pub type Limbs = [u64; 4];

/// The field's prime, p = 2^256 − 2^224 + 2^192 + 2^96 − 1 (SP 800-186
/// §3.2.1.3).
pub const P: Limbs = [
    0xffff_ffff_ffff_ffff,
    0x0000_0000_ffff_ffff,
    0x0000_0000_0000_0000,
    0xffff_ffff_0000_0001,
];

/// The group's order, n.
pub const N: Limbs = [
    0xf3b9_cac2_fc63_2551,
    0xbce6_faad_a717_9e84,
    0xffff_ffff_ffff_ffff,
    0xffff_ffff_0000_0000,
];

/// A numbered set of vectors of elements: `WIDTH` lanes to a vector.
pub trait Lanes: Copy + Send + Sync + 'static {
    /// What the manifest calls them.
    const NAME: &'static str;
    /// How many elements a vector has.
    const WIDTH: usize;
    /// How many vectors are hashed at once: a vector of 32-bit words has room
    /// for as many more.
    const HASHED: usize;
    /// A word of 64 bits in every lane.
    type Word: Copy + Send + Sync;
    /// A word of 32 bits in every lane of `HASHED` vectors.
    type Half: Copy + Send + Sync;
    /// Arithmetic modulo p.
    type P: Coordinates<Self>;
    /// Arithmetic modulo n.
    type N: Modular<Self>;
    /// One window of a comb: points to pick from.
    type Window: Send + Sync;

    /// Arithmetic modulo p.
    fn p(self) -> Self::P;
    /// Arithmetic modulo n.
    fn n(self) -> Self::N;
    /// Runs work with these lanes' instructions switched on.
    fn enter<R>(self, work: impl Work<R>) -> R;

    /// The same word in every lane.
    fn splat(self, value: u64) -> Self::Word;
    /// Words from memory, one for every lane.
    fn load(self, lane: impl Fn(usize) -> u64) -> Self::Word;
    /// One lane's word.
    fn lane(self, a: Self::Word, lane: usize) -> u64;
    /// Every lane's number; as many as there are lanes.
    fn numbers(self, a: &[Self::Word; 4]) -> [Limbs; 8];
    /// a & b
    fn and(self, a: Self::Word, b: Self::Word) -> Self::Word;
    /// a | b
    fn or(self, a: Self::Word, b: Self::Word) -> Self::Word;
    /// a ⊕ b
    fn xor(self, a: Self::Word, b: Self::Word) -> Self::Word;
    /// a + b mod 2^64
    fn add(self, a: Self::Word, b: Self::Word) -> Self::Word;
    /// a − b mod 2^64
    fn sub(self, a: Self::Word, b: Self::Word) -> Self::Word;
    /// a · 2^N mod 2^64
    fn shl<const N: u32>(self, a: Self::Word) -> Self::Word;
    /// ⌊a / 2^N⌋
    fn shr<const N: u32>(self, a: Self::Word) -> Self::Word;
    /// ⌊a / 2^bits⌋ for fewer than 64 bits
    fn shr_by(self, a: Self::Word, bits: usize) -> Self::Word;
    /// a = b
    fn eq(self, a: Self::Word, b: Self::Word) -> Mask;
    /// a < b
    fn lt(self, a: Self::Word, b: Self::Word) -> Mask;
    /// `mask ? a : b`
    fn select(self, mask: Mask, a: Self::Word, b: Self::Word) -> Self::Word;

    /// A window of these points, x and y as numbers below p.
    fn window(self, points: &[[Limbs; 2]]) -> Self::Window;
    /// The point at each lane's index; every point is read.
    fn pick(
        self,
        window: &Self::Window,
        index: Self::Word,
    ) -> (
        <Self::P as Modular<Self>>::Element,
        <Self::P as Modular<Self>>::Element,
    );
    /// The same for indices that are no secret: what is read may depend on
    /// them.
    #[inline(always)]
    fn pick_public(
        self,
        window: &Self::Window,
        index: Self::Word,
    ) -> (
        <Self::P as Modular<Self>>::Element,
        <Self::P as Modular<Self>>::Element,
    ) {
        self.pick(window, index)
    }

    /// The same word in every lane.
    fn half(self, value: u32) -> Self::Half;
    /// ⌊a / 2^N⌋ | b · 2^(32 − N): the words of a message that is not aligned.
    fn shift_in<const N: u32, const M: u32>(self, a: Self::Half, b: Self::Half) -> Self::Half;
    /// a ⊕ b
    fn xor_half(self, a: Self::Half, b: Self::Half) -> Self::Half;
    /// `mask ? a : b`, one bit to a lane
    fn select_half(self, mask: u16, a: Self::Half, b: Self::Half) -> Self::Half;
    /// A block of 64 bytes in every lane, as big-endian words.
    fn blocks<'b>(self, block: impl Fn(usize) -> &'b [u8; 64]) -> [Self::Half; 16];
    /// One step of SHA-256 (FIPS 180-4 §6.2.2).
    fn compress(self, state: &mut [Self::Half; 8], block: &[Self::Half; 16]);
    /// Big-endian halves, the highest first, as limbs; one for each of the
    /// `HASHED` vectors.
    fn join(self, halves: &[Self::Half; 8], vector: usize) -> [Self::Word; 4];
    /// Limbs as big-endian halves, the highest first.
    fn split(self, vectors: &[[Self::Word; 4]]) -> [Self::Half; 8];
}

/// Arithmetic modulo an odd m of 256 bits, on vectors of elements in
/// Montgomery form.
///
/// An element need not be fully reduced; what its implementation keeps is
/// closed under every operation here.
pub trait Modular<L: Lanes>: Copy {
    /// A vector of elements.
    type Element: Copy + Send + Sync;

    /// 1 in every lane.
    fn one(self) -> Self::Element;
    /// From any number of 256 bits.
    fn enter(self, words: &[L::Word; 4]) -> Self::Element;
    /// The number below m.
    fn leave(self, a: &Self::Element) -> [L::Word; 4];
    /// a · b
    fn mul(self, a: &Self::Element, b: &Self::Element) -> Self::Element;
    /// a²
    fn square(self, a: &Self::Element) -> Self::Element;
    /// a + b, fit to be a factor of the next product, or to leave, and for
    /// nothing else
    fn sum_as_factor(self, a: &Self::Element, b: &Self::Element) -> Self::Element;
    /// `mask ? a : b`
    fn select(self, mask: Mask, a: &Self::Element, b: &Self::Element) -> Self::Element;
    /// 1 / a in every lane; 0 where any lane is 0.
    fn invert(self, a: &Self::Element) -> Self::Element;
}

/// What adding points asks for, beside multiplying.
pub trait Coordinates<L: Lanes>: Modular<L> {
    /// a + b
    fn add(self, a: &Self::Element, b: &Self::Element) -> Self::Element;
    /// a − b
    fn sub(self, a: &Self::Element, b: &Self::Element) -> Self::Element;
    /// `negative ? −a − b : a − b`
    fn signed_sub(self, negative: Mask, a: &Self::Element, b: &Self::Element) -> Self::Element;
    /// a·b − c
    fn mul_sub(self, a: &Self::Element, b: &Self::Element, c: &Self::Element) -> Self::Element;
    /// a² − 2b − c
    fn square_sub(self, a: &Self::Element, b: &Self::Element, c: &Self::Element) -> Self::Element;
    /// a = 0
    fn is_zero(self, a: &Self::Element) -> Mask;
}

/// a − b and whether it is negative.
#[inline(always)]
pub fn subtract<L: Lanes>(lanes: L, a: &[L::Word; 4], b: &[L::Word; 4]) -> ([L::Word; 4], Mask) {
    let mut borrow: Mask = 0;
    let (zero, one) = (lanes.splat(0), lanes.splat(1));
    let mut out = [zero; 4];
    for at in 0..4 {
        let difference = lanes.sub(a[at], b[at]);
        let under = lanes.lt(a[at], b[at]);
        let bit = lanes.select(borrow, one, zero);
        out[at] = lanes.sub(difference, bit);
        borrow = under | lanes.lt(difference, bit);
    }
    (out, borrow)
}

/// `mask ? a : b`
#[inline(always)]
pub fn select<L: Lanes>(lanes: L, mask: Mask, a: &[L::Word; 4], b: &[L::Word; 4]) -> [L::Word; 4] {
    std::array::from_fn(|at| lanes.select(mask, a[at], b[at]))
}

/// The same number in every lane.
#[inline(always)]
pub fn splat<L: Lanes>(lanes: L, value: &Limbs) -> [L::Word; 4] {
    std::array::from_fn(|at| lanes.splat(value[at]))
}

/// Whether a number is zero.
#[inline(always)]
pub fn is_zero<L: Lanes>(lanes: L, a: &[L::Word; 4]) -> Mask {
    let any = lanes.or(lanes.or(a[0], a[1]), lanes.or(a[2], a[3]));
    lanes.eq(any, lanes.splat(0))
}

/// One lane of a number.
#[inline(always)]
pub fn lane<L: Lanes>(lanes: L, a: &[L::Word; 4], at: usize) -> Limbs {
    std::array::from_fn(|word| lanes.lane(a[word], at))
}

/// Big-endian bytes (SEC 1 §2.3.7) of a number.
pub fn to_bytes(limbs: &Limbs) -> [u8; 32] {
    let mut bytes = [0; 32];
    for (at, limb) in limbs.iter().rev().enumerate() {
        bytes[8 * at..8 * at + 8].copy_from_slice(&limb.to_be_bytes());
    }
    bytes
}

/// A number from big-endian bytes.
pub fn from_bytes(bytes: &[u8; 32]) -> Limbs {
    std::array::from_fn(|limb| {
        let start = 24 - 8 * limb;
        u64::from_be_bytes(std::array::from_fn(|at| bytes[start + at]))
    })
}

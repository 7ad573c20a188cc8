//! The digits of a scalar, and the multiples of a fixed point that they choose
//! from.
//!
//! **Digits.** An odd k below 2^256 is Σ dᵢ·2^(8i) with 32 digits dᵢ, each odd
//! and within ±255 (Joye and Tunstall, *Exponent recoding and regular
//! exponentiation algorithms*, 2009). They can be read off: with
//! b = (k + 2^256 − 1) / 2 = ⌊k/2⌋ + 2^255 and bᵢ the bytes of b,
//! dᵢ = 2bᵢ − 255. For an even k, n − k is odd, and its multiple is the same
//! point with the other sign. No digit is zero, so every window adds a point,
//! whatever k is, and a window needs the 128 odd multiples (2j + 1)·2^(8i)·B
//! only. All of them are read for every digit that is secret. On wide lanes,
//! eight bits measured faster than seven or six.
//!
//! This file must not know how points are added, keys or messages.

use p256::elliptic_curve::Group;
use p256::elliptic_curve::group::Curve;
use p256::elliptic_curve::point::AffineCoordinates;
use p256::{AffinePoint, ProjectivePoint};

use super::lanes::{Lanes, Limbs, Mask, Modular, N, from_bytes, select, splat, subtract};

/// The width of a digit.
const WINDOW_BITS: usize = 8;

/// How many digits a scalar has.
pub const WINDOWS: usize = 256 / WINDOW_BITS;

/// How many points a window has: the odd multiples of one sign.
const ENTRIES: usize = 1 << (WINDOW_BITS - 1);

/// An element modulo p.
pub type Element<L> = <<L as Lanes>::P as Modular<L>>::Element;

/// The odd multiples of a point, for every window.
pub struct Comb<L: Lanes> {
    windows: Vec<L::Window>,
}

impl<L: Lanes> Comb<L> {
    /// The comb of a point, computed by `p256`'s own arithmetic.
    pub fn new(lanes: L, base: &ProjectivePoint) -> Self {
        Self::of_points(lanes, &points(base))
    }

    /// The comb of these points: those of [`points`].
    pub fn of_points(lanes: L, points: &[[Limbs; 2]]) -> Self {
        let windows = points.chunks_exact(ENTRIES);
        Self {
            windows: windows.map(|window| lanes.window(window)).collect(),
        }
    }

    /// The point at each lane's index in a window.
    #[inline(always)]
    pub fn pick(
        &self,
        lanes: L,
        window: usize,
        index: L::Word,
        is_secret: bool,
    ) -> (Element<L>, Element<L>) {
        match is_secret {
            true => lanes.pick(&self.windows[window], index),
            false => lanes.pick_public(&self.windows[window], index),
        }
    }
}

/// (2j + 1)·2^(8i)·B for every window i and every j below 128, as x and y.
pub fn points(base: &ProjectivePoint) -> Vec<[Limbs; 2]> {
    let mut points = Vec::with_capacity(WINDOWS * ENTRIES);
    let mut base = *base;
    for _ in 0..WINDOWS {
        let twice = base.double();
        let mut point = base;
        for _ in 0..ENTRIES {
            points.push(point);
            point += twice;
        }
        for _ in 0..WINDOW_BITS {
            base = base.double();
        }
    }
    let mut affine = vec![AffinePoint::default(); points.len()];
    ProjectivePoint::batch_normalize(&points, &mut affine);
    affine.iter().map(coordinates).collect()
}

/// x and y of a point that is not the point at infinity.
pub fn coordinates(point: &AffinePoint) -> [Limbs; 2] {
    [from_bytes(&point.x().into()), from_bytes(&point.y().into())]
}

/// A scalar in every lane, as digits.
#[derive(Clone, Copy)]
pub struct Digits<L: Lanes> {
    /// ⌊k/2⌋ + 2^255
    b: [L::Word; 4],
    /// Whether the multiple is to be negated.
    negative: Mask,
}

impl<L: Lanes> Digits<L> {
    /// The digits of a k below n that is not 0.
    #[inline(always)]
    pub fn new(lanes: L, k: &[L::Word; 4]) -> Self {
        let even = lanes.eq(lanes.and(k[0], lanes.splat(1)), lanes.splat(0));
        let (minus, _) = subtract(lanes, &splat(lanes, &N), k);
        let odd = select(lanes, even, &minus, k);
        let half = |low, high| lanes.or(lanes.shr::<1>(low), lanes.shl::<63>(high));
        let b = [
            half(odd[0], odd[1]),
            half(odd[1], odd[2]),
            half(odd[2], odd[3]),
            half(odd[3], lanes.splat(1)),
        ];
        Self { b, negative: even }
    }

    /// Nobody's digits.
    pub fn zero(lanes: L) -> Self {
        Self {
            b: [lanes.splat(0); 4],
            negative: 0,
        }
    }

    /// All digits as one number.
    pub fn number(&self) -> [L::Word; 4] {
        self.b
    }

    /// All digits as one number, to be changed.
    pub fn number_mut(&mut self) -> &mut [L::Word; 4] {
        &mut self.b
    }

    /// Digit dᵢ: whether its multiple is to be negated, and j where its size is 2j + 1.
    #[inline(always)]
    pub fn get(&self, lanes: L, window: usize) -> (Mask, L::Word) {
        let bit = window * WINDOW_BITS;
        let digit = lanes.shr_by(self.b[bit / 64], bit % 64);
        let sign = lanes.and(digit, lanes.splat(128));
        let is_negative = lanes.eq(sign, lanes.splat(0));
        let flip = lanes.select(is_negative, lanes.splat(127), lanes.splat(0));
        let index = lanes.xor(lanes.and(digit, lanes.splat(127)), flip);
        (is_negative ^ self.negative, index)
    }
}

//! Multiples of points against `p256`, for crafted scalars, too.

use p256::elliptic_curve::ops::Reduce;
use p256::elliptic_curve::{Field as _, Group};
use p256::{AffinePoint, FieldBytes, ProjectivePoint, Scalar};

use super::super::comb::{Comb, Digits, coordinates};
use super::super::lanes::{Lanes, Limbs, Modular, N, lane, to_bytes};
use super::super::lockstep::{Factor, Space, multiply};
use super::super::portable::Field;
use super::super::sum::Point;
use super::{Holds, Numbers, edges, over_all_lanes, plus};

fn scalar(k: &Limbs) -> Scalar {
    Scalar::reduce(&FieldBytes::from(to_bytes(k)))
}

fn number(k: &Scalar) -> Limbs {
    super::super::lanes::from_bytes(&k.to_bytes().into())
}

/// Every scalar between 1 and n − 1 among these.
fn fit(all: Vec<Limbs>) -> Vec<Limbs> {
    let reduced = all.into_iter().map(|k| number(&scalar(&k)));
    reduced.filter(|k| *k != [0; 4]).collect()
}

/// The nonces that meet themselves. In the end the sum A over the even windows
/// meets the sum B over the odd ones, and B − A = n happens for one pair: n's
/// own odd signed digits eᵢ are unique, so B = Σ eᵢ·2^(8i) over the odd i, and
/// A = −Σ eᵢ·2^(8i) over the even ones. That makes k = A + B, or n − k.
pub(super) fn crafted() -> [Limbs; 2] {
    let half = |at: usize| N[at] >> 1 | N.get(at + 1).map_or(1 << 63, |next| next << 63);
    let b: Vec<u8> = (0..4).flat_map(|at| half(at).to_le_bytes()).collect();
    let mut k = Scalar::ZERO;
    for (window, byte) in b.iter().enumerate().rev() {
        let digit = Scalar::from(2 * u64::from(*byte)) - Scalar::from(255_u64);
        let signed = if window % 2 == 0 { -digit } else { digit };
        k = k * Scalar::from(256_u64) + signed;
    }
    [number(&k), number(&-k)]
}

struct Multiples(Vec<Limbs>);

impl Holds for Multiples {
    fn over<L: Lanes>(&self, lanes: L) {
        let comb = Comb::new(lanes, &ProjectivePoint::generator());
        let mut space = Space::default();
        let vectors = self.0.len().div_ceil(L::WIDTH);
        let own = |at: usize| self.0.get(at).copied().unwrap_or([1, 0, 0, 0]);
        let digits: Vec<_> = (0..vectors)
            .map(|vector| {
                let k = std::array::from_fn(|word| {
                    lanes.load(|lane| own(vector * L::WIDTH + lane)[word])
                });
                Digits::new(lanes, &k)
            })
            .collect();
        let mut flags = vec![0; vectors];
        let factor = Factor {
            combs: &[&comb],
            digits: &digits,
            is_secret: true,
        };
        multiply(lanes, &[factor], &mut space, &mut flags);
        let mut flagged = 0;
        for (at, k) in self.0.iter().enumerate() {
            let (vector, in_lane) = (at / L::WIDTH, at % L::WIDTH);
            if flags[vector] >> in_lane & 1 == 1 {
                flagged += 1;
                continue;
            }
            let point = AffinePoint::from(ProjectivePoint::generator() * scalar(k));
            let ours = [&space.x[vector], &space.y[vector]]
                .map(|element| lane(lanes, &lanes.p().leave(element), in_lane));
            assert_eq!(ours, coordinates(&point), "{} {k:x?}", L::NAME);
        }
        assert_eq!(flagged, 2, "{}: the crafted ones and no other", L::NAME);
    }
}

#[test]
fn multiples_are_those_of_p256_for_edge_scalars_crafted_ones_and_random_ones() {
    let mut numbers = Numbers(7);
    let mut all = edges(&N);
    all.extend((1..=300).map(|small| [small, 0, 0, 0]));
    all.extend((1..=300).map(|small| plus(&N, -small)));
    // All digits as large as they get, of either sign, and alternating.
    for byte in [0x00, 0x01, 0x7f, 0x80, 0xfe, 0xff] {
        for other in [0x00, 0x7f, 0x80, 0xff] {
            let bytes = std::array::from_fn(|at| if at % 2 == 0 { byte } else { other });
            all.push(super::super::lanes::from_bytes(&bytes));
        }
    }
    all.extend(crafted());
    all.extend((0..400).map(|_| numbers.limbs()));
    over_all_lanes(&Multiples(fit(all)));
}

/// u₁·G + u₂·G, where every third pair cancels out.
struct Exceptions(Vec<[Limbs; 2]>);

impl Holds for Exceptions {
    fn over<L: Lanes>(&self, lanes: L) {
        let comb = Comb::new(lanes, &ProjectivePoint::generator());
        let vectors = self.0.len().div_ceil(L::WIDTH);
        let digits = |which: usize| -> Vec<Digits<L>> {
            let own = |vector: usize| {
                std::array::from_fn(|word| {
                    lanes
                        .load(|lane| self.0[(vector * L::WIDTH + lane) % self.0.len()][which][word])
                })
            };
            (0..vectors)
                .map(|vector| Digits::new(lanes, &own(vector)))
                .collect()
        };
        let (first, second) = (digits(0), digits(1));
        let combs = [&comb];
        let factors = [&first, &second].map(|digits| Factor {
            combs: &combs,
            digits,
            is_secret: false,
        });
        let mut flags = vec![0; vectors];
        let mut space = Space::default();
        multiply(lanes, &factors, &mut space, &mut flags);
        for (at, [a, b]) in self.0.iter().enumerate() {
            let (vector, in_lane) = (at / L::WIDTH, at % L::WIDTH);
            let sum = scalar(a) + scalar(b);
            let flagged = flags[vector] >> in_lane & 1 == 1;
            assert_eq!(flagged, bool::from(sum.is_zero()), "{} {at}", L::NAME);
            if !flagged {
                let point = AffinePoint::from(ProjectivePoint::generator() * sum);
                let ours = [&space.x[vector], &space.y[vector]]
                    .map(|element| lane(lanes, &lanes.p().leave(element), in_lane));
                assert_eq!(ours, coordinates(&point), "{} {at}", L::NAME);
            }
        }
    }
}

#[test]
fn a_lane_with_an_exception_is_flagged_and_changes_nothing_in_the_others() {
    let mut numbers = Numbers(8);
    let pairs = (0..100).map(|at| {
        let u = number(&scalar(&numbers.limbs()));
        let other = match at % 3 {
            0 => number(&-scalar(&u)),
            // A doubling, which is none for the comb.
            1 => u,
            _ => number(&scalar(&numbers.limbs())),
        };
        [u, other]
    });
    over_all_lanes(&Exceptions(pairs.collect()));
}

struct Sums;

impl Holds for Sums {
    fn over<L: Lanes>(&self, lanes: L) {
        let p = lanes.p();
        let b = {
            // b = y² − x³ + 3x of G, in affine coordinates.
            let [x, y] = coordinates(&AffinePoint::GENERATOR).map(|c| Field.enter(&c));
            use super::super::lanes::Coordinates as _;
            let cube = Field.mul(&Field.square(&x), &x);
            let three = Field.add(&x, &Field.add(&x, &x));
            let b = Field.sub(&Field.add(&Field.square(&y), &three), &cube);
            Field.leave(&b)
        };
        let b = p.enter(&std::array::from_fn(|word| lanes.splat(b[word])));
        let point = |k: u64| -> Point<L> {
            if k == 0 {
                return Point::infinity(lanes);
            }
            let affine = AffinePoint::from(ProjectivePoint::generator() * Scalar::from(k));
            let [x, y] = coordinates(&affine)
                .map(|c| p.enter(&std::array::from_fn(|word| lanes.splat(c[word]))));
            Point { x, y, z: p.one() }
        };
        for (first, second) in [(1, 2), (5, 5), (7, 0), (0, 9), (1, 1), (3, 4)] {
            let sum = point(first).add(lanes, &point(second), &b);
            let expected = ProjectivePoint::generator() * Scalar::from(first + second);
            let expected = AffinePoint::from(expected);
            for at in 0..L::WIDTH {
                assert!(
                    sum.lane(lanes, at).is(&expected),
                    "{} {first} {second}",
                    L::NAME
                );
                let other = AffinePoint::from(ProjectivePoint::generator() * Scalar::from(99_u64));
                assert!(!sum.lane(lanes, at).is(&other));
            }
        }
        // Opposite points: the sum is the point at infinity, which is no
        // affine point.
        let minus = Point {
            y: {
                use super::super::lanes::Coordinates as _;
                p.sub(&p.sub(&p.one(), &p.one()), &point(6).y)
            },
            ..point(6)
        };
        let nothing = point(6).add(lanes, &minus, &b);
        assert!(!nothing.lane(lanes, 0).is(&AffinePoint::GENERATOR));
    }
}

#[test]
fn complete_sums_hold_for_equal_opposite_and_infinite_points() {
    over_all_lanes(&Sums);
}

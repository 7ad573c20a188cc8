//! Sums of points in projective coordinates, by the complete formulas: they
//! hold for every two points, equal, opposite or at infinity, and so for a
//! sum that nobody knows anything about. This file must not know scalars.

use super::comb::{Element, coordinates};
use super::lanes::{Coordinates, Lanes, Modular};
use super::portable::{Field, Portable};
use p256::AffinePoint;

/// A point (X : Y : Z) in every lane; (0 : 1 : 0) is the point at infinity.
#[derive(Clone, Copy)]
pub struct Point<L: Lanes> {
    pub(super) x: Element<L>,
    pub(super) y: Element<L>,
    pub(super) z: Element<L>,
}

impl<L: Lanes> Point<L> {
    /// The point at infinity.
    #[inline(always)]
    pub fn infinity(lanes: L) -> Self {
        let p = lanes.p();
        let zero = p.sub(&p.one(), &p.one());
        Self {
            x: zero,
            y: p.one(),
            z: zero,
        }
    }

    /// The sum: Renes, Costello and Batina, *Complete addition formulas for
    /// prime order elliptic curves* (2016), algorithm 4, in its letters. `b`
    /// is the curve's.
    #[inline(always)]
    pub fn add(&self, lanes: L, other: &Self, b: &Element<L>) -> Self {
        let p = lanes.p();
        let (x1, y1, z1) = (&self.x, &self.y, &self.z);
        let (x2, y2, z2) = (&other.x, &other.y, &other.z);
        // Steps 1 to 3.
        let mut t0 = p.mul(x1, x2);
        let mut t1 = p.mul(y1, y2);
        let mut t2 = p.mul(z1, z2);
        // Steps 4 to 8: t3 = X1·Y2 + X2·Y1.
        let t3 = p.mul_sub(&p.add(x1, y1), &p.add(x2, y2), &p.add(&t0, &t1));
        // Steps 9 to 13: t4 = Y1·Z2 + Y2·Z1.
        let t4 = p.mul_sub(&p.add(y1, z1), &p.add(y2, z2), &p.add(&t1, &t2));
        // Steps 14 to 18: Y3 = X1·Z2 + X2·Z1.
        let mut y3 = p.mul_sub(&p.add(x1, z1), &p.add(x2, z2), &p.add(&t0, &t2));
        // Steps 19 to 24.
        let mut z3 = p.mul(b, &t2);
        let mut x3 = p.sub(&y3, &z3);
        z3 = p.add(&x3, &x3);
        x3 = p.add(&x3, &z3);
        z3 = p.sub(&t1, &x3);
        x3 = p.add(&t1, &x3);
        // Steps 25 to 31.
        y3 = p.mul(b, &y3);
        t1 = p.add(&t2, &t2);
        t2 = p.add(&t1, &t2);
        y3 = p.sub(&y3, &t2);
        y3 = p.sub(&y3, &t0);
        t1 = p.add(&y3, &y3);
        y3 = p.add(&t1, &y3);
        // Steps 32 to 34.
        t1 = p.add(&t0, &t0);
        t0 = p.add(&t1, &t0);
        t0 = p.sub(&t0, &t2);
        // Steps 35 to 43.
        t1 = p.mul(&t4, &y3);
        t2 = p.mul(&t0, &y3);
        y3 = p.add(&p.mul(&x3, &z3), &t2);
        x3 = p.mul_sub(&t3, &x3, &t1);
        z3 = p.add(&p.mul(&t4, &z3), &p.mul(&t3, &t0));
        Self {
            x: x3,
            y: y3,
            z: z3,
        }
    }

    /// One lane's point.
    pub fn lane(&self, lanes: L, at: usize) -> Point<Portable> {
        let single = |element: &Element<L>| {
            let number = lanes.p().leave(element);
            Field.enter(&super::lanes::lane(lanes, &number, at))
        };
        Point {
            x: single(&self.x),
            y: single(&self.y),
            z: single(&self.z),
        }
    }
}

impl Point<Portable> {
    /// Whether it is this point, which is not the point at infinity.
    pub fn is(&self, point: &AffinePoint) -> bool {
        let [x, y] = coordinates(point).map(|number| Field.enter(&number));
        let zero = Field.is_zero(&self.z);
        let same =
            |own: &[u64; 4], theirs: &[u64; 4]| Field.is_zero(&Field.mul_sub(theirs, &self.z, own));
        same(&self.x, &x) & same(&self.y, &y) & !zero & 1 == 1
    }
}

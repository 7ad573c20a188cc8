//! Many multiples of fixed points at once: affine additions in lockstep that
//! share their inversions.
//!
//! **Additions.** In affine coordinates a sum costs λ = (y₂ − y₁) / (x₂ − x₁),
//! x₃ = λ² − x₁ − x₂, y₃ = λ(x₁ − x₃) − y₁: two products, one square, one
//! inversion. All lanes and accumulators of a round invert at once by
//! Montgomery's trick (*Speeding the Pollard and elliptic curve methods of
//! factorization*, 1987, §10.3.1): three products each and one inversion for
//! all. That makes 5 products and a square, against 11 for a mixed projective
//! addition, and no conversion at the end. [`ACCUMULATORS`] sums grow side by
//! side and are added at the end, so that there are fewer rounds and fewer
//! inversions.
//!
//! **Exceptions.** The formula fails where x₁ = x₂. Two sums over different
//! windows of one comb, A and B, are equal or opposite only if A ∓ B = ±n as
//! integers: their own digits are odd, so A ∓ B is an odd multiple of the
//! lowest window's weight and never 0, and |A ∓ B| < 2^256 < 2n. A few crafted
//! k do that (see the tests), and with two combs anybody who chooses the
//! scalars can. Therefore every difference is compared with 0; a zero is
//! replaced by 1 *before* it enters the shared product, so that no other lane
//! notices, and the lane is flagged. What a flagged lane holds means nothing.
//!
//! This file must not know keys, signatures or messages.

use super::comb::{Comb, Digits, Element, WINDOWS};
use super::inversion::{CHAINS, invert_chains};
use super::lanes::{Coordinates, Lanes, Mask, Modular};
use crate::vector::Work;

/// How many sums grow side by side; a power of two.
pub const ACCUMULATORS: usize = 4;

/// Combs and the scalars that their points are multiplied by, vectors of them.
pub struct Factor<'a, L: Lanes> {
    /// The comb; or one for every vector, where not all lanes multiply the same
    /// point.
    pub combs: &'a [&'a Comb<L>],
    /// The scalars.
    pub digits: &'a [Digits<L>],
    /// Whether nobody may learn them.
    pub is_secret: bool,
}

/// The memory of a multiplication, to be used again.
pub struct Space<L: Lanes> {
    /// The sums' x: those of accumulator a at a·vectors.
    pub x: Vec<Element<L>>,
    /// The sums' y.
    pub y: Vec<Element<L>>,
    dx: Vec<Element<L>>,
    dy: Vec<Element<L>>,
    before: Vec<Element<L>>,
}

impl<L: Lanes> Default for Space<L> {
    fn default() -> Self {
        Self {
            x: Vec::new(),
            y: Vec::new(),
            dx: Vec::new(),
            dy: Vec::new(),
            before: Vec::new(),
        }
    }
}

impl<L: Lanes> Space<L> {
    /// Overwrites all sums: one of a few windows gives their digits away.
    pub fn forget(&mut self, lanes: L) {
        let one = lanes.p().one();
        for part in [
            &mut self.x,
            &mut self.y,
            &mut self.dx,
            &mut self.dy,
            &mut self.before,
        ] {
            part.fill(one);
        }
    }
}

/// Multiplies: afterwards the first vectors of `space` hold the sum of all
/// factors. Flags the lanes that an exception hit.
pub fn multiply<L: Lanes>(
    lanes: L,
    factors: &[Factor<'_, L>],
    space: &mut Space<L>,
    flags: &mut [Mask],
) {
    let vectors = flags.len();
    let items = ACCUMULATORS * vectors;
    let one = lanes.p().one();
    for part in [
        &mut space.x,
        &mut space.y,
        &mut space.dx,
        &mut space.dy,
        &mut space.before,
    ] {
        part.clear();
        part.resize(items, one);
    }
    let terms = factors.len() * WINDOWS;
    lanes.enter(First {
        lanes,
        factors,
        space,
        vectors,
    });
    for first in (ACCUMULATORS..terms).step_by(ACCUMULATORS) {
        let picked = Picked { factors, first };
        let accumulators = ACCUMULATORS.min(terms - first);
        add(lanes, &picked, accumulators, space, flags);
    }
    let mut accumulators = ACCUMULATORS;
    while accumulators > 1 {
        accumulators /= 2;
        let upper = Upper {
            accumulators,
            vectors,
        };
        add(lanes, &upper, accumulators, space, flags);
    }
}

/// Adds a point to each of the first accumulators.
fn add<L: Lanes>(
    lanes: L,
    addend: &impl Addend<L>,
    accumulators: usize,
    space: &mut Space<L>,
    flags: &mut [Mask],
) {
    let mut products = lanes.enter(Forward {
        lanes,
        addend,
        accumulators,
        space,
        flags,
    });
    lanes.enter(Invert {
        lanes,
        products: &mut products,
    });
    let items = accumulators * flags.len();
    lanes.enter(Backward {
        lanes,
        inverses: products,
        items,
        space,
    });
}

/// What is added to the sums.
trait Addend<L: Lanes> {
    /// The point for an item, and whether its y is to be negated.
    fn get(
        &self,
        lanes: L,
        accumulator: usize,
        vector: usize,
        space: &Space<L>,
    ) -> (Mask, Element<L>, Element<L>);
}

/// Points from the combs: term `first` to accumulator 0, and so on.
struct Picked<'a, L: Lanes> {
    factors: &'a [Factor<'a, L>],
    first: usize,
}

impl<L: Lanes> Addend<L> for Picked<'_, L> {
    #[inline(always)]
    fn get(
        &self,
        lanes: L,
        accumulator: usize,
        vector: usize,
        _: &Space<L>,
    ) -> (Mask, Element<L>, Element<L>) {
        let term = self.first + accumulator;
        let factor = &self.factors[term / WINDOWS];
        let window = term % WINDOWS;
        let digits = &factor.digits[vector];
        let (negative, index) = digits.get(lanes, window);
        let comb = match factor.combs {
            [comb] => comb,
            combs => combs[vector],
        };
        let (x, y) = comb.pick(lanes, window, index, factor.is_secret);
        (negative, x, y)
    }
}

/// The sums of the upper half of the accumulators.
struct Upper {
    accumulators: usize,
    vectors: usize,
}

impl<L: Lanes> Addend<L> for Upper {
    #[inline(always)]
    fn get(
        &self,
        _: L,
        accumulator: usize,
        vector: usize,
        space: &Space<L>,
    ) -> (Mask, Element<L>, Element<L>) {
        let at = (self.accumulators + accumulator) * self.vectors + vector;
        (0, space.x[at], space.y[at])
    }
}

/// The first terms start the sums.
struct First<'a, L: Lanes> {
    lanes: L,
    factors: &'a [Factor<'a, L>],
    space: &'a mut Space<L>,
    vectors: usize,
}

impl<L: Lanes> Work<()> for First<'_, L> {
    #[inline(always)]
    fn run(self) {
        let Self {
            lanes,
            factors,
            space,
            vectors,
        } = self;
        let p = lanes.p();
        let zero = p.sub(&p.one(), &p.one());
        let picked = Picked { factors, first: 0 };
        for accumulator in 0..ACCUMULATORS {
            for vector in 0..vectors {
                let (negative, x, y) = picked.get(lanes, accumulator, vector, space);
                let at = accumulator * vectors + vector;
                space.x[at] = x;
                space.y[at] = p.signed_sub(negative, &y, &zero);
            }
        }
    }
}

/// Differences and running products.
struct Forward<'a, L: Lanes, A> {
    lanes: L,
    addend: &'a A,
    accumulators: usize,
    space: &'a mut Space<L>,
    flags: &'a mut [Mask],
}

impl<L: Lanes, A: Addend<L>> Work<[Element<L>; CHAINS]> for Forward<'_, L, A> {
    #[inline(always)]
    fn run(self) -> [Element<L>; CHAINS] {
        let Self {
            lanes,
            addend,
            accumulators,
            space,
            flags,
        } = self;
        let p = lanes.p();
        let one = p.one();
        let mut products = [one; CHAINS];
        let mut at = 0;
        for accumulator in 0..accumulators {
            for (vector, flags) in flags.iter_mut().enumerate() {
                let (negative, x, y) = addend.get(lanes, accumulator, vector, space);
                let dx = p.sub(&x, &space.x[at]);
                let equal = p.is_zero(&dx);
                *flags |= equal;
                let dx = p.select(equal, &one, &dx);
                space.dy[at] = p.signed_sub(negative, &y, &space.y[at]);
                let product = &mut products[at % CHAINS];
                space.before[at] = *product;
                *product = p.mul(product, &dx);
                space.dx[at] = dx;
                at += 1;
            }
        }
        products
    }
}

/// The inverses of all chains' products.
struct Invert<'a, L: Lanes> {
    lanes: L,
    products: &'a mut [Element<L>; CHAINS],
}

impl<L: Lanes> Work<()> for Invert<'_, L> {
    #[inline(always)]
    fn run(self) {
        invert_chains(self.lanes.p(), self.products);
    }
}

/// From the products' inverses back to every difference's, and the sums.
struct Backward<'a, L: Lanes> {
    lanes: L,
    inverses: [Element<L>; CHAINS],
    items: usize,
    space: &'a mut Space<L>,
}

impl<L: Lanes> Work<()> for Backward<'_, L> {
    #[inline(always)]
    fn run(self) {
        let Self {
            lanes,
            mut inverses,
            items,
            space,
        } = self;
        let p = lanes.p();
        for at in (0..items).rev() {
            let inverse = &mut inverses[at % CHAINS];
            let (x, y, dx) = (space.x[at], space.y[at], space.dx[at]);
            let own = p.mul(inverse, &space.before[at]);
            *inverse = p.mul(inverse, &dx);
            let slope = p.mul(&own, &space.dy[at]);
            // x₂ = x₁ + dx, so x₃ = λ² − 2x₁ − dx.
            let sum = p.square_sub(&slope, &x, &dx);
            space.y[at] = p.mul_sub(&slope, &p.sub(&x, &sum), &y);
            space.x[at] = sum;
        }
    }
}

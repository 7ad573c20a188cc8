//! Nothing faulty leaves: what is checked of every batch.
//!
//! With deterministic nonces a wrong signature is worse than none. Beside the
//! right signature (r, s) of the same message, a wrong (r, s′) under the same
//! k gives the key away: two equations, two unknowns. And a wrong but valid
//! point R passes every equation that knows the signature alone. So a batch
//! is held against what does not come from it:
//!
//! * z and k are computed from the messages anew;
//! * r is the x of R, for every signature;
//! * ΣR = (Σk)·G, with one multiplication by `p256` for the whole batch: R was
//!   computed with tables and lanes, the other side with neither;
//! * s·k ≡ z + r·d mod n, for every signature with its own key's d, with r and s
//!   read back from the bytes that are going to be handed out.
//!
//! A single fault, wherever it hits, breaks one of these, and so do many but
//! for a chance of 2^-256. This file must not know how faults are mended.

use p256::elliptic_curve::Group;
use p256::{AffinePoint, ProjectivePoint, Scalar as P256Scalar};

use super::keys::Signers;
use super::lanes::{Lanes, Limbs, Mask, Modular, from_bytes, is_zero, select, splat};
use super::nonces::{Nonces, Number};
use super::portable::{Field, Portable};
use super::probe::Unwatched;
use super::sign::Signing;
use super::sum::Point;
use crate::vector::Work;

/// The curve's b (SP 800-186 §3.2.1.3).
const B: Limbs = [
    0x3bce_3c3e_27d2_604b,
    0x651d_06b0_cc53_b0f6,
    0xb3eb_bd55_7698_86bc,
    0x5ac6_35d8_aa3a_93e7,
];

/// Words of 32 bits that lanes add up without a carry; eight make a scalar.
const PIECES: usize = 8;

/// What a check computes, and its memory. Secret but for the masks.
pub struct Checking<L: Lanes> {
    fresh: Nonces<L>,
    /// Lanes whose signature is wrong.
    pub wrong: Vec<Mask>,
    /// Whether ΣR = (Σk)·G does not hold: 1 or 0.
    pub wrong_sum: Mask,
}

impl<L: Lanes> Default for Checking<L> {
    fn default() -> Self {
        Self {
            fresh: Nonces::default(),
            wrong: Vec::new(),
            wrong_sum: 0,
        }
    }
}

impl<L: Lanes> Checking<L> {
    /// Checks a signed batch. `signatures` are its own, in their order.
    pub fn run(
        &mut self,
        lanes: L,
        signers: Signers<'_>,
        signing: &Signing<L>,
        signatures: &[[u8; 64]],
    ) {
        self.fresh.derive(lanes, signers, &Unwatched);
        self.wrong.clear();
        lanes.enter(Equations {
            lanes,
            signers,
            signing,
            signatures,
            checking: self,
        });
        let sums = lanes.enter(Sums {
            lanes,
            signing,
            fresh: &self.fresh,
        });
        self.wrong_sum = Mask::from(!sums.agree(lanes));
    }

    /// Overwrites what is secret.
    pub fn forget(&mut self, lanes: L) {
        self.fresh.forget(lanes);
    }
}

/// The equations of every signature.
struct Equations<'a, L: Lanes> {
    lanes: L,
    signers: Signers<'a>,
    signing: &'a Signing<L>,
    signatures: &'a [[u8; 64]],
    checking: &'a mut Checking<L>,
}

/// r and s of a vector's signatures; 1 behind the last one.
#[inline(always)]
pub fn read<L: Lanes>(lanes: L, signatures: &[[u8; 64]], vector: usize) -> (Number<L>, Number<L>) {
    let mut halves = [[[1, 0, 0, 0]; 2]; 8];
    let own = signatures.iter().skip(vector * L::WIDTH).take(L::WIDTH);
    for (signature, halves) in own.zip(&mut halves) {
        for (half, bytes) in halves.iter_mut().zip(signature.as_chunks::<32>().0) {
            *half = from_bytes(bytes);
        }
    }
    let number =
        |which: usize| std::array::from_fn(|word| lanes.load(|lane| halves[lane][which][word]));
    (number(0), number(1))
}

impl<L: Lanes> Work<()> for Equations<'_, L> {
    #[inline(always)]
    fn run(self) {
        let Self {
            lanes,
            signers,
            signing,
            signatures,
            checking,
        } = self;
        let (p, n) = (lanes.p(), lanes.n());
        let mut d = signers.d(lanes, 0);
        for vector in 0..signing.flags.len() {
            if signers.is_mixed {
                d = signers.d(lanes, vector);
            }
            let (r, s) = read(lanes, signatures, vector);
            let x = n.leave(&n.enter(&p.leave(&signing.space.x[vector])));
            let (r_element, s_element) = (n.enter(&r), n.enter(&s));
            let z = n.enter(&checking.fresh.z[vector]);
            let k = n.enter(&checking.fresh.k[vector]);
            let right = n.sum_as_factor(&z, &n.mul(&r_element, &d));
            let right = n.leave(&right);
            let left = n.leave(&n.mul(&s_element, &k));
            // A flagged lane's R means nothing, and where k itself is unfit,
            // neither does the equation: the reference signed those.
            let is_r = equal(lanes, &x, &r) | signing.flags[vector];
            let holds = equal(lanes, &left, &right) | checking.fresh.flags[vector];
            checking.wrong.push(!(is_r & holds));
        }
        // Lanes behind the last message have no signature.
        let last = signatures.len() % L::WIDTH;
        if let (Some(wrong), 1..) = (checking.wrong.last_mut(), last) {
            *wrong &= (1 << last) - 1;
        }
    }
}

#[inline(always)]
fn equal<L: Lanes>(lanes: L, a: &Number<L>, b: &Number<L>) -> Mask {
    let difference = std::array::from_fn(|at| lanes.xor(a[at], b[at]));
    is_zero(lanes, &difference)
}

/// ΣR and Σk of all lanes without a flag.
struct Sums<'a, L: Lanes> {
    lanes: L,
    signing: &'a Signing<L>,
    fresh: &'a Nonces<L>,
}

/// Both sums, still one to a lane.
struct Summed<L: Lanes> {
    point: Point<L>,
    pieces: [L::Word; PIECES],
}

impl<L: Lanes> Work<Summed<L>> for Sums<'_, L> {
    #[inline(always)]
    fn run(self) -> Summed<L> {
        let Self {
            lanes,
            signing,
            fresh,
        } = self;
        let p = lanes.p();
        let b = p.enter(&splat(lanes, &B));
        let infinity = Point::infinity(lanes);
        let low = lanes.splat(u64::from(u32::MAX));
        let zero = [lanes.splat(0); 4];
        let mut pieces = [lanes.splat(0); PIECES];
        let mut points = [infinity; 2];
        for (vector, &flags) in signing.flags.iter().enumerate() {
            let r = Point {
                x: p.select(flags, &infinity.x, &signing.space.x[vector]),
                y: p.select(flags, &infinity.y, &signing.space.y[vector]),
                z: p.select(flags, &infinity.z, &p.one()),
            };
            let point = &mut points[vector % 2];
            *point = point.add(lanes, &r, &b);
            let k = select(lanes, flags, &zero, &fresh.k[vector]);
            for (at, word) in k.into_iter().enumerate() {
                let (even, odd) = (lanes.and(word, low), lanes.shr::<32>(word));
                pieces[2 * at] = lanes.add(pieces[2 * at], even);
                pieces[2 * at + 1] = lanes.add(pieces[2 * at + 1], odd);
            }
        }
        Summed {
            point: points[0].add(lanes, &points[1], &b),
            pieces,
        }
    }
}

impl<L: Lanes> Summed<L> {
    /// Whether ΣR = (Σk)·G. Every lane of nobody's is the point at infinity
    /// and adds nothing.
    fn agree(&self, lanes: L) -> bool {
        let b = Field.enter(&B);
        let mut sum = Point::infinity(Portable);
        let mut scalar = P256Scalar::ZERO;
        for at in 0..L::WIDTH {
            sum = sum.add(Portable, &self.point.lane(lanes, at), &b);
            let mut own = P256Scalar::ZERO;
            for piece in self.pieces.iter().rev() {
                // A piece is below 2^32·2^32.
                own =
                    own * P256Scalar::from(1_u64 << 32) + P256Scalar::from(lanes.lane(*piece, at));
            }
            scalar += own;
        }
        let point = AffinePoint::from(ProjectivePoint::mul_by_generator(&scalar));
        sum.is(&point)
    }
}

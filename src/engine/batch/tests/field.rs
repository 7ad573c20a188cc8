//! Arithmetic: every kind of lanes against `fiat-crypto`, and against plain
//! integers.

use super::super::lanes::{Coordinates, Lanes, Limbs, Modular, N, P, lane};
use super::super::portable::{Field, Portable, Scalars};
use super::{Holds, Numbers, edges, over_all_lanes};
use crate::vector::{Model, Vector};

/// Puts numbers into lanes, one pair of operands to a lane.
fn load<L: Lanes>(lanes: L, numbers: &[Limbs]) -> [L::Word; 4] {
    std::array::from_fn(|word| lanes.load(|lane| numbers[lane % numbers.len()][word]))
}

/// a mod m of a number below 2^256.
fn reduced<M: Modular<Portable, Element = Limbs>>(single: M, a: &Limbs) -> Limbs {
    single.leave(&single.enter(a))
}

struct Products(Vec<Limbs>);

impl Products {
    /// Every operation of both moduli, on all neighbouring numbers.
    fn modular<L: Lanes, M: Modular<L>, S: Modular<Portable, Element = Limbs>>(
        &self,
        lanes: L,
        wide: M,
        single: S,
    ) {
        for chunk in self.0.windows(L::WIDTH + 1) {
            let (a, b) = (load(lanes, &chunk[..L::WIDTH]), load(lanes, &chunk[1..]));
            let (a, b) = (wide.enter(&a), wide.enter(&b));
            let results = [
                wide.leave(&a),
                wide.leave(&wide.mul(&a, &b)),
                wide.leave(&wide.square(&a)),
                wide.leave(&wide.mul(&wide.sum_as_factor(&a, &b), &b)),
                wide.leave(&wide.one()),
                wide.leave(&wide.select(0b0101_0101, &a, &b)),
            ];
            for at in 0..L::WIDTH {
                let (a, b) = (single.enter(&chunk[at]), single.enter(&chunk[at + 1]));
                let expected = [
                    single.leave(&a),
                    single.leave(&single.mul(&a, &b)),
                    single.leave(&single.square(&a)),
                    single.leave(&single.mul(&single.sum_as_factor(&a, &b), &b)),
                    [1, 0, 0, 0],
                    single.leave(if at % 2 == 0 { &a } else { &b }),
                ];
                for (nth, (ours, expected)) in results.iter().zip(&expected).enumerate() {
                    let ours = lane(lanes, ours, at);
                    assert_eq!(&ours, expected, "{} operation {nth}", L::NAME);
                }
            }
        }
    }
}

impl Holds for Products {
    fn over<L: Lanes>(&self, lanes: L) {
        self.modular(lanes, lanes.p(), Field);
        self.modular(lanes, lanes.n(), Scalars);
        let p = lanes.p();
        for chunk in self.0.windows(L::WIDTH + 2) {
            let [a, b, c] = [0, 1, 2].map(|from| p.enter(&load(lanes, &chunk[from..][..L::WIDTH])));
            let zero = p.sub(&a, &a);
            assert_eq!(p.is_zero(&zero).count_ones() as usize % 8, L::WIDTH % 8);
            let results = [
                p.add(&a, &b),
                p.sub(&a, &b),
                p.signed_sub(0xff, &a, &b),
                p.mul_sub(&a, &b, &c),
                p.square_sub(&a, &b, &c),
                // The largest values that come up: differences of differences.
                p.mul(&p.sub(&zero, &p.sub(&zero, &a)), &p.sub(&b, &p.sub(&c, &b))),
                p.sub(&p.square_sub(&zero, &a, &b), &p.add(&b, &c)),
            ];
            let zeros = results.map(|result| p.is_zero(&result));
            let results = results.map(|result| p.leave(&result));
            for at in 0..L::WIDTH {
                let [a, b, c] = [0, 1, 2].map(|from| Field.enter(&chunk[at + from]));
                let twice = |x: &Limbs| Field.add(x, x);
                let expected = [
                    Field.add(&a, &b),
                    Field.sub(&a, &b),
                    Field.sub(&Field.sub(&[0; 4], &a), &b),
                    Field.sub(&Field.mul(&a, &b), &c),
                    Field.sub(&Field.sub(&Field.square(&a), &twice(&b)), &c),
                    Field.mul(&a, &Field.sub(&b, &Field.sub(&c, &b))),
                    Field.sub(
                        &Field.sub(&Field.sub(&[0; 4], &twice(&a)), &b),
                        &Field.add(&b, &c),
                    ),
                ];
                for (nth, expected) in expected.iter().enumerate() {
                    let ours = lane(lanes, &results[nth], at);
                    assert_eq!(ours, Field.leave(expected), "{} operation {nth}", L::NAME);
                    let is_zero = zeros[nth] >> at & 1 == 1;
                    assert_eq!(is_zero, ours == [0; 4], "{} operation {nth}", L::NAME);
                }
            }
        }
    }
}

#[test]
fn every_operation_equals_the_verified_one_at_all_bounds_and_at_random() {
    let mut numbers = Numbers(1);
    for m in [P, N] {
        let mut all = edges(&m);
        // Every edge beside every other one, sooner or later.
        for turn in 1..12 {
            let again: Vec<Limbs> = (0..all.len().min(90))
                .map(|at| all[(at * (2 * turn + 1) + turn) % all.len().min(90)])
                .collect();
            all.extend(again);
        }
        all.extend((0..2000).map(|_| numbers.limbs()));
        over_all_lanes(&Products(all));
    }
}

struct Inverses(Vec<Limbs>);

impl Holds for Inverses {
    fn over<L: Lanes>(&self, lanes: L) {
        fn of<L: Lanes, M: Modular<L>>(lanes: L, m: M, name: &str, numbers: &[Limbs]) {
            for chunk in numbers.chunks(L::WIDTH) {
                let a = m.enter(&load(lanes, chunk));
                let product = m.leave(&m.mul(&a, &m.invert(&a)));
                for at in 0..L::WIDTH {
                    assert_eq!(lane(lanes, &product, at), [1, 0, 0, 0], "{name}");
                }
            }
        }
        let nonzero = |m: &Limbs, own: &Limbs| own != m && *own != [0; 4];
        let p: Vec<Limbs> = self.0.iter().copied().filter(|a| nonzero(&P, a)).collect();
        let n: Vec<Limbs> = self.0.iter().copied().filter(|a| nonzero(&N, a)).collect();
        of(lanes, lanes.p(), L::NAME, &p);
        of(lanes, lanes.n(), L::NAME, &n);
    }
}

#[test]
fn an_inverse_times_its_number_is_one() {
    let mut numbers = Numbers(2);
    let mut all = edges(&P);
    all.extend(edges(&N));
    all.extend((0..100).map(|_| numbers.limbs()));
    over_all_lanes(&Inverses(all));
}

#[test]
fn the_portable_arithmetic_computes_what_integers_do() {
    // Schoolbook: a·b mod m by doubling, on numbers of 256 bits.
    fn add_mod(a: &Limbs, b: &Limbs, m: &Limbs) -> Limbs {
        let (sum, carry) = wide_add(a, b);
        let (less, borrow) = wide_sub(&sum, m);
        if carry || !borrow { less } else { sum }
    }
    fn wide_add(a: &Limbs, b: &Limbs) -> (Limbs, bool) {
        let mut carry = false;
        let sum = std::array::from_fn(|at| {
            let (sum, over) = a[at].carrying_add_(b[at], carry);
            carry = over;
            sum
        });
        (sum, carry)
    }
    fn wide_sub(a: &Limbs, b: &Limbs) -> (Limbs, bool) {
        let mut borrow = false;
        let difference = std::array::from_fn(|at| {
            let (first, one) = a[at].overflowing_sub(b[at]);
            let (second, two) = first.overflowing_sub(u64::from(borrow));
            borrow = one | two;
            second
        });
        (difference, borrow)
    }
    trait Carrying {
        fn carrying_add_(self, other: u64, carry: bool) -> (u64, bool);
    }
    impl Carrying for u64 {
        fn carrying_add_(self, other: u64, carry: bool) -> (u64, bool) {
            let (first, one) = self.overflowing_add(other);
            let (second, two) = first.overflowing_add(u64::from(carry));
            (second, one | two)
        }
    }
    fn holds<M: Modular<Portable, Element = Limbs>>(single: M, m: &Limbs, numbers: &mut Numbers) {
        let mut all = edges(m);
        all.extend((0..50).map(|_| numbers.limbs()));
        for pair in all.windows(2) {
            let (a, b) = (reduced(single, &pair[0]), reduced(single, &pair[1]));
            let mut product = [0; 4];
            for bit in (0..256).rev() {
                product = add_mod(&product, &product, m);
                if b[bit / 64] >> (bit % 64) & 1 == 1 {
                    product = add_mod(&product, &a, m);
                }
            }
            let ours = single.mul(&single.enter(&a), &single.enter(&b));
            assert_eq!(single.leave(&ours), product);
        }
    }
    let mut numbers = Numbers(3);
    holds(Field, &P, &mut numbers);
    holds(Scalars, &N, &mut numbers);
}

/// One instruction of 64-bit lanes on three operands.
type Instruction<V> =
    fn(V, <V as Vector>::U64, <V as Vector>::U64, <V as Vector>::U64) -> <V as Vector>::U64;

fn instructions<V: Vector>() -> Vec<Instruction<V>> {
    vec![
        |v, a, b, _| v.add(a, b),
        |v, a, b, _| v.sub(a, b),
        |v, a, b, _| v.and(a, b),
        |v, a, b, _| v.or(a, b),
        |v, a, b, _| v.xor(a, b),
        |v, a, _, _| v.shl::<12>(a),
        |v, a, _, _| v.shr::<52>(a),
        |v, a, _, _| v.sar::<52>(a),
        |v, a, _, _| v.shr_by(a, 40),
        |v, a, b, c| v.madd_lo(a, b, c),
        |v, a, b, c| v.madd_hi(a, b, c),
        |v, a, b, c| v.select(v.lt(a, b), b, c),
        |v, a, b, c| v.select(v.eq(v.and(a, v.splat(1)), v.splat(1)), b, c),
        |v, a, b, c| v.pick(a, b, c),
        |v, a, b, _| v.widen(v.narrow(a, b))[0],
        |v, a, b, _| v.widen(v.narrow(a, b))[1],
        |v, a, b, c| {
            let [a, b, c] = [v.narrow(a, b), v.narrow(b, c), v.narrow(c, a)];
            let mixed = v.add32(v.choose32(a, b, c), v.majority32(b, c, a));
            let turned = v.xor32(
                v.rotr32::<7>(mixed),
                v.or32(v.shr32::<3>(a), v.shl32::<5>(b)),
            );
            v.widen(v.parity32(turned, v.select32(0xa5c3, a, b), v.splat32(77)))[1]
        },
    ]
}

#[cfg(target_arch = "x86_64")]
#[test]
fn every_instruction_does_what_its_model_does() {
    let Some(real) = crate::vector::Avx512::detect() else {
        eprintln!("no AVX-512 IFMA here: nothing to compare");
        return;
    };
    let mut numbers = Numbers(4);
    for round in 0..500 {
        let mut operand = || -> [u64; 8] {
            std::array::from_fn(|_| match (numbers.next() + round) % 4 {
                0 => u64::MAX,
                1 => numbers.next() >> 12,
                _ => numbers.next(),
            })
        };
        let (a, b, c) = (operand(), operand(), operand());
        let pairs = instructions().into_iter().zip(instructions());
        for (nth, (ours, model)) in pairs.enumerate() {
            let ours = real.store(ours(real, real.load(a), real.load(b), real.load(c)));
            assert_eq!(ours, model(Model, a, b, c), "instruction {nth}");
        }
        let blocks: [[u8; 64]; 16] =
            std::array::from_fn(|_| std::array::from_fn(|_| numbers.next() as u8));
        let blocks = std::array::from_fn(|at| &blocks[at]);
        let (ours, model) = (real.blocks(&blocks), Model.blocks(&blocks));
        for (ours, model) in ours.into_iter().zip(model) {
            let halves = real.widen(ours).map(|half| real.store(half));
            assert_eq!(halves, Model.widen(model));
        }
    }
}

//! Signatures of a batch: FIPS 186-5 §6.4.1, every step for all messages
//! before the next one. This file must not know how a batch is checked.

use super::comb::{Comb, Element};
use super::inversion::invert_all;
use super::keys::{Scalar, Signers};
use super::lanes::{Lanes, Mask, Modular, is_zero, to_bytes};
use super::lockstep::{Factor, Space, multiply};
use super::nonces::{Nonces, Number};
use super::probe::{Probe, Stage, show};
use crate::vector::Work;

/// Signatures as numbers, and all that led to them; memory to be used again.
/// Secret but for r and s.
pub struct Signing<L: Lanes> {
    /// Digests and nonces.
    pub nonces: Nonces<L>,
    /// R = k·G stands first in it.
    pub space: Space<L>,
    /// r, where no flag is set.
    pub r: Vec<Number<L>>,
    /// s, where no flag is set.
    pub s: Vec<Number<L>>,
    /// Lanes that need another way: k unfit, r or s zero, or an exception of
    /// the comb.
    pub flags: Vec<Mask>,
    inverses: Vec<Scalar<L>>,
    before: Vec<Scalar<L>>,
}

impl<L: Lanes> Default for Signing<L> {
    fn default() -> Self {
        Self {
            nonces: Nonces::default(),
            space: Space::default(),
            r: Vec::new(),
            s: Vec::new(),
            flags: Vec::new(),
            inverses: Vec::new(),
            before: Vec::new(),
        }
    }
}

impl<L: Lanes> Signing<L> {
    /// Signs all messages.
    pub fn run<Pr: Probe>(&mut self, lanes: L, signers: Signers<'_>, comb: &Comb<L>, probe: &Pr) {
        // Steps 1 to 3: z and k.
        self.nonces.derive(lanes, signers, probe);
        self.flags.clear();
        self.flags.extend_from_slice(&self.nonces.flags);
        // Step 4: R = k·G.
        let factor = Factor {
            combs: &[comb],
            digits: &self.nonces.digits,
            is_secret: true,
        };
        multiply(lanes, &[factor], &mut self.space, &mut self.flags);
        if Pr::LOOKS {
            let vectors = self.flags.len();
            show_elements(probe, Stage::X, lanes, &mut self.space.x[..vectors]);
            show_elements(probe, Stage::Y, lanes, &mut self.space.y[..vectors]);
        }
        lanes.enter(Finish {
            lanes,
            signers,
            signing: self,
        });
        if Pr::LOOKS {
            show(probe, Stage::R, lanes, &mut self.r);
            show(probe, Stage::S, lanes, &mut self.s);
        }
    }

    /// Writes r ‖ s of every message; what a flagged lane gets means nothing.
    pub fn write(&self, lanes: L, signatures: &mut [[u8; 64]]) {
        lanes.enter(Write {
            lanes,
            signing: self,
            signatures,
        });
    }

    /// Overwrites what is secret.
    pub fn forget(&mut self, lanes: L) {
        self.nonces.forget(lanes);
        self.inverses.fill(lanes.n().one());
        self.before.fill(lanes.n().one());
    }
}

fn show_elements<L: Lanes>(
    probe: &impl Probe,
    stage: Stage,
    lanes: L,
    elements: &mut [Element<L>],
) {
    let p = lanes.p();
    let mut numbers: Vec<_> = elements.iter().map(|element| p.leave(element)).collect();
    show(probe, stage, lanes, &mut numbers);
    for (element, number) in elements.iter_mut().zip(&numbers) {
        *element = p.enter(number);
    }
}

/// Steps 5 to 9: r = x mod n and s = k⁻¹·(z + r·d) mod n.
struct Finish<'a, L: Lanes> {
    lanes: L,
    signers: Signers<'a>,
    signing: &'a mut Signing<L>,
}

impl<L: Lanes> Work<()> for Finish<'_, L> {
    #[inline(always)]
    fn run(self) {
        let Self {
            lanes,
            signers,
            signing,
        } = self;
        let (p, n) = (lanes.p(), lanes.n());
        let mut d = signers.d(lanes, 0);
        signing.inverses.clear();
        for k in &signing.nonces.k {
            signing.inverses.push(n.enter(k));
        }
        invert_all(n, &mut signing.inverses, &mut signing.before);
        signing.r.clear();
        signing.s.clear();
        for (at, inverse) in signing.inverses.iter().enumerate() {
            if signers.is_mixed {
                d = signers.d(lanes, at);
            }
            let r = n.enter(&p.leave(&signing.space.x[at]));
            let z = n.enter(&signing.nonces.z[at]);
            let s = n.mul(inverse, &n.sum_as_factor(&z, &n.mul(&r, &d)));
            let (r, s) = (n.leave(&r), n.leave(&s));
            signing.flags[at] |= is_zero(lanes, &r) | is_zero(lanes, &s);
            signing.r.push(r);
            signing.s.push(s);
        }
    }
}

/// Both numbers as 32 bytes each, big-endian (RFC 7518 §3.4).
struct Write<'a, L: Lanes> {
    lanes: L,
    signing: &'a Signing<L>,
    signatures: &'a mut [[u8; 64]],
}

impl<L: Lanes> Work<()> for Write<'_, L> {
    #[inline(always)]
    fn run(self) {
        let Self {
            lanes,
            signing,
            signatures,
        } = self;
        let numbers = signing.r.iter().zip(&signing.s);
        for ((r, s), signatures) in numbers.zip(signatures.chunks_mut(L::WIDTH)) {
            let (r, s) = (lanes.numbers(r), lanes.numbers(s));
            for ((r, s), signature) in r.iter().zip(&s).zip(signatures) {
                signature[..32].copy_from_slice(&to_bytes(r));
                signature[32..].copy_from_slice(&to_bytes(s));
            }
        }
    }
}

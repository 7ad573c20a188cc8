//! Many inversions for the price of one: Montgomery's trick.
//!
//! With products pᵢ = a₁⋯aᵢ, one inversion gives 1/pₙ, and walking back
//! 1/aᵢ = pᵢ₋₁ · 1/pᵢ and 1/pᵢ₋₁ = aᵢ · 1/pᵢ: three products for each
//! element. A zero would make all of them zero, so nobody may bring one. This
//! file must not know points or keys.

use super::lanes::{Lanes, Modular};

/// How many running products grow side by side, so that a multiplication need
/// not wait for the one before.
pub const CHAINS: usize = 4;

/// Replaces the chains' products by their inverses.
#[inline(always)]
pub fn invert_chains<L: Lanes, M: Modular<L>>(m: M, products: &mut [M::Element; CHAINS]) {
    let mut before = [m.one(); CHAINS];
    let mut product = m.one();
    for (element, before) in products.iter().zip(&mut before) {
        *before = product;
        product = m.mul(&product, element);
    }
    let mut inverse = m.invert(&product);
    for (element, before) in products.iter_mut().zip(&before).rev() {
        let own = m.mul(&inverse, before);
        inverse = m.mul(&inverse, element);
        *element = own;
    }
}

/// Replaces all elements by their inverses. `before` is memory to work in.
#[inline(always)]
pub fn invert_all<L: Lanes, M: Modular<L>>(
    m: M,
    elements: &mut [M::Element],
    before: &mut Vec<M::Element>,
) {
    before.clear();
    let mut products = [m.one(); CHAINS];
    for (at, element) in elements.iter().enumerate() {
        let product = &mut products[at % CHAINS];
        before.push(*product);
        *product = m.mul(product, element);
    }
    invert_chains(m, &mut products);
    for (at, element) in elements.iter_mut().enumerate().rev() {
        let inverse = &mut products[at % CHAINS];
        let own = m.mul(inverse, &before[at]);
        *inverse = m.mul(inverse, element);
        *element = own;
    }
}

//! SHA-256's compression function (FIPS 180-4 §6.2.2) on sixteen states at
//! once, one in each lane of a wide register.
//!
//! Many short messages are hashed faster so than one after another, even where
//! the processor has instructions for SHA-256: those wait for each other, the
//! lanes do not. It is plain code that the compiler turns into the processor's
//! widest arithmetic; `pulp` finds out which that is. This module must not know
//! what is hashed, or how a message is padded.

/// How many states there are side by side.
pub const LANES: usize = 16;

/// One word of every lane.
type Words = [u32; LANES];

/// Sixteen states: the eight words of each, word by word.
pub type States = [Words; 8];

/// One block for each lane.
pub type Blocks<'b> = [&'b [u8; 64]; LANES];

/// The same state in every lane.
pub fn spread(state: &[u32; 8]) -> States {
    state.map(|word| [word; LANES])
}

/// A processor on which sixteen lanes are faster than one.
#[derive(Clone, Copy)]
pub struct Wide(pulp::Arch);

impl Wide {
    /// This processor, if it is one: its registers must be 512 bits wide. With
    /// half of that, and no rotation of its own, the lanes are no faster than
    /// the instructions for SHA-256.
    pub fn find() -> Option<Self> {
        let arch = pulp::Arch::new();
        is_wide(arch).then_some(Self(arch))
    }

    /// Whatever this processor has: the same digests, only slower.
    #[cfg(test)]
    pub(crate) fn any() -> Self {
        Self(pulp::Arch::new())
    }

    /// Takes one block into every lane's state.
    pub fn compress(self, states: &mut States, blocks: &Blocks<'_>) {
        self.0.dispatch(Block { states, blocks });
    }

    /// The same with the block's words as they are, big-endian no more.
    pub fn compress_words(self, states: &mut States, words: [Words; 16]) {
        self.0.dispatch(Schedule { states, words });
    }
}

#[cfg(target_arch = "x86_64")]
fn is_wide(arch: pulp::Arch) -> bool {
    matches!(arch, pulp::Arch::V4(_))
}

#[cfg(not(target_arch = "x86_64"))]
fn is_wide(_: pulp::Arch) -> bool {
    false
}

struct Block<'s, 'b> {
    states: &'s mut States,
    blocks: &'s Blocks<'b>,
}

impl pulp::NullaryFnOnce for Block<'_, '_> {
    type Output = ();

    #[inline(always)]
    fn call(self) {
        let mut words = [[0; LANES]; 16];
        for (lane, block) in self.blocks.iter().enumerate() {
            let (bytes, _) = block.as_chunks::<4>();
            for (word, bytes) in words.iter_mut().zip(bytes) {
                word[lane] = u32::from_be_bytes(*bytes);
            }
        }
        compress(self.states, words);
    }
}

struct Schedule<'s> {
    states: &'s mut States,
    words: [Words; 16],
}

impl pulp::NullaryFnOnce for Schedule<'_> {
    type Output = ();

    #[inline(always)]
    fn call(self) {
        compress(self.states, self.words);
    }
}

#[inline(always)]
fn compress(states: &mut States, mut w: [Words; 16]) {
    let [mut a, mut b, mut c, mut d, mut e, mut f, mut g, mut h] = *states;
    for (round, k) in K.iter().enumerate() {
        let at = round % 16;
        if round >= 16 {
            w[at] = lanes(|i| {
                small_sigma_1(w[(at + 14) % 16][i])
                    .wrapping_add(w[(at + 9) % 16][i])
                    .wrapping_add(small_sigma_0(w[(at + 1) % 16][i]))
                    .wrapping_add(w[at][i])
            });
        }
        let t1 = lanes(|i| {
            h[i].wrapping_add(big_sigma_1(e[i]))
                .wrapping_add((e[i] & f[i]) ^ (!e[i] & g[i]))
                .wrapping_add(*k)
                .wrapping_add(w[at][i])
        });
        let t2 = lanes(|i| {
            let majority = (a[i] & b[i]) ^ (a[i] & c[i]) ^ (b[i] & c[i]);
            big_sigma_0(a[i]).wrapping_add(majority)
        });
        h = g;
        g = f;
        f = e;
        e = lanes(|i| d[i].wrapping_add(t1[i]));
        d = c;
        c = b;
        b = a;
        a = lanes(|i| t1[i].wrapping_add(t2[i]));
    }
    for (state, word) in states.iter_mut().zip([a, b, c, d, e, f, g, h]) {
        *state = lanes(|i| state[i].wrapping_add(word[i]));
    }
}

#[inline(always)]
fn lanes(word: impl Fn(usize) -> u32) -> Words {
    let mut words = [0; LANES];
    for (lane, slot) in words.iter_mut().enumerate() {
        *slot = word(lane);
    }
    words
}

#[inline(always)]
fn big_sigma_0(x: u32) -> u32 {
    x.rotate_right(2) ^ x.rotate_right(13) ^ x.rotate_right(22)
}

#[inline(always)]
fn big_sigma_1(x: u32) -> u32 {
    x.rotate_right(6) ^ x.rotate_right(11) ^ x.rotate_right(25)
}

#[inline(always)]
fn small_sigma_0(x: u32) -> u32 {
    x.rotate_right(7) ^ x.rotate_right(18) ^ (x >> 3)
}

#[inline(always)]
fn small_sigma_1(x: u32) -> u32 {
    x.rotate_right(17) ^ x.rotate_right(19) ^ (x >> 10)
}

/// FIPS 180-4 §4.2.2.
#[rustfmt::skip]
const K: [u32; 64] = [
    0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5,
    0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174,
    0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
    0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967,
    0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85,
    0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
    0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
    0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2,
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_lane_equals_an_independent_implementation() {
        // Tested even where it would not be chosen.
        let wide = Wide::any();
        let mut seed = 1_u64;
        let mut next = || {
            seed = seed.wrapping_mul(6364136223846793005).wrapping_add(1);
            (seed >> 56) as u8
        };
        for _ in 0..50 {
            let first: [u32; 8] =
                std::array::from_fn(|_| u32::from_be_bytes(std::array::from_fn(|_| next())));
            let blocks: [[u8; 64]; LANES] =
                std::array::from_fn(|_| std::array::from_fn(|_| next()));
            let mut states = spread(&first);
            wide.compress(&mut states, &std::array::from_fn(|at| &blocks[at]));
            let words = std::array::from_fn(|at| {
                std::array::from_fn(|lane| {
                    u32::from_be_bytes(std::array::from_fn(|i| blocks[lane][4 * at + i]))
                })
            });
            let mut again = spread(&first);
            wide.compress_words(&mut again, words);
            assert_eq!(states, again);
            for (lane, block) in blocks.iter().enumerate() {
                let mut state = first;
                sha2::block_api::compress256(&mut state, &[*block]);
                assert_eq!(state, states.map(|word| word[lane]));
            }
        }
    }
}

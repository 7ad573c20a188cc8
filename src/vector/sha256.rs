//! SHA-256's compression function (FIPS 180-4 §6.2.2) in sixteen lanes, in
//! the standard's letters.

use super::{Vector, Work};

/// The first 32 bits of the square roots' fractions of the first eight primes
/// (§5.3.3).
pub const INITIAL: [u32; 8] = [
    0x6a09_e667,
    0xbb67_ae85,
    0x3c6e_f372,
    0xa54f_f53a,
    0x510e_527f,
    0x9b05_688c,
    0x1f83_d9ab,
    0x5be0_cd19,
];

/// The same of the cube roots of the first 64 primes (§4.2.2).
const K: [u32; 64] = [
    0x428a_2f98,
    0x7137_4491,
    0xb5c0_fbcf,
    0xe9b5_dba5,
    0x3956_c25b,
    0x59f1_11f1,
    0x923f_82a4,
    0xab1c_5ed5,
    0xd807_aa98,
    0x1283_5b01,
    0x2431_85be,
    0x550c_7dc3,
    0x72be_5d74,
    0x80de_b1fe,
    0x9bdc_06a7,
    0xc19b_f174,
    0xe49b_69c1,
    0xefbe_4786,
    0x0fc1_9dc6,
    0x240c_a1cc,
    0x2de9_2c6f,
    0x4a74_84aa,
    0x5cb0_a9dc,
    0x76f9_88da,
    0x983e_5152,
    0xa831_c66d,
    0xb003_27c8,
    0xbf59_7fc7,
    0xc6e0_0bf3,
    0xd5a7_9147,
    0x06ca_6351,
    0x1429_2967,
    0x27b7_0a85,
    0x2e1b_2138,
    0x4d2c_6dfc,
    0x5338_0d13,
    0x650a_7354,
    0x766a_0abb,
    0x81c2_c92e,
    0x9272_2c85,
    0xa2bf_e8a1,
    0xa81a_664b,
    0xc24b_8b70,
    0xc76c_51a3,
    0xd192_e819,
    0xd699_0624,
    0xf40e_3585,
    0x106a_a070,
    0x19a4_c116,
    0x1e37_6c08,
    0x2748_774c,
    0x34b0_bcb5,
    0x391c_0cb3,
    0x4ed8_aa4a,
    0x5b9c_ca4f,
    0x682e_6ff3,
    0x748f_82ee,
    0x78a5_636f,
    0x84c8_7814,
    0x8cc7_0208,
    0x90be_fffa,
    0xa450_6ceb,
    0xbef9_a3f7,
    0xc671_78f2,
];

/// Takes one block into the state.
#[inline(always)]
pub fn compress<V: Vector>(v: V, state: &mut [V::U32; 8], block: &[V::U32; 16]) {
    v.call(Compress { v, state, block });
}

struct Compress<'a, V: Vector> {
    v: V,
    state: &'a mut [V::U32; 8],
    block: &'a [V::U32; 16],
}

impl<V: Vector> Work<()> for Compress<'_, V> {
    #[inline(always)]
    fn run(self) {
        rounds(self.v, self.state, self.block);
    }
}

#[inline(always)]
fn rounds<V: Vector>(v: V, state: &mut [V::U32; 8], block: &[V::U32; 16]) {
    let mut w = *block;
    let mut s = *state;
    for (sixteen, k) in K.as_chunks::<16>().0.iter().enumerate() {
        // Written out, so that every index is a constant and the words stay in
        // registers.
        macro_rules! all {
            ($step:ident($($argument:expr),*)) => {
                $step::<V, 0>(v, $($argument),*);
                $step::<V, 1>(v, $($argument),*);
                $step::<V, 2>(v, $($argument),*);
                $step::<V, 3>(v, $($argument),*);
                $step::<V, 4>(v, $($argument),*);
                $step::<V, 5>(v, $($argument),*);
                $step::<V, 6>(v, $($argument),*);
                $step::<V, 7>(v, $($argument),*);
                $step::<V, 8>(v, $($argument),*);
                $step::<V, 9>(v, $($argument),*);
                $step::<V, 10>(v, $($argument),*);
                $step::<V, 11>(v, $($argument),*);
                $step::<V, 12>(v, $($argument),*);
                $step::<V, 13>(v, $($argument),*);
                $step::<V, 14>(v, $($argument),*);
                $step::<V, 15>(v, $($argument),*);
            };
        }
        if sixteen > 0 {
            all!(schedule(&mut w));
        }
        all!(round(&mut s, &w, k));
    }
    for (state, word) in state.iter_mut().zip(s) {
        *state = v.add32(*state, word);
    }
}

/// Step 1 from t = 16 on: W of this round from the sixteen before it.
#[inline(always)]
fn schedule<V: Vector, const T: usize>(v: V, w: &mut [V::U32; 16]) {
    let (w2, w15) = (w[(T + 14) % 16], w[(T + 1) % 16]);
    let s1 = v.parity32(v.rotr32::<17>(w2), v.rotr32::<19>(w2), v.shr32::<10>(w2));
    let s0 = v.parity32(v.rotr32::<7>(w15), v.rotr32::<18>(w15), v.shr32::<3>(w15));
    w[T] = v.add32(v.add32(w[T], s0), v.add32(w[(T + 9) % 16], s1));
}

/// Step 3. The variables a to h change places from round to round, instead of
/// their values.
#[inline(always)]
fn round<V: Vector, const T: usize>(v: V, s: &mut [V::U32; 8], w: &[V::U32; 16], k: &[u32; 16]) {
    let at = |variable: usize| (variable + 16 - T) % 8;
    let [a, b, c, d, e, f, g, h] = [0, 1, 2, 3, 4, 5, 6, 7].map(|variable| s[at(variable)]);
    let sum1 = v.parity32(v.rotr32::<6>(e), v.rotr32::<11>(e), v.rotr32::<25>(e));
    let key = v.add32(w[T], v.splat32(k[T]));
    let t1 = v.add32(v.add32(h, key), v.add32(sum1, v.choose32(e, f, g)));
    let sum0 = v.parity32(v.rotr32::<2>(a), v.rotr32::<13>(a), v.rotr32::<22>(a));
    let t2 = v.add32(sum0, v.majority32(a, b, c));
    s[at(3)] = v.add32(d, t1);
    s[at(7)] = v.add32(t1, t2);
}

//! What is signed here: keys and messages, always the same ones. This file
//! must not know what is done with them.

use campaign_signer::engine::Messages;
use p256::ecdsa::SigningKey;

/// Numbers that look random, always the same ones (SplitMix64).
pub struct Numbers(pub u64);

impl Numbers {
    /// The next one.
    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// Some bytes.
    pub fn bytes(&mut self, count: usize) -> Vec<u8> {
        (0..count).map(|_| self.next() as u8).collect()
    }
}

/// A private key.
fn key(numbers: &mut Numbers) -> SigningKey {
    loop {
        // One in 2^32 is not below n.
        if let Ok(key) = SigningKey::from_slice(&numbers.bytes(32)) {
            return key;
        }
    }
}

/// Private keys.
pub fn keys(numbers: &mut Numbers, count: usize) -> Vec<SigningKey> {
    (0..count).map(|_| key(numbers)).collect()
}

/// Messages of no, one and several blocks, for so many keys in turn; in longer
/// batches they share their beginning, as those of one run do.
pub fn messages(numbers: &mut Numbers, count: usize, keys: usize) -> Messages {
    let beginning = numbers.bytes(if count > 16 { 70 } else { 0 });
    let mut messages = Messages::default();
    for at in 0..count {
        messages.push_keyed((at % keys) as u16, |out| {
            out.extend_from_slice(&beginning);
            out.extend(numbers.bytes(at * 37 % 200));
        });
    }
    messages
}

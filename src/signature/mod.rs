//! P-256 ECDSA signatures as they come: in base64, base64url or hexadecimal,
//! as DER or as `r ‖ s`. Reads what is there, sound or not, and says what is
//! wrong with it.
//!
//! [`decode`] takes text to bytes, [`Signature::read`] takes bytes to r and s,
//! [`encode`] takes r and s back to DER. Pure functions; this module must not
//! know formats, keys or messages, so it never says whether a signature is right.

mod der;
mod text;

use std::fmt;

pub use der::{Flaw, MAX_DER, Unread, encode};
pub use text::{Alphabet, Decoded, NotText, decode};

/// How many bytes r has, and s, in `r ‖ s`.
pub const INTEGER_BYTES: usize = 32;

/// The order n of P-256 (SEC 2 §2.4.2): r and s are from 1 to n - 1.
const ORDER: [u8; 32] = [
    0xff, 0xff, 0xff, 0xff, 0x00, 0x00, 0x00, 0x00, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
    0xbc, 0xe6, 0xfa, 0xad, 0xa7, 0x17, 0x9e, 0x84, 0xf3, 0xb9, 0xca, 0xc2, 0xfc, 0x63, 0x25, 0x51,
];

/// (n - 1) / 2: a larger s is called high.
const HALF_ORDER: [u8; 32] = [
    0x7f, 0xff, 0xff, 0xff, 0x80, 0x00, 0x00, 0x00, 0x7f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
    0xde, 0x73, 0x7d, 0x56, 0xd3, 0x8b, 0xcf, 0x42, 0x79, 0xdc, 0xe5, 0x61, 0x7e, 0x31, 0x92, 0xa8,
];

/// How r and s were put together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// `SEQUENCE { INTEGER, INTEGER }`, as OpenSSL and Apple's joined formats have it.
    Der,
    /// `r ‖ s`, 64 bytes, as a JWS has it (RFC 7518 §3.4).
    Raw,
}

/// r or s.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Which {
    /// The first integer.
    R,
    /// The second integer.
    S,
}

impl fmt::Display for Which {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::R => "r",
            Self::S => "s",
        })
    }
}

/// Where an integer stands beside the order of the curve.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Range {
    /// Zero, which no signature has.
    Zero,
    /// From 1 to n - 1, as it must be.
    Sound,
    /// n or more, which no signature has.
    TooLarge,
}

/// r or s as it stands in a signature.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Integer {
    /// Its bytes, big-endian, the padding byte of DER included.
    pub bytes: Vec<u8>,
}

/// A signature taken apart, sound or not.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Signature {
    /// How it was put together.
    pub form: Form,
    /// The first integer.
    pub r: Integer,
    /// The second integer.
    pub s: Integer,
    /// What is wrong with its DER; a strict reader refuses it for any of these.
    pub flaws: Vec<Flaw>,
}

impl Signature {
    /// Takes a signature apart. 64 bytes that are no DER are `r ‖ s`.
    ///
    /// # Errors
    /// When the bytes are neither; why they are not.
    pub fn read(bytes: &[u8]) -> Result<Self, Unread> {
        let read = der::read(bytes);
        match (<&[u8; 2 * INTEGER_BYTES]>::try_from(bytes), &read) {
            // Raw bytes may begin as DER does; that all of it fits is no chance.
            (Ok(rs), read) if !read.as_ref().is_ok_and(|der| der.flaws.is_empty()) => Ok(Self {
                form: Form::Raw,
                r: Integer::new(&rs[..INTEGER_BYTES]),
                s: Integer::new(&rs[INTEGER_BYTES..]),
                flaws: Vec::new(),
            }),
            _ => read,
        }
    }

    /// `r ‖ s`, read without a sign and without the zeros before them; `None`
    /// where one of the two does not fit into 32 bytes.
    pub fn to_raw(&self) -> Option<[u8; 64]> {
        let mut rs = [0; 64];
        rs[..INTEGER_BYTES].copy_from_slice(&self.r.value()?);
        rs[INTEGER_BYTES..].copy_from_slice(&self.s.value()?);
        Some(rs)
    }

    /// Both integers with their names.
    pub fn integers(&self) -> [(Which, &Integer); 2] {
        [(Which::R, &self.r), (Which::S, &self.s)]
    }
}

impl Integer {
    fn new(bytes: &[u8]) -> Self {
        Self {
            bytes: bytes.to_vec(),
        }
    }

    /// The value in 32 bytes, read without a sign; `None` where it is larger.
    pub fn value(&self) -> Option<[u8; INTEGER_BYTES]> {
        let zeros = self.bytes.iter().take_while(|byte| **byte == 0).count();
        let digits = &self.bytes[zeros..];
        let mut value = [0; INTEGER_BYTES];
        let start = INTEGER_BYTES.checked_sub(digits.len())?;
        value[start..].copy_from_slice(digits);
        Some(value)
    }

    /// Whether the zero stands before it that keeps DER from reading a sign.
    pub fn is_padded(&self) -> bool {
        matches!(self.bytes.as_slice(), [0, next, ..] if *next >= 0x80)
    }

    /// Where it stands beside the order of the curve.
    pub fn range(&self) -> Range {
        match self.value() {
            Some(value) if value == [0; INTEGER_BYTES] => Range::Zero,
            Some(value) if value < ORDER => Range::Sound,
            _ => Range::TooLarge,
        }
    }

    /// Whether it is more than half the order. Both halves are accepted for s
    /// wherever P-256 is used; a signer that wants one form takes the lower.
    pub fn is_high(&self) -> bool {
        self.value().is_none_or(|value| value > HALF_ORDER)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn half_the_order_is_what_the_name_says() {
        let double = HALF_ORDER
            .iter()
            .rev()
            .fold((Vec::new(), 1_u16), |(mut all, carry), byte| {
                let sum = u16::from(*byte) * 2 + carry;
                all.push((sum & 0xff) as u8);
                (all, sum >> 8)
            });
        let (mut bytes, carry) = double;
        bytes.reverse();
        assert_eq!((bytes.as_slice(), carry), (ORDER.as_slice(), 0));
    }

    #[test]
    fn integers_are_told_by_the_order_of_the_curve() {
        let at = |change: fn(&mut [u8; 32])| {
            let mut bytes = ORDER;
            change(&mut bytes);
            Integer::new(&bytes)
        };
        assert_eq!(at(|_| {}).range(), Range::TooLarge);
        assert_eq!(at(|bytes| bytes[31] -= 1).range(), Range::Sound);
        assert_eq!(at(|bytes| bytes.fill(0)).range(), Range::Zero);
        assert_eq!(Integer::new(&[1; 33]).range(), Range::TooLarge);
        assert!(!Integer::new(&HALF_ORDER).is_high());
        let mut above = HALF_ORDER;
        above[31] += 1;
        assert!(Integer::new(&above).is_high());
    }

    #[test]
    fn sixty_four_bytes_are_raw_unless_all_of_them_are_der() {
        let mut raw = [7; 64];
        (raw[0], raw[1], raw[2]) = (0x30, 62, 2);
        assert_eq!(Signature::read(&raw).map(|read| read.form), Ok(Form::Raw));
        let mut der = [7; 64];
        (der[0], der[1], der[2], der[3]) = (0x30, 62, 2, 29);
        (der[33], der[34]) = (2, 29);
        let read = Signature::read(&der).unwrap();
        assert_eq!((read.form, read.r.bytes.len()), (Form::Der, 29));
        assert_eq!(read.to_raw().unwrap()[..4], [0, 0, 0, 7]);
    }
}

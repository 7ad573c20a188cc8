//! DER of a signature (X.690 §8.3, §8.9; SEC 1 §C.5), written as it must be
//! and read as it stands. It must not know how the bytes were written as text.

use super::{Form, Integer, Signature, Which};

/// The longest DER form of a P-256 signature, in bytes: two integers of 33
/// with two before each, and two before all.
pub const MAX_DER: usize = 2 + 2 * (2 + 33);

const SEQUENCE: u8 = 0x30;
const INTEGER: u8 = 0x02;

/// `SEQUENCE { r INTEGER, s INTEGER }` of `r ‖ s`: big-endian, leading zeros
/// dropped, one zero put back where the first bit would read as a sign. Gives
/// the bytes and their number.
pub fn encode(rs: &[u8; 64]) -> ([u8; MAX_DER], usize) {
    let mut der = [0; MAX_DER];
    let mut end = 2;
    for integer in rs.chunks(32) {
        let zeros = integer.iter().take_while(|b| **b == 0).count();
        let digits = &integer[zeros.min(integer.len() - 1)..];
        let sign = usize::from(digits[0] >= 0x80);
        der[end] = INTEGER;
        // At most 33, so the short form of a length always does.
        der[end + 1] = (digits.len() + sign) as u8;
        der[end + 2 + sign..end + 2 + sign + digits.len()].copy_from_slice(digits);
        end += 2 + sign + digits.len();
    }
    der[0] = SEQUENCE;
    der[1] = (end - 2) as u8;
    (der, end)
}

/// Something that DER does not allow, and that leaves r and s readable.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Flaw {
    /// A length is written in more bytes than it needs.
    #[error("a length is written in more bytes than it needs")]
    LongLength,
    /// The first bit of an integer is set: DER reads a negative number.
    #[error("{0} lacks the zero byte before it: as DER it is negative")]
    Negative(Which),
    /// More zeros than needed stand before an integer.
    #[error("{which} has {zeros} zero byte(s) too many before it")]
    Zeros {
        /// The integer.
        which: Which,
        /// How many are too many.
        zeros: usize,
    },
    /// An integer has no bytes at all.
    #[error("{0} is empty")]
    Empty(Which),
    /// Bytes stand behind s, inside of the sequence.
    #[error("{0} byte(s) stand behind s inside the sequence")]
    Inside(usize),
    /// Bytes stand behind the sequence.
    #[error("{0} byte(s) stand behind the signature")]
    Behind(usize),
    /// The sequence says another length than its two integers have.
    #[error("the sequence says it has {says} bytes, and r and s take {take}")]
    Length {
        /// What it says.
        says: usize,
        /// What the integers take.
        take: usize,
    },
}

/// Why bytes are no signature.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unread {
    /// There are none.
    #[error("there are no bytes")]
    Empty,
    /// Neither of the two forms.
    #[error("{bytes} bytes that begin with {first:#04x}: DER begins with 0x30, r || s has 64")]
    Neither {
        /// How many there are.
        bytes: usize,
        /// The first of them.
        first: u8,
    },
    /// It begins as DER and ends before it should.
    #[error("DER that is cut short: {wanted} bytes are wanted, {bytes} are there")]
    Short {
        /// How many there are.
        bytes: usize,
        /// How many there should be.
        wanted: usize,
    },
    /// It begins as DER, and no integer stands where one must.
    #[error("DER without the INTEGER {which} at byte {at}")]
    NoInteger {
        /// The integer.
        which: Which,
        /// The place, from 0.
        at: usize,
    },
}

/// A cursor over bytes that are meant to be DER.
struct Cursor<'a> {
    bytes: &'a [u8],
    at: usize,
    flaws: Vec<Flaw>,
}

impl<'a> Cursor<'a> {
    fn byte(&mut self) -> Result<u8, Unread> {
        let byte = self.bytes.get(self.at).copied();
        self.at += 1;
        byte.ok_or(Unread::Short {
            bytes: self.bytes.len(),
            wanted: self.at,
        })
    }

    /// A definite length of at most two further bytes; nothing longer is
    /// near any signature.
    fn length(&mut self) -> Result<usize, Unread> {
        let first = self.byte()?;
        if first < 0x80 {
            return Ok(usize::from(first));
        }
        let mut length = 0;
        for _ in 0..(first & 0x7f).min(2) {
            length = length << 8 | usize::from(self.byte()?);
        }
        if length < 0x80 {
            self.flaws.push(Flaw::LongLength);
        }
        Ok(length)
    }

    fn integer(&mut self, which: Which) -> Result<Integer, Unread> {
        let at = self.at;
        if self.byte()? != INTEGER {
            return Err(Unread::NoInteger { which, at });
        }
        let length = self.length()?;
        let end = self.at + length;
        let content: &'a [u8] = self.bytes.get(self.at..end).ok_or(Unread::Short {
            bytes: self.bytes.len(),
            wanted: end,
        })?;
        self.at = end;
        let zeros = content.iter().take_while(|byte| **byte == 0).count();
        let after = content.get(zeros).copied();
        let needed = usize::from(after.is_none_or(|byte| byte >= 0x80));
        match content.first() {
            None => self.flaws.push(Flaw::Empty(which)),
            Some(first) if *first >= 0x80 => self.flaws.push(Flaw::Negative(which)),
            Some(_) if zeros > needed => self.flaws.push(Flaw::Zeros {
                which,
                zeros: zeros - needed,
            }),
            Some(_) => {}
        }
        Ok(Integer::new(content))
    }
}

/// Takes DER apart as far as r and s can be told.
pub(super) fn read(bytes: &[u8]) -> Result<Signature, Unread> {
    let first = *bytes.first().ok_or(Unread::Empty)?;
    if first != SEQUENCE {
        let bytes = bytes.len();
        return Err(Unread::Neither { bytes, first });
    }
    let mut cursor = Cursor {
        bytes,
        at: 1,
        flaws: Vec::new(),
    };
    let says = cursor.length()?;
    let start = cursor.at;
    let r = cursor.integer(Which::R)?;
    let s = cursor.integer(Which::S)?;
    let take = cursor.at - start;
    let behind = bytes.len() - cursor.at;
    if says < take || says > take + behind {
        cursor.flaws.push(Flaw::Length { says, take });
    } else if says > take {
        cursor.flaws.push(Flaw::Inside(says - take));
    }
    let after = behind.saturating_sub(says.saturating_sub(take));
    if after > 0 {
        cursor.flaws.push(Flaw::Behind(after));
    }
    Ok(Signature {
        form: Form::Der,
        r,
        s,
        flaws: cursor.flaws,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn numbers(seed: &mut u64) -> [u8; 64] {
        let mut rs = [0_u8; 64];
        for byte in &mut rs {
            *seed = seed.wrapping_mul(6364136223846793005).wrapping_add(1);
            *byte = (*seed >> 56) as u8;
        }
        rs
    }

    #[test]
    fn der_equals_an_independent_encoder_on_every_length_and_reads_back() {
        let mut seed = 1_u64;
        for round in 0..2000 {
            let mut rs = numbers(&mut seed);
            // Short integers: 0 to 31 leading zero bytes on either side.
            rs[..round % 32].fill(0);
            rs[32..32 + (round / 32) % 32].fill(0);
            let Ok(signature) = p256::ecdsa::Signature::from_slice(&rs) else {
                continue;
            };
            let (der, length) = encode(&rs);
            assert_eq!(&der[..length], signature.to_der().as_bytes());
            let read = read(&der[..length]).unwrap();
            assert_eq!(read.flaws, []);
            assert_eq!(read.to_raw(), Some(rs));
        }
    }

    /// DER with these contents, and these bytes behind it.
    fn made(r: &[u8], s: &[u8], behind: &[u8]) -> Vec<u8> {
        let mut inner = vec![INTEGER, r.len() as u8];
        inner.extend_from_slice(r);
        inner.extend([INTEGER, s.len() as u8]);
        inner.extend_from_slice(s);
        [&[SEQUENCE, inner.len() as u8], inner.as_slice(), behind].concat()
    }

    #[test]
    fn what_strict_readers_refuse_is_named_and_r_and_s_are_read_all_the_same() {
        let mut long = made(&[1], &[2], &[]);
        long.splice(1..2, [0x81, 6]);
        let mut says_more = made(&[1], &[2], &[]);
        says_more[1] = 9;
        let mut inside = made(&[1], &[2], &[7, 7]);
        inside[1] += 2;
        let zeros = Flaw::Zeros {
            which: Which::R,
            zeros: 1,
        };
        let table: [(Vec<u8>, Flaw); 8] = [
            (made(&[0x81], &[2], &[]), Flaw::Negative(Which::R)),
            (made(&[1], &[0xff], &[]), Flaw::Negative(Which::S)),
            (made(&[0, 1], &[2], &[]), zeros),
            (made(&[1], &[], &[]), Flaw::Empty(Which::S)),
            (made(&[1], &[2], &[0]), Flaw::Behind(1)),
            (long, Flaw::LongLength),
            (says_more, Flaw::Length { says: 9, take: 6 }),
            (inside, Flaw::Inside(2)),
        ];
        for (bytes, flaw) in table {
            let read = read(&bytes).unwrap();
            assert_eq!(read.flaws, [flaw], "{bytes:02x?}");
            assert!(read.to_raw().is_some());
        }
    }

    #[test]
    fn what_is_no_signature_says_why() {
        let whole = made(&[1], &[2], &[]);
        let no_integer = |which, at| Unread::NoInteger { which, at };
        let mut bits = whole.clone();
        bits[5] = 3;
        let table: [(&[u8], Unread); 5] = [
            (b"", Unread::Empty),
            (
                b"abc",
                Unread::Neither {
                    bytes: 3,
                    first: b'a',
                },
            ),
            (
                &whole[..7],
                Unread::Short {
                    bytes: 7,
                    wanted: 8,
                },
            ),
            (&[SEQUENCE, 0, 5], no_integer(Which::R, 2)),
            (&bits, no_integer(Which::S, 5)),
        ];
        for (bytes, error) in table {
            assert_eq!(read(bytes), Err(error));
        }
    }

    #[test]
    fn every_prefix_and_every_byte_changed_is_read_without_a_panic() {
        let (der, length) = encode(&[0x9c; 64]);
        for end in 0..=length {
            for at in 0..end {
                for value in [0, 1, 2, 0x30, 0x7f, 0x80, 0x82, 0xff] {
                    let mut changed = der[..end].to_vec();
                    changed[at] = value;
                    let _ = Signature::read(&changed).map(|read| read.to_raw());
                }
            }
        }
    }
}

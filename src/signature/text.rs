//! The ways to write bytes as text: base64, base64url and hexadecimal, with or
//! without padding, on one line or on several. It must not know what the bytes
//! are.

use base64::Engine as _;
use base64::alphabet;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};

/// The characters that bytes are written with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Alphabet {
    /// Standard base64, with `+` and `/`; also text that has none of the four
    /// characters that differ.
    Base64,
    /// base64url, with `-` and `_`.
    Base64Url,
    /// Hexadecimal, in either case.
    Hex,
}

/// Bytes that were written as text, and how.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Decoded {
    /// The bytes.
    pub bytes: Vec<u8>,
    /// The characters they were written with.
    pub alphabet: Alphabet,
    /// Whether `=` stands at the end.
    pub padded: bool,
    /// Whether white space stands inside.
    pub spaced: bool,
    /// Whether the bits behind the last byte are zero, as they must be (RFC
    /// 4648 §3.5).
    pub canonical: bool,
}

/// Why a text is none of the three.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotText {
    /// There is none.
    #[error("there is no text")]
    Empty,
    /// A character of none of the alphabets.
    #[error("the character at {0} is none of base64, base64url or hexadecimal")]
    Character(usize),
    /// `+` or `/` beside `-` or `_`.
    #[error("base64 and base64url are mixed")]
    Mixed,
    /// A length or a padding that no bytes have.
    #[error("its length or its padding fits no bytes: something is missing")]
    Length,
}

const LENIENT: GeneralPurposeConfig = GeneralPurposeConfig::new()
    .with_decode_padding_mode(DecodePaddingMode::Indifferent)
    .with_decode_allow_trailing_bits(true);
const STANDARD: GeneralPurpose = GeneralPurpose::new(&alphabet::STANDARD, LENIENT);
const URL_SAFE: GeneralPurpose = GeneralPurpose::new(&alphabet::URL_SAFE, LENIENT);

/// Takes text in any of the three to bytes. White space does not matter; an
/// even number of hexadecimal digits is taken for hexadecimal, also where it
/// could be base64.
///
/// # Errors
/// Why it is none of them. Nothing of the text is quoted.
pub fn decode(text: &str) -> Result<Decoded, NotText> {
    let text = text.trim();
    let mut digits = String::with_capacity(text.len());
    for (at, c) in text.chars().enumerate() {
        match c {
            c if c.is_ascii_alphanumeric() || "+/-_=".contains(c) => digits.push(c),
            c if c.is_ascii_whitespace() => {}
            _ => return Err(NotText::Character(at)),
        }
    }
    if digits.is_empty() {
        return Err(NotText::Empty);
    }
    let spaced = digits.len() < text.len();
    let is_hex = digits.bytes().all(|byte| byte.is_ascii_hexdigit());
    if is_hex && digits.len().is_multiple_of(2) {
        return Ok(Decoded {
            bytes: digits.as_bytes().chunks(2).map(pair).collect(),
            alphabet: Alphabet::Hex,
            padded: false,
            spaced,
            canonical: true,
        });
    }
    let is_url = digits.contains(['-', '_']);
    if is_url && digits.contains(['+', '/']) {
        return Err(NotText::Mixed);
    }
    let (alphabet, engine) = match is_url {
        true => (Alphabet::Base64Url, URL_SAFE),
        false => (Alphabet::Base64, STANDARD),
    };
    let bytes = engine.decode(&digits).map_err(|_| NotText::Length)?;
    let again = engine.encode(&bytes);
    Ok(Decoded {
        canonical: again.trim_end_matches('=') == digits.trim_end_matches('='),
        bytes,
        alphabet,
        padded: digits.ends_with('='),
        spaced,
    })
}

/// The byte of two hexadecimal digits.
fn pair(digits: &[u8]) -> u8 {
    let value = |digit: &u8| char::from(*digit).to_digit(16).unwrap_or_default() as u8;
    digits.iter().fold(0, |sum, digit| sum << 4 | value(digit))
}

impl Decoded {
    /// How the text was written, in words.
    pub fn describe(&self) -> String {
        let alphabet = match self.alphabet {
            Alphabet::Base64 => "base64",
            Alphabet::Base64Url => "base64url",
            Alphabet::Hex => "hexadecimal",
        };
        let padding = match (self.alphabet, self.padded, self.bytes.len() % 3) {
            (Alphabet::Hex, ..) | (_, false, 0) => "",
            (_, true, _) => " with padding",
            (_, false, _) => " without padding",
        };
        let spaces = if self.spaced {
            ", with white space inside"
        } else {
            ""
        };
        format!("{alphabet}{padding}{spaces}")
    }

    /// Whether base64 and base64url write these bytes with the same characters.
    pub fn is_plain(&self) -> bool {
        let text = STANDARD.encode(&self.bytes);
        self.alphabet != Alphabet::Hex && !text.contains(['+', '/'])
    }

    /// Whether this is what the joined formats demand: standard base64 with
    /// its padding, on one line.
    pub fn is_standard(&self) -> bool {
        let is_whole = self.padded || self.bytes.len().is_multiple_of(3);
        self.alphabet == Alphabet::Base64 && is_whole && !self.spaced
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_are_read_from_every_way_to_write_them() {
        let bytes = [0xfb, 0xef, 0xff, 0x10];
        let table = [
            ("++//EA==", Alphabet::Base64, true, false),
            ("++//EA", Alphabet::Base64, false, false),
            ("--__EA", Alphabet::Base64Url, false, false),
            ("--__EA==", Alphabet::Base64Url, true, false),
            ("++\n//\r\nEA==\n", Alphabet::Base64, true, true),
            ("fbefff10", Alphabet::Hex, false, false),
            ("FB ef FF 10", Alphabet::Hex, false, true),
        ];
        for (text, alphabet, padded, spaced) in table {
            let decoded = Decoded {
                bytes: bytes.to_vec(),
                alphabet,
                padded,
                spaced,
                canonical: true,
            };
            assert_eq!(decode(text).as_ref(), Ok(&decoded), "{text}");
            assert_eq!(decoded.is_standard(), text == "++//EA==", "{text}");
        }
        assert!(
            decode("AAEX").unwrap().is_standard(),
            "no padding is needed"
        );
    }

    #[test]
    fn bits_behind_the_last_byte_are_seen() {
        for (text, canonical) in [
            ("AA==", true),
            ("AB==", false),
            ("AAB=", false),
            ("AAE", true),
        ] {
            assert_eq!(decode(text).unwrap().canonical, canonical, "{text}");
        }
    }

    #[test]
    fn what_is_none_of_them_says_why() {
        let table = [
            (" \n", NotText::Empty),
            ("AB?D", NotText::Character(2)),
            ("+_AA", NotText::Mixed),
            ("AAAAA", NotText::Length),
            ("AA=A", NotText::Length),
        ];
        for (text, error) in table {
            assert_eq!(decode(text), Err(error), "{text:?}");
        }
    }
}

//! How a value is read: its type, its range, its canonical text.
//!
//! Canonical text is what enters the signed bytes: plain decimal digits,
//! `true` or `false`, lower-case UUIDs, text as it is, JSON without white
//! space. Pure functions of text; this file must not know rows or columns.

use super::problem::{Code, Fault};
use crate::damage::Wanted;
use crate::json::{self, Shape};

/// The unit of a time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unit {
    /// Milliseconds since 1970-01-01T00:00:00Z.
    Milliseconds,
    /// Seconds since 1970-01-01T00:00:00Z.
    Seconds,
}

impl Unit {
    /// The least and the greatest value that is believed: a guard against
    /// the other unit, which is a thousand times off.
    pub const fn range(self) -> (u64, u64) {
        match self {
            Self::Milliseconds => (1_000_000_000_000, 99_999_999_999_999),
            Self::Seconds => (1_000_000_000, 99_999_999_999),
        }
    }

    /// How many milliseconds one unit has.
    pub const fn in_millis(self) -> u64 {
        match self {
            Self::Milliseconds => 1,
            Self::Seconds => 1000,
        }
    }

    /// `ms` or `s`.
    pub const fn symbol(self) -> &'static str {
        match self {
            Self::Milliseconds => "ms",
            Self::Seconds => "s",
        }
    }
}

/// The type of a field.
#[derive(Clone, Copy, Debug)]
pub enum Kind {
    /// `true` or `false`.
    Boolean,
    /// An unsigned integer within bounds, both included.
    Integer {
        /// The least value.
        min: u64,
        /// The greatest value.
        max: u64,
    },
    /// A JSON object or array that passes a check of the format's own.
    Json {
        /// `Shape::Object` or `Shape::Array`.
        shape: Shape,
        /// The check, on a valid text of that shape.
        check: fn(&str) -> Result<(), Fault>,
    },
    /// One of a few strings.
    OneOf(&'static [&'static str]),
    /// Text of a certain form.
    Pattern {
        /// The form as a regular expression, for the schema.
        regex: &'static str,
        /// The form in words.
        wanted: &'static str,
        /// The check.
        check: fn(&str) -> Result<(), Fault>,
    },
    /// Any text without control characters.
    Text,
    /// A time as an integer.
    Time(Unit),
    /// A UUID; capitals are lowered.
    Uuid,
}

impl Kind {
    /// The shape of the value in JSON output.
    pub fn shape(&self) -> Shape {
        match self {
            Self::Boolean => Shape::Boolean,
            Self::Integer { .. } | Self::Time(_) => Shape::Number,
            Self::Json { shape, .. } => *shape,
            Self::OneOf(_) | Self::Pattern { .. } | Self::Text | Self::Uuid => Shape::String,
        }
    }

    /// What the field accepts, in words.
    pub fn wanted(&self) -> String {
        match self {
            Self::Boolean => "true or false".into(),
            Self::Integer {
                min: 0,
                max: u64::MAX,
            } => "an integer from 0 on, in plain digits".into(),
            Self::Integer { min, max: u64::MAX } => {
                format!("an integer from {min} on, in plain digits")
            }
            Self::Integer { min, max } => {
                format!("an integer from {min} to {max}, in plain digits")
            }
            Self::Json { shape, .. } => format!("{} in JSON", shape.name()),
            Self::OneOf(all) => format!("one of {}", all.join(", ")),
            Self::Pattern { wanted, .. } => (*wanted).into(),
            Self::Text => "text without control characters".into(),
            Self::Time(Unit::Milliseconds) => "milliseconds since 1970, 13 or 14 digits".into(),
            Self::Time(Unit::Seconds) => "seconds since 1970, 10 or 11 digits".into(),
            Self::Uuid => "a UUID, 8-4-4-4-12 hexadecimal digits".into(),
        }
    }

    /// What a damaged value of it should have been.
    pub fn undamaged(&self) -> Wanted {
        match self {
            Self::Boolean => Wanted::Boolean,
            Self::Integer { .. } => Wanted::Integer,
            Self::Time(unit) => Wanted::Time(unit.symbol()),
            Self::Uuid => Wanted::Uuid,
            Self::Json { .. } | Self::OneOf(_) | Self::Pattern { .. } | Self::Text => Wanted::Text,
        }
    }

    /// Checks `text` and appends its canonical form to `out`, which is left
    /// as it was when the text is refused.
    ///
    /// # Errors
    /// The first thing found wrong with the text, and what has likely done it.
    #[inline]
    pub fn read(&self, text: &str, out: &mut Vec<u8>) -> Result<(), Fault> {
        let read = self.read_sound(text, out);
        read.map_err(|fault| fault.recognized(text, self.undamaged()))
    }

    fn read_sound(&self, text: &str, out: &mut Vec<u8>) -> Result<(), Fault> {
        match self {
            Self::Boolean => boolean(text, out),
            Self::Integer { min, max } => {
                integer(text, *min, *max, || self.wanted())?;
                out.extend_from_slice(text.as_bytes());
                Ok(())
            }
            Self::Json { shape, check } => {
                let seen = match shape {
                    Shape::Array => json::array(text).map(drop),
                    _ => json::object(text).map(drop),
                };
                seen.and_then(|()| json::check_strings(text))
                    .map_err(|fault| self.json_fault(&fault))?;
                check(text)?;
                json::write_compact(text, out);
                Ok(())
            }
            Self::OneOf(all) => {
                if !all.contains(&text) {
                    return Err(Fault::new(Code::NotOneOf, self.wanted()));
                }
                out.extend_from_slice(text.as_bytes());
                Ok(())
            }
            Self::Pattern { check, .. } => {
                plain(text)?;
                check(text)?;
                out.extend_from_slice(text.as_bytes());
                Ok(())
            }
            Self::Text => {
                plain(text)?;
                out.extend_from_slice(text.as_bytes());
                Ok(())
            }
            Self::Time(unit) => {
                time(text, *unit, || self.wanted())?;
                out.extend_from_slice(text.as_bytes());
                Ok(())
            }
            Self::Uuid => uuid(text, out),
        }
    }

    fn json_fault(&self, fault: &json::Fault) -> Fault {
        let code = match fault {
            json::Fault::Duplicate(_) => Code::DuplicateField,
            json::Fault::Invalid(_) => Code::BadJson,
            json::Fault::Shape(_) => Code::WrongType,
            json::Fault::TooDeep => Code::TooDeep,
        };
        Fault::new(code, self.wanted()).hint(fault.to_string())
    }
}

/// Refuses control characters and U+2063. With the separator inside a value,
/// two different rows could have one signed string.
fn plain(text: &str) -> Result<(), Fault> {
    if is_visible(text.as_bytes()) {
        return Ok(());
    }
    for (at, c) in text.chars().enumerate() {
        if c == '\u{2063}' {
            return Err(Fault::new(Code::Separator, "text without U+2063")
                .hint("remove the invisible separator; it divides the signed values"));
        }
        if c.is_control() {
            return Err(
                Fault::new(Code::ControlCharacter, "text without control characters")
                    .hint(format!("character {} is U+{:04X}", at + 1, u32::from(c))),
            );
        }
    }
    Ok(())
}

/// Whether all bytes are ASCII without control characters, eight at a time.
fn is_visible(bytes: &[u8]) -> bool {
    const EACH: u64 = u64::from_le_bytes([1; 8]);
    let is_other = |word: u64| {
        let low = word.wrapping_sub(0x20 * EACH);
        let high = word.wrapping_add(EACH) | word;
        (low & !word | high) & (0x80 * EACH) != 0
    };
    match bytes.last_chunk() {
        None => bytes.iter().all(|b| (0x20..0x7f).contains(b)),
        // The last eight bytes may be looked at twice.
        Some(last) => {
            let (chunks, _) = bytes.as_chunks();
            let mut words = chunks.iter().chain([last]);
            !words.any(|chunk| is_other(u64::from_le_bytes(*chunk)))
        }
    }
}

fn boolean(text: &str, out: &mut Vec<u8>) -> Result<(), Fault> {
    for value in ["true", "false"] {
        if text.eq_ignore_ascii_case(value) {
            out.extend_from_slice(value.as_bytes());
            return Ok(());
        }
    }
    Err(Fault::new(Code::NotBoolean, "true or false"))
}

/// Plain decimal digits, no sign, no leading zero, no exponent.
fn integer(text: &str, min: u64, max: u64, wanted: impl Fn() -> String) -> Result<u64, Fault> {
    let bytes = text.as_bytes();
    // Up to 19 digits fit, so most integers are told in one pass.
    if (1..20).contains(&bytes.len()) {
        let (mut value, mut is_digits) = (0_u64, bytes[0] != b'0' || bytes.len() == 1);
        for byte in bytes {
            let digit = byte.wrapping_sub(b'0');
            is_digits &= digit < 10;
            value = value.wrapping_mul(10).wrapping_add(u64::from(digit));
        }
        if is_digits && (min..=max).contains(&value) {
            return Ok(value);
        }
    }
    if bytes.is_empty() || !bytes.iter().all(u8::is_ascii_digit) {
        return Err(not_integer(text, wanted()));
    }
    if bytes[0] == b'0' && bytes.len() > 1 {
        return Err(Fault::new(Code::LeadingZero, wanted()));
    }
    match text.parse::<u64>() {
        Ok(value) if (min..=max).contains(&value) => Ok(value),
        _ => Err(Fault::new(Code::OutOfRange, wanted())),
    }
}

fn time(text: &str, unit: Unit, wanted: impl Fn() -> String) -> Result<(), Fault> {
    let value = integer(text, 0, u64::MAX, &wanted)?;
    let (min, max) = unit.range();
    if (min..=max).contains(&value) {
        return Ok(());
    }
    let (other_min, other_max) = match unit {
        Unit::Milliseconds => Unit::Seconds.range(),
        Unit::Seconds => Unit::Milliseconds.range(),
    };
    if (other_min..=other_max).contains(&value) {
        let hint = match unit {
            Unit::Milliseconds => "this looks like seconds; multiply by 1000",
            Unit::Seconds => "this looks like milliseconds; divide by 1000",
        };
        return Err(Fault::new(Code::WrongUnit, wanted()).hint(hint));
    }
    Err(Fault::new(Code::OutOfRange, wanted()))
}

/// Which form it has instead; whose doing that is, is looked at elsewhere.
fn not_integer(text: &str, wanted: String) -> Fault {
    let is_number = |digits: &str| {
        let mut parts = digits.splitn(2, '.');
        parts.all(|p| !p.is_empty() && p.bytes().all(|b| b.is_ascii_digit()))
    };
    if let Some((mantissa, exponent)) = text.split_once(['e', 'E']) {
        let exponent = exponent.strip_prefix(['+', '-']).unwrap_or(exponent);
        if is_number(mantissa) && is_number(exponent) {
            return Fault::new(Code::ExponentForm, wanted);
        }
    }
    if text.contains('.') && is_number(text) {
        return Fault::new(Code::DecimalForm, wanted);
    }
    if !text.is_empty() && text.chars().all(char::is_numeric) {
        return Fault::new(Code::NotInteger, wanted).hint("only the digits 0 to 9 are read");
    }
    if text.starts_with(['+', '-']) {
        return Fault::new(Code::NotInteger, wanted).hint("no sign");
    }
    Fault::new(Code::NotInteger, wanted)
}

/// A UUID with its dashes, in either case; written in lower case, because
/// Apple's own signatures fail with capitals in the signed text.
fn uuid(text: &str, out: &mut Vec<u8>) -> Result<(), Fault> {
    let is_uuid = text.len() == 36
        && text.bytes().enumerate().all(|(at, byte)| match at {
            8 | 13 | 18 | 23 => byte == b'-',
            _ => byte.is_ascii_hexdigit(),
        });
    if !is_uuid {
        return Err(Fault::new(
            Code::NotUuid,
            "a UUID, 8-4-4-4-12 hexadecimal digits",
        ));
    }
    out.extend(text.bytes().map(|b| b.to_ascii_lowercase()));
    Ok(())
}

//! JSON as text: members in their order, names unique, tokens untouched.
//!
//! A number is never turned into a float on its way through, so
//! 18446744073709551615 stays what it is, and a member that is only passed
//! on keeps its own spelling. Depth is bounded before anything is parsed.
//! Every module may use this one; it must not know what a member means.

use std::borrow::Cow;
use std::fmt;

use memchr::memchr;
use serde::de::{Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;

/// How deep arrays and objects may stand in one another.
pub const MAX_DEPTH: usize = 64;

/// What a JSON value is, told by its first character.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shape {
    /// `[…]`
    Array,
    /// `true` or `false`
    Boolean,
    /// `null`
    Null,
    /// A number.
    Number,
    /// `{…}`
    Object,
    /// `"…"`
    String,
}

impl Shape {
    /// The shape of a valid token; leading white space has been removed.
    pub fn of(token: &str) -> Self {
        match token.as_bytes().first() {
            Some(b'[') => Self::Array,
            Some(b't' | b'f') => Self::Boolean,
            Some(b'n') => Self::Null,
            Some(b'{') => Self::Object,
            Some(b'"') => Self::String,
            _ => Self::Number,
        }
    }

    /// The name a message uses, with its article.
    pub fn name(self) -> &'static str {
        match self {
            Self::Array => "an array",
            Self::Boolean => "a boolean",
            Self::Null => "null",
            Self::Number => "a number",
            Self::Object => "an object",
            Self::String => "a string",
        }
    }
}

/// Why a text is not the JSON that was wanted.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    /// One name stands twice in an object.
    #[error("the member {0:?} stands twice")]
    Duplicate(String),
    /// Not JSON at all; the parser's own words, with line and column.
    #[error("{0}")]
    Invalid(String),
    /// Valid JSON, but of another shape.
    #[error("it is {}", .0.name())]
    Shape(Shape),
    /// Arrays and objects stand in one another more than [`MAX_DEPTH`] deep.
    #[error("more than {MAX_DEPTH} levels of nesting")]
    TooDeep,
}

/// One member: its name, unescaped, and its value's text.
pub type Member<'a> = (Cow<'a, str>, &'a str);

/// The members of an object, in their order.
///
/// # Errors
/// When `text` is not one JSON object, is nested too deep, or has a name twice.
pub fn object(text: &str) -> Result<Vec<Member<'_>>, Fault> {
    check_depth(text)?;
    let trimmed = text.trim_ascii_start();
    if !trimmed.starts_with('{') {
        // An invalid text is reported as such, a valid one by its shape.
        let _: &RawValue = serde_json::from_str(text).map_err(invalid)?;
        return Err(Fault::Shape(Shape::of(trimmed)));
    }
    let mut parser = serde_json::Deserializer::from_str(text);
    let members = parser.deserialize_map(Members).map_err(invalid)?;
    parser.end().map_err(invalid)?;
    match duplicate(&members) {
        Some(name) => Err(Fault::Duplicate(name.to_owned())),
        None => Ok(members),
    }
}

/// The elements of an array, in their order.
///
/// # Errors
/// When `text` is not one JSON array or is nested too deep.
pub fn array(text: &str) -> Result<Vec<&str>, Fault> {
    check_depth(text)?;
    let trimmed = text.trim_ascii_start();
    if !trimmed.starts_with('[') {
        let _: &RawValue = serde_json::from_str(text).map_err(invalid)?;
        return Err(Fault::Shape(Shape::of(trimmed)));
    }
    let mut parser = serde_json::Deserializer::from_str(text);
    let elements = parser.deserialize_seq(Elements).map_err(invalid)?;
    parser.end().map_err(invalid)?;
    Ok(elements)
}

/// Whether a text is one JSON value, not nested too deep.
pub fn is_value(text: &str) -> bool {
    check_depth(text).is_ok() && serde_json::from_str::<&RawValue>(text).is_ok()
}

/// The text of a JSON string.
///
/// # Errors
/// When the token is no valid JSON string, for example a lone surrogate.
pub fn string(token: &str) -> Result<Cow<'_, str>, Fault> {
    let inner = token
        .strip_prefix('"')
        .and_then(|rest| rest.strip_suffix('"'));
    match inner {
        // No escape and no control character: the text stands there as it is.
        Some(plain) if plain.bytes().all(|b| b >= 0x20 && b != b'\\' && b != b'"') => {
            Ok(Cow::Borrowed(plain))
        }
        _ => serde_json::from_str::<String>(token)
            .map(Cow::Owned)
            .map_err(invalid),
    }
}

/// Checks that every string inside a valid token has a text: the parser lets
/// the escape of half a surrogate pair through in values that are only passed
/// on, but nobody could read such a value back.
///
/// # Errors
/// [`Fault::Invalid`] where one has none.
pub fn check_strings(token: &str) -> Result<(), Fault> {
    let unit = |at: usize| {
        let digits = token.get(at..at + 6)?.strip_prefix("\\u")?;
        u16::from_str_radix(digits, 16).ok()
    };
    let mut at = 0;
    // In valid JSON a backslash stands in strings only.
    while let Some(found) = token.as_bytes().get(at..).and_then(|t| memchr(b'\\', t)) {
        at += found;
        at += match (unit(at), unit(at + 6)) {
            (Some(0xd800..=0xdbff), Some(0xdc00..=0xdfff)) => 12,
            (Some(0xd800..=0xdfff), _) => {
                return Err(Fault::Invalid("half a surrogate pair in a string".into()));
            }
            _ => 2,
        };
    }
    Ok(())
}

/// Appends `text` as a JSON string, quotes included.
pub fn write_string(text: &str, out: &mut Vec<u8>) {
    out.push(b'"');
    write_escaped(text.as_bytes(), out);
    out.push(b'"');
}

/// Appends text, which is UTF-8, as the inside of a JSON string: only what
/// JSON demands is escaped, everything else stays as it is.
pub fn write_escaped(bytes: &[u8], out: &mut Vec<u8>) {
    const HEX: &[u8; 16] = b"0123456789abcdef";
    // Most text has nothing to escape and is copied in one piece.
    if is_plain(bytes) {
        out.extend_from_slice(bytes);
        return;
    }
    let mut plain = 0;
    for (at, &byte) in bytes.iter().enumerate() {
        let short = match byte {
            b'"' => b'"',
            b'\\' => b'\\',
            b'\n' => b'n',
            b'\r' => b'r',
            b'\t' => b't',
            0..0x20 => b'u',
            _ => continue,
        };
        out.extend_from_slice(&bytes[plain..at]);
        out.extend_from_slice(&[b'\\', short]);
        if short == b'u' {
            let (high, low) = (usize::from(byte >> 4), usize::from(byte & 15));
            out.extend_from_slice(&[b'0', b'0', HEX[high], HEX[low]]);
        }
        plain = at + 1;
    }
    out.extend_from_slice(&bytes[plain..]);
}

/// Whether nothing in this text is to be escaped inside a JSON string, told
/// eight bytes at a time.
pub fn is_plain(bytes: &[u8]) -> bool {
    const EACH: u64 = u64::from_le_bytes([1; 8]);
    // Of any byte that is less than a number up to 0x80.
    let any_less = |word: u64, than: u64| word.wrapping_sub(than * EACH) & !word & (0x80 * EACH);
    let is_escaped = |word: u64| {
        let quote = any_less(word ^ (u64::from(b'"') * EACH), 1);
        let backslash = any_less(word ^ (u64::from(b'\\') * EACH), 1);
        (any_less(word, 0x20) | quote | backslash) != 0
    };
    match bytes.last_chunk() {
        None => !bytes.iter().any(|b| *b < 0x20 || matches!(b, b'"' | b'\\')),
        // The last eight bytes may be looked at twice.
        Some(last) => {
            let (chunks, _) = bytes.as_chunks();
            let mut words = chunks.iter().chain([last]);
            !words.any(|chunk| is_escaped(u64::from_le_bytes(*chunk)))
        }
    }
}

/// Appends a valid JSON text without the white space between its tokens.
pub fn write_compact(text: &str, out: &mut Vec<u8>) {
    let mut in_string = false;
    let mut escaped = false;
    for &byte in text.as_bytes() {
        if in_string {
            in_string = escaped || byte != b'"';
            escaped = !escaped && byte == b'\\';
        } else if matches!(byte, b' ' | b'\t' | b'\n' | b'\r') {
            continue;
        } else {
            in_string = byte == b'"';
        }
        out.push(byte);
    }
}

/// Whether two valid JSON texts say the same: objects by name, strings by
/// their characters, numbers by their digits as written.
pub fn same(a: &str, b: &str) -> bool {
    let (a, b) = (a.trim_ascii(), b.trim_ascii());
    if a == b {
        return true;
    }
    match (Shape::of(a), Shape::of(b)) {
        (Shape::String, Shape::String) => match (string(a), string(b)) {
            (Ok(a), Ok(b)) => a == b,
            _ => false,
        },
        (Shape::Array, Shape::Array) => match (array(a), array(b)) {
            (Ok(a), Ok(b)) => a.len() == b.len() && a.iter().zip(&b).all(|(a, b)| same(a, b)),
            _ => false,
        },
        (Shape::Object, Shape::Object) => match (object(a), object(b)) {
            (Ok(mut a), Ok(mut b)) => {
                // Names are unique, so sorting pairs them; looking each one up
                // would take the square of a wide object.
                a.sort_unstable();
                b.sort_unstable();
                let pairs = || a.iter().zip(&b);
                a.len() == b.len()
                    && pairs().all(|((name, _), (other, _))| name == other)
                    && pairs().all(|((_, value), (_, theirs))| same(value, theirs))
            }
            _ => false,
        },
        _ => false,
    }
}

/// Refuses a text whose brackets stand too deep, in one pass and without
/// recursion, so that nothing behind this has to fear for its stack.
fn check_depth(text: &str) -> Result<(), Fault> {
    let (mut depth, mut in_string, mut escaped) = (0_usize, false, false);
    for &byte in text.as_bytes() {
        if in_string {
            in_string = escaped || byte != b'"';
            escaped = !escaped && byte == b'\\';
            continue;
        }
        match byte {
            b'"' => in_string = true,
            b'[' | b'{' => {
                depth += 1;
                if depth > MAX_DEPTH {
                    return Err(Fault::TooDeep);
                }
            }
            b']' | b'}' => depth = depth.saturating_sub(1),
            _ => {}
        }
    }
    Ok(())
}

/// The first name that stands twice. Rows are short, so comparing pairs is
/// cheaper than a set; a wide object is sorted instead.
fn duplicate<'m>(members: &'m [Member<'_>]) -> Option<&'m str> {
    if members.len() <= 32 {
        return members
            .iter()
            .enumerate()
            .find(|(at, (name, _))| members[..*at].iter().any(|(other, _)| other == name))
            .map(|(_, (name, _))| name.as_ref());
    }
    let mut names: Vec<&str> = members.iter().map(|(name, _)| name.as_ref()).collect();
    names.sort_unstable();
    names.windows(2).find(|w| w[0] == w[1]).map(|w| w[0])
}

fn invalid(error: serde_json::Error) -> Fault {
    Fault::Invalid(error.to_string())
}

struct Members;

impl<'de> Visitor<'de> for Members {
    type Value = Vec<Member<'de>>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut members = Vec::with_capacity(12);
        while let Some((Name(name), value)) = map.next_entry::<Name<'de>, &'de RawValue>()? {
            members.push((name, value.get()));
        }
        Ok(members)
    }
}

struct Elements;

impl<'de> Visitor<'de> for Elements {
    type Value = Vec<&'de str>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an array")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Self::Value, A::Error> {
        let mut elements = Vec::new();
        while let Some(value) = seq.next_element::<&'de RawValue>()? {
            elements.push(value.get());
        }
        Ok(elements)
    }
}

/// A member's name, borrowed where nothing in it is escaped; serde's own
/// `Cow` always copies.
#[derive(serde::Deserialize)]
struct Name<'a>(#[serde(borrow)] Cow<'a, str>);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn integers_keep_every_digit() {
        let members = object(r#"{"a": 18446744073709551615, "b":1e3 }"#).unwrap();
        assert_eq!(members[0].1, "18446744073709551615");
        assert_eq!(members[1].1, "1e3");
    }

    #[test]
    fn names_are_unescaped_and_must_be_unique() {
        assert_eq!(object(r#"{"\u0061":1}"#).unwrap()[0].0, "a");
        assert_eq!(
            object(r#"{"a":1,"\u0061":2}"#),
            Err(Fault::Duplicate("a".into()))
        );
        let wide = (0..40)
            .map(|i| format!("\"k{}\":1", i % 39))
            .collect::<Vec<_>>()
            .join(",");
        assert_eq!(
            object(&format!("{{{wide}}}")),
            Err(Fault::Duplicate("k0".into()))
        );
    }

    #[test]
    fn depth_is_bounded_and_brackets_in_strings_do_not_count() {
        let deep = format!("{{\"a\":{}{}}}", "[".repeat(200_000), "]".repeat(200_000));
        assert_eq!(object(&deep), Err(Fault::TooDeep));
        assert!(object(&format!("{{\"a\":\"{}\\\"[\"}}", "[".repeat(200_000))).is_ok());
    }

    #[test]
    fn other_shapes_are_named() {
        assert_eq!(object("[1]"), Err(Fault::Shape(Shape::Array)));
        assert_eq!(object(" null "), Err(Fault::Shape(Shape::Null)));
        assert!(matches!(object("{\"a\":1} x"), Err(Fault::Invalid(_))));
        assert!(matches!(object("{\"a\":1"), Err(Fault::Invalid(_))));
        assert!(matches!(object(""), Err(Fault::Invalid(_))));
    }

    #[test]
    fn compact_text_keeps_strings_and_says_the_same() {
        let text = "{ \"a b\" : [ 1 , \"x \\\" y\" ] ,\n \"c\" : { } }";
        let mut out = Vec::new();
        write_compact(text, &mut out);
        let compact = String::from_utf8(out).unwrap();
        assert_eq!(compact, r#"{"a b":[1,"x \" y"],"c":{}}"#);
        assert!(same(text, &compact));
        assert!(same(r#"{"a":1,"b":"\u0041"}"#, r#"{"b":"A","a":1}"#));
        assert!(!same("{\"a\":1}", "{\"a\":1.0}"));
        assert!(!same("{\"a\":1}", "{\"a\":\"1\"}"));
    }

    #[test]
    fn what_must_be_escaped_is_found_at_every_place() {
        for length in 0..20 {
            for at in 0..length {
                for byte in 0..=255 {
                    for other in [b'a', 0xff, b'!', b']', 0x20] {
                        let mut bytes = vec![other; length];
                        bytes[at] = byte;
                        let escaped = byte < 0x20 || byte == b'"' || byte == b'\\';
                        assert_eq!(is_plain(&bytes), !escaped, "{bytes:?}");
                    }
                }
            }
            assert!(is_plain(&vec![b'a'; length]));
        }
    }

    #[test]
    fn strings_survive_the_way_out_and_back() {
        let text = "quote \" slash \\ tab \t bell \u{7} snow ☃ \u{2028}";
        let mut out = Vec::new();
        write_string(text, &mut out);
        assert_eq!(string(std::str::from_utf8(&out).unwrap()).unwrap(), text);
        assert!(string(r#""\ud800""#).is_err());
    }
}

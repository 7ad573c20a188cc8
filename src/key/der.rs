//! The little of DER that telling keys apart needs: tag, length, content.
//!
//! It must not know what a key is; it never copies and never panics.

/// INTEGER.
pub(super) const INTEGER: u8 = 0x02;
/// BIT STRING.
pub(super) const BIT_STRING: u8 = 0x03;
/// OCTET STRING.
pub(super) const OCTET_STRING: u8 = 0x04;
/// OBJECT IDENTIFIER.
pub(super) const OID: u8 = 0x06;
/// SEQUENCE.
pub(super) const SEQUENCE: u8 = 0x30;
/// Context tag 0, constructed.
pub(super) const CONTEXT_0: u8 = 0xa0;
/// Context tag 1, constructed.
pub(super) const CONTEXT_1: u8 = 0xa1;
/// Context tag 1, primitive.
pub(super) const CONTEXT_1_PRIMITIVE: u8 = 0x81;

/// The elements of one level that are still to be read.
#[derive(Clone, Copy)]
pub(super) struct Elements<'a>(&'a [u8]);

impl<'a> Elements<'a> {
    /// The elements of `content`.
    pub(super) fn of(content: &'a [u8]) -> Self {
        Self(content)
    }

    /// Whether nothing is left.
    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The bytes that are still to be read.
    pub(super) fn rest(&self) -> &'a [u8] {
        self.0
    }

    /// The next element, or nothing at the end or where the bytes are no DER.
    pub(super) fn next(&mut self) -> Option<(u8, &'a [u8])> {
        let (&tag, rest) = self.0.split_first()?;
        if tag & 0x1f == 0x1f {
            return None; // a tag of several bytes stands in no key
        }
        let (&first, rest) = rest.split_first()?;
        let (length, rest) = if first < 0x80 {
            (usize::from(first), rest)
        } else {
            let count = usize::from(first & 0x7f);
            if !(1..=3).contains(&count) {
                return None; // indefinite, or more than 16 MiB
            }
            let (digits, rest) = rest.split_at_checked(count)?;
            let length = digits
                .iter()
                .fold(0, |sum, &digit| sum << 8 | usize::from(digit));
            (length, rest)
        };
        let (content, rest) = rest.split_at_checked(length)?;
        self.0 = rest;
        Some((tag, content))
    }

    /// The content of the next element, if it has this tag. Nothing is
    /// consumed if it has not.
    pub(super) fn take(&mut self, wanted: u8) -> Option<&'a [u8]> {
        let mut ahead = *self;
        match ahead.next() {
            Some((tag, content)) if tag == wanted => {
                *self = ahead;
                Some(content)
            }
            _ => None,
        }
    }

    /// The tags of all elements that are left, or nothing if one is broken.
    pub(super) fn tags(mut self) -> Option<Vec<u8>> {
        let mut tags = Vec::new();
        while !self.is_empty() {
            tags.push(self.next()?.0);
        }
        Some(tags)
    }
}

/// The content of the one SEQUENCE that the bytes are, whole and alone.
pub(super) fn sequence(bytes: &[u8]) -> Option<&[u8]> {
    let mut elements = Elements::of(bytes);
    let content = elements.take(SEQUENCE)?;
    elements.is_empty().then_some(content)
}

/// The bytes of a BIT STRING that is a whole number of bytes.
pub(super) fn whole_bytes(bit_string: &[u8]) -> Option<&[u8]> {
    match bit_string.split_first() {
        Some((0, bytes)) => Some(bytes),
        _ => None,
    }
}

/// An object identifier in dotted notation.
pub(super) fn dotted(oid: &[u8]) -> String {
    let mut text = String::new();
    let mut arc: u64 = 0;
    for &byte in oid {
        let Some(shifted) = arc.checked_mul(128) else {
            return "unreadable".to_owned();
        };
        arc = shifted | u64::from(byte & 0x7f);
        if byte & 0x80 != 0 {
            continue;
        }
        if text.is_empty() {
            let top = (arc / 40).min(2);
            text = format!("{top}.{}", arc - top * 40);
        } else {
            text = format!("{text}.{arc}");
        }
        arc = 0;
    }
    if text.is_empty() || oid.last().is_some_and(|last| last & 0x80 != 0) {
        return "unreadable".to_owned();
    }
    text
}

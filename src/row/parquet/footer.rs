//! A look at a Parquet file's own description before it is believed: columns
//! within columns within columns, deeper than anybody nests them, would take
//! more stack than there is. It must not know anything else of the file.
//!
//! The description is a struct in Thrift's compact protocol; its second member
//! is a list of all columns, each with the number of those it holds, in the
//! order in which one meets them.

/// How deep columns may be nested.
const DEEPEST: usize = 64;
/// How deep what is passed over may be nested.
const SKIPPED: usize = 32;

/// The types of members, as far as they are told apart.
const BYTE: u8 = 3;
const DOUBLE: u8 = 7;
const BINARY: u8 = 8;
const STRUCT: u8 = 12;

/// Whether columns are nested deeper than they may be; `None` where this is no
/// description.
pub(super) fn is_too_deep(footer: &[u8]) -> Option<bool> {
    let mut bytes = Bytes(footer);
    let mut member = 0;
    loop {
        let kind = bytes.member(&mut member)?;
        match (member, kind) {
            (_, 0) => return None,
            (2, 9) => return bytes.is_too_deep(),
            _ => bytes.skip(kind, SKIPPED)?,
        }
    }
}

struct Bytes<'b>(&'b [u8]);

impl Bytes<'_> {
    fn byte(&mut self) -> Option<u8> {
        let (first, rest) = self.0.split_first()?;
        self.0 = rest;
        Some(*first)
    }

    fn number(&mut self) -> Option<u64> {
        let mut number = 0;
        for shift in (0..64).step_by(7) {
            let byte = self.byte()?;
            number |= u64::from(byte & 0x7f) << shift;
            if byte & 0x80 == 0 {
                return Some(number);
            }
        }
        None
    }

    fn pass(&mut self, count: u64) -> Option<()> {
        self.0 = self.0.get(usize::try_from(count).ok()?..)?;
        Some(())
    }

    /// The type of the next member, 0 after the last; and which one it is.
    fn member(&mut self, member: &mut u64) -> Option<u8> {
        let byte = self.byte()?;
        if byte == 0 {
            return Some(0);
        }
        *member = match byte >> 4 {
            // Signs stand in the last bit; members have none.
            0 => self.number()? >> 1,
            step => *member + u64::from(step),
        };
        Some(byte & 0x0f)
    }

    /// The type of a list's elements, and how many there are.
    fn list(&mut self) -> Option<(u8, u64)> {
        let byte = self.byte()?;
        let count = match byte >> 4 {
            15 => self.number()?,
            count => u64::from(count),
        };
        Some((byte & 0x0f, count))
    }

    fn skip(&mut self, kind: u8, deepest: usize) -> Option<()> {
        let deeper = deepest.checked_sub(1)?;
        match kind {
            // A boolean is its own type.
            1 | 2 => Some(()),
            BYTE => self.pass(1),
            4..=6 => self.number().map(drop),
            DOUBLE => self.pass(8),
            BINARY => {
                let bytes = self.number()?;
                self.pass(bytes)
            }
            9 | 10 => {
                let (kind, count) = self.list()?;
                (0..count).try_for_each(|_| match kind {
                    1 | 2 => self.pass(1),
                    kind => self.skip(kind, deeper),
                })
            }
            STRUCT => {
                let mut member = 0;
                loop {
                    match self.member(&mut member)? {
                        0 => return Some(()),
                        kind => self.skip(kind, deeper)?,
                    }
                }
            }
            _ => None,
        }
    }

    /// Reads the list of columns.
    fn is_too_deep(&mut self) -> Option<bool> {
        let (STRUCT, count) = self.list()? else {
            return None;
        };
        // How many are still to come within each that one is in.
        let mut open: Vec<u64> = Vec::new();
        for _ in 0..count {
            let held = self.held()?;
            if let Some(left) = open.last_mut() {
                *left = left.saturating_sub(1);
            }
            if held > 0 {
                open.push(held);
            }
            while open.last() == Some(&0) {
                open.pop();
            }
            if open.len() > DEEPEST {
                return Some(true);
            }
        }
        Some(false)
    }

    /// How many columns the next one holds: its fifth member.
    fn held(&mut self) -> Option<u64> {
        let (mut member, mut held) = (0, 0);
        loop {
            match self.member(&mut member)? {
                0 => return Some(held),
                5 if member == 5 => held = self.number()? >> 1,
                kind => self.skip(kind, SKIPPED)?,
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A description whose columns each hold the next.
    fn nested(columns: usize) -> Vec<u8> {
        let mut footer = vec![0x15, 0x02, 0x19, 0xfc];
        let mut number = columns as u64;
        while number >= 0x80 {
            footer.push(number as u8 | 0x80);
            number >>= 7;
        }
        footer.push(number as u8);
        for _ in 1..columns {
            // A name of one letter, and one column within.
            footer.extend([0x48, 0x01, b'a', 0x15, 0x02, 0x00]);
        }
        // An integer.
        footer.extend([0x15, 0x02, 0x38, 0x01, b'a', 0x00]);
        footer
    }

    #[test]
    fn columns_may_be_nested_as_people_do_and_no_deeper() {
        for (columns, is_deep) in [
            (1, false),
            (10, false),
            (65, false),
            (67, true),
            (500_000, true),
        ] {
            assert_eq!(is_too_deep(&nested(columns)), Some(is_deep), "{columns}");
        }
    }

    #[test]
    fn columns_beside_each_other_are_not_deep() {
        let mut footer = vec![0x15, 0x02, 0x19, 0xfc, 0xc9, 0x01];
        footer.extend([0x48, 0x01, b'a', 0x15, 0x90, 0x03, 0x00]);
        footer.extend([0x15, 0x02, 0x38, 0x01, b'a', 0x00].repeat(200));
        assert_eq!(is_too_deep(&footer), Some(false));
    }

    #[test]
    fn what_ends_early_or_is_nothing_of_the_kind_is_told() {
        let whole = nested(5);
        for end in 0..whole.len() {
            assert_eq!(is_too_deep(&whole[..end]), None, "{end}");
        }
        for bytes in [&b"PAR1"[..], &[0xff; 40], &[0x19, 0xfc]] {
            assert_eq!(is_too_deep(bytes), None);
        }
    }
}

//! Names of partition folders as Hive and Spark write and read them:
//! `column=value`. Whatever the value, the name is one name of one folder. It
//! must not know which columns there are.

use std::fmt::Write;

use sha2::{Digest, Sha256};

use crate::hex::hex;

/// Stands for a value that is absent or empty.
pub const DEFAULT: &str = "__HIVE_DEFAULT_PARTITION__";

/// The longest name in bytes. File systems take 255 or a few less.
const LONGEST: usize = 200;

/// The longest name of a column in bytes, once it is escaped.
pub const LONGEST_COLUMN: usize = 100;

/// Stands before the digest that ends a shortened name. No other name has it:
/// `%` is followed by two digits everywhere else.
const SHORTENED: &str = "%~";

/// How many bytes of the digest end a shortened name.
const DIGEST: usize = 16;

/// Appends `column=value`. A name that would be longer than 200 bytes is cut
/// and ends with `%~` and the first 32 digits of the value's SHA-256.
pub fn write_partition(column: &str, value: Option<&str>, out: &mut String) {
    let start = out.len();
    escape(column, out);
    out.push('=');
    match value {
        None | Some("") => out.push_str(DEFAULT),
        // Text that only looks like an absent value is none.
        Some(DEFAULT) => {
            out.push_str("%5F");
            out.push_str(&DEFAULT[1..]);
        }
        Some(value) => {
            escape(value, out);
            if out.len() - start > LONGEST {
                let most = start + LONGEST - SHORTENED.len() - 2 * DIGEST;
                out.truncate(boundary(out, most));
                out.push_str(SHORTENED);
                out.push_str(&hex(&Sha256::digest(value)[..DIGEST]));
            }
        }
    }
}

/// How long a column's name is once it is escaped.
pub fn escaped_length(column: &str) -> usize {
    let mut out = String::new();
    escape(column, &mut out);
    out.len()
}

/// What Hive's `FileUtils.escapePathName` escapes and Spark's, and NUL.
fn escape(text: &str, out: &mut String) {
    for c in text.chars() {
        let is_special = c.is_control() || "\"#%'*/:=?\\{}[]^ <>|".contains(c);
        if is_special {
            // Control characters end at U+009F: two digits are enough. Writing
            // to a String cannot fail.
            let _ = write!(out, "%{:02X}", u32::from(c));
        } else {
            out.push(c);
        }
    }
}

/// The last place up to `most` that cuts neither a character nor an escape.
fn boundary(text: &str, most: usize) -> usize {
    let is_boundary = |at: &usize| text.is_char_boundary(*at);
    let at = (0..=most).rev().find(is_boundary).unwrap_or(0);
    match text[..at].rfind('%') {
        Some(escape) if escape + 3 > at => escape,
        _ => at,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(value: &str) -> String {
        let mut out = String::new();
        write_partition("c", Some(value), &mut out);
        out
    }

    /// What Hive and Spark read back.
    fn unescape(name: &str) -> String {
        let value = name.strip_prefix("c=").unwrap_or_default();
        let mut out = String::new();
        let mut rest = value;
        while let Some(at) = rest.find('%') {
            out.push_str(&rest[..at]);
            let code = u32::from_str_radix(&rest[at + 1..at + 3], 16);
            out.extend(code.ok().and_then(char::from_u32));
            rest = &rest[at + 3..];
        }
        out + rest
    }

    #[test]
    fn whatever_the_value_its_name_is_one_name_and_reads_back() {
        let values = [
            ("DE", "c=DE"),
            ("../../etc", "c=..%2F..%2Fetc"),
            (".", "c=."),
            ("..", "c=.."),
            ("a b", "c=a%20b"),
            ("100%", "c=100%25"),
            ("\0", "c=%00"),
            ("a\nb\u{7f}\u{85}", "c=a%0Ab%7F%85"),
            ("k=v", "c=k%3Dv"),
            ("C:\\x", "c=C%3A%5Cx"),
            ("日本", "c=日本"),
            (DEFAULT, "c=%5F_HIVE_DEFAULT_PARTITION__"),
        ];
        for (value, wanted) in values {
            assert_eq!(name(value), wanted);
            assert_eq!(unescape(wanted), value);
        }
        for absent in [None, Some("")] {
            let mut out = String::new();
            write_partition("a/b", absent, &mut out);
            assert_eq!(out, "a%2Fb=__HIVE_DEFAULT_PARTITION__");
        }
    }

    #[test]
    fn long_values_have_short_names_that_differ_where_the_values_do() {
        let mut seen = std::collections::BTreeSet::new();
        for fill in ["x", "/", "é", "日", "\u{1}"] {
            for length in 1..400 {
                let name = name(&fill.repeat(length));
                assert!(name.len() <= LONGEST, "{name}");
                assert!(!name.contains('/'), "{name}");
                // A cut escape would swallow what follows it.
                let escapes = name.split('%').skip(1);
                for escape in escapes {
                    let digits = escape.get(..2).unwrap_or_default();
                    let is_escape = u8::from_str_radix(digits, 16).is_ok();
                    assert!(is_escape || escape.starts_with('~'), "{name}");
                }
                assert!(seen.insert(name.clone()), "{name} stands for two values");
            }
        }
        let long = "x".repeat(300);
        // A value that is itself a shortened name is not taken for it.
        let pretender = name(&long)["c=".len()..].to_owned();
        assert_ne!(name(&pretender), name(&long));
    }
}

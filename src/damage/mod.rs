//! Damage that other programs do to values: how it is recognized, who has
//! likely done it, and what to type to undo it.
//!
//! A value's text alone is looked at, and only once the value was refused, so
//! good rows pay nothing for it. This module must not know formats, fields or
//! files.

mod kinds;
mod looks;

pub use kinds::{SPLIT_NUMBER, WHOLE_ROW, WINDOWS_1252};
pub use looks::{decimal_zero, is_blank, is_rounded};

use kinds::{IN_ROWS, IN_VALUES};

/// What a refused value should have been, as far as damage depends on it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wanted {
    /// `true` or `false`.
    Boolean,
    /// An integer.
    Integer,
    /// A time as an integer: its unit, `ms` or `s`.
    Time(&'static str),
    /// Text of some form, JSON included.
    Text,
    /// A UUID.
    Uuid,
}

/// One kind of damage.
#[derive(Debug)]
pub struct Damage {
    /// A stable name, for machines.
    pub name: &'static str,
    /// What a column of such values holds, in the plural.
    pub holds: &'static str,
    /// Which program has likely done it, and how.
    pub cause: &'static str,
    /// What to type or to choose; `UNIT` in it stands for the time's unit.
    fix: &'static str,
    of: Of,
    is: fn(&str) -> bool,
}

/// Which values a kind of damage befalls.
#[derive(Clone, Copy, Debug)]
enum Of {
    Any,
    Booleans,
    /// Integers and times.
    Numbers,
    Times,
    /// All but numbers that are times.
    NoTimes,
    Uuids,
}

impl Of {
    fn takes(self, wanted: Wanted) -> bool {
        match self {
            Self::Any => true,
            Self::Booleans => wanted == Wanted::Boolean,
            Self::Numbers => matches!(wanted, Wanted::Integer | Wanted::Time(_)),
            Self::Times => matches!(wanted, Wanted::Time(_)),
            Self::NoTimes => !matches!(wanted, Wanted::Time(_)),
            Self::Uuids => wanted == Wanted::Uuid,
        }
    }
}

impl PartialEq for Damage {
    fn eq(&self, other: &Self) -> bool {
        self.name == other.name
    }
}

impl Eq for Damage {}

impl Damage {
    /// Every kind, those of values first.
    pub fn all() -> impl Iterator<Item = &'static Self> {
        let by_others = [&SPLIT_NUMBER, &WHOLE_ROW, &WINDOWS_1252];
        IN_VALUES.iter().chain(IN_ROWS).copied().chain(by_others)
    }

    /// The kind of this name.
    pub fn named(name: &str) -> Option<&'static Self> {
        Self::all().find(|damage| damage.name == name)
    }

    /// What was done to a refused value, the first kind that fits.
    pub fn of_value(text: &str, wanted: Wanted) -> Option<&'static Self> {
        let mut all = IN_VALUES.iter().copied();
        all.find(|damage| damage.of.takes(wanted) && (damage.is)(text))
    }

    /// What was done to a line that should be one JSON object, and is no JSON.
    pub fn of_json(line: &str) -> Option<&'static Self> {
        let mut all = IN_ROWS.iter().copied();
        all.find(|damage| (damage.is)(line))
    }

    /// What was done to a row that has too many or too few cells.
    pub fn of_cells<'c>(
        cells: impl Iterator<Item = &'c str> + Clone,
        wanted: usize,
    ) -> Option<&'static Self> {
        if looks::is_whole_row(cells.clone(), wanted) {
            return Some(&WHOLE_ROW);
        }
        let width = cells.clone().count();
        (width > wanted && looks::has_split_number(cells)).then_some(&SPLIT_NUMBER)
    }

    /// What to do about it, for a value that should have been this.
    pub fn fix(&self, wanted: Wanted) -> String {
        match wanted {
            Wanted::Time(unit) => self.fix.replace("UNIT", unit),
            _ => self.fix.to_owned(),
        }
    }

    /// The likely cause, and what to do about it.
    pub fn hint(&self, wanted: Wanted) -> String {
        format!("{}; {}", self.cause, self.fix(wanted))
    }
}

#[cfg(test)]
mod tests {
    use super::{Damage, Wanted};

    const MS: Wanted = Wanted::Time("ms");

    /// Values as other programs leave them, and what was done to them.
    const TABLE: &[(Wanted, &str, &str)] = &[
        (Wanted::Integer, "1.1E+09", "spreadsheet_exponent"),
        (Wanted::Integer, "1,10819E+09", "spreadsheet_exponent"),
        (Wanted::Integer, "1.1e9", "float_exponent"),
        (Wanted::Integer, "1e+21", "float_exponent"),
        (MS, "1.71959995724E+12", "spreadsheet_exponent"),
        (MS, "1.719599957239e+18", "float_exponent"),
        (Wanted::Integer, "1108187390.0", "decimal_zero"),
        (Wanted::Integer, "5.00", "decimal_zeros"),
        (MS, "1719599957239.0", "decimal_zero"),
        (Wanted::Integer, "9007199254740993.0", "rounded_decimal"),
        (Wanted::Integer, "5239.5", "decimals"),
        (Wanted::Integer, "1108187390,00", "decimal_comma"),
        (Wanted::Integer, "0042", "leading_zeros"),
        (Wanted::Integer, "1,108,187,390", "thousands"),
        (Wanted::Integer, "1.108.187.390", "thousands"),
        (Wanted::Integer, "1 108 187 390", "thousands"),
        (Wanted::Integer, "1\u{a0}108\u{a0}187\u{a0}390", "thousands"),
        (Wanted::Integer, "1\u{202f}108\u{202f}187", "thousands"),
        (Wanted::Integer, "1’108’187’390", "thousands"),
        (Wanted::Integer, "1'108'187'390", "thousands"),
        (Wanted::Integer, "5,239", "thousands"),
        (Wanted::Integer, "“5239”", "curly_quotes"),
        (Wanted::Text, "‘example123.skadnetwork’", "curly_quotes"),
        (Wanted::Integer, "'5239", "quotes"),
        (Wanted::Integer, "\"5239\"", "quotes"),
        (Wanted::Integer, "5239\u{a0}", "white_space"),
        (Wanted::Integer, " 5239", "white_space"),
        (Wanted::Integer, "52\u{200b}39", "invisible"),
        (Wanted::Integer, "5239\u{200e}", "invisible"),
        (Wanted::Integer, "5239\u{2060}", "invisible"),
        (Wanted::Text, "example123\u{a0}.skadnetwork", "invisible"),
        (Wanted::Integer, "Sep-39", "date"),
        (Wanted::Integer, "1-Mar", "date"),
        (Wanted::Integer, "39. Sep", "date"),
        (Wanted::Integer, "2039-09-01", "date"),
        (Wanted::Integer, "2039-09-01 00:00:00", "date"),
        (Wanted::Text, "09/01/2039", "date"),
        (Wanted::Uuid, "01.09.2039", "date"),
        (MS, "2024-06-28 18:39:17.239", "time_text"),
        (MS, "2024-06-28T18:39:17.239Z", "time_text"),
        (MS, "2024-06-28", "time_text"),
        (MS, "28/06/2024 18:39", "time_text"),
        (MS, "45471.777", "spreadsheet_day"),
        (MS, "45471", "spreadsheet_day"),
        (MS, "1719599957239000000", "nanoseconds"),
        (MS, "1719599957239000", "microseconds"),
        (Wanted::Integer, "NaN", "missing_pandas"),
        (Wanted::Boolean, "nan", "missing_pandas"),
        (MS, "NaT", "missing_pandas"),
        (Wanted::Uuid, "<NA>", "missing_pandas"),
        (Wanted::Integer, "None", "missing_python"),
        (Wanted::Integer, "NULL", "missing_database"),
        (Wanted::Integer, "\\N", "missing_database"),
        (Wanted::Integer, "undefined", "missing_database"),
        (Wanted::Integer, "NA", "missing_word"),
        (Wanted::Integer, "n/a", "missing_word"),
        (Wanted::Integer, "inf", "infinite"),
        (Wanted::Integer, "#N/A", "formula_error"),
        (Wanted::Text, "#REF!", "formula_error"),
        (Wanted::Text, "#NAME?", "formula_error"),
        (Wanted::Integer, "Err:502", "formula_error"),
        (Wanted::Integer, "###", "narrow_column"),
        (Wanted::Text, "exÃ¤mple.skadnetwork", "mojibake"),
        (Wanted::Text, "ex\u{fffd}mple.skadnetwork", "mojibake"),
        (Wanted::Text, "â€œexampleâ€\u{9d}", "mojibake"),
        (Wanted::Boolean, "1", "boolean_number"),
        (Wanted::Boolean, "1.0", "boolean_number"),
        (Wanted::Boolean, "WAHR", "boolean_word"),
        (Wanted::Boolean, "t", "boolean_word"),
        (
            Wanted::Uuid,
            "8ca7d1cbbe264ae0a6a0e6ad8ae9fb45",
            "uuid_digits",
        ),
        (
            Wanted::Uuid,
            "{8ca7d1cb-be26-4ae0-a6a0-e6ad8ae9fb45}",
            "uuid_braces",
        ),
        (
            Wanted::Uuid,
            "8ca7d1cb-be26-4ae-a6a0-e6ad8ae9fb45",
            "uuid_zeros",
        ),
    ];

    /// Values that are wrong in ways no program is known to cause.
    const UNKNOWN: &[(Wanted, &str)] = &[
        (Wanted::Integer, "+5"),
        (Wanted::Integer, "-5"),
        (Wanted::Integer, "5."),
        (Wanted::Integer, ".5"),
        (Wanted::Integer, "5,23"),
        (Wanted::Integer, "1,23,456,"),
        (Wanted::Integer, "abc"),
        (Wanted::Integer, "12-34"),
        (Wanted::Integer, "99999999999999999999999"),
        (Wanted::Text, "Sept. in the garden"),
        (Wanted::Text, "Example123.skadnetwork"),
        (Wanted::Text, "it's fine"),
        (Wanted::Boolean, "maybe"),
        (MS, "17195999572391"),
        (MS, "12"),
        (Wanted::Uuid, "8ca7d1cb"),
        (Wanted::Uuid, "8ca7d1cb-be26-4ae0-a6a0-e6ad8ae9fb456"),
        (Wanted::Integer, ""),
    ];

    #[test]
    fn a_value_is_told_by_what_was_done_to_it() {
        for (wanted, text, name) in TABLE {
            let found = Damage::of_value(text, *wanted).map(|damage| damage.name);
            assert_eq!(found, Some(*name), "{text:?}");
        }
        for (wanted, text) in UNKNOWN {
            assert_eq!(Damage::of_value(text, *wanted), None, "{text:?}");
        }
    }

    #[test]
    fn every_kind_of_values_has_an_example_a_cause_and_something_to_do() {
        for damage in super::IN_VALUES {
            let known = TABLE.iter().any(|(_, _, name)| *name == damage.name);
            assert!(known, "{}", damage.name);
        }
        let mut names: Vec<&str> = Damage::all().map(|damage| damage.name).collect();
        for damage in Damage::all() {
            assert!(!damage.cause.is_empty() && !damage.fix.is_empty());
            assert!(!damage.hint(MS).contains("UNIT"), "{}", damage.name);
            assert_eq!(Damage::named(damage.name), Some(damage));
        }
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), Damage::all().count(), "each name once");
    }

    #[test]
    fn digits_that_a_float_or_a_spreadsheet_has_dropped_leave_zeros() {
        let table = [
            ("12345678901234567000", true),
            ("1108187390000000000", true),
            ("12345678901234500", true),
            ("12345678901234560", false),
            ("9007199254740993", false),
            ("9007199254740000", false),
            ("1000000000000000", false),
            ("18446744073709551615", false),
            ("99999999999999999999999", false),
        ];
        for (text, is) in table {
            assert_eq!(super::is_rounded(text), is, "{text}");
        }
    }

    #[test]
    fn only_exact_integers_lose_their_point() {
        let table = [
            ("1108187390.0", Some("1108187390")),
            ("0.0", Some("0")),
            ("7.000", Some("7")),
            ("9007199254740992.0", Some("9007199254740992")),
            ("9007199254740994.0", None),
            ("7.", None),
            (".0", None),
            ("7.10", None),
            ("-7.0", None),
            ("+7.0", None),
            ("7.0.0", None),
            ("7.0e0", None),
            ("7,0", None),
            ("7.0 ", None),
        ];
        for (text, digits) in table {
            assert_eq!(super::decimal_zero(text), digits, "{text}");
        }
    }

    #[test]
    fn lines_that_are_no_json_are_told_by_who_wrote_them() {
        let table = [
            ("{\"a\":NaN}", Some("json_nan")),
            ("{\"a\": -Infinity, \"b\":1}", Some("json_nan")),
            ("{'a': 1, 'b': None}", Some("python_dict")),
            ("[", Some("json_document")),
            ("{", Some("json_document")),
            ("{\"a\":1},", Some("json_document")),
            ("  \"a\": 1,", Some("json_document")),
            ("{“a”:1}", Some("json_quotes")),
            ("{\"a\"", None),
            ("{\"a\":\"NaN\"", None),
            ("a,b,c", None),
        ];
        for (line, name) in table {
            let found = Damage::of_json(line).map(|damage| damage.name);
            assert_eq!(found, name, "{line}");
        }
    }

    #[test]
    fn rows_of_another_width_are_told_where_it_can_be_seen() {
        let of = |cells: &[&str], wanted| {
            let found = Damage::of_cells(cells.iter().copied(), wanted);
            found.map(|damage| damage.name)
        };
        assert_eq!(
            of(&["a", "1", "108", "187", "390"], 2),
            Some("split_number")
        );
        assert_eq!(of(&["a", "1", "2", "3"], 2), None);
        assert_eq!(of(&["1", "108"], 4), None);
        assert_eq!(of(&["a,b,c"], 3), Some("whole_row"));
        assert_eq!(of(&["a;b;c"], 3), Some("whole_row"));
        assert_eq!(of(&["a,b"], 3), None);
        assert_eq!(of(&[""], 3), None);
    }
}

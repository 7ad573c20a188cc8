//! Times in words: the date, and how long ago or ahead it is. It must not know
//! the present; it is told.

use crate::format::Unit;
use crate::time::rfc3339;

const MINUTE: u64 = 60_000;
const HOUR: u64 = 60 * MINUTE;
const DAY: u64 = 24 * HOUR;

/// An integer that is a time, in words; `None` where it is none in either unit.
/// What it is meant to be does not matter: the digits tell the unit.
pub(super) fn words(value: &str, now: u64) -> Option<String> {
    let (millis, unit) = millis(value)?;
    Some(format!(
        "{}, {}, in {}",
        rfc3339(millis),
        distance(millis, now),
        unit.symbol()
    ))
}

/// The milliseconds of an integer of a time's size, and the unit it is in:
/// seconds have ten digits from 2001 to 2286, milliseconds thirteen.
pub(super) fn millis(value: &str) -> Option<(u64, Unit)> {
    let digits = value.bytes().all(|byte| byte.is_ascii_digit());
    let number: u64 = value.parse().ok().filter(|_| digits)?;
    match value.len() {
        13 => Some((number, Unit::Milliseconds)),
        10 if (1_300_000_000..4_000_000_000).contains(&number) => {
            Some((number * 1000, Unit::Seconds))
        }
        _ => None,
    }
}

/// How far a time is from now: `5 h ago`, `in 7 days`.
pub(super) fn distance(millis: u64, now: u64) -> String {
    let apart = millis.abs_diff(now);
    let text = span(apart);
    match millis <= now {
        _ if apart < 1000 => "now".into(),
        true => format!("{text} ago"),
        false => format!("in {text}"),
    }
}

/// A length of time in its largest unit.
pub(super) fn span(millis: u64) -> String {
    let several = |count: u64, noun: &str| match count {
        1 => format!("1 {noun}"),
        count => format!("{count} {noun}s"),
    };
    match millis {
        m if m < MINUTE => format!("{} s", m / 1000),
        m if m < HOUR => format!("{} min", m / MINUTE),
        m if m < 2 * DAY => format!("{} h", m / HOUR),
        m if m < 730 * DAY => several(m / DAY, "day"),
        m => several(m / (365 * DAY), "year"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_told_in_both_units_and_beside_the_present() {
        let now = 1_700_000_000_000;
        let table = [
            ("1700000000000", "2023-11-14T22:13:20Z, now, in ms"),
            ("1700000000", "2023-11-14T22:13:20Z, now, in s"),
            ("1699982000000", "2023-11-14T17:13:20Z, 5 h ago, in ms"),
            ("1700604800", "2023-11-21T22:13:20Z, in 7 days, in s"),
            ("1700000090000", "2023-11-14T22:14:50Z, in 1 min, in ms"),
            ("1500000000", "2017-07-14T02:40:00Z, 6 years ago, in s"),
        ];
        for (value, said) in table {
            assert_eq!(words(value, now).as_deref(), Some(said));
        }
        for value in [
            "525463029",
            "1108187390",
            "",
            "17000000000ab",
            "-170000000",
            "0",
        ] {
            assert_eq!(words(value, now), None, "{value}");
        }
    }
}

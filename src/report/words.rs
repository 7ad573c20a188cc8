//! Numbers, sizes and times as people read them. It must not know the present,
//! nor what is counted.

use crate::time::rfc3339;

/// A number with commas between thousands.
pub(super) fn number(number: u64) -> String {
    let digits = number.to_string();
    let mut out = String::with_capacity(digits.len() * 4 / 3);
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

/// A number with its noun.
pub(super) fn count(many: u64, noun: &str) -> String {
    let plural = if many == 1 { "" } else { "s" };
    format!("{} {noun}{plural}", number(many))
}

/// A size in bytes, in the unit that gives it one to three digits.
pub(super) fn size(bytes: u64) -> String {
    const UNITS: [&str; 6] = ["kB", "MB", "GB", "TB", "PB", "EB"];
    let mut rest = bytes as f64;
    let mut unit = "bytes";
    for next in UNITS {
        if rest < 999.5 {
            break;
        }
        rest /= 1000.0;
        unit = next;
    }
    match unit {
        "bytes" => count(bytes, "byte"),
        _ if rest < 9.95 => format!("{rest:.1} {unit}"),
        _ => format!("{rest:.0} {unit}"),
    }
}

/// A length of time in seconds.
pub(super) fn duration(seconds: f64) -> String {
    let whole = seconds.max(0.0) as u64;
    match whole {
        _ if seconds <= 0.0 => "0 s".into(),
        0..10 => format!("{seconds:.2} s"),
        10..60 => format!("{seconds:.1} s"),
        60..3600 => format!("{} min {} s", whole / 60, whole % 60),
        _ => format!("{} h {} min", number(whole / 3600), whole / 60 % 60),
    }
}

/// How far two times in milliseconds are apart.
pub(super) fn apart(one: u64, other: u64) -> String {
    let minutes = one.abs_diff(other) / 60_000;
    match minutes {
        0..60 => format!("{minutes} min"),
        60..2880 => format!("{} h {} min", minutes / 60, minutes % 60),
        _ => count(minutes / 1440, "day"),
    }
}

/// A share of a whole in percent; what is not nothing is never called 0 %.
pub(super) fn share(part: u64, whole: u64) -> String {
    let percent = part as f64 * 100.0 / whole.max(1) as f64;
    match percent {
        _ if part == 0 => "0 %".into(),
        _ if part == whole => "100 %".into(),
        few if few < 0.1 => "< 0.1 %".into(),
        most if most > 99.9 => "> 99.9 %".into(),
        percent => format!("{percent:.1} %"),
    }
}

/// A time in milliseconds since 1970, in words and with its zone.
pub(super) fn moment(millis: u64) -> String {
    spoken(&rfc3339(millis / 1000 * 1000))
}

/// RFC 3339 in UTC as people read it; any other text as it is.
pub(super) fn spoken(time: &str) -> String {
    let Some((date, rest)) = time.split_once('T') else {
        return time.to_owned();
    };
    match rest.strip_suffix('Z') {
        Some(clock) => {
            let clock = clock.split('.').next().unwrap_or(clock);
            format!("{date} {clock} UTC")
        }
        None => time.to_owned(),
    }
}

/// A number that is not too long for an axis: `12k`, `1.5M`.
pub(super) fn short(number: f64) -> String {
    let (rest, unit) = match number {
        n if n >= 1e9 => (n / 1e9, "G"),
        n if n >= 1e6 => (n / 1e6, "M"),
        n if n >= 1e3 => (n / 1e3, "k"),
        n => (n, ""),
    };
    let digits = format!("{rest:.1}");
    format!("{}{unit}", digits.strip_suffix(".0").unwrap_or(&digits))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_read_at_a_glance() {
        for (given, wanted) in [
            (number(0), "0"),
            (number(999), "999"),
            (number(1000), "1,000"),
            (number(u64::MAX), "18,446,744,073,709,551,615"),
            (count(1, "row"), "1 row"),
            (count(2, "row"), "2 rows"),
            (size(1), "1 byte"),
            (size(999), "999 bytes"),
            (size(1000), "1.0 kB"),
            (size(999_499), "999 kB"),
            (size(12_345_678), "12 MB"),
            (size(u64::MAX), "18 EB"),
            (duration(0.0), "0 s"),
            (duration(0.004), "0.00 s"),
            (duration(59.99), "60.0 s"),
            (duration(3599.0), "59 min 59 s"),
            (duration(36_000.0), "10 h 0 min"),
            (apart(0, 59_000), "0 min"),
            (apart(7_260_000, 0), "2 h 1 min"),
            (apart(0, 3 * 86_400_000), "3 days"),
            (share(0, 0), "0 %"),
            (share(1, 1_000_000), "< 0.1 %"),
            (share(999_999, 1_000_000), "> 99.9 %"),
            (share(1, 3), "33.3 %"),
            (share(5, 5), "100 %"),
            (moment(1_700_000_000_123), "2023-11-14 22:13:20 UTC"),
            (moment(u64::MAX), "18446744073709551000 ms"),
            (spoken("yesterday"), "yesterday"),
            (
                spoken("2026-11-21T02:00:00+01:00"),
                "2026-11-21T02:00:00+01:00",
            ),
            (short(0.0), "0"),
            (short(1500.0), "1.5k"),
            (short(2e6), "2M"),
        ] {
            assert_eq!(given, wanted);
        }
    }
}

//! What single words of the command line mean.

use std::time::Duration;

use campaign_signer::error::Error;
use campaign_signer::pipeline::{Interval, MaxRejects};
use jiff::Timestamp;

pub(super) fn delimiter(text: &str) -> Result<u8, String> {
    match text.as_bytes() {
        b"\\t" => Ok(b'\t'),
        [byte] if byte.is_ascii() && !b"\"\r\n".contains(byte) => Ok(*byte),
        _ => Err("one ASCII character that is no quote and no line end, or \\t".into()),
    }
}

/// An empty id is most likely a variable that nobody set.
pub(super) fn job_id(text: &str) -> Result<String, String> {
    if text.is_empty() {
        return Err("it is empty; leave the option out for a random id".into());
    }
    Ok(text.to_owned())
}

pub(super) fn pair(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((name, value)) if !name.is_empty() => Ok((name.into(), value.into())),
        _ => Err("a name, an equals sign, and what follows: NAME=VALUE".into()),
    }
}

pub(super) fn max_rejects(text: &str) -> Result<MaxRejects, String> {
    let wanted = || "a number of rows like 100, or a share like 0.5%".to_owned();
    match text.strip_suffix('%') {
        Some(share) => match share.trim().parse::<f64>() {
            Ok(share) if (0.0..=100.0).contains(&share) => Ok(MaxRejects::Percent(share)),
            _ => Err(wanted()),
        },
        None => text.parse().map(MaxRejects::Rows).map_err(|_| wanted()),
    }
}

/// A time like `10s`, a number of rows, or both with a comma between.
pub(super) fn interval(text: &str) -> Result<Interval, String> {
    let mut interval = Interval::default();
    for part in text.split(',').map(str::trim) {
        let unit = part.trim_start_matches(|c: char| c.is_ascii_digit());
        let count: Option<u64> = part[..part.len() - unit.len()].parse().ok();
        match (count, unit) {
            (Some(count), "") if count > 0 => interval.rows = count,
            (Some(count), "ms") => interval.time = Duration::from_millis(count),
            (Some(count), "s") => interval.time = Duration::from_secs(count),
            (Some(count), "m") => interval.time = Duration::from_secs(count.saturating_mul(60)),
            _ => {
                return Err(
                    "a time like 10s, 500ms or 2m, a number of rows, or both: 10s,50000".into(),
                );
            }
        }
    }
    Ok(interval)
}

/// `now`, RFC 3339, or milliseconds; ten digits would be seconds.
pub(super) fn timestamp(text: &str) -> Result<u64, Error> {
    moment("--timestamp", text)
}

/// The same, given with this option.
pub(super) fn moment(option: &str, text: &str) -> Result<u64, Error> {
    let wanted = "now, RFC 3339 like 2026-11-21T02:00:00Z, or milliseconds since 1970";
    let refuse = |hint: String| {
        let message = format!("{option} {text:?} is not {wanted}");
        Err(Error::settings(message, hint))
    };
    if text == "now" {
        return Ok(now());
    }
    if text.bytes().all(|b| b.is_ascii_digit()) {
        return match (text.len(), text.parse()) {
            (13 | 14, Ok(millis)) => Ok(millis),
            (10, Ok(_)) => refuse(format!("that looks like seconds; give {option} {text}000")),
            _ => refuse(String::new()),
        };
    }
    match text.parse::<Timestamp>().map(Timestamp::as_millisecond) {
        Ok(millis) => match u64::try_from(millis) {
            Ok(millis) if millis >= 1_000_000_000_000 => Ok(millis),
            _ => refuse("a time after 2001".into()),
        },
        Err(_) => refuse(String::new()),
    }
}

/// The present in milliseconds since 1970.
pub(super) fn now() -> u64 {
    u64::try_from(Timestamp::now().as_millisecond()).unwrap_or(0)
}

/// `16h`, `90m` or `2d`; in milliseconds.
pub(super) fn period(text: &str) -> Result<u64, String> {
    match span(text) {
        Some(millis) if (1..=366 * 86_400_000).contains(&millis) => Ok(millis),
        _ => Err("a period like 16h, 90m or 2d, at most a year".into()),
    }
}

/// A number and `d`, `h` or `m`; in milliseconds.
fn span(text: &str) -> Option<u64> {
    let (count, unit) = text.split_at(text.len() - text.chars().last().map_or(0, char::len_utf8));
    let unit = match unit {
        "d" => 86_400_000,
        "h" => 3_600_000,
        "m" => 60_000,
        _ => return None,
    };
    count.parse::<u64>().ok()?.checked_mul(unit)
}

/// `+7d` after the run's timestamp, or RFC 3339; in milliseconds.
pub(super) fn expires(text: &str, timestamp: u64) -> Result<u64, Error> {
    let millis = match text.strip_prefix('+') {
        Some(given) => span(given).and_then(|span| timestamp.checked_add(span)),
        None => text
            .parse::<Timestamp>()
            .ok()
            .and_then(|time| u64::try_from(time.as_millisecond()).ok()),
    };
    match millis {
        Some(millis) if millis > timestamp && millis < 100_000_000_000_000 => Ok(millis),
        _ => Err(Error::settings(
            format!("--expires {text:?} is no time after the run's timestamp"),
            "give +7d, +36h, +90m, or RFC 3339 like 2026-12-01T00:00:00Z",
        )),
    }
}

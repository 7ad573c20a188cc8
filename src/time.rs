//! Times in words. It must not know the present: clocks are read where a run
//! begins, nowhere else.

use jiff::Timestamp;

/// Milliseconds since 1970 as RFC 3339, in UTC.
pub fn rfc3339(millis: u64) -> String {
    i64::try_from(millis)
        .ok()
        .and_then(|millis| Timestamp::from_millisecond(millis).ok())
        .map_or_else(|| format!("{millis} ms"), |time| time.to_string())
}

//! A key's validity: the time that was written, in milliseconds since 1970.
//!
//! It must not know the present.

use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan};

use super::fault::Fault;
use super::reading::Written;

/// Which end of a validity a date stands for.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum End {
    /// The first moment of the day.
    First,
    /// The first moment of the next day.
    Last,
}

/// The time as milliseconds since 1970; a date alone means the day in UTC.
pub(super) fn millis(written: &Written, end: End, key: &'static str) -> Result<u64, Fault> {
    let text = &written.text;
    if !written.has_date {
        return Err(Fault::Time { key });
    }
    let moment = match text.len() {
        10 => date(text, end).ok_or(Fault::Time { key })?,
        _ => text.parse::<Timestamp>().map_err(|_| {
            // Right but for the offset?
            match format!("{text}Z").parse::<Timestamp>() {
                Ok(_) => Fault::NoOffset { key },
                Err(_) => Fault::Time { key },
            }
        })?,
    };
    u64::try_from(moment.as_millisecond()).map_err(|_| Fault::Time { key })
}

fn date(text: &str, end: End) -> Option<Timestamp> {
    let day: Date = text.parse().ok()?;
    let day = match end {
        End::First => day,
        End::Last => day.checked_add(1.day()).ok()?,
    };
    Some(day.to_zoned(TimeZone::UTC).ok()?.timestamp())
}

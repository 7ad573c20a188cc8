//! From when and until when a record may be used, as far as that is
//! documented. It must not know the clock: a record has its time.

use crate::format::{Format, Freshness, Kind, SERVE_MARGIN, Source, USE_WINDOW, Unit};
use crate::json;
use crate::record::Rules;
use crate::signing_input::Recipes;

use super::Signed;

/// How one format's records tell their times.
#[derive(Clone, Copy, Debug)]
pub(super) struct Window {
    time: Option<(usize, u64)>,
    expiry: Option<(usize, u64)>,
    /// How long a record lives from its time on, the margin taken off.
    life: Option<u64>,
    /// For records without a time of their own.
    timestamp: u64,
}

impl Window {
    /// The window of what these rules make of rows; `None` where it is not
    /// asked for.
    pub(super) fn of(rules: &Rules) -> Option<Self> {
        let settings = rules.settings();
        let format = rules.format();
        let life = match format.freshness {
            Freshness::Documented { millis } => Some(millis.saturating_sub(SERVE_MARGIN)),
            Freshness::Expiry | Freshness::Silent | Freshness::Unpublished => None,
        };
        settings.use_window.then(|| Self {
            time: place(format, Source::Clock),
            expiry: place(format, Source::Expiry),
            life,
            timestamp: settings.timestamp,
        })
    }

    /// From when, and until when, in milliseconds.
    pub(super) fn times(&self, recipes: &Recipes, signed: &Signed<'_>) -> (u64, Option<u64>) {
        let read = |(at, millis): (usize, u64)| {
            let value = recipes.value(&signed.record, signed.derived, at)?;
            let number: u64 = std::str::from_utf8(value).ok()?.parse().ok()?;
            Some(number.saturating_mul(millis))
        };
        let from = self.time.and_then(read).unwrap_or(self.timestamp);
        let until = match self.life {
            Some(life) => Some(from.saturating_add(life)),
            None => self.expiry.and_then(read),
        };
        (from, until)
    }
}

/// The field with this source, and its unit in milliseconds.
fn place(format: &'static Format, source: Source) -> Option<(usize, u64)> {
    let (at, field) = format.field_from(source)?;
    let unit = match field.kind {
        Kind::Time(unit) => unit,
        _ => Unit::Milliseconds,
    };
    Some((at, unit.in_millis()))
}

/// When what stands in one line may be used: when all of it may be.
pub(super) fn common(
    windows: impl Iterator<Item = (u64, Option<u64>)>,
) -> Option<(u64, Option<u64>)> {
    windows.reduce(|(from, until), (other_from, other_until)| {
        let until = match (until, other_until) {
            (Some(until), Some(other)) => Some(until.min(other)),
            (until, other) => until.or(other),
        };
        (from.max(other_from), until)
    })
}

/// Appends the members: `"use_after":…,"use_before":…,`, the latter only where
/// an end is documented.
pub(super) fn write((from, until): (u64, Option<u64>), out: &mut Vec<u8>) {
    let times = [Some(from), until];
    for (name, time) in USE_WINDOW.iter().zip(times) {
        if let Some(time) = time {
            json::write_string(name, out);
            out.push(b':');
            out.extend_from_slice(time.to_string().as_bytes());
            out.push(b',');
        }
    }
}

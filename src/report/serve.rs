//! Until when signatures may be served, as far as it is documented. It must
//! not know the present; it is told.

use crate::format::{Format, Freshness, Kind, SERVE_MARGIN, Source, Unit};
use crate::output::Manifest;
use crate::record::FormatChoice;
use crate::verify::Said;

use super::sums::FormatSum;
use super::words::moment;

/// What is known of one format's records.
#[derive(Clone, Copy, Debug)]
pub(super) struct Serve {
    pub(super) format: &'static Format,
    /// Until when the first and the last record may be served, in milliseconds
    /// since 1970; `None` where no end is known.
    pub(super) ends: Option<(u64, u64)>,
    /// Whether every record was asked, not the run's settings alone.
    pub(super) by_record: bool,
}

/// Until when one record may be served; `None` where no end is documented, or
/// the record does not tell its time.
pub(super) fn end(said: &Said<'_>) -> Option<u64> {
    let read = |source| {
        let (at, field) = said.format.field_from(source)?;
        let value: u64 = said.values.get(at)?.as_deref()?.parse().ok()?;
        let unit = match field.kind {
            Kind::Time(unit) => unit,
            _ => Unit::Milliseconds,
        };
        Some(value.saturating_mul(unit.in_millis()))
    };
    match said.format.freshness {
        Freshness::Documented { millis } => Some(life(read(Source::Clock)?, millis)),
        Freshness::Expiry => read(Source::Expiry),
        Freshness::Silent | Freshness::Unpublished => None,
    }
}

/// The end of a documented life, the margin for its use taken off.
fn life(from: u64, millis: u64) -> u64 {
    from.saturating_add(millis.saturating_sub(SERVE_MARGIN))
}

/// Every format of a run; of those that were counted by what their records
/// say, of the others by the settings.
pub(super) fn of_run(
    manifest: &Manifest,
    counted: impl Fn(&Format) -> Option<FormatSum>,
) -> Vec<Serve> {
    let terms = &manifest.settings;
    let more = terms.more_formats.iter();
    let more = more.filter_map(|name| FormatChoice::find(name));
    let formats = Format::find(&terms.format).into_iter();
    let serve = |format: &'static Format| {
        if let Some(sum) = counted(format).filter(|sum| sum.records > 0) {
            return Serve {
                format,
                ends: sum.ends,
                by_record: true,
            };
        }
        let from = manifest.timestamp;
        let to = from.saturating_add(terms.spread.unwrap_or(0));
        let ends = match format.freshness {
            Freshness::Documented { millis } => Some((life(from, millis), life(to, millis))),
            Freshness::Expiry => Some((terms.expires, terms.expires)),
            Freshness::Silent | Freshness::Unpublished => None,
        };
        Serve {
            format,
            ends,
            by_record: false,
        }
    };
    formats
        .chain(more.map(|choice| choice.format))
        .map(serve)
        .collect()
}

impl Serve {
    /// Until when, in a sentence.
    pub(super) fn says(&self) -> String {
        match (self.format.freshness, self.ends) {
            (Freshness::Unpublished, _) => {
                "Serve at once: how long these signatures live is not published.".into()
            }
            (Freshness::Silent, _) => "No limit is published for these signatures; fresher ones \
                                       may win over them."
                .into(),
            (_, None) => "The records do not tell until when they may be served.".into(),
            (_, Some((first, last))) if first == last => format!("Serve until {}.", moment(first)),
            (_, Some((first, last))) => format!(
                "Serve until {} at the earliest, {} at the latest, record by record.",
                moment(first),
                moment(last)
            ),
        }
    }

    /// Why.
    pub(super) fn why(&self) -> String {
        let why = match self.format.freshness {
            Freshness::Documented { millis } => format!(
                "A life of {} hours from each record's time is documented; ten minutes are left \
                 for its use.",
                millis / 3_600_000
            ),
            Freshness::Expiry => "Each record carries its own expiry.".into(),
            Freshness::Silent => "Nothing is published.".into(),
            Freshness::Unpublished => "A limit exists, but its length is not published.".into(),
        };
        match (self.ends, self.by_record) {
            (None, _) => why,
            (Some(_), true) => format!("{why} Read from every record."),
            (Some(_), false) => {
                format!("{why} By the run's settings; a row may state another time.")
            }
        }
    }
}

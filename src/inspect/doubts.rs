//! What is wrong with a record's values, or legal but suspicious: all of it
//! told by the format's table. It must not name a format or a field.

use std::borrow::Cow;

use crate::format::{Code, Field, Format, Freshness, Kind, Source};
use crate::verify::{Finding, Opened};

use super::item::Item;
use super::time;

/// The longest time from now to an end that the signer chose, in milliseconds,
/// that raises no eyebrow: what is presigned is used within days.
const LONG_LIFE: u64 = 31 * 24 * 60 * 60 * 1000;

/// How far ahead a clock may be, in milliseconds.
const SKEW: u64 = 5 * 60 * 1000;

/// Claims of RFC 7519 §4.1 that say when a token ends or begins.
const OWN_TIMES: [&str; 2] = ["exp", "nbf"];

/// Looks at every value of a record, and at what verification would say of it.
/// `now` is in milliseconds since 1970.
pub(super) fn of_record(opened: &Opened, now: u64, item: &mut Item) {
    let mut said = Vec::new();
    for (field, value) in opened.format.all_fields().zip(&opened.values) {
        let Some(value) = value else { continue };
        if let Some(code) = of_value(field, value, item) {
            said.push((field.name, code));
        }
        of_time(opened.format, field, value, now, item);
    }
    for finding in &opened.findings {
        // The path ends with the member's name, which may not be the field's.
        let last = finding.field.rsplit('.').next().unwrap_or_default();
        let is_said = said.iter().any(|(name, code)| {
            let is_own = *name == last && !finding.says.contains("differs");
            is_own || finding.says.starts_with(code.as_str())
        });
        if !is_said {
            of_finding(opened.format, finding, item);
        }
    }
}

/// What is wrong with a value by its field: it is refused, or signed in another
/// form.
fn of_value(field: &Field, value: &str, item: &mut Item) -> Option<Code> {
    let plain = match field.wrapped {
        Some(wrapping) => match (wrapping.unwrap)(value) {
            Some(inner) => Cow::Owned(inner),
            // What is wrong with the encoding has been found.
            None => return None,
        },
        None => Cow::Borrowed(value),
    };
    if let Some(notice) = field.notice.and_then(|notice| notice(&plain)) {
        item.warn(notice.code, field.name, notice.says);
    }
    let mut canonical = Vec::new();
    match field.read(&plain, &mut canonical) {
        Err(fault) => {
            let mut says = format!("wanted {}", fault.wanted);
            if !fault.hint.is_empty() {
                says.push_str(&format!("; {}", fault.hint));
            }
            let at = format!("{}{}", field.name, fault.path);
            item.warn(fault.code.as_str(), &at, says);
            Some(fault.code)
        }
        Ok(()) => {
            let is_text = !matches!(field.kind, Kind::Json { .. });
            let is_other = is_text && canonical != plain.as_bytes();
            if is_other {
                let signed = String::from_utf8_lossy(&canonical);
                let says = format!("is signed in lower case, as {signed}");
                item.warn(Code::Uppercase.as_str(), field.name, says);
            }
            is_other.then_some(Code::Uppercase)
        }
    }
}

/// Whether a time lies where the format's documents put it.
fn of_time(format: &Format, field: &Field, value: &str, now: u64, item: &mut Item) {
    let Kind::Time(unit) = field.kind else {
        return;
    };
    let Some((at, _)) = time::millis(value).filter(|(_, own)| *own == unit) else {
        return;
    };
    let ago = time::distance(at, now);
    if field.source == Source::Expiry {
        if at <= now {
            item.warn("expired", field.name, format!("ended {ago}"));
        } else if at - now > LONG_LIFE {
            let says = format!(
                "ends {ago}: whoever gets hold of it can use it until then (presigned tokens live \
                 for days)"
            );
            item.warn("long_life", field.name, says);
        }
        return;
    }
    if field.source != Source::Clock {
        return;
    }
    if at > now.saturating_add(SKEW) {
        item.warn(
            Code::Future.as_str(),
            field.name,
            format!("lies in the future, {ago}"),
        );
    }
    if let Freshness::Documented { millis } = format.freshness
        && at.saturating_add(millis) <= now
    {
        let life = time::span(millis);
        let says = format!("was signed {ago}; the documented life is {life}");
        item.warn(Code::Stale.as_str(), field.name, says);
    }
}

/// What verification finds, with what the table knows of the reason.
fn of_finding(format: &Format, finding: &Finding, item: &mut Item) {
    let name = finding.field.rsplit('.').next().unwrap_or_default();
    let is_time = OWN_TIMES.contains(&name) && format.field(name).is_none();
    if is_time && format.freshness == Freshness::Unpublished {
        item.warn(
            "own_expiry",
            &finding.field,
            "must not be there: the vendor counts a time limit of its own from the issue time",
        );
        return;
    }
    item.warn("verify", &finding.field, finding.says.clone());
}

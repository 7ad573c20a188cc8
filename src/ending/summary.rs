//! An ending as one line of JSON. It must not know where it is read.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::output::Counts;
use crate::time::rfc3339;

use super::{Ending, Failure, Part};

/// The longest line, in bytes, its end included. Airflow keeps what a task
/// hands on in a database that may take no more than 48 KB.
pub const MOST_BYTES: usize = 40_000;

/// The longest text in it, in characters, each of which may take six bytes.
const MOST_TEXT: usize = 1000;

#[derive(Serialize)]
struct Line<'e> {
    event: &'static str,
    time: String,
    version: &'static str,
    command: &'e str,
    exit_code: u8,
    #[serde(flatten)]
    only: Option<About<'e>>,
    #[serde(flatten)]
    sums: Sums,
    seconds: f64,
    #[serde(skip_serializing_if = "Option::is_none")]
    outputs: Option<Vec<Output<'e>>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    outputs_planned: Option<usize>,
    #[serde(skip_serializing_if = "is_zero")]
    outputs_left_out: usize,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<Told>,
}

#[derive(Serialize)]
struct Output<'e> {
    exit_code: u8,
    #[serde(flatten)]
    about: About<'e>,
    #[serde(flatten)]
    sums: Sums,
    seconds: f64,
}

#[derive(Serialize)]
struct About<'e> {
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<&'e str>,
    format: &'e str,
    #[serde(skip_serializing_if = "str::is_empty")]
    job_id: &'e str,
    timestamp: u64,
    #[serde(flatten)]
    files: BTreeMap<&'static str, String>,
}

#[derive(Default, Serialize)]
struct Sums {
    rows: u64,
    signed: u64,
    rejected: u64,
    records: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    codes: Option<BTreeMap<&'static str, u64>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    notices: Option<BTreeMap<String, u64>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    would_sign: Option<Would>,
    recomputed: u64,
    resumed: bool,
    was_finished: bool,
}

/// What a run that signs nothing has found that could be.
#[derive(Clone, Copy, Default, Serialize)]
struct Would {
    rows: u64,
    records: u64,
}

#[derive(Serialize)]
struct Told {
    message: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    hint: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    resume: Option<String>,
}

impl Ending {
    /// The summary: one object on one line, with its line end, of at most
    /// [`MOST_BYTES`]. Where a job has more outputs than there is room for,
    /// those of the end are left out of `outputs`; the sums are of all.
    pub fn to_line(&self) -> String {
        let is_several = self.planned > 1 || self.parts.len() > 1;
        let mut shown = match is_several {
            true => self.parts.len(),
            false => 0,
        };
        loop {
            let line = Line {
                event: "summary",
                time: rfc3339(self.time),
                version: env!("CARGO_PKG_VERSION"),
                command: &self.command,
                exit_code: self.exit_code,
                only: match (is_several, self.parts.first()) {
                    (false, Some(part)) => Some(About::of(part)),
                    _ => None,
                },
                sums: Sums::of(&self.parts),
                seconds: rounded(self.seconds),
                outputs: is_several.then(|| self.parts[..shown].iter().map(Output::of).collect()),
                outputs_planned: is_several.then_some(self.planned),
                outputs_left_out: match is_several {
                    true => self.parts.len() - shown,
                    false => 0,
                },
                error: self.failure.as_ref().map(Told::of),
            };
            match serde_json::to_string(&line) {
                Ok(text) if text.len() < MOST_BYTES || shown == 0 => return text + "\n",
                Ok(_) => shown -= 1,
                Err(_) => unreachable!("strings, numbers and string maps always serialize"),
            }
        }
    }
}

impl<'e> About<'e> {
    fn of(part: &'e Part) -> Self {
        let files = part.files.iter();
        Self {
            name: part.name.as_deref(),
            format: &part.format,
            job_id: &part.job_id,
            timestamp: part.timestamp,
            files: files.map(|(what, name)| (*what, cut(name))).collect(),
        }
    }
}

impl<'e> Output<'e> {
    fn of(part: &'e Part) -> Self {
        Self {
            exit_code: part.exit_code,
            about: About::of(part),
            sums: Sums::of(std::slice::from_ref(part)),
            seconds: rounded(part.seconds),
        }
    }
}

impl Sums {
    fn of(parts: &[Part]) -> Self {
        let mut sums = Self {
            codes: Some(BTreeMap::new()),
            notices: Some(BTreeMap::new()),
            // Of no part at all it is not known that each was finished before.
            was_finished: !parts.is_empty() && parts.iter().all(|part| part.was_finished),
            ..Self::default()
        };
        for part in parts {
            let Counts {
                rows,
                signed,
                rejected,
                records,
            } = part.counts();
            sums.rows += rows;
            sums.signed += signed;
            sums.rejected += rejected;
            sums.records += records;
            sums.recomputed += part.recomputed;
            sums.resumed |= part.resumed;
            if !part.signs {
                let would = sums.would_sign.get_or_insert_default();
                would.rows += part.counts.signed;
                would.records += part.counts.records;
            }
            match (&mut sums.codes, &part.rejected_by_code) {
                (Some(codes), Some(more)) => {
                    for (code, rows) in more {
                        *codes.entry(code.as_str()).or_default() += rows;
                    }
                }
                (codes, _) => *codes = None,
            }
            match (&mut sums.notices, &part.notices) {
                (Some(notices), Some(more)) => {
                    for (code, count) in more {
                        *notices.entry(code.clone()).or_default() += count;
                    }
                }
                (notices, _) => *notices = None,
            }
        }
        sums
    }
}

impl Told {
    fn of(failure: &Failure) -> Self {
        Self {
            message: cut(&failure.message),
            hint: failure.hint.as_deref().map(cut),
            resume: failure.resume.as_deref().map(cut),
        }
    }
}

/// A text of bounded length.
fn cut(text: &str) -> String {
    match text.char_indices().nth(MOST_TEXT) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

/// Seconds to the millisecond.
fn rounded(seconds: f64) -> f64 {
    (seconds * 1000.0).round() / 1000.0
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks so")]
fn is_zero(number: &usize) -> bool {
    *number == 0
}

#[cfg(test)]
mod tests {
    use super::super::{Ending, Failure, Part};
    use super::MOST_BYTES;
    use crate::output::Counts;

    #[test]
    fn a_job_of_a_hundred_outputs_with_long_names_has_a_short_summary() {
        let long = "\u{1}".repeat(100_000);
        let part = |number: usize| Part {
            name: Some(format!("{number}-{}", "n".repeat(60))),
            exit_code: 0,
            format: "skan-view".into(),
            job_id: "j".repeat(128),
            timestamp: 1,
            counts: Counts {
                rows: 3,
                signed: 2,
                rejected: 1,
                records: 2,
            },
            signs: true,
            rejected_by_code: None,
            notices: None,
            recomputed: 0,
            resumed: false,
            was_finished: false,
            seconds: 0.1,
            files: vec![("output", format!("/a/{}", "x".repeat(600)))],
        };
        let failure = |text: &String| Failure {
            message: text.clone(),
            hint: Some(text.clone()),
            resume: Some(text.clone()),
        };
        let mut ending = Ending {
            command: "run".into(),
            exit_code: 1,
            time: 0,
            seconds: 1.0,
            parts: (0..100).map(part).collect(),
            planned: 100,
            failure: None,
        };
        for with_failure in [false, true] {
            ending.failure = with_failure.then(|| failure(&long));
            let line = ending.to_line();
            assert!(line.len() <= MOST_BYTES, "{}", line.len());
            assert_eq!(line.find('\n'), Some(line.len() - 1));
            let value: serde_json::Value = serde_json::from_str(&line).unwrap_or_default();
            assert_eq!(value["rows"], 300);
            let shown = value["outputs"].as_array().map_or(0, Vec::len);
            assert!(shown > 10, "{shown}");
            assert_eq!(value["outputs_left_out"], 100 - shown);
        }
    }
}

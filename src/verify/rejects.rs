//! The rejects file of a finished run: every line well formed, in order, and
//! counted as the manifest says. It must not know why a row is refused.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::error::Error;
use crate::format::Code;
use crate::output::Manifest;
use crate::record::RejectLine;
use crate::row::Input;

use super::VerifiedFile;
use super::differences::Differences;
use super::files::{LONGEST_REJECT, Line, Lines};

/// The lines of a rejects file, one by one.
pub(super) fn open(input: &Input) -> Result<Lines, Error> {
    Lines::new(input, LONGEST_REJECT)
}

/// A line read as `schemas/reject.json` describes it; what is wrong with it
/// otherwise.
pub(super) fn read(line: &Line) -> Result<RejectLine<'_>, String> {
    let text = line.text.as_ref().map_err(Clone::clone)?;
    let reject: RejectLine<'_> =
        serde_json::from_slice(text).map_err(|error| format!("is no reject: {error}"))?;
    let decodes = |raw: &str| STANDARD.decode(raw).is_ok();
    match (&reject.raw, &reject.raw_base64) {
        (Some(_), None) => {}
        (None, Some(raw)) if decodes(raw) => {}
        (None, Some(_)) => return Err("has a raw_base64 that is no standard base64".into()),
        _ => return Err("has not exactly one of raw and raw_base64".into()),
    }
    if reject.problems.is_empty() {
        return Err("names no problem".into());
    }
    let known = |code: &str| Code::ALL.iter().any(|known| known.as_str() == code);
    if let Some(problem) = reject.problems.iter().find(|own| !known(&own.code)) {
        return Err(format!("has the code {:?}, which is none", problem.code));
    }
    if reject.line == 0 || reject.last_line < reject.line {
        let (line, last) = (reject.line, reject.last_line);
        return Err(format!("is of the lines {line} to {last}"));
    }
    Ok(reject)
}

/// Reads the whole file and compares it with its manifest.
pub(super) fn check(
    input: &Input,
    manifest: &Manifest,
    differences: &mut Differences,
) -> Result<VerifiedFile, Error> {
    let mut lines = open(input)?;
    let file = input.name();
    let mut by_code: BTreeMap<String, u64> = BTreeMap::new();
    let mut last = 0;
    let mut bad = false;
    let mut stretch = differences.stretch("its rejects");
    while let Some(line) = lines.next()? {
        let reject = match read(&line) {
            Ok(reject) => reject,
            Err(says) => {
                bad = true;
                stretch.add(format!("{file} line {} {says}", line.number));
                continue;
            }
        };
        if let Some(first) = reject.problems.first() {
            match by_code.get_mut(first.code.as_ref()) {
                Some(count) => *count += 1,
                None => {
                    by_code.insert(first.code.clone().into_owned(), 1);
                }
            }
        }
        let mut say = |says: String| stretch.add(format!("{file} line {} {says}", line.number));
        let record = reject.record;
        if record == 0 || record > manifest.counts.rows {
            let rows = manifest.counts.rows;
            say(format!("is of record {record}, the run had 1 to {rows}"));
        } else if record <= last {
            say(format!("is of record {record}, after record {last}"));
        }
        last = last.max(record);
        if !manifest.inputs.iter().any(|own| own.path == reject.file) {
            say(format!("names {:?}, which is no input", reject.file));
        }
    }
    // A line that cannot be read has no code to be counted under.
    let mut codes: Vec<&String> = by_code
        .keys()
        .chain(manifest.rejected_by_code.keys())
        .collect();
    codes.sort();
    codes.dedup();
    for code in codes.into_iter().filter(|_| !bad) {
        let count = |counts: &BTreeMap<String, u64>| counts.get(code).copied().unwrap_or(0);
        let (said, found) = (count(&manifest.rejected_by_code), count(&by_code));
        if said != found {
            differences.add(format!(
                "the manifest has {said} rejects by {code}, {file} has {found}"
            ));
        }
    }
    Ok(lines.summary())
}

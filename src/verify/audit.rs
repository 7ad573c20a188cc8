//! The audit of a finished run: its inputs are read once more, and the signed
//! file and the rejects file walked beside them. Every row must stand in one
//! of the two, with all that it gives, in order, and nothing may be left over.
//!
//! It believes nothing the manifest counts, only the settings it names. This
//! file must not know what a field means.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::error::Error;
use crate::output::Manifest;
use crate::record::{Problem, Record, RejectLine, Rules, Tally};
use crate::row::{Input, Limits};

use super::differences::{Differences, Stretch};
use super::expected::Maker;
use super::files::{Line, Lines};
use super::records::{SignedLines, place};
use super::rejects;
use super::rows::{Row, Rows, Stop};

/// What is audited.
pub(super) struct Audit<'a> {
    pub(super) manifest: &'a Manifest,
    /// What its settings say of each format.
    pub(super) rules: &'a [Rules],
    /// The inputs, every one of them at hand.
    pub(super) inputs: &'a [Input],
    pub(super) signed: &'a Input,
    /// `None` where the run wrote none.
    pub(super) rejects: Option<&'a Input>,
}

/// Where the walk is.
struct Walk<'a, 'd> {
    audit: &'a Audit<'a>,
    rules: &'a [Rules],
    /// For each format; or one for all that stand in one line.
    makers: Vec<Maker>,
    signed: SignedLines,
    rejects: Option<Lines>,
    reject: Option<Line>,
    /// The rules and their words are those of the run's own program.
    same_tool: bool,
    rows: Vec<u64>,
    rejected: u64,
    out: Stretch<'d>,
}

/// Audits a run; whether every row was compared.
pub(super) fn audit(audit: &Audit<'_>, differences: &mut Differences) -> Result<bool, Error> {
    let manifest = audit.manifest;
    let rows = Rows {
        inputs: audit.inputs,
        rules: audit.rules,
        limits: Limits {
            row_bytes: manifest.settings.max_row_bytes,
            ..Limits::default()
        },
    };
    let mut notices = Tally::default();
    let walked = match rows.read_versions() {
        Ok(reads) => {
            let mut walk = Walk::new(audit, &reads, differences)?;
            let read = rows.each(&mut notices, &mut |row| walk.row(row));
            match read {
                Ok(()) => walk.finish(&notices).map_err(Stop::Failed),
                Err(stop) => Err(stop),
            }
        }
        Err(stop) => Err(stop),
    };
    match walked {
        Ok(clean) => Ok(clean),
        Err(Stop::Enough) => Ok(false),
        Err(Stop::Failed(error)) => Err(error),
        Err(Stop::Unfit(says)) => {
            differences.add(format!("the manifest's settings do not fit {says}"));
            Ok(false)
        }
    }
}

/// What makes the lines: of each format, or of all together where they stand
/// in one line.
fn makers(audit: &Audit<'_>, reads_version: &[bool], escape: bool) -> Vec<Maker> {
    let (rules, dialect) = (audit.rules, audit.signed.dialect);
    let joins = |rules: &Rules| rules.shape().is_some_and(|shape| shape.joins);
    if rules.len() > 1 && rules.iter().all(joins) {
        let rules: Vec<&Rules> = rules.iter().collect();
        return Maker::new(&rules, &[], dialect, escape)
            .into_iter()
            .collect();
    }
    let each = rules.iter().zip(reads_version);
    let makers = each.filter_map(|(rules, reads_version)| {
        let layouts = rules.layouts(*reads_version);
        Maker::new(&[rules], &layouts, dialect, escape)
    });
    makers.collect()
}

impl<'a, 'd> Walk<'a, 'd> {
    fn new(
        audit: &'a Audit<'a>,
        reads_version: &[bool],
        differences: &'d mut Differences,
    ) -> Result<Self, Error> {
        let manifest = audit.manifest;
        let signed = SignedLines::new(audit.signed)?;
        let escape = !manifest.settings.keep_formulas;
        let makers = makers(audit, reads_version, escape);
        let header = makers.first().map_or(&[][..], |maker| &maker.header);
        if header != signed.header() {
            let (found, wanted) = (signed.header().join(" "), header.join(" "));
            let (file, found) = (signed.name(), found.escape_debug());
            differences.add(format!(
                "{file} has the columns {found}, the run's settings give {wanted}"
            ));
        }
        let mut walk = Self {
            audit,
            rules: audit.rules,
            makers,
            signed,
            rejects: audit.rejects.map(rejects::open).transpose()?,
            reject: None,
            same_tool: manifest.tool.version == env!("CARGO_PKG_VERSION"),
            rows: vec![0; audit.inputs.len()],
            rejected: 0,
            out: differences.stretch("its rows, where the comparison stopped"),
        };
        walk.next_reject()?;
        Ok(walk)
    }

    fn next_reject(&mut self) -> Result<(), Error> {
        self.reject = match &mut self.rejects {
            Some(lines) => lines.next()?,
            None => None,
        };
        Ok(())
    }

    /// Takes one row; whether more are wanted.
    fn row(&mut self, row: &Row<'_>) -> Result<bool, Error> {
        self.rows[row.input] += 1;
        let file = &self.audit.manifest.inputs[row.input].path;
        let here = || place(file, row.position);
        let is_reject = self.find_reject(row.position.record)?;
        match (&row.outcome, is_reject) {
            (Ok(records), false) => self.records(records, &here)?,
            (Err(problems), true) => self.compare_reject(row, problems),
            (Ok(_), true) => {
                let at = self.reject_place();
                self.out.add(format!(
                    "{at} rejects {}, which can be signed under the run's settings",
                    here()
                ));
            }
            (Err(problems), false) => {
                let code = problems.first().map_or("", |first| first.code.as_str());
                self.out.add(format!(
                    "{} cannot be signed ({code}), and is not among the rejects",
                    here()
                ));
            }
        }
        if is_reject {
            self.rejected += 1;
            self.next_reject()?;
        }
        Ok(!self.out.is_full())
    }

    /// The lines of a row: publisher after publisher, for each format after
    /// format, unless they stand in one line, for each copy after copy.
    fn records(&mut self, records: &[Record<'_>], here: &dyn Fn() -> String) -> Result<(), Error> {
        let Some(first) = records.first() else {
            return Ok(());
        };
        let (meets, count) = (first.meets(), first.count());
        let is_joined = self.makers.len() < records.len();
        for met in 0..meets {
            let with = records.iter().zip(self.rules);
            let with = with.map(|(record, rules)| record.with_publisher(met, rules.publishers()));
            let with: Vec<Record<'_>> = with.collect();
            for (at, maker) in self.makers.iter_mut().enumerate() {
                let (own, format) = match is_joined {
                    true => (&with[..], None),
                    false => (&with[at..=at], Some(self.rules[at].format().id)),
                };
                for copy in 0..count {
                    let here = || {
                        let mut here = here();
                        if let Some(publisher) = with[0].publisher() {
                            here.push_str(&format!(", publisher {publisher}"));
                        }
                        if let Some(format) = format.filter(|_| records.len() > 1) {
                            here.push_str(&format!(", {format}"));
                        }
                        if count > 1 {
                            here.push_str(&format!(", copy {} of {count}", copy + 1));
                        }
                        here
                    };
                    let wanted = maker.expected(own, copy);
                    self.signed.expect(&wanted, &here, &mut self.out)?;
                    if self.out.is_full() {
                        return Ok(());
                    }
                }
            }
        }
        Ok(())
    }

    fn reject_place(&self) -> String {
        let file = self.rejects.as_ref().map(|lines| lines.open.name.as_str());
        let line = self.reject.as_ref().map(|line| line.number);
        format!("{} line {}", file.unwrap_or_default(), line.unwrap_or(0))
    }

    /// Whether the next reject is of this record. Those of earlier ones stand
    /// where none of theirs can; what cannot be read was reported before.
    fn find_reject(&mut self, record: u64) -> Result<bool, Error> {
        while let Some(line) = &self.reject {
            match rejects::read(line).map(|reject| reject.record) {
                Ok(own) if own > record => return Ok(false),
                Ok(own) if own == record => return Ok(true),
                Ok(own) => {
                    let at = self.reject_place();
                    self.out
                        .add(format!("{at} is of record {own}, out of turn"));
                }
                Err(_) => {}
            }
            self.next_reject()?;
        }
        Ok(false)
    }

    fn compare_reject(&mut self, row: &Row<'_>, problems: &[Problem]) {
        let file = &self.audit.manifest.inputs[row.input].path;
        let read = self.reject.as_ref().map(rejects::read);
        let Some(Ok(reject)) = read else { return };
        if let Some(what) = self.reject_differs(row, file, problems, &reject) {
            let (at, here) = (self.reject_place(), place(file, row.position));
            self.out.add(format!(
                "{at} has other {what} than {here}, which it rejects"
            ));
        }
    }

    fn reject_differs(
        &self,
        row: &Row<'_>,
        file: &str,
        problems: &[Problem],
        reject: &RejectLine<'_>,
    ) -> Option<&'static str> {
        let raw = match (&reject.raw, &reject.raw_base64) {
            (Some(raw), _) => raw.as_bytes() == row.raw,
            (None, Some(raw)) => STANDARD
                .decode(raw.as_ref())
                .is_ok_and(|own| own == row.raw),
            (None, None) => false,
        };
        // What is refused before it is parsed has no found text of its own here;
        // the other words are for people, and their wording is not compared.
        let both = problems.iter().zip(&reject.problems);
        let same_problems = problems.len() == reject.problems.len()
            && both.into_iter().all(|(own, theirs)| {
                own.code.as_str() == theirs.code
                    && own.field == theirs.field
                    && (own.found.is_empty() || own.found == theirs.found)
            });
        let position = row.position;
        [
            ("file", reject.file == file),
            ("line", reject.line == position.line),
            ("last_line", reject.last_line == position.last_line),
            ("byte", reject.byte == position.byte),
            ("raw", raw),
            ("raw_length", reject.raw_length == row.length),
            // Another version may judge otherwise.
            ("problems", !self.same_tool || same_problems),
        ]
        .into_iter()
        .find_map(|(what, same)| (!same).then_some(what))
    }

    /// After the last row nothing may be left; whether all was as it should.
    fn finish(mut self, notices: &Tally) -> Result<bool, Error> {
        self.find_reject(u64::MAX)?;
        self.signed.finish(&mut self.out)?;
        let manifest = self.audit.manifest;
        for (input, rows) in manifest.inputs.iter().zip(&self.rows) {
            if input.rows != *rows {
                let (path, said) = (&input.path, input.rows);
                let says = format!("{path} has {rows} rows, the manifest {said}");
                self.out.add(says);
            }
        }
        if self.rejected != manifest.counts.rejected && self.out.is_clean() {
            let (found, said) = (self.rejected, manifest.counts.rejected);
            self.out.add(format!(
                "{found} rows are rejected, the manifest has {said}"
            ));
        }
        let mut counted = std::collections::BTreeMap::new();
        for notice in notices.iter() {
            *counted.entry(notice.code.to_string()).or_default() += notice.count;
        }
        if self.same_tool && counted != manifest.notices && self.out.is_clean() {
            let (found, said) = (&counted, &manifest.notices);
            self.out.add(format!(
                "the rows give the notices {found:?}, the manifest has {said:?}"
            ));
        }
        Ok(self.out.is_clean())
    }
}

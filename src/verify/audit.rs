//! The audit of a finished run: its inputs are read once more, and the signed
//! file and the rejects file walked beside them. Every row must stand in one
//! of the two, with all that it gives, in order, and nothing may be left over.
//!
//! It believes nothing the manifest counts, only the settings it names. This
//! file must not know what a field means.

use crate::error::Error;
use crate::output::Manifest;
use crate::record::{Problem, Record, Rules, Tally, Told};
use crate::row::{Dialect, Input, Limits};

use super::differences::{Differences, Stretch};
use super::expected::Maker;
use super::files::Line;
use super::records::{SignedLines, place};
use super::rejects::{self, Rejects};
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
    rejects: Option<Rejects>,
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
            rejects: audit.rejects.map(Rejects::open).transpose()?,
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
            Some(rejects) => rejects.lines.next()?,
            None => None,
        };
        Ok(())
    }

    /// Takes one row; whether more are wanted.
    fn row(&mut self, row: &Row<'_>) -> Result<bool, Error> {
        self.rows[row.input] += 1;
        let file = &self.audit.manifest.inputs[row.input].path;
        let here = || place(file, row.position);
        let is_reject = self.find_reject(row.input, row.position.line, row.position.record)?;
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
        let file = self.rejects.as_ref();
        let file = file.map(|rejects| rejects.lines.open.name.as_str());
        let line = self.reject.as_ref().map(|line| line.number);
        format!("{} line {}", file.unwrap_or_default(), line.unwrap_or(0))
    }

    /// Whether the next reject is of this row. Those of earlier ones stand
    /// where none of theirs can; what cannot be read was reported before.
    fn find_reject(&mut self, input: usize, line: u64, record: u64) -> Result<bool, Error> {
        while let (Some(next), Some(rejects)) = (&self.reject, &mut self.rejects) {
            let told = rejects.read(next);
            let own = told.map(|told| {
                let here = match told.place {
                    Some(_) => (0, record),
                    None => (input, line),
                };
                (rejects::place(&told, self.audit.manifest), here)
            });
            match own {
                Ok((own, here)) if own > here => return Ok(false),
                Ok((own, here)) if own == here => return Ok(true),
                Ok(((_, own), _)) => {
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
        let (audit, same_tool) = (self.audit, self.same_tool);
        let file = &audit.manifest.inputs[row.input].path;
        let (Some(line), Some(rejects)) = (&self.reject, &mut self.rejects) else {
            return;
        };
        let Ok(told) = rejects.read(line) else { return };
        let what = reject_differs(row, (file, audit.inputs[row.input].dialect), &told)
            // Another version may judge otherwise.
            .or_else(|| (same_tool && !has_problems(&told, problems)).then_some("problems"))
            .or_else(|| (same_tool && !has_object(row, &told)).then_some("row"));
        if let Some(what) = what {
            let (at, here) = (self.reject_place(), place(file, row.position));
            self.out.add(format!(
                "{at} has other {what} than {here}, which it rejects"
            ));
        }
    }

    /// After the last row nothing may be left; whether all was as it should.
    fn finish(mut self, notices: &Tally) -> Result<bool, Error> {
        self.find_reject(usize::MAX, u64::MAX, u64::MAX)?;
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

/// What a reject has otherwise than its row, as far as it tells it.
fn reject_differs(
    row: &Row<'_>,
    (file, dialect): (&str, Dialect),
    told: &Told<'_>,
) -> Option<&'static str> {
    let position = row.position;
    let is_own = |own: Option<u64>, wanted: u64| own.is_none_or(|own| own == wanted);
    let place = told.place;
    let cells = match (&told.cells, dialect) {
        (Some(told), Dialect::Csv { delimiter }) => {
            let cells = rejects::cells(row.raw, delimiter).unwrap_or_default();
            // A row that was a reject before has lost what was told of it.
            cells.len() > told.len() || cells.iter().eq(told.iter().copied())
        }
        (Some(_), Dialect::Ndjson | Dialect::Parquet) => false,
        (None, _) => true,
    };
    [
        ("file", told.file.as_deref().is_none_or(|own| own == file)),
        ("line", told.line == position.line),
        (
            "last_line",
            is_own(place.map(|p| p.last_line), position.last_line),
        ),
        ("byte", is_own(place.map(|p| p.byte), position.byte)),
        (
            "raw",
            told.raw
                .as_ref()
                .is_none_or(|raw| is_raw(raw, row.raw, dialect)),
        ),
        ("cells", cells),
        (
            "raw_length",
            place.is_none_or(|p| p.raw_length == row.length),
        ),
    ]
    .into_iter()
    .find_map(|(what, same)| (!same).then_some(what))
}

/// Whether a line of JSON has the row as the object that it is or could be.
fn has_object(row: &Row<'_>, told: &Told<'_>) -> bool {
    told.place.is_none_or(|place| place.object == row.object)
}

/// Whether a reject's row is the row, or one that came back with it and was not
/// mended.
fn is_raw(told: &[u8], row: &[u8], dialect: Dialect) -> bool {
    let in_cell = |delimiter| {
        let cells = rejects::cells(row, delimiter).unwrap_or_default();
        cells.iter().any(|cell| cell == told)
    };
    match dialect {
        _ if told == row => true,
        Dialect::Csv { delimiter } => in_cell(delimiter),
        Dialect::Ndjson | Dialect::Parquet => false,
    }
}

/// Whether a reject tells these problems. What is refused before it is parsed
/// has no found text of its own here; the other words are for people, and their
/// wording is not compared.
fn has_problems(told: &Told<'_>, problems: &[Problem]) -> bool {
    let mut both = problems.iter().zip(&told.problems);
    problems.len() == told.problems.len()
        && both.all(|(own, theirs)| {
            let found = theirs.found.as_deref();
            own.code.as_str() == theirs.code
                && own.field == theirs.field
                && (own.found.is_empty() || found.is_none_or(|found| own.found == found))
        })
}

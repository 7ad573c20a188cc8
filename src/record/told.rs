//! Rejects read back: what a rejects file tells of one row, in either form. It
//! must not know where the file is.

use std::borrow::Cow;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use csv::ByteRecord;
use serde_json::value::RawValue;

use crate::format::Code;

use super::reject::RejectLine;
use super::reject_table::{BETWEEN, CODE, FIELD, FILE, HINT, LINE, RAW, REASON, fused, words};

/// A reject as its file tells it. A table does not tell everything.
#[derive(Debug)]
pub struct Told<'a> {
    /// The input's name; a table of one input does not have it.
    pub file: Option<Cow<'a, str>>,
    /// The row's first line in its input, from 1.
    pub line: u64,
    /// Everything found wrong.
    pub problems: Vec<ToldProblem<'a>>,
    /// The row's bytes, where its cells are not told.
    pub raw: Option<Cow<'a, [u8]>>,
    /// The row's own cells, where it had them.
    pub cells: Option<Vec<&'a [u8]>>,
    /// Where it stands besides, which only lines of JSON tell.
    pub place: Option<ToldPlace<'a>>,
}

/// What only a line of JSON tells.
#[derive(Clone, Copy, Debug)]
pub struct ToldPlace<'a> {
    /// Its last line.
    pub last_line: u64,
    /// The offset of its first byte.
    pub byte: u64,
    /// Its number over all inputs, from 1.
    pub record: u64,
    /// The whole row's length in bytes, where only its beginning is kept.
    pub raw_length: Option<u64>,
    /// The row as an object, where it could be read as one.
    pub object: Option<&'a str>,
}

/// One thing wrong, as it is told.
#[derive(Debug)]
pub struct ToldProblem<'a> {
    /// The stable code.
    pub code: Cow<'a, str>,
    /// The field; empty for the whole row.
    pub field: Cow<'a, str>,
    /// What stood there; a table says so in words only.
    pub found: Option<Cow<'a, str>>,
    /// What is wanted, and what was found.
    pub reason: Cow<'a, str>,
    /// What to do; may be empty.
    pub hint: Cow<'a, str>,
}

impl<'a> Told<'a> {
    /// Reads a line of JSON.
    ///
    /// # Errors
    /// What is wrong with it, as words that follow its name.
    pub fn of_json(text: &'a [u8]) -> Result<Self, String> {
        let line: RejectLine<'a> =
            serde_json::from_slice(text).map_err(|error| format!("is no reject: {error}"))?;
        let raw = match (line.raw, line.raw_base64) {
            (Some(Cow::Borrowed(raw)), None) => Cow::Borrowed(raw.as_bytes()),
            (Some(Cow::Owned(raw)), None) => Cow::Owned(raw.into_bytes()),
            (None, Some(raw)) => match STANDARD.decode(raw.as_ref()) {
                Ok(raw) => Cow::Owned(raw),
                Err(_) => return Err("has a raw_base64 that is no standard base64".into()),
            },
            _ => return Err("has not exactly one of raw and raw_base64".into()),
        };
        if line.line == 0 || line.last_line < line.line {
            return Err(format!(
                "is of the lines {} to {}",
                line.line, line.last_line
            ));
        }
        let problems = line.problems.into_iter().map(|own| ToldProblem {
            reason: words(&own.wanted, &own.found).into(),
            code: own.code,
            field: own.field,
            found: Some(own.found),
            hint: own.hint,
        });
        Self {
            file: Some(line.file),
            line: line.line,
            problems: problems.collect(),
            raw: Some(raw),
            cells: None,
            place: Some(ToldPlace {
                last_line: line.last_line,
                byte: line.byte,
                record: line.record,
                raw_length: line.raw_length,
                object: line.row.map(RawValue::get),
            }),
        }
        .sound()
    }

    fn sound(self) -> Result<Self, String> {
        if self.problems.is_empty() {
            return Err("names no problem".into());
        }
        let unknown = |own: &&ToldProblem<'_>| Code::find(&own.code).is_none();
        match self.problems.iter().find(unknown) {
            Some(problem) => Err(format!("has the code {:?}, which is none", problem.code)),
            None => Ok(self),
        }
    }
}

/// Where a table of rejects has what.
#[derive(Debug)]
pub struct ToldTable {
    own: Vec<usize>,
    line: usize,
    code: usize,
    field: usize,
    reason: usize,
    hint: usize,
    file: Option<usize>,
    raw: usize,
    width: usize,
}

impl ToldTable {
    /// The table under this header.
    ///
    /// # Errors
    /// What it lacks, as words that follow its name.
    pub fn new<N: AsRef<str>>(header: &[N]) -> Result<Self, String> {
        let find = |name: &str| header.iter().rposition(|own| own.as_ref() == name);
        let must = |name| find(name).ok_or_else(|| format!("has no column {name}"));
        let mut table = Self {
            own: Vec::new(),
            line: must(LINE)?,
            code: must(CODE)?,
            field: must(FIELD)?,
            reason: must(REASON)?,
            hint: must(HINT)?,
            file: find(FILE),
            raw: must(RAW)?,
            width: header.len(),
        };
        let behind = [
            table.line,
            table.code,
            table.field,
            table.reason,
            table.hint,
            table.raw,
        ];
        let is_own = |at: &usize| !behind.contains(at) && table.file != Some(*at);
        table.own = (0..header.len()).filter(is_own).collect();
        Ok(table)
    }

    /// Reads a row.
    ///
    /// # Errors
    /// What is wrong with it, as words that follow its name.
    pub fn read<'a>(&self, row: &'a ByteRecord) -> Result<Told<'a>, String> {
        if row.len() != self.width {
            return Err(format!(
                "has {} cells, the header has {}",
                row.len(),
                self.width
            ));
        }
        let text = |at: usize| {
            let text = std::str::from_utf8(row.get(at).unwrap_or_default());
            text.map(fused)
                .map_err(|_| "is no UTF-8 where it tells what is wrong".to_owned())
        };
        let line = text(self.line)?;
        let line = match line.parse::<u64>() {
            Ok(line) if line > 0 => line,
            _ => return Err(format!("has {line:?} for its line")),
        };
        let parts = |at: usize| Ok::<_, String>(text(at)?.split(BETWEEN).collect::<Vec<&str>>());
        let codes = parts(self.code)?;
        let [fields, reasons, hints] = [self.field, self.reason, self.hint].map(parts);
        // What was found may hold what stands between: then it is one for all.
        let fit = |own: Vec<&'a str>, at: usize| {
            let fits = own.len() == codes.len();
            let all = text(at).unwrap_or_default();
            (0..codes.len())
                .map(move |nth| if fits { own[nth] } else { all })
                .collect()
        };
        let fields: Vec<&str> = fit(fields?, self.field);
        let reasons: Vec<&str> = fit(reasons?, self.reason);
        let hints: Vec<&str> = fit(hints?, self.hint);
        let raw = row.get(self.raw).unwrap_or_default();
        let problems = codes.iter().enumerate().map(|(at, code)| ToldProblem {
            code: (*code).into(),
            field: fields[at].into(),
            found: None,
            reason: reasons[at].into(),
            hint: hints[at].into(),
        });
        Told {
            file: match self.file {
                Some(at) => Some(text(at)?.into()),
                None => None,
            },
            line,
            problems: problems.collect(),
            raw: (!raw.is_empty()).then_some(Cow::Borrowed(raw)),
            cells: raw.is_empty().then(|| {
                let own = self.own.iter();
                own.map(|at| row.get(*at).unwrap_or_default()).collect()
            }),
            place: None,
        }
        .sound()
    }
}

//! Checks one row: a record, or every problem it has.
//!
//! CSV cells and JSON members become [`Cells`] by their roles; from there on
//! both are read the same way.

use std::borrow::Cow;

use csv::ByteRecord;

use crate::damage::{Damage, Wanted};
use crate::format::{Code, Fault};
use crate::json::{self, Shape};

use super::cell::{Cell, not_utf8};
use super::cells::{Cells, Columns, Members, Others};
use super::columns::{COUNT, Plan, Roles, same_name};
use super::publishers::{ALLOW, DENY, IDS};
use super::reading::Reading;
use super::records::Records;
use super::reject::Problem;
use super::reject_row::{is_reject, row_of_reject, unmended};
use super::reject_table::RAW;
use super::tally::Tally;

/// What became of a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It was appended to the records.
    Record,
    /// Its problems were written down.
    Reject,
}

impl Plan<'_> {
    /// Checks a CSV row. The record gets the number `record`; problems are
    /// appended to `problems`, notices counted in `notices`.
    pub fn check_cells(
        &self,
        row: &ByteRecord,
        record: u64,
        records: &mut Records,
        problems: &mut Vec<Problem>,
        notices: &mut Tally,
    ) -> Outcome {
        let cell = |at: usize| Cell::Text(row.get(at).unwrap_or_default());
        self.check_columns(row.len(), cell, record, records, problems, notices)
    }

    /// Checks a CSV row whose cells are known to be UTF-8.
    pub fn check_texts(
        &self,
        row: &[&str],
        record: u64,
        records: &mut Records,
        problems: &mut Vec<Problem>,
        notices: &mut Tally,
    ) -> Outcome {
        let cell = |at: usize| Cell::Utf8(row.get(at).copied().unwrap_or_default());
        self.check_columns(row.len(), cell, record, records, problems, notices)
    }

    fn check_columns<'a>(
        &self,
        width: usize,
        cell: impl Fn(usize) -> Cell<'a>,
        record: u64,
        records: &mut Records,
        problems: &mut Vec<Problem>,
        notices: &mut Tally,
    ) -> Outcome {
        if width != self.columns.len() {
            let looked_at = width.min(self.most_looked_at());
            let cells: Vec<_> = (0..looked_at).map(|at| cell(at).found()).collect();
            problems.push(self.wrong_width(width, &cells));
            return Outcome::Reject;
        }
        let before = records.bytes_used();
        records.start();
        let mut others = Others::default();
        for &at in &self.others {
            let roles = &self.columns[at];
            self.take_other_roles(roles, cell(at), &mut others, records, problems);
        }
        let cells = Columns {
            column_of: &self.column_of,
            cell,
        };
        self.finish(&cells, &others, record, before, records, problems, notices)
    }

    /// How many cells of a row of another width are looked at: numbers that were
    /// divided at their commas have a few each, and a row may have millions.
    fn most_looked_at(&self) -> usize {
        8 * self.columns.len()
    }

    /// A row of another width, of which these are the first cells.
    fn wrong_width(&self, width: usize, cells: &[Cow<'_, str>]) -> Problem {
        let wanted = self.columns.len();
        let fault = Fault::new(
            Code::WrongWidth,
            format!("{wanted} cells, as the header has"),
        )
        .hint("look for an unquoted delimiter, or a line end inside a value");
        let texts = cells.iter().map(AsRef::as_ref);
        let fault = match Damage::of_cells(texts, wanted) {
            Some(damage) => fault.damaged(damage, Wanted::Text),
            None => fault,
        };
        Problem::new("", &format!("{width} cells"), fault)
    }

    /// Reads what a publisher gives of the format's fields, from a row of
    /// cells: a bit for each field, and what is no field.
    pub(super) fn publisher_of_cells<'a>(
        &self,
        row: &'a ByteRecord,
        records: &mut Records,
        problems: &mut Vec<Problem>,
    ) -> (u64, Others<'a>) {
        let mut members = Members::default();
        if row.len() != self.columns.len() {
            let cells = row.iter().take(self.most_looked_at());
            let cells: Vec<_> = cells.map(|cell| Cell::Text(cell).found()).collect();
            problems.push(self.wrong_width(row.len(), &cells));
            return (0, members.others);
        }
        for (roles, cell) in self.columns.iter().zip(row) {
            let cell = Cell::Text(cell);
            if let Some(at) = roles.field {
                members.fields[at] = Some(cell);
            }
            self.take_other_roles(roles, cell, &mut members.others, records, problems);
        }
        let given = Reading::new(self, &members, &members.others, records, problems);
        (given.read_publisher(), members.others)
    }

    /// The same from the text of a JSON object.
    pub(super) fn publisher_of_json<'a>(
        &self,
        row: &'a [u8],
        records: &mut Records,
        problems: &mut Vec<Problem>,
    ) -> (u64, Others<'a>) {
        let mut members = Members::default();
        match object(row) {
            Ok(own) => {
                for (name, token) in &own {
                    self.take_member(None, name, token, &mut members, records, problems);
                }
            }
            Err(problem) => {
                problems.push(problem);
                return (0, members.others);
            }
        }
        let given = Reading::new(self, &members, &members.others, records, problems);
        (given.read_publisher(), members.others)
    }

    /// Checks a JSON row, the text of one object.
    pub fn check_json(
        &self,
        row: &[u8],
        record: u64,
        records: &mut Records,
        problems: &mut Vec<Problem>,
        notices: &mut Tally,
    ) -> Outcome {
        let members = object(row).and_then(|members| match is_reject(&members) {
            true => row_of_reject(&members),
            false => Ok(members),
        });
        let members = match members {
            Ok(members) => members,
            Err(problem) => {
                problems.push(problem);
                return Outcome::Reject;
            }
        };
        let before = records.bytes_used();
        records.start();
        let mut cells = Members::default();
        for (name, token) in &members {
            self.take_member(None, name, token, &mut cells, records, problems);
        }
        self.finish(
            &cells,
            &cells.others,
            record,
            before,
            records,
            problems,
            notices,
        )
    }

    /// Takes one member of the row, or of an object of fields inside it.
    fn take_member<'a>(
        &self,
        parent: Option<&str>,
        name: &str,
        token: &'a str,
        cells: &mut Members<'a>,
        records: &mut Records,
        problems: &mut Vec<Problem>,
    ) {
        let format = self.rules.format();
        let roles = match parent {
            None => self.roles(name),
            // Inside an object there are its own fields and nothing else.
            Some(parent) => self.roles(name).and_then(|roles| {
                let field = roles.field?;
                let own = format.parent(format.field_at(field).name);
                own.is_some_and(|own| same_name(own, parent))
                    .then_some(Roles {
                        field: Some(field),
                        ..Roles::default()
                    })
            }),
        };
        let Some(roles) = roles else {
            if !self.rules.settings.ignore_unknown {
                let path = match parent {
                    None => name.to_owned(),
                    Some(parent) => format!("{parent}.{name}"),
                };
                let wanted = format!("a field of {}", format.id);
                problems.push(
                    Problem::new(&path, token, Fault::new(Code::UnknownField, wanted))
                        .hint("rename it, or give --map, --keep or --ignore-unknown"),
                );
            }
            return;
        };
        if roles.parent && Shape::of(token) != Shape::Null {
            match json::object(token) {
                Ok(members) => {
                    for (inner, token) in members {
                        self.take_member(Some(name), &inner, token, cells, records, problems);
                    }
                }
                Err(fault) => {
                    let mut problem = row_problem(&fault);
                    problem.field = name.to_owned();
                    if problem.code == Code::NotAnObject {
                        problem.code = Code::WrongType;
                    }
                    problems.push(problem);
                }
            }
        }
        let cell = Cell::Token(token);
        if let Some(at) = roles.field {
            let bit = 1 << at;
            let by_alias = cells.by_alias & bit != 0;
            match cells.fields[at] {
                // Its own name goes before another format's name for it, where
                // that one is for another format.
                Some(_) if roles.alias && !by_alias && roles.beside => {}
                Some(_) if by_alias && !roles.alias && !self.rules.settings.more.is_empty() => {
                    cells.fields[at] = Some(cell);
                    cells.by_alias &= !bit;
                }
                known => {
                    if known.is_some() {
                        problems.push(twice(format.field_at(at).name, cell));
                    }
                    cells.fields[at] = Some(cell);
                    cells.by_alias |= if roles.alias { bit } else { 0 };
                }
            }
        }
        self.take_other_roles(&roles, cell, &mut cells.others, records, problems);
    }

    #[inline]
    fn take_other_roles<'a>(
        &self,
        roles: &Roles,
        cell: Cell<'a>,
        others: &mut Others<'a>,
        records: &mut Records,
        problems: &mut Vec<Problem>,
    ) {
        if !roles.has_others() {
            return;
        }
        if roles.raw && !matches!(cell.plain(), Ok(None)) {
            problems.push(unmended(cell, RAW));
        }
        let settings = &self.rules.settings;
        if roles.count && others.count.replace(cell).is_some() {
            problems.push(twice(COUNT, cell));
        }
        if roles.row_id && others.row_id.replace(cell).is_some() {
            let name = settings.row_id.as_deref().unwrap_or_default();
            problems.push(twice(name, cell));
        }
        let named = [
            (roles.allow, &mut others.allow, ALLOW),
            (roles.deny, &mut others.deny, DENY),
            (roles.join, &mut others.join, "the common column"),
            (roles.publisher, &mut others.publisher, IDS[0]),
        ];
        for (is, other, name) in named {
            if is && other.replace(cell).is_some() {
                problems.push(twice(name, cell));
            }
        }
        if let (Some(at), Some(choices)) = (roles.chooser, &self.rules.choices)
            && others.choosers[at].replace(cell).is_some()
        {
            problems.push(twice(&choices.columns[at], cell));
        }
        if let Some(at) = roles.keep {
            let slot = records.kept_slot(at);
            if records.pending(slot).is_some() {
                problems.push(twice(&settings.keep[at], cell));
            }
            if let Err(fault) = records.write(slot, |out| cell.write_json(out)) {
                let name = &settings.keep[at];
                problems.push(Problem::new(name, &cell.found(), fault));
            }
        }
    }

    #[allow(clippy::too_many_arguments)] // All of it is one row's.
    fn finish<'a>(
        &self,
        cells: &impl Cells<'a>,
        others: &Others<'a>,
        record: u64,
        before: usize,
        records: &mut Records,
        problems: &mut Vec<Problem>,
        notices: &mut Tally,
    ) -> Outcome {
        let (finished, due) = Reading::new(self, cells, others, records, problems).read();
        match finished {
            Some(finished) if problems.is_empty() => {
                for (notice, field) in due {
                    notices.add(notice, field, 1);
                }
                records.finish(record, finished);
                Outcome::Record
            }
            _ => {
                records.abandon(before);
                Outcome::Reject
            }
        }
    }
}

/// The members of a JSON row.
fn object(row: &[u8]) -> Result<Vec<json::Member<'_>>, Problem> {
    match std::str::from_utf8(row) {
        Ok(text) => json::object(text).map_err(|fault| {
            let problem = row_problem(&fault);
            match Damage::of_json(text) {
                Some(damage) if problem.code == Code::BadJson => Problem {
                    hint: damage.hint(Wanted::Text).into(),
                    damage: Some(damage),
                    ..problem
                },
                _ => problem,
            }
        }),
        Err(error) => Err(Problem::new("", "", not_utf8(&error))),
    }
}

/// Two members of a JSON row, spelled differently, give one thing.
fn twice(name: &str, cell: Cell<'_>) -> Problem {
    let fault = Fault::new(Code::DuplicateField, "one member for each name");
    Problem::new(name, &cell.found(), fault)
}

/// A row that is no JSON object.
pub(super) fn row_problem(fault: &json::Fault) -> Problem {
    match fault {
        json::Fault::Duplicate(name) => {
            let fault = Fault::new(Code::DuplicateField, "each name once");
            Problem::new(name, "", fault)
        }
        json::Fault::Invalid(words) => {
            Problem::row(Code::BadJson, "", "one JSON object on a line").hint(words.clone())
        }
        json::Fault::Shape(shape) => {
            Problem::row(Code::NotAnObject, shape.name(), "one JSON object on a line")
        }
        json::Fault::TooDeep => {
            let wanted = format!("at most {} levels of nesting", json::MAX_DEPTH);
            Problem::row(Code::TooDeep, "", wanted)
        }
    }
}

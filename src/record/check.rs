//! Checks one row: a record, or every problem it has.

use csv::ByteRecord;

use crate::format::{Code, Fault, Field, Format, Freshness, Kind, Notice, Source, VERSION};
use crate::json::{self, Shape};

use super::MAX_FIELDS;
use super::cell::Cell;
use super::columns::{COUNT, Plan, Roles};
use super::records::Records;
use super::reject::Problem;
use super::rules::Default;

/// What became of a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It was appended to the records.
    Record,
    /// Its problems were written down.
    Reject,
}

/// How often each notice was due, with the field it is about.
#[derive(Clone, Debug, Default)]
pub struct Tally(Vec<(&'static Notice, &'static str, u64)>);

impl Tally {
    /// Counts a notice of a field.
    pub fn add(&mut self, notice: &'static Notice, field: &'static str, count: u64) {
        let same = |entry: &&mut (&'static Notice, &'static str, u64)| {
            entry.0.code == notice.code && entry.1 == field
        };
        match self.0.iter_mut().find(same) {
            Some(entry) => entry.2 += count,
            None => self.0.push((notice, field, count)),
        }
    }

    /// Adds another tally.
    pub fn merge(&mut self, other: &Self) {
        for (notice, field, count) in &other.0 {
            self.add(notice, field, *count);
        }
    }

    /// Every notice with its field and count, in order of first appearance.
    pub fn iter(&self) -> impl Iterator<Item = &(&'static Notice, &'static str, u64)> {
        self.0.iter()
    }
}

/// The cells of one row by what they are for; it borrows the row.
struct Cells<'a> {
    fields: [Option<Cell<'a>>; MAX_FIELDS],
    count: Option<Cell<'a>>,
    row_id: Option<Cell<'a>>,
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
        if row.len() != self.columns.len() {
            let found = format!("{} cells", row.len());
            let wanted = format!("{} cells, as the header has", self.columns.len());
            problems.push(
                Problem::row(Code::WrongWidth, &found, wanted)
                    .hint("look for an unquoted delimiter, or a line end inside a value"),
            );
            return Outcome::Reject;
        }
        let before = records.bytes_used();
        records.start();
        let mut cells = Cells::none();
        for (roles, cell) in self.columns.iter().zip(row) {
            let cell = Cell::Text(cell);
            if let Some(at) = roles.field {
                cells.fields[at] = Some(cell);
            }
            self.take_other_roles(roles, cell, &mut cells, records, problems);
        }
        self.finish(&cells, record, before, records, problems, notices)
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
        let members = match std::str::from_utf8(row) {
            Ok(text) => json::object(text).map_err(|fault| row_problem(&fault)),
            Err(error) => Err(Problem::row(Code::InvalidUtf8, "", "UTF-8").hint(format!(
                "byte {} of the row is not UTF-8",
                error.valid_up_to() + 1
            ))),
        };
        let members = match members {
            Ok(members) => members,
            Err(problem) => {
                problems.push(problem);
                return Outcome::Reject;
            }
        };
        let before = records.bytes_used();
        records.start();
        let mut cells = Cells::none();
        for (name, token) in &members {
            self.take_member(name, token, true, &mut cells, records, problems);
        }
        self.finish(&cells, record, before, records, problems, notices)
    }

    fn take_member<'a>(
        &self,
        name: &str,
        token: &'a str,
        top: bool,
        cells: &mut Cells<'a>,
        records: &mut Records,
        problems: &mut Vec<Problem>,
    ) {
        let Some(roles) = self.roles(name) else {
            if !self.rules.settings.ignore_unknown {
                let wanted = format!("a field of {}", self.rules.format().id);
                problems.push(
                    Problem::new(name, token, Fault::new(Code::UnknownField, wanted))
                        .hint("rename it, or give --map, --keep or --ignore-unknown"),
                );
            }
            return;
        };
        if roles.parent && top && Shape::of(token) != Shape::Null {
            match json::object(token) {
                Ok(members) => {
                    for (name, token) in members {
                        self.take_member(&name, token, false, cells, records, problems);
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
            if cells.fields[at].is_some() {
                let field = self.rules.format().fields[at].name;
                let wanted = "one member for each field";
                problems.push(Problem::new(
                    field,
                    token,
                    Fault::new(Code::DuplicateField, wanted),
                ));
            }
            cells.fields[at] = Some(cell);
        }
        self.take_other_roles(&roles, cell, cells, records, problems);
    }

    fn take_other_roles<'a>(
        &self,
        roles: &Roles,
        cell: Cell<'a>,
        cells: &mut Cells<'a>,
        records: &mut Records,
        problems: &mut Vec<Problem>,
    ) {
        if roles.count {
            cells.count = Some(cell);
        }
        if roles.row_id {
            cells.row_id = Some(cell);
        }
        if let Some(at) = roles.keep {
            let slot = records.kept_slot(at);
            if let Err(fault) = records.write(slot, |out| cell.write_json(out)) {
                let name = &self.rules.settings.keep[at];
                problems.push(Problem::new(name, &cell.found(), fault));
            }
        }
    }

    fn finish(
        &self,
        cells: &Cells<'_>,
        record: u64,
        before: usize,
        records: &mut Records,
        problems: &mut Vec<Problem>,
        notices: &mut Tally,
    ) -> Outcome {
        let mut row = Row {
            plan: self,
            format: self.rules.format(),
            cells,
            records,
            problems,
            notices: Vec::new(),
        };
        let finished = row.layout().map(|layout| {
            row.fields(layout);
            row.row_id();
            (layout, row.count())
        });
        let due = row.notices;
        match finished {
            Some((layout, count)) if problems.is_empty() => {
                for (notice, field) in due {
                    notices.add(notice, field, 1);
                }
                records.finish(record, layout, count);
                Outcome::Record
            }
            _ => {
                records.abandon(before);
                Outcome::Reject
            }
        }
    }
}

/// A row on its way to become a record.
struct Row<'c, 'a, 'p> {
    plan: &'c Plan<'p>,
    format: &'static Format,
    cells: &'c Cells<'a>,
    records: &'c mut Records,
    problems: &'c mut Vec<Problem>,
    /// What to say if the row is not rejected after all.
    notices: Vec<(&'static Notice, &'static str)>,
}

impl Row<'_, '_, '_> {
    /// Which version the row has; `None` where it names one that is not.
    fn layout(&mut self) -> Option<usize> {
        let rules = self.plan.rules;
        let named = rules
            .version_field
            .and_then(|at| Some((&self.format.fields[at], self.cells.fields[at]?)));
        let Some((field, cell)) = named else {
            return Some(rules.default_layout());
        };
        let text = match cell.text(field, rules.settings.trim) {
            Ok(Some(text)) => text,
            Ok(None) => return Some(rules.default_layout()),
            Err(fault) => return self.refuse(VERSION, cell, fault),
        };
        let known = |layout: &crate::format::Layout| layout.version == Some(&text);
        let Some(at) = self.format.layouts.iter().position(known) else {
            let fault = Fault::new(Code::UnknownVersion, field.kind.wanted())
                .hint("write the version exactly so: 4.0, not 4");
            return self.refuse(VERSION, cell, fault);
        };
        match rules.fixed {
            Some(fixed) if fixed != at => {
                let fixed = self.format.layouts[fixed].version.unwrap_or_default();
                let fault =
                    Fault::new(Code::Conflict, format!("version {fixed}, as --format says"));
                self.refuse(VERSION, cell, fault)
            }
            _ => Some(at),
        }
    }

    fn refuse<T>(&mut self, field: &str, cell: Cell<'_>, fault: Fault) -> Option<T> {
        self.problems
            .push(Problem::new(field, &cell.found(), fault));
        None
    }

    /// Reads every field of the row's version, and refuses filled others.
    fn fields(&mut self, layout: usize) {
        let rules = self.plan.rules;
        let mask = rules.masks[layout];
        for (at, field) in self.format.fields.iter().enumerate() {
            if mask >> at & 1 == 0 {
                self.refuse_if_filled(at, field, layout);
            } else if Some(at) == rules.version_field {
                let version = self.format.layouts[layout].version.unwrap_or_default();
                self.put(at, version);
            } else {
                self.field(at, field);
            }
        }
        for (at, default) in rules.defaults.iter().enumerate() {
            if let Default::SameAs(other) = default
                && mask >> at & 1 == 1
                && self.records.pending(at).is_none()
                && self.cells.fields[at].is_none_or(|cell| self.is_absent(at, cell))
            {
                self.records.share(at, *other);
            }
        }
    }

    fn is_absent(&self, at: usize, cell: Cell<'_>) -> bool {
        let trim = self.plan.rules.settings.trim;
        matches!(cell.text(&self.format.fields[at], trim), Ok(None))
    }

    fn refuse_if_filled(&mut self, at: usize, field: &Field, layout: usize) {
        if let Some(cell) = self.cells.fields[at]
            && !self.is_absent(at, cell)
        {
            let version = self.format.layouts[layout].version.unwrap_or_default();
            let wanted = format!("no value: version {version} does not have this field");
            let fault = Fault::new(Code::NotInVersion, wanted);
            self.refuse::<()>(field.name, cell, fault);
        }
    }

    /// Reads one field: the row's value, or what stands in for it.
    fn field(&mut self, at: usize, field: &'static Field) {
        let rules = self.plan.rules;
        let filled = match self.cells.fields[at] {
            Some(cell) => match cell.text(field, rules.settings.trim) {
                Ok(text) => text.map(|text| (cell, text)),
                // An empty JSON string is no value either, where --set has one.
                Err(fault)
                    if fault.code == Code::Empty
                        && matches!(rules.defaults[at], Default::Given(_)) =>
                {
                    None
                }
                Err(fault) => {
                    self.refuse::<()>(field.name, cell, fault);
                    return;
                }
            },
            None => None,
        };
        let (cell, text) = match (&filled, &rules.defaults[at]) {
            (Some((cell, text)), _) => (*cell, text.as_ref()),
            (None, Default::Given(text)) => (Cell::Text(text.as_bytes()), text.as_str()),
            (None, Default::Made(text)) => {
                self.put(at, text);
                return;
            }
            (None, Default::SameAs(_)) => return,
            (None, Default::None) => {
                if matches!(
                    field.source,
                    Source::Required | Source::KeyId { required: true }
                ) {
                    let fault = Fault::new(Code::Missing, field.kind.wanted());
                    self.problems.push(Problem::new(field.name, "", fault));
                }
                return;
            }
        };
        if let Err(fault) = self.records.write(at, |out| field.read(text, out)) {
            self.refuse::<()>(field.name, cell, fault);
            return;
        }
        if field.omit.map(str::as_bytes) == self.records.pending(at) {
            self.records.clear_slot(at);
        }
        if let Some(notice) = field.notice.and_then(|notice| notice(text)) {
            self.notices.push((notice, field.name));
        }
        if let Kind::Time(unit) = field.kind {
            self.check_time(field, cell, text, unit.in_millis());
        }
    }

    fn put(&mut self, at: usize, text: &str) {
        let write = |out: &mut Vec<u8>| {
            out.extend_from_slice(text.as_bytes());
            Ok::<(), std::convert::Infallible>(())
        };
        match self.records.write(at, write) {
            Ok(()) => {}
        }
    }

    /// A row's own time must lie within what the vendor documents.
    fn check_time(&mut self, field: &Field, cell: Cell<'_>, text: &str, millis: u64) {
        let rules = self.plan.rules;
        let time = text.parse::<u64>().unwrap_or(0).saturating_mul(millis);
        let fault = if field.source == Source::Expiry {
            let expired = time <= rules.settings.timestamp && !rules.settings.allow_stale;
            expired.then(|| {
                Fault::new(Code::Stale, "an expiry after the run's timestamp")
                    .hint("--allow-stale signs it all the same")
            })
        } else {
            let (earliest, latest) = rules.time_bounds();
            if time > latest {
                Some(
                    Fault::new(Code::Future, "a time not after the run's timestamp").hint(
                        "no vendor documents a tolerance; --allow-future signs it all the same",
                    ),
                )
            } else if time < earliest {
                let wanted = match self.format.freshness {
                    Freshness::Documented { millis } => format!(
                        "a time at most {} hours before the run's timestamp",
                        millis / 3_600_000
                    ),
                    _ => "the present: how long such a signature lives is not published".into(),
                };
                Some(Fault::new(Code::Stale, wanted).hint("--allow-stale signs it all the same"))
            } else {
                None
            }
        };
        if let Some(fault) = fault {
            self.refuse::<()>(field.name, cell, fault);
        }
    }

    fn row_id(&mut self) {
        let Some(column) = &self.plan.rules.settings.row_id else {
            return;
        };
        let missing = || Fault::new(Code::Missing, "a row id");
        let text = match self.cells.row_id {
            None => Err((Cell::Text(b""), missing())),
            Some(cell) => match cell.plain() {
                Ok(Some(text)) => Ok(text),
                Ok(None) => Err((cell, missing())),
                Err(fault) => Err((cell, fault)),
            },
        };
        match text {
            Ok(text) => {
                let slot = self.records.row_id_slot();
                self.put(slot, &text);
            }
            Err((cell, fault)) => {
                self.refuse::<()>(column, cell, fault);
            }
        }
    }

    /// How many records the row becomes, from 1.
    fn count(&mut self) -> u64 {
        let count = match self.cells.count {
            Some(cell) => match cell.plain() {
                Ok(Some(text)) => {
                    let kind = Kind::Integer {
                        min: 1,
                        max: 1_000_000_000,
                    };
                    match kind.read(&text, &mut Vec::new()) {
                        Ok(()) => text.parse().unwrap_or(1),
                        Err(fault) => {
                            self.refuse::<()>(COUNT, cell, fault);
                            return 1;
                        }
                    }
                }
                Ok(None) => self.plan.rules.settings.count,
                Err(fault) => {
                    self.refuse::<()>(COUNT, cell, fault);
                    return 1;
                }
            },
            None => self.plan.rules.settings.count,
        };
        if count > 1 {
            self.check_copies(count);
        }
        count
    }

    /// Copies differ in what is derived for them, so the row must not bring it.
    fn check_copies(&mut self, count: u64) {
        let found = count.to_string();
        let refuse = |wanted: &'static str| {
            Problem::new(COUNT, &found, Fault::new(Code::Conflict, wanted))
                .hint("remove the value, or the count")
        };
        match self.plan.rules.nonce_field {
            None => self.problems.push(refuse(
                "1: the format has no nonce, copies would be the same",
            )),
            Some(nonce) if self.records.pending(nonce).is_some() => self
                .problems
                .push(refuse("1, because the row brings its own nonce")),
            Some(_) => {}
        }
        for (at, field) in self.format.fields.iter().enumerate() {
            if let (Some(wrapping), Some(text)) = (field.wrapped, self.records.pending(at))
                && let Ok(text) = std::str::from_utf8(text)
                && !(wrapping.lacks_id)(text)
            {
                self.problems.push(refuse(
                    "1, because the row brings an id that must be unique",
                ));
            }
        }
    }
}

impl Cells<'_> {
    fn none() -> Self {
        Self {
            fields: [None; MAX_FIELDS],
            count: None,
            row_id: None,
        }
    }
}

/// A row that is no JSON object.
fn row_problem(fault: &json::Fault) -> Problem {
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

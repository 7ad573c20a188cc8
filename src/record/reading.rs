//! Reads the cells of one row against the rules: version, fields, times,
//! copies. Every problem is written down; nothing stops at the first.

use crate::damage::{decimal_zero, is_rounded};
use crate::format::{Code, Fault, Field, Format, Freshness, Kind, Notice, Source, VERSION};

use super::cell::{Cell, is_tight};
use super::cells::{Cells, Others};
use super::columns::{COUNT, Plan};
use super::records::{Finished, Met, Records};
use super::reject::Problem;
use super::rules::Default;
use super::steps::{Step, What};

/// A row on its way to become a record.
pub(super) struct Reading<'c, 'a, 'p, C> {
    pub(super) plan: &'c Plan<'p>,
    pub(super) format: &'static Format,
    pub(super) cells: &'c C,
    pub(super) others: &'c Others<'a>,
    pub(super) records: &'c mut Records,
    pub(super) problems: &'c mut Vec<Problem>,
    /// What to say if the row is not rejected after all.
    notices: Vec<Due>,
}

/// An integer may have lost digits before it came here, and nobody can tell.
static ROUNDED: Notice = Notice {
    code: "rounded_number",
    says: "integers above 2^53 that end in zeros: a spreadsheet keeps 15 digits, JavaScript and jq 17",
};

/// A notice that is due, with its field.
pub(super) type Due = (&'static Notice, &'static str);

impl<'c, 'a, 'p, C: Cells<'a>> Reading<'c, 'a, 'p, C> {
    /// Starts reading a row's cells.
    pub(super) fn new(
        plan: &'c Plan<'p>,
        cells: &'c C,
        others: &'c Others<'a>,
        records: &'c mut Records,
        problems: &'c mut Vec<Problem>,
    ) -> Self {
        Self {
            plan,
            format: plan.rules.format(),
            cells,
            others,
            records,
            problems,
            notices: Vec::new(),
        }
    }

    /// Reads everything: the layout and the count, unless the version is none
    /// that is known, and what there is to say if the row is not rejected.
    pub(super) fn read(mut self) -> (Option<Finished>, Vec<Due>) {
        let finished = self.layout().map(|layout| {
            self.fields(layout);
            self.row_id();
            let met = self.met();
            Finished {
                layout,
                count: self.count(met),
                key: self.key(),
                met,
            }
        });
        (finished, self.notices)
    }

    /// Which version the row has; `None` where it names one that is not.
    fn layout(&mut self) -> Option<usize> {
        let rules = self.plan.rules;
        let named = rules
            .version_field
            .and_then(|at| Some((&self.format.fields[at], self.cells.field(at)?)));
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
        if let Some(known) = rules.is_shapeless(at) {
            let shape = &rules.settings.shape;
            let wanted = format!("a version that has the shape {shape}: {known}");
            return self.refuse(VERSION, cell, Fault::new(Code::UnknownVersion, wanted));
        }
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

    pub(super) fn refuse<T>(&mut self, field: &str, cell: Cell<'_>, fault: Fault) -> Option<T> {
        self.problems
            .push(Problem::new(field, &cell.found(), fault));
        None
    }

    /// Reads every field of the row's version, and refuses filled others.
    fn fields(&mut self, layout: usize) {
        let plan = self.plan;
        let steps = &plan.steps[layout];
        for &Step {
            at,
            field,
            ref what,
        } in &steps.fields
        {
            match what {
                What::Foreign => {
                    let version = self.format.layouts[layout].version.unwrap_or_default();
                    let wanted = format!("no value: version {version} does not have this field");
                    self.refuse_if_filled(at, field, Fault::new(Code::NotInVersion, wanted));
                }
                What::Given => {
                    let fault = Fault::new(Code::Conflict, "no value: the publishers give it")
                        .hint("remove the value, or the publishers' column");
                    self.refuse_if_filled(at, field, fault);
                }
                What::Version => {
                    let version = self.format.layouts[layout].version.unwrap_or_default();
                    self.put(at, version);
                }
                What::Own => self.field(at, field),
            }
        }
        for &(at, other) in &steps.same {
            if self.records.pending(at).is_none()
                && self
                    .cells
                    .field(at)
                    .is_none_or(|cell| self.is_absent(at, cell))
            {
                self.records.share(at, other);
            }
        }
    }

    fn is_absent(&self, at: usize, cell: Cell<'_>) -> bool {
        let trim = self.plan.rules.settings.trim;
        matches!(cell.text(self.format.field_at(at), trim), Ok(None))
    }

    fn refuse_if_filled(&mut self, at: usize, field: &Field, fault: Fault) {
        if let Some(cell) = self.cells.field(at)
            && !self.is_absent(at, cell)
        {
            self.refuse::<()>(field.name, cell, fault);
        }
    }

    /// Reads one field: the row's value, or what stands in for it.
    #[inline]
    fn field(&mut self, at: usize, field: &'static Field) {
        let cell = self.cells.field(at);
        match (cell, &self.plan.rules.defaults[at]) {
            // Most cells are their field's text as they stand.
            (Some(Cell::Utf8(text)), _) if is_tight(text) => {
                self.value(at, field, Cell::Utf8(text), text);
            }
            (None, Default::Made(text)) => self.put(at, text),
            _ => self.field_of(at, field, cell),
        }
    }

    fn field_of(&mut self, at: usize, field: &'static Field, cell: Option<Cell<'a>>) {
        let rules = self.plan.rules;
        let filled = match cell {
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
            (None, Default::Given(text)) => (Cell::Utf8(text), text.as_str()),
            (None, Default::Made(text)) => {
                self.put(at, text);
                return;
            }
            (None, Default::SameAs(_)) => return,
            (None, Default::None) => {
                // The key may have its own id to give.
                let waits = rules.choices.is_some() && field.selects.is_some();
                if rules.demands(field) && !(waits && Some(at) == self.key_id()) {
                    let fault = Fault::new(Code::Missing, field.kind.wanted());
                    self.problems.push(Problem::new(field.name, "", fault));
                }
                return;
            }
        };
        self.value(at, field, cell, text);
    }

    /// Takes in a field's text, where it is sound.
    #[inline]
    pub(super) fn value(&mut self, at: usize, field: &'static Field, cell: Cell<'_>, text: &str) {
        if let Err(fault) = self.records.write(at, |out| field.read(text, out)) {
            match self.without_zeros(&fault, text) {
                Some(digits) => self.value(at, field, cell, digits),
                None => {
                    self.refuse::<()>(field.name, cell, fault);
                }
            }
            return;
        }
        // Longer integers than a float holds are so rare that they cost nothing.
        if text.len() > 15 && matches!(field.kind, Kind::Integer { .. }) && is_rounded(text) {
            self.notices.push((&ROUNDED, field.name));
        }
        if let Some(omit) = field.omit
            && self.records.pending(at) == Some(omit.as_bytes())
        {
            self.records.clear_slot(at);
        }
        if let Some(notice) = field.notice.and_then(|notice| notice(text)) {
            self.notices.push((notice, field.name));
        }
        if let Kind::Time(unit) = field.kind {
            self.check_time(field, cell, text, unit.in_millis());
        }
    }

    /// The digits of a refused integer that has only zeros behind its point,
    /// where that is accepted.
    fn without_zeros<'t>(&self, fault: &Fault, text: &'t str) -> Option<&'t str> {
        let is_accepted = self.plan.rules.settings.accept_decimal_zero;
        (is_accepted && fault.code == Code::DecimalForm)
            .then(|| decimal_zero(text))
            .flatten()
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
        let text = match self.others.row_id {
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
    fn count(&mut self, met: Met) -> u64 {
        let count = match self.others.count {
            Some(cell) => match cell.plain() {
                Ok(Some(text)) => {
                    let kind = Kind::Integer {
                        min: 1,
                        max: 1_000_000_000,
                    };
                    let read = |text: &str| kind.read(text, &mut Vec::new());
                    let read = read(&text).map(|()| &*text).or_else(|fault| {
                        let digits = self.without_zeros(&fault, &text);
                        digits.map_or(Err(fault), |digits| read(digits).map(|()| digits))
                    });
                    match read {
                        Ok(digits) => digits.parse().unwrap_or(1),
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
        let beside = self.plan.rules.settings.more.len() as u64 + 1;
        let of_all = count.saturating_mul(beside);
        if of_all > 1 || !matches!(met, Met::Alone) {
            self.check_copies(count, of_all);
        }
        count
    }

    /// Copies differ in what is derived for them, so the row must not bring it.
    fn check_copies(&mut self, count: u64, of_all: u64) {
        let found = of_all.to_string();
        let refuse = |wanted: &'static str| {
            Problem::new(COUNT, &found, Fault::new(Code::Conflict, wanted))
                .hint("remove the value, or sign the row once")
        };
        match self.plan.rules.nonce_field {
            None if count == 1 => {}
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

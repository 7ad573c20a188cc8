//! What a row meets: its publishers, and the key that signs it; and what a
//! publisher itself gives.

use crate::format::{Code, Fault, Field, Selector};

use super::cell::Cell;
use super::cells::Cells;
use super::choice::Says;
use super::publishers::{ALLOW, DENY, Publishers};
use super::reading::Reading;
use super::records::Met;
use super::reject::Problem;

impl<'a, C: Cells<'a>> Reading<'_, 'a, '_, C> {
    /// Reads what a publisher gives: a bit for each field that it can give.
    pub(super) fn read_publisher(mut self) -> u64 {
        let mut given = 0;
        let rules = self.plan.rules;
        for (at, field) in rules.fields() {
            let Some(cell) = self.cells.field(at) else {
                continue;
            };
            if self.plan.rules.is_own_of_rows(at) {
                let fault = Fault::new(Code::Conflict, "no value: only a campaign's row gives it")
                    .hint("remove the member from the publishers");
                self.refuse::<()>(field.name, cell, fault);
                continue;
            }
            given |= 1 << at;
            match cell.text(field, self.plan.rules.settings.trim) {
                Ok(Some(text)) => self.value(at, field, cell, &text),
                Ok(None) if self.plan.rules.demands(field) => {
                    let fault = Fault::new(Code::Missing, field.kind.wanted());
                    self.refuse::<()>(field.name, cell, fault);
                }
                Ok(None) => {}
                Err(fault) => {
                    self.refuse::<()>(field.name, cell, fault);
                }
            }
        }
        given
    }

    /// The place of the field that holds the key's id.
    pub(super) fn key_id(&self) -> Option<usize> {
        self.format.key_id().map(|(at, _)| at)
    }

    /// Which publishers the row meets.
    pub(super) fn met(&mut self) -> Met {
        let Some(publishers) = self.plan.rules.publishers.as_deref() else {
            return Met::Alone;
        };
        let allowed = self.named(ALLOW, self.others.allow, publishers);
        let denied = self.named(DENY, self.others.deny, publishers);
        let group = self.group(publishers);
        let all = publishers.len();
        let met = match (group, allowed, denied) {
            (None, None, None) => Met::All(all),
            (Some((start, end)), None, None) => Met::Group(start, end),
            (None, None, Some(denied)) => {
                let (start, end) = self.records.name(&denied);
                Met::AllBut(all, start, end)
            }
            (group, allowed, denied) => {
                let is_denied = |at: &u32| {
                    let denied = denied.as_ref();
                    denied.is_some_and(|denied| denied.binary_search(at).is_ok())
                };
                let in_group = group.map(|(start, end)| publishers.members(start, end));
                let met: Vec<u32> = match (allowed, in_group) {
                    (Some(allowed), Some(group)) => {
                        let is_in = |at: &u32| group.binary_search(at).is_ok();
                        allowed.into_iter().filter(is_in).collect()
                    }
                    (Some(allowed), None) => allowed,
                    (None, group) => group.unwrap_or_default().to_vec(),
                };
                let met: Vec<u32> = met.into_iter().filter(|at| !is_denied(at)).collect();
                let (start, end) = self.records.name(&met);
                Met::Named(start, end)
            }
        };
        if met.is_none() {
            let fault = Fault::new(Code::NoPublisher, "a row that meets at least one publisher");
            self.problems.push(
                Problem::new("", "", fault)
                    .hint("mend its lists of publishers, or the column they have in common"),
            );
        }
        met
    }

    /// The places of the publishers that a cell names.
    fn named(
        &mut self,
        name: &str,
        cell: Option<Cell<'_>>,
        publishers: &Publishers,
    ) -> Option<Vec<u32>> {
        let cell = cell?;
        let list = match cell.list() {
            Ok(list) => list?,
            Err(fault) => return self.refuse(name, cell, fault),
        };
        match publishers.places(&list) {
            Ok(places) => Some(places),
            Err(unknown) => {
                let fault =
                    Fault::new(Code::UnknownPublisher, "names of publishers that there are")
                        .hint("names are separated by spaces, commas, semicolons or bars");
                self.problems.push(Problem::new(name, unknown, fault));
                None
            }
        }
    }

    /// The publishers of the row's value in the common column.
    fn group(&mut self, publishers: &Publishers) -> Option<(u32, u32)> {
        let meeting = self.plan.rules.settings.meeting.as_ref()?;
        let join = meeting.join.as_ref()?;
        let missing = || Fault::new(Code::Missing, "a value that publishers have");
        let (cell, fault) = match self.others.join {
            None => (Cell::Text(b""), missing()),
            Some(cell) => match cell.plain() {
                // A value that no publisher has is met by none.
                Ok(Some(value)) => return Some(publishers.group(&value).unwrap_or((0, 0))),
                Ok(None) => (cell, missing()),
                Err(fault) => (cell, fault),
            },
        };
        self.refuse(join, cell, fault)
    }

    /// The key that signs the row, which may have its id to give.
    pub(super) fn key(&mut self) -> u16 {
        let plan = self.plan;
        let Some(choices) = &plan.rules.choices else {
            return 0;
        };
        // A row with other problems may miss the very field that selects.
        if !self.problems.is_empty() {
            return 0;
        }
        let time = plan.rules.settings.timestamp;
        let chosen = choices.choose(self.format, &*self, time);
        let key = match chosen {
            Ok(key) => key,
            Err(fault) => {
                let selects = self.format.fields.iter().find(|f| f.selects.is_some());
                let field = selects.map_or("", |field| field.name);
                let found = selects.and_then(|field| self.says(field)).unwrap_or("");
                let problem = Problem::new(field, found, *fault);
                self.problems.push(problem);
                return 0;
            }
        };
        if let Some(at) = self.key_id()
            && self.records.pending(at).is_none()
        {
            let field = &self.format.fields[at];
            match choices.get(key).id_for_rows(field.selects) {
                Some(id) => {
                    let id = id.to_owned();
                    self.value(at, field, Cell::Utf8(&id), &id);
                }
                None if self.plan.rules.demands(field) => {
                    let fault = Fault::new(Code::Missing, field.kind.wanted())
                        .hint("give the key a key-id in the key ring, or the row one");
                    self.problems.push(Problem::new(field.name, "", fault));
                }
                None => {}
            }
        }
        key
    }

    fn says(&self, field: &Field) -> Option<&str> {
        let (at, _) = self.format.field(field.name)?;
        self.records
            .pending(at)
            .and_then(|bytes| std::str::from_utf8(bytes).ok())
    }
}

impl<'a, C: Cells<'a>> Says for Reading<'_, 'a, '_, C> {
    fn field(&self, selector: Selector) -> Option<&str> {
        let (_, field) = self.format.selector(selector)?;
        self.says(field)
    }

    fn column(&self, at: usize) -> Option<&str> {
        match self.others.choosers[at]? {
            Cell::Text(bytes) => std::str::from_utf8(bytes).ok(),
            Cell::Utf8(text) => Some(text),
            // A value with escapes selects nothing: keys are not called so.
            Cell::Token(token) => token
                .strip_prefix('"')
                .and_then(|token| token.strip_suffix('"'))
                .or(Some(token)),
        }
    }
}

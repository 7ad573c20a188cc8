//! Which key signs a row: what is known of the run's keys, matched with what
//! the row says. It must not know keys, only their names and what selects
//! them.

use std::collections::HashMap;

use crate::format::{Code, Fault, Format, KeyUse, Selector};

use super::columns::same_name;

/// One key, by what selects it.
#[derive(Clone, Debug, Default)]
pub struct Choice {
    /// Its name.
    pub id: String,
    /// What it is for.
    pub uses: Vec<KeyUse>,
    /// Values of fields that select it: a row must have one of each.
    pub fields: Vec<(Selector, Vec<String>)>,
    /// A column of the row that selects it, and its values.
    pub column: Option<(String, Vec<String>)>,
    /// The key's id, for rows that have none.
    pub key_id: Option<String>,
    /// It signs nothing before this time, in milliseconds since 1970.
    pub not_before: Option<u64>,
    /// It signs nothing from this time on, in milliseconds since 1970.
    pub not_after: Option<u64>,
}

/// The keys of a run.
#[derive(Clone, Debug, Default)]
pub struct Choices {
    all: Vec<Choice>,
    /// Where a value of a field leads to, by each key's first kind of field.
    by_value: HashMap<(Selector, String), Vec<u16>>,
    /// The keys that no field's value leads to.
    others: Vec<u16>,
    /// The columns that select keys.
    pub(super) columns: Vec<String>,
}

/// How many columns may select keys.
pub(super) const MOST_COLUMNS: usize = 4;

/// How many keys a message names.
const MOST_NAMES: usize = 8;

/// The keys that fit a row: those that name what they are for, and those for
/// all the rest; of each one that is not valid, and whether it is not yet.
#[derive(Default)]
struct Found {
    named: Vec<u16>,
    named_expired: Option<(u16, bool)>,
    rest: Vec<u16>,
    rest_expired: Option<(u16, bool)>,
}

impl Found {
    fn has(&self, at: u16) -> bool {
        self.named.contains(&at) || self.rest.contains(&at)
    }

    fn take(&mut self, at: u16, choice: &Choice, time: u64) {
        let is_early = choice.not_before.is_some_and(|from| time < from);
        let is_late = choice.not_after.is_some_and(|until| time >= until);
        let is_named = !choice.fields.is_empty() || choice.column.is_some();
        let (fitting, expired) = match is_named {
            true => (&mut self.named, &mut self.named_expired),
            false => (&mut self.rest, &mut self.rest_expired),
        };
        match is_early || is_late {
            true => *expired = Some((at, is_early)),
            false => fitting.push(at),
        }
    }
}

/// What a row says that may select a key.
pub(super) trait Says {
    /// The value of a field.
    fn field(&self, selector: Selector) -> Option<&str>;
    /// The value of a column, by its place in [`Choices::columns`].
    fn column(&self, at: usize) -> Option<&str>;
}

impl Choices {
    /// The keys of a run, each with its place.
    ///
    /// # Errors
    /// The number of columns, where more select keys than can.
    pub fn new(all: Vec<Choice>) -> Result<Self, usize> {
        let mut this = Self::default();
        for (at, choice) in all.iter().enumerate() {
            // A ring has far fewer keys.
            let at = u16::try_from(at).map_err(|_| all.len())?;
            match choice.fields.first() {
                Some((selector, values)) => {
                    for value in values {
                        let to = this.by_value.entry((*selector, value.clone()));
                        to.or_default().push(at);
                    }
                }
                None => this.others.push(at),
            }
            if let Some((column, _)) = &choice.column
                && !this.columns.iter().any(|known| same_name(known, column))
            {
                this.columns.push(column.clone());
            }
        }
        if this.columns.len() > MOST_COLUMNS {
            return Err(this.columns.len());
        }
        this.all = all;
        Ok(this)
    }

    /// The key at this place.
    pub(super) fn get(&self, at: u16) -> &Choice {
        &self.all[usize::from(at)]
    }

    /// Every key, in its place.
    pub fn iter(&self) -> impl Iterator<Item = &Choice> {
        self.all.iter()
    }

    /// The one key that signs records of this format for a row that says so,
    /// at a time in milliseconds.
    ///
    /// # Errors
    /// None fits, or more than one.
    pub(super) fn choose(
        &self,
        format: &Format,
        says: &impl Says,
        time: u64,
    ) -> Result<u16, Box<Fault>> {
        let id = format.key_id().and_then(|(_, field)| field.selects);
        let is_id = |selector: Selector| Some(selector) == id;
        let mut found = Found::default();
        let mut take = |at: u16| {
            let choice = self.get(at);
            if !found.has(at) && self.fits(choice, format, says) {
                found.take(at, choice, time);
            }
        };
        self.others.iter().copied().for_each(&mut take);
        for selector in Selector::ALL {
            if let Some(value) = says.field(*selector)
                && let Some(keys) = self.by_value.get(&(*selector, value.to_owned()))
            {
                keys.iter().copied().for_each(&mut take);
            } else if is_id(*selector) && says.field(*selector).is_none() {
                // A row without a key's id takes it from the key.
                let first = |(_, choice): &(usize, &Choice)| {
                    choice.fields.first().is_some_and(|(s, _)| s == selector)
                };
                let keys = self.all.iter().enumerate().filter(first);
                // The places were counted in 16 bits when they were taken.
                keys.for_each(|(at, _)| take(at as u16));
            }
        }
        // A key that names what it is for goes before one for all the rest,
        // even where it is not valid: the other would sign what is not its own.
        let (fitting, expired) = match found.named.is_empty() && found.named_expired.is_none() {
            true => (found.rest, found.rest_expired),
            false => (found.named, found.named_expired),
        };
        match (&fitting[..], expired) {
            ([only], _) => Ok(*only),
            ([], Some((at, is_early))) => Err(Box::new(self.invalid(at, is_early))),
            ([], None) => Err(Box::new(self.none())),
            (several, _) => Err(Box::new(self.ambiguous(several))),
        }
    }

    /// The keys that may have signed a record, whose fields are all that is
    /// known of its row: a column that selects a key cannot be seen, and when
    /// a key was valid is no matter. Those that a row could not have chosen are
    /// left out.
    pub fn candidates<'v>(
        &self,
        format: &Format,
        field: impl Fn(Selector) -> Option<&'v str>,
    ) -> Vec<u16> {
        let id = format.key_id().and_then(|(_, field)| field.selects);
        let own_id = id.and_then(&field);
        let mut all: Vec<u16> = self.others.clone();
        for selector in Selector::ALL {
            let Some(value) = field(*selector) else {
                continue;
            };
            if let Some(keys) = self.by_value.get(&(*selector, value.to_owned())) {
                all.extend(keys);
            }
        }
        if let Some(own_id) = own_id {
            // The id may be the one that the key gave.
            let gives = |choice: &Choice| choice.key_id.as_deref() == Some(own_id);
            let keys = self.all.iter().enumerate().filter(|(_, c)| gives(c));
            // The places were counted in 16 bits when they were taken.
            all.extend(keys.map(|(at, _)| at as u16));
        }
        all.sort_unstable();
        all.dedup();
        all.retain(|at| self.may_have_signed(self.get(*at), format, (id, own_id), &field));
        // A key for all the rest signs nothing that another names; but a
        // row may have had no id before that key gave it its own.
        let is_named = |by_id: bool| {
            let names = |(selector, _): &(Selector, Vec<String>)| by_id || Some(*selector) != id;
            let names = |at: &u16| {
                let choice = self.get(*at);
                choice.column.is_none() && choice.fields.iter().any(names)
            };
            all.iter().any(names)
        };
        let (by_any, by_other) = (is_named(true), is_named(false));
        all.retain(|at| {
            let choice = self.get(*at);
            let is_for_rest = choice.fields.is_empty() && choice.column.is_none();
            !is_for_rest || !by_any || (!by_other && choice.key_id.is_some())
        });
        all
    }

    fn may_have_signed<'v>(
        &self,
        choice: &Choice,
        format: &Format,
        (id, own_id): (Option<Selector>, Option<&str>),
        field: &impl Fn(Selector) -> Option<&'v str>,
    ) -> bool {
        let own = |value: &str| choice.key_id.as_deref() == Some(value);
        let by_fields = choice.fields.iter().all(|(selector, values)| {
            let is_id = Some(*selector) == id;
            match field(*selector) {
                Some(value) => values.iter().any(|own| own == value) || (is_id && own(value)),
                None => is_id,
            }
        });
        // A row without an id has that of the key, if it has one.
        let by_id = match (own_id, &choice.key_id) {
            (Some(value), Some(_)) => {
                own(value) || choice.fields.iter().any(|(s, _)| Some(*s) == id)
            }
            _ => true,
        };
        let selects = |(selector, _): &(Selector, Vec<String>)| field(*selector).is_some();
        let is_chosen = choice.fields.is_empty()
            || choice.column.is_some()
            || choice.fields.iter().any(selects);
        choice.uses.contains(&format.key) && by_fields && by_id && is_chosen
    }

    fn invalid(&self, at: u16, is_early: bool) -> Fault {
        let when = if is_early { "not valid yet" } else { "expired" };
        let wanted = format!(
            "a key that is valid at the run's timestamp; {} is {when}",
            self.get(at).id
        );
        Fault::new(Code::KeyExpired, wanted)
            .hint("renew the key, or mend its not-before and not-after")
    }

    fn none(&self) -> Fault {
        let known = self.names(0..self.all.len());
        Fault::new(
            Code::NoKey,
            format!("a row that selects one of the keys {known}"),
        )
        .hint("mend the row, or add a key for it to the key ring")
    }

    fn ambiguous(&self, several: &[u16]) -> Fault {
        let known = self.names(several.iter().map(|at| usize::from(*at)));
        Fault::new(
            Code::AmbiguousKey,
            format!("a row that selects one key; {known} all fit"),
        )
        .hint("give the keys selectors that exclude each other")
    }

    /// Names of keys, as many as are read with patience.
    fn names(&self, places: impl Iterator<Item = usize>) -> String {
        let names: Vec<&str> = places.map(|at| self.all[at].id.as_str()).collect();
        match names.get(..MOST_NAMES) {
            Some(first) => format!("{} and {} more", first.join(", "), names.len() - MOST_NAMES),
            None => names.join(", "),
        }
    }

    fn fits(&self, choice: &Choice, format: &Format, says: &impl Says) -> bool {
        if !choice.uses.contains(&format.key) {
            return false;
        }
        let id = format.key_id().and_then(|(_, field)| field.selects);
        let is_id = |selector: Selector| Some(selector) == id;
        let by_fields = choice.fields.iter().all(|(selector, values)| {
            match (says.field(*selector), *selector) {
                (Some(value), _) => values.iter().any(|own| own == value),
                (None, selector) => is_id(selector),
            }
        });
        // The id that a key gives to rows without one is its own.
        let by_id = match (id.and_then(|id| says.field(id)), &choice.key_id) {
            (Some(value), Some(own)) => {
                value == own || choice.fields.iter().any(|(s, _)| is_id(*s))
            }
            _ => true,
        };
        let by_column = choice.column.as_ref().is_none_or(|(column, values)| {
            let at = self.columns.iter().position(|own| same_name(own, column));
            at.and_then(|at| says.column(at))
                .is_some_and(|value| values.iter().any(|own| own == value))
        });
        // Something the row says must select the key, if anything does: that a
        // row has no key's id is no choice.
        let selects = |(selector, _): &(Selector, Vec<String>)| says.field(*selector).is_some();
        let is_for_all = choice.fields.is_empty() && choice.column.is_none();
        let is_chosen = choice.column.is_some() || choice.fields.iter().any(selects);
        by_fields && by_id && by_column && (is_for_all || is_chosen)
    }
}

impl Choice {
    /// The id for rows that have none: the one given, or the only one that
    /// selects it.
    pub(super) fn id_for_rows(&self, selector: Option<Selector>) -> Option<&str> {
        let own = || {
            let ids = self.fields.iter().find(|(s, _)| Some(*s) == selector);
            match ids.map(|(_, ids)| &ids[..]) {
                Some([only]) => Some(only.as_str()),
                _ => None,
            }
        };
        self.key_id.as_deref().or_else(own)
    }
}

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
        let mut fitting = Vec::new();
        let mut expired = None;
        let mut take = |at: u16| {
            let choice = self.get(at);
            if fitting.contains(&at) || !self.fits(choice, format, says) {
                return;
            }
            let early = choice.not_before.is_some_and(|from| time < from);
            let late = choice.not_after.is_some_and(|until| time >= until);
            match early || late {
                true => expired = Some((choice, early)),
                false => fitting.push(at),
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
        match (&fitting[..], expired) {
            ([only], _) => Ok(*only),
            ([], Some((choice, early))) => {
                let when = if early { "not valid yet" } else { "expired" };
                Err(Box::new(
                    Fault::new(
                        Code::KeyExpired,
                        format!(
                            "a key that is valid at the run's timestamp; {} is {when}",
                            choice.id
                        ),
                    )
                    .hint("renew the key, or mend its not-before and not-after"),
                ))
            }
            ([], None) => {
                let known: Vec<&str> = self.all.iter().map(|choice| choice.id.as_str()).collect();
                let mut known = known.join(", ");
                if let Some((cut, _)) = known.char_indices().nth(120) {
                    known.truncate(cut);
                    known.push('…');
                }
                Err(Box::new(
                    Fault::new(
                        Code::NoKey,
                        format!("a row that selects one of the keys {known}"),
                    )
                    .hint("mend the row, or add a key for it to the key ring"),
                ))
            }
            (several, _) => {
                let ids: Vec<&str> = several.iter().map(|at| self.get(*at).id.as_str()).collect();
                Err(Box::new(
                    Fault::new(
                        Code::AmbiguousKey,
                        format!("a row that selects one key; {} all fit", ids.join(", ")),
                    )
                    .hint("give the keys selectors that exclude each other"),
                ))
            }
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
        by_fields && by_id && by_column
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

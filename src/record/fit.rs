//! Whether a header fits: every column has one use, and everything that must
//! be given is.

use crate::format::Source;

use super::columns::{Plan, Roles, Side, nearest, same_name};
use super::plan_error::PlanError;
use super::rules::Default;

impl Plan<'_> {
    /// A column that has a field's own name leaves no use for one that has
    /// only another format's name for it.
    pub(super) fn drop_aliases(&mut self) {
        for at in 0..self.columns.len() {
            let Roles { field, alias, .. } = self.columns[at];
            let has_own = |other: &Roles| other.field == field && !other.alias;
            if field.is_some() && alias && self.columns.iter().any(has_own) {
                (self.columns[at].field, self.columns[at].alias) = (None, false);
            }
        }
    }

    /// One column whose name holds a delimiter is a file with another one.
    pub(super) fn check_delimiter(&self) -> Result<(), PlanError> {
        // The delimiter itself may have divided that line.
        let note = match &self.names[..] {
            [line] => Some(line.clone()),
            [line, rest] if rest.is_empty() => Some(line.clone()),
            _ => None,
        };
        if let Some(line) = note.filter(|line| line.to_lowercase().starts_with("sep=")) {
            return Err(PlanError::SepLine { line });
        }
        let [column] = &self.names[..] else {
            return Ok(());
        };
        let used = self.columns[0] != Roles::default();
        match column.chars().find(|c| ",;\t|".contains(*c)) {
            Some(delimiter) if !used => Err(PlanError::WrongDelimiter {
                column: column.clone(),
                delimiter,
            }),
            _ => Ok(()),
        }
    }

    /// Every column the settings name must be there.
    pub(super) fn check_named(&self) -> Result<(), PlanError> {
        let settings = self.rules.settings();
        let publishers = self.rules.publishers.as_deref();
        let elsewhere = |at: usize| publishers.is_some_and(|publishers| publishers.keeps(at));
        let keep = settings.keep.iter().enumerate();
        let keep = keep.filter(|(at, _)| !elsewhere(*at));
        let join = settings
            .meeting
            .as_ref()
            .and_then(|meeting| meeting.join.as_ref());
        let columns = self.rules.choices.iter().flat_map(|keys| &keys.columns);
        let maps = settings
            .maps
            .iter()
            .filter(|(field, _)| !self.is_given_beside(field));
        let named = maps
            .map(|(_, column)| (column, "--map"))
            .chain(keep.map(|(_, column)| (column, "--keep")))
            .chain(settings.row_id.iter().map(|column| (column, "--row-id")))
            .chain(join.map(|column| (column, "--join")))
            .chain(columns.map(|column| (column, "the key ring")));
        for (column, option) in named {
            self.check_column(column, option)?;
        }
        Ok(())
    }

    /// A column that an option names must be there.
    fn check_column(&self, column: &str, option: &'static str) -> Result<(), PlanError> {
        if self.names.iter().any(|name| same_name(name, column)) {
            return Ok(());
        }
        let names = self.names.iter().map(String::as_str);
        Err(PlanError::NoColumn {
            column: column.to_owned(),
            option,
            nearest: nearest(column, names).map(str::to_owned),
        })
    }

    /// Whether publishers give the field of this name.
    fn is_given_beside(&self, name: &str) -> bool {
        self.rules
            .field_of(name)
            .is_some_and(|at| self.rules.is_given(at))
    }

    /// What publishers give, no column of a row gives as well.
    pub(super) fn check_given_beside(&self) -> Result<(), PlanError> {
        let Some(publishers) = &self.rules.publishers else {
            return Ok(());
        };
        for (name, roles) in self.names.iter().zip(&self.columns) {
            let field = roles.field.is_some_and(|at| self.rules.is_given(at));
            if field || roles.keep.is_some_and(|at| publishers.keeps(at)) {
                return Err(PlanError::InBoth {
                    column: name.clone(),
                });
            }
            if (roles.allow || roles.deny) && !publishers.has_ids() {
                return Err(PlanError::NoPublisherIds {
                    column: name.clone(),
                });
            }
        }
        Ok(())
    }

    /// A publisher gives what differs between publishers, and nothing that a
    /// row must settle before it meets them.
    pub(super) fn check_publishers(&self) -> Result<(), PlanError> {
        let rules = self.rules;
        for (name, roles) in self.names.iter().zip(&self.columns) {
            let Some(at) = roles.field else { continue };
            if rules.is_own_of_rows(at) {
                return Err(PlanError::NotByPublisher {
                    column: name.clone(),
                    field: rules.format().field_at(at).name,
                });
            }
        }
        let meeting = rules.settings.meeting.as_ref();
        let named = [
            (meeting.and_then(|m| m.id.as_ref()), "--publisher-id"),
            (meeting.and_then(|m| m.join.as_ref()), "--join"),
        ];
        for (column, option) in named {
            if let Some(column) = column {
                self.check_column(column, option)?;
            }
        }
        Ok(())
    }

    pub(super) fn check_twice(&self) -> Result<(), PlanError> {
        for (at, roles) in self.columns.iter().enumerate() {
            if *roles == Roles::default() {
                // It clashes with nothing, and there may be very many.
                continue;
            }
            let clash = |other: &Roles| {
                (roles.field.is_some() && roles.field == other.field)
                    || (roles.keep.is_some() && roles.keep == other.keep)
                    || (roles.count && other.count)
                    || (roles.row_id && other.row_id)
                    || (roles.allow && other.allow)
                    || (roles.deny && other.deny)
                    || (roles.join && other.join)
                    || (roles.publisher && other.publisher)
                    || (roles.chooser.is_some() && roles.chooser == other.chooser)
            };
            if let Some(first) = self.columns[..at].iter().position(clash) {
                let field = match roles.field {
                    Some(field) => self.rules.format().field_at(field).name.to_owned(),
                    None => self.names[at].clone(),
                };
                return Err(PlanError::DuplicateColumn {
                    field,
                    first: self.names[first].clone(),
                    second: self.names[at].clone(),
                });
            }
        }
        Ok(())
    }

    /// A field that every possible version requires needs a column or a value.
    pub(super) fn check_required(&self) -> Result<(), PlanError> {
        let rules = self.rules;
        let masks = if self.reads_version() {
            rules.masks.iter().fold(u64::MAX, |all, mask| all & mask)
        } else {
            rules.masks[rules.default_layout()]
        };
        for (at, field) in rules.fields() {
            let given = self.columns.iter().any(|roles| roles.field == Some(at))
                || rules.is_given(at)
                || !matches!(rules.defaults[at], Default::None);
            if given || masks >> at & 1 == 0 {
                continue;
            }
            match field.source {
                Source::KeyId { required: true } if rules.choices.is_none() => {
                    return Err(PlanError::KeyId { field: field.name });
                }
                // The key that each row chooses may have its own id to give.
                Source::KeyId { required: true } if field.selects.is_some() => {}
                _ if rules.demands(field) => {
                    let free = |roles: &Roles| *roles == Roles::default();
                    let unused = self.names.iter().zip(&self.columns);
                    let unused = unused.filter(|(_, r)| free(r)).map(|(n, _)| n.as_str());
                    return Err(PlanError::MissingColumn {
                        field: field.name,
                        nearest: nearest(field.name, unused).map(str::to_owned),
                    });
                }
                _ => {}
            }
        }
        Ok(())
    }

    pub(super) fn check_unknown(&self) -> Result<(), PlanError> {
        if self.rules.settings().ignore_unknown {
            return Ok(());
        }
        for (name, roles) in self.names.iter().zip(&self.columns) {
            // Where publishers are met, they may have what only rows use.
            if self.side == Side::Publishers && roles.alias {
                continue;
            }
            // An object of fields is JSON's way only.
            let used = Roles {
                parent: false,
                ..*roles
            };
            if used == Roles::default() {
                let format = self.rules.format();
                // A field that has its column would not take a second one.
                let given = |at| self.columns.iter().any(|roles| roles.field == Some(at));
                let free = self.rules.fields().filter(|(at, _)| !given(*at));
                return Err(PlanError::UnknownColumn {
                    column: name.clone(),
                    format: format.id,
                    nearest: nearest(name, free.map(|(_, field)| field.name)),
                });
            }
        }
        Ok(())
    }
}

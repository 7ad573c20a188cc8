//! Which column gives which field.

use std::collections::HashMap;

use crate::format::{Claim, Format, Signing, Source};

use super::plan_error::PlanError;
use super::rules::{Default, Rules};
use super::steps::Steps;

/// Whether a column's name fits a field's: without regard to case and to
/// `-`, `_`, `.` and space.
pub fn same_name(a: &str, b: &str) -> bool {
    normal(a).eq(normal(b))
}

fn normal(name: &str) -> impl Iterator<Item = char> {
    name.chars()
        .filter(|c| !matches!(c, '-' | '_' | '.' | ' '))
        .map(|c| c.to_ascii_lowercase())
}

/// The most similar name, if one is similar at all.
pub(super) fn nearest<'n>(name: &str, all: impl Iterator<Item = &'n str>) -> Option<&'n str> {
    let name: String = normal(name).collect();
    let similarity = |other: &str| {
        let other: String = normal(other).collect();
        strsim::jaro_winkler(&name, &other)
    };
    all.map(|other| (similarity(other), other))
        .filter(|(similarity, _)| *similarity > 0.8)
        .max_by(|a, b| a.0.total_cmp(&b.0))
        .map(|(_, other)| other)
}

/// What one column, or one member of a JSON row, is used for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Roles {
    /// The field it gives.
    pub(super) field: Option<usize>,
    /// It says how many records the row becomes.
    pub(super) count: bool,
    /// It identifies the row.
    pub(super) row_id: bool,
    /// It is copied into the output, at this place.
    pub(super) keep: Option<usize>,
    /// It is an object of fields (JSON only).
    pub(super) parent: bool,
}

impl Roles {
    /// Whether it is used for more than a field and an object of fields.
    pub(super) fn has_others(&self) -> bool {
        self.count || self.row_id || self.keep.is_some()
    }
}

/// The name of the column that says how many records a row becomes.
pub(super) const COUNT: &str = "count";

/// How the rows of one input are read.
#[derive(Debug)]
pub struct Plan<'r> {
    pub(super) rules: &'r Rules,
    /// The columns' roles, for inputs with a header.
    pub(super) columns: Vec<Roles>,
    /// The column of each field.
    pub(super) column_of: Vec<Option<usize>>,
    /// The columns that are used for more than a field.
    pub(super) others: Vec<usize>,
    /// What is done for the fields of each layout.
    pub(super) steps: Vec<Steps>,
    /// The columns' names as the header has them.
    pub(super) names: Vec<String>,
    /// The members' roles by normal name, for inputs without one.
    members: HashMap<String, Roles>,
}

impl<'r> Plan<'r> {
    /// A plan for rows whose members bring their own names (NDJSON).
    pub fn for_members(rules: &'r Rules) -> Self {
        Self {
            rules,
            columns: Vec::new(),
            column_of: Vec::new(),
            others: Vec::new(),
            steps: Steps::of(rules, None),
            names: Vec::new(),
            members: HashMap::new(),
        }
        .with_members()
    }

    /// A plan for rows under a header (CSV).
    ///
    /// # Errors
    /// When the header does not fit: two columns for one field, a required
    /// field without a column, a column that fits nothing.
    pub fn for_header(rules: &'r Rules, header: &[Vec<u8>]) -> Result<Self, PlanError> {
        let names: Vec<String> = header
            .iter()
            .map(|cell| String::from_utf8(cell.clone()).map_err(|_| PlanError::HeaderNotUtf8))
            .collect::<Result<_, _>>()?;
        let mut plan = Self::for_members(rules);
        for name in &names {
            let roles = plan.roles(name).unwrap_or_default();
            plan.columns.push(roles);
        }
        plan.names = names;
        plan.check_delimiter()?;
        plan.check_named()?;
        plan.check_twice()?;
        plan.check_required()?;
        plan.check_unknown()?;
        let columns = || plan.columns.iter();
        plan.column_of = (0..rules.width())
            .map(|at| columns().position(|roles| roles.field == Some(at)))
            .collect();
        plan.others = (0..plan.columns.len())
            .filter(|column| plan.columns[*column].has_others())
            .collect();
        plan.steps = Steps::of(rules, Some(&plan.columns));
        Ok(plan)
    }

    /// How many cells a row must have.
    pub fn width(&self) -> usize {
        self.columns.len()
    }

    /// The settings behind the plan.
    pub fn rules(&self) -> &'r Rules {
        self.rules
    }

    /// Whether rows may name their version themselves.
    pub fn reads_version(&self) -> bool {
        self.rules.fixed.is_none()
            && match self.rules.version_field {
                Some(at) => {
                    self.columns.is_empty() || self.columns.iter().any(|c| c.field == Some(at))
                }
                None => false,
            }
    }

    /// What a member of this name is used for; `None` where it fits nothing.
    pub(super) fn roles(&self, name: &str) -> Option<Roles> {
        // A name that is exactly a field's own is found without lowering it.
        if let Some(roles) = self.members.get(name) {
            return Some(*roles);
        }
        let normal: String = normal(name).collect();
        self.members.get(&normal).copied()
    }

    fn with_members(mut self) -> Self {
        let rules = self.rules;
        let format = rules.format();
        let settings = rules.settings();
        let is_mapped = |name: &str| {
            settings
                .maps
                .iter()
                .any(|(field, _)| same_name(field, name))
        };
        let mut names: Vec<(String, Roles)> = Vec::new();
        let mut add = |name: &str, set: &dyn Fn(&mut Roles)| {
            let normal: String = normal(name).collect();
            match names.iter_mut().find(|(known, _)| *known == normal) {
                Some((_, roles)) => set(roles),
                None => {
                    let mut roles = Roles::default();
                    set(&mut roles);
                    names.push((normal, roles));
                }
            }
        };
        for (at, field) in rules.fields() {
            add(field.name, &|roles| roles.field = Some(at));
            if let Some(parent) = format.parent(field.name) {
                add(&format!("{parent}.{}", field.name), &|roles| {
                    roles.field = Some(at);
                });
            }
        }
        for parent in parents(format) {
            add(parent, &|roles| roles.parent = true);
        }
        if !rules.fields().any(|(_, f)| same_name(f.name, COUNT)) && !is_mapped(COUNT) {
            add(COUNT, &|roles| roles.count = true);
        }
        for (field, column) in &settings.maps {
            let found = rules.fields().find(|(_, f)| {
                same_name(f.name, field)
                    || format
                        .parent(f.name)
                        .is_some_and(|p| same_name(&format!("{p}.{}", f.name), field))
            });
            let at = found.map(|(at, _)| at);
            let is_count = at.is_none() && same_name(field, COUNT);
            add(column, &|roles| {
                roles.field = at;
                roles.count = is_count;
            });
        }
        for (at, column) in settings.keep.iter().enumerate() {
            add(column, &|roles| roles.keep = Some(at));
        }
        if let Some(column) = &settings.row_id {
            add(column, &|roles| roles.row_id = true);
        }
        // Members of JSON rows mostly come spelled as the field is: those are
        // found by the first look-up.
        let exact: Vec<(String, Roles)> = rules
            .fields()
            .filter_map(|(_, field)| {
                let normal: String = normal(field.name).collect();
                let roles = names.iter().find(|(known, _)| *known == normal)?.1;
                Some((field.name.to_owned(), roles))
            })
            .collect();
        self.members = names.into_iter().chain(exact).collect();
        self
    }

    /// One column whose name holds a delimiter is a file with another one.
    fn check_delimiter(&self) -> Result<(), PlanError> {
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
    fn check_named(&self) -> Result<(), PlanError> {
        let settings = self.rules.settings();
        let named = settings
            .maps
            .iter()
            .map(|(_, column)| (column, "--map"))
            .chain(settings.keep.iter().map(|column| (column, "--keep")))
            .chain(settings.row_id.iter().map(|column| (column, "--row-id")));
        for (column, option) in named {
            if !self.names.iter().any(|name| same_name(name, column)) {
                return Err(PlanError::NoColumn {
                    column: column.clone(),
                    option,
                    nearest: nearest(column, self.names.iter().map(String::as_str))
                        .map(str::to_owned),
                });
            }
        }
        Ok(())
    }

    fn check_twice(&self) -> Result<(), PlanError> {
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
    fn check_required(&self) -> Result<(), PlanError> {
        let rules = self.rules;
        let masks = if self.reads_version() {
            rules.masks.iter().fold(u64::MAX, |all, mask| all & mask)
        } else {
            rules.masks[rules.default_layout()]
        };
        for (at, field) in rules.fields() {
            let given = self.columns.iter().any(|roles| roles.field == Some(at))
                || !matches!(rules.defaults[at], Default::None);
            if given || masks >> at & 1 == 0 {
                continue;
            }
            match field.source {
                Source::KeyId { required: true } => {
                    return Err(PlanError::KeyId { field: field.name });
                }
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

    fn check_unknown(&self) -> Result<(), PlanError> {
        if self.rules.settings().ignore_unknown {
            return Ok(());
        }
        for (name, roles) in self.names.iter().zip(&self.columns) {
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

/// The names of object claims.
fn parents(format: &'static Format) -> impl Iterator<Item = &'static str> {
    format
        .layouts
        .iter()
        .flat_map(|layout| match &layout.signing {
            Signing::Joined { .. } => &[][..],
            Signing::Jws { claims, .. } => claims,
        })
        .filter_map(|claim| match claim {
            Claim::Object(name, _) => Some(*name),
            Claim::Field(_) => None,
        })
}

//! Which column gives which field.

use std::collections::HashMap;

use crate::format::{Claim, Format, Signing};

use super::plan_error::PlanError;
use super::publishers::{ALLOW, DENY, IDS};
use super::reject_table::{RAW, RejectTable, is_behind};
use super::rules::Rules;
use super::steps::Steps;

/// Whether a column's name fits a field's: without regard to case and to
/// `-`, `_`, `.` and space.
pub fn same_name(a: &str, b: &str) -> bool {
    normal(a).eq(normal(b))
}

pub(super) fn normal(name: &str) -> impl Iterator<Item = char> {
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
    /// It gives the field under a name that other formats have for it.
    pub(super) alias: bool,
    /// It names the publishers that the row meets.
    pub(super) allow: bool,
    /// It names publishers that the row does not meet.
    pub(super) deny: bool,
    /// It is what rows and publishers have in common.
    pub(super) join: bool,
    /// It is what a publisher is called.
    pub(super) publisher: bool,
    /// It selects keys, as this one of the columns that do.
    pub(super) chooser: Option<usize>,
    /// It is for another format.
    pub(super) beside: bool,
    /// It tells what was wrong with a reject that came back, and is passed
    /// over.
    pub(super) told: bool,
    /// It has a reject's row that was not divided into cells: it must be empty.
    pub(super) raw: bool,
}

/// Whose rows are read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Side {
    /// The run's inputs.
    Rows,
    /// The publishers that rows meet.
    Publishers,
}

impl Roles {
    /// Whether it is used for more than a field and an object of fields.
    pub(super) fn has_others(&self) -> bool {
        self.count
            || self.row_id
            || self.keep.is_some()
            || self.allow
            || self.deny
            || self.join
            || self.publisher
            || self.chooser.is_some()
            || self.raw
    }
}

/// The name of the column that says how many records a row becomes.
pub(super) const COUNT: &str = "count";

/// How the rows of one input are read.
#[derive(Debug)]
pub struct Plan<'r> {
    pub(super) rules: &'r Rules,
    pub(super) side: Side,
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
        Self::new(rules, Side::Rows)
    }

    fn new(rules: &'r Rules, side: Side) -> Self {
        Self {
            rules,
            side,
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
        Self::under(rules, header, Side::Rows)
    }

    /// A plan for publishers, under a header or with their own names.
    pub(super) fn for_publishers(
        rules: &'r Rules,
        header: Option<&[Vec<u8>]>,
    ) -> Result<Self, PlanError> {
        match header {
            Some(header) => Self::under(rules, header, Side::Publishers),
            None => Ok(Self::new(rules, Side::Publishers)),
        }
    }

    fn under(rules: &'r Rules, header: &[Vec<u8>], side: Side) -> Result<Self, PlanError> {
        let names: Vec<String> = header
            .iter()
            .map(|cell| String::from_utf8(cell.clone()).map_err(|_| PlanError::HeaderNotUtf8))
            .collect::<Result<_, _>>()?;
        let mut plan = Self::new(rules, side);
        for name in &names {
            let roles = plan.roles(name).unwrap_or_default();
            plan.columns.push(roles);
        }
        plan.names = names;
        plan.drop_aliases();
        plan.check_delimiter()?;
        plan.check_twice()?;
        match side {
            Side::Rows => {
                plan.check_named()?;
                plan.check_given_beside()?;
                plan.check_required()?;
            }
            Side::Publishers => plan.check_publishers()?,
        }
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

    /// The columns' names as the header has them; none for rows that bring
    /// their own.
    pub fn header(&self) -> &[String] {
        &self.names
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
        if is_behind(name) && !self.is_named(name) {
            return Some(Roles {
                told: true,
                raw: name == RAW,
                ..Roles::default()
            });
        }
        // A name that is exactly a field's own is found without lowering it.
        if let Some(roles) = self.members.get(name) {
            return Some(*roles);
        }
        let normal: String = normal(name).collect();
        self.members.get(&normal).copied()
    }

    /// Whether the settings name a column exactly so.
    fn is_named(&self, name: &str) -> bool {
        let settings = self.rules.settings();
        let meeting = settings.meeting.iter();
        let columns = self.rules.choices.iter().flat_map(|keys| &keys.columns);
        let maps = settings.maps.iter().map(|(_, column)| column);
        maps.chain(&settings.keep)
            .chain(&settings.row_id)
            .chain(meeting.flat_map(|meeting| meeting.id.iter().chain(&meeting.join)))
            .chain(columns)
            .any(|column| column == name)
    }

    /// How rejected rows under this header become rows of a table with this
    /// delimiter, which names their files where there are several.
    pub fn reject_table(&self, delimiter: u8, names_files: bool) -> RejectTable {
        let is_told = |at: usize| self.columns[at].told;
        RejectTable::new(&self.names, is_told, delimiter, names_files)
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
        let is_row = self.side == Side::Rows;
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
        for (at, field) in rules.fields() {
            for alias in field.aliases {
                add(alias, &|roles| {
                    // A field of that very name goes before.
                    if roles.field.is_none() && !roles.parent {
                        (roles.field, roles.alias) = (Some(at), true);
                    }
                });
            }
        }
        if is_row && !rules.fields().any(|(_, f)| same_name(f.name, COUNT)) && !is_mapped(COUNT) {
            add(COUNT, &|roles| roles.count = true);
        }
        for (field, column) in &settings.maps {
            let at = rules.field_of(field);
            let is_count = at.is_none() && same_name(field, COUNT);
            if at.is_none() && !is_count {
                // It is a field of another format.
                continue;
            }
            add(column, &|roles| {
                (roles.field, roles.alias) = (at, false);
                roles.count = is_count;
            });
        }
        for (at, column) in settings.keep.iter().enumerate() {
            add(column, &|roles| roles.keep = Some(at));
        }
        if let Some(column) = settings.row_id.as_ref().filter(|_| is_row) {
            add(column, &|roles| roles.row_id = true);
        }
        if let Some(meeting) = &settings.meeting {
            match (self.side, &meeting.id) {
                (Side::Rows, _) => {
                    add(ALLOW, &|roles| roles.allow = true);
                    add(DENY, &|roles| roles.deny = true);
                }
                (Side::Publishers, Some(id)) => add(id, &|roles| roles.publisher = true),
                (Side::Publishers, None) => {
                    IDS.iter()
                        .for_each(|id| add(id, &|roles| roles.publisher = true));
                }
            }
            if let Some(join) = &meeting.join {
                add(join, &|roles| roles.join = true);
            }
        }
        if let Some(choices) = rules.choices.as_ref().filter(|_| is_row) {
            for (at, column) in choices.columns.iter().enumerate() {
                add(column, &|roles| roles.chooser = Some(at));
            }
        }
        for format in rules.beside() {
            let own = format.all_fields().flat_map(|field| {
                let parent = format.parent(field.name);
                let inner = parent.map(|parent| format!("{parent}.{}", field.name));
                let names = field.aliases.iter().map(|alias| (*alias).to_owned());
                names.chain(inner).chain([field.name.to_owned()])
            });
            let parents = parents(format).map(str::to_owned);
            for name in own.chain(parents) {
                add(&name, &|roles| roles.beside = true);
            }
        }
        for (_, column) in &settings.maps {
            add(column, &|roles| roles.beside |= !settings.more.is_empty());
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

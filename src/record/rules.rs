//! What the settings of a run say about its records, resolved once.

use crate::format::{Field, Format, Freshness, Kind, Source, Unit, VERSION};

use std::sync::Arc;

use super::MAX_FIELDS;
use super::cell::Cell;
use super::choice::Choices;
use super::columns::{COUNT, nearest, same_name};
use super::plan_error::PlanError;
use super::publishers::Publishers;
use super::records::Records;
use super::settings::Settings;

/// How long before the run's timestamp a time may lie where a limit exists
/// but is not published, in milliseconds: as good as now.
pub const UNPUBLISHED_TOLERANCE: u64 = 5 * 60 * 1000;

/// A field's value where the row has none.
#[derive(Clone, Debug)]
pub(super) enum Default {
    /// Nothing.
    None,
    /// Text given by a person: read and checked as if the row had it.
    Given(String),
    /// Text the program made: a constant, a time, an id.
    Made(String),
    /// What another field holds.
    SameAs(usize),
}

/// The settings, resolved against the format.
#[derive(Clone, Debug)]
pub struct Rules {
    pub(super) settings: Settings,
    /// The fixed layout, if there is one.
    pub(super) fixed: Option<usize>,
    pub(super) defaults: Vec<Default>,
    /// Which fields each layout has, as a bit mask over the fields.
    pub(super) masks: Vec<u64>,
    pub(super) version_field: Option<usize>,
    pub(super) nonce_field: Option<usize>,
    /// Its format's place among those of the run.
    pub(super) place: usize,
    pub(super) publishers: Option<Arc<Publishers>>,
    pub(super) choices: Option<Arc<Choices>>,
}

/// The fields of a format that this name gives or names: its own, one behind
/// its parent's, or an alias.
pub fn field_of(format: &'static Format, name: &str) -> Option<usize> {
    let is_own = |field: &Field| {
        same_name(field.name, name)
            || format
                .parent(field.name)
                .is_some_and(|parent| same_name(&format!("{parent}.{}", field.name), name))
    };
    let is_alias = |field: &Field| field.aliases.iter().any(|alias| same_name(alias, name));
    let fields = || format.fields.iter();
    fields()
        .position(is_own)
        .or_else(|| fields().position(is_alias))
}

impl Rules {
    /// Rules for each of the formats a row becomes records of.
    ///
    /// # Errors
    /// As [`Rules::new`].
    pub fn all(settings: &Settings) -> Result<Vec<Self>, PlanError> {
        let rules = settings.each().map(Self::new);
        let place = |(place, rules): (usize, Result<Self, PlanError>)| Ok(Self { place, ..rules? });
        rules.enumerate().map(place).collect()
    }

    /// Lets rows meet these publishers, which were read under these rules.
    pub fn meet(&mut self, publishers: &Arc<Publishers>) {
        self.publishers = Some(Arc::clone(publishers));
    }

    /// Lets each row choose one of these keys.
    pub fn choose(&mut self, choices: &Arc<Choices>) {
        self.choices = Some(Arc::clone(choices));
    }

    /// The publishers' values for the format.
    pub fn publishers(&self) -> Option<&Records> {
        let publishers = self.publishers.as_ref()?;
        Some(publishers.of_format(self.place))
    }

    /// Whether publishers give the field at this place.
    pub(super) fn is_given(&self, at: usize) -> bool {
        let publishers = self.publishers.as_deref();
        publishers.is_some_and(|publishers| publishers.gives(self.place, at))
    }

    /// Whether a row itself must have the field at this place: it decides how
    /// the row is read, or would be the same for all that the row becomes.
    pub(super) fn is_own_of_rows(&self, at: usize) -> bool {
        let field = &self.format().fields[at];
        let selects = self.choices.is_some() && field.selects.is_some();
        let settled = matches!(
            field.source,
            Source::Version | Source::Nonce | Source::Clock | Source::KeyId { .. }
        );
        settled || selects
    }

    /// The other formats that a row becomes records of.
    pub(super) fn beside(&self) -> impl Iterator<Item = &'static Format> {
        self.settings.more.iter().map(|choice| choice.format)
    }

    /// Whether another format of the run has a field of this name.
    fn is_known_beside(&self, name: &str) -> bool {
        self.beside().any(|format| field_of(format, name).is_some())
    }

    /// Resolves settings against their format.
    ///
    /// # Errors
    /// When the settings name what the format does not have, or give a value
    /// its field refuses.
    pub fn new(settings: Settings) -> Result<Self, PlanError> {
        let format = settings.format;
        debug_assert!(format.fields.len() <= MAX_FIELDS);
        let known = |version: &str| {
            format
                .layouts
                .iter()
                .position(|layout| layout.version == Some(version))
                .ok_or_else(|| PlanError::UnknownVersion {
                    format: format.id,
                    version: version.to_owned(),
                    known: format.versions().collect::<Vec<_>>().join(", "),
                })
        };
        let fixed = match &settings.version {
            Some(version) => Some(known(version)?),
            None => None,
        };
        let nonce_field = format.field_from(Source::Nonce).map(|(at, _)| at);
        if settings.count > 1 && nonce_field.is_none() {
            return Err(PlanError::Copies {
                format: format.id,
                count: settings.count,
            });
        }
        let masks = format
            .layouts
            .iter()
            .map(|layout| {
                let names = layout.field_names();
                let bit =
                    |(at, field): (usize, &Field)| u64::from(names.contains(&field.name)) << at;
                format.fields.iter().enumerate().map(bit).sum()
            })
            .collect();
        let mut rules = Self {
            fixed,
            defaults: Vec::new(),
            masks,
            place: 0,
            publishers: None,
            choices: None,
            version_field: format.field(VERSION).map(|(at, _)| at),
            nonce_field,
            settings,
        };
        rules.defaults = (0..format.fields.len())
            .map(|at| rules.own_default(at))
            .collect();
        rules.apply_sets()?;
        rules.check_keep()?;
        Ok(rules)
    }

    /// The settings.
    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    /// The format.
    pub fn format(&self) -> &'static Format {
        self.settings.format
    }

    /// The layouts that rows without a version of their own can have.
    pub(super) fn default_layout(&self) -> usize {
        let set = self.version_field.and_then(|at| match &self.defaults[at] {
            Default::Given(text) => self
                .format()
                .layouts
                .iter()
                .position(|layout| layout.version == Some(text)),
            _ => None,
        });
        self.fixed
            .or(set)
            .unwrap_or(self.format().layouts.len() - 1)
    }

    /// The layouts that records of a run can have, oldest first.
    pub fn layouts(&self, rows_name_version: bool) -> Vec<usize> {
        if rows_name_version {
            (0..self.format().layouts.len()).collect()
        } else {
            vec![self.default_layout()]
        }
    }

    fn own_default(&self, at: usize) -> Default {
        let settings = &self.settings;
        let field = &settings.format.fields[at];
        let in_unit = |millis: u64| {
            let unit = match field.kind {
                Kind::Time(unit) => unit,
                _ => Unit::Milliseconds,
            };
            Default::Made((millis / unit.in_millis()).to_string())
        };
        match field.source {
            // Each record has its own then.
            Source::Clock if settings.spread.is_some() => Default::None,
            Source::Clock => in_unit(settings.timestamp),
            Source::Expiry => in_unit(settings.expires),
            Source::Constant(text) | Source::Default(text) => Default::Made(text.into()),
            Source::KeyId { .. } => match &settings.key_id {
                Some(id) => Default::Given(id.clone()),
                None => Default::None,
            },
            Source::SameAs(name) => match settings.format.field(name) {
                Some((other, _)) => Default::SameAs(other),
                None => Default::None,
            },
            Source::Nonce | Source::Optional | Source::Required | Source::Version => Default::None,
        }
    }

    fn apply_sets(&mut self) -> Result<(), PlanError> {
        let format = self.format();
        for (name, value) in self.settings.sets.clone() {
            let at = match find_field(format, &name, "--set") {
                Ok(at) => at,
                Err(_) if self.is_known_beside(&name) => continue,
                Err(error) => return Err(error),
            };
            let field = &format.fields[at];
            if field.source == Source::Nonce {
                return Err(PlanError::SetNonce {
                    field: field.name.into(),
                });
            }
            self.check_default(at, &value, "--set")?;
            let fixed = self.settings.version.as_ref();
            if let Some(version) = fixed.filter(|v| Some(at) == self.version_field && **v != value)
            {
                return Err(PlanError::SetValue {
                    option: "--set",
                    field: field.name.into(),
                    found: value,
                    wanted: format!("{version}, as the format's id says"),
                });
            }
            self.defaults[at] = Default::Given(value);
        }
        for (name, _) in &self.settings.maps {
            // The count is no field, but has a column like one.
            if !same_name(name, COUNT) && !self.is_known_beside(name) {
                find_field(format, name, "--map")?;
            }
        }
        if let Some((at, _)) = format.key_id()
            && let Some(id) = &self.settings.key_id
        {
            self.check_default(at, id, "--key-id")?;
        }
        Ok(())
    }

    fn check_default(&self, at: usize, value: &str, option: &'static str) -> Result<(), PlanError> {
        let field = &self.format().fields[at];
        let refused = |wanted: String| PlanError::SetValue {
            option,
            field: field.name.into(),
            found: value.into(),
            wanted,
        };
        let text = Cell::Text(value.as_bytes())
            .text(field, self.settings.trim)
            .map_err(|fault| refused(fault.wanted.into_owned()))?;
        match text {
            Some(text) => field
                .read(&text, &mut Vec::new())
                .map_err(|fault| refused(fault.wanted.into_owned())),
            None if field.may_be_empty() => Ok(()),
            None => Err(refused(field.kind.wanted())),
        }
    }

    fn check_keep(&self) -> Result<(), PlanError> {
        let own = self.record_names();
        for (at, column) in self.settings.keep.iter().enumerate() {
            let before = &self.settings.keep[..at];
            let twice = before.iter().any(|other| same_name(other, column));
            if twice || own.contains(&column.as_str()) {
                return Err(PlanError::KeepCollides {
                    column: column.clone(),
                });
            }
        }
        Ok(())
    }

    /// Every name a record of this format can have as its own.
    fn record_names(&self) -> Vec<&'static str> {
        let format = self.format();
        let mut names = vec!["format"];
        for layout in format.layouts {
            names.extend(layout.members().iter().map(|claim| match claim {
                crate::format::Claim::Field(name) | crate::format::Claim::Object(name, _) => *name,
            }));
            names.push(layout.result());
        }
        names.extend(format.derived.iter().map(|derived| derived.name));
        names
    }

    /// Whether a row's own time, in milliseconds, lies outside what may be
    /// signed: before the earliest or after the latest.
    pub(super) fn time_bounds(&self) -> (u64, u64) {
        let now = self.settings.timestamp;
        let earliest = match self.format().freshness {
            _ if self.settings.allow_stale => 0,
            Freshness::Documented { millis } => now.saturating_sub(millis),
            Freshness::Unpublished => now.saturating_sub(UNPUBLISHED_TOLERANCE),
            Freshness::Expiry | Freshness::Silent => 0,
        };
        let latest = if self.settings.allow_future {
            u64::MAX
        } else {
            now
        };
        (earliest, latest)
    }
}

fn find_field(
    format: &'static Format,
    name: &str,
    option: &'static str,
) -> Result<usize, PlanError> {
    field_of(format, name).ok_or_else(|| {
        let names = format.fields.iter().map(|field| field.name);
        PlanError::UnknownField {
            option,
            field: name.into(),
            format: format.id,
            nearest: nearest(name, names),
        }
    })
}

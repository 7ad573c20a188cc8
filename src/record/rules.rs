//! What the settings of a run say about its records, resolved once.

use std::sync::Arc;

use crate::format::shape::RECORD;
use crate::format::{Field, Format, Freshness, Kind, Shape, Source, Unit, VERSION};

use super::MAX_FIELDS;
use super::choice::Choices;
use super::columns::{nearest, same_name};
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
    /// The shape; `None` for the record.
    shape: Option<&'static Shape>,
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

/// The place of the field that this name gives or names: its own, one behind
/// its parent's, or an alias.
pub fn field_of(format: &'static Format, name: &str) -> Option<usize> {
    find(
        format,
        &format.all_fields().enumerate().collect::<Vec<_>>(),
        name,
    )
}

fn find(format: &'static Format, fields: &[(usize, &'static Field)], name: &str) -> Option<usize> {
    let is_own = |field: &Field| {
        same_name(field.name, name)
            || format
                .parent(field.name)
                .is_some_and(|parent| same_name(&format!("{parent}.{}", field.name), name))
    };
    let is_alias = |field: &Field| field.aliases.iter().any(|alias| same_name(alias, name));
    let own = fields.iter().find(|(_, field)| is_own(field));
    let found = own.or_else(|| fields.iter().find(|(_, field)| is_alias(field)));
    found.map(|(at, _)| *at)
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
        let field = self.format().field_at(at);
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
    pub(super) fn is_known_beside(&self, name: &str) -> bool {
        self.beside().any(|format| field_of(format, name).is_some())
    }

    /// Resolves settings against their format.
    ///
    /// # Errors
    /// When the settings name what the format does not have, or give a value
    /// its field refuses.
    pub fn new(settings: Settings) -> Result<Self, PlanError> {
        let format = settings.format;
        debug_assert!(format.all_fields().count() <= MAX_FIELDS);
        let shape = find_shape(format, &settings.shape)?;
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
                let has = |name: &str| match format.is_unsigned(name) {
                    false => names.contains(&name),
                    true => shape.is_some_and(|shape| shape.uses(format, layout, name)),
                };
                let bit = |(at, field): (usize, &Field)| u64::from(has(field.name)) << at;
                format.all_fields().enumerate().map(bit).sum()
            })
            .collect();
        let mut rules = Self {
            shape,
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
        rules.defaults = (0..rules.width()).map(|at| rules.own_default(at)).collect();
        rules.apply_sets()?;
        rules.check_keep()?;
        rules.check_version()?;
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

    /// What records are written as, where it is not the record.
    pub fn shape(&self) -> Option<&'static Shape> {
        self.shape
    }

    /// How many fields a record has room for.
    pub(super) fn width(&self) -> usize {
        let format = self.format();
        let unsigned = self.shape.map_or(0, |_| format.unsigned.len());
        format.fields.len() + unsigned
    }

    /// The fields that rows may give, with their places: those that are signed,
    /// and those of the others that the shape uses.
    pub(super) fn fields(&self) -> impl Iterator<Item = (usize, &'static Field)> {
        let format = self.format();
        let used = self.masks.iter().fold(0, |all, mask| all | mask);
        let is_read = move |at: usize| at < format.fields.len() || used >> at & 1 == 1;
        let fields = format.all_fields().enumerate().take(self.width());
        fields.filter(move |(at, _)| is_read(*at))
    }

    /// Whether a row without a value for the field, or what stands in for it,
    /// is refused.
    pub(super) fn demands(&self, field: &Field) -> bool {
        let by_shape = |shape: &Shape| shape.demands.contains(&field.name);
        self.shape.is_some_and(by_shape)
            || matches!(
                field.source,
                Source::Required | Source::KeyId { required: true }
            )
    }

    /// The versions that the shape has, in words, where `layout` is none of
    /// them.
    pub(super) fn is_shapeless(&self, layout: usize) -> Option<String> {
        let layouts = &self.format().layouts;
        let shape = self.shape.filter(|shape| !shape.is_of(&layouts[layout]))?;
        let has = layouts.iter().filter(|layout| shape.is_of(layout));
        let names: Vec<&str> = has.filter_map(|layout| layout.version).collect();
        Some(names.join(", "))
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
        let field = settings.format.field_at(at);
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

    /// The place of the field of this name, among those that rows may give.
    pub(super) fn field_of(&self, name: &str) -> Option<usize> {
        find(self.format(), &self.fields().collect::<Vec<_>>(), name)
    }

    pub(super) fn find_field(&self, name: &str, option: &'static str) -> Result<usize, PlanError> {
        let format = self.format();
        self.field_of(name).ok_or_else(|| {
            let names = self.fields().map(|(_, field)| field.name);
            PlanError::UnknownField {
                option,
                field: name.into(),
                format: format.id,
                nearest: nearest(name, names),
            }
        })
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

fn find_shape(format: &'static Format, name: &str) -> Result<Option<&'static Shape>, PlanError> {
    match format.shape(name) {
        None if name != RECORD => {
            let shapes = format.shapes.iter().map(|shape| shape.name);
            let known: Vec<&str> = std::iter::once(RECORD).chain(shapes).collect();
            Err(PlanError::UnknownShape {
                format: format.id,
                shape: name.into(),
                known: known.join(", "),
            })
        }
        shape => Ok(shape),
    }
}

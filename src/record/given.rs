//! What the command line gives for all rows: values, columns under other
//! names, columns to copy. Each must fit the format.

use crate::format::{Source, USE_WINDOW};

use super::cell::Cell;
use super::columns::{COUNT, same_name};
use super::plan_error::PlanError;
use super::rules::{Default, Rules};

impl Rules {
    pub(super) fn apply_sets(&mut self) -> Result<(), PlanError> {
        let format = self.format();
        for (name, value) in self.settings.sets.clone() {
            let at = match self.find_field(&name, "--set") {
                Ok(at) => at,
                Err(_) if self.is_known_beside(&name) => continue,
                Err(error) => return Err(error),
            };
            let field = format.field_at(at);
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
                self.find_field(name, "--map")?;
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
        let field = self.format().field_at(at);
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

    pub(super) fn check_keep(&self) -> Result<(), PlanError> {
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

    /// The version of rows that name none must have the shape.
    pub(super) fn check_version(&self) -> Result<(), PlanError> {
        let layout = self.default_layout();
        match self.is_shapeless(layout) {
            None => Ok(()),
            Some(known) => Err(PlanError::VersionWithoutShape {
                format: self.format().id,
                version: self.format().layouts[layout].version.unwrap_or_default(),
                shape: self.settings.shape.clone(),
                known,
            }),
        }
    }

    /// Every name a record of this format can have as its own.
    fn record_names(&self) -> Vec<&'static str> {
        let mut names = vec!["format"];
        if self.settings.use_window {
            names.extend(USE_WINDOW);
        }
        if self.shape().is_some() {
            // Of a shape's members none stands beside a kept column; by the
            // other name records are told.
            names.push("object");
            return names;
        }
        let format = self.format();
        for layout in format.layouts {
            names.extend(layout.members().iter().map(|claim| match claim {
                crate::format::Claim::Field(name) | crate::format::Claim::Object(name, _) => *name,
            }));
            names.push(layout.result());
        }
        names.extend(format.derived.iter().map(|derived| derived.name));
        names
    }
}

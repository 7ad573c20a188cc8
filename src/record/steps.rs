//! What is to be done for the fields of one version's rows, worked out once
//! per input: most fields of a format need nothing of most rows. It must not
//! know what stands in a row.

use crate::format::Field;

use super::columns::Roles;
use super::rules::{Default, Rules};

/// What is done for the rows of one version.
#[derive(Debug)]
pub(super) struct Steps {
    /// The fields, in the order in which problems are named.
    pub(super) fields: Vec<Step>,
    /// Fields that hold what another one holds where the row has no value.
    pub(super) same: Vec<(usize, usize)>,
}

/// What is done for one field.
#[derive(Debug)]
pub(super) struct Step {
    pub(super) at: usize,
    pub(super) field: &'static Field,
    pub(super) what: What,
}

#[derive(Debug)]
pub(super) enum What {
    /// The version does not have it: a row must not fill it.
    Foreign,
    /// Publishers give it: a row must not fill it.
    Given,
    /// It is read.
    Own,
    /// It names the version, which is known already.
    Version,
}

impl Steps {
    /// What is done for each of the format's versions. With a header, only
    /// fields that have a column can be filled.
    pub(super) fn of(rules: &Rules, columns: Option<&[Roles]>) -> Vec<Self> {
        let is_fillable = |at: usize| {
            columns.is_none_or(|columns| columns.iter().any(|roles| roles.field == Some(at)))
        };
        let steps = |mask: &u64| {
            let fields = || rules.fields();
            let has = |at: usize| mask >> at & 1 == 1;
            let what = |at: usize| match has(at) {
                _ if rules.is_given(at) => What::Given,
                false => What::Foreign,
                true if Some(at) == rules.version_field => What::Version,
                true => What::Own,
            };
            let is_idle = |what: &What, at: usize, field: &Field| match what {
                What::Version => false,
                // What one format does not have is another's.
                What::Foreign => !is_fillable(at) || !rules.settings().more.is_empty(),
                What::Given => !is_fillable(at),
                What::Own => {
                    let has_default = !matches!(rules.defaults[at], Default::None);
                    !is_fillable(at) && !has_default && !rules.demands(field)
                }
            };
            let step = |(at, field)| {
                let what = what(at);
                (!is_idle(&what, at, field)).then_some(Step { at, field, what })
            };
            let same = |(at, default): (usize, &Default)| match default {
                Default::SameAs(other) if has(at) => Some((at, *other)),
                _ => None,
            };
            Self {
                fields: fields().filter_map(step).collect(),
                same: rules.defaults.iter().enumerate().filter_map(same).collect(),
            }
        };
        rules.masks.iter().map(steps).collect()
    }
}

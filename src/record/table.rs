//! Which columns of a table that names them itself are read, and how. It must
//! not know where the table stands.

use crate::format::{Kind, Unit};
use crate::json::Shape;
use crate::row::Taken;

use super::columns::{Plan, Roles, Side, nearest};
use super::plan_error::PlanError;
use super::rules::Rules;

/// What is read of each column of a table, for all of these formats together.
///
/// A column that fits nothing is passed over, as tables have many; but one that
/// is nearly called like a field that no column gives is taken for a mistake.
///
/// # Errors
/// When two columns give one field, a required field has none, or an option
/// names one that there is not.
pub fn taken(rules: &[Rules], names: &[String]) -> Result<Vec<Taken>, PlanError> {
    let mut all = vec![Taken::Passed; names.len()];
    for rules in rules {
        let own = Plan::under_names(rules, names)?;
        for (taken, own) in all.iter_mut().zip(own) {
            *taken = taken.and(own);
        }
    }
    Ok(all)
}

impl<'r> Plan<'r> {
    fn under_names(rules: &'r Rules, names: &[String]) -> Result<Vec<Taken>, PlanError> {
        let mut plan = Self::for_members(rules);
        for name in names {
            let roles = plan.roles(name).unwrap_or_default();
            plan.columns.push(roles);
        }
        plan.names = names.to_vec();
        plan.drop_aliases();
        plan.check_twice()?;
        plan.check_named()?;
        plan.check_given_beside()?;
        // What an object holds is told by each row.
        if !plan.columns.iter().any(|roles| roles.parent) {
            plan.check_required()?;
        }
        plan.check_nearly()?;
        let taken = plan.columns.iter().map(|roles| plan.taken(roles));
        Ok(taken.collect())
    }

    /// A column that fits nothing and is nearly called like a field that has no
    /// column.
    fn check_nearly(&self) -> Result<(), PlanError> {
        if self.rules.settings().ignore_unknown || self.side != Side::Rows {
            return Ok(());
        }
        let given = |at| self.columns.iter().any(|roles| roles.field == Some(at));
        for (name, roles) in self.names.iter().zip(&self.columns) {
            if *roles != Roles::default() {
                continue;
            }
            let free = self.rules.fields().filter(|(at, _)| !given(*at));
            if let Some(nearest) = nearest(name, free.map(|(_, field)| field.name)) {
                return Err(PlanError::UnknownColumn {
                    column: name.clone(),
                    format: self.rules.format().id,
                    nearest: Some(nearest),
                });
            }
        }
        Ok(())
    }

    fn taken(&self, roles: &Roles) -> Taken {
        let kind = roles.field.map(|at| self.rules.format().field_at(at).kind);
        match kind {
            _ if *roles == Roles::default() => Taken::Passed,
            Some(Kind::Time(Unit::Seconds)) => Taken::Moment(1),
            Some(Kind::Time(Unit::Milliseconds)) => Taken::Moment(1000),
            Some(kind) if matches!(kind.shape(), Shape::Object | Shape::Array) => Taken::Json,
            None if roles.parent => Taken::Json,
            _ => Taken::Value,
        }
    }
}

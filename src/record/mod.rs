//! Rows become records: checked values in canonical text, or rejects.
//!
//! [`Rules`] holds what the settings say, [`Plan`] what one input's header
//! adds; checking a row with a plan appends one [`Record`] to [`Records`] or
//! names every problem. A record cannot be invalid. This module must not know
//! keys, signatures, clocks, or where rejects are written: the run's
//! timestamp is a number it is given.

mod cell;
mod cells;
mod check;
mod choice;
mod columns;
mod damages;
mod fit;
mod given;
mod meeting;
mod near;
mod plan_error;
mod publishers;
mod reading;
mod records;
mod reject;
mod reject_band;
mod reject_row;
mod reject_table;
mod rules;
mod settings;
mod spread;
mod steps;
mod table;
mod tally;
mod told;

pub use check::Outcome;
pub use choice::{Choice, Choices};
pub use columns::{Plan, Roles, same_name};
pub use damages::{Damaged, Damages};
pub use plan_error::PlanError;
pub use publishers::{Meeting, PublisherReader, Publishers};
pub use records::{Record, Records};
pub use reject::{Problem, Reject, RejectLine};
pub use reject_band::{SIGN_ERROR, SignError, write_in_band};
pub use reject_row::{object_of_cells, object_of_line};
pub use reject_table::RejectTable;
pub use rules::{Rules, UNPUBLISHED_TOLERANCE, field_of};
pub use settings::{FormatChoice, Settings};
pub use spread::Spread;
pub use table::taken;
pub use tally::{Counted, Tally};
pub use told::{Told, ToldPlace, ToldProblem, ToldTable};

/// More fields than any format has; a test over the table holds it. Cells of
/// a row stand in an array of this size, so no row allocates for them.
const MAX_FIELDS: usize = 32;

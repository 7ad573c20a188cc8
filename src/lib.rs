//! Signs campaign and offer rows in bulk.

pub mod format;
pub mod json;
pub mod key;
pub mod row;

//! Signs campaign and offer rows in bulk.

pub mod engine;
pub mod format;
pub mod json;
pub mod jws;
pub mod key;
pub mod row;
pub mod stamp;

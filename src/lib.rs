//! Signs campaign and offer rows in bulk.

pub mod engine;
pub mod envelope;
pub mod error;
pub mod format;
pub mod json;
pub mod jws;
pub mod key;
pub mod output;
pub mod parallel;
pub mod pipeline;
pub mod record;
pub mod row;
pub mod signing_input;
pub mod stamp;
pub mod time;
pub mod verify;
pub mod schema;
pub mod template;

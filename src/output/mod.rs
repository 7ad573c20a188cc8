//! Where lines go: staged files that appear under their names when they are
//! complete, and the manifest that says what is in them.
//!
//! This module sees bytes and counts; it must not know field names, records
//! or cryptography.

mod error;
mod manifest;
mod staged;

pub use error::OutputError;
pub use manifest::{Counts, FileEntry, InputEntry, KeyEntry, Manifest, RunEntry, ToolEntry};
pub use staged::{Staged, Target, check_targets};

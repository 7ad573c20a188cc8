//! Where lines go: staged files that appear under their names when they are
//! complete, and the manifest that says what is in them.
//!
//! This module sees bytes and counts; it must not know field names, records
//! or cryptography.

mod manifest;
mod staged;

pub use manifest::{Counts, FileEntry, InputEntry, KeyEntry, Manifest, RunEntry, ToolEntry};
pub use staged::{OutputError, Staged, Target, check_targets, hex};

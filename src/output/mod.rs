//! Where lines go: staged files that appear under their names when they are
//! complete, the manifest that says what is in them, and the checkpoint that
//! an unfinished run goes on from.
//!
//! This module sees bytes and counts; it must not know field names, records
//! or cryptography.

mod checkpoint;
mod compress;
mod disk;
mod error;
mod lock;
mod manifest;
mod names;
mod place;
mod staged;

pub use checkpoint::{Checkpoint, InputIdentity, NoticeEntry, OutputEntry, PlaceEntry, Publishing};
pub use compress::Compression;
pub use disk::{Disk, DiskFile, SyncLater, SystemDisk};
pub use error::OutputError;
pub use lock::{Holder, Lock};
pub use manifest::{
    Counts, FileEntry, InputEntry, KeyEntry, MadeEntry, Manifest, RingKeyEntry, RunEntry, ToolEntry,
};
pub use names::{discard, measure, publish, remove, sync_folder};
pub use place::{check_targets, checkpoint, lock, partial};
pub use staged::{Extent, Later, Staged, Target};

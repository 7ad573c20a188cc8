//! Where lines go: staged files that appear under their names when they are
//! complete, the manifest that says what is in them, and the checkpoint that
//! an unfinished run goes on from. Records that are partitioned go through a
//! spool into the parts of a folder.
//!
//! This module sees bytes and counts; it must not know field names, records
//! or cryptography.

mod checkpoint;
mod compress;
mod disk;
mod error;
mod folder;
#[cfg(feature = "parquet")]
mod gathered;
mod hive;
mod lock;
mod manifest;
mod names;
mod pieces;
mod place;
mod spool;
mod staged;
#[cfg(feature = "parquet")]
mod table;

pub use checkpoint::{Checkpoint, InputIdentity, NoticeEntry, OutputEntry, PlaceEntry, Publishing};
pub use compress::Compression;
pub use disk::{Disk, DiskFile, SyncLater, SystemDisk};
pub use error::OutputError;
pub use folder::{
    Folder, MOST_PARTS, Publication, SUCCESS, is_part, place_of, remove_staged, staged,
};
#[cfg(feature = "parquet")]
pub use gathered::Gathered;
pub use hive::{DEFAULT, LONGEST_COLUMN, escaped_length, write_partition};
pub use lock::{Holder, Lock};
pub use manifest::{
    Counts, DamageEntry, FileEntry, InputEntry, KeyEntry, MadeEntry, Manifest, PacePoint,
    PartEntry, RingKeyEntry, RunEntry, ToolEntry,
};
pub use names::{discard, measure, publish, remove, sync_folder};
pub use pieces::{PIECE, Piece, Pieces};
pub use place::{check_targets, checkpoint, lock, partial};
pub use spool::{Cuts, Spool};
pub use staged::{Extent, Later, Staged, Target};
#[cfg(feature = "parquet")]
pub use table::{ColumnKind, Columns, TableWriter};

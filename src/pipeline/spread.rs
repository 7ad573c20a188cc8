//! The end of a run whose records become parts: all of them are there, and
//! are read part by part, compressed by the workers, and written, one part
//! after another, to be published later. It must not know what a record is.

use std::collections::VecDeque;
use std::sync::Arc;

use crate::error::Error;
use crate::output::{
    Disk, Folder, OutputError, PartEntry, Pieces, Spool, Staged, Target, partial, remove_staged,
    staged, sync_folder,
};
use crate::parallel::{self, Background, Pool};
use crate::stop::Stop;

/// How many parts are synced beside the work. Each waits for the disk; together
/// they wait hardly longer.
const SYNCS: usize = 16;

/// Writes every part, complete and synced, under a name that is not yet its
/// own. Where it ends in its middle, it is done again from the start; `None`
/// where it was asked to stop.
pub(super) fn spread(
    pool: &Pool,
    disk: &Arc<dyn Disk>,
    folder: &Folder,
    spool: &mut Spool,
    header: Vec<u8>,
    stop: &Stop,
) -> Result<Option<Vec<PartEntry>>, Error> {
    remove_staged(disk.as_ref(), &folder.path)?;
    let mut pieces = Pieces::new(disk.as_ref(), folder, spool, header)?;
    let mut parts: Vec<PartEntry> = Vec::new();
    let mut open: Option<(String, Staged)> = None;
    let mut syncing = VecDeque::new();
    parallel::flow(
        pool,
        || match stop.is_requested() {
            true => Ok(None),
            false => pieces.next_piece().map_err(Error::from),
        },
        |piece| piece,
        |piece, spawn| {
            spawn(piece);
        },
        |mut piece| {
            let packed = folder.compression.pack(std::mem::take(&mut piece.bytes));
            piece.bytes = packed.map_err(Error::Compress)?;
            Ok(piece)
        },
        |piece: Result<_, Error>| {
            let piece = piece?;
            if let Some(path) = piece.begins {
                if syncing.len() == SYNCS {
                    wait(syncing.pop_front())?;
                }
                let target = Target::File(staged(&folder.path, parts.len()));
                open = Some((path, Staged::create(disk.as_ref(), &target)?));
            }
            if let Some((_, part)) = &mut open {
                part.write(&piece.bytes)?;
            }
            if let (Some(records), Some((path, mut part))) =
                (piece.ends, open.take_if(|_| piece.ends.is_some()))
            {
                match part.sync_later()? {
                    Some(sync) => syncing.push_back(Background::start(sync)),
                    None => part.sync()?,
                }
                let extent = part.extent();
                parts.push(PartEntry {
                    path,
                    bytes: extent.bytes,
                    sha256: extent.sha256,
                    records,
                });
            }
            Ok(())
        },
    )?;
    while let Some(sync) = syncing.pop_front() {
        wait(Some(sync))?;
    }
    if stop.is_requested() {
        return Ok(None);
    }
    sync_folder(disk.as_ref(), &partial(&folder.records()))?;
    Ok(Some(parts))
}

/// Waits until a part is durable.
fn wait(sync: Option<Background<Result<(), OutputError>>>) -> Result<(), Error> {
    match sync.map(Background::wait) {
        None | Some(Some(Ok(()))) => Ok(()),
        Some(Some(Err(error))) => Err(error.into()),
        Some(None) => Err(Error::Panicked {
            words: "the thread that syncs a part was lost".into(),
            records: None,
        }),
    }
}

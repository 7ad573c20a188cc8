//! Reads records part by part that were written as they came: sorts what the
//! index says, in bounded memory, and follows it through the file. It must not
//! know what is done with a piece.

use std::path::PathBuf;
use std::sync::Arc;

use super::disk::{Disk, DiskFile};
use super::error::OutputError;
use super::folder::Folder;
use super::place::partial;
use super::spool::{Index, IndexEntry, Spool};
use crate::sort::{ITEM, Item, Sorted, Sorter};

/// How many bytes a piece has, but for a part's last. Where parts are
/// compressed each piece is a member of its own, so this number decides bytes.
pub const PIECE: usize = 256 * 1024;

/// How many stretches are sorted in memory; more go to a temporary file, 32
/// bytes each.
const STRETCHES_IN_MEMORY: usize = 250_000;

/// Some of a part's bytes.
pub struct Piece {
    /// The part's name in its folder, on its first piece.
    pub begins: Option<String>,
    /// The bytes.
    pub bytes: Vec<u8>,
    /// How many records the part has, on its last piece.
    pub ends: Option<u64>,
}

/// The parts in the order of their names, in pieces.
pub struct Pieces {
    folder: Folder,
    /// What every part begins with.
    header: Vec<u8>,
    /// Partitions in the order of their names.
    names: Vec<Arc<str>>,
    path: PathBuf,
    records: Box<dyn DiskFile>,
    stretches: Sorted,
    next: Option<Stretch>,
    /// The records so far of the part that was begun.
    begun: Option<u64>,
}

/// Bytes of one part that lie together.
#[derive(Clone, Copy)]
struct Stretch {
    partition: u32,
    part: u32,
    offset: u64,
    bytes: u64,
    records: u64,
}

impl Pieces {
    /// Begins to read what a spool has written and flushed.
    ///
    /// # Errors
    /// When it cannot be read or sorted.
    pub fn new(
        disk: &dyn Disk,
        folder: &Folder,
        spool: &mut Spool,
        header: Vec<u8>,
    ) -> Result<Self, OutputError> {
        let mut names = spool.close();
        let mut order: Vec<usize> = (0..names.len()).collect();
        order.sort_by(|a, b| names[*a].cmp(&names[*b]));
        let mut ranks = vec![0; names.len()];
        for (rank, id) in order.iter().enumerate() {
            ranks[*id] = u32::try_from(rank).unwrap_or(u32::MAX);
        }
        names.sort();
        let temporary = |error| OutputError::io("sort in", &folder.path, error);
        let mut sorter = Sorter::new(STRETCHES_IN_MEMORY).in_folder(&folder.path);
        let mut index = Index::open(disk, &folder.index(), spool.index.extent().bytes)?;
        let mut offset = 0;
        while let Some(entry) = index.next()? {
            if let IndexEntry::Stretch {
                partition,
                part,
                bytes,
                records,
            } = entry
            {
                let stretch = Stretch {
                    partition: ranks[partition as usize],
                    part,
                    offset,
                    bytes,
                    records,
                };
                sorter.push(stretch.item()).map_err(temporary)?;
                offset += bytes;
            }
        }
        let path = partial(&folder.records());
        let records = disk
            .open(&path)
            .map_err(|error| OutputError::io("open", &path, error))?;
        let mut pieces = Self {
            folder: folder.clone(),
            header,
            names,
            path,
            records,
            stretches: sorter.finish().map_err(temporary)?,
            next: None,
            begun: None,
        };
        pieces.advance()?;
        Ok(pieces)
    }

    fn advance(&mut self) -> Result<(), OutputError> {
        let item = self.stretches.next();
        let item = item.map_err(|error| OutputError::io("sort in", &self.folder.path, error))?;
        self.next = item.map(|item| Stretch::of(&item));
        Ok(())
    }

    /// The next piece, or `None` after the last part.
    ///
    /// # Errors
    /// When the records cannot be read.
    pub fn next_piece(&mut self) -> Result<Option<Piece>, OutputError> {
        let Some(first) = self.next else {
            return Ok(None);
        };
        let mut piece = Piece {
            begins: None,
            bytes: Vec::with_capacity(PIECE.min(usize::try_from(first.bytes).unwrap_or(PIECE))),
            ends: None,
        };
        if self.begun.is_none() {
            let name = &self.names[first.partition as usize];
            piece.begins = Some(self.folder.part(name, first.part.into()));
            piece.bytes.extend_from_slice(&self.header);
        }
        let mut records = self.begun.take().unwrap_or(0);
        while let Some(stretch) = &mut self.next {
            if (stretch.partition, stretch.part) != (first.partition, first.part) {
                break;
            }
            let room = PIECE.saturating_sub(piece.bytes.len());
            if room == 0 {
                self.begun = Some(records);
                return Ok(Some(piece));
            }
            let take = usize::try_from(stretch.bytes).map_or(room, |bytes| bytes.min(room));
            let start = piece.bytes.len();
            piece.bytes.resize(start + take, 0);
            let read = (self.records.seek(stretch.offset))
                .and_then(|()| self.records.read_exact(&mut piece.bytes[start..]));
            read.map_err(|error| OutputError::io("read", &self.path, error))?;
            stretch.offset += take as u64;
            stretch.bytes -= take as u64;
            if stretch.bytes == 0 {
                records += stretch.records;
                self.advance()?;
            }
        }
        piece.ends = Some(records);
        Ok(Some(piece))
    }
}

impl Stretch {
    /// Big-endian, so that bytes compare as partition, part and offset do.
    fn item(&self) -> Item {
        let mut item = [0; ITEM];
        item[..4].copy_from_slice(&self.partition.to_be_bytes());
        item[4..8].copy_from_slice(&self.part.to_be_bytes());
        item[8..16].copy_from_slice(&self.offset.to_be_bytes());
        item[16..24].copy_from_slice(&self.bytes.to_be_bytes());
        item[24..].copy_from_slice(&self.records.to_be_bytes());
        item
    }

    fn of(item: &Item) -> Self {
        let number = |bytes: &[u8]| {
            let digits = bytes.iter();
            digits.fold(0, |all, byte| all << 8 | u64::from(*byte))
        };
        let small = |bytes: &[u8]| u32::try_from(number(bytes)).unwrap_or(u32::MAX);
        Self {
            partition: small(&item[..4]),
            part: small(&item[4..8]),
            offset: number(&item[8..16]),
            bytes: number(&item[16..24]),
            records: number(&item[24..]),
        }
    }
}

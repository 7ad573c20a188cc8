//! Sorts any number of small items in bounded memory.
//!
//! What fits is sorted where it stands; more goes to an anonymous temporary
//! file in sorted runs, which are merged as they are read back. This file must
//! not know what the items mean: they are sorted by their bytes.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

/// How many bytes an item has.
pub(crate) const ITEM: usize = 32;

/// One item.
pub(crate) type Item = [u8; ITEM];

/// The most items of one run that are read at a time.
const LARGEST_READ: usize = 4096;

/// Takes items in any order, and holds at most `limit` of them in memory.
pub(crate) struct Sorter {
    limit: usize,
    /// Where the temporary file is; the system's own place where it is `None`.
    folder: Option<PathBuf>,
    held: Vec<Item>,
    file: Option<File>,
    runs: Vec<Run>,
}

/// A sorted stretch of the file.
struct Run {
    next: u64,
    end: u64,
    read: std::vec::IntoIter<Item>,
}

impl Sorter {
    /// A sorter that holds `limit` items, at least one.
    pub(crate) fn new(limit: usize) -> Self {
        Self {
            limit: limit.max(1),
            folder: None,
            held: Vec::new(),
            file: None,
            runs: Vec::new(),
        }
    }

    /// The same with its temporary file in this folder.
    pub(crate) fn in_folder(mut self, folder: &Path) -> Self {
        self.folder = Some(folder.to_owned());
        self
    }

    /// Adds an item.
    ///
    /// # Errors
    /// When the temporary file cannot be made or written.
    pub(crate) fn push(&mut self, item: Item) -> io::Result<()> {
        if self.held.len() == self.limit {
            self.spill()?;
        }
        if self.held.len() == self.held.capacity() {
            // Doubling by itself would go past the limit.
            let wanted = (2 * self.held.len()).clamp(64, self.limit.max(64));
            self.held.reserve_exact(wanted - self.held.len());
        }
        self.held.push(item);
        Ok(())
    }

    fn spill(&mut self) -> io::Result<()> {
        self.held.sort_unstable();
        let file = match &mut self.file {
            Some(file) => file,
            None => self.file.insert(match &self.folder {
                Some(folder) => tempfile::tempfile_in(folder)?,
                None => tempfile::tempfile()?,
            }),
        };
        let next = self.runs.last().map_or(0, |run| run.end);
        let bytes = self.held.as_flattened();
        file.write_all(bytes)?;
        self.runs.push(Run {
            next,
            end: next + bytes.len() as u64,
            read: Vec::new().into_iter(),
        });
        self.held.clear();
        Ok(())
    }

    /// All items in their order.
    ///
    /// # Errors
    /// When the temporary file cannot be written or read.
    pub(crate) fn finish(mut self) -> io::Result<Sorted> {
        if self.file.is_some() && !self.held.is_empty() {
            self.spill()?;
        }
        let Some(file) = self.file else {
            self.held.sort_unstable();
            return Ok(Sorted::Held(self.held.into_iter()));
        };
        // What the items took is now there for reading runs.
        drop(self.held);
        let mut merge = Merge {
            at_once: (self.limit / self.runs.len()).clamp(1, LARGEST_READ),
            heads: BinaryHeap::with_capacity(self.runs.len()),
            file,
            runs: self.runs,
        };
        for at in 0..merge.runs.len() {
            if let Some(item) = merge.next_of(at)? {
                merge.heads.push(Reverse((item, at)));
            }
        }
        Ok(Sorted::Merged(merge))
    }
}

/// Items in their order.
pub(crate) enum Sorted {
    /// All of them fitted.
    Held(std::vec::IntoIter<Item>),
    /// They come from runs.
    Merged(Merge),
}

/// Sorted runs, read side by side.
pub(crate) struct Merge {
    file: File,
    runs: Vec<Run>,
    heads: BinaryHeap<Reverse<(Item, usize)>>,
    at_once: usize,
}

impl Sorted {
    /// The next item.
    ///
    /// # Errors
    /// When the temporary file cannot be read.
    pub(crate) fn next(&mut self) -> io::Result<Option<Item>> {
        match self {
            Self::Held(items) => Ok(items.next()),
            Self::Merged(merge) => merge.next(),
        }
    }
}

impl Merge {
    fn next(&mut self) -> io::Result<Option<Item>> {
        let Some(Reverse((item, run))) = self.heads.pop() else {
            return Ok(None);
        };
        if let Some(next) = self.next_of(run)? {
            self.heads.push(Reverse((next, run)));
        }
        Ok(Some(item))
    }

    fn next_of(&mut self, at: usize) -> io::Result<Option<Item>> {
        let run = &mut self.runs[at];
        if let Some(item) = run.read.next() {
            return Ok(Some(item));
        }
        let left = usize::try_from((run.end - run.next) / ITEM as u64).unwrap_or(usize::MAX);
        let mut items = vec![[0; ITEM]; self.at_once.min(left)];
        let bytes = items.as_flattened_mut();
        self.file.seek(SeekFrom::Start(run.next))?;
        self.file.read_exact(bytes)?;
        run.next += bytes.len() as u64;
        run.read = items.into_iter();
        Ok(run.read.next())
    }
}

//! Records on their way into parts.
//!
//! While a run is at work its records go, in whatever order they belong, into
//! one file, and where they belong into an index beside it: two files to sync
//! and to go on with, however many partitions there are. When all records are
//! there, [`Pieces`](super::Pieces) reads them part by part. This file must
//! not know what decides where a record belongs.
//!
//! The records are gathered in memory first, and written sorted by their
//! parts, so that those of one part lie together. Where one such stretch ends
//! and the next begins is a matter of time; the order within a part is not.
//!
//! The index is text: `+NAME` for each new partition, numbered from 0 as they
//! come; `PARTITION PART BYTES RECORDS` for each stretch of the records.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::fmt::Write as _;
use std::fs;
use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::disk::Disk;
use super::error::OutputError;
use super::folder::{Folder, MOST_PARTS, check_folders, check_free};
use super::manifest::PartEntry;
use super::place::{lock, partial};
use super::staged::{Extent, Staged, Target};

/// How many bytes of records are gathered before they are written.
const GATHERED: usize = 8 << 20;

/// Where the lines of one task belong.
#[derive(Debug, Default)]
pub struct Cuts {
    partitions: Vec<Arc<str>>,
    /// Partition, and where the line ends.
    lines: Vec<(u32, usize)>,
}

impl Cuts {
    /// Adds a partition by its folder's name, and gives its number here.
    pub fn partition(&mut self, name: &str) -> u32 {
        self.partitions.push(name.into());
        u32::try_from(self.partitions.len() - 1).unwrap_or(u32::MAX)
    }

    /// The next record belongs to this partition, and its line ends here.
    pub fn line(&mut self, partition: u32, end: usize) {
        self.lines.push((partition, end));
    }
}

/// Takes records on their way into parts.
pub struct Spool {
    folder: Folder,
    /// Where the records belong.
    pub index: Staged,
    ids: HashMap<Arc<str>, u32>,
    partitions: Vec<Partition>,
    /// How many of them the index names.
    named: usize,
    /// How many parts there are.
    parts: u64,
    /// Names without regard to case, where a file system may have none.
    one_case: Option<HashMap<String, u32>>,
    /// Parts of an older run, which make room, and their sizes.
    earlier: HashMap<String, u64>,
    gathered: Vec<u8>,
    stretches: Vec<Stretch>,
}

struct Partition {
    name: Arc<str>,
    records: u64,
}

/// Gathered records of one part, one behind another.
struct Stretch {
    partition: u32,
    part: u32,
    start: usize,
    end: usize,
    records: u64,
}

impl Spool {
    /// Starts in a folder, or goes on with an index.
    ///
    /// # Errors
    /// When the index cannot be made, or is not what it was.
    pub fn open(
        disk: &dyn Disk,
        folder: &Folder,
        earlier: &[PartEntry],
        index: Option<&Extent>,
    ) -> Result<Self, OutputError> {
        let path = folder.index();
        let staged = match index {
            Some(extent) => Staged::take_up(disk, &path, extent)?,
            None => Staged::create(disk, &Target::File(path.clone()))?,
        };
        let mut spool = Self {
            index: staged,
            ids: HashMap::new(),
            partitions: Vec::new(),
            named: 0,
            parts: 0,
            one_case: is_one_case(folder).then(HashMap::new),
            earlier: earlier
                .iter()
                .map(|part| (part.path.clone(), part.bytes))
                .collect(),
            gathered: Vec::new(),
            stretches: Vec::new(),
            folder: folder.clone(),
        };
        if let Some(extent) = index {
            let mut index = Index::open(disk, &path, extent.bytes)?;
            while let Some(entry) = index.next()? {
                match entry {
                    IndexEntry::Partition(name) => drop(spool.enter(&name)?),
                    IndexEntry::Stretch {
                        partition, records, ..
                    } => spool.partitions[partition as usize].records += records,
                }
            }
            spool.named = spool.partitions.len();
            let most = spool.folder.rows_per_file.unwrap_or(u64::MAX);
            let parts = |partition: &Partition| partition.records.div_ceil(most);
            spool.parts = spool.partitions.iter().map(parts).sum();
        }
        Ok(spool)
    }

    /// The number of a partition, which is new or known.
    fn enter(&mut self, name: &Arc<str>) -> Result<u32, OutputError> {
        let next = u32::try_from(self.partitions.len()).unwrap_or(u32::MAX);
        let id = match self.ids.entry(Arc::clone(name)) {
            Entry::Occupied(known) => return Ok(*known.get()),
            Entry::Vacant(new) => *new.insert(next),
        };
        check_folders(&self.folder.path, name)?;
        if let Some(names) = &mut self.one_case
            && let Some(first) = names.insert(name.to_lowercase(), id)
        {
            return Err(OutputError::OneName {
                folder: self.folder.path.clone(),
                first: self.partitions[first as usize].name.to_string(),
                second: name.to_string(),
            });
        }
        self.partitions.push(Partition {
            name: Arc::clone(name),
            records: 0,
        });
        Ok(id)
    }

    /// Takes a task's lines; `records` is where they are written.
    ///
    /// # Errors
    /// When a part cannot get its name, there are too many parts, or the lines
    /// cannot be written.
    pub fn add(
        &mut self,
        cuts: &Cuts,
        lines: &[u8],
        records: &mut Staged,
    ) -> Result<(), OutputError> {
        let ids: Vec<u32> = (cuts.partitions.iter())
            .map(|name| self.enter(name))
            .collect::<Result<_, _>>()?;
        let most = self.folder.rows_per_file.unwrap_or(u64::MAX);
        let base = self.gathered.len();
        let mut start = base;
        for (partition, end) in &cuts.lines {
            let (id, end) = (ids[*partition as usize], base + end);
            let records = &mut self.partitions[id as usize].records;
            let (part, is_first) = (*records / most, records.is_multiple_of(most));
            *records += 1;
            if is_first {
                self.begin(id, part)?;
            }
            // Fewer than MOST_PARTS, which fits.
            let part = u32::try_from(part).unwrap_or(u32::MAX);
            match self.stretches.last_mut() {
                Some(last) if (last.partition, last.part, last.end) == (id, part, start) => {
                    last.end = end;
                    last.records += 1;
                }
                _ => self.stretches.push(Stretch {
                    partition: id,
                    part,
                    start,
                    end,
                    records: 1,
                }),
            }
            start = end;
        }
        self.gathered.extend_from_slice(lines);
        match self.gathered.len() >= GATHERED {
            true => self.flush(records),
            false => Ok(()),
        }
    }

    /// A part gets its first record.
    fn begin(&mut self, id: u32, part: u64) -> Result<(), OutputError> {
        self.parts += 1;
        if self.parts > MOST_PARTS {
            return Err(OutputError::TooMany {
                folder: self.folder.path.clone(),
                most: MOST_PARTS,
            });
        }
        let name = self.folder.part(&self.partitions[id as usize].name, part);
        check_free(&self.folder.path, &name, &self.earlier)
    }

    /// Writes what was gathered.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn flush(&mut self, records: &mut Staged) -> Result<(), OutputError> {
        let mut text = String::new();
        for partition in &self.partitions[self.named..] {
            // Writing to a String cannot fail.
            let _ = writeln!(text, "+{}", partition.name);
        }
        self.named = self.partitions.len();
        // The order within a part stays.
        self.stretches
            .sort_by_key(|stretch| (stretch.partition, stretch.part));
        let same = |a: &Stretch, b: &Stretch| (a.partition, a.part) == (b.partition, b.part);
        for stretches in self.stretches.chunk_by(same) {
            let (mut bytes, mut count) = (0, 0);
            for stretch in stretches {
                records.write(&self.gathered[stretch.start..stretch.end])?;
                bytes += stretch.end - stretch.start;
                count += stretch.records;
            }
            let Stretch {
                partition, part, ..
            } = stretches[0];
            let _ = writeln!(text, "{partition} {part} {bytes} {count}");
        }
        self.gathered.clear();
        self.stretches.clear();
        self.index.write(text.as_bytes())
    }

    /// Gives back the memory that only gathering needs, and the partitions'
    /// names in the order of their numbers.
    pub(super) fn close(&mut self) -> Vec<Arc<str>> {
        self.gathered = Vec::new();
        self.stretches = Vec::new();
        self.ids = HashMap::new();
        let names = self.partitions.iter();
        names.map(|partition| Arc::clone(&partition.name)).collect()
    }
}

/// Whether the file system does not tell upper from lower case: the lock, which
/// the run holds, has another name then.
fn is_one_case(folder: &Folder) -> bool {
    let lock = lock(&folder.records());
    let other = lock.file_name().map(|name| name.to_ascii_uppercase());
    other.is_some_and(|other| fs::symlink_metadata(lock.with_file_name(other)).is_ok())
}

/// One line of an index.
pub(super) enum IndexEntry {
    Partition(Arc<str>),
    Stretch {
        partition: u32,
        part: u32,
        bytes: u64,
        records: u64,
    },
}

/// An index that is read.
pub(super) struct Index {
    path: PathBuf,
    lines: BufReader<std::io::Take<Box<dyn super::disk::DiskFile>>>,
    line: String,
    partitions: u32,
}

impl Index {
    /// Reads so many bytes of it.
    pub(super) fn open(disk: &dyn Disk, path: &Path, bytes: u64) -> Result<Self, OutputError> {
        let path = partial(path);
        let file = disk
            .open(&path)
            .map_err(|error| OutputError::io("open", &path, error))?;
        Ok(Self {
            path,
            lines: BufReader::new(file.take(bytes)),
            line: String::new(),
            partitions: 0,
        })
    }

    pub(super) fn next(&mut self) -> Result<Option<IndexEntry>, OutputError> {
        self.line.clear();
        let read = self.lines.read_line(&mut self.line);
        let read = read.map_err(|error| OutputError::io("read", &self.path, error))?;
        if read == 0 {
            return Ok(None);
        }
        match self.entry() {
            Some(entry) => Ok(Some(entry)),
            // Its digest was right: whoever wrote it did not write this.
            None => Err(OutputError::Damaged {
                path: self.path.clone(),
                why: format!("its line {:?} is none", self.line),
            }),
        }
    }

    fn entry(&mut self) -> Option<IndexEntry> {
        let line = self.line.strip_suffix('\n')?;
        if let Some(name) = line.strip_prefix('+') {
            self.partitions += 1;
            return Some(IndexEntry::Partition(name.into()));
        }
        let mut numbers = line.split(' ');
        let entry = IndexEntry::Stretch {
            partition: (numbers.next()?.parse().ok()).filter(|id| *id < self.partitions)?,
            part: numbers.next()?.parse().ok()?,
            bytes: numbers.next()?.parse().ok()?,
            records: numbers.next()?.parse().ok()?,
        };
        numbers.next().is_none().then_some(entry)
    }
}

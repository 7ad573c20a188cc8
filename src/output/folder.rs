//! A folder of parts: the names in it, and how complete parts get theirs.
//!
//! Everything that is no part has a name that begins with `_`, which readers
//! of such folders pass over. It must not know what is in a part.

use std::collections::{BTreeSet, HashMap};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use super::compress::Compression;
use super::disk::Disk;
use super::error::OutputError;
use super::manifest::PartEntry;
use super::names::{measure, remove, sync_folder};
use super::place::partial;
use super::staged::Extent;
use crate::parallel;

/// How many parts a folder gets at most. What is known of each is held in
/// memory: less than half a KiB where the run ends.
pub const MOST_PARTS: u64 = 100_000;

/// How many folders are synced one by one at most, and how many together where
/// there are more.
const MANY: usize = 64;
const SYNCS: usize = 16;

/// The name of the empty file that says that everything is there.
pub const SUCCESS: &str = "_SUCCESS";

/// A folder of parts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Folder {
    /// Where it is.
    pub path: PathBuf,
    /// How many records a part has at most.
    pub rows_per_file: Option<u64>,
    /// What the names of parts end in: `.ndjson.gz`.
    pub ending: String,
    /// How parts are compressed.
    pub compression: Compression,
}

impl Folder {
    /// The records before they are parted; never published. The lock and the
    /// checkpoint stand beside it.
    pub fn records(&self) -> PathBuf {
        self.path.join("_records")
    }

    /// Which of these records belong where.
    pub fn index(&self) -> PathBuf {
        self.path.join("_index")
    }

    /// The rejects, unless another name is given.
    pub fn rejects(&self) -> PathBuf {
        self.path.join("_rejects.ndjson")
    }

    /// The manifest, unless another name is given.
    pub fn manifest(&self) -> PathBuf {
        self.path.join("_manifest.json")
    }

    /// An empty file that says that all others are there.
    pub fn success(&self) -> PathBuf {
        self.path.join(SUCCESS)
    }

    /// A part's name in the folder; its partition's is empty where there is
    /// none.
    pub fn part(&self, partition: &str, number: u64) -> String {
        let slash = if partition.is_empty() { "" } else { "/" };
        format!("{partition}{slash}part-{number:05}{}", self.ending)
    }

    /// Makes the folder, and those it is in, where they are not there.
    ///
    /// # Errors
    /// When it cannot be made.
    pub fn make(&self, disk: &dyn Disk) -> Result<(), OutputError> {
        make(disk, &self.path)
    }

    /// Whether the name of a source would be written in here.
    ///
    /// # Errors
    /// The first source with such a name.
    pub fn check_sources(&self, sources: &[(&'static str, PathBuf)]) -> Result<(), OutputError> {
        let Ok(folder) = fs::canonicalize(&self.path) else {
            return Ok(());
        };
        for (what, path) in sources {
            let Ok(place) = fs::canonicalize(path) else {
                continue;
            };
            let Ok(inside) = place.strip_prefix(&folder) else {
                continue;
            };
            let starts = |name: Option<&std::ffi::OsStr>, start: &str| {
                name.is_some_and(|name| name.to_string_lossy().starts_with(start))
            };
            if starts(inside.file_name(), "part-") || starts(inside.iter().next(), "_") {
                return Err(OutputError::Inside {
                    path: path.clone(),
                    what,
                    folder: self.path.clone(),
                });
            }
        }
        Ok(())
    }
}

/// A complete part before it has its name, by its place among all.
pub fn staged(folder: &Path, at: usize) -> PathBuf {
    folder.join(format!("_part-{at:06}"))
}

/// The file of a part.
pub fn place_of(folder: &Path, part: &str) -> PathBuf {
    // What is put together from pieces keeps the system's own separators.
    part.split('/')
        .fold(folder.to_owned(), |path, name| path.join(name))
}

/// Whether this is a name that a part may have: nothing of it leads out of the
/// folder, or to what is no part.
pub fn is_part(path: &str) -> bool {
    let mut names: Vec<&str> = path.split('/').collect();
    let file = names.pop().unwrap_or_default();
    let is_partition = |name: &&str| name.contains('=') && !name.starts_with(['.', '_']);
    file.starts_with("part-") && names.iter().all(is_partition) && !path.contains(['\\', '\0'])
}

fn make(disk: &dyn Disk, path: &Path) -> Result<(), OutputError> {
    if path.is_dir() {
        return Ok(());
    }
    if let Some(parent) = path
        .parent()
        .filter(|parent| !parent.as_os_str().is_empty())
    {
        make(disk, parent)?;
    }
    create(disk, path)?;
    sync_folder(disk, path)
}

fn create(disk: &dyn Disk, path: &Path) -> Result<(), OutputError> {
    match disk.create_folder(path) {
        // Another run made it in between, or a killed attempt of this one.
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists && path.is_dir() => Ok(()),
        result => result.map_err(|error| OutputError::io("make the folder", path, error)),
    }
}

/// Looks, before anything is written, whether a part can get its name: it is
/// free, or held by one of these older parts, and no link leads elsewhere.
///
/// # Errors
/// When something is in the way.
pub(super) fn check_free(
    folder: &Path,
    part: &str,
    earlier: &HashMap<String, u64>,
) -> Result<(), OutputError> {
    let path = place_of(folder, part);
    match path.symlink_metadata() {
        Ok(there) => {
            let is_ours = earlier.get(part) == Some(&there.len());
            match is_ours && there.is_file() {
                true => Ok(()),
                false => Err(OutputError::Foreign { path }),
            }
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        // A name that is too long, a file where a folder should be.
        Err(error) => Err(OutputError::io("look for", &path, error)),
    }
}

/// Whether the folders of a partition are folders, as far as they are there.
pub(super) fn check_folders(folder: &Path, partition: &str) -> Result<(), OutputError> {
    let mut path = folder.to_owned();
    for name in partition.split('/').filter(|name| !name.is_empty()) {
        path.push(name);
        let is = match path.symlink_metadata() {
            Ok(there) if there.is_dir() => continue,
            Ok(there) if there.is_symlink() => "a symbolic link, not a folder",
            Ok(_) => return Err(OutputError::Foreign { path }),
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
            Err(error) => return Err(OutputError::io("look for", &path, error)),
        };
        return Err(OutputError::NoFile { path, is });
    }
    Ok(())
}

/// The parts of a run that is to be published, and what is there before.
pub struct Publication<'a> {
    /// The folder.
    pub folder: &'a Path,
    /// The new parts.
    pub parts: &'a [PartEntry],
    /// Those of an older run, which make room.
    pub earlier: &'a [PartEntry],
}

impl Publication<'_> {
    /// Which parts are still to be renamed. Where an attempt has died over it,
    /// `again` reads every part: it must be complete under one of its names.
    ///
    /// # Errors
    /// When one is not, or cannot be read.
    pub fn waiting(&self, disk: &dyn Disk, again: bool) -> Result<Vec<usize>, OutputError> {
        if !again {
            return Ok((0..self.parts.len()).collect());
        }
        for folder in self.folders() {
            if folder.is_dir() {
                sync(disk, &folder)?;
            }
        }
        let mut waiting = Vec::new();
        for (at, part) in self.parts.iter().enumerate() {
            let path = place_of(self.folder, &part.path);
            let extent = extent(part);
            let found = measure(disk, &path)?;
            if found.as_ref() == Some(&extent) {
                continue;
            }
            let staged = measure(disk, &partial(&staged(self.folder, at)))?;
            if staged.as_ref() != Some(&extent) {
                return Err(OutputError::Changed {
                    path,
                    wanted: extent.bytes,
                    found: found.map_or(0, |found| found.bytes),
                });
            }
            waiting.push(at);
        }
        Ok(waiting)
    }

    /// Gives the waiting parts their names, then takes away what only the
    /// older run had.
    ///
    /// # Errors
    /// When a folder cannot be made, or a part not renamed.
    pub fn publish(&self, disk: &dyn Disk, waiting: &[usize]) -> Result<(), OutputError> {
        let earlier: HashMap<String, u64> = (self.earlier.iter())
            .map(|part| (part.path.clone(), part.bytes))
            .collect();
        let folders = self.folders();
        if !waiting.is_empty() {
            for folder in folders.iter().filter(|path| *path != self.folder) {
                create(disk, folder)?;
            }
            // Those that were there may be no older than a killed attempt.
            let parents = folders.iter().filter_map(|folder| folder.parent());
            let parents: BTreeSet<&Path> = parents
                .filter(|path| path.starts_with(self.folder))
                .collect();
            sync_all(disk, &parents.into_iter().collect::<Vec<_>>())?;
        }
        for at in waiting {
            let part = &self.parts[*at].path;
            let (from, to) = (
                partial(&staged(self.folder, *at)),
                place_of(self.folder, part),
            );
            // Looked for each time: names that differ may be one in here.
            check_free(self.folder, part, &earlier)?;
            disk.rename(&from, &to)
                .map_err(|error| OutputError::io("rename", &from, error))?;
        }
        if !waiting.is_empty() {
            // The new names first: what has lost its old one must have them.
            let inner = folders.iter().filter(|path| *path != self.folder);
            sync_all(disk, &inner.collect::<Vec<_>>())?;
            sync(disk, self.folder)?;
        }
        self.remove_earlier(disk, &folders)
    }

    /// Every folder that a part is in, and those these are in, outermost first.
    fn folders(&self) -> BTreeSet<PathBuf> {
        let mut folders = BTreeSet::from([self.folder.to_owned()]);
        for part in self.parts {
            let mut path = self.folder.to_owned();
            let mut names: Vec<&str> = part.path.split('/').collect();
            names.pop();
            for name in names {
                path.push(name);
                if !folders.contains(&path) {
                    folders.insert(path.clone());
                }
            }
        }
        folders
    }

    /// Takes away what only the older run had, and the folders that nothing is
    /// in then. What a killed attempt has done is done.
    fn remove_earlier(
        &self,
        disk: &dyn Disk,
        folders: &BTreeSet<PathBuf>,
    ) -> Result<(), OutputError> {
        let new: BTreeSet<&str> = self.parts.iter().map(|part| part.path.as_str()).collect();
        let mut left = BTreeSet::new();
        for part in self.earlier.iter().filter(|part| is_part(&part.path)) {
            let path = place_of(self.folder, &part.path);
            // What has other bytes by now is not what that run made.
            if new.contains(part.path.as_str()) {
                continue;
            }
            if measure(disk, &path)? == Some(extent(part)) {
                remove(disk, &path)?;
            }
            let above = path.ancestors().skip(1);
            let inside = above.take_while(|folder| *folder != self.folder);
            left.extend(inside.map(Path::to_owned));
        }
        // Those that are in others come after them.
        for folder in left
            .iter()
            .rev()
            .filter(|folder| !folders.contains(*folder))
        {
            match disk.remove_folder(folder) {
                Ok(()) => sync_folder(disk, folder)?,
                Err(error) => match error.kind() {
                    io::ErrorKind::DirectoryNotEmpty | io::ErrorKind::NotFound => {}
                    _ => return Err(OutputError::io("remove the folder", folder, error)),
                },
            }
        }
        Ok(())
    }
}

/// Takes away parts that never got their names.
///
/// # Errors
/// When one stays.
pub fn remove_staged(disk: &dyn Disk, folder: &Path) -> Result<(), OutputError> {
    let failed = |error| OutputError::io("list", folder, error);
    for entry in fs::read_dir(folder).map_err(failed)? {
        let name = entry.map_err(failed)?.file_name();
        let name = name.to_string_lossy();
        let digits = (name.strip_prefix("_part-")).and_then(|name| name.strip_suffix(".partial"));
        if digits.is_some_and(|digits| digits.bytes().all(|byte| byte.is_ascii_digit())) {
            remove(disk, &folder.join(&*name))?;
        }
    }
    Ok(())
}

fn extent(part: &PartEntry) -> Extent {
    Extent {
        bytes: part.bytes,
        sha256: part.sha256.clone(),
    }
}

/// Syncs folders; where there are many, several together, because each waits
/// for the disk.
fn sync_all<P: AsRef<Path> + Sync>(disk: &dyn Disk, folders: &[P]) -> Result<(), OutputError> {
    let threads = if folders.len() < MANY { 1 } else { SYNCS };
    parallel::each(folders, threads, |folder| sync(disk, folder.as_ref()))
}

fn sync(disk: &dyn Disk, folder: &Path) -> Result<(), OutputError> {
    disk.sync_folder(folder)
        .map_err(|error| OutputError::io("sync the folder", folder, error))
}

//! A disk that knows what of it is durable, and loses power.
//!
//! A file's content is durable as of its last sync, the names of a folder as
//! of its last sync. Everything later may be there after the power is back,
//! in whole, in part, or not at all.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use campaign_signer::output::{Disk, DiskFile, SystemDisk};

use crate::site::{Files, restore, snapshot};
use crate::testkit::Rng;

/// What a broken layer only says it does.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Lie {
    Nothing,
    Sync,
    SyncFolder,
}

/// Which names are there after the power is back.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Names {
    Kept,
    Durable,
    /// The oldest of those changes in each folder that were not synced.
    Oldest(u64),
    /// Any of these changes.
    Any(u64),
}

/// What of a file's content is there after the power is back.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Content {
    Kept,
    Durable,
    /// What is not durable is there up to a sector's end.
    Torn(u64),
    /// What is not durable has its length, and other bytes.
    Garbage,
    /// A file that was cut has its old end.
    Uncut,
}

/// Everything that a loss of power is tried with.
pub(crate) fn outages(seed: u64) -> [(Names, Content); 8] {
    [
        (Names::Kept, Content::Kept),
        (Names::Durable, Content::Durable),
        (Names::Kept, Content::Durable),
        (Names::Durable, Content::Torn(seed)),
        (Names::Durable, Content::Garbage),
        (Names::Kept, Content::Uncut),
        (Names::Oldest(seed), Content::Torn(seed)),
        (Names::Any(seed), Content::Garbage),
    ]
}

#[derive(Default)]
struct Inode {
    content: Vec<u8>,
    durable: Vec<u8>,
}

/// The inode of a folder.
const FOLDER: usize = usize::MAX;

/// A change to the names of a folder.
enum Change {
    Add(PathBuf, usize),
    /// A folder; it has the inode that no file has.
    AddFolder(PathBuf),
    Remove(PathBuf),
    Rename(PathBuf, PathBuf, usize),
}

impl Change {
    fn folder(&self) -> &Path {
        let (Self::Add(path, _)
        | Self::AddFolder(path)
        | Self::Remove(path)
        | Self::Rename(path, ..)) = self;
        path.parent().unwrap()
    }

    fn apply(&self, names: &mut BTreeMap<PathBuf, usize>) {
        match self {
            Self::Add(path, inode) => {
                names.insert(path.clone(), *inode);
            }
            Self::AddFolder(path) => {
                names.insert(path.clone(), FOLDER);
            }
            Self::Remove(path) => {
                names.remove(path);
            }
            Self::Rename(from, to, inode) => {
                names.remove(from);
                names.insert(to.clone(), *inode);
            }
        }
    }
}

struct State {
    folder: PathBuf,
    lie: Lie,
    inodes: Vec<Inode>,
    names: BTreeMap<PathBuf, usize>,
    durable: BTreeMap<PathBuf, usize>,
    /// In their order.
    pending: Vec<Change>,
    /// Every folder that was ever made.
    folders: BTreeSet<PathBuf>,
    operations: u64,
    /// After so many operations, nothing is done any more.
    until: u64,
}

#[derive(Clone)]
pub(crate) struct CrashDisk(Arc<Mutex<State>>);

impl CrashDisk {
    /// Over a folder whose files are all durable.
    pub(crate) fn new(folder: &Path, until: u64, lie: Lie) -> Self {
        let mut inodes = Vec::new();
        let mut names = BTreeMap::new();
        for (path, content) in snapshot(folder) {
            names.insert(path, inodes.len());
            inodes.push(Inode {
                durable: content.clone(),
                content,
            });
        }
        Self(Arc::new(Mutex::new(State {
            folder: folder.to_owned(),
            lie,
            durable: names.clone(),
            inodes,
            names,
            pending: Vec::new(),
            folders: BTreeSet::new(),
            operations: 0,
            until,
        })))
    }

    /// Whether the end has come.
    pub(crate) fn is_dead(&self) -> bool {
        let state = self.0.lock().unwrap();
        state.operations > state.until
    }

    /// Differs from place to place, and is the same every time.
    pub(crate) fn seed(&self) -> u64 {
        self.0.lock().unwrap().until
    }

    /// Another process goes on where one was killed: nothing is lost, but
    /// nothing more is durable than was.
    pub(crate) fn go_on(&self, until: u64) {
        let mut state = self.0.lock().unwrap();
        (state.operations, state.until) = (0, until);
    }

    /// The files after the power is back.
    pub(crate) fn after(&self, names: Names, content: Content) -> Files {
        let state = self.0.lock().unwrap();
        let mut there = match names {
            Names::Kept => state.names.clone(),
            _ => state.durable.clone(),
        };
        match names {
            Names::Kept | Names::Durable => {}
            Names::Any(seed) => {
                let mut rng = Rng(seed);
                let kept = state.pending.iter().filter(|_| rng.one_in(2));
                kept.for_each(|change| change.apply(&mut there));
            }
            Names::Oldest(seed) => {
                let mut rng = Rng(seed);
                let mut left = BTreeMap::new();
                for change in &state.pending {
                    let left = left.entry(change.folder()).or_insert_with(|| rng.below(4));
                    if *left > 0 {
                        *left -= 1;
                        change.apply(&mut there);
                    }
                }
            }
        }
        // A file is lost with its folder.
        let folders: Vec<&PathBuf> = state.folders.iter().collect();
        let is_lost = |path: &Path| {
            let above = |folder: &&PathBuf| path.starts_with(folder) && path != folder.as_path();
            let mut above = folders.iter().copied().filter(above);
            above.any(|folder| !there.contains_key(folder))
        };
        let file = |(path, inode): (&PathBuf, &usize)| {
            let is_there = *inode != FOLDER && !is_lost(path);
            is_there.then(|| (path.clone(), state.inodes[*inode].after(content)))
        };
        there.iter().filter_map(file).collect()
    }

    /// Puts these files in place of what is there.
    pub(crate) fn lose(&self, names: Names, content: Content) {
        let files = self.after(names, content);
        let folder = self.0.lock().unwrap().folder.clone();
        restore(&folder, &files);
    }

    fn step(&self) -> io::Result<std::sync::MutexGuard<'_, State>> {
        let mut state = self.0.lock().unwrap();
        state.operations += 1;
        match state.operations > state.until {
            true => Err(io::Error::from_raw_os_error(5)),
            false => Ok(state),
        }
    }

    fn file(&self, inode: usize, file: Box<dyn DiskFile>) -> Box<dyn DiskFile> {
        Box::new(CrashFile {
            disk: self.clone(),
            inode,
            at: 0,
            file,
        })
    }
}

impl Inode {
    fn after(&self, content: Content) -> Vec<u8> {
        let Self {
            content: now,
            durable,
        } = self;
        // What is durable of what is there.
        let same = now.iter().zip(durable).take_while(|(a, b)| a == b).count();
        match content {
            Content::Kept => now.clone(),
            Content::Durable => durable.clone(),
            Content::Torn(seed) => {
                let sectors = (now.len() - same) as u64 / 512;
                let more = Rng(seed).below(sectors + 1) as usize * 512;
                let end = (same + more) / 512 * 512;
                now[..end.clamp(same, now.len())].to_vec()
            }
            Content::Garbage => {
                let mut bytes = now.clone();
                bytes[same..].fill(0xa5);
                bytes
            }
            Content::Uncut => {
                let mut bytes = now.clone();
                bytes.extend(durable.get(now.len()..).unwrap_or_default());
                bytes
            }
        }
    }
}

impl Disk for CrashDisk {
    fn create(&self, path: &Path) -> io::Result<Box<dyn DiskFile>> {
        let mut state = self.step()?;
        let file = SystemDisk.create(path)?;
        let inode = state.inodes.len();
        state.inodes.push(Inode::default());
        state.change(Change::Add(path.to_owned(), inode));
        Ok(self.file(inode, file))
    }

    fn open(&self, path: &Path) -> io::Result<Box<dyn DiskFile>> {
        let state = self.step()?;
        let file = SystemDisk.open(path)?;
        Ok(self.file(state.names[path], file))
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        let mut state = self.step()?;
        fs::rename(from, to)?;
        let inode = state.names[from];
        state.change(Change::Rename(from.to_owned(), to.to_owned(), inode));
        Ok(())
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        let mut state = self.step()?;
        fs::remove_file(path)?;
        state.change(Change::Remove(path.to_owned()));
        Ok(())
    }

    fn create_folder(&self, folder: &Path) -> io::Result<()> {
        let mut state = self.step()?;
        fs::create_dir(folder)?;
        state.folders.insert(folder.to_owned());
        state.change(Change::AddFolder(folder.to_owned()));
        Ok(())
    }

    fn remove_folder(&self, folder: &Path) -> io::Result<()> {
        let mut state = self.step()?;
        fs::remove_dir(folder)?;
        // Empty, it holds nothing that could be lost with it.
        state.folders.remove(folder);
        state.change(Change::Remove(folder.to_owned()));
        Ok(())
    }

    fn sync_folder(&self, folder: &Path) -> io::Result<()> {
        let mut state = self.step()?;
        if state.lie != Lie::SyncFolder {
            // A rename into it is durable on this side only: the file may have
            // both names.
            let State {
                pending, durable, ..
            } = &mut *state;
            for change in pending {
                if let Change::Rename(from, to, inode) = change
                    && to.parent() == Some(folder)
                    && from.parent() != Some(folder)
                {
                    durable.insert(to.clone(), *inode);
                }
            }
            let State {
                pending, durable, ..
            } = &mut *state;
            let is_synced = |change: &mut Change| change.folder() == folder;
            for change in pending.extract_if(.., is_synced) {
                change.apply(durable);
            }
        }
        Ok(())
    }
}

impl State {
    fn change(&mut self, change: Change) {
        change.apply(&mut self.names);
        self.pending.push(change);
    }
}

struct CrashFile {
    disk: CrashDisk,
    inode: usize,
    at: usize,
    file: Box<dyn DiskFile>,
}

impl Read for CrashFile {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.disk.is_dead() {
            return Err(io::Error::from_raw_os_error(5));
        }
        let read = self.file.read(buffer)?;
        self.at += read;
        Ok(read)
    }
}

impl Write for CrashFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let mut state = self.disk.step()?;
        self.file.write_all(bytes)?;
        let content = &mut state.inodes[self.inode].content;
        let end = self.at + bytes.len();
        content.resize(content.len().max(end), 0);
        content[self.at..end].copy_from_slice(bytes);
        self.at = end;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl DiskFile for CrashFile {
    fn set_len(&mut self, bytes: u64) -> io::Result<()> {
        let mut state = self.disk.step()?;
        self.file.set_len(bytes)?;
        state.inodes[self.inode].content.resize(bytes as usize, 0);
        Ok(())
    }

    fn seek(&mut self, to: u64) -> io::Result<()> {
        self.at = to as usize;
        self.file.seek(to)
    }

    fn sync(&mut self) -> io::Result<()> {
        let mut state = self.disk.step()?;
        if state.lie != Lie::Sync {
            let inode = &mut state.inodes[self.inode];
            inode.durable.clone_from(&inode.content);
        }
        Ok(())
    }
}

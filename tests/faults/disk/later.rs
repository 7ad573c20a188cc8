//! Checkpoints that become durable while the run goes on, on a disk that
//! fails just then.

use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use campaign_signer::error::Kind;
use campaign_signer::output::{Disk, DiskFile, SyncLater, SystemDisk};

use crate::oracle::Oracle;
use crate::site::{Case, attempt};

/// From the `good`-th on, every sync that was put off fails.
struct Late {
    good: usize,
    seen: Arc<AtomicUsize>,
}

struct LateFile {
    file: Box<dyn DiskFile>,
    path: PathBuf,
    good: usize,
    seen: Arc<AtomicUsize>,
}

impl Late {
    fn file(&self, path: &Path, file: Box<dyn DiskFile>) -> Box<dyn DiskFile> {
        Box::new(LateFile {
            file,
            path: path.to_owned(),
            good: self.good,
            seen: Arc::clone(&self.seen),
        })
    }
}

impl Disk for Late {
    fn create(&self, path: &Path) -> io::Result<Box<dyn DiskFile>> {
        Ok(self.file(path, SystemDisk.create(path)?))
    }

    fn open(&self, path: &Path) -> io::Result<Box<dyn DiskFile>> {
        Ok(self.file(path, SystemDisk.open(path)?))
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        SystemDisk.rename(from, to)
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        SystemDisk.remove(path)
    }

    fn create_folder(&self, folder: &Path) -> io::Result<()> {
        SystemDisk.create_folder(folder)
    }

    fn remove_folder(&self, folder: &Path) -> io::Result<()> {
        SystemDisk.remove_folder(folder)
    }

    fn sync_folder(&self, folder: &Path) -> io::Result<()> {
        SystemDisk.sync_folder(folder)
    }
}

impl Read for LateFile {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.file.read(buffer)
    }
}

impl Write for LateFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.file.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

impl DiskFile for LateFile {
    fn set_len(&mut self, bytes: u64) -> io::Result<()> {
        self.file.set_len(bytes)
    }

    fn seek(&mut self, to: u64) -> io::Result<()> {
        self.file.seek(to)
    }

    fn sync(&mut self) -> io::Result<()> {
        self.file.sync()
    }

    fn sync_later(&mut self) -> io::Result<Option<SyncLater>> {
        let (path, good, seen) = (self.path.clone(), self.good, Arc::clone(&self.seen));
        Ok(Some(Box::new(move || {
            if seen.fetch_add(1, Ordering::SeqCst) >= good {
                return Err(io::Error::from_raw_os_error(5)); // EIO
            }
            SystemDisk.open(&path)?.sync()
        })))
    }
}

#[test]
fn a_sync_that_fails_beside_the_work_stops_the_run_and_costs_only_what_came_after() {
    let case = Case::tokens(20);
    let oracle = Oracle::of(&case);
    let mut failed = 0;
    for good in 0..40 {
        let site = case.site();
        let disk = Arc::new(Late {
            good,
            seen: Arc::default(),
        });
        let (result, seen) = attempt(case.job(site.path(), disk, false), None);
        if let Err(error) = &result {
            assert_eq!(error.kind(), Kind::Io, "{error}");
            assert!(error.to_string().contains(".partial"), "{error}");
            failed += 1;
        }
        oracle.after(&case, &site, &seen).unwrap();
    }
    assert!(failed > 0, "no sync was put off");
}

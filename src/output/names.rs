//! What is done to whole files by their names: published, measured, taken away.
//! It must not know what is in them.

use std::io::{self, Read};
use std::path::Path;

use super::disk::{Disk, DiskFile};
use super::error::OutputError;
use super::place::{folder, partial};
use super::staged::{BUFFER_BYTES, Extent, Staged};

/// Gives a file that is complete and synced its name, and makes the name
/// durable.
///
/// # Errors
/// When it cannot be renamed.
pub fn publish(disk: &dyn Disk, path: &Path) -> Result<(), OutputError> {
    let from = partial(path);
    disk.rename(&from, path)
        .map_err(|error| OutputError::io("rename", &from, error))?;
    sync_folder(disk, path)
}

/// Makes the names in a file's folder durable.
///
/// # Errors
/// When the system could not promise it.
pub fn sync_folder(disk: &dyn Disk, path: &Path) -> Result<(), OutputError> {
    disk.sync_folder(folder(path))
        .map_err(|error| OutputError::io("sync the folder of", path, error))
}

/// Removes a file if it is there, and makes that durable.
///
/// # Errors
/// When it is there and stays.
pub fn remove(disk: &dyn Disk, path: &Path) -> Result<(), OutputError> {
    match disk.remove(path) {
        Ok(()) => sync_folder(disk, path),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(error) => Err(OutputError::io("remove", path, error)),
    }
}

/// How much a file holds; `None` where there is no such file.
///
/// # Errors
/// When it is there and cannot be read.
pub fn measure(disk: &dyn Disk, path: &Path) -> Result<Option<Extent>, OutputError> {
    let failed = |error| OutputError::io("read", path, error);
    let mut file = match disk.open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(failed(error)),
    };
    let mut staged = Staged::nowhere();
    let mut buffer = vec![0; BUFFER_BYTES];
    loop {
        match file.read(&mut buffer) {
            Ok(0) => return Ok(Some(staged.extent())),
            Ok(read) => staged.write(&buffer[..read])?,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(failed(error)),
        }
    }
}

/// Takes away an unfinished file, unless another run writes it.
///
/// # Errors
/// When it is there and stays.
pub fn discard(disk: &dyn Disk, path: &Path) -> io::Result<()> {
    drop(claimed(disk.open(path)?)?);
    disk.remove(path)
}

pub(super) fn claimed(mut file: Box<dyn DiskFile>) -> io::Result<Box<dyn DiskFile>> {
    file.claim()?;
    Ok(file)
}

/// A new file in place of an older one.
pub(super) fn create_anew(disk: &dyn Disk, path: &Path) -> io::Result<Box<dyn DiskFile>> {
    match disk.create(path) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
            // Not under the hands of a run that writes it.
            drop(claimed(disk.open(path)?)?);
            disk.remove(path)?;
            disk.create(path)
        }
        result => result,
    }
}

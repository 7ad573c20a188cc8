//! Names beside an output, and whether an output can be written at all. It
//! must not know what is written.

use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};

use super::error::OutputError;

/// The output while it is written.
pub fn partial(path: &Path) -> PathBuf {
    beside(path, ".partial")
}

/// What an interrupted run leaves to go on with.
pub fn checkpoint(path: &Path) -> PathBuf {
    beside(path, ".checkpoint")
}

/// Held by the run that writes the output.
pub fn lock(path: &Path) -> PathBuf {
    beside(path, ".lock")
}

fn beside(path: &Path, ending: &str) -> PathBuf {
    let mut name = OsString::from(path);
    name.push(ending);
    PathBuf::from(name)
}

/// The folder of a file.
pub(super) fn folder(path: &Path) -> &Path {
    match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    }
}

/// Checks, before any work, that outputs and their sources (inputs, keys) are
/// different files, and that each output is a regular file or none yet.
///
/// # Errors
/// The first output that cannot be.
pub fn check_targets(
    sources: &[(&'static str, PathBuf)],
    outputs: &[(&'static str, PathBuf)],
) -> Result<(), OutputError> {
    for (at, (name, path)) in outputs.iter().enumerate() {
        let same = |path: &Path, first, second| OutputError::Same {
            path: path.to_owned(),
            first,
            second,
        };
        for (other, before) in &outputs[..at] {
            if reserved(before).iter().any(|taken| same_file(taken, path))
                || reserved(path).iter().any(|taken| same_file(taken, before))
            {
                return Err(same(path, other, name));
            }
        }
        // What stands beside an output would replace an input just as well.
        for path in reserved(path) {
            if let Some((source, _)) = sources.iter().find(|(_, source)| same_file(source, &path)) {
                return Err(same(&path, source, name));
            }
            check_kind(&path)?;
        }
    }
    Ok(())
}

/// Every name that writing an output uses.
fn reserved(path: &Path) -> [PathBuf; 4] {
    [path.to_owned(), partial(path), checkpoint(path), lock(path)]
}

/// A rename would replace a link, a pipe or a device by a file, which nobody
/// wants who names one.
fn check_kind(path: &Path) -> Result<(), OutputError> {
    let Ok(metadata) = path.symlink_metadata() else {
        return Ok(());
    };
    let is = match metadata.file_type() {
        kind if kind.is_file() => return Ok(()),
        kind if kind.is_dir() => "a folder",
        kind if kind.is_symlink() => "a symbolic link",
        _ => "a device, a pipe or a socket",
    };
    Err(OutputError::NoFile {
        path: path.to_owned(),
        is,
    })
}

/// Whether two names are one file: the same place, or the same inode.
fn same_file(a: &Path, b: &Path) -> bool {
    if a == b {
        return true;
    }
    #[cfg(unix)]
    {
        use std::os::unix::fs::MetadataExt;
        if let (Ok(a), Ok(b)) = (fs::metadata(a), fs::metadata(b)) {
            return a.dev() == b.dev() && a.ino() == b.ino();
        }
    }
    match (place(a), place(b)) {
        (Some(a), Some(b)) => a == b,
        _ => false,
    }
}

/// Where a file is, or would be: its folder in one spelling, and its name.
fn place(path: &Path) -> Option<PathBuf> {
    match fs::canonicalize(path) {
        Ok(place) => Some(place),
        Err(_) => Some(fs::canonicalize(folder(path)).ok()?.join(path.file_name()?)),
    }
}

//! Reads a key file: the size limit, and who else may use the file.
//!
//! It must not know what is inside.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use zeroize::Zeroizing;

use super::{KeyError, Warning};

/// The largest key file that is read. A key has a few hundred bytes.
pub const MAX_FILE_BYTES: usize = 64 * 1024;

/// Reads the file whole, into a buffer that is wiped.
pub(super) fn read(path: &Path) -> Result<Zeroizing<Vec<u8>>, KeyError> {
    read_guarded(path).map(|(bytes, _)| bytes)
}

/// Reads the file whole and tells if others may use it too.
pub(super) fn read_guarded(path: &Path) -> Result<(Zeroizing<Vec<u8>>, Vec<Warning>), KeyError> {
    let (bytes, mode) = read_at_most(path, MAX_FILE_BYTES)
        .map_err(|error| KeyError::Io {
            path: path.to_owned(),
            error,
        })?
        .ok_or_else(|| KeyError::TooLarge.in_file(path))?;
    let exposed = mode.map(|mode| Warning::Exposed {
        path: path.to_owned(),
        mode,
    });
    Ok((bytes, exposed.into_iter().collect()))
}

/// What was read, and the file's mode if it lets others at it.
type Content = (Zeroizing<Vec<u8>>, Option<u32>);

/// Reads a file to its end; nothing if it has more than so many bytes.
pub(super) fn read_at_most(path: &Path, most: usize) -> io::Result<Option<Content>> {
    let mut file = File::open(path)?;
    if file.metadata()?.len() > most as u64 {
        return Ok(None);
    }
    // One buffer of the full size from the start: a buffer that grows leaves
    // copies behind, and a pipe announces no size.
    let mut buffer = Zeroizing::new(vec![0_u8; most + 1]);
    let mut filled = 0;
    while filled < buffer.len() {
        match file.read(&mut buffer[filled..]) {
            Ok(0) => break,
            Ok(count) => filled += count,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    if filled > most {
        return Ok(None);
    }
    buffer.truncate(filled);
    Ok(Some((buffer, exposure(&file)?)))
}

/// The bytes without one line end at their end.
pub(super) fn line(content: &[u8]) -> &[u8] {
    match content.strip_suffix(b"\n") {
        Some(line) => line.strip_suffix(b"\r").unwrap_or(line),
        None => content,
    }
}

/// Looks at the file that was opened, not at the path: a path may be changed
/// in between. Reading by the group is fine, a mounted secret has mode 0440.
#[cfg(unix)]
fn exposure(file: &File) -> io::Result<Option<u32>> {
    use std::os::unix::fs::PermissionsExt;

    let metadata = file.metadata()?;
    let mode = metadata.permissions().mode() & 0o7777;
    let exposed = mode & 0o007 != 0 || mode & 0o020 != 0;
    Ok((metadata.is_file() && exposed).then_some(mode))
}

#[cfg(not(unix))]
fn exposure(_file: &File) -> io::Result<Option<u32>> {
    Ok(None)
}

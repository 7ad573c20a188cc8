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
    let file = open(path)?;
    content(path, file)
}

/// Reads the file whole and tells if others may use it too.
pub(super) fn read_guarded(path: &Path) -> Result<(Zeroizing<Vec<u8>>, Vec<Warning>), KeyError> {
    let file = open(path)?;
    let warnings = exposure(path, &file)?.into_iter().collect();
    Ok((content(path, file)?, warnings))
}

fn failed(path: &Path) -> impl FnOnce(io::Error) -> KeyError {
    let path = path.to_owned();
    move |source| KeyError::Io { path, source }
}

fn open(path: &Path) -> Result<File, KeyError> {
    File::open(path).map_err(failed(path))
}

fn content(path: &Path, mut file: File) -> Result<Zeroizing<Vec<u8>>, KeyError> {
    let too_large = || KeyError::TooLarge.in_file(path);
    let announced = file.metadata().map_err(failed(path))?.len();
    if announced > MAX_FILE_BYTES as u64 {
        return Err(too_large());
    }
    // One buffer of the full size from the start: a buffer that grows leaves
    // copies behind, and a pipe announces no size.
    let mut buffer = Zeroizing::new(vec![0_u8; MAX_FILE_BYTES + 1]);
    let mut filled = 0;
    while filled < buffer.len() {
        match file.read(&mut buffer[filled..]) {
            Ok(0) => break,
            Ok(count) => filled += count,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(failed(path)(error)),
        }
    }
    if filled > MAX_FILE_BYTES {
        return Err(too_large());
    }
    buffer.truncate(filled);
    Ok(buffer)
}

/// Looks at the file that was opened, not at the path: a path may be changed
/// in between. Reading by the group is fine, a mounted secret has mode 0440.
#[cfg(unix)]
fn exposure(path: &Path, file: &File) -> Result<Option<Warning>, KeyError> {
    use std::os::unix::fs::PermissionsExt;

    let metadata = file.metadata().map_err(failed(path))?;
    let mode = metadata.permissions().mode() & 0o7777;
    let exposed = mode & 0o007 != 0 || mode & 0o020 != 0;
    Ok((metadata.is_file() && exposed).then(|| Warning::Exposed {
        path: path.to_owned(),
        mode,
    }))
}

#[cfg(not(unix))]
fn exposure(_path: &Path, _file: &File) -> Result<Option<Warning>, KeyError> {
    Ok(None)
}

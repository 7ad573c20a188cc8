//! Records that wait until all of them are there, each on a line behind its
//! row's number. It must not know what becomes of them.

use std::io::{self, BufRead, BufReader, Read, Take};
use std::path::{Path, PathBuf};

use super::disk::{Disk, DiskFile};
use super::error::OutputError;
use super::place::partial;

/// Gathered records, read in their order.
pub struct Gathered {
    lines: BufReader<Take<Box<dyn DiskFile>>>,
    path: PathBuf,
}

impl Gathered {
    /// Opens an output that is complete and has not its name, with so many
    /// bytes.
    ///
    /// # Errors
    /// When it cannot be opened.
    pub fn open(disk: &dyn Disk, path: &Path, bytes: u64) -> Result<Self, OutputError> {
        let path = partial(path);
        let file = disk
            .open(&path)
            .map_err(|error| OutputError::io("open", &path, error))?;
        Ok(Self {
            lines: BufReader::new(file.take(bytes)),
            path,
        })
    }

    /// The number of the next record's row, and its line; `None` at the end.
    ///
    /// # Errors
    /// When it cannot be read, or is not what this program writes.
    pub fn next_line(&mut self) -> Result<Option<(u64, Vec<u8>)>, OutputError> {
        match self.read() {
            Ok(Some((number, line))) => {
                let number = std::str::from_utf8(&number).ok();
                match number.and_then(|number| number.trim_end().parse().ok()) {
                    Some(number) => Ok(Some((number, line))),
                    None => Err(OutputError::Damaged {
                        path: self.path.clone(),
                        why: "a line in it has no number".into(),
                    }),
                }
            }
            Ok(None) => Ok(None),
            Err(error) => Err(OutputError::io("read", &self.path, error)),
        }
    }

    fn read(&mut self) -> io::Result<Option<(Vec<u8>, Vec<u8>)>> {
        let (mut number, mut line) = (Vec::new(), Vec::new());
        if self.lines.read_until(b' ', &mut number)? == 0 {
            return Ok(None);
        }
        self.lines.read_until(b'\n', &mut line)?;
        Ok(Some((number, line)))
    }
}

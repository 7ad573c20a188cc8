//! One input by name: where it comes from and how its rows are told apart.

use std::fs::File;
use std::io::{self, Read};
use std::path::PathBuf;

use super::Dialect;

/// One input.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Input {
    /// Where it comes from.
    pub origin: Origin,
    /// How its rows are told apart.
    pub dialect: Dialect,
}

/// Where an input comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Origin {
    /// A file of this name.
    File(PathBuf),
    /// Standard input.
    Stdin,
}

impl Input {
    /// The name for messages, rejects and manifests; `-` is standard input.
    pub fn name(&self) -> String {
        match &self.origin {
            Origin::File(path) => path.display().to_string(),
            Origin::Stdin => "-".into(),
        }
    }

    /// Opens it.
    ///
    /// # Errors
    /// The system's own.
    pub fn open(&self) -> io::Result<Box<dyn Read + Send>> {
        match &self.origin {
            Origin::Stdin => Ok(Box::new(io::stdin())),
            Origin::File(path) => Ok(Box::new(File::open(path)?)),
        }
    }

    /// Its size, where it is a regular file: only such a one can be opened
    /// twice.
    pub fn size(&self) -> Option<u64> {
        match &self.origin {
            Origin::File(path) => {
                let metadata = path.metadata().ok()?;
                metadata.is_file().then_some(metadata.len())
            }
            Origin::Stdin => None,
        }
    }
}

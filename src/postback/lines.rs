//! Where verdict lines go: standard output, or a file that appears under its
//! name when it is complete. This file must not know what a line says.

use std::io;

use crate::error::Error;
use crate::output::{
    Compression, OutputError, Staged, SystemDisk, Target, check_targets, discard, partial, publish,
};
use crate::row::{Input, Origin};

use super::verdict::Verdict;

/// How many bytes of lines are gathered, and compressed together.
const GATHERED: usize = 256 * 1024;

/// Writes verdicts as lines.
pub struct Lines {
    staged: Staged,
    target: Target,
    compression: Compression,
    gathered: Vec<u8>,
    /// Nobody reads any more.
    is_closed: bool,
    has_begun: bool,
}

impl Lines {
    /// Starts an output, which must not be one of the inputs; a file that
    /// exists is replaced with `force` only, and by a complete one only. Where
    /// no compression is given, a file's name says it.
    ///
    /// # Errors
    /// When it exists, is an input, is written by somebody else, or cannot be
    /// made.
    pub fn create(
        target: Target,
        compression: Option<Compression>,
        inputs: &[&Input],
        force: bool,
    ) -> Result<Self, Error> {
        if let Some(path) = target.file() {
            let sources: Vec<_> = inputs
                .iter()
                .filter_map(|input| match &input.origin {
                    Origin::File(path) => Some(("an input", path.clone())),
                    Origin::Stdin => None,
                })
                .collect();
            check_targets(&sources, &[("the output", path.to_owned())])?;
            if !force && path.symlink_metadata().is_ok() {
                let path = path.to_owned();
                return Err(OutputError::Exists { path }.into());
            }
        }
        Ok(Self {
            staged: Staged::create(&SystemDisk, &target)?,
            compression: compression
                .or_else(|| target.file().map(Compression::of))
                .unwrap_or(Compression::None),
            target,
            gathered: Vec::new(),
            is_closed: false,
            has_begun: false,
        })
    }

    /// Adds a verdict.
    ///
    /// # Errors
    /// When lines cannot be written.
    pub fn write(&mut self, verdict: &Verdict) -> Result<(), Error> {
        verdict.write(&mut self.gathered);
        match self.gathered.len() {
            0..GATHERED => Ok(()),
            _ => self.flush(),
        }
    }

    fn flush(&mut self) -> Result<(), Error> {
        let lines = std::mem::take(&mut self.gathered);
        // A compressed file without a line is no empty file.
        if (lines.is_empty() && self.has_begun) || self.is_closed {
            return Ok(());
        }
        self.has_begun = true;
        let packed = self.compression.pack(lines).map_err(Error::Compress)?;
        match self.staged.write(&packed) {
            // Whoever reads through `head` has seen enough; the exit code
            // still speaks of all lines.
            Err(error) if self.target == Target::Stdout && is_broken_pipe(&error) => {
                self.is_closed = true;
                Ok(())
            }
            written => Ok(written?),
        }
    }

    /// Completes the output and gives a file its name.
    ///
    /// # Errors
    /// When it cannot be written to its end.
    pub fn finish(mut self) -> Result<(), Error> {
        self.flush()?;
        if self.is_closed {
            return Ok(());
        }
        match self.staged.sync() {
            Err(error) if self.target == Target::Stdout && is_broken_pipe(&error) => {}
            synced => synced?,
        }
        if let Some(path) = self.target.file() {
            publish(&SystemDisk, path)?;
        }
        Ok(())
    }

    /// Takes an unfinished file away: what is in it can be made again.
    pub fn abandon(self) {
        if let Some(path) = self.target.file() {
            drop(self.staged);
            // The first error is the one to tell.
            let _ = discard(&SystemDisk, &partial(path));
        }
    }
}

fn is_broken_pipe(error: &OutputError) -> bool {
    matches!(error, OutputError::Io { source, .. } if source.kind() == io::ErrorKind::BrokenPipe)
}

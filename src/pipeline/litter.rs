//! What an unfinished run leaves lying, and how it is taken away where nothing
//! of it can be resumed. It must not know what is in a file.

use std::path::PathBuf;

use crate::output::{Disk, discard, partial};

use super::job::Job;
use super::standing;

/// Takes away what a run has made that has failed with nothing to resume; if
/// something stays, it is only in the way of the next one.
pub(super) fn clear(disk: &dyn Disk, litter: &[PathBuf]) {
    for path in litter {
        let _ = discard(disk, path);
    }
}

/// Everything that an unfinished run has made. The checkpoint goes last: while
/// it stands, the others may be gone on with.
pub(super) fn litter(job: &Job) -> Vec<PathBuf> {
    let files = job.outputs.files();
    let partials = files.iter().map(|(_, path)| partial(path));
    let checkpoint = standing::checkpoint_of(job);
    let unsaved = checkpoint.as_deref().map(partial);
    partials.chain(unsaved).chain(checkpoint).collect()
}

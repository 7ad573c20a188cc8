//! Runs over a disk that fails, fills up, or forgets what was not synced.

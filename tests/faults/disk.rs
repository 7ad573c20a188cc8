//! Runs over a disk that fails, fills up, or forgets what was not synced; runs
//! whose code panics, and runs that are stopped.
//!
//! Whatever happens to a run, the same job resumed on a good disk must give
//! what the undisturbed run gives, byte for byte, and until then nothing may
//! stand under the outputs' names that is not whole. `CAMPAIGN_SIGNER_FAULTS=full`
//! tries every error and many more places and seeds; it takes minutes.
#![allow(clippy::unwrap_used)] // A failed unwrap is a failed test.

#[path = "../testkit/mod.rs"]
mod testkit;

#[path = "disk/crash_disk.rs"]
mod crash_disk;
#[path = "disk/crashes.rs"]
mod crashes;
#[path = "disk/faults.rs"]
mod faults;
#[path = "disk/faulty_disk.rs"]
mod faulty_disk;
#[path = "disk/later.rs"]
mod later;
#[path = "disk/oracle.rs"]
mod oracle;
#[path = "disk/panics.rs"]
mod panics;
#[path = "disk/site.rs"]
mod site;
#[path = "disk/stops.rs"]
mod stops;

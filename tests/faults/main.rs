//! Runs that are killed, starved and started twice, as processes.
//!
//! `cargo test --test faults` takes seconds; `CAMPAIGN_SIGNER_FAULTS=full cargo
//! test --release --test faults` does the same at full size. A failed round
//! prints its seed; `CAMPAIGN_SIGNER_SEED` repeats its choices, though not the
//! moments at which the system lets them happen.
#![allow(clippy::unwrap_used)] // A failed unwrap is a failed test.
#![cfg(target_os = "linux")]

#[path = "../workdir/mod.rs"]
mod workdir;

mod again;
mod changed;
mod damaged;
mod expanded;
mod jobs;
mod kills;
mod log;
mod memory;
mod oracle;
mod parts;
mod pipe;
mod publishing;
mod rejects;
mod resume;
mod room;
mod signals;
mod twice;

//! Runs that are killed, starved and started twice, as processes.

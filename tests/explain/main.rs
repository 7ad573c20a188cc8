//! `explain` names exactly the mistake that was made, never one that was not,
//! and says nothing wrong of what is right.
//!
//! The mistakes are made here by a signer of their own: messages are joined
//! and tokens written anew, without any of the search's code.
#![allow(clippy::unwrap_used)]

#[path = "../testkit/mod.rs"]
mod testkit;
#[path = "../workdir/mod.rs"]
mod workdir;

mod corruptions;
mod files;
mod joined;
mod shapes;
mod signer;
mod tokens;
mod vectors;

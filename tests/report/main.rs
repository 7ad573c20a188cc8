//! The page that a person opens in the morning: what it says, that it says it
//! of the run's own files only, that nothing of a file becomes markup, and how
//! it is seen, in a real browser where there is one.
#![allow(clippy::unwrap_used)]

#[path = "../workdir/mod.rs"]
mod workdir;

mod browser;
mod files;
mod hostile;
mod markup;
mod runs;
mod says;
mod seen;
mod style;

//! What the fuzz targets do, in one place: libFuzzer runs these functions by
//! `fuzz_targets/`, and `cargo test` replays the corpus through them by
//! `tests/fuzz_corpus.rs`. Each one checks what the library promises, by its
//! public interface alone, and panics where a promise is broken.
#![allow(dead_code, unreachable_pub, unused_imports, clippy::unwrap_used)]

#[path = "bodies/common.rs"]
pub mod common;
#[path = "bodies/explanations.rs"]
mod explanations;
#[path = "bodies/inspections.rs"]
mod inspections;
#[path = "bodies/keys.rs"]
mod keys;
#[path = "bodies/leftovers.rs"]
mod leftovers;
#[path = "bodies/postbacks.rs"]
mod postbacks;
#[path = "bodies/records.rs"]
mod records;
#[path = "bodies/rows.rs"]
mod rows;
#[path = "bodies/signed.rs"]
mod signed;
#[path = "bodies/texts.rs"]
mod texts;

pub use explanations::explain;
pub use inspections::inspect;
pub use keys::key_parse;
pub use leftovers::{checkpoint, source};
pub use postbacks::postback;
pub use records::record_check;
pub use rows::{csv_reader, ndjson_reader};
pub use signed::{genuine_lines, verify_input};
pub use texts::json;

/// One target: the name of its file and of its corpus, and what it does.
pub type Target = (&'static str, fn(&[u8]));

/// Every target there is.
pub const TARGETS: &[Target] = &[
    ("checkpoint", checkpoint),
    ("csv_reader", csv_reader),
    ("explain", explain),
    ("inspect", inspect),
    ("json", json),
    ("key_parse", key_parse),
    ("ndjson_reader", ndjson_reader),
    ("postback", postback),
    ("record_check", record_check),
    ("source", source),
    ("verify_input", verify_input),
];

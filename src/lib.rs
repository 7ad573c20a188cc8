//! Signs campaign and offer rows in bulk: CSV or NDJSON in; signed ad
//! impressions, promotional offers and user tokens out.
//!
//! The command line (`campaign-signer sign …`) is a thin layer over this
//! library; README.md shows it. A program that signs rows itself uses
//! [`pipeline::Signer::sign_row`] for one row and [`pipeline::run`] for files;
//! `examples/` holds both, and a format of one's own.
//!
//! # The way of a row
//!
//! ```text
//!  campaigns.csv / .ndjson
//!    │ row::Reader               batches of framed rows, one thread
//!    ▼
//!  record::Plan::check_…         Record, or every Problem it has ─────────┐
//!    ▼                                                                    │
//!  signing_input::Recipes        derive: nonces (stamp), from what is     │
//!    │                           signed; then the exact bytes to sign     │
//!    ▼                                                                    │
//!  engine::Engine::sign_batch    many messages at once                    │
//!    ▼                                                                    │
//!  envelope::Envelope            one output line per signature            │
//!    ▼                                                                    ▼
//!  output::Staged ── signed.ndjson.partial ──── signed.rejects.ndjson.partial
//!    ├─ now and then: sync → output::Checkpoint
//!    └─ counts agree → sync → rename → manifest.json
//! ```
//!
//! # What it promises
//!
//! * Unknown versions and wrong fields are refused, never signed approximately.
//! * Rows read = rows signed + rows rejected, checked before anything is
//!   published. A rejected row keeps its bytes, its position and every problem.
//! * A run is a pure function of its input bytes, settings, key, job id and
//!   timestamp: the same five give the same bytes, whatever the number of
//!   threads, the batch size or the machine, and however often it was killed
//!   and resumed on the way.
//! * Outputs appear under their names when they are complete, in input order.
//! * Memory does not grow with the input.
//!
//! # What it does not do
//!
//! It opens no network connection and asks no service; whether Apple or
//! impact.com accept a signature depends on what they know of the key. It
//! promises nothing about how long a signature is accepted where the vendor
//! publishes nothing ([`format::Freshness`]).

pub mod choosing;
pub mod damage;
pub mod ending;
pub mod engine;
pub mod envelope;
pub mod error;
pub mod explain;
pub mod filter;
pub mod format;
pub mod hex;
pub mod inspect;
pub mod json;
pub mod jws;
pub mod key;
pub mod measure;
pub mod output;
pub mod parallel;
pub mod pipeline;
pub mod postback;
pub mod publishers;
pub mod record;
pub mod rejects;
pub mod report;
pub mod ring;
pub mod row;
pub mod schema;
pub mod signature;
pub mod signing_input;
mod sort;
pub mod stamp;
pub mod stop;
pub mod template;
pub mod terms;
pub mod time;
pub mod vector;
pub mod verify;

//! What tasks are worked on with: the formats at hand, the keys, and memory
//! that is used again.

use std::sync::Arc;

use crate::engine::{Check, Messages, Signatures};
use crate::envelope::Envelope;
use crate::output::{Compression, Target};
use crate::record::{Records, Spread};
use crate::signing_input::{Derived, Deriving, Recipes, Scratch};

use super::counting::Names;
use super::job::Outputs;
use super::partition::Partitioner;
use super::signer::Signer;
use super::supply::{Reuse, Supply};
use super::task::Item;

/// What turns records into lines.
pub(super) struct Press<'a> {
    /// For each of the run's formats.
    pub(super) formats: &'a [Printer<'a>],
    /// Writes what all formats stand in together, where they do.
    pub(super) together: Option<&'a Envelope>,
    pub(super) names: &'a Names,
    pub(super) signer: &'a Signer,
    pub(super) spread: Option<Spread>,
    pub(super) self_check: Check,
    pub(super) compression: Compression,
    /// The columns that records are partitioned by.
    pub(super) partitioner: Option<&'a Partitioner>,
    /// Lines go into parts.
    pub(super) parted: bool,
    pub(super) benches: Arc<Supply<Bench>>,
    pub(super) lines: Arc<Supply<Vec<u8>>>,
}

/// What makes lines of one format's records.
pub(super) struct Printer<'a> {
    pub(super) recipes: Recipes,
    pub(super) envelope: Envelope,
    pub(super) publishers: Option<&'a Records>,
}

/// What a task is worked on with.
#[derive(Default)]
pub(super) struct Bench {
    pub(super) items: Vec<Item>,
    pub(super) deriving: Deriving,
    pub(super) derived: Vec<Derived>,
    /// Every record's members between braces.
    pub(super) payloads: Messages,
    pub(super) messages: Messages,
    pub(super) scratch: Scratch,
    pub(super) signatures: Signatures,
}

impl Reuse for Bench {
    fn clear(&mut self) {
        self.items.clear();
        self.deriving.clear();
        self.derived.clear();
        self.payloads.clear();
        self.messages.clear();
    }

    fn held(&self) -> usize {
        self.payloads.total_bytes() + self.messages.total_bytes()
    }
}

/// How the signed records are compressed.
pub(super) fn of_signed(outputs: &Outputs) -> Compression {
    let by_name = || compression(&outputs.signed);
    outputs.compression.unwrap_or_else(by_name)
}

/// How an output is compressed by its name.
pub(super) fn compression(target: &Option<Target>) -> Compression {
    let path = target.as_ref().and_then(Target::file);
    path.map_or(Compression::None, Compression::of)
}

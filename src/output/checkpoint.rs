//! What an unfinished run leaves to go on with.
//!
//! A checkpoint never claims bytes that are not durable: data is synced first,
//! then the checkpoint is written whole under another name, synced, renamed,
//! and its folder synced. It carries its own digest, so a damaged one is never
//! taken for a sound one. This file must not know what a run does with it.

use std::collections::BTreeMap;
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::disk::Disk;
use super::error::OutputError;
use super::manifest::{
    Counts, DamageEntry, InputEntry, KeyEntry, MadeEntry, PacePoint, PartEntry, ToolEntry,
};
use super::names::{create_anew, sync_folder};
use super::place::{self, partial};
use super::staged::Extent;
use crate::hex::hex;
use crate::terms::Terms;

/// How far a run is, and whose run it is.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Checkpoint {
    /// The version of this layout: 1.
    pub checkpoint_version: u32,
    /// The program. Another version may cut batches in other places.
    pub tool: ToolEntry,
    /// The job's id.
    pub job_id: String,
    /// The run's timestamp in milliseconds.
    pub timestamp: u64,
    /// The key, by what is public of it.
    pub key: KeyEntry,
    /// Every other setting that decides the bytes.
    pub settings: Terms,
    /// Rows and bytes of a batch.
    pub batch: [usize; 2],
    /// The inputs as they were found.
    pub inputs: Vec<InputIdentity>,
    /// Whether existing outputs may be replaced.
    pub replaces: bool,
    /// When the first attempt started, RFC 3339.
    pub started: String,
    /// How many attempts there were, this one included.
    pub attempts: u32,
    /// How far the attempts before this checkpoint took, in seconds.
    pub seconds: f64,
    /// How far they were when.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub pace: Vec<PacePoint>,
    /// Inputs that are finished.
    pub finished: Vec<InputEntry>,
    /// Where the next input goes on.
    pub place: PlaceEntry,
    /// The signed records so far.
    pub signed: OutputEntry,
    /// Where the records in `signed` belong, when they become parts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub index: Option<OutputEntry>,
    /// Parts of an older run that may be replaced, and are removed where they
    /// are not.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub earlier: Vec<PartEntry>,
    /// The rejects so far.
    pub rejects: Option<OutputEntry>,
    /// The manifest's name.
    pub manifest: Option<PathBuf>,
    /// What became of the rows so far.
    pub counts: Counts,
    /// What was signed so far of each format under each key, where there are
    /// several.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub made: Vec<MadeEntry>,
    /// Rejected rows by code.
    pub rejected_by_code: BTreeMap<String, u64>,
    /// Damage so far.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub damage: Vec<DamageEntry>,
    /// Notices so far.
    pub notices: Vec<NoticeEntry>,
    /// The first reject in words.
    pub first_reject: Option<String>,
    /// How many signatures came out wrong and were computed anew.
    #[serde(default)]
    pub recomputed: u64,
    /// Everything is complete, and only names are left to change.
    pub publishing: Option<Publishing>,
}

/// An input, by what can be told without reading it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct InputIdentity {
    /// Its name as given; `-` for standard input.
    pub path: String,
    /// Its size in bytes, where it is a file.
    pub bytes: Option<u64>,
    /// When it was last changed, RFC 3339 to the nanosecond.
    pub modified: Option<String>,
}

/// A place in the input that follows the finished ones.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PlaceEntry {
    /// How many bytes of it are done, decompressed ones.
    pub byte: u64,
    /// The line that comes next.
    pub line: u64,
    /// The number of the next row over all inputs.
    pub record: u64,
    /// The SHA-256 of the bytes before it.
    pub sha256: String,
    /// How many tasks of the batch that starts there are done.
    pub tasks: u64,
}

/// An output and how much of it is durable.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OutputEntry {
    /// Its name.
    pub path: PathBuf,
    /// How much there is.
    pub extent: Extent,
}

/// A notice and how often it was due.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NoticeEntry {
    /// Its code.
    pub code: String,
    /// The field.
    pub field: String,
    /// What it says.
    pub says: String,
    /// How often.
    pub count: u64,
}

/// The last step of a run: files that are complete and get their names.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Publishing {
    /// The files in the order they are renamed, the manifest last.
    pub files: Vec<OutputEntry>,
    /// The parts, which are renamed before all others.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub parts: Vec<PartEntry>,
    /// Whether the rejects are within what was tolerated.
    pub within_limit: bool,
}

/// A checkpoint as it stands in its file.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Sealed<C> {
    checkpoint: C,
    sha256: String,
}

/// The largest checkpoint that is read: many inputs, and room to spare.
const MOST_BYTES: u64 = 256 << 20;

impl Checkpoint {
    /// Writes it in place of the one before, durably.
    ///
    /// # Errors
    /// When the system could not promise it; the one before still stands then.
    pub fn save(&self, disk: &dyn Disk, output: &Path) -> Result<(), OutputError> {
        let path = place::checkpoint(output);
        let new = partial(&path);
        let failed = |action, error| OutputError::io(action, &new, error);
        let mut file = create_anew(disk, &new).map_err(|error| failed("create", error))?;
        file.write_all(&self.seal())
            .map_err(|error| failed("write", error))?;
        file.sync().map_err(|error| failed("sync", error))?;
        disk.rename(&new, &path)
            .map_err(|error| failed("rename", error))?;
        sync_folder(disk, &path)
    }

    /// The folder whose parts the records become, where they do.
    pub fn folder(&self) -> Option<&Path> {
        self.index.as_ref().and_then(|index| index.path.parent())
    }

    /// Reads the checkpoint of an output; `None` where there is none.
    ///
    /// # Errors
    /// When it is damaged, of another version, or cannot be read.
    pub fn load(disk: &dyn Disk, output: &Path) -> Result<Option<Self>, OutputError> {
        let path = place::checkpoint(output);
        let mut bytes = Vec::new();
        let read = match disk.open(&path) {
            Ok(file) => file.take(MOST_BYTES).read_to_end(&mut bytes),
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => Err(error),
        };
        read.map_err(|error| OutputError::io("read", &path, error))?;
        match Self::parse(&bytes) {
            Ok(checkpoint) => Ok(Some(checkpoint)),
            Err(why) => Err(OutputError::Damaged { path, why }),
        }
    }

    /// Reads a checkpoint from the bytes of its file.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn parse(bytes: &[u8]) -> Result<Self, String> {
        let sealed: Sealed<Box<serde_json::value::RawValue>> =
            serde_json::from_slice(bytes).map_err(|error| format!("it is not whole: {error}"))?;
        let text = sealed.checkpoint.get();
        if hex(&Sha256::digest(text)) != sealed.sha256 {
            return Err("its content does not have the SHA-256 it names".into());
        }
        #[derive(Deserialize)]
        struct Version {
            checkpoint_version: u32,
        }
        match serde_json::from_str(text) {
            Ok(Version {
                checkpoint_version: 1,
            }) => {}
            Ok(Version { checkpoint_version }) => {
                return Err(format!("it has version {checkpoint_version}, not 1"));
            }
            Err(error) => return Err(format!("it has no version: {error}")),
        }
        serde_json::from_str(text).map_err(|error| format!("it is no checkpoint: {error}"))
    }

    /// The bytes of its file.
    pub fn seal(&self) -> Vec<u8> {
        // Put together by hand: with very many parts, two copies are one too many.
        let mut bytes = b"{\"checkpoint\":".to_vec();
        let start = bytes.len();
        if serde_json::to_writer(&mut bytes, self).is_err() {
            unreachable!("strings, numbers and string maps always serialize");
        }
        let sha256 = hex(&Sha256::digest(&bytes[start..]));
        bytes.extend_from_slice(format!(",\"sha256\":\"{sha256}\"}}\n").as_bytes());
        bytes
    }
}

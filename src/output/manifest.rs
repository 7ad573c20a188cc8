//! The manifest: what a finished run did, for people and for machines.
//!
//! What varies between equal runs stands under `run` alone; everything else
//! is a function of the inputs, the settings, the key, the job id and the
//! timestamp.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::terms::Terms;

/// A finished run.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Manifest {
    /// The version of this layout: 1.
    pub manifest_version: u32,
    /// The program.
    pub tool: ToolEntry,
    /// The format's id.
    pub format: String,
    /// The key, by what is public of it; of a key ring a digest of all that it
    /// says.
    pub key: KeyEntry,
    /// The keys of a key ring.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub keys: Vec<RingKeyEntry>,
    /// What was signed of each format under each key, where there are several.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub made: Vec<MadeEntry>,
    /// The job's id; with it, the same inputs and settings give the same bytes.
    pub job_id: String,
    /// The run's timestamp in milliseconds.
    pub timestamp: u64,
    /// The same as RFC 3339.
    pub timestamp_rfc3339: String,
    /// Every other setting that decides the bytes, named as its option is.
    pub settings: Terms,
    /// The SHA-256 of `settings` as JSON with sorted members and no spaces.
    pub settings_sha256: String,
    /// Every input in its order.
    pub inputs: Vec<InputEntry>,
    /// The signed records; where they are parts of a folder, the folder and
    /// the sums over its parts, without a digest.
    pub signed: FileEntry,
    /// Every part in the order of its path, where there are parts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parts: Option<Vec<PartEntry>>,
    /// The rejects.
    pub rejects: FileEntry,
    /// What became of the rows.
    pub counts: Counts,
    /// Rejected rows by the code of their first problem; adds up to
    /// `counts.rejected`.
    pub rejected_by_code: BTreeMap<String, u64>,
    /// What other programs have done to the values of rejected rows, by field
    /// and kind.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub damage: Vec<DamageEntry>,
    /// Legal values a person should know of: code to count.
    pub notices: BTreeMap<String, u64>,
    /// What varies between equal runs.
    pub run: RunEntry,
}

impl Manifest {
    /// The manifest as indented JSON with a final line end.
    pub fn to_json(&self) -> Vec<u8> {
        match serde_json::to_vec_pretty(self) {
            Ok(mut json) => {
                json.push(b'\n');
                json
            }
            Err(_) => unreachable!("strings, numbers and string maps always serialize"),
        }
    }
}

/// The program.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ToolEntry {
    /// `campaign-signer`
    pub name: String,
    /// Its version.
    pub version: String,
}

/// A key, by what is public of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct KeyEntry {
    /// `ES256` or `HS256`.
    pub alg: String,
    /// ES256: the RFC 7638 thumbprint. HS256: an HMAC of a fixed label.
    pub fingerprint: String,
    /// ES256: the public key as SPKI in base64, as it is registered.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub public_key: Option<String>,
}

/// A key of a key ring.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RingKeyEntry {
    /// Its name.
    pub id: String,
    /// What is public of it.
    pub key: KeyEntry,
}

/// How many records of a format a key has signed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MadeEntry {
    /// The format, `ID` or `ID@VERSION`.
    pub format: String,
    /// The key's name; absent where there is only one key.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key: Option<String>,
    /// How many.
    pub records: u64,
}

/// Damage of one kind in one field.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DamageEntry {
    /// The kind.
    pub kind: String,
    /// The field; empty for the whole row.
    pub field: String,
    /// How many rows have it.
    pub rows: u64,
    /// The input of the first of them.
    pub file: String,
    /// Its line there, from 1.
    pub line: u64,
    /// What stood there, cut after 200 characters.
    pub found: String,
    /// The likely cause and what to do about it.
    pub hint: String,
}

/// An input.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct InputEntry {
    /// Its name as given; `-` for standard input.
    pub path: String,
    /// Its size in bytes as it is stored, which may be compressed.
    pub bytes: u64,
    /// The SHA-256 of these bytes in hexadecimal.
    pub sha256: String,
    /// Its rows, rejected ones included.
    pub rows: u64,
}

/// An output.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FileEntry {
    /// Its name; `-` for standard output, empty where it was not written.
    pub path: String,
    /// Its size in bytes.
    pub bytes: u64,
    /// Its SHA-256 in hexadecimal.
    pub sha256: String,
    /// Its records, or rejected rows.
    pub records: u64,
}

/// A part of the signed records: a file of a folder.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PartEntry {
    /// Its name in the folder, with `/` between folders.
    pub path: String,
    /// Its size in bytes.
    pub bytes: u64,
    /// Its SHA-256 in hexadecimal.
    pub sha256: String,
    /// Its records.
    pub records: u64,
}

/// What became of the rows: `rows = signed + rejected`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Counts {
    /// Rows read, blank lines not counted.
    pub rows: u64,
    /// Rows signed.
    pub signed: u64,
    /// Rows rejected.
    pub rejected: u64,
    /// Signed records: the sum of the copies.
    pub records: u64,
}

/// What varies between equal runs.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RunEntry {
    /// The engine that signed.
    pub engine: String,
    /// What it computed with: the arithmetic this processor let it use.
    pub lanes: String,
    /// How much of each batch was checked before it was written.
    pub self_check: String,
    /// How many signatures came out wrong and were computed anew; they are
    /// right now, but the machine is not to be trusted.
    pub recomputed: u64,
    /// How many worker threads.
    pub threads: usize,
    /// How many attempts it took: one more than it was resumed.
    pub attempts: u32,
    /// The exit code: 0, or 1 where rows were rejected that nobody tolerated.
    pub exit_code: u8,
    /// When the first attempt started, RFC 3339.
    pub started: String,
    /// How long it took, in seconds, all attempts together as far as their
    /// work counted.
    pub seconds: f64,
    /// Rows per second.
    pub rows_per_second: f64,
    /// How far it was when, at some moments; at most 240.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub pace: Vec<PacePoint>,
}

/// How far a run was at a moment: seconds, rows and records, in this order.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(from = "(f64, u64, u64)", into = "(f64, u64, u64)")]
pub struct PacePoint {
    /// Seconds of work, those of earlier attempts included.
    pub seconds: f64,
    /// Rows read by then, rejected ones included.
    pub rows: u64,
    /// Records signed by then.
    pub records: u64,
}

impl From<(f64, u64, u64)> for PacePoint {
    fn from((seconds, rows, records): (f64, u64, u64)) -> Self {
        Self {
            seconds,
            rows,
            records,
        }
    }
}

impl From<PacePoint> for (f64, u64, u64) {
    fn from(point: PacePoint) -> Self {
        (point.seconds, point.rows, point.records)
    }
}

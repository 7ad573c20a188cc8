//! The terms of a job: every setting that decides its output bytes, in a form
//! that can be written down, compared and read back.
//!
//! Job id, timestamp and key are not among them, they have members of their
//! own wherever terms are written. Threads, engine, self-check, limits of
//! rejects, and progress are not either: they change no byte. This module must
//! not know files or what the settings do.

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::envelope::Style;
use crate::format::Format;
use crate::format::shape::RECORD;
use crate::hex::hex;
use crate::record::{FormatChoice, Meeting, Settings};
use crate::row::Dialect;

/// What decides a job's bytes, beside inputs, key, job id and timestamp.
///
/// Members are named as their options are.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Terms {
    /// The format's id.
    pub format: String,
    /// The one version accepted, where it is fixed.
    pub version: Option<String>,
    /// The other formats that each row becomes records of, `ID` or
    /// `ID@VERSION`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub more_formats: Vec<String>,
    /// The publishers that each row meets.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub publishers: Option<PublishersTerm>,
    /// Times lie evenly over so many milliseconds from the timestamp on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub spread: Option<u64>,
    /// Records say from when and until when they may be used.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub use_window: bool,
    /// Values for rows that have none: field and value.
    pub set: Vec<(String, String)>,
    /// Columns under another name: field and column.
    pub map: Vec<(String, String)>,
    /// Input columns that are copied.
    pub keep: Vec<String>,
    /// What a signed record is written as; not written down where it is the
    /// record, as it was before there were others.
    #[serde(default = "record", skip_serializing_if = "is_record")]
    pub shape: String,
    /// Columns that fit nothing are passed over.
    pub ignore_unknown: bool,
    /// White space around values is removed.
    pub trim: bool,
    /// Integers may have a point and zeros behind it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub accept_decimal_zero: bool,
    /// The key's id, for rows that have none.
    pub key_id: Option<String>,
    /// When tokens expire, in milliseconds since 1970.
    pub expires: u64,
    /// Records per row.
    pub count: u64,
    /// The column that identifies a row by its content.
    pub row_id: Option<String>,
    /// Times before the documented window are signed.
    pub allow_stale: bool,
    /// Times in the future are signed.
    pub allow_future: bool,
    /// The longest row, in bytes.
    pub max_row_bytes: usize,
    /// How each input is read.
    pub input_formats: Vec<FileForm>,
    /// How records are written.
    pub output_format: FileForm,
    /// Kept text that a spreadsheet would run is written as it is.
    pub keep_formulas: bool,
    /// How rejects are written, where they are not lines of JSON.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rejects_format: Option<FileForm>,
    /// The columns that records are partitioned by.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub partition_by: Vec<String>,
    /// How many records a part has at most.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rows_per_file: Option<u64>,
    /// How parts are compressed: `gzip` or `zstd`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub compression: Option<String>,
}

/// The publishers that each row meets, and how.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct PublishersTerm {
    /// The file's name as given.
    pub path: String,
    /// The SHA-256 of its bytes in hexadecimal.
    pub sha256: String,
    /// How its rows are read.
    pub form: FileForm,
    /// The column that names a publisher.
    pub id: Option<String>,
    /// The column that rows and publishers have in common.
    pub join: Option<String>,
}

/// How a file's rows are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum FileForm {
    /// Separated values; the delimiter.
    Csv(char),
    /// One JSON object a line.
    Ndjson,
    /// A Parquet file.
    Parquet,
}

fn record() -> String {
    RECORD.into()
}

fn is_record(shape: &str) -> bool {
    shape == RECORD
}

impl From<Dialect> for FileForm {
    fn from(dialect: Dialect) -> Self {
        match dialect {
            Dialect::Csv { delimiter } => Self::Csv(delimiter.into()),
            Dialect::Ndjson => Self::Ndjson,
            Dialect::Parquet => Self::Parquet,
        }
    }
}

impl From<Style> for FileForm {
    fn from(style: Style) -> Self {
        match style {
            Style::Csv(delimiter) => Self::Csv(delimiter.into()),
            Style::Ndjson => Self::Ndjson,
            Style::Parquet => Self::Parquet,
        }
    }
}

impl FileForm {
    /// How such a file is read; `None` for a delimiter that is no byte.
    pub fn dialect(self) -> Option<Dialect> {
        match self {
            Self::Csv(delimiter) => {
                let delimiter = u8::try_from(delimiter).ok()?;
                Some(Dialect::Csv { delimiter })
            }
            Self::Ndjson => Some(Dialect::Ndjson),
            Self::Parquet => Some(Dialect::Parquet),
        }
    }
}

/// A term that is not what it was.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Difference {
    /// What differs, named as its option is.
    pub what: String,
    /// What it was.
    pub was: String,
    /// What it is.
    pub is: String,
}

impl std::fmt::Display for Difference {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} was {} and is {}", self.what, self.was, self.is)
    }
}

impl Terms {
    /// The terms of these settings.
    pub fn new(
        settings: &Settings,
        max_row_bytes: usize,
        inputs: impl IntoIterator<Item = Dialect>,
        style: Style,
        escape_formulas: bool,
        publishers: Option<PublishersTerm>,
    ) -> Self {
        // Every setting by name, so that none can be forgotten.
        let Settings {
            format,
            version,
            more,
            sets,
            maps,
            keep,
            shape,
            ignore_unknown,
            trim,
            accept_decimal_zero,
            key_id,
            timestamp: _,
            expires,
            count,
            row_id,
            // The publishers' term has it.
            meeting: _,
            spread,
            use_window,
            allow_stale,
            allow_future,
        } = settings.clone();
        Self {
            format: format.id.into(),
            version,
            more_formats: more.iter().map(FormatChoice::name).collect(),
            publishers,
            spread,
            use_window,
            set: sets,
            map: maps,
            keep,
            shape,
            ignore_unknown,
            trim,
            accept_decimal_zero,
            key_id,
            expires,
            count,
            row_id,
            allow_stale,
            allow_future,
            max_row_bytes,
            input_formats: inputs.into_iter().map(FileForm::from).collect(),
            output_format: style.into(),
            keep_formulas: !escape_formulas,
            rejects_format: None,
            partition_by: Vec::new(),
            rows_per_file: None,
            compression: None,
        }
    }

    /// The settings these terms were made of; `None` where this build knows no
    /// such format.
    pub fn settings(&self, timestamp: u64) -> Option<Settings> {
        let terms = self.clone();
        Some(Settings {
            format: Format::find(&self.format)?,
            version: terms.version,
            more: {
                let more = terms.more_formats.iter();
                more.map(|name| FormatChoice::find(name))
                    .collect::<Option<_>>()?
            },
            meeting: terms.publishers.map(|publishers| Meeting {
                id: publishers.id,
                join: publishers.join,
            }),
            spread: terms.spread,
            use_window: terms.use_window,
            sets: terms.set,
            maps: terms.map,
            keep: terms.keep,
            shape: terms.shape,
            ignore_unknown: terms.ignore_unknown,
            trim: terms.trim,
            accept_decimal_zero: terms.accept_decimal_zero,
            key_id: terms.key_id,
            timestamp,
            expires: terms.expires,
            count: terms.count,
            row_id: terms.row_id,
            allow_stale: terms.allow_stale,
            allow_future: terms.allow_future,
        })
    }

    /// The SHA-256 of the terms as JSON, in hexadecimal.
    pub fn sha256(&self) -> String {
        hex(&Sha256::digest(self.to_value().to_string()))
    }

    /// Everything that is not as it was.
    pub fn differences(&self, now: &Self) -> Vec<Difference> {
        let (was, is) = (self.to_value(), now.to_value());
        // What is not set may stand in only one of them.
        let members = |all: &serde_json::Value| all.as_object().cloned().unwrap_or_default();
        let mut names: Vec<String> = members(&was).into_iter().map(|(name, _)| name).collect();
        names.extend(members(&is).into_iter().map(|(name, _)| name));
        names.sort();
        names.dedup();
        names
            .into_iter()
            .filter(|what| was[what.as_str()] != is[what.as_str()])
            .flat_map(|what| differences_of(&was[what.as_str()], &is[what.as_str()], what))
            .collect()
    }

    fn to_value(&self) -> serde_json::Value {
        match serde_json::to_value(self) {
            Ok(value) => value,
            Err(_) => unreachable!("strings, numbers and lists always serialize"),
        }
    }
}

/// How one term differs. Of publishers only what is not the same is told: the
/// rest, a digest among it, would hide it.
fn differences_of(
    was: &serde_json::Value,
    is: &serde_json::Value,
    what: String,
) -> Vec<Difference> {
    let difference = |was: &serde_json::Value, is: &serde_json::Value, what| Difference {
        what,
        was: was.to_string(),
        is: is.to_string(),
    };
    match (was.as_object(), is.as_object()) {
        (Some(members), Some(_)) if what == "publishers" => members
            .iter()
            .filter(|(name, value)| is[name.as_str()] != **value)
            .map(|(name, value)| {
                let what = format!("{name} of {what}");
                difference(value, &is[name.as_str()], what)
            })
            .collect(),
        _ => vec![difference(was, is, what)],
    }
}

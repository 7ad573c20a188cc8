//! The settings of a run that decide what its rows become. It must not know
//! how they are resolved.

use crate::format::Format;
use crate::format::shape::RECORD;

use super::publishers::Meeting;

/// The settings that decide what a row becomes.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The format.
    pub format: &'static Format,
    /// The one version accepted, where it is fixed.
    pub version: Option<String>,
    /// What else each row becomes: a record of each of these formats behind
    /// the one of [`Settings::format`], in this order.
    pub more: Vec<FormatChoice>,
    /// Values for rows that have none: field and value.
    pub sets: Vec<(String, String)>,
    /// Columns under another name: field and column.
    pub maps: Vec<(String, String)>,
    /// Input columns to copy into the output.
    pub keep: Vec<String>,
    /// What a signed record is written as: `record`, or a shape of the format.
    pub shape: String,
    /// Columns and members that fit nothing are passed over.
    pub ignore_unknown: bool,
    /// White space around values is removed.
    pub trim: bool,
    /// Integers may have a point and zeros behind it, as floats are written.
    pub accept_decimal_zero: bool,
    /// The key's id, for rows that have none.
    pub key_id: Option<String>,
    /// The run's timestamp in milliseconds.
    pub timestamp: u64,
    /// The expiry in milliseconds, for formats that carry one.
    pub expires: u64,
    /// How many signed records a row becomes, where its own column is empty.
    pub count: u64,
    /// The column that identifies a row by its content.
    pub row_id: Option<String>,
    /// How rows meet publishers, where there are any.
    pub meeting: Option<Meeting>,
    /// Times that rows do not give lie evenly over so many milliseconds from
    /// the run's timestamp on, instead of all at it.
    pub spread: Option<u64>,
    /// Records say from when and until when they may be used.
    pub use_window: bool,
    /// Times before the format's documented window are signed.
    pub allow_stale: bool,
    /// Times after the run's timestamp are signed.
    pub allow_future: bool,
}

/// A format, and the one version accepted, where it is fixed.
#[derive(Clone, Debug)]
pub struct FormatChoice {
    /// The format.
    pub format: &'static Format,
    /// The version.
    pub version: Option<String>,
}

impl FormatChoice {
    /// The format that `ID` or `ID@VERSION` names; the version is not looked
    /// at.
    pub fn find(name: &str) -> Option<Self> {
        let (id, version) = match name.split_once('@') {
            Some((id, version)) => (id, Some(version.to_owned())),
            None => (name, None),
        };
        let format = Format::find(id)?;
        Some(Self { format, version })
    }

    /// `ID@VERSION`, or `ID` where no version is fixed.
    pub fn name(&self) -> String {
        match &self.version {
            Some(version) => format!("{}@{version}", self.format.id),
            None => self.format.id.to_owned(),
        }
    }
}

impl Settings {
    /// Settings for a format and a timestamp in milliseconds, all else at its
    /// default: one record per row, tokens that expire after seven days.
    pub fn new(format: &'static Format, timestamp: u64) -> Self {
        Self {
            format,
            version: None,
            more: Vec::new(),
            sets: Vec::new(),
            maps: Vec::new(),
            keep: Vec::new(),
            shape: RECORD.into(),
            ignore_unknown: false,
            trim: false,
            accept_decimal_zero: false,
            key_id: None,
            timestamp,
            expires: timestamp.saturating_add(7 * 24 * 60 * 60 * 1000),
            count: 1,
            row_id: None,
            meeting: None,
            spread: None,
            use_window: false,
            allow_stale: false,
            allow_future: false,
        }
    }

    /// The formats a row becomes records of, in their order.
    pub fn formats(&self) -> impl Iterator<Item = FormatChoice> {
        let first = FormatChoice {
            format: self.format,
            version: self.version.clone(),
        };
        std::iter::once(first).chain(self.more.iter().cloned())
    }

    /// The same settings for each of the formats: it stands first, the others
    /// beside it.
    pub(super) fn each(&self) -> impl Iterator<Item = Self> {
        let formats: Vec<FormatChoice> = self.formats().collect();
        (0..formats.len()).map(move |at| {
            let mut more = formats.clone();
            let FormatChoice { format, version } = more.remove(at);
            Self {
                format,
                version,
                more,
                ..self.clone()
            }
        })
    }
}

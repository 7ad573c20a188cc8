//! Why settings and a header cannot be used: found before any row is read.

use crate::damage::{WINDOWS_1252, Wanted};

/// Settings and header do not fit the format, or each other.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PlanError {
    /// Two columns give one field.
    #[error("the columns {first:?} and {second:?} both give the field {field}")]
    DuplicateColumn {
        /// The field.
        field: String,
        /// The first column.
        first: String,
        /// The second column.
        second: String,
    },
    /// The header is not UTF-8.
    #[error("the header is not UTF-8")]
    HeaderNotUtf8,
    /// The input has no header.
    #[error("the input is empty, not even a header")]
    NoHeader,
    /// A kept column's name is one of the record's own, or stands twice.
    #[error("the kept column {column:?} would stand beside the record's own {column:?}")]
    KeepCollides {
        /// The column.
        column: String,
    },
    /// Nothing gives the key's id.
    #[error("nothing gives {field}, the key's id")]
    KeyId {
        /// The field that holds it.
        field: &'static str,
    },
    /// A column the settings name is not in the header.
    #[error("the header has no column {column:?}, which {option} names")]
    NoColumn {
        /// The column.
        column: String,
        /// The option that names it.
        option: &'static str,
        /// The most similar column there is.
        nearest: Option<String>,
    },
    /// Rows and publishers both give one thing.
    #[error("the column {column:?} gives what the publishers give, too")]
    InBoth {
        /// The column of the rows.
        column: String,
    },
    /// A publisher's column gives what a row must settle by itself.
    #[error(
        "the publishers' column {column:?} gives {field}, which only a campaign's row can give"
    )]
    NotByPublisher {
        /// The column.
        column: String,
        /// The field.
        field: &'static str,
    },
    /// Rows name publishers that have no names.
    #[error("the column {column:?} names publishers, but none of them has a name")]
    NoPublisherIds {
        /// The column of the rows.
        column: String,
    },
    /// No column gives a required field.
    #[error("no column gives the required field {field}")]
    MissingColumn {
        /// The field.
        field: &'static str,
        /// The most similar column that fits nothing.
        nearest: Option<String>,
    },
    /// The first line is a spreadsheet's note of its delimiter.
    #[error("the first line is no header but {line:?}, which only spreadsheets read")]
    SepLine {
        /// The line.
        line: String,
    },
    /// A value given for all rows is not valid.
    #[error("{option} gives {field} the value {found:?}, but it must be {wanted}")]
    SetValue {
        /// The option.
        option: &'static str,
        /// The field.
        field: String,
        /// The value.
        found: String,
        /// What is wanted.
        wanted: String,
    },
    /// A nonce given for all rows would repeat.
    #[error("--set cannot give {field}: every row would carry the same one")]
    SetNonce {
        /// The field.
        field: String,
    },
    /// A column fits no field.
    #[error("the column {column:?} fits no field of {format}")]
    UnknownColumn {
        /// The column.
        column: String,
        /// The format's id.
        format: &'static str,
        /// The most similar field.
        nearest: Option<&'static str>,
    },
    /// An option names a field the format does not have.
    #[error("{option} names {field:?}, which is no field of {format}")]
    UnknownField {
        /// The option.
        option: &'static str,
        /// The field.
        field: String,
        /// The format's id.
        format: &'static str,
        /// The most similar field.
        nearest: Option<&'static str>,
    },
    /// The header is one cell that holds another delimiter.
    #[error("the header is one column, {column:?}")]
    WrongDelimiter {
        /// The column.
        column: String,
        /// The delimiter it seems to have.
        delimiter: char,
    },
    /// The format has no such shape.
    #[error("{format} has no shape {shape:?}, only {known}")]
    UnknownShape {
        /// The format's id.
        format: &'static str,
        /// The shape.
        shape: String,
        /// The shapes there are.
        known: String,
    },
    /// The version has no such shape.
    #[error("version {version} of {format} has no shape {shape:?}, only {known} have")]
    VersionWithoutShape {
        /// The format's id.
        format: &'static str,
        /// The version.
        version: &'static str,
        /// The shape.
        shape: String,
        /// The versions that have it.
        known: String,
    },
    /// The format has no such version.
    #[error("{format} has no version {version:?}, only {known}")]
    UnknownVersion {
        /// The format's id.
        format: &'static str,
        /// The version.
        version: String,
        /// The versions there are.
        known: String,
    },
    /// More than one record per row, but nothing to tell them apart.
    #[error("{format} has no nonce, so {count} records of one row would be the same")]
    Copies {
        /// The format's id.
        format: &'static str,
        /// The count.
        count: u64,
    },
}

impl PlanError {
    /// What to type to mend it.
    pub fn hint(&self) -> Option<String> {
        Some(match self {
            Self::DuplicateColumn { second, .. } => {
                format!("rename or remove the column {second:?}")
            }
            Self::InBoth { column } => {
                format!("remove {column:?} from one of the two files")
            }
            Self::NotByPublisher { column, .. } => {
                format!("remove {column:?} from the publishers, and give it in the input or with --set")
            }
            Self::NoPublisherIds { .. } => {
                "add a column publisher to the publishers, or name theirs with --publisher-id COLUMN".into()
            }
            Self::HeaderNotUtf8 => {
                format!("{}: {}", WINDOWS_1252.cause, WINDOWS_1252.fix(Wanted::Text))
            }
            Self::NoHeader => "the first line of a CSV file names its columns; see `campaign-signer template FORMAT`".into(),
            Self::KeepCollides { column } => format!("rename the column {column:?} in the input"),
            Self::KeyId { field } => format!("give --key-id ID, or a column {field}"),
            Self::NoColumn { nearest, .. } => format!("did you mean {:?}?", nearest.as_ref()?),
            Self::MissingColumn {
                field,
                nearest: Some(column),
            } => format!("give --map {field}={column:?} if that is the column"),
            Self::MissingColumn { field, .. } => {
                format!("add the column, name it with --map {field}=COLUMN, or give --set {field}=VALUE")
            }
            Self::SepLine { line } => {
                let remove = "remove the line: tail -n +2 FILE > OUT";
                match line.chars().nth(4) {
                    None | Some(',') => remove.into(),
                    Some(other) => {
                        format!("{remove}; and give --delimiter '{}'", other.escape_default())
                    }
                }
            }
            Self::SetNonce { .. } => "leave it out: nonces are derived for each row".into(),
            Self::UnknownColumn { column, .. } if is_index(column) => {
                "pandas writes its index so: df.to_csv(path, index=False); or give --ignore-unknown"
                    .into()
            }
            Self::UnknownColumn {
                column,
                nearest: Some(field),
                ..
            } => format!("give --map {field}={column:?}, --keep {column:?} or --ignore-unknown"),
            Self::UnknownColumn { column, .. } => {
                format!("give --keep {column:?} to copy it into the output, or --ignore-unknown")
            }
            Self::UnknownField { nearest, format, .. } => match nearest {
                Some(field) => format!("did you mean {field}?"),
                None => format!("see `campaign-signer formats {format}`"),
            },
            Self::WrongDelimiter { delimiter, .. } => match delimiter {
                '\t' => "give --delimiter '\\t' if tabs divide its columns".into(),
                ';' => "give --delimiter ';' if that divides its columns: spreadsheets write it where the decimal sign is a comma".into(),
                other => format!("give --delimiter '{other}' if that divides its columns"),
            },
            Self::UnknownShape { .. } => "give --shape with one of them, or leave it out".into(),
            Self::VersionWithoutShape { .. } => {
                "give another version, or leave --shape out for flat records".into()
            }
            Self::SetValue { .. } | Self::UnknownVersion { .. } | Self::Copies { .. } => {
                return None;
            }
        })
    }
}

/// The name that pandas gives its index, when it is written and when it is read
/// and written once more.
fn is_index(column: &str) -> bool {
    column.is_empty() || column.starts_with("Unnamed: ")
}

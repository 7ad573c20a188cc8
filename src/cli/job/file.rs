//! A job file's text, and the places in it. It must not know what the keys
//! mean. Nothing of the text is ever quoted here: there may be a secret in it
//! that should not be.

use std::fs::File;
use std::io::Read as _;
use std::path::{Path, PathBuf};

use campaign_signer::error::Error;
use toml::de::DeTable;

/// More than any job has; what is longer is no job file.
const MOST_BYTES: u64 = 1 << 20;

/// A job file that was read.
pub(super) struct JobFile {
    path: PathBuf,
    text: String,
}

/// A place in it, both counted from 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Place {
    pub(super) line: usize,
    pub(super) column: usize,
}

impl std::fmt::Display for Place {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "line {}, column {}", self.line, self.column)
    }
}

impl JobFile {
    /// Reads it.
    pub(super) fn read(path: &Path) -> Result<Self, Error> {
        let shown = path.display();
        let failed = |error: std::io::Error| {
            let hint = match error.kind() {
                std::io::ErrorKind::NotFound => {
                    "`campaign-signer template --job > job.toml` prints one to start from"
                }
                _ => "",
            };
            Error::settings(
                format!("failed to read the job file {shown}: {error}"),
                hint,
            )
        };
        let mut bytes = Vec::new();
        let file = File::open(path).map_err(failed)?;
        file.take(MOST_BYTES + 1)
            .read_to_end(&mut bytes)
            .map_err(failed)?;
        if bytes.len() as u64 > MOST_BYTES {
            return Err(Error::settings(
                format!("{shown} is longer than {MOST_BYTES} bytes"),
                "a job file is TOML; rows belong into a file of their own, which `input` names",
            ));
        }
        let text = String::from_utf8(bytes).map_err(|error| {
            let good = error.utf8_error().valid_up_to();
            let before = String::from_utf8_lossy(&error.as_bytes()[..good]);
            let place = place(&before, good);
            Error::settings(
                format!("{shown} {place}: the job file is not UTF-8"),
                "save it as UTF-8",
            )
        })?;
        let text = match text.strip_prefix('\u{feff}') {
            Some(rest) => rest.to_owned(),
            None => text,
        };
        Ok(Self {
            path: path.to_owned(),
            text,
        })
    }

    /// A text that was read from nowhere.
    #[cfg(test)]
    pub(super) fn of(text: &str) -> Self {
        Self {
            path: "job.toml".into(),
            text: text.to_owned(),
        }
    }

    /// The file's name.
    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Its tables.
    pub(super) fn parse(&self) -> Result<DeTable<'_>, Error> {
        match DeTable::parse(&self.text) {
            Ok(table) => Ok(table.into_inner()),
            Err(error) => {
                let at = error.span().map_or(0, |span| span.start);
                Err(self.refuse(at, error.message(), ""))
            }
        }
    }

    /// The place of a byte, for people.
    pub(super) fn place(&self, byte: usize) -> Place {
        place(&self.text, byte)
    }

    /// What is wrong at a byte.
    pub(super) fn refuse(
        &self,
        at: usize,
        message: impl std::fmt::Display,
        hint: impl Into<String>,
    ) -> Error {
        let (shown, place) = (self.path.display(), self.place(at));
        Error::settings(format!("{shown} {place}: {message}"), hint)
    }

    /// A file's name, counted from the job file. Standard input and output
    /// stay what they are.
    pub(super) fn beside(&self, name: &str) -> PathBuf {
        match self.path.parent() {
            Some(folder) if name != "-" && !name.is_empty() => folder.join(name),
            _ => name.into(),
        }
    }
}

fn place(text: &str, byte: usize) -> Place {
    // The end of the text, and anything within a character, has its place, too.
    let end = (0..=byte.min(text.len())).rev();
    let before = end.map(|end| text.get(..end)).find_map(|before| before);
    let before = before.unwrap_or_default();
    let line = before.matches('\n').count() + 1;
    let last = before.rsplit('\n').next().unwrap_or_default();
    Place {
        line,
        column: last.chars().count() + 1,
    }
}

#[cfg(test)]
mod tests {
    use super::{Place, place};

    #[test]
    fn places_are_counted_in_lines_and_characters() {
        for (text, byte, line, column) in [
            ("", 0, 1, 1),
            ("ab", 1, 1, 2),
            ("a\nb", 2, 2, 1),
            ("ü\nüx", 5, 2, 2),
            ("ü", 1, 1, 1),
            ("a\n", 99, 2, 1),
        ] {
            assert_eq!(place(text, byte), Place { line, column }, "{text:?} {byte}");
        }
    }
}

//! From keys to the arguments of `sign`, for every output of a job. What is
//! refused is told by its key, not by the option it becomes.

use campaign_signer::error::Error;
use clap::error::{ContextKind, ErrorKind};
use clap::{Args as _, Command, FromArgMatches as _};

use super::super::sign::SignArgs;
use super::document::{Document, Output, nearest};
use super::file::JobFile;
use super::given::{Given, Words};
use super::keys::{INPUT, Key, first_line, strings};

/// A job: its file, and what the command line says beside it.
pub(super) struct Job<'j> {
    pub(super) file: &'j JobFile,
    pub(super) keys: &'j [Key],
    pub(super) document: &'j Document,
    pub(super) command_line: &'j Given,
}

/// One output, as a run of its own.
pub(super) struct Part {
    pub(super) about: About,
    pub(super) args: SignArgs,
}

/// Which output it is, for messages.
#[derive(Clone)]
pub(super) struct About {
    pub(super) name: Option<String>,
    /// The keys that the job file gave it, each with the byte it is at.
    said: Vec<(String, usize)>,
}

impl About {
    /// The error's words by the key that they name, with its place; or else with
    /// the output.
    pub(super) fn words(&self, file: &JobFile, error: &Error) -> (String, String) {
        let words = error.to_string();
        let found = self.said.iter().find_map(|(key, at)| {
            let option = format!("--{key} ");
            let is_named = words.contains(&option) || words.contains(&format!("{key} \""));
            is_named.then(|| (words.replace(&option, &format!("{key} ")), *at))
        });
        match found {
            Some((words, at)) => (
                format!("{} {}", file.path().display(), file.place(at)),
                words,
            ),
            None => (place(file, self.name.as_deref()), words),
        }
    }
}

impl Job<'_> {
    /// The outputs of the job, or the one that is asked for.
    pub(super) fn parts(&self, only: Option<&str>) -> Result<Vec<Part>, Error> {
        let whole = [Output::default()];
        let outputs = match &self.document.outputs[..] {
            [] => &whole[..],
            outputs => outputs,
        };
        let wanted: Vec<&Output> = match only {
            Some(name) => vec![self.only(name)?],
            None => outputs.iter().collect(),
        };
        wanted.into_iter().map(|output| self.part(output)).collect()
    }

    fn only(&self, name: &str) -> Result<&Output, Error> {
        let names = || {
            self.document
                .outputs
                .iter()
                .filter_map(|output| output.name.as_deref())
        };
        let found = self.document.outputs.iter();
        let mut found = found.filter(|output| output.name.as_deref() == Some(name));
        found.next().ok_or_else(|| {
            let hint = match nearest(name, names()) {
                Some(nearest) => format!("did you mean {nearest}?"),
                None if names().next().is_none() => {
                    "it has no named outputs: leave --only out".into()
                }
                None => format!("one of {}", names().collect::<Vec<_>>().join(", ")),
            };
            let shown = self.file.path().display();
            Error::settings(format!("{shown} has no output {name:?}"), hint)
        })
    }

    fn part(&self, output: &Output) -> Result<Part, Error> {
        let name = output.name.as_deref();
        let mut given = output.given.over(&self.document.top, self.keys);
        given = self.command_line.over(&given, self.keys);
        let no_input = match given.entry(self.keys, INPUT).map(|entry| &entry.words) {
            Some(Words::Values(values)) => values.is_empty(),
            _ => true,
        };
        if no_input {
            return Err(self.missing(INPUT, name));
        }
        // Two outputs never share a nonce: the job id goes into each.
        if let Some(name) = name {
            given.extend(self.keys, "job-id", &format!("/{name}"));
        }
        let command = SignArgs::augment_args(Command::new("run").no_binary_name(true));
        let args = command
            .try_get_matches_from(given.arguments(self.keys))
            .and_then(|matches| SignArgs::from_arg_matches(&matches))
            .map_err(|error| self.refused(&error, &given, name))?;
        let entry = |key: &Key| Some((key.name.clone(), given.entry(self.keys, &key.name)?.at?));
        let said = self.keys.iter().filter_map(entry).collect();
        let name = output.name.clone();
        let about = About { name, said };
        Ok(Part { about, args })
    }

    /// What the command line says of arguments that do not go together.
    fn refused(&self, error: &clap::Error, given: &Given, name: Option<&str>) -> Error {
        let mut names = strings(error, ContextKind::InvalidArg).into_iter();
        let mut names = names.by_ref().map(|argument| key_name(&argument));
        match (error.kind(), names.next()) {
            (ErrorKind::MissingRequiredArgument, Some(key)) => self.missing(&key, name),
            (ErrorKind::ArgumentConflict, Some(key)) => {
                let others = strings(error, ContextKind::PriorArg).into_iter();
                let others: Vec<String> = others
                    .map(|argument| self.where_said(&key_name(&argument), given))
                    .collect();
                let message = format!(
                    "{} and {} do not go together",
                    self.where_said(&key, given),
                    others.join(", ")
                );
                self.about(name, &message, "leave one of them out")
            }
            _ => {
                let message = self.document.hidden.hide(&first_line(error));
                self.about(name, &message, "")
            }
        }
    }

    fn missing(&self, key: &str, name: Option<&str>) -> Error {
        let message = format!("{key} is missing");
        let hint = match self.keys.iter().find(|other| other.name == key) {
            Some(found) if found.is_positional() => {
                format!("write {key} = \"FILE\" into the job file; \"-\" is standard input")
            }
            _ => format!("write {key} = … into the job file, or give --{key}"),
        };
        self.about(name, &message, &hint)
    }

    /// A key with the place it is at, or the option of the command line.
    fn where_said(&self, key: &str, given: &Given) -> String {
        match given.entry(self.keys, key).map(|entry| entry.at) {
            Some(Some(at)) => format!("{key} ({})", self.file.place(at)),
            _ => format!("--{key}"),
        }
    }

    fn about(&self, name: Option<&str>, message: &str, hint: &str) -> Error {
        let place = place(self.file, name);
        Error::settings(format!("{place}: {message}"), hint)
    }
}

/// Which output of which job it is.
pub(super) fn place(file: &JobFile, name: Option<&str>) -> String {
    let shown = file.path().display();
    match name {
        Some(name) => format!("{shown}, output {name}"),
        None => shown.to_string(),
    }
}

/// The key of an argument as the command line shows it: `--key <FILE>`.
fn key_name(argument: &str) -> String {
    let word = argument.split([' ', '=']).next().unwrap_or_default();
    match word.strip_prefix("--") {
        Some(name) => name.to_owned(),
        None => INPUT.to_owned(),
    }
}

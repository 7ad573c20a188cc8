//! One key's value in a job file, as words for the command line.
//!
//! What is refused is shown as it stands in the file, if at all: a variable's
//! value never, and nothing that may be a key.

use std::ffi::OsString;

use campaign_signer::error::Error;
use toml::Spanned;
use toml::de::DeValue;

use super::environment::{Hidden, Variables, fill};
use super::file::JobFile;
use super::given::{Entry, Words, joined};
use super::keys::{Key, Kind};

/// What values are read with.
pub(super) struct Reading<'r> {
    pub(super) file: &'r JobFile,
    pub(super) variables: Variables<'r>,
    pub(super) hidden: Hidden,
}

/// More names than any format has fields.
const MOST_PAIRS: usize = 1000;
/// A value in quotes longer than this is shown cut short.
const MOST_SHOWN: usize = 60;

impl Reading<'_> {
    /// The entry of a key.
    pub(super) fn entry(
        &mut self,
        key: &Key,
        value: &Spanned<DeValue<'_>>,
        at: usize,
    ) -> Result<Entry, Error> {
        let words = match (key.kind, value.get_ref()) {
            (Kind::Flag, DeValue::Boolean(is_set)) => Words::Flag(*is_set),
            (Kind::Pairs, DeValue::Table(table)) => {
                let mut pairs = Vec::new();
                for (name, value) in table {
                    let name = name.get_ref();
                    self.pairs(key, name.to_string(), value, &mut pairs)?;
                }
                Words::Pairs(pairs)
            }
            (Kind::Flag | Kind::Pairs, _) => return Err(self.wrong_kind(key, value)),
            (_, DeValue::Array(values)) if key.takes_several => {
                let mut words = Vec::new();
                for value in values {
                    let word = self.value(key, value)?;
                    self.refuse_divided(key, &word, value)?;
                    words.push(word);
                }
                Words::Values(words)
            }
            _ => Words::Values(vec![self.value(key, value)?]),
        };
        Ok(Entry {
            words,
            at: Some(at),
        })
    }

    /// A name with its value; tables in tables are names with dots.
    fn pairs(
        &mut self,
        key: &Key,
        name: String,
        value: &Spanned<DeValue<'_>>,
        pairs: &mut Vec<(String, OsString)>,
    ) -> Result<(), Error> {
        let at = value.span().start;
        let text = match value.get_ref() {
            // As deep as the parser goes, which has a limit.
            DeValue::Table(table) => {
                for (inner, value) in table {
                    let name = format!("{name}.{}", inner.get_ref());
                    self.pairs(key, name, value, pairs)?;
                }
                return Ok(());
            }
            DeValue::Boolean(is_true) => is_true.to_string(),
            _ => match self.scalar(value, at)? {
                Some(text) => text,
                None => {
                    let found = what(value.get_ref());
                    let message = format!("{}.{name} wants one value, not {found}", key.name);
                    return Err(self.file.refuse(at, message, ""));
                }
            },
        };
        let pair = (name, text.into());
        if let Some(refusal) = key.refusal(&joined(&pair)) {
            let message = format!("{}.{}: {}", key.name, pair.0, refusal.reason);
            return Err(self.refuse(at, &message, ""));
        }
        if pairs.len() == MOST_PAIRS {
            let message = format!("{} has more than {MOST_PAIRS} names", key.name);
            return Err(self.file.refuse(at, message, ""));
        }
        pairs.push(pair);
        Ok(())
    }

    /// One value that is no table of names.
    fn value(&mut self, key: &Key, value: &Spanned<DeValue<'_>>) -> Result<OsString, Error> {
        let at = value.span().start;
        let fits = match value.get_ref() {
            DeValue::String(_) => true,
            DeValue::Integer(_) => matches!(key.kind, Kind::Integer | Kind::Text),
            DeValue::Float(_) | DeValue::Datetime(_) => key.kind == Kind::Text,
            _ => false,
        };
        let text = match self.scalar(value, at)? {
            Some(text) if fits => text,
            _ => return Err(self.wrong_kind(key, value)),
        };
        let word = match key.kind {
            Kind::Path => {
                self.refuse_key_itself(key, &text, at)?;
                self.file.beside(&text).into_os_string()
            }
            _ => OsString::from(text),
        };
        let Some(refusal) = key.refusal(&word) else {
            return Ok(word);
        };
        let shown = shown(value.get_ref());
        let message = match (key.kind, word.to_str().map(str::parse::<u128>)) {
            (Kind::Integer, Some(Err(_))) => {
                format!("{} wants a whole number, not {shown}", key.name)
            }
            _ => format!("{} cannot be {shown}: {}", key.name, refusal.reason),
        };
        let suggestion = refusal.suggestion;
        let hint = suggestion.map(|word| format!("did you mean {word:?}?"));
        Err(self.refuse(at, &message, &hint.unwrap_or_default()))
    }

    /// A value that is one text; `None` for all others.
    fn scalar(&mut self, value: &Spanned<DeValue<'_>>, at: usize) -> Result<Option<String>, Error> {
        Ok(Some(match value.get_ref() {
            DeValue::String(text) => fill(text, self.variables, &mut self.hidden)
                .map_err(|(message, hint)| self.file.refuse(at, message, hint))?,
            DeValue::Integer(number) => {
                match i128::from_str_radix(number.as_str(), number.radix()) {
                    Ok(number) => number.to_string(),
                    Err(_) => {
                        let message = "a number beyond anything that is counted here";
                        return Err(self.file.refuse(at, message, ""));
                    }
                }
            }
            // As it is written: 4.0 is a version, and 4 is none.
            DeValue::Float(number) => number.as_str().to_owned(),
            DeValue::Datetime(time) => time.to_string(),
            DeValue::Boolean(_) | DeValue::Array(_) | DeValue::Table(_) => return Ok(None),
        }))
    }

    /// In an array each value stands by itself.
    fn refuse_divided(
        &self,
        key: &Key,
        word: &OsString,
        value: &Spanned<DeValue<'_>>,
    ) -> Result<(), Error> {
        let delimiter = key.delimiter.unwrap_or('\0');
        if !word.to_string_lossy().contains(delimiter) {
            return Ok(());
        }
        let at = value.span().start;
        let message = format!("{:?} divides values of {}", delimiter, key.name);
        let hint = "write each value into the array by itself";
        Err(self.file.refuse(at, message, hint))
    }

    /// A key that somebody wrote where its file's name belongs is not shown.
    fn refuse_key_itself(&self, key: &Key, text: &str, at: usize) -> Result<(), Error> {
        if !text.contains(['\n', '\r']) && !text.contains("-----BEGIN") {
            return Ok(());
        }
        let message = format!("{} wants the name of a file, not what is in it", key.name);
        Err(self.file.refuse(at, message, NO_SECRETS))
    }

    fn wrong_kind(&self, key: &Key, value: &Spanned<DeValue<'_>>) -> Error {
        let at = value.span().start;
        let found = what(value.get_ref());
        let message = format!("{} wants {}, not {found}", key.name, wanted(key));
        self.file.refuse(at, message, "")
    }

    fn refuse(&self, at: usize, message: &str, hint: &str) -> Error {
        self.file
            .refuse(at, self.hidden.hide(message), self.hidden.hide(hint))
    }
}

/// What to do with a secret instead.
pub(super) const NO_SECRETS: &str = "a secret never stands in a job file: put it into a file that \
     only you can read, and give that file's name";

/// What a key wants, in words.
pub(super) fn wanted(key: &Key) -> String {
    let one = match key.kind {
        Kind::Flag => "true or false".to_owned(),
        Kind::Integer => "a whole number".to_owned(),
        Kind::Path => "the name of a file in quotes".to_owned(),
        Kind::Text => "a text in quotes".to_owned(),
        Kind::Choice => {
            let choices = key.choices().into_iter();
            let names: Vec<String> = choices.map(|(name, _)| format!("{name:?}")).collect();
            format!("one of {}", names.join(", "))
        }
        Kind::Pairs => {
            let (name, value) = key.value_name().split_once('=').unwrap_or_default();
            format!("a table like {{ {name} = \"{value}\" }}")
        }
    };
    match key.takes_several && key.kind != Kind::Pairs {
        true => format!("{one}, or an array of such"),
        false => one,
    }
}

/// What a value is.
fn what(value: &DeValue<'_>) -> &'static str {
    match value {
        DeValue::String(_) => "a text",
        DeValue::Integer(_) => "a whole number",
        DeValue::Float(_) => "a number with a point",
        DeValue::Boolean(_) => "true or false",
        DeValue::Datetime(_) => "a time",
        DeValue::Array(_) => "an array",
        DeValue::Table(_) => "a table",
    }
}

/// A value as it stands in the file.
fn shown(value: &DeValue<'_>) -> String {
    match value {
        DeValue::String(text) => match text.char_indices().nth(MOST_SHOWN) {
            Some((end, _)) => format!("{:?}…", &text[..end]),
            None => format!("{text:?}"),
        },
        DeValue::Integer(number) => number.to_string(),
        DeValue::Float(number) => number.to_string(),
        DeValue::Datetime(time) => time.to_string(),
        other => what(other).to_owned(),
    }
}

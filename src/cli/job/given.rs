//! What keys were given, by a job file or by the command line, and who wins.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};

use campaign_signer::record::same_name;
use clap::ArgMatches;
use clap::parser::ValueSource;

use super::keys::{Key, Kind};

/// Keys with what they were given, each by its number among all keys.
#[derive(Clone, Default)]
pub(super) struct Given(BTreeMap<usize, Entry>);

/// What one key was given.
#[derive(Clone)]
pub(super) struct Entry {
    pub(super) words: Words,
    /// At which byte, if it was in the job file.
    pub(super) at: Option<usize>,
}

/// Its values.
#[derive(Clone)]
pub(super) enum Words {
    Flag(bool),
    Values(Vec<OsString>),
    /// Names and values.
    Pairs(Vec<(String, OsString)>),
}

impl Given {
    /// What the command line gives.
    pub(super) fn by(matches: &ArgMatches, keys: &[Key]) -> Self {
        let mut given = Self::default();
        for (number, key) in keys.iter().enumerate() {
            if matches.value_source(key.id()) != Some(ValueSource::CommandLine) {
                continue;
            }
            let raw = matches.get_raw(key.id()).into_iter().flatten();
            let words = match key.kind {
                Kind::Flag => Words::Flag(true),
                Kind::Pairs => Words::Pairs(raw.map(pair).collect()),
                _ => Words::Values(raw.map(OsStr::to_owned).collect()),
            };
            given.put(number, Entry { words, at: None });
        }
        given
    }

    pub(super) fn put(&mut self, number: usize, entry: Entry) {
        self.0.insert(number, entry);
    }

    /// The entry of a key.
    pub(super) fn entry(&self, keys: &[Key], name: &str) -> Option<&Entry> {
        let number = keys.iter().position(|key| key.name == name)?;
        self.0.get(&number)
    }

    /// The one value of a key, if it is text.
    pub(super) fn text(&self, keys: &[Key], name: &str) -> Option<&str> {
        match &self.entry(keys, name)?.words {
            Words::Values(values) => values.first()?.to_str(),
            _ => None,
        }
    }

    /// Adds an ending to the one value of a key, if it has one.
    pub(super) fn extend(&mut self, keys: &[Key], name: &str, ending: &str) {
        let number = keys.iter().position(|key| key.name == name);
        let entry = number.and_then(|number| self.0.get_mut(&number));
        if let Some(Words::Values(values)) = entry.map(|entry| &mut entry.words) {
            values.iter_mut().for_each(|value| value.push(ending));
        }
    }

    /// These keys, and below them those of another: the same key is this one's;
    /// tables of names are put together, where the same name is this one's. What
    /// does not go together with one of these is left out.
    pub(super) fn over(&self, below: &Self, keys: &[Key]) -> Self {
        let mut all = below.clone();
        for (number, entry) in &self.0 {
            if !matches!(entry.words, Words::Flag(false)) {
                let conflicts = keys[*number].conflicts.iter();
                conflicts.for_each(|other| drop(all.0.remove(other)));
            }
        }
        for (number, entry) in &self.0 {
            let mut entry = entry.clone();
            if let (Words::Pairs(ours), Some(Words::Pairs(theirs))) = (
                &mut entry.words,
                below.0.get(number).map(|entry| &entry.words),
            ) {
                let is_free = |name: &str| !ours.iter().any(|(own, _)| same_name(own, name));
                let free = theirs.iter().filter(|(name, _)| is_free(name));
                let mut pairs: Vec<_> = free.cloned().collect();
                pairs.append(ours);
                *ours = pairs;
            }
            all.0.insert(*number, entry);
        }
        all
    }

    /// The arguments for `sign`.
    pub(super) fn arguments(&self, keys: &[Key]) -> Vec<OsString> {
        let (mut options, mut inputs) = (Vec::new(), Vec::new());
        for (number, entry) in &self.0 {
            let key = &keys[*number];
            match &entry.words {
                Words::Flag(false) => {}
                Words::Flag(true) => options.push(format!("--{}", key.name).into()),
                Words::Values(values) if key.is_positional() => inputs.extend_from_slice(values),
                Words::Values(values) => options.extend(values.iter().map(|value| key.word(value))),
                Words::Pairs(pairs) => {
                    options.extend(pairs.iter().map(|pair| key.word(&joined(pair))));
                }
            }
        }
        // Behind it a file may begin with a dash.
        options.push("--".into());
        options.append(&mut inputs);
        options
    }
}

/// A name and its value as the command line has them.
pub(super) fn joined((name, value): &(String, OsString)) -> OsString {
    let mut word = OsString::from(format!("{name}="));
    word.push(value);
    word
}

/// The command line has checked that there is an equals sign.
fn pair(word: &OsStr) -> (String, OsString) {
    let word = word.to_string_lossy();
    let (name, value) = word.split_once('=').unwrap_or((&word, ""));
    (name.to_owned(), value.into())
}

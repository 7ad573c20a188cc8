//! A whole job file: the keys at its top, and its outputs.

use campaign_signer::error::Error;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::environment::{Hidden, Variables};
use super::file::JobFile;
use super::given::Given;
use super::keys::Key;
use super::values::{NO_SECRETS, Reading};

/// The key of several outputs, which has another meaning as text: the file of
/// the only one.
pub(super) const OUTPUT: &str = "output";
/// The key of an output's name.
pub(super) const NAME: &str = "name";

/// More outputs than anybody has; each is held open while they are prepared.
const MOST_OUTPUTS: usize = 100;
/// The longest name of an output.
const MOST_NAME: usize = 64;

/// What a job file says.
pub(super) struct Document {
    /// What holds for every output.
    pub(super) top: Given,
    pub(super) outputs: Vec<Output>,
    /// What came from the environment.
    pub(super) hidden: Hidden,
}

/// One output of several.
#[derive(Default)]
pub(super) struct Output {
    pub(super) name: Option<String>,
    pub(super) given: Given,
}

/// Reads it all.
pub(super) fn read(
    file: &JobFile,
    keys: &[Key],
    variables: Variables<'_>,
) -> Result<Document, Error> {
    let table = file.parse()?;
    let mut reading = Reading {
        file,
        variables,
        hidden: Hidden::default(),
    };
    let mut top = Given::default();
    let mut tables = &[][..];
    for (at, name, value) in in_order(&table) {
        match value.get_ref() {
            DeValue::Array(values) if name == OUTPUT => tables = &values[..],
            DeValue::Table(_) if name == OUTPUT => return Err(no_output(file, at)),
            _ => {
                let (number, key) = find(file, keys, name, at, false)?;
                top.put(number, reading.entry(key, value, at)?);
            }
        }
    }
    if tables.len() > MOST_OUTPUTS {
        let at = tables[MOST_OUTPUTS].span().start;
        let message = format!("a job has {MOST_OUTPUTS} outputs at most");
        return Err(file.refuse(at, message, "divide it into several job files"));
    }
    let mut outputs: Vec<Output> = Vec::new();
    for table in tables {
        let at = table.span().start;
        let output = output(&mut reading, keys, table, at)?;
        if output.name.is_none() && tables.len() > 1 {
            let message = "an output without a name";
            return Err(file.refuse(at, message, "write name = \"…\": it goes into its job id"));
        }
        if outputs.iter().any(|other| other.name == output.name) {
            let name = output.name.unwrap_or_default();
            let message = format!("another output has the name {name:?}, too");
            return Err(file.refuse(at, message, "give each its own"));
        }
        outputs.push(output);
    }
    Ok(Document {
        top,
        outputs,
        hidden: reading.hidden,
    })
}

fn output(
    reading: &mut Reading<'_>,
    keys: &[Key],
    table: &Spanned<DeValue<'_>>,
    at: usize,
) -> Result<Output, Error> {
    let file = reading.file;
    let DeValue::Table(table) = table.get_ref() else {
        return Err(no_output(file, at));
    };
    let mut output = Output::default();
    for (at, name, value) in in_order(table) {
        if name == NAME {
            let at = value.span().start;
            output.name = Some(output_name(value).ok_or_else(|| {
                let message =
                    format!("{NAME} wants a text of 1 to {MOST_NAME} letters, digits, - and _");
                file.refuse(at, message, "it goes into the output's job id")
            })?);
            continue;
        }
        let (number, key) = find(file, keys, name, at, true)?;
        let entry = reading.entry(key, value, at)?;
        output.given.put(number, entry);
    }
    Ok(output)
}

fn no_output(file: &JobFile, at: usize) -> Error {
    let message = format!("{OUTPUT} wants one file in quotes, or tables");
    let hint = format!("write [[{OUTPUT}]] above each output, with two brackets");
    file.refuse(at, message, hint)
}

fn output_name(value: &Spanned<DeValue<'_>>) -> Option<String> {
    let is_word = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
    let name = value.get_ref().as_str()?;
    let fits = (1..=MOST_NAME).contains(&name.len()) && name.chars().all(is_word);
    fits.then(|| name.to_owned())
}

/// A table's keys as the file has them, so that its first mistake is told
/// first.
fn in_order<'t>(table: &'t DeTable<'_>) -> Vec<(usize, &'t str, &'t Spanned<DeValue<'t>>)> {
    let mut entries: Vec<_> = table.iter().collect();
    entries.sort_by_key(|(name, _)| name.span().start);
    let entries = entries.into_iter();
    entries
        .map(|(name, value)| (name.span().start, name.get_ref().as_ref(), value))
        .collect()
}

/// The key of this name.
fn find<'k>(
    file: &JobFile,
    keys: &'k [Key],
    name: &str,
    at: usize,
    in_output: bool,
) -> Result<(usize, &'k Key), Error> {
    let found = keys.iter().enumerate().find(|(_, key)| key.name == name);
    found.ok_or_else(|| {
        let more = if in_output { NAME } else { OUTPUT };
        let names = keys.iter().map(|key| key.name.as_str()).chain([more]);
        let hint = match nearest(name, names) {
            _ if name == NAME => format!("a {NAME} belongs into an [[{OUTPUT}]]"),
            // Where the secret is has a key of two words.
            Some(_) if is_secret(name) && !name.contains(['-', '_']) => NO_SECRETS.to_owned(),
            Some(nearest) => format!("did you mean {nearest}?"),
            None if is_secret(name) => NO_SECRETS.to_owned(),
            None => "`campaign-signer template --job` prints every key".to_owned(),
        };
        file.refuse(at, format!("unknown key {name:?}"), hint)
    })
}

/// The most similar key, if one is similar at all.
pub(super) fn nearest<'n>(name: &str, all: impl Iterator<Item = &'n str>) -> Option<&'n str> {
    let name = name.to_lowercase().replace('_', "-");
    all.map(|other| (strsim::jaro_winkler(&name, other), other))
        .filter(|(similarity, _)| *similarity > 0.85)
        .max_by(|a, b| a.0.total_cmp(&b.0))
        .map(|(_, other)| other)
}

/// Whether somebody seems to want to write a secret here.
fn is_secret(name: &str) -> bool {
    let name = name.to_lowercase();
    let words = ["secret", "pass", "private", "pem", "token", "credential"];
    words.iter().any(|word| name.contains(word))
}

#[cfg(test)]
mod tests {
    use super::super::environment::of_process;
    use super::super::keys::keys;
    use super::{JobFile, read};

    /// Something of everything.
    const TEXT: &str = "input = ['a', \"b\\u00e9\"]\ntrim=true\ncount = 0x1F\nkey='''ü'''\n\
        set = {a.b = 1.5, c=2026-11-21T02:00:00Z} # x\njob-id=\"$$${HOME}\"\n\
        [[output]]\nname=\"a\"\n[[output]]\nname=\"b\"\nmap.x = \"y\"\n";

    #[test]
    fn a_damaged_job_file_is_refused_in_words_with_a_place() {
        let keys = keys();
        let is_refused = |text: &str| {
            let file = JobFile::of(text);
            let document = read(&file, &keys, &of_process);
            let error = document.err().map(|error| error.to_string());
            let has_place = |words: &String| words.starts_with("job.toml line ");
            assert!(error.iter().all(has_place), "{error:?}");
            error.is_some()
        };
        assert!(!is_refused(TEXT));
        let (mut cut, mut changed) = (0, 0);
        for (at, old) in TEXT.char_indices() {
            cut += usize::from(is_refused(&TEXT[..at]));
            for new in ['\0', '"', '\'', '=', '[', '}', '$', '.', '5', '\n', 'é'] {
                let (before, after) = (&TEXT[..at], &TEXT[at + old.len_utf8()..]);
                changed += usize::from(is_refused(&format!("{before}{new}{after}")));
            }
        }
        assert!(cut > 100 && changed > 1000, "{cut} {changed}");
    }
}

//! What signed files say, without judging it: the fields of every record, in
//! whatever shape it stands. For those who count; who wants to trust it
//! verifies the files. This file must not know keys.

use std::borrow::Cow;

use crate::error::Error;
use crate::format::{Format, Signing};
use crate::json;
use crate::jws::Compact;
use crate::parallel;
use crate::row::{Cells, Dialect, Input};

use super::VerifiedFile;
use super::fields::find;
use super::files::{Source, Work};
use super::findings::Findings;
use super::form::{self, Form, plain};
use super::shape;

/// One signed record, as its line tells it.
pub struct Said<'a> {
    /// Its format.
    pub format: &'static Format,
    /// The text of each field, in the format's order; `None` where the line
    /// does not say it.
    pub values: &'a [Option<Cow<'a, str>>],
}

/// How much was read.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Survey {
    /// Lines, blank ones and headers not counted.
    pub lines: u64,
    /// Signed records in them; a line may hold several.
    pub records: u64,
    /// Lines without any.
    pub unread: u64,
    /// Every file with its lines, size and digest.
    pub files: Vec<VerifiedFile>,
}

/// Reads signed files: `take` gathers what the records of a batch say, on
/// whichever worker read it, and `merge` puts the batches together.
///
/// # Errors
/// When a file cannot be read. Lines that are no signed records are counted.
pub fn survey<T: Default + Send>(
    inputs: &[Input],
    threads: usize,
    take: impl Fn(&mut T, &Said<'_>) + Sync,
    mut merge: impl FnMut(T),
) -> Result<Survey, Error> {
    let pool = parallel::pool(threads).map_err(Error::Threads)?;
    let forms = form::forms(None, None);
    let mut source = Source::new(inputs);
    let mut all = Survey::default();
    parallel::flow(
        &pool,
        || source.next(),
        |work| read_batch(&forms, &work, &take),
        |batch, spawn| {
            spawn(batch);
        },
        |batch| batch,
        |batch: Result<(T, Survey), Error>| {
            let (gathered, own) = batch?;
            all.lines += own.lines;
            all.records += own.records;
            all.unread += own.unread;
            merge(gathered);
            Ok(())
        },
    )?;
    all.files = source.files;
    Ok(all)
}

fn read_batch<T: Default>(
    forms: &[Form],
    work: &Work,
    take: &impl Fn(&mut T, &Said<'_>),
) -> Result<(T, Survey), Error> {
    let (mut gathered, mut own) = (T::default(), Survey::default());
    own.lines = work.batch.len() as u64;
    own.unread = work.batch.faults.len() as u64;
    let mut count = |records: u64| {
        own.records += records;
        own.unread += u64::from(records == 0);
    };
    match (work.dialect, &work.header) {
        (Dialect::Csv { delimiter }, Some(header)) => {
            let mut cells = Cells::new(&work.batch, delimiter);
            while let Some((_, row)) = cells.next() {
                let row = row.map_err(|source| Error::Cells {
                    file: work.name.clone(),
                    source,
                })?;
                let texts = row.iter().map(|cell| std::str::from_utf8(cell).ok());
                let named: Vec<_> = header.iter().map(String::as_str).zip(texts).collect();
                let text = |name: &str| {
                    let own = named.iter().find(|(own, _)| *own == name);
                    let text = own.and_then(|(_, text)| *text);
                    text.filter(|text| !text.is_empty()).map(Cow::Borrowed)
                };
                count(say_record(&mut gathered, take, text));
            }
        }
        _ => {
            for span in &work.batch.rows {
                let line = work.batch.text(span).unwrap_or_default();
                let line = std::str::from_utf8(line).unwrap_or_default();
                count(say_line(forms, line, &mut gathered, take));
            }
        }
    }
    Ok((gathered, own))
}

/// Tells the records of a line; how many there are.
fn say_line<T>(
    forms: &[Form],
    line: &str,
    gathered: &mut T,
    take: &impl Fn(&mut T, &Said<'_>),
) -> u64 {
    let Ok(members) = json::object(line) else {
        return 0;
    };
    if find(&members, "format").is_some() {
        return say_record(gathered, take, |name| find(&members, name).map(plain));
    }
    let Ok((object, _)) = shape::unwrap(members) else {
        return 0;
    };
    let parts = shape::read(&object, forms, &mut Findings::default());
    let mut records = 0;
    for mut part in parts.into_iter().flatten() {
        let (format, layout) = (part.form.format, part.form.layout);
        let token = match (&layout.signing, &part.result) {
            (Signing::Jws { .. }, Some((_, token))) => Compact::parse(token).ok(),
            _ => None,
        };
        let payload = token.map(|token| String::from_utf8(token.payload).unwrap_or_default());
        let claims = payload.as_deref().map(json::object);
        if let Some(Ok(claims)) = claims {
            for (field, value) in format.fields.iter().zip(&mut part.values) {
                if value.is_none() {
                    let claim = find(&claims, field.name).map(plain);
                    *value = claim.map(|text| Cow::Owned(text.into_owned()));
                }
            }
        }
        let values = &part.values[..format.fields.len()];
        take(gathered, &Said { format, values });
        records += 1;
    }
    records
}

/// Tells a flat record, whose members `text` gives.
fn say_record<'a, T>(
    gathered: &mut T,
    take: &impl Fn(&mut T, &Said<'_>),
    text: impl Fn(&str) -> Option<Cow<'a, str>>,
) -> u64 {
    let Some(format) = text("format").and_then(|id| Format::find(&id)) else {
        return 0;
    };
    let values: Vec<_> = format.fields.iter().map(|field| text(field.name)).collect();
    let values = &values[..];
    take(gathered, &Said { format, values });
    1
}

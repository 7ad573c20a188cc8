//! Which partition a record belongs to: the folder's name from the record's
//! own fields. It must not know where folders are or when they are made.

use std::collections::HashMap;

use crate::error::Error;
use crate::format::Format;
use crate::json::{self, Shape};
use crate::output::{Cuts, LONGEST_COLUMN, escaped_length, write_partition};
use crate::record::{Record, Settings, field_of, same_name};
use crate::signing_input::{Derived, Recipes};

/// How many columns records are partitioned by at most: names of folders
/// within folders must stay within what a system takes as one path.
const MOST_COLUMNS: usize = 8;

/// The name of the column that is the format itself.
const FORMAT: &str = "format";

/// Where a column's value stands in a record of one format.
#[derive(Clone, Copy, Debug)]
enum Place {
    /// The format's own id.
    Format,
    /// A field, by its place in the format's fields.
    Field(usize),
    /// A kept column, by its place among them.
    Kept(usize),
}

/// The columns that records are partitioned by.
#[derive(Debug)]
pub(super) struct Partitioner {
    columns: Vec<String>,
    /// For each of the run's formats, where their values stand.
    formats: Vec<(&'static Format, Vec<Place>)>,
}

impl Partitioner {
    /// Finds the columns of these names; `None` where there are none.
    pub(super) fn new(names: &[String], settings: &Settings) -> Result<Option<Self>, Error> {
        if names.len() > MOST_COLUMNS {
            return Err(Error::settings(
                format!("--partition-by names {} columns", names.len()),
                format!("give at most {MOST_COLUMNS}"),
            ));
        }
        let formats: Vec<&'static Format> = settings.formats().map(|c| c.format).collect();
        let mut columns: Vec<String> = Vec::new();
        let mut places = vec![Vec::new(); formats.len()];
        for name in names {
            let mut column = name.clone();
            for (format, places) in formats.iter().zip(&mut places) {
                let (own, place) = find(name, format, settings)?;
                // What several formats call differently is called as it was
                // asked for.
                if formats.len() == 1 {
                    column = own;
                }
                places.push(place);
            }
            check_column(&column, &columns)?;
            columns.push(column);
        }
        Ok((!columns.is_empty()).then(|| Self {
            columns,
            formats: formats.into_iter().zip(places).collect(),
        }))
    }

    /// Appends the name of the record's folder: `a=1/b=2`.
    pub(super) fn dir(
        &self,
        (format, recipes): (usize, &Recipes),
        record: &Record<'_>,
        derived: &Derived,
        out: &mut String,
    ) {
        let (format, places) = &self.formats[format];
        for (column, place) in self.columns.iter().zip(places) {
            if !out.is_empty() {
                out.push('/');
            }
            let value = value(*place, format, recipes, record, derived);
            // Only checked text gets into a record.
            let text = value.and_then(|bytes| std::str::from_utf8(bytes).ok());
            match (place, text) {
                (Place::Kept(_), Some(token)) => match Shape::of(token) {
                    Shape::String => {
                        let text = json::string(token).ok();
                        write_partition(column, text.as_deref(), out);
                    }
                    Shape::Null => write_partition(column, None, out),
                    _ => write_partition(column, Some(token), out),
                },
                (_, text) => write_partition(column, text, out),
            }
        }
    }
}

fn value<'v>(
    place: Place,
    format: &'static Format,
    recipes: &Recipes,
    record: &Record<'v>,
    derived: &'v Derived,
) -> Option<&'v [u8]> {
    match place {
        Place::Format => Some(format.id.as_bytes()),
        Place::Field(at) => recipes.value(record, derived, at),
        Place::Kept(at) => record.kept(at),
    }
}

/// A column that folders can be named after.
fn check_column(column: &String, before: &[String]) -> Result<(), Error> {
    if before.contains(column) {
        return Err(Error::settings(
            format!("--partition-by names {column} twice"),
            "name each column once",
        ));
    }
    if escaped_length(column) > LONGEST_COLUMN {
        return Err(Error::settings(
            format!("the column {column:?} has too long a name for a folder"),
            format!("give columns of at most {LONGEST_COLUMN} characters"),
        ));
    }
    if column.starts_with(['_', '.']) {
        return Err(Error::settings(
            format!("the column {column:?} would make folders that readers pass over"),
            "give columns whose names do not begin with `_` or `.`",
        ));
    }
    Ok(())
}

/// Checks, before any work, that records can be partitioned by the columns of
/// these names.
///
/// # Errors
/// The first column that there is not, that is named twice, or whose name is
/// too long; or that there are too many.
pub fn check_partition(names: &[String], settings: &Settings) -> Result<(), Error> {
    Partitioner::new(names, settings).map(drop)
}

/// The column of this name, in its own spelling.
fn find(
    name: &str,
    format: &'static Format,
    settings: &Settings,
) -> Result<(String, Place), Error> {
    let fields = format.fields.iter().map(|field| field.name);
    if let Some(at) = field_of(format, name) {
        return Ok((format.fields[at].name.to_owned(), Place::Field(at)));
    }
    if let Some(at) = settings.keep.iter().position(|kept| same_name(kept, name)) {
        return Ok((settings.keep[at].clone(), Place::Kept(at)));
    }
    if same_name(FORMAT, name) {
        return Ok((FORMAT.to_owned(), Place::Format));
    }
    let all = fields.chain(settings.keep.iter().map(String::as_str));
    let similar = all
        .map(|other| (strsim::jaro_winkler(name, other), other))
        .filter(|(similarity, _)| *similarity > 0.8)
        .max_by(|a, b| a.0.total_cmp(&b.0));
    let hint = match similar {
        Some((_, nearest)) => format!("did you mean {nearest}?"),
        None => format!(
            "name a field of {}, or copy the column with --keep",
            format.id
        ),
    };
    Err(Error::settings(
        format!(
            "--partition-by names {name:?}, which is neither a field of {} nor a kept column",
            format.id
        ),
        hint,
    ))
}

/// Notes where the lines of one task belong.
pub(super) struct Cutter<'p> {
    partitioner: Option<&'p Partitioner>,
    cuts: Cuts,
    /// The partitions so far by the values they are made of: a name is put
    /// together once for each.
    known: HashMap<Vec<u8>, u32>,
    values: Vec<u8>,
    /// The values of the record before, and its partition.
    last: Option<(Vec<u8>, u32)>,
    name: String,
}

impl<'p> Cutter<'p> {
    /// For one task. Without columns all its lines belong to one partition,
    /// whose name is empty.
    pub(super) fn new(partitioner: Option<&'p Partitioner>) -> Self {
        Self {
            partitioner,
            cuts: Cuts::default(),
            known: HashMap::new(),
            values: Vec::new(),
            last: None,
            name: String::new(),
        }
    }

    /// The line of this record ends here.
    pub(super) fn line(
        &mut self,
        of: (usize, &Recipes),
        record: &Record<'_>,
        derived: &Derived,
        end: usize,
    ) {
        self.values.clear();
        let formats = self.partitioner.map(|by| &by.formats[of.0]);
        for (format, place) in formats
            .into_iter()
            .flat_map(|(format, places)| places.iter().map(move |place| (*format, *place)))
        {
            let value = value(place, format, of.1, record, derived);
            // Lengths keep apart what would read alike.
            let length = value.map_or(u64::MAX, |value| value.len() as u64);
            self.values.extend_from_slice(&length.to_be_bytes());
            self.values.extend_from_slice(value.unwrap_or_default());
        }
        let partition = match &self.last {
            Some((values, partition)) if *values == self.values => *partition,
            _ => self.find(of, record, derived),
        };
        self.cuts.line(partition, end);
    }

    fn find(&mut self, of: (usize, &Recipes), record: &Record<'_>, derived: &Derived) -> u32 {
        let partition = match self.known.get(&self.values) {
            Some(partition) => *partition,
            None => {
                self.name.clear();
                if let Some(by) = self.partitioner {
                    by.dir(of, record, derived, &mut self.name);
                }
                let partition = self.cuts.partition(&self.name);
                self.known.insert(self.values.clone(), partition);
                partition
            }
        };
        let (mut values, _) = self.last.take().unwrap_or_default();
        values.clone_from(&self.values);
        self.last = Some((values, partition));
        partition
    }

    /// Everything noted.
    pub(super) fn finish(self) -> Cuts {
        self.cuts
    }
}

//! What a row must have become: the line that the run's settings make of it,
//! held against the line that stands in the signed file.
//!
//! The line is made by the same code that signs, without a key: what only the
//! key could derive, a nonce or an id, is left open and everything else is
//! compared. This file must not know any rule of a format, or where lines
//! stand.

use std::borrow::Cow;

use uuid::Uuid;

use crate::envelope::{Envelope, Signed, Style};
use crate::format::shape::{Markup, Node, Shape};
use crate::format::{Format, Layout, Signing, Source};
use crate::json;
use crate::record::{Record, Rules};
use crate::row::Dialect;
use crate::signing_input::{Derived, Recipes, Scratch};

use super::flat::{Leaf, flatten};

/// A line's values by name: JSON text, or the cells under the header.
pub(super) type Values<'a> = Vec<(Cow<'a, str>, Cow<'a, str>)>;

/// Stands where a derived id will: any text of a UUID's length.
const PROBE: &str = "········-····-····-····-············";

/// What a value must be.
enum Wanted<'a> {
    /// Just this.
    Exactly(Cow<'a, str>),
    /// Whatever the key derived.
    Derived,
    /// An encoding of this text, with an id where the probe stands.
    Encoded(usize, String),
    /// A token that begins with this JOSE header.
    Headed(String),
}

/// What a record's line must hold.
pub(super) struct Expected<'a> {
    wanted: Vec<(Cow<'a, str>, Wanted<'a>)>,
    format: &'static Format,
    /// What lines are, where they are no records, and the record's version.
    shape: Option<(&'static Shape, &'static Layout)>,
    dialect: Dialect,
}

/// Makes the lines that rows must have become.
pub(super) struct Maker {
    recipes: Recipes,
    envelope: Envelope,
    shape: Option<&'static Shape>,
    dialect: Dialect,
    /// The names of CSV columns.
    pub(super) header: Vec<String>,
    scratch: Scratch,
    /// The parts of a line and the line itself, in memory that is reused.
    members: Vec<u8>,
    message: Vec<u8>,
    line: Vec<u8>,
}

impl Maker {
    /// For lines of this dialect; `layouts` are the versions that may come.
    pub(super) fn new(
        rules: &Rules,
        layouts: &[usize],
        dialect: Dialect,
        escape_formulas: bool,
    ) -> Self {
        let style = match dialect {
            Dialect::Csv { delimiter } => Style::Csv(delimiter),
            Dialect::Ndjson => Style::Ndjson,
        };
        let format = rules.format();
        let envelope = Envelope::of(rules, style, layouts, escape_formulas);
        let header = match dialect {
            Dialect::Csv { delimiter } => cells(&envelope.header(), delimiter).unwrap_or_default(),
            Dialect::Ndjson => Vec::new(),
        };
        Self {
            recipes: Recipes::new(format),
            envelope,
            shape: rules.shape(),
            dialect,
            header,
            scratch: Scratch::default(),
            members: Vec::new(),
            message: Vec::new(),
            line: Vec::new(),
        }
    }

    /// What this record's line must hold, whichever copy it is of.
    pub(super) fn expected(&mut self, record: &Record<'_>) -> Expected<'_> {
        let derived = Derived::default();
        let Self {
            recipes,
            members,
            message,
            line,
            ..
        } = self;
        for part in [&mut *members, &mut *message, &mut *line] {
            part.clear();
        }
        recipes.write_members(record, &derived, members);
        recipes.write_signing_input(record, &derived, members, &mut self.scratch, message);
        let signed = Signed {
            record: *record,
            derived: &derived,
            members,
            message,
            signature: &[1; 64],
        };
        self.envelope.write(recipes, &signed, line);
        let values = values(line, self.dialect, &self.header).unwrap_or_default();
        let format = recipes.format();
        let layout = &format.layouts[record.layout()];
        if let Some(shape) = self.shape {
            return Expected {
                wanted: wanted_of_object(format, shape, record, values),
                format,
                shape: Some((shape, layout)),
                dialect: self.dialect,
            };
        }
        let wanted = values.into_iter().map(|(name, value)| {
            let wanted = wanted(format, record, &name, value, self.dialect);
            (name, wanted)
        });
        let mut wanted: Vec<_> = wanted.collect();
        // What is absent has no member of its own.
        if let Some((at, field)) = format.field_from(Source::Nonce)
            && record.value(at).is_none()
            && !wanted.iter().any(|(name, _)| name == field.name)
        {
            wanted.push((field.name.into(), Wanted::Derived));
        }
        Expected {
            wanted,
            format,
            shape: None,
            dialect: self.dialect,
        }
    }
}

/// What the values of an object must be.
fn wanted_of_object<'a>(
    format: &'static Format,
    shape: &Shape,
    record: &Record<'_>,
    values: Values<'a>,
) -> Vec<(Cow<'a, str>, Wanted<'a>)> {
    let layout = &format.layouts[record.layout()];
    let line = values.into_iter().filter_map(|(name, token)| match token {
        Cow::Borrowed(token) => Some((name, token)),
        Cow::Owned(_) => None,
    });
    let (values, leaves) = flatten(format, shape, layout, line.collect());
    let nonce = format.field_from(Source::Nonce);
    let is_open = |name: &str| {
        nonce.is_some_and(|(at, field)| field.name == name && record.value(at).is_none())
    };
    let follows_open = |name: &str| {
        let mut derived = format.derived.iter();
        derived.any(|own| own.name == name && is_open(own.from))
    };
    let mut all = Vec::new();
    for ((path, value), leaf) in values.into_iter().zip(leaves) {
        let wanted = match leaf {
            Leaf::Other => Wanted::Exactly(value),
            Leaf::Claim => {
                let name = path.rsplit('.').next().unwrap_or_default();
                wanted(format, record, name, value, Dialect::Ndjson)
            }
            Leaf::Member(Node::Field(name) | Node::Text(name)) if is_open(name) => Wanted::Derived,
            Leaf::Member(Node::Derived(name)) if follows_open(name) => Wanted::Derived,
            Leaf::Member(Node::Markup(pieces))
                if pieces
                    .iter()
                    .any(|piece| matches!(piece, Markup::Derived(name) if follows_open(name))) =>
            {
                Wanted::Derived
            }
            Leaf::Member(Node::Result) => {
                let result = layout.result();
                // What is absent has no claim of its own.
                if let (Signing::Jws { .. }, Some((_, field))) = (&layout.signing, nonce)
                    && is_open(field.name)
                {
                    all.push((format!("{path}.{}", field.name).into(), Wanted::Derived));
                }
                wanted(format, record, result, value, Dialect::Ndjson)
            }
            Leaf::Member(_) => Wanted::Exactly(value),
        };
        all.push((path, wanted));
    }
    all
}

/// The values of a found line as those that are wanted are.
fn flatten_values<'a>(
    format: &Format,
    shape: &Shape,
    layout: &Layout,
    found: &'a Values<'_>,
) -> Values<'a> {
    let line = found.iter();
    let line = line.map(|(name, token)| (Cow::Borrowed(name.as_ref()), token.as_ref()));
    flatten(format, shape, layout, line.collect()).0
}

fn wanted<'a>(
    format: &'static Format,
    record: &Record<'_>,
    name: &str,
    value: Cow<'a, str>,
    dialect: Dialect,
) -> Wanted<'a> {
    let layout = &format.layouts[record.layout()];
    if name == layout.result() {
        return match layout.signing {
            Signing::Joined { .. } => Wanted::Derived,
            Signing::Jws { .. } => {
                let token = plain(&value, dialect);
                Wanted::Headed(token.split('.').next().unwrap_or_default().to_owned())
            }
        };
    }
    let open = |name: &str| {
        let field = format.field(name);
        field.is_some_and(|(at, f)| f.source == Source::Nonce && record.value(at).is_none())
    };
    let from_open = format
        .derived
        .iter()
        .any(|d| d.name == name && open(d.from));
    if open(name) || from_open {
        return Wanted::Derived;
    }
    if let Some((at, field)) = format.field(name)
        && let (Some(wrapping), Some(text)) = (field.wrapped, record.text(at))
        && (wrapping.lacks_id)(text)
    {
        let mut encoded = Vec::new();
        (wrapping.wrap)(text, Some(PROBE), &mut encoded);
        let encoded = String::from_utf8(encoded).unwrap_or_default();
        let text = (wrapping.unwrap)(&encoded).unwrap_or_default();
        return Wanted::Encoded(at, text);
    }
    Wanted::Exactly(value)
}

impl Expected<'_> {
    /// Compares a line's values.
    ///
    /// # Errors
    /// The first thing that differs, in words.
    pub(super) fn compare(&self, found: Option<&Values<'_>>) -> Result<(), String> {
        let Some(found) = found else {
            return Err("it cannot be read".into());
        };
        let flat = self
            .shape
            .map(|(shape, layout)| flatten_values(self.format, shape, layout, found));
        let found = flat.as_ref().unwrap_or(found);
        for (name, wanted) in &self.wanted {
            let own = found.iter().find(|(own, _)| own == name);
            let own = own.map(|(_, value)| value.as_ref());
            self.compare_one(name, wanted, own)?;
        }
        for (name, _) in found {
            if !self.wanted.iter().any(|(own, _)| own == name) {
                return Err(format!("{} is not of the row", name.escape_debug()));
            }
        }
        Ok(())
    }

    fn compare_one(
        &self,
        name: &str,
        wanted: &Wanted<'_>,
        own: Option<&str>,
    ) -> Result<(), String> {
        let (format, dialect) = (self.format, self.dialect);
        let same = match (wanted, own) {
            // Whether it is there, and what it must be, is for each record by
            // itself to say.
            (Wanted::Derived, _) => true,
            (_, None) => return Err(format!("{} is missing", name.escape_debug())),
            (Wanted::Exactly(value), Some(own)) => match dialect {
                Dialect::Csv { .. } => value == own,
                Dialect::Ndjson => json::same(value, own),
            },
            (Wanted::Headed(header), Some(own)) => {
                plain(own, dialect).split('.').next() == Some(header)
            }
            (Wanted::Encoded(at, text), Some(own)) => {
                let wrapping = format.fields[*at].wrapped;
                let own = wrapping.and_then(|w| (w.unwrap)(&plain(own, dialect)));
                own.is_some_and(|own| same_but_for_id(text, &own))
            }
        };
        if same {
            return Ok(());
        }
        let name = name.escape_debug();
        Err(match wanted {
            Wanted::Exactly(value) => {
                let (own, value) = (short(own.unwrap_or_default()), short(value));
                format!("{name} is {own}, the row gives {value}")
            }
            Wanted::Headed(_) => format!("{name} has another JOSE header than the row gives"),
            _ => format!("{name} is not what the row gives"),
        })
    }
}

/// Whether two texts differ only in that one has an id where the other has
/// the probe.
fn same_but_for_id(wanted: &str, own: &str) -> bool {
    wanted.match_indices(PROBE).any(|(at, _)| {
        let (before, after) = (&wanted[..at], &wanted[at + PROBE.len()..]);
        let id = own
            .strip_prefix(before)
            .and_then(|rest| rest.strip_suffix(after));
        id.is_some_and(|id| id.len() == 36 && Uuid::try_parse(id).is_ok())
    })
}

/// The text of a value.
fn plain(value: &str, dialect: Dialect) -> Cow<'_, str> {
    match dialect {
        Dialect::Csv { .. } => Cow::Borrowed(value),
        Dialect::Ndjson => json::string(value).unwrap_or_default(),
    }
}

/// A value on one line, its beginning where it is long.
fn short(value: &str) -> String {
    let cut: String = value.chars().take(60).collect();
    let more = if cut.len() < value.len() { "…" } else { "" };
    match value {
        "" => "empty".to_owned(),
        _ => format!("{}{more}", cut.replace(char::is_control, "\u{2423}")),
    }
}

/// The values of one line; `None` where it is no record.
pub(super) fn values<'a>(
    line: &'a [u8],
    dialect: Dialect,
    header: &'a [String],
) -> Option<Values<'a>> {
    match dialect {
        Dialect::Csv { delimiter } => {
            let cells = cells(line, delimiter)?;
            let names = header.iter().map(|name| Cow::Borrowed(name.as_str()));
            let cells = (cells.len() == header.len()).then_some(cells)?;
            Some(names.zip(cells.into_iter().map(Cow::Owned)).collect())
        }
        Dialect::Ndjson => {
            let members = json::object(std::str::from_utf8(line).ok()?).ok()?;
            let own = |(name, token)| (name, Cow::Borrowed(token));
            Some(members.into_iter().map(own).collect())
        }
    }
}

/// The cells of one row.
fn cells(row: &[u8], delimiter: u8) -> Option<Vec<String>> {
    let mut reader = csv::ReaderBuilder::new()
        .delimiter(delimiter)
        .has_headers(false)
        .flexible(true)
        .buffer_capacity(row.len().max(64))
        .from_reader(row);
    let mut record = csv::StringRecord::new();
    let read = reader.read_record(&mut record).ok()?;
    read.then(|| record.iter().map(str::to_owned).collect())
}

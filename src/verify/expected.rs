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
use crate::format::{Format, Signing, Source};
use crate::json;
use crate::record::{Record, Rules, Spread};
use crate::row::Dialect;
use crate::signing_input::{Copy, Derived, Deriving, Recipes, Scratch};
use crate::stamp::Stamps;

use super::flat::{Formed, Leaf, flatten};

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
    Encoded(&'static Format, usize, String),
    /// A token that begins with this JOSE header.
    Headed(String),
}

/// What a line must hold.
pub(super) struct Expected<'a> {
    wanted: Vec<(Cow<'a, str>, Wanted<'a>)>,
    /// The records in it, where lines are objects.
    forms: Vec<Formed>,
    dialect: Dialect,
}

/// Makes the lines that rows must have become: of one format, or of several
/// that stand in one line.
pub(super) struct Maker {
    recipes: Vec<Recipes>,
    envelope: Envelope,
    shapes: Vec<&'static Shape>,
    spread: Option<Spread>,
    dialect: Dialect,
    /// The names of CSV columns.
    pub(super) header: Vec<String>,
    scratch: Scratch,
    /// The parts of each record and the line itself, in memory that is reused.
    parts: Vec<(Vec<u8>, Vec<u8>)>,
    derived: Vec<Derived>,
    line: Vec<u8>,
}

impl Maker {
    /// For lines of this dialect in which these formats stand; `layouts` are
    /// the versions of the first one that may come.
    pub(super) fn new(
        rules: &[&Rules],
        layouts: &[usize],
        dialect: Dialect,
        escape_formulas: bool,
    ) -> Option<Self> {
        let style = match dialect {
            Dialect::Csv { delimiter } => Style::Csv(delimiter),
            Dialect::Ndjson | Dialect::Parquet => Style::Ndjson,
        };
        let first = rules.first()?;
        let envelope = match rules {
            [only] => Envelope::of(only, style, layouts, escape_formulas),
            several => Envelope::joined(several)?,
        };
        let header = match dialect {
            Dialect::Csv { delimiter } => cells(&envelope.header(), delimiter).unwrap_or_default(),
            Dialect::Ndjson | Dialect::Parquet => Vec::new(),
        };
        let settings = first.settings();
        Some(Self {
            recipes: rules.iter().map(|r| Recipes::new(r.format())).collect(),
            envelope,
            shapes: rules.iter().filter_map(|rules| rules.shape()).collect(),
            spread: settings.spread.map(|over| Spread {
                from: settings.timestamp,
                over,
            }),
            dialect,
            header,
            scratch: Scratch::default(),
            parts: vec![<(Vec<u8>, Vec<u8>)>::default(); rules.len()],
            derived: Vec::new(),
            line: Vec::new(),
        })
    }

    /// What the line of these records, one of each format, must hold;
    /// which copy it is, from 0, decides its time where times are spread.
    pub(super) fn expected(&mut self, records: &[Record<'_>], copy: u64) -> Expected<'_> {
        let Self {
            recipes,
            parts,
            derived,
            line,
            ..
        } = self;
        derived.clear();
        line.clear();
        let mut deriving = Deriving::default();
        for (recipes, record) in recipes.iter().zip(records) {
            let copy = Copy {
                number: copy,
                time: self.spread.map(|spread| spread.time(record, copy)),
            };
            recipes.take_up(record, copy, &mut deriving);
        }
        // What only a key derives stays open.
        deriving.finish(None::<fn(u16) -> &'static Stamps>, derived);
        let each = recipes.iter().zip(records).zip(&*derived);
        for (((recipes, record), derived), (members, message)) in each.zip(&mut *parts) {
            members.clear();
            message.clear();
            recipes.write_members(record, derived, members);
            recipes.write_signing_input(record, derived, members, &mut self.scratch, message);
        }
        let each = recipes.iter().zip(records).zip(&*derived).zip(&*parts);
        let group = each.map(|(((recipes, record), derived), (members, message))| {
            let signed = Signed {
                record: *record,
                derived,
                members,
                message,
                signature: &[1; 64],
            };
            (recipes, signed)
        });
        let group: Vec<(&Recipes, Signed<'_>)> = group.collect();
        self.envelope.write_group(&group, line);
        let values = values(line, self.dialect, &self.header).unwrap_or_default();
        let dialect = self.dialect;
        if !self.shapes.is_empty() {
            let each = recipes.iter().zip(&self.shapes).zip(records);
            let forms = each.map(|((recipes, shape), record)| Formed {
                format: recipes.format(),
                shape,
                layout: &recipes.format().layouts[record.layout()],
            });
            let forms: Vec<Formed> = forms.collect();
            return Expected {
                wanted: wanted_of_object(&forms, records, values),
                forms,
                dialect,
            };
        }
        let (format, record) = (recipes[0].format(), &records[0]);
        let wanted = values.into_iter().map(|(name, value)| {
            let wanted = wanted(format, record, &name, value, dialect);
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
            forms: Vec::new(),
            dialect,
        }
    }
}

/// What the values of an object must be.
fn wanted_of_object<'a>(
    forms: &[Formed],
    records: &[Record<'_>],
    values: Values<'a>,
) -> Vec<(Cow<'a, str>, Wanted<'a>)> {
    let line = values.into_iter().filter_map(|(name, token)| match token {
        Cow::Borrowed(token) => Some((name, token)),
        Cow::Owned(_) => None,
    });
    let (values, leaves) = flatten(forms, line.collect());
    let mut all = Vec::new();
    for ((path, value), (leaf, at)) in values.into_iter().zip(leaves) {
        let (Formed { format, layout, .. }, record) = (forms[at], &records[at]);
        let nonce = format.field_from(Source::Nonce);
        let is_open = |name: &str| {
            nonce.is_some_and(|(at, field)| field.name == name && record.value(at).is_none())
        };
        let follows_open = |name: &str| {
            let mut derived = format.derived.iter();
            derived.any(|own| own.name == name && is_open(own.from))
        };
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
fn flatten_values<'a>(forms: &[Formed], found: &'a Values<'_>) -> Values<'a> {
    let line = found.iter();
    let line = line.map(|(name, token)| (Cow::Borrowed(name.as_ref()), token.as_ref()));
    flatten(forms, line.collect()).0
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
        return Wanted::Encoded(format, at, text);
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
        let is_object = !self.forms.is_empty();
        let flat = is_object.then(|| flatten_values(&self.forms, found));
        let found = flat.as_ref().unwrap_or(found);
        for (name, wanted) in &self.wanted {
            let own = found.iter().find(|(own, _)| own == name);
            let own = own.map(|(_, value)| value.as_ref());
            self.compare_one(name, wanted, own)?;
        }
        // In a table the row's own columns stand beside the record.
        let beside = self.dialect != Dialect::Parquet;
        for (name, _) in found.iter().filter(|_| beside) {
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
        let dialect = self.dialect;
        let same = match (wanted, own) {
            // Whether it is there, and what it must be, is for each record by
            // itself to say.
            (Wanted::Derived, _) => true,
            // What is null has no value in a table.
            (Wanted::Exactly(value), None) if dialect == Dialect::Parquet => value == "null",
            (_, None) => return Err(format!("{} is missing", name.escape_debug())),
            (Wanted::Exactly(value), Some(own)) => match dialect {
                Dialect::Csv { .. } => value == own,
                Dialect::Ndjson => json::same(value, own),
                // A kept column of text has the text of what was no string.
                Dialect::Parquet => {
                    json::same(value, own) || json::string(own).is_ok_and(|own| own == *value)
                }
            },
            (Wanted::Headed(header), Some(own)) => {
                plain(own, dialect).split('.').next() == Some(header)
            }
            (Wanted::Encoded(format, at, text), Some(own)) => {
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
        Dialect::Ndjson | Dialect::Parquet => json::string(value).unwrap_or_default(),
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
        Dialect::Ndjson | Dialect::Parquet => {
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

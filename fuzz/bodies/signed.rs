//! `verify_input`: any bytes as a signed file. Nothing is good but what the
//! demo keys signed: the only genuine records there are stand in a table made
//! here, and a line that is called good must say what one of them says.
//!
//! The first byte's bits are options, see below. The rest is the file.

use std::borrow::Cow;
use std::sync::OnceLock;

use campaign_signer::engine::Verifier;
use campaign_signer::envelope::{Envelope, Signed, Style, read_signature};
use campaign_signer::format::{Alg, Claim, FORMATS, Field, Format, Layout, Signing, Source};
use campaign_signer::inspect::inspect;
use campaign_signer::json::{self, Shape};
use campaign_signer::jws::Compact;
use campaign_signer::record::{Outcome, Plan, Records, Rules, Settings, Tally};
use campaign_signer::row::{Batch, Cells, Dialect, Limits, Reader};
use campaign_signer::signing_input::Recipes;

use super::common::{self, TIMESTAMP, judge, one_in};

/// The key is the shared secret.
const HS256: u8 = 0x01;
/// The file is CSV.
const CSV: u8 = 0x02;
/// One format only; its place in the table are the four bits from 0x04 on.
const ONE_FORMAT: u8 = 0x40;

/// A longer input is many records, of which few say as much.
const MOST: usize = 32 * 1024;

pub fn verify_input(data: &[u8]) {
    let [options, input @ ..] = data else {
        return;
    };
    if input.len() > MOST {
        return;
    }
    let alg = match options & HS256 {
        0 => Alg::Es256,
        _ => Alg::Hs256,
    };
    let dialect = match options & CSV {
        0 => Dialect::Ndjson,
        _ => Dialect::Csv { delimiter: b',' },
    };
    let nth = usize::from(options >> 2 & 0x0f);
    let format = (options & ONE_FORMAT != 0).then(|| FORMATS[nth % FORMATS.len()]);

    let table = Table(alg);
    let judged = judge(input, dialect, &table, alg, format);
    if one_in(32, data) {
        // The table stands for the real key, and must not be stricter.
        let real = common::verifier(alg);
        let again = judge(input, dialect, real.as_ref(), alg, format);
        assert_eq!(format!("{judged:?}"), format!("{again:?}"));
    }
    let bad = match judged {
        Ok((_, bad)) => bad,
        Err(error) => {
            assert!(!error.to_string().is_empty());
            return;
        }
    };
    let rows = rows(input, dialect);
    let mut alone = match rows.len() > 1 && one_in(8, data) {
        true => 2,
        false => 0,
    };
    for row in rows {
        let text = std::str::from_utf8(&row.text);
        if let Ok(text) = text {
            let _ = inspect(text, 0);
        }
        if bad.iter().any(|(line, _)| *line == row.line) {
            continue;
        }
        check_good(alg, format, &row.members);
        if alone > 0 {
            alone -= 1;
            let (verdict, bad) = judge(&row.alone, dialect, &table, alg, format).unwrap();
            assert_eq!(verdict.records, 1);
            assert!(bad.is_empty(), "good among others, bad alone: {bad:?}");
        }
    }
}

/// A signed record that this program made.
struct Genuine {
    format: &'static Format,
    layout: &'static Layout,
    /// Its members as JSON.
    members: Vec<(String, String)>,
    message: Vec<u8>,
    signature: Vec<u8>,
    line: Vec<u8>,
}

/// One record for every version of every format.
fn genuine() -> &'static [Genuine] {
    static ALL: OnceLock<Vec<Genuine>> = OnceLock::new();
    ALL.get_or_init(|| {
        let versions = FORMATS
            .iter()
            .flat_map(|format| format.layouts.iter().map(move |layout| (*format, layout)));
        versions
            .map(|(format, layout)| make(format, layout))
            .collect()
    })
}

/// The genuine records, for the corpus.
pub fn genuine_lines() -> Vec<&'static [u8]> {
    genuine()
        .iter()
        .map(|record| record.line.as_slice())
        .collect()
}

/// Signs a row of the table's examples.
fn make(format: &'static Format, layout: &'static Layout) -> Genuine {
    let mut settings = Settings::new(format, TIMESTAMP);
    settings.version = layout.version.map(str::to_owned);
    let rules = Rules::new(settings).unwrap();
    let names = layout.field_names();
    let mut row = b"{".to_vec();
    for field in format.fields {
        let given = matches!(
            field.source,
            Source::Required | Source::KeyId { .. } | Source::Optional
        );
        if !given || field.example.is_empty() || !names.contains(&field.name) {
            continue;
        }
        if row.len() > 1 {
            row.push(b',');
        }
        json::write_string(field.name, &mut row);
        row.push(b':');
        match field.kind.shape() {
            Shape::String => json::write_string(field.example, &mut row),
            _ => row.extend_from_slice(field.example.as_bytes()),
        }
    }
    row.push(b'}');
    let mut records = Records::for_rules(&rules);
    let (mut problems, mut notices) = (Vec::new(), Tally::default());
    let plan = Plan::for_members(&rules);
    let outcome = plan.check_json(&row, 1, &mut records, &mut problems, &mut notices);
    assert_eq!(outcome, Outcome::Record, "{}: {problems:?}", format.id);
    let recipes = Recipes::new(format);
    let part = common::sign(&recipes, &common::signer(format.alg()), &records).remove(0);
    let signed = Signed {
        record: records.get(0),
        derived: &part.derived,
        members: &part.members,
        message: &part.message,
        signature: &part.signature,
    };
    let mut line = Vec::new();
    Envelope::new(Style::Ndjson, format, &[], &[], true).write(&recipes, &signed, &mut line);
    let members = json::object(std::str::from_utf8(&line).unwrap()).unwrap();
    let members = members.into_iter();
    Genuine {
        format,
        layout,
        members: members
            .map(|(name, token)| (name.into_owned(), token.to_owned()))
            .collect(),
        message: part.message,
        signature: part.signature,
        line,
    }
}

/// A verifier that knows all genuine signatures, and so needs no arithmetic.
struct Table(Alg);

impl Verifier for Table {
    fn verify(&self, message: &[u8], signature: &[u8]) -> bool {
        let own = genuine().iter().filter(|own| own.format.alg() == self.0);
        own.filter(|own| own.message == message).any(|own| {
            own.signature == signature
                || (self.0 == Alg::Es256 && negated(&own.signature) == signature)
        })
    }
}

/// `r ‖ n - s`, which ECDSA takes for the same signature.
fn negated(signature: &[u8]) -> Vec<u8> {
    const N: [u8; 32] = *b"\xff\xff\xff\xff\x00\x00\x00\x00\xff\xff\xff\xff\xff\xff\xff\xff\
        \xbc\xe6\xfa\xad\xa7\x17\x9e\x84\xf3\xb9\xca\xc2\xfc\x63\x25\x51";
    let mut out = signature.to_vec();
    let mut borrow = 0;
    for at in (0..32).rev() {
        let digit = i16::from(N[at]) - i16::from(signature[32 + at]) - borrow;
        borrow = i16::from(digit < 0);
        out[32 + at] = (digit & 0xff) as u8;
    }
    out
}

/// One row of the file, and a file that holds nothing else.
struct Row {
    line: u64,
    text: Vec<u8>,
    alone: Vec<u8>,
    /// Name and value; of a JSON row its tokens.
    members: Vec<(String, Value)>,
}

enum Value {
    Cell(String),
    Token(String),
}

/// The rows of an input that could be verified.
fn rows(input: &[u8], dialect: Dialect) -> Vec<Row> {
    let limits = Limits {
        row_bytes: 1 << 20,
        ..Limits::default()
    };
    let mut reader = Reader::new(input, dialect, limits, 1);
    let mut header: Option<Vec<u8>> = None;
    let mut names: Vec<String> = Vec::new();
    let mut rows = Vec::new();
    let mut batch = Batch::default();
    while reader.next_batch(&mut batch).unwrap() {
        match dialect {
            // A table is read as lines.
            Dialect::Ndjson | Dialect::Parquet => {
                for span in &batch.rows {
                    let text = batch.text(span).unwrap().to_vec();
                    let members = std::str::from_utf8(&text).ok().map(json::object);
                    let members = members.and_then(Result::ok).unwrap_or_default();
                    let own = |(name, token): (Cow<'_, str>, &str)| {
                        (name.into_owned(), Value::Token(token.to_owned()))
                    };
                    rows.push(Row {
                        line: span.position.line,
                        members: members.into_iter().map(own).collect(),
                        alone: text.clone(),
                        text,
                    });
                }
            }
            Dialect::Csv { delimiter } => {
                let mut cells = Cells::new(&batch, delimiter);
                while let Some((span, row)) = cells.next() {
                    let text = batch.text(span).unwrap().to_vec();
                    let texts = row.unwrap().iter().map(String::from_utf8_lossy);
                    let texts = texts.map(Cow::into_owned);
                    let Some(header) = &header else {
                        names = texts.collect();
                        header = Some(text);
                        continue;
                    };
                    let values = texts.map(Value::Cell);
                    rows.push(Row {
                        line: span.position.line,
                        members: names.iter().cloned().zip(values).collect(),
                        // With a mark, so that one in the header stays there.
                        alone: [b"\xef\xbb\xbf", &header[..], b"\n", &text].concat(),
                        text,
                    });
                }
            }
        }
    }
    rows
}

/// A good row says what a genuine record says, in every signed member.
fn check_good(alg: Alg, format: Option<&'static Format>, members: &[(String, Value)]) {
    let own = genuine().iter().filter(|own| {
        own.format.alg() == alg && format.is_none_or(|format| format.id == own.format.id)
    });
    let mut own = own.filter(|own| {
        let names = own.layout.members().into_iter().map(|claim| {
            let (Claim::Field(name) | Claim::Object(name, _)) = claim;
            name
        });
        let derived = own.format.derived.iter().map(|derived| derived.name);
        std::iter::once("format")
            .chain(names)
            .chain(derived)
            .all(|name| says(own, members, name))
            && is_signed(own, members)
    });
    assert!(own.next().is_some(), "good, but nobody signed it");
}

/// Whether the row says of this member what the genuine record says.
fn says(own: &Genuine, members: &[(String, Value)], name: &str) -> bool {
    let theirs = members.iter().find(|(other, _)| other == name);
    let ours = own.members.iter().find(|(other, _)| other == name);
    let ours = ours.map(|(_, token)| token.as_str());
    match (theirs.map(|(_, value)| value), ours) {
        (None, None) => true,
        (Some(Value::Token(token)), Some(ours)) => json::same(token, ours),
        (Some(Value::Cell(cell)), Some(ours)) => match Shape::of(ours) {
            Shape::String => json::string(ours).unwrap() == cell.as_str(),
            _ => json::same(cell, ours),
        },
        // Joined values have an empty text where there is none.
        (Some(Value::Token(token)), None) => may_be_empty(own, name) && token == "\"\"",
        (Some(Value::Cell(cell)), None) => cell.is_empty(),
        (None, Some(ours)) => may_be_empty(own, name) && ours == "\"\"",
    }
}

fn may_be_empty(own: &Genuine, name: &str) -> bool {
    let field = own.format.field(name).map(|(_, field)| field);
    field.is_some_and(Field::may_be_empty)
}

/// Whether the row carries the genuine record's signature.
fn is_signed(own: &Genuine, members: &[(String, Value)]) -> bool {
    let found = members.iter().find(|(name, _)| name == own.layout.result());
    let text = match found.map(|(_, value)| value) {
        Some(Value::Cell(cell)) => Cow::Borrowed(cell.as_str()),
        Some(Value::Token(token)) => json::string(token).unwrap(),
        None => return false,
    };
    let table = Table(own.format.alg());
    match own.layout.signing {
        Signing::Joined { .. } => {
            read_signature(&text).is_some_and(|signature| table.verify(&own.message, &signature))
        }
        Signing::Jws { .. } => Compact::parse(&text).is_ok_and(|compact| {
            let message = compact.signing_input.as_bytes();
            message == own.message && table.verify(message, &compact.signature)
        }),
    }
}

//! `record_check`: rows of every format through the checks, and what passes
//! through signing, both kinds of output, and verification.
//!
//! The first byte is a letter for the format, in the order of the table; a
//! capital one means CSV with a header, a small one NDJSON. The second byte's
//! bits are options, see below. The rest is the input.

use campaign_signer::envelope::{Envelope, Signed, Style};
use campaign_signer::format::{Code, FORMATS, Format, SEPARATOR, Signing, Source};
use campaign_signer::pipeline::Signer;
use campaign_signer::record::{
    Outcome, Plan, Problem, Record, Records, Reject, RejectLine, Rules, Settings, Tally,
    object_of_line,
};
use campaign_signer::row::{Batch, Cells, Dialect, Limits, Position, Reader, stray_quote};
use campaign_signer::signing_input::Recipes;

use super::common::{TIMESTAMP, judge, one_in, sign, signer, verifier};

const TRIM: u8 = 0x01;
const IGNORE_UNKNOWN: u8 = 0x02;
const ALLOW_STALE: u8 = 0x04;
const ALLOW_FUTURE: u8 = 0x08;
/// A column to keep, `note`, and one that identifies rows, `row`.
const EXTRAS: u8 = 0x10;
/// The format's oldest version only.
const OLDEST: u8 = 0x20;

/// How many records an input may give and still be signed.
const FEW: u64 = 8;

pub fn record_check(data: &[u8]) {
    let [letter, options, input @ ..] = data else {
        return;
    };
    let nth = (letter | 0x20).wrapping_sub(b'a');
    let format = FORMATS[usize::from(nth) % FORMATS.len()];
    let rules = Rules::new(settings(format, *options)).unwrap();
    let limits = Limits {
        row_bytes: 16 * 1024,
        batch_rows: 16,
        ..Limits::default()
    };
    let is_csv = letter & 0x20 == 0;
    let dialect = match is_csv {
        true => Dialect::Csv { delimiter: b',' },
        false => Dialect::Ndjson,
    };
    let mut reader = Reader::new(input, dialect, limits, 1);
    let plan = match is_csv {
        false => Plan::for_members(&rules),
        true => {
            let Ok(Some(header)) = reader.header() else {
                return;
            };
            match Plan::for_header(&rules, &header) {
                Ok(plan) => {
                    assert_eq!(plan.width(), header.len());
                    plan
                }
                Err(error) => {
                    assert!(!error.to_string().is_empty());
                    assert!(error.hint().is_none_or(|hint| !hint.is_empty()));
                    return;
                }
            }
        }
    };
    let mut checked = Checked::new(&plan);
    let mut batch = Batch::default();
    while let Ok(true) = reader.next_batch(&mut batch) {
        if is_csv {
            let mut cells = Cells::new(&batch, b',');
            while let Some((span, row)) = cells.next() {
                let raw = batch.text(span).unwrap();
                if stray_quote(raw, b',').is_none() {
                    let row = row.unwrap();
                    checked.row(span.position, raw, |plan, records, problems, notices| {
                        let number = span.position.record;
                        plan.check_cells(row, number, records, problems, notices)
                    });
                }
            }
        } else {
            for span in &batch.rows {
                let raw = batch.text(span).unwrap();
                checked.row(span.position, raw, |plan, records, problems, notices| {
                    plan.check_json(raw, span.position.record, records, problems, notices)
                });
            }
        }
        if checked.records.len() as u64 > FEW {
            return;
        }
    }
    let total: u64 = checked.records.iter().map(|record| record.count()).sum();
    if (1..=FEW).contains(&total) && one_in(4, data) {
        check_signed(&plan, &checked.records);
        if let (Dialect::Ndjson, 1) = (dialect, checked.rows) {
            check_one_row(&rules, input);
        }
    }
}

fn settings(format: &'static Format, options: u8) -> Settings {
    let mut settings = Settings::new(format, TIMESTAMP);
    settings.trim = options & TRIM != 0;
    settings.ignore_unknown = options & IGNORE_UNKNOWN != 0;
    settings.allow_stale = options & ALLOW_STALE != 0;
    settings.allow_future = options & ALLOW_FUTURE != 0;
    if options & EXTRAS != 0 {
        settings.keep = vec!["note".into()];
        settings.row_id = Some("row".into());
    }
    if options & OLDEST != 0 {
        settings.version = format.layouts[0].version.map(str::to_owned);
    }
    if let Some((_, field)) = format.key_id() {
        settings.key_id = Some(field.example.to_owned()).filter(|id| !id.is_empty());
    }
    settings
}

struct Checked<'p> {
    plan: &'p Plan<'p>,
    records: Records,
    problems: Vec<Problem>,
    notices: Tally,
    rows: u64,
}

impl<'p> Checked<'p> {
    fn new(plan: &'p Plan<'p>) -> Self {
        Self {
            plan,
            records: Records::for_rules(plan.rules()),
            problems: Vec::new(),
            notices: Tally::default(),
            rows: 0,
        }
    }

    fn row(
        &mut self,
        position: Position,
        raw: &[u8],
        check: impl Fn(&Plan<'_>, &mut Records, &mut Vec<Problem>, &mut Tally) -> Outcome,
    ) {
        let before = self.records.len();
        self.rows += 1;
        self.problems.clear();
        let notices = &mut self.notices;
        let outcome = check(self.plan, &mut self.records, &mut self.problems, notices);
        // Alone, the row is what it is after others.
        let mut alone = Records::for_rules(self.plan.rules());
        let mut problems = Vec::new();
        let again = check(self.plan, &mut alone, &mut problems, notices);
        assert_eq!((again, &problems), (outcome, &self.problems));
        match outcome {
            Outcome::Record => {
                let last = self.records.get(self.records.len() - 1);
                assert_eq!(values(self.plan, last), values(self.plan, alone.get(0)));
                assert!(self.problems.is_empty(), "a record with problems");
                assert_eq!(self.records.len(), before + 1);
                self.check_record(position);
            }
            Outcome::Reject => {
                assert!(!self.problems.is_empty(), "a reject without a reason");
                assert_eq!(self.records.len(), before);
                check_reject(position, &self.problems, raw);
            }
        }
    }

    /// The last record: its values are text, and none holds the separator that
    /// tells them apart.
    fn check_record(&self, position: Position) {
        let rules = self.plan.rules();
        let format = rules.format();
        let record = self.records.get(self.records.len() - 1);
        assert_eq!(record.number(), position.record);
        assert!(record.count() > 0);
        let layout = &format.layouts[record.layout()];
        let own = layout.field_names();
        for (at, field) in format.fields.iter().enumerate() {
            assert_eq!(record.value(at).is_some(), record.text(at).is_some());
            assert!(record.value(at).is_none() || own.contains(&field.name));
        }
        if let Signing::Joined { order } = layout.signing {
            for name in order {
                let (at, _) = format.field(name).unwrap();
                let text = record.text(at).unwrap_or_default();
                assert!(!text.contains(SEPARATOR), "{name} holds the separator");
            }
        }
        let wants_id = rules.settings().row_id.is_some();
        assert_eq!(record.row_id().is_some(), wants_id);
    }
}

/// Everything there is in a record.
fn values(plan: &Plan<'_>, record: Record<'_>) -> Vec<Option<Vec<u8>>> {
    let fields = (0..plan.rules().format().fields.len()).map(|at| record.value(at));
    let kept = (0..plan.rules().settings().keep.len()).map(|at| record.kept(at));
    let numbers = [record.number(), record.count(), record.layout() as u64];
    fields
        .chain(kept)
        .chain([record.row_id()])
        .map(|value| value.map(<[u8]>::to_vec))
        .chain(numbers.map(|number| Some(number.to_be_bytes().to_vec())))
        .collect()
}

/// A reject is one line, and valid JSON that gives the row back.
fn check_reject(position: Position, problems: &[Problem], raw: &[u8]) {
    for problem in problems {
        assert!(Code::ALL.contains(&problem.code));
        assert!(!problem.wanted.is_empty());
        assert!(problem.found.chars().count() <= 201);
    }
    let object = object_of_line(raw);
    let reject = Reject {
        position,
        problems,
        raw,
        length: None,
        cells: None,
        object: object.filter(|_| !raw.contains(&b'\n')),
    };
    let mut line = Vec::new();
    reject.write("in\"put\n", &mut line);
    assert_eq!(line.pop(), Some(b'\n'));
    assert!(!line.contains(&b'\n'));
    let text = std::str::from_utf8(&line).unwrap();
    assert!(serde_json::from_str::<serde_json::Value>(text).is_ok());
    let read: RejectLine<'_> = serde_json::from_str(text).unwrap();
    assert_eq!(read.file, "in\"put\n");
    assert_eq!(read.record, position.record);
    assert_eq!(read.problems.len(), problems.len());
    assert_eq!(read.raw.is_some(), std::str::from_utf8(raw).is_ok());
    assert_eq!(read.raw.is_some(), read.raw_base64.is_none());
    if let Some(text) = read.raw {
        assert_eq!(text.as_bytes(), raw);
    }
}

/// Signs records into both kinds of output; both verify.
fn check_signed(plan: &Plan<'_>, records: &Records) {
    let rules = plan.rules();
    let format = rules.format();
    let recipes = Recipes::new(format);
    let parts = sign(&recipes, &signer(format.alg()), records);
    let verifier = verifier(format.alg());
    let layouts = rules.layouts(plan.reads_version());
    for (style, dialect) in [
        (Style::Ndjson, Dialect::Ndjson),
        (Style::Csv(b','), Dialect::Csv { delimiter: b',' }),
    ] {
        let keep = &rules.settings().keep;
        let envelope = Envelope::new(style, format, &layouts, keep, true);
        let mut out = envelope.header();
        for part in &parts {
            let signed = Signed {
                record: records.get(part.at),
                derived: &part.derived,
                members: &part.members,
                message: &part.message,
                signature: &part.signature,
            };
            envelope.write(&recipes, &signed, &mut out);
        }
        let judged = judge(&out, dialect, verifier.as_ref(), format.alg(), Some(format));
        let (verdict, bad) = judged.unwrap();
        assert_eq!(verdict.records, parts.len() as u64);
        for (line, findings) in bad {
            for finding in findings {
                // Rows may bring a nonce twice, and may share their id.
                let repeated = finding.says.starts_with("stands already");
                let shown = String::from_utf8_lossy(&out);
                assert!(
                    repeated && may_repeat(rules, records),
                    "line {line}: {finding:?}\n{shown}"
                );
            }
        }
    }
}

fn may_repeat(rules: &Rules, records: &Records) -> bool {
    let nonce = rules.format().field_from(Source::Nonce);
    rules.settings().row_id.is_some()
        || nonce.is_some_and(|(at, _)| records.iter().any(|record| record.value(at).is_some()))
}

/// A program that signs row by row gets the same line as a run.
fn check_one_row(rules: &Rules, input: &[u8]) {
    let format = rules.format();
    let signer: Signer = signer(format.alg());
    let text = std::str::from_utf8(input).unwrap();
    // The reader takes a mark at the start of a file; a row has none.
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let lines = signer.sign_row(rules, text, 1).unwrap();
    let again = signer.sign_row(rules, text, 1).unwrap();
    assert_eq!(lines, again, "the same row gives the same bytes");
}

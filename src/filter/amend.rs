//! A row and what was signed of it, in one line: the row's own members in
//! their order, each that is named as a signed one with the signed value, and
//! behind them the signed members that it did not have. So the line is still
//! the caller's row, and verifies as a signed record. It must not know how
//! anything is signed.

use std::collections::HashMap;

use crate::format::shape::RECORD;
use crate::format::{Code, Fault, USE_WINDOW};
use crate::json::{self, Member, Shape};
use crate::pipeline::SignedRows;
use crate::record::{Plan, Problem, SIGN_ERROR, object_of_line, write_in_band};

use super::lines::Chunk;

/// The member that holds the object of a shape.
pub const OBJECT: &str = "object";

/// Amends the rows of one stream.
pub(super) struct Amender<'p, 'r> {
    plan: &'p Plan<'r>,
    /// Whether members that fit nothing are passed over.
    is_lenient: bool,
    is_record: bool,
    /// The signed members that are no fields.
    own: Vec<&'static str>,
    /// `"id"`: the format's member may stand there already.
    format: String,
}

impl<'p, 'r> Amender<'p, 'r> {
    pub(super) fn new(plan: &'p Plan<'r>) -> Self {
        let rules = plan.rules();
        let (settings, format) = (rules.settings(), rules.format());
        let is_record = settings.shape == RECORD;
        let own = match is_record {
            true => {
                let derived = format.derived.iter().map(|derived| derived.name);
                let window = USE_WINDOW.into_iter().filter(|_| settings.use_window);
                let result = format.newest().result();
                derived.chain(window).chain(["format", result]).collect()
            }
            false => vec![OBJECT],
        };
        Self {
            plan,
            is_lenient: settings.ignore_unknown,
            is_record,
            own,
            format: format!("\"{}\"", format.id),
        }
    }

    /// Reads the members of every line that is an object.
    pub(super) fn read<'c>(&self, chunk: &'c Chunk) -> Rows<'c> {
        let mut near = HashMap::new();
        let rows = chunk.rows().map(|(row, _)| {
            let text = std::str::from_utf8(row).ok();
            let members = text.and_then(|text| json::object(text).ok());
            let mut members = members.unwrap_or_default();
            // A line of a rejects file came back: the row in it is signed.
            if members.iter().any(|(name, _)| name == "problems")
                && let Some(text) = object_of_line(row)
            {
                members = json::object(text).unwrap_or_default();
            }
            Row {
                misfit: self.misfit(&members, &mut near),
                text: row,
                members,
            }
        });
        Rows {
            is_record: self.is_record,
            rows: rows.collect(),
        }
    }

    /// Why a row cannot go out with what is signed of it, or should not.
    fn misfit(
        &self,
        members: &[Member<'_>],
        near: &mut HashMap<String, Option<&'static str>>,
    ) -> Option<Problem> {
        for (name, token) in members {
            if self.own.contains(&&**name)
                && Shape::of(token) != Shape::Null
                && !(name == "format" && *token == self.format)
            {
                let wanted = "no member of this name: the signed record has one";
                let problem = Problem::new(name, token, Fault::new(Code::Conflict, wanted));
                return Some(problem.hint("leave it out, or give it another name"));
            }
            if !self.is_lenient {
                continue;
            }
            let field = match near.get(&**name) {
                Some(field) => *field,
                None => {
                    let field = self.plan.near_field(name);
                    near.insert(name.clone().into_owned(), field);
                    field
                }
            };
            if let Some(field) = field
                && !members
                    .iter()
                    .any(|(other, _)| self.plan.field_of_member(other) == Some(field))
            {
                let wanted = format!("{field}, unless it is something else");
                let problem = Problem::new(name, token, Fault::new(Code::UnknownField, wanted));
                return Some(problem.hint(format!(
                    "rename it, or list every member that is no field: --keep {name},…"
                )));
            }
        }
        None
    }
}

/// A row that would become several.
pub(super) fn copies(count: u64) -> Problem {
    let fault = Fault::new(Code::Conflict, "1: a filter gives one line for each line");
    Problem::new("count", &count.to_string(), fault)
        .hint("give the row several times, each with a row id of its own")
}

/// The rows of a chunk.
pub(super) struct Rows<'c> {
    is_record: bool,
    rows: Vec<Row<'c>>,
}

struct Row<'c> {
    text: &'c [u8],
    /// None where the text is no object.
    members: Vec<Member<'c>>,
    misfit: Option<Problem>,
}

impl Rows<'_> {
    /// What is wrong with the row at this place, though it could be signed.
    pub(super) fn misfit(&self, at: usize) -> Option<Problem> {
        self.rows.get(at)?.misfit.clone()
    }

    /// A line for every row, and how many of their bytes stand before the first
    /// rejected one.
    pub(super) fn amend(&self, signed: &SignedRows) -> (Vec<u8>, usize) {
        let size: usize = self.rows.iter().map(|row| row.text.len()).sum();
        let mut out = Vec::with_capacity(size + signed.lines.len());
        let mut before = None;
        let mut rejected = signed.rejected.iter().peekable();
        let mut lines = signed.lines.split_inclusive(|byte| *byte == b'\n');
        for (at, row) in self.rows.iter().enumerate() {
            match rejected.next_if(|(rejected, _)| *rejected == at) {
                Some((_, problems)) => {
                    before.get_or_insert(out.len());
                    write_in_band(row.text, problems, &mut out);
                }
                None => {
                    // There is a line for every row that is not rejected: the
                    // caller has counted them.
                    let line = lines.next().unwrap_or_default();
                    let line = std::str::from_utf8(line).unwrap_or_default().trim_end();
                    match self.is_record {
                        true => row.write_record(line, &mut out),
                        false => row.write_object(line, &mut out),
                    }
                }
            }
        }
        let before = before.unwrap_or(out.len());
        (out, before)
    }
}

impl Row<'_> {
    /// Its members with those of a signed record.
    fn write_record(&self, record: &str, out: &mut Vec<u8>) {
        // What the envelope writes is always an object.
        let mut signed = json::object(record).unwrap_or_default();
        out.push(b'{');
        for (name, token) in self.members.iter().filter(|(name, _)| name != SIGN_ERROR) {
            let at = signed.iter().position(|(own, _)| own == name);
            // Members mostly stand in the order of the record, so what is
            // found is near the beginning, and so is what is taken out.
            let token = at.map_or(*token, |at| signed.remove(at).1);
            write_member(name, token, out);
        }
        for (name, token) in signed.iter().filter(|(name, _)| name != SIGN_ERROR) {
            write_member(name, token, out);
        }
        end(out);
    }

    /// Its members with the object of a shape.
    fn write_object(&self, object: &str, out: &mut Vec<u8>) {
        out.push(b'{');
        let own = |name: &str| name != SIGN_ERROR && name != OBJECT;
        for (name, token) in self.members.iter().filter(|(name, _)| own(name)) {
            write_member(name, token, out);
        }
        write_member(OBJECT, object, out);
        end(out);
    }
}

fn write_member(name: &str, token: &str, out: &mut Vec<u8>) {
    json::write_string(name, out);
    out.push(b':');
    out.extend_from_slice(token.as_bytes());
    out.push(b',');
}

/// Ends an object that has a member.
fn end(out: &mut Vec<u8>) {
    out.pop();
    out.extend_from_slice(b"}\n");
}

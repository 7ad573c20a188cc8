//! A rejected row as a JSON object, so that it can be mended where it stands,
//! and what is read of it when it comes back. It must not know what is wrong
//! with the row.

use crate::format::{Code, Fault};
use crate::json::{self, Shape};

use super::cell::Cell;
use super::check::row_problem;
use super::columns::Plan;
use super::reject::Problem;
use super::reject_table::RAW;

/// The members of a reject by which it is known when it comes back, and the one
/// that is read then.
const PROBLEMS: &str = "problems";
const ROW: &str = "row";

/// The object that a line of JSON is, or that stands in it where it is a
/// reject that came back; `None` where there is none.
pub fn object_of_line(line: &[u8]) -> Option<&str> {
    let text = row_text(std::str::from_utf8(line).ok()?)?;
    is_readable(text).then_some(text)
}

/// Whether every reader takes it: grammar alone lets escapes through that are
/// no characters, and numbers that are none to many.
pub(super) fn is_readable(object: &str) -> bool {
    serde_json::from_str::<serde_json::Value>(object).is_ok()
}

/// Cells as an object that gives the same row to these plans, which are of one
/// header; `None` where JSON cannot hold them.
pub fn object_of_cells(plans: &[Plan<'_>], cells: &[&[u8]]) -> Option<String> {
    let first = plans.first()?;
    let mut out = Vec::new();
    for (at, (name, cell)) in first.names.iter().zip(cells).enumerate() {
        if first.columns[at].told {
            continue;
        }
        // In an object each name stands once.
        if cells.len() != first.names.len() || first.names[..at].contains(name) {
            return None;
        }
        out.push(if out.is_empty() { b'{' } else { b',' });
        json::write_string(name, &mut out);
        out.push(b':');
        write_cell(plans, at, std::str::from_utf8(cell).ok()?, &mut out);
    }
    out.push(b'}');
    String::from_utf8(out)
        .ok()
        .filter(|text| text.len() > 2 && is_readable(text))
}

/// An empty cell is no value, but where it is copied. A string of digits stands
/// for an integer, and keeps what is not one; other types have their own form.
fn write_cell(plans: &[Plan<'_>], at: usize, cell: &str, out: &mut Vec<u8>) {
    let of_field = |plan: &Plan<'_>| {
        let field = plan.columns[at].field?;
        Some(plan.rules.format().field_at(field).kind.shape())
    };
    let shape = plans.iter().find_map(of_field);
    let is_copied = plans.iter().any(|plan| plan.columns[at].keep.is_some());
    match shape {
        _ if cell.is_empty() && (shape.is_some() || !is_copied) => out.extend_from_slice(b"null"),
        Some(Shape::Boolean) if cell.eq_ignore_ascii_case("true") => out.extend_from_slice(b"true"),
        Some(Shape::Boolean) if cell.eq_ignore_ascii_case("false") => {
            out.extend_from_slice(b"false");
        }
        Some(Shape::Object) if json::object(cell).is_ok() => json::write_compact(cell, out),
        Some(Shape::Array) if json::array(cell).is_ok() => json::write_compact(cell, out),
        _ => json::write_string(cell, out),
    }
}

/// The text of the object that a line is, or of the row in it where it is a
/// reject that came back.
fn row_text(line: &str) -> Option<&str> {
    let members = json::object(line).ok()?;
    match members.iter().find(|(name, _)| name == ROW) {
        Some((_, row)) if is_reject(&members) => json::object(row).is_ok().then_some(*row),
        _ => (!is_reject(&members)).then_some(line.trim()),
    }
}

/// Whether an object is a line of a rejects file.
pub(super) fn is_reject(members: &[json::Member<'_>]) -> bool {
    let has = |name: &str| members.iter().any(|(own, _)| own == name);
    has(PROBLEMS) && has("last_line") && (has("raw") || has("raw_base64"))
}

/// What a line of a rejects file gives as a row.
pub(super) fn row_of_reject<'a>(
    members: &[json::Member<'a>],
) -> Result<Vec<json::Member<'a>>, Problem> {
    match members.iter().find(|(name, _)| name == ROW) {
        Some((_, token)) => json::object(token).map_err(|fault| row_problem(&fault)),
        None => Err(unmended(Cell::Text(b""), PROBLEMS)),
    }
}

/// A reject came back as it was.
pub(super) fn unmended(cell: Cell<'_>, member: &str) -> Problem {
    let fault = Fault::new(Code::Unmended, "a row that was mended").hint(if member == RAW {
        "the row could not be divided into cells: write them into its columns, and empty _raw"
    } else {
        "the row could not be read: write it as an object into a member row, or take it from raw"
    });
    Problem::new(member, &cell.found(), fault)
}

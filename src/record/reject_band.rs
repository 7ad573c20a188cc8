//! A rejected row in band: it comes back in its own place among the signed
//! ones, with what is wrong with it. It must not know where that is.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::Serialize;

use crate::json;

use super::reject::Problem;
use super::reject_row::is_readable;
use super::reject_table::RAW;

/// The member that says what is wrong with a row. A row that was mended may
/// still have it: it is passed over.
pub const SIGN_ERROR: &str = "_sign_error";

/// The value of [`SIGN_ERROR`].
#[derive(Debug, Serialize)]
pub struct SignError<'a> {
    /// The stable code of the first problem.
    pub code: &'a str,
    /// Its field; empty for the whole row.
    pub field: &'a str,
    /// Everything that is wrong, with what to do about it.
    pub message: String,
}

impl<'a> SignError<'a> {
    /// What these problems are in short; `None` where there is none.
    pub fn of(problems: &'a [Problem]) -> Option<Self> {
        let first = problems.first()?;
        let mut message = String::new();
        for problem in problems {
            if !message.is_empty() {
                message.push_str(" | ");
            }
            message.push_str(&problem.to_string());
            if !problem.hint.is_empty() {
                message.push_str(": ");
                message.push_str(&problem.hint);
            }
        }
        Some(Self {
            code: first.code.as_str(),
            field: &first.field,
            message,
        })
    }
}

/// Appends a row with everything that is wrong with it as one line of JSON:
/// its own members and [`SIGN_ERROR`]. What is no object stands under `_raw`,
/// or `_raw_base64` where it is not UTF-8 either.
pub fn write_in_band(row: &[u8], problems: &[Problem], out: &mut Vec<u8>) {
    out.push(b'{');
    let text = std::str::from_utf8(row);
    let members = text.ok().filter(|text| is_readable(text));
    match members.map(json::object) {
        Some(Ok(members)) => {
            for (name, token) in members.iter().filter(|(name, _)| name != SIGN_ERROR) {
                json::write_string(name, out);
                out.push(b':');
                out.extend_from_slice(token.as_bytes());
                out.push(b',');
            }
        }
        _ => {
            let (name, value) = match text {
                Ok(text) => (RAW, std::borrow::Cow::Borrowed(text)),
                Err(_) => ("_raw_base64", STANDARD.encode(row).into()),
            };
            json::write_string(name, out);
            out.push(b':');
            json::write_string(&value, out);
            out.push(b',');
        }
    }
    json::write_string(SIGN_ERROR, out);
    out.push(b':');
    match serde_json::to_writer(&mut *out, &SignError::of(problems)) {
        Ok(()) => out.extend_from_slice(b"}\n"),
        Err(_) => unreachable!("strings always serialize into memory"),
    }
}

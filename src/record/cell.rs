//! One cell of a row, CSV or JSON, read as the text of a field.

use std::borrow::Cow;

use crate::damage::{WINDOWS_1252, Wanted, is_blank};
use crate::format::{Code, Fault, Field, Kind};
use crate::json::{self, Shape};

/// What stands in a row for one field.
#[derive(Clone, Copy, Debug)]
pub(super) enum Cell<'a> {
    /// A CSV cell, or text from the command line.
    Text(&'a [u8]),
    /// The same, known to be UTF-8.
    Utf8(&'a str),
    /// A JSON value's text.
    Token(&'a str),
}

impl<'a> Cell<'a> {
    /// What a message shows of the cell.
    pub(super) fn found(self) -> Cow<'a, str> {
        match self {
            Self::Text(bytes) => String::from_utf8_lossy(bytes),
            Self::Utf8(text) | Self::Token(text) => Cow::Borrowed(text),
        }
    }

    /// The text the cell gives a field; `None` where it is absent. An empty
    /// CSV cell and JSON `null` are absent; an empty JSON string is `Empty`.
    pub(super) fn text(self, field: &Field, trim: bool) -> Result<Option<Cow<'a, str>>, Fault> {
        let text = match self {
            Self::Text(bytes) => match std::str::from_utf8(bytes) {
                Ok("") => return Ok(None),
                Ok(text) => Cow::Borrowed(text),
                Err(error) => return Err(not_utf8(&error)),
            },
            Self::Utf8("") => return Ok(None),
            Self::Utf8(text) => Cow::Borrowed(text),
            Self::Token(token) => match from_token(token, field)? {
                Some(text) => text,
                None => return Ok(None),
            },
        };
        // White space around JSON carries no meaning; most text has none.
        if matches!(field.kind, Kind::Json { .. }) || is_tight(&text) {
            return Ok(Some(text));
        }
        let text = match text.as_ref().trim_matches(is_blank) {
            trimmed if trimmed.len() == text.len() => text,
            trimmed if trim => Cow::Owned(trimmed.to_owned()),
            _ => {
                let fault = Fault::new(Code::Untrimmed, "a value without white space around it")
                    .hint("mend the row, or give --trim");
                return Err(fault.recognized(&text, field.kind.undamaged()));
            }
        };
        if text.is_empty() && !field.may_be_empty() {
            return match self {
                Self::Text(_) | Self::Utf8(_) => Ok(None),
                Self::Token(_) => Err(Fault::new(Code::Empty, field.kind.wanted())
                    .hint("write null, or leave the member out, for no value")),
            };
        }
        Ok(Some(text))
    }

    /// The text of a column that is no field: a count or a row id.
    pub(super) fn plain(self) -> Result<Option<Cow<'a, str>>, Fault> {
        match self {
            Self::Text(bytes) => match std::str::from_utf8(bytes) {
                Ok("") => Ok(None),
                Ok(text) => Ok(Some(Cow::Borrowed(text))),
                Err(error) => Err(not_utf8(&error)),
            },
            Self::Utf8(text) => Ok((!text.is_empty()).then_some(Cow::Borrowed(text))),
            Self::Token(token) => match Shape::of(token) {
                Shape::Null => Ok(None),
                Shape::String => decode(token).map(|text| (!text.is_empty()).then_some(text)),
                Shape::Number => Ok(Some(Cow::Borrowed(token))),
                shape => Err(Fault::new(Code::WrongType, "a string or a number")
                    .hint(format!("it is {}", shape.name()))),
            },
        }
    }

    /// The text of a column that lists names: a JSON array's strings are
    /// joined with spaces.
    pub(super) fn list(self) -> Result<Option<Cow<'a, str>>, Fault> {
        match self {
            Self::Token(token) if Shape::of(token) == Shape::Array => {
                let names = json::array(token)
                    .map_err(|_| Fault::new(Code::BadJson, "a JSON array of strings"))?;
                let names = names.into_iter().map(decode);
                let names: Vec<Cow<'_, str>> = names.collect::<Result<_, _>>()?;
                Ok((!names.is_empty()).then(|| names.join(" ").into()))
            }
            cell => cell.plain(),
        }
    }

    /// Appends the cell as JSON text, for a kept column.
    pub(super) fn write_json(self, out: &mut Vec<u8>) -> Result<(), Fault> {
        match self {
            Self::Text(bytes) => match std::str::from_utf8(bytes) {
                Ok(text) => json::write_string(text, out),
                Err(error) => return Err(not_utf8(&error)),
            },
            Self::Utf8(text) => json::write_string(text, out),
            Self::Token(token) => {
                json::check_strings(token)
                    .map_err(|fault| Fault::new(Code::BadJson, "JSON").hint(fault.to_string()))?;
                out.extend_from_slice(token.as_bytes());
            }
        }
        Ok(())
    }
}

/// A JSON value as text for a field; types are never guessed. A string of
/// plain digits may stand for an integer, because exporters write 64-bit
/// integers so; a number never stands for a string.
fn from_token<'a>(token: &'a str, field: &Field) -> Result<Option<Cow<'a, str>>, Fault> {
    let shape = Shape::of(token);
    let wanted = field.kind.shape();
    match (shape, wanted) {
        (Shape::Null, _) => Ok(None),
        (Shape::String, Shape::String) => decode(token).map(Some),
        // White space, an empty string and what is no integer are told apart later.
        (Shape::String, Shape::Number) => decode(token).map(Some),
        (shape, wanted) if shape == wanted => Ok(Some(Cow::Borrowed(token))),
        (Shape::Number, Shape::String) => Err(Fault::new(Code::WrongType, field.kind.wanted())
            .hint(format!("it is a number; write \"{token}\""))),
        (Shape::String, Shape::Boolean) => Err(Fault::new(Code::WrongType, field.kind.wanted())
            .hint("it is a string; write it without quotes")),
        (shape, _) => Err(Fault::new(Code::WrongType, field.kind.wanted())
            .hint(format!("it is {}", shape.name()))),
    }
}

fn decode(token: &str) -> Result<Cow<'_, str>, Fault> {
    json::string(token)
        .map_err(|fault| Fault::new(Code::BadJson, "a JSON string").hint(fault.to_string()))
}

pub(super) fn not_utf8(error: &std::str::Utf8Error) -> Fault {
    let fault = Fault::new(Code::InvalidUtf8, "UTF-8").damaged(&WINDOWS_1252, Wanted::Text);
    let at = error.valid_up_to() + 1;
    let hint = format!("byte {at} is not UTF-8: {}", fault.hint);
    fault.hint(hint)
}

/// Whether text begins and ends with a visible character of ASCII.
#[inline]
pub(super) fn is_tight(text: &str) -> bool {
    match text.as_bytes() {
        [] => false,
        [only] => only.is_ascii_graphic(),
        [first, .., last] => first.is_ascii_graphic() && last.is_ascii_graphic(),
    }
}

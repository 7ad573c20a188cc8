//! Shows what something is: a token, a signed record in any shape, a bare
//! signature, a nonce or a key, recognised by its content and taken apart, with
//! the exact bytes that were signed, times in words, and what is suspicious.
//!
//! Nothing is verified here, and no private key or secret is shown. What a
//! value means and what is suspicious about it comes from the format's table.
//! This module must not know arguments or the terminal.

mod document;
mod doubts;
mod item;
mod key;
mod nonce;
mod record;
mod show;
mod signature;
mod time;
mod token;

use crate::json;

pub use document::{Entry, MAX_DOCUMENT, read};
pub use item::{Fact, Item, Section, Warning};
pub use key::file_name;

/// Why something was not recognised. It quotes nothing: the text may be a
/// secret.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{why}")]
pub struct NotKnown {
    /// What it is not, in words.
    pub why: String,
}

impl NotKnown {
    fn new(why: impl Into<String>) -> Self {
        Self { why: why.into() }
    }

    /// What is wrong with JSON, without the name that it may be about.
    fn json(fault: &json::Fault) -> Self {
        match fault {
            json::Fault::Duplicate(_) => Self::new("JSON in which a member stands twice"),
            other => Self::new(format!("JSON: {other}")),
        }
    }
}

/// What one piece of text is: a line of a file, or all of a small one. `now` is
/// the present in milliseconds since 1970, beside which times are told.
///
/// # Errors
/// When it is nothing that is known here.
pub fn inspect(text: &str, now: u64) -> Result<Vec<Item>, NotKnown> {
    let text = bare(text);
    if let Some(item) = key::item(text.as_bytes()) {
        return Ok(vec![item]);
    }
    if text.starts_with('{') {
        return record::object(text, now);
    }
    if text.starts_with('[') {
        return array(text, now);
    }
    if text.contains('.') && !text.contains(char::is_whitespace) {
        return token::token(text, now).map(|item| vec![item]);
    }
    if let Some(item) = nonce::nonce(text) {
        return Ok(vec![item]);
    }
    signature::text(text).map(|item| vec![item])
}

/// What each element of an array is.
fn array(text: &str, now: u64) -> Result<Vec<Item>, NotKnown> {
    let elements = json::array(text).map_err(|fault| NotKnown::json(&fault))?;
    let mut items = Vec::new();
    let mut last = NotKnown::new("an array without elements");
    for (at, element) in elements.into_iter().enumerate() {
        // An array of arrays is nothing of ours, and nesting needs no bound so.
        let found = match element.starts_with('[') {
            true => Err(NotKnown::new("an array in an array")),
            false => inspect(element, now),
        };
        match found {
            Ok(found) => items.extend(found.into_iter().map(|mut item| {
                let dot = if item.path.is_empty() { "" } else { "." };
                item.path = format!("[{at}]{dot}{}", item.path);
                item
            })),
            Err(why) => last = why,
        }
    }
    match items.is_empty() {
        true => Err(last),
        false => Ok(items),
    }
}

/// The text without what stands around it where it was copied from: a byte
/// order mark, white space, quotes, the head of an HTTP header.
fn bare(text: &str) -> &str {
    let mut text = text.trim_start_matches('\u{feff}').trim();
    for head in ["authorization:", "bearer "] {
        let start = text.get(..head.len());
        if start.is_some_and(|start| start.eq_ignore_ascii_case(head)) {
            text = text[head.len()..].trim();
        }
    }
    for quote in ['"', '\''] {
        let inner = text
            .strip_prefix(quote)
            .and_then(|rest| rest.strip_suffix(quote));
        text = inner.unwrap_or(text);
    }
    text
}

//! A bare signature: how it is written, its structure, r and s. It must not
//! know what was signed.

use crate::hex::hex;
use crate::signature::{Form, Integer, Range, Signature, decode};

use super::NotKnown;
use super::item::{Item, Section};

/// A signature written as text.
///
/// # Errors
/// When it is none; what is said quotes nothing of it, as it may be a secret.
pub(super) fn text(text: &str) -> Result<Item, NotKnown> {
    let decoded = decode(text).map_err(|why| NotKnown::new(why.to_string()))?;
    let read = Signature::read(&decoded.bytes);
    let read = read.map_err(|why| NotKnown::new(format!("{}: {why}", decoded.describe())))?;
    let mut item = Item::new("signature", "signature, P-256");
    let mut section = section(&read, decoded.bytes.len());
    section.say("encoding", &decoded.describe(), "");
    item.sections.push(section);
    doubt(&read, "", &mut item);
    if read.form == Form::Der && !decoded.is_standard() {
        item.warn("encoding", "", NOT_STANDARD);
    }
    Ok(item)
}

/// What is said of DER that is written in another way than it must be.
pub(super) const NOT_STANDARD: &str =
    "the joined formats want DER in standard base64 with padding, on one line";

/// A signature in its own bytes.
pub(super) fn bytes(bytes: &[u8]) -> Option<Item> {
    let read = Signature::read(bytes).ok()?;
    let mut item = Item::new("signature", "signature, P-256, not encoded");
    item.sections.push(section(&read, bytes.len()));
    doubt(&read, "", &mut item);
    Some(item)
}

/// The structure of a signature of so many bytes.
pub(super) fn section(read: &Signature, bytes: usize) -> Section {
    let mut section = Section::new(
        "signature",
        match read.form {
            Form::Der => format!("{bytes} bytes of DER"),
            Form::Raw => format!("{bytes} bytes, r || s, as ES256 has it"),
        },
    );
    for (which, integer) in read.integers() {
        let shown = hex(integer
            .value()
            .as_ref()
            .map_or(&integer.bytes, |value| value));
        section.say(&which.to_string(), &shown, note(read.form, integer));
    }
    let half = match read.s.is_high() {
        true => "high, which every P-256 verifier takes",
        false => "low",
    };
    section.say("s half", half, "");
    section
}

fn note(form: Form, integer: &Integer) -> String {
    let padding = match (form, integer.is_padded()) {
        (Form::Raw, _) => "",
        (Form::Der, true) => ", with a padding byte",
        (Form::Der, false) => ", without a padding byte",
    };
    format!("{} bytes{padding}", integer.bytes.len())
}

/// What no verifier, or no strict one, takes.
pub(super) fn doubt(read: &Signature, at: &str, item: &mut Item) {
    for flaw in &read.flaws {
        item.warn("not_der", at, format!("{flaw}; strict readers refuse it"));
    }
    for (which, integer) in read.integers() {
        let says = match integer.range() {
            Range::Sound => continue,
            Range::Zero => "is zero",
            Range::TooLarge => "is not below the order of the curve",
        };
        item.warn(
            "out_of_range",
            at,
            format!("{which} {says}: no signature has that"),
        );
    }
}

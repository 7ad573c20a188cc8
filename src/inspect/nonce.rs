//! A UUID, and the base64url of its 16 bytes, each as the other. Which formats
//! carry a nonce in both forms, the table says; this file must not know.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use crate::format::FORMATS;

use super::item::{Item, Section};

/// The characters of 16 bytes in base64url without padding.
const ENCODED: usize = 22;

/// A nonce in either form; `None` where the text is none.
pub(super) fn nonce(text: &str) -> Option<Item> {
    let is_encoded = text.len() == ENCODED;
    let uuid = match is_encoded {
        true => {
            let bytes = URL_SAFE_NO_PAD.decode(text).ok()?;
            uuid::Uuid::from_slice(&bytes).ok()?
        }
        false if text.len() == 36 => uuid::Uuid::try_parse(text).ok()?,
        false => return None,
    };
    let mut item = Item::new("nonce", "nonce, a UUID");
    let mut section = Section::new("nonce", "");
    section.say("uuid", &uuid.to_string(), kind(&uuid));
    let made = FORMATS
        .iter()
        .flat_map(|format| format.derived.iter().map(move |derived| (format, derived)));
    for (format, derived) in made {
        if is_nonce(format, derived.from) {
            let note = format!("base64url of the 16 bytes, for {}", format.id);
            section.say(derived.name, &(derived.make)(&uuid.to_string()), note);
        }
    }
    item.sections.push(section);
    if text.bytes().any(|byte| byte.is_ascii_uppercase()) && !is_encoded {
        item.warn(
            "uppercase",
            "uuid",
            "has capitals; the signed text has it in lower case",
        );
    }
    Some(item)
}

fn is_nonce(format: &crate::format::Format, name: &str) -> bool {
    let nonce = format.field_from(crate::format::Source::Nonce);
    nonce.is_some_and(|(_, field)| field.name == name)
}

fn kind(uuid: &uuid::Uuid) -> String {
    match uuid.get_version_num() {
        0 => "of no version that RFC 9562 knows".into(),
        4 => "version 4, random".into(),
        number => format!("version {number}"),
    }
}

//! Keys: what a key file is, and its public half. The private half is never
//! shown, and nothing of a secret. It must not know how keys are read.

use crate::format::KeyUse;
use crate::key::{Identity, MIN_SECRET_BYTES, identify};

use super::item::{Item, Section};

/// A key, a certificate or a request; `None` where the bytes are none.
pub(super) fn item(bytes: &[u8]) -> Option<Item> {
    let identity = identify(bytes)?;
    let mut item = Item::new("key", identity.what());
    let Identity {
        public,
        refused,
        secret_bytes,
        key_id,
        ..
    } = &identity;
    let mut section = Section::new("key", "");
    if let Some(id) = key_id {
        section.say("kid", id, "");
    }
    if let Some(public) = public {
        section.say("fingerprint", &public.fingerprint(), "RFC 7638");
        section.say("public key", &public.spki_base64(), "as it is registered");
    }
    if let Some(bytes) = *secret_bytes {
        section.count("bytes", bytes);
        if bytes < MIN_SECRET_BYTES {
            let says = format!(
                "the secret has {bytes} bytes; RFC 7518, section 3.2, asks for at least \
                 {MIN_SECRET_BYTES} with HS256"
            );
            item.warn("short_secret", "", says);
        }
    }
    if !section.facts.is_empty() {
        item.sections.push(section);
    }
    if let Some(error) = refused {
        item.warn("not_usable", "", error.to_string());
        if let Some(hint) = error.hint() {
            item.warn("hint", "", hint);
        }
    }
    Some(item)
}

/// Adds what the name of a key's file says: where a vendor names its files, the
/// name alone tells one kind of key from another.
pub fn file_name(name: &str, item: &mut Item) {
    if item.kind != "key" {
        return;
    }
    for of in KeyUse::ALL {
        let Some((right, wrong)) = of.file_names() else {
            continue;
        };
        let used = of.describe();
        if name.starts_with(wrong) {
            let says = format!(
                "named like an App Store Connect API key ({wrong}…); {used} downloads as \
                 {right}<ID>.p8"
            );
            item.warn("other_key", "", says);
        }
        let id = name
            .strip_prefix(right)
            .and_then(|rest| rest.strip_suffix(".p8"));
        if let Some(id) = id.filter(|id| !id.is_empty()) {
            let mut section = Section::new("file", "");
            section.say("key id", id, format!("{used}, by the file's name"));
            item.sections.push(section);
        }
    }
}

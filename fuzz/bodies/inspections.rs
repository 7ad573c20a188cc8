//! `inspect`: any bytes as a file to be shown. What is shown is sound JSON and
//! harmless text, and never a private key; what is not known is not quoted.

use campaign_signer::format::FORMATS;
use campaign_signer::inspect::{Entry, read};
use campaign_signer::json;
use campaign_signer::key::SigningKey;
use campaign_signer::signature::{Signature, decode, encode};

use super::common::TIMESTAMP;
use super::keys::forms;

pub fn inspect(data: &[u8]) {
    let scalar = SigningKey::from_bytes(data).ok().map(|key| key.scalar());
    let private = scalar
        .as_ref()
        .map_or(Vec::new(), |scalar| forms(scalar.as_slice()));
    for lines in [false, true] {
        let mut last = 0;
        let mut each = |entry: Entry| {
            check(data, &entry, if lines { &[] } else { &private });
            // All of it is one thing, or each line is, in their order.
            let line = entry.line.unwrap_or(0);
            assert!(line > last || (line == 0 && !lines));
            last = line;
            true
        };
        let _ = read(data, TIMESTAMP, lines, &mut each);
    }
    round_trip(data);
}

fn check(data: &[u8], entry: &Entry, private: &[String]) {
    let items = match &entry.found {
        Ok(items) => items,
        Err(why) => {
            let mut why = why.to_string();
            assert!(!why.is_empty());
            // What it resembles is no secret.
            for format in FORMATS {
                why = why.replace(format.id, "");
            }
            let quoted = data
                .windows(24)
                .any(|piece| why.as_bytes().windows(24).any(|own| own == piece));
            assert!(!quoted, "what is not known is quoted");
            return;
        }
    };
    assert!(!items.is_empty());
    for item in items {
        let (text, json) = (item.to_text(), item.to_json(entry.line));
        assert!(!text.contains(|c: char| c.is_control() && c != '\n'));
        let members = json::object(&json).expect("an item is printed as sound JSON");
        assert!(members.iter().any(|(name, _)| name == "kind"));
        assert!(text.starts_with(item.title.chars().next().unwrap()));
        for form in private {
            assert!(
                !text.contains(form) && !json.contains(form),
                "a private key is shown"
            );
        }
    }
}

/// A signature without flaws is written as it was read.
fn round_trip(data: &[u8]) {
    let decoded = std::str::from_utf8(data)
        .ok()
        .and_then(|text| decode(text).ok());
    let bytes = decoded.as_ref().map_or(data, |decoded| &decoded.bytes);
    let Ok(read) = Signature::read(bytes) else {
        return;
    };
    let Some(rs) = read.to_raw() else {
        return;
    };
    let (der, length) = encode(&rs);
    let again = Signature::read(&der[..length]).expect("what is written is read");
    assert_eq!(again.to_raw(), Some(rs));
    assert!(again.flaws.is_empty());
    let is_der = read.form == campaign_signer::signature::Form::Der;
    assert!(!is_der || !read.flaws.is_empty() || der[..length] == *bytes);
}

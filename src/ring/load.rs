//! Loads the key of one entry.

use std::path::Path;

use crate::key::{Passphrases, PublicKey, Secret, SigningKey};

use super::RingKey;
use super::entry::{Place, Written};
use super::fault::Fault;
use super::listed::{Listed, RingWarning};
use super::reading::Notes;

/// Loads the key of an entry, compares and probes it.
pub(super) fn load(
    notes: &mut Notes<'_>,
    written: &Written,
    number: usize,
    passphrases: &mut Passphrases,
) -> Listed {
    let mut listed = Listed {
        id: written.id.clone(),
        line: notes.place(written.at).0,
        uses: written.uses.clone(),
        matches: written.matches.clone(),
        key_id: written.key_id.clone(),
        not_before: written.not_before,
        not_after: written.not_after,
        file: None,
        key: None,
        warnings: Vec::new(),
    };
    let registered = written.public_key.as_ref().and_then(|(text, at)| {
        PublicKey::from_bytes(text.as_bytes())
            .map_err(|error| notes.add(*at, Some(number), Fault::PublicKey(error)))
            .ok()
    });
    let (path, loaded) = match &written.place {
        None => return listed,
        Some(Place::Key(path, source)) => {
            let loaded = SigningKey::from_file_among(path, source.as_ref(), passphrases);
            let probed = loaded.and_then(|(key, warnings)| {
                key.probe()?;
                Ok((RingKey::Es256(key), warnings))
            });
            (path, probed)
        }
        Some(Place::Secret(path)) => {
            let loaded = Secret::from_file(path);
            let wrapped = loaded.map(|(secret, warnings)| (RingKey::Hs256(secret), warnings));
            (path, wrapped)
        }
    };
    listed.file = Some(path.clone());
    file_name(&mut listed, path);
    match loaded {
        Err(error) => notes.add(written.file_at, Some(number), Fault::Key(error)),
        Ok((key, warnings)) => {
            let found = key.fingerprint();
            match registered.map(|registered| registered.fingerprint()) {
                Some(registered) if registered != found => {
                    let at = written
                        .public_key
                        .as_ref()
                        .map_or(written.at, |(_, at)| *at);
                    let fault = Fault::NotRegistered {
                        registered,
                        found,
                        file: path.clone(),
                    };
                    notes.add(at, Some(number), fault);
                }
                _ => {}
            }
            listed.key = Some(key);
            listed
                .warnings
                .extend(warnings.into_iter().map(RingWarning::Key));
        }
    }
    listed
}

/// Where the vendor names its key files, the name tells the key's id, and the
/// right kind of key from a wrong one.
fn file_name(listed: &mut Listed, path: &Path) {
    let names = listed.uses.iter().find_map(|used| used.file_names());
    let Some((right, wrong)) = names else {
        return;
    };
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    if name.starts_with(wrong) {
        let warning = RingWarning::OtherFileName { wrong, right };
        listed.warnings.push(warning);
    }
    let named = name
        .strip_prefix(right)
        .and_then(|rest| rest.strip_suffix(".p8"))
        .filter(|id| !id.is_empty());
    match (named, &listed.key_id) {
        (Some(named), Some(given)) if given != named => {
            listed.warnings.push(RingWarning::OtherKeyId {
                given: given.clone(),
                named: named.to_owned(),
            });
        }
        (Some(named), None) => listed.key_id = Some(named.to_owned()),
        _ => {}
    }
}

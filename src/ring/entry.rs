//! One `[[key]]` as it is written: what it says, before any key is loaded.

use std::path::{Path, PathBuf};

use toml::de::DeTable;

use crate::format::{Alg, KeyUse};
use crate::key::PassphraseSource;

use super::Match;
use super::fault::Fault;
use super::moment::{self, End};
use super::reading::{Fields, Notes, nearest};

/// Every key an entry may have.
pub(super) const KEYS: &[&str] = &[
    "id",
    "file",
    "secret-file",
    "passphrase-file",
    "passphrase-env",
    "passphrase-fd",
    "families",
    "ad-network-ids",
    "bundle-ids",
    "key-ids",
    "account-sids",
    "column",
    "key-id",
    "public-key",
    "not-before",
    "not-after",
];

/// The keys of which one says where the passphrase is.
const PASSPHRASES: [&str; 3] = ["passphrase-file", "passphrase-env", "passphrase-fd"];

/// Where the key is.
pub(super) enum Place {
    Key(PathBuf, Option<PassphraseSource>),
    Secret(PathBuf),
}

/// What an entry says. What it does not say, or says wrongly, is left out.
pub(super) struct Written {
    /// Where the entry begins in the file.
    pub(super) at: usize,
    pub(super) id: Option<String>,
    pub(super) uses: Vec<KeyUse>,
    pub(super) matches: Vec<Match>,
    pub(super) key_id: Option<String>,
    pub(super) not_before: Option<u64>,
    pub(super) not_after: Option<u64>,
    pub(super) place: Option<Place>,
    /// Where the key's file is named.
    pub(super) file_at: usize,
    /// The registered public key as it is written, and where.
    pub(super) public_key: Option<(String, usize)>,
    /// Whether nothing of it was refused: what it says is what was meant.
    pub(super) is_sound: bool,
}

/// Reads an entry; relative paths count from `folder`.
pub(super) fn read<'t>(
    notes: &mut Notes<'t>,
    table: &DeTable<'t>,
    at: usize,
    number: usize,
    folder: &Path,
) -> Written {
    let noted = notes.problems.len();
    let mut fields = Fields::of(notes, table, at, Some(number), KEYS);
    let id = fields.text("id");
    if !fields.has("id") {
        fields.fault(Fault::Missing { key: "id" });
    }
    let uses = families(&mut fields);
    let (not_before, not_after) = validity(&mut fields);
    let file_key = ["file", "secret-file"]
        .into_iter()
        .find(|key| fields.has(key));
    let mut written = Written {
        at,
        id,
        matches: matches(&mut fields),
        key_id: fields.text("key-id"),
        not_before,
        not_after,
        file_at: fields.at(file_key.unwrap_or("file")),
        public_key: fields
            .lines("public-key")
            .map(|text| (text, fields.at("public-key"))),
        place: place(&mut fields, &uses, folder),
        uses,
        is_sound: true,
    };
    written.is_sound = notes.problems.len() == noted;
    written
}

fn families(fields: &mut Fields<'_, '_>) -> Vec<KeyUse> {
    if !fields.has("families") {
        fields.fault(Fault::Missing { key: "families" });
    }
    let mut uses: Vec<KeyUse> = Vec::new();
    for name in fields.texts("families").unwrap_or_default() {
        match KeyUse::of_family(&name) {
            Some(used) if uses.contains(&used) => {}
            Some(used) => uses.push(used),
            None => {
                let nearest = nearest(&name, KeyUse::ALL.iter().map(|of| of.family()));
                let found = name;
                fields.fault_of("families", Fault::UnknownFamily { found, nearest });
            }
        }
    }
    if let Some((one, other)) = mixed(&uses) {
        let fault = Fault::MixedFamilies {
            one: one.family(),
            one_alg: (one.alg(), one.describe()),
            other: other.family(),
            other_alg: (other.alg(), other.describe()),
        };
        fields.fault_of("families", fault);
    }
    uses
}

/// Two uses that no one key can have.
fn mixed(uses: &[KeyUse]) -> Option<(KeyUse, KeyUse)> {
    let first = *uses.first()?;
    let other = uses.iter().find(|used| used.alg() != first.alg())?;
    Some((first, *other))
}

fn matches(fields: &mut Fields<'_, '_>) -> Vec<Match> {
    type Make = fn(Vec<String>) -> Match;
    let kinds: [(&str, Make); 4] = [
        ("ad-network-ids", Match::AdNetwork),
        ("bundle-ids", Match::Bundle),
        ("key-ids", Match::KeyId),
        ("account-sids", Match::Account),
    ];
    let mut matches = Vec::new();
    for (key, make) in kinds {
        if let Some(values) = fields.texts(key) {
            matches.push(make(values));
        }
    }
    let shape = "a table like { name = \"network\", values = [\"a\"] }";
    if let Some(mut column) = fields.table("column", shape, &["name", "values"]) {
        for key in ["name", "values"] {
            if !column.has(key) {
                column.fault(Fault::Missing { key });
            }
        }
        let name = column.text("name");
        if let (Some(name), Some(values)) = (name, column.texts("values")) {
            matches.push(Match::Column { name, values });
        }
    }
    matches
}

fn validity(fields: &mut Fields<'_, '_>) -> (Option<u64>, Option<u64>) {
    let ends = [("not-before", End::First), ("not-after", End::Last)];
    let [before, after] = ends.map(|(key, end)| {
        let written = fields.moment(key)?;
        match moment::millis(&written, end, key) {
            Ok(millis) => Some(millis),
            Err(fault) => {
                fields.fault_of(key, fault);
                None
            }
        }
    });
    if let (Some(first), Some(last)) = (before, after)
        && first >= last
    {
        fields.fault_of("not-after", Fault::NeverValid);
    }
    (before, after)
}

fn place(fields: &mut Fields<'_, '_>, uses: &[KeyUse], folder: &Path) -> Option<Place> {
    let passphrase = passphrase(fields, folder);
    let file = fields.text("file");
    let secret = fields.text("secret-file");
    match (fields.has("file"), fields.has("secret-file")) {
        (true, true) => {
            let (first, second) = ("file", "secret-file");
            fields.fault_of(second, Fault::Both { first, second });
            return None;
        }
        (false, false) => {
            let wants_secret = uses.first().is_some_and(|used| used.alg() == Alg::Hs256);
            let key = if wants_secret { "secret-file" } else { "file" };
            fields.fault(Fault::Missing { key });
            return None;
        }
        (true, false) => kind(fields, uses, Alg::Es256),
        (false, true) => {
            kind(fields, uses, Alg::Hs256);
            for key in PASSPHRASES.into_iter().chain(["public-key"]) {
                if fields.has(key) {
                    fields.fault_of(key, Fault::BesideSecret { key });
                }
            }
        }
    }
    match (file, secret) {
        (Some(file), _) => Some(Place::Key(folder.join(file), passphrase)),
        (_, Some(secret)) => Some(Place::Secret(folder.join(secret))),
        (None, None) => None,
    }
}

/// Notes where the kind of key that is given signs none of the families.
fn kind(fields: &mut Fields<'_, '_>, uses: &[KeyUse], given: Alg) {
    let name = |alg| match alg {
        Alg::Es256 => "file",
        Alg::Hs256 => "secret-file",
    };
    let Some(used) = uses.iter().copied().find(|used| used.alg() != given) else {
        return;
    };
    if mixed(uses).is_some() {
        return; // told already
    }
    let fault = Fault::KeyKind {
        family: used.family(),
        used,
        wanted: name(used.alg()),
        given: name(given),
    };
    fields.fault_of(name(given), fault);
}

fn passphrase(fields: &mut Fields<'_, '_>, folder: &Path) -> Option<PassphraseSource> {
    let mut given = PASSPHRASES.into_iter().filter(|key| fields.has(key));
    if let (Some(first), Some(second)) = (given.next(), given.next()) {
        fields.fault_of(second, Fault::Both { first, second });
    }
    let [file, env, fd] = PASSPHRASES;
    let file = fields.text(file);
    let env = fields.text(env);
    let fd = fields.number(fd);
    file.map(|file| PassphraseSource::File(folder.join(file)))
        .or_else(|| env.map(PassphraseSource::Env))
        .or_else(|| fd.map(PassphraseSource::Fd))
}

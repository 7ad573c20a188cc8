//! The key of a run: loaded and probed once, before row one.

use std::path::{Path, PathBuf};

use campaign_signer::engine::{ENGINES, EngineInfo};
use campaign_signer::error::Error;
use campaign_signer::format::{Alg, Format};
use campaign_signer::key::{Secret, SigningKey};
use campaign_signer::pipeline::Signer;
use campaign_signer::ring::{KeyRing, Validity};
use campaign_signer::time::rfc3339;
use clap::Args;

use super::log::warn;
use super::passphrase::PassphraseArgs;

/// Where the key of a run is.
#[derive(Args)]
pub(crate) struct KeyArgs {
    /// The private key: PKCS#8 or SEC1, PEM or DER
    #[arg(short, long, value_name = "FILE")]
    key: Option<PathBuf>,

    /// A key ring, keys.toml: several keys, among which each row chooses
    #[arg(long, value_name = "FILE", conflicts_with_all = ["key", "secret_file"])]
    keys: Option<PathBuf>,

    /// The shared secret, for HS256
    #[arg(long, value_name = "FILE", conflicts_with = "key")]
    secret_file: Option<PathBuf>,

    #[command(flatten)]
    passphrase: PassphraseArgs,
}

impl KeyArgs {
    /// Loads and probes what is named. Where a key's file tells its id and none
    /// is given, that is taken.
    pub(crate) fn load(
        &self,
        engine: &str,
        key_id: &mut Option<String>,
        format: &'static Format,
        now: u64,
    ) -> Result<Loaded, Error> {
        let (key, secret) = (self.key.as_ref(), self.secret_file.as_ref());
        match &self.keys {
            Some(path) => load_ring(path, &self.passphrase, engine, format, now),
            None => load(key, secret, &self.passphrase, engine, key_id, format),
        }
    }

    /// The files that no output replaces.
    pub(crate) fn sources(&self) -> Vec<(&'static str, PathBuf)> {
        let keys = [&self.key, &self.keys, &self.secret_file];
        let keys = keys.into_iter().flatten();
        let mut sources: Vec<_> = keys.map(|path| ("the key", path.clone())).collect();
        let passphrase = self.passphrase.file();
        sources.extend(passphrase.map(|path| ("the passphrase", path.clone())));
        sources
    }

    /// Refuses a passphrase from standard input where that has another use.
    pub(crate) fn refuse_stdin(&self, others_read_it: bool) -> Result<(), Error> {
        self.passphrase.refuse_stdin(others_read_it)
    }
}

/// A key that was loaded and works.
pub(crate) enum Loaded {
    /// A P-256 key and what signs with it.
    Es256(SigningKey, &'static EngineInfo),
    /// A shared secret.
    Hs256(Secret),
    /// Several keys, those of them that are for the algorithm, and what signs
    /// with them.
    Ring(KeyRing, Alg, &'static EngineInfo),
}

impl Loaded {
    /// Puts the key to work in a job.
    pub(crate) fn signer(&self, job_id: &str) -> Result<Signer, Error> {
        match self {
            Self::Es256(key, engine) => Ok(Signer::es256(key, engine, job_id)),
            Self::Hs256(secret) => Ok(Signer::hs256(secret)),
            Self::Ring(ring, alg, engine) => Signer::ring(ring, *alg, engine, job_id),
        }
    }
}

/// Loads every key of a ring. One that is not valid is only warned of: perhaps
/// no row asks for it.
fn load_ring(
    path: &Path,
    passphrase: &PassphraseArgs,
    engine_name: &str,
    format: &'static Format,
    now: u64,
) -> Result<Loaded, Error> {
    passphrase.refuse()?;
    let ring = KeyRing::load(path)?;
    for entry in &ring.entries {
        let warnings = entry.warnings.iter();
        warnings.for_each(|warning| warn(format!("key {}: {warning}", entry.id)));
        match entry.validity(now) {
            Validity::Valid => {}
            Validity::NotYet { from } => warn(format!(
                "key {} is not valid before {}: rows that select it are rejected",
                entry.id,
                rfc3339(from)
            )),
            Validity::Expired { since } => warn(format!(
                "key {} has expired on {}: rows that select it are rejected",
                entry.id,
                rfc3339(since)
            )),
        }
    }
    Ok(Loaded::Ring(ring, format.alg(), engine(engine_name)?))
}

/// Loads the key and probes it. Where its file's name tells the key's id and
/// none is given, that is taken.
fn load(
    key: Option<&PathBuf>,
    secret: Option<&PathBuf>,
    passphrase: &PassphraseArgs,
    engine_name: &str,
    key_id: &mut Option<String>,
    format: &'static Format,
) -> Result<Loaded, Error> {
    let wants = format.key.describe();
    match (format.alg(), key, secret) {
        (Alg::Es256, Some(path), _) => {
            let source = passphrase.source();
            let (key, warnings) = SigningKey::from_file_with(path, source.as_ref())?;
            warnings.iter().for_each(warn);
            key.probe()?;
            check_file_name(key_id, format, path);
            Ok(Loaded::Es256(key, engine(engine_name)?))
        }
        (Alg::Hs256, _, Some(path)) => {
            passphrase.refuse()?;
            let (secret, warnings) = Secret::from_file(path)?;
            warnings.iter().for_each(warn);
            Ok(Loaded::Hs256(secret))
        }
        (Alg::Es256, None, _) => Err(Error::settings(
            format!("{} is signed with {wants}", format.id),
            "give --key FILE, or --keys FILE for several keys",
        )),
        (Alg::Hs256, _, None) => Err(Error::settings(
            format!("{} is signed with {wants}", format.id),
            "give --secret-file FILE, or --keys FILE for several secrets",
        )),
    }
}

/// The engine of this name; `auto` is the preferred one.
fn engine(name: &str) -> Result<&'static EngineInfo, Error> {
    let wanted = |engine: &&EngineInfo| name == "auto" || engine.name == name;
    ENGINES.iter().find(wanted).ok_or_else(|| {
        let all: Vec<&str> = ENGINES.iter().map(|engine| engine.name).collect();
        let message = format!("there is no engine {name:?}");
        Error::settings(message, format!("give auto or one of {}", all.join(", ")))
    })
}

/// Where the vendor names its key files, the name holds the key's id, and is
/// the only thing that tells the right kind of key from the wrong one.
fn check_file_name(key_id: &mut Option<String>, format: &Format, path: &Path) {
    let Some((right, wrong)) = format.key.file_names() else {
        return;
    };
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let shown = path.display();
    if name.starts_with(wrong) {
        warn(format!(
            "{shown} is named like an App Store Connect API key ({wrong}…); {} is signed with {}, \
             which downloads as {right}<ID>.p8",
            format.id,
            format.key.describe()
        ));
        return;
    }
    let id = name
        .strip_prefix(right)
        .and_then(|rest| rest.strip_suffix(".p8"))
        .filter(|id| !id.is_empty());
    match (id, &key_id) {
        (Some(id), Some(given)) if id != given => warn(format!(
            "--key-id {given} is not the id in the name of {shown}"
        )),
        (Some(id), None) => *key_id = Some(id.to_owned()),
        _ => {}
    }
}

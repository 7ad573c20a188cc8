//! The key, the secret or the ring that signatures are held against.

use std::path::PathBuf;

use campaign_signer::engine::{Hs256, Verifier, batch};
use campaign_signer::error::Error;
use campaign_signer::format::Alg;
use campaign_signer::key::{PublicKey, Secret, SigningKey};
use campaign_signer::output::KeyEntry;
use campaign_signer::ring::{KeyRing, RingKey};
use campaign_signer::verify::{AtHand, Keys};
use clap::Args;

use super::passphrase::PassphraseArgs;
use super::warn;

/// What signatures are held against; one of them must be given.
#[derive(Args)]
#[command(group = clap::ArgGroup::new("with").required(true))]
pub(crate) struct WithArgs {
    /// The public key: PEM, DER, or the line registered with Apple
    #[arg(long, value_name = "FILE", group = "with")]
    public_key: Option<PathBuf>,

    /// The private key; only its public half is used
    #[arg(short, long, value_name = "FILE", group = "with")]
    key: Option<PathBuf>,

    /// The shared secret, for HS256
    #[arg(long, value_name = "FILE", group = "with")]
    secret_file: Option<PathBuf>,

    #[command(flatten)]
    passphrase: PassphraseArgs,

    /// A key ring, keys.toml: each record is held against the keys in it that
    /// may have signed it, whenever they were valid
    #[arg(long, value_name = "FILE", group = "with")]
    keys: Option<PathBuf>,
}

/// What to verify with.
pub(crate) enum With {
    /// One key, what it is for, and what is public of it.
    Key(Box<dyn Verifier>, Alg, KeyEntry, Material),
    Ring(KeyRing),
}

/// What one key is.
pub(crate) enum Material {
    Public(PublicKey),
    Secret(Secret),
}

impl WithArgs {
    /// Loads it; what is wrong with it that may be meant is said.
    pub(crate) fn load(&self, reads_stdin: bool) -> Result<With, Error> {
        if self.key.is_none() {
            self.passphrase.refuse()?;
        }
        self.passphrase.refuse_stdin(reads_stdin)?;
        if let Some(path) = &self.keys {
            let ring = KeyRing::load(path)?;
            for entry in &ring.entries {
                let warnings = entry.warnings.iter();
                warnings.for_each(|warning| warn(format!("key {}: {warning}", entry.id)));
            }
            return Ok(With::Ring(ring));
        }
        if let Some(path) = &self.secret_file {
            let (secret, warnings) = Secret::from_file(path)?;
            warnings.iter().for_each(warn);
            let alg = Alg::Hs256;
            let key = KeyEntry {
                alg: alg.to_string(),
                fingerprint: secret.fingerprint(),
                public_key: None,
            };
            let verifier = Box::new(Hs256::new(&[secret.bytes()]));
            return Ok(With::Key(verifier, alg, key, Material::Secret(secret)));
        }
        let public = match (&self.public_key, &self.key) {
            (Some(path), _) => PublicKey::from_file(path)?,
            (None, Some(path)) => {
                let source = self.passphrase.source();
                let (key, _) = SigningKey::from_file_with(path, source.as_ref())?;
                key.public_key()
            }
            (None, None) => {
                return Err(Error::settings("no key is given", "give --public-key FILE"));
            }
        };
        let alg = Alg::Es256;
        let key = KeyEntry {
            alg: alg.to_string(),
            fingerprint: public.fingerprint(),
            public_key: Some(public.spki_base64()),
        };
        // Made once, however many threads and files there are.
        let verifier = batch::load_verifier(&[*public.verifying_key()]);
        Ok(With::Key(verifier, alg, key, Material::Public(public)))
    }
}

impl With {
    /// The keys.
    pub(crate) fn keys(&self) -> Result<Keys<'_>, Error> {
        match self {
            Self::Key(verifier, alg, ..) => Ok(Keys::one(*alg, verifier.as_ref())),
            Self::Ring(ring) => Keys::ring(ring),
        }
    }

    /// The public keys among them.
    pub(crate) fn public(&self) -> Vec<PublicKey> {
        match self {
            Self::Key(_, _, _, Material::Public(key)) => vec![key.clone()],
            Self::Key(..) => Vec::new(),
            Self::Ring(ring) => {
                let keys = ring.entries.iter().filter_map(|entry| match &entry.key {
                    RingKey::Es256(key) => Some(key.public_key()),
                    RingKey::Hs256(_) => None,
                });
                keys.collect()
            }
        }
    }

    /// The shared secrets among them.
    pub(crate) fn secrets(&self) -> Vec<&[u8]> {
        match self {
            Self::Key(_, _, _, Material::Secret(secret)) => vec![secret.bytes()],
            Self::Key(..) => Vec::new(),
            Self::Ring(ring) => {
                let secrets = ring.entries.iter().filter_map(|entry| match &entry.key {
                    RingKey::Hs256(secret) => Some(secret.bytes()),
                    RingKey::Es256(_) => None,
                });
                secrets.collect()
            }
        }
    }

    /// The same for comparing with a manifest.
    pub(crate) fn at_hand(&self) -> AtHand<'_> {
        match self {
            Self::Key(_, _, key, _) => AtHand::Key(key),
            Self::Ring(ring) => AtHand::Ring(ring),
        }
    }

    /// Their name for a person.
    pub(crate) fn name(&self) -> String {
        match self {
            Self::Key(_, alg, key, _) => format!("{alg} {}", key.fingerprint),
            Self::Ring(ring) => format!("the keys of {}", ring.path.display()),
        }
    }
}

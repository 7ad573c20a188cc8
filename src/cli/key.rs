//! `keygen` and `key`: making and showing keys.

use std::fs::OpenOptions;
use std::io::Write;
use std::path::{Path, PathBuf};

use campaign_signer::error::Error;
use campaign_signer::key::{KeyError, PublicKey, Secret, SigningKey, Warning};
use campaign_signer::output::OutputError;
use clap::{Args, Subcommand};

use super::exit::Exit;
use super::key_check::{self, KeyCheckArgs};
use super::passphrase::PassphraseArgs;
use super::{print, say, warn};

/// Make a P-256 key pair.
#[derive(Args)]
pub(crate) struct KeygenArgs {
    /// Where the private key goes (PKCS#8 PEM, mode 0600); the public key goes
    /// beside it, as FILE without its extension and .pub.pem
    #[arg(short, long, value_name = "FILE")]
    output: PathBuf,

    /// Write the private key encrypted (PKCS#8, scrypt and AES-256-CBC), under
    /// the passphrase that one of the next options gives
    #[arg(long, requires = "passphrase")]
    encrypt: bool,

    #[command(flatten)]
    passphrase: PassphraseArgs,
}

/// Makes a key pair; never over an existing file.
pub(crate) fn keygen(args: &KeygenArgs) -> Result<Exit, Error> {
    let private = &args.output;
    let mut public = private.with_extension("").into_os_string();
    public.push(".pub.pem");
    let public = PathBuf::from(public);
    for path in [private, &public] {
        if path.symlink_metadata().is_ok() {
            let error = OutputError::Exists { path: path.clone() };
            return Err(Error::settings(
                error.to_string(),
                "a key is never replaced; give another name with -o",
            ));
        }
    }
    let passphrase = match args.passphrase.source() {
        Some(source) if args.encrypt => {
            let (passphrase, warnings) = source.read()?;
            warnings.iter().for_each(warn);
            Some(passphrase)
        }
        Some(_) => {
            return Err(Error::settings(
                "a passphrase is given, but not that the key is to be encrypted",
                "give --encrypt as well",
            ));
        }
        None => None,
    };
    let key = SigningKey::generate()?;
    key.probe()?;
    match &passphrase {
        Some(passphrase) => {
            let pem = key.to_encrypted_pem(passphrase)?;
            SigningKey::from_encrypted(pem.as_bytes(), passphrase)?;
            write_new(private, pem.as_bytes(), 0o600)?;
        }
        None => write_new(private, key.to_pkcs8_pem().as_bytes(), 0o600)?,
    }
    write_new(&public, key.public_key().to_pem().as_bytes(), 0o644)?;
    say!("  private  {} (keep it secret)", private.display());
    say!("   public  {}", public.display());
    describe(&key.public_key())
}

fn write_new(path: &Path, bytes: &[u8], mode: u32) -> Result<(), Error> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt;
        options.mode(mode);
    }
    #[cfg(not(unix))]
    let _ = mode;
    let result = options
        .open(path)
        .and_then(|mut file| file.write_all(bytes).and_then(|()| file.sync_all()));
    result.map_err(|source| {
        Error::Output(OutputError::Io {
            action: "write",
            path: path.to_owned(),
            source,
        })
    })
}

/// Show a key.
#[derive(Args)]
#[command(args_conflicts_with_subcommands = true, subcommand_negates_reqs = true)]
#[command(disable_help_subcommand = true)]
pub(crate) struct KeyArgs {
    #[command(subcommand)]
    verb: Option<KeyVerb>,

    /// A private or public key; PEM, DER, JWK, or the one line of base64 that is
    /// registered with Apple
    #[arg(required_unless_present = "secret_file", value_name = "FILE")]
    file: Option<PathBuf>,

    /// A shared secret, for HS256
    #[arg(long, value_name = "FILE", conflicts_with = "file")]
    secret_file: Option<PathBuf>,

    #[command(flatten)]
    passphrase: PassphraseArgs,
}

#[derive(Subcommand)]
enum KeyVerb {
    /// Check every key of a key ring, and show what each is for
    Check(KeyCheckArgs),
}

/// Shows a key's public half and its problems; never the key.
pub(crate) fn show(args: &KeyArgs) -> Result<Exit, Error> {
    if let Some(KeyVerb::Check(args)) = &args.verb {
        return key_check::run(args);
    }
    if let Some(path) = &args.secret_file {
        args.passphrase.refuse()?;
        let (secret, warnings) = Secret::from_file(path)?;
        warnings.iter().for_each(warn);
        return print(&format!(
            "kind         shared secret, HS256\nlength       {} bytes\nfingerprint  {}\n",
            secret.bytes().len(),
            secret.fingerprint()
        ));
    }
    let Some(path) = &args.file else {
        // The arguments demand one of the two.
        return Ok(Exit::Settings);
    };
    let source = args.passphrase.source();
    match SigningKey::from_file_with(path, source.as_ref()) {
        Ok((key, warnings)) => {
            warnings.iter().for_each(warn);
            key.probe()?;
            let unused = |warning: &Warning| matches!(warning, Warning::PassphraseUnused { .. });
            let encrypted = match source.is_some() && !warnings.iter().any(unused) {
                true => "encrypted ",
                false => "",
            };
            say!("    kind  {encrypted}private key, P-256, ES256; signs and verifies a probe");
            describe(&key.public_key())
        }
        Err(error) if is_public(&error) => {
            let key = PublicKey::from_file(path)?;
            say!("    kind  public key, P-256, ES256");
            describe(&key)
        }
        // One line of base64 may be a public key, too.
        Err(error) => match PublicKey::from_file(path) {
            Ok(key) => {
                say!("    kind  public key, P-256, ES256");
                describe(&key)
            }
            Err(_) => Err(error.into()),
        },
    }
}

fn is_public(error: &KeyError) -> bool {
    match error {
        KeyError::InFile { error, .. } => is_public(error),
        // What holds a public key is told as such, with the way to it.
        error => matches!(
            error,
            KeyError::PublicNotPrivate
                | KeyError::Certificate { .. }
                | KeyError::CertificateRequest { .. }
        ),
    }
}

/// The public half in the forms people need: what is registered with Apple,
/// and the fingerprint that manifests show.
fn describe(key: &PublicKey) -> Result<Exit, Error> {
    print(&format!(
        "fingerprint  {}\npublic key   {}\n\n{}",
        key.fingerprint(),
        key.spki_base64(),
        key.to_pem()
    ))
}

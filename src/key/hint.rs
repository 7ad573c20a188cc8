//! The command that gets from what was found to what is wanted.
//!
//! It must not know how keys are read; it only knows errors, and how a path is
//! written in a shell.

use std::path::Path;

use super::{Cipher, DecryptError, Encryption, KeyError, PassphraseError, Wanted};

/// What to type to give a passphrase.
const GIVE_PASSPHRASE: &str =
    "give --passphrase-file FILE, --passphrase-env NAME or --passphrase-fd N";

impl KeyError {
    /// A command that can be typed to get the key that is wanted, if there is
    /// one. Where no file is known it says `FILE` and `OUT`.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::InFile { path, error } => {
                let mut out = path.clone().into_os_string();
                out.push(".new.pem");
                error.command(&shell(path), &shell(Path::new(&out)))
            }
            other => other.command("FILE", "OUT"),
        }
    }

    fn command(&self, file: &str, out: &str) -> Option<String> {
        use Wanted::{PrivateKey, PublicKey};

        Some(match self {
            Self::OtherCurve {
                wanted: PrivateKey, ..
            }
            | Self::RsaKey { wanted: PrivateKey }
            | Self::Ed25519Key { wanted: PrivateKey }
            | Self::OtherAlgorithm {
                wanted: PrivateKey, ..
            }
            | Self::Empty { wanted: PrivateKey } => {
                format!("openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out {out}")
            }
            Self::ExplicitCurve { wanted: PublicKey } => {
                format!("openssl ec -pubin -in {file} -pubout -param_enc named_curve -out {out}")
            }
            Self::ExplicitCurve { .. } => {
                format!("openssl ec -in {file} -param_enc named_curve -out {out}")
            }
            Self::PrivateNotPublic => format!("openssl pkey -in {file} -pubout -out {out}"),
            Self::Certificate { wanted: PublicKey } => {
                format!("openssl x509 -in {file} -noout -pubkey > {out}")
            }
            Self::Encrypted {
                form: Encryption::Legacy,
            } => format!("openssl pkcs8 -topk8 -v2 aes-256-cbc -in {file} -out {out}"),
            Self::Encrypted { .. } => GIVE_PASSPHRASE.to_owned(),
            Self::Decrypt(error) => match error {
                DecryptError::WrongPassphrase => {
                    format!("openssl pkey -in {file} -noout   # asks for it, and says if it fits")
                }
                DecryptError::Cipher(Cipher::AesGcm) => return None,
                DecryptError::Damaged => return None,
                _ => format!("openssl pkey -in {file} -aes-256-cbc -out {out}"),
            },
            Self::Passphrase(PassphraseError::NotSet { name }) => {
                format!("export {name} first; a variable that is set but not exported is not seen")
            }
            Self::Passphrase(PassphraseError::BadName) => {
                "give the variable's name, for example CAMPAIGN_KEY_PASSPHRASE, not its value"
                    .into()
            }
            Self::OpenSshKey { wanted: PublicKey } => {
                format!("ssh-keygen -e -m PKCS8 -f {file} > {out}")
            }
            Self::OpenSshKey { .. } => {
                format!("install -m 600 {file} {out} && ssh-keygen -p -N '' -m PKCS8 -f {out}")
            }
            Self::Pkcs12 { wanted: PublicKey } => format!(
                "openssl pkcs12 -in {file} -clcerts -nokeys | openssl x509 -noout -pubkey > {out}"
            ),
            Self::Pkcs12 { .. } => format!("openssl pkcs12 -in {file} -nocerts -nodes -out {out}"),
            Self::NoBeginLine { wanted } => format!(
                "grep -v -e ----- {file} | base64 -d | openssl pkey {}-inform DER -out {out}",
                if *wanted == PublicKey { "-pubin " } else { "" },
            ),
            Self::DoubleBase64 { .. } => format!("(umask 077; base64 -d < {file} > {out})"),
            Self::SeveralBlocks {
                wanted: PrivateKey, ..
            } => {
                format!("openssl pkey -in {file} -out {out}")
            }
            Self::Utf16 { .. } => {
                format!("(umask 077; iconv -f UTF-16 -t UTF-8 < {file} > {out})")
            }
            Self::ScalarLength { .. } => format!("openssl ec -in {file} -out {out}"),
            Self::PublicMismatch => format!("openssl pkey -in {file} -check -noout"),
            _ => return None,
        })
    }
}

/// The path as one word of a command line.
pub(super) fn shell(path: &Path) -> String {
    let text = path.to_string_lossy();
    let plain = |c: char| c.is_ascii_alphanumeric() || "/._-+,@%".contains(c);
    if !text.is_empty() && text.chars().all(plain) {
        text.into_owned()
    } else {
        format!("'{}'", text.replace('\'', r"'\''"))
    }
}

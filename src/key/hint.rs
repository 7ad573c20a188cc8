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
    /// one. Where no file is known it says `FILE`, `OUT` and `FOLDER`.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        let of = |error: &Self, path: &Path| {
            let mut out = path.to_owned().into_os_string();
            out.push(".new.pem");
            let folder = path
                .parent()
                .filter(|folder| !folder.as_os_str().is_empty());
            let folder = shell(folder.unwrap_or(Path::new(".")));
            error.command(&shell(path), &shell(Path::new(&out)), &folder)
        };
        match self {
            Self::Io { path, .. } => of(self, path),
            Self::InFile { path, error } => of(error, path),
            other => other.command("FILE", "OUT", "FOLDER"),
        }
    }

    fn command(&self, file: &str, out: &str, folder: &str) -> Option<String> {
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
            | Self::Empty { wanted: PrivateKey }
            | Self::ScalarRange
            | Self::ServiceAccount { wanted: PrivateKey }
            | Self::JwkSecret { wanted: PrivateKey } => {
                format!("openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out {out}")
            }
            Self::OtherPem {
                label,
                wanted: PrivateKey,
            } if label.starts_with("PGP ") => {
                format!("openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out {out}")
            }
            // No command makes one of these a private key; one finds where it is.
            Self::PublicNotPrivate
            | Self::Certificate { wanted: PrivateKey }
            | Self::CertificateRequest { wanted: PrivateKey } => {
                format!("grep -rl 'PRIVATE KEY' {folder}   # lists the files that hold one")
            }
            Self::OtherCurve {
                wanted: PublicKey, ..
            }
            | Self::RsaKey { wanted: PublicKey }
            | Self::Ed25519Key { wanted: PublicKey }
            | Self::OtherAlgorithm {
                wanted: PublicKey, ..
            }
            | Self::BadPoint
            | Self::Empty { wanted: PublicKey } => {
                format!("openssl pkey -in PRIVATE.pem -pubout -out {out}   # of the P-256 key")
            }
            Self::ExplicitCurve { wanted: PublicKey } => {
                format!("openssl ec -pubin -in {file} -pubout -param_enc named_curve -out {out}")
            }
            Self::ExplicitCurve { .. } => {
                format!("openssl ec -in {file} -param_enc named_curve -out {out}")
            }
            Self::BarePrivate => format!(
                "grep -v -e ----- {file} | base64 -d | openssl pkey -inform DER -pubout -out {out}"
            ),
            Self::PrivateNotPublic => format!("openssl pkey -in {file} -pubout -out {out}"),
            Self::Certificate { wanted: PublicKey } => {
                format!("openssl x509 -in {file} -noout -pubkey > {out}")
            }
            Self::CertificateRequest { wanted: PublicKey } => {
                // `openssl req` does not tell PEM from DER.
                format!(
                    "(openssl req -in {file} -noout -pubkey || openssl req -inform DER -in {file} \
                     -noout -pubkey) > {out}"
                )
            }
            Self::PrivateJwk => format!("jq 'del(.. | .d?)' {file} > {out}"),
            Self::SeveralJwks {
                count: 2.., kids, ..
            } => {
                let kid = kids.split(", ").find_map(|kid| kid.strip_prefix("kid "));
                let which = match kid {
                    Some(kid) if !kid.ends_with('…') => {
                        format!(".keys[] | select(.kid == \"{kid}\")")
                    }
                    _ => ".keys[0]".to_owned(),
                };
                format!("(umask 077; jq '{which}' {file} > {out})")
            }
            Self::PuttyKey { wanted: PublicKey } => format!(
                "puttygen {file} -O public-openssh -o {out}.pub && \
                 ssh-keygen -e -m PKCS8 -f {out}.pub > {out}"
            ),
            Self::PuttyKey { .. } => format!(
                "puttygen {file} -O private-openssh-new -o {out} && \
                 ssh-keygen -p -N '' -m PKCS8 -f {out}"
            ),
            Self::Dashes { .. } => format!(
                "(umask 077; LC_ALL=C sed -E 's/^[^A-Za-z0-9]*(BEGIN|END) ([A-Z0-9 ]*[A-Z0-9])\
                 [^A-Za-z0-9]*$/-----\\1 \\2-----/' {file} > {out})"
            ),
            Self::NoEndLine { label } => format!(
                "(umask 077; (grep -v -e '^--*END' -e '^-*$' {file}; echo '-----END {label}-----') \
                 > {out})"
            ),
            Self::BytesBehind { document, .. } => {
                format!("(umask 077; head -c {document} {file} > {out})")
            }
            Self::WebPage { .. } => {
                format!("head -c 300 {file}   # says what went wrong; then download the key again")
            }
            Self::NoCurve => {
                format!("(umask 077; (openssl ecparam -name prime256v1; cat {file}) > {out})")
            }
            Self::Io { error, .. } if error.kind() == std::io::ErrorKind::IsADirectory => {
                format!("ls {file}   # then give one of the files in it")
            }
            Self::Io { error, .. } if error.kind() == std::io::ErrorKind::PermissionDenied => {
                format!(
                    "ls -l {file}   # shows who may read it; chmod u+r gives its owner the right"
                )
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
            Self::Utf16 { from, .. } => {
                format!("(umask 077; iconv -f {from} -t UTF-8 < {file} > {out})")
            }
            Self::ScalarLength { .. } => format!("openssl ec -in {file} -out {out}"),
            // Only its owner knows which half is right; a signer wants the private one.
            Self::PublicMismatch => format!(
                "openssl ec -in {file} -no_public -outform DER | openssl ec -inform DER -out {out}"
            ),
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

//! Keys as they arrive: what is said of each that is damaged or of another
//! kind, which command mends it, and that what the command makes is the key.
//!
//! The commands were run once, with OpenSSL 3.0, OpenSSH 9.2, PuTTY 0.78 and jq
//! 1.6; `tests/data/keys/mended` holds what they made.

#![allow(clippy::unwrap_used)]

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use campaign_signer::key::{
    KeyError, MIN_SECRET_BYTES, Passphrase, PublicKey, Secret, SecretForm, SigningKey, Sort,
    Wanted, Warning, identify,
};

/// The JWK thumbprint of the `p256.*` files, computed apart from this program.
const FINGERPRINT: &str = "gNE5kRvpOFKNvhnCReZbbboW2Ypk6guuOWDTnmO4J5E";

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/keys")
}

fn data(name: &str) -> Vec<u8> {
    std::fs::read(folder().join(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
}

/// The file of this name, damaged or not.
fn found(name: &str) -> Vec<u8> {
    let damaged = folder().join("damaged").join(name);
    match damaged.exists() {
        true => std::fs::read(damaged).unwrap(),
        false => data(name),
    }
}

/// Everything that errors and hints say about the bytes.
fn refused(bytes: &[u8], wanted: Wanted) -> KeyError {
    match wanted {
        Wanted::PrivateKey => SigningKey::from_bytes(bytes).unwrap_err(),
        _ => PublicKey::from_bytes(bytes).unwrap_err(),
    }
}

const NEW: &str = "openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out OUT";
const DASHES: &str = r"(umask 077; LC_ALL=C sed -E 's/^[^A-Za-z0-9]*(BEGIN|END) ([A-Z0-9 ]*[A-Z0-9])[^A-Za-z0-9]*$/-----\1 \2-----/' FILE > OUT)";
const FIND: &str = "grep -rl 'PRIVATE KEY' FOLDER   # lists the files that hold one";
const LOOK: &str = "head -c 300 FILE   # says what went wrong; then download the key again";
const FROM_BASE64: &str = "grep -v -e ----- FILE | base64 -d | openssl pkey -inform DER -out OUT";

/// A file, what is said of it, and what to type, where a private key is wanted.
const PRIVATE: &[(&str, &str, &str)] = &[
    ("answer.json", "an error that a server answered with", LOOK),
    ("page.html", "an HTML page", LOOK),
    (
        "bare.b64",
        "base64 of a key without its BEGIN line",
        FROM_BASE64,
    ),
    (
        "no-begin.pem",
        "base64 of a key without its BEGIN line",
        FROM_BASE64,
    ),
    (
        "behind.der",
        "8 bytes behind a document of 138 bytes",
        "(umask 077; head -c 138 FILE > OUT)",
    ),
    (
        "double.b64",
        "a PEM file in base64, encoded once too often",
        "(umask 077; base64 -d < FILE > OUT)",
    ),
    ("em-dashes.pem", "other dashes than five hyphens", DASHES),
    ("four-dashes.pem", "other dashes than five hyphens", DASHES),
    ("mixed-dashes.pem", "other dashes than five hyphens", DASHES),
    (
        "mismatch.pem",
        "a public key beside the private key that does not belong to it",
        "openssl ec -in FILE -no_public -outform DER | openssl ec -inform DER -out OUT",
    ),
    (
        "no-curve.pem",
        "does not say on which curve it is",
        "(umask 077; (openssl ecparam -name prime256v1; cat FILE) > OUT)",
    ),
    (
        "no-end.pem",
        "a whole key without its END line; wanted -----END PRIVATE KEY-----",
        "(umask 077; (grep -v -e '^--*END' -e '^-*$' FILE; echo '-----END PRIVATE KEY-----') > OUT)",
    ),
    ("pgp.asc", "a PEM block named PGP PRIVATE KEY BLOCK", NEW),
    (
        "putty.ppk",
        "a key in the format of PuTTY",
        "puttygen FILE -O private-openssh-new -o OUT && ssh-keygen -p -N '' -m PKCS8 -f OUT",
    ),
    (
        "service-account.json",
        "a service account file of Google, whose key is RSA",
        NEW,
    ),
    (
        "two-keys.pem",
        "2 PEM blocks (PRIVATE KEY, PRIVATE KEY)",
        "openssl pkey -in FILE -out OUT",
    ),
    (
        "two.jwks.json",
        "a JWK set of 2 keys (kid test-p256, kid rfc6979)",
        "(umask 077; jq '.keys[] | select(.kid == \"test-p256\")' FILE > OUT)",
    ),
    (
        "utf16.pem",
        "text in UTF-16",
        "(umask 077; iconv -f UTF-16 -t UTF-8 < FILE > OUT)",
    ),
    (
        "utf16le.pem",
        "text in UTF-16",
        "(umask 077; iconv -f UTF-16LE -t UTF-8 < FILE > OUT)",
    ),
    (
        "utf16be.pem",
        "text in UTF-16",
        "(umask 077; iconv -f UTF-16BE -t UTF-8 < FILE > OUT)",
    ),
    (
        "p256.openssh.pem",
        "the format of OpenSSH",
        "install -m 600 FILE OUT && ssh-keygen -p -N '' -m PKCS8 -f OUT",
    ),
    (
        "p256.p12",
        "a PKCS#12 store",
        "openssl pkcs12 -in FILE -nocerts -nodes -out OUT",
    ),
    (
        "p256.explicit.sec1.pem",
        "whose curve is written out in numbers",
        "openssl ec -in FILE -param_enc named_curve -out OUT",
    ),
    (
        "p256.legacy-encrypted.pem",
        "encrypted the old way (Proc-Type)",
        "openssl pkcs8 -topk8 -v2 aes-256-cbc -in FILE -out OUT",
    ),
    (
        "p256.encrypted.pem",
        "an encrypted private key, but no passphrase is given",
        "give --passphrase-file FILE, --passphrase-env NAME or --passphrase-fd N",
    ),
    ("p256.cert.pem", "a certificate;", FIND),
    ("p256.csr.pem", "a certificate request;", FIND),
    ("p256.pub.pem", "a public key;", FIND),
    ("p256.public.jwk", "a public key;", FIND),
    ("rsa2048.pkcs8.pem", "an RSA key", NEW),
    ("ed25519.pkcs8.pem", "an Ed25519 key", NEW),
    (
        "dsa.pkcs8.pem",
        "the algorithm DSA (1.2.840.10040.4.1)",
        NEW,
    ),
    (
        "dsa.traditional.pem",
        "the algorithm DSA (1.2.840.10040.4.1)",
        NEW,
    ),
    (
        "dh.pkcs8.pem",
        "the algorithm DH (1.2.840.113549.1.3.1)",
        NEW,
    ),
    ("secp256k1.pkcs8.pem", "on the curve secp256k1", NEW),
    ("p384.pkcs8.pem", "on the curve P-384", NEW),
    ("p521.pkcs8.pem", "on the curve P-521", NEW),
    ("p192.sec1.pem", "on the curve P-192", NEW),
    ("brainpool.pkcs8.pem", "on the curve brainpoolP256r1", NEW),
];

/// The same where a public key is wanted.
const PUBLIC: &[(&str, &str, &str)] = &[
    (
        "bare.b64",
        "the base64 of a private key",
        "grep -v -e ----- FILE | base64 -d | openssl pkey -inform DER -pubout -out OUT",
    ),
    (
        "p256.cert.pem",
        "a certificate;",
        "openssl x509 -in FILE -noout -pubkey > OUT",
    ),
    (
        "p256.cert.der",
        "a certificate;",
        "openssl x509 -in FILE -noout -pubkey > OUT",
    ),
    (
        "p256.csr.pem",
        "a certificate request;",
        "(openssl req -in FILE -noout -pubkey || openssl req -inform DER -in FILE -noout -pubkey) > OUT",
    ),
    (
        "p256.csr.der",
        "a certificate request;",
        "(openssl req -in FILE -noout -pubkey || openssl req -inform DER -in FILE -noout -pubkey) > OUT",
    ),
    (
        "p256.explicit.pub.pem",
        "whose curve is written out in numbers",
        "openssl ec -pubin -in FILE -pubout -param_enc named_curve -out OUT",
    ),
    (
        "p256.pkcs8.pem",
        "a private key;",
        "openssl pkey -in FILE -pubout -out OUT",
    ),
    (
        "p256.sec1.der",
        "a private key;",
        "openssl pkey -in FILE -pubout -out OUT",
    ),
    (
        "p256.private.jwk",
        "a JWK with the private key",
        "jq 'del(.. | .d?)' FILE > OUT",
    ),
    (
        "p256.jwks.json",
        "a JWK with the private key",
        "jq 'del(.. | .d?)' FILE > OUT",
    ),
    (
        "p256.openssh.pub",
        "the format of OpenSSH",
        "ssh-keygen -e -m PKCS8 -f FILE > OUT",
    ),
    (
        "p256.openssh.pem",
        "the format of OpenSSH",
        "ssh-keygen -e -m PKCS8 -f FILE > OUT",
    ),
    (
        "p256.p12",
        "a PKCS#12 store",
        "openssl pkcs12 -in FILE -clcerts -nokeys | openssl x509 -noout -pubkey > OUT",
    ),
    (
        "putty.ppk",
        "the format of PuTTY",
        "puttygen FILE -O public-openssh -o OUT.pub && ssh-keygen -e -m PKCS8 -f OUT.pub > OUT",
    ),
    (
        "rsa2048.pub.pem",
        "an RSA key",
        "openssl pkey -in PRIVATE.pem -pubout -out OUT   # of the P-256 key",
    ),
];

#[test]
fn each_kind_of_wrong_key_is_named_with_the_command_that_mends_it() {
    for (wanted, table) in [(Wanted::PrivateKey, PRIVATE), (Wanted::PublicKey, PUBLIC)] {
        for (name, said, command) in table {
            let error = refused(&found(name), wanted);
            let words = error.to_string();
            assert!(words.contains(said), "{name}: {words}");
            assert_eq!(error.hint().as_deref(), Some(*command), "{name}");
        }
    }
}

#[test]
fn what_the_command_makes_is_the_key() {
    for (kind, table) in [("private", PRIVATE), ("public", PUBLIC)] {
        let entries = std::fs::read_dir(folder().join("mended").join(kind)).unwrap();
        let mut made = BTreeSet::new();
        for entry in entries {
            let name = entry.unwrap().file_name().into_string().unwrap();
            let bytes = data(&format!("mended/{kind}/{name}"));
            let public = match (kind, SigningKey::from_bytes(&bytes)) {
                ("public", _) => PublicKey::from_bytes(&bytes).unwrap(),
                (_, Ok(key)) => key.public_key(),
                (_, Err(KeyError::Encrypted { .. })) => {
                    let passphrase = Passphrase::from_bytes(b"test").unwrap();
                    let key = SigningKey::from_encrypted(&bytes, &passphrase).unwrap();
                    key.public_key()
                }
                (_, Err(error)) => panic!("{name}: {error}"),
            };
            assert_eq!(public.fingerprint(), FINGERPRINT, "{name}");
            made.insert(name);
        }
        // A new key, another file or a passphrase to give makes no file to keep.
        let makes = |command: &str| {
            let makes_none = [NEW, FIND, LOOK].contains(&command);
            !makes_none && !command.starts_with("give ") && !command.contains("PRIVATE.pem")
        };
        let rows = table.iter().filter(|(_, _, command)| makes(command));
        let named: BTreeSet<String> = rows.map(|(name, ..)| (*name).to_owned()).collect();
        assert_eq!(named, made, "{kind}");
    }
}

#[test]
fn every_damaged_file_is_in_the_table() {
    for entry in std::fs::read_dir(folder().join("damaged")).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        assert!(PRIVATE.iter().any(|(own, ..)| *own == name), "{name}");
    }
}

/// Unambiguous, so taken as they are, as environments and secret stores hand
/// keys out.
#[test]
fn a_key_from_an_environment_a_dot_env_file_or_a_json_string_is_read_as_it_is() {
    let mut count = 0;
    for entry in std::fs::read_dir(folder().join("accepted")).unwrap() {
        let path = entry.unwrap().path();
        let key = SigningKey::from_bytes(&std::fs::read(&path).unwrap());
        let key = key.unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        assert_eq!(
            key.public_key().fingerprint(),
            FINGERPRINT,
            "{}",
            path.display()
        );
        count += 1;
    }
    assert_eq!(count, 6);
}

// JWK.

#[test]
fn a_jwk_and_a_set_of_one_are_the_key() {
    for name in ["p256.private.jwk", "p256.jwks.json"] {
        let key = SigningKey::from_bytes(&data(name)).unwrap();
        assert_eq!(key.public_key().fingerprint(), FINGERPRINT, "{name}");
        assert_eq!(
            identify(&data(name)).unwrap().key_id.as_deref(),
            Some("test-p256")
        );
    }
    let public = PublicKey::from_bytes(&data("p256.public.jwk")).unwrap();
    assert_eq!(public.fingerprint(), FINGERPRINT);
}

/// The private JWK with something else in the place of one piece of its text.
fn jwk(from: &str, to: &str) -> Vec<u8> {
    let text = String::from_utf8(data("p256.private.jwk")).unwrap();
    assert!(text.contains(from), "{from}");
    text.replacen(from, to, 1).into_bytes()
}

#[test]
fn a_jwk_that_is_wrong_is_refused_by_its_member() {
    let table: &[(&str, &str, &str)] = &[
        ("\"x\": \"", "\"x\": \"A", "whose member x is not 32 bytes"),
        ("\"y\":", "\"z\":", "whose member y is missing"),
        (
            "\"d\": \"",
            "\"d\": \"\\u0041",
            "whose member d is not 32 bytes",
        ),
        (
            "\"d\": \"d",
            "\"d\": \"+",
            "whose member d is not base64url",
        ),
        ("\"d\": \"d", "\"d\": \"e", "that does not belong to it"),
        (
            "\"crv\": \"P-256\"",
            "\"crv\": \"P-384\"",
            "on the curve P-384",
        ),
        ("\"crv\": \"P-256\",", "", "whose member crv is missing"),
        ("\"EC\"", "\"RSA\"", "an RSA key"),
        ("\"EC\"", "\"oct\"", "a JWK with a shared secret (kty oct)"),
        ("\"EC\"", "\"OKP\"", "the algorithm OKP P-256"),
        ("\"kty\"", "\"ktx\"", "JSON that is no JWK"),
        ("}", "", "JSON that is no JWK"),
    ];
    for (from, to, said) in table {
        let error = SigningKey::from_bytes(&jwk(from, to)).unwrap_err();
        assert!(error.to_string().contains(said), "{from}: {error}");
    }
    let off_curve = jwk("\"x\": \"iF", "\"x\": \"iG");
    let error = SigningKey::from_bytes(&off_curve).unwrap_err();
    assert!(matches!(error, KeyError::BadPoint), "{error}");
    let empty = SigningKey::from_bytes(br#"{"keys":[]}"#).unwrap_err();
    assert!(
        empty
            .to_string()
            .contains("a JWK set of 0 keys (it is empty)"),
        "{empty}"
    );
    assert_eq!(empty.hint(), None);
}

/// A fuzzer put one member's value into another's place.
#[test]
fn a_value_in_the_place_of_a_name_is_not_shown() {
    let long = "PNVEJNSr6oHuEZHSzVK5XTVc3heIm4BTZQ3oxEsEE";
    for (from, to) in [
        ("\"P-256\"", format!("\"{long}\"")),
        ("\"EC\"", format!("\"{long}\"")),
    ] {
        let error = SigningKey::from_bytes(&jwk(from, &to)).unwrap_err();
        assert!(
            !format!("{error:?} {error}").contains(&long[..20]),
            "{error}"
        );
    }
    let set = format!(r#"{{"keys":[{{"kid":"{long}"}},{{"kid":"b"}}]}}"#);
    let error = SigningKey::from_bytes(set.as_bytes()).unwrap_err();
    assert!(
        error.to_string().contains("(kid PNVEJNSr6oHu…, kid b)"),
        "{error}"
    );
    assert!(error.hint().unwrap().contains("'.keys[0]'"));
}

#[test]
fn a_kid_that_could_be_anything_is_not_shown() {
    let set = format!(
        r#"{{"keys":[{{"kty":"EC","kid":"{}"}},{{"kty":"EC"}}]}}"#,
        "s3cr3t'; ".repeat(9)
    );
    let error = SigningKey::from_bytes(set.as_bytes()).unwrap_err();
    let shown = format!("{error} {error:?} {:?}", error.hint());
    assert!(!shown.contains("s3cr3t"), "{shown}");
    assert!(shown.contains("one without kid"), "{shown}");
}

#[test]
fn no_error_and_no_identity_quotes_the_private_member_of_a_jwk() {
    let text = String::from_utf8(data("p256.private.jwk")).unwrap();
    let value: serde_json::Value = serde_json::from_str(&text).unwrap();
    let d = value["d"].as_str().unwrap();
    for changed in [
        text.clone(),
        text.replace("\"EC\"", "\"RSA\""),
        text.replace("P-256", "P-384"),
        text.replace("\"x\"", "\"w\""),
        text.replace("\"d\": \"", "\"d\": \"A"),
        text.replace("\"kid\": \"test-p256\"", &format!("\"kid\": \"{d}{d}\"")),
    ] {
        let mut shown = format!("{:?}", identify(changed.as_bytes()));
        for error in [
            SigningKey::from_bytes(changed.as_bytes()).err(),
            PublicKey::from_bytes(changed.as_bytes()).err(),
        ] {
            let hint = error.as_ref().and_then(KeyError::hint);
            shown.push_str(&format!("{error:?} {hint:?}"));
        }
        for piece in d.as_bytes().chunks(10).filter(|piece| piece.len() == 10) {
            assert!(
                !shown.contains(std::str::from_utf8(piece).unwrap()),
                "{shown}"
            );
        }
    }
}

// What a file is.

#[test]
fn a_key_file_is_known_for_what_it_is_with_its_public_half() {
    let table = [
        ("p256.pkcs8.pem", Sort::Private, true),
        ("p256.sec1.der", Sort::Private, true),
        ("p256.private.jwk", Sort::Private, true),
        ("p256.pub.pem", Sort::Public, true),
        ("p256.public.jwk", Sort::Public, true),
        ("p256.cert.pem", Sort::Certificate, true),
        ("p256.cert.der", Sort::Certificate, true),
        ("p256.csr.pem", Sort::CertificateRequest, true),
        ("p256.csr.der", Sort::CertificateRequest, true),
        ("p256.encrypted.pem", Sort::Encrypted, false),
        ("p256.legacy-encrypted.pem", Sort::Encrypted, false),
        ("rsa2048.pub.pem", Sort::Other, false),
        ("p256.p12", Sort::Other, false),
    ];
    for (name, sort, has_public) in table {
        let identity = identify(&data(name)).unwrap_or_else(|| panic!("{name}"));
        assert_eq!(identity.sort, sort, "{name}");
        let public = identity.public.map(|key| key.fingerprint());
        assert_eq!(
            public.as_deref(),
            has_public.then_some(FINGERPRINT),
            "{name}"
        );
    }
    for (name, ..) in PRIVATE.iter().filter(|(name, ..)| *name != "answer.json") {
        assert!(identify(&found(name)).is_some(), "{name}");
    }
}

#[test]
fn what_is_no_key_is_nothing_to_the_keys() {
    let signature = p256::ecdsa::Signature::from_slice(&[7; 64])
        .unwrap()
        .to_der();
    use base64::Engine as _;
    let base64 = base64::engine::general_purpose::STANDARD.encode(signature.as_bytes());
    for bytes in [
        &b""[..],
        b"password",
        b"{}",
        b"{\"format\":\"x\"}",
        br#"{"errors":[]}"#,
        base64.as_bytes(),
        signature.as_bytes(),
    ] {
        assert!(identify(bytes).is_none(), "{bytes:?}");
    }
}

#[test]
fn a_secret_in_a_jwk_is_counted_and_not_shown() {
    let jwk = br#"{"kty":"oct","k":"c2hvcnQgc2VjcmV0"}"#;
    let identity = identify(jwk).unwrap();
    assert_eq!(
        (identity.sort, identity.secret_bytes),
        (Sort::Secret, Some(12))
    );
    assert!(identity.secret_bytes < Some(MIN_SECRET_BYTES));
    assert!(!format!("{identity:?}").contains("c2hv"));
}

// Secrets.

#[test]
fn a_secret_that_looks_like_something_else_is_taken_and_said() {
    let hex = "0123456789abcdef0123456789ABCDEF";
    let table: &[(&str, Option<SecretForm>)] = &[
        (
            "\"a secret between quotation marks!\"",
            Some(SecretForm::Quoted),
        ),
        (
            "'a secret between quotation marks!!'",
            Some(SecretForm::Quoted),
        ),
        (
            "YSBzZWNyZXQgb2YgdGhpcnR5LXR3byBieXRlcyBpbiBiYXNlNjQ=",
            Some(SecretForm::Base64),
        ),
        (
            "abcdefghijklmnopqrstuvwxyz+/0123456789AB",
            Some(SecretForm::Base64),
        ),
        (hex, Some(SecretForm::Hex)),
        (
            "eyJhbGciOiJIUzI1NiJ9.eyJpZCI6MX0.AAAAAAAAAAAAAAAAAAAA",
            Some(SecretForm::Token),
        ),
        (
            "{\"secret\":\"aaaaaaaaaaaaaaaaaaaaaaaaaa\"}",
            Some(SecretForm::Json),
        ),
        ("an ordinary secret of enough bytes", None),
        ("kQ9-test-secret-of-forty-two-characters-xyz", None),
        ("IRexampleAccountTokenOfEnoughLength", None),
        ("a=b/c+d, which is no base64 at all = ", None),
    ];
    for (text, form) in table {
        let secret = Secret::from_bytes(text.as_bytes()).unwrap();
        assert_eq!(secret.bytes(), text.as_bytes(), "never decoded");
        let found = secret
            .warnings()
            .into_iter()
            .find_map(|warning| match warning {
                Warning::SecretForm { form } => Some(form),
                _ => None,
            });
        assert_eq!(found, *form, "{text}");
        for warning in secret.warnings() {
            assert!(!warning.to_string().contains(&text[..8]), "{warning}");
        }
    }
}

// Files.

#[test]
fn a_folder_in_the_place_of_a_key_is_named_with_a_look_inside() {
    let folder = tempfile::tempdir().unwrap();
    let error = SigningKey::from_file(folder.path()).unwrap_err();
    let hint = error.hint().unwrap();
    let name = folder.path().to_str().unwrap();
    assert_eq!(
        hint,
        format!("ls {name}   # then give one of the files in it")
    );
}

#[test]
fn a_folder_that_the_shell_would_take_apart_is_quoted_in_a_hint() {
    let parent = tempfile::tempdir().unwrap();
    let folder = parent.path().join("my keys");
    std::fs::create_dir(&folder).unwrap();
    let file = folder.join("a.pem");
    std::fs::write(&file, data("p256.pub.pem")).unwrap();
    let hint = SigningKey::from_file(&file).unwrap_err().hint().unwrap();
    assert!(hint.contains("my keys'   #"), "{hint}");
}

//! Keys and secrets: what is read, what is refused and by which name, what is
//! written, and that nothing of it is ever shown.

#![allow(clippy::unwrap_used)]

use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use campaign_signer::key::{
    Curve, Encryption, KeyError, MAX_FILE_BYTES, PublicKey, Secret, SigningKey, Wanted, Warning,
};
use p256::ecdsa::Signature;
use p256::ecdsa::signature::{Signer, Verifier};
use proptest::prelude::*;

/// The JWK thumbprint of the `p256.*` files, computed apart from this program.
const FINGERPRINT: &str = "gNE5kRvpOFKNvhnCReZbbboW2Ypk6guuOWDTnmO4J5E";

/// The private scalar of the `p256.*` files, as `openssl asn1parse` shows it.
const SCALAR: &str = "75BD4FA7A1ABE240EF24BBF1CD323A647B1FBE3DCC7D21E50ABEC78D2BF673C9";

fn path(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/data/keys")
        .join(name)
}

fn data(name: &str) -> Vec<u8> {
    std::fs::read(path(name)).unwrap()
}

fn text(name: &str) -> String {
    String::from_utf8(data(name)).unwrap()
}

fn hex(text: &str) -> Vec<u8> {
    (0..text.len())
        .step_by(2)
        .map(|at| u8::from_str_radix(&text[at..at + 2], 16).unwrap())
        .collect()
}

/// The base64 of a PEM file, without armour and line ends.
fn body(pem: &str) -> String {
    pem.lines().filter(|line| !line.contains("-----")).collect()
}

fn refused(bytes: &[u8]) -> KeyError {
    SigningKey::from_bytes(bytes).unwrap_err()
}

fn refused_public(bytes: &[u8]) -> KeyError {
    PublicKey::from_bytes(bytes).unwrap_err()
}

/// A file made for one test, with this mode where there are modes.
fn temporary(content: &[u8], mode: u32) -> tempfile::NamedTempFile {
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), content).unwrap();
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        std::fs::set_permissions(file.path(), std::fs::Permissions::from_mode(mode)).unwrap();
    }
    #[cfg(not(unix))]
    let _ = mode;
    file
}

fn assert_same_key(bytes: &[u8], what: &str) {
    let key = SigningKey::from_bytes(bytes).unwrap_or_else(|error| panic!("{what}: {error}"));
    assert_eq!(key.scalar().as_slice(), hex(SCALAR), "{what}");
    assert_eq!(key.public_key().fingerprint(), FINGERPRINT, "{what}");
    key.probe().unwrap();
}

// What is read.

#[test]
fn every_file_that_openssl_writes_of_one_key_is_the_same_key() {
    for name in [
        "p256.sec1.pem",
        "p256.params.sec1.pem",
        "p256.nopub.sec1.pem",
        "p256.compressed.sec1.pem",
        "p256.pkcs8.pem",
        "p256.sec1.der",
        "p256.pkcs8.der",
    ] {
        assert_same_key(&data(name), name);
    }
}

#[test]
fn a_sec1_key_preceded_by_ec_parameters_is_the_same_key() {
    let file = text("p256.params.sec1.pem");
    assert!(file.starts_with("-----BEGIN EC PARAMETERS-----"));
    assert_same_key(file.as_bytes(), "with parameters");
}

#[test]
fn line_ends_widths_and_what_stands_around_do_not_matter() {
    for name in ["p256.sec1.pem", "p256.params.sec1.pem", "p256.pkcs8.pem"] {
        let pem = text(name);
        let label = if name.contains("pkcs8") { "" } else { "EC " };
        let wide = |width: usize| {
            let digits = body(pem.rsplit_once("-----BEGIN").unwrap().1);
            let lines: Vec<_> = digits
                .as_bytes()
                .chunks(width)
                .map(|line| std::str::from_utf8(line).unwrap())
                .collect();
            format!(
                "-----BEGIN {label}PRIVATE KEY-----\n{}\n-----END {label}PRIVATE KEY-----",
                lines.join("\n")
            )
        };
        for (what, changed) in [
            ("crlf", pem.replace('\n', "\r\n")),
            ("flattened", pem.replace('\n', "\\n")),
            ("flattened crlf", pem.replace('\n', "\\r\\n")),
            ("no last line end", pem.trim_end().to_owned()),
            ("white space", format!(" \r\n\t{pem}\n\n  ")),
            ("byte order mark", format!("\u{feff}{pem}")),
            ("spaces for line ends", pem.replace('\n', " ")),
            ("text around", format!("Bag Attributes: none\n{pem}bye\n")),
            ("one digit to the line", wide(1)),
            ("76 to the line", wide(76)),
            ("one line", wide(1000)),
        ] {
            assert_same_key(changed.as_bytes(), &format!("{name}, {what}"));
        }
    }
}

#[test]
fn a_key_that_is_written_is_what_openssl_writes_and_is_read_again() {
    let key = SigningKey::from_bytes(&data("p256.sec1.der")).unwrap();
    assert_eq!(key.to_pkcs8_pem().as_str(), text("p256.pkcs8.pem"));
    let public = key.public_key();
    assert_eq!(public.to_pem(), text("p256.pub.pem"));
    assert_eq!(public.spki_der(), data("p256.pub.der"));
    assert_eq!(public.spki_base64(), body(&text("p256.pub.pem")));
}

#[test]
fn two_generated_keys_differ_and_both_work() {
    let [one, two] = [(); 2].map(|()| SigningKey::generate().unwrap());
    assert_ne!(one.scalar(), two.scalar());
    for key in [&one, &two] {
        key.probe().unwrap();
        let again = SigningKey::from_bytes(key.to_pkcs8_pem().as_bytes()).unwrap();
        assert_eq!(again.scalar(), key.scalar());
        assert_eq!(again.public_key(), key.public_key());
    }
}

#[test]
fn a_public_key_is_read_from_pem_der_and_one_line_of_base64() {
    let pem = text("p256.pub.pem");
    for (what, bytes) in [
        ("pem", pem.clone().into_bytes()),
        ("crlf", pem.replace('\n', "\r\n").into_bytes()),
        ("flattened", pem.replace('\n', "\\n").into_bytes()),
        ("der", data("p256.pub.der")),
        ("base64", body(&pem).into_bytes()),
        ("base64 line", format!("{}\n", body(&pem)).into_bytes()),
    ] {
        let key = PublicKey::from_bytes(&bytes).unwrap_or_else(|error| panic!("{what}: {error}"));
        assert_eq!(key.fingerprint(), FINGERPRINT, "{what}");
        assert_eq!(key.to_pem(), pem, "{what}");
    }
    let from_file = PublicKey::from_file(&path("p256.pub.pem")).unwrap();
    assert_eq!(from_file.fingerprint(), FINGERPRINT);
}

#[test]
fn a_key_signs_the_sample_of_rfc_6979() {
    let vectors: serde_json::Value =
        serde_json::from_str(include_str!("vectors/rfc.json")).unwrap();
    let rfc = &vectors["rfc6979_p256_sha256"];
    let scalar = hex(rfc["private_key_hex"].as_str().unwrap());
    let der = STANDARD.decode(body(&text("p256.nopub.sec1.pem"))).unwrap();
    let key = SigningKey::from_bytes(&with_scalar(&der, &scalar)).unwrap();
    let point = key.public_key().spki_der();
    assert_eq!(point[27..59], hex(rfc["public_x"].as_str().unwrap()));
    assert_eq!(point[59..], hex(rfc["public_y"].as_str().unwrap()));
    for vector in rfc["vectors"].as_array().unwrap() {
        let message = vector["message"].as_str().unwrap().as_bytes();
        let signature: Signature = key.ecdsa().sign(message);
        assert_eq!(
            URL_SAFE_NO_PAD.encode(signature.to_bytes()),
            vector["raw_base64url"].as_str().unwrap()
        );
        let public = key.public_key();
        public.verifying_key().verify(message, &signature).unwrap();
    }
}

/// The SEC1 document with another scalar in the place of its own.
fn with_scalar(der: &[u8], scalar: &[u8]) -> Vec<u8> {
    let mut changed = der.to_vec();
    changed[7..39].copy_from_slice(scalar);
    changed
}

// What is refused.

#[test]
fn a_key_on_another_curve_is_refused_by_the_name_of_the_curve() {
    for (name, wanted) in [
        ("secp256k1.pkcs8.pem", Curve::Secp256k1),
        ("p384.pkcs8.pem", Curve::P384),
        ("p521.pkcs8.pem", Curve::P521),
        ("p192.sec1.pem", Curve::P192),
        (
            "brainpool.pkcs8.pem",
            Curve::Other("1.3.36.3.3.2.8.1.1.7".to_owned()),
        ),
    ] {
        match refused(&data(name)) {
            KeyError::OtherCurve { curve, .. } => assert_eq!(curve, wanted, "{name}"),
            other => panic!("{name}: {other:?}"),
        }
    }
    assert!(matches!(
        refused_public(&data("p384.pub.pem")),
        KeyError::OtherCurve {
            curve: Curve::P384,
            wanted: Wanted::PublicKey
        }
    ));
    let message = refused(&data("p192.sec1.pem")).to_string();
    assert!(message.contains("today's page asks for P-256 only"));
}

#[test]
fn a_curve_that_nobody_knows_is_refused_by_its_identifier() {
    let mut document = data("p256.pkcs8.der");
    let p256 = hex("2A8648CE3D030107");
    let at = document.windows(8).position(|own| own == p256).unwrap();
    document[at + 7] = 0x09;
    let error = refused(&document);
    let words = error.to_string();
    assert!(
        words.contains("with the identifier 1.2.840.10045.3.1.9"),
        "{words}"
    );
    assert!(error.hint().unwrap().starts_with("openssl genpkey"));
}

#[test]
fn parameters_of_another_curve_before_a_p256_key_are_refused() {
    let parameters = "-----BEGIN EC PARAMETERS-----\nBgUrgQQACg==\n-----END EC PARAMETERS-----\n";
    let file = format!("{parameters}{}", text("p256.sec1.pem"));
    assert!(matches!(
        refused(file.as_bytes()),
        KeyError::OtherCurve {
            curve: Curve::Secp256k1,
            ..
        }
    ));
}

/// One row: what it is, the bytes, and how the error must look.
type Row = (&'static str, Vec<u8>, fn(&KeyError) -> bool);

macro_rules! row {
    ($what:expr, $bytes:expr, $pattern:pat) => {
        ($what, Vec::from($bytes), |error| matches!(error, $pattern))
    };
}

fn assert_refused(rows: Vec<Row>, read: fn(&[u8]) -> KeyError) {
    for (what, bytes, expected) in rows {
        let error = read(&bytes);
        assert!(expected(&error), "{what}: {error:?}");
        let first = error.to_string().chars().next().unwrap();
        assert!(first.is_lowercase(), "{what}: {error}");
    }
}

#[test]
fn another_thing_than_a_private_key_is_refused_by_its_name() {
    let pkcs8 = text("p256.pkcs8.pem");
    let sec1 = text("p256.sec1.pem");
    assert_refused(
        vec![
            row!("rsa", data("rsa2048.pkcs8.pem"), KeyError::RsaKey { .. }),
            row!("pkcs1", data("rsa2048.pkcs1.pem"), KeyError::RsaKey { .. }),
            row!(
                "pkcs1 der",
                STANDARD.decode(body(&text("rsa2048.pkcs1.pem"))).unwrap(),
                KeyError::RsaKey { .. }
            ),
            row!(
                "ed25519",
                data("ed25519.pkcs8.pem"),
                KeyError::Ed25519Key { .. }
            ),
            row!(
                "x25519",
                data("x25519.pkcs8.pem"),
                KeyError::OtherAlgorithm { .. }
            ),
            row!("public", data("p256.pub.pem"), KeyError::PublicNotPrivate),
            row!(
                "public der",
                data("p256.pub.der"),
                KeyError::PublicNotPrivate
            ),
            row!(
                "public base64",
                body(&text("p256.pub.pem")),
                KeyError::PublicNotPrivate
            ),
            row!(
                "rsa public",
                data("rsa2048.pub.pem"),
                KeyError::PublicNotPrivate
            ),
            row!(
                "ssh public",
                data("p256.openssh.pub"),
                KeyError::PublicNotPrivate
            ),
            row!(
                "certificate",
                data("p256.cert.pem"),
                KeyError::Certificate { .. }
            ),
            row!(
                "certificate der",
                data("p256.cert.der"),
                KeyError::Certificate { .. }
            ),
            row!(
                "request",
                data("p256.csr.pem"),
                KeyError::CertificateRequest { .. }
            ),
            row!(
                "request der",
                data("p256.csr.der"),
                KeyError::CertificateRequest { .. }
            ),
            row!(
                "encrypted",
                data("p256.encrypted.pem"),
                KeyError::Encrypted {
                    form: Encryption::Pkcs8
                }
            ),
            row!(
                "encrypted der",
                data("p256.encrypted.der"),
                KeyError::Encrypted {
                    form: Encryption::Pkcs8Der
                }
            ),
            row!(
                "legacy encrypted",
                data("p256.legacy-encrypted.pem"),
                KeyError::Encrypted {
                    form: Encryption::Legacy
                }
            ),
            row!(
                "openssh",
                data("p256.openssh.pem"),
                KeyError::OpenSshKey { .. }
            ),
            row!(
                "a jwk without its members",
                r#" {"kty":"EC","crv":"P-256"}"#,
                KeyError::JwkMember { member: "x", .. }
            ),
            row!("pkcs12", data("p256.p12"), KeyError::Pkcs12 { .. }),
            row!(
                "explicit",
                data("p256.explicit.sec1.pem"),
                KeyError::ExplicitCurve { .. }
            ),
            row!(
                "no BEGIN, no END",
                body(&pkcs8),
                KeyError::NoBeginLine { .. }
            ),
            row!(
                "no BEGIN, in lines",
                pkcs8
                    .lines()
                    .filter(|line| !line.contains("---"))
                    .collect::<Vec<_>>()
                    .join("\n"),
                KeyError::NoBeginLine { .. }
            ),
            row!(
                "no BEGIN, but END",
                pkcs8.split_once('\n').unwrap().1,
                KeyError::NoBeginLine { .. }
            ),
            row!(
                "double base64",
                STANDARD.encode(&pkcs8),
                KeyError::DoubleBase64 { .. }
            ),
            row!(
                "no END",
                pkcs8.split("-----END").next().unwrap(),
                KeyError::NoEndLine { .. }
            ),
            row!("no END and no end", &pkcs8[..150], KeyError::Truncated),
            row!(
                "half an END",
                &pkcs8[..pkcs8.len() - 4],
                KeyError::Truncated
            ),
            row!("half a BEGIN", "-----BEGIN PRIVATE", KeyError::Truncated),
            row!(
                "another END",
                pkcs8.replace("END PRIVATE", "END PUBLIC"),
                KeyError::Truncated
            ),
            row!(
                "bad base64",
                pkcs8.replacen("MIGH", "MI*H", 1),
                KeyError::BadBase64
            ),
            row!(
                "lost digit",
                pkcs8.replacen("MIGH", "MIG", 1),
                KeyError::BadBase64
            ),
            row!(
                "two keys",
                format!("{pkcs8}{sec1}"),
                KeyError::SeveralBlocks { count: 2, .. }
            ),
            row!(
                "key and certificate",
                format!("{}{pkcs8}", text("p256.cert.pem")),
                KeyError::SeveralBlocks { .. }
            ),
            row!(
                "parameters alone",
                sec1.replace("EC PRIVATE KEY", "EC PARAMETERS"),
                KeyError::OtherPem { .. }
            ),
            row!(
                "another block",
                sec1.replace("EC PRIVATE KEY", "PGP MESSAGE"),
                KeyError::OtherPem { .. }
            ),
            row!(
                "no key inside",
                "-----BEGIN PRIVATE KEY-----\naGVsbG8=\n-----END PRIVATE KEY-----\n",
                KeyError::Malformed { .. }
            ),
            row!(
                "utf-16",
                pkcs8
                    .encode_utf16()
                    .fold(vec![0xff, 0xfe], |mut bytes, unit| {
                        bytes.extend(unit.to_le_bytes());
                        bytes
                    }),
                KeyError::Utf16 { .. }
            ),
            row!("empty", "", KeyError::Empty { .. }),
            row!("white space", " \r\n\t", KeyError::Empty { .. }),
            row!("a word", "password", KeyError::Unrecognised { .. }),
            row!("bytes", [0, 1, 2, 250], KeyError::Unrecognised { .. }),
            row!(
                "der cut short",
                &data("p256.pkcs8.der")[..100],
                KeyError::Unrecognised { .. }
            ),
        ],
        refused,
    );
}

#[test]
fn another_thing_than_a_public_key_is_refused_by_its_name() {
    let der = data("p256.pub.der");
    let mut off_curve = der.clone();
    off_curve[90] ^= 1;
    let identity = hex("301906072a8648ce3d020106082a8648ce3d030107");
    let identity = [&hex("3019301306")[..4], &identity[2..], &hex("03020000")].concat();
    assert_refused(
        vec![
            row!("sec1", data("p256.sec1.pem"), KeyError::PrivateNotPublic),
            row!(
                "sec1 der",
                data("p256.sec1.der"),
                KeyError::PrivateNotPublic
            ),
            row!("pkcs8", data("p256.pkcs8.pem"), KeyError::PrivateNotPublic),
            row!(
                "pkcs8 der",
                data("p256.pkcs8.der"),
                KeyError::PrivateNotPublic
            ),
            row!(
                "pkcs8 base64",
                body(&text("p256.pkcs8.pem")),
                KeyError::BarePrivate
            ),
            row!(
                "a private key under another name",
                text("p256.sec1.pem").replace("EC PRIVATE", "PUBLIC"),
                KeyError::PrivateNotPublic
            ),
            row!(
                "encrypted",
                data("p256.encrypted.pem"),
                KeyError::PrivateNotPublic
            ),
            row!(
                "openssh",
                data("p256.openssh.pem"),
                KeyError::OpenSshKey { .. }
            ),
            row!(
                "rsa private",
                data("rsa2048.pkcs1.pem"),
                KeyError::PrivateNotPublic
            ),
            row!("rsa", data("rsa2048.pub.pem"), KeyError::RsaKey { .. }),
            row!(
                "ed25519",
                data("ed25519.pub.pem"),
                KeyError::Ed25519Key { .. }
            ),
            row!(
                "explicit",
                data("p256.explicit.pub.pem"),
                KeyError::ExplicitCurve { .. }
            ),
            row!(
                "ssh public",
                data("p256.openssh.pub"),
                KeyError::OpenSshKey { .. }
            ),
            row!(
                "certificate",
                data("p256.cert.pem"),
                KeyError::Certificate { .. }
            ),
            row!(
                "certificate der",
                data("p256.cert.der"),
                KeyError::Certificate { .. }
            ),
            row!(
                "request",
                data("p256.csr.pem"),
                KeyError::CertificateRequest { .. }
            ),
            row!("json", "{}", KeyError::Json { .. }),
            row!(
                "double base64",
                STANDARD.encode(text("p256.pub.pem")),
                KeyError::DoubleBase64 { .. }
            ),
            row!("off the curve", off_curve, KeyError::BadPoint),
            row!("the identity", identity, KeyError::BadPoint),
            row!("empty", "\n", KeyError::Empty { .. }),
            row!("a word", "password", KeyError::Unrecognised { .. }),
        ],
        refused_public,
    );
}

#[test]
fn a_scalar_outside_the_range_is_refused() {
    let der = STANDARD.decode(body(&text("p256.nopub.sec1.pem"))).unwrap();
    let order = hex("FFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551");
    let mut below = order.clone();
    below[31] -= 1;
    for (what, scalar) in [
        ("zero", vec![0; 32]),
        ("n", order),
        ("the largest", vec![0xff; 32]),
    ] {
        let error = refused(&with_scalar(&der, &scalar));
        assert!(matches!(error, KeyError::ScalarRange), "{what}: {error:?}");
    }
    let key = SigningKey::from_bytes(&with_scalar(&der, &below)).unwrap();
    assert_eq!(key.scalar().as_slice(), below);

    let mut short = der.clone();
    short[1] -= 1;
    short[6] -= 1;
    short.remove(7);
    assert!(matches!(
        refused(&short),
        KeyError::ScalarLength { bytes: 31 }
    ));
}

#[test]
fn a_public_key_that_does_not_belong_to_the_private_one_is_refused() {
    let rfc = hex("C9AFA9D845BA75166B5C215767B1D6934E50C3DB36E89B127B8A622B120F6721");
    for (name, at) in [("p256.sec1.der", 7), ("p256.pkcs8.der", 36)] {
        let mut document = data(name);
        document[at..at + 32].copy_from_slice(&rfc);
        let error = refused(&document);
        assert!(
            matches!(error, KeyError::PublicMismatch),
            "{name}: {error:?}"
        );

        let mut document = data(name);
        *document.last_mut().unwrap() ^= 1;
        let error = refused(&document);
        assert!(
            matches!(error, KeyError::PublicMismatch),
            "{name}: {error:?}"
        );
    }
}

#[test]
fn a_key_that_names_no_curve_is_taken_only_if_its_public_key_proves_p256() {
    // ECPrivateKey without [0]: the parameters of 12 bytes are cut out.
    let without = |der: &[u8]| {
        let mut changed = der.to_vec();
        changed.drain(39..51);
        changed[1] -= 12;
        changed
    };
    assert_same_key(&without(&data("p256.sec1.der")), "proved");
    let bare = without(&STANDARD.decode(body(&text("p256.nopub.sec1.pem"))).unwrap());
    assert!(matches!(refused(&bare), KeyError::NoCurve));

    let parameters =
        "-----BEGIN EC PARAMETERS-----\nBggqhkjOPQMBBw==\n-----END EC PARAMETERS-----\n";
    let file = format!(
        "{parameters}-----BEGIN EC PRIVATE KEY-----\n{}\n-----END EC PRIVATE KEY-----\n",
        STANDARD.encode(bare)
    );
    assert_same_key(file.as_bytes(), "named beside");
}

// Files.

#[test]
fn an_error_from_a_file_names_the_file_and_a_command_with_it() {
    let error = SigningKey::from_file(&path("p256.explicit.sec1.pem")).unwrap_err();
    assert!(error.to_string().contains("p256.explicit.sec1.pem"));
    let name = path("p256.explicit.sec1.pem");
    let hint = error.hint().unwrap();
    assert!(hint.starts_with("openssl ec -in "), "{hint}");
    assert!(hint.contains(name.to_str().unwrap()), "{hint}");

    let missing = path("missing.pem");
    for error in [
        SigningKey::from_file(&missing).unwrap_err(),
        PublicKey::from_file(&missing).unwrap_err(),
        Secret::from_file(&missing).unwrap_err(),
    ] {
        assert!(matches!(error, KeyError::Io { .. }));
        assert!(error.to_string().contains("missing.pem"));
    }
}

#[test]
fn a_hint_quotes_a_path_that_the_shell_would_take_apart() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("it's a key; rm.pem");
    std::fs::write(&file, data("p256.legacy-encrypted.pem")).unwrap();
    let hint = SigningKey::from_file(&file).unwrap_err().hint().unwrap();
    assert!(hint.contains(r"it'\''s a key; rm.pem' -out '"), "{hint}");
}

#[test]
fn a_hint_without_a_file_says_where_its_name_goes() {
    for (name, command) in [
        (
            "p256.encrypted.pem",
            "give --passphrase-file FILE, --passphrase-env NAME or --passphrase-fd N",
        ),
        (
            "p256.legacy-encrypted.pem",
            "openssl pkcs8 -topk8 -v2 aes-256-cbc -in FILE -out OUT",
        ),
        (
            "p256.explicit.sec1.pem",
            "openssl ec -in FILE -param_enc named_curve -out OUT",
        ),
        (
            "rsa2048.pkcs8.pem",
            "openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out OUT",
        ),
    ] {
        assert_eq!(refused(&data(name)).hint().as_deref(), Some(command));
    }
    assert_eq!(
        refused_public(&data("p256.sec1.pem")).hint().as_deref(),
        Some("openssl pkey -in FILE -pubout -out OUT")
    );
    assert_eq!(
        refused(&data("p256.pub.pem")).hint().as_deref(),
        Some("grep -rl 'PRIVATE KEY' FOLDER   # lists the files that hold one")
    );
}

#[test]
fn a_file_larger_than_any_key_is_not_read() {
    for (size, large) in [(MAX_FILE_BYTES, false), (MAX_FILE_BYTES + 1, true)] {
        let mut content = data("p256.sec1.pem");
        content.resize(size, b'\n');
        let file = temporary(&content, 0o600);
        let read = SigningKey::from_file(file.path());
        assert_eq!(read.is_err(), large);
        if let Err(KeyError::InFile { path, error }) = read {
            assert_eq!(path, file.path());
            assert!(matches!(*error, KeyError::TooLarge));
        }
    }
}

#[test]
fn a_directory_is_an_error_with_its_path() {
    let directory = tempfile::tempdir().unwrap();
    let error = SigningKey::from_file(directory.path()).unwrap_err();
    let name = directory.path().to_str().unwrap();
    assert!(error.to_string().contains(name), "{error}");
}

#[cfg(unix)]
#[test]
fn a_file_that_others_can_use_is_read_with_a_warning() {
    for (mode, exposed) in [
        (0o600, false),
        (0o400, false),
        (0o440, false),
        (0o640, false),
        (0o660, true),
        (0o644, true),
        (0o602, true),
    ] {
        let file = temporary(&data("p256.pkcs8.pem"), mode);
        let (_, warnings) = SigningKey::from_file(file.path()).unwrap();
        let expected = exposed.then(|| Warning::Exposed {
            path: file.path().to_owned(),
            mode,
        });
        assert_eq!(warnings, Vec::from_iter(expected), "{mode:o}");
        for warning in warnings {
            assert!(warning.to_string().contains(&format!("{mode:04o}")));
        }

        let file = temporary(b"0123456789abcdefghijklmnopqrstuv", mode);
        let (_, warnings) = Secret::from_file(file.path()).unwrap();
        assert_eq!(warnings.len(), usize::from(exposed), "{mode:o}");
    }
}

// Secrets.

#[test]
fn one_line_end_at_the_end_of_a_secret_is_trimmed_and_said() {
    const SECRET: &str = "0123456789abcdefghijklmnopqrstuv";
    let cases: [(String, String, Vec<Warning>); 6] = [
        (SECRET.into(), SECRET.into(), vec![]),
        (
            format!("{SECRET}\n"),
            SECRET.into(),
            vec![Warning::SecretTrimmed],
        ),
        (
            format!("{SECRET}\r\n"),
            SECRET.into(),
            vec![Warning::SecretTrimmed],
        ),
        (
            format!("{SECRET}\n\n"),
            format!("{SECRET}\n"),
            vec![Warning::SecretTrimmed, Warning::SecretEdges],
        ),
        (
            format!(" {SECRET}"),
            format!(" {SECRET}"),
            vec![Warning::SecretEdges],
        ),
        (
            "secret\n".into(),
            "secret".into(),
            vec![Warning::SecretTrimmed, Warning::SecretShort { bytes: 6 }],
        ),
    ];
    for (content, expected, warned) in cases {
        let file = temporary(content.as_bytes(), 0o600);
        let (secret, warnings) = Secret::from_file(file.path()).unwrap();
        assert_eq!(secret.bytes(), expected.as_bytes());
        assert_eq!(warnings, warned, "{content:?}");
    }
}

#[test]
fn a_secret_is_never_decoded() {
    for text in ["c2VjcmV0", "736563726574", "  kept  ", "\u{e4}\u{20ac}"] {
        assert_eq!(
            Secret::from_bytes(text.as_bytes()).unwrap().bytes(),
            text.as_bytes()
        );
    }
}

#[test]
fn an_empty_secret_and_a_key_file_in_its_place_are_refused() {
    assert!(matches!(
        Secret::from_bytes(b"").unwrap_err(),
        KeyError::Empty {
            wanted: Wanted::Secret
        }
    ));
    for content in ["", "\n", "\r\n"] {
        let file = temporary(content.as_bytes(), 0o600);
        let error = Secret::from_file(file.path()).unwrap_err();
        assert!(error.to_string().contains("found nothing"), "{error}");
    }
    for name in ["p256.sec1.pem", "p256.pub.pem"] {
        assert!(matches!(
            Secret::from_bytes(&data(name)).unwrap_err(),
            KeyError::PemAsSecret
        ));
    }
}

#[test]
fn the_fingerprint_of_a_secret_is_the_start_of_a_mac_under_it() {
    let secret = b"an example secret of exactly 32 ";
    for (bytes, expected) in [
        (secret.to_vec(), "1z8UhqcSr9MFx26MWuPogA"),
        (secret.repeat(3), "fghSktAt3lokpA4p8OIMFw"),
    ] {
        assert_eq!(Secret::from_bytes(&bytes).unwrap().fingerprint(), expected);
    }
}

// What is shown.

#[test]
fn debug_shows_a_fingerprint_and_nothing_of_the_key() {
    let key = SigningKey::from_bytes(&data("p256.sec1.pem")).unwrap();
    let scalar = key.scalar();
    let shown = format!("{key:?} {key:#?}");
    assert!(shown.contains(FINGERPRINT));
    let digits = URL_SAFE_NO_PAD.encode(scalar.as_slice());
    for part in [
        &SCALAR[..8],
        &SCALAR.to_lowercase()[..8],
        &STANDARD.encode(scalar.as_slice())[..8],
        &digits[..8],
        "117, 189, 79",
    ] {
        assert!(!shown.contains(part), "{shown}");
    }

    let text = "a secret that must not be shown!";
    let secret = Secret::from_bytes(text.as_bytes()).unwrap();
    let shown = format!("{secret:?} {secret:#?}");
    assert!(shown.contains(&secret.fingerprint()));
    for part in [
        "a secret",
        &STANDARD.encode(text)[..8],
        "6120736563",
        "97, 32, 115",
    ] {
        assert!(!shown.contains(part), "{shown}");
    }
}

#[test]
fn no_error_quotes_the_file() {
    let pkcs8 = text("p256.pkcs8.pem");
    for changed in [
        pkcs8.replacen("MIGH", "MI*H", 1),
        pkcs8.replacen("BEGIN PRIVATE", "BEGIN private", 1),
        pkcs8.split("-----END").next().unwrap().to_owned(),
        body(&pkcs8),
        STANDARD.encode(&pkcs8),
        format!("-----BEGIN {}", body(&pkcs8)),
        format!("-----BEGIN {}-----", body(&pkcs8)),
    ] {
        let error = refused(changed.as_bytes());
        let shown = format!("{error} {error:?} {:?}", error.hint());
        for line in body(&pkcs8).as_bytes().chunks(8) {
            assert!(!shown.contains(std::str::from_utf8(line).unwrap()));
        }
    }
}

// Whatever comes.

fn read_everything(bytes: &[u8]) {
    if let Ok(key) = SigningKey::from_bytes(bytes) {
        key.probe().unwrap();
    } else if let Err(error) = SigningKey::from_bytes(bytes) {
        let _ = (error.to_string(), error.hint());
    }
    match PublicKey::from_bytes(bytes) {
        Ok(key) => assert_eq!(PublicKey::from_bytes(&key.spki_der()).unwrap(), key),
        Err(error) => drop((error.to_string(), error.hint())),
    }
    if let Ok(secret) = Secret::from_bytes(bytes) {
        assert_eq!(secret.bytes(), bytes);
        let _ = (secret.fingerprint(), secret.warnings());
    }
}

#[test]
fn every_prefix_and_every_byte_changed_is_read_without_a_panic() {
    for name in ["p256.pkcs8.der", "p256.sec1.der", "p256.pub.der"] {
        let file = data(name);
        for at in 0..file.len() {
            read_everything(&file[..at]);
            for value in [0x00, 0x01, 0x30, 0x7f, 0x80, 0x84, 0xff] {
                let mut changed = file.clone();
                changed[at] = value;
                read_everything(&changed);
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn any_bytes_are_read_without_a_panic(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
        read_everything(&bytes);
    }

    #[test]
    fn any_der_and_any_block_are_read_without_a_panic(
        label in prop::sample::select(vec!["PRIVATE KEY", "EC PRIVATE KEY", "PUBLIC KEY", "EC PARAMETERS"]),
        bytes in prop::collection::vec(any::<u8>(), 0..127),
    ) {
        let der = [&[0x30, u8::try_from(bytes.len()).unwrap()], bytes.as_slice()].concat();
        read_everything(&der);
        let digits = STANDARD.encode(&der);
        read_everything(digits.as_bytes());
        read_everything(format!("-----BEGIN {label}-----\n{digits}\n-----END {label}-----\n").as_bytes());
    }

    #[test]
    fn a_changed_key_file_is_read_without_a_panic(
        name in prop::sample::select(vec![
            "p256.params.sec1.pem", "p256.pkcs8.pem", "p256.pkcs8.der", "p256.sec1.der",
            "p256.compressed.sec1.pem", "p256.pub.pem", "p256.pub.der", "p256.cert.der",
            "p256.csr.der", "p256.p12", "p256.encrypted.der", "p256.legacy-encrypted.pem",
        ]),
        edits in prop::collection::vec((any::<prop::sample::Index>(), 0_u8..3, any::<u8>()), 1..8),
    ) {
        let mut file = data(name);
        for (at, what, value) in edits {
            let at = at.index(file.len());
            match what {
                0 => file[at] = value,
                1 => file.insert(at, value),
                _ => drop(file.remove(at)),
            }
        }
        read_everything(&file);
    }
}

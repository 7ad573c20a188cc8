//! Encrypted keys and their passphrases: what is opened, what is refused and by
//! which name, how much work is done for a file, and that nothing is shown.

#![allow(clippy::unwrap_used)]

mod workdir;

use std::io::Write as _;
use std::os::fd::AsRawFd as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use campaign_signer::key::{
    Cipher, DecryptError, Encryption, KeyError, MAX_PASSPHRASE_BYTES, Passphrase, PassphraseError,
    PassphraseSource, Passphrases, PublicKey, SigningKey, Warning,
};
use proptest::prelude::*;

use workdir::{Workdir, key_data};

/// The passphrase of every encrypted test key.
const PASSPHRASE: &str = "test";

/// The files that `openssl` encrypted, all with the key of `p256.sec1.pem`.
const OPENED: &[&str] = &[
    "p256.encrypted.pem",
    "p256.encrypted.der",
    "p256.pbkdf2-sha1-aes128.pem",
    "p256.pbkdf2-sha256-aes256.pem",
    "p256.pbkdf2-sha512-aes192.pem",
    "p256.scrypt.pem",
    "p256.scrypt.der",
];

fn path(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/data/keys")
        .join(name)
}

fn passphrase(text: &str) -> Passphrase {
    Passphrase::from_bytes(text.as_bytes()).unwrap()
}

fn key() -> SigningKey {
    SigningKey::from_bytes(&key_data("p256.sec1.pem")).unwrap()
}

fn refused(bytes: &[u8], with: &str) -> DecryptError {
    match SigningKey::from_encrypted(bytes, &passphrase(with)).unwrap_err() {
        KeyError::Decrypt(error) => error,
        other => panic!("{other:?}"),
    }
}

/// The DER of a PEM file.
fn der(name: &str) -> Vec<u8> {
    let pem = String::from_utf8(key_data(name)).unwrap();
    let digits: String = pem.lines().filter(|line| !line.contains('-')).collect();
    STANDARD.decode(digits).unwrap()
}

/// The document with the first `from` in it replaced by `to`, of one length.
fn patched(der: &[u8], from: &[u8], to: &[u8]) -> Vec<u8> {
    assert_eq!(from.len(), to.len());
    let at = der.windows(from.len()).position(|part| part == from);
    let at = at.unwrap();
    let mut changed = der.to_vec();
    changed[at..at + to.len()].copy_from_slice(to);
    changed
}

/// scrypt parameters as p256.scrypt.der has them: N, r, p.
fn scrypt(n: [u8; 2], r: u8, p: u8) -> Vec<u8> {
    let [high, low] = n;
    patched(
        &key_data("p256.scrypt.der"),
        &[2, 2, 0x04, 0x00, 2, 1, 8, 2, 1, 16],
        &[2, 2, high, low, 2, 1, r, 2, 1, p],
    )
}

#[test]
fn every_encrypted_file_that_openssl_writes_of_one_key_is_the_same_key() {
    for name in OPENED {
        let read = SigningKey::from_encrypted(&key_data(name), &passphrase(PASSPHRASE));
        let read = read.unwrap_or_else(|error| panic!("{name}: {error}"));
        assert_eq!(read.scalar(), key().scalar(), "{name}");
        read.probe().unwrap();
    }
    for changed in [
        String::from_utf8(key_data("p256.scrypt.pem"))
            .unwrap()
            .replace('\n', "\r\n"),
        String::from_utf8(key_data("p256.encrypted.pem"))
            .unwrap()
            .replace('\n', "\\n"),
    ] {
        SigningKey::from_encrypted(changed.as_bytes(), &passphrase(PASSPHRASE)).unwrap();
    }
}

#[test]
fn a_key_that_is_not_encrypted_needs_no_passphrase_and_says_so() {
    let read = SigningKey::from_encrypted(&key_data("p256.pkcs8.pem"), &passphrase("any"));
    assert_eq!(read.unwrap().scalar(), key().scalar());

    let source = PassphraseSource::Env("CAMPAIGN_SIGNER_TEST_NOT_SET".into());
    let workdir = Workdir::new();
    let file = workdir.path("key.pem");
    let (_, warnings) = SigningKey::from_file_with(&file, Some(&source)).unwrap();
    assert_eq!(warnings, [Warning::PassphraseUnused { path: file }]);
    assert!(warnings[0].to_string().contains("is not encrypted"));
}

#[test]
fn without_a_passphrase_an_encrypted_key_is_refused_with_how_to_give_one() {
    for (name, form) in [
        ("p256.encrypted.pem", Encryption::Pkcs8),
        ("p256.scrypt.pem", Encryption::Pkcs8),
        ("p256.scrypt.der", Encryption::Pkcs8Der),
    ] {
        let error = SigningKey::from_bytes(&key_data(name)).unwrap_err();
        assert!(error.to_string().contains("no passphrase is given"));
        assert!(error.hint().unwrap().contains("--passphrase-env NAME"));
        match error {
            KeyError::Encrypted { form: found } => assert_eq!(found, form, "{name}"),
            other => panic!("{name}: {other:?}"),
        }
    }
    let old = key_data("p256.legacy-encrypted.pem");
    let error = SigningKey::from_encrypted(&old, &passphrase(PASSPHRASE)).unwrap_err();
    assert!(error.to_string().contains("the old way"), "{error}");
    assert!(error.hint().unwrap().starts_with("openssl pkcs8 -topk8"));
}

#[test]
fn a_wrong_passphrase_is_told_from_everything_else() {
    for name in OPENED {
        for wrong in ["Test", "test ", "test\n", "tes", "\0"] {
            let error = refused(&key_data(name), wrong);
            assert_eq!(error, DecryptError::WrongPassphrase, "{name} {wrong:?}");
        }
    }
    // Padding fits one wrong passphrase in 256: these hit it several times.
    let cheap = scrypt([1, 0], 1, 1);
    for wrong in 0..1500 {
        let error = refused(&cheap, &format!("wrong {wrong}"));
        assert_eq!(error, DecryptError::WrongPassphrase);
    }
}

#[test]
fn what_is_encrypted_otherwise_is_refused_by_name() {
    let cbc = [0x60, 0x86, 0x48, 1, 0x65, 3, 4, 1, 42];
    let gcm = [0x60, 0x86, 0x48, 1, 0x65, 3, 4, 1, 46];
    let gcm = patched(&der("p256.encrypted.pem"), &cbc, &gcm);
    let pbkdf2 = [0x2a, 0x86, 0x48, 0x86, 0xf7, 13, 1, 5, 12];
    let other = [0x2a, 0x86, 0x48, 0x86, 0xf7, 13, 1, 5, 99];
    let derivation = patched(&der("p256.encrypted.pem"), &pbkdf2, &other);
    let pbes2 = [0x2a, 0x86, 0x48, 0x86, 0xf7, 13, 1, 5, 13];
    let scheme = patched(&der("p256.encrypted.pem"), &pbes2, &[0x2a; 9]);
    let table: [(&str, Vec<u8>, DecryptError, &str); 10] = [
        (
            "3des",
            key_data("p256.des3.pem"),
            DecryptError::Cipher(Cipher::TripleDes),
            "3DES",
        ),
        (
            "des",
            key_data("p256.des.pem"),
            DecryptError::Cipher(Cipher::Des),
            "with DES, which is broken",
        ),
        (
            "rc2",
            key_data("p256.rc2.pem"),
            DecryptError::Cipher(Cipher::Rc2),
            "RC2",
        ),
        ("gcm", gcm, DecryptError::Cipher(Cipher::AesGcm), "AES-GCM"),
        (
            "camellia",
            key_data("p256.camellia.pem"),
            DecryptError::Cipher(Cipher::Other("1.2.392.200011.61.1.1.1.4".into())),
            "the cipher 1.2.392",
        ),
        (
            "pkcs#12",
            key_data("p256.pbe-3des.pem"),
            DecryptError::OldScheme("1.2.840.113549.1.12.1.3".into()),
            "wanted PBES2",
        ),
        (
            "pbes1",
            key_data("p256.pbe-md5-des.pem"),
            DecryptError::OldScheme("1.2.840.113549.1.5.3".into()),
            "outdated",
        ),
        (
            "scheme",
            scheme,
            DecryptError::OtherScheme("1.2.42.42.42.42.42.42.42.42".into()),
            "the encryption scheme",
        ),
        (
            "derivation",
            derivation,
            DecryptError::Derivation("1.2.840.113549.1.5.99".into()),
            "wanted PBKDF2 or scrypt",
        ),
        (
            "function",
            key_data("p256.prf-sha512-256.pem"),
            DecryptError::Function("1.2.840.113549.2.13".into()),
            "wanted HMAC",
        ),
    ];
    let mut messages = Vec::new();
    for (what, file, expected, says) in table {
        let error = refused(&file, PASSPHRASE);
        assert_eq!(error, expected, "{what}");
        assert!(error.to_string().contains(says), "{what}: {error}");
        messages.push(error.to_string());
    }
    messages.sort();
    messages.dedup();
    assert_eq!(messages.len(), 10);
    let error = SigningKey::from_encrypted(&key_data("p256.des3.pem"), &passphrase("x"));
    let hint = error.unwrap_err().hint();
    let command = "openssl pkey -in FILE -aes-256-cbc -out OUT";
    assert_eq!(hint.as_deref(), Some(command));
}

#[test]
fn a_key_of_another_kind_inside_is_refused_by_its_name() {
    for (name, says) in [
        ("rsa2048.encrypted.pem", "found an RSA key"),
        ("p384.encrypted.pem", "found a key on the curve P-384"),
    ] {
        let error = SigningKey::from_encrypted(&key_data(name), &passphrase(PASSPHRASE));
        let error = error.unwrap_err().to_string();
        assert!(error.contains(says), "{name}: {error}");
    }
    let error = PublicKey::from_bytes(&key_data("p256.scrypt.pem")).unwrap_err();
    assert!(matches!(error, KeyError::PrivateNotPublic));
    let bare = STANDARD.encode(key_data("p256.scrypt.der"));
    let error = SigningKey::from_encrypted(bare.as_bytes(), &passphrase(PASSPHRASE)).unwrap_err();
    assert!(matches!(error, KeyError::NoBeginLine { .. }), "{error:?}");
}

#[test]
fn work_that_only_an_attacker_asks_for_is_refused_before_it_is_done() {
    let begin = std::time::Instant::now();
    let file = key_data("p256.iterations.pem");
    assert_eq!(refused(&file, PASSPHRASE), DecryptError::Iterations);
    let message = DecryptError::Iterations.to_string();
    assert!(message.contains("10000000 iterations"), "{message}");

    // 128 N r is 2 GiB and more; then few bytes, but very often.
    for file in [
        scrypt([0x40, 0x00], 0x7f, 0x7f),
        scrypt([0x40, 0x00], 16, 0x7f),
    ] {
        assert_eq!(refused(&file, PASSPHRASE), DecryptError::ScryptCost);
    }
    let message = DecryptError::ScryptCost.to_string();
    assert!(message.contains("256 MiB"), "{message}");

    // Numbers that do not fit into anything.
    let long = patched(
        &key_data("p256.scrypt.der"),
        &[2, 2, 4, 0, 2, 1, 8, 2, 1, 16],
        &[2, 8, 0x40, 0, 0, 0, 0, 0, 0, 0],
    );
    assert_eq!(refused(&long, PASSPHRASE), DecryptError::Damaged);
    assert!(begin.elapsed().as_secs() < 5);
}

#[test]
fn parameters_that_are_no_good_are_refused() {
    let pbkdf2 = der("p256.encrypted.pem");
    let iterations = |bytes: [u8; 2]| patched(&pbkdf2, &[2, 2, 8, 0], &[2, 2, bytes[0], bytes[1]]);
    for (what, file) in [
        ("N of 0", scrypt([0, 0], 8, 16)),
        ("N of 1", scrypt([0, 1], 8, 16)),
        ("N of no power of two", scrypt([4, 1], 8, 16)),
        ("negative N", scrypt([0x80, 0], 8, 16)),
        ("r of 0", scrypt([4, 0], 0, 16)),
        ("p of 0", scrypt([4, 0], 8, 0)),
        ("no iteration", iterations([0, 0])),
        ("negative iterations", iterations([0x80, 0])),
        ("half a block", {
            let mut cut = pbkdf2[..pbkdf2.len() - 8].to_vec();
            let data = cut.len() - 136 - 2;
            assert_eq!(cut[data], 0x81);
            cut[data + 1] = 136;
            cut[2] -= 8;
            cut
        }),
    ] {
        assert_eq!(refused(&file, PASSPHRASE), DecryptError::Damaged, "{what}");
    }
}

#[test]
fn a_key_that_is_written_encrypted_is_read_again_and_opened_by_openssl() {
    let secret = "p\u{e4}ss phrase";
    let pem = key().to_encrypted_pem(&passphrase(secret)).unwrap();
    assert!(pem.starts_with("-----BEGIN ENCRYPTED PRIVATE KEY-----\n"));
    let read = SigningKey::from_encrypted(pem.as_bytes(), &passphrase(secret)).unwrap();
    assert_eq!(read.scalar(), key().scalar());
    assert_eq!(
        refused(pem.as_bytes(), "other"),
        DecryptError::WrongPassphrase
    );
    let again = key().to_encrypted_pem(&passphrase(secret)).unwrap();
    assert_ne!(pem, again, "a salt is never used twice");

    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), &pem).unwrap();
    let openssl = Command::new("openssl")
        .args(["pkey", "-passin", "env:PASS", "-pubout", "-in"])
        .arg(file.path())
        .env("PASS", secret)
        .output();
    // Where there is no openssl, the vectors above have to do.
    if let Ok(output) = openssl {
        assert_eq!(output.stdout, key_data("p256.pub.pem"), "{output:?}");
    }
}

// Passphrases.

fn read(source: &PassphraseSource) -> Result<Vec<Warning>, KeyError> {
    source.read().map(|(_, warnings)| warnings)
}

/// Opens a key with what the source gives.
fn opens(source: &PassphraseSource) -> bool {
    SigningKey::from_file_with(&path("p256.scrypt.der"), Some(source)).is_ok()
}

#[test]
fn one_line_end_after_a_passphrase_is_no_part_of_it() {
    for (content, fits) in [
        ("test", true),
        ("test\n", true),
        ("test\r\n", true),
        ("test\n\n", false),
        ("test\r", false),
        (" test\n", false),
        ("test \n", false),
    ] {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        file.write_all(content.as_bytes()).unwrap();
        let sources = [
            PassphraseSource::File(file.path().into()),
            PassphraseSource::Fd(file.as_raw_fd()),
        ];
        for source in sources {
            assert_eq!(opens(&source), fits, "{content:?} {source:?}");
        }
    }
}

#[test]
fn a_descriptor_is_read_to_its_end_and_once_for_all_keys() {
    let (reader, mut writer) = std::io::pipe().unwrap();
    let source = PassphraseSource::Fd(reader.as_raw_fd());
    for part in ["te", "st", "\n"] {
        writer.write_all(part.as_bytes()).unwrap();
    }
    drop(writer);
    let mut shared = Passphrases::default();
    for name in ["p256.scrypt.der", "p256.encrypted.pem"] {
        SigningKey::from_file_among(&path(name), Some(&source), &mut shared).unwrap();
    }
    let error = read(&source).unwrap_err();
    assert!(
        error.to_string().contains("gives an empty passphrase"),
        "{error}"
    );
}

#[test]
fn a_passphrase_that_cannot_be_had_is_refused_by_its_source() {
    let workdir = Workdir::new();
    workdir.write("empty", "");
    workdir.write("line", "\n");
    workdir.write("long", "x".repeat(MAX_PASSPHRASE_BYTES + 1));
    let file = |name: &str| PassphraseSource::File(workdir.path(name));
    for (source, says) in [
        (file("empty"), "empty gives an empty passphrase"),
        (file("line"), "line gives an empty passphrase"),
        (file("long"), "gives more than 1024 bytes"),
        (
            file("absent"),
            "cannot read the passphrase from the passphrase file",
        ),
        (PassphraseSource::Fd(4095), "the file descriptor 4095"),
        (
            PassphraseSource::Env("CAMPAIGN_SIGNER_TEST_NOT_SET".into()),
            "CAMPAIGN_SIGNER_TEST_NOT_SET, which should hold the passphrase, is not set",
        ),
        (
            PassphraseSource::Env("hunter2!".into()),
            "the name given for the passphrase's environment variable is none",
        ),
    ] {
        let error = read(&source).unwrap_err();
        assert!(matches!(error, KeyError::Passphrase(_)), "{error:?}");
        let shown = format!("{error} {error:?} {:?}", error.hint());
        assert!(error.to_string().contains(says), "{error}");
        assert!(!shown.contains("hunter2"), "{shown}");
    }
    workdir.write("longest", "x".repeat(MAX_PASSPHRASE_BYTES) + "\r\n");
    read(&file("longest")).unwrap();
    assert!(matches!(
        Passphrase::from_bytes(b"").err(),
        Some(KeyError::Passphrase(PassphraseError::Empty { .. }))
    ));
}

#[test]
fn a_passphrase_file_that_others_can_use_is_warned_of() {
    let workdir = Workdir::new();
    workdir.write("phrase", "test\n");
    let source = PassphraseSource::File(workdir.path("phrase"));
    for (mode, warned) in [(0o600, 0), (0o440, 0), (0o644, 1), (0o620, 1)] {
        workdir.mode("phrase", mode);
        let warnings = read(&source).unwrap();
        assert_eq!(warnings.len(), warned, "{mode:o}");
        for warning in warnings {
            let says = warning.to_string();
            assert!(says.starts_with("the passphrase file "), "{says}");
            assert!(says.contains(&format!("{mode:04o}")), "{says}");
        }
    }
}

#[test]
fn no_error_shows_a_passphrase_or_what_it_opens() {
    let secret = "correct-horse-battery";
    let file = key().to_encrypted_pem(&passphrase(secret)).unwrap();
    let wrong = "wrong-horse-battery";
    let error = SigningKey::from_encrypted(file.as_bytes(), &passphrase(wrong)).unwrap_err();
    let shown = format!("{error} {error:?} {:?}", error.hint());
    assert!(!shown.contains("horse"), "{shown}");
    let source = PassphraseSource::Env("A_NAME".into());
    assert_eq!(format!("{source:?}"), "Env(\"A_NAME\")");
}

// The command line.

/// Runs the program with a variable `PASS` in its environment.
fn with_variable(workdir: &Workdir, arguments: &str, value: &str) -> (Option<i32>, String, String) {
    let arguments: Vec<&str> = arguments.split_whitespace().collect();
    let output = workdir
        .command(&arguments)
        .env("PASS", value)
        .stdin(Stdio::null())
        .output()
        .unwrap();
    (
        output.status.code(),
        String::from_utf8(output.stdout).unwrap(),
        String::from_utf8(output.stderr).unwrap(),
    )
}

fn encrypted_workdir() -> Workdir {
    let workdir = Workdir::new();
    for name in ["p256.scrypt.pem", "p256.des3.pem"] {
        workdir.write(name, key_data(name));
        workdir.mode(name, 0o600);
    }
    for (name, text) in [("phrase", "test\n"), ("wrong", "tset\n"), ("empty", "")] {
        workdir.write(name, text);
        workdir.mode(name, 0o600);
    }
    workdir
}

#[test]
fn key_opens_an_encrypted_key_by_each_source() {
    let workdir = encrypted_workdir();
    let public = workdir.text("pub.pem");
    workdir
        .run("key p256.scrypt.pem --passphrase-file phrase")
        .exit(0)
        .prints(&public);
    let arguments = ["key", "p256.scrypt.pem", "--passphrase-fd", "0"];
    let run = workdir.run_with(&arguments, b"test\n");
    run.exit(0).prints(&public);
    let arguments = "key p256.scrypt.pem --passphrase-env PASS";
    let (code, printed, said) = with_variable(&workdir, arguments, "test");
    assert_eq!(code, Some(0), "{said}");
    assert!(printed.contains(&public));
    assert!(said.contains("encrypted"), "{said}");
}

#[test]
fn key_says_what_is_wrong_with_a_passphrase() {
    let workdir = encrypted_workdir();
    for (arguments, code, says) in [
        ("key p256.scrypt.pem", 3, "no passphrase is given"),
        (
            "key p256.scrypt.pem --passphrase-file wrong",
            3,
            "does not open",
        ),
        (
            "key p256.scrypt.pem --passphrase-file empty",
            3,
            "empty passphrase",
        ),
        ("key p256.scrypt.pem --passphrase-file absent", 3, "absent"),
        (
            "key p256.scrypt.pem --passphrase-fd 0",
            3,
            "empty passphrase",
        ),
        (
            "key p256.scrypt.pem --passphrase-env CS_NOT_SET",
            3,
            "is not set",
        ),
        ("key p256.des3.pem --passphrase-file phrase", 3, "3DES"),
        (
            "key p256.scrypt.pem --passphrase-file phrase --passphrase-fd 0",
            2,
            "cannot be used with",
        ),
        ("key p256.scrypt.pem --passphrase-fd -1", 2, "-1"),
        (
            "key --secret-file secret.txt --passphrase-file phrase",
            2,
            "passphrase",
        ),
    ] {
        let run = workdir.run(arguments);
        run.exit(code).says(says);
        for secret in ["tset", "test\n"] {
            run.expect(!run.stderr.contains(secret), "no passphrase is shown");
        }
    }
    for arguments in ["key absent", "key p256.scrypt.pem --passphrase-file absent"] {
        let run = workdir.run(arguments);
        run.expect(run.stderr.matches("os error").count() == 1, "said once");
    }
    let run = workdir.run("key key.pem --passphrase-file phrase");
    run.exit(0)
        .warns("is not encrypted; the passphrase was not needed");
}

#[test]
fn sign_and_verify_open_an_encrypted_key() {
    let workdir = encrypted_workdir();
    let template = workdir.run("template aak-impression");
    workdir.write("rows.csv", &template.exit(0).stdout);
    let sign = "sign -f aak-impression -k p256.scrypt.pem -o out.ndjson rows.csv";
    workdir.run(sign).exit(3).says("no passphrase is given");
    workdir
        .run(&format!("{sign} --passphrase-file wrong"))
        .exit(3)
        .says("does not open");
    assert!(!workdir.exists("out.ndjson"));
    workdir
        .run(&format!("{sign} --passphrase-file phrase"))
        .exit(0);
    let verify = "verify --key p256.scrypt.pem out.ndjson";
    workdir.run(verify).exit(3).says("no passphrase is given");
    workdir
        .run(&format!("{verify} --passphrase-file phrase"))
        .exit(0);
    workdir
        .run("verify --public-key pub.pem out.ndjson")
        .exit(0);
    for arguments in [
        "verify --public-key pub.pem --passphrase-file phrase out.ndjson",
        "sign -f impact-user-jwt --secret-file secret.txt --passphrase-file phrase -o o.ndjson rows.csv",
    ] {
        let run = workdir.run(arguments);
        run.exit(2).says("no encrypted key");
    }
}

#[test]
fn a_passphrase_and_rows_do_not_share_standard_input() {
    let workdir = encrypted_workdir();
    let arguments = "sign -f aak-impression -k p256.scrypt.pem --passphrase-fd 0 -o out.ndjson \
                     --input-format csv -";
    workdir.run(arguments).exit(2).says("standard input");
    let arguments = "verify -k p256.scrypt.pem --passphrase-fd 0 -";
    workdir.run(arguments).exit(2).says("standard input");
}

#[test]
fn keygen_encrypts_a_new_key() {
    let workdir = encrypted_workdir();
    workdir
        .run("keygen -o new.pem --encrypt --passphrase-file phrase")
        .exit(0);
    let file = workdir.text("new.pem");
    assert!(file.starts_with("-----BEGIN ENCRYPTED PRIVATE KEY-----\n"));
    assert_eq!(workdir.mode_of("new.pem"), 0o600);
    workdir.run("key new.pem").exit(3);
    let run = workdir.run("key new.pem --passphrase-file phrase");
    run.exit(0).prints(&workdir.text("new.pub.pem"));

    let before = workdir.files();
    for (arguments, says) in [
        ("keygen -o other.pem --encrypt", "passphrase"),
        ("keygen -o other.pem --passphrase-file phrase", "--encrypt"),
    ] {
        workdir.run(arguments).exit(2).says(says);
    }
    let run = workdir.run("keygen -o other.pem --encrypt --passphrase-file empty");
    run.exit(3).says("empty passphrase");
    assert_eq!(workdir.files(), before);
}

// Whatever comes.

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn a_changed_encrypted_file_is_read_without_a_panic(
        which in 0_usize..3,
        edits in prop::collection::vec((any::<prop::sample::Index>(), 0_u8..3, any::<u8>()), 1..4),
    ) {
        let mut file = match which {
            0 => der("p256.pbkdf2-sha1-aes128.pem"),
            1 => key_data("p256.scrypt.der"),
            _ => key_data("p256.encrypted.pem"),
        };
        for (at, what, value) in edits {
            // What stands before the data: the parameters.
            let at = at.index(file.len().min(110));
            match what {
                0 => file[at] = value,
                1 => file.insert(at, value),
                _ => drop(file.remove(at)),
            }
        }
        if let Err(error) = SigningKey::from_encrypted(&file, &passphrase(PASSPHRASE)) {
            let _ = (error.to_string(), error.hint());
        }
    }
}

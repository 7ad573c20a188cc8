//! Key rings: what `keys.toml` may say, every refusal with its line, which
//! entries meet, when keys are valid, and what `key check` shows of it all.

#![allow(clippy::unwrap_used)]

mod workdir;

use std::collections::BTreeSet;
use std::io::Write as _;
use std::os::fd::AsRawFd as _;

use campaign_signer::format::{Alg, FORMATS, KeyUse};
use campaign_signer::ring::{
    self, KeyRing, Match, RingError, RingKey, RingWarning, Survey, Validity,
};
use serde_json::Value;

use workdir::{SECRET, Workdir, key_data};

/// The fingerprint of the `p256.*` test keys.
const FINGERPRINT: &str = "gNE5kRvpOFKNvhnCReZbbboW2Ypk6guuOWDTnmO4J5E";

/// 2026-01-01T00:00:00Z.
const NEW_YEAR: u64 = 1_767_225_600_000;
const DAY: u64 = 86_400_000;

/// A folder with `key.pem`, `encrypted.pem` (its passphrase in `phrase`) and
/// `secret.txt`.
fn folder() -> Workdir {
    let workdir = Workdir::new();
    workdir.write("encrypted.pem", key_data("p256.scrypt.pem"));
    workdir.write("phrase", "test\n");
    workdir.write("wrong", "another\n");
    for name in ["encrypted.pem", "phrase", "wrong"] {
        workdir.mode(name, 0o600);
    }
    workdir
}

fn load(workdir: &Workdir, text: &str) -> Result<KeyRing, RingError> {
    workdir.write("keys.toml", text);
    KeyRing::load(&workdir.path("keys.toml"))
}

fn survey(workdir: &Workdir, text: &str) -> Survey {
    workdir.write("keys.toml", text);
    ring::survey(&workdir.path("keys.toml")).unwrap()
}

/// The problems without the file's name: `LINE:COLUMN: words`.
fn problems(workdir: &Workdir, text: &str) -> Vec<String> {
    let survey = survey(workdir, text);
    let name = format!("{}:", survey.path.display());
    let lines = survey.problems.iter().map(|p| p.line_in(&survey.path));
    lines
        .map(|line| line.strip_prefix(&name).unwrap().to_owned())
        .collect()
}

/// An entry that is good, with more lines.
fn entry(id: &str, more: &str) -> String {
    format!("[[key]]\nid = \"{id}\"\nfile = \"key.pem\"\nfamilies = [\"ad-network\"]\n{more}\n")
}

// What is read.

#[test]
fn everything_an_entry_can_say_is_read() {
    let workdir = folder();
    let base64 = campaign_signer::key::PublicKey::from_bytes(&key_data("p256.pub.pem"))
        .unwrap()
        .spki_base64();
    let pem = workdir.text("pub.pem");
    let ring = load(
        &workdir,
        &format!(
            r#"
            # A comment.
            [[key]]
            id = "net-a"
            file = "encrypted.pem"
            passphrase-file = "phrase"
            families = ["ad-network", "app-store", "ad-network"]
            ad-network-ids = ["a.skadnetwork", "a.adattributionkit"]
            bundle-ids = ["com.example.app"]
            key-ids = ["ABC1234567"]
            account-sids = ["IR1"]
            column = {{ name = "network", values = ["a", "b"] }}
            key-id = "ABC1234567"
            public-key = "{base64}"
            not-before = 2026-01-01
            not-after = 2026-12-31

            [[key]]
            id = "plain"
            file = "key.pem"
            families = ["app-store"]
            public-key = """
{pem}"""
            [[key]]
            id = "tokens"
            secret-file = "secret.txt"
            families = ["impact"]
            "#
        ),
    )
    .unwrap();
    let [net, plain, tokens] = &ring.entries[..] else {
        panic!("{ring:?}");
    };
    assert_eq!((net.id.as_str(), net.line), ("net-a", 3));
    assert_eq!(net.uses, [KeyUse::AdNetwork, KeyUse::InAppPurchase]);
    let of = |values: &[&str]| values.iter().map(|&v| v.to_owned()).collect::<Vec<_>>();
    assert_eq!(
        net.matches,
        [
            Match::AdNetwork(of(&["a.skadnetwork", "a.adattributionkit"])),
            Match::Bundle(of(&["com.example.app"])),
            Match::KeyId(of(&["ABC1234567"])),
            Match::Account(of(&["IR1"])),
            Match::Column {
                name: "network".into(),
                values: of(&["a", "b"])
            },
        ]
    );
    assert_eq!(net.key_id.as_deref(), Some("ABC1234567"));
    assert_eq!(net.not_before, Some(NEW_YEAR));
    assert_eq!(net.not_after, Some(NEW_YEAR + 365 * DAY));
    assert_eq!(net.file, workdir.path("encrypted.pem"));
    assert_eq!(net.key.alg(), Alg::Es256);
    assert_eq!(net.key.fingerprint(), FINGERPRINT);
    assert_eq!(net.key.public_key(), Some(base64));
    assert!(net.warnings.is_empty(), "{:?}", net.warnings);

    assert_eq!(plain.matches, []);
    assert_eq!((plain.not_before, plain.not_after), (None, None));
    match &tokens.key {
        RingKey::Hs256(secret) => assert_eq!(secret.bytes(), SECRET.as_bytes()),
        other => panic!("{other:?}"),
    }
    assert_eq!(tokens.key.public_key(), None);
}

#[test]
fn every_format_has_a_family_and_every_family_a_key() {
    let workdir = folder();
    for format in FORMATS {
        let family = format.key.family();
        assert_eq!(KeyUse::of_family(family), Some(format.key));
        let file = match format.alg() {
            Alg::Es256 => "file = \"key.pem\"",
            Alg::Hs256 => "secret-file = \"secret.txt\"",
        };
        let text = format!("[[key]]\nid = \"a\"\n{file}\nfamilies = [\"{family}\"]\n");
        let ring = load(&workdir, &text).unwrap();
        assert_eq!(ring.entries[0].uses, [format.key], "{}", format.id);
    }
    let names: BTreeSet<_> = KeyUse::ALL.iter().map(|of| of.family()).collect();
    assert_eq!(names.len(), KeyUse::ALL.len());
}

#[test]
fn paths_count_from_the_ring_and_not_from_where_one_stands() {
    let workdir = folder();
    std::fs::create_dir_all(workdir.path("ring/keys")).unwrap();
    workdir.write("ring/keys/a.pem", key_data("p256.scrypt.pem"));
    workdir.write("ring/keys/phrase", "test");
    workdir.write(
        "ring/keys.toml",
        "[[key]]\nid = \"a\"\nfile = \"keys/a.pem\"\npassphrase-file = \"keys/phrase\"\n\
         families = [\"ad-network\"]\n",
    );
    workdir.run("key check ring/keys.toml").exit(0);
}

#[test]
fn each_source_of_a_passphrase_opens_a_key_and_a_descriptor_several() {
    let workdir = folder();
    let (reader, mut writer) = std::io::pipe().unwrap();
    writer.write_all(b"test\n").unwrap();
    drop(writer);
    let fd = reader.as_raw_fd();
    let encrypted = |id: &str| {
        entry(
            id,
            &format!("passphrase-fd = {fd}\nad-network-ids = [\"{id}\"]"),
        )
        .replace("key.pem", "encrypted.pem")
    };
    let ring = load(&workdir, &(encrypted("a") + &encrypted("b"))).unwrap();
    assert_eq!(ring.entries.len(), 2);

    let text = entry("a", "passphrase-env = \"PASS\"").replace("key.pem", "encrypted.pem");
    workdir.write("keys.toml", text);
    for (value, code) in [(Some("test"), 0), (Some("other"), 3), (None, 3)] {
        let mut command = workdir.command(&["key", "check", "keys.toml"]);
        command.env_remove("PASS");
        if let Some(value) = value {
            command.env("PASS", value);
        }
        assert_eq!(
            command.output().unwrap().status.code(),
            Some(code),
            "{value:?}"
        );
    }
}

#[test]
fn times_are_dates_or_rfc_3339_as_toml_or_as_text() {
    let workdir = folder();
    for (written, not_before, not_after) in [
        ("2026-01-01", NEW_YEAR, NEW_YEAR + DAY),
        ("\"2026-01-01\"", NEW_YEAR, NEW_YEAR + DAY),
        ("2026-01-01T00:00:00Z", NEW_YEAR, NEW_YEAR),
        ("\"2026-01-01T00:00:00Z\"", NEW_YEAR, NEW_YEAR),
        ("2026-01-01 01:30:00+01:30", NEW_YEAR, NEW_YEAR),
        ("2026-01-01T00:00:00.25Z", NEW_YEAR + 250, NEW_YEAR + 250),
    ] {
        let text = entry("a", &format!("not-before = {written}"));
        let ring = load(&workdir, &text).unwrap();
        assert_eq!(ring.entries[0].not_before, Some(not_before), "{written}");
        let text = entry("a", &format!("not-after = {written}"));
        let ring = load(&workdir, &text).unwrap();
        assert_eq!(ring.entries[0].not_after, Some(not_after), "{written}");
    }
}

#[test]
fn a_key_is_valid_from_its_first_moment_to_before_its_last() {
    let workdir = folder();
    let text = entry("a", "not-before = 2026-01-01\nnot-after = 2026-01-01");
    let ring = load(&workdir, &text).unwrap();
    let (from, since) = (NEW_YEAR, NEW_YEAR + DAY);
    for (at, expected) in [
        (NEW_YEAR - 1, Validity::NotYet { from }),
        (NEW_YEAR, Validity::Valid),
        (NEW_YEAR + DAY - 1, Validity::Valid),
        (NEW_YEAR + DAY, Validity::Expired { since }),
    ] {
        assert_eq!(ring.entries[0].validity(at), expected, "{at}");
    }
    let ring = load(&workdir, &entry("a", "")).unwrap();
    assert_eq!(ring.entries[0].validity(0), Validity::Valid);
    assert_eq!(ring.entries[0].validity(u64::MAX), Validity::Valid);
}

#[test]
fn a_vendors_file_name_tells_the_keys_id() {
    let workdir = folder();
    for format in FORMATS {
        let Some((right, wrong)) = format.key.file_names() else {
            continue;
        };
        let entry = |name: &str, more: &str| {
            workdir.write(name, key_data("p256.pkcs8.pem"));
            workdir.mode(name, 0o600);
            let family = format.key.family();
            let text = format!(
                "[[key]]\nid = \"a\"\nfile = \"{name}\"\nfamilies = [\"{family}\"]\n{more}\n"
            );
            load(&workdir, &text).unwrap().entries.remove(0)
        };
        let named = entry(&format!("{right}ABC1234567.p8"), "");
        assert_eq!(named.key_id.as_deref(), Some("ABC1234567"));
        assert_eq!(named.warnings, []);
        let given = entry(&format!("{right}ABC1234567.p8"), "key-id = \"OTHER\"");
        assert_eq!(given.key_id.as_deref(), Some("OTHER"));
        assert!(given.warnings[0].to_string().contains("is not the id"));
        let other = entry(&format!("{wrong}ABC1234567.p8"), "");
        assert_eq!(other.key_id, None);
        assert_eq!(
            other.warnings,
            [RingWarning::OtherFileName { wrong, right }]
        );
    }
}

// What is refused.

#[test]
fn every_refusal_names_its_line_the_entry_and_what_is_wrong() {
    let workdir = folder();
    workdir.write("p384.pem", key_data("p384.pkcs8.pem"));
    workdir.write("des3.pem", key_data("p256.des3.pem"));
    workdir.write("rsa.pub", key_data("rsa2048.pub.pem"));
    let impact = "[[key]]\nid = \"a\"\nsecret-file = \"secret.txt\"\nfamilies = [\"impact\"]\n";
    let encrypted = entry("a", "").replace("key.pem", "encrypted.pem");
    let table: Vec<(String, &str)> = vec![
        (String::new(), "1:1: there is no [[key]]"),
        ("key = []".into(), "1:7: there is no [[key]]"),
        ("key = 1".into(), "1:7: key is a number; wanted entries"),
        ("key = [1]".into(), "1:8: key is a number; wanted entries"),
        (
            "[key]\nid = \"a\"".into(),
            "1:1: key is a table; wanted entries",
        ),
        ("[[key]\nid = 1".into(), "no TOML"),
        (entry("a", "id = \"b\""), "no TOML: duplicate key"),
        (entry("a", "passphrase-env = \"hunter2"), "no TOML"),
        (entry("a", "passphrase = hunter2"), "no TOML"),
        (
            format!("[[keys]]\nid = \"x\"\n{}", entry("a", "")),
            "1:3: unknown key \"keys\"; did you mean key?",
        ),
        (
            entry("a", "ad_network_id = [\"x\"]"),
            "5:1: key \"a\": unknown key \"ad_network_id\"; did you mean ad-network-ids?",
        ),
        (
            entry("a", "colour = 1"),
            "5:1: key \"a\": unknown key \"colour\"",
        ),
        (
            entry("a", "passphrase = \"hunter2\""),
            "5:1: key \"a\": \"passphrase\" has no place in a key ring",
        ),
        (
            "[[key]]\nfile = \"key.pem\"\nfamilies = [\"ad-network\"]".into(),
            "1:1: id is missing",
        ),
        (
            "[[key]]\nid = \"a\"\nfamilies = [\"ad-network\"]".into(),
            "1:1: key \"a\": file is missing",
        ),
        (
            "[[key]]\nid = \"a\"\nfamilies = [\"impact\"]".into(),
            "1:1: key \"a\": secret-file is missing",
        ),
        (
            "[[key]]\nid = \"a\"\nfile = \"key.pem\"".into(),
            "1:1: key \"a\": families is missing",
        ),
        (entry("", ""), "2:6: id is empty"),
        (entry("a\\u001b", ""), "2:6: id has a control character"),
        (
            entry("a", "").replace("\"a\"", "7"),
            "2:6: id is a number; wanted a text in quotes",
        ),
        (
            entry("a", "bundle-ids = \"x\""),
            "5:14: key \"a\": bundle-ids is a text; wanted a list",
        ),
        (
            entry("a", "bundle-ids = []"),
            "5:14: key \"a\": bundle-ids is empty",
        ),
        (
            entry("a", "bundle-ids = [\"\"]"),
            "5:15: key \"a\": a value of bundle-ids is empty",
        ),
        (
            entry("a", "key-ids = [\"x\", 1.5]"),
            "5:17: key \"a\": a value of key-ids is a number with a point",
        ),
        (
            entry("a", "column = \"network\""),
            "5:10: key \"a\": column is a text; wanted a table",
        ),
        (
            entry("a", "column = { name = \"n\" }"),
            "5:10: key \"a\": values is missing",
        ),
        (
            entry("a", "column = { values = [\"n\"], nam = \"x\" }"),
            "unknown key \"nam\"; did you mean name?",
        ),
        (
            entry("a", "").replace("ad-network", "ad-networks"),
            "4:12: key \"a\": there is no family \"ad-networks\"; did you mean ad-network?; there \
             are ad-network, app-store, impact",
        ),
        (
            entry("a", "").replace("\"ad-network\"", "\"ad-network\", \"impact\""),
            "4:12: key \"a\": ad-network is signed with the ad network's P-256 key, but impact \
             with the account's Auth Token",
        ),
        (
            entry("a", "").replace("ad-network", "impact"),
            "3:8: key \"a\": impact is signed with the account's Auth Token (a shared secret); \
             wanted secret-file, not file",
        ),
        (
            impact.replace("impact", "app-store"),
            "3:15: key \"a\": app-store is signed with the In-App Purchase key of App Store \
             Connect; wanted file, not secret-file",
        ),
        (
            entry("a", "secret-file = \"secret.txt\""),
            "5:15: key \"a\": both file and secret-file are given",
        ),
        (
            entry("a", "passphrase-file = \"phrase\"\npassphrase-fd = 0"),
            "6:17: key \"a\": both passphrase-file and passphrase-fd are given",
        ),
        (
            format!("{impact}passphrase-env = \"X\""),
            "5:18: key \"a\": passphrase-env has no meaning beside secret-file",
        ),
        (
            format!("{impact}public-key = \"X\""),
            "public-key has no meaning beside secret-file",
        ),
        (
            entry("a", "passphrase-fd = -1"),
            "5:17: key \"a\": passphrase-fd is a number; wanted a whole number from 0 on",
        ),
        (
            entry("a", "passphrase-fd = \"hunter2\""),
            "passphrase-fd is a text; wanted a whole number",
        ),
        (
            entry("a", "not-before = \"soon\""),
            "5:14: key \"a\": not-before is no time; wanted a date",
        ),
        (
            entry("a", "not-after = 12:00:00"),
            "5:13: key \"a\": not-after is no time",
        ),
        (entry("a", "not-after = 1969-12-30"), "not-after is no time"),
        (
            entry("a", "not-after = 1767225600"),
            "not-after is a number; wanted a date or a time",
        ),
        (
            entry("a", "not-after = 2026-01-01T00:00:00"),
            "not-after has no offset from UTC",
        ),
        (
            entry("a", "not-before = 2026-02-01\nnot-after = 2026-01-31"),
            "6:13: key \"a\": not-after is not later than not-before",
        ),
        (
            entry("a", "").replace("key.pem", "absent.pem"),
            "3:8: key \"a\": cannot read the key file",
        ),
        (
            entry("a", "").replace("key.pem", "p384.pem"),
            "found a key on the curve P-384",
        ),
        (
            entry("a", "").replace("key.pem", "pub.pem"),
            "found a public key; wanted",
        ),
        (encrypted.clone(), "no passphrase is given"),
        (
            format!("{encrypted}passphrase-file = \"wrong\""),
            "3:8: key \"a\": ",
        ),
        (
            format!("{encrypted}passphrase-file = \"wrong\""),
            "the passphrase does not open the encrypted private key",
        ),
        (
            format!("{encrypted}passphrase-file = \"absent\""),
            "cannot read the passphrase from the passphrase file",
        ),
        (
            format!("{encrypted}passphrase-env = \"CS_TEST_NOT_SET\""),
            "the environment variable CS_TEST_NOT_SET, which should hold the passphrase, is not",
        ),
        (
            format!("{encrypted}passphrase-env = \"hunter2!\""),
            "the name given for the passphrase's environment variable is none",
        ),
        (
            entry("a", "passphrase-file = \"phrase\"").replace("key.pem", "des3.pem"),
            "encrypted with 3DES",
        ),
        (
            impact.replace("secret.txt", "key.pem"),
            "found a PEM file; wanted a shared secret",
        ),
        (
            entry("a", "public-key = \"nonsense\""),
            "5:14: key \"a\": public-key: found bytes of no kind that is known",
        ),
        (
            entry("a", "public-key = '''\nPEM'''").replace(
                "PEM",
                &String::from_utf8(key_data("p256.pkcs8.pem")).unwrap(),
            ),
            "public-key: found a private key",
        ),
    ];
    for (text, expected) in table {
        let found = problems(&workdir, &text);
        assert!(
            found.iter().any(|line| line.contains(expected)),
            "{text}\nwanted {expected}\nfound {found:#?}"
        );
        let error = load(&workdir, &text).unwrap_err();
        let shown = format!("{error} {error:?} {:?}", error.hint());
        assert!(!shown.contains("hunter2"), "{shown}");
        assert!(!shown.contains("another"), "{shown}");
        if found.len() == 1 {
            assert_eq!(error.to_string().lines().count(), 1, "{error}");
        }
    }
}

#[test]
fn a_ring_that_cannot_be_read_is_refused_by_its_name() {
    let workdir = folder();
    for (bytes, says) in [
        (
            &b"[[key]]\nid = \"\xff\""[..],
            "keys.toml:2:7: this is not UTF-8",
        ),
        (&[b'#'; ring::MAX_RING_BYTES + 1], "which no key ring has"),
    ] {
        workdir.write("keys.toml", bytes);
        let error = KeyRing::load(&workdir.path("keys.toml")).unwrap_err();
        assert!(error.to_string().contains(says), "{error}");
    }
    let error = KeyRing::load(&workdir.path("absent.toml")).unwrap_err();
    assert!(error.to_string().contains("absent.toml"), "{error}");
    assert!(matches!(error, RingError::Io { .. }));
}

#[test]
fn a_registered_key_that_is_another_is_refused_with_both_fingerprints() {
    let workdir = folder();
    let other = campaign_signer::key::SigningKey::generate()
        .unwrap()
        .public_key();
    let text = entry("a", &format!("public-key = \"{}\"", other.spki_base64()));
    let found = problems(&workdir, &text);
    assert_eq!(found.len(), 1, "{found:?}");
    assert!(found[0].starts_with("5:14: key \"a\": public-key, which is registered"));
    for fingerprint in [FINGERPRINT, &other.fingerprint()] {
        assert!(found[0].contains(fingerprint), "{found:?}");
    }
}

#[test]
fn all_problems_of_a_ring_are_told_together_in_the_order_of_the_file() {
    let workdir = folder();
    let text = [
        entry("a", "colour = 1\nnot-after = 2020-13-01").replace("2020-13-01", "\"x\""),
        entry("b", "").replace("key.pem", "absent.pem"),
        entry("b", "ad-network-ids = [\"x\"]").replace("ad-network\"", "ads\""),
    ]
    .concat();
    let error = load(&workdir, &text).unwrap_err();
    let RingError::Faulty { problems, .. } = &error else {
        panic!("{error:?}");
    };
    let found: Vec<_> = problems
        .iter()
        .map(|problem| (problem.line, problem.id.as_deref()))
        .collect();
    let [a, b] = [Some("a"), Some("b")];
    assert_eq!(found, [(5, a), (6, a), (9, b), (12, b), (15, b)]);
    let shown = error.to_string();
    assert_eq!(shown.lines().count(), 6, "{shown}");
    assert!(shown.starts_with(&format!(
        "{} has 5 problems\n",
        workdir.path("keys.toml").display()
    )));
}

#[test]
fn two_entries_that_always_both_fit_are_refused() {
    let workdir = folder();
    let ids = |ids: &str| format!("ad-network-ids = [{ids}]\n");
    let column = |name: &str, value: &str| {
        format!("column = {{ name = \"{name}\", values = [\"{value}\"] }}\n")
    };
    let year = |first: &str, last: &str| format!("not-before = {first}\nnot-after = {last}\n");
    // What the two say, and how they meet: always, for some rows, or never.
    let (always, some, never) = (2, 1, 0);
    let table = [
        (String::new(), String::new(), always),
        (ids("'x'"), ids("'x'"), always),
        (ids("'x', 'y'"), ids("'y', 'x', 'x'"), always),
        (ids("'x', 'y'"), ids("'y', 'z'"), some),
        (ids("'x'"), ids("'y'"), never),
        (ids("'x'"), String::new(), never),
        (ids("'x'"), "bundle-ids = ['x']\n".into(), never),
        (column("n", "x"), column("n", "x"), always),
        (column("n", "x"), column("m", "x"), never),
        (column("n", "x"), column("n", "y"), never),
        (
            ids("'x'") + &column("n", "x"),
            ids("'x'") + &column("n", "y"),
            never,
        ),
        (
            ids("'x', 'y'") + &column("n", "x"),
            ids("'x'") + &column("n", "x"),
            some,
        ),
        (
            year("2026-01-01", "2026-01-31"),
            year("2026-02-01", "2026-02-28"),
            never,
        ),
        (
            year("2026-01-01", "2026-02-01"),
            year("2026-02-01", "2026-02-28"),
            always,
        ),
        (
            "not-after = 2026-02-01T12:00:00Z\n".into(),
            "not-before = 2026-02-01T12:00:00Z\n".into(),
            never,
        ),
        (
            "not-after = 2026-02-01T12:00:00Z\n".into(),
            String::new(),
            always,
        ),
    ];
    for (one, other, expected) in table {
        for (first, second) in [(&one, &other), (&other, &one)] {
            let text = entry("a", first) + &entry("b", second);
            let survey = survey(&workdir, &text);
            let warned = survey.listed[1].warnings.iter();
            let shared = warned
                .filter(|w| matches!(w, RingWarning::Shared { .. }))
                .count();
            let met = (survey.problems.len(), shared);
            let wanted = [(0, 0), (0, 1), (1, 0)][expected];
            assert_eq!(met, wanted, "{text}\n{:#?}", survey.problems);
            if expected == always {
                let says = survey.problems[0].to_string();
                let wanted =
                    "key \"b\": the entry \"a\" (line 1) takes the same rows of ad-network";
                assert!(says.starts_with(wanted), "{says}");
            }
        }
    }
    // Other families never meet; a family in common is enough.
    let store = entry("b", "").replace("ad-network", "app-store");
    assert_eq!(problems(&workdir, &(entry("a", "") + &store)), [""; 0]);
    let both = entry("b", "").replace("[\"ad", "[\"app-store\", \"ad");
    assert_eq!(problems(&workdir, &(entry("a", "") + &both)).len(), 1);
}

#[test]
fn an_id_is_given_once() {
    let workdir = folder();
    let text = entry("a", "ad-network-ids = ['x']") + &entry("a", "ad-network-ids = ['y']");
    let found = problems(&workdir, &text);
    let wanted = "6:1: key \"a\": the id \"a\" is taken by the entry in line 1";
    assert_eq!(found, [wanted]);
}

#[test]
fn debug_shows_fingerprints_and_no_secret() {
    let workdir = folder();
    let text = entry("a", "")
        + "[[key]]\nid = \"b\"\nsecret-file = \"secret.txt\"\nfamilies = [\"impact\"]\n"
        + &entry("c", "passphrase-file = \"phrase\"\nbundle-ids = [\"x\"]")
            .replace("key.pem", "encrypted.pem");
    let survey = survey(&workdir, &text);
    let ring = load(&workdir, &text).unwrap();
    for shown in [format!("{ring:?} {ring:#?}"), format!("{survey:?}")] {
        assert!(shown.contains(FINGERPRINT));
        let scalar = ["75BD4FA7", "75bd4fa7", "117, 189, 79", "db1Pp6Gr"];
        for secret in scalar.into_iter().chain([&SECRET[..8], "107, 81, 57"]) {
            assert!(!shown.contains(secret), "{shown}");
        }
    }
}

// `key check`.

/// Two keys, one of them with a warning.
fn checked() -> Workdir {
    let workdir = folder();
    workdir.write("short.txt", "short");
    workdir.mode("short.txt", 0o600);
    workdir.write(
        "keys.toml",
        entry(
            "net-a",
            "ad-network-ids = [\"x.skadnetwork\"]\nnot-before = 2026-01-01",
        ) + "[[key]]\nid = \"tokens\"\nsecret-file = \"short.txt\"\nfamilies = [\"impact\"]\n",
    );
    workdir
}

#[test]
fn key_check_prints_a_table_of_what_each_key_is_for() {
    let workdir = checked();
    let run = workdir.run("key check keys.toml");
    run.exit(0);
    let lines: Vec<&str> = run.stdout.lines().collect();
    let row = |line: &str| {
        line.split("  ")
            .map(str::trim)
            .filter(|cell| !cell.is_empty())
            .map(str::to_owned)
            .collect::<Vec<_>>()
    };
    assert_eq!(
        row(lines[0]),
        [
            "id",
            "families",
            "selected by",
            "alg",
            "fingerprint",
            "valid",
            "file",
            "state"
        ]
    );
    assert_eq!(
        row(lines[1]),
        [
            "net-a",
            "ad-network",
            "ad-network-ids: x.skadnetwork",
            "ES256",
            FINGERPRINT,
            "from 2026-01-01T00:00:00Z",
            "key.pem",
            "good"
        ]
    );
    let tokens = row(lines[2]);
    assert_eq!(tokens[..4], ["tokens", "impact", "every row", "HS256"]);
    assert_eq!(tokens[5..], ["always", "short.txt", "1 warning"]);
    run.prints("net-a  MFkwEwYHKoZIzj0CAQYI")
        .prints("tokens: the secret has 5 bytes");
    run.expect(!run.stdout.contains("short\n"), "no secret");
    assert_eq!(run.stderr, "");
}

#[test]
fn key_check_says_the_same_to_machines() {
    let workdir = checked();
    let run = workdir.run("key check --json keys.toml");
    run.exit(0);
    let ring: Value = serde_json::from_str(&run.stdout).unwrap();
    assert_eq!(ring["ok"], true);
    assert_eq!(ring["problems"], serde_json::json!([]));
    let key = &ring["keys"][0];
    assert_eq!(key["id"], "net-a");
    assert_eq!(key["line"], 1);
    assert_eq!(key["families"], serde_json::json!(["ad-network"]));
    assert_eq!(
        key["selectors"],
        serde_json::json!([{ "by": "ad-network-ids", "values": ["x.skadnetwork"] }])
    );
    assert_eq!(key["alg"], "ES256");
    assert_eq!(key["fingerprint"], FINGERPRINT);
    assert_eq!(key["public_key"].as_str().unwrap().len(), 124);
    assert_eq!(key["not_before"], "2026-01-01T00:00:00Z");
    assert_eq!(key["not_after"], Value::Null);
    assert_eq!(ring["keys"][1]["public_key"], Value::Null);
    assert_eq!(ring["keys"][1]["warnings"].as_array().unwrap().len(), 1);

    workdir.write("keys.toml", entry("a", "zzz = 1"));
    let run = workdir.run("key check --json keys.toml");
    run.exit(3);
    let ring: Value = serde_json::from_str(&run.stdout).unwrap();
    assert_eq!(ring["ok"], false);
    let said = ring["keys"][0]["problems"][0].as_str().unwrap();
    assert_eq!(said, "keys.toml:5:1: key \"a\": unknown key \"zzz\"");
}

#[test]
fn key_check_exits_with_3_where_a_key_has_a_problem() {
    let workdir = folder();
    let wrong = entry("a", "passphrase-file = \"wrong\"").replace("key.pem", "encrypted.pem");
    for (text, says) in [
        (wrong, "does not open"),
        (
            entry("a", "not-after = 2020-01-01"),
            "expired at 2020-01-02T00:00:00Z, and no valid",
        ),
        (entry("a", "") + &entry("b", ""), "takes the same rows"),
        ("nonsense".into(), "no TOML"),
        (String::new(), "there is no [[key]]"),
    ] {
        workdir.write("keys.toml", text);
        let run = workdir.run("key check keys.toml");
        run.exit(3).prints(says).says("keys.toml has 1 problem");
    }
    let run = workdir.run("key check absent.toml");
    run.exit(3).says("absent.toml");
    run.expect(run.stderr.matches("os error").count() == 1, "said once");
    workdir.run("key check").exit(2);
    let text = entry("a", "").replace("key.pem", "encrypted.pem");
    workdir.write("keys.toml", text);
    let run = workdir.run("key check keys.toml");
    run.exit(3);
    assert!(run.hint().contains("add passphrase-file"), "{run}");
}

#[test]
fn an_expired_key_is_a_problem_only_where_no_valid_one_takes_its_rows() {
    let workdir = folder();
    let old = entry("old", "ad-network-ids = ['x']\nnot-after = 2020-01-01");
    let new = entry("new", "ad-network-ids = ['x']\nnot-before = 2020-01-02");
    let late = entry("late", "ad-network-ids = ['x']\nnot-before = 2900-01-01");
    let other = entry("other", "ad-network-ids = ['y']");
    for (text, code, says) in [
        (
            old.clone() + &new,
            0,
            "old: expired at 2020-01-02T00:00:00Z; another key takes",
        ),
        (
            old.clone() + &new.replace("['x']", "['z', 'x']"),
            0,
            "old: expired at 2020-01-02T00:00:00Z; another key takes",
        ),
        (old.clone() + &other, 3, "key old: expired"),
        (old.clone() + &entry("rest", ""), 3, "key old: expired"),
        (
            old.clone() + &new.replace("key.pem", "absent.pem"),
            3,
            "key old: expired",
        ),
        (old.clone() + &late, 3, "key old: expired"),
        (
            old.replace("['x']", "['y']") + &late,
            3,
            "late: not valid before 2900-01-01T00:00:00Z",
        ),
        (
            old.replace("['x']", "['x', 'y']") + &new,
            3,
            "key old: expired",
        ),
        (late, 0, "late: not valid before 2900-01-01T00:00:00Z"),
    ] {
        workdir.write("keys.toml", text);
        workdir.run("key check keys.toml").exit(code).prints(says);
    }
}

#[test]
fn key_still_shows_a_file_even_one_that_is_named_check() {
    let workdir = folder();
    workdir.write("check", key_data("p256.pub.pem"));
    workdir.run("key ./check").exit(0).prints(FINGERPRINT);
    workdir.run("key key.pem").exit(0).prints(FINGERPRINT);
    workdir.run("key --secret-file secret.txt").exit(0);
    workdir.run("key key.pem check keys.toml").exit(2);
}

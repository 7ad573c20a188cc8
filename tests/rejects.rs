//! Rows that cannot be signed, with every problem each of them has; rows that
//! look odd and are fine; and where a reject says that its row stands.

#![allow(clippy::unwrap_used)]

mod workdir;

use std::collections::BTreeSet;

use campaign_signer::format::{Code, FORMATS, Format, Kind, Source};
use campaign_signer::record::Settings;
use campaign_signer::row::{Dialect, Limits};
use serde_json::Value;

use workdir::{CSV, Workdir, csv_line, example_row, now, settings, token};

/// One bad row and its problems.
struct Case {
    settings: Settings,
    dialect: Dialect,
    /// The header's line, empty for NDJSON.
    header: Vec<u8>,
    row: Vec<u8>,
    limits: Limits,
    problems: Vec<(String, Code)>,
}

type Problems<'p> = &'p [(&'p str, Code)];

/// The format and the version of `id@version`, and a good row of it.
fn example(id: &str) -> (&'static Format, Vec<(&'static str, String)>) {
    let (id, version) = match id.split_once('@') {
        Some((id, version)) => (id, Some(version)),
        None => (id, None),
    };
    let format = Format::find(id).unwrap();
    (format, example_row(format, version))
}

/// The good row with these values in place of its own, or beside them.
fn changed(
    mut row: Vec<(&'static str, String)>,
    changes: &[(&'static str, &str)],
) -> Vec<(&'static str, String)> {
    for (name, text) in changes {
        match row.iter_mut().find(|(own, _)| own == name) {
            Some((_, own)) => *own = (*text).to_owned(),
            None => row.push((name, (*text).to_owned())),
        }
    }
    row
}

fn owned(problems: Problems<'_>) -> Vec<(String, Code)> {
    let own = |(field, code): &(&str, Code)| ((*field).to_owned(), *code);
    problems.iter().map(own).collect()
}

/// A good row of CSV with some cells changed.
fn csv(id: &str, changes: &[(&'static str, &str)], problems: Problems<'_>) -> Case {
    let (format, row) = example(id);
    let row = changed(row, changes);
    let header = csv_line(row.iter().map(|(name, _)| *name));
    let line = csv_line(row.iter().map(|(_, text)| text.as_str()));
    Case {
        settings: settings(format.id),
        dialect: CSV,
        header: header.into_bytes(),
        row: line.into_bytes(),
        limits: Limits::default(),
        problems: owned(problems),
    }
}

/// A good row of NDJSON with some members' JSON changed; nothing for `""`.
fn json(id: &str, changes: &[(&'static str, &str)], problems: Problems<'_>) -> Case {
    let (format, row) = example(id);
    let row = row
        .into_iter()
        .map(|(name, text)| (name, token(format, name, &text)))
        .collect();
    let members: Vec<String> = changed(row, changes)
        .iter()
        .filter(|(_, token)| !token.is_empty())
        .map(|(name, token)| format!("{}:{token}", Value::from(*name)))
        .collect();
    raw_json(format.id, format!("{{{}}}", members.join(",")), problems)
}

fn raw_json(id: &str, row: impl AsRef<[u8]>, problems: Problems<'_>) -> Case {
    Case {
        settings: settings(id),
        dialect: Dialect::Ndjson,
        header: Vec::new(),
        row: row.as_ref().to_vec(),
        limits: Limits::default(),
        problems: owned(problems),
    }
}

impl Case {
    fn with(mut self, change: impl FnOnce(&mut Settings)) -> Self {
        change(&mut self.settings);
        self
    }

    /// The same with the row's bytes changed.
    fn row(mut self, change: impl FnOnce(&str) -> Vec<u8>) -> Self {
        self.row = change(std::str::from_utf8(&self.row).unwrap());
        self
    }

    fn limit(mut self, bytes: usize) -> Self {
        self.limits.row_bytes = bytes;
        self
    }

    fn file(&self) -> Vec<u8> {
        let mut file = self.header.clone();
        if !file.is_empty() {
            file.push(b'\n');
        }
        file.extend_from_slice(&self.row);
        file.push(b'\n');
        file
    }
}

fn problems_of(reject: &Value) -> Vec<(String, Code)> {
    let code = |name: &str| *Code::ALL.iter().find(|c| c.as_str() == name).unwrap();
    let problem = |problem: &Value| {
        assert!(!problem["wanted"].as_str().unwrap().is_empty(), "{reject}");
        let field = problem["field"].as_str().unwrap();
        (field.to_owned(), code(problem["code"].as_str().unwrap()))
    };
    let problems = reject["problems"].as_array().unwrap();
    problems.iter().map(problem).collect()
}

const AAK: &str = "aak-impression";
const STOREKIT: &str = "skan-storekit";
const VIEW: &str = "skan-view";
const WEB: &str = "skan-web";
const V2: &str = "appstore-promo-v2";
const INTRO: &str = "appstore-intro";
const ADVANCED: &str = "appstore-advanced-commerce";
const V1: &str = "appstore-promo-v1";
const IMPACT: &str = "impact-user-jwt";

const NONCE: &str = "68483ef6-0678-40cd-ab2a-a9fbe1de9b5a";

/// A one-time charge with these members changed by text.
fn charge(from: &str, to: &str) -> String {
    let request = example(ADVANCED).1.pop().unwrap().1;
    assert!(request.contains(from), "{request}");
    request.replacen(from, to, 1)
}

/// Damage that no field of a kind takes, and its name.
fn damage(kind: &Kind) -> Vec<(&'static str, Code)> {
    use Code::*;
    match kind {
        Kind::Boolean => vec![("yes", NotBoolean), ("1", NotBoolean), ("true ", Untrimmed)],
        Kind::Integer { .. } | Kind::Time(_) => vec![
            ("1.1E+09", ExponentForm),
            ("11e8", ExponentForm),
            ("1108187390.0", DecimalForm),
            ("0042", LeadingZero),
            ("١٢٣٤", NotInteger),
            ("１２３４", NotInteger),
            ("“5239”", NotInteger),
            ("+5239", NotInteger),
            ("-5", NotInteger),
            ("5,239", NotInteger),
            ("0x1f", NotInteger),
            ("NaN", NotInteger),
            ("18446744073709551616", OutOfRange),
            (" 5239", Untrimmed),
            ("5239\u{a0}", Untrimmed),
            ("5239\u{200b}", Untrimmed),
            ("\u{feff}5239", Untrimmed),
        ],
        Kind::Json { .. } => vec![("{\"a\":", BadJson), ("5", WrongType)],
        Kind::OneOf(_) => vec![("none of them", NotOneOf), (" 4.0", Untrimmed)],
        Kind::Pattern { .. } => vec![
            ("no such thing", BadText),
            ("a\u{2063}b", Separator),
            ("a\u{0}b", ControlCharacter),
            ("ab\t", Untrimmed),
        ],
        Kind::Text => vec![
            ("a\u{2063}b", Separator),
            ("a\u{0}b", ControlCharacter),
            ("a\tb", ControlCharacter),
            ("a\nb", ControlCharacter),
            ("a\r\nb", ControlCharacter),
            ("a\u{9f}b", ControlCharacter),
            (" a", Untrimmed),
        ],
        Kind::Uuid => vec![
            ("68483ef6067840cdab2aa9fbe1de9b5a", NotUuid),
            ("{68483ef6-0678-40cd-ab2a-a9fbe1de9b5a}", NotUuid),
            ("68483ef6-0678-40cd-ab2a-a9fbe1de9b5g", NotUuid),
            ("68483ef6-0678-40cd-ab2a-a9fbe1de9b5a ", Untrimmed),
        ],
    }
}

/// Every field of every format and version, damaged as its kind can be.
fn generic_cases() -> Vec<Case> {
    let mut cases = Vec::new();
    for format in FORMATS {
        for layout in format.layouts {
            let id = match layout.version {
                Some(version) => format!("{}@{version}", format.id),
                None => format.id.to_owned(),
            };
            for name in layout.field_names() {
                let field = format.field(name).unwrap().1;
                // The newest version stands for the others, where it can.
                if layout.version != format.newest().version
                    && format.newest().field_names().contains(&name)
                {
                    continue;
                }
                for (text, code) in damage(&field.kind) {
                    let code = match (field.source, code) {
                        (Source::Version, Code::NotOneOf) => Code::UnknownVersion,
                        (Source::Constant(_), code) if code != Code::Untrimmed => Code::NotOneOf,
                        (_, code) => code,
                    };
                    cases.push(csv(&id, &[(field.name, text)], &[(field.name, code)]));
                }
            }
        }
    }
    cases
}

fn csv_cases() -> Vec<Case> {
    use Code::*;
    let hour = 3_600_000;
    let at = |millis: u64| millis.to_string();
    let in_s = |millis: u64| (millis / 1000).to_string();
    let long_domain = format!("{}com", "abcdefghijklmno.".repeat(16));
    let (item, app) = ("advertised-item-identifier", "publisher-item-identifier");
    let (network, source) = ("ad-network-identifier", "source-identifier");
    let bytes = |text: &str, from: &str, to: &[u8]| {
        let at = text.find(from).unwrap();
        [
            &text.as_bytes()[..at],
            to,
            &text.as_bytes()[at + from.len()..],
        ]
        .concat()
    };
    vec![
        // A row with four bad fields has four problems.
        csv(
            AAK,
            &[
                (app, "x"),
                (network, "Example123.skadnetwork"),
                (source, "5"),
                (item, "1e9"),
            ],
            &[
                (app, NotInteger),
                (network, Uppercase),
                (source, OutOfRange),
                (item, ExponentForm),
            ],
        ),
        csv(
            AAK,
            &[(app, ""), (network, ""), (source, ""), (item, "")],
            &[
                (app, Missing),
                (network, Missing),
                (source, Missing),
                (item, Missing),
            ],
        ),
        csv(AAK, &[(source, "9")], &[(source, OutOfRange)]),
        csv(AAK, &[(source, "10000")], &[(source, OutOfRange)]),
        csv(AAK, &[(item, "0")], &[(item, OutOfRange)]),
        csv(
            AAK,
            &[("impression-type", "click")],
            &[("impression-type", NotOneOf)],
        ),
        csv(
            AAK,
            &[("timestamp", "1700000000")],
            &[("timestamp", WrongUnit)],
        ),
        csv(AAK, &[("timestamp", "1700")], &[("timestamp", OutOfRange)]),
        csv(
            AAK,
            &[("timestamp", &at(now() + hour))],
            &[("timestamp", Future)],
        ),
        csv(AAK, &[("count", "0")], &[("count", OutOfRange)]),
        csv(AAK, &[("count", "1000000001")], &[("count", OutOfRange)]),
        csv(AAK, &[("count", "1.0")], &[("count", DecimalForm)]),
        csv(AAK, &[("count", "two")], &[("count", NotInteger)]),
        csv(
            AAK,
            &[("count", "2"), ("impression-identifier", NONCE)],
            &[("count", Conflict)],
        ),
        csv(
            AAK,
            &[("impression-identifier", NONCE)],
            &[("count", Conflict)],
        )
        .with(|settings| settings.count = 2),
        csv(AAK, &[("id", "")], &[("id", Missing)])
            .with(|settings| settings.row_id = Some("id".into())),
        csv(
            AAK,
            &[(source, "x"), ("id", "")],
            &[(source, NotInteger), ("id", Missing)],
        )
        .with(|settings| settings.row_id = Some("id".into())),
        // The row as a whole.
        csv(AAK, &[], &[("", WrongWidth)]).row(|row| format!("{row},").into_bytes()),
        csv(AAK, &[], &[("", WrongWidth)]).row(|_| b"one".to_vec()),
        csv(AAK, &[], &[("", WrongWidth)]).row(|_| b" ".to_vec()),
        csv(AAK, &[], &[("", StrayQuote)]).row(|row| format!("\"5\"x{row}").into_bytes()),
        csv(AAK, &[], &[("", StrayQuote)]).row(|row| format!("\"5\" {row}").into_bytes()),
        csv(AAK, &[("note", &"x".repeat(300))], &[("", RowTooLong)])
            .with(|settings| settings.ignore_unknown = true)
            .limit(300),
        csv(AAK, &[], &[(network, InvalidUtf8)]).row(|row| bytes(row, "example123", b"ex\xe4mple")),
        csv(AAK, &[], &[(source, InvalidUtf8)]).row(|row| bytes(row, "5239", b"\xff5239")),
        csv(AAK, &[("note", "M")], &[("note", InvalidUtf8)])
            .with(|settings| settings.keep = vec!["note".into()])
            .row(|row| bytes(row, "M", b"M\xfcnchen")),
        csv(AAK, &[("id", "M")], &[("id", InvalidUtf8)])
            .with(|settings| settings.row_id = Some("id".into()))
            .row(|row| bytes(row, "M", b"\xc3\x28")),
        // Versions.
        csv(VIEW, &[("version", "4")], &[("version", UnknownVersion)]),
        csv(VIEW, &[("version", "2.1")], &[("version", UnknownVersion)]),
        csv(VIEW, &[("version", "V4.0")], &[("version", UnknownVersion)]),
        csv(
            VIEW,
            &[("campaign-id", "42")],
            &[("campaign-id", NotInVersion)],
        ),
        csv(
            "skan-view@3.0",
            &[(source, "5239")],
            &[(source, NotInVersion)],
        ),
        csv(
            "skan-view@3.0",
            &[("campaign-id", "101")],
            &[("campaign-id", OutOfRange)],
        ),
        csv(
            VIEW,
            &[("fidelity-type", "1")],
            &[("fidelity-type", NotOneOf)],
        ),
        csv(
            STOREKIT,
            &[("fidelity-type", "0")],
            &[("fidelity-type", NotOneOf)],
        ),
        csv(
            "skan-storekit@2.1",
            &[("fidelity-type", "1")],
            &[("fidelity-type", NotInVersion)],
        ),
        csv(
            "skan-storekit@1.0",
            &[("source-app-id", "1"), ("fidelity-type", "1")],
            &[
                ("source-app-id", NotInVersion),
                ("fidelity-type", NotInVersion),
            ],
        ),
        // Even a value that would be refused anyway is refused for this.
        csv(
            VIEW,
            &[("campaign-id", " x")],
            &[("campaign-id", NotInVersion)],
        ),
        csv(VIEW, &[("campaign-id", "")], &[("version", Conflict)])
            .with(|settings| settings.version = Some("3.0".into())),
        // Domains.
        csv(
            WEB,
            &[("source_domain", "https://example.com")],
            &[("source_domain", BadText)],
        ),
        csv(
            WEB,
            &[("source_domain", "example.com/")],
            &[("source_domain", BadText)],
        ),
        csv(
            WEB,
            &[("source_domain", "Example.com")],
            &[("source_domain", Uppercase)],
        ),
        csv(
            WEB,
            &[("source_domain", &long_domain)],
            &[("source_domain", TooLong)],
        ),
        // What is documented about a signature's life.
        csv(
            V1,
            &[("timestamp", &at(now() - 25 * hour))],
            &[("timestamp", Stale)],
        ),
        csv(
            V1,
            &[("timestamp", &at(now() + hour))],
            &[("timestamp", Future)],
        ),
        csv(V1, &[("keyIdentifier", "")], &[("keyIdentifier", Missing)])
            .with(|settings| settings.key_id = None),
        csv(V2, &[("iat", &in_s(now() - 600_000))], &[("iat", Stale)]),
        csv(V2, &[("iat", &in_s(now() + hour))], &[("iat", Future)]),
        csv(V2, &[("iat", &at(now()))], &[("iat", WrongUnit)]),
        csv(INTRO, &[("aud", "promotional-offer")], &[("aud", NotOneOf)]),
        csv(
            INTRO,
            &[("allowIntroductoryOffer", "")],
            &[("allowIntroductoryOffer", Missing)],
        ),
        csv(IMPACT, &[("exp", &in_s(now() - hour))], &[("exp", Stale)]),
        csv(IMPACT, &[("exp", &at(now() + hour))], &[("exp", WrongUnit)]),
        // JSON inside a cell.
        csv(ADVANCED, &[("request", "[]")], &[("request", WrongType)]),
        csv(
            ADVANCED,
            &[("request", "{}")],
            &[("request.operation", Missing)],
        ),
        csv(
            ADVANCED,
            &[("request", &"[".repeat(65))],
            &[("request", TooDeep)],
        ),
        csv(
            ADVANCED,
            &[("request", "{\"a\":1,\"a\":2}")],
            &[("request", DuplicateField)],
        ),
        csv(
            ADVANCED,
            &[("request", &charge("\"price\":4990", "\"price\":4.99"))],
            &[("request.item.price", DecimalForm)],
        ),
        csv(
            ADVANCED,
            &[(
                "request",
                &charge("500 coins", "five hundred coins in a leather bag"),
            )],
            &[("request.item.displayName", TooLong)],
        ),
        csv(
            ADVANCED,
            &[
                (
                    "request",
                    &charge(
                        "{\"app",
                        &format!("{{\"requestReferenceId\":\"{NONCE}\",\"app"),
                    ),
                ),
                ("count", "2"),
            ],
            &[("count", Conflict)],
        ),
        csv(IMPACT, &[("count", "2")], &[("count", Conflict)]),
        csv(IMPACT, &[("locale", "en-US")], &[("locale", BadText)]),
        csv(
            IMPACT,
            &[("countryCode", "us")],
            &[("countryCode", BadText)],
        ),
        csv(IMPACT, &[("cookies", "a+b/c==")], &[("cookies", BadText)]),
        csv(IMPACT, &[("segments", "a,b")], &[("segments", BadJson)]),
        csv(
            IMPACT,
            &[("segments", "[\"a\",1]")],
            &[("segments[1]", WrongType)],
        ),
        csv(
            IMPACT,
            &[("referralCodes", "{\"p\":1}")],
            &[("referralCodes.p", WrongType)],
        ),
        csv(
            IMPACT,
            &[("shareLinks", "{\"p\":{\"q\":1}}")],
            &[("shareLinks.p.q", WrongType)],
        ),
        csv(
            IMPACT,
            &[("customFields", "{\"a b\":1}")],
            &[("customFields.a b", BadText)],
        ),
        csv(
            IMPACT,
            &[("referredBy", "{\"isConverted\":\"no\"}")],
            &[("referredBy.isConverted", WrongType)],
        ),
    ]
}

fn json_cases() -> Vec<Case> {
    use Code::*;
    let (item, app) = ("advertised-item-identifier", "publisher-item-identifier");
    let (network, source) = ("ad-network-identifier", "source-identifier");
    let reference = "eligible-for-re-engagement";
    let deep = format!("{{\"a\":{}{}}}", "[".repeat(200_000), "]".repeat(200_000));
    let keep = |settings: &mut Settings| settings.keep = vec!["note".into()];
    vec![
        raw_json(AAK, "[1]", &[("", NotAnObject)]),
        raw_json(AAK, "\"{}\"", &[("", NotAnObject)]),
        raw_json(AAK, "null", &[("", NotAnObject)]),
        raw_json(AAK, "17", &[("", NotAnObject)]),
        raw_json(AAK, "{", &[("", BadJson)]),
        raw_json(AAK, "{} {}", &[("", BadJson)]),
        raw_json(AAK, "{'a':1}", &[("", BadJson)]),
        raw_json(AAK, "{\"a\":1,}", &[("", BadJson)]),
        raw_json(AAK, "{\"a\":NaN}", &[("", BadJson)]),
        raw_json(AAK, "a,b,c", &[("", BadJson)]),
        raw_json(AAK, "{\"a\":\"\u{0}\"}", &[("", BadJson)]),
        raw_json(AAK, b"{\"a\":\"\xff\"}", &[("", InvalidUtf8)]),
        raw_json(AAK, &deep, &[("", TooDeep)]),
        raw_json(AAK, "{\"a\":1,\"\\u0061\":2}", &[("a", DuplicateField)]),
        raw_json(
            AAK,
            format!("{{\"a\":\"{}\"}}", "x".repeat(100)),
            &[("", RowTooLong)],
        )
        .limit(64),
        raw_json(
            AAK,
            "{}",
            &[
                (app, Missing),
                (network, Missing),
                (source, Missing),
                (item, Missing),
            ],
        ),
        json(
            AAK,
            &[
                (app, "-1"),
                (network, "123"),
                (source, "\"\""),
                (item, "1e9"),
                (reference, "\"true\""),
            ],
            &[
                (app, NotInteger),
                (network, WrongType),
                (source, Empty),
                (item, ExponentForm),
                (reference, WrongType),
            ],
        ),
        json(AAK, &[("camapign", "1")], &[("camapign", UnknownField)]),
        json(
            AAK,
            &[("camapign", "1"), ("other", "null"), (source, "7")],
            &[
                ("camapign", UnknownField),
                ("other", UnknownField),
                (source, OutOfRange),
            ],
        ),
        json(
            AAK,
            &[("sourceIdentifier", "5239")],
            &[(source, DuplicateField)],
        ),
        json(
            AAK,
            &[("Source_Identifier", "null")],
            &[(source, DuplicateField), (source, Missing)],
        ),
        json(
            AAK,
            &[("count", "1"), ("Count", "2")],
            &[("count", DuplicateField)],
        ),
        json(
            AAK,
            &[("note", "1"), ("Note", "2")],
            &[("note", DuplicateField)],
        )
        .with(keep),
        json(
            AAK,
            &[("id", "\"a\""), ("ID", "\"b\"")],
            &[("id", DuplicateField)],
        )
        .with(|settings| settings.row_id = Some("id".into())),
        json(AAK, &[(network, "\"\"")], &[(network, Empty)]),
        json(AAK, &[(network, "null")], &[(network, Missing)]),
        json(
            AAK,
            &[(network, "[\"example123.skadnetwork\"]")],
            &[(network, WrongType)],
        ),
        json(AAK, &[(network, "\"\\ud800\"")], &[(network, BadJson)]),
        json(AAK, &[(network, "\"a\\u2063b\"")], &[(network, Separator)]),
        json(
            AAK,
            &[(network, "\"a\\u0000b\"")],
            &[(network, ControlCharacter)],
        ),
        json(
            AAK,
            &[(network, "\"example123.skadnetwork \"")],
            &[(network, Untrimmed)],
        ),
        json(AAK, &[("note", "\"\\ud800\"")], &[("note", BadJson)]).with(keep),
        json(AAK, &[(source, "\"1.1E+09\"")], &[(source, ExponentForm)]),
        json(AAK, &[(source, "\"5239.0\"")], &[(source, DecimalForm)]),
        json(AAK, &[(source, "\"05239\"")], &[(source, LeadingZero)]),
        json(AAK, &[(source, "\"abc\"")], &[(source, NotInteger)]),
        json(AAK, &[(source, "\" 5239\"")], &[(source, Untrimmed)]),
        json(AAK, &[(source, "5239.0")], &[(source, DecimalForm)]),
        json(AAK, &[(source, "true")], &[(source, WrongType)]),
        json(AAK, &[(source, "{}")], &[(source, WrongType)]),
        json(AAK, &[(reference, "1")], &[(reference, WrongType)]),
        json(AAK, &[(reference, "\"\"")], &[(reference, WrongType)]),
        json(AAK, &[("count", "true")], &[("count", WrongType)]),
        json(AAK, &[("count", "2.0")], &[("count", DecimalForm)]),
        json(AAK, &[("id", "[]")], &[("id", WrongType)])
            .with(|settings| settings.row_id = Some("id".into())),
        json(AAK, &[], &[("id", Missing)]).with(|settings| settings.row_id = Some("id".into())),
        json(VIEW, &[("version", "4.0")], &[("version", WrongType)]),
        json(VIEW, &[("version", "\"\"")], &[("version", Empty)]),
        json(
            VIEW,
            &[("campaign-id", "42")],
            &[("campaign-id", NotInVersion)],
        ),
        json(
            V2,
            &[("transactionId", "2000000912345678")],
            &[("transactionId", WrongType)],
        ),
        json(
            V2,
            &[("aud", "[\"promotional-offer\"]")],
            &[("aud", WrongType)],
        ),
        json(V2, &[], &[("kid", Missing)]).with(|settings| settings.key_id = None),
        json(
            ADVANCED,
            &[("request", "\"{}\"")],
            &[("request", WrongType)],
        ),
        json(
            ADVANCED,
            &[("request", "{\"operation\":\"REVOKE\"}")],
            &[("request.operation", NotOneOf)],
        ),
        json(
            AAK,
            &[("note", "{\"a\":[\"\\udc00\"]}")],
            &[("note", BadJson)],
        )
        .with(keep),
        json(
            IMPACT,
            &[("customFields", "{\"a\":\"\\ud800\\u0041\"}")],
            &[("customFields", BadJson)],
        ),
        // The object that holds a user.
        raw_json(
            IMPACT,
            r#"{"user":"jane"}"#,
            &[("user", WrongType), ("id", Missing)],
        ),
        raw_json(
            IMPACT,
            r#"{"user":{"id":"a"},"id":"a"}"#,
            &[("id", DuplicateField)],
        ),
        raw_json(
            IMPACT,
            r#"{"user.id":"a","id":"a"}"#,
            &[("id", DuplicateField)],
        ),
        raw_json(
            IMPACT,
            r#"{"user":{"id":"a","zip":1}}"#,
            &[("user.zip", UnknownField)],
        ),
        raw_json(
            IMPACT,
            r#"{"user":{"id":"a","exp":1}}"#,
            &[("user.exp", UnknownField)],
        ),
        raw_json(
            IMPACT,
            r#"{"user":{"id":"a","count":1}}"#,
            &[("user.count", UnknownField)],
        ),
        raw_json(
            IMPACT,
            r#"{"user":{"id":"a","user":{}}}"#,
            &[("user.user", UnknownField)],
        ),
        raw_json(IMPACT, r#"{"user":{"id":""}}"#, &[("id", Empty)]),
        raw_json(IMPACT, r#"{"user":{"id":7}}"#, &[("id", WrongType)]),
        raw_json(
            IMPACT,
            r#"{"id":"a","locale":"english","countryCode":"USA","referable":"yes","segments":{}}"#,
            &[
                ("locale", BadText),
                ("countryCode", BadText),
                ("referable", WrongType),
                ("segments", WrongType),
            ],
        ),
    ]
}

fn cases() -> impl Iterator<Item = Case> {
    generic_cases()
        .into_iter()
        .chain(csv_cases())
        .chain(json_cases())
        .chain(cases_that_came_back())
}

/// Rejects that nobody has mended.
fn cases_that_came_back() -> Vec<Case> {
    let line = r#""file":"a","line":1,"last_line":1,"byte":0,"record":1,"problems":[],"raw":"x""#;
    let told = [
        ("_line", "7"),
        ("_code", "x"),
        ("_field", "y"),
        ("_hint", "=1"),
    ];
    vec![
        csv(AAK, &[("_raw", "1,2")], &[("_raw", Code::Unmended)]),
        csv(
            AAK,
            &[&told[..], &[("_raw", "\"")]].concat(),
            &[("_raw", Code::Unmended)],
        ),
        json(AAK, &[("_raw", "\"x\"")], &[("_raw", Code::Unmended)]),
        raw_json(AAK, format!("{{{line}}}"), &[("problems", Code::Unmended)]),
        raw_json(
            AAK,
            format!("{{{line},\"row\":null}}"),
            &[("", Code::NotAnObject)],
        ),
    ]
}

#[test]
fn every_bad_row_is_rejected_with_exactly_its_problems() {
    let workdir = Workdir::new();
    let mut wrong = Vec::new();
    for case in cases() {
        let file = case.file();
        let signed = workdir.sign_rows(case.settings.clone(), case.dialect, &file, case.limits);
        let found = match &signed {
            Ok(signed) => match (&signed.records[..], &signed.rejects[..]) {
                ([], [reject]) if signed.summary.counts.rejected == 1 => Ok(problems_of(reject)),
                (records, rejects) => Err(format!("{records:?} {rejects:?}")),
            },
            Err(error) => Err(error.to_string()),
        };
        if found.as_ref() != Ok(&case.problems) {
            wrong.push(format!(
                "{} {}\n  wanted {:?}\n  found  {found:?}",
                case.settings.format.id,
                String::from_utf8_lossy(&case.row[..case.row.len().min(300)]),
                case.problems,
            ));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn every_code_occurs_in_the_table() {
    let seen: BTreeSet<Code> = cases()
        .flat_map(|case| case.problems.into_iter().map(|(_, code)| code))
        .collect();
    // Rows meet publishers in tests/products.rs, and keys in tests/rings.rs.
    let elsewhere = [
        Code::AmbiguousKey,
        Code::KeyExpired,
        Code::NoKey,
        Code::NoPublisher,
        Code::UnknownPublisher,
    ];
    let missing = Code::ALL.iter().filter(|code| !seen.contains(code));
    let missing: Vec<_> = missing.filter(|code| !elsewhere.contains(code)).collect();
    assert!(missing.is_empty(), "{missing:?}");
}

#[test]
fn a_good_row_of_every_version_is_no_reject_so_the_table_changes_only_what_it_says() {
    let workdir = Workdir::new();
    for format in FORMATS {
        for layout in format.layouts {
            let id = match layout.version {
                Some(version) => format!("{}@{version}", format.id),
                None => format.id.to_owned(),
            };
            for case in [csv(&id, &[], &[]), json(&id, &[], &[])] {
                let file = case.file();
                let signed = workdir
                    .sign_rows(case.settings, case.dialect, &file, case.limits)
                    .unwrap();
                assert_eq!(signed.records.len(), 1, "{id} {:?}", signed.rejects);
            }
        }
    }
}

/// What a reject must keep of its row.
fn raw_of(reject: &Value) -> Vec<u8> {
    use base64::Engine as _;
    match (reject["raw"].as_str(), reject["raw_base64"].as_str()) {
        (Some(raw), None) => raw.as_bytes().to_vec(),
        (None, Some(raw)) => base64::engine::general_purpose::STANDARD
            .decode(raw)
            .unwrap(),
        _ => panic!("{reject}"),
    }
}

#[test]
fn positions_point_at_the_raw_text_in_the_file() {
    let (_, row) = example(AAK);
    let header = csv_line(row.iter().map(|(name, _)| *name));
    let good = csv_line(row.iter().map(|(_, text)| text.as_str()));
    let width = row.len() - 1;
    let blanks = ",".repeat(width);
    // (line, last line, record) of each bad row; all else is good or blank.
    type Expected = &'static [(u64, u64, u64)];
    let table: [(&str, String, Expected); 5] = [
        (
            "plain lines",
            format!("{header}\nbad\n{good}\nbad,x\n"),
            &[(2, 2, 1), (4, 4, 3)],
        ),
        (
            "a mark, CRLF and blank lines",
            format!("\u{feff}\r\n{header}\r\n\r\n{good}\r\n\r\nbad\r\n\r\nlast"),
            &[(6, 6, 2), (8, 8, 3)],
        ),
        (
            "line ends between quotes",
            format!("{header}\n\"a\nb\r\nc\"{blanks}\n{good}\n\"\n\n\"\"\n\"{blanks}\n"),
            &[(2, 4, 1), (6, 9, 3)],
        ),
        (
            "lone carriage returns",
            format!("{header}\rbad\r{good}\r\"x\ry\"{blanks}\r"),
            &[(2, 2, 1), (4, 5, 3)],
        ),
        (
            "no final line end",
            format!("{header}\n{good}\n\"open and shut\nsecond\"{blanks}"),
            &[(3, 4, 2)],
        ),
    ];
    let workdir = Workdir::new();
    for (name, file, expected) in table {
        let signed = workdir
            .sign_rows(settings(AAK), CSV, file.as_bytes(), Limits::default())
            .unwrap();
        let found: Vec<_> = signed
            .rejects
            .iter()
            .map(|reject| {
                let number = |name: &str| reject[name].as_u64().unwrap();
                let raw = raw_of(reject);
                let start = number("byte") as usize;
                assert_eq!(&file.as_bytes()[start..][..raw.len()], raw, "{name}");
                assert!(reject.get("raw_length").is_none(), "{name}");
                (number("line"), number("last_line"), number("record"))
            })
            .collect();
        assert_eq!(found, expected, "{name}");
    }
}

#[test]
fn a_rejected_line_of_json_is_kept_byte_for_byte_with_its_place() {
    let good = String::from_utf8(json(AAK, &[], &[]).row).unwrap();
    let bad: [&[u8]; 4] = [b"{\"a\":1}", b"{\"\xff\":1}", b" [1]\t", b"\x00"];
    let mut file = Vec::from("\u{feff}");
    for line in bad {
        file.extend_from_slice(good.as_bytes());
        file.extend_from_slice(b"\r\n \t\r\n\n");
        file.extend_from_slice(line);
        file.extend_from_slice(b"\r\n");
    }
    let workdir = Workdir::new();
    let signed = workdir
        .sign_rows(settings(AAK), Dialect::Ndjson, &file, Limits::default())
        .unwrap();
    assert_eq!(signed.records.len(), bad.len());
    assert_eq!(signed.rejects.len(), bad.len());
    for (nth, (reject, line)) in signed.rejects.iter().zip(bad).enumerate() {
        let raw = raw_of(reject);
        assert_eq!(raw, line);
        assert_eq!(reject.get("raw_base64").is_some(), line.contains(&0xff));
        let byte = reject["byte"].as_u64().unwrap() as usize;
        assert_eq!(&file[byte..byte + raw.len()], line);
        let place = |name: &str| reject[name].as_u64().unwrap() as usize;
        assert_eq!(place("line"), nth * 4 + 4);
        assert_eq!(place("last_line"), nth * 4 + 4);
        assert_eq!(place("record"), nth * 2 + 2);
    }
}

#[test]
fn an_over_long_row_keeps_its_first_64_kib_its_offset_and_its_length() {
    let case = csv(AAK, &[], &[]);
    let long = "x".repeat(300_000);
    let wide = "ß".repeat(100_000);
    for (text, is_text) in [(&long, true), (&format!("x{wide}"), false)] {
        let start = case.file().len();
        let file = [
            case.file(),
            text.clone().into_bytes(),
            vec![b'\n'],
            case.row.clone(),
        ]
        .concat();
        let limits = Limits {
            row_bytes: 100_000,
            ..Limits::default()
        };
        let workdir = Workdir::new();
        let signed = workdir
            .sign_rows(settings(AAK), CSV, &file, limits)
            .unwrap();
        assert_eq!(signed.records.len(), 2, "the rows around it");
        let [reject] = &signed.rejects[..] else {
            panic!("{:?}", signed.rejects.len());
        };
        assert_eq!(problems_of(reject), [(String::new(), Code::RowTooLong)]);
        assert_eq!(reject["raw"].is_string(), is_text);
        assert_eq!(raw_of(reject), &text.as_bytes()[..64 * 1024]);
        assert_eq!(reject["raw_length"], text.len());
        assert_eq!(reject["byte"], start);
        assert_eq!((&reject["line"], &reject["record"]), (&3.into(), &2.into()));
    }
}

/// What the members of the only record must be; `Null` for none.
type Members<'m> = &'m [(&'m str, Value)];

/// Rows that become one record.
fn assert_signed(
    name: &str,
    settings: Settings,
    dialect: Dialect,
    file: impl AsRef<[u8]>,
    members: Members<'_>,
) {
    let workdir = Workdir::new();
    let signed = workdir
        .sign_rows(settings, dialect, file.as_ref(), Limits::default())
        .unwrap_or_else(|error| panic!("{name}: {error}"));
    let [record] = &signed.records[..] else {
        panic!("{name}: {:?}", signed.rejects);
    };
    let value: Value = serde_json::from_str(record).unwrap();
    for (member, expected) in members {
        let found = value.pointer(&format!("/{member}"));
        assert_eq!(
            found.unwrap_or(&Value::Null),
            expected,
            "{name}: {member} in {record}"
        );
    }
}

#[test]
fn headers_fit_in_any_spelling_and_any_line_end() {
    let (_, row) = example(AAK);
    let names: Vec<&str> = row.iter().map(|(name, _)| *name).collect();
    let cells = csv_line(row.iter().map(|(_, text)| text.as_str()));
    let spellings: [fn(&str) -> String; 6] = [
        str::to_owned,
        str::to_uppercase,
        |name| name.replace('-', "_"),
        |name| name.replace('-', "."),
        |name| name.replace('-', " "),
        |name| name.replace('-', ""),
    ];
    let members = [
        ("source-identifier", Value::from(5239)),
        ("advertised-item-identifier", Value::from(1_108_187_390)),
        (
            "ad-network-identifier",
            Value::from("example123.adattributionkit"),
        ),
    ];
    for spell in spellings {
        for mark in ["", "\u{feff}"] {
            for end in ["\n", "\r\n", "\r", "\n\n", "\r\n\r\n"] {
                let header = names.iter().map(|name| spell(name)).collect::<Vec<_>>();
                let header = header.join(",");
                let file = format!("{mark}{header}{end}{cells}{end}");
                assert_signed(&format!("{file:?}"), settings(AAK), CSV, &file, &members);
                let quoted = format!("{mark}\"{}\"{end}{cells}", header.replace(',', "\",\""));
                assert_signed(&quoted, settings(AAK), CSV, &quoted, &members);
            }
        }
    }
}

#[test]
fn values_come_from_the_row_then_from_set_then_from_the_default() {
    let with = |sets: &[(&str, &str)]| {
        let mut settings = settings(V1);
        let own = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
        settings.sets = sets.iter().map(own).collect();
        settings
    };
    let header = "appBundleId,productIdentifier,offerIdentifier,appAccountToken";
    let token = "appAccountToken";
    type Sets<'s> = &'s [(&'s str, &'s str)];
    let table: [(Sets<'_>, &str, &str); 6] = [
        (&[], "a,b,c,", ""),
        (&[], "a,b,c,row", "row"),
        (&[(token, "set")], "a,b,c,", "set"),
        (&[(token, "set")], "a,b,c,row", "row"),
        (&[("app_account_token", "set")], "a,b,c,", "set"),
        (&[(token, "")], "a,b,c,", ""),
    ];
    for (sets, row, expected) in table {
        let file = format!("{header}\n{row}\n");
        let members = [(token, Value::from(expected))];
        assert_signed(&file, with(sets), CSV, &file, &members);
    }
    // A required field without a column, and a row without a value.
    let sets = &[
        ("appBundleId", "com.example.app"),
        ("offerIdentifier", "spring"),
    ];
    let members = [
        ("appBundleId", Value::from("com.example.app")),
        ("offerIdentifier", Value::from("spring")),
        (token, Value::from("")),
    ];
    let table = [
        (CSV, "productIdentifier\nb\n"),
        (CSV, "productIdentifier,offerIdentifier\nb,\n"),
        (Dialect::Ndjson, "{\"productIdentifier\":\"b\"}"),
        (
            Dialect::Ndjson,
            "{\"productIdentifier\":\"b\",\"offerIdentifier\":null}",
        ),
        (
            Dialect::Ndjson,
            "{\"productIdentifier\":\"b\",\"offerIdentifier\":\"\"}",
        ),
    ];
    for (dialect, file) in table {
        assert_signed(file, with(sets), dialect, file, &members);
    }
    let members = [("offerIdentifier", Value::from("row"))];
    let file = "{\"productIdentifier\":\"b\",\"offerIdentifier\":\"row\"}";
    assert_signed(file, with(sets), Dialect::Ndjson, file, &members);
}

#[test]
fn maps_keeps_and_trims_do_what_they_say() {
    let (_, row) = example(AAK);
    let cells = csv_line(row.iter().map(|(_, text)| text.as_str()));
    let header = csv_line(row.iter().map(|(name, _)| *name));
    let source = "source-identifier";
    let number = [(source, Value::from(5239))];

    let mut mapped = settings(AAK);
    mapped.maps = vec![(source.into(), "Campaign Code".into())];
    let file = format!("{}\n{cells}\n", header.replace(source, "campaign_code"));
    assert_signed("map", mapped.clone(), CSV, &file, &number);
    let object = String::from_utf8(json(AAK, &[], &[]).row).unwrap();
    let object = object.replace(source, "campaign.code");
    assert_signed("map", mapped, Dialect::Ndjson, &object, &number);

    let mut kept = settings(AAK);
    kept.keep = vec!["Note".into(), "place".into()];
    let file = format!("{header},note,place\n{cells},\" a, \"\"b\"\" \",\n");
    let members = [
        ("Note", Value::from(" a, \"b\" ")),
        ("place", Value::from("")),
    ];
    assert_signed("keep", kept.clone(), CSV, &file, &members);
    // A member keeps its JSON, and one that is not there is not made up.
    let object = String::from_utf8(json(AAK, &[], &[]).row).unwrap();
    let object = object.replacen('{', "{\"note\":[1,{\"a\":1e3}],", 1);
    let object = object.replacen("1e3}", "1e3,\"b\":\"\\ud83d\\ude00\\\\ud800\"}", 1);
    let members = [
        ("Note/1/a", Value::from(1e3)),
        ("Note/1/b", Value::from("😀\\ud800")),
        ("place", Value::Null),
    ];
    assert_signed("keep", kept, Dialect::Ndjson, &object, &members);

    let mut ignoring = settings(AAK);
    ignoring.ignore_unknown = true;
    let file = format!("{header},anything\n{cells},x\n");
    assert_signed(
        "ignore",
        ignoring.clone(),
        CSV,
        &file,
        &[("anything", Value::Null)],
    );
    let object = String::from_utf8(json(AAK, &[("anything", "1")], &[]).row).unwrap();
    assert_signed(
        "ignore",
        ignoring,
        Dialect::Ndjson,
        &object,
        &[("anything", Value::Null)],
    );

    let mut trimming = settings(AAK);
    trimming.trim = true;
    let file = format!("{header}\n{}\n", cells.replace("5239", " 5239\u{a0}"));
    assert_signed("trim", trimming.clone(), CSV, &file, &number);
    let object = String::from_utf8(json(AAK, &[(source, "\" 5239\\t\"")], &[]).row).unwrap();
    assert_signed("trim", trimming.clone(), Dialect::Ndjson, &object, &number);
    // A cell with nothing but white space is empty then.
    let file = format!("{header},timestamp\n{cells},  \n");
    assert_signed("trim", trimming, CSV, &file, &number);
}

#[test]
fn integers_keep_every_digit_and_may_be_strings_in_json() {
    let item = "advertised-item-identifier";
    let largest = u64::MAX.to_string();
    let quoted = format!("\"{largest}\"");
    let workdir = Workdir::new();
    let cases = [
        csv(AAK, &[(item, &largest)], &[]),
        json(AAK, &[(item, &largest)], &[]),
        json(AAK, &[(item, &quoted)], &[]),
    ];
    for case in cases {
        let file = case.file();
        let signed = workdir
            .sign_rows(case.settings, case.dialect, &file, case.limits)
            .unwrap();
        let record = &signed.records[0];
        assert!(
            record.contains(&format!("\"{item}\":{largest},")),
            "{record}"
        );
        let jws = serde_json::from_str::<Value>(record).unwrap()["jws"].clone();
        let token = campaign_signer::jws::Compact::parse(jws.as_str().unwrap()).unwrap();
        let payload = String::from_utf8(token.payload.clone()).unwrap();
        assert!(
            payload.contains(&format!("\"{item}\":{largest}")),
            "{payload}"
        );
    }
}

#[test]
fn a_re_engagement_that_is_false_is_left_out() {
    let name = "eligible-for-re-engagement";
    let table = [
        ("true", "true", Value::Bool(true)),
        ("TRUE", "true", Value::Bool(true)),
        ("True", "true", Value::Bool(true)),
        ("false", "false", Value::Null),
        ("FALSE", "false", Value::Null),
        ("", "null", Value::Null),
    ];
    for (cell, member, expected) in table {
        let expected = [(name, expected)];
        let case = csv(AAK, &[(name, cell)], &[]);
        assert_signed(cell, settings(AAK), CSV, case.file(), &expected);
        let case = json(AAK, &[(name, member)], &[]);
        assert_signed(cell, settings(AAK), Dialect::Ndjson, case.file(), &expected);
    }
}

#[test]
fn an_account_token_may_be_absent_or_empty_and_is_lowered() {
    let name = "appAccountToken";
    let upper = NONCE.to_uppercase();
    let table = [
        ("", "\"\"", ""),
        ("", "null", ""),
        ("jane", "\"jane\"", "jane"),
        ("JANE", "\"JANE\"", "jane"),
        (&upper, &format!("\"{upper}\""), NONCE),
    ];
    for (cell, member, expected) in table {
        let expected = [(name, Value::from(expected))];
        let case = csv(V1, &[(name, cell)], &[]);
        assert_signed(cell, settings(V1), CSV, case.file(), &expected);
        let case = json(V1, &[(name, member)], &[]);
        assert_signed(
            member,
            settings(V1),
            Dialect::Ndjson,
            case.file(),
            &expected,
        );
    }
    let expected = [(name, Value::from(""))];
    assert_signed(
        "absent",
        settings(V1),
        CSV,
        csv(V1, &[], &[]).file(),
        &expected,
    );
    let file = json(V1, &[], &[]).file();
    assert_signed("absent", settings(V1), Dialect::Ndjson, file, &expected);
}

#[test]
fn a_nonce_in_capitals_is_lowered_wherever_one_stands() {
    for format in FORMATS {
        let Some((_, nonce)) = format.field_from(Source::Nonce) else {
            continue;
        };
        let case = csv(format.id, &[(nonce.name, &NONCE.to_uppercase())], &[]);
        let expected = [(nonce.name, Value::from(NONCE))];
        assert_signed(format.id, settings(format.id), CSV, case.file(), &expected);
    }
}

#[test]
fn a_user_may_be_an_object_bare_members_or_members_with_a_dot() {
    let account = |account: &str| {
        [
            ("user/id", Value::from("jane")),
            ("user/accountId", Value::from(account)),
        ]
    };
    let table = [
        (Dialect::Ndjson, r#"{"user":{"id":"jane"}}"#, "jane"),
        (
            Dialect::Ndjson,
            r#"{"user":{"id":"jane","accountId":"acme"}}"#,
            "acme",
        ),
        (
            Dialect::Ndjson,
            r#"{"user":{"id":"jane"},"accountId":"acme"}"#,
            "acme",
        ),
        (
            Dialect::Ndjson,
            r#"{"user":null,"id":"jane","accountId":null}"#,
            "jane",
        ),
        (Dialect::Ndjson, r#"{"id":"jane"}"#, "jane"),
        (
            Dialect::Ndjson,
            r#"{"user.id":"jane","user.accountId":"acme"}"#,
            "acme",
        ),
        (
            Dialect::Ndjson,
            r#"{"USER":{"ID":"jane","account_id":"acme"}}"#,
            "acme",
        ),
        (CSV, "id\njane\n", "jane"),
        (CSV, "user.id,account id\njane,\n", "jane"),
        (CSV, "user_id,user_account_id\njane,acme\n", "acme"),
    ];
    for (dialect, file, expected) in table {
        assert_signed(file, settings(IMPACT), dialect, file, &account(expected));
    }
}

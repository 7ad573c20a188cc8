//! Manifests, rejects and records that somebody made to be more than text.

use serde_json::Value;
use sha2::{Digest, Sha256};

use crate::runs::{page, with_rejects};
use crate::workdir::Workdir;

/// What would be markup, turn what follows around, or break out of a quote.
const EVIL: &str = "</style></td><script>alert(1)</script>\u{202e}\"onload='x()'&#60;\u{0}\u{2066}";

/// What is seen of it.
const SEEN: &str = "</style></td><script>alert(1)</script>[U+202E]\"onload='x()'&#60;␀[U+2066]";

/// Puts a text in the place of every string that need not be what it is.
fn spoil(value: &mut Value, text: &str, name: &str) {
    match value {
        // How files are read must be known, or they are not.
        Value::String(_) if matches!(name, "csv" | "input-formats" | "output-format") => {}
        Value::String(own) => *own = text.to_owned(),
        Value::Array(all) => all.iter_mut().for_each(|own| spoil(own, text, name)),
        Value::Object(all) => {
            for (name, own) in all.iter_mut() {
                spoil(own, text, name);
            }
        }
        _ => {}
    }
}

fn manifest(workdir: &Workdir) -> Value {
    serde_json::from_str(&workdir.text("out.ndjson.manifest.json")).unwrap()
}

#[test]
fn nothing_of_a_manifest_becomes_markup() {
    let workdir = with_rejects();
    let mut spoiled = manifest(&workdir);
    let codes = spoiled["rejected_by_code"].as_object_mut().unwrap();
    codes.insert(EVIL.to_owned(), 7.into());
    spoil(&mut spoiled, EVIL, "");
    spoiled["settings"]["set"] = serde_json::json!([[EVIL, EVIL]]);
    spoiled["notices"] = serde_json::json!({ EVIL: 3 });
    workdir.write("evil.json", spoiled.to_string());
    // Its structure is checked, and so is that no tag or attribute is new.
    let page = page(&workdir, "evil.json");
    page.says(SEEN);
    let seen = page
        .text
        .matches("<script>alert(1)</script>[U+202E]")
        .count();
    assert!(seen > 20, "{seen}");
    assert!(!page.html.contains(['\u{202e}', '\u{2066}', '\0']));
}

#[test]
fn values_of_a_megabyte_are_cut_with_their_length_said() {
    let workdir = with_rejects();
    let mut spoiled = manifest(&workdir);
    spoil(&mut spoiled, &"long".repeat(1 << 18), "");
    workdir.write("long.json", spoiled.to_string());
    let page = page(&workdir, "long.json");
    page.says("long… (1,048,576 characters)");
    assert!(page.html.len() < 100_000, "{}", page.html.len());
}

#[test]
fn numbers_of_any_size_are_told() {
    let workdir = with_rejects();
    let mut spoiled = manifest(&workdir);
    fn largest(value: &mut Value, name: &str) {
        match value {
            Value::Number(own) if own.is_u64() => {
                let most = match name {
                    "manifest_version" => 1,
                    "exit_code" => 1,
                    "attempts" => u64::from(u32::MAX),
                    _ => u64::MAX,
                };
                *own = most.into();
            }
            Value::Array(all) => all.iter_mut().for_each(|own| largest(own, name)),
            Value::Object(all) => all.iter_mut().for_each(|(name, own)| largest(own, name)),
            _ => {}
        }
    }
    largest(&mut spoiled, "");
    spoiled["settings"]["spread"] = u64::MAX.into();
    workdir.write("large.json", spoiled.to_string());
    for at in ["", " --at 2026-01-01T00:00:00Z"] {
        page(&workdir, &format!("large.json{at}")).says("18,446,744,073,709,551,615");
    }
    let mut spoiled = manifest(&workdir);
    spoiled["run"]["seconds"] = (-1e300).into();
    spoiled["run"]["rows_per_second"] = 1e300.into();
    spoiled["run"]["pace"] = serde_json::json!([[0, 0, 0], [1e300, 1, 1], [1.5e300, u64::MAX, 2]]);
    workdir.write("odd.json", spoiled.to_string());
    page(&workdir, "odd.json");
}

/// A hostile row is shown as it was, and a hostile name is counted by.
#[test]
fn nothing_of_a_row_or_a_record_becomes_markup() {
    let workdir = Workdir::new();
    let long = "x".repeat(1 << 20);
    let row = |bundle: &str, product: &str| {
        let row = serde_json::json!({
            "appBundleId": bundle, "productIdentifier": product, "offerIdentifier": "winback",
        });
        row.to_string()
    };
    let bold = "<b>bold</b>\" onclick=\"x()";
    let rows = [
        row(bold, &long),
        row(bold, &format!("{long}1")),
        row(EVIL, "one"),
        row("\u{0}", &long),
    ];
    workdir.write("rows.ndjson", rows.join("\n"));
    let sign = "sign -f appstore-promo-v1 -k key.pem --key-id 2X9R4HXF34 --max-row-bytes 9000000";
    workdir
        .run(&format!("{sign} rows.ndjson -o out.ndjson"))
        .exit(1);
    let page = page(&workdir, "out.ndjson.manifest.json");
    page.says(bold)
        .says(SEEN_IN_JSON)
        .says("(1,048,576 bytes, SHA-256")
        .says("(1,048,577 bytes, SHA-256")
        .says(" bytes in all)");
    assert!(page.html.len() < 100_000, "{}", page.html.len());
}

/// The beginning of the hostile row as JSON has it.
const SEEN_IN_JSON: &str = "{\"appBundleId\":\"</style></td><script>alert(1)</script>[U+202E]";

#[test]
fn ten_thousand_kinds_of_rejects_do_not_make_the_page_long() {
    let workdir = with_rejects();
    let line = workdir.lines("out.rejects.ndjson")[0].clone();
    let mut reject: Value = serde_json::from_str(&line).unwrap();
    let mut all = String::new();
    for nth in 0..10_500 {
        reject["problems"][0]["field"] = format!("field {nth}").into();
        all.push_str(&format!("{reject}\n"));
    }
    let mut spoiled = manifest(&workdir);
    spoiled["rejects"]["bytes"] = all.len().into();
    let digest: String = Sha256::digest(&all)
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect();
    spoiled["rejects"]["sha256"] = digest.into();
    workdir.write("out.rejects.ndjson", all);
    workdir.write("many.json", spoiled.to_string());
    let page = page(&workdir, "many.json");
    page.says("10,450 more, of other kinds, are in the file.");
    assert!(page.html.len() < 150_000, "{}", page.html.len());
}

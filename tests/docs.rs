//! The page about invalid signatures shows what the program prints, and its
//! examples are what they say: right signatures of the demo key, damaged.
#![allow(clippy::unwrap_used)] // A failed unwrap is a failed test.

mod workdir;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use campaign_signer::explain::KINDS;
use serde_json::Value;
use workdir::Workdir;

const ROOT: &str = env!("CARGO_MANIFEST_DIR");

/// The commands that the page shows, by their names.
const SHOWN: &[(&str, &str)] = &[
    (
        "app",
        "explain --public-key examples/keys/demo.pub.pem examples/invalid/app.json",
    ),
    (
        "bid",
        "explain --public-key examples/keys/demo.pub.pem examples/invalid/bid.json",
    ),
    (
        "token",
        "explain --public-key examples/keys/demo.pub.pem examples/invalid/token.txt",
    ),
    (
        "values",
        "explain --public-key examples/keys/demo.pub.pem -f skan-view --set version=3.0 \
         --set ad-network-id=example123.skadnetwork --set campaign-id=42 \
         --set itunes-item-id=525463029 --set source-app-id=1234567891 \
         --set nonce=NONCE --set timestamp=1760000000000 --signature SIGNATURE",
    ),
    (
        "night",
        "explain --public-key examples/keys/demo.pub.pem examples/invalid/night.ndjson",
    ),
];

fn is_updating() -> bool {
    std::env::var_os("UPDATE_README").is_some()
}

fn path(name: &str) -> PathBuf {
    Path::new(ROOT).join(name)
}

/// Signs rows with the demo key, as of a fixed time.
fn sign(workdir: &Workdir, key: &str, arguments: &str, rows: &str) -> Vec<String> {
    workdir.write("rows.csv", rows);
    let fixed = format!("-k {key} --job-id invalid --timestamp 1760000000000");
    let command = format!("sign rows.csv {fixed} {arguments} -o out.ndjson --force");
    workdir.run(&command).exit(0);
    workdir.lines("out.ndjson")
}

const HEADER: &str = "ad-network-id,source-identifier,itunes-item-id,source-app-id\n";

/// Every example file with its content, made anew.
fn examples() -> Vec<(&'static str, String)> {
    let workdir = Workdir::new();
    fs::copy(path("examples/keys/demo.p8"), workdir.path("demo.p8")).unwrap();
    workdir.mode("demo.p8", 0o600);
    let row = "example123.skadnetwork,5239,525463029,1234567891\n";
    let rows = format!("{HEADER}{row}");
    let pretty = |value: &Value| serde_json::to_string_pretty(value).unwrap() + "\n";

    let lines = sign(&workdir, "demo.p8", "-f skan-view --shape native", &rows);
    let mut app: Value = serde_json::from_str(&lines[0]).unwrap();
    let nonce = app["adImpressionIdentifier"]
        .as_str()
        .unwrap()
        .to_uppercase();
    app["adImpressionIdentifier"] = nonce.into();

    let both = "-f skan-view,skan-storekit --shape openrtb";
    let lines = sign(&workdir, "demo.p8", both, &rows);
    let mut ext: Value = serde_json::from_str(&lines[0]).unwrap();
    // r and s where DER belongs.
    let signature = &mut ext["skadn"]["fidelities"][1]["signature"];
    let der = STANDARD.decode(signature.as_str().unwrap()).unwrap();
    let rs = p256::ecdsa::Signature::from_der(&der).unwrap().to_bytes();
    *signature = STANDARD.encode(rs).into();
    let bid = serde_json::json!({
        "id": "7d0a", "cur": "USD",
        "seatbid": [{"bid": [{"id": "1", "impid": "1", "price": 2.5, "ext": ext}]}],
    });

    let columns = "publisher-item-identifier,ad-network-identifier,source-identifier,\
                   advertised-item-identifier\n";
    let aak = format!("{columns}1234567891,example123.adattributionkit,5239,525463029\n");
    let lines = sign(&workdir, "demo.p8", "-f aak-impression", &aak);
    let record: Value = serde_json::from_str(&lines[0]).unwrap();
    let parts: Vec<&str> = record["jws"].as_str().unwrap().split('.').collect();
    let payload = URL_SAFE_NO_PAD.decode(parts[1]).unwrap();
    let payload = String::from_utf8(payload).unwrap();
    let again = payload.replace(":", ": ").replace(",\"", ", \"");
    let again = URL_SAFE_NO_PAD.encode(again);
    let token = format!("{}.{again}.{}\n", parts[0], parts[2]);

    let many: String = (0..60)
        .map(|at| {
            format!(
                "example123.skadnetwork,{},525463029,1234567891\n",
                1000 + at
            )
        })
        .collect();
    let many = format!("{HEADER}{many}");
    let mut night = sign(&workdir, "demo.p8", "-f skan-view", &many);
    // A few signed by the key of another network.
    let other = path("examples/nightly/keys/example456.p8");
    fs::copy(other, workdir.path("other.p8")).unwrap();
    workdir.mode("other.p8", 0o600);
    let others = sign(&workdir, "other.p8", "-f skan-view", &many);
    night.splice(52..60, others[52..60].to_vec());
    for line in &mut night[20..38] {
        // What came from a table with text in all columns.
        *line = line.replace(":525463029,", ":\"525463029\",");
    }
    for line in &mut night[50..52] {
        *line = line.replace(
            "\"source-app-id\":1234567891",
            "\"source-app-id\":1234567892",
        );
    }
    let mut night = night.join("\n");
    night.push('\n');
    vec![
        ("examples/invalid/app.json", pretty(&app)),
        ("examples/invalid/bid.json", pretty(&bid)),
        ("examples/invalid/token.txt", token),
        ("examples/invalid/night.ndjson", night),
    ]
}

#[test]
fn the_examples_are_signatures_of_the_demo_key_and_damaged_as_they_say() {
    for (name, made) in examples() {
        if is_updating() {
            fs::write(path(name), &made).unwrap();
        }
        let stands = fs::read_to_string(path(name)).unwrap();
        assert!(
            stands == made,
            "{name} is not what the demo key signs; UPDATE_README=1 cargo test --test docs mends it"
        );
    }
}

/// The command with what only a run knows: the nonce and the signature of a
/// message whose values were joined by commas.
fn filled(command: &str) -> String {
    use p256::ecdsa::signature::Signer as _;
    let nonce = "5f0cd0de-ab95-4fb2-9c52-e6c84ec4b4c1";
    let values =
        format!("3.0,example123.skadnetwork,42,525463029,{nonce},1234567891,0,1760000000000");
    let key = fs::read(path("examples/keys/demo.p8")).unwrap();
    let key = campaign_signer::key::SigningKey::from_bytes(&key).unwrap();
    let signature: p256::ecdsa::Signature = key.ecdsa().sign(values.as_bytes());
    let signature = STANDARD.encode(signature.to_der().as_bytes());
    command
        .replace("NONCE", nonce)
        .replace("SIGNATURE", &signature)
}

/// A command line as a person types it.
fn folded(command: &str) -> String {
    let mut out = String::from("$ campaign-signer");
    let mut width = out.len();
    for word in command.split_whitespace() {
        if width + word.len() > 84 && word.starts_with("--") {
            out.push_str(" \\\n     ");
            width = 5;
        }
        out.push(' ');
        out.push_str(word);
        width += word.len() + 1;
    }
    out
}

fn table() -> String {
    let mut out = String::from("| code | valid if | what mends it |\n|---|---|---|\n");
    for kind in KINDS {
        let cell = |text: &str| {
            let text = text.replace('|', "\\|").replace("{field}", "*field*");
            text.replace("{detail}", "*detail*")
        };
        let [when, fix] = kind.words().map(cell);
        out.push_str(&format!("| `{}` | {when} | {fix} |\n", kind.code));
    }
    out.trim_end().to_owned()
}

#[test]
fn the_page_shows_what_the_program_prints() {
    let page = path("docs/invalid-signature.md");
    let mut text = fs::read_to_string(&page).unwrap();
    let mut parts: Vec<(String, String, String)> = Vec::new();
    if is_updating() {
        // What is shown is made first.
        the_examples_are_signatures_of_the_demo_key_and_damaged_as_they_say();
    }
    for (name, command) in SHOWN {
        let command = filled(command);
        let words: Vec<&str> = command.split_whitespace().collect();
        let output = Command::new(env!("CARGO_BIN_EXE_campaign-signer"))
            .args(&words)
            .current_dir(ROOT)
            .output()
            .unwrap();
        assert_eq!(output.status.code(), Some(7), "{name}");
        let said = String::from_utf8(output.stdout).unwrap();
        let shown = format!("```text\n{}\n{}\n```", folded(&command), said.trim_end());
        parts.push((
            format!("<!-- run: {name} -->\n"),
            "\n<!-- /run -->".into(),
            shown,
        ));
    }
    parts.push((
        "<!-- kinds -->\n".into(),
        "\n<!-- /kinds -->".into(),
        table(),
    ));
    for (open, close, fresh) in parts {
        let start = text.find(&open).unwrap_or_else(|| panic!("{open}")) + open.len();
        let end = text[start - 1..].find(&close).unwrap() + start - 1;
        if is_updating() {
            text.replace_range(start..end.max(start), &fresh);
            if end < start {
                let at = start + fresh.len();
                text.insert(at, '\n');
            }
            continue;
        }
        assert_eq!(
            &text[start..end],
            fresh,
            "UPDATE_README=1 cargo test --test docs mends it"
        );
    }
    if is_updating() {
        fs::write(page, text).unwrap();
    }
}

//! Whole files through the command: causes in groups, every line as JSON, and
//! what people pass in.

use serde_json::Value;

use crate::testkit;
use crate::workdir::Workdir;

/// Two hundred sound records and the keys for them.
fn workdir() -> Workdir {
    let workdir = Workdir::new();
    workdir.run("keygen -o own.pem").exit(0);
    workdir.run("keygen -o other.pem").exit(0);
    let rows: String = (0..200)
        .map(|at| format!("test.skadnetwork,{},{},42\n", 1000 + at, 525_463_029 + at))
        .collect();
    let header = "ad-network-id,source-identifier,itunes-item-id,source-app-id\n";
    workdir.write("rows.csv", format!("{header}{rows}"));
    for key in ["own", "other"] {
        let arguments = format!("-k {key}.pem --job-id j -o {key}.ndjson");
        workdir
            .run(&format!("sign -f skan-view rows.csv {arguments}"))
            .exit(0);
    }
    workdir
}

fn lines(workdir: &Workdir, name: &str) -> Vec<Value> {
    let text = workdir.text(name);
    text.lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

fn write(workdir: &Workdir, name: &str, lines: &[Value]) {
    let text: String = lines.iter().map(|line| format!("{line}\n")).collect();
    workdir.write(name, text);
}

#[test]
fn a_files_causes_are_told_in_groups_the_most_frequent_first() {
    let workdir = workdir();
    let mut all = lines(&workdir, "own.ndjson");
    for line in &mut all[10..50] {
        line["nonce"] = line["nonce"].as_str().unwrap().to_uppercase().into();
    }
    for line in &mut all[100..105] {
        line["itunes-item-id"] = line["itunes-item-id"].to_string().into();
    }
    all[150]["itunes-item-id"] = 7.into();
    write(&workdir, "damaged.ndjson", &all);
    let run = workdir.run("explain damaged.ndjson --public-key own.pub.pem");
    run.exit(7);
    let said = run.stdout.clone();
    let at = |words: &str| {
        said.find(words)
            .unwrap_or_else(|| panic!("{words}: {said}"))
    };
    let first = at("       40  invalid; valid if nonce were in lower case");
    let second = at("        5  invalid; valid if itunes-item-id were a number");
    let third = at("        1  invalid; nothing found");
    assert!(first < second && second < third, "{said}");
    at("    valid  154 of 200 records");
    at("damaged.ndjson line 11, 12, 13, 14, 15 and 35 more");

    // As JSON, a line for each, then a summary.
    let run = workdir.run("explain damaged.ndjson --public-key own.pub.pem --json");
    let said = run.exit(7).stdout.clone();
    let objects: Vec<Value> = said
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert_eq!(objects.len(), 47);
    assert_eq!(objects[0]["line"], 11);
    assert_eq!(objects[0]["causes"][0]["code"], "letter_case");
    assert_eq!(objects[0]["causes"][0]["side"], "shown");
    let summary = &objects[46]["summary"];
    assert_eq!(summary["valid"], 154);
    assert_eq!(summary["causes"][0]["count"], 40);
}

#[test]
fn a_file_without_a_fault_is_valid() {
    let workdir = workdir();
    let run = workdir.run("explain own.ndjson --public-key own.pub.pem");
    let said = run.exit(0).stdout.clone();
    assert_eq!(said.lines().count(), 1, "{said}");
    assert!(said.contains("valid  200 of 200 records"), "{said}");
}

#[test]
fn records_of_a_key_that_was_not_given_are_told_with_that_key() {
    let workdir = workdir();
    let run = workdir.run("explain other.ndjson --public-key own.pub.pem -j 2");
    let said = run.exit(7).stdout.clone();
    let stranger = workdir.run("key other.pem").exit(0).stdout.clone();
    let line = |text: &str| {
        let mut words = text.split_whitespace();
        words
            .find(|word| word.starts_with("MFkw"))
            .map(str::to_owned)
    };
    assert_eq!(line(&said), line(&stranger), "{said}");
    assert!(said.contains("200  of those for which nothing was found are right under one key"));
    // Only so many are searched in pairs, and it is said.
    assert!(
        said.contains("were searched for single mistakes only"),
        "{said}"
    );
}

#[test]
fn a_ring_tells_which_of_its_keys_made_a_signature() {
    let workdir = workdir();
    let entry = |id: &str, network: &str| {
        format!(
            "[[key]]\nid = \"{id}\"\nfile = \"{id}.pem\"\nfamilies = [\"ad-network\"]\n\
             ad-network-ids = [\"{network}.skadnetwork\"]\n"
        )
    };
    workdir.write(
        "keys.toml",
        entry("other", "test") + &entry("own", "elsewhere"),
    );
    let run = workdir.run("explain own.ndjson --keys keys.toml");
    let said = run.exit(7).stdout.clone();
    let words = "200  invalid; valid if it were checked under key own, which such records do not";
    assert!(said.contains(words), "{said}");
}

#[test]
fn values_on_the_command_line_and_a_signature_are_explained() {
    let workdir = workdir();
    let record = &lines(&workdir, "own.ndjson")[0];
    let mut words: Vec<String> = ["explain", "--public-key", "own.pub.pem", "-f", "skan-view"]
        .map(str::to_owned)
        .to_vec();
    for name in [
        "version",
        "ad-network-id",
        "source-identifier",
        "itunes-item-id",
        "nonce",
    ] {
        let value = match &record[name] {
            Value::String(text) => text.to_uppercase().to_lowercase(),
            other => other.to_string(),
        };
        words.extend(["--set".to_owned(), format!("{name}={value}")]);
    }
    let timestamp = record["timestamp"].to_string();
    words.extend(["--set".into(), "source-app-id=42".into()]);
    words.extend(["--set".into(), format!("timestamp={timestamp}")]);
    let signature = record["signature"].as_str().unwrap();
    words.extend(["--signature".into(), signature.to_owned()]);
    let run = |words: &[String]| {
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        let output = workdir.command(&words).output().unwrap();
        (
            output.status.code(),
            String::from_utf8(output.stdout).unwrap(),
        )
    };
    let (code, said) = run(&words);
    assert_eq!(code, Some(0), "{said}");
    assert!(said.contains("  verdict  valid\n"), "{said}");
    let at = words
        .iter()
        .position(|word| word.starts_with("nonce="))
        .unwrap();
    words[at] = words[at].to_uppercase().replace("NONCE=", "nonce=");
    let (code, said) = run(&words);
    assert_eq!(code, Some(7), "{said}");
    assert!(said.contains("valid if nonce were in lower case"), "{said}");
}

#[test]
fn csv_and_several_lines_on_standard_input_are_read_too() {
    let workdir = workdir();
    workdir
        .run("sign -f skan-view rows.csv -k own.pem --job-id j -o signed.csv")
        .exit(0);
    let text = workdir.text("signed.csv");
    let (head, rest) = text.split_once('\n').unwrap();
    let (first, rest) = rest.split_once('\n').unwrap();
    workdir.write(
        "damaged.csv",
        format!("{head}\n{}\n{rest}", first.replace("test.", "TEST.")),
    );
    let run = workdir.run("explain damaged.csv --public-key own.pub.pem");
    let said = run.exit(7).stdout.clone();
    assert!(
        said.contains("valid if ad-network-id were in lower case"),
        "{said}"
    );
    assert!(said.contains("199 of 200"), "{said}");

    let two: Vec<String> = lines(&workdir, "own.ndjson")[..2]
        .iter()
        .map(Value::to_string)
        .collect();
    let run = workdir.run_with(
        &["explain", "--public-key", "own.pub.pem"],
        two.join("\n").as_bytes(),
    );
    let said = run.exit(0).stdout.clone();
    assert_eq!(said.matches("verdict  valid").count(), 2, "{said}");
}

#[test]
fn lines_that_cannot_be_read_are_told_as_verify_tells_them_and_stay_few_groups() {
    let workdir = workdir();
    let mut text = workdir.text("own.ndjson");
    // Each of them is unreadable in words of its own.
    for at in 0..3000 {
        text.push_str(&format!(
            "{{\"format\":\"skan-view\",\"signature\":\"{}?\"}}\n",
            "A".repeat(at % 2000)
        ));
    }
    text.push_str("{\"format\":\n");
    workdir.write("odd.ndjson", text);
    let run = workdir.run("explain odd.ndjson --public-key own.pub.pem --json");
    let said = run.exit(7).stdout.clone();
    let objects: Vec<Value> = said
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert_eq!(objects.len(), 3002);
    let broken = &objects[3000];
    assert_eq!(broken["verdict"], "unreadable");
    let notes = broken["notes"].as_array().unwrap();
    assert!(!notes.is_empty(), "{broken}");
    let causes = objects[3001]["summary"]["causes"].as_array().unwrap();
    assert!(causes.len() <= 1001, "{}", causes.len());
    let count = |cause: &Value| cause["count"].as_u64().unwrap();
    assert_eq!(causes.iter().map(count).sum::<u64>(), 3001);
}

#[test]
fn what_holds_no_signature_is_refused_with_a_hint() {
    let workdir = workdir();
    for text in [
        "",
        "{}",
        "[]",
        "hello",
        "{\"a\":1}",
        "null",
        "{\"a\":{\"b\":[{}]}}",
        "\u{feff}",
    ] {
        let run = workdir.run_with(&["explain", "--public-key", "own.pub.pem"], text.as_bytes());
        let code = run.status;
        assert!([Some(2), Some(7)].contains(&code), "{text:?}: {code:?}");
    }
    let _ = testkit::now();
}

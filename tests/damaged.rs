//! Files as spreadsheets, data frames and scripts leave them: what is told of
//! each is what a person needs to mend it.
//!
//! `tests/data/damaged/` has the files, and beside each the command and what it
//! says. UPDATE_GOLDEN=1 writes that anew.

#![allow(clippy::unwrap_used)]

mod workdir;

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use campaign_signer::damage::Damage;
use campaign_signer::format::{FORMATS, Format, Kind, Source};
use campaign_signer::json::Shape;
use serde_json::Value;

use workdir::{Workdir, csv_line, example_row, token};

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/damaged")
}

/// The names of the damaged files, sorted.
fn damaged() -> Vec<String> {
    let entries = fs::read_dir(folder()).unwrap();
    let names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let mut names: Vec<String> = names
        .filter(|name| name.ends_with(".csv") || name.ends_with(".ndjson"))
        .collect();
    names.sort();
    names
}

#[test]
fn every_damaged_file_is_told_as_a_person_needs_it() {
    let update = std::env::var_os("UPDATE_GOLDEN").is_some();
    let mut kinds = BTreeSet::new();
    for name in damaged() {
        let path = folder().join(format!("{name}.expected"));
        let expected = fs::read_to_string(&path).unwrap_or_default();
        let first = expected.lines().next().unwrap_or_default();
        let own = first.strip_prefix("$ campaign-signer ");
        let command = own.map_or(format!("check -f aak-impression {name}"), str::to_owned);
        let workdir = Workdir::new();
        workdir.write(&name, fs::read(folder().join(&name)).unwrap());
        let run = workdir.run(&command);
        let lines = run.stderr.lines();
        // How long it took is not to be compared.
        let lines = lines.filter(|line| !line.starts_with("     time  "));
        let said: String = lines.map(|line| format!("{line}\n")).collect();
        let found = format!("$ campaign-signer {command}\n{said}");
        if update {
            fs::write(&path, &found).unwrap();
        }
        run.expect(update || found == expected, &format!("{name}:\n{expected}"));
        let events = workdir.run(&format!("{command} --log json")).stderr;
        for event in events.lines() {
            let event: Value = serde_json::from_str(event).unwrap();
            if event["event"] == "damage" {
                kinds.insert(event["kind"].as_str().unwrap().to_owned());
            }
        }
    }
    // The others have one in the module's own tests.
    assert!(kinds.len() >= 25, "{kinds:?}");
    assert!(kinds.iter().all(|kind| Damage::named(kind).is_some()));
}

#[test]
fn a_damaged_column_is_told_once_and_every_row_is_kept() {
    let workdir = Workdir::new();
    let header = csv_line(example_row(aak(), None).iter().map(|(name, _)| *name));
    let cells = example_row(aak(), None);
    let row = csv_line(cells.iter().map(|(_, text)| text.as_str())).replace("1108187390", "7.0");
    let rows = 10_000;
    workdir.write(
        "rows.csv",
        format!("{header}\n{}", format!("{row}\n").repeat(rows)),
    );
    let run = workdir.run("sign -f aak-impression -k key.pem -o out.ndjson rows.csv");
    let told = run
        .stderr
        .lines()
        .filter(|line| line.starts_with("   damage  "))
        .count();
    run.exit(1).expect(told == 1, "one line for the column");
    run.says("advertised-item-identifier: 10,000 of 10,000 rows hold decimals such as \"7.0\" (rows.csv line 2)");
    assert_eq!(workdir.lines("out.rejects.ndjson").len(), rows);
    let manifest: Value = serde_json::from_str(&workdir.text("out.ndjson.manifest.json")).unwrap();
    let [damage] = &manifest["damage"].as_array().unwrap()[..] else {
        panic!("{manifest}");
    };
    assert_eq!(damage["kind"], "decimal_zero");
    assert_eq!(damage["rows"], rows);
    assert_eq!(damage["line"], 2);
}

fn aak() -> &'static Format {
    Format::find("aak-impression").unwrap()
}

/// The integers that rows of a format must give.
fn integers(format: &'static Format) -> Vec<&'static str> {
    let fields = format
        .fields
        .iter()
        .filter(|field| field.source == Source::Required);
    let integers = fields.filter(|field| field.kind.shape() == Shape::Number);
    integers.map(|field| field.name).collect()
}

/// `sign` of these rows into an output of this name, with more options.
fn sign(workdir: &Workdir, format: &Format, file: &str, out: &str, more: &[&str]) -> Option<i32> {
    let key = match format.id {
        "impact-user-jwt" => ["--secret-file", "secret.txt"],
        _ => ["--key", "key.pem"],
    };
    let base = [
        "sign",
        "-f",
        format.id,
        "--job-id",
        "j",
        "--timestamp",
        "1795247187372",
        "-o",
        out,
    ];
    let key_id: &[&str] = match format.key_id() {
        Some(_) => &["--key-id", "2X9R4HXF34"],
        None => &[],
    };
    let arguments = [&base[..], &key, key_id, more, &[file]].concat();
    let run = workdir.run_args(&arguments);
    run.expect(!matches!(run.status, Some(2 | 3)), "arguments that fit");
    run.status
}

#[test]
fn decimal_zeros_are_accepted_for_every_integer_of_every_format_and_change_no_byte() {
    let mut tried = 0;
    for format in FORMATS {
        let names = integers(format);
        if names.is_empty() {
            continue;
        }
        tried += 1;
        let row = example_row(format, None);
        let dotted = |(name, text): &(&'static str, String)| match names.contains(name) {
            true => (*name, format!("{text}.0")),
            false => (*name, text.clone()),
        };
        let damaged: Vec<_> = row.iter().map(dotted).collect();
        let workdir = Workdir::new();
        let header = csv_line(row.iter().map(|(name, _)| *name));
        let csv = |row: &[(&str, String)]| {
            let cells = csv_line(row.iter().map(|(_, text)| text.as_str()));
            format!("{header}\n{cells}\n")
        };
        let json = |row: &[(&'static str, String)], quoted: bool| {
            let value = |(name, text): &(&'static str, String)| {
                let value = match quoted && names.contains(name) {
                    true => format!("\"{text}\""),
                    false => token(format, name, text),
                };
                format!("\"{name}\":{value}")
            };
            let members: Vec<String> = row.iter().map(value).collect();
            format!("{{{}}}\n", members.join(","))
        };
        workdir.write("plain.csv", csv(&row));
        workdir.write("a.csv", csv(&damaged));
        workdir.write("b.ndjson", json(&damaged, false));
        workdir.write("c.ndjson", json(&damaged, true));
        assert_eq!(
            sign(&workdir, format, "plain.csv", "plain.out.ndjson", &[]),
            Some(0)
        );
        let accept = ["--accept-decimal-zero"];
        for (file, out) in [
            ("a.csv", "a.out.ndjson"),
            ("b.ndjson", "b.out.ndjson"),
            ("c.ndjson", "c.out.ndjson"),
        ] {
            assert_eq!(
                sign(&workdir, format, file, out, &[]),
                Some(1),
                "{} {file}",
                format.id
            );
            assert!(
                workdir
                    .text(&out.replace(".ndjson", ".rejects.ndjson"))
                    .contains("decimal_form")
            );
            let more = [&accept[..], &["--force"]].concat();
            assert_eq!(
                sign(&workdir, format, file, out, &more),
                Some(0),
                "{} {file}",
                format.id
            );
            assert_eq!(
                workdir.text(out),
                workdir.text("plain.out.ndjson"),
                "{} {file}",
                format.id
            );
        }
    }
    assert!(tried > 3);
}

#[test]
fn what_is_more_than_zeros_behind_a_point_is_refused_all_the_same() {
    let field = "advertised-item-identifier";
    for text in [
        "7.5",
        "7.",
        ".0",
        "07.0",
        "7.0e1",
        "-7.0",
        "0.0",
        "9007199254740994.0",
        "7,0",
    ] {
        let workdir = Workdir::new();
        let mut row = example_row(aak(), None);
        row.iter_mut().find(|(name, _)| *name == field).unwrap().1 = text.into();
        let header = csv_line(row.iter().map(|(name, _)| *name));
        let cells = csv_line(row.iter().map(|(_, text)| text.as_str()));
        workdir.write("rows.csv", format!("{header}\n{cells}\n"));
        let status = sign(
            &workdir,
            aak(),
            "rows.csv",
            "out.ndjson",
            &["--accept-decimal-zero"],
        );
        assert_eq!(status, Some(1), "{text}");
    }
}

#[test]
fn publishers_and_counts_take_decimal_zeros_as_well() {
    let workdir = Workdir::new();
    workdir.write(
        "publishers.csv",
        "publisher-item-identifier\n5838492.0\n5838493.0\n",
    );
    workdir.write(
        "rows.csv",
        "ad-network-identifier,source-identifier,advertised-item-identifier,count\n\
         example123.adattributionkit,5239.0,1108187390.0,3.0\n",
    );
    let publishers = ["--publishers", "publishers.csv"];
    workdir
        .run("check -f aak-impression --publishers publishers.csv rows.csv")
        .exit(2)
        .says("--accept-decimal-zero");
    let more = [&publishers[..], &["--accept-decimal-zero"]].concat();
    assert_eq!(
        sign(&workdir, aak(), "rows.csv", "out.ndjson", &more),
        Some(0)
    );
    let records = workdir.json("out.ndjson");
    assert_eq!(records.len(), 6);
    assert_eq!(records[5]["publisher-item-identifier"], 5_838_493);
    // The rows are read again under the same settings.
    workdir
        .run("verify --public-key pub.pem --manifest out.ndjson.manifest.json out.ndjson")
        .exit(0);
    // It decides the bytes, so it is compared where a run is gone on with.
    let run = workdir.run(
        "sign -f aak-impression --key key.pem --publishers publishers.csv --job-id j \
         --timestamp 1795247187372 --resume -o out.ndjson rows.csv",
    );
    run.exit(2).says("accept-decimal-zero was true and is null");
}

#[test]
fn a_check_says_how_many_records_a_run_would_make() {
    let workdir = Workdir::new();
    workdir.write(
        "rows.csv",
        "publisher-item-identifier,ad-network-identifier,source-identifier,advertised-item-identifier,count\n\
         5838492,example123.adattributionkit,5239,1108187390,3\n\
         5838492,example123.adattributionkit,5239,1108187390,\n\
         5838492,example123.adattributionkit,x,1108187390,9\n",
    );
    let run = workdir.run("check -f aak-impression rows.csv");
    run.exit(1).says("  records  2 rows would become 4 records");
}

#[test]
fn a_word_for_no_value_is_told_in_every_kind_of_field() {
    for format in FORMATS {
        for field in format.fields {
            let may_be_any_text = matches!(field.kind, Kind::Text | Kind::Pattern { .. });
            if may_be_any_text {
                continue;
            }
            let fault = field.read("NaN", &mut Vec::new()).unwrap_err();
            let damage = fault.damage.map(|damage| damage.name);
            let is_fixed = matches!(field.source, Source::Constant(_));
            assert!(
                is_fixed || damage == Some("missing_pandas"),
                "{} {}",
                format.id,
                field.name
            );
        }
    }
}

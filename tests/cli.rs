//! The command line: every verb, every exit code, what is written and what is
//! left alone, and that no secret is ever shown.

#![allow(clippy::unwrap_used)]

mod workdir;

use std::fs;
use std::io::Write as _;
use std::process::Stdio;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use campaign_signer::engine::ENGINES;
use campaign_signer::format::{Alg, FORMATS, Format};
use campaign_signer::key::SigningKey;
use serde_json::Value;

use workdir::{SECRET, Workdir, csv_line, example_row, key_data, now, token};

/// Three good rows of a format as CSV, with more columns and cells.
fn csv_rows(format: &Format, column: &str, cells: [&str; 3]) -> String {
    let row = example_row(format, None);
    let names = row.iter().map(|(name, _)| *name);
    let line = |cell: &str| {
        let texts = row.iter().map(|(_, text)| text.as_str());
        match column {
            "" => csv_line(texts),
            _ => csv_line(texts.chain([cell])),
        }
    };
    let header = match column {
        "" => csv_line(names),
        _ => csv_line(names.chain([column])),
    };
    format!("{header}\n{}\n", cells.map(line).join("\n"))
}

fn json_row(format: &Format) -> String {
    let members: Vec<String> = example_row(format, None)
        .iter()
        .map(|(name, text)| format!("\"{name}\":{}", token(format, name, text)))
        .collect();
    format!("{{{}}}", members.join(","))
}

fn aak() -> &'static Format {
    Format::find("aak-impression").unwrap()
}

/// `rows.csv` and `rows.ndjson` with three good rows, `bad.csv` with one more
/// that is rejected, on its line 3.
fn with_rows() -> Workdir {
    let workdir = Workdir::new();
    let good = csv_rows(aak(), "", ["", "", ""]);
    workdir.write("rows.csv", &good);
    let object = json_row(aak());
    workdir.write("rows.ndjson", format!("{object}\n{object}\n{object}\n"));
    let mut lines: Vec<&str> = good.lines().collect();
    let bad = lines[1].replace("5239", "1.1E+09");
    lines.insert(2, &bad);
    workdir.write("bad.csv", lines.join("\n"));
    workdir
}

const SIGN: &str = "sign -f aak-impression -k key.pem";

fn sign(rest: &str) -> String {
    format!("{SIGN} {rest}")
}

#[test]
fn every_format_is_signed_from_and_to_every_kind_of_file_and_verifies() {
    for format in FORMATS {
        let workdir = Workdir::new();
        workdir.write("rows.csv", csv_rows(format, "", ["", "", ""]));
        workdir.write("rows.tsv", csv_rows(format, "", [""; 3]).replace(',', "\t"));
        let object = json_row(format);
        workdir.write("rows.jsonl", format!("{object}\n{object}\n"));
        let (key, public) = match format.alg() {
            Alg::Es256 => ("-k key.pem", "--public-key pub.pem"),
            Alg::Hs256 => ("--secret-file secret.txt", "--secret-file secret.txt"),
        };
        let id = match format.key_id() {
            Some(_) => "--key-id 2X9R4HXF34",
            None => "",
        };
        let is_json = format.fields.iter().any(|f| f.example.contains(','));
        for (input, rows) in [("rows.csv", 3), ("rows.tsv", 3), ("rows.jsonl", 2)] {
            if input == "rows.tsv" && is_json {
                continue;
            }
            for output in ["out.ndjson", "out.csv", "out.tsv"] {
                let name = format.id;
                let options = format!("-f {name} {key} {id} --force -o {output} {input}");
                let run = workdir.run(&format!("sign {options}"));
                run.exit(0).says("rejected  0 rows");
                assert!(run.stdout.is_empty(), "{run}");
                let header = usize::from(output != "out.ndjson");
                assert_eq!(workdir.lines(output).len(), rows + header, "{run}");
                assert_eq!(workdir.bytes("out.rejects.ndjson"), b"");
                let manifest = format!("--manifest {output}.manifest.json");
                workdir
                    .run(&format!("verify {public} -f {name} {manifest} {output}"))
                    .exit(0)
                    .says(&format!("{rows} of {rows} records"));
            }
        }
    }
}

#[test]
fn standard_input_and_output_take_whole_lines_and_no_file_is_made() {
    let workdir = with_rows();
    let before = workdir.files();
    let rows = workdir.bytes("rows.csv");
    let arguments = sign("-o - --input-format csv");
    for tail in ["", " -"] {
        let arguments = format!("{arguments}{tail}");
        let arguments: Vec<&str> = arguments.split_whitespace().collect();
        let run = workdir.run_with(&arguments, &rows);
        run.exit(0);
        assert!(run.stdout.ends_with('\n'), "{run}");
        assert_eq!(run.stdout.lines().count(), 3, "{run}");
        assert_eq!(workdir.files(), before);
        let verify = ["verify", "--public-key", "pub.pem", "-"];
        workdir.run_with(&verify, run.stdout.as_bytes()).exit(0);
    }
    let run = workdir.run(&sign("-o - --output-format csv rows.ndjson"));
    run.exit(0);
    assert_eq!(run.stdout.lines().count(), 4, "{run}");
    // A manifest where one is named.
    workdir
        .run(&sign("-o - --manifest m.json rows.csv"))
        .exit(0);
    let manifest: Value = serde_json::from_str(&workdir.text("m.json")).unwrap();
    assert_eq!(manifest["signed"]["path"], "-");
    assert_eq!(manifest["counts"]["records"], 3);
    // The first reject stops a run that has no place for it.
    let run = workdir.run(&sign("-o - bad.csv"));
    run.exit(4)
        .says("bad.csv line 3: source-identifier: exponent_form");
    assert!(run.hint().contains("--rejects FILE"), "{run}");
    assert!(run.stdout.is_empty() || run.stdout.ends_with('\n'), "{run}");
    let run = workdir.run(&sign("-o - --rejects r.ndjson bad.csv"));
    run.exit(1);
    assert_eq!(run.stdout.lines().count(), 3, "{run}");
    assert_eq!(workdir.lines("r.ndjson").len(), 1);
}

#[test]
fn standard_input_needs_to_be_told_its_format_and_comes_once() {
    let workdir = with_rows();
    for arguments in [
        sign("-o -"),
        sign("-o - -"),
        "check -f aak-impression".into(),
    ] {
        let run = workdir.run(&arguments);
        run.exit(2).says("NDJSON or Parquet");
        assert!(run.hint().contains("--input-format"), "{run}");
    }
    let run = workdir.run(&sign("-o - --input-format csv - -"));
    run.exit(2).says("named twice");
}

#[test]
fn several_inputs_become_one_output_and_each_is_in_the_manifest() {
    let workdir = with_rows();
    let run = workdir.run(&sign("-o out.ndjson rows.csv bad.csv rows.ndjson"));
    run.exit(1);
    assert_eq!(workdir.lines("out.ndjson").len(), 9);
    let rejects = workdir.json("out.rejects.ndjson");
    let reject = &rejects[0];
    assert_eq!(
        (&reject["file"], &reject["line"]),
        (&"bad.csv".into(), &3.into())
    );
    // Numbers go on over all inputs; lines start anew.
    assert_eq!(reject["record"], 5);
    let manifest: Value = serde_json::from_str(&workdir.text("out.ndjson.manifest.json")).unwrap();
    let inputs = manifest["inputs"].as_array().unwrap();
    let of = |input: &Value| {
        let path = input["path"].as_str().unwrap().to_owned();
        (
            path,
            input["rows"].as_u64().unwrap(),
            input["bytes"].as_u64().unwrap(),
        )
    };
    let size = |name: &str| workdir.bytes(name).len() as u64;
    assert_eq!(
        inputs.iter().map(of).collect::<Vec<_>>(),
        [
            ("rows.csv".into(), 3, size("rows.csv")),
            ("bad.csv".into(), 4, size("bad.csv")),
            ("rows.ndjson".into(), 3, size("rows.ndjson")),
        ]
    );
    workdir
        .run("verify --public-key pub.pem --manifest out.ndjson.manifest.json out.ndjson")
        .exit(0);
    // A last input that does not fit stops the run before the first row.
    workdir.write("other.csv", "a,b\n1,2\n");
    let run = workdir.run(&sign("-o two.ndjson rows.csv other.csv"));
    run.exit(2).says("other.csv");
    assert!(!workdir.exists("two.ndjson"));
}

#[test]
fn counts_multiply_records_with_a_nonce_each_and_a_column_wins() {
    let workdir = Workdir::new();
    workdir.write("rows.csv", csv_rows(aak(), "count", ["", "1", "4"]));
    let nonces = |name: &str| {
        let mut nonces: Vec<String> = workdir
            .json(name)
            .iter()
            .map(|record| record["impression-identifier"].to_string())
            .collect();
        nonces.sort();
        nonces.dedup();
        nonces.len()
    };
    workdir.run(&sign("-o one.ndjson rows.csv")).exit(0);
    assert_eq!(
        (workdir.lines("one.ndjson").len(), nonces("one.ndjson")),
        (6, 6)
    );
    let run = workdir.run(&sign("-o two.ndjson --count 3000 rows.csv"));
    run.exit(0).says("3 rows, 3,005 records");
    assert_eq!(
        (workdir.lines("two.ndjson").len(), nonces("two.ndjson")),
        (3005, 3005)
    );
    let manifest: Value = serde_json::from_str(&workdir.text("two.ndjson.manifest.json")).unwrap();
    let counts = serde_json::json!({"rows": 3, "signed": 3, "rejected": 0, "records": 3005});
    assert_eq!(manifest["counts"], counts);
    workdir.run("verify --key key.pem two.ndjson").exit(0);
    workdir.run(&sign("-o x.ndjson --count 0 rows.csv")).exit(2);
    // Copies of a record without a nonce would all be the same.
    workdir.write("ids.csv", "id\njane\n");
    let impact = "sign -f impact-user-jwt --secret-file secret.txt -o x.ndjson --count 2 ids.csv";
    workdir.run(impact).exit(2).says("has no nonce");
}

#[test]
fn a_dry_run_checks_everything_and_writes_nothing() {
    let workdir = with_rows();
    workdir.write("p384.pem", key_data("p384.pkcs8.pem"));
    let before = workdir.files();
    let table = [
        ("-k key.pem --dry-run rows.csv", 0),
        ("-k key.pem --dry-run -o out.ndjson rows.csv", 0),
        ("-k key.pem --dry-run bad.csv", 1),
        ("-k key.pem --dry-run --max-rejects 0 bad.csv", 4),
        ("-k p384.pem --dry-run rows.csv", 3),
        ("--dry-run rows.csv", 2),
    ];
    for (arguments, exit) in table {
        let run = workdir.run(&format!("sign -f aak-impression {arguments}"));
        run.exit(exit);
        assert!(run.stdout.is_empty(), "{run}");
        assert_eq!(workdir.files(), before, "{run}");
    }
}

#[test]
fn rejects_within_what_is_tolerated_are_no_failure_and_beyond_it_nothing_is_published() {
    let workdir = Workdir::new();
    let good = csv_rows(aak(), "", ["", "", ""]);
    workdir.write("five.csv", format!("{good}x\ny\n"));
    let row = good.lines().nth(1).unwrap();
    let header = good.lines().next().unwrap();
    // A share is not judged before a thousand rows have been read.
    let many = format!("{row}\n").repeat(3000);
    workdir.write("late.csv", format!("{header}\n{}{many}", "x\n".repeat(8)));
    let table = [
        ("five.csv", "", 1),
        ("five.csv", "--max-rejects 2", 0),
        ("five.csv", "--max-rejects 40%", 0),
        ("five.csv", "--max-rejects 100%", 0),
        ("five.csv", "--max-rejects 1", 4),
        ("five.csv", "--max-rejects 0", 4),
        ("five.csv", "--max-rejects 39.9%", 4),
        ("five.csv", "--max-rejects 0%", 4),
        ("late.csv", "--max-rejects 1%", 0),
        ("late.csv", "--max-rejects 0.2%", 4),
        ("late.csv", "--max-rejects 7", 4),
        ("five.csv", "--max-rejects 101%", 2),
        ("five.csv", "--max-rejects some", 2),
        ("five.csv", "--max-rejects -1", 2),
    ];
    for (input, option, exit) in table {
        let before = workdir.files();
        let run = workdir.run(&sign(&format!("-o out.ndjson {option} {input}")));
        run.exit(exit);
        if exit > 1 {
            let left = workdir.files();
            let unfinished = left.iter().filter(|name| !before.contains(name));
            run.expect(
                unfinished
                    .clone()
                    .all(|name| name.ends_with(".partial") || name.ends_with(".checkpoint")),
                "nothing published",
            );
            run.expect(
                (left.len() > before.len())
                    == (exit == 4 && input == "five.csv" && option.ends_with('%')),
                // A share of few rows is judged at the end; everything else
                // stops the first batch.
                "something to resume exactly where something was done",
            );
            unfinished.for_each(|name| fs::remove_file(workdir.path(name)).unwrap());
            continue;
        }
        let all = workdir.lines("out.ndjson").len() + workdir.lines("out.rejects.ndjson").len();
        assert_eq!(all, if input == "five.csv" { 5 } else { 3008 }, "{run}");
        for name in [
            "out.ndjson",
            "out.rejects.ndjson",
            "out.ndjson.manifest.json",
        ] {
            workdir.remove(name);
        }
    }
}

const OUTPUTS: [&str; 3] = [
    "out.ndjson",
    "out.rejects.ndjson",
    "out.ndjson.manifest.json",
];

#[test]
fn existing_and_unfinished_outputs_are_left_alone_without_force() {
    for (name, says) in OUTPUTS
        .map(|name| (name.to_owned(), "exists already"))
        .into_iter()
        .chain(OUTPUTS.map(|name| (format!("{name}.partial"), "did not finish")))
    {
        let workdir = with_rows();
        workdir.write(&name, "old");
        let before = workdir.files();
        let run = workdir.run(&sign("-o out.ndjson rows.csv"));
        run.exit(2).says(&name).says(says);
        assert!(run.hint().contains("--force"), "{run}");
        assert_eq!(workdir.text(&name), "old");
        assert_eq!(workdir.files(), before);
        let run = workdir.run(&sign("-o out.ndjson --force rows.csv"));
        run.exit(0);
        assert_eq!(workdir.lines("out.ndjson").len(), 3);
        run.expect(
            !workdir
                .files()
                .iter()
                .any(|name| name.ends_with(".partial")),
            "no partial file",
        );
    }
}

#[test]
fn a_run_that_fails_leaves_what_stood_under_its_names() {
    let workdir = with_rows();
    workdir.write("p384.pem", key_data("p384.pkcs8.pem"));
    workdir.write("open.csv", csv_rows(aak(), "", ["", "", ""]) + "\"\n");
    workdir.write("other.csv", "a\n1\n");
    for name in OUTPUTS {
        workdir.write(name, "old");
    }
    let before = workdir.files();
    let table = [
        ("-k key.pem open.csv", 4),
        ("-k key.pem --max-rejects 0 bad.csv", 4),
        ("-k p384.pem rows.csv", 3),
        ("-k absent.pem rows.csv", 3),
        ("-k key.pem other.csv", 2),
        ("-k key.pem absent.csv", 6),
        ("-k key.pem --timestamp 9999999999999 rows.csv", 2),
    ];
    for (arguments, exit) in table {
        let arguments = format!("sign -f aak-impression -o out.ndjson --force {arguments}");
        workdir.run(&arguments).exit(exit);
        assert_eq!(workdir.files(), before, "{arguments}");
        for name in OUTPUTS {
            assert_eq!(workdir.text(name), "old", "{arguments}");
        }
    }
}

#[test]
fn an_output_is_never_an_input_or_another_output() {
    let workdir = with_rows();
    let rows = workdir.bytes("rows.ndjson");
    fs::hard_link(workdir.path("rows.ndjson"), workdir.path("hard.ndjson")).unwrap();
    fs::create_dir(workdir.path("folder")).unwrap();
    workdir.write("left.ndjson.partial", &rows);
    let before = workdir.files();
    let table = [
        "-o rows.ndjson rows.ndjson",
        "-o ./rows.ndjson rows.ndjson",
        "-o folder/../rows.ndjson rows.ndjson",
        "-o hard.ndjson rows.ndjson",
        "-o out.ndjson --rejects rows.ndjson rows.ndjson",
        "-o out.ndjson --manifest hard.ndjson rows.ndjson",
        "-o out.ndjson --rejects out.ndjson rows.ndjson",
        "-o out.ndjson --manifest out.ndjson rows.ndjson",
        "-o out.ndjson --rejects r --manifest r rows.ndjson",
        // One name in two spellings, of files that are not there yet.
        "-o out.ndjson --rejects ./out.ndjson rows.ndjson",
        "-o folder/out.ndjson --manifest folder/../folder/out.ndjson rows.ndjson",
        // The unfinished output is the input.
        "-o left.ndjson --input-format ndjson left.ndjson.partial",
    ];
    for arguments in table {
        for force in ["", " --force"] {
            let run = workdir.run(&sign(&format!("{arguments}{force}")));
            run.exit(2);
            assert_eq!(workdir.files(), before, "{run}");
            assert_eq!(workdir.bytes("rows.ndjson"), rows, "{run}");
            assert_eq!(workdir.bytes("left.ndjson.partial"), rows, "{run}");
            run.expect(
                fs::read_dir(workdir.path("folder")).unwrap().count() == 0,
                "an empty folder",
            );
            if !force.is_empty() {
                run.says("would be both");
            }
        }
    }
}

#[test]
fn an_output_never_replaces_the_key_whatever_is_forced() {
    let workdir = with_rows();
    workdir.write("ids.csv", "id\njane\n");
    let before = workdir.files();
    let impact = "sign -f impact-user-jwt --secret-file secret.txt ids.csv";
    for arguments in [
        sign("-o key.pem --output-format ndjson --force rows.csv"),
        sign("-o out.ndjson --rejects ./key.pem --force rows.csv"),
        sign("-o out.ndjson --manifest key.pem --force rows.csv"),
        format!("{impact} -o out.ndjson --rejects secret.txt --force"),
    ] {
        workdir.run(&arguments).exit(2).says("would be both");
        assert_eq!(workdir.bytes("key.pem"), key_data("p256.pkcs8.pem"));
        assert_eq!(workdir.text("secret.txt"), SECRET);
        assert_eq!(workdir.files(), before);
    }
}

#[test]
fn text_of_the_input_never_reaches_the_terminal_as_it_is() {
    let workdir = with_rows();
    let name = "\\u001b[31mred\\nline";
    workdir.write("bad.ndjson", format!("{{\"{name}\":\"{name}\"}}\n"));
    workdir.write("bad.csv", csv_rows(aak(), "\u{1b}[31mred", ["", "", ""]));
    let signed = json_row(aak()).replacen(
        '{',
        &format!("{{\"format\":\"aak-impression\",\"{name}\":1,"),
        1,
    );
    workdir.write("signed.ndjson", signed);
    for arguments in [
        sign("-o out.ndjson bad.ndjson"),
        sign("-o - bad.ndjson"),
        sign("-o other.ndjson bad.csv"),
        "check -f aak-impression bad.ndjson".into(),
        "verify --public-key pub.pem signed.ndjson".into(),
    ] {
        let run = workdir.run(&arguments);
        run.expect(
            !run.stderr.contains('\u{1b}'),
            "no escape on standard error",
        );
        run.expect(
            !run.stdout.contains('\u{1b}'),
            "no escape on standard output",
        );
        run.expect(!run.stderr.contains("red\nline"), "no line of its own");
        run.expect(!run.stdout.contains("red\nline"), "no line of its own");
    }
}

#[test]
fn an_output_that_cannot_be_written_exits_with_6() {
    let workdir = with_rows();
    fs::create_dir(workdir.path("folder.ndjson")).unwrap();
    let before = workdir.files();
    for arguments in [
        "-o absent/out.ndjson rows.csv",
        "-o out.ndjson --rejects absent/r.ndjson rows.csv",
        "-o out.ndjson --manifest absent/m.json rows.csv",
    ] {
        let run = workdir.run(&sign(arguments));
        run.exit(6).says("absent");
        assert!(run.hint().contains("folder"), "{run}");
        assert_eq!(workdir.files(), before, "{run}");
    }
}

#[test]
fn a_name_that_is_taken_by_something_else_than_a_file_is_refused_before_any_signing() {
    let workdir = with_rows();
    fs::create_dir(workdir.path("folder.ndjson")).unwrap();
    workdir.write("real.ndjson", "real");
    for (link, to) in [
        ("link.ndjson", "real.ndjson"),
        ("dangling.ndjson", "nowhere"),
    ] {
        std::os::unix::fs::symlink(to, workdir.path(link)).unwrap();
    }
    let before = workdir.files();
    for (output, is) in [
        ("folder.ndjson", "is a folder"),
        ("link.ndjson", "is a symbolic link"),
        ("dangling.ndjson", "is a symbolic link"),
        ("/dev/null", "is a device"),
    ] {
        for arguments in [
            format!("-o {output} --output-format ndjson --force rows.csv"),
            format!("-o out.ndjson --rejects {output} --force rows.csv"),
            format!("-o out.ndjson --manifest {output} --force rows.csv"),
        ] {
            let run = workdir.run(&sign(&arguments));
            run.exit(2).says(is).says(output);
            assert!(!run.hint().is_empty(), "{run}");
            assert_eq!(workdir.files(), before, "{run}");
        }
    }
    assert_eq!(workdir.text("real.ndjson"), "real");
}

#[test]
fn all_three_outputs_can_be_read_by_their_owner_only() {
    let workdir = with_rows();
    workdir.write("out.ndjson", "old");
    workdir.mode("out.ndjson", 0o644);
    workdir.run(&sign("-o out.ndjson --force bad.csv")).exit(1);
    for name in OUTPUTS {
        assert_eq!(workdir.mode_of(name), 0o600, "{name}");
    }
}

#[test]
fn names_that_say_nothing_are_refused_with_a_hint() {
    let workdir = with_rows();
    workdir.write("rows", workdir.bytes("rows.csv"));
    workdir.write("rows.gz", "");
    let table = [
        (
            "-o out.ndjson rows.gz",
            "NDJSON or Parquet",
            "--input-format",
        ),
        ("-o out.gz rows.csv", "NDJSON or Parquet", "--output-format"),
        ("-o out.ndjson rows", "NDJSON or Parquet", "--input-format"),
        ("-o out rows.csv", "NDJSON or Parquet", "--output-format"),
        (
            "-o out.json rows.csv",
            "NDJSON or Parquet",
            "--output-format",
        ),
    ];
    for (arguments, says, hint) in table {
        let run = workdir.run(&sign(arguments));
        run.exit(2).says(says);
        assert!(run.hint().contains(hint), "{run}");
    }
    workdir
        .run(&sign("-o out --output-format csv --input-format csv rows"))
        .exit(0);
    assert_eq!(workdir.lines("out").len(), 4);
}

#[test]
fn usage_that_makes_no_sense_exits_with_2() {
    let workdir = with_rows();
    for arguments in [
        "",
        "sing",
        "sign",
        "sign -f aak-impression rows.csv",
        "sign -f aak-impression -o out.ndjson rows.csv",
        "sign -f impact-user-jwt -k key.pem -o out.ndjson rows.csv",
        "sign -f aak-impression --secret-file secret.txt -o out.ndjson rows.csv",
        "sign -f aak-impression -k key.pem --secret-file secret.txt -o out.ndjson rows.csv",
        "sign -f aak-impression -k key.pem -o out.ndjson --set nothing rows.csv",
        "sign -f aak-impression -k key.pem -o out.ndjson --set nothing=1 rows.csv",
        "sign -f aak-impression -k key.pem -o out.ndjson --set source-identifier=1e9 rows.csv",
        "sign -f aak-impression -k key.pem -o out.ndjson --set impression-identifier=x rows.csv",
        "sign -f aak-impression -k key.pem -o out.ndjson --map nothing=x rows.csv",
        "sign -f aak-impression@4.0 -k key.pem -o out.ndjson rows.csv",
        "sign -f skan-view@2.0 -k key.pem -o out.ndjson rows.csv",
        "sign -f appstore-promo-v1 -k key.pem -o out.ndjson rows.csv",
        "sign -f aak-impression -k key.pem -o out.ndjson --delimiter ab rows.csv",
        "sign -f aak-impression -k key.pem -o out.ndjson --expires never rows.csv",
        "verify out.ndjson",
        "verify --public-key pub.pem",
        "verify --public-key pub.pem --key key.pem rows.ndjson",
        "verify --public-key pub.pem --manifest rows.csv rows.ndjson",
        "inspect rows.csv",
        "inspect rows.csv --line 99",
        "keygen",
        "key",
        "formats nothing",
        "schema nothing",
        "template nothing",
        "bench --format nothing",
        "bench --jobs 0",
    ] {
        let run = workdir.run(arguments);
        run.expect(run.status == Some(2), "exit code 2");
        assert!(!workdir.exists("out.ndjson"), "{run}");
    }
    for arguments in ["--help", "--version", "sign --help", "help verify"] {
        let run = workdir.run(arguments);
        run.exit(0);
        assert!(!run.stdout.is_empty(), "{run}");
    }
}

#[test]
fn an_unknown_format_is_answered_with_all_there_are() {
    let workdir = with_rows();
    for arguments in [
        "sign -f aak -k key.pem -o out.ndjson rows.csv",
        "check -f aak rows.csv",
        "verify -f aak --public-key pub.pem rows.ndjson",
        "formats aak",
        "bench -f aak",
    ] {
        let run = workdir.run(arguments);
        run.exit(2).says("there is no format \"aak\"");
        for format in FORMATS {
            assert!(run.hint().contains(format.id), "{run}");
        }
    }
    let run = workdir.run("formats");
    run.exit(0);
    assert_eq!(run.stdout.lines().count(), FORMATS.len(), "{run}");
    for (line, format) in run.stdout.lines().zip(FORMATS) {
        assert!(
            line.starts_with(format.id) && line.contains(format.title),
            "{line}"
        );
    }
}

#[test]
fn keys_that_are_none_exit_with_3_and_nothing_is_published() {
    let workdir = with_rows();
    let names = [
        "p384.pkcs8.pem",
        "secp256k1.pkcs8.pem",
        "rsa2048.pkcs8.pem",
        "ed25519.pkcs8.pem",
        "p256.pub.pem",
        "p256.encrypted.pem",
        "p256.cert.pem",
    ];
    for name in names {
        workdir.write(name, key_data(name));
    }
    workdir.write("empty.pem", "");
    workdir.write("text.pem", "no key at all");
    let before = workdir.files();
    for name in names.iter().chain(&["empty.pem", "text.pem", "absent.pem"]) {
        let arguments = format!("sign -f aak-impression -k {name} -o out.ndjson rows.csv");
        workdir.run(&arguments).exit(3).says(name);
        if *name != "p256.pub.pem" {
            workdir.run(&format!("key {name}")).exit(3).says(name);
        }
        let verify = format!("verify --key {name} rows.ndjson");
        workdir.run(&verify).exit(3).says(name);
    }
    let impact = "sign -f impact-user-jwt -o out.ndjson rows.csv --secret-file";
    workdir.run(&format!("{impact} absent.txt")).exit(3);
    workdir.run(&format!("{impact} empty.pem")).exit(3);
    let run = workdir.run(&format!("{impact} key.pem"));
    run.exit(3).says("found a PEM file");
    assert_eq!(workdir.files(), before);
}

#[test]
fn keygen_makes_a_pair_that_signs_and_never_replaces_one() {
    let workdir = with_rows();
    let run = workdir.run("keygen -o new.pem");
    run.exit(0).prints("-----BEGIN PUBLIC KEY-----");
    assert_eq!(workdir.mode_of("new.pem"), 0o600);
    let (private, public) = (workdir.text("new.pem"), workdir.text("new.pub.pem"));
    assert!(private.starts_with("-----BEGIN PRIVATE KEY-----\n"));
    assert!(run.stdout.ends_with(&public), "{run}");
    workdir
        .run("sign -f aak-impression -k new.pem -o out.ndjson rows.csv")
        .exit(0);
    workdir
        .run("verify --public-key new.pub.pem out.ndjson")
        .exit(0);
    workdir
        .run("verify --public-key pub.pem out.ndjson")
        .exit(7);

    let before = workdir.files();
    for taken in ["new.pem", "new.pub.pem"] {
        let run = workdir.run("keygen -o new.pem");
        run.exit(2).says("exists already");
        assert!(run.hint().contains("never replaced"), "{run}");
        assert_eq!(workdir.files(), before, "{taken}");
        assert_eq!(workdir.text("new.pub.pem"), public);
        assert_eq!(workdir.text("new.pem"), private);
    }
    workdir.remove("new.pem");
    workdir.run("keygen -o new.pem").exit(2);
    assert!(!workdir.exists("new.pem"));
    workdir.run("keygen -o absent/new.pem").exit(6);
}

#[test]
fn key_shows_the_public_half_of_whatever_it_is_given() {
    let workdir = Workdir::new();
    let public = workdir.text("pub.pem");
    let base64: String = public.lines().filter(|line| !line.contains('-')).collect();
    workdir.write("line.txt", &base64);
    for name in ["key.pem", "pub.pem", "line.txt"] {
        let run = workdir.run(&format!("key {name}"));
        run.exit(0)
            .prints("gNE5kRvpOFKNvhnCReZbbboW2Ypk6guuOWDTnmO4J5E")
            .prints(&base64)
            .prints(&public);
        let kind = if name == "key.pem" {
            "private key"
        } else {
            "public key"
        };
        run.says(kind);
    }
    let run = workdir.run("key --secret-file secret.txt");
    run.exit(0)
        .prints("HS256")
        .prints(&format!("{} bytes", SECRET.len()));
}

#[test]
fn keys_that_others_can_read_and_short_secrets_are_warned_of() {
    let workdir = with_rows();
    workdir.mode("key.pem", 0o644);
    workdir.write("short.txt", "short\n");
    workdir.mode("short.txt", 0o604);
    workdir
        .run(&sign("-o out.ndjson rows.csv"))
        .exit(0)
        .warns("key.pem can be used by every user of this machine (mode 0644)");
    workdir.run("key key.pem").exit(0).warns("mode 0644");
    let run = workdir.run("key --secret-file short.txt");
    run.exit(0)
        .warns("mode 0604")
        .warns("5 bytes")
        .warns("line end");
    workdir.mode("key.pem", 0o600);
    let run = workdir.run("key key.pem");
    assert!(!run.stderr.contains("warning"), "{run}");
}

#[test]
fn a_key_files_name_tells_the_right_kind_of_key_and_its_id() {
    for format in FORMATS.iter().filter(|f| f.key.file_names().is_some()) {
        let workdir = Workdir::new();
        workdir.write("rows.csv", csv_rows(format, "", ["", "", ""]));
        let names = ["SubscriptionKey_ABCDE12345.p8", "AuthKey_ABCDE12345.p8"];
        for name in names {
            workdir.write(name, key_data("p256.pkcs8.pem"));
            workdir.mode(name, 0o600);
        }
        let sign = |rest: &str| {
            let id = format.id;
            workdir.run(&format!(
                "sign -f {id} -o out.ndjson --force rows.csv {rest}"
            ))
        };
        let id = |record: &Value| match record["jws"].as_str() {
            Some(jws) => campaign_signer::jws::Compact::parse(jws).unwrap().header,
            None => record["keyIdentifier"].to_string(),
        };
        let run = sign("-k SubscriptionKey_ABCDE12345.p8");
        run.exit(0);
        assert!(!run.stderr.contains("warning"), "{run}");
        assert!(id(&workdir.json("out.ndjson")[0]).contains("\"ABCDE12345\""));
        let run = sign("-k SubscriptionKey_ABCDE12345.p8 --key-id OTHER67890");
        run.exit(0)
            .warns("--key-id OTHER67890 is not the id in the name");
        assert!(id(&workdir.json("out.ndjson")[0]).contains("\"OTHER67890\""));
        let run = sign("-k AuthKey_ABCDE12345.p8 --key-id ABCDE12345");
        run.exit(0).warns("App Store Connect API key");
        // The id of a wrong key is no id for a right one.
        let run = sign("-k AuthKey_ABCDE12345.p8");
        run.exit(2)
            .warns("App Store Connect API key")
            .says("the key's id");
        assert!(run.hint().contains("--key-id"), "{run}");
    }
    // An ad network's key may have any name.
    let workdir = with_rows();
    workdir.write("AuthKey_ABCDE12345.p8", key_data("p256.pkcs8.pem"));
    workdir.mode("AuthKey_ABCDE12345.p8", 0o600);
    let run = workdir.run("sign -f aak-impression -k AuthKey_ABCDE12345.p8 -o o.ndjson rows.csv");
    run.exit(0);
    assert!(!run.stderr.contains("warning"), "{run}");
}

#[test]
fn a_timestamp_is_in_milliseconds_and_neither_future_nor_stale() {
    let workdir = with_rows();
    let run = workdir.run(&sign("-o out.ndjson --timestamp 1700000000 rows.csv"));
    run.exit(2).says("--timestamp");
    let hinted = run.hint().split("give ").nth(1).unwrap().to_owned();
    assert_eq!(hinted, "--timestamp 1700000000000");
    workdir
        .run(&sign(&format!("-o out.ndjson {hinted} rows.csv")))
        .exit(0)
        .says("2023-11-14T22:13:20");
    assert_eq!(
        workdir.json("out.ndjson")[0]["timestamp"],
        1_700_000_000_000_u64
    );
    for bad in [
        "1.7e12",
        "17",
        "yesterday",
        "170000000000000000",
        "-5",
        "2023-11-14",
        "1970-01-01T00:00:00Z",
    ] {
        let run = workdir.run(&sign(&format!("-o x.ndjson --timestamp={bad} rows.csv")));
        run.exit(2).says("--timestamp");
    }
    workdir
        .run(&sign(
            "-o rfc.ndjson --timestamp 2023-11-14T22:13:20Z rows.csv",
        ))
        .exit(0);
    assert_eq!(
        workdir.json("rfc.ndjson")[0]["timestamp"],
        1_700_000_000_000_u64
    );

    let future = now() + 3_600_000;
    let run = workdir.run(&sign(&format!("-o x.ndjson --timestamp {future} rows.csv")));
    run.exit(2).says("in the future");
    assert!(run.hint().contains("--allow-future"), "{run}");
    let allowed = format!("-o x.ndjson --timestamp {future} --allow-future rows.csv");
    workdir.run(&sign(&allowed)).exit(0);

    for format in FORMATS.iter().filter(|f| f.key.file_names().is_some()) {
        let workdir = Workdir::new();
        workdir.write("rows.csv", csv_rows(format, "", ["", "", ""]));
        let old = now() - 25 * 3_600_000;
        let sign = format!(
            "sign -f {} -k key.pem --key-id A -o x.ndjson --timestamp {old} rows.csv",
            format.id
        );
        let run = workdir.run(&sign);
        run.exit(2).says("too old");
        assert!(run.hint().contains("--allow-stale"), "{run}");
        assert!(!workdir.exists("x.ndjson"));
        workdir.run(&format!("{sign} --allow-stale")).exit(0);
    }
}

#[test]
fn verify_names_the_line_and_the_field_of_whatever_is_wrong() {
    let workdir = with_rows();
    workdir.run(&sign("-o out.ndjson rows.csv")).exit(0);
    workdir.run("keygen -o other.pem").exit(0);
    let lines = workdir.lines("out.ndjson");
    let verify = |rest: &str| workdir.run(&format!("verify {rest}"));
    for key in ["--public-key pub.pem", "--key key.pem"] {
        verify(&format!("{key} out.ndjson"))
            .exit(0)
            .says("3 of 3 records");
    }
    for key in [
        "--public-key other.pub.pem",
        "--key other.pem",
        "--secret-file secret.txt",
    ] {
        let run = verify(&format!("{key} out.ndjson"));
        run.exit(7).says("3 records");
        assert_eq!(run.stdout.lines().count(), 3, "{run}");
    }
    verify("--public-key pub.pem -f skan-view out.ndjson").exit(7);

    // One field of one line, in every way a line can change.
    for (from, to, names) in [
        (
            "5838492",
            "5838493",
            "jws.publisher-item-identifier differs",
        ),
        (":5239", ":5240", "jws.source-identifier differs"),
        (":5239", ":\"5239\"", "source-identifier is a string"),
        (
            "\"source-identifier\":5239,",
            "",
            "source-identifier is missing",
        ),
        ("app-impression\"", "app-impressiom\"", "impression-type"),
        ("{", "", "the line"),
        (
            "\"format\":\"aak-impression\"",
            "\"format\":\"aak\"",
            "format",
        ),
    ] {
        let changed = lines[1].replacen(from, to, 1);
        assert_ne!(changed, lines[1], "{from}");
        let file = [&lines[0], &changed, &lines[2]].map(|line| format!("{line}\n"));
        workdir.write("changed.ndjson", file.concat());
        let run = verify("--public-key pub.pem changed.ndjson");
        run.exit(7)
            .prints(&format!("changed.ndjson line 2: {names}"));
        run.expect(
            !run.stdout.contains("ndjson line 1:") && !run.stdout.contains("ndjson line 3:"),
            "one line",
        );
    }
    let flipped = lines[2].replacen("\"jws\":\"eyJ", "\"jws\":\"eyK", 1);
    workdir.write("flipped.ndjson", format!("{flipped}\n"));
    verify("--public-key pub.pem flipped.ndjson").exit(7);

    // A nonce that repeats, in one file and over two.
    workdir.write(
        "twice.ndjson",
        format!("{}\n{}\n{}\n", lines[0], lines[1], lines[0]),
    );
    verify("--public-key pub.pem twice.ndjson")
        .exit(7)
        .prints("twice.ndjson line 3: nonce stands already in twice.ndjson line 1");
    workdir.write("one.ndjson", format!("{}\n", lines[2]));
    verify("--public-key pub.pem out.ndjson one.ndjson")
        .exit(7)
        .prints("one.ndjson line 1: nonce stands already in out.ndjson line 3");

    // The manifest of another file, of another key, of fewer records.
    let manifest = "--manifest out.ndjson.manifest.json";
    verify(&format!("--public-key pub.pem {manifest} out.ndjson")).exit(0);
    verify(&format!("--public-key pub.pem {manifest} one.ndjson"))
        .exit(7)
        .prints("the manifest has 3 records, the file 1")
        .prints("SHA-256");
    workdir.write(
        "turned.ndjson",
        format!("{}\n{}\n{}\n", lines[2], lines[1], lines[0]),
    );
    verify(&format!("--public-key pub.pem {manifest} turned.ndjson"))
        .exit(7)
        .prints("SHA-256");
    verify(&format!("--public-key other.pub.pem {manifest} out.ndjson"))
        .exit(7)
        .prints("the manifest's key is");
    workdir.write("empty.ndjson", "");
    verify("--public-key pub.pem empty.ndjson")
        .exit(0)
        .warns("no record");
}

#[test]
fn check_prints_rejects_without_a_key_and_writes_nothing() {
    let workdir = with_rows();
    workdir.write("open.csv", csv_rows(aak(), "", ["", "", ""]) + "\"\n");
    let before = workdir.files();
    let table = [
        ("rows.csv rows.ndjson", 0, 0),
        ("bad.csv", 1, 1),
        ("bad.csv --max-rejects 1", 0, 1),
        ("open.csv", 4, 0),
        ("bad.csv --max-rejects 0", 4, 1),
        ("rows.csv --set nothing=1", 2, 0),
        ("absent.csv", 6, 0),
    ];
    for (arguments, exit, rejects) in table {
        let run = workdir.run(&format!("check -f aak-impression {arguments}"));
        run.exit(exit);
        assert_eq!(run.stdout.lines().count(), rejects, "{run}");
        for line in run.stdout.lines() {
            let reject: Value = serde_json::from_str(line).unwrap();
            assert_eq!(reject["line"], 3);
            assert_eq!(reject["problems"][0]["code"], "exponent_form");
        }
        assert_eq!(workdir.files(), before, "{run}");
    }
    // A key's id is nothing a row has to have while no key is there.
    for format in FORMATS {
        workdir.write("each.csv", csv_rows(format, "", ["", "", ""]));
        workdir
            .run(&format!("check -f {} each.csv", format.id))
            .exit(0);
    }
}

#[test]
fn inspect_takes_a_token_and_a_record_apart() {
    let workdir = with_rows();
    workdir.run(&sign("-o out.ndjson rows.csv")).exit(0);
    let records = workdir.json("out.ndjson");
    let jws = records[1]["jws"].as_str().unwrap();
    let run = workdir.run_args(&["inspect", jws]);
    run.exit(0)
        .prints("header         {\"alg\":\"ES256\"")
        .prints("64 bytes, r || s")
        .prints(&records[1]["impression-identifier"].to_string());
    for arguments in [&["inspect", "out.ndjson", "--line", "2"][..], &["inspect"]] {
        let line = workdir.lines("out.ndjson")[1].clone();
        let run = workdir.run_with(arguments, line.as_bytes());
        run.exit(0)
            .prints("record")
            .prints("signing input")
            .prints(jws.split('.').next().unwrap());
    }
    let view = Format::find("skan-view").unwrap();
    workdir.write("view.csv", csv_rows(view, "", ["", "", ""]));
    workdir
        .run("sign -f skan-view -k key.pem -o view.ndjson view.csv")
        .exit(0);
    let run = workdir.run("inspect view.ndjson");
    run.exit(0)
        .prints("signed string  4.0\u{2423}example123.skadnetwork\u{2423}5239")
        .prints("bytes of DER");
    let run = workdir.run("inspect key.pem");
    run.exit(0)
        .prints("private key, P-256")
        .prints("fingerprint");
    let run = workdir.run("inspect secret.txt");
    run.exit(2)
        .says("neither a compact JWS nor a signed record");
    workdir.run("inspect absent.ndjson").exit(6);
}

#[test]
fn a_reader_that_has_seen_enough_is_no_panic() {
    let workdir = with_rows();
    let closed = || {
        let (reader, writer) = std::io::pipe().unwrap();
        drop(reader);
        writer
    };
    // Texts for people end quietly; signed records that went nowhere do not.
    for (arguments, exit) in [
        (&["formats"][..], 0),
        (&["--help"], 0),
        (&["key", "pub.pem"], 0),
        (
            &[
                "sign",
                "-f",
                "aak-impression",
                "-k",
                "key.pem",
                "-o",
                "-",
                "rows.csv",
            ],
            6,
        ),
        (&["check", "-f", "aak-impression", "bad.csv"], 6),
    ] {
        let child = workdir
            .command(arguments)
            .stdin(Stdio::null())
            .stdout(closed())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let output = child.wait_with_output().unwrap();
        let stderr = String::from_utf8_lossy(&output.stderr);
        assert!(!stderr.contains("panicked"), "{arguments:?}: {stderr}");
        assert_eq!(output.status.code(), Some(exit), "{arguments:?}: {stderr}");
    }
    // Nobody reads standard error: the work is done all the same.
    for (arguments, exit) in [
        (
            &[
                "sign",
                "-f",
                "aak-impression",
                "-k",
                "key.pem",
                "-o",
                "out.ndjson",
                "rows.csv",
            ][..],
            0,
        ),
        (&["verify", "--public-key", "pub.pem", "out.ndjson"], 0),
        (&["check", "-f", "aak-impression", "bad.csv"], 1),
        (&["key", "key.pem"], 0),
        (&["keygen", "-o", "new.pem"], 0),
        (
            &[
                "sign",
                "-f",
                "aak-impression",
                "-k",
                "absent.pem",
                "-o",
                "x.ndjson",
                "rows.csv",
            ],
            3,
        ),
    ] {
        let child = workdir
            .command(arguments)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(closed())
            .spawn()
            .unwrap();
        let output = child.wait_with_output().unwrap();
        assert_eq!(output.status.code(), Some(exit), "{arguments:?}");
    }
    assert_eq!(workdir.lines("out.ndjson").len(), 3);
}

#[test]
fn a_reader_that_takes_one_line_gets_a_whole_one() {
    use std::io::BufRead as _;
    let workdir = Workdir::new();
    let rows = csv_rows(aak(), "count", ["1", "3000", "1"]);
    let mut child = workdir
        .command(&[
            "sign",
            "-f",
            "aak-impression",
            "-k",
            "key.pem",
            "-o",
            "-",
            "--input-format",
            "csv",
        ])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    child
        .stdin
        .take()
        .unwrap()
        .write_all(rows.as_bytes())
        .unwrap();
    let mut line = String::new();
    let mut stdout = std::io::BufReader::new(child.stdout.take().unwrap());
    stdout.read_line(&mut line).unwrap();
    drop(stdout);
    let output = child.wait_with_output().unwrap();
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(!stderr.contains("panicked"), "{stderr}");
    assert_eq!(output.status.code(), Some(6), "{stderr}");
    let record: Value = serde_json::from_str(&line).unwrap();
    assert_eq!(record["format"], "aak-impression");
}

#[test]
fn kept_text_that_a_spreadsheet_would_run_is_defused_in_csv_only() {
    let workdir = Workdir::new();
    let cells = ["=1+1", "@SUM(A1),\"x\"", "-12.5"];
    workdir.write("rows.csv", csv_rows(aak(), "note", cells));
    let notes = |name: &str| {
        let text = workdir.bytes(name);
        let mut reader = csv::Reader::from_reader(&text[..]);
        let header = reader.headers().unwrap().clone();
        let at = header.iter().position(|column| column == "note").unwrap();
        let records = reader
            .records()
            .map(|record| record.unwrap()[at].to_owned());
        records.collect::<Vec<_>>()
    };
    workdir.run(&sign("--keep note -o a.csv rows.csv")).exit(0);
    assert_eq!(notes("a.csv"), ["'=1+1", "'@SUM(A1),\"x\"", "-12.5"]);
    workdir
        .run(&sign("--keep note --keep-formulas -o b.csv rows.csv"))
        .exit(0);
    assert_eq!(notes("b.csv"), cells);
    workdir
        .run(&sign("--keep note -o c.ndjson rows.csv"))
        .exit(0);
    let kept: Vec<Value> = workdir
        .json("c.ndjson")
        .iter()
        .map(|r| r["note"].clone())
        .collect();
    assert_eq!(kept, cells);
    for name in ["a.csv", "b.csv", "c.ndjson"] {
        workdir
            .run(&format!("verify --public-key pub.pem {name}"))
            .exit(0);
    }
    // A kept column beside one of the record's own would be read as that.
    for own in ["format", "jws", "source-identifier"] {
        workdir.write("own.csv", csv_rows(aak(), own, ["x", "y", "z"]));
        let run = workdir.run(&sign(&format!("--keep {own} -o d.ndjson own.csv")));
        run.exit(2).says("the kept column");
        assert!(run.hint().contains("rename"), "{run}");
    }
    workdir
        .run(&sign("--keep note,note -o d.ndjson rows.csv"))
        .exit(2);
}

/// Everything a key or a secret could look like where it must not be.
fn forms(bytes: &[u8]) -> Vec<String> {
    let hex: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    let digits = STANDARD.encode(bytes);
    // Without its last characters, which depend on what follows.
    let digits = digits.trim_end_matches('=');
    let decimal = bytes
        .iter()
        .map(u8::to_string)
        .collect::<Vec<_>>()
        .join(", ");
    vec![
        hex.to_uppercase(),
        hex,
        digits[..digits.len() - 1].to_owned(),
        URL_SAFE_NO_PAD.encode(bytes),
        decimal,
    ]
}

fn private_forms(pem: &[u8]) -> Vec<String> {
    let key = campaign_signer::key::SigningKey::from_bytes(pem).unwrap();
    let mut forms = forms(key.scalar().as_slice());
    // The lines that hold the scalar; the last ones hold the public half.
    let text = String::from_utf8(pem.to_vec()).unwrap();
    let body: Vec<&str> = text
        .lines()
        .filter(|line| !line.contains("-----"))
        .collect();
    forms.push(body[0][48..].to_owned());
    forms.push(body[1][..24].to_owned());
    forms.push("BEGIN PRIVATE KEY".to_owned());
    forms
}

#[test]
fn no_secret_is_shown_or_written_by_anything_but_keygen() {
    let workdir = with_rows();
    workdir.write("ids.csv", "id\njane\n");
    workdir.write("bad_ids.csv", "id,locale\njane,english\n");
    workdir.write("cut.pem", &key_data("p256.pkcs8.pem")[..150]);
    let mut shown = String::new();
    let mut run = |arguments: &str, exit: i32| {
        let run = workdir.run(arguments);
        run.exit(exit);
        shown.push_str(&run.stdout);
        shown.push_str(&run.stderr);
    };
    run("keygen -o new.pem", 0);
    run("keygen -o new.pem", 2);
    run("key new.pem", 0);
    run("key key.pem", 0);
    run("key cut.pem", 3);
    run("key --secret-file secret.txt", 0);
    run("key --secret-file key.pem", 3);
    run("key secret.txt", 3);
    run("inspect key.pem", 0);
    run("inspect --json key.pem", 0);
    run("inspect secret.txt", 2);
    for key in ["key.pem", "new.pem"] {
        let output = format!("-k {key} -o {key}.ndjson --force");
        run(&format!("sign -f aak-impression {output} bad.csv"), 1);
        run(
            &format!("sign -f aak-impression {output} --max-rejects 0 bad.csv"),
            4,
        );
        run(
            &format!("sign -f aak-impression {output} --set x=y rows.csv"),
            2,
        );
        run(
            &format!("sign -f aak-impression -k {key} -o - rows.ndjson"),
            0,
        );
        run(
            &format!("sign -f aak-impression -k {key} --dry-run rows.csv"),
            0,
        );
        run(&format!("verify --key {key} {key}.ndjson"), 0);
        run(&format!("verify --public-key {key} {key}.ndjson"), 3);
    }
    run("verify --key new.pem key.pem.ndjson", 7);
    run("verify --key cut.pem key.pem.ndjson", 3);
    run("sign -f aak-impression -k cut.pem -o x.ndjson rows.csv", 3);
    run(
        "sign -f aak-impression -k secret.txt -o x.ndjson rows.csv",
        3,
    );
    let impact = "sign -f impact-user-jwt --secret-file";
    run(&format!("{impact} secret.txt -o ids.ndjson ids.csv"), 0);
    run(&format!("{impact} secret.txt -o bad.ndjson bad_ids.csv"), 1);
    run(
        &format!("{impact} secret.txt -o - --output-format csv ids.csv"),
        0,
    );
    run(&format!("{impact} key.pem -o x.ndjson ids.csv"), 3);
    run("verify --secret-file secret.txt ids.ndjson", 0);
    run("verify --secret-file new.pub.pem ids.ndjson", 3);
    run("verify --public-key pub.pem ids.ndjson", 7);

    let mut needles = private_forms(&key_data("p256.pkcs8.pem"));
    needles.extend(private_forms(&workdir.bytes("new.pem")));
    needles.extend(forms(SECRET.as_bytes()));
    needles.push(SECRET.to_owned());
    let holders = ["key.pem", "new.pem", "cut.pem", "secret.txt"];
    for name in workdir.files() {
        if !holders.contains(&name.as_str()) {
            shown.push_str(&String::from_utf8_lossy(&workdir.bytes(&name)));
        }
    }
    for needle in &needles {
        assert!(!shown.contains(needle), "shown: {needle}");
    }
    // What is looked for would be found.
    let private = String::from_utf8(key_data("p256.pkcs8.pem")).unwrap();
    let found = needles.iter().filter(|needle| private.contains(*needle));
    assert!(found.count() >= 3);
}

#[test]
fn every_template_is_signed_as_it_is_printed() {
    for format in FORMATS {
        let workdir = Workdir::new();
        let key = match format.alg() {
            Alg::Es256 => "-k key.pem",
            Alg::Hs256 => "--secret-file secret.txt",
        };
        for (flag, name) in [("", "t.csv"), ("--ndjson", "t.ndjson")] {
            let printed = workdir.run(&format!("template {} {flag}", format.id));
            printed.exit(0);
            workdir.write(name, &printed.stdout);
            let id = format.id;
            workdir
                .run(&format!("sign -f {id} {key} {name} -o out.ndjson --force"))
                .exit(0)
                .says("signed  1 row, 1 record");
        }
    }
}

#[test]
fn schemas_are_printed_and_written() {
    let workdir = Workdir::new();
    for name in ["reject", "manifest", "postback"] {
        workdir
            .run(&format!("schema {name}"))
            .exit(0)
            .prints("\"$schema\"");
    }
    for format in FORMATS {
        for flag in ["", "--record"] {
            let run = workdir.run(&format!("schema {} {flag}", format.id));
            run.exit(0).prints(format.id);
        }
        workdir
            .run(&format!("formats {}", format.id))
            .exit(0)
            .prints(format.title);
    }
    fs::create_dir(workdir.path("schemas")).unwrap();
    workdir.run("schema --write schemas").exit(0);
    let written = std::fs::read_dir(workdir.path("schemas")).unwrap().count();
    let shapes: usize = FORMATS.iter().map(|format| format.shapes.len()).sum();
    assert_eq!(written, 2 * FORMATS.len() + shapes + 6);
}

#[test]
fn a_header_in_one_piece_is_told_its_delimiter() {
    let workdir = Workdir::new();
    for (delimiter, option) in [
        (";", "--delimiter ;"),
        ("\t", "--delimiter \\t"),
        ("|", "--delimiter |"),
    ] {
        let rows = csv_rows(FORMATS[0], "", [""; 3]).replace(',', delimiter);
        workdir.write("rows.csv", rows);
        workdir
            .run(&sign("rows.csv -o out.ndjson --force"))
            .exit(2)
            .says("the header is one column");
        workdir
            .run(&sign(&format!("{option} rows.csv -o out.ndjson --force")))
            .exit(0);
    }
}

#[test]
fn the_count_may_stand_in_a_column_of_another_name() {
    let workdir = Workdir::new();
    workdir.write("rows.csv", csv_rows(FORMATS[0], "N", ["3", "1", ""]));
    workdir
        .run(&sign("--map count=N rows.csv -o out.ndjson"))
        .exit(0)
        .says("3 rows, 5 records");
}

#[test]
fn a_fixed_version_is_not_set_to_another() {
    let workdir = Workdir::new();
    workdir.write("rows.csv", "a\n");
    workdir
        .run("check -f skan-view@3.0 --set version=4.0 rows.csv")
        .exit(2)
        .says("must be 3.0");
}

#[test]
fn an_empty_job_id_is_a_variable_nobody_set() {
    let workdir = Workdir::new();
    workdir.write("rows.csv", csv_rows(FORMATS[0], "", [""; 3]));
    let arguments = [
        "sign",
        "-f",
        FORMATS[0].id,
        "-k",
        "key.pem",
        "rows.csv",
        "-o",
        "out.ndjson",
        "--job-id",
        "",
    ];
    let run = workdir.run_args(&arguments);
    assert_eq!(run.status, Some(2), "{run}");
}

#[test]
fn a_manifest_that_cannot_be_written_is_known_before_any_signing() {
    let workdir = Workdir::new();
    workdir.write("rows.csv", csv_rows(FORMATS[0], "", [""; 3]));
    workdir
        .run(&sign("rows.csv -o out.ndjson --manifest nowhere/m.json"))
        .exit(6)
        .says("nowhere/m.json");
    assert!(!workdir.exists("out.ndjson") && !workdir.exists("out.ndjson.partial"));
}

#[test]
fn tokens_expire_when_they_are_told_to() {
    let workdir = Workdir::new();
    let format = FORMATS
        .iter()
        .find(|format| format.alg() == Alg::Hs256)
        .unwrap();
    workdir.write("rows.csv", csv_rows(format, "", [""; 3]));
    let at = 1_795_140_000;
    for (option, expected) in [
        ("", at + 7 * 86_400),
        ("--expires +36h", at + 36 * 3600),
        ("--expires +90m", at + 90 * 60),
        ("--expires 2026-12-01T00:00:00Z", 1_796_083_200),
        ("--set exp=1796083201", 1_796_083_201),
    ] {
        let sign = format!(
            "sign -f {} --secret-file secret.txt --timestamp {at}000",
            format.id
        );
        workdir
            .run(&format!("{sign} {option} rows.csv -o out.ndjson --force"))
            .exit(0);
        assert_eq!(workdir.json("out.ndjson")[0]["exp"], expected, "{option}");
    }
    for bad in [
        "+7",
        "+xd",
        "+",
        "7d",
        "+1ü",
        "2020-01-01T00:00:00Z",
        "tomorrow",
        "+99999999999999999d",
    ] {
        let sign = format!("sign -f {} --secret-file secret.txt", format.id);
        workdir
            .run(&format!(
                "{sign} --expires {bad} rows.csv -o out.ndjson --force"
            ))
            .exit(2)
            .says("--expires");
    }
}

#[test]
fn every_engine_and_self_check_gives_the_same_bytes() {
    let workdir = Workdir::new();
    workdir.write("rows.csv", csv_rows(FORMATS[0], "", [""; 3]));
    let mut outputs = Vec::new();
    for option in [
        "",
        "--engine p256",
        "--self-check all",
        "--self-check off",
        "-j 1",
    ] {
        let fixed = "--job-id j --timestamp 1795140000000";
        workdir
            .run(&sign(&format!(
                "{fixed} {option} rows.csv -o out.ndjson --force"
            )))
            .exit(0);
        outputs.push(workdir.bytes("out.ndjson"));
    }
    assert!(outputs.windows(2).all(|pair| pair[0] == pair[1]));
    workdir
        .run(&sign("--engine abacus rows.csv -o out.ndjson --force"))
        .exit(2)
        .says("no engine");
}

#[test]
fn a_rejects_file_that_another_run_writes_is_not_taken_from_it() {
    let workdir = with_rows();
    let held = fs::File::create(workdir.path("shared.ndjson.partial")).unwrap();
    held.try_lock().unwrap();
    let arguments = sign("-o out.ndjson --rejects shared.ndjson --force rows.csv");
    let run = workdir.run(&arguments);
    run.exit(6).says("shared.ndjson.partial");
    assert!(run.hint().contains("--rejects"), "{run}");
    assert!(workdir.exists("shared.ndjson.partial"));
    drop(held);
    workdir.run(&arguments).exit(0);
}

#[test]
fn a_pipe_is_not_read_away_to_compare_it_with_a_finished_run() {
    let workdir = with_rows();
    let rows = workdir.bytes("rows.ndjson");
    let other = rows.repeat(2);
    let arguments = sign("-o out.ndjson --input-format ndjson - --resume --force");
    let feed = |more: &str, rows: &[u8]| {
        let arguments = format!("{arguments} {more}");
        let words: Vec<&str> = arguments.split_whitespace().collect();
        workdir.run_with(&words, rows)
    };
    let first = feed("", &rows);
    first.exit(0).says("starting at row one");
    let before = workdir.bytes("out.ndjson");
    // The same input again is the same run.
    let again = feed("", &rows);
    again.exit(0).says("before this call");
    assert_eq!(workdir.bytes("out.ndjson"), before);
    // Another one cannot be compared and then signed.
    let refused = feed("", &other);
    refused.exit(2).says("read only once");
    assert!(refused.hint().contains("without --resume"), "{refused}");
    assert_eq!(workdir.bytes("out.ndjson"), before);
    // Told apart without reading it, it is signed.
    let told = feed("--job-id another", &other);
    told.exit(0);
    assert_eq!(workdir.lines("out.ndjson").len(), 6);
}

#[test]
fn bench_measures_every_engine_and_format_and_estimates_a_job_and_leaves_nothing() {
    let workdir = Workdir::new();
    fs::create_dir(workdir.path("tmp")).unwrap();
    let mut command =
        workdir.command(&["bench", "--rows", "12345678", "-f", "skan-web", "-j", "2"]);
    let output = command
        .env("TMPDIR", workdir.path("tmp"))
        .stdin(Stdio::null())
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    let table = String::from_utf8(output.stdout).unwrap();
    let key = SigningKey::generate().unwrap();
    for info in ENGINES {
        // One line for signing, one for verifying.
        let lanes = (info.load)(&[key.ecdsa()]).lanes();
        let name = format!("{} ", info.name);
        let of_engine = |line: &&str| line.starts_with(&name) && line.contains(lanes);
        assert_eq!(table.lines().filter(of_engine).count(), 2, "{table}");
    }
    for format in FORMATS {
        let of_format = |line: &&str| line.starts_with(&format!("{} ", format.id));
        assert_eq!(table.lines().filter(of_format).count(), 1, "{table}");
    }
    let last = table.lines().last().unwrap();
    assert!(
        last.starts_with("estimate: 12,345,678 rows of skan-web take about ")
            && last.ends_with(" on 2 threads"),
        "{last}"
    );
    assert_eq!(fs::read_dir(workdir.path("tmp")).unwrap().count(), 0);
}

#[test]
#[cfg(unix)]
fn a_bench_that_is_told_to_stop_leaves_nothing_either() {
    let workdir = Workdir::new();
    let folder = workdir.path("tmp");
    fs::create_dir(&folder).unwrap();
    let mut command = workdir.command(&["bench", "-j", "1"]);
    let mut child = command
        .env("TMPDIR", &folder)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let files = || fs::read_dir(&folder).unwrap().count();
    while files() == 0 {
        assert!(child.try_wait().unwrap().is_none(), "it never began a run");
        std::thread::sleep(std::time::Duration::from_millis(5));
    }
    let pid = child.id().to_string();
    let kill = std::process::Command::new("kill")
        .args(["-TERM", &pid])
        .status();
    assert!(kill.unwrap().success());
    assert_eq!(child.wait().unwrap().code(), Some(5));
    assert_eq!(files(), 0);
}

/// A build without the feature must not take a table for text.
#[cfg(not(feature = "parquet"))]
#[test]
fn parquet_is_refused_with_what_to_install_where_it_is_not_built_in() {
    let workdir = with_rows();
    workdir.write("rows.parquet", b"PAR1\x15\x04\x15");
    workdir.write("table.csv", b"PAR1\x15\x04\x15");
    let before = workdir.files();
    for arguments in [
        sign("-o out.ndjson rows.parquet"),
        sign("-o out.parquet rows.csv"),
        sign("-o out.ndjson table.csv"),
        sign("-o out.ndjson --input-format parquet"),
        "verify --public-key pub.pem rows.parquet".to_owned(),
        "check -f aak-impression rows.parquet".to_owned(),
        "inspect rows.parquet".to_owned(),
    ] {
        let run = workdir.run(&arguments);
        run.exit(2);
        assert!(run.hint().contains("--features parquet"), "{run}");
    }
    assert_eq!(workdir.files(), before);
}

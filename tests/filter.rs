//! The filter, as engines that run it over their rows see it: one line out for
//! each line in, the same bytes whenever a task is run again, and an end that
//! says what happened.
#![allow(clippy::unwrap_used)]

mod testkit;
mod workdir;

use std::cell::RefCell;
use std::io::{BufRead, BufReader, Read, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, Command, Output, Stdio};
use std::rc::Rc;

use campaign_signer::engine::{Check, ENGINES};
use campaign_signer::filter::{Filter, OnError};
use campaign_signer::format::{Alg, FORMATS, Format};
use campaign_signer::json;
use campaign_signer::key::Secret;
use campaign_signer::pipeline::Signer;
use campaign_signer::record::Settings;
use serde_json::Value;

use testkit::Rng;
use workdir::{Workdir, now};

const SKAN: &str =
    "filter -f skan-view -k key.pem --job-id night --timestamp 1760000000000 --row-id id";

/// One good row.
fn row(id: u64) -> String {
    format!(
        r#"{{"id":{id},"ad-network-id":"example123.skadnetwork","source-identifier":5239,"itunes-item-id":525463029,"source-app-id":1234567891,"note":"é 1.50","price":1.50}}"#
    )
}

fn rows(ids: impl Iterator<Item = u64>) -> String {
    ids.map(|id| row(id) + "\n").collect()
}

fn start(dir: &Workdir, arguments: &str) -> Child {
    Command::new(env!("CARGO_BIN_EXE_campaign-signer"))
        .args(arguments.split_whitespace())
        .current_dir(dir.path(""))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap()
}

/// Runs it over some input. Whoever does not read its input to the end fails
/// here.
fn run(dir: &Workdir, arguments: &str, input: &[u8]) -> Output {
    let mut child = start(dir, arguments);
    let mut stdin = child.stdin.take().unwrap();
    let input = input.to_vec();
    let feeder = std::thread::spawn(move || stdin.write_all(&input));
    let output = child.wait_with_output().unwrap();
    feeder.join().unwrap().expect("all input was read");
    output
}

fn good(dir: &Workdir, arguments: &str, input: &[u8]) -> String {
    let output = run(dir, arguments, input);
    let told = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(0), "{told}");
    String::from_utf8(output.stdout).unwrap()
}

fn parse(text: &str) -> Vec<Value> {
    text.lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

/// The example rows of a format, without their counts, with ids, and with
/// `null` for every field that they do not give, as tables write rows.
fn examples(format: &Format) -> String {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/data");
    let text = std::fs::read_to_string(folder.join(format!("{}.ndjson", format.id))).unwrap();
    let mut out = String::new();
    for (at, line) in text.lines().enumerate() {
        let members = json::object(line).unwrap();
        out.push_str(&format!("{{\"row id\":\"r-{at}\""));
        for (name, token) in members.iter().filter(|(name, _)| name != "count") {
            out.push_str(&format!(",{}:{token}", Value::from(&**name)));
        }
        for field in format.all_fields() {
            let is_given = |name: &str| {
                let normal = |name: &str| name.replace(['-', '_', '.', ' '], "").to_lowercase();
                let parent = format.parent(field.name).unwrap_or("no parent");
                [field.name, parent].map(normal).contains(&normal(name))
            };
            if !members.iter().any(|(name, _)| is_given(name)) {
                out.push_str(&format!(",{}:null", Value::from(field.name)));
            }
        }
        out.push_str("}\n");
    }
    out
}

#[test]
fn every_format_gives_the_row_with_what_sign_gives_and_it_verifies() {
    for format in FORMATS {
        let dir = Workdir::new();
        let key = match format.alg() {
            Alg::Es256 => "-k key.pem",
            Alg::Hs256 => "--secret-file secret.txt",
        };
        let judge = match format.alg() {
            Alg::Es256 => "--public-key pub.pem",
            Alg::Hs256 => "--secret-file secret.txt",
        };
        let input = examples(format);
        dir.write("rows.ndjson", &input);
        let same = format!(
            "-f {} {key} --job-id night --timestamp {}",
            format.id,
            now()
        );
        // White space divides arguments here, so the column is mapped by name.
        let arguments = |verb: &str| format!("{verb} {same} --row-id row_id");
        dir.run(&format!(
            "{} --ignore-unknown rows.ndjson -o signed.ndjson",
            arguments("sign")
        ))
        .exit(0);
        let output = good(&dir, &arguments("filter"), input.as_bytes());
        dir.write("filtered.ndjson", &output);
        dir.run(&format!("verify {judge} filtered.ndjson")).exit(0);
        let signed = dir.lines("signed.ndjson");
        let lines: Vec<&str> = output.lines().collect();
        assert_eq!(
            (lines.len(), signed.len()),
            (input.lines().count(), lines.len())
        );
        for ((line, signed), row) in lines.iter().zip(&signed).zip(input.lines()) {
            let (line, signed) = (json::object(line).unwrap(), json::object(signed).unwrap());
            let row = json::object(row).unwrap();
            for (name, token) in &signed {
                let found = line.iter().find(|(own, _)| own == name);
                assert_eq!(
                    found.map(|(_, token)| token),
                    Some(token),
                    "{} {name}",
                    format.id
                );
            }
            // The row's own members come first, in their order, and those that
            // nothing is signed under as they were.
            for ((name, token), (own, was)) in line.iter().zip(&row) {
                assert_eq!(name, own, "{}", format.id);
                let is_signed = signed.iter().any(|(signed, _)| signed == name);
                assert!(is_signed || token == was, "{} {name}", format.id);
            }
            let added = signed
                .iter()
                .filter(|(name, _)| !row.iter().any(|(own, _)| own == name));
            assert_eq!(line.len(), row.len() + added.count(), "{}", format.id);
        }
    }
}

#[test]
fn a_task_that_is_run_again_gives_the_same_bytes_however_rows_are_dealt_out() {
    let dir = Workdir::new();
    let count = 3000;
    let whole = good(&dir, SKAN, rows(0..count).as_bytes());
    let mut whole: Vec<&str> = whole.lines().collect();
    assert_eq!(whole.len(), 3000);
    let many = good(
        &dir,
        &format!("{SKAN} -j 3 --engine p256"),
        rows(0..count).as_bytes(),
    );
    assert_eq!(many.lines().collect::<Vec<_>>(), whole);
    let backwards = good(&dir, SKAN, rows((0..700).rev()).as_bytes());
    let other = good(&dir, SKAN, rows(700..count).as_bytes());
    let mut parts: Vec<&str> = backwards.lines().chain(other.lines()).collect();
    parts.sort_unstable();
    whole.sort_unstable();
    assert_eq!(parts, whole);
    let nonces: std::collections::HashSet<String> = parse(&whole.join("\n"))
        .iter()
        .map(|row| row["nonce"].as_str().unwrap().to_owned())
        .collect();
    assert_eq!(nonces.len(), 3000);
}

#[test]
fn every_line_in_is_one_line_out_whatever_it_holds() {
    let dir = Workdir::new();
    let mut rng = Rng(7);
    let odd: [&[u8]; 16] = [
        b"",
        b" ",
        b"\r",
        b"null",
        b"[1]",
        b"{\"id\":1",
        b"{\"id\":1}{\"id\":2}",
        b"{\"id\":1,\"id\":2}",
        b"\xff\xfe\x00",
        b"\"a\\nb\"",
        b"{\"id\":\"a\\nb\",\"x\":\"\\ud800\"}",
        b"{\"id\":1,\"x\":1e999}",
        b"\xef\xbb\xbf{}",
        b"{\"_raw\":\"x\",\"_sign_error\":{\"code\":\"x\"}}",
        b"{\"_sign_error\":null}",
        b"{\"raw\":\"x\",\"last_line\":1,\"problems\":[],\"row\":{\"id\":5}}",
    ];
    let mut input = Vec::new();
    let mut count = 0;
    for id in 0..4000_u64 {
        match rng.below(4) {
            0 => input.extend_from_slice(odd[rng.below(16) as usize]),
            1 => {
                let line = row(id).into_bytes();
                let mut line: Vec<u8> = line[..rng.below(line.len() as u64) as usize].to_vec();
                if let Some(byte) = line.last_mut() {
                    *byte = (rng.next() as u8).max(b' ');
                }
                input.extend(line);
            }
            _ => input.extend_from_slice(row(id).as_bytes()),
        }
        input.push(b'\n');
        count += 1;
    }
    // The last one has no end.
    input.pop();
    input.extend_from_slice(b" ");
    for jobs in [1, 2] {
        let output = good(&dir, &format!("{SKAN} -j {jobs}"), &input);
        assert!(output.ends_with('\n'));
        assert_eq!(output.lines().count(), count);
        for (line, was) in output.lines().zip(input.split(|byte| *byte == b'\n')) {
            let line: Value = serde_json::from_str(line).unwrap();
            assert_ne!(
                line.get("signature").is_some(),
                line.get("_sign_error").is_some()
            );
            if line.get("signature").is_some() {
                let was: Value = serde_json::from_slice(was).unwrap();
                assert_eq!(line["id"], was.get("row").unwrap_or(&was)["id"]);
            }
        }
    }
}

#[test]
fn a_bad_row_comes_back_in_its_place_and_is_signed_once_it_is_mended() {
    let dir = Workdir::new();
    let bad = row(2).replace("525463029", "\"1.1E+09\"");
    let input = format!("{}\n{bad}\ngarbage\n{}\n", row(1), row(3));
    let output = run(&dir, SKAN, input.as_bytes());
    assert_eq!(output.status.code(), Some(0));
    let text = String::from_utf8(output.stdout).unwrap();
    let lines = parse(&text);
    assert!(lines[0]["signature"].is_string() && lines[3]["signature"].is_string());
    let error = &lines[1]["_sign_error"];
    assert_eq!(
        (&error["code"], &error["field"]),
        (&"exponent_form".into(), &"itunes-item-id".into())
    );
    assert!(error["message"].as_str().unwrap().contains("spreadsheet"));
    assert_eq!(error.as_object().unwrap().len(), 3);
    assert_eq!(lines[2]["_raw"], "garbage");
    assert_eq!(lines[2]["_sign_error"]["code"], "bad_json");
    let summary = String::from_utf8(output.stderr).unwrap();
    let summary: Value = serde_json::from_str(summary.lines().last().unwrap()).unwrap();
    assert_eq!(summary["event"], "summary");
    for (name, value) in [
        ("rows", 4),
        ("signed", 2),
        ("rejected", 2),
        ("exit_code", 0),
    ] {
        assert_eq!(summary[name], value, "{summary}");
    }
    assert_eq!(summary["codes"]["exponent_form"], 1);
    // What is wrong with it does not stand in its way.
    let mended = text
        .lines()
        .nth(1)
        .unwrap()
        .replace("\"1.1E+09\"", "525463029");
    let again = good(&dir, SKAN, mended.as_bytes());
    let (again, fresh) = (parse(&again), parse(&good(&dir, SKAN, row(2).as_bytes())));
    assert_eq!(again, fresh);
}

#[test]
fn a_bad_row_can_end_the_stream_and_what_stands_before_it_is_whole() {
    let dir = Workdir::new();
    let input = format!("{}{{}}\n{}", rows(0..1500), rows(1500..200_000));
    for (option, before) in [("--on-error fail", true), ("--max-rejects 0", false)] {
        let output = run(&dir, &format!("{SKAN} {option}"), input.as_bytes());
        assert_eq!(output.status.code(), Some(4));
        let text = String::from_utf8(output.stdout).unwrap();
        assert!(text.is_empty() || text.ends_with('\n'));
        assert!(text.lines().all(|line| line.ends_with("\"}")));
        assert!(text.lines().count() <= 1500);
        if before {
            assert_eq!(text.lines().count(), 1500);
        }
        let told = String::from_utf8(output.stderr).unwrap();
        assert!(told.contains("line 1501"), "{told}");
    }
    let share = format!("{}{}", rows(0..1500), "{}\n".repeat(500));
    let output = run(&dir, &format!("{SKAN} --max-rejects 30%"), share.as_bytes());
    assert_eq!(output.status.code(), Some(0));
    let output = run(&dir, &format!("{SKAN} --max-rejects 20%"), share.as_bytes());
    assert_eq!(output.status.code(), Some(4));
}

#[test]
fn a_fatal_error_is_told_last_after_all_input_was_read() {
    let dir = Workdir::new();
    let input = rows(0..20_000);
    assert!(input.len() > 2 * 1024 * 1024, "more than any pipe holds");
    dir.write("bad.pem", "no key");
    let cases = [
        ("filter", 2, "Usage"),
        (
            "filter -f skan-view -k key.pem --no-such-option",
            2,
            "--no-such-option",
        ),
        (
            "filter -f skan-view -k key.pem",
            2,
            "--allow-nondeterministic",
        ),
        (
            "filter -f skan-view -k key.pem --job-id a --row-id id --timestamp now",
            2,
            "--timestamp",
        ),
        (
            "filter -f skan -k key.pem --job-id a --row-id id --timestamp 1760000000000",
            2,
            "skan",
        ),
        (
            "filter -f skan-view -k bad.pem --job-id a --row-id id --timestamp 1760000000000",
            3,
            "key",
        ),
        (
            "filter -f skan-view -k none.pem --job-id a --row-id id --timestamp 1760000000000",
            3,
            "none",
        ),
        (
            "filter -f skan-view --job-id a --row-id id --timestamp 1760000000000",
            2,
            "--key",
        ),
        (
            "filter -f skan-view -k key.pem --job-id a --row-id id --timestamp 1760000000",
            2,
            "milli",
        ),
        (
            "filter -f skan-view -k key.pem --job-id a --row-id id --timestamp 1760000000000 --set nonsense=1",
            2,
            "nonsense",
        ),
    ];
    for (arguments, code, words) in cases {
        let output = run(&dir, arguments, input.as_bytes());
        assert_eq!(output.status.code(), Some(code), "{arguments}");
        assert!(output.stdout.is_empty());
        let told = &output.stderr[output.stderr.len().saturating_sub(2048)..];
        let told = String::from_utf8_lossy(told);
        assert!(told.contains(words), "{arguments}: {told}");
    }
    // Not so where it is asked not to.
    let mut child = start(&dir, "filter -f skan-view --no-drain");
    let mut stdin = child.stdin.take().unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(2));
    assert!(stdin.write_all(input.as_bytes()).is_err());
}

#[test]
fn a_row_is_answered_before_the_next_one_comes() {
    let dir = Workdir::new();
    let mut child = start(&dir, SKAN);
    let mut stdin = child.stdin.take().unwrap();
    let mut answers = BufReader::new(child.stdout.take().unwrap()).lines();
    let mut ask = |stdin: &mut ChildStdin, id: u64| {
        writeln!(stdin, "{}", row(id)).unwrap();
        answers.next().unwrap().unwrap()
    };
    for id in 0..20 {
        let answer: Value = serde_json::from_str(&ask(&mut stdin, id)).unwrap();
        assert_eq!(answer["id"], id);
    }
    drop(stdin);
    assert_eq!(child.wait().unwrap().code(), Some(0));
}

#[test]
fn it_ends_when_nobody_reads_it_any_more() {
    let dir = Workdir::new();
    let mut child = start(&dir, SKAN);
    let mut stdin = child.stdin.take().unwrap();
    let mut stdout = child.stdout.take().unwrap();
    let feeder = std::thread::spawn(move || {
        // For ever, unless it ends.
        while stdin.write_all(rows(0..1000).as_bytes()).is_ok() {}
    });
    stdout.read_exact(&mut [0; 100]).unwrap();
    drop(stdout);
    assert_eq!(child.wait().unwrap().code(), Some(6));
    feeder.join().unwrap();
}

#[test]
fn what_would_stand_twice_or_be_left_out_by_a_slip_is_refused() {
    let dir = Workdir::new();
    let with = |member: &str| row(1).replace("\"note\":\"é 1.50\"", member);
    let cases = [
        (with("\"signature\":\"x\""), Some(("conflict", "signature"))),
        (with("\"signature\":null"), None),
        (with("\"format\":\"banner\""), Some(("conflict", "format"))),
        (with("\"format\":\"skan-view\""), None),
        (with("\"nonse\":\"x\""), Some(("unknown_field", "nonse"))),
        (
            with("\"versions\":\"x\""),
            Some(("unknown_field", "versions")),
        ),
        // The field itself is there, so the other is something else.
        (with("\"version\":\"4.0\",\"versions\":\"x\""), None),
        (with("\"count\":2"), Some(("conflict", "count"))),
        (with("\"count\":1"), None),
        (with("\"object\":{}"), None),
    ];
    for (row, expected) in cases {
        let answer = &parse(&good(&dir, SKAN, row.as_bytes()))[0];
        let error = answer.get("_sign_error");
        let found = error.map(|e| (e["code"].as_str().unwrap(), e["field"].as_str().unwrap()));
        assert_eq!(found, expected, "{row}");
    }
    // Named as no fields, all else is refused, and a near name is none.
    let strict = format!("{SKAN} --keep note,price,nonse,id");
    let answer = good(&dir, &strict, with("\"nonse\":\"x\"").as_bytes());
    assert!(parse(&answer)[0].get("signature").is_some(), "{answer}");
    let answer = good(&dir, &strict, with("\"other\":\"x\"").as_bytes());
    assert_eq!(parse(&answer)[0]["_sign_error"]["code"], "unknown_field");
    let answer = good(
        &dir,
        &strict,
        with("\"_sign_error\":{\"code\":\"x\"}").as_bytes(),
    );
    assert!(parse(&answer)[0].get("signature").is_some(), "{answer}");
}

#[test]
fn other_shapes_add_their_object_to_the_row() {
    let dir = Workdir::new();
    let arguments = format!("{SKAN} --shape native");
    let answer = good(&dir, &arguments, row(1).as_bytes());
    let answer = &parse(&answer)[0];
    assert!(answer["object"].is_object(), "{answer}");
    assert_eq!(answer["price"].to_string(), "1.5");
    let taken = row(1).replace("\"note\"", "\"object\"");
    let taken = &parse(&good(&dir, &arguments, taken.as_bytes()))[0];
    assert_eq!(taken["_sign_error"]["field"], "object");
}

#[test]
fn a_line_that_is_too_long_keeps_its_place() {
    let dir = Workdir::new();
    let long = row(2).replace("é 1.50", &"x".repeat(200_000));
    let input = format!("{}\n{long}\n{}", row(1), row(3));
    let output = good(
        &dir,
        &format!("{SKAN} --max-row-bytes 100000"),
        input.as_bytes(),
    );
    let lines = parse(&output);
    assert_eq!(lines.len(), 3);
    assert_eq!(lines[1]["_sign_error"]["code"], "row_too_long");
    assert_eq!(lines[1]["_raw"].as_str().unwrap().len(), 65536);
    assert!(lines[0]["signature"].is_string() && lines[2]["signature"].is_string());
}

/// Remembers each write.
#[derive(Clone, Default)]
struct Writes(Rc<RefCell<Vec<Vec<u8>>>>);

impl Write for Writes {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.borrow_mut().push(bytes.to_vec());
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

#[test]
fn each_write_is_whole_lines() {
    let format = Format::find("skan-view").unwrap();
    let mut settings = Settings::new(format, 1_760_000_000_000);
    settings.ignore_unknown = true;
    settings.row_id = Some("id".into());
    let filter = Filter {
        settings,
        signer: Signer::es256(&testkit::key(), &ENGINES[0], "night"),
        self_check: Check::Batch,
        threads: 2,
        on_error: OnError::Annotate,
        max_rejects: None,
        row_bytes: 1 << 20,
    };
    let writes = Writes::default();
    let input = rows(0..5000);
    let summary = filter
        .run(input.as_bytes(), || false, writes.clone())
        .unwrap();
    assert_eq!((summary.counts.rows, summary.counts.signed), (5000, 5000));
    let writes = writes.0.borrow();
    assert!(writes.len() > 1);
    assert!(writes.iter().all(|write| write.ends_with(b"\n")));
    assert_eq!(writes.concat().split(|byte| *byte == b'\n').count(), 5001);
}

#[test]
fn what_cannot_be_one_line_for_each_line_is_refused() {
    let format = Format::find("skan-view").unwrap();
    let mut several = Settings::new(format, 1_760_000_000_000);
    several.count = 2;
    let filter = Filter {
        settings: several,
        signer: Signer::hs256(&Secret::from_bytes(testkit::SECRET).unwrap()),
        self_check: Check::Off,
        threads: 1,
        on_error: OnError::Annotate,
        max_rejects: None,
        row_bytes: 100,
    };
    let error = filter.run(&b"{}\n"[..], || false, Vec::new()).unwrap_err();
    assert!(error.to_string().contains("copies"), "{error}");
}

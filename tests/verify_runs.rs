//! `verify` judges everything that a run makes: under the keys of a ring, of
//! several formats, for publishers, joined, and with times that are spread.

#![allow(clippy::unwrap_used)]

mod workdir;

use workdir::{Run, Workdir};

const TIME: u64 = 1_760_000_000_000;

/// Test keys, made anew: `a.pem`, `b.pem` and `c.pem`, and two secrets.
fn workdir() -> Workdir {
    let workdir = Workdir::new();
    for name in ["a", "b", "c"] {
        workdir.run(&format!("keygen -o {name}.pem")).exit(0);
    }
    for name in ["one", "two"] {
        let name = format!("{name}.txt");
        workdir.write(&name, format!("{name}-test-secret-of-at-least-32-bytes"));
        workdir.mode(&name, 0o600);
    }
    workdir
}

fn network(id: &str, more: &str) -> String {
    format!("[[key]]\nid = \"{id}\"\nfile = \"{id}.pem\"\nfamilies = [\"ad-network\"]\n{more}\n")
}

/// A ring of three networks.
fn networks() -> String {
    let ids = |id: &str| {
        let id = id.repeat(3);
        format!("ad-network-ids = [\"{id}.skadnetwork\", \"{id}.adattributionkit\"]")
    };
    ["a", "b", "c"].map(|id| network(id, &ids(id))).concat()
}

fn secret(id: &str) -> String {
    format!(
        "[[key]]\nid = \"{id}\"\nsecret-file = \"{id}.txt\"\nfamilies = [\"impact\"]\n\
         account-sids = [\"IR{id}\"]\n"
    )
}

/// A campaign for each of these networks, with the network's letter in a
/// column of its own, too.
fn campaigns(of: &[&str]) -> String {
    let row = |(at, of): (usize, &&str)| {
        let id = of.repeat(3);
        format!("{id}.skadnetwork,{},525463029,1,{of}\n", 1000 + at)
    };
    let rows: String = of.iter().enumerate().map(row).collect();
    format!("ad_network_id,source_identifier,advertised_app_id,source_app_id,tag\n{rows}")
}

fn sign<'w>(workdir: &'w Workdir, arguments: &str) -> Run<'w> {
    let fixed = format!("--force --job-id j --timestamp {TIME} --ignore-unknown -o out.ndjson");
    workdir.run(&format!("sign {fixed} {arguments}"))
}

const MANIFEST: &str = "--manifest out.ndjson.manifest.json";

/// The run is good, with its manifest and without.
fn is_good(workdir: &Workdir, with: &str) {
    workdir.run(&format!("verify {with} out.ndjson")).exit(0);
    let run = workdir.run(&format!("verify {with} {MANIFEST}"));
    run.exit(0).says("in order, nothing twice");
    run.expect(run.stdout.is_empty(), "no finding");
}

#[test]
fn each_record_verifies_under_the_key_of_the_ring_that_is_for_it() {
    let workdir = workdir();
    workdir.write("keys.toml", networks());
    let of: Vec<&str> = (0..2500).map(|n| ["a", "b", "c", "b"][n % 4]).collect();
    workdir.write("rows.csv", campaigns(&of));
    let formats = "--format skan-view,aak-impression";
    sign(&workdir, &format!("{formats} --keys keys.toml rows.csv")).exit(0);
    workdir
        .run("verify --keys keys.toml out.ndjson")
        .exit(0)
        .says("5000 of 5000 records under the keys of keys.toml")
        .says("a: ES256, 1250 signatures")
        .says("b: ES256, 2500 signatures");
    // One key judges what is its own.
    let run = workdir.run("verify --key a.pem out.ndjson");
    run.exit(7).says("1250 of 5000 records");
    // A ring that lost a key names what it cannot judge.
    workdir.write("keys.toml", networks().replace("ccc.", "ddd."));
    let run = workdir.run("verify --keys keys.toml out.ndjson");
    run.exit(7)
        .prints("out.ndjson line 5: signature is of no key of the ring");
}

#[test]
fn a_record_under_the_wrong_key_of_the_ring_is_found() {
    let workdir = workdir();
    workdir.write("rows.csv", campaigns(&["a", "b", "a"]));
    for (ring, says) in [
        (networks(), "signature does not verify under key b"),
        // A key for all the rest signs nothing that another names.
        (
            network("b", "ad-network-ids = [\"bbb.skadnetwork\"]") + &network("a", ""),
            "signature does not verify under key b",
        ),
    ] {
        workdir.write("keys.toml", &ring);
        sign(&workdir, "--format skan-view --key a.pem rows.csv").exit(0);
        let run = workdir.run("verify --keys keys.toml out.ndjson");
        run.exit(7).prints(&format!("out.ndjson line 2: {says}"));
        assert_eq!(run.stdout.lines().count(), 1, "{run}");
    }
}

#[test]
fn keys_that_a_column_selects_are_all_tried() {
    let workdir = workdir();
    let column = |id: &str| {
        let column = format!("column = {{ name = \"tag\", values = [\"{id}\"] }}");
        network(id, &column)
    };
    let ring = ["a", "b", "c"].map(column).concat();
    workdir.write("keys.toml", &ring);
    let of: Vec<&str> = (0..100).map(|n| ["c", "b", "a"][n % 3]).collect();
    workdir.write("rows.csv", campaigns(&of));
    sign(&workdir, "--format skan-view --keys keys.toml rows.csv").exit(0);
    workdir
        .run("verify --keys keys.toml out.ndjson")
        .exit(0)
        .says("a: ES256, 33 signatures")
        .says("b: ES256, 33 signatures")
        .says("c: ES256, 34 signatures");
    workdir.write(
        "keys.toml",
        ring.replace("c.pem", "a.pem")
            .replacen("a.pem", "c.pem", 1)
            .replace("a.pem", "b.pem"),
    );
    let run = workdir.run("verify --keys keys.toml out.ndjson");
    run.exit(7)
        .says("67 of 100 records")
        .prints("out.ndjson line 3: signature does not verify under any of the keys a, b, c");
}

#[test]
fn validity_is_no_matter_to_verification() {
    let workdir = workdir();
    workdir.write("keys.toml", network("a", ""));
    workdir.write("rows.csv", campaigns(&["a"]));
    sign(&workdir, "--format skan-view --keys keys.toml rows.csv").exit(0);
    workdir.write("keys.toml", network("a", "not-after = 2020-01-01"));
    workdir.run("verify --keys keys.toml out.ndjson").exit(0);
}

#[test]
fn secrets_and_keys_of_one_ring_verify_one_file() {
    let workdir = workdir();
    workdir.write("keys.toml", networks() + &secret("one") + &secret("two"));
    workdir.write("users.csv", "id,account_sid\njane,IRtwo\njohn,IRone\n");
    sign(
        &workdir,
        "--format impact-user-jwt --keys keys.toml users.csv",
    )
    .exit(0);
    let tokens = workdir.text("out.ndjson");
    workdir.write("rows.csv", campaigns(&["b"]));
    sign(&workdir, "--format skan-view --keys keys.toml rows.csv").exit(0);
    workdir.write("mixed.ndjson", tokens.clone() + &workdir.text("out.ndjson"));
    workdir
        .run("verify --keys keys.toml mixed.ndjson")
        .exit(0)
        .says("3 of 3 records")
        .says("one: HS256, 1 signature")
        .says("b: ES256, 1 signature");
    workdir.write("keys.toml", secret("one") + &secret("two"));
    workdir
        .run("verify --keys keys.toml mixed.ndjson")
        .exit(7)
        .prints("is signed with ES256, the keys are for HS256");
    workdir.write("keys.toml", secret("one").replace("IRone", "IRtwo"));
    workdir
        .run("verify --keys keys.toml mixed.ndjson")
        .exit(7)
        .prints("line 1: jws does not verify under key one")
        .prints("line 2: jws is of no key of the ring");
}

#[test]
fn a_ring_stands_for_no_other_key_on_the_command_line() {
    let workdir = workdir();
    workdir.write("keys.toml", networks());
    for other in ["--key a.pem", "--public-key a.pem", "--secret-file one.txt"] {
        workdir
            .run(&format!("verify --keys keys.toml {other} out.ndjson"))
            .exit(2);
    }
}

/// Publishers that each campaign meets.
const PUBLISHERS: &str = "publisher,source_app_id\nalpha,1001\nbeta,1002\ngamma,1003\n";

/// Campaigns that lack what publishers give.
fn bare_campaigns(rows: usize) -> String {
    let row = |at| format!("aaa.skadnetwork,{},525463029\n", 1000 + at);
    let rows: String = (0..rows).map(row).collect();
    format!("ad_network_id,source_identifier,advertised_app_id\n{rows}")
}

/// Everything that `sign` makes of several things at once: what it is, its
/// arguments, and how many lines come of three rows.
const RUNS: &[(&str, &str, usize)] = &[
    (
        "formats",
        "--format skan-view,skan-storekit,aak-impression --set source_app_id=1",
        9,
    ),
    (
        "publishers",
        "--format skan-view --publishers publishers.csv",
        9,
    ),
    (
        "all at once",
        "--format skan-view,aak-impression --publishers publishers.csv --count 2 --spread 6h",
        36,
    ),
    (
        "joined",
        "--format skan-view,skan-storekit --shape openrtb --set source_app_id=1 --count 2",
        6,
    ),
    (
        "joined for publishers, kept",
        "--format skan-view,skan-storekit --shape openrtb --publishers publishers.csv --count 2 \
         --spread 1h --keep publisher",
        18,
    ),
    (
        "spread",
        "--format skan-view --set source_app_id=1 --count 3 --spread 24h",
        9,
    ),
];

fn made(arguments: &str, lines: usize) -> Workdir {
    let workdir = workdir();
    workdir.write("publishers.csv", PUBLISHERS);
    workdir.write("rows.csv", bare_campaigns(3));
    sign(&workdir, &format!("-k a.pem {arguments} rows.csv")).exit(0);
    assert_eq!(workdir.lines("out.ndjson").len(), lines, "{arguments}");
    workdir
}

#[test]
fn good_runs_of_every_kind_are_good_with_their_manifest_and_without() {
    for (_, arguments, lines) in RUNS {
        let workdir = made(arguments, *lines);
        let known = "--set source_app_id=1 --set advertised_app_id=525463029";
        let run = workdir.run(&format!("verify --key a.pem {MANIFEST}"));
        run.exit(0).says("in order, nothing twice");
        run.expect(run.stdout.is_empty(), "no finding");
        let known = if arguments.contains("openrtb") {
            known
        } else {
            ""
        };
        if !arguments.contains("publishers.csv --count 2 --spread") {
            let run = workdir.run(&format!("verify --key a.pem {known} out.ndjson"));
            run.exit(0);
        }
    }
}

/// Writes these lines in place of the signed ones and judges the whole run.
fn judge<'w>(workdir: &'w Workdir, lines: &[String]) -> Run<'w> {
    workdir.write("out.ndjson", lines.join("\n") + "\n");
    workdir.run(&format!("verify --key a.pem {MANIFEST}"))
}

#[test]
fn lines_that_are_missing_swapped_or_twice_are_found_in_every_kind_of_run() {
    for (what, arguments, count) in RUNS {
        let workdir = made(arguments, *count);
        let lines = workdir.lines("out.ndjson");
        let row = "rows.csv line 3 (record 2)";
        let middle = lines.len() / 2;
        let mut missing = lines.clone();
        missing.remove(middle);
        let run = judge(&workdir, &missing);
        run.exit(7).prints(row).prints("has no record");
        // Copies of one row may stand for each other, but for their times; of
        // neighbours of another kind none may.
        let mut swapped = lines.clone();
        swapped.swap(0, lines.len() - 1);
        let run = judge(&workdir, &swapped);
        run.exit(7)
            .prints("out.ndjson line 1 is ")
            .prints("rows.csv line 2 (record 1)");
        let mut twice = lines.clone();
        twice.insert(middle, lines[middle].clone());
        let run = judge(&workdir, &twice);
        run.exit(7).prints("stands already in");
        assert!(run.stdout.contains("is of no row"), "{what}: {run}");
    }
}

#[test]
fn a_line_of_another_format_in_its_place_is_found_and_named() {
    let (_, arguments, lines) = RUNS[0];
    let workdir = made(arguments, lines);
    let mut lines = workdir.lines("out.ndjson");
    lines.swap(0, 1);
    let run = judge(&workdir, &lines);
    run.exit(7).prints("rows.csv line 2 (record 1), skan-");
    assert!(run.stderr.contains("9 of 9 records"), "{run}");
}

#[test]
fn a_copy_at_another_time_is_found() {
    let (_, arguments, lines) = RUNS[5];
    let workdir = made(arguments, lines);
    let mut lines = workdir.lines("out.ndjson");
    // Another run's line verifies, and is of another time.
    let other = arguments.replace("24h", "23h");
    let fixed = format!("--job-id j --timestamp {TIME} -o other.ndjson -k a.pem");
    workdir
        .run(&format!("sign {fixed} {other} rows.csv"))
        .exit(0);
    let times = |line: &String| {
        let record: serde_json::Value = serde_json::from_str(line).unwrap();
        record["timestamp"].as_u64().unwrap()
    };
    let (wanted, good) = (times(&lines[4]), lines.clone());
    lines[4] = workdir.lines("other.ndjson")[4].clone();
    let found = times(&lines[4]);
    judge(&workdir, &lines)
        .exit(7)
        .prints("out.ndjson line 5 is not what rows.csv line 3 (record 2), copy 2 of 3 gives")
        .prints(&format!("timestamp is {found}, the row gives {wanted}"))
        .says("9 of 9 records");
    // So is one copy in place of another.
    let mut lines = good;
    lines.swap(4, 5);
    judge(&workdir, &lines)
        .exit(7)
        .prints("out.ndjson line 5 is ");
}

#[test]
fn publishers_that_changed_or_are_gone_are_named() {
    let (_, arguments, lines) = RUNS[1];
    let workdir = made(arguments, lines);
    workdir.write("publishers.csv", PUBLISHERS.replace("1002", "1009"));
    workdir
        .run(&format!("verify --key a.pem {MANIFEST}"))
        .exit(7)
        .prints("the publishers publishers.csv have SHA-256")
        .says("the publishers publishers.csv are not what they were");
    workdir.remove("publishers.csv");
    workdir
        .run(&format!("verify --key a.pem {MANIFEST}"))
        .exit(0)
        .says("the publishers publishers.csv are not at hand")
        .says("not compared with the rows");
    workdir.write("publishers.csv", PUBLISHERS);
    let mut lines = workdir.lines("out.ndjson");
    lines.swap(0, 2);
    judge(&workdir, &lines)
        .exit(7)
        .prints("out.ndjson line 1 is not what rows.csv line 2 (record 1), publisher 1 gives");
}

#[test]
fn the_rows_of_a_ring_run_are_compared_where_the_ring_is_what_it_was() {
    let workdir = workdir();
    workdir.write("keys.toml", networks());
    workdir.write("rows.csv", campaigns(&["a", "b", "c", "b"]));
    let formats = "--format skan-view,skan-storekit --keys keys.toml";
    sign(&workdir, &format!("{formats} rows.csv")).exit(0);
    is_good(&workdir, "--keys keys.toml");
    let with = |arguments: &str| workdir.run(&format!("verify {arguments} {MANIFEST}"));
    // Another selector signs other rows, and the same keys verify.
    workdir.write("keys.toml", networks().replace("ccc.adatt", "ddd.adatt"));
    with("--keys keys.toml")
        .exit(0)
        .says("keys.toml is not what it was; the rows were not compared");
    // Another key under a key's name.
    workdir.write("keys.toml", networks().replace("c.pem", "key.pem"));
    with("--keys keys.toml")
        .exit(7)
        .prints("the manifest's key c is ES256")
        .prints("line 5: signature does not verify under key c");
    with("--key key.pem")
        .exit(7)
        .prints("the manifest is of a key ring, and this key");
    // Records in another order are found by their rows.
    workdir.write("keys.toml", networks());
    let mut lines = workdir.lines("out.ndjson");
    lines.swap(2, 6);
    workdir.write("out.ndjson", lines.join("\n") + "\n");
    with("--keys keys.toml")
        .exit(7)
        .prints("out.ndjson line 3 is not what rows.csv line 3 (record 2)");
}

#[test]
fn windows_are_passed_over_by_verification_and_belong_to_runs_that_ask_for_them() {
    for (_, arguments, lines) in RUNS {
        let workdir = made(&format!("{arguments} --use-window"), *lines);
        let run = workdir.run(&format!("verify --key a.pem {MANIFEST}"));
        run.exit(0).says("in order, nothing twice");
        // No end is published for these, so nobody adds one unseen.
        let mut lines = workdir.lines("out.ndjson");
        lines[0] = lines[0].replacen("\"use_after\":", "\"use_before\":1,\"use_after\":", 1);
        let run = judge(&workdir, &lines);
        run.exit(7).prints("out.ndjson line 1 is");
    }
    let kept = "--format skan-view --set source_app_id=1 --keep source_identifier";
    for (arguments, before) in [
        (kept.to_owned(), "\"signature\":"),
        (format!("{kept} --shape openrtb"), "\"object\":"),
    ] {
        let workdir = made(&arguments, 3);
        let window = format!("\"use_after\":{TIME},\"use_before\":{},{before}", TIME + 1);
        let lines = workdir.lines("out.ndjson");
        let lines: Vec<String> = lines
            .iter()
            .map(|line| line.replacen(before, &window, 1))
            .collect();
        let run = judge(&workdir, &lines);
        run.exit(7).prints("use_after is not of the row");
        let known = "--set source_app_id=1 --set advertised_app_id=525463029";
        workdir
            .run(&format!("verify --key a.pem {known} out.ndjson"))
            .exit(0)
            .says("3 of 3 records");
    }
}

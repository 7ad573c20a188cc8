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

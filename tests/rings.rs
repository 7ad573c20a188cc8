//! Rows that choose among several keys.

#![allow(clippy::unwrap_used)]

mod workdir;

use std::collections::BTreeMap;

use serde_json::Value;

use workdir::{Run, Workdir};

const TIME: u64 = 1_760_000_000_000;

/// `a.pem`, `b.pem` and `c.pem` with their public halves, made anew.
fn workdir() -> Workdir {
    let workdir = Workdir::new();
    for name in ["a", "b", "c"] {
        let made = workdir.run(&format!("keygen -o {name}.pem"));
        made.exit(0);
        workdir.write(&format!("{name}.pub"), &made.stdout);
    }
    workdir
}

/// A ring of three networks.
const NETWORKS: &str = r#"
[[key]]
id = "a"
file = "a.pem"
families = ["ad-network"]
ad-network-ids = ["aaa.skadnetwork", "aaa.adattributionkit"]

[[key]]
id = "b"
file = "b.pem"
families = ["ad-network"]
ad-network-ids = ["bbb.skadnetwork"]

[[key]]
id = "c"
file = "c.pem"
families = ["ad-network"]
ad-network-ids = ["ccc.skadnetwork"]
"#;

fn rows(networks: &[&str]) -> String {
    let row = |network: &&str| format!("{network}.skadnetwork,5239,525463029,1\n");
    let rows: String = networks.iter().map(row).collect();
    format!("ad_network_id,source_identifier,advertised_app_id,source_app_id\n{rows}")
}

fn sign<'w>(workdir: &'w Workdir, arguments: &str) -> Run<'w> {
    let fixed = format!("--force --job-id j --timestamp {TIME} -o out.ndjson");
    workdir.run(&format!("sign {fixed} {arguments}"))
}

fn network(record: &Value) -> &str {
    let id = record
        .get("ad-network-id")
        .or_else(|| record.get("ad-network-identifier"));
    id.unwrap().as_str().unwrap().split('.').next().unwrap()
}

#[test]
fn rows_in_any_order_are_signed_as_each_key_alone_would_sign_them() {
    let workdir = workdir();
    workdir.write("keys.toml", NETWORKS);
    let networks: Vec<&str> = (0..3000)
        .map(|n| ["aaa", "bbb", "ccc"][n * n % 7 % 3])
        .collect();
    workdir.write("rows.csv", rows(&networks));
    for engine in ["auto", "batch-portable"] {
        let format = "--format skan-view,aak-impression";
        sign(
            &workdir,
            &format!("{format} --keys keys.toml --engine {engine} rows.csv"),
        )
        .exit(0);
        let all = workdir.lines("out.ndjson");
        assert_eq!(all.len(), 6000);
        let mut alone: BTreeMap<&str, Vec<String>> = BTreeMap::new();
        for (name, key) in [("aaa", "a"), ("bbb", "b"), ("ccc", "c")] {
            sign(
                &workdir,
                &format!("{format} --key {key}.pem --engine p256 rows.csv"),
            )
            .exit(0);
            alone.insert(name, workdir.lines("out.ndjson"));
        }
        for (at, line) in all.iter().enumerate() {
            let record: Value = serde_json::from_str(line).unwrap();
            assert_eq!(*line, alone[network(&record)][at], "{at}");
        }
    }
}

#[test]
fn the_manifest_names_every_key_and_what_it_has_signed() {
    let workdir = workdir();
    workdir.write("keys.toml", NETWORKS);
    workdir.write("rows.csv", rows(&["aaa", "bbb", "aaa", "aaa"]));
    let run = sign(
        &workdir,
        "--format skan-view,skan-storekit --keys keys.toml rows.csv",
    );
    run.exit(0).says("a: ES256 ").says("c: ES256 ");
    let manifest: Value =
        serde_json::from_slice(&workdir.bytes("out.ndjson.manifest.json")).unwrap();
    let ids: Vec<&str> = manifest["keys"]
        .as_array()
        .unwrap()
        .iter()
        .map(|k| k["id"].as_str().unwrap())
        .collect();
    assert_eq!(ids, ["a", "b", "c"]);
    let made: Vec<(&str, &str, u64)> = manifest["made"]
        .as_array()
        .unwrap()
        .iter()
        .map(|made| {
            (
                made["format"].as_str().unwrap(),
                made["key"].as_str().unwrap(),
                made["records"].as_u64().unwrap(),
            )
        })
        .collect();
    assert_eq!(
        made,
        [
            ("skan-storekit", "a", 3),
            ("skan-storekit", "b", 1),
            ("skan-view", "a", 3),
            ("skan-view", "b", 1),
        ]
    );
}

/// The code and the field of the only reject's first problem.
fn reject(workdir: &Workdir) -> (String, String) {
    let rejects = workdir.json("out.rejects.ndjson");
    assert_eq!(rejects.len(), 1, "{rejects:?}");
    let problem = &rejects[0]["problems"][0];
    let text = |name: &str| problem[name].as_str().unwrap().to_owned();
    (text("code"), text("wanted"))
}

#[test]
fn a_row_that_no_key_or_more_than_one_fits_is_rejected() {
    let workdir = workdir();
    let entry = |id: &str, more: &str| {
        format!(
            "[[key]]\nid = \"{id}\"\nfile = \"{id}.pem\"\nfamilies = [\"ad-network\"]\n{more}\n"
        )
    };
    let of_b = "ad-network-ids = [\"bbb.skadnetwork\"]";
    let of_b_and_c = "ad-network-ids = [\"bbb.skadnetwork\", \"ccc.skadnetwork\"]";
    let past = "not-after = 2020-01-01";
    let future = "not-before = 2199-01-01";
    let cases = [
        // what the ring has, the row's network, the code, what is named
        (entry("a", of_b), "aaa", "no_key", "the keys a"),
        (
            entry("a", of_b) + &entry("b", of_b_and_c),
            "bbb",
            "ambiguous_key",
            "a, b all fit",
        ),
        (
            entry("a", &format!("{of_b}\n{past}")),
            "bbb",
            "key_expired",
            "a is expired",
        ),
        (
            entry("a", &format!("{of_b}\n{future}")),
            "bbb",
            "key_expired",
            "a is not valid yet",
        ),
        // The key for all the rest signs nothing that is another's.
        (
            entry("a", &format!("{of_b}\n{past}")) + &entry("c", ""),
            "bbb",
            "key_expired",
            "a is expired",
        ),
    ];
    for (ring, network, code, names) in cases {
        workdir.write("keys.toml", &ring);
        workdir.write("rows.csv", rows(&[network]));
        sign(&workdir, "--format skan-view --keys keys.toml rows.csv").exit(1);
        let (found, wanted) = reject(&workdir);
        assert_eq!(found, code, "{ring}");
        assert!(wanted.contains(names), "{wanted}");
    }
    // A key for all the rest takes what no other does.
    workdir.write("keys.toml", entry("a", of_b) + &entry("c", ""));
    workdir.write("rows.csv", rows(&["bbb", "zzz"]));
    sign(&workdir, "--format skan-view --keys keys.toml rows.csv").exit(0);
    let records = workdir.lines("out.ndjson");
    for (line, key) in records.iter().zip(["a", "c"]) {
        workdir.write("one.ndjson", format!("{line}\n"));
        workdir
            .run(&format!("verify one.ndjson --key {key}.pem"))
            .exit(0);
    }
}

#[test]
fn a_rotated_key_hands_over_at_its_time() {
    let workdir = workdir();
    // 1,760,000,000,000 ms is 2025-10-09T08:53:20Z.
    let entry = |id: &str, more: &str| {
        format!(
            "[[key]]\nid = \"{id}\"\nfile = \"{id}.pem\"\nfamilies = [\"ad-network\"]\nad-network-ids = [\"aaa.skadnetwork\"]\n{more}\n"
        )
    };
    workdir.write("rows.csv", rows(&["aaa"]));
    for (moment, key) in [("2025-10-09T08:53:20Z", "b"), ("2025-10-09T08:53:21Z", "a")] {
        workdir.write(
            "keys.toml",
            entry("a", &format!("not-after = {moment}"))
                + &entry("b", &format!("not-before = {moment}")),
        );
        sign(&workdir, "--format skan-view --keys keys.toml rows.csv").exit(0);
        workdir
            .run(&format!("verify out.ndjson --key {key}.pem"))
            .exit(0);
    }
}

#[test]
fn a_key_gives_its_id_to_rows_of_a_table_that_has_no_column_for_it() {
    let workdir = workdir();
    let offers = "[[key]]\nid = \"a\"\nfile = \"a.pem\"\nfamilies = [\"app-store\"]\n";
    workdir.write(
        "rows.csv",
        "bundle_id,product_id,offer_identifier\ncom.example.a,p,o\n",
    );
    let offer = "--format appstore-promo-v1 --allow-stale --keys keys.toml rows.csv";
    workdir.write("keys.toml", format!("{offers}key-id = \"AAAAAAAAAA\"\n"));
    sign(&workdir, offer).exit(0);
    let record = &workdir.json("out.ndjson")[0];
    assert_eq!(record["keyIdentifier"], "AAAAAAAAAA");
    // One without an id leaves the row without.
    workdir.write("keys.toml", offers);
    sign(&workdir, offer).exit(1);
    assert_eq!(reject(&workdir).0, "missing");
}

#[test]
fn columns_bundles_and_key_ids_select_keys_and_a_key_gives_its_id() {
    let workdir = workdir();
    workdir.write(
        "keys.toml",
        r#"
[[key]]
id = "a"
file = "a.pem"
families = ["app-store"]
bundle-ids = ["com.example.a"]
key-id = "AAAAAAAAAA"

[[key]]
id = "b"
file = "b.pem"
families = ["app-store"]
key-ids = ["BBBBBBBBBB"]

[[key]]
id = "c"
file = "c.pem"
families = ["app-store"]
bundle-ids = ["com.example.c"]
column = { name = "region", values = ["eu", "uk"] }
key-id = "CCCCCCCCCC"
"#,
    );
    let row = |bundle: &str, more: &str| {
        format!(
            "{{\"bundle_id\":\"com.example.{bundle}\",\"productId\":\"p\",\"offerIdentifier\":\"o\"{more}}}\n"
        )
    };
    let format = "--format appstore-promo-v1 --allow-stale";
    for (row, outcome) in [
        (row("a", ""), Ok(("a", "AAAAAAAAAA"))),
        (
            row("z", ",\"keyIdentifier\":\"BBBBBBBBBB\""),
            Ok(("b", "BBBBBBBBBB")),
        ),
        (row("c", ",\"region\":\"uk\""), Ok(("c", "CCCCCCCCCC"))),
        // The row asks for a key that is not the bundle's.
        (row("a", ",\"keyIdentifier\":\"ZZZZZZZZZZ\""), Err("no_key")),
        (
            row("c", ",\"region\":\"us\",\"keyIdentifier\":\"CCCCCCCCCC\""),
            Err("no_key"),
        ),
    ] {
        workdir.write("rows.ndjson", &row);
        let run = sign(
            &workdir,
            &format!("{format} --ignore-unknown --keys keys.toml rows.ndjson"),
        );
        match outcome {
            Ok((key, id)) => {
                run.exit(0);
                assert_eq!(workdir.json("out.ndjson")[0]["keyIdentifier"], id, "{row}");
                workdir
                    .run(&format!("verify out.ndjson --key {key}.pem"))
                    .exit(0);
            }
            Err(code) => {
                run.exit(1);
                assert_eq!(reject(&workdir).0, code, "{row}");
            }
        }
    }
}

#[test]
fn secrets_of_several_accounts_sign_tokens_of_one_file() {
    let workdir = workdir();
    workdir.write("one.txt", "one-test-secret-of-at-least-thirty-two-bytes");
    workdir.write("two.txt", "two-test-secret-of-at-least-thirty-two-bytes");
    for name in ["one.txt", "two.txt"] {
        workdir.mode(name, 0o600);
    }
    let entry = |id: &str| {
        format!(
            "[[key]]\nid = \"{id}\"\nsecret-file = \"{id}.txt\"\nfamilies = [\"impact\"]\naccount-sids = [\"IR{id}\"]\n"
        )
    };
    workdir.write("keys.toml", entry("one") + &entry("two") + NETWORKS);
    workdir.write(
        "rows.csv",
        "id,account_sid\njane,IRtwo\njohn,IRone\nmary,IRthree\n",
    );
    sign(
        &workdir,
        "--format impact-user-jwt --keys keys.toml rows.csv",
    )
    .exit(1);
    let records = workdir.lines("out.ndjson");
    for (line, secret) in records.iter().zip(["two", "one"]) {
        workdir.write("line.ndjson", format!("{line}\n"));
        workdir
            .run(&format!("verify line.ndjson --secret-file {secret}.txt"))
            .exit(0);
    }
    assert_eq!(reject(&workdir).0, "no_key");
}

#[test]
fn a_ring_that_cannot_be_used_is_refused_before_row_one() {
    let workdir = workdir();
    workdir.write("rows.csv", rows(&["aaa"]));
    let cases = [
        (
            "[[key]]\nid = \"s\"\nsecret-file = \"secret.txt\"\nfamilies = [\"impact\"]\n",
            "has no key for ES256",
        ),
        (
            "[[key]]\nid = \"a\"\nfile = \"none.pem\"\nfamilies = [\"ad-network\"]\n",
            "none.pem",
        ),
    ];
    for (ring, says) in cases {
        workdir.write("keys.toml", ring);
        let run = sign(&workdir, "--format skan-view --keys keys.toml rows.csv");
        run.says(says);
        run.expect(matches!(run.status, Some(2 | 3)), "a refusal");
        assert!(!workdir.exists("out.ndjson"));
    }
    workdir.write("keys.toml", NETWORKS);
    sign(
        &workdir,
        "--format skan-view --keys keys.toml --key a.pem rows.csv",
    )
    .exit(2);
    // Publishers come too late to choose a key.
    workdir.write(
        "publishers.csv",
        "source_app_id,ad_network_id\n1,aaa.skadnetwork\n",
    );
    workdir.write(
        "rows.csv",
        "source_identifier,advertised_app_id\n5239,525463029\n",
    );
    let run = sign(
        &workdir,
        "--format skan-view --keys keys.toml --publishers publishers.csv rows.csv",
    );
    run.exit(2).says("only a campaign's row can give");
}

#[test]
fn a_dry_run_and_a_plan_choose_keys_as_the_run_does() {
    let workdir = workdir();
    workdir.write("keys.toml", NETWORKS);
    workdir.write("rows.csv", rows(&["aaa", "zzz"]));
    let run = sign(
        &workdir,
        "--format skan-view --keys keys.toml --dry-run rows.csv",
    );
    run.exit(1).says("1 no_key");
}

#[test]
fn another_ring_is_another_job_for_a_resume() {
    let workdir = workdir();
    workdir.write("keys.toml", NETWORKS);
    workdir.write("rows.csv", rows(&["aaa"]));
    let sign = |more: &str| {
        workdir.run(&format!("sign --job-id j --timestamp {TIME} --format skan-view --keys keys.toml -o out.ndjson {more} rows.csv"))
    };
    sign("").exit(0);
    sign("--resume").exit(0).says("finished");
    workdir.write(
        "keys.toml",
        NETWORKS.replace("ccc.skadnetwork", "ddd.skadnetwork"),
    );
    sign("--resume").exit(2).says("the key");
}

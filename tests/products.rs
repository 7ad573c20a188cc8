//! Rows that become many records: for every publisher they meet, for every
//! format, in so many copies.

#![allow(clippy::unwrap_used)]

mod workdir;

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use workdir::{Run, Workdir, now};

/// Three campaigns under the names that all ad formats share.
const CAMPAIGNS: &str = "\
ad_network_id,source_identifier,advertised_app_id
example123.skadnetwork,5239,525463029
example123.skadnetwork,5240,525463030
example123.skadnetwork,77,525463031
";

const PUBLISHERS: &str = "\
publisher,source_app_id
alpha,1000001
beta,1000002
gamma,1000003
delta,1000004
";

/// All formats that take these rows.
const AD_FORMATS: [&str; 3] = ["skan-view", "skan-storekit", "aak-impression"];

fn workdir() -> Workdir {
    let workdir = Workdir::new();
    workdir.write("campaigns.csv", CAMPAIGNS);
    workdir.write("publishers.csv", PUBLISHERS);
    workdir
}

/// Signs `campaigns.csv` into `out.ndjson` under one job.
fn sign<'w>(workdir: &'w Workdir, arguments: &str) -> Run<'w> {
    let fixed = format!("-k key.pem --job-id j --timestamp {} -o out.ndjson", TIME);
    workdir.run(&format!("sign --force {fixed} {arguments}"))
}

/// A time in the past, the same in every run.
const TIME: u64 = 1_760_000_000_000;

fn text<'v>(record: &'v Value, names: &[&str]) -> &'v Value {
    let found = names.iter().find_map(|name| record.get(name));
    found.unwrap_or_else(|| panic!("none of {names:?} in {record}"))
}

fn advertised(record: &Value) -> u64 {
    let names = ["itunes-item-id", "advertised-item-identifier"];
    text(record, &names).as_u64().unwrap()
}

fn shown_by(record: &Value) -> u64 {
    let names = ["source-app-id", "publisher-item-identifier"];
    text(record, &names).as_u64().unwrap()
}

fn nonce(record: &Value) -> &str {
    let names = ["nonce", "impression-identifier"];
    text(record, &names).as_str().unwrap()
}

#[test]
fn a_row_becomes_a_record_for_each_publisher_format_and_copy_in_that_order() {
    let workdir = workdir();
    let formats = AD_FORMATS.join(",");
    let run = sign(
        &workdir,
        &format!("--format {formats} --publishers publishers.csv --count 2 campaigns.csv"),
    );
    run.exit(0);
    let found: Vec<_> = workdir
        .json("out.ndjson")
        .iter()
        .map(|r| {
            (
                advertised(r),
                shown_by(r),
                r["format"].as_str().unwrap().to_owned(),
            )
        })
        .collect();
    let mut wanted = Vec::new();
    for campaign in [525_463_029, 525_463_030, 525_463_031] {
        for publisher in 1_000_001..=1_000_004 {
            for format in AD_FORMATS {
                for _copy in 0..2 {
                    wanted.push((campaign, publisher, format.to_owned()));
                }
            }
        }
    }
    assert_eq!(found, wanted);
    let records = workdir.json("out.ndjson");
    let nonces: BTreeSet<&str> = records.iter().map(nonce).collect();
    assert_eq!(nonces.len(), 3 * 4 * 3 * 2);
    run.says("72 records");
    workdir
        .run("verify out.ndjson --public-key pub.pem")
        .exit(0);
}

#[test]
fn a_record_has_its_own_nonce_whichever_others_are_signed_with_it() {
    let workdir = workdir();
    let by_what = |arguments: &str| -> BTreeMap<(u64, u64, String), String> {
        sign(&workdir, arguments).exit(0);
        let records = workdir.json("out.ndjson");
        let key = |r: &Value| (advertised(r), shown_by(r), r["format"].to_string());
        records
            .iter()
            .map(|r| (key(r), nonce(r).to_owned()))
            .collect()
    };
    let all = by_what("--format skan-view,skan-storekit --publishers publishers.csv campaigns.csv");
    assert_eq!(all.len(), 24);
    let one = by_what("--format skan-storekit --publishers publishers.csv campaigns.csv");
    assert_eq!(one.len(), 12);
    // Rows that meet fewer publishers leave the places of the others alone.
    let mut lines = CAMPAIGNS.lines();
    let header = format!("{},allow_publishers", lines.next().unwrap());
    let rows: Vec<String> = lines.map(|line| format!("{line},delta beta")).collect();
    workdir.write("campaigns.csv", format!("{header}\n{}\n", rows.join("\n")));
    let few = by_what("--format skan-view --publishers publishers.csv campaigns.csv");
    assert_eq!(few.len(), 6);
    for (what, nonce) in one.iter().chain(&few) {
        assert_eq!(all.get(what), Some(nonce), "{what:?}");
    }
}

#[test]
fn every_number_of_threads_engine_and_form_of_the_publishers_gives_the_same_bytes() {
    let workdir = workdir();
    let publishers: String = (0..700)
        .map(|n| format!("p{n},{}\n", 2_000_000 + n))
        .collect();
    workdir.write(
        "publishers.csv",
        format!("publisher,source_app_id\n{publishers}"),
    );
    let lines: String = (0..700)
        .map(|n| {
            format!(
                "{{\"sourceAppId\":{},\"publisher\":\"p{n}\"}}\n",
                2_000_000 + n
            )
        })
        .collect();
    workdir.write("publishers.ndjson", lines);
    let mut outputs = Vec::new();
    for arguments in [
        "--publishers publishers.csv -j 1",
        "--publishers publishers.csv -j 2 --engine batch-portable",
        "--publishers publishers.csv -j 7",
        "--publishers publishers.ndjson -j 3",
    ] {
        let formats = "--format skan-view,aak-impression";
        sign(&workdir, &format!("{formats} {arguments} campaigns.csv")).exit(0);
        outputs.push(workdir.bytes("out.ndjson"));
    }
    assert_eq!(outputs[0].iter().filter(|b| **b == b'\n').count(), 4200);
    for output in &outputs[1..] {
        assert!(*output == outputs[0]);
    }
}

/// Which publishers each campaign meets, by their apps.
fn met(workdir: &Workdir) -> Vec<(u64, Vec<u64>)> {
    let mut met: Vec<(u64, Vec<u64>)> = Vec::new();
    for record in workdir.json("out.ndjson") {
        let (campaign, publisher) = (advertised(&record), shown_by(&record));
        match met.last_mut().filter(|(last, _)| *last == campaign) {
            Some((_, publishers)) => publishers.push(publisher),
            None => met.push((campaign, vec![publisher])),
        }
    }
    met
}

#[test]
fn rows_meet_the_publishers_they_name_and_those_of_a_common_value() {
    let workdir = workdir();
    let (a, b, c, d) = (1, 2, 3, 4);
    let pick = |which: &[u64]| which.iter().map(|n| 1_000_000 + n).collect::<Vec<u64>>();
    workdir.write(
        "publishers.csv",
        "region,name,source_app_id\neu,alpha,1000001\nus,beta,1000002\neu,gamma,1000003\nus,delta,1000004\n",
    );
    let campaign = |app: u64, more: &str| {
        format!(
            "{{\"ad_network_id\":\"example123.skadnetwork\",\"source_identifier\":12,\"advertised_app_id\":{app}{more}}}\n"
        )
    };
    let rows = [
        ("", "--publisher-id name", vec![a, b, c, d]),
        (
            ",\"allow_publishers\":\"gamma, alpha\"",
            "--publisher-id name",
            vec![a, c],
        ),
        (
            ",\"allow_publishers\":[\"delta\"]",
            "--publisher-id name",
            vec![d],
        ),
        (
            ",\"deny_publishers\":\"beta|gamma\"",
            "--publisher-id name",
            vec![a, d],
        ),
        (
            ",\"deny_publishers\":[\"alpha\",\"beta\",\"delta\"]",
            "--publisher-id name",
            vec![c],
        ),
        (
            ",\"allow_publishers\":\"beta;gamma\",\"denyPublishers\":\"beta\"",
            "--publisher-id name",
            vec![c],
        ),
        (
            ",\"region\":\"us\"",
            "--publisher-id name --join region",
            vec![b, d],
        ),
        (
            ",\"region\":\"eu\",\"deny_publishers\":\"alpha\"",
            "--publisher-id name --join region",
            vec![c],
        ),
        (
            ",\"region\":\"eu\",\"allow_publishers\":\"alpha beta\"",
            "--publisher-id name --join region",
            vec![a],
        ),
    ];
    for (more, options, wanted) in rows {
        workdir.write("campaigns.ndjson", campaign(9, more));
        let options =
            format!("--format skan-view --ignore-unknown --publishers publishers.csv {options}");
        sign(&workdir, &format!("{options} campaigns.ndjson")).exit(0);
        assert_eq!(met(&workdir), [(9, pick(&wanted))], "{more}");
    }
}

/// The first problem of the only reject: its code and field.
fn reject(workdir: &Workdir) -> (String, String) {
    let rejects = workdir.json("out.rejects.ndjson");
    assert_eq!(rejects.len(), 1, "{rejects:?}");
    let problem = &rejects[0]["problems"][0];
    let text = |name: &str| problem[name].as_str().unwrap().to_owned();
    (text("code"), text("field"))
}

#[test]
fn a_row_that_meets_nobody_or_somebody_unknown_is_rejected() {
    let workdir = workdir();
    let cases = [
        (
            "allow_publishers",
            "nobody",
            "",
            "unknown_publisher",
            "allow_publishers",
        ),
        (
            "deny_publishers",
            "alpha nobody",
            "",
            "unknown_publisher",
            "deny_publishers",
        ),
        (
            "deny_publishers",
            "alpha beta gamma delta",
            "",
            "no_publisher",
            "",
        ),
        ("publisher", "omega", "--join publisher", "no_publisher", ""),
        ("publisher", "", "--join publisher", "missing", "publisher"),
    ];
    for (column, cell, options, code, field) in cases {
        workdir.write(
            "campaigns.csv",
            format!(
                "ad_network_id,source_identifier,advertised_app_id,{column}\n\
                 example123.skadnetwork,5239,525463029,{cell}\n"
            ),
        );
        let options = format!("--format skan-view --publishers publishers.csv {options}");
        sign(&workdir, &format!("{options} campaigns.csv")).exit(1);
        assert_eq!(
            reject(&workdir),
            (code.into(), field.into()),
            "{column} {cell}"
        );
    }
}

#[test]
fn what_publishers_and_rows_both_give_is_refused_before_anything_is_signed() {
    let workdir = workdir();
    let cases = [
        // publishers, campaigns, what is said
        (
            "publisher,source_app_id\nalpha,1\nalpha,2\n",
            CAMPAIGNS,
            "publishers.csv line 3: publisher: duplicate_field",
        ),
        (
            "publisher,source_app_id\nalpha,12x\n",
            CAMPAIGNS,
            "publishers.csv line 2: source-app-id: not_integer",
        ),
        (
            "publisher,source_app_id\nalpha,\n",
            CAMPAIGNS,
            "publishers.csv line 2: source-app-id: missing",
        ),
        (
            "publisher,source_app_id\nalpha\n",
            CAMPAIGNS,
            "publishers.csv line 2: wrong_width",
        ),
        (
            "publisher,source_app_id\na b,1\n",
            CAMPAIGNS,
            "publishers.csv line 2: publisher: bad_text",
        ),
        (
            "publisher,source_app_id\n",
            CAMPAIGNS,
            "publishers.csv has no publisher",
        ),
        (
            "publisher,source_app_id\n\"alpha,1\nbeta,2\n",
            CAMPAIGNS,
            "quote",
        ),
        (
            "publisher,source_app_id,bundle\nalpha,1,x\n",
            CAMPAIGNS,
            "\"bundle\" fits no field",
        ),
        (
            "publisher,source_app_id,nonce\nalpha,1,x\n",
            CAMPAIGNS,
            "only a campaign's row can give",
        ),
        (
            "publisher,source_app_id,version\nalpha,1,4.0\n",
            CAMPAIGNS,
            "only a campaign's row can give",
        ),
        (
            "publisher,source_app_id,source_identifier\nalpha,1,12\n",
            CAMPAIGNS,
            "\"source_identifier\" gives what the publishers give, too",
        ),
        (
            "source_app_id\n1\n",
            "ad_network_id,source_identifier,advertised_app_id,allow_publishers\n",
            "names publishers, but none of them has a name",
        ),
        ("", CAMPAIGNS, "publishers.csv: the input is empty"),
    ];
    for (publishers, campaigns, says) in cases {
        workdir.write("publishers.csv", publishers);
        workdir.write("campaigns.csv", campaigns);
        let run = sign(
            &workdir,
            "--format skan-view --publishers publishers.csv campaigns.csv",
        );
        run.says(says);
        run.expect(matches!(run.status, Some(2 | 4)), "a refusal");
        assert!(!workdir.exists("out.ndjson"), "{says}");
    }
    for (options, says) in [
        ("--publishers none.csv", "failed to open none.csv"),
        (
            "--publishers publishers.csv --join region",
            "\"region\", which --join names",
        ),
        (
            "--publishers publishers.csv --publisher-id region",
            "\"region\", which --publisher-id names",
        ),
        ("--join publisher", "--publishers"),
    ] {
        workdir.write("publishers.csv", PUBLISHERS);
        workdir.write("campaigns.csv", CAMPAIGNS);
        let run = sign(
            &workdir,
            &format!("--format skan-view {options} campaigns.csv"),
        );
        run.says(says);
    }
}

#[test]
fn formats_that_cannot_share_a_file_are_refused() {
    let workdir = workdir();
    for (options, says) in [
        (
            "--format skan-view,impact-user-jwt",
            "sign them in runs of their own",
        ),
        ("--format skan-view,skan-view", "skan-view is named twice"),
        (
            "--format skan-view,skan-none",
            "there is no format \"skan-none\"",
        ),
        (
            "--format skan-view,skan-storekit --output-format csv",
            "one table has the same for all",
        ),
    ] {
        let run = sign(&workdir, &format!("{options} campaigns.csv"));
        run.exit(2).says(says);
    }
}

#[test]
fn a_row_that_one_format_refuses_is_rejected_whole_and_each_problem_told_once() {
    let workdir = workdir();
    workdir.write(
        "campaigns.csv",
        "ad_network_id,source_identifier,advertised_app_id,source_app_id\n\
         example123.skadnetwork,5239,525463029,1\n\
         example123.skadnetwork,4,525463029x,1\n\
         example123.skadnetwork,5240,525463029,1\n",
    );
    sign(&workdir, "--format skan-view,skan-storekit campaigns.csv").exit(1);
    assert_eq!(workdir.lines("out.ndjson").len(), 4);
    let rejects = workdir.json("out.rejects.ndjson");
    let problems = rejects[0]["problems"].as_array().unwrap();
    let codes: Vec<&str> = problems
        .iter()
        .map(|p| p["code"].as_str().unwrap())
        .collect();
    assert_eq!(codes, ["out_of_range", "not_integer"]);
}

#[test]
fn what_one_format_alone_has_stands_in_the_same_row() {
    let workdir = workdir();
    // Web ads have a domain, AdAttributionKit a network id of its own.
    workdir.write(
        "campaigns.csv",
        "ad_network_id,ad-network-identifier,source_identifier,advertised_app_id,source_app_id,source_domain\n\
         example123.skadnetwork,example123.adattributionkit,5239,525463029,1,example.com\n",
    );
    sign(
        &workdir,
        "--format skan-web,aak-impression,skan-storekit campaigns.csv",
    )
    .exit(0);
    let records = workdir.json("out.ndjson");
    assert_eq!(records[0]["source_domain"], "example.com");
    assert_eq!(records[0]["ad_network_id"], "example123.skadnetwork");
    assert_eq!(
        records[1]["ad-network-identifier"],
        "example123.adattributionkit"
    );
    assert_eq!(records[2]["ad-network-id"], "example123.skadnetwork");
    // One format alone has no use for the other's columns.
    let run = sign(&workdir, "--format skan-storekit campaigns.csv");
    run.exit(2).says("\"ad-network-identifier\"");
}

#[test]
fn a_nonce_in_a_row_serves_one_record_only() {
    let workdir = workdir();
    workdir.write(
        "campaigns.csv",
        "ad_network_id,source_identifier,advertised_app_id,source_app_id,nonce\n\
         example123.skadnetwork,5239,525463029,1,b7c9da2b-15c7-4f3b-9326-135f9630033d\n",
    );
    sign(&workdir, "--format skan-view campaigns.csv").exit(0);
    sign(&workdir, "--format skan-view,skan-storekit campaigns.csv").exit(1);
    assert_eq!(reject(&workdir), ("conflict".into(), "count".into()));
}

#[test]
fn times_that_are_spread_lie_evenly_and_differ_between_the_copies_of_a_row() {
    let workdir = workdir();
    const HOUR: u64 = 3_600_000;
    let formats = "--format skan-view,skan-storekit --publishers publishers.csv";
    sign(
        &workdir,
        &format!("{formats} --count 50 --spread 16h campaigns.csv"),
    )
    .exit(0);
    let records = workdir.json("out.ndjson");
    let time = |record: &Value| record["timestamp"].as_u64().unwrap();
    let mut times: Vec<u64> = records.iter().map(time).collect();
    assert_eq!(times.len(), 3 * 4 * 2 * 50);
    let of_first: Vec<u64> = times[..50].to_vec();
    assert!(of_first.is_sorted());
    for pair in of_first.windows(2) {
        assert!(
            (pair[1] - pair[0]).abs_diff(16 * HOUR / 50) <= 1,
            "{pair:?}"
        );
    }
    times.sort_unstable();
    assert!(times[0] >= TIME && times[times.len() - 1] < TIME + 16 * HOUR);
    for hour in 0..16 {
        let (from, until) = (TIME + hour * HOUR, TIME + (hour + 1) * HOUR);
        let within = times.iter().filter(|t| (from..until).contains(*t)).count();
        assert!((60..=90).contains(&within), "{within} in hour {hour}");
    }
    workdir
        .run("verify out.ndjson --public-key pub.pem")
        .exit(0);
    // A row's own time stays.
    let row = CAMPAIGNS.replace(
        "advertised_app_id",
        "advertised_app_id,timestamp,source_app_id",
    );
    let row = row.replace("525463029", &format!("525463029,{},1", TIME - 5));
    let row: String = row
        .lines()
        .take(2)
        .map(|line| format!("{line}\n"))
        .collect();
    workdir.write("campaigns.csv", row);
    sign(&workdir, "--format skan-view --spread 2d campaigns.csv").exit(0);
    assert_eq!(time(&workdir.json("out.ndjson")[0]), TIME - 5);
}

#[test]
fn times_are_not_spread_where_not_even_the_present_is_safe() {
    let workdir = Workdir::new();
    workdir.write(
        "offers.csv",
        "issuer_id,bundle_id,productId,offerIdentifier\n57246542-96fe-1a63-e053-0824d011072a,com.example.app,p,o\n",
    );
    let base = format!(
        "sign --format appstore-promo-v2 --key-id ABCDE12345 -k key.pem -o out.ndjson --timestamp {} --spread 1h offers.csv",
        now()
    );
    workdir.run(&base).exit(2).says("no tolerance is published");
    workdir.run(&format!("{base} --allow-future")).exit(0);
}

#[test]
fn rows_known_by_an_id_have_nonces_of_their_own_for_each_publisher() {
    let workdir = workdir();
    // Two publishers with one app: only their places tell them apart.
    workdir.write("publishers.csv", "source_app_id\n5\n5\n");
    let with_order: String = (0..)
        .zip(CAMPAIGNS.lines())
        .map(|(n, line)| match n {
            0 => format!("{line},order\n"),
            n => format!("{line},o{n}\n"),
        })
        .collect();
    workdir.write("campaigns.csv", with_order);
    let options = "--format skan-view --publishers publishers.csv --row-id order";
    sign(&workdir, &format!("{options} campaigns.csv")).exit(0);
    let first = workdir.bytes("out.ndjson");
    let records = workdir.json("out.ndjson");
    let nonces: BTreeSet<&str> = records.iter().map(nonce).collect();
    assert_eq!(nonces.len(), 6);
    // The rows' order is nothing to their nonces.
    let text = workdir.text("campaigns.csv");
    let mut lines: Vec<&str> = text.lines().collect();
    lines[1..].reverse();
    workdir.write("campaigns.csv", lines.join("\n") + "\n");
    sign(&workdir, &format!("{options} campaigns.csv")).exit(0);
    let mut again = workdir.lines("out.ndjson");
    again.sort();
    let first = String::from_utf8(first).unwrap();
    let mut first: Vec<&str> = first.lines().collect();
    first.sort_unstable();
    assert_eq!(again, first);
}

/// Made from the documentation of src/stamp.rs alone, as golden/nonces.py is:
/// the places of these records are 1 and 12.
#[test]
fn the_nonces_of_a_product_do_not_change_between_releases() {
    let workdir = workdir();
    let nonces = |arguments: &str| -> Vec<String> {
        sign(&workdir, arguments).exit(0);
        let records = workdir.json("out.ndjson");
        let picked = [0, 1, records.len() - 1];
        picked.map(|at| nonce(&records[at]).to_owned()).to_vec()
    };
    let products = "--publishers publishers.csv --count 2 campaigns.csv";
    assert_eq!(
        nonces(&format!("--format skan-view,aak-impression {products}")),
        [
            "b70fa6a5-3038-44f1-8f07-741b51d7b34e",
            "9c0daeff-707a-4cec-b408-188e2c8905ec",
            "bd06d7e8-9035-4fad-a4da-a5e0b773caca"
        ]
    );
    assert_eq!(
        nonces(&format!("--format skan-view --spread 16h {products}")),
        [
            "ebb5c714-339a-436f-af09-b112efabce76",
            "f1cf9877-4c91-44a4-b4ce-c66f9243180e",
            "ac8b0367-0f26-411c-ae3a-bf7a193b3b4b"
        ]
    );
}

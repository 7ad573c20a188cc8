//! A job id that is used again, and jobs that have become old.

use campaign_signer::output::{Checkpoint, SystemDisk};

use crate::jobs::{self, VIEWS};
use crate::oracle::{TIMESTAMP, assert_untouched, identity, snapshot, start};
use crate::workdir::Workdir;

#[test]
fn the_same_job_gives_the_same_bytes_and_an_edited_row_another_nonce() {
    let sign = |rows: &[u8]| {
        let workdir = Workdir::new();
        workdir.write("in.csv", rows);
        let arguments = format!("sign {VIEWS} in.csv -o out.ndjson {}", identity());
        start(&workdir, &arguments, None).end().exit(0);
        workdir.json("out.ndjson")
    };
    let rows = jobs::views(2000);
    let once = sign(&rows);
    assert!(once == sign(&rows), "the same job");
    let edited = String::from_utf8(rows)
        .unwrap()
        .replacen(",1000777\n", ",999\n", 1);
    let twice = sign(edited.as_bytes());
    assert_eq!(once.len(), twice.len());
    for (at, (was, is)) in once.iter().zip(&twice).enumerate() {
        if at == 777 {
            assert_eq!(
                (&was["source-app-id"], &is["source-app-id"]),
                (&1_000_777.into(), &999.into())
            );
            assert_ne!(was["nonce"], is["nonce"]);
            assert_ne!(was["signature"], is["signature"]);
        } else {
            assert_eq!(was, is, "row {at}");
        }
    }
}

/// A job that was stopped and has become this many hours older since. Its
/// command does not name a timestamp, so that it has the one it began with.
fn aged(options: &str, rows: &[u8], hours: i64) -> (Workdir, String) {
    let workdir = Workdir::new();
    workdir.write("in.csv", rows);
    let arguments = format!("sign {options} in.csv -o out.ndjson --job-id job");
    jobs::stop(&workdir, &arguments, None);
    let output = workdir.path("out.ndjson");
    let mut kept = Checkpoint::load(&SystemDisk, &output).unwrap().unwrap();
    kept.timestamp = TIMESTAMP.checked_add_signed(-hours * 3_600_000).unwrap();
    // Where tokens end is among the terms, and follows the timestamp.
    kept.settings.expires = kept.timestamp + 7 * 86_400_000;
    workdir.write("out.ndjson.checkpoint", kept.seal());
    (workdir, format!("{arguments} --resume"))
}

fn offers() -> Vec<u8> {
    let mut rows = String::from(
        "appBundleId,keyIdentifier,productIdentifier,offerIdentifier,appAccountToken\n",
    );
    for at in 0..4000 {
        rows.push_str(&format!(
            "com.example.app,2X9R4HXF34,com.example.pro,winback,user-{at}\n"
        ));
    }
    rows.into_bytes()
}

#[test]
fn a_job_whose_documented_life_is_over_goes_on_only_when_somebody_says_so() {
    let options = "-f appstore-promo-v1 -k key.pem";
    let (workdir, arguments) = aged(options, &offers(), 25);
    let before = snapshot(&workdir);
    let ended = start(&workdir, &arguments, None).end();
    ended.exit(2).says("is too old for appstore-promo-v1");
    ended.says("--allow-stale");
    assert_untouched(&before, &snapshot(&workdir), "an old job");
    start(&workdir, &format!("{arguments} --allow-stale"), None)
        .end()
        .exit(0);
    assert_eq!(workdir.lines("out.ndjson").len(), 4000);

    let (workdir, arguments) = aged(options, &offers(), 23);
    start(&workdir, &arguments, None).end().exit(0);
    assert_eq!(workdir.lines("out.ndjson").len(), 4000);
}

#[test]
fn a_job_without_a_documented_life_goes_on_at_any_age() {
    for options in [VIEWS, "-f skan-storekit -k key.pem"] {
        let (workdir, arguments) = aged(options, &jobs::views(4000), 24 * 40);
        start(&workdir, &arguments, None).end().exit(0);
        assert_eq!(workdir.lines("out.ndjson").len(), 4000);
    }
}

#[test]
fn a_clock_that_was_set_back_stops_no_resume() {
    for (options, rows) in [
        (VIEWS, jobs::views(4000)),
        ("-f appstore-promo-v1 -k key.pem", offers()),
        (jobs::USERS, jobs::users(0, 40_000, 0)),
    ] {
        let count = rows.iter().filter(|byte| **byte == b'\n').count() - 1;
        let (workdir, arguments) = aged(options, &rows, -48);
        start(&workdir, &arguments, None).end().exit(0);
        assert_eq!(workdir.lines("out.ndjson").len(), count, "{options}");
    }
}

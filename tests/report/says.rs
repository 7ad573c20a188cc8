//! What the page says of runs of every kind.

use campaign_signer::format::{FORMATS, Format, Freshness, Group, group_of};
use serde_json::{Value, json};

use crate::runs::{in_minutes, in_parts, of_format, page, with_rejects};
use crate::workdir::Workdir;

#[test]
fn a_run_with_rejects_is_told_from_the_verdict_to_the_row_as_it_was() {
    let workdir = with_rejects();
    let page = page(&workdir, "out.ndjson.manifest.json");
    page.says("Worth a look")
        .says("30 of 100 rows were rejected (30.0 %).")
        .says("70 of 100 rows were signed: 70 records.")
        .says("job night")
        .says("2026-01-01 00:00:00 UTC")
        // By network and campaign.
        .says("example456.skadnetwork skan-view 24")
        .says("Campaign Advertised app Ad network Format Records Share")
        // By reason, with the row as it was, where it stood, and what to do.
        .says("exponent_form An integer was written with an exponent, as spreadsheets do. 10")
        .says("missing in itunes-item-id : 10 rows")
        .says("rows.csv line 4 : wanted an integer from 1 on, in plain digits")
        .says("summer 1,4.0,example123.skadnetwork,5.24E+03,525463029,1234567891")
        .says("What to do: write the version exactly so: 4.0, not 4")
        // Damage.
        .says("10 rows , source-identifier : exponents")
        // Keys, files and the run.
        .says("ES256")
        .says("yes: size and digest are these")
        .says("rows.csv 100")
        .says("Exit code 1: rows were rejected that nobody tolerated");
    let manifest: Value = serde_json::from_str(&workdir.text("out.ndjson.manifest.json")).unwrap();
    for place in [
        "/key/fingerprint",
        "/key/public_key",
        "/signed/sha256",
        "/rejects/sha256",
        "/inputs/0/sha256",
        "/settings_sha256",
    ] {
        page.says(manifest.pointer(place).unwrap().as_str().unwrap());
    }
    // Three rows of each kind are enough.
    assert_eq!(page.all("pre").count(), 9);
}

#[test]
fn a_run_without_rejects_is_well() {
    let workdir = Workdir::new();
    let format = FORMATS[0];
    of_format(&workdir, format, "");
    let page = page(&workdir, &format!("{}.ndjson.manifest.json", format.id));
    page.says("All is well")
        .says("3 of 3 rows were signed: 3 records.")
        .says("No row was rejected.")
        .says("None was recognized.")
        .is_silent_of("Look ");
}

#[test]
fn rejects_that_are_tolerated_are_noted_and_all_is_well() {
    let workdir = with_rejects();
    workdir
        .run(
            "sign -f skan-view -k key.pem --ignore-unknown rows.csv -o out.ndjson --force \
             --max-rejects 50%",
        )
        .exit(0);
    page(&workdir, "out.ndjson.manifest.json")
        .says("All is well")
        .says("rejected (30.0 %), within what the run tolerates.");
}

#[test]
fn every_format_is_told_by_whose_it_is_and_until_when_it_may_be_served() {
    let workdir = Workdir::new();
    for format in FORMATS {
        of_format(&workdir, format, "");
        let page = page(&workdir, &format!("{}.ndjson.manifest.json", format.id));
        page.says(format.title);
        for field in format.fields {
            let Some(group) = group_of(format, field) else {
                continue;
            };
            let newest = format.newest().has(field.name);
            if newest && group == Group::Owner {
                page.says(&format!(
                    "Signed records by {} and format",
                    group.title(format.key).to_lowercase()
                ));
            }
            if newest && !field.may_be_absent() {
                page.says(field.example);
            }
        }
        page.says(match format.freshness {
            Freshness::Documented { .. } => "Serve until 20",
            Freshness::Expiry => "Each record carries its own expiry. Read from every record.",
            Freshness::Silent => "No limit is published",
            Freshness::Unpublished => "Serve at once",
        });
    }
}

/// The format with a documented life, and that life in hours.
fn with_a_life() -> (&'static Format, u64) {
    let mut all = FORMATS.iter();
    all.find_map(|format| match format.freshness {
        Freshness::Documented { millis } => Some((*format, millis / 3_600_000)),
        _ => None,
    })
    .unwrap()
}

#[test]
fn what_is_left_of_the_time_to_serve_is_told_where_the_present_is_given() {
    let (format, hours) = with_a_life();
    let workdir = Workdir::new();
    of_format(&workdir, format, "");
    let manifest = format!("{}.ndjson.manifest.json", format.id);
    let minutes = hours * 60;
    for (at, verdict, says) in [
        (None, "All is well", "Serve until"),
        (Some(60), "All is well", "Serve until"),
        (
            Some(minutes - 60),
            "Worth a look",
            "The time to serve is soon over: for the first",
        ),
        (
            Some(minutes - 5),
            "Something is wrong",
            "The time to serve is over since",
        ),
    ] {
        let at = at.map_or(String::new(), |at| format!(" --at {}", in_minutes(at)));
        let page = page(&workdir, &format!("{manifest}{at}"));
        page.says(&format!("{verdict} ")).says(says);
        let looked = page.text.contains("looked at on");
        assert_eq!(looked, !at.is_empty());
    }
    workdir
        .run(&format!("report {manifest} -o page.html --at 1700000000"))
        .exit(2)
        .says("--at \"1700000000\" is not now, RFC 3339");
}

#[test]
fn rows_that_state_their_own_time_are_told_by_it() {
    let (format, _) = with_a_life();
    let workdir = Workdir::new();
    of_format(&workdir, format, "");
    let id = format.id;
    let text = workdir.text(&format!("{id}.csv"));
    let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
    lines[0].push_str(",timestamp");
    for (at, line) in lines.iter_mut().enumerate().skip(1) {
        line.push_str(&format!(",{}", 1_767_225_600_000 + at as u64 * 3_600_000));
    }
    workdir.write("own.csv", lines.join("\n"));
    let sign = "-k key.pem --key-id 2X9R4HXF34 --timestamp 2026-01-01T04:00:00Z --allow-stale";
    workdir
        .run(&format!("sign -f {id} {sign} own.csv -o own.ndjson"))
        .exit(0);
    // Twenty-four hours less ten minutes from the first and the last.
    page(&workdir, "own.ndjson.manifest.json").says(
        "Serve until 2026-01-02 00:50:00 UTC at the earliest, 2026-01-02 02:50:00 UTC at the latest",
    );
}

#[test]
fn several_runs_have_an_overview_that_leads_to_each() {
    let workdir = in_parts();
    workdir.write("good.csv", crate::runs::impressions(8, 1000));
    workdir
        .run(
            "sign -f skan-view -k key.pem --ignore-unknown good.csv -o good.ndjson --max-rejects 5",
        )
        .exit(0);
    let page = page(&workdir, "parts good.ndjson.manifest.json");
    page.says("2 runs").says("All runs").says("2 well.");
    let leads = |place: &str| {
        page.all("a")
            .any(|tag| tag.attribute("href") == Some(place))
    };
    assert!(leads("#run-1") && leads("#run-2"));
    page.says("Signed records of all runs by format Format Records Share skan-view");
    page.says("SKAdNetwork view-through ad signature 62 100 %");
    // A run that is not well is named with what is the matter.
    workdir
        .run("sign -f skan-view -k key.pem --ignore-unknown good.csv -o bad.ndjson")
        .exit(1);
    crate::runs::page(
        &workdir,
        "parts bad.ndjson.manifest.json good.ndjson.manifest.json",
    )
    .says("Worth a look 2 well, 1 worth a look. Look bad.ndjson : 3 of 8 rows were rejected");
    // A folder stands for the manifest in it, and its parts are listed.
    page.says("ad-network-id=example123.skadnetwork/part-00000.ndjson")
        .says("The records are in 2 parts");
}

#[test]
fn keys_of_a_ring_and_what_each_signed_are_told() {
    let workdir = Workdir::new();
    let root = concat!(env!("CARGO_MANIFEST_DIR"), "/examples/nightly");
    let sign = format!(
        "sign -f skan-view,aak-impression --keys {root}/keys.toml --publishers \
         {root}/publishers.csv --ignore-unknown {root}/campaigns.csv -o out.ndjson"
    );
    workdir.run(&sign).exit(0);
    let page = page(&workdir, "out.ndjson.manifest.json");
    let manifest: Value = serde_json::from_str(&workdir.text("out.ndjson.manifest.json")).unwrap();
    assert!(manifest["keys"].as_array().unwrap().len() == 3);
    for key in manifest["keys"].as_array().unwrap() {
        page.says(key["id"].as_str().unwrap());
        page.says(key["key"]["fingerprint"].as_str().unwrap());
    }
    page.says("Signed records by format and key");
    // The same is said of both formats once.
    page.says("skan-view, aak-impression: No limit is published");
}

#[test]
fn throughput_is_a_chart_with_a_name_and_the_same_as_a_table() {
    let workdir = with_rejects();
    let mut manifest: Value =
        serde_json::from_str(&workdir.text("out.ndjson.manifest.json")).unwrap();
    let pace: Vec<Value> = (0..=20).map(|at| json!([at, at * 5, at * 3])).collect();
    manifest["run"]["pace"] = json!(pace);
    workdir.write("drawn.json", manifest.to_string());
    let drawn = page(&workdir, "drawn.json");
    drawn
        .says("Rows per second 5 rows per second on average over 20.0 s; between 5 and 5.")
        .says("How far the run was when Until Rows Records Rows per second 1.00 s 5 3 5");
    let picture = |tag: &&crate::markup::Tag| tag.attribute("role") == Some("img");
    assert_eq!(drawn.all("svg").filter(picture).count(), 1);
    // An earlier version did not tell; a moment is no course.
    for (pace, says) in [
        (json!([]), "it was made by an earlier version"),
        (json!([[0, 0, 0], [0.1, 100, 70]]), "too short for a chart"),
        (
            json!([[2, 9, 9], [1, 8, 8], [0, 7, 7]]),
            "too short for a chart",
        ),
    ] {
        manifest["run"]["pace"] = pace;
        workdir.write("other.json", manifest.to_string());
        page(&workdir, "other.json").says(says);
    }
    manifest["run"].as_object_mut().unwrap().remove("pace");
    workdir.write("old.json", manifest.to_string());
    page(&workdir, "old.json").says("it was made by an earlier version");
}

#[test]
fn a_machine_that_miscalculates_and_a_manifest_that_does_not_add_up_are_wrong() {
    let workdir = with_rejects();
    let good: Value = serde_json::from_str(&workdir.text("out.ndjson.manifest.json")).unwrap();
    for (place, value, says) in [
        ("/run/recomputed", json!(2), "2 signatures came out wrong"),
        (
            "/counts/rows",
            json!(101),
            "the manifest has 101 rows, but 70 signed and 30 rejected",
        ),
        (
            "/settings/count",
            json!(2),
            "the manifest's settings_sha256 is",
        ),
    ] {
        let mut manifest = good.clone();
        *manifest.pointer_mut(place).unwrap() = value;
        workdir.write("wrong.json", manifest.to_string());
        page(&workdir, "wrong.json")
            .says("Something is wrong")
            .says(says);
    }
}

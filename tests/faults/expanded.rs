//! Rows that become many records, choose among keys and stand joined in one
//! object: killed at any moment, within a row too, stopped, and resumed with
//! something changed.

use std::sync::LazyLock;
use std::time::Duration;

use campaign_signer::output::{Checkpoint, SystemDisk};

use crate::jobs::{self, Job, packed};
use crate::kills::kill_all;
use crate::oracle::{
    Random, assert_untouched, begin, identity, sha256, shell, sized, snapshot, start, wait,
};
use crate::parts::tree;
use crate::workdir::Workdir;

/// How many publishers there are where there are many.
const MANY: usize = 3_000;
/// How many keys a ring has.
const KEYS: usize = 5;

/// Campaigns of several networks, one after the other. Every `bad`th
/// advertises no app.
pub(crate) fn campaigns(rows: usize, bad: usize) -> Vec<u8> {
    let mut text = String::from("ad_network_id,source_identifier,advertised_app_id,region\n");
    for at in 0..rows {
        let app = match bad > 0 && at % bad == 0 {
            true => "none".to_owned(),
            false => (525_463_029 + at).to_string(),
        };
        let (network, region) = (at % KEYS, ["east", "west"][at % 2]);
        text.push_str(&format!(
            "network{network}.skadnetwork,{},{app},{region}\n",
            10 + at % 9_990
        ));
    }
    text.into_bytes()
}

pub(crate) fn publishers(count: usize) -> Vec<u8> {
    let mut text = String::from("publisher,source_app_id,region\n");
    for at in 0..count {
        let region = ["east", "west"][at % 2];
        text.push_str(&format!("p{at},{},{region}\n", 1_000_001 + at));
    }
    text.into_bytes()
}

/// A ring of a key for each network, made by the program once for all jobs;
/// `other.toml` gives two networks each other's key.
fn ring() -> Vec<(String, Vec<u8>)> {
    static MADE: LazyLock<Vec<(String, Vec<u8>)>> = LazyLock::new(|| {
        let workdir = Workdir::new();
        let mut files = Vec::new();
        for at in 0..KEYS {
            let name = format!("k{at}.pem");
            workdir.run(&format!("keygen -o {name}")).exit(0);
            files.push((name.clone(), workdir.bytes(&name)));
        }
        let ring = |key_of: [usize; KEYS]| -> Vec<u8> {
            let entry = |(network, key): (usize, usize)| {
                format!(
                    "[[key]]\nid = \"n{network}\"\nfile = \"k{key}.pem\"\n\
                     families = [\"ad-network\"]\n\
                     ad-network-ids = [\"network{network}.skadnetwork\"]\n"
                )
            };
            let entries = key_of.into_iter().enumerate().map(entry);
            entries.collect::<String>().into_bytes()
        };
        files.push(("keys.toml".into(), ring([0, 1, 2, 3, 4])));
        files.push(("other.toml".into(), ring([1, 0, 2, 3, 4])));
        files
    });
    MADE.clone()
}

/// A job of these rows and publishers.
fn products(name: &'static str, input: &'static str, rows: Vec<u8>, shown_by: usize) -> Job {
    let mut job = Job::new(name, input, packed(input, rows));
    if shown_by > 0 {
        let list = ("publishers.csv".into(), publishers(shown_by));
        job.others.push(list);
    }
    job
}

/// One row that becomes many tasks: the options of its job, and how many
/// records it has.
fn one_row() -> Job {
    let mut job = products("one row of many products", "in.csv", campaigns(1, 0), MANY);
    job = job.with(match sized(0, 1) {
        0 => {
            "-f skan-view,skan-storekit -k key.pem --ignore-unknown \
             --publishers publishers.csv --count 2"
        }
        _ => {
            "-f skan-view,skan-storekit -k key.pem --ignore-unknown \
             --publishers publishers.csv --count 50"
        }
    });
    job.copies = (MANY * 2 * sized(2, 50)) as u64;
    job
}

/// Every way in which rows become more than a record each.
fn all() -> Vec<Job> {
    let rows = sized(30, 300);
    let of = |rows| campaigns(rows, 7);
    let mut all = vec![
        products("products", "in.csv", of(rows), 20).with(
            "-f skan-view,skan-storekit -k key.pem --ignore-unknown \
             --publishers publishers.csv --count 5",
        ),
        products("joined objects", "in.csv.gz", of(rows), 20)
            .with(
                "-f skan-view,skan-storekit --shape openrtb -k key.pem --ignore-unknown \
                 --publishers publishers.csv --count 5",
            )
            .to("out.ndjson.gz"),
        products("a key ring", "in.csv", of(100 * rows), 0)
            .with(
                "-f skan-view,aak-impression --keys keys.toml --ignore-unknown \
                 --set source-app-id=1 --set publisher-item-identifier=1",
            )
            .to("out.ndjson.zst"),
        products("times that are spread", "in.csv.zst", of(rows), 20).with(
            "-f skan-view,aak-impression -k key.pem --ignore-unknown \
             --publishers publishers.csv --join region --count 5 --spread 16h",
        ),
    ];
    for (job, copies) in all.iter_mut().zip([200, 100, 2, 100]) {
        job.copies = copies;
        if job.options.contains("--keys") {
            job.others.extend(ring());
        }
    }
    all.push(one_row());
    all
}

#[test]
fn whatever_moment_a_run_of_products_is_killed_at_resuming_it_gives_the_same_bytes() {
    kill_all(&all(), sized(10, 100), sized(8, 100));
}

#[test]
fn a_kill_within_a_row_costs_none_of_its_records_and_doubles_none() {
    let mut random = Random::new();
    let job = one_row();
    let reference = job.reference(&identity());
    let workdir = Workdir::new();
    job.lay(&workdir);
    let arguments = format!("{} {} --resume", job.arguments(), identity());
    let arguments = format!("{arguments} --checkpoint-every 1ms");
    // Records of the one row that a checkpoint claims, attempt after attempt.
    let kept = || {
        let kept = Checkpoint::load(&SystemDisk, &workdir.path("out.ndjson")).unwrap();
        kept.map_or(0, |kept| match kept.counts.rows {
            0 => kept.counts.records,
            _ => 0,
        })
    };
    let mut places = Vec::new();
    for _ in 0..sized(3, 20) {
        let before = kept();
        let mut going = start(&workdir, &arguments, None);
        wait(Duration::from_secs(60), || {
            kept() > before || going.child.try_wait().unwrap().is_some()
        });
        std::thread::sleep(random.up_to(reference.took / 8));
        going.signal(["KILL", "TERM"][random.below(2) as usize]);
        going.end();
        match kept() {
            0 => break,
            now => {
                assert!(now >= before, "{now} records, and {before} before");
                places.push(now);
            }
        }
    }
    assert!(!places.is_empty(), "no kill fell within the row");
    println!("{places:?} of {}", job.copies);
    start(&workdir, &arguments, None).end().exit(0);
    job.assert_tidy(&workdir);
    assert_eq!(workdir.lines("out.ndjson").len() as u64, job.copies);
    assert_eq!(sha256(&workdir.bytes("out.ndjson")), reference.signed);
}

#[test]
fn the_command_printed_by_a_stop_finishes_products_rings_and_joined_objects() {
    for job in all() {
        let reference = job.reference(&identity());
        let workdir = Workdir::new();
        job.lay(&workdir);
        let partial = format!("{}.partial", job.output);
        let is_stopped = (0..20).any(|_| {
            let arguments = format!("{} {} --force", job.arguments(), identity());
            let going = start(&workdir, &arguments, None);
            wait(Duration::from_secs(30), || workdir.exists(&partial));
            going.signal("TERM");
            let ended = going.end_within(Duration::from_secs(20));
            if ended.code() == Some(reference.code) {
                return false;
            }
            ended.exit(5).says("error: interrupted after ");
            let command = ended.resume_command().to_owned();
            begin(&mut shell(&workdir, &command), None)
                .end()
                .exit(reference.code);
            true
        });
        assert!(is_stopped, "TERM never met {}", job.name);
        job.assert_tidy(&workdir);
        assert_eq!(
            sha256(&workdir.bytes(job.output)),
            reference.signed,
            "{}",
            job.name
        );
    }
}

/// What is done to the right command, and what the refusal says.
type Change = (&'static str, &'static str, &'static [&'static str]);

/// Every resume of a stopped job with a change is refused and touches nothing;
/// without one it gives the right bytes.
#[track_caller]
fn refuse(job: &Job, output: &str, changes: &[Change]) {
    let given = |workdir: &Workdir| {
        job.lay(workdir);
        workdir.write("fewer.csv", publishers(19));
        let text = format!("{} {}", job.arguments(), identity());
        match output {
            "" => text,
            folder => text.replace(" -o out.ndjson", folder),
        }
    };
    let whole = Workdir::new();
    let arguments = given(&whole);
    let code = start(&whole, &arguments, None).end().code().unwrap();
    let workdir = Workdir::new();
    given(&workdir);
    jobs::stop(&workdir, &arguments, None);
    let before = (snapshot(&workdir), tree(&workdir.path("out")));
    for (old, new, words) in changes {
        assert!(arguments.contains(old), "{old} in {arguments}");
        let other = format!("{} --resume", arguments.replacen(old, new, 1));
        let ended = start(&workdir, &other, None).end();
        ended.exit(2);
        for word in *words {
            ended.says(word);
        }
        assert_untouched(&before.0, &snapshot(&workdir), &other);
        assert!(before.1 == tree(&workdir.path("out")), "{other}");
    }
    if job.options.contains("--publishers") {
        // The same name with other content.
        let edited = String::from_utf8(publishers(20)).unwrap();
        workdir.write("publishers.csv", edited.replace("1000013", "1999999"));
        let ended = start(&workdir, &format!("{arguments} --resume"), None).end();
        ended.exit(2).says("publishers was ");
        workdir.write("publishers.csv", publishers(20));
        assert!(before.1 == tree(&workdir.path("out")), "other publishers");
    }
    start(&workdir, &format!("{arguments} --resume"), None)
        .end()
        .exit(code);
    let signed = |workdir: &Workdir| match output {
        "" => vec![sha256(&workdir.bytes(job.output))],
        _ => {
            let mut tree = tree(&workdir.path("out"));
            tree.retain(|name, _| name != "_manifest.json");
            tree.into_values().collect()
        }
    };
    assert!(signed(&whole) == signed(&workdir), "{}", job.name);
}

#[test]
fn another_product_ring_or_shape_is_refused_by_its_name() {
    let [products, joined, ring, spread, _] = &all()[..] else {
        panic!("other jobs");
    };
    refuse(
        products,
        "",
        &[
            ("publishers.csv", "fewer.csv", &["publishers was "]),
            (
                "--count 5",
                "--count 5 --join region",
                &["publishers was ", "\"join\":\"region\""],
            ),
            (
                "--count 5",
                "--count 5 --publisher-id region",
                &["publishers was ", "\"id\":\"region\""],
            ),
            (
                "--publishers publishers.csv",
                "--set source-app-id=7",
                &["publishers was ", "set was "],
            ),
            (
                "skan-view,skan-storekit",
                "skan-storekit,skan-view",
                &["format was ", "more-formats was "],
            ),
            (
                "skan-view,skan-storekit",
                "skan-view",
                &["more-formats was "],
            ),
            (
                "skan-view,skan-storekit",
                "skan-view,skan-storekit@3.0",
                &["more-formats was "],
            ),
            ("--count 5", "--count 6", &["count was 5 and is 6"]),
            (
                "--count 5",
                "--count 5 --spread 1h",
                &["spread was null and is 3600000"],
            ),
            ("--count 5", "--count 5 --shape openrtb", &["shape was "]),
        ],
    );
    refuse(
        joined,
        "",
        &[
            ("--shape openrtb", "", &["shape was "]),
            ("--shape openrtb", "--shape native", &["shape was "]),
            (
                "skan-view,skan-storekit",
                "skan-storekit,skan-view",
                &["format was ", "more-formats was "],
            ),
        ],
    );
    refuse(
        ring,
        "",
        &[
            ("keys.toml", "other.toml", &["the key ring was "]),
            ("--keys keys.toml", "-k k0.pem", &["the key was "]),
        ],
    );
    refuse(
        spread,
        "",
        &[
            (
                "--spread 16h",
                "--spread 15h",
                &["spread was 57600000 and is 54000000"],
            ),
            ("--spread 16h", "", &["spread was 57600000 and is null"]),
            ("--join region", "", &["publishers was "]),
        ],
    );
}

#[test]
fn other_partitions_of_products_are_refused_by_their_name() {
    refuse(
        &all()[0],
        " --out-dir out --partition-by ad-network-id --keep region",
        &[
            (
                "--partition-by ad-network-id",
                "--partition-by region",
                &["partition-by was "],
            ),
            (
                "--partition-by ad-network-id",
                "--partition-by ad-network-id,region",
                &["partition-by was "],
            ),
            (
                "--out-dir out",
                "--out-dir out --rows-per-file 9",
                &["rows-per-file was "],
            ),
            (
                "--out-dir out",
                "--out-dir out --compression gzip",
                &["compression was "],
            ),
            (
                "skan-view,skan-storekit",
                "skan-storekit,skan-view",
                &["format was ", "more-formats was "],
            ),
        ],
    );
}

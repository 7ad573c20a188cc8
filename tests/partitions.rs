//! Records that become parts of a folder: what the parts are called, what is
//! in them, and what is refused.
#![allow(clippy::unwrap_used)] // A failed unwrap is a failed test.

mod workdir;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use campaign_signer::engine::ENGINES;
use serde_json::Value;
use sha2::{Digest as _, Sha256};

use workdir::{Workdir, csv_line, now};

const USERS: &str = "sign -f impact-user-jwt --secret-file secret.txt in.csv --out-dir out";

/// Users with a number and a group each.
fn users(rows: usize, groups: usize) -> String {
    let mut text = String::from("id,firstName,number,group\n");
    for at in 0..rows {
        let group = at * 7 % groups;
        text += &format!("user{at}@example.com,Jane,{at},{group}\n");
    }
    text
}

/// Every file below a folder but locks, by its name in it.
fn tree(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    let mut found = BTreeMap::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(inside) = folders.pop() {
        for entry in fs::read_dir(inside).into_iter().flatten() {
            let path = entry.unwrap().path();
            let name = path.strip_prefix(folder).unwrap();
            let name = name.to_str().unwrap().to_owned();
            if path.is_dir() {
                folders.push(path);
            } else if !name.ends_with(".lock") {
                found.insert(name, fs::read(path).unwrap());
            }
        }
    }
    found
}

/// The parts alone.
fn parts(workdir: &Workdir) -> BTreeMap<String, Vec<u8>> {
    let mut tree = tree(&workdir.path("out"));
    tree.retain(|name, _| !name.starts_with('_'));
    tree
}

/// The parts with what stands beside them, but for the manifest.
fn alike(workdir: &Workdir) -> BTreeMap<String, Vec<u8>> {
    let mut tree = tree(&workdir.path("out"));
    tree.remove("_manifest.json").unwrap();
    tree
}

fn records(part: &[u8]) -> Vec<Value> {
    let text = std::str::from_utf8(part).unwrap();
    assert!(text.ends_with('\n'));
    let lines = text.lines();
    lines
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

fn numbers(part: &[u8]) -> Vec<u64> {
    let number = |record: &Value| record["number"].as_str().unwrap().parse().unwrap();
    records(part).iter().map(number).collect()
}

fn manifest(workdir: &Workdir) -> Value {
    serde_json::from_slice(&workdir.bytes("out/_manifest.json")).unwrap()
}

fn identity() -> String {
    format!("--job-id job --timestamp {}", now())
}

#[test]
fn whatever_the_value_its_records_stand_in_one_folder_below_the_output() {
    let long = "x".repeat(5000);
    let digest = &campaign_signer::hex::hex(&Sha256::digest(&long))[..32];
    let short = format!("group={}%~{digest}", "x".repeat(160));
    let values = [
        ("DE", "group=DE"),
        ("de", "group=de"),
        ("../../etc", "group=..%2F..%2Fetc"),
        ("/etc/passwd", "group=%2Fetc%2Fpasswd"),
        (".", "group=."),
        ("..", "group=.."),
        ("", "group=__HIVE_DEFAULT_PARTITION__"),
        (
            "__HIVE_DEFAULT_PARTITION__",
            "group=%5F_HIVE_DEFAULT_PARTITION__",
        ),
        ("a\u{0}b", "group=a%00b"),
        ("a\nb\u{1b}", "group=a%0Ab%1B"),
        ("~/$(id)`id`", "group=~%2F$(id)`id`"),
        ("C:\\CON", "group=C%3A%5CCON"),
        ("50%", "group=50%25"),
        ("a=b", "group=a%3Db"),
        ("_x", "group=_x"),
        ("日本", "group=日本"),
        ("part-00000.ndjson", "group=part-00000.ndjson"),
        (&long, &short),
    ];
    let workdir = Workdir::new();
    let mut text = String::from("id,group\n");
    for (at, (value, _)) in values.iter().enumerate() {
        // Twice each, apart from each other.
        text += &csv_line([format!("u{at}@example.com").as_str(), value]);
        text.push('\n');
    }
    for (at, (value, _)) in values.iter().enumerate() {
        text += &csv_line([format!("v{at}@example.com").as_str(), value]);
        text.push('\n');
    }
    workdir.write("in.csv", &text);
    let before = workdir.files();
    workdir
        .run(&format!("{USERS} --keep group --partition-by group"))
        .exit(0);
    let parts = parts(&workdir);
    for (at, (value, folder)) in values.iter().enumerate() {
        let found = records(&parts[&format!("{folder}/part-00000.ndjson")]);
        let ids = found
            .iter()
            .map(|record| record["user"]["id"].as_str().unwrap());
        let wanted = [format!("u{at}@example.com"), format!("v{at}@example.com")];
        assert!(ids.eq(wanted), "{value:?}");
    }
    assert_eq!(parts.len(), values.len());
    let mut after = workdir.files();
    after.retain(|name| name != "out");
    assert_eq!(after, before, "nothing stands beside the folder");
    workdir
        .run("verify --secret-file secret.txt out")
        .exit(0)
        .says("36 of 36 records");
}

#[test]
fn values_of_json_rows_partition_as_their_text_and_null_as_none() {
    let workdir = Workdir::new();
    let rows = [r#""a""#, "1", "true", "null", r#""\u002f""#, r#""""#];
    let row = |(at, value): (usize, &&str)| {
        format!("{{\"id\":\"u{at}@example.com\",\"group\":{value}}}\n")
    };
    let text: String = rows.iter().enumerate().map(row).collect();
    workdir.write("in.ndjson", text + "{\"id\":\"u6@example.com\"}\n");
    workdir
        .run(&format!(
            "{} --keep group --partition-by group,format",
            USERS.replace("in.csv", "in.ndjson")
        ))
        .exit(0);
    let names = ["1", "%2F", "__HIVE_DEFAULT_PARTITION__", "a", "true"];
    let name = |value| format!("group={value}/format=impact-user-jwt/part-00000.ndjson");
    let wanted: BTreeSet<String> = names.into_iter().map(name).collect();
    let parts = parts(&workdir);
    assert_eq!(parts.keys().cloned().collect::<BTreeSet<_>>(), wanted);
    assert_eq!(records(&parts[&name(names[2])]).len(), 3);
}

#[test]
fn threads_engines_and_checkpoints_change_no_byte_of_any_part() {
    let workdir = Workdir::new();
    let mut text =
        String::from("version,ad-network-id,source-identifier,itunes-item-id,source-app-id\n");
    for at in 0..1100 {
        let network = at * 5 % 11;
        text += &format!("4.0,example{network}.skadnetwork,5239,525463029,{at}\n");
    }
    workdir.write("in.csv", text);
    let identity = identity();
    for how in [
        "--partition-by ad-network-id --rows-per-file 100",
        "--partition-by source-app-id --rows-per-file 1",
        "--rows-per-file 1234 --compression zstd --count 3",
        "--partition-by ad_network_id --compression gzip --output-format tsv",
    ] {
        let sign =
            format!("sign -f skan-view -k key.pem in.csv {identity} --out-dir out --force {how}");
        workdir.run(&format!("{sign} -j 1")).exit(0);
        let wanted = alike(&workdir);
        assert!(wanted.len() > 3);
        let engines = ENGINES
            .iter()
            .map(|engine| format!("--engine {}", engine.name));
        let others = ["-j 2", "-j 7", "--checkpoint-every 1ms"].map(str::to_owned);
        for other in engines.chain(others) {
            fs::remove_dir_all(workdir.path("out")).unwrap();
            workdir.run(&format!("{sign} {other}")).exit(0);
            assert!(alike(&workdir) == wanted, "{how} {other}");
        }
    }
}

#[test]
fn every_row_stands_in_one_part_in_the_order_of_the_input() {
    let workdir = Workdir::new();
    workdir.write("in.csv", users(5000, 13));
    workdir
        .run(&format!(
            "{USERS} --keep number,group --partition-by group --rows-per-file 100"
        ))
        .exit(0);
    let mut all = Vec::new();
    let mut by_group: BTreeMap<String, Vec<u64>> = BTreeMap::new();
    for (name, part) in parts(&workdir) {
        let (group, file) = name.split_once('/').unwrap();
        let found = numbers(&part);
        let is_in = |number: &u64| format!("group={}", number * 7 % 13) == group;
        assert!(found.iter().all(is_in), "{name}");
        let before = by_group.entry(group.to_owned()).or_default();
        assert_eq!(file, format!("part-{:05}.ndjson", before.len() / 100));
        before.extend(found);
    }
    for (group, numbers) in by_group {
        assert!(numbers.is_sorted(), "{group}");
        all.extend(numbers);
    }
    all.sort_unstable();
    assert!(all.into_iter().eq(0..5000));
}

#[test]
fn a_part_has_just_so_many_records_even_where_one_row_gives_more() {
    let workdir = Workdir::new();
    let row = "4.0,example1.skadnetwork,5239,525463029,1\n";
    let header = "version,ad-network-id,source-identifier,itunes-item-id,source-app-id\n";
    workdir.write("in.csv", header.to_owned() + &row.repeat(7));
    for (count, most, wanted) in [
        (1, 7, vec![7]),
        (1, 3, vec![3, 3, 1]),
        (1, 1, vec![1; 7]),
        (1, 8, vec![7]),
        // Copies of one row stand in several parts.
        (500, 800, vec![800, 800, 800, 800, 300]),
    ] {
        workdir
            .run(&format!(
                "sign -f skan-view -k key.pem in.csv --out-dir out --force --count {count} \
                 --rows-per-file {most}"
            ))
            .exit(0);
        let parts = parts(&workdir);
        let found: Vec<usize> = parts.values().map(|part| records(part).len()).collect();
        assert_eq!(found, wanted, "{count} {most}");
        let manifest = manifest(&workdir);
        let schema = jsonschema::draft202012::new(&campaign_signer::schema::manifest()).unwrap();
        assert!(schema.is_valid(&manifest), "{manifest}");
        let entries = manifest["parts"].as_array().unwrap();
        let counts: Vec<_> = entries
            .iter()
            .map(|part| part["records"].as_u64().unwrap() as usize)
            .collect();
        assert_eq!(counts, wanted);
        for entry in entries {
            let bytes = workdir.bytes(&format!("out/{}", entry["path"].as_str().unwrap()));
            let digest = campaign_signer::hex::hex(&Sha256::digest(&bytes));
            assert_eq!(entry["sha256"], digest);
            assert_eq!(entry["bytes"], bytes.len());
        }
        assert_eq!(manifest["signed"]["records"], 7 * count);
        workdir.run("verify --public-key pub.pem out").exit(0);
    }
}

#[test]
fn every_part_of_separated_values_has_its_header() {
    let workdir = Workdir::new();
    workdir.write("in.csv", users(10, 2));
    workdir
        .run(&format!("{USERS} --keep group --ignore-unknown --partition-by group --rows-per-file 3 --output-format csv"))
        .exit(0);
    let parts = parts(&workdir);
    assert_eq!(parts.len(), 4);
    for (name, part) in parts {
        assert!(name.ends_with(".csv"));
        let text = String::from_utf8(part).unwrap();
        assert!(text.starts_with("format,"), "{name}");
        assert!((3..=4).contains(&text.lines().count()), "{name}");
    }
}

#[test]
fn no_record_gives_no_part_but_a_whole_run() {
    let workdir = Workdir::new();
    workdir.write("in.csv", "id\n");
    workdir.run(USERS).exit(0);
    let names: Vec<String> = tree(&workdir.path("out")).into_keys().collect();
    assert_eq!(names, ["_SUCCESS", "_manifest.json", "_rejects.ndjson"]);
    workdir.run("verify --secret-file secret.txt out").exit(0);
}

#[test]
fn many_partitions_need_few_open_files() {
    let workdir = Workdir::new();
    workdir.write("in.csv", users(9000, 3000));
    let line = format!(
        "ulimit -n 48; exec {} {USERS} -j 2 --keep group --ignore-unknown --partition-by group",
        env!("CARGO_BIN_EXE_campaign-signer")
    );
    let mut shell = Command::new("sh");
    shell.args(["-c", &line]).current_dir(workdir.path(""));
    let output = shell.output().unwrap();
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    assert_eq!(parts(&workdir).len(), 3000);
}

#[cfg(target_os = "linux")]
#[test]
fn ten_thousand_partitions_stay_within_64_mib() {
    let workdir = Workdir::new();
    workdir.write("in.csv", users(200_000, 10_000));
    let arguments = format!("{USERS} -j 2 --keep group --ignore-unknown --partition-by group");
    let arguments: Vec<&str> = arguments.split(' ').collect();
    let mut command = workdir.command(&arguments);
    let mut child = command.stderr(Stdio::null()).spawn().unwrap();
    let status = format!("/proc/{}/status", child.id());
    let mut peak: u64 = 0;
    let ended = loop {
        let text = fs::read_to_string(&status).unwrap_or_default();
        let mark = text.lines().find_map(|line| line.strip_prefix("VmHWM:"));
        if let Some(mark) = mark {
            peak = mark.trim().trim_end_matches(" kB").parse().unwrap();
        }
        if let Some(ended) = child.try_wait().unwrap() {
            break ended;
        }
        std::thread::sleep(Duration::from_millis(5));
    };
    assert!(ended.success());
    println!("{peak} KiB");
    assert!(peak > 0 && peak < 64 * 1024, "{peak} KiB");
    assert_eq!(
        manifest(&workdir)["parts"].as_array().unwrap().len(),
        10_000
    );
}

#[test]
fn an_older_run_makes_room_for_a_new_one_and_nothing_else_does() {
    let workdir = Workdir::new();
    workdir.write("in.csv", users(60, 6));
    let sign = format!("{USERS} --keep group --ignore-unknown");
    workdir
        .run(&format!("{sign} --partition-by group --rows-per-file 4"))
        .exit(0);
    let old = tree(&workdir.path("out"));
    // Without --force nothing is touched.
    workdir.run(&sign).exit(2).says("exists already");
    assert_eq!(tree(&workdir.path("out")), old);
    // What somebody else has put there stays, changed parts as well.
    workdir.write("out/group=1/notes.txt", "mine");
    workdir.write("out/group=2/part-00002.ndjson", "mine, too");
    workdir
        .run(&format!("{sign} --force --partition-by firstName"))
        .exit(0);
    let names: Vec<String> = tree(&workdir.path("out")).into_keys().collect();
    let wanted = [
        "_SUCCESS",
        "_manifest.json",
        "_rejects.ndjson",
        "firstName=Jane/part-00000.ndjson",
        "group=1/notes.txt",
        "group=2/part-00002.ndjson",
    ];
    assert_eq!(names, wanted);
    assert!(!workdir.exists("out/group=0"), "an empty folder stayed");
    // The old parts are gone by now: a foreign file in the way is not replaced.
    let before = tree(&workdir.path("out"));
    let again = format!("{sign} --force --partition-by group --rows-per-file 4");
    workdir.run(&again).exit(2).says(
        "out/group=2/part-00002.ndjson is there, and no manifest or checkpoint here names it",
    );
    let mut after = tree(&workdir.path("out"));
    after.retain(|name, _| !name.ends_with(".partial") && !name.ends_with(".checkpoint"));
    assert_eq!(after, before, "nothing was published");
    workdir.remove("out/group=2/part-00002.ndjson");
    workdir.run(&format!("{again} --resume")).exit(0);
    assert_eq!(parts(&workdir).len(), 6 * 3 + 1);
    workdir
        .run(&format!("{again} --resume"))
        .exit(0)
        .says("before this call");
}

#[test]
fn what_cannot_be_a_folder_of_parts_is_refused_before_any_work() {
    let workdir = Workdir::new();
    workdir.write("in.csv", users(9, 2));
    fs::create_dir(workdir.path("inside")).unwrap();
    workdir.write("inside/part-1.csv", users(9, 2));
    workdir.write("inside/rows.csv", users(9, 2));
    let before = tree(&workdir.path(""));
    let refused = [
        (
            format!("{USERS} --partition-by firstNme"),
            "did you mean firstName?",
        ),
        (format!("{USERS} --partition-by group"), "neither a field"),
        (
            format!("{USERS} --partition-by group --dry-run"),
            "neither a field",
        ),
        (
            format!("{USERS} --partition-by firstName,first_name"),
            "names firstName twice",
        ),
        (
            format!("{USERS} --partition-by _x --keep _x"),
            "readers pass over",
        ),
        (format!("{USERS} --rows-per-file 0"), "--rows-per-file"),
        (format!("{USERS} -o out.ndjson"), "cannot be used with"),
        (
            USERS.replace("--out-dir out", "-o out.ndjson --partition-by id"),
            "--out-dir",
        ),
        (
            USERS.replace("in.csv --out-dir out", "inside/part-1.csv --out-dir inside"),
            "is an input",
        ),
        (
            USERS.replace("in.csv --out-dir out", "in.csv --out-dir in.csv"),
            "in.csv",
        ),
    ];
    for (arguments, says) in refused {
        let run = workdir.run(&format!("{arguments} --ignore-unknown"));
        run.expect(matches!(run.status, Some(2 | 6)), "a refusal")
            .says(says);
        assert_eq!(tree(&workdir.path("")), before, "{arguments}");
    }
    // An input under a name of its own may stand in the folder.
    let arguments = USERS.replace("in.csv --out-dir out", "inside/rows.csv --out-dir inside");
    workdir
        .run(&format!("{arguments} --ignore-unknown"))
        .exit(0);
}

#[cfg(unix)]
#[test]
fn links_do_not_lead_parts_out_of_the_folder() {
    let workdir = Workdir::new();
    workdir.write("in.csv", users(9, 2));
    fs::create_dir(workdir.path("out")).unwrap();
    fs::create_dir(workdir.path("elsewhere")).unwrap();
    std::os::unix::fs::symlink("../elsewhere", workdir.path("out/group=1")).unwrap();
    workdir
        .run(&format!(
            "{USERS} --keep group --ignore-unknown --partition-by group"
        ))
        .exit(2)
        .says("out/group=1 is a symbolic link, not a folder");
    assert_eq!(tree(&workdir.path("elsewhere")), BTreeMap::new());
}

#[test]
fn more_parts_than_anybody_wants_are_refused() {
    let workdir = Workdir::new();
    workdir.write("in.csv", users(100_001, 1));
    workdir
        .run(&format!("{USERS} --ignore-unknown --rows-per-file 1"))
        .exit(2)
        .says("more than 100000 files");
    assert_eq!(parts(&workdir), BTreeMap::new());
}

#[test]
fn verification_names_what_is_missing_changed_or_too_much() {
    let made = Workdir::new();
    made.write("in.csv", users(40, 4));
    made.run(&format!(
        "{USERS} --keep group --ignore-unknown --partition-by group --rows-per-file 5"
    ))
    .exit(0);
    let part = "out/group=1/part-00000.ndjson";
    let whole = made.bytes(part);
    let verify = |says: &[&str]| {
        for how in ["out", "--manifest out/_manifest.json"] {
            let run = made.run(&format!("verify --secret-file secret.txt {how}"));
            run.exit(if says.is_empty() { 0 } else { 7 });
            for says in says {
                run.prints(says);
            }
        }
    };
    verify(&[]);
    made.remove(part);
    verify(&[
        "out/group=1/part-00000.ndjson is missing",
        "the manifest has 40 records, the file 35",
    ]);
    let mut changed = whole.clone();
    let at = changed.len() - 20;
    changed[at] ^= 1;
    made.write(part, &changed);
    verify(&[
        "out/group=1/part-00000.ndjson line 5",
        "out/group=1/part-00000.ndjson has",
    ]);
    let line = whole.split_inclusive(|byte| *byte == b'\n').next().unwrap();
    made.write(part, [&whole[..], line].concat());
    verify(&["has 6 records, the manifest 5"]);
    made.write(part, &whole);
    made.write("out/group=1/part-00009.ndjson", line);
    verify(&["part-00009.ndjson stands among the parts, and the manifest does not name it"]);
    made.remove("out/group=1/part-00009.ndjson");
    verify(&[]);
    // The folder may be moved as a whole.
    fs::rename(made.path("out"), made.path("moved")).unwrap();
    made.run("verify --secret-file secret.txt moved").exit(0);
    // A manifest leads nowhere else.
    let text = made.text("moved/_manifest.json");
    let path = "group=1/part-00000.ndjson";
    made.write("moved/_manifest.json", text.replace(path, "../in.csv"));
    made.run("verify --secret-file secret.txt moved")
        .exit(7)
        .prints("which is no part");
}

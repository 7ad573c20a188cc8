//! Runs whose records become parts, killed at any moment, starved of room, and
//! resumed.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::time::Duration;

use crate::expanded::{campaigns, publishers};
use crate::jobs::{USERS, users};
use crate::oracle::{Random, begin, identity, sha256, shell, sized, start, wait};
use crate::workdir::Workdir;

/// Every file below a folder but locks, by its name in it: its digest.
pub(crate) fn tree(folder: &Path) -> BTreeMap<String, String> {
    let mut found = BTreeMap::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(inside) = folders.pop() {
        for entry in fs::read_dir(inside).into_iter().flatten().flatten() {
            let path = entry.path();
            let name = path
                .strip_prefix(folder)
                .unwrap()
                .to_str()
                .unwrap()
                .to_owned();
            match entry.file_type() {
                Ok(kind) if kind.is_dir() => folders.push(path),
                _ if name.ends_with(".lock") => {}
                // It may just have got another name.
                _ => drop(fs::read(path).map(|bytes| found.insert(name, sha256(&bytes)))),
            }
        }
    }
    found
}

/// What equal runs have alike: everything but the manifest.
fn alike(folder: &Path) -> BTreeMap<String, String> {
    let mut tree = tree(folder);
    assert!(tree.remove("_manifest.json").is_some());
    tree
}

/// What readers of such a folder see.
fn seen(folder: &Path) -> BTreeMap<String, String> {
    let mut tree = tree(folder);
    tree.retain(|name, _| !name.starts_with('_'));
    tree
}

/// What is signed into parts.
enum Rows {
    /// Users, for tokens.
    Users,
    /// Campaigns that meet publishers, in two formats and several copies.
    Products,
}

/// Options, and whether an older run stands there.
const JOBS: &[(&str, bool, Rows)] = &[
    (
        "--partition-by locale --rows-per-file 1000",
        false,
        Rows::Users,
    ),
    (
        "--partition-by id --rows-per-file 1 --keep number",
        false,
        Rows::Users,
    ),
    (
        "--partition-by number --keep number --compression zstd",
        true,
        Rows::Users,
    ),
    (
        "--rows-per-file 777 --compression gzip --output-format csv",
        true,
        Rows::Users,
    ),
    (
        "--partition-by ad-network-id,format --rows-per-file 100",
        false,
        Rows::Products,
    ),
    (
        "--partition-by ad-network-id --shape openrtb --compression gzip",
        false,
        Rows::Products,
    ),
];

impl Rows {
    /// Files, and how they are signed.
    fn lay(&self, workdir: &Workdir, rows: usize) -> String {
        match self {
            Self::Users => {
                workdir.write("in.csv", input(rows));
                format!("sign {USERS} in.csv")
            }
            Self::Products => {
                workdir.write("in.csv", campaigns(rows, 7));
                workdir.write("publishers.csv", publishers(20));
                "sign -f skan-view,skan-storekit -k key.pem --ignore-unknown \
                 --publishers publishers.csv --count 5 in.csv"
                    .into()
            }
        }
    }
}

fn input(rows: usize) -> Vec<u8> {
    let text = String::from_utf8(users(0, rows, 9)).unwrap();
    let mut lines = text.lines();
    let mut out = format!("{},number\n", lines.next().unwrap());
    for (at, line) in lines.enumerate() {
        out += &format!("{line},{}\n", at % 97);
    }
    out.into_bytes()
}

#[test]
fn whatever_moment_a_run_with_parts_is_killed_at_resuming_it_gives_the_same_bytes() {
    let mut random = Random::new();
    let mut kills = 0;
    for round in 0..sized(10, 120) {
        let (options, over_old, kind) = &JOBS[round % JOBS.len()];
        let rows = match kind {
            Rows::Users if options.contains("--partition-by id") => sized(800, 5_000),
            Rows::Users => sized(20_000, 200_000),
            Rows::Products => sized(30, 300),
        };
        println!("round {round}: {options}");
        let reference = Workdir::new();
        let sign = kind.lay(&reference, rows);
        let options = match options.contains("number") {
            false if matches!(kind, Rows::Users) => format!("{options} --ignore-unknown"),
            _ => (*options).to_owned(),
        };
        let arguments = format!("{sign} --out-dir out {options} {}", identity());
        let began = std::time::Instant::now();
        start(&reference, &arguments, None).end().exit(1);
        let took = began.elapsed();
        let wanted = alike(&reference.path("out"));

        let workdir = Workdir::new();
        kind.lay(&workdir, rows);
        let mut arguments = arguments;
        if *over_old {
            let older = format!("sign {USERS} in.csv --out-dir out --partition-by locale");
            start(&workdir, &format!("{older} --ignore-unknown"), None)
                .end()
                .exit(1);
            arguments += " --force";
        }
        let old = seen(&workdir.path("out"));
        let every = ["1ms", "20ms", "1500"][random.below(3) as usize];
        let arguments = format!("{arguments} --resume --checkpoint-every {every}");
        for _ in 0..1 + random.below(4) {
            let mut going = start(&workdir, &arguments, None);
            // Half of them late, where the parts are written and named.
            let delay = match random.below(2) {
                0 => random.up_to(took * 2),
                _ => {
                    wait(took * 8, || {
                        workdir.exists("out/_part-000000.partial")
                            || going.child.try_wait().unwrap().is_some()
                    });
                    random.up_to(took / 4)
                }
            };
            wait(delay, || going.child.try_wait().unwrap().is_some());
            let signal = ["KILL", "KILL", "TERM"][random.below(3) as usize];
            going.signal(signal);
            let ended = going.end_within(Duration::from_secs(60));
            let is_over = ended.code() == Some(1);
            // A process that had not set up its handlers dies of TERM itself.
            let is_struck = ended.is_killed_by(9) || ended.is_killed_by(15);
            ended.expect(is_over || is_struck || ended.code() == Some(5), "an end");
            kills += usize::from(!is_over);
            // Whatever readers see is whole, and of one run or the other.
            for (name, digest) in seen(&workdir.path("out")) {
                let is_whole = [&old, &wanted]
                    .iter()
                    .any(|run| run.get(&name) == Some(&digest));
                assert!(is_whole, "{name}");
            }
            if workdir.exists("out/_SUCCESS") && !workdir.exists("out/_records.checkpoint") {
                let there = seen(&workdir.path("out"));
                let mut new = wanted.clone();
                new.retain(|name, _| !name.starts_with('_'));
                assert!(there == old || there == new, "success of neither run");
            }
        }
        start(&workdir, &arguments, None).end().exit(1);
        assert_eq!(alike(&workdir.path("out")), wanted, "{options}");
        let folders = |workdir: &Workdir| fs::read_dir(workdir.path("out")).unwrap().count();
        assert_eq!(folders(&workdir), folders(&reference), "{options}");
    }
    assert!(kills >= sized(6, 60), "{kills}");
}

#[test]
fn a_run_that_may_not_write_so_much_ends_and_can_be_resumed() {
    let workdir = Workdir::new();
    workdir.write("in.csv", input(20_000));
    let arguments = format!(
        "sign {USERS} in.csv --out-dir out --partition-by number --keep number {}",
        identity()
    );
    // Blocks of 512 bytes: the records come first, and are the largest file.
    let limited = format!("ulimit -f 4000; trap '' XFSZ; exec \"$SIGNER\" {arguments}");
    let ended = begin(&mut shell(&workdir, &limited), None).end();
    ended.exit(6).says("_records.partial");
    assert_eq!(seen(&workdir.path("out")), BTreeMap::new());
    start(&workdir, &format!("{arguments} --resume"), None)
        .end()
        .exit(1);
    let whole = Workdir::new();
    whole.write("in.csv", input(20_000));
    start(&whole, &arguments, None).end().exit(1);
    assert_eq!(alike(&workdir.path("out")), alike(&whole.path("out")));
}

#[test]
fn two_runs_never_write_one_folder() {
    let workdir = Workdir::new();
    workdir.write("in.csv", input(60_000));
    let arguments = format!("sign {USERS} in.csv --out-dir out --ignore-unknown --force");
    let mut first = start(&workdir, &arguments, None);
    wait(Duration::from_secs(20), || {
        workdir.exists("out/_records.partial")
    });
    let second = start(&workdir, &arguments, None).end();
    if first.child.try_wait().unwrap().is_none() {
        second.exit(8).says("out/_records.lock");
    }
    first.end().exit(1);
}

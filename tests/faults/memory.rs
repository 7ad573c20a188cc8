//! Memory does not grow with the input, killed and resumed or not. At full
//! size only.

use std::fs;
use std::io::{BufWriter, Write as _};
use std::time::Duration;

use crate::jobs::USERS;
use crate::oracle::{Going, is_full, sha256, start, wait};
use crate::workdir::Workdir;

/// What a run may hold at its highest, on two threads.
const LIMIT_KIB: u64 = 64 * 1024;

/// The highest resident memory so far, as the kernel counts it.
fn peak(going: &Going) -> u64 {
    let status = format!("/proc/{}/status", going.child.id());
    let status = fs::read_to_string(status).unwrap_or_default();
    let mark = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    mark.map_or(0, |mark| {
        mark.trim().trim_end_matches(" kB").parse().unwrap()
    })
}

#[test]
fn ten_million_rows_are_signed_in_constant_memory_killed_and_resumed() {
    if !is_full() {
        println!("at full size only");
        return;
    }
    let rows = 10_000_000;
    let workdir = Workdir::new();
    let mut out = BufWriter::new(fs::File::create(workdir.path("in.csv")).unwrap());
    writeln!(out, "id,firstName,locale").unwrap();
    for at in 0..rows {
        writeln!(out, "user{at}@example.com,Jane,en_US").unwrap();
    }
    out.into_inner().unwrap();
    let arguments = format!("sign {USERS} in.csv -o out.ndjson -j 2 --checkpoint-every 1s");
    let mut highest = 0;
    let mut going = start(&workdir, &arguments, None);
    wait(Duration::from_secs(4), || {
        highest = highest.max(peak(&going));
        going.child.try_wait().unwrap().is_some()
    });
    going.child.kill().unwrap();
    assert!(going.end().is_killed_by(9), "it was over too soon");
    let mut going = start(&workdir, &format!("{arguments} --resume"), None);
    let ended = wait(Duration::from_secs(600), || {
        highest = highest.max(peak(&going));
        going.child.try_wait().unwrap().is_some()
    });
    assert!(ended);
    going
        .end()
        .exit(0)
        .says("resumed  after ")
        .says("10,000,000 records");
    println!("{highest} KiB");
    assert!(highest > 0 && highest < LIMIT_KIB, "{highest} KiB");

    let killed = sha256(&workdir.bytes("out.ndjson"));
    let manifest = "out.ndjson.manifest.json";
    let identity = crate::jobs::identity_of(&workdir, manifest);
    let arguments = format!("sign {USERS} in.csv -o whole.ndjson {identity}");
    start(&workdir, &arguments, None).end().exit(0);
    assert_eq!(sha256(&workdir.bytes("whole.ndjson")), killed);
}

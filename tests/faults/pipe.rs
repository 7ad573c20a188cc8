//! Rows that come by a pipe: from writers that stall and die, and fed again.

use std::io::Write as _;
use std::process::Stdio;
use std::time::Duration;

use crate::jobs::{self, USERS, users_json};
use crate::oracle::{assert_untouched, identity, sha256, sized, snapshot, start};
use crate::workdir::Workdir;

fn arguments(rows: usize) -> String {
    arguments_to("out.ndjson", rows)
}

fn arguments_to(output: &str, rows: usize) -> String {
    format!(
        "sign {USERS} --input-format ndjson - -o {output} {} --expect-rows {rows}",
        identity()
    )
}

fn reference(rows: usize) -> String {
    let workdir = Workdir::new();
    let whole = Some(users_json(0, rows));
    start(&workdir, &arguments(rows), whole).end().exit(0);
    let lines = workdir.bytes("out.ndjson");
    assert_eq!(lines.iter().filter(|byte| **byte == b'\n').count(), rows);
    sha256(&lines)
}

#[test]
fn a_writer_that_dies_midway_publishes_nothing_and_the_whole_fed_again_does() {
    let rows = sized(100_000, 1_000_000);
    let whole = users_json(0, rows);
    let wanted = reference(rows);
    // Between two rows, where the pipe looks complete, and before a line's end.
    let boundary = middle(&whole);
    for end in [0, boundary, boundary - 1, whole.len() - 1] {
        let workdir = Workdir::new();
        let arguments = format!("{} --checkpoint-every 20ms,10000", arguments(rows));
        let words: Vec<&str> = arguments.split_whitespace().collect();
        let mut command = workdir.command(&words);
        command.stdin(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let mut pipe = child.stdin.take().unwrap();
        for part in whole[..end].chunks(end / 3 + 1) {
            pipe.write_all(part).unwrap();
            // A stall: it proves nothing, and must change nothing.
            std::thread::sleep(Duration::from_millis(30));
        }
        drop(pipe);
        let output = child.wait_with_output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr);
        // A last row without its line end is a row; a row cut within is none.
        let is_whole = end == whole.len() - 1;
        assert_eq!(
            output.status.code(),
            Some(if is_whole { 0 } else { 4 }),
            "{said}"
        );
        if is_whole {
            assert_eq!(sha256(&workdir.bytes("out.ndjson")), wanted);
            continue;
        }
        assert!(said.contains(&format!("{rows} were expected")), "{said}");
        assert!(!workdir.exists("out.ndjson") && !workdir.exists("out.ndjson.manifest.json"));

        let resumed = format!("{arguments} --resume");
        let ended = start(&workdir, &resumed, Some(whole.clone())).end();
        ended.exit(0);
        assert_eq!(sha256(&workdir.bytes("out.ndjson")), wanted, "after {end}");
        assert!(!workdir.exists("out.ndjson.checkpoint"));
    }
}

/// Where some row in the middle begins.
fn middle(rows: &[u8]) -> usize {
    let half = rows.len() / 2;
    half + rows[half..].iter().position(|b| *b == b'\n').unwrap() + 1
}

#[test]
fn a_writer_that_dies_changes_no_byte_of_what_is_compressed() {
    // Each task is a part of its own there, so its bounds are seen.
    let rows = 5000;
    let whole = users_json(0, rows);
    for output in ["out.ndjson.gz", "out.ndjson.zst"] {
        let arguments = arguments_to(output, rows);
        let reference = Workdir::new();
        start(&reference, &arguments, Some(whole.clone()))
            .end()
            .exit(0);
        let workdir = Workdir::new();
        let cut = whole[..middle(&whole)].to_vec();
        let first = format!("{arguments} --checkpoint-every 1");
        start(&workdir, &first, Some(cut)).end().exit(4);
        let resumed = format!("{arguments} --resume");
        start(&workdir, &resumed, Some(whole.clone())).end().exit(0);
        assert!(workdir.bytes(output) == reference.bytes(output), "{output}");
    }
}

#[test]
fn a_writer_that_dies_within_a_row_leaves_a_run_that_can_be_resumed() {
    let rows = 5000;
    let whole = users_json(0, rows);
    let wanted = reference(rows);
    let cut = whole[..middle(&whole) + 3].to_vec();
    for every in ["1000000", "1"] {
        let workdir = Workdir::new();
        let arguments = format!("{} --checkpoint-every {every}", arguments(rows));
        start(&workdir, &arguments, Some(cut.clone())).end().exit(4);
        let resumed = format!("{arguments} --resume");
        start(&workdir, &resumed, Some(whole.clone())).end().exit(0);
        assert_eq!(sha256(&workdir.bytes("out.ndjson")), wanted, "{every}");
    }
}

#[test]
fn a_run_killed_within_the_last_rows_of_a_dead_writer_can_be_resumed_with_all() {
    let whole = String::from_utf8(jobs::views(80)).unwrap();
    // A reject among the rows that were never fed the first time.
    let whole = whole.replacen(",1000070\n", ",none\n", 1).into_bytes();
    let part: Vec<u8> = whole
        .split_inclusive(|b| *b == b'\n')
        .take(41)
        .flatten()
        .copied()
        .collect();
    let arguments = format!(
        "sign {} --count 200 --input-format csv - -o out.ndjson {}",
        jobs::VIEWS,
        identity()
    );
    let reference = Workdir::new();
    start(&reference, &arguments, Some(whole.clone()))
        .end()
        .exit(1);
    for _ in 0..20 {
        let workdir = Workdir::new();
        let first = format!("{arguments} --checkpoint-every 1ms --expect-rows 80");
        let mut going = start(&workdir, &first, Some(part.clone()));
        crate::oracle::wait(Duration::from_secs(30), || {
            let partial = std::fs::metadata(workdir.path("out.ndjson.partial"));
            let grows = partial.is_ok_and(|partial| partial.len() > 0);
            grows || going.child.try_wait().unwrap().is_some()
        });
        going.child.kill().unwrap();
        if !going.end().is_killed_by(9) {
            continue;
        }
        let resumed = format!("{arguments} --resume");
        start(&workdir, &resumed, Some(whole)).end().exit(1);
        for name in ["out.ndjson", "out.rejects.ndjson"] {
            assert!(workdir.bytes(name) == reference.bytes(name), "{name}");
        }
        return;
    }
    panic!("it was never caught");
}

#[test]
fn a_pipe_with_other_bytes_than_before_is_refused_and_nothing_is_lost() {
    let rows = 40_000;
    let whole = users_json(0, rows);
    let wanted = reference(rows);
    let workdir = Workdir::new();
    jobs::stop(&workdir, &arguments(rows), Some(whole.clone()));
    let before = snapshot(&workdir);
    let resumed = format!("{} --resume", arguments(rows));
    let mut other = whole.clone();
    other[9] ^= 1;
    let shorter = whole[..1000].to_vec();
    for (fed, what) in [
        (other, "other bytes"),
        (shorter, "fewer"),
        (Vec::new(), "none"),
    ] {
        let ended = start(&workdir, &resumed, Some(fed)).end();
        ended.exit(2).says("-: ");
        assert_untouched(&before, &snapshot(&workdir), what);
    }
    start(&workdir, &resumed, Some(whole)).end().exit(0);
    assert_eq!(sha256(&workdir.bytes("out.ndjson")), wanted);
}

//! Rows that come by a pipe: from writers that stall and die, and fed again.

use std::io::Write as _;
use std::process::Stdio;
use std::time::Duration;

use crate::jobs::{self, USERS, users_json};
use crate::oracle::{assert_untouched, identity, sha256, sized, snapshot, start};
use crate::workdir::Workdir;

fn arguments(rows: usize) -> String {
    format!(
        "sign {USERS} --input-format ndjson - -o out.ndjson {} --expect-rows {rows}",
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
#[ignore = "a row that the writer's death cut in two is taken for a done one"]
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

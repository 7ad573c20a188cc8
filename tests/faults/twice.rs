//! Runs that meet at one output: one of them works, the others say who does.

use std::process::Command;
use std::time::Duration;

use crate::jobs;
use crate::oracle::{begin, identity, sha256, sized, snapshot, start, wait};
use crate::workdir::Workdir;

/// Rows enough that a run is still at work when the others look.
const ROWS: usize = 60_000;

/// Starts so many at once, and gives how many finished and how many were sent
/// away; those name the one that works.
fn meet(workdir: &Workdir, arguments: &str, runs: usize) -> (usize, usize) {
    let going: Vec<_> = (0..runs).map(|_| start(workdir, arguments, None)).collect();
    let pids: Vec<u32> = going.iter().map(|going| going.child.id()).collect();
    let (mut done, mut held) = (0, 0);
    for (at, going) in going.into_iter().enumerate() {
        let ended = going.end_within(Duration::from_secs(60));
        match ended.code() {
            Some(1) => done += 1,
            Some(8) => {
                held += 1;
                ended.says("another run holds out.ndjson.lock");
                let named = |pid: &u32| ended.stderr.contains(&format!("process {pid} since "));
                let others = pids.iter().filter(|pid| **pid != pids[at]);
                // One that has the lock may just be writing its name into it.
                let is_named = others.into_iter().any(named);
                let is_early = !ended.stderr.contains("process ");
                ended.expect(is_named || is_early, "the other one's number");
            }
            _ => {
                ended.exit(1);
            }
        }
    }
    (done, held)
}

#[test]
fn of_runs_that_start_together_one_works_and_the_others_exit_with_8() {
    let job = jobs::plain(ROWS);
    let reference = job.reference(&identity());
    let mut met = 0;
    for round in 0..sized(8, 50) {
        let workdir = Workdir::new();
        job.lay(&workdir);
        let runs = if round % 4 == 3 { 4 } else { 2 };
        // One that comes when all is over finds a finished run.
        let arguments = format!("{} {} --resume", job.arguments(), identity());
        let (done, held) = meet(&workdir, &arguments, runs);
        assert!(done >= 1 && done + held == runs, "{done} and {held}");
        met += held;
        job.assert_tidy(&workdir);
        assert_eq!(sha256(&workdir.bytes("out.ndjson")), reference.signed);
        assert_eq!(
            sha256(&workdir.bytes("out.rejects.ndjson")),
            reference.rejects
        );
    }
    assert!(met > 0, "no two runs ever met");
}

#[test]
fn a_run_that_is_held_off_names_the_one_at_work_and_changes_nothing() {
    let workdir = Workdir::new();
    let made = Command::new("mkfifo")
        .arg(workdir.path("in.ndjson"))
        .status();
    assert!(made.unwrap().success());
    let mut options = std::fs::OpenOptions::new();
    let feed = options
        .read(true)
        .write(true)
        .open(workdir.path("in.ndjson"));
    let arguments = format!("sign {} in.ndjson -o out.ndjson", jobs::USERS);
    let holder = start(&workdir, &arguments, None);
    assert!(wait(Duration::from_secs(30), || workdir
        .exists("out.ndjson.manifest.json.partial")));
    let named = format!("process {} since ", holder.child.id());
    workdir.write("other.csv", jobs::users(0, 10, 0));
    let names = workdir.files();
    for options in ["", "--force", "--resume", "--resume --force"] {
        let other = format!("sign {} other.csv -o out.ndjson {options}", jobs::USERS);
        let ended = start(&workdir, &other, None).end_within(Duration::from_secs(5));
        ended
            .exit(8)
            .says(&named)
            .says("hint: wait until it has ended");
        assert_eq!(workdir.files(), names, "{options}");
    }
    holder.signal("TERM");
    holder.end_within(Duration::from_secs(5)).exit(5);
    drop(feed);
}

#[test]
fn the_next_run_takes_over_from_one_that_was_killed() {
    let job = jobs::plain(ROWS);
    let reference = job.reference(&identity());
    for options in ["--resume", "--force"] {
        let (workdir, arguments) = jobs::stopped(&job);
        assert_ne!(workdir.bytes("out.ndjson.lock"), b"");
        let held: serde_json::Value =
            serde_json::from_slice(&workdir.bytes("out.ndjson.lock")).unwrap();
        // Without being told which, it does neither.
        let before = snapshot(&workdir);
        let ended = start(&workdir, &arguments, None).end();
        ended
            .exit(2)
            .says("give --resume to go on with it, or --force");
        crate::oracle::assert_untouched(&before, &snapshot(&workdir), "neither");
        // That one ended in order: who was killed is forgotten with it.
        workdir.write("out.ndjson.lock", format!("{held}\n"));

        let ended = start(&workdir, &format!("{arguments} {options}"), None).end();
        ended
            .exit(1)
            .says(&format!("taken over from process {}", held["pid"]));
        let was_resumed = ended.stderr.contains("resumed  after ");
        ended.expect(was_resumed == (options == "--resume"), "a resume or none");
        job.assert_tidy(&workdir);
        assert_eq!(
            sha256(&workdir.bytes("out.ndjson")),
            reference.signed,
            "{options}"
        );
    }
}

#[test]
fn a_lock_file_with_anything_in_it_is_no_lock() {
    let job = jobs::plain(100);
    for left in [&b""[..], b"\x00\xff", b"{\"pid\":1}", &[b'9'; 10_000]] {
        let workdir = Workdir::new();
        job.lay(&workdir);
        workdir.write("out.ndjson.lock", left);
        let arguments = format!("{} {}", job.arguments(), identity());
        start(&workdir, &arguments, None).end().exit(1);
        job.assert_tidy(&workdir);
    }
}

#[test]
fn a_lock_that_another_program_holds_is_respected() {
    let job = jobs::plain(100);
    let workdir = Workdir::new();
    job.lay(&workdir);
    let file = std::fs::File::create(workdir.path("out.ndjson.lock")).unwrap();
    file.lock().unwrap();
    let words: Vec<String> = job.arguments().split(' ').map(str::to_owned).collect();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    begin(&mut workdir.command(&words), None).end().exit(8);
    drop(file);
    begin(&mut workdir.command(&words), None).end().exit(1);
}

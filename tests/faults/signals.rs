//! The first SIGINT or SIGTERM stops a run in order, the second at once; a
//! reader that has gone away is no panic.

use std::fs::OpenOptions;
use std::io::{Read as _, Write as _};
use std::process::{Command, Stdio};
use std::time::Duration;

use crate::jobs::{self, USERS, users, users_json};
use crate::oracle::{begin, identity, sha256, shell, sized, start, wait};
use crate::workdir::Workdir;

/// How long a stop may take at the most, for machines that are busy.
const SOON: Duration = Duration::from_secs(5);

/// Waits until a run has made its file.
fn wait_for(workdir: &Workdir, name: &str) {
    let found = wait(Duration::from_secs(30), || workdir.exists(name));
    assert!(found, "{name} never came: {:?}", workdir.files());
}

/// A FIFO, opened for writing and reading at once, so that it is open to its
/// reader and never at its end.
fn fifo(workdir: &Workdir, name: &str) -> std::fs::File {
    let made = Command::new("mkfifo").arg(workdir.path(name)).status();
    assert!(made.unwrap().success());
    let mut options = OpenOptions::new();
    options
        .read(true)
        .write(true)
        .open(workdir.path(name))
        .unwrap()
}

#[test]
fn the_printed_command_finishes_what_a_signal_has_stopped() {
    let job = jobs::plain(sized(150_000, 2_000_000));
    let reference = job.reference(&identity());
    for signal in ["TERM", "INT"] {
        let workdir = Workdir::new();
        job.lay(&workdir);
        let mut is_stopped = false;
        for _ in 0..20 {
            let arguments = format!("{} {} --force", job.arguments(), identity());
            let going = start(&workdir, &arguments, None);
            wait_for(&workdir, "out.ndjson.partial");
            going.signal(signal);
            let ended = going.end_within(SOON);
            if ended.code() == Some(reference.code) {
                continue;
            }
            ended.exit(5).says("error: interrupted after ");
            let command = ended.resume_command().to_owned();
            assert!(command.contains(" --resume"), "{command}");
            begin(&mut shell(&workdir, &command), None).end().exit(1);
            is_stopped = true;
            break;
        }
        assert!(is_stopped, "{signal} never met the run");
        job.assert_tidy(&workdir);
        assert_eq!(sha256(&workdir.bytes("out.ndjson")), reference.signed);
        assert_eq!(
            sha256(&workdir.bytes("out.rejects.ndjson")),
            reference.rejects
        );
    }
}

#[test]
fn two_signals_end_a_run_at_once_and_it_can_be_resumed() {
    let job = jobs::plain(sized(100_000, 1_000_000));
    let reference = job.reference(&identity());
    for (first, second) in [("TERM", "TERM"), ("INT", "TERM"), ("INT", "INT")] {
        let workdir = Workdir::new();
        job.lay(&workdir);
        let arguments = format!("{} {}", job.arguments(), identity());
        let arguments = format!("{arguments} --resume --checkpoint-every 1000");
        let going = start(&workdir, &arguments, None);
        wait_for(&workdir, "out.ndjson.partial");
        going.signal(first);
        going.signal(second);
        let ended = going.end_within(SOON);
        ended.expect(matches!(ended.code(), Some(1 | 5)), "a stop or an end");
        start(&workdir, &arguments, None).end().exit(1);
        job.assert_tidy(&workdir);
        assert_eq!(sha256(&workdir.bytes("out.ndjson")), reference.signed);
    }
}

#[test]
fn a_signal_that_is_ignored_stays_ignored() {
    // As a shell starts what it puts into the background.
    let workdir = Workdir::new();
    let feed = fifo(&workdir, "in.ndjson");
    let line = format!(r#"trap "" INT; exec "$SIGNER" sign {USERS} in.ndjson -o out.ndjson"#);
    let mut going = begin(&mut shell(&workdir, &line), None);
    wait_for(&workdir, "out.ndjson.checkpoint");
    going.signal("INT");
    going.signal("INT");
    let is_over = wait(Duration::from_millis(300), || {
        going.child.try_wait().unwrap().is_some()
    });
    assert!(!is_over, "INT has ended it");
    going.signal("TERM");
    going.end_within(SOON).exit(5);
    drop(feed);
}

#[test]
fn a_run_that_waits_for_its_input_stops_when_it_is_told_to() {
    let rows = users_json(0, 3000);
    let reference = {
        let workdir = Workdir::new();
        workdir.write("in.ndjson", &rows);
        let arguments = format!("sign {USERS} in.ndjson -o out.ndjson {}", identity());
        start(&workdir, &arguments, None).end().exit(0);
        sha256(&workdir.bytes("out.ndjson"))
    };
    for fed in [0, 1, rows.len() / 2 + 7, rows.len()] {
        let workdir = Workdir::new();
        let arguments = format!("sign {USERS} --input-format ndjson - -o out.ndjson");
        let arguments = format!("{arguments} {} --checkpoint-every 500", identity());
        let words: Vec<&str> = arguments.split_whitespace().collect();
        let mut command = workdir.command(&words);
        command.stdin(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let mut pipe = child.stdin.take().unwrap();
        pipe.write_all(&rows[..fed]).unwrap();
        wait_for(&workdir, "out.ndjson.checkpoint");
        let pid = child.id().to_string();
        Command::new("kill").args(["-TERM", &pid]).status().unwrap();
        let over = wait(Duration::from_secs(2), || {
            child.try_wait().unwrap().is_some()
        });
        assert!(over, "it goes on waiting");
        let output = child.wait_with_output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(5), "{fed}: {said}");
        assert!(said.contains("campaign-signer: resume: "), "{said}");
        drop(pipe);
        assert!(!workdir.exists("out.ndjson"));

        let ended = start(
            &workdir,
            &format!("{arguments} --resume"),
            Some(rows.clone()),
        )
        .end();
        ended.exit(0);
        assert_eq!(sha256(&workdir.bytes("out.ndjson")), reference, "{fed}");
    }
}

#[test]
fn the_printed_command_is_one_for_a_shell_even_where_the_input_came_by_a_pipe() {
    let workdir = Workdir::new();
    let feed = fifo(&workdir, "feed");
    let line = format!(r#"exec "$SIGNER" sign {USERS} --input-format ndjson -o out.ndjson <feed"#);
    let going = begin(&mut shell(&workdir, &line), None);
    wait_for(&workdir, "out.ndjson.checkpoint");
    going.signal("TERM");
    let ended = going.end_within(SOON);
    ended.exit(5).says("same standard input");
    drop(feed);
    let command = ended.resume_command().to_owned();
    let rows = users_json(0, 100);
    begin(&mut shell(&workdir, &command), Some(rows))
        .end()
        .exit(0);
    assert_eq!(workdir.lines("out.ndjson").len(), 100);
}

#[test]
fn a_run_that_waits_for_a_header_stops_when_it_is_told_to() {
    // The header is read before the run begins: nothing is done, nothing stays.
    let workdir = Workdir::new();
    let writer = fifo(&workdir, "in.csv");
    stop_at_the_lock(&workdir, "in.csv");
    drop(writer);
}

#[test]
fn a_run_that_waits_for_a_writer_stops_when_it_is_told_to() {
    for name in ["in.csv", "in.ndjson"] {
        let workdir = Workdir::new();
        drop(fifo(&workdir, name));
        stop_at_the_lock(&workdir, name);
    }
}

fn stop_at_the_lock(workdir: &Workdir, input: &str) {
    let arguments = format!("sign {USERS} {input} -o out.ndjson");
    let going = start(workdir, &arguments, None);
    wait_for_lock(workdir, going.child.id());
    going.signal("TERM");
    let ended = going.end_within(SOON);
    ended.exit(5).resume_command();
    assert!(!workdir.exists("out.ndjson"));
}

/// The lock is named with its holder once the run listens to signals.
fn wait_for_lock(workdir: &Workdir, pid: u32) {
    let holder = format!("\"pid\":{pid},");
    let path = workdir.path("out.ndjson.lock");
    let found = wait(Duration::from_secs(30), || {
        std::fs::read_to_string(&path).is_ok_and(|text| text.contains(&holder))
    });
    assert!(found, "no lock");
}

#[test]
fn a_resume_that_passes_over_its_input_stops_when_it_is_told_to() {
    // Fed again by a pipe that stalls before the place it is at.
    let job = jobs::plain(sized(60_000, 600_000));
    let (workdir, _) = jobs::stopped(&job);
    workdir.remove("in.csv");
    workdir.remove("out.ndjson.checkpoint");
    let rows = users_json(0, 60_000);
    let arguments = format!(
        "sign {USERS} --input-format ndjson - -o out.ndjson {}",
        identity()
    );
    jobs::stop(&workdir, &arguments, Some(rows.clone()));
    for _ in 0..2 {
        let words: Vec<&str> = arguments.split_whitespace().chain(["--resume"]).collect();
        let mut command = workdir.command(&words);
        command.stdin(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let mut pipe = child.stdin.take().unwrap();
        pipe.write_all(&rows[..1000]).unwrap();
        wait_for_lock(&workdir, child.id());
        let pid = child.id().to_string();
        Command::new("kill").args(["-TERM", &pid]).status().unwrap();
        let over = wait(SOON, || child.try_wait().unwrap().is_some());
        assert!(over, "it goes on waiting");
        let output = child.wait_with_output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(5), "{said}");
        assert!(said.contains("campaign-signer: resume: "), "{said}");
        drop(pipe);
    }
    let ended = start(&workdir, &format!("{arguments} --resume"), Some(rows)).end();
    ended.exit(0).says("resumed  after ");
}

#[test]
fn a_reader_that_has_gone_away_is_an_error_and_no_panic() {
    let workdir = Workdir::new();
    workdir.write("in.csv", users(0, 20_000, 0));
    let words = format!("sign {USERS} in.csv -o -");
    let words: Vec<&str> = words.split_whitespace().collect();
    let mut command = workdir.command(&words);
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    drop(child.stdout.take());
    let mut said = String::new();
    child
        .stderr
        .take()
        .unwrap()
        .read_to_string(&mut said)
        .unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(6), "{said}");
    assert!(said.contains("hint: the reader went away"), "{said}");
    assert!(!said.contains("panicked"), "{said}");
}

/// A stop that met the reader of publishers was once told as a file that
/// could not be opened.
#[test]
fn a_run_that_waits_for_its_publishers_stops_when_it_is_told_to() {
    let workdir = Workdir::new();
    workdir.write("in.ndjson", users_json(0, 3));
    let arguments = format!(
        "sign {USERS} in.ndjson -o out.ndjson --publishers publishers.ndjson {}",
        identity()
    );
    // Opening it for writing only waits for the run to open its side of it.
    let made = Command::new("mkfifo")
        .arg(workdir.path("publishers.ndjson"))
        .status();
    assert!(made.unwrap().success());
    let going = start(&workdir, &arguments, None);
    let pipe = workdir.path("publishers.ndjson");
    let writer = OpenOptions::new().write(true).open(pipe).unwrap();
    going.signal("TERM");
    let ended = going.end_within(Duration::from_secs(10));
    ended.exit(5).says("interrupted after 0 rows");
    assert!(ended.resume_command().ends_with(" --resume   "));
    drop(writer);
    assert!(!workdir.exists("out.ndjson"));
}

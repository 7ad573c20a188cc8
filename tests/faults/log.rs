//! `--log json`: every line of standard error is one event.

use crate::jobs;
use crate::oracle::{Ended, identity, start};
use crate::workdir::Workdir;

/// The names of the events, each of which has a time.
fn names(ended: &Ended) -> Vec<String> {
    let events = ended.events().into_iter().map(|event| {
        let time = event["time"].as_str().unwrap_or_default();
        let is_time = time.parse::<jiff::Timestamp>().is_ok();
        ended.expect(is_time, "a time in each event");
        event["event"].as_str().unwrap().to_owned()
    });
    events.collect()
}

#[test]
fn every_line_is_an_event_whatever_becomes_of_the_run() {
    let job = jobs::plain(20_000);
    let workdir = Workdir::new();
    job.lay(&workdir);
    let arguments = format!("{} {} --log json", job.arguments(), identity());

    let every = "--checkpoint-every 2000 --progress json";
    let ended = start(&workdir, &format!("{arguments} {every}"), None).end();
    ended.exit(1);
    let seen = names(&ended);
    assert_eq!(seen[..2], ["start", "begin"]);
    assert_eq!(seen[seen.len() - 2..], ["end", "summary"]);
    assert!(seen.iter().any(|name| name == "checkpoint"), "{seen:?}");
    assert_eq!(ended.event("start")["job_id"], "job");
    assert_eq!(ended.event("begin")["resumed"], false);
    assert_eq!(ended.event("rejects")["rejected"], 2000);
    assert_eq!(ended.event("rejects")["by_code"]["bad_text"], 2000);
    let end = ended.event("end");
    assert_eq!(end["exit_code"], 1);
    assert_eq!(
        (&end["rows"], &end["signed"]),
        (&20_000.into(), &18_000.into())
    );
    // Checkpoints only ever go forward.
    let rows = ended
        .events()
        .into_iter()
        .filter(|e| e["event"] == "checkpoint");
    let rows: Vec<u64> = rows.map(|e| e["rows"].as_u64().unwrap()).collect();
    assert!(rows.is_sorted(), "{rows:?}");

    let again = start(&workdir, &arguments, None).end();
    again.exit(2);
    assert_eq!(again.event("error")["exit_code"], 2);
    names(&again);
    let stopped = format!("{arguments} --force --max-rejects 9");
    let stopped = start(&workdir, &stopped, None).end();
    stopped.exit(4);
    assert!(names(&stopped).contains(&"error".to_owned()));
    assert_eq!(stopped.event("error")["exit_code"], 4);
}

#[test]
fn a_stopped_run_tells_the_command_that_goes_on_and_a_resume_tells_where_it_begins() {
    let job = jobs::plain(20_000);
    let workdir = Workdir::new();
    job.lay(&workdir);
    let arguments = format!("{} {} --log json", job.arguments(), identity());
    let stopped = format!("{arguments} --max-rejects 1500");
    let ended = start(&workdir, &stopped, None).end();
    ended.exit(4);
    let error = ended.event("error");
    let resume = error["resume"].as_str().unwrap();
    assert!(resume.contains(" --resume"), "{resume}");
    assert!(error["hint"].is_string());

    let resumed = start(&workdir, &format!("{arguments} --resume"), None).end();
    resumed.exit(1);
    assert_eq!(resumed.event("begin")["resumed"], true);
    assert!(resumed.event("begin")["rows"].as_u64().unwrap() > 0);
    names(&resumed);
    let nothing = start(
        &workdir,
        &format!("{arguments} --resume --force --job-id x"),
        None,
    )
    .end();
    nothing.expect(
        nothing.code() == Some(2),
        "an option given twice is refused",
    );
}

#[test]
fn a_key_that_is_warned_of_is_warned_of_in_an_event() {
    let job = jobs::plain(10);
    let workdir = Workdir::new();
    job.lay(&workdir);
    workdir.mode("secret.txt", 0o644);
    let arguments = format!("{} --log json --resume", job.arguments());
    let ended = start(&workdir, &arguments, None).end();
    ended.exit(1);
    let seen = names(&ended);
    assert!(seen.contains(&"warning".to_owned()), "{seen:?}");
    assert!(seen.contains(&"nothing_to_resume".to_owned()), "{seen:?}");
}

//! A resume does only what is left to do, and nothing once a run is finished.

use std::fs;
use std::os::unix::fs::MetadataExt as _;

use campaign_signer::output::{Checkpoint, SystemDisk};

use crate::jobs::{self, USERS, users};
use crate::oracle::{assert_untouched, identity, sha256, sized, snapshot, start};
use crate::workdir::Workdir;

#[test]
fn a_resume_does_not_redo_what_a_checkpoint_covers() {
    let job = jobs::plain(sized(60_000, 600_000));
    let reference = job.reference(&identity());
    let (workdir, arguments) = jobs::stopped(&job);
    let partial = workdir.path("out.ndjson.partial");
    let kept = Checkpoint::load(&SystemDisk, &workdir.path("out.ndjson"));
    let kept = kept.unwrap().unwrap();
    let before = workdir.bytes("out.ndjson.partial");
    let covered = usize::try_from(kept.signed.extent.bytes).unwrap();
    assert!(covered > 0 && covered <= before.len());
    let inode = fs::metadata(&partial).unwrap().ino();

    let ended = start(&workdir, &format!("{arguments} --resume --log json"), None).end();
    ended.exit(reference.code);
    let begin = ended.event("begin");
    assert_eq!(begin["resumed"], true);
    assert_eq!(begin["rows"], kept.counts.rows);
    let end = ended.event("end");
    assert_eq!(end["rows"], sized(60_000, 600_000));
    // The very file that was left is what is published, its beginning as it was.
    assert_eq!(
        fs::metadata(workdir.path("out.ndjson")).unwrap().ino(),
        inode
    );
    let after = workdir.bytes("out.ndjson");
    assert!(after[..covered] == before[..covered]);
    assert_eq!(sha256(&after), reference.signed);
    let manifest = workdir.text("out.ndjson.manifest.json");
    let manifest: serde_json::Value = serde_json::from_str(&manifest).unwrap();
    assert_eq!(manifest["run"]["attempts"], 2);
}

#[test]
fn a_checkpoint_says_no_more_than_what_is_on_the_disk() {
    let (workdir, _) = jobs::stopped(&jobs::plain(sized(60_000, 600_000)));
    let kept = Checkpoint::load(&SystemDisk, &workdir.path("out.ndjson"));
    let kept = kept.unwrap().unwrap();
    for entry in [&kept.signed, kept.rejects.as_ref().unwrap()] {
        let name = format!("{}.partial", entry.path.display());
        let bytes = workdir.bytes(&name);
        let covered = &bytes[..usize::try_from(entry.extent.bytes).unwrap()];
        assert_eq!(sha256(covered), entry.extent.sha256, "{name}");
    }
    // The rows it counts are the lines it covers, and whole ones.
    let covered = usize::try_from(kept.signed.extent.bytes).unwrap();
    let lines = &workdir.bytes("out.ndjson.partial")[..covered];
    assert!(lines.ends_with(b"\n"));
    let count = lines.iter().filter(|byte| **byte == b'\n').count();
    assert_eq!(kept.counts.records, count as u64);
}

#[test]
fn a_resume_with_nothing_left_starts_at_row_one_and_says_so() {
    let job = jobs::plain(2000);
    let reference = job.reference(&identity());
    let workdir = Workdir::new();
    job.lay(&workdir);
    let arguments = format!("{} {} --resume", job.arguments(), identity());
    let ended = start(&workdir, &arguments, None).end();
    ended
        .exit(1)
        .says("nothing is left to resume: starting at row one");
    assert_eq!(sha256(&workdir.bytes("out.ndjson")), reference.signed);
    job.assert_tidy(&workdir);
}

#[test]
fn a_finished_run_resumed_says_so_and_changes_nothing() {
    for (bad, code) in [(0, 0), (10, 1)] {
        let workdir = Workdir::new();
        workdir.write("in.csv", users(0, 2000, bad));
        // Always given, as a scheduler does that knows nothing of its last try.
        let arguments = format!("sign {USERS} in.csv -o out.ndjson --resume");
        start(&workdir, &arguments, None).end().exit(code);
        let before = snapshot(&workdir);
        for _ in 0..2 {
            let ended = start(&workdir, &arguments, None).end();
            ended
                .exit(code)
                .says("before this call: nothing was signed now");
            assert_untouched(&before, &snapshot(&workdir), "resumed");
            let events = start(&workdir, &format!("{arguments} --log json"), None).end();
            events.exit(code);
            assert_eq!(events.event("end")["was_finished"], true);
        }
        // A tolerance it did not have changes nothing of what it was.
        let tolerant = format!("{arguments} --max-rejects 50%");
        start(&workdir, &tolerant, None).end().exit(code);
        assert_untouched(&before, &snapshot(&workdir), "tolerant");
    }
}

#[test]
fn a_finished_run_of_another_input_is_replaced_by_force_alone() {
    let workdir = Workdir::new();
    workdir.write("in.csv", users(0, 2000, 0));
    let arguments = format!("sign {USERS} in.csv -o out.ndjson --resume");
    start(&workdir, &arguments, None).end().exit(0);
    workdir.write("in.csv", users(1, 2000, 0));
    let before = snapshot(&workdir);
    let ended = start(&workdir, &arguments, None).end();
    ended
        .exit(2)
        .says("in.csv was ")
        .says("hint: nothing was changed");
    assert_untouched(&before, &snapshot(&workdir), "another input");

    start(&workdir, &format!("{arguments} --force"), None)
        .end()
        .exit(0);
    let first = &workdir.json("out.ndjson")[0];
    assert_eq!(first["user"]["id"], "user1@example.com");
    // Twice is once.
    let before = snapshot(&workdir);
    start(&workdir, &format!("{arguments} --force"), None)
        .end()
        .exit(0);
    assert_untouched(&before, &snapshot(&workdir), "forced twice");
}

#[test]
fn a_finished_run_whose_records_were_changed_is_not_called_finished() {
    let workdir = Workdir::new();
    workdir.write("in.csv", users(0, 100, 0));
    let arguments = format!("sign {USERS} in.csv -o out.ndjson --resume");
    start(&workdir, &arguments, None).end().exit(0);
    let mut bytes = workdir.bytes("out.ndjson");
    bytes[7] ^= 1;
    workdir.write("out.ndjson", bytes);
    let before = snapshot(&workdir);
    let ended = start(&workdir, &arguments, None).end();
    ended.exit(2).says("out.ndjson was ");
    assert_untouched(&before, &snapshot(&workdir), "changed records");
}

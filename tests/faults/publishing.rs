//! Runs that die while their files get their names are rolled forward: from
//! every state that such a death can leave to the one that it was on its way to.

use std::fs;
use std::time::Duration;

use campaign_signer::output::{Checkpoint, OutputEntry, Publishing, SystemDisk, measure};

use crate::jobs::{self, Job};
use crate::oracle::{Stood, assert_untouched, copy_all, identity, sha256, snapshot, start, wait};
use crate::workdir::Workdir;

const NAMES: [&str; 3] = [
    "out.ndjson",
    "out.rejects.ndjson",
    "out.ndjson.manifest.json",
];

/// A run that died right before its first rename: its checkpoint says that all
/// is complete, and all three files have their names of before.
struct Scene {
    job: Job,
    workdir: Workdir,
    arguments: String,
    /// What is to be published.
    wanted: Vec<(&'static str, Vec<u8>)>,
}

impl Scene {
    /// The names as they are kept are of a run that was stopped; that it has
    /// come to its end is written into its checkpoint by hand.
    fn new(replaces: bool) -> Self {
        let job = jobs::plain(20_000);
        let finished = Workdir::new();
        job.lay(&finished);
        let arguments = format!("{} {}", job.arguments(), identity());
        start(&finished, &arguments, None).end().exit(1);
        let (workdir, arguments) = jobs::stopped(&job);
        let output = workdir.path("out.ndjson");
        let mut kept = Checkpoint::load(&SystemDisk, &output).unwrap().unwrap();
        let manifest: serde_json::Value =
            serde_json::from_slice(&finished.bytes(NAMES[2])).unwrap();
        let mut files = Vec::new();
        let mut wanted = Vec::new();
        for name in NAMES {
            let extent = measure(&SystemDisk, &finished.path(name)).unwrap().unwrap();
            let bytes = finished.bytes(name);
            workdir.write(&format!("{name}.partial"), &bytes);
            files.push(OutputEntry {
                path: name.into(),
                extent,
            });
            wanted.push((name, bytes));
        }
        kept.counts = serde_json::from_value(manifest["counts"].clone()).unwrap();
        kept.rejected_by_code =
            serde_json::from_value(manifest["rejected_by_code"].clone()).unwrap();
        kept.publishing = Some(Publishing {
            parts: Vec::new(),
            files,
            within_limit: false,
        });
        kept.replaces = replaces;
        workdir.write("out.ndjson.checkpoint", kept.seal());
        Self {
            job,
            workdir,
            arguments,
            wanted,
        }
    }

    fn again(&self) -> Workdir {
        let workdir = Workdir::new();
        copy_all(&self.workdir, &workdir);
        workdir
    }

    #[track_caller]
    fn rolls_forward(&self, workdir: &Workdir, why: &str) {
        let ended = start(workdir, &format!("{} --resume", self.arguments), None).end();
        ended
            .exit(1)
            .says("before this call: nothing was signed now");
        self.job.assert_tidy(workdir);
        for (name, bytes) in &self.wanted {
            assert!(workdir.bytes(name) == *bytes, "{why}: {name}");
        }
    }
}

#[test]
fn every_state_between_two_renames_is_rolled_forward() {
    for replaces in [false, true] {
        let scene = Scene::new(replaces);
        for renamed in 0..8_usize {
            let workdir = scene.again();
            for (at, name) in NAMES.iter().enumerate() {
                let path = workdir.path(name);
                if renamed & 1 << at != 0 {
                    fs::rename(workdir.path(&format!("{name}.partial")), path).unwrap();
                } else if replaces {
                    fs::write(path, "of an older run").unwrap();
                }
            }
            scene.rolls_forward(&workdir, &format!("{replaces}, {renamed:03b}"));
        }
    }
}

#[test]
fn a_file_that_was_damaged_before_it_got_its_name_stops_the_publication() {
    let scene = Scene::new(false);
    for renamed in 0..8_usize {
        for (broken, name) in NAMES.iter().enumerate() {
            let workdir = scene.again();
            for (at, name) in NAMES.iter().enumerate() {
                if renamed & 1 << at != 0 {
                    let from = workdir.path(&format!("{name}.partial"));
                    fs::rename(from, workdir.path(name)).unwrap();
                }
            }
            let is_named = renamed & 1 << broken != 0;
            let name = if is_named {
                (*name).to_owned()
            } else {
                format!("{name}.partial")
            };
            let sound = workdir.bytes(&name);
            let mut damaged = sound.clone();
            damaged[sound.len() / 2] ^= 4;
            workdir.write(&name, &damaged);
            let before = snapshot(&workdir);
            let resumed = format!("{} --resume", scene.arguments);
            start(&workdir, &resumed, None).end().exit(2);
            assert_untouched(&before, &snapshot(&workdir), &name);
            workdir.write(&name, &sound);
            scene.rolls_forward(&workdir, &name);
        }
    }
}

#[test]
fn a_complete_run_is_not_rolled_forward_for_another_job() {
    let scene = Scene::new(false);
    let workdir = scene.again();
    let before = snapshot(&workdir);
    for (old, new) in [
        ("--job-id job", "--job-id other"),
        ("in.csv", "key.pem --input-format csv"),
    ] {
        let arguments = scene.arguments.replace(old, new);
        start(&workdir, &format!("{arguments} --resume"), None)
            .end()
            .exit(2);
        assert_untouched(&before, &snapshot(&workdir), new);
    }
    start(&workdir, &scene.arguments, None).end().exit(2);
    assert_untouched(&before, &snapshot(&workdir), "without --resume");
    scene.rolls_forward(&workdir, "the right one");
}

#[test]
fn a_publication_that_failed_is_told_with_all_its_counts_when_it_is_rolled_forward() {
    // A folder takes the name after the run has looked whether it is free.
    for taken in NAMES {
        let workdir = Workdir::new();
        let made = std::process::Command::new("mkfifo")
            .arg(workdir.path("in.csv"))
            .status();
        assert!(made.unwrap().success());
        let arguments = format!("sign {} in.csv -o out.ndjson {}", jobs::USERS, identity());
        let going = start(&workdir, &arguments, None);
        let mut feed = fs::OpenOptions::new()
            .write(true)
            .open(workdir.path("in.csv"))
            .unwrap();
        let rows = jobs::users(0, 3000, 3);
        std::io::Write::write_all(&mut feed, &rows[..2000]).unwrap();
        let manifest = "out.ndjson.manifest.json.partial";
        assert!(wait(Duration::from_secs(30), || workdir.exists(manifest)));
        fs::create_dir(workdir.path(taken)).unwrap();
        std::io::Write::write_all(&mut feed, &rows[2000..]).unwrap();
        drop(feed);
        let ended = going.end_within(Duration::from_secs(30));
        ended
            .exit(6)
            .says(&format!("failed to rename {taken}.partial"));
        ended.resume_command();
        assert!(taken == NAMES[2] || !workdir.path(NAMES[2]).exists());

        fs::remove_dir(workdir.path(taken)).unwrap();
        let kept = Checkpoint::load(&SystemDisk, &workdir.path("out.ndjson"));
        let kept = kept.unwrap().unwrap();
        assert!(kept.publishing.is_some());
        // The FIFO is opened again, and not read.
        let mut options = fs::OpenOptions::new();
        let feed = options
            .read(true)
            .write(true)
            .open(workdir.path("in.csv"))
            .unwrap();
        std::io::Write::write_all(&mut &feed, &rows[..2000]).unwrap();
        let ended = start(&workdir, &format!("{arguments} --resume"), None).end();
        drop(feed);
        ended
            .exit(1)
            .says("2,000 rows, 2,000 records")
            .says("rejected  1,000 rows");
        let manifest: serde_json::Value = serde_json::from_slice(&workdir.bytes(NAMES[2])).unwrap();
        for (member, name) in [("signed", NAMES[0]), ("rejects", NAMES[1])] {
            assert_eq!(manifest[member]["sha256"], sha256(&workdir.bytes(name)));
        }
        assert_eq!(workdir.lines(NAMES[0]).len(), 2000);
        assert_eq!(workdir.lines(NAMES[1]).len(), 1000);
        assert!(!workdir.exists("out.ndjson.checkpoint"));
    }
}

#[test]
fn no_file_is_written_again_when_a_publication_is_rolled_forward() {
    let scene = Scene::new(false);
    let workdir = scene.again();
    let before = snapshot(&workdir);
    scene.rolls_forward(&workdir, "once");
    let after = snapshot(&workdir);
    for name in NAMES {
        let was: &Stood = &before[&format!("{name}.partial")];
        assert!(after[name] == *was, "{name}");
    }
}

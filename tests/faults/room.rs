//! Disks that are full, files that may not grow, folders that take nothing or
//! go away: exit code 6 with what to do, and a resume once there is room.

use std::fs;
use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

use crate::jobs::{self, Job, Reference, users};
use crate::oracle::{begin, identity, sha256, shell, sized, start, wait};
use crate::workdir::Workdir;

/// A small file system of its own, gone with this.
struct Mount(PathBuf);

impl Mount {
    /// `None` where this user may not mount.
    fn new(workdir: &Workdir, kib: usize) -> Option<Self> {
        let path = workdir.path("disk");
        fs::create_dir_all(&path).unwrap();
        let mut mount = Command::new("mount");
        mount.args(["-t", "tmpfs", "-o", &format!("size={kib}k"), "tmpfs"]);
        let mounted = mount.arg(&path).output();
        if mounted.is_ok_and(|output| output.status.success()) {
            return Some(Self(path));
        }
        println!("skipped: this user may not mount a tmpfs");
        None
    }

    fn again(&self, options: &str) -> bool {
        let mut mount = Command::new("mount");
        mount
            .args(["-o", &format!("remount,{options}")])
            .arg(&self.0);
        mount.output().is_ok_and(|output| output.status.success())
    }
}

impl Drop for Mount {
    fn drop(&mut self) {
        drop(Command::new("umount").arg(&self.0).output());
    }
}

/// The arguments that write into the small disk.
fn on_disk(job: &Job, options: &str) -> String {
    let arguments = job.arguments().replace("-o out", "-o disk/out");
    format!("{arguments} {} {options}", identity())
}

#[track_caller]
fn assert_same(workdir: &Workdir, reference: &Reference, why: &str) {
    let signed = sha256(&workdir.bytes("disk/out.ndjson"));
    assert_eq!(signed, reference.signed, "{why}");
    let rejects = sha256(&workdir.bytes("disk/out.rejects.ndjson"));
    assert_eq!(rejects, reference.rejects, "{why}");
    let mut names: Vec<_> = fs::read_dir(workdir.path("disk")).unwrap().collect();
    names.retain(|entry| {
        let name = entry.as_ref().unwrap().file_name();
        !name.to_string_lossy().starts_with("filler")
    });
    assert_eq!(names.len(), 4, "{why}: {names:?}");
}

#[test]
fn a_full_disk_ends_a_run_with_6_and_room_lets_it_go_on() {
    let job = jobs::plain(sized(20_000, 60_000));
    let reference = job.reference(&identity());
    let workdir = Workdir::new();
    job.lay(&workdir);
    let Some(mount) = Mount::new(&workdir, 1024) else {
        return;
    };
    let mut kib = 1024;
    let mut failures = 0;
    loop {
        let arguments = on_disk(&job, "--resume --checkpoint-every 2000");
        let ended = start(&workdir, &arguments, None).end();
        if ended.code() == Some(1) {
            break;
        }
        ended
            .exit(6)
            .says("No space left")
            .says("hint: free space on the disk");
        ended.resume_command();
        assert!(!workdir.exists("disk/out.ndjson.manifest.json"));
        failures += 1;
        kib += 1024;
        assert!(mount.again(&format!("size={kib}k")) && failures < 100);
    }
    assert!(failures >= 3, "{failures} failures");
    assert_same(&workdir, &reference, "with room");
}

#[test]
fn a_disk_that_is_full_at_the_very_end_loses_nothing() {
    // The last pages: data, the manifest, the last checkpoint.
    let job = jobs::plain(3000);
    let reference = job.reference(&identity());
    let workdir = Workdir::new();
    job.lay(&workdir);
    let Some(mount) = Mount::new(&workdir, 8192) else {
        return;
    };
    let arguments = on_disk(&job, "--resume --checkpoint-every 1000");
    start(&workdir, &arguments, None).end().exit(1);
    let size = |name: &str| workdir.bytes(&format!("disk/{name}")).len().div_ceil(4096);
    let most = 4 + [
        "out.ndjson",
        "out.rejects.ndjson",
        "out.ndjson.manifest.json",
    ]
    .map(size)
    .iter()
    .sum::<usize>();
    let mut outcomes = std::collections::BTreeSet::new();
    for pages in most.saturating_sub(10)..=most + 1 {
        for entry in fs::read_dir(workdir.path("disk")).unwrap() {
            fs::remove_file(entry.unwrap().path()).unwrap();
        }
        assert!(mount.again(&format!("size={}k", pages * 4)));
        let ended = start(&workdir, &arguments, None).end();
        outcomes.insert(ended.code());
        if ended.code() != Some(1) {
            ended.exit(6).says("hint: free space on the disk");
            ended.resume_command();
            // What was synced before is still there to go on with.
            assert!(
                workdir.exists("disk/out.ndjson.checkpoint"),
                "{pages} pages"
            );
            assert!(!workdir.exists("disk/out.ndjson.manifest.json"));
            assert!(mount.again("size=8192k"));
            let ended = start(&workdir, &arguments, None).end();
            ended.exit(1).says("resumed  after ");
        }
        assert_same(&workdir, &reference, &format!("{pages} pages"));
    }
    assert_eq!(outcomes.len(), 2, "{outcomes:?}");
}

#[test]
fn a_limit_of_file_sizes_ends_a_run_with_6_and_a_larger_one_lets_it_go_on() {
    let job = jobs::plain(20_000);
    let reference = job.reference(&identity());
    let workdir = Workdir::new();
    job.lay(&workdir);
    let arguments = format!("{} {}", job.arguments(), identity());
    let mut failures = 0;
    // Blocks of 512 bytes in every POSIX shell.
    for blocks in (400..).step_by(3000) {
        let line = format!(
            r#"ulimit -f {blocks}; trap "" XFSZ; exec "$SIGNER" {arguments} --resume --checkpoint-every 2000"#
        );
        let ended = begin(&mut shell(&workdir, &line), None).end();
        if ended.code() == Some(1) {
            break;
        }
        ended.exit(6).says("hint: raise the limit of file sizes");
        ended.resume_command();
        assert!(!workdir.exists("out.ndjson"));
        failures += 1;
    }
    assert!(failures >= 3, "{failures} failures");
    job.assert_tidy(&workdir);
    assert_eq!(sha256(&workdir.bytes("out.ndjson")), reference.signed);
    assert_eq!(
        sha256(&workdir.bytes("out.rejects.ndjson")),
        reference.rejects
    );
}

#[test]
fn a_device_that_is_always_full_is_no_file() {
    let workdir = Workdir::new();
    workdir.write("in.csv", users(0, 10, 0));
    let arguments = format!(
        "sign {} in.csv --output-format ndjson -o /dev/full",
        jobs::USERS
    );
    start(&workdir, &arguments, None)
        .end()
        .exit(2)
        .says("is a device");
    // Nor are the outputs beside it.
    let arguments = format!(
        "sign {} in.csv -o out.ndjson --rejects /dev/full",
        jobs::USERS
    );
    start(&workdir, &arguments, None)
        .end()
        .exit(2)
        .says("is a device");
    let line = format!(
        r#"exec "$SIGNER" sign {} in.csv -o - >/dev/full"#,
        jobs::USERS
    );
    let ended = begin(&mut shell(&workdir, &line), None).end();
    ended.exit(6).says("hint: free space");
}

#[test]
fn a_folder_that_takes_nothing_ends_a_run_with_6_and_nothing_is_lost() {
    let job = jobs::plain(3000);
    let reference = job.reference(&identity());
    let workdir = Workdir::new();
    job.lay(&workdir);
    let Some(mount) = Mount::new(&workdir, 8192) else {
        return;
    };
    assert!(mount.again("ro"));
    let arguments = on_disk(&job, "--resume");
    start(&workdir, &arguments, None)
        .end()
        .exit(6)
        .says("hint: choose a folder");
    assert!(mount.again("rw"));
    jobs::stop(&workdir, &on_disk(&job, ""), None);
    assert!(mount.again("ro"));
    start(&workdir, &arguments, None)
        .end()
        .exit(6)
        .says("hint: choose a folder");
    assert!(mount.again("rw"));
    start(&workdir, &arguments, None)
        .end()
        .exit(1)
        .says("resumed  after ");
    assert_same(&workdir, &reference, "writable again");
}

/// A run whose input is a FIFO, so that things can be done while it runs.
fn fed_by_hand(workdir: &Workdir, output: &str, then: impl FnOnce()) -> crate::oracle::Ended {
    let fifo = workdir.path("feed.csv");
    assert!(
        Command::new("mkfifo")
            .arg(&fifo)
            .status()
            .unwrap()
            .success()
    );
    let arguments = format!(
        "sign {} feed.csv in.csv -o {output} {}",
        jobs::USERS,
        identity()
    );
    let going = start(workdir, &arguments, None);
    let mut feed = fs::OpenOptions::new().write(true).open(&fifo).unwrap();
    std::io::Write::write_all(&mut feed, &users(0, 10, 0)).unwrap();
    let manifest = format!("{output}.manifest.json.partial");
    assert!(wait(Duration::from_secs(30), || workdir.exists(&manifest)));
    then();
    drop(feed);
    going.end_within(Duration::from_secs(60))
}

#[test]
fn a_folder_that_is_removed_under_a_run_is_an_error_with_a_hint() {
    let workdir = Workdir::new();
    workdir.write("in.csv", users(10, 3000, 0));
    fs::create_dir(workdir.path("gone")).unwrap();
    let ended = fed_by_hand(&workdir, "gone/out.ndjson", || {
        fs::remove_dir_all(workdir.path("gone")).unwrap();
    });
    ended.exit(6).says("hint: make the folder first");
}

#[test]
fn an_input_that_is_removed_under_a_run_ends_it_with_6_and_can_come_back() {
    // It was looked at, and is opened when its turn comes.
    let workdir = Workdir::new();
    workdir.write("in.csv", users(10, 3000, 0));
    let ended = fed_by_hand(&workdir, "out.ndjson", || workdir.remove("in.csv"));
    ended.exit(6).says("failed to open in.csv");
    ended.resume_command();
    assert!(!workdir.exists("out.ndjson"));
}

#[test]
fn an_input_that_is_removed_while_it_is_read_is_read_to_its_end() {
    let job = jobs::plain(sized(60_000, 600_000));
    let reference = job.reference(&identity());
    for _ in 0..10 {
        let workdir = Workdir::new();
        job.lay(&workdir);
        let arguments = format!("{} {} --checkpoint-every 500", job.arguments(), identity());
        let going = start(&workdir, &arguments, None);
        // Rows are on their way by then.
        let partial = workdir.path("out.ndjson.partial");
        wait(Duration::from_secs(30), || {
            fs::metadata(&partial).is_ok_and(|file| file.len() > 0) || workdir.exists("out.ndjson")
        });
        workdir.remove("in.csv");
        going.end().exit(1);
        assert_eq!(sha256(&workdir.bytes("out.ndjson")), reference.signed);
    }
}

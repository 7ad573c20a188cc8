//! What was changed between a crash and its resume is found and named; what
//! changes no byte may change.

use std::fs;
use std::time::{Duration, SystemTime};

use campaign_signer::output::{Checkpoint, SystemDisk};

use crate::jobs::{self, Job, Reference};
use crate::oracle::{assert_untouched, copy_all, identity, set_modified, sha256, snapshot, start};
use crate::workdir::{Workdir, key_data};

/// A job of two inputs, stopped in its second one where it can be.
struct Crime {
    job: Job,
    reference: Reference,
    scene: Workdir,
    arguments: String,
}

impl Crime {
    fn new() -> Self {
        let mut job = jobs::plain(20_000);
        job.inputs
            .push(("more.csv", jobs::users(20_000, 20_000, 7)));
        job.options = "-f impact-user-jwt --secret-file secret.txt --keep firstName";
        let reference = job.reference(&identity());
        let (scene, arguments) = jobs::stopped(&job);
        Self {
            job,
            reference,
            scene,
            arguments,
        }
    }

    /// The folder as the crash left it.
    fn again(&self) -> Workdir {
        let workdir = Workdir::new();
        copy_all(&self.scene, &workdir);
        workdir
    }

    fn kept(&self) -> Checkpoint {
        let output = self.scene.path("out.ndjson");
        Checkpoint::load(&SystemDisk, &output).unwrap().unwrap()
    }

    /// The right command still gives the right bytes.
    #[track_caller]
    fn resumes(&self, workdir: &Workdir, why: &str) {
        let ended = start(workdir, &format!("{} --resume", self.arguments), None).end();
        ended.exit(self.reference.code);
        self.is_right(workdir, why);
    }

    #[track_caller]
    fn is_right(&self, workdir: &Workdir, why: &str) {
        let signed = sha256(&workdir.bytes("out.ndjson"));
        assert_eq!(signed, self.reference.signed, "{why}");
        let rejects = sha256(&workdir.bytes("out.rejects.ndjson"));
        assert_eq!(rejects, self.reference.rejects, "{why}");
        self.job.assert_tidy(workdir);
    }

    /// A resume with these arguments is refused in these words, and touches
    /// nothing.
    #[track_caller]
    fn refuses(&self, workdir: &Workdir, arguments: &str, words: &[&str]) {
        let before = snapshot(workdir);
        let ended = start(workdir, &format!("{arguments} --resume"), None).end();
        ended.exit(2);
        for word in words {
            ended.says(word);
        }
        assert_untouched(&before, &snapshot(workdir), arguments);
    }
}

#[test]
fn another_setting_is_refused_by_its_name() {
    let crime = Crime::new();
    let right = &crime.arguments;
    let with = |more: &str| format!("{right} {more}");
    let without = |old: &str, new: &str| {
        assert!(right.contains(old), "{old}");
        right.replace(old, new)
    };
    let stamp = format!("--timestamp {}", *crate::oracle::TIMESTAMP);
    for (arguments, words) in [
        (with("--set lastName=Doe"), &["set was [] and is"][..]),
        (without("--keep firstName", "--keep id"), &["keep was "]),
        (without("--keep firstName", ""), &["keep was "]),
        (
            with("--ignore-unknown"),
            &["ignore-unknown was false and is true"],
        ),
        (with("--trim"), &["trim was "]),
        (with("--map lastName=firstName"), &["map was "]),
        (with("--key-id IRother"), &["key-id was "]),
        (with("--expires +9d"), &["expires was "]),
        (with("--row-id id"), &["row-id was "]),
        (with("--allow-future"), &["allow-future was "]),
        (with("--max-row-bytes 4096"), &["max-row-bytes was "]),
        (with("--keep-formulas"), &["keep-formulas was "]),
        (with("--output-format csv"), &["output-format was "]),
        (
            without("--job-id job", "--job-id other"),
            &["the job id was job and is other"],
        ),
        (
            without(&stamp, "--timestamp 1700000000000 --allow-stale"),
            &["the timestamp was "],
        ),
        (
            with("--rejects elsewhere.ndjson"),
            &["the rejects file was "],
        ),
        (with("--manifest elsewhere.json"), &["the manifest was "]),
        // All of them are named, not the first alone.
        (
            without("--job-id job", "--job-id other --trim --expires +9d"),
            &["the job id was ", "trim was ", "expires was "],
        ),
    ] {
        crime.refuses(&crime.again(), &arguments, words);
    }
    let workdir = crime.again();
    workdir.write("secret.txt", "another secret of more than thirty-two bytes");
    crime.refuses(&workdir, right, &["the key was "]);
    workdir.write("secret.txt", crate::workdir::SECRET);
    crime.resumes(&workdir, "after the key");
}

#[test]
fn another_key_count_format_or_delimiter_is_refused_by_its_name() {
    let mut job = jobs::plain(1);
    job.inputs = vec![("in.csv", jobs::views(3000))];
    job.options = jobs::VIEWS;
    job.output = "out.csv";
    let reference = job.reference(&identity());
    let (workdir, arguments) = jobs::stopped(&job);
    for (old, new, what) in [
        (
            "-f skan-view",
            "-f skan-view@4.0",
            "version was null and is",
        ),
        ("-f skan-view", "-f skan-storekit", "format was "),
        ("-k key.pem", "-k key.pem --count 2", "count was 1 and is 2"),
        (
            "-k key.pem",
            "-k key.pem --output-format tsv",
            "output-format was ",
        ),
        (
            "-k key.pem",
            "-k key.pem --output-format ndjson",
            "output-format was ",
        ),
        ("-k key.pem", "-k other.pem", "the key was "),
    ] {
        // Beside the folder, so that snapshots stay comparable.
        workdir.write("other.pem", other_key());
        workdir.mode("other.pem", 0o600);
        let before = snapshot(&workdir);
        let arguments = format!("{} --resume", arguments.replace(old, new));
        start(&workdir, &arguments, None).end().exit(2).says(what);
        assert_untouched(&before, &snapshot(&workdir), what);
    }
    workdir.remove("other.pem");
    start(&workdir, &format!("{arguments} --resume"), None)
        .end()
        .exit(0);
    assert_eq!(sha256(&workdir.bytes("out.csv")), reference.signed);
}

/// A P-256 key that is not the test key, made by the program.
fn other_key() -> Vec<u8> {
    static MADE: std::sync::LazyLock<Vec<u8>> = std::sync::LazyLock::new(|| {
        let workdir = Workdir::new();
        workdir.run("keygen -o other.pem").exit(0);
        workdir.bytes("other.pem")
    });
    assert_ne!(*MADE, key_data("p256.pkcs8.pem"));
    MADE.clone()
}

#[test]
fn another_input_is_refused_by_its_name() {
    let crime = Crime::new();
    let right = &crime.arguments;
    let place = crime.kept();
    // Rows of the first input are done in any case.
    let done = match place.finished.len() {
        0 => usize::try_from(place.place.byte).unwrap(),
        _ => crime.job.inputs[0].1.len(),
    };
    assert!(done > 100);

    // A byte that was read, with the same size and time.
    for at in [30, done - 5] {
        let workdir = crime.again();
        let path = workdir.path("in.csv");
        let time = fs::metadata(&path).unwrap().modified().unwrap();
        let mut bytes = workdir.bytes("in.csv");
        bytes[at] ^= 1;
        workdir.write("in.csv", &bytes);
        set_modified(&path, time);
        crime.refuses(&workdir, right, &["in.csv: "]);
        bytes[at] ^= 1;
        workdir.write("in.csv", &bytes);
        set_modified(&path, time);
        crime.resumes(&workdir, "a byte back");
    }
    // One that was not read yet is told by the time.
    let workdir = crime.again();
    let mut bytes = workdir.bytes("more.csv");
    *bytes.last_mut().unwrap() = b' ';
    workdir.write("more.csv", &bytes);
    set_modified(
        &workdir.path("more.csv"),
        SystemTime::now() + Duration::from_secs(9),
    );
    crime.refuses(
        &workdir,
        right,
        &["the time of the last change of more.csv was "],
    );

    for (what, change) in [
        ("appended", jobs::users(0, 1, 0)),
        ("truncated", Vec::new()),
    ] {
        let workdir = crime.again();
        let mut bytes = workdir.bytes("in.csv");
        bytes.extend_from_slice(&change);
        if change.is_empty() {
            bytes.truncate(done - 1);
        }
        workdir.write("in.csv", bytes);
        crime.refuses(&workdir, right, &["the size of in.csv was "]);
        // Touched is not changed in size.
        let touched = format!("{right} --accept-touched");
        crime.refuses(&workdir, &touched, &["the size of in.csv was "]);
        assert!(!workdir.exists("out.ndjson"), "{what}");
    }

    let workdir = crime.again();
    fs::copy(workdir.path("in.csv"), workdir.path("renamed.csv")).unwrap();
    let renamed = right.replace("in.csv", "renamed.csv");
    crime.refuses(
        &workdir,
        &renamed,
        &["an input was in.csv and is renamed.csv"],
    );
    let swapped = right.replace("in.csv more.csv", "more.csv in.csv");
    crime.refuses(&workdir, &swapped, &["an input was in.csv and is more.csv"]);
    let fewer = right.replace("in.csv more.csv", "in.csv");
    crime.refuses(&workdir, &fewer, &["the number of inputs was 2 and is 1"]);
    let more = right.replace("in.csv more.csv", "in.csv more.csv renamed.csv");
    crime.refuses(&workdir, &more, &["the number of inputs was 2 and is 3"]);
    workdir.remove("renamed.csv");
    crime.resumes(&workdir, "after all of that");
}

#[test]
fn an_input_that_has_vanished_is_told_and_can_come_back() {
    let crime = Crime::new();
    let workdir = crime.again();
    let (bytes, time) = {
        let path = workdir.path("in.csv");
        (
            workdir.bytes("in.csv"),
            fs::metadata(path).unwrap().modified().unwrap(),
        )
    };
    workdir.remove("in.csv");
    let before = snapshot(&workdir);
    let ended = start(&workdir, &format!("{} --resume", crime.arguments), None).end();
    ended
        .expect(matches!(ended.code(), Some(2 | 6)), "a refusal")
        .says("in.csv");
    assert_untouched(&before, &snapshot(&workdir), "without its input");
    workdir.write("in.csv", bytes);
    set_modified(&workdir.path("in.csv"), time);
    crime.resumes(&workdir, "with its input");
}

#[test]
fn an_input_that_was_only_touched_goes_on_where_that_is_accepted() {
    let crime = Crime::new();
    let workdir = crime.again();
    let later = SystemTime::now() + Duration::from_secs(100);
    set_modified(&workdir.path("in.csv"), later);
    crime.refuses(
        &workdir,
        &crime.arguments,
        &["the time of the last change of in.csv was "],
    );
    let accepted = format!("{} --resume --accept-touched", crime.arguments);
    start(&workdir, &accepted, None).end().exit(1);
    crime.is_right(&workdir, "touched");
    // Without a resume it says nothing.
    let alone = format!("{} --force --accept-touched", crime.arguments);
    start(&workdir, &alone, None).end().exit(2);
}

#[test]
fn what_changes_no_byte_may_change() {
    let crime = Crime::new();
    for options in [
        "-j 1",
        "-j 7",
        "--engine p256",
        "--self-check all",
        "--self-check off",
        "--progress json",
        "--log json",
        "--max-rejects 100000",
        "--max-rejects 90%",
        "--checkpoint-every 1ms",
        "--checkpoint-every 777,3s",
        "--expect-rows 40000",
        "--force",
    ] {
        let workdir = crime.again();
        let resumed = format!("{} --resume {options}", crime.arguments);
        let ended = start(&workdir, &resumed, None).end();
        let tolerated = options.contains("--max-rejects");
        ended.exit(i32::from(!tolerated));
        crime.is_right(&workdir, options);
    }
    // Nor need the id and the timestamp be given again.
    let workdir = crime.again();
    let silent = crime.arguments.replace(&identity(), "--resume");
    start(&workdir, &silent, None).end().exit(1);
    crime.is_right(&workdir, "without an id");
}

#[test]
fn another_version_of_the_program_is_refused() {
    let crime = Crime::new();
    let workdir = crime.again();
    let mut kept = crime.kept();
    kept.tool.version = "0.0.9".into();
    workdir.write("out.ndjson.checkpoint", kept.seal());
    let words = ["the program's version was 0.0.9 and is "];
    crime.refuses(&workdir, &crime.arguments, &words);
    let mut kept = crime.kept();
    kept.batch[0] += 1;
    workdir.write("out.ndjson.checkpoint", kept.seal());
    crime.refuses(&workdir, &crime.arguments, &["batches was "]);
}

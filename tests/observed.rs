//! What others watch a run by: a metrics file that is whole at every moment and
//! is written whatever becomes of the run, one line of JSON that says what the
//! manifest says, and silence where all went well.

#![allow(clippy::unwrap_used)]

mod exposition;
mod workdir;

use std::collections::BTreeMap;
use std::io::Write as _;
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use serde_json::Value;

use exposition::{Series, read};
use workdir::{Run, Workdir, now};

/// Three rows that can be signed and two that cannot.
const ROWS: &str = "version,ad-network-id,source-identifier,itunes-item-id,source-app-id\n\
    4.0,example123.skadnetwork,5239,525463029,1234567891\n\
    4.0,example123.skadnetwork,x,525463029,1234567891\n\
    4.0,example123.skadnetwork,5240,525463029,1234567891\n\
    4.0,example123.skadnetwork,99999,525463029,1234567891\n\
    4.0,example123.skadnetwork,5241,525463029,5838492\n";
const SIGN: &str = "sign -f skan-view -k key.pem rows.csv -o out.ndjson --force";
const WATCH: &str = "--metrics-file m.prom --summary stdout";

fn with_rows() -> Workdir {
    let workdir = Workdir::new();
    workdir.write("rows.csv", ROWS);
    workdir.write(
        "good.csv",
        ROWS.lines().take(2).collect::<Vec<_>>().join("\n"),
    );
    workdir
}

fn metrics(workdir: &Workdir, name: &str) -> BTreeMap<Series, f64> {
    let text = workdir.text(name);
    read(&text).unwrap_or_else(|error| panic!("{name}: {error}\n{text}"))
}

/// A value by its name behind `campaign_signer_` and some of its labels.
#[track_caller]
fn value(metrics: &BTreeMap<Series, f64>, name: &str, labels: &[(&str, &str)]) -> f64 {
    let fits = |(own, all): &Series| {
        *own == format!("campaign_signer_{name}")
            && labels
                .iter()
                .all(|(label, value)| all.get(*label).is_some_and(|own| own == value))
    };
    let found: Vec<f64> = metrics
        .iter()
        .filter(|(series, _)| fits(series))
        .map(|(_, value)| *value)
        .collect();
    assert_eq!(found.len(), 1, "{name} {labels:?} in {metrics:?}");
    found[0]
}

/// The only line on standard output; it is what its schema says.
#[track_caller]
fn summary(run: &Run<'_>) -> Value {
    run.expect(
        run.stdout.lines().count() == 1 && run.stdout.ends_with('\n'),
        "one line",
    );
    let summary: Value = serde_json::from_str(&run.stdout).unwrap();
    let schema = campaign_signer::schema::summary();
    let validator = jsonschema::draft202012::new(&schema).unwrap();
    let errors: Vec<String> = validator
        .iter_errors(&summary)
        .map(|error| error.to_string())
        .collect();
    run.expect(
        errors.is_empty(),
        &format!("what the schema says: {errors:?}"),
    );
    run.expect(
        summary["exit_code"] == run.status.unwrap(),
        "the exit code of the process",
    );
    summary
}

#[test]
fn metrics_and_summary_say_what_the_manifest_says() {
    exposition::assert_strict();
    let workdir = with_rows();
    let before = now() as f64 / 1000.0;
    let run = workdir.run(&format!("{SIGN} {WATCH} --job-id secret-free --count 3"));
    run.exit(1);
    let manifest: Value = serde_json::from_str(&workdir.text("out.ndjson.manifest.json")).unwrap();
    let summary = summary(&run);
    for name in ["rows", "signed", "rejected", "records"] {
        run.expect(summary[name] == manifest["counts"][name], name);
    }
    assert_eq!(summary["codes"], manifest["rejected_by_code"]);
    for name in ["job_id", "timestamp", "format", "notices"] {
        assert_eq!(summary[name], manifest[name], "{name}");
    }
    assert_eq!(summary["output"], "out.ndjson");
    let found = metrics(&workdir, "m.prom");
    let of = |name: &str, labels: &[(&str, &str)]| value(&found, name, labels);
    let counts = &manifest["counts"];
    for (name, member) in [
        ("rows_read", "rows"),
        ("rows_signed", "signed"),
        ("rows_rejected", "rejected"),
        ("records", "records"),
    ] {
        assert_eq!(of(name, &[]), counts[member].as_f64().unwrap(), "{name}");
    }
    let by_code = manifest["rejected_by_code"].as_object().unwrap();
    assert!(!by_code.is_empty());
    for (code, rows) in by_code {
        assert_eq!(
            of("rejected_rows", &[("code", code)]),
            rows.as_f64().unwrap()
        );
    }
    let all = found
        .iter()
        .filter(|((name, _), _)| name.ends_with("_rejected_rows"));
    assert_eq!(
        all.map(|(_, rows)| rows).sum::<f64>(),
        of("rows_rejected", &[])
    );
    assert_eq!(of("exit_code", &[]), 1.0);
    assert_eq!(
        of("last_success_timestamp_seconds", &[]),
        0.0,
        "rejects are no success"
    );
    let at = of("last_run_timestamp_seconds", &[("job_name", "m")]);
    assert!((before..before + 60.0).contains(&at), "{before} {at}");
    assert_eq!(
        of("build_info", &[("version", env!("CARGO_PKG_VERSION"))]),
        1.0
    );
    // The exporter is another user, and the run's own id is new every night.
    assert_eq!(workdir.mode_of("m.prom"), 0o644);
    assert!(!workdir.text("m.prom").contains("secret-free"));
    assert!(
        !workdir
            .files()
            .iter()
            .any(|name| name.ends_with(".partial"))
    );
    // What is within the limit is a success.
    workdir
        .run(&format!("{SIGN} {WATCH} --max-rejects 2"))
        .exit(0);
    let found = metrics(&workdir, "m.prom");
    assert!(value(&found, "last_success_timestamp_seconds", &[]) >= at);
    promtool(&workdir, "m.prom");
}

/// Prometheus' own judgement, where it is at hand.
fn promtool(workdir: &Workdir, name: &str) {
    let mut command = Command::new("promtool");
    let child = command
        .args(["check", "metrics"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn();
    let Ok(mut child) = child else {
        let is_needed =
            std::env::var_os("CAMPAIGN_SIGNER_NEEDS").is_some_and(|value| value == "all");
        assert!(!is_needed, "promtool is missing");
        eprintln!("skipped: promtool is not installed (Debian: prometheus)");
        return;
    };
    child
        .stdin
        .take()
        .unwrap()
        .write_all(&workdir.bytes(name))
        .unwrap();
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success(), "{output:?}");
}

#[test]
fn whatever_fails_is_told_and_the_last_success_is_kept() {
    let workdir = with_rows();
    workdir
        .run(&format!(
            "sign -f skan-view -k key.pem good.csv -o good.ndjson {WATCH}"
        ))
        .exit(0);
    let success = value(
        &metrics(&workdir, "m.prom"),
        "last_success_timestamp_seconds",
        &[],
    );
    assert!(success > 1e9);
    workdir.write("job.toml", "input = \"rows.csv\"\nformat = \"skan-view\"\nmetrics-file = \"m.prom\"\nsummary = \"stdout\"\n");
    workdir.write("broken.toml", "inputs = 3\n");
    workdir.write("bad.pem", "no key\n");
    workdir.mode("bad.pem", 0o600);
    for (arguments, code) in [
        (format!("{SIGN} {WATCH} --tiemstamp 1"), 2),
        (
            format!("{SIGN} --metrics-file=m.prom --summary=stdout --count x"),
            2,
        ),
        (format!("sign {WATCH}"), 2),
        (format!("{SIGN} {WATCH} -f skan-vew"), 2),
        (format!("{SIGN} {WATCH} --timestamp yesterday"), 2),
        (
            format!("sign -f skan-view -k key.pem rows.csv -o good.ndjson {WATCH}"),
            2,
        ),
        (
            format!("sign -f skan-view -k bad.pem rows.csv -o out.ndjson {WATCH}"),
            3,
        ),
        (
            format!("sign -f skan-view -k none.pem rows.csv -o out.ndjson {WATCH}"),
            3,
        ),
        (format!("{SIGN} {WATCH} --max-rejects 0"), 4),
        (format!("{SIGN} {WATCH} --expect-rows 9 --max-rejects 5"), 4),
        (
            format!("{} {WATCH}", SIGN.replace("rows.csv", "none.csv")),
            6,
        ),
        (
            format!("check -f skan-view none.csv --rejects r.csv {WATCH}"),
            6,
        ),
        (
            format!("check -f skan-view rows.csv --rejects r.csv {WATCH}"),
            1,
        ),
        ("run job.toml".to_owned(), 2),
        (format!("run broken.toml {WATCH}"), 2),
        (format!("run none.toml {WATCH}"), 2),
        (format!("run job.toml {WATCH} --only x"), 2),
        (format!("run {WATCH}"), 2),
        (format!("{SIGN} {WATCH}"), 1),
    ] {
        let run = workdir.run(&arguments);
        run.exit(code);
        let summary = summary(&run);
        run.expect(
            summary["error"].is_object() == (code != 1),
            "an error, or none",
        );
        let message = summary["error"]["message"].as_str().unwrap_or_default();
        run.says(message);
        let found = metrics(&workdir, "m.prom");
        assert_eq!(value(&found, "exit_code", &[]), f64::from(code), "{run}");
        assert_eq!(
            value(&found, "last_success_timestamp_seconds", &[]),
            success,
            "{run}"
        );
    }
    // What stopped early has counted something; nothing of it is published.
    let run = workdir.run(&format!("{SIGN} {WATCH} --expect-rows 9 --max-rejects 5"));
    assert_eq!(
        (&summary(&run)["rows"], &summary(&run)["rejected"]),
        (&5.into(), &2.into()),
        "{run}"
    );
    // To look is not to run.
    let before = workdir.bytes("m.prom");
    let looks = ["--dry-run", "--plan", "--dry-run --typo"];
    for look in looks {
        let run = workdir.run(&format!("{SIGN} {WATCH} {look}"));
        run.expect(summary(&run)["signed"] == 0, "nothing signed");
    }
    workdir
        .run(&format!("plan -f skan-view -k key.pem rows.csv {WATCH}"))
        .exit(1);
    workdir
        .run(&format!("{SIGN} --metrics-file m.prom --sample 1"))
        .exit(1);
    assert_eq!(workdir.bytes("m.prom"), before);
    for help in ["sign --help", "--version", "run -h"] {
        workdir.run(&format!("{help} {WATCH}"));
        assert_eq!(workdir.bytes("m.prom"), before, "{help}");
    }
}

#[test]
fn a_stopped_run_is_told_as_interrupted() {
    let workdir = with_rows();
    for verb in [
        "sign -f skan-view -k key.pem -o out.ndjson --force",
        "check -f skan-view --rejects r.ndjson --force",
    ] {
        let arguments = format!("{verb} --input-format csv {WATCH} -q");
        let arguments: Vec<&str> = arguments.split_whitespace().collect();
        let mut child = workdir
            .command(&arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut pipe = child.stdin.take().unwrap();
        pipe.write_all(ROWS.as_bytes()).unwrap();
        // Long enough to be listening; the pipe stays open, so it cannot end.
        std::thread::sleep(Duration::from_millis(1500));
        let kill = Command::new("kill")
            .args(["-TERM", &child.id().to_string()])
            .status();
        assert!(kill.unwrap().success());
        let output = child.wait_with_output().unwrap();
        drop(pipe);
        assert_eq!(output.status.code(), Some(5), "{output:?}");
        let summary: Value = serde_json::from_slice(&output.stdout).unwrap();
        assert_eq!(summary["exit_code"], 5);
        let words = String::from_utf8(output.stderr).unwrap();
        assert!(words.contains("error: interrupted after"), "{words}");
        assert_eq!(value(&metrics(&workdir, "m.prom"), "exit_code", &[]), 5.0);
    }
}

const TWO: &str = "input = \"rows.csv\"\nformat = \"skan-view\"\nkey = \"key.pem\"\n\
    metrics-file = \"m.prom\"\nsummary = \"stdout\"\n\
    [[output]]\nname = \"a\"\noutput = \"a.ndjson\"\nmax-rejects = 2\n\
    [[output]]\nname = \"b\"\noutput = \"b.ndjson\"\nmax-rejects = 2\ncount = 2\n";

#[test]
fn a_job_of_several_outputs_has_one_file_and_one_line_for_all() {
    let workdir = with_rows();
    workdir.write("job.toml", TWO);
    let run = workdir.run("run job.toml -q");
    run.exit(0).expect(run.stderr.is_empty(), "silence");
    let whole = summary(&run);
    assert_eq!((&whole["rows"], &whole["records"]), (&10.into(), &9.into()));
    assert_eq!(
        whole["codes"]
            .as_object()
            .unwrap()
            .values()
            .map(|n| n.as_u64().unwrap())
            .sum::<u64>(),
        4
    );
    assert_eq!(whole["outputs_planned"], 2);
    assert_eq!(whole["outputs"][1]["name"], "b");
    assert_eq!(whole["outputs"][1]["records"], 6);
    let found = metrics(&workdir, "m.prom");
    for (output, records) in [("a", 3.0), ("b", 6.0)] {
        let labels = [("output", output), ("job_name", "m")];
        assert_eq!(value(&found, "records", &labels), records);
        assert_eq!(value(&found, "rows_rejected", &labels), 2.0);
    }
    assert_eq!(value(&found, "exit_code", &[]), 0.0);
    promtool(&workdir, "m.prom");

    // The first is done, the second cannot go on.
    let failing = TWO.replace("max-rejects = 2\ncount", "max-rejects = 0\ncount");
    workdir.write("job.toml", &failing);
    let run = workdir.run("run job.toml --force");
    run.exit(4);
    let whole = summary(&run);
    assert_eq!(whole["outputs"].as_array().unwrap().len(), 2);
    assert_eq!(
        (
            &whole["outputs"][0]["exit_code"],
            &whole["outputs"][1]["exit_code"]
        ),
        (&0.into(), &4.into())
    );
    assert!(
        whole["error"]["resume"]
            .as_str()
            .unwrap()
            .contains(" --resume")
    );
    let found = metrics(&workdir, "m.prom");
    assert_eq!(value(&found, "rows_signed", &[("output", "a")]), 3.0);
    assert_eq!(value(&found, "exit_code", &[]), 4.0);

    // One output alone may not watch for itself, nor write where the line goes.
    for (text, words) in [
        (TWO.to_owned() + "quiet = true\n", "are of the whole job"),
        (
            TWO.to_owned() + "metrics-file = \"n.prom\"\n",
            "job.toml, output b: metrics-file",
        ),
        (
            TWO.replace("\"b.ndjson\"", "\"-\""),
            "standard output has the signed records already",
        ),
        (
            TWO.replace("\"b.ndjson\"", "\"m.prom\"\noutput-format = \"csv\""),
            "would be both the metrics and the signed records",
        ),
    ] {
        workdir.write("job.toml", text);
        workdir.run("run job.toml --force").exit(2).says(words);
    }
}

#[test]
fn labels_are_escaped_and_name_the_job_by_its_file() {
    let workdir = with_rows();
    let odd = "a \"quoted\" back\\slash\nnext {x=1} é.prom";
    let arguments: Vec<&str> = SIGN
        .split_whitespace()
        .chain(["--metrics-file", odd])
        .collect();
    workdir.run_args(&arguments).exit(1);
    let found = metrics(&workdir, odd);
    let name = odd.strip_suffix(".prom").unwrap();
    assert!(
        found.keys().all(|(_, labels)| labels["job_name"] == name),
        "{found:?}"
    );
    promtool(&workdir, odd);
}

#[test]
fn a_file_that_is_not_ours_is_left_alone_and_the_run_goes_on() {
    let workdir = with_rows();
    workdir.write("notes.txt", "# HELP me\n");
    workdir.write("empty", "");
    std::fs::create_dir(workdir.path("folder")).unwrap();
    std::os::unix::fs::symlink("elsewhere.prom", workdir.path("link.prom")).unwrap();
    for name in [
        "key.pem",
        "good.csv",
        "notes.txt",
        "folder",
        "link.prom",
        "none/m.prom",
        "empty",
    ] {
        let before = std::fs::read(workdir.path(name)).ok();
        let run = workdir.run(&format!("{SIGN} --max-rejects 2 --metrics-file {name}"));
        run.exit(0).warns(name);
        assert_eq!(std::fs::read(workdir.path(name)).ok(), before, "{name}");
    }
    assert!(!workdir.exists("elsewhere.prom"));
    // What the run itself reads or writes is refused, and nothing comes to be.
    for name in [
        "new.ndjson",
        "new.ndjson.lock",
        "new.ndjson.partial",
        "new.rejects.ndjson",
        "new.ndjson.manifest.json",
        "-",
    ] {
        let sign = SIGN.replace("out.ndjson", "new.ndjson");
        let run = workdir.run(&format!("{sign} --metrics-file {name}"));
        run.exit(2).expect(!run.hint().is_empty(), "a hint");
        run.expect(!workdir.exists(name), "no metrics");
    }
    workdir
        .run(&format!("{SIGN} --metrics-file rows.csv"))
        .exit(1)
        .warns("rows.csv");
    assert_eq!(workdir.text("rows.csv"), ROWS);
    // A damaged one is replaced.
    workdir.write("m.prom", "# HELP campaign_signer_x \u{0}\nnonsense");
    workdir.run(&format!("{SIGN} {WATCH}")).exit(1);
    metrics(&workdir, "m.prom");
}

#[test]
fn who_reads_the_metrics_never_finds_half_of_them() {
    let workdir = with_rows();
    workdir.run(&format!("{SIGN} {WATCH}")).exit(1);
    let is_over = AtomicBool::new(false);
    std::thread::scope(|threads| {
        let reader = threads.spawn(|| {
            let mut times = 0;
            while !is_over.load(Ordering::Relaxed) {
                metrics(&workdir, "m.prom");
                times += 1;
                std::thread::sleep(Duration::from_micros(200));
            }
            times
        });
        for _ in 0..8 {
            workdir.run(&format!("{SIGN} {WATCH}")).exit(1);
        }
        is_over.store(true, Ordering::Relaxed);
        assert!(reader.join().unwrap() > 100);
    });
}

#[test]
fn standard_output_has_one_use() {
    let workdir = with_rows();
    for (arguments, words) in [
        (
            "sign -f skan-view -k key.pem rows.csv -o - --summary stdout",
            "the signed records",
        ),
        (
            "sign -f skan-view -k key.pem rows.csv --sample 1 --summary stdout",
            "the samples",
        ),
        (
            "check -f skan-view rows.csv --summary stdout",
            "the rejects",
        ),
    ] {
        let run = workdir.run(arguments);
        run.exit(2)
            .says(words)
            .expect(run.stdout.is_empty(), "nothing on standard output");
    }
    // Who waits for the line and does not get it is told.
    for (good, code) in [(true, 6), (false, 1)] {
        let rows = if good { "good.csv" } else { "rows.csv" };
        let line = format!("{} --summary stdout", SIGN.replace("rows.csv", rows));
        let arguments: Vec<&str> = line.split_whitespace().collect();
        let full = std::fs::OpenOptions::new().write(true).open("/dev/full");
        let Ok(full) = full else { return };
        let output = workdir.command(&arguments).stdout(full).output().unwrap();
        assert_eq!(output.status.code(), Some(code), "{output:?}");
    }
}

#[test]
fn quiet_is_silent_when_all_is_well_and_says_everything_otherwise() {
    let workdir = with_rows();
    workdir.mode("key.pem", 0o644);
    let loud = workdir.run(&format!("{SIGN} --max-rejects 2"));
    loud.exit(0).says("warning: ");
    workdir.write(
        "job.toml",
        TWO.replace("summary = \"stdout\"\n", "quiet = true\n"),
    );
    let sign = format!("{SIGN} --max-rejects 2");
    for arguments in [
        format!("{sign} -q"),
        format!("{sign} --quiet --metrics-file key.pem"),
        format!("{sign} -q --log json"),
        format!("{sign} -q --progress json"),
        format!("{sign} -q --progress bar"),
        format!("{sign} -q --dry-run"),
        "run job.toml --force".to_owned(),
        "check -f skan-view good.csv -q".to_owned(),
    ] {
        let run = workdir.run(&arguments);
        run.exit(0)
            .expect(run.stderr.is_empty() && run.stdout.is_empty(), "silence");
    }
    // Told at the end instead of on the way, and otherwise the same.
    for (arguments, code) in [
        (SIGN.to_owned(), 1),
        (format!("{SIGN} --max-rejects 0"), 4),
        (format!("{SIGN} --timestamp yesterday"), 2),
        ("run none.toml".to_owned(), 2),
    ] {
        let fixed = match code {
            2 => arguments,
            _ => format!("{arguments} --job-id j --timestamp {}", now()),
        };
        let lines = |run: Run<'_>| {
            run.exit(code);
            let kept = run.stderr.lines().filter(|line| !line.contains("  time  "));
            kept.map(|line| line.replace("-q ", ""))
                .filter(|line| !line.contains("resume: "))
                .collect::<Vec<_>>()
        };
        let loud = lines(workdir.run(&fixed));
        let quiet = lines(workdir.run(&format!("{fixed} -q")));
        assert!(!loud.is_empty());
        assert_eq!(loud, quiet);
    }
}

#[test]
fn progress_in_json_says_how_far_it_is_and_ends_with_the_summary() {
    let workdir = Workdir::new();
    let arguments = "sign -f skan-view -k key.pem --input-format csv -o out.ndjson --progress json -j 2 \
         --checkpoint-every 1000 --engine p256 --self-check off";
    let arguments: Vec<&str> = arguments.split_whitespace().collect();
    let mut child = workdir
        .command(&arguments)
        .stdin(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut pipe = child.stdin.take().unwrap();
    let output = std::thread::scope(|threads| {
        threads.spawn(move || {
            let (header, rows) = ROWS.split_once('\n').unwrap();
            pipe.write_all(header.as_bytes()).unwrap();
            pipe.write_all(b"\n").unwrap();
            let good = rows.lines().next().unwrap();
            let rows = format!("{good}\n").repeat(4000);
            // A line is due after five seconds, when some more work is done.
            for _ in 0..14 {
                pipe.write_all(rows.as_bytes()).unwrap();
                std::thread::sleep(Duration::from_millis(500));
            }
        });
        child.wait_with_output().unwrap()
    });
    assert!(output.status.success(), "{output:?}");
    let words = String::from_utf8(output.stderr).unwrap();
    let events: Vec<Value> = words
        .lines()
        .filter_map(|line| serde_json::from_str(line).ok())
        .collect();
    let progress = events.iter().find(|event| event["event"] == "progress");
    let progress = progress.unwrap_or_else(|| panic!("no progress in {words}"));
    for name in [
        "rows",
        "rejected",
        "records",
        "bytes",
        "rows_per_s",
        "checkpoint",
    ] {
        assert!(progress[name].is_number(), "{name} in {progress}");
    }
    // How much there is to come, nobody knows of a pipe.
    assert!(progress["eta_s"].is_null() && progress["total_bytes"].is_null());
    assert!(progress["checkpoint"].as_u64() <= progress["rows"].as_u64());
    let last: Value = serde_json::from_str(words.lines().last().unwrap()).unwrap();
    assert_eq!(last["event"], "summary");
    assert_eq!(
        (&last["rows"], &last["exit_code"]),
        (&56_000.into(), &0.into())
    );
}

//! The recipes of `examples/` do what their pages say, here, with the program
//! that was just built. What needs another program (DuckDB, GNU parallel,
//! systemd, a linter) is skipped without it, and says so; where
//! `CAMPAIGN_SIGNER_NEEDS=all` that is a failure.
#![allow(clippy::unwrap_used)] // A failed unwrap is a failed test.
#![cfg(target_os = "linux")]

mod workdir;

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use workdir::Workdir;

const TIMESTAMP: &str = "2026-11-21T01:00:00Z";

fn recipe(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("examples")
        .join(name)
}

fn text(name: &str) -> String {
    fs::read_to_string(recipe(name)).unwrap()
}

/// Whether a program is there.
fn has(program: &str) -> bool {
    let path = std::env::var_os("PATH").unwrap_or_default();
    if std::env::split_paths(&path).any(|folder| folder.join(program).is_file()) {
        return true;
    }
    let needs = std::env::var_os("CAMPAIGN_SIGNER_NEEDS");
    let needs_all = needs.is_some_and(|needs| needs == "all");
    assert!(!needs_all, "{program} is not installed");
    eprintln!("skipped: {program} is not installed");
    false
}

/// A command in the folder that finds the program by its name; `bin` in the
/// folder comes before it.
fn command(workdir: &Workdir, program: impl AsRef<Path>, arguments: &[&str]) -> Command {
    let own = Path::new(env!("CARGO_BIN_EXE_campaign-signer"));
    let mut path = vec![workdir.path("bin"), own.parent().unwrap().to_owned()];
    path.extend(std::env::split_paths(
        &std::env::var_os("PATH").unwrap_or_default(),
    ));
    let mut command = Command::new(program.as_ref());
    command
        .args(arguments)
        .current_dir(workdir.path(""))
        .env("PATH", std::env::join_paths(path).unwrap())
        .env("LC_ALL", "C.UTF-8");
    command
}

/// Runs a command to its end: its exit code, and what it printed.
fn run(command: &mut Command) -> (i32, String, String) {
    let Output {
        status,
        stdout,
        stderr,
    } = command.output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (status.code().unwrap(), text(stdout), text(stderr))
}

#[track_caller]
fn good(command: &mut Command) -> String {
    let (code, said, told) = run(command);
    assert_eq!(code, 0, "{command:?}\n{said}\n{told}");
    said
}

/// A program of this name that stands before the real one, which is `$REAL`.
fn stand_in(workdir: &Workdir, script: &str) {
    let _ = fs::create_dir(workdir.path("bin"));
    let real = env!("CARGO_BIN_EXE_campaign-signer");
    workdir.write(
        "bin/campaign-signer",
        format!("#!/bin/sh\nREAL='{real}'\n{script}\n"),
    );
    workdir.mode("bin/campaign-signer", 0o755);
}

fn with_rows() -> Workdir {
    let workdir = Workdir::new();
    let rows = recipe("data/skan-view.csv");
    workdir.write("rows.csv", fs::read(rows).unwrap());
    workdir
}

/// Every run that a manifest stands for is whole.
#[track_caller]
fn verify(workdir: &Workdir, manifest: &str) {
    workdir
        .run(&format!(
            "verify --public-key pub.pem --manifest {manifest}"
        ))
        .exit(0)
        .says("in order, nothing twice");
}

#[test]
fn duckdb_gets_the_rows_of_its_query_back_signed_or_nothing_at_all() {
    if !has("duckdb") {
        return;
    }
    let workdir = Workdir::new();
    let sign = |query: Option<&str>| {
        let arguments = ["key.pem", "night", TIMESTAMP, "out.parquet"];
        let mut command = command(&workdir, recipe("duckdb/sign.sh"), &arguments);
        if let Some(query) = query {
            workdir.write("other.sql", query);
            command.env("QUERY", "other.sql");
        }
        command
    };
    let rows = |file: &str| {
        let copy = format!("COPY (SELECT * FROM '{file}') TO '/dev/stdout' (FORMAT json)");
        good(&mut command(&workdir, "duckdb", &["-c", &copy]))
    };
    let told = good(&mut sign(None));
    assert!(told.starts_with("1000 rows signed, 0 rejected"), "{told}");
    let signed = rows("out.parquet");
    let arguments = ["verify", "--public-key", "pub.pem", "-"];
    workdir
        .run_with(&arguments, signed.as_bytes())
        .exit(0)
        .says("1000 of 1000 records");
    // Another attempt gives the same rows and the same nonces; signatures, too.
    good(&mut sign(None));
    assert!(rows("out.parquet") == signed);
    // A row that cannot be signed is in the other file, with its reason.
    let bad = text("duckdb/query.sql").replace("5000 + n % 200", "9990 + n % 20");
    let told = good(&mut sign(Some(&bad)));
    assert!(told.starts_with("500 rows signed, 500 rejected"), "{told}");
    assert_eq!(rows("out.parquet").lines().count(), 500);
    let rejects = rows("out.rejects.parquet");
    assert!(
        rejects.contains("\"field\":\"source-identifier\""),
        "{rejects}"
    );
    // A signer that dies, or loses rows, leaves what was there.
    let before = workdir.bytes("out.parquet");
    let files = workdir.files();
    let half = "shift; head -n 500 | \"$REAL\" filter \"$@\"; cat > /dev/null";
    for (script, expected) in [(format!("{half}; exit 6"), 6), (half.to_owned(), 70)] {
        stand_in(&workdir, &script);
        let (code, said, told) = run(&mut sign(None));
        assert_eq!(code, expected, "{said}\n{told}");
        assert!(workdir.bytes("out.parquet") == before);
        workdir.remove("bin/campaign-signer");
        fs::remove_dir(workdir.path("bin")).unwrap();
        assert_eq!(workdir.files(), [&files[..], &[]].concat());
    }
}

#[test]
fn cron_hears_nothing_of_a_good_night_and_tries_again_where_that_helps() {
    let workdir = with_rows();
    let nightly = |night: &str| {
        let mut command = command(&workdir, recipe("cron/nightly.sh"), &[night]);
        for (name, value) in [
            ("KEY", "key.pem"),
            ("ROWS", "rows.csv"),
            ("OUT", "out"),
            ("PAUSE", "0"),
            ("METRICS", "night.prom"),
        ] {
            command.env(name, value);
        }
        command
    };
    // The first two attempts fail as a full disk does.
    stand_in(
        &workdir,
        "echo >> attempts; [ $(wc -l < attempts) -gt 2 ] || exit 6; exec \"$REAL\" \"$@\"",
    );
    assert_eq!(run(&mut nightly("2026-11-21")), (0, "".into(), "".into()));
    assert_eq!(workdir.lines("attempts").len(), 3);
    let signed = workdir.bytes("out/2026-11-21.ndjson.zst");
    verify(&workdir, "out/2026-11-21.ndjson.zst.manifest.json");
    assert!(workdir.text("night.prom").contains("rows"));
    // Once more: it is done, and stays.
    assert_eq!(run(&mut nightly("2026-11-21")), (0, "".into(), "".into()));
    assert!(workdir.bytes("out/2026-11-21.ndjson.zst") == signed);
    // The key is wrong, and stays wrong.
    workdir.remove("attempts");
    stand_in(&workdir, "echo >> attempts; exit 3");
    assert_eq!(run(&mut nightly("2026-11-22")).0, 3);
    assert_eq!(workdir.lines("attempts").len(), 1);
    stand_in(&workdir, "echo >> attempts; exit 6");
    assert_eq!(run(&mut nightly("2026-11-22")).0, 6);
    assert_eq!(workdir.lines("attempts").len(), 4);
    for line in text("cron/crontab").lines() {
        let is_setting = line
            .split_once('=')
            .is_some_and(|(name, _)| name.bytes().all(|byte| byte.is_ascii_uppercase()));
        let words: Vec<&str> = line.split_whitespace().collect();
        let is_job = words.len() == 6 && words[5].ends_with("/nightly.sh");
        assert!(line.starts_with('#') || is_setting || is_job, "{line}");
    }
}

#[test]
fn parallel_signs_shards_and_goes_on_after_one_has_failed() {
    if !has("parallel") {
        return;
    }
    let workdir = with_rows();
    fs::create_dir(workdir.path("shards")).unwrap();
    let names: Vec<String> = (0..6).map(|at| format!("shard-{at}")).collect();
    for name in &names {
        workdir.write(&format!("shards/{name}.csv"), workdir.bytes("rows.csv"));
    }
    let sign = |out: &str| {
        let arguments = ["key.pem", "night", TIMESTAMP, "shards", out];
        command(&workdir, recipe("parallel/sign-shards.sh"), &arguments)
    };
    good(&mut sign("whole"));
    stand_in(
        &workdir,
        "case \"$*\" in *shard-3*) exit 6 ;; esac; exec \"$REAL\" \"$@\"",
    );
    assert_ne!(run(&mut sign("out")).0, 0);
    assert!(!workdir.exists("out/shard-3.ndjson"));
    workdir.remove("bin/campaign-signer");
    good(&mut sign("out"));
    let mut all = BTreeSet::new();
    for name in &names {
        let signed = workdir.bytes(&format!("whole/{name}.ndjson"));
        assert!(
            signed == workdir.bytes(&format!("out/{name}.ndjson")),
            "{name}"
        );
        verify(&workdir, &format!("out/{name}.ndjson.manifest.json"));
        for record in workdir.json(&format!("out/{name}.ndjson")) {
            let nonce = record["nonce"].as_str().unwrap().to_owned();
            assert!(all.insert(nonce), "equal rows of two shards have one nonce");
        }
    }
}

/// What stands under `args:` in a file for Kubernetes.
fn arguments(yaml: &str) -> Vec<String> {
    let (_, list) = yaml
        .split_once("\n              args:\n")
        .unwrap_or_else(|| yaml.split_once("\n          args:\n").unwrap());
    let lines = list.lines().map(str::trim);
    let lines = lines.take_while(|line| line.starts_with("- ") || line.starts_with('#'));
    lines
        .filter_map(|line| line.strip_prefix("- "))
        .map(str::to_owned)
        .collect()
}

#[test]
fn what_stands_in_the_files_for_kubernetes_signs_and_every_exit_code_has_its_rule() {
    let workdir = with_rows();
    workdir.mode("key.pem", 0o440);
    workdir.write("campaigns.csv", workdir.bytes("rows.csv"));
    fs::create_dir(workdir.path("shards")).unwrap();
    for shard in ["0", "7"] {
        workdir.write(
            &format!("shards/shard-{shard}.csv"),
            workdir.bytes("rows.csv"),
        );
    }
    for (file, shard, output) in [
        ("cronjob.yaml", "", "night.ndjson.zst"),
        ("indexed-job.yaml", "0", "night.shard-0.ndjson.zst"),
        ("indexed-job.yaml", "7", "night.shard-7.ndjson.zst"),
    ] {
        let yaml = text(&format!("kubernetes/{file}"));
        let arguments = arguments(&yaml).into_iter().map(|argument| {
            argument
                .replace("$(JOB_NAME)", "night")
                .replace("$(SHARD)", shard)
                .replace("/keys/network.p8", "key.pem")
                .replace("/data/", "")
        });
        let arguments: Vec<String> = arguments.collect();
        let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
        workdir.run_args(&arguments).exit(0);
        verify(&workdir, &format!("{output}.manifest.json"));
        // A pod that comes too late finds the work done.
        workdir.run_args(&arguments).exit(0);
        let codes = yaml.lines().filter_map(|line| {
            let list = line.trim().strip_prefix("values: [")?;
            Some(
                list.trim_end_matches(']')
                    .split(", ")
                    .map(|code| code.parse::<u8>().unwrap()),
            )
        });
        let codes: Vec<u8> = codes.flatten().collect();
        let all: BTreeSet<u8> = codes.iter().copied().collect();
        // What `sign` may end with, each once; 0 is no failure.
        assert_eq!(all, BTreeSet::from([1, 2, 3, 4, 5, 6, 8, 70]), "{file}");
        assert_eq!(all.len(), codes.len(), "{file}");
    }
    let [first, second] =
        ["0", "7"].map(|shard| workdir.bytes(&format!("night.shard-{shard}.ndjson.zst")));
    assert!(
        first != second,
        "equal rows of two shards have the same nonces"
    );
    if has("kubernetes-validate") {
        let files =
            ["cronjob.yaml", "indexed-job.yaml"].map(|name| recipe("kubernetes").join(name));
        let files = files.map(|file| file.display().to_string());
        let arguments = [
            "--kubernetes-version",
            "1.33",
            "--strict",
            &files[0],
            &files[1],
        ];
        let (code, said, told) = run(&mut command(&workdir, "kubernetes-validate", &arguments));
        assert_eq!(code, 0, "{said}\n{told}");
    }
}

#[test]
fn what_systemd_runs_signs_with_the_key_it_is_handed_and_the_unit_is_closed() {
    let workdir = with_rows();
    let unit = text("systemd/campaign-signer.service");
    let own = env!("CARGO_BIN_EXE_campaign-signer");
    let line = unit
        .lines()
        .find_map(|line| line.strip_prefix("ExecStart="));
    let script = line.unwrap().strip_prefix("/bin/sh -euc '").unwrap();
    let script = script.strip_suffix('\'').unwrap();
    let script = script
        .replace("$$", "$")
        .replace("%%", "%")
        .replace("/usr/bin/campaign-signer", own);
    for folder in ["credentials", "state"] {
        fs::create_dir(workdir.path(folder)).unwrap();
    }
    workdir.write("credentials/network.p8", workdir.bytes("key.pem"));
    workdir.mode("credentials/network.p8", 0o400);
    let shell = || {
        let mut shell = command(&workdir, "/bin/sh", &["-euc", &script]);
        shell
            .env("CREDENTIALS_DIRECTORY", workdir.path("credentials"))
            .env("STATE_DIRECTORY", workdir.path("state"))
            .env("ROWS", "rows.csv")
            .env("FORMAT", "skan-view");
        shell
    };
    assert_eq!(run(&mut shell()), (0, "".into(), "".into()));
    let state = fs::read_dir(workdir.path("state")).unwrap();
    let names = state.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let manifest = names
        .into_iter()
        .find(|name| name.ends_with(".manifest.json"));
    verify(&workdir, &format!("state/{}", manifest.unwrap()));
    assert_eq!(run(&mut shell()).0, 0, "it is done already");
    // The same codes as everywhere are final.
    assert!(unit.contains("\nRestartPreventExitStatus=1 2 3 4 70\n"));
    if !has("systemd-analyze") {
        return;
    }
    workdir.write(
        "campaign-signer.service",
        unit.replace("/usr/bin/campaign-signer", own),
    );
    workdir.write(
        "campaign-signer.timer",
        text("systemd/campaign-signer.timer"),
    );
    let units = ["./campaign-signer.service", "./campaign-signer.timer"];
    let verify = ["verify", "--man=no", units[0], units[1]];
    let (code, said, told) = run(&mut command(&workdir, "systemd-analyze", &verify));
    assert_eq!((code, said + &told), (0, String::new()));
    let security = [
        "security",
        "--offline=true",
        "--no-pager",
        "--threshold=15",
        units[0],
    ];
    good(&mut command(&workdir, "systemd-analyze", &security));
}

#[test]
fn the_dockerfile_is_clean_and_gets_what_the_build_takes_and_nothing_else() {
    let workdir = Workdir::new();
    let dockerfile = text("docker/Dockerfile");
    for says in [
        "gcr.io/distroless/cc-debian12:nonroot",
        "USER 65532:65532",
        "cargo build --locked --release",
        "ENTRYPOINT [\"/usr/bin/campaign-signer\"]",
    ] {
        assert!(dockerfile.contains(says), "{says}");
    }
    // The context: everything is left out but these.
    let ignored = text("docker/Dockerfile.dockerignore");
    let mut rules = ignored.lines().filter(|line| !line.starts_with('#'));
    assert_eq!(rules.next(), Some("*"));
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    for name in rules.map(|rule| rule.strip_prefix('!').unwrap()) {
        let from = root.join(name).display().to_string();
        good(&mut command(&workdir, "cp", &["-R", &from, "."]));
    }
    let keys = [
        "-type",
        "f",
        "(",
        "-name",
        "*.p8",
        "-o",
        "-name",
        "*secret*.txt",
        ")",
    ];
    let found = [&["src", "benches"][..], &keys].concat();
    assert_eq!(good(&mut command(&workdir, "find", &found)), "");
    let metadata = [
        "metadata",
        "--format-version=1",
        "--no-deps",
        "--locked",
        "--offline",
    ];
    let metadata = good(&mut command(&workdir, env!("CARGO"), &metadata));
    assert!(metadata.contains("\"name\":\"campaign-signer\""));
    if has("hadolint") {
        let file = recipe("docker/Dockerfile").display().to_string();
        assert_eq!(good(&mut command(&workdir, "hadolint", &[&file])), "");
    }
}

/// The few names that the DAG takes from Airflow, and what fills templates in.
const STAND_IN: [(&str, &str); 3] = [
    ("airflow/__init__.py", ""),
    (
        "airflow/exceptions.py",
        "class AirflowException(Exception): pass\nclass AirflowFailException(AirflowException): pass\n",
    ),
    (
        "airflow/sdk/__init__.py",
        "import logging\n\
         class DAG:\n\
         \x20   def __init__(self, **kwargs): self.__dict__.update(kwargs)\n\
         \x20   def __enter__(self): return self\n\
         \x20   def __exit__(self, *error): pass\n\
         class BaseOperator:\n\
         \x20   def __init__(self, *, task_id, **kwargs):\n\
         \x20       self.task_id = task_id\n\
         \x20       self.log = logging.getLogger(task_id)\n\
         \x20   def __rshift__(self, other): return other\n",
    ),
];

/// Runs the tasks one after another in this folder, as a worker would.
const WORKER: &str = r#"
import json, sys
import sign_campaigns as dag
values = {"run_id": "scheduled__2026-11-21T01:30:00+00:00", "ts": "2026-11-21T01:30:00+00:00",
    "ts_nodash": "20261121T013000", "params.format": "skan-view", "params.key": "key.pem",
    "params.rows": "rows.csv", "params.public_key": "pub.pem", "params.folder": "."}
assert dag.dag.default_args["retries"] == 3 and dag.dag.max_active_runs == 1
for task in [getattr(dag, name) for name in sys.argv[1:]]:
    assert task.template_fields == ("arguments",)
    for name, value in values.items():
        task.arguments = [a.replace("{{ %s }}" % name, value) for a in task.arguments]
    assert not any("{{" in a for a in task.arguments), task.arguments
    try:
        print(json.dumps(task.execute({})))
    except Exception as error:
        print(type(error).__name__, error)
"#;

#[test]
fn airflow_gets_one_object_and_tries_again_only_where_that_helps() {
    if !has("python3") {
        return;
    }
    let workdir = with_rows();
    fs::create_dir_all(workdir.path("airflow/sdk")).unwrap();
    for (name, text) in STAND_IN {
        workdir.write(name, text);
    }
    workdir.write("worker.py", WORKER);
    workdir.write("sign_campaigns.py", text("airflow/sign_campaigns.py"));
    airflow(&workdir);
}

fn airflow(workdir: &Workdir) {
    let worker = |tasks: &[&str]| {
        let arguments = [&["worker.py"], tasks].concat();
        let mut command = command(workdir, "python3", &arguments);
        good(&mut command)
    };
    let said = worker(&["sign", "verify"]);
    let [xcom, verified] = said.lines().collect::<Vec<_>>()[..] else {
        panic!("{said}");
    };
    let xcom: serde_json::Value = serde_json::from_str(xcom).unwrap();
    assert_eq!(xcom["job_id"], "scheduled__2026-11-21T01:30:00+00:00");
    assert_eq!(xcom["timestamp"], 1_795_224_600_000_u64);
    assert_eq!(
        (&xcom["exit_code"], &xcom["rejected"]),
        (&0.into(), &0.into())
    );
    assert_eq!(verified, "null");
    let signed = workdir.bytes("20261121T013000.ndjson.zst");
    // Cleared and run again, it is the same.
    assert_eq!(worker(&["sign"]).lines().count(), 1);
    assert!(workdir.bytes("20261121T013000.ndjson.zst") == signed);
    for (code, raises) in [
        (1, "AirflowFailException"),
        (2, "AirflowFailException"),
        (3, "AirflowFailException"),
        (4, "AirflowFailException"),
        (5, "AirflowException"),
        (6, "AirflowException"),
        (7, "AirflowFailException"),
        (8, "AirflowException"),
        (70, "AirflowFailException"),
    ] {
        stand_in(workdir, &format!("echo 'what went wrong' >&2; exit {code}"));
        let said = worker(&["sign"]);
        let expected = format!("{raises} campaign-signer ended with {code}: what went wrong\n");
        assert_eq!(said, expected);
    }
    // A task that is killed lets the program write its checkpoint.
    stand_in(
        workdir,
        "trap 'echo asked > asked; exit 5' TERM; touch begun; while :; do sleep 0.05; done",
    );
    workdir.write(
        "killed.py",
        "import os, signal, sign_campaigns as dag, threading, time\n\
         task = dag.sign\n\
         def kill():\n\
         \x20   while not os.path.exists('begun'): time.sleep(0.01)\n\
         \x20   task.on_kill()\n\
         threading.Thread(target=kill).start()\n\
         try: task.execute({})\n\
         except Exception as error: print(type(error).__name__)\n",
    );
    let mut killed = command(workdir, "python3", &["killed.py"]);
    assert_eq!(good(&mut killed), "AirflowException\n");
    assert_eq!(workdir.text("asked"), "asked\n");
    for name in ["begun", "asked", "bin/campaign-signer"] {
        workdir.remove(name);
    }
}

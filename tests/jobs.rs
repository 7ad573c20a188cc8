//! Job files: they do what the same options of `sign` do, every mistake in one
//! is told by its file, line, column and key, and several outputs of one job
//! are prepared, signed and resumed as one.

#![allow(clippy::unwrap_used)]

mod workdir;

use std::collections::BTreeSet;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use campaign_signer::format::{Alg, FORMATS};
use serde_json::Value;

use workdir::{Run, Workdir, csv_line, example_row, now};

const VIEWS: &str = "version,ad-network-id,source-identifier,itunes-item-id,source-app-id\n\
    4.0,example123.skadnetwork,5239,525463029,1234567891\n\
    4.0,example123.skadnetwork,5240,525463029,1234567891\n\
    4.0,example123.skadnetwork,5241,525463029,5838492\n";

/// What every job here has.
const PLAIN: &str = "input = \"rows.csv\"\nformat = \"skan-view\"\nkey = \"key.pem\"\n";
/// And where it has one output.
const ONE: &str = "output = \"out.ndjson\"\n";
/// Two outputs of one format.
const TWO: &str = "[[output]]\nname = \"a\"\noutput = \"a.ndjson\"\n\
    [[output]]\nname = \"b\"\noutput = \"b.ndjson\"\n";

fn with_rows() -> Workdir {
    let workdir = Workdir::new();
    workdir.write("rows.csv", VIEWS);
    workdir
}

fn identity() -> String {
    format!("job-id = \"job\"\ntimestamp = {}\n", now())
}

/// Writes a job file and runs it, with more arguments behind it.
fn job<'w>(workdir: &'w Workdir, text: &str, more: &str) -> Run<'w> {
    workdir.write("job.toml", text);
    workdir.run(&format!("run job.toml {more}"))
}

fn manifest(workdir: &Workdir, name: &str) -> Value {
    serde_json::from_str(&workdir.text(&format!("{name}.manifest.json"))).unwrap()
}

fn nonces(workdir: &Workdir, name: &str) -> BTreeSet<String> {
    let records = workdir.json(name);
    records
        .iter()
        .map(|record| record["nonce"].to_string())
        .collect()
}

fn schema(workdir: &Workdir) -> Value {
    serde_json::from_str(&workdir.run("schema job").exit(0).stdout).unwrap()
}

#[test]
fn a_job_gives_the_same_bytes_as_the_same_sign_command() {
    for format in FORMATS {
        let workdir = Workdir::new();
        let row = example_row(format, None);
        let names = csv_line(row.iter().map(|(name, _)| *name));
        let texts = csv_line(row.iter().map(|(_, text)| text.as_str()));
        workdir.write(
            "rows.csv",
            format!("{names}\n{texts}\n{texts},more\n{texts}\n"),
        );
        let key = match format.alg() {
            Alg::Es256 => ("key", "key.pem"),
            Alg::Hs256 => ("secret-file", "secret.txt"),
        };
        let (timestamp, id) = (now(), format.id);
        let text = format!(
            "input = [\"rows.csv\", \"rows.csv\"]\nformat = \"{id}\"\n{} = \"{}\"\n\
             output = \"job.ndjson\"\njob-id = \"night\"\ntimestamp = {timestamp}\n\
             key-id = \"2X9R4HXF34\"\n",
            key.0, key.1
        );
        job(&workdir, &text, "").exit(1);
        let arguments = format!(
            "sign rows.csv rows.csv -f {id} --{} {} -o sign.ndjson --job-id night \
             --timestamp {timestamp} --key-id 2X9R4HXF34",
            key.0, key.1
        );
        workdir.run(&arguments).exit(1);
        assert_eq!(workdir.lines("job.ndjson").len(), 4, "{id}");
        for ending in ["ndjson", "rejects.ndjson"] {
            let [ours, theirs] =
                ["job", "sign"].map(|name| workdir.bytes(&format!("{name}.{ending}")));
            assert!(ours == theirs, "{id}: {ending}");
        }
    }
}

#[test]
fn tables_arrays_numbers_times_and_flags_become_what_the_command_line_has() {
    let workdir = with_rows();
    workdir.write(
        "odd.csv",
        "network,source-identifier,itunes-item-id,source-app-id,note,more\n\
         example123.skadnetwork, 5239,525463029,,a,b\n",
    );
    let text = "input = \"odd.csv\"\nformat = \"skan-view\"\nkey = \"key.pem\"\n\
        output = \"job.csv\"\ntrim = true\nforce = false\ncount = 2\nmax-rejects = \"5%\"\n\
        keep = [\"note\", \"more\"]\nset = { source-app-id = 1234567891, version = 4.0 }\n\
        job-id = \"night\"\ntimestamp = 2026-11-20T02:00:00Z\ncheckpoint-every = 1_000\n\
        map.ad-network-id = \"network\"\n";
    job(&workdir, text, "").exit(0).says("1 row, 2 records");
    let sign = "sign odd.csv -f skan-view -k key.pem -o sign.csv --trim --count 2 \
        --max-rejects 5% --keep note,more --set source-app-id=1234567891 --set version=4.0 \
        --job-id night --timestamp 2026-11-20T02:00:00Z --map ad-network-id=network";
    workdir.run(sign).exit(0);
    assert!(workdir.bytes("job.csv") == workdir.bytes("sign.csv"));
    // A table in a table is a name with a dot.
    workdir.write("ids.csv", "id\njane\n");
    let text = "input = \"ids.csv\"\nformat = \"impact-user-jwt\"\nsecret-file = \"secret.txt\"\n\
        output = \"user.ndjson\"\nset.user.firstName = \"Jane\"\n";
    job(&workdir, text, "").exit(0);
    assert!(
        workdir
            .text("user.ndjson")
            .contains("\"firstName\":\"Jane\"")
    );
}

/// The long options that the help of a verb shows.
fn options(workdir: &Workdir, verb: &str) -> BTreeSet<String> {
    let help = workdir.run(&format!("{verb} --help")).stdout.clone();
    let words = help.lines().filter_map(|line| {
        let line = line.trim_start();
        let line = match line.strip_prefix('-') {
            Some(short) if !short.starts_with('-') => line.split_once(", ")?.1,
            _ => line,
        };
        let name = line.strip_prefix("--")?;
        let end = name.find(|c: char| c != '-' && !c.is_ascii_alphanumeric());
        Some(name[..end.unwrap_or(name.len())].to_owned())
    });
    words.filter(|name| name != "help").collect()
}

#[test]
fn every_long_option_of_sign_has_a_key_and_may_stand_behind_the_job_file() {
    let workdir = Workdir::new();
    let options_of_sign = options(&workdir, "sign");
    assert!(options_of_sign.len() > 30, "{options_of_sign:?}");
    let schema = schema(&workdir);
    let top = schema["properties"].as_object().unwrap();
    let an_output = schema["$defs"]["an_output"]["properties"]
        .as_object()
        .unwrap();
    let template = workdir.run("template --job").stdout.clone();
    for option in options_of_sign.iter().map(String::as_str).chain(["input"]) {
        assert!(top.contains_key(option), "{option}");
        assert!(an_output.contains_key(option), "{option}");
        let definition = &schema["$defs"][option];
        assert!(
            definition["description"].as_str().unwrap().len() > 5,
            "{option}"
        );
        let is_line = |line: &str| {
            line.trim_start_matches('#')
                .starts_with(&format!("{option} = "))
        };
        assert!(template.lines().any(is_line), "{option}");
    }
    assert_eq!(top.len(), options_of_sign.len() + 1);
    assert_eq!(an_output.len(), options_of_sign.len() + 2, "and a name");
    // The one option that is no key.
    assert!(!options_of_sign.contains("name"));
    let mut options_of_run = options(&workdir, "run");
    assert!(options_of_run.remove("only"));
    assert_eq!(options_of_run, options_of_sign);
}

fn as_json(text: &str) -> Value {
    toml::from_str(text).unwrap_or_else(|error| panic!("{error}\n{text}"))
}

#[test]
fn the_template_runs_as_it_is_printed_and_the_schema_accepts_all_of_it() {
    for format in FORMATS {
        let workdir = Workdir::new();
        let validator = jsonschema::draft202012::new(&schema(&workdir)).unwrap();
        let id = format.id;
        let template = workdir
            .run(&format!("template {id} --job"))
            .exit(0)
            .stdout
            .clone();
        let rows = workdir.run(&format!("template {id}")).stdout.clone();
        workdir.write("rows.csv", rows);
        match format.alg() {
            Alg::Es256 => workdir.run("keygen -o key.p8").exit(0).status.unwrap(),
            Alg::Hs256 => 0,
        };
        job(&workdir, &template, "").exit(0);
        assert_eq!(workdir.lines("signed.ndjson").len(), 1, "{id}");
        validator.validate(&as_json(&template)).unwrap();
        // What stands behind a # is right as well.
        let is_key = |line: &str| {
            let line = line.strip_prefix('#').unwrap_or_default();
            line.starts_with("[[") || (!line.starts_with([' ', ':']) && line.contains(" = "))
        };
        let shown = |line: &str| match is_key(line) {
            true => line[1..].to_owned(),
            false => line.to_owned(),
        };
        let all: Vec<String> = template
            .lines()
            .filter(|line| !line.starts_with("output ="))
            .map(shown)
            .collect();
        let all = as_json(&all.join("\n"));
        validator.validate(&all).unwrap();
        let keys = all.as_object().unwrap().len();
        assert!(
            keys > 30 && all["output"].as_array().unwrap().len() == 2,
            "{all:#}"
        );
        assert!(
            template.lines().all(|line| line.chars().count() <= 80),
            "{template}"
        );
    }
    let workdir = Workdir::new();
    workdir.run("template").exit(2);
}

#[test]
fn the_schema_refuses_unknown_keys_and_wrong_types() {
    let workdir = Workdir::new();
    let validator = jsonschema::draft202012::new(&schema(&workdir)).unwrap();
    for text in [
        PLAIN.to_owned() + ONE,
        PLAIN.to_owned() + TWO,
        "count = 5\njobs = \"${JOBS}\"\nkeep = \"a,b\"\nself-check = \"all\"".into(),
        "set = { a = 1, b = true, c.d = \"x\" }\ntimestamp = 1790000000000".into(),
    ] {
        validator.validate(&as_json(&text)).unwrap();
    }
    for text in [
        "fromat = \"x\"",
        "name = \"a\"",
        "[[output]]\nfromat = \"x\"",
        "[[output]]\nname = \"a b\"",
        "[[output]]\nname = 5",
        "count = \"x\"",
        "count = -1",
        "key = 5",
        "trim = \"yes\"",
        "set = \"a=b\"",
        "set = { a = [1] }",
        "self-check = \"some\"",
        "output = { name = \"a\" }",
        "input = 5",
    ] {
        assert!(validator.validate(&as_json(text)).is_err(), "{text}");
    }
}

#[test]
fn every_mistake_is_told_with_its_line_its_column_its_key_and_what_to_write() {
    let workdir = with_rows();
    let long = "x".repeat(300);
    // The fourth line of the job, where it is, and what is said of it.
    let table = [
        (
            "fromat = 1",
            "line 4, column 1: unknown key \"fromat\"",
            "did you mean format?",
        ),
        (
            "checkpoint_every = 1",
            "unknown key \"checkpoint_every\"",
            "mean checkpoint-every?",
        ),
        (
            "zzz = 1",
            "line 4, column 1: unknown key \"zzz\"",
            "template --job",
        ),
        (
            "[outputs]\na = 1",
            "line 4, column 2: unknown key \"outputs\"",
            "did you mean output?",
        ),
        ("trim = tru", "line 4, column 8: invalid boolean", ""),
        ("trim", "line 4, column 5: ", ""),
        ("key = \"a\"", "line 4, column 1: duplicate key", ""),
        (
            "count = \"x\"",
            "line 4, column 9: count wants a whole number, not \"x\"",
            "",
        ),
        (
            "count = 1.5",
            "line 4, column 9: count wants a whole number",
            "",
        ),
        (
            "count = 0",
            "line 4, column 9: count cannot be 0: 0 is not in 1..",
            "",
        ),
        (
            "count = [1]",
            "line 4, column 9: count wants a whole number, not an array",
            "",
        ),
        (
            "manifest = 5",
            "line 4, column 12: manifest wants the name of a file",
            "",
        ),
        (
            "manifest = true",
            "manifest wants the name of a file in quotes, not true or false",
            "",
        ),
        (
            "trim = \"yes\"",
            "line 4, column 8: trim wants true or false, not a text",
            "",
        ),
        (
            "set = \"a=b\"",
            "line 4, column 7: set wants a table like { FIELD = \"VALUE\" }",
            "",
        ),
        (
            "set = { a = 1, b = [2] }",
            "line 4, column 20: set.b wants one value, not an array",
            "",
        ),
        (
            "self-check = \"bach\"",
            "line 4, column 14: self-check cannot be \"bach\"",
            "\"batch\"?",
        ),
        (
            "delimiter = \";;\"",
            "delimiter cannot be \";;\": one ASCII character",
            "",
        ),
        (
            "keep = [\"a\", \"b,c\"]",
            "line 4, column 14: ',' divides values of keep",
            "by itself",
        ),
        (
            "job-id = \"\"",
            "line 4, column 10: job-id cannot be \"\": it is empty",
            "",
        ),
        (
            "timestamp = \"noon\"",
            "line 4, column 1: timestamp \"noon\" is not now",
            "",
        ),
        (
            "expires = \"+0d\"",
            "line 4, column 1: expires \"+0d\" is no time",
            "+7d",
        ),
        (
            "engine = \"fast\"",
            "line 4, column 1: there is no engine \"fast\"",
            "auto",
        ),
        (
            "set = { nothing = 1 }",
            "line 4, column 1: set names \"nothing\"",
            "skan-view",
        ),
        (
            "secret-file = \"a\"",
            "key (line 3, column 1) and secret-file (line 4, column 1)",
            "out",
        ),
        (
            "accept-touched = true",
            "job.toml: resume is missing",
            "--resume",
        ),
        (
            "output = 5",
            "line 4, column 10: output wants the name of a file",
            "",
        ),
        (
            "[output]\nname = \"a\"",
            "line 4, column 2: output wants one file",
            "[[output]]",
        ),
        ("name = \"a\"", "unknown key \"name\"", "[[output]]"),
        (
            "output = [\"a\", \"b\"]",
            "line 4, column 11: output wants one file",
            "",
        ),
        (
            "[[output]]\nfromat = 1",
            "line 5, column 1: unknown key \"fromat\"",
            "format?",
        ),
        (
            "[[output]]\nname = \"a b\"",
            "line 5, column 8: name wants a text of 1 to 64 letters",
            "",
        ),
        (
            "[[output]]\noutput = \"a\"\n[[output]]",
            "line 4, column 1: an output without a name",
            "name =",
        ),
        (
            "[[output]]\nname = \"a\"\n[[output]]\nname = \"a\"",
            "line 6, column 1: another output has the name \"a\"",
            "its own",
        ),
        (
            "job-id = \"${NOBODY_SET_THIS}\"",
            "column 10: the environment variable NOBODY_SET_THIS is not set",
            "set it",
        ),
        (
            "job-id = \"5 $\"",
            "line 4, column 10: a $ that is no ${NAME}",
            "$$",
        ),
        ("job-id = \"${A B}\"", "names no environment variable", "$$"),
        (
            "count = 999999999999999999999999999999999999999999",
            "beyond anything",
            "",
        ),
        ("", "job.toml: output is missing", "output = …"),
    ];
    for (line, says, hint) in table {
        let one = match line.contains("output") || line.is_empty() {
            true => "",
            false => ONE,
        };
        let run = job(&workdir, &format!("{PLAIN}{line}\n{one}"), "");
        run.exit(2)
            .says("campaign-signer: error: job.toml")
            .says(says);
        run.expect(!run.stderr.contains("--timestamp"), "keys, not options");
        if !hint.is_empty() {
            run.expect(run.hint().contains(hint), &format!("a hint with {hint:?}"));
        }
    }
    job(&workdir, "format = \"skan-view\"\n", "")
        .exit(2)
        .says("job.toml: input is missing");
    job(&workdir, "input = []\n", "")
        .exit(2)
        .says("job.toml: input is missing");
    job(&workdir, "input = \"rows.csv\"\n", "")
        .exit(2)
        .says("job.toml: format is missing");
    let text = format!("{ONE}input = \"rows.csv\"\nkey = \"key.pem\"\nformat = \"sk\"");
    let run = job(&workdir, &text, "");
    run.exit(2)
        .says("job.toml line 4, column 1: there is no format \"sk\"");
    let run = job(&workdir, &format!("{PLAIN}count = \"{long}\""), "");
    run.exit(2)
        .expect(run.stderr.len() < 300, "a long value cut short");
    assert_eq!(
        workdir.files(),
        ["job.toml", "key.pem", "pub.pem", "rows.csv", "secret.txt"]
    );
}

#[test]
fn a_file_that_is_no_job_file_is_refused_by_its_name() {
    let workdir = with_rows();
    let good = format!("{PLAIN}{ONE}");
    for (bytes, says) in [
        (
            b"input = \"a\"\nx\xff".to_vec(),
            "job.toml line 2, column 2: the job file is not UTF-8",
        ),
        (
            b"\xff\xfei\0n\0".to_vec(),
            "job.toml line 1, column 1: the job file is not UTF-8",
        ),
        (
            vec![b'#'; (1 << 20) + 1],
            "job.toml is longer than 1048576 bytes",
        ),
        (b"a = 1\0".to_vec(), "job.toml line 1"),
        ("[".repeat(100_000).into_bytes(), "job.toml line 1"),
        (
            format!("set = {}", "{a=".repeat(10_000)).into_bytes(),
            "job.toml line 1",
        ),
    ] {
        workdir.write("job.toml", bytes);
        workdir.run("run job.toml").exit(2).says(says);
    }
    workdir
        .run("run none.toml")
        .exit(2)
        .says("failed to read the job file none.toml");
    workdir
        .run("run .")
        .exit(2)
        .says("failed to read the job file .");
    workdir.run("run").exit(2);
    job(&workdir, &format!("\u{feff}{good}"), "").exit(0);
    let run = job(&workdir, &format!("\u{feff}trim = 5\n{good}"), "");
    run.exit(2).says("job.toml line 1, column 8: trim");
    job(&workdir, &good.replace('\n', "\r\n"), "--force").exit(0);
}

#[test]
fn variables_are_filled_in_and_never_printed() {
    let workdir = with_rows();
    let with = |text: &str, more: &[&str]| {
        workdir.write("job.toml", text);
        let arguments: Vec<&str> = ["run", "job.toml"].iter().chain(more).copied().collect();
        let mut command = workdir.command(&arguments);
        command
            .env("NIGHT", "tonight-4711")
            .env("COPIES", "2")
            .env("ROWS", "rows");
        let output = command.output().unwrap();
        let said = String::from_utf8(output.stderr).unwrap();
        (output.status.code(), said)
    };
    let text = format!(
        "{}{ONE}job-id = \"$$-${{NIGHT}}\"\ncount = \"${{COPIES}}\"\n",
        PLAIN.replace("rows.csv", "${ROWS}.csv")
    );
    assert_eq!(with(&text, &[]).0, Some(0));
    let manifest = manifest(&workdir, "out.ndjson");
    assert_eq!(manifest["job_id"], "$-tonight-4711");
    assert_eq!(manifest["counts"]["records"], 6);
    // What the variable holds goes into whatever is wrong with it.
    for line in [
        "timestamp = \"${NIGHT}\"",
        "expires = \"+${NIGHT}\"",
        "count = \"${NIGHT}\"",
        "jobs = \"${NIGHT}\"",
        "self-check = \"${NIGHT}\"",
        "engine = \"${NIGHT}\"",
        "delimiter = \"${NIGHT}\"",
        "max-rejects = \"${NIGHT}\"",
        "checkpoint-every = \"${NIGHT}\"",
        "set = { source-identifier = \"${NIGHT}\" }",
        "map = { source-identifier = \"${NIGHT}\" }",
        "keep = [\"${NIGHT}\"]",
        "row-id = \"${NIGHT}\"",
        "manifest = \"no/folder/${NIGHT}\"",
    ] {
        let (code, said) = with(&format!("{PLAIN}{ONE}force = true\n{line}\n"), &[]);
        assert!(matches!(code, Some(2 | 6)), "{line}: {said}");
        let error = said.find("campaign-signer: error: job.toml").unwrap();
        assert!(!said[error..].contains("4711"), "{line}: {said}");
        assert!(said[error..].contains("${NIGHT}"), "{line}: {said}");
    }
    let keyless = PLAIN.replace("key.pem", "${NIGHT}.pem");
    let (code, said) = with(&format!("{keyless}{ONE}force = true\n"), &[]);
    assert_eq!(code, Some(3), "{said}");
    assert!(
        said.contains("${NIGHT}.pem") && !said.contains("4711"),
        "{said}"
    );
}

#[test]
fn a_secret_in_a_job_file_is_refused_and_not_printed() {
    let workdir = with_rows();
    let body = workdir.text("key.pem");
    let body = body.lines().nth(1).unwrap();
    for line in [
        "password = \"hunter2-hunter2\"".to_owned(),
        "passphrase = \"hunter2-hunter2\"".into(),
        "private-pem = \"hunter2-hunter2\"".into(),
        format!("manifest = \"-----BEGIN PRIVATE KEY-----\\n{body}\""),
        format!("secret-file = \"\"\"\n{body}\n{body}\"\"\""),
    ] {
        let run = job(&workdir, &format!("{PLAIN}{ONE}{line}\n"), "");
        run.exit(2).says("job.toml line 5");
        run.expect(
            run.hint().contains("a secret never stands in a job file"),
            "the hint",
        );
        run.expect(
            !run.stderr.contains("hunter2") && !run.stderr.contains(body),
            "no secret",
        );
    }
    // Nor where the file is broken just there.
    let run = job(
        &workdir,
        &format!("{PLAIN}password = \"hunter2-hunter2\n"),
        "",
    );
    run.exit(2).says("line 4, column");
    run.expect(!run.stderr.contains("hunter2"), "no secret");
}

#[test]
fn names_count_from_the_job_file_and_on_the_command_line_from_the_working_folder() {
    let workdir = with_rows();
    std::fs::create_dir_all(workdir.path("night/out")).unwrap();
    for name in ["rows.csv", "key.pem"] {
        std::fs::rename(workdir.path(name), workdir.path(&format!("night/{name}"))).unwrap();
    }
    workdir.write(
        "night/job.toml",
        format!("{PLAIN}output = \"out/signed.ndjson\"\n"),
    );
    workdir.run("run night/job.toml").exit(0);
    assert!(workdir.exists("night/out/signed.ndjson.manifest.json"));
    workdir.run("run night/job.toml -o here.ndjson").exit(0);
    assert_eq!(workdir.lines("here.ndjson").len(), 3);
    workdir.write("other.csv", VIEWS.replace("5241", "").replace("5240", ""));
    workdir
        .run("run night/job.toml other.csv -o other.ndjson")
        .exit(1);
    assert_eq!(workdir.lines("other.ndjson").len(), 1);
    // Standard input and output are nowhere.
    workdir.write(
        "night/pipe.toml",
        format!(
            "{}output = \"-\"\ninput-format = \"csv\"\n",
            PLAIN.replace("rows.csv", "-")
        ),
    );
    let run = workdir.run_with(&["run", "night/pipe.toml"], VIEWS.as_bytes());
    run.exit(0)
        .expect(run.stdout.lines().count() == 3, "three records");
    let absolute = workdir.path("night/rows.csv");
    let text = PLAIN.replace("rows.csv", absolute.to_str().unwrap());
    workdir.write("night/job.toml", format!("{text}{ONE}"));
    workdir
        .run("run night/job.toml --dry-run")
        .exit(0)
        .says("3 rows would become 3 records");
    assert!(!workdir.exists("night/out.ndjson"));
}

#[test]
fn the_command_line_wins_over_the_job_and_names_are_put_together() {
    let workdir = Workdir::new();
    workdir.write(
        "rows.csv",
        "itunes-item-id,source-app-id\n525463029,1234567891\n",
    );
    let text = format!(
        "{PLAIN}{ONE}count = 2\ntrim = true\nforce = true\njobs = 1\n\
         set = {{ ad-network-id = \"example123.skadnetwork\", source-identifier = 11 }}\n"
    );
    let record = |more: &str| {
        job(&workdir, &text, more).exit(0);
        (
            workdir.lines("out.ndjson").len(),
            workdir.json("out.ndjson")[0].clone(),
        )
    };
    let (count, plain) = record("");
    assert_eq!((count, &plain["source-identifier"]), (2, &11.into()));
    let (count, given) = record("--count 3 -j 2 --set Source_Identifier=77 --job-id x");
    assert_eq!((count, &given["source-identifier"]), (3, &77.into()));
    assert_eq!(given["ad-network-id"], "example123.skadnetwork");
    let (_, given) = record("-f skan-storekit --set sourceIdentifier=78");
    assert_eq!(
        (&given["format"], &given["source-identifier"]),
        (&"skan-storekit".into(), &78.into())
    );
    // What does not go together with an option of the command line gives way.
    workdir.write("ids.csv", "id\njane\n");
    let ids = format!("{}{ONE}", PLAIN.replace("rows.csv", "ids.csv"));
    let run = job(
        &workdir,
        &ids,
        "--secret-file secret.txt -f impact-user-jwt -o user.ndjson",
    );
    run.exit(0);
    // The command line's own mistakes are told as such, twice included.
    for (more, says) in [
        (
            "--count 3 --count 4",
            "--count <N>' cannot be used multiple times",
        ),
        ("--count x", "--count <N>"),
        ("--fromat x", "--format"),
        ("--set a", "NAME=VALUE"),
    ] {
        job(&workdir, &text, more).exit(2).says(says);
    }
}

#[test]
fn several_outputs_share_the_input_and_the_timestamp_but_no_nonce() {
    let workdir = with_rows();
    // With an id of the job's, and with one that is drawn.
    for (extra, force) in [(identity(), ""), (String::new(), "--force")] {
        let run = job(&workdir, &format!("{PLAIN}{extra}{TWO}"), force);
        run.exit(0).says("a, 1 of 2").says("b, 2 of 2");
        run.says("output  rows  signed  rejected  records  file");
        run.says("     a     3       3         0        3  a.ndjson");
        run.says("     b     3       3         0        3  b.ndjson");
        let (a, b) = (nonces(&workdir, "a.ndjson"), nonces(&workdir, "b.ndjson"));
        assert_eq!((a.len(), b.len()), (3, 3));
        assert!(a.is_disjoint(&b));
        let manifests = ["a.ndjson", "b.ndjson"].map(|name| manifest(&workdir, name));
        assert_eq!(manifests[0]["timestamp"], manifests[1]["timestamp"]);
        let ids = [0, 1].map(|at| manifests[at]["job_id"].as_str().unwrap().to_owned());
        let base = ids[0].strip_suffix("/a").unwrap();
        assert_eq!(ids[1], format!("{base}/b"));
        assert_eq!(base == "job", force.is_empty());
        for name in ["a", "b"] {
            let verify =
                format!("verify --public-key pub.pem --manifest {name}.ndjson.manifest.json");
            workdir.run(&verify).exit(0);
        }
    }
    // An output alone is the same as among others, and keys of its own win.
    workdir.write("rows.csv", VIEWS.replace(",5240,", ",x,"));
    let text = format!(
        "{PLAIN}count = 1\n{}{TWO}count = 2\nformat = \"skan-storekit\"\n",
        identity()
    );
    let run = job(&workdir, &text, "--force");
    run.exit(1)
        .says("     b     3       2         1        4  b.ndjson");
    let whole = workdir.bytes("b.ndjson");
    job(&workdir, &text, "--force --only b").exit(1);
    assert!(workdir.bytes("b.ndjson") == whole);
    let run = job(&workdir, &text, "--only c");
    run.exit(2).says("job.toml has no output \"c\"");
    run.expect(run.hint() == "one of a, b", "the names");
    let run = job(&workdir, &format!("{PLAIN}{ONE}"), "--only c");
    run.exit(2).says("no output");
}

#[test]
fn formats_with_other_kinds_of_keys_are_outputs_of_one_job() {
    let workdir = Workdir::new();
    workdir.write(
        "rows.csv",
        "id,ad-network-id,source-identifier,itunes-item-id,source-app-id\n\
         jane,example123.skadnetwork,5239,525463029,1234567891\n",
    );
    let text = format!(
        "{PLAIN}ignore-unknown = true\n[[output]]\nname = \"ads\"\noutput = \"ads.csv\"\n\
         [[output]]\nname = \"users\"\nformat = \"impact-user-jwt\"\n\
         secret-file = \"secret.txt\"\noutput = \"users.ndjson.gz\"\n"
    );
    job(&workdir, &text, "").exit(0);
    assert_eq!(workdir.lines("ads.csv").len(), 2);
    workdir
        .run("verify --secret-file secret.txt users.ndjson.gz")
        .exit(0);
}

#[test]
fn a_mistake_in_the_last_output_is_told_before_the_first_row_is_signed() {
    let workdir = with_rows();
    workdir.write("other.csv", "nothing\n1\n");
    workdir.write("p384.pem", workdir::key_data("p384.pkcs8.pem"));
    workdir.write("old.ndjson", "old");
    let files = workdir.files();
    for (last, code, says) in [
        (
            "key = \"none.pem\"\noutput = \"b.ndjson\"",
            3,
            "job.toml, output b: ",
        ),
        (
            "key = \"p384.pem\"\noutput = \"b.ndjson\"",
            3,
            "job.toml, output b: ",
        ),
        (
            "format = \"sk\"\noutput = \"b.ndjson\"",
            2,
            "line 9, column 1: there is no format",
        ),
        (
            "input = \"other.csv\"\noutput = \"b.ndjson\"",
            2,
            "job.toml, output b: other.csv: ",
        ),
        (
            "input = \"none.csv\"\noutput = \"b.ndjson\"",
            6,
            "failed to open none.csv",
        ),
        ("output = \"none/b.ndjson\"", 6, "job.toml, output b: "),
        ("output = \"old.ndjson\"", 2, "old.ndjson"),
        (
            "output = \"a.ndjson\"",
            2,
            "outputs a and b would both write a.ndjson",
        ),
        (
            "output = \"./a.ndjson\"",
            2,
            "outputs a and b would both write",
        ),
        (
            "output = \"b.csv\"\nrejects = \"a.ndjson.partial\"",
            2,
            "would both write",
        ),
        (
            "output = \"rows.csv\"",
            2,
            "rows.csv would be both an input and the signed",
        ),
        (
            "output = \"key.pem\"\noutput-format = \"csv\"",
            2,
            "the key",
        ),
        (
            "output = \"job.toml\"\noutput-format = \"csv\"",
            2,
            "the job file",
        ),
        (
            "timestamp = 2999-01-01T00:00:00Z\noutput = \"b.ndjson\"",
            2,
            "in the future",
        ),
        (
            "format = \"impact-user-jwt\"\noutput = \"b.ndjson\"",
            2,
            "give --secret-file",
        ),
        (
            "row-id = \"x\"\noutput = \"b.ndjson\"",
            2,
            "line 9, column 1: rows.csv: the header has no column",
        ),
        ("output = \"b\"", 2, "NDJSON or Parquet"),
    ] {
        let text = format!(
            "{PLAIN}[[output]]\nname = \"a\"\noutput = \"a.ndjson\"\n\n\
             [[output]]\n{last}\nname = \"b\"\n"
        );
        let text = text.replace("\n\n[[output]]\n", "\n[[output]]\n");
        let run = job(
            &workdir,
            &text.replace("[[output]]\nname = \"a\"", "\n[[output]]\nname = \"a\""),
            "",
        );
        run.exit(code)
            .says("campaign-signer: error: job.toml")
            .says(says);
        let mut left = workdir.files();
        left.retain(|name| name != "job.toml");
        assert_eq!(left, files, "{run}");
    }
    // What can be read only once is read by one output.
    let text = format!("{PLAIN}input-format = \"csv\"\n{TWO}").replace("rows.csv", "-");
    workdir.write("job.toml", text);
    let run = workdir.run_with(&["run", "job.toml"], VIEWS.as_bytes());
    run.exit(2).says("- can be read only once");
    workdir
        .run_with(&["run", "job.toml", "--only", "b"], VIEWS.as_bytes())
        .exit(0);
    let run = job(&workdir, &format!("{PLAIN}{TWO}"), "-o -");
    run.exit(2).says("would both write to standard output");
    // And a dry run finds it all, and writes nothing.
    workdir.remove("b.ndjson.manifest.json");
    let before = workdir.files();
    let run = job(&workdir, &format!("{PLAIN}{TWO}"), "--dry-run");
    run.exit(0).says("3 rows would become 3 records");
    job(
        &workdir,
        &format!("{PLAIN}{TWO}key = \"p384.pem\"\n"),
        "--dry-run",
    )
    .exit(3);
    assert_eq!(workdir.files(), before);
}

#[test]
fn an_error_ends_the_job_and_resume_goes_on_behind_what_is_finished() {
    let workdir = with_rows();
    workdir.write("rows.csv", VIEWS.replace(",5240,", ",x,"));
    let three = format!(
        "{PLAIN}{}{TWO}max-rejects = 0\n[[output]]\nname = \"c\"\noutput = \"c.csv\"\n",
        identity()
    );
    let run = job(&workdir, &three, "");
    run.exit(4)
        .says("job.toml, output b: 1 of 3 rows were rejected");
    run.says("resume: ")
        .says(" run job.toml --resume")
        .says("1 of 3 outputs are done");
    assert!(workdir.exists("a.ndjson.manifest.json") && !workdir.exists("c.csv"));
    let first = workdir.bytes("a.ndjson");
    job(&workdir, &three, "").exit(2).says("a.ndjson");
    let run = job(&workdir, &three, "--resume --max-rejects 1");
    run.exit(1).says("finished  before this call");
    assert!(workdir.bytes("a.ndjson") == first && workdir.exists("c.csv.manifest.json"));
    // The largest of the outputs' codes, in events as well.
    let run = job(
        &workdir,
        &three.replace("max-rejects = 0", "max-rejects = 1"),
        "--force --log json",
    );
    run.exit(1);
    let events = run.stderr.lines().rev();
    let mut events = events.map(|line| serde_json::from_str::<Value>(line).unwrap());
    let summary = events.next().unwrap();
    let last = events.next().unwrap();
    for (event, name) in [(&summary, "summary"), (&last, "job")] {
        assert_eq!(
            (&event["event"], &event["exit_code"]),
            (&name.into(), &1.into())
        );
    }
    let codes: Vec<u64> = last["outputs"]
        .as_array()
        .unwrap()
        .iter()
        .map(|o| o["exit_code"].as_u64().unwrap())
        .collect();
    assert_eq!(codes, [1, 0, 1]);
    let run = job(
        &workdir,
        &format!("{three}log = \"json\"\n").replace("skan", "sk"),
        "",
    );
    run.status.filter(|code| *code == 2).unwrap();
    let run = job(
        &workdir,
        &format!("log = \"json\"\n{PLAIN}{TWO}").replace("skan", "sk"),
        "",
    );
    let event: Value = serde_json::from_str(run.stderr.lines().next().unwrap()).unwrap();
    assert_eq!(
        (&event["event"], &event["exit_code"]),
        (&"error".into(), &2.into())
    );
}

/// A job of two outputs, of users enough that there is time to strike.
fn with_users() -> (Workdir, String) {
    let mut rows = String::from("id,firstName\n");
    (0..40_000).for_each(|at| rows.push_str(&format!("user{at}@example.com,Jane\n")));
    let text = format!(
        "input = \"ids.csv\"\nformat = \"impact-user-jwt\"\nsecret-file = \"secret.txt\"\n\
         checkpoint-every = 1000\njobs = 1\n{TWO}"
    );
    let workdir = Workdir::new();
    workdir.write("ids.csv", &rows);
    workdir.write("job.toml", &text);
    (workdir, text)
}

/// Strikes while the second output is written; gives what was said.
fn strike(workdir: &Workdir, signal: &str, code: Option<i32>) -> String {
    for _ in 0..20 {
        let mut command = workdir.command(&["run", "job.toml", "--force"]);
        let mut child = command.stderr(Stdio::piped()).spawn().unwrap();
        let until = Instant::now() + Duration::from_secs(60);
        let at_work =
            || workdir.exists("b.ndjson.partial") && workdir.exists("b.ndjson.checkpoint");
        while !at_work() && child.try_wait().unwrap().is_none() && Instant::now() < until {
            std::thread::sleep(Duration::from_millis(1));
        }
        let id = child.id().to_string();
        let kill = Command::new("kill").args(["-s", signal, &id]).output();
        kill.unwrap();
        let ended = child.wait_with_output().unwrap();
        if workdir.exists("b.ndjson.checkpoint") {
            assert_eq!(ended.status.code(), code);
            return String::from_utf8(ended.stderr).unwrap();
        }
    }
    panic!("no moment was found");
}

#[test]
fn a_job_told_to_stop_in_its_second_output_says_how_to_go_on() {
    let (workdir, _) = with_users();
    let said = strike(&workdir, "TERM", Some(5));
    let resume = said.lines().find(|line| line.contains("resume: ")).unwrap();
    assert!(
        resume.contains(" run job.toml --force --resume   # "),
        "{said}"
    );
    assert!(resume.ends_with("; 1 of 2 outputs are done"), "{said}");
    assert!(
        said.contains("error: job.toml, output b: interrupted after"),
        "{said}"
    );
    let first = workdir.bytes("a.ndjson");
    workdir.run("run job.toml --force --resume").exit(0);
    assert!(workdir.bytes("a.ndjson") == first);
    // The next night both are of another job, which is one again.
    let [was, _] = ["a.ndjson", "b.ndjson"].map(|name| manifest(&workdir, name)["job_id"].clone());
    workdir.write("ids.csv", "id\njane\n");
    workdir.run("run job.toml --force --resume").exit(0);
    let [a, b] = ["a.ndjson", "b.ndjson"].map(|name| manifest(&workdir, name)["job_id"].clone());
    assert_ne!(a, was);
    let base = |id: &Value, name| id.as_str().unwrap().strip_suffix(name).unwrap().to_owned();
    assert_eq!(base(&a, "/a"), base(&b, "/b"));
}

#[test]
fn a_job_killed_in_its_second_output_becomes_the_same_bytes_when_it_is_resumed() {
    let (workdir, text) = with_users();
    strike(&workdir, "KILL", None);
    let first = workdir.bytes("a.ndjson");
    // Neither id nor time is given: both are those of what was begun.
    let run = workdir.run("run job.toml --resume");
    run.exit(0)
        .says("finished  before this call")
        .says("resumed  after");
    assert!(workdir.bytes("a.ndjson") == first);
    let manifests = ["a.ndjson", "b.ndjson"].map(|name| manifest(&workdir, name));
    assert_eq!(manifests[0]["timestamp"], manifests[1]["timestamp"]);
    let base = manifests[0]["job_id"]
        .as_str()
        .unwrap()
        .strip_suffix("/a")
        .unwrap();
    assert_eq!(manifests[1]["job_id"], format!("{base}/b"));
    // An uninterrupted run of the same id and time gives the same.
    let other = Workdir::new();
    other.write("ids.csv", workdir.bytes("ids.csv"));
    let time = &manifests[0]["timestamp"];
    job(
        &other,
        &text,
        &format!("--job-id {base} --timestamp {time}"),
    )
    .exit(0);
    for name in ["a.ndjson", "b.ndjson"] {
        assert!(other.bytes(name) == workdir.bytes(name), "{name}");
    }
    // Where the second has not begun, it still is of the first one's job.
    for name in ["b.ndjson", "b.rejects.ndjson", "b.ndjson.manifest.json"] {
        workdir.remove(name);
    }
    workdir.run("run job.toml --resume").exit(0);
    assert!(other.bytes("b.ndjson") == workdir.bytes("b.ndjson"));
}

//! What the README shows is what the program prints.
#![allow(clippy::unwrap_used)] // A failed unwrap is a failed test.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

const ROOT: &str = env!("CARGO_MANIFEST_DIR");

/// The README's two commands, as a newcomer types them.
const MAIN: &str = "cargo run --release -- run examples/nightly/job.toml";
const TESTS: &str = "cargo test --all-features";

/// A folder like a fresh clone, as far as the README's commands see it: the
/// examples are in it, and nothing that they make.
fn clone() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let mut names = vec![PathBuf::from("examples")];
    while let Some(name) = names.pop() {
        let (from, to) = (Path::new(ROOT).join(&name), folder.path().join(&name));
        if from.is_file() {
            fs::copy(from, to).unwrap();
            continue;
        }
        fs::create_dir(to).unwrap();
        if !name.ends_with("out") {
            let entries = fs::read_dir(from).unwrap();
            names.extend(entries.map(|entry| name.join(entry.unwrap().file_name())));
        }
    }
    folder
}

/// Runs the program as the README's commands do.
fn run(folder: &Path, line: &str) -> Output {
    let arguments = line
        .split_once(" -- ")
        .map_or(line, |(_, arguments)| arguments);
    let arguments = arguments
        .strip_prefix("campaign-signer ")
        .unwrap_or(arguments);
    let mut command = Command::new(env!("CARGO_BIN_EXE_campaign-signer"));
    command.args(arguments.split_whitespace());
    command.current_dir(folder).output().unwrap()
}

fn readme_text() -> String {
    fs::read_to_string(Path::new(ROOT).join("README.md")).unwrap()
}

/// Types one of the three beginnings into a shell, in a folder of its own.
fn begin(folder: &Path, readme: &str, name: &str) -> Output {
    let open = format!("<!-- begin {name} -->\n```sh\n");
    let start = readme.find(&open).unwrap() + open.len();
    let lines = &readme[start..];
    let lines = &lines[..lines.find("```").unwrap()];
    let folder = folder.join(name);
    fs::create_dir(&folder).unwrap();
    let binary = Path::new(env!("CARGO_BIN_EXE_campaign-signer"));
    let path = std::env::var_os("PATH").unwrap_or_default();
    let folders = std::env::split_paths(&path);
    let own = binary.parent().unwrap().to_owned();
    let path = std::env::join_paths(std::iter::once(own).chain(folders)).unwrap();
    Command::new("sh")
        .args(["-e", "-c", lines])
        .env("PATH", path)
        .current_dir(folder)
        .output()
        .unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

/// Standard error without the warning about the demo key's mode, which
/// depends on how the files were checked out.
fn report(output: &Output) -> String {
    let text = text(&output.stderr);
    let lines = text.lines().filter(|line| !line.contains("warning"));
    lines.collect::<Vec<_>>().join("\n")
}

fn fenced(language: &str, body: &str) -> String {
    format!("```{language}\n{}\n```", body.trim_end())
}

/// The commands by which the README verifies what its main command made.
const README_VERIFIES: [&str; 2] = [
    "campaign-signer verify --keys examples/nightly/keys.toml examples/nightly/out/bids",
    "campaign-signer verify --keys examples/nightly/keys.toml examples/nightly/out/storekit.ndjson.gz",
];

/// Parts of the README that a command alone makes.
const SHOWN: [(&str, i32, &str); 3] = [
    (
        "plan",
        0,
        "campaign-signer run examples/nightly/job.toml --plan --only bids",
    ),
    (
        "explain",
        7,
        "campaign-signer explain --public-key examples/keys/demo.pub.pem examples/invalid/app.json",
    ),
    (
        "postbacks",
        0,
        "campaign-signer verify-postback examples/postbacks/apple.ndjson -o verdicts.ndjson",
    ),
];

/// An object as it is shown: a line for each fidelity.
fn folded(object: &str) -> String {
    object
        .replace(",\"fidelities\":[{", ",\n \"fidelities\":[\n  {")
        .replace("},{", "},\n  {")
}

/// Every generated part of the README: its name and its text.
fn parts() -> Vec<(&'static str, String)> {
    let folder = clone();
    let folder = folder.path();
    let signed = run(folder, MAIN);
    assert_eq!(signed.status.code(), Some(0), "{}", report(&signed));
    let report_of_all = report(&signed);
    // The first output, and the table of all.
    let (first, rest) = report_of_all.split_once("     part  impressions").unwrap();
    let table = rest.find("     output  rows").unwrap();
    let shown = format!("{first}…\n{}", &rest[table..]);
    let bids = "examples/nightly/out/bids/ad-network-id=example123.skadnetwork/part-00000.ndjson";
    let bids = fs::read_to_string(folder.join(bids)).unwrap();
    let bid = bids.lines().next().unwrap();
    let mut verified = Vec::new();
    for line in README_VERIFIES {
        let output = run(folder, line);
        assert_eq!(output.status.code(), Some(0), "{line}: {}", report(&output));
        verified.push(report(&output));
    }
    let mut more = Vec::new();
    for (name, code, line) in SHOWN {
        let output = run(folder, line);
        assert_eq!(
            output.status.code(),
            Some(code),
            "{line}: {}",
            report(&output)
        );
        let mut shown = format!("{}{}", report(&output), text(&output.stdout));
        // What failed is shown with its command, which no test runs again.
        if code != 0 {
            shown = format!("$ {line}\n{shown}");
        }
        more.push((name, fenced("text", &shown)));
    }
    fs::write(
        folder.join("campaigns.csv"),
        "ad-network-id,source-identifier,itunes-item-id,source-app-id\n\
         Example123.skadnetwork,5239,1.1E+09,1234567891\n",
    )
    .unwrap();
    let checked = run(folder, "check -f skan-view campaigns.csv");
    assert_eq!(checked.status.code(), Some(1));
    let reject = text(&checked.stdout)
        .replace(",\"problems\":[", ",\n \"problems\":[\n  ")
        .replace("},{", "},\n  {")
        .replace("],\"raw\"", "],\n \"raw\"");
    let table = campaign_signer::schema::formats_table();
    let beginning = begin(folder, &readme_text(), "data");
    assert!(beginning.status.success(), "{}", report(&beginning));
    let filtered = fs::read_to_string(folder.join("data/signed.ndjson")).unwrap();
    let filtered = filtered.replace(",\"format\"", ",\n \"format\"");
    let mut parts = vec![
        ("filter", fenced("json", &filtered)),
        ("run", fenced("text", &shown)),
        ("bid", fenced("json", &folded(bid))),
        ("verify", fenced("text", &verified.join("\n"))),
        ("formats", table.trim_end().to_owned()),
        ("reject", fenced("json", &reject)),
    ];
    parts.extend(more);
    parts
}

/// What stays the same from run to run: long tokens and numbers are masked.
fn masked(text: &str) -> String {
    let is_token = |c: char| c.is_ascii_alphanumeric() || "-_+/=".contains(c);
    let mut out = String::new();
    let mut rest = text;
    while let Some(c) = rest.chars().next() {
        let length = rest
            .find(|c| !is_token(c))
            .unwrap_or(rest.len())
            .max(c.len_utf8());
        let word = &rest[..length];
        if word.len() > 30 {
            out.push('X');
        } else {
            for c in word.chars() {
                match c.is_ascii_digit() {
                    true if out.ends_with('0') => {}
                    true => out.push('0'),
                    false => out.push(c),
                }
            }
        }
        rest = &rest[length..];
    }
    // How fast it was is the machine's, and the day's.
    let lines = out.lines().filter(|line| {
        !["time ", "expected "]
            .iter()
            .any(|name| line.trim_start().starts_with(name))
    });
    let lines: Vec<String> = lines.map(str::to_owned).collect();
    lines.join("\n")
}

#[test]
fn the_readme_shows_what_the_program_prints() {
    let path = Path::new(ROOT).join("README.md");
    let mut readme = fs::read_to_string(&path).unwrap();
    for (name, fresh) in parts() {
        let (open, close) = (format!("<!-- {name} -->\n"), format!("\n<!-- /{name} -->"));
        let start = readme
            .find(&open)
            .unwrap_or_else(|| panic!("no part {name}"))
            + open.len();
        let end = readme[start - 1..]
            .find(&close)
            .map(|at| at + start - 1)
            .unwrap();
        if std::env::var_os("UPDATE_README").is_some() {
            let end = end.max(start);
            readme.replace_range(start..end, &fresh);
        } else {
            let shown = &readme[start..end];
            assert_eq!(
                masked(shown),
                masked(&fresh),
                "the part {name} of README.md is out of date; \
                 UPDATE_README=1 cargo test --test readme mends it"
            );
        }
    }
    if std::env::var_os("UPDATE_README").is_some() {
        fs::write(&path, readme).unwrap();
    }
}

#[test]
fn the_readme_has_the_two_commands_and_ci_calls_the_second() {
    let readme = fs::read_to_string(Path::new(ROOT).join("README.md")).unwrap();
    for command in [MAIN, TESTS] {
        assert!(
            readme.contains(&format!("```sh\n{command}\n```")),
            "{command}"
        );
    }
    let ci = fs::read_to_string(Path::new(ROOT).join(".ci/run"));
    // The package that is published has no CI in it.
    assert!(ci.is_err() || ci.unwrap().contains(TESTS));
}

#[test]
fn the_main_command_works_a_second_time() {
    let folder = clone();
    for _ in 0..2 {
        let output = run(folder.path(), MAIN);
        assert_eq!(output.status.code(), Some(0), "{}", report(&output));
    }
}

#[test]
fn each_of_the_three_beginnings_ends_with_a_file_that_verifies() {
    let folder = tempfile::tempdir().unwrap();
    for name in ["ads", "offers", "data"] {
        let output = begin(folder.path(), &readme_text(), name);
        assert!(output.status.success(), "{name}: {}", report(&output));
        assert!(report(&output).contains("verified"), "{name}");
    }
}

#[test]
fn the_other_commands_of_the_readme_run() {
    let readme = fs::read_to_string(Path::new(ROOT).join("README.md")).unwrap();
    let folder = clone();
    let lines: Vec<&str> = readme
        .lines()
        .filter(|line| line.starts_with("campaign-signer ") && line.contains("examples/"))
        .collect();
    assert!(lines.len() >= 8, "{lines:?}");
    for verify in README_VERIFIES {
        assert!(lines.contains(&verify), "{verify}");
    }
    // What is verified is made first.
    let main = run(folder.path(), MAIN);
    assert_eq!(main.status.code(), Some(0), "{}", report(&main));
    for line in lines {
        let line = line.split(" #").next().unwrap().trim();
        let output = run(folder.path(), line);
        assert_eq!(output.status.code(), Some(0), "{line}: {}", report(&output));
    }
}

#[test]
fn every_exit_code_of_the_program_stands_in_the_readme() {
    let readme = fs::read_to_string(Path::new(ROOT).join("README.md")).unwrap();
    let source = fs::read_to_string(Path::new(ROOT).join("src/cli/exit.rs")).unwrap();
    let codes: Vec<&str> = source
        .lines()
        .filter_map(|line| line.trim().strip_suffix(',')?.split_once(" = "))
        .map(|(_, code)| code)
        .collect();
    assert_eq!(codes.len(), 10);
    for code in codes {
        assert!(readme.contains(&format!("\n| {code} | ")), "{code}");
        assert!(!matches!(code.parse::<u8>().unwrap(), 99 | 100 | 126..));
    }
}

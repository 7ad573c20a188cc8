//! What the README shows is what the program prints.
#![allow(clippy::unwrap_used)] // A failed unwrap is a failed test.

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

const ROOT: &str = env!("CARGO_MANIFEST_DIR");

/// The README's two commands, as a newcomer types them.
const MAIN: &str = "cargo run --release -- sign --format aak-impression --key examples/keys/demo.p8 examples/data/aak-impression.csv -o signed.ndjson --force";
const TESTS: &str = "cargo test";

/// Runs the program as the README's commands do, with outputs in a folder of
/// their own: the examples' paths are linked into it.
fn run(folder: &Path, line: &str) -> Output {
    let arguments = line
        .split_once(" -- ")
        .map_or(line, |(_, arguments)| arguments);
    let mut command = Command::new(env!("CARGO_BIN_EXE_campaign-signer"));
    command.args(arguments.split_whitespace().map(|word| {
        let path = Path::new(ROOT).join(word);
        if word.starts_with("examples/") {
            path.into_os_string()
        } else {
            word.into()
        }
    }));
    command.current_dir(folder).output().unwrap()
}

fn text(bytes: &[u8]) -> String {
    let root = format!("{ROOT}/");
    String::from_utf8(bytes.to_vec())
        .unwrap()
        .replace(&root, "")
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

/// Every generated part of the README: its name and its text.
fn parts() -> Vec<(&'static str, String)> {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let signed = run(folder, MAIN);
    assert_eq!(signed.status.code(), Some(0), "{}", report(&signed));
    let first = fs::read_to_string(folder.join("signed.ndjson")).unwrap();
    let first = first.lines().next().unwrap();
    let (members, token) = first.split_once("\"jws\":\"").unwrap();
    let record = format!("{members}\"jws\":\"{}…\"}}", &token[..48]);
    let verified = run(
        folder,
        "verify signed.ndjson --public-key examples/keys/demo.pub.pem",
    );
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
    vec![
        ("sign", fenced("text", &report(&signed))),
        ("record", fenced("json", &record)),
        ("verify", fenced("text", &report(&verified))),
        ("formats", table.trim_end().to_owned()),
        ("reject", fenced("json", &reject)),
    ]
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
    // How fast a handful of rows is says nothing.
    let lines = out
        .lines()
        .filter(|line| !line.trim_start().starts_with("time "));
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
    let folder = tempfile::tempdir().unwrap();
    for _ in 0..2 {
        let output = run(folder.path(), MAIN);
        assert_eq!(output.status.code(), Some(0), "{}", report(&output));
    }
}

#[test]
fn the_other_commands_of_the_readme_run() {
    let readme = fs::read_to_string(Path::new(ROOT).join("README.md")).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let lines: Vec<&str> = readme
        .lines()
        .filter(|line| line.starts_with("campaign-signer sign -f") && line.contains("examples/"))
        .collect();
    assert!(lines.len() >= 3);
    for line in lines {
        let output = run(
            folder.path(),
            line.strip_prefix("campaign-signer ").unwrap(),
        );
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

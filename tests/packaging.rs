//! What is installed beside the program: manual pages without a warning,
//! completions that their shells read and that complete, and packages whose
//! parts exist. Tools that are not installed are said to be skipped.

#![allow(clippy::unwrap_used)]

mod workdir;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use workdir::Workdir;

const SHELLS: [&str; 5] = ["bash", "elvish", "fish", "powershell", "zsh"];

fn root(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(name)
}

/// What a tool says; nothing where it is not installed, which is a failure
/// where every tool is to be there.
fn tool(program: &str, arguments: &[&str]) -> Option<Output> {
    let mut command = Command::new(program);
    command.args(arguments).env("LC_ALL", "C.UTF-8");
    match command.output() {
        Ok(output) => Some(output),
        Err(error) => {
            let needs = std::env::var_os("CAMPAIGN_SIGNER_NEEDS");
            assert!(
                needs.is_none_or(|needs| needs != "all"),
                "{program}: {error}"
            );
            eprintln!("skipped: {program}: {error}");
            None
        }
    }
}

/// The commands of the program, as its help lists them.
fn commands(workdir: &Workdir) -> Vec<String> {
    let help = workdir.run("--help").exit(0).stdout.clone();
    let (_, list) = help.split_once("Commands:\n").unwrap();
    let lines = list.lines().take_while(|line| !line.is_empty());
    let named = lines.filter(|line| line.starts_with("  ") && !line.starts_with("   "));
    let names = named.map(|line| line.split_whitespace().next().unwrap().to_owned());
    let names: Vec<String> = names.filter(|name| name != "help").collect();
    assert!(
        names.len() > 10 && names.contains(&"sign".to_owned()),
        "{names:?}"
    );
    names
}

/// The long options of a command, as its help lists them.
fn options(workdir: &Workdir, command: &str) -> Vec<String> {
    let help = workdir
        .run_args(&[command, "--help"])
        .exit(0)
        .stdout
        .clone();
    let is_option = |line: &&str| line.trim_start().starts_with('-');
    let option = |line: &str| {
        let mut words = line.split([' ', ',', '=', '[']);
        words.find(|word| word.starts_with("--")).map(str::to_owned)
    };
    let found: Vec<String> = help.lines().filter(is_option).filter_map(option).collect();
    assert!(found.contains(&"--help".to_owned()), "{command}: {found:?}");
    found
}

#[test]
fn every_command_has_a_manual_page_with_every_option_that_renders_without_a_warning() {
    let workdir = Workdir::new();
    workdir.run("man --out made/man").exit(0);
    let mut pages: Vec<String> = fs::read_dir(workdir.path("made/man"))
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    pages.sort();
    let commands = commands(&workdir);
    let name = |command: &str| format!("campaign-signer-{}.1", command.replace(' ', "-"));
    let mut wanted: Vec<String> = commands.iter().map(|command| name(command)).collect();
    wanted.extend(["campaign-signer.1".into(), name("key check")]);
    wanted.sort();
    assert_eq!(pages, wanted);
    let key_check = workdir.run("man key check").exit(0).stdout.clone();
    assert_eq!(
        key_check,
        workdir.text("made/man/campaign-signer-key-check.1")
    );
    for command in &commands {
        let page = workdir.text(&format!("made/man/{}", name(command)));
        let shown = workdir
            .run(&format!("man {command}"))
            .exit(0)
            .stdout
            .clone();
        assert_eq!(shown, page, "{command}");
        let plain = page
            .replace("\\-", "-")
            .replace("\\fR", "")
            .replace("\\fB", "");
        for option in options(&workdir, command) {
            assert!(plain.contains(&option), "{command} {option}");
        }
    }
    let main = workdir.run("man").exit(0).stdout.clone();
    assert_eq!(main, workdir.text("made/man/campaign-signer.1"));
    assert!(main.contains("Exit codes"));
    workdir.run("man sing").exit(2).says("sign");
    workdir
        .run("man sign me")
        .exit(2)
        .says("sign has no commands");
    for page in &pages {
        let path = workdir.path("made/man").join(page);
        let arguments = ["-man", "-Tutf8", "-ww", "-rLL=100n", path.to_str().unwrap()];
        let Some(output) = tool("groff", &arguments) else {
            return;
        };
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success() && said.is_empty(), "{page}: {said}");
        assert!(output.stdout.len() > 500, "{page}");
    }
}

#[test]
fn every_shell_reads_its_completions() {
    let workdir = Workdir::new();
    for shell in SHELLS {
        let script = workdir
            .run(&format!("completions {shell}"))
            .exit(0)
            .stdout
            .clone();
        for command in commands(&workdir) {
            assert!(script.contains(&command), "{shell} {command}");
        }
        workdir.write(&format!("c.{shell}"), &script);
        let path = workdir.path(&format!("c.{shell}"));
        let arguments = ["-n", path.to_str().unwrap()];
        // The two others are not in Debian: of these the text alone is looked at.
        if !["bash", "fish", "zsh"].contains(&shell) {
            continue;
        }
        if let Some(output) = tool(shell, &arguments) {
            let said = String::from_utf8_lossy(&output.stderr);
            assert!(
                output.status.success() && said.is_empty(),
                "{shell}: {said}"
            );
        }
    }
    workdir.run("completions tcsh").exit(2);
}

#[test]
fn what_is_completed_is_a_command_an_option_or_a_word() {
    let workdir = Workdir::new();
    let script = workdir.run("completions bash").exit(0).stdout.clone();
    workdir.write("c.bash", &script);
    for (words, wanted) in [
        (&["campaign-signer", "si"][..], "sign"),
        (&["campaign-signer", "sign", "--metr"], "--metrics-file"),
        (&["campaign-signer", "sign", "--summary", ""], "stdout"),
        (&["campaign-signer", "run", "--chec"], "--checkpoint-every"),
        (&["campaign-signer", "completions", "z"], "zsh"),
    ] {
        let line = format!(
            "source {}; COMP_WORDS=({}); COMP_CWORD={}; \
             f=$(complete -p campaign-signer); f=${{f#*-F }}; ${{f%% *}} campaign-signer {:?} {:?}; \
             printf '%s\\n' \"${{COMPREPLY[@]}}\"",
            workdir.path("c.bash").display(),
            words
                .iter()
                .map(|word| format!("{word:?}"))
                .collect::<Vec<_>>()
                .join(" "),
            words.len() - 1,
            words[words.len() - 1],
            words[words.len() - 2],
        );
        let Some(output) = tool("bash", &["-c", &line]) else {
            return;
        };
        let replies = String::from_utf8(output.stdout).unwrap();
        assert!(
            replies.lines().any(|reply| reply == wanted),
            "{words:?}: {replies}"
        );
    }
    // A fish that has read the script completes what it is asked for.
    let script = workdir.run("completions fish").exit(0).stdout.clone();
    workdir.write("c.fish", &script);
    let line = format!(
        "source {}; complete -C 'campaign-signer sign --metr'",
        workdir.path("c.fish").display()
    );
    if let Some(output) = tool("fish", &["--no-config", "-c", &line]) {
        let replies = String::from_utf8(output.stdout).unwrap();
        assert!(replies.contains("--metrics-file"), "{replies}");
    }
}

#[test]
fn what_packages_name_exists() {
    let text = fs::read_to_string(root("Cargo.toml")).unwrap();
    let manifest: toml::Table = toml::from_str(&text).unwrap();
    let deb = &manifest["package"]["metadata"]["deb"];
    let mut checked = 0;
    for asset in deb["assets"].as_array().unwrap() {
        let source = asset[0].as_str().unwrap();
        // What packaging/deb.sh makes stands below target.
        if source.starts_with("target/") {
            continue;
        }
        let folder = source.trim_end_matches(|c| c != '/');
        let found = match source.contains('*') {
            true => root(folder)
                .read_dir()
                .is_ok_and(|mut all| all.next().is_some()),
            false => root(source).is_file(),
        };
        assert!(found, "{source}");
        checked += 1;
    }
    assert!(checked >= 3);
}

#[test]
fn the_public_workflow_pins_its_actions_and_asks_for_no_more_than_it_needs() {
    let mut folder = root(".github/workflows").read_dir().unwrap();
    let mut seen = 0;
    while let Some(Ok(entry)) = folder.next() {
        let text = fs::read_to_string(entry.path()).unwrap();
        for line in text.lines().filter(|line| line.contains("uses:")) {
            let (_, action) = line.split_once("uses:").unwrap();
            let action = action.split('#').next().unwrap().trim();
            let version = action.split_once('@').map(|(_, version)| version);
            let is_pinned = version.is_some_and(|version| {
                let digits = version.trim_start_matches('v');
                digits.contains('.') && digits.chars().all(|c| c.is_ascii_digit() || c == '.')
                    || digits.len() == 40 && digits.chars().all(|c| c.is_ascii_hexdigit())
            });
            assert!(is_pinned, "{action}");
            seen += 1;
        }
        assert!(
            text.contains("\npermissions:\n  contents: read\n"),
            "{:?}",
            entry.path()
        );
        // A fork's change must never run with the repository's rights.
        assert!(!text.contains("pull_request_target"), "{:?}", entry.path());
    }
    assert!(seen > 5, "{seen}");
}

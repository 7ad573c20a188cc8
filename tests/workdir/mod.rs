//! A folder of its own for one test: files go in, the program runs inside it,
//! and a failed expectation shows everything there is to see.

#![allow(dead_code, reason = "every test crate uses its own part of this")]
#![allow(clippy::unwrap_used)]

#[cfg(target_os = "linux")]
pub(crate) mod peak;

use std::fmt;
use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use campaign_signer::engine::ENGINES;
use campaign_signer::error::Error;
use campaign_signer::format::Format;
use campaign_signer::key::SigningKey;
use campaign_signer::output::Target;
use campaign_signer::pipeline::{self, Job, Outputs, Signer, Summary};
use campaign_signer::record::Settings;
use campaign_signer::row::{Dialect, Input, Limits, Origin};
use serde_json::Value;

/// A test key, as `tests/data/keys` has it.
pub(crate) fn key_data(name: &str) -> Vec<u8> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/keys");
    fs::read(folder.join(name)).unwrap()
}

/// A secret of the length that is asked for.
pub(crate) const SECRET: &str = "kQ9-test-secret-of-forty-two-characters-xyz";

/// The present in milliseconds, a second ago, so that no clock can be behind.
pub(crate) fn now() -> u64 {
    let since = std::time::UNIX_EPOCH.elapsed().unwrap();
    u64::try_from(since.as_millis()).unwrap() - 1000
}

/// A temporary folder with `key.pem`, `pub.pem` and `secret.txt` in it.
pub(crate) struct Workdir {
    dir: tempfile::TempDir,
}

impl Workdir {
    pub(crate) fn new() -> Self {
        let workdir = Self {
            dir: tempfile::tempdir().unwrap(),
        };
        workdir.write("key.pem", key_data("p256.pkcs8.pem"));
        workdir.mode("key.pem", 0o600);
        workdir.write("pub.pem", key_data("p256.pub.pem"));
        workdir.write("secret.txt", SECRET);
        workdir.mode("secret.txt", 0o600);
        workdir
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    pub(crate) fn write(&self, name: &str, bytes: impl AsRef<[u8]>) {
        fs::write(self.path(name), bytes).unwrap();
    }

    pub(crate) fn mode(&self, name: &str, mode: u32) {
        use std::os::unix::fs::PermissionsExt;
        fs::set_permissions(self.path(name), fs::Permissions::from_mode(mode)).unwrap();
    }

    pub(crate) fn mode_of(&self, name: &str) -> u32 {
        use std::os::unix::fs::PermissionsExt;
        let metadata = fs::metadata(self.path(name)).unwrap();
        metadata.permissions().mode() & 0o7777
    }

    pub(crate) fn bytes(&self, name: &str) -> Vec<u8> {
        fs::read(self.path(name)).unwrap_or_else(|error| {
            panic!("{name}: {error}\nfiles: {:?}", self.files());
        })
    }

    pub(crate) fn text(&self, name: &str) -> String {
        String::from_utf8(self.bytes(name)).unwrap()
    }

    /// The lines of a file, which must end with a line end if it has any.
    pub(crate) fn lines(&self, name: &str) -> Vec<String> {
        let text = self.text(name);
        assert!(text.is_empty() || text.ends_with('\n'), "{name}: {text:?}");
        text.split_terminator('\n').map(str::to_owned).collect()
    }

    /// The lines of a file, each of them JSON.
    pub(crate) fn json(&self, name: &str) -> Vec<Value> {
        let parse = |line: &String| serde_json::from_str(line).unwrap();
        self.lines(name).iter().map(parse).collect()
    }

    pub(crate) fn exists(&self, name: &str) -> bool {
        self.path(name).symlink_metadata().is_ok()
    }

    pub(crate) fn remove(&self, name: &str) {
        fs::remove_file(self.path(name)).unwrap();
    }

    /// The names in the folder, sorted.
    pub(crate) fn files(&self) -> Vec<String> {
        let entries = fs::read_dir(self.dir.path()).unwrap();
        let name = |entry: std::io::Result<fs::DirEntry>| entry.unwrap().file_name();
        let mut names: Vec<String> = entries
            .map(|entry| name(entry).to_string_lossy().into_owned())
            // A lock stays by design, whatever came of the run.
            .filter(|name| !name.ends_with(".lock"))
            .collect();
        names.sort();
        names
    }

    /// Runs the program with arguments divided by white space.
    pub(crate) fn run(&self, arguments: &str) -> Run<'_> {
        let arguments: Vec<&str> = arguments.split_whitespace().collect();
        self.run_args(&arguments)
    }

    pub(crate) fn run_args(&self, arguments: &[&str]) -> Run<'_> {
        self.run_with(arguments, b"")
    }

    /// Runs the program with something on its standard input.
    pub(crate) fn run_with(&self, arguments: &[&str], stdin: &[u8]) -> Run<'_> {
        let mut child = self
            .command(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut pipe = child.stdin.take().unwrap();
        let output = std::thread::scope(|threads| {
            // A program that stops early reads no further: that is its right.
            threads.spawn(move || drop(pipe.write_all(stdin)));
            child.wait_with_output().unwrap()
        });
        let run = Run {
            workdir: self,
            command: format!("campaign-signer {}", arguments.join(" ")),
            status: output.status.code(),
            stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
            stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
        };
        run.expect(!run.stderr.contains("panicked"), "no panic");
        run
    }

    /// The program with arguments, to be run in the folder.
    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_campaign-signer"));
        command.args(arguments).current_dir(self.dir.path());
        command
    }

    /// Signs `rows` with the library instead of the program: the records, and
    /// the rejects as JSON.
    pub(crate) fn sign_rows(
        &self,
        settings: Settings,
        dialect: Dialect,
        rows: &[u8],
        limits: Limits,
    ) -> Result<Signed, Error> {
        self.write("rows", rows);
        let key = SigningKey::from_bytes(&key_data("p256.pkcs8.pem")).unwrap();
        let inputs = vec![Input::new(Origin::File(self.path("rows")), dialect)];
        let outputs = Outputs {
            signed: Some(Target::File(self.path("signed"))),
            rejects: Some(Target::File(self.path("rejects"))),
            force: true,
            ..Outputs::none()
        };
        let signer = Signer::es256(&key, &ENGINES[0], "job");
        let mut job = Job::new(settings, inputs, outputs).signed_by(signer, "job");
        (job.limits, job.threads) = (limits, 1);
        let summary = pipeline::run(job, |_| {})?;
        Ok(Signed {
            summary,
            records: self.lines("signed"),
            rejects: self.json("rejects"),
        })
    }
}

/// What the library made of some rows.
pub(crate) struct Signed {
    pub(crate) summary: Summary,
    pub(crate) records: Vec<String>,
    pub(crate) rejects: Vec<Value>,
}

/// Comma-separated values.
pub(crate) const CSV: Dialect = Dialect::Csv { delimiter: b',' };

/// Settings for a format by its id, at the present.
pub(crate) fn settings(format: &str) -> Settings {
    let format = Format::find(format).unwrap();
    let mut settings = Settings::new(format, now());
    settings.key_id = format.key_id().map(|_| "2X9R4HXF34".to_owned());
    settings
}

/// A run that has ended. Every expectation returns the run, so that they can
/// be strung together.
pub(crate) struct Run<'w> {
    workdir: &'w Workdir,
    command: String,
    pub(crate) status: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Run<'_> {
    #[track_caller]
    pub(crate) fn expect(&self, holds: bool, what: &str) -> &Self {
        assert!(holds, "expected {what}\n{self}");
        self
    }

    #[track_caller]
    pub(crate) fn exit(&self, code: i32) -> &Self {
        self.expect(self.status == Some(code), &format!("exit code {code}"));
        let framed = self.stderr.lines().any(|line| {
            line.starts_with("campaign-signer: error: ") || line.starts_with("error: ")
        });
        let needs_error = matches!(code, 2 | 3 | 4 | 6 | 70);
        self.expect(!needs_error || framed, "an error in its frame")
    }

    #[track_caller]
    pub(crate) fn says(&self, text: &str) -> &Self {
        self.expect(
            self.stderr.contains(text),
            &format!("standard error with {text:?}"),
        )
    }

    #[track_caller]
    pub(crate) fn prints(&self, text: &str) -> &Self {
        self.expect(
            self.stdout.contains(text),
            &format!("standard output with {text:?}"),
        )
    }

    /// What stands behind `campaign-signer: hint: `.
    #[track_caller]
    pub(crate) fn hint(&self) -> &str {
        let mut lines = self.stderr.lines();
        let hint = lines.find_map(|line| line.strip_prefix("campaign-signer: hint: "));
        self.expect(hint.is_some(), "a hint");
        hint.unwrap_or_default()
    }

    #[track_caller]
    pub(crate) fn warns(&self, text: &str) -> &Self {
        let warns = |line: &str| {
            line.strip_prefix("campaign-signer: warning: ")
                .is_some_and(|words| words.contains(text))
        };
        self.expect(
            self.stderr.lines().any(warns),
            &format!("a warning with {text:?}"),
        )
    }
}

impl fmt::Display for Run<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let cut = |text: &str| text.chars().take(4000).collect::<String>();
        write!(
            f,
            "command: {}\nstatus: {:?}\n--- stdout\n{}\n--- stderr\n{}\n--- files\n{}",
            self.command,
            self.status,
            cut(&self.stdout),
            cut(&self.stderr),
            self.workdir.files().join("\n")
        )
    }
}

/// A row of the newest version of every format, made of the table's examples:
/// name and text of each required field.
pub(crate) fn example_row(format: &Format, version: Option<&str>) -> Vec<(&'static str, String)> {
    use campaign_signer::format::Source;
    let layout = match version {
        Some(version) => format.layout(version).unwrap(),
        None => format.newest(),
    };
    let names = layout.field_names();
    let mut row = Vec::new();
    for field in format.fields {
        let text = match field.source {
            Source::Required => field.example,
            Source::Version => layout.version.unwrap(),
            _ => continue,
        };
        // The version is a row's own business even where it is not signed.
        if names.contains(&field.name) {
            row.push((field.name, text.to_owned()));
        }
    }
    row
}

/// Cells as a line of CSV, quoted where they must be.
pub(crate) fn csv_line<'c>(cells: impl IntoIterator<Item = &'c str>) -> String {
    let cell = |text: &str| {
        if text.contains([',', '"', '\n', '\r']) {
            format!("\"{}\"", text.replace('"', "\"\""))
        } else {
            text.to_owned()
        }
    };
    let cells: Vec<String> = cells.into_iter().map(cell).collect();
    cells.join(",")
}

/// A JSON token for the text of a field.
pub(crate) fn token(format: &Format, name: &str, text: &str) -> String {
    use campaign_signer::json::Shape;
    match format.field(name).unwrap().1.kind.shape() {
        Shape::String => Value::from(text).to_string(),
        _ => text.to_owned(),
    }
}

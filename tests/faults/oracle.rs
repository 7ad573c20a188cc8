//! What every test here leans on: processes that are started, signalled and
//! awaited; folders as they were; and what must hold before and after a resume.

use std::collections::BTreeMap;
use std::fs;
use std::io::{Read as _, Write as _};
use std::os::unix::fs::MetadataExt as _;
use std::os::unix::process::ExitStatusExt as _;
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::LazyLock;
use std::time::{Duration, Instant, SystemTime};

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD, URL_SAFE, URL_SAFE_NO_PAD};
use campaign_signer::hex::hex;
use sha2::{Digest as _, Sha256};

use crate::workdir::{SECRET, Workdir, key_data, now};

/// Whether the suite runs at its full size.
pub(crate) fn is_full() -> bool {
    std::env::var_os("CAMPAIGN_SIGNER_FAULTS").is_some_and(|size| size == "full")
}

/// A size for a run of seconds, and one for a night.
pub(crate) fn sized(modest: usize, full: usize) -> usize {
    if is_full() { full } else { modest }
}

/// One timestamp for the whole suite, so that runs can be compared.
pub(crate) static TIMESTAMP: LazyLock<u64> = LazyLock::new(now);

/// The options that make runs comparable.
pub(crate) fn identity() -> String {
    format!("--job-id job --timestamp {}", *TIMESTAMP)
}

pub(crate) fn sha256(bytes: &[u8]) -> String {
    hex(&Sha256::digest(bytes))
}

/// Numbers that look random, from a seed that a failure prints.
pub(crate) struct Random(u64);

impl Random {
    pub(crate) fn new() -> Self {
        let given = std::env::var("CAMPAIGN_SIGNER_SEED").ok();
        let seed = match given.and_then(|seed| seed.parse().ok()) {
            Some(seed) => seed,
            None => u64::from(std::process::id()) << 20 ^ now(),
        };
        println!("seed {seed}");
        Self(seed)
    }

    /// A number below `end`: SplitMix64.
    pub(crate) fn below(&mut self, end: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z ^ (z >> 31)) % end.max(1)
    }

    pub(crate) fn up_to(&mut self, longest: Duration) -> Duration {
        let micros = u64::try_from(longest.as_micros()).unwrap();
        Duration::from_micros(self.below(micros + 1))
    }
}

/// A process that was started in a folder.
pub(crate) struct Going {
    pub(crate) child: Child,
    words: String,
}

/// Starts the program with arguments divided by white space; `stdin` is fed to
/// it whole.
pub(crate) fn start(workdir: &Workdir, arguments: &str, stdin: Option<Vec<u8>>) -> Going {
    let arguments: Vec<&str> = arguments.split_whitespace().collect();
    begin(&mut workdir.command(&arguments), stdin)
}

/// A shell command line in the folder, with the program as `$SIGNER`.
pub(crate) fn shell(workdir: &Workdir, line: &str) -> Command {
    let mut command = Command::new("sh");
    command
        .args(["-c", line])
        .env("SIGNER", env!("CARGO_BIN_EXE_campaign-signer"))
        .current_dir(workdir.path(""));
    command
}

/// The command with INT as the system sets it: what runs the tests may itself
/// have been started with INT ignored, as shells do for what is not in front,
/// and its children would be deaf, too.
fn listening(command: &Command) -> Command {
    const DEFAULT: &str = "--default-signal=INT";
    static CAN_SET: LazyLock<bool> = LazyLock::new(|| {
        let tried = Command::new("env").args([DEFAULT, "true"]).output();
        tried.is_ok_and(|tried| tried.status.success())
    });
    let mut listening = match *CAN_SET {
        true => {
            let mut listening = Command::new("env");
            listening.arg(DEFAULT).arg(command.get_program());
            listening
        }
        false => Command::new(command.get_program()),
    };
    listening.args(command.get_args());
    for (name, value) in command.get_envs() {
        match value {
            Some(value) => listening.env(name, value),
            None => listening.env_remove(name),
        };
    }
    if let Some(folder) = command.get_current_dir() {
        listening.current_dir(folder);
    }
    listening
}

/// Starts a command whose output is kept.
pub(crate) fn begin(command: &mut Command, stdin: Option<Vec<u8>>) -> Going {
    let words = format!("{command:?}");
    let command = &mut listening(command);
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    command.stdin(match stdin {
        Some(_) => Stdio::piped(),
        None => Stdio::null(),
    });
    let mut child = command.spawn().unwrap();
    if let Some(bytes) = stdin {
        let mut pipe = child.stdin.take().unwrap();
        // It ends with the process that reads the other end.
        std::thread::spawn(move || drop(pipe.write_all(&bytes)));
    }
    Going { child, words }
}

impl Going {
    /// Sends `TERM`, `INT` or `KILL`. The process was not waited for yet, so
    /// its number is its own even if it has ended.
    pub(crate) fn signal(&self, name: &str) {
        let pid = self.child.id().to_string();
        let mut kill = Command::new("kill");
        kill.args([&format!("-{name}"), &pid]).stderr(Stdio::null());
        assert!(kill.status().is_ok(), "there is no kill");
    }

    /// Waits for its end and looks at what it said.
    #[track_caller]
    pub(crate) fn end(self) -> Ended {
        let Self { child, words } = self;
        let output = child.wait_with_output().unwrap();
        let ended = Ended {
            status: output.status,
            stderr: String::from_utf8(output.stderr).unwrap(),
            words,
        };
        ended.expect(!ended.stderr.contains("panicked"), "no panic");
        ended.expect(!tells_secret(ended.stderr.as_bytes()), "no secret");
        ended.expect(!tells_secret(&output.stdout), "no secret");
        ended
    }

    /// Waits for its end, which must come this soon.
    #[track_caller]
    pub(crate) fn end_within(mut self, longest: Duration) -> Ended {
        let ended = wait(longest, || self.child.try_wait().unwrap().is_some());
        if !ended {
            self.child.kill().unwrap();
            let words = self.words.clone();
            let ended = self.child.wait_with_output().unwrap();
            let stderr = String::from_utf8_lossy(&ended.stderr);
            panic!("{words} goes on after {longest:?}\n{stderr}");
        }
        self.end()
    }
}

/// Waits until something holds; `false` if it does not in time.
pub(crate) fn wait(longest: Duration, mut holds: impl FnMut() -> bool) -> bool {
    let started = Instant::now();
    loop {
        if holds() {
            return true;
        }
        if started.elapsed() > longest {
            return false;
        }
        std::thread::sleep(Duration::from_micros(200));
    }
}

/// A process that has ended. Expectations return it, to be strung together.
pub(crate) struct Ended {
    pub(crate) status: ExitStatus,
    pub(crate) stderr: String,
    words: String,
}

impl Ended {
    pub(crate) fn code(&self) -> Option<i32> {
        self.status.code()
    }

    pub(crate) fn is_killed_by(&self, signal: i32) -> bool {
        self.status.signal() == Some(signal)
    }

    #[track_caller]
    pub(crate) fn expect(&self, holds: bool, what: &str) -> &Self {
        let text: String = self.stderr.chars().take(4000).collect();
        assert!(
            holds,
            "expected {what}\n{}\n{}\n{text}",
            self.words, self.status
        );
        self
    }

    #[track_caller]
    pub(crate) fn exit(&self, code: i32) -> &Self {
        self.expect(self.code() == Some(code), &format!("exit code {code}"))
    }

    #[track_caller]
    pub(crate) fn says(&self, text: &str) -> &Self {
        self.expect(self.stderr.contains(text), &format!("{text:?}"))
    }

    /// The command that goes on with it, up to the comment behind it.
    #[track_caller]
    pub(crate) fn resume_command(&self) -> &str {
        let mut lines = self.stderr.lines();
        let command = lines.find_map(|line| line.strip_prefix("campaign-signer: resume: "));
        self.expect(command.is_some(), "a command to resume");
        let command = command.unwrap();
        command.split('#').next().unwrap()
    }

    /// What it said, each line an event.
    #[track_caller]
    pub(crate) fn events(&self) -> Vec<serde_json::Value> {
        let events = self.stderr.lines().map(|line| {
            let event: Result<serde_json::Value, _> = serde_json::from_str(line);
            self.expect(event.is_ok(), &format!("JSON instead of {line}"));
            event.unwrap()
        });
        events.collect()
    }

    /// The event of this name.
    #[track_caller]
    pub(crate) fn event(&self, name: &str) -> serde_json::Value {
        let event = self.events().into_iter().find(|e| e["event"] == name);
        self.expect(event.is_some(), &format!("an event {name}"));
        event.unwrap()
    }
}

/// The bytes of a file as they were before they were compressed.
pub(crate) fn unpacked(name: &str, bytes: &[u8]) -> Vec<u8> {
    let mut plain = Vec::new();
    if name.ends_with(".gz") {
        let mut decoder = flate2::read::MultiGzDecoder::new(bytes);
        decoder.read_to_end(&mut plain).unwrap();
    } else if name.ends_with(".zst") {
        plain = zstd::decode_all(bytes).unwrap();
    } else {
        plain = bytes.to_vec();
    }
    plain
}

/// The number of rows in a file without line ends within values, counted
/// without the program's help.
pub(crate) fn rows_in(name: &str, bytes: &[u8]) -> u64 {
    let plain = unpacked(name, bytes);
    assert!(
        plain.is_empty() || plain.ends_with(b"\n"),
        "{name} ends midway"
    );
    let lines = plain.iter().filter(|byte| **byte == b'\n').count() as u64;
    lines - u64::from(name.contains(".csv") && lines > 0)
}

/// A file as it stood at one moment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Stood {
    pub(crate) bytes: Vec<u8>,
    pub(crate) modified: SystemTime,
    pub(crate) inode: u64,
}

/// Every file of a folder but locks, by name.
pub(crate) fn snapshot(workdir: &Workdir) -> BTreeMap<String, Stood> {
    let names = workdir.files().into_iter();
    let stood = |name: String| {
        let path = workdir.path(&name);
        let metadata = fs::metadata(&path).ok().filter(fs::Metadata::is_file)?;
        let stood = Stood {
            bytes: fs::read(&path).ok()?,
            modified: metadata.modified().ok()?,
            inode: metadata.ino(),
        };
        Some((name, stood))
    };
    names.filter_map(stood).collect()
}

/// Fails with names, not with megabytes, where two snapshots differ.
#[track_caller]
pub(crate) fn assert_untouched(
    was: &BTreeMap<String, Stood>,
    is: &BTreeMap<String, Stood>,
    why: &str,
) {
    let names = |files: &BTreeMap<String, Stood>| files.keys().cloned().collect::<Vec<_>>();
    assert_eq!(names(was), names(is), "{why}");
    for (name, stood) in was {
        assert!(is[name] == *stood, "{why}: {name} was changed");
    }
}

/// Copies every file of a folder into another, times included.
pub(crate) fn copy_all(from: &Workdir, to: &Workdir) {
    for (name, stood) in snapshot(from) {
        fs::copy(from.path(&name), to.path(&name)).unwrap();
        set_modified(&to.path(&name), stood.modified);
    }
}

pub(crate) fn set_modified(path: &Path, time: SystemTime) {
    let file = fs::OpenOptions::new().append(true).open(path).unwrap();
    file.set_modified(time).unwrap();
}

/// Every form in which the test key and the test secret could be told.
static SECRETS: LazyLock<Vec<Vec<u8>>> = LazyLock::new(|| {
    let pem = String::from_utf8(key_data("p256.pkcs8.pem")).unwrap();
    // The second line goes on with the public half, which is no secret.
    let body: Vec<&str> = pem
        .lines()
        .filter(|line| !line.starts_with("---"))
        .collect();
    let body = [&body[0][48..], &body[1][..24]];
    let sec1 = key_data("p256.sec1.der");
    // SEQUENCE, INTEGER 1, OCTET STRING of 32 bytes.
    assert_eq!(sec1[2..7], [2, 1, 1, 4, 32]);
    let mut forms = body.map(|part| part.as_bytes().to_vec()).to_vec();
    for secret in [&sec1[7..39], SECRET.as_bytes()] {
        forms.push(secret.to_vec());
        forms.push(hex(secret).into_bytes());
        forms.push(hex(secret).to_uppercase().into_bytes());
        for engine in [STANDARD, STANDARD_NO_PAD, URL_SAFE, URL_SAFE_NO_PAD] {
            forms.push(engine.encode(secret).into_bytes());
        }
    }
    forms
});

/// Whether a secret stands somewhere in these bytes.
pub(crate) fn tells_secret(bytes: &[u8]) -> bool {
    SECRETS
        .iter()
        .any(|secret| memchr::memmem::find(bytes, secret).is_some())
}

/// What a run writes beside its records holds no secret at any moment.
#[track_caller]
pub(crate) fn assert_tells_no_secret(workdir: &Workdir) {
    for entry in fs::read_dir(workdir.path("")).unwrap() {
        let path = entry.unwrap().path();
        let name = path.display().to_string();
        if [".checkpoint", ".lock", ".manifest.json", ".partial"]
            .iter()
            .any(|ending| name.contains(ending))
        {
            assert!(
                !tells_secret(&fs::read(&path).unwrap_or_default()),
                "{name}"
            );
        }
    }
}

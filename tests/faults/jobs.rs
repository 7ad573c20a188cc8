//! The jobs that are killed: inputs of every kind, and what they must become.

use std::fs;
use std::io::Write as _;
use std::time::{Duration, Instant};

use crate::oracle::{identity, rows_in, sha256, sized, snapshot, start};
use crate::workdir::Workdir;

/// How HS256 tokens are asked for.
pub(crate) const USERS: &str = "-f impact-user-jwt --secret-file secret.txt";
/// How ES256 signatures are asked for.
pub(crate) const VIEWS: &str = "-f skan-view -k key.pem";

/// Users as CSV. Every `bad`th has a locale that is none.
pub(crate) fn users(from: usize, rows: usize, bad: usize) -> Vec<u8> {
    let mut text = String::from("id,firstName,locale\n");
    for at in from..from + rows {
        let locale = if bad > 0 && at % bad == 0 {
            "nowhere"
        } else {
            "en_US"
        };
        text.push_str(&format!("user{at}@example.com,Jane,{locale}\n"));
    }
    text.into_bytes()
}

/// Users as NDJSON.
pub(crate) fn users_json(from: usize, rows: usize) -> Vec<u8> {
    let mut text = String::new();
    for at in from..from + rows {
        text.push_str(&format!(
            "{{\"id\":\"user{at}@example.com\",\"firstName\":\"Jane\"}}\n"
        ));
    }
    text.into_bytes()
}

/// Ad views as CSV.
pub(crate) fn views(rows: usize) -> Vec<u8> {
    let mut text =
        String::from("version,ad-network-id,source-identifier,itunes-item-id,source-app-id\n");
    for at in 0..rows {
        let app = 1_000_000 + at;
        text.push_str(&format!(
            "4.0,example123.skadnetwork,5239,525463029,{app}\n"
        ));
    }
    text.into_bytes()
}

/// Bytes as the ending of their file's name says.
pub(crate) fn packed(name: &str, plain: Vec<u8>) -> Vec<u8> {
    if name.ends_with(".gz") {
        // Several members, as parts put one behind another have them.
        let mut packed = Vec::new();
        for part in plain.chunks(plain.len() / 3 + 1) {
            let level = flate2::Compression::fast();
            let mut encoder = flate2::write::GzEncoder::new(packed, level);
            encoder.write_all(part).unwrap();
            packed = encoder.finish().unwrap();
        }
        packed
    } else if name.ends_with(".zst") {
        zstd::encode_all(&plain[..], 1).unwrap()
    } else {
        plain
    }
}

/// A job: its inputs, its options, and what it is to become.
pub(crate) struct Job {
    pub(crate) name: &'static str,
    /// Name and content.
    pub(crate) inputs: Vec<(&'static str, Vec<u8>)>,
    pub(crate) options: &'static str,
    pub(crate) output: &'static str,
    /// Its one input is fed to it by a pipe.
    pub(crate) from_pipe: bool,
    /// It draws its id at random, and its timestamp is when it begins.
    pub(crate) is_random: bool,
    /// Outputs of an older job stand where it writes.
    pub(crate) over_old: bool,
    /// How many lines each good row becomes.
    pub(crate) copies: u64,
    /// What it needs beside its inputs: publishers, keys.
    pub(crate) others: Vec<(String, Vec<u8>)>,
}

impl Job {
    pub(crate) fn new(name: &'static str, input: &'static str, plain: Vec<u8>) -> Self {
        Self {
            name,
            inputs: vec![(input, packed(input, plain))],
            options: USERS,
            output: "out.ndjson",
            from_pipe: false,
            is_random: false,
            over_old: false,
            copies: 1,
            others: Vec::new(),
        }
    }

    fn and(mut self, input: &'static str, plain: Vec<u8>) -> Self {
        self.inputs.push((input, packed(input, plain)));
        self
    }

    pub(crate) fn to(mut self, output: &'static str) -> Self {
        self.output = output;
        self
    }

    pub(crate) fn with(mut self, options: &'static str) -> Self {
        self.options = options;
        self
    }

    /// The arguments of an attempt, without identity or `--resume`.
    pub(crate) fn arguments(&self) -> String {
        let inputs: Vec<&str> = match self.from_pipe {
            true => vec!["--input-format csv -"],
            false => self.inputs.iter().map(|(name, _)| *name).collect(),
        };
        let (options, output) = (self.options, self.output);
        format!("sign {options} {} -o {output}", inputs.join(" "))
    }

    pub(crate) fn lay(&self, workdir: &Workdir) {
        for (name, bytes) in &self.inputs {
            workdir.write(name, bytes);
        }
        for (name, bytes) in &self.others {
            workdir.write(name, bytes);
            workdir.mode(name, 0o600);
        }
    }

    pub(crate) fn stdin(&self) -> Option<Vec<u8>> {
        self.from_pipe.then(|| self.inputs[0].1.clone())
    }

    pub(crate) fn rejects(&self) -> &'static str {
        let given = self.options.split("--rejects ").nth(1);
        let given = given.and_then(|rest| rest.split(' ').next());
        given.unwrap_or("out.rejects.ndjson")
    }

    pub(crate) fn manifest(&self) -> String {
        format!("{}.manifest.json", self.output)
    }

    /// The names it publishes, in their order.
    pub(crate) fn finals(&self) -> [String; 3] {
        [self.output.into(), self.rejects().into(), self.manifest()]
    }

    /// An uninterrupted run: the digests of records and rejects, and how long
    /// it took.
    pub(crate) fn reference(&self, identity: &str) -> Reference {
        let workdir = Workdir::new();
        self.lay(&workdir);
        let started = Instant::now();
        let ended = start(
            &workdir,
            &format!("{} {identity} --checkpoint-every 50ms", self.arguments()),
            self.stdin(),
        )
        .end();
        let took = started.elapsed();
        ended.expect(matches!(ended.code(), Some(0 | 1)), "an end");
        self.assert_complete(&workdir);
        Reference {
            signed: sha256(&workdir.bytes(self.output)),
            rejects: sha256(&workdir.bytes(self.rejects())),
            code: ended.code().unwrap(),
            took,
        }
    }

    /// Every row is signed or rejected, counted from the files alone.
    #[track_caller]
    pub(crate) fn assert_complete(&self, workdir: &Workdir) {
        let count = |(name, bytes): &(&'static str, Vec<u8>)| rows_in(name, bytes);
        let rows: u64 = self.inputs.iter().map(count).sum();
        let records = rows_in(self.output, &workdir.bytes(self.output));
        let rejected = rows_in(self.rejects(), &workdir.bytes(self.rejects()));
        assert_eq!(records % self.copies, 0, "{}", self.name);
        assert_eq!(rows, records / self.copies + rejected, "{}", self.name);
    }

    /// Nothing stands in the folder but what was there and what is published.
    #[track_caller]
    pub(crate) fn assert_tidy(&self, workdir: &Workdir) {
        let inputs = self.inputs.iter().map(|(name, _)| (*name).to_owned());
        let given = ["key.pem", "pub.pem", "secret.txt"].map(str::to_owned);
        let others = self.others.iter().map(|(name, _)| name.clone());
        let all = inputs.chain(given).chain(others).chain(self.finals());
        let mut wanted: Vec<String> = all.collect();
        wanted.sort();
        assert_eq!(workdir.files(), wanted, "{}", self.name);
        let lock = workdir.path(&format!("{}.lock", self.output));
        assert_eq!(fs::read(lock).unwrap(), b"", "{}", self.name);
    }

    /// The digests of the final names that stand there now.
    pub(crate) fn published(&self, workdir: &Workdir) -> Vec<(String, String)> {
        let files = snapshot(workdir).into_iter();
        files
            .filter(|(name, _)| self.finals().contains(name))
            .map(|(name, stood)| (name, sha256(&stood.bytes)))
            .collect()
    }
}

/// What an uninterrupted run gives.
pub(crate) struct Reference {
    pub(crate) signed: String,
    pub(crate) rejects: String,
    pub(crate) code: i32,
    pub(crate) took: Duration,
}

/// The identity of a finished run, from its manifest.
pub(crate) fn identity_of(workdir: &Workdir, manifest: &str) -> String {
    let manifest: serde_json::Value = serde_json::from_slice(&workdir.bytes(manifest)).unwrap();
    let id = manifest["job_id"].as_str().unwrap();
    format!("--job-id {id} --timestamp {}", manifest["timestamp"])
}

/// Every kind of job, long enough to be hit in its middle.
pub(crate) fn all() -> Vec<Job> {
    let many = sized(40_000, 400_000);
    let some = sized(3_000, 20_000);
    let mut jobs = vec![
        Job::new("NDJSON", "in.ndjson", users_json(0, many)),
        Job::new("gzip", "in.csv.gz", users(0, many, 9)).to("out.ndjson.gz"),
        Job::new("Zstandard", "in.ndjson.zst", users_json(0, many)).to("out.ndjson.zst"),
        Job::new("CSV", "in.csv", users(0, many, 0)).to("out.csv"),
        Job::new("three inputs", "a.csv", users(0, many / 3, 0))
            .and("b.ndjson.gz", users_json(many / 3, many / 3))
            .and("c.csv", users(2 * many / 3, many / 3, 11))
            .to("out.csv.gz"),
        Job::new("ES256", "in.csv", views(some)).with(VIEWS),
        Job::new("one row of many copies", "in.csv", views(1))
            .with(match sized(0, 1) {
                0 => "-f skan-view -k key.pem --count 8000",
                _ => "-f skan-view -k key.pem --count 50000",
            })
            .to("out.csv.zst"),
        Job::new("rejects mixed in", "in.csv", users(0, many, 3)),
        Job::new("rejects as a table", "in.csv", users(0, many, 3))
            .with("-f impact-user-jwt --secret-file secret.txt --rejects bad.csv.gz"),
        Job::new("nothing but rejects", "in.csv", users(0, many / 4, 1)).to("out.csv.gz"),
        Job::new("standard input", "in.csv", users(0, many, 7)),
        Job::new("a random id", "in.csv", views(some)).with(VIEWS),
        Job::new("over old outputs", "in.csv", users(0, many, 5)),
    ];
    for job in &mut jobs {
        job.copies = if job.name == "one row of many copies" {
            sized(8_000, 50_000) as u64
        } else {
            1
        };
        job.from_pipe = job.name == "standard input";
        job.is_random = job.name == "a random id";
        job.over_old = job.name == "over old outputs";
    }
    jobs
}

/// A plain job of so many users.
pub(crate) fn plain(rows: usize) -> Job {
    Job::new("plain", "in.csv", users(0, rows, 10))
}

/// A folder with a job in it that was stopped in its middle, with a
/// checkpoint; its arguments with identity, without `--resume`.
pub(crate) fn stopped(job: &Job) -> (Workdir, String) {
    let workdir = Workdir::new();
    job.lay(&workdir);
    let arguments = format!("{} {}", job.arguments(), identity());
    stop(&workdir, &arguments, job.stdin());
    (workdir, arguments)
}

/// Runs until some checkpoint covers rows, and kills it there.
pub(crate) fn stop(workdir: &Workdir, arguments: &str, stdin: Option<Vec<u8>>) {
    use campaign_signer::output::{Checkpoint, SystemDisk};
    let after = |option: &str| arguments.split(option).nth(1)?.split(' ').next();
    let output = match after(" --out-dir ") {
        Some(folder) => workdir.path(folder).join("_records"),
        None => workdir.path(after(" -o ").unwrap()),
    };
    for _ in 0..20 {
        let arguments = format!("{arguments} --force --checkpoint-every 500,5ms");
        let mut going = start(workdir, &arguments, stdin.clone());
        let mut is_kept = false;
        crate::oracle::wait(Duration::from_secs(60), || {
            let kept = Checkpoint::load(&SystemDisk, &output).unwrap();
            is_kept = kept.is_some_and(|kept| kept.counts.rows > 0);
            is_kept || going.child.try_wait().unwrap().is_some()
        });
        going.child.kill().unwrap();
        going.end();
        // It may have ended in the meantime; then it is tried once more.
        let kept = Checkpoint::load(&SystemDisk, &output).unwrap();
        if kept.is_some_and(|kept| kept.publishing.is_none()) {
            return;
        }
    }
    panic!("{arguments} was never caught in its middle");
}

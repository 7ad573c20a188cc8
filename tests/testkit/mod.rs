//! What several tests need: random rows made from the table, and whole runs.
#![allow(dead_code, unreachable_pub, clippy::unwrap_used)]

use std::path::{Path, PathBuf};

use campaign_signer::engine::ENGINES;
use campaign_signer::envelope::Style;
use campaign_signer::error::Error;
use campaign_signer::format::{Alg, Field, Format, Kind, Layout, Source};
use campaign_signer::json::{self, Shape};
use campaign_signer::key::{Secret, SigningKey};
use campaign_signer::pipeline::{self, Job, Outputs, Signer, Summary};
use campaign_signer::record::Settings;
use campaign_signer::row::{Dialect, Input, Limits, Origin};

pub const SECRET: &[u8] = b"a public test secret of forty-two bytes...";

/// The public demo key.
pub fn key() -> SigningKey {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/keys/demo.p8");
    SigningKey::from_file(&path).unwrap().0
}

/// The present in milliseconds.
pub fn now() -> u64 {
    std::time::UNIX_EPOCH.elapsed().unwrap().as_millis() as u64
}

/// SplitMix64: small, and the same everywhere.
pub struct Rng(pub u64);

impl Rng {
    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    pub fn below(&mut self, end: u64) -> u64 {
        self.next() % end
    }

    pub fn one_in(&mut self, count: u64) -> bool {
        self.below(count) == 0
    }

    pub fn pick<'a, T: ?Sized>(&mut self, all: &[&'a T]) -> &'a T {
        all[self.below(all.len() as u64) as usize]
    }

    pub fn uuid(&mut self) -> String {
        let bytes = (u128::from(self.next()) << 64 | u128::from(self.next())).to_be_bytes();
        uuid::Builder::from_random_bytes(bytes)
            .into_uuid()
            .to_string()
    }
}

/// A row as a person would write it: field and value, absent ones left out.
pub type Row = Vec<(&'static Field, String)>;

/// A random valid row of one version; `now` is the run's timestamp.
pub fn random_row(format: &'static Format, layout: &Layout, now: u64, rng: &mut Rng) -> Row {
    let names = layout.field_names();
    let fields = format.fields.iter().filter(|f| names.contains(&f.name));
    let version = format.field("version").map(|(_, field)| field);
    let mut row = Row::new();
    if let (Some(field), Some(version)) = (version, layout.version) {
        row.push((field, version.to_owned()));
    }
    for field in fields {
        let given = match field.source {
            Source::Version => continue,
            Source::Constant(text) => rng.one_in(8).then(|| text.to_owned()),
            Source::Required | Source::KeyId { .. } => Some(value(field, now, rng)),
            Source::Nonce | Source::Clock | Source::Expiry => {
                rng.one_in(4).then(|| value(field, now, rng))
            }
            Source::Default(_) | Source::Optional | Source::SameAs(_) => {
                (!rng.one_in(3)).then(|| value(field, now, rng))
            }
        };
        if let Some(given) = given {
            row.push((field, given));
        }
    }
    row
}

fn value(field: &Field, now: u64, rng: &mut Rng) -> String {
    match &field.kind {
        Kind::Boolean => rng.pick(&["true", "false"]).to_owned(),
        Kind::Integer { min, max } => match rng.below(4) {
            0 => min.to_string(),
            1 => max.to_string(),
            _ => (min + rng.next() % (max - min).saturating_add(1).max(1)).to_string(),
        },
        Kind::Json { shape, .. } => json_value(field, *shape, rng),
        Kind::OneOf(all) => rng.pick(all).to_owned(),
        Kind::Pattern { regex, .. } => pattern(regex, rng),
        Kind::Text => {
            let texts = [
                "plain",
                "com.example.App-1",
                "Zoë, \"the\" first; ä\u{301}ß",
                "日本語のテキスト",
                "a,b;c'd\\e/f",
                "2000000912345678",
                "null",
                "=1+1",
                "emoji 👩‍👩‍👧",
            ];
            let text = rng.pick(&texts.map(|t| t));
            format!("{text}{}", rng.below(1000))
        }
        Kind::Time(unit) => {
            let near = rng.below(60_000);
            let time = match field.source {
                Source::Expiry => now + 1000 + near,
                _ => now - near,
            };
            (time / unit.in_millis()).to_string()
        }
        Kind::Uuid => {
            let id = rng.uuid();
            if rng.one_in(2) { id.to_uppercase() } else { id }
        }
    }
}

fn pattern(regex: &str, rng: &mut Rng) -> String {
    let all: &[&str] = match regex {
        r if r.contains("a-z0-9._-") => &[
            "example123.skadnetwork",
            "a.adattributionkit",
            "com.apple.test-1",
        ],
        r if r.contains("_(?:") => &["en_US", "es_419", "de_AT"],
        "^[A-Z]{2}$" => &["US", "JP"],
        r if r.contains("A-Za-z0-9_-") => &["eyJhIjoxfQ", "abc_-=="],
        r if r.contains("{0,61}") => &["example.com", "a-b.example.co.uk", "xn--bcher-kva.example"],
        other => panic!("tests/testkit knows no text for {other}"),
    };
    rng.pick(all).to_owned()
}

/// JSON of the right shape: strings suit every object and array of the table
/// but the requests, which bring their own example.
fn json_value(field: &Field, shape: Shape, rng: &mut Rng) -> String {
    if !field.example.is_empty() {
        let reference = format!("{{ \"requestReferenceId\": \"{}\",", rng.uuid());
        return match rng.below(3) {
            0 => field.example.to_owned(),
            1 => field.example.replace(':', " : "),
            _ => field.example.replacen(
                "\"requestInfo\":{",
                &format!("\"requestInfo\":{reference}"),
                1,
            ),
        };
    }
    let n = rng.below(1000);
    match shape {
        Shape::Array => format!("[\"x{n}\", \"~ü\"]"),
        _ => format!("{{ \"p{n}\" : \"A B\", \"q\": \"\\u00e9\" }}"),
    }
}

/// Rows as CSV with a column for every field any of them has.
pub fn csv(format: &'static Format, rows: &[Row]) -> String {
    let columns: Vec<&Field> = format
        .fields
        .iter()
        .filter(|field| rows.iter().flatten().any(|(own, _)| own.name == field.name))
        .collect();
    let mut out = csv::Writer::from_writer(Vec::new());
    out.write_record(columns.iter().map(|field| field.name))
        .unwrap();
    for row in rows {
        let cell = |field: &&Field| {
            let own = row.iter().find(|(own, _)| own.name == field.name);
            own.map_or("", |(_, text)| text.as_str())
        };
        out.write_record(columns.iter().map(cell)).unwrap();
    }
    String::from_utf8(out.into_inner().unwrap()).unwrap()
}

/// Rows as NDJSON; integers are sometimes strings of digits, absent fields
/// sometimes `null`.
pub fn ndjson(format: &'static Format, rows: &[Row], rng: &mut Rng) -> String {
    let mut out = Vec::new();
    for row in rows {
        out.push(b'{');
        for (nth, (field, text)) in row.iter().enumerate() {
            if nth > 0 {
                out.push(b',');
            }
            json::write_string(field.name, &mut out);
            out.push(b':');
            match field.kind.shape() {
                Shape::String => json::write_string(text, &mut out),
                Shape::Number if rng.one_in(4) => json::write_string(text, &mut out),
                _ => out.extend_from_slice(text.as_bytes()),
            }
        }
        let absent = format
            .fields
            .iter()
            .find(|field| !row.iter().any(|(own, _)| own.name == field.name));
        if let Some(field) = absent.filter(|_| rng.one_in(2)) {
            out.extend_from_slice(format!(",\"{}\":null", field.name).as_bytes());
        }
        out.extend_from_slice(b"}\n");
    }
    String::from_utf8(out).unwrap()
}

/// A whole run, its settings open to change.
pub struct Run {
    pub settings: Settings,
    pub dialect: Dialect,
    pub limits: Limits,
    pub style: Style,
    pub job_id: String,
    pub threads: usize,
    folder: tempfile::TempDir,
}

/// What a run wrote.
pub struct Written {
    pub summary: Summary,
    pub signed: String,
    pub rejects: String,
    pub manifest: serde_json::Value,
    pub signed_path: PathBuf,
    _folder: tempfile::TempDir,
}

impl Run {
    pub fn new(format: &'static Format, timestamp: u64) -> Self {
        let mut settings = Settings::new(format, timestamp);
        settings.allow_stale = true;
        Self {
            settings,
            dialect: Dialect::Ndjson,
            limits: Limits::default(),
            style: Style::Ndjson,
            job_id: "test-job".into(),
            threads: 2,
            folder: tempfile::tempdir().unwrap(),
        }
    }

    pub fn csv(mut self) -> Self {
        self.dialect = Dialect::Csv { delimiter: b',' };
        self
    }

    pub fn try_sign(self, input: &[u8]) -> Result<Written, Error> {
        let folder = self.folder.path();
        let path = |name: &str| folder.join(name);
        std::fs::write(path("input"), input).unwrap();
        let format = self.settings.format;
        let signer = match format.alg() {
            Alg::Es256 => Signer::es256(&key(), &ENGINES[0], &self.job_id),
            Alg::Hs256 => Signer::hs256(&Secret::from_bytes(SECRET).unwrap()),
        };
        let inputs = vec![Input::new(Origin::File(path("input")), self.dialect)];
        let outputs = Outputs::beside(&path("signed"), self.style);
        let mut job = Job::new(self.settings, inputs, outputs).signed_by(signer, self.job_id);
        (job.limits, job.threads) = (self.limits, self.threads);
        let summary = pipeline::run(job, |_| {})?;
        let read = |name: &str| std::fs::read_to_string(path(name)).unwrap();
        Ok(Written {
            summary,
            signed: read("signed"),
            rejects: read("signed.rejects.ndjson"),
            manifest: serde_json::from_str(&read("signed.manifest.json")).unwrap(),
            signed_path: path("signed"),
            _folder: self.folder,
        })
    }

    pub fn sign(self, input: &str) -> Written {
        self.try_sign(input.as_bytes()).unwrap()
    }
}

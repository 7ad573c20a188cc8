//! Products, key rings, shapes, spread times and parts: the same bytes by
//! every engine, on any number of threads, in batches of every size.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use campaign_signer::engine::{ENGINES, EngineInfo};
use campaign_signer::envelope::Style;
use campaign_signer::format::shape::RECORD;
use campaign_signer::format::{Alg, Format, KeyUse};
use campaign_signer::key::SigningKey;
use campaign_signer::output::Compression;
use campaign_signer::pipeline::{self, Job, Outputs, Signer};
use campaign_signer::publishers::PublisherFile;
use campaign_signer::record::{FormatChoice, Meeting, Settings};
use campaign_signer::ring::{KeyRing, Match, RingEntry, RingKey};
use campaign_signer::row::{Dialect, Input, Limits, Origin};
use campaign_signer::stop::Stop;
use serde_json::Value;

use crate::testkit::{self, now};

/// What becomes of each row.
#[derive(Clone, Copy)]
struct Plan {
    formats: [&'static str; 2],
    shape: &'static str,
    count: u64,
    /// Rows meet publishers: all of them, or those with a column in common.
    meets: bool,
    join: Option<&'static str>,
    /// Rows choose among the keys of a ring.
    rings: bool,
    spread: Option<u64>,
    /// They become parts, by these columns, of so many records at most.
    parts: Option<(&'static [&'static str], Option<u64>, Compression)>,
}

const PLAIN: Plan = Plan {
    formats: ["skan-view", "skan-storekit"],
    shape: RECORD,
    count: 1,
    meets: false,
    join: None,
    rings: false,
    spread: None,
    parts: None,
};

const PRODUCTS: Plan = Plan {
    count: 3,
    meets: true,
    ..PLAIN
};

const PLANS: [(&str, Plan); 8] = [
    ("products", PRODUCTS),
    (
        "joined objects",
        Plan {
            shape: "openrtb",
            ..PRODUCTS
        },
    ),
    (
        "native objects",
        Plan {
            shape: "native",
            formats: ["skan-view", "aak-impression"],
            ..PRODUCTS
        },
    ),
    (
        "a key ring",
        Plan {
            rings: true,
            ..PLAIN
        },
    ),
    (
        "products under a ring",
        Plan {
            rings: true,
            ..PRODUCTS
        },
    ),
    (
        "times that are spread",
        Plan {
            join: Some("region"),
            spread: Some(57_600_000),
            ..PRODUCTS
        },
    ),
    (
        "parts",
        Plan {
            parts: Some((&["ad-network-id", "format"], Some(70), Compression::Gzip)),
            ..PRODUCTS
        },
    ),
    (
        "joined parts under a ring",
        Plan {
            shape: "openrtb",
            rings: true,
            parts: Some((&["ad-network-id"], None, Compression::None)),
            ..PRODUCTS
        },
    ),
];

const NETWORKS: usize = 3;

/// Inputs and keys that all runs of a test share.
struct Site {
    folder: tempfile::TempDir,
    keys: Vec<SigningKey>,
    timestamp: u64,
}

impl Site {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mut rows = String::from("ad_network_id,source_identifier,advertised_app_id,region");
        for at in 0..30 {
            let (network, region) = (at * at % 7 % NETWORKS, ["east", "west"][at % 2]);
            let app = match at % 9 {
                4 => "none".to_owned(),
                _ => (525_463_029 + at).to_string(),
            };
            rows += &format!("\nnet{network}.skadnetwork,5239,{app},{region}");
        }
        let mut publishers = String::from("publisher,source_app_id,region");
        for at in 0..7 {
            let region = ["east", "west", "north"][at % 3];
            publishers += &format!("\np{at},{},{region}", 1_000_001 + at);
        }
        fs::write(folder.path().join("rows.csv"), rows + "\n").unwrap();
        fs::write(folder.path().join("publishers.csv"), publishers + "\n").unwrap();
        let key = |_| SigningKey::generate().unwrap();
        Self {
            folder,
            keys: (0..NETWORKS).map(key).collect(),
            timestamp: now(),
        }
    }

    fn input(&self, name: &str) -> Input {
        Input::new(
            Origin::File(self.folder.path().join(name)),
            Dialect::Csv { delimiter: b',' },
        )
    }

    fn ring(&self) -> KeyRing {
        let entry = |(at, key): (usize, &SigningKey)| RingEntry {
            id: format!("k{at}"),
            line: 1,
            uses: vec![KeyUse::AdNetwork],
            matches: vec![Match::AdNetwork(vec![format!("net{at}.skadnetwork")])],
            key_id: None,
            not_before: None,
            not_after: None,
            file: PathBuf::new(),
            key: RingKey::Es256(SigningKey::from_bytes(key.to_pkcs8_pem().as_bytes()).unwrap()),
            warnings: Vec::new(),
        };
        KeyRing {
            path: PathBuf::from("keys.toml"),
            entries: self.keys.iter().enumerate().map(entry).collect(),
        }
    }

    /// Every file that a run writes, by its name; of the manifest what equal
    /// runs have alike.
    fn sign(&self, plan: &Plan, engine: &EngineInfo, threads: usize, limits: Limits) -> Files {
        let [first, second] = plan.formats.map(|id| Format::find(id).unwrap());
        let mut settings = Settings::new(first, self.timestamp);
        settings.more = vec![FormatChoice {
            format: second,
            version: None,
        }];
        settings.count = plan.count;
        settings.shape = plan.shape.into();
        settings.ignore_unknown = true;
        settings.spread = plan.spread;
        if plan.meets {
            settings.meeting = Some(Meeting {
                join: plan.join.map(str::to_owned),
                ..Meeting::default()
            });
        } else {
            settings.sets = vec![("source-app-id".into(), "7".into())];
        }
        let out = tempfile::tempdir().unwrap();
        let outputs = match plan.parts {
            None => Outputs::beside(&out.path().join("signed.ndjson"), Style::Ndjson),
            Some((by, most, compression)) => {
                let by = by.iter().map(|&column| column.to_owned()).collect();
                Outputs::in_folder(out.path(), by, most, Style::Ndjson, compression)
            }
        };
        let signer = match plan.rings {
            true => Signer::ring(&self.ring(), Alg::Es256, engine, "job").unwrap(),
            false => Signer::es256(&testkit::key(), engine, "job"),
        };
        let mut job = Job::new(settings, vec![self.input("rows.csv")], outputs);
        if plan.meets {
            let file = PublisherFile::read(&self.input("publishers.csv"), &Stop::default());
            job.publishers = Some(file.unwrap());
        }
        job = job.signed_by(signer, "job");
        (job.threads, job.limits) = (threads, limits);
        let summary = pipeline::run(job, |_| {}).unwrap();
        assert!(summary.counts.signed > 0 && summary.counts.rejected > 0);
        files(out.path())
    }
}

type Files = BTreeMap<String, Vec<u8>>;

fn files(folder: &Path) -> Files {
    let mut found = Files::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(inside) = folders.pop() {
        for entry in fs::read_dir(inside).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            let name = path.strip_prefix(folder).unwrap().display().to_string();
            let mut bytes = fs::read(&path).unwrap();
            if name.ends_with("manifest.json") {
                let text = String::from_utf8(bytes).unwrap();
                let text = text.replace(folder.to_str().unwrap(), "");
                let mut manifest: Value = serde_json::from_str(&text).unwrap();
                manifest.as_object_mut().unwrap().remove("run").unwrap();
                bytes = manifest.to_string().into_bytes();
            }
            if !name.ends_with(".lock") {
                found.insert(name, bytes);
            }
        }
    }
    found
}

#[test]
fn products_rings_shapes_and_parts_are_the_same_bytes_however_they_are_worked_on() {
    let site = Site::new();
    for (name, plan) in &PLANS {
        let first = site.sign(plan, &ENGINES[0], 1, Limits::default());
        let small = |batch_rows, batch_bytes| Limits {
            batch_rows,
            batch_bytes,
            ..Limits::default()
        };
        for engine in ENGINES {
            for (threads, limits) in [
                (2, Limits::default()),
                (7, small(3, 1 << 18)),
                (2, small(1024, 70)),
                (1, small(1, 1)),
            ] {
                let again = site.sign(plan, engine, threads, limits);
                let names = |files: &Files| files.keys().cloned().collect::<Vec<_>>();
                assert_eq!(names(&first), names(&again), "{name}");
                for (file, bytes) in &first {
                    let is_same = again[file] == *bytes;
                    let engine = engine.name;
                    assert!(
                        is_same,
                        "{name}: {file}, {engine}, {threads} threads, {limits:?}"
                    );
                }
            }
        }
    }
}

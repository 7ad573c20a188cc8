//! Rows that become many records, choose among keys, take another shape and go
//! into parts: each beside the plain run that gives one file of as many flat
//! records.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::time::Instant;

use campaign_signer::engine::ENGINES;
use campaign_signer::envelope::Style;
use campaign_signer::format::shape::RECORD;
use campaign_signer::format::{Alg, Format, KeyUse};
use campaign_signer::key::SigningKey;
use campaign_signer::output::Compression;
use campaign_signer::pipeline::{self, Job, Outputs, Signer};
use campaign_signer::publishers::PublisherFile;
use campaign_signer::record::{FormatChoice, Meeting, Settings};
use campaign_signer::ring::{KeyRing, Match, RingEntry, RingKey};
use campaign_signer::row::{Dialect, Input, Origin};
use campaign_signer::stop::Stop;

use crate::common::Turns;

/// Signatures of one run.
const SIGNATURES: usize = 200_000;
const PUBLISHERS: usize = 100;
const COPIES: usize = 50;
const KEYS: usize = 50;
const ROUNDS: usize = 9;

/// The inputs of all runs, and a key.
struct Site {
    folder: tempfile::TempDir,
    key: SigningKey,
}

/// What a run is given beside its input.
#[derive(Clone, Default)]
struct Plan {
    /// `ID,ID`.
    formats: &'static str,
    input: PathBuf,
    publishers: Option<PathBuf>,
    copies: u64,
    shape: Option<&'static str>,
    keep: Vec<String>,
    partition_by: Option<&'static str>,
    /// How many keys are in its ring; without one it has a key.
    keys: Option<usize>,
}

impl Site {
    fn new() -> Self {
        Self {
            folder: tempfile::tempdir().expect("a folder"),
            key: SigningKey::generate().expect("a key"),
        }
    }

    fn write(
        &self,
        name: &str,
        header: &str,
        rows: usize,
        row: impl Fn(usize) -> String,
    ) -> PathBuf {
        let mut text = format!("{header}\n");
        for at in 0..rows {
            let _ = writeln!(text, "{}", row(at));
        }
        let path = self.folder.path().join(name);
        std::fs::write(&path, text).expect("an input");
        path
    }

    /// Rows that become one record of each format; the networks take turns,
    /// and so do the values of two columns.
    fn rows(&self, rows: usize) -> PathBuf {
        let header = "ad_network_id,source_identifier,advertised_app_id,source_app_id,few,many";
        self.write("rows.csv", header, rows, |at| {
            let (network, few, many) = (at % KEYS, at % 3, at % 1000);
            let app = 525_000_000 + at;
            format!("network{network}.skadnetwork,5239,{app},1000001,f{few},m{many}")
        })
    }

    /// Signatures a second of a whole run.
    fn rate(&self, plan: &Plan) -> f64 {
        let input = |path: &Path| {
            Input::new(
                Origin::File(path.to_owned()),
                Dialect::Csv { delimiter: b',' },
            )
        };
        let now = jiff::Timestamp::now().as_millisecond().unsigned_abs();
        let mut ids = plan.formats.split(',').filter_map(Format::find);
        let mut settings = Settings::new(ids.next().expect("a format"), now);
        let more = |format| FormatChoice {
            format,
            version: None,
        };
        settings.more = ids.map(more).collect();
        settings.count = plan.copies.max(1);
        settings.shape = plan.shape.unwrap_or(RECORD).into();
        settings.keep.clone_from(&plan.keep);
        settings.ignore_unknown = true;
        settings.meeting = plan.publishers.as_ref().map(|_| Meeting::default());
        let folder = tempfile::tempdir().expect("a folder");
        let signed = folder.path().join("signed.ndjson");
        let outputs = match plan.partition_by {
            None => Outputs::beside(&signed, Style::Ndjson),
            Some(column) => {
                let by = vec![column.to_owned()];
                Outputs::in_folder(folder.path(), by, None, Style::Ndjson, Compression::None)
            }
        };
        let signer = match plan.keys {
            None => Signer::es256(&self.key, &ENGINES[0], "bench"),
            Some(keys) => {
                Signer::ring(&ring(keys), Alg::Es256, &ENGINES[0], "bench").expect("a ring")
            }
        };
        let per_row = (settings.formats().count() as u64) * settings.count;
        let mut job =
            Job::new(settings, vec![input(&plan.input)], outputs).signed_by(signer, "bench");
        let started = Instant::now();
        let mut meets = 1;
        if let Some(path) = &plan.publishers {
            let file = PublisherFile::read(&input(path), &Stop::default());
            job.publishers = Some(file.expect("publishers"));
            meets = PUBLISHERS as u64;
        }
        let summary = pipeline::run(job, |_| {}).expect("a run");
        let elapsed = started.elapsed();
        assert_eq!(summary.counts.rejected, 0, "{:?}", summary.first_reject);
        let signatures = summary.counts.signed * per_row * meets;
        assert_eq!(signatures, SIGNATURES as u64, "as many as all others");
        signatures as f64 / elapsed.as_secs_f64()
    }

    /// The plans take turns; each is told beside the first.
    fn tell(&self, plans: &[(&str, Plan)]) {
        println!("{:<44} {:>14} {:>9}", "", "signatures/s", "of first");
        let mut turns = Turns::default();
        for (_, plan) in plans {
            turns.add(|| self.rate(plan));
        }
        let rates = turns.take(ROUNDS);
        for (at, (name, _)) in plans.iter().enumerate() {
            println!(
                "{name:<44} {:>14.0} {:>9.2}",
                rates.of(at),
                rates.ratio(at, 0)
            );
        }
    }
}

/// A ring of so many keys, among which the networks of the rows choose.
fn ring(keys: usize) -> KeyRing {
    let entry = |at: usize| RingEntry {
        id: format!("k{at}"),
        line: 1,
        uses: vec![KeyUse::AdNetwork],
        matches: {
            let of_key = (0..KEYS).filter(|network| network % keys == at);
            let names = of_key.map(|network| format!("network{network}.skadnetwork"));
            vec![Match::AdNetwork(names.collect())]
        },
        key_id: None,
        not_before: None,
        not_after: None,
        file: PathBuf::new(),
        key: RingKey::Es256(SigningKey::generate().expect("a key")),
        warnings: Vec::new(),
    };
    KeyRing {
        path: PathBuf::new(),
        entries: (0..keys).map(entry).collect(),
    }
}

/// Campaigns x publishers x formats x copies beside rows of one record each.
pub(crate) fn products() {
    println!(
        "\nproducts: x {PUBLISHERS} publishers x formats x {COPIES} copies beside plain rows\n"
    );
    let site = Site::new();
    let rows = site.rows(SIGNATURES);
    let publishers = site.write(
        "publishers.csv",
        "publisher,source_app_id",
        PUBLISHERS,
        |at| format!("p{at},{}", 1_000_001 + at),
    );
    for formats in ["skan-view", "skan-view,skan-storekit", "aak-impression"] {
        let several = formats.split(',').count();
        let campaigns = SIGNATURES / PUBLISHERS / COPIES / several;
        let header = "ad_network_id,source_identifier,advertised_app_id";
        let campaigns = site.write(&format!("{formats}.csv"), header, campaigns, |at| {
            format!("network0.skadnetwork,5239,{}", 525_000_000 + at)
        });
        let plain = Plan {
            formats: formats.split(',').next().unwrap_or_default(),
            input: rows.clone(),
            ..Plan::default()
        };
        let product = Plan {
            formats,
            input: campaigns,
            publishers: Some(publishers.clone()),
            copies: COPIES as u64,
            ..Plan::default()
        };
        let name = format!("{formats}: products");
        site.tell(&[("plain", plain), (&name, product)]);
    }
}

/// One key beside a ring of many, whose rows are interleaved.
pub(crate) fn keys() {
    println!("\nkeys: one key beside rings whose rows are interleaved\n");
    let site = Site::new();
    let plan = |keys| Plan {
        formats: "skan-view",
        input: site.rows(SIGNATURES),
        keys,
        ..Plan::default()
    };
    site.tell(&[
        ("one key", plan(None)),
        ("a ring of 1", plan(Some(1))),
        ("a ring of 50", plan(Some(KEYS))),
    ]);
}

/// Flat records beside other shapes.
pub(crate) fn shapes() {
    println!("\nshapes: flat records beside objects\n");
    let site = Site::new();
    let rows = site.rows(SIGNATURES / 2);
    let plan = |shape| Plan {
        formats: "skan-view,skan-storekit",
        input: rows.clone(),
        shape: Some(shape),
        ..Plan::default()
    };
    let names = [RECORD, "native", "openrtb"];
    site.tell(&names.map(|shape| (shape, plan(shape))));
}

/// One file beside a folder of parts.
pub(crate) fn parts() {
    println!("\nparts: one file beside parts\n");
    let site = Site::new();
    let rows = site.rows(SIGNATURES);
    let plan = |partition_by| Plan {
        formats: "skan-view",
        input: rows.clone(),
        keep: vec!["few".into(), "many".into()],
        partition_by,
        ..Plan::default()
    };
    site.tell(&[
        ("one file", plan(None)),
        ("3 partitions", plan(Some("few"))),
        ("1,000 partitions", plan(Some("many"))),
    ]);
}

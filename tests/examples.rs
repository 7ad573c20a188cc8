//! The examples run, and do what they say.
#![allow(clippy::unwrap_used)] // A failed unwrap is a failed test.

use std::collections::{BTreeMap, HashSet};
use std::fs;
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use campaign_signer::format::FORMATS;
use serde_json::Value;

#[path = "../examples/custom_format.rs"]
#[allow(dead_code)]
mod custom_format;
#[path = "../examples/sign_file.rs"]
#[allow(dead_code)]
mod sign_file;
#[path = "../examples/sign_one.rs"]
#[allow(dead_code)]
mod sign_one;
#[path = "../examples/verify_file.rs"]
#[allow(dead_code)]
mod verify_file;

#[test]
fn one_row_is_signed_and_a_bad_one_names_all_its_problems() {
    let shown = sign_one::run().unwrap();
    let lines: Vec<&str> = shown.lines().collect();
    assert!(lines[0].starts_with(r#"{"format":"skan-view","version":"4.0","#));
    let codes: Vec<&str> = lines[1..]
        .iter()
        .map(|line| line.split(' ').nth(1).unwrap())
        .collect();
    assert_eq!(codes, ["uppercase", "out_of_range", "exponent_form"]);
    assert_eq!(
        shown,
        sign_one::run().unwrap(),
        "the same job gives the same bytes"
    );
}

#[test]
fn a_signed_file_verifies_with_the_public_half() {
    let folder = tempfile::tempdir().unwrap();
    let said = sign_file::run(folder.path()).unwrap();
    assert!(said.contains(" 0 rejected"), "{said}");
    let verdict = verify_file::run(&folder.path().join("signed.ndjson")).unwrap();
    let (good, all) = verdict.trim_end().split_once(" of ").unwrap();
    assert_eq!(all, format!("{good} records are good"));
    assert_ne!(good, "0");
}

#[test]
fn a_format_of_ones_own_is_signed_like_any_other() {
    let shown = custom_format::run().unwrap();
    assert!(
        shown.starts_with(r#"{"format":"click-receipt","jti":""#),
        "{shown}"
    );
    assert!(shown.contains(r#""campaign":4711,"placement":"Übersicht, oben","jws":"eyJ"#));
}

#[test]
fn the_example_job_signs_all_its_rows_twice_and_the_public_half_verifies_them() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples");
    let folder = tempfile::tempdir().unwrap();
    let job = folder.path().join("examples");
    for part in ["", "data", "keys"] {
        fs::create_dir_all(job.join(part)).unwrap();
        for entry in fs::read_dir(root.join(part)).unwrap() {
            let path = entry.unwrap().path();
            if path.is_file() {
                fs::copy(&path, job.join(part).join(path.file_name().unwrap())).unwrap();
            }
        }
    }
    let run = |arguments: &[&str]| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_campaign-signer"));
        let output = command
            .args(arguments)
            .current_dir(folder.path())
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(0), "{arguments:?}\n{said}");
        said
    };
    for _ in 0..2 {
        let said = run(&["run", "examples/job.toml"]);
        assert!(
            said.lines()
                .filter(|line| line.contains("rejected  0 rows"))
                .count()
                == 2,
            "{said}"
        );
    }
    let key = [
        "verify",
        "--public-key",
        "examples/keys/demo.pub.pem",
        "--manifest",
    ];
    for name in ["signed.views.ndjson", "signed.storekit.csv.gz"] {
        run(&[&key[..], &[&format!("{name}.manifest.json")]].concat());
    }
}

/// A job among the examples, its outputs, and what each line of them is.
struct ExampleJob {
    name: &'static str,
    /// Name, where it is written, the schema of its lines, and whether each
    /// line has kept columns beside the object.
    outputs: &'static [(&'static str, &'static str, &'static str, bool)],
    /// How many nonces there are in all.
    nonces: usize,
}

const JOBS: [ExampleJob; 2] = [
    ExampleJob {
        name: "nightly",
        outputs: &[
            ("bids", "bids", "skan-view.openrtb", false),
            ("impressions", "impressions", "aak-impression.native", true),
            (
                "storekit",
                "storekit.ndjson.gz",
                "skan-storekit.native",
                false,
            ),
            ("web", "web", "skan-web.web-bundle", false),
        ],
        nonces: 5 * 14_918,
    },
    ExampleJob {
        name: "offers",
        outputs: &[
            (
                "promo-v2",
                "promo-v2.ndjson",
                "appstore-promo-v2.native",
                true,
            ),
            (
                "promo-v1",
                "promo-v1.ndjson",
                "appstore-promo-v1.native",
                true,
            ),
            (
                "eligibility",
                "eligibility.ndjson",
                "appstore-intro.native",
                true,
            ),
            (
                "advanced-commerce",
                "advanced-commerce.ndjson",
                "appstore-advanced-commerce.native",
                true,
            ),
            ("users", "users.ndjson", "impact-user-jwt.native", false),
        ],
        // Tokens of users have none.
        nonces: 400 + 400 + 120 + 40,
    },
];

fn examples() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("examples")
}

/// Every file below a folder, by its name in it, without the folder it is
/// told to leave out.
fn tree(folder: &Path, without: Option<&str>) -> BTreeMap<String, Vec<u8>> {
    let mut found = BTreeMap::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(inside) = folders.pop() {
        for entry in fs::read_dir(inside).unwrap() {
            let path = entry.unwrap().path();
            let name = path.strip_prefix(folder).unwrap().to_str().unwrap();
            if path.is_dir() {
                if without != Some(name) {
                    folders.push(path);
                }
            } else {
                found.insert(name.to_owned(), fs::read(&path).unwrap());
            }
        }
    }
    found
}

/// An example as it is committed, in a temporary folder.
fn copy_of(job: &ExampleJob) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let copy = folder.path().join(job.name);
    for (name, bytes) in tree(&examples().join(job.name), Some("out")) {
        let path = copy.join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, bytes).unwrap();
    }
    fs::create_dir(copy.join("out")).unwrap();
    folder
}

/// Runs the program in a folder; it must succeed.
#[track_caller]
fn program(folder: &Path, arguments: &str) -> String {
    let mut command = Command::new(env!("CARGO_BIN_EXE_campaign-signer"));
    command
        .args(arguments.split_whitespace())
        .current_dir(folder);
    let output = command.output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(0), "{arguments}\n{said}");
    said
}

/// The objects of an output, whatever it is compressed with.
fn objects(path: &Path) -> Vec<Value> {
    let files = match path.is_dir() {
        true => tree(path, None),
        false => BTreeMap::from([(path.display().to_string(), fs::read(path).unwrap())]),
    };
    let mut objects = Vec::new();
    for (name, bytes) in files {
        if name.starts_with('_') {
            continue;
        }
        let mut text = String::new();
        if name.ends_with(".gz") {
            let mut reader = flate2::read::MultiGzDecoder::new(&bytes[..]);
            reader.read_to_string(&mut text).unwrap();
        } else if name.ends_with(".zst") {
            text = String::from_utf8(zstd::decode_all(&bytes[..]).unwrap()).unwrap();
        } else {
            text = String::from_utf8(bytes).unwrap();
        }
        objects.extend(
            text.lines()
                .map(|line| serde_json::from_str::<Value>(line).unwrap()),
        );
    }
    objects
}

/// Every nonce in an object; tokens are looked into.
fn nonces(value: &Value, found: &mut Vec<String>) {
    const NAMES: [&str; 3] = [
        "nonce",
        "impression-identifier",
        "SKStoreProductParameterAdNetworkNonce",
    ];
    match value {
        Value::Object(members) => {
            for (name, value) in members {
                match value.as_str() {
                    Some(text) if NAMES.contains(&name.as_str()) => found.push(text.to_owned()),
                    _ => nonces(value, found),
                }
            }
        }
        Value::Array(values) => values.iter().for_each(|value| nonces(value, found)),
        Value::String(text) if text.split('.').count() == 3 && text.starts_with("eyJ") => {
            let claims = text.split('.').nth(1).unwrap();
            let claims = URL_SAFE_NO_PAD.decode(claims).unwrap();
            nonces(&serde_json::from_slice(&claims).unwrap(), found);
        }
        _ => {}
    }
}

#[test]
fn each_example_job_signs_all_its_rows_and_every_output_is_sound() {
    for job in JOBS {
        let folder = copy_of(&job);
        let own = folder.path().join(job.name);
        let before = tree(folder.path(), Some(&format!("{}/out", job.name)));
        let said = program(folder.path(), &format!("run {}/job.toml", job.name));
        let all = said
            .lines()
            .filter(|line| line.contains("rejected  0 rows"));
        assert_eq!(all.count(), job.outputs.len(), "{said}");
        let mut all = Vec::new();
        for (name, file, schema, is_kept) in job.outputs {
            let path = own.join("out").join(file);
            let (ring, out) = (format!("{}/keys.toml", job.name), path.display());
            program(folder.path(), &format!("verify --keys {ring} {out}"));
            let objects = objects(&path);
            assert!(!objects.is_empty(), "{name}");
            let schema =
                Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("schemas/{schema}.json"));
            let schema = serde_json::from_slice(&fs::read(schema).unwrap()).unwrap();
            let schema = jsonschema::draft202012::new(&schema).unwrap();
            for (at, line) in objects.iter().enumerate() {
                nonces(line, &mut all);
                let object = if *is_kept { &line["object"] } else { line };
                // A signature's form does not change from line to line.
                if at % 50 == 0 {
                    assert!(schema.is_valid(object), "{name}: {line}");
                }
            }
        }
        let distinct: HashSet<&String> = all.iter().collect();
        assert_eq!(
            (all.len(), distinct.len()),
            (job.nonces, job.nonces),
            "{}",
            job.name
        );

        // Again, and from another working folder.
        let last = job.outputs.last().unwrap().0;
        program(&own.join("keys"), &format!("run ../job.toml --only {last}"));
        let after = tree(folder.path(), Some(&format!("{}/out", job.name)));
        assert_eq!(
            before, after,
            "{} writes into its out folder alone",
            job.name
        );
    }
}

#[test]
fn the_nightly_job_is_of_the_size_and_kinds_that_it_says() {
    let folder = copy_of(&JOBS[0]);
    let rows = |name: &str| {
        let text = fs::read_to_string(folder.path().join("nightly").join(name)).unwrap();
        text.lines().skip(1).map(str::to_owned).collect::<Vec<_>>()
    };
    assert_eq!(rows("campaigns.csv").len(), 40);
    assert_eq!(rows("publishers.csv").len(), 200);
    let job = fs::read_to_string(folder.path().join("nightly/job.toml")).unwrap();
    let ad_formats = FORMATS.iter().filter(|f| f.key.family() == "ad-network");
    for format in ad_formats {
        assert!(job.contains(&format!("\"{}\"", format.id)), "{}", format.id);
    }
    let lists: Vec<_> = rows("campaigns.csv");
    assert!(
        lists.iter().any(|row| row.ends_with(",,")),
        "all publishers"
    );
    assert!(
        lists.iter().any(|row| !row.ends_with(',')),
        "all but those denied"
    );
}

#[test]
fn every_example_key_is_marked_as_a_public_demo_key() {
    let mut keys = 0;
    for (name, bytes) in tree(&examples(), None) {
        let text = String::from_utf8_lossy(&bytes).to_lowercase();
        let is_key = text.contains("-----begin") || name.contains("secret");
        if is_key && !name.contains("out/") && !name.ends_with(".rs") {
            keys += 1;
            assert!(
                text.contains("public demo key") || text.contains("public-demo"),
                "{name}"
            );
        }
    }
    assert_eq!(keys, 3 + 2 * 3 + 3);
    for job in JOBS {
        let ring = fs::read_to_string(examples().join(job.name).join("keys.toml")).unwrap();
        assert!(
            ring.replace("\n# ", " ").contains("public demo keys"),
            "{}",
            job.name
        );
        let folder = copy_of(&job);
        program(folder.path(), &format!("key check {}/keys.toml", job.name));
    }
}

#[test]
fn every_example_job_fits_the_schema_of_job_files() {
    let schema = Path::new(env!("CARGO_MANIFEST_DIR")).join("schemas/job.schema.json");
    let schema = serde_json::from_slice(&fs::read(schema).unwrap()).unwrap();
    let schema = jsonschema::draft202012::new(&schema).unwrap();
    for name in ["job.toml", "nightly/job.toml", "offers/job.toml"] {
        let text = fs::read_to_string(examples().join(name)).unwrap();
        let job: Value = toml::from_str(&text).unwrap();
        assert!(schema.is_valid(&job), "{name}");
    }
}

//! The schemas, templates and example data agree with each other, with the
//! files in the repository, and with what rows and records really are.

#![allow(clippy::unwrap_used)]

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use campaign_signer::engine::ENGINES;
use campaign_signer::format::{Alg, FORMATS, Field, Format, Kind, Source};
use campaign_signer::json::Shape;
use campaign_signer::key::{Secret, SigningKey};
use campaign_signer::output::Target;
use campaign_signer::pipeline::{self, Job, Outputs, Signer};
use campaign_signer::record::{Outcome, Plan, Problem, Records, Rules, Settings, Tally};
use campaign_signer::row::{Batch, Cells, Dialect, Input, Limits, Origin, Reader};
use campaign_signer::{schema, template};
use jsonschema::Validator;
use serde_json::{Map, Value, json};

const NOW: u64 = 1_790_000_000_000;
const CSV: Dialect = Dialect::Csv { delimiter: b',' };

fn root(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(name)
}

fn validator(schema: &Value) -> Validator {
    jsonschema::draft202012::new(schema).unwrap()
}

/// Rules without any option, at the time of these tests.
fn plain_rules(format: &'static Format) -> Rules {
    Rules::new(Settings::new(format, NOW)).unwrap()
}

fn check(rules: &Rules, row: &str) -> Result<(), Vec<Problem>> {
    let plan = Plan::for_members(rules);
    let mut records = Records::for_rules(rules);
    let mut problems = Vec::new();
    match plan.check_json(
        row.as_bytes(),
        1,
        &mut records,
        &mut problems,
        &mut Tally::default(),
    ) {
        Outcome::Record => Ok(()),
        Outcome::Reject => Err(problems),
    }
}

/// Checks a whole CSV file; gives the number of its rows.
fn check_csv(rules: &Rules, text: &[u8]) -> Result<usize, Vec<Problem>> {
    let mut reader = Reader::new(text, CSV, Limits::default(), 1);
    let header = reader.header().unwrap().unwrap();
    let plan = Plan::for_header(rules, &header).unwrap();
    let mut records = Records::for_rules(rules);
    let (mut problems, mut notices) = (Vec::new(), Tally::default());
    let mut batch = Batch::default();
    while reader.next_batch(&mut batch).unwrap() {
        assert!(batch.faults.is_empty());
        let mut cells = Cells::new(&batch, b',');
        while let Some((_, row)) = cells.next() {
            let row = row.unwrap();
            plan.check_cells(row, 1, &mut records, &mut problems, &mut notices);
        }
    }
    if problems.is_empty() {
        Ok(records.len())
    } else {
        Err(problems)
    }
}

fn example(format: &Format, ending: &str) -> PathBuf {
    root("examples/data").join(format!("{}.{ending}", format.id))
}

fn example_lines(format: &Format) -> Vec<String> {
    let text = std::fs::read_to_string(example(format, "ndjson")).unwrap();
    text.lines().map(str::to_owned).collect()
}

#[test]
fn the_schemas_directory_holds_what_the_table_gives() {
    let directory = root("schemas");
    let mut wanted: BTreeMap<String, String> = schema::files().into_iter().collect();
    // The options are the program's, not the library's.
    let mut program = std::process::Command::new(env!("CARGO_BIN_EXE_campaign-signer"));
    let job = program.args(["schema", "job"]).output().unwrap().stdout;
    wanted.insert("job.schema.json".into(), String::from_utf8(job).unwrap());
    if std::env::var_os("UPDATE_SCHEMAS").is_some_and(|value| value == "1") {
        let _ = std::fs::remove_dir_all(&directory);
        std::fs::create_dir_all(&directory).unwrap();
        for (name, text) in &wanted {
            std::fs::write(directory.join(name), text).unwrap();
        }
    }
    let mut found = BTreeMap::new();
    for entry in std::fs::read_dir(&directory).unwrap() {
        let entry = entry.unwrap();
        let name = entry.file_name().into_string().unwrap();
        found.insert(name, std::fs::read_to_string(entry.path()).unwrap());
    }
    let all = wanted.keys().chain(found.keys());
    let mut differ: Vec<&String> = all
        .filter(|name| wanted.get(*name) != found.get(*name))
        .collect();
    differ.sort();
    differ.dedup();
    assert!(
        differ.is_empty(),
        "schemas/ is not what the format table gives: {differ:?}\n\
         remove files that are too many, then run: campaign-signer schema --write schemas\n\
         or: UPDATE_SCHEMAS=1 cargo test --test schemas"
    );
}

#[test]
fn every_schema_is_a_valid_schema_of_its_draft_under_its_own_name() {
    let files = schema::files();
    let shapes: usize = FORMATS.iter().map(|format| format.shapes.len()).sum();
    assert_eq!(files.len(), 2 * FORMATS.len() + shapes + 5);
    for (name, text) in files {
        assert!(text.ends_with('\n') && !text.ends_with("\n\n"), "{name}");
        if !name.ends_with(".json") {
            continue;
        }
        let schema: Value = serde_json::from_str(&text).unwrap();
        assert!(jsonschema::draft202012::meta::is_valid(&schema), "{name}");
        assert_eq!(schema["$id"], json!(name));
        assert!(schema["title"].is_string() && schema["description"].is_string());
        validator(&schema);
    }
}

#[test]
fn every_template_can_be_signed_as_it_is_and_fits_its_schema() {
    for format in FORMATS {
        let rules = plain_rules(format);
        let (csv, line) = (template::csv(format), template::ndjson(format));
        assert_eq!(
            check_csv(&rules, csv.as_bytes()),
            Ok(1),
            "{}\n{csv}",
            format.id
        );
        assert_eq!(check(&rules, &line), Ok(()), "{}\n{line}", format.id);
        let row = serde_json::from_str(&line).unwrap();
        let result = validator(&schema::row(format)).validate(&row).is_ok();
        assert!(result, "{line}");
    }
}

#[test]
fn every_example_file_is_accepted_and_fits_its_schema() {
    for format in FORMATS {
        let rules = plain_rules(format);
        let rows = check_csv(&rules, &std::fs::read(example(format, "csv")).unwrap());
        assert!(
            (6..=12).contains(&rows.clone().unwrap()),
            "{}: {rows:?}",
            format.id
        );
        let schema = validator(&schema::row(format));
        let lines = example_lines(format);
        assert!((6..=12).contains(&lines.len()), "{}", format.id);
        for line in lines {
            assert_eq!(check(&rules, &line), Ok(()), "{line}");
            let row: Value = serde_json::from_str(&line).unwrap();
            assert!(schema.is_valid(&row), "{line}");
        }
    }
    let names = std::fs::read_dir(root("examples/data")).unwrap().count();
    assert_eq!(names, 2 * FORMATS.len());
}

/// Rows that differ from a good one by the members given; none of them fits.
#[test]
fn rows_with_one_thing_wrong_do_not_fit() {
    let table = [
        // Wrong types.
        (
            "aak-impression",
            json!({"eligible-for-re-engagement": "true"}),
        ),
        (
            "aak-impression",
            json!({"ad-network-identifier": ["a.skadnetwork"]}),
        ),
        ("appstore-promo-v2", json!({"transactionId": 2_000_000_000})),
        ("appstore-intro", json!({"allowIntroductoryOffer": 1})),
        ("appstore-advanced-commerce", json!({"request": "e30="})),
        ("impact-user-jwt", json!({"segments": {}})),
        // A required value is none.
        ("appstore-promo-v1", json!({"offerIdentifier": null})),
        ("appstore-promo-v1", json!({"offerIdentifier": ""})),
        ("skan-view", json!({"source-identifier": null})),
        ("impact-user-jwt", json!({"id": null})),
        // Members no version has, and those of other versions.
        ("aak-impression", json!({"campaign": 5})),
        ("skan-storekit", json!({"campaign-id": 5})),
        (
            "skan-storekit",
            json!({"version": "3.0", "campaign-id": 5, "source-identifier": 5239}),
        ),
        (
            "skan-storekit",
            json!({"version": "1.0", "source-identifier": null, "campaign-id": 5}),
        ),
        (
            "skan-view",
            json!({"version": "2.0", "source-identifier": null, "campaign-id": 5}),
        ),
        ("skan-view", json!({"version": 4.0})),
        // Ranges, texts and constants.
        ("aak-impression", json!({"source-identifier": 5})),
        ("aak-impression", json!({"source-identifier": 10_000})),
        ("aak-impression", json!({"source-identifier": "5"})),
        ("aak-impression", json!({"advertised-item-identifier": 0})),
        ("aak-impression", json!({"impression-type": "view"})),
        ("skan-view", json!({"fidelity-type": 1})),
        (
            "skan-web",
            json!({"source_domain": "https://www.example.com"}),
        ),
        ("skan-web", json!({"ad_network_id": "Example.skadnetwork"})),
        (
            "skan-web",
            json!({"nonce": "69ef8a07-7ab1-4ba9-a07e-9b1c8ad8b1f"}),
        ),
        (
            "appstore-promo-v1",
            json!({"appBundleId": "com.example\u{2063}.app"}),
        ),
        (
            "appstore-promo-v1",
            json!({"appBundleId": " com.example.app"}),
        ),
        ("impact-user-jwt", json!({"locale": "en-US"})),
        // Seconds for milliseconds and the other way round.
        ("aak-impression", json!({"timestamp": 1_790_000_000})),
        ("appstore-promo-v2", json!({"iat": 1_790_000_000_000_u64})),
        (
            "impact-user-jwt",
            json!({"exp": 1_790_000_000_000_u64.to_string()}),
        ),
        // Copies.
        ("skan-view", json!({"count": 0})),
        (
            "skan-view",
            json!({"count": 2, "nonce": "69ef8a07-7ab1-4ba9-a07e-9b1c8ad8b1f0"}),
        ),
        ("impact-user-jwt", json!({"count": 2})),
    ];
    for (id, change) in table {
        let format = Format::find(id).unwrap();
        let mut row: Map<String, Value> = serde_json::from_str(&template::ndjson(format)).unwrap();
        row.extend(change.as_object().unwrap().clone());
        let row = Value::Object(row);
        assert!(!validator(&schema::row(format)).is_valid(&row), "{row}");
        assert!(check(&plain_rules(format), &row.to_string()).is_err());
    }
}

/// Whether schema and checker both can judge this value. Excluded are: digits
/// in a string whose number is out of range (the schema counts digits only),
/// JSON values of the right shape (the schema does not look inside), and an
/// empty key id, which the option given in this test replaces.
fn both_see(field: &Field, value: &Value) -> bool {
    if matches!(field.source, Source::KeyId { .. }) && value == "" {
        return false;
    }
    let range = match field.kind {
        Kind::Integer { min, max } => (min, max),
        Kind::Time(unit) => unit.range(),
        Kind::Json { shape, .. } => {
            let same = match shape {
                Shape::Array => value.is_array(),
                _ => value.is_object(),
            };
            return !same;
        }
        _ => return true,
    };
    match value.as_str().map(str::parse::<u64>) {
        Some(Ok(number)) => (range.0..=range.1).contains(&number),
        _ => true,
    }
}

/// Values that are right for one field and wrong for another.
fn values(field: &Field) -> Vec<Value> {
    let mut values = vec![
        json!(null),
        json!(true),
        json!(0),
        json!(1),
        json!(57),
        json!(101),
        json!(-1),
        json!(1.5),
        json!(10_000),
        json!(1_700_000_000),
        json!(1_700_000_000_000_u64),
        json!(u64::MAX),
        json!(18_446_744_073_709_551_616.0),
        json!([]),
        json!({}),
        json!(""),
        json!(" "),
        json!("57"),
        json!("0057"),
        json!("5.0"),
        json!("true"),
        json!("4.0"),
        json!("4"),
        json!("Text with Capitals, commas"),
        json!("white space behind\u{200b}"),
        json!("tab\tinside"),
        json!("next line\u{85}inside"),
        json!("separator\u{2063}inside"),
        json!("日本"),
        json!("69EF8A07-7AB1-4BA9-A07E-9B1C8AD8B1F0"),
        json!("69ef8a077ab14ba9a07e9b1c8ad8b1f0"),
        json!("sub.example.org"),
        json!("de_DE"),
    ];
    if let Source::Constant(text) = field.source {
        values.push(json!(text));
    }
    if let Kind::OneOf(all) = field.kind {
        values.extend(all.iter().map(|one| json!(one)));
    }
    values
}

/// Both verdicts on rows that were each changed in one member. A row's time
/// is not judged, because a schema has no clock; the key's id is given as an
/// option, because the schema leaves it to the key.
#[test]
fn schema_and_checker_agree_on_changed_rows() {
    for format in FORMATS {
        let mut settings = Settings::new(format, NOW);
        (settings.allow_future, settings.allow_stale) = (true, true);
        settings.key_id = format.key_id().map(|_| "2X9R4HXF34".to_owned());
        let rules = Rules::new(settings).unwrap();
        let schema = validator(&schema::row(format));
        let mut verdicts = [0_u32; 2];
        let mut judge = |row: &Value| {
            let checked = check(&rules, &row.to_string());
            let fits = schema.is_valid(row);
            assert_eq!(fits, checked.is_ok(), "{} {row}\n{checked:#?}", format.id);
            verdicts[usize::from(fits)] += 1;
        };
        let mut lines = example_lines(format);
        lines.push(template::ndjson(format));
        for line in lines {
            let row: Value = serde_json::from_str(&line).unwrap();
            let mut unknown = row.clone();
            unknown["unknown-member"] = json!(1);
            judge(&unknown);
            for count in [json!(null), json!("1"), json!(0), json!(-1), json!("x")] {
                let mut row = row.clone();
                row["count"] = count;
                judge(&row);
            }
            for field in format.fields {
                // Members stand bare or inside, as the row has it.
                let parent = format.parent(field.name).filter(|p| row.get(*p).is_some());
                let change = |set: &dyn Fn(&mut Map<String, Value>)| {
                    let mut row = row.clone();
                    let object = match parent {
                        Some(parent) => &mut row[parent],
                        None => &mut row,
                    };
                    set(object.as_object_mut().unwrap());
                    row
                };
                judge(&change(&|members| drop(members.remove(field.name))));
                for value in values(field).into_iter().filter(|v| both_see(field, v)) {
                    judge(&change(&|members| {
                        members.insert(field.name.to_owned(), value.clone());
                        // Whether copies may be made is judged elsewhere.
                        if field.source == Source::Nonce {
                            members.remove("count");
                        }
                    }));
                }
            }
        }
        assert!(verdicts.iter().all(|n| *n >= 36), "{verdicts:?}");
    }
}

/// Signs a format's example and one bad row; gives the lines of records and
/// rejects, and the manifest.
fn sign(format: &'static Format, directory: &Path) -> (Vec<Value>, Vec<Value>, Value) {
    let bad = directory.join("bad.ndjson");
    std::fs::write(&bad, "{\"unknown\":1}\n\"\u{e9}\"\n").unwrap();
    let raw = directory.join("raw.ndjson");
    std::fs::write(&raw, b"\xff\n").unwrap();
    let job_id = "schemas".to_owned();
    let signer = match format.alg() {
        Alg::Es256 => Signer::es256(&SigningKey::generate().unwrap(), &ENGINES[0], &job_id),
        Alg::Hs256 => Signer::hs256(&Secret::from_bytes(&[7; 32]).unwrap()),
    };
    let input = |path: PathBuf| Input::new(Origin::File(path), Dialect::Ndjson);
    let file = |name: &str| directory.join(format!("{}.{name}", format.id));
    let (signed, rejects, manifest) = (file("signed"), file("rejects"), file("manifest"));
    // The fixed time of these tests is not the present.
    let mut settings = Settings::new(format, NOW);
    (settings.allow_future, settings.allow_stale) = (true, true);
    let inputs = vec![input(example(format, "ndjson")), input(bad), input(raw)];
    let outputs = Outputs {
        signed: Some(Target::File(signed.clone())),
        rejects: Some(Target::File(rejects.clone())),
        manifest: Some(manifest.clone()),
        ..Outputs::none()
    };
    let job = Job::new(settings, inputs, outputs).signed_by(signer, job_id);
    pipeline::run(job, |_| {}).unwrap();
    let lines = |path: &Path| {
        let text = std::fs::read_to_string(path).unwrap();
        let lines = text.lines().map(|line| serde_json::from_str(line).unwrap());
        lines.collect::<Vec<Value>>()
    };
    let text = std::fs::read_to_string(&manifest).unwrap();
    let manifest = serde_json::from_str(&text).unwrap();
    (lines(&signed), lines(&rejects), manifest)
}

#[test]
fn what_a_run_writes_fits_and_nothing_less_does() {
    let directory = tempfile::tempdir().unwrap();
    let (reject, manifest) = (validator(&schema::reject()), validator(&schema::manifest()));
    for format in FORMATS {
        let schema = validator(&schema::record(format));
        let (records, rejects, report) = sign(format, directory.path());
        assert!(records.len() >= 6);
        for record in &records {
            let errors: Vec<_> = schema.iter_errors(record).collect();
            assert!(errors.is_empty(), "{record}\n{errors:#?}");
            let more = with(record, "kept", json!("column"));
            assert!(schema.is_valid(&more), "{more}");
            for name in record.as_object().unwrap().keys() {
                // An optional member may be gone, but none may change its type.
                let other = with(record, name, json!([[1]]));
                assert!(!schema.is_valid(&other), "{other}");
                let may_lack = format.field(name).is_some_and(|(_, field)| {
                    field.source == Source::Optional || field.omit.is_some()
                });
                let mut less = record.clone();
                less.as_object_mut().unwrap().remove(name);
                assert_eq!(schema.is_valid(&less), may_lack, "{less}");
            }
        }
        assert_eq!(rejects.len(), 3);
        for line in &rejects {
            assert!(reject.is_valid(line), "{line}");
            assert!(!reject.is_valid(&with(line, "problems", json!([]))));
            assert!(!reject.is_valid(&with(line, "more", json!(1))));
        }
        let errors: Vec<_> = manifest.iter_errors(&report).collect();
        assert!(errors.is_empty(), "{report:#}\n{errors:#?}");
        for name in report.as_object().unwrap().keys() {
            assert!(!manifest.is_valid(&with(&report, name, json!(null))));
        }
    }
}

fn with(value: &Value, name: &str, member: Value) -> Value {
    let mut value = value.clone();
    value[name] = member;
    value
}

#[test]
fn a_record_has_no_member_of_another_version() {
    let directory = tempfile::tempdir().unwrap();
    for format in FORMATS.iter().filter(|format| format.layouts.len() > 1) {
        let schema = validator(&schema::record(format));
        for record in sign(format, directory.path()).0 {
            let versions = format.versions().filter(|v| record["version"] != json!(v));
            for version in versions {
                let layout = format.layout(version).unwrap();
                let own = format.layout(record["version"].as_str().unwrap()).unwrap();
                let alike = layout.field_names().len() == own.field_names().len()
                    && layout
                        .field_names()
                        .iter()
                        .all(|name| own.field_names().contains(name));
                let changed = with(&record, "version", json!(version));
                assert_eq!(schema.is_valid(&changed), alike, "{changed}");
            }
        }
    }
}

#[test]
fn pages_name_every_format_field_and_code() {
    let files: BTreeMap<String, String> = schema::files().into_iter().collect();
    let readme = &files["README.md"];
    for format in FORMATS {
        assert!(schema::formats_table().contains(&format!("`{}`", format.id)));
        let page = schema::format_text(format);
        assert!(page.contains(format.title) && page.contains("SOURCES"));
        for field in format.fields {
            assert!(page.contains(field.name) && readme.contains(field.doc));
        }
        for line in page.lines() {
            assert!(line.chars().count() <= 80, "{line}");
        }
    }
}

//! A finished run, checked as a whole: what is whole is found so, in every
//! format and from and to every kind of file; whatever was damaged afterwards
//! is found and named, even where the manifest was mended to fit the damage.

#![allow(clippy::unwrap_used)]

mod testkit;
mod workdir;

use campaign_signer::engine::{Hs256, P256Verifier, Verifier};
use campaign_signer::envelope::Style;
use campaign_signer::format::{Alg, FORMATS, Format, Source};
use campaign_signer::key::{Secret, SigningKey};
use campaign_signer::output::KeyEntry;
use campaign_signer::row::{Dialect, Input, Limits, Origin, Unpacking};
use campaign_signer::verify::{self, AtHand, Check, FinishedRun, Keys, NONCES_IN_MEMORY, WholeRun};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use testkit::{Rng, Written, now, random_row};
use workdir::{Run, Workdir, csv_line, example_row, key_data, token};

const MANIFEST: &str = "manifest.json";

/// A finished run in a folder of its own.
struct Finished {
    workdir: Workdir,
    format: &'static Format,
    output: &'static str,
}

/// Rows of a format with a column of their own, `row`, which is kept: every
/// record is told from every other. Numbers go on from `first`.
fn rows(format: &Format, input: &str, first: u32, copies: bool) -> String {
    let example = example_row(format, None);
    let is_json = input.ends_with("ndjson");
    let names = example.iter().map(|(name, _)| *name);
    let mut lines = vec![csv_line(names.chain(["row", "count"]))];
    if is_json {
        lines.clear();
    }
    for at in 0..5 {
        let row = format!("r{}", first + at);
        let count = if copies && at == 2 { "3" } else { "1" };
        // The fourth row is refused: its first field is none.
        let texts = example.iter().enumerate().map(|(nth, (name, text))| {
            let bad = at == 3 && nth == 0;
            let text = if bad { "\u{7}" } else { text };
            (*name, text)
        });
        lines.push(if is_json {
            let members = texts.map(|(name, text)| match text {
                "\u{7}" => format!("\"{name}\":\"\\u0007\""),
                _ => format!("\"{name}\":{}", token(format, name, text)),
            });
            let members: Vec<String> = members.collect();
            let members = members.join(",");
            format!("{{{members},\"row\":\"{row}\",\"count\":{count}}}")
        } else {
            let texts = texts.map(|(_, text)| text);
            csv_line(texts.chain([row.as_str(), count]))
        });
    }
    lines.join("\n") + "\n"
}

impl Finished {
    /// Two inputs of five rows each, of which one is refused; the third
    /// becomes three records where the format has a nonce.
    fn new(format: &'static Format, input: &str, output: &'static str) -> Self {
        let workdir = Workdir::new();
        let copies = format.field_from(Source::Nonce).is_some();
        // What a request holds must be unique, so its row takes no copies.
        let copies = copies && format.fields.iter().all(|field| field.wrapped.is_none());
        let names = [format!("a.{input}"), format!("b.{input}")];
        for (name, first) in names.iter().zip([1, 6]) {
            workdir.write(name, rows(format, name, first, copies));
        }
        let finished = Self {
            workdir,
            format,
            output,
        };
        let key = match format.alg() {
            Alg::Es256 => "-k key.pem",
            Alg::Hs256 => "--secret-file secret.txt",
        };
        let id = format.key_id().map_or("", |_| "--key-id 2X9R4HXF34");
        finished.sign(&format!("{key} {id} -o {output} {} {}", names[0], names[1]));
        finished
    }

    fn sign(&self, rest: &str) {
        let id = self.format.id;
        let options = "--keep row --rejects rejects.ndjson --force";
        let sign = format!("sign -f {id} {options} --manifest {MANIFEST} {rest}");
        self.workdir.run(&sign).exit(1);
    }

    fn verify(&self, rest: &str) -> Run<'_> {
        let key = match self.format.alg() {
            Alg::Es256 => "--public-key pub.pem",
            Alg::Hs256 => "--secret-file secret.txt",
        };
        self.workdir
            .run(&format!("verify {key} --manifest {MANIFEST} {rest}"))
    }

    fn lines(&self, name: &str) -> Vec<String> {
        self.workdir.lines(name)
    }

    /// Changes the lines of a file.
    fn change(&self, name: &str, change: impl FnOnce(&mut Vec<String>)) {
        let mut lines = self.lines(name);
        change(&mut lines);
        let text: String = lines.iter().map(|line| format!("{line}\n")).collect();
        self.workdir.write(name, text);
    }

    fn manifest(&self) -> Value {
        serde_json::from_str(&self.workdir.text(MANIFEST)).unwrap()
    }

    fn change_manifest(&self, change: impl FnOnce(&mut Value)) {
        let mut manifest = self.manifest();
        change(&mut manifest);
        self.workdir.write(MANIFEST, manifest.to_string());
    }

    /// Writes sizes, digests and numbers of records as the files now have
    /// them into the manifest, so that it knows nothing of the damage.
    fn mend(&self) {
        let header = u64::from(!self.output.ends_with("ndjson"));
        self.change_manifest(|manifest| {
            for (member, name, count, header) in [
                ("signed", self.output, "records", header),
                ("rejects", "rejects.ndjson", "rejected", 0),
            ] {
                let bytes = self.workdir.bytes(name);
                let records = self.lines(name).len() as u64 - header;
                let digest = Sha256::digest(&bytes);
                let digest: String = digest.iter().map(|b| format!("{b:02x}")).collect();
                let entry = &mut manifest[member];
                entry["bytes"] = bytes.len().into();
                entry["sha256"] = digest.into();
                entry["records"] = records.into();
                manifest["counts"][count] = records.into();
            }
        });
    }

    /// The place of the first record among the lines.
    fn first(&self) -> usize {
        usize::from(!self.output.ends_with("ndjson"))
    }
}

/// Every format, from and to every kind of file.
fn each(judge: impl Fn(Finished)) {
    for (at, format) in FORMATS.iter().enumerate() {
        let inputs = ["csv", "ndjson"];
        let outputs = ["out.ndjson", "out.csv"];
        // Two of the four ways for each, the other two for its neighbour.
        judge(Finished::new(format, inputs[at % 2], outputs[0]));
        judge(Finished::new(format, inputs[(at + 1) % 2], outputs[1]));
    }
}

/// A line with another value in a cell or a string. Two letters alone stand in
/// a nonce now and then, too.
fn edited(line: &str, from: &str, to: &str) -> String {
    let ways = [("\"", "\""), (",", ",")];
    let mut ways = ways
        .iter()
        .map(|(a, b)| (format!("{a}{from}{b}"), format!("{a}{to}{b}")));
    let (from, to) = ways.find(|(from, _)| line.contains(from)).unwrap();
    line.replacen(&from, &to, 1)
}

#[test]
fn a_whole_run_is_found_so_in_every_format() {
    each(|run| {
        let counts = &run.manifest()["counts"];
        assert_eq!(counts["rejected"], 2, "{counts}");
        let records = counts["records"].as_u64().unwrap();
        for rest in ["", run.output] {
            let verified = run.verify(rest);
            verified
                .exit(0)
                .says(&format!("{records} of {records} records"))
                .says("run  10 rows = 8 signed + 2 rejected, in order, nothing twice");
            assert!(verified.stdout.is_empty(), "{verified}");
        }
    });
}

#[test]
fn files_are_found_beside_the_manifest_when_they_have_moved() {
    let run = Finished::new(FORMATS[0], "csv", "out.ndjson");
    let moved = Workdir::new();
    std::fs::create_dir(moved.path("there")).unwrap();
    for name in ["a.csv", "b.csv", "out.ndjson", "rejects.ndjson", MANIFEST] {
        moved.write(&format!("there/{name}"), run.workdir.bytes(name));
    }
    moved
        .run("verify --public-key pub.pem --manifest there/manifest.json")
        .exit(0)
        .says("in order, nothing twice");
}

/// One way to damage a run, and what must be said of it.
type Damage = (&'static str, fn(&Finished), &'static [&'static str]);

/// What the manifest's digests alone would find, too.
const DAMAGES: &[Damage] = &[
    (
        "a record is removed",
        |run| run.change(run.output, |lines| drop(lines.remove(run.first() + 1))),
        &["(record 2) has no record", "SHA-256", "records"],
    ),
    (
        "the last record is removed",
        |run| run.change(run.output, |lines| drop(lines.pop())),
        &["(record 10) has no record: out.", "ends after line"],
    ),
    (
        "a record stands twice",
        |run| {
            run.change(run.output, |lines| {
                lines.insert(run.first() + 2, lines[run.first() + 1].clone())
            })
        },
        &["is of no row here", "SHA-256"],
    ),
    (
        "the last record stands twice",
        |run| {
            run.change(run.output, |lines| {
                lines.push(lines.last().unwrap().clone())
            })
        },
        &["is of no row: it stands after the last one's"],
    ),
    (
        "two records are swapped",
        |run| run.change(run.output, |lines| lines.swap(run.first(), run.first() + 1)),
        &["is of no row here", "(record 2) has no record", "SHA-256"],
    ),
    (
        "a kept column is edited",
        |run| {
            run.change(run.output, |lines| {
                lines[run.first() + 1] = edited(&lines[run.first() + 1], "r2", "r9")
            })
        },
        &["is not what", "(record 2) gives: row is", "SHA-256"],
    ),
    (
        "a reject is removed",
        |run| run.change("rejects.ndjson", |lines| drop(lines.remove(0))),
        &[
            "(record 4) cannot be signed",
            "and is not among the rejects",
            "SHA-256",
        ],
    ),
    (
        "a reject is edited",
        |run| {
            run.change("rejects.ndjson", |lines| {
                lines[1] = lines[1].replace("r9", "r8")
            })
        },
        &[
            "rejects.ndjson line 2 has other raw than",
            "(record 9), which it rejects",
            "SHA-256",
        ],
    ),
    (
        "the row that a reject would come back as is edited",
        |run| {
            run.change("rejects.ndjson", |lines| {
                lines[1] = edited(&lines[1], "r9", "r8")
            })
        },
        &[
            "rejects.ndjson line 2 has other row than",
            "(record 9), which it rejects",
            "SHA-256",
        ],
    ),
    (
        "what a reject says was found is edited",
        |run| {
            run.change("rejects.ndjson", |lines| {
                lines[0] = lines[0].replacen("\"found\":\"", "\"found\":\"x", 1);
            })
        },
        &[
            "rejects.ndjson line 1 has other problems than",
            "(record 4), which it rejects",
        ],
    ),
    (
        "the rejects are in another order",
        |run| run.change("rejects.ndjson", |lines| lines.swap(0, 1)),
        &[
            "rejects.ndjson line 2 is of record 4, after record 9",
            "SHA-256",
        ],
    ),
    (
        "a reject is no JSON",
        |run| run.change("rejects.ndjson", |lines| lines[0].truncate(20)),
        &["rejects.ndjson line 1 is no reject", "SHA-256"],
    ),
    (
        "a reject is added for a row that is signed",
        |run| {
            run.change("rejects.ndjson", |lines| {
                let line = lines[0].replace("\"record\":4", "\"record\":5");
                lines.insert(1, line);
            })
        },
        &[
            "rejects.ndjson line 2 rejects",
            "(record 5), which can be signed",
        ],
    ),
];

#[test]
fn every_damage_is_found_and_named() {
    each(|run| {
        let before: Vec<(&str, Vec<u8>)> = [run.output, "rejects.ndjson", MANIFEST]
            .map(|name| (name, run.workdir.bytes(name)))
            .into();
        for (damage, make, says) in DAMAGES {
            for mended in [false, true] {
                make(&run);
                if mended {
                    run.mend();
                }
                let verified = run.verify("");
                let context = format!("{} {damage}, mended {mended}", run.format.id);
                verified.expect(verified.status == Some(7), &context);
                // A mended manifest hides its digests and counts, and nothing else.
                let hidden = |words: &&str| mended && ["SHA-256", "records"].contains(words);
                for words in says.iter().filter(|words| !hidden(words)) {
                    let what = format!("{context}: {words}");
                    verified.expect(verified.stdout.contains(words), &what);
                }
                verified.says("is not what its manifest says");
                verified.expect(verified.stdout.lines().count() <= 12, &context);
                for (name, bytes) in &before {
                    run.workdir.write(name, bytes);
                }
            }
        }
        run.verify("").exit(0);
    });
}

#[test]
fn every_count_digest_and_name_of_the_manifest_is_held_against_the_rest() {
    let run = Finished::new(Format::find("skan-view").unwrap(), "csv", "out.csv");
    let text = run.workdir.text(MANIFEST);
    let code = run.manifest()["rejected_by_code"]
        .as_object()
        .unwrap()
        .clone();
    let code = format!("/rejected_by_code/{}", code.keys().next().unwrap());
    let edits = [
        ("/counts/rows", json!(11), "the manifest has 11 rows, but"),
        ("/counts/signed", json!(9), "9 signed and 2 rejected"),
        (
            "/counts/rejected",
            json!(3),
            "3 rejected rows, rejects.ndjson has 2",
        ),
        ("/counts/records", json!(13), "13 records, the file 12"),
        (
            "/counts/rows",
            json!(u64::MAX),
            "the manifest has 18446744073709551615 rows",
        ),
        ("/inputs/0/rows", json!(4), "its inputs have 9"),
        (
            "/inputs/0/rows",
            json!(4),
            "a.csv has 5 rows, the manifest 4",
        ),
        ("/inputs/1/bytes", json!(4), "b.csv has"),
        (
            "/inputs/0/path",
            json!("b.csv"),
            "names \"a.csv\", which is no input",
        ),
        ("/signed/records", json!(4), "4 in their file"),
        ("/signed/bytes", json!(4), "out.csv has"),
        ("/rejects/sha256", json!("00"), "rejects.ndjson has"),
        (&code, json!(3), "3 by their codes"),
        (&code, json!(3), "rejects.ndjson has 2"),
        ("/settings_sha256", json!("00"), "settings_sha256 is 00"),
        ("/settings/count", json!(2), "settings_sha256"),
        (
            "/settings/format",
            json!("skan-storekit"),
            "format is skan-view",
        ),
        (
            "/settings/set",
            json!([["no-such", "1"]]),
            "settings are none",
        ),
        (
            "/settings/map",
            json!([["nonce", "no-such"]]),
            "settings do not fit a.csv",
        ),
        ("/settings/keep", json!(["row", "count"]), "has the columns"),
        ("/settings/input-formats", json!(["ndjson"]), "2 inputs"),
        (
            "/timestamp_rfc3339",
            json!("now"),
            "timestamp_rfc3339 is now",
        ),
        (
            "/timestamp",
            json!(1_700_000_000_000_u64),
            "(record 1) gives: timestamp is",
        ),
        (
            "/key/fingerprint",
            json!("x"),
            "the manifest's key is ES256 x, this one",
        ),
        ("/key/public_key", json!("x"), "public key is not the one"),
        ("/key/alg", json!("HS256"), "the manifest's key is HS256"),
        ("/notices", json!({"x": 1}), "the manifest has {\"x\": 1}"),
    ];
    for (member, value, says) in edits {
        run.change_manifest(|manifest| {
            *manifest
                .pointer_mut(member)
                .unwrap_or_else(|| panic!("{member}")) = value;
        });
        run.verify("").exit(7).prints(says);
        run.workdir.write(MANIFEST, &text);
    }
    run.verify("").exit(0);
    run.workdir.run("keygen -o other.pem").exit(0);
    let other = format!("verify --public-key other.pub.pem --manifest {MANIFEST}");
    run.workdir
        .run(&other)
        .exit(7)
        .prints("the manifest's key is ES256")
        .prints("does not verify");
    run.change_manifest(|manifest| manifest["manifest_version"] = 2.into());
    let verified = run.verify("");
    verified.exit(2).says("a manifest of version 2");
    assert!(verified.hint().contains("campaign-signer 0."), "{verified}");
}

#[test]
fn a_flipped_byte_of_a_signature_is_found() {
    each(|run| {
        run.change(run.output, |lines| {
            let line = &mut lines[run.first() + 1];
            let end = line.trim_end_matches(['"', '}', '=']).len();
            // In the middle of the signature, where every bit counts.
            let at = end - 20;
            let other = if &line[at..=at] == "A" { "B" } else { "A" };
            line.replace_range(at..=at, other);
        });
        run.mend();
        let line = run.first() + 2;
        let verified = run.verify("");
        verified
            .exit(7)
            .prints(&format!("{} line {line}: ", run.output))
            .says("run  its files are those of the manifest, but not all records are good");
    });
}

#[test]
fn an_input_that_changed_or_is_gone_is_named_and_its_rows_are_not_claimed() {
    let run = Finished::new(FORMATS[0], "csv", "out.ndjson");
    let text = run.workdir.text("b.csv");
    run.workdir.write("b.csv", text.replace("r6", "r7"));
    run.verify("")
        .exit(7)
        .prints("b.csv has")
        .warns("input b.csv is not what it was");
    run.workdir.remove("b.csv");
    let verified = run.verify("");
    verified
        .exit(0)
        .warns("input b.csv is not at hand; its rows were not compared with the records")
        .says("run  12 records and 2 rejects, as the manifest says; not compared with the rows");
    assert!(!verified.stderr.contains("in order"), "{verified}");
    // The other side has the records and the manifest, and nothing else.
    run.workdir.remove("a.csv");
    run.workdir.remove("rejects.ndjson");
    run.verify("out.ndjson")
        .exit(0)
        .warns("the rejects \"rejects.ndjson\" are not at hand")
        .says("run  12 records, as the manifest says; not compared with the rows");
    run.verify("")
        .exit(6)
        .says("rejects.ndjson, the rejects of");
    run.workdir.remove("out.ndjson");
    run.verify("")
        .exit(6)
        .says("out.ndjson, the signed records of");
}

/// Runs that differ in one value of the second input's rows, and how that is
/// said where the records of one stand beside the manifest of the other.
const OTHERS: &[(&str, &str, &str, &str)] = &[
    (
        "aak-impression",
        "5239",
        "17",
        "source-identifier is 17, the row gives 5239",
    ),
    ("skan-storekit", "4.0", "3.0", ""),
    (
        "appstore-advanced-commerce",
        "4990",
        "4991",
        "request is not what the row gives",
    ),
    (
        "appstore-promo-v2",
        "com.example.app,",
        "com.example.other,",
        "bid is \"com.example.other\", the row gives \"com.example.app\"",
    ),
    (
        "impact-user-jwt",
        "jane@example.com",
        "joe@example.com",
        "user is {\"id\":\"joe@example.com\",",
    ),
    (
        "skan-web",
        "example.com",
        "example.org",
        "source_domain is \"example.org\"",
    ),
];

/// The option that signs at the moment of this manifest: another second would
/// be another `iat`, and found first.
fn moment(manifest: &[u8]) -> String {
    let manifest: Value = serde_json::from_slice(manifest).unwrap();
    format!("--timestamp {}", manifest["timestamp"])
}

#[test]
fn the_records_of_another_run_are_not_those_of_this_one() {
    for (id, from, to, says) in OTHERS {
        let format = Format::find(id).unwrap();
        let run = Finished::new(format, "csv", "out.ndjson");
        let manifest = run.workdir.bytes(MANIFEST);
        let rows = run.workdir.text("b.csv");
        let changed = rows.replace(from, to);
        assert_ne!(rows, changed, "{id}");
        // A version that has other fields refuses these rows altogether.
        let refused = says.is_empty();
        run.workdir.write("b.csv", &changed);
        let key = match format.alg() {
            Alg::Es256 => "-k key.pem",
            Alg::Hs256 => "--secret-file secret.txt",
        };
        let key_id = format.key_id().map_or("", |_| "--key-id 2X9R4HXF34");
        let at = moment(&manifest);
        run.sign(&format!("{key} {key_id} {at} -o out.ndjson a.csv b.csv"));
        run.workdir.write("b.csv", &rows);
        run.workdir.write(MANIFEST, &manifest);
        for mended in [false, true] {
            if mended {
                run.mend();
            }
            let verified = run.verify("");
            verified.exit(7).prints("(record 6)").prints(says);
            if refused {
                verified.prints("rejects.ndjson line 2 rejects");
            }
        }
    }
}

#[test]
fn another_key_id_is_another_header() {
    let format = Format::find("appstore-intro").unwrap();
    let run = Finished::new(format, "ndjson", "out.csv");
    let manifest = run.workdir.bytes(MANIFEST);
    let at = moment(&manifest);
    run.sign(&format!(
        "-k key.pem --key-id OTHERKEYID {at} -o out.csv a.ndjson b.ndjson"
    ));
    run.workdir.write(MANIFEST, manifest);
    run.mend();
    run.verify("")
        .exit(7)
        .prints("(record 1) gives: jws has another JOSE header than the row gives");
}

#[test]
fn standard_input_is_never_at_hand_and_standard_output_needs_a_file() {
    let run = Finished::new(FORMATS[0], "ndjson", "out.ndjson");
    let rows = run.workdir.bytes("a.ndjson");
    let sign = format!(
        "sign -f {} -k key.pem --input-format ndjson --keep row -o - --force \
         --rejects rejects.ndjson --manifest {MANIFEST} -",
        run.format.id
    );
    let sign: Vec<&str> = sign.split_whitespace().collect();
    let signed = run.workdir.run_with(&sign, &rows);
    signed.exit(1);
    let verified = run.verify("");
    verified.exit(2).says("went to standard output");
    assert!(verified.hint().contains("verify --manifest"), "{verified}");
    run.workdir.write("piped.ndjson", &signed.stdout);
    run.verify("piped.ndjson")
        .exit(0)
        .warns("input - is not at hand");
    run.verify("piped.ndjson piped.ndjson")
        .exit(7)
        .prints("the manifest is of one file, not 2")
        .prints("stands already in piped.ndjson line 1");
}

#[test]
fn a_nonce_may_stand_under_two_domains_and_under_one_only_once() {
    let run = Finished::new(Format::find("skan-web").unwrap(), "csv", "out.csv");
    let row = |nonce: &str, domain: &str| {
        let mut cells = example_row(run.format, None);
        cells.retain(|(name, _)| *name != "source_domain");
        let texts = cells.iter().map(|(_, text)| text.as_str());
        csv_line(texts.chain([nonce, domain, "r"]))
    };
    let mut names: Vec<&str> = example_row(run.format, None)
        .iter()
        .map(|own| own.0)
        .collect();
    names.retain(|name| *name != "source_domain");
    let header = csv_line(names.into_iter().chain(["nonce", "source_domain", "row"]));
    let id = "68483EF6-0ADA-40DF-88AB-04C5ED76BF15";
    let two = format!("{header}\n{}\n{}\nx\n", row(id, "a.com"), row(id, "b.com"));
    run.workdir.write("a.csv", &two);
    run.sign("-k key.pem -o out.csv a.csv");
    run.verify("")
        .exit(0)
        .says("3 rows = 2 signed + 1 rejected");
    run.workdir.write("a.csv", two.replace("b.com", "a.com"));
    run.sign("-k key.pem -o out.csv a.csv");
    run.verify("")
        .exit(7)
        .prints("out.csv line 3: nonce stands already in out.csv line 2");
}

#[test]
fn a_file_that_is_wrong_throughout_gives_twenty_sentences_and_an_end() {
    let run = Finished::new(
        Format::find("impact-user-jwt").unwrap(),
        "ndjson",
        "out.ndjson",
    );
    let row = |at: usize| format!("{{\"id\":\"user{at}\",\"row\":{at}}}\n");
    let rows: String = (0..500).map(row).collect();
    run.workdir.write("a.ndjson", rows + "{}\n");
    run.sign("--secret-file secret.txt -o out.ndjson a.ndjson");
    run.verify("").exit(0).says("501 rows = 500 signed");
    run.change("out.ndjson", |lines| lines.reverse());
    run.mend();
    let verified = run.verify("");
    verified.exit(7).prints("these are 20 differences");
    assert_eq!(verified.stdout.lines().count(), 21, "{verified}");
    run.workdir.write("rejects.ndjson", "{}\n".repeat(500));
    let verified = run.verify("out.ndjson");
    verified
        .exit(7)
        .prints("these are 20 differences of its rejects");
    assert!(verified.stdout.lines().count() < 50, "{verified}");
}

/// Every bad line with what is wrong, in the order of the report, and how many
/// lines are bad.
fn judge(files: &[Input], nonces_in_memory: usize) -> (Vec<String>, u64) {
    let key = SigningKey::from_bytes(&key_data("p256.pkcs8.pem")).unwrap();
    let verifier = P256Verifier::new(*key.public_key().verifying_key());
    let check = Check {
        inputs: files,
        keys: &Keys::one(Alg::Es256, &verifier),
        format: None,
        shape: None,
        known: &[],
        threads: 2,
        nonces_in_memory,
    };
    let mut said = Vec::new();
    let verdict = verify::run(&check, |bad| {
        let name = bad.file.rsplit('/').next().unwrap();
        let says = bad.findings.iter().map(|f| f.says.clone());
        let says: Vec<String> = says.collect();
        said.push(format!("{name} {}: {}", bad.line, says.join("; ")));
    });
    (said, verdict.unwrap().bad)
}

#[test]
fn a_nonce_in_two_files_is_reported_alike_from_memory_and_from_a_spill() {
    let run = Finished::new(FORMATS[0], "csv", "out.ndjson");
    let lines = run.lines("out.ndjson");
    let broken = lines[4].replace("\"jws\":\"eyJ", "\"jws\":\"eyK");
    let more = [&lines[7], &broken, &lines[2], &lines[7]];
    let more: String = more.iter().map(|line| format!("{line}\n")).collect();
    run.workdir.write("more.ndjson", more);
    let files = ["out.ndjson", "more.ndjson"]
        .map(|name| Input::new(Origin::File(run.workdir.path(name)), Dialect::Ndjson));
    let (said, bad) = judge(&files, NONCES_IN_MEMORY);
    // The broken line comes first, and counts once.
    assert_eq!((said.len(), bad), (5, 4), "{said:?}");
    assert!(said[0].starts_with("more.ndjson 2: "), "{said:?}");
    for (at, line, first) in [(1, 1, 8), (2, 2, 5), (3, 3, 3), (4, 4, 8)] {
        let begin = format!("more.ndjson {line}: stands already in ");
        let end = format!("/out.ndjson line {first}");
        let says = &said[at];
        assert!(says.starts_with(&begin) && says.ends_with(&end), "{says}");
    }
    for limit in [0, 1, 4, 7, 16] {
        assert_eq!(judge(&files, limit), (said.clone(), bad), "{limit}");
    }
}

/// Checks what the library wrote, with the library.
fn check(written: &Written, format: &Format, dialect: Dialect) -> WholeRun {
    let signed = [Input::new(
        Origin::File(written.signed_path.clone()),
        dialect,
    )];
    let path = written.signed_path.with_extension("manifest.json");
    let manifest = verify::read_manifest(&path).unwrap();
    let public = testkit::key().public_key();
    let secret = Secret::from_bytes(testkit::SECRET).unwrap();
    let (verifier, key): (Box<dyn Verifier>, _) = match format.alg() {
        Alg::Es256 => (
            Box::new(P256Verifier::new(*public.verifying_key())),
            KeyEntry {
                alg: "ES256".into(),
                fingerprint: public.fingerprint(),
                public_key: Some(public.spki_base64()),
            },
        ),
        Alg::Hs256 => (
            Box::new(Hs256::new(&[testkit::SECRET])),
            KeyEntry {
                alg: "HS256".into(),
                fingerprint: secret.fingerprint(),
                public_key: None,
            },
        ),
    };
    let judge = Check {
        inputs: &signed,
        keys: &Keys::one(format.alg(), verifier.as_ref()),
        format: None,
        shape: None,
        known: &[],
        threads: 2,
        nonces_in_memory: NONCES_IN_MEMORY,
    };
    let verdict = verify::run(&judge, |bad| panic!("{bad:?}")).unwrap();
    verify::check_run(&FinishedRun {
        manifest: &manifest,
        path: &path,
        key: AtHand::Key(&key),
        signed: &signed,
        verdict: &verdict,
        by_manifest: true,
        unpacking: Unpacking::default(),
    })
    .unwrap()
}

#[test]
fn random_rows_of_every_version_among_broken_ones_are_found_again() {
    const COMMA: Dialect = Dialect::Csv { delimiter: b',' };
    const PIPE: Dialect = Dialect::Csv { delimiter: b'|' };
    for (at, format) in FORMATS.iter().copied().enumerate() {
        for (style, output) in [
            (Style::Ndjson, Dialect::Ndjson),
            (Style::Csv(b'|'), PIPE),
            (Style::Csv(b','), COMMA),
        ] {
            for csv in [false, true] {
                let mut rng = Rng(at as u64);
                let timestamp = now();
                let row = |n: usize| {
                    let layout = &format.layouts[n % format.layouts.len()];
                    random_row(format, layout, timestamp, &mut rng)
                };
                let rows: Vec<_> = (0..60).map(row).collect();
                let text = if csv {
                    testkit::csv(format, &rows)
                } else {
                    testkit::ndjson(format, &rows, &mut rng)
                };
                // A column that is kept, with all that is awkward in a cell.
                let kept = ["=1+1", "-5", "a, \"b\" | c", "\u{e9}\\n", "", "'x", " y "];
                let mut lines: Vec<Vec<u8>> = Vec::new();
                for (n, line) in text.lines().enumerate() {
                    let kept = kept[n % kept.len()];
                    lines.push(match csv {
                        true if n == 0 => format!("kept,{line}").into_bytes(),
                        true => format!("{},{line}", csv_line([kept])).into_bytes(),
                        false => line
                            .replacen('{', &format!("{{\"kept\":{}, ", json!([kept, 1.50])), 1)
                            .into_bytes(),
                    });
                }
                for (n, broken) in [
                    (3, b"no such row".to_vec()),
                    (9, b"\xff\xfe\xfd".to_vec()),
                    (20, b"\"a\"b,c".to_vec()),
                    (33, b"z".repeat(9000)),
                    (34, b"z".repeat(100_000)),
                ] {
                    lines.insert(n, broken);
                }
                let mut run = testkit::Run::new(format, timestamp);
                run.settings.keep = vec!["kept".into()];
                run.style = style;
                run.limits = Limits {
                    row_bytes: 8192,
                    ..Limits::default()
                };
                if csv {
                    run = run.csv();
                }
                let input = lines.join(&b'\n');
                let written = run.try_sign(&input).unwrap();
                let counts = written.summary.counts;
                assert!(counts.rejected >= 5 && counts.signed > 20, "{counts:?}");
                let whole = check(&written, format, output);
                let context = format!("{} {style:?} {csv}", format.id);
                assert!(whole.differences.is_empty(), "{context} {whole:?}");
                assert!(whole.audited && whole.rejects_checked, "{context}");
            }
        }
    }
}

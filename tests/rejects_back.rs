//! Rejects that are mended and come back: as lines of JSON and as a table, of
//! every format, with nothing lost on the way.

#![allow(clippy::unwrap_used)]

mod workdir;

use std::collections::BTreeMap;
use std::io::Read as _;

use campaign_signer::format::{FORMATS, Format, Kind, Source};
use serde_json::{Value, json};

use workdir::{Run, Workdir, csv_line, example_row, token};

const ROWS: usize = 40;

/// Good rows of a format and the same rows with every third one broken: a
/// required value is gone, or has white space around it.
struct Rows {
    format: &'static Format,
    names: Vec<&'static str>,
    good: Vec<Vec<String>>,
    bad: Vec<Vec<String>>,
}

impl Rows {
    fn of(format: &'static Format) -> Self {
        let row = example_row(format, None);
        let names: Vec<&str> = row.iter().map(|(name, _)| *name).collect();
        let is_required = |name: &str| {
            let field = format.field(name).unwrap().1;
            // White space around JSON is none of the value's.
            field.source == Source::Required && !matches!(field.kind, Kind::Json { .. })
        };
        let required: Vec<usize> = (0..names.len())
            .filter(|at| is_required(names[*at]))
            .collect();
        let cells: Vec<String> = row.into_iter().map(|(_, text)| text).collect();
        let good = vec![cells; ROWS];
        let mut bad = good.clone();
        for (nth, row) in bad.iter_mut().enumerate().filter(|(nth, _)| nth % 3 == 0) {
            let at = required[nth % required.len()];
            row[at] = match nth % 2 {
                0 => String::new(),
                _ => format!("{}\u{a0}", row[at]),
            };
        }
        Self {
            format,
            names,
            good,
            bad,
        }
    }

    fn broken(&self) -> usize {
        ROWS.div_ceil(3)
    }

    /// A note that would be a formula, and must come back as it was.
    fn note(at: usize) -> String {
        [
            format!("=SUM(1,{at})"),
            format!("-{at}, \"x\""),
            "zwei\r\nZeilen".into(),
        ][at % 3]
            .clone()
    }

    fn csv(&self, rows: &[Vec<String>]) -> String {
        let mut text = csv_line(self.names.iter().copied().chain(["note"])) + "\n";
        for (at, row) in rows.iter().enumerate() {
            let note = Self::note(at);
            text += &csv_line(row.iter().map(String::as_str).chain([note.as_str()]));
            text += "\n";
        }
        text
    }

    fn ndjson(&self, rows: &[Vec<String>]) -> String {
        let line = |(at, row): (usize, &Vec<String>)| {
            let members = self.names.iter().zip(row).map(|(name, text)| {
                let is_sound = text.trim() == text && !text.is_empty();
                let value = match is_sound {
                    true => token(self.format, name, text),
                    false => json!(text).to_string(),
                };
                format!("\"{name}\":{value},")
            });
            let note = json!(Self::note(at));
            format!("{{{}\"note\":{note}}}\n", members.collect::<String>())
        };
        rows.iter().enumerate().map(line).collect()
    }

    fn sign<'w>(&self, workdir: &'w Workdir, input: &str, out: &str, rejects: &str) -> Run<'w> {
        let key = match self.format.id {
            "impact-user-jwt" => ["--secret-file", "secret.txt"],
            _ => ["--key", "key.pem"],
        };
        let base = ["sign", "-f", self.format.id, "--keep", "note", "-o", out];
        let key_id: &[&str] = match self.format.key_id() {
            Some(_) => &["--key-id", "2X9R4HXF34"],
            None => &[],
        };
        let rest = ["--rejects", rejects, input];
        workdir.run_args(&[&base[..], &key, key_id, &rest].concat())
    }
}

/// The fields of signed records that rows give, sorted; but those into which a
/// derived id goes, which is another in another run.
fn content(workdir: &Workdir, rows: &Rows, outputs: &[&str]) -> Vec<String> {
    let is_plain = |name: &&&str| rows.format.field(name).unwrap().1.wrapped.is_none();
    let names = || rows.names.iter().filter(is_plain).chain(["note"].iter());
    let own = |record: Value| {
        let members = names().map(|name| format!("{name}={}", record[*name]));
        members.collect::<Vec<_>>().join(" ")
    };
    let all = outputs.iter().flat_map(|name| workdir.json(name));
    let mut all: Vec<String> = all.map(own).collect();
    all.sort();
    all
}

fn unpacked(workdir: &Workdir, name: &str) -> Vec<u8> {
    let bytes = workdir.bytes(name);
    match name.rsplit('.').next().unwrap() {
        "gz" => {
            let mut plain = Vec::new();
            let mut decoder = flate2::read::MultiGzDecoder::new(&bytes[..]);
            decoder.read_to_end(&mut plain).unwrap();
            plain
        }
        "zst" => zstd::decode_all(&bytes[..]).unwrap(),
        _ => bytes,
    }
}

/// The rows of a table, each as its cells by their columns.
fn table(bytes: &[u8], delimiter: u8) -> (Vec<String>, Vec<BTreeMap<String, String>>) {
    let mut reader = csv::ReaderBuilder::new()
        .delimiter(delimiter)
        .from_reader(bytes);
    let header: Vec<String> = reader
        .headers()
        .unwrap()
        .iter()
        .map(str::to_owned)
        .collect();
    let rows = reader.records().map(|row| {
        let row = row.unwrap();
        header
            .iter()
            .cloned()
            .zip(row.iter().map(str::to_owned))
            .collect()
    });
    let rows = rows.collect();
    (header, rows)
}

/// Lines of the inputs in which a row begins, each with the row's place.
fn line_of(rows: &Rows, at: usize, is_csv: bool) -> usize {
    match is_csv {
        true => rows.csv(&rows.bad[..at]).matches('\n').count() + 1,
        false => at + 1,
    }
}

#[test]
fn a_table_of_rejects_is_mended_and_signed_for_every_format() {
    for format in FORMATS {
        for (name, delimiter) in [
            ("bad.csv", b','),
            ("bad.tsv.gz", b'\t'),
            ("bad.csv.zst", b','),
        ] {
            let rows = Rows::of(format);
            let workdir = Workdir::new();
            workdir.write("rows.csv", rows.csv(&rows.bad));
            rows.sign(&workdir, "rows.csv", "out.ndjson", name).exit(1);
            let (header, rejects) = table(&unpacked(&workdir, name), delimiter);
            assert_eq!(rejects.len(), rows.broken(), "{}", format.id);
            let own: Vec<&str> = rows.names.iter().copied().chain(["note"]).collect();
            let behind = ["_line", "_code", "_field", "_reason", "_hint", "_raw"];
            assert_eq!(header, [&own[..], &behind].concat());
            // What a person would do: look up the line, and write the value.
            let mut mended = csv_line(header.iter().map(String::as_str)) + "\n";
            for (nth, mut reject) in rejects.into_iter().enumerate() {
                let at = nth * 3;
                assert_eq!(reject["_line"], line_of(&rows, at, true).to_string());
                assert_eq!(reject["note"], Rows::note(at), "as it was");
                assert!(
                    ["missing", "untrimmed"].contains(&reject["_code"].as_str()),
                    "{reject:?}"
                );
                let field = reject["_field"].clone();
                let place = rows.names.iter().position(|name| *name == field).unwrap();
                assert_eq!(reject[&field], rows.bad[at][place]);
                reject.insert(field, rows.good[at][place].clone());
                mended += &csv_line(header.iter().map(|name| reject[name].as_str()));
                mended += "\n";
            }
            workdir.write("mended.csv", mended);
            rows.sign(&workdir, "mended.csv", "mended.ndjson", "still.csv")
                .exit(0);
            nothing_lost(&workdir, &rows, "rows.csv");
        }
    }
}

/// All rows are signed in two runs as they would have been in one.
fn nothing_lost(workdir: &Workdir, rows: &Rows, input: &str) {
    let good = match input.ends_with(".csv") {
        true => rows.csv(&rows.good),
        false => rows.ndjson(&rows.good),
    };
    let name = format!("good.{input}");
    workdir.write(&name, good);
    rows.sign(workdir, &name, "good.ndjson", "none.ndjson")
        .exit(0);
    let found = content(workdir, rows, &["out.ndjson", "mended.ndjson"]);
    let wanted = content(workdir, rows, &["good.ndjson"]);
    let differs = found
        .iter()
        .zip(&wanted)
        .find(|(found, wanted)| found != wanted);
    assert_eq!(
        (found.len(), differs),
        (wanted.len(), None),
        "{}",
        rows.format.id
    );
}

#[test]
fn rejects_as_lines_are_mended_where_they_stand_for_every_format() {
    for format in FORMATS {
        for input in ["rows.csv", "rows.ndjson"] {
            let rows = Rows::of(format);
            let workdir = Workdir::new();
            let is_csv = input.ends_with(".csv");
            workdir.write(
                input,
                if is_csv {
                    rows.csv(&rows.bad)
                } else {
                    rows.ndjson(&rows.bad)
                },
            );
            rows.sign(&workdir, input, "out.ndjson", "bad.ndjson")
                .exit(1);
            let rejects = workdir.json("bad.ndjson");
            assert_eq!(rejects.len(), rows.broken(), "{}", format.id);
            // As it is, each is refused again for what is wrong with its row.
            let again = rows.sign(
                &workdir,
                "bad.ndjson",
                "again.ndjson",
                "again.rejects.ndjson",
            );
            again.exit(1);
            for (was, is) in rejects.iter().zip(workdir.json("again.rejects.ndjson")) {
                assert_eq!(was["row"], is["row"], "{}", format.id);
                assert_eq!(was["problems"][0]["field"], is["problems"][0]["field"]);
            }
            let mended = rejects.into_iter().enumerate().map(|(nth, mut reject)| {
                let at = nth * 3;
                assert_eq!(reject["line"], line_of(&rows, at, is_csv));
                let field = reject["problems"][0]["field"].as_str().unwrap().to_owned();
                let place = rows.names.iter().position(|name| *name == field).unwrap();
                let good = token(format, &field, &rows.good[at][place]);
                reject["row"][&field] = serde_json::from_str(&good).unwrap();
                reject.to_string() + "\n"
            });
            let mended: String = mended.collect();
            workdir.write("mended.ndjson", "");
            workdir.write("mended.in.ndjson", mended);
            workdir.remove("mended.ndjson");
            rows.sign(
                &workdir,
                "mended.in.ndjson",
                "mended.ndjson",
                "still.ndjson",
            )
            .exit(0);
            nothing_lost(&workdir, &rows, input);
        }
    }
}

const HEADER: &str =
    "publisher-item-identifier,ad-network-identifier,source-identifier,advertised-item-identifier";
const GOOD: &str = "5838492,example123.adattributionkit,5239,1108187390";
const SIGN: &str = "sign -f aak-impression -k key.pem --job-id j --timestamp 1795247187372";

#[test]
fn a_row_without_cells_is_kept_whole_and_never_signed_unmended() {
    let rows = [
        "5838492,example123.adattributionkit,5239,1,108,187,390",
        "5838492,\"exa\"mple,5239,1",
        "1",
    ];
    let long = "x".repeat(5000);
    let file = format!("{HEADER}\n{}\n{long}\n{GOOD}\n", rows.join("\n"));
    let workdir = Workdir::new();
    workdir.write("rows.csv", file);
    let sets = "--set publisher-item-identifier=1 --set ad-network-identifier=a.skadnetwork \
                --set source-identifier=5239 --set advertised-item-identifier=7";
    workdir
        .run(&format!(
            "{SIGN} --max-row-bytes 4000 -o out.ndjson --rejects bad.csv rows.csv"
        ))
        .exit(1);
    let mut name = "bad.csv".to_owned();
    // However often it comes back, nothing of it goes away.
    for nth in 0..3 {
        let (_, rejects) = table(&workdir.bytes(&name), b',');
        let raw: Vec<&str> = rejects
            .iter()
            .map(|reject| reject["_raw"].as_str())
            .collect();
        assert_eq!(raw, [rows[0], rows[1], rows[2], &long]);
        let next = format!("bad{nth}.csv");
        let run = workdir.run(&format!(
            "{SIGN} {sets} -o out{nth}.ndjson --rejects {next} {name}"
        ));
        run.exit(1).says("4 unmended");
        assert_eq!(workdir.text(&format!("out{nth}.ndjson")), "");
        let manifest = format!("out{nth}.ndjson.manifest.json");
        workdir
            .run(&format!(
                "verify --public-key pub.pem --manifest {manifest} out{nth}.ndjson"
            ))
            .exit(0);
        name = next;
    }
    // A line of JSON without an object in it, too.
    workdir
        .run(&format!(
            "{SIGN} --max-row-bytes 4000 -o o.ndjson --rejects bad.ndjson rows.csv"
        ))
        .exit(1);
    let run = workdir.run(&format!(
        "{SIGN} {sets} --ignore-unknown -o p.ndjson bad.ndjson"
    ));
    run.exit(1).says("4 unmended");
    let hint = &workdir.json("p.rejects.ndjson")[0]["problems"][0]["hint"];
    assert!(
        hint.as_str().unwrap().contains("into a member row"),
        "{hint}"
    );
}

#[test]
fn bytes_that_are_not_utf_8_stay_as_they_were() {
    let workdir = Workdir::new();
    let row = [GOOD.as_bytes(), b",Z\xfcrich\n"].concat();
    let file = [format!("{HEADER},note\n").as_bytes(), &row].concat();
    workdir.write("rows.csv", file);
    workdir
        .run(&format!(
            "{SIGN} --keep note -o out.ndjson --rejects bad.csv rows.csv"
        ))
        .exit(1);
    let bytes = workdir.bytes("bad.csv");
    assert!(memchr::memmem::find(&bytes, b",Z\xfcrich,2,invalid_utf8,note,").is_some());
    let bytes: Vec<u8> = bytes
        .iter()
        .flat_map(|byte| match byte {
            0xfc => "ü".as_bytes().to_vec(),
            other => vec![*other],
        })
        .collect();
    workdir.write("mended.csv", bytes);
    workdir
        .run(&format!("{SIGN} --keep note -o mended.ndjson mended.csv"))
        .exit(0);
    assert_eq!(workdir.json("mended.ndjson")[0]["note"], "Zürich");
}

#[test]
fn a_table_takes_rows_of_one_header_only_and_says_so_before_row_one() {
    let workdir = Workdir::new();
    workdir.write("a.csv", format!("{HEADER}\n{GOOD}\n"));
    workdir.write("b.csv", format!("{HEADER},count\n{GOOD},1\n"));
    workdir.write("c.ndjson", "{}\n");
    workdir.write("d.csv", format!("{HEADER},_code\n{GOOD},1\n"));
    let before = workdir.files();
    for (inputs, says) in [
        ("a.csv b.csv", "a.csv and b.csv have different headers"),
        (
            "a.csv c.ndjson",
            "a.csv and c.ndjson have different headers",
        ),
        ("c.ndjson", "need inputs that have a header"),
        ("d.csv --keep _code", "the column _code of the input is one"),
    ] {
        for out in ["-o out.ndjson", "-o out.csv --resume"] {
            let run = workdir.run(&format!("{SIGN} {out} --rejects bad.csv {inputs}"));
            run.exit(2).says(says);
            assert!(run.hint().contains("ends in .ndjson"));
            run.expect(workdir.files() == before, "nothing written");
        }
    }
    // Where the headers are the same, each row names its file.
    workdir.write("e.csv", format!("{HEADER}\n{GOOD}\n,,,\n{GOOD}\n"));
    workdir.write("=f.csv", format!("{HEADER}\n,,,\n"));
    let run = workdir.run(&format!(
        "{SIGN} -o out.ndjson --rejects bad.csv e.csv =f.csv a.csv"
    ));
    run.exit(1);
    let (header, rejects) = table(&workdir.bytes("bad.csv"), b',');
    assert_eq!(header[header.len() - 2..], ["_file", "_raw"]);
    let places: Vec<_> = rejects
        .iter()
        .map(|r| (r["_file"].as_str(), r["_line"].as_str()))
        .collect();
    assert_eq!(
        places,
        [("e.csv", "3"), ("'=f.csv", "2")],
        "no file name is a formula"
    );
    workdir
        .run("verify --public-key pub.pem --manifest out.ndjson.manifest.json out.ndjson")
        .exit(0);
}

#[test]
fn verification_finds_what_was_changed_in_a_table() {
    let workdir = Workdir::new();
    workdir.write(
        "rows.csv",
        format!("{HEADER},note\n{GOOD},a\n,,,,b\n{GOOD},c\n1\n,,,,d\n"),
    );
    workdir
        .run(&format!(
            "{SIGN} --keep note -o out.ndjson --rejects bad.csv rows.csv"
        ))
        .exit(1);
    let verify = "verify --public-key pub.pem --manifest out.ndjson.manifest.json out.ndjson";
    workdir.run(verify).exit(0);
    let was = workdir.text("bad.csv");
    for (from, to) in [
        (",,,,b,3,", ",,,,x,3,"),
        (",,,,b,3,", ",,,,b,4,"),
        (",5,wrong_width,", ",5,stray_quote,"),
        (",1\n", ",2\n"),
        (",,,,b,3,missing", ",,,,b,3,mising"),
        ("_raw", "_row"),
    ] {
        assert!(was.contains(from), "{from}: {was}");
        workdir.write("bad.csv", was.replacen(from, to, 1));
        // The digest alone would tell; so that the rows must, it is adapted.
        let manifest = workdir.text("out.ndjson.manifest.json");
        let digest = |bytes: &[u8]| {
            use sha2::Digest as _;
            campaign_signer::hex::hex(&sha2::Sha256::digest(bytes))
        };
        let adapted = manifest.replace(&digest(was.as_bytes()), &digest(&workdir.bytes("bad.csv")));
        assert_ne!(adapted, manifest);
        workdir.write("out.ndjson.manifest.json", adapted);
        workdir.run(verify).exit(7);
        workdir.write("out.ndjson.manifest.json", manifest);
    }
    workdir.write("bad.csv", was);
    workdir.run(verify).exit(0);
}

#[test]
fn a_table_has_the_same_bytes_with_any_number_of_threads_and_on_every_run() {
    let workdir = Workdir::new();
    let rows: String = (0..9000)
        .map(|at| match at % 7 {
            0 => ",,,\n".to_owned(),
            _ => format!("{GOOD}{at:04}\n"),
        })
        .collect();
    workdir.write("rows.csv", format!("{HEADER}\n{rows}"));
    for name in ["bad.csv", "bad.csv.gz", "bad.csv.zst"] {
        let mut seen = Vec::new();
        for threads in [1, 3] {
            workdir
                .run(&format!(
                    "{SIGN} -j {threads} --force -o out.ndjson --rejects {name} rows.csv"
                ))
                .exit(1);
            seen.push(workdir.bytes(name));
        }
        assert!(seen[0] == seen[1], "{name}");
        assert_eq!(
            table(&unpacked(&workdir, name), b',').1.len(),
            9000_usize.div_ceil(7)
        );
    }
    // A check writes the same table, and none without being told so.
    workdir
        .run("check -f aak-impression --rejects check.csv rows.csv")
        .exit(1);
    assert!(workdir.bytes("check.csv") == workdir.bytes("bad.csv"));
    workdir
        .run("check -f aak-impression --rejects check.csv rows.csv")
        .exit(2);
    workdir
        .run("check -f aak-impression --rejects check.csv --force rows.csv")
        .exit(1);
    workdir
        .run("check -f aak-impression --rejects rows.csv --force rows.csv")
        .exit(2);
}

#[test]
fn a_rejects_file_is_summed_up_in_every_form() {
    let workdir = Workdir::new();
    let rows = format!("{HEADER}\n{GOOD}.0\n,,,\n{GOOD}.0\n1,2\n{GOOD}.0\n");
    workdir.write("rows.csv", rows);
    let mut seen = Vec::new();
    for name in [
        "bad.csv",
        "bad.csv.gz",
        "bad.tsv",
        "bad.ndjson",
        "bad.ndjson.zst",
        "bad",
    ] {
        workdir
            .run(&format!(
                "{SIGN} --force -o out.ndjson --rejects {name} rows.csv"
            ))
            .exit(1);
        let run = workdir.run(&format!("rejects {name}"));
        run.exit(0).prints("5 rejected rows, 8 problems\n");
        let first = run
            .stdout
            .find("        3  decimal_form  advertised-item-identifier\n");
        let second = run
            .stdout
            .find("        1  missing  publisher-item-identifier\n");
        run.expect(
            first < second && first.is_some(),
            "the most frequent one first",
        );
        run.prints(
            "line 2: wanted an integer from 1 on, in plain digits, found \"1108187390.0\"\n",
        );
        run.prints("           hint: pandas writes a column with an empty cell so; give --accept-decimal-zero");
        run.prints("        1  wrong_width  the whole row\n");
        let run = workdir.run(&format!("rejects --json {name}"));
        let mut summary: Value = serde_json::from_str(&run.stdout).unwrap();
        assert_eq!(
            (&summary["rows"], &summary["problems"]),
            (&json!(5), &json!(8))
        );
        assert_eq!(summary["kinds"][0]["rows"], 3);
        assert_eq!(summary["kinds"][0]["example"]["line"], 2);
        // A table of one input does not name it.
        for kind in summary["kinds"].as_array_mut().unwrap() {
            kind["example"].as_object_mut().unwrap().remove("file");
        }
        seen.push(summary["kinds"].clone());
    }
    assert!(seen.iter().all(|kinds| *kinds == seen[0]), "{seen:#?}");
    let bytes = workdir.bytes("bad.ndjson");
    let run = workdir.run_with(&["rejects", "-"], &bytes);
    run.exit(0).prints("5 rejected rows");
}

#[test]
fn what_is_no_rejects_file_exits_with_2_and_a_hint() {
    let workdir = Workdir::new();
    workdir.write("rows.csv", format!("{HEADER}\n{GOOD}\n"));
    workdir.write("rows.ndjson", "{\"a\":1}\n");
    workdir.write("binary.ndjson", b"\xff\x00\n");
    workdir.write(
        "mended.csv",
        "a,_line,_code,_field,_reason,_hint,_raw\n1,2,fine,,,,\n",
    );
    workdir.write(
        "line.csv",
        "a,_line,_code,_field,_reason,_hint,_raw\n1,0,missing,,,,\n",
    );
    workdir.write(
        "width.csv",
        "a,_line,_code,_field,_reason,_hint,_raw\n1,2,missing\n",
    );
    workdir.write("empty.csv", "");
    for (name, says) in [
        ("rows.csv", "line 1 has no column _line"),
        ("rows.ndjson", "line 1 is no reject"),
        ("binary.ndjson", "line 1 is no reject"),
        ("mended.csv", "line 2 has the code \"fine\", which is none"),
        ("line.csv", "line 2 has \"0\" for its line"),
        ("width.csv", "line 2 has 3 cells, the header has 7"),
        ("empty.csv", "line 1 has no column _line"),
    ] {
        let run = workdir.run(&format!("rejects {name}"));
        run.exit(2).says(says);
        assert!(run.hint().contains("--rejects"), "{}", run.hint());
    }
    workdir.run("rejects missing.csv").exit(6);
    // A run that rejects nothing leaves a file with nothing in it.
    workdir.write("none.ndjson", "");
    workdir
        .run("rejects none.ndjson")
        .exit(0)
        .prints("0 rejected rows, 0 problems\n");
}

#[test]
fn a_row_of_several_formats_and_publishers_is_one_reject_and_comes_back_as_one_row() {
    let header = "ad-network-id,source-identifier,itunes-item-id";
    let row = "example123.skadnetwork,5239,525463029";
    let workdir = Workdir::new();
    workdir.write("rows.csv", format!("{header}\n{row}\n{row}.0\n"));
    workdir.write("publishers.csv", "source-app-id\n1234567891\n1234567892\n");
    let sign = "sign -f skan-view,skan-storekit -k key.pem --publishers publishers.csv --count 3";
    for name in ["bad.csv", "bad.ndjson"] {
        let run = workdir.run(&format!(
            "{sign} --force -o out.ndjson --rejects {name} rows.csv"
        ));
        run.exit(1).says("rejected  1 row\n");
        assert_eq!(workdir.lines("out.ndjson").len(), 12, "{name}");
        // What the hint says is all there is to do.
        let run = workdir.run(&format!(
            "{sign} --force --accept-decimal-zero -o back.ndjson {name}"
        ));
        run.exit(0).says("signed  1 row, 12 records");
        workdir
            .run("verify --public-key pub.pem --manifest back.ndjson.manifest.json back.ndjson")
            .exit(0);
    }
}

#[test]
fn an_object_that_not_every_reader_takes_is_kept_as_it_was_alone() {
    let workdir = Workdir::new();
    let lines = [
        (r#"{"source-identifier":"\ud800"}"#, false),
        (r#"{"source-identifier":1e999}"#, false),
        (r#"{"source-identifier":1,"source-identifier":2}"#, false),
        (r#"{"source-identifier":1e99}"#, true),
        (r#" {"source-identifier" : "x"} "#, true),
    ];
    let text: String = lines.iter().map(|(line, _)| format!("{line}\n")).collect();
    workdir.write("rows.ndjson", text);
    workdir
        .run(&format!("{SIGN} -o out.ndjson rows.ndjson"))
        .exit(1);
    // Each line is one that any reader of JSON takes.
    let rejects = workdir.json("out.rejects.ndjson");
    for (reject, (line, has_row)) in rejects.iter().zip(lines) {
        assert_eq!(reject["raw"], line);
        assert_eq!(reject.get("row").is_some(), has_row, "{line}");
    }
}

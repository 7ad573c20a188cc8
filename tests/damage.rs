//! Damaged files, through the program: nothing panics, the good rows around
//! the damage are signed and verify, no row disappears, and the exit code is
//! the documented one.

#![allow(clippy::unwrap_used)]

mod workdir;

use campaign_signer::format::{Format, Source};
use campaign_signer::row::{Dialect, Limits};
use proptest::prelude::*;

use workdir::{CSV, Run, Workdir, csv_line, example_row, settings, token};

const AAK: &str = "aak-impression";

fn format() -> &'static Format {
    Format::find(AAK).unwrap()
}

/// The header of a good file.
fn header() -> String {
    csv_line(example_row(format(), None).iter().map(|(name, _)| *name))
}

/// A good row whose advertised item is `item`, by which it is known again.
fn good_csv(item: u64) -> String {
    let cells = example_row(format(), None);
    csv_line(cells.iter().map(|(_, text)| text.as_str())).replace("1108187390", &item.to_string())
}

fn good_json(item: u64) -> String {
    let members: Vec<String> = example_row(format(), None)
        .iter()
        .map(|(name, text)| format!("\"{name}\":{}", token(format(), name, text)))
        .collect();
    format!("{{{}}}", members.join(",")).replace("1108187390", &item.to_string())
}

/// The items of the signed rows in their order.
fn signed_items(workdir: &Workdir, name: &str) -> Vec<u64> {
    let item = |record: &serde_json::Value| record["advertised-item-identifier"].as_u64();
    let records = workdir.json(name);
    records.iter().map(|record| item(record).unwrap()).collect()
}

/// What a damaged file comes to.
struct Damage {
    name: &'static str,
    file: Vec<u8>,
    /// More options.
    options: &'static [&'static str],
    /// The items that are signed.
    signed: Vec<u64>,
    /// How many rows are rejected.
    rejected: usize,
    exit: i32,
    /// What standard error says.
    says: &'static str,
}

fn damage(name: &'static str, file: impl AsRef<[u8]>) -> Damage {
    Damage {
        name,
        file: file.as_ref().to_vec(),
        options: &[],
        signed: Vec::new(),
        rejected: 0,
        exit: 0,
        says: "",
    }
}

impl Damage {
    fn with(mut self, options: &'static [&'static str]) -> Self {
        self.options = options;
        self
    }

    fn signs(mut self, items: impl IntoIterator<Item = u64>) -> Self {
        self.signed = items.into_iter().collect();
        self
    }

    fn rejects(mut self, rows: usize) -> Self {
        self.rejected = rows;
        self.exit = i32::from(rows > 0);
        self
    }

    fn stops(mut self, exit: i32, says: &'static str) -> Self {
        self.exit = exit;
        self.says = says;
        self
    }

    /// Signs the file and holds what came out against what should have.
    fn check(&self, extension: &str) {
        let workdir = Workdir::new();
        let input = format!("rows.{extension}");
        workdir.write(&input, &self.file);
        let before = workdir.files();
        let sign = ["sign", "-f", AAK, "-k", "key.pem", "-o", "out.ndjson"];
        let arguments = [&sign[..], self.options, &[&input]].concat();
        let run = workdir.run_args(&arguments);
        run.expect(run.status == Some(self.exit), self.name);
        run.exit(self.exit).says(self.says);
        if self.exit > 1 {
            run.expect(workdir.files() == before, "nothing published");
            return;
        }
        let records = workdir.lines("out.ndjson");
        let rejects = workdir.json("out.rejects.ndjson");
        run.expect(
            signed_items(&workdir, "out.ndjson") == self.signed,
            &format!("{}: signed {:?}", self.name, self.signed),
        );
        run.expect(
            rejects.len() == self.rejected,
            &format!("{}: {} rejects, not {rejects:?}", self.name, self.rejected),
        );
        let manifest: serde_json::Value =
            serde_json::from_str(&workdir.text("out.ndjson.manifest.json")).unwrap();
        let counts = &manifest["counts"];
        run.expect(counts["rows"] == records.len() + rejects.len(), self.name);
        run.expect(counts["signed"] == records.len(), self.name);
        run.expect(counts["rejected"] == rejects.len(), self.name);
        verifies(&workdir);
    }
}

fn verifies(workdir: &Workdir) {
    workdir
        .run("verify --public-key pub.pem --manifest out.ndjson.manifest.json out.ndjson")
        .exit(0);
}

/// A CSV file of good rows 1 and 2 with something between them.
fn between_csv(name: &'static str, text: impl AsRef<[u8]>) -> Damage {
    let start = format!("{}\n{}\n", header(), good_csv(1));
    let end = format!("\n{}\n", good_csv(2));
    let file = [start.as_bytes(), text.as_ref(), end.as_bytes()].concat();
    damage(name, file).signs([1, 2]).rejects(1)
}

fn between_json(name: &'static str, text: impl AsRef<[u8]>) -> Damage {
    let start = format!("{}\n", good_json(1));
    let end = format!("\n{}\n", good_json(2));
    let file = [start.as_bytes(), text.as_ref(), end.as_bytes()].concat();
    damage(name, file).signs([1, 2]).rejects(1)
}

fn replaced(text: &str, from: &str, to: impl AsRef<[u8]>) -> Vec<u8> {
    let at = text.find(from).unwrap();
    let (before, after) = (&text[..at], &text[at + from.len()..]);
    [before.as_bytes(), to.as_ref(), after.as_bytes()].concat()
}

/// What spreadsheets, data frames and editors make of values.
const BAD_NUMBERS: &[&str] = &[
    "1.1E+09",
    "1108187390.0",
    "0042",
    "١٢٣",
    "“5239”",
    "‘5239’",
    "5\u{2063}239",
    "5\u{0}239",
    "5 239",
    "5239\u{a0}",
];

#[test]
fn one_damaged_row_of_csv_is_rejected_and_the_others_are_signed() {
    let row = good_csv(9);
    for bad in BAD_NUMBERS {
        between_csv(bad, replaced(&row, "5239", bad)).check("csv");
    }
    let table = [
        ("a separator", replaced(&row, "example", "ex\u{2063}mple")),
        ("a NUL", replaced(&row, "example", "\0example")),
        ("not UTF-8", replaced(&row, "example", b"ex\xe9mple")),
        ("cut UTF-8", replaced(&row, "example", b"example\xe2\x82")),
        ("a row cut short", row.as_bytes()[..row.len() / 2].to_vec()),
        ("a short row", b"1,2".to_vec()),
        ("a long row", format!("{row},").into_bytes()),
        ("a quote inside", replaced(&row, "5838492", "\"5838\"492")),
        ("curly quotes", replaced(&row, "5838492", "“5838492”")),
        ("a row of NULs", vec![0; 4096]),
        ("ten megabytes", vec![b'x'; 10_000_000]),
        ("ten megabytes in cells", b"x,".repeat(5_000_000)),
        ("brackets", "[".repeat(200_000).into_bytes()),
        ("a JSON row", good_json(9).into_bytes()),
        (
            "a mark in the middle",
            format!("\u{feff}{row}").into_bytes(),
        ),
    ];
    for (name, text) in table {
        between_csv(name, text).check("csv");
    }
    between_csv("a kept column", format!("{row},"))
        .with(&["--ignore-unknown"])
        .check("csv");
}

#[test]
fn a_kept_column_that_is_not_utf_8_rejects_its_row_only() {
    let header = format!("{},note", header());
    let (one, two, three) = (good_csv(1), good_csv(2), good_csv(3));
    let file = replaced(
        &format!("{header}\n{one},Zürich\n{two},M?nchen\n{three},\n"),
        "?",
        b"\xfc",
    );
    damage("kept", file)
        .with(&["--keep", "note"])
        .signs([1, 3])
        .rejects(1)
        .check("csv");
    let line = |item, note: &str| good_json(item).replacen('{', &format!("{{{note},"), 1);
    let start = line(1, "\"note\":\"Zürich\"");
    let bad = replaced(&line(2, "\"note\":\"M?nchen\""), "?", b"\xfc");
    let file = [
        start.as_bytes(),
        b"\n",
        &bad,
        b"\n",
        good_json(3).as_bytes(),
    ]
    .concat();
    damage("kept", file)
        .with(&["--keep", "note"])
        .signs([1, 3])
        .rejects(1)
        .check("ndjson");
}

#[test]
fn one_damaged_line_of_ndjson_is_rejected_and_the_others_are_signed() {
    let row = good_json(9);
    for bad in BAD_NUMBERS {
        between_json(bad, replaced(&row, "5239", bad)).check("ndjson");
        let text = format!("\"{bad}\"");
        between_json(bad, replaced(&row, "5239", text)).check("ndjson");
    }
    let nested = format!("{{\"a\":{}{}}}", "[".repeat(200_000), "]".repeat(200_000));
    let table = [
        ("cut short", row.as_bytes()[..row.len() - 1].to_vec()),
        ("cut in a string", row.as_bytes()[..40].to_vec()),
        ("one brace", b"{".to_vec()),
        ("two objects", format!("{row}{row}").into_bytes()),
        ("an array", format!("[{row}]").into_bytes()),
        ("a comma behind it", format!("{row},").into_bytes()),
        ("a separator", replaced(&row, "example", "ex\u{2063}mple")),
        (
            "an escaped separator",
            replaced(&row, "example", "ex\\u2063mple"),
        ),
        ("a NUL", replaced(&row, "example", "\0example")),
        (
            "an escaped NUL",
            replaced(&row, "example", "\\u0000example"),
        ),
        ("not UTF-8", replaced(&row, "example", b"ex\xe9mple")),
        ("a lone surrogate", replaced(&row, "example", "\\ud800")),
        (
            "curly quotes",
            replaced(&row, "\"example123.adattributionkit\"", "“example”"),
        ),
        ("nested", nested.into_bytes()),
        ("opened only", "[".repeat(200_000).into_bytes()),
        ("objects", "{\"a\":".repeat(200_000).into_bytes()),
        ("ten megabytes", vec![b'x'; 10_000_000]),
        ("a CSV row", good_csv(9).into_bytes()),
        ("a row of NULs", vec![0; 4096]),
        (
            "a lone carriage return",
            format!("{row}\r{row}").into_bytes(),
        ),
        (
            "a mark in the middle",
            format!("\u{feff}{row}").into_bytes(),
        ),
        (
            "a member twice",
            replaced(&row, "{", "{\"source-identifier\":1,"),
        ),
        ("a member unknown", replaced(&row, "{", "{\"sourse\":1,")),
    ];
    for (name, text) in table {
        between_json(name, text).check("ndjson");
    }
    let long = format!("{{\"note\":\"{}\"", "x".repeat(3_000_000));
    between_json("a long line", replaced(&row, "{", format!("{long},")))
        .with(&["--keep", "note"])
        .check("ndjson");
    between_json("a long line", replaced(&row, "{", format!("{long},")))
        .with(&["--keep", "note", "--max-row-bytes", "4000000"])
        .rejects(0)
        .signs([1, 9, 2])
        .check("ndjson");
}

#[test]
fn line_ends_marks_and_blank_lines_of_every_kind_are_read() {
    let rows = [good_csv(1), good_csv(2), good_csv(3)];
    let objects = [good_json(1), good_json(2), good_json(3)];
    for mark in ["", "\u{feff}"] {
        for end in ["\n", "\r\n", "\r", "\n\n", "\r\n\r\n", "\r\r", "\n\r\n"] {
            for last in ["", end] {
                let file = format!("{mark}{}{end}{}{last}", header(), rows.join(end));
                damage("rows", file).signs([1, 2, 3]).check("csv");
                if !end.contains('\n') {
                    continue;
                }
                let file = format!("{mark}{}{last}", objects.join(end));
                damage("objects", file).signs([1, 2, 3]).check("ndjson");
            }
        }
    }
    let [a, b, c] = &rows;
    let mixed = format!("\n\r\n{}\r{a}\n\n{b}\r\n\r{c}", header());
    damage("mixed", mixed).signs([1, 2, 3]).check("csv");
    let [a, b, c] = &objects;
    let mixed = format!("\r\n \t\n{a}\n\r\n{b}\r\n   \n{c}\r\n\n");
    damage("mixed", mixed).signs([1, 2, 3]).check("ndjson");
    // To NDJSON a lone carriage return ends nothing: the file is one row.
    damage("one row", objects.join("\r"))
        .rejects(1)
        .check("ndjson");
}

#[test]
fn empty_inputs_are_told_from_inputs_without_rows() {
    damage("zero bytes", "")
        .stops(2, "not even a header")
        .check("csv");
    damage("line ends", "\n\r\n")
        .stops(2, "not even a header")
        .check("csv");
    damage("a mark", "\u{feff}")
        .stops(2, "not even a header")
        .check("csv");
    for end in ["", "\n", "\r\n", "\n\n\n"] {
        damage("header only", format!("{}{end}", header())).check("csv");
    }
    for file in ["", "\n", "\u{feff}", "\r\n \n\t\n"] {
        damage("no line", file).check("ndjson");
    }
}

#[test]
fn utf_16_is_named_and_nothing_is_published() {
    for (text, extension) in [
        (format!("{}\n{}\n", header(), good_csv(1)), "csv"),
        (format!("{}\n", good_json(1)), "ndjson"),
    ] {
        let units = || format!("\u{feff}{text}").encode_utf16().collect::<Vec<_>>();
        let little: Vec<u8> = units().iter().flat_map(|unit| unit.to_le_bytes()).collect();
        let big: Vec<u8> = units().iter().flat_map(|unit| unit.to_be_bytes()).collect();
        damage("little", little)
            .stops(2, "UTF-16 (little")
            .check(extension);
        damage("big", big).stops(2, "UTF-16 (big").check(extension);
        // Without a mark it is told by the zeros beside its letters.
        let units = || text.encode_utf16().collect::<Vec<_>>();
        let little: Vec<u8> = units().iter().flat_map(|unit| unit.to_le_bytes()).collect();
        let big: Vec<u8> = units().iter().flat_map(|unit| unit.to_be_bytes()).collect();
        damage("bare", little)
            .stops(2, "UTF-16 (little")
            .check(extension);
        damage("bare", big).stops(2, "UTF-16 (big").check(extension);
    }
}

#[test]
fn headers_that_do_not_fit_exit_with_2_and_name_the_column() {
    let body = format!("\n{}\n", good_csv(1));
    let header = header();
    let table: [(&str, Vec<u8>, &str); 7] = [
        (
            "not UTF-8",
            replaced(&header, "source-identifier", b"so\xffrce-identifier"),
            "the header is not UTF-8",
        ),
        (
            "a field twice",
            format!("{header},Source_Identifier").into_bytes(),
            "\"source-identifier\" and \"Source_Identifier\" both give the field source-identifier",
        ),
        (
            "the same column twice",
            format!("{header},source-identifier").into_bytes(),
            "both give the field source-identifier",
        ),
        (
            "a column twice",
            format!("{header},count,count").into_bytes(),
            "both give the field count",
        ),
        (
            "an empty name",
            format!("{header},").into_bytes(),
            "the column \"\" fits no field",
        ),
        (
            "text after a quote",
            replaced(&header, "source-identifier", "\"source\"-identifier"),
            "text after a closing quote",
        ),
        (
            "too long",
            format!("{header},{}", "x".repeat(2_000_000)).into_bytes(),
            "the header on line 1 is",
        ),
    ];
    for (name, header, says) in table {
        damage(name, [&header[..], body.as_bytes()].concat())
            .stops(2, says)
            .check("csv");
    }
    damage("a quote that never closes", format!("\"{header}{body}"))
        .stops(4, "the quote opened on line 1")
        .check("csv");
    damage("rows without a header", good_csv(1))
        .stops(2, "no column gives the required field")
        .check("csv");
    damage(
        "another delimiter",
        format!("{header}{body}").replace(',', ";"),
    )
    .stops(2, "the header is one column")
    .check("csv");
    damage(
        "another delimiter",
        format!("{header}{body}").replace(',', ";"),
    )
    .with(&["--delimiter", ";"])
    .signs([1])
    .check("csv");
    damage(
        "an unknown column",
        format!("{header},x{body}").replace("390\n", "390,\n"),
    )
    .with(&["--ignore-unknown"])
    .rejects(1)
    .check("csv");
}

/// Every option that a hint offers, as a shell would read it.
fn hinted_options(hint: &str) -> Vec<Vec<String>> {
    let words: Vec<String> = hint
        .split_whitespace()
        .map(|word| word.trim_end_matches(',').replace('"', ""))
        .collect();
    let mut options = Vec::new();
    for (at, word) in words.iter().enumerate() {
        match word.as_str() {
            "--ignore-unknown" => options.push(vec![word.clone()]),
            "--map" | "--keep" | "--set" | "--delimiter" => {
                options.push(vec![word.clone(), words[at + 1].clone()]);
            }
            _ => {}
        }
    }
    options
}

#[test]
fn a_missing_or_unknown_column_is_named_with_the_nearest_one_and_the_hint_can_be_typed() {
    let header = header();
    let good = good_csv(1);
    // (header, row, what the message names, what the hint offers first)
    let mut table = vec![
        (
            header.replace("source-identifier", "sorce-identifer"),
            good.clone(),
            "no column gives the required field source-identifier",
            "--map source-identifier=sorce-identifer".to_owned(),
        ),
        (
            header.replace("ad-network-identifier", "network_identifier_ad"),
            good.clone(),
            "no column gives the required field ad-network-identifier",
            "--map ad-network-identifier=".to_owned(),
        ),
        (
            format!("{header},impresion-identifier"),
            format!("{good},"),
            "the column \"impresion-identifier\" fits no field of aak-impression",
            "--map impression-identifier=impresion-identifier".to_owned(),
        ),
        (
            format!("{header},note"),
            format!("{good},x"),
            "the column \"note\" fits no field of aak-impression",
            "--keep note".to_owned(),
        ),
        // The field that is nearest has a column already.
        (
            format!("{header},source-identifier2"),
            format!("{good},5239"),
            "the column \"source-identifier2\" fits no field of aak-impression",
            "--keep source-identifier2".to_owned(),
        ),
    ];
    // Every required field, with one letter gone.
    for field in format().fields {
        if field.source == Source::Required {
            let typo = format!("{}{}", &field.name[..3], &field.name[4..]);
            let offered = format!("--map {}={typo}", field.name);
            let text = "no column gives the required field";
            table.push((
                header.replace(field.name, &typo),
                good.clone(),
                text,
                offered,
            ));
        }
    }
    for (header, row, names, offered) in table {
        let workdir = Workdir::new();
        workdir.write("rows.csv", format!("{header}\n{row}\n"));
        let sign = [
            "sign",
            "-f",
            AAK,
            "-k",
            "key.pem",
            "-o",
            "out.ndjson",
            "rows.csv",
        ];
        let run = workdir.run_args(&sign);
        run.exit(2).says(names);
        let options = hinted_options(run.hint());
        run.expect(
            options
                .first()
                .is_some_and(|first| first.join(" ").starts_with(&offered)),
            &format!("a hint that offers {offered} first"),
        );
        for option in &options {
            if option
                .iter()
                .any(|word| word.contains("COLUMN") || word.contains("VALUE"))
            {
                continue;
            }
            let option: Vec<&str> = option.iter().map(String::as_str).collect();
            let run = workdir.run_args(&[&sign[..], &option, &["--force"]].concat());
            run.exit(0);
            assert_eq!(signed_items(&workdir, "out.ndjson"), [1]);
            verifies(&workdir);
        }
    }
}

#[test]
fn a_column_that_an_option_names_must_be_there() {
    let workdir = Workdir::new();
    workdir.write(
        "rows.csv",
        format!("{},note\n{},x\n", header(), good_csv(1)),
    );
    for (option, value) in [
        ("--keep", "notes"),
        ("--row-id", "nore"),
        ("--map", "count=notee"),
    ] {
        let sign = "sign -f aak-impression -k key.pem -o out.ndjson rows.csv --ignore-unknown";
        let arguments: Vec<&str> = sign.split(' ').chain([option, value]).collect();
        let run = workdir.run_args(&arguments);
        run.exit(2);
        if option != "--map" {
            run.says("the header has no column");
            run.expect(run.hint().contains("\"note\""), "the nearest column");
        }
    }
}

#[test]
fn a_quote_that_never_closes_stops_a_run_of_200000_rows_and_names_its_line() {
    let row = good_csv(1);
    let half = format!("{row}\n").repeat(100_000);
    let stray = row.replacen("5838492", "\"5838492", 1);
    let table = [
        // (row, options): at the end of the file, and past the limit.
        (&[][..], "is still open where its row passes 1048576 bytes"),
        (
            &["--max-row-bytes", "100000000"][..],
            "is still open at the end of the input",
        ),
    ];
    for (options, says) in table {
        let workdir = Workdir::new();
        workdir.write("rows.csv", format!("{}\n{half}{stray}\n{half}", header()));
        workdir.write("out.ndjson", "old\n");
        let before = workdir.files();
        let sign = [
            "sign",
            "-f",
            AAK,
            "-k",
            "key.pem",
            "-o",
            "out.ndjson",
            "rows.csv",
            "--force",
        ];
        let run = workdir.run_args(&[&sign[..], options].concat());
        run.exit(4)
            .says("rows.csv: the quote opened on line 100002 ")
            .says(says);
        let finished = |names: Vec<String>| -> Vec<String> {
            let is_final =
                |name: &String| !name.ends_with(".partial") && !name.ends_with(".checkpoint");
            names.into_iter().filter(is_final).collect()
        };
        run.expect(finished(workdir.files()) == before, "nothing published");
        assert_eq!(workdir.text("out.ndjson"), "old\n");
        // What was done before that line is kept, and is no use any more.
        for name in workdir.files() {
            if !before.contains(&name) {
                std::fs::remove_file(workdir.path(&name)).unwrap();
            }
        }
    }
}

#[test]
fn a_stray_quote_that_another_one_closes_rejects_what_it_swallowed_as_one_row() {
    let (one, two, three, four) = (good_csv(1), good_csv(2), good_csv(3), good_csv(4));
    let stray = |row: &str| row.replacen("5838492", "\"5838492", 1);
    let file = format!(
        "{}\n{one}\n{}\n{}\n{four}\n",
        header(),
        stray(&two),
        stray(&three)
    );
    damage("swallowed", file)
        .signs([1, 4])
        .rejects(1)
        .check("csv");
}

#[test]
fn an_input_that_cannot_be_read_exits_with_6() {
    let workdir = Workdir::new();
    std::fs::create_dir(workdir.path("folder.csv")).unwrap();
    for name in [
        "absent.csv",
        "folder.csv",
        "absent.ndjson",
        "folder/rows.csv",
    ] {
        let run = workdir.run(&format!("sign -f {AAK} -k key.pem -o out.ndjson {name}"));
        run.exit(6).says(name);
        run.expect(!workdir.exists("out.ndjson"), "nothing published");
    }
    let run: Run<'_> = workdir.run("verify --public-key pub.pem absent.ndjson");
    run.exit(6);
}

#[derive(Clone, Debug)]
enum Mutation {
    Cut(usize, usize),
    Flip(usize, u8),
    Insert(usize, &'static [u8]),
    Repeat(usize, usize),
}

const INSERTED: &[&[u8]] = &[
    b"\"",
    b"\"\"",
    b"\n",
    b"\r",
    b"\r\n",
    b",",
    b"\0",
    b"\xff",
    b"{",
    b"}",
    b"[",
    b"\\",
    b"\xe2\x81\xa3",
    b"\xef\xbb\xbf",
    b"\"\n\"",
    b"\\ud800",
    b"null",
    b"-",
];

fn mutation() -> impl Strategy<Value = Mutation> {
    let at = 0..4000_usize;
    prop_oneof![
        (at.clone(), 1..200_usize).prop_map(|(at, length)| Mutation::Cut(at, length)),
        (at.clone(), 1..=255_u8).prop_map(|(at, bits)| Mutation::Flip(at, bits)),
        (at.clone(), prop::sample::select(INSERTED)).prop_map(|(at, t)| Mutation::Insert(at, t)),
        (at, 1..300_usize).prop_map(|(at, length)| Mutation::Repeat(at, length)),
    ]
}

fn mutate(mut file: Vec<u8>, mutations: &[Mutation]) -> Vec<u8> {
    for mutation in mutations {
        let length = file.len().max(1);
        match *mutation {
            Mutation::Cut(at, count) => {
                let at = (at % length).min(file.len());
                file.drain(at..(at + count).min(file.len()));
            }
            Mutation::Flip(at, bits) => {
                if let Some(byte) = file.get_mut(at % length) {
                    *byte ^= bits;
                }
            }
            Mutation::Insert(at, text) => {
                let at = at % length;
                file.splice(at..at, text.iter().copied());
            }
            Mutation::Repeat(at, count) => {
                let at = (at % length).min(file.len());
                let piece = file[at..(at + count).min(file.len())].to_vec();
                file.splice(at..at, piece);
            }
        }
    }
    file
}

/// Runs a file; an error must be about the data or the header, and otherwise
/// every row is accounted for, whoever counts.
fn account(dialect: Dialect, file: &[u8], limits: Limits) {
    use campaign_signer::error::Kind;
    let workdir = Workdir::new();
    let signed = match workdir.sign_rows(settings(AAK), dialect, file, limits) {
        Ok(signed) => signed,
        Err(error) => {
            assert!(
                matches!(error.kind(), Kind::Data | Kind::Settings),
                "{error:?}"
            );
            assert!(!error.to_string().is_empty());
            return;
        }
    };
    let counts = signed.summary.counts;
    let (records, rejects) = (signed.records.len() as u64, signed.rejects.len() as u64);
    assert_eq!((counts.signed, counts.rejected), (records, rejects));
    assert_eq!(counts.rows, records + rejects);
    // Rejects are in their order, and each shows the bytes at its place.
    let mut last = 0;
    for reject in &signed.rejects {
        let record = reject["record"].as_u64().unwrap();
        assert!(record > last && record <= counts.rows, "{reject}");
        last = record;
        assert!(!reject["problems"].as_array().unwrap().is_empty());
        if let Some(raw) = reject["raw"].as_str() {
            let byte = reject["byte"].as_u64().unwrap() as usize;
            assert_eq!(&file[byte..byte + raw.len()], raw.as_bytes());
        }
    }
    for line in &signed.records {
        let record: serde_json::Value = serde_json::from_str(line).unwrap();
        assert_eq!(record["format"], AAK);
    }
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 256,
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    #[test]
    fn no_mutation_of_a_file_panics_or_loses_a_row(
        mutations in prop::collection::vec(mutation(), 1..12),
        row_bytes in prop::sample::select(&[64_usize, 200, 1 << 20][..]),
        batch_rows in prop::sample::select(&[1_usize, 3, 1024][..]),
    ) {
        let limits = Limits { row_bytes, batch_rows, ..Limits::default() };
        let rows: Vec<String> = (1..20).map(good_csv).collect();
        let file = format!("{}\n{}\n", header(), rows.join("\r\n"));
        account(CSV, &mutate(file.into_bytes(), &mutations), limits);
        let rows: Vec<String> = (1..20).map(good_json).collect();
        account(Dialect::Ndjson, &mutate(rows.join("\n").into_bytes(), &mutations), limits);
    }
}

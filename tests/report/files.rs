//! What the page says of files that are not there, not whole, or others; and
//! that it is a function of its files.

use std::fs;

use crate::runs::{in_parts, page, with_rejects};
use crate::workdir::Workdir;

#[test]
fn the_same_files_give_the_same_page() {
    let workdir = with_rejects();
    let first = page(&workdir, "out.ndjson.manifest.json").html;
    for jobs in [1, 2, 7] {
        let again = page(&workdir, &format!("out.ndjson.manifest.json -j {jobs}"));
        assert_eq!(again.html, first);
    }
    let printed = workdir.run("report out.ndjson.manifest.json -o -");
    printed
        .exit(0)
        .expect(printed.stdout == first, "the same page");
    // At a moment that is given it is a function of that, too.
    let at = "out.ndjson.manifest.json --at 2026-01-02T00:00:00Z";
    assert_eq!(page(&workdir, at).html, page(&workdir, at).html);
}

#[test]
fn files_that_are_missing_changed_or_torn_are_said_and_never_told_from() {
    // A file, what becomes of it, and what is said.
    type Change = fn(Vec<u8>) -> Option<Vec<u8>>;
    let table: &[(&str, Change, &str, &str)] = &[
        ("out.ndjson", |_| None, "Worth a look", "not at hand"),
        (
            "out.ndjson",
            |mut bytes| {
                let at = bytes.len() / 2;
                bytes[at] ^= 1;
                Some(bytes)
            },
            "Something is wrong",
            "not what this run wrote",
        ),
        (
            "out.ndjson",
            |bytes| Some(bytes[..bytes.len() / 2].to_vec()),
            "Something is wrong",
            "not what this run wrote",
        ),
        (
            "out.rejects.ndjson",
            |_| None,
            "Worth a look",
            "not at hand",
        ),
        (
            "out.rejects.ndjson",
            |mut bytes| {
                bytes.extend_from_within(..);
                Some(bytes)
            },
            "Something is wrong",
            "not what this run wrote",
        ),
        (
            "out.rejects.ndjson",
            |_| Some(b"no rejects at all\n".to_vec()),
            "Something is wrong",
            "cannot be read",
        ),
    ];
    for (name, change, verdict, says) in table {
        let workdir = with_rejects();
        match change(workdir.bytes(name)) {
            Some(bytes) => workdir.write(name, bytes),
            None => workdir.remove(name),
        }
        let page = page(&workdir, "out.ndjson.manifest.json");
        page.says(verdict).says(says);
        // What the manifest says stays; what the file would say does not.
        page.says("30 of 100 rows were rejected");
        match *name {
            "out.ndjson" => page
                .says("What was signed by network and campaign is not told")
                .is_silent_of("example456.skadnetwork skan-view")
                .says("summer 1,4.0"),
            _ => page
                .says("Examples are not shown")
                .is_silent_of("summer 1,4.0")
                .says("example456.skadnetwork skan-view 24"),
        };
    }
}

#[test]
fn files_that_were_moved_along_with_the_manifest_are_found() {
    let workdir = with_rejects();
    fs::create_dir(workdir.path("kept")).unwrap();
    for name in [
        "out.ndjson",
        "out.rejects.ndjson",
        "out.ndjson.manifest.json",
    ] {
        let to = workdir.path(&format!("kept/{name}"));
        fs::rename(workdir.path(name), to).unwrap();
    }
    page(&workdir, "kept/out.ndjson.manifest.json")
        .says("yes: size and digest are these")
        .is_silent_of("not at hand");
}

#[test]
fn parts_that_are_missing_are_counted_as_such_and_a_changed_one_spoils_the_counts() {
    let workdir = in_parts();
    let part = "parts/ad-network-id=example456.skadnetwork/part-00000.ndjson";
    page(&workdir, "parts")
        .says("All is well")
        .says("example456.skadnetwork skan-view 19");
    let bytes = workdir.bytes(part);
    workdir.write(part, [&bytes[..], b"\n"].concat());
    page(&workdir, "parts")
        .says("Something is wrong")
        .is_silent_of("example123.skadnetwork skan-view");
    workdir.remove(part);
    page(&workdir, "parts")
        .says("1 part of parts is not at hand")
        .says("example123.skadnetwork skan-view 38")
        .is_silent_of("example456.skadnetwork skan-view");
}

#[test]
fn records_that_went_to_standard_output_are_said_to_have() {
    let workdir = Workdir::new();
    workdir.write("rows.csv", crate::runs::impressions(9, 1000));
    let sign = "sign -f skan-view -k key.pem --ignore-unknown rows.csv --max-rejects 5";
    workdir
        .run(&format!("{sign} -o - --rejects r.ndjson --manifest m.json"))
        .exit(0);
    page(&workdir, "m.json").says("went to standard output; they were not looked at");
}

#[test]
fn tables_and_compressed_files_are_read_as_lines_of_json_are() {
    for (output, rejects) in [("out.csv", "r.tsv"), ("out.ndjson.gz", "r.csv.zst")] {
        let workdir = with_rejects();
        workdir
            .run(&format!(
                "sign -f skan-view -k key.pem --ignore-unknown rows.csv -o {output} --rejects \
                 {rejects}"
            ))
            .exit(1);
        page(&workdir, &format!("{output}.manifest.json"))
            .says("example456.skadnetwork skan-view 24")
            .says("summer 1,4.0,example123.skadnetwork,5.24E+03,525463029,1234567891")
            .is_silent_of("Something is wrong");
    }
}

#[test]
fn only_a_page_is_replaced_without_force() {
    let workdir = with_rejects();
    let report = "report out.ndjson.manifest.json";
    page(&workdir, "out.ndjson.manifest.json");
    page(&workdir, "out.ndjson.manifest.json");
    for name in ["out.ndjson", "rows.csv", "out.ndjson.manifest.json"] {
        let before = workdir.bytes(name);
        workdir
            .run(&format!("{report} -o {name}"))
            .exit(2)
            .says("is no page of this program")
            .says("give another -o, or --force to replace it");
        assert_eq!(workdir.bytes(name), before);
    }
    workdir
        .run(&format!("{report} -o rows.csv --force"))
        .exit(0);
    assert!(workdir.text("rows.csv").starts_with("<!DOCTYPE html>"));
}

#[test]
fn what_is_no_manifest_is_refused_with_what_to_give() {
    let workdir = with_rejects();
    for (name, code, says) in [
        ("absent.json", 6, "failed to open absent.json"),
        ("rows.csv", 2, "rows.csv is no manifest"),
        (".", 6, "_manifest.json"),
    ] {
        workdir
            .run(&format!("report {name} -o page.html"))
            .exit(code)
            .says(says);
        assert!(!workdir.exists("page.html"));
    }
    workdir
        .run("report out.ndjson.manifest.json -o absent/page.html")
        .exit(6);
}

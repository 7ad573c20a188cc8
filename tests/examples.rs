//! The examples run, and do what they say.
#![allow(clippy::unwrap_used)] // A failed unwrap is a failed test.

use std::fs;
use std::path::Path;
use std::process::Command;

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

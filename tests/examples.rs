//! The examples run, and do what they say.
#![allow(clippy::unwrap_used)] // A failed unwrap is a failed test.

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

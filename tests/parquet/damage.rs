//! Damaged files: cut short, with flipped bits, or none at all. Each is refused
//! with a word about it, or its rows are as they were; nothing panics, and no
//! short file passes for a whole one.

use std::process::Output;

use super::workdir::Workdir;
use super::{aak, aak_table, sign};

fn check(workdir: &Workdir, name: &str) -> Output {
    let arguments = ["check", "-f", "aak-impression", "-j", "1", name];
    workdir.command(&arguments).output().unwrap()
}

/// How it may end: well, with rejects, or refused.
fn ends_soundly(output: &Output, what: &str) -> i32 {
    let code = output.status.code();
    let told = String::from_utf8_lossy(&output.stderr);
    let code = code.unwrap_or_else(|| panic!("{what}: killed\n{told}"));
    assert!(matches!(code, 0 | 1 | 2 | 4 | 6), "{what}: {code}\n{told}");
    code
}

#[test]
fn a_file_that_is_cut_short_is_refused_wherever_it_ends() {
    let workdir = Workdir::new();
    aak_table(&workdir, "whole.parquet", 300);
    let bytes = workdir.bytes("whole.parquet");
    let step = (bytes.len() / 40).max(1);
    let ends = (0..bytes.len()).step_by(step);
    for end in ends.chain(bytes.len() - 12..bytes.len()) {
        workdir.write("cut.parquet", &bytes[..end]);
        let output = check(&workdir, "cut.parquet");
        assert_eq!(ends_soundly(&output, &format!("{end} bytes")), 6, "{end}");
    }
    workdir.write("more.parquet", [&bytes[..], b"junk"].concat());
    assert_eq!(ends_soundly(&check(&workdir, "more.parquet"), "junk"), 6);
    workdir.write("text.parquet", "format,x\n1,2\n");
    assert_eq!(ends_soundly(&check(&workdir, "text.parquet"), "text"), 6);
    workdir.write("table.csv", &bytes);
    let output = check(&workdir, "table.csv");
    assert_eq!(ends_soundly(&output, "a table called text"), 2);
    assert!(String::from_utf8_lossy(&output.stderr).contains("--input-format parquet"));
}

#[test]
fn flipped_bits_never_end_in_a_crash() {
    let workdir = Workdir::new();
    aak_table(&workdir, "whole.parquet", 300);
    let bytes = workdir.bytes("whole.parquet");
    let footer = u32::from_le_bytes(bytes[bytes.len() - 8..][..4].try_into().unwrap()) as usize;
    let body = bytes.len() - 8 - footer;
    // What describes the rest is where a lie does most.
    let places = (body..bytes.len()).step_by(footer / 90 + 1);
    for place in places.chain((0..body).step_by(body / 60 + 1)) {
        for bits in [0x01, 0x80, 0xff] {
            let mut flipped = bytes.clone();
            flipped[place] ^= bits;
            workdir.write("flipped.parquet", &flipped);
            let output = check(&workdir, "flipped.parquet");
            ends_soundly(&output, &format!("byte {place} ^ {bits:#x}"));
        }
    }
}

#[test]
fn a_run_that_is_killed_is_resumed_to_the_same_bytes() {
    let workdir = Workdir::new();
    aak_table(&workdir, "rows.parquet", 20_000);
    let whole = sign(aak(), "-j 2 -o whole.parquet rows.parquet");
    workdir.run(&whole).exit(0);
    let run = whole
        .replace("--force ", "")
        .replace("whole.parquet", "out.parquet")
        + " --resume --checkpoint-every 500";
    let arguments: Vec<&str> = run.split_whitespace().collect();
    let mut kills = 0;
    for wait in (1..).map(|nth| nth * 40) {
        let mut child = workdir.command(&arguments);
        let null = std::process::Stdio::null;
        let mut child = child.stdout(null()).stderr(null()).spawn().unwrap();
        std::thread::sleep(std::time::Duration::from_millis(wait));
        if child
            .try_wait()
            .unwrap()
            .is_some_and(|status| status.success())
        {
            break;
        }
        let _ = child.kill();
        kills += u32::from(!child.wait().unwrap().success());
        // With its name it is whole: the checkpoint goes last.
        let is_named = workdir.exists("out.parquet");
        assert!(!is_named || workdir.bytes("out.parquet") == workdir.bytes("whole.parquet"));
    }
    assert!(kills > 0, "no run was killed");
    workdir.run(&run).exit(0);
    assert!(workdir.bytes("out.parquet") == workdir.bytes("whole.parquet"));
    assert!(
        workdir
            .files()
            .iter()
            .all(|name| !name.ends_with(".partial"))
    );
}

//! Memory does not grow with the input.
#![allow(clippy::unwrap_used)] // A failed unwrap is a failed test.
#![cfg(target_os = "linux")]

use std::fs;
use std::io::{BufWriter, Write};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

/// What a run may hold at its highest, on two threads.
const LIMIT_KIB: u64 = 64 * 1024;

fn write_users(path: &Path, rows: usize, bad: bool) {
    let mut out = BufWriter::new(fs::File::create(path).unwrap());
    writeln!(out, "id,firstName,locale").unwrap();
    for at in 0..rows {
        let locale = if bad { "nowhere" } else { "en_US" };
        writeln!(out, "user{at}@example.com,Jane,{locale}").unwrap();
    }
}

/// Signs the file and gives the exit code and the highest resident memory in
/// KiB, as the kernel counted it.
fn peak(folder: &Path, input: &str) -> (i32, u64) {
    peak_into(folder, input, "signed.ndjson")
}

fn peak_into(folder: &Path, input: &str, output: &str) -> (i32, u64) {
    fs::write(
        folder.join("secret"),
        "a secret of more than thirty-two bytes, for a test",
    )
    .unwrap();
    let mut child = Command::new(env!("CARGO_BIN_EXE_campaign-signer"))
        .args([
            "sign",
            "-f",
            "impact-user-jwt",
            "--secret-file",
            "secret",
            "-j",
            "2",
        ])
        .args([input, "-o", output, "--force", "--progress", "none"])
        .current_dir(folder)
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let status = format!("/proc/{}/status", child.id());
    let mut peak = 0;
    loop {
        // The high-water mark only rises, so the last look is the one that
        // counts; a process that has ended has none any more.
        let text = fs::read_to_string(&status).unwrap_or_default();
        let mark = text.lines().find_map(|line| line.strip_prefix("VmHWM:"));
        if let Some(mark) = mark {
            peak = mark.trim().trim_end_matches(" kB").parse().unwrap();
        }
        if let Some(status) = child.try_wait().unwrap() {
            return (status.code().unwrap(), peak);
        }
        std::thread::sleep(Duration::from_millis(5));
    }
}

#[test]
fn three_million_rows_are_signed_within_64_mib() {
    let folder = tempfile::tempdir().unwrap();
    write_users(&folder.path().join("users.csv"), 3_000_000, false);
    let (code, peak) = peak(folder.path(), "users.csv");
    assert_eq!(code, 0);
    assert!(peak > 0 && peak < LIMIT_KIB, "{peak} KiB");
}

#[test]
fn a_hundred_thousand_rejects_stay_within_64_mib() {
    let folder = tempfile::tempdir().unwrap();
    write_users(&folder.path().join("users.csv"), 100_000, true);
    let (code, peak) = peak(folder.path(), "users.csv");
    assert_eq!(code, 1);
    assert!(peak > 0 && peak < LIMIT_KIB, "{peak} KiB");
}

#[test]
fn the_longest_rows_stay_within_64_mib() {
    // A value of nearly the greatest length passes through every buffer.
    let folder = tempfile::tempdir().unwrap();
    let long = "x".repeat(1_000_000);
    let mut text = String::from("id,firstName\n");
    for at in 0..40 {
        text.push_str(&format!("user{at},{long}\n"));
    }
    fs::write(folder.path().join("users.csv"), text).unwrap();
    let (code, peak) = peak(folder.path(), "users.csv");
    assert_eq!(code, 0);
    assert!(peak > 0 && peak < LIMIT_KIB, "{peak} KiB");
}

#[test]
fn compressed_files_are_read_and_written_within_64_mib() {
    let folder = tempfile::tempdir().unwrap();
    write_users(&folder.path().join("users.csv"), 300_000, false);
    let plain = fs::read(folder.path().join("users.csv")).unwrap();
    let best = flate2::Compression::best();
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), best);
    gzip.write_all(&plain).unwrap();
    fs::write(folder.path().join("users.csv.gz"), gzip.finish().unwrap()).unwrap();
    // The widest window that is taken.
    let mut zstd = zstd::Encoder::new(Vec::new(), 19).unwrap();
    zstd.window_log(23).unwrap();
    zstd.write_all(&plain).unwrap();
    fs::write(folder.path().join("users.csv.zst"), zstd.finish().unwrap()).unwrap();
    for (input, output) in [
        ("users.csv.gz", "signed.ndjson.gz"),
        ("users.csv.zst", "signed.ndjson.zst"),
    ] {
        let (code, peak) = peak_into(folder.path(), input, output);
        assert_eq!(code, 0);
        assert!(peak > 0 && peak < LIMIT_KIB, "{input}: {peak} KiB");
    }
}

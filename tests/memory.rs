//! Memory does not grow with the input, nor with what its rows become.
//! `CAMPAIGN_SIGNER_MEMORY=full cargo test --release --test memory` signs ten
//! million products, twice.
#![allow(clippy::unwrap_used)] // A failed unwrap is a failed test.
#![cfg(target_os = "linux")]

use std::fs;
use std::io::{BufWriter, Write};
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::Command;

#[path = "workdir/peak.rs"]
mod peak;

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
    let options = "sign -f impact-user-jwt --secret-file secret --force --progress none";
    peak_of(folder, &format!("{options} {input} -o {output}"))
}

/// The same for any arguments, divided by white space, on two threads.
fn peak_of(folder: &Path, arguments: &str) -> (i32, u64) {
    peak::run(
        Command::new(env!("CARGO_BIN_EXE_campaign-signer"))
            .args(arguments.split_whitespace())
            .args(["-j", "2"])
            .current_dir(folder)
            .stdout(fs::File::create(folder.join("said")).unwrap())
            .stderr(fs::File::create(folder.join("told")).unwrap()),
    )
}

/// So many campaigns, and a hundred publishers.
fn write_campaigns(folder: &Path, campaigns: usize) {
    let mut out = BufWriter::new(fs::File::create(folder.join("campaigns.csv")).unwrap());
    writeln!(out, "ad_network_id,source_identifier,advertised_app_id").unwrap();
    for at in 0..campaigns {
        let app = 525_463_029 + at;
        writeln!(out, "example123.skadnetwork,5239,{app}").unwrap();
    }
    out.into_inner().unwrap();
    let mut out = BufWriter::new(fs::File::create(folder.join("publishers.csv")).unwrap());
    writeln!(out, "publisher,source_app_id").unwrap();
    for at in 0..100 {
        writeln!(out, "p{at},{}", 1_000_001 + at).unwrap();
    }
    out.into_inner().unwrap();
}

/// A hundred publishers, two formats, fifty copies.
const PRODUCTS: &str =
    "-f skan-view,skan-storekit --publishers publishers.csv --count 50 campaigns.csv";

/// The examples over and over: ids alone are kept, and these are five.
#[test]
fn postbacks_do_not_add_up_in_memory() {
    let folder = tempfile::tempdir().unwrap();
    let example = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/examples/postbacks/apple.ndjson"
    );
    let text = fs::read_to_string(example).unwrap();
    let mut out = BufWriter::new(fs::File::create(folder.path().join("back.ndjson")).unwrap());
    for _ in 0..20_000 {
        out.write_all(text.as_bytes()).unwrap();
    }
    out.into_inner().unwrap();
    let (code, peak) = peak_of(folder.path(), "verify-postback back.ndjson");
    assert_eq!(code, 0);
    let said = fs::read_to_string(folder.path().join("told")).unwrap();
    assert!(said.contains("140,000 of 140,000 postbacks"), "{said}");
    assert!(peak < LIMIT_KIB, "{peak} KiB");
}

#[test]
fn ten_million_products_are_counted_within_64_mib() {
    let folder = tempfile::tempdir().unwrap();
    write_campaigns(folder.path(), 1000);
    let (code, peak) = peak_of(folder.path(), &format!("check {PRODUCTS} --log json"));
    let told = fs::read_to_string(folder.path().join("told")).unwrap();
    assert_eq!(code, 0, "{told}");
    assert!(told.contains("\"records\":10000000,"), "{told}");
    assert!(peak < LIMIT_KIB, "{peak} KiB");
}

/// Signs the products of so many campaigns, each 10,000, and verifies them:
/// every signature, and that no nonce is there twice.
fn sign_products(campaigns: usize, shape: &str) {
    let folder = tempfile::tempdir().unwrap();
    write_campaigns(folder.path(), campaigns);
    let data = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/keys");
    let public = data.join("p256.pub.pem");
    fs::copy(data.join("p256.pkcs8.pem"), folder.path().join("key.pem")).unwrap();
    let (public, private) = (public.display(), fs::Permissions::from_mode(0o600));
    fs::set_permissions(folder.path().join("key.pem"), private).unwrap();
    for arguments in [
        format!("sign {PRODUCTS} {shape} -k key.pem -o signed.ndjson --progress none"),
        format!("verify signed.ndjson --public-key {public}"),
    ] {
        let (code, peak) = peak_of(folder.path(), &arguments);
        let told = fs::read_to_string(folder.path().join("told")).unwrap();
        let said = fs::read_to_string(folder.path().join("said")).unwrap();
        assert_eq!(code, 0, "{arguments}\n{said}\n{told}");
        println!("{arguments}: {peak} KiB");
        assert!(peak > 0 && peak < LIMIT_KIB, "{arguments}: {peak} KiB");
    }
    let manifest = fs::read_to_string(folder.path().join("signed.ndjson.manifest.json")).unwrap();
    let manifest: serde_json::Value = serde_json::from_str(&manifest).unwrap();
    let made = manifest["made"].as_array().unwrap().iter();
    let made: u64 = made.map(|made| made["records"].as_u64().unwrap()).sum();
    assert_eq!(made, 10_000 * campaigns as u64);
}

#[test]
fn products_are_signed_within_64_mib_and_no_nonce_is_there_twice() {
    sign_products(20, "");
    sign_products(5, "--shape openrtb");
    if std::env::var_os("CAMPAIGN_SIGNER_MEMORY").is_some_and(|size| size == "full") {
        sign_products(1000, "");
        sign_products(1000, "--shape openrtb");
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

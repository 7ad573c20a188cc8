//! Every input the fuzz targets keep is run through them again, without a
//! fuzzer: `fuzz/README.md` says what they check.

#![allow(clippy::unwrap_used)]

use std::collections::BTreeSet;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::atomic::Ordering;

#[path = "../fuzz/bodies.rs"]
mod bodies;

fn folder(name: &str) -> PathBuf {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    root.join("fuzz").join(name)
}

/// The names in a folder of `fuzz/`.
fn names(of: &str) -> BTreeSet<String> {
    let entries = std::fs::read_dir(folder(of)).unwrap_or_else(|error| panic!("{of}: {error}"));
    let name = |entry: std::io::Result<std::fs::DirEntry>| {
        entry.unwrap().file_name().into_string().unwrap()
    };
    entries.map(name).collect()
}

fn table() -> BTreeSet<String> {
    let names = bodies::TARGETS.iter().map(|(name, _)| (*name).to_owned());
    names.collect()
}

#[test]
fn every_target_of_the_table_is_a_fuzz_target_with_a_corpus_and_there_are_no_others() {
    let files: BTreeSet<String> = table().iter().map(|name| format!("{name}.rs")).collect();
    assert_eq!(names("fuzz_targets"), files);
    assert_eq!(names("corpus"), table());
    let manifest = std::fs::read_to_string(folder("Cargo.toml")).unwrap();
    for name in table() {
        let target = std::fs::read_to_string(folder(&format!("fuzz_targets/{name}.rs"))).unwrap();
        assert!(target.contains(&format!("bodies::{name}(data)")), "{name}");
        assert!(
            manifest.contains(&format!("path = \"fuzz_targets/{name}.rs\"")),
            "{name}"
        );
    }
}

#[test]
fn every_input_of_every_corpus_keeps_what_its_target_promises() {
    bodies::common::THOROUGH.store(true, Ordering::Relaxed);
    let broken: Vec<String> = std::thread::scope(|threads| {
        let replay = |target: &'static bodies::Target| threads.spawn(|| broken_by(target));
        let replays: Vec<_> = bodies::TARGETS.iter().map(replay).collect();
        let results = replays.into_iter().map(|replay| replay.join().unwrap());
        results.flatten().collect()
    });
    assert!(broken.is_empty(), "broken by: {broken:#?}");
}

/// The inputs of a target's corpus that make it panic.
fn broken_by((name, run): &bodies::Target) -> Vec<String> {
    let corpus = format!("corpus/{name}");
    let inputs = names(&corpus);
    assert!(!inputs.is_empty(), "{corpus} is empty");
    let paths = inputs.iter().map(|input| folder(&corpus).join(input));
    let broken = paths.filter(|path| {
        let data = std::fs::read(path).unwrap();
        catch_unwind(AssertUnwindSafe(|| run(&data))).is_err()
    });
    broken.map(|path| path.display().to_string()).collect()
}

#[test]
fn the_corpus_holds_records_that_are_signed_with_the_demo_keys() {
    let corpus: Vec<Vec<u8>> = names("corpus/verify_input")
        .iter()
        .map(|name| std::fs::read(folder("corpus/verify_input").join(name)).unwrap())
        .collect();
    let genuine = bodies::genuine_lines();
    let held = genuine.iter().filter(|line| {
        let line = line.trim_ascii_end();
        corpus
            .iter()
            .any(|input| input.windows(line.len()).any(|piece| piece == line))
    });
    // If there are fewer, signing has changed and the seeds are out of date.
    assert!(held.count() >= 9, "seeds that nothing signed");
}

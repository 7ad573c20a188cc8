//! Every input the fuzz targets keep is run through them again, without a
//! fuzzer: `fuzz/README.md` says what they check.

#![allow(clippy::unwrap_used)]

use std::collections::BTreeSet;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use campaign_signer::format::{Alg, Format};
use campaign_signer::jws::write_base64url;
use campaign_signer::record::{Plan, Rules, Settings};
use campaign_signer::row::Dialect;

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

/// Far above what the work takes, far below the square of the width.
const PATIENCE: Duration = Duration::from_secs(20);

/// A JSON object of so many members, in this order or in the reverse.
fn wide(count: usize, reverse: bool) -> String {
    let number = |at: usize| if reverse { count - 1 - at } else { at };
    let members: Vec<String> = (0..count)
        .map(|at| format!("\"k{}\":{}", number(at), number(at)))
        .collect();
    format!("{{{}}}", members.join(","))
}

/// Too wide to be kept in a corpus.
#[test]
fn a_signed_line_of_very_many_members_is_judged_in_good_time() {
    let count = 150_000;
    let token = |payload: &str| {
        let mut token = Vec::new();
        write_base64url(br#"{"alg":"HS256"}"#, &mut token);
        token.push(b'.');
        write_base64url(payload.as_bytes(), &mut token);
        format!("{}.AAAA", String::from_utf8(token).unwrap())
    };
    let members = wide(count, false);
    let members = members.trim_start_matches('{').trim_end_matches('}');
    let user = |reverse| format!("{{\"user\":{}}}", wide(count, reverse));
    let format = "\"format\":\"impact-user-jwt\"";
    let lines = [
        // As many members as the token has claims.
        format!(
            "{{{format},{members},\"jws\":\"{}\"}}\n",
            token(&wide(count, true))
        ),
        // A claim that is itself as wide, in another order.
        format!(
            "{{{format},\"user\":{},\"jws\":\"{}\"}}\n",
            wide(count, false),
            token(&user(true))
        ),
    ];
    for line in lines {
        let started = Instant::now();
        let alg = Alg::Hs256;
        let verifier = bodies::common::verifier(alg);
        let judged = bodies::common::judge(line.as_bytes(), Dialect::Ndjson, &*verifier, alg, None);
        assert_eq!(judged.unwrap().0.bad, 1);
        assert!(started.elapsed() < PATIENCE, "{:?}", started.elapsed());
    }
}

#[test]
fn a_header_of_very_many_columns_is_refused_in_good_time() {
    let header = vec![b"a".to_vec(); 400_000];
    let format = Format::find("skan-view").unwrap();
    let rules = Rules::new(Settings::new(format, 0)).unwrap();
    let started = Instant::now();
    assert!(Plan::for_header(&rules, &header).is_err());
    assert!(started.elapsed() < PATIENCE, "{:?}", started.elapsed());
}

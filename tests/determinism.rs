//! A run is a pure function of its input, settings, key, job id and
//! timestamp.
#![allow(clippy::unwrap_used)] // A failed unwrap is a failed test.

#[path = "determinism/inventory.rs"]
mod inventory;
mod testkit;

use std::collections::HashSet;

use campaign_signer::format::{FORMATS, Format, Source};
use campaign_signer::row::Limits;
use serde_json::Value;

use testkit::{Rng, Row, Run, Written, now, random_row};

/// Rows of every version, some with copies and some that are rejected. With
/// `derived`, no row brings a nonce of its own.
fn input(format: &'static Format, timestamp: u64, count: usize, derived: bool) -> String {
    let mut rng = Rng(99);
    let mut out = String::new();
    let nonce = format
        .field_from(Source::Nonce)
        .map(|(_, field)| field.name);
    for at in 0..count {
        if at % 9 == 4 {
            out.push_str("{\"no such member\": true}\n");
            continue;
        }
        let layout = &format.layouts[at % format.layouts.len()];
        let mut row: Row = random_row(format, layout, timestamp, &mut rng);
        let copies = at % 7 == 3 && nonce.is_some();
        if derived || copies {
            row.retain(|(field, _)| Some(field.name) != nonce);
        }
        let mut line = testkit::ndjson(format, &[row], &mut Rng(at as u64));
        if copies && !line.contains("requestReferenceId") {
            line = line.replacen('{', "{\"count\": 5, ", 1);
        }
        out.push_str(&line);
    }
    out
}

fn sign(
    format: &'static Format,
    input: &str,
    timestamp: u64,
    change: impl FnOnce(&mut Run),
) -> Written {
    let mut run = Run::new(format, timestamp);
    change(&mut run);
    run.sign(input)
}

fn nonces(format: &Format, signed: &str) -> Vec<String> {
    let (_, nonce) = format.field_from(Source::Nonce).unwrap();
    let record = |line: &str| serde_json::from_str::<Value>(line).unwrap();
    let text = |record: Value| record[nonce.name].as_str().unwrap().to_owned();
    signed.lines().map(record).map(text).collect()
}

fn with_nonce() -> impl Iterator<Item = &'static Format> {
    let all = FORMATS.iter().copied();
    all.filter(|format| format.field_from(Source::Nonce).is_some())
}

#[test]
fn threads_and_batches_of_every_size_give_the_same_bytes() {
    for format in FORMATS {
        let timestamp = now();
        let input = input(format, timestamp, 120, false);
        let first = sign(format, &input, timestamp, |_| {});
        assert!(first.summary.counts.rejected > 0 && first.summary.counts.signed > 0);
        for (threads, rows, bytes) in [
            (1, 1024, 1 << 18),
            (2, 1, 1 << 18),
            (7, 3, 1 << 18),
            (7, 1024, 700),
            (1, 17, 1),
        ] {
            let again = sign(format, &input, timestamp, |run| {
                run.threads = threads;
                run.limits = Limits {
                    batch_rows: rows,
                    batch_bytes: bytes,
                    ..Limits::default()
                };
            });
            assert_eq!(first.signed, again.signed, "{} {threads} {rows}", format.id);
            let names = |text: &str, own: &Written| {
                text.replace(own.signed_path.parent().unwrap().to_str().unwrap(), "")
            };
            assert_eq!(names(&first.rejects, &first), names(&again.rejects, &again));
            assert_eq!(stable(&first), stable(&again));
        }
    }
}

/// The manifest without what varies between equal runs: `run`, and here the
/// folder the test wrote into.
fn stable(written: &Written) -> Value {
    let folder = written.signed_path.parent().unwrap().to_str().unwrap();
    let mut manifest = written.manifest.clone();
    manifest.as_object_mut().unwrap().remove("run").unwrap();
    let text = manifest.to_string().replace(folder, "");
    let mut manifest: Value = serde_json::from_str(&text).unwrap();
    // The rejects name the folder, so their digest does, too.
    manifest["rejects"]["sha256"] = Value::Null;
    manifest
}

#[test]
fn another_job_gets_other_nonces_for_every_record() {
    for format in with_nonce() {
        let timestamp = now();
        let input = input(format, timestamp, 60, true);
        let one = sign(format, &input, timestamp, |_| {});
        let other = sign(format, &input, timestamp, |run| {
            run.job_id = "another".into()
        });
        let mut all: HashSet<String> = nonces(format, &one.signed).into_iter().collect();
        let count = all.len();
        assert_eq!(
            count as u64, one.summary.counts.records,
            "copies have nonces of their own"
        );
        all.extend(nonces(format, &other.signed));
        assert_eq!(all.len(), 2 * count, "{}", format.id);
    }
}

#[test]
fn an_edited_row_gets_another_nonce_and_the_others_keep_theirs() {
    for format in with_nonce() {
        let timestamp = now();
        let input = input(format, timestamp, 30, true);
        let before = sign(format, &input, timestamp, |_| {});
        let edited: Vec<String> = input.lines().map(str::to_owned).collect();
        // The first row's first required text or number that can be changed.
        let row: Value = serde_json::from_str(&edited[0]).unwrap();
        let field = format
            .fields
            .iter()
            .find(|f| {
                f.source == Source::Required && f.wrapped.is_none() && row.get(f.name).is_some()
            })
            .unwrap_or_else(|| format.key_id().unwrap().1);
        let mut row = row;
        row[field.name] = match &row[field.name] {
            Value::String(text) if text.bytes().all(|b| b.is_ascii_digit()) => {
                Value::String(if text == "17" {
                    "18".into()
                } else {
                    "17".into()
                })
            }
            Value::String(text) => Value::String(format!("{text}x")),
            Value::Number(n) => Value::from(if n.as_u64() == Some(17) { 18 } else { 17 }),
            other => panic!("{other}"),
        };
        let edited = std::iter::once(row.to_string()).chain(edited.into_iter().skip(1));
        let edited = edited.collect::<Vec<_>>().join("\n");
        let after = sign(format, &edited, timestamp, |_| {});
        let (before, after) = (
            nonces(format, &before.signed),
            nonces(format, &after.signed),
        );
        assert_ne!(before[0], after[0], "{}", format.id);
        assert_eq!(before[1..], after[1..], "{}", format.id);
    }
}

#[test]
fn rows_known_by_an_id_keep_their_nonces_wherever_they_stand() {
    for format in with_nonce() {
        let timestamp = now();
        let text = input(format, timestamp, 40, true);
        let rows: Vec<String> = text
            .lines()
            .filter(|line| !line.contains("no such member"))
            .enumerate()
            .map(|(at, line)| line.replacen('{', &format!("{{\"row\": \"r{at}\", "), 1))
            .collect();
        let known = |rows: &[String]| {
            let signed = sign(format, &rows.join("\n"), timestamp, |run| {
                run.settings.row_id = Some("row".into());
                run.settings.keep = vec!["row".into()];
            });
            let mut lines: Vec<String> = signed.signed.lines().map(str::to_owned).collect();
            assert!(!lines.is_empty());
            lines.sort();
            lines
        };
        let mut turned = rows.clone();
        turned.reverse();
        assert_eq!(known(&rows), known(&turned), "{}", format.id);
    }
}

#[test]
fn a_repeated_run_with_a_shared_secret_gives_the_same_tokens() {
    for format in FORMATS
        .iter()
        .filter(|f| f.field_from(Source::Nonce).is_none())
    {
        let timestamp = now();
        let input = input(format, timestamp, 30, true);
        let one = sign(format, &input, timestamp, |_| {});
        let other = sign(format, &input, timestamp, |run| {
            run.job_id = "another".into()
        });
        assert_eq!(one.signed, other.signed, "nothing in it depends on the job");
    }
}

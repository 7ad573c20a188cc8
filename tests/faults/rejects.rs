//! Too many rejects stop a run; a larger tolerance goes on with it. However
//! many there are, they are counted, and standard error stays short.

use crate::jobs::{self, USERS, users};
use crate::oracle::{identity, rows_in, sha256, sized, start};
use crate::workdir::Workdir;

#[test]
fn a_run_with_too_many_rejects_goes_on_with_a_larger_tolerance() {
    let mut job = jobs::plain(30_000);
    // A third of the rows, most of them late.
    let mut rows = users(0, 20_000, 0);
    rows.extend_from_slice(&users(20_000, 10_000, 1)[users(0, 0, 0).len()..]);
    job.inputs = vec![("in.csv", rows)];
    let tolerant = format!("{} --max-rejects 10000", identity());
    let reference = job.reference(&tolerant);
    assert_eq!(reference.code, 0);
    for (strict, strict_still) in [("500", "2000"), ("0", "0"), ("2%", "20%"), ("9999", "9999")] {
        let workdir = Workdir::new();
        job.lay(&workdir);
        let arguments = format!("{} {}", job.arguments(), identity());
        let first = format!("{arguments} --checkpoint-every 1ms --max-rejects {strict}");
        let ended = start(&workdir, &first, None).end();
        ended.exit(4).says("give a larger --max-rejects");
        // The command as it was would only stop there once more.
        for tolerance in [strict, strict_still, strict_still] {
            let resumed = format!("{arguments} --resume --max-rejects {tolerance}");
            start(&workdir, &resumed, None)
                .end()
                .exit(4)
                .says("rows were rejected, more than");
            assert!(!workdir.exists("out.ndjson") && workdir.exists("out.ndjson.checkpoint"));
        }
        let resumed = format!("{} --resume {tolerant}", job.arguments());
        let ended = start(&workdir, &resumed, None).end();
        ended.exit(0).says("resumed  after ");
        job.assert_tidy(&workdir);
        job.assert_complete(&workdir);
        assert_eq!(
            sha256(&workdir.bytes("out.ndjson")),
            reference.signed,
            "{strict}"
        );
        assert_eq!(
            sha256(&workdir.bytes("out.rejects.ndjson")),
            reference.rejects
        );
        let manifest: serde_json::Value =
            serde_json::from_slice(&workdir.bytes(&job.manifest())).unwrap();
        assert_eq!(manifest["counts"]["rejected"], 10_000);
        assert_eq!(manifest["rejected_by_code"]["bad_text"], 10_000);
    }
}

#[test]
fn without_any_tolerance_given_a_stopped_run_is_published_with_exit_1() {
    let job = jobs::plain(10_000);
    let reference = job.reference(&identity());
    let workdir = Workdir::new();
    job.lay(&workdir);
    let arguments = format!("{} {}", job.arguments(), identity());
    start(&workdir, &format!("{arguments} --max-rejects 3"), None)
        .end()
        .exit(4);
    // One that has done nothing before it was stopped may leave nothing.
    start(&workdir, &format!("{arguments} --resume"), None)
        .end()
        .exit(1);
    assert_eq!(sha256(&workdir.bytes("out.ndjson")), reference.signed);
    assert_eq!(
        sha256(&workdir.bytes("out.rejects.ndjson")),
        reference.rejects
    );
}

#[test]
fn any_number_of_rejects_is_counted_and_standard_error_stays_short() {
    let rows = sized(100_000, 1_000_000);
    let workdir = Workdir::new();
    workdir.write("in.csv", users(0, rows, 1));
    for log in ["text", "json"] {
        let arguments = format!("sign {USERS} in.csv -o out.ndjson --force --log {log}");
        let ended = start(&workdir, &arguments, None).end();
        ended.exit(1);
        let said = ended.stderr.len();
        ended.expect(said < 64 * 1024, "less than 64 KiB of words");
        let rejected = rows_in("out.rejects.ndjson", &workdir.bytes("out.rejects.ndjson"));
        assert_eq!(rejected, rows as u64);
        assert_eq!(workdir.bytes("out.ndjson"), b"");
        let manifest: serde_json::Value =
            serde_json::from_slice(&workdir.bytes("out.ndjson.manifest.json")).unwrap();
        assert_eq!(manifest["counts"]["rejected"], rows);
        assert_eq!(manifest["counts"]["rows"], rows);
        assert_eq!(manifest["rejected_by_code"]["bad_text"], rows);
    }
}

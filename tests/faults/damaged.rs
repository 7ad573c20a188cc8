//! Leftovers that are damaged are refused, and nothing of them is destroyed.

use campaign_signer::output::{Checkpoint, SystemDisk};

use crate::jobs;
use crate::oracle::{Random, assert_untouched, copy_all, identity, sha256, sized, snapshot, start};
use crate::workdir::Workdir;

/// What stands where something sound should be.
type Damage = Box<dyn Fn(Vec<u8>) -> Option<Vec<u8>>>;

fn damage(with: impl Fn(Vec<u8>) -> Option<Vec<u8>> + 'static) -> Damage {
    Box::new(with)
}

fn cut(bytes: &[u8], at: usize) -> Option<Vec<u8>> {
    Some(bytes[..at].to_vec())
}

#[test]
fn a_damaged_leftover_is_refused_and_nothing_is_destroyed() {
    let job = jobs::plain(30_000);
    let reference = job.reference(&identity());
    let (scene, arguments) = jobs::stopped(&job);
    let kept = Checkpoint::load(&SystemDisk, &scene.path("out.ndjson"));
    let kept = kept.unwrap().unwrap();
    let covered = usize::try_from(kept.signed.extent.bytes).unwrap();
    let rejects = usize::try_from(kept.rejects.as_ref().unwrap().extent.bytes).unwrap();
    let foreign = {
        let mut other = kept.clone();
        other.signed.path = "other.ndjson".into();
        other.seal()
    };
    let checkpoint = "out.ndjson.checkpoint";
    let partial = "out.ndjson.partial";
    let lines = "out.rejects.ndjson.partial";
    let future = kept.seal();
    let mut table: Vec<(&str, &str, Damage)> = vec![
        ("empty", checkpoint, damage(|_| Some(Vec::new()))),
        ("truncated", checkpoint, damage(|b| cut(&b, b.len() / 2))),
        (
            "without its last byte",
            checkpoint,
            damage(|b| cut(&b, b.len() - 2)),
        ),
        ("garbage", checkpoint, damage(|b| Some(vec![0xa5; b.len()]))),
        ("zeros", checkpoint, damage(|b| Some(vec![0; b.len()]))),
        (
            "JSON of another kind",
            checkpoint,
            damage(|_| Some(b"{}\n".to_vec())),
        ),
        (
            "of a version to come",
            checkpoint,
            damage(move |_| Some(of_version_2(&future))),
        ),
        (
            "another output's",
            checkpoint,
            damage(move |_| Some(foreign.clone())),
        ),
        ("shorter", partial, damage(move |b| cut(&b, covered - 1))),
        ("empty", partial, damage(|_| Some(Vec::new()))),
        ("deleted", partial, damage(|_| None)),
        (
            "with a flipped bit",
            partial,
            damage(move |b| flip(b, covered / 2, 3)),
        ),
        (
            "with its last byte flipped",
            partial,
            damage(move |b| flip(b, covered - 1, 0)),
        ),
        ("shorter", lines, damage(move |b| cut(&b, rejects - 1))),
        ("deleted", lines, damage(|_| None)),
        (
            "with a flipped bit",
            lines,
            damage(move |b| flip(b, rejects / 2, 5)),
        ),
    ];
    let mut random = Random::new();
    for _ in 0..sized(12, 400) {
        let size = scene.bytes(checkpoint).len() as u64 - 1;
        let (at, bit) = (random.below(size), random.below(8));
        let flipped = damage(move |b| flip(b, at as usize, bit as u8));
        table.push(("with some bit flipped", checkpoint, flipped));
    }
    for (what, name, damage) in table {
        let workdir = Workdir::new();
        copy_all(&scene, &workdir);
        match damage(workdir.bytes(name)) {
            Some(bytes) => workdir.write(name, bytes),
            None => workdir.remove(name),
        }
        let before = snapshot(&workdir);
        println!("{name}, {what}");
        let ended = start(&workdir, &format!("{arguments} --resume"), None).end();
        ended.exit(2).says(name);
        assert_untouched(&before, &snapshot(&workdir), what);
        start(&workdir, &arguments, None).end().exit(2);
        assert_untouched(&before, &snapshot(&workdir), what);
        // Whoever wants none of it starts anew.
        start(&workdir, &format!("{arguments} --force"), None)
            .end()
            .exit(1);
        job.assert_tidy(&workdir);
        assert_eq!(
            sha256(&workdir.bytes("out.ndjson")),
            reference.signed,
            "{what}"
        );
    }
}

fn flip(mut bytes: Vec<u8>, at: usize, bit: u8) -> Option<Vec<u8>> {
    bytes[at] ^= 1 << bit;
    Some(bytes)
}

/// A checkpoint that is whole, of a layout that nobody knows yet.
fn of_version_2(sealed: &[u8]) -> Vec<u8> {
    let text = std::str::from_utf8(sealed).unwrap();
    let start = text.find("{\"checkpoint_version\"").unwrap();
    let end = text.rfind(",\"sha256\":").unwrap();
    let text = text[start..end].replace("\"checkpoint_version\":1", "\"checkpoint_version\":2");
    let digest = sha256(text.as_bytes());
    format!("{{\"checkpoint\":{text},\"sha256\":\"{digest}\"}}\n").into_bytes()
}

#[test]
fn what_was_written_after_the_checkpoint_is_cut_off_and_written_again() {
    let job = jobs::plain(30_000);
    let reference = job.reference(&identity());
    let (scene, arguments) = jobs::stopped(&job);
    for tail in [&b"half a li"[..], b"\x00", &[b'\n'; 100_000]] {
        let workdir = Workdir::new();
        copy_all(&scene, &workdir);
        for name in ["out.ndjson.partial", "out.rejects.ndjson.partial"] {
            let mut bytes = workdir.bytes(name);
            bytes.extend_from_slice(tail);
            workdir.write(name, bytes);
        }
        // What the crash left of the next checkpoint, and of the manifest.
        workdir.write("out.ndjson.checkpoint.partial", tail);
        workdir.write("out.ndjson.manifest.json.partial", tail);
        start(&workdir, &format!("{arguments} --resume"), None)
            .end()
            .exit(1);
        job.assert_tidy(&workdir);
        assert_eq!(sha256(&workdir.bytes("out.ndjson")), reference.signed);
        assert_eq!(
            sha256(&workdir.bytes("out.rejects.ndjson")),
            reference.rejects
        );
    }
}

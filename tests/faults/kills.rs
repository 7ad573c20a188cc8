//! Runs that are killed at any moment of their life, and resumed until they
//! are through.

use std::time::{Duration, Instant};

use crate::jobs::{self, Job, Reference, identity_of};
use crate::oracle::{Going, Random, assert_tells_no_secret, identity, sha256, sized, start, wait};
use crate::workdir::Workdir;

/// How often one job is killed before it is left in peace.
const MOST_KILLS: u64 = 5;

#[test]
fn whatever_moment_a_run_is_killed_at_resuming_it_gives_the_same_bytes() {
    kill_all(&jobs::all(), sized(24, 200), sized(20, 200));
}

/// Kills these jobs in turn, so many rounds and until so many of their
/// attempts were killed.
pub(crate) fn kill_all(jobs: &[Job], rounds: usize, wanted: usize) {
    let mut random = Random::new();
    let references: Vec<Reference> = jobs.iter().map(|job| job.reference(&identity())).collect();
    let (mut kills, mut round) = (0, 0);
    // Where the machine has become faster since the references were made, the
    // moments come too late, and it takes more of them.
    while round < rounds || (kills < wanted && round < 6 * rounds) {
        let at = round % jobs.len();
        println!("round {round}: {}", jobs[at].name);
        kills += survive(&jobs[at], &references[at], &mut random);
        round += 1;
    }
    assert!(kills >= wanted, "{kills} kills in {round} rounds");
}

/// Kills a job again and again, and compares what it becomes in the end. Gives
/// how many attempts were killed or interrupted.
fn survive(job: &Job, reference: &Reference, random: &mut Random) -> usize {
    let workdir = Workdir::new();
    job.lay(&workdir);
    let mut arguments = job.arguments();
    let mut old = Vec::new();
    if job.over_old {
        start(&workdir, &format!("{arguments} --job-id old"), None).end();
        old = job.published(&workdir);
        assert_eq!(old.len(), 3, "an older run");
        arguments += " --force";
    }
    if !job.is_random {
        arguments = format!("{arguments} {}", identity());
    }
    let every = ["1ms", "20ms", "1500", "10000,50ms"][random.below(4) as usize];
    arguments = format!("{arguments} --checkpoint-every {every}");
    let mut seen = old.clone();
    let mut kills = 0;
    for _ in 0..1 + random.below(MOST_KILLS) {
        let threads = 1 + random.below(3);
        let attempt = format!("{arguments} --resume -j {threads}");
        let going = start(&workdir, &attempt, job.stdin());
        let signal = ["KILL", "KILL", "TERM", "INT"][random.below(4) as usize];
        strike(going, signal, job, reference.took, &workdir, random);
        let now = job.published(&workdir);
        assert_tells_no_secret(&workdir);
        // What has its name is never changed again, but for what stood there.
        for (name, digest) in &now {
            let is_old = old.contains(&(name.clone(), digest.clone()));
            assert!(is_old || is_final(job, reference, name, digest), "{name}");
        }
        assert_manifest_last(job, &now, &old);
        for before in &seen {
            let stands = now.contains(before) || old.contains(before);
            assert!(stands, "{} was {} and went", before.0, before.1);
        }
        seen = now;
        kills += 1;
        if !workdir.exists(&format!("{}.checkpoint", job.output)) && seen.len() == 3 && seen != old
        {
            kills -= 1;
            break;
        }
    }
    let ended = start(&workdir, &format!("{arguments} --resume"), job.stdin()).end();
    ended.exit(reference.code);
    finish(job, reference, &workdir);
    kills
}

/// Waits for a moment, strikes, and looks how the run has died.
fn strike(
    mut going: Going,
    signal: &str,
    job: &Job,
    took: Duration,
    workdir: &Workdir,
    random: &mut Random,
) {
    let started = Instant::now();
    let names = [
        format!("{}.checkpoint", job.output),
        format!("{}.partial", job.output),
        format!("{}.manifest.json.partial", job.output),
        job.output.to_owned(),
        job.rejects().to_owned(),
        job.manifest(),
    ];
    let delay = random.up_to(took + took / 8);
    match random.below(3) {
        0 => {
            // The short moments: when a name comes or goes.
            let name = &names[random.below(6) as usize];
            let there = workdir.exists(name);
            wait(took * 4, || {
                workdir.exists(name) != there || going.child.try_wait().unwrap().is_some()
            });
        }
        _ => {
            wait(delay, || going.child.try_wait().unwrap().is_some());
        }
    }
    match signal {
        "KILL" => going.child.kill().unwrap(),
        _ => going.signal(signal),
    }
    let ended = going.end_within(Duration::from_secs(20));
    let is_over = matches!(ended.code(), Some(0 | 1));
    let in_order = match signal {
        "KILL" => ended.is_killed_by(9),
        // Before it listens, a signal does what it does to any process.
        "TERM" => ended.code() == Some(5) || ended.is_killed_by(15),
        _ => ended.code() == Some(5) || ended.is_killed_by(2),
    };
    let moment = started.elapsed();
    ended.expect(is_over || in_order, &format!("{signal} after {moment:?}"));
    if ended.code() == Some(5) {
        ended.resume_command();
    }
}

/// Whether these are bytes that the file has in the end, as far as that is
/// known beforehand.
fn is_final(job: &Job, reference: &Reference, name: &str, digest: &str) -> bool {
    let wanted = match name {
        _ if job.is_random => return true,
        name if name == job.output => &reference.signed,
        name if name == job.rejects() => &reference.rejects,
        _ => return true,
    };
    digest == wanted
}

/// A manifest stands beside the files it is about, and beside no others.
fn assert_manifest_last(job: &Job, now: &[(String, String)], old: &[(String, String)]) {
    let Some(manifest) = now.iter().find(|(name, _)| *name == job.manifest()) else {
        return;
    };
    let is_old = old.contains(manifest);
    for name in job.finals() {
        let stands = now.iter().find(|(other, _)| *other == name);
        let stands = stands.unwrap_or_else(|| panic!("a manifest without {name}"));
        // Rejects of both may be equal; then nothing can be told.
        let same = old.contains(stands) == is_old || name == job.rejects();
        assert!(same, "{name} is not of the manifest's run");
    }
}

/// What must hold in the end.
fn finish(job: &Job, reference: &Reference, workdir: &Workdir) {
    job.assert_tidy(workdir);
    job.assert_complete(workdir);
    assert_tells_no_secret(workdir);
    let drawn;
    let reference = match job.is_random {
        true => {
            drawn = job.reference(&identity_of(workdir, &job.manifest()));
            &drawn
        }
        false => reference,
    };
    let signed = sha256(&workdir.bytes(job.output));
    let rejects = sha256(&workdir.bytes(job.rejects()));
    assert_eq!(signed, reference.signed, "{}: records", job.name);
    assert_eq!(rejects, reference.rejects, "{}: rejects", job.name);
}

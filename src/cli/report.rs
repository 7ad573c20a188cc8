//! What a person, or a scheduler, reads of a run: before row one, and when it
//! has ended.

use campaign_signer::ending::Part;
use campaign_signer::format::{Format, Freshness, SERVE_MARGIN};
use campaign_signer::output::{KeyEntry, MadeEntry, RingKeyEntry, Target};
use campaign_signer::pipeline::{Begun, Job, Signer, Summary};
use campaign_signer::record::Damaged;
use campaign_signer::time::rfc3339;
use indicatif::HumanCount;
use serde_json::{Value, json};

use super::exit::Exit;
use super::{log, say};

/// The parts of a job that its report names.
pub(crate) struct Report {
    formats: Vec<&'static Format>,
    inputs: Vec<String>,
    files: Vec<(&'static str, String)>,
    key: KeyEntry,
    ring: Vec<RingKeyEntry>,
    job_id: String,
    timestamp: u64,
    spread: Option<u64>,
    expires: u64,
    signs: bool,
}

impl Report {
    /// The report of a job, taken before it runs.
    pub(crate) fn of(job: &Job, signer: Signer) -> Self {
        let Signer { key, ring, .. } = signer;
        let outputs = &job.outputs;
        let mut files = Vec::new();
        let mut add = |what, target: &Option<Target>| {
            if let Some(target) = target {
                files.push((what, target.name()));
            }
        };
        match &outputs.folder {
            Some(folder) => add("output", &Some(Target::File(folder.path.clone()))),
            None => add("output", &outputs.published()),
        }
        add("rejects", &outputs.rejects);
        add("manifest", &outputs.manifest.clone().map(Target::File));
        Self {
            formats: job.settings.formats().map(|choice| choice.format).collect(),
            spread: job.settings.spread,
            expires: job.settings.expires,
            inputs: job.inputs.iter().map(|input| input.name()).collect(),
            files,
            key,
            ring,
            job_id: job.job_id.clone(),
            timestamp: job.settings.timestamp,
            signs: job.signer.is_some(),
        }
    }

    /// Tells what should be known before row one: which key signs, and what it
    /// takes to repeat the run.
    pub(crate) fn announce(&self) {
        let at = rfc3339(self.timestamp);
        if log::is_json() {
            let mut fields = json!({
                "version": env!("CARGO_PKG_VERSION"),
                "format": self.ids(),
                "job_id": self.job_id,
                "timestamp": at,
                "key": self.key.fingerprint,
                "inputs": self.inputs,
            });
            for (what, name) in &self.files {
                fields[*what] = json!(name);
            }
            log::event("start", &fields);
            return;
        }
        if self.ring.is_empty() {
            line("key", &format!("{} {}", self.key.alg, self.key.fingerprint));
        }
        for RingKeyEntry { id, key } in &self.ring {
            line("key", &format!("{id}: {} {}", key.alg, key.fingerprint));
        }
        if let Some(public) = &self.key.public_key {
            line("public", public);
        }
        line("job", &format!("{} at {at}", self.job_id));
    }

    /// Tells how the run ended, and gives the exit code.
    pub(crate) fn print(&self, summary: &Summary) -> Exit {
        if log::is_json() {
            return print_events(summary);
        }
        let counts = summary.counts;
        if self.signs {
            let words = format!(
                "{}, {} of {}",
                count(counts.signed, "row"),
                count(counts.records, "record"),
                self.ids()
            );
            line("signed", &words);
            self.print_made(summary);
        } else {
            let words = format!(
                "{} would become {}; nothing was signed",
                count(counts.signed, "row"),
                count(counts.records, "record")
            );
            line("dry run", &words);
        }
        print_rejects(summary);
        for (what, name) in &self.files {
            line(what, name);
        }
        if summary.was_finished {
            line("finished", "before this call: nothing was signed now");
        } else {
            print_time(summary);
        }
        print_notices(summary);
        if summary.recomputed > 0 {
            let found = count(summary.recomputed, "signature");
            line(
                "machine",
                &format!(
                    "{found} came out wrong and were computed anew: the output is right, but test \
                     this machine's memory and processor"
                ),
            );
        }
        if self.signs && counts.records > 0 {
            self.print_freshness();
        }
        exit(summary)
    }

    /// What becomes of it, as far as that is known before it runs.
    pub(crate) fn part(&self, name: Option<&str>) -> Part {
        Part {
            name: name.map(str::to_owned),
            format: self.ids(),
            job_id: self.job_id.clone(),
            timestamp: self.timestamp,
            signs: self.signs,
            files: self.files.clone(),
            ..Part::default()
        }
    }

    /// The formats' ids, with commas between.
    fn ids(&self) -> String {
        let ids: Vec<&str> = self.formats.iter().map(|format| format.id).collect();
        ids.join(",")
    }

    /// What was signed of each format under each key, where there are several.
    fn print_made(&self, summary: &Summary) {
        for MadeEntry {
            format,
            key,
            records,
        } in &summary.made
        {
            let by = key.as_ref().map(|key| format!(" with {key}"));
            let words = format!(
                "{} {format}{}",
                HumanCount(*records),
                by.unwrap_or_default()
            );
            line("", &words);
        }
    }

    /// Until when the output may be served: of several formats, what is
    /// documented of the one that is soonest over.
    fn print_freshness(&self) {
        let fresh = |wanted: fn(&Freshness) -> bool| {
            let mut all = self.formats.iter().map(|format| format.freshness);
            all.find(wanted)
        };
        let words = if fresh(|f| matches!(f, Freshness::Unpublished)).is_some() {
            "at once: how long these signatures live is not published".to_owned()
        } else if let Some(Freshness::Documented { millis }) =
            fresh(|f| matches!(f, Freshness::Documented { .. }))
        {
            let hours = millis / 3_600_000;
            let until = |time: u64| rfc3339(time + millis - SERVE_MARGIN);
            match self.spread {
                None => format!(
                    "until {}: the documented life is {hours} hours from each record's time, ten \
                     minutes are left for its use",
                    until(self.timestamp)
                ),
                Some(spread) => format!(
                    "each record for {hours} hours from its time; the first until {}, the last \
                     until {}",
                    until(self.timestamp),
                    until(self.timestamp + spread)
                ),
            }
        } else if fresh(|f| matches!(f, Freshness::Expiry)).is_some() {
            format!(
                "until {}, or what a row gives: the tokens' own expiry",
                rfc3339(self.expires)
            )
        } else {
            "no limit is published for these signatures; fresher ones may win over them".to_owned()
        };
        line("serve", &words);
    }
}

/// Tells which output of a job comes now.
pub(crate) fn output(name: &str, number: usize, of: usize) {
    if log::is_json() {
        let fields = json!({ "name": name, "number": number, "of": of });
        log::event("output", &fields);
    } else {
        line("part", &format!("{name}, {number} of {of}"));
    }
}

/// Tells where the work begins, if it is not at row one of a new run.
pub(crate) fn begun(begun: &Begun) {
    if log::is_json() {
        let fields = json!({
            "resumed": begun.resumed,
            "rows": begun.rows,
            "threads": begun.threads,
            "took_over": begun.took_over,
        });
        log::event("begin", &fields);
        return;
    }
    if let Some(holder) = &begun.took_over {
        line("lock", &format!("taken over from {holder}, which is gone"));
    }
    if begun.resumed {
        line("resumed", &format!("after {}", count(begun.rows, "row")));
    }
}

/// Tells that there was nothing to resume.
pub(crate) fn nothing_to_resume() {
    let words = "nothing is left to resume: starting at row one";
    if log::is_json() {
        log::event("nothing_to_resume", &json!({ "message": words }));
    } else {
        line("resume", words);
    }
}

/// Tells how many rows were checked, and gives the exit code.
pub(crate) fn print_checked(summary: &Summary, rejects: Option<&str>) -> Exit {
    if log::is_json() {
        return print_events(summary);
    }
    let counts = summary.counts;
    line("checked", &count(counts.rows, "row"));
    let rows = count(counts.signed, "row");
    let records = count(counts.records, "record");
    line("records", &format!("{rows} would become {records}"));
    print_rejects(summary);
    if let Some(file) = rejects {
        line("rejects", file);
    }
    print_time(summary);
    print_notices(summary);
    exit(summary)
}

pub(super) fn print_events(summary: &Summary) -> Exit {
    let counts = summary.counts;
    let by_code: serde_json::Map<String, Value> = summary
        .rejected_by_code
        .iter()
        .map(|(code, rows)| (code.as_str().to_owned(), json!(rows)))
        .collect();
    let rejects = json!({
        "rejected": counts.rejected,
        "by_code": by_code,
        "first": summary.first_reject,
    });
    log::event("rejects", &rejects);
    for damaged in summary.damages.iter() {
        let fields = json!({
            "kind": damaged.damage.name,
            "field": damaged.field,
            "rows": damaged.rows,
            "of": counts.rows,
            "file": damaged.file,
            "line": damaged.line,
            "found": damaged.found,
            "hint": damaged.hint,
        });
        log::event("damage", &fields);
    }
    for notice in summary.notices.iter() {
        let fields = json!({
            "code": notice.code,
            "field": notice.field,
            "message": notice.says,
            "rows": notice.count,
        });
        log::event("notice", &fields);
    }
    let exit = exit(summary);
    let end = json!({
        "exit_code": exit as u8,
        "rows": counts.rows,
        "signed": counts.signed,
        "rejected": counts.rejected,
        "records": counts.records,
        "seconds": summary.elapsed.as_secs_f64(),
        "threads": summary.threads,
        "recomputed": summary.recomputed,
        "was_finished": summary.was_finished,
    });
    log::event("end", &end);
    exit
}

/// The rejects by the code of their first problem, and the first one.
pub(super) fn print_rejects(summary: &Summary) {
    let rejected = summary.counts.rejected;
    line("rejected", &count(rejected, "row"));
    for (code, rows) in &summary.rejected_by_code {
        line("", &format!("{} {code}", HumanCount(*rows)));
    }
    if let Some(first) = &summary.first_reject {
        line("", &format!("first: {first}"));
    }
    for damaged in summary.damages.iter() {
        let field = match &damaged.field[..] {
            "" => String::new(),
            // The name of an unknown member is the input's own text.
            field => format!("{}: ", field.escape_debug()),
        };
        let (rows, all) = (HumanCount(damaged.rows), count(summary.counts.rows, "row"));
        let Damaged {
            file,
            line: at,
            hint,
            ..
        } = damaged;
        line(
            "damage",
            &format!("{field}{rows} of {all} {damaged} ({file} line {at}): {hint}"),
        );
    }
}

/// How long it took, and how fast it was.
fn print_time(summary: &Summary) {
    let seconds = summary.elapsed.as_secs_f64();
    let rate = summary.rows_now as f64 / seconds.max(1e-9);
    let threads = summary.threads;
    let counts = summary.counts;
    // A few rows may become very many records.
    let records = match counts.records > counts.signed && counts.rows > 0 {
        true => {
            let each = counts.records as f64 / counts.rows as f64;
            format!(", {} records/s", HumanCount((rate * each) as u64))
        }
        false => String::new(),
    };
    let words = format!(
        "{seconds:.2} s, {} rows/s{records} on {}",
        HumanCount(rate as u64),
        count(threads as u64, "thread")
    );
    line("time", &words);
}

/// What is legal, but worth knowing.
pub(super) fn print_notices(summary: &Summary) {
    for notice in summary.notices.iter() {
        let rows = count(notice.count, "row");
        let words = format!("{}: {rows} with {}", notice.field, notice.says);
        line("notice", &words);
    }
}

/// The exit code of a finished run.
pub(super) fn exit(summary: &Summary) -> Exit {
    if summary.counts.rejected == 0 || summary.within_limit {
        Exit::Success
    } else {
        Exit::Rejects
    }
}

/// A number with its noun.
pub(super) fn count(number: u64, noun: &str) -> String {
    let plural = if number == 1 { "" } else { "s" };
    format!("{} {noun}{plural}", HumanCount(number))
}

pub(super) fn line(what: &str, words: &str) {
    say!("{what:>9}  {words}");
}

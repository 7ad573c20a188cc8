//! What a person reads when a run has ended.

use campaign_signer::format::{Format, Freshness};
use campaign_signer::output::{KeyEntry, Target};
use campaign_signer::pipeline::{Job, Summary};
use campaign_signer::time::rfc3339;
use indicatif::HumanCount;

use super::exit::Exit;
use super::say;

/// The parts of a job that its report names.
pub(crate) struct Report {
    format: &'static Format,
    files: Vec<(&'static str, String)>,
    key: KeyEntry,
    job_id: String,
    timestamp: u64,
    signs: bool,
}

impl Report {
    /// The report of a job, taken before it runs.
    pub(crate) fn of(job: &Job, key: KeyEntry) -> Self {
        let outputs = &job.outputs;
        let mut files = Vec::new();
        let mut add = |what, target: &Option<Target>| {
            if let Some(target) = target {
                files.push((what, target.name()));
            }
        };
        add("output", &outputs.signed);
        add("rejects", &outputs.rejects);
        add("manifest", &outputs.manifest.clone().map(Target::File));
        Self {
            format: job.settings.format,
            files,
            key,
            job_id: job.job_id.clone(),
            timestamp: job.settings.timestamp,
            signs: job.signer.is_some(),
        }
    }

    /// Prints what a person should see before row one: which key signs, and
    /// what it takes to repeat the run.
    pub(crate) fn announce(&self) {
        line("key", &format!("{} {}", self.key.alg, self.key.fingerprint));
        if let Some(public) = &self.key.public_key {
            line("public", public);
        }
        let at = rfc3339(self.timestamp);
        line("job", &format!("{} at {at}", self.job_id));
    }

    /// Prints the report to standard error and tells the exit code.
    pub(crate) fn print(&self, summary: &Summary) -> Exit {
        let counts = summary.counts;
        if self.signs {
            line(
                "signed",
                &format!(
                    "{}, {} of {}",
                    count(counts.signed, "row"),
                    count(counts.records, "record"),
                    self.format.id
                ),
            );
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
        print_time(summary);
        print_notices(summary);
        if self.signs && counts.records > 0 {
            self.print_freshness();
        }
        exit(summary)
    }

    fn print_freshness(&self) {
        match self.format.freshness {
            Freshness::Documented { millis } => line(
                "serve",
                &format!(
                    "until {}: the documented life is {} hours from each record's time",
                    rfc3339(self.timestamp + millis),
                    millis / 3_600_000
                ),
            ),
            Freshness::Unpublished => line(
                "serve",
                "at once: how long these signatures live is not published",
            ),
            Freshness::Expiry | Freshness::Silent => {}
        }
    }
}

/// How many rows were checked.
pub(crate) fn print_checked(summary: &Summary) {
    line("checked", &count(summary.counts.rows, "row"));
}

/// The rejects by the code of their first problem, and the first one.
pub(crate) fn print_rejects(summary: &Summary) {
    let rejected = summary.counts.rejected;
    line("rejected", &count(rejected, "row"));
    for (code, rows) in &summary.rejected_by_code {
        line("", &format!("{} {code}", HumanCount(*rows)));
    }
    if let Some(first) = &summary.first_reject {
        line("", &format!("first: {first}"));
    }
}

/// How long it took, and how fast it was.
pub(crate) fn print_time(summary: &Summary) {
    let seconds = summary.elapsed.as_secs_f64();
    let rate = summary.counts.rows as f64 / seconds.max(1e-9);
    let threads = summary.threads;
    let words = format!(
        "{seconds:.2} s, {} rows/s on {}",
        HumanCount(rate as u64),
        count(threads as u64, "thread")
    );
    line("time", &words);
}

/// What is legal, but worth knowing.
pub(crate) fn print_notices(summary: &Summary) {
    for (notice, field, rows) in summary.notices.iter() {
        let rows = count(*rows, "row");
        line("notice", &format!("{field}: {rows} with {}", notice.says));
    }
}

/// The exit code of a finished run.
pub(crate) fn exit(summary: &Summary) -> Exit {
    if summary.counts.rejected == 0 || summary.within_limit {
        Exit::Success
    } else {
        Exit::Rejects
    }
}

/// A number with its noun.
fn count(number: u64, noun: &str) -> String {
    let plural = if number == 1 { "" } else { "s" };
    format!("{} {noun}{plural}", HumanCount(number))
}

fn line(what: &str, words: &str) {
    say!("{what:>9}  {words}");
}

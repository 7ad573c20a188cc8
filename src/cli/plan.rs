//! What a job would do: everything is read, nothing is signed but a burst that
//! measures how fast it would go.

use std::time::Duration;

use campaign_signer::error::Error;
use campaign_signer::inspect::{Item, inspect};
use campaign_signer::output::MadeEntry;
use campaign_signer::pipeline::{self, Burst, Event, Job, Sample, Summary};
use campaign_signer::row::Input;
use indicatif::{HumanBytes, HumanCount};
use serde_json::json;

use super::exit::Exit;
use super::progress::Meter;
use super::report::{self, line};
use super::values::now;
use super::{log, print};

/// How long the burst takes.
const BURST: Duration = Duration::from_millis(700);

/// Counts what a job would sign, and measures how long it would take. `make`
/// makes the job anew.
pub(crate) fn plan(
    make: &dyn Fn() -> Result<Job, Error>,
    meter: &mut Meter,
) -> Result<(Exit, Summary), Error> {
    let (summary, publishers) = count(make, meter)?;
    let job = make()?;
    let (formats, copies) = (job.settings.formats().count() as u64, job.settings.count);
    let burst = match summary.counts.records {
        0 => None,
        _ => Some(pipeline::burst(job, BURST)?),
    };
    let signatures = summary
        .made
        .iter()
        .fold(0, |sum: u64, made| sum.saturating_add(made.records));
    let expected = burst.and_then(|burst| expected(&burst, summary.counts.records));
    if log::is_json() {
        let made: Vec<_> = summary.made.iter().map(|made| json!(made)).collect();
        let fields = json!({
            "rows": summary.counts.signed,
            "publishers": publishers,
            "formats": formats,
            "copies": copies,
            "records": summary.counts.records,
            "signatures": signatures,
            "made": made,
            "seconds": expected.map(|(seconds, _)| seconds),
            "bytes": expected.map(|(_, bytes)| bytes),
        });
        log::event("plan", &fields);
        return Ok((report::print_events(&summary), summary));
    }
    let factors = [
        (summary.counts.signed, "row"),
        (publishers, "publisher"),
        (formats, "format"),
        (copies, "copy"),
    ];
    let product = factors.iter().map(|(n, _)| (*n).max(1)).product::<u64>();
    let known = factors.iter().filter(|(n, noun)| *n > 1 || *noun == "row");
    let words: Vec<String> = known.map(|(n, noun)| report::count(*n, noun)).collect();
    let words = words.join(" × ").replace("copys", "copies");
    let words = match product == signatures {
        true => format!("{words} = {}", report::count(signatures, "signature")),
        // Rows have counts of their own, or do not meet everybody.
        false => format!("{words}: {} in all", report::count(signatures, "signature")),
    };
    line("plan", &words);
    let many = summary.made.len() > 1 || summary.made.iter().any(|made| made.key.is_some());
    for MadeEntry {
        format,
        key,
        records,
    } in summary.made.iter().filter(|_| many)
    {
        let by = key
            .as_ref()
            .map(|key| format!(" with {key}"))
            .unwrap_or_default();
        line("", &format!("{} {format}{by}", HumanCount(*records)));
    }
    report::print_rejects(&summary);
    if let (Some((seconds, bytes)), Some(burst)) = (expected, burst) {
        line(
            "expected",
            &format!(
                "about {} on {}, {} before compression",
                duration(seconds),
                report::count(burst.threads as u64, "thread"),
                HumanBytes(bytes)
            ),
        );
    }
    report::print_notices(&summary);
    Ok((report::exit(&summary), summary))
}

/// Reads and counts everything; beside it, how many publishers there are.
fn count(
    make: &dyn Fn() -> Result<Job, Error>,
    meter: &mut Meter,
) -> Result<(Summary, u64), Error> {
    let mut job = make()?;
    if let Some(input) = job.inputs.iter().find(|input| input.is_read_once()) {
        return Err(Error::settings(
            format!(
                "{} can be read only once, and a plan reads it twice",
                Input::name(input)
            ),
            "put the rows into a file",
        ));
    }
    job.signer = None;
    let mut publishers = 0;
    let summary = pipeline::run(job, |event| match event {
        Event::Begun(begun) => publishers = begun.publishers,
        event => meter.hear(event),
    })?;
    Ok((summary, publishers))
}

/// Seconds and bytes for so many records.
fn expected(burst: &Burst, records: u64) -> Option<(f64, u64)> {
    if burst.records == 0 {
        return None;
    }
    let times = records as f64 / burst.records as f64;
    let seconds = burst.elapsed.as_secs_f64() * times;
    Some((seconds, (burst.bytes as f64 * times) as u64))
}

fn duration(seconds: f64) -> String {
    match seconds {
        s if s < 1.0 => "a second".to_owned(),
        s if s < 120.0 => format!("{s:.0} s"),
        s if s < 7200.0 => format!("{:.0} min", s / 60.0),
        s => format!("{:.1} h", s / 3600.0),
    }
}

/// Signs some rows for a person to look at.
pub(crate) fn sample(
    make: &dyn Fn() -> Result<Job, Error>,
    rows: u64,
    meter: &mut Meter,
) -> Result<(Exit, Summary), Error> {
    let (summary, _) = count(make, meter)?;
    let samples = pipeline::sample(make()?, summary.counts.signed, rows)?;
    for (nth, sample) in (1..).zip(&samples) {
        let Sample {
            file,
            line,
            row,
            of,
            lines,
        } = sample;
        let mut out = format!(
            "── sample {nth} of {}: {file} line {line}, one of {}\n\n{}\n",
            samples.len(),
            report::count(*of, "record"),
            String::from_utf8_lossy(row).trim_end()
        );
        for line in String::from_utf8_lossy(lines).lines() {
            // What this program has written can be shown.
            let shown = inspect(line, now()).unwrap_or_default();
            let shown: Vec<String> = shown.iter().map(Item::to_text).collect();
            out.push_str(&format!("\n{line}\n\n{}\n", shown.join("\n").trim_end()));
        }
        out.push('\n');
        print(&out)?;
    }
    line(
        "sample",
        &format!(
            "{} signed and verified; nothing was written",
            report::count(samples.len() as u64, "row")
        ),
    );
    report::print_rejects(&summary);
    Ok((report::exit(&summary), summary))
}

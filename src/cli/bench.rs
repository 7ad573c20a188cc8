//! `bench`: how fast this machine is, and how long a job will take on it.

use std::fmt::Write as _;
use std::time::Duration;

use campaign_signer::engine::{Check, ENGINES, Signatures};
use campaign_signer::error::Error;
use campaign_signer::format::FORMATS;
use campaign_signer::key::SigningKey;
use campaign_signer::measure::{self, BATCH, Runner};
use campaign_signer::parallel::{self, Pool};
use clap::Args;
use indicatif::HumanCount;

use super::args::find_format;
use super::exit::Exit;
use super::{print, signals};

/// The length of the engines' messages: about that of an impression's signing
/// input.
const MESSAGE_BYTES: usize = 300;

/// How long one figure is measured, at least: the whole table takes seconds.
const SLICE: Duration = Duration::from_millis(150);
/// How long a whole run is, about.
const RUN: Duration = Duration::from_millis(250);
/// The same for the run that the estimate rests on.
const ESTIMATE: Duration = Duration::from_millis(1000);

/// Measure this machine, with a key and files that are thrown away.
#[derive(Args)]
pub(crate) struct BenchArgs {
    /// The format of the estimate [default: the first]
    #[arg(short, long, value_name = "ID")]
    format: Option<String>,

    /// How many rows the estimate is for
    #[arg(long, value_name = "N", default_value_t = 1_000_000)]
    rows: u64,

    /// How many threads work [default: all cores]
    #[arg(short, long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1024))]
    jobs: Option<u16>,
}

/// Prints the engines, the formats, and how long so many rows will take.
pub(crate) fn run(args: &BenchArgs) -> Result<Exit, Error> {
    let format = match &args.format {
        Some(id) => find_format(id)?,
        None => FORMATS[0],
    };
    let threads = args.jobs.map_or(0, usize::from);
    let one = parallel::pool(1).map_err(Error::Threads)?;
    let all = parallel::pool(threads).map_err(Error::Threads)?;
    print(&engines(&one, &all)?)?;
    let runner = Runner::new(&ENGINES[0], threads)?;
    // A signal must not leave files behind.
    signals::listen(&runner.stop).map_err(|error| {
        Error::settings(format!("the system refuses signal handlers: {error}"), "")
    })?;
    print(&heading(&all))?;
    for format in FORMATS {
        let speed = runner.run_for(format, RUN)?;
        print(&format!(
            "{:<28} {:<8} {:>12} {:>10.1}\n",
            format.id,
            runner.signer(format)?.engine.name(),
            count(speed.rows_per_second()),
            speed.megabytes_per_second()
        ))?;
    }
    let speed = runner.run_for(format, ESTIMATE)?;
    let seconds = args.rows as f64 / speed.rows_per_second();
    print(&format!(
        "\nestimate: {} rows of {} take about {} on {}\n",
        HumanCount(args.rows),
        format.id,
        duration(seconds),
        threads_of(&all)
    ))
}

/// Signatures a second and core, and on all cores, for every engine.
fn engines(one: &Pool, all: &Pool) -> Result<String, Error> {
    let key = SigningKey::generate()?;
    let messages = measure::messages(BATCH, MESSAGE_BYTES);
    let measured = ENGINES.iter().map(|info| {
        let engine = (info.load)(&[key.ecdsa()]);
        let mut signatures = Signatures::default();
        engine.sign_batch(&messages, Check::Batch, &mut signatures)?;
        let rates = [one, all].map(|pool| {
            let signs = measure::signing(pool, engine.as_ref(), Check::Batch, &messages, SLICE);
            let verifies = measure::verifying(pool, engine.as_ref(), &messages, &signatures, SLICE);
            [signs, verifies]
        });
        Ok((engine, rates))
    });
    let measured = measured.collect::<Result<Vec<_>, Error>>()?;
    // The reference, which everything is told beside.
    let reference = measured.iter().find(|(engine, _)| engine.name() == "p256");
    let [reference, _] = reference.map_or([[f64::NAN; 2]; 2], |(_, rates)| *rates);
    let mut text = format!(
        "ES256 engines, batches of {} messages of {MESSAGE_BYTES} bytes\n",
        HumanCount(BATCH as u64)
    );
    for (at, what) in ["signatures/s", "verified/s"].into_iter().enumerate() {
        let _ = writeln!(
            text,
            "\n{what:<14} {:<20} {:>13} {:>14} {:>9} {:>8}",
            "lanes",
            "on 1 thread",
            format!("on {}", threads_of(all)),
            "us each",
            "x p256"
        );
        for (engine, [alone, together]) in &measured {
            let _ = writeln!(
                text,
                "{:<14} {:<20} {:>13} {:>14} {:>9.2} {:>8.2}",
                engine.name(),
                engine.lanes(),
                count(alone[at]),
                count(together[at]),
                1e6 / alone[at],
                alone[at] / reference[at]
            );
        }
    }
    Ok(text)
}

fn heading(all: &Pool) -> String {
    format!(
        "\nwhole runs on {}: CSV in, signed NDJSON out, everything on disk\n\n\
         {:<28} {:<8} {:>12} {:>10}\n",
        threads_of(all),
        "format",
        "engine",
        "rows/s",
        "MB/s"
    )
}

fn threads_of(pool: &Pool) -> String {
    match pool.current_num_threads() {
        1 => "1 thread".to_owned(),
        many => format!("{many} threads"),
    }
}

fn count(rate: f64) -> String {
    HumanCount(rate as u64).to_string()
}

/// A time as a person says it.
fn duration(seconds: f64) -> String {
    match seconds {
        0.0..9.95 => format!("{seconds:.1} s"),
        0.0..600.0 => format!("{seconds:.0} s"),
        0.0..36_000.0 => format!("{:.0} min", seconds / 60.0),
        _ => format!("{:.1} h", seconds / 3600.0),
    }
}

#[cfg(test)]
mod tests {
    use super::duration;

    #[test]
    fn times_are_told_in_the_unit_that_fits() {
        for (seconds, words) in [
            (0.04, "0.0 s"),
            (4.26, "4.3 s"),
            (59.6, "60 s"),
            (1200.0, "20 min"),
            (90_000.0, "25.0 h"),
        ] {
            assert_eq!(duration(seconds), words);
        }
    }
}

//! How fast this machine is: engines alone, and whole runs.
//!
//! Everything is signed with a key that is drawn for it, and written into
//! temporary files that are gone afterwards. What is measured is the work
//! itself, the same code that signs and verifies for good. This module must
//! not know what a field means, arguments or the terminal.

use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use jiff::Timestamp;

use crate::engine::{Check, Engine, EngineInfo, Messages, Signatures, Verifier};
use crate::envelope::Style;
use crate::error::Error;
use crate::format::{Alg, Format};
use crate::key::{Secret, SigningKey};
use crate::output::OutputError;
use crate::parallel::Pool;
use crate::pipeline::{self, Job, Outputs, Signer};
use crate::record::Settings;
use crate::row::{Dialect, Input, Origin};
use crate::stop::Stop;
use crate::template;

/// How many messages are signed at once, here as in a run.
pub use crate::engine::batch::BATCH;

/// The most rows that [`Runner::run_for`] signs: half a gigabyte or so.
const MOST_ROWS: u64 = 1_000_000;

/// So many different messages of one length, at least eight bytes.
pub fn messages(count: usize, length: usize) -> Messages {
    let mut messages = Messages::default();
    for at in 0..count as u64 {
        messages.push_with(|out| {
            out.extend_from_slice(&at.to_be_bytes());
            out.resize(out.len() + length.saturating_sub(8), b'a');
        });
    }
    messages
}

/// Every thread of the pool makes itself some work and repeats it until the
/// time is over, once at least; how much all of them did in a second, in the
/// units that the work counts in.
pub fn repeat<W: FnMut() -> u64>(pool: &Pool, time: Duration, work: impl Fn() -> W + Sync) -> f64 {
    let rates = pool.broadcast(|_| {
        let mut work = work();
        let started = Instant::now();
        let mut done = 0;
        loop {
            done += work();
            let elapsed = started.elapsed();
            if elapsed >= time {
                return done as f64 / elapsed.as_secs_f64();
            }
        }
    });
    rates.into_iter().sum()
}

/// Signatures a second, all threads together. A batch that fails counts
/// nothing.
pub fn signing(
    pool: &Pool,
    engine: &dyn Engine,
    check: Check,
    messages: &Messages,
    time: Duration,
) -> f64 {
    repeat(pool, time, || {
        let mut out = Signatures::default();
        move || match engine.sign_batch(messages, check, &mut out) {
            Ok(_) => messages.len() as u64,
            Err(_) => 0,
        }
    })
}

/// Signatures verified a second, all threads together. One that is held for
/// wrong counts nothing.
pub fn verifying(
    pool: &Pool,
    verifier: &dyn Verifier,
    messages: &Messages,
    signatures: &Signatures,
    time: Duration,
) -> f64 {
    repeat(pool, time, || {
        let mut verdicts = Vec::new();
        move || {
            verifier.verify_batch(messages, signatures, &mut verdicts);
            verdicts.iter().filter(|right| **right).count() as u64
        }
    })
}

/// Runs whole jobs, CSV in and NDJSON out, with a key of its own.
pub struct Runner {
    /// Asked to stop, a run ends with [`Error::Interrupted`], and its files
    /// are gone.
    pub stop: Stop,
    key: SigningKey,
    engine: &'static EngineInfo,
    threads: usize,
}

/// How fast a whole run was.
#[derive(Clone, Copy, Debug)]
pub struct Speed {
    /// Rows signed.
    pub rows: u64,
    /// Bytes of signed records.
    pub bytes: u64,
    /// From the first byte read to the manifest's name.
    pub elapsed: Duration,
}

impl Speed {
    /// Rows a second.
    pub fn rows_per_second(&self) -> f64 {
        self.rows as f64 / self.elapsed.as_secs_f64()
    }

    /// Megabytes of signed records a second.
    pub fn megabytes_per_second(&self) -> f64 {
        self.bytes as f64 / 1e6 / self.elapsed.as_secs_f64()
    }
}

impl Runner {
    /// A runner with this engine on so many threads; 0 means as many as the
    /// machine has.
    ///
    /// # Errors
    /// When the system gives no random key.
    pub fn new(engine: &'static EngineInfo, threads: usize) -> Result<Self, Error> {
        Ok(Self {
            stop: Stop::default(),
            key: SigningKey::generate()?,
            engine,
            threads,
        })
    }

    /// The key.
    pub fn key(&self) -> &SigningKey {
        &self.key
    }

    /// The key at work; for a format with a shared secret, the key's bytes
    /// are the secret.
    ///
    /// # Errors
    /// When the key is no secret; this does not happen.
    pub fn signer(&self, format: &Format) -> Result<Signer, Error> {
        Ok(match format.alg() {
            Alg::Es256 => Signer::es256(&self.key, self.engine, "measure"),
            Alg::Hs256 => Signer::hs256(&Secret::from_bytes(self.key.scalar().as_slice())?),
        })
    }

    /// Signs so many of a format's example rows in a folder that is gone
    /// afterwards.
    ///
    /// # Errors
    /// When the rows cannot be written, or the run fails.
    pub fn run(&self, format: &'static Format, rows: u64) -> Result<Speed, Error> {
        let folder = tempfile::tempdir().map_err(|source| failed(&std::env::temp_dir(), source))?;
        self.run_in(folder.path(), format, rows).map(|run| run.0)
    }

    /// The same in a folder of the caller's; gives the signed file, too.
    ///
    /// # Errors
    /// As [`run`](Self::run).
    pub fn run_in(
        &self,
        folder: &Path,
        format: &'static Format,
        rows: u64,
    ) -> Result<(Speed, PathBuf), Error> {
        let input = folder.join("rows.csv");
        write_rows(&input, format, rows).map_err(|source| failed(&input, source))?;
        let inputs = vec![Input::new(
            Origin::File(input),
            Dialect::Csv { delimiter: b',' },
        )];
        let signed = folder.join("signed.ndjson");
        let mut outputs = Outputs::beside(&signed, Style::Ndjson);
        outputs.force = true;
        let now = u64::try_from(Timestamp::now().as_millisecond()).unwrap_or_default();
        let settings = Settings::new(format, now);
        let mut job =
            Job::new(settings, inputs, outputs).signed_by(self.signer(format)?, "measure");
        job.threads = self.threads;
        job.stop = self.stop.clone();
        let started = Instant::now();
        let summary = pipeline::run(job, |_| {})?;
        let elapsed = started.elapsed();
        let length = std::fs::metadata(&signed).map_err(|source| failed(&signed, source))?;
        let speed = Speed {
            rows: summary.counts.signed,
            bytes: length.len(),
            elapsed,
        };
        Ok((speed, signed))
    }

    /// Signs as many rows as take about this long; shorter runs, which are
    /// mostly opening and closing files, say how many.
    ///
    /// # Errors
    /// As [`run`](Self::run).
    pub fn run_for(&self, format: &'static Format, time: Duration) -> Result<Speed, Error> {
        let mut rows = 2 * BATCH as u64;
        loop {
            let speed = self.run(format, rows)?;
            if speed.elapsed * 2 > time || rows >= MOST_ROWS {
                return Ok(speed);
            }
            let fits = speed.rows_per_second() * time.as_secs_f64();
            rows = (fits as u64).max(2 * rows).min(MOST_ROWS);
        }
    }
}

/// The format's template, its row again and again.
fn write_rows(path: &Path, format: &Format, rows: u64) -> io::Result<()> {
    let template = template::csv(format);
    let (header, row) = template.split_once('\n').unwrap_or_default();
    let mut out = BufWriter::new(std::fs::File::create(path)?);
    writeln!(out, "{header}")?;
    for _ in 0..rows {
        out.write_all(row.as_bytes())?;
    }
    out.flush()
}

fn failed(path: &Path, source: io::Error) -> Error {
    Error::Output(OutputError::Io {
        action: "measure in",
        path: path.to_owned(),
        source,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::ENGINES;
    use crate::format::FORMATS;
    use crate::parallel;

    #[test]
    fn only_signatures_that_were_made_or_verified_count() {
        let pool = parallel::pool(2).unwrap();
        let key = SigningKey::generate().unwrap();
        let (few, none) = (messages(3, 20), Duration::ZERO);
        for info in ENGINES {
            let engine = (info.load)(&[key.ecdsa()]);
            assert!(signing(&pool, engine.as_ref(), Check::Batch, &few, none) > 0.0);
            let mut made = Signatures::default();
            engine.sign_batch(&few, Check::Off, &mut made).unwrap();
            assert!(verifying(&pool, engine.as_ref(), &few, &made, none) > 0.0);
            let others = messages(3, 21);
            assert_eq!(verifying(&pool, engine.as_ref(), &others, &made, none), 0.0);
        }
    }

    #[test]
    fn messages_have_their_length_and_differ() {
        let all = messages(5, 130);
        assert!(all.iter().all(|message| message.len() == 130));
        assert!((1..5).all(|at| all.get(at) != all.get(at - 1)));
    }

    #[test]
    fn every_format_is_signed_from_its_template() {
        let runner = Runner::new(&ENGINES[0], 2).unwrap();
        for format in FORMATS {
            let speed = runner.run(format, 5).unwrap();
            assert_eq!(speed.rows, 5, "{}", format.id);
            assert!(speed.bytes > 500 && speed.rows_per_second() > 0.0);
        }
    }
}

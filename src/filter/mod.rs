//! The filter: rows come in as lines of NDJSON, and each goes out as exactly
//! one line, in its place, signed or with what is wrong with it.
//!
//! This is what engines that run programs over their own rows need: they count
//! lines, they run a task again when it fails, and they kill what hangs. So a
//! run of the filter has no files, nothing to resume and nothing to publish;
//! that a second attempt gives the same bytes rests on derived nonces alone.
//! It must not know arguments, the terminal, or who is at the other end.
//!
//! ```text
//! lines ──▶ chunk ──▶ checked and signed together ──▶ amended: the row's own
//!  in        of       (pipeline::RowSigner)           members, and the signed
//!            lines                                    ones behind them
//! ```

mod amend;
mod lines;

use std::io::{Read, Write};

use crate::engine::Check;
use crate::error::Error;
use crate::format::{Code, Fault};
use crate::output::OutputError;
use crate::parallel;
use crate::pipeline::{Books, MaxRejects, RowSigner, Signer, Summary};
use crate::record::{Problem, Rules, Settings};

use amend::Amender;
use lines::{Chunk, Lines};

/// A member of this name would take the place of one that is signed, or be
/// taken for it.
pub use amend::OBJECT;

/// What becomes of a row that cannot be signed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OnError {
    /// It comes back with what is wrong with it.
    Annotate,
    /// It ends the stream.
    Fail,
}

/// How a stream is signed.
pub struct Filter {
    /// What rows become: one format, one record for each.
    pub settings: Settings,
    /// The key.
    pub signer: Signer,
    /// How much is checked before it is written.
    pub self_check: Check,
    /// How many threads sign; 0 means all cores.
    pub threads: usize,
    /// What becomes of a row that cannot be signed.
    pub on_error: OnError,
    /// How many such rows are tolerated; all of them where it is `None`.
    pub max_rejects: Option<MaxRejects>,
    /// The longest row that is accepted, in bytes.
    pub row_bytes: usize,
}

impl Filter {
    /// Signs all lines of `input` into `output`, whole lines in each write.
    ///
    /// `is_pausing` is asked when a read has brought less than was wanted:
    /// whether nothing more comes for the moment, so that what is there should
    /// go out. Where it never says so, lines wait for others.
    ///
    /// # Errors
    /// When the settings do not fit, reading or writing fails, more rows are
    /// rejected than tolerated. What was written until then are whole lines.
    pub fn run(
        &self,
        input: impl Read + Send,
        is_pausing: impl Fn() -> bool + Send,
        mut output: impl Write,
    ) -> Result<Summary, Error> {
        let rules = self.rules()?;
        let signer = RowSigner::new(&self.signer, &rules, self.self_check);
        let amender = Amender::new(signer.plan());
        let pool = parallel::pool(self.threads).map_err(Error::Threads)?;
        let mut lines = Lines::new(input, is_pausing, self.row_bytes);
        let mut books = Books::tolerating(match self.on_error {
            OnError::Annotate => self.max_rejects,
            OnError::Fail => Some(MaxRejects::Rows(0)),
        });
        let mut rows = 0;
        parallel::flow(
            &pool,
            || lines.next(),
            |chunk| chunk,
            |chunk, spawn| {
                spawn(chunk);
            },
            |chunk| self.sign(&signer, &amender, &chunk),
            |done| {
                let Done {
                    count,
                    signed,
                    bytes,
                    before,
                } = done?;
                let entered = books.enter_rows(count, &signed);
                rows += count;
                let bytes = match &entered {
                    // The rows before the first that is not tolerated are good.
                    Err(_) if self.on_error == OnError::Fail => &bytes[..before],
                    Err(_) => &[],
                    Ok(()) => &bytes[..],
                };
                let written = output.write_all(bytes).and_then(|()| output.flush());
                written.map_err(broken)?;
                entered
            },
        )?;
        let mut summary = books.close_rows(rows)?;
        summary.threads = pool.current_num_threads();
        Ok(summary)
    }

    /// The rules of the settings, as far as a stream can follow them.
    fn rules(&self) -> Result<Rules, Error> {
        let settings = &self.settings;
        let one_each = [
            ("several formats", !settings.more.is_empty()),
            ("copies", settings.count != 1),
            ("publishers", settings.meeting.is_some()),
        ];
        if let Some((what, _)) = one_each.iter().find(|(_, given)| *given) {
            return Err(Error::settings(
                format!("a filter gives one line for each line, and cannot make {what}"),
                "give `sign` a file for that",
            ));
        }
        self.signer.rules(settings.clone())
    }

    /// Signs the lines of a chunk.
    fn sign(
        &self,
        signer: &RowSigner<'_>,
        amender: &Amender<'_, '_>,
        chunk: &Chunk,
    ) -> Result<Done, Error> {
        let rows = amender.read(chunk);
        let too_long = |at: usize| {
            let length = chunk.too_long(at)?;
            let wanted = format!("at most {} bytes", self.row_bytes);
            let fault = Fault::new(Code::RowTooLong, wanted)
                .hint("look for a missing line end, or give --max-row-bytes");
            Some(Problem::new("", &format!("{length} bytes"), fault))
        };
        let mut signed = signer.sign(chunk.rows(), |at, record| match record.count() {
            1 => rows.misfit(at),
            count => Some(amend::copies(count)),
        })?;
        // The beginning of such a row is no JSON; that it was cut is the reason.
        for (at, problems) in &mut signed.rejected {
            if let Some(problem) = too_long(*at) {
                *problems = vec![problem];
            }
        }
        let lines = memchr::memchr_iter(b'\n', &signed.lines).count();
        if lines + signed.rejected.len() != chunk.len() {
            return Err(Error::Accounting {
                read: chunk.len() as u64,
                signed: lines as u64,
                rejected: signed.rejected.len() as u64,
            });
        }
        let (bytes, before) = rows.amend(&signed);
        Ok(Done {
            count: chunk.len() as u64,
            signed,
            bytes,
            before,
        })
    }
}

/// A chunk that is done.
struct Done {
    /// How many rows it has.
    count: u64,
    signed: crate::pipeline::SignedRows,
    /// A line for each of them.
    bytes: Vec<u8>,
    /// How many of the bytes stand before the first rejected row.
    before: usize,
}

fn broken(source: std::io::Error) -> Error {
    Error::Output(OutputError::Io {
        action: "write to",
        path: "standard output".into(),
        source,
    })
}

//! Postbacks in bulk: what devices report of installs, one a line, each held
//! against Apple's public keys.
//!
//! ```text
//!  postbacks.ndjson
//!    │ source            batches of lines, one thread
//!    ▼
//!  read ─ fields, token  what it says, what is wrong with it   (damage: why)
//!    ▼
//!  judge                 all signatures of a batch at once
//!    ▼
//!  seen, summary         duplicates and counts, in input order
//!    ▼
//!  one verdict a line
//! ```
//!
//! What cannot be verified is never called valid: a version that is not known
//! or signed with another curve, and a key id that is none of Apple's, are
//! unverified. Nothing is mended on the way to a verdict. Beside each verdict
//! stand the members that no signature covers. This module must not know
//! arguments or the terminal, and names no version and no field: those are in
//! [`crate::format::postback`].

mod damage;
mod fields;
mod judge;
mod keys;
mod lines;
mod read;
mod seen;
mod signed;
mod source;
mod summary;
mod token;
mod verdict;

use std::sync::Arc;

use crate::error::Error;
use crate::format::postback::Role;
use crate::format::{Judgement, Reason};
use crate::parallel;
use crate::row::Input;

use judge::Case;
use seen::Seen;
use source::{Source, Work};

pub use keys::Keys;
pub use lines::Lines;
pub use signed::{Origin, Signed};
pub use summary::{Campaign, Fit, Followed, Outcome, Summary};
pub use verdict::{Flaw, Place, Verdict};

/// What to verify, and with what.
pub struct Check<'a> {
    /// Files of postbacks, NDJSON, in their order.
    pub inputs: &'a [Input],
    /// The keys.
    pub keys: &'a Keys,
    /// What was signed, to say what each postback may come from.
    pub signed: Option<&'a Signed>,
    /// Only Apple's production key makes a postback valid.
    pub production_only: bool,
    /// Verdicts hold the signed bytes.
    pub signed_bytes: bool,
    /// The longest line that is read, in bytes; a longer one is unreadable.
    pub max_line_bytes: usize,
    /// How many workers; 0 means as many as the machine has.
    pub threads: usize,
}

/// Judges every line of every input; `report` gets each verdict, in order.
///
/// A valid postback with the id of an earlier valid one is its duplicate; so
/// is an unverified one of an earlier unverified one. A forgery can so never
/// make a genuine postback look counted. Memory grows with the number of
/// different ids, by 57 bytes at most for each and half as much again while
/// there is more room made, and else not with the input.
///
/// # Errors
/// When a file cannot be read, or `report` fails. A bad postback is no error.
pub fn run(
    check: &Check<'_>,
    mut report: impl FnMut(&Verdict) -> Result<(), Error>,
) -> Result<Summary, Error> {
    let pool = parallel::pool(check.threads).map_err(Error::Threads)?;
    let mut source = Source::new(check.inputs, check.max_line_bytes);
    let mut summary = Summary::new(check.signed);
    let (mut valid, mut unverified) = (Seen::default(), Seen::default());
    let names: Vec<Arc<str>> = check
        .inputs
        .iter()
        .map(|input| input.name().into())
        .collect();
    parallel::flow(
        &pool,
        || source.next(),
        |work| (work.input, judge_batch(check, &work)),
        |batch, spawn| {
            spawn(batch);
        },
        |batch| batch,
        |(input, verdicts): (u32, Vec<Verdict>)| {
            for mut verdict in verdicts {
                let seen = match verdict.judgement {
                    Judgement::Valid => Some(&mut valid),
                    Judgement::Unverified => Some(&mut unverified),
                    Judgement::Invalid | Judgement::Unreadable => None,
                };
                if let (Some(seen), Some(id)) = (seen, verdict.text(Role::Id)) {
                    let first = seen.add(&id, input, verdict.place.line);
                    verdict.duplicate_of = first.and_then(|(input, line)| {
                        let file = Arc::clone(names.get(input as usize)?);
                        Some(Place { file, line })
                    });
                }
                summary.add(&verdict);
                report(&verdict)?;
            }
            Ok(())
        },
    )?;
    Ok(summary)
}

/// Judges a batch: every line by itself, then all signatures together.
fn judge_batch(check: &Check<'_>, work: &Work) -> Vec<Verdict> {
    let place = |line| Place {
        file: Arc::clone(&work.file),
        line,
    };
    let mut cases = Vec::with_capacity(work.batch.len());
    for span in &work.batch.rows {
        let mut verdict = Verdict::new(place(span.position.line));
        let line = work.batch.text(span).unwrap_or_default();
        let proof = read::read_line(line, &mut verdict);
        if check.signed_bytes {
            // Of a value that was changed nobody knows what was signed.
            let sound = proof.as_ref().filter(|_| verdict.flaws.is_empty());
            verdict.signed_bytes = sound.map(|proof| proof.message.clone());
        }
        cases.push(Case { verdict, proof });
    }
    for fault in &work.batch.faults {
        let mut verdict = Verdict::new(place(fault.position.line));
        let flaw = Flaw::new(Reason::RowTooLong, "", "", fault.fault.to_string());
        verdict.flaws.push(flaw.hint(fault.fault.hint()));
        cases.push(Case {
            verdict,
            proof: None,
        });
    }
    judge::settle(check.keys, check.production_only, &mut cases);
    let mut verdicts: Vec<Verdict> = cases.into_iter().map(|case| case.verdict).collect();
    if !work.batch.faults.is_empty() {
        verdicts.sort_by_key(|verdict| verdict.place.line);
    }
    if let Some(signed) = check.signed {
        for verdict in &mut verdicts {
            let is_valid = verdict.judgement == Judgement::Valid;
            let code = is_valid.then(|| summary::code_of(verdict)).flatten();
            verdict.origin =
                code.map(|(network, app, role, digits)| signed.find(&network, app, role, &digits));
        }
    }
    verdicts
}

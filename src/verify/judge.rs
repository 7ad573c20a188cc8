//! Signatures that wait to be judged together: an engine that works in lanes
//! judges a batch in a fraction of the time that one after another takes.
//!
//! A record hands its signature in where it stands among the record's checks,
//! and goes on; when the whole batch was read, every finding is put where it
//! would stand had the signature been judged at once. This file must not know
//! what a record is.

use std::borrow::Cow;

use crate::engine::{Messages, Signatures, Verifier};
use crate::format::{Format, Selector};

use super::findings::Findings;
use super::keys::Keys;

/// Signatures of one batch, none of them judged yet.
pub(super) struct Judge<'k> {
    keys: &'k Keys<'k>,
    /// For the keys of each algorithm.
    desks: Vec<Desk>,
}

/// What waits for the keys of one algorithm.
#[derive(Default)]
struct Desk {
    messages: Messages,
    signatures: Signatures,
    /// The keys that each may be of.
    candidates: Vec<Cow<'static, [u16]>>,
}

/// A signature that was handed in, and where its finding belongs.
#[derive(Clone, Debug)]
pub(super) struct Pending {
    /// The desk it waits at, and its number there.
    number: (usize, usize),
    /// The member that holds it.
    member: Cow<'static, str>,
    /// How many findings of its record stand before its own.
    after: usize,
}

/// What the judge said of each signature of a batch.
pub(super) struct Verdicts<'k> {
    keys: &'k Keys<'k>,
    /// At each desk, the key that each is of.
    of: Vec<Vec<Option<u16>>>,
    candidates: Vec<Vec<Cow<'static, [u16]>>>,
}

impl<'k> Judge<'k> {
    /// For signatures of these keys.
    pub(super) fn new(keys: &'k Keys<'k>) -> Self {
        let desks = keys.sets().iter().map(|set| {
            let mut desk = Desk::default();
            desk.signatures.clear(set.width());
            desk
        });
        Self {
            desks: desks.collect(),
            keys,
        }
    }

    /// Whether it matters what a record says that selects a key.
    pub(super) fn chooses(&self) -> bool {
        self.keys.are_several()
    }

    /// Takes in the signature of a record's `member` over the message that
    /// `write` appends; `field` is what the record says that selects a key.
    /// One that has not the algorithm's width is wrong for any message.
    pub(super) fn hand_in<'v>(
        &mut self,
        format: &Format,
        field: impl Fn(Selector) -> Option<&'v str>,
        member: impl Into<Cow<'static, str>>,
        signature: &[u8],
        write: impl FnOnce(&mut Vec<u8>),
        findings: &mut Findings,
    ) {
        let member = member.into();
        let Some(at) = self.keys.place(format.alg()) else {
            let (alg, keys) = (format.alg(), self.keys.are_for());
            findings.add(&member, format!("is signed with {alg}; {keys}"));
            return;
        };
        let (set, desk) = (&self.keys.sets()[at], &mut self.desks[at]);
        let candidates = set.candidates(format, field);
        if signature.len() != set.width() || candidates.is_empty() {
            findings.add(&member, set.wrong(&candidates));
            return;
        }
        findings.pending.push(Pending {
            number: (at, desk.messages.len()),
            member,
            after: findings.all.len(),
        });
        desk.messages.push_keyed(candidates[0], write);
        desk.signatures.push(signature);
        desk.candidates.push(candidates);
    }

    /// Judges everything that was handed in.
    pub(super) fn verdicts(self) -> Verdicts<'k> {
        let sets = self.keys.sets().iter();
        let judged = sets
            .zip(self.desks)
            .map(|(set, desk)| (desk.judge(set.verifier()), desk.candidates));
        let (of, candidates) = judged.unzip();
        Verdicts {
            keys: self.keys,
            of,
            candidates,
        }
    }
}

impl Desk {
    /// The key that each signature is of. All are tried under their first
    /// candidate; what is wrong there is tried under the next, together with
    /// the others of its kind.
    fn judge(&self, verifier: &dyn Verifier) -> Vec<Option<u16>> {
        let mut verdicts = Vec::new();
        verifier.verify_batch(&self.messages, &self.signatures, &mut verdicts);
        let mut of = vec![None; self.candidates.len()];
        let mut left = Vec::new();
        for (at, candidates) in self.candidates.iter().enumerate() {
            match verdicts.get(at) {
                Some(true) => of[at] = Some(candidates[0]),
                _ if candidates.len() > 1 => left.push(at),
                _ => {}
            }
        }
        let width = match self.signatures.is_empty() {
            true => return of,
            false => self.signatures.get(0).len(),
        };
        let mut turn = 1;
        while !left.is_empty() {
            let (mut messages, mut signatures) = (Messages::default(), Signatures::default());
            signatures.clear(width);
            for &at in &left {
                messages.push_keyed(self.candidates[at][turn], |out| {
                    out.extend_from_slice(self.messages.get(at));
                });
                signatures.push(self.signatures.get(at));
            }
            verifier.verify_batch(&messages, &signatures, &mut verdicts);
            let mut nth = 0;
            left.retain(|&at| {
                let is_right = verdicts.get(nth) == Some(&true);
                nth += 1;
                if is_right {
                    of[at] = Some(self.candidates[at][turn]);
                }
                !is_right && self.candidates[at].len() > turn + 1
            });
            turn += 1;
        }
        of
    }
}

impl Verdicts<'_> {
    /// Puts the findings about a record's signatures that are wrong where they
    /// belong. A signature without a verdict is as good as wrong.
    pub(super) fn settle(&self, findings: &mut Findings) {
        // From the last one, because each shifts those behind it.
        while let Some(pending) = findings.pending.pop() {
            let (desk, number) = pending.number;
            if self.of[desk][number].is_none() {
                let tried = &self.candidates[desk][number];
                let says = self.keys.sets()[desk].wrong(tried);
                findings.insert(pending.after, &pending.member, says);
            }
        }
    }

    /// How many signatures are right under each key.
    pub(super) fn used(&self) -> Vec<Vec<u64>> {
        let mut used = self.keys.unused();
        for (of, used) in self.of.iter().zip(&mut used) {
            for key in of.iter().flatten() {
                used[usize::from(*key)] += 1;
            }
        }
        used
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::format::{Alg, FORMATS};

    const WRONG: &str = "does not verify under this key";

    fn format_of(alg: Alg) -> &'static Format {
        let mut all = FORMATS.iter().filter(|format| format.alg() == alg);
        all.next().unwrap()
    }

    /// Holds signatures that begin with their message for right.
    struct Prefix;

    impl Verifier for Prefix {
        fn verify(&self, message: &[u8], signature: &[u8]) -> bool {
            signature.starts_with(message)
        }
    }

    fn none<'v>(_: Selector) -> Option<&'v str> {
        None
    }

    fn fields(findings: &Findings) -> Vec<&str> {
        let fields = findings.all.iter().map(|finding| finding.field.as_str());
        fields.collect()
    }

    #[test]
    fn a_wrong_signature_is_found_where_it_was_handed_in() {
        let (format, keys) = (format_of(Alg::Hs256), Keys::one(Alg::Hs256, &Prefix));
        let mut judge = Judge::new(&keys);
        let mut records = Vec::new();
        for message in [b"aa", b"ab", b"aa"] {
            let mut findings = Findings::default();
            findings.add("before", "is odd");
            let write = |out: &mut Vec<u8>| out.extend_from_slice(message);
            judge.hand_in(format, none, "jws", &[b'a'; 32], write, &mut findings);
            findings.add("behind", "is odd, too");
            records.push(findings);
        }
        let verdicts = judge.verdicts();
        records.iter_mut().for_each(|own| verdicts.settle(own));
        assert_eq!(fields(&records[0]), ["before", "behind"]);
        assert_eq!(fields(&records[1]), ["before", "jws", "behind"]);
        assert_eq!(fields(&records[2]), ["before", "behind"]);
        assert_eq!(records[1].all[1].says, WRONG);
    }

    #[test]
    fn a_signature_of_another_width_is_wrong_and_shifts_no_other() {
        let (format, keys) = (format_of(Alg::Es256), Keys::one(Alg::Es256, &Prefix));
        let mut judge = Judge::new(&keys);
        let (mut short, mut right) = (Findings::default(), Findings::default());
        judge.hand_in(format, none, "jws", &[b'a'; 63], |_| {}, &mut short);
        judge.hand_in(format, none, "jws", &[b'a'; 64], |_| {}, &mut right);
        let verdicts = judge.verdicts();
        verdicts.settle(&mut short);
        verdicts.settle(&mut right);
        assert_eq!(fields(&short), ["jws"]);
        assert_eq!(fields(&right), [""; 0]);
    }

    #[test]
    fn a_signature_without_a_verdict_is_wrong() {
        struct Silent;
        impl Verifier for Silent {
            fn verify(&self, _: &[u8], _: &[u8]) -> bool {
                true
            }

            fn verify_batch(&self, _: &Messages, _: &Signatures, verdicts: &mut Vec<bool>) {
                verdicts.clear();
            }
        }
        let (format, keys) = (format_of(Alg::Es256), Keys::one(Alg::Es256, &Silent));
        let mut judge = Judge::new(&keys);
        let mut findings = Findings::default();
        judge.hand_in(format, none, "signature", &[1; 64], |_| {}, &mut findings);
        judge.verdicts().settle(&mut findings);
        assert_eq!(fields(&findings), ["signature"]);
    }
}

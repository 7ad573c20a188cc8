//! Signatures that wait to be judged together: an engine that works in lanes
//! judges a batch in a fraction of the time that one after another takes.
//!
//! A record hands its signature in where it stands among the record's checks,
//! and goes on; when the whole batch was read, every finding is put where it
//! would stand had the signature been judged at once. This file must not know
//! what a record is.

use std::borrow::Cow;

use crate::engine::{Messages, Signatures, Verifier};
use crate::format::Alg;

use super::findings::Findings;

/// What is said of a signature that is wrong.
const WRONG: &str = "does not verify under this key";

/// Signatures of one batch, none of them judged yet.
pub(super) struct Judge {
    width: usize,
    messages: Messages,
    signatures: Signatures,
}

/// A signature that was handed in, and where its finding belongs.
#[derive(Clone, Debug)]
pub(super) struct Pending {
    /// Its number in the batch.
    number: usize,
    /// The member that holds it.
    member: Cow<'static, str>,
    /// How many findings of its record stand before its own.
    after: usize,
}

/// What the judge said of each signature of a batch.
pub(super) struct Verdicts(Vec<bool>);

impl Judge {
    /// For signatures of this algorithm.
    pub(super) fn new(alg: Alg) -> Self {
        let width = match alg {
            Alg::Es256 => 64,
            Alg::Hs256 => 32,
        };
        let mut signatures = Signatures::default();
        signatures.clear(width);
        Self {
            width,
            messages: Messages::default(),
            signatures,
        }
    }

    /// Takes in the signature of a record's `member` over the message that
    /// `write` appends. One that has not the algorithm's width is wrong for
    /// any message.
    pub(super) fn hand_in(
        &mut self,
        member: impl Into<Cow<'static, str>>,
        signature: &[u8],
        write: impl FnOnce(&mut Vec<u8>),
        findings: &mut Findings,
    ) {
        let member = member.into();
        if signature.len() != self.width {
            findings.add(&member, WRONG);
            return;
        }
        findings.pending.push(Pending {
            number: self.messages.len(),
            member,
            after: findings.all.len(),
        });
        self.messages.push_with(write);
        self.signatures.push(signature);
    }

    /// Judges everything that was handed in.
    pub(super) fn verdicts(self, verifier: &dyn Verifier) -> Verdicts {
        let mut verdicts = Vec::new();
        verifier.verify_batch(&self.messages, &self.signatures, &mut verdicts);
        Verdicts(verdicts)
    }
}

impl Verdicts {
    /// Puts the findings about a record's signatures that are wrong where they
    /// belong. A signature without a verdict is as good as wrong.
    pub(super) fn settle(&self, findings: &mut Findings) {
        // From the last one, because each shifts those behind it.
        while let Some(pending) = findings.pending.pop() {
            if self.0.get(pending.number) != Some(&true) {
                findings.insert(pending.after, &pending.member, WRONG);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Holds signatures that begin with their message for right.
    struct Prefix;

    impl Verifier for Prefix {
        fn verify(&self, message: &[u8], signature: &[u8]) -> bool {
            signature.starts_with(message)
        }
    }

    fn fields(findings: &Findings) -> Vec<&str> {
        let fields = findings.all.iter().map(|finding| finding.field.as_str());
        fields.collect()
    }

    #[test]
    fn a_wrong_signature_is_found_where_it_was_handed_in() {
        let mut judge = Judge::new(Alg::Hs256);
        let mut records = Vec::new();
        for message in [b"aa", b"ab", b"aa"] {
            let mut findings = Findings::default();
            findings.add("before", "is odd");
            let write = |out: &mut Vec<u8>| out.extend_from_slice(message);
            judge.hand_in("jws", &[b'a'; 32], write, &mut findings);
            findings.add("behind", "is odd, too");
            records.push(findings);
        }
        let verdicts = judge.verdicts(&Prefix);
        records.iter_mut().for_each(|own| verdicts.settle(own));
        assert_eq!(fields(&records[0]), ["before", "behind"]);
        assert_eq!(fields(&records[1]), ["before", "jws", "behind"]);
        assert_eq!(fields(&records[2]), ["before", "behind"]);
        assert_eq!(records[1].all[1].says, WRONG);
    }

    #[test]
    fn a_signature_of_another_width_is_wrong_and_shifts_no_other() {
        let mut judge = Judge::new(Alg::Es256);
        let (mut short, mut right) = (Findings::default(), Findings::default());
        judge.hand_in("jws", &[b'a'; 63], |_| {}, &mut short);
        judge.hand_in("jws", &[b'a'; 64], |_| {}, &mut right);
        let verdicts = judge.verdicts(&Prefix);
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
        let mut judge = Judge::new(Alg::Es256);
        let mut findings = Findings::default();
        judge.hand_in("signature", &[1; 64], |_| {}, &mut findings);
        judge.verdicts(&Silent).settle(&mut findings);
        assert_eq!(fields(&findings), ["signature"]);
    }
}

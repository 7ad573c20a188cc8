//! A batch of postbacks, each held against the key that it should be of, all
//! together; and those that fail against every other key, to tell why. This
//! file must not know what a postback says.

use crate::engine::{Messages, Signatures, Verifier};
use crate::format::{Environment, Reason};

use super::keys::{self, Keys};
use super::read::Proof;
use super::verdict::{Flaw, Verdict};

/// One postback and what is to be held against what.
pub(super) struct Case {
    pub(super) verdict: Verdict,
    pub(super) proof: Option<Proof>,
}

/// Verifies the signatures of a batch and settles its verdicts.
pub(super) fn settle(keys: &Keys, production_only: bool, cases: &mut [Case]) {
    let right = verify(keys, cases);
    for (case, right) in cases.iter_mut().zip(right) {
        let verdict = &mut case.verdict;
        conclude(verdict, case.proof.as_ref(), right);
        verdict.judge();
        if verdict.flaws.is_empty() {
            verdict.environment = right.map(keys::environment);
        }
        let is_real = verdict.environment == Some(Environment::Production);
        if production_only && verdict.flaws.is_empty() && !is_real {
            let found = verdict.environment.take().map_or("", Environment::as_str);
            let wanted = Environment::Production.as_str();
            let flaw = Flaw::new(Reason::NotProduction, "", found, wanted);
            verdict.flaws.push(flaw);
            verdict.judge();
        }
    }
}

/// The key that each signature is right under, the one that it should be of
/// before any other.
fn verify(keys: &Keys, cases: &[Case]) -> Vec<Option<u16>> {
    let mut right = vec![None; cases.len()];
    let mut left: Vec<usize> = (0..cases.len())
        .filter(|at| cases[*at].proof.is_some())
        .collect();
    for turn in 0..=keys.count() {
        let tried = |at: &usize| {
            let proof = cases[*at].proof.as_ref()?;
            let key = match (turn.checked_sub(1), proof.key) {
                (None, own) => own?,
                (other, own) if other == own => return None,
                (Some(other), _) => other,
            };
            Some((*at, proof, key))
        };
        let round: Vec<(usize, &Proof, u16)> = left.iter().filter_map(tried).collect();
        let verdicts = verify_round(keys.verifier(), &round);
        for ((at, _, key), is_right) in round.iter().zip(verdicts) {
            if is_right {
                right[*at] = Some(*key);
            }
        }
        left.retain(|at| right[*at].is_none());
        if left.is_empty() {
            break;
        }
    }
    right
}

fn verify_round(verifier: &dyn Verifier, round: &[(usize, &Proof, u16)]) -> Vec<bool> {
    let (mut messages, mut signatures) = (Messages::default(), Signatures::default());
    signatures.clear(64);
    for (_, proof, key) in round {
        messages.push_keyed(*key, |out| out.extend_from_slice(&proof.message));
        signatures.push(&proof.signature);
    }
    let mut verdicts = Vec::new();
    verifier.verify_batch(&messages, &signatures, &mut verdicts);
    // One without a verdict is as good as wrong.
    verdicts.resize(round.len(), false);
    verdicts
}

/// Says what the signature says. Whatever was found or overlooked before, what
/// is right under no key leaves with a flaw.
fn conclude(verdict: &mut Verdict, proof: Option<&Proof>, right: Option<u16>) {
    let own = proof.and_then(|proof| proof.key);
    let takes_given = proof.is_some_and(|proof| proof.takes_given);
    let is_given = right.is_some_and(keys::is_given);
    let field = verdict.kind.map_or("", |kind| kind.result);
    if let [flaw] = &verdict.flaws[..]
        && flaw.reason == Reason::UnknownKey
        && is_given
    {
        verdict.flaws.clear();
        return;
    }
    match (right, verdict.flaws.is_empty()) {
        (Some(key), true) if Some(key) == own => {}
        (Some(_), true) if is_given && takes_given => {}
        (Some(key), true) => {
            let wanted = own.map_or_else(String::new, keys::name);
            let flaw = Flaw::new(Reason::WrongKey, field, &keys::name(key), wanted);
            let hint = match keys::environment(key) {
                Environment::Production => "",
                _ => "it comes from a device under development, or somebody made it: count nothing",
            };
            verdict.flaws.push(flaw.hint(hint));
        }
        (None, true) => {
            let wanted = own.map_or_else(String::new, keys::name);
            let flaw = Flaw::new(Reason::WrongSignature, field, "", wanted);
            let hint = "a signed value was changed, or Apple did not sign it; compare it with \
                        the body as received";
            verdict.flaws.push(flaw.hint(hint));
        }
        (Some(_), false) => {
            // Whoever mends the way that bodies take finds them sound.
            if let Some(flaw) = verdict.flaws.last_mut() {
                let says = "but for what is named here its signature is right";
                flaw.hint = match flaw.hint.as_ref() {
                    "" => says.into(),
                    hint => format!("{hint}; {says}").into(),
                };
            }
        }
        (None, false) => {}
    }
}

#[cfg(test)]
mod tests {
    use super::super::verdict::Place;
    use super::*;
    use crate::format::Judgement;
    use crate::format::postback::{APPLE_KEYS, POSTBACKS};
    use crate::jws::Compact;

    /// Apple's example, signed with a development key.
    const EXAMPLE: &str = include_str!("../../examples/postbacks/apple.ndjson");

    fn case(key: Option<u16>, change: impl FnOnce(&mut Proof)) -> Case {
        let line = EXAMPLE.lines().last().unwrap();
        let members = crate::json::object(line).unwrap();
        let kind = POSTBACKS[1];
        let token = members.iter().find(|(name, _)| name == kind.result);
        let token = crate::json::string(token.unwrap().1).unwrap();
        let compact = Compact::parse(&token).unwrap();
        let mut proof = Proof {
            message: compact.signing_input.as_bytes().to_vec(),
            signature: compact.signature.as_slice().try_into().unwrap(),
            key,
            takes_given: false,
        };
        change(&mut proof);
        let file = "-".into();
        let mut verdict = Verdict::new(Place { file, line: 1 });
        verdict.kind = Some(kind);
        Case {
            verdict,
            proof: Some(proof),
        }
    }

    fn settled(case: Case) -> Verdict {
        let mut cases = [case];
        settle(&Keys::new(&[]).unwrap(), false, &mut cases);
        let [case] = cases;
        case.verdict
    }

    #[test]
    fn what_should_be_of_one_key_and_is_of_another_is_invalid_and_says_of_which() {
        for (at, key) in APPLE_KEYS.iter().enumerate() {
            let verdict = settled(case(u16::try_from(at).ok(), |_| {}));
            if key.kid.ends_with("/1") {
                assert_eq!(verdict.judgement, Judgement::Valid);
                assert_eq!(verdict.environment, Some(Environment::Development));
                continue;
            }
            assert_eq!(verdict.judgement, Judgement::Invalid);
            assert_eq!(verdict.environment, None);
            let [flaw] = &verdict.flaws[..] else {
                panic!("{:?}", verdict.flaws);
            };
            assert_eq!(flaw.reason, Reason::WrongKey);
            assert!(flaw.found.ends_with("apple-development-identifier/1"));
            assert!(flaw.wanted.ends_with(key.kid));
        }
    }

    #[test]
    fn a_bit_that_flips_in_message_or_signature_is_found() {
        for bit in 0..512 {
            let verdict = settled(case(Some(2), |proof| {
                proof.signature[bit / 8] ^= 1 << (bit % 8);
            }));
            assert_eq!(verdict.judgement, Judgement::Invalid, "{bit}");
        }
        let verdict = settled(case(Some(2), |proof| proof.message[0] ^= 1));
        assert_eq!(verdict.flaws[0].reason, Reason::WrongSignature);
    }

    #[test]
    fn what_nothing_was_found_wrong_with_is_not_valid_without_a_proof() {
        let mut case = case(Some(2), |_| {});
        case.proof = None;
        let verdict = settled(case);
        assert_eq!(verdict.judgement, Judgement::Invalid);
        assert_eq!(verdict.environment, None);
    }

    #[test]
    fn development_is_refused_where_production_alone_counts() {
        let mut cases = [case(Some(2), |_| {})];
        settle(&Keys::new(&[]).unwrap(), true, &mut cases);
        let verdict = &cases[0].verdict;
        assert_eq!(verdict.judgement, Judgement::Invalid);
        assert_eq!(verdict.environment, None);
        assert_eq!(verdict.flaws[0].reason, Reason::NotProduction);
    }
}

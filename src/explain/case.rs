//! One signature and everything it may be: tried as it is, with each mistake
//! alone, in pairs, under other digests and secrets, in this order. It must
//! not know what a record is.

use p256::ecdsa::signature::hazmat::PrehashVerifier;
use sha2::{Digest, Sha384, Sha512};

use crate::format::Alg;
use crate::key::PublicKey;
use crate::verify::Finding;

use super::explanation::{Explanation, Verdict};
use super::mistake::{self as m, Mistake, Side};
use super::reading::Subject;
use super::search::{Bench, Hit, Message, Reading, Search};
use super::{Depth, Explainer, Learned};

/// How many bytes a message has at the most that is searched, and in pairs: a
/// search writes it thousands of times.
const LONGEST: usize = 256 << 10;
const LONGEST_IN_PAIRS: usize = 8 << 10;

/// What is sought beside the message's own choices.
const ALWAYS: &[&str] = &[
    "raw_for_der",
    "der_for_raw",
    "base64url",
    "base64_twice",
    "line_breaks",
    "halves",
    "digest",
    "other_key",
];

/// One signature that is to be explained.
pub(super) struct Case<'a> {
    pub(super) explainer: &'a Explainer<'a>,
    pub(super) subject: &'a Subject,
    pub(super) alg: Alg,
    pub(super) message: &'a dyn Message,
    pub(super) readings: Vec<Reading>,
    /// What is wrong in the record or the token whatever was signed.
    pub(super) flaws: Vec<Mistake>,
}

impl Case<'_> {
    /// Finds out what makes it right.
    pub(super) fn explain(
        &self,
        mut shell: Explanation,
        learned: &Learned,
        depth: Depth,
    ) -> Explanation {
        let Some(held) = self.explainer.keys.held(self.alg) else {
            let (alg, keys) = (self.alg, self.explainer.keys.are_for());
            return shell.unreadable(format!("it is signed with {alg}; {keys}"));
        };
        if self.readings.is_empty() {
            let why = match crate::signature::decode(&self.subject.result) {
                Err(error) if self.alg == Alg::Es256 => error.to_string(),
                _ => "it is neither DER nor r and s".to_owned(),
            };
            return shell.unreadable(format!("the signature cannot be read: {why}"));
        }
        let (length, width) = (self.readings[0].bytes.len(), held.width);
        if !self.readings.iter().any(|own| own.bytes.len() == width) {
            let alg = self.alg;
            let why = format!("the signature has {length} bytes, one of {alg} has {width}");
            return shell.unreadable(why);
        }
        shell.wanted = self.message.show(&[]);
        let bench = Bench {
            verifier: held.verifier,
            keys: (0..held.names.len().max(1) as u16).collect(),
            width: held.width,
        };
        let mut search = Search::new(self.message, &self.readings);
        if let Some(hit) = search.as_it_is(&bench) {
            shell.tried = search.tried;
            return self.found(shell, &hit, held.name(hit.key), Vec::new());
        }
        if shell.wanted.len() > LONGEST {
            shell.tried = search.tried;
            return shell.unreadable(format!("what is signed has more than {LONGEST} bytes"));
        }
        let known = self.learned(learned);
        let mut hit = search.these(&bench, known.0);
        if depth != Depth::Known {
            hit = hit.or_else(|| search.singly(&bench));
        }
        shell.tried = search.tried;
        if let Some(hit) = hit {
            return self.found(shell, &hit, held.name(hit.key), Vec::new());
        }
        if depth != Depth::Known
            && let Some((hit, mistake)) = self.other_digest()
        {
            return self.found(shell, &hit, None, vec![mistake]);
        }
        if depth != Depth::Known
            && let Some((hit, mistake)) = self.other_secret(held.width, &mut shell.tried)
        {
            return self.found(shell, &hit, None, vec![mistake]);
        }
        // In pairs only as the signature is read with the fewest mistakes.
        let fewest = self.readings[0].mistakes.len();
        let plain = self
            .readings
            .iter()
            .filter(|own| own.mistakes.len() == fewest);
        let plain: Vec<Reading> = plain.cloned().collect();
        let mut search = Search::new(self.message, &plain);
        // And only under the keys that such a record selects.
        let mut bench = bench;
        bench.keys = self.candidates(&bench.keys);
        let mut hit = search.these(&bench, known.1);
        if hit.is_none() && depth == Depth::Pairs && shell.wanted.len() <= LONGEST_IN_PAIRS {
            hit = search.in_pairs(&bench);
        }
        shell.tried += search.tried;
        if let Some(hit) = hit {
            return self.found(shell, &hit, held.name(hit.key), Vec::new());
        }
        if let Some(kid) = self.explainer.apples_key() {
            let detail = format!("the one that was given is Apple's, {kid}");
            shell.verdict = Verdict::Explained;
            shell.causes = vec![Mistake::new(&m::WRONG_SIDE, "", detail)];
            return shell;
        }
        self.unexplained(shell)
    }

    /// Nothing makes it right: what was sought, what else was seen.
    fn unexplained(&self, mut shell: Explanation) -> Explanation {
        shell.verdict = Verdict::Unexplained;
        shell.possible = self.possible_keys();
        let choices = self.message.choices().iter();
        let codes = choices.map(|own| own.mistake.kind.code);
        for code in codes.chain(ALWAYS.iter().copied()) {
            if !shell.ruled_out.contains(&code) {
                shell.ruled_out.push(code);
            }
        }
        // What is wrong in the record was seen, though it explains nothing.
        let notes = self.flaws.iter().map(|flaw| Finding {
            field: flaw.field.clone(),
            says: format!("is not as documented, and would be if {flaw}"),
        });
        shell.notes = notes.collect();
        shell
    }

    /// A secret that was decoded, or read with something around it.
    fn other_secret(&self, width: usize, tried: &mut usize) -> Option<(Hit, Mistake)> {
        let (secrets, mistakes) = self.explainer.secrets.as_ref()?;
        if self.alg != Alg::Hs256 {
            return None;
        }
        let bench = Bench {
            verifier: secrets,
            keys: (0..mistakes.len() as u16).collect(),
            width,
        };
        let mut search = Search::new(self.message, &self.readings);
        let hit = search.as_it_is(&bench).or_else(|| search.singly(&bench));
        *tried += search.tried;
        let hit = hit?;
        let mistake = mistakes.get(usize::from(hit.key))?.clone();
        Some((hit, mistake))
    }

    /// The choices that were right for other records: single ones, and pairs.
    fn learned(&self, learned: &Learned) -> (Vec<Vec<usize>>, Vec<Vec<usize>>) {
        let choices = self.message.choices();
        let of = |(code, field): &(&'static str, String)| -> Vec<usize> {
            let same = |at: &usize| {
                let own = &choices[*at].mistake;
                own.kind.code == *code && own.field == *field
            };
            (0..choices.len()).filter(same).collect()
        };
        let (mut singles, mut pairs) = (Vec::new(), Vec::new());
        for causes in learned {
            match &causes[..] {
                [one] => singles.extend(of(one).into_iter().map(|at| vec![at])),
                [one, two] => {
                    for first in of(one) {
                        let fits = |second: &usize| choices[first].slot != choices[*second].slot;
                        let second = of(two).into_iter().filter(fits);
                        pairs.extend(second.map(|second| vec![first, second]));
                    }
                }
                _ => {}
            }
        }
        (singles, pairs)
    }

    fn found(
        &self,
        mut shell: Explanation,
        hit: &Hit,
        key: Option<&str>,
        more: Vec<Mistake>,
    ) -> Explanation {
        let choices = self.message.choices();
        let mut causes: Vec<Mistake> = Vec::new();
        let picked = hit.picked.iter().map(|at| choices[*at].mistake.clone());
        let picked: Vec<Mistake> = picked.collect();
        // What was signed as it stands is one mistake, not two; what was found
        // of a flawed value says more than the flaw.
        let is_same = |flaw: &Mistake| {
            let same = |own: &Mistake| {
                own.field == flaw.field
                    && (own.side == Side::Both || own.kind.code == flaw.kind.code)
            };
            !flaw.field.is_empty() && picked.iter().any(same)
        };
        causes.extend(self.readings[hit.reading].mistakes.clone());
        causes.extend(picked.clone());
        causes.extend(more);
        let flaws = self.flaws.iter();
        causes.extend(flaws.filter(|flaw| !is_same(flaw)).cloned());
        shell.key = key.map(str::to_owned);
        shell.signed = Some(self.message.show(&hit.picked));
        if causes.is_empty()
            && let Some(key) = key
            && !self.is_candidate(hit.key)
        {
            let detail = format!("key {key}, which such records do not select");
            causes.push(Mistake::new(&m::OTHER_KEY, "", detail));
        }
        shell.verdict = match causes.is_empty() {
            true => Verdict::Valid,
            false => Verdict::Explained,
        };
        shell.causes = causes;
        shell
    }

    /// Whether the record selects this key of a ring.
    fn is_candidate(&self, key: u16) -> bool {
        self.candidates(&[key]).contains(&key)
    }

    /// Those of some keys that the record selects; all where it does not say.
    fn candidates(&self, keys: &[u16]) -> Vec<u16> {
        let Some((format, _)) = self.subject.of else {
            return keys.to_vec();
        };
        let field = |selector| {
            let (at, _) = format.selector(selector)?;
            let shown = self.subject.shown.get(at)?.as_ref()?;
            Some(shown.text.as_str())
        };
        let Some(held) = self.explainer.keys.held(self.alg) else {
            return keys.to_vec();
        };
        let all = held.candidates(format, field);
        let own = keys.iter().filter(|key| all.contains(key));
        own.copied().collect()
    }

    /// ECDSA over another digest, or over none (FIPS 186-5 §6.4: the leftmost
    /// 256 bits count).
    fn other_digest(&self) -> Option<(Hit, Mistake)> {
        let mut message = Vec::new();
        self.message.write(&[], &mut message);
        let digests = [
            (
                "the message were hashed with SHA-384",
                Sha384::digest(&message).to_vec(),
            ),
            (
                "the message were hashed with SHA-512",
                Sha512::digest(&message).to_vec(),
            ),
            ("the message were not hashed at all", message),
        ];
        for (at, reading) in self.readings.iter().enumerate() {
            let Ok(signature) = p256::ecdsa::Signature::from_slice(&reading.bytes) else {
                continue;
            };
            for (words, digest) in &digests {
                let digest = &digest[..digest.len().min(32)];
                let keys = self.explainer.public.iter();
                let mut right = keys.filter(|key| {
                    key.verifying_key()
                        .verify_prehash(digest, &signature)
                        .is_ok()
                });
                if digest.len() == 32 && right.next().is_some() {
                    let hit = Hit {
                        reading: at,
                        key: 0,
                        picked: Vec::new(),
                    };
                    return Some((hit, Mistake::new(&m::DIGEST, "", *words)));
                }
            }
        }
        None
    }

    /// The keys whose signature of the documented message this would be
    /// (SEC 1 §4.1.6): two, as a rule, and only one of them exists.
    fn possible_keys(&self) -> Vec<PublicKey> {
        let mut message = Vec::new();
        self.message.write(&[], &mut message);
        let Ok(signature) = p256::ecdsa::Signature::from_slice(&self.readings[0].bytes) else {
            return Vec::new();
        };
        let digest = sha2::Sha256::digest(&message);
        let recover = |id: u8| {
            let id = p256::ecdsa::RecoveryId::from_byte(id)?;
            let key = p256::ecdsa::VerifyingKey::recover_from_prehash(&digest, &signature, id);
            key.ok().map(PublicKey::from_verifying_key)
        };
        (0..2).filter_map(recover).collect()
    }
}

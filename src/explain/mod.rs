//! Says why a signature is invalid: searches the plausible mistakes, alone and
//! in pairs, until one of them makes it valid.
//!
//! A cause is never guessed. What is named made the signature right under the
//! key, and nobody finds such a thing by chance; where nothing does, it is
//! said what was ruled out. This module must not know arguments or the
//! terminal.
//!
//! ```text
//! text ─ reading ─▶ Subject ─ joined, token ─▶ a message and its other forms ─┐
//!                     └────── written ──────▶ readings of the signature ──────┴▶ search
//! ```

mod diff;
mod joined;
mod many;
mod mistake;
mod reading;
mod search;
mod text;
mod token;
mod tree;
mod written;

use std::fmt::Write as _;

use p256::ecdsa::signature::hazmat::PrehashVerifier;
use sha2::{Digest, Sha384, Sha512};
use zeroize::Zeroizing;

use crate::engine::Hs256;
use crate::format::postback::{APPLE_KEYS, AppleKey};
use crate::format::{Alg, Format, Signing};
use crate::key::PublicKey;
use crate::verify::{self, Check, Finding, Keys};

use joined::Joined;
use mistake as m;
use reading::Subject;
use search::{Bench, Hit, Message, Reading, Search};
use token::Token;
use written::Wanted;

pub use diff::{Diff, diff};
pub use many::{Cause, Lines, Report, Sought};
pub use mistake::{KINDS, Kind, Mistake, Side};

/// What explains: the keys, and what is known beside a record.
pub struct Explainer<'k> {
    keys: &'k Keys<'k>,
    /// The public keys among them.
    public: Vec<PublicKey>,
    /// What a secret may have been taken for, and what is wrong then.
    secrets: Option<(Hs256, Vec<Mistake>)>,
    /// The only format accepted.
    only: Option<&'static Format>,
    /// Signed values that the device knows by itself.
    known: Vec<(String, String)>,
}

/// What was found out about a signature.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It is right, and so is everything beside it.
    Valid,
    /// It is right, but what stands beside it is not what it should be.
    Odd,
    /// It is wrong, and it is known why.
    Explained,
    /// It is wrong, and nothing that was tried makes it right.
    Unexplained,
    /// It could not be read, or there is no key of its kind.
    Unreadable,
}

impl Verdict {
    /// The name in JSON.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Valid => "valid",
            Self::Odd => "odd",
            Self::Explained => "explained",
            Self::Unexplained => "unexplained",
            Self::Unreadable => "unreadable",
        }
    }
}

/// One signature, and why it is what it is.
#[derive(Clone, Debug)]
pub struct Explanation {
    /// Where it stands; empty for the whole text.
    pub place: String,
    /// Its format, where it is of one that is known.
    pub format: Option<&'static Format>,
    /// Its version.
    pub version: Option<&'static str>,
    /// What was found.
    pub verdict: Verdict,
    /// What makes it right: nothing but these, all of them.
    pub causes: Vec<Mistake>,
    /// The text that the documents want signed; of a token, what it holds as it
    /// was sent.
    pub wanted: String,
    /// Whether it is a token.
    pub is_token: bool,
    /// The text that the record makes as it stands, where that is another.
    pub shown: Option<String>,
    /// The text that was signed, where that is known.
    pub signed: Option<String>,
    /// The key under which it is right, where there are several.
    pub key: Option<String>,
    /// What else is wrong beside the signature.
    pub notes: Vec<Finding>,
    /// How many variants were judged.
    pub tried: usize,
    /// What was sought, each kind of mistake once.
    pub ruled_out: Vec<&'static str>,
    /// Which public keys may have made it, where nothing else is known.
    pub(crate) possible: Vec<PublicKey>,
    /// Why it could not be judged.
    pub unreadable: Option<String>,
}

impl Explanation {
    fn of(
        subject: &Subject,
        of: Option<(&'static Format, &'static crate::format::Layout)>,
    ) -> Self {
        Self {
            place: subject.place.clone(),
            format: of.map(|(format, _)| format),
            version: of.and_then(|(_, layout)| layout.version),
            verdict: Verdict::Unreadable,
            causes: Vec::new(),
            wanted: String::new(),
            is_token: false,
            shown: None,
            signed: None,
            key: None,
            notes: Vec::new(),
            tried: 0,
            ruled_out: Vec::new(),
            possible: Vec::new(),
            unreadable: None,
        }
    }

    /// A text without a signature.
    pub fn nothing(why: &str) -> Self {
        let none = Subject::default();
        Self::of(&none, None).unreadable(why)
    }

    fn unreadable(mut self, why: impl Into<String>) -> Self {
        self.unreadable = Some(why.into());
        self
    }

    /// What is the matter, in one sentence.
    pub fn sentence(&self) -> String {
        match self.verdict {
            Verdict::Valid => "valid".to_owned(),
            Verdict::Odd => "the signature is right, but what stands beside it is not".to_owned(),
            Verdict::Unexplained => format!("invalid; nothing found in {} variants", self.tried),
            Verdict::Unreadable => {
                let why = self.unreadable.as_deref().unwrap_or_default();
                format!("not judged: {why}")
            }
            Verdict::Explained => {
                let mut says = "invalid; valid if ".to_owned();
                for (at, cause) in self.causes.iter().enumerate() {
                    let and = if at > 0 { ", and " } else { "" };
                    let _ = write!(says, "{and}{cause}");
                }
                says
            }
        }
    }
}

/// Causes that were found before, to be tried first: code and field of each
/// mistake.
pub(crate) type Learned = [Vec<(&'static str, String)>];

/// How far a search goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Depth {
    /// What was found before.
    Known,
    /// Each mistake alone, and pairs that were found before.
    Single,
    /// All pairs, too.
    Pairs,
}

impl<'k> Explainer<'k> {
    /// Explains with these keys. `public` are those of them that are public
    /// keys, `secrets` the shared secrets.
    pub fn new(keys: &'k Keys<'k>, public: Vec<PublicKey>, secrets: &[&[u8]]) -> Self {
        Self {
            keys,
            public,
            secrets: taken_for(secrets),
            only: None,
            known: Vec::new(),
        }
    }

    /// The same for records of one format only.
    #[must_use]
    pub fn only(mut self, format: Option<&'static Format>) -> Self {
        self.only = format;
        self
    }

    /// The same with signed values that the device knows by itself: field and
    /// value.
    #[must_use]
    pub fn knowing(mut self, known: Vec<(String, String)>) -> Self {
        self.known = known;
        self
    }

    /// Explains every signature in a text: a record, an object of a shape
    /// wherever it stands, or a token. Empty where there is none.
    pub fn explain(&self, text: &str) -> Vec<Explanation> {
        self.explain_with(text, &[], Depth::Pairs)
    }

    pub(crate) fn explain_with(
        &self,
        text: &str,
        learned: &Learned,
        depth: Depth,
    ) -> Vec<Explanation> {
        if reading::is_postback(text) {
            let why = "this is a postback, which Apple signs: `campaign-signer verify-postback` \
                       checks it";
            return vec![Explanation::nothing(why)];
        }
        let subjects = reading::subjects(text, self.only);
        let each = |subject: &Subject| self.subject(subject, learned, depth);
        subjects.iter().map(each).collect()
    }

    /// The id of a key among those given that is Apple's own.
    fn apples_key(&self) -> Option<&'static str> {
        let is_given = |own: &&AppleKey| {
            let mut public = self.public.iter();
            public.any(|key| key.spki_base64() == own.spki)
        };
        APPLE_KEYS.iter().find(is_given).map(|own| own.kid)
    }

    /// What is wrong with lines of a file as `verify` sees it; nothing, for
    /// most of them.
    pub(crate) fn strictly(&self, lines: &[&str]) -> Vec<Vec<Finding>> {
        verify::judge_lines(&self.check(), lines)
    }

    fn check(&self) -> Check<'_> {
        Check {
            inputs: &[],
            keys: self.keys,
            format: self.only,
            shape: None,
            known: &self.known,
            threads: 1,
            nonces_in_memory: verify::NONCES_IN_MEMORY,
        }
    }

    fn subject(&self, subject: &Subject, learned: &Learned, depth: Depth) -> Explanation {
        let joined = subject
            .of
            .and_then(|(format, layout)| Joined::new(format, layout, subject, &self.known));
        match (joined, subject.of) {
            (Some(joined), Some((format, layout))) => {
                let signed_by = format.alg();
                let wanted = Wanted::Der;
                let shell = Explanation::of(subject, subject.of);
                if subject.result.is_empty() {
                    return shell.unreadable(format!("it has no {}", layout.result()));
                }
                let mut shell = shell;
                if !joined.literal.is_empty() {
                    shell.shown = Some(joined.show(&joined.literal));
                }
                let case = Case {
                    explainer: self,
                    subject,
                    alg: signed_by,
                    message: &joined,
                    readings: written::readings(&subject.result, wanted),
                    flaws: joined.flaws.clone(),
                };
                let mut found = self.strict(case.explain(shell, learned, depth), subject);
                if found.verdict == Verdict::Unexplained && !joined.unknown.is_empty() {
                    let names = joined.unknown.join(", ");
                    found.notes.push(Finding {
                        field: names.clone(),
                        says: format!("is signed and not told: give --set {names}=VALUE"),
                    });
                }
                found
            }
            _ => self.token(subject, learned, depth),
        }
    }

    fn token(&self, subject: &Subject, learned: &Learned, depth: Depth) -> Explanation {
        let Some(token) = Token::read(&subject.result, subject.of, self.only) else {
            let shell = Explanation::of(subject, subject.of);
            return shell.unreadable("it is neither a signed record nor a token");
        };
        let mut shell = Explanation::of(subject, token.of);
        shell.is_token = true;
        let alg = match (token.alg().as_deref(), token.of) {
            (_, Some((format, _))) => format.alg(),
            (Some("ES256"), None) => Alg::Es256,
            (Some("HS256"), None) => Alg::Hs256,
            (other, None) => {
                let other = other.unwrap_or("no alg");
                return shell.unreadable(format!("its header says {other}"));
            }
        };
        let wanted = match alg {
            Alg::Es256 => Wanted::Raw,
            Alg::Hs256 => Wanted::Mac,
        };
        let flaws = [token.flaws.clone(), differences(subject, &token)].concat();
        let case = Case {
            explainer: self,
            subject,
            alg,
            message: &token,
            readings: written::readings(&token.signature, wanted),
            flaws,
        };
        let found = case.explain(shell, learned, depth);
        match subject.line.is_empty() {
            false => self.strict(found, subject),
            true => self.strict_token(found, &token, subject),
        }
    }

    /// What `verify` finds beside a signature that is right.
    fn strict(&self, found: Explanation, subject: &Subject) -> Explanation {
        self.strict_line(found, &subject.line, |finding| {
            // Not what is about another record in the same object.
            let element = |path: &str| {
                let at = path.find('[')?;
                let end = path[at..].find(']')?;
                Some(path[at..=at + end].to_owned())
            };
            let own = element(&subject.place);
            own.is_none() || element(&finding.field).is_none_or(|other| own == Some(other))
        })
    }

    fn strict_line(
        &self,
        mut found: Explanation,
        line: &str,
        is_own: impl Fn(&Finding) -> bool,
    ) -> Explanation {
        if found.verdict == Verdict::Valid {
            let all = self.strictly(&[line]);
            found.notes = all.into_iter().flatten().filter(is_own).collect();
            if !found.notes.is_empty() {
                found.verdict = Verdict::Odd;
            }
        }
        found
    }

    /// What `verify` finds in a token, as if it stood in a record of its own.
    fn strict_token(&self, found: Explanation, token: &Token, subject: &Subject) -> Explanation {
        let payload = token.texts()[1].trim();
        let (Some((format, layout)), Some(members)) = (token.of, payload.strip_prefix('{')) else {
            return found;
        };
        let comma = if members.trim() == "}" { "" } else { "," };
        // The payload was read as one object, so its last character closes it.
        let members = &members[..members.len() - 1];
        let line = format!(
            "{{\"format\":\"{}\"{comma}{members},\"{}\":\"{}\"}}",
            format.id,
            layout.result(),
            subject.result.trim()
        );
        self.strict_line(found, &line, |_| true)
    }
}

/// One signature that is to be explained.
struct Case<'a> {
    explainer: &'a Explainer<'a>,
    subject: &'a Subject,
    alg: Alg,
    message: &'a dyn Message,
    readings: Vec<Reading>,
    /// What is wrong in the record or the token whatever was signed.
    flaws: Vec<Mistake>,
}

impl Case<'_> {
    fn explain(self, mut shell: Explanation, learned: &Learned, depth: Depth) -> Explanation {
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
        let mut lengths = self.readings.iter().map(|own| own.bytes.len());
        if let Some(length) = self.readings.first().map(|own| own.bytes.len())
            && !lengths.any(|length| length == held.width)
        {
            let (alg, width) = (self.alg, held.width);
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
        if let Some((secrets, mistakes)) = &self.explainer.secrets
            && self.alg == Alg::Hs256
            && depth != Depth::Known
        {
            let bench = Bench {
                verifier: secrets,
                keys: (0..mistakes.len() as u16).collect(),
                width: held.width,
            };
            let mut search = Search::new(self.message, &self.readings);
            let hit = search.as_it_is(&bench).or_else(|| search.singly(&bench));
            shell.tried += search.tried;
            if let Some(hit) = hit {
                let mistake = mistakes[usize::from(hit.key)].clone();
                return self.found(shell, &hit, None, vec![mistake]);
            }
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
        shell.verdict = Verdict::Unexplained;
        shell.possible = self.possible_keys();
        let mut codes: Vec<&'static str> = Vec::new();
        let choices = self
            .message
            .choices()
            .iter()
            .map(|own| own.mistake.kind.code);
        for code in choices.chain(ALWAYS.iter().copied()) {
            if !codes.contains(&code) {
                codes.push(code);
            }
        }
        shell.ruled_out = codes;
        // What is wrong in the record was seen, though it explains nothing.
        let notes = self.flaws.iter().map(|flaw| Finding {
            field: flaw.field.clone(),
            says: format!("is not as documented, and would be if {flaw}"),
        });
        shell.notes = notes.collect();
        shell
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

/// Where a flat record says something else than the token in it.
fn differences(subject: &Subject, token: &Token) -> Vec<Mistake> {
    let mut all = Vec::new();
    let Some((format, layout)) = token.of.filter(|_| subject.of.is_some()) else {
        return all;
    };
    let Signing::Jws { .. } = layout.signing else {
        return all;
    };
    for (field, shown) in format.fields.iter().zip(&subject.shown) {
        let path: Vec<&str> = format
            .parent(field.name)
            .into_iter()
            .chain([field.name])
            .collect();
        let (Some(shown), Some(claim)) = (shown, token.claim(&path)) else {
            continue;
        };
        if shown.text == claim {
            continue;
        }
        let own = |other: &text::Other| other.text.as_deref() == Some(shown.text.as_str());
        let known = text::others(field, &claim).into_iter().find(own);
        let mistake = match (known, text::mend(field, &shown.text)) {
            (_, Some((mended, mistake))) if mended == claim => mistake,
            _ => {
                let detail = format!("{claim}, as in the token");
                Mistake::new(&m::NOT_IN_TOKEN, field.name, detail)
            }
        };
        all.push(mistake.on(Side::Shown));
    }
    all
}

/// What secrets may have been taken for by who signed.
fn taken_for(secrets: &[&[u8]]) -> Option<(Hs256, Vec<Mistake>)> {
    let mut all: Vec<Zeroizing<Vec<u8>>> = Vec::new();
    let mut mistakes = Vec::new();
    let mut add = |bytes: Vec<u8>, words: &str| {
        all.push(Zeroizing::new(bytes));
        mistakes.push(Mistake::new(&m::SECRET, "", words));
    };
    for secret in secrets {
        let Ok(text) = std::str::from_utf8(secret) else {
            continue;
        };
        if let Ok(decoded) = crate::signature::decode(text) {
            let words = match decoded.alphabet {
                crate::signature::Alphabet::Hex => "decoded from hexadecimal first",
                _ => "decoded from base64 first",
            };
            add(decoded.bytes, words);
        }
        // Digits of hexadecimal may be meant as base64 all the same.
        use base64::Engine as _;
        if let Ok(bytes) = base64::engine::general_purpose::STANDARD.decode(text) {
            add(bytes, "decoded from base64 first");
        }
        add(
            [secret, &b"\n"[..]].concat(),
            "read with a line feed behind it",
        );
        add(
            [secret, &b"\r\n"[..]].concat(),
            "read with a line break behind it",
        );
        let quoted = [&b"\""[..], secret, b"\""].concat();
        add(quoted, "read with quotation marks around it");
        add(text.trim().as_bytes().to_vec(), "trimmed first");
        let encoded = base64::engine::general_purpose::STANDARD.encode(secret);
        add(encoded.into_bytes(), "encoded in base64 first");
        add(
            crate::hex::hex(secret).into_bytes(),
            "written in hexadecimal first",
        );
    }
    let bytes: Vec<&[u8]> = all.iter().map(|own| own.as_slice()).collect();
    (!bytes.is_empty()).then(|| (Hs256::new(&bytes), mistakes))
}

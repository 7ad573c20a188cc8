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

mod case;
mod diff;
mod explanation;
mod joined;
mod many;
mod mistake;
mod reading;
mod search;
mod secret;
mod text;
mod token;
mod tree;
mod written;

use crate::engine::Hs256;
use crate::format::postback::{APPLE_KEYS, AppleKey};
use crate::format::{Alg, Format};
use crate::key::PublicKey;
use crate::verify::{self, Check, Finding, Keys};

use case::Case;
use joined::Joined;
use reading::Subject;
use search::Message;
use token::Token;
use written::Wanted;

pub use diff::{Diff, diff};
pub use explanation::{Explanation, Verdict};
pub use many::{Cause, Lines, Report, Sought};
pub use mistake::{KINDS, Kind, Mistake, Side, System};

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
            secrets: secret::taken_for(secrets),
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
                let mut shell = Explanation::of(subject, subject.of);
                if subject.result.is_empty() {
                    return shell.unreadable(format!("it has no {}", layout.result()));
                }
                if !joined.literal.is_empty() {
                    shell.shown = Some(joined.show(&joined.literal));
                }
                let case = Case {
                    explainer: self,
                    subject,
                    alg: format.alg(),
                    message: &joined,
                    readings: written::readings(&subject.result, Wanted::Der),
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
        let flaws = [token.flaws.clone(), token.differences(subject)].concat();
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
                let at = path.rfind('[')?;
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

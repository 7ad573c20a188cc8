//! What was found out about a signature, and in what words. It must not know
//! how it was found.

use std::fmt::Write as _;

use crate::format::{Format, Layout};
use crate::key::PublicKey;
use crate::verify::Finding;

use super::mistake::Mistake;
use super::reading::Subject;

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
    pub(super) fn of(subject: &Subject, of: Option<(&'static Format, &'static Layout)>) -> Self {
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

    pub(super) fn unreadable(mut self, why: impl Into<String>) -> Self {
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

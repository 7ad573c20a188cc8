//! The keys that signatures are held against: one, or those of a ring, of
//! which each record may have been signed by some. This file must not know
//! what a record is.

use std::borrow::Cow;

use crate::choosing::Chosen;
use crate::engine::{Hs256, Verifier, batch};
use crate::error::Error;
use crate::format::{Alg, Format, Selector};
use crate::record::Choices;
use crate::ring::{KeyRing, RingKey};

/// How many keys a message names.
const MOST_NAMES: usize = 8;

/// The keys that signatures are held against.
pub struct Keys<'a> {
    sets: Vec<Set<'a>>,
}

/// The keys of one algorithm.
pub(super) struct Set<'a> {
    pub(super) alg: Alg,
    verifier: Held<'a>,
    /// How rows chose among them; with one key there was no choice.
    choices: Option<Choices>,
}

enum Held<'a> {
    Own(Box<dyn Verifier>),
    Lent(&'a dyn Verifier),
}

/// A key of a ring, and what it verified.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UsedKey {
    /// Its name.
    pub id: String,
    /// What it is for.
    pub alg: Alg,
    /// How many signatures are right under it.
    pub signatures: u64,
}

/// The keys of one algorithm, by their numbers.
pub(crate) struct HeldKeys<'k> {
    pub(crate) verifier: &'k dyn Verifier,
    /// The width of a signature in bytes.
    pub(crate) width: usize,
    /// Their names; empty where there is one key, which has none.
    pub(crate) names: Vec<&'k str>,
    set: &'k Set<'k>,
}

impl HeldKeys<'_> {
    /// The name of a key.
    pub(crate) fn name(&self, key: u16) -> Option<&str> {
        self.names.get(usize::from(key)).copied()
    }

    /// The keys that may have signed a record with these fields.
    pub(crate) fn candidates<'v>(
        &self,
        format: &Format,
        field: impl Fn(Selector) -> Option<&'v str>,
    ) -> Cow<'static, [u16]> {
        self.set.candidates(format, field)
    }
}

impl<'a> Keys<'a> {
    /// One key of this algorithm.
    pub fn one(alg: Alg, verifier: &'a dyn Verifier) -> Self {
        let verifier = Held::Lent(verifier);
        Self {
            sets: vec![Set {
                alg,
                verifier,
                choices: None,
            }],
        }
    }

    /// Every key of a ring, whatever its algorithm. When a key was valid is no
    /// matter.
    ///
    /// # Errors
    /// When too many columns select its keys.
    pub fn ring(ring: &KeyRing) -> Result<Self, Error> {
        let mut sets = Vec::new();
        for alg in [Alg::Es256, Alg::Hs256] {
            if !ring.entries.iter().any(|entry| entry.key.alg() == alg) {
                continue;
            }
            let Chosen { entries, choices } = Chosen::of(ring, alg)?;
            let (mut public, mut secrets) = (Vec::new(), Vec::new());
            for entry in entries {
                match &entry.key {
                    RingKey::Es256(key) => public.push(*key.public_key().verifying_key()),
                    RingKey::Hs256(secret) => secrets.push(secret.bytes()),
                }
            }
            let verifier: Box<dyn Verifier> = match alg {
                Alg::Es256 => batch::load_verifier(&public),
                Alg::Hs256 => Box::new(Hs256::new(&secrets)),
            };
            sets.push(Set {
                alg,
                verifier: Held::Own(verifier),
                choices: Some(choices),
            });
        }
        Ok(Self { sets })
    }

    /// The keys of this algorithm, to be tried by themselves.
    pub(crate) fn held(&self, alg: Alg) -> Option<HeldKeys<'_>> {
        let set = &self.sets[self.place(alg)?];
        let choices = set.choices.iter().flat_map(Choices::iter);
        Some(HeldKeys {
            verifier: set.verifier(),
            width: set.width(),
            names: choices.map(|choice| choice.id.as_str()).collect(),
            set,
        })
    }

    /// The place of the keys for this algorithm.
    pub(super) fn place(&self, alg: Alg) -> Option<usize> {
        self.sets.iter().position(|set| set.alg == alg)
    }

    /// Whether they are a ring's.
    pub(super) fn are_several(&self) -> bool {
        self.sets.iter().any(|set| set.choices.is_some())
    }

    pub(super) fn sets(&self) -> &[Set<'a>] {
        &self.sets
    }

    /// What they are for, in words.
    pub(crate) fn are_for(&self) -> String {
        let algs: Vec<String> = self.sets.iter().map(|set| set.alg.to_string()).collect();
        let are = if self.are_several() {
            "keys are"
        } else {
            "key is"
        };
        format!("the {are} for {}", algs.join(" and "))
    }

    /// A count of nothing for every key.
    pub(super) fn unused(&self) -> Vec<Vec<u64>> {
        let of_set = |set: &Set<'_>| vec![0; set.len()];
        self.sets.iter().map(of_set).collect()
    }

    /// What each key of a ring verified; nothing where there is one key.
    pub(super) fn used(&self, counts: &[Vec<u64>]) -> Vec<UsedKey> {
        let of_set = |(set, counts): (&Set<'_>, &Vec<u64>)| {
            let choices = set.choices.iter().flat_map(Choices::iter);
            let used: Vec<UsedKey> = choices
                .zip(counts)
                .map(|(choice, count)| UsedKey {
                    id: choice.id.clone(),
                    alg: set.alg,
                    signatures: *count,
                })
                .collect();
            used
        };
        self.sets.iter().zip(counts).flat_map(of_set).collect()
    }
}

impl Set<'_> {
    fn len(&self) -> usize {
        self.choices.as_ref().map_or(1, |all| all.iter().count())
    }

    pub(super) fn verifier(&self) -> &dyn Verifier {
        match &self.verifier {
            Held::Own(verifier) => verifier.as_ref(),
            Held::Lent(verifier) => *verifier,
        }
    }

    /// The width of a signature in bytes.
    pub(super) fn width(&self) -> usize {
        match self.alg {
            Alg::Es256 => 64,
            Alg::Hs256 => 32,
        }
    }

    /// The keys that may have signed a record with these fields, in the order
    /// in which they are tried.
    pub(super) fn candidates<'v>(
        &self,
        format: &Format,
        field: impl Fn(Selector) -> Option<&'v str>,
    ) -> Cow<'static, [u16]> {
        match &self.choices {
            None => Cow::Borrowed(&[0]),
            Some(choices) => Cow::Owned(choices.candidates(format, field)),
        }
    }

    /// What is said of a signature that is right under none of these keys.
    pub(super) fn wrong(&self, tried: &[u16]) -> Cow<'static, str> {
        let Some(choices) = &self.choices else {
            return "does not verify under this key".into();
        };
        let names = choices.iter().enumerate();
        let names = names.filter(|(at, _)| tried.iter().any(|own| usize::from(*own) == *at));
        let names: Vec<&str> = names.map(|(_, choice)| choice.id.as_str()).collect();
        match &names[..] {
            [] => "is of no key of the ring: none is for such a record".into(),
            [only] => format!("does not verify under key {only}").into(),
            all => {
                let shown = all[..all.len().min(MOST_NAMES)].join(", ");
                let more = match all.len() {
                    0..=MOST_NAMES => String::new(),
                    many => format!(" and {} more", many - MOST_NAMES),
                };
                format!("does not verify under any of the keys {shown}{more}").into()
            }
        }
    }
}

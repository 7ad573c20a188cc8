//! What a run over postbacks adds up to. What an invalid postback says is not
//! counted, so that nobody makes a summary long. This file must not know how a
//! verdict was found.

use std::collections::BTreeMap;

use crate::format::postback::Role;
use crate::format::{Environment, Judgement, Reason};
use crate::verify::Survey;

use super::signed::{Origin, Signed};
use super::verdict::Verdict;

/// What a run over postbacks adds up to.
#[derive(Debug, Default)]
pub struct Summary {
    /// Lines read, blank ones not counted: the sum of all judgements.
    pub lines: u64,
    /// Lines of each judgement, duplicates included.
    pub judgements: BTreeMap<Judgement, u64>,
    /// Valid postbacks whose id an earlier valid one had.
    pub duplicates: u64,
    /// Lines of each kind and version, by judgement; the version is empty where
    /// a kind has none, and `other` where it is not known.
    pub versions: BTreeMap<(&'static str, String), BTreeMap<Judgement, u64>>,
    /// Valid postbacks of each environment, each id once.
    pub environments: BTreeMap<Environment, u64>,
    /// Valid postbacks of each ad network, each id once.
    pub networks: BTreeMap<String, u64>,
    /// Lines with each reason; a line may have several.
    pub reasons: BTreeMap<Reason, u64>,
    /// What became of what was signed, where signed files were given.
    pub followed: Option<Followed>,
}

/// What became of what was signed.
#[derive(Debug, Default)]
pub struct Followed {
    /// What was read of the signed files.
    pub survey: Survey,
    /// Signed records that postbacks may come from.
    pub records: u64,
    /// Valid postbacks that come from one code, from one of several, from
    /// nothing signed; each id once.
    pub matched: u64,
    /// See `matched`.
    pub ambiguous: u64,
    /// See `matched`.
    pub unmatched: u64,
    /// Each campaign, in the order of network, app and code.
    pub campaigns: BTreeMap<Campaign, Outcome>,
}

/// A campaign, as postbacks tell it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Campaign {
    /// The ad network.
    pub network: String,
    /// The advertised app.
    pub app: u64,
    /// [`Role::Campaign`] or [`Role::Source`].
    pub role: Role,
    /// The signed code; or, where none or several fit, the postback's digits.
    pub code: String,
    /// Whether postbacks are of this code, or may be of several, or of none.
    pub fit: Fit,
}

/// How postbacks fit what was signed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Fit {
    /// They come from one code.
    One,
    /// They come from one of several.
    Several,
    /// Nothing that was signed fits.
    None,
}

impl Fit {
    /// The word for it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::One => "one",
            Self::Several => "several",
        }
    }
}

/// What became of a campaign. Postbacks are valid ones, each id once.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Outcome {
    /// Records signed.
    pub signed: u64,
    /// First postbacks of installs that this network won; those of versions
    /// that say nothing of winning included.
    pub winning: u64,
    /// Second and third postbacks of such installs.
    pub later: u64,
    /// Postbacks of installs that another network won.
    pub not_winning: u64,
}

impl Summary {
    pub(super) fn new(signed: Option<&Signed>) -> Self {
        let followed = signed.map(|signed| Followed {
            survey: signed.survey.clone(),
            records: signed.records,
            campaigns: signed
                .iter()
                .map(|(network, app, role, code, signed)| {
                    let campaign = Campaign {
                        network: network.to_owned(),
                        app,
                        role,
                        code: code.to_string(),
                        fit: Fit::One,
                    };
                    let outcome = Outcome {
                        signed,
                        ..Outcome::default()
                    };
                    (campaign, outcome)
                })
                .collect(),
            ..Followed::default()
        });
        Self {
            followed,
            ..Self::default()
        }
    }

    /// Takes in a verdict.
    pub(super) fn add(&mut self, verdict: &Verdict) {
        self.lines += 1;
        *self.judgements.entry(verdict.judgement).or_default() += 1;
        if let Some(kind) = verdict.kind {
            let version = match &verdict.version {
                Some(text) if kind.version(text).is_some() => text.as_str(),
                Some(_) => "other",
                None if kind.versions.iter().all(|own| own.name.is_none()) => "",
                None => "other",
            };
            let own = (kind.title, version.to_owned());
            let own = self.versions.entry(own).or_default();
            *own.entry(verdict.judgement).or_default() += 1;
        }
        let mut reasons: Vec<Reason> = verdict.flaws.iter().map(|flaw| flaw.reason).collect();
        reasons.sort_unstable();
        reasons.dedup();
        for reason in reasons {
            *self.reasons.entry(reason).or_default() += 1;
        }
        if verdict.judgement != Judgement::Valid {
            return;
        }
        if verdict.duplicate_of.is_some() {
            self.duplicates += 1;
            return;
        }
        if let Some(environment) = verdict.environment {
            *self.environments.entry(environment).or_default() += 1;
        }
        if let Some(network) = verdict.text(Role::Network) {
            match self.networks.get_mut(network.as_ref()) {
                Some(count) => *count += 1,
                None => {
                    self.networks.insert(network.into_owned(), 1);
                }
            }
        }
        if let (Some(followed), Some(origin)) = (&mut self.followed, &verdict.origin) {
            followed.add(verdict, origin);
        }
    }

    /// How many lines are of this judgement.
    pub fn count(&self, judgement: Judgement) -> u64 {
        self.judgements.get(&judgement).copied().unwrap_or(0)
    }
}

impl Followed {
    fn add(&mut self, verdict: &Verdict, origin: &Origin) {
        let (fit, count) = match origin {
            Origin::None => (Fit::None, &mut self.unmatched),
            Origin::One { .. } => (Fit::One, &mut self.matched),
            Origin::Several { .. } => (Fit::Several, &mut self.ambiguous),
        };
        *count += 1;
        let Some((network, app, role, digits)) = code_of(verdict) else {
            return;
        };
        let code = match origin {
            Origin::One { code, .. } => code.to_string(),
            _ => digits,
        };
        let campaign = Campaign {
            network,
            app,
            role,
            code,
            fit,
        };
        let outcome = self.campaigns.entry(campaign).or_default();
        let is_first = matches!(verdict.role(Role::Sequence), None | Some("0"));
        match verdict.role(Role::Won) {
            Some("false") => outcome.not_winning += 1,
            _ if is_first => outcome.winning += 1,
            _ => outcome.later += 1,
        }
    }
}

/// What a postback says of its campaign: network, app, what the code is, and
/// its digits.
pub(super) fn code_of(verdict: &Verdict) -> Option<(String, u64, Role, String)> {
    let network = verdict.text(Role::Network)?.into_owned();
    let app = verdict.role(Role::App)?.parse().ok()?;
    if let Some(digits) = verdict.text(Role::Source) {
        return Some((network, app, Role::Source, digits.into_owned()));
    }
    let code = verdict.role(Role::Campaign)?;
    Some((network, app, Role::Campaign, code.to_owned()))
}

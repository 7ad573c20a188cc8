//! What was signed, counted by format, ad network, advertised app and
//! campaign, from what signed files say. Memory is bounded: beyond ten
//! thousand different campaigns the rest is one sum. It must not know files.

use std::collections::BTreeMap;

use sha2::{Digest, Sha256};

use crate::format::{Format, group_of};
use crate::hex::hex;
use crate::verify::Said;

use super::serve;

/// How many different campaigns, and how many owners of them, are told apart.
pub const MOST_CAMPAIGNS: usize = 10_000;

/// How much of a name is kept, in characters.
const KEPT: usize = 120;

/// What was signed.
#[derive(Debug, Default)]
pub struct Sums {
    /// By each format's id.
    pub formats: BTreeMap<&'static str, FormatSum>,
    /// By each format's id and owner: an ad network, an app, an account.
    pub owners: BTreeMap<(&'static str, Name), u64>,
    /// By campaign.
    pub campaigns: BTreeMap<Campaign, u64>,
    /// Records of owners beyond [`MOST_CAMPAIGNS`].
    pub other_owners: u64,
    /// Records of campaigns beyond [`MOST_CAMPAIGNS`].
    pub other_campaigns: u64,
}

/// A value by which is counted; `None` where records do not tell it.
pub type Name = Option<Box<str>>;

/// A campaign, as far as records tell it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Campaign {
    /// The format's id.
    pub format: &'static str,
    /// The ad network, the app that sells, the account.
    pub owner: Name,
    /// The advertised app, the product.
    pub item: Name,
    /// The campaign, the offer.
    pub campaign: Name,
}

/// What was signed of one format.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct FormatSum {
    /// How many records.
    pub records: u64,
    /// Until when the first and the last of them may be served, in
    /// milliseconds since 1970, where that is documented.
    pub ends: Option<(u64, u64)>,
}

impl FormatSum {
    fn add(&mut self, other: &Self) {
        self.records += other.records;
        self.ends = match (self.ends, other.ends) {
            (Some((first, last)), Some((own_first, own_last))) => {
                Some((first.min(own_first), last.max(own_last)))
            }
            (ends, own) => ends.or(own),
        };
    }
}

impl Sums {
    /// Counts a record; `known` has values that it may not say itself.
    pub(super) fn take(&mut self, said: &Said<'_>, known: &[(String, String)]) {
        let format = said.format;
        let mut names: [Name; 3] = [None, None, None];
        for (field, value) in format.fields.iter().zip(said.values) {
            let Some(group) = group_of(format, field) else {
                continue;
            };
            let set = || known.iter().find(|(name, _)| name == field.name);
            let text = match value {
                Some(text) => Some(text.as_ref()),
                // Of two fields one stands for the other, version by version.
                None if field.replaces.is_some() => None,
                None => set().map(|(_, text)| text.as_str()),
            };
            if let Some(text) = text.filter(|text| !text.is_empty()) {
                names[group as usize] = Some(kept(text));
            }
        }
        let ends = serve::end(said).map(|end| (end, end));
        let sum = FormatSum { records: 1, ends };
        self.formats.entry(format.id).or_default().add(&sum);
        let [owner, item, campaign] = names;
        *self.owners.entry((format.id, owner.clone())).or_default() += 1;
        let campaign = Campaign {
            format: format.id,
            owner,
            item,
            campaign,
        };
        *self.campaigns.entry(campaign).or_default() += 1;
    }

    /// Adds what another stretch of the records has.
    pub(super) fn merge(&mut self, other: Self) {
        for (format, sum) in other.formats {
            self.formats.entry(format).or_default().add(&sum);
        }
        self.other_owners += other.other_owners + merge(&mut self.owners, other.owners);
        self.other_campaigns += other.other_campaigns + merge(&mut self.campaigns, other.campaigns);
    }
}

/// Adds counts; gives the sum of those that there was no room for. Stretches
/// come in the order of their file, so it is always the same ones.
fn merge<K: Ord>(all: &mut BTreeMap<K, u64>, more: BTreeMap<K, u64>) -> u64 {
    let mut others = 0;
    for (key, count) in more {
        if let Some(own) = all.get_mut(&key) {
            *own += count;
        } else if all.len() < MOST_CAMPAIGNS {
            all.insert(key, count);
        } else {
            others += count;
        }
    }
    others
}

/// A name as it is kept: long ones are cut, with a digest that tells them
/// apart.
fn kept(text: &str) -> Box<str> {
    match text.char_indices().nth(KEPT) {
        None => text.into(),
        Some((end, _)) => {
            let digest = hex(&Sha256::digest(text));
            let (bytes, digest) = (
                super::words::count(text.len() as u64, "byte"),
                &digest[..16],
            );
            format!("{}… ({bytes}, SHA-256 {digest}…)", &text[..end]).into()
        }
    }
}

/// A format's title; its id where it has none.
pub(super) fn title(id: &str) -> &str {
    Format::find(id).map_or(id, |format| format.title)
}

#[cfg(test)]
mod tests {
    use std::borrow::Cow;

    use super::*;
    use crate::format::{FORMATS, Group};

    fn record(sums: &mut Sums, format: &'static Format, value: impl Fn(&str) -> Option<String>) {
        let values = format
            .fields
            .iter()
            .map(|field| value(field.name).map(Cow::Owned));
        let values: Vec<_> = values.collect();
        let values = &values[..];
        sums.take(&Said { format, values }, &[]);
    }

    #[test]
    fn every_format_is_counted_by_its_own_fields() {
        for format in FORMATS {
            let mut sums = Sums::default();
            let example = |name: &str| {
                let (_, field) = format.field(name)?;
                (!field.example.is_empty()).then(|| field.example.to_owned())
            };
            record(&mut sums, format, example);
            record(&mut sums, format, example);
            assert_eq!(sums.formats[format.id].records, 2);
            let (campaign, count) = sums.campaigns.first_key_value().unwrap();
            assert_eq!((sums.campaigns.len(), *count), (1, 2), "{}", format.id);
            let owner = format
                .fields
                .iter()
                .find(|own| group_of(format, own) == Some(Group::Owner));
            assert_eq!(campaign.owner.as_deref(), owner.map(|field| field.example));
        }
    }

    #[test]
    fn ten_thousand_campaigns_are_told_apart_and_the_rest_is_one_sum() {
        let format = FORMATS[0];
        let mut all = Sums::default();
        for batch in 0..13 {
            let mut sums = Sums::default();
            for nth in 0..1000 {
                record(&mut sums, format, |_| {
                    Some(format!("{}", batch * 1000 + nth))
                });
            }
            all.merge(sums);
        }
        assert_eq!(all.campaigns.len(), MOST_CAMPAIGNS);
        assert_eq!((all.other_campaigns, all.other_owners), (3000, 3000));
        assert_eq!(all.formats[format.id].records, 13_000);
    }

    #[test]
    fn long_names_are_cut_and_stay_apart() {
        let (one, other) = ("x".repeat(1 << 20) + "1", "x".repeat(1 << 20) + "2");
        let (one, other) = (kept(&one), kept(&other));
        assert!(one != other && one.chars().count() < 200, "{one}");
    }
}

//! What signed records are counted by: whose they are, what they are for, and
//! which campaign or offer they belong to. For those who sum up what was
//! signed; no signed byte depends on it.

use super::postback::{Role, role_of_signed};
use super::{Field, Format, KeyUse, Selector};

/// What records are counted by, from the widest group to the narrowest.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Group {
    /// The ad network, the app that sells, or the account.
    Owner,
    /// The advertised app, or the product that is sold.
    Item,
    /// The campaign, or the offer.
    Campaign,
}

/// What the fields are that no postback speaks of.
static OFFERS: &[(&str, Group)] = &[
    ("offerIdentifier", Group::Campaign),
    ("productId", Group::Item),
    ("productIdentifier", Group::Item),
];

impl Group {
    /// Every one, the widest first.
    pub const ALL: [Self; 3] = [Self::Owner, Self::Item, Self::Campaign];

    /// What it is called where such a key signs.
    pub fn title(self, of: KeyUse) -> &'static str {
        match (self, of) {
            (Self::Owner, KeyUse::AdNetwork) => "Ad network",
            (Self::Owner, KeyUse::InAppPurchase) => "App",
            (Self::Owner, KeyUse::AuthToken) => "Account",
            (Self::Item, KeyUse::AdNetwork) => "Advertised app",
            (Self::Item, _) => "Product",
            (Self::Campaign, KeyUse::AdNetwork) => "Campaign",
            (Self::Campaign, _) => "Offer",
        }
    }
}

/// What a format's field counts records by; `None` where it does not.
pub fn group_of(format: &Format, field: &Field) -> Option<Group> {
    match role_of_signed(format, field) {
        Some(Role::Network) => return Some(Group::Owner),
        Some(Role::App) => return Some(Group::Item),
        Some(Role::Campaign | Role::Source) => return Some(Group::Campaign),
        Some(Role::Id | Role::Sequence | Role::Version | Role::Won) | None => {}
    }
    match (format.key, field.selects) {
        (KeyUse::InAppPurchase, Some(Selector::Bundle))
        | (KeyUse::AuthToken, Some(Selector::Account)) => Some(Group::Owner),
        (KeyUse::InAppPurchase, _) => {
            let own = OFFERS.iter().find(|(name, _)| *name == field.name);
            own.map(|(_, group)| *group)
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::super::FORMATS;
    use super::*;

    #[test]
    fn every_format_says_whose_its_records_are_and_impressions_their_campaign() {
        for format in FORMATS {
            for layout in format.layouts {
                let names = layout.field_names();
                let fields = format.fields.iter().filter(|own| names.contains(&own.name));
                let mut groups: Vec<Group> =
                    fields.filter_map(|own| group_of(format, own)).collect();
                groups.sort();
                let wanted = match format.key {
                    KeyUse::AdNetwork => &Group::ALL[..],
                    _ => &groups[..],
                };
                assert_eq!(groups, wanted, "{} {:?}", format.id, layout.version);
                assert_eq!(groups.first(), Some(&Group::Owner), "{}", format.id);
                assert!(groups.is_sorted_by(|a, b| a < b), "{}", format.id);
            }
        }
    }

    #[test]
    fn every_name_of_the_table_is_a_field() {
        for (name, _) in OFFERS {
            let mut formats = FORMATS.iter();
            assert!(formats.any(|format| format.field(name).is_some()), "{name}");
        }
    }
}

//! Postbacks: what devices report of installs, signed by Apple, as data.
//!
//! The other direction of the formats: nobody here signs them. One table says
//! which fields each version signs, in which order, of which JSON types, which
//! key it is for, and which members no signature covers. Everything about a
//! postback that is not the same for all is in `postback_apple` and
//! `postback_aak`; no code outside names a version or a field.
//!
//! A value's JSON type and form decide the signed bytes, so they are exact. A
//! documented range is not asked for: whether a number is one that Apple signs,
//! its signature says better.

use super::kind::Kind;
use super::postback_aak;
use super::postback_apple;
use super::{Field, Format, KeyUse, Selector};

/// Every kind of postback.
pub static POSTBACKS: &[&Postback] = &[
    &postback_apple::SKADNETWORK,
    &postback_aak::AD_ATTRIBUTION_KIT,
];

/// The public keys that Apple signs postbacks with.
pub static APPLE_KEYS: &[AppleKey] = postback_apple::KEYS;

/// One kind of postback, in all its versions.
#[derive(Debug)]
pub struct Postback {
    /// The id used in verdicts.
    pub id: &'static str,
    /// Apple's own name.
    pub title: &'static str,
    /// Apple's pages that define it, by their titles.
    pub sources: &'static [&'static str],
    /// The member that holds the signature or the token.
    pub result: &'static str,
    /// Every field that some version signs.
    pub fields: &'static [PostbackField],
    /// Members that no version signs: name, and a sentence. What is in neither
    /// list is not signed, either.
    pub unsigned: &'static [(&'static str, &'static str)],
    /// The versions, oldest first; one without a name where there are none.
    pub versions: &'static [PostbackVersion],
}

/// One field of a postback.
#[derive(Debug)]
pub struct PostbackField {
    /// Apple's name.
    pub name: &'static str,
    /// The JSON type and the form.
    pub kind: Kind,
    /// What it is to whoever counts postbacks.
    pub role: Option<Role>,
    /// A sentence.
    pub doc: &'static str,
}

/// What a field is, whatever its name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Role {
    /// The advertised app's App Store item id.
    App,
    /// A campaign, told whole.
    Campaign,
    /// What duplicates have in common.
    Id,
    /// The ad network.
    Network,
    /// Which of an install's postbacks it is, from 0.
    Sequence,
    /// A campaign code, of which a postback may tell the last digits only.
    Source,
    /// The version.
    Version,
    /// Whether this network's ad won the install.
    Won,
}

/// One version: what is signed, and by which key.
#[derive(Debug)]
pub struct PostbackVersion {
    /// Its exact text; `None` where there are no versions.
    pub name: Option<&'static str>,
    /// Postbacks of it have no member that says so.
    pub is_silent: bool,
    /// The signed fields.
    pub signing: PostbackSigning,
    /// The key that it is signed with.
    pub key: KeyChoice,
}

/// How a postback is signed.
#[derive(Debug)]
pub enum PostbackSigning {
    /// The values' text, in this order, joined with
    /// [`SEPARATOR`](super::SEPARATOR); the signature is DER in standard
    /// base64. A slot that is empty leaves no separator behind.
    Joined(&'static [Slot]),
    /// A compact JWS with these claims.
    Token(&'static [Slot]),
}

/// A place among the signed values.
#[derive(Clone, Copy, Debug)]
pub struct Slot {
    /// The fields that may stand here, one at most.
    pub names: &'static [&'static str],
    /// Whether one of them must be there. What may be absent is absent where
    /// Apple keeps it back, below a privacy threshold or for a network that
    /// did not win.
    pub required: bool,
}

/// How the key of a version is found.
#[derive(Clone, Copy, Debug)]
pub enum KeyChoice {
    /// Always Apple's key with this id.
    Fixed(&'static str),
    /// The one that this member of the JOSE header names.
    Header(&'static str),
    /// It cannot be verified here; why, and what to do.
    Unsupported(&'static str, &'static str),
}

/// One of Apple's public keys.
#[derive(Debug)]
pub struct AppleKey {
    /// Its id.
    pub kid: &'static str,
    /// What it signs.
    pub environment: Environment,
    /// SubjectPublicKeyInfo in standard base64.
    pub spki: &'static str,
}

/// Whose installs a key speaks of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Environment {
    /// Devices under development: everybody can make such postbacks.
    Development,
    /// Real installs.
    Production,
    /// A key that is not Apple's, given for tests.
    Test,
}

impl Environment {
    /// Every one.
    pub const ALL: &'static [Self] = &[Self::Development, Self::Production, Self::Test];

    /// The word for it in verdicts.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Development => "development",
            Self::Production => "production",
            Self::Test => "test",
        }
    }
}

impl Role {
    /// Every one, in the order in which verdicts say them.
    pub const ALL: &'static [Self] = &[
        Self::Version,
        Self::Network,
        Self::App,
        Self::Campaign,
        Self::Source,
        Self::Id,
        Self::Sequence,
        Self::Won,
    ];

    /// The member of a verdict that holds it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::App => "app",
            Self::Campaign => "campaign",
            Self::Id => "id",
            Self::Network => "network",
            Self::Sequence => "sequence",
            Self::Source => "source_identifier",
            Self::Version => "version",
            Self::Won => "won",
        }
    }
}

impl Postback {
    /// The field of this name.
    pub fn field(&self, name: &str) -> Option<&'static PostbackField> {
        self.fields.iter().find(|field| field.name == name)
    }

    /// The field with this role.
    pub fn role(&self, role: Role) -> Option<&'static PostbackField> {
        self.fields.iter().find(|field| field.role == Some(role))
    }

    /// The version of this name.
    pub fn version(&self, name: &str) -> Option<&'static PostbackVersion> {
        self.versions.iter().find(|own| own.name == Some(name))
    }

    /// The version of a postback that states none and has members of these
    /// names: the one that has no versions, or a silent one that knows them
    /// all.
    pub fn unstated<'n>(
        &self,
        mut names: impl Iterator<Item = &'n str>,
    ) -> Option<&'static PostbackVersion> {
        let is_silent = |own: &&PostbackVersion| own.name.is_none() || own.is_silent;
        let own = self.versions.iter().find(is_silent)?;
        let is_unsigned = |name| self.unsigned.iter().any(|(other, _)| *other == name);
        let knows = |name| own.signs(name) || is_unsigned(name) || name == self.result;
        (own.name.is_none() || names.all(knows)).then_some(own)
    }

    /// The names of all versions; empty where there are none.
    pub fn version_names(&self) -> impl Iterator<Item = &'static str> {
        self.versions.iter().filter_map(|own| own.name)
    }

    /// Whether an object with members of these names is meant to be one.
    pub fn is_like<'n>(&self, names: impl Iterator<Item = &'n str>) -> bool {
        let id = self.role(Role::Id).map(|field| field.name);
        let mut names = names;
        names.any(|name| name == self.result || Some(name) == id)
    }
}

impl PostbackVersion {
    /// The places of its values in their order.
    pub fn slots(&self) -> &'static [Slot] {
        match self.signing {
            PostbackSigning::Joined(slots) | PostbackSigning::Token(slots) => slots,
        }
    }

    /// Whether a field of this name is signed.
    pub fn signs(&self, name: &str) -> bool {
        let mut slots = self.slots().iter();
        slots.any(|slot| slot.names.contains(&name))
    }
}

/// What a signed format's field is to a postback; `None` where a postback
/// says nothing of it.
pub fn role_of_signed(format: &Format, field: &Field) -> Option<Role> {
    if format.key != KeyUse::AdNetwork {
        return None;
    }
    if field.selects == Some(Selector::AdNetwork) {
        return Some(Role::Network);
    }
    postback_apple::SIGNED
        .iter()
        .find(|(name, _)| *name == field.name)
        .map(|(_, role)| *role)
}

//! The signed formats, as data.
//!
//! One `static` table describes every format: its fields, their types and
//! ranges, where each value comes from, in which order values are joined or
//! which claims a token has, how long a signature is documented to live, and
//! where all that is written. Everything else reads this table: validation,
//! the bytes signed, the signed record, the JSON Schemas, `formats`,
//! `template`, `verify`, and the tests that loop over all formats. Odd rules
//! are named functions in the format's own file.
//!
//! A new format is one file here and one line in [`FORMATS`]. This module
//! must not know files, keys, clocks, threads or the command line, and no
//! code outside it names a format.

mod ad_attribution_kit;
mod advanced_commerce;
mod app_store;
mod checks;
mod field;
mod grouping;
mod impact;
pub mod kind;
pub mod postback;
mod postback_aak;
mod postback_apple;
mod postback_reason;
pub mod problem;
mod promo_v1;
pub mod shape;
mod skadnetwork;
mod skadnetwork_shapes;
mod web_ads;

use std::fmt;

pub use field::{Field, Selector, Source, Wrapping};
pub use grouping::{Group, group_of};
pub use kind::{Kind, Unit};
pub use postback::Environment;
pub use postback_reason::{Judgement, Reason};
pub use problem::{Code, Fault, Notice};
pub use shape::Shape;

/// Every format the program knows, in the order it lists them.
pub static FORMATS: &[&Format] = &[
    &ad_attribution_kit::IMPRESSION,
    &skadnetwork::STOREKIT,
    &skadnetwork::VIEW,
    &web_ads::WEB,
    &app_store::PROMO_V2,
    &app_store::INTRO,
    &app_store::ADVANCED_COMMERCE,
    &promo_v1::PROMO_V1,
    &impact::USER_JWT,
];

/// The character between joined values: U+2063 INVISIBLE SEPARATOR, in UTF-8
/// `e2 81 a3`.
pub const SEPARATOR: &str = "\u{2063}";

/// One format of signed record.
#[derive(Debug)]
pub struct Format {
    /// The id used on the command line and in records, for example `skan-view`.
    pub id: &'static str,
    /// The vendor's own name.
    pub title: &'static str,
    /// What it is for and who uses it, in a sentence.
    pub purpose: &'static str,
    /// The vendor's pages that define it, by their titles.
    pub sources: &'static [&'static str],
    /// Whose key signs it.
    pub key: KeyUse,
    /// Every field of every version.
    pub fields: &'static [Field],
    /// The versions, oldest first; one without a name where there are none.
    pub layouts: &'static [Layout],
    /// What is documented about a signature's age.
    pub freshness: Freshness,
    /// Fields beside the nonce within which a nonce must not repeat.
    pub nonce_scope: &'static [&'static str],
    /// Members of the record that follow from signed ones and are not signed.
    pub derived: &'static [Derived],
    /// Fields that some shapes have and no signature covers: read and checked
    /// like the others, where the chosen shape uses them. They must not enter
    /// signed bytes or nonces.
    pub unsigned: &'static [Field],
    /// The objects that its signatures can be written as, beside the record.
    pub shapes: &'static [Shape],
}

/// Whose key signs a format, and how.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyUse {
    /// An ad network's P-256 key, registered with Apple.
    AdNetwork,
    /// A shared secret, HMAC-SHA-256.
    AuthToken,
    /// An In-App Purchase P-256 key from App Store Connect. It downloads as
    /// `SubscriptionKey_<ID>.p8`; `AuthKey_<ID>.p8` is another, wrong key,
    /// and only the name tells them apart.
    InAppPurchase,
}

/// The signature algorithms (RFC 7518 §3.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Alg {
    /// ECDSA with P-256 and SHA-256.
    Es256,
    /// HMAC with SHA-256.
    Hs256,
}

/// One version of a format: which fields it has and how they are signed.
#[derive(Debug)]
pub struct Layout {
    /// The version's exact text, or `None` where a format has no versions.
    pub version: Option<&'static str>,
    /// How the signed bytes are made.
    pub signing: Signing,
}

/// The two ways to make signed bytes.
#[derive(Debug)]
pub enum Signing {
    /// The values' text, joined with [`SEPARATOR`]; the signature is DER in
    /// standard base64.
    Joined {
        /// The fields in their order.
        order: &'static [&'static str],
    },
    /// A JWS in compact serialization (RFC 7515 §7.1).
    Jws {
        /// The JOSE header's members in their order.
        header: &'static [(&'static str, HeaderValue)],
        /// The payload's claims in their order.
        claims: &'static [Claim],
    },
}

/// A value of the JOSE header.
#[derive(Clone, Copy, Debug)]
pub enum HeaderValue {
    /// Always the same text.
    Constant(&'static str),
    /// A field's value; the member is left out where the field is absent.
    Field(&'static str),
}

/// A claim of the payload.
#[derive(Clone, Copy, Debug)]
pub enum Claim {
    /// A field under its own name.
    Field(&'static str),
    /// An object of fields. In input its members may stand bare, as
    /// `name.member`, or inside an object of that name.
    Object(&'static str, &'static [&'static str]),
}

/// What is documented about the age of a signature when it is used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Freshness {
    /// A signature lives this many milliseconds from its time field.
    Documented {
        /// The documented life in milliseconds.
        millis: u64,
    },
    /// The record carries its own end, chosen by the signer.
    Expiry,
    /// Nothing is published.
    Silent,
    /// A limit exists, counted from the time field, but its length is not
    /// published: nothing but the present is safe.
    Unpublished,
}

/// A member that follows from a signed value.
#[derive(Debug)]
pub struct Derived {
    /// The member's name.
    pub name: &'static str,
    /// The field it is made of.
    pub from: &'static str,
    /// Makes it from the field's canonical text.
    pub make: fn(&str) -> String,
    /// A sentence for schemas.
    pub doc: &'static str,
}

impl Format {
    /// The format with this id.
    pub fn find(id: &str) -> Option<&'static Self> {
        FORMATS.iter().copied().find(|format| format.id == id)
    }

    /// The newest layout, used where a row says nothing.
    pub fn newest(&self) -> &'static Layout {
        // Every format has a layout; a test over the table holds it.
        &self.layouts[self.layouts.len() - 1]
    }

    /// The layout of this version.
    pub fn layout(&self, version: &str) -> Option<&'static Layout> {
        self.layouts
            .iter()
            .find(|layout| layout.version == Some(version))
    }

    /// The names of all versions; empty where there are none.
    pub fn versions(&self) -> impl Iterator<Item = &'static str> {
        self.layouts.iter().filter_map(|layout| layout.version)
    }

    /// The field of this name, with its place in [`Format::fields`].
    pub fn field(&self, name: &str) -> Option<(usize, &'static Field)> {
        self.fields
            .iter()
            .enumerate()
            .find(|(_, field)| field.name == name)
    }

    /// The shape of this name; `None` for the record, too.
    pub fn shape(&self, name: &str) -> Option<&'static Shape> {
        self.shapes.iter().find(|shape| shape.name == name)
    }

    /// Every field, the unsigned ones behind the others.
    pub fn all_fields(&self) -> impl Iterator<Item = &'static Field> {
        self.fields.iter().chain(self.unsigned)
    }

    /// The field of this name, signed or not, with its place among all.
    pub fn any_field(&self, name: &str) -> Option<(usize, &'static Field)> {
        self.all_fields()
            .enumerate()
            .find(|(_, field)| field.name == name)
    }

    /// The field at this place among all.
    ///
    /// # Panics
    /// When there is none.
    pub fn field_at(&self, at: usize) -> &'static Field {
        match at.checked_sub(self.fields.len()) {
            None => &self.fields[at],
            Some(unsigned) => &self.unsigned[unsigned],
        }
    }

    /// Whether this is a field that no signature covers.
    pub fn is_unsigned(&self, name: &str) -> bool {
        self.unsigned.iter().any(|field| field.name == name)
    }

    /// The field with this source, with its place.
    pub fn field_from(&self, source: Source) -> Option<(usize, &'static Field)> {
        self.fields
            .iter()
            .enumerate()
            .find(|(_, field)| field.source == source)
    }

    /// The field that holds the key's id, with its place.
    pub fn key_id(&self) -> Option<(usize, &'static Field)> {
        self.fields
            .iter()
            .enumerate()
            .find(|(_, field)| matches!(field.source, Source::KeyId { .. }))
    }

    /// The field whose value selects a key as this, with its place.
    pub fn selector(&self, selector: Selector) -> Option<(usize, &'static Field)> {
        self.fields
            .iter()
            .enumerate()
            .find(|(_, field)| field.selects == Some(selector))
    }

    /// The algorithm of every version.
    pub fn alg(&self) -> Alg {
        self.key.alg()
    }

    /// The name of the object claim that holds this field, if one does.
    pub fn parent(&self, name: &str) -> Option<&'static str> {
        self.layouts
            .iter()
            .find_map(|layout| match &layout.signing {
                Signing::Joined { .. } => None,
                Signing::Jws { claims, .. } => claims.iter().find_map(|claim| match claim {
                    Claim::Object(parent, members) if members.contains(&name) => Some(*parent),
                    _ => None,
                }),
            })
    }
}

impl Layout {
    /// The record's fields in their order, before it is signed: the version,
    /// where a version does not sign it, then everything signed.
    pub fn members(&self) -> Vec<Claim> {
        match &self.signing {
            Signing::Joined { order } => {
                let unsigned = self.version.is_some() && !order.contains(&VERSION);
                let version = unsigned.then_some(VERSION);
                version
                    .into_iter()
                    .chain(order.iter().copied())
                    .map(Claim::Field)
                    .collect()
            }
            Signing::Jws { claims, .. } => claims.to_vec(),
        }
    }

    /// The names of all fields this version has, header values included.
    pub fn field_names(&self) -> Vec<&'static str> {
        let mut names = Vec::new();
        for member in self.members() {
            match member {
                Claim::Field(name) => names.push(name),
                Claim::Object(_, members) => names.extend_from_slice(members),
            }
        }
        if let Signing::Jws { header, .. } = &self.signing {
            for (_, value) in *header {
                if let HeaderValue::Field(name) = value
                    && !names.contains(name)
                {
                    names.push(name);
                }
            }
        }
        names
    }

    /// Whether this version has the field; as [`Layout::field_names`] says.
    pub fn has(&self, name: &str) -> bool {
        match &self.signing {
            Signing::Joined { order } => {
                order.contains(&name) || (name == VERSION && self.version.is_some())
            }
            Signing::Jws { header, claims } => {
                let in_claims = claims.iter().any(|claim| match claim {
                    Claim::Field(own) => *own == name,
                    Claim::Object(_, members) => members.contains(&name),
                });
                in_claims
                    || header
                        .iter()
                        .any(|(_, value)| matches!(value, HeaderValue::Field(own) if *own == name))
            }
        }
    }

    /// The name of the member that holds the result.
    pub fn result(&self) -> &'static str {
        match self.signing {
            Signing::Joined { .. } => "signature",
            Signing::Jws { .. } => "jws",
        }
    }
}

impl KeyUse {
    /// Every use there is.
    pub const ALL: &[Self] = &[Self::AdNetwork, Self::InAppPurchase, Self::AuthToken];

    /// The name of the formats that such a key signs, as a key ring says it.
    pub fn family(self) -> &'static str {
        match self {
            Self::AdNetwork => "ad-network",
            Self::AuthToken => "impact",
            Self::InAppPurchase => "app-store",
        }
    }

    /// The use with this name.
    pub fn of_family(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|of| of.family() == name)
    }

    /// The algorithm such a key is for.
    pub fn alg(self) -> Alg {
        match self {
            Self::AdNetwork | Self::InAppPurchase => Alg::Es256,
            Self::AuthToken => Alg::Hs256,
        }
    }

    /// The beginning of the right and of the wrong key file's name, where a
    /// vendor names its files; the key's id follows, then `.p8`.
    pub fn file_names(self) -> Option<(&'static str, &'static str)> {
        match self {
            Self::InAppPurchase => Some(("SubscriptionKey_", "AuthKey_")),
            Self::AdNetwork | Self::AuthToken => None,
        }
    }

    /// The key in words.
    pub fn describe(self) -> &'static str {
        match self {
            Self::AdNetwork => "the ad network's P-256 key",
            Self::AuthToken => "the account's Auth Token (a shared secret)",
            Self::InAppPurchase => "the In-App Purchase key of App Store Connect",
        }
    }
}

impl Alg {
    /// The name of RFC 7518 §3.1.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Es256 => "ES256",
            Self::Hs256 => "HS256",
        }
    }
}

impl fmt::Display for Alg {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The members that say from when and until when a record may be used, in
/// milliseconds since 1970; none of them is signed.
pub const USE_WINDOW: [&str; 2] = ["use_after", "use_before"];

/// How long before the end of its documented life a signature should no more
/// be served, in milliseconds: it is used some time after it was served.
pub const SERVE_MARGIN: u64 = 10 * 60 * 1000;

/// The name of the field that picks the layout.
pub const VERSION: &str = "version";

#[cfg(test)]
mod tests;

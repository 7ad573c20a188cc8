//! SKAdNetwork postbacks, 1.0 to 4.0, the keys that sign all of Apple's
//! postbacks, and the forms of their values.
//!
//! Apple's pages leave it open what a field may be beyond its examples; what
//! stands here holds for every published example that verifies.

use super::kind::Kind;
use super::postback::{
    AppleKey, Environment, KeyChoice, Postback, PostbackField, PostbackSigning, PostbackVersion,
    Role, Slot,
};
use super::problem::{Code, Fault};

const PRODUCTION: &str = "apple-cas-identifier/0";

/// Apple publishes them on the pages about verifying postbacks. The first one
/// signs SKAdNetwork postbacks from 2.1 on as well.
pub(super) static KEYS: &[AppleKey] = &[
    AppleKey {
        kid: PRODUCTION,
        environment: Environment::Production,
        spki: "MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEWdp8GPcGqmhgzEFj9Z2nSpQVddayaPe4FMzqM9wib1+a\
               HaaIzoHoLN9zW4K8y4SPykE3YVK3sVqW6Af0lfx3gg==",
    },
    AppleKey {
        kid: "apple-development-identifier/0",
        environment: Environment::Development,
        spki: "MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAELeEDzpJEP+/qRSE5hJVC1p1J0ssUnQGMzBBbvnACBok8\
               OVGGLgxL0myrKiy6lvRtSlLRsWit87i+vftD8AEqeQ==",
    },
    AppleKey {
        kid: "apple-development-identifier/1",
        environment: Environment::Development,
        spki: "MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAE8YzdO7eM97s/IJ25kdW5CZ3A14USE5IJ5Ha/vhWaxI6U\
               BI1ZxCEvjrKxVluVGe6qWwF1BDFq+QHqKfH5u+wxHQ==",
    },
];

/// What the signed formats call that which a postback repeats.
pub(super) static SIGNED: &[(&str, Role)] = &[
    ("advertised-item-identifier", Role::App),
    ("campaign-id", Role::Campaign),
    ("itunes-item-id", Role::App),
    ("itunes_item_id", Role::App),
    ("source-identifier", Role::Source),
    ("source_identifier", Role::Source),
];

/// Any number that 64 bits hold.
pub(super) const NUMBER: Kind = Kind::Integer {
    min: 0,
    max: u64::MAX,
};

/// A string, in the postback; the impression has a number.
pub(super) const SOURCE_DIGITS: Kind = Kind::Pattern {
    regex: "^[0-9]{2,4}$",
    wanted: "a string of two to four digits",
    check: source_digits,
};

fn source_digits(text: &str) -> Result<(), Fault> {
    let is_digits = text.bytes().all(|byte| byte.is_ascii_digit());
    if is_digits && (2..=4).contains(&text.len()) {
        return Ok(());
    }
    Err(Fault::new(Code::BadText, "a string of two to four digits"))
}

/// A domain. It shares its place in the signed text with an app's id, so what
/// could be read as one is refused: a number under the other name would verify.
const SITE: Kind = Kind::Pattern {
    regex: "^(?=.*[^0-9.]).+[.].+$",
    wanted: "a domain, like example.com",
    check: site,
};

fn site(text: &str) -> Result<(), Fault> {
    let is_number = text.bytes().all(|b| b.is_ascii_digit() || b == b'.');
    match text.split_once('.') {
        Some((name, top)) if !name.is_empty() && !top.is_empty() && !is_number => Ok(()),
        _ => Err(Fault::new(Code::BadText, "a domain, like example.com")),
    }
}

pub(super) const fn field(name: &'static str, kind: Kind, doc: &'static str) -> PostbackField {
    PostbackField {
        name,
        kind,
        role: None,
        doc,
    }
}

impl PostbackField {
    pub(super) const fn role(mut self, role: Role) -> Self {
        self.role = Some(role);
        self
    }
}

pub(super) const fn must(names: &'static [&'static str]) -> Slot {
    Slot {
        names,
        required: true,
    }
}

pub(super) const fn may(names: &'static [&'static str]) -> Slot {
    Slot {
        names,
        required: false,
    }
}

const P192: (&str, &str) = (
    "is signed with a P-192 key, which is not supported",
    "count it as unverified; Apple signs with P-256 from 2.1 on",
);

const fn joined(name: &'static str, slots: &'static [Slot], key: KeyChoice) -> PostbackVersion {
    PostbackVersion {
        name: Some(name),
        is_silent: false,
        signing: PostbackSigning::Joined(slots),
        key,
    }
}

/// SKAdNetwork install-validation postbacks.
pub(super) static SKADNETWORK: Postback = Postback {
    id: "skadnetwork",
    title: "SKAdNetwork",
    sources: &[
        "Apple, StoreKit: Verifying an install-validation postback",
        "Apple, StoreKit: Combining parameters for SKAdNetwork 3 postbacks",
        "Apple, StoreKit: Combining parameters for previous SKAdNetwork postback versions",
    ],
    result: "attribution-signature",
    fields: &[
        field("version", Kind::Text, "The version; 1.0 has none.").role(Role::Version),
        field("ad-network-id", Kind::Text, "The ad network's id.").role(Role::Network),
        field("campaign-id", NUMBER, "The campaign, up to 3.0.").role(Role::Campaign),
        field(
            "source-identifier",
            SOURCE_DIGITS,
            "The campaign code, 4.0; its last digits only where Apple keeps the others back.",
        )
        .role(Role::Source),
        field("app-id", NUMBER, "App Store item id of the advertised app.").role(Role::App),
        field("transaction-id", Kind::Text, "One for each postback.").role(Role::Id),
        field(
            "redownload",
            Kind::Boolean,
            "Whether the app was there before.",
        ),
        field("source-app-id", NUMBER, "The app that showed the ad."),
        field("source-domain", SITE, "The site that showed the ad, 4.0."),
        field(
            "fidelity-type",
            NUMBER,
            "0 view-through, 1 StoreKit-rendered or web, from 2.2 on.",
        ),
        field(
            "did-win",
            Kind::Boolean,
            "Whether this network won, from 3.0 on.",
        )
        .role(Role::Won),
        field("postback-sequence-index", NUMBER, "0, 1 or 2, 4.0.").role(Role::Sequence),
    ],
    unsigned: &[
        ("conversion-value", "0 to 63; anybody could change it."),
        (
            "coarse-conversion-value",
            "low, medium or high; anybody could change it.",
        ),
    ],
    versions: &[
        PostbackVersion {
            name: Some("1.0"),
            is_silent: true,
            signing: PostbackSigning::Joined(&[
                must(&["ad-network-id"]),
                must(&["campaign-id"]),
                must(&["app-id"]),
                must(&["transaction-id"]),
            ]),
            key: KeyChoice::Unsupported(P192.0, P192.1),
        },
        joined("2.0", UP_TO_2_1, KeyChoice::Unsupported(P192.0, P192.1)),
        joined("2.1", UP_TO_2_1, KeyChoice::Fixed(PRODUCTION)),
        joined(
            "2.2",
            &[
                must(&["version"]),
                must(&["ad-network-id"]),
                must(&["campaign-id"]),
                must(&["app-id"]),
                must(&["transaction-id"]),
                must(&["redownload"]),
                may(&["source-app-id"]),
                must(&["fidelity-type"]),
            ],
            KeyChoice::Fixed(PRODUCTION),
        ),
        joined(
            "3.0",
            &[
                must(&["version"]),
                must(&["ad-network-id"]),
                must(&["campaign-id"]),
                must(&["app-id"]),
                must(&["transaction-id"]),
                must(&["redownload"]),
                may(&["source-app-id"]),
                must(&["fidelity-type"]),
                must(&["did-win"]),
            ],
            KeyChoice::Fixed(PRODUCTION),
        ),
        joined(
            "4.0",
            &[
                must(&["version"]),
                must(&["ad-network-id"]),
                must(&["source-identifier"]),
                must(&["app-id"]),
                must(&["transaction-id"]),
                must(&["redownload"]),
                may(&["source-app-id", "source-domain"]),
                must(&["fidelity-type"]),
                must(&["did-win"]),
                must(&["postback-sequence-index"]),
            ],
            KeyChoice::Fixed(PRODUCTION),
        ),
    ],
};

const UP_TO_2_1: &[Slot] = &[
    must(&["version"]),
    must(&["ad-network-id"]),
    must(&["campaign-id"]),
    must(&["app-id"]),
    must(&["transaction-id"]),
    must(&["redownload"]),
    may(&["source-app-id"]),
];

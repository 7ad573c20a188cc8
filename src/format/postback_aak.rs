//! AdAttributionKit postbacks: a token in a body, of which nothing else is
//! signed.

use super::kind::Kind;
use super::postback::{KeyChoice, Postback, PostbackSigning, PostbackVersion, Role};
use super::postback_apple::{NUMBER, SOURCE_DIGITS, field, may, must};

/// AdAttributionKit postbacks, iOS 17.4 and later.
pub(super) static AD_ATTRIBUTION_KIT: Postback = Postback {
    id: "adattributionkit",
    title: "AdAttributionKit",
    sources: &[
        "Apple, AdAttributionKit: Identifying the parameters in a postback",
        "Apple, AdAttributionKit: Verifying a postback",
    ],
    result: "jws-string",
    fields: &[
        field(
            "advertised-item-identifier",
            NUMBER,
            "App Store item id of the advertised app.",
        )
        .role(Role::App),
        field(
            "conversion-type",
            Kind::Text,
            "download, redownload or re-engagement.",
        ),
        field(
            "marketplace-identifier",
            Kind::Text,
            "The store that the app came from.",
        ),
        field("ad-network-identifier", Kind::Text, "The ad network's id.").role(Role::Network),
        field("impression-type", Kind::Text, "app-impression."),
        field("postback-sequence-index", NUMBER, "0, 1 or 2.").role(Role::Sequence),
        field(
            "source-identifier",
            SOURCE_DIGITS,
            "The campaign code; its last digits only where Apple keeps the others back.",
        )
        .role(Role::Source),
        field("did-win", Kind::Boolean, "Whether this network won.").role(Role::Won),
        field("postback-identifier", Kind::Text, "One for each postback.").role(Role::Id),
        field(
            "publisher-item-identifier",
            NUMBER,
            "The app that showed the ad.",
        ),
    ],
    unsigned: &[
        ("conversion-value", "0 to 63; anybody could change it."),
        (
            "coarse-conversion-value",
            "low, medium or high; anybody could change it.",
        ),
        (
            "ad-interaction-type",
            "view or click; anybody could change it.",
        ),
        ("country-code", "The country; anybody could change it."),
    ],
    versions: &[PostbackVersion {
        name: None,
        is_silent: true,
        signing: PostbackSigning::Token(&[
            must(&["advertised-item-identifier"]),
            must(&["conversion-type"]),
            may(&["marketplace-identifier"]),
            must(&["ad-network-identifier"]),
            must(&["impression-type"]),
            must(&["postback-sequence-index"]),
            must(&["source-identifier"]),
            must(&["did-win"]),
            must(&["postback-identifier"]),
            may(&["publisher-item-identifier"]),
        ]),
        key: KeyChoice::Header("kid"),
    }],
};

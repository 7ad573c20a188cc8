//! SKAdNetwork for Web Ads.
//!
//! The device asks for the signed answer after a tap, naming the nonce and
//! the domain; both are signed, so a prepared answer is found by both.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use super::checks::{DOMAIN, ITEM_ID, NETWORK_ID, SITE, SOURCE_IDENTIFIER, network_suffix};
use super::shape::{Markup, Member, Node, Shape};
use super::{
    Derived, Field, Format, Freshness, KeyUse, Kind, Layout, Selector, Signing, Source, Unit,
};

/// An attributable web ad, iOS 16.1 and later, Safari.
pub(super) static WEB: Format = Format {
    id: "skan-web",
    title: "SKAdNetwork for Web Ads, AdImpressionResponse",
    purpose: "the answer a device fetches from the ad network after a tap on an \
              attributable web ad",
    sources: &[
        "Apple, SKAdNetwork for Web Ads: Generating a signature for attributable web ads",
        "Apple, SKAdNetwork for Web Ads: AdImpressionResponse",
    ],
    key: KeyUse::AdNetwork,
    fields: &[
        Field::new(
            "version",
            Kind::OneOf(&["4.0"]),
            Source::Version,
            "The SKAdNetwork version.",
        )
        .example("4.0"),
        Field::new(
            "ad_network_id",
            NETWORK_ID,
            Source::Required,
            "The ad network's registered id.",
        )
        .selects(Selector::AdNetwork)
        .example("example123.skadnetwork")
        .notice(network_suffix),
        Field::new(
            "source_identifier",
            SOURCE_IDENTIFIER,
            Source::Required,
            "The campaign code, two to four digits.",
        )
        .example("3120"),
        Field::new(
            "itunes_item_id",
            ITEM_ID,
            Source::Required,
            "App Store item id of the advertised app, as in the ad's link.",
        )
        .aliases(&["advertised_app_id"])
        .example("525463029"),
        Field::new(
            "nonce",
            Kind::Uuid,
            Source::Nonce,
            "UUID, one per ad served; the link carries its 16 bytes in base64url.",
        ),
        Field::new(
            "source_domain",
            DOMAIN,
            Source::Required,
            "Must equal the source_domain the device sends; Apple's pages disagree on whose it is.",
        )
        .example("example.com"),
        Field::new(
            "fidelity_type",
            Kind::Integer { min: 0, max: 1 },
            Source::Constant("1"),
            "Signed, but no part of the response.",
        ),
        Field::new(
            "timestamp",
            Kind::Time(Unit::Milliseconds),
            Source::Clock,
            "The time of the impression, in milliseconds.",
        ),
    ],
    layouts: &[Layout {
        version: Some("4.0"),
        signing: Signing::Joined {
            order: &[
                "version",
                "ad_network_id",
                "source_identifier",
                "itunes_item_id",
                "nonce",
                "source_domain",
                "fidelity_type",
                "timestamp",
            ],
        },
    }],
    freshness: Freshness::Silent,
    // One ad may be shown on several sites: one answer for each domain.
    nonce_scope: &["source_domain"],
    derived: &[Derived {
        name: "attributionSourceNonce",
        from: "nonce",
        make: attribution_source_nonce,
        doc: "The nonce's 16 bytes in base64url without padding, as the ad's link carries them.",
    }],
    unsigned: &[Field::new(
        "attributionDestination",
        SITE,
        Source::Required,
        "The ad network's site, which the device asks: https:// and its registrable domain.",
    )
    .example("https://example.com")],
    shapes: &[
        Shape {
            name: "native",
            doc: "AdImpressionResponse, the body of the answer to the device",
            source: "Apple, SKAdNetwork for Web Ads: AdImpressionResponse",
            members: RESPONSE,
            versions: None,
            demands: &[],
            joins: false,
        },
        Shape {
            name: "web-bundle",
            doc: "what an ad server needs for one nonce: the keys of the device's request, the \
                  ad's link, and the response",
            source: "Apple, SKAdNetwork for Web Ads: Creating an attributable ad link",
            members: &[
                Member::new(
                    "source_nonce",
                    Node::Derived("attributionSourceNonce"),
                    "source_nonce of the device's request.",
                ),
                Member::new(
                    "source_domain",
                    Node::Field("source_domain"),
                    "source_domain of the device's request.",
                ),
                Member::new(
                    "attributionDestination",
                    Node::Field("attributionDestination"),
                    "The site that the device asks; not signed.",
                ),
                Member::new(
                    "link",
                    Node::Markup(LINK),
                    "The link's element, without content, escaped for HTML.",
                ),
                Member::new(
                    "response",
                    Node::Object(RESPONSE),
                    "AdImpressionResponse, the body of the answer.",
                ),
            ],
            versions: None,
            demands: &[],
            joins: false,
        },
    ],
};

const LINK: &[Markup] = &[
    Markup::Text("<a href=\"https://apps.apple.com/app/id"),
    Markup::Field("itunes_item_id"),
    Markup::Text("\" attributionDestination=\""),
    Markup::Field("attributionDestination"),
    Markup::Text("\" attributionSourceNonce=\""),
    Markup::Derived("attributionSourceNonce"),
    Markup::Text("\"></a>"),
];

/// The fidelity is signed and no part of it.
const RESPONSE: &[Member] = &[
    Member::new("version", Node::Field("version"), "4.0."),
    Member::new(
        "ad_network_id",
        Node::Field("ad_network_id"),
        "The ad network's id.",
    ),
    Member::new(
        "source_identifier",
        Node::Field("source_identifier"),
        "The campaign code.",
    ),
    Member::new(
        "itunes_item_id",
        Node::Field("itunes_item_id"),
        "The advertised app, as in the link.",
    ),
    Member::new("nonce", Node::Field("nonce"), "The nonce as a UUID."),
    Member::new(
        "source_domain",
        Node::Field("source_domain"),
        "The domain, as the request has it.",
    ),
    Member::new(
        "timestamp",
        Node::Field("timestamp"),
        "Milliseconds since 1970.",
    ),
    Member::new("signature", Node::Result, "The signature."),
];

/// The link's form of the nonce: base64url of the UUID's 16 bytes, not of its
/// text.
fn attribution_source_nonce(nonce: &str) -> String {
    match uuid::Uuid::try_parse(nonce) {
        Ok(uuid) => URL_SAFE_NO_PAD.encode(uuid.as_bytes()),
        // A checked nonce always parses; an empty text would be seen at once.
        Err(_) => String::new(),
    }
}

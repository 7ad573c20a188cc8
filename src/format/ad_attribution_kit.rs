//! AdAttributionKit: impressions as compact JWS.
//!
//! One JWS authorises one impression, whatever the app then shows:
//! view-through, custom click and StoreKit-rendered ads take the same token.

use super::Unit;
use super::checks;
use super::checks::{ITEM_ID, NETWORK_ID, PUBLISHER_ID, SOURCE_IDENTIFIER};
use super::checks::{development, network_suffix};
use super::shape::{Member, Node, Shape};
use super::{
    Claim, Field, Format, Freshness, HeaderValue, KeyUse, Kind, Layout, Selector, Signing, Source,
};

/// AdAttributionKit impression, iOS 17.4 and later.
pub(super) static IMPRESSION: Format = Format {
    id: "aak-impression",
    title: "AdAttributionKit impression",
    purpose: "authorises one ad impression for install attribution, re-install and \
              re-engagement; the publisher's app hands it to AppImpression",
    sources: &[
        "Apple, AdAttributionKit: Generating JWS impressions",
        "Apple, AdAttributionKit: AppImpression",
    ],
    key: KeyUse::AdNetwork,
    fields: &[
        Field::new(
            "impression-identifier",
            Kind::Uuid,
            Source::Nonce,
            "UUID, one per impression.",
        ),
        Field::new(
            "publisher-item-identifier",
            PUBLISHER_ID,
            Source::Required,
            "App Store item id of the app that shows the ad; 0 makes a development impression.",
        )
        .aliases(&["source_app_id"])
        .example("5838492")
        .notice(development),
        Field::new(
            "impression-type",
            Kind::OneOf(&["app-impression"]),
            Source::Constant("app-impression"),
            "The only value documented.",
        ),
        Field::new(
            "ad-network-identifier",
            NETWORK_ID,
            Source::Required,
            "The ad network's id; also the header's kid.",
        )
        .selects(Selector::AdNetwork)
        .aliases(&["ad_network_id"])
        .example("example123.adattributionkit")
        .notice(network_suffix),
        Field::new(
            "source-identifier",
            SOURCE_IDENTIFIER,
            Source::Required,
            "The campaign code, two to four digits, of the network's own meaning.",
        )
        .example("5239"),
        Field::new(
            "timestamp",
            Kind::Time(Unit::Milliseconds),
            Source::Clock,
            "When the ad network created the impression, in milliseconds.",
        ),
        Field::new(
            "advertised-item-identifier",
            ITEM_ID,
            Source::Required,
            "App Store item id of the advertised app.",
        )
        .aliases(&["advertised_app_id"])
        .example("1108187390"),
        // Apple shows the claim only where it is true, so false is left out.
        Field::new(
            "eligible-for-re-engagement",
            Kind::Boolean,
            Source::Optional,
            "true allows re-engagement conversions (iOS 18 and later); left out when false.",
        )
        .example("true")
        .omit("false"),
    ],
    layouts: &[Layout {
        version: None,
        signing: Signing::Jws {
            header: &[
                ("alg", HeaderValue::Constant("ES256")),
                ("kid", HeaderValue::Field("ad-network-identifier")),
            ],
            claims: &[
                Claim::Field("impression-identifier"),
                Claim::Field("publisher-item-identifier"),
                Claim::Field("impression-type"),
                Claim::Field("ad-network-identifier"),
                Claim::Field("source-identifier"),
                Claim::Field("timestamp"),
                Claim::Field("advertised-item-identifier"),
                Claim::Field("eligible-for-re-engagement"),
            ],
        },
    }],
    freshness: Freshness::Silent,
    nonce_scope: &[],
    derived: &[],
    unsigned: &[REENGAGEMENT_URL, PRODUCT_PAGE],
    shapes: &[
        Shape {
            name: "native",
            doc: "the compact JWS that the app gives to AppImpression, with what a server \
                  finds it by",
            source: "Apple, AdAttributionKit: Generating JWS impressions",
            members: &[
                Member::new(
                    "jws",
                    Node::Result,
                    "The compact JWS, all that the app needs.",
                ),
                Member::new(
                    "impression_identifier",
                    Node::Field("impression-identifier"),
                    "The impression's UUID.",
                ),
                Member::new(
                    "advertised_item_identifier",
                    Node::Field("advertised-item-identifier"),
                    "The advertised app.",
                ),
                Member::new(
                    "publisher_item_identifier",
                    Node::Field("publisher-item-identifier"),
                    "The app that shows the ad.",
                ),
                Member::new(
                    "source_identifier",
                    Node::Field("source-identifier"),
                    "The campaign code.",
                ),
                Member::new(
                    "timestamp",
                    Node::Field("timestamp"),
                    "Milliseconds since 1970.",
                ),
                Member::new(
                    "reengagement_url",
                    Node::Field("reengagement_url"),
                    "For handleTap(reengagementURL:); not signed.",
                ),
            ],
            versions: None,
            demands: &[],
            joins: false,
        },
        draft("openrtb-draft", DRAFT),
        draft("openrtb-draft-aakn", EARLIER_DRAFT),
    ],
};

const fn draft(name: &'static str, members: &'static [Member]) -> Shape {
    Shape {
        name,
        doc: "a DRAFT, whose names may change: the content of an OpenRTB bid's ext with its \
              AdAttributionKit object",
        source: "IAB Tech Lab, openrtb: pull request 209, AdAttributionKit (a draft)",
        members,
        versions: None,
        demands: &[],
        joins: true,
    }
}

const DRAFT: &[Member] = &[Member::new(
    "adattributionkit",
    Node::Object(DRAFT_MEMBERS),
    "The AdAttributionKit object of the draft.",
)];

const EARLIER_DRAFT: &[Member] = &[Member::new(
    "aakn",
    Node::Object(DRAFT_MEMBERS),
    "The AdAttributionKit object under its earlier name.",
)];

const DRAFT_MEMBERS: &[Member] = &[
    Member::new("jwt", Node::Result, "The compact JWS."),
    Member::new(
        "version",
        Node::Constant("1.0"),
        "The version of AdAttributionKit.",
    ),
    Member::new(
        "itunesitem",
        Node::Text("advertised-item-identifier"),
        "App Store item id of the advertised app, as a string.",
    ),
    Member::new(
        "cpp",
        Node::Field("cpp"),
        "The custom product page; not signed.",
    ),
    Member::new(
        "reengagementurl",
        Node::Field("reengagement_url"),
        "The re-engagement URL; not signed.",
    ),
];

const REENGAGEMENT_URL: Field = Field::new(
    "reengagement_url",
    checks::UNIVERSAL_LINK,
    Source::Optional,
    "A universal link of the advertised app, for re-engagement.",
)
.example("https://example.com/welcome-back");

const PRODUCT_PAGE: Field = Field::new(
    "cpp",
    Kind::Text,
    Source::Optional,
    "The id of a custom product page.",
)
.example("45812c9b-c296-43d3-c6a0-c5a02f74bf6e");

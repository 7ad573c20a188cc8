//! AdAttributionKit: impressions as compact JWS.
//!
//! One JWS authorises one impression, whatever the app then shows:
//! view-through, custom click and StoreKit-rendered ads take the same token.

use super::Unit;
use super::checks::{ITEM_ID, NETWORK_ID, PUBLISHER_ID, SOURCE_IDENTIFIER};
use super::checks::{development, network_suffix};
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
};

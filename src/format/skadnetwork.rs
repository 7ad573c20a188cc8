//! SKAdNetwork: StoreKit-rendered and view-through ads.
//!
//! Both join the same values in the same order; only the fidelity differs,
//! and view-through ads start with version 2.2. The names of the fields never
//! enter the signed bytes.

use super::checks::{ITEM_ID, NETWORK_ID, PUBLISHER_ID, SOURCE_IDENTIFIER};
use super::checks::{development, network_suffix};
use super::shape::Shape;
use super::skadnetwork_shapes::{
    AD_IMPRESSION, OPENRTB_SHAPE, PRODUCT_PARAMETERS, UNSIGNED_STOREKIT, UNSIGNED_VIEW,
};
use super::{Field, Format, Freshness, KeyUse, Kind, Layout, Selector, Signing, Source, Unit};

/// The ad opens the App Store's product sheet inside the publisher's app.
pub(super) static STOREKIT: Format = Format {
    id: "skan-storekit",
    title: "SKAdNetwork StoreKit-rendered ad signature",
    purpose: "an ad that opens the App Store product sheet in the publisher's app, which \
              passes it to SKStoreProductViewController",
    sources: &[
        "Apple, StoreKit: Generating the signature to validate StoreKit-rendered ads",
        "Apple, StoreKit: Combining parameters to generate signatures for SKAdNetwork 2.2 and 3",
        "Apple, StoreKit: Combining parameters to generate signatures for SKAdNetwork 2",
        "Apple, StoreKit: Combining parameters to generate signatures for SKAdNetwork 1",
        "Apple, StoreKit: Ad network install-validation keys",
    ],
    key: KeyUse::AdNetwork,
    fields: &fields("1", &["1.0", "2.0", "2.1", "2.2", "3.0", "4.0"]),
    layouts: &[
        Layout {
            version: Some("1.0"),
            signing: Signing::Joined {
                order: &[
                    "ad-network-id",
                    "campaign-id",
                    "itunes-item-id",
                    "nonce",
                    "timestamp",
                ],
            },
        },
        joined("2.0", BEFORE_FIDELITY),
        joined("2.1", BEFORE_FIDELITY),
        joined("2.2", WITH_FIDELITY),
        joined("3.0", WITH_FIDELITY),
        joined("4.0", WITH_SOURCE_IDENTIFIER),
    ],
    freshness: Freshness::Silent,
    nonce_scope: &[],
    derived: &[],
    unsigned: UNSIGNED_STOREKIT,
    shapes: &[
        Shape {
            name: "native",
            doc: "the parameters of SKStoreProductViewController.loadProduct, by the names of their \
                  constants",
            source: "Apple, StoreKit: SKStoreProductViewController, loadProduct(withParameters:)",
            members: PRODUCT_PARAMETERS,
            versions: None,
            demands: &[],
            joins: false,
        },
        OPENRTB_SHAPE,
        Shape {
            name: "openrtb-draft",
            doc: "as openrtb; beside it may stand the AdAttributionKit object of a DRAFT",
            ..OPENRTB_SHAPE
        },
    ],
};

/// The app draws the ad itself and is credited for its being seen.
pub(super) static VIEW: Format = Format {
    id: "skan-view",
    title: "SKAdNetwork view-through ad signature",
    purpose: "a custom-rendered ad credited for being seen; the publisher's app passes it \
              to SKAdNetwork.startImpression",
    sources: &[
        "Apple, StoreKit: Generating the signature to validate view-through ads",
        "Apple, StoreKit: SKAdImpression",
    ],
    key: KeyUse::AdNetwork,
    fields: &fields("0", &["2.2", "3.0", "4.0"]),
    layouts: &[
        joined("2.2", WITH_FIDELITY),
        joined("3.0", WITH_FIDELITY),
        joined("4.0", WITH_SOURCE_IDENTIFIER),
    ],
    freshness: Freshness::Silent,
    nonce_scope: &[],
    derived: &[],
    unsigned: UNSIGNED_VIEW,
    shapes: &[
        Shape {
            name: "native",
            doc: "the properties of SKAdImpression",
            source: "Apple, StoreKit: SKAdImpression",
            members: AD_IMPRESSION,
            versions: None,
            demands: &[],
            joins: false,
        },
        OPENRTB_SHAPE,
        Shape {
            name: "openrtb-draft",
            doc: "as openrtb; beside it may stand the AdAttributionKit object of a DRAFT",
            ..OPENRTB_SHAPE
        },
    ],
};

const BEFORE_FIDELITY: &[&str] = &[
    "version",
    "ad-network-id",
    "campaign-id",
    "itunes-item-id",
    "nonce",
    "source-app-id",
    "timestamp",
];

const WITH_FIDELITY: &[&str] = &[
    "version",
    "ad-network-id",
    "campaign-id",
    "itunes-item-id",
    "nonce",
    "source-app-id",
    "fidelity-type",
    "timestamp",
];

const WITH_SOURCE_IDENTIFIER: &[&str] = &[
    "version",
    "ad-network-id",
    "source-identifier",
    "itunes-item-id",
    "nonce",
    "source-app-id",
    "fidelity-type",
    "timestamp",
];

const fn joined(version: &'static str, order: &'static [&'static str]) -> Layout {
    Layout {
        version: Some(version),
        signing: Signing::Joined { order },
    }
}

const fn fields(fidelity: &'static str, versions: &'static [&'static str]) -> [Field; 9] {
    [
        Field::new(
            "version",
            Kind::OneOf(versions),
            Source::Version,
            "The SKAdNetwork version, exactly so: 4.0, not 4.",
        )
        .example("4.0"),
        Field::new(
            "ad-network-id",
            NETWORK_ID,
            Source::Required,
            "The ad network's registered id.",
        )
        .selects(Selector::AdNetwork)
        .example("example123.skadnetwork")
        .notice(network_suffix),
        Field::new(
            "campaign-id",
            Kind::Integer { min: 1, max: 100 },
            Source::Required,
            "The campaign, versions up to 3.0.",
        )
        .example("42"),
        Field::new(
            "source-identifier",
            SOURCE_IDENTIFIER,
            Source::Required,
            "The campaign code, two to four digits, version 4.0.",
        )
        .replaces("campaign-id")
        .example("5239"),
        Field::new(
            "itunes-item-id",
            ITEM_ID,
            Source::Required,
            "App Store item id of the advertised app.",
        )
        .aliases(&["advertised_app_id"])
        .example("525463029"),
        Field::new(
            "nonce",
            Kind::Uuid,
            Source::Nonce,
            "UUID, one per impression, lower case in the signed text.",
        ),
        Field::new(
            "source-app-id",
            PUBLISHER_ID,
            Source::Required,
            "App Store item id of the app that shows the ad; 0 in development builds.",
        )
        .example("1234567891")
        .notice(development),
        Field::new(
            "fidelity-type",
            Kind::Integer { min: 0, max: 1 },
            Source::Constant(fidelity),
            "0 for view-through ads, 1 for StoreKit-rendered ones.",
        ),
        Field::new(
            "timestamp",
            Kind::Time(Unit::Milliseconds),
            Source::Clock,
            "Near the time of the ad impression, in milliseconds.",
        ),
    ]
}

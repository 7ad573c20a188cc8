//! App Store request JWS: promotional offers, introductory eligibility and
//! Advanced Commerce requests.
//!
//! All three share their header and base claims. `exp` must not be there:
//! the App Store computes its own, unpublished, expiry from `iat`.

use super::Unit;
use super::advanced_commerce;
use super::shape::{Member, Node, Shape};
use super::{
    Claim, Field, Format, Freshness, HeaderValue, KeyUse, Kind, Layout, Selector, Signing, Source,
};
use crate::json::Shape as JsonShape;

/// Promotional offer, the JWS form.
pub(super) static PROMO_V2: Format = Format {
    id: "appstore-promo-v2",
    title: "App Store promotional offer JWS",
    purpose: "entitles one customer to a subscription's promotional offer; the app passes it \
              to the purchase as compactJWS",
    sources: SOURCES,
    key: KeyUse::InAppPurchase,
    fields: &[
        KEY_ID,
        ISSUER,
        ISSUED_AT,
        audience("promotional-offer"),
        BUNDLE_ID,
        NONCE,
        PRODUCT_ID,
        Field::new(
            "offerIdentifier",
            Kind::Text,
            Source::Required,
            "The offer as set in App Store Connect; case counts.",
        )
        .example("winback50"),
        Field::new(
            "transactionId",
            Kind::Text,
            Source::Optional,
            "Any transaction of the customer, or their appTransactionID; recommended.",
        )
        .example("2000000912345678"),
    ],
    layouts: &[Layout {
        version: None,
        signing: Signing::Jws {
            header: HEADER,
            claims: &[
                Claim::Field("iss"),
                Claim::Field("iat"),
                Claim::Field("aud"),
                Claim::Field("bid"),
                Claim::Field("nonce"),
                Claim::Field("productId"),
                Claim::Field("offerIdentifier"),
                Claim::Field("transactionId"),
            ],
        },
    }],
    freshness: Freshness::Unpublished,
    nonce_scope: &[],
    derived: &[],
    unsigned: &[MESSAGE],
    shapes: &[
        Shape {
            name: "native",
            doc: "the arguments of the purchase option promotionalOffer(_:compactJWS:)",
            source: "Apple, StoreKit: Product.PurchaseOption, promotionalOffer(_:compactJWS:)",
            members: &[
                Member::new("offerID", Node::Field("offerIdentifier"), "The offer."),
                COMPACT,
            ],
            versions: None,
            demands: &[],
            joins: false,
        },
        Shape {
            name: "retention",
            doc: "the answer to the Retention Messaging API that offers a promotional offer",
            source: "Apple, Retention Messaging API: promotionalOffer",
            members: &[Member::new(
                "promotionalOffer",
                Node::Object(&[
                    MESSAGE_IDENTIFIER,
                    Member::new(
                        "promotionalOfferSignatureV2",
                        Node::Result,
                        "The compact JWS; product and offer stand inside.",
                    ),
                ]),
                "The offer.",
            )],
            versions: None,
            // It must be the request's originalTransactionId.
            demands: &["transactionId"],
            joins: false,
        },
    ],
};

/// Introductory offer eligibility.
pub(super) static INTRO: Format = Format {
    id: "appstore-intro",
    title: "App Store introductory offer eligibility JWS",
    purpose: "grants or denies one customer a subscription's introductory offer",
    sources: SOURCES,
    key: KeyUse::InAppPurchase,
    fields: &[
        KEY_ID,
        ISSUER,
        ISSUED_AT,
        audience("introductory-offer-eligibility"),
        BUNDLE_ID,
        NONCE,
        PRODUCT_ID,
        Field::new(
            "allowIntroductoryOffer",
            Kind::Boolean,
            Source::Required,
            "true grants the offer, false denies it.",
        )
        .example("true"),
        Field::new(
            "transactionId",
            Kind::Text,
            Source::Required,
            "A transaction of the customer, or their appTransactionID.",
        )
        .example("2000000912345678"),
    ],
    layouts: &[Layout {
        version: None,
        signing: Signing::Jws {
            header: HEADER,
            claims: &[
                Claim::Field("iss"),
                Claim::Field("iat"),
                Claim::Field("aud"),
                Claim::Field("bid"),
                Claim::Field("nonce"),
                Claim::Field("productId"),
                Claim::Field("allowIntroductoryOffer"),
                Claim::Field("transactionId"),
            ],
        },
    }],
    freshness: Freshness::Unpublished,
    nonce_scope: &[],
    derived: &[],
    unsigned: &[],
    shapes: &[Shape {
        name: "native",
        doc: "the argument of the purchase option introductoryOfferEligibility(compactJWS:)",
        source: "Apple, StoreKit: Product.PurchaseOption, \
                 introductoryOfferEligibility(compactJWS:)",
        members: &[COMPACT],
        versions: None,
        demands: &[],
        joins: false,
    }],
};

/// Advanced Commerce request made from the app.
pub(super) static ADVANCED_COMMERCE: Format = Format {
    id: "appstore-advanced-commerce",
    title: "App Store Advanced Commerce in-app request JWS",
    purpose: "carries one Advanced Commerce request from the app to the App Store",
    sources: &[
        SOURCES[0],
        "Apple, StoreKit: Sending Advanced Commerce API requests from your app",
    ],
    key: KeyUse::InAppPurchase,
    fields: &[
        KEY_ID,
        ISSUER,
        ISSUED_AT,
        audience("advanced-commerce-api"),
        BUNDLE_ID,
        NONCE,
        Field::new(
            "request",
            Kind::Json {
                shape: JsonShape::Object,
                check: advanced_commerce::check,
            },
            Source::Required,
            "The request as a JSON object; signed as the base64 of its text. \
             requestInfo.requestReferenceId is generated where it is missing.",
        )
        .example(advanced_commerce::EXAMPLE)
        .wrapped(advanced_commerce::WRAPPING),
    ],
    layouts: &[Layout {
        version: None,
        signing: Signing::Jws {
            header: HEADER,
            claims: &[
                Claim::Field("iss"),
                Claim::Field("iat"),
                Claim::Field("aud"),
                Claim::Field("bid"),
                Claim::Field("nonce"),
                Claim::Field("request"),
            ],
        },
    }],
    freshness: Freshness::Unpublished,
    nonce_scope: &[],
    derived: &[],
    unsigned: &[],
    shapes: &[Shape {
        name: "native",
        doc: "the text of the custom purchase option advancedCommerceData; its token is the \
              compactJWS of newer systems",
        source: "Apple, StoreKit: Sending Advanced Commerce API requests from your app",
        members: &[Member::new(
            "signatureInfo",
            Node::Object(&[Member::new("token", Node::Result, "The compact JWS.")]),
            "What the option holds.",
        )],
        versions: None,
        demands: &[],
        joins: false,
    }],
};

const COMPACT: Member = Member::new("compactJWS", Node::Result, "The compact JWS.");

/// The message that a Retention Messaging answer shows.
pub(super) const MESSAGE: Field = Field::new(
    "messageIdentifier",
    Kind::Uuid,
    Source::Required,
    "The message to show, a UUID.",
)
.example("a1b2c3d4-5678-4abc-8def-0123456789ab");

/// The member that names it.
pub(super) const MESSAGE_IDENTIFIER: Member = Member::new(
    "messageIdentifier",
    Node::Field("messageIdentifier"),
    "The message to show; not signed.",
);

const SOURCES: &[&str] = &["Apple, StoreKit: Generating JWS to sign App Store requests"];

const HEADER: &[(&str, HeaderValue)] = &[
    ("alg", HeaderValue::Constant("ES256")),
    ("kid", HeaderValue::Field("kid")),
    ("typ", HeaderValue::Constant("JWT")),
];

const KEY_ID: Field = Field::new(
    "kid",
    Kind::Text,
    Source::KeyId { required: true },
    "The In-App Purchase key's id, ten characters.",
)
.selects(Selector::KeyId)
.aliases(&["key_id"])
.example("2X9R4HXF34");

const ISSUER: Field = Field::new(
    "iss",
    Kind::Text,
    Source::Required,
    "The issuer id of App Store Connect, a UUID.",
)
.aliases(&["issuer_id"])
.example("57246542-96fe-1a63-e053-0824d011072a");

const ISSUED_AT: Field = Field::new(
    "iat",
    Kind::Time(Unit::Seconds),
    Source::Clock,
    "The issue time in seconds.",
);

const fn audience(aud: &'static str) -> Field {
    Field::new(
        "aud",
        Kind::Text,
        Source::Constant(aud),
        "The audience, a string and never an array.",
    )
}

const BUNDLE_ID: Field = Field::new(
    "bid",
    Kind::Text,
    Source::Required,
    "The app's bundle id; case counts.",
)
.selects(Selector::Bundle)
.aliases(&["bundle_id"])
.example("com.example.app");

const NONCE: Field = Field::new(
    "nonce",
    Kind::Uuid,
    Source::Nonce,
    "UUID, good for one use.",
);

const PRODUCT_ID: Field = Field::new(
    "productId",
    Kind::Text,
    Source::Required,
    "The subscription's product id; case counts.",
)
.example("com.example.app.pro.monthly");

//! App Store promotional offers, the original signature.
//!
//! Still needed by apps on SKPaymentDiscount, or on StoreKit 2 before
//! Xcode 26. The only format whose documents name a life: 24 hours.

use super::app_store::{MESSAGE, MESSAGE_IDENTIFIER};
use super::problem::Notice;
use super::shape::{Member, Node, Shape};
use super::{Field, Format, Freshness, KeyUse, Kind, Layout, Selector, Signing, Source, Unit};

/// Promotional offer, the joined form.
pub(super) static PROMO_V1: Format = Format {
    id: "appstore-promo-v1",
    title: "App Store promotional offer signature (original API)",
    purpose: "entitles one customer to one attempt at a promotional offer through \
              SKPaymentDiscount",
    sources: &[
        "Apple, StoreKit: Generating a signature for promotional offers",
    ],
    key: KeyUse::InAppPurchase,
    fields: &[
        Field::new(
            "appBundleId",
            Kind::Text,
            Source::Required,
            "The app's bundle id; case counts.",
        ).selects(Selector::Bundle).aliases(&["bundle_id"])
        .example("com.example.app"),
        Field::new(
            "keyIdentifier",
            Kind::Text,
            Source::KeyId { required: true },
            "The In-App Purchase key's id.",
        ).selects(Selector::KeyId).aliases(&["key_id"])
        .example("2X9R4HXF34"),
        Field::new(
            "productIdentifier",
            Kind::Text,
            Source::Required,
            "The subscription's product id; case counts.",
        ).aliases(&["product_id"])
        .example("com.example.app.pro.monthly"),
        Field::new(
            "offerIdentifier",
            Kind::Text,
            Source::Required,
            "The offer as set in App Store Connect; case counts.",
        )
        .example("winback50"),
        Field::new(
            "appAccountToken",
            Kind::Text,
            Source::Default(""),
            "The customer's UUID or applicationUsername, lower-cased; may be empty, its place stays.",
        )
        .example("8f1c4b5e-7a1d-4a2f-9d3b-0f6c2e1a9b7d")
        .lowered()
        .notice(capitals),
        Field::new(
            "nonce",
            Kind::Uuid,
            Source::Nonce,
            "UUID, lower case in the signed text; good for one attempt to buy.",
        ),
        Field::new(
            "timestamp",
            Kind::Time(Unit::Milliseconds),
            Source::Clock,
            "Milliseconds; the offer stays active for 24 hours from it.",
        ),
    ],
    layouts: &[Layout {
        version: None,
        signing: Signing::Joined {
            order: &[
                "appBundleId",
                "keyIdentifier",
                "productIdentifier",
                "offerIdentifier",
                "appAccountToken",
                "nonce",
                "timestamp",
            ],
        },
    }],
    freshness: Freshness::Documented {
        millis: 24 * 60 * 60 * 1000,
    },
    nonce_scope: &[],
    derived: &[],
    unsigned: &[MESSAGE],
    shapes: &[
        Shape {
            name: "native",
            doc: "what the app makes an SKPaymentDiscount of, or the StoreKit 2 purchase option \
                  promotionalOffer; the app itself knows its bundle id",
            source: "Apple, StoreKit: Generating a signature for promotional offers",
            members: &[
                Member::new("keyIdentifier", Node::Field("keyIdentifier"), "The key's id."),
                Member::new("nonce", Node::Field("nonce"), "To be made a UUID."),
                Member::new(
                    "timestamp",
                    Node::Field("timestamp"),
                    "Milliseconds since 1970.",
                ),
                Member::new(
                    "signature",
                    Node::Result,
                    "SKPaymentDiscount takes this text, StoreKit 2 the bytes it encodes.",
                ),
                Member::new(
                    "offerIdentifier",
                    Node::Field("offerIdentifier"),
                    "The offer.",
                ),
                Member::new(
                    "productIdentifier",
                    Node::Field("productIdentifier"),
                    "The product.",
                ),
                Member::new(
                    "appAccountToken",
                    Node::Field("appAccountToken"),
                    "The token that was signed, a UUID; there is none where none was signed.",
                )
                .only(is_uuid),
                Member::new(
                    "applicationUsername",
                    Node::Field("appAccountToken"),
                    "The user name that was signed, where it is no UUID.",
                )
                .only(is_user_name),
            ],
            versions: None,
            demands: &[],
            joins: false,
        },
        Shape {
            name: "retention",
            doc: "the answer to the Retention Messaging API that offers a promotional offer",
            source: "Apple, Retention Messaging API: promotionalOfferSignatureV1",
            members: &[Member::new(
                "promotionalOffer",
                Node::Object(&[
                    MESSAGE_IDENTIFIER,
                    Member::new(
                        "promotionalOfferSignatureV1",
                        Node::Object(SIGNATURE_V1),
                        "The signature and what it was made of.",
                    ),
                ]),
                "The offer.",
            )],
            versions: None,
            demands: &[],
            joins: false,
        },
    ],
};

const SIGNATURE_V1: &[Member] = &[
    Member::new("encodedSignature", Node::Result, "The signature."),
    Member::new(
        "productId",
        Node::Field("productIdentifier"),
        "The product.",
    ),
    Member::new("nonce", Node::Field("nonce"), "The nonce."),
    Member::new(
        "timestamp",
        Node::Field("timestamp"),
        "Milliseconds since 1970.",
    ),
    Member::new("keyId", Node::Field("keyIdentifier"), "The key's id."),
    Member::new(
        "offerIdentifier",
        Node::Field("offerIdentifier"),
        "The offer.",
    ),
    Member::new(
        "appAccountToken",
        Node::Field("appAccountToken"),
        "The token that was signed; there is none where none was signed.",
    )
    .only(is_there),
];

fn is_there(token: &str) -> bool {
    !token.is_empty()
}

fn is_uuid(token: &str) -> bool {
    Kind::Uuid.read(token, &mut Vec::new()).is_ok()
}

fn is_user_name(token: &str) -> bool {
    !token.is_empty() && !is_uuid(token)
}

/// A UUID may come in capitals; a user name with capitals only matches where
/// the app sends the lower-cased name, too.
fn capitals(token: &str) -> Option<&'static Notice> {
    static NOTICE: Notice = Notice {
        code: "token_lowered",
        says: "appAccountToken values with capitals were lower-cased: the app must send them \
               in lower case, too",
    };
    let is_uuid = uuid::Uuid::try_parse(token).is_ok();
    (!is_uuid && token.chars().any(char::is_uppercase)).then_some(&NOTICE)
}

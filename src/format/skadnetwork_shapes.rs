//! SKAdNetwork's objects: what an app passes to StoreKit, and what a bidder
//! answers in OpenRTB.
//!
//! StoreKit takes numbers as numbers; OpenRTB takes strings for everything
//! but the fidelity.

use super::problem::{Code, Fault};
use super::shape::{Member, Node, Shape};
use super::{Field, Kind, Source};
use crate::json::{self, Shape as JsonShape};

/// The keys of the dictionary for the product sheet. The sheet implies the
/// fidelity, so there is no key for it.
pub(super) const PRODUCT_PARAMETERS: &[Member] = &[
    Member::new(
        "SKStoreProductParameterITunesItemIdentifier",
        Node::Field("itunes-item-id"),
        "NSNumber.",
    ),
    Member::new(
        "SKStoreProductParameterAdNetworkIdentifier",
        Node::Field("ad-network-id"),
        "NSString.",
    ),
    // Version 1.0 has neither a version nor a source app.
    Member::new(
        "SKStoreProductParameterAdNetworkVersion",
        Node::Field("version"),
        "NSString.",
    )
    .of(&["2.0", "2.1", "2.2", "3.0", "4.0"]),
    Member::new(
        "SKStoreProductParameterAdNetworkCampaignIdentifier",
        Node::Field("campaign-id"),
        "NSNumber.",
    ),
    Member::new(
        "SKStoreProductParameterAdNetworkSourceIdentifier",
        Node::Field("source-identifier"),
        "NSNumber.",
    ),
    Member::new(
        "SKStoreProductParameterAdNetworkNonce",
        Node::Field("nonce"),
        "To be made an NSUUID.",
    ),
    Member::new(
        "SKStoreProductParameterAdNetworkSourceAppStoreIdentifier",
        Node::Field("source-app-id"),
        "NSNumber.",
    ),
    Member::new(
        "SKStoreProductParameterAdNetworkTimestamp",
        Node::Field("timestamp"),
        "NSNumber, milliseconds since 1970.",
    ),
    Member::new(
        "SKStoreProductParameterAdNetworkAttributionSignature",
        Node::Result,
        "NSString.",
    ),
];

/// The properties of an `SKAdImpression`.
pub(super) const AD_IMPRESSION: &[Member] = &[
    Member::new("version", Node::Field("version"), "String."),
    Member::new(
        "adNetworkIdentifier",
        Node::Field("ad-network-id"),
        "String.",
    ),
    Member::new(
        "adCampaignIdentifier",
        Node::Field("campaign-id"),
        "NSNumber.",
    ),
    Member::new(
        "sourceIdentifier",
        Node::Field("source-identifier"),
        "NSNumber.",
    ),
    Member::new(
        "advertisedAppStoreItemIdentifier",
        Node::Field("itunes-item-id"),
        "NSNumber.",
    ),
    Member::new(
        "adImpressionIdentifier",
        Node::Field("nonce"),
        "String: the nonce.",
    ),
    Member::new(
        "sourceAppStoreItemIdentifier",
        Node::Field("source-app-id"),
        "NSNumber.",
    ),
    Member::new(
        "timestamp",
        Node::Field("timestamp"),
        "NSNumber, milliseconds since 1970.",
    ),
    Member::new("signature", Node::Result, "String."),
    Member::new("adType", Node::Field("adType"), "String; not signed."),
    Member::new(
        "adDescription",
        Node::Field("adDescription"),
        "String; not signed.",
    ),
    Member::new(
        "adPurchaserName",
        Node::Field("adPurchaserName"),
        "String; not signed.",
    ),
];

/// The content of `bid.ext`.
pub(super) const OPENRTB_SHAPE: Shape = Shape {
    name: "openrtb",
    doc: "the content of an OpenRTB bid's ext with its skadn object; the fidelities of one row \
          stand in one object",
    source: "IAB Tech Lab, openrtb, community extensions: SKAdNetwork, \
             BidResponse.seatbid.bid.ext.skadn",
    members: &[Member::new(
        "skadn",
        Node::Object(SKADN),
        "BidResponse.seatbid.bid.ext.skadn.",
    )],
    // "Must be 2.0 or above."
    versions: Some(&["2.0", "2.1", "2.2", "3.0", "4.0"]),
    demands: &[],
    joins: true,
};

const FLAT: &[&str] = &["2.0", "2.1"];
const WITH_FIDELITIES: &[&str] = &["2.2", "3.0", "4.0"];

const NONCE: Member = Member::new("nonce", Node::Field("nonce"), "The nonce.");
const TIMESTAMP: Member = Member::new(
    "timestamp",
    Node::Text("timestamp"),
    "Milliseconds since 1970, as a string.",
);
const SIGNATURE: Member = Member::new("signature", Node::Result, "The signature.");

const SKADN: &[Member] = &[
    Member::new(
        "version",
        Node::Field("version"),
        "The SKAdNetwork version.",
    ),
    Member::new(
        "network",
        Node::Field("ad-network-id"),
        "The ad network's id.",
    ),
    Member::new(
        "campaign",
        Node::Text("campaign-id"),
        "The campaign, as a string.",
    ),
    Member::new(
        "sourceidentifier",
        Node::Text("source-identifier"),
        "The campaign code, as a string.",
    ),
    Member::new(
        "itunesitem",
        Node::Text("itunes-item-id"),
        "App Store item id of the advertised app, as a string.",
    ),
    Member::new(
        "sourceapp",
        Node::Text("source-app-id"),
        "App Store item id of the app that shows the ad, as a string.",
    ),
    Member::new(
        "productpageid",
        Node::Field("productpageid"),
        "The custom product page; not signed.",
    ),
    NONCE.of(FLAT),
    TIMESTAMP.of(FLAT),
    SIGNATURE.of(FLAT),
    Member::new(
        "fidelities",
        Node::Each(&[
            Member::new(
                "fidelity",
                Node::Field("fidelity-type"),
                "0 for view-through, 1 for StoreKit-rendered.",
            ),
            NONCE,
            TIMESTAMP,
            SIGNATURE,
        ]),
        "One for each fidelity, each with a nonce and a signature of its own.",
    )
    .of(WITH_FIDELITIES),
    Member::new(
        "skoverlay",
        Node::Field("skoverlay"),
        "How the overlay is shown; not signed.",
    ),
];

pub(super) const UNSIGNED_STOREKIT: &[Field] = &[PRODUCT_PAGE, OVERLAY];

pub(super) const UNSIGNED_VIEW: &[Field] = &[
    PRODUCT_PAGE,
    OVERLAY,
    text("adType", "The kind of the ad.").example("banner"),
    text("adDescription", "A description of the ad.").example("A game of cards"),
    text("adPurchaserName", "Who bought the ad.").example("Example Games"),
];

const PRODUCT_PAGE: Field = text("productpageid", "The id of a custom product page.")
    .example("45812c9b-c296-43d3-c6a0-c5a02f74bf6e");

const OVERLAY: Field = Field::new(
    "skoverlay",
    Kind::Json {
        shape: JsonShape::Object,
        check: overlay,
    },
    Source::Optional,
    "How an SKOverlay is shown: delay and endcarddelay in seconds, dismissible 0 or 1, \
     pos 0 (bottom) or 1 (raised).",
)
.example(r#"{"delay":5,"dismissible":1,"pos":0}"#);

const fn text(name: &'static str, doc: &'static str) -> Field {
    Field::new(name, Kind::Text, Source::Optional, doc)
}

/// All members are integers.
fn overlay(text: &str) -> Result<(), Fault> {
    for (name, value) in json::object(text).unwrap_or_default() {
        let max = match name.as_ref() {
            "delay" | "endcarddelay" => u64::from(u32::MAX),
            "dismissible" | "pos" => 1,
            _ => {
                let wanted = "delay, endcarddelay, dismissible and pos";
                return Err(Fault::new(Code::UnknownField, wanted).at(format!(".{name}")));
            }
        };
        let kind = Kind::Integer { min: 0, max };
        let read = match JsonShape::of(value) {
            JsonShape::Number => kind.read(value, &mut Vec::new()),
            _ => Err(Fault::new(Code::WrongType, kind.wanted())),
        };
        read.map_err(|fault| fault.at(format!(".{name}")))?;
    }
    Ok(())
}

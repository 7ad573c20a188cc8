//! A format of one's own: `cargo run --example custom_format`.
//!
//! A network that signs its own click receipts describes them as data, and
//! gets checking, nonces, signing, rejects and verification for it.

use std::error::Error;
use std::path::Path;

use campaign_signer::engine::ENGINES;
use campaign_signer::format::{
    Claim, Field, Format, Freshness, HeaderValue, KeyUse, Kind, Layout, Signing, Source, Unit,
};
use campaign_signer::key::SigningKey;
use campaign_signer::pipeline::Signer;
use campaign_signer::record::{Rules, Settings};

static CLICK_RECEIPT: Format = Format {
    id: "click-receipt",
    title: "Click receipt",
    purpose: "proves to a partner that a click was ours",
    sources: &["the partner's contract, page 3"],
    key: KeyUse::AdNetwork,
    fields: &[
        Field::new("jti", Kind::Uuid, Source::Nonce, "One per click."),
        Field::new(
            "iat",
            Kind::Time(Unit::Seconds),
            Source::Clock,
            "When it was signed.",
        ),
        Field::new(
            "campaign",
            Kind::Integer {
                min: 1,
                max: 999_999,
            },
            Source::Required,
            "The campaign.",
        ),
        Field::new(
            "placement",
            Kind::Text,
            Source::Optional,
            "Where the ad stood.",
        ),
    ],
    layouts: &[Layout {
        version: None,
        signing: Signing::Jws {
            header: &[
                ("alg", HeaderValue::Constant("ES256")),
                ("typ", HeaderValue::Constant("JWT")),
            ],
            claims: &[
                Claim::Field("jti"),
                Claim::Field("iat"),
                Claim::Field("campaign"),
                Claim::Field("placement"),
            ],
        },
    }],
    freshness: Freshness::Silent,
    nonce_scope: &[],
    derived: &[],
    unsigned: &[],
    shapes: &[],
};

fn main() -> Result<(), Box<dyn Error>> {
    print!("{}", run()?);
    Ok(())
}

/// One signed receipt.
pub(crate) fn run() -> Result<String, Box<dyn Error>> {
    let keys = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/keys");
    let (key, _) = SigningKey::from_file(&keys.join("demo.p8"))?;
    let signer = Signer::es256(&key, &ENGINES[0], "example-job");
    let rules = Rules::new(Settings::new(&CLICK_RECEIPT, 1_760_000_000_000))?;
    let row = r#"{"campaign": 4711, "placement": "Übersicht, oben"}"#;
    match signer.sign_row(&rules, row, 1) {
        Ok(lines) => Ok(String::from_utf8(lines)?),
        Err(error) => Err(format!("{error:?}").into()),
    }
}

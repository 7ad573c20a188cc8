//! impact.com Advocate: user tokens for referral widgets.
//!
//! The token is a bearer credential with write power over its user's record.

use super::Unit;
use super::problem::{Code, Fault};
use super::shape::{Member, Node, Shape};
use super::{
    Claim, Field, Format, Freshness, HeaderValue, KeyUse, Kind, Layout, Selector, Signing, Source,
};
use crate::json::{self, Shape as JsonShape};

/// User token, HS256.
pub(super) static USER_JWT: Format = Format {
    id: "impact-user-jwt",
    title: "impact.com Advocate user JWT",
    purpose: "identifies a participant to referral widgets and the open endpoints",
    sources: &["impact.com, integrations pages, Advocate: JSON Web Tokens"],
    key: KeyUse::AuthToken,
    fields: &[
        Field::new(
            "kid",
            Kind::Text,
            Source::KeyId { required: false },
            "The account's SID; accounts of the predecessor have none.",
        )
        .selects(Selector::Account)
        .aliases(&["account_sid"])
        .example("IRexampleAccountSid"),
        Field::new("id", Kind::Text, Source::Required, "The user's id.")
            .example("jane@example.com"),
        Field::new(
            "accountId",
            Kind::Text,
            Source::SameAs("id"),
            "The account's id; the same as id unless given.",
        )
        .example("jane@example.com"),
        text("firstName", "The user's first name.").example("Jane"),
        text("lastName", "The user's last name.").example("Doe"),
        text("email", "The user's email address.").example("jane@example.com"),
        text("imageUrl", "A picture of the user."),
        Field::new(
            "locale",
            Kind::Pattern {
                regex: "^[a-z]{2}_(?:[A-Z]{2}|[0-9]{3})$",
                wanted: "a locale like en_US or es_419",
                check: locale,
            },
            Source::Optional,
            "The user's locale.",
        )
        .example("en_US"),
        Field::new(
            "countryCode",
            Kind::Pattern {
                regex: "^[A-Z]{2}$",
                wanted: "a country of ISO 3166-1, two capitals",
                check: country,
            },
            Source::Optional,
            "The user's country.",
        )
        .example("US"),
        Field::new(
            "referable",
            Kind::Boolean,
            Source::Optional,
            "Whether the user can be referred.",
        )
        .example("true"),
        object("referralCodes", strings, "Program id to referral code."),
        object("shareLinks", strings_deep, "Program id to share links."),
        array("referredByCodes", "Codes that referred the user."),
        Field::new(
            "cookies",
            Kind::Pattern {
                regex: "^[A-Za-z0-9_-]+={0,2}$",
                wanted: "base64url text",
                check: base64url,
            },
            Source::Optional,
            "The cookies of the referral, in base64url.",
        ),
        array("segments", "Segments of the user; ~name removes one."),
        object(
            "customFields",
            custom_fields,
            "At most 100 values; names of at most 64 characters A-Z a-z 0-9 _ -.",
        ),
        Field::new(
            "dateUsTaxFormSubmitted",
            Kind::Integer {
                min: 0,
                max: i64::MAX as u64,
            },
            Source::Optional,
            "When the US tax form was submitted, in milliseconds.",
        ),
        text("referralCode", "Referral code of a classic program."),
        text(
            "paymentProviderId",
            "Payment provider id of a classic program.",
        ),
        object(
            "referredBy",
            referred_by,
            "Referrer of a classic program: code, isConverted.",
        ),
        Field::new(
            "exp",
            Kind::Time(Unit::Seconds),
            Source::Expiry,
            "When the token expires, in seconds; seven days after the run's timestamp by default.",
        ),
    ],
    layouts: &[Layout {
        version: None,
        signing: Signing::Jws {
            header: &[
                ("alg", HeaderValue::Constant("HS256")),
                ("kid", HeaderValue::Field("kid")),
                ("typ", HeaderValue::Constant("JWT")),
            ],
            claims: &[
                Claim::Object(
                    "user",
                    &[
                        "id",
                        "accountId",
                        "firstName",
                        "lastName",
                        "email",
                        "imageUrl",
                        "locale",
                        "countryCode",
                        "referable",
                        "referralCodes",
                        "shareLinks",
                        "referredByCodes",
                        "cookies",
                        "segments",
                        "customFields",
                        "dateUsTaxFormSubmitted",
                        "referralCode",
                        "paymentProviderId",
                        "referredBy",
                    ],
                ),
                Claim::Field("exp"),
            ],
        },
    }],
    freshness: Freshness::Expiry,
    nonce_scope: &[],
    derived: &[],
    unsigned: &[],
    shapes: &[Shape {
        name: "native",
        doc: "the token under the name that the widgets read it by, with whose it is and when \
              it ends",
        source: "impact.com, integrations pages, Advocate: Universal Tracking Tag",
        members: &[
            Member::new("impactToken", Node::Result, "For window.impactToken."),
            Member::new("id", Node::Field("id"), "The user's id."),
            Member::new("accountId", Node::Field("accountId"), "The account's id."),
            Member::new(
                "exp",
                Node::Field("exp"),
                "When the token expires, in seconds.",
            ),
        ],
        versions: None,
        demands: &[],
        joins: false,
    }],
};

const fn text(name: &'static str, doc: &'static str) -> Field {
    Field::new(name, Kind::Text, Source::Optional, doc)
}

const fn object(
    name: &'static str,
    check: fn(&str) -> Result<(), Fault>,
    doc: &'static str,
) -> Field {
    let shape = JsonShape::Object;
    Field::new(name, Kind::Json { shape, check }, Source::Optional, doc)
}

const fn array(name: &'static str, doc: &'static str) -> Field {
    let shape = JsonShape::Array;
    let check = string_elements;
    Field::new(name, Kind::Json { shape, check }, Source::Optional, doc)
}

/// `^[a-z]{2}_(?:[A-Z]{2}|[0-9]{3})$`, the vendor's own expression.
fn locale(text: &str) -> Result<(), Fault> {
    let upper = |s: &str| s.len() == 2 && s.bytes().all(|b| b.is_ascii_uppercase());
    let digits = |s: &str| s.len() == 3 && s.bytes().all(|b| b.is_ascii_digit());
    match text.split_once('_') {
        Some((language, region))
            if language.len() == 2
                && language.bytes().all(|b| b.is_ascii_lowercase())
                && (upper(region) || digits(region)) =>
        {
            Ok(())
        }
        _ => Err(Fault::new(Code::BadText, "a locale like en_US or es_419")),
    }
}

fn country(text: &str) -> Result<(), Fault> {
    if text.len() == 2 && text.bytes().all(|b| b.is_ascii_uppercase()) {
        return Ok(());
    }
    Err(Fault::new(
        Code::BadText,
        "a country of ISO 3166-1, two capitals",
    ))
}

fn base64url(text: &str) -> Result<(), Fault> {
    let body = text.trim_end_matches('=');
    let allowed = |b: u8| b.is_ascii_alphanumeric() || b == b'-' || b == b'_';
    if !body.is_empty() && text.len() - body.len() <= 2 && body.bytes().all(allowed) {
        return Ok(());
    }
    Err(Fault::new(Code::BadText, "base64url text"))
}

fn wrong_type(path: String, wanted: &'static str) -> Fault {
    Fault::new(Code::WrongType, wanted).at(path)
}

/// An object whose values are all strings.
fn strings(text: &str) -> Result<(), Fault> {
    for (name, value) in json::object(text).unwrap_or_default() {
        if JsonShape::of(value) != JsonShape::String {
            return Err(wrong_type(format!(".{name}"), "a string"));
        }
    }
    Ok(())
}

/// An object of strings, or of objects of strings (a link per medium).
fn strings_deep(text: &str) -> Result<(), Fault> {
    for (name, value) in json::object(text).unwrap_or_default() {
        match JsonShape::of(value) {
            JsonShape::String => {}
            JsonShape::Object => strings(value).map_err(|fault| {
                let path = format!(".{name}{}", fault.path);
                fault.at(path)
            })?,
            _ => return Err(wrong_type(format!(".{name}"), "a string or an object")),
        }
    }
    Ok(())
}

fn string_elements(text: &str) -> Result<(), Fault> {
    for (at, value) in json::array(text).unwrap_or_default().iter().enumerate() {
        if JsonShape::of(value) != JsonShape::String {
            return Err(wrong_type(format!("[{at}]"), "a string"));
        }
    }
    Ok(())
}

fn custom_fields(text: &str) -> Result<(), Fault> {
    let members = json::object(text).unwrap_or_default();
    if members.len() > 100 {
        return Err(Fault::new(Code::TooLong, "at most 100 custom fields"));
    }
    let allowed = |b: u8| b.is_ascii_alphanumeric() || b == b'-' || b == b'_';
    for (name, value) in members {
        let path = format!(".{name}");
        if name.is_empty() || name.len() > 64 || !name.bytes().all(allowed) {
            let wanted = "a name of 1 to 64 characters A-Z a-z 0-9 _ -";
            return Err(Fault::new(Code::BadText, wanted).at(path));
        }
        match JsonShape::of(value) {
            JsonShape::String => {
                let long = json::string(value).map_or(0, |s| s.chars().count()) > 1024;
                if long {
                    return Err(Fault::new(Code::TooLong, "at most 1024 characters").at(path));
                }
            }
            JsonShape::Array | JsonShape::Object => {
                return Err(wrong_type(path, "a string, a number, a boolean or null"));
            }
            JsonShape::Boolean | JsonShape::Null | JsonShape::Number => {}
        }
    }
    Ok(())
}

fn referred_by(text: &str) -> Result<(), Fault> {
    for (name, value) in json::object(text).unwrap_or_default() {
        let wanted = match name.as_ref() {
            "code" => (JsonShape::String, "a string"),
            "isConverted" => (JsonShape::Boolean, "true or false"),
            _ => continue,
        };
        if JsonShape::of(value) != wanted.0 {
            return Err(wrong_type(format!(".{name}"), wanted.1));
        }
    }
    Ok(())
}

//! The request inside an Advanced Commerce token: what it must hold, and how
//! it becomes a claim.
//!
//! The documented members are checked one by one; members nobody documents
//! are passed on untouched. `requestReferenceId` must be unique per request,
//! so it is derived for the record where the row has none.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::Wrapping;
use super::problem::{Code, Fault};
use crate::json::{self, Shape};

/// A request as templates show it.
pub(super) const EXAMPLE: &str = r#"{"operation":"CREATE_ONE_TIME_CHARGE","version":"1","requestInfo":{"appAccountToken":"8f1c4b5e-7a1d-4a2f-9d3b-0f6c2e1a9b7d"},"currency":"USD","taxCode":"C003-00-2","storefront":"USA","item":{"SKU":"coins.500","displayName":"500 coins","description":"A bag of 500 coins","price":4990}}"#;

/// The claim is the standard base64, with padding, of the request's text.
pub(super) const WRAPPING: Wrapping = Wrapping {
    label: "requestReferenceId",
    lacks_id,
    wrap,
    unwrap,
};

type Check = fn(&str) -> Result<(), Fault>;

/// One documented member: its name, whether it must be there, its check.
struct Member(&'static str, bool, Check);

/// Checks a request against the operations allowed from the app.
pub(super) fn check(request: &str) -> Result<(), Fault> {
    let members = json::object(request).unwrap_or_default();
    let operation = match find(&members, "operation") {
        Some(token) => text_of(token).map_err(|f| f.at(".operation"))?,
        None => return Err(missing(".operation", OPERATIONS_WANTED)),
    };
    let documented = match operation.as_str() {
        "CREATE_ONE_TIME_CHARGE" => ONE_TIME_CHARGE,
        "CREATE_SUBSCRIPTION" => CREATE_SUBSCRIPTION,
        "MODIFY_SUBSCRIPTION" => MODIFY_SUBSCRIPTION,
        "REACTIVATE_SUBSCRIPTION" => REACTIVATE_SUBSCRIPTION,
        _ => return Err(Fault::new(Code::NotOneOf, OPERATIONS_WANTED).at(".operation")),
    };
    check_members(&members, COMMON)?;
    check_members(&members, documented)
}

const OPERATIONS_WANTED: &str = "one of CREATE_ONE_TIME_CHARGE, CREATE_SUBSCRIPTION, \
     MODIFY_SUBSCRIPTION, REACTIVATE_SUBSCRIPTION (others are for the server API)";

const COMMON: &[Member] = &[
    Member("version", true, |t| one_of(t, &["1"], "the string \"1\"")),
    Member("requestInfo", false, |t| object(t, REQUEST_INFO)),
    Member("currency", false, currency),
    Member("storefront", false, storefront),
    Member("taxCode", false, text),
];

const REQUEST_INFO: &[Member] = &[
    Member("requestReferenceId", false, uuid),
    Member("appAccountToken", false, uuid),
    Member("consistencyToken", false, text),
];

const ONE_TIME_CHARGE: &[Member] = &[
    Member("currency", true, currency),
    Member("taxCode", true, text),
    Member("item", true, |t| object(t, ITEM)),
];

const CREATE_SUBSCRIPTION: &[Member] = &[
    Member("currency", true, currency),
    Member("taxCode", true, text),
    Member("descriptors", true, |t| object(t, DESCRIPTORS)),
    Member("items", true, |t| {
        array(t, |i| object(i, SUBSCRIPTION_ITEM))
    }),
    Member("period", true, period),
    Member("previousTransactionId", false, text),
];

const MODIFY_SUBSCRIPTION: &[Member] = &[
    Member("transactionId", true, text),
    Member("retainBillingCycle", true, boolean),
    Member("addItems", false, |t| {
        array(t, |i| object(i, SUBSCRIPTION_ITEM))
    }),
    Member("changeItems", false, |t| {
        array(t, |i| object(i, CHANGE_ITEM))
    }),
    Member("removeItems", false, |t| array(t, |i| object(i, SKU_ONLY))),
    Member("descriptors", false, |t| object(t, CHANGED_DESCRIPTORS)),
    Member("periodChange", false, |t| object(t, PERIOD_CHANGE)),
];

const REACTIVATE_SUBSCRIPTION: &[Member] = &[
    Member("transactionId", true, text),
    Member("items", false, |t| array(t, |i| object(i, SKU_ONLY))),
];

const ITEM: &[Member] = &[
    Member("SKU", true, sku),
    Member("displayName", true, display_name),
    Member("description", true, description),
    Member("price", true, price),
];

const SUBSCRIPTION_ITEM: &[Member] = &[
    Member("SKU", true, sku),
    Member("displayName", true, display_name),
    Member("description", true, description),
    Member("price", true, price),
    Member("offer", false, |t| object(t, OFFER)),
];

const CHANGE_ITEM: &[Member] = &[
    Member("currentSKU", true, sku),
    Member("SKU", true, sku),
    Member("displayName", false, display_name),
    Member("description", false, description),
    Member("price", true, price),
    Member("reason", true, |t| {
        let all = &["UPGRADE", "DOWNGRADE", "APPLY_OFFER"];
        one_of(t, all, "one of UPGRADE, DOWNGRADE, APPLY_OFFER")
    }),
    Member("effective", true, effective),
    Member("offer", false, |t| object(t, OFFER)),
];

const SKU_ONLY: &[Member] = &[Member("SKU", true, sku)];

const DESCRIPTORS: &[Member] = &[
    Member("displayName", true, display_name),
    Member("description", true, description),
];

const CHANGED_DESCRIPTORS: &[Member] = &[
    Member("displayName", false, display_name),
    Member("description", false, description),
    Member("effective", true, effective),
];

const PERIOD_CHANGE: &[Member] = &[
    Member("period", true, period),
    Member("effective", true, effective),
];

const OFFER: &[Member] = &[
    Member("period", true, |t| {
        let all = &[
            "P3D", "P1W", "P2W", "P1M", "P2M", "P3M", "P6M", "P9M", "P1Y",
        ];
        one_of(t, all, "one of P3D P1W P2W P1M P2M P3M P6M P9M P1Y")
    }),
    Member("periodCount", true, |t| {
        integer(t, 1, 12, "an integer from 1 to 12")
    }),
    Member("price", true, price),
    Member("reason", true, |t| {
        let all = &["ACQUISITION", "WIN_BACK", "RETENTION"];
        one_of(t, all, "one of ACQUISITION, WIN_BACK, RETENTION")
    }),
];

fn find<'a>(members: &[json::Member<'a>], name: &str) -> Option<&'a str> {
    members
        .iter()
        .find(|(member, _)| member == name)
        .map(|(_, value)| *value)
}

fn missing(path: impl Into<String>, wanted: &'static str) -> Fault {
    Fault::new(Code::Missing, wanted).at(path)
}

fn check_members(members: &[json::Member<'_>], documented: &[Member]) -> Result<(), Fault> {
    for Member(name, required, check) in documented {
        match find(members, name) {
            Some(token) => check(token).map_err(|fault| {
                let path = format!(".{name}{}", fault.path);
                fault.at(path)
            })?,
            None if *required => {
                return Err(missing(
                    format!(".{name}"),
                    "a member this operation requires",
                ));
            }
            None => {}
        }
    }
    Ok(())
}

fn object(token: &str, documented: &[Member]) -> Result<(), Fault> {
    match json::object(token) {
        Ok(members) => check_members(&members, documented),
        Err(json::Fault::Duplicate(name)) => {
            Err(Fault::new(Code::DuplicateField, "each name once").at(format!(".{name}")))
        }
        Err(_) => Err(Fault::new(Code::WrongType, "an object")),
    }
}

fn array(token: &str, element: impl Fn(&str) -> Result<(), Fault>) -> Result<(), Fault> {
    let Ok(elements) = json::array(token) else {
        return Err(Fault::new(Code::WrongType, "an array"));
    };
    for (at, value) in elements.into_iter().enumerate() {
        element(value).map_err(|fault| {
            let path = format!("[{at}]{}", fault.path);
            fault.at(path)
        })?;
    }
    Ok(())
}

/// The text of a string that is not empty.
fn text_of(token: &str) -> Result<String, Fault> {
    if Shape::of(token) != Shape::String {
        return Err(Fault::new(Code::WrongType, "a string"));
    }
    match json::string(token) {
        Ok(text) if text.is_empty() => Err(Fault::new(Code::Empty, "a string that is not empty")),
        Ok(text) => Ok(text.into_owned()),
        Err(fault) => Err(Fault::new(Code::BadJson, "a string").hint(fault.to_string())),
    }
}

fn text(token: &str) -> Result<(), Fault> {
    text_of(token).map(drop)
}

fn limited(token: &str, limit: usize, wanted: &'static str) -> Result<(), Fault> {
    if text_of(token)?.chars().count() > limit {
        return Err(Fault::new(Code::TooLong, wanted));
    }
    Ok(())
}

fn sku(token: &str) -> Result<(), Fault> {
    limited(token, 128, "at most 128 characters")
}

fn display_name(token: &str) -> Result<(), Fault> {
    limited(token, 30, "at most 30 characters")
}

fn description(token: &str) -> Result<(), Fault> {
    limited(token, 45, "at most 45 characters")
}

fn one_of(token: &str, all: &[&str], wanted: &'static str) -> Result<(), Fault> {
    if all.contains(&text_of(token)?.as_str()) {
        return Ok(());
    }
    Err(Fault::new(Code::NotOneOf, wanted))
}

fn period(token: &str) -> Result<(), Fault> {
    let all = &["P1W", "P1M", "P2M", "P3M", "P6M", "P1Y"];
    one_of(token, all, "one of P1W P1M P2M P3M P6M P1Y")
}

fn effective(token: &str) -> Result<(), Fault> {
    let all = &["IMMEDIATELY", "NEXT_BILL_CYCLE"];
    one_of(token, all, "one of IMMEDIATELY, NEXT_BILL_CYCLE")
}

fn capitals(token: &str, count: usize, wanted: &'static str) -> Result<(), Fault> {
    let text = text_of(token)?;
    if text.len() == count && text.bytes().all(|b| b.is_ascii_uppercase()) {
        return Ok(());
    }
    Err(Fault::new(Code::BadText, wanted))
}

fn currency(token: &str) -> Result<(), Fault> {
    capitals(token, 3, "a currency of ISO 4217, like USD")
}

fn storefront(token: &str) -> Result<(), Fault> {
    capitals(token, 3, "a country of ISO 3166-1 alpha-3, like USA")
}

fn uuid(token: &str) -> Result<(), Fault> {
    super::Kind::Uuid.read(&text_of(token)?, &mut Vec::new())
}

fn boolean(token: &str) -> Result<(), Fault> {
    if Shape::of(token) == Shape::Boolean {
        return Ok(());
    }
    Err(Fault::new(Code::WrongType, "true or false"))
}

fn integer(token: &str, min: u64, max: u64, wanted: &'static str) -> Result<(), Fault> {
    if Shape::of(token) != Shape::Number {
        return Err(Fault::new(Code::WrongType, wanted));
    }
    super::Kind::Integer { min, max }.read(token, &mut Vec::new())
}

/// Prices are integers in milliunits of the currency: 4.99 is 4990.
fn price(token: &str) -> Result<(), Fault> {
    let wanted = "an integer in milliunits: 4.99 is 4990";
    integer(token, 0, i64::MAX as u64, wanted)
}

fn lacks_id(request: &str) -> bool {
    let members = json::object(request).unwrap_or_default();
    match find(&members, "requestInfo") {
        None => true,
        Some(info) => {
            let info = json::object(info).unwrap_or_default();
            find(&info, "requestReferenceId").is_none()
        }
    }
}

/// Appends the base64 of the request, with the id put in front of what
/// `requestInfo` holds; where there is no `requestInfo`, it becomes the last
/// member.
fn wrap(request: &str, id: Option<&str>, out: &mut Vec<u8>) {
    let text = match id {
        Some(id) => with_id(request, id),
        None => request.to_owned(),
    };
    out.extend_from_slice(STANDARD.encode(text).as_bytes());
}

fn with_id(request: &str, id: &str) -> String {
    let members = json::object(request).unwrap_or_default();
    let Some(info) = find(&members, "requestInfo") else {
        let body = request.trim_end().strip_suffix('}').unwrap_or(request);
        return format!("{body},\"requestInfo\":{{\"requestReferenceId\":\"{id}\"}}}}");
    };
    // `info` is a part of `request`, so its place is the distance between them.
    let at = info.as_ptr() as usize - request.as_ptr() as usize + 1;
    let comma = if json::object(info).unwrap_or_default().is_empty() {
        ""
    } else {
        ","
    };
    let (before, after) = request.split_at(at);
    format!("{before}\"requestReferenceId\":\"{id}\"{comma}{after}")
}

fn unwrap(claim: &str) -> Option<String> {
    String::from_utf8(STANDARD.decode(claim).ok()?).ok()
}

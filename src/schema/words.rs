//! The table's entries in words, for schemas and pages. It must not know how
//! a page is laid out.

use crate::format::{
    Alg, Claim, Field, Format, Freshness, HeaderValue, Kind, Layout, Shape, Signing, Source, Unit,
};

/// Where a field's value comes from, and which versions have it.
pub(super) fn origin(format: &Format, field: &Field) -> String {
    let origin = match field.source {
        Source::Clock => "The row, else the run's timestamp".to_owned(),
        Source::Constant(text) => format!("Always {text}"),
        Source::Default("") => "The row, else empty".to_owned(),
        Source::Default(text) => format!("The row, else {text}"),
        Source::Expiry => "The row, else the run's expiry".to_owned(),
        Source::KeyId { required } => {
            let file = match format.key.file_names() {
                Some(_) => " or the key file's name",
                None => "",
            };
            let end = if required { "; required" } else { "; optional" };
            format!("The row, else --key-id{file}{end}")
        }
        Source::Nonce => "The row, else derived for each record".to_owned(),
        Source::Optional => "The row; optional".to_owned(),
        Source::Required => "The row; required".to_owned(),
        Source::SameAs(other) => format!("The row, else what {other} has"),
        Source::Version => {
            let newest = format.newest().version.unwrap_or_default();
            format!("The row, else {newest}")
        }
    };
    if is_in_all(format, field) {
        return origin;
    }
    let has = |layout: &&Layout| layout.field_names().contains(&field.name);
    let with: Vec<&Layout> = format.layouts.iter().filter(has).collect();
    format!("{origin} in {}; absent in others", of_versions(&with))
}

/// Where an unsigned field comes from, and which shapes have it.
pub(super) fn unsigned_origin(format: &Format, field: &Field) -> String {
    let has = |shape: &&Shape| {
        let mut layouts = format.layouts.iter();
        layouts.any(|layout| shape.uses(format, layout, field.name))
    };
    let shapes: Vec<&str> = format.shapes.iter().filter(has).map(|s| s.name).collect();
    let end = match field.source {
        Source::Required => "required",
        _ => "optional",
    };
    format!(
        "The row, for --shape {}; {end}, not signed",
        shapes.join(" or ")
    )
}

/// The versions that have a shape.
pub(super) fn shape_versions(format: &Format, shape: &Shape) -> String {
    let has: Vec<&Layout> = format.layouts.iter().filter(|l| shape.is_of(l)).collect();
    match has.len() == format.layouts.len() {
        true => "all versions".to_owned(),
        false => of_versions(&has),
    }
}

/// What a field accepts; of a constant only the type, its origin says the rest.
pub(super) fn wanted(field: &Field) -> String {
    match field.source {
        Source::Constant(_) => field.kind.shape().name().to_owned(),
        _ => field.kind.wanted(),
    }
}

/// Whether every version has the field.
pub(super) fn is_in_all(format: &Format, field: &Field) -> bool {
    let has = |layout: &Layout| layout.field_names().contains(&field.name);
    format.layouts.iter().all(has)
}

/// Versions in words.
pub(super) fn of_versions(layouts: &[&Layout]) -> String {
    let names: Vec<&str> = layouts.iter().filter_map(|layout| layout.version).collect();
    match names.as_slice() {
        [] => "all versions".to_owned(),
        [one] => format!("version {one}"),
        [first @ .., last] => format!("versions {} and {last}", first.join(", ")),
    }
}

/// All versions, or a dash.
pub(super) fn versions(format: &Format) -> String {
    let versions: Vec<&str> = format.versions().collect();
    if versions.is_empty() {
        "–".to_owned()
    } else {
        versions.join(", ")
    }
}

/// The signature's form, short.
pub(super) fn signature_form(format: &Format) -> String {
    match format.newest().signing {
        Signing::Joined { .. } => "DER, base64".to_owned(),
        Signing::Jws { .. } => format!("JWS {}", format.alg()),
    }
}

/// The signature's form in a sentence.
pub(super) fn signature(format: &Format) -> String {
    match (&format.newest().signing, format.alg()) {
        (Signing::Joined { .. }, _) => "The ECDSA signature (P-256, SHA-256) of the values \
             joined with U+2063: DER in standard base64."
            .to_owned(),
        (Signing::Jws { .. }, Alg::Es256) => {
            "The JWS in compact serialization, signed with ES256.".to_owned()
        }
        (Signing::Jws { .. }, Alg::Hs256) => {
            "The JWS in compact serialization, authenticated with HS256.".to_owned()
        }
    }
}

/// The unit of the format's time.
pub(super) fn time_unit(format: &Format) -> &'static str {
    let unit = format.fields.iter().find_map(|field| match field.kind {
        Kind::Time(unit) => Some(unit),
        _ => None,
    });
    match unit {
        Some(Unit::Milliseconds) => "milliseconds",
        Some(Unit::Seconds) => "seconds",
        None => "–",
    }
}

/// The documented life, short.
pub(super) fn life(format: &Format) -> String {
    match format.freshness {
        Freshness::Documented { millis } => hours(millis),
        Freshness::Expiry => format!("until {}", expiry_field(format)),
        Freshness::Silent => "none documented".to_owned(),
        Freshness::Unpublished => "limited, length unpublished".to_owned(),
    }
}

/// What is documented about a signature's age, in sentences.
pub(super) fn freshness(format: &Format) -> String {
    let time = format
        .field_from(Source::Clock)
        .map_or("its time", |(_, field)| field.name);
    match format.freshness {
        Freshness::Documented { millis } => format!(
            "A signature lives {} from its {time}. Rows with an older time are refused.",
            hours(millis)
        ),
        Freshness::Expiry => format!(
            "A record carries its own end in {}, chosen by the signer. Rows that have already \
             expired are refused.",
            expiry_field(format)
        ),
        Freshness::Silent => "The vendor documents no life for a signature. Rows may have any \
             time that is not after the run's timestamp."
            .to_owned(),
        Freshness::Unpublished => format!(
            "A signature's life counts from {time}, but its length is not published: sign when \
             the app asks, not ahead. Rows with a time other than the present are refused."
        ),
    }
}

fn expiry_field(format: &Format) -> &'static str {
    format
        .field_from(Source::Expiry)
        .map_or("its expiry", |(_, field)| field.name)
}

fn hours(millis: u64) -> String {
    format!("{} hours", millis / 3_600_000)
}

/// What a layout signs, a line for each part.
pub(super) fn signed(layout: &Layout) -> Vec<String> {
    match &layout.signing {
        Signing::Joined { order } => vec![order.join(" + ")],
        Signing::Jws { header, claims } => {
            let claim = |claim: &Claim| match claim {
                Claim::Field(name) => (*name).to_owned(),
                Claim::Object(name, members) => format!("{name} {{ {} }}", members.join(", ")),
            };
            let claims: Vec<String> = claims.iter().map(claim).collect();
            vec![
                format!("header: {}", header_members(header)),
                format!("claims: {}", claims.join(", ")),
            ]
        }
    }
}

fn header_members(members: &[(&str, HeaderValue)]) -> String {
    let member = |(name, value): &(&str, HeaderValue)| match value {
        HeaderValue::Constant(text) => format!("{name} = {text}"),
        HeaderValue::Field(field) if field == name => (*name).to_owned(),
        HeaderValue::Field(field) => format!("{name} = the {field}"),
    };
    members.iter().map(member).collect::<Vec<_>>().join(", ")
}

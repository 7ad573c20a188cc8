//! Forms of text that more than one format asks for, and what is worth a
//! notice. Pure functions of text.

use super::Kind;
use super::problem::{Code, Fault, Notice};

/// An App Store item id: unsigned 64-bit, as `AppImpression` declares it.
pub(super) const ITEM_ID: Kind = Kind::Integer {
    min: 1,
    max: u64::MAX,
};

/// The App Store item id of the publisher's app; 0 marks a development
/// impression.
pub(super) const PUBLISHER_ID: Kind = Kind::Integer {
    min: 0,
    max: u64::MAX,
};

/// A source identifier: two, three or four digits. One digit is documented
/// nowhere and refused.
pub(super) const SOURCE_IDENTIFIER: Kind = Kind::Integer { min: 10, max: 9999 };

/// An ad network's registered id.
pub(super) const NETWORK_ID: Kind = Kind::Pattern {
    regex: "^[a-z0-9._-]+$",
    wanted: "a registered ad network id in lower case, like example123.skadnetwork",
    check: network_id,
};

/// Capitals are refused, not lowered: devices compare the id with the one in
/// the publisher's Info.plist, and only the network knows which one is there.
fn network_id(text: &str) -> Result<(), Fault> {
    let allowed = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b"._-".contains(&b);
    // All of them, without a jump for each: ids are short and nearly always right.
    if text.bytes().fold(true, |all, b| all & allowed(b)) {
        return Ok(());
    }
    let wanted = "a registered ad network id in lower case, like example123.skadnetwork";
    if text.bytes().any(|b| b.is_ascii_uppercase()) {
        return Err(Fault::new(Code::Uppercase, wanted)
            .hint("write it in lower case, exactly as publishers list it in their Info.plist"));
    }
    Err(Fault::new(Code::BadText, wanted))
}

/// Apple's own test ids have other endings, so this is no reason to refuse.
pub(super) fn network_suffix(text: &str) -> Option<&'static Notice> {
    static NOTICE: Notice = Notice {
        code: "network_suffix",
        says: "ad network ids that end neither in .skadnetwork nor in .adattributionkit",
    };
    let known = [".skadnetwork", ".adattributionkit"];
    (!known.iter().any(|end| text.ends_with(end))).then_some(&NOTICE)
}

/// Publisher id 0 makes a development impression, which production ones beat.
pub(super) fn development(text: &str) -> Option<&'static Notice> {
    static NOTICE: Notice = Notice {
        code: "development_impression",
        says: "publisher app id 0: these work in development builds only",
    };
    (text == "0").then_some(&NOTICE)
}

/// A bare registrable domain: lower case, no scheme, port, path or final dot;
/// internationalised names as A-labels. Whether it is *registrable* (and not
/// `www.example.com`) would need the public suffix list and is not checked.
pub(super) const DOMAIN: Kind = Kind::Pattern {
    regex: "^([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\\.)+[a-z]([a-z0-9-]{0,61}[a-z0-9])$",
    wanted: "a bare registrable domain in lower case, like example.com",
    check: domain,
};

/// A universal link: https, a host, and no white space.
pub(super) const UNIVERSAL_LINK: Kind = Kind::Pattern {
    regex: "^https://[^\\s/?#\"<>]+[^\\s\"<>]*$",
    wanted: "a URL that begins with https://",
    check: universal_link,
};

fn universal_link(text: &str) -> Result<(), Fault> {
    let is_stray = |c: char| c.is_whitespace() || matches!(c, '"' | '<' | '>');
    let rest = text.strip_prefix("https://").unwrap_or_default();
    if rest.is_empty() || rest.starts_with(['/', '?', '#']) || rest.contains(is_stray) {
        return Err(Fault::new(Code::BadText, "a URL that begins with https://"));
    }
    Ok(())
}

/// The site that a device asks: https and a bare registrable domain.
pub(super) const SITE: Kind = Kind::Pattern {
    regex: "^https://([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\\.)+[a-z]([a-z0-9-]{0,61}[a-z0-9])$",
    wanted: "https:// and a bare registrable domain, like https://example.com",
    check: site,
};

fn site(text: &str) -> Result<(), Fault> {
    let wanted = "https:// and a bare registrable domain, like https://example.com";
    match text.strip_prefix("https://") {
        Some(bare) => domain(bare).map_err(|fault| Fault {
            wanted: wanted.into(),
            ..fault
        }),
        None => Err(Fault::new(Code::BadText, wanted).hint("write https:// before the domain")),
    }
}

fn domain(text: &str) -> Result<(), Fault> {
    let wanted = "a bare registrable domain in lower case, like example.com";
    let refuse = |code, hint: &'static str| Err(Fault::new(code, wanted).hint(hint));
    if text.contains("://") {
        return refuse(Code::BadText, "remove the scheme");
    }
    if text.contains(['/', '?', '#']) {
        return refuse(Code::BadText, "remove the path");
    }
    if text.contains(':') {
        return refuse(Code::BadText, "remove the port");
    }
    if text.ends_with('.') {
        return refuse(Code::BadText, "remove the final dot");
    }
    if text.bytes().any(|b| b.is_ascii_uppercase()) {
        return refuse(Code::Uppercase, "write it in lower case");
    }
    if !text.is_ascii() {
        return refuse(
            Code::BadText,
            "write internationalised names as A-labels (xn--…)",
        );
    }
    if text.len() > 253 {
        return refuse(Code::TooLong, "a domain has at most 253 characters");
    }
    let label = |l: &str| {
        (1..=63).contains(&l.len())
            && !l.starts_with('-')
            && !l.ends_with('-')
            && l.bytes()
                .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
    };
    let top = text.rsplit('.').next().unwrap_or_default();
    let has_top = top.len() > 1 && top.starts_with(|c: char| c.is_ascii_lowercase());
    if !text.contains('.') || !has_top || !text.split('.').all(label) {
        return Err(Fault::new(Code::BadText, wanted));
    }
    Ok(())
}

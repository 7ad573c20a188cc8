//! JSON Web Keys (RFC 7517) on P-256: kty, crv, d, x and y of RFC 7518 §6.2,
//! checked against each other; and what other JSON is found in their place.
//!
//! It must not know PEM or DER. The private member is decoded into a buffer
//! that is wiped, and is in no message.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use p256::ecdsa::{SigningKey, VerifyingKey};
use zeroize::Zeroizing;

use super::pem::BYTE_ORDER_MARK;
use super::{Curve, KeyError, Wanted};
use crate::json::{self, Member};

/// The most `kid`s that a message names.
const NAMED: usize = 6;

/// The longest name of a kind or of a curve that a message shows, in bytes: a
/// longer one may be a value that got into the wrong place.
const LONGEST_NAME: usize = 16;

/// The longest `kid` that a message shows whole, and how much it shows of others.
const LONGEST_KID: usize = 19;
const START_OF_KID: usize = 12;

/// The text, where the bytes are meant to be a JSON object.
pub(super) fn json(bytes: &[u8]) -> Option<&str> {
    let bytes = bytes.strip_prefix(BYTE_ORDER_MARK).unwrap_or(bytes);
    let text = bytes.trim_ascii();
    // A PEM file may stand in an object, but nobody can tell which of several.
    text.starts_with(b"{").then_some(())?;
    std::str::from_utf8(text).ok()
}

/// The private key of a JWK.
pub(super) fn private_key(text: &str) -> Result<SigningKey, KeyError> {
    let wanted = Wanted::PrivateKey;
    with_ec(text, wanted, &mut |members| {
        let point = point(members)?;
        let d = find(members, "d").ok_or(KeyError::PublicNotPrivate)?;
        let scalar = coordinate(d, "d")?;
        let key = SigningKey::from_slice(scalar.as_slice()).map_err(|_| KeyError::ScalarRange)?;
        match *key.verifying_key() == point {
            true => Ok(key),
            false => Err(KeyError::PublicMismatch),
        }
    })
}

/// The public key of a JWK.
pub(super) fn public_key(text: &str) -> Result<VerifyingKey, KeyError> {
    with_ec(
        text,
        Wanted::PublicKey,
        &mut |members| match find(members, "d") {
            Some(_) => Err(KeyError::PrivateJwk),
            None => point(members),
        },
    )
}

/// The `kid` of the one JWK in the text, if it has one that can be shown.
pub(super) fn key_id(text: &str) -> Option<String> {
    let members = json::object(text).ok()?;
    match only(&members, Wanted::PrivateKey) {
        Ok(Some(own)) => shown(&json::object(own).ok()?),
        _ => shown(&members),
    }
}

/// How many bytes the secret of a JWK of kind `oct` has.
pub(super) fn secret_bytes(text: &str) -> Option<usize> {
    let members = json::object(text).ok()?;
    let k = find(&members, "k")?;
    let mut bytes = Zeroizing::new(vec![0; k.len()]);
    URL_SAFE_NO_PAD
        .decode_slice(k.trim_matches('"'), &mut bytes)
        .ok()
}

/// Hands the members of the one JWK on P-256 to `read`.
fn with_ec<T>(
    text: &str,
    wanted: Wanted,
    read: &mut dyn FnMut(&[Member<'_>]) -> Result<T, KeyError>,
) -> Result<T, KeyError> {
    let members = json::object(text).map_err(|_| KeyError::Json { wanted })?;
    if let Some(own) = only(&members, wanted)? {
        let own = json::object(own).map_err(|_| KeyError::Json { wanted })?;
        check_kind(&own, wanted)?;
        return read(&own);
    }
    check_kind(&members, wanted)?;
    read(&members)
}

/// The one key of a JWK set; `None` where this is no set.
fn only<'a>(members: &[Member<'a>], wanted: Wanted) -> Result<Option<&'a str>, KeyError> {
    let keys = find(members, "keys").filter(|_| find(members, "kty").is_none());
    let Some(keys) = keys.and_then(|keys| json::array(keys).ok()) else {
        return Ok(None);
    };
    if let [own] = keys.as_slice() {
        return Ok(Some(own));
    }
    let kids: Vec<String> = keys
        .iter()
        .take(NAMED)
        .map(|own| shown(&json::object(own).unwrap_or_default()))
        .map(|kid| match kid {
            Some(kid) if kid.len() > LONGEST_KID => format!("kid {}…", &kid[..START_OF_KID]),
            Some(kid) => format!("kid {kid}"),
            None => "one without kid".into(),
        })
        .collect();
    Err(KeyError::SeveralJwks {
        count: keys.len(),
        kids: match kids.is_empty() {
            true => "it is empty".into(),
            false => kids.join(", "),
        },
        wanted,
    })
}

/// What the key is, if it is none on P-256.
fn check_kind(members: &[Member<'_>], wanted: Wanted) -> Result<(), KeyError> {
    let word = |name| {
        let word = find(members, name).and_then(name_in);
        word.map(|word| match word.len() > LONGEST_NAME {
            true => "of a name too long to show".to_owned(),
            false => word,
        })
    };
    let Some(kty) = word("kty") else {
        let has = |name| find(members, name).is_some();
        return Err(if has("private_key") && has("client_email") {
            KeyError::ServiceAccount { wanted }
        } else if has("errors") || has("error") {
            let what = "an error that a server answered with";
            KeyError::WebPage { what, wanted }
        } else {
            KeyError::Json { wanted }
        });
    };
    let crv = word("crv").unwrap_or_default();
    let other = |oid: String| KeyError::OtherAlgorithm { oid, wanted };
    Err(match (kty.as_str(), crv.as_str()) {
        ("EC", "P-256") => return Ok(()),
        ("EC", "") => {
            let (member, says) = ("crv", "is missing");
            KeyError::JwkMember { member, says }
        }
        ("EC", crv) => KeyError::OtherCurve {
            curve: match crv {
                "P-384" => Curve::P384,
                "P-521" => Curve::P521,
                "secp256k1" => Curve::Secp256k1,
                other => Curve::Other(other.to_owned()),
            },
            wanted,
        },
        ("RSA", _) => KeyError::RsaKey { wanted },
        ("OKP", "Ed25519") => KeyError::Ed25519Key { wanted },
        ("OKP", crv) => other(format!("OKP {crv}")),
        ("oct", _) => KeyError::JwkSecret { wanted },
        (kty, _) => other(kty.to_owned()),
    })
}

/// x and y as a point of the curve.
fn point(members: &[Member<'_>]) -> Result<VerifyingKey, KeyError> {
    let mut point = [4; 65];
    for (name, at) in [("x", 1), ("y", 33)] {
        let missing = KeyError::JwkMember {
            member: name,
            says: "is missing",
        };
        let token = find(members, name).ok_or(missing)?;
        point[at..at + 32].copy_from_slice(coordinate(token, name)?.as_slice());
    }
    VerifyingKey::from_sec1_bytes(&point).map_err(|_| KeyError::BadPoint)
}

/// 32 bytes in base64url without padding.
fn coordinate(token: &str, member: &'static str) -> Result<Zeroizing<[u8; 32]>, KeyError> {
    let text = token
        .strip_prefix('"')
        .and_then(|rest| rest.strip_suffix('"'));
    let refuse = |says| KeyError::JwkMember { member, says };
    let text = text.ok_or(refuse("is no string"))?;
    let mut bytes = Zeroizing::new([0; 32]);
    // No copy of the text is made: an escape in it is no base64url.
    match (
        text.len(),
        URL_SAFE_NO_PAD.decode_slice(text, bytes.as_mut_slice()),
    ) {
        (43, Ok(32)) => Ok(bytes),
        (43, _) => Err(refuse("is not base64url")),
        _ => Err(refuse(
            "is not 32 bytes in base64url without padding (43 characters)",
        )),
    }
}

fn find<'a>(members: &[Member<'a>], name: &str) -> Option<&'a str> {
    let found = members.iter().find(|(own, _)| own == name);
    found.map(|(_, token)| *token)
}

/// A `kid` that can be shown.
fn shown(members: &[Member<'_>]) -> Option<String> {
    find(members, "kid").and_then(name_in)
}

/// A short name in a string: what could be anything is not shown.
fn name_in(token: &str) -> Option<String> {
    let text = json::string(token).ok()?;
    let plain = |c: char| c.is_ascii_alphanumeric() || "._:-".contains(c);
    let is_name = (1..=48).contains(&text.len()) && text.chars().all(plain);
    is_name.then(|| text.into_owned())
}

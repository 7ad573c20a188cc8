//! JSON Web Signature in compact serialization (RFC 7515 §3.1, §7.1).
//!
//! `BASE64URL(header) . BASE64URL(payload) . BASE64URL(signature)`, without
//! padding. Pure functions on bytes; this module must not know formats, keys
//! or files.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

/// Appends base64url without padding.
pub fn write_base64url(bytes: &[u8], out: &mut Vec<u8>) {
    base64_simd::URL_SAFE_NO_PAD.encode_append(bytes, out);
}

/// Bytes back from base64url without padding; `None` where it is anything
/// else, white space and padding included.
pub fn read_base64url(text: &str) -> Option<Vec<u8>> {
    URL_SAFE_NO_PAD.decode(text).ok()
}

/// A compact serialization, taken apart. Nothing is verified here.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Compact<'a> {
    /// The bytes the signature covers: everything before the second dot.
    pub signing_input: &'a str,
    /// The JOSE header's JSON text.
    pub header: String,
    /// The payload's bytes.
    pub payload: Vec<u8>,
    /// The signature's bytes.
    pub signature: Vec<u8>,
}

/// Why a text is no compact serialization.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CompactError {
    /// Not three parts.
    #[error("a compact JWS has three parts with dots between them, this has {0}")]
    Parts(usize),
    /// A part is not base64url without padding.
    #[error("the {0} is not base64url without padding")]
    Base64(&'static str),
    /// The header is not UTF-8.
    #[error("the header is not UTF-8")]
    Header,
}

impl<'a> Compact<'a> {
    /// Takes a compact serialization apart.
    ///
    /// # Errors
    /// When it does not have three parts of base64url.
    pub fn parse(token: &'a str) -> Result<Self, CompactError> {
        let parts: Vec<&str> = token.splitn(4, '.').collect();
        let [header, payload, signature] = parts[..] else {
            return Err(CompactError::Parts(token.split('.').count()));
        };
        let decode = |part, name| read_base64url(part).ok_or(CompactError::Base64(name));
        let header_bytes = decode(header, "header")?;
        Ok(Self {
            signing_input: &token[..header.len() + 1 + payload.len()],
            header: String::from_utf8(header_bytes).map_err(|_| CompactError::Header)?,
            payload: decode(payload, "payload")?,
            signature: decode(signature, "signature")?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_comes_apart_and_its_signing_input_is_what_was_received() {
        let compact = Compact::parse("eyJhIjoxfQ.e30.AAEC").unwrap();
        assert_eq!(compact.header, "{\"a\":1}");
        assert_eq!(compact.payload, b"{}");
        assert_eq!(compact.signature, [0, 1, 2]);
        assert_eq!(compact.signing_input, "eyJhIjoxfQ.e30");
    }

    #[test]
    fn what_is_no_compact_serialization_is_refused() {
        let table = [
            ("", CompactError::Parts(1)),
            ("a.b", CompactError::Parts(2)),
            ("a.b.c.d", CompactError::Parts(4)),
            ("e30=.e30.AA", CompactError::Base64("header")),
            ("e30.e3 0.AA", CompactError::Base64("payload")),
            ("e30.e30.A+", CompactError::Base64("signature")),
            ("_w.e30.AA", CompactError::Header),
        ];
        for (token, error) in table {
            assert_eq!(Compact::parse(token), Err(error), "{token}");
        }
    }
}

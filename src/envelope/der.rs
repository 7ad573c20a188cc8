//! ECDSA signatures as the joined formats carry them: DER, in standard base64.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::signature;

/// Appends `r ‖ s` as DER in standard base64 with padding, on one line.
pub(super) fn write_signature(rs: &[u8], out: &mut Vec<u8>) {
    let rs = rs.try_into().expect("an ES256 engine gives 64 bytes");
    let (der, length) = signature::encode(rs);
    base64_simd::STANDARD.encode_append(&der[..length], out);
}

/// `r ‖ s` back from DER in standard base64, as a signed record carries it;
/// `None` where it is anything else.
pub fn read_signature(text: &str) -> Option<[u8; 64]> {
    let der = STANDARD.decode(text).ok()?;
    let signature = ecdsa::der::Signature::<p256::NistP256>::from_bytes(&der).ok()?;
    let fixed = ecdsa::Signature::<p256::NistP256>::try_from(signature).ok()?;
    Some(fixed.to_bytes().into())
}

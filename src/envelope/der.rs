//! ECDSA signatures as the joined formats carry them: DER, in standard base64.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

/// Appends `r ‖ s` as DER in standard base64 with padding, on one line.
pub(super) fn write_signature(rs: &[u8], out: &mut Vec<u8>) {
    let (der, length) = der_signature(rs);
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

/// The longest DER form of a P-256 signature: two integers of 33 bytes with
/// two bytes before each, and two before all.
const MAX_DER: usize = 2 + 2 * (2 + 33);

/// `SEQUENCE { r INTEGER, s INTEGER }` of `r ‖ s` (X.690 §8.3, §8.9; SEC 1
/// §C.5): big-endian, leading zeros dropped, one zero put back where the first
/// bit would read as a sign. Gives the bytes and their number.
fn der_signature(rs: &[u8]) -> ([u8; MAX_DER], usize) {
    let mut der = [0; MAX_DER];
    let mut end = 2;
    for integer in rs.chunks(32) {
        let zeros = integer.iter().take_while(|b| **b == 0).count();
        let digits = &integer[zeros.min(integer.len() - 1)..];
        let sign = usize::from(digits[0] >= 0x80);
        der[end] = 0x02;
        // At most 33, so the short form of a length always does.
        der[end + 1] = (digits.len() + sign) as u8;
        der[end + 2 + sign..end + 2 + sign + digits.len()].copy_from_slice(digits);
        end += 2 + sign + digits.len();
    }
    der[0] = 0x30;
    der[1] = (end - 2) as u8;
    (der, end)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn der_equals_an_independent_encoder_on_every_length() {
        let mut seed = 1_u64;
        for round in 0..2000 {
            let mut rs = [0_u8; 64];
            for byte in &mut rs {
                seed = seed.wrapping_mul(6364136223846793005).wrapping_add(1);
                *byte = (seed >> 56) as u8;
            }
            // Short integers: 0 to 31 leading zero bytes on either side.
            rs[..round % 32].fill(0);
            rs[32..32 + (round / 32) % 32].fill(0);
            let Ok(signature) = p256::ecdsa::Signature::from_slice(&rs) else {
                continue;
            };
            let (der, length) = der_signature(&rs);
            assert_eq!(&der[..length], signature.to_der().as_bytes());
        }
    }
}

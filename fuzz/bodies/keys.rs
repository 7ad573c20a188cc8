//! `key_parse`: any bytes as a private key, a public key and a secret. What is
//! read works; nothing that is shown, in errors least of all, is a secret.

use campaign_signer::engine::{Check, ENGINES, Messages, P256Verifier, Signatures, Verifier};
use campaign_signer::jws::write_base64url;
use campaign_signer::key::{KeyError, PublicKey, Secret, SigningKey};

pub fn key_parse(data: &[u8]) {
    match SigningKey::from_bytes(data) {
        Ok(key) => check_private(&key),
        Err(error) => check_error(data, &error),
    }
    match PublicKey::from_bytes(data) {
        Ok(key) => check_public(&key),
        Err(error) => check_error(data, &error),
    }
    match Secret::from_bytes(data) {
        Ok(secret) => check_secret(data, &secret),
        Err(error) => check_error(data, &error),
    }
}

fn check_private(key: &SigningKey) {
    key.probe().expect("a key that was read works");
    let public = key.public_key();
    check_public(&public);
    let again = SigningKey::from_bytes(key.to_pkcs8_pem().as_bytes()).unwrap();
    assert_eq!(again.scalar(), key.scalar());
    assert_eq!(again.public_key(), public);

    let mut messages = Messages::default();
    messages.push(b"probe");
    let mut signatures = Signatures::default();
    let engine = (ENGINES[0].load)(&[key.ecdsa()]);
    engine
        .sign_batch(&messages, Check::Off, &mut signatures)
        .unwrap();
    let verifier = P256Verifier::new(*public.verifying_key());
    assert!(verifier.verify(b"probe", signatures.get(0)));
    assert!(!verifier.verify(b"prober", signatures.get(0)));

    let scalar = key.scalar();
    let shown = format!("{key:?} {public:?}");
    for form in forms(scalar.as_slice()) {
        assert!(!shown.contains(&form), "the scalar is shown");
    }
}

fn check_public(key: &PublicKey) {
    for written in [
        key.spki_der(),
        key.spki_base64().into_bytes(),
        key.to_pem().into_bytes(),
    ] {
        assert_eq!(&PublicKey::from_bytes(&written).unwrap(), key);
        assert!(SigningKey::from_bytes(&written).is_err());
    }
    assert_eq!(key.fingerprint().len(), 43);
}

fn check_secret(data: &[u8], secret: &Secret) {
    assert_eq!(secret.bytes(), data, "a secret is taken as it is");
    assert_eq!(secret.fingerprint().len(), 22);
    for warning in secret.warnings() {
        assert!(!warning.to_string().is_empty());
    }
    let shown = format!("{secret:?}").replace("Secret { fingerprint: ", "");
    // A shorter one may stand in any text by chance.
    if let Some(start) = data.first_chunk::<8>() {
        for form in forms(start) {
            assert!(!shown.contains(&form), "the secret is shown");
        }
        let text = std::str::from_utf8(data);
        assert!(
            !text.is_ok_and(|text| shown.contains(text)),
            "the secret is shown"
        );
    }
}

/// The ways in which bytes could be printed.
pub(super) fn forms(bytes: &[u8]) -> Vec<String> {
    let hex: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    let list: Vec<String> = bytes.iter().map(u8::to_string).collect();
    let mut forms = vec![hex.to_uppercase(), hex, list.join(", ")];
    // Inside a longer document base64 begins at any of three places.
    for skipped in 0..3 {
        let whole = (bytes.len() - skipped) / 3 * 3;
        let mut out = Vec::new();
        write_base64url(&bytes[skipped..skipped + whole], &mut out);
        let url = String::from_utf8(out).unwrap();
        forms.push(url.replace('-', "+").replace('_', "/"));
        forms.push(url);
    }
    forms
}

/// An error says what it found in words of its own: no long piece of the input
/// and nothing that looks like a key. The name of a PEM block is no secret.
fn check_error(data: &[u8], error: &KeyError) {
    let shown = format!("{error} {error:?} {}", error.hint().unwrap_or_default());
    assert!(!error.to_string().is_empty());
    let alphabet = |byte: &u8| byte.is_ascii_alphanumeric() || b"+/=_-".contains(byte);
    for run in shown.as_bytes().split(|byte| !alphabet(byte)) {
        let is_name = |byte: &u8| byte.is_ascii_uppercase() || byte.is_ascii_digit();
        if run.len() < 20 || run.iter().all(is_name) {
            continue;
        }
        let quoted = data
            .windows(20)
            .any(|piece| run.windows(20).any(|own| own == piece));
        assert!(!quoted, "the error quotes the input");
    }
    let longest = shown
        .split(|c: char| !c.is_ascii_hexdigit())
        .map(str::len)
        .max();
    assert!(longest < Some(64), "a scalar is shown");
}

//! `explain`: any text under the demo key and the demo secret. Whatever is
//! found is said soundly, a cause is named only where there is one, and no
//! secret is told.

use std::sync::LazyLock;

use campaign_signer::engine::{Hs256, Verifier, batch};
use campaign_signer::explain::{Explainer, Explanation, Side, Verdict, diff};
use campaign_signer::format::Alg;
use campaign_signer::key::SigningKey;
use campaign_signer::verify::Keys;

/// Beyond this a search takes long, and finds nothing new.
const LONGEST: usize = 4096;

static KEY: LazyLock<(SigningKey, Box<dyn Verifier>)> = LazyLock::new(|| {
    let key = SigningKey::from_bytes(include_bytes!("../../examples/keys/demo.p8")).unwrap();
    let verifier = batch::load_verifier(&[*key.public_key().verifying_key()]);
    (key, verifier)
});

/// A secret that is base64 and hexadecimal at once.
const SECRET: &[u8] = b"00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff";

pub fn explain(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else {
        return;
    };
    if text.len() > LONGEST {
        return;
    }
    let (key, verifier) = &*KEY;
    let mac = Hs256::new(&[SECRET]);
    for (keys, secrets) in [
        (Keys::one(Alg::Es256, verifier.as_ref()), &[][..]),
        (Keys::one(Alg::Hs256, &mac), &[SECRET][..]),
    ] {
        let explainer = Explainer::new(&keys, vec![key.public_key()], secrets);
        let all = explainer.explain(text);
        all.iter().for_each(check);
        // The same text, the same words.
        let again: Vec<String> = explainer
            .explain(text)
            .iter()
            .map(Explanation::sentence)
            .collect();
        assert_eq!(
            again,
            all.iter().map(Explanation::sentence).collect::<Vec<_>>()
        );
    }
}

fn check(own: &Explanation) {
    let sentence = own.sentence();
    assert!(!sentence.is_empty());
    let secret = std::str::from_utf8(SECRET).unwrap();
    assert!(!format!("{own:?}").contains(secret), "the secret is told");
    match own.verdict {
        Verdict::Valid => assert!(own.causes.is_empty() && own.notes.is_empty()),
        Verdict::Odd => assert!(own.causes.is_empty() && !own.notes.is_empty()),
        Verdict::Explained => assert!(!own.causes.is_empty()),
        Verdict::Unexplained => assert!(own.causes.is_empty() && own.tried > 0),
        Verdict::Unreadable => assert!(own.unreadable.is_some()),
    }
    for cause in &own.causes {
        assert!(!cause.fix().is_empty() && !cause.source(own.format).is_empty());
        // A mistake of the signer alone shows: other bytes were signed.
        let is_signed = cause.side == Side::Signed && own.causes.len() == 1;
        let is_message = is_signed && !own.is_token && !cause.field.is_empty();
        if let (true, Some(signed)) = (is_message && cause.field != "signature", &own.signed) {
            assert_ne!(*signed, own.wanted, "{sentence}");
        }
    }
    if let Some(signed) = &own.signed {
        let marks = diff(&own.wanted, signed);
        assert_eq!(marks.first.len(), own.wanted.chars().count());
        assert_eq!(marks.second.len(), signed.chars().count());
    }
}

//! `checkpoint`: what an interrupted run left, as bytes and as JSON under a
//! digest that fits. `source`: an input that may be compressed.

use std::io::Read;

use campaign_signer::hex::hex;
use campaign_signer::output::{Checkpoint, Manifest};
use campaign_signer::row::Source;
use sha2::{Digest, Sha256};

/// A checkpoint is refused, or says the same when it is written again; a
/// damaged one is refused.
pub fn checkpoint(data: &[u8]) {
    if let Ok(found) = Checkpoint::parse(data) {
        holds(&found);
        // One bit of it is enough to be refused; which one, the data says.
        let at = usize::from(data[data.len() / 2]) % data.len();
        let mut damaged = data.to_vec();
        damaged[at] ^= 1;
        if let Ok(other) = Checkpoint::parse(&damaged) {
            assert_eq!(other, found, "byte {at} changes what it says");
        }
    }
    // As if whoever wrote it had sealed it.
    if let Ok(text) = std::str::from_utf8(data) {
        let sha256 = hex(&Sha256::digest(text));
        let sealed = format!("{{\"checkpoint\":{text},\"sha256\":\"{sha256}\"}}");
        if let Ok(found) = Checkpoint::parse(sealed.as_bytes()) {
            holds(&found);
        }
    }
    if let Ok(manifest) = serde_json::from_slice::<Manifest>(data) {
        let again: Manifest = serde_json::from_slice(&manifest.to_json()).unwrap();
        assert_eq!(again.to_json(), manifest.to_json());
    }
}

fn holds(found: &Checkpoint) {
    let again = Checkpoint::parse(&found.seal()).unwrap();
    assert_eq!(again.seal(), found.seal());
}

/// How much of a decompressed input is looked at.
const MOST: u64 = 4 << 20;

/// An input reads the same in one piece and byte by byte; one that is not
/// compressed is given as it stands; one that is, is read to its last byte or
/// refused.
pub fn source(data: &[u8]) {
    let (whole, one) = (read(data, usize::MAX), read(data, 1));
    if whole.1 != Some(true) && one.1 != Some(true) {
        // How much comes out before the damage is found depends on how it is
        // read; what comes out does not.
        assert!(whole.0.starts_with(&one.0) || one.0.starts_with(&whole.0));
    } else {
        assert!(whole == one, "read in other pieces it is another input");
    }
    let (bytes, ended, compressed, stored) = whole;
    match stored {
        // What is cut short in its first bytes, or of another kind, gives nothing.
        None if ended == Some(false) => assert!(bytes.is_empty()),
        None => assert_eq!((bytes.as_slice(), ended), (data, Some(true))),
        Some((length, digest)) if ended == Some(true) => {
            assert!(compressed);
            assert_eq!(length, data.len() as u64);
            assert_eq!(digest, <[u8; 32]>::from(Sha256::digest(data)));
        }
        Some((length, _)) => assert!(length <= data.len() as u64),
    }
}

/// What an input gives, whether it ended well, and what was taken of it.
type Given = (Vec<u8>, Option<bool>, bool, Option<(u64, [u8; 32])>);

fn read(data: &[u8], piece: usize) -> Given {
    let mut source = Source::new(Pieces(std::io::Cursor::new(data.to_vec()), piece));
    let mut bytes = Vec::new();
    let result = (&mut source).take(MOST).read_to_end(&mut bytes);
    let ended = match result {
        Ok(_) if bytes.len() as u64 == MOST => None,
        result => Some(result.is_ok()),
    };
    let stored = source.stored().filter(|_| ended == Some(true));
    let taken = source.stored().map(|_| (0, [0; 32]));
    (
        bytes,
        ended,
        source.compressed().is_some(),
        stored.or(taken),
    )
}

struct Pieces(std::io::Cursor<Vec<u8>>, usize);

impl Read for Pieces {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let most = self.1.min(buffer.len());
        self.0.read(&mut buffer[..most])
    }
}

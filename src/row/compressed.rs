//! How an input is compressed: what says so, what is taken of it, and what may
//! be wrong with it. It must not know how anything is decompressed.

use std::io;
use std::path::Path;

/// How an input was compressed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Compressed {
    /// gzip, RFC 1952.
    Gzip,
    /// Zstandard, RFC 8878.
    Zstd,
}

/// How many bytes tell what an input is.
pub(super) const MAGIC: usize = 10;

/// What other programs make, which is not read: its first bytes, its name, and
/// what to do about it. No row begins so.
const FOREIGN: [(&[u8], &str, &str); 4] = [
    (b"\xfd7zXZ\0", "xz", "xz -dc FILE | campaign-signer ..."),
    (
        b"BZh91AY&SY",
        "bzip2",
        "bzip2 -dc FILE | campaign-signer ...",
    ),
    (
        b"\x04\x22\x4d\x18",
        "LZ4",
        "lz4 -dc FILE | campaign-signer ...",
    ),
    (
        b"\x1f\x9d",
        "compress",
        "gzip -dc FILE | campaign-signer ...",
    ),
];

/// Whether more bytes must be seen to tell what an input is. A program that
/// waits for an answer to a short row must get it.
pub(super) fn is_undecided(head: &[u8]) -> bool {
    let own = [Compressed::Gzip, Compressed::Zstd].map(Compressed::magic);
    let mut all = own
        .into_iter()
        .chain(FOREIGN.iter().map(|foreign| foreign.0));
    let is_begun = |magic: &[u8]| head.len() < magic.len() && magic.starts_with(head);
    // A frame without data has any of sixteen first bytes.
    let is_frame = match head {
        [first, rest @ ..] if rest.len() < 3 => {
            first & 0xf0 == 0x50 && [0x2a, 0x4d, 0x18].starts_with(rest)
        }
        _ => false,
    };
    is_frame || all.any(is_begun)
}

impl Compressed {
    /// What a file's name says: `.gz` or `.zst`.
    pub fn of(path: &Path) -> Option<Self> {
        match path.extension() {
            Some(end) if end.eq_ignore_ascii_case("gz") => Some(Self::Gzip),
            Some(end) if end.eq_ignore_ascii_case("zst") => Some(Self::Zstd),
            _ => None,
        }
    }

    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Gzip => "gzip",
            Self::Zstd => "zstd",
        }
    }

    /// What such a stream begins with. A zstd stream may also begin with a
    /// frame that holds no data, as `pzstd` writes it: RFC 8878, section 3.1.2.
    fn magic(self) -> &'static [u8] {
        match self {
            Self::Gzip => b"\x1f\x8b",
            Self::Zstd => b"\x28\xb5\x2f\xfd",
        }
    }

    fn begins(self, head: &[u8]) -> bool {
        head.starts_with(self.magic())
            || (self == Self::Zstd
                && matches!(head, [first, 0x2a, 0x4d, 0x18, ..] if first & 0xf0 == 0x50))
    }

    /// Whether this is a whole input that ends within what such a stream begins
    /// with. A single `(`, as zstd begins, may be a text.
    fn is_cut(self, head: &[u8]) -> bool {
        let least = if self == Self::Zstd { 2 } else { 1 };
        (least..self.magic().len()).contains(&head.len()) && self.magic().starts_with(head)
    }
}

/// What an input is expected to be, and what decompressing it may cost.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Unpacking {
    /// How it is compressed.
    pub expected: Expected,
    /// The largest window that a zstd frame may ask for, as a power of two. So
    /// much memory an input can take: the default of 8 MiB is what RFC 8878
    /// recommends every decoder to take, and what all levels of `zstd` up to 19
    /// stay within.
    pub zstd_window_log: u32,
    /// How many bytes a compressed input may become; the default is 1 TiB.
    pub most_bytes: u64,
}

impl Default for Unpacking {
    fn default() -> Self {
        Self {
            expected: Expected::Any,
            zstd_window_log: 23,
            most_bytes: 1 << 40,
        }
    }
}

/// How an input is expected to be compressed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Expected {
    /// As its first bytes say.
    Any,
    /// As its first bytes say, but its name says this: an input that has none,
    /// or not all of what such a stream begins with, is cut short.
    Named(Compressed),
    /// Like this; anything else is refused.
    Only(Compressed),
    /// Not at all: its bytes are taken as they stand.
    Plain,
}

impl Expected {
    /// What an input is by its first bytes, fewer than [`MAGIC`] only where it
    /// has no more; `None` where it is not compressed.
    pub(super) fn recognize(self, head: &[u8]) -> Result<Option<Compressed>, Damage> {
        let all = [Compressed::Gzip, Compressed::Zstd];
        if self == Self::Plain {
            return Ok(None);
        }
        let found = all.into_iter().find(|kind| kind.begins(head));
        match (self, found) {
            (Self::Only(kind), found) if found == Some(kind) => return Ok(found),
            (Self::Only(kind) | Self::Named(kind), None)
                if head.is_empty() || kind.is_cut(head) || kind.magic()[0..1] == *head =>
            {
                return Err(Damage::Early { kind });
            }
            (Self::Only(kind), _) => return Err(Damage::Other { kind }),
            (_, Some(_)) => return Ok(found),
            (_, None) => {}
        }
        if let Some(kind) = all.into_iter().find(|kind| kind.is_cut(head)) {
            return Err(Damage::Early { kind });
        }
        let is_of = |(magic, ..): &&(&[u8], _, _)| head.starts_with(magic);
        match FOREIGN.iter().find(is_of) {
            Some(&(_, name, hint)) => Err(Damage::Foreign { name, hint }),
            None => Ok(None),
        }
    }
}

/// Why a compressed input cannot be read to its end.
#[derive(Debug, thiserror::Error)]
pub(super) enum Damage {
    #[error("the {} stream is damaged near its byte {at}: {words}", .kind.name())]
    Broken {
        kind: Compressed,
        at: u64,
        words: String,
    },
    #[error("the zstd stream was compressed with a dictionary")]
    Dictionary,
    #[error("the {} stream ends early", .kind.name())]
    Early { kind: Compressed },
    #[error(
        "the {} stream is complete after {at} bytes, but followed by {}", .kind.name(),
        if *zeros { "zeros" } else { "something else" }
    )]
    Followed {
        kind: Compressed,
        at: u64,
        zeros: bool,
    },
    #[error("it is compressed with {name}, which is not read")]
    Foreign {
        name: &'static str,
        hint: &'static str,
    },
    #[error("it is no {} stream", .kind.name())]
    Other { kind: Compressed },
    #[error("the {} stream becomes more than {most} bytes", .kind.name())]
    TooLarge { kind: Compressed, most: u64 },
    #[error("the zstd stream needs a window of more than {} KiB", (1u64 << log) / 1024)]
    Window { log: u32 },
}

impl Damage {
    /// What to do about it.
    fn hint(&self) -> &'static str {
        match self {
            Self::Broken { .. } | Self::Early { .. } => {
                "fetch or make the file anew; gzip -t FILE or zstd -t FILE says when it is whole"
            }
            Self::Dictionary => "compress it anew without a dictionary",
            Self::Followed { zeros: true, .. } => {
                "zeros may stand where a crash lost data: fetch or make the file anew; where they \
                 only fill a block up, cut them off"
            }
            Self::Followed { .. } => {
                "fetch or make the file anew; what is appended to it must be compressed, too"
            }
            Self::Foreign { hint, .. } => hint,
            Self::Other { .. } => "leave --input-compression out, or give what the input is",
            Self::TooLarge { .. } => "raise --max-unpacked-bytes if it is really that large",
            Self::Window { .. } => {
                "raise --zstd-window-log (27 takes what zstd --long makes, and 128 MiB of memory), \
                 or compress it without --ultra and --long"
            }
        }
    }
}

impl From<Damage> for io::Error {
    fn from(damage: Damage) -> Self {
        Self::new(io::ErrorKind::InvalidData, damage)
    }
}

/// What to do about an error of reading, where it is one of compression.
pub(super) fn hint(error: &io::Error) -> Option<&'static str> {
    let damage = error.get_ref()?.downcast_ref::<Damage>()?;
    Some(damage.hint())
}

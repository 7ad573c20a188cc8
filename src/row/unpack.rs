//! Decompressing: gzip of any number of members, zstd of any number of frames.
//! A stream may end behind a member or frame and nowhere else, and nothing else
//! may follow. It must not know what the bytes mean.

use std::io::{self, BufRead, BufReader, Read};

use flate2::bufread::GzDecoder;
use zstd::stream::raw::{DParameter, Decoder, InBuffer, Operation, OutBuffer};

use super::compressed::{Compressed, Damage};
use super::tap::Tap;

/// How many compressed bytes are read at once.
const BUFFER_BYTES: usize = 64 * 1024;

/// The members of a gzip stream, one after another.
pub(super) struct Gzip {
    decoder: GzDecoder<Feed>,
    /// How many compressed bytes the complete members have.
    complete: u64,
}

impl Gzip {
    pub(super) fn new(tap: Tap) -> Self {
        Self {
            decoder: GzDecoder::new(Feed::new(tap, BUFFER_BYTES)),
            complete: 0,
        }
    }

    pub(super) fn tap(&self) -> &Tap {
        self.decoder.get_ref().tap()
    }

    /// A decoder's own words, with what they mean: its kinds of errors would
    /// pass for those of a file.
    fn explain(&self, error: io::Error) -> io::Error {
        let (kind, feed) = (Compressed::Gzip, self.decoder.get_ref());
        if feed.has_failed {
            return error;
        }
        if error.kind() == io::ErrorKind::UnexpectedEof {
            return Damage::Early { kind }.into();
        }
        let is_in_header = self.decoder.header().is_none();
        let damage = match self.complete {
            at @ 1.. if is_in_header => Damage::Followed {
                kind,
                at,
                zeros: false,
            },
            _ => Damage::Broken {
                kind,
                at: feed.place(),
                words: error.to_string(),
            },
        };
        damage.into()
    }
}

impl Read for Gzip {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if buffer.is_empty() {
            return Ok(0);
        }
        loop {
            match self.decoder.read(buffer) {
                Ok(0) => {}
                Ok(read) => return Ok(read),
                Err(error) => return Err(self.explain(error)),
            }
            // The member is complete, and its sums are right.
            let feed = self.decoder.get_mut();
            match feed.fill_buf()? {
                [] => return Ok(0),
                [0x1f, ..] => {}
                &[other, ..] => {
                    return Err(Damage::Followed {
                        kind: Compressed::Gzip,
                        at: feed.place(),
                        zeros: other == 0,
                    }
                    .into());
                }
            }
            self.complete = feed.place();
            let feed = std::mem::replace(feed, Feed::new(Tap::empty(), 0));
            self.decoder.reset(feed);
        }
    }
}

/// The frames of a zstd stream, one after another.
pub(super) struct Zstd {
    decoder: Decoder<'static>,
    feed: Feed,
    window_log: u32,
    /// What was taken so far is complete frames, of so many bytes.
    complete: Option<u64>,
    /// The decoder may hold bytes that it had no room for.
    holds: bool,
}

impl Zstd {
    pub(super) fn new(tap: Tap, window_log: u32) -> io::Result<Self> {
        let mut decoder = Decoder::new()?;
        decoder.set_parameter(DParameter::WindowLogMax(window_log))?;
        Ok(Self {
            decoder,
            feed: Feed::new(tap, BUFFER_BYTES),
            window_log,
            complete: None,
            holds: false,
        })
    }

    pub(super) fn tap(&self) -> &Tap {
        self.feed.tap()
    }

    fn explain(&self, error: &io::Error) -> io::Error {
        let kind = Compressed::Zstd;
        let words = error.to_string();
        let says = |part| words.contains(part);
        let damage = match self.complete {
            _ if says("too much memory") => Damage::Window {
                log: self.window_log,
            },
            _ if says("Dictionary") => Damage::Dictionary,
            Some(at) if says("frame descriptor") => Damage::Followed {
                kind,
                at,
                zeros: false,
            },
            _ => Damage::Broken {
                kind,
                at: self.feed.place(),
                words,
            },
        };
        damage.into()
    }
}

impl Read for Zstd {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if buffer.is_empty() {
            return Ok(0);
        }
        loop {
            let kind = Compressed::Zstd;
            // What the decoder has is given before more is waited for.
            let input = match self.holds {
                true => &[],
                false => self.feed.fill_buf()?,
            };
            if let (Some(at), false) = (self.complete, self.holds) {
                match input {
                    [] => return Ok(0),
                    &[first, ..] if begins_frame(first) => {}
                    &[other, ..] => {
                        let zeros = other == 0;
                        return Err(Damage::Followed { kind, at, zeros }.into());
                    }
                }
            }
            let is_at_end = !self.holds && input.is_empty();
            let mut from = InBuffer::around(input);
            let mut into = OutBuffer::around(&mut *buffer);
            let ran = self.decoder.run(&mut from, &mut into);
            let (taken, given) = (from.pos(), into.pos());
            let left = ran.map_err(|error| self.explain(&error))?;
            self.feed.consume(taken);
            // It stops at the end of each frame, when all of it is given.
            self.holds = left > 0 && given == buffer.len();
            if left == 0 {
                self.complete = Some(self.feed.place());
            } else if taken > 0 {
                self.complete = None;
            }
            if given > 0 {
                return Ok(given);
            }
            if is_at_end {
                return Err(Damage::Early { kind }.into());
            }
        }
    }
}

/// Whether a frame can begin with this byte, be it one without data.
fn begins_frame(first: u8) -> bool {
    first == 0x28 || first & 0xf0 == 0x50
}

/// Compressed bytes for a decoder.
struct Feed {
    reader: BufReader<Tap>,
    /// An error was the tap's, not the decoder's.
    has_failed: bool,
}

impl Feed {
    fn new(tap: Tap, buffered: usize) -> Self {
        Self {
            reader: BufReader::with_capacity(buffered, tap),
            has_failed: false,
        }
    }

    fn tap(&self) -> &Tap {
        self.reader.get_ref()
    }

    /// How many bytes a decoder has taken.
    fn place(&self) -> u64 {
        self.tap().bytes - self.reader.buffer().len() as u64
    }
}

impl Read for Feed {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.fill_buf()?.read(buffer)?;
        self.consume(read);
        Ok(read)
    }
}

impl BufRead for Feed {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        let filled = self.reader.fill_buf();
        self.has_failed = filled.is_err();
        filled
    }

    fn consume(&mut self, bytes: usize) {
        self.reader.consume(bytes);
    }
}

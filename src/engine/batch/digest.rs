//! SHA-256 of messages, a message to a lane.
//!
//! Messages of one run share their beginning (a JOSE header, a version and a
//! network's id): its whole blocks are hashed once per batch. Lengths are no
//! secret. This file must not know keys or points.

use std::ops::Range;

use super::lanes::Lanes;
use super::portable::Portable;
use crate::engine::Messages;
use crate::vector::sha256::INITIAL;

const BLOCK: usize = 64;

/// Some messages of many: what one batch takes.
#[derive(Clone, Copy)]
pub struct Part<'m> {
    messages: &'m Messages,
    first: usize,
    count: usize,
    /// Which of them they are, counted from the first; in their own order
    /// without it.
    order: Option<&'m [u16]>,
}

impl<'m> Part<'m> {
    /// These messages.
    pub fn new(messages: &'m Messages, range: Range<usize>) -> Self {
        Self {
            messages,
            first: range.start,
            count: range.len(),
            order: None,
        }
    }

    /// These of them in this order; one may come more than once.
    pub fn reordered(self, order: &'m [u16]) -> Self {
        Self {
            count: order.len(),
            order: Some(order),
            ..self
        }
    }

    /// How many.
    pub fn len(self) -> usize {
        self.count
    }

    /// Whether there is none.
    pub fn is_empty(self) -> bool {
        self.count == 0
    }

    /// Message `at` of the part.
    pub fn get(self, at: usize) -> &'m [u8] {
        self.messages.get(self.place(at))
    }

    /// The number of its key.
    pub fn key(self, at: usize) -> u16 {
        self.messages.key(self.place(at))
    }

    /// The key of all of them; `None` where they have several.
    pub fn only_key(self) -> Option<u16> {
        let key = self.key(0);
        let is_only = !self.messages.is_keyed() || (1..self.count).all(|at| self.key(at) == key);
        is_only.then_some(key)
    }

    fn place(self, at: usize) -> usize {
        self.first + self.order.map_or(at, |order| usize::from(order[at]))
    }
}

/// The whole blocks that all messages of a batch begin with, hashed.
pub struct Beginning {
    blocks: usize,
    state: [u32; 8],
}

impl Beginning {
    /// What these messages share.
    pub fn of(messages: Part<'_>) -> Self {
        let first = match messages.len() {
            // Nothing is saved by hashing it elsewhere.
            0 | 1 => &[],
            _ => messages.get(0),
        };
        let mut shared = first.len();
        for message in (1..messages.len()).map(|at| messages.get(at)) {
            let length = shared.min(message.len());
            if first[..length] == message[..length] {
                shared = length;
                continue;
            }
            let same = |(a, b): &(&u8, &u8)| a == b;
            shared = first.iter().zip(message).take_while(same).count();
            if shared < BLOCK {
                break;
            }
        }
        let blocks = shared / BLOCK;
        let mut state = INITIAL;
        for block in first.as_chunks::<BLOCK>().0.iter().take(blocks) {
            let block = Portable.blocks(|_| block);
            Portable.compress(&mut state, &block);
        }
        Self { blocks, state }
    }
}

/// A message's last bytes and its padding (FIPS 180-4 §5.1.1): one block or
/// two.
#[derive(Clone, Copy)]
struct Tail {
    blocks: [[u8; BLOCK]; 2],
    /// How many blocks the padded message has.
    count: usize,
}

const EMPTY: [u8; BLOCK] = [0; BLOCK];

/// How many lanes there are at most.
const MOST: usize = 16;

/// The digests of messages `first` and following, one to a lane, as words.
/// What lanes behind the last message hash means nothing.
#[inline(always)]
pub fn digests<L: Lanes>(
    lanes: L,
    messages: Part<'_>,
    first: usize,
    beginning: &Beginning,
) -> [L::Half; 8] {
    let width = L::WIDTH * L::HASHED;
    let message = |lane: usize| match first + lane {
        at if at < messages.len() => messages.get(at),
        // Any message with the same beginning does.
        _ if beginning.blocks > 0 => messages.get(0),
        _ => &[],
    };
    let mut tails = [Tail {
        blocks: [EMPTY; 2],
        count: 0,
    }; MOST];
    let mut most = 0;
    for (lane, tail) in tails.iter_mut().enumerate().take(width) {
        *tail = Tail::new(message(lane));
        most = tail.count.max(most);
    }
    let mut state = beginning.state.map(|word| lanes.half(word));
    for at in beginning.blocks..most {
        let mut active = 0_u16;
        for (lane, tail) in tails.iter().enumerate().take(width) {
            active |= u16::from(at < tail.count) << lane;
        }
        let block = lanes.blocks(|lane| {
            let whole = message(lane).as_chunks::<BLOCK>().0;
            match whole.get(at) {
                Some(block) => block,
                None => tails[lane].blocks.get(at - whole.len()).unwrap_or(&EMPTY),
            }
        });
        let mut next = state;
        lanes.compress(&mut next, &block);
        for (word, next) in state.iter_mut().zip(next) {
            *word = lanes.select_half(active, next, *word);
        }
    }
    state
}

impl Tail {
    fn new(message: &[u8]) -> Self {
        let (whole, rest) = message.as_chunks::<BLOCK>();
        let mut blocks = [EMPTY; 2];
        blocks[0][..rest.len()].copy_from_slice(rest);
        blocks[0][rest.len()] = 0x80;
        // The length needs 8 bytes; where they do not fit, a block of its own.
        let own = usize::from(rest.len() + 9 > BLOCK);
        let bits = 8 * message.len() as u64;
        blocks[own][BLOCK - 8..].copy_from_slice(&bits.to_be_bytes());
        Self {
            blocks,
            count: whole.len() + own + 1,
        }
    }
}

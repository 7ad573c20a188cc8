//! The machine for separated values. It follows the default rules of the `csv`
//! crate byte for byte, since that parses the rows later, but keeps an eye on
//! the length. It must not know what the cells hold.

use memchr::memchr3;

use super::{Framer, State, Step};
use crate::row::{Batch, ReadError};

const QUOTE: u8 = b'"';

impl Framer {
    /// Consumes the piece up to the end of one record, or all of it.
    ///
    /// Only three bytes can change the state of a record, the quote and the two
    /// line ends, so the machine jumps from one to the next; whether a quote
    /// opens a cell is told by the byte before it.
    pub(super) fn advance_csv(
        &mut self,
        piece: &[u8],
        delimiter: u8,
        batch: &mut Batch,
    ) -> Result<Step, ReadError> {
        let mut at = 0;
        if self.state == State::Between {
            at = self.skip_line_ends(piece);
            if at == piece.len() {
                return Ok(Step {
                    used: at,
                    row_ended: false,
                });
            }
            self.open_row(at, batch);
        }
        let from = at;
        let before = self.row.length;
        let length = |at: usize| before + (at - from) as u64;
        while at < piece.len() {
            match self.state {
                State::Between | State::CellStart => {
                    if piece[at] == QUOTE {
                        self.state = State::Quoted;
                        self.quote = (self.line, self.offset + at as u64);
                        at += 1;
                        self.mind_limit(length(at))?;
                    } else {
                        self.state = State::Plain;
                    }
                }
                State::Plain => {
                    let Some(found) = memchr3(QUOTE, b'\n', b'\r', &piece[at..]) else {
                        if piece[piece.len() - 1] == delimiter {
                            self.state = State::CellStart;
                        }
                        at = piece.len();
                        self.mind_limit(length(at))?;
                        break;
                    };
                    let found = at + found;
                    self.mind_limit(length(found))?;
                    if piece[found] != QUOTE {
                        self.keep(&piece[from..found], batch);
                        self.close_row(batch);
                        self.line += 1;
                        self.after_cr = piece[found] == b'\r';
                        return Ok(Step {
                            used: found + 1,
                            row_ended: true,
                        });
                    }
                    // `found == at` is a quote in the middle of a cell: every
                    // way into this state has looked at a cell's first byte.
                    if found > at && piece[found - 1] == delimiter {
                        self.state = State::CellStart;
                        at = found;
                    } else {
                        at = found + 1;
                        self.mind_limit(length(at))?;
                    }
                }
                State::Quoted => {
                    let Some(found) = memchr3(QUOTE, b'\n', b'\r', &piece[at..]) else {
                        self.after_cr = false;
                        at = piece.len();
                        self.mind_limit(length(at))?;
                        break;
                    };
                    let follows_cr = self.after_cr && found == 0;
                    self.after_cr = false;
                    at += found;
                    self.mind_limit(length(at))?;
                    match piece[at] {
                        QUOTE => self.state = State::QuoteInQuoted,
                        b'\n' if follows_cr => {}
                        b'\n' => self.line += 1,
                        _ => {
                            self.line += 1;
                            self.after_cr = true;
                        }
                    }
                    at += 1;
                    self.mind_limit(length(at))?;
                }
                State::QuoteInQuoted => {
                    if piece[at] == QUOTE {
                        self.state = State::Quoted;
                        at += 1;
                    } else if piece[at] == delimiter {
                        self.state = State::CellStart;
                        at += 1;
                    } else {
                        self.state = State::Plain;
                    }
                    self.mind_limit(length(at))?;
                }
            }
        }
        self.keep(&piece[from..], batch);
        Ok(Step {
            used: piece.len(),
            row_ended: false,
        })
    }

    /// Counts the line ends at the front of the piece and returns how many
    /// bytes they take. The `\n` of a `\r\n` may come in a later piece.
    fn skip_line_ends(&mut self, piece: &[u8]) -> usize {
        for (at, &byte) in piece.iter().enumerate() {
            match byte {
                b'\n' if self.after_cr => self.after_cr = false,
                b'\n' | b'\r' => {
                    self.after_cr = byte == b'\r';
                    self.line += 1;
                    self.blank_lines += 1;
                }
                _ => return at,
            }
        }
        piece.len()
    }
}

//! The machine for one value a line. It knows line ends and blank lines, and
//! must not know what a value looks like.

use memchr::memchr;

use super::{Framer, State, Step};
use crate::row::Batch;

impl Framer {
    /// Consumes the piece up to the end of one line, or all of it.
    pub(super) fn advance_lines(&mut self, piece: &[u8], batch: &mut Batch) -> Step {
        if piece.is_empty() {
            return Step {
                used: 0,
                row_ended: false,
            };
        }
        if self.state == State::Between {
            self.open_row(0, batch);
        }
        let found = memchr(b'\n', piece);
        let text = &piece[..found.unwrap_or(piece.len())];
        if let Some(&last) = text.last() {
            self.after_cr = last == b'\r';
            self.row.blank = self.row.blank && text.iter().all(|byte| b" \t\r".contains(byte));
        }
        // A `\r` at the end may be half of the line end, which does not count.
        let length = self.row.length + text.len() as u64 - u64::from(self.after_cr);
        self.skip_if_longer(length);
        self.keep(text, batch);
        if found.is_some() {
            self.close_line(batch);
            self.line += 1;
        }
        Step {
            used: text.len() + usize::from(found.is_some()),
            row_ended: found.is_some(),
        }
    }

    /// Closes a line as a row, or drops it when it is blank.
    pub(super) fn close_line(&mut self, batch: &mut Batch) {
        self.row.length -= u64::from(self.after_cr);
        self.after_cr = false;
        let kept = (batch.bytes.len() - self.row.start) as u64;
        if self.row.blank {
            batch.bytes.truncate(self.row.start);
            self.blank_lines += 1;
            self.state = State::Between;
        } else {
            if kept > self.row.length {
                batch.bytes.pop();
            }
            self.close_row(batch);
        }
    }
}

//! Memory that is used again: what one batch or task is done with, the next
//! one takes. Allocating and freeing a megabyte for each would cost more in
//! page faults than filling it. It must not know what the memory holds.

use std::ops::{Deref, DerefMut};
use std::sync::{Arc, Mutex, PoisonError};

use crate::record::Records;
use crate::row::{Batch, RowSpan};

/// Memory that can be used again.
pub(super) trait Reuse: Default {
    /// Empties it.
    fn clear(&mut self);

    /// About how many bytes it holds on to. Asked before it is emptied.
    fn held(&self) -> usize;
}

/// What holds on to more than this is not kept: an odd row of a megabyte must
/// not cost its memory for the rest of the run.
const MOST: usize = 2 * 1024 * 1024;

/// Where memory waits to be used again. There is never more of it than was in
/// use at one time.
#[derive(Default)]
pub(super) struct Supply<T>(Mutex<Vec<T>>);

impl<T: Reuse> Supply<T> {
    /// Memory, empty; it comes back when it is dropped.
    pub(super) fn take(self: &Arc<Self>) -> Lent<T> {
        // Nothing in here can panic, so what is behind the lock is sound.
        let waiting = self.0.lock().unwrap_or_else(PoisonError::into_inner).pop();
        Lent {
            memory: waiting.unwrap_or_default(),
            home: Arc::clone(self),
        }
    }
}

/// Memory on loan.
pub(super) struct Lent<T: Reuse> {
    memory: T,
    home: Arc<Supply<T>>,
}

impl<T: Reuse> Deref for Lent<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.memory
    }
}

impl<T: Reuse> DerefMut for Lent<T> {
    fn deref_mut(&mut self) -> &mut T {
        &mut self.memory
    }
}

impl<T: Reuse> Drop for Lent<T> {
    fn drop(&mut self) {
        if self.memory.held() > MOST {
            return;
        }
        let mut memory = std::mem::take(&mut self.memory);
        memory.clear();
        let waiting = self.home.0.lock();
        waiting.unwrap_or_else(PoisonError::into_inner).push(memory);
    }
}

impl Reuse for Batch {
    fn clear(&mut self) {
        self.clear();
    }

    fn held(&self) -> usize {
        self.bytes.capacity() + self.rows.capacity() * size_of::<RowSpan>()
    }
}

impl Reuse for Records {
    fn clear(&mut self) {
        self.clear();
    }

    fn held(&self) -> usize {
        self.held()
    }
}

impl Reuse for Vec<u8> {
    fn clear(&mut self) {
        self.clear();
    }

    fn held(&self) -> usize {
        self.capacity()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_comes_back_empty_unless_it_is_very_much() {
        let supply = Arc::new(Supply::<Vec<u8>>::default());
        let (mut first, second) = (supply.take(), supply.take());
        first.extend_from_slice(b"some bytes");
        let place = first.as_ptr();
        drop(first);
        let again = supply.take();
        assert!(again.is_empty());
        assert_eq!(again.as_ptr(), place);
        let mut large = supply.take();
        large.reserve(MOST + 1);
        drop((again, second, large));
        assert_eq!(supply.0.lock().unwrap().len(), 2);
    }
}

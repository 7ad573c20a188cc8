//! The sentences that say how a finished run differs from its manifest: as
//! many as a person reads, so that a spoiled file of a million lines does not
//! give a million of them.

/// How many sentences one stretch of work gives.
pub(super) const MOST: usize = 20;

/// Sentences in the order they were found.
#[derive(Debug, Default)]
pub(super) struct Differences(Vec<String>);

/// Part of the work, with a limit of its own.
pub(super) struct Stretch<'d> {
    all: &'d mut Vec<String>,
    what: &'static str,
    left: usize,
}

impl Differences {
    /// Adds a sentence.
    pub(super) fn add(&mut self, says: String) {
        self.0.push(says);
    }

    /// Whether there is none.
    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Work that may find any number of differences.
    pub(super) fn stretch(&mut self, what: &'static str) -> Stretch<'_> {
        Stretch {
            all: &mut self.0,
            what,
            left: MOST,
        }
    }

    /// All sentences.
    pub(super) fn into_all(self) -> Vec<String> {
        self.0
    }
}

impl Stretch<'_> {
    /// Adds a sentence, unless there are enough.
    pub(super) fn add(&mut self, says: String) {
        if self.left == 0 {
            return;
        }
        self.all.push(says);
        self.left -= 1;
        if self.left == 0 {
            let what = self.what;
            self.all.push(format!(
                "these are {MOST} differences of {what}; any more are not listed"
            ));
        }
    }

    /// Whether no more sentence is taken.
    pub(super) fn is_full(&self) -> bool {
        self.left == 0
    }

    /// Whether nothing differed.
    pub(super) fn is_clean(&self) -> bool {
        self.left == MOST
    }
}

//! How far a run was when: some moments of it, evenly spaced, however long it
//! takes. This file must not know what is counted, or which clock is read.

use crate::output::{Counts, PacePoint};

/// How many moments are kept at most.
const MOST: usize = 240;

/// The least time between two moments, in seconds, before they are thinned.
const STEP: f64 = 0.05;

/// Moments of a run, in their order.
#[derive(Clone, Debug)]
pub(super) struct Pace {
    points: Vec<PacePoint>,
    /// The least time between two of them, in seconds.
    step: f64,
}

impl Default for Pace {
    fn default() -> Self {
        Self::of(&[])
    }
}

impl Pace {
    /// Goes on with the moments that an earlier attempt has noted.
    pub(super) fn of(points: &[PacePoint]) -> Self {
        let reached = points.last().map_or(0.0, |last| last.seconds);
        let mut step = STEP;
        while step * (MOST as f64) < reached {
            step *= 2.0;
        }
        let points = points.to_vec();
        Self { points, step }
    }

    /// Notes how far the run is after so many seconds, if it is time to.
    pub(super) fn note(&mut self, seconds: f64, counts: Counts) {
        let is_due = |last: &PacePoint| seconds >= last.seconds + self.step;
        if self.points.last().is_none_or(is_due) {
            self.add(seconds, counts);
        }
    }

    /// All moments, with how far the run came in the end.
    pub(super) fn end(&self, seconds: f64, counts: Counts) -> Vec<PacePoint> {
        let mut whole = self.clone();
        whole.add(seconds, counts);
        whole.points
    }

    /// The moments so far.
    pub(super) fn points(&self) -> &[PacePoint] {
        &self.points
    }

    fn add(&mut self, seconds: f64, counts: Counts) {
        if self.points.len() >= MOST {
            let mut at = 0;
            self.points.retain(|_| {
                at += 1;
                at % 2 == 1
            });
            self.step *= 2.0;
        }
        let before = self.points.last().map_or(0.0, |last| last.seconds);
        self.points.push(PacePoint {
            // Milliseconds, so that it reads well.
            seconds: ((seconds * 1000.0).round() / 1000.0).max(before),
            rows: counts.rows,
            records: counts.records,
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn counts(rows: u64) -> Counts {
        Counts {
            rows,
            records: 2 * rows,
            ..Counts::default()
        }
    }

    /// A run of this many seconds that is told of a hundred times in each.
    fn run(seconds: u32, mut pace: Pace, from: u32) -> Pace {
        for at in from * 100..seconds * 100 {
            pace.note(f64::from(at) / 100.0, counts(u64::from(at)));
        }
        pace
    }

    #[test]
    fn moments_are_few_and_evenly_spaced_however_long_a_run_takes() {
        for seconds in [1, 11, 13, 60, 1000, 20_000] {
            let pace = run(seconds, Pace::default(), 0);
            let points = pace.end(f64::from(seconds), counts(u64::from(seconds) * 100));
            assert!(points.len() <= MOST, "{seconds}: {}", points.len());
            assert!(points.len() >= 20, "{seconds}: {}", points.len());
            assert_eq!(points[0].rows, 0);
            let last = points[points.len() - 1];
            assert_eq!(last.rows, u64::from(seconds) * 100);
            let widest = points
                .windows(2)
                .map(|two| two[1].seconds - two[0].seconds)
                .fold(0.0, f64::max);
            assert!(
                widest <= f64::from(seconds) / 20.0 + 0.1,
                "{seconds}: {widest}"
            );
            assert!(points.is_sorted_by_key(|point| (point.seconds, point.rows)));
        }
    }

    #[test]
    fn a_resumed_run_goes_on_with_the_moments_of_its_first_attempt() {
        let whole = run(2000, Pace::default(), 0);
        let first = run(777, Pace::default(), 0);
        let resumed = run(2000, Pace::of(first.points()), 777);
        assert_eq!(whole.points(), resumed.points());
    }

    #[test]
    fn a_clock_that_is_set_back_takes_nothing_back() {
        let mut pace = Pace::default();
        pace.note(5.0, counts(50));
        let points = pace.end(4.0, counts(60));
        assert_eq!(points[1].seconds, 5.0);
    }
}

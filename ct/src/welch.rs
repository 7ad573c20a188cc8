//! Do two classes of times differ? Welch's t-test on what is left when the
//! slow ones are dropped, as in Reparaz, Balasch and Verbauwhede, *Dude, is my
//! code constant time?* (2017). This file must not know what was timed.

/// A share of all times, the fastest ones: what is slower was interrupted.
const KEPT: [f64; 5] = [1.0, 0.9, 0.75, 0.5, 0.25];

/// The largest |t| over all croppings.
pub fn largest_t(times: &[(bool, f64)]) -> f64 {
    let mut all: Vec<f64> = times.iter().map(|(_, time)| *time).collect();
    all.sort_by(f64::total_cmp);
    let of = |class: bool, limit: f64| {
        let kept = times.iter().filter(move |(own, _)| *own == class);
        kept.map(|(_, time)| *time)
            .filter(move |time| *time <= limit)
    };
    KEPT.iter()
        .filter_map(|share| all.get((share * all.len() as f64) as usize - 1))
        .map(|limit| t(of(false, *limit), of(true, *limit)).abs())
        .fold(0.0, f64::max)
}

/// The middle one of all times.
pub fn median(times: &[(bool, f64)]) -> f64 {
    let mut all: Vec<f64> = times.iter().map(|(_, time)| *time).collect();
    all.sort_by(f64::total_cmp);
    all[all.len() / 2]
}

/// Welch's t of two samples.
fn t(a: impl Iterator<Item = f64>, b: impl Iterator<Item = f64>) -> f64 {
    let (mean_a, error_a) = moments(a);
    let (mean_b, error_b) = moments(b);
    (mean_a - mean_b) / (error_a + error_b).sqrt()
}

/// A sample's mean, and the variance of that mean (Welford's way).
fn moments(sample: impl Iterator<Item = f64>) -> (f64, f64) {
    let (mut count, mut mean, mut squares) = (0.0, 0.0, 0.0);
    for x in sample {
        count += 1.0;
        let delta = x - mean;
        mean += delta / count;
        squares += delta * (x - mean);
    }
    (mean, squares / (count - 1.0) / count)
}

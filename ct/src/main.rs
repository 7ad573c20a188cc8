//! Evidence that the batch engine is constant-time; CONTRIBUTING.md says what
//! that means. `run.sh` builds this program and runs it:
//!
//! * `watch`: under Valgrind, everything that the key decides is undefined
//!   memory; no jump and no address may depend on it;
//! * `leaks`: under Valgrind, deliberate leaks, each of which must be reported;
//! * `timing`: on the processor itself, times of two classes of inputs, which
//!   must not differ, and of a deliberate leak, which must.
//!
//! This file must not know how any of them is done.

mod leaks;
mod sample;
mod timing;
mod valgrind;
mod watch;
mod welch;

/// How many batches of each kind are timed, unless told.
const MEASUREMENTS: usize = 10_000;

fn main() {
    let mut words = std::env::args().skip(1);
    let mode = words.next().unwrap_or_default();
    let is_watched = valgrind::is_there();
    match (mode.as_str(), is_watched) {
        ("watch", true) => watch::run(),
        ("leaks", true) => leaks::run(),
        ("watch" | "leaks", false) => {
            eprintln!("without Valgrind nothing is watched: bash ct/run.sh");
            std::process::exit(2);
        }
        ("timing", false) => {
            let measurements = words.next().map(|word| word.parse());
            match measurements.unwrap_or(Ok(MEASUREMENTS)) {
                Ok(measurements @ 100..) => timing::run(measurements),
                _ => usage(),
            }
        }
        _ => usage(),
    }
}

fn usage() -> ! {
    eprintln!("bash ct/run.sh [memcheck | timing [measurements]]");
    std::process::exit(2);
}

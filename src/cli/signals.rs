//! SIGINT and SIGTERM: the first asks the run to stop in order, the second
//! ends it at once.

use std::io;

use campaign_signer::error::Error;
use campaign_signer::stop::Stop;

#[cfg(unix)]
use super::exit::Exit;

/// What a signal sets from now on.
pub(crate) fn stop() -> Result<Stop, Error> {
    let stop = Stop::default();
    listen(&stop).map_err(|error| {
        Error::settings(format!("the system refuses signal handlers: {error}"), "")
    })?;
    Ok(stop)
}

/// Listens from now on.
#[cfg(unix)]
pub(crate) fn listen(stop: &Stop) -> io::Result<()> {
    use signal_hook::consts::{SIGINT, SIGTERM};
    use signal_hook::flag;

    let ignored = ignored();
    for signal in [SIGINT, SIGTERM] {
        // A shell gives its background jobs an ignored SIGINT; listening to it
        // would stop them all with the one in front.
        if ignored & (1 << (signal - 1)) != 0 {
            continue;
        }
        // In this order: the second signal finds the flag the first one set.
        flag::register_conditional_shutdown(signal, Exit::Interrupted as i32, stop.flag())?;
        flag::register(signal, stop.flag())?;
    }
    Ok(())
}

/// Elsewhere an interrupted run goes on from its last checkpoint.
#[cfg(not(unix))]
pub(crate) fn listen(_: &Stop) -> io::Result<()> {
    Ok(())
}

/// The signals that whoever started this process has set to be ignored, as a
/// bit mask; none where the system does not tell.
#[cfg(unix)]
fn ignored() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    mask.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok())
        .unwrap_or(0)
}

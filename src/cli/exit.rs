//! Exit codes: the contract with schedulers. Never 99, 100, 126 or above,
//! which some of them read as their own.

use campaign_signer::error::{Error, Kind};

/// How the program ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Exit {
    /// Every row signed, or the rejects are within what was tolerated.
    Success = 0,
    /// Finished and published, but some rows were rejected.
    Rejects = 1,
    /// Usage, settings, or a header that does not fit.
    Settings = 2,
    /// The key.
    Key = 3,
    /// Stopped by the data.
    Data = 4,
    /// Interrupted by a signal; can be resumed.
    Interrupted = 5,
    /// Reading or writing failed; can be resumed.
    Io = 6,
    /// Verification failed.
    Verification = 7,
    /// Another run writes the same output.
    Held = 8,
    /// An internal error: nothing was published.
    Internal = 70,
}

impl From<&Error> for Exit {
    fn from(error: &Error) -> Self {
        match error.kind() {
            Kind::Data => Self::Data,
            Kind::Held => Self::Held,
            Kind::Internal => Self::Internal,
            Kind::Interrupted => Self::Interrupted,
            Kind::Io => Self::Io,
            Kind::Key => Self::Key,
            Kind::Settings => Self::Settings,
        }
    }
}

impl From<Exit> for std::process::ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit as u8)
    }
}

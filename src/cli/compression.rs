//! How compressed inputs are read and outputs written: the arguments that verbs
//! share.

use std::path::Path;

use campaign_signer::error::Error;
use campaign_signer::output::Compression;
use campaign_signer::row::{Compressed, Expected, Unpacking};
use clap::{Args, ValueEnum};

/// What inputs are expected to be, and what reading them may cost.
#[derive(Args, Clone, Copy)]
pub(crate) struct UnpackArgs {
    /// How inputs are compressed; auto goes by their first bytes
    #[arg(long, value_name = "HOW", default_value = "auto")]
    input_compression: InputCompression,

    /// The largest window that a zstd input may ask for, as a power of two: 23
    /// are 8 MiB, 27 what `zstd --long` makes. Each open input may take so much
    /// memory
    #[arg(long, value_name = "N", default_value_t = 23,
          value_parser = clap::value_parser!(u32).range(10..=31))]
    zstd_window_log: u32,

    /// The most bytes a compressed input may become [default: 1 TiB]
    #[arg(long, value_name = "N", default_value_t = 1 << 40, hide_default_value = true,
          value_parser = clap::value_parser!(u64).range(1..))]
    max_unpacked_bytes: u64,
}

#[derive(Clone, Copy, ValueEnum)]
enum InputCompression {
    /// As their first bytes say
    Auto,
    /// gzip; anything else is refused, an empty input, too
    Gzip,
    /// Not at all
    None,
    /// Zstandard; anything else is refused, an empty input, too
    Zstd,
}

impl UnpackArgs {
    /// The same limits for a file that is read beside the inputs: how that is
    /// compressed, its first bytes say.
    pub(crate) fn beside(&self) -> Unpacking {
        Unpacking {
            expected: Expected::Any,
            ..self.unpacking()
        }
    }

    /// What the arguments say.
    pub(crate) fn unpacking(&self) -> Unpacking {
        Unpacking {
            expected: match self.input_compression {
                InputCompression::Auto => Expected::Any,
                InputCompression::Gzip => Expected::Only(Compressed::Gzip),
                InputCompression::None => Expected::Plain,
                InputCompression::Zstd => Expected::Only(Compressed::Zstd),
            },
            zstd_window_log: self.zstd_window_log,
            most_bytes: self.max_unpacked_bytes,
        }
    }
}

/// How an output is compressed.
#[derive(Clone, Copy, PartialEq, ValueEnum)]
pub(crate) enum CompressionName {
    /// gzip: .gz
    Gzip,
    /// Not at all
    None,
    /// Zstandard: .zst
    Zstd,
}

impl From<CompressionName> for Compression {
    fn from(name: CompressionName) -> Self {
        match name {
            CompressionName::Gzip => Self::Gzip,
            CompressionName::None => Self::None,
            CompressionName::Zstd => Self::Zstd,
        }
    }
}

/// What is asked for beside what a file's name says, which must not be
/// something else.
pub(crate) fn of_output(
    given: Option<CompressionName>,
    output: &Path,
) -> Result<Option<Compression>, Error> {
    let by_name = Compression::of(output);
    let given = given.map(Compression::from);
    match (given.filter(|given| *given != by_name), by_name.name()) {
        (Some(_), Some(name)) => Err(Error::settings(
            format!(
                "{} is {name} by its name, and --compression says something else",
                output.display()
            ),
            "give the file another name, or leave --compression out",
        )),
        (given, _) => Ok(given),
    }
}

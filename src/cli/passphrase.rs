//! Where the passphrase of an encrypted key comes from: one set of options for
//! every verb that reads a private key. A passphrase is never an argument.

use std::path::PathBuf;

use campaign_signer::error::Error;
use campaign_signer::key::PassphraseSource;
use clap::Args;

/// The options; at most one of them is given.
#[derive(Args)]
#[group(id = "passphrase", multiple = false)]
pub(crate) struct PassphraseArgs {
    /// A file with the passphrase of an encrypted key (one line end at its end
    /// is no part of it)
    #[arg(long, value_name = "FILE")]
    passphrase_file: Option<PathBuf>,

    /// An environment variable with the passphrase
    #[arg(long, value_name = "NAME")]
    passphrase_env: Option<String>,

    /// An open file descriptor to read the passphrase from until its end
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(i32).range(0..))]
    passphrase_fd: Option<i32>,
}

impl PassphraseArgs {
    /// The source, if one is given.
    pub(crate) fn source(&self) -> Option<PassphraseSource> {
        let file = || self.passphrase_file.clone().map(PassphraseSource::File);
        let env = || self.passphrase_env.clone().map(PassphraseSource::Env);
        let fd = || self.passphrase_fd.map(PassphraseSource::Fd);
        file().or_else(env).or_else(fd)
    }

    /// The file that is read, if it is one: no output replaces it.
    pub(crate) fn file(&self) -> Option<&PathBuf> {
        self.passphrase_file.as_ref()
    }

    /// Refuses a passphrase where no private key is read.
    pub(crate) fn refuse(&self) -> Result<(), Error> {
        match self.source() {
            None => Ok(()),
            Some(source) => Err(Error::settings(
                format!(
                    "{} is given, but no encrypted key that it would open",
                    source.name()
                ),
                "leave it out, or give --key FILE",
            )),
        }
    }

    /// Refuses to read two things from standard input.
    pub(crate) fn refuse_stdin(&self, others_read_it: bool) -> Result<(), Error> {
        if others_read_it && self.passphrase_fd == Some(0) {
            return Err(Error::settings(
                "standard input cannot give both the passphrase and the rows",
                "give --passphrase-fd another number, for example --passphrase-fd 3 3<FILE",
            ));
        }
        Ok(())
    }
}

//! `completions`: what a shell needs to complete a command line, made of the
//! command line's own table. It must not know any option by its name.

use campaign_signer::error::Error;
use clap::{Args, Command};
use clap_complete::Shell;

use super::exit::Exit;
use super::print;

/// Print a completion script.
#[derive(Args)]
pub(crate) struct CompletionsArgs {
    /// The shell
    #[arg(value_name = "SHELL")]
    shell: Shell,
}

/// Prints a script.
pub(crate) fn run(args: &CompletionsArgs, mut program: Command) -> Result<Exit, Error> {
    let name = program.get_name().to_owned();
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut program, &name, &mut script);
    let mut script = String::from_utf8_lossy(&script).into_owned();
    if args.shell == Shell::Bash {
        // A program with a hyphen in its name is spelled in two ways there, and
        // nothing is completed behind a command (clap-rs/clap#6421).
        let (wrong, right) = (name.replace('-', "__subcmd__"), name.replace('-', "__"));
        script = script.replace(&wrong, &right);
    }
    print(&script)
}

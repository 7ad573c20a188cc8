//! The command line of `campaign-signer`: parse, run, print, exit once.

mod cli;

fn main() -> std::process::ExitCode {
    cli::main()
}

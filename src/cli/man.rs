//! `man`: manual pages, made of the command line's own table. It must not know
//! any option by its name.

use std::path::PathBuf;

use campaign_signer::error::Error;
use campaign_signer::output::OutputError;
use clap::{Args, Command};
use clap_mangen::Man;

use super::exit::Exit;
use super::print;

/// Print a manual page.
#[derive(Args)]
pub(crate) struct ManArgs {
    /// The command it is about: `sign`, `key check` [default: the program]
    #[arg(value_name = "COMMAND")]
    command: Vec<String>,

    /// Write every page into this folder, which is made where there is none
    #[arg(long, value_name = "DIR", conflicts_with = "command")]
    out: Option<PathBuf>,
}

/// Prints one page, or writes all.
pub(crate) fn run(args: &ManArgs, program: Command) -> Result<Exit, Error> {
    // `help` has no page of its own.
    let mut program = program.disable_help_subcommand(true);
    // Gives each command its whole name.
    program.build();
    let Some(folder) = &args.out else {
        let mut page = &program;
        for name in &args.command {
            page = page.find_subcommand(name).ok_or_else(|| {
                let all: Vec<&str> = page.get_subcommands().map(Command::get_name).collect();
                let hint = match &all[..] {
                    [] => format!("{} has no commands", page.get_name()),
                    all => format!("one of {}", all.join(", ")),
                };
                Error::settings(format!("there is no command {name:?}"), hint)
            })?;
        }
        return print(&render(page)?);
    };
    let failed = |action, path: &PathBuf| {
        let path = path.clone();
        move |source| {
            Error::Output(OutputError::Io {
                action,
                path,
                source,
            })
        }
    };
    std::fs::create_dir_all(folder).map_err(failed("create", folder))?;
    let mut commands = vec![&program];
    while let Some(command) = commands.pop() {
        let path = folder.join(Man::new(command.clone()).get_filename());
        std::fs::write(&path, render(command)?).map_err(failed("write", &path))?;
        commands.extend(command.get_subcommands());
    }
    Ok(Exit::Success)
}

fn render(command: &Command) -> Result<String, Error> {
    let mut bytes = Vec::new();
    // Into memory nothing fails.
    let man = Man::new(command.clone()).manual("campaign-signer");
    let written = man.render(&mut bytes);
    written.map_err(|error| Error::settings(format!("failed to make the page: {error}"), ""))?;
    let page = String::from_utf8_lossy(&bytes);
    let mut ascii = String::with_capacity(page.len());
    for c in page.chars() {
        match c.is_ascii() {
            true => ascii.push(c),
            // So that it needs no one to say what it is encoded in.
            false => ascii.push_str(&format!("\\[u{:04X}]", u32::from(c))),
        }
    }
    Ok(ascii)
}

//! `inspect`: what a token, a signed record, a signature, a nonce or a key holds.

use std::path::{Path, PathBuf};

use campaign_signer::error::Error;
use campaign_signer::inspect::{self, Entry, Item};
use campaign_signer::row::{Dialect, Input, Origin};
use clap::Args;

use super::args::FileFormat;
use super::exit::Exit;
use super::values::now;
use super::{print, say, warn};

/// Show what something is: a token, a signed record, a signature, a nonce, a key.
#[derive(Args)]
pub(crate) struct InspectArgs {
    /// A file (all of it, or every line), `-` for standard input, or the text
    /// itself where no file has that name: a nonce, a signature, a token. Others
    /// on this machine can see arguments; give tokens on standard input
    #[arg(default_value = "-", value_name = "FILE|TEXT")]
    what: String,

    /// Show this line of a file only
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    line: Option<u64>,

    /// Print one JSON object: {"items": […]}
    #[arg(long)]
    json: bool,
}

/// Shows everything that is recognised. Where something is not, that is said at
/// the end.
pub(crate) fn run(args: &InspectArgs) -> Result<Exit, Error> {
    let mut shown = Shown {
        args,
        name: file_name(&args.what),
        items: 0,
        unknown: 0,
        first: None,
        closed: false,
        failed: None,
    };
    if args.json {
        print("{\"items\":[")?;
    }
    let read = shown.read();
    if args.json && !shown.closed {
        print(if shown.items == 0 { "]}\n" } else { "\n]}\n" })?;
    }
    read?;
    if let Some(error) = shown.failed.take() {
        return Err(error);
    }
    shown.outcome()
}

/// What was shown so far.
struct Shown<'a> {
    args: &'a InspectArgs,
    name: String,
    items: u64,
    unknown: u64,
    /// The first place that was not recognised, and why.
    first: Option<(Option<u64>, String)>,
    /// Nobody reads any more.
    closed: bool,
    failed: Option<Error>,
}

impl Shown<'_> {
    fn read(&mut self) -> Result<(), Error> {
        let (now, lines) = (now(), self.args.line.is_some());
        let what = self.args.what.as_str();
        if what != "-"
            && !Path::new(what).exists()
            && let Ok(items) = inspect::inspect(what, now)
        {
            if items.iter().any(|item| item.kind == "token") {
                warn(
                    "a token is a secret, and arguments are seen by others: give it on standard \
                     input",
                );
            }
            self.each(Entry {
                line: None,
                found: Ok(items),
            });
            return Ok(());
        }
        let input = Input {
            origin: match what {
                "-" => Origin::Stdin,
                file => Origin::File(PathBuf::from(file)),
            },
            dialect: match FileFormat::of(Path::new(what)) {
                Some(FileFormat::Parquet) => FileFormat::Parquet.dialect(None)?,
                _ => Dialect::Ndjson,
            },
        };
        let name = input.name();
        let source = input.open().map_err(|source| Error::Open {
            file: name.clone(),
            source,
        })?;
        let read = inspect::read(source, now, lines, &mut |entry| self.each(entry));
        read.map_err(|error| Error::Read { file: name, error })
    }

    /// Shows what stands in one place; `false` where that was the last.
    fn each(&mut self, entry: Entry) -> bool {
        if let (Some(wanted), Some(line)) = (self.args.line, entry.line) {
            if line < wanted {
                return true;
            }
            if line > wanted {
                return false;
            }
        }
        let is_last = self.args.line.is_some();
        match entry.found {
            Ok(items) => {
                for mut item in items {
                    inspect::file_name(&self.name, &mut item);
                    match self.show(&item, entry.line) {
                        Ok(true) => {}
                        Ok(false) => return false,
                        Err(error) => {
                            self.failed = Some(error);
                            return false;
                        }
                    }
                }
            }
            Err(why) => {
                self.unknown += 1;
                self.first.get_or_insert((entry.line, why.to_string()));
            }
        }
        !is_last
    }

    fn show(&mut self, item: &Item, line: Option<u64>) -> Result<bool, Error> {
        let text = match (self.args.json, self.items) {
            (true, 0) => format!("\n{}", item.to_json(line)),
            (true, _) => format!(",\n{}", item.to_json(line)),
            (false, 0) => item.to_text(),
            (false, _) => format!("\n{}", item.to_text()),
        };
        let head = match line {
            Some(line) if !self.args.json => format!("line {line}: "),
            _ => String::new(),
        };
        self.items += 1;
        let (start, rest) = text.split_at(usize::from(text.starts_with('\n')));
        self.closed = !super::try_print(&format!("{start}{head}{rest}"))?;
        Ok(!self.closed)
    }

    /// How it ended.
    fn outcome(&self) -> Result<Exit, Error> {
        let file = match self.args.what.as_str() {
            "-" => "standard input",
            name => name,
        };
        match (&self.first, self.args.line) {
            (None, Some(line)) if self.items == 0 => {
                return Err(Error::settings(format!("{file} has no line {line}"), ""));
            }
            (None, _) if self.items == 0 => {
                return Err(Error::settings(format!("{file} is empty"), ""));
            }
            (None, _) => return Ok(Exit::Success),
            _ => {}
        }
        let (line, why) = self.first.clone().unwrap_or_default();
        let place = line.map_or(String::new(), |line| format!(", line {line}"));
        let message = format!(
            "this is neither a compact JWS nor a signed record, nor a signature, a nonce or a \
             key: {why}"
        );
        if self.items == 0 {
            return Err(Error::settings(format!("{file}{place}: {message}"), ""));
        }
        say!(
            "campaign-signer: error: {file}{place}: {message}; so {} of {}",
            self.unknown,
            super::report::count(self.unknown + self.items, "thing"),
        );
        Ok(Exit::Settings)
    }
}

/// The last part of a path, by which some vendors tell their keys apart.
fn file_name(what: &str) -> String {
    let name = Path::new(what).file_name().unwrap_or_default();
    name.to_string_lossy().into_owned()
}

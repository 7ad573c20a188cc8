//! The keys of a job file: the long options of `sign`, and `input`.
//!
//! They are read from the command line's own table, so an option that is added
//! there has its key by itself. Nothing here knows an option by its name.

use std::any::TypeId;
use std::ffi::{OsStr, OsString};
use std::path::PathBuf;

use clap::builder::Resettable;
use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::{Arg, ArgAction, Args, Command};

use super::super::sign::SignArgs;

/// The key of what stands on the command line without an option before it.
pub(super) const INPUT: &str = "input";

/// What a key takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// True or false.
    Flag,
    /// A whole number.
    Integer,
    /// One of a few words.
    Choice,
    /// The name of a file, counted from the job file.
    Path,
    /// A table of names and values.
    Pairs,
    /// Text, a number or a time.
    Text,
}

/// One key.
pub(super) struct Key {
    /// Its name in a job file.
    pub(super) name: String,
    pub(super) kind: Kind,
    /// Whether it takes an array.
    pub(super) takes_several: bool,
    /// What divides several values in one text.
    pub(super) delimiter: Option<char>,
    /// The numbers of the keys that it does not go together with.
    pub(super) conflicts: Vec<usize>,
    arg: Arg,
}

/// Every key there is, in the order of `sign --help`.
pub(super) fn keys() -> Vec<Key> {
    let command = SignArgs::augment_args(Command::new("sign"));
    let arguments = command.get_arguments().filter(|arg| !arg.is_hide_set());
    let mut keys: Vec<Key> = arguments.filter_map(Key::new).collect();
    // What one says of the other holds for both.
    let number = |arg: &Arg| {
        keys.iter()
            .position(|key| key.id() == arg.get_id().as_str())
    };
    let mut conflicts = Vec::new();
    for arg in command.get_arguments() {
        for other in command.get_arg_conflicts_with(arg) {
            if let (Some(one), Some(other)) = (number(arg), number(other)) {
                conflicts.extend([(one, other), (other, one)]);
            }
        }
    }
    for (one, other) in conflicts {
        keys[one].conflicts.push(other);
    }
    keys
}

/// The options as `run` has them: each may be left out, and none conflicts
/// with another, because the job file may say the rest.
pub(super) fn loose_arguments() -> Vec<Arg> {
    let command = SignArgs::augment_args(Command::new("sign"));
    command.get_arguments().map(loose).collect()
}

fn loose(arg: &Arg) -> Arg {
    arg.clone()
        .required(false)
        .required_unless_present(Resettable::Reset)
        .requires(Resettable::Reset)
        .conflicts_with(Resettable::Reset)
        .exclusive(false)
}

impl Key {
    fn new(arg: &Arg) -> Option<Self> {
        let name = match arg.get_long() {
            Some(long) => long.to_owned(),
            None if arg.is_positional() => INPUT.to_owned(),
            None => return None,
        };
        let delimiter = arg.get_value_delimiter();
        let mut key = Self {
            name,
            kind: Kind::Text,
            takes_several: delimiter.is_some() || matches!(arg.get_action(), ArgAction::Append),
            delimiter,
            conflicts: Vec::new(),
            arg: loose(arg),
        };
        key.kind = key.kind_of_argument();
        Some(key)
    }

    fn kind_of_argument(&self) -> Kind {
        let is = |id: TypeId| self.arg.get_value_parser().type_id() == id;
        let is_integer = [
            TypeId::of::<u8>(),
            TypeId::of::<u16>(),
            TypeId::of::<u32>(),
            TypeId::of::<u64>(),
            TypeId::of::<usize>(),
        ];
        if !self.arg.get_action().takes_values() {
            Kind::Flag
        } else if self.value_name().contains('=') {
            Kind::Pairs
        } else if is(TypeId::of::<PathBuf>()) {
            Kind::Path
        } else if !self.arg.get_possible_values().is_empty() {
            Kind::Choice
        } else if is_integer.into_iter().any(is)
            && self.refusal(OsStr::new(";")).is_some()
            && self.refusal(OsStr::new("1")).is_none()
        {
            // A character or a period may be kept as a number, too.
            Kind::Integer
        } else {
            Kind::Text
        }
    }

    /// The argument's id on the command line.
    pub(super) fn id(&self) -> &str {
        self.arg.get_id().as_str()
    }

    /// What stands for the value in the help.
    pub(super) fn value_name(&self) -> &str {
        let names = self.arg.get_value_names().unwrap_or_default();
        names.first().map_or("VALUE", |name| name.as_str())
    }

    /// What it is for, in one line.
    pub(super) fn help(&self) -> String {
        let help = self.arg.get_help().map(ToString::to_string);
        help.unwrap_or_default()
    }

    /// What holds where it is left out.
    pub(super) fn default(&self) -> Option<String> {
        let default = self.arg.get_default_values().first()?;
        Some(default.to_string_lossy().into_owned()).filter(|_| self.kind != Kind::Flag)
    }

    /// The words it takes, each with what it means; none where any will do.
    pub(super) fn choices(&self) -> Vec<(String, String)> {
        let values = self.arg.get_possible_values().into_iter();
        let visible = values.filter(|value| !value.is_hide_set());
        visible
            .filter(|_| self.kind == Kind::Choice)
            .map(|value| {
                let help = value.get_help().map(ToString::to_string);
                (value.get_name().to_owned(), help.unwrap_or_default())
            })
            .collect()
    }

    /// Whether it is no option, but what stands between them.
    pub(super) fn is_positional(&self) -> bool {
        self.arg.is_positional()
    }

    /// A value as the command line has it.
    pub(super) fn word(&self, value: &OsStr) -> OsString {
        if self.is_positional() {
            return value.to_owned();
        }
        let mut word = OsString::from(format!("--{}=", self.name));
        word.push(value);
        word
    }

    /// Why the command line would refuse this value.
    pub(super) fn refusal(&self, value: &OsStr) -> Option<Refusal> {
        let command = Command::new("job").no_binary_name(true);
        let words = [OsString::from("--"), self.word(value)];
        let skip = usize::from(!self.is_positional());
        let result = command
            .arg(self.arg.clone())
            .try_get_matches_from(&words[skip..]);
        result.err().map(|error| Refusal::of(&error))
    }
}

/// Why a value is refused.
pub(super) struct Refusal {
    pub(super) reason: String,
    /// What was meant, perhaps.
    pub(super) suggestion: Option<String>,
}

impl Refusal {
    fn of(error: &clap::Error) -> Self {
        use std::error::Error as _;
        let reason = match (error.kind(), error.source()) {
            (_, Some(source)) => source.to_string(),
            (ErrorKind::InvalidValue, None) => match strings(error, ContextKind::ValidValue) {
                values if values.is_empty() => "a value is wanted".into(),
                values => format!("one of {} is wanted", values.join(", ")),
            },
            _ => first_line(error),
        };
        let suggestion = strings(error, ContextKind::SuggestedValue)
            .into_iter()
            .next();
        Self { reason, suggestion }
    }
}

/// What an error of the command line says about one of its parts.
pub(super) fn strings(error: &clap::Error, kind: ContextKind) -> Vec<String> {
    match error.get(kind) {
        Some(ContextValue::String(text)) => vec![text.clone()],
        Some(ContextValue::Strings(texts)) => texts.clone(),
        _ => Vec::new(),
    }
}

/// An error of the command line in one line.
pub(super) fn first_line(error: &clap::Error) -> String {
    let text = error.to_string();
    let line = text.lines().next().unwrap_or_default();
    line.trim_start_matches("error: ").to_owned()
}

//! What can be wrong with a row, as stable codes.
//!
//! A code is part of the program's contract: schedulers, dashboards and
//! scripts match on it, so it never changes its meaning and is never reused.

use std::borrow::Cow;

use crate::damage::{Damage, Wanted};

macro_rules! codes {
    ($($(#[doc = $doc:expr])+ $variant:ident = $code:literal,)+) => {
        /// A stable code for one kind of problem.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[non_exhaustive]
        pub enum Code { $($(#[doc = $doc])+ $variant,)+ }

        impl Code {
            /// Every code, in the order of its name.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)+];

            /// The code as rejects, manifests and schemas spell it.
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $code,)+ }
            }

            /// The code that is spelled so.
            pub fn find(code: &str) -> Option<Self> {
                Self::ALL.iter().copied().find(|known| known.as_str() == code)
            }

            /// What the code means, in one sentence.
            pub fn meaning(self) -> &'static str {
                match self { $(Self::$variant => concat!($($doc),+).trim_ascii(),)+ }
            }
        }
    };
}

codes! {
    /// More than one key fits the row.
    AmbiguousKey = "ambiguous_key",
    /// The row is not valid JSON.
    BadJson = "bad_json",
    /// The value has characters the field does not allow.
    BadText = "bad_text",
    /// Two values exclude each other.
    Conflict = "conflict",
    /// The value has a control character.
    ControlCharacter = "control_character",
    /// An integer was written with a decimal point.
    DecimalForm = "decimal_form",
    /// One name stands twice in a JSON row.
    DuplicateField = "duplicate_field",
    /// A JSON string is empty where a value is wanted.
    Empty = "empty",
    /// An integer was written with an exponent, as spreadsheets do.
    ExponentForm = "exponent_form",
    /// The time lies after the run's timestamp.
    Future = "future",
    /// The row or the value is not UTF-8.
    InvalidUtf8 = "invalid_utf8",
    /// The key that the row selects is not valid at the run's timestamp.
    KeyExpired = "key_expired",
    /// An integer starts with a zero.
    LeadingZero = "leading_zero",
    /// A required value is absent.
    Missing = "missing",
    /// No key fits the row.
    NoKey = "no_key",
    /// The row meets no publisher.
    NoPublisher = "no_publisher",
    /// A NDJSON row is not a JSON object.
    NotAnObject = "not_an_object",
    /// The value is not true or false.
    NotBoolean = "not_boolean",
    /// The row's version does not have this field.
    NotInVersion = "not_in_version",
    /// The value is not a plain decimal integer.
    NotInteger = "not_integer",
    /// The value is none of those allowed.
    NotOneOf = "not_one_of",
    /// The value is not a UUID.
    NotUuid = "not_uuid",
    /// The integer is outside the field's range.
    OutOfRange = "out_of_range",
    /// The row is longer than the limit.
    RowTooLong = "row_too_long",
    /// The value holds U+2063, the character that separates signed values.
    Separator = "separator",
    /// The time lies before the format's documented window.
    Stale = "stale",
    /// Text follows a closing quote in a CSV row.
    StrayQuote = "stray_quote",
    /// JSON is nested too deep.
    TooDeep = "too_deep",
    /// The value is longer than its documented limit.
    TooLong = "too_long",
    /// The row has a member that fits no field.
    UnknownField = "unknown_field",
    /// The row names a publisher that there is not.
    UnknownPublisher = "unknown_publisher",
    /// The format has no such version.
    UnknownVersion = "unknown_version",
    /// The row is a reject that was not mended.
    Unmended = "unmended",
    /// The value starts or ends with white space.
    Untrimmed = "untrimmed",
    /// The value has capitals where only lower case is accepted.
    Uppercase = "uppercase",
    /// The JSON value is of another type.
    WrongType = "wrong_type",
    /// A time is in the wrong unit, for example seconds for milliseconds.
    WrongUnit = "wrong_unit",
    /// The row has more or fewer cells than the header.
    WrongWidth = "wrong_width",
}

impl std::fmt::Display for Code {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A value that its field refuses: what is wanted, and what would mend it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// The stable code.
    pub code: Code,
    /// Where inside a JSON value, for example `.items[0].price`; else empty.
    pub path: String,
    /// What the field accepts.
    pub wanted: Cow<'static, str>,
    /// What to do; empty where `wanted` says it all.
    pub hint: Cow<'static, str>,
    /// What another program has done to the value, where it looks so.
    pub damage: Option<&'static Damage>,
}

impl Fault {
    /// A fault that says what is wanted.
    pub fn new(code: Code, wanted: impl Into<Cow<'static, str>>) -> Self {
        Self {
            code,
            path: String::new(),
            wanted: wanted.into(),
            hint: Cow::Borrowed(""),
            damage: None,
        }
    }

    /// The same with what to do about it.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<Cow<'static, str>>) -> Self {
        self.hint = hint.into();
        self
    }

    /// The same, of a value that another program has damaged: the hint says
    /// so, and how to undo it.
    #[must_use]
    pub fn damaged(mut self, damage: &'static Damage, wanted: Wanted) -> Self {
        self.hint = damage.hint(wanted).into();
        self.damage = Some(damage);
        self
    }

    /// The same; where the refused value's text looks damaged, as
    /// [`Fault::damaged`]. What is wrong inside a JSON value, or is sound but
    /// for its length, is not looked at.
    #[must_use]
    pub fn recognized(self, text: &str, wanted: Wanted) -> Self {
        let may_be_damage = matches!(
            self.code,
            Code::BadJson
                | Code::BadText
                | Code::DecimalForm
                | Code::ExponentForm
                | Code::LeadingZero
                | Code::NotBoolean
                | Code::NotInteger
                | Code::NotOneOf
                | Code::NotUuid
                | Code::OutOfRange
                | Code::UnknownVersion
                | Code::Untrimmed
                | Code::Uppercase
                | Code::WrongType
        );
        if !may_be_damage || !self.path.is_empty() || self.damage.is_some() {
            return self;
        }
        match Damage::of_value(text, wanted) {
            Some(damage) => self.damaged(damage, wanted),
            None => self,
        }
    }

    /// The same, at a place inside a JSON value.
    #[must_use]
    pub fn at(mut self, path: impl Into<String>) -> Self {
        self.path = path.into();
        self
    }
}

/// Something legal that a person should know: counted, never a reject.
#[derive(Debug, PartialEq, Eq)]
pub struct Notice {
    /// A stable code.
    pub code: &'static str,
    /// A sentence for the summary.
    pub says: &'static str,
}

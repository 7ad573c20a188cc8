//! In which ways a value's text goes wrong between a table and a message: for
//! a field of each type, what it may have become. Pure functions of text; this
//! file must not know messages or keys.

use crate::format::{Field, Kind as Type, Source, VERSION, kind::Unit};

use super::mistake::{self as m, Mistake};
use super::search::Rarity;

/// What a value may have become.
pub(super) struct Other {
    /// The text that was signed; `None` where nothing was, nor a separator.
    pub(super) text: Option<String>,
    /// What went wrong then.
    pub(super) mistake: Mistake,
    pub(super) rarity: Rarity,
}

/// Every way in which `text`, as it is documented, may have gone wrong.
pub(super) fn others(field: &Field, text: &str) -> Vec<Other> {
    let mut all = Others {
        name: field.name,
        text,
        list: Vec::new(),
    };
    match field.kind {
        Type::Uuid => all.uuid(),
        Type::Time(unit) => all.time(unit),
        Type::Integer { min, max } => all.integer(field, min, max),
        Type::OneOf(texts) if field.name == VERSION => all.version(texts),
        Type::Boolean | Type::Json { .. } => {}
        Type::OneOf(_) | Type::Pattern { .. } | Type::Text => all.letters(),
    }
    all.any();
    all.list
}

struct Others<'a> {
    name: &'static str,
    text: &'a str,
    list: Vec<Other>,
}

impl Others<'_> {
    fn add(&mut self, kind: &'static m::Kind, text: impl Into<String>, detail: &str) {
        self.push(kind, Some(text.into()), detail, Rarity::Common);
    }

    fn rare(&mut self, kind: &'static m::Kind, text: impl Into<String>, detail: &str) {
        self.push(kind, Some(text.into()), detail, Rarity::Rare);
    }

    fn alone(&mut self, kind: &'static m::Kind, text: impl Into<String>, detail: &str) {
        self.push(kind, Some(text.into()), detail, Rarity::Alone);
    }

    fn push(&mut self, kind: &'static m::Kind, text: Option<String>, detail: &str, rarity: Rarity) {
        if text.as_deref() != Some(self.text) {
            self.list.push(Other {
                text,
                mistake: Mistake::new(kind, self.name, detail),
                rarity,
            });
        }
    }

    /// Adds a text whose own form is the detail.
    fn written(&mut self, kind: &'static m::Kind, text: String) {
        let detail = text.clone();
        self.alone(kind, text, &detail);
    }

    fn letters(&mut self) {
        self.add(&m::LETTER_CASE, self.text.to_uppercase(), "upper case");
        self.add(&m::LETTER_CASE, self.text.to_lowercase(), "lower case");
        let escaped = percent(self.text);
        self.written(&m::ESCAPED, escaped);
    }

    fn uuid(&mut self) {
        self.add(&m::LETTER_CASE, self.text.to_uppercase(), "upper case");
        self.add(&m::LETTER_CASE, self.text.to_lowercase(), "lower case");
        self.alone(&m::DASHES, self.text.replace('-', ""), "without dashes");
        let bare = self.text.to_uppercase().replace('-', "");
        self.alone(&m::DASHES, bare, "without dashes, in upper case");
        self.alone(&m::DASHES, format!("{{{}}}", self.text), "in braces");
    }

    fn time(&mut self, unit: Unit) {
        let Ok(value) = self.text.parse::<u64>() else {
            return;
        };
        let t = &m::TIME_UNIT;
        match unit {
            Unit::Milliseconds => {
                self.add(t, (value / 1000).to_string(), "seconds");
                // Some clocks give whole seconds, and are multiplied later.
                self.add(t, (value / 1000 * 1000).to_string(), "whole seconds");
                let (s, ms) = (value / 1000, value % 1000);
                self.rare(t, format!("{s}.{ms:03}"), "seconds with a fraction");
                self.alone(t, (value / 60_000).to_string(), "minutes");
                self.rare(t, format!("{value}000"), "microseconds");
                self.alone(t, format!("{value}000000"), "nanoseconds");
            }
            Unit::Seconds => {
                self.add(t, format!("{value}000"), "milliseconds");
                self.alone(t, format!("{value}000000"), "microseconds");
            }
        }
        let millis = value.checked_mul(unit.in_millis()).unwrap_or(value);
        self.rare(t, crate::time::rfc3339(millis), "RFC 3339");
        self.number();
    }

    fn integer(&mut self, field: &Field, min: u64, max: u64) {
        if let Source::Constant(_) = field.source {
            for other in min..=max.min(min + 9) {
                self.add(&m::CONSTANT, other.to_string(), &other.to_string());
            }
        }
        if min == 0 && max == u64::MAX {
            self.add(&m::ZERO, "0", "0");
        }
        self.number();
    }

    /// What any whole number becomes.
    fn number(&mut self) {
        let text = self.text;
        let Ok(value) = text.parse::<u64>() else {
            return;
        };
        let decimal = format!("{text}.0");
        self.add(&m::DECIMAL, decimal.clone(), &decimal);
        self.written(&m::DECIMAL, format!("{text}.00"));
        for width in text.len() + 1..=text.len().max(3) + 1 {
            let padded = format!("{text:0>width$}");
            let detail = padded.clone();
            self.rare(&m::LEADING_ZERO, padded, &detail);
        }
        for separator in [",", ".", "'", " ", "\u{a0}", "_"] {
            self.written(&m::THOUSANDS, grouped(text, separator));
        }
        for form in exponents(text) {
            self.written(&m::EXPONENT, form);
        }
        if value > u64::from(u32::MAX >> 1) {
            // What casts to 32 bits keep: the low bits, or the nearest bound.
            let low = (value & 0xffff_ffff) as u32;
            for cut in [
                low.to_string(),
                low.cast_signed().to_string(),
                i32::MAX.to_string(),
                u32::MAX.to_string(),
                "-1".to_owned(),
            ] {
                self.written(&m::BITS, cut);
            }
        }
    }

    fn version(&mut self, texts: &[&str]) {
        let short = self.text.trim_end_matches(".0").to_owned();
        for form in [
            short.clone(),
            format!("v{}", self.text),
            format!("{short}.0.0"),
        ] {
            let detail = form.clone();
            self.add(&m::VERSION_TEXT, form, &detail);
        }
        for other in texts {
            self.add(&m::VERSION_TEXT, *other, other);
        }
    }

    /// What becomes of values of every type.
    fn any(&mut self) {
        self.push(&m::FIELD_MISSING, None, "", Rarity::Common);
        self.add(&m::FIELD_EMPTY, "", "");
        for (at, word) in NULLS.iter().enumerate() {
            let rarity = match at {
                0..=3 => Rarity::Rare,
                _ => Rarity::Alone,
            };
            self.push(&m::NULL_WORD, Some((*word).to_owned()), word, rarity);
        }
        for (at, (before, after, detail)) in SPACES.iter().enumerate() {
            let text = format!("{before}{}{after}", self.text);
            let rarity = match at {
                0..=2 => Rarity::Rare,
                _ => Rarity::Alone,
            };
            self.push(&m::SPACES, Some(text), detail, rarity);
        }
        self.rare(&m::QUOTED, format!("\"{}\"", self.text), "");
        self.alone(&m::QUOTED, format!("'{}'", self.text), "");
        self.written(&m::WRAPPED, format!("Optional({})", self.text));
        self.written(&m::WRAPPED, format!("Optional(\"{}\")", self.text));
        self.written(&m::WRAPPED, format!("Some({})", self.text));
        self.written(&m::WRAPPED, format!("[{}]", self.text));
    }
}

/// How languages print a value that is not there, the frequent ones first.
const NULLS: &[&str] = &[
    "null",
    "None",
    "undefined",
    "(null)",
    "NULL",
    "nil",
    "<nil>",
    "<null>",
    "nan",
    "NaN",
    "false",
];

const SPACES: &[(&str, &str, &str)] = &[
    ("", " ", "a space behind it"),
    (" ", "", "a space before it"),
    ("", "\n", "a line feed behind it"),
    ("", "\r", "a carriage return behind it"),
    ("", "\r\n", "a line break behind it"),
    ("", "\t", "a tab behind it"),
    ("", "\u{a0}", "a no-break space behind it"),
    ("\u{feff}", "", "a byte order mark before it"),
    ("", "\0", "a zero byte behind it"),
];

/// Digits in groups of three.
fn grouped(digits: &str, separator: &str) -> String {
    let mut out = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            out.push_str(separator);
        }
        out.push(digit);
    }
    out
}

/// How floating-point numbers of this value print: as Java, C#, Go, Python, C
/// and spreadsheets do it.
fn exponents(digits: &str) -> Vec<String> {
    let power = digits.len() - 1;
    if power == 0 {
        return Vec::new();
    }
    let (first, rest) = digits.split_at(1);
    let rest = rest.trim_end_matches('0');
    let (point, java) = match rest {
        "" => (first.to_owned(), format!("{first}.0")),
        rest => (format!("{first}.{rest}"), format!("{first}.{rest}")),
    };
    let mut all = vec![
        format!("{java}E{power}"),
        format!("{point}e+{power:02}"),
        format!("{point}E+{power:02}"),
        format!("{point}e{power}"),
    ];
    if let Ok(value) = digits.parse::<u64>() {
        // "%g", "%e", and a cell of default width.
        for places in [5, 6, 2] {
            let (mantissa, power) = rounded(value, places);
            let short = mantissa.trim_end_matches('0').trim_end_matches('.');
            all.push(format!("{short}e+{power:02}"));
            all.push(format!("{mantissa}e+{power:02}"));
            all.push(format!("{short}E+{power:02}"));
        }
    }
    all.dedup();
    all
}

/// A number in scientific form with so many places behind the point.
fn rounded(value: u64, places: usize) -> (String, usize) {
    // Exact enough: the places are few.
    #[allow(clippy::cast_precision_loss)]
    let text = format!("{:.places$e}", value as f64);
    let (mantissa, power) = text.split_once('e').unwrap_or((&text, "0"));
    (mantissa.to_owned(), power.parse().unwrap_or(0))
}

/// As the query of a URL has it.
fn percent(text: &str) -> String {
    let is_plain = |b: u8| b.is_ascii_alphanumeric() || b"-._~".contains(&b);
    let mut out = String::new();
    for byte in text.bytes() {
        match byte {
            plain if is_plain(plain) => out.push(char::from(plain)),
            other => out.push_str(&format!("%{other:02X}")),
        }
    }
    out
}

/// What a text that is not as documented should have been, and what is wrong
/// with it; `None` where nobody can tell.
pub(super) fn mend(field: &Field, text: &str) -> Option<(String, Mistake)> {
    let reads = |candidate: &str| {
        let mut out = Vec::new();
        let read = field.read(candidate, &mut out);
        read.ok().and_then(|()| String::from_utf8(out).ok())
    };
    let name = field.name;
    let with = |kind, candidate: &str, detail: &str| {
        let canonical = reads(candidate)?;
        Some((canonical, Mistake::new(kind, name, detail)))
    };
    let trimmed = text.trim_matches(|c: char| c.is_whitespace() || c == '\u{feff}' || c == '\0');
    if trimmed != text {
        return with(&m::SPACES, trimmed, "nothing around it");
    }
    let bare = text.trim_matches(['"', '\'']);
    if bare != text {
        return with(&m::QUOTED, bare, "");
    }
    if let Some(canonical) = reads(&text.to_lowercase()) {
        let mistake = Mistake::new(&m::LETTER_CASE, name, "lower case");
        return Some((canonical, mistake));
    }
    let whole = text.strip_suffix(".0").or_else(|| text.strip_suffix(".00"));
    if let Some(found) = whole.and_then(|whole| with(&m::DECIMAL, whole, whole)) {
        return Some(found);
    }
    let short = text.trim_start_matches('0');
    if short != text
        && let Some(found) = with(&m::LEADING_ZERO, short, short)
    {
        return Some(found);
    }
    let digits: String = text.chars().filter(char::is_ascii_digit).collect();
    if let Type::Time(unit) = field.kind
        && digits == text
    {
        let (word, scaled) = match unit {
            Unit::Milliseconds => ("milliseconds", format!("{text}000")),
            Unit::Seconds => ("seconds", text[..text.len().saturating_sub(3)].to_owned()),
        };
        if let Some(found) = with(&m::TIME_UNIT, &scaled, word) {
            return Some(found);
        }
        let scaled = &text[..text.len().min(13)];
        return with(&m::TIME_UNIT, scaled, word);
    }
    if let Source::Constant(constant) = field.source {
        return with(&m::CONSTANT, constant, constant);
    }
    let is_grouped = |c: char| c.is_ascii_digit() || ",.'_ \u{a0}\u{202f}".contains(c);
    if matches!(field.kind, Type::Integer { .. })
        && digits != text
        && text.chars().all(is_grouped)
        && grouped_like(text)
    {
        return with(&m::THOUSANDS, &digits, &digits);
    }
    None
}

/// What a time in seconds may have been in milliseconds, before its last three
/// digits were lost.
pub(super) fn lost(field: &Field, text: &str) -> Vec<String> {
    let is_seconds = text.len() == 10 && text.bytes().all(|byte| byte.is_ascii_digit());
    match field.kind {
        Type::Time(Unit::Milliseconds) if is_seconds => {
            (1..1000).map(|ms| format!("{text}{ms:03}")).collect()
        }
        _ => Vec::new(),
    }
}

/// Whether digits stand in groups of three, but for the first.
fn grouped_like(text: &str) -> bool {
    let mut groups = text.split(|c: char| !c.is_ascii_digit());
    let first = groups.next().unwrap_or_default();
    (1..=3).contains(&first.len()) && groups.all(|group| group.len() == 3)
}

//! What damaged text looks like. Pure functions of text; this file must not
//! know who has done it.

/// Above this, not every integer is a float of 64 bits.
const FLOAT_LIMIT: u64 = 1 << 53;

fn is_digits(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

/// The digits before a point that only zeros follow, as in `1108187390.0`.
/// Above 2^53 there are none: what wrote the point had a float, which may have
/// lost digits there.
pub fn decimal_zero(text: &str) -> Option<&str> {
    let (digits, zeros) = point_zero(text)?;
    let is_exact = digits
        .parse::<u64>()
        .is_ok_and(|value| value <= FLOAT_LIMIT);
    (is_exact && !zeros.is_empty()).then_some(digits)
}

fn point_zero(text: &str) -> Option<(&str, &str)> {
    let (digits, zeros) = text.split_once('.')?;
    let are_zeros = !zeros.is_empty() && zeros.bytes().all(|byte| byte == b'0');
    (is_digits(digits) && are_zeros).then_some((digits, zeros))
}

pub(super) fn is_decimal_zero(text: &str) -> bool {
    decimal_zero(text).is_some()
}

/// One zero is what a float is written with, more are a number format.
pub(super) fn is_float_zero(text: &str) -> bool {
    is_decimal_zero(text) && text.ends_with(".0")
}

pub(super) fn is_rounded_decimal(text: &str) -> bool {
    point_zero(text).is_some() && !is_decimal_zero(text)
}

pub(super) fn is_decimal(text: &str) -> bool {
    let parts = text.split_once('.');
    parts.is_some_and(|(before, after)| is_digits(before) && is_digits(after))
}

pub(super) fn is_decimal_comma(text: &str) -> bool {
    let zeros = |after: &str| is_digits(after) && after.bytes().all(|byte| byte == b'0');
    let parts = text.split_once(',');
    parts.is_some_and(|(before, after)| is_digits(before) && zeros(after) && after.len() < 3)
}

/// Whether a sound integer has the zeros at its end that the fifteen digits
/// of a spreadsheet leave, or the seventeen of a float of 64 bits.
pub fn is_rounded(text: &str) -> bool {
    let zeros_from = |at: usize| {
        let rest = text.as_bytes().get(at..);
        rest.is_some_and(|rest| rest.len() > 1 && rest.iter().all(|byte| *byte == b'0'))
    };
    text.parse::<u64>().is_ok_and(|value| value > FLOAT_LIMIT) && (zeros_from(15) || zeros_from(17))
}

fn is_exponent(text: &str, mark: char) -> bool {
    let Some((mantissa, exponent)) = text.split_once(mark) else {
        return false;
    };
    let exponent = exponent.strip_prefix(['+', '-']).unwrap_or(exponent);
    let mut parts = mantissa.splitn(2, ['.', ',']);
    is_digits(exponent) && parts.all(is_digits)
}

/// Spreadsheets write a capital.
pub(super) fn is_spreadsheet_exponent(text: &str) -> bool {
    is_exponent(text, 'E')
}

pub(super) fn is_float_exponent(text: &str) -> bool {
    is_exponent(text, 'e')
}

pub(super) fn has_leading_zeros(text: &str) -> bool {
    text.len() > 1 && text.starts_with('0') && is_digits(text)
}

/// Groups of three digits with one separator between all of them. A point or
/// a comma that stands once might divide decimals: the comma mostly does not.
pub(super) fn has_thousands(text: &str) -> bool {
    let Some(separator) = text.chars().find(|c| !c.is_ascii_digit()) else {
        return false;
    };
    let is_known = matches!(separator, ',' | '.' | '\'' | '’' | ' ' | '_')
        || matches!(separator, '\u{a0}' | '\u{2009}' | '\u{202f}');
    let mut groups = text.split(separator);
    let first = groups.next().unwrap_or_default();
    let count = groups.clone().count();
    let are_three = groups.all(|group| group.len() == 3 && is_digits(group));
    let starts = is_digits(first) && first.len() < 4 && !first.starts_with('0');
    is_known && starts && are_three && count >= if separator == '.' { 2 } else { 1 }
}

/// White space, and the marks that spreadsheets and web pages leave behind.
pub fn is_blank(c: char) -> bool {
    c.is_whitespace() || matches!(c, '\u{feff}' | '\u{200b}')
}

/// What is not seen, and no plain space: soft hyphens, joiners, marks of
/// direction, spaces of other widths. U+2063 is not meant: it separates signed
/// values and is told by itself.
fn is_invisible(c: char) -> bool {
    matches!(c, '\u{ad}' | '\u{200c}'..='\u{200f}' | '\u{202a}'..='\u{202e}')
        || matches!(c, '\u{2060}'..='\u{2062}' | '\u{2064}'..='\u{2069}')
        || (is_blank(c) && !c.is_ascii())
}

pub(super) fn has_invisible(text: &str) -> bool {
    text.chars().any(is_invisible)
}

/// White space at an end, and nothing invisible that trimming leaves.
pub(super) fn has_white_space(text: &str) -> bool {
    let trimmed = text.trim_matches(is_blank);
    !trimmed.is_empty() && trimmed.len() < text.len() && !has_invisible(trimmed)
}

pub(super) fn has_curly_quotes(text: &str) -> bool {
    text.contains(|c| {
        matches!(
            c,
            '\u{2018}'..='\u{201f}' | '«' | '»' | '‹' | '›' | '′' | '″'
        )
    })
}

pub(super) fn has_quotes(text: &str) -> bool {
    text.starts_with(['\'', '"']) || (text.len() > 1 && text.ends_with(['\'', '"']))
}

/// UTF-8 read as Windows-1252, and what had no character at all.
pub(super) fn is_mojibake(text: &str) -> bool {
    let next = |at: usize| text[at..].chars().nth(1);
    let is_second = |c: Option<char>| c.is_some_and(|c| ('\u{80}'..='\u{bf}').contains(&c));
    text.contains('\u{fffd}')
        || text.contains("â€")
        || text.contains("ï»¿")
        || text
            .match_indices(['Ã', 'Â'])
            .any(|(at, _)| is_second(next(at)))
}

pub(super) fn is_formula_error(text: &str) -> bool {
    let is_numbered = |rest: &str| rest.len() == 3 && is_digits(rest);
    matches!(text, "#N/A" | "#NV" | "#N/D" | "#VALUE!" | "#DIV/0!")
        || text.strip_prefix("Err:").is_some_and(is_numbered)
        || (text.starts_with('#') && text.len() > 2 && text.ends_with(['!', '?']))
}

pub(super) fn is_narrow_column(text: &str) -> bool {
    text.len() > 1 && text.bytes().all(|byte| byte == b'#')
}

/// The first letters of months as spreadsheets of several languages write
/// them.
const MONTHS: &[&str] = &[
    "jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec", "mär",
    "mrz", "mai", "okt", "dez", "fév", "avr", "jui", "aoû", "déc", "ene", "abr", "ago", "dic",
];

/// `Sep-39`, `1-Mar`, `39. Sep`, `2039-09-01`, `09/01/2039`, `01.09.2039`,
/// with or without a midnight behind.
pub(super) fn is_date(text: &str) -> bool {
    let midnight = |end: &&str| end.bytes().all(|byte| b"0:.".contains(&byte));
    let date = match text.split_once([' ', 'T']) {
        Some((date, time)) if time.len() > 4 && midnight(&time) => date,
        _ => text,
    };
    let parts: Vec<&str> = date
        .split(['-', '/', '.', ' '])
        .filter(|p| !p.is_empty())
        .collect();
    let is_short = |part: &&str| is_digits(part) && part.len() <= 2;
    let is_year = |part: &&str| is_digits(part) && part.len() == 4;
    let is_month = |part: &&str| {
        let lower = part.to_lowercase();
        lower.chars().count() < 6 && MONTHS.iter().any(|month| lower.starts_with(month))
    };
    match &parts[..] {
        [a, b] => (is_month(a) && (is_short(b) || is_year(b))) || (is_short(a) && is_month(b)),
        [a, b, c] => {
            let middle = is_short(b) || is_month(b);
            middle && ((is_year(a) && is_short(c)) || (is_short(a) && (is_year(c) || is_short(c))))
        }
        _ => false,
    }
}

/// A date, and maybe a time of the day.
pub(super) fn is_time_text(text: &str) -> bool {
    if is_date(text) {
        return true;
    }
    let Some((date, time)) = text.split_once([' ', 'T']) else {
        return false;
    };
    is_date(date) && time.contains(':') && time.starts_with(|c: char| c.is_ascii_digit())
}

/// Days since 1900 from 2009 to 2064, and a part of a day.
pub(super) fn is_spreadsheet_day(text: &str) -> bool {
    let (days, part) = text.split_once(['.', ',']).unwrap_or((text, "0"));
    days.len() == 5 && is_digits(days) && is_digits(part) && ('4'..='5').contains(&first(days))
}

fn first(text: &str) -> char {
    text.chars().next().unwrap_or_default()
}

pub(super) fn is_nanoseconds(text: &str) -> bool {
    (18..=19).contains(&text.len()) && is_digits(text)
}

pub(super) fn is_microseconds(text: &str) -> bool {
    (15..=16).contains(&text.len()) && is_digits(text)
}

fn hex_groups(text: &str) -> Option<Vec<usize>> {
    let is_hex = |group: &str| group.bytes().all(|byte| byte.is_ascii_hexdigit());
    let groups = text.split('-');
    let lengths = groups.map(|group| is_hex(group).then_some(group.len()));
    lengths.collect()
}

pub(super) fn is_uuid_digits(text: &str) -> bool {
    hex_groups(text) == Some(vec![32])
}

pub(super) fn is_uuid_braced(text: &str) -> bool {
    let braced = text
        .strip_prefix(['{', '('])
        .map(|inner| inner.trim_end_matches(['}', ')']));
    let inner = braced.or_else(|| text.strip_prefix("urn:uuid:"));
    inner.and_then(hex_groups) == Some(vec![8, 4, 4, 4, 12])
}

/// Five groups, of which some are too short and none too long.
pub(super) fn is_uuid_short(text: &str) -> bool {
    let full = [8, 4, 4, 4, 12];
    hex_groups(text).is_some_and(|groups| {
        let fits = |(own, full): (&usize, &usize)| (1..=*full).contains(own);
        groups.len() == 5 && groups != full && groups.iter().zip(&full).all(fits)
    })
}

/// A number or its sign where JSON has none, outside of strings.
pub(super) fn has_json_nan(line: &str) -> bool {
    let is_value = |word: &str| {
        line.match_indices(word).any(|(at, _)| {
            let before = line[..at].trim_end_matches(['-', ' ']);
            let after = line[at + word.len()..].trim_start();
            before.ends_with([':', ',', '[']) && after.starts_with([',', '}', ']'])
        })
    };
    ["NaN", "Infinity", "undefined"].into_iter().any(is_value)
}

pub(super) fn is_python_dict(line: &str) -> bool {
    line.trim_start().starts_with("{'")
}

/// A line of a document that spans several.
pub(super) fn is_of_document(line: &str) -> bool {
    let line = line.trim();
    let is_member = line.starts_with('"') && line.contains("\":");
    matches!(line, "[" | "{" | "]" | "}" | "},")
        || is_member
        || (line.starts_with('{') && line.ends_with("},"))
}

/// One cell that holds as many as there should be.
pub(super) fn is_whole_row<'c>(mut cells: impl Iterator<Item = &'c str>, wanted: usize) -> bool {
    let (Some(cell), None) = (cells.next(), cells.next()) else {
        return false;
    };
    let fits = |delimiter: char| cell.matches(delimiter).count() + 1 == wanted;
    wanted > 1 && [',', ';', '\t', '|'].into_iter().any(fits)
}

/// Neighbours such as `1`, `108`, `187`: one number with commas.
pub(super) fn has_split_number<'c>(cells: impl Iterator<Item = &'c str>) -> bool {
    let mut before = "";
    let mut starts = false;
    for cell in cells {
        let is_three = cell.len() == 3 && is_digits(cell);
        if is_three && (starts || (is_digits(before) && before.len() < 3)) {
            if starts {
                return true;
            }
            starts = true;
        } else {
            starts = false;
        }
        before = cell;
    }
    false
}

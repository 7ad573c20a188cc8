//! The table of damage. An entry's place is its rank: the first that fits is
//! told. It must not know how text is looked at.

use super::looks;
use super::{Damage, Of};

macro_rules! kinds {
    ($($(#[doc = $doc:expr])* $vis:vis $place:ident $name:literal $of:ident $is:expr,
        $holds:literal, $cause:literal, $fix:literal;)+) => {
        $($(#[doc = $doc])* $vis static $place: Damage = Damage {
            name: $name,
            holds: $holds,
            cause: $cause,
            fix: $fix,
            of: Of::$of,
            is: $is,
        };)+
    };
}

fn is_any_of(text: &str, words: &[&str]) -> bool {
    words.iter().any(|word| text.eq_ignore_ascii_case(word))
}

fn never(_: &str) -> bool {
    false
}

kinds! {
    FORMULA_ERROR "formula_error" Any looks::is_formula_error,
        "formula errors",
        "a formula of a spreadsheet failed, and its error was saved",
        "mend the formula, or leave the cell empty";
    NARROW_COLUMN "narrow_column" Any looks::is_narrow_column,
        "number signs alone",
        "a spreadsheet showed a column too narrow for its values, and what it showed was copied",
        "widen the column, and copy or export it again";
    MISSING_PANDAS "missing_pandas" Any |text| is_any_of(text, &["nan", "-nan", "nat", "<na>"]),
        "words for no value",
        "pandas made text of an empty cell",
        "leave it empty: df.to_csv(path, na_rep=\"\"), and astype(\"string\") instead of astype(str)";
    MISSING_PYTHON "missing_python" Any |text| text == "None",
        "words for no value",
        "Python made text of None",
        "leave it empty: \"\" if value is None else value";
    MISSING_DATABASE "missing_database" Any
        |text| is_any_of(text, &["null", "(null)", "\\n", "nil", "undefined"]),
        "words for no value",
        "a database or JavaScript wrote its empty value as a word",
        "leave it empty: COALESCE(column, '') in SQL, value ?? \"\" in JavaScript";
    MISSING_WORD "missing_word" Any |text| is_any_of(text, &["na", "n/a", "(blank)"]),
        "words for no value",
        "R or a person wrote a word for an empty cell",
        "leave it empty: write.csv(rows, na = \"\")";
    INFINITE "infinite" Numbers
        |text| is_any_of(text.trim_start_matches('-'), &["inf", "infinity"]),
        "infinite numbers",
        "something was divided by zero",
        "leave it empty: df.replace([np.inf, -np.inf], pd.NA)";
    MOJIBAKE "mojibake" NoTimes looks::is_mojibake,
        "characters of a wrong encoding",
        "UTF-8 was read as Windows-1252, or the other way round",
        "export it again and read it as what it is: pd.read_csv(path, encoding=\"utf-8\")";
    THOUSANDS "thousands" Numbers looks::has_thousands,
        "thousands separators",
        "a spreadsheet or a report grouped the digits",
        "format the column as text, or as 0 without separators; pd.read_csv(path, thousands=\",\")";
    CURLY_QUOTES "curly_quotes" Any looks::has_curly_quotes,
        "curly quotes",
        "a word processor, a chat or autocorrect made them",
        "sed 's/[“”„‟‘’‚‛«»]//g' FILE > OUT";
    QUOTES "quotes" NoTimes looks::has_quotes,
        "quotes that belong to the value",
        "the value was quoted twice, or a spreadsheet's mark for text (') was saved",
        "write the value without them; pandas: df[column].str.strip(\"'\\\"\")";
    WHITE_SPACE "white_space" Any looks::has_white_space,
        "white space around the value",
        "it was padded, or copied with its surroundings",
        "mend the row, or give --trim";
    INVISIBLE "invisible" Any looks::has_invisible,
        "invisible characters",
        "it was copied from a web page, a PDF or a chat",
        "perl -CSD -pe 's/[\\p{Cf}\\x{a0}\\x{2000}-\\x{200a}\\x{202f}\\x{3000}]//g' FILE > OUT";
    SPREADSHEET_EXPONENT "spreadsheet_exponent" Numbers looks::is_spreadsheet_exponent,
        "exponents",
        "a spreadsheet (Excel, LibreOffice) saved a long number as it was shown, and its digits are lost",
        "format the column as text (or as 0) where the digits still are, and export it again";
    FLOAT_EXPONENT "float_exponent" Numbers looks::is_float_exponent,
        "exponents",
        "Python, pandas, JavaScript or jq wrote a float, which may have lost digits",
        "keep it an integer: pd.read_csv(path, dtype=str), df[column].astype(\"Int64\"), BigInt";
    SPREADSHEET_DAY "spreadsheet_day" Times looks::is_spreadsheet_day,
        "days since 1900",
        "Excel and LibreOffice count days, and a date was saved as its number",
        "write it as a time since 1970: =(A2-25569)*86400 is seconds, times 1000 milliseconds";
    /// Integers with a point and zeros behind it, which can be taken for what
    /// they are.
    DECIMAL_ZERO "decimal_zero" Numbers looks::is_float_zero,
        "decimals",
        "pandas writes a column with an empty cell so",
        "give --accept-decimal-zero, or df[column].astype(\"Int64\")";
    DECIMAL_ZEROS "decimal_zeros" Numbers looks::is_decimal_zero,
        "decimals",
        "a spreadsheet's number format has decimals",
        "give --accept-decimal-zero, or format the column as 0";
    ROUNDED_DECIMAL "rounded_decimal" Numbers looks::is_rounded_decimal,
        "decimals above 2^53",
        "pandas made floats of a column with an empty cell, and a float this large has lost digits",
        "read it again as text: pd.read_csv(path, dtype=str)";
    DECIMAL_COMMA "decimal_comma" Numbers looks::is_decimal_comma,
        "decimals with a comma",
        "a spreadsheet with a decimal comma saved a number format that has decimals",
        "format the column as text, or as 0";
    DECIMALS "decimals" Numbers looks::is_decimal,
        "decimals",
        "a mean, a division or a spreadsheet's number format made fractions",
        "read the column as text (pandas: dtype=str), and look where it was computed";
    LEADING_ZEROS "leading_zeros" Numbers looks::has_leading_zeros,
        "leading zeros",
        "an id was kept as text and padded; the device compares a number, so the zeros would be signed but never sent",
        "write it without them: df[column].str.lstrip(\"0\")";
    DATE "date" NoTimes looks::is_date,
        "dates",
        "a spreadsheet took an id such as 3-1 or sep39 for a date, and the id is lost",
        "format the column as text before the file is opened: Data > From Text/CSV, type Text";
    TIME_TEXT "time_text" Times looks::is_time_text,
        "dates and times as text",
        "pandas, databases and spreadsheets write times so",
        "pd.to_datetime(df[column], utc=True).dt.as_unit(\"UNIT\").astype(\"int64\")";
    NANOSECONDS "nanoseconds" Times looks::is_nanoseconds,
        "nanoseconds",
        "pandas counts times in nanoseconds",
        "pd.to_datetime(df[column], unit=\"ns\").dt.as_unit(\"UNIT\").astype(\"int64\")";
    MICROSECONDS "microseconds" Times looks::is_microseconds,
        "microseconds",
        "pandas 3, Spark and BigQuery count times in microseconds",
        "pd.to_datetime(df[column], unit=\"us\").dt.as_unit(\"UNIT\").astype(\"int64\")";
    BOOLEAN_NUMBER "boolean_number" Booleans |text| is_any_of(text, &["0", "1", "0.0", "1.0"]),
        "numbers for true and false",
        "pandas with an empty cell, SQL and spreadsheets write truth as a number",
        "df[column].map({1: \"true\", 0: \"false\"})";
    BOOLEAN_WORD "boolean_word" Booleans |text| is_any_of(text, &[
            "yes", "no", "y", "n", "t", "f", "on", "off", "wahr", "falsch", "vrai", "faux",
            "verdadero", "falso", "vero", "verdadeiro", "waar", "onwaar",
        ]),
        "other words for true and false",
        "databases, and spreadsheets in other languages, write truth so",
        "write true or false: =IF(A2,\"true\",\"false\")";
    UUID_DIGITS "uuid_digits" Uuids looks::is_uuid_digits,
        "UUIDs without dashes",
        "Python's uuid4().hex and some databases leave the dashes out",
        "str(uuid.UUID(text))";
    UUID_BRACES "uuid_braces" Uuids looks::is_uuid_braced,
        "UUIDs with something around them",
        "Windows and .NET write braces, some libraries urn:uuid:",
        "str(uuid.UUID(text)), or ToString(\"D\")";
    UUID_ZEROS "uuid_zeros" Uuids looks::is_uuid_short,
        "UUIDs that lack digits",
        "leading zeros of a group were lost",
        "pad each group with zeros to 8-4-4-4-12 digits, as \"%04x\" does";
    JSON_NAN "json_nan" Any looks::has_json_nan,
        "words that JSON does not have",
        "Python's json.dumps writes NaN and Infinity for floats",
        "write null: df.to_json(path, orient=\"records\", lines=True)";
    PYTHON_DICT "python_dict" Any looks::is_python_dict,
        "Python's print of a dict",
        "a row was written with str() instead of json.dumps()",
        "write json.dumps(row) on each line";
    JSON_DOCUMENT "json_document" Any looks::is_of_document,
        "pieces of one JSON document",
        "the file is one JSON document over many lines, not one object a line",
        "jq -c '.[]' FILE > rows.ndjson";
    JSON_QUOTES "json_quotes" Any looks::has_curly_quotes,
        "curly quotes",
        "a word processor, a chat or autocorrect made them",
        "sed 's/[“”„‟]/\"/g' FILE > OUT";
    /// A number whose commas became delimiters.
    pub SPLIT_NUMBER "split_number" Any never,
        "more cells than the header, by numbers such as 1,108,187,390",
        "thousands separators were written without quotes, and each divides cells",
        "format the column as text, or as 0 without separators, and export it again";
    /// A row that is one cell.
    pub WHOLE_ROW "whole_row" Any never,
        "one quoted cell",
        "the file was opened with another delimiter, and saved",
        "python3 -c 'import csv,sys; print(*(r[0] for r in csv.reader(sys.stdin)), sep=\"\\n\")' < FILE > OUT";
    /// Bytes that are no UTF-8.
    pub WINDOWS_1252 "not_utf8" Any never,
        "bytes that are not UTF-8",
        "Excel's plain CSV is Windows-1252",
        "save it as \"CSV UTF-8\", or iconv -f WINDOWS-1252 -t UTF-8 FILE > OUT";
}

/// What befalls values, in the order in which it is looked for.
pub(super) static IN_VALUES: &[&Damage] = &[
    &FORMULA_ERROR,
    &NARROW_COLUMN,
    &MISSING_PANDAS,
    &MISSING_PYTHON,
    &MISSING_DATABASE,
    &MISSING_WORD,
    &INFINITE,
    &MOJIBAKE,
    &THOUSANDS,
    &CURLY_QUOTES,
    &QUOTES,
    &WHITE_SPACE,
    &INVISIBLE,
    &SPREADSHEET_EXPONENT,
    &FLOAT_EXPONENT,
    &SPREADSHEET_DAY,
    &DECIMAL_ZERO,
    &DECIMAL_ZEROS,
    &ROUNDED_DECIMAL,
    &DECIMAL_COMMA,
    &DECIMALS,
    &LEADING_ZEROS,
    &DATE,
    &TIME_TEXT,
    &NANOSECONDS,
    &MICROSECONDS,
    &BOOLEAN_NUMBER,
    &BOOLEAN_WORD,
    &UUID_DIGITS,
    &UUID_BRACES,
    &UUID_ZEROS,
];

/// What befalls lines of JSON.
pub(super) static IN_ROWS: &[&Damage] = &[&JSON_NAN, &PYTHON_DICT, &JSON_DOCUMENT, &JSON_QUOTES];

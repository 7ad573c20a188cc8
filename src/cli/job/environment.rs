//! `${NAME}` in a job file's text. It must not know what the text is for.
//!
//! What a variable holds may be a secret, so no message ever has it: messages
//! show the text as it stands in the file.

use std::env::VarError;

/// Where variables come from.
pub(super) type Variables<'v> = &'v dyn Fn(&str) -> Result<String, VarError>;

/// What the environment of this process holds.
pub(super) fn of_process(name: &str) -> Result<String, VarError> {
    std::env::var(name)
}

/// Why a text cannot be filled in: what is wrong, and what to write instead.
pub(super) type Wrong = (String, &'static str);

/// Puts variables into a text. `$$` is a dollar.
pub(super) fn fill(
    text: &str,
    variables: Variables<'_>,
    hidden: &mut Hidden,
) -> Result<String, Wrong> {
    let mut filled = String::with_capacity(text.len());
    let mut taken = Vec::new();
    let mut rest = text;
    while let Some(at) = rest.find('$') {
        filled.push_str(&rest[..at]);
        rest = &rest[at + 1..];
        if let Some(behind) = rest.strip_prefix('$') {
            filled.push('$');
            rest = behind;
            continue;
        }
        let lone = "write $$ for a dollar, ${NAME} for an environment variable";
        let Some((name, behind)) = rest.strip_prefix('{').and_then(|rest| rest.split_once('}'))
        else {
            return Err(("a $ that is no ${NAME}".into(), lone));
        };
        if !is_name(name) {
            return Err(("a ${…} that names no environment variable".into(), lone));
        }
        let value = variables(name).map_err(|error| match error {
            VarError::NotPresent => (
                format!("the environment variable {name} is not set"),
                "set it, or give the key on the command line",
            ),
            VarError::NotUnicode(_) => (
                format!("the environment variable {name} is not UTF-8"),
                "set it to UTF-8 text",
            ),
        })?;
        filled.push_str(&value);
        taken.push((value, format!("${{{name}}}")));
        rest = behind;
    }
    filled.push_str(rest);
    if !taken.is_empty() {
        hidden.add(&filled, text);
        taken
            .iter()
            .for_each(|(value, name)| hidden.add(value, name));
    }
    Ok(filled)
}

fn is_name(name: &str) -> bool {
    let is_word = |c: char| c.is_ascii_alphanumeric() || c == '_';
    name.chars().all(is_word) && name.starts_with(|c: char| !c.is_ascii_digit())
}

/// What came from the environment, each with what stands for it in the file.
#[derive(Default)]
pub(super) struct Hidden(Vec<(String, String)>);

/// Shorter ones are hidden only where they stand alone: they would tear words
/// apart.
const SHORT: usize = 4;

impl Hidden {
    fn add(&mut self, value: &str, shown: &str) {
        let escaped = value.escape_debug().to_string();
        for value in [value.to_owned(), escaped] {
            if !value.is_empty() && !self.0.iter().any(|(other, _)| *other == value) {
                self.0.push((value, shown.to_owned()));
            }
        }
        // A whole text goes before its parts.
        self.0
            .sort_by_key(|(value, _)| std::cmp::Reverse(value.len()));
    }

    /// A message without anything of it.
    pub(super) fn hide(&self, message: &str) -> String {
        let mut pieces = vec![(message.to_owned(), false)];
        for (value, shown) in &self.0 {
            let mut after = Vec::with_capacity(pieces.len());
            for (piece, is_done) in pieces {
                match is_done {
                    true => after.push((piece, true)),
                    false => replace(&piece, value, shown, &mut after),
                }
            }
            pieces = after;
        }
        pieces.into_iter().map(|(piece, _)| piece).collect()
    }
}

/// Cuts a piece at every occurrence of a value.
fn replace(piece: &str, value: &str, shown: &str, into: &mut Vec<(String, bool)>) {
    let (mut from, mut search) = (0, 0);
    while let Some(at) = piece[search..].find(value).map(|at| at + search) {
        let end = at + value.len();
        let touches = |c: Option<char>| c.is_some_and(char::is_alphanumeric);
        let stands_alone =
            !touches(piece[..at].chars().next_back()) && !touches(piece[end..].chars().next());
        if value.len() >= SHORT || stands_alone {
            into.push((piece[from..at].to_owned(), false));
            into.push((shown.to_owned(), true));
            from = end;
        }
        search = end;
    }
    into.push((piece[from..].to_owned(), false));
}

#[cfg(test)]
mod tests {
    use super::{Hidden, VarError, fill};

    fn variables(name: &str) -> Result<String, VarError> {
        match name {
            "A" => Ok("alpha ${B}".into()),
            "N" => Ok("1".into()),
            "_X9" => Ok(String::new()),
            _ => Err(VarError::NotPresent),
        }
    }

    #[test]
    fn variables_are_filled_in_once_and_two_dollars_are_one() {
        for (text, filled) in [
            ("plain", "plain"),
            ("$$ $${A} 5$$", "$ ${A} 5$"),
            ("${A}", "alpha ${B}"),
            ("x${N}${_X9}y", "x1y"),
        ] {
            let got = fill(text, &variables, &mut Hidden::default()).unwrap_or_default();
            assert_eq!(got, filled, "{text}");
        }
        for text in [
            "$", "$A", "${", "${}", "${A", "${9}", "${A B}", "${Ä}", "${NONE}",
        ] {
            let wrong = fill(text, &variables, &mut Hidden::default());
            assert!(wrong.is_err(), "{text}");
        }
    }

    #[test]
    fn what_a_variable_holds_is_hidden_whole_and_in_parts() {
        let mut hidden = Hidden::default();
        let texts = ["dir/${A}.csv", "${N}"];
        let filled = texts.map(|text| fill(text, &variables, &mut hidden).is_ok());
        assert_eq!(filled, [true, true]);
        for (message, shown) in [
            ("no file dir/alpha ${B}.csv", "no file dir/${A}.csv"),
            ("alpha ${B} and alpha", "${A} and alpha"),
            ("1 is not in 10..=100", "${N} is not in 10..=100"),
        ] {
            assert_eq!(hidden.hide(message), shown);
        }
    }
}

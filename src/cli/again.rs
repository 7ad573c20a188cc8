//! The command that goes on with an interrupted run: this one, and `--resume`.

use std::ffi::OsString;

/// The command line of this process with `--resume`, as a shell reads it.
pub(crate) fn resume_command() -> String {
    command(std::env::args_os().collect())
}

fn command(mut words: Vec<OsString>) -> String {
    // Before a `--`, after which everything is an input.
    let end = words
        .iter()
        .position(|word| word == "--")
        .unwrap_or(words.len());
    if !words[..end].iter().any(|word| word == "--resume") {
        words.insert(end, "--resume".into());
    }
    let quoted: Vec<String> = words
        .iter()
        .map(|word| quote(&word.to_string_lossy()))
        .collect();
    quoted.join(" ")
}

/// A word as a POSIX shell reads it.
fn quote(word: &str) -> String {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "-_./=:,@%+".contains(c);
    if !word.is_empty() && word.chars().all(is_plain) {
        word.to_owned()
    } else {
        format!("'{}'", word.replace('\'', "'\\''"))
    }
}

#[cfg(test)]
mod tests {
    use super::command;

    fn of(words: &[&str]) -> String {
        command(words.iter().map(Into::into).collect())
    }

    #[test]
    fn the_command_is_one_that_a_shell_reads_back() {
        for (words, line) in [
            (&["p", "sign", "a.csv"][..], "p sign a.csv --resume"),
            (&["p", "sign", "--resume", "a.csv"], "p sign --resume a.csv"),
            (
                &["p", "sign", "--", "--resume"],
                "p sign --resume -- --resume",
            ),
            (&["p", "-s", "a=it's $x"], r"p -s 'a=it'\''s $x' --resume"),
            (&["p", ""], "p '' --resume"),
        ] {
            assert_eq!(of(words), line);
        }
    }
}

//! A job file to start from: complete, runnable, every line explained from the
//! help of the option it stands for.

use campaign_signer::format::{Alg, Format};

use super::document::{NAME, OUTPUT};
use super::keys::{INPUT, Key, Kind, keys};
use super::schema::description;

const WIDTH: usize = 80;

/// The job file for a format.
pub(crate) fn template(format: &Format) -> String {
    let keys = keys();
    let id = format.id;
    let (key, file, how) = match format.alg() {
        Alg::Es256 => ("key", "key.p8", "campaign-signer keygen -o key.p8"),
        Alg::Hs256 => (
            "secret-file",
            "secret.txt",
            "put the account's Auth Token into secret.txt",
        ),
    };
    let given = [
        (INPUT, "rows.csv"),
        ("format", id),
        (key, file),
        (OUTPUT, "signed.ndjson"),
    ];
    let mut text = format!(
        "# A job for `campaign-signer run job.toml`. These make what it needs:\n\
         #   campaign-signer template {id} > rows.csv\n\
         #   {how}\n\n"
    );
    comment(
        &mut text,
        "Every long option of `campaign-signer sign` is a key here, and may be given after the job \
         file's name as well: the command line wins. Names of files count from this file. ${NAME} \
         is an environment variable, $$ a dollar. `campaign-signer schema job` prints a JSON Schema \
         for editors. What stands behind a # is left out; values there \
         are the defaults, or examples.",
    );
    for (name, value) in given {
        if let Some(key) = keys.iter().find(|key| key.name == name) {
            explain(&mut text, key);
            text.push_str(&format!("{name} = {value:?}\n"));
        }
    }
    for key in &keys {
        if given.iter().all(|(name, _)| key.name != *name) {
            explain(&mut text, key);
            text.push_str(&format!("#{} = {}\n", key.name, example(key)));
        }
    }
    text.push('\n');
    comment(
        &mut text,
        &format!(
            "Several outputs of one input: each is a run of its own, with its own files, and any of \
             the keys above, which override those above. `{OUTPUT}` above is left out then. A {NAME} \
             goes behind the job id, so that no two outputs share a nonce. `--only NAME` runs one."
        ),
    );
    for (name, file) in [("lines", "lines.ndjson"), ("table", "table.csv")] {
        text.push_str(&format!(
            "#[[{OUTPUT}]]\n#{NAME} = {name:?}\n#{OUTPUT} = {file:?}\n"
        ));
    }
    text
}

fn explain(text: &mut String, key: &Key) {
    text.push('\n');
    comment(text, &description(key));
}

/// A value that the key takes.
fn example(key: &Key) -> String {
    let choice = key.choices().into_iter().map(|(name, _)| name).next();
    let word = key.default().or(choice);
    let one = match (key.kind, word) {
        (Kind::Flag, _) => return "true".into(),
        (Kind::Pairs, _) => {
            let (name, value) = key.value_name().split_once('=').unwrap_or_default();
            return format!("{{ {name} = {value:?} }}");
        }
        (Kind::Integer, Some(number)) => number,
        (Kind::Integer, None) => "1".into(),
        (_, Some(word)) => format!("{word:?}"),
        (_, None) => {
            let name = key.value_name().split([',', '|']).next();
            format!("{:?}", name.unwrap_or_default())
        }
    };
    match key.takes_several {
        true => format!("[{one}]"),
        false => one,
    }
}

/// Words behind a #, in lines of a bearable length.
fn comment(text: &mut String, words: &str) {
    let mut line = String::from("#");
    for word in words.split_whitespace() {
        if line.len() > 1 && line.chars().count() + 1 + word.chars().count() > WIDTH {
            text.push_str(&line);
            text.push('\n');
            line = "#".into();
        }
        line.push(' ');
        line.push_str(word);
    }
    text.push_str(&line);
    text.push('\n');
}

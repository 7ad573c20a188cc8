//! `key check`: what is in a key ring, and what is wrong with it.

use std::path::PathBuf;

use campaign_signer::error::Error;
use campaign_signer::ring::{self, Listed, Match, Problem, Survey, Validity};
use campaign_signer::time::rfc3339;
use clap::Args;
use serde_json::{Value, json};

use super::exit::Exit;
use super::values::now;
use super::{print, say};

/// Check a key ring.
#[derive(Args)]
pub(crate) struct KeyCheckArgs {
    /// The key ring
    #[arg(value_name = "KEYS.TOML")]
    ring: PathBuf,

    /// Print one JSON object instead of a table
    #[arg(long)]
    json: bool,
}

/// Loads and checks every key of a ring. Keys with problems exit with 3.
pub(super) fn run(args: &KeyCheckArgs) -> Result<Exit, Error> {
    let survey = ring::survey(&args.ring)?;
    let now = now();
    let rows: Vec<Row<'_>> = survey
        .listed
        .iter()
        .enumerate()
        .map(|(number, listed)| Row::of(&survey, number, listed, now))
        .collect();
    let elsewhere: Vec<&Problem> = survey
        .problems
        .iter()
        .filter(|problem| problem.entry.is_none())
        .collect();
    let problems = elsewhere.len() + rows.iter().map(|row| row.problems.len()).sum::<usize>();
    let text = match args.json {
        true => as_json(&survey, &rows, &elsewhere, problems == 0),
        false => as_text(&survey, &rows, &elsewhere),
    };
    print(&text)?;
    if problems == 0 {
        return Ok(Exit::Success);
    }
    let noun = if problems == 1 { "problem" } else { "problems" };
    let name = args.ring.display();
    say!("campaign-signer: error: {name} has {problems} {noun}");
    let hint = survey.problems.iter().find_map(|p| p.fault.hint());
    if let Some(hint) = hint {
        say!("campaign-signer: hint: {hint}");
    }
    Ok(Exit::Key)
}

/// One entry in words.
struct Row<'s> {
    listed: &'s Listed,
    problems: Vec<String>,
    warnings: Vec<String>,
}

impl<'s> Row<'s> {
    fn of(survey: &Survey, number: usize, listed: &'s Listed, now: u64) -> Self {
        let mut problems: Vec<String> = survey
            .problems
            .iter()
            .filter(|problem| problem.entry == Some(number))
            .map(|problem| problem.line_in(&survey.path))
            .collect();
        let mut warnings: Vec<String> = listed.warnings.iter().map(ToString::to_string).collect();
        match survey.validity(number, now) {
            Some(Validity::Expired { since }) => {
                let words = format!("expired at {}", rfc3339(since));
                match survey.is_replaced(number, now) {
                    true => warnings.push(format!("{words}; another key takes its rows")),
                    false => problems.push(format!(
                        "{}:{}: key {}: {words}, and no valid key takes its rows",
                        survey.path.display(),
                        listed.line,
                        name(listed),
                    )),
                }
            }
            Some(Validity::NotYet { from }) => {
                warnings.push(format!("not valid before {}", rfc3339(from)));
            }
            Some(Validity::Valid) | None => {}
        }
        Self {
            listed,
            problems,
            warnings,
        }
    }

    fn state(&self) -> String {
        let count = |number: usize, noun: &str| match number {
            0 => None,
            1 => Some(format!("1 {noun}")),
            several => Some(format!("{several} {noun}s")),
        };
        let problems = count(self.problems.len(), "problem");
        let warnings = count(self.warnings.len(), "warning");
        match (problems, warnings) {
            (None, None) => "good".into(),
            (Some(one), None) | (None, Some(one)) => one,
            (Some(problems), Some(warnings)) => format!("{problems}, {warnings}"),
        }
    }

    /// The cells of the table.
    fn cells(&self) -> [String; 8] {
        let listed = self.listed;
        let key = listed.key.as_ref();
        let file = listed.file.as_ref();
        [
            name(listed),
            families(listed).join(", "),
            selectors(&listed.matches),
            key.map_or("-".into(), |key| key.alg().to_string()),
            key.map_or("-".into(), |key| key.fingerprint()),
            validity(listed),
            file.map_or("-".into(), |file| file.display().to_string()),
            self.state(),
        ]
    }
}

fn name(listed: &Listed) -> String {
    listed.id.as_deref().unwrap_or("-").to_owned()
}

fn families(listed: &Listed) -> Vec<&'static str> {
    listed.uses.iter().map(|used| used.family()).collect()
}

fn selectors(matches: &[Match]) -> String {
    if matches.is_empty() {
        return "every row".into();
    }
    let words = matches.iter().map(|matched| {
        let values = matched.values().join(", ");
        match matched {
            Match::Column { name, .. } => format!("column {}: {values}", name),
            other => format!("{}: {values}", other.name()),
        }
    });
    words.collect::<Vec<_>>().join("; ")
}

fn validity(listed: &Listed) -> String {
    match (listed.not_before, listed.not_after) {
        (None, None) => "always".into(),
        (Some(from), None) => format!("from {}", rfc3339(from)),
        (None, Some(until)) => format!("until {}", rfc3339(until)),
        (Some(from), Some(until)) => format!("{} to {}", rfc3339(from), rfc3339(until)),
    }
}

const HEADS: [&str; 8] = [
    "id",
    "families",
    "selected by",
    "alg",
    "fingerprint",
    "valid",
    "file",
    "state",
];

fn as_text(survey: &Survey, rows: &[Row<'_>], elsewhere: &[&Problem]) -> String {
    let mut lines = vec![HEADS.map(str::to_owned)];
    lines.extend(rows.iter().map(Row::cells));
    let mut widths = [0; 8];
    for line in &lines {
        for (width, cell) in widths.iter_mut().zip(line) {
            *width = (*width).max(cell.chars().count());
        }
    }
    let mut text = String::new();
    for line in lines {
        let padded: Vec<String> = line
            .iter()
            .zip(widths)
            .map(|(cell, width)| format!("{cell:width$}"))
            .collect();
        text.push_str(padded.join("  ").trim_end());
        text.push('\n');
    }
    let keys: Vec<String> = rows
        .iter()
        .filter_map(|row| {
            let public = row.listed.key.as_ref()?.public_key()?;
            Some(format!("  {}  {public}\n", name(row.listed)))
        })
        .collect();
    section(&mut text, "public keys, as they are registered", &keys);
    let warnings: Vec<String> = rows
        .iter()
        .flat_map(|row| {
            let name = name(row.listed);
            let line = move |warning: &String| format!("  {name}: {warning}\n");
            row.warnings.iter().map(line)
        })
        .collect();
    section(&mut text, "warnings", &warnings);
    let elsewhere = elsewhere
        .iter()
        .map(|problem| problem.line_in(&survey.path));
    let problems: Vec<String> = elsewhere
        .chain(rows.iter().flat_map(|row| row.problems.iter().cloned()))
        .map(|problem| format!("  {problem}\n"))
        .collect();
    section(&mut text, "problems", &problems);
    text
}

fn section(text: &mut String, head: &str, lines: &[String]) {
    if !lines.is_empty() {
        text.push_str(&format!("\n{head}\n{}", lines.concat()));
    }
}

fn as_json(survey: &Survey, rows: &[Row<'_>], elsewhere: &[&Problem], ok: bool) -> String {
    let keys: Vec<Value> = rows.iter().map(entry).collect();
    let lines = elsewhere
        .iter()
        .map(|problem| problem.line_in(&survey.path));
    let ring = json!({
        "path": survey.path,
        "ok": ok,
        "keys": keys,
        "problems": lines.collect::<Vec<_>>(),
    });
    format!("{ring:#}\n")
}

fn entry(row: &Row<'_>) -> Value {
    let listed = row.listed;
    let matches: Vec<Value> = listed
        .matches
        .iter()
        .map(|matched| match matched {
            Match::Column { name, values } => {
                json!({ "by": matched.name(), "name": name, "values": values })
            }
            other => json!({ "by": other.name(), "values": other.values() }),
        })
        .collect();
    let key = listed.key.as_ref();
    json!({
        "id": listed.id,
        "line": listed.line,
        "families": families(listed),
        "selectors": matches,
        "key_id": listed.key_id,
        "alg": key.map(|key| key.alg().to_string()),
        "fingerprint": key.map(|key| key.fingerprint()),
        "public_key": key.and_then(|key| key.public_key()),
        "not_before": listed.not_before.map(rfc3339),
        "not_after": listed.not_after.map(rfc3339),
        "file": listed.file,
        "warnings": row.warnings,
        "problems": row.problems,
    })
}

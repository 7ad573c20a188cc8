//! What `explain` prints: for people, and as JSON.

use std::fmt::Write as _;

use campaign_signer::explain::{Cause, Explanation, Lines, Report, Verdict, diff};
use campaign_signer::format::SEPARATOR;
use serde_json::{Value, json as value};

/// One signature, for a person.
pub(super) fn text(explanation: &Explanation) -> String {
    let mut out = String::new();
    let _ = writeln!(out, "{}", title(explanation));
    row(&mut out, "verdict", &explanation.sentence());
    if let Some(key) = &explanation.key {
        row(&mut out, "key", key);
    }
    texts(&mut out, explanation);
    causes(&mut out, explanation);
    out
}

/// What was signed beside what should have been, or beside what stands there.
fn texts(out: &mut String, explanation: &Explanation) {
    let name = if explanation.is_token {
        "sent"
    } else {
        "wanted"
    };
    let wanted = (name, &explanation.wanted);
    match (&explanation.signed, &explanation.shown) {
        (Some(signed), _) if *signed != explanation.wanted => {
            difference(out, wanted, ("signed", signed));
        }
        (Some(signed), Some(record)) => difference(out, ("record", record), ("signed", signed)),
        (Some(signed), None) => row(out, "signed", &shown(signed)),
        (None, Some(record)) => difference(out, wanted, ("record", record)),
        (None, None) if !explanation.wanted.is_empty() => {
            row(out, name, &shown(&explanation.wanted));
        }
        (None, None) => {}
    }
}

fn causes(out: &mut String, explanation: &Explanation) {
    for cause in &explanation.causes {
        row(
            out,
            "fix",
            &format!("{}: {}", cause.system().words(), cause.fix()),
        );
        row(out, "rule", &cause.source(explanation.format));
    }
    for note in &explanation.notes {
        let field = match note.field.as_str() {
            "" => "the line".to_owned(),
            field => field.escape_debug().to_string(),
        };
        row(out, "beside", &format!("{field} {}", note.says));
    }
    if explanation.verdict == Verdict::Unexplained {
        let all: Vec<String> = explanation
            .ruled_out
            .iter()
            .map(|c| c.replace('_', " "))
            .collect();
        row(out, "ruled out", &all.join(", "));
        row(
            out,
            "left",
            "another key, values that were changed, or a mistake that nobody thought of: \
             compare the wanted text with what the signer signs",
        );
    }
}

fn title(explanation: &Explanation) -> String {
    let mut title = match explanation.format {
        Some(format) => format.id.to_owned(),
        None => "a token of no format that is known".to_owned(),
    };
    if let Some(version) = explanation.version {
        let _ = write!(title, " {version}");
    }
    if !explanation.place.is_empty() {
        let _ = write!(title, ", {}", explanation.place.escape_debug());
    }
    title
}

fn row(out: &mut String, name: &str, words: &str) {
    let _ = writeln!(out, "{name:>9}  {words}");
}

/// Two texts, and marks under what differs.
fn difference(out: &mut String, first: (&str, &String), second: (&str, &String)) {
    let marks = diff(first.1, second.1);
    for ((name, text), marks) in [(first, &marks.first), (second, &marks.second)] {
        row(out, name, &shown(text));
        let mut line = String::new();
        for (c, is_marked) in text.chars().zip(marks) {
            let width = shown(c.encode_utf8(&mut [0; 4])).chars().count();
            line.push_str(&(if *is_marked { "^" } else { " " }).repeat(width));
        }
        if !line.trim().is_empty() {
            row(out, "", line.trim_end());
        }
    }
}

/// A text that a terminal shows as it is: U+2063 as ␣, what is invisible as
/// its number.
fn shown(text: &str) -> String {
    let mut out = String::new();
    for c in text.chars() {
        let is_hidden = c.is_control()
            || matches!(c, '\u{a0}' | '\u{ad}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}')
            || matches!(c, '\u{2060}'..='\u{2069}' | '\u{feff}' | '\u{fff9}'..='\u{fffd}');
        match c {
            c if c.to_string() == SEPARATOR => out.push('\u{2423}'),
            c if is_hidden => {
                let _ = write!(out, "<U+{:04X}>", u32::from(c));
            }
            c => out.push(c),
        }
    }
    out
}

/// One bad line, for a person.
pub(super) fn line(line: &Lines<'_>) -> String {
    let place = match line.explanation.place.as_str() {
        "" => String::new(),
        place => format!(" {}", place.escape_debug()),
    };
    let sentence = line.explanation.sentence();
    format!("{} line {}{place}: {sentence}\n", line.file, line.line)
}

/// A file's causes, for a person.
pub(super) fn report(report: &Report, key: &str) -> String {
    let mut out = String::new();
    let (good, records) = (report.good, report.records);
    row(
        &mut out,
        "valid",
        &format!("{good} of {records} records under {key}"),
    );
    for cause in &report.causes {
        let Cause {
            count,
            lines,
            example,
        } = cause;
        let _ = writeln!(out);
        row(&mut out, &count.to_string(), &example.sentence());
        let mut named = String::new();
        let mut last = None;
        for (file, line) in lines {
            match last == Some(file) {
                true => _ = write!(named, ", {line}"),
                false if last.is_none() => _ = write!(named, "{file} line {line}"),
                false => _ = write!(named, "; {file} line {line}"),
            }
            last = Some(file);
        }
        let more = match count.saturating_sub(lines.len() as u64) {
            0 => String::new(),
            more => format!(" and {more} more"),
        };
        row(&mut out, "in", &format!("{named}{more}"));
        texts(&mut out, example);
        causes(&mut out, example);
    }
    if report.repeats > 0 {
        let _ = writeln!(out);
        let words = "lines repeat a nonce of another line, and nothing else is wrong";
        row(&mut out, &report.repeats.to_string(), words);
    }
    for (key, count) in &report.strangers {
        let _ = writeln!(out);
        let words = "of those for which nothing was found are right under one key that was not given: \
             sign with the registered key, or check with this one";
        row(&mut out, &count.to_string(), words);
        row(&mut out, "key", &key.spki_base64());
    }
    for (count, words) in [
        (report.singly, "were searched for single mistakes only"),
        (
            report.hardly,
            "were tried with the causes of other lines only",
        ),
    ] {
        if count > 0 {
            let words = format!("{words}; --thorough searches all of them in pairs");
            row(&mut out, &count.to_string(), &words);
        }
    }
    out
}

/// One signature as JSON.
pub(super) fn json(explanation: &Explanation, line: Option<(&str, u64)>) -> String {
    let causes: Vec<Value> = explanation
        .causes
        .iter()
        .map(|cause| {
            value!({
                "code": cause.kind.code,
                "field": none_if_empty(&cause.field),
                "side": cause.side.as_str(),
                "valid_if": cause.to_string(),
                "system": cause.system().as_str(),
                "fix": cause.fix(),
                "source": cause.source(explanation.format),
            })
        })
        .collect();
    let notes = explanation.notes.iter();
    let notes: Vec<Value> = notes
        .map(|note| value!({"field": none_if_empty(&note.field), "says": note.says}))
        .collect();
    value!({
        "file": line.map(|(file, _)| file),
        "line": line.map(|(_, line)| line),
        "place": none_if_empty(&explanation.place),
        "format": explanation.format.map(|format| format.id),
        "version": explanation.version,
        "verdict": explanation.verdict.as_str(),
        "says": explanation.sentence(),
        "causes": causes,
        "key": explanation.key,
        "wanted": none_if_empty(&explanation.wanted),
        "shown": explanation.shown,
        "signed": explanation.signed,
        "notes": notes,
        "tried": explanation.tried,
        "ruled_out": explanation.ruled_out,
    })
    .to_string()
}

fn none_if_empty(text: &str) -> Option<&str> {
    (!text.is_empty()).then_some(text)
}

/// One bad line as JSON.
pub(super) fn json_line(line: &Lines<'_>) -> String {
    json(line.explanation, Some((line.file, line.line))) + "\n"
}

/// A file's causes as JSON.
pub(super) fn json_report(report: &Report) -> String {
    let causes: Vec<Value> = report
        .causes
        .iter()
        .map(|cause| {
            let codes: Vec<&str> = cause
                .example
                .causes
                .iter()
                .map(|own| own.kind.code)
                .collect();
            let lines = cause.lines.iter();
            let lines: Vec<Value> = lines
                .map(|(file, line)| value!({"file": file, "line": line}))
                .collect();
            value!({
                "count": cause.count,
                "verdict": cause.example.verdict.as_str(),
                "codes": codes,
                "says": cause.example.sentence(),
                "lines": lines,
            })
        })
        .collect();
    let strangers = report.strangers.iter();
    let strangers: Vec<Value> = strangers
        .map(|(key, count)| value!({"public_key": key.spki_base64(), "signatures": count}))
        .collect();
    value!({
        "summary": {
            "records": report.records,
            "valid": report.good,
            "causes": causes,
            "repeated_nonces": report.repeats,
            "keys_not_given": strangers,
            "searched_singly": report.singly,
            "tried_with_known_causes": report.hardly,
        }
    })
    .to_string()
        + "\n"
}

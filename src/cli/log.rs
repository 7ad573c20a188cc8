//! What the program says on standard error: lines for people, or with
//! `--log json` one JSON object for each event. Nothing secret in either.

use std::collections::BTreeSet;
use std::fmt;
use std::io::Write as _;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard};

use campaign_signer::ending::Failure;
use campaign_signer::error::Error;
use clap::ValueEnum;
use jiff::Timestamp;
use serde_json::{Value, json};

use super::exit::Exit;
use super::say;

/// How events are told.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum LogMode {
    /// Lines for people
    Text,
    /// One JSON object for each event
    Json,
}

/// One program, one standard error, one way of speaking.
static IS_JSON: AtomicBool = AtomicBool::new(false);

/// Decides it.
pub(crate) fn speak(mode: LogMode) {
    IS_JSON.store(mode == LogMode::Json, Ordering::Relaxed);
}

/// What is not said yet, where somebody wants silence unless it is needed.
static HELD: Mutex<Option<String>> = Mutex::new(None);

/// From now on nothing is said.
pub(crate) fn hold() {
    if let Ok(mut held) = HELD.lock() {
        held.get_or_insert_default();
    }
}

/// What was held back is said, or dropped; from now on everything is said at
/// once.
pub(crate) fn release(is_said: bool) {
    let held = HELD.lock().ok().and_then(|mut held| held.take());
    if let (Some(held), true) = (held, is_said) {
        write(&held);
    }
}

/// Whether what is said now is held back.
pub(crate) fn is_held() -> bool {
    HELD.lock().is_ok_and(|held| held.is_some())
}

/// Says a line on standard error, or holds it back.
pub(crate) fn line(words: fmt::Arguments<'_>) {
    let line = format!("{words}\n");
    match HELD.lock().as_deref_mut() {
        Ok(Some(held)) => held.push_str(&line),
        _ => write(&line),
    }
}

/// Where nobody reads it any more, the work goes on all the same.
fn write(text: &str) {
    let _ = std::io::stderr().write_all(text.as_bytes());
}

/// Whether events are JSON.
pub(crate) fn is_json() -> bool {
    IS_JSON.load(Ordering::Relaxed)
}

/// Tells an event as JSON, with the members of `fields`.
pub(crate) fn event(name: &str, fields: &Value) {
    let time = Timestamp::now();
    let mut line = format!("{{\"event\":{},\"time\":\"{time:.3}\"", json!(name));
    for (name, value) in fields.as_object().into_iter().flatten() {
        line.push_str(&format!(",{}:{value}", json!(name)));
    }
    say!("{line}}}");
}

/// Something that does not stop the run. It is said once: the outputs of a job
/// may have one key.
pub(crate) fn warn(warning: impl std::fmt::Display) {
    static SAID: Mutex<BTreeSet<String>> = Mutex::new(BTreeSet::new());
    let is_new = |mut said: MutexGuard<'_, BTreeSet<_>>| said.insert(warning.to_string());
    if !SAID.lock().map_or(true, is_new) {
        return;
    }
    if is_json() {
        event("warning", &json!({ "message": warning.to_string() }));
    } else {
        say!("campaign-signer: warning: {warning}");
    }
}

/// What stopped the program, and where; then what to type; then, where a run
/// can be resumed, the command that does it. All of that is given back.
pub(crate) fn error(error: &Error, resume: Option<&str>) -> Failure {
    error_at("", &error.to_string(), &str::to_owned, error, resume)
}

/// The same for an error somewhere in a job file, in words of its own. What
/// must not be read is taken out of them.
pub(crate) fn error_at(
    place: &str,
    words: &str,
    hide: &dyn Fn(&str) -> String,
    error: &Error,
    resume: Option<&str>,
) -> Failure {
    use std::error::Error as _;
    let mut words = words.to_owned();
    let mut source = error.source();
    while let Some(cause) = source {
        words.push_str(&format!(": {cause}"));
        source = cause.source();
    }
    words = hide(&words);
    if !place.is_empty() {
        words = format!("{place}: {words}");
    }
    let hint = error.hint().map(|hint| hide(&hint));
    if is_json() {
        let fields = json!({
            "message": words,
            "hint": hint,
            "resume": resume,
            "exit_code": Exit::from(error) as u8,
        });
        event("error", &fields);
    } else {
        say!("campaign-signer: error: {words}");
        if let Some(hint) = &hint {
            say!("campaign-signer: hint: {hint}");
        }
        if let Some(resume) = resume {
            say!("campaign-signer: resume: {resume}");
        }
    }
    Failure {
        message: words,
        hint,
        resume: resume.map(str::to_owned),
    }
}

//! What was rejected and why, with rows as they were; and what other programs
//! have done to values. It must not know how rows are refused.

use crate::damage::Damage;
use crate::format::Code;
use crate::output::{DamageEntry, Manifest};
use crate::rejects::{RejectKind, RejectSummary, ShownRow};

use super::found::Run;
use super::html::{Html, cut};
use super::table::{Column, number_cell, row, share_cell, table};
use super::words::{count, number};

/// How many kinds of rejects are shown, and how many of damage.
const KINDS: usize = 50;

/// How much of a hint is shown, in characters.
const HINT: usize = 500;

/// The whole part about rejects.
pub(super) fn rejected(html: &mut Html, id: &str, run: &Run) {
    let manifest = &run.manifest;
    if manifest.counts.rejected == 0 {
        html.line("p", &[], "No row was rejected.");
        return;
    }
    by_code(html, id, manifest);
    match run.rejects.sound() {
        Some(summary) => kinds(html, summary),
        None => html.line(
            "p",
            &[],
            "Examples are not shown: the rejects were not at hand as this run wrote them.",
        ),
    }
}

fn by_code(html: &mut Html, id: &str, manifest: &Manifest) {
    let mut codes: Vec<(&String, &u64)> = manifest.rejected_by_code.iter().collect();
    codes.sort_by_key(|(_, rows)| std::cmp::Reverse(**rows));
    let columns = [
        Column::Words("Reason"),
        Column::Number("Rows"),
        Column::Share("Share"),
    ];
    let caption = "Rejected rows by the first reason of each";
    table(html, &format!("{id}-codes"), caption, &columns, |html| {
        for (code, rows) in codes.into_iter().take(KINDS) {
            let named = |html: &mut Html| {
                html.element("code", &[], |html| html.value(code));
                if let Some(code) = Code::find(code) {
                    html.line("span", &[("class", "under")], code.meaning());
                }
            };
            row(html, named, |html| {
                number_cell(html, *rows);
                share_cell(html, *rows, manifest.counts.rejected);
            });
        }
    });
}

/// Every reason in every field, with examples.
fn kinds(html: &mut Html, summary: &RejectSummary) {
    html.line("h4", &[], "Examples, and what to do");
    html.line(
        "p",
        &[],
        &format!(
            "{} in all; a row may have several.",
            count(summary.problems, "reason")
        ),
    );
    for (at, kind) in summary.kinds.iter().take(KINDS).enumerate() {
        // The first ones are what most of the work is about.
        let open: &[(&'static str, &str)] = if at < 3 { &[("open", "")] } else { &[] };
        html.element("details", open, |html| {
            html.element("summary", &[], |html| {
                html.line("code", &[], &kind.code);
                html.text(" in ");
                field(html, &kind.field);
                html.text(&format!(": {}", count(kind.rows, "row")));
            });
            example(html, kind);
        });
    }
    let more = summary.kinds.len().saturating_sub(KINDS);
    if more > 0 || summary.others > 0 {
        let rest = summary.kinds.iter().skip(KINDS).map(|kind| kind.rows);
        let rest = rest.sum::<u64>() + summary.others;
        let says = format!("{} more, of other kinds, are in the file.", number(rest));
        html.line("p", &[], &says);
    }
}

fn example(html: &mut Html, kind: &RejectKind) {
    let hint = &kind.example.hint;
    if !hint.is_empty() {
        html.element("p", &[("class", "hint")], |html| {
            html.line("b", &[], "What to do: ");
            html.text(&cut(hint, HINT));
        });
    }
    html.element("ul", &[("class", "examples")], |html| {
        for shown in &kind.shown {
            html.element("li", &[], |html| as_it_was(html, shown));
        }
    });
}

/// Where a row stood, what is wrong with it, and the row itself.
fn as_it_was(html: &mut Html, shown: &ShownRow) {
    place(html, shown.file.as_deref(), shown.line);
    html.text(": ");
    html.value(&shown.reason);
    html.element("pre", &[], |html| {
        html.line("bdi", &[], &shown.text);
        if let Some(bytes) = shown.bytes {
            let says = format!("… ({} in all)", count(bytes, "byte"));
            html.line("span", &[("class", "none")], &says);
        }
    });
}

fn place(html: &mut Html, file: Option<&str>, line: u64) {
    html.element("span", &[("class", "place")], |html| {
        if let Some(file) = file {
            html.value(file);
            html.text(" ");
        }
        html.text(&format!("line {}", number(line)));
    });
}

/// A field's name; the whole row has none.
fn field(html: &mut Html, name: &str) {
    match name {
        "" => html.text("the whole row"),
        name => html.element("code", &[], |html| html.value(name)),
    }
}

/// What other programs have done to values.
pub(super) fn damage(html: &mut Html, entries: &[DamageEntry]) {
    if entries.is_empty() {
        html.line("p", &[], "None was recognized.");
        return;
    }
    html.element("ul", &[("class", "examples")], |html| {
        for entry in entries.iter().take(KINDS) {
            html.element("li", &[], |html| damaged(html, entry));
        }
    });
    let more = entries.len().saturating_sub(KINDS) as u64;
    if more > 0 {
        let says = format!("{} more; the manifest has them.", count(more, "kind"));
        html.line("p", &[], &says);
    }
}

/// Damage of one kind in one field.
fn damaged(html: &mut Html, entry: &DamageEntry) {
    html.line("b", &[], &count(entry.rows, "row"));
    html.text(", ");
    field(html, &entry.field);
    html.text(": ");
    match Damage::named(&entry.kind) {
        Some(damage) => html.text(damage.holds),
        None => html.value(&entry.kind),
    }
    if !entry.found.is_empty() {
        html.text(", such as ");
        html.element("code", &[], |html| html.value(&entry.found));
    }
    html.text(" (");
    place(html, Some(&entry.file), entry.line);
    html.text(")");
    html.element("p", &[("class", "hint")], |html| {
        html.line("b", &[], "Likely cause, and what to do: ");
        html.text(&cut(&entry.hint, HINT));
    });
}

//! The parts that sections are made of: tables with heads and captions, bars,
//! lists of names and values. It must not know what they tell.

use super::html::Html;
use super::words::{number, share};

/// What is in a column.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Column {
    /// Words, to the left.
    Words(&'static str),
    /// Numbers, to the right.
    Number(&'static str),
    /// A share of a whole, in percent and as a bar.
    Share(&'static str),
}

/// A table; `id` is unique on its page.
pub(super) fn table(
    html: &mut Html,
    id: &str,
    caption: &str,
    columns: &[Column],
    rows: impl FnOnce(&mut Html),
) {
    let name = format!("{id}-name");
    // What is wider than the window is moved with the arrow keys.
    let frame = [
        ("class", "frame"),
        ("role", "region"),
        ("tabindex", "0"),
        ("aria-labelledby", name.as_str()),
    ];
    html.element("div", &frame, |html| {
        html.element("table", &[], |html| {
            // It stays in sight while the table is moved.
            html.element("caption", &[("id", &name)], |html| {
                html.line("span", &[], caption);
            });
            html.raw("<thead><tr>");
            for column in columns {
                let (title, class) = match column {
                    Column::Words(title) => (title, "words"),
                    Column::Number(title) => (title, "number"),
                    Column::Share(title) => (title, "share"),
                };
                html.line("th", &[("scope", "col"), ("class", class)], title);
            }
            html.raw("</tr></thead>\n<tbody>\n");
            rows(html);
            html.raw("</tbody>\n");
        });
    });
}

/// A row, which its first cell names.
pub(super) fn row(html: &mut Html, name: impl FnOnce(&mut Html), cells: impl FnOnce(&mut Html)) {
    html.element("tr", &[], |html| {
        html.element("th", &[("scope", "row")], name);
        cells(html);
    });
}

/// A cell of words.
pub(super) fn cell(html: &mut Html, inside: impl FnOnce(&mut Html)) {
    html.element("td", &[], inside);
}

/// A cell with a number.
pub(super) fn number_cell(html: &mut Html, value: u64) {
    html.line("td", &[("class", "number")], &number(value));
}

/// A cell with a share: its length says what its words say.
pub(super) fn share_cell(html: &mut Html, part: u64, whole: u64) {
    html.element("td", &[("class", "share")], |html| {
        html.line("span", &[], &share(part, whole));
        let width = part as f64 * 100.0 / whole.max(1) as f64;
        let width = format!("{:.2}%", width.clamp(0.0, 100.0));
        html.raw("<svg class=\"bar\" aria-hidden=\"true\" focusable=\"false\">");
        html.raw("<rect class=\"all\" width=\"100%\" height=\"100%\"></rect>");
        html.element("rect", &[("width", &width), ("height", "100%")], |_| {});
        html.raw("</svg>");
    });
}

/// A cell with a file's digest.
pub(super) fn digest_cell(html: &mut Html, digest: &str) {
    cell(html, |html| match digest {
        "" => html.text("–"),
        digest => html.element("code", &[("class", "digest")], |html| html.value(digest)),
    });
}

/// One name and its value in a list of them.
pub(super) fn fact(html: &mut Html, name: &str, value: impl FnOnce(&mut Html)) {
    html.element("div", &[], |html| {
        html.line("dt", &[], name);
        html.element("dd", &[], value);
    });
}

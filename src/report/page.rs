//! The page: its head, the verdict over all runs, an overview, and a section
//! for each. It must not know what a section says.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sha2::{Digest, Sha256};

use super::found::Run;
use super::html::{Html, cut};
use super::made::format_name;
use super::section::{Judged, PARTS, mark, section};
use super::table::{Column, cell, number_cell, row, share_cell, table};
use super::verdict::{Level, serves};
use super::words::{count, moment, number};

/// How the page looks, in light and dark, on screens and on paper.
const STYLE: &str = include_str!("style.css");

/// How many runs the verdict over all of them names.
const MOST_NAMED: usize = 20;

/// What every page of this program begins with.
const BEGINNING: &str = "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
                         <meta name=\"generator\" content=\"campaign-signer report\">\n";

/// Whether a file that begins so is a page of this program's own.
pub fn is_page(beginning: &[u8]) -> bool {
    beginning.starts_with(BEGINNING.as_bytes())
}

/// The page that tells of these runs, in their order. `at` is the present, in
/// milliseconds since 1970; without it nothing is said of how long there is
/// left to serve, and the same runs give the same page.
pub fn page(runs: &[Run], at: Option<u64>) -> String {
    let judged = runs.iter().enumerate();
    let judged: Vec<Judged<'_>> = judged
        .map(|(nth, run)| Judged::new(nth + 1, run, at))
        .collect();
    let levels = judged.iter().map(|judged| judged.level);
    let level = levels.max().unwrap_or(Level::Well);
    let mut html = Html::default();
    head(&mut html, &judged, level);
    html.raw("<body>\n<a class=\"skip\" href=\"#content\">Skip to the report</a>\n");
    html.element("header", &[], |html| {
        html.line("h1", &[], "Signing report");
        let runs = count(judged.len() as u64, "run");
        let says = match at {
            Some(at) => format!("{runs}, looked at on {}", moment(at)),
            None => runs,
        };
        html.line("p", &[], &says);
    });
    navigation(&mut html, &judged);
    html.element("main", &[("id", "content"), ("tabindex", "-1")], |html| {
        if judged.len() > 1 {
            overview(html, &judged, level);
        }
        for judged in &judged {
            section(html, judged);
        }
    });
    html.element("footer", &[], |html| {
        html.line(
            "p",
            &[],
            &format!(
                "Made by campaign-signer {} of manifests and of the files they name. Signatures \
                 were not verified for it: campaign-signer verify --manifest does that. No \
                 signature or token stands here, but rejected rows do, as they were: keep the \
                 page as you keep them.",
                env!("CARGO_PKG_VERSION")
            ),
        );
    });
    html.raw("</body>\n</html>\n");
    html.into_text()
}

fn head(html: &mut Html, judged: &[Judged<'_>], level: Level) {
    html.raw(BEGINNING);
    // Nothing is fetched, run or sent; only this very style applies.
    let digest = STANDARD.encode(Sha256::digest(STYLE));
    let policy = format!(
        "default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'"
    );
    let attributes = [
        ("http-equiv", "Content-Security-Policy"),
        ("content", policy.as_str()),
    ];
    html.open("meta", &attributes);
    html.raw("\n<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n");
    html.raw("<meta name=\"color-scheme\" content=\"light dark\">\n");
    html.raw("<meta name=\"referrer\" content=\"no-referrer\">\n");
    html.raw("<meta name=\"robots\" content=\"noindex\">\n");
    let of = match judged {
        [one] => cut(one.name(), 80).into_owned(),
        many => count(many.len() as u64, "run"),
    };
    let title = format!("{}: {of} – signing report", level.says());
    html.line("title", &[], &title);
    html.raw("<style>");
    html.raw(STYLE);
    html.raw("</style>\n</head>\n");
}

/// Where to go on the page: of one run to its parts, of several to each.
fn navigation(html: &mut Html, judged: &[Judged<'_>]) {
    html.element("nav", &[("aria-label", "On this page")], |html| {
        html.element("ul", &[], |html| match judged {
            [one] => {
                for (part, title) in PARTS {
                    let place = format!("#{}-{part}", one.id);
                    html.element("li", &[], |html| html.line("a", &[("href", &place)], title));
                }
            }
            several => {
                for one in several {
                    let place = format!("#{}", one.id);
                    html.element("li", &[], |html| {
                        html.element("a", &[("href", &place)], |html| html.value(one.name()));
                    });
                }
            }
        });
    });
}

/// All runs together.
fn overview(html: &mut Html, judged: &[Judged<'_>], level: Level) {
    let attributes = [("id", "overview"), ("aria-labelledby", "overview-title")];
    html.element("section", &attributes, |html| {
        html.line("h2", &[("id", "overview-title")], "All runs");
        let class = format!("verdict {}", level.class());
        html.element("div", &[("class", &class)], |html| {
            mark(html, level);
            html.element("div", &[], |html| {
                html.line("p", &[("class", "says")], level.says());
                html.line("p", &[], &how_many(judged));
                not_well(html, judged);
            });
        });
        runs(html, judged);
        formats(html, judged);
    });
}

/// Of every run that is not well, what matters most.
fn not_well(html: &mut Html, judged: &[Judged<'_>]) {
    let is_not = |own: &&Judged<'_>| own.level >= Level::Look;
    let mut bad: Vec<&Judged<'_>> = judged.iter().filter(is_not).collect();
    // The sort is stable: of as much weight, in their order.
    bad.sort_by_key(|own| std::cmp::Reverse(own.level));
    if bad.is_empty() {
        return;
    }
    html.element("ul", &[], |html| {
        for own in bad.iter().take(MOST_NAMED) {
            let Some(remark) = own.remarks.first() else {
                continue;
            };
            html.element("li", &[], |html| {
                let class = remark.level.word_class();
                html.line("b", &[("class", class)], remark.level.word());
                html.element("span", &[], |html| {
                    let place = format!("#{}", own.id);
                    html.element("a", &[("href", &place)], |html| html.value(own.name()));
                    html.text(": ");
                    html.text(&remark.says);
                });
            });
        }
    });
}

fn how_many(judged: &[Judged<'_>]) -> String {
    let of = |wanted: fn(Level) -> bool| judged.iter().filter(|own| wanted(own.level)).count();
    let words = [
        (of(|level| level <= Level::Note), "well"),
        (of(|level| level == Level::Look), "worth a look"),
        (of(|level| level == Level::Bad), "with something wrong"),
    ];
    let words = words.iter().filter(|(many, _)| *many > 0);
    let words: Vec<String> = words
        .map(|(many, what)| format!("{} {what}", number(*many as u64)))
        .collect();
    format!("{}.", words.join(", "))
}

fn runs(html: &mut Html, judged: &[Judged<'_>]) {
    let columns = [
        Column::Words("Run"),
        Column::Words("Verdict"),
        Column::Words("Format"),
        Column::Number("Rows"),
        Column::Number("Signed"),
        Column::Number("Rejected"),
        Column::Number("Records"),
        Column::Words("Serve until, at the earliest"),
    ];
    table(html, "overview-runs", "Every run", &columns, |html| {
        for own in judged {
            let counts = own.run.manifest.counts;
            let place = format!("#{}", own.id);
            let name = |html: &mut Html| {
                html.element("a", &[("href", &place)], |html| html.value(own.name()));
            };
            row(html, name, |html| {
                html.element("td", &[("class", own.level.class())], |html| {
                    mark(html, own.level);
                    html.line("b", &[], own.level.says());
                });
                cell(html, |html| html.value(&own.run.manifest.format));
                number_cell(html, counts.rows);
                number_cell(html, counts.signed);
                number_cell(html, counts.rejected);
                number_cell(html, counts.records);
                let ends = serves(own.run).into_iter();
                let first = ends
                    .filter_map(|serve| serve.ends.map(|(first, _)| first))
                    .min();
                cell(html, |html| match first {
                    Some(first) => html.text(&moment(first)),
                    None => html.text("no end is known"),
                });
            });
        }
    });
}

/// What all runs have signed of each format.
fn formats(html: &mut Html, judged: &[Judged<'_>]) {
    let mut formats: BTreeMap<&str, u64> = BTreeMap::new();
    for own in judged {
        let manifest = &own.run.manifest;
        let made = manifest.made.iter();
        let mut made: Vec<(&str, u64)> = made
            .map(|entry| (entry.format.as_str(), entry.records))
            .collect();
        if made.is_empty() {
            made.push((&manifest.format, manifest.counts.records));
        }
        for (format, records) in made {
            let sum = formats.entry(format).or_default();
            *sum = sum.saturating_add(records);
        }
    }
    let all = formats
        .values()
        .fold(0, |all: u64, own| all.saturating_add(*own));
    let columns = [
        Column::Words("Format"),
        Column::Number("Records"),
        Column::Share("Share"),
    ];
    let caption = "Signed records of all runs by format";
    table(html, "overview-formats", caption, &columns, |html| {
        for (format, records) in formats.into_iter().take(1000) {
            row(
                html,
                |html| format_name(html, format),
                |html| {
                    number_cell(html, records);
                    share_cell(html, records, all);
                },
            );
        }
    });
}

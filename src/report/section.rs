//! One run's section of a page. It must not know other runs.

use super::chart;
use super::files;
use super::found::Run;
use super::html::Html;
use super::made;
use super::rejected;
use super::table::{Column, fact, row, table};
use super::verdict::{Level, Remark, level, remarks, serves};
use super::words::{duration, number, share, spoken};

/// The parts of a section: what its place on the page ends with, and its title.
pub(super) const PARTS: [(&str, &str); 8] = [
    ("signed", "What was signed"),
    ("serve", "Until when it may be served"),
    ("rejects", "What was rejected"),
    ("damage", "Damaged values"),
    ("pace", "How fast it went"),
    ("keys", "Keys"),
    ("files", "Inputs and outputs"),
    ("run", "The run"),
];

/// A run with what was found of it.
pub(super) struct Judged<'r> {
    pub(super) run: &'r Run,
    /// Its place on the page, for example `run-1`.
    pub(super) id: String,
    pub(super) remarks: Vec<Remark>,
    pub(super) level: Level,
}

impl<'r> Judged<'r> {
    /// The `nth` run of a page, from 1; `at` is the present.
    pub(super) fn new(nth: usize, run: &'r Run, at: Option<u64>) -> Self {
        let remarks = remarks(run, at);
        Self {
            run,
            id: format!("run-{nth}"),
            level: level(&remarks),
            remarks,
        }
    }

    /// What the run is called: its output.
    pub(super) fn name(&self) -> &str {
        match self.run.manifest.signed.path.as_str() {
            "" | "-" => &self.run.manifest.job_id,
            path => path,
        }
    }
}

/// A section.
pub(super) fn section(html: &mut Html, judged: &Judged<'_>) {
    let Judged { run, id, .. } = judged;
    let title = format!("{id}-title");
    html.element(
        "section",
        &[("id", id), ("aria-labelledby", &title)],
        |html| {
            html.element("h2", &[("id", &title)], |html| html.value(judged.name()));
            html.element("p", &[("class", "of")], |html| {
                let manifest = &run.manifest;
                html.value(&manifest.format);
                html.text(", ");
                html.value(&spoken(&manifest.timestamp_rfc3339));
                html.text(", job ");
                html.value(&manifest.job_id);
            });
            verdict(html, judged);
            figures(html, run);
            for (part, title) in PARTS {
                let place = format!("{id}-{part}");
                html.line("h3", &[("id", &place)], title);
                let id = place.as_str();
                match part {
                    "signed" => made::made(html, id, run),
                    "serve" => serve(html, id, run),
                    "rejects" => rejected::rejected(html, id, run),
                    "damage" => rejected::damage(html, &run.manifest.damage),
                    "pace" => chart::pace(html, id, &run.manifest),
                    "keys" => files::keys(html, id, &run.manifest),
                    "files" => files::files(html, id, run),
                    _ => files::run(html, run),
                }
            }
        },
    );
}

/// The verdict of one run, and everything it stands on.
fn verdict(html: &mut Html, judged: &Judged<'_>) {
    let class = format!("verdict {}", judged.level.class());
    html.element("div", &[("class", &class)], |html| {
        mark(html, judged.level);
        html.element("div", &[], |html| {
            html.line("p", &[("class", "says")], judged.level.says());
            html.element("ul", &[], |html| {
                for remark in &judged.remarks {
                    html.element("li", &[], |html| {
                        html.line(
                            "b",
                            &[("class", remark.level.word_class())],
                            remark.level.word(),
                        );
                        html.element("span", &[], |html| {
                            html.text(&remark.says);
                            html.text(" ");
                            let place = format!("#{}-{}", judged.id, remark.part);
                            let title = PARTS.iter().find(|(part, _)| *part == remark.part);
                            let title = title.map_or("", |(_, title)| title);
                            html.line("a", &[("href", &place)], title);
                        });
                    });
                }
            });
        });
    });
}

/// A sign for a verdict, told apart by its shape.
pub(super) fn mark(html: &mut Html, level: Level) {
    html.raw("<svg class=\"mark\" viewBox=\"0 0 24 24\" aria-hidden=\"true\" focusable=\"false\">");
    html.raw(match level {
        Level::Well | Level::Note => {
            "<circle cx=\"12\" cy=\"12\" r=\"10\"></circle><path d=\"M7 12.5l3.5 3.5 6.5-7.5\"></path>"
        }
        Level::Look => {
            "<path d=\"M12 2.5L22.5 21h-21z\"></path><path d=\"M12 9.5v5.5M12 17.4v.8\"></path>"
        }
        Level::Bad => {
            "<path d=\"M8 2h8l6 6v8l-6 6H8l-6-6V8z\"></path><path d=\"M8.5 8.5l7 7M15.5 8.5l-7 7\"></path>"
        }
    });
    html.raw("</svg>");
}

/// The few numbers that a person wants first.
fn figures(html: &mut Html, run: &Run) {
    let counts = run.manifest.counts;
    let own = &run.manifest.run;
    html.element("dl", &[("class", "figures")], |html| {
        fact(html, "Rows", |html| html.text(&number(counts.rows)));
        fact(html, "Signed", |html| html.text(&number(counts.signed)));
        fact(html, "Rejected", |html| {
            html.text(&number(counts.rejected));
            if counts.rejected > 0 {
                let part = share(counts.rejected, counts.rows);
                html.line("span", &[("class", "under")], &part);
            }
        });
        fact(html, "Records", |html| html.text(&number(counts.records)));
        fact(html, "Took", |html| html.text(&duration(own.seconds)));
    });
}

/// Until when the records may be served.
fn serve(html: &mut Html, id: &str, run: &Run) {
    let columns = [
        Column::Words("Format"),
        Column::Words("Until when"),
        Column::Words("Why"),
    ];
    let caption = "Until when the signatures may be served; times are in UTC";
    table(html, &format!("{id}-ends"), caption, &columns, |html| {
        for serve in serves(run) {
            row(
                html,
                |html| made::format_name(html, serve.format.id),
                |html| {
                    html.line("td", &[("class", "prose")], &serve.says());
                    html.line("td", &[("class", "prose")], &serve.why());
                },
            );
        }
    });
}

//! How fast a run was when, as a chart and as a table. The chart is drawn of
//! lines and words, so that it needs no colour and no particular width. It
//! must not know what is counted.

use std::fmt::Write as _;

use crate::output::{Manifest, PacePoint};

use super::html::Html;
use super::table::{Column, number_cell, row, table};
use super::words::{duration, number, short};

/// How many steps a chart has at most, and how many rows its table.
const STEPS: usize = 60;
const ROWS: usize = 24;

/// The shortest run that a chart says anything of, in seconds.
const SHORTEST: f64 = 1.0;

/// The size of the drawing, in units of its own: it is stretched to its place.
const WIDTH: f64 = 600.0;
const HEIGHT: f64 = 200.0;

/// What is counted over time: rows, or the records that they become where
/// these are more.
#[derive(Clone, Copy)]
struct Measure {
    name: &'static str,
    of: fn(&PacePoint) -> u64,
}

/// The whole part.
pub(super) fn pace(html: &mut Html, id: &str, manifest: &Manifest) {
    let points = &manifest.run.pace;
    let seconds = points.last().map_or(0.0, |last| last.seconds);
    if points.is_empty() {
        html.line(
            "p",
            &[],
            "The run does not tell it: it was made by an earlier version of the program.",
        );
        return;
    }
    if points.len() < 3 || !is_sound(points) || seconds < SHORTEST {
        let says = format!("It took {}, too short for a chart.", duration(seconds));
        html.line("p", &[], &says);
        return;
    }
    let measure = match manifest.counts.records > manifest.counts.rows {
        true => Measure {
            name: "records",
            of: |point| point.records,
        },
        false => Measure {
            name: "rows",
            of: |point| point.rows,
        },
    };
    chart(html, id, points, measure);
    html.element("details", &[], |html| {
        html.line("summary", &[], "The same as a table");
        numbers(html, id, points, measure);
    });
}

/// Whether time and counts only grow, as they do in a run.
fn is_sound(points: &[PacePoint]) -> bool {
    points.iter().all(|point| point.seconds.is_finite())
        && points.is_sorted_by(|a, b| {
            a.seconds <= b.seconds && a.rows <= b.rows && a.records <= b.records
        })
}

/// How much was done by a moment, as if it went evenly between those known.
fn done_by(points: &[PacePoint], seconds: f64, measure: Measure) -> f64 {
    let at = points.partition_point(|point| point.seconds <= seconds);
    let value = |point: &PacePoint| (measure.of)(point) as f64;
    match (
        at.checked_sub(1).and_then(|at| points.get(at)),
        points.get(at),
    ) {
        (None, Some(first)) => value(first),
        (Some(last), None) => value(last),
        (Some(before), Some(after)) => {
            let part = (seconds - before.seconds) / (after.seconds - before.seconds).max(1e-9);
            value(before) + (value(after) - value(before)) * part
        }
        (None, None) => 0.0,
    }
}

/// How much was done in each of some equal steps, per second.
fn rates(points: &[PacePoint], steps: usize, measure: Measure) -> Vec<f64> {
    let seconds = points.last().map_or(0.0, |last| last.seconds);
    let step = seconds / steps as f64;
    let done = |at: usize| done_by(points, step * at as f64, measure);
    (0..steps)
        .map(|at| ((done(at + 1) - done(at)) / step.max(1e-9)).max(0.0))
        .collect()
}

/// The next round number: 1, 2 or 5 with zeros behind it.
fn round_up(number: f64) -> f64 {
    let power = 10_f64.powf(number.max(1.0).log10().floor());
    let steps = [1.0, 2.0, 5.0, 10.0].into_iter();
    let mut steps = steps.map(|step| step * power);
    steps.find(|step| *step >= number).unwrap_or(number)
}

fn chart(html: &mut Html, id: &str, points: &[PacePoint], measure: Measure) {
    let seconds = points.last().map_or(0.0, |last| last.seconds);
    let steps = (points.len() - 1).min(STEPS);
    let rates = rates(points, steps, measure);
    let highest = rates.iter().copied().fold(0.0, f64::max);
    let lowest = rates.iter().copied().fold(f64::INFINITY, f64::min);
    let mean = points.last().map_or(0, measure.of) as f64 / seconds;
    let top = round_up(highest);
    let name = measure.name;
    let says = format!(
        "{} {name} per second on average over {}; between {} and {}.",
        number(mean.round() as u64),
        duration(seconds),
        number(lowest.round() as u64),
        number(highest.round() as u64)
    );
    let y = |rate: f64| HEIGHT - rate / top * HEIGHT;
    let x = |at: usize| at as f64 * WIDTH / steps as f64;
    let mut line = String::new();
    for (at, rate) in rates.iter().enumerate() {
        // Writing to a String cannot fail.
        let verb = if at == 0 { 'M' } else { 'L' };
        let _ = write!(line, "{verb}{:.1} {:.1}H{:.1}", x(at), y(*rate), x(at + 1));
    }
    let area = format!("{line}V{HEIGHT}H0Z");
    let (title, described) = (format!("{id}-chart"), format!("{id}-chart-says"));
    let named = [
        ("class", "chart"),
        ("role", "group"),
        ("aria-labelledby", title.as_str()),
    ];
    html.element("figure", &named, |html| {
        html.element("figcaption", &[], |html| {
            let words = format!("{}{} per second", name[..1].to_uppercase(), &name[1..]);
            html.line("strong", &[("id", &title)], &words);
            html.text(" ");
            html.line("span", &[("id", &described)], &says);
        });
        html.element("div", &[("class", "plot")], |html| {
            html.element(
                "div",
                &[("class", "scale up"), ("aria-hidden", "true")],
                |html| {
                    for rate in [top, top / 2.0, 0.0] {
                        html.line("span", &[], &short(rate));
                    }
                },
            );
            let (width, height) = (WIDTH.to_string(), HEIGHT.to_string());
            let box_of = format!("0 0 {width} {height}");
            let drawing = [
                ("viewBox", box_of.as_str()),
                ("preserveAspectRatio", "none"),
                ("role", "img"),
                ("aria-labelledby", title.as_str()),
                ("aria-describedby", described.as_str()),
                ("focusable", "false"),
            ];
            html.element("svg", &drawing, |html| {
                for part in [0.0, 0.5, 1.0] {
                    let at = format!("M0 {0:.1}H{width}", HEIGHT * part);
                    html.element("path", &[("class", "grid"), ("d", &at)], |_| {});
                }
                html.element("path", &[("class", "area"), ("d", &area)], |_| {});
                html.element("path", &[("class", "line"), ("d", &line)], |_| {});
                let mean = format!("M0 {:.1}H{width}", y(mean.min(top)));
                html.element("path", &[("class", "mean"), ("d", &mean)], |_| {});
            });
            html.element(
                "div",
                &[("class", "scale along"), ("aria-hidden", "true")],
                |html| {
                    for part in [0.0, 0.5, 1.0] {
                        html.line("span", &[], &duration(seconds * part));
                    }
                },
            );
        });
        html.line(
            "p",
            &[("class", "key")],
            "Solid: in each step. Dashed: on average.",
        );
    });
}

fn numbers(html: &mut Html, id: &str, points: &[PacePoint], measure: Measure) {
    let seconds = points.last().map_or(0.0, |last| last.seconds);
    let steps = (points.len() - 1).min(ROWS);
    let columns = [
        Column::Words("Until"),
        Column::Number("Rows"),
        Column::Number("Records"),
        Column::Number(match measure.name {
            "records" => "Records per second",
            _ => "Rows per second",
        }),
    ];
    let caption = "How far the run was when";
    table(html, &format!("{id}-paces"), caption, &columns, |html| {
        let rates = rates(points, steps, measure);
        for (at, rate) in rates.into_iter().enumerate() {
            let until = seconds * (at + 1) as f64 / steps as f64;
            let nearest = points
                .iter()
                .take_while(|point| point.seconds <= until + 1e-9);
            let Some(point) = nearest.last() else {
                continue;
            };
            row(
                html,
                |html| html.text(&duration(until)),
                |html| {
                    number_cell(html, point.rows);
                    number_cell(html, point.records);
                    number_cell(html, rate.round() as u64);
                },
            );
        }
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    const ROWS_OF: Measure = Measure {
        name: "rows",
        of: |point| point.rows,
    };

    fn points(all: &[(f64, u64)]) -> Vec<PacePoint> {
        let point = |(seconds, rows): &(f64, u64)| PacePoint::from((*seconds, *rows, *rows));
        all.iter().map(point).collect()
    }

    #[test]
    fn rates_are_those_of_equal_steps_and_add_up_to_what_was_done() {
        let points = points(&[(0.0, 0), (1.0, 100), (3.0, 100), (4.0, 500)]);
        assert_eq!(rates(&points, 4, ROWS_OF), [100.0, 0.0, 0.0, 400.0]);
        for steps in 1..50 {
            let sum: f64 = rates(&points, steps, ROWS_OF).iter().sum();
            assert!((sum * 4.0 / steps as f64 - 500.0).abs() < 1e-6, "{steps}");
        }
    }

    #[test]
    fn the_scale_ends_at_a_round_number() {
        for (given, wanted) in [
            (0.0, 1.0),
            (1.0, 1.0),
            (1.1, 2.0),
            (4321.0, 5000.0),
            (6e6, 1e7),
        ] {
            assert_eq!(round_up(given), wanted);
        }
    }

    #[test]
    fn moments_out_of_order_are_not_drawn() {
        assert!(is_sound(&points(&[(0.0, 0), (1.0, 1)])));
        assert!(!is_sound(&points(&[(0.0, 1), (1.0, 0)])));
        assert!(!is_sound(&points(&[(1.0, 0), (0.0, 1)])));
    }
}

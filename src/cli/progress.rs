//! How far the run is, drawn on standard error.
//!
//! On a terminal a bar; elsewhere a plain line now and then, because a log
//! full of half-drawn bars helps nobody.

use std::io::IsTerminal;
use std::time::{Duration, Instant};

use campaign_signer::pipeline::{Event, Progress};
use clap::ValueEnum;
use indicatif::{HumanCount, HumanDuration, ProgressBar, ProgressDrawTarget, ProgressStyle};
use serde_json::json;

use super::{log, report, say};

/// How progress is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum ProgressMode {
    /// A bar on a terminal, plain lines elsewhere
    Auto,
    /// A bar
    Bar,
    /// A line every few seconds
    Plain,
    /// A JSON object every few seconds
    Json,
    /// Nothing
    None,
}

/// Draws what the pipeline reports.
pub(crate) struct Meter {
    style: Drawn,
    started: Instant,
    next: Instant,
    /// What earlier attempts have done, which says nothing about this one's
    /// speed.
    before: Option<Progress>,
    /// How far a resume has come, where the run has ended unfinished.
    pub(crate) left: Option<Progress>,
    /// Whether the run went on with an earlier attempt.
    pub(crate) resumed: bool,
    /// How far it is.
    pub(crate) last: Progress,
    /// How many rows a resume would find done.
    durable: Option<u64>,
}

enum Drawn {
    Bar(ProgressBar),
    Plain,
    Json,
    Nothing,
}

/// How often a bar moves.
const BAR_INTERVAL: Duration = Duration::from_millis(100);
/// How often a line is printed.
const LINE_INTERVAL: Duration = Duration::from_secs(5);

impl Meter {
    /// A meter; nothing is drawn before the first interval has passed, so a
    /// short run shows none.
    pub(crate) fn new(mode: ProgressMode) -> Self {
        let on_terminal = std::io::stderr().is_terminal();
        let style = match mode {
            ProgressMode::None => Drawn::Nothing,
            _ if log::is_held() => Drawn::Nothing,
            _ if log::is_json() => Drawn::Json,
            ProgressMode::Auto if on_terminal => bar(),
            ProgressMode::Bar => bar(),
            ProgressMode::Auto | ProgressMode::Plain => Drawn::Plain,
            ProgressMode::Json => Drawn::Json,
        };
        let started = Instant::now();
        let first = match style {
            Drawn::Bar(_) => BAR_INTERVAL,
            _ => LINE_INTERVAL,
        };
        Self {
            style,
            started,
            next: started + first,
            before: None,
            left: None,
            resumed: false,
            last: Progress::default(),
            durable: None,
        }
    }

    /// Hears what the pipeline tells.
    pub(crate) fn hear(&mut self, event: Event<'_>) {
        match event {
            Event::Begun(begun) => {
                self.resumed = begun.resumed;
                self.durable = begun.resumed.then_some(begun.rows);
                report::begun(begun);
            }
            Event::Progress(progress) => {
                self.last = *progress;
                self.show(progress);
            }
            Event::Checkpoint(progress) => {
                self.durable = Some(progress.rows);
                if log::is_json() {
                    let rows = json!({ "rows": progress.rows, "records": progress.records });
                    log::event("checkpoint", &rows);
                }
            }
            Event::Left(progress) => self.left = Some(*progress),
        }
    }

    /// Shows the progress, if it is time to.
    fn show(&mut self, progress: &Progress) {
        let before = *self.before.get_or_insert(*progress);
        let now = Instant::now();
        if now < self.next {
            return;
        }
        let seconds = (now - self.started).as_secs_f64();
        let rate = (progress.rows - before.rows) as f64 / seconds;
        let left = progress.total_bytes.and_then(|total| {
            let done = progress.bytes - before.bytes;
            let left = total.saturating_sub(progress.bytes);
            (done > 0).then(|| seconds * left as f64 / done as f64)
        });
        self.next = now
            + match &self.style {
                Drawn::Bar(_) => BAR_INTERVAL,
                _ => LINE_INTERVAL,
            };
        match &self.style {
            Drawn::Nothing => {}
            Drawn::Bar(bar) => {
                if let Some(total) = progress.total_bytes {
                    bar.set_length(total);
                }
                bar.set_position(progress.bytes);
                bar.set_message(words(progress, rate, left));
            }
            Drawn::Plain => say!("campaign-signer: {}", words(progress, rate, left)),
            Drawn::Json => log::event(
                "progress",
                &json!({
                    "rows": progress.rows,
                    "rejected": progress.rejected,
                    "records": progress.records,
                    "bytes": progress.bytes,
                    "total_bytes": progress.total_bytes,
                    "rows_per_s": rate.round(),
                    "eta_s": left.map(f64::round),
                    "checkpoint": self.durable,
                }),
            ),
        }
    }

    /// How long it has been shown.
    pub(crate) fn elapsed(&self) -> Duration {
        self.started.elapsed()
    }

    /// Takes the bar away, so that what follows starts on a clean line.
    pub(crate) fn finish(&self) {
        if let Drawn::Bar(bar) = &self.style {
            bar.finish_and_clear();
        }
    }
}

fn bar() -> Drawn {
    let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr());
    let style = ProgressStyle::with_template("{bar:24} {percent:>3} %  {msg}");
    if let Ok(style) = style {
        bar.set_style(style);
    }
    Drawn::Bar(bar)
}

fn words(progress: &Progress, rate: f64, left: Option<f64>) -> String {
    let mut words = format!(
        "{} rows, {} rows/s, {} rejected",
        HumanCount(progress.rows),
        HumanCount(rate as u64),
        HumanCount(progress.rejected),
    );
    if let Some(left) = left.filter(|left| left.is_finite() && *left >= 0.0) {
        let left = HumanDuration(Duration::from_secs_f64(left.min(1e9)));
        words.push_str(&format!(", {left:#} left"));
    }
    words
}

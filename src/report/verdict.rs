//! What a person should know first of a run: whether all is well, and if not,
//! what is the matter and where the page says more. It must not know markup.

use crate::output::Manifest;

use super::found::{Found, Run};
use super::html::cut;
use super::serve::{self, Serve};
use super::words::{apart, count, moment, number, share};

/// How long before their end records are called about to be over, in
/// milliseconds.
const SOON: u64 = 2 * 60 * 60 * 1000;

/// How long a remark is at most, in characters, and how many there are of one
/// kind.
const LONGEST: usize = 600;
const MOST: usize = 20;

/// How much something matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// As it should be.
    Well,
    /// Worth knowing.
    Note,
    /// Somebody should look at it.
    Look,
    /// Wrong.
    Bad,
}

impl Level {
    /// The verdict in words.
    pub fn says(self) -> &'static str {
        match self {
            Self::Well | Self::Note => "All is well",
            Self::Look => "Worth a look",
            Self::Bad => "Something is wrong",
        }
    }

    /// The class of what is shown with it.
    pub(super) fn class(self) -> &'static str {
        match self {
            Self::Well | Self::Note => "well",
            Self::Look => "look",
            Self::Bad => "bad",
        }
    }

    /// The class of the word before a remark.
    pub(super) fn word_class(self) -> &'static str {
        match self {
            Self::Note => "note",
            other => other.class(),
        }
    }

    /// The word before a remark.
    pub(super) fn word(self) -> &'static str {
        match self {
            Self::Well => "Well",
            Self::Note => "Note",
            Self::Look => "Look",
            Self::Bad => "Wrong",
        }
    }
}

/// One thing to know.
#[derive(Clone, Debug)]
pub(super) struct Remark {
    pub(super) level: Level,
    pub(super) says: String,
    /// The part of the run's section that says more.
    pub(super) part: &'static str,
}

/// Everything to know of a run, what matters most first; `at` is the present.
pub(super) fn remarks(run: &Run, at: Option<u64>) -> Vec<Remark> {
    let mut all = Remarks::default();
    all.rows(&run.manifest);
    all.machine(&run.manifest);
    for doubt in run.doubts.iter().take(MOST) {
        all.add(Level::Bad, "run", format!("{doubt}."));
    }
    all.signed(run);
    all.rejects(run);
    all.serves(&serves(run), at);
    for (code, rows) in run.manifest.notices.iter().take(MOST) {
        let says = format!("{} legal but worth knowing: {code}.", count(*rows, "value"));
        all.add(Level::Note, "run", says);
    }
    // The sort is stable: of as much weight, as they came.
    all.0.sort_by_key(|remark| std::cmp::Reverse(remark.level));
    all.0
}

/// The weightiest of all.
pub(super) fn level(remarks: &[Remark]) -> Level {
    let levels = remarks.iter().map(|remark| remark.level);
    levels.max().unwrap_or(Level::Well)
}

/// Until when the records of a run may be served, format by format.
pub(super) fn serves(run: &Run) -> Vec<Serve> {
    let signed = run.signed.sound();
    let whole = signed.filter(|signed| signed.missing_parts == 0 && signed.unread == 0);
    serve::of_run(&run.manifest, |format| {
        whole.and_then(|signed| signed.sums.formats.get(format.id).copied())
    })
}

#[derive(Default)]
struct Remarks(Vec<Remark>);

impl Remarks {
    fn add(&mut self, level: Level, part: &'static str, says: impl Into<String>) {
        // Names of files may be of any length.
        let says = cut(&says.into(), LONGEST).into_owned();
        self.0.push(Remark { level, says, part });
    }

    fn rows(&mut self, manifest: &Manifest) {
        let counts = manifest.counts;
        let (rows, rejected) = (count(counts.rows, "row"), counts.rejected);
        match (counts.rows, counts.signed) {
            (0, _) => return self.add(Level::Bad, "files", "The inputs had no row at all."),
            (_, 0) => {
                let says = format!("Nothing was signed: all {rows} were rejected.");
                return self.add(Level::Bad, "rejects", says);
            }
            _ => {
                let (signed, records) = (number(counts.signed), count(counts.records, "record"));
                let says = format!("{signed} of {rows} were signed: {records}.");
                self.add(Level::Well, "signed", says);
            }
        }
        if rejected == 0 {
            return;
        }
        let part = share(rejected, counts.rows);
        let verb = if rejected == 1 { "was" } else { "were" };
        let (level, how) = match manifest.run.exit_code {
            0 => (Level::Note, ", within what the run tolerates"),
            _ => (Level::Look, ""),
        };
        let says = format!(
            "{} of {rows} {verb} rejected ({part}){how}.",
            number(rejected)
        );
        self.add(level, "rejects", says);
        if !manifest.damage.is_empty() {
            let fields = count(manifest.damage.len() as u64, "place");
            let says = format!("Other programs have likely damaged values, in {fields}.");
            self.add(level, "damage", says);
        }
    }

    fn machine(&mut self, manifest: &Manifest) {
        let run = &manifest.run;
        if run.recomputed > 0 {
            let says = format!(
                "{} came out wrong and had to be computed anew. The output is right, but test \
                 this machine's memory and processor.",
                count(run.recomputed, "signature")
            );
            self.add(Level::Bad, "run", says);
        }
        if run.attempts > 1 {
            let says = format!(
                "It took {}: the run was interrupted and resumed.",
                count(run.attempts.into(), "attempt")
            );
            self.add(Level::Note, "run", says);
        }
    }

    fn signed(&mut self, run: &Run) {
        let name = &run.manifest.signed.path;
        match &run.signed {
            Found::Sound(signed) => {
                if signed.missing_parts > 0 {
                    let are = if signed.missing_parts == 1 {
                        "is"
                    } else {
                        "are"
                    };
                    let says = format!(
                        "{} of {name} {are} not at hand; the rest is counted.",
                        count(signed.missing_parts, "part")
                    );
                    self.add(Level::Look, "files", says);
                }
                if signed.unread > 0 {
                    let lines = count(signed.unread, "line");
                    let says = format!("{lines} of the signed records cannot be read as one.");
                    self.add(Level::Look, "signed", says);
                }
            }
            found => self.file("signed records", name, found),
        }
    }

    fn rejects(&mut self, run: &Run) {
        let rejected = run.manifest.counts.rejected;
        match &run.rejects {
            Found::Sound(_) => {}
            // Nothing is missed where there is nothing to see.
            Found::Missing | Found::Unwritten if rejected == 0 => {}
            found => self.file("rejects", &run.manifest.rejects.path, found),
        }
    }

    /// A file that cannot be told from.
    fn file<T>(&mut self, what: &str, name: &str, found: &Found<T>) {
        let (level, says) = match found {
            Found::Sound(_) => return,
            Found::Unwritten => (Level::Note, format!("The {what} were not written.")),
            Found::Stdout => (
                Level::Note,
                format!("The {what} went to standard output; they were not looked at."),
            ),
            Found::Missing => (
                Level::Look,
                format!(
                    "The {what}, {name}, are not at hand, neither under that name nor beside the \
                     manifest; they were not looked at."
                ),
            ),
            Found::Changed(how) => (
                Level::Bad,
                format!("The {what} are not what this run wrote: {how}."),
            ),
            Found::Unreadable(why) => (Level::Bad, format!("The {what} cannot be read: {why}.")),
        };
        self.add(level, "files", says);
    }

    /// Formats of which the same is to be said are named together.
    fn serves(&mut self, serves: &[Serve], at: Option<u64>) {
        let mut all: Vec<(Level, String, Vec<&str>)> = Vec::new();
        for serve in serves {
            let (level, says) = left(serve, at);
            match all.iter_mut().find(|(_, own, _)| *own == says) {
                Some((_, _, ids)) => ids.push(serve.format.id),
                None => all.push((level, says, vec![serve.format.id])),
            }
        }
        for (level, says, ids) in all {
            self.add(level, "serve", format!("{}: {says}", ids.join(", ")));
        }
    }
}

/// What there is to say of the time to serve, and how much it matters.
fn left(serve: &Serve, at: Option<u64>) -> (Level, String) {
    match (serve.ends, at) {
        (Some((_, last)), Some(at)) if last <= at => (
            Level::Bad,
            format!("The time to serve is over since {}.", moment(last)),
        ),
        (Some((first, last)), Some(at)) if first <= at => (
            Level::Look,
            format!(
                "The time to serve is over for the first records; for the last in {}.",
                apart(last, at)
            ),
        ),
        (Some((first, _)), Some(at)) if first - at <= SOON => (
            Level::Look,
            format!(
                "The time to serve is soon over: for the first records in {}, {}.",
                apart(first, at),
                moment(first)
            ),
        ),
        _ => (Level::Note, serve.says()),
    }
}

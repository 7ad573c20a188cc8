//! A whole file: the bad lines of `verify`, and their causes in groups. What
//! was found for some lines is tried first on the next ones. It must not know
//! how a cause is found.

use std::collections::BTreeMap;
use std::sync::Mutex;

use crate::error::Error;
use crate::key::PublicKey;
use crate::parallel;
use crate::row::Input;
use crate::verify::{self, BadLine, Check, Finding};

use super::{Depth, Explainer, Explanation, Side, Verdict};

/// How many bad lines are explained together; between two such groups they
/// learn from each other.
const GROUP: usize = 64;

/// How many signatures are searched in pairs without a result, and then
/// singly, before the others are tried with the causes of other lines alone,
/// unless everything is asked for.
const FRUITLESS_PAIRS: u64 = 64;
const FRUITLESS: u64 = 1024;

/// How many unexplained lines say which keys may have made them.
const WITNESSES: usize = 32;

/// How many bytes wait for their group to be full, unless one line has more.
const GROUP_BYTES: usize = 1 << 20;

/// How many causes are told apart, and how many of them are tried first on
/// other lines. Words that differ from line to line must not fill the memory.
const MOST_CAUSES: usize = 1000;
const MOST_LEARNED: usize = 64;

/// How many lines of each group are named.
const NAMED: usize = 5;

/// What to look through.
pub struct Sought<'a> {
    /// Signed files in their order.
    pub inputs: &'a [Input],
    /// How many workers; 0 means as many as the machine has.
    pub threads: usize,
    /// Searches every line in pairs, however long it takes.
    pub thorough: bool,
}

/// A line by its file and its number, from 1.
type Place = (String, u64);

/// What was found about a line; one with several signatures comes as often.
pub struct Lines<'a> {
    /// The file's name.
    pub file: &'a str,
    /// The line, from 1.
    pub line: u64,
    /// What was found.
    pub explanation: &'a Explanation,
}

/// Lines with the same cause.
#[derive(Debug)]
pub struct Cause {
    /// How many signatures have it.
    pub count: u64,
    /// The first lines, each by its file and its number from 1.
    pub lines: Vec<(String, u64)>,
    /// The first of them.
    pub example: Explanation,
}

/// What a file has.
#[derive(Debug, Default)]
pub struct Report {
    /// Lines read.
    pub records: u64,
    /// Lines with nothing wrong.
    pub good: u64,
    /// Every cause, the most frequent first.
    pub causes: Vec<Cause>,
    /// Bad lines that only repeat a nonce.
    pub repeats: u64,
    /// Keys that nobody gave and that made several of the signatures for
    /// which nothing was found, each over the documented message.
    pub strangers: Vec<(PublicKey, u64)>,
    /// Signatures for which nothing was found, searched singly only.
    pub singly: u64,
    /// Signatures for which nothing was found, tried with the causes of other
    /// lines only.
    pub hardly: u64,
}

/// What tells one cause from another; the details differ from line to line.
type Key = (u8, Vec<(&'static str, String, Side)>, String);

impl Explainer<'_> {
    /// Explains every bad line of these files; `each` hears of all of them in
    /// order.
    ///
    /// # Errors
    /// When a file cannot be read.
    pub fn explain_files(
        &self,
        sought: &Sought<'_>,
        each: impl FnMut(&Lines<'_>),
    ) -> Result<Report, Error> {
        let check = Check {
            inputs: sought.inputs,
            threads: sought.threads,
            ..self.check()
        };
        let mut groups = Groups {
            explainer: self,
            sought,
            each,
            waiting: Vec::new(),
            bytes: 0,
            found: BTreeMap::new(),
            learned: Vec::new(),
            witnesses: Vec::new(),
            heard: 0,
            fruitless: 0,
            report: Report::default(),
        };
        let verdict = verify::run(&check, |bad| groups.hear(bad))?;
        groups.settle();
        let mut report = groups.finish();
        report.records = verdict.records;
        report.good = verdict.records - verdict.bad;
        Ok(report)
    }
}

struct Groups<'a, F> {
    explainer: &'a Explainer<'a>,
    sought: &'a Sought<'a>,
    each: F,
    /// Bad lines that wait for their group to be full.
    waiting: Vec<Waiting>,
    /// How many bytes they have.
    bytes: usize,
    found: BTreeMap<Key, Cause>,
    /// Causes in the order in which they were found.
    learned: Vec<Vec<(&'static str, String)>>,
    /// Keys that may have made what is unexplained, and how often.
    witnesses: Vec<(PublicKey, u64)>,
    /// How many unexplained signatures have told of their keys.
    heard: usize,
    fruitless: u64,
    report: Report,
}

/// A bad line, and what `verify` found in it.
struct Waiting {
    place: Place,
    text: String,
    findings: Vec<Finding>,
}

impl<F: FnMut(&Lines<'_>)> Groups<'_, F> {
    fn hear(&mut self, bad: &BadLine<'_>) {
        let Some(text) = bad.text else {
            self.report.repeats += 1;
            return;
        };
        self.bytes += text.len();
        self.waiting.push(Waiting {
            place: (bad.file.to_owned(), bad.line),
            text: text.to_owned(),
            findings: bad.findings.clone(),
        });
        if self.waiting.len() == GROUP || self.bytes >= GROUP_BYTES {
            self.settle();
        }
    }

    /// Explains what waits.
    fn settle(&mut self) {
        let depth = match self.fruitless {
            _ if self.sought.thorough => Depth::Pairs,
            0..FRUITLESS_PAIRS => Depth::Pairs,
            FRUITLESS_PAIRS..FRUITLESS => Depth::Single,
            FRUITLESS.. => Depth::Known,
        };
        let waiting = std::mem::take(&mut self.waiting);
        self.bytes = 0;
        let slots: Vec<(&str, Mutex<Vec<Explanation>>)> = waiting
            .iter()
            .map(|own| (own.text.as_str(), Mutex::default()))
            .collect();
        let (explainer, learned) = (self.explainer, &self.learned);
        let work = |(text, slot): &(&str, Mutex<Vec<Explanation>>)| -> Result<(), ()> {
            let all = explainer.explain_with(text, learned, depth);
            if let Ok(mut slot) = slot.lock() {
                *slot = all;
            }
            Ok(())
        };
        // The work has no error of its own.
        let _ = parallel::each(&slots, self.sought.threads, work);
        let results: Vec<Vec<Explanation>> = slots
            .into_iter()
            .map(|(_, slot)| slot.into_inner().unwrap_or_default())
            .collect();
        for (own, mut all) in waiting.into_iter().zip(results) {
            if all.is_empty() {
                all.push(Explanation::nothing("there is no signature in it"));
            }
            for mut explanation in all {
                // What could not be read is told as `verify` tells it.
                if explanation.verdict == Verdict::Unreadable {
                    explanation.notes.extend(own.findings.iter().cloned());
                }
                self.note(&own.place, explanation, depth);
            }
        }
    }

    fn note(&mut self, place: &Place, explanation: Explanation, depth: Depth) {
        (self.each)(&Lines {
            file: &place.0,
            line: place.1,
            explanation: &explanation,
        });
        if explanation.verdict == Verdict::Unexplained {
            self.fruitless += 1;
            self.report.singly += u64::from(depth == Depth::Single);
            self.report.hardly += u64::from(depth == Depth::Known);
            self.witness(&explanation.possible);
        }
        let causes = explanation.causes.iter();
        let mut key = (
            explanation.verdict as u8,
            causes
                .map(|own| (own.kind.code, own.field.clone(), own.side))
                .collect::<Vec<_>>(),
            explanation.unreadable.clone().unwrap_or_default(),
        );
        if self.found.len() >= MOST_CAUSES && !self.found.contains_key(&key) {
            key = (explanation.verdict as u8, Vec::new(), String::new());
        }
        if explanation.verdict == Verdict::Explained {
            let causes = explanation.causes.iter();
            let learned = causes.map(|own| (own.kind.code, own.field.clone()));
            let learned: Vec<_> = learned.collect();
            if self.learned.len() < MOST_LEARNED && !self.learned.contains(&learned) {
                self.learned.push(learned);
            }
        }
        let cause = self.found.entry(key).or_insert_with(|| Cause {
            count: 0,
            lines: Vec::new(),
            example: explanation,
        });
        cause.count += 1;
        if cause.lines.len() < NAMED {
            cause.lines.push(place.clone());
        }
    }

    /// Counts the keys that may have made a signature.
    fn witness(&mut self, possible: &[PublicKey]) {
        self.heard += 1;
        for key in possible {
            match self.witnesses.iter_mut().find(|(own, _)| own == key) {
                Some((_, count)) => *count += 1,
                None if self.heard <= WITNESSES => self.witnesses.push((key.clone(), 1)),
                None => {}
            }
        }
    }

    fn finish(mut self) -> Report {
        self.report.causes = self.found.into_values().collect();
        // Of causes with equal counts, the one that was met first.
        let first = |cause: &Cause| cause.lines.first().cloned().unwrap_or_default();
        self.report
            .causes
            .sort_by_key(|cause| (std::cmp::Reverse(cause.count), first(cause)));
        self.witnesses.retain(|(_, count)| *count > 1);
        self.witnesses
            .sort_by_key(|(_, count)| std::cmp::Reverse(*count));
        self.report.strangers = self.witnesses;
        self.report
    }
}

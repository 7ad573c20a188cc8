//! The publishers that rows meet: a second table, read whole before the first
//! row, each of whose rows gives the fields that campaigns lack.
//!
//! A campaign row becomes records for every publisher it meets. Which ones is
//! for the row to say: all of them, those of the same value in a common
//! column, those it names, all but those it names. This file must not know
//! how the table is read or what a field means.

use std::collections::HashMap;

use crate::format::{Code, Fault};

use super::cell::Cell;
use super::cells::Others;
use super::columns::Plan;
use super::plan_error::PlanError;
use super::records::{Finished, Met, Records};
use super::reject::Problem;
use super::rules::Rules;

/// How rows meet publishers.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Meeting {
    /// The publishers' column that names them.
    pub id: Option<String>,
    /// The column that rows and publishers have in common: they meet where
    /// its values are the same.
    pub join: Option<String>,
}

/// A campaign row's column of the publishers it meets, and no others.
pub(super) const ALLOW: &str = "allow_publishers";
/// A campaign row's column of publishers it does not meet.
pub(super) const DENY: &str = "deny_publishers";
/// What a publisher is called in its own table, unless another column is.
pub(super) const IDS: [&str; 2] = ["publisher", "publisher_id"];

/// How many bytes of memory publishers may take: they are held for the whole
/// run.
const MOST_BYTES: usize = 16 << 20;

/// All publishers, checked.
#[derive(Debug)]
pub struct Publishers {
    /// For each format of the run, a record for each publisher in which only
    /// the fields are filled that publishers give.
    by_format: Vec<Records>,
    /// The fields they give, for each format.
    given: Vec<u64>,
    /// The kept columns they give.
    kept: u64,
    ids: HashMap<String, u32>,
    /// Those of one value in the common column: a part of the list of the
    /// first format's records.
    groups: HashMap<String, (u32, u32)>,
    has_ids: bool,
}

/// Reads publishers row by row.
pub struct PublisherReader<'r> {
    plans: Vec<Plan<'r>>,
    publishers: Publishers,
    /// Those of one value in the common column.
    groups: Vec<(String, Vec<u32>)>,
    group_of: HashMap<String, usize>,
    bytes: usize,
}

impl<'r> PublisherReader<'r> {
    /// For publishers under a header, or whose members bring their own names.
    ///
    /// # Errors
    /// When the header does not fit.
    pub fn new(rules: &'r [Rules], header: Option<&[Vec<u8>]>) -> Result<Self, PlanError> {
        let plans = rules
            .iter()
            .map(|rules| Plan::for_publishers(rules, header))
            .collect::<Result<Vec<_>, _>>()?;
        let records = rules.iter().map(|rules| {
            let mut records = Records::default();
            records.prepare(rules);
            records
        });
        Ok(Self {
            publishers: Publishers {
                by_format: records.collect(),
                given: vec![0; rules.len()],
                kept: 0,
                ids: HashMap::new(),
                groups: HashMap::new(),
                has_ids: false,
            },
            plans,
            groups: Vec::new(),
            group_of: HashMap::new(),
            bytes: 0,
        })
    }

    /// Takes in a row of cells.
    ///
    /// # Errors
    /// Every problem it has.
    pub fn cells(&mut self, row: &csv::ByteRecord) -> Result<(), Vec<Problem>> {
        self.take(|plan, records, problems| plan.publisher_of_cells(row, records, problems))
    }

    /// Takes in the text of a JSON object.
    ///
    /// # Errors
    /// Every problem it has.
    pub fn json(&mut self, row: &[u8]) -> Result<(), Vec<Problem>> {
        self.take(|plan, records, problems| plan.publisher_of_json(row, records, problems))
    }

    fn take<'a>(
        &mut self,
        read: impl Fn(&Plan<'r>, &mut Records, &mut Vec<Problem>) -> (u64, Others<'a>),
    ) -> Result<(), Vec<Problem>> {
        let mut problems = Vec::new();
        let mut others = Others::default();
        let parts = self.plans.iter().zip(&mut self.publishers.by_format);
        for ((plan, records), given) in parts.zip(&mut self.publishers.given) {
            records.start();
            let before = problems.len();
            let (fields, own) = read(plan, records, &mut problems);
            // What is wrong for one format is mostly wrong for all.
            let (known, new) = problems.split_at(before);
            let new: Vec<Problem> = new
                .iter()
                .filter(|p| !known.iter().any(|k| k.is_like(p)))
                .cloned()
                .collect();
            problems.truncate(before);
            problems.extend(new);
            *given |= fields;
            let kept = (0..plan.rules.settings.keep.len())
                .filter(|at| records.pending(records.kept_slot(*at)).is_some())
                .map(|at| 1 << at)
                .sum::<u64>();
            self.publishers.kept |= kept;
            let at = records.len() as u64;
            records.finish(
                at + 1,
                Finished {
                    layout: 0,
                    count: 1,
                    key: 0,
                    met: Met::Alone,
                },
            );
            others = own;
        }
        let at = self.publishers.len() - 1;
        self.identify(at, &others, &mut problems);
        self.bytes = self.publishers.by_format.iter().map(Records::held).sum();
        if self.bytes > MOST_BYTES {
            let wanted = format!("publishers that fit into {MOST_BYTES} bytes of memory");
            problems.push(Problem::row(Code::TooLong, "", wanted).hint(
                "they are held for the whole run; leave out columns, or sign in several runs",
            ));
        }
        match problems.is_empty() {
            true => Ok(()),
            false => Err(problems),
        }
    }

    /// What the publisher is called, and whom it meets.
    fn identify(&mut self, at: u32, others: &Others<'_>, problems: &mut Vec<Problem>) {
        let Some(meeting) = self
            .plans
            .first()
            .and_then(|p| p.rules.settings.meeting.as_ref())
        else {
            return;
        };
        if let Some(cell) = others.publisher {
            let name = meeting.id.as_deref().unwrap_or(IDS[0]);
            if let Some(id) = text(name, cell, problems) {
                let fault = match self.publishers.ids.insert(id.clone(), at) {
                    Some(_) => Some(Fault::new(
                        Code::DuplicateField,
                        "each publisher once, under a name of its own",
                    )),
                    None if id.contains(SEPARATORS) => Some(Fault::new(
                        Code::BadText,
                        "a name without spaces, commas, semicolons and bars, which separate names",
                    )),
                    None => None,
                };
                if let Some(fault) = fault {
                    problems.push(Problem::new(name, &id, fault));
                }
                self.publishers.has_ids = true;
            }
        }
        if let Some(join) = &meeting.join
            && let Some(cell) = others.join
            && let Some(value) = text(join, cell, problems)
        {
            let group = *self.group_of.entry(value.clone()).or_insert_with(|| {
                self.groups.push((value, Vec::new()));
                self.groups.len() - 1
            });
            self.groups[group].1.push(at);
        }
    }

    /// All publishers.
    pub fn finish(mut self) -> Publishers {
        for (value, members) in std::mem::take(&mut self.groups) {
            for records in &mut self.publishers.by_format {
                let place = records.name(&members);
                self.publishers.groups.insert(value.clone(), place);
            }
        }
        self.publishers
    }
}

/// What stands between the names of a list.
const SEPARATORS: &[char] = &[' ', ',', ';', '|'];

fn text(name: &str, cell: Cell<'_>, problems: &mut Vec<Problem>) -> Option<String> {
    let fault = match cell.plain() {
        Ok(Some(text)) => return Some(text.into_owned()),
        Ok(None) => Fault::new(Code::Missing, "a value"),
        Err(fault) => fault,
    };
    problems.push(Problem::new(name, &cell.found(), fault));
    None
}

impl Publishers {
    /// How many there are.
    pub fn len(&self) -> u32 {
        let all = self.by_format.first().map_or(0, Records::len);
        u32::try_from(all).unwrap_or(u32::MAX)
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Their values for the run's format at this place.
    pub fn of_format(&self, at: usize) -> &Records {
        &self.by_format[at]
    }

    /// Whether they give a field of the format at this place.
    pub(super) fn gives(&self, format: usize, field: usize) -> bool {
        self.given[format] >> field & 1 == 1
    }

    /// Whether they give a kept column.
    pub(super) fn keeps(&self, at: usize) -> bool {
        self.kept >> at & 1 == 1
    }

    /// Whether they can be named.
    pub(super) fn has_ids(&self) -> bool {
        self.has_ids
    }

    /// Those of this value in the common column.
    pub(super) fn group(&self, value: &str) -> Option<(u32, u32)> {
        self.groups.get(value).copied()
    }

    /// The places of a group's members.
    pub(super) fn members(&self, start: u32, end: u32) -> &[u32] {
        self.by_format
            .first()
            .map_or(&[], |records| records.listed(start, end))
    }

    /// The places of those in a list of names, in order.
    ///
    /// # Errors
    /// The first name that is none's.
    pub(super) fn places<'n>(&self, list: &'n str) -> Result<Vec<u32>, &'n str> {
        let names = list.split(SEPARATORS).filter(|name| !name.is_empty());
        let places = names.map(|name| self.ids.get(name).copied().ok_or(name));
        let mut places: Vec<u32> = places.collect::<Result<_, _>>()?;
        places.sort_unstable();
        places.dedup();
        Ok(places)
    }
}

//! Entries that would fit the same rows.
//!
//! It must not know rows: it compares what entries say.

use crate::format::KeyUse;

use super::{Listed, Match};

/// How the rows of two entries meet.
pub(super) enum Meeting {
    /// Every row of this family that fits one fits the other.
    Always(KeyUse),
    /// Rows with these values of a selector fit both.
    Sometimes(Vec<String>),
}

/// How two entries meet, if they can at all.
pub(super) fn meeting(one: &Listed, other: &Listed) -> Option<Meeting> {
    let family = one
        .uses
        .iter()
        .copied()
        .find(|used| other.uses.contains(used))?;
    if !overlap(one, other) || one.matches.len() != other.matches.len() {
        return None;
    }
    if same_rows(&one.matches, &other.matches) {
        return Some(Meeting::Always(family));
    }
    let mut shared = Vec::new();
    for matched in &one.matches {
        let twin = twin(matched, &other.matches)?;
        let mut both = matched.values().to_vec();
        both.retain(|value| twin.values().contains(value));
        if both.is_empty() {
            return None;
        }
        if both.len() < matched.values().len() || shared.is_empty() {
            shared = both;
        }
    }
    Some(Meeting::Sometimes(shared))
}

/// Whether the selectors are the same, in whatever order.
fn same_rows(one: &[Match], other: &[Match]) -> bool {
    takes_rows_of(one, other) && takes_rows_of(other, one)
}

/// Whether selectors of the same kinds fit every row that the other ones fit.
pub(super) fn takes_rows_of(one: &[Match], other: &[Match]) -> bool {
    one.len() == other.len()
        && other.iter().all(|matched| {
            let within = |twin: &Match| matched.values().iter().all(|v| twin.values().contains(v));
            twin(matched, one).is_some_and(within)
        })
}

/// The selector of the same kind.
fn twin<'m>(matched: &Match, among: &'m [Match]) -> Option<&'m Match> {
    among.iter().find(|other| match (matched, other) {
        (Match::Column { name: one, .. }, Match::Column { name: other, .. }) => one == other,
        _ => matched.name() == other.name(),
    })
}

/// Whether there is a time at which both are valid.
fn overlap(one: &Listed, other: &Listed) -> bool {
    let begin = one.not_before.max(other.not_before).unwrap_or(0);
    let ends = [one.not_after, other.not_after].into_iter().flatten();
    ends.min().is_none_or(|end| begin < end)
}

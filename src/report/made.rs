//! What was signed: by format and key, by ad network, by campaign. It must not
//! know where the counts come from.

use crate::format::{Format, Group, KeyUse, group_of};
use crate::output::Manifest;

use super::found::{Run, Signed};
use super::html::Html;
use super::sums::{Campaign, MOST_CAMPAIGNS, Name, title};
use super::table::{Column, cell, number_cell, row, share_cell, table};
use super::words::{count, number};

/// How many campaigns a table shows at once, and how many where one asks for
/// more.
const AT_ONCE: usize = 20;
const AT_MOST: usize = 1000;

/// The whole part.
pub(super) fn made(html: &mut Html, id: &str, run: &Run) {
    by_format(html, id, &run.manifest);
    match run.signed.sound() {
        Some(signed) => {
            by_owner(html, id, signed);
            by_campaign(html, id, signed);
        }
        None => html.line(
            "p",
            &[],
            "What was signed by network and campaign is not told: the signed records were not at \
             hand as this run wrote them.",
        ),
    }
}

/// A format by its id, with its title beneath.
pub(super) fn format_name(html: &mut Html, name: &str) {
    html.element("b", &[], |html| html.value(name));
    let id = name.split('@').next().unwrap_or(name);
    if title(id) != id {
        html.line("span", &[("class", "under")], title(id));
    }
}

fn by_format(html: &mut Html, id: &str, manifest: &Manifest) {
    let all = manifest.counts.records;
    let mut columns = vec![Column::Words("Format")];
    let with_keys = !manifest.keys.is_empty();
    if with_keys {
        columns.push(Column::Words("Key"));
    }
    columns.extend([Column::Number("Records"), Column::Share("Share")]);
    let of = match with_keys {
        true => "Signed records by format and key",
        false => "Signed records by format",
    };
    table(html, &format!("{id}-formats"), of, &columns, |html| {
        if manifest.made.is_empty() {
            row(
                html,
                |html| format_name(html, &manifest.format),
                |html| {
                    if with_keys {
                        cell(html, |html| html.text("–"));
                    }
                    number_cell(html, all);
                    share_cell(html, all, all);
                },
            );
        }
        for entry in manifest.made.iter().take(AT_MOST) {
            row(
                html,
                |html| format_name(html, &entry.format),
                |html| {
                    if with_keys {
                        cell(html, |html| html.value(entry.key.as_deref().unwrap_or("–")));
                    }
                    number_cell(html, entry.records);
                    share_cell(html, entry.records, all);
                },
            );
        }
    });
}

/// What a group is called where these formats stand together.
fn group_title(ids: impl Iterator<Item = &'static str>, group: Group) -> &'static str {
    let mut uses: Vec<KeyUse> = ids
        .filter_map(|id| Format::find(id).map(|format| format.key))
        .collect();
    uses.dedup();
    match (&uses[..], group) {
        ([one], group) => group.title(*one),
        (_, Group::Owner) => "Network, app or account",
        (_, Group::Item) => "App or product",
        (_, Group::Campaign) => "Campaign or offer",
    }
}

/// A name that records tell, or that they do not.
fn name(html: &mut Html, name: &Name) {
    match name {
        Some(name) => html.value(name),
        None => html.line("span", &[("class", "none")], "not told"),
    }
}

fn by_owner(html: &mut Html, id: &str, signed: &Signed) {
    let sums = &signed.sums;
    let all = signed.records;
    let mut owners: Vec<(&(&str, Name), &u64)> = sums.owners.iter().collect();
    owners.sort_by_key(|(_, records)| std::cmp::Reverse(**records));
    let of = group_title(sums.owners.keys().map(|(format, _)| *format), Group::Owner);
    let columns = [
        Column::Words(of),
        Column::Words("Format"),
        Column::Number("Records"),
        Column::Share("Share"),
    ];
    let caption = format!("Signed records by {} and format", of.to_lowercase());
    table(html, &format!("{id}-owners"), &caption, &columns, |html| {
        for ((format, owner), records) in owners.iter().take(AT_ONCE) {
            row(
                html,
                |html| name(html, owner),
                |html| {
                    cell(html, |html| html.text(format));
                    number_cell(html, **records);
                    share_cell(html, **records, all);
                },
            );
        }
        let rest = owners.iter().skip(AT_ONCE).map(|(_, records)| **records);
        let many = owners.len().saturating_sub(AT_ONCE);
        others(html, 2, many, rest.sum::<u64>() + sums.other_owners, all);
    });
}

fn by_campaign(html: &mut Html, id: &str, signed: &Signed) {
    let sums = &signed.sums;
    let has_campaign = |campaign: &Campaign| campaign.item.is_some() || campaign.campaign.is_some();
    if !sums.campaigns.keys().any(has_campaign) {
        return;
    }
    let mut all: Vec<(&Campaign, u64)> = sums
        .campaigns
        .iter()
        .map(|(campaign, records)| (campaign, *records))
        .collect();
    all.sort_by_key(|(_, records)| std::cmp::Reverse(*records));
    let known = number(all.len() as u64);
    let caption = match sums.other_campaigns {
        0 => format!("Signed records by campaign, {known} in all"),
        others => format!(
            "Signed records by campaign. The first {} were told apart, {} of others are one sum",
            number(MOST_CAMPAIGNS as u64),
            count(others, "record")
        ),
    };
    let (first, rest) = all.split_at(all.len().min(AT_ONCE));
    let (more, unseen) = rest.split_at(rest.len().min(AT_MOST - AT_ONCE));
    let left = unseen.iter().map(|(_, records)| records).sum::<u64>() + sums.other_campaigns;
    let last = match more.is_empty() {
        true => left,
        false => 0,
    };
    campaigns(
        html,
        &format!("{id}-campaigns"),
        &caption,
        signed,
        first,
        (unseen.len(), last),
    );
    if more.is_empty() {
        return;
    }
    // On paper it stays folded.
    html.element("details", &[("class", "long")], |html| {
        let many = number(more.len() as u64);
        html.line("summary", &[], &format!("The next {many} campaigns"));
        let id = format!("{id}-more-campaigns");
        let caption = "Signed records by campaign, continued";
        campaigns(html, &id, caption, signed, more, (unseen.len(), left));
    });
}

fn campaigns(
    html: &mut Html,
    id: &str,
    caption: &str,
    signed: &Signed,
    shown: &[(&Campaign, u64)],
    (unseen, left): (usize, u64),
) {
    let formats = || signed.sums.formats.keys().copied();
    let columns = [
        Column::Words(group_title(formats(), Group::Campaign)),
        Column::Words(group_title(formats(), Group::Item)),
        Column::Words(group_title(formats(), Group::Owner)),
        Column::Words("Format"),
        Column::Number("Records"),
        Column::Share("Share"),
    ];
    table(html, id, caption, &columns, |html| {
        for (campaign, records) in shown {
            row(
                html,
                |html| name_of(html, campaign),
                |html| {
                    cell(html, |html| name(html, &campaign.item));
                    cell(html, |html| name(html, &campaign.owner));
                    cell(html, |html| html.text(campaign.format));
                    number_cell(html, *records);
                    share_cell(html, *records, signed.records);
                },
            );
        }
        others(html, 4, unseen, left, signed.records);
    });
}

/// A campaign's own name; a format without campaigns says so.
fn name_of(html: &mut Html, campaign: &Campaign) {
    let has = |format: &Format| {
        let mut fields = format.fields.iter();
        fields.any(|field| group_of(format, field) == Some(Group::Campaign))
    };
    match Format::find(campaign.format).is_some_and(has) {
        true => name(html, &campaign.campaign),
        false => html.line("span", &[("class", "none")], "has none"),
    }
}

/// The line that stands for everything that has none of its own.
fn others(html: &mut Html, words: usize, many: usize, records: u64, all: u64) {
    if records == 0 {
        return;
    }
    let many = match many {
        0 => "Others".to_owned(),
        many => format!("{} others", number(many as u64)),
    };
    row(
        html,
        |html| html.text(&many),
        |html| {
            for _ in 1..words {
                cell(html, |html| html.text("–"));
            }
            number_cell(html, records);
            share_cell(html, records, all);
        },
    );
}

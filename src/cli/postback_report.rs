//! What a run over postbacks adds up to, for a person or as JSON.

use std::collections::BTreeMap;

use campaign_signer::format::Judgement;
use campaign_signer::postback::{self, Fit, Followed, Summary};
use indicatif::HumanCount;
use serde_json::{Map, Value, json};

use super::report::{count, line};
use super::warn;

/// How many networks, and campaigns, are shown to a person.
const SHOWN: usize = 20;

/// Tells it to a person.
pub(super) fn print(summary: &Summary) {
    let valid = summary.count(Judgement::Valid);
    let valid = HumanCount(valid);
    let mut words = format!("{valid} of {}", count(summary.lines, "postback"));
    if summary.duplicates > 0 {
        words.push_str(&format!(
            ", {} of them",
            count(summary.duplicates, "duplicate")
        ));
    }
    line("valid", &words);
    for judgement in Judgement::ALL {
        let number = summary.count(*judgement);
        if number == 0 || *judgement == Judgement::Valid {
            continue;
        }
        let reasons = summary.reasons.iter();
        let reasons = reasons.filter(|(reason, _)| reason.judgement() == *judgement);
        let reasons: Vec<String> = reasons
            .map(|(reason, lines)| format!("{} {}", reason.as_str(), HumanCount(*lines)))
            .collect();
        let words = format!("{}: {}", count(number, "postback"), reasons.join(", "));
        line(judgement.as_str(), &words);
    }
    for ((kind, version), counts) in &summary.versions {
        let counts: Vec<String> = counts
            .iter()
            .map(|(judgement, lines)| format!("{} {}", HumanCount(*lines), judgement.as_str()))
            .collect();
        let name = format!("{kind} {version}");
        line(
            "version",
            &format!("{}: {}", name.trim_end(), counts.join(", ")),
        );
    }
    for (environment, lines) in &summary.environments {
        line(
            "of",
            &format!("{}: {}", environment.as_str(), count(*lines, "postback")),
        );
    }
    let mut networks: Vec<_> = summary.networks.iter().collect();
    networks.sort_by_key(|(_, lines)| std::cmp::Reverse(**lines));
    for (network, lines) in networks.iter().take(SHOWN) {
        let network = network.escape_debug();
        line(
            "network",
            &format!("{network}: {}", count(**lines, "postback")),
        );
    }
    if let Some(more) = networks.len().checked_sub(SHOWN + 1) {
        line("", &format!("and {} more", more + 1));
    }
    if let Some(followed) = &summary.followed {
        print_followed(followed);
    }
}

fn print_followed(followed: &Followed) {
    let Followed {
        survey,
        records,
        matched,
        ambiguous,
        unmatched,
        campaigns,
    } = followed;
    let words = format!("{}, not verified here", count(*records, "record"));
    line("signed", &words);
    if survey.unread > 0 {
        let lines = count(survey.unread, "line");
        warn(format!(
            "the signed files have {lines} without a signed record"
        ));
    }
    line(
        "joined",
        &format!(
            "{} with one campaign, {} with one of several, {} with nothing signed",
            HumanCount(*matched),
            HumanCount(*ambiguous),
            HumanCount(*unmatched)
        ),
    );
    let mut all: Vec<_> = campaigns.iter().collect();
    let postbacks = |of: &postback::Outcome| of.winning + of.later + of.not_winning;
    all.sort_by_key(|(_, outcome)| std::cmp::Reverse((postbacks(outcome), outcome.signed)));
    for (campaign, outcome) in all.iter().take(SHOWN) {
        let fit = match campaign.fit {
            Fit::One => "",
            Fit::Several => " (of several)",
            Fit::None => " (nothing signed)",
        };
        let words = format!(
            "{} app {} {} {}{fit}: {} signed, {} won, {} later, {} not won",
            campaign.network.escape_debug(),
            campaign.app,
            campaign.role.as_str(),
            campaign.code,
            HumanCount(outcome.signed),
            HumanCount(outcome.winning),
            HumanCount(outcome.later),
            HumanCount(outcome.not_winning)
        );
        line("", &words);
    }
    if let Some(more) = all.len().checked_sub(SHOWN + 1) {
        line("", &format!("and {} more; --json shows all", more + 1));
    }
}

/// The summary as JSON, every number in it.
pub(super) fn as_json(summary: &Summary) -> Value {
    let judgements = |counts: &BTreeMap<Judgement, u64>| -> Map<String, Value> {
        let of = |own: &Judgement| json!(counts.get(own).copied().unwrap_or(0));
        let all = Judgement::ALL.iter();
        all.map(|own| (own.as_str().to_owned(), of(own))).collect()
    };
    let versions: Vec<Value> = summary
        .versions
        .iter()
        .map(|((kind, version), counts)| {
            let mut all = judgements(counts);
            all.insert("kind".into(), json!(kind));
            all.insert("version".into(), json!(version));
            Value::Object(all)
        })
        .collect();
    let environments: Map<String, Value> = summary
        .environments
        .iter()
        .map(|(own, lines)| (own.as_str().to_owned(), json!(lines)))
        .collect();
    let reasons: Map<String, Value> = summary
        .reasons
        .iter()
        .map(|(own, lines)| (own.as_str().to_owned(), json!(lines)))
        .collect();
    let mut all = judgements(&summary.judgements);
    all.insert("postbacks".into(), json!(summary.lines));
    all.insert("duplicates".into(), json!(summary.duplicates));
    all.insert("versions".into(), json!(versions));
    all.insert("environments".into(), json!(environments));
    all.insert("networks".into(), json!(summary.networks));
    all.insert("reasons".into(), json!(reasons));
    if let Some(followed) = &summary.followed {
        let campaigns: Vec<Value> = followed
            .campaigns
            .iter()
            .map(|(campaign, outcome)| {
                json!({
                    "network": campaign.network,
                    "app": campaign.app,
                    campaign.role.as_str(): campaign.code,
                    "match": campaign.fit.as_str(),
                    "signed": outcome.signed,
                    "winning": outcome.winning,
                    "later": outcome.later,
                    "not_winning": outcome.not_winning,
                })
            })
            .collect();
        let signed = json!({
            "lines": followed.survey.lines,
            "unread": followed.survey.unread,
            "records": followed.records,
            "matched": followed.matched,
            "ambiguous": followed.ambiguous,
            "unmatched": followed.unmatched,
            "campaigns": campaigns,
        });
        all.insert("signed".into(), signed);
    }
    Value::Object(all)
}

//! A strict reader of Prometheus' text format: what the exporter would refuse,
//! or would pass over in silence, it refuses. It knows no metric by its name.

#![allow(clippy::unwrap_used)]

use std::collections::{BTreeMap, BTreeSet};

/// A series: its name, and its labels with their values.
pub(crate) type Series = (String, BTreeMap<String, String>);

/// Every sample of a page; what is wrong with it otherwise.
pub(crate) fn read(text: &str) -> Result<BTreeMap<Series, f64>, String> {
    if !text.ends_with('\n') {
        return Err("the last line has no end".into());
    }
    let (mut helped, mut typed) = (BTreeSet::new(), BTreeSet::new());
    let mut current = String::new();
    let mut samples = BTreeMap::new();
    for line in text.lines() {
        let wrong = |what: &str| Err(format!("{what}: {line:?}"));
        if let Some(rest) = line.strip_prefix("# HELP ") {
            let Some((name, help)) = rest.split_once(' ') else {
                return wrong("no help");
            };
            if help.trim().is_empty() || !is_name(name) || !helped.insert(name.to_owned()) {
                return wrong("help that is empty or not the first");
            }
            current = name.to_owned();
        } else if let Some(rest) = line.strip_prefix("# TYPE ") {
            let Some((name, kind)) = rest.split_once(' ') else {
                return wrong("no type");
            };
            if name != current || kind != "gauge" || !typed.insert(name.to_owned()) {
                return wrong("a type that does not stand behind its help");
            }
        } else {
            let (series, value) = sample(line)?;
            if series.0 != current || !typed.contains(&current) {
                return wrong("a sample that does not stand behind its type");
            }
            if samples.insert(series, value).is_some() {
                return wrong("the same series again");
            }
        }
    }
    match helped
        .iter()
        .find(|name| !samples.keys().any(|(own, _)| own == *name))
    {
        Some(name) => Err(format!("{name} has no sample")),
        None => Ok(samples),
    }
}

fn is_name(name: &str) -> bool {
    let mut chars = name.chars();
    chars.next().is_some_and(|c| c.is_ascii_lowercase())
        && chars.all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_')
}

fn sample(line: &str) -> Result<(Series, f64), String> {
    let wrong = |what: &str| format!("{what}: {line:?}");
    let (name, rest) = line.split_once('{').ok_or_else(|| wrong("no labels"))?;
    if !is_name(name) {
        return Err(wrong("a bad name"));
    }
    let mut labels = BTreeMap::new();
    let mut rest = rest;
    loop {
        let (label, behind) = rest.split_once("=\"").ok_or_else(|| wrong("no label"))?;
        let mut value = String::new();
        let mut chars = behind.char_indices();
        let end = loop {
            match chars.next() {
                Some((at, '"')) => break at,
                Some((_, '\\')) => match chars.next().map(|(_, c)| c) {
                    Some('n') => value.push('\n'),
                    Some(c @ ('\\' | '"')) => value.push(c),
                    _ => return Err(wrong("a bad escape")),
                },
                Some((_, c)) => value.push(c),
                None => return Err(wrong("a value without an end")),
            }
        };
        if !is_name(label) || labels.insert(label.to_owned(), value).is_some() {
            return Err(wrong("a bad label, or the same again"));
        }
        rest = &behind[end + 1..];
        match rest.strip_prefix(',') {
            Some(more) => rest = more,
            None => break,
        }
    }
    let value = rest.strip_prefix("} ").ok_or_else(|| wrong("no value"))?;
    let number: f64 = value.parse().map_err(|_| wrong("no number"))?;
    match number.is_finite() && number >= 0.0 {
        true => Ok(((name.to_owned(), labels), number)),
        false => Err(wrong("a number that counts nothing")),
    }
}

/// The reader refuses what it should.
pub(crate) fn assert_strict() {
    let head = "# HELP a_b x\n# TYPE a_b gauge\n";
    for bad in [
        "",
        "a_b{c=\"d\"} 1\n",
        "# HELP a_b x\n# TYPE a_b gauge",
        head,
        &format!("{head}a_b{{c=\"d\"}} 1"),
        &format!("{head}a_b{{c=\"d\"}} x\n"),
        &format!("{head}a_b{{c=\"d}} 1\n"),
        &format!("{head}a_b{{c=\"\\d\"}} 1\n"),
        &format!("{head}a_b{{c=\"d\"}} 1\na_b{{c=\"d\"}} 2\n"),
        &format!("{head}a_c{{c=\"d\"}} 1\n"),
        &format!("{head}a_b{{c=\"d\",c=\"e\"}} 1\n"),
        &format!("{head}a_b{{c=\"d\"}} 1\n{head}a_b{{c=\"e\"}} 1\n"),
    ] {
        assert!(read(bad).is_err(), "{bad:?}");
    }
    let good = format!("{head}a_b{{c=\"d\\n\\\"\\\\\",e=\"\"}} 1.5\n");
    let ((name, labels), value) = read(&good).unwrap().pop_first().unwrap();
    assert_eq!((name.as_str(), value), ("a_b", 1.5));
    assert_eq!(labels["c"], "d\n\"\\");
}

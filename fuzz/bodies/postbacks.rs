//! `postback`: any bytes as a file of postbacks. Nothing is valid but what
//! Apple signed: the genuine ones are those of the examples, and a line that
//! is called valid must say what one of them says.

use std::sync::OnceLock;

use campaign_signer::error::Error;
use campaign_signer::format::Judgement;
use campaign_signer::postback::{self, Check, Keys, Verdict};
use campaign_signer::row::{Dialect, Input, Origin};
use serde_json::{Map, Value};

use super::common::{Scrap, one_in};

/// A longer input is many lines, of which few say as much.
const MOST: usize = 32 * 1024;

/// Short enough that an input may have a longer line.
const LONGEST_LINE: usize = 8 * 1024;

/// What no version signs, and the signature, which may be written in two ways:
/// (r, s) and (r, n - s).
const UNSIGNED: [&str; 3] = [
    "conversion-value",
    "coarse-conversion-value",
    "attribution-signature",
];

const GENUINE: &str = include_str!("../../examples/postbacks/apple.ndjson");

pub fn postback(data: &[u8]) {
    if data.len() > MOST || is_foreign(data) {
        return;
    }
    let verdicts = judge(data).unwrap();
    // As the reader tells lines apart; what it drops is blank.
    let text = data.strip_prefix(b"\xef\xbb\xbf").unwrap_or(data);
    let lines: Vec<&[u8]> = text.split(|byte| *byte == b'\n').collect();
    let is_blank = |line: &[u8]| line.iter().all(|byte| b" \t\r".contains(byte));
    let filled = lines.iter().filter(|line| !is_blank(line)).count();
    assert_eq!(verdicts.len(), filled, "a verdict for each line");
    for verdict in &verdicts {
        check_form(verdict);
        let at = usize::try_from(verdict.place.line).unwrap() - 1;
        let line = lines[at].strip_suffix(b"\r").unwrap_or(lines[at]);
        if verdict.judgement == Judgement::Valid {
            assert!(is_genuine(line), "{}", String::from_utf8_lossy(line));
        }
        if one_in(32, line) && !is_foreign(line) && !line.starts_with(b"\xef\xbb\xbf") {
            let alone = judge(line).unwrap();
            let mut alone = alone.into_iter().next().unwrap();
            alone.place.clone_from(&verdict.place);
            alone.duplicate_of.clone_from(&verdict.duplicate_of);
            assert_eq!(written(&alone), written(verdict), "by itself");
        }
    }
}

/// Whether these bytes are UTF-16, gzip or zstd: the target `source` is about
/// those.
fn is_foreign(data: &[u8]) -> bool {
    let heads: [&[u8]; 4] = [b"\xff\xfe", b"\xfe\xff", b"\x1f\x8b", b"\x28\xb5\x2f\xfd"];
    let skippable = data.len() >= 4 && data[0] & 0xf0 == 0x50 && data[1..4] == *b"\x2a\x4d\x18";
    skippable || heads.iter().any(|head| data.starts_with(head))
}

fn judge(content: &[u8]) -> Result<Vec<Verdict>, Error> {
    static KEYS: OnceLock<Keys> = OnceLock::new();
    let scrap = Scrap::new(content);
    let inputs = [Input::new(
        Origin::File(scrap.path().to_owned()),
        Dialect::Ndjson,
    )];
    let check = Check {
        inputs: &inputs,
        keys: KEYS.get_or_init(|| Keys::new(&[]).unwrap()),
        signed: None,
        production_only: false,
        signed_bytes: true,
        max_line_bytes: LONGEST_LINE,
        threads: 1,
    };
    let mut all = Vec::new();
    let summary = postback::run(&check, |verdict| {
        all.push(verdict.clone());
        Ok(())
    })?;
    assert_eq!(summary.lines, all.len() as u64);
    assert_eq!(summary.judgements.values().sum::<u64>(), summary.lines);
    Ok(all)
}

fn written(verdict: &Verdict) -> String {
    let mut out = Vec::new();
    verdict.write(&mut out);
    String::from_utf8(out).unwrap()
}

/// A verdict is one line of JSON, and has reasons unless it is valid.
fn check_form(verdict: &Verdict) {
    let text = written(verdict);
    assert!(text.ends_with('\n') && text.matches('\n').count() == 1);
    let value: Value = serde_json::from_str(&text).unwrap();
    let is_valid = verdict.judgement == Judgement::Valid;
    assert_eq!(value["verdict"] == "valid", is_valid);
    assert_eq!(verdict.flaws.is_empty(), is_valid);
    assert_eq!(verdict.environment.is_some(), is_valid);
    let worst = verdict
        .flaws
        .iter()
        .map(|flaw| flaw.reason.judgement())
        .max();
    assert_eq!(worst.unwrap_or(Judgement::Valid), verdict.judgement);
}

/// Whether a line says what a genuine postback says, in every signed value.
fn is_genuine(line: &[u8]) -> bool {
    let line = std::str::from_utf8(line).unwrap();
    let own: Result<Map<String, Value>, _> = serde_json::from_str(line);
    GENUINE.lines().any(|genuine| {
        let genuine: Map<String, Value> = serde_json::from_str(genuine).unwrap();
        match (genuine.get("jws-string"), &own) {
            (Some(Value::String(jws)), own) => {
                let given = match own {
                    Ok(own) => own.get("jws-string").and_then(Value::as_str),
                    Err(_) => Some(line.trim()),
                };
                let signed = jws.rsplit_once('.').unwrap().0;
                given
                    .and_then(|given| given.rsplit_once('.'))
                    .map(|own| own.0)
                    == Some(signed)
            }
            (_, Ok(own)) => {
                let names = || {
                    genuine
                        .keys()
                        .filter(|name| !UNSIGNED.contains(&name.as_str()))
                };
                let optional = ["source-app-id", "source-domain"];
                // Up to 3.0 the site's name is not signed.
                let signs = |name: &&&str| **name == optional[0] || genuine["version"] == "4.0";
                names().all(|name| genuine.get(name) == own.get(name))
                    && optional
                        .iter()
                        .filter(signs)
                        .all(|name| genuine.get(*name) == own.get(*name))
            }
            _ => false,
        }
    })
}

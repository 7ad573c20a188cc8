//! What was signed, as counts: how many records of each network, app and
//! campaign code. Postbacks are matched with these, not with impressions:
//! nothing in a postback names one.
//!
//! A postback may tell the last digits of a code only; then it matches every
//! signed code that ends so. This file must not know what a postback looks
//! like. Each network, app and code takes about 60 bytes, however often it was
//! signed.

use std::collections::{BTreeMap, HashMap};

use crate::error::Error;
use crate::format::postback::{Role, role_of_signed};
use crate::row::Input;
use crate::verify::{self, Said, Survey};

use super::verdict::{list, member, text_member};

/// The largest campaign code.
const LARGEST: u64 = 9999;

/// How many codes a match names.
const NAMED: usize = 8;

/// How often each code was signed, by its role, for one network and app.
type Codes = BTreeMap<(Role, u64), u64>;

type Networks = HashMap<String, HashMap<u64, Codes>>;

/// What was signed.
#[derive(Default)]
pub struct Signed {
    networks: Networks,
    /// How much was read.
    pub survey: Survey,
    /// How many records in it postbacks may come from.
    pub records: u64,
}

/// What of the signed files a postback may come from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Origin {
    /// Nothing.
    None,
    /// One code.
    One {
        /// The code, whole.
        code: u64,
        /// How many records with it were signed.
        records: u64,
    },
    /// Several codes end in the digits that the postback tells.
    Several {
        /// The first eight of them.
        codes: Vec<u64>,
        /// How many there are.
        of: u64,
    },
}

impl Origin {
    pub(super) fn write(&self, out: &mut Vec<u8>) {
        out.push(b'{');
        match self {
            Self::None => text_member("match", "none", out),
            Self::One { code, records } => {
                text_member("match", "one", out);
                member("code", &code.to_string(), out);
                member("records", &records.to_string(), out);
            }
            Self::Several { codes, of } => {
                text_member("match", "several", out);
                super::verdict::name("codes", out);
                list(codes, out, |code, out| {
                    out.extend_from_slice(code.to_string().as_bytes());
                });
                member("of", &of.to_string(), out);
            }
        }
        out.push(b'}');
    }
}

impl Signed {
    /// Reads signed files of any format and shape. They are not verified.
    ///
    /// # Errors
    /// When a file cannot be read.
    pub fn read(inputs: &[Input], threads: usize) -> Result<Self, Error> {
        let mut all = Self::default();
        let (networks, records) = (&mut all.networks, &mut all.records);
        all.survey = verify::survey(inputs, threads, take, |batch: Networks| {
            for (network, apps) in batch {
                let own = networks.entry(network).or_default();
                for (app, codes) in apps {
                    let own = own.entry(app).or_default();
                    for (code, count) in codes {
                        *records += count;
                        *own.entry(code).or_default() += count;
                    }
                }
            }
        })?;
        Ok(all)
    }

    /// What a postback of this network and app with these digits may come
    /// from.
    pub(super) fn find(&self, network: &str, app: u64, role: Role, digits: &str) -> Origin {
        let apps = self.networks.get(network);
        let Some(codes) = apps.and_then(|apps| apps.get(&app)) else {
            return Origin::None;
        };
        let mut found = candidates(role, digits).filter_map(|code| {
            let records = codes.get(&(role, code))?;
            Some((code, *records))
        });
        let Some((code, records)) = found.next() else {
            return Origin::None;
        };
        let others: Vec<u64> = found.map(|(code, _)| code).collect();
        match others.len() {
            0 => Origin::One { code, records },
            many => {
                let all = std::iter::once(code).chain(others);
                Origin::Several {
                    codes: all.take(NAMED).collect(),
                    of: many as u64 + 1,
                }
            }
        }
    }

    /// Everything that was signed: network, app, role, code, and how often.
    pub(super) fn iter(&self) -> impl Iterator<Item = (&str, u64, Role, u64, u64)> {
        self.networks.iter().flat_map(|(network, apps)| {
            apps.iter().flat_map(move |(app, codes)| {
                codes.iter().map(move |((role, code), count)| {
                    (network.as_str(), *app, *role, *code, *count)
                })
            })
        })
    }
}

/// The codes that may be told as these digits, the shortest first.
fn candidates(role: Role, digits: &str) -> impl Iterator<Item = u64> + use<> {
    let own = digits.parse::<u64>().ok();
    let power = u32::try_from(digits.len()).unwrap_or(u32::MAX);
    let step = 10_u64.checked_pow(power).unwrap_or(u64::MAX);
    // A code has no leading zeros, so that 09 is the end of a longer one only.
    let is_whole = own.is_some_and(|own| own.to_string() == digits);
    let whole = own.filter(|_| is_whole);
    let longer = own.filter(|_| role == Role::Source).into_iter();
    let longer = longer.flat_map(move |own| {
        let more = (1..).map(move |n: u64| own.saturating_add(n.saturating_mul(step)));
        more.take_while(|code| *code <= LARGEST)
    });
    whole.into_iter().chain(longer)
}

fn take(networks: &mut Networks, said: &Said<'_>) {
    let (mut network, mut app, mut code) = (None, None, None);
    for (field, value) in said.format.fields.iter().zip(said.values) {
        let Some(text) = value else { continue };
        match role_of_signed(said.format, field) {
            Some(Role::Network) => network = Some(text),
            Some(Role::App) => app = text.parse::<u64>().ok(),
            Some(role) => code = text.parse::<u64>().ok().map(|code| (role, code)).or(code),
            None => {}
        }
    }
    let (Some(network), Some(app), Some(code)) = (network, app, code) else {
        return;
    };
    let apps = match networks.get_mut(network.as_ref()) {
        Some(apps) => apps,
        None => networks.entry(network.to_string()).or_default(),
    };
    *apps.entry(app).or_default().entry(code).or_default() += 1;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_candidates_are_the_codes_that_end_in_the_digits() {
        let mut wanted: HashMap<String, Vec<u64>> = HashMap::new();
        // Codes are signed without leading zeros.
        for code in 0..=LARGEST {
            let text = code.to_string();
            for from in 0..text.len() {
                wanted
                    .entry(text[from..].to_owned())
                    .or_default()
                    .push(code);
            }
        }
        for number in 0..=LARGEST {
            for digits in [2, 3, 4].map(|width| format!("{number:0width$}")) {
                let found: Vec<u64> = candidates(Role::Source, &digits).collect();
                let wanted = wanted.get(&digits).cloned().unwrap_or_default();
                assert_eq!(found, wanted, "{digits}");
            }
        }
    }

    #[test]
    fn a_campaign_is_told_whole() {
        let found = |digits| candidates(Role::Campaign, digits).collect::<Vec<_>>();
        assert_eq!(found("42"), [42]);
        assert_eq!(found("100"), [100]);
        assert_eq!(found("18446744073709551615"), [u64::MAX]);
        assert_eq!(found("no number"), [0; 0]);
    }
}

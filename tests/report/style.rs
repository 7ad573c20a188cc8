//! Colours of the page, computed from its own style: words stand out from what
//! is behind them, in light, in dark and on paper.

use std::collections::BTreeMap;

use crate::runs::{page, with_rejects};

/// The colours under `:root` from here on, by their names.
fn colours(style: &str, from: &str) -> BTreeMap<String, [f64; 3]> {
    let (_, rest) = style.split_once(from).unwrap();
    let (_, rest) = rest.split_once(":root {").unwrap();
    let (block, _) = rest.split_once('}').unwrap();
    let declarations = block
        .split(';')
        .filter_map(|own| own.trim().split_once(": #"));
    declarations
        .map(|(name, hex)| {
            let part = |at: usize| u8::from_str_radix(&hex[at..at + 2], 16).unwrap();
            let linear = |at: usize| {
                let part = f64::from(part(at)) / 255.0;
                match part <= 0.040_45 {
                    true => part / 12.92,
                    false => ((part + 0.055) / 1.055).powf(2.4),
                }
            };
            (name.to_owned(), [linear(0), linear(2), linear(4)])
        })
        .collect()
}

/// The contrast of WCAG 2.2.
fn contrast(one: [f64; 3], other: [f64; 3]) -> f64 {
    let light = |[r, g, b]: [f64; 3]| 0.2126 * r + 0.7152 * g + 0.0722 * b;
    let (one, other) = (light(one) + 0.05, light(other) + 0.05);
    one.max(other) / one.min(other)
}

#[test]
fn words_stand_out_in_light_in_dark_and_on_paper() {
    let style = page(&with_rejects(), "out.ndjson.manifest.json").style;
    for scheme in ["", "(prefers-color-scheme: dark)", "@media print"] {
        let colours = colours(&style, scheme);
        assert_eq!(colours.len(), 12, "{scheme}: {colours:?}");
        for (words, behind, least) in [
            ("ink", "paper", 7.0),
            ("ink", "panel", 7.0),
            ("ink", "well-wash", 7.0),
            ("ink", "look-wash", 7.0),
            ("ink", "bad-wash", 7.0),
            ("soft", "paper", 4.5),
            ("soft", "panel", 4.5),
            ("soft", "well-wash", 4.5),
            ("soft", "look-wash", 4.5),
            ("soft", "bad-wash", 4.5),
            ("mark", "paper", 4.5),
            ("mark", "panel", 4.5),
            ("mark", "well-wash", 4.5),
            ("mark", "look-wash", 4.5),
            ("mark", "bad-wash", 4.5),
            ("well", "well-wash", 4.5),
            ("look", "look-wash", 4.5),
            ("bad", "bad-wash", 4.5),
            ("well", "paper", 4.5),
            ("look", "paper", 4.5),
            ("bad", "paper", 4.5),
            // Remarks of one weight stand on the wash of a weightier one.
            ("well", "look-wash", 4.5),
            ("well", "bad-wash", 4.5),
            ("look", "bad-wash", 4.5),
        ] {
            let colour = |name: &str| colours[&format!("--{name}")];
            let found = contrast(colour(words), colour(behind));
            assert!(found >= least, "{scheme} {words} on {behind}: {found:.2}");
        }
    }
}

#[test]
fn the_contrast_is_computed_as_wcag_has_it() {
    let colours = colours(":root { --a: #ffffff; --b: #000000; --c: #777777; }", "");
    let of = |one: &str, other: &str| contrast(colours[one], colours[other]);
    assert!((of("--a", "--b") - 21.0).abs() < 1e-9);
    assert!((of("--a", "--c") - 4.48).abs() < 0.01);
}

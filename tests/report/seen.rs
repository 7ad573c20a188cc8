//! The page as it is seen, in Chromium: in light and dark, on a telephone and
//! on paper, by keyboard, without colour, and with nothing asked of a network.

use std::path::PathBuf;

use serde_json::{Value, json};

use crate::browser::{Browser, browser};
use crate::runs::{impressions, in_parts, of_format, page, with_rejects};
use crate::workdir::Workdir;
use campaign_signer::format::FORMATS;

const TAB: char = '\u{e004}';
const ENTER: char = '\u{e007}';

/// A page with everything on it: several runs, rejects, damage, a chart,
/// parts, long names. Its folder must live as long.
fn full_page() -> (Vec<Workdir>, PathBuf) {
    let (rejects, parts) = (with_rejects(), in_parts());
    let mut manifest: Value =
        serde_json::from_str(&rejects.text("out.ndjson.manifest.json")).unwrap();
    let pace: Vec<Value> = (0..=30_u64)
        .map(|at| json!([at * 60, at * at * 1000, at * at * 700]))
        .collect();
    manifest["run"]["pace"] = json!(pace);
    manifest["job_id"] = "a-job-id-without-a-single-space-".repeat(8).into();
    rejects.write("out.ndjson.manifest.json", manifest.to_string());
    let mut arguments = format!(
        "out.ndjson.manifest.json {} --at 2026-01-02T00:00:00Z",
        parts.path("parts").display()
    );
    for format in FORMATS {
        of_format(&rejects, format, "");
        arguments.push_str(&format!(" {}.ndjson.manifest.json", format.id));
    }
    page(&rejects, &arguments);
    let path = rejects.path("page.html");
    (vec![rejects, parts], path)
}

/// Looks at a page of one run, and at one of many, in light and dark.
fn each(browser: &Browser, mut look: impl FnMut(&str)) {
    let one = with_rejects();
    page(&one, "out.ndjson.manifest.json");
    let (_folders, many) = full_page();
    for path in [one.path("page.html"), many] {
        for scheme in ["light", "dark"] {
            browser.set(1100, scheme, "");
            browser.open(&path);
            look(&format!("{} {scheme}", path.display()));
        }
    }
}

/// Gives every pair of words and background with too little contrast, as it is
/// computed for what is really shown.
const CONTRAST: &str = r#"
const channels = text => text.match(/[\d.]+/g).map(Number);
const linear = part => {
  part /= 255;
  return part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4;
};
const light = ([r, g, b]) => 0.2126 * linear(r) + 0.7152 * linear(g) + 0.0722 * linear(b);
const behind = element => {
  for (let own = element; own; own = own.parentElement) {
    const colour = channels(getComputedStyle(own).backgroundColor);
    if (colour.length === 3 || colour[3] === 1) return colour;
  }
  return null;
};
const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
const bad = [];
let seen = 0;
while (walker.nextNode()) {
  const element = walker.currentNode.parentElement;
  if (!walker.currentNode.data.trim() || !element.checkVisibility()) continue;
  seen += 1;
  const style = getComputedStyle(element);
  const ground = behind(element);
  const [one, other] = [light(channels(style.color)), light(ground)];
  const contrast = (Math.max(one, other) + 0.05) / (Math.min(one, other) + 0.05);
  if (contrast < 4.5) bad.push([walker.currentNode.data.trim(), style.color, ground.join(), contrast]);
}
return { seen, bad, paper: behind(document.body).join() };
"#;

#[test]
fn words_are_read_in_light_and_in_dark() {
    let Some(browser) = browser() else { return };
    let mut papers = Vec::new();
    each(&browser, |what| {
        let found = browser.run(CONTRAST);
        assert_eq!(found["bad"], json!([]), "{what}");
        assert!(found["seen"].as_u64().unwrap() > 100, "{what}: {found}");
        papers.push(found["paper"].clone());
    });
    assert_eq!(papers[0], papers[2]);
    assert_ne!(papers[0], papers[1]);
}

#[test]
fn nothing_is_asked_of_a_network_and_nothing_goes_wrong() {
    let Some(browser) = browser() else { return };
    each(&browser, |what| {
        let requests = browser.requests();
        // The browser's own pages are not the page's business.
        let own = |url: &String| {
            let is_page = url.starts_with("file:///") && url.ends_with("/page.html");
            is_page || url.starts_with("chrome://")
        };
        assert!(requests.iter().all(own), "{what}: {requests:?}");
        assert!(
            requests.iter().any(|url| url.starts_with("file:")),
            "{what}"
        );
        let said = browser.log("browser");
        assert!(said.is_empty(), "{what}: {said:?}");
    });
    // The policy is in force: what a page does not have it may not get.
    let done = browser.run(
        "const style = document.createElement('style');
         style.textContent = 'body { display: none }';
         document.body.append(style);
         const image = document.createElement('img');
         image.src = 'data:image/gif;base64,R0lGODlhAQABAAAAACw=';
         document.body.append(image);
         return getComputedStyle(document.body).display;",
    );
    assert_eq!(done, "block");
    let said = browser.log("browser");
    assert!(
        said.iter()
            .any(|entry| entry.to_string().contains("Content Security Policy"))
    );
}

#[test]
fn a_page_fits_its_window_and_only_wide_tables_are_moved() {
    let Some(browser) = browser() else { return };
    let (_folders, path) = full_page();
    for width in [320, 360, 768, 1100, 1920] {
        browser.set(width, "light", "");
        browser.open(&path);
        let opened = "for (const own of document.querySelectorAll('details')) own.open = true;";
        let found = browser.run(&format!(
            "{opened}
             const outside = [...document.querySelectorAll('body *')].filter(own =>
               !own.closest('.frame') && !own.matches('.skip')
               && own.getBoundingClientRect().right > innerWidth + 0.5);
             return [document.documentElement.scrollWidth, innerWidth,
                     outside.map(own => own.outerHTML.slice(0, 200))];"
        ));
        assert_eq!(found, json!([width, width, []]));
    }
}

#[test]
fn the_keyboard_goes_through_the_page_in_its_order_and_is_seen_where_it_is() {
    let Some(browser) = browser() else { return };
    let workdir = with_rejects();
    page(&workdir, "out.ndjson.manifest.json");
    browser.set(1100, "light", "");
    browser.open(&workdir.path("page.html"));
    let focusable =
        "const all = [...document.querySelectorAll('a[href], summary, [tabindex=\"0\"]')]
       .filter(own => own.checkVisibility());";
    let many = browser.run(&format!("{focusable} return all.length;"));
    let many = many.as_u64().unwrap();
    assert!(many > 20, "{many}");
    for nth in 0..many {
        browser.press(TAB);
        let found = browser.run(&format!(
            "{focusable} const own = document.activeElement; const style = getComputedStyle(own);
             const box = own.getBoundingClientRect();
             return [all.indexOf(own), style.outlineStyle, parseFloat(style.outlineWidth) >= 2,
                     box.width > 0 && box.left >= 0 && box.top < innerHeight, own.outerHTML.slice(0, 200)];"
        ));
        let wanted = [json!(nth), json!("solid"), json!(true), json!(true)];
        assert_eq!(found.as_array().unwrap()[..4], wanted, "{found}");
    }
    // The first stop leads to the report, past the navigation.
    browser.open(&workdir.path("page.html"));
    browser.press(TAB);
    browser.press(ENTER);
    assert_eq!(browser.run("return document.activeElement.id"), "content");
    browser.press(TAB);
    let inside = "return document.activeElement.closest('main') !== null";
    assert_eq!(browser.run(inside), true);
    // What is folded is unfolded.
    let folded = "window.own = document.querySelector('details:not([open]) > summary');
                  own.focus(); return own.parentElement.open;";
    assert_eq!(browser.run(folded), false);
    browser.press(ENTER);
    assert_eq!(browser.run("return own.parentElement.open"), true);
}

#[test]
fn the_chart_has_a_name_and_words_for_who_does_not_see_it() {
    let Some(browser) = browser() else { return };
    let (_folders, path) = full_page();
    browser.set(1100, "light", "");
    browser.open(&path);
    let tree = browser.command("Accessibility.getFullAXTree", json!({}));
    let nodes = tree["nodes"].as_array().unwrap();
    let of = |role: &str| -> Vec<&Value> {
        let is_it = |node: &&Value| node["role"]["value"] == role && node["ignored"] == false;
        nodes.iter().filter(is_it).collect()
    };
    let pictures = of("image");
    let pictures = if pictures.is_empty() {
        of("img")
    } else {
        pictures
    };
    assert!(!pictures.is_empty());
    assert_eq!(pictures[0]["name"]["value"], "Rows per second");
    let says = pictures[0]["description"]["value"].as_str().unwrap();
    assert!(
        says.contains("rows per second on average over 30 min 0 s"),
        "{says}"
    );
    for role in ["table", "region"] {
        let all = of(role);
        assert!(all.len() > 20, "{role}: {}", all.len());
        let named = |node: &&Value| {
            node["name"]["value"]
                .as_str()
                .is_some_and(|name| !name.is_empty())
        };
        assert!(all.iter().all(named), "{role}");
    }
    assert!(!of("navigation").is_empty() && !of("main").is_empty());
}

#[test]
fn without_colour_verdicts_are_told_apart_by_words_and_shapes_and_shares_by_length() {
    let Some(browser) = browser() else { return };
    let (_folders, path) = full_page();
    browser.set(1100, "light", "");
    browser.open(&path);
    let found = browser.run(
        "const verdicts = [...document.querySelectorAll('#overview td:has(.mark)')];
         const pairs = verdicts.map(own => own.innerText.trim() + '|'
           + [...own.querySelectorAll('.mark > *')].map(part => part.outerHTML).join());
         const shares = [...document.querySelectorAll('td.share')].filter(own => own.checkVisibility());
         const wrong = shares.filter(own => {
           const [all, part] = [...own.querySelectorAll('rect')].map(
             rect => rect.getBoundingClientRect().width);
           const says = own.innerText.trim();
           const percent = parseFloat(says.replace(/[<>]/, ''));
           return !says.endsWith('%') || Math.abs(part / all * 100 - percent) > 0.5;
         });
         return [[...new Set(pairs)].sort(), shares.length, wrong.map(own => own.outerHTML)];",
    );
    let pairs = found[0].as_array().unwrap();
    let words = |pair: &Value| pair.as_str().unwrap().split_once('|').unwrap().0.to_owned();
    let shapes = |pair: &Value| pair.as_str().unwrap().split_once('|').unwrap().1.to_owned();
    let words: std::collections::BTreeSet<String> = pairs.iter().map(words).collect();
    let shapes: std::collections::BTreeSet<String> = pairs.iter().map(shapes).collect();
    assert!(words.len() >= 2 && words.len() == pairs.len(), "{pairs:?}");
    assert_eq!(shapes.len(), words.len(), "{pairs:?}");
    assert!(found[1].as_u64().unwrap() > 20, "{found}");
    assert_eq!(found[2], json!([]));
}

#[test]
fn on_paper_everything_is_unfolded_and_nothing_is_cut() {
    let Some(browser) = browser() else { return };
    let workdir = Workdir::new();
    workdir.write("rows.csv", impressions(400, 10));
    workdir
        .run("sign -f skan-view -k key.pem --ignore-unknown rows.csv -o out.ndjson")
        .exit(1);
    page(&workdir, "out.ndjson.manifest.json");
    browser.set(794, "dark", "print");
    browser.open(&workdir.path("page.html"));
    let found = browser.run(
        "const shown = own => own.getBoundingClientRect().height > 0;
         const folded = [...document.querySelectorAll('details > :not(summary)')];
         return [shown(document.querySelector('nav')), folded.length > 0, folded.every(shown),
                 document.documentElement.scrollWidth <= innerWidth,
                 getComputedStyle(document.body).backgroundColor];",
    );
    let paper = "rgb(255, 255, 255)";
    assert_eq!(found, json!([false, true, true, true, paper]));
}

//! Reads a page's markup: enough of HTML for what this program writes, and
//! strict about it.

use std::collections::BTreeSet;

/// Elements that have no end.
const VOID: &[&str] = &["br", "meta"];

/// Every element that a page is made of. None of them fetches, runs or sends
/// anything.
const ELEMENTS: &[&str] = &[
    "a",
    "b",
    "bdi",
    "body",
    "br",
    "caption",
    "circle",
    "code",
    "dd",
    "details",
    "div",
    "dl",
    "dt",
    "figcaption",
    "figure",
    "footer",
    "h1",
    "h2",
    "h3",
    "h4",
    "head",
    "header",
    "html",
    "li",
    "main",
    "meta",
    "nav",
    "p",
    "path",
    "pre",
    "rect",
    "section",
    "span",
    "strong",
    "style",
    "summary",
    "svg",
    "table",
    "tbody",
    "td",
    "th",
    "thead",
    "title",
    "tr",
    "ul",
];

/// Every attribute.
const ATTRIBUTES: &[&str] = &[
    "aria-describedby",
    "aria-hidden",
    "aria-label",
    "aria-labelledby",
    "charset",
    "class",
    "content",
    "cx",
    "cy",
    "d",
    "focusable",
    "height",
    "href",
    "http-equiv",
    "id",
    "lang",
    "name",
    "open",
    "preserveAspectRatio",
    "r",
    "role",
    "scope",
    "tabindex",
    "viewBox",
    "width",
];

/// A start tag.
#[derive(Debug)]
pub(crate) struct Tag {
    pub(crate) name: String,
    pub(crate) attributes: Vec<(String, String)>,
    /// The elements it is in.
    inside: Vec<String>,
}

impl Tag {
    pub(crate) fn attribute(&self, name: &str) -> Option<&str> {
        let mut all = self.attributes.iter();
        all.find(|(own, _)| own == name)
            .map(|(_, value)| value.as_str())
    }
}

/// A page, read.
pub(crate) struct Page {
    pub(crate) html: String,
    pub(crate) tags: Vec<Tag>,
    /// What a person reads, with a space wherever there is a tag.
    pub(crate) text: String,
    pub(crate) style: String,
}

impl Page {
    #[track_caller]
    pub(crate) fn of(html: String) -> Self {
        let (mut tags, mut text, mut style) = (Vec::new(), String::new(), String::new());
        let mut open: Vec<String> = Vec::new();
        let mut rest = html.strip_prefix("<!DOCTYPE html>\n").unwrap();
        while let Some(at) = rest.find('<') {
            let (before, tag) = rest.split_at(at);
            match open.last().map(String::as_str) {
                Some("style") => style.push_str(before),
                _ => text.push_str(&read(before)),
            }
            text.push(' ');
            let end = tag.find('>').unwrap();
            let inside = &tag[1..end];
            rest = &tag[end + 1..];
            if let Some(name) = inside.strip_prefix('/') {
                assert_eq!(open.pop().as_deref(), Some(name), "{before}");
                continue;
            }
            let name = inside.split(' ').next().unwrap().to_owned();
            let attributes = attributes(&inside[name.len()..]);
            tags.push(Tag {
                name: name.clone(),
                attributes,
                inside: open.clone(),
            });
            if !VOID.contains(&name.as_str()) {
                open.push(name);
            }
        }
        assert!(open.is_empty(), "{open:?}");
        assert_eq!(rest.trim(), "");
        let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
        Self {
            html,
            tags,
            text,
            style,
        }
    }

    pub(crate) fn all(&self, name: &str) -> impl Iterator<Item = &Tag> {
        self.tags.iter().filter(move |tag| tag.name == name)
    }

    #[track_caller]
    pub(crate) fn says(&self, text: &str) -> &Self {
        assert!(self.text.contains(text), "{text:?} in {}", self.text);
        self
    }

    #[track_caller]
    pub(crate) fn is_silent_of(&self, text: &str) -> &Self {
        assert!(!self.text.contains(text), "{text:?} in {}", self.text);
        self
    }

    /// What holds of every page, whatever it tells of.
    #[track_caller]
    pub(crate) fn check(&self) {
        let mut ids = BTreeSet::new();
        for tag in &self.tags {
            assert!(ELEMENTS.contains(&tag.name.as_str()), "{tag:?}");
            for (name, value) in &tag.attributes {
                assert!(ATTRIBUTES.contains(&name.as_str()), "{tag:?}");
                if name == "id" {
                    assert!(ids.insert(value.as_str()), "twice: {value}");
                }
            }
        }
        for tag in &self.tags {
            for name in ["href", "aria-labelledby", "aria-describedby"] {
                let Some(value) = tag.attribute(name) else {
                    continue;
                };
                let id = match name {
                    "href" => value.strip_prefix('#').unwrap(),
                    _ => value,
                };
                assert!(ids.contains(id), "{tag:?} leads nowhere");
            }
            match tag.name.as_str() {
                "th" => assert!(tag.attribute("scope").is_some(), "{tag:?}"),
                "html" => assert_eq!(tag.attribute("lang"), Some("en")),
                // A picture has a name, or is passed over.
                "svg" => assert!(
                    tag.attribute("aria-hidden") == Some("true")
                        || tag.attribute("aria-labelledby").is_some()
                ),
                _ => {}
            }
        }
        let count = |name| self.all(name).count();
        assert_eq!(count("table"), count("caption"));
        for name in ["h1", "main", "title", "nav", "style"] {
            assert_eq!(count(name), 1, "{name}");
        }
        self.check_headings();
        self.check_policy();
        for word in ["url(", "@import", "expression", "http:", "https:"] {
            assert!(!self.style.contains(word), "{word}");
        }
    }

    /// No level of headings is left out.
    #[track_caller]
    fn check_headings(&self) {
        let mut last = 0;
        for tag in &self.tags {
            let level = tag
                .name
                .strip_prefix('h')
                .and_then(|level| level.parse().ok());
            let Some(level) = level else { continue };
            assert!(level <= last + 1, "h{level} after h{last}");
            last = level;
        }
    }

    /// Nothing may be fetched, run or sent; of styles only the page's own.
    #[track_caller]
    fn check_policy(&self) {
        use base64::Engine as _;
        use sha2::{Digest, Sha256};
        let mut metas = self.all("meta");
        let is_policy = |tag: &&Tag| tag.attribute("http-equiv") == Some("Content-Security-Policy");
        let policy = metas.find(is_policy).unwrap();
        let digest = Sha256::digest(&self.style);
        let digest = base64::engine::general_purpose::STANDARD.encode(digest);
        assert_eq!(
            policy.attribute("content").unwrap(),
            format!(
                "default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action \
                 'none'"
            )
        );
        assert_eq!(policy.inside, ["html", "head"]);
    }
}

/// Attributes, each with its value in double quotes.
#[track_caller]
fn attributes(text: &str) -> Vec<(String, String)> {
    let mut all = Vec::new();
    let mut rest = text.trim_start();
    while !rest.is_empty() {
        let (name, after) = rest.split_once("=\"").unwrap();
        let (value, after) = after.split_once('"').unwrap();
        all.push((name.to_owned(), read(value)));
        rest = after.trim_start();
    }
    all
}

/// Text without its entities; an ampersand that is none is a mistake.
#[track_caller]
fn read(text: &str) -> String {
    let mut out = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('&') {
        let (entity, after) = after.split_once(';').unwrap();
        out.push_str(before);
        out.push(match entity {
            "amp" => '&',
            "lt" => '<',
            "gt" => '>',
            "quot" => '"',
            "#39" => '\'',
            other => panic!("&{other};"),
        });
        rest = after;
    }
    out + rest
}

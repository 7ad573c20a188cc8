//! Markup, made so that nothing of a file becomes markup: tags and attribute
//! names are words of this program's source, and all other text goes through
//! [`escape`]. It must not know what a page says.

use std::borrow::Cow;
use std::fmt::Write as _;

/// How much of a value a page shows, in characters.
pub(super) const SHOWN: usize = 200;

/// An HTML text in the making.
#[derive(Default)]
pub(super) struct Html(String);

/// Names of attributes with their values.
pub(super) type Attributes<'a> = &'a [(&'static str, &'a str)];

impl Html {
    /// Markup of this program's own.
    pub(super) fn raw(&mut self, markup: &'static str) {
        self.0.push_str(markup);
    }

    /// Text.
    pub(super) fn text(&mut self, text: &str) {
        escape(text, &mut self.0);
    }

    /// A start tag.
    pub(super) fn open(&mut self, tag: &'static str, attributes: Attributes<'_>) {
        self.0.push('<');
        self.0.push_str(tag);
        for (name, value) in attributes {
            self.0.push(' ');
            self.0.push_str(name);
            self.0.push_str("=\"");
            escape(value, &mut self.0);
            self.0.push('"');
        }
        self.0.push('>');
    }

    /// An end tag, and the end of a line where it ends a block.
    pub(super) fn close(&mut self, tag: &'static str) {
        self.0.push_str("</");
        self.0.push_str(tag);
        self.0.push('>');
        if !matches!(tag, "a" | "b" | "bdi" | "code" | "span" | "strong" | "time") {
            self.0.push('\n');
        }
    }

    /// An element with something in it.
    pub(super) fn element(
        &mut self,
        tag: &'static str,
        attributes: Attributes<'_>,
        inside: impl FnOnce(&mut Self),
    ) {
        self.open(tag, attributes);
        inside(self);
        self.close(tag);
    }

    /// An element with text in it.
    pub(super) fn line(&mut self, tag: &'static str, attributes: Attributes<'_>, text: &str) {
        self.element(tag, attributes, |html| html.text(text));
    }

    /// A value of a file, cut where it is long; its writing direction is its
    /// own business.
    pub(super) fn value(&mut self, text: &str) {
        self.line("bdi", &[], &cut(text, SHOWN));
    }

    /// The text so far.
    pub(super) fn into_text(self) -> String {
        self.0
    }
}

/// Appends text so that it is text in every place of a page, and so that all
/// of it is seen: what has no shape of its own, or turns the direction of what
/// follows, is named instead.
fn escape(text: &str, out: &mut String) {
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            // The pictures of the control characters stand in their order.
            '\0'..='\u{1f}' => {
                out.push(char::from_u32(0x2400 + u32::from(c)).unwrap_or('\u{fffd}'));
            }
            '\u{7f}' => out.push('\u{2421}'),
            c if is_unseen(c) => {
                // Writing to a String cannot fail.
                let _ = write!(out, "[U+{:04X}]", u32::from(c));
            }
            c => out.push(c),
        }
    }
}

/// Whether a character has no shape, or moves others.
fn is_unseen(c: char) -> bool {
    matches!(
        c,
        '\u{80}'..='\u{9f}'
            | '\u{ad}'
            | '\u{61c}'
            | '\u{115f}'..='\u{1160}'
            | '\u{180e}'
            | '\u{200b}'..='\u{200f}'
            | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}'
            | '\u{3164}'
            | '\u{fe00}'..='\u{fe0f}'
            | '\u{feff}'
            | '\u{ffa0}'
            | '\u{fff0}'..='\u{fffb}'
            | '\u{fffe}'..='\u{ffff}'
            | '\u{e0000}'..='\u{e0fff}'
    )
}

/// The beginning of a text that is longer than so many characters, with its
/// length in characters.
pub(super) fn cut(text: &str, most: usize) -> Cow<'_, str> {
    match text.char_indices().nth(most) {
        None => Cow::Borrowed(text),
        Some((end, _)) => {
            let length = super::words::number(text.chars().count() as u64);
            Cow::Owned(format!("{}… ({length} characters)", &text[..end]))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn escaped(text: &str) -> String {
        let mut out = String::new();
        escape(text, &mut out);
        out
    }

    #[test]
    fn text_is_text_and_all_of_it_is_seen() {
        for (text, wanted) in [
            ("plain words, größer 日本", "plain words, größer 日本"),
            (
                "<script>alert('1')</script>",
                "&lt;script&gt;alert(&#39;1&#39;)&lt;/script&gt;",
            ),
            ("a\" onload=\"b & c", "a&quot; onload=&quot;b &amp; c"),
            ("gnp.exe\u{202e}", "gnp.exe[U+202E]"),
            ("a\u{200b}b\u{2066}c\u{feff}", "a[U+200B]b[U+2066]c[U+FEFF]"),
            ("two\nlines\tand\0", "two␊lines␉and␀"),
            ("\u{1b}[31mred\u{7f}", "␛[31mred␡"),
            ("\u{e0041}", "[U+E0041]"),
        ] {
            assert_eq!(escaped(text), wanted);
        }
    }

    #[test]
    fn no_character_at_all_can_leave_its_place() {
        for c in (0..=u32::from(char::MAX)).filter_map(char::from_u32) {
            let out = escaped(&c.to_string());
            let is_safe = |c: char| !"<>\"'".contains(c) && !c.is_control();
            assert!(out.chars().all(is_safe), "U+{:04X}", u32::from(c));
            assert!(!out.contains('&') || out.ends_with(';'), "{out}");
        }
    }

    #[test]
    fn a_long_value_is_cut_between_characters_and_its_length_is_told() {
        assert_eq!(cut("größe", 5), "größe");
        assert_eq!(cut("größer", 4), "größ… (6 characters)");
        let long = "x".repeat(1 << 20);
        assert_eq!(cut(&long, 3), "xxx… (1,048,576 characters)");
    }

    #[test]
    fn attributes_are_escaped_as_text_is() {
        let mut html = Html::default();
        html.line("td", &[("title", "a\"><b")], "<i>");
        assert_eq!(
            html.into_text(),
            "<td title=\"a&quot;&gt;&lt;b\">&lt;i&gt;</td>\n"
        );
    }
}

//! An item as text for a person, and the same as JSON. It must not know what
//! is shown.

use std::fmt::Write;

use crate::json::{self, Shape};

use super::item::{Fact, Item, Section};

/// The column in which the text of a section begins.
const COLUMN: usize = 15;

impl Item {
    /// The item for a person, several lines. Control characters are escaped.
    #[must_use]
    pub fn to_text(&self) -> String {
        let mut out = self.title.clone();
        if !self.path.is_empty() {
            let _ = write!(out, ", at {}", self.path);
        }
        out.push('\n');
        for section in &self.sections {
            text_section(section, &mut out);
        }
        if !self.warnings.is_empty() {
            out.push_str("\nwarnings\n");
        }
        for warning in &self.warnings {
            let at = match warning.at.as_str() {
                "" => String::new(),
                at => format!("{at}: "),
            };
            let _ = writeln!(out, "  {at}{} ({})", warning.says, warning.code);
        }
        visible(&out)
    }

    /// The item as one JSON object on one line; `line` is where it stands in
    /// its file.
    #[must_use]
    pub fn to_json(&self, line: Option<u64>) -> String {
        let mut out = String::from("{");
        if let Some(line) = line {
            let _ = write!(out, "\"line\":{line},");
        }
        let texts = [
            ("kind", Some(self.kind)),
            ("title", Some(self.title.as_str())),
            (
                "path",
                Some(self.path.as_str()).filter(|path| !path.is_empty()),
            ),
            ("format", self.format),
            ("shape", self.shape),
            ("version", self.version),
        ];
        for (name, text) in texts {
            if let Some(text) = text {
                let _ = write!(out, "\"{name}\":{},", quoted(text));
            }
        }
        for section in &self.sections {
            let _ = write!(out, "{}:", quoted(&section.name.replace(' ', "_")));
            json_section(section, &mut out);
            out.push(',');
        }
        let warnings = self.warnings.iter().map(|warning| {
            format!(
                "{{\"code\":{},\"at\":{},\"says\":{}}}",
                quoted(warning.code),
                quoted(&warning.at),
                quoted(&warning.says)
            )
        });
        let _ = write!(
            out,
            "\"warnings\":[{}]}}",
            warnings.collect::<Vec<_>>().join(",")
        );
        out
    }
}

fn text_section(section: &Section, out: &mut String) {
    match section.text.as_str() {
        "" => {
            let _ = writeln!(out, "\n{}", section.name);
        }
        text => {
            let _ = writeln!(out, "\n{:<COLUMN$}{text}", section.name);
        }
    }
    let width = |fact: &Fact| fact.name.chars().count();
    let width = section.facts.iter().map(width).max().unwrap_or(0).max(11);
    for fact in &section.facts {
        let note = match fact.note.as_str() {
            "" => String::new(),
            note => format!("  ({note})"),
        };
        let name = &fact.name;
        let _ = match fact.is_typed {
            true => writeln!(
                out,
                "  {name:<width$}  {:<7}  {}{note}",
                shape(fact),
                fact.json
            ),
            false => {
                let plain = json::string(&fact.json).unwrap_or(fact.json.as_str().into());
                writeln!(out, "  {name:<width$}  {plain}{note}")
            }
        };
    }
}

fn shape(fact: &Fact) -> &'static str {
    match Shape::of(&fact.json) {
        Shape::Array => "array",
        Shape::Boolean => "boolean",
        Shape::Null => "null",
        Shape::Number if fact.json.contains(['.', 'e', 'E']) => "number",
        Shape::Number => "integer",
        Shape::Object => "object",
        Shape::String => "string",
    }
}

/// `{"text":…,"members":{…},"notes":{…}}`, each only where there is one.
fn json_section(section: &Section, out: &mut String) {
    let mut parts = Vec::new();
    if !section.text.is_empty() {
        parts.push(format!("\"text\":{}", quoted(&section.text)));
    }
    if !section.facts.is_empty() {
        let members = section.facts.iter();
        let members = members.map(|fact| format!("{}:{}", name(fact), fact.json));
        parts.push(format!(
            "\"members\":{{{}}}",
            members.collect::<Vec<_>>().join(",")
        ));
    }
    let noted = section.facts.iter().filter(|fact| !fact.note.is_empty());
    let notes: Vec<String> = noted
        .map(|fact| format!("{}:{}", name(fact), quoted(&fact.note)))
        .collect();
    if !notes.is_empty() {
        parts.push(format!("\"notes\":{{{}}}", notes.join(",")));
    }
    let _ = write!(out, "{{{}}}", parts.join(","));
}

/// The name of a fact: what stands in a document keeps its own.
fn name(fact: &Fact) -> String {
    match fact.is_typed {
        true => quoted(&fact.name),
        false => quoted(&fact.name.replace(' ', "_")),
    }
}

fn quoted(text: &str) -> String {
    let mut out = Vec::new();
    json::write_string(text, &mut out);
    String::from_utf8(out).unwrap_or_default()
}

/// The text without characters that a terminal would obey or hide.
fn visible(text: &str) -> String {
    // Joiners stay: emoji and several scripts are written with them.
    let is_hidden = |c: char| {
        let turns = matches!(c, '\u{200e}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}');
        let is_blank = matches!(c, '\u{200b}' | '\u{feff}');
        (c.is_control() && c != '\n') || turns || is_blank
    };
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match is_hidden(c) {
            true => {
                let _ = write!(out, "\\u{{{:04x}}}", u32::from(c));
            }
            false => out.push(c),
        }
    }
    out
}

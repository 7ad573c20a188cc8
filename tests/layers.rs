//! Arrows point one way: a module imports only from lower ranks.
//!
//! The ranks are the architecture; CONTRIBUTING.md says what each module must
//! not know. Only `use crate::…` lines and `crate::…` paths are read, so a
//! comment may mention what it likes.
#![allow(clippy::unwrap_used)] // A failed unwrap is a failed test.

use std::fs;
use std::path::{Path, PathBuf};

/// Every module of the library with its rank. `damage`, `json`, `hex`, `parallel`, `sort`, `stop`,
/// `time` and `vector` are words that everybody may use.
const RANKS: &[(&str, u32)] = &[
    ("json", 0),
    ("damage", 0),
    ("hex", 0),
    ("vector", 0),
    ("sort", 0),
    ("stop", 0),
    ("time", 0),
    ("parallel", 0),
    ("format", 1),
    ("row", 1),
    ("stamp", 1),
    ("jws", 1),
    ("key", 1),
    ("signature", 1),
    ("record", 2),
    ("ring", 2),
    ("engine", 2),
    ("signing_input", 3),
    ("envelope", 4),
    ("terms", 5),
    ("output", 6),
    ("error", 7),
    ("choosing", 8),
    ("publishers", 8),
    ("rejects", 8),
    ("pipeline", 9),
    ("verify", 9),
    ("schema", 9),
    ("template", 9),
    ("ending", 10),
    ("inspect", 10),
    ("explain", 10),
    ("filter", 10),
    ("measure", 10),
    ("postback", 10),
    ("report", 10),
];

/// Words a module may not even say, beside the ranks: what CONTRIBUTING.md
/// says it must not know, in a form that a test can hold.
const FORBIDDEN: &[(&str, &[&str])] = &[
    (
        "format",
        &[
            "std::fs",
            "std::io",
            "std::thread",
            "SystemTime",
            "Timestamp::now",
            "csv::",
        ],
    ),
    ("stamp", &["std::fs", "Timestamp", "serde_json"]),
    ("jws", &["std::fs", "serde_json"]),
    ("signature", &["std::fs", "serde_json", "p256::"]),
    (
        "engine",
        &["std::fs", "std::thread", "serde_json", "base64", "rayon"],
    ),
    (
        "record",
        &[
            "std::fs",
            "std::thread",
            "Timestamp",
            "SystemTime",
            "rayon",
            "p256::",
        ],
    ),
    (
        "signing_input",
        &["std::fs", "std::io", "p256::", "Timestamp"],
    ),
    (
        "ring",
        &["SystemTime", "Timestamp::now", "std::env", "p256::"],
    ),
    ("envelope", &["std::fs", "std::io", "std::thread"]),
    ("output", &["serde_json::Value", "p256::", "hmac"]),
    (
        "postback",
        &[
            "SystemTime",
            "Timestamp",
            "p256::",
            "skadnetwork",
            "\"4.0\"",
        ],
    ),
    (
        "report",
        &[
            "std::fs",
            "std::io",
            "std::env",
            "SystemTime",
            "Timestamp::now",
            "Instant",
        ],
    ),
];

fn rank(module: &str) -> u32 {
    let found = RANKS.iter().find(|(name, _)| *name == module);
    found
        .unwrap_or_else(|| panic!("{module} has no rank in tests/layers.rs"))
        .1
}

fn files(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files(&path, found);
        } else if path.extension().is_some_and(|end| end == "rs") {
            found.push(path);
        }
    }
}

/// Every source file with the module it belongs to and its text without
/// comments and without its tests.
fn sources() -> Vec<(PathBuf, String, String)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut found = Vec::new();
    files(&root, &mut found);
    found
        .into_iter()
        .map(|path| {
            let inside = path.strip_prefix(&root).unwrap();
            let first = inside.components().next().unwrap().as_os_str();
            let module = first.to_str().unwrap().trim_end_matches(".rs").to_owned();
            let text = fs::read_to_string(&path).unwrap();
            let code = text.split("#[cfg(test)]").next().unwrap();
            let code = code
                .lines()
                .filter(|line| !line.trim_start().starts_with("//"))
                .collect::<Vec<_>>()
                .join("\n");
            (path, module, code)
        })
        .collect()
}

/// The modules named by `crate::name` in this code.
fn imports(code: &str) -> Vec<String> {
    code.split("crate::")
        .skip(1)
        .map(|rest| {
            let end = rest.find(|c: char| !c.is_alphanumeric() && c != '_');
            rest[..end.unwrap_or(rest.len())].to_owned()
        })
        .collect()
}

#[test]
fn a_module_imports_only_from_lower_ranks() {
    for (path, module, code) in sources() {
        if matches!(module.as_str(), "lib" | "main" | "cli") {
            continue;
        }
        for import in imports(&code) {
            let allowed = import == module || rank(&import) < rank(&module);
            assert!(allowed, "{} imports {import}", path.display());
        }
    }
}

#[test]
fn the_command_line_uses_the_public_library_alone() {
    for (path, module, code) in sources() {
        if matches!(module.as_str(), "main" | "cli") {
            let only_itself = imports(&code).iter().all(|module| module == "cli");
            assert!(only_itself, "{}", path.display());
        }
    }
}

#[test]
fn modules_do_not_say_what_they_must_not_know() {
    for (path, module, code) in sources() {
        for (_, words) in FORBIDDEN.iter().filter(|(name, _)| *name == module) {
            for word in *words {
                assert!(!code.contains(word), "{} says {word}", path.display());
            }
        }
    }
}

#[test]
fn only_one_file_starts_threads() {
    for (path, module, code) in sources() {
        let starts = ["std::thread", "rayon::", "thread::spawn"];
        let found = starts.iter().any(|word| code.contains(word));
        assert!(!found || module == "parallel", "{}", path.display());
    }
}

#[test]
fn no_code_outside_the_table_names_a_format() {
    for (path, module, code) in sources() {
        if module == "format" {
            continue;
        }
        for format in campaign_signer::format::FORMATS {
            let quoted = format!("\"{}\"", format.id);
            assert!(
                !code.contains(&quoted),
                "{} names {}",
                path.display(),
                format.id
            );
        }
    }
}

#[test]
fn every_file_says_what_it_is_and_stays_readable() {
    for (path, _, _) in sources() {
        let text = fs::read_to_string(&path).unwrap();
        if !path.ends_with("format/tests.rs") {
            assert!(
                text.starts_with("//!"),
                "{} has no first words",
                path.display()
            );
        }
        let lines = text.split("#[cfg(test)]").next().unwrap().lines().count();
        assert!(lines <= 450, "{} has {lines} lines", path.display());
    }
}

#[test]
fn every_module_has_a_rank() {
    let text =
        fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("src/lib.rs")).unwrap();
    for line in text.lines() {
        if let Some(module) = line.strip_prefix("pub mod ") {
            rank(module.trim_end_matches(';'));
        }
    }
}

#[test]
fn only_the_instructions_of_one_processor_family_are_unsafe() {
    for (path, _, code) in sources() {
        let blocks = code.matches("unsafe {").count();
        if path.ends_with("vector/avx512.rs") {
            let text = fs::read_to_string(&path).unwrap();
            assert_eq!(text.matches("// SAFETY:").count(), blocks);
        } else {
            assert!(!code.contains("unsafe "), "{}", path.display());
        }
    }
}

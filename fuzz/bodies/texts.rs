//! `json`: the library's reading of JSON against serde_json's own.
//!
//! What may differ: more than 64 levels and a name that stands twice are
//! refused by the library alone; half a surrogate pair in a value that is only
//! passed on, and a number beyond any float, are refused by serde_json alone.

use std::borrow::Cow;
use std::fmt;

use campaign_signer::json::{self, Fault, MAX_DEPTH, Shape};
use serde::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};

pub fn json(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else {
        return;
    };
    let tree: Result<Tree, _> = serde_json::from_str(text);
    let tree = tree.map_err(|error| error.to_string());
    check_object(text, &tree);
    check_array(text, &tree);
    check_string(text);
    if let Ok(tree) = &tree {
        check_compact(text, tree);
    }
    if let Some((first, second)) = text.split_once('\n') {
        check_same(first, second);
    }
}

/// Whether serde_json refuses what the library need not look at.
fn is_excused(text: &str, tree: &Result<Tree, String>) -> bool {
    match tree {
        Ok(_) => false,
        Err(words) => words.contains("number out of range") || json::check_strings(text).is_err(),
    }
}

fn check_object(text: &str, tree: &Result<Tree, String>) {
    match json::object(text) {
        Ok(members) => match tree {
            Ok(Tree::Object(own)) => {
                assert!(depth(tree.as_ref().unwrap()) <= MAX_DEPTH);
                assert!(json::check_strings(text).is_ok());
                assert_eq!(members.len(), own.len());
                for ((name, token), (own_name, own_value)) in members.iter().zip(own) {
                    assert_eq!(name, own_name);
                    assert_eq!(&serde_json::from_str::<Tree>(token).unwrap(), own_value);
                    assert_eq!(Shape::of(token), own_value.shape());
                }
            }
            Ok(_) => panic!("read as an object"),
            Err(words) => assert!(is_excused(text, tree), "{words}"),
        },
        Err(Fault::Duplicate(name)) => match tree {
            Ok(Tree::Object(own)) => {
                assert!(own.iter().filter(|(other, _)| *other == name).count() > 1);
            }
            Ok(_) => panic!("a name in no object"),
            Err(words) => assert!(is_excused(text, tree), "{words}"),
        },
        Err(fault) => check_fault(&fault, Shape::Object, text, tree),
    }
}

fn check_array(text: &str, tree: &Result<Tree, String>) {
    match json::array(text) {
        Ok(elements) => match tree {
            Ok(Tree::Array(own)) => {
                assert_eq!(elements.len(), own.len());
                for (token, own) in elements.iter().zip(own) {
                    assert_eq!(&serde_json::from_str::<Tree>(token).unwrap(), own);
                }
            }
            Ok(_) => panic!("read as an array"),
            Err(words) => assert!(is_excused(text, tree), "{words}"),
        },
        Err(fault) => check_fault(&fault, Shape::Array, text, tree),
    }
}

fn check_fault(fault: &Fault, wanted: Shape, text: &str, tree: &Result<Tree, String>) {
    assert!(!fault.to_string().is_empty());
    match (fault, tree) {
        (Fault::Invalid(words), Ok(_)) => panic!("refused, but valid: {words}"),
        (Fault::Shape(shape), Ok(tree)) => {
            assert_eq!(*shape, tree.shape());
            assert_ne!(*shape, wanted);
        }
        (Fault::Shape(_), Err(words)) => assert!(is_excused(text, tree), "{words}"),
        (Fault::TooDeep, Ok(tree)) => assert!(depth(tree) > MAX_DEPTH),
        (Fault::Duplicate(_), _) => panic!("names in an array"),
        (Fault::Invalid(_) | Fault::TooDeep, Err(_)) => {}
    }
}

fn check_string(text: &str) {
    let own = serde_json::from_str::<String>(text);
    match json::string(text) {
        Ok(ours) => assert_eq!(ours, own.unwrap()),
        Err(_) => assert!(own.is_err()),
    }
    let mut out = Vec::new();
    json::write_string(text, &mut out);
    let token = String::from_utf8(out).unwrap();
    assert_eq!(serde_json::from_str::<String>(&token).unwrap(), text);
    assert_eq!(json::string(&token), Ok(Cow::Borrowed(text)));
    assert!(json::check_strings(&token).is_ok());
    assert!(
        token.bytes().all(|byte| byte >= 0x20),
        "a line end in a string"
    );
}

fn check_compact(text: &str, tree: &Tree) {
    let mut out = Vec::new();
    json::write_compact(text, &mut out);
    let compact = String::from_utf8(out).unwrap();
    assert_eq!(&serde_json::from_str::<Tree>(&compact).unwrap(), tree);
    let mut out = Vec::new();
    json::write_compact(&compact, &mut out);
    assert_eq!(out, compact.as_bytes());
    if is_comparable(text, tree) {
        assert!(json::same(text, &compact) && json::same(&compact, text));
    }
}

fn check_same(first: &str, second: &str) {
    let trees = [first, second].map(serde_json::from_str::<Tree>);
    let [Ok(mut one), Ok(mut other)] = trees else {
        return;
    };
    let same = json::same(first, second);
    assert_eq!(same, json::same(second, first));
    if is_comparable(first, &one) && is_comparable(second, &other) {
        one.sort();
        other.sort();
        if same {
            assert_eq!(one, other);
        } else {
            // Numbers are the same by their digits, not by their value.
            assert!(one != other || one.has_numbers());
        }
    }
}

/// Whether the library compares such texts at all; wide ones would take long.
fn is_comparable(text: &str, tree: &Tree) -> bool {
    text.len() <= 4096 && depth(tree) <= MAX_DEPTH && !tree.has_duplicates()
}

/// A JSON value as serde_json reads it, every member kept.
#[derive(Clone, Debug, PartialEq)]
enum Tree {
    Array(Vec<Tree>),
    Boolean(bool),
    Null,
    Number(f64),
    Object(Vec<(String, Tree)>),
    Text(String),
}

impl Tree {
    fn shape(&self) -> Shape {
        match self {
            Self::Array(_) => Shape::Array,
            Self::Boolean(_) => Shape::Boolean,
            Self::Null => Shape::Null,
            Self::Number(_) => Shape::Number,
            Self::Object(_) => Shape::Object,
            Self::Text(_) => Shape::String,
        }
    }

    fn sort(&mut self) {
        match self {
            Self::Array(all) => all.iter_mut().for_each(Self::sort),
            Self::Object(all) => {
                all.iter_mut().for_each(|(_, value)| value.sort());
                all.sort_by(|a, b| a.0.cmp(&b.0));
            }
            _ => {}
        }
    }

    fn has_numbers(&self) -> bool {
        match self {
            Self::Array(all) => all.iter().any(Self::has_numbers),
            Self::Object(all) => all.iter().any(|(_, value)| value.has_numbers()),
            Self::Number(_) => true,
            _ => false,
        }
    }

    fn has_duplicates(&self) -> bool {
        match self {
            Self::Array(all) => all.iter().any(Self::has_duplicates),
            Self::Object(all) => {
                let mut names: Vec<&str> = all.iter().map(|(name, _)| name.as_str()).collect();
                names.sort_unstable();
                names.windows(2).any(|pair| pair[0] == pair[1])
                    || all.iter().any(|(_, value)| value.has_duplicates())
            }
            _ => false,
        }
    }
}

fn depth(tree: &Tree) -> usize {
    let deepest = match tree {
        Tree::Array(all) => all.iter().map(depth).max(),
        Tree::Object(all) => all.iter().map(|(_, value)| depth(value)).max(),
        _ => return 0,
    };
    1 + deepest.unwrap_or(0)
}

impl<'de> Deserialize<'de> for Tree {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Planter)
    }
}

struct Planter;

impl<'de> Visitor<'de> for Planter {
    type Value = Tree;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_bool<E>(self, value: bool) -> Result<Tree, E> {
        Ok(Tree::Boolean(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Tree, E> {
        Ok(Tree::Number(value as f64))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Tree, E> {
        Ok(Tree::Number(value as f64))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Tree, E> {
        Ok(Tree::Number(value))
    }

    fn visit_str<E>(self, value: &str) -> Result<Tree, E> {
        Ok(Tree::Text(value.to_owned()))
    }

    fn visit_unit<E>(self) -> Result<Tree, E> {
        Ok(Tree::Null)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Tree, A::Error> {
        let mut all = Vec::new();
        while let Some(value) = seq.next_element()? {
            all.push(value);
        }
        Ok(Tree::Array(all))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Tree, A::Error> {
        let mut all = Vec::new();
        while let Some(member) = map.next_entry()? {
            all.push(member);
        }
        Ok(Tree::Object(all))
    }
}
